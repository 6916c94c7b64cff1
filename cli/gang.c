/* gang: the same image into many boards at once. This file holds the frame, and what
 * happens at one post; the production line is gang_loop.c. */
#include "gang.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

enum {
	LOG_AGAIN_US = 100000,
	ASK_TIMEOUT_US = 700000,
	HELD_US = 500000, /* another program may just be closing a port */
};

void gang_time(char out[GANG_TIME_MAX])
{
	const time_t now = time(NULL);
	struct tm utc;
	if (gmtime_r(&now, &utc) == NULL ||
	    strftime(out, GANG_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		out[0] = '\0';
}

static void name_board(char out[GANG_ID_MAX], const vf_board *board)
{
	out[0] = '\0';
	for (unsigned i = 0; i < board->welcome.id_len; i++)
		(void)snprintf(out + 2 * (size_t)i, 3, "%02x", board->welcome.id[i]);
}

/* --- what a job says on its way ------------------------------------------------- */

static void on_progress(void *ctx, const vf_progress *now)
{
	gang_post *p = ctx;
	if (p->state != GANG_WORKING)
		return;
	p->now = *now;
	gang_show_progress(p);
}

static void on_note(void *ctx, const char *line)
{
	gang_post *p = ctx;
	if (p->state == GANG_WORKING)
		gang_say(p->g, p->port, "note", "%s", line);
}

static void on_text(void *ctx, const char *line, size_t len)
{
	gang_post *p = ctx;
	if (p->state == GANG_WORKING)
		gang_say(p->g, p->port, "text", "board: %.*s", (int)len, line);
}

static void on_trace(void *ctx, uint64_t now_us, bool sent, const uint8_t *body, size_t len)
{
	gang_post *p = ctx;
	cli_run_trace(&p->g->run, p->port, now_us, sent, body, len);
}

static vf_job_config job_of(gang_post *p)
{
	vf_job_config job = p->g->run.job;
	job.session.ctx = p;
	job.session.text = on_text;
	job.session.trace = job.session.trace != NULL ? on_trace : NULL;
	job.call = (vf_job_callbacks){.ctx = p, .progress = on_progress, .note = on_note};
	return job;
}

/* --- one board ------------------------------------------------------------------- */

/* What is said of a post names it in front: once is enough. */
static vf_error without_port(const gang_post *p, const vf_error *e)
{
	const size_t len = strlen(p->port);
	vf_error out = *e;
	if (strncmp(e->text, p->port, len) == 0 && strncmp(e->text + len, ": ", 2) == 0)
		(void)snprintf(out.text, sizeof out.text, "%s", e->text + len + 2);
	return out;
}

static void finish(gang_post *p, const vf_job_result *r, const vf_session_stats *link)
{
	const vf_error error = without_port(p, &r->error);
	gang_row *row = gang_add_row(p, &error);
	if (row == NULL)
		return;
	row->elapsed_us = r->elapsed_us != 0 ? r->elapsed_us : vf_io_now_us() - p->began_us;
	row->bytes = r->image_bytes;
	row->nothing_to_do = r->nothing_to_do;
	gang_show_row(p->g, row, r, link);
}

void gang_failed(gang_post *p, const vf_error *why)
{
	vf_job_result none;
	memset(&none, 0, sizeof none);
	none.error = *why;
	p->state = GANG_DONE;
	p->last = why->code;
	finish(p, &none, NULL);
}

vf_unit *gang_open(gang_post *p, const char *port, vf_error *err)
{
	vf_client_options options = p->g->run.o->client;
	options.port = port;
	options.note = on_note;
	options.ctx = p;
	return vf_gang_open(p->g->boards, &options, p, err);
}

static void start(gang_post *p, const vf_job_config *job, uint8_t state)
{
	vf_error err = {0};
	p->state = state;
	p->board[0] = p->name[0] = '\0';
	p->began_us = vf_io_now_us();
	gang_time(p->time);
	p->now = (vf_progress){.phase = VF_PHASE_OPEN};
	p->g->dirty = true;
	if (vf_gang_start(p->unit, job, &err) != VF_OK)
		gang_failed(p, &err);
}

void gang_begin(gang_post *p)
{
	const vf_job_config job = job_of(p);
	start(p, &job, GANG_WORKING);
}

void gang_ask(gang_post *p)
{
	vf_job_config job = job_of(p);
	job.kind = VF_JOB_INFO;
	job.session.open_timeout_us = ASK_TIMEOUT_US;
	job.session.lost_timeout_us = ASK_TIMEOUT_US;
	start(p, &job, GANG_ASKING);
}

/* --- the client's callbacks -------------------------------------------------------- */

static void on_opened(void *ctx, void *user)
{
	(void)ctx;
	gang_loop_opened(user);
}

static int on_board(void *ctx, void *user, const vf_board *board, vf_error *err)
{
	gang_post *p = user;
	char id[GANG_ID_MAX];
	(void)ctx;
	name_board(id, board);
	(void)snprintf(p->name, sizeof p->name, "%s", board->welcome.name);
	const gang_post *other = gang_same_board(p, id);
	if (other != NULL)
		return vf_fail(err, VF_E_REFUSED,
			       "the same board (%s) answers at %.150s: nothing was done here", id,
			       other->port);
	memcpy(p->board, id, sizeof id);
	return VF_OK;
}

static void on_ended(void *ctx, void *user, const vf_job_result *result, const vf_board *board,
		     const vf_session_stats *link)
{
	gang_post *p = user;
	const bool asked = p->state == GANG_ASKING;
	char id[GANG_ID_MAX] = "";
	(void)ctx;
	if (board != NULL)
		name_board(id, board);
	if (asked) {
		gang_loop_asked(p, result, id);
		return;
	}
	p->state = GANG_DONE;
	p->last = result->error.code;
	finish(p, result, link);
	if (p->g->run.o->loop) {
		gang_loop_done(p);
	} else {
		vf_gang_close(p->unit);
		p->unit = NULL;
	}
}

static void on_gone(void *ctx, void *user, const vf_error *why)
{
	(void)ctx;
	(void)why;
	gang_loop_gone(user);
}

/* --- the frame ----------------------------------------------------------------------- */

/* Opens what can be opened. Of the rest, is it worth trying again? */
static bool open_all(gang *g)
{
	bool again = false;
	for (gang_post *p = g->posts; p != NULL; p = p->next) {
		if (p->unit == NULL)
			p->unit = gang_open(p, p->port, &p->refused);
		again = again || (p->unit == NULL && vf_pipe_may_open_soon(p->port));
	}
	return again;
}

static void begin_all(gang *g)
{
	const uint64_t until_us = vf_io_now_us() + HELD_US;
	while (open_all(g) && vf_io_now_us() < until_us && !vf_interrupted())
		vf_io_sleep(vf_io_now_us() + HELD_US / 10);
	for (gang_post *p = g->posts; p != NULL; p = p->next) {
		if (p->unit != NULL) {
			gang_begin(p);
			continue;
		}
		p->began_us = vf_io_now_us();
		gang_time(p->time);
		gang_failed(p, &p->refused);
	}
}

/* Rows that the log would not take yet. */
static bool rows_wait(const gang *g)
{
	bool wait = false;
	for (const gang_row *row = g->rows; row != NULL; row = row->next)
		wait = wait || !row->logged;
	return wait && g->log_error.code == VF_OK;
}

/* In the end a production line lets go of the boards that wait for being unplugged. */
static void let_go(gang *g)
{
	for (gang_post *p = g->posts; p != NULL; p = p->next)
		if (p->unit != NULL && (p->state == GANG_DONE || p->state == GANG_EMPTY)) {
			vf_gang_close(p->unit);
			p->unit = NULL;
		}
}

static bool anybody_works(const gang *g)
{
	const gang_post *p = g->posts;
	while (p != NULL && p->state != GANG_WORKING)
		p = p->next;
	return p != NULL;
}

static void work(gang *g)
{
	const bool loop = g->run.o->loop;
	if (!loop)
		begin_all(g);
	for (;;) {
		uint64_t until_us = UINT64_MAX;
		g->stopping = vf_interrupted() || g->log_error.code != VF_OK;
		gang_write_log(g, false);
		if (g->unsynced && !anybody_works(g))
			gang_sync_log(g);
		if (loop && !g->stopping)
			until_us = gang_look(g);
		else if (loop)
			let_go(g);
		if (vf_gang_units(g->boards) == 0 && (!loop || g->stopping))
			break;
		const uint64_t draw_us = gang_draw(g);
		until_us = draw_us < until_us ? draw_us : until_us;
		if (rows_wait(g) && until_us > vf_io_now_us() + LOG_AGAIN_US)
			until_us = vf_io_now_us() + LOG_AGAIN_US;
		vf_gang_turn(g->boards, until_us);
	}
	if (g->terminal)
		gang_wipe(g);
	gang_write_log(g, true);
}

static int open_log(gang *g)
{
	char path[GANG_PORT_MAX * 4], time[GANG_TIME_MAX];
	const cli_options *o = g->run.o;
	if (o->no_log)
		return VF_OK;
	if (cli_log_path(o, path, sizeof path, &g->run.error) != VF_OK)
		return g->run.error.code;
	gang_time(time);
	const vf_log_run run = {
		.time = time, .version = VCPFLASH_VERSION, .digest = g->digest, .files = g->files};
	g->log = vf_log_begin(path, &run, &g->run.error);
	return g->log != NULL ? VF_OK : g->run.error.code;
}

static void name_files(gang *g)
{
	const cli_options *o = g->run.o;
	size_t at = 0;
	for (int i = 0; i < o->arg_count && at < sizeof g->files; i++) {
		const int n = snprintf(g->files + at, sizeof g->files - at, "%s%s",
				       i > 0 ? ", " : "", o->args[i]);
		at += n > 0 ? (size_t)n : 0;
	}
}

/* With warnings a person is asked first; once, for all boards. */
static bool go_ahead(gang *g)
{
	if (cli_warn(g->run.o, &g->run.image) == 0 ||
	    cli_confirm(g->run.o, "Program it into all boards all the same?"))
		return true;
	(void)vf_fail(&g->run.error, VF_E_INTERRUPTED, "nothing was changed");
	return false;
}

/* Everything that can be wrong before a board is touched. */
static int prepare(gang *g, const cli_options *o)
{
	cli_run *r = &g->run;
	if (cli_run_begin(r, o, VF_JOB_PROGRAM) != VF_OK ||
	    cli_load(&r->image, o, &r->error) != VF_OK)
		return r->error.code;
	r->has_image = true;
	r->job.image = &r->image;
	r->job.full = o->full;
	r->job.discard = o->discard;
	r->job.verify_full = o->verify_full;
	r->job.run_after = o->run;
	r->job.compress = o->compress;
	cli_image_digest(&r->image, g->digest);
	name_files(g);
	if (gang_collect(g) != VF_OK || !go_ahead(g) || open_log(g) != VF_OK)
		return r->error.code;
	const vf_gang_calls calls = {.ctx = g,
				     .opened = on_opened,
				     .board = on_board,
				     .ended = on_ended,
				     .gone = on_gone};
	g->boards = vf_gang_new(&calls, &r->error);
	return g->boards != NULL ? VF_OK : r->error.code;
}

static void free_all(gang *g)
{
	vf_gang_free(g->boards);
	vf_log_close(g->log);
	for (gang_post *p = g->posts, *next; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	for (gang_row *row = g->rows, *next; row != NULL; row = next) {
		next = row->next;
		free(row);
	}
}

int cli_gang(const cli_options *o)
{
	gang *g = calloc(1, sizeof *g);
	if (g == NULL) {
		const vf_error err = {VF_E_NOMEM, "out of memory"};
		return cli_finish(o, &err, NULL);
	}
	g->last_row = &g->rows;
	if (prepare(g, o) == VF_OK) {
		vf_interrupt_catch();
		g->began_us = vf_io_now_us();
		gang_show_begin(g);
		work(g);
		gang_summary(g);
	}
	const int code = cli_run_end(&g->run);
	free_all(g);
	free(g);
	return code;
}
