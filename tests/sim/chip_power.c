/* chip_power.c - power that dies at any moment: what may be left of a program,
 * an erase and a transaction, and that the same seed leaves the same.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

static unsigned zeros(const uint8_t *p, size_t n)
{
	unsigned count = 0;

	for (size_t i = 0; i < n; i++)
		for (unsigned bit = 0; bit < 8; bit++)
			count += (p[i] >> bit & 1) == 0;
	return count;
}

/* A torn program has cleared some of the bits it was to clear, and no other. */
static void test_torn_program(void **state)
{
	const uint64_t seed = bench_seed();
	unsigned partial = 0;

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		bench *b = bench_new_with("tiny64k", 1, 100, seed + i);
		uint8_t data[256];
		unsigned cleared;

		for (unsigned k = 0; k < 256; k++)
			data[k] = (uint8_t)(k * 31 + i);
		memset(b->config.array + 0x100, 0xF7, 4);
		memset(data, 0x01, 4);
		bench_program(b, 0x100, data, 256);
		vf_sim_chip_power_cut(b->chip, b->now + 5 * i);
		for (unsigned k = 0; k < 256; k++)
			assert_int_equal(~b->config.array[0x100 + k] & 0xFF & data[k] &
						 (k < 4 ? 0xF7 : 0xFF),
					 0);
		cleared = zeros(b->config.array + 0x100, 256);
		partial += cleared > 0 && cleared < zeros(data, 256);
		assert_int_equal(b->config.array[0xFF], 0xFF);
		assert_int_equal(b->config.array[0x200], 0xFF);
		assert_int_equal(vf_sim_chip_busy_until(b->chip), 0);
		assert_int_equal(vf_sim_chip_stats(b->chip)->busy_us, 5 * i);
		assert_no_misuse(b);
		bench_free(b);
	}
	assert_int_equal(partial, 50);
}

static void test_after_the_end_nothing_is_torn(void **state)
{
	bench *b = bench_new("tiny64k", 1);

	(void)state;
	bench_program(b, 0, "whole", 5);
	vf_sim_chip_power_cut(b->chip, b->now + 256);
	assert_memory_equal(b->config.array, "whole", 5);
	bench_erase(b, 0x20, 0);
	vf_sim_chip_power_cut(b->chip, b->now + 48000);
	assert_int_equal(b->config.array[0], 0xFF);
	assert_false(vf_sim_chip_weak(b->chip, 0, 65536));
	bench_free(b);
}

static bool blank(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0xFF)
			return false;
	return true;
}

/* Over many cuts there are sectors that look erased and those that do not; all
 * are weak, and only there. */
static void test_torn_erase(void **state)
{
	const uint64_t seed = bench_seed();
	unsigned looks_blank = 0, mixed = 0;

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		bench *b = bench_new_with("tiny64k", 1, 100, seed + i);

		memset(b->config.array, 0x3C, 65536);
		bench_erase(b, 0x20, 0x3000);
		vf_sim_chip_power_cut(b->chip, b->now + 800 * i);
		assert_true(vf_sim_chip_weak(b->chip, 0x3000, 1));
		assert_true(vf_sim_chip_weak(b->chip, 0x3FFF, 1));
		assert_false(vf_sim_chip_weak(b->chip, 0, 0x3000));
		assert_false(vf_sim_chip_weak(b->chip, 0x4000, 0xC000));
		assert_int_equal(b->config.array[0x2FFF], 0x3C);
		assert_int_equal(b->config.array[0x4000], 0x3C);
		if (blank(b->config.array + 0x3000, 4096))
			looks_blank++;
		else
			mixed++;
		bench_free(b);
	}
	assert_true(looks_blank >= 5);
	assert_true(mixed >= 20);
}

/* The first read of a weak sector that differs from the array; 0 if none of
 * `tries` does. */
static unsigned unstable_after(bench *b, uint32_t at, unsigned tries)
{
	uint8_t got[4096];

	for (unsigned i = 1; i <= tries; i++) {
		bench_get(b, at, got, sizeof got);
		if (memcmp(got, b->config.array + at, sizeof got) != 0)
			return i;
	}
	return 0;
}

