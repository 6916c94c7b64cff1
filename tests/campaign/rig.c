/* rig.c - a world: a board, a host, the line between them and the disk of kept bytes,
 * moved under virtual time, and troubles as they fall due. */
#include "campaign.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "job_sim.h"

static const uint64_t PATIENCE = UINT64_C(3600) * SECOND;

void world_fail(world *w, const char *fmt, ...)
{
	va_list ap;
	if (w->failed)
		return;
	w->failed = true;
	va_start(ap, fmt);
	(void)vsnprintf(w->why, sizeof w->why, fmt, ap);
	va_end(ap);
	world_say(w, "FAILED: %s", w->why);
}

void world_say(world *w, const char *fmt, ...)
{
	va_list ap;
	if (!w->verbose)
		return;
	(void)printf("%12.6f  ", (double)w->now / SECOND);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)printf("\n");
}

/* --- what the engines ask for ----------------------------------------------------- */

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size == 0) {
		free(p);
		return NULL;
	}
	return realloc(p, size);
}

static uint64_t number(void *ctx)
{
	world *w = ctx;
	return rng_next(&w->rng) | 1;
}

static void on_misuse(void *ctx, const char *what)
{
	world *w = ctx;
	w->misuses++;
	/* Some parts do not say that an erase failed: then they are programmed as they are. */
	if (w->s->lasting.kind != TROUBLE_LINE && !w->chip_failed)
		world_fail(w, "misuse of the chip: %s", what);
}

static void on_note(void *ctx, const char *line)
{
	world_say(ctx, "host: %s", line);
}

static void on_log(void *ctx, const char *line)
{
	world_say(ctx, "board: %s", line);
}

static int load(void *ctx, const vf_board *board, const uint8_t **bytes, size_t *len, vf_error *err)
{
	world *w = ctx;
	(void)board;
	(void)err;
	*bytes = w->kept;
	*len = w->kept_len;
	return VF_OK;
}

static int save(void *ctx, const vf_board *board, const uint8_t *bytes, size_t len, vf_error *err)
{
	world *w = ctx;
	(void)board;
	w->saves++;
	if (w->no_disk)
		return vf_fail(err, VF_E_FILE, "kept: no space left on device");
	uint8_t *copy = malloc(len);
	if (copy == NULL)
		return vf_fail(err, VF_E_NOMEM, "out of memory");
	memcpy(copy, bytes, len);
	free(w->kept);
	w->kept = copy;
	w->kept_len = len;
	world_say(w, "keeps %zu bytes", len);
	return VF_OK;
}

static void drop(void *ctx, const vf_board *board, bool stale)
{
	world *w = ctx;
	(void)board;
	world_say(w, stale ? "sets what it kept aside" : "drops what it kept");
	if (stale) {
		free(w->aside);
		w->aside = w->kept;
		w->aside_len = w->kept_len;
		w->set_aside++;
	} else {
		free(w->kept);
	}
	w->kept = NULL;
	w->kept_len = 0;
}

/* --- making and freeing ------------------------------------------------------------ */

static bool make_board(world *w)
{
	vf_error err = {0};
	w->config = w->s->board;
	w->config.alloc = (vf_alloc){resize, NULL};
	w->config.key = w->s->keyed ? w->s->key : NULL;
	w->config.log = on_log;
	w->config.ctx = w;
	w->config.chip.misuse = on_misuse;
	w->config.chip.ctx = w;
	w->config.chip.array = w->place[0].array;
	w->config.internal = w->places > 1 ? w->place[1].array : NULL;
	w->board = vf_sim_board_new(&w->config, &err);
	if (w->board == NULL)
		world_fail(w, "no board: %s", err.text);
	return w->board != NULL;
}

