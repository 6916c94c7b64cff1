/* journal.c - what the engine asks of the journal: may this be changed, replace the
 * set, may it start. Whoever asks and is told to wait has a record under way, and
 * asks again when it is written.
 */
#include <string.h>

#include "journal.h"

_Static_assert(VF_TARGET_SET >= 1 && VF_TARGET_SET <= VF_WIRE_SET_MAX, "VF_TARGET_SET is 1 to 32");

enum { STRETCH_PAGES = 128 }; /* one record for so many: less than 1 % of their time */

/* --- one record at a time -------------------------------------------------------------- */

/* Asks for the record in j->want to be written, if nobody else has one. */
static void want(vf_target_journal *j, const uint8_t *record, uint32_t need)
{
	memcpy(j->want, record, VF_JOURNAL_RECORD);
	j->need = need;
	j->wanted = j->moved = true;
}

static void want_torn(vf_target_journal *j, unsigned memory)
{
	uint8_t record[VF_JOURNAL_RECORD];
	vf_j_make_range(record, VF_J_TORN, memory, 0, &j->work[memory].range);
	want(j, record, 1);
}

static void want_changed(vf_target_journal *j, uint64_t session)
{
	uint8_t record[VF_JOURNAL_RECORD];
	vf_j_make(record, VF_J_CHANGED, 0, 0);
	vf_put32(record + 12, (uint32_t)session);
	vf_put32(record + 16, (uint32_t)(session >> 32));
	want(j, record, 1);
}

static void want_work(vf_target_journal *j, unsigned memory, uint8_t how, const vf_range *range)
{
	uint8_t record[VF_JOURNAL_RECORD];
	vf_j_make_range(record, VF_J_WORK, memory, how, range);
	want(j, record, 1);
}

/* --- changes --------------------------------------------------------------------------- */

static bool covers(const vf_range *all, uint32_t offset, uint32_t len)
{
	return offset >= all->offset && offset - all->offset <= all->len &&
	       len <= all->len - (offset - all->offset);
}

/* How far program operations go on from `o`, as far as they are known, so that one
 * record serves many of them. */
static uint32_t stretch(vf_target *t, unsigned memory, const vf_target_operation *o)
{
	uint32_t start = o->offset + o->at;
	uint32_t end = o->offset + o->length;
	uint32_t most = vf_t_info(t, memory)->page * STRETCH_PAGES;
	for (uint32_t i = t->unit[memory].number + 1; i != t->queue.parsed; i++) {
		const vf_target_operation *next = vf_t_slot(t, i);
		bool programs =
			next->type == VF_MESSAGE_PROGRAM || next->type == VF_MESSAGE_DEFLATED;
		if (next->memory != memory)
			continue;
		if (!programs || next->refusal != VF_FAIL_NONE || next->offset != end)
			break;
		end += next->length;
	}
	return vf_t_min(end - start, most);
}

static uint8_t permit(vf_target *t, unsigned memory, const vf_target_operation *o, uint32_t len)
{
	vf_target_journal *j = t->config.journal;
	vf_target_work *w = &j->work[memory];
	bool erases = o->type == VF_MESSAGE_ERASE;
	vf_range range = {o->offset + o->at, len};
	if (j->broken)
		return VF_FAIL_JOURNAL;
	if (vf_j_set_state(j) != VF_SET_INCOMPLETE)
		return VF_FAIL_UNMARKED;
	if (j->wanted) /* it may be the one that closes what is under way here */
		return VF_T_WAIT;
	if (!w->failed && (!erases || w->how == VF_J_ERASES) && j->changed == t->session.number &&
	    covers(&w->range, range.offset, range.len))
		return VF_FAIL_NONE;
	if (w->failed) {
		want_torn(j, memory);
	} else if (j->changed != t->session.number) {
		want_changed(j, t->session.number);
	} else {
		if (!erases)
			range.len = stretch(t, memory, o);
		want_work(j, memory, erases ? VF_J_ERASES : VF_J_PROGRAMS, &range);
	}
	return VF_T_WAIT;
}

/* A flash operation that changes this memory failed: only what it was about is torn. */
static void failed(vf_target *t, unsigned memory)
{
	vf_target_work *w = &t->config.journal->work[memory];
	const vf_flash_op *op = &t->unit[memory].op;
	if (w->how == VF_J_ERASES && op->kind != VF_FLASH_ERASE)
		vf_j_torn_cut(&w->torn, &w->range);
	w->range = (vf_range){op->offset, op->len};
	w->how = VF_J_PROGRAMS;
	w->failed = true;
}

/* --- the set --------------------------------------------------------------------------- */

