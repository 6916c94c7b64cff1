/* test_job_failures.c - what goes wrong on the board, on the line and on the
 * host: flash failures once and twice, restarts, silence, interruption, memory.
 */
#include "job_bench.h"

enum { LEN = 0x6000 };

typedef struct scene {
	bench *b;
	vf_image image;
	uint8_t bytes[LEN];
	uint8_t want[BENCH_NOR_SIZE];
} scene;

/* A dirty chip and an image that covers its first and last sector in part. */
static int setup(void **state)
{
	scene *s = calloc(1, sizeof *s);
	assert_non_null(s);
	s->b = bench_new();
	bench_random_fill(s->b, s->b->flash[0].cells, BENCH_NOR_SIZE);
	bench_random_fill(s->b, s->bytes, LEN);
	bench_image(s->b, &s->image);
	bench_add(s->b, &s->image, "app.bin", BENCH_NOR_BASE + 0x1800, s->bytes, LEN);
	memcpy(s->want, s->b->flash[0].cells, BENCH_NOR_SIZE);
	memcpy(s->want + 0x1800, s->bytes, LEN);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	scene *s = *state;
	vf_image_free(&s->image);
	bench_free(s->b);
	free(s);
	return 0;
}

static void assert_done(scene *s, unsigned attempts)
{
	if (s->b->result.error.code != VF_OK)
		fail_msg("%s", s->b->result.error.text);
	assert_memory_equal(s->b->flash[0].cells, s->want, BENCH_NOR_SIZE);
	assert_int_equal(s->b->result.attempts, attempts);
	assert_int_equal(s->b->flash[0].dirty_programs, 0);
	assert_int_equal(s->b->result.verified_bytes, LEN);
}

static const bench_fault kinds[] = {
	{.kind = VF_FLASH_ERASE, .status = VF_E_ERASE},
	{.kind = VF_FLASH_ERASE, .status = VF_E_TIMEOUT},
	{.kind = VF_FLASH_PROGRAM, .status = VF_E_PROGRAM},
	{.kind = VF_FLASH_PROGRAM, .status = VF_OK}, /* seen when it is read back */
	{.kind = VF_FLASH_PROGRAM, .status = VF_E_BUS},
	{.kind = VF_FLASH_READ, .status = VF_OK},
	{.kind = VF_FLASH_READ, .status = VF_E_BUS},
	{.kind = VF_FLASH_READ_MAPPED, .status = VF_E_BUS, .len = 0},
};

/* Each kind of failure, in each of the sectors that are written. */
static void test_failure_once(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	uint8_t *before = malloc(BENCH_NOR_SIZE);
	assert_non_null(before);
	memcpy(before, b->flash[0].cells, BENCH_NOR_SIZE);
	for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
		for (uint32_t sector = 1; sector <= 7; sector++) {
			b->fault[0] = kinds[k];
			b->fault[0].offset = sector * BENCH_SECTOR;
			b->fault[0].len = BENCH_SECTOR;
			b->fault[0].times = 1;
			bench_clear(b);
			memcpy(b->flash[0].cells, before, BENCH_NOR_SIZE);
			(void)bench_do(b, VF_JOB_PROGRAM, &s->image);
			assert_int_equal(b->fault[0].times, 0);
			assert_done(s, 2);
			assert_int_equal(b->notes, 1);
		}
	free(before);
}

static void test_failure_twice(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	for (size_t k = 0; k < 4; k++) {
		b->fault[0] = kinds[k];
		b->fault[0].offset = 0x3000;
		b->fault[0].len = 0x100;
		b->fault[0].times = 2;
		bench_random_fill(b, b->flash[0].cells, BENCH_NOR_SIZE);
		assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_FLASH);
		assert_non_null(strstr(b->result.error.text, "0x90003000"));
		assert_non_null(strstr(b->result.error.text, "fakenor"));
		assert_true(b->result.has_failure);
		assert_int_equal(b->result.failure.address, BENCH_NOR_BASE + 0x3000);
		assert_int_equal(b->result.attempts, 2);
	}
	/* Read back as erased: expected and found are named. */
	assert_int_equal(b->result.failure.code, VF_FAIL_MISMATCH);
	assert_int_equal(b->result.failure.expected, s->bytes[0x3000 - 0x1800]);
	assert_int_equal(b->result.failure.found, 0xFF);
}

