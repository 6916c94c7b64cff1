/* session_state.c - STATE: all that a board tells of the stream and the queue (PROTOCOL §4.2).
 *
 * States come in order, so one that goes back in any respect is old bytes that the pipe
 * repeated, and is ignored; one that claims what cannot be ends the session.
 */
#include "session_internal.h"

static bool stale(const vf_session *s, const vf_state *new)
{
	const vf_state *old = &s->state;

	return vf_offset_diff(new->received, old->received) < 0 ||
	       vf_offset_diff(new->limit, old->limit) < 0 ||
	       vf_offset_diff(new->done, old->done) < 0 || vf_number_diff(new->seen, old->seen) < 0;
}

/* What cannot be; NULL: nothing. */
static const char *fault(const vf_session *s, const vf_state *n)
{
	uint32_t at = n->received;

	if (vf_number_diff(n->seen, (uint16_t)(s->next_number - 1)) > 0)
		return "it has seen a frame that was never sent";
	if (vf_offset_diff(n->received, s->next) > 0)
		return "it received bytes that were never sent";
	if (vf_offset_diff(n->limit, n->received) < 0 ||
	    n->limit - n->received > s->board.welcome.window)
		return "its limit is outside its window";
	if (vf_offset_diff(n->done, s->operations) > 0)
		return "it finished operations that were never sent";
	for (unsigned i = 0; i < n->islands; i++) {
		const vf_island *island = &n->island[i];
		if (vf_offset_diff(island->start, at) <= 0 ||
		    vf_offset_diff(island->end, island->start) <= 0 ||
		    vf_offset_diff(island->end, s->next) > 0)
			return "what it received out of order makes no sense";
		at = island->end;
	}
	if ((n->flags & VF_STATE_STOPPED) != 0 &&
	    (vf_offset_diff(n->failure.operation, s->operations) >= 0 ||
	     n->failure.code == VF_FAIL_NONE))
		return "it reports the failure of an operation that was never sent";
	return NULL;
}

static void note_patience(vf_session *s, const vf_state *before)
{
	const vf_state *n = &s->state;
	bool same = n->done == before->done && n->message == before->message &&
		    n->memory == before->memory;

	s->deaf_us = 0;
	if ((n->flags & VF_STATE_DEAF) != 0)
		s->deaf_us = s->now + vf_stall_silence(n);
	if ((n->flags & VF_STATE_BUSY) == 0 || n->maximum_ms != 0 || !same)
		s->overdue_us = 0;
	else if (s->overdue_us == 0)
		s->overdue_us = s->now;
	/* Something moves, or the board says that it works and for how long. */
	if (n->seen != before->seen || n->received != before->received ||
	    n->limit != before->limit || n->done != before->done ||
	    (n->flags & (VF_STATE_BUSY | VF_STATE_DEAF)) != 0)
		s->moved_us = s->now;
}

void vf_session_on_state(vf_session *s, const uint8_t *body, size_t len)
{
	vf_state n;

	if (s->status == VF_SESSION_OPENING)
		vf_rate_on_state(s, body, len);
	if (s->status != VF_SESSION_OPEN)
		return;
	const char *wrong = "it contradicts itself";
	if (vf_unpack_state(&n, body, len) == 0) {
		if (stale(s, &n))
			return;
		wrong = fault(s, &n);
	}
	vf_state before = s->state;
	if (wrong == NULL) {
		s->heard_us = s->now;
		s->backoff = 0;
		vf_rate_alive(s);
		vf_stall_charge(s);
		s->state = n;
		s->has_state = true;
		s->stats.damaged_there += (uint16_t)(n.damaged - before.damaged);
		s->stats.mended_there += (uint16_t)(n.mended - before.mended);
		s->stats.lost_there = n.lost;
		vf_link_settle(s, &before);
		note_patience(s, &before);
		if (!vf_stream_finish(s, n.done))
			wrong = "it finished an operation that has not arrived as a whole";
		vf_stall_on_state(s, &before);
	}
	if (wrong != NULL) {
		vf_session_set_lost(s, VF_E_LINK,
				    "the board's report of its state makes no sense: %s; run this "
				    "again, and if it stays so update the board's loader",
				    wrong);
		return;
	}
	if ((n.flags & VF_STATE_STOPPED) != 0) {
		s->failure = n.failure;
		s->status = VF_SESSION_STOPPED;
		vf_session_drop_all(s);
		return;
	}
	vf_burst_on_state(s);
	if (s->first == NULL && s->echo.result == NULL && s->burst.result == NULL)
		s->waiting = false;
}
