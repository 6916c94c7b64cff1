/* test_failures.c - what the board refuses, what it reports when the flash
 * fails, which failure counts, and that nothing happens afterwards.
 */
#include "rig.h"

static uint8_t data[4096];

static int setup(void **state)
{
	uint64_t seed = 3;
	rig_random_fill(&seed, data, sizeof data);
	rig *r = rig_new(&rig_usual);
	rig_start(r);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void check_failure(rig *r, uint32_t operation, uint8_t code, uint8_t memory,
			  uint32_t address)
{
	vf_state s = rig_state(r);
	assert_int_equal(s.flags, VF_STATE_STOPPED);
	assert_int_equal(s.failure.operation, operation);
	assert_int_equal(s.failure.code, code);
	assert_int_equal(s.failure.memory, memory);
	assert_int_equal(s.failure.address, address);
}

/* --- refused messages ------------------------------------------------------------ */

typedef struct refusal {
	uint8_t bytes[4];
	uint32_t address, length, group;
	uint8_t code;
} refusal;

static void put_raw(rig *r, const refusal *m)
{
	uint8_t out[16];
	memcpy(out, m->bytes, 4);
	vf_put32(out + 4, m->address);
	vf_put32(out + 8, m->length);
	vf_put32(out + 12, m->group);
	rig_stream(r, out, m->bytes[0] == VF_MESSAGE_DIGEST ? 16 : 12);
}

#define N RIG_NOR_BASE
#define I RIG_INNER_BASE

static const refusal refusals[] = {
	{{0, 0, 0, 0}, N, 0, 0, VF_FAIL_UNKNOWN},
	{{7, 0, 0, 0}, N, 0, 0, VF_FAIL_UNKNOWN},
	{{7, 0, 0, 0}, N, 4096, 0, VF_FAIL_UNKNOWN},
	{{0xFF, 0xFF, 0xFF, 0xFF}, 0xFFFFFFFF, 0xFFFFFFFF, 0, VF_FAIL_UNKNOWN},
	{{1, 0x80, 0, 0}, N, 4096, 0, VF_FAIL_MALFORMED},
	{{1, 1, 0, 0}, N, 4096, 0, VF_FAIL_MALFORMED},
	{{1, 0, 0, 1}, N, 4096, 0, VF_FAIL_MALFORMED},
	{{4, 0, 0, 0}, N, 4096, 0, VF_FAIL_MALFORMED},
	{{6, 0, 0, 0}, N, 1, 0, VF_FAIL_MALFORMED},
	{{1, 0, 2, 0}, N, 4096, 0, VF_FAIL_RANGE},
	{{3, 0, 255, 0}, N, 4096, 0, VF_FAIL_RANGE},
	{{1, 0, 0, 0}, N, 8192, 0, VF_FAIL_RANGE}, /* no such erase size */
	{{1, 0, 0, 0}, N, 0, 0, VF_FAIL_RANGE},
	{{1, 0, 0, 0}, N + 2048, 4096, 0, VF_FAIL_RANGE}, /* not aligned */
	{{1, 0, 0, 0}, N + 4096, 32768, 0, VF_FAIL_RANGE},
	{{1, 0, 0, 0}, N + RIG_NOR_SIZE, 4096, 0, VF_FAIL_RANGE},
	{{1, 0, 0, 0}, N - 4096, 4096, 0, VF_FAIL_RANGE},
	{{1, 0, 0, 0}, I, 4096, 0, VF_FAIL_RANGE},
	{{2, 0, 0, 0}, N, 0, 0, VF_FAIL_RANGE},
	{{2, 0, 0, 0}, N + RIG_NOR_SIZE - 1, 2, 0, VF_FAIL_RANGE},
	{{2, 0, 0, 0}, N + 1, 0xFFFFFFFF, 0, VF_FAIL_RANGE},
	{{2, 0, 0, 0}, 0xFFFFFFFF, 0xFFFFFFFF, 0, VF_FAIL_RANGE},
	{{2, 0, 1, 0}, I + 16, 32, 0, VF_FAIL_RANGE}, /* not a unit */
	{{2, 0, 1, 0}, I, 16, 0, VF_FAIL_RANGE},
	{{3, 0, 0, 0}, N, 0, 0, VF_FAIL_RANGE},
	{{3, 0, 0, 0}, N + RIG_NOR_SIZE, 1, 0, VF_FAIL_RANGE},
	{{4, 0, 0, 0}, N, 0, 1, VF_FAIL_RANGE},
	{{4, 0, 0, 0}, N, 4097, 1, VF_FAIL_RANGE},
	{{4, 0, 0, 0}, N + 1, 4096, 1, VF_FAIL_RANGE},
	{{5, 0, 0, 0}, N, RIG_NOR_SIZE + 1, 0, VF_FAIL_RANGE},
	{{5, 0, 0, 0}, N + RIG_NOR_SIZE + 1, 0, 0, VF_FAIL_RANGE},
	{{6, 0, 0, 0}, N + RIG_NOR_SIZE - 4, 0, 0, VF_FAIL_RANGE},
	{{6, 0, 0, 0}, N + 2, 0, 0, VF_FAIL_RANGE},
	{{1, 0, 0, 0}, N + 0xC000, 4096, 0, VF_FAIL_PROTECTED},
	{{1, 0, 0, 0}, N + 0x8000, 32768, 0, VF_FAIL_PROTECTED},
	{{1, 0, 0, 0}, N, RIG_NOR_SIZE, 0, VF_FAIL_PROTECTED},
	{{2, 0, 0, 0}, N + 0xBFFF, 2, 0, VF_FAIL_PROTECTED},
	{{2, 0, 0, 0}, N + 0xCFFF, 1, 0, VF_FAIL_PROTECTED},
	{{2, 0, 0, 0}, N, RIG_NOR_SIZE, 0, VF_FAIL_PROTECTED},
	{{6, 0, 1, 0}, I, 0, 0, VF_FAIL_RIGHTS},
};

static void messages_are_checked(void **state)
{
	rig *r = *state;
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		rig_hello(r, 1000 + i);
		put_raw(r, &refusals[i]);
		rig_run(r, 1000);
		check_failure(r, 0, refusals[i].code, refusals[i].bytes[2], refusals[i].address);
	}
	assert_int_equal(r->flash[0].begun + r->flash[1].begun, 0);
}

