/* job_plan.c - from what was looked at to a plan for each memory, and what it
 * will take. */
#include "job_internal.h"

enum { ASSUMED_RATE = 500000 /* bytes a second, where the link was not measured */ };

typedef struct content_of {
	const vf_job_area *area;
	const vf_image *image;
} content_of;

static void content(void *ctx, uint32_t offset, uint8_t *out, uint32_t len)
{
	const content_of *c = ctx;
	vf_job_content(c->area, c->image, offset, out, len);
}

static int plan_area(vf_job *j, vf_job_area *a)
{
	content_of c = {.area = a, .image = j->image};
	vf_plan_free(&a->plan, &j->alloc);
	a->step = 0;
	a->step_done = 0;
	vf_plan_sector *list = vf_resize(&j->alloc, NULL, a->count * sizeof *list);
	if (list == NULL)
		return VF_E_NOMEM;
	for (size_t i = 0; i < a->count; i++)
		list[i] = (vf_plan_sector){.index = a->sectors[i].index,
					   .state = a->sectors[i].state};
	int status = vf_plan_make(&a->plan, &j->alloc, a->memory, list, a->count, content, &c);
	vf_free(&j->alloc, list);
	return status;
}

/* Messages of the steps as vf_job_write cuts them. */
static uint64_t link_bytes(const vf_plan *plan)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < plan->count; i++) {
		const vf_plan_step *s = &plan->steps[i];
		bytes += VF_WIRE_MESSAGE_HEADER;
		if (s->kind != VF_PLAN_PROGRAM)
			continue;
		const uint32_t cuts =
			(s->offset + s->len - 1) / VF_JOB_PIECE - s->offset / VF_JOB_PIECE;
		bytes += s->len + (uint64_t)cuts * VF_WIRE_MESSAGE_HEADER;
	}
	return bytes;
}

static vf_job_plan describe(const vf_job *j, const vf_job_area *a)
{
	vf_job_plan d = {.memory = a->index, .plan = &a->plan};
	const uint64_t rate = j->link_rate != 0 ? j->link_rate : ASSUMED_RATE;
	const uint64_t chip = a->plan.erase_us + a->plan.program_us;
	for (size_t i = 0; i < a->count; i++) {
		const vf_job_sector *s = &a->sectors[i];
		d.sectors_same += s->state == VF_SECTOR_SAME;
		d.sectors_blank += s->state == VF_SECTOR_BLANK;
		d.sectors_dirty += s->state == VF_SECTOR_DIRTY;
		if (s->state == VF_SECTOR_DIRTY && s->keep != NULL)
			d.keep_bytes += vf_job_sector_size(a) - s->covered;
	}
	d.link_bytes = link_bytes(&a->plan);
	const uint64_t link = d.link_bytes * 1000000 / rate;
	d.estimate_us = chip > link ? chip : link;
	if (a->memory->read_rate != 0) /* the check afterwards */
		d.estimate_us += (uint64_t)(d.sectors_blank + d.sectors_dirty) *
				 vf_job_sector_size(a) * 1000000 / a->memory->read_rate;
	return d;
}

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
		const vf_job_plan d = describe(j, &j->area[i]);
		j->config.call.plan(j->config.call.ctx, &d, &j->board);
	}
}

bool vf_job_plan_all(vf_job *j)
{
	uint64_t steps = 0, program = 0, erase = 0;
	for (size_t i = 0; i < j->areas; i++) {
		vf_plan *plan = &j->area[i].plan;
		if (plan_area(j, &j->area[i]) != VF_OK)
			return vf_job_no_memory(j);
		steps += plan->count;
		program += plan->program_bytes;
		erase += plan->erase_bytes;
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
