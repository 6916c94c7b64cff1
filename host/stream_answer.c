/* stream_answer.c - answers of READ, DIGEST, SHA256 and RECALL, put together from their pieces.
 *
 * The board keeps nothing of an answer. When it counts an operation as finished and pieces of
 * the answer got lost, the missing ranges are asked for with new operations, and the caller's
 * operation is finished when nothing is missing any more. On a bad or slow line it is never
 * asked as a whole but in short pieces from the start. The number of ranges is bounded: beyond
 * that, bytes that are here are counted as missing again.
 */
#include <string.h>

#include "session_internal.h"

static uint64_t group_bytes(const vf_session *s, const vf_message *m)
{
	return (uint64_t)m->group * s->board.memory[m->memory].erase[0].size;
}

uint32_t vf_answer_size(const vf_session *s, const vf_message *m)
{
	switch (m->type) {
	case VF_MESSAGE_READ:
		return m->length;
	case VF_MESSAGE_DIGEST: {
		uint64_t group = group_bytes(s, m);
		return (uint32_t)((m->length + group - 1) / group) * VF_DIGEST_SIZE;
	}
	case VF_MESSAGE_SHA256:
		return VF_SHA256_SIZE;
	case VF_MESSAGE_RECALL:
		return VF_WIRE_SET_HEADER + (uint32_t)VF_WIRE_SET_ENTRY * s->board.welcome.entries;
	default:
		return 0;
	}
}

/* --- gaps ---------------------------------------------------------------------- */

static void gap_remove(stream_answer *a, uint32_t i)
{
	a->gaps--;
	memmove(&a->gap[i], &a->gap[i + 1], (a->gaps - i) * sizeof a->gap[0]);
}

/* Makes room for one more by forgetting the shortest run of bytes between two gaps. */
static void gap_forget(stream_answer *a)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i + 1 < a->gaps; i++)
		if (a->gap[i + 1].start - a->gap[i].end < a->gap[best + 1].start - a->gap[best].end)
			best = i;
	a->gap[best].end = a->gap[best + 1].end;
	gap_remove(a, best + 1);
}

static void gap_split(stream_answer *a, uint32_t start, uint32_t end)
{
	if (a->gaps == GAPS_MAX)
		gap_forget(a);
	for (uint32_t i = 0; i < a->gaps; i++) {
		if (a->gap[i].start >= start || a->gap[i].end <= end)
			continue;
		memmove(&a->gap[i + 1], &a->gap[i], (a->gaps - i) * sizeof a->gap[0]);
		a->gaps++;
		a->gap[i].end = start;
		a->gap[i + 1].start = end;
		return;
	}
}

/* Bytes of [start, end) that are missing. */
static uint32_t missing(const stream_answer *a, uint32_t start, uint32_t end)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->gaps; i++) {
		const uint32_t from = a->gap[i].start > start ? a->gap[i].start : start;
		const uint32_t to = a->gap[i].end < end ? a->gap[i].end : end;
		n += from < to ? to - from : 0;
	}
	return n;
}

static void gap_fill(stream_answer *a, uint32_t start, uint32_t end)
{
	for (uint32_t i = 0; i < a->gaps;) {
		span *g = &a->gap[i];
		if (g->end <= start || g->start >= end) {
			i++;
		} else if (start <= g->start && end >= g->end) {
			gap_remove(a, i);
		} else if (start <= g->start) {
			g->start = end;
			return;
		} else if (end >= g->end) {
			g->end = start;
			i++;
		} else {
			gap_split(a, start, end);
			return;
		}
	}
}

void vf_answer_piece(vf_session *s, vf_operation *op, uint32_t at, const uint8_t *data,
		     uint32_t len)
{
	stream_answer *a = op->extra;
	uint32_t size = vf_answer_size(s, &op->message);

	if (at >= size || len > size - at)
		return;
	at += op->part;
	memcpy(a->op->answer + at, data, len);
	uint32_t news = missing(a, at, at + len);
	news = news < a->uncounted ? news : a->uncounted;
	a->uncounted -= news;
	vf_stall_bytes(s, news);
	gap_fill(a, at, at + len);
}

/* --- asking, and asking again --------------------------------------------------------- */

