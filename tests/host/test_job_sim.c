/* test_job_sim.c - jobs against whole simulated boards under virtual time: the
 * real target and chip driver, every part of the list, bad lines, restarts,
 * power cuts and worn cells. After a job that says it is done the flash holds
 * exactly the image over what was there, and no page whose erase was cut.
 * Arguments: rounds, first seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "job_sim.h"

#define BASE 0x90000000u

enum { AREA = 1024 * 1024, SECOND = 1000000 };

typedef struct arguments {
	uint64_t rounds, seed;
} arguments;

typedef struct world {
	vf_sim_board_config config;
	vf_sim_board *board;
	uint8_t *array;
	size_t array_len;
	uint8_t *want; /* the first AREA bytes */
	uint64_t random, now;
	vf_job_config job;
	vf_job_result result;
	vf_image image;
	uint32_t lowest, highest; /* what the image spans, as offsets */
} world;

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size == 0) {
		free(p);
		return NULL;
	}
	return realloc(p, size);
}

static uint32_t draw(world *w, uint32_t below)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->random >> 33) % below;
}

static void noise(world *w, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)draw(w, 256);
}

static uint64_t number(void *ctx)
{
	world *w = ctx;
	const uint64_t high = draw(w, 0x7FFFFFFF);
	return high << 32 | draw(w, 0x7FFFFFFF);
}

static void on_misuse(void *ctx, const char *what)
{
	(void)ctx;
	(void)fprintf(stderr, "misuse: %s\n", what);
	abort();
}

static world *new_world(const char *part, uint8_t dies, uint64_t seed)
{
	world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	w->random = seed * 0x9E3779B97F4A7C15u + 1;
	w->config = (vf_sim_board_config){.alloc = {resize, NULL}, .base = BASE, .seed = seed};
	w->config.link =
		(vf_sim_link_model){.out_rate = 1000000, .in_rate = 1000000, .latency_us = 1000};
	w->config.chip = (vf_sim_chip_config){.part = vf_sim_part_find(part),
					      .dies = dies,
					      .bus_bytes_per_s = 50000000,
					      .time_percent = 100,
					      .seed = seed,
					      .misuse = on_misuse};
	assert_non_null(w->config.chip.part);
	w->array_len = (size_t)vf_sim_part_size(w->config.chip.part) * dies;
	w->array = malloc(w->array_len);
	w->want = malloc(AREA);
	assert_non_null(w->array);
	assert_non_null(w->want);
	memset(w->array, 0xFF, w->array_len);
	w->config.chip.array = w->array;
	w->job.session.alloc = w->config.alloc;
	w->job.session.random = number;
	w->job.session.ctx = w;
	vf_image_init(&w->image, &w->config.alloc);
	w->lowest = AREA;
	return w;
}

static void power_up(world *w)
{
	vf_error err = {0};
	w->board = vf_sim_board_new(&w->config, &err);
	if (w->board == NULL)
		fail_msg("%s", err.text);
	memcpy(w->want, w->array, AREA);
}

static void end(world *w)
{
	vf_image_free(&w->image);
	vf_sim_board_free(w->board);
	free(w->array);
	free(w->want);
	free(w);
}

static void add(world *w, uint32_t offset, uint32_t len)
{
	static uint8_t bytes[300000];
	const vf_image_add_options opt = {
		.format = VF_FORMAT_BIN, .has_address = true, .address = BASE + offset};
	vf_error err;
	assert_true(len <= sizeof bytes && offset + len <= AREA);
	noise(w, bytes, len);
	if (vf_image_add(&w->image, "piece", bytes, len, &opt, &err) != VF_OK)
		fail_msg("%s", err.text);
	memcpy(w->want + offset, bytes, len);
	w->lowest = offset < w->lowest ? offset : w->lowest;
	w->highest = offset + len > w->highest ? offset + len : w->highest;
}

/* --- virtual time -------------------------------------------------------------------- */

