/* test_session_board.c - a session with boards, and things that are no board, that do what a
 * good board never does: every byte the session gets here is written by the test.
 */
#include <stdlib.h>
#include <string.h>

#include "desk.h"
#include "session_rig.h"

/* --- opening -------------------------------------------------------------------------- */

static void hello_says_who_and_is_repeated(void **state)
{
	desk *d = *state;
	vf_hello h;

	vf_session_open(d->s, d->now);
	desk_take(d);
	assert_int_equal(d->count, 1);
	assert_int_equal(vf_unpack_hello(&h, d->inbox[0].body, d->inbox[0].len), 0);
	assert_true(h.session == vf_session_number(d->s));
	assert_int_equal(h.version_min, 1);
	assert_int_equal(h.payload, 4096);
	assert_int_equal(desk_pass(d, 1000 * MS, VF_KIND_HELLO), 4);
}

static void silence_is_told_as_silence(void **state)
{
	desk *d = *state;

	vf_session_open(d->s, d->now);
	(void)desk_pass(d, 2999 * MS, 0);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
	(void)desk_pass(d, 2 * MS, 0);
	desk_assert_lost(d, "nothing answered within 3000 ms");
	assert_true(vf_session_deadline(d->s) == UINT64_MAX);
}

static void garbage_is_told_as_garbage(void **state)
{
	desk *d = *state;
	uint8_t noise[300];

	vf_session_open(d->s, d->now);
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)(i * 37 + 128);
	desk_raw(d, noise, sizeof noise);
	(void)desk_pass(d, 3100 * MS, 0);
	desk_assert_lost(d, "300 bytes arrived but no answer among them: check the baud rate");
	assert_int_equal(d->lines, 0);
}

/* Noise where there is a rate is perhaps a board that a killed host left at another, and a
 * slow one: it is given as long again to come home. */
static void noise_is_given_time_to_come_home(void **state)
{
	desk *d = *state;
	vf_session_config c = desk_configuration(d);

	vf_session_free(d->s);
	c.rate = 115200;
	d->s = vf_session_new(&c);
	assert_non_null(d->s);
	vf_session_open(d->s, d->now);
	desk_raw(d, "\x80\x9F\xE0\xFC\x83", 5);
	(void)desk_pass(d, 4600 * MS, 0);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
	assert_true(desk_pass(d, 1000 * MS, VF_KIND_HELLO) >= 3);
	(void)desk_pass(d, 3500 * MS, 0);
	desk_assert_lost(d, "5 bytes arrived but no answer among them");
}

static void text_alone_is_told_as_text(void **state)
{
	desk *d = *state;

	vf_session_open(d->s, d->now);
	desk_raw(d, "\r\nlogin: ", 9);
	(void)desk_pass(d, 3100 * MS, 0);
	desk_assert_lost(d, "only text arrived");
	desk_assert_lost(d, "baud rate"); /* what noise looks like by chance */
	assert_string_equal(d->text, "login: ");
}

static void a_board_that_answers_others_is_told(void **state)
{
	desk *d = *state;

	vf_session_open(d->s, d->now);
	desk_say_ended(d, desk_tag(d) + 1, 77);
	(void)desk_pass(d, 3100 * MS, 0);
	desk_assert_lost(d, "a board sends on this port");
}

static void its_own_echo_is_a_loopback(void **state)
{
	desk *d = *state;

	vf_session_open(d->s, d->now);
	desk_take(d);
	desk_say(d, d->inbox[0].body, d->inbox[0].len);
	desk_assert_lost(d, "a loopback or a terminal, not a board");
}

static void versions_are_named(void **state)
{
	desk *d = *state;
	const uint8_t newer[] = {VF_REFUSE_VERSION, VF_KIND_HELLO, 2, 3};
	const uint8_t older[] = {VF_REFUSE_VERSION, VF_KIND_HELLO, 0, 0};

	vf_session_open(d->s, d->now);
	desk_take(d);
	desk_say_plain(d, VF_KIND_REFUSE, desk_tag(d) + 1, newer,
		       sizeof newer); /* not meant for us */
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
	desk_say_plain(d, VF_KIND_REFUSE, desk_tag(d), newer, sizeof newer);
	desk_assert_lost(d,
			 "the board speaks protocol 2 to 3, this program 1: update this program");
	vf_session_open(d->s, d->now);
	desk_take(d);
	desk_say_plain(d, VF_KIND_REFUSE, desk_tag(d), older, sizeof older);
	desk_assert_lost(d,
			 "the board speaks protocol 0, this program 1: update the board's loader");
}

static void try_welcome(desk *d, const vf_welcome *w, const char *words)
{
	vf_welcome good = d->welcome;

	vf_session_open(d->s, d->now);
	desk_take(d);
	d->welcome = *w;
	desk_say_welcome(d);
	d->welcome = good;
	if (words != NULL) {
		assert_int_equal(vf_session_status(d->s), VF_SESSION_LOST);
		assert_non_null(strstr(vf_session_error(d->s)->text, "makes no sense"));
	} else {
		assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
	}
}