static void test_weak_reads(void **state)
{
	const uint64_t seed = bench_seed();
	bench *b = bench_new_with("tiny64k", 1, 100, seed);
	uint8_t page[256] = {1, 2, 3};

	(void)state;
	bench_erase(b, 0x20, 0x1000);
	vf_sim_chip_power_cut(b->chip, b->now + 47000);
	assert_int_not_equal(unstable_after(b, 0x1000, 30), 0);
	assert_int_equal(unstable_after(b, 0x2000, 30), 0);
	memset(b->config.array + 0x1000, 0xFF, 4096);
	for (uint32_t at = 0x1000; at < 0x2000; at += 256) { /* does not help */
		bench_program(b, at, page, 256);
		bench_wait(b);
	}
	assert_true(vf_sim_chip_weak(b->chip, 0x1000, 4096));
	assert_int_not_equal(unstable_after(b, 0x1000, 30), 0);
	bench_erase(b, 0x52, 0); /* a proper erase, of any size, does */
	bench_wait(b);
	assert_false(vf_sim_chip_weak(b->chip, 0, 65536));
	assert_int_equal(unstable_after(b, 0x1000, 30), 0);
	assert_no_misuse(b);
	bench_free(b);
}

/* An application that reads the mapped memory sees weak cells as well. */
static void test_weak_mapped_reads(void **state)
{
	bench *b = bench_new_with("tiny64k", 2, 100, bench_seed());
	uint8_t got[8192];
	unsigned odd = 0;

	(void)state;
	bench_erase(b, 0x20, 0x2000);
	vf_sim_chip_mapped(b->chip, 0x2000, got, 16, b->now + 100);
	assert_misuse(b, "memory-mapped while the part cannot be read");
	vf_sim_chip_power_cut(b->chip, b->now + 47000);
	for (unsigned i = 0; i < 30; i++) {
		vf_sim_chip_mapped(b->chip, 0x2001, got, 8191, b->now);
		odd += memcmp(got, b->config.array + 0x2001, 8191) != 0;
		vf_sim_chip_mapped(b->chip, 0x4000, got, 8192, b->now);
		assert_memory_equal(got, b->config.array + 0x4000, 8192);
	}
	assert_true(odd > 10);
	assert_no_misuse(b);
	vf_sim_chip_mapped(b->chip, 131071, got, 2, b->now);
	assert_misuse(b, "2 bytes at 0001FFFFh, beyond the memory");
	bench_free(b);
}

static void test_torn_chip_erase_two_dies(void **state)
{
	bench *b = bench_new_with("tiny64k", 2, 100, bench_seed());

	(void)state;
	memset(b->config.array, 0, 131072);
	bench_erase(b, 0xC7, 0);
	vf_sim_chip_power_cut(b->chip, b->now + 1);
	for (uint32_t at = 0; at < 131072; at += 512)
		assert_true(vf_sim_chip_weak(b->chip, at, 2));
	bench_erase(b, 0xC7, 0);
	bench_wait(b);
	assert_false(vf_sim_chip_weak(b->chip, 0, 131072));
	assert_true(blank(b->config.array, 131072));
	assert_no_misuse(b);
	bench_free(b);
}

static void test_volatile_state_is_lost(void **state)
{
	bench *b = bench_new("mx25l51245g", 1);
	const uint8_t quad = 0x40;
	uint8_t id[3];

	(void)state;
	bench_cmd(b, 0x06);
	bench_write_reg(b, 0x01, &quad, 1);
	bench_wait(b);
	bench_cmd(b, 0xB7);
	bench_cmd(b, 0x06);
	bench_cmd(b, 0x35);
	vf_sim_chip_power_cut(b->chip, b->now);
	bench_read_reg(b, 0x9F, id, 3);
	assert_int_equal(id[0], 0xC2);
	assert_int_equal(bench_reg(b, 0x05), 0x40);
	assert_int_equal(bench_reg(b, 0x15) & 0x20, 0);
	assert_no_misuse(b);
	bench_free(b);
}

/* A status write that is cut leaves the old value. */
static void test_torn_status_write(void **state)
{
	bench *b = bench_new("w25q128jv", 1);
	const uint8_t value = 0x1C;

	(void)state;
	bench_cmd(b, 0x06);
	bench_write_reg(b, 0x01, &value, 1);
	vf_sim_chip_power_cut(b->chip, b->now + 100);
	assert_int_equal(bench_reg(b, 0x05), 0);
	bench_free(b);
}

