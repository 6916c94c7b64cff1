/* test_operations.c - every message type on a board that works: what it does to
 * the flash, what it answers, in which order, and how memories work side by
 * side.
 */
#include "rig.h"

static uint8_t data[RIG_NOR_SIZE];

static int setup(void **state)
{
	uint64_t seed = 7;
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

static void erase_sets_a_sector_to_ff(void **state)
{
	rig *r = *state;
	memset(r->flash[0].cells, 0, RIG_NOR_SIZE);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE + 4096, 4096);
	rig_run(r, 5000);
	assert_int_equal(rig_last_state(r).done, 1);
	assert_int_equal(r->flash[0].cells[4095], 0);
	assert_int_equal(r->flash[0].cells[4096], 0xFF);
	assert_int_equal(r->flash[0].cells[8191], 0xFF);
	assert_int_equal(r->flash[0].cells[8192], 0);
	assert_int_equal(vf_target_stats_get(&r->t)->erases, 1);
}

static void erase_of_all_needs_no_protected_range(void **state)
{
	rig *r = *state;
	r->info[0].protects = 0;
	memset(r->flash[0].cells, 0, RIG_NOR_SIZE);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, RIG_NOR_SIZE);
	rig_run(r, 5000);
	assert_int_equal(rig_last_state(r).done, 1);
	assert_int_equal(r->flash[0].cells[RIG_NOR_SIZE - 1], 0xFF);
}

static void program_splits_at_pages_and_reads_each_back(void **state)
{
	rig *r = *state;
	rig_program(r, 0, RIG_NOR_BASE + 250, data, 600);
	rig_run(r, 10000);
	assert_int_equal(rig_last_state(r).done, 1);
	assert_memory_equal(r->flash[0].cells + 250, data, 600);
	assert_int_equal(r->flash[0].cells[249], 0xFF);
	assert_int_equal(r->flash[0].cells[850], 0xFF);
	assert_int_equal(r->flash[0].programmed, 4); /* 6 + 256 + 256 + 82 */
	assert_int_equal(r->flash[0].read, 4);
	assert_int_equal(vf_target_stats_get(&r->t)->programmed, 600);
}

static void program_may_be_longer_than_the_window(void **state)
{
	rig *r = *state;
	assert_true(r->config.window_len < 0xC000);
	rig_program(r, 0, RIG_NOR_BASE, data, 0xC000);
	rig_run(r, 100000);
	assert_int_equal(rig_last_state(r).done, 1);
	assert_memory_equal(r->flash[0].cells, data, 0xC000);
}

static void program_begins_before_all_has_arrived(void **state)
{
	rig *r = *state;
	rig_message(r, VF_MESSAGE_PROGRAM, 0, RIG_NOR_BASE, 1000);
	rig_stream(r, data, 300);
	rig_run(r, 5000);
	assert_int_equal(r->flash[0].programmed, 1);
	vf_state s = rig_state(r);
	assert_int_equal(s.done, 0);
	assert_int_equal(s.limit, 12 + 256 + r->config.window_len);
	assert_int_equal(s.flags & VF_STATE_BUSY, 0); /* it waits for the host */
	rig_stream(r, data + 300, 700);
	rig_run(r, 5000);
	assert_int_equal(rig_last_state(r).done, 1);
	assert_memory_equal(r->flash[0].cells, data, 1000);
}

static void the_last_page_frees_the_window_when_it_is_taken(void **state)
{
	rig *r = *state;
	r->flash[0].freeze = true;
	rig_program(r, 0, RIG_NOR_BASE, data, 256);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_run(r, 1000);
	vf_state s = rig_state(r);
	assert_int_equal(s.done, 0);
	assert_int_equal(s.limit, 12 + 256 + 12 + r->config.window_len);
}

