/* session_rate.c - the baud rate: up by agreement once the board is known, home again when that
 * does not hold (PROTOCOL §3.7).
 *
 *   ASK --- RATED ---> PROVE --- ECHOs came back ---> CONFIRM --- STATE ---> open, raised
 *    |                   |                               |
 *    +---- no answer ----+-------------------------------+---> RETURN --- STATE ---> ASK for
 *                                                              less, or open at the home rate
 *
 * All of that is part of opening: whoever uses the session sees OPENING until the rate is settled.
 * Later only two things happen: a frame a second, and going home when nothing is heard any more.
 */
#include "session_internal.h"

enum {
	TRIES_MAX = 3,    /* rates tried before the home rate is good enough */
	ECHOES = 4,       /* that have to come back, */
	FAILURES_MAX = 3, /* before so many did not */
	ECHO_SHARE = 400, /* an echo takes a fortieth of a second each way, at ten bits a byte */
};

#define SETTLE_US (10u * MS)   /* the board and what lies between have set theirs, too */
#define ANSWER_US (150u * MS)  /* on top of the time that the bytes take */
#define PROOF_US  (800u * MS)  /* the board gives up after 1 s */
#define HOME_US   (3000u * MS) /* the board is home at the latest, once nobody is heard */
#define ALIVE_US  (1000u * MS)
#define SILENT_US (2000u * MS)

/* --- helpers -------------------------------------------------------------------- */

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool raised(const vf_session *s)
{
	return s->rate.now != s->rate.home;
}

static void set(vf_session *s, uint32_t baud)
{
	s->rate.now = baud;
	s->tx_len = s->tx_at = 0;
}

/* What was learnt of the line at another rate says nothing of this one. */
static void learn_anew(vf_session *s)
{
	s->link.rate = s->rate.now / 10;
	s->link.out = s->link.in = (link_trial){0};
	s->stats.baud = s->rate.now;
}

/* The next rate worth a try when `baud` did not hold: usual ones, at least a third lower. */
static uint32_t less_than(const vf_session *s, uint32_t baud)
{
	static const uint32_t usual[] = {8000000, 6000000, 4000000, 3000000, 2000000,
					 1500000, 921600,  460800,  230400,  115200};

	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (usual[i] <= baud / 3 * 2)
			return usual[i] > s->rate.home ? usual[i] : s->rate.home;
	return s->rate.home;
}

static uint16_t echo_length(const vf_session *s)
{
	const vf_welcome *w = &s->board.welcome;
	uint32_t n = s->rate.now / ECHO_SHARE;

	if (n > w->payload)
		n = w->payload;
	if (n > w->answer)
		n = w->answer;
	while (n > 2 && DATA_FRAME_SIZE(n) > w->credit / 4) /* a few that are lost count too */
		n--;
	return (uint16_t)(n > 2 ? n : 2);
}

/* How long an answer may take when frames of so many bytes go each way. */
static uint64_t patience(const vf_session *s, uint32_t raw)
{
	return ANSWER_US + raw * UINT64_C(20000000) / s->rate.now;
}

/* --- from stage to stage ----------------------------------------------------------- */

static void settled(vf_session *s)
{
	s->rate.stage = RATE_NONE;
	learn_anew(s);
	vf_session_opened(s);
}

static void enter(vf_session *s, enum rate_stage stage, uint64_t wait_us)
{
	s->rate.stage = stage;
	s->rate.send = stage != RATE_PROVE;
	s->rate.proving = false;
	s->rate.first = s->next_number;
	s->rate.good = s->rate.bad = 0;
	s->rate.due_us = s->now + wait_us;
}

static void go_back(vf_session *s)
{
	if (s->rate.stage != RATE_ASK)
		s->rate.limit = less_than(s, s->rate.now);
	set(s, s->rate.home);
	enter(s, RATE_RETURN, REPEAT_US);
	s->rate.end_us = s->now + HOME_US + ALIVE_US;
}

