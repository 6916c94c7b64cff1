/* queue.c - messages of the stream -> operations, and when they are over.
 *
 * A message is parsed as soon as its header has arrived, up to VF_TARGET_QUEUE
 * operations ahead. What follows a message stays in the window; the operation keeps a
 * cursor into the stream and the window gives room back behind the first
 * cursor that still needs bytes. An operation that is refused is queued too: it
 * fails when all before it is done, so that failures come in order; nothing
 * after it is parsed. On a board with a key a message is parsed when all of it has
 * arrived and its trailer was found right.
 */
#include <string.h>

#include "engine.h"

static uint32_t arrived(const vf_target *t)
{
	return t->stream.received - t->queue.cursor;
}

static void skip_data(vf_target *t)
{
	uint32_t n = vf_t_min(t->queue.skip, arrived(t));
	t->queue.cursor += n;
	t->queue.skip -= n;
}

static void enqueue(vf_target *t, const vf_message *m, uint8_t reserved, uint8_t verdict)
{
	vf_target_queue *q = &t->queue;
	vf_target_operation *o = vf_t_slot(t, q->parsed++);
	memset(o, 0, sizeof *o);
	o->type = m->type;
	o->memory = m->memory;
	o->branches = (m->flags & VF_MESSAGE_BRANCHES) != 0;
	o->refusal = verdict != VF_FAIL_NONE ? verdict : vf_t_check(t, m, reserved);
	o->length = m->length;
	o->group = m->group;
	o->cursor = q->cursor;
	o->offset = m->address;
	if (o->refusal == VF_FAIL_NONE) {
		if (vf_t_of_journal(m->type))
			o->memory = t->config.journal_memory;
		else
			o->offset -= vf_t_info(t, m->memory)->base;
		if (vf_message_data(m) != 0)
			o->rest = vf_message_data(m);
		q->skip = vf_message_data(m) + (vf_t_has_key(t) ? VF_TRAILER_SIZE : 0);
	}
	q->halted = o->refusal != VF_FAIL_NONE || m->type == VF_MESSAGE_RUN;
}

/* May it be taken now? What is of no known type has no known end either: it is refused
 * for what it is, and nothing is done with it. */
static uint8_t judge(vf_target *t, vf_message *m, uint32_t header)
{
	if (!vf_t_has_key(t) || !vf_t_known(&t->config, m->type))
		return VF_FAIL_NONE;
	return t->with.guard->judge(t, m, header);
}

void vf_t_queue_parse(vf_target *t)
{
	vf_target_queue *q = &t->queue;
	for (skip_data(t); !q->halted && q->skip == 0 && q->parsed - q->done < VF_TARGET_QUEUE;
	     skip_data(t)) {
		uint8_t bytes[VF_WIRE_MESSAGE_LONG];
		vf_message m;
		uint32_t n = vf_t_min(arrived(t), sizeof bytes);
		vf_t_stream_copy(t, q->cursor, bytes, n);
		size_t header = vf_unpack_message(&m, bytes, n);
		if (header == 0)
			return;
		uint8_t verdict = judge(t, &m, (uint32_t)header);
		if (verdict == VF_T_WAIT)
			return;
		q->cursor += (uint32_t)header;
		enqueue(t, &m, bytes[3], verdict);
	}
}

/* Where the refused operation is the next one, its turn to fail has come. */
static void fail_refused(vf_target *t)
{
	vf_target_queue *q = &t->queue;
	const vf_target_operation *o = vf_t_slot(t, q->done);
	if (q->done != q->parsed && o->refusal != VF_FAIL_NONE)
		vf_t_queue_fail(t, &(vf_failure){.operation = q->done,
						 .code = o->refusal,
						 .memory = o->memory,
						 .address = o->offset});
}

bool vf_t_queue_retire(vf_target *t)
{
	vf_target_queue *q = &t->queue;
	uint32_t before = q->done;
	while (q->done != q->parsed && vf_t_slot(t, q->done)->status == VF_T_FINISHED)
		q->done++;
	fail_refused(t);
	return q->done != before;
}

/* Gives the window back what nobody needs any more. */
void vf_t_queue_consume(vf_target *t)
{
	vf_target_queue *q = &t->queue;
	t->stream.consumed = q->cursor;
	for (uint32_t i = q->done; i != q->parsed; i++) {
		const vf_target_operation *o = vf_t_slot(t, i);
		bool takes = o->type == VF_MESSAGE_PROGRAM || o->type == VF_MESSAGE_DEFLATED ||
			     o->type == VF_MESSAGE_SET;
		if (!takes || o->refusal != VF_FAIL_NONE || o->rest == 0)
			continue;
		t->stream.consumed = o->cursor;
		return;
	}
}

/* The first failure in the order of the queue counts, not the first in time. */
void vf_t_queue_fail(vf_target *t, const vf_failure *failure)
{
	vf_target_queue *q = &t->queue;
	if (q->stopped)
		return;
	if (!q->stopping || vf_offset_diff(failure->operation, q->failure.operation) < 0)
		q->failure = *failure;
	q->stopping = true;
	q->halted = true;
	vf_t_exec_drop(t);
}

/* Stops once the chips have ended what they were doing: until then an earlier
 * operation may yet fail. From then on the stream is swallowed. */
void vf_t_queue_settle(vf_target *t)
{
	vf_target_queue *q = &t->queue;
	if (q->stopping && !q->stopped && !vf_t_exec_handed_out(t)) {
		q->stopped = true;
		q->parsed = q->done;
	}
	if (q->stopped) {
		q->cursor = t->stream.received;
		t->stream.consumed = q->cursor;
	}
}
