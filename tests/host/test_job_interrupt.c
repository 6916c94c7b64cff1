/* test_job_interrupt.c - the person interrupts, once or twice, at any time: what
 * no file names stays, whatever was under way. Of what a second interruption gives
 * up the line names the range. The oracle is what the chip held before. Arguments:
 * number of rounds, first seed.
 */
#include "job_bench.h"

typedef struct arguments {
	uint64_t rounds, seed;
} arguments;

typedef struct tally {
	unsigned cut, unchanged, put_back, twice;
} tally;

typedef struct round_state {
	bench *b;
	vf_image image;
	uint8_t *before[2];
	uint8_t *named[2]; /* by byte: 1 where the image has one */
	uint64_t seed;
} round_state;

static uint32_t below(bench *b, uint32_t n)
{
	return bench_random(b) % n;
}

static void random_chip(round_state *r, unsigned m)
{
	bench *b = r->b;
	const uint32_t sector = b->info[m].erase[0].size;
	const uint32_t blanks = below(b, 3); /* sectors in four, about */
	r->before[m] = malloc(b->info[m].size);
	r->named[m] = calloc(1, b->info[m].size);
	assert_non_null(r->before[m]);
	assert_non_null(r->named[m]);
	for (uint32_t at = 0; at < b->info[m].size; at += sector) {
		uint8_t *p = b->flash[m].cells + at;
		memset(p, 0xFF, sector);
		if (below(b, 4) >= blanks)
			bench_random_fill(b, p, sector);
	}
	memcpy(r->before[m], b->flash[m].cells, b->info[m].size);
}

/* Some pieces, many of them small: most sectors are covered in part. */
static void random_image(round_state *r)
{
	bench *b = r->b;
	uint8_t bytes[9000];
	const uint32_t pieces = 1 + below(b, 40);
	bench_image(b, &r->image);
	for (uint32_t i = 0; i < pieces; i++) {
		const unsigned m = below(b, 8) == 0;
		const uint32_t start = m == 1 ? BENCH_INNER_SECTOR : 0;
		const uint32_t offset = start + below(b, b->info[m].size - start);
		const uint32_t room = b->info[m].size - offset;
		uint32_t len = 1 + below(b, below(b, 3) == 0 ? sizeof bytes : 600);
		len = len < room ? len : room;
		if (memchr(r->named[m] + offset, 1, len) != NULL)
			continue;
		bench_random_fill(b, bytes, len);
		bench_add(b, &r->image, "piece", b->info[m].base + offset, bytes, len);
		memset(r->named[m] + offset, 1, len);
	}
}

/* Is the address in one of the ranges that the line names? */
static bool given_up(const char *line, uint32_t address)
{
	for (const char *p = strstr(line, "0x"); p != NULL; p = strstr(p, "0x")) {
		char *end;
		const unsigned long long from = strtoull(p, &end, 16);
		if (end[0] == '-' && address >= from && address <= strtoull(end + 1, &end, 16))
			return true;
		p = end;
	}
	return false;
}

static void check(const round_state *r)
{
	const bench *b = r->b;
	for (unsigned m = 0; m < 2; m++)
		for (uint32_t at = 0; at < b->info[m].size; at++) {
			const uint8_t is = b->flash[m].cells[at];
			if (r->named[m][at] == 0 && is != r->before[m][at] &&
			    !given_up(b->result.error.text, b->info[m].base + at))
				fail_msg(
					"seed %llu: byte %u of memory %u is 0x%02x, was 0x%02x: %s",
					(unsigned long long)r->seed, at, m, is, r->before[m][at],
					b->result.error.text);
		}
}

static void count(const round_state *r, tally *t)
{
	const bench *b = r->b;
	const char *line = b->result.error.text;
	if (b->result.error.code == VF_OK)
		return;
	if (b->result.error.code != VF_E_INTERRUPTED)
		fail_msg("seed %llu: %s", (unsigned long long)r->seed, line);
	assert_int_equal(strstr(line, "may have lost") != NULL, strstr(line, "twice") != NULL);
	if (b->again_in == 0)
		assert_null(strstr(line, "twice"));
	if (strstr(line, "before anything") != NULL) {
		assert_int_equal(bench_changes(b), 0);
		t->unchanged++;
	}
	t->cut++;
	t->put_back += strstr(line, "was put back") != NULL;
	t->twice += strstr(line, "twice") != NULL;
}

