/* send.c - frames out. One frame is on its way at a time, in the caller's
 * buffer; what waits is not a queue of frames but the reasons for one, so that
 * the newest state goes out and nothing piles up. Control comes first; STATE
 * and ANSWER take turns where both wait.
 */
#include <string.h>

#include "engine.h"

static void begin_frame(vf_target *t, vf_encoder *e)
{
	t->out.number++;
	t->out.sent = 0;
	vf_encode_begin(e, t->config.tx, t->config.tx_len);
}

static void end_frame(vf_target *t, vf_encoder *e)
{
	t->out.len = (uint32_t)vf_encode_end(e);
}

static void send_body(vf_target *t, const uint8_t *body, size_t len)
{
	vf_encoder e;
	begin_frame(t, &e);
	vf_encode_put(&e, body, len);
	end_frame(t, &e);
}

static void send_greeting(vf_target *t)
{
	t->out.sent = 0;
	t->out.len = t->with.text->greeting(t, t->config.tx);
}

static void send_refuse(vf_target *t, uint8_t *body)
{
	send_body(t, body, vf_pack_refuse(body, t->out.number, t->out.refuse_tag, &t->out.refuse));
}

static void send_ended(vf_target *t, uint8_t *body)
{
	vf_put_header(body, VF_KIND_ENDED, t->out.number, t->out.ended_tag);
	vf_put32(body + VF_WIRE_HEADER, vf_t_tag(t));
	if (!t->session.open) { /* the answer to ABORT, or to somebody who missed it */
		t->speed.next = t->config.home_rate;
		t->out.reports |= VF_T_REPORTS_RATE;
		if (t->run == VF_T_WANTED) {
			t->run = VF_T_SENDING;
			t->out.reports |= VF_T_REPORTS_RUN;
		}
	}
	send_body(t, body, VF_WIRE_HEADER + 4);
}

static void send_rated(vf_target *t, uint8_t *body)
{
	vf_put_header(body, VF_KIND_RATED, t->out.number, vf_t_tag(t));
	t->speed.next = t->speed.asked;
	vf_put32(body + VF_WIRE_HEADER, t->speed.next);
	t->out.reports |= VF_T_REPORTS_RATE;
	send_body(t, body, VF_WIRE_RATE_SIZE);
}

static void send_welcome(vf_target *t, uint8_t *body)
{
	const vf_target_config *c = &t->config;
	uint32_t reserve = vf_t_min(c->ring_len / 8, 512); /* control goes beside the credit */
	vf_welcome w = {
		.version = VF_WIRE_VERSION,
		.version_max = VF_WIRE_VERSION,
		.memories = c->memories,
		.session = t->session.number,
		.capabilities =
			(c->can_run ? VF_CAP_RUN : 0u) | (t->session.fresh ? VF_CAP_FRESH : 0u),
		.ring = c->ring_len,
		.credit = c->ring_len - reserve,
		.window = c->window_len,
		.payload = (uint16_t)vf_t_payload_in(t),
		.answer = (uint16_t)vf_t_payload_out(t),
		.queue = VF_TARGET_QUEUE,
		.id_len = c->id_len,
		.block = c->block_len,
		.rate = t->speed.withheld ? 0 : c->rate_max,
	};
	memcpy(w.id, c->id, sizeof w.id);
	for (size_t i = 0; c->name[i] != '\0'; i++)
		w.name[i] = c->name[i];
	if (vf_t_keeps_journal(t))
		t->with.journal->welcome(t, &w);
	if (vf_t_has_key(t))
		t->with.guard->welcome(t, &w);
	send_body(t, body, vf_pack_welcome(body, t->out.number, &w));
}

static void send_memory(vf_target *t, uint8_t *body)
{
	uint8_t index = 0;
	while ((t->out.describe & 1u << index) == 0)
		index++;
	t->out.describe &= (uint8_t) ~(1u << index);
	const vf_condition *condition = t->config.memory[index].condition;
	bool tells = t->with.condition != NULL && condition != NULL;
	vf_torn torn = {0};
	if (vf_t_keeps_journal(t))
		torn = t->with.journal->torn(t, index);
	size_t len = vf_pack_memory(body, t->out.number, vf_t_tag(t), index, vf_t_info(t, index),
				    vf_t_keeps_journal(t) || tells ? &torn : NULL);
	if (tells)
		len += t->with.condition->put(body + len, condition);
	send_body(t, body, len);
}

static void send_state(vf_target *t, uint8_t *body)
{
	vf_target_out *out = &t->out;
	vf_state s;
	vf_t_state_fill(t, &s);
	out->pending &= (uint8_t)~VF_T_STATE;
	out->told_done = s.done;
	out->told_limit = s.limit;
	out->told_stopped = t->queue.stopped;
	out->told_at = t->now;
	if (t->deaf == VF_T_WANTED) {
		t->deaf = VF_T_SENDING;
		out->reports |= VF_T_REPORTS_DEAF;
	}
	if (t->run == VF_T_WANTED && t->queue.done == t->queue.parsed) {
		t->run = VF_T_SENDING;
		out->reports |= VF_T_REPORTS_RUN;
	}
	send_body(t, body, vf_pack_state(body, out->number, vf_t_tag(t), &s));
}

