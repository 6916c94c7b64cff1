/* job_write.c - carrying out the plans of all memories at once. The check of each
 * memory (job_check.c) is queued behind its last change, which saves a turnaround. */
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

/* A step may be long: pieces end at multiples of this. A board with a key holds a whole
 * message before it begins, and should have the next ones by then. */
static uint32_t piece(const vf_job *j, const vf_job_area *a)
{
	const vf_welcome *w = &j->board.welcome;
	uint32_t n = VF_JOB_PIECE;
	while ((w->capabilities & VF_CAP_KEY) != 0 && n > w->window / 4 && n > a->memory->page)
		n /= 2;
	return n;
}

static vf_slot *plain_slot(vf_job *j, vf_job_area *a, uint32_t offset, uint32_t left)
{
	const uint32_t to_multiple = piece(j, a) - offset % piece(j, a);
	const uint32_t len = left < to_multiple ? left : to_multiple;
	vf_slot *s = vf_slot_new(j, VF_MESSAGE_PROGRAM, a->index,
				 (uint64_t)a->memory->base + offset, len, 0);
	if (s == NULL)
		return NULL;
	s->op.data_fn = program_data;
	s->op.data_ctx = s;
	return s;
}

static vf_slot *program_slot(vf_job *j, vf_job_area *a, const vf_plan_step *step)
{
	const uint32_t offset = step->offset + a->step_done;
	const uint32_t left = step->len - a->step_done;
	vf_slot *s = NULL;
	if (a->step_done == 0)
		a->plain_end = 0; /* steps need not stand in address order */
	if (j->pack && offset >= a->plain_end)
		s = vf_job_pack_slot(j, a, offset, left);
	if (s == NULL && !j->closing)
		s = plain_slot(j, a, offset, left);
	if (s == NULL)
		return NULL;
	const uint32_t len = s->op.message.length;
	const uint64_t start = s->op.message.address;
	s->us = (len / a->memory->page + 1) * a->memory->page_typ_us;
	vf_job_flag(j, a->index, start, start + len, VF_JOB_WRITTEN);
	return s;
}

static bool submit_step(vf_job *j, vf_job_area *a)
{
	const vf_plan_step *step = &a->plan.steps[a->step];
	if (a->step_done == 0 && !vf_job_twins_before(j, a))
		return false;
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
	if (!vf_slot_submit(j, s))
		return false;
	j->changing++;
	return true;
}

static bool submit_next(vf_job *j, vf_job_area *a)
{
	size_t first, count;
	if (vf_job_check_next(a, &first, &count))
		return vf_job_check_submit(j, a, first, count);
	return submit_step(j, a);
}

static bool has_more(vf_job_area *a)
{
	size_t first, count;
	return a->step < a->plan.count || vf_job_check_next(a, &first, &count);
}

/* The memory that will run dry first. */
static vf_job_area *hungriest(vf_job *j)
{
	vf_job_area *best = NULL;
	for (size_t i = 0; i < j->areas; i++) {
		vf_job_area *a = &j->area[i];
		if ((best == NULL || a->pending_us < best->pending_us) && has_more(a))
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
	j->changing--;
	if (vf_job_programs(s->op.message.type)) {
		j->result.programmed_bytes += s->op.message.length;
		if (s->op.message.type == VF_MESSAGE_DEFLATED) {
			j->result.packed_bytes += s->op.message.length;
			j->result.saved_bytes += s->op.message.length - s->op.message.packed;
		}
		return;
	}
	j->result.erased_bytes += s->op.message.length;
	vf_job_set_erased(j, a->index, offset, (uint32_t)end);
	for (size_t i = vf_job_sector_find(a, offset / size); i < a->count; i++) {
		if ((uint64_t)a->sectors[i].index * size >= end)
			break;
		a->sectors[i].flags &= (uint8_t) ~(VF_JOB_SUSPECT | VF_JOB_FAILED);
	}
}

static bool changes(const vf_slot *s)
{
	return s->op.message.type == VF_MESSAGE_ERASE || vf_job_programs(s->op.message.type);
}

void vf_job_unfinished(vf_job *j)
{
	for (const vf_slot *s = j->head; s != NULL; s = s->next)
		if (s->op.status == VF_OPERATION_DONE && changes(s))
			finished(j, s);
}

/* Takes what is finished; false: the job is leaving. */
static bool take_all(vf_job *j)
{
	const bool programs = j->progress.phase == VF_PHASE_PROGRAM;
	vf_slot *s;
	while ((s = vf_slot_take(j)) != NULL) {
		bool going = true;
		if (changes(s))
			finished(j, s);
		else if (s->op.message.type == VF_MESSAGE_READ)
			vf_job_twins_take(j, s);
		else if (s->op.message.type != VF_MESSAGE_SET)
			going = vf_job_check_take(j, s);
		if (changes(s) && vf_job_programs(s->op.message.type) == programs)
			j->progress.done += s->op.message.length;
		vf_slot_give(j, s);
		if (!going)
			return false;
	}
	return true;
}

static void show_progress(vf_job *j, bool all_submitted)
{
	if (!all_submitted || j->changing > 0)
		return;
	j->progress.phase = VF_PHASE_VERIFY;
	j->progress.total = j->check_bytes;
	j->progress.done = j->checked_bytes;
}

static bool writing(vf_job *j)
{
	const uint32_t most = 2 * j->board.welcome.window + VF_JOB_BACKLOG_MORE;
	vf_job_area *a;
	if (!take_all(j))
		return true;
	j->packed_now = 0;
	j->wait_until = UINT64_MAX;
	while (j->in_flight < VF_JOB_WRITING && vf_session_backlog(j->session) < most &&
	       (a = hungriest(j)) != NULL) {
		if (j->packed_now >= VF_JOB_PACK_MOST) {
			vf_job_wait(j, 0); /* send first what there is */
			break;
		}
		if (!submit_next(j, a))
			return j->closing;
	}
	const bool all_submitted = hungriest(j) == NULL;
	show_progress(j, all_submitted);
	if (all_submitted && !vf_job_twins_behind(j))
		return j->closing;
	if (j->in_flight > 0 || !all_submitted)
		return false;
	return vf_job_check_verdict(j);
}

/* Entry: the plans are new. */
bool vf_job_write(vf_job *j)
{
	if (vf_job_set_warn(j) != VF_OK)
		return vf_job_no_memory(j);
	if (vf_job_keep_secure(j) != VF_OK)
		return vf_job_leave(j);
	if (!vf_job_set_mark(j))
		return j->closing;
	j->changing = 0;
	j->pack = vf_job_pack_wanted(j);
	for (size_t i = 0; i < j->areas; i++)
		j->area[i].plain_end = 0;
	vf_job_check_prepare(j);
	vf_job_twins_choose(j);
	j->state = writing;
	return true;
}
