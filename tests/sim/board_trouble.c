/* board_trouble.c - bad lines, resets, power cuts and worn cells: what a host
 * that repeats its work ends with is right all the same. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "board_rig.h"

#include <stdlib.h>
#include <string.h>

#define BASE 0x90000000u

static const uint64_t MS = 1000, SECOND = 1000000;

enum { INTERNAL = 0x08000000 };
enum { LEN = 4000 }; /* within the smallest sector */

typedef struct work {
	rig r;
	uint8_t data[LEN];
	unsigned attempts;
} work;

static void prepare(work *w, const char *part, uint8_t dies)
{
	uint64_t seed = 3;
	rig_prepare(&w->r, part, dies);
	memset(w->r.array, 0, 65536);
	rig_random_bytes(&seed, w->data, sizeof w->data);
	w->attempts = 0;
}

/* Opens and does it all again until it is done. */
static void persist(work *w)
{
	rig *r = &w->r;
	uint64_t give_up = r->now + 120 * (uint64_t)SECOND;
	for (;;) {
		w->attempts++;
		if (r->now > give_up)
			fail_msg("no success in %u attempts", w->attempts);
		vf_session_open(r->session, r->now);
		rig_pass_while(r, VF_SESSION_OPENING, r->now + 10 * SECOND);
		if (vf_session_status(r->session) != VF_SESSION_OPEN)
			continue;
		uint32_t sector = vf_session_board(r->session)->memory[0].erase[0].size;
		if (rig_erase(r, 0, BASE, sector) && rig_program(r, 0, BASE + 10, w->data, LEN))
			break;
	}
	uint32_t sector = vf_session_board(r->session)->memory[0].erase[0].size;
	assert_memory_equal(r->array + 10, w->data, LEN);
	assert_int_equal(r->array[9], 0xFF);
	for (uint32_t i = 10 + LEN; i < sector; i++)
		assert_int_equal(r->array[i], 0xFF);
	for (uint32_t i = sector; i < 65536; i++)
		assert_int_equal(r->array[i], 0);
}

static void bad_lines_only_cost_time(void **state)
{
	(void)state;
	static const struct {
		const char *link, *fault;
	} kind[] = {
		{"usb-fs", "corrupt=1e-3"},
		{"usb-hs", "drop=1e-3"},
		{"uart:921600", "dup=1e-3"},
		{"usb-fs", "stall=1e-3:30"},
		{"uart:921600", "corrupt=5e-4,drop=5e-4,dup=5e-4,stall=1e-4:100"},
	};
	for (size_t i = 0; i < sizeof kind / sizeof kind[0]; i++) {
		for (uint64_t seed = 1; seed <= 3; seed++) {
			work w;
			vf_error err;
			prepare(&w, "n25q128a", 2);
			w.r.config.seed = seed;
			(void)vf_sim_link_parse(&w.r.config.link, kind[i].link, &err);
			assert_int_equal(vf_sim_fault_parse(&w.r.config.fault, kind[i].fault, &err),
					 VF_OK);
			rig_start(&w.r);
			persist(&w);
			print_message("%s %s seed %d: %u attempts, %u damaged there\n",
				      kind[i].link, kind[i].fault, (int)seed, w.attempts,
				      vf_session_stats_get(w.r.session)->damaged_there);
			rig_stop(&w.r);
		}
	}
}

/* --- reset ---------------------------------------------------------------------- */

static void begin_erase(rig *r, vf_operation *erase, uint32_t len)
{
	*erase = (vf_operation){
		.message = {.type = VF_MESSAGE_ERASE, .address = BASE, .length = len}};
	assert_int_equal(vf_session_submit(r->session, erase), VF_OK);
	rig_pass(r, r->now + 40 * MS);
	assert_true(vf_sim_chip_busy_until(vf_sim_board_chip(r->board)) > r->now);
}

/* The board forgets, the chip goes on: the erase that ran ends as if nothing
 * had been, and the board waits for it. */
