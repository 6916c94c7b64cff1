/* client.c - the blocking calls: moves bytes between a pipe and a job until the
 * job has ended. */
#include <string.h>

#include <vcpflash/client.h>

#include "client_internal.h"

enum {
	BAUD_USUAL = 115200,
	CHUNK = 16 * 1024,  /* most bytes read at once */
	GONE_MAX = 160,     /* of a port's name in a sentence */
	ABSENT_US = 500000, /* a turn takes no such time: the process did not run */
	ASK_US = 100000,    /* between two questions whether to stop */
};

void vf_client_defaults(vf_job_config *config)
{
	config->session.alloc = vf_io_alloc;
	config->session.random = vf_io_random;
}

/* A job, its pipe, and a clock that stands still while the process does: nothing
 * that arrives then is anybody's silence. */
typedef struct driven {
	const vf_client_options *opt;
	vf_pipe *pipe;
	vf_job *job;
	uint64_t seen_us, absent_us;
	unsigned interruptions; /* that the job was told of */
} driven;

static uint64_t now(driven *d)
{
	const uint64_t us = vf_io_now_us();
	if (us > d->seen_us + ABSENT_US)
		d->absent_us += us - d->seen_us;
	d->seen_us = us;
	return us - d->absent_us;
}

static void wait(driven *d, bool want_write)
{
	const uint64_t deadline = vf_job_deadline(d->job);
	uint64_t until =
		deadline < UINT64_MAX - d->absent_us ? deadline + d->absent_us : UINT64_MAX;
	if (d->opt->interruptions != NULL && until > d->seen_us + ASK_US)
		until = d->seen_us + ASK_US;
	vf_pipe_wait(d->pipe, want_write, until);
	const uint64_t us = vf_io_now_us();
	if (until > d->seen_us)
		d->seen_us = us < until ? us : until;
}

static void gone(vf_job *job, const char *name)
{
	char why[GONE_MAX + 120];
	if (strncmp(name, "tcp://", 6) == 0)
		(void)snprintf(why, sizeof why,
			       "%.*s closed the connection: another program may be using the "
			       "board, or it is gone; then run this again",
			       GONE_MAX, name);
	else
		(void)snprintf(why, sizeof why,
			       "%.*s is gone: unplugged, or the board was reset; plug it in and "
			       "run this again, what is right already is not sent again",
			       GONE_MAX, name);
	vf_job_pipe_lost(job, why);
}

/* Everything that has arrived; false once the pipe is gone. */
static bool receive(driven *d, bool *moved)
{
	uint8_t buf[CHUNK];
	const long n = vf_pipe_read(d->pipe, buf, sizeof buf);
	if (n > 0)
		vf_job_rx(d->job, buf, (size_t)n, now(d));
	*moved = *moved || n > 0;
	return n >= 0;
}

/* Everything that the pipe takes now; false once it is gone. */
static bool transmit(driven *d, bool *moved, bool *blocked)
{
	const uint8_t *out;
	size_t len;
	*blocked = false;
	while (!*blocked && (out = vf_job_tx(d->job, &len, now(d))) != NULL) {
		const long n = vf_pipe_write(d->pipe, out, len);
		if (n < 0)
			return false;
		*moved = *moved || n > 0;
		*blocked = (size_t)n < len;
		if (n > 0)
			vf_job_tx_done(d->job, (size_t)n, now(d));
	}
	return true;
}

/* Where the port cannot do it the session finds that out, and comes back. */
static void set_rate(vf_pipe *pipe, vf_job *job)
{
	uint32_t baud;
	if (vf_job_rate(job, &baud))
		(void)vf_pipe_set_baud(pipe, baud);
}

/* One turn; false once the pipe is gone. What has arrived comes before the job
 * is asked whether anything is overdue. */
static bool turn(driven *d)
{
	bool moved = false;
	bool blocked = false;
	const unsigned asked = d->opt->interruptions != NULL ? d->opt->interruptions(d->opt->ctx)
							     : vf_interruptions();
	while (d->interruptions < asked) {
		d->interruptions++;
		vf_job_interrupt(d->job, now(d));
	}
	if (!receive(d, &moved))
		return false;
	if (vf_job_deadline(d->job) <= now(d))
		vf_job_tick(d->job, now(d));
	set_rate(d->pipe, d->job);
	if (!transmit(d, &moved, &blocked))
		return false;
	set_rate(d->pipe, d->job);
	if (!moved && !vf_job_finished(d->job))
		wait(d, blocked);
	return true;
}

