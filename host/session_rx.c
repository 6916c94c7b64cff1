/* session_rx.c - what the board says: bytes to frames, and each kind of frame but STATE.
 *
 * Nothing a board says is taken on trust: every number that will be used as a size or an index
 * is checked before it is kept, and what contradicts itself ends the session with a line.
 */
#include <inttypes.h>
#include <string.h>

#include "session_internal.h"

enum {
	FRAME_EXTRA = 7, /* raw bytes of a short frame besides its body */
	HELLO_SIZE = 24,
};

static bool power_of_two(uint32_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

/* --- opening ----------------------------------------------------------------- */

/* What is wrong with a WELCOME; NULL: nothing. */
static const char *welcome_fault(const vf_welcome *w)
{
	if (w->version != VF_WIRE_VERSION)
		return "it chose a protocol version that was not offered";
	if (w->memories < 1 || w->memories > VF_WIRE_MEMORIES_MAX)
		return "it must have 1 to 8 memories";
	if ((w->capabilities & VF_CAP_KEY) != 0 && w->window < 1024)
		return "it has a key, and a window that is too small for that";
	if (!power_of_two(w->ring) || w->ring < 1024 || w->ring > UINT32_C(1) << 30)
		return "its receive ring is no power of two from 1 KB up";
	if (!power_of_two(w->window) || w->window < 512 || w->window > UINT32_C(1) << 30)
		return "its window is no power of two from 512 bytes up";
	if (w->payload < VF_WIRE_PAYLOAD_MIN || w->payload > VF_WIRE_PAYLOAD_MAX ||
	    w->payload > w->ring / 4)
		return "its payload is not between 64 bytes and a quarter of its ring";
	if (w->answer < VF_WIRE_PAYLOAD_MIN || w->answer > VF_WIRE_PAYLOAD_MAX)
		return "its answers are not between 64 and 4096 bytes a frame";
	if (w->credit > w->ring || w->credit < DATA_FRAME_SIZE(VF_WIRE_PAYLOAD_MIN))
		return "its credit does not hold one frame, or is more than its ring";
	if (w->queue == 0)
		return "its queue holds no operation";
	return NULL;
}

/* They come one after the other, unasked. */
static void await_memories(vf_session *s)
{
	for (unsigned i = 0; i < VF_WIRE_MEMORIES_MAX; i++)
		s->asked_us[i] = s->now;
	s->repeat_us = s->now + vf_link_repeat_interval(s);
}

static void on_welcome(vf_session *s, const uint8_t *body, size_t len)
{
	vf_welcome w;

	if (s->status != VF_SESSION_OPENING || s->welcomed)
		return;
	const char *fault = "it is too short, or contradicts itself";
	if (vf_unpack_welcome(&w, body, len) == 0) {
		if (w.session != s->number)
			return;
		fault = welcome_fault(&w);
	}
	if (fault != NULL) {
		vf_session_set_lost(s, VF_E_LINK,
				    "the board's greeting makes no sense: %s; update the board's "
				    "loader or this program",
				    fault);
		return;
	}
	s->board.welcome = w;
	s->welcomed = true;
	s->want_hello = false;
	s->give_up_us = s->now + s->config.open_timeout_us;
	uint64_t took = s->now - s->hello_us;
	if (s->hellos > 1) /* which one was answered? The first, at worst. */
		took += (s->hellos - 1) * (uint64_t)REPEAT_US;
	vf_link_handshake(s, (uint32_t)len + 2 * FRAME_EXTRA + HELLO_SIZE, took);
	if (s->hellos > 1) /* that is a bound, and nothing to compare with what an echo takes */
		s->link.greeting_bytes = s->link.greeting_us = 0;
	await_memories(s);
}

/* Two memories at the same addresses: nobody could tell which one is meant. */
static bool memories_overlap(const vf_board *b, unsigned *one, unsigned *other)
{
	for (unsigned i = 0; i < b->welcome.memories; i++)
		for (unsigned j = 0; j < i; j++) {
			const vf_memory *m = &b->memory[i], *n = &b->memory[j];
			if ((uint64_t)m->base + m->size > n->base &&
			    (uint64_t)n->base + n->size > m->base) {
				*one = j;
				*other = i;
				return true;
			}
		}
	return false;
}

static void on_memory(vf_session *s, const uint8_t *body, size_t len)
{
	vf_memory m;
	vf_torn torn;
	uint8_t index;
	unsigned one, other;

	if (s->status != VF_SESSION_OPENING || !s->welcomed)
		return;
	if (vf_unpack_memory(&index, &m, &torn, body, len) != 0 ||
	    index >= s->board.welcome.memories) {
		vf_session_set_lost(s, VF_E_LINK,
				    "the board's description of its memory %u contradicts itself; "
				    "update the board's loader or this program",
				    len > VF_WIRE_HEADER ? body[VF_WIRE_HEADER] : 0u);
		return;
	}
	if (s->described[index])
		return;
	await_memories(s);
	s->board.memory[index] = m;
	s->board.torn[index] = torn;
	vf_unpack_condition(&s->board.condition[index], body, len);
	s->described[index] = true;
	s->give_up_us = s->now + s->config.open_timeout_us;
	for (unsigned i = 0; i < s->board.welcome.memories; i++)
		if (!s->described[i])
			return;
	if (memories_overlap(&s->board, &one, &other)) {
		vf_session_set_lost(s, VF_E_LINK,
				    "the board describes its memories %u and %u at the same "
				    "addresses; its loader needs correction",
				    one, other);
		return;
	}
	if (!vf_prove_begin(s) && !vf_rate_begin(s))
		vf_session_opened(s);
}

static void refuse_version(vf_session *s, const vf_refuse *r)
{
	bool newer = r->version_min > VF_WIRE_VERSION;
	char spoken[32];

	if (r->version_min == r->version_max)
		(void)snprintf(spoken, sizeof spoken, "%u", r->version_min);
	else
		(void)snprintf(spoken, sizeof spoken, "%u to %u", r->version_min, r->version_max);
	vf_session_set_lost(s, VF_E_LINK,
			    "the board speaks protocol %s, this program %u: update %s", spoken,
			    VF_WIRE_VERSION, newer ? "this program" : "the board's loader");
}

static void on_refuse(vf_session *s, const uint8_t *body, size_t len)
{
	vf_refuse r;

	if (vf_unpack_refuse(&r, body, len) != 0)
		return;
	if (r.kind == VF_KIND_RATE)
		vf_rate_refused(s);
	else if (s->status == VF_SESSION_OPENING && r.code == VF_REFUSE_VERSION && !s->welcomed)
		refuse_version(s, &r);
	else if (s->status == VF_SESSION_OPENING && s->welcomed)
		vf_session_set_lost(s, VF_E_LINK,
				    "the board refuses to describe a memory that it announced; "
				    "its loader needs correction");
	else if (s->status == VF_SESSION_OPEN)
		vf_session_set_lost(s, VF_E_LINK,
				    "the board refuses a frame of kind %02x that protocol %u has; "
				    "update the board's loader",
				    r.kind, VF_WIRE_VERSION);
}

/* --- in the session ------------------------------------------------------------ */

static void on_ended(vf_session *s, const uint8_t *body, size_t len)
{
	if (len < VF_WIRE_HEADER + 4)
		return;
	uint32_t open_tag = vf_get32(body + VF_WIRE_HEADER);

	if (s->status == VF_SESSION_CLOSING) {
		s->status = VF_SESSION_CLOSED;
		vf_rate_go_home(s);
		return;
	}
	if (open_tag == s->tag ||
	    (s->status != VF_SESSION_OPEN && !(s->status == VF_SESSION_OPENING && s->welcomed)))
		return;
	if (open_tag != 0) { /* opening anew would only take the board back, and so on for ever */
		vf_session_set_lost(
			s, VF_E_LINK,
			"another program took the board over: stop it, then run this again");
		return;
	}
	(void)vf_fail(&s->error, VF_E_LINK,
		      "the board restarted in the middle: check its supply and its "
		      "watchdog, then run this again");
	s->status = VF_SESSION_ENDED;
	vf_rate_go_home(s);
	vf_session_drop_all(s);
}

static void on_answer(vf_session *s, const uint8_t *body, size_t len)
{
	if (s->status != VF_SESSION_OPEN || len <= VF_WIRE_ANSWER_HEADER)
		return;
	vf_operation *op = vf_stream_find(s, vf_get32(body + VF_WIRE_HEADER));
	if (op != NULL && op->extra != NULL)
		vf_answer_piece(s, op, vf_get32(body + VF_WIRE_HEADER + 4),
				body + VF_WIRE_ANSWER_HEADER,
				(uint32_t)(len - VF_WIRE_ANSWER_HEADER));
}

static void on_echoed(vf_session *s, const uint8_t *body, size_t len)
{
	if (s->status == VF_SESSION_OPENING) {
		vf_rate_on_echoed(s, body, len);
		return;
	}
	if (s->echo.result == NULL || s->echo.want || len < VF_WIRE_HEADER + sizeof s->echo.id ||
	    vf_get16(body + VF_WIRE_HEADER) != s->echo.id)
		return;
	uint64_t took = s->now - s->echo.at_us ? s->now - s->echo.at_us : 1;
	*s->echo.result = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
	s->echo.result = NULL;
	vf_link_echoed(s, 2 * VF_WIRE_FRAME_SIZE((uint32_t)len), took);
}

/* --- frames --------------------------------------------------------------------- */

/* A board that is deaf in a session of somebody else cannot answer our HELLO yet. */
static void on_foreign(vf_session *s, const uint8_t *body, size_t len)
{
	vf_state state;

	if (s->status != VF_SESSION_OPENING || vf_body_kind(body) != VF_KIND_STATE ||
	    vf_unpack_state(&state, body, len) != 0 || (state.flags & VF_STATE_DEAF) == 0)
		return;
	const uint64_t us = vf_stall_silence(&state);
	if (s->foreign_us == 0)
		s->foreign_us = s->now;
	if (us > s->foreign_for)
		s->foreign_for = us;
	const uint64_t most = s->foreign_us + s->foreign_for + GRACE_US;
	const uint64_t until = s->now + us < most ? s->now + us : most;
	if (until + s->config.open_timeout_us > s->give_up_us)
		s->give_up_us = until + s->config.open_timeout_us;
}

static void on_frame(vf_session *s, size_t len)
{
	const uint8_t *body = s->rx;
	uint8_t kind = vf_body_kind(body);

	s->stats.frames_received++;
	s->open_frames++;
	if (s->config.trace != NULL)
		s->config.trace(s->config.ctx, s->now, false, body, len);
	if (s->status == VF_SESSION_CLOSED || s->status == VF_SESSION_LOST)
		return;
	if (kind < 0x80) {
		vf_session_set_lost(s, VF_E_LINK,
				    "this port sends back what it is sent: a loopback or a "
				    "terminal, not a board; check the port's name and the wiring");
		return;
	}
	if (vf_body_tag(body) != s->tag) {
		on_foreign(s, body, len);
		return;
	}
	if (kind != VF_KIND_STATE) /* a STATE has to be newer than the last one to count */
		s->heard_us = s->now;
	switch (kind) {
	case VF_KIND_WELCOME:
		on_welcome(s, body, len);
		break;
	case VF_KIND_MEMORY:
		on_memory(s, body, len);
		break;
	case VF_KIND_STATE:
		vf_session_on_state(s, body, len);
		break;
	case VF_KIND_ECHOED:
		on_echoed(s, body, len);
		break;
	case VF_KIND_ANSWER:
		on_answer(s, body, len);
		break;
	case VF_KIND_REFUSE:
		on_refuse(s, body, len);
		break;
	case VF_KIND_ENDED:
		on_ended(s, body, len);
		break;
	case VF_KIND_PROVED:
		vf_prove_on_proved(s, body, len);
		break;
	case VF_KIND_RATED:
		vf_rate_on_rated(s, body, len);
		break;
	default: /* of a later version: ignored */
		break;
	}
}

void vf_session_rx(vf_session *s, const uint8_t *data, size_t len, uint64_t now_us)
{
	if (now_us > s->now)
		s->now = now_us;
	s->stats.raw_received += len;
	s->open_bytes += len;
	while (len > 0) {
		enum vf_decoder_event event;
		size_t n = vf_decode(&s->decoder, data, len, &event);
		data += n;
		len -= n;
		vf_link_trial(&s->link.in, n,
			      event == VF_DECODE_FRAME || event == VF_DECODE_DAMAGED,
			      event == VF_DECODE_DAMAGED);
		if (event == VF_DECODE_FRAME)
			on_frame(s, s->decoder.len);
		else if (event == VF_DECODE_DAMAGED)
			s->stats.damaged_here++;
		else if (event == VF_DECODE_TEXT && !vf_rate_unsure(s))
			vf_session_on_text(s, s->decoder.len);
	}
	s->text_us = s->now;
}
