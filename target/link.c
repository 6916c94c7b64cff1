/* link.c - what the host says: frames out of the ring, the session, control.
 *
 * Control is answered at once, beside the stream: a request leaves a mark in
 * `out.pending` and send.c makes the frame when the port takes one. Requests
 * that come faster than they can be answered share an answer.
 */
#include <string.h>

#include "engine.h"

/* Most payload of a frame to the board: what its buffer holds, and no more than
 * a quarter of the ring. */
uint32_t vf_t_payload_in(const vf_target *t)
{
	uint32_t n = t->config.frame_len - VF_WIRE_DATA_HEADER - 4;
	return vf_t_min(vf_t_min(n, t->config.ring_len / 4), VF_WIRE_PAYLOAD_MAX);
}

/* Most payload of a frame from the board: what its buffer holds after
 * VF_WIRE_FRAME_SIZE is undone, and no more than the host takes. */
uint32_t vf_t_payload_out(const vf_target *t)
{
	uint32_t coded = t->config.tx_len - 3;
	uint32_t n = coded - (coded + 1) / 255 - 4 - VF_WIRE_ANSWER_HEADER;
	return vf_t_min(n, t->session.open ? t->session.payload : VF_WIRE_PAYLOAD_MAX);
}

/* Forgets the session's operations and stream. What the chips are doing they
 * finish, and it counts for nobody. */
void vf_t_session_clear(vf_target *t)
{
	t->session.open = t->session.guest = false;
	if (vf_t_has_key(t))
		t->with.guard->forget(t);
	memset(&t->stream, 0, sizeof t->stream);
	memset(&t->queue, 0, sizeof t->queue);
	memset(&t->unpack, 0, sizeof t->unpack);
	vf_t_exec_drop(t);
	for (unsigned m = 0; m < t->config.memories; m++)
		t->unit[m].orphan = t->unit[m].stage != VF_T_NONE && !t->unit[m].journal;
	t->run = VF_T_QUIET;
	t->out.reports &= (uint8_t)~VF_T_REPORTS_RUN;
	t->out.pending &= (uint8_t) ~(VF_T_STATE | VF_T_WELCOME | VF_T_PROVED);
	t->out.describe = 0;
	vf_t_rate_clear(t);
	t->out.told_done = 0;
	t->out.told_stopped = false;
}

static void open_session(vf_target *t, const vf_hello *h)
{
	if (vf_t_hears_guests(t))
		t->config.guest->end(t->config.guest->self);
	vf_t_session_clear(t);
	t->session = (vf_target_session){
		.number = h->session,
		.open = true,
		.fresh = t->session.number == 0,
		.payload = h->payload,
		.lost = vf_t_ring_lost(t),
	};
	if (vf_t_has_key(t))
		t->with.guard->open(t);
	t->out.number = 0;
	t->out.told_limit = t->config.window_len;
	t->out.told_at = t->now;
}

static void refuse(vf_target *t, const uint8_t *body, uint8_t code)
{
	t->out.refuse = (vf_refuse){.code = code,
				    .kind = vf_body_kind(body),
				    .version_min = VF_WIRE_VERSION,
				    .version_max = VF_WIRE_VERSION};
	t->out.refuse_tag = vf_body_tag(body);
	t->out.pending |= VF_T_REFUSE;
}

/* What is neither text nor a frame: a host is at work that this board does not
 * follow, since it restarted perhaps, and line ends in it are nobody's. */
void vf_t_link_noise(vf_target *t)
{
	t->asked = false;
	t->noisy = true;
	t->noise_at = t->now;
}

static void damaged(vf_target *t)
{
	t->stats.damaged++;
	vf_t_link_noise(t);
	if (t->session.open) {
		t->session.damaged++;
		t->out.pending |= VF_T_STATE;
	}
}

static void take_hello(vf_target *t, const uint8_t *body, size_t len)
{
	vf_hello h;
	if (vf_unpack_hello(&h, body, len) < 0) {
		damaged(t);
		return;
	}
	if (h.version_min > VF_WIRE_VERSION || h.version_max < VF_WIRE_VERSION) {
		refuse(t, body, VF_REFUSE_VERSION);
		return;
	}
	if (!t->session.open || t->session.number != h.session)
		open_session(t, &h);
	t->session.seen = vf_body_number(body);
	vf_t_rate_heard(t, VF_KIND_HELLO);
	t->out.pending |= VF_T_WELCOME;
	if ((h.flags & VF_HELLO_DESCRIBE) != 0)
		t->out.describe = (uint8_t)((1u << t->config.memories) - 1);
}

/* A RUN that was reported is done: it goes, with ENDED for the last report. */
static void end_session(vf_target *t)
{
	bool goes = t->run != VF_T_QUIET && t->run_reports != 0;
	t->out.ended_tag = vf_t_tag(t);
	t->out.pending |= VF_T_ENDING;
	vf_t_session_clear(t);
	if (goes)
		t->run = VF_T_WANTED;
}

