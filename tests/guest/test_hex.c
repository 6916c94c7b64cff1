/* test_hex.c - Intel HEX on the board: what it says of where bytes go, and what is wrong with
 * it, in words that tell where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "talk.h"

typedef struct hex {
	char text[40000];
	uint32_t len;
} hex;

/* A record as the format has it, its sum right. */
static void record(hex *h, uint8_t type, uint16_t at, const uint8_t *data, uint8_t len)
{
	uint8_t sum = (uint8_t)(len + (at >> 8) + at + type);
	h->len += (uint32_t)sprintf(h->text + h->len, ":%02X%04X%02X", len, at, type);
	for (unsigned i = 0; i < len; i++) {
		h->len += (uint32_t)sprintf(h->text + h->len, "%02x", data[i]);
		sum = (uint8_t)(sum + data[i]);
	}
	h->len += (uint32_t)sprintf(h->text + h->len, "%02X\r\n", (uint8_t)-sum);
}

static void upper(hex *h, uint8_t type, uint16_t value)
{
	uint8_t two[] = {(uint8_t)(value >> 8), (uint8_t)value};
	record(h, type, 0, two, 2);
}

static void start(hex *h, uint8_t type)
{
	record(h, type, 0, (const uint8_t[]){0x90, 0, 1, 0x41}, 4);
}

static void end(hex *h)
{
	record(h, 1, 0, NULL, 0);
}

/* What the board says of it; the cells it left in `cells`. Each block is acknowledged before the
 * sender loses patience, and he is told by the protocol, too, whether all is well. */
static const char *loaded(const hex *h, uint8_t journal, uint8_t cells[TALK_SIZE])
{
	static char said[1200];
	talk *t = talk_new();
	talk_file f = {"app.hex", h->text, h->len};
	t->config.journal = journal;
	talk_start(t);
	(void)snprintf(said, sizeof said, "%s", talk_load(t, "load", &f, 1));
	assert_in_range(t->blocks, 1, 2 + (h->len + 1023) / 1024);
	assert_int_equal(t->ended, strstr(said, "verified") != NULL);
	(void)snprintf(said + strlen(said), 200, "%.199s", talk_ask(t, "info"));
	if (cells != NULL)
		memcpy(cells, t->array, TALK_SIZE);
	talk_free(t);
	return said;
}

static void old_cells(uint8_t cells[TALK_SIZE])
{
	talk *t = talk_new();
	memcpy(cells, t->array, TALK_SIZE);
	free(t);
}

static void assert_says(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in \"%s\"", part, text);
}

static void test_all_kinds_of_records(void **state)
{
	static uint8_t cells[TALK_SIZE], want[TALK_SIZE], data[600];
	static hex h;
	uint64_t seed = 3;
	(void)state;
	h.len = 0;
	talk_fill(&seed, data, sizeof data);
	start(&h, 5);
	upper(&h, 4, 0x9000);
	record(&h, 0, 0x0100, data, 255);
	record(&h, 0, 0x01FF, data + 255, 1);
	record(&h, 0, 0x0300, data, 0); /* says nothing */
	h.len += (uint32_t)sprintf(h.text + h.len, "\n\r\n  \n");
	record(&h, 0, 0xCFF8, data + 256, 16); /* across sectors */
	record(&h, 0, 0x2000, data + 272, 32); /* back again */
	start(&h, 3);
	end(&h);
	h.len += (uint32_t)sprintf(h.text + h.len, "\x1A\x1A");
	old_cells(want);
	memcpy(want + 0x100, data, 256);
	memcpy(want + 0xCFF8, data + 256, 16);
	memcpy(want + 0x2000, data + 272, 32);
	assert_says(loaded(&h, VF_SIM_JOURNAL_NONE, cells), "verified, 304 bytes in 3 stretches");
	assert_memory_equal(cells, want, TALK_SIZE);
	assert_says(loaded(&h, VF_SIM_JOURNAL_EXTERNAL, NULL), "image: complete");
}

/* 16-byte paragraphs: nothing of them reaches the NOR, and that is said. */
static void test_segments(void **state)
{
	static hex h;
	(void)state;
	h.len = 0;
	upper(&h, 2, 0xF000);
	record(&h, 0, 0x0010, (const uint8_t[]){1}, 1);
	end(&h);
	assert_says(loaded(&h, 0, NULL), "does not fit into a memory at 0x000f0010");
}

