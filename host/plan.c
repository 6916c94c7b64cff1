/* plan.c - the planner: which erases, which programs, in which order.
 *
 * Two steps. First every dirty sector gets an erase type: bottom-up through
 * the erase sizes, a larger unit replaces the erases inside it where all of its
 * sectors may be lost (listed, and none right already) and it takes less time.
 * Then one walk in address order emits each erase directly before the programs
 * of its unit, so that the link fills the window while the chip erases.
 *
 * Both steps are linear in sectors. A planner that also weighs rewriting what
 * is right already, or clearing bits without an erase, belongs here. */
#include <stdbool.h>
#include <string.h>

#include <vcpflash/plan.h>
#include <vcpflash/status.h>

enum {
	NO_ERASE = 0xFF,
	STEP_MAX = 64 * 1024, /* longest program step */
	CHUNK_MIN = 4 * 1024, /* content is asked for in pieces of at least this */
	UNKNOWN_PART = 4,     /* an unknown typical time is taken as a quarter of the maximum */
};

typedef struct planner {
	vf_plan *plan;
	const vf_alloc *alloc;
	const vf_memory *memory;
	uint32_t sector; /* its size */
	const vf_plan_sector *sectors;
	size_t count;
	vf_plan_content content;
	void *ctx;
	uint8_t *erase_type; /* for each sector: the erase type that clears it, or NO_ERASE */
	uint8_t *chunk;
	uint32_t chunk_len;
	size_t room; /* of plan->steps */
	bool no_memory;
	bool open; /* a run of pages is being joined: */
	uint32_t run_start, run_end;
	uint32_t run_page; /* end of its last page */
} planner;

/* What clearing the sectors of some range costs. */
typedef struct cost {
	uint64_t us;
	bool known;
	size_t dirty;
} cost;

/* --- erase sizes ----------------------------------------------------------- */

static uint32_t sectors_per(const planner *p, unsigned type)
{
	return p->memory->erase[type].size / p->sector;
}

/* May all of a unit's sectors be lost? [from, to) are the listed ones in it. */
static bool replaceable(const planner *p, unsigned type, size_t from, size_t to)
{
	if (to - from != sectors_per(p, type))
		return false;
	for (size_t i = from; i < to; i++)
		if (p->sectors[i].state == VF_SECTOR_SAME)
			return false;
	return true;
}

static bool larger_is_better(const planner *p, unsigned type, const cost *smaller, size_t sectors)
{
	const vf_erase_type *e = &p->memory->erase[type];
	if (smaller->dirty == 0)
		return false;
	if (e->typ_us != 0 && smaller->known)
		return e->typ_us < smaller->us;
	/* An erase of the whole chip takes minutes: never on a guess. */
	return e->size != p->memory->size && smaller->dirty * 2 >= sectors;
}

static cost choose_sector(planner *p, size_t at)
{
	const vf_erase_type *e = &p->memory->erase[0];
	if (p->sectors[at].state != VF_SECTOR_DIRTY)
		return (cost){.us = 0, .known = true, .dirty = 0};
	p->erase_type[at] = 0;
	return (cost){.us = e->typ_us, .known = e->typ_us != 0, .dirty = 1};
}

/* Chooses for the listed sectors [from, to), all in one unit of `type`. */
static cost choose(planner *p, unsigned type, size_t from, size_t to)
{
	if (type == 0)
		return choose_sector(p, from);
	cost sum = {.us = 0, .known = true, .dirty = 0};
	const uint32_t per = sectors_per(p, type - 1);
	for (size_t i = from, end; i < to; i = end) {
		for (end = i + 1; end < to; end++)
			if (p->sectors[end].index / per != p->sectors[i].index / per)
				break;
		cost part = choose(p, type - 1, i, end);
		sum.us += part.us;
		sum.known = sum.known && part.known;
		sum.dirty += part.dirty;
	}
	if (!replaceable(p, type, from, to) || !larger_is_better(p, type, &sum, to - from))
		return sum;
	memset(p->erase_type + from, (int)type, to - from);
	sum.us = p->memory->erase[type].typ_us;
	sum.known = sum.us != 0;
	return sum;
}

static void choose_all(planner *p)
{
	const unsigned top = p->memory->erase_types - 1u;
	const uint32_t per = sectors_per(p, top);
	memset(p->erase_type, NO_ERASE, p->count);
	for (size_t i = 0, end; i < p->count; i = end) {
		for (end = i + 1; end < p->count; end++)
			if (p->sectors[end].index / per != p->sectors[i].index / per)
				break;
		(void)choose(p, top, i, end);
	}
}

/* --- steps ----------------------------------------------------------------- */