/* Two units that fail once each: both are planned anew, none of them twice. */
static void test_two_units_fail_once(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	b->fault[0] = (bench_fault){.kind = VF_FLASH_ERASE,
				    .status = VF_E_ERASE,
				    .offset = 0x2000,
				    .len = 1,
				    .times = 1};
	b->fault[1] = (bench_fault){.kind = VF_FLASH_PROGRAM,
				    .status = VF_E_PROGRAM,
				    .offset = 0x5000,
				    .len = 1,
				    .times = 1};
	(void)bench_do(b, VF_JOB_PROGRAM, &s->image);
	assert_done(s, 3);
	/* Sectors 1 2, then 2 3 4 5, then 5 6 7: what came right is left alone. */
	assert_int_equal(b->flash[0].erases, 2 + 4 + 3);
}

/* A page that read back wrong once is not trusted, even if it reads right now. */
static void test_doubtful_sector_is_erased(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	vf_image image;
	memset(b->flash[0].cells, 0xFF, BENCH_NOR_SIZE);
	bench_image(b, &image);
	bench_add(b, &image, "page.bin", BENCH_NOR_BASE + 0x3000, s->bytes, 256);
	b->fault[0] = (bench_fault){.kind = VF_FLASH_READ, .status = VF_OK, .times = 1};
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &image), VF_OK);
	assert_int_equal(b->result.attempts, 2);
	assert_int_equal(b->flash[0].erases, 1);
	assert_int_equal(b->flash[0].programs, 2);
	assert_memory_equal(b->flash[0].cells + 0x3000, s->bytes, 256);
	vf_image_free(&image);
}

/* Between erase and program: what was there before is only in the host's hands. */
static void test_kept_bytes_survive(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	b->fault[0] = (bench_fault){.kind = VF_FLASH_PROGRAM,
				    .status = VF_E_TIMEOUT,
				    .offset = 0x1000,
				    .len = 1,
				    .times = 1};
	b->fault[1] = (bench_fault){
		.kind = VF_FLASH_PROGRAM, .status = VF_OK, .offset = 0x7FFF, .len = 1, .times = 1};
	(void)bench_do(b, VF_JOB_PROGRAM, &s->image);
	assert_done(s, 3);
	assert_int_equal(b->result.kept_bytes, 0x1000);
}

static void test_locked(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	b->fault[0] = (bench_fault){.kind = VF_FLASH_ERASE, .status = VF_E_LOCKED, .times = 1};
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_FLASH);
	assert_non_null(strstr(b->result.error.text, "write-protect"));
	assert_int_equal(b->result.attempts, 1);
	assert_int_equal(b->flash[0].erases, 1);
	assert_memory_equal(b->flash[0].cells + 0x7800, s->want + 0x7800, 0x8000);
}

/* The read-back is right and the path of the application is not: the check at
 * the end sees it, plans once more, and names the byte if it stays so. */
static void spoil(bench *b, unsigned skip, unsigned times)
{
	b->fault[0] = (bench_fault){.kind = VF_FLASH_READ_MAPPED,
				    .status = VF_OK,
				    .offset = 0x4000,
				    .len = 0x1000,
				    .skip = skip,
				    .times = times};
}

static void test_check_differs(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	(void)bench_do(b, VF_JOB_PROGRAM, &s->image);
	assert_done(s, 1);
	bench_random_fill(b, b->flash[0].cells + 0x4000, 0x1000);
	spoil(b, 1, 1); /* the look; then the check */
	(void)bench_do(b, VF_JOB_PROGRAM, &s->image);
	assert_done(s, 2);
	bench_random_fill(b, b->flash[0].cells + 0x4000, 0x1000);
	spoil(b, 1, 1000);
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_FLASH);
	assert_int_equal(b->result.attempts, 2);
	assert_true(b->result.has_failure);
	assert_in_range(b->result.failure.address, BENCH_NOR_BASE + 0x4000,
			BENCH_NOR_BASE + 0x4FFF);
	assert_non_null(strstr(b->result.error.text, "0x9000"));
}

