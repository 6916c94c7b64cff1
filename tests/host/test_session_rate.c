/* test_session_rate.c - boards that answer the wish for a higher baud rate in ways that no good
 * board does: every byte the session gets here is written by the test. What happens with good
 * boards is tested where whole boards are (tests/sim/board_rate.c).
 */
#include "session_rig.h"

#include <stdlib.h>
#include <string.h>

enum { MS = 1000, HOME = 115200, MOST = 3000000 };

typedef struct desk {
	vf_session *s;
	uint64_t now;
	uint16_t number;
	uint8_t body[VF_WIRE_BODY_MAX + 4]; /* the last frame of the session */
	size_t len;
	unsigned frames;
	uint32_t told; /* what the port is to be set to */
	unsigned changes;
	unsigned lines;
} desk;

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size == 0) {
		free(p);
		return NULL;
	}
	return realloc(p, size);
}

static uint64_t random_number(void *ctx)
{
	(void)ctx;
	return UINT64_C(0x1122334455667788);
}

static void take_text(void *ctx, const char *line, size_t len)
{
	(void)line;
	(void)len;
	((desk *)ctx)->lines++;
}

static void say(desk *d, const uint8_t *body, size_t len)
{
	uint8_t out[VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)];
	vf_encoder e;

	vf_encode_begin(&e, out, sizeof out);
	vf_encode_put(&e, body, len);
	vf_session_rx(d->s, out, vf_encode_end(&e), d->now);
}

static void say_rate(desk *d, uint8_t kind, uint32_t rate, size_t len)
{
	uint8_t body[VF_WIRE_RATE_SIZE];

	vf_put_header(body, kind, d->number++, (uint32_t)vf_session_number(d->s));
	vf_put32(body + VF_WIRE_HEADER, rate);
	say(d, body, len);
}

static void say_refuse(desk *d, uint8_t code, uint8_t kind)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	const vf_refuse r = {code, kind, 1, 1};

	say(d, body, vf_pack_refuse(body, d->number++, (uint32_t)vf_session_number(d->s), &r));
}

static void say_state(desk *d, uint16_t seen)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	const vf_state s = {.seen = seen, .limit = 8192, .damaged = 7};

	say(d, body, vf_pack_state(body, d->number++, (uint32_t)vf_session_number(d->s), &s));
}

static void say_back(desk *d)
{
	d->body[1] = VF_KIND_ECHOED;
	say(d, d->body, d->len);
}

/* Takes all that the session sends, and keeps the last frame. */
static void hear(desk *d)
{
	const uint8_t *p;
	vf_decoder decoder;
	size_t len;

	vf_decoder_init(&decoder, d->body, sizeof d->body);
	if (vf_session_rate(d->s, &d->told))
		d->changes++;
	while ((p = vf_session_tx(d->s, &len, d->now)) != NULL) {
		for (size_t at = 0; at < len;) {
			enum vf_decoder_event event;
			at += vf_decode(&decoder, p + at, len - at, &event);
			if (event == VF_DECODE_FRAME) {
				d->len = decoder.len;
				d->frames++;
			}
		}
		vf_session_tx_done(d->s, len, d->now);
	}
}

static void pass(desk *d, uint64_t us)
{
	for (uint64_t end = d->now + us; d->now < end;) {
		uint64_t due = vf_session_deadline(d->s);
		d->now = due < end ? due : end;
		vf_session_tick(d->s, d->now);
		assert_true(vf_session_deadline(d->s) > d->now);
		hear(d);
	}
}

/* Up to the wish for a rate. */
static void open_until_asked(desk *d)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_welcome w = {.version = 1,
			.version_max = 1,
			.memories = 1,
			.ring = 4096,
			.credit = 3584,
			.window = 8192,
			.payload = 256,
			.answer = 256,
			.queue = 16,
			.rate = MOST};
	vf_memory m = {.name = "paper",
		       .kind = VF_MEMORY_NOR,
		       .dies = 1,
		       .size = 1 << 20,
		       .page = 256,
		       .unit = 1,
		       .erase_types = 1,
		       .erase = {{4096, 1000, 9000}}};

	vf_session_open(d->s, d->now);
	hear(d);
	w.session = vf_session_number(d->s);
	strcpy(w.name, "DESK");
	say(d, body, vf_pack_welcome(body, d->number++, &w));
	hear(d);
	say(d, body, vf_pack_memory(body, d->number++, (uint32_t)w.session, 0, &m, NULL));
	hear(d);
	assert_int_equal(vf_body_kind(d->body), VF_KIND_RATE);
	assert_int_equal(vf_get32(d->body + VF_WIRE_HEADER), MOST);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
}