#define TRY_WELCOME(field, value)                                                                  \
	do {                                                                                       \
		vf_welcome w = d->welcome;                                                         \
		w.field = value;                                                                   \
		try_welcome(d, &w, #field);                                                        \
	} while (0)

static void a_senseless_welcome_is_refused(void **state)
{
	desk *d = *state;

	try_welcome(d, &d->welcome, NULL);
	TRY_WELCOME(version, 0);
	TRY_WELCOME(version, 2);
	TRY_WELCOME(memories, 0);
	TRY_WELCOME(memories, 9);
	TRY_WELCOME(trailer, 16);
	TRY_WELCOME(ring, 0);
	TRY_WELCOME(ring, 512);
	TRY_WELCOME(ring, 5000);
	TRY_WELCOME(credit, 0);
	TRY_WELCOME(credit, 82);
	TRY_WELCOME(credit, 4097);
	TRY_WELCOME(window, 0);
	TRY_WELCOME(window, 256);
	TRY_WELCOME(window, 6000);
	TRY_WELCOME(window, 0x80000000);
	TRY_WELCOME(payload, 63);
	TRY_WELCOME(payload, 1025);
	TRY_WELCOME(answer, 0);
	TRY_WELCOME(answer, 4097);
	TRY_WELCOME(queue, 0);
}

static void a_senseless_memory_is_refused(void **state)
{
	desk *d = *state;
	vf_memory good = d->memory;

	for (unsigned i = 0; i < 6; i++) {
		d->memory = good;
		switch (i) {
		case 0:
			d->memory.size = 0;
			break;
		case 1:
			d->memory.page = 300;
			break;
		case 2:
			d->memory.erase[0].size = 3000;
			break;
		case 3:
			d->memory.base = 0xFFFFF000;
			break;
		case 4:
			d->memory.erase_types = 0;
			break;
		default:
			break;
		}
		vf_session_open(d->s, d->now);
		desk_take(d);
		desk_say_welcome(d);
		desk_take(d);
		desk_say_memory(d, i == 5 ? 1 : 0);
		desk_assert_lost(d, "contradicts itself");
	}
}

static void memories_must_not_overlap(void **state)
{
	desk *d = *state;

	d->welcome.memories = 2;
	vf_session_open(d->s, d->now);
	desk_take(d);
	desk_say_welcome(d);
	desk_take(d);
	desk_say_memory(d, 1);
	d->memory.base += d->memory.size - 4096;
	desk_say_memory(d, 0);
	desk_assert_lost(d, "memories 0 and 1 at the same addresses");
}

static void memories_come_unasked(void **state)
{
	desk *d = *state;

	d->welcome.memories = 8;
	vf_session_open(d->s, d->now);
	desk_take(d);
	desk_say_welcome(d);
	for (uint8_t i = 0; i < 8; i++) {
		assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
		assert_int_equal(desk_pass(d, 240 * MS, VF_KIND_DESCRIBE), 0);
		d->memory.base = 0x10000000u * (i + 1u);
		desk_say_memory(d, i);
	}
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
}

static void memories_that_do_not_come_are_asked_for(void **state)
{
	desk *d = *state;

	d->welcome.memories = 8;
	vf_session_open(d->s, d->now);
	desk_take(d);
	desk_say_welcome(d);
	for (uint8_t i = 0; i < 8; i++) {
		assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
		assert_int_equal(desk_pass(d, 260 * MS, VF_KIND_DESCRIBE), i < 7 ? 2 : 1);
		d->memory.base = 0x10000000u * (i + 1u);
		desk_say_memory(d, i);
	}
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
}

static void describe_is_repeated_then_given_up(void **state)
{
	desk *d = *state;

	vf_session_open(d->s, d->now);
	desk_take(d);
	desk_say_welcome(d);
	desk_take(d);
	assert_int_equal(desk_pass(d, 1100 * MS, VF_KIND_DESCRIBE), 4);
	(void)desk_pass(d, 2000 * MS, 0);
	desk_assert_lost(d, "fell silent while it described");
}

static void a_deaf_board_gets_time_to_answer_hello(void **state)
{
	desk *d = *state;
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_state st = {.flags = VF_STATE_DEAF | VF_STATE_BUSY, .maximum_ms = 20000};

	vf_session_open(d->s, d->now);
	desk_take(d);
	desk_say(d, body, vf_pack_state(body, 9, desk_tag(d) + 5, &st));
	(void)desk_pass(d, 22000 * MS, 0);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
	(void)desk_pass(d, 2000 * MS, 0);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_LOST);
}

/* It goes on for another session, for ever: every time only a few seconds more. */
static void a_board_that_stays_deaf_for_others_is_given_up(void **state)
{
	desk *d = *state;
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_state st = {.flags = VF_STATE_DEAF, .maximum_ms = 5000};
	unsigned seconds = 0;

	vf_session_open(d->s, d->now);
	while (vf_session_status(d->s) == VF_SESSION_OPENING && seconds < 1000) {
		desk_say(d, body, vf_pack_state(body, 9, desk_tag(d) + 5, &st));
		(void)desk_pass(d, 1000 * MS, 0);
		seconds++;
	}
	desk_assert_lost(d, "at work for another program");
	assert_in_range(seconds, 60, 75);
}

