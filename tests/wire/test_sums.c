/* CRC-32, HalfSipHash and SHA-256: published values, the golden ones, and that
 * it does not matter in which pieces data comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/wire.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#include "golden_file.h"
#include "random.h"

static uint32_t crc_of(const uint8_t *data, size_t len)
{
	return vf_crc32_final(vf_crc32_update(VF_CRC32_INIT, data, len));
}

static void digest_of(uint8_t out[VF_DIGEST_SIZE], uint64_t session, const uint8_t *data,
		      size_t len)
{
	vf_digest d;

	vf_digest_init(&d, session);
	vf_digest_update(&d, data, len);
	vf_digest_final(&d, out);
}

static void sha_of(uint8_t out[VF_SHA256_SIZE], const uint8_t *data, size_t len)
{
	vf_sha256 s;

	vf_sha256_init(&s);
	vf_sha256_update(&s, data, len);
	vf_sha256_final(&s, out);
}

static void crc_published(void **unused)
{
	(void)unused;
	assert_int_equal(crc_of((const uint8_t *)"123456789", 9), 0xCBF43926u);
	assert_int_equal(crc_of((const uint8_t *)"", 0), 0);
	assert_int_equal(crc_of((const uint8_t *)"\0\0\0\0", 4), 0x2144DF1Cu);
}

/* Values of HalfSipHash's authors: key 00 … 07, data 00 01 02 …, 64 bits out. */
static void digest_published(void **unused)
{
	static const struct {
		size_t len;
		uint8_t out[VF_DIGEST_SIZE];
	} known[] = {
		{0, {0x21, 0x8D, 0x1F, 0x59, 0xB9, 0xB8, 0x3C, 0xC8}},
		{1, {0xBE, 0x55, 0x24, 0x12, 0xF8, 0x38, 0x73, 0x15}},
		{2, {0x06, 0x4F, 0x39, 0xEF, 0x7C, 0x50, 0xEB, 0x57}},
		{3, {0xCE, 0x0F, 0x1A, 0x45, 0xF7, 0x06, 0x06, 0x79}},
		{4, {0xD5, 0xE7, 0x8A, 0x17, 0x5B, 0xE5, 0x2E, 0xA1}},
		{7, {0xFF, 0x20, 0x27, 0x28, 0xB0, 0x7B, 0xC6, 0x84}},
		{8, {0xED, 0xFE, 0xE8, 0x20, 0xBC, 0xE4, 0x85, 0x8C}},
		{63, {0x2E, 0xA6, 0x3C, 0x71, 0xBF, 0x32, 0x60, 0x87}},
	};
	uint8_t data[64], out[VF_DIGEST_SIZE];

	(void)unused;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		digest_of(out, 0x0706050403020100u, data, known[i].len);
		assert_memory_equal(out, known[i].out, sizeof out);
	}
}

/* FIPS 180-4's examples: "abc" and a million times 'a'. */
static void sha_published(void **unused)
{
	static const uint8_t abc[VF_SHA256_SIZE] = {0xBA, 0x78, 0x16, 0xBF, 0x8F, 0x01, 0xCF, 0xEA,
						    0x41, 0x41, 0x40, 0xDE, 0x5D, 0xAE, 0x22, 0x23,
						    0xB0, 0x03, 0x61, 0xA3, 0x96, 0x17, 0x7A, 0x9C,
						    0xB4, 0x10, 0xFF, 0x61, 0xF2, 0x00, 0x15, 0xAD};
	static const uint8_t million[VF_SHA256_SIZE] = {
		0xCD, 0xC7, 0x6E, 0x5C, 0x99, 0x14, 0xFB, 0x92, 0x81, 0xA1, 0xC7,
		0xE2, 0x84, 0xD7, 0x3E, 0x67, 0xF1, 0x80, 0x9A, 0x48, 0xA4, 0x97,
		0x20, 0x0E, 0x04, 0x6D, 0x39, 0xCC, 0xC7, 0x11, 0x2C, 0xD0};
	uint8_t out[VF_SHA256_SIZE], a[1000];
	vf_sha256 s;

	(void)unused;
	sha_of(out, (const uint8_t *)"abc", 3);
	assert_memory_equal(out, abc, sizeof out);
	memset(a, 'a', sizeof a);
	vf_sha256_init(&s);
	for (int i = 0; i < 1000; i++)
		vf_sha256_update(&s, a, sizeof a);
	vf_sha256_final(&s, out);
	assert_memory_equal(out, million, sizeof out);
}