static int setup(void **state)
{
	desk *d = calloc(1, sizeof *d);

	assert_non_null(d);
	d->now = 5000 * MS;
	d->told = HOME;
	vf_session_config c = {.alloc = {resize, d},
			       .random = random_number,
			       .text = take_text,
			       .ctx = d,
			       .rate = HOME,
			       .rate_max = MOST};
	d->s = vf_session_new(&c);
	assert_non_null(d->s);
	open_until_asked(d);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	desk *d = *state;

	vf_session_free(d->s);
	free(d);
	return 0;
}

static void expect_open(desk *d, uint32_t baud)
{
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	assert_int_equal(d->told, baud);
	assert_int_equal(vf_session_stats_get(d->s)->baud, baud);
}

/* The session is back at the home rate and asks whether the board is, too. */
static void expect_asks_for_state(desk *d)
{
	unsigned before = d->frames;

	pass(d, 300 * MS);
	assert_true(d->frames > before);
	assert_int_equal(d->told, HOME);
	assert_int_equal(vf_body_kind(d->body), VF_KIND_QUERY);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
}

static void proven(desk *d, uint32_t baud)
{
	say_rate(d, VF_KIND_RATED, baud, VF_WIRE_RATE_SIZE);
	hear(d);
	assert_int_equal(d->told, baud);
	for (unsigned i = 0; i < 4; i++) {
		pass(d, 20 * MS);
		assert_int_equal(vf_body_kind(d->body), VF_KIND_ECHO);
		say_back(d);
		hear(d);
	}
	assert_int_equal(vf_body_kind(d->body), VF_KIND_QUERY);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
}

/* --- the way up ------------------------------------------------------------------- */

static void echoes_then_a_state(void **state)
{
	desk *d = *state;

	proven(d, 2000000);
	say_state(d, (uint16_t)(vf_body_number(d->body) - 1)); /* has not seen the question */
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
	say_state(d, vf_body_number(d->body));
	expect_open(d, 2000000);
	assert_int_equal(vf_session_stats_get(d->s)->damaged_there, 0);
}

static void the_state_is_asked_for_again(void **state)
{
	desk *d = *state;

	proven(d, 2000000);
	unsigned before = d->frames;
	pass(d, 200 * MS);
	assert_int_equal(d->frames, before + 1);
	say_state(d, vf_body_number(d->body));
	expect_open(d, 2000000);
}

static void one_echo_may_be_lost(void **state)
{
	desk *d = *state;

	say_rate(d, VF_KIND_RATED, MOST, VF_WIRE_RATE_SIZE);
	hear(d);
	pass(d, 200 * MS);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(vf_body_kind(d->body), VF_KIND_ECHO);
		say_back(d);
		hear(d);
	}
	say_state(d, vf_body_number(d->body));
	expect_open(d, MOST);
}

static void nothing_is_sent_before_the_port_is_set(void **state)
{
	desk *d = *state;
	size_t len;
	uint32_t baud;

	say_rate(d, VF_KIND_RATED, MOST, VF_WIRE_RATE_SIZE);
	vf_session_tick(d->s, d->now + 100 * MS);
	assert_null(vf_session_tx(d->s, &len, d->now + 100 * MS));
	assert_true(vf_session_rate(d->s, &baud));
	assert_int_equal(baud, MOST);
	assert_false(vf_session_rate(d->s, &baud));
}

/* --- boards that do not -------------------------------------------------------------- */

static void a_board_that_refuses(void **state)
{
	desk *d = *state;

	say_refuse(d, VF_REFUSE_KIND, VF_KIND_RATE);
	expect_open(d, HOME);
	assert_int_equal(d->changes, 0);
}

static void a_board_that_stays(void **state)
{
	desk *d = *state;

	say_rate(d, VF_KIND_RATED, HOME, VF_WIRE_RATE_SIZE);
	expect_open(d, HOME);
	assert_int_equal(d->changes, 0);
}

