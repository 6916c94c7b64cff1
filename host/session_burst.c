/* session_burst.c - more at once than the board has room for, and more than its credit allows: does
 * its port hold back what its ring cannot take (PROTOCOL §3.6)?
 *
 * The frames are short echoes, the costliest that a board can be sent for their size; which of them
 * it answers does not matter. What it counts as lost does.
 */
#include "session_internal.h"

enum { PAYLOAD = 64 };

void vf_session_burst(vf_session *s, uint32_t bytes, vf_burst *result)
{
	*result = (vf_burst){.done = false};
	if (s->status != VF_SESSION_OPEN)
		return;
	s->burst.result = result;
	s->burst.left = bytes;
	s->burst.damaged = s->state.damaged;
	s->burst.lost = s->state.lost;
	s->waiting = false;
	vf_stall_begin(s);
}

bool vf_burst_frame(vf_session *s)
{
	if (s->burst.result == NULL || s->burst.left == 0)
		return false;
	s->burst.last = s->next_number;
	const uint32_t raw = (uint32_t)vf_session_put_echo(s, PAYLOAD);
	s->burst.left -= raw < s->burst.left ? raw : s->burst.left;
	s->burst.result->bytes += raw;
	s->burst.result->frames++;
	if (s->burst.left == 0)
		s->want_query = true;
	return true;
}

void vf_burst_on_state(vf_session *s)
{
	vf_burst *b = s->burst.result;

	if (b == NULL || s->burst.left > 0 || vf_number_diff(s->burst.last, s->state.seen) > 0)
		return;
	b->damaged = (uint16_t)(s->state.damaged - s->burst.damaged);
	b->lost = (uint32_t)(s->state.lost - s->burst.lost);
	b->done = true;
	s->burst.result = NULL;
}
