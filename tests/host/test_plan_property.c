/* test_plan_property.c - the planner against all there is: random small memories,
 * sector lists, contents, times and links. The chosen cost is compared with every
 * way to erase (all of them tried), and the steps are carried out on a chip that
 * is an array and knows only NOR's rules. Larger memories are held against a
 * greedy planner, and the bound against the total.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/plan.h>
#include <vcpflash/status.h>

enum { SECTOR = 64, PAGE = 16, SECTORS = 16, SIZE = SECTOR * SECTORS, BUS_US = 10 };

typedef struct costs {
	uint64_t link, chip;
} costs;

typedef struct world {
	vf_memory memory;
	vf_plan_source source;
	uint32_t sectors, size;
	uint8_t *before, *want;
	vf_plan_sector *list;
	int *at; /* of a sector: where in the list, -1 not there */
	size_t count;
	uint32_t ratio[4]; /* of the packed bytes, in 256 */
	uint64_t random;
	long living;
} world;

static void *resize(void *ctx, void *p, size_t size)
{
	world *w = ctx;
	if (size == 0) {
		w->living -= p != NULL;
		free(p);
		return NULL;
	}
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
	assert_true(offset <= w->size && len <= w->size - offset);
	memcpy(out, w->want + offset, len);
}

static uint32_t packed(void *ctx, uint32_t offset, uint32_t len)
{
	const world *w = ctx;
	return len * w->ratio[offset / SECTOR % 4] / 256 + 1;
}

static bool blank(const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (p[i] != 0xFF)
			return false;
	return true;
}

/* --- random worlds ------------------------------------------------------------------ */

static world *new_world(uint32_t sectors, uint64_t seed)
{
	world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	w->random = seed * 0x9E3779B97F4A7C15u;
	w->sectors = sectors;
	w->size = sectors * SECTOR;
	w->before = malloc(w->size);
	w->want = malloc(w->size);
	w->list = calloc(sectors, sizeof *w->list);
	w->at = calloc(sectors, sizeof *w->at);
	assert_true(w->before && w->want && w->list && w->at);
	return w;
}

static void end(world *w, vf_plan *plan)
{
	const vf_alloc alloc = {resize, w};
	vf_plan_free(plan, &alloc);
	assert_int_equal(w->living, 0);
	free(w->before);
	free(w->want);
	free(w->list);
	free(w->at);
	free(w);
}

static void random_memory(world *w)
{
	vf_memory *m = &w->memory;
	const uint32_t scale = 1 + draw(w, 3);
	m->size = w->size;
	m->page = (uint32_t)PAGE << draw(w, 2);
	m->unit = 1u << draw(w, 4);
	m->page_typ_us = 1 + draw(w, 400);
	m->read_rate = draw(w, 2) ? 0 : 1000000 + draw(w, 50000000);
	m->flags = draw(w, 2) ? VF_MEMORY_REPROGRAM : 0;
	m->erase[0] = (vf_erase_type){SECTOR, 1 + draw(w, 3000), 9000};
	unsigned n = 1;
	uint32_t size = (uint32_t)SECTOR << draw(w, 3);
	for (; size < w->size && n < 4; size <<= scale) {
		const uint32_t below = m->erase[n - 1].typ_us;
		const uint32_t typ = below * (50 + draw(w, 150)) / 100 + draw(w, 3000) + 1;
		if (size > m->erase[n - 1].size)
			m->erase[n++] = (vf_erase_type){size, typ, 90000};
	}
	if (draw(w, 3) != 0)
		m->erase[n++] = (vf_erase_type){w->size, 1 + draw(w, 30000), 90000};
	m->erase_types = (uint8_t)n;
}

static void random_link(world *w)
{
	static const uint32_t rates[] = {0, 20000, 100000, 300000, 1000000, 10000000};
	w->source = (vf_plan_source){.ctx = w, .content = content};
	w->source.link_rate = rates[draw(w, 6)];
	if (w->source.link_rate != 0)
		w->source.link_rate += draw(w, (uint32_t)w->source.link_rate);
	if (draw(w, 2))
		w->source.packed = packed;
	w->source.ahead = draw(w, 2) ? draw(w, 2000) : UINT32_MAX;
	for (unsigned i = 0; i < 4; i++)
		w->ratio[i] = 1 + draw(w, 256);
}

static void random_bytes(world *w, uint8_t *out, uint32_t shape)
{
	memset(out, 0xFF, SECTOR);
	for (uint32_t k = 0; k < SECTOR; k++)
		if (shape == 0 || (shape == 1 && draw(w, 30) == 0) || (shape == 2 && k / PAGE == 1))
			out[k] = (uint8_t)draw(w, 256);
}

