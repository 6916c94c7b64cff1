/* The journal's units: what is found in them may be anybody's, or damaged, or not to be
 * written; they wear evenly; and nothing of it stops a board without good reason.
 */
#include "frail.h"

static const rig_sizes roomy = {
	.ring = 32768, .window = 32768, .frame = 1040, .tx = 1060, .work = 1024};

enum { PLACE = 0xC000, UNIT = 4096, SLOTS = UNIT / VF_JOURNAL_RECORD };

static rig *begin(void)
{
	rig *r = rig_new(&roomy);
	r->info[0].protects = 0;
	(void)frail_new(r, 0, PLACE, UNIT, 1);
	return r;
}

static void end(rig *r)
{
	frail_free(r);
	rig_free(r);
}

static uint8_t *unit(rig *r, unsigned n)
{
	return r->flash[0].cells + PLACE + n * UNIT;
}

static vf_welcome restart(rig *r)
{
	vf_welcome w;
	rig_restart(r);
	rig_hello(r, r->session + 1);
	rig_run(r, 20000);
	const rig_body *b = rig_last(r, VF_KIND_WELCOME);
	assert_non_null(b);
	assert_int_equal(vf_unpack_welcome(&w, b->bytes, b->len), 0);
	return w;
}

/* Sends a set of one range and gives back the failure's code. */
static uint8_t set_to(rig *r, uint8_t state)
{
	uint8_t bytes[VF_WIRE_SET_ENTRY];
	vf_set_entry e = {RIG_NOR_BASE + 0x1000, 0x1000, {state, 2, 3}};
	uint32_t done = r->t.queue.done;
	vf_pack_set_entry(bytes, &e);
	rig_message(r, VF_MESSAGE_SET, 0, state, sizeof bytes);
	rig_stream(r, bytes, sizeof bytes);
	for (unsigned i = 0; i < 500 && r->t.queue.done == done && !r->t.queue.stopped; i++)
		rig_run(r, 100);
	assert_true(r->t.queue.done == done + 1 || r->t.queue.stopped);
	return r->t.queue.stopped ? r->t.queue.failure.code : (uint8_t)VF_FAIL_NONE;
}

static uint8_t change(rig *r, uint8_t type, uint32_t offset, uint32_t len)
{
	static const uint8_t zeros[4096];
	uint32_t done = r->t.queue.done;
	rig_message(r, type, 0, RIG_NOR_BASE + offset, len);
	if (type == VF_MESSAGE_PROGRAM)
		rig_stream(r, zeros, len);
	for (unsigned i = 0; i < 500 && r->t.queue.done == done && !r->t.queue.stopped; i++)
		rig_run(r, 100);
	return r->t.queue.stopped ? r->t.queue.failure.code : (uint8_t)VF_FAIL_NONE;
}

static vf_torn torn(rig *r)
{
	vf_memory info;
	vf_torn t;
	uint8_t index = 0;
	rig_clear(r);
	rig_frame(r, VF_KIND_DESCRIBE, &index, 1);
	rig_run(r, 1000);
	const rig_body *b = rig_last(r, VF_KIND_MEMORY);
	assert_non_null(b);
	assert_int_equal(vf_unpack_memory(&index, &info, &t, b->bytes, b->len), 0);
	return t;
}

/* --- tests --------------------------------------------------------------------------- */

static void only_good_places_are_taken(void **state)
{
	rig *r = begin();
	vf_target_config good = r->config;
	(void)state;
#define REFUSED(change)                                                                            \
	do {                                                                                       \
		r->config = good;                                                                  \
		change;                                                                            \
		assert_int_equal(rig_init(r), VF_E_USAGE);                                         \
	} while (0)
	REFUSED(r->config.journal_memory = 2);
	REFUSED(r->config.journal_unit = 2048);
	REFUSED(r->config.journal_unit = 16384);
	REFUSED(r->config.journal_offset = PLACE + 32);
	REFUSED(r->config.journal_offset = PLACE - UNIT); /* half of it is not protected */
	REFUSED(r->config.journal_offset = 0x10000);
	r->info[0].flags &= (uint8_t)~VF_MEMORY_WRITE;
	REFUSED((void)0);
	r->info[0].flags |= VF_MEMORY_WRITE;
	r->info[0].unit = 64;
	REFUSED((void)0);
	r->info[0].unit = 32;
	r->config = good;
	assert_int_equal(rig_init(r), VF_OK);
	r->config.journal = NULL;
	assert_int_equal(rig_init(r), VF_OK);
	assert_int_equal(vf_target_startable(&r->t), VF_STARTABLE_UNKNOWN);
	r->config = good;
	end(r);
}

