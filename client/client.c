/* client.c - the blocking calls: a gang of one board, moved until its job has ended. */
#include <string.h>

#include <vcpflash/client.h>

#include "client_internal.h"

void vf_client_defaults(vf_job_config *config)
{
	config->session.alloc = vf_io_alloc;
	config->session.random = vf_io_random;
}

static int fail(vf_job_result *result, const vf_error *err)
{
	result->error = *err;
	return err->code;
}

/* What becomes of the one job of a gang of one. */
typedef struct outcome {
	vf_unit *unit;
	vf_job_result *result;
	vf_board *board;
	vf_session_stats *link;
	bool answered; /* by a board */
} outcome;

static void on_ended(void *ctx, void *user, const vf_job_result *result, const vf_board *board,
		     const vf_session_stats *link)
{
	outcome *o = ctx;
	(void)user;
	*o->result = *result;
	o->answered = board != NULL;
	if (o->board != NULL && board != NULL)
		*o->board = *board;
	if (o->link != NULL && link != NULL)
		*o->link = *link;
	vf_gang_close(o->unit);
}

unsigned vf_client_asked(const vf_client_options *opt)
{
	return opt->interruptions != NULL ? opt->interruptions(opt->ctx) : vf_interruptions();
}

void vf_client_name_port(vf_error *err, const char *port)
{
	const vf_error e = *err;
	if (e.code == VF_E_LINK && strstr(e.text, port) == NULL)
		(void)vf_fail(err, e.code, "%.120s: %.270s", port, e.text);
}

/* Opens the port, does the job, and leaves the port as it was found. */
static void attempt(const vf_client_options *opt, const vf_job_config *config, outcome *o)
{
	vf_error err = {0};
	const vf_gang_calls calls = {.ctx = o, .ended = on_ended};
	memset(o->result, 0, sizeof *o->result);
	vf_gang *gang = vf_gang_new(&calls, &err);
	if (gang == NULL) {
		(void)fail(o->result, &err);
		return;
	}
	o->unit = vf_gang_open(gang, opt, NULL, &err);
	if (o->unit == NULL || vf_gang_start(o->unit, config, &err) != VF_OK)
		(void)fail(o->result, &err);
	else
		while (vf_gang_units(gang) > 0)
			vf_gang_turn(gang, UINT64_MAX);
	vf_gang_free(gang);
}

int vf_client_on(const vf_client_options *opt, uint32_t held_ms, const vf_job_config *config,
		 vf_job_result *result, vf_board *board, vf_session_stats *link)
{
	outcome o = {.result = result, .board = board, .link = link};
	vf_patience patience;
	uint64_t held_until_us = 0;
	vf_patience_begin(&patience, opt, opt->wait_ms);
	do
		do
			attempt(opt, config, &o);
		while (o.unit == NULL && vf_client_held(opt, held_ms, &held_until_us));
	while (!o.answered &&
	       vf_patience_more(&patience, vf_client_remote(opt->port), &result->error));
	return result->error.code;
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
	return vf_client_on(&own, VF_CLIENT_HELD_MS, config, result, board, link);
}
