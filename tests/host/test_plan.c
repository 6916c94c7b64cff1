/* test_plan.c - the planner: single cases by hand, then random memories, sector
 * lists and contents against a chip that is an array and knows only NOR's rules,
 * and against the cheapest cover found by trying all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/plan.h>
#include <vcpflash/status.h>

enum { SECTOR = 256, PAGE = 32, SECTORS = 64, SIZE = SECTOR * SECTORS };

typedef struct world {
	vf_memory memory;
	uint8_t before[SIZE], want[SIZE];
	vf_plan_sector list[SECTORS];
	size_t count;
	long living;
	long fail_in;
	uint64_t random;
} world;

static void *resize(void *ctx, void *p, size_t size)
{
	world *w = ctx;
	if (size == 0) {
		w->living -= p != NULL;
		free(p);
		return NULL;
	}
	if (w->fail_in > 0 && --w->fail_in == 0)
		return NULL;
	void *q = realloc(p, size);
	w->living += p == NULL && q != NULL;
	return q;
}

static uint32_t draw(world *w, uint32_t below)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->random >> 33) % below;
}

static void content(void *ctx, uint32_t offset, uint8_t *out, uint32_t len)
{
	const world *w = ctx;
	assert_true(offset <= SIZE && len <= SIZE - offset);
	memcpy(out, w->want + offset, len);
}

static world *new_world(void)
{
	world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	w->memory = (vf_memory){.size = SIZE,
				.page = PAGE,
				.unit = 1,
				.page_typ_us = 100,
				.erase_types = 3,
				.erase = {{SECTOR, 1000, 9000},
					  {4 * SECTOR, 2500, 9000},
					  {16 * SECTOR, 4000, 9000}}};
	memset(w->before, 0xFF, SIZE);
	memset(w->want, 0xFF, SIZE);
	return w;
}

static void list(world *w, uint32_t index, enum vf_sector_state state)
{
	w->list[w->count++] = (vf_plan_sector){.index = index, .state = (uint8_t)state};
}

static vf_plan make(world *w)
{
	const vf_alloc alloc = {resize, w};
	vf_plan plan;
	assert_int_equal(vf_plan_make(&plan, &alloc, &w->memory, w->list, w->count, content, w),
			 VF_OK);
	return plan;
}

static void end(world *w, vf_plan *plan)
{
	const vf_alloc alloc = {resize, w};
	vf_plan_free(plan, &alloc);
	assert_int_equal(w->living, 0);
	free(w);
}

static void assert_step(const vf_plan *plan, size_t at, uint8_t kind, uint32_t offset, uint32_t len)
{
	assert_true(at < plan->count);
	assert_int_equal(plan->steps[at].kind, kind);
	assert_int_equal(plan->steps[at].offset, offset);
	assert_int_equal(plan->steps[at].len, len);
}

/* --- by hand --------------------------------------------------------------------- */

static void test_nothing(void **state)
{
	(void)state;
	world *w = new_world();
	vf_plan plan = make(w);
	assert_int_equal(plan.count, 0);
	list(w, 3, VF_SECTOR_SAME);
	list(w, 9, VF_SECTOR_BLANK); /* and all ones are wanted */
	plan = make(w);
	assert_int_equal(plan.count, 0);
	end(w, &plan);
}

static void test_blank_is_programmed_by_runs(void **state)
{
	(void)state;
	world *w = new_world();
	memset(w->want + 2 * SECTOR + 5, 0x11, 100);
	w->want[3 * SECTOR + 2 * PAGE + 7] = 0;
	list(w, 2, VF_SECTOR_BLANK);
	list(w, 3, VF_SECTOR_BLANK);
	w->memory.unit = 4;
	vf_plan plan = make(w);
	assert_int_equal(plan.count, 2);
	assert_step(&plan, 0, VF_PLAN_PROGRAM, 2 * SECTOR + 4, 104);
	assert_step(&plan, 1, VF_PLAN_PROGRAM, 3 * SECTOR + 2 * PAGE + 4, 4);
	assert_int_equal(plan.program_bytes, 108);
	assert_int_equal(plan.program_us, 5 * 100);
	end(w, &plan);
}

