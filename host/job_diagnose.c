/* job_diagnose.c - a place was written twice and is wrong both times: it is read, to
 * say how. For a mismatch that the board itself reported that takes a session of its
 * own, for the one that failed is over; whatever happens then, the board's report
 * stands. */
#include "job_internal.h"

bool vf_job_diagnose_begin(vf_job *j)
{
	vf_compare_begin(&j->compare, j->area[j->wrong.area].memory->page);
	j->compare.m.written = true;
	vf_job_go(j, vf_job_diagnose, VF_PHASE_VERIFY, 0);
	j->cursor.byte = j->wrong_from;
	return true;
}

bool vf_job_read_up(vf_job *j, const vf_failure *f)
{
	for (size_t i = 0; i < j->areas; i++) {
		vf_job_area *a = &j->area[i];
		const uint32_t size = vf_job_sector_size(a);
		const uint32_t page = a->memory->page < size ? a->memory->page : size;
		const uint64_t offset = (uint64_t)f->address - a->memory->base;
		const size_t at = vf_job_sector_find(a, offset / size);
		if (a->index != f->memory || f->address < a->memory->base || at == a->count ||
		    a->sectors[at].index != offset / size)
			continue;
		j->wrong = (vf_job_cursor){.area = i, .at = at};
		j->wrong_from = (uint32_t)(offset % size) / page * page;
		j->wrong_to = j->wrong_from + page;
		j->diagnosing = true;
		return true;
	}
	return false;
}

static void say_wrong(vf_job *j, const vf_job_area *a)
{
	vf_compare_end(&j->compare, j->image);
	const vf_mismatch *m = &j->compare.m;
	j->result.mismatch = *m;
	j->result.mismatch.sectors = 1;
	j->result.has_failure = true;
	j->result.failure = (vf_failure){.code = VF_FAIL_MISMATCH,
					 .memory = a->index,
					 .expected = m->expected,
					 .found = m->found,
					 .address = m->address,
					 .count = (uint32_t)m->count};
	(void)vf_fail(&j->result.error, VF_E_FLASH,
		      "%s at 0x%08x holds 0x%02x where 0x%02x was written, twice; %llu of %u bytes "
		      "differ: %s; %s",
		      a->memory->name, m->address, m->found, m->expected,
		      (unsigned long long)m->count, j->wrong_to - j->wrong_from,
		      vf_mismatch_cause(m), vf_mismatch_next(m));
}

static bool all_read(vf_job *j, const vf_job_area *a, uint64_t sector)
{
	if (j->compare.m.count > 0)
		say_wrong(j, a);
	else if (!j->diagnosing)
		(void)vf_fail(&j->result.error, VF_E_FLASH,
			      "%s at 0x%08llx reads differently each time: check clock, supply and "
			      "wiring of the flash",
			      a->memory->name, (unsigned long long)sector);
	return vf_job_leave(j);
}

bool vf_job_diagnose(vf_job *j)
{
	vf_job_area *a = &j->area[j->wrong.area];
	const uint64_t sector = vf_job_sector_address(a, &a->sectors[j->wrong.at]);
	vf_slot *s;
	while ((s = vf_slot_take(j)) != NULL) {
		const uint32_t len = s->op.message.length;
		const bool room = vf_job_scratch(j, len);
		if (room) {
			vf_job_content(a, j->image, s->op.message.address - a->memory->base,
				       j->scratch, len);
			(void)vf_compare_bytes(&j->compare, s->op.message.address, j->scratch,
					       s->op.answer, len);
		}
		vf_slot_give(j, s);
		if (!room)
			return vf_job_no_memory(j);
	}
	if (j->in_flight > 0)
		return false;
	const uint32_t from = (uint32_t)j->cursor.byte;
	if (from >= j->wrong_to)
		return all_read(j, a, sector);
	const uint32_t left = j->wrong_to - from;
	const uint32_t len = left < VF_JOB_PIECE ? left : VF_JOB_PIECE;
	s = vf_slot_new(j, VF_MESSAGE_READ, a->index, sector + from, len, len);
	if (s == NULL)
		return true;
	j->cursor.byte += len;
	return !vf_slot_submit(j, s) && j->closing;
}
