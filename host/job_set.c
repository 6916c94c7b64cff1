/* job_set.c - the set in a board's journal (PROTOCOL §5.5): what must not start
 * because it is not complete, and what a complete one consists of.
 *
 * Before its first change a job marks the set incomplete. Of an incomplete set it
 * says in each range's digest what it is: *open*, being written; *lent*, complete but
 * for bytes that were on their way through an erase; or *whole*. A job ends what it
 * covers itself, and lent sectors that it put back; ranges that another run left
 * open stay so, and the set with them. */
#include "job_internal.h"

enum {
	OPEN_MARK = 0x00, /* every byte of a range's digest */
	LENT_MARK = 0x01,
	WHOLE_MARK = 0xFF,
};

void vf_job_set_free(vf_job *j)
{
	vf_job_set *s = &j->set;
	vf_spans *all[] = {&s->open, &s->lent,     &s->whole,     &s->mine,      &s->full,
			   &s->torn, &s->borrowed, &s->next_open, &s->next_lent, &s->next_whole};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		vf_spans_free(all[i], &j->alloc);
	vf_free(&j->alloc, s->digests);
	s->digests = NULL;
}

size_t vf_job_recall_size(const vf_job *j)
{
	return VF_WIRE_SET_HEADER + (size_t)VF_WIRE_SET_ENTRY * j->board.welcome.entries;
}

/* --- what the board remembers ----------------------------------------------------- */

static bool marked(const uint8_t digest[VF_DIGEST_SIZE], uint8_t mark)
{
	for (unsigned i = 0; i < VF_DIGEST_SIZE; i++)
		if (digest[i] != mark)
			return false;
	return true;
}

const char *vf_job_set_entry_state(const vf_set *set, const vf_set_entry *entry)
{
	if (set->state == VF_SET_COMPLETE || marked(entry->digest, WHOLE_MARK))
		return "whole";
	return marked(entry->digest, LENT_MARK) ? "lent" : "open";
}

static int learn_entry(vf_job *j, const vf_set *set, const vf_set_entry *e)
{
	vf_job_set *s = &j->set;
	vf_span span = {.memory = 0};
	const vf_memory *m = vf_job_memory_at(j, e->address, &span.memory);
	if (m == NULL)
		return VF_OK;
	span.from = e->address - m->base;
	span.to = e->length < m->size - span.from ? span.from + e->length : m->size;
	const bool whole = set->state == VF_SET_COMPLETE || marked(e->digest, WHOLE_MARK);
	vf_spans *l = whole ? &s->whole : marked(e->digest, LENT_MARK) ? &s->lent : &s->open;
	return vf_spans_add(l, &j->alloc, span);
}

/* What is torn is not whole, whoever tore it. */
static int tear(vf_job *j)
{
	vf_job_set *s = &j->set;
	int status = vf_spans_add_common(&s->open, &j->alloc, &s->torn, &s->whole);
	if (status == VF_OK)
		status = vf_spans_cut_all(&s->whole, &j->alloc, &s->torn);
	if (status == VF_OK)
		status = vf_spans_cut_all(&s->open, &j->alloc, &s->lent);
	return status;
}

static vf_span span_of(const vf_job_area *a, const vf_job_sector *s)
{
	const uint32_t size = vf_job_sector_size(a);
	return (vf_span){a->index, s->index * size, s->index * size + size};
}

/* What this job writes: whole sectors. What it erases on request is only what it
 * covers wholly. */
static int find_mine(vf_job *j)
{
	vf_job_set *set = &j->set;
	int status = VF_OK;
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count && status == VF_OK; k++) {
			const vf_job_area *a = &j->area[i];
			const vf_job_sector *s = &a->sectors[k];
			if (s->covered == vf_job_sector_size(a))
				status = vf_spans_add(&set->full, &j->alloc, span_of(a, s));
			if (status == VF_OK && s->covered > 0 && j->config.kind == VF_JOB_PROGRAM)
				status = vf_spans_add(&set->mine, &j->alloc, span_of(a, s));
		}
	if (status == VF_OK && j->config.kind != VF_JOB_PROGRAM)
		status = vf_spans_add_all(&set->mine, &j->alloc, &set->full);
	vf_spans_join(&set->mine, (j->board.welcome.entries + 1u) / 2);
	return status;
}

