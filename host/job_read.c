/* job_read.c - the states of jobs without a plan: reading, hashing, starting an
 * application, measuring the link. */
#include "job_internal.h"

/* --- READ ------------------------------------------------------------------ */

static bool read_ask(vf_job *j)
{
	const uint64_t left = j->config.length - j->cursor.byte;
	const uint64_t len = left < VF_JOB_PIECE ? left : VF_JOB_PIECE;
	uint8_t memory = 0;
	(void)vf_job_memory_at(j, j->address, &memory);
	vf_slot *s = vf_slot_new(j, VF_MESSAGE_READ, memory, j->address + j->cursor.byte, len,
				 (size_t)len);
	j->cursor.byte += len;
	return s != NULL && vf_slot_submit(j, s);
}

static int deliver(vf_job *j, const vf_slot *s)
{
	const uint32_t len = s->op.message.length;
	const int status = j->config.call.sink(j->config.call.ctx, s->op.answer, len);
	vf_sha256_update(&j->read_hash, s->op.answer, len);
	j->read_at += len;
	j->progress.done = j->read_at;
	if (status != VF_OK)
		(void)vf_fail(&j->result.error, status, "what was read could not be stored");
	return status;
}

bool vf_job_read(vf_job *j)
{
	vf_slot *s;
	while ((s = vf_slot_take(j)) != NULL) {
		const int status = deliver(j, s);
		vf_slot_give(j, s);
		if (status != VF_OK)
			return vf_job_leave(j);
	}
	while (j->in_flight < VF_JOB_LOOKING && j->cursor.byte < j->config.length)
		if (!read_ask(j))
			return j->closing;
	if (j->in_flight > 0)
		return false;
	return vf_job_go(j, vf_job_digest, VF_PHASE_VERIFY, j->config.length);
}

/* --- SHA-256 of a range, also the check after READ --------------------------- */

static bool digest_take(vf_job *j, const vf_slot *s)
{
	uint8_t hash[VF_SHA256_SIZE];
	memcpy(j->result.sha256, s->op.answer, VF_SHA256_SIZE);
	j->progress.done = j->result.verified_bytes = j->config.length;
	if (j->config.kind != VF_JOB_READ)
		return true;
	vf_sha256 h = j->read_hash;
	vf_sha256_final(&h, hash);
	return memcmp(hash, s->op.answer, sizeof hash) == 0;
}

bool vf_job_digest(vf_job *j)
{
	uint8_t memory = 0;
	vf_slot *s = vf_slot_take(j);
	if (s != NULL) {
		const bool right = digest_take(j, s);
		vf_slot_give(j, s);
		if (!right)
			(void)vf_fail(&j->result.error, VF_E_FLASH,
				      "what was read does not have the SHA-256 that the board "
				      "computed: the chip does not read the same each time, or "
				      "something writes to it");
		return vf_job_leave(j);
	}
	if (j->in_flight > 0)
		return false;
	(void)vf_job_memory_at(j, j->address, &memory);
	s = vf_slot_new(j, VF_MESSAGE_SHA256, memory, j->address, j->config.length, VF_SHA256_SIZE);
	return s == NULL || (!vf_slot_submit(j, s) && j->closing);
}

/* --- RUN ------------------------------------------------------------------- */

bool vf_job_run(vf_job *j)
{
	uint8_t memory = 0;
	vf_slot *s = vf_slot_take(j);
	if (s != NULL) {
		vf_slot_give(j, s);
		return vf_job_leave(j);
	}
	if (j->in_flight > 0)
		return false;
	(void)vf_job_memory_at(j, j->address, &memory);
	s = vf_slot_new(j, VF_MESSAGE_RUN, memory, j->address, 0, 0);
	if (s == NULL || !vf_slot_submit(j, s))
		return j->closing;
	j->run_sent = true;
	return false;
}

/* --- the link -------------------------------------------------------------- */

enum {
	ECHO_SMALL = 16,
	ECHO_ROUNDS = 3,         /* of each size; the shortest counts */
	ECHO_LEAST = 64,         /* of payload: what every board takes, however slow its line */
	ECHO_PATIENCE = 1000000, /* µs for one, besides the time on the line */
	BURST_MOST = 1024 * 1024,
	BURST_SECONDS = 5,
};

/* None that is longer than a second each way: no session uses such frames, and the silence
 * meanwhile would look like the board's. */
static uint16_t echo_limit(const vf_job *j, uint16_t len)
{
	const vf_welcome *w = &j->board.welcome;
	const uint64_t second = vf_session_line_rate(j->session) * 9 / 10;
	uint64_t most = w->payload < w->answer ? w->payload : w->answer;
	if (second < most)
		most = second > ECHO_LEAST ? second : ECHO_LEAST;
	return len < most ? len : (uint16_t)most;
}

