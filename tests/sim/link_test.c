/* link_test.c - one direction of a link: exact pace, latency, holding back, and
 * faults as often as asked for. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "board.h"
#include "board_rig.h"

#include <math.h>
#include <string.h>

static vf_sim_link make(uint64_t rate, uint32_t latency, uint32_t buffer, const vf_sim_fault *fault)
{
	static const vf_sim_fault none = {.cut = 0};
	vf_sim_link l;
	vf_sim_link_config c = {.rate = rate,
				.latency_us = latency,
				.buffer = buffer,
				.unread = 4096,
				.seed = 99,
				.fault = fault != NULL ? fault : &none};
	assert_int_equal(vf_sim_link_init(&l, &rig_alloc, &c), VF_OK);
	return l;
}

/* Keeps the line full for `total` bytes and returns when the last arrived; the
 * bytes that came out are counted and, in order, checked. */
static uint64_t stream(vf_sim_link *l, uint64_t total, uint64_t *came)
{
	uint64_t now = 0, last = 0, put = 0;
	*came = 0;
	for (;;) {
		size_t n;
		const uint8_t *got = vf_sim_link_peek(l, &n, now);
		if (n > 0) {
			for (size_t i = 0; i < n; i++)
				assert_int_equal(got[i], (uint8_t)(*came + i));
			*came += n;
			last = now;
			vf_sim_link_take(l, n);
			continue;
		}
		while (put < total) {
			uint8_t byte = (uint8_t)put;
			if (vf_sim_link_put(l, &byte, 1, now) == 0)
				break;
			put++;
		}
		uint64_t next = vf_sim_link_next(l, now);
		if (next == VF_SIM_NEVER)
			return last;
		assert_true(next > now);
		now = next;
	}
}

static void check_pace(uint64_t rate, uint32_t latency, uint64_t total)
{
	vf_sim_link l = make(rate, latency, 4096, NULL);
	uint64_t came, last = stream(&l, total, &came);
	double ideal = (double)total * 1e6 / (double)rate + latency;
	assert_int_equal(came, total);
	/* Rounded up to a microsecond once, however long it goes. */
	if (fabs((double)last - ideal) > 1.0)
		fail_msg("%llu bytes at %llu a second took %llu us, not %.2f",
			 (unsigned long long)total, (unsigned long long)rate,
			 (unsigned long long)last, ideal);
	vf_sim_link_free(&l, &rig_alloc);
}

static void pace_is_exact(void **state)
{
	(void)state;
	check_pace(1000000, 1000, 2000000);
	check_pace(4500000, 125, 3000000);
	check_pace(15000000, 125, 3000000);
	check_pace(11520, 0, 100000);
	check_pace(92160, 0, 300000);
	check_pace(7, 0, 100);
}

static void one_byte_is_late_by_the_latency(void **state)
{
	(void)state;
	vf_sim_link l = make(1000000, 1000, 4096, NULL);
	size_t n;
	assert_int_equal(vf_sim_link_put(&l, (const uint8_t *)"x", 1, 500), 1);
	assert_int_equal(vf_sim_link_next(&l, 500), 500 + 1 + 1000);
	(void)vf_sim_link_peek(&l, &n, 1500);
	assert_int_equal(n, 0);
	(void)vf_sim_link_peek(&l, &n, 1501);
	assert_int_equal(n, 1);
	vf_sim_link_free(&l, &rig_alloc);
}

static void ideal_needs_no_time(void **state)
{
	(void)state;
	vf_sim_link l = make(0, 0, 4096, NULL);
	uint8_t block[3000] = {0};
	size_t n;
	assert_int_equal(vf_sim_link_put(&l, block, sizeof block, 77), sizeof block);
	(void)vf_sim_link_peek(&l, &n, 77);
	assert_int_equal(n, sizeof block);
	vf_sim_link_free(&l, &rig_alloc);
}

/* A sender gets ahead by what the buffer takes, and not more. */
static void senders_are_held_back(void **state)
{
	(void)state;
	vf_sim_link l = make(1000, 0, 100, NULL);
	uint8_t block[500] = {0};
	assert_int_equal(vf_sim_link_put(&l, block, sizeof block, 0), 100);
	assert_int_equal(vf_sim_link_put(&l, block, sizeof block, 0), 0);
	uint64_t at = vf_sim_link_room_at(&l, 0);
	assert_true(at > 0 && at <= 100000);
	assert_int_equal(vf_sim_link_put(&l, block, sizeof block, at), at / 1000);
	vf_sim_link_free(&l, &rig_alloc);
}

