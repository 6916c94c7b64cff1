/* chip_array.c - what happens to bytes: programming clears bits, runs in its
 * page, reads come back by every read command, and injected faults show the way
 * the data sheets say.
 */
#include "bench.h"

#include <vcpflash/status.h>

#include <stdlib.h>
#include <string.h>

static void program_byte(bench *b, uint32_t addr, uint8_t byte)
{
	bench_program(b, addr, &byte, 1);
	bench_wait(b);
}

static void test_bits_only_clear(void **state)
{
	bench *b = bench_new("tiny64k", 1);

	(void)state;
	program_byte(b, 7, 0xF0);
	program_byte(b, 7, 0x30);
	assert_int_equal(b->config.array[7], 0x30);
	assert_no_misuse(b); /* clears only: this part allows it */
	program_byte(b, 7, 0x0F);
	assert_misuse(b, "0Fh over 30h at 00000007h, which is not erased");
	assert_int_equal(b->config.array[7], 0x00);
	program_byte(b, 7, 0xFF); /* changes nothing, and is no attempt to set bits */
	assert_no_misuse(b);
	assert_int_equal(b->config.array[7], 0x00);
	bench_free(b);
}

/* Every value over every value is their AND. */
static void test_and_exhaustively(void **state)
{
	bench *b = bench_new_with("tiny64k", 1, 0, 1);

	(void)state;
	for (unsigned old = 0; old < 256; old++)
		for (unsigned value = 0; value < 256; value++)
			b->config.array[old * 256 + value] = (uint8_t)old;
	for (unsigned old = 0; old < 256; old++) {
		uint8_t page[256];

		for (unsigned value = 0; value < 256; value++)
			page[value] = (uint8_t)value;
		bench_program(b, old * 256, page, 256);
	}
	for (unsigned i = 0; i < 65536; i++)
		assert_int_equal(b->config.array[i], (i >> 8) & (i & 0xFF));
	bench_free(b);
}

static void test_wrap(void **state)
{
	bench *b = bench_new("tiny64k", 1);
	uint8_t data[300];

	(void)state;
	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7);
	bench_program(b, 0x1F0, data, 32);
	assert_misuse(b, "32 bytes at 000001F0h run past the page of 256 and wrap");
	bench_wait(b);
	assert_memory_equal(b->config.array + 0x1F0, data, 16);
	assert_memory_equal(b->config.array + 0x100, data + 16, 16);
	assert_int_equal(b->config.array[0x200], 0xFF);
	bench_program(b, 0x400, data, 300); /* the last 256 count */
	assert_misuse(b, "wrap");
	bench_wait(b);
	assert_memory_equal(b->config.array + 0x400, data + 256, 44);
	assert_memory_equal(b->config.array + 0x400 + 44, data + 44, 212);
	bench_free(b);
}

static void test_ecc_units(void **state)
{
	bench *b = bench_new("s25fl512s", 1);
	uint8_t data[16] = {1, 2, 3};

	(void)state;
	b->addr_bytes = 3;
	bench_program(b, 0x100, data, 16);
	bench_wait(b);
	bench_program(b, 0x110, data, 16); /* the next unit of the same page */
	bench_wait(b);
	assert_no_misuse(b);
	program_byte(b, 0x103, 0x00); /* only clears bits, and yet */
	assert_misuse(b, "a second program of the 16-byte ECC unit at 00000100h");
	bench_erase(b, 0xD8, 0x100);
	bench_wait(b);
	program_byte(b, 0x103, 0x00);
	assert_no_misuse(b);
	bench_free(b);
}

typedef struct read_case {
	const char *part;
	uint8_t opcode;
	unsigned addr_bytes, addr_lanes, data_lanes, dummy;
} read_case;