static void add_step(planner *p, enum vf_plan_kind kind, uint32_t offset, uint32_t len)
{
	vf_plan *plan = p->plan;
	if (plan->count == p->room) {
		size_t room = p->room == 0 ? 64 : p->room * 2;
		void *steps = vf_resize(p->alloc, plan->steps, room * sizeof *plan->steps);
		if (steps == NULL) {
			p->no_memory = true;
			return;
		}
		plan->steps = steps;
		p->room = room;
	}
	plan->steps[plan->count++] =
		(vf_plan_step){.kind = (uint8_t)kind, .offset = offset, .len = len};
}

static void end_run(planner *p)
{
	if (!p->open)
		return;
	p->open = false;
	const uint32_t len = p->run_end - p->run_start;
	const uint32_t page = p->memory->page;
	const uint32_t pages = (p->run_end - 1) / page - p->run_start / page + 1;
	add_step(p, VF_PLAN_PROGRAM, p->run_start, len);
	p->plan->program_bytes += len;
	p->plan->program_us += (uint64_t)pages * p->memory->page_typ_us;
}

static void add_erase(planner *p, size_t at)
{
	const vf_erase_type *e = &p->memory->erase[p->erase_type[at]];
	const uint64_t start = (uint64_t)p->sectors[at].index * p->sector;
	end_run(p);
	add_step(p, VF_PLAN_ERASE, (uint32_t)start, e->size);
	p->plan->erase_bytes += e->size;
	p->plan->erase_us += e->typ_us != 0 ? e->typ_us : e->max_us / UNKNOWN_PART;
}

/* One page of content: joined to the run before it, begins a run, or is all
 * 0xFF and ends one. A run is trimmed to programming units at both ends. */
static void add_page(planner *p, uint32_t offset, const uint8_t *bytes)
{
	const uint32_t page = p->memory->page;
	uint32_t first = 0;
	uint32_t last = page;
	while (first < page && bytes[first] == 0xFF)
		first++;
	if (first == page) {
		end_run(p);
		return;
	}
	while (bytes[last - 1] == 0xFF)
		last--;
	if (p->open && (p->run_page != offset || offset % STEP_MAX == 0))
		end_run(p);
	if (!p->open)
		p->run_start = offset + first / p->memory->unit * p->memory->unit;
	p->open = true;
	p->run_end = offset + (last - 1) / p->memory->unit * p->memory->unit + p->memory->unit;
	p->run_page = offset + page;
}

static void add_programs(planner *p, size_t at)
{
	const uint32_t size = p->sector;
	const uint32_t start = p->sectors[at].index * size;
	uint32_t done = 0;
	do {
		p->content(p->ctx, start + done, p->chunk, p->chunk_len);
		for (uint32_t i = 0; i < p->chunk_len; i += p->memory->page)
			add_page(p, start + done + i, p->chunk + i);
		done += p->chunk_len;
	} while (done < size);
}

/* In address order. The sectors of a larger unit stand together in the list
 * (all of them are in it), so its erase is due at the unit's first sector. */
static void emit(planner *p)
{
	for (size_t i = 0; i < p->count && !p->no_memory; i++) {
		const uint8_t type = p->erase_type[i];
		if (type != NO_ERASE && p->sectors[i].index % sectors_per(p, type) == 0)
			add_erase(p, i);
		if (p->sectors[i].state != VF_SECTOR_SAME)
			add_programs(p, i);
	}
	end_run(p);
}

/* --- the door -------------------------------------------------------------- */

static uint32_t chunk_length(const vf_memory *m)
{
	uint32_t len = m->page > CHUNK_MIN ? m->page : CHUNK_MIN;
	return len < m->erase[0].size ? len : m->erase[0].size;
}

int vf_plan_make(vf_plan *plan, const vf_alloc *alloc, const vf_memory *memory,
		 const vf_plan_sector *sectors, size_t count, vf_plan_content content, void *ctx)
{
	planner p = {.plan = plan,
		     .alloc = alloc,
		     .memory = memory,
		     .sector = memory->erase[0].size,
		     .sectors = sectors,
		     .count = count,
		     .content = content,
		     .ctx = ctx};
	memset(plan, 0, sizeof *plan);
	if (count == 0 || p.sector == 0)
		return VF_OK;
	p.chunk_len = chunk_length(memory);
	p.erase_type = vf_resize(alloc, NULL, count);
	p.chunk = vf_resize(alloc, NULL, p.chunk_len);
	if (p.erase_type == NULL || p.chunk == NULL) {
		p.no_memory = true;
	} else {
		choose_all(&p);
		emit(&p);
	}
	vf_free(alloc, p.erase_type);
	vf_free(alloc, p.chunk);
	if (!p.no_memory)
		return VF_OK;
	vf_plan_free(plan, alloc);
	return VF_E_NOMEM;
}

void vf_plan_free(vf_plan *plan, const vf_alloc *alloc)
{
	vf_free(alloc, plan->steps);
	memset(plan, 0, sizeof *plan);
}
