/* session_tx.c - frames for the board, composed only when the pipe asks for bytes: control
 * first, then what was lost, then what is new, as far as limit and credit allow.
 */
#include "session_internal.h"

enum { FIRST = 64 }; /* bytes of the stream; a header or more */

static void begin(vf_session *s, vf_encoder *e)
{
	vf_encode_begin(e, s->tx + s->tx_len, TX_ROOM - s->tx_len);
}

/* Most frames are never whole but encoded: undo that for whoever wants to see them. */
static void trace(vf_session *s, const uint8_t *raw, size_t len)
{
	vf_decoder d;
	enum vf_decoder_event event = VF_DECODE_MORE;

	vf_decoder_init(&d, s->body, sizeof s->body);
	while (len > 0 && event == VF_DECODE_MORE) {
		size_t n = vf_decode(&d, raw, len, &event);
		raw += n;
		len -= n;
	}
	if (event == VF_DECODE_FRAME)
		s->config.trace(s->config.ctx, s->now, true, s->body, d.len);
}

static size_t end(vf_session *s, vf_encoder *e)
{
	size_t raw = vf_encode_end(e);

	if (s->config.trace != NULL)
		trace(s, s->tx + s->tx_len, raw);
	s->tx_len += raw;
	s->next_number++;
	s->rate.sent_us = s->now;
	s->stats.frames_sent++;
	return raw;
}

/* --- control ------------------------------------------------------------------ */

static void put_body(vf_session *s, const uint8_t *body, size_t len)
{
	vf_encoder e;

	begin(s, &e);
	vf_encode_put(&e, body, len);
	(void)end(s, &e);
}

static bool hello(vf_session *s)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_hello h = {.version_min = VF_WIRE_VERSION,
		      .version_max = VF_WIRE_VERSION,
		      .payload = VF_WIRE_PAYLOAD_MAX,
		      .session = s->number,
		      .flags = VF_HELLO_DESCRIBE};

	put_body(s, body, vf_pack_hello(body, s->next_number, &h));
	s->want_hello = false;
	s->hello_us = s->now;
	s->hellos++;
	s->repeat_us = s->now + REPEAT_US;
	return true;
}

/* HELLO asked for all memories; what does not come is asked for one by one, two
 * questions open at most. */
static bool describe(vf_session *s)
{
	uint64_t patience = vf_link_repeat_interval(s);
	unsigned open = 0;
	int next = -1;

	for (unsigned i = 0; i < s->board.welcome.memories; i++) {
		bool asked = s->now - s->asked_us[i] < patience;
		open += asked && !s->described[i];
		if (next < 0 && !asked && !s->described[i])
			next = (int)i;
	}
	if (next < 0 || open >= CONTROL_MAX)
		return false;
	uint8_t body[VF_WIRE_HEADER + 1];
	vf_put_header(body, VF_KIND_DESCRIBE, s->next_number, s->tag);
	body[VF_WIRE_HEADER] = (uint8_t)next;
	put_body(s, body, sizeof body);
	s->asked_us[next] = s->now;
	s->repeat_us = s->now + REPEAT_US;
	return true;
}

static bool plain(vf_session *s, uint8_t kind)
{
	uint8_t body[VF_WIRE_HEADER];
	uint16_t number = s->next_number;

	vf_put_header(body, kind, number, s->tag);
	put_body(s, body, sizeof body);
	if (kind == VF_KIND_QUERY)
		vf_link_sent(s, kind, number, 0, 0, 0);
	return true;
}

size_t vf_session_put_echo(vf_session *s, uint16_t len)
{
	vf_encoder e;
	uint8_t *body = s->body;

	vf_put_header(body, VF_KIND_ECHO, s->next_number, s->tag);
	vf_put16(body + VF_WIRE_HEADER, s->next_number);
	for (size_t i = VF_WIRE_HEADER + 2; i < VF_WIRE_HEADER + (size_t)len; i++)
		body[i] = (uint8_t)i;
	begin(s, &e);
	vf_encode_put(&e, body, VF_WIRE_HEADER + (size_t)len);
	return end(s, &e);
}

static bool echo(vf_session *s)
{
	const uint16_t number = s->next_number;

	if (s->link.flight + DATA_FRAME_SIZE(s->echo.len) > s->board.welcome.credit)
		return false;
	s->echo.id = number;
	const size_t raw = vf_session_put_echo(s, s->echo.len);
	vf_link_sent(s, VF_KIND_ECHO, number, 0, 0, raw);
	s->echo.want = false;
	s->echo.at_us = s->now;
	return true;
}

