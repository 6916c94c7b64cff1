/* test_session_stall.c - boards that answer whatever they are asked and never get anything
 * done, each in its own way: the session ends, in a time that follows from what the board
 * said of itself. And boards that are slow but honest: it does not.
 */
#include <string.h>

#include "desk.h"
#include "session_rig.h"

#define SECOND UINT64_C(1000000)

enum { BYTES = 3000, STEP = 200 * MS };

static const uint8_t pattern[BYTES] = {0x5A};

typedef struct board {
	desk *d;
	vf_state st;      /* as it would tell it now */
	uint32_t arrived; /* stream bytes */
	uint64_t from_us;
	unsigned turns;
	rig_random random;
	/* How it misbehaves: changes `st`, or says something. NULL: it does not. */
	void (*act)(struct board *b);
} board;

static uint64_t elapsed(const board *b)
{
	return b->d->now - b->from_us;
}

static bool hear(board *b)
{
	const desk *d = b->d;

	for (unsigned i = 0; i < d->count; i++) {
		const frame *f = &d->inbox[i];
		b->st.seen = vf_body_number(f->body);
		if (vf_body_kind(f->body) != VF_KIND_DATA)
			continue;
		const uint32_t end =
			vf_get32(f->body + VF_WIRE_HEADER) + (uint32_t)f->len - VF_WIRE_DATA_HEADER;
		if (end > b->arrived)
			b->arrived = end;
	}
	return d->count > 0;
}

/* Whatever is sent is answered at once, and it speaks up a few times a second besides. */
static void turn(board *b)
{
	desk *d = b->d;
	const uint64_t due = vf_session_deadline(d->s), most = d->now + STEP;

	d->now = due > most ? most : due > d->now ? due : d->now;
	vf_session_tick(d->s, d->now);
	assert_true(vf_session_deadline(d->s) > d->now);
	desk_take(d);
	const bool asked = hear(b);
	if (!asked && d->now < most)
		return;
	b->turns++;
	d->now += 1 * MS; /* there and back */
	b->st.received = b->arrived;
	b->st.limit = b->arrived + d->welcome.window;
	b->act(b);
	desk_say_state(d, &b->st);
}

static void live(board *b, uint64_t for_us)
{
	b->from_us = b->d->now;
	while (elapsed(b) < for_us && vf_session_status(b->d->s) == VF_SESSION_OPEN)
		turn(b);
}

static board begin(desk *d, void (*act)(board *b))
{
	desk_open(d);
	return (board){.d = d, .act = act};
}

static vf_operation program(void)
{
	vf_operation op = desk_message(VF_MESSAGE_PROGRAM, 0, BYTES);

	op.data = pattern;
	return op;
}

/* Submits a program and lives with that board until it is given up. */
static uint64_t time_with(desk *d, void (*act)(board *b), const char *words)
{
	vf_operation op = program();
	board b = begin(d, act);

	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	live(&b, 20000 * SECOND);
	desk_assert_lost(d, words);
	return elapsed(&b) / SECOND;
}

/* --- boards that never work --------------------------------------------------------- */

static void only_hears(board *b)
{
	(void)b;
}

static void takes_nothing(board *b)
{
	b->st.received = 0;
	b->st.limit = b->d->welcome.window;
}

static void stays_deaf(board *b)
{
	b->st.flags = VF_STATE_DEAF;
	b->st.maximum_ms = 5000;
}

/* Busy or not, with this or with that, and always with time left. */
static void pretends(board *b)
{
	b->st.flags = b->turns % 3 != 0 ? VF_STATE_BUSY : 0;
	b->st.message = (uint8_t)(b->turns % 5);
	b->st.memory = (uint8_t)(b->turns % 2);
	b->st.maximum_ms = 1000;
}

static void one_that_only_hears_is_given_up(void **state)
{
	assert_in_range(time_with(*state, only_hears, "gets nothing done"), 55, 65);
}

static void one_that_takes_nothing_is_given_up(void **state)
{
	assert_in_range(time_with(*state, takes_nothing, "gets nothing done"), 55, 65);
}

static void one_that_stays_deaf_is_given_up(void **state)
{
	assert_in_range(time_with(*state, stays_deaf, "longer than any may take"), 55, 70);
}

static void one_that_pretends_is_given_up(void **state)
{
	assert_in_range(time_with(*state, pretends, ""), 55, 130);
}

/* The longest that it may announce, again and again: once is enough. */
static void deaf_for_hours(board *b)
{
	b->st.flags = VF_STATE_DEAF | VF_STATE_BUSY;
	b->st.maximum_ms = UINT32_MAX;
}