bool vf_rate_begin(vf_session *s)
{
	uint32_t most = s->board.welcome.rate;

	if (s->rate.limit < most)
		most = s->rate.limit;
	if (raised(s) || s->rate.home == 0 || most <= s->rate.home || s->rate.tries == TRIES_MAX)
		return false;
	s->rate.tries++;
	s->rate.ask = most;
	enter(s, RATE_ASK, REPEAT_US + patience(s, VF_WIRE_FRAME_SIZE(VF_WIRE_RATE_SIZE)));
	return true;
}

void vf_rate_on_rated(vf_session *s, const uint8_t *body, size_t len)
{
	if (len < VF_WIRE_RATE_SIZE || s->rate.stage != RATE_ASK || s->rate.send ||
	    s->status != VF_SESSION_OPENING)
		return;
	uint32_t granted = vf_get32(body + VF_WIRE_HEADER);

	if (granted == s->rate.home) {
		settled(s);
	} else if (granted < s->rate.home || granted > s->rate.ask) {
		go_back(s); /* wherever it went, it comes home */
	} else {
		set(s, granted);
		enter(s, RATE_PROVE, PROOF_US);
		s->rate.end_us = s->now + PROOF_US;
	}
}

void vf_rate_refused(vf_session *s)
{
	if (s->rate.stage == RATE_ASK)
		settled(s);
}

void vf_rate_on_echoed(vf_session *s, const uint8_t *body, size_t len)
{
	if (s->rate.stage != RATE_PROVE || s->rate.send ||
	    len != VF_WIRE_HEADER + (size_t)s->rate.echo_len ||
	    vf_get16(body + VF_WIRE_HEADER) != s->rate.echo_id)
		return;
	vf_link_handshake(s, 2 * DATA_FRAME_SIZE(s->rate.echo_len), s->now - s->rate.at_us);
	if (++s->rate.good == ECHOES) {
		enter(s, RATE_CONFIRM, ANSWER_US);
		return;
	}
	s->rate.send = true;
	s->rate.due_us = s->now + patience(s, DATA_FRAME_SIZE(s->rate.echo_len));
}

void vf_rate_on_state(vf_session *s, const uint8_t *body, size_t len)
{
	vf_state n;

	if ((s->rate.stage != RATE_CONFIRM && s->rate.stage != RATE_RETURN) || s->rate.send ||
	    vf_unpack_state(&n, body, len) != 0 || vf_number_diff(n.seen, s->rate.first) < 0 ||
	    vf_number_diff(n.seen, s->next_number) >= 0)
		return;
	s->heard_us = s->now;
	s->state.damaged = n.damaged; /* on trial */
	if (s->rate.stage == RATE_CONFIRM || !vf_rate_begin(s))
		settled(s);
}

/* An echo did not come back, or not in time. */
static void missed(vf_session *s)
{
	if (++s->rate.bad == FAILURES_MAX || s->now >= s->rate.end_us) {
		go_back(s);
		return;
	}
	s->rate.send = true;
	s->rate.due_us = s->now + (s->rate.stage == RATE_PROVE
					   ? patience(s, DATA_FRAME_SIZE(s->rate.echo_len))
					   : ANSWER_US);
}

static void begin_proof(vf_session *s)
{
	s->rate.echo_len = echo_length(s);
	s->rate.proving = true;
	s->rate.send = true;
	s->rate.due_us = s->now + patience(s, DATA_FRAME_SIZE(s->rate.echo_len));
}

void vf_rate_tick_opening(vf_session *s)
{
	if (s->now < s->rate.due_us)
		return;
	if (s->rate.stage == RATE_ASK ||
	    (s->rate.stage == RATE_PROVE && s->rate.pipe != s->rate.now)) {
		go_back(s);
	} else if (s->rate.stage == RATE_PROVE && !s->rate.proving) {
		begin_proof(s);
	} else if (s->rate.stage != RATE_RETURN) {
		missed(s);
	} else if (s->now >= s->rate.end_us) {
		vf_session_set_lost(s, VF_E_LINK,
				    "the board did not come back to %u baud when a higher rate "
				    "did not hold: reset it, or stay at this rate",
				    (unsigned)s->rate.home);
	} else {
		s->rate.send = true;
		s->rate.due_us = s->now + REPEAT_US;
	}
}

