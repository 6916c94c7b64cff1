/* job_look.c - what does the chip hold? Digests first, for all sectors that the
 * job touches; then the bytes of sectors that it covers only in part, because
 * what no file names has to survive. */
#include "job_internal.h"

static bool writes(const vf_job *j)
{
	return j->config.kind != VF_JOB_VERIFY;
}

/* What lies beside the image in this sector has to survive, and is not known. */
bool vf_job_unknown_rest(const vf_job *j, const vf_job_sector *s)
{
	return writes(j) && (s->flags & (VF_JOB_PARTIAL | VF_JOB_KEPT)) == VF_JOB_PARTIAL;
}

/* With `full` nothing is compared, but what is to be kept must be seen. */
static bool to_look_at(const vf_job *j, const vf_job_sector *s)
{
	return !j->full_pending || vf_job_unknown_rest(j, s);
}

/* The state of a sector whose whole content is decided. */
static bool classify(vf_job *j, vf_job_area *a, vf_job_sector *s)
{
	uint8_t expected[VF_DIGEST_SIZE];
	const bool blank = (s->flags & VF_JOB_BLANK) != 0;
	if (vf_job_expect(j, a, s, expected) != VF_OK)
		return !vf_job_no_memory(j);
	if (vf_job_equal(expected, s->digest))
		s->state = VF_SECTOR_SAME;
	else
		s->state = blank ? VF_SECTOR_BLANK : VF_SECTOR_DIRTY;
	if (!writes(j))
		return true;
	const bool unsure = blank && (s->flags & VF_JOB_SUSPECT) != 0;
	const bool forced = j->config.full && (s->flags & VF_JOB_WRITTEN) == 0;
	if (unsure || forced || (s->flags & VF_JOB_FAILED) != 0)
		s->state = VF_SECTOR_DIRTY;
	return true;
}

static bool look_take(vf_job *j, vf_job_area *a, vf_job_sector *s, const uint8_t *digest)
{
	memcpy(s->digest, digest, VF_DIGEST_SIZE);
	if (vf_job_equal(digest, a->blank))
		s->flags |= VF_JOB_BLANK;
	if (vf_job_unknown_rest(j, s)) {
		s->state = VF_SECTOR_DIRTY; /* until vf_job_probe or vf_job_keep looked closer */
		if ((s->flags & VF_JOB_BLANK) == 0)
			return true;
		s->flags |= VF_JOB_KEPT;
	}
	return classify(j, a, s);
}

/* Entry: erased sectors are recognised by their digest, which is another one in
 * every session. */
bool vf_job_begin_look(vf_job *j)
{
	for (size_t i = 0; i < j->areas; i++)
		if (vf_job_expect(j, &j->area[i], NULL, j->area[i].blank) != VF_OK)
			return vf_job_no_memory(j);
	return vf_job_go(j, vf_job_look, VF_PHASE_COMPARE, vf_job_count_bytes(j, to_look_at));
}

bool vf_job_look(vf_job *j)
{
	if (!vf_job_sweep(j, to_look_at, look_take))
		return false;
	if (j->closing)
		return true;
	return vf_job_begin_probe(j);
}

/* --- keeping --------------------------------------------------------------- */

/* A sector that holds its part of the image already is left alone. */
static bool to_keep(const vf_job *j, const vf_job_sector *s)
{
	return vf_job_unknown_rest(j, s) && s->state != VF_SECTOR_SAME;
}

bool vf_job_begin_keep(vf_job *j)
{
	return vf_job_go(j, vf_job_keep, VF_PHASE_KEEP, vf_job_count_bytes(j, to_keep));
}

/* Asks for the next piece of one sector; slot.count 1 marks its last one. */
static bool keep_ask(vf_job *j, vf_job_area *a, size_t at, uint32_t from)
{
	vf_job_sector *s = &a->sectors[at];
	const uint32_t size = vf_job_sector_size(a);
	const uint32_t len = size - from < VF_JOB_PIECE ? size - from : VF_JOB_PIECE;
	if (s->keep == NULL)
		s->keep = vf_resize(&j->alloc, NULL, size);
	if (s->keep == NULL)
		return !vf_job_no_memory(j);
	vf_slot *slot = vf_slot_new(j, VF_MESSAGE_READ, a->index,
				    vf_job_sector_address(a, s) + from, len, 0);
	if (slot == NULL)
		return false;
	slot->op.answer = s->keep + from;
	slot->area = a;
	slot->first = at;
	slot->count = from + len == size;
	return vf_slot_submit(j, slot);
}