static void random_conditions(bench *b)
{
	vf_memory *nor = &b->info[0];
	if (below(b, 2) == 0)
		nor->flags &= (uint8_t)~VF_MEMORY_REPROGRAM;
	if (below(b, 2) == 0) {
		nor->erase[1].typ_us = 5000 + below(b, 10000);
		nor->erase[2].typ_us = 10000 + below(b, 10000);
	}
	bench_board(b);
	b->rate = below(b, 3) == 0 ? 100000 : 1000000;
	b->job.full = below(b, 6) == 0;
	b->job.verify_full = below(b, 6) == 0;
	b->interrupt_at = b->now + below(b, below(b, 2) == 0 ? 300000 : 1500000);
	b->again_in = below(b, 3) == 0 ? 1 + below(b, 100000) : 0;
	if (below(b, 4) == 0) {
		b->reset_after = 1 + below(b, 60);
		b->resets_left = 1;
	}
}

static void one_round(uint64_t seed, tally *t)
{
	round_state r = {.b = bench_new(), .seed = seed};
	bench *b = r.b;
	b->random = seed * 0x9E3779B97F4A7C15u;
	(void)bench_random(b);
	random_chip(&r, 0);
	random_chip(&r, 1);
	random_image(&r);
	random_conditions(b);
	(void)bench_do(b, VF_JOB_PROGRAM, &r.image);
	count(&r, t);
	check(&r);
	/* The next one is served, and ends what was begun. */
	b->interrupt_at = b->again_in = 0;
	b->resets_left = 0;
	b->job.full = false;
	if (bench_do(b, VF_JOB_PROGRAM, &r.image) != VF_OK ||
	    bench_do(b, VF_JOB_VERIFY, &r.image) != VF_OK)
		fail_msg("seed %llu: %s", (unsigned long long)seed, b->result.error.text);
	vf_image_free(&r.image);
	for (unsigned m = 0; m < 2; m++) {
		free(r.before[m]);
		free(r.named[m]);
	}
	bench_free(b);
}

static void test_at_any_time(void **state)
{
	const arguments *a = *state;
	tally t = {0};
	for (uint64_t i = 0; i < a->rounds; i++)
		one_round(a->seed + i, &t);
	print_message(
		"%u of %llu cut short, %u before a change, %u put back, %u interrupted twice\n",
		t.cut, (unsigned long long)a->rounds, t.unchanged, t.put_back, t.twice);
	if (a->rounds >= 100) {
		assert_true(t.unchanged > 0);
		assert_true(t.put_back > a->rounds / 10);
		assert_true(t.twice > a->rounds / 50);
	}
}

/* One piece in each of 16 sectors, and the board falls silent, or its pipe goes. */
static void pieces(bench *b, vf_image *image)
{
	uint8_t bytes[500];
	bench_random_fill(b, b->flash[0].cells, BENCH_NOR_SIZE);
	bench_image(b, image);
	for (uint32_t i = 0; i < 16; i++) {
		bench_random_fill(b, bytes, sizeof bytes);
		bench_add(b, image, "piece", BENCH_NOR_BASE + i * 4096 + 0x3E8, bytes,
			  sizeof bytes);
	}
}

static void test_the_rescue_fails(void **state)
{
	bench *b = bench_new();
	vf_image image;
	(void)state;
	pieces(b, &image);
	b->interrupt_after = 5;
	b->deaf_after = 5;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &image), VF_E_LINK);
	assert_non_null(strstr(b->result.error.text, "interrupted; 0x9000"));
	assert_non_null(strstr(b->result.error.text, "may have lost bytes that no file names"));
	vf_image_free(&image);
	bench_free(b);
}

int main(int argc, char **argv)
{
	arguments a = {.rounds = 150, .seed = 1};
	if (argc > 1)
		a.rounds = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		a.seed = strtoull(argv[2], NULL, 0);
	const struct CMUnitTest tests[] = {
		{"test_at_any_time", test_at_any_time, NULL, NULL, &a},
		cmocka_unit_test(test_the_rescue_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
