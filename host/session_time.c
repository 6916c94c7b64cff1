/* session_time.c - waiting (PROTOCOL §6): what happens when nothing happens.
 *
 * tick does what is due, deadline says when the next is. Both ask the same functions for the
 * times, so that a tick at the deadline always moves it.
 */
#include <inttypes.h>

#include "session_internal.h"

#define NEVER UINT64_MAX

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool pending(const vf_session *s)
{
	return s->status == VF_SESSION_OPEN &&
	       (s->first != NULL || s->echo.result != NULL || s->burst.result != NULL);
}

/* --- when ---------------------------------------------------------------------- */

/* How long the board may be silent before it is asked. */
static uint64_t query_interval(const vf_session *s)
{
	const vf_state *state = &s->state;
	uint64_t t = vf_link_query_interval(s);

	if (s->link.sent_count == 0 && (state->flags & VF_STATE_BUSY) != 0)
		t += state->typical_ms * UINT64_C(1000);
	t <<= s->backoff < 4 ? s->backoff : 4;
	uint64_t most = vf_link_repeat_interval(s);
	return t < most ? t : most;
}

uint64_t vf_session_query_time(const vf_session *s)
{
	uint64_t since = later(later(s->heard_us, s->wait_us), later(s->drain_us, s->query_us));

	return later(since, s->deaf_us) + query_interval(s);
}

static uint64_t lost_time(const vf_session *s)
{
	uint64_t since = later(later(s->heard_us, s->wait_us), s->deaf_us);

	return later(since, vf_rate_excuse(s)) + s->config.lost_timeout_us;
}

uint64_t vf_session_line_rate(const vf_session *s)
{
	return later(s->stats.baud / 10, s->stats.rate);
}

static uint64_t echo_us(const vf_session *s, uint16_t len)
{
	const uint64_t rate = vf_session_line_rate(s);
	const uint64_t least = ECHO_BYTE_US * (uint64_t)len;
	const uint64_t there_and_back =
		rate != 0 ? 2 * UINT64_C(1000000) * DATA_FRAME_SIZE(len) / rate : 0;

	return REPEAT_US + later(least, there_and_back + there_and_back / 8);
}

static uint64_t echo_time(const vf_session *s)
{
	if (s->echo.result == NULL || s->echo.want)
		return NEVER;
	return later(s->echo.at_us, s->deaf_us) + echo_us(s, s->echo.len);
}

/* When nothing has moved for too long although the board speaks: it does not even hear. */
static uint64_t stuck_time(const vf_session *s)
{
	return later(later(s->moved_us, s->wait_us), s->deaf_us) + OVERDUE_US;
}

/* --- what ---------------------------------------------------------------------- */

static void give_up_opening(vf_session *s)
{
	unsigned ms = s->config.open_timeout_us / MS;

	if (s->guard.proving)
		vf_session_set_lost(s, VF_E_LINK,
				    "the board answered, then fell silent when it was shown the "
				    "key: run this again");
	else if (s->welcomed)
		vf_session_set_lost(s, VF_E_LINK,
				    "the board answered, then fell silent while it described its "
				    "memories: run this again");
	else if (s->open_bytes == 0)
		vf_session_set_lost(s, VF_E_LINK,
				    "nothing answered within %u ms: check that the board has power "
				    "and runs its loader, that this is its port, and the baud rate "
				    "(a board whose driver blocks may be erasing: wait and try "
				    "again)",
				    ms);
	else if (s->foreign_us != 0)
		vf_session_set_lost(s, VF_E_LINK,
				    "a board on this port is at work for another program, and "
				    "hears nothing; in %" PRIu64
				    " s it did not get done: stop that "
				    "program, or reset the board",
				    (s->now - s->foreign_us) / (1000 * MS));
	else if (s->open_frames > 0)
		vf_session_set_lost(
			s, VF_E_LINK,
			"a board sends on this port but did not answer within %u ms: it "
			"may be busy with another program, or not hear this side",
			ms);
	else if (s->open_lines > 0)
		vf_session_set_lost(s, VF_E_LINK,
				    "only text arrived (%" PRIu64 " bytes), no answer: the board "
				    "runs something else than the loader, this is another port, "
				    "or the baud rate is wrong",
				    s->open_bytes);
	else
		vf_session_set_lost(s, VF_E_LINK,
				    "%" PRIu64 " bytes arrived but no answer among them: check the "
				    "baud rate, or another device is on this port",
				    s->open_bytes);
}

/* Noise alone, where there is a rate: perhaps a board that a killed host left at another
 * one, and slower in coming home than the protocol has it. Once it is given the time again. */
