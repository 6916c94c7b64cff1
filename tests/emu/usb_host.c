/* usb_host.c - the host and the OTG core together, over the device of usb_toy.h: it is
 * enumerated, carries bytes, is unplugged, put to sleep, attacked; and what a device does
 * wrong is said.
 */
#include "usb_toy.h"

#include <stdlib.h>
#include <string.h>

enum { MUCH = 60000 };

static const vf_usb_host_config plain = {.seed = 5};

static void fill(uint8_t *data, uint32_t from, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		data[i] = (uint8_t)((from + i) * 7);
}

static void test_enumeration(void **state)
{
	(void)state;
	for (unsigned board = 0; board < 2; board++) {
		toy *t = toy_new((enum vf_h7_board)board, &plain);

		toy_enumerate(t);
		assert_int_equal(t->host.high, board == VF_H7_H747I_DISCO);
		assert_string_equal(t->host.serial, "toy");
		assert_int_equal(t->host.counts.enumerations, 1);
		assert_int_equal(t->resets, 2);
		assert_int_equal(t->state, 3); /* DTR, RTS */
		assert_int_equal(t->lines, 2); /* 9600 when found, then what was asked for */
		assert_int_equal(t->line[0] | t->line[1] << 8 | t->line[2] << 16, 115200);
		(void)vf_usb_host_write(&t->host, NULL, 0, 921600);
		toy_run(t, 2);
		assert_int_equal(t->line[0] | t->line[1] << 8 | t->line[2] << 16, 921600);
		vf_usb_host_open(&t->host, false, false);
		toy_run(t, 2);
		assert_int_equal(t->state, 0);
		toy_free(t);
	}
}

/* A port without high speed: the same device at full speed. */
static void test_slow_hub(void **state)
{
	toy *t = toy_new(VF_H7_H747I_DISCO, &(vf_usb_host_config){.full_speed = true});

	(void)state;
	toy_enumerate(t);
	assert_false(t->host.high);
	assert_int_equal(rd(t->r, OTG1 + 0x808) >> 1 & 3, 1);
	toy_free(t);
}

/* Sends `len` bytes of the pattern and takes back what comes; returns how many came. */
static uint32_t bounce(toy *t, uint32_t len, uint64_t ms)
{
	static uint8_t out[MUCH], in[MUCH];
	uint32_t sent = 0, got = 0;

	fill(out, t->received, len);
	for (uint64_t i = 0; i < ms && got < len; i++) {
		sent += (uint32_t)vf_usb_host_write(&t->host, out + sent, len - sent, 0);
		toy_run(t, 1);
		got += (uint32_t)vf_usb_host_read(&t->host, in + got, sizeof in - got);
	}
	assert_memory_equal(out, in, got);
	return got;
}

/* Lengths around packets: a short one ends, a whole one needs an empty one behind it. */
static void test_bridge(void **state)
{
	static const uint32_t lengths[] = {1, 63, 64, 65, 511, 512, 513, 1024, 16 * 64, 5000};

	(void)state;
	for (unsigned board = 0; board < 2; board++) {
		toy *t = toy_new((enum vf_h7_board)board, &plain);

		toy_enumerate(t);
		for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
			const uint32_t len = lengths[i];
			const uint32_t whole = (t->high ? 3 * 512 : 16 * 64);

			/* The toy answers at the end of a transfer: a short packet, or all. */
			if (len % (t->high ? 512 : 64) != 0 || len % whole == 0)
				assert_int_equal(bounce(t, len, 200), len);
		}
		assert_int_equal(t->order, 0);
		assert_int_equal(t->host.counts.stalls, board == VF_H7_H745I_DISCO ? 1 : 0);
		toy_free(t);
	}
}

/* No frame holds more than fit, and a willing device gets as many. */
static void test_budget(void **state)
{
	static uint8_t data[MUCH];

	(void)state;
	for (unsigned board = 0; board < 2; board++) {
		toy *t = toy_new((enum vf_h7_board)board, &plain);
		const uint64_t ms = board == VF_H7_H745I_DISCO ? 40 : 5;
		uint64_t from, began;

		toy_enumerate(t);
		t->mode = TOY_SINK;
		from = t->received;
		began = t->r->now;
		for (uint64_t i = 0; i < ms; i++) {
			const uint32_t at = (uint32_t)(t->host.tx_head);

			fill(data, at, MUCH);
			(void)vf_usb_host_write(&t->host, data, MUCH, 0);
			toy_run(t, 1);
		}
		assert_int_equal(t->host.counts.most, t->high ? 13 : 19);
		assert_int_equal(t->order, 0);
		/* The toy looks every 4 us, so that at high speed it costs a packet or two. */
		assert_in_range((t->received - from) * UINT64_C(1000000) / (t->r->now - began),
				t->high ? 50000 : 1150, t->high ? 13 * 8 * 512 : 19 * 64);
		toy_free(t);
	}
}

