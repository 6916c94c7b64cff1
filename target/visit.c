/* visit.c - what guests ask of the engine (docs/GUESTS.md). A guest is a host on the board:
 * its messages go into the window and through the queue like any others, so what it may do
 * is decided where it is decided for a host. In a file of its own, and called by nobody in
 * this room: a board without guests does not link it.
 */
#include <string.h>

#include "engine.h"

/* No host draws it: to the journal this is somebody else's work, whoever asks. */
static const uint64_t GUEST_SESSION = UINT64_C(0x6775657374000001);

uint32_t vf_target_now(const vf_target *t)
{
	return t->now;
}

const vf_target_config *vf_target_config_get(const vf_target *t)
{
	return &t->config;
}

bool vf_target_guest_open(vf_target *t)
{
	if (t->session.open || t->config.guard != NULL || vf_t_journal_unread(t))
		return false;
	if (t->session.guest)
		vf_target_guest_close(t);
	for (unsigned m = 0; m < t->config.memories; m++) {
		if (t->unit[m].stage != VF_T_NONE)
			return false;
	}
	t->session = (vf_target_session){
		.number = GUEST_SESSION, .guest = true, .payload = VF_WIRE_PAYLOAD_MAX};
	return true;
}

void vf_target_guest_close(vf_target *t)
{
	if (t->session.guest)
		vf_t_session_clear(t);
}

size_t vf_target_guest_put(vf_target *t, const uint8_t *bytes, size_t len)
{
	uint32_t room = vf_t_stream_limit(t) - t->stream.received;
	if (!t->session.guest || t->queue.stopping)
		return 0;
	if (len > room)
		len = room;
	if (len != 0)
		(void)vf_t_stream_put(t, t->stream.received, bytes, (uint32_t)len);
	return len;
}

vf_target_visit vf_target_guest_visit(const vf_target *t)
{
	const vf_target_queue *q = &t->queue;
	vf_target_visit v = {.open = t->session.guest};
	if (!v.open)
		return v;
	v.stopped = q->stopped;
	v.leaving = t->run != VF_T_QUIET;
	v.put = q->parsed;
	v.done = q->done;
	v.failure = q->failure;
	if (q->done != q->parsed)
		v.at = t->slot[q->done % VF_TARGET_QUEUE].at;
	return v;
}

/* The memory that has an answer; `memories` if none. */
static unsigned answering(const vf_target *t)
{
	unsigned m = 0;
	while (m < t->config.memories && t->unit[m].answer_len == 0)
		m++;
	return m;
}

const uint8_t *vf_target_guest_answer(vf_target *t, size_t *len)
{
	unsigned m = answering(t);
	*len = 0;
	if (!t->session.guest || m == t->config.memories)
		return NULL;
	*len = t->unit[m].answer_len;
	return t->unit[m].answer;
}

void vf_target_guest_answer_taken(vf_target *t)
{
	unsigned m = answering(t);
	if (!t->session.guest || m == t->config.memories)
		return;
	t->unit[m].answer_at += t->unit[m].answer_len;
	t->unit[m].answer_len = 0;
}

void vf_target_guest_leave(vf_target *t)
{
	if (t->session.guest && t->run == VF_T_WANTED)
		t->run = VF_T_SENDING;
}

size_t vf_target_greeting(const vf_target *t, uint8_t *out)
{
	return vf_t_greeting(t, out);
}

uint8_t vf_target_set(const vf_target *t)
{
	const vf_target_journal *j = t->config.journal;
	if (j == NULL || !j->loaded)
		return VF_SET_NONE;
	return j->broken ? (uint8_t)VF_SET_UNREADABLE : j->set[j->which][0];
}

/* --- bytes ------------------------------------------------------------------------------ */

/* What guests do not take as theirs is looked at byte by byte, by the decoder first. A frame
 * that opens a session ends them. 0: they hold what comes. */
static uint32_t share(vf_target *t, const uint8_t *in, uint32_t len)
{
	const vf_target_guest *guest = t->config.guest;
	uint32_t n = (uint32_t)guest->take(guest->self, in, len);
	if (n != 0)
		return n;
	if (guest->holds(guest->self))
		return 0;
	while (vf_t_link_decode(t, in, 1) == 0)
		;
	if (vf_t_hears_guests(t))
		guest->see(guest->self, *in);
	return 1;
}

/* When they have said all, and one took its leave after a RUN, the board goes. */
static const uint8_t *tx(vf_target *t, size_t *len)
{
	const vf_target_guest *guest = t->config.guest;
	const uint8_t *bytes = guest->tx(guest->self, len);
	t->out.guest = bytes != NULL;
	if (bytes == NULL && t->run == VF_T_SENDING && !t->session.open) {
		t->run = VF_T_TOLD;
		vf_t_rate_home(t);
	}
	return bytes;
}

static void tx_done(vf_target *t, size_t sent)
{
	const vf_target_guest *guest = t->config.guest;
	t->out.guest = false;
	guest->tx_done(guest->self, sent);
}

static bool due(const vf_target *t, uint32_t *left)
{
	const vf_target_guest *guest = t->config.guest;
	uint32_t at;
	if (!guest->deadline(guest->self, &at))
		return false;
	int32_t until = (int32_t)(at - t->now);
	*left = vf_t_min(*left, until > 0 ? (uint32_t)until : 0);
	return true;
}

const struct vf_target_visit_feature vf_target_visit_feature = {share, tx, tx_done, due};
