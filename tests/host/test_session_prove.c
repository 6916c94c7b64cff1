/* test_session_prove.c - a session with a board that has a key, where that board does not
 * do as it should: what the host believes, how long it waits, and what it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/session.h>

static const uint8_t key[VF_KEY_SIZE] = {1, 2, 3};

typedef struct talk {
	vf_session *s;
	uint64_t now, random;
	vf_guard_terms terms;
	unsigned hellos, proves, starts;
} talk;

static uint64_t some_number(void *ctx)
{
	talk *k = ctx;
	return ++k->random * 0x9E3779B97F4A7C15u;
}

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size > 0)
		return realloc(p, size);
	free(p);
	return NULL;
}

static void say(talk *k, const uint8_t *body, size_t len)
{
	uint8_t raw[VF_WIRE_FRAME_SIZE(VF_WIRE_CONTROL_MAX)];
	vf_encoder e;
	vf_encode_begin(&e, raw, sizeof raw);
	vf_encode_put(&e, body, len);
	vf_session_rx(k->s, raw, vf_encode_end(&e), k->now);
}

/* What the session sends now. */
static void listen(talk *k)
{
	uint8_t body[VF_WIRE_BODY_MAX + 4];
	size_t len;
	const uint8_t *raw;
	vf_session_tick(k->s, k->now);
	while ((raw = vf_session_tx(k->s, &len, k->now)) != NULL) {
		vf_decoder d;
		enum vf_decoder_event event;
		vf_decoder_init(&d, body, sizeof body);
		for (size_t at = 0; at < len;) {
			at += vf_decode(&d, raw + at, len - at, &event);
			if (event != VF_DECODE_FRAME)
				continue;
			k->hellos += vf_body_kind(body) == VF_KIND_HELLO;
			if (vf_body_kind(body) != VF_KIND_PROVE)
				continue;
			k->proves++;
			memcpy(k->terms.host, body + VF_WIRE_HEADER, VF_NONCE_SIZE);
		}
		vf_session_tx_done(k->s, len, k->now);
	}
}

static void welcome(talk *k)
{
	static const vf_memory nor = {.name = "nor",
				      .kind = VF_MEMORY_NOR,
				      .flags = VF_MEMORY_READ | VF_MEMORY_WRITE,
				      .dies = 1,
				      .base = 0x90000000,
				      .size = 65536,
				      .page = 256,
				      .unit = 1,
				      .page_max_us = 1000,
				      .erase_types = 1,
				      .erase = {{4096, 1000, 2000}}};
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_welcome w = {.version = 1,
			.version_max = 1,
			.memories = 1,
			.trailer = VF_TRAILER_SIZE,
			.session = vf_session_number(k->s),
			.capabilities = VF_CAP_KEY,
			.ring = 4096,
			.credit = 3584,
			.window = 1024,
			.payload = 256,
			.answer = 256,
			.queue = 16,
			.name = "board",
			.nonce = {9, 8, 7}};
	w.nonce[3] = (uint8_t)k->starts;
	k->terms.session = w.session;
	memcpy(k->terms.board, w.nonce, sizeof w.nonce);
	say(k, body, vf_pack_welcome(body, 1, &w));
	say(k, body, vf_pack_memory(body, 2, (uint32_t)w.session, 0, &nor, NULL));
}

static talk *begin(bool with_key)
{
	talk *k = calloc(1, sizeof *k);
	assert_non_null(k);
	vf_session_config config = {.alloc = {resize, NULL},
				    .random = some_number,
				    .ctx = k,
				    .key = with_key ? key : NULL};
	k->now = 1000000;
	k->s = vf_session_new(&config);
	assert_non_null(k->s);
	vf_session_open(k->s, k->now);
	listen(k);
	assert_int_equal(k->hellos, 1);
	welcome(k);
	listen(k);
	return k;
}

static void end(talk *k)
{
	vf_session_free(k->s);
	free(k);
}

static void answer(talk *k, uint8_t result, uint32_t wait_ms, const uint8_t *with, unsigned wrong)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_proved p = {.result = result, .wait_ms = wait_ms};
	vf_guard_derive(p.proof, with, VF_GUARD_BOARD_PROOF, &k->terms);
	p.proof[wrong / 8 % VF_SHA256_SIZE] ^= (uint8_t)(wrong != 0 ? 1u << wrong % 8 : 0);
	say(k, body, vf_pack_proved(body, 3, (uint32_t)k->terms.session, &p));
	listen(k);
}

static void assert_refused(talk *k, const char *words)
{
	assert_int_equal(vf_session_status(k->s), VF_SESSION_LOST);
	assert_int_equal(vf_session_error(k->s)->code, VF_E_REFUSED);
	assert_non_null(strstr(vf_session_error(k->s)->text, words));
}

static void without_a_key_nothing_can_be_submitted(void **state)
{
	vf_operation op = {
		.message = {.type = VF_MESSAGE_ERASE, .address = 0x90000000, .length = 4096}};
	talk *k = begin(false);
	(void)state;
	assert_int_equal(vf_session_status(k->s), VF_SESSION_OPEN);
	assert_int_equal(k->proves, 0);
	assert_false(vf_session_board(k->s)->proven);
	assert_int_equal(vf_session_submit(k->s, &op), VF_E_USAGE);
	end(k);
}

