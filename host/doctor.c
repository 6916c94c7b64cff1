/* doctor.c - one test after the other, from the near end to the far one: what fails
 * first is at fault, for everything before it was seen to work. */
#include <string.h>

#include <vcpflash/doctor.h>

enum {
	STEADY = 256 * 1024, /* bytes that must read the same twice */
	LINE = 200,          /* of text */
	PEEK = 64,           /* bytes read where a stuck address line would show */
	PAUSE_US = 200000,   /* an echo that takes so much longer than others was held up */
};

typedef struct doctor {
	const vf_doctor_config *config;
	vf_doctor_report *r;
	const vf_memory *m;
	const vf_condition *condition; /* of it; NULL: the board does not tell */
	uint8_t *old, *pattern;        /* of the scratch sector */
	uint8_t *sink;                 /* where READ goes, */
	size_t sink_at, sink_room;
} doctor;

const char *vf_culprit_name(uint8_t culprit)
{
	static const char *const name[] = {"none", "link", "board", "chip", "host"};
	return culprit < sizeof name / sizeof name[0] ? name[culprit] : "none";
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
say(const doctor *d, const char *fmt, ...)
{
	char line[LINE];
	va_list ap;
	if (d->config->say == NULL)
		return;
	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, a line above */
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	d->config->say(d->config->ctx, line);
}

static const vf_alloc *alloc_of(const doctor *d)
{
	return &d->config->job.session.alloc;
}

static int sink(void *ctx, const uint8_t *data, size_t len)
{
	doctor *d = ctx;
	if (len > d->sink_room - d->sink_at)
		return VF_E_USAGE;
	memcpy(d->sink + d->sink_at, data, len);
	d->sink_at += len;
	return VF_OK;
}

/* One job; its figures are added up. */
static int run(doctor *d, const vf_job_config *job, vf_job_result *result)
{
	vf_doctor_report *r = d->r;
	vf_session_stats s = {0};
	vf_board board = {0};
	const int status = d->config->run(d->config->ctx, job, result, &board, &s);
	r->frames += s.frames_sent + s.frames_received;
	r->damaged_there += s.damaged_there;
	r->damaged_here += s.damaged_here;
	r->lost_there += s.lost_there;
	if (board.welcome.memories > 0 && !r->board_known) {
		r->board = board;
		r->board_known = true;
		r->rate = s.rate;
	}
	return status;
}

/* --- verdicts ------------------------------------------------------------------- */

static int end(doctor *d, uint8_t culprit, int code, const char *fmt, const char *text)
{
	d->r->culprit = culprit;
	d->r->error.code = code;
	(void)snprintf(d->r->error.text, sizeof d->r->error.text, "%.120s%.270s", fmt, text);
	return code;
}

/* Whether a job failed because the chip is locked, and it says which bits do that. */
static bool locked(const doctor *d)
{
	const vf_condition *c = d->condition;
	return c != NULL && d->r->chip.failure.code == VF_FAIL_LOCKED &&
	       (c->complemented || vf_condition_protected(c, d->m->dies) != 0);
}

static int blame_protection(doctor *d)
{
	const vf_condition *c = d->condition;
	char text[LINE];
	if (c->complemented)
		(void)snprintf(text, sizeof text,
			       "CMP (status register 2, bit 6) turns its protection round, so that "
			       "clear bits protect everything: have the application clear it");
	else
		(void)snprintf(
			text, sizeof text,
			"block-protect bits %02x of status register 1 (which is %02x) are "
			"set: have the application clear them (06h, then 01h), with WP# high",
			vf_condition_protected(c, d->m->dies), c->status[0][0]);
	return end(d, VF_CULPRIT_CHIP, VF_E_FLASH, "the chip is write-protected: ", text);
}

/* A job with the chip failed. */
static int blame(doctor *d)
{
	const vf_error *e = &d->r->chip.error;
	switch (e->code) {
	case VF_E_INTERRUPTED:
	case VF_E_NOMEM:
	case VF_E_FILE:
	case VF_E_USAGE:
		return end(d, e->code == VF_E_INTERRUPTED ? VF_CULPRIT_NONE : VF_CULPRIT_HOST,
			   e->code, "", e->text);
	case VF_E_LINK:
		return end(d, VF_CULPRIT_BOARD, VF_E_LINK,
			   "the board is at fault: the link alone works, but when its chip does "
			   "it restarts or falls silent, so look at its supply: ",
			   e->text);
	case VF_E_REFUSED:
		return end(d, VF_CULPRIT_BOARD, VF_E_REFUSED,
			   "the board does not allow it: ", e->text);
	default:
		if (locked(d))
			return blame_protection(d);
		return end(d, VF_CULPRIT_CHIP, VF_E_FLASH,
			   "the chip or its connection to the board is at fault, not the link: ",
			   e->text);
	}
}

static int blame_chip(doctor *d, const char *text)
{
	return end(d, VF_CULPRIT_CHIP, VF_E_FLASH,
		   "the chip or its connection to the board is at fault, not the link: ", text);
}

/* --- the link alone --------------------------------------------------------------- */

static bool pauses(const vf_job_result *link)
{
	for (unsigned i = 0; i < link->echoes; i++)
		if (link->echo[i].worst_us > link->echo[i].best_us + PAUSE_US)
			return true;
	return false;
}

/* Bytes a second: what the longest echo takes more than the shortest, both ways. */
static uint64_t rate(const vf_job_result *link, uint64_t guess)
{
	const vf_echo_figures *least = &link->echo[0];
	const vf_echo_figures *most = &link->echo[link->echoes > 0 ? link->echoes - 1 : 0];
	while (most > least && most->best_us == 0)
		most--; /* none came back */
	if (most->best_us <= least->best_us)
		return guess;
	return (uint64_t)(most->len - least->len) * 2 * 1000000 / (most->best_us - least->best_us);
}

/* What got lost of the burst is a fault of its own, not the line's. */
static void tell_burst(doctor *d)
{
	vf_doctor_report *r = d->r;
	const vf_burst *b = &r->link.burst;
	if (r->link.burst_skipped != NULL) {
		say(d, "link: back-pressure not tested: %s", r->link.burst_skipped);
		return;
	}
	say(d, "link: back-pressure: %u bytes at once, the board's ring holds %u: %u lost",
	    b->bytes, r->board.welcome.ring, b->lost);
	if (b->lost == 0)
		return;
	r->lost_there -= b->lost < r->lost_there ? b->lost : r->lost_there;
	r->damaged_there -= b->damaged < r->damaged_there ? b->damaged : r->damaged_there;
}

static int test_link(doctor *d)
{
	vf_doctor_report *r = d->r;
	vf_job_config job = d->config->job;
	r->stage = "link";
	job.kind = VF_JOB_LINK;
	const int status = run(d, &job, &r->link);
	if (status == VF_E_LINK)
		return end(d, VF_CULPRIT_LINK, status,
			   "the link is at fault, or nobody is there: ", r->link.error.text);
	if (status != VF_OK)
		return end(d, status == VF_E_INTERRUPTED ? VF_CULPRIT_NONE : VF_CULPRIT_HOST,
			   status, "", r->link.error.text);
	for (unsigned i = 0; i < r->link.echoes; i++) {
		const vf_echo_figures *e = &r->link.echo[i];
		say(d, "link: %u echoes of %u bytes, %u lost, %u to %u us", e->sent, e->len,
		    e->lost, e->best_us, e->worst_us);
	}
	tell_burst(d);
	r->rate = rate(&r->link, r->rate);
	say(d, "link: about %llu bytes a second; %u frames, %u damaged there, %u here",
	    (unsigned long long)r->rate, r->frames, r->damaged_there, r->damaged_here);
	return VF_OK;
}

/* All else was fine, or failed for no reason of its own. */
static int judge_link(doctor *d)
{
	vf_doctor_report *r = d->r;
	char text[LINE];
	unsigned lost = 0;
	for (unsigned i = 0; i < r->link.echoes; i++)
		lost += r->link.echo[i].lost;
	if (r->damaged_there + r->damaged_here + lost + r->lost_there > 0) {
		(void)snprintf(
			text, sizeof text,
			"of %u frames %u arrived damaged at the board and %u here, the board "
			"had no room for %u bytes; the chip is fine",
			r->frames, r->damaged_there, r->damaged_here, r->lost_there);
		return end(d, VF_CULPRIT_LINK, VF_E_LINK,
			   "the link is at fault: check cable and ground, try a lower rate "
			   "(--max-baud); ",
			   text);
	}
	if (r->link.burst.lost > 0) {
		(void)snprintf(text, sizeof text,
			       "of %u bytes sent at once, twice what its ring holds, it lost %u; "
			       "within its credit nothing was lost, and the chip is fine",
			       r->link.burst.bytes, r->link.burst.lost);
		return end(d, VF_CULPRIT_BOARD, VF_E_LINK,
			   "the board is at fault: its port loses what it has no room for (accept "
			   "a packet only "
			   "when vf_target_rx_space allows): ",
			   text);
	}
	if (pauses(&r->link))
		return end(d, VF_CULPRIT_LINK, VF_E_LINK,
			   "the link is at fault: it pauses for tenths of a second; ",
			   "nothing was damaged and the chip is fine; look for a hub, a virtual "
			   "machine or a program that holds the port up");
	if (r->tested_bytes == 0)
		(void)snprintf(text, sizeof text,
			       "%u frames without an error; the flash was read, and not written to",
			       r->frames);
	else
		(void)snprintf(text, sizeof text,
			       "%u frames without an error, %llu bytes of flash erased, "
			       "written, read back%s",
			       r->frames, (unsigned long long)r->tested_bytes,
			       d->config->whole_chip ? ", and left erased" : " and as before");
	return end(d, VF_CULPRIT_NONE, VF_OK, "link and chip are fine: ", text);
}

/* --- reading ----------------------------------------------------------------------- */

static const vf_memory *memory_to_test(const vf_board *b)
{
	const uint8_t need = VF_MEMORY_READ | VF_MEMORY_WRITE;
	for (unsigned i = 0; i < b->welcome.memories; i++)
		if (b->memory[i].kind == VF_MEMORY_NOR && (b->memory[i].flags & need) == need)
			return &b->memory[i];
	return NULL;
}

/* The board looked for a chip and could not make it out: what it read, and what to do. */
static int blame_probe(doctor *d)
{
	const vf_board *b = &d->r->board;
	for (unsigned i = 0; i < b->welcome.memories; i++) {
		const vf_condition *c = &b->condition[i];
		const uint8_t *id = b->memory[i].id;
		char text[2 * LINE];
		if (!c->known || c->probe == VF_PROBE_GOOD)
			continue;
		d->r->stage = "probe";
		(void)snprintf(text, sizeof text,
			       "its id reads %02x %02x %02x %02x %02x %02x, SFDP: %s%s%s; %s",
			       id[0], id[1], id[2], id[3], id[4], id[5],
			       (c->source & VF_CONDITION_SFDP) != 0 ? "usable" : "nothing",
			       c->conflict[0] != '\0' ? "; in conflict: " : "", c->conflict,
			       vf_condition_probe(c));
		say(d, "chip: id as read: %02x %02x %02x %02x %02x %02x", id[0], id[1], id[2],
		    id[3], id[4], id[5]);
		return end(d, VF_CULPRIT_CHIP, VF_E_FLASH,
			   "the chip or its connection to the board is at fault, not the link: ",
			   text);
	}
	return VF_OK;
}

/* What the board says of it; whoever cannot tell says nothing. */
static void tell_condition(doctor *d)
{
	const vf_condition *c = d->condition;
	char mode[LINE];
	if (c == NULL)
		return;
	vf_condition_found(c, mode, sizeof mode);
	say(d, "chip: when the loader started it was %s", mode);
	say(d, "chip: %s%s%s", vf_condition_facts(c), c->conflict[0] != '\0' ? " about the " : "",
	    c->conflict);
	say(d, "chip: reads on %u lanes, programs on %u; quad enable %s", c->lanes & 15u,
	    c->lanes >> 4, vf_condition_quad(c));
	for (unsigned i = 0; i < d->m->dies && i < 2 && c->registers > 0; i++) {
		char second[16] = "";
		if (c->registers > 1)
			(void)snprintf(second, sizeof second, ", 2: %02x", c->status[i][1]);
		say(d, "chip: status register 1%s: %02x%s; block-protect bits %02x%s",
		    d->m->dies == 1 ? ""
		    : i == 0        ? " of the first die"
				    : " of the second",
		    c->status[i][0], second, c->status[i][0] & c->protect_mask,
		    c->complemented ? ", and protection is inverted (CMP)"
		    : (c->status[i][0] & c->protect_mask) != 0
			    ? ": part of it, or all, is write-protected"
			    : "");
	}
}

static int test_reading(doctor *d)
{
	vf_doctor_report *r = d->r;
	vf_job_config job = d->config->job;
	uint8_t first[VF_SHA256_SIZE];
	r->stage = "read";
	job.kind = VF_JOB_DIGEST;
	job.address = d->m->base;
	job.length = d->m->size < STEADY ? d->m->size : STEADY;
	for (unsigned round = 0; round < 2; round++) {
		if (run(d, &job, &r->chip) != VF_OK)
			return blame(d);
		if (round == 0)
			memcpy(first, r->chip.sha256, sizeof first);
	}
	if (memcmp(first, r->chip.sha256, sizeof first) != 0)
		return blame_chip(d, "it reads differently each time; try a lower flash clock, and "
				     "look at supply and wiring");
	say(d, "chip: %s, %u bytes at 0x%08x; it reads the same twice", d->m->name, d->m->size,
	    d->m->base);
	return VF_OK;
}

static int read_bytes(doctor *d, uint32_t address, uint8_t *out, uint32_t len)
{
	vf_job_config job = d->config->job;
	job.kind = VF_JOB_READ;
	job.address = address;
	job.length = len;
	job.call.sink = sink;
	job.call.ctx = d;
	job.call.progress = NULL;
	job.call.note = NULL;
	d->sink = out;
	d->sink_at = 0;
	d->sink_room = len;
	return run(d, &job, &d->r->chip) == VF_OK ? VF_OK : blame(d);
}

/* --- a sector -------------------------------------------------------------------------- */

static bool is_open(const vf_memory *m, uint32_t at)
{
	for (unsigned i = 0; i < m->protects; i++)
		if (m->protect[i].len != 0 && at < m->protect[i].offset + m->protect[i].len &&
		    at + m->erase[0].size > m->protect[i].offset)
			return false;
	return true;
}

/* From `at` or later on: the next sectors in a row that nobody protects; their length. */
static uint32_t next_open(const vf_memory *m, uint32_t *at)
{
	const uint32_t size = m->erase[0].size;
	while (*at < m->size && !is_open(m, *at))
		*at += size;
	uint32_t end = *at;
	while (end < m->size && is_open(m, end))
		end += size;
	return end - *at;
}

/* The last sector that nobody protects. */
static bool choose_scratch(doctor *d)
{
	const vf_memory *m = d->m;
	for (uint32_t at = 0, len; (len = next_open(m, &at)) > 0; at += len) {
		d->r->scratch_len = m->erase[0].size;
		d->r->scratch = m->base + at + len - d->r->scratch_len;
	}
	return d->r->scratch_len > 0;
}

static uint32_t scratch_offset(const doctor *d)
{
	return d->r->scratch - d->m->base;
}

/* Bytes that are nobody's: no two places look alike. */
static void fill(doctor *d, uint8_t *out, size_t len)
{
	uint64_t x = d->config->job.session.random(d->config->job.session.ctx) | 1;
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		out[i] = (uint8_t)(x >> 32);
	}
}

