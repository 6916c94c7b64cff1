/* unpack.c - DEFLATED: where its bytes are unpacked, and when.
 *
 * All memories share one block buffer. Operations hold it in the order of the
 * queue, so that the one the window waits for is never kept waiting. The bytes
 * of an operation lie in it as they lie in the flash's pages, as far as there is
 * room to, so that pages can be programmed from where they are.
 *
 * Unpacking goes on a page at a time and only after the chips have been given
 * what is ready for them: a page is unpacked while the one before it is being
 * programmed, all that has arrived while the memory is erased. The next
 * operation's bytes follow behind the pages that are still needed.
 */
#include <string.h>

#include "engine.h"
#include "inflate.h"

enum { AHEAD = 2 };

static uint32_t page_of(const vf_target *t, const vf_target_operation *o)
{
	return vf_t_info(t, o->memory)->page;
}

/* Where in the buffer the operation's bytes begin. */
static uint32_t start_of(const vf_target *t, const vf_target_operation *o)
{
	uint32_t start = o->offset & (page_of(t, o) - 1);
	return start <= t->config.block_len - o->length ? start : 0;
}

static bool deflated(const vf_target_operation *o)
{
	return o->type == VF_MESSAGE_DEFLATED && o->refusal == VF_FAIL_NONE;
}

/* --- room --------------------------------------------------------------------- */

/* Keeps `*most` off bytes that are needed yet, from position `at` of the buffer. */
static void spare(uint32_t at, uint32_t start, uint32_t len, uint32_t *most)
{
	if (len != 0 && at < start + len)
		*most = vf_t_min(*most, start);
}

/* How far the buffer may be filled from `at` on: up to what earlier operations
 * have there, and to pages in the hands of a chip, also for an earlier session. */
static uint32_t room_from(const vf_target *t, uint32_t at)
{
	const vf_target_queue *q = &t->queue;
	uint32_t most = t->config.block_len;
	for (uint32_t i = q->done; vf_offset_diff(i, t->unpack.number) < 0; i++) {
		const vf_target_operation *o = &t->slot[i % VF_TARGET_QUEUE];
		if (deflated(o))
			spare(at, start_of(t, o) + o->at, o->length - o->at, &most);
	}
	for (unsigned m = 0; m < t->config.memories; m++) {
		const vf_target_unit *u = &t->unit[m];
		uintptr_t offset = (uintptr_t)u->op.data - (uintptr_t)t->config.block;
		bool here = u->op.data != NULL && offset < t->config.block_len;
		if (here && u->stage != VF_T_NONE)
			spare(at, (uint32_t)offset, u->op.len, &most);
	}
	return most;
}

/* --- progress ------------------------------------------------------------------- */

/* The end of the page that the operation's memory will need next. */
static uint32_t page_end(const vf_target *t, const vf_target_operation *o, uint32_t from)
{
	uint32_t page = page_of(t, o);
	uint32_t n = page - ((o->offset + from) & (page - 1));
	return from + vf_t_min(n, o->length - from);
}

/* How many bytes should be made now: two more than the page has, for an instruction
 * may reach into the next. A match reaches up to 257 bytes beyond. */
static uint32_t wanted(const vf_target *t, const vf_target_operation *o)
{
	const vf_target_unit *u = &t->unit[o->memory];
	uint32_t made = t->config.inflate->made, start = start_of(t, o);
	bool erasing = u->stage == VF_T_BUSY && u->op.kind == VF_FLASH_ERASE;
	uint32_t want = page_end(t, o, erasing ? vf_t_min(made, o->length - 1) : o->at);
	want = vf_t_min(want + AHEAD, o->length);
	uint32_t end = room_from(t, start + made);
	uint32_t room = end > start ? end - start : 0;
	if (room >= o->length)
		return want;
	return vf_t_min(want, room > VF_T_MATCH_MOST ? room - VF_T_MATCH_MOST : 0);
}

/* Bytes of the operation that have arrived. */
static uint32_t arrived(const vf_target *t, const vf_target_operation *o)
{
	int32_t n = vf_offset_diff(t->stream.received, o->cursor);
	return n > 0 ? vf_t_min((uint32_t)n, o->rest) : 0;
}

