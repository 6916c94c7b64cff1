/* test_stream.c - reassembly: order, repeats, islands, the window's edge, and
 * offsets that wrap. Observed through STATE, as a host does; a random test holds
 * the intervals against a map of single bytes.
 */
#include "engine.h"
#include "rig.h"

static const rig_sizes small = {.ring = 2048, .window = 1024, .frame = 528, .tx = 600, .work = 512};

static int setup(void **state)
{
	rig *r = rig_new(&small);
	rig_start(r);
	r->flash[0].hold = true;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

/* A PROGRAM longer than the window with a memory that does not take it: stream
 * bytes come to rest, and `consumed` stays behind the header. */
static void rest_stream(rig *r)
{
	rig_message(r, VF_MESSAGE_PROGRAM, 0, RIG_NOR_BASE, 8192);
	rig_run(r, 1000);
}

static void check_islands(const vf_state *s, uint32_t received, unsigned count,
			  const vf_island *want)
{
	assert_int_equal(s->received, received);
	assert_int_equal(s->islands, count);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(s->island[i].start, want[i].start);
		assert_int_equal(s->island[i].end, want[i].end);
	}
}

static void pieces_in_any_order(void **state)
{
	rig *r = *state;
	uint8_t bytes[300];
	uint64_t seed = 5;
	rig_random_fill(&seed, bytes, sizeof bytes);
	rest_stream(r);
	rig_data(r, 112, bytes + 100, 100);
	vf_state s = rig_state(r);
	check_islands(&s, 12, 1, (vf_island[]){{112, 212}});
	rig_data(r, 212, bytes + 200, 100); /* touches: one island */
	s = rig_state(r);
	check_islands(&s, 12, 1, (vf_island[]){{112, 312}});
	rig_data(r, 12, bytes, 110); /* overlaps: all in one */
	s = rig_state(r);
	check_islands(&s, 312, 0, NULL);
	r->flash[0].hold = false;
	rig_run(r, 5000);
	assert_memory_equal(r->flash[0].cells, bytes, 256);
}

static void repeats_are_harmless(void **state)
{
	rig *r = *state;
	uint8_t bytes[100] = {1, 2, 3}, other[100];
	memset(other, 0xEE, sizeof other);
	rest_stream(r);
	rig_data(r, 12, bytes, 100);
	rig_data(r, 12, other, 100); /* what it has is ignored, whatever it says */
	rig_data(r, 30, other, 10);
	rig_data(r, 0, other, 50);
	vf_state s = rig_state(r);
	check_islands(&s, 112, 0, NULL);
	uint8_t got[100];
	vf_t_stream_copy(&r->t, 12, got, 100);
	assert_memory_equal(got, bytes, 100);
}

static void the_fifth_island_is_dropped(void **state)
{
	rig *r = *state;
	uint8_t bytes[400] = {0};
	static const vf_island four[] = {{100, 110}, {200, 210}, {300, 310}, {400, 410}};
	static const vf_island moved[] = {{200, 210}, {300, 310}, {400, 410}, {500, 510}};
	rest_stream(r);
	for (int i = 3; i >= 0; i--)
		rig_data(r, four[i].start, bytes, 10);
	vf_state s = rig_state(r);
	check_islands(&s, 12, 4, four);
	rig_data(r, 500, bytes, 10);
	rig_data(r, 50, bytes, 10);
	s = rig_state(r);
	check_islands(&s, 12, 4, four);
	rig_data(r, 105, bytes, 20); /* joins one: no fifth */
	s = rig_state(r);
	assert_int_equal(s.island[0].end, 125);
	rig_data(r, 12, bytes, 88); /* reaches the first */
	rig_data(r, 500, bytes, 10);
	s = rig_state(r);
	check_islands(&s, 125, 4, moved);
	rig_data(r, 205, bytes, 300); /* all in one */
	s = rig_state(r);
	check_islands(&s, 125, 1, (vf_island[]){{200, 510}});
}

static void beyond_the_limit_nothing_is_taken(void **state)
{
	rig *r = *state;
	uint8_t bytes[100] = {0};
	rest_stream(r);
	vf_state s = rig_state(r);
	uint32_t limit = s.limit;
	assert_int_equal(limit, 12 + 1024);
	rig_data(r, limit - 50, bytes, 51);
	rig_data(r, limit, bytes, 1);
	rig_data(r, limit + 0x7FFFFFFF, bytes, 10);
	rig_data(r, 0x80000000, bytes, 10);
	rig_data(r, 0xFFFFFFF0, bytes, 10); /* long gone */
	s = rig_state(r);
	check_islands(&s, 12, 0, NULL);
	rig_data(r, limit - 50, bytes, 50);
	s = rig_state(r);
	check_islands(&s, 12, 1, (vf_island[]){{limit - 50, limit}});
}

static void the_limit_moves_as_pages_are_taken(void **state)
{
	rig *r = *state;
	uint8_t bytes[1024];
	memset(bytes, 0x5A, sizeof bytes);
	rest_stream(r);
	rig_stream(r, bytes, 512);
	rig_run(r, 1000);
	assert_int_equal(rig_state(r).limit,
			 12 + 256 + 1024); /* one page waits in the work buffer */
	rig_clear(r);
	r->flash[0].hold = false;
	rig_run(r, 5000);
	assert_int_equal(rig_last_state(r).limit, 12 + 512 + 1024); /* told without a question */
}

static void one_state_may_stand_for_many_frames(void **state)
{
	rig *r = *state;
	uint8_t bytes[10] = {0};
	rest_stream(r);
	rig_clear(r);
	for (uint32_t i = 0; i < 5; i++)
		rig_data(r, 12 + 10 * i, bytes, 10);
	rig_turn(r);
	rig_turn(r);
	assert_int_equal(r->count, 1);
	assert_int_equal(rig_last_state(r).received, 62);
	assert_int_equal(rig_last_state(r).seen, (uint16_t)(r->number - 1));
}

