/* session.c - a session's life: made, opened, closed, and what can be asked of it.
 *
 *              open                 WELCOME, all MEMORY
 *   CLOSED -----------> OPENING --------------------------> OPEN
 *     ^                    |                                  |
 *     |   ENDED, 1 s       | no answer, no board              +-- failure --> STOPPED
 *   CLOSING <--- close --- any                                +-- ENDED ----> ENDED
 *                          +--------> LOST <--- silence, nonsense --+
 *
 * `open` leads from every state to OPENING.
 */
#include <string.h>

#include "session_internal.h"

static const vf_failure no_failure;

vf_session *vf_session_new(const vf_session_config *config)
{
	vf_session *s = vf_resize(&config->alloc, NULL, sizeof *s);

	if (s == NULL)
		return NULL;
	memset(s, 0, sizeof *s);
	s->config = *config;
	if (s->config.open_timeout_us == 0)
		s->config.open_timeout_us = s->config.rate != 0 ? 4500 * MS : 3000 * MS;
	if (s->config.lost_timeout_us == 0)
		s->config.lost_timeout_us = 3000 * MS;
	vf_decoder_init(&s->decoder, s->rx, sizeof s->rx);
	s->rate.home = s->rate.now = s->rate.pipe = s->stats.baud = s->config.rate;
	s->rate.limit = s->config.rate_max;
	return s;
}

void vf_session_free(vf_session *s)
{
	if (s == NULL)
		return;
	vf_session_drop_all(s);
	vf_alloc alloc = s->config.alloc;
	vf_free(&alloc, s);
}

void vf_session_drop_all(vf_session *s)
{
	vf_operation *op = s->first;

	while (op != NULL) {
		vf_operation *next = op->next; /* `op` may be gone afterwards */
		if (op->extra != NULL)
			vf_answer_drop(s, op);
		else
			op->status = VF_OPERATION_DROPPED;
		op = next;
	}
	vf_stream_reset(s);
	s->waiting = false;
	s->want_query = false;
	s->echo.result = NULL;
	s->burst.result = NULL;
}

void vf_session_set_lost(vf_session *s, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	s->error.code = code;
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, a line above */
	(void)vsnprintf(s->error.text, sizeof s->error.text, fmt, ap);
	va_end(ap);
	s->status = VF_SESSION_LOST;
	s->tx_len = s->tx_at = 0;
	vf_rate_go_home(s);
	vf_session_drop_all(s);
}

static void pick_number(vf_session *s)
{
	s->number = s->config.random(s->config.ctx);
	s->tag = (uint32_t)s->number;
	if (s->tag == 0) {
		s->number |= 1;
		s->tag = 1;
	}
}

static void forget_session(vf_session *s)
{
	vf_session_drop_all(s);
	memset(&s->error, 0, sizeof s->error);
	memset(&s->board, 0, sizeof s->board);
	memset(&s->state, 0, sizeof s->state);
	memset(&s->failure, 0, sizeof s->failure);
	memset(s->described, 0, sizeof s->described);
	memset(s->asked_us, 0, sizeof s->asked_us);
	s->stats.damaged_there = s->stats.mended_there = 0;
	s->stats.lost_there = 0;
	s->has_state = s->welcomed = false;
	s->deaf_us = s->overdue_us = s->query_us = 0;
	s->backoff = 0;
	s->want_abort = false;
	s->tx_len = s->tx_at = 0;
	memset(&s->guard, 0, sizeof s->guard);
	memset(&s->stall, 0, sizeof s->stall);
	vf_link_reset(s);
	vf_rate_reset(s);
}

void vf_session_opened(vf_session *s)
{
	s->status = VF_SESSION_OPEN;
	s->state.limit = s->board.welcome.window;
}

void vf_session_open(vf_session *s, uint64_t now_us)
{
	if (now_us > s->now)
		s->now = now_us;
	/* What blocks the board does not end with the session. */
	const uint64_t deaf =
		s->status == VF_SESSION_OPEN && s->deaf_us > s->now ? s->deaf_us : s->now;
	forget_session(s);
	pick_number(s);
	s->status = VF_SESSION_OPENING;
	s->next_number = 1;
	s->heard_us = s->drain_us = s->now;
	s->open_bytes = 0;
	s->foreign_us = s->foreign_for = 0;
	s->open_frames = s->open_lines = s->hellos = 0;
	s->want_hello = true;
	s->coming_home = false;
	s->repeat_us = s->now + REPEAT_US;
	s->give_up_us = deaf + s->config.open_timeout_us;
}