static void what_lies_beside_a_protected_range_is_free(void **state)
{
	rig *r = *state;
	rig_program(r, 0, N + 0xBF00, data, 256);
	rig_program(r, 0, N + 0xD000, data, 256);
	rig_message(r, VF_MESSAGE_READ, 0, N + 0xC000, 16); /* reading it is allowed */
	rig_run(r, 5000);
	assert_int_equal(rig_state(r).done, 3);
}

static void rights_are_kept(void **state)
{
	rig *r = *state;
	static const refusal cases[] = {
		{{1, 0, 0, 0}, N, 4096, 0, 0}, {{2, 0, 0, 0}, N, 16, 0, 0},
		{{3, 0, 0, 0}, N, 16, 0, 0},   {{4, 0, 0, 0}, N, 4096, 1, 0},
		{{5, 0, 0, 0}, N, 16, 0, 0},   {{6, 0, 0, 0}, N, 0, 0, 0},
	};
	r->info[0].flags = 0;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		rig_hello(r, 1000 + i);
		put_raw(r, &cases[i]);
		rig_run(r, 1000);
		check_failure(r, 0, VF_FAIL_RIGHTS, 0, N);
	}
}

static void run_is_unknown_where_the_port_cannot(void **state)
{
	rig *r = *state;
	vf_welcome w;
	r->config.can_run = false;
	assert_int_equal(rig_init(r), VF_OK);
	rig_hello(r, r->session);
	rig_message(r, VF_MESSAGE_RUN, 0, N, 0);
	rig_run(r, 1000);
	const rig_body *b = rig_last(r, VF_KIND_WELCOME);
	assert_int_equal(vf_unpack_welcome(&w, b->bytes, b->len), 0);
	assert_int_equal(w.capabilities & VF_CAP_RUN, 0);
	check_failure(r, 0, VF_FAIL_UNKNOWN, 0, N);
}