/* --- what it will be afterwards ------------------------------------------------------ */

/* Lent sectors that are whole again: what an earlier run had saved of them is put
 * back by this one. */
static int add_restored(vf_job *j, vf_spans *l)
{
	int status = VF_OK;
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count && status == VF_OK; k++) {
			const vf_job_sector *s = &j->area[i].sectors[k];
			if (s->record != 0 && s->record <= j->keep_loaded)
				status = vf_spans_add(l, &j->alloc, span_of(&j->area[i], s));
		}
	return status;
}

int vf_job_set_afterwards(vf_job *j)
{
	vf_job_set *s = &j->set;
	const vf_alloc *alloc = &j->alloc;
	vf_spans restored = {NULL, 0, 0};
	s->next_open.count = s->next_lent.count = s->next_whole.count = 0;
	const bool failed =
		add_restored(j, &restored) != VF_OK ||
		vf_spans_add_all(&s->next_open, alloc, &s->open) != VF_OK ||
		vf_spans_cut_all(&s->next_open, alloc, &s->mine) != VF_OK ||
		vf_spans_cut_all(&s->next_open, alloc, &restored) != VF_OK ||
		vf_spans_add_all(&s->next_lent, alloc, &s->lent) != VF_OK ||
		vf_spans_cut_all(&s->next_lent, alloc, j->config.discard ? &s->mine : &s->full) !=
			VF_OK ||
		vf_spans_cut_all(&s->next_lent, alloc, &restored) != VF_OK ||
		vf_spans_add_all(&s->next_whole, alloc, &s->whole) != VF_OK ||
		vf_spans_add_common(&s->next_whole, alloc, &s->lent, &restored) != VF_OK ||
		(j->config.scratch != VF_SCRATCH_NONE
			 ? vf_spans_add_common(&s->next_whole, alloc, &s->lent, &s->mine)
		 : j->config.kind == VF_JOB_PROGRAM
			 ? vf_spans_add_all(&s->next_whole, alloc, &s->mine)
			 : vf_spans_cut_all(&s->next_whole, alloc, &s->mine)) != VF_OK ||
		vf_spans_cut_all(&s->next_whole, alloc, &s->torn) != VF_OK ||
		vf_spans_cut_all(&s->next_whole, alloc, &s->next_open) != VF_OK ||
		vf_spans_cut_all(&s->next_whole, alloc, &s->next_lent) != VF_OK;
	vf_spans_free(&restored, alloc);
	return failed ? VF_E_NOMEM : VF_OK;
}

static void list(const vf_job *j, const vf_spans *l, char out[VF_JOB_SET_TEXT])
{
	size_t at = strlen(out);
	for (size_t i = 0; i < l->count && at < VF_JOB_SET_TEXT; i++) {
		const vf_memory *m = &j->board.memory[l->at[i].memory];
		const int n = snprintf(out + at, VF_JOB_SET_TEXT - at, "%s0x%08x-0x%08x",
				       at > 0 ? ", " : "", m->base + l->at[i].from,
				       m->base + (l->at[i].to - 1));
		at += n > 0 ? (size_t)n : 0;
	}
}

/* "0x…-0x…, …": what stays incomplete; empty if nothing does. */
void vf_job_set_left(const vf_job *j, char out[VF_JOB_SET_TEXT])
{
	out[0] = '\0';
	list(j, &j->set.next_open, out);
	list(j, &j->set.next_lent, out);
}

