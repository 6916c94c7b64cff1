/* counts.c - what the board's firmware executes for a byte that it receives and for
 * a page that it programs: a job of the host's engine over the emulated board,
 * under virtual time. The same run gives the same counts, on any machine.
 *
 *   test_emu_counts LOADER.bin STUB.bin
 */

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vcpflash/emu.h>
#include <vcpflash/job.h>

#include <cmocka.h>

#include "world.h"

#define BASE 0x90000000u

enum { PAGE = 512, STEP_US = 20, PATIENCE_US = 120000000, BAUD = 115200 };

static const char *loader, *stub;

typedef struct world {
	emu_world b;
	uint8_t *bytes;
	uint32_t len;
	uint64_t random, now;
	vf_emu_counts counts; /* of the job alone */
} world;

static uint64_t number(void *ctx)
{
	world *w = ctx;
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (w->random ^ w->random >> 29) | 1;
}

static world *world_new(uint32_t len)
{
	const vf_emu_board_config config = {.time_percent = 100, .seed = 3};
	world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	w->b = emu_world_new(&config, loader, stub);
	w->bytes = malloc(len);
	assert_non_null(w->bytes);
	w->len = len;
	for (uint32_t i = 0; i < len; i++)
		w->bytes[i] = (uint8_t)(number(w) >> 20);
	return w;
}

static void world_free(world *w)
{
	emu_world_free(&w->b);
	free(w->bytes);
	free(w);
}

static void advance(world *w, uint64_t to_us)
{
	w->now = to_us;
	if (vf_emu_board_run(w->b.board, to_us * 1000) != VF_OK)
		fail_msg("%s", vf_emu_board_stopped(w->b.board));
}

static void move(world *w, vf_job *job)
{
	uint8_t in[512];
	const uint8_t *out;
	size_t n;
	while ((out = vf_job_tx(job, &n, w->now)) != NULL) {
		const size_t sent = vf_emu_board_write(w->b.board, out, n, BAUD);
		vf_job_tx_done(job, sent, w->now);
		if (sent < n)
			break;
	}
	while ((n = vf_emu_board_read(w->b.board, in, sizeof in, BAUD)) > 0)
		vf_job_rx(job, in, n, w->now);
}

static void difference(vf_emu_counts *c, const vf_emu_counts *before)
{
	for (unsigned i = 0; i < VF_EMU_BOARD_CORES; i++) {
		c->instructions[i] -= before->instructions[i];
		c->handlers[i] -= before->handlers[i];
	}
	c->received -= before->received;
	c->sent -= before->sent;
	c->transactions -= before->transactions;
	c->pages -= before->pages;
	c->erases -= before->erases;
}

/* Programs `len` bytes onto blank chips; `idle`: what a tenth of a second costs before. */
static vf_emu_counts program(uint32_t len, uint64_t *idle)
{
	world *w = world_new(len);
	const vf_alloc alloc = {emu_resize, NULL};
	const vf_image_add_options at = {
		.format = VF_FORMAT_BIN, .has_address = true, .address = BASE};
	vf_emu_counts before;
	vf_image image;
	vf_error err;
	vf_image_init(&image, &alloc);
	assert_int_equal(vf_image_add(&image, "app.bin", w->bytes, len, &at, &err), VF_OK);
	vf_job_config config = {.kind = VF_JOB_PROGRAM,
				.session = {.alloc = alloc, .random = number, .ctx = w},
				.image = &image};
	vf_job *job = vf_job_new(&config, &err);
	assert_non_null(job);
	advance(w, 400000); /* it waits for nobody any more */
	vf_emu_board_counts(w->b.board, &before);
	advance(w, 500000);
	vf_emu_board_counts(w->b.board, &w->counts);
	*idle = w->counts.instructions[0] - before.instructions[0];
	before = w->counts;
	vf_job_tick(job, w->now);
	while (!vf_job_finished(job)) {
		if (vf_job_deadline(job) <= w->now)
			vf_job_tick(job, w->now);
		move(w, job);
		advance(w, w->now + STEP_US);
		assert_true(w->now < PATIENCE_US);
	}
	const vf_job_result *result = vf_job_result_get(job);
	if (result->error.code != VF_OK)
		fail_msg("%s", result->error.text);
	assert_int_equal(result->attempts, 1);
	assert_memory_equal(w->b.external, w->bytes, len);
	vf_emu_board_counts(w->b.board, &w->counts);
	difference(&w->counts, &before);
	vf_emu_counts counts = w->counts;
	vf_job_free(job);
	vf_image_free(&image);
	world_free(w);
	return counts;
}

static void test_same_again(void **state)
{
	(void)state;
	uint64_t idle;
	const vf_emu_counts one = program(16 * PAGE, &idle), two = program(16 * PAGE, &idle);
	assert_memory_equal(&one, &two, sizeof one);
	assert_int_equal(one.pages, 16);
}

/* What more pages cost is what a page costs. */
static void test_a_page(void **state)
{
	enum { FEW = 32, MORE = 64 };
	(void)state;
	uint64_t idle;
	const vf_emu_counts few = program(FEW * PAGE, &idle), more = program(MORE * PAGE, &idle);
	const uint64_t pages = MORE - FEW, bytes = more.received - few.received;
	const uint64_t all = more.instructions[0] - few.instructions[0];
	const uint64_t handlers = more.handlers[0] - few.handlers[0];
	print_message("Cortex-M7 at %u baud: %llu instructions a page of %d bytes, all that comes "
		      "with it; in "
		      "interrupts %.2f a received byte (%llu bytes); %llu in 100 ms of waiting\n",
		      BAUD, (unsigned long long)(all / pages), PAGE,
		      (double)handlers / (double)bytes, (unsigned long long)bytes,
		      (unsigned long long)idle);
	assert_true(bytes >= pages * PAGE && bytes < pages * PAGE * 11 / 10);
	assert_true(handlers < bytes * 20);
	assert_true(all / pages < 200000);
	assert_true(idle < 1000000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_again),
		cmocka_unit_test(test_a_page),
	};
	if (argc != 3)
		return 2;
	loader = argv[1];
	stub = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
