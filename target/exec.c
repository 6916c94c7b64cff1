/* exec.c - operations -> flash operations, one at a time in each memory.
 *
 * Each memory takes the operations that are its own in the order of the queue;
 * memories do not wait for each other, but RUN waits for all. What a memory
 * does is its unit: no flash operation, one that is ready to be fetched, one
 * that the port works on, one that ended and is to be looked at in the next
 * tick. When a session goes away in the middle the unit keeps the chip to
 * itself until the flash operation ends, and forgets the outcome.
 */
#include <string.h>

#include "engine.h"

void vf_t_exec_fail(vf_target *t, unsigned memory, uint8_t code, uint32_t offset)
{
	vf_t_queue_fail(t, &(vf_failure){.operation = t->unit[memory].number,
					 .code = code,
					 .memory = (uint8_t)memory,
					 .address = vf_t_info(t, memory)->base + offset});
}

static uint8_t failure_code(int status)
{
	switch (status) {
	case VF_E_ERASE:
		return VF_FAIL_ERASE;
	case VF_E_PROGRAM:
		return VF_FAIL_PROGRAM;
	case VF_E_LOCKED:
		return VF_FAIL_LOCKED;
	case VF_E_TIMEOUT:
		return VF_FAIL_TIMEOUT;
	case VF_E_BUS:
		return VF_FAIL_BUS;
	case VF_E_NO_CHIP:
		return VF_FAIL_ABSENT;
	case VF_E_RANGE:
		return VF_FAIL_RANGE;
	default:
		return VF_FAIL_OTHER;
	}
}

static void finish(vf_target *t, unsigned memory, vf_target_operation *o)
{
	o->status = VF_T_FINISHED;
	t->unit[memory].type = 0;
}

/* --- ERASE, PROGRAM and DEFLATED ---------------------------------------------- */

static void ready(vf_target_unit *u, enum vf_flash_kind kind, uint32_t offset, uint32_t len)
{
	u->op.kind = (uint8_t)kind;
	u->op.offset = offset;
	u->op.len = len;
	u->stage = VF_T_READY;
}

bool vf_t_exec_permitted(vf_target *t, unsigned memory, const vf_target_operation *o, uint32_t len)
{
	if (!vf_t_keeps_journal(t))
		return true;
	uint8_t code = t->with.journal->permit(t, memory, o, len);
	if (code != VF_FAIL_NONE && code != VF_T_WAIT)
		vf_t_exec_fail(t, memory, code, o->offset + o->at);
	return code == VF_FAIL_NONE;
}

/* A page's bytes from the stream; NULL until they have arrived. */
static const uint8_t *arrived(vf_target *t, unsigned memory, vf_target_operation *o, uint32_t need)
{
	if (vf_offset_diff(t->stream.received, o->cursor + need) < 0 ||
	    !vf_t_exec_permitted(t, memory, o, need))
		return NULL;
	uint8_t *work = t->config.memory[memory].work;
	vf_t_stream_copy(t, o->cursor, work, need);
	o->cursor += need;
	o->rest -= need;
	return work;
}

/* The next page, or what there is to do of it: false until its bytes are there. */
static bool next_page(vf_target *t, unsigned memory, vf_target_operation *o)
{
	uint32_t offset = o->offset + o->at;
	uint32_t page = vf_t_info(t, memory)->page;
	uint32_t need = vf_t_min(page - (offset & (page - 1)), o->length - o->at);
	const uint8_t *data = o->type == VF_MESSAGE_PROGRAM
				      ? arrived(t, memory, o, need)
				      : t->with.unpack->page(t, memory, o, need);
	if (data == NULL)
		return false;
	o->at += need;
	t->unit[memory].op.data = data;
	ready(&t->unit[memory], VF_FLASH_PROGRAM, offset, need);
	return true;
}

static void read_back(vf_target *t, unsigned memory)
{
	vf_target_unit *u = &t->unit[memory];
	u->op.buf = t->config.memory[memory].work + vf_t_half(t, memory);
	ready(u, VF_FLASH_READ, u->op.offset, u->op.len);
}

static void compare(vf_target *t, unsigned memory, vf_target_operation *o)
{
	const vf_target_unit *u = &t->unit[memory];
	vf_failure f = {
		.operation = u->number, .code = VF_FAIL_MISMATCH, .memory = (uint8_t)memory};
	for (uint32_t i = 0; i < u->op.len; i++) {
		if (u->op.data[i] == u->op.buf[i])
			continue;
		if (f.count++ != 0)
			continue;
		f.expected = u->op.data[i];
		f.found = u->op.buf[i];
		f.address = vf_t_info(t, memory)->base + u->op.offset + i;
	}
	if (f.count != 0) {
		if (vf_t_keeps_journal(t))
			t->with.journal->failed(t, memory);
		vf_t_queue_fail(t, &f);
		return;
	}
	t->stats.programmed += u->op.len;
	if (o->at == o->length)
		finish(t, memory, o);
}