static bool refuse_run(vf_job *j)
{
	char what[VF_JOB_SET_TEXT];
	vf_job_set_left(j, what);
	/* Who was interrupted wants nothing started any more. */
	if (!j->config.run_after || j->rescuing || what[0] == '\0')
		return false;
	if (j->set.next_open.count > 0)
		(void)vf_fail(&j->result.error, VF_E_REFUSED,
			      "an interrupted run left %s incomplete, so nothing would start: "
			      "program or erase that first; nothing was changed",
			      what);
	else
		(void)vf_fail(&j->result.error, VF_E_REFUSED,
			      "an interrupted run left %s without bytes that no file names, so "
			      "nothing would start: run it again where it ran, or give them up "
			      "with --discard; nothing was changed",
			      what);
	return true;
}

static bool known(vf_job *j)
{
	j->set.known = true;
	if (tear(j) != VF_OK || find_mine(j) != VF_OK || vf_job_set_afterwards(j) != VF_OK)
		return vf_job_no_memory(j);
	return refuse_run(j) ? vf_job_leave(j) : vf_job_begin_look(j);
}

static bool recalled(vf_job *j)
{
	vf_set set;
	vf_slot *s = vf_slot_take(j);
	int status = VF_OK;
	if (s == NULL)
		return false;
	const int good = vf_unpack_set(&set, s->op.answer, vf_job_recall_size(j));
	vf_slot_give(j, s);
	if (good != 0) {
		(void)vf_fail(
			&j->result.error, VF_E_LINK,
			"the board's journal contradicts itself; update the board's loader or "
			"this program");
		return vf_job_leave(j);
	}
	j->set.state = set.state;
	for (unsigned i = 0; i < set.count && status == VF_OK; i++)
		status = learn_entry(j, &set, &set.entry[i]);
	return status != VF_OK ? vf_job_no_memory(j) : known(j);
}

void vf_job_set_flag_torn(vf_job *j)
{
	for (size_t i = 0; i < j->set.torn.count; i++) {
		const vf_span *s = &j->set.torn.at[i];
		const uint64_t base = j->board.memory[s->memory].base;
		vf_job_flag(j, s->memory, base + s->from, base + s->to, VF_JOB_FAILED);
	}
}

/* What is torn is erased whatever it reads as, in whole sectors. */
static int look_at_torn(vf_job *j)
{
	int status = VF_OK;
	j->set.torn.count = 0;
	for (uint8_t i = 0; i < j->board.welcome.memories; i++) {
		const vf_torn *torn = &vf_session_board(j->session)->torn[i];
		const uint32_t size = j->board.memory[i].erase[0].size;
		for (unsigned k = 0; k < torn->count && status == VF_OK; k++) {
			const vf_range *r = &torn->range[k];
			const vf_span s = {i, r->offset / size * size,
					   (r->offset + r->len + size - 1) / size * size};
			status = vf_spans_add(&j->set.torn, &j->alloc, s);
		}
	}
	vf_job_set_flag_torn(j);
	return status;
}

bool vf_job_set_begin(vf_job *j)
{
	if (!vf_job_changes(j) || !vf_job_has_journal(j))
		return vf_job_begin_look(j);
	if (look_at_torn(j) != VF_OK)
		return vf_job_no_memory(j);
	if (j->set.known)
		return vf_job_begin_look(j);
	if (j->board.welcome.set == VF_SET_NONE)
		return known(j);
	vf_job_go(j, recalled, VF_PHASE_COMPARE, 0);
	vf_slot *s = vf_slot_new(j, VF_MESSAGE_RECALL, 0, 0, 0, vf_job_recall_size(j));
	if (s != NULL)
		(void)vf_slot_submit(j, s);
	return true;
}

/* Has it a page that nothing was written to, as an erase leaves it? */
static bool blank_page(const vf_job_area *a, const vf_job_sector *s)
{
	const uint32_t size = vf_job_sector_size(a), page = a->memory->page;
	if ((s->flags & VF_JOB_BLANK) != 0)
		return true;
	if (s->keep == NULL || (s->flags & VF_JOB_KEPT) == 0)
		return false;
	for (uint32_t at = 0; at < size; at += page) {
		uint32_t n = 0;
		while (n < page && at + n < size && s->keep[at + n] == 0xFF)
			n++;
		if (n == page)
			return true;
	}
	return false;
}

