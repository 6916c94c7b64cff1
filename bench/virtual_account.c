/* virtual_account.c - see virtual_account.h. */
#include "virtual_account.h"

#include <string.h>

enum { DIGEST_NS = 20, SHA_NS = 50 }; /* what a simulated board charges a byte */

static uint64_t clip(uint64_t from, uint64_t busy_until, uint64_t to)
{
	if (busy_until <= from)
		return 0;
	return (busy_until < to ? busy_until : to) - from;
}

static void add(account_sum *to, const account_sum *from)
{
	to->total += from->total;
	to->chip_and_link += from->chip_and_link;
	to->chip_only += from->chip_only;
	to->link_only += from->link_only;
	to->neither += from->neither;
	to->digest += from->digest;
}

/* What was done to the chip settles which part the last stretches belong to. */
static void settle(account *a)
{
	const vf_sim_stats *s = vf_sim_chip_stats(vf_sim_board_chip(a->board));
	const uint64_t begun = s->erases + s->programs;
	if (begun == a->begun)
		return;
	add(&a->part[a->begun == 0 ? ACCOUNT_BEFORE : ACCOUNT_WRITING], &a->since);
	memset(&a->since, 0, sizeof a->since);
	a->begun = begun;
}

static void count_digests(account *a)
{
	const vf_target_stats *s = vf_sim_board_target_stats(a->board);
	const uint64_t ns = (uint64_t)(s->digested - a->digested) * DIGEST_NS +
			    (uint64_t)(s->hashed - a->hashed) * SHA_NS;
	a->digested = s->digested;
	a->hashed = s->hashed;
	a->since.digest += ns; /* in ns until it is printed */
}

void account_start(account *a, vf_sim_board *board, uint64_t rate)
{
	memset(a, 0, sizeof *a);
	a->board = board;
	a->rate = rate;
}

void account_sent(account *a, size_t len, uint64_t now_us)
{
	if (a->line_ns < now_us * 1000)
		a->line_ns = now_us * 1000;
	if (a->rate != 0)
		a->line_ns += len * UINT64_C(1000000000) / a->rate;
}

void account_pass(account *a, uint64_t from_us, uint64_t to_us)
{
	settle(a);
	count_digests(a);
	const uint64_t until = vf_sim_chip_busy_until(vf_sim_board_chip(a->board));
	const uint64_t chip = clip(from_us, until, to_us);
	const uint64_t link = clip(from_us, a->line_ns / 1000, to_us);
	const uint64_t both = chip < link ? chip : link, either = chip > link ? chip : link;
	a->since.total += to_us - from_us;
	a->since.chip_and_link += both;
	a->since.chip_only += chip - both;
	a->since.link_only += link - both;
	a->since.neither += to_us - from_us - either;
	if (until > from_us && a->begun > 0) { /* it belongs to the change that runs */
		add(&a->part[ACCOUNT_WRITING], &a->since);
		memset(&a->since, 0, sizeof a->since);
	}
}

void account_end(account *a)
{
	settle(a);
	count_digests(a);
	add(&a->part[a->begun == 0 ? ACCOUNT_BEFORE : ACCOUNT_AFTER], &a->since);
}

void account_print(const account *a, FILE *to)
{
	static const char *const name[ACCOUNT_PARTS] = {"before", "writing", "after"};
	for (unsigned i = 0; i < ACCOUNT_PARTS; i++) {
		const account_sum *s = &a->part[i];
		(void)fprintf(
			to,
			"\"%s\":{\"us\":%llu,\"chip_and_link\":%llu,\"chip_only\":%llu,"
			"\"link_only\":%llu,\"neither\":%llu,\"digest\":%llu},",
			name[i], (unsigned long long)s->total, (unsigned long long)s->chip_and_link,
			(unsigned long long)s->chip_only, (unsigned long long)s->link_only,
			(unsigned long long)s->neither, (unsigned long long)(s->digest / 1000));
	}
}