static void read_answers_with_the_bytes(void **state)
{
	rig *r = *state;
	static uint8_t got[5000];
	memcpy(r->flash[0].cells, data, RIG_NOR_SIZE);
	rig_message(r, VF_MESSAGE_READ, 0, RIG_NOR_BASE + 17, 5000);
	rig_run(r, 20000);
	assert_int_equal(rig_answer(r, 0, got, sizeof got), 5000);
	assert_memory_equal(got, data + 17, 5000);
	assert_int_equal(rig_last_state(r).done, 1);
	assert_int_equal(r->flash[0].read, 0); /* the mapped path only */
}

static void answers_come_before_the_state_that_counts_them(void **state)
{
	rig *r = *state;
	rig_message(r, VF_MESSAGE_READ, 0, RIG_NOR_BASE, 3000);
	rig_run(r, 20000);
	uint32_t got = 0;
	for (unsigned i = 0; i < r->count; i++) {
		const rig_body *b = &r->inbox[i];
		vf_state s;
		if (vf_body_kind(b->bytes) == VF_KIND_ANSWER)
			got += (uint32_t)b->len - VF_WIRE_ANSWER_HEADER;
		else if (vf_unpack_state(&s, b->bytes, b->len) == 0 && s.done == 1)
			assert_int_equal(got, 3000);
	}
	assert_int_equal(got, 3000);
}

/* The digests as §5.2 says them, put together here from the hash alone. */
static void expected_digests(const rig *r, unsigned m, uint32_t offset, uint32_t sectors,
			     uint32_t group, uint8_t *out)
{
	uint32_t sector = r->info[m].erase[0].size;
	for (uint32_t first = 0; first < sectors; first += group, out += VF_DIGEST_SIZE) {
		uint8_t one[VF_DIGEST_SIZE];
		vf_digest whole, part;
		uint32_t n = sectors - first < group ? sectors - first : group;
		vf_digest_init(&whole, r->session);
		for (uint32_t i = first; i < first + n; i++) {
			vf_digest_init(&part, r->session);
			vf_digest_update(&part, r->flash[m].cells + offset + (size_t)i * sector,
					 sector);
			vf_digest_final(&part, one);
			vf_digest_update(&whole, one, sizeof one);
		}
		if (n > 1)
			vf_digest_final(&whole, one);
		memcpy(out, one, sizeof one);
	}
}

static void check_digest(rig *r, unsigned m, uint32_t offset, uint32_t sectors, uint32_t group)
{
	uint8_t got[512], want[512];
	uint32_t len = ((sectors - 1) / group + 1) * VF_DIGEST_SIZE;
	uint32_t number = r->t.queue.done;
	rig_clear(r);
	rig_digest(r, (uint8_t)m, r->info[m].base + offset, sectors * r->info[m].erase[0].size,
		   group);
	rig_run(r, 100000);
	assert_int_equal(rig_last_state(r).done, number + 1);
	assert_int_equal(rig_answer(r, number, got, sizeof got), len);
	expected_digests(r, m, offset, sectors, group, want);
	assert_memory_equal(got, want, len);
}

static void digests_are_by_sector_and_by_group(void **state)
{
	rig *r = *state;
	memcpy(r->flash[0].cells, data, RIG_NOR_SIZE);
	check_digest(r, 0, 0, 1, 1);
	check_digest(r, 0, 0, 16, 1);
	check_digest(r, 0, 4096, 15, 4);
	check_digest(r, 0, 0, 16, 16);
	check_digest(r, 0, 0, 9, 4);
	check_digest(r, 0, 8192, 3, UINT32_MAX);
	check_digest(r, 1, 0, 8, 1);
}

static void digests_fill_more_than_one_frame(void **state)
{
	rig *r = *state;
	r->config.memory[0].work_len = 512 + 64; /* halves of 288: 36 digests */
	r->info[0].erase[0].size = 256;
	assert_int_equal(rig_init(r), VF_OK);
	memcpy(r->flash[0].cells, data, RIG_NOR_SIZE);
	rig_start(r);
	check_digest(r, 0, 0, 37, 1);
	assert_int_equal(rig_count(r, VF_KIND_ANSWER), 2);
	check_digest(r, 0, 0, 36, 1);
	assert_int_equal(rig_count(r, VF_KIND_ANSWER), 1);
}