static void make_job(world *w)
{
	const scenario *s = w->s;
	const segment *first = &s->segment[0];
	w->job = (vf_job_config){
		.kind = s->kind,
		.session = {.alloc = w->config.alloc,
			    .random = number,
			    .key = w->config.key,
			    .ctx = w,
			    .rate = w->config.link.baud,
			    .rate_max = w->config.link.baud != 0 ? 12000000 : 0},
		.call = {.ctx = w, .note = on_note},
		.image = &w->image,
		.address = w->place[first->place].base + w->place[first->place].from + first->at,
		.length = first->len,
		.has_address = true,
		.full = s->full,
		.discard = s->discard,
		.verify_full = s->verify_full,
		.run_after = s->run_after,
		.compress = s->compress,
		.deflate = vf_packer_deflate,
		.deflate_ctx = w->pool->packer,
	};
	if (s->keeper)
		w->job.keeper = (vf_job_keeper){.ctx = w, .load = load, .save = save, .drop = drop};
}

bool world_open(world *w, const scenario *s, pool *arrays, counters *count, bool verbose)
{
	*w = (world){.s = s, .pool = arrays, .count = count, .verbose = verbose};
	w->rng.state = s->seed ^ UINT64_C(0x5DEECE66D);
	w->rng.state = rng_next(&w->rng);
	w->now = SECOND;
	w->places = s->internal ? 2 : 1;
	const vf_alloc alloc = {resize, NULL};
	vf_image_init(&w->image, &alloc);
	if (!oracle_open(w) || !make_board(w))
		return false;
	oracle_reach(w);
	make_job(w);
	vf_sim_board_run(w->board, w->now);
	return true;
}

void world_close(world *w)
{
	vf_image_free(&w->image);
	vf_sim_board_free(w->board);
	oracle_close(w);
	free(w->kept);
	free(w->aside);
}

/* --- troubles ------------------------------------------------------------------------ */

typedef struct play_run {
	vf_job *job;
	trouble *trouble;
	unsigned troubles;
	uint64_t began, erases, programs, transactions;
	bool killed;
} play_run;

uint64_t world_changes(const world *w)
{
	const vf_sim_stats *c = vf_sim_chip_stats(vf_sim_board_chip(w->board));
	return c->erases + c->programs;
}

static void set_link_fault(world *w, trouble *t)
{
	switch (t->kind) {
	case TROUBLE_CORRUPT:
		w->fault.corrupt = t->rate;
		break;
	case TROUBLE_LOSE:
		w->fault.drop = w->fault.dup = t->rate;
		break;
	case TROUBLE_STALL:
		w->fault.stall = t->rate;
		w->fault.stall_ms = 1 + t->off_us % 400;
		break;
	case TROUBLE_BAD_RATE:
		w->fault.bad_rate = w->config.link.baud * 3 / 2;
		break;
	case TROUBLE_RESETS:
		w->fault.reset = t->rate;
		w->powers++;
		break;
	default:
		return;
	}
	t->armed = t->fired = true;
	t->due = UINT64_MAX;
}

static bool reached(const world *w, const play_run *r, const trouble *t)
{
	const vf_sim_stats *c = vf_sim_chip_stats(vf_sim_board_chip(w->board));
	switch (t->on) {
	case ON_TIME:
		return w->now - r->began >= t->count;
	case ON_ERASE:
		return c->erases - r->erases >= t->count;
	case ON_PROGRAM:
		return c->programs - r->programs >= t->count;
	default:
		return vf_sim_board_transactions(w->board) - r->transactions >= t->count;
	}
}

static void arm(world *w, trouble *t)
{
	t->armed = true;
	t->due = w->now + t->behind;
	if (t->kind != TROUBLE_CUT)
		return;
	w->fault.cut = t->behind;
	w->fault.cut_how = t->how;
	vf_sim_board_faults(w->board, &w->fault);
	w->fault.cut = 0;
	t->due = vf_sim_board_transactions(w->board) + t->behind;
}

