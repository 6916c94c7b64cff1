/* link.c - what is on the line: which frames are under way, and which bytes were lost
 * (PROTOCOL §4.1).
 *
 * Every transmission has its own frame number, so one rule finds all losses: a frame that `seen`
 * has passed and whose bytes the board does not have is lost. No timer takes part in that.
 */
#include <string.h>

#include "session_internal.h"

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
	l->greeting_bytes = l->greeting_us = 0;
	l->echo_bytes = l->echo_us = 0;
	memset(&l->sample, 0, sizeof l->sample);
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
	l->out.mended += (uint16_t)(s->state.mended - before->mended);
	vf_link_trial(&l->out, bytes, frames, losses);
	if (bytes > 0) {
		l->delivered += bytes;
		l->delivered_us = s->now;
		end_sample(s, s->state.seen);
	}
	/* Nothing behind the damaged frame will tell of it: ask. */
	if (damaged > 0 && l->sent_count > 0 && l->sent_count <= damaged && l->controls == 0)
		s->want_query = true;
}
