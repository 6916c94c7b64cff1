/* job_estimate.c - how long things are expected to take: by the chip's typical
 * times, the link as measured, and the board's digests as they went so far. */
#include "job_internal.h"

enum {
	ASSUMED_DIGESTS = 20000000, /* of digests, bytes a second, where none were made */
};

uint64_t vf_job_read_us(const vf_job *j, uint64_t bytes)
{
	return bytes * 1000000 / vf_job_link_rate(j);
}

uint64_t vf_job_digest_us(const vf_job *j, const vf_job_area *a, uint64_t bytes)
{
	if (j->look_bytes != 0)
		return bytes * j->look_us / j->look_bytes;
	const uint32_t reads = a->memory->read_rate;
	return bytes * 1000000 / (reads != 0 && reads < ASSUMED_DIGESTS ? reads : ASSUMED_DIGESTS);
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

static void count(const vf_job_area *a, vf_job_plan *d)
{
	for (size_t i = 0; i < a->count; i++) {
		const vf_job_sector *s = &a->sectors[i];
		if (s->covered == 0)
			continue;
		d->sectors_same += s->state == VF_SECTOR_SAME;
		d->sectors_blank += s->state == VF_SECTOR_BLANK;
		d->sectors_dirty += s->state == VF_SECTOR_DIRTY;
	}
}

/* Bytes beside the image inside what is erased. */
static uint64_t keep_bytes(const vf_job_area *a)
{
	const uint32_t size = vf_job_sector_size(a);
	uint64_t bytes = 0;
	for (size_t i = 0; i < a->plan.count; i++) {
		const vf_plan_step *step = &a->plan.steps[i];
		const uint64_t end = ((uint64_t)step->offset + step->len) / size;
		if (step->kind != VF_PLAN_ERASE)
			continue;
		for (size_t k = vf_job_sector_find(a, step->offset / size);
		     k < a->count && a->sectors[k].index < end; k++) {
			const vf_job_sector *s = &a->sectors[k];
			if (s->keep != NULL || (s->flags & VF_JOB_WANTED) != 0)
				bytes += size - s->covered;
		}
	}
	return bytes;
}

/* What was done so far, what is left to read, the work itself, the check of all that
 * it changed, and a good-bye. */
static uint64_t estimate_us(const vf_job *j, const vf_job_area *a, uint64_t bytes)
{
	const uint64_t turn = vf_session_stats_get(j->session)->round_trip_us;
	const uint64_t chip = a->plan.erase_us + a->plan.program_us;
	const uint64_t link = bytes * 1000000 / vf_job_link_rate(j) + a->plan.stall_us;
	const uint64_t check = vf_job_digest_us(j, a, a->plan.changed_bytes);
	const uint64_t us = j->now - j->began + turn;
	if (a->plan.count == 0)
		return us;
	return us + a->plan.learn_us + (chip > link ? chip : link) + check + turn;
}

vf_job_plan vf_job_describe(const vf_job *j, const vf_job_area *a)
{
	vf_job_plan d = {.memory = a->index, .plan = &a->plan};
	count(a, &d);
	d.keep_bytes = keep_bytes(a);
	d.link_bytes = link_bytes(&a->plan);
	if (a->packs_to != 0 && vf_job_pack_wanted(j))
		d.link_bytes = d.link_bytes * a->packs_to / 1024;
	d.estimate_us = estimate_us(j, a, d.link_bytes);
	return d;
}
