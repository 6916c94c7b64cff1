/* test_telnet.c - the RFC 2217 end of telnet against servers that behave and that do
 * not: split and oversize subnegotiations, 0xFF both ways, options without end. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "telnet.h"

#include <stdlib.h>
#include <string.h>

enum { IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240, PORT = 44 };

static int set_up(void **state)
{
	*state = vf_telnet_new();
	return *state == NULL;
}

static int tear_down(void **state)
{
	vf_telnet_free(*state);
	return 0;
}

/* Everything for the network, into `out`; how much. */
static size_t sent(vf_telnet *t, uint8_t *out, size_t room)
{
	size_t n;
	const uint8_t *bytes = vf_telnet_out(t, &n);
	assert_true(n <= room);
	memcpy(out, bytes, n);
	vf_telnet_sent(t, n);
	return n;
}

static bool has(const uint8_t *bytes, size_t len, const uint8_t *what, size_t n)
{
	for (size_t i = 0; i + n <= len; i++)
		if (memcmp(bytes + i, what, n) == 0)
			return true;
	return false;
}

#define FEED(t, ...)                                                                               \
	do {                                                                                       \
		const uint8_t bytes_[] = {__VA_ARGS__};                                            \
		vf_telnet_feed(t, bytes_, sizeof bytes_);                                          \
	} while (0)
#define ASSERT_SENT(out, n, ...)                                                                   \
	do {                                                                                       \
		const uint8_t bytes_[] = {__VA_ARGS__};                                            \
		assert_true(has(out, n, bytes_, sizeof bytes_));                                   \
	} while (0)

static void it_asks_and_hears(void **state)
{
	vf_telnet *t = *state;
	uint8_t out[512];
	vf_telnet_negotiate(t);
	size_t n = sent(t, out, sizeof out);
	ASSERT_SENT(out, n, IAC, WILL, PORT);
	ASSERT_SENT(out, n, IAC, WILL, 0);
	ASSERT_SENT(out, n, IAC, DO, 0);
	assert_false(vf_telnet_said(t)->speaks);
	FEED(t, IAC, DO, PORT, IAC, DO, 0, IAC, WILL, 0);
	assert_int_equal(vf_telnet_said(t)->com_port, VF_TELNET_AGREED);
	assert_int_equal(vf_telnet_said(t)->binary_here, VF_TELNET_AGREED);
	assert_int_equal(vf_telnet_said(t)->binary_there, VF_TELNET_AGREED);
	vf_telnet_set_up(t, 115200);
	n = sent(t, out, sizeof out);
	ASSERT_SENT(out, n, IAC, SB, PORT, 2, 8, IAC, SE);
	ASSERT_SENT(out, n, IAC, SB, PORT, 3, 1, IAC, SE);
	ASSERT_SENT(out, n, IAC, SB, PORT, 4, 1, IAC, SE);
	ASSERT_SENT(out, n, IAC, SB, PORT, 5, 1, IAC, SE);
	ASSERT_SENT(out, n, IAC, SB, PORT, 5, 8, IAC, SE);
	ASSERT_SENT(out, n, IAC, SB, PORT, 5, 11, IAC, SE);
	ASSERT_SENT(out, n, IAC, SB, PORT, 12, 3, IAC, SE);
	ASSERT_SENT(out, n, IAC, SB, PORT, 1, 0, 1, 0xC2, 0, IAC, SE);
	/* 0xFF inside a number is doubled both ways: 65535 baud. */
	vf_telnet_set_baud(t, 0xFFFF);
	n = sent(t, out, sizeof out);
	ASSERT_SENT(out, n, IAC, SB, PORT, 1, 0, 0, IAC, IAC, IAC, IAC, IAC, SE);
	assert_false(vf_telnet_said(t)->answered_baud);
	FEED(t, IAC, SB, PORT, 101, 0, 0, IAC, IAC, IAC, IAC, IAC, SE);
	assert_true(vf_telnet_said(t)->answered_baud);
	assert_int_equal(vf_telnet_said(t)->baud, 0xFFFF);
}

static void refusals_are_heard(void **state)
{
	vf_telnet *t = *state;
	vf_telnet_negotiate(t);
	FEED(t, IAC, DONT, PORT, IAC, DONT, 0, IAC, WONT, 0);
	assert_true(vf_telnet_said(t)->speaks);
	assert_int_equal(vf_telnet_said(t)->com_port, VF_TELNET_REFUSED);
	assert_int_equal(vf_telnet_said(t)->binary_here, VF_TELNET_REFUSED);
	assert_int_equal(vf_telnet_said(t)->binary_there, VF_TELNET_REFUSED);
	FEED(t, IAC, SB, PORT, 108, IAC, SE);
	assert_true(vf_telnet_said(t)->suspended);
	assert_int_equal(vf_telnet_put(t, (const uint8_t *)"x", 1), 0);
	FEED(t, IAC, SB, PORT, 109, IAC, SE);
	assert_int_equal(vf_telnet_put(t, (const uint8_t *)"x", 1), 1);
}

