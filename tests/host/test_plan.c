/* test_plan.c - the planner: single cases by hand. */
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

enum { SECTOR = 256, PAGE = 32, SECTORS = 64, SIZE = SECTOR * SECTORS, BUS_US = 10 };

typedef struct world {
	vf_memory memory;
	uint8_t present[SECTOR], want[SIZE];
	vf_plan_sector list[SECTORS];
	size_t count;
	long living;
	long fail_in;
	vf_plan_source source;
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
	memset(w->present, 0xFF, SECTOR);
	memset(w->want, 0xFF, SIZE);
	w->source = (vf_plan_source){.ctx = w, .content = content};
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
	assert_int_equal(vf_plan_make(&plan, &alloc, &w->memory, w->list, w->count, &w->source),
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
	assert_int_equal(plan.program_us, 5 * (100 + BUS_US));
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
	assert_step(&plan, 1, VF_PLAN_PROGRAM, 4 * SECTOR, 2 * SECTOR);
	end(w, &plan);
}

/* Five of sixteen dirty, 5 ms one by one: what is right is written again where
 * the larger erase and those pages take less. */
static void same_among_dirty(uint32_t page_us, uint64_t rate, uint64_t erase_us)
{
	world *w = new_world();
	memset(w->want, 0x55, 16 * SECTOR);
	w->memory.page_typ_us = page_us;
	w->source.link_rate = rate;
	for (uint32_t i = 0; i < 16; i++)
		list(w, i, i % 3 == 0 && i > 0 ? VF_SECTOR_DIRTY : VF_SECTOR_SAME);
	vf_plan plan = make(w);
	assert_int_equal(plan.erase_us, erase_us);
	assert_int_equal(plan.total_us, plan.bound_us);
	end(w, &plan);
}

static void test_rewriting_what_is_right(void **state)
{
	(void)state;
	same_among_dirty(1, 0, 4000);        /* 88 pages of 11 us */
	same_among_dirty(10, 0, 5000);       /* of 20 us: more than the erases */
	same_among_dirty(1, 10000000, 4000); /* a link that keeps up */
	same_among_dirty(1, 100000, 5000);   /* one that does not */
}

/* Sector 1 is right, the other three of its unit are dirty: 3 ms one by one. */
static void unknown_neighbour(uint8_t known, uint32_t learn_us, bool larger)
{
	world *w = new_world();
	w->memory.erase_types = 2;
	for (uint32_t i = 0; i < 4; i++)
		list(w, i, i == 1 ? VF_SECTOR_SAME : VF_SECTOR_DIRTY);
	w->list[1].known = known;
	w->list[1].learn_us = learn_us;
	w->memory.page_typ_us = 20;
	vf_plan plan = make(w);
	assert_int_equal(plan.erase_us, larger ? 2500 : 3000);
	assert_int_equal(plan.learn_us, larger ? learn_us : 0);
	assert_int_equal(plan.total_us, plan.erase_us + plan.program_us + plan.learn_us);
	end(w, &plan);
}

static void test_neighbours_that_are_not_known(void **state)
{
	(void)state;
	unknown_neighbour(VF_PLAN_UNSEEN, 499, true);
	unknown_neighbour(VF_PLAN_UNSEEN, 501, false);
	unknown_neighbour(VF_PLAN_UNREAD, 259, true); /* and eight pages of 30 us */
	unknown_neighbour(VF_PLAN_UNREAD, 261, false);
}

/* A page of a dirty sector whose bytes are known. */
static void known_page(uint8_t is, uint8_t want, uint8_t flags, size_t steps)
{
	world *w = new_world();
	w->memory.flags = flags;
	w->want[5] = want;
	w->present[5] = is;
	memset(w->present + 4 * PAGE, 0x12, PAGE);
	memset(w->want + 4 * PAGE, 0x12, PAGE);
	list(w, 0, VF_SECTOR_DIRTY);
	w->list[0].present = w->present;
	vf_plan plan = make(w);
	assert_int_equal(plan.count, steps);
	if (steps == 1)
		assert_step(&plan, 0, VF_PLAN_PROGRAM, 5, 1);
	else
		assert_step(&plan, 0, VF_PLAN_ERASE, 0, SECTOR);
	end(w, &plan);
}

static void test_programming_without_an_erase(void **state)
{
	(void)state;
	known_page(0xFF, 0x77, 0, 1);                       /* a blank page, once */
	known_page(0x7F, 0x77, 0, 3);                       /* twice: not everywhere */
	known_page(0x7F, 0x77, VF_MEMORY_REPROGRAM, 1);     /* clears a bit */
	known_page(0x77, 0x7F, VF_MEMORY_REPROGRAM, 2 + 1); /* sets one */
}

static void test_unknown_times(void **state)
{
	(void)state;
	world *w = new_world();
	w->memory.erase[1].typ_us = 0; /* taken as 9000 / 4 */
	w->memory.erase_types = 2;
	for (uint32_t i = 0; i < 8; i++)
		list(w, i, i < 3 || i > 5 ? VF_SECTOR_DIRTY : VF_SECTOR_BLANK);
	vf_plan plan = make(w);
	assert_int_equal(plan.count, 3);
	assert_step(&plan, 0, VF_PLAN_ERASE, 0, 4 * SECTOR);
	assert_step(&plan, 1, VF_PLAN_ERASE, 6 * SECTOR, SECTOR);
	assert_step(&plan, 2, VF_PLAN_ERASE, 7 * SECTOR, SECTOR);
	end(w, &plan);
}

/* Blank sectors first: the erase runs while their data arrive. */
static void test_order(void **state)
{
	(void)state;
	world *w = new_world();
	memset(w->want, 0x55, 6 * SECTOR);
	w->memory.erase_types = 1;
	for (uint32_t i = 0; i < 6; i++)
		list(w, i, i < 2 ? VF_SECTOR_DIRTY : VF_SECTOR_BLANK);
	vf_plan plan = make(w);
	assert_int_equal(plan.count, 5);
	assert_step(&plan, 0, VF_PLAN_ERASE, 0, SECTOR);
	assert_step(&plan, 1, VF_PLAN_PROGRAM, 2 * SECTOR, 4 * SECTOR);
	assert_step(&plan, 2, VF_PLAN_ERASE, SECTOR, SECTOR);
	assert_step(&plan, 3, VF_PLAN_PROGRAM, 0, SECTOR);
	assert_step(&plan, 4, VF_PLAN_PROGRAM, SECTOR, SECTOR);
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
	w->source.content = zeros;
	list(w, 0, VF_SECTOR_DIRTY);
	assert_int_equal(vf_plan_make(&plan, &alloc, &w->memory, w->list, 1, &w->source), VF_OK);
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
		const int status =
			vf_plan_make(&plan, &alloc, &w->memory, w->list, w->count, &w->source);
		const bool enough = w->fail_in > 0;
		assert_int_equal(status, enough ? VF_OK : VF_E_NOMEM);
		end(w, &plan);
		if (enough)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_blank_is_programmed_by_runs),
		cmocka_unit_test(test_erase_stands_before_its_programs),
		cmocka_unit_test(test_larger_erase_when_faster),
		cmocka_unit_test(test_rewriting_what_is_right),
		cmocka_unit_test(test_neighbours_that_are_not_known),
		cmocka_unit_test(test_programming_without_an_erase),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_unknown_times),
		cmocka_unit_test(test_whole_chip),
		cmocka_unit_test(test_long_runs_are_split),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
