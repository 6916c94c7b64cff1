/* library.c - libvcpflash: the calls of vcpflash.h, each a job that is carried out.
 *
 * What is seen from outside is copied here, so that job.h and what it includes may
 * change without a program that was built against the library noticing.
 */
#include <string.h>

#include <vcpflash/client.h>

#include "library.h"

_Static_assert(VCPFLASH_E_DIFFERS == (int)VF_E_DIFFERS && VCPFLASH_E_USAGE == (int)VF_E_USAGE &&
		       VCPFLASH_E_LINK == (int)VF_E_LINK && VCPFLASH_E_BOARD == (int)VF_E_FLASH &&
		       VCPFLASH_E_FILE == (int)VF_E_FILE &&
		       VCPFLASH_E_REFUSED == (int)VF_E_REFUSED &&
		       VCPFLASH_E_INTERRUPTED == (int)VF_E_INTERRUPTED &&
		       VCPFLASH_E_NOMEM == (int)VF_E_NOMEM,
	       "status.h and vcpflash.h");
_Static_assert((int)VCPFLASH_COMPRESS_ON == (int)VF_COMPRESS_ON &&
		       (int)VCPFLASH_COMPRESS_OFF == (int)VF_COMPRESS_OFF,
	       "job.h and vcpflash.h");
/* NOLINTNEXTLINE(misc-redundant-expression): two headers' names of one number */
_Static_assert(VCPFLASH_FOREVER == VF_CLIENT_FOREVER && VCPFLASH_NEVER == VF_CLIENT_NEVER,
	       "client.h and vcpflash.h");
_Static_assert((int)VCPFLASH_KEY_SIZE == (int)VF_IO_KEY_SIZE &&
		       (int)VCPFLASH_SHA256_SIZE == (int)VF_SHA256_SIZE,
	       "wire.h and vcpflash.h");
_Static_assert(VCPFLASH_NAME_MAX > (int)VF_WIRE_BOARD_NAME_MAX &&
		       VCPFLASH_ID_MAX > 2 * (int)VF_WIRE_ID_MAX &&
		       VCPFLASH_TEXT_MAX >= sizeof(((vf_error *)NULL)->text),
	       "what has to fit");

enum { ASK_US = 50000 }; /* between two looks at `stop`, and two words of progress */

/* --- callbacks ---------------------------------------------------------------- */

static void on_progress(void *ctx, const vf_progress *p)
{
	vf_library_call *c = ctx;
	const uint64_t now = vf_io_now_us();
	const bool begins = !c->told || p->phase != c->phase;
	const bool ends = p->total != 0 && p->done >= p->total;
	if (c->options.progress == NULL ||
	    (!begins && !(ends && !c->ended) && now - c->told_us < ASK_US))
		return;
	c->told = true;
	c->ended = ends;
	c->phase = p->phase;
	c->told_us = now;
	c->options.progress(c->options.ctx, vf_phase_name(p->phase), p->done, p->total, p->busy_ms);
}

static void say(vf_library_call *c, enum vcpflash_level level, const char *line)
{
	if (c->options.log != NULL)
		c->options.log(c->options.ctx, (int)level, line);
}

static void say_own(vf_library_call *c, enum vcpflash_level level, const char *line)
{
	char text[512];
	vf_library_say(text, sizeof text, line);
	say(c, level, text);
}

void vf_library_note(void *ctx, const char *line)
{
	say_own(ctx, VCPFLASH_NOTE, line);
}

static void on_text(void *ctx, const char *line, size_t len)
{
	char text[1024];
	(void)snprintf(text, sizeof text, "%.*s", (int)len, line);
	say(ctx, VCPFLASH_BOARD, text);
}

static void on_warning(void *ctx, const char *line)
{
	vf_library_call *c = ctx;
	say_own(c, VCPFLASH_WARNING, line);
	if (c->options.strict && c->error.code == VF_OK)
		(void)vf_fail(&c->error, VF_E_REFUSED, "%s", line);
}

static void on_plan(void *ctx, const vf_job_plan *plan, const vf_board *board)
{
	vf_library_call *c = ctx;
	(void)board;
	c->estimate_us += plan->estimate_us;
}

