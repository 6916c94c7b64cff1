/* chip_identity.c - what each part says it is: its id, its SFDP tables as an
 * independent decoder reads them, its erase sizes, and its times.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

typedef struct expected {
	const char *name;
	uint8_t id[6];
	uint32_t size;
	uint32_t page;
	uint32_t page_us;
	unsigned bfpt_words; /* 0 = no SFDP */
	unsigned quad;       /* its quad enable requirements field */
	bool bait;
	struct {
		uint32_t size;
		uint8_t opcode;
		uint8_t opcode_4;
		uint32_t ms;      /* what the chip takes … */
		uint32_t sfdp_ms; /* … and what its SFDP says, 0 = nothing */
	} erase[4];
	uint8_t whole; /* opcode; 0 = none */
	uint32_t whole_ms;
} expected;

#define MB (1u << 20)

static const expected all[] = {
	{"mt25ql512ab",
	 {0x20, 0xBA, 0x20, 0x10, 0x44, 0x00},
	 64 * MB,
	 256,
	 120,
	 16,
	 0,
	 true,
	 {{4096, 0x20, 0x21, 48, 48}, {65536, 0xD8, 0xDC, 160, 160}, {32768, 0x52, 0x5C, 112, 112}},
	 0xC7,
	 128000},
	{"n25q128a",
	 {0x20, 0xBA, 0x18, 0x10, 0x00, 0x00},
	 16 * MB,
	 256,
	 500,
	 9,
	 0,
	 false,
	 {{4096, 0x20, 0, 250, 0}, {65536, 0xD8, 0, 700, 0}},
	 0xC7,
	 170000},
	{"n25q256a",
	 {0x20, 0xBA, 0x19, 0x10, 0x00, 0x00},
	 32 * MB,
	 256,
	 500,
	 9,
	 0,
	 false,
	 {{4096, 0x20, 0x21, 250, 0}, {65536, 0xD8, 0xDC, 700, 0}},
	 0xC7,
	 240000},
	{"n25q512a",
	 {0x20, 0xBA, 0x20, 0x10, 0x00, 0x00},
	 64 * MB,
	 256,
	 500,
	 9,
	 0,
	 false,
	 {{4096, 0x20, 0x21, 250, 0}, {65536, 0xD8, 0xDC, 700, 0}},
	 0,
	 0},
	{"mx25l51245g",
	 {0xC2, 0x20, 0x1A, 0xC2, 0x20, 0x1A},
	 64 * MB,
	 256,
	 256,
	 16,
	 2,
	 true,
	 {{4096, 0x20, 0x21, 30, 30}, {32768, 0x52, 0x5C, 160, 160}, {65536, 0xD8, 0xDC, 288, 288}},
	 0x60,
	 256000},
	{"mx66l1g45g",
	 {0xC2, 0x20, 0x1B, 0xC2, 0x20, 0x1B},
	 128 * MB,
	 256,
	 256,
	 16,
	 2,
	 true,
	 {{4096, 0x20, 0x21, 30, 30}, {32768, 0x52, 0x5C, 160, 160}, {65536, 0xD8, 0xDC, 288, 288}},
	 0x60,
	 256000},
	{"w25q128jv",
	 {0xEF, 0x40, 0x18, 0xEF, 0x40, 0x18},
	 16 * MB,
	 256,
	 704,
	 16,
	 4,
	 false,
	 {{4096, 0x20, 0, 64, 64}, {32768, 0x52, 0, 128, 128}, {65536, 0xD8, 0, 160, 160}},
	 0xC7,
	 40000},
	{"w25q256jv",
	 {0xEF, 0x40, 0x19, 0xEF, 0x40, 0x19},
	 32 * MB,
	 256,
	 700,
	 16,
	 4,
	 true,
	 {{4096, 0x20, 0x21, 50, 64}, {32768, 0x52, 0, 120, 128}, {65536, 0xD8, 0xDC, 150, 160}},
	 0x60,
	 80000},
	{"w25q512jv",
	 {0xEF, 0x40, 0x20, 0xEF, 0x40, 0x20},
	 64 * MB,
	 256,
	 700,
	 16,
	 4,
	 true,
	 {{4096, 0x20, 0x21, 50, 64}, {32768, 0x52, 0, 120, 128}, {65536, 0xD8, 0xDC, 150, 160}},
	 0x60,
	 192000},
	{"is25lp128",
	 {0x9D, 0x60, 0x18, 0x9D, 0x60, 0x18},
	 16 * MB,
	 256,
	 200,
	 9,
	 0,
	 false,
	 {{4096, 0x20, 0, 100, 0}, {32768, 0x52, 0, 140, 0}, {65536, 0xD8, 0, 170, 0}},
	 0xC7,
	 45000},
	{"is25lp256",
	 {0x9D, 0x60, 0x19, 0x9D, 0x60, 0x19},
	 32 * MB,
	 256,
	 200,
	 16,
	 2,
	 false,
	 {{4096, 0x20, 0x21, 100, 48},
	  {32768, 0x52, 0x5C, 140, 160},
	  {65536, 0xD8, 0xDC, 170, 304}},
	 0xC7,
	 90000},
	{"s25fl512s",
	 {0x01, 0x02, 0x20, 0x4D, 0x00, 0x80},
	 64 * MB,
	 512,
	 340,
	 0,
	 0,
	 false,
	 {{262144, 0xD8, 0xDC, 520, 0}},
	 0x60,
	 134000},
	{"gd25q128",
	 {0xC8, 0x40, 0x18, 0xC8, 0x40, 0x18},
	 16 * MB,
	 256,
	 600,
	 9,
	 0,
	 false,
	 {{4096, 0x20, 0, 50, 0}, {32768, 0x52, 0, 180, 0}, {65536, 0xD8, 0, 250, 0}},
	 0xC7,
	 60000},
	{"at25ql128a",
	 {0x1F, 0x42, 0x18, 0x1F, 0x42, 0x18},
	 16 * MB,
	 256,
	 640,
	 16,
	 1,
	 false,
	 {{4096, 0x20, 0, 64, 64}, {32768, 0x52, 0, 208, 208}, {65536, 0xD8, 0, 352, 352}},
	 0x60,
	 60000},
	{"generic-sfdp",
	 {0x6E, 0x51, 0x17, 0x6E, 0x51, 0x17},
	 8 * MB,
	 256,
	 256,
	 16,
	 4,
	 false,
	 {{4096, 0x20, 0, 48, 48}, {32768, 0x52, 0, 112, 112}, {65536, 0xD8, 0, 160, 160}},
	 0xC7,
	 20000},
	{"generic-none",
	 {0x6E, 0x52, 0x17, 0x6E, 0x52, 0x17},
	 8 * MB,
	 256,
	 256,
	 0,
	 0,
	 false,
	 {{4096, 0x20, 0, 48, 0}, {32768, 0x52, 0, 112, 0}, {65536, 0xD8, 0, 160, 0}},
	 0xC7,
	 20000},
	{"tiny64k",
	 {0x6E, 0x51, 0x10, 0x6E, 0x51, 0x10},
	 65536,
	 256,
	 256,
	 16,
	 4,
	 false,
	 {{4096, 0x20, 0, 48, 48}, {32768, 0x52, 0, 112, 112}, {65536, 0xD8, 0, 160, 160}},
	 0x60,
	 176},
};