/* --- the stream --------------------------------------------------------------------------- */

static uint8_t pattern[65536];

static vf_operation program(uint32_t len)
{
	vf_operation op = desk_message(VF_MESSAGE_PROGRAM, 0, len);

	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i ^ i >> 8);
	op.data = pattern;
	return op;
}

static size_t raw_of(const frame *f)
{
	uint8_t out[VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)];
	vf_encoder e;

	vf_encode_begin(&e, out, sizeof out);
	vf_encode_put(&e, f->body, f->len);
	return vf_encode_end(&e);
}

static void keep_to(desk *d, uint32_t window)
{
	vf_operation op = program(60000);
	vf_state st = {.limit = window};
	size_t flying = 0;
	uint32_t end = 0;

	d->welcome.window = window;
	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	for (unsigned round = 0; end < 60000; round++) {
		desk_take(d);
		for (unsigned i = 0; i < d->count; i++) {
			const frame *f = &d->inbox[i];
			assert_int_equal(vf_body_kind(f->body), VF_KIND_DATA);
			assert_int_equal(vf_get32(f->body + 8), end);
			end += (uint32_t)f->len - VF_WIRE_DATA_HEADER;
			flying += raw_of(f);
			assert_true(f->len <= VF_WIRE_DATA_HEADER + 256u);
		}
		assert_true(flying <= d->welcome.credit);
		assert_true(end <= st.limit);
		assert_true(d->count > 0);
		st.seen = desk_last_number(d);
		st.received = end;
		flying = 0;
		if (st.limit - st.received <= window / 8)
			st.limit = st.received + window;
		d->now += 10 * MS;
		desk_say_state(d, &st);
		assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	}
	assert_int_equal(end, 60012);
	vf_session_close(d->s, d->now);
}

static void credit_and_limit_are_kept(void **state)
{
	keep_to(*state, 8192);
	keep_to(*state, 1024);
	keep_to(*state, 512);
}

static void lost_ranges_are_sent_again_at_once(void **state)
{
	desk *d = *state;
	vf_operation op = program(2000);
	vf_state st = {.limit = 8192, .islands = 2};

	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	desk_take(d);
	st.seen = desk_last_number(d);
	st.received = 300;
	st.island[0] = (vf_island){400, 512};
	st.island[1] = (vf_island){600, 1900};
	desk_say_state(d, &st);
	desk_take(d);
	bool had[3000] = {false};
	for (unsigned i = 0; i < d->count; i++) {
		const frame *f = &d->inbox[i];
		uint32_t at = vf_get32(f->body + 8);
		assert_int_equal(vf_body_kind(f->body), VF_KIND_DATA);
		for (size_t k = VF_WIRE_DATA_HEADER; k < f->len; k++, at++) {
			if (at >= sizeof had || had[at])
				fail();
			else
				had[at] = true;
			if (at >= VF_WIRE_MESSAGE_HEADER)
				assert_int_equal(f->body[k], pattern[at - VF_WIRE_MESSAGE_HEADER]);
		}
	}
	for (uint32_t at = 0; at < 3000; at++) {
		bool lost = (at >= 300 && at < 400) || (at >= 512 && at < 600) ||
			    (at >= 1900 && at < 2012);
		assert_int_equal(had[at], lost);
	}
	assert_int_equal(vf_session_stats_get(d->s)->stream_repeated, 100 + 88 + 112);
	vf_session_close(d->s, d->now);
}

static void the_tail_is_asked_for(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_ERASE, 0, 4096);
	vf_state st = {.limit = 8192, .damaged = 1};

	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	desk_take(d);
	assert_int_equal(desk_count(d, VF_KIND_DATA), 1);
	st.seen = (uint16_t)(desk_last_number(d) - 1);
	desk_say_state(d, &st); /* a damaged chunk: ask at once, not after a while */
	desk_take(d);
	assert_int_equal(d->count, 1);
	assert_int_equal(desk_count(d, VF_KIND_QUERY), 1);
	st.seen = desk_last_number(d);
	desk_say_state(d, &st);
	desk_take(d);
	assert_int_equal(desk_count(d, VF_KIND_DATA), 1);
	st.damaged = 2;
	desk_say_state(d, &st);
	desk_take(d);
	assert_int_equal(desk_count(d, VF_KIND_QUERY), 1);
	st.seen = desk_last_number(d);
	desk_say_state(d, &st);
	desk_take(d);
	assert_int_equal(desk_count(d, VF_KIND_DATA), 1);
	/* Without a word from the board: after 20 to 250 ms. */
	assert_true(desk_pass(d, 251 * MS, VF_KIND_QUERY) > 0);
	vf_session_close(d->s, d->now);
}

