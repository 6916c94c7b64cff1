/* job_seal.c - the end of a job, for a board with a journal: what it says of the set.
 * Complete, with a digest of every range, made of those of its sectors where they are
 * known, and asked for where not; or incomplete still, because of another run. */
#include "job_internal.h"

enum {
	RATE_S = 3,        /* longest digest in one question, */
	AT_ONCE = 4 << 20, /* where no rate is known */
};

static bool done(vf_job *j, bool written)
{
	char what[VF_JOB_SET_TEXT];
	vf_job_set_left(j, what);
	if (what[0] != '\0' && j->config.run_after) {
		(void)vf_fail(&j->result.error, VF_E_REFUSED,
			      "the flash holds the image, but an interrupted run left %s "
			      "incomplete: nothing starts until that is programmed or erased",
			      what);
		return vf_job_leave(j);
	}
	if (what[0] != '\0')
		vf_job_note(j,
			    "an interrupted run left %s incomplete: nothing starts until that is "
			    "programmed or erased",
			    what);
	return written ? vf_job_look_beside(j) : vf_job_sealed(j);
}

static bool set_written(vf_job *j)
{
	vf_slot *s = vf_slot_take(j);
	if (s == NULL)
		return false;
	vf_slot_give(j, s);
	return done(j, true);
}

/* The range's digest from those of its sectors, if all are known; false if not. */
static bool from_sectors(vf_job *j, vf_span span, uint8_t digest[VF_DIGEST_SIZE])
{
	vf_digest d;
	size_t sectors = 0;
	vf_digest_init(&d, vf_session_number(j->session));
	for (size_t i = 0; i < j->areas; i++) {
		const vf_job_area *a = &j->area[i];
		const uint32_t size = vf_job_sector_size(a);
		if (a->index != span.memory)
			continue;
		for (size_t k = vf_job_sector_find(a, span.from / size);
		     k < a->count && a->sectors[k].index < span.to / size; k++, sectors++) {
			if (a->sectors[k].state != VF_SECTOR_SAME)
				return false;
			memcpy(digest, a->sectors[k].digest, VF_DIGEST_SIZE);
			vf_digest_update(&d, digest, VF_DIGEST_SIZE);
		}
		if (sectors > 1)
			vf_digest_final(&d, digest);
		return sectors == (span.to - span.from) / size;
	}
	return false;
}

static bool complete(vf_job *j)
{
	vf_job_set *set = &j->set;
	vf_slot *s = vf_job_set_slot(j, VF_SET_COMPLETE);
	if (s == NULL)
		return true;
	vf_job_set_put(j, s, &set->next_whole, 0); /* digests follow */
	for (size_t i = 0; i < s->op.message.length / VF_WIRE_SET_ENTRY; i++)
		memcpy(s->buf + i * VF_WIRE_SET_ENTRY + 8, set->digests + i * VF_DIGEST_SIZE,
		       VF_DIGEST_SIZE);
	j->state = set_written;
	return vf_slot_submit(j, s) || j->closing;
}

/* Of so many bytes the digest is asked for at once: it must not take the board longer
 * than anybody waits for a sign of life. */
static uint64_t at_once(const vf_memory *m)
{
	const uint64_t bytes = (uint64_t)m->read_rate * RATE_S;
	return bytes > AT_ONCE ? bytes : AT_ONCE;
}

static bool ask(vf_job *j, size_t entry)
{
	const vf_span *span = &j->set.next_whole.at[entry];
	const vf_memory *m = &j->board.memory[span->memory];
	const uint32_t size = m->erase[0].size;
	vf_slot *s = vf_slot_new(j, VF_MESSAGE_DIGEST, span->memory, (uint64_t)m->base + span->from,
				 span->to - span->from, VF_DIGEST_SIZE);
	if (s == NULL)
		return false;
	s->op.message.group = (span->to - span->from) / size;
	s->first = entry;
	return vf_slot_submit(j, s);
}

/* Longer ranges than that become several. */
static int divide(vf_job *j)
{
	vf_spans *l = &j->set.next_whole;
	for (size_t i = 0; i < l->count && l->count < j->board.welcome.entries; i++) {
		const vf_memory *m = &j->board.memory[l->at[i].memory];
		const uint64_t most = at_once(m) / m->erase[0].size * m->erase[0].size;
		if (l->at[i].to - l->at[i].from <= most)
			continue;
		const vf_span rest = {l->at[i].memory, l->at[i].from + (uint32_t)most, l->at[i].to};
		l->at[i].to = rest.from;
		if (vf_spans_insert(l, &j->alloc, i + 1, rest) != VF_OK)
			return VF_E_NOMEM;
	}
	return VF_OK;
}

static bool sealing(vf_job *j)
{
	vf_job_set *set = &j->set;
	vf_slot *s;
	while ((s = vf_slot_take(j)) != NULL) {
		memcpy(set->digests + s->first * VF_DIGEST_SIZE, s->op.answer, VF_DIGEST_SIZE);
		vf_slot_give(j, s);
	}
	while (j->in_flight < VF_JOB_LOOKING && j->cursor.at < set->next_whole.count) {
		const size_t entry = j->cursor.at++;
		if (!from_sectors(j, set->next_whole.at[entry],
				  set->digests + entry * VF_DIGEST_SIZE) &&
		    !ask(j, entry))
			return j->closing;
	}
	return j->in_flight > 0 ? false : complete(j);
}

static bool seal_incomplete(vf_job *j)
{
	vf_job_set *s = &j->set;
	vf_job_go(j, set_written, VF_PHASE_VERIFY, 0);
	vf_slot *slot = vf_job_set_incomplete(j, &s->next_open, &s->next_lent, &s->next_whole);
	return slot == NULL || vf_slot_submit(j, slot) || j->closing;
}

static bool as_before(const vf_job *j, uint8_t state)
{
	const vf_job_set *s = &j->set;
	return !s->asked && state == s->state && vf_spans_equal(&s->open, &s->next_open) &&
	       vf_spans_equal(&s->lent, &s->next_lent) && vf_spans_equal(&s->whole, &s->next_whole);
}

bool vf_job_seal(vf_job *j)
{
	vf_job_set *s = &j->set;
	if (!vf_job_changes(j) || !vf_job_has_journal(j) || j->config.scratch == VF_SCRATCH_WRITE)
		return vf_job_sealed(j);
	if (vf_job_set_afterwards(j) != VF_OK)
		return vf_job_no_memory(j);
	const bool open = s->next_open.count + s->next_lent.count > 0;
	const uint8_t state = open                      ? VF_SET_INCOMPLETE
			      : s->next_whole.count > 0 ? VF_SET_COMPLETE
							: VF_SET_NONE;
	if (as_before(j, state))
		return done(j, false);
	if (open)
		return seal_incomplete(j);
	if (state == VF_SET_NONE) {
		vf_slot *slot = vf_job_set_slot(j, VF_SET_NONE);
		vf_job_go(j, set_written, VF_PHASE_VERIFY, 0);
		return slot == NULL || vf_slot_submit(j, slot) || j->closing;
	}
	vf_spans_join(&s->next_whole, j->board.welcome.entries);
	if (s->next_whole.count > j->board.welcome.entries) /* in too many memories */
		s->next_whole.count = j->board.welcome.entries;
	void *digests =
		vf_resize(&j->alloc, s->digests, (size_t)VF_DIGEST_SIZE * j->board.welcome.entries);
	if (digests == NULL || divide(j) != VF_OK)
		return vf_job_no_memory(j);
	s->digests = digests;
	return vf_job_go(j, sealing, VF_PHASE_VERIFY, 0);
}
