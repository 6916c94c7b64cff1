/* job.c - the job engine's frame: life, doors, and the walk from state to state.
 *
 *   open -> by kind:
 *     INFO             info                                         -> close
 *     PROGRAM, ERASE   look -> probe -> keep -> plan -> write -> after -> close
 *                      (plan: dry_run -> close, nothing to do -> after)
 *                      (write checks: differs -> plan once more, then diagnose -> close)
 *     VERIFY           look -> probe -> verify -> [hash] -> close
 *     READ             read -> digest -> close
 *     DIGEST           digest -> close
 *     RUN              run -> close
 *   after = [hash] -> [run]
 *
 * From every state: the board stopped -> open again, or close with the reason;
 * it restarted -> open again, at most three times; the line is lost -> close;
 * the person interrupts -> close, or open again for what no file names and is
 * not back yet (job_rescue.c). Areas, kept bytes and what was read so far stay. */
#include "job_internal.h"

static bool state_open(vf_job *j);

/* --- helpers for the states ------------------------------------------------ */

bool vf_job_go(vf_job *j, vf_job_state next, uint8_t phase, uint64_t total)
{
	j->state = next;
	j->cursor = (vf_job_cursor){0};
	j->wait_until = UINT64_MAX;
	j->progress = (vf_progress){.phase = phase, .total = total};
	return true;
}

void vf_job_wait(vf_job *j, uint64_t us)
{
	j->wait_until = j->now + us;
}

void vf_job_note(vf_job *j, const char *fmt, ...)
{
	char line[sizeof j->result.error.text];
	va_list ap;
	if (j->config.call.note == NULL)
		return;
	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, a line above */
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	j->config.call.note(j->config.call.ctx, line);
}

bool vf_job_no_memory(vf_job *j)
{
	(void)vf_fail(&j->result.error, VF_E_NOMEM, "out of memory");
	return vf_job_leave(j);
}

static void finish(vf_job *j)
{
	j->finished = true;
	j->wait_until = UINT64_MAX;
	if (j->rescuing && j->result.error.code != VF_E_INTERRUPTED)
		vf_job_rescue_failed(j);
	j->result.elapsed_us = j->started ? j->now - j->began : 0;
}

static bool state_close(vf_job *j)
{
	if (vf_session_status(j->session) == VF_SESSION_CLOSING && j->now < j->wait_until)
		return false;
	finish(j);
	return true;
}

bool vf_job_leave(vf_job *j)
{
	const enum vf_session_status status = vf_session_status(j->session);
	if (j->closing)
		return true;
	j->closing = true;
	vf_job_go(j, state_close, VF_PHASE_CLOSE, 0);
	/* What was started listens on the same port: ABORT would be noise to it. */
	const bool board_left = j->run_sent && j->result.error.code == VF_OK;
	if (!board_left && (status == VF_SESSION_OPENING || status == VF_SESSION_OPEN ||
			    status == VF_SESSION_STOPPED))
		vf_session_close(j->session, j->now);
	vf_job_wait(j, 1000000);
	return true;
}

/* --- opening, and opening again -------------------------------------------- */

static bool same_memory(const vf_memory *a, const vf_memory *b)
{
	if (a->base != b->base || a->size != b->size || a->page != b->page || a->unit != b->unit ||
	    a->flags != b->flags || a->erase_types != b->erase_types || a->protects != b->protects)
		return false;
	for (unsigned i = 0; i < a->erase_types; i++)
		if (a->erase[i].size != b->erase[i].size)
			return false;
	for (unsigned i = 0; i < a->protects; i++)
		if (a->protect[i].offset != b->protect[i].offset ||
		    a->protect[i].len != b->protect[i].len)
			return false;
	return true;
}

static bool same_board(const vf_board *a, const vf_board *b)
{
	if (a->welcome.id_len != b->welcome.id_len || a->welcome.memories != b->welcome.memories ||
	    memcmp(a->welcome.id, b->welcome.id, a->welcome.id_len) != 0)
		return false;
	for (unsigned i = 0; i < a->welcome.memories; i++)
		if (!same_memory(&a->memory[i], &b->memory[i]))
			return false;
	return true;
}

