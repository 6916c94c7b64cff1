/* The STM32H747I-DISCO's start-up, executed: its loader, its stub and the applications of
 * examples/dual-core, as machine code on both emulated cores. The option bytes, the button
 * and what is in the flash differ from test to test; what the board then prints is all
 * that counts. Firmware comes from the folder that is the first argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/emu.h>

#include "layout.h"

enum { MS = 1000000, TEXT = 4096 };

#define BOTH "Cortex-M7: running from external flash\r\nCortex-M4: running from external flash\r\n"

typedef struct bench {
	uint8_t *internal, *external;
	vf_emu_board *board;
	char text[TEXT];
	size_t len;
} bench;

static const char *folder;

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size == 0) {
		free(p);
		return NULL;
	}
	return realloc(p, size);
}

static const vf_alloc heap = {.resize = resize};

static uint8_t *place(const bench *b, uint32_t address)
{
	if (address - VF_EMU_INTERNAL_BASE < VF_EMU_INTERNAL_SIZE)
		return b->internal + (address - VF_EMU_INTERNAL_BASE);
	assert_true(address - H747_NOR_ADDRESS < VF_EMU_EXTERNAL_SIZE);
	return b->external + (address - H747_NOR_ADDRESS);
}

/* `name`.bin of the firmware folder, to where it was linked. */
static void put(const bench *b, const char *name, uint32_t address)
{
	char path[1024];

	(void)snprintf(path, sizeof path, "%s/%s.bin", folder, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(place(b, address), 1, H747_BANK_SIZE, f);
	assert_true(n > 64);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	bench *b = calloc(1, sizeof *b);

	*state = b;
	b->internal = malloc(VF_EMU_INTERNAL_SIZE);
	b->external = malloc(VF_EMU_EXTERNAL_SIZE);
	memset(b->internal, 0xFF, VF_EMU_INTERNAL_SIZE);
	memset(b->external, 0xFF, VF_EMU_EXTERNAL_SIZE);
	put(b, "h747-loader", H747_LOADER_ADDRESS);
	put(b, "h747-m4-stub", H747_STUB_ADDRESS);
	return 0;
}

static int teardown(void **state)
{
	bench *b = *state;

	vf_emu_board_free(b->board);
	free(b->internal);
	free(b->external);
	free(b);
	return 0;
}

static void applications(const bench *b)
{
	put(b, "cm7", H747_CM7_ADDRESS);
	put(b, "cm4", H747_CM4_ADDRESS);
}

static void power(bench *b, const vf_emu_board_config *more)
{
	vf_emu_board_config c = *more;
	vf_error err;

	c.alloc = heap;
	c.internal = b->internal;
	c.external = b->external;
	c.time_percent = 100;
	c.seed = 747;
	b->board = vf_emu_board_new(&c, &err);
	assert_non_null(b->board);
}

static void power_on(bench *b, bool m4_held)
{
	power(b, &(vf_emu_board_config){.m4_held = m4_held});
}

/* All that it prints until `ms` from now. */
static const char *said(bench *b, unsigned ms)
{
	uint64_t end = vf_emu_board_now(b->board) + (uint64_t)ms * MS;

	b->len = 0;
	while (vf_emu_board_now(b->board) < end) {
		int status = vf_emu_board_run(b->board, vf_emu_board_now(b->board) + MS);
		if (status != VF_OK)
			fail_msg("%s", vf_emu_board_stopped(b->board));
		b->len += vf_emu_board_read(b->board, (uint8_t *)b->text + b->len,
					    TEXT - 1 - b->len, 115200);
	}
	b->text[b->len] = '\0';
	return b->text;
}

static void contains(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* BCM4 = 1: the stub has waited for it. */
static void test_by_the_stub(void **state)
{
	bench *b = *state;

	applications(b);
	power_on(b, false);
	assert_string_equal(said(b, 450), BOTH);
}

/* BCM4 = 0, and no stub on the board. */
static void test_by_release(void **state)
{
	bench *b = *state;

	memset(place(b, H747_STUB_ADDRESS), 0xFF, 1024);
	applications(b);
	power_on(b, true);
	assert_string_equal(said(b, 450), BOTH);
}

/* The stub is deaf to what was posted before a reset. */
static void test_again_and_again(void **state)
{
	bench *b = *state;

	applications(b);
	power_on(b, false);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(said(b, 450), BOTH);
		vf_emu_board_reset(b->board);
	}
}

/* The host's 300 ms come first. */
static void test_waits(void **state)
{
	bench *b = *state;

	applications(b);
	power_on(b, false);
	assert_string_equal(said(b, 280), "");
}

static void test_only_one_image(void **state)
{
	bench *b = *state;

	put(b, "cm7", H747_CM7_ADDRESS);
	power_on(b, false);
	assert_string_equal(said(b, 450), "Cortex-M7: running from external flash\r\n");
}

static void test_nothing_to_start(void **state)
{
	bench *b = *state;

	put(b, "cm4", H747_CM4_ADDRESS);
	power_on(b, false);
	contains(said(b, 450), "there is no application");
}

static void test_button(void **state)
{
	bench *b = *state;

	applications(b);
	power_on(b, false);
	vf_emu_board_button(b->board, true);
	contains(said(b, 600), "the button is held");
	vf_emu_board_button(b->board, false);
	vf_emu_board_reset(b->board);
	assert_string_equal(said(b, 450), BOTH);
}

/* The other core's image, and the one at fault is named. The Cortex-M7 starts. */
static void test_wrong_image(void **state)
{
	bench *b = *state;

	put(b, "cm7", H747_CM7_ADDRESS);
	put(b, "cm7", H747_CM4_ADDRESS);
	power_on(b, false);
	contains(said(b, 500), "at 0x90100000 has its stack in no RAM of that core");
	contains(b->text, "Cortex-M7: running");
	assert_null(strstr(b->text, "Cortex-M4: running"));
}

/* It begins by itself where its option bytes say, and there is something else there. */
static void test_stub_is_missing(void **state)
{
	static const uint8_t other[] = {
		0,    0x80, 0x04, 0x10, /* stack */
		9,    0,    0x10, 0x08, /* reset, behind this */
		0xFE, 0xE7, 0xFE, 0xE7, /* b . */
	};
	bench *b = *state;

	applications(b);
	memset(place(b, H747_STUB_ADDRESS), 0xFF, 1024);
	memcpy(place(b, H747_STUB_ADDRESS), other, sizeof other);
	power_on(b, false);
	contains(said(b, 600), "the loader's stub is not at 0x08100000: set option byte BCM4 to 0");
	contains(b->text, "Cortex-M7: running");
}

/* Built with a key, and nothing to make a nonce from: what is there starts all the same. */
static void test_no_randomness(void **state)
{
	bench *b = *state;

	applications(b);
	put(b, "h747-tried-key-loader", H747_LOADER_ADDRESS);
	power(b, &(vf_emu_board_config){.rng_broken = true});
	contains(said(b, 800), BOTH);
	contains(b->text, "random number generator gives nothing");
}

/* The last sign of life before somebody would think of a debug probe: Return. */
static void test_person(void **state)
{
	bench *b = *state;

	power_on(b, false);
	(void)said(b, 50);
	assert_int_equal(vf_emu_board_write(b->board, (const uint8_t *)"\r", 1, 115200), 1);
	contains(said(b, 100), "STM32H747I-DISCO");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_the_stub, setup, teardown),
		cmocka_unit_test_setup_teardown(test_by_release, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again_and_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_one_image, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_to_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_button, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_image, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stub_is_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_randomness, setup, teardown),
		cmocka_unit_test_setup_teardown(test_person, setup, teardown),
	};
	if (argc < 2)
		return 2;
	folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