/* Whatever was there before: nothing is written until there is something to say. */
static void foreign_contents_are_no_journal(void **state)
{
	uint64_t seed = 5;
	uint8_t before[2 * UNIT];
	(void)state;
	for (unsigned n = 0; n < 20; n++) {
		rig *r = begin();
		rig_random_fill(&seed, unit(r, 0), 2 * UNIT);
		for (unsigned i = 0; i < 2 * SLOTS; i += n + 1) /* as near as can be */
			memcpy(unit(r, 0) + i * VF_JOURNAL_RECORD, "\x4A\x01\0\0\1\0\0\0\1\0\0",
			       12);
		memcpy(before, unit(r, 0), sizeof before);
		vf_welcome w = restart(r);
		assert_true(w.set == VF_SET_NONE && w.changed == 0);
		assert_int_equal(torn(r).count, 0);
		assert_memory_equal(before, unit(r, 0), sizeof before);
		assert_int_equal(set_to(r, VF_SET_INCOMPLETE), VF_FAIL_NONE);
		assert_int_equal(restart(r).set, VF_SET_INCOMPLETE);
		end(r);
	}
}

static void what_is_not_marked_is_not_changed(void **state)
{
	rig *r = begin();
	frail *f = r->serve_ctx;
	(void)state;
	(void)restart(r);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x1000, 4096), VF_FAIL_UNMARKED);
	(void)restart(r);
	assert_int_equal(change(r, VF_MESSAGE_PROGRAM, 0x1000, 256), VF_FAIL_UNMARKED);
	(void)restart(r);
	assert_int_equal(set_to(r, VF_SET_COMPLETE), VF_FAIL_NONE);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x1000, 4096), VF_FAIL_UNMARKED);
	assert_int_equal(f->changed, 0);
	(void)restart(r);
	assert_int_equal(set_to(r, VF_SET_INCOMPLETE), VF_FAIL_NONE);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x1000, 4096), VF_FAIL_NONE);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, PLACE, 4096), VF_FAIL_PROTECTED);
	end(r);
}

static void what_is_incomplete_is_not_started(void **state)
{
	static const uint8_t table[8] = {0x00, 0x00, 0x02, 0x20, 0x09, 0x10, 0x00, 0x90};
	rig *r = begin();
	uint32_t address;
	(void)state;
	memcpy(r->flash[0].cells + 0x1000, table, sizeof table);
	(void)restart(r);
	assert_int_equal(set_to(r, VF_SET_INCOMPLETE), VF_FAIL_NONE);
	assert_int_equal(vf_target_startable(&r->t), VF_STARTABLE_NO);
	assert_int_equal(change(r, VF_MESSAGE_RUN, 0x1000, 0), VF_FAIL_INCOMPLETE);
	(void)restart(r);
	assert_int_equal(vf_target_startable(&r->t), VF_STARTABLE_NO);
	assert_int_equal(change(r, VF_MESSAGE_RUN, 0x1000, 0), VF_FAIL_INCOMPLETE);
	assert_false(vf_target_run(&r->t, &address));
	(void)restart(r);
	assert_int_equal(set_to(r, VF_SET_COMPLETE), VF_FAIL_NONE);
	assert_int_equal(change(r, VF_MESSAGE_RUN, 0x1000, 0), VF_FAIL_NONE);
	rig_run(r, 5000);
	assert_true(vf_target_run(&r->t, &address));
	assert_int_equal(address, RIG_NOR_BASE + 0x1000);
	end(r);
}

/* A record flipped somewhere later on: the set is not called complete for it. */
static void damage_is_not_taken_for_complete(void **state)
{
	(void)state;
	for (unsigned slot = 0; slot < 12; slot++) {
		rig *r = begin();
		(void)restart(r);
		assert_int_equal(set_to(r, VF_SET_INCOMPLETE), VF_FAIL_NONE);
		assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x2000, 4096), VF_FAIL_NONE);
		assert_int_equal(set_to(r, VF_SET_COMPLETE), VF_FAIL_NONE);
		assert_int_equal(restart(r).set, VF_SET_COMPLETE);
		unit(r, 0)[slot * VF_JOURNAL_RECORD + 14] ^= 1;
		vf_welcome w = restart(r);
		/* Before OPEN: nothing is known any more. After the last: nothing happened. */
		if (slot <= 2)
			assert_int_equal(w.set, VF_SET_NONE);
		else if (slot <= 8)
			assert_int_equal(w.set, VF_SET_INCOMPLETE);
		else
			assert_int_equal(w.set, VF_SET_COMPLETE);
		assert_int_equal(set_to(r, VF_SET_INCOMPLETE), VF_FAIL_NONE);
		assert_int_equal(set_to(r, VF_SET_COMPLETE), VF_FAIL_NONE);
		assert_int_equal(restart(r).set, VF_SET_COMPLETE);
		end(r);
	}
}