/* Lanes and clocks of each read command, by the parts' data sheets. */
static const read_case reads[] = {
	{"mt25ql512ab", 0x03, 3, 1, 1, 0}, {"mt25ql512ab", 0x0B, 3, 1, 1, 8},
	{"mt25ql512ab", 0x3B, 3, 1, 2, 8}, {"mt25ql512ab", 0xBB, 3, 2, 2, 8},
	{"mt25ql512ab", 0x6B, 3, 1, 4, 8}, {"mt25ql512ab", 0xEB, 3, 4, 4, 10},
	{"mt25ql512ab", 0x13, 4, 1, 1, 0}, {"mt25ql512ab", 0x0C, 4, 1, 1, 8},
	{"mt25ql512ab", 0x3C, 4, 1, 2, 8}, {"mt25ql512ab", 0xBC, 4, 2, 2, 8},
	{"mt25ql512ab", 0x6C, 4, 1, 4, 8}, {"mt25ql512ab", 0xEC, 4, 4, 4, 10},
	{"n25q128a", 0xEB, 3, 4, 4, 10},   {"n25q128a", 0x6B, 3, 1, 4, 8},
	{"n25q512a", 0x6C, 4, 1, 4, 8},    {"n25q512a", 0xEC, 4, 4, 4, 10},
	{"w25q128jv", 0x3B, 3, 1, 2, 8},   {"w25q128jv", 0xBB, 3, 2, 2, 4},
	{"w25q128jv", 0x0B, 3, 1, 1, 8},   {"mx25l51245g", 0xBC, 4, 2, 2, 4},
	{"mx25l51245g", 0x0C, 4, 1, 1, 8}, {"is25lp256", 0x13, 4, 1, 1, 0},
	{"s25fl512s", 0x0C, 4, 1, 1, 8},   {"s25fl512s", 0x13, 4, 1, 1, 0},
	{"gd25q128", 0xBB, 3, 2, 2, 4},    {"at25ql128a", 0x0B, 3, 1, 1, 8},
};

static void test_reads(void **state)
{
	uint8_t data[700], got[700];

	(void)state;
	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 11 + 1);
	for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
		const read_case *r = &reads[i];
		bench *b = bench_new(r->part, 1);

		memcpy(b->config.array + 0x12345, data, sizeof data);
		b->addr_bytes = r->addr_bytes;
		bench_read(b, r->opcode, r->addr_lanes, r->data_lanes, r->dummy, 0x12345, got,
			   sizeof got);
		assert_no_misuse(b);
		assert_memory_equal(got, data, sizeof data);
		bench_read(b, r->opcode, r->addr_lanes, r->data_lanes, r->dummy + 1, 0x12345, got,
			   sizeof got);
		assert_misuse(b, "mode and dummy clocks where the part expects");
		for (size_t n = 0; n < 3; n++) /* a clock's bits are missing in front */
			assert_int_equal(got[n], (data[n] << r->data_lanes |
						  data[n + 1] >> (8 - r->data_lanes)) &
							 0xFF);
		bench_free(b);
	}
}

/* Too few dummy clocks: what nobody drives reads as ones. */
static void test_early_read(void **state)
{
	bench *b = bench_new("mt25ql512ab", 1);
	uint8_t got[4];

	(void)state;
	memset(b->config.array, 0, 16);
	bench_read(b, 0x6B, 1, 4, 7, 0, got, 4);
	assert_misuse(b, "7 mode and dummy clocks where the part expects 8");
	assert_memory_equal(got, "\xF0\0\0\0", 4);
	bench_free(b);
}

/* Lines that float low: a status read on the wrong lines finds the part ready. */
static void test_low_lines(void **state)
{
	bench *b = bench_new("mt25ql512ab", 1);
	uint8_t got[2];

	(void)state;
	for (unsigned low = 0; low < 2; low++) {
		b->config.lines_low = low != 0;
		bench_restart(b);
		b->lanes = 4;
		bench_read_reg(b, 0x05, got, 2);
		assert_int_equal(got[0], low != 0 ? 0 : 0xFF);
	}
	bench_free(b);
}

