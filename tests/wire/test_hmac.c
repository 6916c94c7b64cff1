/* HMAC-SHA-256 against RFC 4231 and another implementation's, and what is made with it of a
 * board's key against the golden ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/wire.h>

#include "golden_file.h"

static void code(uint8_t out[VF_SHA256_SIZE], const uint8_t *key, size_t key_len,
		 const uint8_t *data, size_t len, size_t piece)
{
	vf_hmac h;

	vf_hmac_init(&h, key, key_len);
	for (size_t at = 0; at < len; at += piece)
		vf_hmac_update(&h, data + at, len - at < piece ? len - at : piece);
	vf_hmac_final(&h, out);
}

static void check_code(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
		       const uint8_t *expected, size_t expected_len)
{
	static const size_t pieces[] = {1, 7, 64, 100000};

	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		uint8_t out[VF_SHA256_SIZE];
		code(out, key, key_len, data, len, pieces[i]);
		assert_memory_equal(out, expected, expected_len);
	}
}

/* The seven cases of RFC 4231, section 4; of the fifth only 128 bits are given. */
static void published(void **unused)
{
	static const struct {
		const char *key, *data;
		uint8_t key_byte, data_byte; /* repeated, where there is no text */
		size_t key_len, len, out_len;
		uint8_t out[VF_SHA256_SIZE];
	} known[] = {
		{NULL, "Hi There", 0x0B, 0, 20, 8, 32, {0xB0, 0x34, 0x4C, 0x61, 0xD8, 0xDB, 0x38,
							0x53, 0x5C, 0xA8, 0xAF, 0xCE, 0xAF, 0x0B,
							0xF1, 0x2B, 0x88, 0x1D, 0xC2, 0x00, 0xC9,
							0x83, 0x3D, 0xA7, 0x26, 0xE9, 0x37, 0x6C,
							0x2E, 0x32, 0xCF, 0xF7}},
		{"Jefe", "what do ya want for nothing?", 0, 0, 4, 28, 32, {0x5B, 0xDC, 0xC1, 0x46,
									   0xBF, 0x60, 0x75, 0x4E,
									   0x6A, 0x04, 0x24, 0x26,
									   0x08, 0x95, 0x75, 0xC7,
									   0x5A, 0x00, 0x3F, 0x08,
									   0x9D, 0x27, 0x39, 0x83,
									   0x9D, 0xEC, 0x58, 0xB9,
									   0x64, 0xEC, 0x38, 0x43}},
		{NULL, NULL, 0xAA, 0xDD, 20, 50, 32, {0x77, 0x3E, 0xA9, 0x1E, 0x36, 0x80, 0x0E,
						      0x46, 0x85, 0x4D, 0xB8, 0xEB, 0xD0, 0x91,
						      0x81, 0xA7, 0x29, 0x59, 0x09, 0x8B, 0x3E,
						      0xF8, 0xC1, 0x22, 0xD9, 0x63, 0x55, 0x14,
						      0xCE, 0xD5, 0x65, 0xFE}},
		{"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\x10\x11\x12\x13"
		 "\x14\x15\x16\x17\x18\x19",
		 NULL,
		 0,
		 0xCD,
		 25,
		 50,
		 32,
		 {0x82, 0x55, 0x8A, 0x38, 0x9A, 0x44, 0x3C, 0x0E, 0xA4, 0xCC, 0x81,
		  0x98, 0x99, 0xF2, 0x08, 0x3A, 0x85, 0xF0, 0xFA, 0xA3, 0xE5, 0x78,
		  0xF8, 0x07, 0x7A, 0x2E, 0x3F, 0xF4, 0x67, 0x29, 0x66, 0x5B}},
		{NULL,
		 "Test With Truncation",
		 0x0C,
		 0,
		 20,
		 20,
		 16,
		 {0xA3, 0xB6, 0x16, 0x74, 0x73, 0x10, 0x0E, 0xE0, 0x6E, 0x0C, 0x79, 0x6C, 0x29,
		  0x55, 0x55, 0x2B}},
		{NULL,
		 "Test Using Larger Than Block-Size Key - Hash Key First",
		 0xAA,
		 0,
		 131,
		 54,
		 32,
		 {0x60, 0xE4, 0x31, 0x59, 0x1E, 0xE0, 0xB6, 0x7F, 0x0D, 0x8A, 0x26,
		  0xAA, 0xCB, 0xF5, 0xB7, 0x7F, 0x8E, 0x0B, 0xC6, 0x21, 0x37, 0x28,
		  0xC5, 0x14, 0x05, 0x46, 0x04, 0x0F, 0x0E, 0xE3, 0x7F, 0x54}},
		{NULL,
		 "This is a test using a larger than block-size key and a larger than block-size "
		 "data. The key needs to be hashed before being used by the HMAC algorithm.",
		 0xAA,
		 0,
		 131,
		 152,
		 32,
		 {0x9B, 0x09, 0xFF, 0xA7, 0x1B, 0x94, 0x2F, 0xCB, 0x27, 0x63, 0x5F,
		  0xBC, 0xD5, 0xB0, 0xE9, 0x44, 0xBF, 0xDC, 0x63, 0x64, 0x4F, 0x07,
		  0x13, 0x93, 0x8A, 0x7F, 0x51, 0x53, 0x5C, 0x3A, 0x35, 0xE2}},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		uint8_t key[131], data[152];
		memset(key, known[i].key_byte, sizeof key);
		memset(data, known[i].data_byte, sizeof data);
		if (known[i].key != NULL)
			memcpy(key, known[i].key, known[i].key_len);
		if (known[i].data != NULL)
			memcpy(data, known[i].data, known[i].len);
		check_code(key, known[i].key_len, data, known[i].len, known[i].out,
			   known[i].out_len);
	}
}