static void silence_ends_the_session_after_few_questions(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_ERASE, 0, 4096);

	desk_open(d);
	(void)desk_pass(d, 60000 * MS, 0); /* nobody waits for anything: no questions, no end */
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	assert_true(vf_session_deadline(d->s) == UINT64_MAX);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	desk_take(d);
	unsigned asked = desk_pass(d, 2990 * MS, VF_KIND_QUERY);
	assert_true(asked >= 8 && asked <= 20);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	assert_int_equal(op.status, VF_OPERATION_WAITING);
	(void)desk_pass(d, 20 * MS, 0);
	desk_assert_lost(d, "fell silent 3 s ago");
	assert_int_equal(op.status, VF_OPERATION_DROPPED);
}

static void deafness_is_waited_out(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_ERASE, 0, 4096);
	vf_state st = {.limit = 8204, .flags = VF_STATE_DEAF | VF_STATE_BUSY, .maximum_ms = 60000};

	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	desk_take(d);
	st.seen = desk_last_number(d);
	st.received = 12;
	desk_say_state(d, &st);
	assert_int_equal(desk_pass(d, 60000 * MS, VF_KIND_QUERY), 0);
	assert_true(desk_pass(d, 2900 * MS, VF_KIND_QUERY) > 5);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	(void)desk_pass(d, 200 * MS, 0);
	desk_assert_lost(d, "fell silent");
}

/* What it said of its deafness counts until it hears again, not after. */
static void deafness_ends_with_the_next_state(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_ERASE, 0, 4096);
	vf_state st = {.limit = 8204, .flags = VF_STATE_DEAF | VF_STATE_BUSY, .maximum_ms = 60000};

	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	desk_take(d);
	st.seen = desk_last_number(d);
	st.received = 12;
	desk_say_state(d, &st);
	(void)desk_pass(d, 1000 * MS, 0);
	st.flags = VF_STATE_BUSY;
	desk_say_state(d, &st);
	assert_true(desk_pass(d, 2900 * MS, VF_KIND_QUERY) > 5);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	(void)desk_pass(d, 200 * MS, 0);
	desk_assert_lost(d, "fell silent 3 s ago");
}

/* A new session with a board that is deaf: it will not answer before. */
static void deafness_outlives_the_session(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_ERASE, 0, 4096);
	vf_state st = {.limit = 8204, .flags = VF_STATE_DEAF | VF_STATE_BUSY, .maximum_ms = 60000};

	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	desk_take(d);
	st.seen = desk_last_number(d);
	st.received = 12;
	desk_say_state(d, &st);
	vf_session_open(d->s, d->now);
	(void)desk_pass(d, 62900 * MS, 0);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPENING);
	(void)desk_pass(d, 200 * MS, 0);
	desk_assert_lost(d, "a board whose driver blocks may be erasing");
}

static void an_operation_past_its_maximum_ends(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_ERASE, 0, 4096);
	vf_state st = {.limit = 8204, .flags = VF_STATE_BUSY, .message = VF_MESSAGE_ERASE};

	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	desk_take(d);
	st.received = 12;
	st.seen = desk_last_number(d);
	for (unsigned i = 0; i < 48; i++) {
		desk_say_state(d, &st);
		(void)desk_pass(d, 200 * MS, 0);
		if (d->count > 0)
			st.seen = desk_last_number(d);
	}
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	for (unsigned i = 0; i < 6; i++) {
		desk_say_state(d, &st);
		(void)desk_pass(d, 200 * MS, 0);
	}
	desk_assert_lost(d, "past the chip's maximum");
}

/* It always says that it needs another second, for ever. */
static void a_board_that_is_busy_for_ever_ends(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_ERASE, 0, 4096);
	vf_state st = {.limit = 8204,
		       .received = 12,
		       .flags = VF_STATE_BUSY,
		       .message = VF_MESSAGE_ERASE,
		       .maximum_ms = 1000};
	unsigned seconds = 0;

	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	desk_take(d);
	st.seen = desk_last_number(d);
	while (vf_session_status(d->s) == VF_SESSION_OPEN && seconds < 1000) {
		desk_say_state(d, &st);
		(void)desk_pass(d, 1000 * MS, 0);
		if (d->count > 0)
			st.seen = desk_last_number(d);
		seconds++;
	}
	desk_assert_lost(d, "longer than any may take");
	assert_in_range(seconds, 60, 63);
}

static void a_board_that_hears_nothing_ends(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_ERASE, 0, 4096);
	vf_state st = {.limit = 8192};

	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	for (unsigned i = 0; i < 60; i++) {
		desk_say_state(d, &st);
		(void)desk_pass(d, 200 * MS, 0);
	}
	desk_assert_lost(d, "has done nothing for 10 s");
}

/* --- lies ----------------------------------------------------------------------------------- */

static void try_state(desk *d, void (*lie)(vf_state *), const char *words)
{
	vf_operation op[2] = {desk_message(VF_MESSAGE_ERASE, 0, 4096), program(3000)};
	vf_state st = {.limit = 8192, .received = 12, .done = 0};

	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op[0]), VF_OK);
	assert_int_equal(vf_session_submit(d->s, &op[1]), VF_OK);
	desk_take(d);
	st.seen = desk_last_number(d);
	lie(&st);
	desk_say_state(d, &st);
	desk_assert_lost(d, words);
	assert_int_not_equal(op[0].status, VF_OPERATION_WAITING);
	assert_int_equal(op[1].status, VF_OPERATION_DROPPED);
}