/* --- RUN --------------------------------------------------------------------- */

/* Where no vendor puts anything but RAM; some have it (or a tightly coupled one) at 0. */
static bool in_ram(uint32_t sp)
{
	return sp >= 0x10000000 ? sp < 0x40000000 : sp >= 0x400 && sp <= 0x00400000;
}

bool vf_target_vectors_plausible(const uint8_t table[8], uint32_t base, uint32_t size)
{
	uint32_t sp = vf_get32(table);
	uint32_t reset = vf_get32(table + 4);
	return in_ram(sp) && sp % 4 == 0 && reset % 2 == 1 && reset - 1 >= base &&
	       reset - 1 - base < size;
}

static void check_vectors(vf_target *t, unsigned memory, vf_target_operation *o)
{
	const vf_memory *info = vf_t_info(t, memory);
	if (!vf_target_vectors_plausible(t->unit[memory].op.buf, info->base, info->size)) {
		vf_t_exec_fail(t, memory, VF_FAIL_NO_APPLICATION, o->offset);
		return;
	}
	t->run = VF_T_WANTED;
	t->run_reports = 0;
	t->run_address = info->base + o->offset;
	finish(t, memory, o);
}

/* --- the steps ----------------------------------------------------------------- */

static void begin(vf_target *t, unsigned memory, uint32_t number)
{
	vf_target_unit *u = &t->unit[memory];
	vf_target_operation *o = vf_t_slot(t, number);
	o->status = VF_T_RUNNING;
	u->number = number;
	u->type = o->type;
	u->branch = (vf_branch){.at = o->offset};
	vf_t_answer_begin(t, memory, o);
}

/* The operation this memory is at; NULL if there is none for it now. */
static vf_target_operation *current(vf_target *t, unsigned memory)
{
	const vf_target_queue *q = &t->queue;
	vf_target_unit *u = &t->unit[memory];
	for (uint32_t i = q->done; u->type == 0 && i != q->parsed; i++) {
		const vf_target_operation *o = vf_t_slot(t, i);
		bool alone = o->type == VF_MESSAGE_RUN || o->type == VF_MESSAGE_SET;
		if (o->refusal != VF_FAIL_NONE || (alone && i != q->done))
			return NULL;
		if (o->memory == memory && o->status == VF_T_QUEUED)
			begin(t, memory, i);
		if (o->type == VF_MESSAGE_SET && o->status != VF_T_FINISHED)
			break; /* nothing begins beside it */
	}
	return u->type != 0 ? vf_t_slot(t, u->number) : NULL;
}

/* True when it is done: there is nothing to do in the flash itself. */
static bool replace_set(vf_target *t, unsigned memory, vf_target_operation *o)
{
	uint8_t code = t->with.journal->replace(t, o);
	if (code == VF_FAIL_NONE)
		finish(t, memory, o);
	else if (code != VF_T_WAIT)
		vf_t_queue_fail(t, &(vf_failure){.operation = t->unit[memory].number,
						 .code = code,
						 .memory = (uint8_t)memory,
						 .address = o->offset});
	return code == VF_FAIL_NONE;
}

/* Makes the operation's next flash operation ready, if it can have one now. */
static bool advance(vf_target *t, unsigned memory, vf_target_operation *o)
{
	vf_target_unit *u = &t->unit[memory];
	switch (o->type) {
	case VF_MESSAGE_ERASE:
		if (!vf_t_exec_permitted(t, memory, o, o->length))
			return false;
		ready(u, VF_FLASH_ERASE, o->offset, o->length);
		return true;
	case VF_MESSAGE_PROGRAM:
	case VF_MESSAGE_DEFLATED:
		return next_page(t, memory, o);
	case VF_MESSAGE_SET:
		return replace_set(t, memory, o);
	case VF_MESSAGE_RECALL:
		t->with.journal->recall(t);
		return false;
	case VF_MESSAGE_RUN:
		if (vf_t_set_forbids(t)) {
			vf_t_exec_fail(t, memory, VF_FAIL_INCOMPLETE, o->offset);
			return false;
		}
		u->op.buf = t->config.memory[memory].work;
		ready(u, VF_FLASH_READ_MAPPED, o->offset, 8);
		return true;
	default:
		return vf_t_answer_next(t, memory, o);
	}
}

/* What follows when a flash operation ended well. */
static void follow(vf_target *t, unsigned memory, vf_target_operation *o)
{
	switch (o->type) {
	case VF_MESSAGE_ERASE:
		t->stats.erases++;
		finish(t, memory, o);
		break;
	case VF_MESSAGE_PROGRAM:
	case VF_MESSAGE_DEFLATED:
		if (t->unit[memory].op.kind == VF_FLASH_READ)
			compare(t, memory, o);
		else if (!t->queue.stopping)
			read_back(t, memory);
		break;
	case VF_MESSAGE_RUN:
		check_vectors(t, memory, o);
		break;
	default:
		vf_t_answer_take(t, memory, o);
		break;
	}
}