/* Both clock edges: the MT25Q's commands of their own, in SPI and QPI. */
static void test_double_rate(void **state)
{
	bench *b = bench_new("mt25ql512ab", 1);
	uint8_t got[4];
	vf_bus_op op = {.opcode = 0xED,
			.opcode_lanes = 1,
			.addr_bytes = 3,
			.addr_lanes = 4,
			.dummy = 8,
			.data_lanes = 4,
			.dir = VF_BUS_READ,
			.ddr = 1,
			.len = 4,
			.rx = got};

	(void)state;
	memcpy(b->config.array, "edge", 4);
	bench_bus(b, &op);
	assert_no_misuse(b);
	assert_memory_equal(got, "edge", 4);
	op.ddr = 0;
	bench_bus(b, &op);
	assert_misuse(b, "command EDh: on one clock edge where the part expects the other");
	op.ddr = 1;
	op.opcode = 0xEB;
	op.dummy = 10;
	bench_bus(b, &op);
	assert_misuse(b, "command EBh: on both clock edges where the part expects the other");
	bench_free(b);
}

/* Even bytes are the first die's, odd ones the second's. */
static void test_two_dies(void **state)
{
	bench *b = bench_new("mt25ql512ab", 2);
	uint8_t data[512], got[512], status[2];

	(void)state;
	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i ^ i >> 8);
	bench_program(b, 0x40000, data, 512); /* a page of each */
	bench_read_reg(b, 0x05, status, 2);
	assert_int_equal(status[0], 3);
	assert_int_equal(status[1], 3);
	bench_wait(b);
	bench_get(b, 0x40000, got, 512);
	assert_memory_equal(got, data, 512);
	assert_memory_equal(vf_sim_chip_array(b->chip) + 0x40000, data, 512);
	assert_int_equal(vf_sim_chip_stats(b->chip)->programs, 1);
	assert_int_equal(vf_sim_chip_stats(b->chip)->programmed_bytes, 512);
	assert_int_equal(vf_sim_chip_stats(b->chip)->read_bytes, 512);
	assert_int_equal(vf_sim_chip_stats(b->chip)->busy_us, 120);
	bench_erase(b, 0x20, 0x41FFE); /* 8 KB of the combined memory */
	bench_wait(b);
	assert_int_equal(b->config.array[0x40000], 0xFF);
	assert_int_equal(b->config.array[0x401FF], 0xFF);
	assert_int_equal(vf_sim_chip_stats(b->chip)->erased_bytes, 8192);
	assert_no_misuse(b);
	bench_free(b);
}

static void test_bad_bit(void **state)
{
	bench *b = bench_new("mt25ql512ab", 2);
	const uint8_t zeros[4] = {0};

	(void)state;
	assert_int_equal(vf_sim_chip_bad_bit(b->chip, 0x1003, 5), VF_OK);
	assert_int_equal(vf_sim_chip_bad_bit(b->chip, 0x1003, 8), VF_E_RANGE);
	assert_int_equal(vf_sim_chip_bad_bit(b->chip, 128u << 20, 0), VF_E_RANGE);
	bench_program(b, 0x1000, zeros, 4);
	bench_wait(b);
	assert_int_equal(b->config.array[0x1002], 0x00);
	assert_int_equal(b->config.array[0x1003], 0x20);
	assert_int_equal(bench_reg(b, 0x70), 0x80); /* the part noticed nothing */
	for (unsigned i = 0; i < 63; i++)
		assert_int_equal(vf_sim_chip_bad_bit(b->chip, i, 0), VF_OK);
	assert_int_equal(vf_sim_chip_bad_bit(b->chip, 70, 0), VF_E_NOMEM);
	bench_free(b);
}

static void test_failures_micron(void **state)
{
	bench *b = bench_new("mt25ql512ab", 1);

	(void)state;
	vf_sim_chip_fail_next(b->chip, 2);
	program_byte(b, 0, 0);
	assert_int_equal(bench_reg(b, 0x70), 0x90);
	bench_erase(b, 0xD8, 0);
	bench_wait(b);
	assert_int_equal(bench_reg(b, 0x70), 0xB0);
	bench_cmd(b, 0x50);
	assert_int_equal(bench_reg(b, 0x70), 0x80);
	assert_true(vf_sim_chip_weak(b->chip, 0, 65536));
	bench_erase(b, 0xD8, 0); /* the fault was ordered twice only */
	bench_wait(b);
	assert_int_equal(bench_reg(b, 0x70), 0x80);
	assert_false(vf_sim_chip_weak(b->chip, 0, 65536));
	assert_no_misuse(b);
	bench_free(b);
}

