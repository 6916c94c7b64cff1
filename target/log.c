/* log.c - the journal's two units: read at the start, written a record at a time,
 * changed when one is full (JOURNAL, Reading and Writing).
 *
 *     READING -> IDLE <-> WRITING -> CHECKING     a slot: program, read back
 *                     <-> WIPING                  the other unit is erased
 *
 * One flash operation at a time, through the door of the memory that it is in,
 * whenever that has nothing else under way. What is written next follows from the
 * state alone: of a copy into the other unit its next record, else the last valid
 * record again after a restart, else what is wanted.
 */
#include <string.h>

#include "journal.h"

enum { PASSES_MAX = 6 };

static uint8_t *record_of(vf_target_journal *j)
{
	return j->room + (32 - (uintptr_t)j->room % 32) % 32;
}

static uint32_t unit_offset(const vf_target *t, unsigned unit)
{
	return t->config.journal_offset + unit * t->config.journal_unit;
}

static void begin(vf_target *t, uint8_t phase, enum vf_flash_kind kind, uint32_t offset,
		  uint32_t len)
{
	vf_target_journal *j = t->config.journal;
	vf_target_unit *u = &t->unit[t->config.journal_memory];
	u->op.kind = (uint8_t)kind;
	u->op.offset = offset;
	u->op.len = len;
	u->journal = true;
	u->stage = VF_T_READY;
	j->phase = phase;
}

/* --- reading --------------------------------------------------------------------------- */

/* Carries out the record that is held, unless `next` says that it was written again. */
static void settle_held(vf_target_journal *j, const uint8_t *next)
{
	uint32_t sequence = vf_get32(j->held + 8);
	if (!j->holds || (next != NULL && vf_get32(next + 8) <= sequence) ||
	    sequence <= j->sequence)
		return;
	j->gap = j->gap || sequence != j->sequence + 1;
	j->sequence = sequence;
	vf_j_carry_out(j, j->held);
}

static void take_slot(vf_target_journal *j, const uint8_t *slot, uint32_t number)
{
	if (vf_j_blank(slot))
		return;
	if (vf_j_valid(slot)) {
		uint32_t generation = vf_get32(slot + 4);
		if (generation > j->newest)
			j->newest = generation;
		if (generation > j->generation) { /* the unit's own; what was before is not */
			vf_j_forget(j);
			j->generation = generation;
		}
		if (generation == j->generation) {
			settle_held(j, slot);
			memcpy(j->held, slot, VF_JOURNAL_RECORD);
			j->holds = true;
		}
	}
	j->slot = number + 1;
}

/* Which unit the present pass reads: 0, 1, and the better one again where that was 0;
 * then by turns, should what was there before not be found again. */
static unsigned unit_of_pass(const vf_target_journal *j)
{
	return j->pass % 2;
}

static void begin_pass(vf_target_journal *j)
{
	vf_j_forget(j);
	j->at = 0;
}

static void read_some(vf_target *t)
{
	vf_target_journal *j = t->config.journal;
	const vf_target_memory *m = &t->config.memory[t->config.journal_memory];
	uint32_t most = m->work_len & ~(uint32_t)(VF_JOURNAL_RECORD - 1);
	t->unit[t->config.journal_memory].op.buf = m->work;
	begin(t, VF_J_READING, VF_FLASH_READ, unit_offset(t, unit_of_pass(j)) + j->at,
	      vf_t_min(most, t->config.journal_unit - j->at));
}

/* What was under way when the power was cut is torn; a record that is missing may have
 * been the one that said "incomplete". */
static void begin_life(vf_target_journal *j, unsigned unit)
{
	for (unsigned m = 0; m < VF_TARGET_MEMORIES; m++)
		j->work[m].failed = j->work[m].range.len != 0;
	if (j->gap && vf_j_set(j)[0] != VF_SET_NONE)
		vf_j_set(j)[0] = VF_SET_INCOMPLETE;
	j->live = (uint8_t)unit;
	j->staged = 0;
	j->slot++; /* cells that read as blank and are not */
	j->loaded = j->moved = true;
	j->phase = VF_J_IDLE;
}