static void golden_sums(void **unused)
{
	struct golden_file f;
	struct golden_record r;
	unsigned count = 0;

	(void)unused;
	golden_open(&f, GOLDEN_DIR "/sums.txt");
	for (; golden_next(&f, &r); count++) {
		size_t len, sha_len;
		uint8_t *data = golden_pattern(&r, &len);
		uint8_t *sha = golden_bytes(&r, "sha256", &sha_len);
		uint8_t out[VF_SHA256_SIZE];

		assert_int_equal(sha_len, VF_SHA256_SIZE);
		assert_int_equal(crc_of(data, len), golden_number(&r, "crc32"));
		sha_of(out, data, len);
		assert_memory_equal(out, sha, sizeof out);
		free(data);
		free(sha);
	}
	golden_close(&f);
	assert_true(count > 0);
}

/* A group as §5.2 has it, from the digests of its sectors. */
static size_t digest_groups(uint8_t *out, const struct golden_record *r, const uint8_t *data,
			    size_t len)
{
	uint64_t session = golden_number(r, "session");
	size_t sector = golden_number(r, "sector"), group = golden_number(r, "group");
	size_t at = 0, made = 0;

	do {
		size_t sectors = 0;
		uint8_t one[VF_DIGEST_SIZE];
		vf_digest all;

		vf_digest_init(&all, session);
		for (; sectors < group && (at < len || (at == 0 && sectors == 0)); sectors++) {
			size_t n = len - at < sector ? len - at : sector;

			digest_of(one, session, data + at, n);
			vf_digest_update(&all, one, sizeof one);
			at += n;
		}
		if (sectors > 1)
			vf_digest_final(&all, one);
		memcpy(out + made, one, sizeof one);
		made += sizeof one;
	} while (at < len);
	return made;
}

static void golden_digests(void **unused)
{
	struct golden_file f;
	struct golden_record r;
	unsigned count = 0;

	(void)unused;
	golden_open(&f, GOLDEN_DIR "/digests.txt");
	for (; golden_next(&f, &r); count++) {
		size_t len, answer_len;
		uint8_t *data = golden_pattern(&r, &len);
		uint8_t *answer = golden_bytes(&r, "answer", &answer_len);
		uint8_t *out = malloc(answer_len);

		assert_int_equal(digest_groups(out, &r, data, len), answer_len);
		assert_memory_equal(out, answer, answer_len);
		free(data);
		free(answer);
		free(out);
	}
	golden_close(&f);
	assert_true(count > 0);
}

/* The values in sums.txt are zlib's; here is it itself, on anything. */
static void crc_as_zlib(void **state)
{
#ifdef HAVE_ZLIB
	struct random *r = *state;
	uint8_t data[600];

	for (int round = 0; round < 5000; round++) {
		size_t start = random_below(r, 4), len = random_below(r, 596);

		random_bytes(r, data, sizeof data);
		assert_int_equal(crc_of(data + start, len), crc32(0, data + start, (uInt)len));
	}
#else
	(void)state;
	skip();
#endif
}

static void pieces_do_not_matter(void **state)
{
	struct random *rnd = *state;
	uint8_t data[700], whole[VF_SHA256_SIZE], parts[VF_SHA256_SIZE];

	for (int round = 0; round < 2000; round++) {
		size_t len = random_below(rnd, sizeof data), most = 1 + random_below(rnd, 130);
		uint32_t crc = VF_CRC32_INIT;
		vf_sha256 s;
		vf_digest d;

		random_bytes(rnd, data, len);
		vf_sha256_init(&s);
		vf_digest_init(&d, len);
		for (size_t at = 0; at < len;) {
			size_t n = random_below(rnd, (uint32_t)most + 1);

			if (n > len - at)
				n = len - at;
			crc = vf_crc32_update(crc, data + at, n);
			vf_sha256_update(&s, data + at, n);
			vf_digest_update(&d, data + at, n);
			at += n;
		}
		assert_int_equal(vf_crc32_final(crc), crc_of(data, len));
		vf_sha256_final(&s, parts);
		sha_of(whole, data, len);
		assert_memory_equal(whole, parts, VF_SHA256_SIZE);
		vf_digest_final(&d, parts);
		digest_of(whole, len, data, len);
		assert_memory_equal(whole, parts, VF_DIGEST_SIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_published),        cmocka_unit_test(digest_published),
		cmocka_unit_test(sha_published),        cmocka_unit_test(golden_sums),
		cmocka_unit_test(golden_digests),       cmocka_unit_test(crc_as_zlib),
		cmocka_unit_test(pieces_do_not_matter),
	};

	return cmocka_run_group_tests_name("wire: checks and digests", tests, random_setup,
					   random_teardown);
}
