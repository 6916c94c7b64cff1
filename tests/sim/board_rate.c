/* board_rate.c - ports whose baud rate goes up by agreement: with good cables and
 * bad ones, lost frames, restarts, hosts that vanish, chips that take long. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "board_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE 0x90000000u

static const uint64_t SECOND = 1000000;

enum { HOME = 115200, HIGH = 921600, LEN = 65536 };

typedef struct work {
	rig r;
	uint8_t data[LEN];
} work;

static void prepare_fault(work *w, uint32_t max_baud, const char *fault)
{
	vf_error err = {.code = VF_OK};
	uint64_t seed = 5;
	char link[32];
	rig_prepare(&w->r, "w25q128jv", 1);
	(void)snprintf(link, sizeof link, "uart:%d", HOME);
	assert_int_equal(vf_sim_link_parse(&w->r.config.link, link, &err), VF_OK);
	if (fault != NULL)
		assert_int_equal(vf_sim_fault_parse(&w->r.config.fault, fault, &err), VF_OK);
	w->r.config.max_baud = max_baud;
	w->r.rate = HOME;
	w->r.rate_max = 12000000;
	rig_random_bytes(&seed, w->data, sizeof w->data);
}

static void prepare(work *w)
{
	prepare_fault(w, HIGH, NULL);
}

static void start(work *w)
{
	rig_start(&w->r);
	w->r.now = SECOND;
}

static uint32_t board(const work *w)
{
	return vf_sim_board_rate(w->r.board);
}

static void expect_rate(const work *w, uint32_t baud)
{
	assert_int_equal(board(w), baud);
	assert_int_equal(vf_session_stats_get(w->r.session)->baud, baud);
}

static void write_all(work *w)
{
	assert_true(rig_program(&w->r, 0, BASE, w->data, LEN));
	assert_memory_equal(w->r.array, w->data, LEN);
}

static void leave(work *w)
{
	vf_session_close(w->r.session, w->r.now);
	rig_pass_while(&w->r, VF_SESSION_CLOSING, w->r.now + 2 * SECOND);
	assert_int_equal(vf_session_status(w->r.session), VF_SESSION_CLOSED);
}

/* --- up and home ------------------------------------------------------------------- */

static void up_and_home(void **state)
{
	work *w = *state;
	prepare(w);
	start(w);
	rig_open(&w->r);
	expect_rate(w, HIGH);
	uint64_t began = w->r.now;
	write_all(w);
	/* At the home rate the bytes alone take LEN / 11520 s. */
	assert_true((w->r.now - began) * HOME / 10 < LEN * (SECOND / 4));
	assert_int_equal(vf_session_stats_get(w->r.session)->damaged_there, 0);
	leave(w);
	rig_pass(&w->r, w->r.now + SECOND / 10);
	assert_int_equal(board(w), HOME);
	rig_leave(&w->r);
	rig_open(&w->r);
	expect_rate(w, HIGH);
	rig_stop(&w->r);
}

static void as_high_as_both_can(void **state)
{
	static const struct {
		uint32_t board, host, granted;
		unsigned asks;
	} cases[] = {{3000000, 12000000, 3000000, 1},
		     {3000000, 1200000, 1200000, 1},
		     {230400, 460800, 230400, 1},
		     {HIGH, HOME, HOME, 0},
		     {HIGH, 1, HOME, 0},
		     {HIGH, 0, HOME, 0},
		     {0, HIGH, HOME, 0}};
	work *w = *state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		prepare_fault(w, cases[i].board, NULL);
		w->r.rate_max = cases[i].host;
		start(w);
		rig_open(&w->r);
		expect_rate(w, cases[i].granted);
		assert_int_equal(w->r.asks, cases[i].asks);
		write_all(w);
		rig_stop(&w->r);
	}
}

static void two_ends_at_different_rates_hear_nothing(void **state)
{
	work *w = *state;
	prepare(w);
	w->r.rate = 57600;
	start(w);
	vf_session_open(w->r.session, w->r.now);
	rig_pass_while(&w->r, VF_SESSION_OPENING, w->r.now + 20 * SECOND);
	assert_int_equal(vf_session_status(w->r.session), VF_SESSION_LOST);
	assert_int_equal(vf_sim_board_target_stats(w->r.board)->frames, 0);
	rig_stop(&w->r);
}

