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

/* May anything read it, all in one sector, and does nobody else write there meanwhile? */
static bool quiet(const vf_memory *m, uint32_t offset)
{
	for (unsigned i = 0; i < m->protects; i++)
		if (offset - m->protect[i].offset < m->protect[i].len)
			return false;
	return (m->flags & VF_MEMORY_READ) != 0 &&
	       offset % m->erase[0].size <= m->erase[0].size - VF_JOB_TWIN;
}

static bool in_image(const vf_job *j, uint64_t address)
{
	const size_t i = vf_image_find(j->image, (uint32_t)address);
	const vf_segment *s = &j->image->segments[i];
	return i < j->image->segment_count && s->addr <= address &&
	       address + VF_JOB_TWIN <= (uint64_t)s->addr + s->len;
}

/* Does the image say what stands in the twin of some part of the step, and is that something
 * else than what is written? */
static bool told(const vf_job *j, vf_job_twin *t, const vf_plan_step *p, uint32_t bit)
{
	uint8_t written[VF_JOB_TWIN];
	const uint32_t sector = vf_job_sector_size(t->area);
	for (uint32_t at = p->offset;
	     p->len >= VF_JOB_TWIN && at <= p->offset + p->len - VF_JOB_TWIN; at += VF_JOB_TWIN) {
		const vf_job_sector *s = sector_of(t->area, at ^ bit);
		if (s == NULL || s->check || s->state != VF_SECTOR_SAME || s->covered == 0) {
			at = (at / sector + 1) * sector - VF_JOB_TWIN;
			continue;
		}
		t->written = at;
		t->twin = at ^ bit;
		vf_job_content(t->area, j->image, t->written, written, VF_JOB_TWIN);
		vf_job_content(t->area, j->image, t->twin, t->before, VF_JOB_TWIN);
		if (memcmp(t->before, written, VF_JOB_TWIN) != 0 &&
		    in_image(j, (uint64_t)t->area->memory->base + t->twin) &&
		    quiet(t->area->memory, t->twin))
			return true;
	}
	return false;
}

/* Has the begin of the step a twin that nothing touches? */
static bool readable(vf_job_twin *t, const vf_plan_step *p, uint32_t bit)
{
	const vf_job_sector *s = sector_of(t->area, p->offset ^ bit);
	t->written = p->offset;
	t->twin = p->offset ^ bit;
	return p->len >= VF_JOB_TWIN && (s == NULL || !s->check) && quiet(t->area->memory, t->twin);
}

/* By the first step of a kind that can have one; `known`: one that need not be read before. */
static bool choose(const vf_job *j, vf_job_twin *t, uint32_t bit, uint8_t kind, bool known)
{
	t->known = known;
	for (size_t i = 0; i < t->area->plan.count; i++) {
		const vf_plan_step *p = &t->area->plan.steps[i];
		if (p->kind == kind && (known ? told(j, t, p, bit) : readable(t, p, bit)))
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

/* --- behind the seal --------------------------------------------------------------- */

/* Sectors that were right and differ in one bit from one that the board writes itself. */
static uint64_t mark_beside(vf_job_area *a, const vf_range *own)
{
	const vf_memory *m = a->memory;
	const uint32_t size = vf_job_sector_size(a);
	uint64_t bytes = 0;
	for (uint32_t at = own->offset; at - own->offset < own->len; at += size)
		for (uint32_t bit = size; bit != 0 && bit < m->size; bit <<= 1) {
			const size_t k = vf_job_sector_find(a, (at ^ bit) / size);
			if (k == a->count || a->sectors[k].index != (at ^ bit) / size ||
			    a->sectors[k].state != VF_SECTOR_SAME || a->sectors[k].check)
				continue;
			a->sectors[k].check = true;
			bytes += size;
		}
	return bytes;
}

static bool is_marked(const vf_job *j, const vf_job_sector *s)
{
	(void)j;
	return s->check;
}

static bool as_it_was(vf_job *j, vf_job_area *a, vf_job_sector *s, const uint8_t *digest)
{
	if (vf_job_equal(s->digest, digest))
		return true;
	(void)vf_fail(&j->result.error, VF_E_FLASH,
		      "%s: 0x%08x was right and is not since the board wrote its journal: their "
		      "addresses differ in one bit, which has no effect; nothing that the flash "
		      "holds can be relied on",
		      a->memory->name, (unsigned)vf_job_sector_address(a, s));
	return !vf_job_leave(j);
}

static bool look_beside(vf_job *j)
{
	if (!vf_job_sweep(j, is_marked, as_it_was))
		return false;
	return j->closing || vf_job_sealed(j);
}

bool vf_job_twins_of_journal(vf_job *j)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < j->areas; i++) {
		vf_job_area *a = &j->area[i];
		for (size_t k = 0; k < a->count; k++)
			a->sectors[k].check = false;
		/* Larger ones are no journal. */
		for (unsigned n = 0; n < a->memory->protects; n++)
			if (a->memory->protect[n].len / vf_job_sector_size(a) <= VF_JOB_OWN_MAX)
				bytes += mark_beside(a, &a->memory->protect[n]);
	}
	return bytes == 0 ? vf_job_sealed(j) : vf_job_go(j, look_beside, VF_PHASE_VERIFY, bytes);
}
