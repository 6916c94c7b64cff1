/* board_journal.c - a journal on whole simulated boards, the real chip driver below it:
 * power cuts in every bus transaction of a small job and at any moment of one over
 * internal flash; what the chip calls weak the board must call torn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board_rig.h"

enum { AT = 0x20000, LEN = 1536, SECOND = 1000000 };

static const uint8_t *contents(void)
{
	static uint8_t data[LEN];
	uint64_t seed = 3;
	rig_random_bytes(&seed, data, sizeof data);
	return data;
}

static bool set_to(rig *r, uint8_t state)
{
	uint8_t bytes[VF_WIRE_SET_ENTRY];
	const vf_memory *m = &vf_session_board(r->session)->memory[0];
	vf_set_entry e = {m->base + AT, m->erase[0].size, {1, 2, 3, state}};
	vf_operation op = {
		.message = {.type = VF_MESSAGE_SET, .address = state, .length = sizeof bytes},
		.data = bytes};
	vf_pack_set_entry(bytes, &e);
	return rig_do(r, &op);
}

static vf_set recall(rig *r)
{
	uint8_t answer[VF_WIRE_SET_HEADER + VF_WIRE_SET_ENTRY * VF_WIRE_SET_MAX];
	vf_operation op = {.message = {.type = VF_MESSAGE_RECALL}, .answer = answer};
	vf_set set;
	assert_true(rig_do(r, &op));
	assert_int_equal(vf_unpack_set(&set, answer, sizeof answer), 0);
	return set;
}

/* True if all of it was done. */
static bool job(rig *r)
{
	const vf_memory *m = &vf_session_board(r->session)->memory[0];
	return set_to(r, VF_SET_INCOMPLETE) && rig_erase(r, 0, m->base + AT, m->erase[0].size) &&
	       rig_program(r, 0, m->base + AT, contents(), LEN) && set_to(r, VF_SET_COMPLETE);
}

static bool says_torn(const rig *r, unsigned memory, uint32_t offset)
{
	const vf_torn *torn = &vf_session_board(r->session)->torn[memory];
	for (unsigned i = 0; i < torn->count; i++) {
		if (offset - torn->range[i].offset < torn->range[i].len)
			return true;
	}
	return false;
}

/* Every weak page outside the journal is told of. */
static void check_weak(rig *r)
{
	const vf_memory *m = &vf_session_board(r->session)->memory[0];
	uint32_t end = m->size - m->protect[0].len;
	for (uint32_t at = 0; at < end && at < 2 * AT; at += m->page) {
		if (vf_sim_chip_weak(vf_sim_board_chip(r->board), at, m->page) &&
		    !says_torn(r, 0, at))
			fail_msg("0x%x is weak, and not torn", at);
	}
}

/* Opens a session when the board is up again. */
static void open_again(rig *r)
{
	rig_leave(r);
	rig_pass(r, r->now + 2 * SECOND);
	rig_open(r);
}

static void check_complete(rig *r)
{
	const vf_memory *m = &vf_session_board(r->session)->memory[0];
	uint8_t back[LEN];
	vf_set set = recall(r);
	assert_int_equal(set.state, VF_SET_COMPLETE);
	assert_true(set.count == 1 && set.entry[0].address == m->base + AT);
	assert_int_equal(vf_session_board(r->session)->torn[0].count, 0);
	assert_int_equal(vf_target_startable(vf_sim_board_target(r->board)), VF_STARTABLE_YES);
	assert_true(rig_read(r, 0, m->base + AT, back, LEN));
	assert_memory_equal(back, contents(), LEN);
	assert_false(vf_sim_chip_weak(vf_sim_board_chip(r->board), AT, LEN));
}

/* One run with a cut in bus transaction `cut`. False if there were not so many. */
static bool run_with_cut(const char *part, uint8_t dies, uint64_t cut)
{
	rig r;
	rig_prepare(&r, part, dies);
	r.config.journal = VF_SIM_JOURNAL_EXTERNAL;
	r.config.fault.cut = cut;
	r.config.chip.seed = cut * 77;
	memset(r.array + AT, 0, 2 * LEN);
	rig_start(&r);
	rig_pass(&r, 2 * SECOND); /* in case it was cut already */
	rig_open(&r);
	bool whole = job(&r);
	if (!whole) {
		uint64_t before = vf_session_number(r.session);
		bool changed = vf_sim_board_target_stats(r.board)->erases != 0;
		open_again(&r);
		check_weak(&r);
		assert_true(!changed || vf_session_board(r.session)->welcome.changed == before);
		assert_int_not_equal(vf_session_board(r.session)->welcome.set, VF_SET_UNREADABLE);
		assert_true(job(&r));
	}
	open_again(&r);
	check_complete(&r);
	rig_stop(&r);
	return !whole;
}

/* How many transactions the job takes, the probe included. */
static uint64_t transactions(const char *part, uint8_t dies)
{
	rig r;
	rig_prepare(&r, part, dies);
	r.config.journal = VF_SIM_JOURNAL_EXTERNAL;
	memset(r.array + AT, 0, 2 * LEN);
	rig_start(&r);
	rig_open(&r);
	assert_true(job(&r));
	uint64_t all = vf_sim_chip_stats(vf_sim_board_chip(r.board))->transactions;
	rig_stop(&r);
	return all;
}

static void cut_in_transactions(const char *part, uint8_t dies, unsigned step)
{
	uint64_t all = transactions(part, dies);
	unsigned hit = 0;
	for (uint64_t cut = 1; cut <= all; cut += step)
		hit += run_with_cut(part, dies, cut);
	assert_true(hit > 60 / step);
}

static void cuts_with_one_die(void **state)
{
	(void)state;
	cut_in_transactions("w25q128jv", 1, 1);
}

static void cuts_with_two_dies(void **state)
{
	(void)state;
	cut_in_transactions("w25q128jv", 2, 5);
}

/* A journal in internal flash: words that take data once. The power fails at any time. */
static void cuts_with_internal_flash(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 60; n++) {
		rig r;
		rig_prepare(&r, "w25q128jv", 1);
		r.config.journal = VF_SIM_JOURNAL_INTERNAL;
		r.config.chip.seed = n;
		r.config.seed = n;
		r.internal = malloc(2 << 20);
		assert_non_null(r.internal);
		memset(r.internal, 0xFF, 2 << 20);
		rig_start(&r);
		rig_open(&r);
		assert_int_equal(vf_session_board(r.session)->memory[1].protects, 2);
		for (unsigned cuts = 0; cuts < 4; cuts++) {
			/* The first SET changes units: an erase of a second. */
			uint64_t at = (n * 7919 + cuts * 104729) % (cuts == 0 ? 1200000 : 60000);
			vf_operation op = {.message = {.type = VF_MESSAGE_SET, .address = 1}};
			assert_int_equal(vf_session_submit(r.session, &op), VF_OK);
			rig_pass(&r, r.now + at);
			vf_sim_board_power_cut(r.board, r.now, SECOND);
			open_again(&r);
			assert_int_not_equal(vf_session_board(r.session)->welcome.set,
					     VF_SET_UNREADABLE);
			check_weak(&r);
		}
		assert_true(job(&r));
		open_again(&r);
		check_complete(&r);
		rig_stop(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_with_one_die),
		cmocka_unit_test(cuts_with_two_dies),
		cmocka_unit_test(cuts_with_internal_flash),
	};
	return cmocka_run_group_tests_name("sim: journal", tests, NULL, NULL);
}
