/* The boards' own USB socket: the loaders' machine code on the emulator, whose host
 * enumerates them as Linux does and gives every packet once. At full speed (STM32H745I-DISCO)
 * and at high speed (STM32H747I-DISCO).
 */
#include "h7_bench.h"

enum { PAYLOAD = 4000, DATA = 100000 };

static const enum vf_emu_model models[] = {VF_EMU_H745I_DISCO, VF_EMU_H747I_DISCO};
static const char *const names[] = {"full speed", "high speed"};

#define EACH_MODEL(m) for (unsigned m = 0; m < 2; m++)

static void begin(h7_bench *b, unsigned m)
{
	h7_new(b, models[m], &(vf_emu_board_config){0});
	h7_run(b, 50 * H7_MS);
	h7_plug(b);
}

static vf_welcome greeted(h7_bench *b, uint32_t tag)
{
	uint8_t body[VF_WIRE_BODY_MAX];
	vf_welcome w;

	h7_hello(b, tag);
	size_t len = h7_await(b, VF_KIND_WELCOME, body, sizeof body, 500 * (uint64_t)H7_MS);
	assert_true(len != 0);
	assert_int_equal(vf_unpack_welcome(&w, body, len), 0);
	return w;
}

static void test_talks(void **state)
{
	(void)state;
	EACH_MODEL(m)
	{
		h7_bench b;

		begin(&b, m);
		vf_welcome w = greeted(&b, H7_TAG);
		assert_int_equal(w.rate, 0);
		assert_string_equal(w.name, m == 0 ? "STM32H745I-DISCO" : "STM32H747I-DISCO");
		h7_free(&b);
	}
}

/* Data as fast as the bus takes it, while the chip erases. None is lost or damaged. */
static void test_received_packets(void **state)
{
	static uint8_t bytes[PAYLOAD];
	/* What is printed, and some room. */
	static const double least[] = {1.15e6, 5e6};

	(void)state;
	EACH_MODEL(m)
	{
		h7_bench b;
		vf_emu_counts before, after;
		vf_emu_usb_counts from, to;
		uint32_t x = 747;

		begin(&b, m);
		(void)greeted(&b, H7_TAG);
		h7_begin(&b);
		vf_emu_board_counts(b.board, &before);
		vf_emu_usb_count(b.board, &from);
		uint64_t since = vf_emu_board_now(b.board);
		for (size_t sent = 0; sent < DATA; sent += PAYLOAD) {
			for (size_t i = 0; i < PAYLOAD; i++) {
				x = x * 1664525 + 1013904223;
				bytes[i] = (uint8_t)(x >> 24);
			}
			h7_stream(&b, bytes, PAYLOAD);
		}
		do {
			h7_run(&b, H7_MS / 50);
			vf_emu_usb_count(b.board, &to);
		} while (to.out_bytes - from.out_bytes < DATA + DATA / 200);
		double seconds = (double)(vf_emu_board_now(b.board) - since) / 1e9;
		vf_emu_board_counts(b.board, &after);
		assert_int_equal(after.pages, before.pages);
		double out = (double)(to.out_bytes - from.out_bytes);
		double packets = (double)(to.out_packets - from.out_packets);
		printf("%s: %.0f bytes a second into the ring; %.0f instructions a packet in "
		       "handlers, "
		       "%.1f a byte in all; %.1f NAKs a packet\n",
		       names[m], out / seconds,
		       (double)(after.handlers[0] - before.handlers[0]) / packets,
		       (double)(after.instructions[0] - before.instructions[0]) / out,
		       (double)(to.naks - from.naks) / packets);
		assert_true(out / seconds > least[m]);
		h7_run(&b, 50 * H7_MS); /* what is in the ring */
		vf_state s = h7_state(&b);
		assert_int_equal(s.received, b.offset);
		assert_int_equal(s.damaged, 0);
		assert_int_equal(s.lost, 0);
		h7_free(&b);
	}
}

