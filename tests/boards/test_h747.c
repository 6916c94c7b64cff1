/* The decisions of the STM32H747I-DISCO's loader, on the PC: start-up, the way of the
 * Cortex-M4, vector tables, baud rate divisors, and the call of a host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/wire.h>

#include "baud.h"
#include "enter_loader.h"
#include "layout.h"
#include "m4.h"
#include "policy.h"
#include "vectors.h"

enum { NOR_SIZE = 128 * 1024 * 1024 };

/* --- start-up ------------------------------------------------------------------- */

static const policy_facts quiet = {.known = true,
				   .complete = true,
				   .application = true,
				   .waited_us = 300000,
				   .wait_us = 300000};

static void test_starts_when_nobody_speaks(void **state)
{
	policy_facts f = quiet;

	(void)state;
	assert_int_equal(policy_of(&f), POLICY_START);
	f.waited_us--;
	assert_int_equal(policy_of(&f), POLICY_WAIT);
	f.wait_us = 0;
	assert_int_equal(policy_of(&f), POLICY_START);
}

/* All combinations: it starts only if nothing at all speaks against it. */
static void test_stays_for_every_reason(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		policy_facts f = quiet;
		f.host = (i & 1) != 0;
		f.requested = (i & 2) != 0;
		f.button = (i & 4) != 0;
		f.complete = (i & 8) == 0;
		f.application = (i & 16) == 0;
		assert_int_equal(policy_of(&f) == POLICY_START, i == 0);
		if (i != 0)
			assert_int_not_equal(policy_of(&f), POLICY_WAIT);
	}
}

/* Reading the journal may take longer than the wait. */
static void test_waits_for_the_journal(void **state)
{
	policy_facts f = quiet;

	(void)state;
	f.known = false;
	assert_int_equal(policy_of(&f), POLICY_WAIT);
	f.complete = false;
	assert_int_equal(policy_of(&f), POLICY_WAIT);
	f.host = true;
	assert_int_equal(policy_of(&f), POLICY_HOST);
}

/* Without an application there is no hurry: a host may come any time. */
static void test_says_why_it_stays(void **state)
{
	policy_facts f = quiet;

	(void)state;
	f.application = false;
	assert_int_equal(policy_of(&f), POLICY_NONE);
	assert_non_null(strstr(policy_line(POLICY_NONE), "no application"));
	f.complete = false;
	assert_int_equal(policy_of(&f), POLICY_INCOMPLETE);
	assert_non_null(strstr(policy_line(POLICY_INCOMPLETE), "same files again"));
	f.button = true;
	assert_int_equal(policy_of(&f), POLICY_BUTTON);
	f.requested = true;
	assert_int_equal(policy_of(&f), POLICY_REQUESTED);
	/* These two are somebody's doing who needs no line. */
	assert_null(policy_line(POLICY_REQUESTED));
	assert_null(policy_line(POLICY_HOST));
}

/* --- vector tables -------------------------------------------------------------- */

static vectors look(vectors (*check)(const uint8_t *, uint32_t), uint32_t sp, uint32_t reset)
{
	uint8_t table[8];

	vf_put32(table, sp);
	vf_put32(table + 4, reset);
	return check(table, NOR_SIZE);
}

static void test_vectors_cm7(void **state)
{
	(void)state;
	assert_int_equal(look(vectors_cm7, 0x20020000, 0x90000269), VECTORS_GOOD);
	assert_int_equal(look(vectors_cm7, 0x24080000, 0x08020001), VECTORS_GOOD);
	assert_int_equal(look(vectors_cm7, 0x20020004, 0x90000269), VECTORS_STACK);
	assert_int_equal(look(vectors_cm7, 0x20000000, 0x90000269), VECTORS_STACK);
	assert_int_equal(look(vectors_cm7, 0x2001FFFE, 0x90000269), VECTORS_STACK);
	assert_int_equal(look(vectors_cm7, 0x20020000, 0x90000268), VECTORS_RESET);
	assert_int_equal(look(vectors_cm7, 0x20020000, 0x98000001), VECTORS_RESET);
	assert_int_equal(look(vectors_cm7, 0x20020000, 0x97FFFFFF), VECTORS_GOOD);
	assert_int_equal(look(vectors_cm7, 0x20020000, 0x08200001), VECTORS_RESET);
	assert_int_equal(look(vectors_cm7, 0xFFFFFFFF, 0xFFFFFFFF), VECTORS_BLANK);
	assert_int_equal(look(vectors_cm7, 0, 0), VECTORS_STACK);
}