/* What was held arrives at the line's rate afterwards, not all at once. */
static void holding_stops_the_line(void **state)
{
	(void)state;
	vf_sim_link l = make(1000, 0, 100, NULL);
	uint8_t block[50] = {0};
	size_t n;
	assert_int_equal(vf_sim_link_put(&l, block, sizeof block, 0), 50);
	(void)vf_sim_link_peek(&l, &n, 10000);
	assert_int_equal(n, 10);
	vf_sim_link_take(&l, n);
	(void)vf_sim_link_peek(&l, &n, 11000);
	assert_int_equal(n, 1);
	vf_sim_link_hold(&l);
	assert_int_equal(vf_sim_link_next(&l, 11000), VF_SIM_NEVER);
	assert_int_equal(vf_sim_link_put(&l, block, 5, 500000), 5);
	vf_sim_link_release(&l, 1000000);
	(void)vf_sim_link_peek(&l, &n, 1000000);
	assert_int_equal(n, 1);
	(void)vf_sim_link_peek(&l, &n, 1009000);
	assert_int_equal(n, 10);
	(void)vf_sim_link_peek(&l, &n, 1043999);
	assert_int_equal(n, 44);
	(void)vf_sim_link_peek(&l, &n, 1044000);
	assert_int_equal(n, 45);
	vf_sim_link_free(&l, &rig_alloc);
}

static void cutting_loses_what_was_not_sent(void **state)
{
	(void)state;
	vf_sim_link l = make(1000, 5000, 100, NULL);
	uint8_t block[50] = {0};
	size_t n;
	assert_int_equal(vf_sim_link_put(&l, block, sizeof block, 0), 50);
	vf_sim_link_cut(&l, 20000); /* 20 have left, of which 15 have arrived */
	(void)vf_sim_link_peek(&l, &n, 20000);
	assert_int_equal(n, 15);
	(void)vf_sim_link_peek(&l, &n, 1000000);
	assert_int_equal(n, 20);
	vf_sim_link_free(&l, &rig_alloc);
}

/* --- faults --------------------------------------------------------------------- */

typedef struct count {
	uint64_t put, came, wrong_bits, wrong_bytes;
	uint64_t last;
} count;

/* Zeros in: every one that comes out is a flipped bit. */
static count run_faults(const vf_sim_fault *f, uint64_t total)
{
	static const uint8_t zeros[256];
	vf_sim_link l = make(1000000, 0, 4096, f);
	count c = {.put = 0};
	uint64_t now = 0;
	while (now != VF_SIM_NEVER) {
		size_t n;
		const uint8_t *got = vf_sim_link_peek(&l, &n, now);
		for (size_t i = 0; i < n; i++) {
			c.wrong_bits += (uint64_t)__builtin_popcount(got[i]);
			c.wrong_bytes += got[i] != 0;
		}
		vf_sim_link_take(&l, n);
		c.came += n;
		if (n > 0)
			c.last = now;
		uint64_t left = total - c.put;
		c.put += vf_sim_link_put(&l, zeros, left < 256 ? (size_t)left : 256, now);
		now = vf_sim_link_next(&l, now);
	}
	vf_sim_link_free(&l, &rig_alloc);
	return c;
}

/* Six standard deviations of a binomial: once in half a billion tests wrong,
 * and with a fixed seed never by chance tomorrow. */
static void expect_rate(const char *what, uint64_t seen, uint64_t total, double p)
{
	double mean = (double)total * p, deviation = sqrt((double)total * p * (1 - p));
	print_message("%s: %llu of %llu, expected %.0f +- %.0f\n", what, (unsigned long long)seen,
		      (unsigned long long)total, mean, deviation);
	assert_true(fabs((double)seen - mean) <= 6 * deviation);
}

static void faults_are_as_frequent_as_asked(void **state)
{
	(void)state;
	const uint64_t total = 1000000;
	count c = run_faults(&(vf_sim_fault){.corrupt = 0.01}, total);
	expect_rate("corrupt", c.wrong_bytes, total, 0.01);
	assert_int_equal(c.wrong_bits, c.wrong_bytes); /* one bit each */
	assert_int_equal(c.came, total);
	c = run_faults(&(vf_sim_fault){.drop = 0.001}, total);
	expect_rate("drop", total - c.came, total, 0.001);
	c = run_faults(&(vf_sim_fault){.dup = 0.003}, total);
	expect_rate("dup", c.came - total, total, 0.003);
	c = run_faults(&(vf_sim_fault){.stall = 0.0005, .stall_ms = 7}, total);
	assert_int_equal((c.last - total) % 7000, 0);
	expect_rate("stall", (c.last - total) / 7000, total, 0.0005);
	c = run_faults(&(vf_sim_fault){.cut = 1}, total);
	assert_int_equal(c.came, total);
	assert_int_equal(c.wrong_bytes, 0);
}

