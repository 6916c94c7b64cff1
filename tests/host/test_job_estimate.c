/* test_job_estimate.c - does a job take as long as its plan said? Whole simulated
 * boards under virtual time: with typical times the estimate is within a
 * twentieth; with times drawn between 0.6 of the typical and the maximum nothing
 * times out, and how far off it was is printed.
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

enum { IMAGE_MAX = 1 << 20, SECOND = 1000000, TWENTIETH = 20 };

enum state { BLANK, DIRTY, SAME, SCATTERED, HALF };

typedef struct workload {
	const char *part;
	uint8_t dies;
	const char *link;
	uint32_t offset, len;
	enum state state;
} workload;

static const workload workloads[] = {
	{"mt25ql512ab", 2, "usb-fs", 0, IMAGE_MAX, BLANK},
	{"mt25ql512ab", 2, "usb-fs", 0, IMAGE_MAX, DIRTY},
	{"mt25ql512ab", 2, "usb-fs", 0, IMAGE_MAX, SAME},
	{"mt25ql512ab", 2, "usb-fs", 0, IMAGE_MAX, SCATTERED},
	{"mt25ql512ab", 2, "usb-fs", 0, IMAGE_MAX, HALF},
	{"mt25ql512ab", 1, "usb-hs", 0, IMAGE_MAX, DIRTY},
	{"mt25ql512ab", 2, "usb-fs", 0x12345, 600000, DIRTY},
	{"mt25ql512ab", 1, "uart:921600", 0x2000, 300000, BLANK},
	{"mt25ql512ab", 1, "uart:921600", 0x2000, 300000, HALF},
	{"mt25ql512ab", 1, "uart:115200", 0, 100000, DIRTY},
	{"w25q128jv", 1, "usb-fs", 0, IMAGE_MAX, DIRTY},
	{"w25q128jv", 1, "usb-fs", 0, IMAGE_MAX, HALF},
	{"mx25l51245g", 1, "usb-fs", 0x8000, IMAGE_MAX, BLANK},
	{"mx25l51245g", 1, "usb-fs", 0, IMAGE_MAX, DIRTY},
	{"s25fl512s", 1, "usb-fs", 0, IMAGE_MAX, DIRTY},
	{"s25fl512s", 1, "usb-fs", 0x40000, IMAGE_MAX, BLANK},
	{"n25q128a", 1, "usb-fs", 0x1000, 500000, HALF},
};

typedef struct world {
	vf_sim_board_config config;
	vf_sim_board *board;
	uint8_t *array, *bytes;
	uint64_t random, now, estimate;
	vf_job_config job;
	vf_job_result result;
	vf_image image;
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

static uint64_t number(void *ctx)
{
	world *w = ctx;
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (w->random ^ w->random >> 29) | 1;
}

static void noise(world *w, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(number(w) >> 20);
}

static void on_misuse(void *ctx, const char *what)
{
	(void)ctx;
	fail_msg("misuse: %s", what);
}

static void on_plan(void *ctx, const vf_job_plan *plan, const vf_board *board)
{
	world *w = ctx;
	(void)board;
	w->estimate = plan->estimate_us;
}

/* One in a hundred blocks of 4 KB differs, or every second 64 KB are blank. */
static void set_state(world *w, const workload *l)
{
	uint8_t *there = w->array + l->offset;
	if (l->state != BLANK)
		memcpy(there, w->bytes, l->len);
	if (l->state == DIRTY)
		noise(w, w->array, l->offset + l->len + 0x40000);
	if (l->state == SCATTERED)
		for (uint32_t at = 0; at < l->len; at += 100 * 4096)
			noise(w, there + at, 4096);
	if (l->state == HALF) {
		noise(w, w->array, l->offset + l->len);
		for (uint32_t at = 0; at < l->len; at += 2 * 65536)
			memset(w->array + at, 0xFF, 65536);
	}
}

static world *new_world(const workload *l, uint64_t seed, uint32_t percent)
{
	const vf_image_add_options opt = {
		.format = VF_FORMAT_BIN, .has_address = true, .address = BASE + l->offset};
	world *w = calloc(1, sizeof *w);
	vf_error err;
	assert_non_null(w);
	w->random = seed;
	w->config = (vf_sim_board_config){.alloc = {resize, NULL}, .base = BASE, .seed = seed};
	assert_int_equal(vf_sim_link_parse(&w->config.link, l->link, &err), VF_OK);
	w->config.chip = (vf_sim_chip_config){.part = vf_sim_part_find(l->part),
					      .dies = l->dies,
					      .bus_bytes_per_s = 50000000,
					      .time_percent = percent,
					      .seed = seed,
					      .misuse = on_misuse};
	assert_non_null(w->config.chip.part);
	const size_t size = (size_t)vf_sim_part_size(w->config.chip.part) * l->dies;
	w->array = malloc(size);
	w->bytes = malloc(IMAGE_MAX);
	assert_true(w->array != NULL && w->bytes != NULL);
	memset(w->array, 0xFF, size);
	noise(w, w->bytes, l->len);
	set_state(w, l);
	w->config.chip.array = w->array;
	w->board = vf_sim_board_new(&w->config, &err);
	assert_non_null(w->board);
	vf_image_init(&w->image, &w->config.alloc);
	assert_int_equal(vf_image_add(&w->image, "app.bin", w->bytes, l->len, &opt, &err), VF_OK);
	w->job = (vf_job_config){.kind = VF_JOB_PROGRAM,
				 .session = {.alloc = w->config.alloc, .random = number, .ctx = w},
				 .call = {.ctx = w, .plan = on_plan},
				 .image = &w->image};
	return w;
}

static void end(world *w)
{
	vf_image_free(&w->image);
	vf_sim_board_free(w->board);
	free(w->array);
	free(w->bytes);
	free(w);
}

static void run(world *w)
{
	vf_error err;
	vf_job *job = vf_job_new(&w->job, &err);
	assert_non_null(job);
	w->now = SECOND; /* the board has found its chip */
	vf_sim_board_run(w->board, w->now);
	w->now = job_sim_run(job, w->board, w->now, 3600 * (uint64_t)SECOND);
	assert_true(vf_job_finished(job));
	w->result = *vf_job_result_get(job);
	vf_job_free(job);
}

static double off(const workload *l, uint32_t percent, const char *how)
{
	world *w = new_world(l, 7, percent);
	run(w);
	if (w->result.error.code != VF_OK)
		fail_msg("%s over %s: %s", l->part, l->link, w->result.error.text);
	assert_int_equal(w->result.attempts, 1);
	assert_memory_equal(w->array + l->offset, w->bytes, l->len);
	const double estimate = (double)w->estimate;
	const double error =
		(estimate - (double)w->result.elapsed_us) / (double)w->result.elapsed_us;
	print_message("%-12s x%u %-11s %7u bytes, state %d, %s: %8.1f ms, estimate %+.1f %%\n",
		      l->part, l->dies, l->link, l->len, l->state, how,
		      (double)w->result.elapsed_us / 1000, error * 100);
	end(w);
	return error;
}

static void test_typical_times(void **state)
{
	unsigned wrong = 0;
	(void)state;
	for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++) {
		const double error = off(&workloads[i], 100, "typical");
		wrong += error * TWENTIETH > 1 || error * TWENTIETH < -1;
	}
	assert_int_equal(wrong, 0);
}

static void test_random_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++)
		(void)off(&workloads[i], VF_SIM_TIME_RANDOM, "random");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_typical_times),
		cmocka_unit_test(test_random_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