/* Those of [offset, +len) that may be written to; `bytes` are of all of it. */
static int make_image(doctor *d, vf_image *image, const uint8_t *bytes, uint32_t offset,
		      uint32_t len)
{
	for (uint32_t at = offset, n; at < offset + len; at += n) {
		n = next_open(d->m, &at);
		if (n == 0 || at >= offset + len)
			break;
		n = n < offset + len - at ? n : offset + len - at;
		const vf_image_add_options opt = {
			.format = VF_FORMAT_BIN, .has_address = true, .address = d->m->base + at};
		const int status = vf_image_add(image, "test data", bytes + (at - offset), n, &opt,
						&d->r->chip.error);
		if (status != VF_OK)
			return status;
	}
	return VF_OK;
}

static int program(doctor *d, const uint8_t *bytes, uint32_t offset, uint32_t len, uint8_t scratch)
{
	vf_job_config job = d->config->job;
	vf_image image;
	vf_image_init(&image, alloc_of(d));
	int status = make_image(d, &image, bytes, offset, len);
	job.kind = VF_JOB_PROGRAM;
	job.image = &image;
	job.full = true;
	job.compress = VF_COMPRESS_OFF;
	job.scratch = scratch;
	job.scratch_old = d->old;
	job.scratch_data = d->pattern;
	if (status == VF_OK)
		status = run(d, &job, &d->r->chip);
	vf_image_free(&image);
	return status;
}