static void end_life_unread(vf_target_journal *j, bool broken)
{
	vf_j_forget(j);
	j->broken = broken;
	j->firm = true;
	j->loaded = j->moved = true;
	j->phase = VF_J_IDLE;
}

/* A unit was read to its end. */
static void end_pass(vf_target_journal *j)
{
	uint32_t generation;
	settle_held(j, NULL);
	generation = j->opened ? j->generation : 0;
	if (generation != 0 && j->pass != 0 && generation >= j->best) {
		begin_life(j, unit_of_pass(j));
		return;
	}
	if (j->pass == 1 && generation == 0 && j->best == 0) {
		end_life_unread(j, false);
		return;
	}
	if (j->pass < 2)
		j->best = generation > j->best ? generation : j->best;
	else
		j->best = 0; /* it is not found again: whichever is */
	if (++j->pass == PASSES_MAX)
		end_life_unread(j, true);
	else
		begin_pass(j);
}

static void have_read(vf_target *t, int status)
{
	vf_target_journal *j = t->config.journal;
	const vf_flash_op *op = &t->unit[t->config.journal_memory].op;
	if (status != VF_OK) {
		if (++j->bad == VF_J_BAD_SLOTS)
			end_life_unread(j, true);
		return;
	}
	j->bad = 0;
	for (uint32_t i = 0; i < op->len; i += VF_JOURNAL_RECORD)
		take_slot(j, op->buf + i, (j->at + i) / VF_JOURNAL_RECORD);
	j->at += op->len;
	if (j->at == t->config.journal_unit)
		end_pass(j);
}

/* --- writing --------------------------------------------------------------------------- */

static unsigned unit_to_write(const vf_target_journal *j)
{
	unsigned other = j->generation == 0 ? 0 : 1u - j->live;
	return j->moving ? other : j->live;
}

static void move(vf_target_journal *j)
{
	/* What of the next set was written already is not copied: it begins again. */
	bool of_set = j->want[1] == VF_J_RANGE || j->want[1] == VF_J_SET;
	vf_j_settle_work(j);
	j->cancelled = j->wanted && of_set;
	j->moved = j->moved || j->cancelled;
	j->wanted = j->wanted && !of_set;
	j->staged = 0;
	j->moving = true;
	j->wiped = false;
	j->index = 0;
	j->slot = 0;
}

/* The next record of the copy; the last one opens the unit. */
static void make_of_copy(const vf_target_journal *j, uint8_t *record)
{
	if (!vf_j_state(j, j->index, record)) {
		vf_j_make(record, VF_J_OPEN, 0, 0);
		vf_put32(record + 12, j->index);
	}
	vf_j_seal(record, j->newest + 1, j->index + 1);
}

static void write_next(vf_target *t)
{
	vf_target_journal *j = t->config.journal;
	uint8_t *record = record_of(j);
	if (j->moving) {
		make_of_copy(j, record);
	} else if (!j->firm) {
		memcpy(record, j->held, VF_JOURNAL_RECORD);
	} else {
		memcpy(record, j->want, VF_JOURNAL_RECORD);
		vf_j_seal(record, j->generation, j->sequence + 1);
		j->begun = true;
	}
	t->unit[t->config.journal_memory].op.data = record;
	begin(t, VF_J_WRITING, VF_FLASH_PROGRAM,
	      unit_offset(t, unit_to_write(j)) + j->slot * VF_JOURNAL_RECORD, VF_JOURNAL_RECORD);
}

static void read_back(vf_target *t)
{
	vf_target_journal *j = t->config.journal;
	vf_flash_op *op = &t->unit[t->config.journal_memory].op;
	op->buf = record_of(j) + VF_JOURNAL_RECORD;
	begin(t, VF_J_CHECKING, VF_FLASH_READ, op->offset, op->len);
}

