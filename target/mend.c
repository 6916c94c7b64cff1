/* mend.c - a DATA frame in which one bit was flipped on the way is put right (PROTOCOL
 * §4.4): on a UART that is most of what noise does, and saves sending it again.
 *
 * Only what follows directly on what has come, and only data of a message whose header is
 * known: should more have been flipped than it looks like, data are wrong that the host
 * compares in the end; or, at the very end of what was sent, more seems to have come than
 * was, and the host ends the session. With a key, wrong data would always do that, so
 * nothing is mended.
 */
#include "engine.h"

enum { MOST_LOST = 16 }; /* frames between the last one that was seen and this one */

/* Is it the header of a message as a host sends it behind `o`: the same again, further on? */
static bool goes_on(const vf_target *t, const vf_target_operation *o, const uint8_t *header)
{
	return o->type == VF_MESSAGE_PROGRAM &&
	       vf_get32(header) == (VF_MESSAGE_PROGRAM | (uint32_t)o->memory << 16) &&
	       vf_get32(header + 4) == vf_t_info(t, o->memory)->base + o->offset + o->length &&
	       vf_get32(header + 8) == o->length;
}

/* How many of the bytes are data of the message that is under way, or of one of which all
 * was known before. Those of SET nobody compares. */
static uint32_t known(vf_target *t, uint32_t offset, const uint8_t *bytes, uint32_t len)
{
	const vf_target_queue *q = &t->queue;
	vf_t_queue_parse(t);
	const vf_target_operation *o = vf_t_slot(t, q->parsed - 1);
	uint32_t ahead = offset - q->cursor;
	if (ahead >= q->skip || o->type == VF_MESSAGE_SET)
		return 0;
	uint32_t left = q->skip - ahead;
	if (len >= left + VF_WIRE_MESSAGE_HEADER && goes_on(t, o, bytes + left))
		left += VF_WIRE_MESSAGE_HEADER + o->length;
	return vf_t_min(len, left);
}

bool vf_target_mend(vf_target *t)
{
	uint8_t *body = t->decoder.buf;
	if (!t->session.open || vf_t_has_key(t))
		return false;
	uint32_t len = (uint32_t)vf_mend(body, t->decoder.len);
	if (len <= VF_WIRE_DATA_HEADER || vf_body_kind(body) != VF_KIND_DATA ||
	    vf_body_tag(body) != vf_t_tag(t) ||
	    (uint16_t)(vf_body_number(body) - t->session.seen - 1) >= MOST_LOST)
		return false;
	uint32_t offset = vf_get32(body + VF_WIRE_HEADER);
	const uint8_t *data = body + VF_WIRE_DATA_HEADER;
	len = known(t, offset, data, len - VF_WIRE_DATA_HEADER);
	if (len == 0 || !vf_t_stream_put(t, offset, data, len))
		return false;
	t->stats.frames++;
	t->session.seen = vf_body_number(body);
	t->session.mended++;
	vf_t_rate_heard(t, VF_KIND_DATA);
	t->out.pending |= VF_T_STATE;
	return true;
}