static void run_needs_a_vector_table(void **state)
{
	rig *r = *state;
	uint32_t address;
	rig_message(r, VF_MESSAGE_ERASE, 0, N, 4096);
	rig_message(r, VF_MESSAGE_RUN, 0, N, 0);
	rig_run(r, 2000);
	check_failure(r, 1, VF_FAIL_NO_APPLICATION, 0, N);
	assert_false(vf_target_run(&r->t, &address));
}

/* --- failures of the flash --------------------------------------------------------- */

static void every_status_has_its_code(void **state)
{
	rig *r = *state;
	static const struct {
		int status;
		uint8_t code;
	} cases[] = {
		{VF_E_ERASE, VF_FAIL_ERASE},       {VF_E_PROGRAM, VF_FAIL_PROGRAM},
		{VF_E_LOCKED, VF_FAIL_LOCKED},     {VF_E_TIMEOUT, VF_FAIL_TIMEOUT},
		{VF_E_BUS, VF_FAIL_BUS},           {VF_E_NO_CHIP, VF_FAIL_ABSENT},
		{VF_E_RANGE, VF_FAIL_RANGE},       {VF_E_UNKNOWN_CHIP, VF_FAIL_OTHER},
		{VF_E_DIES_DIFFER, VF_FAIL_OTHER}, {-999, VF_FAIL_OTHER},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		rig_hello(r, 1000 + i);
		r->flash[0].status_kind = VF_FLASH_ERASE;
		r->flash[0].status = cases[i].status;
		rig_message(r, VF_MESSAGE_ERASE, 0, N + 4096, 4096);
		rig_run(r, 1000);
		check_failure(r, 0, cases[i].code, 0, N + 4096);
	}
}

static void any_flash_operation_may_fail(void **state)
{
	rig *r = *state;
	for (unsigned kind = VF_FLASH_READ; kind <= VF_FLASH_ERASE; kind++) {
		rig_hello(r, 1000 + kind);
		r->flash[0].status_kind = (uint8_t)kind;
		r->flash[0].status = VF_E_BUS;
		rig_message(r, VF_MESSAGE_ERASE, 0, N, 4096);
		rig_program(r, 0, N + 256, data, 512);
		rig_message(r, VF_MESSAGE_SHA256, 0, N, 100);
		rig_run(r, 5000);
		vf_state s = rig_state(r);
		assert_int_equal(s.flags, VF_STATE_STOPPED);
		assert_int_equal(s.failure.code, VF_FAIL_BUS);
		assert_int_equal(s.failure.operation, s.done);
		assert_int_equal(s.done, kind == VF_FLASH_ERASE         ? 0
					 : kind == VF_FLASH_READ_MAPPED ? 2
									: 1);
	}
}

static void a_cell_that_does_not_program_is_found(void **state)
{
	rig *r = *state;
	r->flash[0].bad_offset = 700;
	data[700] = 0x3C;
	rig_program(r, 0, N, data, 2000);
	rig_run(r, 5000);
	check_failure(r, 0, VF_FAIL_MISMATCH, 0, N + 700);
	vf_state s = rig_state(r);
	assert_int_equal(s.failure.expected, 0x3C);
	assert_int_equal(s.failure.found, 0xFF);
	assert_int_equal(s.failure.count, 1);
	assert_int_equal(r->flash[0].programmed, 3); /* pages after it are not begun */
	assert_int_equal(vf_target_stats_get(&r->t)->programmed, 512);
}

static void all_bytes_that_differ_are_counted(void **state)
{
	rig *r = *state;
	memset(r->flash[0].cells + 10, 0, 3);
	memset(data, 0xF1, 64);
	rig_program(r, 0, N + 4, data, 64);
	rig_run(r, 5000);
	check_failure(r, 0, VF_FAIL_MISMATCH, 0, N + 10);
	vf_state s = rig_state(r);
	assert_int_equal(s.failure.count, 3);
	assert_int_equal(s.failure.expected, 0xF1);
	assert_int_equal(s.failure.found, 0);
}

/* --- stop ---------------------------------------------------------------------------- */