static void take_data(vf_target *t, const uint8_t *body, size_t len)
{
	if (vf_t_unproven(t)) {
		refuse(t, body, VF_REFUSE_UNPROVEN);
		return;
	}
	(void)vf_t_stream_put(t, vf_get32(body + VF_WIRE_HEADER), body + VF_WIRE_DATA_HEADER,
			      (uint32_t)(len - VF_WIRE_DATA_HEADER));
	t->out.pending |= VF_T_STATE;
}

static void take_describe(vf_target *t, const uint8_t *body)
{
	uint8_t index = body[VF_WIRE_HEADER];
	if (index < t->config.memories)
		t->out.describe |= (uint8_t)(1u << index);
	else
		refuse(t, body, VF_REFUSE_MEMORY);
}

static void take_rate(vf_target *t, const uint8_t *body)
{
	if (t->config.rate_max != 0 && !t->speed.withheld)
		t->with.rate->ask(t, vf_get32(body + VF_WIRE_HEADER));
	else
		refuse(t, body, VF_REFUSE_KIND);
}

static void take_prove(vf_target *t, const uint8_t *body, size_t len)
{
	vf_prove p;
	if (!vf_t_has_key(t))
		refuse(t, body, VF_REFUSE_KIND);
	else if (vf_unpack_prove(&p, body, len) < 0)
		damaged(t);
	else
		t->with.guard->prove(t, &p);
}

static size_t least_len(uint8_t kind)
{
	if (kind == VF_KIND_DATA)
		return VF_WIRE_DATA_HEADER + 1;
	if (kind == VF_KIND_RATE)
		return VF_WIRE_RATE_SIZE;
	return kind == VF_KIND_DESCRIBE ? VF_WIRE_HEADER + 1 : VF_WIRE_HEADER;
}

/* A frame of the open session. */
static void take_own(vf_target *t, const uint8_t *body, size_t len)
{
	if (len < least_len(vf_body_kind(body))) {
		damaged(t);
		return;
	}
	t->session.seen = vf_body_number(body);
	vf_t_rate_heard(t, vf_body_kind(body));
	switch (vf_body_kind(body)) {
	case VF_KIND_DESCRIBE:
		take_describe(t, body);
		break;
	case VF_KIND_QUERY:
		t->out.pending |= VF_T_STATE;
		break;
	case VF_KIND_ABORT:
		end_session(t);
		break;
	case VF_KIND_ECHO:
		vf_t_send_echo(t, body + VF_WIRE_HEADER, len - VF_WIRE_HEADER);
		break;
	case VF_KIND_DATA:
		take_data(t, body, len);
		break;
	case VF_KIND_RATE:
		take_rate(t, body);
		break;
	case VF_KIND_PROVE:
		take_prove(t, body, len);
		break;
	default:
		refuse(t, body, VF_REFUSE_KIND);
		break;
	}
}

static void take_frame(vf_target *t, const uint8_t *body, size_t len)
{
	t->stats.frames++;
	t->asked = false; /* that is no person */
	if (vf_body_kind(body) >= 0x80)
		return;
	if (vf_body_kind(body) == VF_KIND_HELLO) {
		take_hello(t, body, len);
	} else if (t->session.open && vf_body_tag(body) == vf_t_tag(t)) {
		take_own(t, body, len);
	} else {
		t->out.ended_tag = vf_body_tag(body);
		t->out.pending |= VF_T_ENDING;
	}
}

/* --- out of the ring ------------------------------------------------------------- */

static void remember_last(vf_target *t, const uint8_t *in, size_t n)
{
	t->last[1] = n > 1 ? in[n - 2] : t->last[0];
	t->last[0] = in[n - 1];
	t->last_at = t->now;
}

/* What was left unfinished long ago does not begin the line that comes now. */
static void forget_stale_text(vf_target *t)
{
	if (t->now - t->last_at >= VF_T_NOISE_US)
		(void)vf_decoder_flush_text(&t->decoder);
}

/* Decodes up to the byte that makes something of those before it; how many. */
uint32_t vf_t_link_decode(vf_target *t, const uint8_t *in, uint32_t len)
{
	enum vf_decoder_event event;
	uint32_t n = (uint32_t)vf_decode(&t->decoder, in, len, &event);
	if (n != 0)
		remember_last(t, in, n);
	if (event == VF_DECODE_FRAME)
		take_frame(t, t->decoder.buf, t->decoder.len);
	else if (event == VF_DECODE_DAMAGED && (t->with.mend == NULL || !t->with.mend(t)))
		damaged(t);
	else if (event == VF_DECODE_TEXT && t->with.text != NULL && !vf_t_hears_guests(t))
		t->with.text->line(t, t->decoder.buf, t->decoder.len);
	return n;
}

/* Takes what was in the ring when it began, so that it ends. */
void vf_t_link_drain(vf_target *t)
{
	uint32_t budget = vf_t_ring_used(t);
	if (budget != 0)
		forget_stale_text(t);
	while (budget != 0) {
		const uint8_t *in;
		uint32_t len = vf_t_min(vf_t_ring_peek(t, &in), budget);
		bool shared = vf_t_hears_guests(t);
		uint32_t n = shared ? t->config.guest->engine->share(t, in, len)
				    : vf_t_link_decode(t, in, len);
		if (shared && n == 0)
			return;
		vf_t_ring_take(t, n);
		budget -= n;
	}
}