/* Not at every turn: it may be a slow question. */
static unsigned on_interruptions(void *ctx)
{
	vf_library_call *c = ctx;
	const uint64_t now = vf_io_now_us();
	if (c->options.stop == NULL || (c->asked && now - c->asked_us < ASK_US))
		return c->stops;
	c->asked = true;
	c->asked_us = now;
	const int answer = c->options.stop(c->options.ctx);
	if (answer > 0 && (unsigned)answer > c->stops)
		c->stops = answer > 1 ? 2 : 1;
	return c->stops;
}

/* --- a call's begin --------------------------------------------------------------- */

/* What of the caller's options this library knows. */
static int take_options(vf_library_call *c, const vcpflash_options *options)
{
	if (options == NULL)
		return VF_OK;
	if (options->size < sizeof options->size)
		return vf_fail(&c->error, VF_E_USAGE,
			       "the options have no size: begin with vcpflash_defaults()");
	memcpy(&c->options, options,
	       options->size < sizeof c->options ? options->size : sizeof c->options);
	return VF_OK;
}

static int take_key(vf_library_call *c)
{
	const char *name = c->options.key_file;
	bool exposed;
	c->job.session.key = c->options.key;
	if (name == NULL)
		return VF_OK;
	if (vf_key_read(name, c->key, &exposed, &c->error) != VF_OK)
		return c->error.code;
	c->job.session.key = c->key;
	if (exposed)
		say(c, VCPFLASH_WARNING,
		    "everybody on this computer can read the key file: chmod 600 it");
	return VF_OK;
}

int vf_library_missing(vf_library_call *c, const char *argument)
{
	return vf_fail(&c->error, VF_E_USAGE,
		       "%s is NULL: the call has nowhere to put what it finds", argument);
}

int vf_library_begin(vf_library_call *c, enum vf_job_kind kind, const char *port,
		     const vcpflash_options *options)
{
	memset(c, 0, sizeof *c);
	if (take_options(c, options) != VF_OK)
		return c->error.code;
	if (c->options.compress > VCPFLASH_COMPRESS_OFF)
		return vf_fail(&c->error, VF_E_USAGE,
			       "options.compress is %u: set it to VCPFLASH_COMPRESS_AUTO, _ON or "
			       "_OFF",
			       c->options.compress);
	c->job.kind = (uint8_t)kind;
	vf_client_defaults(&c->job);
	c->job.session.text = on_text;
	c->job.session.ctx = c;
	c->job.call.ctx = c;
	c->job.call.progress = on_progress;
	c->job.call.note = vf_library_note;
	c->job.call.plan = on_plan;
	c->job.offset_ok = true;
	c->job.full = c->options.full;
	c->job.dry_run = c->options.dry_run;
	c->job.discard = c->options.discard;
	c->job.verify_full = c->options.verify_full;
	c->job.run_after = c->options.run_after;
	c->job.compress = c->options.compress;
	c->client = (vf_client_options){.port = port,
					.baud = c->options.baud,
					.max_baud = c->options.max_baud,
					.interruptions = on_interruptions,
					.wait_ms = c->options.wait_ms,
					.return_ms = c->options.return_ms,
					.note = vf_library_note,
					.ctx = c};
	return take_key(c);
}

/* --- carried out ----------------------------------------------------------------- */

static bool is_named(const char *port)
{
	return port != NULL && port[0] != '\0' && strcmp(port, "auto") != 0;
}

int vf_library_find(vf_library_call *c)
{
	if (is_named(c->client.port))
		return VF_OK;
	if (vf_client_find(&c->client, c->found, sizeof c->found, &c->error) == VF_OK)
		c->client.port = c->found;
	return c->error.code;
}

int vf_library_do(vf_library_call *c)
{
	if (vf_library_find(c) != VF_OK)
		return c->error.code;
	(void)vf_client_do(&c->client, &c->job, &c->result, &c->board, &c->link);
	c->error = c->result.error;
	vf_client_name_port(&c->error, c->client.port);
	return c->error.code;
}

/* --- a call's end ------------------------------------------------------------------- */