static bool rate(vf_session *s)
{
	size_t len = vf_rate_body(s, s->body);

	if (len > 0)
		put_body(s, s->body, len);
	return len > 0;
}

static bool prove(vf_session *s)
{
	size_t len = vf_prove_body(s, s->body);

	if (len > 0)
		put_body(s, s->body, len);
	return len > 0;
}

static bool control(vf_session *s)
{
	if (s->want_abort && s->status == VF_SESSION_CLOSING) {
		s->want_abort = false;
		return plain(s, VF_KIND_ABORT);
	}
	if (s->status == VF_SESSION_OPENING)
		return s->want_hello ? hello(s)
				     : s->welcomed && (describe(s) || prove(s) || rate(s));
	if (s->status != VF_SESSION_OPEN)
		return false;
	if (s->want_query && vf_link_control_ok(s)) {
		s->want_query = false;
		return plain(s, VF_KIND_QUERY);
	}
	return vf_burst_frame(s) || (s->echo.want && echo(s));
}

/* --- the stream ---------------------------------------------------------------- */

static void data(vf_session *s, uint32_t at, uint32_t len)
{
	uint8_t header[VF_WIRE_DATA_HEADER];
	uint16_t number = s->next_number;
	vf_encoder e;

	vf_put_header(header, VF_KIND_DATA, number, s->tag);
	vf_put32(header + VF_WIRE_HEADER, at);
	begin(s, &e);
	vf_encode_put(&e, header, sizeof header);
	vf_stream_encode(s, &e, at, len);
	size_t raw = end(s, &e);
	s->stats.stream_sent += len;
	vf_link_sent(s, VF_KIND_DATA, number, at, len, raw);
}

static bool lost_data(vf_session *s, uint32_t payload)
{
	span r;

	if (!vf_link_next_lost(s, payload, &r))
		return false;
	uint32_t n = vf_link_room(s, r.end - r.start);
	if (n == 0)
		return false;
	data(s, r.start, n);
	s->stats.stream_repeated += n;
	vf_link_resent(s, r.start + n);
	return true;
}

static bool new_data(vf_session *s, uint32_t payload)
{
	uint32_t left = s->end - s->next;
	/* Nothing is under way: a short frame first, so that the board begins at once. */
	if (s->link.flight == 0 && payload > FIRST)
		payload = FIRST;
	uint32_t room = vf_offset_diff(s->state.limit, s->next) > 0 ? s->state.limit - s->next : 0;
	uint32_t n = left < payload ? left : payload;

	if (n == 0 || room == 0) {
		s->link.sample.idle = true;
		return false;
	}
	if (room < n) {
		/* Rather a full frame a little later than a crumb at once, while the board has
		 * enough to do and will speak up when it has more room. */
		if (room < s->board.welcome.window / 8 && s->link.flight > 0) {
			s->link.sample.idle = true;
			return false;
		}
		n = room;
	}
	n = vf_link_room(s, n);
	if (n == 0)
		return false;
	data(s, s->next, n);
	s->next += n;
	return true;
}

static bool stream(vf_session *s)
{
	if (s->status != VF_SESSION_OPEN)
		return false;
	uint32_t payload = vf_link_payload(s);

	if (s->link.lost_count > 0 && lost_data(s, payload))
		return true;
	return s->link.lost_count == 0 && new_data(s, payload);
}

static void compose(vf_session *s)
{
	size_t batch = vf_link_batch(s);

	s->tx_len = s->tx_at = 0;
	do {
		if (!control(s) && !stream(s))
			return;
	} while (s->tx_len + DATA_FRAME_SIZE(s->stats.payload) <= batch &&
		 s->tx_len + DATA_FRAME_SIZE(VF_WIRE_PAYLOAD_MAX) <= TX_ROOM);
}

const uint8_t *vf_session_tx(vf_session *s, size_t *len, uint64_t now_us)
{
	if (now_us > s->now)
		s->now = now_us;
	if (s->tx_at == s->tx_len && s->rate.pipe == s->rate.now)
		compose(s);
	*len = s->tx_len - s->tx_at;
	return *len > 0 ? s->tx + s->tx_at : NULL;
}

void vf_session_tx_done(vf_session *s, size_t sent, uint64_t now_us)
{
	if (now_us > s->now)
		s->now = now_us;
	if (sent > s->tx_len - s->tx_at)
		sent = s->tx_len - s->tx_at; /* opened anew or closed meanwhile */
	s->tx_at += sent;
	s->stats.raw_sent += sent;
	if (sent > 0)
		s->drain_us = s->now;
}
