/* link_pace.c - how long a frame should be, how many may be under way, how long to wait: all from
 * what the line has shown of itself so far. Credit (PROTOCOL §4.1) is kept here.
 */
#include "session_internal.h"

enum {
	FRAME_OVERHEAD = 19,        /* raw bytes of a short DATA frame besides its payload */
	ANSWER_OVERHEAD = 70,       /* of an ANSWER, and of the STATE that goes with each */
	TRIAL_BYTES_MAX = 1u << 20, /* the memory of the error rate, in bytes … */
	TRIAL_LOSSES_MAX = 16,      /* … and in losses */
	FLIGHT_FRAMES_MIN = 4,
	RATE_MAX = 1000000000, /* bytes a second */
	SLOW_RATE = 400,       /* bytes a second: QUERY and STATE take a quarter of a second */
	HOLES = 3, /* losses expected in one flight, at most: a board remembers four islands */
};

/* --- what is learnt ------------------------------------------------------------ */

void vf_link_handshake(vf_session *s, uint32_t raw_bytes, uint64_t took_us)
{
	if (took_us == 0)
		took_us = 1;
	uint64_t rate = raw_bytes * UINT64_C(1000000) / took_us + 1;
	if (rate > s->link.rate)
		s->link.rate = rate;
	s->stats.rate = s->link.rate;
	if (s->link.greeting_us == 0 || took_us < s->link.greeting_us) {
		s->link.greeting_us = took_us;
		s->link.greeting_bytes = raw_bytes;
	}
	if (s->stats.round_trip_us == 0 || took_us < s->stats.round_trip_us)
		s->stats.round_trip_us = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;
}

/* Two exchanges of different length: what the longer took more is the line's rate, whatever
 * a turnaround takes. So the first data need not feel their way. */
static uint64_t slope(const link_state *l)
{
	const uint64_t more = (l->echo_bytes - l->greeting_bytes) * UINT64_C(1000000);
	const uint64_t rate =
		l->echo_us > l->greeting_us ? more / (l->echo_us - l->greeting_us) : RATE_MAX;
	return rate < RATE_MAX ? rate : RATE_MAX;
}

/* An echo that is no longer than the greeting stands in for one that was held up. */
void vf_link_echoed(vf_session *s, uint32_t raw_bytes, uint64_t took_us)
{
	link_state *l = &s->link;
	const bool longer = raw_bytes > (l->greeting_us != 0 ? l->greeting_bytes : l->echo_bytes);

	if (longer && (raw_bytes != l->echo_bytes || took_us < l->echo_us)) {
		l->echo_bytes = raw_bytes;
		l->echo_us = took_us;
	} else if (!longer && (l->greeting_us == 0 || took_us < l->greeting_us)) {
		l->greeting_bytes = raw_bytes;
		l->greeting_us = took_us;
	}
	if (l->echo_bytes <= l->greeting_bytes)
		return;
	s->stats.rate = slope(l);
	if (s->stats.rate > l->rate || !longer)
		l->rate = s->stats.rate;
}

void vf_link_trial(link_trial *t, uint64_t bytes, uint32_t frames, uint32_t losses)
{
	t->bytes += bytes;
	t->frames += frames;
	t->losses += losses < frames ? losses : frames;
	if (t->losses > TRIAL_LOSSES_MAX || t->mended > 2 * TRIAL_LOSSES_MAX ||
	    t->bytes > TRIAL_BYTES_MAX) {
		t->bytes /= 2;
		t->frames /= 2;
		t->losses /= 2;
		t->mended /= 2;
	}
}

/* --- how much, how long ------------------------------------------------------ */

/* The longest payload whose DATA frame takes at most `raw` bytes; 0 if none. */
static uint32_t payload_within(uint64_t raw)
{
	uint32_t n =
		raw > DATA_FRAME_SIZE(VF_WIRE_PAYLOAD_MAX) ? VF_WIRE_PAYLOAD_MAX : (uint32_t)raw;

	while (n > 0 && DATA_FRAME_SIZE(n) > raw)
		n--;
	return n;
}

static uint32_t square_root(uint64_t v)
{
	uint32_t r = 0;

	for (uint32_t bit = 1u << 15; bit > 0; bit >>= 1)
		if ((uint64_t)(r | bit) * (r | bit) <= v)
			r |= bit;
	return r;
}

/* Bytes to an error, as far as is known; UINT32_MAX: none seen. Of F frames with B bytes L were
 * lost, each to one error or more, so the errors a byte are -ln(1 - L/F) * F/B, and that
 * logarithm is close to p(6-p)/(6-4p). */
static uint32_t error_distance(const link_trial *t)
{
	uint64_t f = t->frames, n = t->losses;

	if (n == 0)
		return UINT32_MAX;
	return (uint32_t)(t->bytes * (6 * f - 4 * n) / (n * (6 * f - n)));
}

/* With e errors a byte and h bytes of overhead, n/(n+h) * (1-e)^(n+h) is greatest about where
 * n(n+h) = h/e. */
static uint32_t best_for_errors(const link_trial *t, uint32_t overhead)
{
	uint64_t v = overhead * (uint64_t)error_distance(t);
	uint32_t n = square_root(v + overhead * overhead / 4);

	return n > overhead / 2 ? n - overhead / 2 : 0;
}

/* Where the board mends one flipped bit of a frame only two cost something. With d bytes to a
 * flipped bit, n/(n+h) * (1 - (n+h)^2/(2d^2)) is greatest about where n^3 = h*d^2. */
