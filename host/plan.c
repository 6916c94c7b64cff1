/* plan.c - the planner's door, and the steps: what was chosen becomes runs of
 * pages and erases, in the order in which the link waits least for the chip and
 * the chip for the link.
 *
 * Programs that wait for no erase come first, then those behind erases, both in
 * address order; the erases are spread evenly among all of them, the first at
 * the very beginning. So the chip erases while data arrive, whatever the share
 * of the two, and no erase comes after what is to be programmed in its unit. */
#include "plan_internal.h"

enum {
	STEP_MAX = 64 * 1024, /* longest program step */
	CHUNK_MIN = 4 * 1024, /* content is asked for in pieces of at least this */
};

/* Steps while they are made: programs and erases apart. */
typedef struct steps {
	vf_planner *p;
	vf_plan_step *erases, *programs;
	size_t erase_count, erase_room, program_count, program_room;
	size_t *after; /* for each program: how many erases must stand before it */
	size_t after_room;
	uint32_t run, run_end;      /* pages being joined; empty: none */
	size_t run_first, run_last; /* leaves of its ends */
} steps;

/* --- runs of pages ------------------------------------------------------------- */

static void add(steps *s, vf_plan_step **list, size_t *count, size_t *room, vf_plan_step step)
{
	void *array = *list;
	if (!vf_plan_room(s->p, &array, room, *count + 1, sizeof step))
		return;
	*list = array;
	(*list)[(*count)++] = step;
}

/* What a page holds before it is programmed; NULL: nothing but 0xFF. */
static const uint8_t *page_before(const vf_planner *p, size_t at, uint32_t offset)
{
	const vf_plan_sector *s = &p->sectors[at];
	if (p->leaves[at].type != VF_PLAN_LEAVE || s->state != VF_SECTOR_DIRTY)
		return NULL;
	return s->present + (offset - s->index * p->sector);
}

static bool changes(const uint8_t *before, const uint8_t *want, uint32_t i)
{
	return want[i] != (before != NULL ? before[i] : 0xFF);
}

/* A run is trimmed to programming units at both ends. */
static void trim(steps *s, vf_plan_step *run)
{
	const vf_planner *p = s->p;
	const uint32_t unit = p->memory->unit;
	uint32_t first = 0;
	uint32_t last = p->page;
	if (p->sectors[s->run_first].known == VF_PLAN_KNOWN) {
		const uint8_t *before = page_before(p, s->run_first, s->run);
		p->source->content(p->source->ctx, s->run, p->chunk, p->page);
		while (first < p->page - 1 && !changes(before, p->chunk, first))
			first++;
	}
	if (p->sectors[s->run_last].known == VF_PLAN_KNOWN) {
		const uint32_t offset = s->run_end - p->page;
		const uint8_t *before = page_before(p, s->run_last, offset);
		p->source->content(p->source->ctx, offset, p->chunk, p->page);
		while (last > 1 && !changes(before, p->chunk, last - 1))
			last--;
	}
	run->offset = s->run + first / unit * unit;
	run->len = s->run_end - p->page + (last + unit - 1) / unit * unit - run->offset;
}

static void end_run(steps *s)
{
	vf_plan *plan = s->p->plan;
	vf_plan_step run = {.kind = VF_PLAN_PROGRAM};
	if (s->run == s->run_end)
		return;
	trim(s, &run);
	void *after = s->after;
	if (vf_plan_room(s->p, &after, &s->after_room, s->program_count + 1, sizeof *s->after)) {
		s->after = after;
		s->after[s->program_count] =
			s->p->leaves[s->run_first].type == VF_PLAN_LEAVE ? 0 : s->erase_count;
		add(s, &s->programs, &s->program_count, &s->program_room, run);
	}
	plan->program_bytes += run.len;
	plan->program_us += (uint64_t)(s->run_end - s->run) / s->p->page * s->p->page_us;
	s->run = s->run_end = 0;
}

static void add_page(steps *s, size_t at, uint32_t offset)
{
	if (s->run != s->run_end && (s->run_end != offset || offset % STEP_MAX == 0))
		end_run(s);
	if (s->run == s->run_end) {
		s->run = offset;
		s->run_first = at;
	}
	s->run_end = offset + s->p->page;
	s->run_last = at;
}

static void add_pages(steps *s, size_t at)
{
	const vf_planner *p = s->p;
	const vf_plan_leaf *leaf = &p->leaves[at];
	const bool left = leaf->type == VF_PLAN_LEAVE;
	const uint32_t start = p->sectors[at].index * p->sector;
	const bool all = !left && p->sectors[at].known == VF_PLAN_UNREAD;
	bool changed = !left;
	for (uint32_t i = 0; i < p->pages; i++) {
		if (!all && !vf_plan_bit(p, left ? leaf->leave_map : leaf->erased_map, i))
			continue;
		add_page(s, at, start + i * p->page);
		changed = true;
	}
	p->plan->changed_bytes += changed ? p->sector : 0;
}

