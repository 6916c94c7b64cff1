/* unit.c - one port, and one job after the other on it, moved in steps of which none
 * waits:
 *
 *   opening -> idle -> working -> homing -> idle ...
 *   working -> away -> [asking ->] working (unit_away.c)
 *   from everywhere: closing -> closed
 *
 * A port that fails while it opens ends the job that was to begin there; a port
 * that goes while there is no job is told to the caller. */
#include <stdlib.h>
#include <string.h>

#include "client_internal.h"

enum {
	CHUNK = 16 * 1024,  /* most bytes read in a step */
	CLOSE_US = 1000000, /* what was written has so long to leave; then it is discarded */
	CLOSE_AGAIN_US = 20000,
};

static uint64_t now(const vf_unit *u)
{
	return vf_clock_now(&u->gang->clock);
}

bool vf_unit_to_be_told(const vf_unit *u)
{
	return u->interruptions < vf_client_asked(&u->opt);
}

/* --- the end of a job ------------------------------------------------------- */

/* The caller is told last: he may begin another job, or close. */
static void report(vf_unit *u, const vf_job_result *r, const vf_board *board,
		   const vf_session_stats *link)
{
	if (u->gang->call.ended != NULL)
		u->gang->call.ended(u->gang->call.ctx, u->user, r, board, link);
}

void vf_unit_finish(vf_unit *u)
{
	vf_job *job = u->job;
	u->job = NULL;
	u->state = VF_UNIT_HOMING;
	u->rate = u->pipe != NULL && vf_pipe_baud(u->pipe) != u->baud ? u->baud : 0;
	if (vf_job_board(job) != NULL)
		vf_ports_remember(u->back.port);
	report(u, vf_job_result_get(job), vf_job_board(job), vf_job_link(job));
	vf_job_free(job);
	vf_keeper_free(&u->keeper);
}

/* A job that never began. */
static void refuse_job(vf_unit *u, const vf_error *err)
{
	vf_job_result result;
	memset(&result, 0, sizeof result);
	result.error = *err;
	vf_job_free(u->job);
	u->job = NULL;
	report(u, &result, NULL, NULL);
}

/* --- opening ----------------------------------------------------------------- */

static void opening_failed(vf_unit *u, const vf_error *err)
{
	u->state = VF_UNIT_CLOSING;
	if (u->job != NULL)
		refuse_job(u, err);
	else if (u->gang->call.gone != NULL)
		u->gang->call.gone(u->gang->call.ctx, u->user, err);
}

static void step_opening(vf_unit *u)
{
	vf_error err = {0};
	const int status =
		u->interruptions < vf_interruptions()
			? vf_fail(&err, VF_E_INTERRUPTED, "interrupted before anything was begun")
			: vf_pipe_opened(u->pipe, &u->until_us, &err);
	if (status == VF_IO_LATER)
		return;
	if (status != VF_OK) {
		opening_failed(u, &err);
	} else {
		vf_return_begin(&u->back, &u->opt, u->baud);
		u->state = u->job != NULL ? VF_UNIT_WORKING : VF_UNIT_IDLE;
		if (u->job == NULL && u->gang->call.opened != NULL)
			u->gang->call.opened(u->gang->call.ctx, u->user);
	}
	u->due = true;
}

/* --- a job ------------------------------------------------------------------- */

/* What has arrived, as much as fits a step; false once the pipe is gone. */
static bool receive(vf_unit *u)
{
	uint8_t buf[CHUNK];
	if (u->pipe == NULL)
		return false;
	const long n = vf_pipe_read(u->pipe, buf, sizeof buf);
	if (n > 0) {
		u->due = true;
		if (u->job != NULL)
			vf_job_rx(u->job, buf, (size_t)n, now(u));
	}
	return n >= 0;
}

/* Everything that the pipe takes now; false once it is gone. */
static bool transmit(vf_unit *u)
{
	const uint8_t *out;
	size_t len;
	while (!u->want_write && (out = vf_job_tx(u->job, &len, now(u))) != NULL) {
		const long n = vf_pipe_write(u->pipe, out, len);
		if (n < 0)
			return false;
		u->due = u->due || n > 0;
		u->want_write = (size_t)n < len;
		if (n > 0)
			vf_job_tx_done(u->job, (size_t)n, now(u));
	}
	return true;
}