/* Every bit once as 1 and once as 0. */
static int program_twice(doctor *d, uint8_t *bytes, uint32_t offset, uint32_t len, uint8_t scratch)
{
	fill(d, bytes, len);
	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < len; i++)
			bytes[i] ^= 0xFF;
		if (program(d, bytes, offset, len, scratch) != VF_OK)
			return blame(d);
	}
	return VF_OK;
}

/* The pattern stands in the sector. Does it stand anywhere else, too? */
static int test_address_lines(doctor *d)
{
	uint8_t there[PEEK];
	const uint32_t offset = scratch_offset(d);
	d->r->stage = "address";
	for (uint32_t bit = d->r->scratch_len; bit != 0 && bit < d->m->size; bit <<= 1) {
		const uint32_t other = offset ^ bit;
		char text[LINE];
		if (other >= d->m->size)
			continue;
		if (read_bytes(d, d->m->base + other, there, sizeof there) != VF_OK)
			return d->r->error.code;
		if (memcmp(there, d->pattern, sizeof there) != 0)
			continue;
		(void)snprintf(
			text, sizeof text,
			"what was written at 0x%08x is at 0x%08x too: an address bit has no "
			"effect; check the chip's size in the board's setup, its address mode "
			"(3 or 4 bytes) and its wiring",
			d->r->scratch, d->m->base + other);
		return blame_chip(d, text);
	}
	return VF_OK;
}

