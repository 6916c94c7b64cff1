/* main.c - thousands of sessions with whatever may go wrong, under virtual time:
 *
 *   campaign [--seed N] [--count N] [-v]    scenarios of the seeds N, N + 1, …
 *   campaign --found FILE [-v]              the seeds in that file, which found something once
 *   campaign --cuts [STEP] [-v]             the power cut in every transaction
 *
 * Prints a line for each failure, with its seed; `campaign --seed N --count 1 -v`
 * tells that one as a story. Exit code 1 if anything failed.
 */
#include "campaign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct options {
	uint64_t seed, count;
	unsigned cuts; /* step; 0: none */
	const char *found;
	bool verbose;
} options;

static unsigned long long big(uint64_t n)
{
	return (unsigned long long)n;
}

static void print_counters(const counters *c)
{
	(void)printf("%llu scenarios, %llu sessions, %llu failures; %llu completed\n",
		     big(c->scenarios), big(c->sessions), big(c->failures), big(c->completed));
	(void)printf("sessions ended with:");
	for (unsigned i = 0; i < 16; i++)
		if (c->ended[i] != 0)
			(void)printf(" %d: %llu", -(int)i, big(c->ended[i]));
	(void)printf("\nruns until done, after the last trouble:");
	for (unsigned i = 1; i <= CLEAN_RUNS; i++)
		(void)printf(" %llu", big(c->clean_runs[i]));
	(void)printf("\ntroubles that came to pass:\n");
	for (unsigned i = 1; i < TROUBLE_KINDS; i++)
		if (c->injected[i] != 0)
			(void)printf("    %-24s %llu\n", trouble_name((uint8_t)i),
				     big(c->injected[i]));
	(void)printf("cuts: %llu torn, %llu before, %llu after a transaction\n", big(c->cuts[0]),
		     big(c->cuts[1]), big(c->cuts[2]));
	(void)printf("starts tried %llu, made %llu; start-up policy watched %llu times\n",
		     big(c->starts_tried), big(c->starts_made), big(c->watched));
	(void)printf("boards with a key: %llu; strangers refused: %llu\n", big(c->keyed),
		     big(c->strangers));
	(void)printf("kept bytes set aside, no journal: %llu\n", big(c->refused_set_aside));
	(void)printf("%llu transactions, %llu MB erased, %llu MB programmed, %llu h of virtual "
		     "time, %.0f s of CPU\n",
		     big(c->transactions), big(c->erased >> 20), big(c->programmed >> 20),
		     big(c->virtual_us / SECOND / 3600), (double)clock() / CLOCKS_PER_SEC);
}

static void play_seed(const options *o, uint64_t seed, pool *arrays, counters *c)
{
	char text[600], why[600];
	scenario s;
	scenario_draw(&s, seed);
	scenario_tell(&s, text, sizeof text);
	if (o->verbose)
		(void)printf("seed %llu: %s\n", big(s.seed), text);
	if (!play(&s, arrays, c, o->verbose, why, sizeof why))
		(void)printf("seed %llu: %s\n  %s\n", big(s.seed), why, text);
	(void)fflush(stdout);
}

/* Each line of the file begins with a seed. */
static bool play_found(const options *o, pool *arrays, counters *c)
{
	char line[200];
	FILE *f = fopen(o->found, "r");
	if (f == NULL) {
		(void)fprintf(stderr, "%s: cannot be read\n", o->found);
		return false;
	}
	while (fgets(line, sizeof line, f) != NULL)
		play_seed(o, strtoull(line, NULL, 10), arrays, c);
	(void)fclose(f);
	return c->scenarios > 0;
}

static bool read_options(options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0)
			o->verbose = true;
		else if (strcmp(argv[i], "--cuts") == 0)
			o->cuts = i + 1 < argc && argv[i + 1][0] != '-'
					  ? (unsigned)strtoul(argv[++i], NULL, 0)
					  : 1;
		else if (strcmp(argv[i], "--found") == 0 && i + 1 < argc)
			o->found = argv[++i];
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			o->seed = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc)
			o->count = strtoull(argv[++i], NULL, 0);
		else
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	options o = {.seed = 1, .count = 1000};
	counters c = {.scenarios = 0};
	pool arrays;
	if (!read_options(&o, argc, argv)) {
		(void)fprintf(
			stderr,
			"usage: campaign [--seed N] [--count N] [--found FILE] [--cuts [STEP]] "
			"[-v]\n");
		return 2;
	}
	if (!pool_open(&arrays))
		return 1;
	bool good = true;
	if (o.cuts != 0)
		good = play_every_cut(&arrays, &c, o.cuts, o.verbose);
	else if (o.found != NULL)
		good = play_found(&o, &arrays, &c);
	else
		for (uint64_t i = 0; i < o.count; i++)
			play_seed(&o, o.seed + i, &arrays, &c);
	print_counters(&c);
	pool_close(&arrays);
	return good && c.failures == 0 ? 0 : 1;
}