/* Puts the whole engine to the end of the offsets' range, as if it had taken
 * 4 GB before. */
static void start_at(rig *r, uint32_t offset)
{
	r->t.stream.received = offset;
	r->t.stream.consumed = offset;
	r->t.queue.cursor = offset;
	r->offset = offset;
}

static void offsets_wrap(void **state)
{
	rig *r = *state;
	static uint8_t bytes[6000];
	uint64_t seed = 9;
	rig_random_fill(&seed, bytes, sizeof bytes);
	r->flash[0].hold = false;
	for (uint32_t before = 0; before < 600; before += 37) {
		memset(r->flash[0].cells, 0xFF, 8192);
		rig_hello(r, r->session + 1);
		rig_run(r, 1000);
		start_at(r, 0u - before);
		rig_program(r, 0, RIG_NOR_BASE + 7, bytes, sizeof bytes);
		rig_run(r, 10000);
		assert_int_equal(rig_state(r).done, 1);
		assert_memory_equal(r->flash[0].cells + 7, bytes, sizeof bytes);
	}
}

/* The numbers of operations wrap as well. */
static void operation_numbers_wrap(void **state)
{
	rig *r = *state;
	r->flash[0].hold = false;
	r->t.queue.done = 0xFFFFFFF0;
	r->t.queue.parsed = 0xFFFFFFF0;
	for (unsigned i = 0; i < 40; i++) {
		rig_message(r, VF_MESSAGE_ERASE, (uint8_t)(i & 1),
			    i & 1 ? RIG_INNER_BASE : RIG_NOR_BASE, i & 1 ? 2048 : 4096);
	}
	rig_run(r, 20000);
	assert_int_equal(rig_state(r).done, 0xFFFFFFF0 + 40);
	assert_int_equal(r->flash[0].erased, 20);
}

/* Random pieces against a map of bytes; the fifth island is the one rule that
 * the map has to know. */
static void check_map(const vf_target *t, const uint8_t *have, uint32_t base, uint32_t span)
{
	const vf_target_stream *s = &t->stream;
	uint32_t at = s->received - base;
	for (uint32_t i = 0; i < at; i++)
		assert_int_equal(have[i], 1);
	unsigned runs = 0;
	for (uint32_t i = at; i < span; i++) {
		bool inside = false;
		for (unsigned k = 0; k < s->islands; k++)
			inside |= i >= s->island[k].start - base && i < s->island[k].end - base;
		assert_int_equal(have[i], inside);
		runs += inside && !have[i - 1];
	}
	assert_int_equal(runs, s->islands);
}

static unsigned runs_after(const uint8_t *have, uint32_t span)
{
	unsigned runs = 0;
	for (uint32_t i = 1; i < span; i++)
		runs += have[i] && !have[i - 1];
	return runs;
}

static void random_pieces_match_a_map(void **state)
{
	rig *r = *state;
	uint64_t seed = 20240611;
	print_message("seed %llu\n", (unsigned long long)seed);
	for (unsigned round = 0; round < 200; round++) {
		uint8_t have[1024] = {0}, try[1024], bytes[1124], got[1024];
		for (uint32_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)(i * 7 + round);
		uint32_t base = round % 2 != 0 ? rig_random(&seed) : 0u - rig_random(&seed) % 1024;
		start_at(r, base);
		r->t.stream.islands = 0;
		for (unsigned i = 0; i < 60; i++) {
			uint32_t start = rig_random(&seed) % 1024;
			uint32_t len = 1 + rig_random(&seed) % 100;
			memcpy(try, have, sizeof try);
			if (start + len <= 1024)
				memset(try + start, 1, len);
			bool fits = start + len <= 1024 && runs_after(try, 1024) <= 4;
			assert_int_equal(vf_t_stream_put(&r->t, base + start, bytes + start, len),
					 fits);
			if (fits)
				memcpy(have, try, sizeof have);
			check_map(&r->t, have, base, 1024);
		}
		uint32_t n = r->t.stream.received - base;
		vf_t_stream_copy(&r->t, base, got, n);
		assert_memory_equal(got, bytes, n);
	}
}

static void rings_and_windows_of_every_size(void **state)
{
	(void)state;
	static uint8_t bytes[0xC000];
	uint64_t seed = 11;
	rig_random_fill(&seed, bytes, sizeof bytes);
	for (uint32_t ring = 1024; ring <= 262144; ring *= 4) {
		for (uint32_t window = 512; window <= 262144; window *= 8) {
			const rig_sizes sizes = {ring, window, 4112, 4135, 8192};
			rig *r = rig_new(&sizes);
			rig_start(r);
			rig_program(r, 0, RIG_NOR_BASE, bytes, sizeof bytes);
			for (unsigned i = 0; i < 1000 && r->t.queue.done == 0; i++)
				rig_turn(r);
			assert_int_equal(rig_state(r).done, 1);
			assert_memory_equal(r->flash[0].cells, bytes, sizeof bytes);
			assert_int_equal(vf_target_stats_get(&r->t)->lost_bytes, 0);
			rig_free(r);
		}
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(pieces_in_any_order),
		T(repeats_are_harmless),
		T(the_fifth_island_is_dropped),
		T(beyond_the_limit_nothing_is_taken),
		T(the_limit_moves_as_pages_are_taken),
		T(one_state_may_stand_for_many_frames),
		T(offsets_wrap),
		T(operation_numbers_wrap),
		T(random_pieces_match_a_map),
		cmocka_unit_test(rings_and_windows_of_every_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