static const size_t count = sizeof all / sizeof all[0];

static void sfdp(bench *b, uint32_t addr, uint8_t *out, uint32_t len)
{
	bench_read(b, 0x5A, 1, 1, 8, addr, out, len);
}

/* A 32-bit word of a table, read on its own. */
static uint32_t word(bench *b, uint32_t addr)
{
	uint8_t w[4];

	sfdp(b, addr, w, 4);
	return w[0] | (uint32_t)w[1] << 8 | (uint32_t)w[2] << 16 | (uint32_t)w[3] << 24;
}

/* The offset of a parameter table, newest of its kind; 0 if there is none. */
static uint32_t table(bench *b, uint16_t id, unsigned *words)
{
	const unsigned headers = (word(b, 4) >> 16 & 0xFF) + 1;
	uint32_t at = 0;

	for (unsigned i = 0; i < headers; i++) {
		const uint32_t first = word(b, 8 + 8 * i), second = word(b, 12 + 8 * i);

		if ((first & 0xFF) != (id & 0xFF) || second >> 24 != id >> 8)
			continue;
		assert_int_equal(first >> 16 & 0xFF, 1);
		*words = first >> 24;
		at = second & 0xFFFFFF;
	}
	return at;
}

static uint32_t milliseconds(uint32_t n, uint32_t unit)
{
	static const uint32_t units[] = {1, 16, 128, 1000};

	return (n + 1) * units[unit];
}

/* Field positions after JESD216: word 10 holds typical times of four erase
 * types from bit 4, seven bits each. */
static void check_erase_types(bench *b, const expected *e, uint32_t bfpt)
{
	for (unsigned i = 0; i < 3; i++) {
		const uint32_t w = word(b, bfpt + 28 + i / 2 * 4) >> (i % 2 * 16);
		const unsigned log = w & 0xFF;

		if (e->erase[i].size == 0) {
			assert_int_equal(log, 0);
			continue;
		}
		assert_int_equal(1u << log, e->erase[i].size);
		assert_int_equal(w >> 8 & 0xFF, e->erase[i].opcode);
		if (e->bfpt_words >= 16) {
			const uint32_t t = word(b, bfpt + 36) >> (4 + 7 * i);

			assert_int_equal(milliseconds(t & 31, t >> 5 & 3), e->erase[i].sfdp_ms);
		}
	}
}