/* A session over USB, by whatever way the bus has come to be as it is. */
static void check_talk(h7_bench *b, uint32_t tag)
{
	for (unsigned i = 0; i < 3000 && !vf_emu_usb_ready(b->board); i++)
		h7_run(b, H7_MS);
	assert_true(vf_emu_usb_ready(b->board));
	(void)greeted(b, tag);
	assert_int_equal(h7_state(b).damaged, 0);
}

static void test_bus_events(void **state)
{
	(void)state;
	EACH_MODEL(m)
	{
		h7_bench b;

		begin(&b, m);
		check_talk(&b, 1);
		vf_emu_usb_suspend(b.board, true);
		h7_run(&b, 200 * H7_MS);
		vf_emu_usb_suspend(b.board, false);
		h7_run(&b, 100 * H7_MS);
		check_talk(&b, 2);
		vf_emu_usb_reset(b.board);
		h7_run(&b, 10 * H7_MS);
		check_talk(&b, 3);
		vf_emu_usb_plug(b.board, false);
		h7_run(&b, 100 * H7_MS);
		vf_emu_usb_plug(b.board, true);
		h7_run(&b, 10 * H7_MS);
		check_talk(&b, 4);
		vf_emu_board_reset(b.board);
		h7_run(&b, 100 * H7_MS);
		check_talk(&b, 5);
		h7_free(&b);
	}
}

/* A bus that wakes without the core's interrupt for it: whoever asks is answered. */
static void test_wake_unheard(void **state)
{
	(void)state;
	EACH_MODEL(m)
	{
		h7_bench b;
		vf_emu_usb_counts before, after;

		h7_new(&b, models[m], &(vf_emu_board_config){.usb_wake_lost = true});
		h7_run(&b, 50 * H7_MS);
		h7_plug(&b);
		check_talk(&b, 1);
		vf_emu_usb_count(b.board, &before);
		vf_emu_usb_suspend(b.board, true);
		h7_run(&b, 200 * H7_MS);
		vf_emu_usb_suspend(b.board, false);
		h7_run(&b, 100 * H7_MS);
		check_talk(&b, 2);
		vf_emu_usb_count(b.board, &after);
		assert_int_equal(after.resets, before.resets);
		h7_free(&b);
	}
}

/* Resets in the middle of what goes both ways, of cores that forget what their endpoints
 * were doing and of cores that do not. */
static void test_resets(void **state)
{
	static const uint8_t bytes[PAYLOAD];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		h7_bench b;

		h7_new(&b, models[i % 2], &(vf_emu_board_config){.usb_keeps = i >= 2});
		h7_run(&b, 50 * H7_MS);
		h7_plug(&b);
		check_talk(&b, 1);
		for (uint32_t reset = 0; reset < 8; reset++) {
			h7_stream(&b, bytes, PAYLOAD);
			h7_say(&b, VF_KIND_QUERY, NULL, 0);
			h7_run(&b, reset * H7_MS / 40);
			vf_emu_usb_reset(b.board);
			h7_run(&b, 10 * H7_MS);
			check_talk(&b, 2 + reset);
		}
		h7_free(&b);
	}
}

/* Control transfers of all kinds, cut anywhere; then an ordinary host again. */
static void test_hostile(void **state)
{
	(void)state;
	EACH_MODEL(m)
	{
		h7_bench b;
		vf_emu_usb_counts c;

		begin(&b, m);
		vf_emu_usb_attack(b.board, 300);
		h7_run(&b, 1000 * (uint64_t)H7_MS);
		check_talk(&b, 1);
		vf_emu_usb_count(b.board, &c);
		assert_int_equal(c.attacks, 300);
		h7_free(&b);
	}
}

/* Lost handshakes make the host repeat packets: the board takes each once. A high-speed
 * board on a hub that has no high speed works too. */