static void lie_seen(vf_state *st)
{
	st->seen++;
}
static void lie_received(vf_state *st)
{
	st->received = 3025;
}
static void lie_limit(vf_state *st)
{
	st->limit = 12 + 8193;
}
static void lie_done(vf_state *st)
{
	st->done = 3;
}
static void lie_done_early(vf_state *st)
{
	st->done = 2;
}
static void lie_island(vf_state *st)
{
	st->islands = 1;
	st->island[0] = (vf_island){1000, 3025};
}
static void lie_islands_order(vf_state *st)
{
	st->islands = 2;
	st->island[0] = (vf_island){1000, 1100};
	st->island[1] = (vf_island){1100, 1200};
}
static void lie_island_touches(vf_state *st)
{
	st->islands = 1;
	st->island[0] = (vf_island){12, 100};
}
static void lie_failure(vf_state *st)
{
	st->flags = VF_STATE_STOPPED;
	st->failure = (vf_failure){.operation = 2, .code = VF_FAIL_ERASE};
}

static void lies_about_the_stream_end_the_session(void **state)
{
	desk *d = *state;

	try_state(d, lie_seen, "seen a frame that was never sent");
	try_state(d, lie_received, "received bytes that were never sent");
	try_state(d, lie_limit, "limit is outside its window");
	try_state(d, lie_done, "finished operations that were never sent");
	try_state(d, lie_done_early, "has not arrived as a whole");
	try_state(d, lie_island, "");
	try_state(d, lie_islands_order, "");
	try_state(d, lie_island_touches, "");
	try_state(d, lie_failure, "failure of an operation that was never sent");
}

static void old_states_are_ignored(void **state)
{
	desk *d = *state;
	vf_operation op[2] = {desk_message(VF_MESSAGE_ERASE, 0, 4096),
			      desk_message(VF_MESSAGE_ERASE, 4096, 4096)};
	vf_state old = {.limit = 8192};

	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op[0]), VF_OK);
	desk_take(d);
	old.seen = desk_last_number(d);
	vf_state new = old;
	new.received = 12;
	new.limit = 8204;
	new.done = 1;
	desk_say_state(d, &new);
	assert_int_equal(op[0].status, VF_OPERATION_DONE);
	assert_int_equal(vf_session_submit(d->s, &op[1]), VF_OK);
	desk_say_state(d, &old);
	assert_int_equal(vf_session_state(d->s)->received, 12);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	vf_session_close(d->s, d->now);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void finish(desk *d, vf_state *st, uint32_t done)
{
	desk_take(d);
	for (unsigned i = 0; i < d->count; i++) {
		st->seen = vf_body_number(d->inbox[i].body);
		if (vf_body_kind(d->inbox[i].body) == VF_KIND_DATA)
			st->received += (uint32_t)d->inbox[i].len - VF_WIRE_DATA_HEADER;
	}
	st->limit = st->received + 8192;
	st->done = done;
	desk_say_state(d, st);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
}

static void answers_out_of_bounds_are_dropped(void **state)
{
	desk *d = *state;
	uint8_t got[110];
	vf_operation op = desk_message(VF_MESSAGE_READ, 0, 100);
	vf_state st = {0};

	memset(got, 0xAA, sizeof got);
	op.answer = got;
	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	desk_take(d);
	desk_say_answer(d, 0, 90, pattern, 11);
	desk_say_answer(d, 0, 0xFFFFFFFF, pattern, 20);
	desk_say_answer(d, 0, 100, pattern, 1);
	desk_say_answer(d, 1, 0, pattern, 1);
	desk_say_answer(d, 0, 0, pattern, 0);
	for (size_t i = 0; i < sizeof got; i++)
		assert_int_equal(got[i], 0xAA);
	finish(d, &st, 0);
	assert_int_equal(op.status, VF_OPERATION_WAITING);
	vf_session_close(d->s, d->now);
}

/* What was asked for in the newest DATA frames: READs of pieces. */
static unsigned questions(const desk *d, vf_message *m, unsigned most)
{
	uint8_t bytes[1024];
	size_t len = 0, at = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < d->count; i++) {
		size_t k = d->inbox[i].len - VF_WIRE_DATA_HEADER;
		if (vf_body_kind(d->inbox[i].body) != VF_KIND_DATA)
			continue;
		memcpy(bytes + len, d->inbox[i].body + VF_WIRE_DATA_HEADER, k);
		len += k;
	}
	while (at < len && n < most)
		at += vf_unpack_message(&m[n++], bytes + at, len - at);
	return n;
}