static void test_failures_macronix(void **state)
{
	bench *b = bench_new("mx25l51245g", 1);

	(void)state;
	vf_sim_chip_fail_next(b->chip, 2);
	program_byte(b, 0, 0);
	assert_int_equal(bench_reg(b, 0x2B), 0x20);
	bench_erase(b, 0x20, 0);
	bench_wait(b);
	assert_int_equal(bench_reg(b, 0x2B), 0x40);
	bench_erase(b, 0x20, 0);
	bench_wait(b);
	assert_int_equal(bench_reg(b, 0x2B), 0x00);
	assert_no_misuse(b);
	bench_free(b);
}

static void test_failures_spansion(void **state)
{
	bench *b = bench_new("s25fl512s", 1);
	uint8_t byte;

	(void)state;
	vf_sim_chip_fail_next(b->chip, 2);
	program_byte(b, 0, 0);
	assert_int_equal(bench_reg(b, 0x05), 0x43); /* P_ERR, and busy until cleared */
	b->now += 10000000;
	assert_int_equal(bench_reg(b, 0x05), 0x43);
	assert_no_misuse(b);
	bench_get(b, 0, &byte, 1);
	assert_misuse(b, "while a program or erase error is not cleared (30h)");
	bench_cmd(b, 0x30);
	assert_int_equal(bench_reg(b, 0x05), 0x02);
	bench_cmd(b, 0x04);
	bench_erase(b, 0xD8, 0);
	bench_wait(b);
	assert_int_equal(bench_reg(b, 0x05), 0x23); /* E_ERR */
	bench_cmd(b, 0xF0);
	b->now += 100;
	assert_int_equal(bench_reg(b, 0x05), 0x00);
	assert_no_misuse(b);
	bench_free(b);
}

/* One of two dies fails, and not always the same. */
static void test_failures_two_dies(void **state)
{
	bench *b = bench_new_with("mt25ql512ab", 2, 100, bench_seed());
	unsigned first = 0, second = 0;

	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		uint8_t flags[2];

		vf_sim_chip_fail_next(b->chip, 1);
		bench_erase(b, 0x20, 0);
		bench_wait(b);
		bench_read_reg(b, 0x70, flags, 2);
		assert_int_equal((flags[0] ^ flags[1]) & 0x20, 0x20);
		first += flags[0] >> 5 & 1u;
		second += flags[1] >> 5 & 1u;
		bench_cmd(b, 0x50);
	}
	assert_true(first > 4 && second > 4);
	assert_no_misuse(b);
	bench_free(b);
}

typedef struct protect_case {
	const char *part;
	uint8_t sr1;   /* protects the uppermost 64 KB or more */
	uint8_t after; /* what 05h reads after a refused program */
} protect_case;

static const protect_case protects[] = {
	{"mt25ql512ab", 0x04, 0x06}, {"n25q128a", 0x04, 0x06},   {"n25q512a", 0x04, 0x06},
	{"n25q256a", 0x04, 0x06},    {"mx66l1g45g", 0x04, 0x04}, {"w25q512jv", 0x04, 0x04},
	{"mx25l51245g", 0x04, 0x04}, {"w25q128jv", 0x04, 0x04},  {"w25q256jv", 0x04, 0x04},
	{"is25lp128", 0x04, 0x04},   {"is25lp256", 0x04, 0x04},  {"s25fl512s", 0x04, 0x47},
	{"gd25q128", 0x04, 0x04},    {"at25ql128a", 0x04, 0x04}, {"generic-sfdp", 0x04, 0x04},
};

static void clear_errors(bench *b)
{
	const char *name = vf_sim_part_name(b->config.part);
	uint8_t flags[2];

	if (strcmp(name, "n25q512a") == 0)
		bench_read_reg(b, 0x70, flags, 2);
	if (strncmp(name, "mt", 2) == 0 || name[0] == 'n')
		bench_cmd(b, 0x50);
	if (name[0] == 's')
		bench_cmd(b, 0x30);
	bench_cmd(b, 0x04);
}

