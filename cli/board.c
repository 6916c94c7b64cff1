/* Commands that speak to a board: each fills a job, hands it to the client and
 * says what came out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli.h"

/* One command's run against a board. */
typedef struct run {
	const cli_options *o;
	vf_client_options client;
	char port[256];
	vf_job_config job;
	vf_job_result result;
	vf_board board;
	vf_session_stats link;
	vf_image image;
	bool has_image;
	cli_progress progress;
	FILE *trace;
	cJSON *json; /* the rest of the result object */
	vf_error error;
} run;

/* --- callbacks ------------------------------------------------------------- */

static void on_progress(void *ctx, const vf_progress *p)
{
	run *r = ctx;
	cli_progress_show(&r->progress, p);
}

static void on_note(void *ctx, const char *line)
{
	run *r = ctx;
	cli_progress_clear(&r->progress);
	if (r->o->verbose)
		cli_say(r->o, "%s", line);
}

static void on_text(void *ctx, const char *line, size_t len)
{
	run *r = ctx;
	cli_progress_clear(&r->progress);
	cli_say(r->o, "board: %.*s", (int)len, line);
}

static void on_plan(void *ctx, const vf_job_plan *plan, const vf_board *board)
{
	run *r = ctx;
	cli_progress_clear(&r->progress);
	if (r->job.dry_run || r->o->verbose)
		cli_print_plan(r->o, plan, board);
	if (r->o->json) {
		cJSON *list = cJSON_GetObjectItem(r->json, "plan");
		cJSON_AddItemToArray(list != NULL ? list : cJSON_AddArrayToObject(r->json, "plan"),
		                     cli_plan_json(plan, board));
	}
}

/* One line a frame: time, direction, length, and the body in hex. */
static void on_trace(void *ctx, uint64_t now_us, bool sent, const uint8_t *body, size_t len)
{
	run *r = ctx;
	if (r->trace == NULL)
		return;
	(void)fprintf(r->trace, "%12" PRIu64 " %c %4zu ", now_us, sent ? '>' : '<', len);
	for (size_t i = 0; i < len; i++)
		(void)fprintf(r->trace, "%02x", body[i]);
	(void)fputc('\n', r->trace);
}

/* --- frame of every command -------------------------------------------------- */

static int find_port(run *r)
{
	const char *port = r->o->client.port;
	r->client = r->o->client;
	if (port != NULL && port[0] != '\0' && strcmp(port, "auto") != 0) {
		(void)snprintf(r->port, sizeof r->port, "%s", port);
	} else {
		int status = vf_client_find(&r->client, r->port, sizeof r->port, &r->error);
		if (status != VF_OK)
			return status;
	}
	r->client.port = r->port;
	return VF_OK;
}

static int begin(run *r, const cli_options *o, enum vf_job_kind kind)
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
	vf_interrupt_catch();
	if (o->trace == NULL)
		return VF_OK;
	r->trace = fopen(o->trace, "w");
	if (r->trace == NULL)
		return vf_fail(&r->error, VF_E_FILE, "%s: the trace cannot be written there", o->trace);
	r->job.session.trace = on_trace;
	return VF_OK;
}

static int end(run *r)
{
	if (r->trace != NULL && fclose(r->trace) != 0)
		cli_say(r->o, "%s: the trace is not complete (disk full?)", r->o->trace);
	if (r->has_image)
		vf_image_free(&r->image);
	return cli_finish(r->o, &r->error, r->json);
}

/* Looks for the port and carries the job out. */
static int carry_out(run *r)
{
	int status = find_port(r);
	if (status != VF_OK)
		return status;
	cli_progress_begin(&r->progress, r->o);
	(void)vf_client_do(&r->client, &r->job, &r->result, &r->board, &r->link);
	cli_progress_clear(&r->progress);
	r->error = r->result.error;
	if (r->error.code != VF_E_LINK)
		vf_ports_remember(r->port);
	if (r->o->verbose && r->link.frames_sent != 0)
		cli_say(r->o,
		        "link: %" PRIu64 " bytes sent (%" PRIu64 " of the stream repeated), %" PRIu64
		        " received, damaged %" PRIu32 " there, %" PRIu32 " here, lost there %" PRIu32,
		        r->link.raw_sent, r->link.stream_repeated, r->link.raw_received,
		        r->link.damaged_there, r->link.damaged_here, r->link.lost_there);
	return r->error.code;
}

/* Reads ADDR and LEN where a command takes them. */
static int range(run *r, const char *addr, const char *len)
{
	uint64_t a, l;
	if (!cli_number(addr, UINT32_MAX, &a))
		return vf_fail(&r->error, VF_E_USAGE, "'%s' is no address (such as 0x90000000 or 64K)",
		               addr);
	if (!cli_number(len, (uint64_t)1 << 32, &l) || l == 0)
		return vf_fail(&r->error, VF_E_USAGE, "'%s' is no length (such as 0x1000 or 1M)", len);
	if (a + l > (uint64_t)1 << 32)
		return vf_fail(&r->error, VF_E_REFUSED, "%s bytes from %s go past 4 GB", len, addr);
	r->job.address = (uint32_t)a;
	r->job.has_address = true;
	r->job.length = l;
	return VF_OK;
}