static void check_newer_words(bench *b, const expected *e, uint32_t bfpt)
{
	const uint32_t w11 = word(b, bfpt + 40), w15 = word(b, bfpt + 56);
	const uint32_t page_us = ((w11 >> 8 & 31) + 1) * ((w11 >> 13 & 1) != 0 ? 64 : 8);
	const uint64_t units[] = {16, 256, 4000, 64000};
	const uint64_t whole = ((w11 >> 24 & 31) + 1) * units[w11 >> 29 & 3];

	assert_int_equal(1u << (w11 >> 4 & 15), e->page);
	assert_in_range(page_us, e->page_us, e->page_us + 4);
	assert_int_equal(w15 >> 20 & 7, e->quad);
	if (e->whole != 0 && strcmp(e->name, "is25lp256") != 0)
		assert_int_equal(whole, e->whole_ms);
}

static void check_bait(bench *b, const expected *e)
{
	unsigned words = 0;
	const uint32_t at = table(b, 0xFF84, &words);

	assert_int_equal(at != 0, e->bait);
	if (at == 0)
		return;
	assert_int_equal(words, 2);
	for (unsigned i = 0; i < 3; i++) {
		const bool has = (word(b, at) >> (9 + i) & 1) != 0;

		assert_int_equal(has, e->erase[i].opcode_4 != 0);
		if (has)
			assert_int_equal(word(b, at + 4) >> (8 * i) & 0xFF, e->erase[i].opcode_4);
	}
	assert_int_equal(word(b, at) & 0x43, 0x43); /* 13h, 0Ch and 12h */
}

static void check_sfdp(bench *b, const expected *e)
{
	unsigned words = 0;
	uint32_t bfpt;

	if (e->bfpt_words == 0) {
		assert_int_equal(word(b, 0), 0xFFFFFFFF);
		return;
	}
	assert_int_equal(word(b, 0), 0x50444653);
	bfpt = table(b, 0xFF00, &words);
	assert_int_not_equal(bfpt, 0);
	assert_int_equal(words, e->bfpt_words);
	assert_int_equal((uint64_t)word(b, bfpt + 4) + 1, (uint64_t)e->size * 8);
	check_erase_types(b, e, bfpt);
	if (words >= 16)
		check_newer_words(b, e, bfpt);
	check_bait(b, e);
}

static void test_ids_and_sfdp(void **state)
{
	(void)state;
	for (size_t i = 0; i < count; i++) {
		bench *b = bench_new(all[i].name, 1);
		uint8_t id[6];

		bench_read_reg(b, 0x9F, id, 6);
		assert_memory_equal(id, all[i].id, 6);
		assert_int_equal(vf_sim_part_size(b->config.part), all[i].size);
		check_sfdp(b, &all[i]);
		assert_no_misuse(b);
		bench_free(b);
	}
}

static void test_list_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < count; i++) {
		const vf_sim_part *part = vf_sim_part_at(i);

		assert_non_null(part);
		assert_ptr_equal(part, vf_sim_part_find(all[i].name));
		assert_string_equal(vf_sim_part_name(part), all[i].name);
		assert_true(strlen(vf_sim_part_text(part)) > 10);
	}
	assert_null(vf_sim_part_at(count));
	assert_null(vf_sim_part_find("at45db"));
}

static void stacked_flags(bench *b)
{
	uint8_t flags[2];

	if (strcmp(vf_sim_part_name(b->config.part), "n25q512a") == 0)
		bench_read_reg(b, 0x70, flags, 2);
}

/* One erase: how long, and exactly which bytes. */
static void check_one_erase(bench *b, const expected *e, unsigned i, uint8_t opcode, unsigned bytes)
{
	const uint32_t size = e->erase[i].size;
	const uint32_t at = size == e->size ? 0 : size;
	uint8_t *array = b->config.array;
	uint64_t begun;

	memset(array, 0x5A, e->size < 4 * size ? e->size : 4 * size);
	b->addr_bytes = bytes;
	bench_erase(b, opcode, at + size / 2 + 1);
	begun = b->now;
	assert_int_equal(vf_sim_chip_busy_until(b->chip) - begun, (uint64_t)e->erase[i].ms * 1000);
	assert_int_equal(bench_reg(b, 0x05) & 3, 3);
	b->now = begun + (uint64_t)e->erase[i].ms * 1000 - 1;
	assert_int_equal(bench_reg(b, 0x05) & 3, 3);
	assert_int_equal(array[at], 0x5A);
	b->now++;
	assert_int_equal(bench_reg(b, 0x05) & 3, 0);
	stacked_flags(b);
	for (uint32_t k = 0; k < size; k++)
		assert_int_equal(array[at + k], 0xFF);
	if (at != 0)
		assert_int_equal(array[at - 1], 0x5A);
	if (at + size < e->size)
		assert_int_equal(array[at + size], 0x5A);
}

