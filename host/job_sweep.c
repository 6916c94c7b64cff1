/* job_sweep.c - asking the board for the digests of sectors, many at a time. */
#include "job_internal.h"

bool vf_job_equal(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, VF_DIGEST_SIZE) == 0;
}

uint64_t vf_job_count_bytes(const vf_job *j, bool (*wanted)(const vf_job *, const vf_job_sector *))
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count; k++)
			if (wanted(j, &j->area[i].sectors[k]))
				bytes += vf_job_sector_size(&j->area[i]);
	return bytes;
}

/* The next neighbours to ask for; false at the end of all areas. */
static bool next_neighbours(vf_job *j, bool (*wanted)(const vf_job *, const vf_job_sector *),
			    size_t *first, size_t *count)
{
	for (; j->cursor.area < j->areas; j->cursor.area++, j->cursor.at = 0) {
		const vf_job_area *a = &j->area[j->cursor.area];
		size_t at = j->cursor.at;
		while (at < a->count && !wanted(j, &a->sectors[at]))
			at++;
		*first = at;
		while (at < a->count && at - *first < VF_JOB_DIGESTS_MAX &&
		       wanted(j, &a->sectors[at]) &&
		       a->sectors[at].index == a->sectors[*first].index + (at - *first))
			at++;
		j->cursor.at = at;
		*count = at - *first;
		if (*count > 0)
			return true;
	}
	return false;
}

vf_slot *vf_job_digest_slot(vf_job *j, vf_job_area *a, size_t first, size_t count, uint32_t group)
{
	const uint64_t address = vf_job_sector_address(a, &a->sectors[first]);
	vf_slot *s = vf_slot_new(j, VF_MESSAGE_DIGEST, a->index, address,
				 (uint64_t)count * vf_job_sector_size(a),
				 (count + group - 1) / group * VF_DIGEST_SIZE);
	if (s == NULL)
		return NULL;
	s->op.message.group = group;
	s->area = a;
	s->first = first;
	s->count = count;
	return s;
}

bool vf_job_sweep(vf_job *j, bool (*wanted)(const vf_job *, const vf_job_sector *),
		  bool (*take)(vf_job *, vf_job_area *, vf_job_sector *, const uint8_t *))
{
	vf_slot *s;
	size_t first, count;
	while ((s = vf_slot_take(j)) != NULL) {
		bool going = true;
		for (size_t i = 0; i < s->count && going; i++)
			going = take(j, s->area, &s->area->sectors[s->first + i],
				     s->op.answer + i * VF_DIGEST_SIZE);
		j->progress.done += s->op.message.length;
		vf_slot_give(j, s);
		if (!going)
			return true;
	}
	while (j->in_flight < VF_JOB_LOOKING && next_neighbours(j, wanted, &first, &count)) {
		s = vf_job_digest_slot(j, &j->area[j->cursor.area], first, count, 1);
		if (s == NULL || !vf_slot_submit(j, s))
			return j->closing;
	}
	return j->in_flight == 0;
}