static void test_protection(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof protects / sizeof protects[0]; i++) {
		const protect_case *p = &protects[i];
		bench *b = bench_new(p->part, 1);
		const uint32_t size = vf_sim_part_size(b->config.part);

		b->addr_bytes = size > 16u << 20 ? 4 : 3;
		if (b->addr_bytes == 4)
			vf_sim_chip_leave_in(b->chip, VF_SIM_MODE_ADDR4);
		bench_cmd(b, 0x06);
		bench_write_reg(b, 0x01, &p->sr1, 1);
		bench_wait(b);
		assert_int_equal(bench_reg(b, 0x05), p->sr1);
		program_byte(b, size - 1, 0x00); /* protected */
		assert_int_equal(bench_reg(b, 0x05), p->after);
		assert_int_equal(b->config.array[size - 1], 0xFF);
		clear_errors(b);
		program_byte(b, 0, 0x00); /* not */
		clear_errors(b);
		assert_int_equal(b->config.array[0], 0x00);
		vf_sim_chip_protect(b->chip, true);
		bench_erase(b, 0xD8, 0);
		assert_int_equal(vf_sim_chip_busy_until(b->chip), 0);
		clear_errors(b);
		assert_int_equal(b->config.array[0], 0x00);
		vf_sim_chip_protect(b->chip, false);
		bench_erase(b, 0xD8, 0);
		bench_wait(b);
		assert_int_equal(b->config.array[0], 0xFF);
		assert_no_misuse(b);
		bench_free(b);
	}
}

static void test_protection_flags_micron(void **state)
{
	bench *b = bench_new("mt25ql512ab", 1);

	(void)state;
	vf_sim_chip_protect(b->chip, true);
	program_byte(b, 0, 0x00);
	assert_int_equal(bench_reg(b, 0x70), 0x92);
	bench_cmd(b, 0x50);
	bench_erase(b, 0x20, 0);
	assert_int_equal(bench_reg(b, 0x70), 0xA2);
	bench_cmd(b, 0x50);
	bench_erase(b, 0xC7, 0);
	assert_int_equal(bench_reg(b, 0x70), 0xA2);
	assert_no_misuse(b);
	bench_free(b);
}

/* Bus time follows the rate; fractions of a microsecond are not lost. */
static void test_bus_time(void **state)
{
	bench *b = bench_new("mt25ql512ab", 2);
	uint8_t *buffer = malloc(1u << 20);

	(void)state;
	assert_non_null(buffer);
	b->config.bus_bytes_per_s = 50000000;
	bench_restart(b);
	bench_get(b, 0, buffer, 1u << 20);
	assert_in_range(b->now, 10485, 10487); /* half of it from each die */
	b->now = 0;
	for (unsigned i = 0; i < 1000; i++)
		(void)bench_reg(b, 0x05);
	assert_in_range(b->now, 319, 322); /* 0.3 us each, and 20 ns of data */
	free(buffer);
	bench_free(b);
}

static void test_operation_starts_after_the_bus(void **state)
{
	bench *b = bench_new("w25q128jv", 1);
	uint8_t page[256] = {0};

	(void)state;
	b->config.bus_bytes_per_s = 1000000;
	bench_restart(b);
	bench_program(b, 0, page, 256);
	assert_in_range(b->now, 256, 257);
	assert_int_equal(vf_sim_chip_busy_until(b->chip), b->now + 704);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits_only_clear),
		cmocka_unit_test(test_and_exhaustively),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_ecc_units),
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_early_read),
		cmocka_unit_test(test_low_lines),
		cmocka_unit_test(test_double_rate),
		cmocka_unit_test(test_two_dies),
		cmocka_unit_test(test_bad_bit),
		cmocka_unit_test(test_failures_micron),
		cmocka_unit_test(test_failures_macronix),
		cmocka_unit_test(test_failures_spansion),
		cmocka_unit_test(test_failures_two_dies),
		cmocka_unit_test(test_protection),
		cmocka_unit_test(test_protection_flags_micron),
		cmocka_unit_test(test_bus_time),
		cmocka_unit_test(test_operation_starts_after_the_bus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
