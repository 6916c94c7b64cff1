/* The H7 boards' loaders, executed where a clock does not come: without the crystal they serve
 * both ports at the same rates and say so; without a PLL they say what is broken, over and over.
 * Firmware comes from the folder that is the first argument.
 */
#include "h7_bench.h"

static const enum vf_emu_model models[] = {VF_EMU_H747I_DISCO, VF_EMU_H745I_DISCO};

/* How often a line was printed at the ST-LINK so far. */
static unsigned said(h7_bench *b, const char *line)
{
	char text[4096] = {0};
	unsigned count = 0;

	(void)vf_emu_board_read(b->board, (uint8_t *)text, sizeof text - 1, b->baud);
	for (const char *p = text; (p = strstr(p, line)) != NULL; p++)
		count++;
	return count;
}

static void greeted(h7_bench *b)
{
	uint8_t body[VF_WIRE_BODY_MAX];
	vf_welcome w;

	h7_hello(b, H7_TAG);
	size_t len = h7_await(b, VF_KIND_WELCOME, body, sizeof body, 1000 * (uint64_t)H7_MS);
	assert_int_not_equal(len, 0);
	assert_int_equal(vf_unpack_welcome(&w, body, len), 0);
	assert_int_equal(w.memories, 2);
}

static void test_no_crystal(void **state)
{
	static const char line[] = "the 25 MHz clock (HSE) does not start: going on";

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		h7_bench b;

		h7_new(&b, models[i / 2], &(vf_emu_board_config){.crystal_broken = true});
		h7_run(&b, 1000 * (uint64_t)H7_MS);
		assert_int_equal(said(&b, line), 1);
		if (i % 2 != 0)
			h7_plug(&b);
		greeted(&b);
		h7_free(&b);
	}
}

static void test_no_pll(void **state)
{
	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		h7_bench b;
		unsigned count = 0;

		h7_new(&b, models[m], &(vf_emu_board_config){.pll_broken = true});
		for (unsigned i = 0; i < 20 && count < 2; i++) {
			h7_run(&b, 1000 * (uint64_t)H7_MS);
			count += said(&b, "no session: the PLLs do not lock; trying again\r\n");
		}
		assert_int_equal(count, 2);
		h7_free(&b);
	}
}

static void test_all_is_well(void **state)
{
	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		h7_bench b;

		h7_new(&b, models[m], &(vf_emu_board_config){0});
		h7_run(&b, 500 * (uint64_t)H7_MS);
		assert_int_equal(said(&b, "HSE") + said(&b, "PLL"), 0);
		greeted(&b);
		h7_free(&b);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_crystal),
					   cmocka_unit_test(test_no_pll),
					   cmocka_unit_test(test_all_is_well)};

	if (argc < 2)
		return 2;
	h7_folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
