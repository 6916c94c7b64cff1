/* job_plan.c - from what was looked at to a plan for each memory.
 *
 * A larger erase may hit sectors beside the image. Of those nothing is known at
 * first: the planner is told to hope that they are blank. Where its plan relies
 * on that they are looked at, and where they are not blank they are left alone (see
 * at_risk); then it is planned again. So nobody looks where it cannot pay. */
#include "job_internal.h"

enum { TURNAROUNDS = 4 /* learning of so many sectors shares one */ };

typedef struct list {
	vf_job *j;
	vf_job_area *a;
	vf_plan_sector *sectors;
	size_t count, room;
	bool no_memory;
} list;

typedef struct content_of {
	const vf_job_area *area;
	const vf_image *image;
} content_of;

static void content(void *ctx, uint32_t offset, uint8_t *out, uint32_t len)
{
	const content_of *c = ctx;
	vf_job_content(c->area, c->image, offset, out, len);
}

static uint32_t packed(void *ctx, uint32_t offset, uint32_t len)
{
	const content_of *c = ctx;
	(void)offset;
	return (uint32_t)(((uint64_t)len * c->area->packs_to + 1023) / 1024);
}

/* --- what the planner is told --------------------------------------------------- */

static uint32_t learn_us(const list *l, uint8_t known)
{
	const uint32_t size = vf_job_sector_size(l->a);
	const uint64_t us = known == VF_PLAN_UNSEEN ? vf_job_digest_us(l->j, l->a, size)
						    : vf_job_read_us(l->j, size);
	const uint64_t turn = vf_session_stats_get(l->j->session)->round_trip_us / TURNAROUNDS;
	return us + turn < UINT32_MAX ? (uint32_t)(us + turn) : UINT32_MAX;
}

static void put(list *l, vf_plan_sector s)
{
	if (l->count == l->room) {
		const size_t room = l->room == 0 ? l->a->count + 64 : l->room * 2;
		void *sectors = vf_resize(&l->j->alloc, l->sectors, room * sizeof *l->sectors);
		if (sectors == NULL) {
			l->no_memory = true;
			return;
		}
		l->sectors = sectors;
		l->room = room;
	}
	if (s.known != VF_PLAN_KNOWN)
		s.learn_us = learn_us(l, s.known);
	l->sectors[l->count++] = s;
}

/* What was read before planning is still there, if nothing was done to it. */
static const uint8_t *present(const vf_job *j, const vf_job_sector *s)
{
	const unsigned spoiled = VF_JOB_WRITTEN | VF_JOB_SUSPECT | VF_JOB_FAILED;
	if (j->config.full || (s->flags & VF_JOB_KEPT) == 0 || (s->flags & spoiled) != 0)
		return NULL;
	return s->keep;
}

/* Between an erase and their return, bytes that no file names are with the host
 * alone. Where that is his memory, or a file that without a journal cannot be told
 * for certain from something older, a sector that has some and is right as it is
 * gets no share in a larger erase, however much faster that is. */
static bool at_risk(const vf_job *j, const vf_job_sector *s)
{
	if (vf_job_keeps(j) && vf_job_has_journal(j))
		return false;
	return s->state == VF_SECTOR_SAME && (s->flags & VF_JOB_BLANK) == 0 &&
	       (s->covered == 0 || vf_job_unknown_rest(j, s) || s->keep != NULL);
}

/* Torn cells beside the image, of which nobody knows what they held: what they read as now
 * must not become what they hold for good. What this job itself erased it had looked at before. */
static bool torn_beside(const vf_job_sector *s)
{
	return s->covered == 0 && s->record == 0 && (s->flags & VF_JOB_FAILED) != 0 && !s->begun;
}

static void put_mapped(list *l, const vf_job_sector *s)
{
	if (at_risk(l->j, s) || torn_beside(s))
		return;
	vf_plan_sector p = {.index = s->index, .state = s->state};
	if (s->state == VF_JOB_UNSEEN) {
		p.state = VF_SECTOR_SAME;
		p.known = VF_PLAN_UNSEEN;
	} else if (s->state == VF_SECTOR_SAME && vf_job_unknown_rest(l->j, s)) {
		p.known = VF_PLAN_UNREAD;
	} else if (s->state == VF_SECTOR_DIRTY) {
		p.present = present(l->j, s);
	}
	put(l, p);
}

/* --- units ------------------------------------------------------------------------ */

static bool is_protected(const vf_memory *m, uint64_t from, uint64_t to)
{
	for (unsigned i = 0; i < m->protects; i++) {
		const uint64_t start = m->protect[i].offset;
		if (m->protect[i].len != 0 && from < start + m->protect[i].len && start < to)
			return true;
	}
	return false;
}

/* Could erasing all of the unit pay, if what is unknown of it were blank? */
static bool may_pay(const list *l, unsigned type, size_t from, size_t to)
{
	const vf_memory *m = l->a->memory;
	const vf_erase_type *e = &m->erase[type];
	const uint64_t start =
		(uint64_t)l->a->sectors[from].index * m->erase[0].size / e->size * e->size;
	uint64_t dirty = 0;
	if (e->typ_us == 0 || is_protected(m, start, start + e->size))
		return false;
	for (size_t i = from; i < to; i++)
		dirty += l->a->sectors[i].state == VF_SECTOR_DIRTY;
	return dirty * vf_plan_erase_us(m, 0) > e->typ_us;
}

static void put_unit(list *l, unsigned type, size_t from, size_t to)
{
	const vf_job_sector *s = l->a->sectors;
	const uint32_t per = l->a->memory->erase[type].size / vf_job_sector_size(l->a);
	const uint32_t start = s[from].index / per * per;
	for (uint32_t i = start; i < start + per && !l->no_memory; i++) {
		if (from < to && s[from].index == i)
			put_mapped(l, &s[from++]);
		else
			put(l, (vf_plan_sector){.index = i, .known = VF_PLAN_UNSEEN});
	}
}