/* A slot whose cell does not program is passed over, wherever it is. */
static void bad_slots_are_passed_over(void **state)
{
	(void)state;
	for (uint32_t slot = 0; slot < 2 * SLOTS; slot += 5) {
		rig *r = begin();
		frail *f = r->serve_ctx;
		f->stuck = PLACE + slot * VF_JOURNAL_RECORD + 8; /* sequence: rarely FF */
		(void)restart(r);
		for (unsigned n = 0; n < 60; n++) {
			uint8_t wanted = n % 2 ? VF_SET_COMPLETE : VF_SET_INCOMPLETE;
			assert_int_equal(set_to(r, wanted), VF_FAIL_NONE);
			if (n % 20 == 19)
				assert_int_equal(restart(r).set, wanted);
		}
		end(r);
	}
}

/* When nothing can be written down any more the set stays what it was, and nothing that
 * needs the journal is changed; a memory that recovers goes on from there. */
static void worn_out_journals_stop_changes(void **state)
{
	rig *r = begin();
	frail *f = r->serve_ctx;
	(void)state;
	(void)restart(r);
	assert_int_equal(set_to(r, VF_SET_INCOMPLETE), VF_FAIL_NONE);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x1000, 4096), VF_FAIL_NONE);
	f->worn = true;
	assert_int_equal(set_to(r, VF_SET_COMPLETE), VF_FAIL_JOURNAL);
	const uint32_t changed = f->changed;
	rig_hello(r, r->session + 1);
	rig_run(r, 2000);
	vf_welcome w;
	const rig_body *b = rig_last(r, VF_KIND_WELCOME);
	assert_non_null(b);
	assert_int_equal(vf_unpack_welcome(&w, b->bytes, b->len), 0);
	assert_int_equal(w.set, VF_SET_INCOMPLETE); /* it was read again, as after a restart */
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x1000, 4096), VF_FAIL_JOURNAL);
	assert_int_equal(f->changed, changed);
	rig_run(r, 2000);
	assert_int_equal(vf_target_startable(&r->t), VF_STARTABLE_NO);
	f->worn = false;
	rig_hello(r, r->session + 1); /* nobody has to press reset */
	rig_run(r, 2000);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x1000, 4096), VF_FAIL_NONE);
	assert_int_equal(set_to(r, VF_SET_COMPLETE), VF_FAIL_NONE);
	assert_int_equal(restart(r).set, VF_SET_COMPLETE);
	end(r);
}

/* Two units take turns; a record costs one slot. */
static void units_wear_evenly(void **state)
{
	rig *r = begin();
	frail *f = r->serve_ctx;
	(void)state;
	(void)restart(r);
	for (unsigned n = 0; n < 40; n++) {
		(void)restart(r);
		assert_int_equal(set_to(r, VF_SET_INCOMPLETE), VF_FAIL_NONE);
		for (unsigned i = 0; i < 100; i++)
			assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x1000 * (i % 8), 4096),
					 VF_FAIL_NONE);
		assert_int_equal(set_to(r, VF_SET_COMPLETE), VF_FAIL_NONE);
	}
	/* 40 sessions: 100 erases and six more records each, and seven a copy. */
	assert_in_range(f->erases, 40 * 106 / SLOTS, 40 * 106 / (SLOTS - 12) + 2);
	assert_int_equal(restart(r).set, VF_SET_COMPLETE);
	end(r);
}

/* Reads fail for a while. */
static void reads_fail(rig *r)
{
	for (unsigned i = 0; i < 200; i++) {
		r->flash[0].status = VF_E_BUS;
		r->flash[0].status_kind = VF_FLASH_READ;
		rig_run(r, 100);
	}
	r->flash[0].status_kind = 0;
}