static void add_figures(run *r)
{
	const vf_job_result *s = &r->result;
	cJSON_AddNumberToObject(r->json, "image_bytes", (double)s->image_bytes);
	cJSON_AddNumberToObject(r->json, "same_bytes", (double)s->same_bytes);
	cJSON_AddNumberToObject(r->json, "erased_bytes", (double)s->erased_bytes);
	cJSON_AddNumberToObject(r->json, "programmed_bytes", (double)s->programmed_bytes);
	cJSON_AddNumberToObject(r->json, "kept_bytes", (double)s->kept_bytes);
	cJSON_AddNumberToObject(r->json, "verified_bytes", (double)s->verified_bytes);
	cJSON_AddNumberToObject(r->json, "attempts", s->attempts);
	cJSON_AddNumberToObject(r->json, "elapsed_us", (double)s->elapsed_us);
	cJSON_AddNumberToObject(r->json, "sent_bytes", (double)r->link.raw_sent);
	cJSON_AddNumberToObject(r->json, "received_bytes", (double)r->link.raw_received);
}

static void add_address(cJSON *json, const char *name, uint32_t v)
{
	char text[11];
	(void)snprintf(text, sizeof text, "0x%08" PRIx32, v);
	cJSON_AddStringToObject(json, name, text);
}

static void add_trouble(run *r)
{
	const vf_job_result *s = &r->result;
	if (s->error.code == VF_E_DIFFERS) {
		cJSON *m = cJSON_AddObjectToObject(r->json, "mismatch");
		add_address(m, "address", s->mismatch.address);
		cJSON_AddNumberToObject(m, "expected", s->mismatch.expected);
		cJSON_AddNumberToObject(m, "found", s->mismatch.found);
		cJSON_AddNumberToObject(m, "count", (double)s->mismatch.count);
		cJSON_AddNumberToObject(m, "sectors", (double)s->mismatch.sectors);
	}
	if (s->has_failure) {
		cJSON *f = cJSON_AddObjectToObject(r->json, "failure");
		cJSON_AddStringToObject(f, "code", vf_failure_name(s->failure.code));
		add_address(f, "address", s->failure.address);
		cJSON_AddNumberToObject(f, "expected", s->failure.expected);
		cJSON_AddNumberToObject(f, "found", s->failure.found);
		cJSON_AddNumberToObject(f, "count", s->failure.count);
	}
}

/* --- commands ------------------------------------------------------------------ */

int cli_info(const cli_options *o)
{
	run r;
	if (begin(&r, o, VF_JOB_INFO) == VF_OK && carry_out(&r) == VF_OK) {
		cli_print_board(o, r.port, &r.board, &r.result);
		cJSON_AddItemToObject(r.json, "info", cli_board_json(r.port, &r.board, &r.result));
	}
	return end(&r);
}

static void say_changed(const run *r, const char *what)
{
	const vf_job_result *s = &r->result;
	char all[16], same[16], erased[16], programmed[16], kept[16], time[24];
	if (s->nothing_to_do)
		cli_say(r->o, "nothing to do: the flash holds %s already (compared in %s)",
		        cli_size(all, s->image_bytes), cli_time(time, s->elapsed_us));
	else
		cli_say(r->o,
		        "%s in %s: %s, %s of sectors were right already, %s erased, %s programmed (%s kept "
		        "beside it), all of it read back and compared",
		        what, cli_time(time, s->elapsed_us), cli_size(all, s->image_bytes),
		        cli_size(same, s->same_bytes), cli_size(erased, s->erased_bytes),
		        cli_size(programmed, s->programmed_bytes), cli_size(kept, s->kept_bytes));
}

int cli_program(const cli_options *o)
{
	run r;
	if (begin(&r, o, VF_JOB_PROGRAM) != VF_OK || cli_load(&r.image, o, &r.error) != VF_OK)
		return end(&r);
	r.has_image = true;
	r.job.image = &r.image;
	r.job.full = o->full;
	r.job.dry_run = o->dry_run;
	r.job.discard = o->discard;
	r.job.verify_full = o->verify_full;
	r.job.run_after = o->run;
	if (cli_warn(o, &r.image) != 0 && !o->dry_run && !cli_confirm(o, "Program it all the same?")) {
		(void)vf_fail(&r.error, VF_E_INTERRUPTED, "nothing was changed");
		return end(&r);
	}
	if (carry_out(&r) == VF_OK && !o->dry_run)
		say_changed(&r, "programmed");
	add_figures(&r);
	add_trouble(&r);
	return end(&r);
}

int cli_verify(const cli_options *o)
{
	run r;
	if (begin(&r, o, VF_JOB_VERIFY) != VF_OK || cli_load(&r.image, o, &r.error) != VF_OK)
		return end(&r);
	r.has_image = true;
	r.job.image = &r.image;
	r.job.verify_full = o->verify_full;
	if (carry_out(&r) == VF_OK) {
		char size[16], time[24];
		cli_say(o, "the flash holds all %s of it (compared in %s)",
		        cli_size(size, r.result.image_bytes), cli_time(time, r.result.elapsed_us));
	}
	add_figures(&r);
	add_trouble(&r);
	return end(&r);
}