static void fire(world *w, play_run *r, trouble *t)
{
	t->fired = true;
	world_say(w, "%s", trouble_name(t->kind));
	switch (t->kind) {
	case TROUBLE_RESET:
		w->powers++;
		vf_sim_board_reset(w->board, w->now);
		break;
	case TROUBLE_CUT:
		w->powers++;
		w->count->cuts[t->how]++;
		break;
	case TROUBLE_POWER:
		w->powers++;
		vf_sim_board_power_cut(w->board, w->now, t->off_us);
		break;
	case TROUBLE_KILL:
		w->killed = r->killed = true;
		break;
	case TROUBLE_CTRL_C:
		vf_job_interrupt(r->job, w->now);
		break;
	case TROUBLE_CTRL_C_TWICE:
		vf_job_interrupt(r->job, w->now);
		if (t->twice)
			break;
		t->twice = true;
		t->fired = false;
		t->due = w->now + t->off_us / 4;
		break;
	case TROUBLE_UNPLUG:
		vf_job_pipe_lost(r->job, "the port is gone", w->now);
		break;
	case TROUBLE_CHIP_FAIL:
		w->chip_failed = true;
		vf_sim_chip_fail_next(vf_sim_board_chip(w->board), 1u + t->how);
		break;
	default:
		break;
	}
}

static bool falls_due(const trouble *t)
{
	return t->kind != TROUBLE_NONE && t->kind != TROUBLE_NO_DISK;
}

static void look_at_troubles(world *w, play_run *r)
{
	for (unsigned i = 0; i < r->troubles; i++) {
		trouble *t = &r->trouble[i];
		if (t->fired || !falls_due(t))
			continue;
		if (!t->armed && reached(w, r, t))
			arm(w, t);
		if (!t->armed || r->killed || vf_job_finished(r->job))
			continue;
		if (t->kind == TROUBLE_CUT ? vf_sim_board_transactions(w->board) >= t->due
					   : w->now >= t->due)
			fire(w, r, t);
	}
}

/* When the next of them falls due by time. */
static uint64_t trouble_due(const play_run *r)
{
	uint64_t due = UINT64_MAX;
	for (unsigned i = 0; i < r->troubles; i++) {
		const trouble *t = &r->trouble[i];
		uint64_t at = UINT64_MAX;
		if (t->fired || !falls_due(t) || t->kind == TROUBLE_CUT)
			continue;
		if (t->armed)
			at = t->due;
		else if (t->on == ON_TIME)
			at = r->began + t->count;
		due = at < due ? at : due;
	}
	return due;
}

/* --- virtual time --------------------------------------------------------------------- */

static void step(world *w, play_run *r)
{
	if (vf_job_deadline(r->job) <= w->now)
		vf_job_tick(r->job, w->now);
	const bool moved = job_sim_move(r->job, w->board, w->now);
	oracle_watch(w);
	look_at_troubles(w, r);
	if (moved || r->killed || vf_job_finished(r->job))
		return;
	uint64_t to = vf_job_deadline(r->job);
	const uint64_t board = vf_sim_board_next(w->board), due = trouble_due(r);
	to = board < to ? board : to;
	to = due < to ? due : to;
	w->now = to > w->now ? to : w->now + 1;
}

static void begin(world *w, play_run *r)
{
	const vf_sim_stats *c = vf_sim_chip_stats(vf_sim_board_chip(w->board));
	w->fault = (vf_sim_fault){.cut = 0};
	w->no_disk = false;
	for (unsigned i = 0; i < r->troubles; i++) {
		set_link_fault(w, &r->trouble[i]);
		w->no_disk = w->no_disk || r->trouble[i].kind == TROUBLE_NO_DISK;
	}
	vf_sim_board_faults(w->board, &w->fault);
	vf_sim_chip_fail_next(vf_sim_board_chip(w->board), 0);
	r->began = w->now;
	w->was_off = w->board->state == VF_SIM_OFF;
	r->erases = c->erases;
	r->programs = c->programs;
	r->transactions = vf_sim_board_transactions(w->board);
	w->baud = w->config.link.baud;
	vf_sim_board_host_rate(w->board, w->baud);
}