static bool may_come_home(vf_session *s)
{
	if (s->coming_home || s->config.rate == 0 || s->open_bytes == 0 || s->open_frames > 0 ||
	    s->open_lines > 0)
		return false;
	s->coming_home = true;
	s->give_up_us += s->config.open_timeout_us;
	return true;
}

static void tick_opening(vf_session *s)
{
	if (s->rate.stage != RATE_NONE) {
		vf_rate_tick_opening(s);
		return;
	}
	if (s->now >= s->give_up_us && !may_come_home(s)) {
		give_up_opening(s);
		return;
	}
	if (s->now < s->repeat_us)
		return;
	s->want_hello = !s->welcomed;
	s->guard.want = s->guard.proving;
	s->repeat_us = s->now + REPEAT_US;
}

static void tick_closing(vf_session *s)
{
	if (s->now >= s->give_up_us) {
		s->status = VF_SESSION_CLOSED;
		vf_rate_go_home(s);
	} else if (s->now >= s->repeat_us) {
		s->want_abort = true;
		s->repeat_us = s->now + REPEAT_US;
	}
}

/* True if the session was given up. */
static bool give_up(vf_session *s)
{
	const uint64_t silent = (s->now - later(s->heard_us, s->wait_us) + 500 * MS) / (1000 * MS);

	if (s->now >= lost_time(s))
		vf_session_set_lost(s, VF_E_LINK,
				    "the board fell silent %" PRIu64 " s ago: check the cable and "
				    "the board's power, then run this again",
				    silent > 0 ? silent : 1);
	else if (s->overdue_us != 0 && s->now >= s->overdue_us + OVERDUE_US)
		vf_session_set_lost(
			s, VF_E_LINK,
			"the board has been at one operation on memory %u for %u s past "
			"the chip's maximum: its flash driver hangs; reset the board",
			s->state.memory, (unsigned)(OVERDUE_US / 1000000));
	else if (s->now >= stuck_time(s))
		vf_session_set_lost(s, VF_E_LINK,
				    "the board answers but has done nothing for %u s: it may not "
				    "hear all that is sent; check the wiring, reset the board",
				    (unsigned)(OVERDUE_US / 1000000));
	else if (s->now >= vf_stall_end(s))
		vf_stall_give_up(s);
	return s->status == VF_SESSION_LOST;
}

static void tick_open(vf_session *s)
{
	if (!pending(s)) {
		s->waiting = false;
		return;
	}
	if (!s->waiting) {
		s->waiting = true;
		s->wait_us = s->now;
		s->backoff = 0;
	}
	vf_stall_charge(s);
	if (give_up(s))
		return;
	if (s->now >= vf_session_query_time(s)) {
		s->want_query = true;
		s->query_us = s->now;
		s->backoff++;
	}
	if (s->now >= echo_time(s))
		s->echo.want = true;
}

void vf_session_tick(vf_session *s, uint64_t now_us)
{
	uint64_t text_at;

	if (now_us > s->now)
		s->now = now_us;
	if (vf_session_text_due(s, &text_at) && s->now >= text_at) {
		size_t len = vf_decoder_flush_text(&s->decoder);
		if (len > 0)
			vf_session_on_text(s, len);
	}
	vf_rate_watch(s);
	if (s->status == VF_SESSION_OPENING)
		tick_opening(s);
	else if (s->status == VF_SESSION_OPEN)
		tick_open(s);
	else if (s->status == VF_SESSION_CLOSING)
		tick_closing(s);
}

static uint64_t deadline_open(const vf_session *s)
{
	if (!pending(s))
		return NEVER;
	if (!s->waiting)
		return s->now;
	uint64_t t = sooner(lost_time(s), vf_session_query_time(s));
	if (s->overdue_us != 0)
		t = sooner(t, s->overdue_us + OVERDUE_US);
	return sooner(sooner(t, sooner(stuck_time(s), vf_stall_end(s))), echo_time(s));
}

uint64_t vf_session_deadline(const vf_session *s)
{
	uint64_t t = NEVER;
	uint64_t text_at;

	if (s->status == VF_SESSION_OPEN)
		t = deadline_open(s);
	else if (s->status == VF_SESSION_CLOSING ||
		 (s->status == VF_SESSION_OPENING && s->rate.stage == RATE_NONE))
		t = sooner(s->give_up_us, s->repeat_us);
	if (vf_session_text_due(s, &text_at))
		t = sooner(t, text_at);
	return sooner(t, vf_rate_deadline(s));
}