int cli_digest(const cli_options *o)
{
	run r;
	if (begin(&r, o, VF_JOB_DIGEST) == VF_OK && range(&r, o->args[0], o->args[1]) == VF_OK &&
	    carry_out(&r) == VF_OK) {
		char text[2 * VF_SHA256_SIZE + 1];
		for (unsigned i = 0; i < VF_SHA256_SIZE; i++)
			(void)snprintf(text + 2 * (size_t)i, 3, "%02x", r.result.sha256[i]);
		cli_print(o, "%s", text);
		cJSON_AddStringToObject(r.json, "sha256", text);
	}
	return end(&r);
}

int cli_run(const cli_options *o)
{
	run r;
	uint64_t address;
	if (begin(&r, o, VF_JOB_RUN) != VF_OK)
		return end(&r);
	if (o->arg_count == 1) {
		if (!cli_number(o->args[0], UINT32_MAX, &address)) {
			(void)vf_fail(&r.error, VF_E_USAGE, "'%s' is no address", o->args[0]);
			return end(&r);
		}
		r.job.address = (uint32_t)address;
		r.job.has_address = true;
	}
	if (carry_out(&r) == VF_OK)
		cli_say(o, "the application was started");
	return end(&r);
}

/* erase --chip means the external flash, whatever else the board has: the first
 * external memory, which is what an offset of 0 names. */
int cli_erase(const cli_options *o)
{
	run r;
	int status = begin(&r, o, o->chip ? VF_JOB_ERASE_CHIP : VF_JOB_ERASE);
	if (status == VF_OK && !o->chip)
		status = range(&r, o->args[0], o->args[1]);
	r.job.discard = o->discard;
	if (status == VF_OK && o->chip && !cli_confirm(o, "Erase the whole external flash?"))
		status = vf_fail(&r.error, VF_E_INTERRUPTED, "nothing was changed");
	if (status == VF_OK && carry_out(&r) == VF_OK)
		say_changed(&r, "erased");
	add_figures(&r);
	add_trouble(&r);
	return end(&r);
}

/* --- read ------------------------------------------------------------------------ */

/* Bytes go straight to a raw file; an Intel HEX, S-record or UF2 file is
 * written when they are all there. */
typedef struct reading {
	run r;
	vf_file_out *file;
	enum vf_image_format format;
	uint8_t *bytes;
	size_t have;
} reading;

static int take_bytes(void *ctx, const uint8_t *data, size_t len)
{
	reading *g = (reading *)ctx;
	if (g->bytes == NULL)
		return vf_file_put(g->file, data, len);
	memcpy(g->bytes + g->have, data, len);
	g->have += len;
	return VF_OK;
}

static int write_image(reading *g)
{
	vf_image_write_options w = { .format = (uint8_t)g->format };
	vf_image img;
	vf_image_init(&img, &vf_io_alloc);
	int status = vf_image_add_under(&img, "flash", g->r.job.address, g->bytes, g->have,
	                                &g->r.error);
	if (status == VF_OK)
		status = vf_image_write(&img, &w, vf_file_put, g->file, &g->r.error);
	vf_image_free(&img);
	return status;
}

/* The job hands its own context to every callback; the sink's lies around it. */
static int on_bytes(void *ctx, const uint8_t *data, size_t len)
{
	return take_bytes((char *)ctx - offsetof(reading, r), data, len);
}

static int open_output(reading *g, const char *name)
{
	g->format = vf_image_format_by_name(name);
	if (g->format != VF_FORMAT_AUTO && g->format != VF_FORMAT_BIN && g->format != VF_FORMAT_ELF) {
		g->bytes = vf_resize(&vf_io_alloc, NULL, (size_t)g->r.job.length);
		if (g->bytes == NULL)
			return vf_fail(&g->r.error, VF_E_NOMEM, "out of memory for %s", name);
	}
	g->file = vf_file_create(name, &g->r.error);
	return g->file != NULL ? VF_OK : g->r.error.code;
}

int cli_read(const cli_options *o)
{
	reading g = { .have = 0 };
	int status = begin(&g.r, o, VF_JOB_READ);
	g.r.job.call.sink = on_bytes;
	if (status == VF_OK)
		status = range(&g.r, o->args[0], o->args[1]);
	if (status == VF_OK)
		status = open_output(&g, o->args[2]);
	if (status == VF_OK)
		status = carry_out(&g.r);
	if (status == VF_OK && g.bytes != NULL)
		status = write_image(&g);
	if (status == VF_OK) {
		char size[16], time[24];
		if (vf_file_commit(g.file, &g.r.error) == VF_OK)
			cli_say(o, "read %s in %s", cli_size(size, g.r.job.length),
			        cli_time(time, g.r.result.elapsed_us));
	} else if (g.file != NULL) {
		vf_file_discard(g.file);
	}
	vf_free(&vf_io_alloc, g.bytes);
	return end(&g.r);
}
