/* The frame of every command that speaks to a board (run.h): its port, its
 * trace, what is said on the way, and the figures of its result. */
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <cjson/cJSON.h>

/* --- callbacks ------------------------------------------------------------- */

static void on_progress(void *ctx, const vf_progress *p)
{
	cli_run *r = ctx;
	cli_progress_show(&r->progress, p);
}

static void on_note(void *ctx, const char *line)
{
	cli_run *r = ctx;
	cli_progress_clear(&r->progress);
	cli_say(r->o, "%s", line);
	cli_event(r->o, "note", line);
}

static void on_text(void *ctx, const char *line, size_t len)
{
	cli_run *r = ctx;
	char text[1024];
	(void)snprintf(text, sizeof text, "%.*s", (int)len, line);
	cli_progress_clear(&r->progress);
	cli_say(r->o, "board: %s", text);
	cli_event(r->o, "text", text);
}

static void on_plan(void *ctx, const vf_job_plan *plan, const vf_board *board)
{
	cli_run *r = ctx;
	r->memory = plan->memory;
	cli_progress_clear(&r->progress);
	if (r->job.dry_run || r->o->verbose)
		cli_print_plan(r->o, r->job.dry_run ? cli_print : cli_say, plan, board);
	if (r->o->json) {
		cJSON *list = cJSON_GetObjectItem(r->json, "plan");
		cJSON_AddItemToArray(list != NULL ? list : cJSON_AddArrayToObject(r->json, "plan"),
				     cli_plan_json(plan, board));
	}
}

void cli_run_trace(cli_run *r, const char *port, uint64_t now_us, bool sent, const uint8_t *body,
		   size_t len)
{
	if (r->trace == NULL)
		return;
	(void)fprintf(r->trace, "%s%s%12" PRIu64 " %c %4zu ", port, port[0] != '\0' ? " " : "",
		      now_us, sent ? '>' : '<', len);
	for (size_t i = 0; i < len; i++)
		(void)fprintf(r->trace, "%02x", body[i]);
	(void)fputc('\n', r->trace);
}

static void on_trace(void *ctx, uint64_t now_us, bool sent, const uint8_t *body, size_t len)
{
	cli_run_trace(ctx, "", now_us, sent, body, len);
}

static int read_key(cli_run *r)
{
	const char *name = r->o->key_file;
	bool exposed;
	if (name == NULL || name[0] == '\0')
		return VF_OK;
	if (vf_key_read(name, r->key, &exposed, &r->error) != VF_OK)
		return r->error.code;
	r->job.session.key = r->key;
	if (exposed)
		cli_say(r->o, "%s: everybody on this machine can read this key: chmod 600 it",
			name);
	return VF_OK;
}

/* --- the frame ------------------------------------------------------------- */

int cli_run_begin(cli_run *r, const cli_options *o, enum vf_job_kind kind)
{
	memset(r, 0, sizeof *r);
	r->o = o;
	r->json = cJSON_CreateObject();
	r->job.kind = (uint8_t)kind;
	vf_client_defaults(&r->job);
	r->job.session.text = on_text;
	r->job.session.ctx = r;
	r->job.call.ctx = r;
	r->job.call.progress = on_progress;
	r->job.call.note = on_note;
	r->job.call.plan = on_plan;
	r->job.offset_ok = true;
	if (read_key(r) != VF_OK)
		return r->error.code;
	if (o->trace == NULL)
		return VF_OK;
	r->trace = fopen(o->trace, "w");
	if (r->trace == NULL)
		return vf_fail(&r->error, VF_E_FILE, "%s: cannot write the trace there: %s",
			       o->trace, strerror(errno));
	r->job.session.trace = on_trace;
	return VF_OK;
}

static int find_port(cli_run *r)
{
	int status = VF_OK;
	r->client = r->o->client;
	r->client.note = on_note;
	r->client.ctx = r;
	r->port = r->client.port;
	if (r->port == NULL || r->port[0] == '\0' || strcmp(r->port, "auto") == 0) {
		r->port = r->found;
		status = vf_client_find(&r->client, r->found, sizeof r->found, &r->error);
	}
	r->client.port = r->port;
	return status;
}

static void say_link(const cli_run *r)
{
	const vf_session_stats *l = &r->link;
	if (r->o->verbose && l->frames_sent != 0)
		cli_say(r->o,
			"link: %" PRIu64 " bytes sent (%" PRIu64 " of them again), %" PRIu64
			" received; frames damaged on the way there %" PRIu32 ", back %" PRIu32
			", lost on the way there %" PRIu32,
			l->raw_sent, l->stream_repeated, l->raw_received, l->damaged_there,
			l->damaged_here, l->lost_there);
	if (r->o->verbose && l->mended_there != 0)
		cli_say(r->o, "link: bits flip: in %" PRIu32 " frames the board put one right",
			l->mended_there);
	if (r->o->verbose && l->baud != 0)
		cli_say(r->o, "link: %" PRIu32 " baud", l->baud);
}

int cli_run_find(cli_run *r)
{
	vf_interrupt_catch();
	return find_port(r);
}