static void sha_answers_with_its_32_bytes(void **state)
{
	rig *r = *state;
	memcpy(r->flash[0].cells, data, RIG_NOR_SIZE);
	static const uint32_t lens[] = {0, 1, 511, 512, 513, 10000};
	for (uint32_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		uint8_t got[64], want[VF_SHA256_SIZE];
		vf_sha256 sha;
		rig_clear(r);
		rig_message(r, VF_MESSAGE_SHA256, 0, RIG_NOR_BASE + 5, lens[i]);
		rig_run(r, 20000);
		vf_sha256_init(&sha);
		vf_sha256_update(&sha, data + 5, lens[i]);
		vf_sha256_final(&sha, want);
		assert_int_equal(rig_answer(r, i, got, sizeof got), VF_SHA256_SIZE);
		assert_memory_equal(got, want, VF_SHA256_SIZE);
		assert_int_equal(rig_last_state(r).done, i + 1);
	}
	rig_message(r, VF_MESSAGE_SHA256, 0, RIG_NOR_BASE + RIG_NOR_SIZE, 0);
	rig_run(r, 5000);
	assert_int_equal(rig_last_state(r).flags & VF_STATE_STOPPED, 0);
}

/* Two dies in parallel, whose driver knows even offsets and lengths only (the
 * bench insists): whatever is asked for, what comes back is what was asked for. */
static void check_odd(rig *r, uint32_t offset, uint32_t len)
{
	static uint8_t got[2000];
	uint8_t sha[VF_SHA256_SIZE], expected[VF_SHA256_SIZE];
	uint32_t first = rig_state(r).done;
	vf_sha256 h;
	rig_clear(r);
	rig_message(r, VF_MESSAGE_READ, 0, RIG_NOR_BASE + offset, len);
	rig_message(r, VF_MESSAGE_SHA256, 0, RIG_NOR_BASE + offset, len);
	rig_run(r, 10000);
	assert_int_equal(rig_answer(r, first, got, sizeof got), len);
	assert_memory_equal(got, data + offset, len);
	vf_sha256_init(&h);
	vf_sha256_update(&h, data + offset, len);
	vf_sha256_final(&h, expected);
	assert_int_equal(rig_answer(r, first + 1, sha, sizeof sha), sizeof sha);
	assert_memory_equal(sha, expected, sizeof sha);
}

static void reads_are_whole_for_dies_in_parallel(void **state)
{
	rig *r = *state;
	static const uint32_t lengths[] = {1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1001};
	static const uint32_t works[] = {1024, 67, 64, 130};
	memcpy(r->flash[0].cells, data, RIG_NOR_SIZE);
	r->info[0].dies = 2;
	r->info[0].unit = 2;
	r->info[0].page = 32;
	for (unsigned w = 0; w < sizeof works / sizeof works[0]; w++) {
		r->config.memory[0].work_len = works[w];
		assert_int_equal(rig_init(r), VF_OK);
		rig_start(r);
		for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
			for (uint32_t offset = 0; offset < 4; offset++)
				check_odd(r, offset, lengths[i]);
			check_odd(r, RIG_NOR_SIZE - lengths[i], lengths[i]);
		}
	}
}

static void run_waits_for_the_report(void **state)
{
	rig *r = *state;
	uint32_t address = 0;
	vf_put32(r->flash[0].cells + 0x400, 0x20020000);
	vf_put32(r->flash[0].cells + 0x404, RIG_NOR_BASE + 0x501);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE + 4096, 4096);
	rig_message(r, VF_MESSAGE_RUN, 0, RIG_NOR_BASE + 0x400, 0);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_run(r, 100);
	r->tx_closed = true;
	rig_run(r, 10000);
	assert_int_equal(r->t.queue.done, 2);
	assert_false(vf_target_run(&r->t, &address));
	r->tx_closed = false;
	rig_run(r, 10000);
	assert_int_equal(rig_last_state(r).done, 2);
	assert_true(vf_target_run(&r->t, &address));
	assert_int_equal(address, RIG_NOR_BASE + 0x400);
	assert_false(vf_target_run(&r->t, &address));
	assert_int_equal(r->flash[0].erased, 1); /* nothing after it is begun */
}