/* The frame that this stage wants sent; 0: none. */
size_t vf_rate_body(vf_session *s, uint8_t *body)
{
	size_t len = VF_WIRE_HEADER;
	uint8_t kind = VF_KIND_QUERY;

	if (!s->rate.send)
		return 0;
	if (s->rate.stage == RATE_ASK) {
		kind = VF_KIND_RATE;
		vf_put32(body + len, s->rate.ask);
		len = VF_WIRE_RATE_SIZE;
	} else if (s->rate.stage == RATE_PROVE) {
		kind = VF_KIND_ECHO;
		s->rate.echo_id = s->next_number;
		vf_put16(body + len, s->rate.echo_id);
		for (unsigned i = 2; i < s->rate.echo_len; i++)
			body[len + i] = (uint8_t)(i * 167 + (i >> 8));
		len += s->rate.echo_len;
	}
	vf_put_header(body, kind, s->next_number, s->tag);
	s->rate.send = false;
	s->rate.at_us = s->now;
	return len;
}

/* --- in the session, and at its end ------------------------------------------------- */

void vf_rate_reset(vf_session *s)
{
	s->rate.stage = RATE_NONE;
	s->rate.send = false;
	s->rate.fell_us = 0;
	s->rate.tries = 0;
}

void vf_rate_go_home(vf_session *s)
{
	s->rate.stage = RATE_NONE;
	s->rate.send = false;
	if (raised(s))
		set(s, s->rate.home);
}

static bool watched(const vf_session *s)
{
	return raised(s) && (s->status == VF_SESSION_OPEN ||
			     (s->status == VF_SESSION_OPENING && s->rate.stage == RATE_NONE));
}

static uint64_t alive_time(const vf_session *s)
{
	return later(later(s->rate.sent_us, s->rate.nudged_us), s->deaf_us) + ALIVE_US;
}

static uint64_t silent_time(const vf_session *s)
{
	return later(s->heard_us, s->deaf_us) + SILENT_US;
}

void vf_rate_watch(vf_session *s)
{
	if (!watched(s))
		return;
	if (s->now >= silent_time(s)) {
		vf_rate_go_home(s);
		s->rate.fell_us = s->now;
		s->give_up_us = s->now + HOME_US + s->config.open_timeout_us;
		s->query_us = s->now;
		s->backoff = 0;
	} else if (s->status == VF_SESSION_OPEN && s->now >= alive_time(s)) {
		s->want_query = true;
		s->rate.nudged_us = s->now;
	}
}

uint64_t vf_rate_deadline(const vf_session *s)
{
	if (s->status == VF_SESSION_OPENING && s->rate.stage != RATE_NONE)
		return s->rate.due_us;
	if (!watched(s))
		return UINT64_MAX;
	uint64_t t = silent_time(s);
	return s->status == VF_SESSION_OPEN && alive_time(s) < t ? alive_time(s) : t;
}

/* A board that is still at the other rate cannot be heard: count from when it must be home. */
uint64_t vf_rate_excuse(const vf_session *s)
{
	return s->rate.fell_us != 0 ? s->rate.fell_us + HOME_US : 0;
}

/* A state of the open session came. */
void vf_rate_alive(vf_session *s)
{
	if (s->rate.fell_us == 0)
		return;
	s->rate.fell_us = 0;
	s->rate.limit = less_than(s, s->rate.ask); /* it was the line, not the board */
	learn_anew(s);
}

bool vf_rate_unsure(const vf_session *s)
{
	return s->rate.stage != RATE_NONE || s->rate.fell_us != 0;
}

bool vf_session_rate(vf_session *s, uint32_t *baud)
{
	if (s->rate.pipe == s->rate.now)
		return false;
	s->rate.pipe = s->rate.now;
	*baud = s->rate.now;
	if (s->rate.stage == RATE_PROVE) {
		s->rate.proving = false;
		s->rate.due_us = s->now + SETTLE_US;
	}
	return true;
}