/* The memory that a range lies in; `memories` if none. */
static unsigned memory_of(const vf_target *t, const vf_set_entry *e)
{
	unsigned m = 0;
	for (; m < t->config.memories; m++) {
		const vf_memory *info = vf_t_info(t, m);
		if (e->address >= info->base && e->address - info->base < info->size &&
		    e->length <= info->size - (e->address - info->base))
			break;
	}
	return m;
}

static uint8_t judge_range(const vf_target *t, const vf_set_entry *e, bool complete)
{
	unsigned m = memory_of(t, e);
	if (m == t->config.memories || e->length == 0)
		return VF_FAIL_RANGE;
	const vf_memory *info = vf_t_info(t, m);
	vf_range range = {e->address - info->base, e->length};
	if (((range.offset | range.len) & (info->erase[0].size - 1)) != 0 &&
	    range.len != info->size)
		return VF_FAIL_RANGE;
	if ((info->flags & VF_MEMORY_READ) == 0)
		return VF_FAIL_RIGHTS;
	vf_torn torn = vf_j_torn(t->config.journal, m);
	return complete && vf_j_torn_meets(&torn, &range) ? VF_FAIL_INCOMPLETE : VF_FAIL_NONE;
}

/* Ranges out of the stream into the set that is not valid yet. */
static uint8_t gather(vf_target *t, vf_target_operation *o)
{
	vf_target_journal *j = t->config.journal;
	uint8_t *next = j->set[j->which ^ 1] + VF_WIRE_SET_HEADER;
	while (o->rest != 0) {
		vf_set_entry e;
		if (vf_offset_diff(t->stream.received, o->cursor + VF_WIRE_SET_ENTRY) < 0)
			return VF_T_WAIT;
		vf_t_stream_copy(t, o->cursor, next + o->at, VF_WIRE_SET_ENTRY);
		vf_unpack_set_entry(&e, next + o->at);
		uint8_t code = judge_range(t, &e, o->offset == VF_SET_COMPLETE);
		if (code != VF_FAIL_NONE) {
			o->offset = e.address;
			return code;
		}
		o->cursor += VF_WIRE_SET_ENTRY;
		o->rest -= VF_WIRE_SET_ENTRY;
		o->at += VF_WIRE_SET_ENTRY;
	}
	return VF_FAIL_NONE;
}

/* What an older session began is still under way somewhere. */
static bool restless(const vf_target *t)
{
	for (unsigned m = 0; m < t->config.memories; m++) {
		if (t->unit[m].stage != VF_T_NONE)
			return true;
	}
	return false;
}

static void want_next_of_set(vf_target *t, const vf_target_operation *o)
{
	vf_target_journal *j = t->config.journal;
	uint32_t count = o->length / VF_WIRE_SET_ENTRY;
	uint8_t record[VF_JOURNAL_RECORD];
	if (j->staged < count) {
		const uint8_t *next = j->set[j->which ^ 1] + VF_WIRE_SET_HEADER;
		vf_j_make(record, VF_J_RANGE, 0, j->staged);
		memcpy(record + 12, next + VF_WIRE_SET_ENTRY * (size_t)j->staged,
		       VF_WIRE_SET_ENTRY);
	} else {
		vf_j_make(record, VF_J_SET, 0, (uint8_t)o->offset);
		vf_put32(record + 12, (uint32_t)t->session.number);
		vf_put32(record + 16, (uint32_t)(t->session.number >> 32));
		vf_put32(record + 20, count);
	}
	want(j, record, count + 1 - j->staged);
}

/* What failed has to be on record before SET says that nothing is under way. */
static bool settled(vf_target_journal *j)
{
	for (unsigned m = 0; m < VF_TARGET_MEMORIES; m++) {
		if (j->work[m].failed) {
			want_torn(j, m);
			return false;
		}
	}
	vf_j_finish_work(j);
	return true;
}

/* Replaces the set, a record at a time. VF_FAIL_NONE when it is done. */
static uint8_t replace(vf_target *t, vf_target_operation *o)
{
	vf_target_journal *j = t->config.journal;
	vf_target_unit *u = &t->unit[t->config.journal_memory];
	if (j->broken)
		return VF_FAIL_JOURNAL;
	if (j->cancelled)
		u->finished = false;
	j->cancelled = false;
	if (j->wanted || restless(t))
		return VF_T_WAIT;
	if (!j->ours) { /* ranges that another host had written are none of this set */
		j->staged = 0;
		j->ours = true;
	}
	if (u->finished) /* its SET record was the last that was wanted */
		return VF_FAIL_NONE;
	if (!settled(j))
		return VF_T_WAIT;
	uint8_t code = gather(t, o);
	if (code != VF_FAIL_NONE)
		return code;
	u->finished = j->staged == o->length / VF_WIRE_SET_ENTRY;
	want_next_of_set(t, o);
	return VF_T_WAIT;
}