static void test_vectors_cm4(void **state)
{
	(void)state;
	assert_int_equal(look(vectors_cm4, 0x10048000, 0x90100129), VECTORS_GOOD);
	assert_int_equal(look(vectors_cm4, 0x10048004, 0x90100129), VECTORS_STACK);
	assert_int_equal(look(vectors_cm4, 0x38010000, 0x08120001), VECTORS_GOOD);
	/* DTCM is the other core's: this image was built for it. */
	assert_int_equal(look(vectors_cm4, 0x20020000, 0x90100129), VECTORS_STACK);
	assert_int_equal(look(vectors_cm4, 0x10048000, 0x00000129), VECTORS_RESET);
}

/* Without external flash nothing points into it. */
static void test_vectors_without_chip(void **state)
{
	uint8_t table[8];

	(void)state;
	vf_put32(table, 0x20020000);
	vf_put32(table + 4, 0x90000001);
	assert_int_equal(vectors_cm7(table, 0), VECTORS_RESET);
}

/* --- the Cortex-M4 ---------------------------------------------------------------- */

static void test_m4_ways(void **state)
{
	m4_facts f = {.image = VECTORS_GOOD, .begins_at = H747_STUB_ADDRESS, .stub = true};

	(void)state;
	assert_int_equal(m4_plan_of(&f).way, M4_RELEASE);
	f.begins_by_itself = true;
	assert_int_equal(m4_plan_of(&f).way, M4_STUB);
	assert_null(m4_plan_of(&f).line);
	f.image = VECTORS_BLANK;
	assert_int_equal(m4_plan_of(&f).way, M4_STAYS);
	assert_null(m4_plan_of(&f).line);
}

/* Somebody put an image of their own where the core begins: it runs already. */
static void test_m4_runs_by_itself(void **state)
{
	m4_facts f = {.image = VECTORS_GOOD,
		      .image_at = H747_STUB_ADDRESS,
		      .begins_by_itself = true,
		      .begins_at = H747_STUB_ADDRESS};

	(void)state;
	assert_int_equal(m4_plan_of(&f).way, M4_RUNS);
	assert_null(m4_plan_of(&f).line);
	f.begins_by_itself = false;
	assert_int_equal(m4_plan_of(&f).way, M4_RELEASE);
}

static void says(const m4_facts *f, const char *remedy)
{
	m4_plan p = m4_plan_of(f);

	assert_int_equal(p.way, M4_STAYS);
	assert_non_null(p.line);
	assert_non_null(strstr(p.line, remedy));
	assert_int_equal(strncmp(p.line, "\r\nvcpflash: ", 12), 0);
	assert_string_equal(p.line + strlen(p.line) - 2, "\r\n");
	assert_true(strlen(p.line) < 256); /* uart_print's buffer */
}

static void test_m4_remedies(void **state)
{
	m4_facts f = {.image = VECTORS_GOOD, .begins_by_itself = true, .begins_at = 0x08000000};

	(void)state;
	says(&f, "CM4_BOOT_ADD0 to 0x08100000");
	says(&f, "BCM4 to 0");
	f.begins_at = H747_STUB_ADDRESS;
	says(&f, "BCM4 to 0");
	says(&f, "h747-disco.hex");
	f.image = VECTORS_STACK;
	says(&f, "0x90100000");
	f.image = VECTORS_RESET;
	says(&f, "reset vector");
	/* An image that is wrong is worth a line with any option bytes. */
	f.begins_by_itself = false;
	says(&f, "reset vector");
	assert_true(strlen(m4_silent_line()) < 256);
}