/* Turns until the port is told to go; how many STATEs before that counted RUN. */
static unsigned reports_until_run(rig *r, unsigned *others)
{
	uint32_t address;
	unsigned n = 0;
	rig_clear(r);
	for (unsigned i = 0; i < 10000 && !vf_target_run(&r->t, &address); i++)
		rig_turn(r);
	*others = 0;
	for (unsigned i = 0; i < r->count; i++) {
		vf_state s;
		bool state = vf_unpack_state(&s, r->inbox[i].bytes, r->inbox[i].len) == 0;
		*(state && s.done == 1 ? &n : others) += 1;
	}
	return n;
}

static void good_vectors(rig *r)
{
	vf_put32(r->flash[0].cells, 0x24080000);
	vf_put32(r->flash[0].cells + 4, RIG_NOR_BASE + 0x101);
}

/* Nobody can ask again once the application runs: one lost report must not
 * look like a dead line. */
static void run_is_reported_three_times(void **state)
{
	rig *r = *state;
	unsigned others;
	good_vectors(r);
	rig_message(r, VF_MESSAGE_RUN, 0, RIG_NOR_BASE, 0);
	assert_int_equal(reports_until_run(r, &others), 3);
	assert_true(others <= 1);
	rig_run(r, 1000000); /* a port that does not go yet is left alone */
	assert_int_equal(rig_count(r, VF_KIND_STATE), 3 + others);
}

/* A host that has read the first report takes its leave before the third. */
static void abort_after_a_report_does_not_stop_run(void **state)
{
	rig *r = *state;
	uint32_t address;
	good_vectors(r);
	rig_message(r, VF_MESSAGE_RUN, 0, RIG_NOR_BASE, 0);
	for (unsigned i = 0;
	     i < 1000 && (rig_last(r, VF_KIND_STATE) == NULL || rig_last_state(r).done == 0); i++)
		rig_turn(r);
	assert_false(vf_target_run(&r->t, &address));
	rig_frame(r, VF_KIND_ABORT, NULL, 0);
	for (unsigned i = 0; i < 1000 && !vf_target_run(&r->t, &address); i++)
		rig_turn(r);
	assert_int_equal(address, RIG_NOR_BASE);
	assert_non_null(rig_last(r, VF_KIND_ENDED));
	assert_true(rig_count(r, VF_KIND_STATE) < 4);
}

static void abort_before_a_report_stops_run(void **state)
{
	rig *r = *state;
	uint32_t address;
	good_vectors(r);
	rig_message(r, VF_MESSAGE_RUN, 0, RIG_NOR_BASE, 0);
	rig_run(r, 100);
	r->tx_closed = true;
	rig_run(r, 1000);
	assert_int_equal(r->t.queue.done, 1);
	rig_frame(r, VF_KIND_ABORT, NULL, 0);
	rig_run(r, 100);
	r->tx_closed = false;
	rig_run(r, 10000);
	assert_non_null(rig_last(r, VF_KIND_ENDED));
	assert_false(vf_target_run(&r->t, &address));
}

static void run_waits_for_the_other_memory(void **state)
{
	rig *r = *state;
	uint32_t address;
	vf_put32(r->flash[0].cells, 0x24080000);
	vf_put32(r->flash[0].cells + 4, RIG_NOR_BASE + 0x101);
	r->flash[1].freeze = true;
	rig_message(r, VF_MESSAGE_ERASE, 1, RIG_INNER_BASE, 2048);
	rig_message(r, VF_MESSAGE_RUN, 0, RIG_NOR_BASE, 0);
	rig_run(r, 10000);
	assert_int_equal(r->flash[0].begun, 0);
	r->flash[1].freeze = false;
	rig_run(r, 10000);
	assert_true(vf_target_run(&r->t, &address));
}