/* What the sentence does not say already. */
static const char *hint(const vf_library_call *c)
{
	if (c->result.mismatch.cause != VF_CAUSE_NONE)
		return vf_mismatch_next(&c->result.mismatch);
	if (c->has_verdict) /* which says what to do */
		return "";
	switch (c->error.code) {
	case VF_OK:
		return "";
	case VF_E_DIFFERS:
		return "program the files, or see whether they are the right ones";
	case VF_E_USAGE:
		return "correct the call";
	case VF_E_LINK:
		return "see that the board has power and runs its loader; the call doctor tells "
		       "cable, board and chip apart";
	case VF_E_FILE:
		return "mend the file; the command vcpflash inspect shows what is in it";
	case VF_E_REFUSED:
		return "the call info lists the board's memories, and what may be done with them";
	case VF_E_INTERRUPTED:
		return "call again: what is right already is not sent again";
	case VF_E_NOMEM:
		return "free memory on this computer";
	default:
		return "the call doctor tests the link, then the chip, and says which is at fault";
	}
}

void vf_library_hex(char *out, const uint8_t *bytes, size_t len)
{
	out[0] = '\0';
	for (size_t i = 0; i < len; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void report_figures(const vf_library_call *c, vcpflash_report *r)
{
	const vf_job_result *s = &c->result;
	r->attempts = s->attempts;
	r->image_bytes = s->image_bytes;
	r->same_bytes = s->same_bytes;
	r->erased_bytes = s->erased_bytes;
	r->programmed_bytes = s->programmed_bytes;
	r->kept_bytes = s->kept_bytes;
	r->saved_bytes = s->saved_bytes;
	r->verified_bytes = s->verified_bytes;
	r->sent_bytes = c->link.raw_sent;
	r->received_bytes = c->link.raw_received;
	r->elapsed_us = s->elapsed_us;
	r->estimate_us = c->estimate_us;
	r->baud = c->link.baud;
	r->nothing_to_do = s->nothing_to_do;
}

static void report_trouble(const vf_library_call *c, vcpflash_report *r)
{
	const vf_job_result *s = &c->result;
	r->hint = hint(c);
	r->cause = r->failure = "";
	if (s->mismatch.cause != VF_CAUSE_NONE) {
		r->cause = vf_mismatch_cause(&s->mismatch);
		r->address = s->mismatch.address;
		r->expected = s->mismatch.expected;
		r->found = s->mismatch.found;
		r->count = s->mismatch.count;
	}
	if (s->has_failure) {
		r->failure = vf_failure_name(s->failure.code);
		r->failure_address = s->failure.address;
	}
}

/* Codes beyond those of vcpflash.h are the flash door's. */
static int public_code(int code)
{
	return code >= VCPFLASH_E_NOMEM ? code : VCPFLASH_E_BOARD;
}

static void fill(const vf_library_call *c, vcpflash_report *r)
{
	r->code = public_code(c->error.code);
	if (r->code != VCPFLASH_OK)
		vf_library_say(r->text, sizeof r->text, c->error.text);
	if (is_named(c->client.port))
		(void)snprintf(r->port, sizeof r->port, "%s", c->client.port);
	(void)snprintf(r->board, sizeof r->board, "%s", c->board.welcome.name);
	vf_library_hex(r->board_id, c->board.welcome.id, c->board.welcome.id_len);
	report_trouble(c, r);
	report_figures(c, r);
}

void vf_library_give(void *theirs, const void *ours, size_t known)
{
	size_t size;
	if (theirs == NULL)
		return;
	memcpy(&size, theirs, sizeof size); /* the first member, which stays the caller's */
	if (size < known)
		known = size;
	if (known > sizeof size)
		memcpy((char *)theirs + sizeof size, (const char *)ours + sizeof size,
		       known - sizeof size);
}

int vf_library_end(vf_library_call *c, vcpflash_report *report)
{
	if (c->has_image)
		vf_image_free(&c->image);
	vf_wipe(c->key, sizeof c->key);
	vcpflash_report own = vcpflash_no_report();
	fill(c, &own);
	vf_library_give(report, &own, sizeof own);
	return public_code(c->error.code);
}

/* --- the calls ----------------------------------------------------------------------- */

static int load(vf_library_call *c, const vcpflash_file *files, size_t count)
{
	if (files == NULL || count == 0)
		return vf_fail(&c->error, VF_E_USAGE, "there is no file");
	vf_image_init(&c->image, &vf_io_alloc);
	c->has_image = true;
	c->job.image = &c->image;
	for (size_t i = 0; i < count; i++) {
		const vcpflash_file *f = &files[i];
		if (f->name == NULL)
			return vf_fail(&c->error, VF_E_USAGE, "file %zu has no name", i + 1);
		if (vf_client_load(&c->image, f->name, f->bytes, f->len, &c->error) != VF_OK)
			return c->error.code;
	}
	(void)vf_image_warnings(&c->image, on_warning, c);
	return c->error.code;
}

static int with_files(enum vf_job_kind kind, const char *port, const vcpflash_file *files,
		      size_t count, const vcpflash_options *options, vcpflash_report *report)
{
	vf_library_call c;
	if (vf_library_begin(&c, kind, port, options) == VF_OK && load(&c, files, count) == VF_OK)
		(void)vf_library_do(&c);
	return vf_library_end(&c, report);
}

int vcpflash_program(const char *port, const vcpflash_file *files, size_t count,
		     const vcpflash_options *options, vcpflash_report *report)
{
	return with_files(VF_JOB_PROGRAM, port, files, count, options, report);
}

int vcpflash_verify(const char *port, const vcpflash_file *files, size_t count,
		    const vcpflash_options *options, vcpflash_report *report)
{
	return with_files(VF_JOB_VERIFY, port, files, count, options, report);
}

static int on_bytes(void *ctx, const uint8_t *data, size_t len)
{
	vf_library_call *c = ctx;
	memcpy(c->out, data, len);
	c->out += len;
	return VF_OK;
}

/* On a range; *sha256 where it is wanted, bytes to `out` where they are. */
static int on_range(enum vf_job_kind kind, const char *port, uint32_t address, uint64_t len,
		    void *out, const vcpflash_options *options, vcpflash_report *report)
{
	vf_library_call c;
	int status = vf_library_begin(&c, kind, port, options);
	if (status == VF_OK && out == NULL && kind != VF_JOB_ERASE)
		status = vf_library_missing(&c, kind == VF_JOB_READ ? "out" : "sha256");
	c.job.address = address;
	c.job.has_address = true;
	c.job.length = len;
	c.out = out;
	c.job.call.sink = on_bytes;
	if (status == VF_OK && vf_library_do(&c) == VF_OK && kind == VF_JOB_DIGEST && out != NULL)
		memcpy(out, c.result.sha256, VF_SHA256_SIZE);
	return vf_library_end(&c, report);
}

int vcpflash_read(const char *port, uint32_t address, void *out, size_t len,
		  const vcpflash_options *options, vcpflash_report *report)
{
	return on_range(VF_JOB_READ, port, address, len, out, options, report);
}

int vcpflash_erase(const char *port, uint32_t address, uint64_t len,
		   const vcpflash_options *options, vcpflash_report *report)
{
	return on_range(VF_JOB_ERASE, port, address, len, NULL, options, report);
}

int vcpflash_digest(const char *port, uint32_t address, uint64_t len,
		    uint8_t sha256[VCPFLASH_SHA256_SIZE], const vcpflash_options *options,
		    vcpflash_report *report)
{
	return on_range(VF_JOB_DIGEST, port, address, len, sha256, options, report);
}

int vcpflash_erase_chip(const char *port, const vcpflash_options *options, vcpflash_report *report)
{
	vf_library_call c;
	if (vf_library_begin(&c, VF_JOB_ERASE_CHIP, port, options) == VF_OK)
		(void)vf_library_do(&c);
	return vf_library_end(&c, report);
}

int vcpflash_run(const char *port, uint64_t address, const vcpflash_options *options,
		 vcpflash_report *report)
{
	vf_library_call c;
	int status = vf_library_begin(&c, VF_JOB_RUN, port, options);
	c.job.has_address = address != VCPFLASH_START;
	c.job.address = (uint32_t)address;
	if (status == VF_OK && c.job.has_address && address > UINT32_MAX)
		status = vf_fail(&c.error, VF_E_USAGE, "the address is above 4 GB");
	if (status == VF_OK)
		(void)vf_library_do(&c);
	return vf_library_end(&c, report);
}

const char *vcpflash_version(void)
{
	return VCPFLASH_VERSION;
}