/* An address line that is stuck: what is written last reads back right, and what
 * was right before is not any more. */
static void test_aliases(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	uint8_t bytes[3 * BENCH_SECTOR];
	vf_image both, half;
	bench_image(b, &both);
	bench_image(b, &half);
	bench_random_fill(b, bytes, sizeof bytes);
	bench_add(b, &half, "low.bin", BENCH_NOR_BASE, bytes, sizeof bytes);
	bench_add(b, &both, "low.bin", BENCH_NOR_BASE, bytes, sizeof bytes);
	bench_random_fill(b, bytes, sizeof bytes);
	bench_add(b, &both, "high.bin", BENCH_NOR_BASE + 0x20000, bytes, sizeof bytes);
	b->stuck = 0x20000;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &both), VF_E_FLASH);
	/* Nor is what no file names. */
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &half), VF_E_FLASH);
	assert_non_null(strstr(b->result.error.text, "address bit 17"));
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &both), VF_E_FLASH);
	b->stuck = 0;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &both), VF_OK);
	vf_image_free(&both);
	vf_image_free(&half);
}

/* What must be preserved reads differently every time: nothing is changed. */
static void test_keep_unstable(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	b->fault[0] = (bench_fault){.kind = VF_FLASH_READ_MAPPED,
				    .status = VF_OK,
				    .offset = 0x1000,
				    .len = 0x1000,
				    .skip = 1,
				    .times = 1};
	(void)bench_do(b, VF_JOB_PROGRAM, &s->image);
	assert_done(s, 1); /* read again, and right */
	bench_random_fill(b, b->flash[0].cells, BENCH_NOR_SIZE);
	bench_clear(b);
	b->fault[0].skip = 1;
	b->fault[0].times = 1000;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_FLASH);
	assert_non_null(strstr(b->result.error.text, "0x90001000"));
	assert_int_equal(bench_changes(b), 0);
}

static void test_restarts(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	uint8_t *before = malloc(BENCH_NOR_SIZE);
	assert_non_null(before);
	memcpy(before, b->flash[0].cells, BENCH_NOR_SIZE);
	for (unsigned after = 1; after < 60; after += 3) {
		memcpy(b->flash[0].cells, before, BENCH_NOR_SIZE);
		bench_clear(b);
		b->reset_after = after;
		b->resets_left = 1;
		b->reset_spoils = after % 2 == 0;
		(void)bench_do(b, VF_JOB_PROGRAM, &s->image);
		assert_int_equal(b->resets_left, 0);
		assert_done(s, 2);
	}
	free(before);
}

/* The port goes and comes back, with the board or without it. */
static void test_the_pipe_comes_back(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	uint8_t *before = malloc(BENCH_NOR_SIZE);
	assert_non_null(before);
	memcpy(before, b->flash[0].cells, BENCH_NOR_SIZE);
	b->reset_unplugs = true;
	for (unsigned after = 1; after < 60; after += 3) {
		memcpy(b->flash[0].cells, before, BENCH_NOR_SIZE);
		bench_clear(b);
		b->reset_spares = after % 2 == 0;
		b->reset_after = after;
		b->resets_left = 1;
		(void)bench_do(b, VF_JOB_PROGRAM, &s->image);
		assert_int_equal(b->resets_left, 0);
		assert_done(s, 2);
	}
	b->reset_spares = false;
	bench_random_fill(b, b->flash[0].cells, BENCH_NOR_SIZE);
	bench_clear(b);
	b->reset_after = 3;
	b->resets_left = 4;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_LINK);
	assert_non_null(strstr(b->result.error.text, "too often"));
	free(before);
}

static void test_another_board_comes_back(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	b->reset_after = 5;
	b->resets_left = 1;
	b->reset_swaps = true;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_LINK);
	assert_non_null(strstr(b->result.error.text, "another board"));
	assert_in_range(bench_changes(b), 5, 6);
}