static uint8_t set_of_session(rig *r)
{
	vf_welcome w;
	const rig_body *b = rig_last(r, VF_KIND_WELCOME);
	assert_non_null(b);
	assert_int_equal(vf_unpack_welcome(&w, b->bytes, b->len), 0);
	return w.set;
}

static void a_memory_that_fails_is_said_so(void **state)
{
	rig *r = begin();
	(void)state;
	r->serve = NULL; /* the plain flash, which fails on demand */
	rig_restart(r);
	reads_fail(r);
	assert_int_equal(vf_target_startable(&r->t), VF_STARTABLE_NO);
	rig_hello(r, r->session + 1);
	reads_fail(r);
	assert_int_equal(set_of_session(r), VF_SET_UNREADABLE);
	assert_int_equal(set_to(r, VF_SET_INCOMPLETE), VF_FAIL_JOURNAL);
	/* it was a loose wire: the next session reads it again */
	rig_hello(r, r->session + 1);
	rig_run(r, 4000);
	assert_int_equal(set_of_session(r), VF_SET_NONE);
	end(r);
}

/* What failed is torn until it was erased; then the set can be complete. */
static void what_failed_is_torn(void **state)
{
	rig *r = begin();
	(void)state;
	(void)restart(r);
	assert_int_equal(set_to(r, VF_SET_INCOMPLETE), VF_FAIL_NONE);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x1000, 4096), VF_FAIL_NONE);
	assert_int_equal(change(r, VF_MESSAGE_PROGRAM, 0x1000, 256), VF_FAIL_NONE);
	/* A cell that was cleared behind the board's back. */
	rig_message(r, VF_MESSAGE_PROGRAM, 0, RIG_NOR_BASE + 0x1100, 1024);
	uint8_t data[1024];
	memset(data, 0xFF, sizeof data);
	r->flash[0].cells[0x1234] = 0;
	rig_stream(r, data, sizeof data);
	rig_run(r, 20000);
	assert_true(r->t.queue.stopped);
	assert_int_equal(r->t.queue.failure.code, VF_FAIL_MISMATCH);
	rig_hello(r, r->session + 1);
	rig_run(r, 2000);
	vf_torn t = torn(r);
	assert_int_equal(t.count, 1);
	assert_int_equal(t.range[0].offset, 0x1200);
	assert_int_equal(t.range[0].len, 256);
	assert_int_equal(set_to(r, VF_SET_COMPLETE), VF_FAIL_INCOMPLETE);
	(void)restart(r);
	t = torn(r);
	assert_int_equal(t.count, 1);
	assert_int_equal(t.range[0].offset, 0x1200);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x1000, 4096), VF_FAIL_NONE);
	assert_int_equal(set_to(r, VF_SET_COMPLETE), VF_FAIL_NONE);
	(void)restart(r);
	assert_int_equal(torn(r).count, 0);
	end(r);
}

/* A host that ends in good order leaves nothing torn, one that vanishes may. */
static void abort_leaves_nothing_torn(void **state)
{
	rig *r = begin();
	(void)state;
	(void)restart(r);
	assert_int_equal(set_to(r, VF_SET_INCOMPLETE), VF_FAIL_NONE);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x1000, 4096), VF_FAIL_NONE);
	(void)restart(r);
	assert_int_equal(torn(r).count, 1);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x1000, 4096), VF_FAIL_NONE);
	rig_frame(r, VF_KIND_ABORT, NULL, 0);
	rig_run(r, 3000);
	(void)restart(r);
	assert_int_equal(torn(r).count, 0);
	end(r);
}

/* More places than the list has room for are joined with what is nearest. */
static void many_torn_places_are_joined(void **state)
{
	rig *r = begin();
	(void)state;
	(void)restart(r);
	assert_int_equal(set_to(r, VF_SET_INCOMPLETE), VF_FAIL_NONE);
	for (uint32_t n = 0; n < 8; n += n == 0 ? 2 : 1) { /* 0, 2 … 7 */
		assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x1000 * n, 4096), VF_FAIL_NONE);
		(void)restart(r);
	}
	vf_torn t = torn(r);
	assert_int_equal(t.count, 2);
	assert_true(t.range[0].offset == 0 && t.range[0].len == 4096);
	assert_true(t.range[1].offset == 0x2000 && t.range[1].len == 0x6000);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x4000, 4096), VF_FAIL_NONE);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0x6000, 4096), VF_FAIL_NONE);
	assert_int_equal(set_to(r, VF_SET_INCOMPLETE), VF_FAIL_NONE);
	t = torn(r);
	assert_int_equal(t.count, 4);
	assert_true(t.range[1].offset == 0x2000 && t.range[1].len == 0x2000);
	assert_true(t.range[2].offset == 0x5000 && t.range[2].len == 0x1000);
	assert_int_equal(change(r, VF_MESSAGE_ERASE, 0xA000, 4096), VF_FAIL_NONE);
	(void)restart(r);
	t = torn(r);
	assert_int_equal(t.count, 4); /* five: the first of the nearest pairs became one */
	assert_true(t.range[0].offset == 0 && t.range[0].len == 0x4000);
	assert_true(t.range[3].offset == 0xA000);
	end(r);
}

