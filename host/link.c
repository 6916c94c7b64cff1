/* link.c - what is on the line: which frames are under way, what they cost of the credit, which
 * bytes were lost, how long a frame should be, how fast the pipe is (PROTOCOL §4.1).
 *
 * Every transmission has its own frame number, so one rule finds all losses: a frame that `seen`
 * has passed and whose bytes the board does not have is lost. No timer takes part in that.
 */
#include <string.h>

#include "session_internal.h"

enum {
	FRAME_OVERHEAD = 19,        /* raw bytes of a short DATA frame besides its payload */
	ANSWER_OVERHEAD = 70,       /* of an ANSWER, and of the STATE that goes with each */
	TRIAL_BYTES_MAX = 1u << 20, /* the memory of the error rate, in bytes … */
	TRIAL_LOSSES_MAX = 16,      /* … and in losses */
	FLIGHT_FRAMES_MIN = 4,
	SLOW_RATE = 400, /* bytes a second: QUERY and STATE take a quarter of a second */
	HOLES = 3, /* losses expected in one flight, at most: a board remembers four islands */
};

void vf_link_reset(vf_session *s)
{
	link_state *l = &s->link;

	l->sent_head = l->sent_count = 0;
	l->controls = 0;
	l->flight = 0;
	l->lost_count = 0;
	l->delivered = 0;
	l->delivered_us = 0;
	l->rate = 0;
	memset(&l->sample, 0, sizeof l->sample);
}

void vf_link_handshake(vf_session *s, uint32_t raw_bytes, uint64_t took_us)
{
	if (took_us == 0)
		took_us = 1;
	uint64_t rate = raw_bytes * UINT64_C(1000000) / took_us + 1;
	if (rate > s->link.rate)
		s->link.rate = rate;
	if (s->stats.round_trip_us == 0 || took_us < s->stats.round_trip_us)
		s->stats.round_trip_us = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;
}

static sent_frame *frame_at(link_state *l, uint32_t i)
{
	return &l->sent[(l->sent_head + i) % SENT_MAX];
}

void vf_link_sent(vf_session *s, uint8_t kind, uint16_t number, uint32_t offset, uint32_t len,
		  size_t raw)
{
	link_state *l = &s->link;

	if (l->sent_count == SENT_MAX)
		return;
	sent_frame *f = frame_at(l, l->sent_count++);

	*f = (sent_frame){.at_us = s->now, .offset = offset, .number = number, .kind = kind};
	f->len = (uint16_t)len;
	if (kind == VF_KIND_QUERY) {
		l->controls++;
		return;
	}
	f->raw = (uint16_t)raw;
	if (l->flight == 0)
		l->delivered_us = s->now;
	l->flight += raw;
	if (!l->sample.active) {
		l->sample.active = true;
		l->sample.idle = false;
		l->sample.number = number;
		l->sample.from_us = l->delivered_us;
		l->sample.from_bytes = l->delivered;
	}
}

/* --- losses ---------------------------------------------------------------- */

static void lost_remove(link_state *l, uint32_t i)
{
	l->lost_count--;
	memmove(&l->lost[i], &l->lost[i + 1], (l->lost_count - i) * sizeof l->lost[0]);
}

static void lost_merge(link_state *l, uint32_t i)
{
	while (i + 1 < l->lost_count && vf_offset_diff(l->lost[i + 1].start, l->lost[i].end) <= 0) {
		if (vf_offset_diff(l->lost[i + 1].end, l->lost[i].end) > 0)
			l->lost[i].end = l->lost[i + 1].end;
		lost_remove(l, i + 1);
	}
}

static void lost_add(link_state *l, uint32_t start, uint32_t end)
{
	uint32_t i = 0;

	while (i < l->lost_count && vf_offset_diff(l->lost[i].end, start) < 0)
		i++;
	if (i < l->lost_count && vf_offset_diff(l->lost[i].start, end) <= 0) {
		if (vf_offset_diff(start, l->lost[i].start) < 0)
			l->lost[i].start = start;
		if (vf_offset_diff(end, l->lost[i].end) > 0)
			l->lost[i].end = end;
	} else if (l->lost_count < LOST_MAX) {
		memmove(&l->lost[i + 1], &l->lost[i], (l->lost_count - i) * sizeof l->lost[0]);
		l->lost[i] = (span){start, end};
		l->lost_count++;
	} else { /* full: stretch a neighbour; what lies between goes out twice */
		if (i == l->lost_count)
			i--;
		if (vf_offset_diff(start, l->lost[i].start) < 0)
			l->lost[i].start = start;
		if (vf_offset_diff(end, l->lost[i].end) > 0)
			l->lost[i].end = end;
	}
	lost_merge(l, i);
}

