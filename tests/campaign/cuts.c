/* cuts.c - a small job, with the power cut in every bus transaction: before it, half-way
 * through and behind it, with a host that lives on and one that dies as well, with a
 * journal and without. Then the same command again. */
#include "campaign.h"

#include <stdio.h>

typedef struct cut_kind {
	bool journal;
	bool killed; /* the host dies in the same moment */
	bool again;  /* the image is there already, and is written once more (--full) */
	uint8_t how; /* enum vf_sim_cut */
} cut_kind;

/* Three sectors of 4 KB and what is around: two that an image covers in part, one
 * wholly, behind an application that was complete. */
static void small_job(scenario *s, const cut_kind *k, uint64_t cut)
{
	run_plan *run = &s->run[k->again ? 1 : 0];
	*s = (scenario){.seed = 6,
			.keeper = true,
			.others = true,
			.kind = VF_JOB_PROGRAM,
			.full = k->again,
			.state = k->again     ? STATE_SAME
				 : k->journal ? STATE_SET
					      : STATE_OLDER,
			.align = 4 * KB,
			.segments = 2,
			.segment = {{0, 4 * KB, 4 * KB + 700}, {0, 8 * KB + 1000, 1000}},
			.runs = k->again ? 2 : 1};
	s->window_len[0] = 32 * KB;
	s->board = (vf_sim_board_config){.base = 0x90000000,
					 .journal = k->journal ? VF_SIM_JOURNAL_EXTERNAL
							       : VF_SIM_JOURNAL_NONE,
					 .ring = 16 * KB,
					 .window = 16 * KB,
					 .seed = cut};
	s->board.link = (vf_sim_link_model){.out_rate = 4500000, .in_rate = 15000000};
	s->board.chip = (vf_sim_chip_config){.part = vf_sim_part_find("tiny64k"),
					     .dies = 1,
					     .bus_bytes_per_s = 50000000,
					     .time_percent = 100,
					     .seed = cut * 77 + k->how};
	run->pause_us = 3 * SECOND;
	run->try_run = true;
	run->trouble[0] = (trouble){
		.kind = TROUBLE_CUT, .on = ON_TRANSACTION, .behind = (uint32_t)cut, .how = k->how};
	if (k->killed)
		run->trouble[1] = (trouble){
			.kind = TROUBLE_KILL, .on = ON_TRANSACTION, .count = (uint32_t)cut};
}

static void name_kind(const cut_kind *k, char *out, size_t room)
{
	static const char *const names[] = {"torn", "before", "after"};
	(void)snprintf(out, room, "%-6s  %-10s  host %-5s  %s", names[k->how],
		       k->journal ? "journal" : "no journal", k->killed ? "dies" : "lives",
		       k->again ? "once more" : "new");
}

static bool cut_everywhere(pool *arrays, counters *count, unsigned step, bool verbose,
			   const cut_kind *k)
{
	const uint64_t failures = count->failures;
	uint64_t cuts = 0;
	char why[600], name[80];
	name_kind(k, name, sizeof name);
	for (uint64_t cut = 1;; cut += step) {
		const uint64_t before = count->cuts[k->how];
		scenario s;
		small_job(&s, k, cut);
		if (!play(&s, arrays, count, verbose, why, sizeof why))
			(void)printf("%s  transaction %llu: %s\n", name, (unsigned long long)cut,
				     why);
		if (count->cuts[k->how] == before || count->failures > failures + 20)
			break;
		cuts++;
	}
	(void)printf("%s  %llu cuts\n", name, (unsigned long long)cuts);
	return count->failures == failures && cuts * step > 100;
}

bool play_every_cut(pool *arrays, counters *count, unsigned step, bool verbose)
{
	bool good = true;
	for (unsigned n = 0; n < 24; n++) {
		const cut_kind k = {.journal = (n & 1) != 0,
				    .killed = (n & 2) != 0,
				    .again = (n & 4) != 0,
				    .how = (uint8_t)(n >> 3)};
		/* Without a journal nothing stays behind of a run that changes nothing. */
		if (k.journal || !k.again)
			good = cut_everywhere(arrays, count, step, verbose, &k) && good;
	}
	return good;
}