static void end(world *w, play_run *r, unsigned saves)
{
	if (!r->killed) {
		w->result = *vf_job_result_get(r->job);
		const int code = w->result.error.code;
		w->count->ended[code <= 0 && code > -16 ? -code : 15]++;
		world_say(w, "ends: %s", code == VF_OK ? "done" : w->result.error.text);
	}
	vf_job_free(r->job);
	vf_sim_board_faults(w->board, &(vf_sim_fault){.cut = 0});
	for (unsigned i = 0; i < r->troubles; i++) {
		trouble *t = &r->trouble[i];
		if (t->kind == TROUBLE_NO_DISK)
			t->fired = w->saves > saves;
		if (t->fired)
			w->count->injected[t->kind]++;
	}
	w->count->sessions++;
	w->count->virtual_us += w->now - r->began;
	w->count->transactions += vf_sim_board_transactions(w->board) - r->transactions;
}

bool world_run(world *w, uint8_t kind, trouble *troubles, unsigned n)
{
	vf_error err = {0};
	play_run r = {.trouble = troubles, .troubles = n};
	const unsigned saves = w->saves;
	vf_job_config config = w->job;
	config.kind = kind;
	config.run_after = config.run_after && kind == VF_JOB_PROGRAM;
	w->result = (vf_job_result){.error = {.code = VF_OK}};
	r.job = vf_job_new(&config, &err);
	if (r.job == NULL) {
		world_fail(w, "no job: %s", err.text);
		return false;
	}
	begin(w, &r);
	look_at_troubles(w, &r);
	vf_job_tick(r.job, w->now);
	while (!vf_job_finished(r.job) && !r.killed && !w->failed) {
		step(w, &r);
		if (w->now - r.began > PATIENCE)
			world_fail(w, "the job does not end within an hour");
	}
	end(w, &r, saves);
	return !r.killed;
}

void world_pass(world *w, uint64_t us)
{
	const uint64_t end = w->now + us;
	uint8_t unread[512];
	while (w->now < end) {
		while (vf_sim_board_read(w->board, unread, sizeof unread, w->now) > 0)
			continue;
		const uint64_t next = vf_sim_board_next(w->board);
		w->now = next > w->now && next < end ? next : next <= w->now ? w->now + 1 : end;
		vf_sim_board_run(w->board, w->now);
		oracle_watch(w);
	}
}

void world_cycle(world *w, uint64_t off_us)
{
	world_say(w, "power off and on");
	w->powers++;
	vf_sim_board_power_cut(w->board, w->now, off_us);
	world_pass(w, off_us + SECOND);
}

/* --- a chip that is not in order -------------------------------------------------------- */

void world_break_chip(world *w, const scenario *s)
{
	vf_sim_chip *chip = vf_sim_board_chip(w->board);
	const place *p = &w->place[0];
	const segment *first = &s->segment[0];
	w->lasting = s->lasting.kind != TROUBLE_NONE;
	switch (s->lasting.kind) {
	case TROUBLE_LOCKED:
		vf_sim_chip_protect(chip, true);
		break;
	case TROUBLE_LINE: {
		unsigned bits = 0;
		while (UINT32_C(2) << bits < p->size / s->board.chip.dies)
			bits++;
		vf_sim_chip_stuck_line(chip, 12 + s->lasting_at % (bits - 11), s->lasting.how != 0);
		break;
	}
	case TROUBLE_BAD_BIT:
		(void)vf_sim_chip_bad_bit(chip, p->from + first->at + s->lasting_at % first->len,
					  s->lasting_at >> 24 & 7);
		break;
	default:
		return;
	}
	w->count->injected[s->lasting.kind]++;
	world_say(w, "the chip has %s", trouble_name(s->lasting.kind));
}