/* All of a sector was read: is it what the board digested? */
static bool keep_check(vf_job *j, vf_job_area *a, vf_job_sector *s)
{
	vf_digest d;
	uint8_t digest[VF_DIGEST_SIZE];
	vf_digest_init(&d, vf_session_number(j->session));
	vf_digest_update(&d, s->keep, vf_job_sector_size(a));
	vf_digest_final(&d, digest);
	if (vf_job_equal(digest, s->digest)) {
		s->flags |= VF_JOB_KEPT;
		return classify(j, a, s);
	}
	if (j->keep_again++ < 2) {
		for (uint32_t at = 0; at < vf_job_sector_size(a); at += VF_JOB_PIECE)
			if (!keep_ask(j, a, (size_t)(s - a->sectors), at))
				return false;
		return true;
	}
	(void)vf_fail(
		&j->result.error, VF_E_FLASH,
		"%s reads differently each time at 0x%08llx–0x%08llx, so what has to be "
		"preserved there is not known; nothing was changed there. Check clock and "
		"wiring of the flash",
		a->memory->name, (unsigned long long)vf_job_sector_address(a, s),
		(unsigned long long)(vf_job_sector_address(a, s) + vf_job_sector_size(a) - 1));
	return !vf_job_leave(j);
}

/* The next piece to keep; false at the end. */
static bool keep_next(vf_job *j)
{
	vf_job_cursor *c = &j->cursor;
	for (; c->area < j->areas; c->area++, c->at = 0) {
		vf_job_area *a = &j->area[c->area];
		while (c->at < a->count && !to_keep(j, &a->sectors[c->at]))
			c->at++;
		if (c->at == a->count)
			continue;
		const size_t at = c->at;
		const uint32_t from = (uint32_t)c->byte;
		c->byte += VF_JOB_PIECE;
		if (c->byte >= vf_job_sector_size(a)) {
			c->byte = 0;
			c->at++;
		}
		return keep_ask(j, a, at, from);
	}
	return false;
}

bool vf_job_keep(vf_job *j)
{
	vf_slot *slot;
	while ((slot = vf_slot_take(j)) != NULL) {
		vf_job_area *a = slot->area;
		vf_job_sector *s = &a->sectors[slot->first];
		const bool last = slot->count == 1;
		j->progress.done += slot->op.message.length;
		vf_slot_give(j, slot);
		if (last && !keep_check(j, a, s))
			return true;
	}
	while (j->in_flight < VF_JOB_LOOKING && keep_next(j)) {
	}
	if (j->closing)
		return true;
	if (j->in_flight > 0)
		return false;
	return vf_job_go(j, vf_job_plan_all, VF_PHASE_PROGRAM, 0);
}

/* --- where a job begins, whenever its session was opened --------------------- */

bool vf_job_begin(vf_job *j)
{
	switch (j->config.kind) {
	case VF_JOB_INFO:
		j->echo_round = 0;
		return vf_job_go(j, vf_job_info, VF_PHASE_OPEN, 0);
	case VF_JOB_READ:
		vf_job_go(j, vf_job_read, VF_PHASE_READ, j->config.length);
		j->progress.done = j->cursor.byte = j->read_at;
		return true;
	case VF_JOB_DIGEST:
		return vf_job_go(j, vf_job_digest, VF_PHASE_VERIFY, j->config.length);
	case VF_JOB_RUN:
		return vf_job_go(j, vf_job_run, VF_PHASE_RUN, 0);
	default:
		break;
	}
	if (j->config.call.plan != NULL && !j->planned) {
		j->echo_round = 0;
		return vf_job_go(j, vf_job_measure, VF_PHASE_OPEN, 0);
	}
	return vf_job_begin_look(j);
}