static void a_new_plan_keeps_the_rate(void **state)
{
	work *w = *state;
	vf_operation wrong = {.message = {.type = VF_MESSAGE_ERASE, .address = BASE, .length = 1}};
	prepare(w);
	start(w);
	rig_open(&w->r);
	assert_false(rig_do(&w->r, &wrong));
	assert_int_equal(vf_session_status(w->r.session), VF_SESSION_STOPPED);
	rig_open(&w->r);
	expect_rate(w, HIGH);
	assert_int_equal(w->r.asks, 1);
	write_all(w);
	/* Stopped for so long that the board went home alone. */
	assert_false(rig_do(&w->r, &wrong));
	rig_pass(&w->r, w->r.now + 5 * SECOND);
	assert_int_equal(board(w), HOME);
	rig_open(&w->r);
	write_all(w);
	rig_stop(&w->r);
}

/* --- rates that do not hold -------------------------------------------------------- */

static void a_cable_that_holds_less(void **state)
{
	work *w = *state;
	prepare_fault(w, 3000000, "badrate=1000000");
	start(w);
	rig_open(&w->r);
	expect_rate(w, HIGH);
	assert_int_equal(w->r.asks, 3);
	assert_int_equal(w->r.asked[0], 3000000);
	assert_int_equal(w->r.asked[1], 2000000);
	assert_int_equal(w->r.asked[2], HIGH);
	write_all(w);
	leave(w);
	vf_session_open(w->r.session, w->r.now); /* it knows better now */
	rig_open(&w->r);
	assert_int_equal(w->r.asked[3], HIGH);
	rig_stop(&w->r);
}

static void a_cable_that_holds_nothing_more(void **state)
{
	work *w = *state;
	prepare_fault(w, HIGH, "badrate=115200");
	start(w);
	rig_open(&w->r);
	expect_rate(w, HOME);
	assert_in_range(w->r.asks, 2, 3);
	write_all(w);
	rig_stop(&w->r);
}

static void a_port_that_cannot(void **state)
{
	work *w = *state;
	prepare(w);
	w->r.stuck = true;
	start(w);
	rig_open(&w->r);
	expect_rate(w, HOME);
	write_all(w);
	rig_stop(&w->r);
}

static void a_lost_agreement(void **state)
{
	work *w = *state;
	prepare(w);
	w->r.lose_high = true;
	start(w);
	rig_open(&w->r);
	expect_rate(w, HIGH);
	assert_int_equal(w->r.asks, 2);
	write_all(w);
	rig_stop(&w->r);
}

static void bad_lines(void **state)
{
	work *w = *state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		prepare_fault(w, HIGH, "corrupt=0.0001,drop=0.0001,dup=0.0001");
		w->r.config.seed = seed;
		start(w);
		rig_open(&w->r);
		write_all(w);
		leave(w);
		rig_stop(&w->r);
	}
}

/* --- in the middle ------------------------------------------------------------------- */

static void nothing_to_do_for_long(void **state)
{
	work *w = *state;
	prepare(w);
	start(w);
	rig_open(&w->r);
	rig_pass(&w->r, w->r.now + 30 * SECOND);
	expect_rate(w, HIGH);
	write_all(w);
	rig_stop(&w->r);
}

static void a_chip_that_takes_long(void **state)
{
	work *w = *state;
	for (unsigned blocking = 0; blocking < 2; blocking++) {
		prepare(w);
		w->r.config.blocking = blocking != 0;
		start(w);
		rig_open(&w->r);
		uint64_t began = w->r.now;
		assert_true(rig_erase(&w->r, 0, BASE, (uint32_t)w->r.array_len));
		assert_true(w->r.now - began > 10 * SECOND);
		assert_true((w->r.deaf > 0) == (blocking != 0));
		expect_rate(w, HIGH);
		write_all(w);
		assert_int_equal(w->r.asks, 1);
		rig_stop(&w->r);
	}
}