static void drive(const vf_client_options *opt, vf_pipe *pipe, vf_job *job)
{
	driven d = {.opt = opt, .pipe = pipe, .job = job, .seen_us = vf_io_now_us()};
	vf_job_tick(job, now(&d));
	while (!vf_job_finished(job))
		if (!turn(&d))
			gone(job, vf_pipe_name(pipe));
}

/* The rate at which it begins, and to which it may go up. */
static void offer_rate(vf_job_config *config, const vf_pipe *pipe, uint32_t baud, uint32_t max_baud)
{
	const uint32_t most = vf_pipe_max_baud(pipe);
	config->session.rate = most != 0 ? baud : 0;
	config->session.rate_max = max_baud != 0 && max_baud < most ? max_baud : most;
}

static int fail(vf_job_result *result, const vf_error *err)
{
	result->error = *err;
	return err->code;
}

/* The job itself, over an open pipe. */
static int carry_out(vf_pipe *pipe, const vf_client_options *opt, const vf_job_config *config,
		     vf_job_result *result, vf_board *board, vf_session_stats *link)
{
	vf_error err = {0};
	vf_job *job = vf_job_new(config, &err);
	if (job == NULL)
		return fail(result, &err);
	drive(opt, pipe, job);
	*result = *vf_job_result_get(job);
	if (board != NULL && vf_job_board(job) != NULL) {
		*board = *vf_job_board(job);
		vf_ports_remember(opt->port);
	}
	if (link != NULL)
		*link = *vf_job_link(job);
	vf_job_free(job);
	return result->error.code;
}

void vf_client_name_port(vf_error *err, const char *port)
{
	const vf_error e = *err;
	if (e.code == VF_E_LINK && strstr(e.text, port) == NULL)
		(void)vf_fail(err, e.code, "%.120s: %.270s", port, e.text);
}

int vf_client_on(const vf_client_options *opt, const vf_job_config *config, vf_job_result *result,
		 vf_board *board, vf_session_stats *link)
{
	vf_error err = {0};
	vf_job_config own = *config;
	const uint32_t baud = opt->baud != 0 ? opt->baud : BAUD_USUAL;
	memset(result, 0, sizeof *result);
	vf_pipe *pipe = vf_pipe_open(opt->port, baud, &err);
	if (pipe == NULL)
		return fail(result, &err);
	offer_rate(&own, pipe, baud, opt->max_baud);
	vf_keeper keeper = {NULL};
	if (own.keeper.save == NULL)
		own.keeper = vf_keeper_door(&keeper);
	vf_packer *packer = NULL;
	if (own.kind == VF_JOB_PROGRAM && own.deflate == NULL) {
		packer = vf_packer_new();
		own.deflate = packer != NULL ? vf_packer_deflate : NULL;
		own.deflate_ctx = packer;
	}
	const int code = carry_out(pipe, opt, &own, result, board, link);
	vf_packer_free(packer);
	vf_keeper_free(&keeper);
	if (own.session.rate != 0 && vf_pipe_baud(pipe) != baud)
		(void)vf_pipe_set_baud(pipe, baud);
	vf_pipe_close(pipe);
	return code;
}

int vf_client_do(const vf_client_options *opt, const vf_job_config *config, vf_job_result *result,
		 vf_board *board, vf_session_stats *link)
{
	char name[VF_CLIENT_NAME_MAX];
	vf_error err = {0};
	vf_client_options own = *opt;
	if (board != NULL)
		memset(board, 0, sizeof *board);
	if (link != NULL)
		memset(link, 0, sizeof *link);
	memset(result, 0, sizeof *result);
	if (own.port == NULL || strcmp(own.port, "auto") == 0) {
		if (vf_client_find(opt, name, sizeof name, &err) != VF_OK)
			return fail(result, &err);
		own.port = name;
	}
	return vf_client_on(&own, config, result, board, link);
}