static void test_erase_stands_before_its_programs(void **state)
{
	(void)state;
	world *w = new_world();
	memset(w->want, 0x55, 2 * SECTOR);
	list(w, 0, VF_SECTOR_DIRTY);
	list(w, 1, VF_SECTOR_DIRTY);
	vf_plan plan = make(w);
	assert_int_equal(plan.count, 4);
	assert_step(&plan, 0, VF_PLAN_ERASE, 0, SECTOR);
	assert_step(&plan, 1, VF_PLAN_PROGRAM, 0, SECTOR);
	assert_step(&plan, 2, VF_PLAN_ERASE, SECTOR, SECTOR);
	assert_step(&plan, 3, VF_PLAN_PROGRAM, SECTOR, SECTOR);
	assert_int_equal(plan.erase_us, 2000);
	assert_int_equal(plan.erase_bytes, 2 * SECTOR);
	end(w, &plan);
}

static void test_larger_erase_when_faster(void **state)
{
	(void)state;
	world *w = new_world();
	memset(w->want, 0x55, 16 * SECTOR);
	/* Units of four: three dirty and a blank (2.5 < 3), two dirty (2.5 > 2),
	 * four dirty but one of them not listed. */
	for (uint32_t i = 0; i < 4; i++)
		list(w, i, i == 1 ? VF_SECTOR_BLANK : VF_SECTOR_DIRTY);
	for (uint32_t i = 4; i < 8; i++)
		list(w, i, i < 6 ? VF_SECTOR_BLANK : VF_SECTOR_DIRTY);
	for (uint32_t i = 8; i < 11; i++)
		list(w, i, VF_SECTOR_DIRTY);
	vf_plan plan = make(w);
	assert_int_equal(plan.erase_us, 2500 + 2 * 1000 + 3 * 1000);
	assert_step(&plan, 0, VF_PLAN_ERASE, 0, 4 * SECTOR);
	assert_step(&plan, 1, VF_PLAN_PROGRAM, 0, 6 * SECTOR);
	assert_step(&plan, 2, VF_PLAN_ERASE, 6 * SECTOR, SECTOR);
	end(w, &plan);
}

static void test_same_is_never_erased(void **state)
{
	(void)state;
	world *w = new_world();
	for (uint32_t i = 0; i < 16; i++)
		list(w, i, i == 5 ? VF_SECTOR_SAME : VF_SECTOR_DIRTY);
	vf_plan plan = make(w);
	assert_int_equal(plan.count, 3 + 3);
	for (size_t i = 0; i < plan.count; i++)
		assert_false(plan.steps[i].offset <= 5 * SECTOR &&
			     plan.steps[i].offset + plan.steps[i].len > 5 * SECTOR);
	assert_int_equal(plan.erase_us, 3 * 2500 + 3 * 1000);
	end(w, &plan);
}

static void test_unknown_times(void **state)
{
	(void)state;
	world *w = new_world();
	w->memory.erase[1].typ_us = 0;
	w->memory.erase_types = 2;
	for (uint32_t i = 0; i < 8; i++) /* half of four; one of four */
		list(w, i, i < 2 || i == 4 ? VF_SECTOR_DIRTY : VF_SECTOR_BLANK);
	vf_plan plan = make(w);
	assert_int_equal(plan.count, 2);
	assert_step(&plan, 0, VF_PLAN_ERASE, 0, 4 * SECTOR);
	assert_step(&plan, 1, VF_PLAN_ERASE, 4 * SECTOR, SECTOR);
	end(w, &plan);
}

static void whole_chip(uint32_t typ_us, bool all, size_t steps)
{
	world *w = new_world();
	vf_plan plan;
	w->memory.erase_types = 4;
	w->memory.erase[3] = (vf_erase_type){SIZE, typ_us, 90000};
	for (uint32_t i = 0; i < (all ? SECTORS : SECTORS - 1u); i++)
		list(w, i, VF_SECTOR_DIRTY);
	plan = make(w);
	assert_int_equal(plan.count, steps);
	end(w, &plan);
}

static void test_whole_chip(void **state)
{
	(void)state;
	whole_chip(15000, true, 1);          /* faster than four of 16 sectors */
	whole_chip(17000, true, 4);          /* slower */
	whole_chip(0, true, 4);              /* never on a guess */
	whole_chip(15000, false, 3 + 3 + 3); /* a sector that nobody listed */
}

static void zeros(void *ctx, uint32_t offset, uint8_t *out, uint32_t len)
{
	(void)ctx;
	(void)offset;
	memset(out, 0, len);
}

