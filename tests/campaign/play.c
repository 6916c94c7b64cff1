/* play.c - one scenario from beginning to end, and what each run is expected to say. */
#include "campaign.h"

#include <stdio.h>
#include <string.h>

#include "board.h"

/* --- the verdict on a run --------------------------------------------------------- */

static bool fired(const trouble *t, unsigned n, uint8_t kind)
{
	for (unsigned i = 0; i < n; i++)
		if ((t[i].fired || t[i].armed) && t[i].kind == kind)
			return true;
	return false;
}

static bool link_fault(const trouble *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (t[i].fired && t[i].kind >= TROUBLE_CORRUPT && t[i].kind <= TROUBLE_POWER)
			return true;
	return false;
}

static bool restarts(const trouble *t, unsigned n)
{
	return fired(t, n, TROUBLE_RESETS) || fired(t, n, TROUBLE_RESET) ||
	       fired(t, n, TROUBLE_CUT) || fired(t, n, TROUBLE_POWER);
}

/* What a host that was killed had sent last was still on its way, and started something. */
static bool started_late(const world *w)
{
	uint32_t address;
	return w->killed && w->s->run_after && vf_sim_board_running(w->board, &address);
}

/* May a run with these troubles, in this world, end so? */
static bool expected(const world *w, const trouble *t, unsigned n)
{
	switch (w->result.error.code) {
	case VF_E_INTERRUPTED:
		return fired(t, n, TROUBLE_CTRL_C) || fired(t, n, TROUBLE_CTRL_C_TWICE);
	case VF_E_LINK:
		return link_fault(t, n) || fired(t, n, TROUBLE_UNPLUG) || w->was_off ||
		       started_late(w);
	case VF_E_FLASH: /* cells left torn, or by a failed operation, may fail once more */
		return w->lasting || w->chip_failed || w->powers > 0;
	case VF_E_REFUSED: /* what nobody kept has to be given up before it starts */
		return w->s->run_after && !w->s->keeper && w->failed_runs > 0;
	case VF_E_FILE:
		return fired(t, n, TROUBLE_NO_DISK);
	default:
		return false;
	}
}

static void check_error(world *w, const trouble *t, unsigned n)
{
	const vf_error *e = &w->result.error;
	uint32_t address;
	if (e->text[0] == '\0')
		world_fail(w, "ends with %d and without a line", e->code);
	else if (strchr(e->text, '\n') != NULL)
		world_fail(w, "ends with more than a line: %s", e->text);
	else if (strstr(e->text, "ready for the next command") != NULL &&
		 vf_sim_board_running(w->board, &address))
		world_fail(w, "the application runs, and this is said: %s", e->text);
	else if (!expected(w, t, n))
		world_fail(w, "ends with %d, for no such reason: %s", e->code, e->text);
}

/* The application was started if that was asked for, and somebody resets the board. */
static void check_started(world *w, bool restarted)
{
	uint32_t address;
	world_pass(w, 2 * SECOND); /* the line may stall before the board's last words have left */
	if (!vf_sim_board_running(w->board, &address)) {
		if (!restarted)
			world_fail(w, "says it is done, and started nothing");
	} else if (address != w->job.address) {
		world_fail(w, "started 0x%08x", (unsigned)address);
	}
	world_cycle(w, SECOND);
}

/* A board that restarted at the last moment reads its journal first. */
static void settle(world *w)
{
	for (unsigned ms = 0; ms < 2000 && w->board->state == VF_SIM_SERVING &&
			      vf_target_startable(&w->board->target) == VF_STARTABLE_LATER;
	     ms++)
		world_pass(w, MS);
}

static void judge(world *w, const trouble *t, unsigned n)
{
	if (w->failed)
		return;
	oracle_spared(w);
	if (w->result.error.code == VF_OK) {
		settle(w);
		oracle_done(w);
		if (w->s->run_after)
			check_started(w, restarts(t, n));
		return;
	}
	check_error(w, t, n);
	if (w->result.error.code == VF_E_INTERRUPTED && n > 0 && t[0].kind == TROUBLE_CTRL_C &&
	    t[1].kind == TROUBLE_NONE && w->failed_runs == 0 && !w->lasting)
		oracle_kept(w);
	w->failed_runs++;
}

/* --- runs --------------------------------------------------------------------------- */

static void try_to_start(world *w)
{
	uint32_t address;
	w->count->starts_tried++;
	world_say(w, "run");
	if (!world_run(w, VF_JOB_RUN, NULL, 0))
		return;
	world_pass(w, 100 * MS);
	if (vf_sim_board_running(w->board, &address)) {
		w->count->starts_made++;
		if (w->config.journal != VF_SIM_JOURNAL_NONE && !w->lasting && !oracle_whole(w) &&
		    !oracle_untouched(w))
			world_fail(w, "an application was started that is not whole");
		world_cycle(w, SECOND);
	} else if (w->result.error.code == VF_OK) {
		world_fail(w, "run says it is done, and started nothing");
	}
}