static void test_restarts_too_often(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	b->reset_after = 3;
	b->resets_left = 3;
	(void)bench_do(b, VF_JOB_PROGRAM, &s->image);
	assert_done(s, 4);
	bench_random_fill(b, b->flash[0].cells, BENCH_NOR_SIZE);
	bench_clear(b);
	b->reset_after = 3;
	b->resets_left = 4;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_LINK);
	b->resets_left = 0;
	bench_clear(b);
	/* And the next run ends it. */
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_OK);
	assert_memory_equal(b->flash[0].cells + 0x1800, s->bytes, LEN);
}

/* An erase that a restart cut short and left looking blank is done again. */
static void test_cut_erase_is_repeated(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	memset(b->flash[0].cells + 0x1000, 0xFF, 0x800);
	memset(s->want + 0x1000, 0xFF, 0x800);
	b->reset_after = 1;
	b->resets_left = 1;
	b->fault[0] = (bench_fault){.kind = VF_FLASH_ERASE, .times = 0};
	b->flash[0].cells[0x1000] = s->want[0x1000] = 0x77;
	b->reset_blanks = true;
	(void)bench_do(b, VF_JOB_PROGRAM, &s->image);
	assert_done(s, 2);
	assert_int_equal(b->flash[0].erases, 1 + 7);
	assert_int_equal(b->flash[0].blank_erases, 1);
}

static void test_restart_while_reading(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	b->reset_reads = 20;
	b->resets_left = 1;
	assert_int_equal(bench_range(b, VF_JOB_READ, BENCH_NOR_BASE, BENCH_NOR_SIZE), VF_OK);
	assert_int_equal(b->resets_left, 0);
	assert_int_equal(b->sunk_len, BENCH_NOR_SIZE);
	assert_memory_equal(b->sunk, b->flash[0].cells, BENCH_NOR_SIZE);
}

static void test_silent_board(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	b->deaf = true;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_LINK);
	assert_in_range(b->result.elapsed_us, 2900000, 3500000);
	b->deaf = false;
	b->deaf_after = 20;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_LINK);
	assert_in_range(b->result.elapsed_us, 2900000, 4500000);
	b->deaf_after = 0;
	b->deaf = false;
	bench_clear(b);
	/* The half-done run destroyed what it held in its hands; what the image
	 * covers gets right all the same. */
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_OK);
	assert_memory_equal(b->flash[0].cells + 0x1800, s->bytes, LEN);
}

static void test_interrupt(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	b->interrupt_after = 10;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_INTERRUPTED);
	assert_true(b->flash[0].programs < 7 * 16); /* what is on the line arrives before ABORT */
	assert_false(b->t.session.open);
	b->interrupt_after = 0;
	bench_clear(b);
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_OK);
	assert_memory_equal(b->flash[0].cells + 0x1800, s->bytes, LEN);
	/* A board that does not answer: a second, no more. */
	b->deaf = true;
	b->interrupt_at = b->now + 500000;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_INTERRUPTED);
	assert_in_range(b->result.elapsed_us, 500000, 1600000);
	assert_null(strstr(b->result.error.text, "ready")); /* who knows? */
	b->deaf = false;
	b->interrupt_at = 1; /* before anything */
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_INTERRUPTED);
	b->interrupt_at = 0;
}

/* While it is only compared, and where nothing is ever changed, nothing was begun. */
static void test_interrupt_before_a_change(void **state)
{
	static const uint8_t jobs[] = {VF_JOB_PROGRAM, VF_JOB_ERASE_CHIP, VF_JOB_VERIFY};
	scene *s = *state;
	bench *b = s->b;
	b->rate = 3000; /* the answers about the sectors take their time */
	for (size_t i = 0; i < sizeof jobs; i++) {
		bench_clear(b);
		b->interrupt_at = b->now + 200000;
		assert_int_equal(bench_do(b, jobs[i], &s->image), VF_E_INTERRUPTED);
		b->interrupt_at = 0;
		assert_int_equal(bench_changes(b), 0);
		assert_string_equal(
			b->result.error.text,
			jobs[i] == VF_JOB_VERIFY
				? "interrupted, the board is ready for the next command"
				: "interrupted before anything was changed, the board is "
				  "ready for the next command");
	}
}