static void recall(vf_target *t)
{
	vf_target_journal *j = t->config.journal;
	vf_target_unit *u = &t->unit[t->config.journal_memory];
	if (u->finished) /* all that is left is to send it */
		return;
	vf_j_set(j)[0] = vf_j_set_state(j);
	u->finished = true;
	u->answer = vf_j_set(j);
	u->answer_len = VF_JOURNAL_SET_SIZE;
	u->answer_sent = 0;
}

/* --- the engine's other questions ------------------------------------------------------ */

/* A host that took its leave left nothing half done: what it finished is not torn if
 * the power goes now. */
static void close(vf_target *t)
{
	vf_target_journal *j = t->config.journal;
	uint8_t record[VF_JOURNAL_RECORD];
	for (unsigned m = 0; m < t->config.memories; m++) {
		vf_target_work *w = &j->work[m];
		if (w->range.len == 0 || w->failed || t->unit[m].stage != VF_T_NONE)
			continue;
		vf_j_make(record, VF_J_WORK, (uint8_t)m, VF_J_NOTHING);
		want(j, record, 1);
		return;
	}
}

static bool step(vf_target *t)
{
	vf_target_journal *j = t->config.journal;
	if (!t->session.open && !t->session.guest && j->loaded && !j->wanted && !j->broken)
		close(t);
	vf_j_log_step(t);
	bool moved = j->moved;
	j->moved = false;
	return moved;
}

static void drop(vf_target *t)
{
	vf_target_journal *j = t->config.journal;
	j->ours = false;
	if (!j->begun)
		j->wanted = false;
	/* What failed may have been a loose wire. All that was begun is on record, and counts as
	 * torn when it is read again, as after a restart. */
	if (j->broken && !t->unit[t->config.journal_memory].journal)
		memset(j, 0, sizeof *j);
}

static void welcome(const vf_target *t, vf_welcome *w)
{
	const vf_target_journal *j = t->config.journal;
	w->capabilities |= VF_CAP_JOURNAL;
	w->set = vf_j_set_state(j);
	w->entries = VF_TARGET_SET;
	w->changed = j->changed;
}

static vf_torn torn(const vf_target *t, unsigned memory)
{
	return vf_j_torn(t->config.journal, memory);
}

static bool is_erase_size(const vf_memory *info, uint32_t len)
{
	for (unsigned i = 0; i < info->erase_types; i++) {
		if (info->erase[i].size == len)
			return true;
	}
	return false;
}

static bool is_protected(const vf_memory *info, uint32_t offset, uint32_t len)
{
	for (unsigned i = 0; i < info->protects; i++) {
		if (covers(&info->protect[i], offset, len))
			return true;
	}
	return false;
}

static bool good(const vf_target_config *c)
{
	const uint8_t rights = VF_MEMORY_READ | VF_MEMORY_WRITE;
	uint32_t len = c->journal_unit;
	if (c->journal_memory >= c->memories)
		return false;
	const vf_memory *info = c->memory[c->journal_memory].info;
	return (info->flags & rights) == rights && info->page >= VF_JOURNAL_RECORD &&
	       info->unit <= VF_JOURNAL_RECORD && len >= VF_JOURNAL_UNIT_MIN &&
	       len <= info->size / 2 && is_erase_size(info, len) && c->journal_offset % len == 0 &&
	       is_protected(info, c->journal_offset, 2 * len);
}

const struct vf_target_journal_feature vf_target_journal_feature = {
	good, step, vf_j_log_ended, drop, permit, failed, replace, recall, welcome, torn};

/* --- the port's questions -------------------------------------------------------------- */

enum vf_startable vf_target_startable(const vf_target *t)
{
	if (!vf_t_keeps_journal(t))
		return VF_STARTABLE_UNKNOWN;
	if (vf_t_journal_unread(t))
		return VF_STARTABLE_LATER;
	if (vf_t_set_forbids(t))
		return VF_STARTABLE_NO;
	return vf_j_set_state(t->config.journal) == VF_SET_COMPLETE ? VF_STARTABLE_YES
								    : VF_STARTABLE_UNKNOWN;
}

void vf_target_recall(const vf_target *t, vf_set *set)
{
	const vf_target_journal *j = t->config.journal;
	memset(set, 0, sizeof *set);
	if (vf_t_keeps_journal(t))
		(void)vf_unpack_set(set, j->set[j->which], VF_JOURNAL_SET_SIZE);
	if (vf_t_keeps_journal(t) && (vf_t_journal_unread(t) || j->broken))
		*set = (vf_set){.state = VF_SET_UNREADABLE};
}