static void gaps_in_answers_are_asked_for(void **state)
{
	desk *d = *state;
	uint8_t got[300], want[300];
	vf_operation op = desk_message(VF_MESSAGE_READ, 1000, 300);
	vf_operation erase = desk_message(VF_MESSAGE_ERASE, 0, 4096);
	vf_message m[4];
	vf_state st = {0};

	for (size_t i = 0; i < sizeof want; i++)
		want[i] = (uint8_t)(i * 7);
	op.answer = got;
	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	finish(d, &st, 0);
	desk_say_answer(d, 0, 0, want, 100);
	desk_say_answer(d, 0, 0, want, 100);
	desk_say_answer(d, 0, 150, want + 150, 50);
	finish(d, &st, 1);
	assert_int_equal(op.status, VF_OPERATION_WAITING);
	assert_int_equal(vf_session_submit(d->s, &erase), VF_E_USAGE); /* would spoil the answer */
	desk_take(d);
	assert_int_equal(questions(d, m, 4), 2);
	assert_int_equal(m[0].address, 0x90000000 + 1100);
	assert_int_equal(m[0].length, 50);
	assert_int_equal(m[1].address, 0x90000000 + 1200);
	assert_int_equal(m[1].length, 100);
	desk_say_answer(d, 1, 0, want + 100, 50);
	desk_say_answer(d, 2, 0, want + 200, 60);
	st.received += 24;
	st.seen = desk_last_number(d);
	finish(d, &st, 3);
	assert_int_equal(op.status, VF_OPERATION_WAITING);
	desk_take(d);
	assert_int_equal(questions(d, m, 4), 1);
	assert_int_equal(m[0].address, 0x90000000 + 1260);
	assert_int_equal(m[0].length, 40);
	desk_say_answer(d, 3, 0, want + 260, 40);
	st.received += 12;
	st.seen = desk_last_number(d);
	finish(d, &st, 4);
	assert_int_equal(op.status, VF_OPERATION_DONE);
	assert_memory_equal(got, want, sizeof want);
	assert_int_equal(vf_session_submit(d->s, &erase), VF_OK);
	vf_session_close(d->s, d->now);
}

static void any_number_of_gaps_is_bounded_work(void **state)
{
	desk *d = *state;
	uint8_t *got = malloc(8000);
	vf_operation op = desk_message(VF_MESSAGE_READ, 0, 8000);
	vf_message m[32];
	vf_state st = {0};

	assert_non_null(got);
	memset(pattern, 0x5A, sizeof pattern);
	op.answer = got;
	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	finish(d, &st, 0);
	for (uint32_t at = 0; at < 8000; at += 2)
		desk_say_answer(d, 0, at, pattern, 1);
	finish(d, &st, 1);
	desk_take(d);
	unsigned n = questions(d, m, 32);
	assert_true(n >= 1 && n <= 16);
	uint32_t asked = 0;
	for (unsigned i = 0; i < n; i++) {
		desk_say_answer(d, 1 + i, 0, pattern, 256);
		for (uint32_t at = 0; at < m[i].length; at += 200)
			desk_say_answer(d, 1 + i, at, pattern,
					m[i].length - at < 200 ? m[i].length - at : 200);
		asked += m[i].length;
	}
	assert_true(asked >= 4000 && asked <= 8000);
	st.received += 12 * n;
	st.seen = desk_last_number(d);
	finish(d, &st, 1 + n);
	assert_int_equal(op.status, VF_OPERATION_DONE);
	assert_memory_equal(got, pattern, 8000);
	free(got);
}

static void digests_are_asked_for_by_group(void **state)
{
	desk *d = *state;
	uint8_t got[40];
	vf_operation op = desk_message(VF_MESSAGE_DIGEST, 8192, 9 * 4096);
	vf_message m[4];
	vf_state st = {0};

	memset(pattern, 1, sizeof pattern);
	op.message.group = 2;
	op.answer = got;
	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	finish(d, &st, 0);
	desk_say_answer(d, 0, 0, pattern, 12); /* one group and a half */
	finish(d, &st, 1);
	desk_take(d);
	assert_int_equal(questions(d, m, 4), 1);
	assert_int_equal(m[0].type, VF_MESSAGE_DIGEST);
	assert_int_equal(m[0].address, 0x90000000 + 8192 + 2 * 4096);
	assert_int_equal(m[0].length, 7 * 4096);
	assert_int_equal(m[0].group, 2);
	desk_say_answer(d, 1, 0, pattern, 32);
	st.received += 16;
	st.seen = desk_last_number(d);
	finish(d, &st, 2);
	assert_int_equal(op.status, VF_OPERATION_DONE);
}

/* --- the rest ------------------------------------------------------------------------------------
 */

static void ends_are_told_apart(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_ERASE, 0, 4096);

	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	desk_say_ended(d, desk_tag(d) + 1, 0);       /* of another session */
	desk_say_ended(d, desk_tag(d), desk_tag(d)); /* senseless */
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	desk_say_ended(d, desk_tag(d), 0);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_ENDED);
	assert_int_equal(op.status, VF_OPERATION_DROPPED);
	assert_non_null(strstr(vf_session_error(d->s)->text, "restarted in the middle"));
	uint32_t before = desk_tag(d);
	desk_open(d);
	assert_int_not_equal(desk_tag(d), before);
	desk_say_ended(d, desk_tag(d), 12345);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_LOST);
	assert_non_null(strstr(vf_session_error(d->s)->text, "another program"));
}

static void a_tag_is_never_zero(void **state)
{
	desk *d = *state;

	d->random = UINT64_C(0x500000000);
	desk_open(d);
	assert_int_not_equal(desk_tag(d), 0);
}