/* A board that gets a little further every time may restart as often as it likes. */
static void test_restarts_with_progress(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	b->reset_every = 25;
	b->resets_left = 6;
	(void)bench_do(b, VF_JOB_PROGRAM, &s->image);
	assert_int_equal(b->resets_left, 0);
	assert_done(s, 7);
	/* One that never does is given up. */
	bench_random_fill(b, b->flash[0].cells, BENCH_NOR_SIZE);
	bench_clear(b);
	b->reset_every = 1;
	b->resets_left = 1000;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_LINK);
	assert_non_null(strstr(b->result.error.text, "too often"));
	assert_in_range(b->resets_left, 990, 997);
	b->resets_left = 0;
}

/* RUN is on its way, and then there is nothing but silence: the line says what is
 * known all the same. */
static void test_start_unconfirmed(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	bench_add(b, &s->image, "vectors.bin", BENCH_NOR_BASE,
		  (const uint8_t *)"\0\0\1\x20\1\1\0\x90", 8);
	b->job.run_after = true;
	b->mute_after_run = true;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &s->image), VF_E_LINK);
	assert_true(b->running);
	assert_non_null(strstr(b->result.error.text, "the flash holds the image"));
	assert_non_null(strstr(b->result.error.text, "not confirmed"));
}

/* The digest differs, the bytes do not: not the image's fault. */
static void test_verify_contradiction(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	(void)bench_do(b, VF_JOB_PROGRAM, &s->image);
	assert_done(s, 1);
	spoil(b, 0, 1);
	assert_int_equal(bench_do(b, VF_JOB_VERIFY, &s->image), VF_E_FLASH);
	assert_non_null(strstr(b->result.error.text, "reads differently each time at 0x90004000"));
	assert_int_equal(bench_do(b, VF_JOB_VERIFY, &s->image), VF_OK);
}

static void test_pipe_lost(void **state)
{
	scene *s = *state;
	vf_error err;
	s->b->job.kind = VF_JOB_PROGRAM;
	s->b->job.image = &s->image;
	vf_job *job = vf_job_new(&s->b->job, &err);
	assert_non_null(job);
	assert_null(vf_job_board(job));
	assert_int_equal(vf_job_deadline(job), 0);
	vf_job_tick(job, 5);
	vf_job_pipe_lost(job, "it was unplugged", 10000005);
	assert_true(vf_job_finished(job));
	assert_int_equal(vf_job_result_get(job)->error.code, VF_E_LINK);
	assert_string_equal(vf_job_result_get(job)->error.text, "it was unplugged");
	assert_true(vf_job_result_get(job)->elapsed_us == 10000000); /* it was waited for, too */
	assert_true(vf_job_deadline(job) == UINT64_MAX);
	vf_job_free(job);
	vf_job_free(NULL);
}

/* Every allocation fails once: the job says so, and loses nothing. */
static void test_no_memory(void **state)
{
	scene *s = *state;
	bench *b = s->b;
	long n = 1;
	b->job.verify_full = true;
	for (;; n++) {
		const long before = b->allocations;
		bench_clear(b);
		b->fail_in = n;
		const int status = bench_do(b, VF_JOB_PROGRAM, &s->image);
		assert_int_equal(b->allocations, before);
		if (b->fail_in > 0)
			break; /* it took fewer */
		assert_int_equal(status, VF_E_NOMEM);
		b->fail_in = 0;
	}
	b->fail_in = 0;
	assert_true(n > 10);
	assert_int_equal(b->result.error.code, VF_OK);
	assert_memory_equal(b->flash[0].cells + 0x1800, s->bytes, LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_failure_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_units_fail_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_doubtful_sector_is_erased, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_pipe_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_board_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept_bytes_survive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_differs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keep_unstable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_aliases, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restarts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restarts_too_often, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_erase_is_repeated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart_while_reading, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent_board, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupt_before_a_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restarts_with_progress, setup, teardown),
		cmocka_unit_test_setup_teardown(test_start_unconfirmed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verify_contradiction, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pipe_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
