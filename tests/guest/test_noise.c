/* test_noise.c - what a line does to a transfer, or what it makes up by itself, from seeds:
 * nothing outside the file's sectors ever changes, and what is called verified is what was
 * sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "talk.h"

enum { LEN = 6000, AT = 0x2100, FIRST = 0x2000, END = 0x4000, SEEDS = 60 };

static bool chance(talk *t, uint32_t in)
{
	return talk_random(&t->seed) % in == 0;
}

/* One byte in some thousand is another one, is missing, or comes with a stranger. */
static size_t spoil(talk *t, uint8_t *wire, size_t len)
{
	uint32_t in = 600u << t->answers % 3;
	unsigned more = 0;
	for (size_t i = 0; i < len; i++) {
		if (chance(t, in))
			wire[i] = (uint8_t)talk_random(&t->seed);
		if (chance(t, in)) {
			memmove(wire + i, wire + i + 1, len - i - 1);
			len--;
		}
		if (more < 12 && chance(t, in)) {
			memmove(wire + i + 1, wire + i, len - i);
			wire[i] = (uint8_t)talk_random(&t->seed);
			len++;
			more++;
		}
	}
	return chance(t, 20) ? 0 : len;
}

static bool lose(talk *t, uint8_t byte)
{
	(void)byte;
	return chance(t, 15);
}

static void assert_kept(const talk *t, const uint8_t *old, uint64_t seed)
{
	if (memcmp(t->array, old, FIRST) != 0 ||
	    memcmp(t->array + END, old + END, TALK_SIZE - END) != 0)
		fail_msg("seed %u: changed what the file does not touch", (unsigned)seed);
}

/* How many of the transfers came through. */
static unsigned spoilt_transfers(void)
{
	static uint8_t old[TALK_SIZE], data[LEN];
	unsigned good = 0;
	uint64_t contents = 9;
	talk_fill(&contents, data, LEN);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		talk *t = talk_new();
		talk_file f = {"a@0x90002100.bin", data, LEN};
		memcpy(old, t->array, sizeof old);
		t->seed = seed * 7919;
		t->small = seed % 3 == 0;
		t->mangle = spoil;
		t->lose = lose;
		t->patience_us = 3 * TALK_SECOND;
		talk_start(t);
		const char *said = talk_load(t, "load", &f, 1);
		assert_kept(t, old, seed);
		if (strstr(said, "verified") != NULL) {
			memcpy(old + AT, data, LEN);
			if (memcmp(t->array, old, TALK_SIZE) != 0)
				fail_msg("seed %u: verified, but wrong", (unsigned)seed);
			good++;
		}
		t->mangle = NULL; /* the board is as it was before */
		t->lose = NULL;
		talk_pass(t, 70 * (uint64_t)TALK_SECOND);
		if (strstr(talk_load(t, "load", &f, 1), "verified, 6000 bytes") == NULL)
			fail_msg("seed %u: not well afterwards: %s", (unsigned)seed, t->text);
		talk_free(t);
	}
	return good;
}

static void test_spoilt_transfers(void **state)
{
	(void)state;
	unsigned good = spoilt_transfers();
	assert_in_range(good, SEEDS / 4, SEEDS - 1); /* neither too kind nor too cruel to tell */
}

/* What protocols begin with comes more often than chance would have it. */
static void make_noise(talk *t, uint8_t *out, size_t len)
{
	static const uint8_t likely[] = {0,    1,    2,    4,    6,    0x0D, 0x0A,
					 0x10, 0x15, 0x18, 0xFE, 0xFF, ':'};
	talk_fill(&t->seed, out, len);
	for (size_t i = 0; i < len; i++) {
		if (chance(t, 3))
			out[i] = likely[talk_random(&t->seed) % sizeof likely];
		if (chance(t, 40) && i + 3 < len) {
			out[i] = (uint8_t)(1 + talk_random(&t->seed) % 2);
			out[i + 1] = 0;
			out[i + 2] = 0xFF;
			i += 2;
		}
	}
}

static void test_noise_by_itself(void **state)
{
	static uint8_t old[TALK_SIZE], bytes[4000];
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		talk *t = talk_new();
		memcpy(old, t->array, sizeof old);
		t->seed = seed * 104729;
		t->config.journal = seed % 2 == 0 ? VF_SIM_JOURNAL_EXTERNAL : VF_SIM_JOURNAL_NONE;
		talk_start(t);
		memcpy(old, t->array, sizeof old); /* the journal has begun */
		for (unsigned i = 0; i < 12; i++) {
			if (i % 4 == 3)
				talk_put(t, "load\r", 5);
			talk_pass(t, talk_random(&t->seed) % (2 * TALK_SECOND));
			make_noise(t, bytes, sizeof bytes);
			talk_put(t, bytes, talk_random(&t->seed) % sizeof bytes);
		}
		talk_pass(t, 90 * (uint64_t)TALK_SECOND);
		assert_memory_equal(t->array, old, sizeof old);
		assert_non_null(strstr(talk_ask(t, "info"), "sectors of 4 KB"));
		talk_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spoilt_transfers),
		cmocka_unit_test(test_noise_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