static void send_answer(vf_target *t, unsigned memory)
{
	vf_target_unit *u = &t->unit[memory];
	uint8_t header[VF_WIRE_ANSWER_HEADER];
	uint32_t n = vf_t_min(u->answer_len - u->answer_sent, vf_t_payload_out(t));
	vf_encoder e;
	vf_put_header(header, VF_KIND_ANSWER, t->out.number, vf_t_tag(t));
	vf_put32(header + 8, u->number);
	vf_put32(header + 12, u->answer_at + u->answer_sent);
	begin_frame(t, &e);
	vf_encode_put(&e, header, sizeof header);
	vf_encode_put(&e, u->answer + u->answer_sent, n);
	end_frame(t, &e);
	u->answer_sent += n;
	if (u->answer_sent == u->answer_len) {
		u->answer_at += u->answer_len;
		u->answer_len = 0;
	}
}

/* The memory whose answer goes next, each in turn; `memories` if none. */
static unsigned next_answer(const vf_target *t)
{
	unsigned count = t->config.memories;
	for (unsigned i = 0; i < count; i++) {
		unsigned m = (t->out.turn + i) % count;
		if (t->unit[m].answer_len != 0)
			return m;
	}
	return count;
}

/* The reply is encoded at once, out of the frame buffer; while another frame is
 * on its way there is no place for it and it counts as lost. */
void vf_t_send_echo(vf_target *t, const uint8_t *payload, size_t len)
{
	uint8_t header[VF_WIRE_HEADER];
	vf_encoder e;
	if (t->out.len != 0)
		return;
	vf_put_header(header, VF_KIND_ECHOED, t->out.number, vf_t_tag(t));
	begin_frame(t, &e);
	vf_encode_put(&e, header, sizeof header);
	vf_encode_put(&e, payload, vf_t_min((uint32_t)len, vf_t_payload_out(t)));
	end_frame(t, &e);
}

static bool take_pending(vf_target *t, uint8_t bit)
{
	bool set = (t->out.pending & bit) != 0;
	t->out.pending &= (uint8_t)~bit;
	return set;
}

static void send_next(vf_target *t)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	unsigned answer = next_answer(t);
	bool answers = answer != t->config.memories && !t->session.guest;
	bool knows = !vf_t_journal_unread(t);
	if (take_pending(t, VF_T_GREETING)) {
		send_greeting(t);
	} else if (take_pending(t, VF_T_REFUSE)) {
		send_refuse(t, body);
	} else if (take_pending(t, VF_T_ENDING)) {
		send_ended(t, body);
	} else if (knows && take_pending(t, VF_T_WELCOME)) {
		send_welcome(t, body);
	} else if (knows && t->out.describe != 0) {
		send_memory(t, body);
	} else if (take_pending(t, VF_T_PROVED)) {
		send_body(t, body, t->with.guard->pack(t, body));
	} else if (take_pending(t, VF_T_RATED)) {
		send_rated(t, body);
	} else if (vf_t_state_due(t) && (!answers || t->out.answered)) {
		t->out.answered = false;
		send_state(t, body);
	} else if (answers) {
		t->out.answered = true;
		t->out.turn = (uint8_t)(answer + 1);
		send_answer(t, answer);
	}
}

const uint8_t *vf_target_tx(vf_target *t, size_t *len)
{
	*len = 0;
	if (t->speed.due) /* the port has another rate to set first */
		return NULL;
	if (t->out.len == 0 && !t->out.guest)
		send_next(t);
	if (t->out.len == 0 && (t->out.guest || vf_t_hears_guests(t)))
		return t->config.guest->engine->tx(t, len);
	*len = t->out.len - t->out.sent;
	return *len != 0 ? t->config.tx + t->out.sent : NULL;
}

/* Nobody can ask once the application runs, so one lost report must not matter.
 * A host that took its leave has had one. */
static void run_reported(vf_target *t)
{
	t->run_reports++;
	if (t->session.open && t->run_reports < VF_T_RUN_REPORTS) {
		t->run = VF_T_WANTED;
		t->out.pending |= VF_T_STATE;
		return;
	}
	t->run = VF_T_TOLD;
	vf_t_rate_home(t);
}

/* The frame has left: what it announced is known now. */
static void frame_sent(vf_target *t)
{
	t->out.len = 0;
	t->out.sent = 0;
	if ((t->out.reports & VF_T_REPORTS_DEAF) != 0) {
		t->deaf = VF_T_TOLD;
		t->speed.deaf = true;
	}
	if ((t->out.reports & VF_T_REPORTS_RUN) != 0)
		run_reported(t);
	if ((t->out.reports & VF_T_REPORTS_RATE) != 0)
		vf_t_rate_sent(t);
	t->out.reports = 0;
}

void vf_target_tx_done(vf_target *t, size_t sent)
{
	uint32_t left = t->out.len - t->out.sent;
	if (t->out.guest) {
		t->config.guest->engine->tx_done(t, sent);
		return;
	}
	t->out.sent += vf_t_min(left, sent < left ? (uint32_t)sent : left);
	if (t->out.len != 0 && t->out.sent == t->out.len)
		frame_sent(t);
}