/* Lists the sectors [from, to) of the map, and what is missing of their units. */
static void put_units(list *l, unsigned type, size_t from, size_t to)
{
	const vf_job_sector *s = l->a->sectors;
	const uint32_t per = l->a->memory->erase[type].size / vf_job_sector_size(l->a);
	for (size_t i = from, end; i < to && !l->no_memory; i = end) {
		for (end = i + 1; end < to && s[end].index / per == s[i].index / per; end++) {
		}
		if (type == 0)
			put_mapped(l, &s[i]);
		else if (end - i == per || may_pay(l, type, i, end))
			put_unit(l, type, i, end);
		else
			put_units(l, type - 1, i, end);
	}
}

/* As if nothing was compressed; again, if the link is what limits that. */
static int plan_list(vf_job *j, vf_job_area *a, const list *l)
{
	content_of c = {.area = a, .image = j->image};
	vf_plan_source source = {.ctx = &c,
				 .content = content,
				 .link_rate = j->link_rate,
				 .ahead = j->board.welcome.window};
	int status = vf_plan_make(&a->plan, &j->alloc, a->memory, l->sectors, l->count, &source);
	const uint64_t chip = a->plan.erase_us + a->plan.program_us;
	if (status != VF_OK || a->plan.link_us <= chip || vf_job_packs_to(j, a) >= 1024)
		return status;
	source.packed = packed;
	vf_plan_free(&a->plan, &j->alloc);
	return vf_plan_make(&a->plan, &j->alloc, a->memory, l->sectors, l->count, &source);
}

static int plan_area(vf_job *j, vf_job_area *a)
{
	list l = {.j = j, .a = a};
	vf_plan_free(&a->plan, &j->alloc);
	a->step = 0;
	a->step_done = 0;
	for (size_t i = 0; i < a->count; i++)
		a->sectors[i].flags &= (uint8_t)~VF_JOB_WANTED;
	put_units(&l, a->memory->erase_types - 1u, 0, a->count);
	const int status = l.no_memory ? VF_E_NOMEM : plan_list(j, a, &l);
	vf_free(&j->alloc, l.sectors);
	return status;
}

/* --- what the plan relies on --------------------------------------------------------- */

typedef struct reliance {
	bool unseen, unread;
} reliance;

static void rely(const vf_job *j, vf_job_sector *s, reliance *r)
{
	const bool unseen = s->state == VF_JOB_UNSEEN;
	const bool unread = !unseen && vf_job_unknown_rest(j, s);
	if (unseen || unread)
		s->flags |= VF_JOB_WANTED;
	r->unseen = r->unseen || unseen;
	r->unread = r->unread || unread;
}

static int rely_on_plan(vf_job *j, vf_job_area *a, reliance *r)
{
	const uint32_t size = vf_job_sector_size(a);
	for (size_t i = 0; i < a->plan.count; i++) {
		const vf_plan_step *step = &a->plan.steps[i];
		const uint32_t first = step->offset / size;
		if (step->kind != VF_PLAN_ERASE)
			continue;
		if (vf_job_map_add(j, a, first, step->len / size) != VF_OK)
			return VF_E_NOMEM;
		vf_job_set_flag_torn(j);
		for (size_t k = vf_job_sector_find(a, first);
		     k < a->count && a->sectors[k].index - first < step->len / size; k++)
			rely(j, &a->sectors[k], r);
	}
	return VF_OK;
}

/* --- the state ------------------------------------------------------------------------ */

/* What was right already, when the job came. */
static void count_same(vf_job *j)
{
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count; k++)
			if (j->area[i].sectors[k].state == VF_SECTOR_SAME)
				j->result.same_bytes += j->area[i].sectors[k].covered;
}

static void tell(vf_job *j)
{
	count_same(j);
	if (j->config.call.plan == NULL)
		return;
	for (size_t i = 0; i < j->areas; i++) {
		const vf_job_plan d = vf_job_describe(j, &j->area[i]);
		j->config.call.plan(j->config.call.ctx, &d, &j->board);
	}
}

static bool carry_out(vf_job *j)
{
	uint64_t steps = 0, program = 0, erase = 0;
	for (size_t i = 0; i < j->areas; i++) {
		const vf_plan *plan = &j->area[i].plan;
		steps += plan->count;
		program += plan->program_bytes;
		erase += plan->erase_bytes;
	}
	/* Less is left than ever before: what came in between counts no more. */
	if (!j->planned || program + erase < j->left_least) {
		j->left_least = program + erase;
		j->restarts = 0;
	}
	if (!j->planned)
		tell(j);
	if (!j->planned && steps == 0)
		j->result.nothing_to_do = true;
	j->planned = true;
	j->full_pending = false;
	if (j->config.dry_run)
		return vf_job_leave(j);
	if (program > 0)
		return vf_job_go(j, vf_job_write, VF_PHASE_PROGRAM, program);
	return vf_job_go(j, vf_job_write, VF_PHASE_ERASE, erase);
}

bool vf_job_plan_all(vf_job *j)
{
	reliance r = {false, false};
	for (size_t i = 0; i < j->areas; i++)
		if (plan_area(j, &j->area[i]) != VF_OK || rely_on_plan(j, &j->area[i], &r) != VF_OK)
			return vf_job_no_memory(j);
	if (r.unseen)
		return vf_job_begin_look_around(j);
	if (r.unread && !j->config.dry_run)
		return vf_job_begin_keep(j);
	return carry_out(j);
}