static void test_long_runs_are_split(void **state)
{
	(void)state;
	enum { BIG = 256 * 1024 };
	world *w = new_world();
	const vf_alloc alloc = {resize, w};
	vf_plan plan;
	w->memory.size = w->memory.erase[0].size = BIG;
	w->memory.erase_types = 1;
	list(w, 0, VF_SECTOR_DIRTY);
	assert_int_equal(vf_plan_make(&plan, &alloc, &w->memory, w->list, 1, zeros, w), VF_OK);
	assert_int_equal(plan.count, 5);
	for (uint32_t i = 0; i < 4; i++)
		assert_step(&plan, 1 + i, VF_PLAN_PROGRAM, i * 65536, 65536);
	end(w, &plan);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		world *w = new_world();
		const vf_alloc alloc = {resize, w};
		vf_plan plan;
		for (uint32_t i = 0; i < SECTORS; i++) {
			w->want[i * SECTOR] = 1;
			list(w, i, i % 3 == 0 ? VF_SECTOR_BLANK : VF_SECTOR_DIRTY);
		}
		w->memory.erase_types = 1;
		w->fail_in = n;
		int status = vf_plan_make(&plan, &alloc, &w->memory, w->list, w->count, content, w);
		const bool enough = w->fail_in > 0;
		assert_int_equal(status, enough ? VF_OK : VF_E_NOMEM);
		end(w, &plan);
		if (enough)
			break;
	}
}

/* --- against a chip ----------------------------------------------------------------- */

static uint32_t random_times(world *w, uint32_t most)
{
	return draw(w, 6) == 0 ? 0 : 1 + draw(w, most);
}

static void random_memory(world *w)
{
	vf_memory *m = &w->memory;
	m->page = (uint32_t)PAGE << draw(w, 3);
	m->unit = 1u << draw(w, 6);
	m->erase_types = (uint8_t)(1 + draw(w, 4));
	m->erase[0] = (vf_erase_type){SECTOR, random_times(w, 2000), 9000};
	m->erase[1] =
		(vf_erase_type){(uint32_t)SECTOR << (1 + draw(w, 2)), random_times(w, 5000), 9000};
	m->erase[2] = (vf_erase_type){16 * SECTOR, random_times(w, 20000), 90000};
	m->erase[3] = (vf_erase_type){SIZE, random_times(w, 60000), 90000};
}

static bool blank(const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (p[i] != 0xFF)
			return false;
	return true;
}

static void random_sector(world *w, uint32_t i)
{
	uint8_t *want = w->want + i * SECTOR;
	uint8_t *is = w->before + i * SECTOR;
	const uint32_t shape = draw(w, 4);
	memset(want, 0xFF, SECTOR);
	memset(is, 0xFF, SECTOR);
	for (uint32_t k = 0; k < SECTOR; k++)
		if (shape == 0 || (shape == 1 && draw(w, 40) == 0) ||
		    (shape == 2 && k / 64 == draw(w, 4)))
			want[k] = (uint8_t)draw(w, 256);
	switch (draw(w, 3)) {
	case 0:
		memcpy(is, want, SECTOR);
		list(w, i, VF_SECTOR_SAME);
		break;
	case 1:
		list(w, i, VF_SECTOR_BLANK);
		break;
	default:
		for (uint32_t k = 0; k < SECTOR; k++)
			is[k] = (uint8_t)draw(w, 256);
		list(w, i, VF_SECTOR_DIRTY);
	}
}

/* Carries the plan out on an array, and holds it to NOR's rules. */
static void carry_out(world *w, const vf_plan *plan, uint8_t *chip)
{
	for (size_t i = 0; i < plan->count; i++) {
		const vf_plan_step *s = &plan->steps[i];
		assert_true(s->len > 0 && s->offset <= SIZE && s->len <= SIZE - s->offset);
		if (s->kind == VF_PLAN_ERASE) {
			bool size_exists = false;
			for (unsigned t = 0; t < w->memory.erase_types; t++)
				size_exists |= w->memory.erase[t].size == s->len;
			assert_true(size_exists);
			assert_int_equal(s->offset % s->len, 0);
			assert_false(blank(chip + s->offset, s->len));
			memset(chip + s->offset, 0xFF, s->len);
			continue;
		}
		assert_int_equal(s->kind, VF_PLAN_PROGRAM);
		assert_int_equal(s->offset % w->memory.unit, 0);
		assert_int_equal(s->len % w->memory.unit, 0);
		for (uint32_t k = s->offset; k < s->offset + s->len; k++) {
			assert_int_equal(chip[k], 0xFF); /* erased, and not programmed before */
			chip[k] &= w->want[k];
		}
	}
}