/* What the sector holds resembles what it should, so that pages may be kept. */
static void random_present(world *w, uint8_t *is, const uint8_t *want)
{
	memcpy(is, want, SECTOR);
	const uint32_t from = draw(w, SECTOR / PAGE) * PAGE;
	if (draw(w, 2))
		memset(is + from, 0xFF, PAGE);
	else
		for (uint32_t k = from; k < from + PAGE; k++)
			is[k] |= (uint8_t)draw(w, 256);
	if (draw(w, 3) == 0)
		is[draw(w, SECTOR)] &= (uint8_t)draw(w, 256);
}

static void random_sector(world *w, uint32_t i)
{
	vf_plan_sector *s = &w->list[w->count];
	uint8_t *want = w->want + i * SECTOR;
	uint8_t *is = w->before + i * SECTOR;
	*s = (vf_plan_sector){.index = i};
	random_bytes(w, want, draw(w, 4));
	memcpy(is, want, SECTOR);
	switch (draw(w, 7)) {
	case 0:
		break;
	case 1:
		s->state = VF_SECTOR_BLANK;
		memset(is, 0xFF, SECTOR);
		break;
	case 2:
		random_present(w, is, want);
		s->state = VF_SECTOR_DIRTY;
		s->present = is;
		break;
	case 3:
		s->known = draw(w, 2) ? VF_PLAN_UNREAD : VF_PLAN_UNSEEN;
		s->learn_us = draw(w, 1000);
		break;
	default:
		random_bytes(w, is, 0);
		s->state = VF_SECTOR_DIRTY;
	}
	w->at[i] = (int)w->count++;
}

static world *random_world(uint32_t sectors, uint64_t seed)
{
	world *w = new_world(sectors, seed);
	random_memory(w);
	random_link(w);
	const uint32_t missing = draw(w, 3) == 0 ? 8 : 1000000;
	for (uint32_t i = 0; i < w->size; i++)
		w->before[i] = w->want[i] = (uint8_t)draw(w, 256);
	for (uint32_t i = 0; i < sectors; i++) {
		w->at[i] = -1;
		if (draw(w, missing) != 0)
			random_sector(w, i);
	}
	return w;
}

static vf_plan make(world *w)
{
	const vf_alloc alloc = {resize, w};
	vf_plan plan;
	assert_int_equal(vf_plan_make(&plan, &alloc, &w->memory, w->list, w->count, &w->source),
			 VF_OK);
	return plan;
}

/* --- all ways to erase --------------------------------------------------------------- */

typedef struct options {
	costs *all;
	size_t count;
} options;

static costs plus(costs a, costs b)
{
	return (costs){a.link + b.link, a.chip + b.chip};
}

static uint32_t page_us(const world *w)
{
	const vf_memory *m = &w->memory;
	return m->page_typ_us + BUS_US +
	       (m->read_rate != 0 ? (uint32_t)((uint64_t)m->page * 1000000 / m->read_rate) : 0);
}

static bool page_allowed(const world *w, const uint8_t *is, const uint8_t *want)
{
	if (blank(is, w->memory.page))
		return true;
	for (uint32_t k = 0; k < w->memory.page; k++)
		if ((is[k] & want[k]) != want[k])
			return false;
	return (w->memory.flags & VF_MEMORY_REPROGRAM) != 0;
}

/* Programming sector `i` over `is`; false: it cannot be done without an erase. */
static bool program(const world *w, uint32_t i, const uint8_t *is, bool all, costs *c)
{
	const uint32_t page = w->memory.page;
	const uint8_t *want = w->want + i * SECTOR;
	uint64_t bytes = 0;
	uint32_t run = 0;
	*c = (costs){0, 0};
	for (uint32_t k = 0; k <= SECTOR; k += page) {
		const bool differs = k < SECTOR && (all || memcmp(want + k, is + k, page) != 0);
		if (differs && !all && !page_allowed(w, is + k, want + k))
			return false;
		if (!differs && run > 0)
			bytes += w->source.packed != NULL
					 ? packed((void *)(uintptr_t)w, i * SECTOR + k - run, run)
					 : run;
		run = differs ? run + page : 0;
		c->chip += differs ? page_us(w) : 0;
	}
	/* What is unread is taken as unpacked. */
	if (all)
		bytes = SECTOR;
	if (w->source.link_rate != 0)
		c->link = (bytes * 1000000 + w->source.link_rate - 1) / w->source.link_rate;
	return true;
}