/* The board is known and nothing of it was changed yet: the caller may object. */
static void announce(vf_unit *u)
{
	vf_error err = {0};
	const vf_board *board = vf_job_board(u->job);
	if (u->announced || board == NULL)
		return;
	u->announced = true;
	if (u->gang->call.board != NULL &&
	    u->gang->call.board(u->gang->call.ctx, u->user, board, &err) != VF_OK)
		vf_job_refuse(u->job, &err, now(u));
}

static void tell_interruptions(vf_unit *u)
{
	while (vf_unit_to_be_told(u)) {
		u->interruptions++;
		vf_job_interrupt(u->job, now(u));
	}
}

/* Sets the rate that is due; false while that takes time. Where the port cannot do it
 * the session finds that out, and comes back. */
static bool settle_rate(vf_unit *u)
{
	if (u->rate == 0 && u->job != NULL && !vf_job_rate(u->job, &u->rate))
		u->rate = 0;
	if (u->rate != 0 && vf_pipe_set_baud_soon(u->pipe, u->rate, &u->until_us) == VF_IO_LATER) {
		u->due = false;
		return false;
	}
	u->rate = 0;
	return true;
}

/* What has arrived comes before the job is asked whether anything is overdue. */
bool vf_unit_move(vf_unit *u)
{
	if (!settle_rate(u))
		return true;
	tell_interruptions(u);
	if (!receive(u))
		return false;
	if (vf_job_deadline(u->job) <= now(u))
		vf_job_tick(u->job, now(u));
	announce(u);
	if (!settle_rate(u))
		return true;
	if (!transmit(u))
		return false;
	u->until_us = vf_clock_real(&u->gang->clock, vf_job_deadline(u->job));
	(void)settle_rate(u);
	return true;
}

static void step_working(vf_unit *u)
{
	if (!vf_unit_move(u) && vf_unit_leave(u))
		return;
	if (vf_job_finished(u->job) && u->rate == 0) {
		vf_unit_finish(u);
		u->due = true;
	}
}

/* --- without a job ------------------------------------------------------------ */

/* What an application says to nobody is read, so that it does not have to wait. */
static void step_idle(vf_unit *u)
{
	vf_error err = {0};
	if (receive(u))
		return;
	u->state = VF_UNIT_CLOSING;
	u->due = true;
	vf_unit_explain(u->back.port, 0, "", err.text, sizeof err.text);
	err.code = VF_E_LINK;
	if (u->gang->call.gone != NULL)
		u->gang->call.gone(u->gang->call.ctx, u->user, &err);
}

static void step_homing(vf_unit *u)
{
	if (!settle_rate(u))
		return;
	u->state = u->closing ? VF_UNIT_CLOSING : u->job != NULL ? VF_UNIT_WORKING : VF_UNIT_IDLE;
	u->due = true;
}

static void step_closing(vf_unit *u)
{
	const uint64_t us = vf_io_now_us();
	if (u->give_up_us == 0)
		u->give_up_us = us + CLOSE_US;
	if (u->pipe != NULL && !vf_pipe_drained(u->pipe, us >= u->give_up_us)) {
		u->until_us = us + CLOSE_AGAIN_US;
		return;
	}
	vf_pipe_close(u->pipe);
	u->pipe = NULL;
	u->state = VF_UNIT_CLOSED;
}

void vf_unit_step(vf_unit *u)
{
	static void (*const step[])(vf_unit *) = {
		[VF_UNIT_OPENING] = step_opening,       [VF_UNIT_IDLE] = step_idle,
		[VF_UNIT_WORKING] = step_working,       [VF_UNIT_AWAY] = vf_unit_step_away,
		[VF_UNIT_ASKING] = vf_unit_step_asking, [VF_UNIT_HOMING] = step_homing,
		[VF_UNIT_CLOSING] = step_closing,
	};
	u->due = false;
	u->want_write = false;
	u->until_us = UINT64_MAX;
	if (u->state != VF_UNIT_CLOSED)
		step[u->state](u);
}

void vf_unit_free(vf_unit *u)
{
	vf_job_free(u->job);
	vf_job_free(u->away);
	vf_keeper_free(&u->keeper);
	vf_pipe_close(u->pipe);
	vf_free(&vf_io_alloc, u->name);
	vf_free(&vf_io_alloc, u);
}
