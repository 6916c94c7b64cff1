/* doctor: which part is at fault? The tests are doctor.h's; here is what a person
 * and a script see of them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <vcpflash/doctor.h>

#include "run.h"

static void on_say(void *ctx, const char *line)
{
	cli_run *r = ctx;
	cli_progress_clear(&r->progress);
	cli_print(r->o, "%s", line);
	cli_event(r->o, "doctor", line);
}

static int on_run(void *ctx, const vf_job_config *job, vf_job_result *result, vf_board *board,
		  vf_session_stats *link)
{
	cli_run *r = ctx;
	const int status = vf_client_do(&r->client, job, result, board, link);
	cli_progress_clear(&r->progress);
	return status;
}

/* Whether more than the board's ring holds was sent at once, and what became of it. */
static void add_back_pressure(cJSON *link, const vf_doctor_report *d)
{
	cJSON *json = cJSON_AddObjectToObject(link, "back_pressure");
	const vf_burst *b = &d->link.burst;
	cJSON_AddBoolToObject(json, "tested", b->done);
	if (d->link.burst_skipped != NULL)
		cJSON_AddStringToObject(json, "why_not", d->link.burst_skipped);
	if (!b->done)
		return;
	cJSON_AddNumberToObject(json, "ring", d->board.welcome.ring);
	cJSON_AddNumberToObject(json, "bytes", b->bytes);
	cJSON_AddNumberToObject(json, "lost_bytes", b->lost);
	cJSON_AddNumberToObject(json, "damaged", b->damaged);
}

static void add_link(cJSON *json, const vf_doctor_report *d)
{
	cJSON *link = cJSON_AddObjectToObject(json, "link");
	cJSON_AddNumberToObject(link, "rate", (double)d->rate);
	cJSON_AddNumberToObject(link, "frames", d->frames);
	cJSON_AddNumberToObject(link, "damaged_there", d->damaged_there);
	cJSON_AddNumberToObject(link, "damaged_here", d->damaged_here);
	cJSON_AddNumberToObject(link, "lost_bytes", d->lost_there);
	add_back_pressure(link, d);
	cJSON *list = cJSON_AddArrayToObject(link, "echoes");
	for (unsigned i = 0; i < d->link.echoes; i++) {
		const vf_echo_figures *e = &d->link.echo[i];
		cJSON *item = cJSON_CreateObject();
		cJSON_AddNumberToObject(item, "bytes", e->len);
		cJSON_AddNumberToObject(item, "sent", e->sent);
		cJSON_AddNumberToObject(item, "lost", e->lost);
		cJSON_AddNumberToObject(item, "best_us", e->best_us);
		cJSON_AddNumberToObject(item, "worst_us", e->worst_us);
		cJSON_AddItemToArray(list, item);
	}
}

static void figures(cli_run *r, const vf_doctor_report *d)
{
	cJSON_AddStringToObject(r->json, "culprit", vf_culprit_name(d->culprit));
	cJSON_AddStringToObject(r->json, "stage", d->stage);
	cJSON_AddStringToObject(r->json, "verdict", d->error.text);
	add_link(r->json, d);
	if (d->board_known)
		cJSON_AddItemToObject(r->json, "info",
				      cli_board_json(r->port, &d->board, &d->link));
	if (d->has_scratch) {
		char text[11];
		(void)snprintf(text, sizeof text, "0x%08" PRIx32, d->scratch);
		cJSON_AddStringToObject(r->json, "scratch", text);
	}
	cJSON_AddNumberToObject(r->json, "tested_bytes", (double)d->tested_bytes);
	r->result = d->chip;
	cli_run_trouble(r);
}

int cli_doctor(const cli_options *o)
{
	cli_run r;
	vf_doctor_report report;
	int status = cli_run_begin(&r, o, VF_JOB_INFO);
	if (status == VF_OK && o->whole_chip &&
	    !cli_confirm(o, "Test the whole external flash? What it holds is lost."))
		status = vf_fail(&r.error, VF_E_INTERRUPTED, "nothing was changed");
	if (status == VF_OK && o->whole_chip && o->json && !o->yes)
		status = vf_fail(&r.error, VF_E_USAGE,
				 "--whole-chip destroys what the flash holds: say --yes");
	if (status == VF_OK)
		status = cli_run_find(&r);
	if (status != VF_OK)
		return cli_run_end(&r);
	r.job.call.plan = NULL;
	r.client.return_ms = VF_CLIENT_NEVER; /* a port that goes away is a finding */
	const vf_doctor_config config = {
		.job = r.job, .run = on_run, .say = on_say, .ctx = &r, .whole_chip = o->whole_chip};
	cli_progress_begin(&r.progress, o);
	(void)vf_doctor(&config, &report);
	cli_progress_clear(&r.progress);
	figures(&r, &report);
	r.error = report.error;
	if (r.error.code == VF_OK)
		cli_print(o, "%s", report.error.text);
	return cli_run_end(&r);
}