/* --- order ----------------------------------------------------------------------- */

static void add_erase(steps *s, size_t at)
{
	vf_planner *p = s->p;
	const vf_erase_type *e = &p->memory->erase[p->leaves[at].type];
	end_run(s);
	add(s, &s->erases, &s->erase_count, &s->erase_room,
	    (vf_plan_step){.kind = VF_PLAN_ERASE,
			   .offset = p->sectors[at].index * p->sector,
			   .len = e->size});
	p->plan->erase_bytes += e->size;
	p->plan->erase_us += vf_plan_erase_us(p->memory, p->leaves[at].type);
	if (p->leaves[at].type > 0)
		p->plan->stall_us += vf_plan_stall_us(p, p->leaves[at].type);
}

/* The sectors of a unit stand together in the list (all of them are in it), so
 * its erase is due at its first sector. */
static void collect(steps *s)
{
	vf_planner *p = s->p;
	for (size_t i = 0; i < p->count && !p->no_memory; i++)
		if (p->leaves[i].type == VF_PLAN_LEAVE)
			add_pages(s, i);
	end_run(s);
	for (size_t i = 0; i < p->count && !p->no_memory; i++) {
		const uint8_t type = p->leaves[i].type;
		if (type == VF_PLAN_LEAVE)
			continue;
		if (p->sectors[i].index % vf_plan_sectors_per(p, type) == 0)
			add_erase(s, i);
		if (p->sectors[i].known != VF_PLAN_KNOWN)
			p->plan->learn_us += p->sectors[i].learn_us;
		add_pages(s, i);
	}
	end_run(s);
}

static void arrange(steps *s)
{
	vf_plan *plan = s->p->plan;
	vf_plan_step *out =
		vf_resize(s->p->alloc, NULL, (s->erase_count + s->program_count + 1) * sizeof *out);
	uint64_t done = 0;
	size_t e = 0;
	s->p->no_memory = s->p->no_memory || out == NULL;
	plan->steps = out;
	if (s->p->no_memory)
		return;
	for (size_t i = 0; i < s->program_count; i++) {
		while (e < s->erase_count &&
		       (e < s->after[i] || e * plan->program_bytes <= done * s->erase_count))
			out[plan->count++] = s->erases[e++];
		out[plan->count++] = s->programs[i];
		done += s->programs[i].len;
	}
	while (e < s->erase_count)
		out[plan->count++] = s->erases[e++];
}

static void make_steps(vf_planner *p)
{
	steps s = {.p = p};
	collect(&s);
	arrange(&s);
	vf_free(p->alloc, s.erases);
	vf_free(p->alloc, s.programs);
	vf_free(p->alloc, s.after);
}

/* --- the door ---------------------------------------------------------------------- */

static bool prepare(vf_planner *p)
{
	const vf_memory *m = p->memory;
	p->sector = m->erase[0].size;
	p->page = m->page < p->sector ? m->page : p->sector;
	p->pages = p->sector / p->page;
	p->page_us = vf_plan_page_us(m);
	p->chunk_len = p->page > CHUNK_MIN ? p->page : CHUNK_MIN;
	if (p->chunk_len > p->sector)
		p->chunk_len = p->sector;
	p->leaves = vf_resize(p->alloc, NULL, p->count * sizeof *p->leaves);
	p->chunk = vf_resize(p->alloc, NULL, p->chunk_len);
	p->no_memory = p->leaves == NULL || p->chunk == NULL;
	for (size_t i = 0; i < p->count && !p->no_memory; i++)
		p->leaves[i] = (vf_plan_leaf){.leave_map = VF_PLAN_NONE,
					      .erased_map = VF_PLAN_NONE,
					      .type = VF_PLAN_LEAVE};
	return !p->no_memory;
}

/* The link's time as it was weighed: sector by sector. */
static uint64_t link_time(const vf_planner *p)
{
	uint64_t us = 0;
	for (size_t i = 0; i < p->count; i++) {
		const vf_plan_leaf *leaf = &p->leaves[i];
		us += leaf->type == VF_PLAN_LEAVE ? leaf->leave.link : leaf->erased.link;
	}
	return us;
}

int vf_plan_make(vf_plan *plan, const vf_alloc *alloc, const vf_memory *memory,
		 const vf_plan_sector *sectors, size_t count, const vf_plan_source *source)
{
	vf_planner p = {.plan = plan,
			.alloc = alloc,
			.memory = memory,
			.source = source,
			.sectors = sectors,
			.count = count};
	memset(plan, 0, sizeof *plan);
	if (count == 0 || memory->erase[0].size == 0)
		return VF_OK;
	if (prepare(&p))
		vf_plan_choose(&p);
	if (!p.no_memory)
		make_steps(&p);
	plan->link_us = p.no_memory ? 0 : link_time(&p) - plan->learn_us;
	vf_free(alloc, p.leaves);
	vf_free(alloc, p.maps);
	vf_free(alloc, p.chunk);
	vf_free(alloc, p.nodes);
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