static void golden_codes(void **unused)
{
	struct golden_file f;
	struct golden_record r;
	unsigned count = 0;

	(void)unused;
	golden_open(&f, GOLDEN_DIR "/codes.txt");
	for (; golden_next(&f, &r); count++) {
		size_t key_len, len, out_len;
		uint8_t *key = golden_bytes(&r, "key", &key_len);
		uint8_t *data = golden_bytes(&r, "data", &len);
		uint8_t *out = golden_bytes(&r, "hmac", &out_len);
		assert_int_equal(out_len, VF_SHA256_SIZE);
		check_code(key, key_len, data, len, out, out_len);
		free(key);
		free(data);
		free(out);
	}
	golden_close(&f);
	assert_int_equal(count, 9);
}

static void take(uint8_t *to, size_t room, const struct golden_record *r, const char *field)
{
	size_t len;
	uint8_t *bytes = golden_bytes(r, field, &len);

	assert_int_equal(len, room);
	memcpy(to, bytes, len);
	free(bytes);
}

static void check_derived(const struct golden_record *r)
{
	uint8_t key[VF_KEY_SIZE], seed[VF_NONCE_SIZE], nonce[VF_NONCE_SIZE];
	uint8_t out[VF_SHA256_SIZE], expected[VF_SHA256_SIZE];
	vf_guard_terms terms = {.session = golden_number(r, "session")};

	take(key, sizeof key, r, "key");
	take(seed, sizeof seed, r, "seed");
	take(terms.board, sizeof terms.board, r, "nonce");
	take(terms.host, sizeof terms.host, r, "host");
	vf_guard_nonce(nonce, key, seed, golden_number(r, "count"));
	assert_memory_equal(nonce, terms.board, sizeof nonce);
	take(expected, sizeof expected, r, "proof");
	vf_guard_derive(out, key, VF_GUARD_HOST_PROOF, &terms);
	assert_memory_equal(out, expected, sizeof out);
	take(expected, sizeof expected, r, "board_proof");
	vf_guard_derive(out, key, VF_GUARD_BOARD_PROOF, &terms);
	assert_memory_equal(out, expected, sizeof out);
	take(expected, sizeof expected, r, "session_key");
	vf_guard_derive(out, key, VF_GUARD_SESSION_KEY, &terms);
	assert_memory_equal(out, expected, sizeof out);
}

static void check_trailer(const struct golden_record *r)
{
	uint8_t key[VF_KEY_SIZE], out[VF_TRAILER_SIZE], expected[VF_TRAILER_SIZE];
	size_t len;
	uint8_t *message = golden_bytes(r, "message", &len);
	vf_hmac h;

	take(key, sizeof key, r, "session_key");
	take(expected, sizeof expected, r, "trailer");
	vf_trailer_begin(&h, key, golden_number(r, "number"));
	vf_hmac_update(&h, message, len);
	vf_trailer_end(&h, out);
	assert_memory_equal(out, expected, sizeof out);
	free(message);
}

static void golden_guards(void **unused)
{
	struct golden_file f;
	struct golden_record r;
	unsigned count = 0;

	(void)unused;
	golden_open(&f, GOLDEN_DIR "/guard.txt");
	for (; golden_next(&f, &r); count++) {
		check_derived(&r);
		check_trailer(&r);
	}
	golden_close(&f);
	assert_int_equal(count, 6);
}

static void secrets_are_the_same_or_not(void **unused)
{
	uint8_t a[32] = {1, 2, 3}, b[32];

	(void)unused;
	memcpy(b, a, sizeof b);
	assert_true(vf_same_secret(a, b, sizeof a));
	assert_true(vf_same_secret(a, b, 0));
	for (unsigned bit = 0; bit < 8 * sizeof a; bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(vf_same_secret(a, b, sizeof a));
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published),
		cmocka_unit_test(golden_codes),
		cmocka_unit_test(golden_guards),
		cmocka_unit_test(secrets_are_the_same_or_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