static void one_that_is_deaf_for_hours_is_given_up(void **state)
{
	assert_in_range(time_with(*state, deaf_for_hours, ""), 3500, 3800);
}

/* A byte every few seconds is no program in this life. */
static void drips(board *b)
{
	const uint32_t some = (uint32_t)(elapsed(b) / (5 * SECOND));

	b->st.received = some < b->arrived ? some : b->arrived;
	b->st.limit = b->st.received + b->d->welcome.window;
}

static void one_that_drips_is_given_up(void **state)
{
	assert_in_range(time_with(*state, drips, "gets nothing done"), 60, 700);
}

/* Says that each READ is done, and that it read nothing; or the same byte each time. */
static void finishes(board *b)
{
	b->st.done = b->arrived / VF_WIRE_MESSAGE_HEADER;
}

static void repeats_itself(board *b)
{
	finishes(b);
	desk_say_answer(b->d, 0, 7, pattern, 1);
	desk_say_answer(b->d, b->st.done - 1, 7, pattern, 1);
}

static void answers_that_never_come_end(void **state)
{
	desk *d = *state;
	void (*const how[])(board *) = {finishes, repeats_itself};
	uint8_t got[400];

	for (unsigned i = 0; i < 2; i++) {
		vf_operation op = desk_message(VF_MESSAGE_READ, 0, sizeof got);
		board b = begin(d, how[i]);
		op.answer = got;
		assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
		live(&b, 5000 * SECOND);
		desk_assert_lost(d, "gets nothing done");
		assert_true(elapsed(&b) < 300 * SECOND);
	}
}

static void an_echo_that_never_comes_ends(void **state)
{
	desk *d = *state;
	uint32_t us;
	board b = begin(d, only_hears);

	vf_session_echo(d->s, 100, &us);
	live(&b, 5000 * SECOND);
	desk_assert_lost(d, "gets nothing done");
	assert_true(elapsed(&b) < 65 * SECOND);
}

/* --- whatever it likes --------------------------------------------------------------- */

/* Any STATE that is no lie, and some step forward every now and then. */
static void likes(board *b)
{
	rig_random *r = &b->random;
	const vf_state *old = vf_session_state(b->d->s);
	const uint32_t most = b->d->welcome.window;
	uint32_t more = b->arrived - old->received;

	b->st.received = old->received + (rig_below(r, 500) == 0 ? rig_below(r, more + 1) : 0);
	more = b->st.received + most - old->limit;
	b->st.limit = old->limit + (rig_below(r, 500) == 0 ? rig_below(r, more + 1) : 0);
	b->st.flags = (uint8_t)(rig_below(r, 4) * VF_STATE_DEAF);
	b->st.damaged = (uint16_t)(old->damaged + rig_below(r, 2));
	b->st.message = (uint8_t)rig_below(r, 5);
	b->st.memory = (uint8_t)rig_below(r, 2);
	b->st.typical_ms = rig_below(r, 1000);
	b->st.maximum_ms = rig_below(r, 20000);
}

static void no_sequence_of_states_lasts_for_ever(void **state)
{
	desk *d = *state;
	/* 20 s deaf are longer than any operation; and each byte counts twice at most. */
	const uint64_t bound = (60 + 80 + 20 + 2 * (BYTES + 100) / 10) * SECOND;

	for (uint64_t seed = 0; seed < 15; seed++) {
		vf_operation op[2] = {program(), desk_message(VF_MESSAGE_ERASE, 0, 4096)};
		board b = begin(d, likes);
		b.random.state = seed;
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(vf_session_submit(d->s, &op[i]), VF_OK);
		live(&b, 2 * bound);
		if (vf_session_status(d->s) != VF_SESSION_LOST || elapsed(&b) > bound)
			fail_msg("seed %u: status %d after %u s", (unsigned)seed,
				 (int)vf_session_status(d->s), (unsigned)(elapsed(&b) / SECOND));
	}
}

/* --- slow but honest ------------------------------------------------------------------- */

static void erases_the_chip(board *b)
{
	const uint32_t past = (uint32_t)(elapsed(b) / 1000), most = 400000;

	b->st.flags = VF_STATE_BUSY;
	b->st.message = VF_MESSAGE_ERASE;
	b->st.maximum_ms = past < most ? most - past : 0;
}

