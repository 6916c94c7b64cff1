/* test_job_memory.c - every allocation of the host fails once, in a run that has bytes to
 * put back from a run before, on a board with a journal and on one without: the job says
 * so, leaks nothing, and the next run makes all of it right. The oracle is what the chip
 * held, and the image.
 */
#include "job_bench.h"

enum { AT = 0x1800, LEN = 3 * BENCH_SECTOR };

typedef struct store {
	uint8_t *bytes;
	size_t len;
} store;

typedef struct scene {
	bench *b;
	store kept;
	vf_image image;
	uint8_t *want;
} scene;

static int load(void *ctx, const vf_board *board, const uint8_t **bytes, size_t *len, vf_error *err)
{
	const store *s = ctx;
	(void)board;
	(void)err;
	*bytes = s->bytes;
	*len = s->len;
	return VF_OK;
}

static int save(void *ctx, const vf_board *board, const uint8_t *bytes, size_t len, vf_error *err)
{
	store *s = ctx;
	(void)board;
	(void)err;
	s->bytes = realloc(s->bytes, len);
	assert_non_null(s->bytes);
	memcpy(s->bytes, bytes, len);
	s->len = len;
	return VF_OK;
}

static void drop(void *ctx, const vf_board *board, bool stale)
{
	store *s = ctx;
	(void)board;
	assert_false(stale);
	s->len = 0;
}

/* A chip full of somebody's bytes, an image into the middle of sectors, and a first run
 * that was cut off when it had begun to program. */
static void begin(scene *s, bool journal)
{
	static uint8_t bytes[LEN];
	bench *b = s->b = bench_new();
	s->kept = (store){.len = 0};
	if (journal)
		bench_journal(b);
	b->job.keeper = (vf_job_keeper){.ctx = &s->kept, .load = load, .save = save, .drop = drop};
	bench_random_fill(b, b->flash[0].cells, BENCH_NOR_SIZE / 2);
	s->want = malloc(BENCH_NOR_SIZE / 2);
	assert_non_null(s->want);
	memcpy(s->want, b->flash[0].cells, BENCH_NOR_SIZE / 2);
	bench_random_fill(b, bytes, LEN);
	memcpy(s->want + AT, bytes, LEN);
	bench_image(b, &s->image);
	bench_add(b, &s->image, "middle", BENCH_NOR_BASE + AT, bytes, LEN);
	bench_clear(b);
	b->deaf_after = 1;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_LINK);
	b->deaf = false;
	b->deaf_after = 0;
	assert_true(s->kept.len > BENCH_SECTOR);
}

static void end(scene *s)
{
	assert_int_equal(s->kept.len, 0);
	assert_memory_equal(s->b->flash[0].cells, s->want, BENCH_NOR_SIZE / 2);
	vf_image_free(&s->image);
	bench_free(s->b);
	free(s->kept.bytes);
	free(s->want);
}

static void test_every_allocation(void **state)
{
	const bool *journal = *state;
	bool failed = true;
	long n = 0;
	while (failed) {
		scene s;
		begin(&s, *journal);
		const long before = s.b->allocations;
		bench_clear(s.b);
		s.b->fail_in = ++n;
		const int status = bench_do(s.b, VF_JOB_PROGRAM, &s.image);
		failed = s.b->fail_in == 0;
		s.b->fail_in = 0;
		assert_int_equal(s.b->allocations, before);
		assert_int_equal(status, failed ? VF_E_NOMEM : VF_OK);
		if (failed) {
			bench_clear(s.b);
			assert_int_equal(bench_do(s.b, VF_JOB_PROGRAM, &s.image), VF_OK);
		}
		end(&s);
	}
	assert_true(n > 30);
}

int main(void)
{
	bool with = true, without = false;
	const struct CMUnitTest tests[] = {
		{"with a journal", test_every_allocation, NULL, NULL, &with},
		{"without", test_every_allocation, NULL, NULL, &without},
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
