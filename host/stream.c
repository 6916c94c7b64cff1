/* stream.c - the operations as one sequence of bytes (PROTOCOL §5).
 *
 * The stream is never stored: any part of it is made anew from the list of operations, header
 * and data, so that it can be cut into frames anywhere, and differently when it is sent again.
 */
#include "session_internal.h"

static uint32_t header_size(const vf_operation *op)
{
	const uint8_t type = op->message.type;

	return type == VF_MESSAGE_DIGEST || type == VF_MESSAGE_DEFLATED ? VF_WIRE_MESSAGE_LONG
									: VF_WIRE_MESSAGE_HEADER;
}

static uint32_t data_size(const vf_operation *op)
{
	return vf_message_data(&op->message);
}

static uint32_t stream_size(const vf_session *s, const vf_operation *op)
{
	return header_size(op) + data_size(op) + (s->guard.sealing ? VF_TRAILER_SIZE : 0);
}

static uint32_t stream_end(const vf_session *s, const vf_operation *op)
{
	return op->start + stream_size(s, op);
}

void vf_stream_reset(vf_session *s)
{
	s->first = s->last = s->cursor = NULL;
	s->next = s->end = 0;
	s->operations = 0;
	s->answering = 0;
}

void vf_stream_append(vf_session *s, vf_operation *op)
{
	if (s->first == NULL && s->echo.result == NULL)
		s->waiting = false; /* waiting begins anew, whatever went before */
	op->status = VF_OPERATION_WAITING;
	op->number = s->operations++;
	op->start = s->end;
	op->next = NULL;
	op->sealed = false;
	s->end = stream_end(s, op);
	if (s->last != NULL)
		s->last->next = op;
	else
		s->first = op;
	s->last = op;
	if (s->cursor == NULL)
		s->cursor = op;
}

vf_operation *vf_stream_find(vf_session *s, uint32_t number)
{
	for (vf_operation *op = s->first; op != NULL; op = op->next)
		if (op->number == number)
			return op;
	return NULL;
}

/* --- bytes ------------------------------------------------------------------- */

static void encode_data(vf_session *s, vf_encoder *e, const vf_operation *op, uint32_t at,
			uint32_t len)
{
	if (op->data != NULL) {
		vf_encode_put(e, op->data + at, len);
		return;
	}
	op->data_fn(op->data_ctx, at, s->body, len);
	vf_encode_put(e, s->body, len);
}

/* How many of `n` bytes at `in` of a message are of a part of it that begins at `from` and is
 * `size` long. */
static uint32_t share(uint32_t in, uint32_t n, uint32_t from, uint32_t size)
{
	if (in < from || in - from >= size)
		return 0;
	const uint32_t left = size - (in - from);
	return n < left ? n : left;
}

/* Puts what of [at, at+len) lies in one part of `op` - header, data, trailer -; returns how
 * many bytes. */
static uint32_t encode_part(vf_session *s, vf_encoder *e, vf_operation *op, uint32_t at,
			    uint32_t len)
{
	const uint32_t in = at - op->start;
	const uint32_t head = header_size(op), data = data_size(op);
	uint8_t header[VF_WIRE_MESSAGE_LONG];
	uint32_t n;

	if ((n = share(in, len, 0, head)) != 0) {
		(void)vf_seal_header(s, op, header);
		vf_encode_put(e, header + in, n);
	} else if ((n = share(in, len, head, data)) != 0) {
		encode_data(s, e, op, in - head, n);
	} else if ((n = share(in, len, head + data, VF_TRAILER_SIZE)) != 0) {
		vf_encode_put(e, vf_seal(s, op) + (in - head - data), n);
	}
	return n;
}

void vf_stream_encode(vf_session *s, vf_encoder *e, uint32_t at, uint32_t len)
{
	bool onward = at == s->next; /* not a repeat */
	vf_operation *op = onward ? s->cursor : s->first;

	while (op != NULL && vf_offset_diff(stream_end(s, op), at) <= 0)
		op = op->next;
	while (len > 0 && op != NULL) {
		uint32_t n = encode_part(s, e, op, at, len);
		at += n;
		len -= n;
		if (vf_offset_diff(stream_end(s, op), at) <= 0)
			op = op->next;
	}
	if (onward)
		s->cursor = op;
}

/* --- done --------------------------------------------------------------------- */

static void done_with(vf_session *s, vf_operation *op)
{
	op->status = VF_OPERATION_DONE;
	vf_stall_step(s);
}

bool vf_stream_finish(vf_session *s, uint32_t done)
{
	while (s->first != NULL && vf_offset_diff(s->first->number, done) < 0) {
		vf_operation *op = s->first;
		if (vf_offset_diff(stream_end(s, op), s->state.received) > 0)
			return false;
		s->first = op->next;
		if (s->first == NULL)
			s->last = NULL;
		if (op->extra != NULL)
			vf_answer_finish(s, op);
		else
			done_with(s, op);
	}
	return true;
}

/* --- submitting ----------------------------------------------------------------- */

static bool changes(const vf_operation *op)
{
	return op->message.type == VF_MESSAGE_ERASE ||
	       (op->message.type != VF_MESSAGE_SET && data_size(op) != 0);
}

static bool overlap(const vf_message *a, const vf_message *b)
{
	return (uint64_t)a->address + a->length > b->address &&
	       (uint64_t)b->address + b->length > a->address;
}

/* Does `op` change what an incomplete answer is about? */
static bool spoils_answer(const vf_session *s, const vf_operation *op)
{
	if (s->answering == 0 || !changes(op))
		return false;
	for (const vf_operation *o = s->first; o != NULL; o = o->next) {
		const stream_answer *a = o->extra;
		if (a != NULL && overlap(&a->op->message, &op->message))
			return true;
	}
	return false;
}

static bool complete(const vf_session *s, const vf_operation *op)
{
	const vf_message *m = &op->message;

	if (!s->board.proven ||
	    (s->guard.sealing &&
	     data_size(op) > s->board.welcome.window - VF_WIRE_MESSAGE_LONG - VF_TRAILER_SIZE))
		return false;
	if (m->memory >= s->board.welcome.memories || (m->flags & 0x80) != 0)
		return false;
	if (m->type == VF_MESSAGE_PROGRAM && op->data == NULL && op->data_fn == NULL)
		return false;
	if (m->type == VF_MESSAGE_DEFLATED &&
	    (op->data == NULL || m->packed == 0 || m->length > s->board.welcome.block))
		return false;
	if (m->type == VF_MESSAGE_DIGEST && m->group == 0)
		return false;
	if (m->type == VF_MESSAGE_SET && m->length != 0 && op->data == NULL)
		return false;
	return vf_answer_size(s, m) == 0 || op->answer != NULL;
}

int vf_session_submit(vf_session *s, vf_operation *op)
{
	if (s->status != VF_SESSION_OPEN || !complete(s, op) || spoils_answer(s, op))
		return VF_E_USAGE;
	if ((uint64_t)vf_session_backlog(s) + stream_size(s, op) > BACKLOG_MAX)
		return VF_E_USAGE;
	const uint32_t end = s->end;
	if (s->first == NULL && s->echo.result == NULL)
		vf_stall_begin(s);
	int status = vf_answer_submit(s, op);
	vf_stall_submitted(s, s->end - end);
	return status;
}

uint32_t vf_session_backlog(const vf_session *s)
{
	return s->status == VF_SESSION_OPEN ? s->end - s->state.received : 0;
}