static void a_board_that_grants_nonsense(void **state)
{
	static const uint32_t nonsense[] = {0, 1, HOME - 1, MOST + 1, UINT32_MAX};
	desk *d = *state;

	for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
		say_rate(d, VF_KIND_RATED, nonsense[i], VF_WIRE_RATE_SIZE);
		hear(d);
		expect_asks_for_state(d);
		assert_int_equal(d->changes, 0);
		say_state(d, vf_body_number(d->body));
		hear(d);
		if (vf_session_status(d->s) == VF_SESSION_OPEN)
			break; /* it has asked often enough */
		assert_int_equal(vf_body_kind(d->body), VF_KIND_RATE);
	}
	expect_open(d, HOME);
}

static void a_rate_cut_short(void **state)
{
	desk *d = *state;

	say_rate(d, VF_KIND_RATED, MOST, VF_WIRE_RATE_SIZE - 1);
	hear(d);
	assert_int_equal(d->changes, 0);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
	say_rate(d, VF_KIND_RATED, MOST, VF_WIRE_RATE_SIZE);
	hear(d);
	assert_int_equal(d->told, MOST);
}

static void a_board_that_never_answers(void **state)
{
	desk *d = *state;

	pass(d, 20000 * MS);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_LOST);
	assert_non_null(strstr(vf_session_error(d->s)->text, "115200"));
	assert_int_equal(d->told, HOME);
}

static void a_board_that_never_comes_home(void **state)
{
	desk *d = *state;

	say_rate(d, VF_KIND_RATED, MOST, VF_WIRE_RATE_SIZE);
	hear(d);
	pass(d, 20000 * MS);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_LOST);
	assert_non_null(strstr(vf_session_error(d->s)->text, "did not come back to 115200"));
	assert_int_equal(d->told, HOME);
	assert_int_equal(d->changes, 2);
}

static void nobody_asked(void **state)
{
	desk *d = *state;

	say_refuse(d, VF_REFUSE_KIND, VF_KIND_RATE);
	for (unsigned i = 0; i < 3; i++) {
		say_rate(d, VF_KIND_RATED, MOST, VF_WIRE_RATE_SIZE);
		say_refuse(d, VF_REFUSE_KIND, VF_KIND_RATE);
		pass(d, 1000 * MS);
	}
	expect_open(d, HOME);
	assert_int_equal(d->changes, 0);
}

static void noise_on_trial_is_no_text(void **state)
{
	desk *d = *state;

	say_rate(d, VF_KIND_RATED, MOST, VF_WIRE_RATE_SIZE);
	hear(d);
	vf_session_rx(d->s, (const uint8_t *)"\0qq\r\nx\n", 7, d->now);
	assert_int_equal(d->lines, 0);
	pass(d, 700 * MS);
	assert_int_equal(d->told, HOME);
	vf_session_rx(d->s, (const uint8_t *)"\0qq\r\n", 5, d->now);
	assert_int_equal(d->lines, 0);
	expect_asks_for_state(d);
}

static void the_end_at_a_higher_rate(void **state)
{
	desk *d = *state;
	uint8_t body[VF_WIRE_HEADER + 4] = {0};

	proven(d, MOST);
	say_state(d, vf_body_number(d->body));
	expect_open(d, MOST);
	vf_session_close(d->s, d->now);
	hear(d);
	assert_int_equal(vf_body_kind(d->body), VF_KIND_ABORT);
	assert_int_equal(d->told, MOST);
	vf_put_header(body, VF_KIND_ENDED, d->number++, (uint32_t)vf_session_number(d->s));
	say(d, body, sizeof body);
	hear(d);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_CLOSED);
	assert_int_equal(d->told, HOME);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(echoes_then_a_state),
		T(the_state_is_asked_for_again),
		T(one_echo_may_be_lost),
		T(nothing_is_sent_before_the_port_is_set),
		T(a_board_that_refuses),
		T(a_board_that_stays),
		T(a_board_that_grants_nonsense),
		T(a_rate_cut_short),
		T(a_board_that_never_answers),
		T(a_board_that_never_comes_home),
		T(nobody_asked),
		T(noise_on_trial_is_no_text),
		T(the_end_at_a_higher_rate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
