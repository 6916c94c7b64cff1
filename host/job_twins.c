/* job_twins.c - does writing in one place change another? A chip that is given too few
 * address bytes, or one of whose address lines is stuck, reads back right wherever it was
 * written, and has lost what stood elsewhere. So for each bit of the address a few bytes
 * that no step of the plan touches, but which differ in that bit alone from some that are
 * written, are known or read before the first change, and read behind the last: the *twins*. One
 * that then holds what was written tells. They travel among the other operations, without a
 * turnaround of their own. */
#include "job_internal.h"

/* --- choosing ---------------------------------------------------------------- */

static const vf_job_sector *sector_of(const vf_job_area *a, uint32_t offset)
{
	const uint32_t index = offset / vf_job_sector_size(a);
	const size_t at = vf_job_sector_find(a, index);
	return at < a->count && a->sectors[at].index == index ? &a->sectors[at] : NULL;
}

/* May anything read it, and does nobody else write there meanwhile? */
static bool quiet(const vf_memory *m, uint32_t offset)
{
	for (unsigned i = 0; i < m->protects; i++)
		if (offset - m->protect[i].offset < m->protect[i].len)
			return false;
	return (m->flags & VF_MEMORY_READ) != 0 && offset <= m->size - VF_JOB_TWIN;
}

/* Is it known what stands there, and is that something else than what is written? */
static bool told(const vf_job *j, vf_job_twin *t, const vf_job_sector *s)
{
	uint8_t written[VF_JOB_TWIN];
	if (s == NULL || s->state != VF_SECTOR_SAME || s->covered != vf_job_sector_size(t->area))
		return false;
	vf_job_content(t->area, j->image, t->written, written, VF_JOB_TWIN);
	vf_job_content(t->area, j->image, t->twin, t->before, VF_JOB_TWIN);
	return memcmp(t->before, written, VF_JOB_TWIN) != 0;
}

/* The first step of a kind whose begin has a twin in this bit; one that need not be read
 * before, if `known`. */
static bool choose(const vf_job *j, vf_job_twin *t, uint32_t bit, uint8_t kind, bool known)
{
	for (size_t i = 0; i < t->area->plan.count; i++) {
		const vf_plan_step *p = &t->area->plan.steps[i];
		const vf_job_sector *s = sector_of(t->area, p->offset ^ bit);
		t->written = p->offset;
		t->twin = p->offset ^ bit;
		t->known = known;
		if (p->kind == kind && p->len >= VF_JOB_TWIN && (s == NULL || !s->check) &&
		    quiet(t->area->memory, t->twin) && (!known || told(j, t, s)))
			return true;
	}
	return false;
}

static void choose_all(vf_job *j)
{
	j->twins = 0;
	for (size_t i = 0; i < j->areas; i++) {
		const vf_memory *m = j->area[i].memory;
		for (uint32_t bit = m->erase[0].size;
		     bit != 0 && bit < m->size && j->twins < VF_JOB_TWINS_MAX; bit <<= 1) {
			vf_job_twin *t = &j->twin[j->twins];
			t->area = &j->area[i];
			if (choose(j, t, bit, VF_PLAN_PROGRAM, true) ||
			    choose(j, t, bit, VF_PLAN_PROGRAM, false) ||
			    choose(j, t, bit, VF_PLAN_ERASE, false))
				j->twins++;
		}
	}
}

/* --- reading ----------------------------------------------------------------- */

static bool ask(vf_job *j, bool again)
{
	for (unsigned i = 0; i < j->twins; i++) {
		const vf_job_twin *t = &j->twin[i];
		if (t->known && !again)
			continue;
		vf_slot *s = vf_slot_new(j, VF_MESSAGE_READ, t->area->index,
					 (uint64_t)t->area->memory->base + t->twin, VF_JOB_TWIN,
					 VF_JOB_TWIN);
		if (s == NULL)
			return false;
		s->first = i;
		s->count = again;
		if (!vf_slot_submit(j, s))
			return false;
		j->twins_unread += !again;
	}
	return true;
}

/* `doctor` does this its own way, and who was interrupted wants to be done. */
static bool wanted(const vf_job *j)
{
	return !j->rescuing && j->config.scratch == VF_SCRATCH_NONE;
}

bool vf_job_twins_before(vf_job *j)
{
	j->twins_again = false;
	if (!wanted(j) || (j->twins > 0 && j->twins_unread == 0))
		return true; /* as they were before this job */
	choose_all(j);
	j->twins_unread = 0;
	return ask(j, false);
}

bool vf_job_twins_behind(vf_job *j)
{
	if (j->twins_again || !wanted(j))
		return true;
	j->twins_again = true;
	return ask(j, true);
}

void vf_job_twins_take(vf_job *j, const vf_slot *s)
{
	vf_job_twin *t = &j->twin[s->first];
	memcpy(s->count == 0 ? t->before : t->behind, s->op.answer, VF_JOB_TWIN);
	j->twins_unread -= s->count == 0;
}

/* --- the verdict --------------------------------------------------------------- */

static bool follows(const vf_job *j, const vf_job_twin *t)
{
	uint8_t written[VF_JOB_TWIN];
	if (memcmp(t->before, t->behind, VF_JOB_TWIN) == 0)
		return false;
	vf_job_content(t->area, j->image, t->written, written, VF_JOB_TWIN);
	return memcmp(t->behind, written, VF_JOB_TWIN) == 0;
}

bool vf_job_twins_agree(vf_job *j)
{
	for (unsigned i = 0; j->twins_again && i < j->twins; i++) {
		const vf_job_twin *t = &j->twin[i];
		const vf_memory *m = t->area->memory;
		unsigned bit = 0;
		if (!follows(j, t))
			continue;
		while ((t->written ^ t->twin) >> bit != 1)
			bit++;
		(void)vf_fail(&j->result.error, VF_E_FLASH,
			      "%s: writing at 0x%08x changed 0x%08x as well, which differs in "
			      "address bit %u alone: %s; what was there is lost, and nothing that "
			      "the flash holds can be relied on",
			      m->name, (unsigned)(m->base + t->written),
			      (unsigned)(m->base + t->twin), bit,
			      bit >= 24
				      ? "the chip takes 3 address bytes where the board's driver "
					"gives it 4, or the other way round"
				      : "an address bit is lost on the way, look at the size "
					"that the board's controller is set to and at its driver");
		return false;
	}
	return true;
}