/* Can it only be asked for as a whole? */
static bool indivisible(const vf_message *m)
{
	return m->type != VF_MESSAGE_READ && m->type != VF_MESSAGE_DIGEST;
}

/* Turns `m` into a message for the part of its answer that is `gap`; returns where the answer
 * to it will begin. */
static uint32_t narrow(const vf_session *s, vf_message *m, span gap)
{
	if (m->type == VF_MESSAGE_READ) {
		m->address += gap.start;
		m->length = gap.end - gap.start;
		return gap.start;
	}
	if (m->type == VF_MESSAGE_DIGEST) {
		uint64_t group = group_bytes(s, m);
		uint32_t first = gap.start / VF_DIGEST_SIZE;
		uint64_t past = (gap.end + VF_DIGEST_SIZE - 1) / VF_DIGEST_SIZE * group;
		if (past > m->length)
			past = m->length;
		m->address += (uint32_t)(first * group);
		m->length = (uint32_t)(past - first * group);
		return first * VF_DIGEST_SIZE;
	}
	return 0;
}

/* The part of the answer at `at` that one question is to bring. */
static span portion(const vf_message *m, uint32_t at, uint32_t end, uint32_t most)
{
	if (indivisible(m))
		return (span){at, end};
	if (m->type == VF_MESSAGE_DIGEST)
		most &= ~(VF_DIGEST_SIZE - 1u);
	return (span){at, end - at > most ? at + most : end};
}

static void ask(vf_session *s, stream_answer *a)
{
	uint32_t most = vf_link_answer_piece(s);
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->gaps; i++)
		for (uint32_t at = a->gap[i].start; at < a->gap[i].end && n < GAPS_MAX; n++) {
			span part = portion(&a->op->message, at, a->gap[i].end, most);
			vf_operation *o = &a->piece[n];
			*o = (vf_operation){.message = a->op->message, .extra = a};
			o->part = narrow(s, &o->message, part);
			a->asked |= 1u << n;
			vf_stream_append(s, o);
			if (indivisible(&o->message))
				return;
			at = part.end;
		}
}

static stream_answer *answer_new(vf_session *s, vf_operation *op, uint32_t total)
{
	stream_answer *a = vf_resize(&s->config.alloc, NULL, sizeof *a);

	if (a == NULL)
		return NULL;
	memset(a, 0, sizeof *a);
	a->op = op;
	a->uncounted = total;
	a->gaps = 1;
	a->gap[0] = (span){0, total};
	op->extra = a;
	op->part = 0;
	s->answering++;
	return a;
}

int vf_answer_submit(vf_session *s, vf_operation *op)
{
	uint32_t total = vf_answer_size(s, &op->message);

	op->extra = NULL;
	if (total == 0) {
		vf_stream_append(s, op);
		return VF_OK;
	}
	stream_answer *a = answer_new(s, op, total);
	if (a == NULL)
		return VF_E_NOMEM;
	if (!indivisible(&op->message) && total > vf_link_answer_piece(s)) {
		op->status = VF_OPERATION_WAITING;
		ask(s, a);
	} else {
		vf_stream_append(s, op);
	}
	return VF_OK;
}

void vf_answer_finish(vf_session *s, vf_operation *op)
{
	stream_answer *a = op->extra;

	if (op != a->op)
		a->asked &= ~(1u << (op - a->piece));
	if (a->asked != 0)
		return; /* the last of them settles it */
	if (a->gaps > 0) {
		if (a->again < AGAIN_MAX) {
			a->again++;
			vf_stall_step(s); /* it worked; what it found got lost */
		}
		ask(s, a);
		return;
	}
	op = a->op;
	op->extra = NULL;
	op->status = VF_OPERATION_DONE;
	vf_stall_step(s);
	vf_free(&s->config.alloc, a);
	s->answering--;
}

/* The session is over: `op` is in the queue, as itself or as one that asks for a piece. */
void vf_answer_drop(vf_session *s, vf_operation *op)
{
	stream_answer *a = op->extra;

	if (op != a->op)
		a->asked &= ~(1u << (op - a->piece));
	if (a->asked != 0)
		return;
	a->op->extra = NULL;
	a->op->status = VF_OPERATION_DROPPED;
	vf_free(&s->config.alloc, a);
	s->answering--;
}