/* µs that the line takes for it. */
static uint64_t there_and_back(const vf_job *j, uint16_t len)
{
	const uint64_t rate = vf_session_line_rate(j->session);
	return rate > 0 ? 2 * UINT64_C(1000000) * VF_WIRE_FRAME_SIZE((uint32_t)len) / rate : 0;
}

/* Sends the next echo if none is under way; true once it is back or given up,
 * its time (0: given up) in *us. */
static bool echo(vf_job *j, uint16_t len, uint32_t *us)
{
	if (j->wait_until == UINT64_MAX) {
		j->echo_us = 0;
		vf_session_echo(j->session, len, &j->echo_us);
		vf_job_wait(j, ECHO_PATIENCE + 2 * there_and_back(j, len));
	}
	if (j->echo_us == 0 && j->now < j->wait_until)
		return false;
	*us = j->echo_us;
	j->wait_until = UINT64_MAX;
	j->echo_round++;
	return true;
}

static void shortest(uint32_t *best, uint32_t us)
{
	if (us != 0 && (*best == 0 || us < *best))
		*best = us;
}

static bool info_recalled(vf_job *j)
{
	vf_slot *s = vf_slot_take(j);
	if (s == NULL)
		return false;
	j->result.has_set = vf_unpack_set(&j->result.set, s->op.answer, vf_job_recall_size(j)) == 0;
	vf_slot_give(j, s);
	return vf_job_leave(j);
}

/* What the journal says is complete, or is not. */
static bool info_set(vf_job *j)
{
	const uint8_t state = j->board.welcome.set;
	if (!vf_job_has_journal(j) || state == VF_SET_NONE || state == VF_SET_UNREADABLE)
		return vf_job_leave(j);
	vf_job_go(j, info_recalled, VF_PHASE_OPEN, 0);
	vf_slot *s = vf_slot_new(j, VF_MESSAGE_RECALL, 0, 0, 0, vf_job_recall_size(j));
	return s == NULL || vf_slot_submit(j, s) || j->closing;
}

bool vf_job_info(vf_job *j)
{
	uint32_t us;
	const uint16_t big = echo_limit(j, UINT16_MAX);
	while (j->echo_round < 2 * ECHO_ROUNDS) {
		const bool small = j->echo_round < ECHO_ROUNDS;
		if (!echo(j, small ? ECHO_SMALL : big, &us))
			return false;
		shortest(small ? &j->result.echo_us : &j->result.echo_big_us, us);
		if (us == 0)
			break; /* a bad line: what is known is what there is to say */
	}
	j->result.echo_big = big;
	return info_set(j);
}

/* --- the link alone --------------------------------------------------------- */

/* Why a burst would say nothing; NULL: it does. */
static const char *no_burst(const vf_job *j, uint32_t bytes)
{
	if (j->board.welcome.rate != 0)
		return "the board's port is a UART without flow control: that no more is sent than "
		       "its ring holds is up to the credit, which was kept";
	if (bytes > BURST_MOST)
		return "the board's ring is too large to be filled in a burst";
	if (vf_session_stats_get(j->session)->rate * BURST_SECONDS < bytes)
		return "the line is too slow to fill the board's ring in a few seconds";
	return NULL;
}

/* Twice what the ring holds, at once: what it has no room for must wait in the link. */
static bool burst(vf_job *j)
{
	const uint32_t ring = j->board.welcome.ring;
	if (j->result.burst_skipped == NULL && !j->burst_sent) {
		j->result.burst_skipped = no_burst(j, ring < UINT32_MAX / 2 ? 2 * ring : ring);
		j->burst_sent = true;
		if (j->result.burst_skipped == NULL)
			vf_session_burst(j->session, 2 * ring, &j->result.burst);
	}
	if (j->result.burst_skipped == NULL && !j->result.burst.done)
		return false;
	return vf_job_leave(j);
}

/* Sizes of payload from the least to what both ends take, sixteen of each. */
bool vf_job_link_test(vf_job *j)
{
	static const uint16_t sizes[VF_ECHO_SIZES] = {1, 64, 256, 1024, 2048, UINT16_MAX};
	enum { ROUNDS = 16 };
	while (j->echo_round < VF_ECHO_SIZES * ROUNDS) {
		const unsigned which = j->echo_round / ROUNDS;
		vf_echo_figures *f = &j->result.echo[which];
		const uint16_t len = f->sent > 0 ? f->len : echo_limit(j, sizes[which]);
		uint32_t us;
		if (which > 0 && j->echo_round % ROUNDS == 0 && len <= f[-1].len)
			break; /* board or line take no more */
		if (!echo(j, len, &us))
			return false;
		if (f->sent == 0)
			f->len = len;
		f->sent++;
		f->lost = (uint16_t)(f->lost + (us == 0));
		shortest(&f->best_us, us);
		f->worst_us = us > f->worst_us ? us : f->worst_us;
		j->result.echoes = which + 1;
	}
	return vf_job_go(j, burst, VF_PHASE_OPEN, 0);
}