static void reset_leaves_the_chip_alone(void **state)
{
	(void)state;
	work w;
	rig *r = &w.r;
	vf_operation erase;
	prepare(&w, "mt25ql512ab", 1);
	rig_start(r);
	rig_open(r);
	begin_erase(r, &erase, 65536);
	uint64_t ends = vf_sim_chip_busy_until(vf_sim_board_chip(r->board));
	vf_sim_board_reset(r->board, r->now);
	rig_pass_while(r, VF_SESSION_OPEN, r->now + 2 * SECOND);
	assert_int_equal(vf_session_status(r->session), VF_SESSION_ENDED);
	assert_int_equal(erase.status, VF_OPERATION_DROPPED);
	assert_true(r->now >= ends);
	print_message("noticed %d ms after the erase ended\n", (int)((r->now - ends) / MS));
	assert_true(r->now < ends + 600 * MS);
	for (uint32_t i = 0; i < 65536; i++)
		assert_int_equal(r->array[i], 0xFF);
	memset(r->array, 0, 65536);
	persist(&w);
	rig_stop(r);
}

static void chance_resets_are_survived(void **state)
{
	(void)state;
	unsigned attempts = 0;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		work w;
		prepare(&w, "w25q128jv", 1);
		w.r.config.seed = seed;
		(void)vf_sim_link_parse(&w.r.config.link, "usb-fs", NULL);
		w.r.config.fault.reset = 2e-4;
		rig_start(&w.r);
		persist(&w);
		attempts += w.attempts;
		rig_stop(&w.r);
	}
	print_message("resets: %u attempts for 10 runs\n", attempts);
	assert_true(attempts > 10); /* it did happen */
}

/* --- power ------------------------------------------------------------------------ */

static void power_cut_tears_what_runs(void **state)
{
	(void)state;
	work w;
	rig *r = &w.r;
	vf_operation erase;
	prepare(&w, "mt25ql512ab", 2);
	rig_start(r);
	rig_open(r);
	begin_erase(r, &erase, 131072);
	uint64_t cut = r->now;
	vf_sim_board_power_cut(r->board, cut, 700 * MS);
	size_t changed = 0, blank = 0;
	for (uint32_t i = 0; i < 65536; i++) {
		changed += r->array[i] != 0;
		blank += r->array[i] == 0xFF;
	}
	assert_int_equal(vf_sim_chip_busy_until(vf_sim_board_chip(r->board)), 0);
	print_message("torn erase: %zu of 65536 bytes changed, %zu look erased\n", changed, blank);
	rig_pass_while(r, VF_SESSION_OPEN, r->now + 5 * SECOND);
	assert_int_equal(vf_session_status(r->session), VF_SESSION_ENDED);
	assert_true(r->now >= cut + 700 * MS && r->now < cut + 1500 * MS);
	assert_true(rig_erase(r, 0, BASE, 131072) == false); /* the session is over */
	memset(r->array, 0, 65536);
	persist(&w);
	rig_stop(r);
}

/* Power dies in the transactions of a small job in turn, from the first of the
 * first probe on, until the job is over before its turn comes. */
static void cut_everywhere(const char *part, uint8_t dies, unsigned step)
{
	unsigned again = 0, cut = 1;
	for (bool reached = true; reached; cut += step) {
		work w;
		prepare(&w, part, dies);
		w.r.config.seed = cut;
		w.r.config.chip.seed = cut;
		w.r.config.fault.cut = cut;
		rig_start(&w.r);
		persist(&w);
		reached = vf_sim_chip_stats(vf_sim_board_chip(w.r.board))->transactions + 1 >= cut;
		again += w.attempts > 1;
		rig_stop(&w.r);
	}
	print_message("%s: cuts up to transaction %u, %u ended a session\n", part, cut, again);
	assert_true(cut > 100 && again * step > 60);
}

static void every_transaction_can_be_the_last(void **state)
{
	(void)state;
	cut_everywhere("w25q128jv", 1, 2);
	cut_everywhere("n25q128a", 1, 2);
	cut_everywhere("is25lp128", 2, 3);
}