/* Adds what the board lacks of [start, end); true if anything. */
static bool lost_unless_had(vf_session *s, uint32_t start, uint32_t end)
{
	const vf_state *state = &s->state;
	bool any = false;

	if (vf_offset_diff(start, state->received) < 0)
		start = state->received;
	for (unsigned i = 0; i < state->islands && vf_offset_diff(start, end) < 0; i++) {
		const vf_island *island = &state->island[i];
		if (vf_offset_diff(island->end, start) <= 0)
			continue;
		if (vf_offset_diff(island->start, end) >= 0)
			break;
		if (vf_offset_diff(start, island->start) < 0) {
			lost_add(&s->link, start, island->start);
			any = true;
		}
		start = island->end;
	}
	if (vf_offset_diff(start, end) < 0) {
		lost_add(&s->link, start, end);
		any = true;
	}
	return any;
}

/* The first lost range that still matters, at most `max` bytes of it. */
bool vf_link_next_lost(vf_session *s, uint32_t max, span *out)
{
	link_state *l = &s->link;

	while (l->lost_count > 0) {
		span *r = &l->lost[0];
		if (vf_offset_diff(r->start, s->state.received) < 0)
			r->start = s->state.received;
		if (vf_offset_diff(r->end, r->start) <= 0) {
			lost_remove(l, 0);
			continue;
		}
		*out = *r;
		if (out->end - out->start > max)
			out->end = out->start + max;
		return true;
	}
	return false;
}

void vf_link_resent(vf_session *s, uint32_t end)
{
	s->link.lost[0].start = end;
	if (vf_offset_diff(s->link.lost[0].end, end) <= 0)
		lost_remove(&s->link, 0);
}

/* --- what a STATE settles -------------------------------------------------- */

static void end_sample(vf_session *s, uint16_t seen)
{
	link_state *l = &s->link;

	if (!l->sample.active || vf_number_diff(l->sample.number, seen) > 0)
		return;
	l->sample.active = false;
	uint64_t took = s->now - l->sample.from_us;
	uint64_t rate = (l->delivered - l->sample.from_bytes) * 1000000 / (took ? took : 1);
	if (rate > l->rate)
		l->rate = rate;
	else if (!l->sample.idle) /* what was held back by us says nothing of the pipe */
		l->rate -= (l->rate - rate) / 8;
}

static void note_trial(link_trial *t, uint64_t bytes, uint32_t frames, uint32_t losses)
{
	t->bytes += bytes;
	t->frames += frames;
	t->losses += losses < frames ? losses : frames;
	if (t->losses > TRIAL_LOSSES_MAX || t->bytes > TRIAL_BYTES_MAX) {
		t->bytes /= 2;
		t->frames /= 2;
		t->losses /= 2;
	}
}

void vf_link_heard(vf_session *s, size_t raw, uint32_t frames, uint32_t losses)
{
	note_trial(&s->link.in, raw, frames, losses);
}

void vf_link_settle(vf_session *s, const vf_state *before)
{
	link_state *l = &s->link;
	uint64_t bytes = 0;
	uint32_t frames = 0, losses = 0;

	while (l->sent_count > 0) {
		sent_frame *f = frame_at(l, 0);
		if (vf_number_diff(f->number, s->state.seen) > 0)
			break;
		if (f->number == s->state.seen) {
			uint64_t took = s->now - f->at_us ? s->now - f->at_us : 1;
			if (took < s->stats.round_trip_us)
				s->stats.round_trip_us = (uint32_t)took;
		}
		if (f->kind == VF_KIND_QUERY)
			l->controls--;
		l->flight -= f->raw;
		bytes += f->raw;
		frames += f->len > 0;
		if (f->len > 0 && lost_unless_had(s, f->offset, f->offset + f->len))
			losses++;
		l->sent_head = (l->sent_head + 1) % SENT_MAX;
		l->sent_count--;
	}
	uint16_t damaged = (uint16_t)(s->state.damaged - before->damaged);
	/* A full ring or a fifth island loses frames too, but shorter ones would not help. */
	if (s->state.lost != before->lost || before->islands == VF_WIRE_ISLANDS_MAX)
		losses = losses < damaged ? losses : damaged;
	note_trial(&l->out, bytes, frames, losses);
	if (bytes > 0) {
		l->delivered += bytes;
		l->delivered_us = s->now;
		end_sample(s, s->state.seen);
	}
	/* Nothing behind the damaged frame will tell of it: ask. */
	if (damaged > 0 && l->sent_count > 0 && l->sent_count <= damaged && l->controls == 0)
		s->want_query = true;
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

/* The payload to use now. */
uint32_t vf_link_payload(vf_session *s)
{
	const vf_welcome *w = &s->board.welcome;
	uint32_t most = w->payload;
	uint32_t n = best_for_errors(&s->link.out, FRAME_OVERHEAD);
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