/* Every byte value, cut at every place. */
static void data_is_transparent(void **state)
{
	vf_telnet *t = *state;
	uint8_t plain[512], wire[1024], back[512];
	for (size_t i = 0; i < sizeof plain; i++)
		plain[i] = (uint8_t)(i % 3 == 0 ? 255 : i);
	assert_int_equal(vf_telnet_put(t, plain, sizeof plain), sizeof plain);
	const size_t n = sent(t, wire, sizeof wire);
	assert_true(n > sizeof plain);
	for (size_t cut = 0; cut <= n; cut += 7) {
		vf_telnet_feed(t, wire, cut);
		vf_telnet_feed(t, wire + cut, n - cut);
		assert_int_equal(vf_telnet_waiting(t), sizeof plain);
		assert_int_equal(vf_telnet_take(t, back, sizeof back), sizeof plain);
		assert_memory_equal(back, plain, sizeof plain);
	}
}

static void split_commands_are_put_together(void **state)
{
	vf_telnet *t = *state;
	static const uint8_t answer[] = {'a', IAC, SB, PORT, 101, 0,  1,    0xC2,
					 0,   IAC, SE, 'b',  IAC, DO, PORT, 'c'};
	uint8_t back[8];
	for (size_t i = 0; i < sizeof answer; i++)
		vf_telnet_feed(t, answer + i, 1);
	assert_int_equal(vf_telnet_said(t)->baud, 115200);
	assert_int_equal(vf_telnet_said(t)->com_port, VF_TELNET_AGREED);
	assert_int_equal(vf_telnet_take(t, back, sizeof back), 3);
	assert_memory_equal(back, "abc", 3);
}

/* Short, empty, unheard-of, and one that never ends. */
static void odd_subnegotiations_do_nothing(void **state)
{
	vf_telnet *t = *state;
	static uint8_t flood[4096];
	FEED(t, IAC, SB, PORT, IAC, SE, IAC, SB, PORT, 101, 1, 2, IAC, SE);
	FEED(t, IAC, SB, PORT, 200, 1, IAC, SE, IAC, SB, 99, 1, IAC, SE, IAC, SB, IAC, SE);
	assert_false(vf_telnet_said(t)->answered_baud);
	FEED(t, IAC, SB, PORT, 101);
	memset(flood, 'x', sizeof flood);
	for (int i = 0; i < 256; i++) {
		vf_telnet_feed(t, flood, sizeof flood);
		while (vf_telnet_take(t, flood, sizeof flood) > 0)
			memset(flood, 'x', sizeof flood);
	}
	FEED(t, IAC, SE);
	assert_int_not_equal(vf_telnet_said(t)->baud, 115200);
}

/* Options without end, from a server that reads no answer: nothing grows. */
static void options_without_end(void **state)
{
	vf_telnet *t = *state;
	size_t n;
	for (unsigned i = 0; i < 100000 && vf_telnet_said(t)->fault == NULL; i++)
		FEED(t, IAC, WILL, (uint8_t)(i % 40 + 60), IAC, DO, (uint8_t)(i % 40 + 60));
	(void)vf_telnet_out(t, &n);
	assert_true(n <= 65536);
	assert_non_null(vf_telnet_said(t)->fault);
	assert_int_equal(vf_telnet_put(t, (const uint8_t *)"x", 1), 0);
}

/* Data that nobody takes, without end. */
static void data_without_end(void **state)
{
	vf_telnet *t = *state;
	static uint8_t flood[4096];
	for (int i = 0; i < 1000 && vf_telnet_said(t)->fault == NULL; i++)
		vf_telnet_feed(t, flood, sizeof flood);
	assert_non_null(vf_telnet_said(t)->fault);
	assert_true(vf_telnet_waiting(t) <= 256 * 1024);
}

/* Compression that nobody agreed to could make much of little. */
static void compression_is_refused(void **state)
{
	vf_telnet *t = *state;
	FEED(t, IAC, SB, 86, IAC, SE, 0x78, 0x9C);
	assert_non_null(vf_telnet_said(t)->fault);
}

/* Anything at all, many times. */
static void noise(void **state)
{
	uint32_t seed = 20260101;
	(void)state;
	for (int run = 0; run < 300; run++) {
		vf_telnet *t = vf_telnet_new();
		uint8_t bytes[600];
		vf_telnet_negotiate(t);
		for (size_t i = 0; i < sizeof bytes; i++) {
			static const uint8_t likely[] = {IAC, IAC, SB, SE, PORT, WILL,
							 DO,  86,  24, 39, 70,   93};
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (seed >> 30) != 0 ? likely[(seed >> 16) % sizeof likely]
						     : (uint8_t)(seed >> 16);
		}
		vf_telnet_feed(t, bytes, sizeof bytes);
		vf_telnet_free(t);
	}
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(it_asks_and_hears),
		WITH(refusals_are_heard),
		WITH(data_is_transparent),
		WITH(split_commands_are_put_together),
		WITH(odd_subnegotiations_do_nothing),
		WITH(options_without_end),
		WITH(data_without_end),
		WITH(compression_is_refused),
		cmocka_unit_test(noise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