/* Was that sector under way when another run ended, and may it have been erased and not
 * written to the end, while nothing of it is kept here? */
static bool may_lack(const vf_job *j, const vf_job_area *a, const vf_job_sector *s)
{
	const vf_job_set *set = &j->set;
	const vf_span span = span_of(a, s);
	const bool torn = vf_spans_touch(&set->torn, span);
	return s->covered > 0 && s->covered < vf_job_sector_size(a) && s->record == 0 &&
	       s->state != VF_SECTOR_SAME &&
	       (torn || vf_spans_touch(&set->open, span) || vf_spans_touch(&set->lent, span)) &&
	       (torn || blank_page(a, s));
}

int vf_job_set_warn(vf_job *j)
{
	vf_spans lacking = {NULL, 0, 0};
	char what[VF_JOB_SET_TEXT] = "";
	int status = VF_OK;
	if (j->set.warned || j->restarted || j->keep_loaded > 0 || j->config.discard ||
	    !j->set.known || !vf_job_keeps(j) || j->config.kind != VF_JOB_PROGRAM)
		return VF_OK;
	j->set.warned = true;
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count && status == VF_OK; k++)
			if (may_lack(j, &j->area[i], &j->area[i].sectors[k]))
				status = vf_spans_add(&lacking, &j->alloc,
						      span_of(&j->area[i], &j->area[i].sectors[k]));
	list(j, &lacking, what);
	vf_spans_free(&lacking, &j->alloc);
	if (what[0] != '\0')
		vf_job_note(
			j,
			"an interrupted run was at work at %s, and left nothing on this computer "
			"of what no file names there: what is blank there may be lost; where "
			"that run was made, its file still has it (docs/RELIABILITY.md)",
			what);
	return status;
}

void vf_job_set_erased(vf_job *j, uint8_t memory, uint32_t from, uint32_t to)
{
	/* A list that only shrinks needs memory for one more range at most. */
	if (j->set.known)
		(void)vf_spans_cut(&j->set.torn, &j->alloc, (vf_span){memory, from, to});
}

/* --- telling the board ------------------------------------------------------------------ */

void vf_job_set_put(vf_job *j, vf_slot *s, const vf_spans *l, uint8_t mark)
{
	const size_t most = j->board.welcome.entries;
	for (size_t i = 0; i < l->count && s->op.message.length / VF_WIRE_SET_ENTRY < most; i++) {
		vf_set_entry e = {.address = j->board.memory[l->at[i].memory].base + l->at[i].from,
				  .length = l->at[i].to - l->at[i].from};
		memset(e.digest, mark, sizeof e.digest);
		vf_pack_set_entry(s->buf + s->op.message.length, &e);
		s->op.message.length += VF_WIRE_SET_ENTRY;
	}
}

vf_slot *vf_job_set_slot(vf_job *j, uint8_t state)
{
	vf_slot *s = vf_slot_new(j, VF_MESSAGE_SET, 0, state, 0,
				 (size_t)VF_WIRE_SET_ENTRY * j->board.welcome.entries);
	if (s == NULL)
		return NULL;
	s->op.answer = NULL;
	s->op.data = s->buf;
	return s;
}

vf_slot *vf_job_set_incomplete(vf_job *j, vf_spans *open, vf_spans *lent, const vf_spans *whole)
{
	const size_t most = j->board.welcome.entries;
	vf_slot *s = vf_job_set_slot(j, VF_SET_INCOMPLETE);
	if (s == NULL)
		return NULL;
	vf_spans_join(lent, most / 4);
	vf_spans_join(open, most - lent->count);
	vf_job_set_put(j, s, open, OPEN_MARK);
	vf_job_set_put(j, s, lent, LENT_MARK);
	vf_job_set_put(j, s, whole, WHOLE_MARK);
	return s;
}

static bool anything_planned(const vf_job *j)
{
	for (size_t i = 0; i < j->areas; i++)
		if (j->area[i].plan.count > 0)
			return true;
	return false;
}