static void a_refusal_waits_for_its_turn(void **state)
{
	rig *r = *state;
	r->flash[0].freeze = true;
	rig_message(r, VF_MESSAGE_ERASE, 0, N, 4096);
	rig_message(r, 0x77, 0, N, 0);
	rig_message(r, VF_MESSAGE_ERASE, 1, I, 2048); /* not even parsed */
	rig_run(r, 5000);
	assert_int_equal(rig_state(r).flags & VF_STATE_STOPPED, 0);
	r->flash[0].freeze = false;
	rig_run(r, 5000);
	check_failure(r, 1, VF_FAIL_UNKNOWN, 0, N);
	assert_int_equal(rig_state(r).done, 1);
	assert_int_equal(r->flash[1].begun, 0);
}

static void a_failure_before_a_refusal_counts(void **state)
{
	rig *r = *state;
	r->flash[0].freeze = true;
	r->flash[0].status_kind = VF_FLASH_ERASE;
	r->flash[0].status = VF_E_LOCKED;
	rig_message(r, VF_MESSAGE_ERASE, 0, N, 4096);
	rig_message(r, 0x77, 0, N, 0);
	rig_run(r, 5000);
	r->flash[0].freeze = false;
	rig_run(r, 5000);
	check_failure(r, 0, VF_FAIL_LOCKED, 0, N);
}

static void the_other_chip_finishes_what_it_is_at(void **state)
{
	rig *r = *state;
	r->flash[0].freeze = true;
	r->flash[1].status_kind = VF_FLASH_ERASE;
	r->flash[1].status = VF_E_ERASE;
	memset(r->flash[0].cells, 0, 8192);
	rig_message(r, VF_MESSAGE_ERASE, 0, N, 4096);
	rig_message(r, VF_MESSAGE_ERASE, 1, I, 2048);
	rig_message(r, VF_MESSAGE_ERASE, 0, N + 4096, 4096);
	rig_run(r, 5000);
	vf_state s = rig_state(r);
	assert_int_equal(s.flags, VF_STATE_BUSY); /* an earlier one may yet fail */
	r->flash[0].freeze = false;
	rig_run(r, 5000);
	check_failure(r, 1, VF_FAIL_ERASE, 1, I);
	s = rig_state(r);
	assert_int_equal(s.done, 1);
	assert_int_equal(r->flash[0].begun, 1);
}

static void of_two_failures_the_first_in_the_queue_counts(void **state)
{
	rig *r = *state;
	r->flash[0].freeze = true;
	for (unsigned m = 0; m < 2; m++) {
		r->flash[m].status_kind = VF_FLASH_ERASE;
		r->flash[m].status = m == 0 ? VF_E_TIMEOUT : VF_E_ERASE;
	}
	rig_message(r, VF_MESSAGE_ERASE, 0, N, 4096);
	rig_message(r, VF_MESSAGE_ERASE, 1, I, 2048);
	rig_run(r, 5000);
	r->flash[0].freeze = false;
	rig_run(r, 5000);
	check_failure(r, 0, VF_FAIL_TIMEOUT, 0, N);
}

static void a_programming_that_waits_for_bytes_does_not_hold_up_the_stop(void **state)
{
	rig *r = *state;
	r->flash[1].freeze = true;
	r->flash[1].status_kind = VF_FLASH_ERASE;
	r->flash[1].status = VF_E_ERASE;
	rig_message(r, VF_MESSAGE_ERASE, 1, I, 2048);
	rig_message(r, VF_MESSAGE_PROGRAM, 0, N, 4096);
	rig_stream(r, data, 300);
	rig_run(r, 5000);
	r->flash[1].freeze = false;
	rig_run(r, 5000);
	check_failure(r, 0, VF_FAIL_ERASE, 1, I);
	assert_int_equal(r->flash[0].programmed, 1);
}

static void a_page_under_way_is_the_last_one(void **state)
{
	rig *r = *state;
	r->flash[0].freeze = true;
	r->flash[1].status_kind = VF_FLASH_ERASE;
	r->flash[1].status = VF_E_ERASE;
	rig_program(r, 0, N, data, 512);
	rig_message(r, VF_MESSAGE_ERASE, 1, I, 2048);
	rig_run(r, 5000);
	r->flash[0].freeze = false;
	rig_run(r, 5000);
	check_failure(r, 1, VF_FAIL_ERASE, 1, I);
	assert_int_equal(rig_state(r).done, 0);
	assert_int_equal(r->flash[0].begun, 1); /* not even its read-back */
	rig_hello(r, 4711);
	rig_message(r, VF_MESSAGE_ERASE, 0, N, 4096);
	rig_run(r, 5000);
	assert_int_equal(rig_state(r).done, 1);
}