static int restore(doctor *d)
{
	const char *stage = d->r->stage;
	const vf_job_result failed = d->r->chip;
	const vf_error said = d->r->error;
	const uint8_t culprit = d->r->culprit;
	d->r->stage = "restore";
	if (program(d, d->old, scratch_offset(d), d->r->scratch_len, VF_SCRATCH_RESTORE) != VF_OK) {
		if (!locked(d))
			say(d,
			    "the test sector 0x%08x could not be put back yet: the next program "
			    "or erase does it",
			    d->r->scratch);
		if (said.code == VF_OK)
			return blame(d);
	}
	if (said.code == VF_OK)
		return VF_OK;
	d->r->stage = stage;
	d->r->chip = failed;
	d->r->error = said;
	d->r->culprit = culprit;
	return said.code;
}

static bool blank(const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (bytes[i] != 0xFF)
			return false;
	return true;
}

static int test_sector(doctor *d)
{
	vf_doctor_report *r = d->r;
	int status = read_bytes(d, r->scratch, d->old, r->scratch_len);
	if (status != VF_OK)
		return status;
	if (r->board.welcome.id_len == 0 && !blank(d->old, r->scratch_len)) {
		if (!d->config->whole_chip)
			say(d, "chip: not written to: the board has no id, so what its last sector "
			       "holds could not be kept safe");
		return VF_OK;
	}
	r->has_scratch = true;
	r->stage = "scratch";
	if (program_twice(d, d->pattern, scratch_offset(d), r->scratch_len, VF_SCRATCH_WRITE) ==
	    VF_OK)
		(void)test_address_lines(d);
	if (r->error.code == VF_E_INTERRUPTED)
		return r->error.code;
	if (restore(d) != VF_OK)
		return r->error.code;
	r->tested_bytes += r->scratch_len;
	say(d, "chip: 0x%08x-0x%08x was erased, written, read back, and is as before", r->scratch,
	    r->scratch + r->scratch_len - 1);
	return VF_OK;
}

