/* test_cut.c - the power fails in each transaction that a transfer has with the chip, in three
 * ways, on a board with a journal that knew a complete set before. `run` stays refused until
 * the file has come again, and nothing but the bytes of one sector is ever lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "talk.h"

enum { AT = 0x2F80, LEN = 400, FIRST = 0x2000, END = 0x4000, KEPT = 0xE000, OLD_LEN = 64 };

typedef struct bench {
	uint8_t old[TALK_SIZE], want[TALK_SIZE], data[LEN], first[OLD_LEN];
	talk_file file, before;
} bench;

static bench *prepare(void)
{
	bench *b = calloc(1, sizeof *b);
	uint64_t seed = 21;
	assert_non_null(b);
	talk *t = talk_new();
	talk_fill(&seed, b->data, LEN);
	talk_fill(&seed, b->first, OLD_LEN);
	memcpy(b->first, (const uint8_t[]){0, 0, 1, 0x20, 1, 1, 0, 0x90}, 8); /* vectors */
	memcpy(b->old, t->array, TALK_SIZE);
	memcpy(b->old, b->first, OLD_LEN);
	memcpy(b->want, b->old, TALK_SIZE);
	memcpy(b->want + AT, b->data, LEN);
	b->file = (talk_file){"part@0x90002f80.bin", b->data, LEN};
	b->before = (talk_file){"app.bin", b->first, OLD_LEN};
	free(t);
	return b;
}

/* A board that holds a complete application. */
static talk *begin(const bench *b)
{
	talk *t = talk_new();
	t->config.journal = VF_SIM_JOURNAL_EXTERNAL;
	t->patience_us = 2 * TALK_SECOND;
	talk_start(t);
	assert_non_null(strstr(talk_load(t, "load", &b->before, 1), "verified"));
	assert_non_null(strstr(talk_ask(t, "info"), "image: complete"));
	return t;
}

static void send(talk *t, const bench *b)
{
	talk_pass(t, TALK_SECOND);
	t->text_len = 0;
	talk_put(t, "load\r", 5);
	if (!talk_until(t, "control-c ends that\r\n"))
		return;
	(void)talk_send(t, &b->file, 1, false);
}

/* Sectors that lost bytes of which the file knows nothing. */
static unsigned lossy_sectors(const talk *t, const bench *b)
{
	unsigned count = 0;
	for (unsigned s = FIRST; s < END; s += TALK_SECTOR) {
		bool lost = false;
		for (unsigned i = s; i < s + TALK_SECTOR; i++)
			lost = lost || ((i < AT || i >= AT + LEN) && t->array[i] != b->old[i]);
		count += lost;
	}
	return count;
}

static void assert_outside(const talk *t, const bench *b, unsigned cut)
{
	if (memcmp(t->array, b->old, FIRST) != 0 ||
	    memcmp(t->array + END, b->old + END, KEPT - END) != 0)
		fail_msg("cut %u: something outside the file's sectors has changed", cut);
	if (lossy_sectors(t, b) > 1)
		fail_msg("cut %u: more than one sector lost what it kept", cut);
}

/* After the cut the board knows what it holds. */
static void assert_knows(talk *t, const bench *b, unsigned cut)
{
	bool was = memcmp(t->array, b->old, KEPT) == 0, done = memcmp(t->array, b->want, KEPT) == 0;
	bool complete = strstr(talk_ask(t, "info"), "image: complete") != NULL;
	if (complete && !was && !done)
		fail_msg("cut %u: called complete, and is not", cut);
	if (!complete && strstr(talk_ask(t, "run"), "is incomplete") == NULL)
		fail_msg("cut %u: run: %s", cut, t->text);
}

/* How many transactions a transfer takes, of those the sender saw to their end. */
static void play(const bench *b, unsigned cut, uint8_t how, bool *came, unsigned *lost)
{
	talk *t = begin(b);
	vf_sim_fault fault = {.cut = cut, .cut_how = how};
	uint64_t before = vf_sim_board_transactions(t->board);
	vf_sim_board_faults(t->board, &fault);
	send(t, b);
	*came = vf_sim_board_transactions(t->board) - before >= cut;
	vf_sim_board_faults(t->board, &(vf_sim_fault){0});
	talk_pass(t, 75 * (uint64_t)TALK_SECOND);
	assert_outside(t, b, cut);
	*lost += lossy_sectors(t, b);
	assert_knows(t, b, cut);
	const char *said = talk_load(t, "load", &b->file, 1);
	if (strstr(said, "verified, 400 bytes at 0x90002f80") == NULL)
		fail_msg("cut %u: again: %s", cut, said);
	assert_outside(t, b, cut);
	assert_memory_equal(t->array + AT, b->data, LEN);
	if (strstr(talk_ask(t, "info"), "image: complete") == NULL)
		fail_msg("cut %u: afterwards %s", cut, t->text);
	talk_free(t);
}

static void test_a_cut_in_each_transaction(void **state)
{
	bench *b = prepare();
	(void)state;
	for (uint8_t how = VF_SIM_CUT_TORN; how <= VF_SIM_CUT_AFTER; how++) {
		bool came = true;
		unsigned lost = 0, cut = 1;
		for (; came; cut++)
			play(b, cut, how, &came, &lost);
		assert_in_range(cut, 50, 2000);
		assert_in_range(lost, 1, cut / 2); /* the documented limit is met, and seldom */
	}
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_cut_in_each_transaction)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