/* Sectors of the set whose bytes, or some of them, are about to be with the host
 * alone. */
static int find_borrowed(vf_job *j)
{
	vf_job_set *set = &j->set;
	vf_spans erased = {NULL, 0, 0};
	int status = VF_OK;
	for (size_t i = 0; i < j->areas && status == VF_OK; i++) {
		const vf_job_area *a = &j->area[i];
		for (size_t n = 0; n < a->plan.count && status == VF_OK; n++) {
			const vf_plan_step *p = &a->plan.steps[n];
			const vf_span span = {a->index, p->offset, p->offset + p->len};
			if (p->kind != VF_PLAN_ERASE)
				continue;
			for (size_t k = vf_job_sector_find(a, span.from / vf_job_sector_size(a));
			     k < a->count && span_of(a, &a->sectors[k]).from < span.to &&
			     status == VF_OK;
			     k++)
				if (a->sectors[k].keep != NULL)
					status = vf_spans_add(&erased, &j->alloc,
							      span_of(a, &a->sectors[k]));
		}
	}
	if (status == VF_OK)
		status = vf_spans_add_common(&set->borrowed, &j->alloc, &erased, &set->whole);
	vf_spans_free(&erased, &j->alloc);
	return status;
}

/* What earlier runs had saved is back, or was never gone. */
static int cut_kept(vf_job *j, vf_spans *l)
{
	int status = VF_OK;
	for (size_t i = 0; i < j->keep.count && i < j->keep_loaded && status == VF_OK; i++) {
		const vf_keep_record *r = &j->keep.records[i];
		if (r->moot)
			continue;
		const uint32_t from = r->address - j->board.memory[r->memory].base;
		status = vf_spans_cut(l, &j->alloc, (vf_span){r->memory, from, from + r->size});
	}
	return status;
}

/* What this job is about to change is open, or lent where it was whole. `returned`: what
 * was lent is back. */
static vf_slot *mark(vf_job *j, bool returned)
{
	vf_job_set *s = &j->set;
	const vf_alloc *alloc = &j->alloc;
	vf_spans open = {NULL, 0, 0}, lent = {NULL, 0, 0}, whole = {NULL, 0, 0};
	const bool failed = vf_spans_add_all(&lent, alloc, &s->lent) != VF_OK ||
			    (returned ? cut_kept(j, &lent)
				      : vf_spans_add_all(&lent, alloc, &s->borrowed)) != VF_OK ||
			    (j->config.scratch != VF_SCRATCH_NONE &&
			     vf_spans_add_common(&lent, alloc, &s->mine, &s->whole) != VF_OK) ||
			    vf_spans_add_all(&open, alloc, &s->open) != VF_OK ||
			    vf_spans_add_all(&open, alloc, &s->mine) != VF_OK ||
			    vf_spans_cut_all(&open, alloc, &lent) != VF_OK ||
			    vf_spans_add_all(&whole, alloc, &s->whole) != VF_OK ||
			    vf_spans_cut_all(&whole, alloc, &open) != VF_OK ||
			    vf_spans_cut_all(&whole, alloc, &lent) != VF_OK;
	vf_slot *slot = failed ? NULL : vf_job_set_incomplete(j, &open, &lent, &whole);
	vf_spans_free(&open, alloc);
	vf_spans_free(&lent, alloc);
	vf_spans_free(&whole, alloc);
	if (failed)
		(void)vf_job_no_memory(j);
	return slot;
}

bool vf_job_set_mark(vf_job *j)
{
	if (!vf_job_has_journal(j) || !anything_planned(j))
		return true;
	if (find_borrowed(j) != VF_OK)
		return !vf_job_no_memory(j);
	vf_slot *slot = mark(j, false);
	j->set.asked = true;
	return slot != NULL && vf_slot_submit(j, slot);
}

bool vf_job_set_returned(vf_job *j)
{
	vf_slot *slot = mark(j, true);
	return slot != NULL && vf_slot_submit(j, slot);
}
