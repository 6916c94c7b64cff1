/* serprog_guest.c - the serial programmer among a board's guests: what opens a visit, whose
 * the bytes are, and what has to be on record before a change.
 *
 *     change:  none -> marking (the set is not complete) -> permit (what a cut leaves torn)
 */
#include <string.h>

#include <vcpflash/serprog.h>

enum { NOP = 0x00, SYNCNOP = 0x10, NOPS = 4, STRETCH = 64 * 1024 };
enum { ASK_AGAIN_US = 200, AWAY_US = 1000000 };

enum { /* vf_serprog_guest.change */
       NONE,
       MARK,
       MARKING,
       PERMIT,
};

static bool is_active(const vf_serprog_guest *s)
{
	return vf_guest_is_active(s->guest, s);
}

/* --- whose the bytes are ------------------------------------------------------------------- */

/* A client's opening counts also where the visit before it is not over yet. */
static void count(vf_serprog_guest *s, uint8_t byte)
{
	if (byte != NOP)
		s->zeros = 0;
	else if (s->zeros < NOPS)
		s->zeros++;
}

static void see(void *self, uint8_t byte)
{
	vf_serprog_guest *s = self;
	vf_serprog_tick(&s->engine, s->guest->now);
	count(s, byte);
	(void)vf_serprog_rx(&s->engine, &byte, 1);
}

/* The client begins with eight, of which a line that wakes up may swallow some. A visit that
 * begins while the console's last command is at work would be in its way. */
static bool opens(void *self, uint8_t byte)
{
	vf_serprog_guest *s = self;
	bool opening = byte == SYNCNOP && s->zeros >= NOPS &&
		       s->guest->request.outcome == VF_GUEST_NOTHING;
	if (!opening) {
		count(s, byte);
		return false;
	}
	vf_serprog_reset(&s->engine);
	see(s, byte);
	return true;
}

static size_t take(void *self, const uint8_t *bytes, size_t len)
{
	vf_serprog_guest *s = self;
	vf_serprog_tick(&s->engine, s->guest->now);
	return vf_serprog_expects(&s->engine) ? vf_serprog_rx(&s->engine, bytes, len) : 0;
}

static bool holds(const void *self)
{
	const vf_serprog_guest *s = self;
	return vf_serprog_holds(&s->engine);
}

/* --- changes ------------------------------------------------------------------------------- */

/* One record serves a stretch of changes, if it can. */
static vf_range stretch(const vf_serprog_guest *s)
{
	const vf_memory *m = s->engine.config.memory;
	vf_range r = {s->range.offset & ~(uint32_t)(STRETCH - 1), STRETCH};
	if (s->range.len >= STRETCH || m->size < STRETCH)
		return s->range;
	for (unsigned i = 0; i < m->protects; i++) {
		const vf_range *p = &m->protect[i];
		if (r.offset < p->offset + p->len && p->offset < r.offset + r.len)
			return s->range;
	}
	return r;
}

static void decide(vf_serprog_guest *s, int status)
{
	s->change = NONE;
	vf_serprog_disturbed(&s->engine); /* if the journal is in the same chip */
	vf_serprog_change_done(&s->engine, status);
}

static void mark(vf_serprog_guest *s)
{
	vf_message m = {.type = VF_MESSAGE_SET, .address = VF_SET_INCOMPLETE};
	s->change = PERMIT;
	if (!vf_target_guest_unmarked(s->guest->target, s->set, &m.length))
		return;
	vf_guest_ask(s->guest, &m, s->set, NULL, 0);
	s->change = MARKING;
}

static void marking(vf_serprog_guest *s)
{
	enum vf_guest_outcome outcome = vf_guest_poll(s->guest);
	if (outcome == VF_GUEST_DONE)
		s->change = PERMIT;
	else if (outcome != VF_GUEST_WAITING)
		decide(s, VF_E_REFUSED);
}