static int run(world *w, uint8_t kind)
{
	vf_error err;
	w->job.kind = kind;
	w->job.image = &w->image;
	vf_job *job = vf_job_new(&w->job, &err);
	assert_non_null(job);
	w->now = job_sim_run(job, w->board, w->now, 3600 * (uint64_t)SECOND);
	assert_true(vf_job_finished(job));
	w->result = *vf_job_result_get(job);
	vf_job_free(job);
	return w->result.error.code;
}

static void assert_holds(world *w, uint64_t seed)
{
	for (uint32_t i = 0; i < AREA; i++)
		if (w->array[i] != w->want[i])
			fail_msg("seed %llu: 0x%08x holds 0x%02x, not 0x%02x",
				 (unsigned long long)seed, BASE + i, w->array[i], w->want[i]);
	if (vf_sim_chip_weak(vf_sim_board_chip(w->board), w->lowest, w->highest - w->lowest))
		fail_msg("seed %llu: a page whose erase was cut was left so",
			 (unsigned long long)seed);
}

/* --- every part ------------------------------------------------------------------------ */

static void one_part(const char *part, uint8_t dies)
{
	world *w = new_world(part, dies, 11);
	noise(w, w->array, 400000);
	power_up(w);
	add(w, 0x123, 40000);   /* dirty */
	add(w, 390001, 50000);  /* dirty, then blank */
	add(w, 700000, 100000); /* blank */
	if (run(w, VF_JOB_PROGRAM) != VF_OK)
		fail_msg("%s: %s", part, w->result.error.text);
	assert_holds(w, 0);
	assert_int_equal(w->result.attempts, 1);
	const uint64_t programs = vf_sim_chip_stats(vf_sim_board_chip(w->board))->programs;
	assert_int_equal(run(w, VF_JOB_PROGRAM), VF_OK);
	assert_true(w->result.nothing_to_do);
	assert_int_equal(vf_sim_chip_stats(vf_sim_board_chip(w->board))->programs, programs);
	assert_int_equal(run(w, VF_JOB_VERIFY), VF_OK);
	w->job.address = BASE + 0x200;
	w->job.length = 30001;
	assert_int_equal(run(w, VF_JOB_ERASE), VF_OK);
	memset(w->want + 0x200, 0xFF, 30001);
	assert_holds(w, 0);
	end(w);
}

static void test_every_part(void **state)
{
	static const char *const part[] = {"mt25ql512ab", "n25q128a",  "n25q512a",
					   "mx25l51245g", "w25q128jv", "w25q256jv",
					   "is25lp256",   "s25fl512s", "gd25q128"};
	(void)state;
	for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
		one_part(part[i], 1);
	one_part("mt25ql512ab", 2);
}

/* --- trouble --------------------------------------------------------------------------- */

static void random_trouble(world *w)
{
	vf_sim_fault *f = &w->config.fault;
	switch (draw(w, 6)) {
	case 0:
		f->corrupt = 1e-4;
		break;
	case 1:
		f->drop = 1e-4;
		f->dup = 1e-4;
		break;
	case 2:
		f->reset = 5e-6;
		break;
	case 3:
	case 4:
		f->cut = 20 + draw(w, 4000);
		break;
	default:
		f->cut = 20 + draw(w, 40000);
		f->corrupt = 2e-5;
	}
}

static void one_round(uint64_t seed, unsigned *done, unsigned *again)
{
	static const char *const part[] = {"n25q128a", "w25q128jv", "gd25q128"};
	world *w = new_world(part[seed % 3], (uint8_t)(1 + (seed % 3 == 0 && seed % 2 == 0)), seed);
	if (draw(w, 4) != 0)
		noise(w, w->array, AREA);
	random_trouble(w);
	w->config.chip.time_percent = draw(w, 3) == 0 ? VF_SIM_TIME_RANDOM : 100;
	power_up(w);
	uint32_t at = draw(w, 10000);
	for (unsigned i = 1 + draw(w, 3); i > 0 && at < AREA - 100000; i--) {
		const uint32_t len = 1 + draw(w, 60000);
		add(w, at, len);
		at += len + draw(w, 100000);
	}
	const int status = run(w, VF_JOB_PROGRAM);
	if (status == VF_OK) {
		*done += 1;
		*again += w->result.attempts > 1;
		assert_holds(w, seed);
	} else if (status != VF_E_LINK && status != VF_E_FLASH) {
		fail_msg("seed %llu: %s", (unsigned long long)seed, w->result.error.text);
	}
	end(w);
}