static uint32_t best_for_mended(const link_trial *t)
{
	const uint64_t d = t->bytes / (t->mended + t->losses);
	uint32_t n = 1;

	while (n < VF_WIRE_PAYLOAD_MAX && (uint64_t)n * n * n < FRAME_OVERHEAD * d * d)
		n += n / 16 + 1;
	return n;
}

static uint32_t best_length(const link_state *l)
{
	if (l->out.mended > 0)
		return best_for_mended(&l->out);
	/* The line is as bad one way as the other, until there is more to go by. */
	const bool new = l->out.losses == 0 && l->out.bytes < l->in.bytes;
	return best_for_errors(new ? &l->in : &l->out, FRAME_OVERHEAD);
}

/* The payload to use now. */
uint32_t vf_link_payload(vf_session *s)
{
	const vf_welcome *w = &s->board.welcome;
	uint32_t most = w->payload;
	uint32_t n = best_length(&s->link);
	uint64_t slow = s->link.rate / 5; /* a frame that takes longer makes everything wait */

	if (s->config.payload_max != 0 && s->config.payload_max < most)
		most = s->config.payload_max;
	uint32_t fits = payload_within(w->credit);
	if (fits < most)
		most = fits;
	if (slow < n)
		n = (uint32_t)slow;
	if (n < VF_WIRE_PAYLOAD_MIN)
		n = VF_WIRE_PAYLOAD_MIN;
	if (n > most)
		n = most;
	s->stats.payload = (uint16_t)n;
	return n;
}

/* The board makes its frames as long as it can; but none is longer than the answer that it is
 * part of. So a bad or slow line is read in pieces. */
uint32_t vf_link_answer_piece(const vf_session *s)
{
	uint32_t n = best_for_errors(&s->link.in, ANSWER_OVERHEAD);

	if (s->link.rate < n)
		n = (uint32_t)s->link.rate; /* no frame that takes longer than a second */
	if (n < VF_WIRE_PAYLOAD_MIN)
		n = VF_WIRE_PAYLOAD_MIN;
	return n < s->board.welcome.answer ? n : UINT32_MAX;
}

/* How many raw bytes may be under way: enough to keep the pipe full and the board told, not so
 * many that losses outnumber islands or that an ABORT comes late. */
static uint64_t flight_limit(const vf_session *s, uint32_t payload)
{
	const link_state *l = &s->link;
	uint64_t most = s->board.welcome.credit;
	uint64_t least = (uint64_t)FLIGHT_FRAMES_MIN * DATA_FRAME_SIZE(payload);
	uint64_t limit = l->rate / 2;

	uint64_t trip = l->rate < UINT64_C(1) << 32 ? l->rate * 2 * s->stats.round_trip_us / 1000000
						    : l->rate;
	uint64_t errors = HOLES * (uint64_t)error_distance(&l->out);

	/* On a bad line all that is on the way is at risk: no more than needed. */
	if (l->out.losses > 0)
		limit = least;
	limit += trip;
	if (limit > errors)
		limit = errors;
	if (limit < least)
		limit = least;
	return limit < most ? limit : most;
}

uint32_t vf_link_room(vf_session *s, uint32_t want)
{
	link_state *l = &s->link;
	uint64_t limit = flight_limit(s, s->stats.payload);

	if (l->sent_count >= SENT_MAX - SENT_RESERVE || l->flight >= limit)
		return 0;
	if (l->flight + DATA_FRAME_SIZE(want) <= limit)
		return want;
	uint32_t fits = payload_within(limit - l->flight);
	return fits >= want / 2 ? fits : 0; /* crumbs cost more than waiting */
}

/* May another QUERY go out? One that was not answered in time counts as lost. */
bool vf_link_control_ok(const vf_session *s)
{
	const link_state *l = &s->link;
	uint32_t recent = 0;

	if (l->sent_count == SENT_MAX)
		return false;
	if (l->controls < CONTROL_MAX)
		return true;
	for (uint32_t i = l->sent_count; i-- > 0;) {
		const sent_frame *f = &l->sent[(l->sent_head + i) % SENT_MAX];
		if (s->now - f->at_us >= vf_link_repeat_interval(s))
			break;
		recent += f->kind == VF_KIND_QUERY;
	}
	return recent < CONTROL_MAX;
}

/* How many bytes to compose at once: few calls on a fast pipe, no queue on a slow one. */
size_t vf_link_batch(const vf_session *s)
{
	uint64_t n = s->link.rate / 50;

	return n < TX_ROOM ? (size_t)n : TX_ROOM;
}

/* After what silence to ask for the frames that are under way. */
uint64_t vf_link_query_interval(const vf_session *s)
{
	const link_state *l = &s->link;
	uint64_t most = vf_link_repeat_interval(s);
	uint64_t t = 10 * MS + 2 * (uint64_t)s->stats.round_trip_us;

	if (l->rate > 0 && l->flight < UINT32_MAX)
		t += l->flight * 1500000 / l->rate;
	if (t < QUERY_MIN_US)
		t = QUERY_MIN_US;
	return t < most ? t : most;
}

/* The longest time between questions: 250 ms, or twice that where the line is so slow that
 * questions and answers would fill it. */
uint64_t vf_link_repeat_interval(const vf_session *s)
{
	return s->link.rate < SLOW_RATE ? 2 * REPEAT_US : REPEAT_US;
}
