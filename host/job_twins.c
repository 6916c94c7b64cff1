/* job_twins.c - does writing in one place change another? A chip that is given too few
 * address bytes, or one of whose address lines is stuck, reads back right wherever it was
 * written, and has lost what stood elsewhere. So for each bit of the address a few bytes
 * that no step of the plan touches, but which differ in that bit alone from some that are
 * written, are known or read before what is written changes, and read behind the last change: the
 * *twins*. One that then holds what was written tells. They travel among the other operations,
 * without a turnaround of their own. */
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

/* By a step of a kind that can have one. They are looked for from the end of the plan
 * back, each a step further: many questions at its begin would fill the board's queue. */
static bool choose(const vf_job *j, vf_job_twin *t, size_t from, uint8_t kind)
{
	const size_t count = t->area->plan.count;
	for (size_t i = 0; i < count; i++) {
		const vf_plan_step *p = &t->area->plan.steps[(2 * count - 1 - from - i) % count];
		if (p->kind == kind && (t->known ? told(j, t, p, t->bit) : readable(t, p, t->bit)))
			return true;
	}
	return false;
}

/* The first step that touches what is written there. */
static size_t first_step(const vf_job_twin *t)
{
	const uint32_t size = vf_job_sector_size(t->area);
	const uint32_t sector = t->written / size * size;
	size_t i = 0;
	while (t->area->plan.steps[i].offset >= sector + size ||
	       t->area->plan.steps[i].offset + t->area->plan.steps[i].len <= sector)
		i++;
	return i;
}

static bool find(const vf_job *j, vf_job_twin *t, unsigned order)
{
	const size_t from = order < t->area->plan.count ? order : 0;
	t->known = true;
	if (choose(j, t, 0, VF_PLAN_PROGRAM) || choose(j, t, 0, VF_PLAN_ERASE))
		return true;
	t->known = false;
	if (!choose(j, t, from, VF_PLAN_PROGRAM) && !choose(j, t, from, VF_PLAN_ERASE))
		return false;
	t->step = first_step(t);
	return true;
}

static bool has(const vf_job *j, const vf_job_area *a, uint32_t bit)
{
	for (unsigned i = 0; i < j->twins; i++)
		if (j->twin[i].area == a && j->twin[i].bit == bit)
			return true;
	return false;
}

/* What was read before the first change stays so in every further plan. */
static void keep_known(vf_job *j)
{
	unsigned left = 0;
	for (unsigned i = 0; i < j->twins; i++)
		if (j->twin[i].known)
			j->twin[left++] = j->twin[i];
	j->twins = left;
}

/* `doctor` does this its own way, and who was interrupted wants to be done. */
static bool wanted(const vf_job *j)
{
	return !j->rescuing && j->config.scratch == VF_SCRATCH_NONE;
}

void vf_job_twins_choose(vf_job *j)
{
	j->twins_again = false;
	keep_known(j);
	for (size_t i = 0; i < j->areas && wanted(j); i++) {
		const vf_job_area *a = &j->area[i];
		unsigned order = 0;
		for (uint32_t bit = a->memory->erase[0].size; bit != 0 && bit < a->memory->size;
		     bit <<= 1) {
			vf_job_twin *t = &j->twin[j->twins];
			if (j->twins == VF_JOB_TWINS_MAX || has(j, a, bit))
				continue;
			*t = (vf_job_twin){.area = a, .bit = bit};
			j->twins += find(j, t, order);
			order += !t->known;
		}
	}
}

/* --- reading ----------------------------------------------------------------- */

static bool ask(vf_job *j, unsigned i, bool again)
{
	const vf_job_twin *t = &j->twin[i];
	vf_slot *s =
		vf_slot_new(j, VF_MESSAGE_READ, t->area->index,
			    (uint64_t)t->area->memory->base + t->twin, VF_JOB_TWIN, VF_JOB_TWIN);
	if (s == NULL)
		return false;
	s->first = i;
	s->count = again;
	return vf_slot_submit(j, s);
}

bool vf_job_twins_before(vf_job *j, const vf_job_area *a)
{
	for (unsigned i = 0; i < j->twins; i++) {
		vf_job_twin *t = &j->twin[i];
		if (t->area != a || t->known || t->asked || t->step > a->step)
			continue;
		t->asked = true;
		if (!ask(j, i, false))
			return false;
	}
	return true;
}

bool vf_job_twins_behind(vf_job *j)
{
	if (j->twins_again || !wanted(j))
		return true;
	j->twins_again = true;
	for (unsigned i = 0; i < j->twins; i++)
		if (!ask(j, i, true))
			return false;
	return true;
}

void vf_job_twins_take(vf_job *j, const vf_slot *s)
{
	vf_job_twin *t = &j->twin[s->first];
	memcpy(s->count == 0 ? t->before : t->behind, s->op.answer, VF_JOB_TWIN);
	t->known = true;
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

const char *vf_job_dead_bit_cause(unsigned bit)
{
	return bit >= 24 ? "the chip takes 3 address bytes where the board's driver gives it 4, or "
			   "the other way round"
			 : "an address bit is lost on the way, look at the size that the board's "
			   "controller is set to and at its driver";
}

bool vf_job_twins_agree(vf_job *j)
{
	for (unsigned i = 0; j->twins_again && i < j->twins; i++) {
		const vf_job_twin *t = &j->twin[i];
		const vf_memory *m = t->area->memory;
		unsigned bit = 0;
		if (!follows(j, t))
			continue;
		while (t->bit >> bit != 1)
			bit++;
		(void)vf_fail(&j->result.error, VF_E_FLASH,
			      "%s: writing at 0x%08x changed 0x%08x as well, which differs in "
			      "address bit %u alone: %s; what was there is lost, and nothing that "
			      "the flash holds can be relied on",
			      m->name, (unsigned)(m->base + t->written),
			      (unsigned)(m->base + t->twin), bit, vf_job_dead_bit_cause(bit));
		return false;
	}
	return true;
}