static bool after_erase(const world *w, uint32_t i, costs *c)
{
	static const uint8_t ones[SECTOR] = {
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
	if (w->at[i] < 0)
		return false;
	const vf_plan_sector *s = &w->list[w->at[i]];
	*c = (costs){0, 0};
	if (s->known == VF_PLAN_KNOWN)
		return program(w, i, ones, false, c);
	if (s->known == VF_PLAN_UNREAD)
		(void)program(w, i, ones, true, c);
	*c = plus(*c, (costs){s->learn_us, s->learn_us});
	return true;
}

static bool as_it_is(const world *w, uint32_t i, costs *c)
{
	*c = (costs){0, 0};
	if (w->at[i] < 0)
		return true;
	const vf_plan_sector *s = &w->list[w->at[i]];
	if (s->state == VF_SECTOR_SAME)
		return true;
	if (s->state == VF_SECTOR_DIRTY && s->present == NULL)
		return false;
	return program(w, i, w->before + i * SECTOR, false, c);
}

static void put(options *o, costs c)
{
	o->all = realloc(o->all, (o->count + 1) * sizeof *o->all);
	assert_non_null(o->all);
	o->all[o->count++] = c;
}

static options sums(options a, options b)
{
	options o = {calloc(a.count * b.count + 1, sizeof(costs)), 0};
	assert_non_null(o.all);
	for (size_t i = 0; i < a.count; i++)
		for (size_t k = 0; k < b.count; k++)
			o.all[o.count++] = plus(a.all[i], b.all[k]);
	free(a.all);
	free(b.all);
	return o;
}

/* While all of the chip is erased the board takes `ahead` bytes, and no more. */
static uint64_t stall(const world *w)
{
	const uint64_t rate = w->source.link_rate;
	const uint64_t erase = w->memory.erase[w->memory.erase_types - 1].typ_us;
	if (rate == 0)
		return 0;
	const uint64_t held = (uint64_t)w->source.ahead * 1000000 / rate;
	return held < erase ? erase - held : 0;
}

/* Every outcome for the unit of `type` at sector `from`. */
static options every(const world *w, unsigned type, uint32_t from)
{
	const uint32_t size = w->memory.erase[type].size / SECTOR;
	options o = {NULL, 0};
	costs whole = {0, w->memory.erase[type].typ_us};
	costs c;
	bool may = true;
	if (type == 0) {
		if (as_it_is(w, from, &c))
			put(&o, c);
	} else {
		const uint32_t part = w->memory.erase[type - 1].size / SECTOR;
		o = every(w, type - 1, from);
		for (uint32_t i = from + part; i < from + size; i += part)
			o = sums(o, every(w, type - 1, i));
	}
	for (uint32_t i = from; i < from + size && may; i++) {
		may = after_erase(w, i, &c);
		whole = plus(whole, c);
	}
	if (may && size == w->sectors)
		whole.link += stall(w);
	if (may)
		put(&o, whole);
	return o;
}

static uint64_t exhaustive(const world *w)
{
	const unsigned top = w->memory.erase_types - 1u;
	const uint32_t per = w->memory.erase[top].size / SECTOR;
	uint64_t best = UINT64_MAX;
	options o = every(w, top, 0);
	for (uint32_t i = per; i < w->sectors; i += per)
		o = sums(o, every(w, top, i));
	for (size_t i = 0; i < o.count; i++) {
		const uint64_t max = o.all[i].link > o.all[i].chip ? o.all[i].link : o.all[i].chip;
		best = max < best ? max : best;
	}
	free(o.all);
	return best;
}

/* --- a chip ----------------------------------------------------------------------------- */

static void erase_step(const world *w, const vf_plan_step *s, uint8_t *chip)
{
	bool size_exists = false;
	for (unsigned t = 0; t < w->memory.erase_types; t++)
		size_exists |= w->memory.erase[t].size == s->len;
	assert_true(size_exists);
	assert_int_equal(s->offset % s->len, 0);
	assert_false(blank(chip + s->offset, s->len));
	for (uint32_t i = s->offset / SECTOR; i < (s->offset + s->len) / SECTOR; i++)
		assert_true(w->at[i] >= 0);
	memset(chip + s->offset, 0xFF, s->len);
}

static uint64_t program_step(const world *w, const vf_plan_step *s, uint8_t *chip)
{
	const uint32_t page = w->memory.page;
	assert_int_equal(s->offset % w->memory.unit, 0);
	assert_int_equal(s->len % w->memory.unit, 0);
	for (uint32_t k = s->offset / page * page; k < s->offset + s->len; k += page)
		assert_true(page_allowed(w, chip + k, w->want + k));
	for (uint32_t k = s->offset; k < s->offset + s->len; k++)
		chip[k] &= w->want[k];
	return (s->offset + s->len - 1) / page - s->offset / page + 1;
}

static void carry_out(const world *w, const vf_plan *plan)
{
	uint64_t pages = 0, erased = 0, programmed = 0;
	uint8_t *chip = malloc(w->size);
	assert_non_null(chip);
	memcpy(chip, w->before, w->size);
	for (size_t i = 0; i < plan->count; i++) {
		const vf_plan_step *s = &plan->steps[i];
		assert_true(s->len > 0 && s->offset <= w->size && s->len <= w->size - s->offset);
		if (s->kind == VF_PLAN_ERASE) {
			erase_step(w, s, chip);
			erased += s->len;
		} else {
			pages += program_step(w, s, chip);
			programmed += s->len;
		}
	}
	assert_memory_equal(chip, w->want, w->size);
	assert_int_equal(erased, plan->erase_bytes);
	assert_int_equal(programmed, plan->program_bytes);
	assert_int_equal(pages * page_us(w), plan->program_us);
	free(chip);
}

/* As a job does: learns what the plan relies on; true if there was something. */
static bool learn(world *w, const vf_plan *plan)
{
	bool learned = false;
	for (size_t i = 0; i < plan->count; i++) {
		const vf_plan_step *s = &plan->steps[i];
		if (s->kind != VF_PLAN_ERASE)
			continue;
		for (uint32_t k = s->offset / SECTOR; k < (s->offset + s->len) / SECTOR; k++) {
			vf_plan_sector *each = &w->list[w->at[k]];
			learned = learned || each->known != VF_PLAN_KNOWN;
			if (each->known == VF_PLAN_UNSEEN)
				each->known = blank(w->before + k * SECTOR, SECTOR)
						      ? VF_PLAN_KNOWN
						      : VF_PLAN_UNREAD;
			else
				each->known = VF_PLAN_KNOWN;
		}
	}
	return learned;
}

static uint64_t total(const vf_plan *plan)
{
	const uint64_t chip = plan->erase_us + plan->program_us;
	const uint64_t link = plan->link_us + plan->stall_us;
	return (link > chip ? link : chip) + plan->learn_us;
}

static void small(uint64_t seed)
{
	world *w = random_world(seed % 3 == 0 ? SECTORS : SECTORS / 2, seed);
	const vf_alloc alloc = {resize, w};
	vf_plan plan;
	unsigned rounds = 0;
	for (;; vf_plan_free(&plan, &alloc)) {
		plan = make(w);
		const uint64_t best = exhaustive(w);
		if (plan.total_us != best || plan.bound_us != best || total(&plan) != best)
			fail_msg("seed %llu: total %llu, steps %llu, bound %llu, possible %llu",
				 (unsigned long long)seed, (unsigned long long)plan.total_us,
				 (unsigned long long)total(&plan),
				 (unsigned long long)plan.bound_us, (unsigned long long)best);
		assert_true(rounds++ <= 2 * SECTORS);
		if (!learn(w, &plan))
			break;
	}
	carry_out(w, &plan);
	end(w, &plan);
}

static void test_equal_to_exhaustive(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3000; seed++)
		small(seed);
}