static void ended(vf_target *t, unsigned memory)
{
	vf_target_unit *u = &t->unit[memory];
	u->stage = VF_T_NONE;
	bool changed = u->op.kind == VF_FLASH_ERASE || u->op.kind == VF_FLASH_PROGRAM;
	if (t->deaf != VF_T_QUIET && t->deaf_memory == memory) {
		t->deaf = VF_T_QUIET;
		t->out.pending |= VF_T_STATE;
	}
	if (u->journal) {
		t->with.journal->ended(t);
		return;
	}
	if (changed && u->status != VF_OK && vf_t_keeps_journal(t))
		t->with.journal->failed(t, memory);
	if (u->orphan) {
		u->orphan = false;
		u->type = 0;
	} else if (u->status != VF_OK) {
		vf_t_exec_fail(t, memory, failure_code(u->status), u->op.offset);
	} else {
		follow(t, memory, vf_t_slot(t, u->number));
	}
	if (t->queue.stopping)
		u->type = 0; /* nothing follows */
}

/* A guest has nobody to tell, and knows by itself. */
static bool deafens(const vf_target *t, unsigned memory)
{
	return !t->session.guest && (vf_t_info(t, memory)->flags & VF_MEMORY_BLOCKING) != 0 &&
	       vf_t_longest_us(t, memory) > VF_T_DEAF_US;
}

/* An operation of a blocking driver that may take long is announced first; one
 * memory at a time, for there is one announcement, and each in its turn. */
void vf_t_exec_announce(vf_target *t)
{
	for (unsigned i = 1; t->deaf == VF_T_QUIET && i <= t->config.memories; i++) {
		unsigned m = (t->deaf_memory + i) % t->config.memories;
		if (t->unit[m].stage != VF_T_READY || !deafens(t, m))
			continue;
		t->deaf = VF_T_WANTED;
		t->deaf_memory = (uint8_t)m;
		t->out.pending |= VF_T_STATE;
	}
}

/* Somebody waits for a record, and this memory holds the journal. */
static bool journal_first(const vf_target *t, unsigned memory)
{
	return vf_t_keeps_journal(t) && memory == t->config.journal_memory &&
	       t->config.journal->wanted;
}

void vf_t_exec_step(vf_target *t, unsigned memory)
{
	vf_target_unit *u = &t->unit[memory];
	bool hashed = vf_t_answer_hash(t, memory);
	if (u->stage == VF_T_ENDED && (hashed || u->journal))
		ended(t, memory);
	if (vf_t_journal_unread(t))
		return;
	while (u->stage == VF_T_NONE && !t->queue.stopping && !journal_first(t, memory)) {
		vf_target_operation *o = current(t, memory);
		if (o == NULL)
			break;
		if (vf_t_answer_over(u, o))
			finish(t, memory, o);
		else if (!advance(t, memory, o))
			break;
	}
}

void vf_t_exec_drop(vf_target *t)
{
	for (unsigned m = 0; m < t->config.memories; m++) {
		vf_target_unit *u = &t->unit[m];
		if (u->stage == VF_T_READY && !u->journal)
			u->stage = VF_T_NONE;
		if (u->stage == VF_T_NONE || u->journal)
			u->type = 0;
		u->answer_len = 0;
		u->fresh_len = 0;
	}
	if (vf_t_keeps_journal(t))
		t->with.journal->drop(t);
	if (t->deaf != VF_T_QUIET && t->unit[t->deaf_memory].stage == VF_T_NONE) {
		t->deaf = VF_T_QUIET;
		t->out.reports &= (uint8_t)~VF_T_REPORTS_DEAF;
		t->out.pending |= VF_T_STATE;
	}
}

bool vf_t_exec_handed_out(const vf_target *t)
{
	for (unsigned m = 0; m < t->config.memories; m++) {
		if (t->unit[m].stage >= VF_T_BUSY)
			return true;
	}
	return false;
}

/* --- the flash door ------------------------------------------------------------ */

const vf_flash_op *vf_target_flash_next(vf_target *t, unsigned memory)
{
	if (memory >= t->config.memories)
		return NULL;
	vf_target_unit *u = &t->unit[memory];
	if (u->stage != VF_T_READY)
		return NULL;
	if (deafens(t, memory) && (t->deaf != VF_T_TOLD || t->deaf_memory != memory))
		return NULL;
	u->stage = VF_T_BUSY;
	u->since = t->now;
	return &u->op;
}

void vf_target_flash_done(vf_target *t, unsigned memory, int status)
{
	if (memory >= t->config.memories || t->unit[memory].stage != VF_T_BUSY)
		return;
	t->unit[memory].stage = VF_T_ENDED;
	t->unit[memory].status = status;
}
