/* job_write.c - carrying out the plans of all memories at once, and the check
 * that the chip holds it afterwards, by digests of every sector that any
 * attempt of this job wrote or erased. */
#include "job_internal.h"

/* --- data on its way ------------------------------------------------------- */

static void program_data(void *ctx, uint32_t at, uint8_t *out, uint32_t len)
{
	const vf_slot *s = ctx;
	const uint32_t offset = s->op.message.address - s->area->memory->base;
	vf_job_content(s->area, s->job->image, offset + at, out, len);
}

static vf_slot *erase_slot(vf_job *j, vf_job_area *a, const vf_plan_step *step)
{
	const uint64_t start = (uint64_t)a->memory->base + step->offset;
	vf_slot *s = vf_slot_new(j, VF_MESSAGE_ERASE, a->index, start, step->len, 0);
	if (s == NULL)
		return NULL;
	for (unsigned i = 0; i < a->memory->erase_types; i++)
		if (a->memory->erase[i].size == step->len)
			s->us = a->memory->erase[i].typ_us;
	/* Until it is seen to finish, what reads as blank there may not be. */
	vf_job_flag(j, a->index, start, start + step->len, VF_JOB_WRITTEN | VF_JOB_SUSPECT);
	return s;
}

/* A step may be long: pieces end at multiples of VF_JOB_PIECE. */
static vf_slot *program_slot(vf_job *j, vf_job_area *a, const vf_plan_step *step)
{
	const uint32_t offset = step->offset + a->step_done;
	const uint64_t start = (uint64_t)a->memory->base + offset;
	const uint32_t to_multiple = VF_JOB_PIECE - offset % VF_JOB_PIECE;
	const uint32_t left = step->len - a->step_done;
	const uint32_t len = left < to_multiple ? left : to_multiple;
	vf_slot *s = vf_slot_new(j, VF_MESSAGE_PROGRAM, a->index, start, len, 0);
	if (s == NULL)
		return NULL;
	s->op.data_fn = program_data;
	s->op.data_ctx = s;
	s->us = (len / a->memory->page + 1) * a->memory->page_typ_us;
	vf_job_flag(j, a->index, start, start + len, VF_JOB_WRITTEN);
	return s;
}

static bool submit_next(vf_job *j, vf_job_area *a)
{
	const vf_plan_step *step = &a->plan.steps[a->step];
	vf_slot *s =
		step->kind == VF_PLAN_ERASE ? erase_slot(j, a, step) : program_slot(j, a, step);
	if (s == NULL)
		return false;
	s->area = a;
	a->pending_us += s->us;
	a->step_done += s->op.message.length;
	if (a->step_done >= step->len) {
		a->step++;
		a->step_done = 0;
	}
	return vf_slot_submit(j, s);
}

/* The memory that will run dry first. */
static vf_job_area *hungriest(vf_job *j)
{
	vf_job_area *best = NULL;
	for (size_t i = 0; i < j->areas; i++) {
		vf_job_area *a = &j->area[i];
		if (a->step < a->plan.count && (best == NULL || a->pending_us < best->pending_us))
			best = a;
	}
	return best;
}

static void finished(vf_job *j, const vf_slot *s)
{
	vf_job_area *a = s->area;
	const uint32_t size = vf_job_sector_size(a);
	const uint32_t offset = s->op.message.address - a->memory->base;
	const uint64_t end = (uint64_t)offset + s->op.message.length;
	a->pending_us -= s->us;
	if (s->op.message.type == VF_MESSAGE_PROGRAM) {
		j->result.programmed_bytes += s->op.message.length;
		return;
	}
	j->result.erased_bytes += s->op.message.length;
	for (size_t i = vf_job_sector_find(a, offset / size); i < a->count; i++) {
		if ((uint64_t)a->sectors[i].index * size >= end)
			break;
		a->sectors[i].flags &= (uint8_t) ~(VF_JOB_SUSPECT | VF_JOB_FAILED);
	}
}

void vf_job_unfinished(vf_job *j)
{
	for (const vf_slot *s = j->head; s != NULL; s = s->next)
		if (s->op.status == VF_OPERATION_DONE && (s->op.message.type == VF_MESSAGE_ERASE ||
							  s->op.message.type == VF_MESSAGE_PROGRAM))
			finished(j, s);
}

static bool to_check(const vf_job *j, const vf_job_sector *s)
{
	(void)j;
	return (s->flags & VF_JOB_WRITTEN) != 0;
}