/* Somebody with another key, or none, from another machine. */
static void let_stranger_try(world *w)
{
	const vf_job_config ours = w->job;
	uint8_t key[sizeof w->s->key];
	memcpy(key, w->s->key, sizeof key);
	key[rng_below(&w->rng, sizeof key)] ^= 1;
	w->job.session.key = rng_one_in(&w->rng, 3) ? NULL : key;
	w->job.keeper = (vf_job_keeper){0};
	const uint64_t cells = oracle_cells(w);
	w->count->strangers++;
	world_say(w, "a stranger");
	if (world_run(w, w->s->kind, NULL, 0) && w->result.error.code != VF_E_REFUSED)
		world_fail(w, "a stranger's run ends with %d: %s", w->result.error.code,
			   w->result.error.text);
	else if (oracle_cells(w) != cells)
		world_fail(w, "a stranger changed the flash");
	w->job = ours;
}

static void say_troubles(world *w, const run_plan *p)
{
	char first[120], second[120];
	if (!w->verbose)
		return;
	trouble_tell(&p->trouble[0], first, sizeof first);
	trouble_tell(&p->trouble[1], second, sizeof second);
	world_say(w, "a run with %s, %s", first, second);
}

/* An application that was started at the last moment does not answer. */
static void leave_application(world *w)
{
	uint32_t address;
	if (vf_sim_board_running(w->board, &address))
		world_cycle(w, SECOND);
}

static void troubled_run(world *w, const run_plan *plan)
{
	run_plan p = *plan;
	say_troubles(w, &p);
	if (world_run(w, w->s->kind, p.trouble, TROUBLES))
		judge(w, p.trouble, TROUBLES);
	else
		w->failed_runs++;
	world_pass(w, p.pause_us);
	leave_application(w);
	if (p.cycle)
		world_cycle(w, 50 * MS);
	if (p.stranger && !w->failed) {
		world_pass(w, 4 * SECOND);
		let_stranger_try(w);
	}
	if (p.try_run && !w->failed) {
		world_pass(w, 4 * SECOND);
		try_to_start(w);
	}
}

/* What was there before, as a complete set. */
static void older_set(world *w)
{
	vf_image older;
	vf_error err;
	vf_image_init(&older, &w->config.alloc);
	for (unsigned i = 0; i < w->s->segments && !w->failed; i++) {
		const segment *g = &w->s->segment[i];
		const place *p = &w->place[g->place];
		const vf_image_add_options opt = {.format = VF_FORMAT_BIN,
						  .has_address = true,
						  .address = p->base + p->from + g->at};
		if (vf_image_add(&older, "older", p->before + g->at, g->len, &opt, &err) != VF_OK)
			world_fail(w, "no older image: %s", err.text);
	}
	w->job.image = &older;
	w->job.run_after = false;
	world_say(w, "the older image");
	if (!w->failed && world_run(w, VF_JOB_PROGRAM, NULL, 0) && w->result.error.code != VF_OK)
		world_fail(w, "the older image: %s", w->result.error.text);
	w->job.image = &w->image;
	w->job.run_after = w->s->run_after;
	vf_image_free(&older);
}

static bool for_good(const world *w)
{
	return w->s->lasting.kind == TROUBLE_BAD_BIT || w->s->lasting.kind == TROUBLE_LINE;
}

/* The same command again, until it is done. */
static void clean_runs(world *w)
{
	unsigned runs = 0;
	const unsigned most = for_good(w) ? 2 : CLEAN_RUNS;
	world_pass(w, 4 * SECOND);
	if (w->s->lasting.kind == TROUBLE_LOCKED) {
		vf_sim_chip_protect(vf_sim_board_chip(w->board), false);
		w->lasting = false;
		world_say(w, "unlocked");
	}
	do {
		if (w->failed)
			return;
		leave_application(w);
		runs++;
		/* What nobody kept may be beyond recall: then a person is told to do this. */
		w->job.discard =
			w->job.discard ||
			((!w->s->keeper || w->set_aside > 0 || w->chip_failed) && runs > 2);
		world_say(w, "a run without trouble");
		if (world_run(w, w->s->kind, NULL, 0))
			judge(w, NULL, 0);
		world_pass(w, SECOND);
	} while (w->result.error.code != VF_OK && runs < most);
	w->count->clean_runs[runs] += !for_good(w);
	if (!w->failed && w->result.error.code != VF_OK && !for_good(w))
		world_fail(w, "a dead end after %u runs: %s", runs, w->result.error.text);
	w->count->completed += w->result.error.code == VF_OK;
}

bool play(const scenario *s, pool *arrays, counters *count, bool verbose, char *why, size_t room)
{
	world w;
	if (world_open(&w, s, arrays, count, verbose)) {
		if (s->state == STATE_SET)
			older_set(&w);
		world_break_chip(&w, s);
		for (unsigned i = 0; i < s->runs && !w.failed; i++)
			troubled_run(&w, &s->run[i]);
		clean_runs(&w);
		count->programmed +=
			vf_sim_chip_stats(vf_sim_board_chip(w.board))->programmed_bytes;
		count->erased += vf_sim_chip_stats(vf_sim_board_chip(w.board))->erased_bytes;
		oracle_outside(&w);
	} else {
		arrays->blank[0] = arrays->blank[1] = 0;
	}
	count->scenarios++;
	count->keyed += s->keyed;
	count->failures += w.failed;
	(void)snprintf(why, room, "%s", w.why);
	world_close(&w);
	return !w.failed;
}