static void test_trouble(void **state)
{
	const arguments *a = *state;
	unsigned done = 0;
	unsigned again = 0;
	for (uint64_t i = 0; i < a->rounds; i++)
		one_round(a->seed + i, &done, &again);
	print_message("seeds %llu to %llu: %u of %llu done, %u of them not at the first attempt\n",
		      (unsigned long long)a->seed, (unsigned long long)(a->seed + a->rounds - 1),
		      done, (unsigned long long)a->rounds, again);
	if (a->rounds >= 30) {
		assert_true(done > a->rounds / 2);
		assert_true(again > a->rounds / 10);
	}
}

static void test_bad_bit(void **state)
{
	(void)state;
	world *w = new_world("w25q128jv", 1, 5);
	noise(w, w->array, AREA);
	power_up(w);
	add(w, 0x5001, 30000);
	const uint32_t bad = 0x8765;
	unsigned bit = 0;
	while ((w->want[bad] >> bit & 1) != 0)
		bit++;
	assert_true(bit < 8);
	(void)vf_sim_chip_bad_bit(vf_sim_board_chip(w->board), bad, bit);
	assert_int_equal(run(w, VF_JOB_PROGRAM), VF_E_FLASH);
	assert_int_equal(w->result.attempts, 2);
	assert_int_equal(w->result.failure.address, BASE + bad);
	assert_int_equal(w->result.failure.expected, w->want[bad]);
	assert_int_equal(w->result.failure.found, w->want[bad] | 1u << bit);
	assert_non_null(strstr(w->result.error.text, "0x90008765"));
	end(w);
}

static void test_protected_chip(void **state)
{
	(void)state;
	world *w = new_world("n25q128a", 1, 6);
	noise(w, w->array, AREA);
	power_up(w);
	add(w, 0, 30000);
	vf_sim_chip_protect(vf_sim_board_chip(w->board), true);
	assert_int_equal(run(w, VF_JOB_PROGRAM), VF_E_FLASH);
	assert_int_equal(w->result.attempts, 1);
	assert_non_null(strstr(w->result.error.text, "write-protected"));
	vf_sim_chip_protect(vf_sim_board_chip(w->board), false);
	assert_int_equal(run(w, VF_JOB_PROGRAM), VF_OK);
	assert_holds(w, 0);
	end(w);
}

static void test_chip_reports_failures(void **state)
{
	(void)state;
	for (unsigned count = 1; count <= 2; count++) {
		world *w = new_world("mt25ql512ab", 2, 7);
		noise(w, w->array, AREA);
		power_up(w);
		add(w, 0x11111, 100000);
		vf_sim_chip_fail_next(vf_sim_board_chip(w->board), count);
		assert_int_equal(run(w, VF_JOB_PROGRAM), count == 1 ? VF_OK : VF_E_FLASH);
		assert_int_equal(w->result.attempts, 2);
		if (count == 1)
			assert_holds(w, 0);
		end(w);
	}
}

int main(int argc, char **argv)
{
	arguments a = {.rounds = 40, .seed = 1};
	if (argc > 1)
		a.rounds = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		a.seed = strtoull(argv[2], NULL, 0);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_part),
		{"test_trouble", test_trouble, NULL, NULL, &a},
		cmocka_unit_test(test_bad_bit),
		cmocka_unit_test(test_protected_chip),
		cmocka_unit_test(test_chip_reports_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