/* Takes up the next operation when the last one is unpacked. */
static bool find(vf_target *t)
{
	const vf_target_queue *q = &t->queue;
	vf_target_unpack *u = &t->unpack;
	if (t->config.block_len == 0 || q->stopping)
		return false;
	if (!u->active && vf_offset_diff(u->number, q->done) < 0)
		u->number = q->done;
	for (; !u->active && u->number != q->parsed; u->number++) {
		const vf_target_operation *o = vf_t_slot(t, u->number);
		if (!deflated(o))
			continue;
		if (room_from(t, start_of(t, o)) <= start_of(t, o))
			return false;
		vf_t_inflate_init(t->config.inflate, t->config.block + start_of(t, o), o->length,
				  o->rest);
		u->active = true;
		u->bad = false;
		u->starved = false;
		return true;
	}
	return u->active;
}

/* Flash operations that are ready go first: they cost no time of ours. */
static bool chips_served(const vf_target *t)
{
	for (unsigned m = 0; m < t->config.memories; m++) {
		if (t->unit[m].stage == VF_T_READY || t->unit[m].stage == VF_T_ENDED)
			return false;
	}
	return true;
}

static bool can_go_on(const vf_target *t)
{
	const vf_target_unpack *u = &t->unpack;
	const vf_target_operation *o = &t->slot[u->number % VF_TARGET_QUEUE];
	if (!u->active || u->bad || t->queue.stopping || (u->starved && arrived(t, o) == 0))
		return false;
	uint32_t want = wanted(t, o);
	return t->config.inflate->made < want || want == o->length;
}

static enum vf_inflate_result feed(vf_target *t, vf_target_operation *o, uint32_t want)
{
	enum vf_inflate_result result;
	uint32_t taken, at, n;
	do {
		at = o->cursor & (t->config.window_len - 1);
		n = vf_t_min(arrived(t, o), t->config.window_len - at);
		result = vf_t_inflate(t->config.inflate, t->config.window + at, n, want, &taken);
		o->cursor += taken;
		o->rest -= taken;
	} while (result == VF_INFLATE_MORE && arrived(t, o) != 0);
	return result;
}

static bool waits(const vf_target *t)
{
	return t->config.block_len != 0 && chips_served(t) && can_go_on(t);
}

static bool step(vf_target *t)
{
	vf_target_unpack *u = &t->unpack;
	if (!find(t) || !waits(t))
		return false;
	vf_target_operation *o = vf_t_slot(t, u->number);
	uint32_t before = t->config.inflate->made;
	enum vf_inflate_result result = feed(t, o, wanted(t, o));
	t->stats.unpacked += t->config.inflate->made - before;
	u->starved = result == VF_INFLATE_MORE;
	u->bad = result == VF_INFLATE_BAD;
	if (result == VF_INFLATE_DONE) {
		u->active = false;
		u->number++;
		(void)find(t);
	}
	return true;
}

/* --- what the memory gets --------------------------------------------------------- */

/* An operation's bytes from `o->at` on, if they are unpacked up to `upto`; else NULL. */
static const uint8_t *bytes_upto(const vf_target *t, uint32_t number, uint32_t upto)
{
	const vf_target_operation *o = &t->slot[number % VF_TARGET_QUEUE];
	int32_t ahead = vf_offset_diff(number, t->unpack.number);
	if (ahead > 0 || (ahead == 0 && !t->unpack.active))
		return NULL;
	if (ahead == 0 && (upto == o->length || t->config.inflate->made < upto))
		return NULL;
	return t->config.block + start_of(t, o) + o->at;
}

static bool failed(const vf_target *t, uint32_t number)
{
	return t->unpack.active && t->unpack.bad && t->unpack.number == number;
}

static const uint8_t *page(vf_target *t, unsigned memory, const vf_target_operation *o,
			   uint32_t need)
{
	vf_target_unit *u = &t->unit[memory];
	uint8_t *work = t->config.memory[memory].work;
	uint32_t ahead = o->branches ? vf_t_min(AHEAD, o->length - o->at - need) : 0;
	const uint8_t *bytes = bytes_upto(t, u->number, o->at + need + ahead);
	if (bytes == NULL) {
		if (failed(t, u->number))
			vf_t_exec_fail(t, memory, VF_FAIL_PACKING, o->offset + o->at);
		return NULL;
	}
	if (!vf_t_exec_permitted(t, memory, o, need))
		return NULL;
	if (o->branches) {
		vf_branch_walk(&u->branch, bytes, need, ahead, work);
		return work;
	}
	if ((uintptr_t)bytes % 32 == 0)
		return bytes;
	return memcpy(work, bytes, need);
}

const struct vf_target_unpack_feature vf_target_unpack_feature = {step, waits, page};
