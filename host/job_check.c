/* job_check.c - does the chip hold what it should? By digests of every sector
 * that any attempt of this job wrote or erased, asked for when the last change of
 * their memory is on its way: a check before that would miss what a later change
 * spoils, as on a chip with a stuck address line. The questions are queued behind
 * the changes, so that no turnaround lies between. What differs is written once
 * more; what differs again is read, to say how. */
#include "job_internal.h"

/* --- asking ---------------------------------------------------------------- */

static void mark_steps(vf_job_area *a)
{
	const uint32_t size = vf_job_sector_size(a);
	for (size_t i = 0; i < a->plan.count; i++) {
		const vf_plan_step *step = &a->plan.steps[i];
		const uint64_t end = (uint64_t)step->offset + step->len;
		for (size_t k = vf_job_sector_find(a, step->offset / size);
		     k < a->count && (uint64_t)a->sectors[k].index * size < end; k++)
			a->sectors[k].check = true;
	}
}

/* A new plan begins. */
void vf_job_check_prepare(vf_job *j)
{
	j->check_failed = j->check_hopeless = false;
	j->check_bytes = j->checked_bytes = 0;
	for (size_t i = 0; i < j->areas; i++) {
		vf_job_area *a = &j->area[i];
		a->check = 0;
		for (size_t k = 0; k < a->count; k++)
			a->sectors[k].check = (a->sectors[k].flags & VF_JOB_WRITTEN) != 0;
		mark_steps(a);
		for (size_t k = 0; k < a->count; k++)
			if (a->sectors[k].check)
				j->check_bytes += vf_job_sector_size(a);
	}
}

bool vf_job_check_next(vf_job_area *a, size_t *first, size_t *count)
{
	if (a->step < a->plan.count)
		return false;
	while (a->check < a->count && !a->sectors[a->check].check)
		a->check++;
	size_t at = a->check;
	while (at < a->count && at - a->check < VF_JOB_DIGESTS_MAX && a->sectors[at].check &&
	       a->sectors[at].index == a->sectors[a->check].index + (at - a->check))
		at++;
	*first = a->check;
	*count = at - a->check;
	return *count > 0;
}

bool vf_job_check_submit(vf_job *j, vf_job_area *a, size_t first, size_t count)
{
	vf_slot *s = vf_job_digest_slot(j, a, first, count, 1);
	a->check = first + count;
	return s != NULL && vf_slot_submit(j, s);
}

/* --- answers --------------------------------------------------------------- */

static bool check_take(vf_job *j, vf_job_area *a, vf_job_sector *s, const uint8_t *digest)
{
	uint8_t expected[VF_DIGEST_SIZE];
	if (vf_job_expect(j, a, s, expected) != VF_OK)
		return !vf_job_no_memory(j);
	memcpy(s->digest, digest, VF_DIGEST_SIZE);
	s->flags &= (uint8_t)~VF_JOB_BLANK;
	s->state = VF_SECTOR_SAME;
	if (vf_job_equal(expected, digest)) {
		s->begun = false;
		return true;
	}
	s->state = VF_SECTOR_DIRTY;
	if ((s->flags & VF_JOB_SCARRED) != 0 && !j->check_hopeless) {
		j->check_hopeless = true;
		j->wrong = (vf_job_cursor){.area = (size_t)(a - j->area),
					   .at = (size_t)(s - a->sectors)};
	}
	s->flags |= VF_JOB_SCARRED | VF_JOB_FAILED;
	j->check_failed = true;
	return true;
}

/* The board's digests of a stretch. */
bool vf_job_check_take(vf_job *j, const vf_slot *s)
{
	bool going = true;
	for (size_t i = 0; i < s->count && going; i++)
		going = check_take(j, s->area, &s->area->sectors[s->first + i],
				   s->op.answer + i * VF_DIGEST_SIZE);
	j->checked_bytes += s->op.message.length;
	return going;
}

/* All of it was asked and answered. */
bool vf_job_check_verdict(vf_job *j)
{
	if (!vf_job_twins_agree(j))
		return vf_job_leave(j);
	if (j->check_hopeless || (j->check_failed && j->result.attempts >= VF_JOB_ATTEMPTS)) {
		j->wrong_from = 0;
		j->wrong_to = vf_job_sector_size(&j->area[j->wrong.area]);
		return vf_job_diagnose_begin(j);
	}
	if (!j->check_failed)
		return vf_job_after_check(j);
	j->result.attempts++;
	vf_job_note(j, "what was written reads back differently: writing it once more");
	return vf_job_go(j, vf_job_plan_all, VF_PHASE_PROGRAM, 0);
}