/* A device without room: the host tries again, and nothing is lost or repeated. */
static void test_refusal(void **state)
{
	static uint8_t data[4000];

	(void)state;
	for (unsigned board = 0; board < 2; board++) {
		toy *t = toy_new((enum vf_h7_board)board, &plain);
		const uint32_t room = board == VF_H7_H745I_DISCO ? 16 * 64 : 3 * 512;

		toy_enumerate(t);
		t->mode = TOY_FULL;
		fill(data, 0, sizeof data);
		for (unsigned i = 0; i < 5; i++) {
			fill(data, (uint32_t)t->host.tx_head, sizeof data);
			(void)vf_usb_host_write(&t->host, data, sizeof data, 0);
		}
		toy_run(t, 30);
		assert_int_equal(t->received, room);
		assert_true(t->host.counts.naks > 20);
		assert_int_equal(t->host.counts.out_bytes, room);
		t->mode = TOY_SINK;
		set(t->r, t->base + 0xB00 + 0x20, 0);
		wr(t->r, t->base + 0xB00 + 0x30, 16u << 19 | 16 * (t->high ? 512u : 64u));
		set(t->r, t->base + 0xB00 + 0x20, 1u << 31 | 1u << 26);
		toy_run(t, 40);
		assert_int_equal(t->received, 20000);
		assert_int_equal(t->order, 0);
		toy_free(t);
	}
}

/* Every third handshake is lost: toggles sort out what came twice. */
static void test_noise(void **state)
{
	(void)state;
	for (unsigned board = 0; board < 2; board++) {
		toy *t = toy_new((enum vf_h7_board)board,
				 &(vf_usb_host_config){.seed = 1, .noise = 3});

		toy_enumerate(t);
		assert_int_equal(bounce(t, 3001, 300), 3001);
		assert_int_equal(t->order, 0);
		assert_true(t->host.counts.repeats > 1);
		assert_true(t->host.counts.timeouts > 5);
		toy_free(t);
	}
}

/* A host that does not read keeps its IN tokens, and the device its packets. */
static void test_nobody_reads(void **state)
{
	toy *t = toy_new(VF_H7_H745I_DISCO, &plain);
	uint8_t data[100], back[200];

	(void)state;
	toy_enumerate(t);
	vf_usb_host_open(&t->host, true, false);
	fill(data, 0, sizeof data);
	(void)vf_usb_host_write(&t->host, data, sizeof data, 0);
	toy_run(t, 20);
	assert_int_equal(t->received, 100);
	assert_true(t->sending);
	assert_int_equal(vf_usb_host_read(&t->host, back, sizeof back), 0);
	vf_usb_host_open(&t->host, true, true);
	toy_run(t, 5);
	assert_int_equal(vf_usb_host_read(&t->host, back, sizeof back), 100);
	assert_memory_equal(back, data, 100);
	toy_free(t);
}

static void test_unplug(void **state)
{
	(void)state;
	for (uint64_t packet = 1; packet < 34; packet += 3) {
		toy *t = toy_new(VF_H7_H745I_DISCO, &(vf_usb_host_config){.pull_after = packet,
									  .pulled_ns = 50000000});

		toy_enumerate(t);
		assert_true(bounce(t, 1100, 10) < 1100);
		assert_false(vf_usb_host_ready(&t->host));
		assert_int_equal(vf_usb_host_write(&t->host, (const uint8_t *)"x", 1, 0), 0);
		toy_run(t, 20);
		assert_int_equal(t->suspends, 1); /* the line is idle */
		toy_run(t, 60);
		toy_enumerate(t);
		t->received = t->order = 0;
		assert_int_equal(bounce(t, 1500, 50), 1500);
		assert_int_equal(t->host.counts.enumerations, 2);
		toy_free(t);
	}
}