/* What is known of the board and of the image becomes the map of the job. */
static bool learn(vf_job *j)
{
	j->board = *vf_session_board(j->session);
	j->board_known = true;
	if (vf_job_fit(j) != VF_OK)
		return vf_job_leave(j);
	if (vf_job_map(j) != VF_OK)
		return vf_job_no_memory(j);
	if (vf_job_keep_load(j) != VF_OK)
		return vf_job_leave(j);
	j->full_pending = j->config.full;
	return vf_job_begin(j);
}

/* It may last a minute: the person should know why nothing happens. */
static void note_held(vf_job *j)
{
	const uint32_t ms = vf_session_held_ms(j->session);
	if (ms == j->held_ms)
		return;
	j->held_ms = ms;
	if (ms != 0)
		vf_job_note(j, "the board was shown a wrong key before: it looks at ours in %u s",
			    ms / 1000 + (ms % 1000 != 0));
}

static bool state_open(vf_job *j)
{
	if (vf_session_status(j->session) != VF_SESSION_OPEN) {
		note_held(j);
		return false;
	}
	if (!vf_session_board(j->session)->proven && j->config.kind != VF_JOB_INFO) {
		(void)vf_fail(&j->result.error, VF_E_REFUSED,
			      "the board has a key and does nothing without it: give the file "
			      "of that key with --key-file");
		return vf_job_leave(j);
	}
	if (!j->board_known)
		return learn(j);
	if (same_board(&j->board, vf_session_board(j->session)))
		return vf_job_begin(j);
	(void)vf_fail(&j->result.error, VF_E_LINK,
		      "another board answers than before, or its memories changed%s; start again",
		      j->touched ? ": what was begun is not complete" : "");
	return vf_job_leave(j);
}

/* The session is a new one. */
static void begin_again(vf_job *j)
{
	vf_slots_drop(j);
	vf_job_forget_session(j);
	j->result.attempts += !j->diagnosing;
	vf_job_go(j, state_open, VF_PHASE_OPEN, 0);
}

void vf_job_open_again(vf_job *j)
{
	vf_job_unfinished(j);
	vf_session_open(j->session, j->now);
	begin_again(j);
}

/* Once RUN was sent, everything before it was done and checked. */
const char *vf_job_unconfirmed(const vf_job *j)
{
	if (!j->run_sent)
		return "";
	return j->config.kind == VF_JOB_PROGRAM
		       ? " (the flash holds the image; only the start of the application is not "
			 "confirmed, it may run)"
		       : " (it was told to start the application, and may have)";
}

/* Another restart: true if it is worth going on. */
static bool count_restart(vf_job *j)
{
	j->restarted = true;
	if (j->read_at > j->read_before)
		j->restarts = 0;
	j->read_before = j->read_at;
	return ++j->restarts <= VF_JOB_RESTARTS;
}

static bool board_restarted(vf_job *j)
{
	const vf_error *why = vf_session_error(j->session);
	if (!count_restart(j) || j->run_sent) {
		(void)vf_fail(&j->result.error, VF_E_LINK, "%.250s%s", why->text,
			      j->run_sent ? vf_job_unconfirmed(j)
					  : " (it happened too often to go on)");
		return vf_job_leave(j);
	}
	vf_job_note(j, "the board restarted: beginning again, what is right already stays");
	vf_job_open_again(j);
	return true;
}

static bool line_lost(vf_job *j)
{
	const vf_error *why = vf_session_error(j->session);
	(void)vf_fail(&j->result.error, why->code, "%.250s%s", why->text, vf_job_unconfirmed(j));
	return vf_job_leave(j);
}

/* What the session says comes before what the state wants: true if that moved
 * the job. */