void vf_session_open_anew(vf_session *s, uint64_t now_us)
{
	vf_decoder_init(&s->decoder, s->rx, sizeof s->rx);
	s->rate.now = s->rate.pipe = s->stats.baud = s->rate.home;
	vf_session_open(s, now_us);
}

void vf_session_close(vf_session *s, uint64_t now_us)
{
	if (now_us > s->now)
		s->now = now_us;
	bool there = s->status == VF_SESSION_OPEN || s->status == VF_SESSION_STOPPED ||
		     (s->status == VF_SESSION_OPENING && s->hellos > 0);

	if (s->status == VF_SESSION_CLOSING)
		return;
	vf_session_drop_all(s);
	s->want_hello = false;
	s->status = VF_SESSION_CLOSED;
	if (!there) {
		vf_rate_go_home(s);
		return;
	}
	s->status = VF_SESSION_CLOSING;
	s->tx_len = s->tx_at = 0; /* what was composed counts no more: ABORT goes first */
	s->want_abort = true;
	s->repeat_us = s->now + REPEAT_US;
	s->give_up_us = s->now + CLOSE_US;
}

enum vf_session_status vf_session_status(const vf_session *s)
{
	return s->status;
}

const vf_board *vf_session_board(const vf_session *s)
{
	return &s->board;
}

uint64_t vf_session_number(const vf_session *s)
{
	return s->number;
}

const vf_failure *vf_session_failure(const vf_session *s)
{
	return s->status == VF_SESSION_STOPPED ? &s->failure : &no_failure;
}

const vf_error *vf_session_error(const vf_session *s)
{
	return &s->error;
}

const vf_state *vf_session_state(const vf_session *s)
{
	return &s->state;
}

const vf_session_stats *vf_session_stats_get(const vf_session *s)
{
	return &s->stats;
}

uint32_t vf_session_held_ms(const vf_session *s)
{
	return s->status == VF_SESSION_OPENING ? s->guard.held_ms : 0;
}

void vf_session_echo(vf_session *s, uint16_t len, uint32_t *round_trip_us)
{
	const vf_welcome *w = &s->board.welcome;

	*round_trip_us = 0;
	if (s->status != VF_SESSION_OPEN)
		return;
	uint16_t most = w->payload < w->answer ? w->payload : w->answer;
	if (len > most)
		len = most;
	if (s->first == NULL && s->echo.result == NULL) {
		s->waiting = false;
		vf_stall_begin(s);
	}
	if (len < sizeof s->echo.id)
		len = sizeof s->echo.id; /* which of several an answer belongs to */
	s->echo.result = round_trip_us;
	s->echo.len = len;
	s->echo.want = true;
}

const char *vf_failure_name(uint8_t code)
{
	static const char *const names[] = {
		[VF_FAIL_NONE] = "none",
		[VF_FAIL_UNKNOWN] = "unknown",
		[VF_FAIL_MALFORMED] = "malformed",
		[VF_FAIL_RANGE] = "range",
		[VF_FAIL_PROTECTED] = "protected",
		[VF_FAIL_ERASE] = "erase",
		[VF_FAIL_PROGRAM] = "program",
		[VF_FAIL_MISMATCH] = "mismatch",
		[VF_FAIL_LOCKED] = "locked",
		[VF_FAIL_TIMEOUT] = "timeout",
		[VF_FAIL_BUS] = "bus",
		[VF_FAIL_ABSENT] = "absent",
		[VF_FAIL_NO_APPLICATION] = "no-application",
		[VF_FAIL_RIGHTS] = "rights",
		[VF_FAIL_OTHER] = "other",
		[VF_FAIL_PACKING] = "packing",
		[VF_FAIL_UNMARKED] = "unmarked",
		[VF_FAIL_INCOMPLETE] = "incomplete",
		[VF_FAIL_JOURNAL] = "journal",
		[VF_FAIL_UNPROVEN] = "unproven",
	};

	return code < sizeof names / sizeof names[0] ? names[code] : "unheard-of";
}
