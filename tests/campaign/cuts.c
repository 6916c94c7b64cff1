/* cuts.c - a small job, with the power cut in every bus transaction: before it, half-way
 * through and behind it, with a host that lives on and one that dies as well, with a
 * journal and without. Then the same command again. */
#include "campaign.h"

#include <stdio.h>

/* Three sectors of 4 KB and what is around: two that an image covers in part, one
 * wholly, behind an application that was complete. */
static void small_job(scenario *s, bool journal, unsigned how, bool killed, uint64_t cut)
{
	*s = (scenario){.seed = 6,
			.keeper = true,
			.others = true,
			.kind = VF_JOB_PROGRAM,
			.state = journal ? STATE_SET : STATE_OLDER,
			.align = 4 * KB,
			.segments = 2,
			.segment = {{0, 4 * KB, 4 * KB + 700}, {0, 8 * KB + 1000, 1000}},
			.runs = 1};
	s->window_len[0] = 32 * KB;
	s->board = (vf_sim_board_config){.base = 0x90000000,
					 .journal = journal ? VF_SIM_JOURNAL_EXTERNAL
							    : VF_SIM_JOURNAL_NONE,
					 .ring = 16 * KB,
					 .window = 16 * KB,
					 .seed = cut};
	s->board.link = (vf_sim_link_model){.out_rate = 4500000, .in_rate = 15000000};
	s->board.chip = (vf_sim_chip_config){.part = vf_sim_part_find("tiny64k"),
					     .dies = 1,
					     .bus_bytes_per_s = 50000000,
					     .time_percent = 100,
					     .seed = cut * 77 + how};
	s->run[0].pause_us = 3 * SECOND;
	s->run[0].try_run = true;
	s->run[0].trouble[0] = (trouble){.kind = TROUBLE_CUT,
					 .on = ON_TRANSACTION,
					 .behind = (uint32_t)cut,
					 .how = (uint8_t)how};
	if (killed)
		s->run[0].trouble[1] = (trouble){
			.kind = TROUBLE_KILL, .on = ON_TRANSACTION, .count = (uint32_t)cut};
}

static bool cut_everywhere(pool *arrays, counters *count, unsigned step, bool verbose,
			   unsigned kind)
{
	static const char *const names[] = {"torn", "before", "after"};
	const bool journal = (kind & 1) != 0, killed = (kind & 2) != 0;
	const unsigned how = kind >> 2;
	const uint64_t failures = count->failures;
	uint64_t cuts = 0;
	char why[600];
	for (uint64_t cut = 1;; cut += step) {
		const uint64_t before = count->cuts[how];
		scenario s;
		small_job(&s, journal, how, killed, cut);
		if (!play(&s, arrays, count, verbose, why, sizeof why))
			(void)printf("cut %s transaction %llu, %s, the host %s: %s\n", names[how],
				     (unsigned long long)cut, journal ? "journal" : "no journal",
				     killed ? "dies" : "lives", why);
		if (count->cuts[how] == before || count->failures > failures + 20)
			break;
		cuts++;
	}
	(void)printf("%-6s  %-10s  host %-5s  %llu cuts\n", names[how],
		     journal ? "journal" : "no journal", killed ? "dies" : "lives",
		     (unsigned long long)cuts);
	return count->failures == failures && cuts * step > 100;
}

bool play_every_cut(pool *arrays, counters *count, unsigned step, bool verbose)
{
	bool good = true;
	for (unsigned kind = 0; kind < 12; kind++)
		good = cut_everywhere(arrays, count, step, verbose, kind) && good;
	return good;
}
