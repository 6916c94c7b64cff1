/* job_probe.c - sectors that the image covers only in part have no digest that
 * could be expected. Where the covered part is a few runs, SHA-256 of each tells
 * for some bytes on the line whether it is right already; what is not, or is in
 * too many pieces, has to be read. */
#include "job_internal.h"

static bool to_probe(const vf_job *j, const vf_job_sector *s)
{
	if (j->full_pending)
		return false;
	/* What this job has changed was kept before, and is judged by its digest. */
	if (j->config.kind == VF_JOB_VERIFY)
		return (s->flags & VF_JOB_PARTIAL) != 0 && s->state != VF_SECTOR_SAME;
	/* What failed, or is torn, is written anew whatever it reads as. */
	return vf_job_unknown_rest(j, s) && !vf_job_keep_pending(s) &&
	       (s->flags & VF_JOB_FAILED) == 0;
}

/* The next run of covered bytes in [from, end). */
static bool next_run(const vf_image *image, uint64_t from, uint64_t end, uint64_t *start,
		     uint64_t *stop)
{
	size_t i = vf_image_find(image, (uint32_t)from);
	if (from >= end || i >= image->segment_count || image->segments[i].addr >= end)
		return false;
	*start = image->segments[i].addr > from ? image->segments[i].addr : from;
	*stop = *start;
	for (; i < image->segment_count && image->segments[i].addr <= *stop && *stop < end; i++) {
		const uint64_t s_end = (uint64_t)image->segments[i].addr + image->segments[i].len;
		*stop = s_end < end ? s_end : end;
	}
	return true;
}

static bool few_runs(const vf_job *j, uint64_t from, uint64_t end)
{
	uint64_t start;
	unsigned runs = 0;
	while (runs <= VF_JOB_PROBES && next_run(j->image, from, end, &start, &from))
		runs++;
	return runs <= VF_JOB_PROBES;
}

static bool ask(vf_job *j, vf_job_area *a, size_t at, uint64_t start, uint64_t stop)
{
	vf_slot *s =
		vf_slot_new(j, VF_MESSAGE_SHA256, a->index, start, stop - start, VF_SHA256_SIZE);
	if (s == NULL)
		return false;
	s->area = a;
	s->first = at;
	return vf_slot_submit(j, s);
}

/* Asks for the next run of the sector at the cursor, or passes on to the next
 * sector. A sector counts as right until one of its runs is not. */
static bool ask_next(vf_job *j, vf_job_area *a)
{
	vf_job_cursor *c = &j->cursor;
	vf_job_sector *s = &a->sectors[c->at];
	const uint64_t sector = vf_job_sector_address(a, s);
	const uint64_t end = sector + vf_job_sector_size(a);
	uint64_t start, stop;
	const bool begins = c->byte == 0;
	if ((begins && !few_runs(j, sector, end)) ||
	    !next_run(j->image, sector + c->byte, end, &start, &stop)) {
		c->at++;
		c->byte = 0;
		return true;
	}
	if (begins)
		s->state = VF_SECTOR_SAME;
	c->byte = stop - sector;
	return ask(j, a, c->at, start, stop);
}

static bool next(vf_job *j)
{
	vf_job_cursor *c = &j->cursor;
	for (; c->area < j->areas; c->area++, c->at = 0) {
		vf_job_area *a = &j->area[c->area];
		while (c->byte == 0 && c->at < a->count && !to_probe(j, &a->sectors[c->at]))
			c->at++;
		if (c->at < a->count)
			return ask_next(j, a);
	}
	return false;
}

static void take(vf_job *j, const vf_slot *s)
{
	uint8_t hash[VF_SHA256_SIZE];
	vf_job_image_hash(j, s->op.message.address, s->op.message.length, hash);
	if (memcmp(hash, s->op.answer, sizeof hash) != 0)
		s->area->sectors[s->first].state = VF_SECTOR_DIRTY;
	j->progress.done += s->op.message.length;
}

bool vf_job_begin_probe(vf_job *j)
{
	return vf_job_go(j, vf_job_probe, VF_PHASE_COMPARE, 0);
}

bool vf_job_probe(vf_job *j)
{
	vf_slot *s;
	while ((s = vf_slot_take(j)) != NULL) {
		take(j, s);
		vf_slot_give(j, s);
	}
	while (j->in_flight < VF_JOB_LOOKING && next(j)) {
	}
	if (j->closing)
		return true;
	if (j->in_flight > 0)
		return false;
	return j->config.kind == VF_JOB_VERIFY ? vf_job_verify_begin(j) : vf_job_begin_keep(j);
}