static void memories_work_side_by_side(void **state)
{
	rig *r = *state;
	r->flash[0].freeze = true;
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE + 4096, 4096);
	rig_message(r, VF_MESSAGE_ERASE, 1, RIG_INNER_BASE, 2048);
	rig_program(r, 1, RIG_INNER_BASE, data, 64);
	rig_run(r, 20000);
	assert_int_equal(r->flash[0].begun, 1);
	assert_memory_equal(r->flash[1].cells, data, 64);
	vf_state s = rig_state(r);
	assert_int_equal(s.done, 0); /* what is finished without a gap */
	assert_int_equal(s.message, VF_MESSAGE_ERASE);
	assert_int_equal(s.memory, 0);
	r->flash[0].freeze = false;
	rig_run(r, 5000);
	assert_int_equal(rig_state(r).done, 4);
}

static void the_queue_is_as_long_as_it_says(void **state)
{
	rig *r = *state;
	r->flash[0].hold = true;
	for (unsigned i = 0; i < VF_TARGET_QUEUE - 1; i++)
		rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_message(r, VF_MESSAGE_ERASE, 1, RIG_INNER_BASE, 2048);
	rig_message(r, VF_MESSAGE_ERASE, 1, RIG_INNER_BASE, 2048); /* beyond the lookahead */
	rig_run(r, 5000);
	assert_int_equal(r->flash[1].erased, 1);
	r->flash[0].hold = false;
	rig_run(r, 20000);
	assert_int_equal(rig_state(r).done, VF_TARGET_QUEUE + 1);
	assert_int_equal(r->flash[1].erased, 2);
}

static void vectors_are_judged(void **state)
{
	(void)state;
	static const struct {
		uint32_t sp, reset;
		bool good;
	} cases[] = {
		{0x20020000, 0x90000101, true},  {0x24080000, 0x90000101, true},
		{0x10000000, 0x90000001, true},  {0x3FFFFFFC, 0x9000FFFF, true},
		{0x20020002, 0x90000101, false}, {0x20020000, 0x90000100, false},
		{0x0FFFFFFC, 0x90000101, false}, {0x40000000, 0x90000101, false},
		{0x20020000, 0x90010001, false}, {0x20020000, 0x8FFFFFFF, false},
		{0xFFFFFFFF, 0xFFFFFFFF, false}, {0, 0, false},
		{0x000C0000, 0x90000101, true},  {0x00400000, 0x90000101, true},
		{0x00400004, 0x90000101, false}, {0x00000100, 0x90000101, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t table[8];
		vf_put32(table, cases[i].sp);
		vf_put32(table + 4, cases[i].reset);
		assert_int_equal(vf_target_vectors_plausible(table, RIG_NOR_BASE, RIG_NOR_SIZE),
				 cases[i].good);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(erase_sets_a_sector_to_ff),
		T(erase_of_all_needs_no_protected_range),
		T(program_splits_at_pages_and_reads_each_back),
		T(program_may_be_longer_than_the_window),
		T(program_begins_before_all_has_arrived),
		T(the_last_page_frees_the_window_when_it_is_taken),
		T(read_answers_with_the_bytes),
		T(answers_come_before_the_state_that_counts_them),
		T(digests_are_by_sector_and_by_group),
		T(digests_fill_more_than_one_frame),
		T(sha_answers_with_its_32_bytes),
		T(reads_are_whole_for_dies_in_parallel),
		T(run_waits_for_the_report),
		T(run_is_reported_three_times),
		T(abort_after_a_report_does_not_stop_run),
		T(abort_before_a_report_stops_run),
		T(run_waits_for_the_other_memory),
		T(memories_work_side_by_side),
		T(the_queue_is_as_long_as_it_says),
		T(vectors_are_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