static void test_erases(void **state)
{
	(void)state;
	for (size_t n = 0; n < count; n++) {
		const expected *e = &all[n];
		bench *b = bench_new(e->name, 1);

		for (unsigned i = 0; i < 3 && e->erase[i].size != 0; i++) {
			check_one_erase(b, e, i, e->erase[i].opcode, 3);
			if (e->erase[i].opcode_4 != 0)
				check_one_erase(b, e, i, e->erase[i].opcode_4, 4);
		}
		assert_no_misuse(b);
		bench_free(b);
	}
}

static void test_chip_erase(void **state)
{
	(void)state;
	for (size_t n = 0; n < count; n++) {
		const expected *e = &all[n];
		bench *b = bench_new(e->name, 1);

		b->config.array[0] = b->config.array[e->size - 1] = 0;
		bench_erase(b, 0xC7, 0);
		if (e->whole == 0) {
			assert_misuse(b, "no such command");
			bench_free(b);
			continue;
		}
		assert_int_equal(vf_sim_chip_busy_until(b->chip) - b->now,
				 (uint64_t)e->whole_ms * 1000);
		bench_wait(b);
		assert_int_equal(b->config.array[0], 0xFF);
		assert_int_equal(b->config.array[e->size - 1], 0xFF);
		assert_int_equal(vf_sim_chip_stats(b->chip)->erased_bytes, e->size);
		assert_int_equal(vf_sim_chip_stats(b->chip)->busy_us, (uint64_t)e->whole_ms * 1000);
		assert_no_misuse(b);
		bench_free(b);
	}
}

static void test_page_times(void **state)
{
	uint8_t page[512];

	(void)state;
	memset(page, 0xA5, sizeof page);
	for (size_t n = 0; n < count; n++) {
		bench *b = bench_new(all[n].name, 1);

		bench_program(b, all[n].page, page, all[n].page);
		assert_int_equal(vf_sim_chip_busy_until(b->chip) - b->now, all[n].page_us);
		bench_wait(b);
		stacked_flags(b);
		assert_memory_equal(b->config.array + all[n].page, page, all[n].page);
		assert_int_equal(b->config.array[all[n].page - 1], 0xFF);
		assert_int_equal(b->config.array[2 * all[n].page], 0xFF);
		assert_no_misuse(b);
		bench_free(b);
	}
}

/* Random times stay between 60 % of typical and the maximum, and vary. */
static void test_random_times(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;
	bench *b = bench_new_with("tiny64k", 1, VF_SIM_TIME_RANDOM, bench_seed());

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		uint64_t us;

		bench_erase(b, 0x20, 0);
		us = vf_sim_chip_busy_until(b->chip) - b->now;
		least = us < least ? us : least;
		most = us > most ? us : most;
		bench_wait(b);
	}
	assert_in_range(least, 28800, 48000);
	assert_in_range(most, 200000, 384000);
	assert_no_misuse(b);
	bench_free(b);
}

static void test_overrides(void **state)
{
	static const uint8_t want[6] = {0x11, 0x22, 0x33, 0x10, 0x44, 0x00};
	bench *b = bench_new("mt25ql512ab", 1);
	uint8_t id[6];

	(void)state;
	memcpy(b->config.override_id, want, 3);
	b->config.no_sfdp = true;
	bench_restart(b);
	bench_read_reg(b, 0x9F, id, 6);
	assert_memory_equal(id, want, 6);
	assert_int_equal(word(b, 0), 0xFFFFFFFF);
	assert_no_misuse(b);
	bench_free(b);
}

/* Two dies answer alternate bytes; addresses and SFDP are halved. */
static void test_two_dies(void **state)
{
	static const uint8_t want[12] = {0x20, 0x20, 0xBA, 0xBA, 0x20, 0x20,
					 0x10, 0x10, 0x44, 0x44, 0,    0};
	bench *b = bench_new("mt25ql512ab", 2);
	uint8_t id[12], s[8];

	(void)state;
	bench_read_reg(b, 0x9F, id, 12);
	assert_memory_equal(id, want, 12);
	sfdp(b, 0, s, 8);
	assert_memory_equal(s, "SSFFDDPP", 8);
	sfdp(b, 4, s, 4); /* combined offset 4 is each die's 2 */
	assert_memory_equal(s, "DDPP", 4);
	assert_no_misuse(b);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_is_complete), cmocka_unit_test(test_ids_and_sfdp),
		cmocka_unit_test(test_erases),           cmocka_unit_test(test_chip_erase),
		cmocka_unit_test(test_page_times),       cmocka_unit_test(test_random_times),
		cmocka_unit_test(test_overrides),        cmocka_unit_test(test_two_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