int cli_run_do(cli_run *r)
{
	int status = cli_run_find(r);
	if (status != VF_OK)
		return status;
	cli_progress_begin(&r->progress, r->o);
	(void)vf_client_do(&r->client, &r->job, &r->result, &r->board, &r->link);
	cli_progress_clear(&r->progress);
	r->error = r->result.error;
	vf_client_name_port(&r->error, r->port);
	say_link(r);
	return r->error.code;
}

int cli_run_end(cli_run *r)
{
	if (r->trace != NULL) {
		int failed = ferror(r->trace);
		if (fclose(r->trace) != 0 || failed)
			cli_say(r->o, "%s: the trace is not complete: is the disk full?",
				r->o->trace);
	}
	vf_wipe(r->key, sizeof r->key);
	if (r->has_image)
		vf_image_free(&r->image);
	return cli_finish(r->o, &r->error, r->json);
}

/* --- arguments and figures ------------------------------------------------- */

int cli_run_range(cli_run *r, const char *addr, const char *len)
{
	uint64_t a, l;
	if (!vf_client_number(addr, UINT32_MAX, &a))
		return vf_fail(&r->error, VF_E_USAGE,
			       "'%s' is no address (such as 0x90000000 or 64K)", addr);
	if (!vf_client_number(len, (uint64_t)1 << 32, &l) || l == 0)
		return vf_fail(&r->error, VF_E_USAGE, "'%s' is no length (such as 0x1000 or 1M)",
			       len);
	if (a + l > (uint64_t)1 << 32)
		return vf_fail(&r->error, VF_E_REFUSED, "%s bytes from %s go past 4 GB", len, addr);
	r->job.address = (uint32_t)a;
	r->job.has_address = true;
	r->job.length = l;
	return VF_OK;
}

static void add_address(cJSON *json, const char *name, uint32_t v)
{
	char text[11];
	(void)snprintf(text, sizeof text, "0x%08" PRIx32, v);
	cJSON_AddStringToObject(json, name, text);
}

void cli_trouble(cJSON *json, const vf_job_result *s)
{
	if (s->mismatch.cause != VF_CAUSE_NONE) {
		cJSON *m = cJSON_AddObjectToObject(json, "mismatch");
		add_address(m, "address", s->mismatch.address);
		cJSON_AddNumberToObject(m, "expected", s->mismatch.expected);
		cJSON_AddNumberToObject(m, "found", s->mismatch.found);
		cJSON_AddNumberToObject(m, "count", (double)s->mismatch.count);
		cJSON_AddNumberToObject(m, "sectors", (double)s->mismatch.sectors);
		cJSON_AddStringToObject(m, "direction", vf_mismatch_name(&s->mismatch));
		if (s->mismatch.distance != 0)
			cJSON_AddNumberToObject(m, "distance", s->mismatch.distance);
		cJSON_AddStringToObject(m, "cause", vf_mismatch_cause(&s->mismatch));
		cJSON_AddStringToObject(m, "next", vf_mismatch_next(&s->mismatch));
	}
	if (s->has_failure) {
		cJSON *f = cJSON_AddObjectToObject(json, "failure");
		cJSON_AddStringToObject(f, "code", vf_failure_name(s->failure.code));
		add_address(f, "address", s->failure.address);
		cJSON_AddNumberToObject(f, "expected", s->failure.expected);
		cJSON_AddNumberToObject(f, "found", s->failure.found);
		cJSON_AddNumberToObject(f, "count", s->failure.count);
	}
}

void cli_run_trouble(cli_run *r)
{
	cli_trouble(r->json, &r->result);
}

void cli_figures(cJSON *json, const vf_job_result *s, const vf_session_stats *link)
{
	cJSON_AddNumberToObject(json, "image_bytes", (double)s->image_bytes);
	cJSON_AddNumberToObject(json, "same_bytes", (double)s->same_bytes);
	cJSON_AddNumberToObject(json, "erased_bytes", (double)s->erased_bytes);
	cJSON_AddNumberToObject(json, "programmed_bytes", (double)s->programmed_bytes);
	cJSON_AddNumberToObject(json, "kept_bytes", (double)s->kept_bytes);
	cJSON_AddNumberToObject(json, "packed_bytes", (double)s->packed_bytes);
	cJSON_AddNumberToObject(json, "saved_bytes", (double)s->saved_bytes);
	cJSON_AddNumberToObject(json, "verified_bytes", (double)s->verified_bytes);
	cJSON_AddNumberToObject(json, "attempts", s->attempts);
	cJSON_AddNumberToObject(json, "elapsed_us", (double)s->elapsed_us);
	cJSON_AddNumberToObject(json, "sent_bytes", (double)link->raw_sent);
	cJSON_AddNumberToObject(json, "received_bytes", (double)link->raw_received);
	if (link->baud != 0)
		cJSON_AddNumberToObject(json, "baud", link->baud);
	cli_trouble(json, s);
}

void cli_run_figures(cli_run *r)
{
	cli_figures(r->json, &r->result, &r->link);
}