static void seeds_repeat(void **state)
{
	(void)state;
	vf_sim_fault f = {.corrupt = 0.01, .drop = 0.01, .dup = 0.01};
	count a = run_faults(&f, 50000), b = run_faults(&f, 50000);
	assert_memory_equal(&a, &b, sizeof a);
}

/* --- words ------------------------------------------------------------------------ */

static void links_have_names(void **state)
{
	(void)state;
	vf_sim_link_model m;
	vf_error err;
	assert_int_equal(vf_sim_link_parse(&m, "usb-fs", &err), VF_OK);
	assert_true(m.out_rate == 1000000 && m.in_rate == 1000000 && m.latency_us == 1000);
	assert_false(m.loses);
	assert_int_equal(vf_sim_link_parse(&m, "usb-hs", &err), VF_OK);
	assert_true(m.out_rate == 4500000 && m.in_rate == 15000000 && m.latency_us == 125);
	assert_int_equal(vf_sim_link_parse(&m, "uart:921600", &err), VF_OK);
	assert_true(m.out_rate == 92160 && m.in_rate == 92160 && m.latency_us == 0 && m.loses);
	assert_int_equal(vf_sim_link_parse(&m, "ideal", &err), VF_OK);
	assert_true(m.out_rate == 0 && m.in_rate == 0 && m.latency_us == 0);
	const char *bad[] = {
		"", "usb", "uart", "uart:", "uart:x", "uart:-1", "uart:115200x", "uart:0"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(vf_sim_link_parse(&m, bad[i], &err), VF_E_USAGE);
		assert_non_null(strstr(err.text, "expected"));
	}
}

static void faults_are_read(void **state)
{
	(void)state;
	vf_sim_fault f;
	vf_error err;
	assert_int_equal(
		vf_sim_fault_parse(&f,
				   "corrupt=1e-3,drop=0.5,dup=1,stall=0.25:40,"
				   "reset=0,cut=77,badbit=0x90000123,badbit=5,badrate=400000",
				   &err),
		VF_OK);
	assert_true(f.corrupt == 1e-3 && f.drop == 0.5 && f.dup == 1 && f.stall == 0.25);
	assert_true(f.stall_ms == 40 && f.reset == 0 && f.cut == 77 && f.bad_bits == 2);
	assert_true(f.bad_bit[0] == 0x90000123 && f.bad_bit[1] == 5);
	assert_int_equal(f.bad_rate, 400000);
	assert_int_equal(f.cut_how, VF_SIM_CUT_TORN);
	assert_int_equal(vf_sim_fault_parse(&f, "cut=5:before,dup=1", &err), VF_OK);
	assert_true(f.cut == 5 && f.cut_how == VF_SIM_CUT_BEFORE && f.dup == 1);
	assert_int_equal(vf_sim_fault_parse(&f, "cut=6:after", &err), VF_OK);
	assert_true(f.cut == 6 && f.cut_how == VF_SIM_CUT_AFTER);
	const char *bad[] = {
		"",
		"cut=5:soon",
		"corrupt",
		"corrupt=",
		"corrupt=x",
		"corrupt=1.5",
		"corrupt=-1",
		"corrupt=nan",
		"drop=0.1;dup=0.1",
		"drop=0.1,",
		"cut=0",
		"cut=-3",
		"stall=0.1",
		"stall=0.1:",
		"badbit=",
		"badbit=0x100000000",
		"badrate=",
		"badrate=0",
		"badrate=fast",
		"explode=1",
		"badbit=1,badbit=2,badbit=3,badbit=4,badbit=5,badbit=6,badbit=7,badbit=8,badbit=9"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		f.cut = 123;
		if (vf_sim_fault_parse(&f, bad[i], &err) != VF_E_USAGE)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_non_null(strstr(err.text, "expected"));
		assert_int_equal(f.cut, 123); /* untouched */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pace_is_exact),
		cmocka_unit_test(one_byte_is_late_by_the_latency),
		cmocka_unit_test(ideal_needs_no_time),
		cmocka_unit_test(senders_are_held_back),
		cmocka_unit_test(holding_stops_the_line),
		cmocka_unit_test(cutting_loses_what_was_not_sent),
		cmocka_unit_test(faults_are_as_frequent_as_asked),
		cmocka_unit_test(seeds_repeat),
		cmocka_unit_test(links_have_names),
		cmocka_unit_test(faults_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