static void after_the_stop_the_stream_is_swallowed(void **state)
{
	rig *r = *state;
	rig_message(r, 0x77, 0, N, 0);
	for (unsigned i = 0; i < 5; i++)
		rig_program(r, 0, N, data, sizeof data);
	rig_run(r, 5000);
	vf_state s = rig_state(r);
	assert_int_equal(s.received, r->offset);
	assert_int_equal(s.limit, r->offset + r->config.window_len);
	check_failure(r, 0, VF_FAIL_UNKNOWN, 0, N);
	assert_int_equal(r->flash[0].begun, 0);
	rig_hello(r, 4711);
	rig_run(r, 1000);
	s = rig_state(r);
	assert_int_equal(s.flags, 0);
	rig_program(r, 0, N, data, 256);
	rig_run(r, 2000);
	assert_int_equal(rig_state(r).done, 1);
}

static void a_stop_is_told_without_a_question(void **state)
{
	rig *r = *state;
	r->flash[0].freeze = true;
	r->flash[0].status_kind = VF_FLASH_ERASE;
	r->flash[0].status = VF_E_ERASE;
	rig_message(r, VF_MESSAGE_ERASE, 0, N, 4096);
	rig_run(r, 5000);
	rig_clear(r);
	r->flash[0].freeze = false;
	rig_run(r, 300);
	assert_int_equal(rig_last_state(r).flags, VF_STATE_STOPPED);
}

static void a_stopped_board_is_at_rest(void **state)
{
	rig *r = *state;
	uint32_t at;
	r->flash[0].freeze = true;
	r->flash[1].status_kind = VF_FLASH_ERASE;
	r->flash[1].status = VF_E_ERASE;
	rig_message(r, VF_MESSAGE_SHA256, 0, N, 4096);
	rig_message(r, VF_MESSAGE_ERASE, 1, I, 2048);
	rig_run(r, 5000);
	r->flash[0].freeze = false;
	rig_run(r, 5000);
	check_failure(r, 1, VF_FAIL_ERASE, 1, I);
	assert_null(rig_last(r, VF_KIND_ANSWER));
	assert_false(vf_target_deadline(&r->t, &at));
}

static void calls_out_of_turn_are_harmless(void **state)
{
	rig *r = *state;
	vf_target_flash_done(&r->t, 0, VF_OK);
	vf_target_flash_done(&r->t, 77, VF_OK);
	assert_null(vf_target_flash_next(&r->t, 77));
	vf_target_tx_done(&r->t, 1000);
	rig_program(r, 0, N, data, 256);
	rig_run(r, 100);
	vf_target_tx_done(&r->t, SIZE_MAX);
	rig_run(r, 2000);
	vf_target_flash_done(&r->t, 0, VF_E_BUS);
	rig_run(r, 2000);
	assert_int_equal(rig_state(r).flags, 0);
	assert_int_equal(rig_state(r).done, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(messages_are_checked),
		T(what_lies_beside_a_protected_range_is_free),
		T(rights_are_kept),
		T(run_is_unknown_where_the_port_cannot),
		T(run_needs_a_vector_table),
		T(every_status_has_its_code),
		T(any_flash_operation_may_fail),
		T(a_cell_that_does_not_program_is_found),
		T(all_bytes_that_differ_are_counted),
		T(a_refusal_waits_for_its_turn),
		T(a_failure_before_a_refusal_counts),
		T(the_other_chip_finishes_what_it_is_at),
		T(of_two_failures_the_first_in_the_queue_counts),
		T(a_programming_that_waits_for_bytes_does_not_hold_up_the_stop),
		T(a_page_under_way_is_the_last_one),
		T(after_the_stop_the_stream_is_swallowed),
		T(a_stop_is_told_without_a_question),
		T(a_stopped_board_is_at_rest),
		T(calls_out_of_turn_are_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
