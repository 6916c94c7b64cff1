/* guard.c - a board with a key: a session counts for nothing until its host has proved
 * that it holds the key (PROTOCOL 3.8), and a message for nothing until its trailer was
 * found right (5.6).
 *
 * A message is taken into the queue as a whole or not at all: what makes a trailer wait
 * for all bytes of its message is the window, in which nothing is overwritten before it
 * is used up. So no byte that was not vouched for reaches an operation.
 */
#include <string.h>

#include "engine.h"

enum {
	WAIT_FIRST_US = 1000000, /* after a wrong proof; doubled with each one */
	WAIT_DOUBLED = 6,        /* times at most: 64 s */
};

static bool good(const vf_target_config *c)
{
	if (c->key == NULL || c->window_len < VF_T_GUARD_WINDOW)
		return false;
	for (unsigned i = 0; i < c->memories; i++) {
		if (c->memory[i].info->page > c->window_len / 2)
			return false;
	}
	return true;
}

/* --- the proof ---------------------------------------------------------------- */

static void forget(vf_target *t)
{
	vf_target_guard *g = t->config.guard;
	g->proven = false;
	g->begun = false;
	memset(g->key, 0, sizeof g->key);
	memset(&g->mac, 0, sizeof g->mac);
	memset(&g->answer, 0, sizeof g->answer);
}

static void open(vf_target *t)
{
	vf_target_guard *g = t->config.guard;
	g->terms.session = t->session.number;
	vf_guard_nonce(g->terms.board, t->config.key, t->config.seed, g->sessions++);
}

/* Is it the proof that holds for these terms? */
static bool holds(const vf_target *t, const vf_guard_terms *terms, const vf_prove *p)
{
	uint8_t proof[VF_SHA256_SIZE];
	vf_guard_derive(proof, t->config.key, VF_GUARD_HOST_PROOF, terms);
	return vf_same_secret(proof, p->proof, sizeof proof);
}

static void let_in(vf_target *t)
{
	vf_target_guard *g = t->config.guard;
	vf_guard_derive(g->answer.proof, t->config.key, VF_GUARD_BOARD_PROOF, &g->terms);
	vf_guard_derive(g->key, t->config.key, VF_GUARD_SESSION_KEY, &g->terms);
	g->answer.result = VF_PROVED_YES;
	g->proven = true;
	g->failures = 0;
}

static void turn_away(vf_target *t)
{
	vf_target_guard *g = t->config.guard;
	g->answer.result = VF_PROVED_NO;
	g->wait_us = (uint32_t)WAIT_FIRST_US << g->failures;
	g->since = t->now;
	if (g->failures < WAIT_DOUBLED)
		g->failures++;
}

/* A session is proved once. The same proof again is a repeat, because the answer got
 * lost; another one is somebody else's, and neither changes anything. */
static void prove(vf_target *t, const vf_prove *p)
{
	vf_target_guard *g = t->config.guard;
	vf_guard_terms terms = g->terms;
	memcpy(terms.host, p->nonce, sizeof terms.host);
	t->out.pending |= VF_T_PROVED;
	g->stranger = g->proven && !(memcmp(terms.host, g->terms.host, sizeof terms.host) == 0 &&
				     holds(t, &terms, p));
	if (g->proven)
		return;
	if (g->wait_us != 0) {
		g->answer.result = VF_PROVED_LATER;
		return;
	}
	g->terms = terms;
	if (holds(t, &terms, p))
		let_in(t);
	else
		turn_away(t);
}

static uint32_t left(const vf_target *t)
{
	const vf_target_guard *g = t->config.guard;
	uint32_t past = t->now - g->since;
	return past < g->wait_us ? g->wait_us - past : 0;
}

static size_t pack(const vf_target *t, uint8_t *body)
{
	const vf_target_guard *g = t->config.guard;
	vf_proved p = g->answer;
	if (g->stranger)
		p = (vf_proved){.result = VF_PROVED_NO};
	if (p.result != VF_PROVED_YES)
		p.wait_ms = (left(t) + 999) / 1000;
	return vf_pack_proved(body, t->out.number, vf_t_tag(t), &p);
}

static void watch(vf_target *t)
{
	if (left(t) == 0)
		t->config.guard->wait_us = 0;
}

static void welcome(const vf_target *t, vf_welcome *w)
{
	w->capabilities |= VF_CAP_KEY;
	w->trailer = VF_TRAILER_SIZE;
	w->block = vf_t_min(w->block, t->config.window_len / 2);
	memcpy(w->nonce, t->config.guard->terms.board, sizeof w->nonce);
}

/* --- trailers ------------------------------------------------------------------- */

/* Covers what has arrived of the message up to stream offset `end`. */
static bool cover(vf_target *t, uint32_t end)
{
	vf_target_guard *g = t->config.guard;
	uint32_t from = g->covered;
	uint32_t upto = vf_offset_diff(t->stream.received, end) < 0 ? t->stream.received : end;
	while (from != upto) {
		uint32_t at = from & (t->config.window_len - 1);
		uint32_t n = vf_t_min(upto - from, t->config.window_len - at);
		vf_hmac_update(&g->mac, t->config.window + at, n);
		from += n;
	}
	g->covered = upto;
	return upto == end;
}

static uint8_t judge(vf_target *t, vf_message *m, uint32_t header)
{
	vf_target_guard *g = t->config.guard;
	uint32_t data = vf_message_data(m), number = t->queue.parsed;
	uint32_t end = t->queue.cursor + header + data;
	uint8_t sent[VF_TRAILER_SIZE], right[VF_TRAILER_SIZE];
	if ((m->flags & VF_MESSAGE_TRAILER) == 0 || number == UINT32_MAX)
		return VF_FAIL_UNPROVEN;
	if (data > t->config.window_len - VF_WIRE_MESSAGE_LONG - VF_TRAILER_SIZE)
		return VF_FAIL_RANGE;
	if (!g->begun) {
		vf_trailer_begin(&g->mac, g->key, number);
		g->covered = t->queue.cursor;
		g->begun = true;
	}
	if (!cover(t, end) || t->stream.received - end < VF_TRAILER_SIZE)
		return VF_T_WAIT;
	g->begun = false;
	vf_t_stream_copy(t, end, sent, sizeof sent);
	vf_trailer_end(&g->mac, right);
	if (!vf_same_secret(sent, right, sizeof right))
		return VF_FAIL_UNPROVEN;
	m->flags &= (uint8_t)~VF_MESSAGE_TRAILER;
	return VF_FAIL_NONE;
}

const struct vf_target_guard_feature vf_target_guard_feature = {good, forget, open,    prove,
								pack, watch,  welcome, judge};
