/* session_stall.c - how long a board is believed that answers but gets nothing done
 * (PROTOCOL §6).
 *
 * What a board says of itself is no step forward: that it heard a question, that it is busy,
 * that it will be deaf for another while. Steps are what the caller asked for and can be
 * counted: bytes taken, answers that were missing, operations finished. Time without them is
 * charged to one of two accounts, by what the newest STATE says: work, where it says that it
 * is busy or deaf, else idleness. A step fills them up, a byte adds a little, and each byte
 * of the caller counts once, whatever the board makes of it: so no sequence of STATEs keeps
 * a session alive for ever.
 */
#include "session_internal.h"

#define BYTE_US (100u * MS)

/* Bytes a second of reading: what any board may take its time for, and what none gets more for. */
enum { SLOWEST = 64000, FASTEST = 1000000 };

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool works(const vf_session *s)
{
	return (s->state.flags & (VF_STATE_BUSY | VF_STATE_DEAF)) != 0;
}

/* Reading all of it at a fourth of the rate that it states, if it does. */
static uint64_t read_us(const vf_memory *m)
{
	uint32_t rate = m->read_rate / 4;

	if (rate < SLOWEST)
		rate = SLOWEST;
	if (rate > FASTEST)
		rate = FASTEST;
	return m->size * UINT64_C(1000000) / rate;
}

/* No operation takes longer: four times the longest erase of its memories, or reading all of
 * one; and none an hour. */
static uint64_t longest_us(const vf_session *s)
{
	uint64_t longest = 0;

	for (unsigned i = 0; i < s->board.welcome.memories; i++) {
		const vf_memory *m = &s->board.memory[i];
		for (unsigned k = 0; k < m->erase_types; k++)
			longest = later(longest, m->erase[k].max_us * UINT64_C(4));
		longest = later(longest, read_us(m));
	}
	return sooner(longest, DEAF_MAX_MS * UINT64_C(1000));
}

static uint64_t work_most(const vf_session *s)
{
	return later(longest_us(s), s->stall.announced_us) + GRACE_US;
}

uint64_t vf_stall_silence(const vf_state *n)
{
	return (n->maximum_ms < DEAF_MAX_MS ? n->maximum_ms : DEAF_MAX_MS) * UINT64_C(1000);
}

void vf_stall_begin(vf_session *s)
{
	s->stall.fresh = true;
}

void vf_stall_step(vf_session *s)
{
	s->stall.announced_us = 0;
	s->stall.work_us = work_most(s);
	s->stall.idle_us = GRACE_US;
}

void vf_stall_charge(vf_session *s)
{
	uint64_t *account = works(s) ? &s->stall.work_us : &s->stall.idle_us;

	if (s->stall.fresh) {
		s->stall.fresh = false;
		vf_stall_step(s);
	} else {
		*account -= sooner(*account, s->now - s->stall.charged_us);
	}
	s->stall.charged_us = s->now;
}

uint64_t vf_stall_end(const vf_session *s)
{
	if (s->stall.fresh)
		return UINT64_MAX;
	return s->stall.charged_us + (works(s) ? s->stall.work_us : s->stall.idle_us);
}

void vf_stall_bytes(vf_session *s, uint32_t bytes)
{
	const uint64_t us = bytes * (uint64_t)BYTE_US;

	s->stall.work_us = sooner(s->stall.work_us + us, work_most(s));
	s->stall.idle_us = sooner(s->stall.idle_us + us, GRACE_US);
}

void vf_stall_submitted(vf_session *s, uint32_t bytes)
{
	s->stall.stream += bytes;
	s->stall.room += bytes;
}

/* Of `bytes` what counts; no byte twice. */
static uint32_t counts(uint64_t *left, uint32_t bytes)
{
	const uint32_t n = bytes < *left ? bytes : (uint32_t)*left;

	*left -= n;
	return n;
}

void vf_stall_on_state(vf_session *s, const vf_state *before)
{
	const vf_state *n = &s->state;
	const uint16_t last = s->burst.last;
	uint32_t bytes = counts(&s->stall.stream, n->received - before->received);

	bytes += counts(&s->stall.room, n->limit - before->limit);
	vf_stall_bytes(s, bytes);
	if (s->burst.result != NULL && n->seen != before->seen &&
	    vf_number_diff(last, before->seen) > 0)
		vf_stall_step(s);
	const uint64_t most = work_most(s) - GRACE_US;
	const uint64_t deaf = s->deaf_us > s->now ? s->deaf_us - s->now : 0;
	if (deaf > most) { /* longer than any operation: it may be so, once */
		s->stall.work_us += deaf - most;
		s->stall.announced_us = deaf;
	}
}

void vf_stall_give_up(vf_session *s)
{
	if (works(s))
		vf_session_set_lost(s, VF_E_LINK,
				    "the board has said to be busy with one operation for longer "
				    "than any may take: its loader hangs; reset the board");
	else
		vf_session_set_lost(s, VF_E_LINK,
				    "the board answers, but gets nothing done: its loader hangs, "
				    "or hears hardly anything of what is sent; check the wiring, "
				    "reset the board");
}