static void test_noise_and_slow_hub(void **state)
{
	static uint8_t bytes[PAYLOAD];

	(void)state;
	EACH_MODEL(m)
	{
		h7_bench b;
		vf_emu_usb_counts c;

		h7_new(&b, models[m],
		       &(vf_emu_board_config){.usb_noise = 20, .usb_full_speed = true});
		h7_run(&b, 50 * H7_MS);
		h7_plug(&b);
		(void)greeted(&b, 1);
		h7_begin(&b);
		for (size_t sent = 0; sent < DATA; sent += PAYLOAD) {
			memset(bytes, (int)(sent / PAYLOAD), sizeof bytes);
			h7_stream(&b, bytes, PAYLOAD);
		}
		h7_run(&b, 300 * (uint64_t)H7_MS);
		vf_emu_usb_count(b.board, &c);
		assert_true(c.timeouts > 20);
		assert_true(c.out_bytes / c.out_packets <= 64);
		vf_state s = h7_state(&b);
		assert_int_equal(s.received, b.offset);
		assert_int_equal(s.damaged, 0);
		h7_free(&b);
	}
}

/* Nobody reads, and the board programs all the same. */
static void test_host_that_does_not_read(void **state)
{
	static uint8_t bytes[PAYLOAD];
	h7_bench b;

	(void)state;
	begin(&b, 0);
	(void)greeted(&b, 1);
	h7_begin(&b);
	vf_emu_usb_open(b.board, true, false);
	for (size_t sent = 0; sent < DATA; sent += PAYLOAD) {
		memset(bytes, 0x5A, sizeof bytes);
		h7_stream(&b, bytes, PAYLOAD);
	}
	h7_run(&b, 5000 * (uint64_t)H7_MS);
	assert_int_equal(b.external[0], 0x5A);
	assert_int_equal(b.external[DATA / 2], 0x5A);
	vf_emu_usb_open(b.board, true, true);
	h7_run(&b, 1500 * (uint64_t)H7_MS);
	assert_int_equal(h7_state(&b).received, b.offset);
	h7_free(&b);
}

/* Both ports are open: who is first has the session, until it is gone. */
static void test_both_ports(void **state)
{
	uint8_t body[VF_WIRE_BODY_MAX];
	h7_bench b;

	(void)state;
	begin(&b, 0);
	check_talk(&b, 1);
	b.usb = false;
	h7_hello(&b, 2);
	assert_int_equal(h7_await(&b, VF_KIND_WELCOME, body, sizeof body, 300 * (uint64_t)H7_MS),
			 0);
	vf_emu_usb_open(b.board, false, false);
	h7_run(&b, 20 * H7_MS);
	vf_welcome w = greeted(&b, 2);
	assert_true(w.rate > 115200);
	vf_emu_usb_open(b.board, true, true);
	b.usb = true;
	h7_run(&b, 100 * H7_MS);
	h7_hello(&b, 3);
	assert_int_equal(h7_await(&b, VF_KIND_WELCOME, body, sizeof body, 300 * (uint64_t)H7_MS),
			 0);
	h7_run(&b, 4500 * (uint64_t)H7_MS);
	assert_int_equal(greeted(&b, 3).rate, 0);
	h7_free(&b);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talks),
		cmocka_unit_test(test_bus_events),
		cmocka_unit_test(test_wake_unheard),
		cmocka_unit_test(test_resets),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_noise_and_slow_hub),
		cmocka_unit_test(test_host_that_does_not_read),
		cmocka_unit_test(test_both_ports),
	};

	const struct CMUnitTest figures[] = {cmocka_unit_test(test_received_packets)};

	if (argc < 2)
		return 2;
	h7_folder = argv[1];
	if (argc > 2) /* for docs/USB.md, by usb_figures.py */
		return cmocka_run_group_tests_name("figures", figures, NULL, NULL);
	return cmocka_run_group_tests_name("usb", tests, NULL, NULL);
}
