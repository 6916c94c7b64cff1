/* What a received byte costs the STM32H747I-DISCO's loader: its machine code is executed
 * while the chip erases and the host sends what is to be programmed, so nothing but the
 * receive path is at work: interrupts, ring, frames, CRC, window, and a STATE for what
 * came. The count is exact and the same on every machine. Firmware comes from the folder
 * that is the first argument.
 */
#include "h7_bench.h"

enum { RATE = 12000000, PAYLOAD = 4000, DATA = 100000 };

static void open_session(h7_bench *b)
{
	uint8_t rate[4];

	h7_run(b, 50 * H7_MS);
	h7_hello(b, H7_TAG);
	h7_run(b, 100 * H7_MS);
	vf_put32(rate, RATE);
	h7_say(b, VF_KIND_RATE, rate, sizeof rate);
	h7_run(b, 20 * H7_MS);
	b->baud = RATE;
}

/* In what firmware is about every fifth byte is 0; packed data has one in 256. */
static uint8_t content(uint32_t *x, bool packed)
{
	*x = *x * 1664525 + 1013904223;
	if (packed)
		return (uint8_t)(*x >> 24);
	return *x >> 29 < 2 ? 0 : (uint8_t)(*x >> 16);
}

static double measured(h7_bench *b, bool packed)
{
	static uint8_t bytes[PAYLOAD];
	vf_emu_counts before, after;
	uint32_t x = 747;

	open_session(b);
	h7_begin(b);
	vf_emu_board_counts(b->board, &before);
	for (size_t sent = 0; sent < DATA; sent += PAYLOAD) {
		for (size_t i = 0; i < PAYLOAD; i++)
			bytes[i] = content(&x, packed);
		h7_stream(b, bytes, PAYLOAD);
	}
	h7_run(b, 20 * H7_MS); /* what is still on the line */
	vf_emu_board_counts(b->board, &after);
	/* It was received, and the chip is still at it. */
	assert_true(after.received - before.received > DATA);
	assert_int_equal(after.pages, before.pages);
	return (double)(after.instructions[0] - before.instructions[0]) /
	       (double)(after.received - before.received);
}

static void test_received_byte(void **state)
{
	static const char *const kind[] = {"firmware", "packed data"};
	/* What a host sends over a line this slow is packed; the rest is an upper bound, since
	 * short runs between zeros are what frames are slowest at. */
	static const double most[] = {25, 20};

	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		h7_bench b;

		h7_new(&b, VF_EMU_H747I_DISCO, &(vf_emu_board_config){0});
		double n = measured(&b, packed != 0);
		printf("%s: %.1f instructions a received byte\n", kind[packed], n);
		assert_true(n > 1 && n < most[packed]);
		h7_free(&b);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_received_byte)};

	if (argc < 2)
		return 2;
	h7_folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
