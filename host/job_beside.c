/* job_beside.c - the last that a job has the board write is its journal. A bit of the
 * address that has no effect lets that go where the image is, or something else that was
 * right. So the sectors that the job knows and that differ in one bit from one of the
 * journal's are digested once more. One that changed is asked for again, and the
 * journal's with it: what is the same there tells of the dead bit. */
#include "job_internal.h"

/* --- whose they are ------------------------------------------------------------ */

/* Does the board write it itself? Larger ranges are no journal. */
static bool is_own(const vf_memory *m, uint32_t offset)
{
	for (unsigned i = 0; i < m->protects; i++)
		if (offset - m->protect[i].offset < m->protect[i].len &&
		    m->protect[i].len / m->erase[0].size <= VF_JOB_OWN_MAX)
			return true;
	return false;
}

/* The next bit behind `bit` (0: any) in which its address differs from one of the
 * board's own; 0: there is none. */
static uint32_t next_bit(const vf_job_area *a, const vf_job_sector *s, uint32_t bit)
{
	const vf_memory *m = a->memory;
	const uint32_t size = vf_job_sector_size(a);
	for (bit = bit == 0 ? size : bit << 1; bit != 0 && bit < m->size; bit <<= 1)
		if (is_own(m, (s->index * size) ^ bit))
			return bit;
	return 0;
}

/* Torn cells that nobody names, and that read as anything. */
static bool is_torn(const vf_job_sector *s)
{
	return s->covered == 0 && (s->flags & (VF_JOB_FAILED | VF_JOB_SUSPECT)) != 0;
}

/* --- the verdict ---------------------------------------------------------------- */

static bool dead_bit(vf_job *j, const vf_job_area *a, const vf_job_sector *s, uint32_t other)
{
	const uint32_t address = (uint32_t)vf_job_sector_address(a, s);
	const uint32_t base = a->memory->base;
	unsigned bit = 0;
	while (((other - base) ^ (address - base)) >> bit != 1)
		bit++;
	(void)vf_fail(&j->result.error, VF_E_FLASH,
		      "%s: what the board writes at 0x%08x, its journal, is at 0x%08x as well, "
		      "which differs in address bit %u alone: %s; what was there is lost, and "
		      "nothing that the flash holds can be relied on",
		      a->memory->name, other, address, bit, vf_job_dead_bit_cause(bit));
	return !vf_job_leave(j);
}

static bool changed(vf_job *j, const vf_job_area *a, const vf_job_sector *s)
{
	(void)vf_fail(&j->result.error, VF_E_FLASH,
		      "%s: 0x%08llx was right, and holds something else since the board wrote its "
		      "journal: look for something else that writes, and at the supply of the "
		      "flash",
		      a->memory->name, (unsigned long long)vf_job_sector_address(a, s));
	return !vf_job_leave(j);
}

/* An answer to the second look; false: the job is leaving. */
static bool judge(vf_job *j, const vf_slot *slot)
{
	const vf_job_area *a = slot->area;
	const vf_job_sector *s = &a->sectors[slot->first];
	const uint32_t address = slot->op.message.address;
	const bool as_seen = vf_job_equal(slot->op.answer, s->digest);
	if (address != vf_job_sector_address(a, s))
		return !as_seen || dead_bit(j, a, s, address);
	if (is_torn(s))
		return true;
	if (as_seen)
		return changed(j, a, s);
	/* What nobody names, and is never the same, was so before. */
	return s->covered == 0 || vf_job_restless(j, a, s);
}

/* --- asking ----------------------------------------------------------------------- */

static bool ask(vf_job *j, vf_job_area *a, size_t k, uint32_t bit)
{
	const uint32_t size = vf_job_sector_size(a);
	const uint32_t offset = (a->sectors[k].index * size) ^ bit;
	vf_slot *s = vf_slot_new(j, VF_MESSAGE_DIGEST, a->index, (uint64_t)a->memory->base + offset,
				 size, VF_DIGEST_SIZE);
	if (s == NULL)
		return false;
	s->op.message.group = 1;
	s->area = a;
	s->first = k;
	return vf_slot_submit(j, s);
}

/* About the next sector that changed: the board's own first. False if there is none. */
static bool ask_next(vf_job *j)
{
	vf_job_cursor *c = &j->cursor;
	for (; c->area < j->areas; c->area++, c->at = 0) {
		vf_job_area *a = &j->area[c->area];
		while (c->at < a->count && !a->sectors[c->at].check)
			c->at++;
		if (c->at == a->count)
			continue;
		const size_t k = c->at++;
		uint32_t bit = 0;
		while ((bit = next_bit(a, &a->sectors[k], bit)) != 0)
			if (!ask(j, a, k, bit))
				return false;
		return ask(j, a, k, 0);
	}
	return false;
}

static bool look_again(vf_job *j)
{
	vf_slot *s;
	while ((s = vf_slot_take(j)) != NULL) {
		const bool going = judge(j, s);
		vf_slot_give(j, s);
		if (!going)
			return true;
	}
	while (j->in_flight < VF_JOB_LOOKING && ask_next(j)) {
	}
	return j->closing || (j->in_flight == 0 && vf_job_sealed(j));
}

/* --- the first look ------------------------------------------------------------------ */

static bool to_look_at(const vf_job *j, const vf_job_sector *s)
{
	(void)j;
	return s->check;
}

/* One that changed keeps its mark. */
static bool take(vf_job *j, vf_job_area *a, vf_job_sector *s, const uint8_t *digest)
{
	(void)j;
	(void)a;
	s->check = !vf_job_equal(s->digest, digest);
	memcpy(s->digest, digest, VF_DIGEST_SIZE);
	return true;
}

static bool look(vf_job *j)
{
	if (!vf_job_sweep(j, to_look_at, take))
		return false;
	if (j->closing)
		return true;
	const uint64_t bytes = vf_job_count_bytes(j, to_look_at);
	return bytes == 0 ? vf_job_sealed(j) : vf_job_go(j, look_again, VF_PHASE_VERIFY, bytes);
}

bool vf_job_look_beside(vf_job *j)
{
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count; k++) {
			vf_job_sector *s = &j->area[i].sectors[k];
			s->check = s->state == VF_SECTOR_SAME && next_bit(&j->area[i], s, 0) != 0;
		}
	const uint64_t bytes = vf_job_count_bytes(j, to_look_at);
	return bytes == 0 ? vf_job_sealed(j) : vf_job_go(j, look, VF_PHASE_VERIFY, bytes);
}