/* A copy that was begun and cut off may yet turn out to be whole: it has to go before
 * anything is written that it does not say. A unit that lost a record is left. */
static bool must_move(const vf_target *t)
{
	const vf_target_journal *j = t->config.journal;
	return j->generation == 0 || j->newest != j->generation || j->gap ||
	       j->slot + !j->firm + j->need > vf_j_slots(t);
}

/* A slot, or an erase, that failed. */
static void failed(vf_target_journal *j, uint8_t weight)
{
	j->bad = (uint8_t)(j->bad + weight);
	j->begun = false;
	j->slot++;
	if (j->bad >= 2 * VF_J_BAD_SLOTS) {
		j->broken = j->moved = true;
		j->wanted = false;
	} else if (j->bad >= VF_J_BAD_SLOTS && (!j->moving || weight != 1)) {
		move(j);
	}
}

static void have_copied(vf_target_journal *j)
{
	if (record_of(j)[1] != VF_J_OPEN) {
		j->index++;
		return;
	}
	j->live = (uint8_t)unit_to_write(j);
	j->generation = ++j->newest;
	j->sequence = j->index + 1;
	j->staged = 0;
	j->gap = false;
	j->moving = false;
	j->firm = true;
}

static void have_written(vf_target *t)
{
	vf_target_journal *j = t->config.journal;
	t->stats.records++;
	j->bad = 0;
	j->slot++;
	if (j->moving) {
		have_copied(j);
	} else if (!j->firm) {
		j->firm = true;
	} else {
		j->sequence++;
		j->wanted = j->begun = false;
		j->moved = true;
		vf_j_carry_out(j, record_of(j));
	}
}

/* Does the read-back show the record? */
static bool took(const uint8_t *record)
{
	uint8_t differs = 0;
	for (unsigned i = 0; i < VF_JOURNAL_RECORD; i++)
		differs |= record[i] ^ record[VF_JOURNAL_RECORD + i];
	return differs == 0;
}

static void have_checked(vf_target *t, int status)
{
	vf_target_journal *j = t->config.journal;
	if (status == VF_OK && took(record_of(j)))
		have_written(t);
	else
		failed(j, 1);
}

static void have_wiped(vf_target *t, int status)
{
	vf_target_journal *j = t->config.journal;
	t->stats.units++;
	if (status == VF_OK)
		j->wiped = true;
	else
		failed(j, VF_J_BAD_SLOTS);
}

/* --- both ------------------------------------------------------------------------------ */

/* Begins what comes next, where the memory has nothing else under way. */
void vf_j_log_step(vf_target *t)
{
	vf_target_journal *j = t->config.journal;
	if (t->unit[t->config.journal_memory].stage != VF_T_NONE)
		return;
	if (!j->loaded) {
		read_some(t);
		return;
	}
	if (j->wanted && !j->moving && !j->broken && must_move(t))
		move(j);
	if (!j->wanted || j->broken)
		return;
	if (j->moving && j->slot >= vf_j_slots(t))
		failed(j, 2 * VF_J_BAD_SLOTS);
	else if (j->moving && !j->wiped)
		begin(t, VF_J_WIPING, VF_FLASH_ERASE, unit_offset(t, unit_to_write(j)),
		      t->config.journal_unit);
	else
		write_next(t);
}

void vf_j_log_ended(vf_target *t)
{
	vf_target_journal *j = t->config.journal;
	vf_target_unit *u = &t->unit[t->config.journal_memory];
	uint8_t phase = j->phase;
	u->journal = false;
	j->phase = VF_J_IDLE;
	switch (phase) {
	case VF_J_READING:
		have_read(t, u->status);
		break;
	case VF_J_WIPING:
		have_wiped(t, u->status);
		break;
	case VF_J_WRITING:
		if (u->status == VF_OK)
			read_back(t);
		else
			failed(j, 1);
		break;
	default:
		have_checked(t, u->status);
		break;
	}
}