/* --- larger ones -------------------------------------------------------------------------- */

/* Bottom-up by size, erasing only what is listed and not right: what is left out
 * of a dirty sector's erase is programmed. */
static costs greedy(const world *w, unsigned type, uint32_t from)
{
	const uint32_t size = w->memory.erase[type].size / SECTOR;
	costs c, parts = {0, 0}, whole = {0, w->memory.erase[type].typ_us};
	bool may = true;
	for (uint32_t i = from; i < from + size && may; i++) {
		may = after_erase(w, i, &c) && w->list[w->at[i]].state != VF_SECTOR_SAME;
		whole = plus(whole, c);
	}
	if (type == 0)
		return as_it_is(w, from, &c) ? c : whole;
	if (size == w->sectors)
		whole.link += stall(w);
	const uint32_t part = w->memory.erase[type - 1].size / SECTOR;
	for (uint32_t i = from; i < from + size; i += part)
		parts = plus(parts, greedy(w, type - 1, i));
	return may && whole.chip < parts.chip ? whole : parts;
}

static void test_larger(void **state)
{
	(void)state;
	unsigned proven = 0;
	unsigned better = 0;
	enum { ROUNDS = 150 };
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		world *w = random_world(512u << seed % 3, seed);
		const unsigned top = w->memory.erase_types - 1u;
		const uint32_t per = w->memory.erase[top].size / SECTOR;
		costs g = {0, 0};
		for (uint32_t i = 0; i < w->sectors; i += per)
			g = plus(g, greedy(w, top, i));
		vf_plan plan = make(w);
		const uint64_t old = g.link > g.chip ? g.link : g.chip;
		assert_true(plan.total_us <= old);
		assert_true(plan.bound_us <= plan.total_us);
		assert_int_equal(total(&plan), plan.total_us);
		proven += plan.bound_us == plan.total_us;
		better += plan.total_us < old;
		if (!learn(w, &plan))
			carry_out(w, &plan);
		end(w, &plan);
	}
	print_message("%u of %u plans proven best, %u better than greedy\n", proven, ROUNDS,
		      better);
	assert_int_equal(proven, ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_to_exhaustive),
		cmocka_unit_test(test_larger),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
