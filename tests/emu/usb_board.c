/* usb_board.c - the boards' firmware at their own USB sockets: a host that attacks its
 * control endpoint, after which it is enumerated as ever and no flash has changed; lost
 * handshakes; and the same run twice.
 *
 *   test_emu_usb_board LOADER.bin STUB.bin
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vcpflash/emu.h>

#include <cmocka.h>

#include "world.h"

enum { MS = 1000000, PATIENCE_MS = 20000, ATTACKS = 500, PACE_MS = 100 };

static const char *loader, *stub;

static emu_world plugged(uint64_t seed, uint32_t noise)
{
	const vf_emu_board_config c = {
		.model = VF_EMU_H745I_DISCO, .seed = seed, .usb_noise = noise};
	emu_world w = emu_world_new(&c, loader, stub);
	vf_emu_usb_plug(w.board, true);
	return w;
}

/* Until the host has enumerated it so often. */
static vf_emu_usb_counts enumerated(emu_world *w, uint64_t times)
{
	vf_emu_usb_counts c = {0};
	for (unsigned i = 0; i < PATIENCE_MS && c.enumerations < times; i++) {
		if (vf_emu_board_run(w->board, vf_emu_board_now(w->board) + MS) != VF_OK)
			fail_msg("%s", vf_emu_board_stopped(w->board));
		vf_emu_usb_count(w->board, &c);
	}
	assert_string_equal(vf_emu_usb_trouble(w->board), "");
	assert_int_equal(c.enumerations, times);
	return c;
}

static uint64_t digest(const uint8_t *data, size_t len)
{
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ data[i]) * 1099511628211u;
	return hash;
}

static vf_emu_usb_counts attack(uint64_t seed)
{
	emu_world w = plugged(seed, 0);
	(void)enumerated(&w, 1);
	const uint64_t before = digest(w.internal, VF_EMU_INTERNAL_SIZE);
	vf_emu_counts flash;
	vf_emu_usb_attack(w.board, ATTACKS);
	const vf_emu_usb_counts c = enumerated(&w, 2);
	assert_int_equal(c.attacks, ATTACKS);
	vf_emu_board_counts(w.board, &flash);
	assert_int_equal(flash.pages, 0);
	assert_int_equal(flash.erases, 0);
	assert_true(before == digest(w.internal, VF_EMU_INTERNAL_SIZE));
	emu_world_free(&w);
	return c;
}

static void test_attack(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++)
		(void)attack(seed);
}

static void test_same_again(void **state)
{
	(void)state;
	const vf_emu_usb_counts one = attack(9), two = attack(9);
	assert_memory_equal(&one, &two, sizeof one);
}

/* Bytes into the ring as fast as the bus carries them: separators, which the loader skips. */
static void test_pace(void **state)
{
	static uint8_t zeros[4096];
	(void)state;
	emu_world w = plugged(3, 0);
	vf_emu_counts from, to;
	vf_emu_usb_counts c = enumerated(&w, 1), d;
	for (unsigned i = 0; i < 20; i++) /* the port is opened */
		(void)vf_emu_board_run(w.board, vf_emu_board_now(w.board) + MS);
	vf_emu_usb_count(w.board, &c);
	vf_emu_board_counts(w.board, &from);
	for (unsigned i = 0; i < PACE_MS; i++) {
		(void)vf_emu_usb_write(w.board, zeros, sizeof zeros, 0);
		(void)vf_emu_board_run(w.board, vf_emu_board_now(w.board) + MS);
	}
	vf_emu_usb_count(w.board, &d);
	vf_emu_board_counts(w.board, &to);
	const uint64_t packets = d.out_packets - c.out_packets;
	print_message(
		"full speed: %llu bytes a second into the ring, %llu instructions in interrupts a "
		"packet\n",
		(unsigned long long)((d.out_bytes - c.out_bytes) * 1000 / PACE_MS),
		(unsigned long long)((to.handlers[0] - from.handlers[0]) / packets));
	assert_int_equal(d.most, 19);
	assert_true(d.out_bytes - c.out_bytes >= UINT64_C(1150) * PACE_MS);
	emu_world_free(&w);
}

static void test_noise(void **state)
{
	(void)state;
	emu_world w = plugged(3, 4);
	(void)enumerated(&w, 1);
	emu_world_free(&w);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attack),
		cmocka_unit_test(test_same_again),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_pace),
	};
	if (argc < 3)
		return 2;
	loader = argv[1];
	stub = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