static void a_long_erase_is_waited_for(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_ERASE, 0, 1 << 20);

	d->memory.erase[0] = (vf_erase_type){1 << 20, 40000000, 400000000};
	board b = begin(d, erases_the_chip);
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	live(&b, 405 * SECOND);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	vf_session_close(d->s, d->now);
}

/* Reading all of a large memory over a slow bus: nothing to see of it but that it is busy. */
static void reads_slowly(board *b)
{
	b->st.flags = VF_STATE_BUSY;
	b->st.message = VF_MESSAGE_DIGEST;
	b->st.maximum_ms = 500000;
}

static void a_slow_chip_is_waited_for(void **state)
{
	static const uint32_t rates[] = {400000, 0}; /* 0: not known */
	desk *d = *state;
	uint8_t digest[8];

	d->memory.size = 32 << 20;
	for (unsigned i = 0; i < 2; i++) {
		vf_operation op = desk_message(VF_MESSAGE_DIGEST, 0, 32 << 20);
		op.message.group = (32 << 20) / 4096;
		op.answer = digest;
		d->memory.read_rate = rates[i];
		board b = begin(d, reads_slowly);
		assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
		live(&b, 300 * SECOND);
		assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
		vf_session_close(d->s, d->now);
	}
}

/* Its driver blocks for five minutes, though its memory's erase takes no time. */
static void a_long_silence_is_waited_for(void **state)
{
	desk *d = *state;
	vf_operation op = desk_message(VF_MESSAGE_ERASE, 0, 4096);
	board b = begin(d, only_hears);

	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	turn(&b);
	for (unsigned i = 0; i < 3; i++) { /* the line doubles what it says */
		b.st.flags = VF_STATE_BUSY | VF_STATE_DEAF;
		b.st.maximum_ms = 300000;
		desk_say_state(d, &b.st);
	}
	(void)desk_pass(d, 299 * SECOND, 0);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	b.st.flags = 0;
	b.st.done = 1;
	desk_say_state(d, &b.st);
	assert_int_equal(op.status, VF_OPERATION_DONE);
	vf_session_close(d->s, d->now);
}

/* A few bytes a second, in frames of which most get lost. */
static void takes_its_time(board *b)
{
	const uint32_t some = (uint32_t)(elapsed(b) / (25 * SECOND)) * 500;

	b->st.received = some < b->arrived ? some : b->arrived;
	b->st.limit = b->st.received + b->d->welcome.window;
}

static void a_slow_line_is_waited_for(void **state)
{
	desk *d = *state;
	vf_operation op[20];
	board b = begin(d, takes_its_time);

	for (unsigned i = 0; i < 20; i++) {
		op[i] = program();
		assert_int_equal(vf_session_submit(d->s, &op[i]), VF_OK);
	}
	live(&b, 3000 * SECOND);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	vf_session_close(d->s, d->now);
}

/* An answer that takes longer than any operation, for the line is slow. */
static void answers_slowly(board *b)
{
	const uint32_t at = (uint32_t)(elapsed(b) / SECOND) * 20;

	b->st.flags = VF_STATE_BUSY;
	b->st.message = VF_MESSAGE_READ;
	b->st.maximum_ms = 1000;
	for (uint32_t i = at; i < at + 20 && i < BYTES; i++)
		desk_say_answer(b->d, 0, i, pattern, 1);
}

static void a_slow_answer_is_waited_for(void **state)
{
	desk *d = *state;
	uint8_t got[BYTES];
	vf_operation op = desk_message(VF_MESSAGE_READ, 0, BYTES);
	board b = begin(d, answers_slowly);

	op.answer = got;
	assert_int_equal(vf_session_submit(d->s, &op), VF_OK);
	live(&b, BYTES / 20 * SECOND);
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
	vf_session_close(d->s, d->now);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_only_hears_is_given_up),
		TEST(one_that_takes_nothing_is_given_up),
		TEST(one_that_stays_deaf_is_given_up),
		TEST(one_that_pretends_is_given_up),
		TEST(one_that_is_deaf_for_hours_is_given_up),
		TEST(one_that_drips_is_given_up),
		TEST(answers_that_never_come_end),
		TEST(an_echo_that_never_comes_ends),
		TEST(no_sequence_of_states_lasts_for_ever),
		TEST(a_long_erase_is_waited_for),
		TEST(a_slow_chip_is_waited_for),
		TEST(a_long_silence_is_waited_for),
		TEST(a_slow_line_is_waited_for),
		TEST(a_slow_answer_is_waited_for),
	};
	return cmocka_run_group_tests_name("session stall", tests, NULL, NULL);
}