static void internal_flash_is_torn_too(void **state)
{
	(void)state;
	uint8_t zeros[64] = {0};
	work w;
	rig *r = &w.r;
	prepare(&w, "mt25ql512ab", 1);
	r->internal = malloc(2 << 20);
	assert_non_null(r->internal);
	memset(r->internal, 0, 2 << 20);
	rig_start(r);
	rig_open(r);
	vf_operation erase = {.message = {.type = VF_MESSAGE_ERASE,
					  .memory = 1,
					  .address = INTERNAL + 0x20000,
					  .length = 0x20000}};
	assert_int_equal(vf_session_submit(r->session, &erase), VF_OK);
	rig_pass(r, r->now + 500 * MS);
	vf_sim_board_power_cut(r->board, r->now, 100 * MS);
	size_t blank = 0;
	for (uint32_t i = 0x20000; i < 0x40000; i++)
		blank += r->internal[i] == 0xFF;
	assert_true(blank < 0x20000);
	rig_pass_while(r, VF_SESSION_OPEN, r->now + 5 * SECOND);
	/* Nothing can be written there before an erase that ended. */
	rig_open(r);
	assert_false(rig_program(r, 1, INTERNAL + 0x20000, zeros, sizeof zeros));
	rig_open(r);
	assert_true(rig_erase(r, 1, INTERNAL + 0x20000, 0x20000));
	assert_true(rig_program(r, 1, INTERNAL + 0x20000, zeros, sizeof zeros));
	rig_stop(r);
}

/* --- cells -------------------------------------------------------------------------- */

static void bad_bits_are_found_and_named(void **state)
{
	(void)state;
	uint8_t zeros[256] = {0};
	for (int offset_only = 0; offset_only < 2; offset_only++) {
		work w;
		rig *r = &w.r;
		prepare(&w, "mt25ql512ab", 2);
		memset(r->array, 0xFF, 65536);
		r->config.fault.bad_bits = 1;
		r->config.fault.bad_bit[0] = 0x1234 + (offset_only ? 0 : BASE);
		rig_start(r);
		rig_open(r);
		assert_true(rig_program(r, 0, BASE + 0x1000, zeros, sizeof zeros));
		assert_false(rig_program(r, 0, BASE + 0x1200, zeros, sizeof zeros));
		const vf_failure *f = vf_session_failure(r->session);
		assert_int_equal(f->code, VF_FAIL_MISMATCH);
		assert_int_equal(f->address, BASE + 0x1234);
		assert_int_equal(f->expected, 0);
		assert_int_equal(f->count, 1);
		assert_int_equal(f->found & (f->found - 1), 0); /* one bit */
		assert_int_not_equal(f->found, 0);
		rig_stop(r);
	}
}

/* A host that does not read holds the board's answers up, and no more. */
static void hosts_that_do_not_read_lose_nothing(void **state)
{
	(void)state;
	enum { BIG = 300000 };
	static uint8_t want[BIG], got[BIG];
	rig r;
	uint64_t seed = 9;
	rig_prepare(&r, "mt25ql512ab", 1);
	rig_random_bytes(&seed, want, sizeof want);
	memcpy(r.array, want, sizeof want);
	(void)vf_sim_link_parse(&r.config.link, "usb-hs", NULL);
	rig_start(&r);
	rig_open(&r);
	vf_operation read = {.message = {.type = VF_MESSAGE_READ, .address = BASE, .length = BIG},
			     .answer = got};
	assert_int_equal(vf_session_submit(r.session, &read), VF_OK);
	rig_pass(&r, r.now + 5 * MS);
	vf_sim_board_run(r.board, r.now + SECOND); /* the host is somewhere else */
	r.now += SECOND;
	while (read.status == VF_OPERATION_WAITING &&
	       vf_session_status(r.session) == VF_SESSION_OPEN)
		rig_pass(&r, r.now + MS);
	assert_int_equal(read.status, VF_OPERATION_DONE);
	assert_memory_equal(got, want, sizeof want);
	assert_int_equal(vf_session_stats_get(r.session)->damaged_here, 0);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_lines_only_cost_time),
		cmocka_unit_test(reset_leaves_the_chip_alone),
		cmocka_unit_test(chance_resets_are_survived),
		cmocka_unit_test(power_cut_tears_what_runs),
		cmocka_unit_test(every_transaction_can_be_the_last),
		cmocka_unit_test(internal_flash_is_torn_too),
		cmocka_unit_test(bad_bits_are_found_and_named),
		cmocka_unit_test(hosts_that_do_not_read_lose_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