bool vf_job_write(vf_job *j)
{
	const uint8_t counted =
		j->progress.phase == VF_PHASE_PROGRAM ? VF_MESSAGE_PROGRAM : VF_MESSAGE_ERASE;
	const uint32_t most = 2 * j->board.welcome.window + VF_JOB_BACKLOG_MORE;
	vf_job_area *a;
	vf_slot *s;
	while ((s = vf_slot_take(j)) != NULL) {
		finished(j, s);
		if (s->op.message.type == counted)
			j->progress.done += s->op.message.length;
		vf_slot_give(j, s);
	}
	while (j->in_flight < VF_JOB_WRITING && vf_session_backlog(j->session) < most &&
	       (a = hungriest(j)) != NULL)
		if (!submit_next(j, a))
			return j->closing;
	if (j->in_flight > 0 || hungriest(j) != NULL)
		return false;
	j->check_failed = j->check_hopeless = false;
	return vf_job_go(j, vf_job_check, VF_PHASE_VERIFY, vf_job_count_bytes(j, to_check));
}

/* --- checking -------------------------------------------------------------- */

static bool check_take(vf_job *j, vf_job_area *a, vf_job_sector *s, const uint8_t *digest)
{
	uint8_t expected[VF_DIGEST_SIZE];
	if (vf_job_expect(j, a, s, expected) != VF_OK)
		return !vf_job_no_memory(j);
	memcpy(s->digest, digest, VF_DIGEST_SIZE);
	s->flags &= (uint8_t)~VF_JOB_BLANK;
	s->state = VF_SECTOR_SAME;
	if (vf_job_equal(expected, digest))
		return true;
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

bool vf_job_check(vf_job *j)
{
	if (!vf_job_sweep(j, to_check, check_take))
		return false;
	if (j->closing)
		return true;
	if (j->check_hopeless || (j->check_failed && j->result.attempts >= VF_JOB_ATTEMPTS))
		return vf_job_go(j, vf_job_diagnose, VF_PHASE_VERIFY, 0);
	if (!j->check_failed)
		return vf_job_after_check(j);
	j->result.attempts++;
	vf_job_note(j, "what was written reads back differently: writing it once more");
	return vf_job_go(j, vf_job_plan_all, VF_PHASE_PROGRAM, 0);
}

/* --- saying what is wrong with one sector ----------------------------------- */

static void say_wrong(vf_job *j, vf_job_area *a, uint64_t address, uint8_t expected, uint8_t found)
{
	j->result.has_failure = true;
	j->result.failure = (vf_failure){.code = VF_FAIL_MISMATCH,
					 .memory = a->index,
					 .expected = expected,
					 .found = found,
					 .address = (uint32_t)address};
	(void)vf_fail(&j->result.error, VF_E_FLASH,
		      "%s at 0x%08llx holds 0x%02x where 0x%02x was written, twice: %s",
		      a->memory->name, (unsigned long long)address, found, expected,
		      vf_job_direction(expected, found));
}

/* Compares one piece; true once a difference was found and said. */
static bool diagnose_piece(vf_job *j, const vf_slot *s)
{
	vf_job_area *a = s->area;
	const uint32_t len = s->op.message.length;
	for (uint32_t at = 0; at < len; at++) {
		uint8_t expected;
		vf_job_content(a, j->image, s->op.message.address - a->memory->base + at, &expected,
			       1);
		if (expected == s->op.answer[at])
			continue;
		say_wrong(j, a, (uint64_t)s->op.message.address + at, expected, s->op.answer[at]);
		return true;
	}
	return false;
}

bool vf_job_diagnose(vf_job *j)
{
	vf_job_area *a = &j->area[j->wrong.area];
	const vf_job_sector *sector = &a->sectors[j->wrong.at];
	const uint32_t size = vf_job_sector_size(a);
	vf_slot *s;
	while ((s = vf_slot_take(j)) != NULL) {
		const bool said = diagnose_piece(j, s);
		vf_slot_give(j, s);
		if (said)
			return vf_job_leave(j);
	}
	if (j->in_flight > 0)
		return false;
	const uint32_t from = (uint32_t)j->cursor.byte;
	const uint64_t start = vf_job_sector_address(a, sector) + from;
	if (from >= size) {
		(void)vf_fail(&j->result.error, VF_E_FLASH,
			      "%s at 0x%08llx reads differently each time: check clock, supply and "
			      "wiring of the flash",
			      a->memory->name, (unsigned long long)(start - from));
		return vf_job_leave(j);
	}
	const uint32_t len = size - from < VF_JOB_PIECE ? size - from : VF_JOB_PIECE;
	s = vf_slot_new(j, VF_MESSAGE_READ, a->index, start, len, len);
	if (s == NULL)
		return true;
	s->area = a;
	j->cursor.byte += len;
	return !vf_slot_submit(j, s) && j->closing;
}
