/* session_prove.c - a board with a key: showing it that we hold the key, as part of opening
 * (PROTOCOL §3.8), and the trailer of each message then (§5.6).
 *
 *   all described --- PROVE ---> PROVED: yes ---> on to the rate, or open
 *                       ^           | later: wait as long as it says
 *                       +-----------+ no: HELLO again. Has WELCOME the nonce that
 *                                     was proved with: LOST. If not, the board
 *                                     restarted in between: from the beginning
 */
#include <string.h>

#include "session_internal.h"

enum {
	ROUNDS_MAX = 8,        /* in which somebody else's wrong proofs make us wait */
	HELD_MAX_MS = 120000u, /* a board makes nobody wait for longer than 64 s */
};

static void new_nonce(vf_session *s, uint8_t nonce[VF_NONCE_SIZE])
{
	for (unsigned i = 0; i < VF_NONCE_SIZE; i += 8) {
		const uint64_t r = s->config.random(s->config.ctx);
		vf_put32(nonce + i, (uint32_t)r);
		vf_put32(nonce + i + 4, (uint32_t)(r >> 32));
	}
}

static void say_wrong(vf_session *s)
{
	vf_session_set_lost(s, VF_E_REFUSED,
			    "the board has another key: give the file of the right one with "
			    "--key-file");
}

/* A board that restarted since WELCOME has another nonce, and finds wrong what is right. */
static void doubt(vf_session *s)
{
	s->guard.proving = s->guard.want = s->welcomed = false;
	s->guard.doubted = s->want_hello = true;
	memset(s->described, 0, sizeof s->described);
	s->repeat_us = s->now + REPEAT_US;
	s->give_up_us = s->now + s->config.open_timeout_us;
}

bool vf_prove_begin(vf_session *s)
{
	const vf_welcome *w = &s->board.welcome;

	s->board.proven = (w->capabilities & VF_CAP_KEY) == 0;
	if (s->board.proven || s->config.key == NULL)
		return false;
	if (s->guard.doubted &&
	    memcmp(s->guard.terms.board, w->nonce, sizeof s->guard.terms.board) == 0) {
		say_wrong(s);
		return true;
	}
	s->guard.terms.session = s->number;
	memcpy(s->guard.terms.board, w->nonce, sizeof w->nonce);
	new_nonce(s, s->guard.terms.host);
	s->guard.proving = s->guard.want = true;
	s->repeat_us = s->now + REPEAT_US;
	s->give_up_us = s->now + s->config.open_timeout_us;
	return true;
}

size_t vf_prove_body(vf_session *s, uint8_t *body)
{
	vf_prove p;

	if (!s->guard.want)
		return 0;
	s->guard.want = false;
	s->repeat_us = s->now + vf_link_repeat_interval(s);
	memcpy(p.nonce, s->guard.terms.host, sizeof p.nonce);
	vf_guard_derive(p.proof, s->config.key, VF_GUARD_HOST_PROOF, &s->guard.terms);
	return vf_pack_prove(body, s->next_number, s->tag, &p);
}

/* Somebody showed it a wrong key, perhaps we did in an earlier run. */
static void wait_for(vf_session *s, uint32_t ms)
{
	if (ms > HELD_MAX_MS || ++s->guard.rounds > ROUNDS_MAX) {
		vf_session_set_lost(s, VF_E_REFUSED,
				    "the board listens to no key now (for %u s): somebody keeps "
				    "showing it wrong ones; stop that, then run this again",
				    ms / 1000 + (ms % 1000 != 0));
		return;
	}
	s->guard.held_ms = ms;
	s->repeat_us = s->now + ms * UINT64_C(1000);
	s->give_up_us = s->repeat_us + s->config.open_timeout_us;
}

static void accepted(vf_session *s, const vf_proved *p)
{
	uint8_t proof[VF_SHA256_SIZE];

	vf_guard_derive(proof, s->config.key, VF_GUARD_BOARD_PROOF, &s->guard.terms);
	if (!vf_same_secret(proof, p->proof, sizeof proof)) {
		vf_session_set_lost(s, VF_E_REFUSED,
				    "the board does not hold the key that it asks for: it is "
				    "another one than it says, or something stands in between");
		return;
	}
	vf_guard_derive(s->guard.key, s->config.key, VF_GUARD_SESSION_KEY, &s->guard.terms);
	s->guard.proving = false;
	s->guard.sealing = s->board.proven = true;
	s->give_up_us = s->now + s->config.open_timeout_us;
	if (!vf_rate_begin(s))
		vf_session_opened(s);
}

void vf_prove_on_proved(vf_session *s, const uint8_t *body, size_t len)
{
	vf_proved p;

	if (s->status != VF_SESSION_OPENING || !s->guard.proving ||
	    vf_unpack_proved(&p, body, len) != 0)
		return;
	if (p.result == VF_PROVED_YES)
		accepted(s, &p);
	else if (p.result == VF_PROVED_LATER)
		wait_for(s, p.wait_ms);
	else if (s->guard.doubted)
		say_wrong(s);
	else
		doubt(s);
}

/* --- trailers --------------------------------------------------------------------- */

size_t vf_seal_header(const vf_session *s, const vf_operation *op,
		      uint8_t header[VF_WIRE_MESSAGE_LONG])
{
	vf_message m = op->message;

	if (s->guard.sealing)
		m.flags |= VF_MESSAGE_TRAILER;
	return vf_pack_message(header, &m);
}

/* Made once it is needed, and kept: what is sent again is the same. */
const uint8_t *vf_seal(vf_session *s, vf_operation *op)
{
	uint8_t header[VF_WIRE_MESSAGE_LONG];
	const uint32_t data = vf_message_data(&op->message);
	vf_hmac h;

	if (op->sealed)
		return op->trailer;
	vf_trailer_begin(&h, s->guard.key, op->number);
	vf_hmac_update(&h, header, vf_seal_header(s, op, header));
	if (op->data != NULL)
		vf_hmac_update(&h, op->data, data);
	for (uint32_t at = 0, n; op->data == NULL && at < data; at += n) {
		n = data - at < sizeof s->body ? data - at : sizeof s->body;
		op->data_fn(op->data_ctx, at, s->body, n);
		vf_hmac_update(&h, s->body, n);
	}
	vf_trailer_end(&h, op->trailer);
	op->sealed = true;
	return op->trailer;
}