/* The cheapest way to clear all dirty sectors of one unit with erases of `type`
 * and below, none of which may hit what is the same or not listed. */
static uint64_t cheapest(const world *w, const uint8_t *lost, unsigned type, uint32_t from)
{
	const uint32_t size = w->memory.erase[type].size / SECTOR;
	bool dirty = false;
	bool free_to = true;
	uint64_t parts = 0;
	for (uint32_t i = from; i < from + size; i++) {
		dirty |= lost[i] == 2;
		free_to &= lost[i] != 0;
	}
	if (!dirty)
		return 0;
	if (type == 0)
		return w->memory.erase[0].typ_us;
	const uint32_t part = w->memory.erase[type - 1].size / SECTOR;
	for (uint32_t i = from; i < from + size; i += part)
		parts += cheapest(w, lost, type - 1, i);
	const uint64_t whole = w->memory.erase[type].typ_us;
	return free_to && whole < parts ? whole : parts;
}

static void check_cost(const world *w, const vf_plan *plan)
{
	uint8_t lost[SECTORS] = {0}; /* 0 must not be erased, 1 may, 2 must */
	uint64_t best = 0;
	const unsigned top = w->memory.erase_types - 1u;
	for (unsigned t = 0; t <= top; t++)
		if (w->memory.erase[t].typ_us == 0)
			return;
	for (size_t i = 0; i < w->count; i++)
		lost[w->list[i].index] = w->list[i].state == VF_SECTOR_DIRTY   ? 2
					 : w->list[i].state == VF_SECTOR_BLANK ? 1
									       : 0;
	for (uint32_t i = 0; i < SECTORS; i += w->memory.erase[top].size / SECTOR)
		best += cheapest(w, lost, top, i);
	assert_int_equal(plan->erase_us, best);
}

static void check_sums(const world *w, const vf_plan *plan)
{
	uint64_t erase = 0, program = 0, pages = 0;
	for (size_t i = 0; i < plan->count; i++) {
		const vf_plan_step *s = &plan->steps[i];
		if (s->kind == VF_PLAN_ERASE) {
			erase += s->len;
			continue;
		}
		program += s->len;
		pages += (s->offset + s->len - 1) / w->memory.page - s->offset / w->memory.page + 1;
	}
	assert_int_equal(erase, plan->erase_bytes);
	assert_int_equal(program, plan->program_bytes);
	assert_int_equal(pages * w->memory.page_typ_us, plan->program_us);
	/* Pages of ones are skipped: no more pages than hold something. */
	uint64_t needed = 0;
	for (size_t i = 0; i < w->count; i++) {
		const uint32_t start = w->list[i].index * SECTOR;
		for (uint32_t k = 0; k < SECTOR; k += w->memory.page)
			needed += w->list[i].state != VF_SECTOR_SAME &&
				  !blank(w->want + start + k, w->memory.page);
	}
	assert_int_equal(pages, needed);
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3000; seed++) {
		world *w = new_world();
		w->random = seed;
		random_memory(w);
		const uint32_t density = 1 + draw(w, 8);
		for (uint32_t i = 0; i < SIZE; i++)
			w->before[i] = w->want[i] = (uint8_t)draw(w, 256);
		for (uint32_t i = 0; i < SECTORS; i++)
			if (draw(w, 8) < density)
				random_sector(w, i);
		vf_plan plan = make(w);
		uint8_t *chip = malloc(SIZE);
		assert_non_null(chip);
		memcpy(chip, w->before, SIZE);
		carry_out(w, &plan, chip);
		if (memcmp(chip, w->want, SIZE) != 0)
			fail_msg("seed %llu: the chip does not hold it", (unsigned long long)seed);
		check_cost(w, &plan);
		check_sums(w, &plan);
		free(chip);
		end(w, &plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_blank_is_programmed_by_runs),
		cmocka_unit_test(test_erase_stands_before_its_programs),
		cmocka_unit_test(test_larger_erase_when_faster),
		cmocka_unit_test(test_same_is_never_erased),
		cmocka_unit_test(test_unknown_times),
		cmocka_unit_test(test_whole_chip),
		cmocka_unit_test(test_long_runs_are_split),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