static void test_what_is_wrong_with_it(void **state)
{
	static const struct {
		const char *text, *said;
		bool untouched;
	} cases[] = {
		{":020000049000", "it has no end record", true}, /* in the middle of one */
		{":0200000490006A\r\n:0100000041BF\r\n:00000001FF\r\n", "damaged record in line 2",
		 true},
		{":0200000490006A\r\n:0100000041BE\r\n", "it has no end record", false},
		{":0200000490006A\r\n:0100000041BE\r\n:0100000042BD\r\n:00000001FF\r\n",
		 "has two records for 0x90000000", false},
		{":0200000490006A\r\n:01000006415\r\n", "damaged record in line 2", true},
		{":0200000490006A\r\n:01000006418A\r\n:00000001FF", "damaged record in line 2",
		 true},
		{":0200000490006A\r\n0100000041BE\r\n", "damaged record in line 2", true},
		{":0200000490006A\r\n:01000000G1BE\r\n", "damaged record in line 2", true},
		{":0300000490000069\r\n:00000001FF\r\n", "damaged record in line 1", true},
		{":0200000490006A\r\n:0100000141BD\r\n", "damaged record in line 2", true},
		{":020000049FFF5C\r\n:0100000041BE\r\n:00000001FF\r\n", "does not fit", true},
		{":0200000490006A\r\n:02FFFF0041427D\r\n:00000001FF\r\n", "does not fit", true},
		{":00000001FF\r\n", "it holds no data", true},
		{":0200000490006A\r\n:0100000041BE", "it has no end record", true},
	};
	static uint8_t old[TALK_SIZE], cells[TALK_SIZE];
	static hex h;
	(void)state;
	old_cells(old);
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		h.len = (uint32_t)sprintf(h.text, "%s", cases[i].text);
		const char *said = loaded(&h, 0, cells);
		assert_says(said, cases[i].said);
		assert_null(strstr(said, "verified"));
		if (cases[i].untouched)
			assert_memory_equal(cells, old, TALK_SIZE);
	}
}

/* What is said of the cells, and of the set, when a .hex breaks off behind its first sector. */
static void test_a_bad_record_late(void **state)
{
	static uint8_t old[TALK_SIZE], cells[TALK_SIZE], data[200];
	static hex h;
	(void)state;
	h.len = 0;
	old_cells(old);
	upper(&h, 4, 0x9000);
	for (unsigned i = 0; i < 45; i++)
		record(&h, 0, (uint16_t)(0x1000 + 200 * i), data, 200);
	h.text[h.len - 4] ^= 1;
	end(&h);
	const char *said = loaded(&h, VF_SIM_JOURNAL_EXTERNAL, cells);
	assert_says(said, "damaged record in line 46; what it covers is incomplete");
	assert_says(said, "image: incomplete");
	assert_memory_equal(cells, old, 0x1000);
	assert_memory_equal(cells + 0x4000, old + 0x4000, 0xA000);
}

static void test_protected(void **state)
{
	static hex h;
	static uint8_t old[TALK_SIZE], cells[TALK_SIZE];
	(void)state;
	h.len = 0;
	old_cells(old);
	upper(&h, 4, 0x9000);
	record(&h, 0, 0xDFFF, (const uint8_t[]){1}, 1);
	record(&h, 0, 0xE000, (const uint8_t[]){1}, 1); /* the journal's */
	end(&h);
	const char *said = loaded(&h, VF_SIM_JOURNAL_EXTERNAL, cells);
	assert_says(said, "would erase what the board protects at 0x9000e000");
	assert_memory_equal(cells, old, 0xD000);
}

/* More stretches than are digested: each page is compared, and the set stays incomplete. */
static void test_many_stretches(void **state)
{
	static hex h;
	static uint8_t want[TALK_SIZE], cells[TALK_SIZE];
	(void)state;
	h.len = 0;
	old_cells(want);
	upper(&h, 4, 0x9000);
	for (unsigned i = 0; i < 12; i++) {
		uint8_t byte = (uint8_t)(i + 1);
		record(&h, 0, (uint16_t)(i * 1000), &byte, 1);
		want[i * 1000] = byte;
	}
	end(&h);
	const char *said = loaded(&h, VF_SIM_JOURNAL_EXTERNAL, cells);
	assert_says(said, "verified, page by page");
	assert_says(said, "image: incomplete");
	assert_memory_equal(cells, want, 0xE000);
}

/* A record is said twice, behind the stretches that are kept. */
static void test_twice_behind_many_stretches(void **state)
{
	static hex h;
	(void)state;
	h.len = 0;
	upper(&h, 4, 0x9000);
	for (unsigned i = 0; i < 12; i++) {
		uint8_t byte = (uint8_t)(i + 1);
		record(&h, 0, (uint16_t)(i * 1000), &byte, 1);
	}
	record(&h, 0, 11 * 1000, (const uint8_t[]){99}, 1);
	end(&h);
	assert_says(loaded(&h, VF_SIM_JOURNAL_EXTERNAL, NULL), "image: incomplete");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds_of_records),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_what_is_wrong_with_it),
		cmocka_unit_test(test_a_bad_record_late),
		cmocka_unit_test(test_protected),
		cmocka_unit_test(test_many_stretches),
		cmocka_unit_test(test_twice_behind_many_stretches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
