/* usb_sweep.c - what may happen to a USB device in the middle of a small job, at one packet
 * after another: the cable pulled, the bus reset, the computer asleep, a host that reads
 * nothing for a while, garbage at other line codings. Each time the same files are in the
 * flash in the end and nothing else has changed.
 *
 *   test_emu_usb_sweep LOADER.bin STUB.bin LOADER.bin STUB.bin   (full speed, high speed)
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vcpflash/emu.h>
#include <vcpflash/job.h>

#include <cmocka.h>

#include "world.h"

#define BASE 0x90000000u

enum {
	LEN = 3000,
	APART = 0x20000, /* from one job to the next: flash that is still blank */
	MS = 1000,
	STEP_US = 50,
	PATIENCE_US = 60000000,
	AWAY_US = 20 * MS,
	DEAF_US = 1500 * MS, /* longer than the board keeps what nobody takes */
	JOBS = 6,            /* of each kind */
	GARBAGE = 300,
};

enum event { NOTHING, UNPLUG, RESET, SUSPEND, DEAF, CODING };

static char **firmware;

typedef struct world {
	emu_world b;
	uint8_t bytes[LEN];
	uint64_t random, now;
	uint32_t jobs, baud;
} world;

static uint64_t number(void *ctx)
{
	world *w = ctx;
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (w->random ^ w->random >> 29) | 1;
}

static void advance(world *w, uint64_t us)
{
	w->now += us;
	if (vf_emu_board_run(w->b.board, w->now * 1000) != VF_OK)
		fail_msg("%s", vf_emu_board_stopped(w->b.board));
	assert_string_equal(vf_emu_usb_trouble(w->b.board), "");
}

static void plug(world *w)
{
	vf_emu_usb_plug(w->b.board, true);
	for (unsigned i = 0; i < 3000 && !vf_emu_usb_ready(w->b.board); i++)
		advance(w, MS);
	assert_true(vf_emu_usb_ready(w->b.board));
}

static void world_new(world *w, enum vf_emu_model model, uint64_t seed)
{
	const unsigned at = model == VF_EMU_H745I_DISCO ? 0 : 2;
	const vf_emu_board_config c = {.model = model, .time_percent = 5, .seed = seed};
	*w = (world){.random = seed, .b = emu_world_new(&c, firmware[at], firmware[at + 1])};
	plug(w);
}

static uint64_t packets(const world *w)
{
	vf_emu_usb_counts c;
	vf_emu_usb_count(w->b.board, &c);
	return c.out_packets + c.in_packets;
}

static vf_job *begin(world *w, const vf_image *image)
{
	vf_job_config config = {
		.kind = VF_JOB_PROGRAM,
		.session = {.alloc = {emu_resize, NULL}, .random = number, .ctx = w},
		.image = image};
	vf_error err;
	vf_job *job = vf_job_new(&config, &err);
	assert_non_null(job);
	vf_job_tick(job, w->now);
	return job;
}

static void move(world *w, vf_job *job)
{
	uint8_t in[512];
	const uint8_t *out;
	size_t n;
	while ((out = vf_job_tx(job, &n, w->now)) != NULL) {
		const size_t sent = vf_emu_usb_write(w->b.board, out, n, w->baud);
		vf_job_tx_done(job, sent, w->now);
		if (sent < n)
			break;
	}
	while ((n = vf_emu_usb_read(w->b.board, in, sizeof in)) > 0)
		vf_job_rx(job, in, n, w->now);
	if (vf_job_deadline(job) <= w->now)
		vf_job_tick(job, w->now);
	advance(w, STEP_US);
}

static void garbage(world *w)
{
	static const uint32_t rates[] = {1200, 300, 7, 4000000};
	uint8_t bytes[GARBAGE];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(number(w) >> 30);
	w->baud = rates[number(w) % 4];
	(void)vf_emu_usb_write(w->b.board, bytes, sizeof bytes, w->baud);
}

/* Whether whoever had the port open has to open it anew. */
static bool happens(world *w, enum event event)
{
	switch (event) {
	case UNPLUG:
		vf_emu_usb_plug(w->b.board, false);
		advance(w, AWAY_US);
		plug(w);
		return true;
	case RESET:
		vf_emu_usb_reset(w->b.board);
		advance(w, MS);
		plug(w);
		return true;
	case SUSPEND:
		vf_emu_usb_suspend(w->b.board, true);
		advance(w, AWAY_US);
		vf_emu_usb_suspend(w->b.board, false);
		return false;
	case DEAF:
		vf_emu_usb_open(w->b.board, true, false);
		advance(w, DEAF_US);
		vf_emu_usb_open(w->b.board, true, true);
		return false;
	case CODING:
		garbage(w);
		return false;
	default:
		return false;
	}
}

static void check(const world *w, uint32_t at)
{
	static const uint8_t blank = 0xFF;
	assert_memory_equal(w->b.external + at, w->bytes, LEN);
	for (uint32_t i = at + LEN; i < at + APART; i++)
		assert_int_equal(w->b.external[i], blank);
}

/* A job, and after so many of its packets something happens. Its packets. */
static uint64_t run(world *w, enum event event, uint64_t when)
{
	const vf_alloc alloc = {emu_resize, NULL};
	const uint32_t at = w->jobs++ * APART;
	const vf_image_add_options options = {
		.format = VF_FORMAT_BIN, .has_address = true, .address = BASE + at};
	vf_image image;
	vf_error err;
	for (size_t i = 0; i < LEN; i++)
		w->bytes[i] = (uint8_t)(number(w) >> 20);
	vf_image_init(&image, &alloc);
	assert_int_equal(vf_image_add(&image, "app.bin", w->bytes, LEN, &options, &err), VF_OK);
	const uint64_t first = packets(w), since = w->now;
	vf_job *job = begin(w, &image);
	while (!vf_job_finished(job)) {
		move(w, job);
		assert_true(w->now - since < PATIENCE_US);
		if (event == NOTHING || packets(w) - first < when)
			continue;
		if (happens(w, event)) {
			vf_job_free(job);
			job = begin(w, &image);
		}
		event = NOTHING;
	}
	const vf_job_result *result = vf_job_result_get(job);
	if (result->error.code != VF_OK)
		fail_msg("event after %u packets: %s", (unsigned)when, result->error.text);
	vf_job_free(job);
	vf_image_free(&image);
	check(w, at);
	return packets(w) - first;
}

/* After every `stride`th packet, beginning somewhere else each time. */
static void sweep(enum vf_emu_model model, enum event event)
{
	world w;
	world_new(&w, model, 100 + event);
	const uint64_t all = run(&w, NOTHING, 0);
	const uint64_t stride = all / JOBS + 1;
	for (uint64_t when = event % stride; when < all; when += stride)
		(void)run(&w, event, when);
	emu_world_free(&w.b);
}

static void test_full_speed(void **state)
{
	(void)state;
	for (enum event e = UNPLUG; e <= CODING; e++)
		sweep(VF_EMU_H745I_DISCO, e);
}

static void test_high_speed(void **state)
{
	(void)state;
	for (enum event e = UNPLUG; e <= CODING; e++)
		sweep(VF_EMU_H747I_DISCO, e);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_speed),
		cmocka_unit_test(test_high_speed),
	};
	if (argc != 5)
		return 2;
	firmware = argv + 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