static void with_the_key_it_opens(void **state)
{
	uint8_t data[1024 - 31] = {0};
	vf_operation op = {
		.message = {.type = VF_MESSAGE_PROGRAM, .address = 0x90000000, .length = 993},
		.data = data};
	talk *k = begin(true);
	(void)state;
	assert_int_equal(vf_session_status(k->s), VF_SESSION_OPENING);
	assert_int_equal(k->proves, 1);
	answer(k, VF_PROVED_YES, 0, key, 0);
	assert_int_equal(vf_session_status(k->s), VF_SESSION_OPEN);
	assert_true(vf_session_board(k->s)->proven);
	assert_int_equal(vf_session_submit(k->s, &op), VF_E_USAGE); /* longer than it can hold */
	op.message.length = 992;
	assert_int_equal(vf_session_submit(k->s, &op), VF_OK);
	end(k);
}

static void a_board_that_does_not_hold_it_is_not_believed(void **state)
{
	static const uint8_t other[VF_KEY_SIZE] = {1, 2, 4};
	talk *k = begin(true);
	(void)state;
	answer(k, VF_PROVED_YES, 0, other, 0);
	assert_refused(k, "does not hold the key");
	end(k);
	for (unsigned bit = 1; bit < 256; bit += 17) {
		k = begin(true);
		answer(k, VF_PROVED_YES, 0, key, bit);
		assert_refused(k, "does not hold the key");
		end(k);
	}
}

static void a_board_that_says_no_is_left(void **state)
{
	talk *k = begin(true);
	(void)state;
	answer(k, VF_PROVED_NO, 1000, key, 0);
	assert_int_equal(k->hellos, 2);
	answer(k, VF_PROVED_NO, 1000, key, 0); /* to the same, sent twice */
	assert_int_equal(vf_session_status(k->s), VF_SESSION_OPENING);
	welcome(k);
	assert_refused(k, "another key");
	assert_int_equal(k->proves, 1); /* no second one, for which the board would wait longer */
	end(k);
}

static void a_board_that_restarted_meanwhile_is_asked_again(void **state)
{
	talk *k = begin(true);
	(void)state;
	answer(k, VF_PROVED_NO, 1000, key, 0);
	k->starts++;
	welcome(k);
	listen(k);
	assert_int_equal(k->proves, 2);
	answer(k, VF_PROVED_YES, 0, key, 0);
	assert_int_equal(vf_session_status(k->s), VF_SESSION_OPEN);
	end(k);
	k = begin(true);
	answer(k, VF_PROVED_NO, 1000, key, 0);
	k->starts++;
	welcome(k);
	listen(k);
	answer(k, VF_PROVED_NO, 1000, key, 0);
	assert_refused(k, "another key");
	end(k);
}

static void it_waits_as_long_as_it_is_told(void **state)
{
	talk *k = begin(true);
	(void)state;
	answer(k, VF_PROVED_LATER, 64000, key, 0);
	assert_int_equal(vf_session_held_ms(k->s), 64000);
	const uint64_t until = k->now + 64000000;
	for (; vf_session_deadline(k->s) < until; listen(k))
		k->now = vf_session_deadline(k->s);
	assert_int_equal(k->proves, 1);
	assert_int_equal(vf_session_deadline(k->s), until);
	k->now = until;
	listen(k);
	assert_int_equal(k->proves, 2);
	answer(k, VF_PROVED_YES, 0, key, 0);
	assert_int_equal(vf_session_status(k->s), VF_SESSION_OPEN);
	end(k);
}

static void it_does_not_wait_for_ever(void **state)
{
	talk *k = begin(true);
	(void)state;
	answer(k, VF_PROVED_LATER, 0xFFFFFFFF, key, 0);
	assert_refused(k, "listens to no key");
	end(k);
	k = begin(true);
	for (unsigned i = 0; i < 1000 && vf_session_status(k->s) == VF_SESSION_OPENING; i++) {
		answer(k, VF_PROVED_LATER, 100, key, 0);
		k->now += 100000;
		listen(k);
	}
	assert_refused(k, "listens to no key");
	end(k);
}

/* It repeats itself each quarter of a second, then says where it ended. */
static void a_board_that_falls_silent_is_given_up(void **state)
{
	talk *k = begin(true);
	(void)state;
	while (vf_session_status(k->s) == VF_SESSION_OPENING) {
		assert_true(vf_session_deadline(k->s) < k->now + 10000000);
		k->now = vf_session_deadline(k->s);
		listen(k);
	}
	assert_in_range(k->proves, 10, 14);
	assert_int_equal(vf_session_status(k->s), VF_SESSION_LOST);
	assert_int_equal(vf_session_error(k->s)->code, VF_E_LINK);
	assert_non_null(strstr(vf_session_error(k->s)->text, "when it was shown the key"));
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_key_nothing_can_be_submitted),
		cmocka_unit_test(with_the_key_it_opens),
		cmocka_unit_test(a_board_that_does_not_hold_it_is_not_believed),
		cmocka_unit_test(a_board_that_says_no_is_left),
		cmocka_unit_test(a_board_that_restarted_meanwhile_is_asked_again),
		cmocka_unit_test(it_waits_as_long_as_it_is_told),
		cmocka_unit_test(it_does_not_wait_for_ever),
		cmocka_unit_test(a_board_that_falls_silent_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