static void submit(work *w, vf_operation *op)
{
	*op = (vf_operation){
		.message = {.type = VF_MESSAGE_PROGRAM, .address = BASE, .length = LEN},
		.data = w->data};
	assert_int_equal(vf_session_submit(w->r.session, op), VF_OK);
	rig_pass(&w->r, w->r.now + SECOND / 5);
	assert_int_equal(op->status, VF_OPERATION_WAITING);
}

static void the_line_falls_silent(void **state)
{
	work *w = *state;
	vf_operation op;
	prepare(w);
	start(w);
	rig_open(&w->r);
	submit(w, &op);
	w->r.mute = w->r.now + 5 * SECOND / 2;
	rig_pass(&w->r, w->r.now + 20 * SECOND);
	assert_int_equal(op.status, VF_OPERATION_DONE);
	assert_memory_equal(w->r.array, w->data, LEN);
	expect_rate(w, HOME); /* it does not trust that rate again in this session */
	rig_stop(&w->r);
}

static void the_line_dies(void **state)
{
	work *w = *state;
	vf_operation op;
	prepare(w);
	start(w);
	rig_open(&w->r);
	submit(w, &op);
	w->r.mute = UINT64_MAX;
	rig_pass_while(&w->r, VF_SESSION_OPEN, w->r.now + 20 * SECOND);
	assert_int_equal(vf_session_status(w->r.session), VF_SESSION_LOST);
	assert_int_equal(op.status, VF_OPERATION_DROPPED);
	rig_stop(&w->r);
}

static void the_board_restarts(void **state)
{
	work *w = *state;
	vf_operation op;
	prepare(w);
	start(w);
	rig_open(&w->r);
	submit(w, &op);
	vf_sim_board_reset(w->r.board, w->r.now);
	rig_pass_while(&w->r, VF_SESSION_OPEN, w->r.now + 20 * SECOND);
	assert_int_equal(vf_session_status(w->r.session), VF_SESSION_ENDED);
	assert_int_equal(op.status, VF_OPERATION_DROPPED);
	assert_int_equal(board(w), HOME);
	rig_open(&w->r);
	expect_rate(w, HIGH); /* it was not the line's fault */
	write_all(w);
	rig_stop(&w->r);
}

static void the_host_dies(void **state)
{
	work *w = *state;
	vf_operation op;
	prepare(w);
	start(w);
	rig_open(&w->r);
	submit(w, &op);
	rig_leave(&w->r); /* at once: what it sends is garbled for up to 3 s */
	assert_int_equal(board(w), HIGH);
	rig_open(&w->r);
	expect_rate(w, HIGH);
	write_all(w);
	rig_stop(&w->r);
}

/* The host stops while the rate is on trial, wherever it is. */
static void interrupted_at_any_moment(void **state)
{
	work *w = *state;
	for (uint64_t after = 0; after < SECOND; after += 17000) {
		prepare_fault(w, HIGH, after % 2 == 0 ? NULL : "badrate=400000");
		start(w);
		vf_session_open(w->r.session, w->r.now);
		rig_pass(&w->r, w->r.now + after);
		leave(w);
		rig_leave(&w->r);
		rig_open(&w->r);
		rig_stop(&w->r);
	}
}

static void the_host_dies_at_any_moment(void **state)
{
	work *w = *state;
	for (uint64_t after = 0; after < SECOND; after += 17000) {
		prepare_fault(w, HIGH, after % 2 == 0 ? NULL : "badrate=400000");
		start(w);
		vf_session_open(w->r.session, w->r.now);
		rig_pass(&w->r, w->r.now + after);
		rig_leave(&w->r);
		rig_open(&w->r);
		rig_stop(&w->r);
	}
}

static int setup(void **state)
{
	*state = malloc(sizeof(work));
	return *state == NULL;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(up_and_home),
		T(as_high_as_both_can),
		T(two_ends_at_different_rates_hear_nothing),
		T(a_new_plan_keeps_the_rate),
		T(a_cable_that_holds_less),
		T(a_cable_that_holds_nothing_more),
		T(a_port_that_cannot),
		T(a_lost_agreement),
		T(bad_lines),
		T(nothing_to_do_for_long),
		T(a_chip_that_takes_long),
		T(the_line_falls_silent),
		T(the_line_dies),
		T(the_board_restarts),
		T(the_host_dies),
		T(interrupted_at_any_moment),
		T(the_host_dies_at_any_moment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