static void closing_asks_for_an_end(void **state)
{
	desk *d = *state;
	vf_operation op = program(60000);

	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	vf_session_close(d->s, d->now);
	assert_int_equal(op.status, VF_OPERATION_DROPPED);
	desk_take(d);
	assert_int_equal(d->count, 1);
	assert_int_equal(desk_count(d, VF_KIND_ABORT), 1);
	assert_int_equal(desk_pass(d, 600 * MS, VF_KIND_ABORT), 2);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_CLOSING);
	desk_say_ended(d, desk_tag(d), 0);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_CLOSED);
	desk_open(d);
	vf_session_close(d->s, d->now);
	(void)desk_pass(d, 1001 * MS, 0);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_CLOSED);
}

static void an_echo_is_measured_and_repeated(void **state)
{
	desk *d = *state;
	uint32_t trip = 1;

	desk_open(d);
	vf_session_echo(d->s, 1000, &trip);
	assert_int_equal(trip, 0);
	desk_take(d);
	assert_int_equal(desk_count(d, VF_KIND_ECHO), 1);
	assert_int_equal(d->inbox[0].len, VF_WIRE_HEADER + 256u);
	/* a large one takes its time on a slow line: 250 ms, and 200 us a byte */
	assert_int_equal(desk_pass(d, 300 * MS, VF_KIND_ECHO), 0);
	desk_take(d);
	bool again = desk_pass(d, 10 * MS, VF_KIND_ECHO) == 1;
	assert_true(again);
	frame f = d->inbox[d->count - 1];
	for (unsigned i = 0; i < d->count; i++)
		if (vf_body_kind(d->inbox[i].body) == VF_KIND_ECHO)
			f = d->inbox[i];
	uint64_t sent_by = d->now;
	d->now += 3 * MS;
	desk_say_plain(d, VF_KIND_ECHOED, desk_tag(d), f.body + VF_WIRE_HEADER,
		       f.len - VF_WIRE_HEADER);
	assert_true(trip >= d->now - sent_by && trip < 20 * MS);
	vf_session_close(d->s, d->now);
}

static void waiting_begins_with_the_question(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_ERASE, 0, 4096);
	uint32_t trip;

	desk_open(d);
	for (unsigned i = 0; i < 2; i++) {
		vf_session_echo(d->s, 64, &trip);
		(void)desk_pass(d, 1 * MS, 0);
		desk_take(d);
		if (i == 0) {
			vf_session_tick(d->s, d->now);
			uint8_t rest[64] = {0};
			vf_put16(rest, (uint16_t)(vf_session_stats_get(d->s)->frames_sent));
			desk_say_plain(d, VF_KIND_ECHOED, desk_tag(d), rest, sizeof rest);
			assert_int_not_equal(trip, 0);
			d->now += 100000 * MS; /* idle, and nobody calls */
		}
	}
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	uint8_t rest[64] = {0};
	vf_put16(rest, (uint16_t)(vf_session_stats_get(d->s)->frames_sent));
	desk_say_plain(d, VF_KIND_ECHOED, desk_tag(d), rest, sizeof rest);
	d->now += 100000 * MS;
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	(void)desk_pass(d, 2900 * MS, 0);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	vf_session_close(d->s, d->now);
}

static void text_is_cleaned(void **state)
{
	desk *d = *state;

	desk_raw(d, "\0boot\033[31m ok\007\tgo\r\n", 19);
	assert_string_equal(d->text, "boot ok go");
	desk_raw(d, "caf\xC3\xA9\n", 6);
	assert_string_equal(d->text, "caf\xC3\xA9");
	desk_raw(d, "bad \xFF\xFE byte\n", 12);
	assert_string_equal(d->text, "caf\xC3\xA9");
	desk_raw(d, "prompt> ", 8);
	vf_session_tick(d->s, d->now);
	assert_int_equal(d->lines, 2);
	(void)desk_pass(d, 1000 * MS, 0);
	assert_string_equal(d->text, "prompt> ");
}

static void unknown_kinds_are_ignored(void **state)
{
	desk *d = *state;

	desk_open(d);
	desk_say_plain(d, 0x9F, desk_tag(d), "later", 5);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	const uint8_t refuse[] = {VF_REFUSE_KIND, VF_KIND_QUERY, 1, 1};
	desk_say_plain(d, VF_KIND_REFUSE, desk_tag(d), refuse, sizeof refuse);
	desk_assert_lost(d, "refuses a frame of kind 03");
}

static void misuse_is_refused(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_READ, 0, 16);
	uint8_t answer[64];

	assert_int_equal(vf_session_submit(d->s, &op), VF_E_USAGE);
	desk_open(d);
	assert_int_equal(vf_session_submit(d->s, &op), VF_E_USAGE); /* no place for the answer */
	op = desk_message(VF_MESSAGE_PROGRAM, 0, 16);
	assert_int_equal(vf_session_submit(d->s, &op), VF_E_USAGE);
	op = desk_message(VF_MESSAGE_ERASE, 0, 4096);
	op.message.memory = 1;
	assert_int_equal(vf_session_submit(d->s, &op), VF_E_USAGE);
	op = desk_message(VF_MESSAGE_DIGEST, 0, 4096);
	op.answer = answer;
	assert_int_equal(vf_session_submit(d->s, &op), VF_E_USAGE); /* groups of none */
	op = program(16);
	op.message.length = 0x50000000;
	assert_int_equal(vf_session_submit(d->s, &op), VF_E_USAGE);
	vf_session_close(d->s, d->now);
}