static bool watch(vf_job *j)
{
	const enum vf_session_status status = vf_session_status(j->session);
	if (j->closing)
		return false;
	if (j->diagnosing && (status == VF_SESSION_STOPPED || status == VF_SESSION_ENDED ||
			      status == VF_SESSION_LOST || status == VF_SESSION_CLOSED))
		return vf_job_leave(j); /* with what the board reported before */
	switch (status) {
	case VF_SESSION_STOPPED:
		if (vf_job_stopped(j))
			vf_job_open_again(j);
		return true;
	case VF_SESSION_ENDED:
		return board_restarted(j);
	case VF_SESSION_LOST:
		return line_lost(j);
	case VF_SESSION_CLOSED:
		(void)vf_fail(&j->result.error, VF_E_LINK, "the session closed by itself");
		return vf_job_leave(j);
	default:
		return false;
	}
}

static bool progress_changed(const vf_progress *a, const vf_progress *b)
{
	return a->phase != b->phase || a->done != b->done || a->total != b->total ||
	       a->busy_ms != b->busy_ms;
}

static void advance(vf_job *j, const vf_progress *before)
{
	while (!j->finished)
		if (!watch(j) && !j->state(j))
			break;
	const vf_state *state = vf_session_state(j->session);
	if (j->progress.total != 0 && j->progress.done > j->progress.total)
		j->progress.done = j->progress.total; /* something was read twice */
	j->progress.busy_ms = (state->flags & VF_STATE_BUSY) != 0 ? state->typical_ms : 0;
	if (j->config.call.progress != NULL && progress_changed(before, &j->progress))
		j->config.call.progress(j->config.call.ctx, &j->progress);
}

/* Time is handed in: the first call begins. */
static void clock_in(vf_job *j, uint64_t now_us)
{
	j->now = now_us;
	if (j->started || j->finished)
		return;
	j->started = true;
	j->began = now_us;
	vf_session_open(j->session, now_us);
}

/* --- the doors ------------------------------------------------------------- */

static bool config_sound(const vf_job_config *c, vf_error *err)
{
	const char *what = NULL;
	const bool ranged =
		c->kind == VF_JOB_READ || c->kind == VF_JOB_ERASE || c->kind == VF_JOB_DIGEST;
	if (c->session.alloc.resize == NULL || c->session.random == NULL)
		what = "memory and randomness are required";
	else if (c->kind > VF_JOB_LINK)
		what = "there is no such kind of job";
	else if ((c->kind == VF_JOB_PROGRAM || c->kind == VF_JOB_VERIFY) &&
		 (c->image == NULL || c->image->segment_count == 0))
		what = "there is nothing in the image";
	else if (c->kind == VF_JOB_READ && c->call.sink == NULL)
		what = "reading needs somewhere to put it";
	else if (c->compress > VF_COMPRESS_OFF ||
		 (c->compress == VF_COMPRESS_ON && c->deflate == NULL))
		what = "compression needs somebody who compresses";
	else if (ranged && (c->length == 0 || c->length > UINT32_MAX))
		what = "the length must be 1 to 4294967295 bytes";
	if (what != NULL)
		(void)vf_fail(err, VF_E_USAGE, "%s", what);
	return what == NULL;
}

vf_job *vf_job_new(const vf_job_config *config, vf_error *err)
{
	const vf_alloc alloc = config->session.alloc;
	if (!config_sound(config, err))
		return NULL;
	vf_job *j = vf_resize(&alloc, NULL, sizeof *j);
	if (j == NULL) {
		(void)vf_fail(err, VF_E_NOMEM, "out of memory");
		return NULL;
	}
	memset(j, 0, sizeof *j);
	j->config = *config;
	j->alloc = alloc;
	j->image = config->image;
	j->result.attempts = 1;
	vf_image_init(&j->blank, &alloc);
	vf_sha256_init(&j->read_hash);
	vf_job_go(j, state_open, VF_PHASE_OPEN, 0);
	j->session = vf_session_new(&config->session);
	if (j->session == NULL) {
		vf_job_free(j);
		(void)vf_fail(err, VF_E_NOMEM, "out of memory");
		return NULL;
	}
	return j;
}

void vf_job_free(vf_job *j)
{
	if (j == NULL)
		return;
	vf_session_free(j->session); /* first: it knows the operations */
	vf_slots_free(j);
	vf_job_map_free(j);
	vf_job_set_free(j);
	vf_keep_free(&j->keep, &j->alloc);
	vf_image_free(&j->blank);
	vf_free(&j->alloc, j->scratch);
	const vf_alloc alloc = j->alloc;
	vf_free(&alloc, j);
}