/* True if another step at once would find something to do. */
static bool move_change(vf_serprog_guest *s)
{
	vf_range r;
	uint8_t before = s->change;
	if (s->change == NONE && vf_serprog_change_next(&s->engine, &s->range))
		s->change = MARK;
	if (s->change == MARK)
		mark(s);
	else if (s->change == MARKING)
		marking(s);
	if (s->change == PERMIT) {
		r = stretch(s);
		int status = vf_target_guest_change(s->guest->target, s->memory, &r);
		if (status <= 0)
			decide(s, status);
	}
	return s->change != before;
}

/* --- the visit ----------------------------------------------------------------------------- */

static bool open(vf_serprog_guest *s)
{
	vf_target_visit v = vf_target_guest_visit(s->guest->target);
	return (v.open && !v.stopped) || vf_target_guest_open(s->guest->target);
}

static void leave(vf_serprog_guest *s)
{
	vf_serprog_reset(&s->engine);
	s->change = NONE;
	s->waits = false;
	vf_guest_deactivate(s->guest);
	vf_guest_release(s->guest);
}

/* Has the client gone, or never been one? */
static bool over(const vf_serprog_guest *s)
{
	const vf_serprog *e = &s->engine;
	if (vf_serprog_busy(e))
		return false;
	return vf_serprog_lost(e) || (!vf_serprog_active(e) && e->now - e->heard >= AWAY_US);
}

static bool step(void *self, uint32_t now_us)
{
	vf_serprog_guest *s = self;
	bool moved = false;
	vf_serprog_tick(&s->engine, now_us);
	if (!is_active(s))
		return false;
	s->waits = vf_serprog_wants_chip(&s->engine) && !open(s);
	if (vf_serprog_wants_chip(&s->engine) && !s->waits)
		moved = move_change(s);
	if (over(s))
		leave(s);
	return moved;
}

static bool deadline(const void *self, uint32_t *at_us)
{
	const vf_serprog_guest *s = self;
	if (!is_active(s))
		return false;
	if (s->waits || s->change != NONE) {
		*at_us = s->engine.now + ASK_AGAIN_US;
		return true;
	}
	if (vf_serprog_deadline(&s->engine, at_us))
		return true;
	*at_us = s->engine.heard + AWAY_US;
	return !vf_serprog_busy(&s->engine);
}

static const uint8_t *tx(void *self, size_t *len)
{
	vf_serprog_guest *s = self;
	return vf_serprog_tx(&s->engine, len);
}

static void tx_done(void *self, size_t sent)
{
	vf_serprog_guest *s = self;
	vf_serprog_tx_done(&s->engine, sent);
}

static void end(void *self)
{
	vf_serprog_guest *s = self;
	vf_serprog_reset(&s->engine);
	s->change = NONE;
	s->waits = false;
	s->zeros = 0;
}

int vf_serprog_invite(vf_serprog_guest *s, vf_guest *g, unsigned memory,
		      const vf_serprog_config *config)
{
	static const vf_guest_protocol protocol = {.name = "serprog",
						   .opens = opens,
						   .take = take,
						   .holds = holds,
						   .see = see,
						   .step = step,
						   .deadline = deadline,
						   .tx = tx,
						   .tx_done = tx_done,
						   .end = end};
	memset(s, 0, sizeof *s);
	s->guest = g;
	s->memory = (uint8_t)memory;
	int status = vf_serprog_init(&s->engine, config);
	if (status == VF_OK)
		vf_guest_add(g, &protocol, s);
	return status;
}

const vf_bus_op *vf_serprog_guest_bus(void *self)
{
	vf_serprog_guest *s = self;
	if (!is_active(s) || !vf_target_guest_visit(s->guest->target).open)
		return NULL;
	return vf_serprog_bus_next(&s->engine);
}

void vf_serprog_guest_bus_done(void *self, int status)
{
	vf_serprog_guest *s = self;
	vf_serprog_bus_done(&s->engine, status);
	s->guest->moved = true;
}
