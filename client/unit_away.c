/* unit_away.c - a port that went away in the middle of a job. It is looked for under its
 * own name and others, while other units go on; then the job begins again over it. */
#include <string.h>

#include "client_internal.h"

enum {
	NAME_MOST = 160,     /* most of a port's name in a sentence, */
	WHY_MOST = 140,      /* and of a reason */
	ANSWER_US = 1000000, /* a board that is asked answers within this */
};

void vf_unit_explain(const char *name, uint32_t waited_ms, const char *why, char *out, size_t room)
{
	char waited[48] = "";
	if (waited_ms != 0)
		(void)snprintf(waited, sizeof waited, " and did not come back within %g s",
			       waited_ms / 1000.0);
	if (vf_client_remote(name) && waited_ms == 0)
		(void)snprintf(out, room,
			       "%.*s closed the connection: another program may be using the "
			       "board, or it is gone; then run this again",
			       NAME_MOST, name);
	else if (vf_client_remote(name))
		(void)snprintf(out, room,
			       "%.*s is gone%s%s%.*s%s: run this again then, what is right already "
			       "is not sent again",
			       NAME_MOST / 2, name, waited, why[0] != '\0' ? " (" : "", WHY_MOST,
			       why, why[0] != '\0' ? ")" : "");
	else
		(void)snprintf(out, room,
			       "%.*s is gone%s: unplugged, or the board was reset; plug it in and "
			       "run this again, what is right already is not sent again",
			       NAME_MOST, name, waited);
}

static uint64_t now(const vf_unit *u)
{
	return vf_clock_now(&u->gang->clock);
}

/* It is not awaited any longer. */
static void give_up(vf_unit *u, uint32_t waited_ms)
{
	char why[2 * NAME_MOST + 160];
	vf_unit_explain(u->back.port, waited_ms, u->back.why.text, why, sizeof why);
	vf_job_pipe_lost(u->job, why, now(u));
}

/* The pipe is closed, else its name stays taken. */
static void drop_pipe(vf_unit *u)
{
	vf_pipe_close(u->pipe);
	u->pipe = NULL;
	u->rate = 0;
}

bool vf_unit_leave(vf_unit *u)
{
	char why[2 * NAME_MOST + 160];
	const char *fault = vf_pipe_fault(u->pipe);
	const bool worth = vf_return_ms(&u->opt) != 0 && vf_job_worth_return(u->job);
	if (fault != NULL) {
		(void)snprintf(why, sizeof why, "%.*s: %s", NAME_MOST, u->back.port, fault);
		vf_job_pipe_lost(u->job, why, now(u));
		drop_pipe(u);
		return false;
	}
	drop_pipe(u);
	if (!worth) {
		give_up(u, 0);
		return false;
	}
	vf_return_gone(&u->back, vf_job_board(u->job));
	u->state = VF_UNIT_AWAY;
	u->until_us = vf_return_next(&u->back);
	return true;
}

static void come_back(vf_unit *u)
{
	vf_return_found(&u->back, vf_pipe_name(u->pipe));
	u->state = VF_UNIT_WORKING;
	u->due = true;
	vf_job_pipe_again(u->job, now(u));
}

/* The job waits while another one asks who is there. */
static void ask(vf_unit *u)
{
	vf_job_config config = {.kind = VF_JOB_INFO};
	vf_client_defaults(&config);
	config.session.open_timeout_us = config.session.lost_timeout_us = ANSWER_US;
	config.session.rate = vf_pipe_max_baud(u->pipe) != 0 ? u->baud : 0;
	vf_job *question = vf_job_new(&config, NULL);
	if (question == NULL) {
		drop_pipe(u);
		(void)vf_return_asked(&u->back, NULL);
		return;
	}
	u->away = u->job;
	u->job = question;
	u->state = VF_UNIT_ASKING;
	u->due = true;
}

void vf_unit_step_asking(vf_unit *u)
{
	const bool there = vf_unit_move(u);
	if (there && !vf_job_finished(u->job))
		return;
	const bool same = vf_return_asked(&u->back, vf_job_board(u->job));
	vf_job_free(u->job);
	u->job = u->away;
	u->away = NULL;
	u->due = true;
	if (same && there) {
		come_back(u);
		return;
	}
	drop_pipe(u);
	u->state = VF_UNIT_AWAY;
}

/* A pipe that is being opened. */
static void step_opening(vf_unit *u)
{
	const int status = vf_pipe_opened(u->pipe, &u->until_us, &u->back.why);
	if (status == VF_IO_LATER)
		return;
	u->due = status == VF_OK;
	if (status != VF_OK) {
		drop_pipe(u);
		if (u->ask)
			(void)vf_return_asked(&u->back, NULL);
	} else if (u->ask) {
		ask(u);
	} else {
		come_back(u);
	}
}

/* True if there is no more waiting. */
static bool has_ended(vf_unit *u)
{
	if (vf_unit_to_be_told(u)) { /* what was to be put back cannot be, and that is said */
		while (vf_unit_to_be_told(u)) {
			u->interruptions++;
			vf_job_interrupt(u->job, now(u));
		}
		give_up(u, 0);
	} else if (vf_io_now_us() >= u->back.until_us) {
		give_up(u, vf_return_ms(&u->opt));
	}
	return vf_job_finished(u->job);
}

void vf_unit_step_away(vf_unit *u)
{
	if (has_ended(u)) {
		drop_pipe(u);
		vf_unit_finish(u);
		u->due = true;
		return;
	}
	(void)now(u); /* the job's clock goes on */
	if (u->pipe == NULL) {
		u->pipe = vf_return_look(&u->back, &u->ask, &u->back.why);
		u->until_us = vf_return_next(&u->back);
	}
	if (u->pipe != NULL)
		step_opening(u);
	if (u->state == VF_UNIT_AWAY && u->pipe == NULL && !u->due)
		u->until_us = vf_return_next(&u->back);
}