void vf_job_interrupt(vf_job *j, uint64_t now_us)
{
	if (j->finished || j->closing)
		return;
	j->now = now_us;
	if (j->started) {
		vf_job_stop(j);
		return;
	}
	(void)vf_fail(&j->result.error, VF_E_INTERRUPTED, "interrupted before anything was begun");
	finish(j);
}

void vf_job_refuse(vf_job *j, const vf_error *why, uint64_t now_us)
{
	if (j->finished || j->closing)
		return;
	j->now = now_us;
	j->result.error = *why;
	(void)vf_job_leave(j);
}

void vf_job_pipe_lost(vf_job *j, const char *why, uint64_t now_us)
{
	if (j->finished)
		return;
	j->now = now_us;
	/* Once all is done but the farewell, nothing is missing. */
	if (!j->closing)
		(void)vf_fail(&j->result.error, VF_E_LINK, "%.270s%s", why, vf_job_unconfirmed(j));
	finish(j);
}

bool vf_job_worth_return(const vf_job *j)
{
	return !j->finished && !j->closing && !j->run_sent && !j->diagnosing && j->board_known;
}

void vf_job_pipe_again(vf_job *j, uint64_t now_us)
{
	if (!vf_job_worth_return(j))
		return;
	j->now = now_us;
	if (!count_restart(j)) {
		vf_job_pipe_lost(j, "the port went away and came back too often to go on", now_us);
		return;
	}
	vf_job_note(j, "the port is back: beginning again, what is right already stays");
	vf_job_unfinished(j);
	vf_session_open_anew(j->session, now_us);
	begin_again(j);
}

bool vf_job_finished(const vf_job *j)
{
	return j->finished;
}

const vf_job_result *vf_job_result_get(const vf_job *j)
{
	return &j->result;
}

const vf_board *vf_job_board(const vf_job *j)
{
	return j->board_known ? &j->board : NULL;
}

const vf_session_stats *vf_job_link(const vf_job *j)
{
	return vf_session_stats_get(j->session);
}

void vf_job_rx(vf_job *j, const uint8_t *data, size_t len, uint64_t now_us)
{
	const vf_progress before = j->progress;
	if (j->finished)
		return;
	clock_in(j, now_us);
	vf_session_rx(j->session, data, len, now_us);
	advance(j, &before);
}

const uint8_t *vf_job_tx(vf_job *j, size_t *len, uint64_t now_us)
{
	*len = 0;
	if (j->finished)
		return NULL;
	clock_in(j, now_us);
	return vf_session_tx(j->session, len, now_us);
}

void vf_job_tx_done(vf_job *j, size_t sent, uint64_t now_us)
{
	if (j->finished)
		return;
	clock_in(j, now_us);
	vf_session_tx_done(j->session, sent, now_us);
}

void vf_job_tick(vf_job *j, uint64_t now_us)
{
	const vf_progress before = j->progress;
	if (j->finished)
		return;
	clock_in(j, now_us);
	vf_session_tick(j->session, now_us);
	advance(j, &before);
}

uint64_t vf_job_deadline(const vf_job *j)
{
	if (j->finished)
		return UINT64_MAX;
	if (!j->started)
		return 0;
	const uint64_t session = vf_session_deadline(j->session);
	return session < j->wait_until ? session : j->wait_until;
}

bool vf_job_rate(vf_job *j, uint32_t *baud)
{
	return vf_session_rate(j->session, baud);
}

const char *vf_phase_name(uint8_t phase)
{
	static const char *const name[] = {
		[VF_PHASE_OPEN] = "connect",    [VF_PHASE_COMPARE] = "compare",
		[VF_PHASE_KEEP] = "keep",       [VF_PHASE_ERASE] = "erase",
		[VF_PHASE_PROGRAM] = "program", [VF_PHASE_READ] = "read",
		[VF_PHASE_VERIFY] = "verify",   [VF_PHASE_RUN] = "run",
		[VF_PHASE_CLOSE] = "close",
	};
	return name[phase];
}