/* A transaction that is cut: a program may have got half its data, an erase may
 * have begun, a read ends early. */
static void test_torn_transactions(void **state)
{
	const uint64_t seed = bench_seed();
	uint8_t data[256] = {0}, out[8];
	unsigned begun = 0, erasing = 0, half = 0;

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		bench *b = bench_new_with("tiny64k", 1, 100, seed + i);
		const vf_bus_op program = {.opcode = 0x02,
					   .opcode_lanes = 1,
					   .addr_bytes = 3,
					   .addr_lanes = 1,
					   .data_lanes = 1,
					   .dir = VF_BUS_WRITE,
					   .len = 256,
					   .tx = data};
		const vf_bus_op erase = {.opcode = 0x20,
					 .opcode_lanes = 1,
					 .addr_bytes = 3,
					 .addr = 0x1000,
					 .addr_lanes = 1};
		const vf_bus_op read = {.opcode = 0x03,
					.opcode_lanes = 1,
					.addr_bytes = 3,
					.addr = 0x2000,
					.addr_lanes = 1,
					.data_lanes = 1,
					.dir = VF_BUS_READ,
					.len = 8,
					.rx = out};

		memcpy(b->config.array + 0x2000, "12345678", 8);
		bench_cmd(b, 0x06);
		vf_sim_chip_bus_torn(b->chip, &program, b->now);
		begun += zeros(b->config.array, 128) != 0;
		assert_true(blank(b->config.array + 128, 128));
		assert_int_equal(bench_reg(b, 0x05), 0);
		bench_cmd(b, 0x06);
		vf_sim_chip_bus_torn(b->chip, &erase, b->now);
		erasing += vf_sim_chip_weak(b->chip, 0x1000, 4096);
		vf_sim_chip_bus_torn(b->chip, &read, b->now);
		assert_memory_equal(out + 4, "\xFF\xFF\xFF\xFF", 4);
		half += memcmp(out, "1234", 4) == 0;
		assert_no_misuse(b);
		bench_free(b);
	}
	assert_in_range(begun, 16, 48);
	assert_in_range(erasing, 16, 48);
	assert_in_range(half, 16, 48);
}

static void some_life(bench *b)
{
	uint8_t page[256];

	for (unsigned i = 0; i < 40; i++) {
		memset(page, (int)(i * 37), sizeof page);
		if (i % 5 == 4)
			bench_erase(b, 0x20, i * 997 % 65536);
		else
			bench_program(b, i * 256, page, 256);
		if (i % 3 == 2)
			vf_sim_chip_power_cut(b->chip, b->now + i);
		else
			bench_wait(b);
	}
}

static void test_same_seed_same_end(void **state)
{
	const uint64_t seed = bench_seed();
	bench *a = bench_new_with("tiny64k", 1, VF_SIM_TIME_RANDOM, seed);
	bench *b = bench_new_with("tiny64k", 1, VF_SIM_TIME_RANDOM, seed);
	bench *c = bench_new_with("tiny64k", 1, VF_SIM_TIME_RANDOM, seed + 1);

	(void)state;
	some_life(a);
	some_life(b);
	some_life(c);
	assert_memory_equal(a->config.array, b->config.array, 65536);
	assert_memory_not_equal(a->config.array, c->config.array, 65536);
	assert_int_equal(a->now, b->now);
	assert_int_not_equal(a->now, c->now);
	bench_free(a);
	bench_free(b);
	bench_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_torn_program),
		cmocka_unit_test(test_after_the_end_nothing_is_torn),
		cmocka_unit_test(test_torn_erase),
		cmocka_unit_test(test_weak_reads),
		cmocka_unit_test(test_weak_mapped_reads),
		cmocka_unit_test(test_torn_chip_erase_two_dies),
		cmocka_unit_test(test_volatile_state_is_lost),
		cmocka_unit_test(test_torn_status_write),
		cmocka_unit_test(test_torn_transactions),
		cmocka_unit_test(test_same_seed_same_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