static void test_suspend(void **state)
{
	toy *t = toy_new(VF_H7_H745I_DISCO, &plain);

	(void)state;
	toy_enumerate(t);
	vf_usb_host_suspend(&t->host, true, t->r->now);
	toy_run(t, 2);
	assert_int_equal(t->suspends, 0);
	toy_run(t, 2);
	assert_int_equal(t->suspends, 1);
	assert_int_equal(rd(t->r, OTG2 + 0x808) & 1, 1);
	toy_run(t, 100);
	assert_true(vf_usb_host_ready(&t->host));
	vf_usb_host_suspend(&t->host, false, t->r->now);
	toy_run(t, 25);
	assert_int_equal(t->wakes, 1);
	assert_int_equal(rd(t->r, OTG2 + 0x808) & 1, 0);
	assert_int_equal(bounce(t, 333, 20), 333);
	assert_int_equal(t->host.counts.enumerations, 1);
	toy_free(t);
}

/* A soft disconnect is the end for the host, as a pulled cable. */
static void test_device_goes(void **state)
{
	toy *t = toy_new(VF_H7_H745I_DISCO, &plain);

	(void)state;
	toy_enumerate(t);
	set(t->r, OTG2 + 0x804, 2);
	toy_run(t, 5);
	assert_false(vf_usb_host_ready(&t->host));
	clear(t->r, OTG2 + 0x804, 2);
	toy_enumerate(t);
	assert_int_equal(t->host.counts.enumerations, 2);
	toy_free(t);
}

static void test_attack(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 9; seed++) {
		toy *t = toy_new(seed % 2 != 0 ? VF_H7_H745I_DISCO : VF_H7_H747I_DISCO,
				 &(vf_usb_host_config){.seed = seed});

		toy_enumerate(t);
		vf_usb_host_attack(&t->host, 300, t->r->now);
		for (unsigned i = 0; i < 10000 && t->host.counts.enumerations < 2; i++)
			toy_run(t, 1);
		assert_int_equal(t->host.counts.attacks, 300);
		assert_int_equal(t->host.counts.enumerations, 2);
		toy_enumerate(t);
		t->received = t->order = 0;
		assert_int_equal(bounce(t, 777, 50), 777);
		toy_free(t);
	}
}

static void test_trouble(void **state)
{
	static const struct {
		enum toy_fault fault;
		const char *says;
	} bad[] = {
		{TOY_SHORT_CONFIGURATION, "configuration: shorter than it says"},
		{TOY_BIG_PACKET, "configuration: an endpoint that this speed does not allow"},
		{TOY_NO_ADDRESS, "SET_ADDRESS: refused"},
		{TOY_DEAF, "no device descriptor (-3 bytes, type 0, packets of 0)"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		toy *t = toy_new(VF_H7_H745I_DISCO, &plain);

		t->fault = bad[i].fault;
		toy_run(t, bad[i].fault == TOY_DEAF ? 22000 : 1500);
		assert_string_equal(t->host.trouble, bad[i].says);
		assert_int_equal(t->host.state, VF_USB_GIVEN_UP);
		assert_int_equal(t->host.counts.enumerations, 0);
		/* Pulled and plugged in again it gets another chance. */
		t->fault = TOY_GOOD;
		t->host.trouble[0] = '\0';
		vf_usb_host_plug(&t->host, false, t->r->now);
		toy_run(t, 10);
		vf_usb_host_plug(&t->host, true, t->r->now);
		toy_enumerate(t);
		toy_free(t);
	}
}

static void test_same_again(void **state)
{
	vf_usb_counts counts[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		toy *t = toy_new(VF_H7_H745I_DISCO, &(vf_usb_host_config){.seed = 9, .noise = 5});

		toy_enumerate(t);
		(void)bounce(t, 5001, 100);
		vf_usb_host_attack(&t->host, 50, t->r->now);
		toy_run(t, 2000);
		counts[i] = t->host.counts;
		toy_free(t);
	}
	assert_memory_equal(&counts[0], &counts[1], sizeof counts[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enumeration),  cmocka_unit_test(test_slow_hub),
		cmocka_unit_test(test_bridge),       cmocka_unit_test(test_budget),
		cmocka_unit_test(test_refusal),      cmocka_unit_test(test_noise),
		cmocka_unit_test(test_nobody_reads), cmocka_unit_test(test_unplug),
		cmocka_unit_test(test_suspend),      cmocka_unit_test(test_device_goes),
		cmocka_unit_test(test_attack),       cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