static void failed_allocations_are_told(void **state)
{
	desk *d = *state;
	uint8_t answer[16];
	vf_operation op = desk_message(VF_MESSAGE_READ, 0, 16);
	vf_session_config c = desk_configuration(d);

	d->allocations_left = 0;
	assert_null(vf_session_new(&c));
	desk_open(d);
	op.answer = answer;
	assert_int_equal(vf_session_submit(d->s, &op), VF_E_NOMEM);
	vf_operation erase = desk_message(VF_MESSAGE_ERASE, 0, 4096);
	assert_int_equal(vf_session_submit(d->s, &erase), VF_OK);
	d->allocations_left = 1;
	op.status = 99;
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	assert_int_equal(op.status, VF_OPERATION_WAITING);
	vf_session_close(d->s, d->now);
}

/* Frames of every kind full of noise, and noise without frames: never a crash, always an end. */
static void noise_of_every_kind(void **state)
{
	desk *d = *state;
	rig_random r = {20260};
	uint8_t body[600];
	vf_operation op[4];
	uint8_t answer[4][512];

	for (unsigned round = 0; round < 3000; round++) {
		desk_open(d);
		for (unsigned i = 0; i < 4; i++) {
			op[i] = desk_message((uint8_t)(VF_MESSAGE_ERASE + rig_below(&r, 5)), 0,
					     512);
			op[i].data = pattern;
			op[i].answer = answer[i];
			op[i].message.group = 1;
			(void)vf_session_submit(d->s, &op[i]);
		}
		desk_take(d);
		for (unsigned i = 0; i < 10; i++) {
			size_t len = VF_WIRE_HEADER + rig_below(&r, 80);
			for (size_t k = 0; k < len; k++)
				body[k] = (uint8_t)(rig_below(&r, 3) ? rig_below(&r, 8)
								     : rig_next(&r));
			vf_put_header(body, (uint8_t)(0x81 + rig_below(&r, 9)), d->number++,
				      desk_tag(d));
			desk_say(d, body, len);
			if (rig_below(&r, 4) == 0)
				desk_raw(d, body + 1, len - 1);
			desk_take(d);
		}
		(void)desk_pass(d, 100 * MS, 0);
	}
	assert_true(vf_session_stats_get(d->s)->frames_received > 30000);
	vf_session_close(d->s, d->now);
}

/* Operations live in the test's own frame: the session has to let go of them before it ends. */
#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hello_says_who_and_is_repeated),
		TEST(silence_is_told_as_silence),
		TEST(garbage_is_told_as_garbage),
		TEST(noise_is_given_time_to_come_home),
		TEST(text_alone_is_told_as_text),
		TEST(a_board_that_answers_others_is_told),
		TEST(its_own_echo_is_a_loopback),
		TEST(versions_are_named),
		TEST(a_senseless_welcome_is_refused),
		TEST(a_senseless_memory_is_refused),
		TEST(memories_must_not_overlap),
		TEST(memories_come_unasked),
		TEST(memories_that_do_not_come_are_asked_for),
		TEST(describe_is_repeated_then_given_up),
		TEST(a_deaf_board_gets_time_to_answer_hello),
		TEST(a_board_that_stays_deaf_for_others_is_given_up),
		TEST(credit_and_limit_are_kept),
		TEST(lost_ranges_are_sent_again_at_once),
		TEST(the_tail_is_asked_for),
		TEST(silence_ends_the_session_after_few_questions),
		TEST(deafness_is_waited_out),
		TEST(deafness_ends_with_the_next_state),
		TEST(deafness_outlives_the_session),
		TEST(an_operation_past_its_maximum_ends),
		TEST(a_board_that_is_busy_for_ever_ends),
		TEST(a_board_that_hears_nothing_ends),
		TEST(lies_about_the_stream_end_the_session),
		TEST(old_states_are_ignored),
		TEST(answers_out_of_bounds_are_dropped),
		TEST(gaps_in_answers_are_asked_for),
		TEST(any_number_of_gaps_is_bounded_work),
		TEST(digests_are_asked_for_by_group),
		TEST(ends_are_told_apart),
		TEST(a_tag_is_never_zero),
		TEST(closing_asks_for_an_end),
		TEST(an_echo_is_measured_and_repeated),
		TEST(waiting_begins_with_the_question),
		TEST(text_is_cleaned),
		TEST(unknown_kinds_are_ignored),
		TEST(misuse_is_refused),
		TEST(failed_allocations_are_told),
		TEST(noise_of_every_kind),
	};
	return cmocka_run_group_tests_name("session board", tests, NULL, NULL);
}