static int test_scratch(doctor *d)
{
	if (!choose_scratch(d)) {
		say(d, "chip: not written to, all of it is protected");
		return VF_OK;
	}
	d->old = vf_resize(alloc_of(d), NULL, d->r->scratch_len);
	d->pattern = vf_resize(alloc_of(d), NULL, d->r->scratch_len);
	if (d->old == NULL || d->pattern == NULL)
		return end(d, VF_CULPRIT_HOST, VF_E_NOMEM, "", "out of memory");
	const int status = test_sector(d);
	vf_free(alloc_of(d), d->old);
	vf_free(alloc_of(d), d->pattern);
	d->old = d->pattern = NULL;
	return status;
}

/* --- all of it --------------------------------------------------------------------------- */

static int erase_all(doctor *d)
{
	vf_job_config job = d->config->job;
	job.kind = VF_JOB_ERASE_CHIP;
	job.discard = true;
	job.address = d->m->base;
	job.has_address = true;
	return run(d, &job, &d->r->chip) == VF_OK ? VF_OK : blame(d);
}

static int test_whole(doctor *d)
{
	const uint32_t size = d->m->size;
	uint8_t *bytes = vf_resize(alloc_of(d), NULL, size);
	uint64_t tested = 0;
	d->r->stage = "whole";
	if (bytes == NULL)
		return end(d, VF_CULPRIT_HOST, VF_E_NOMEM, "", "out of memory");
	const int status = program_twice(d, bytes, 0, size, VF_SCRATCH_NONE);
	vf_free(alloc_of(d), bytes);
	if (status != VF_OK)
		return status;
	for (uint32_t at = 0, len; (len = next_open(d->m, &at)) > 0; at += len)
		tested += len;
	d->r->tested_bytes = tested;
	say(d, "chip: %llu bytes were erased, written and read back, twice; erasing them",
	    (unsigned long long)tested);
	return erase_all(d);
}

int vf_doctor(const vf_doctor_config *config, vf_doctor_report *report)
{
	doctor d = {.config = config, .r = report};
	memset(report, 0, sizeof *report);
	int status = test_link(&d);
	if (status != VF_OK)
		return status;
	d.m = memory_to_test(&report->board);
	if (blame_probe(&d) != VF_OK)
		return report->error.code;
	if (d.m == NULL)
		return end(&d, VF_CULPRIT_BOARD, VF_E_REFUSED, "the link is fine; ",
			   "the board lists no external flash that can be read and written: its "
			   "loader does not see the chip, or does not let it be changed");
	const vf_condition *c = &report->board.condition[d.m - report->board.memory];
	d.condition = c->known ? c : NULL;
	tell_condition(&d);
	status = test_reading(&d);
	if (status == VF_OK)
		status = test_scratch(&d);
	if (status == VF_OK && config->whole_chip && report->scratch_len > 0)
		status = test_whole(&d);
	return status == VF_OK ? judge_link(&d) : status;
}