/* --- baud rates --------------------------------------------------------------------- */

static void test_baud_registers(void **state)
{
	baud_divisor d = baud_of(96000000, 115200);

	(void)state;
	assert_int_equal(d.brr, 833);
	assert_false(d.by_8);
	d = baud_of(96000000, 6000000);
	assert_int_equal(d.brr, 16);
	assert_false(d.by_8);
	d = baud_of(96000000, 8000000); /* USARTDIV 24: 0x18, its low digit halved */
	assert_int_equal(d.brr, 0x14);
	assert_true(d.by_8);
	d = baud_of(96000000, 12000000);
	assert_int_equal(d.brr, 0x10);
	assert_true(d.by_8);
}

static void test_baud_limits(void **state)
{
	(void)state;
	assert_int_equal(baud_of(96000000, 13000000).brr, 0);
	assert_int_equal(baud_of(96000000, 1400).brr, 0);
	assert_int_equal(baud_of(96000000, 0).brr, 0);
	assert_int_equal(baud_made(96000000, (baud_divisor){0}), 0);
}

/* Half a step is the most that a divisor can be off. */
static void test_baud_is_the_nearest(void **state)
{
	(void)state;
	for (uint32_t baud = 1500; baud <= 12000000; baud += 1 + baud / 97) {
		baud_divisor d = baud_of(96000000, baud);
		assert_int_not_equal(d.brr, 0);
		uint32_t made = baud_made(96000000, d), n = 96000000 / made;
		uint32_t off = made > baud ? made - baud : baud - made;
		assert_true((uint64_t)off * 2 * (n - 1) <= (uint64_t)baud + 2 * n);
	}
}

/* --- the call of a host ----------------------------------------------------------------- */

static unsigned heard(const uint8_t *bytes, size_t len)
{
	uint8_t seen = 0;
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += h747_hello(&seen, bytes[i]);
	return n;
}

static void test_hello_is_heard(void **state)
{
	uint8_t body[64], frame[128];
	vf_hello h = {.version_min = 1, .version_max = 1, .payload = 4096, .session = 0x1234567};
	vf_encoder e;

	(void)state;
	size_t len = vf_pack_hello(body, 0, &h);
	vf_encode_begin(&e, frame, sizeof frame);
	vf_encode_put(&e, body, len);
	len = vf_encode_end(&e);
	assert_int_equal(heard(frame, len), 1);
	/* Another frame is no call, nor is text. */
	frame[3] = VF_KIND_QUERY;
	assert_int_equal(heard(frame, len), 0);
	assert_int_equal(heard((const uint8_t *)"loader please\r\n", 15), 0);
	const uint8_t padded[] = {0, 0, 0, 5, 0xF8, 0x01};
	assert_int_equal(heard(padded, sizeof padded), 1);
	const uint8_t apart[] = {0, 5, 7, 0xF8, 0x01};
	assert_int_equal(heard(apart, sizeof apart), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts_when_nobody_speaks),
		cmocka_unit_test(test_stays_for_every_reason),
		cmocka_unit_test(test_waits_for_the_journal),
		cmocka_unit_test(test_says_why_it_stays),
		cmocka_unit_test(test_vectors_cm7),
		cmocka_unit_test(test_vectors_cm4),
		cmocka_unit_test(test_vectors_without_chip),
		cmocka_unit_test(test_m4_ways),
		cmocka_unit_test(test_m4_runs_by_itself),
		cmocka_unit_test(test_m4_remedies),
		cmocka_unit_test(test_baud_registers),
		cmocka_unit_test(test_baud_limits),
		cmocka_unit_test(test_baud_is_the_nearest),
		cmocka_unit_test(test_hello_is_heard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