static void sets_are_judged(void **state)
{
	static const struct {
		vf_set_entry e;
		uint8_t code;
	} cases[] = {
		{{RIG_NOR_BASE, 0x1000, {0}}, VF_FAIL_NONE},
		{{RIG_NOR_BASE, RIG_NOR_SIZE, {0}}, VF_FAIL_NONE},
		{{RIG_INNER_BASE, 2048, {0}}, VF_FAIL_NONE},
		{{RIG_NOR_BASE, 0, {0}}, VF_FAIL_RANGE},
		{{RIG_NOR_BASE, 0x800, {0}}, VF_FAIL_RANGE},
		{{RIG_NOR_BASE + 0x800, 0x1000, {0}}, VF_FAIL_RANGE},
		{{RIG_NOR_BASE, RIG_NOR_SIZE + 0x1000, {0}}, VF_FAIL_RANGE},
		{{RIG_NOR_BASE - 0x1000, 0x1000, {0}}, VF_FAIL_RANGE},
		{{0xFFFFF000, 0x1000, {0}}, VF_FAIL_RANGE},
		{{0xFFFFF000, 0xFFFFF000, {0}}, VF_FAIL_RANGE},
	};
	(void)state;
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t bytes[VF_WIRE_SET_ENTRY];
		rig *r = begin();
		(void)restart(r);
		vf_pack_set_entry(bytes, &cases[i].e);
		rig_message(r, VF_MESSAGE_SET, 0, VF_SET_COMPLETE, sizeof bytes);
		rig_stream(r, bytes, sizeof bytes);
		rig_run(r, 20000);
		assert_int_equal(r->t.queue.failure.code, cases[i].code);
		assert_int_equal(restart(r).set,
				 cases[i].code == VF_FAIL_NONE ? VF_SET_COMPLETE : VF_SET_NONE);
		end(r);
	}
}

/* What a start-up policy computes is what the host was told by DIGEST. */
static void range_digests_are_the_hosts(void **state)
{
	static const uint32_t sectors[] = {1, 2, 7};
	uint64_t seed = 9;
	rig *r = begin();
	(void)state;
	(void)restart(r);
	rig_random_fill(&seed, r->flash[0].cells, 0x8000);
	for (uint32_t i = 0; i < 3; i++) {
		uint8_t answer[VF_DIGEST_SIZE], own[VF_DIGEST_SIZE];
		uint32_t len = sectors[i] * 0x1000;
		rig_digest(r, 0, RIG_NOR_BASE + 0x1000, len, sectors[i]);
		rig_run(r, 20000);
		assert_int_equal(rig_answer(r, i, answer, sizeof answer), sizeof answer);
		vf_target_range_digest(r->flash[0].cells + 0x1000, len, 0x1000, r->session, own);
		assert_memory_equal(own, answer, sizeof own);
	}
	end(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_good_places_are_taken),
		cmocka_unit_test(foreign_contents_are_no_journal),
		cmocka_unit_test(what_is_not_marked_is_not_changed),
		cmocka_unit_test(what_is_incomplete_is_not_started),
		cmocka_unit_test(damage_is_not_taken_for_complete),
		cmocka_unit_test(bad_slots_are_passed_over),
		cmocka_unit_test(worn_out_journals_stop_changes),
		cmocka_unit_test(units_wear_evenly),
		cmocka_unit_test(a_memory_that_fails_is_said_so),
		cmocka_unit_test(what_failed_is_torn),
		cmocka_unit_test(abort_leaves_nothing_torn),
		cmocka_unit_test(many_torn_places_are_joined),
		cmocka_unit_test(sets_are_judged),
		cmocka_unit_test(range_digests_are_the_hosts),
	};
	return cmocka_run_group_tests_name("target: units of the journal", tests, NULL, NULL);
}
