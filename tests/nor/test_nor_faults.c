/* test_nor_faults.c - what goes wrong: chips that fail, that are protected, that
 * never get ready, that disagree, controllers that fail at any transaction, and
 * a board that restarts while the chip erases. After each the driver goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nor_bench.h"

/* One part of each way to report errors, single and dual. */
static const struct {
	const char *part;
	uint8_t dies;
} cases[] = {{"mt25ql512ab", 1}, {"mt25ql512ab", 2}, {"n25q512a", 1},  {"w25q128jv", 1},
	     {"w25q256jv", 2},   {"mx25l51245g", 1}, {"s25fl512s", 1}, {"s25fl512s", 2},
	     {"is25lp256", 1},   {"generic-sfdp", 2}};

enum { CASES = sizeof cases / sizeof cases[0] };

static void open_case(nor_bench *b, unsigned i)
{
	nor_bench_open(b, cases[i].part, cases[i].dies, i);
	nor_bench_blank(b, 0, 1 << 20);
	assert_int_equal(nor_bench_probe(b), VF_OK);
}

static void still_works(nor_bench *b)
{
	const vf_memory *m = &b->nor.memory;
	uint8_t data[1024];
	uint8_t back[1024];

	for (uint32_t i = 0; i < m->page; i++)
		data[i] = (uint8_t)nor_bench_random(b);
	assert_int_equal(nor_bench_erase(b, m->erase[0].size, m->erase[0].size), VF_OK);
	assert_int_equal(nor_bench_program(b, m->erase[0].size, data, m->page), VF_OK);
	assert_int_equal(nor_bench_read(b, m->erase[0].size, back, m->page), VF_OK);
	assert_memory_equal(back, data, m->page);
}

static void failures_are_reported(void **state)
{
	uint8_t data[1024] = {0};

	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		nor_bench b;

		open_case(&b, i);
		if (b.nor.chip.poll == VF_NOR_POLL_WIP) {
			nor_bench_close(&b);
			continue; /* these parts keep it to themselves: reading back tells */
		}
		vf_sim_chip_fail_next(b.chip, 1);
		assert_int_equal(nor_bench_erase(&b, 0, b.nor.memory.erase[0].size), VF_E_ERASE);
		still_works(&b);
		vf_sim_chip_fail_next(b.chip, 2);
		assert_int_equal(nor_bench_program(&b, 0, data, b.nor.memory.page), VF_E_PROGRAM);
		assert_int_equal(nor_bench_erase(&b, 0, b.nor.memory.erase[0].size), VF_E_ERASE);
		still_works(&b);
		nor_bench_close(&b);
	}
}

static void protection_is_respected(void **state)
{
	uint8_t data[1024] = {0};

	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		nor_bench b;
		const vf_sim_stats *stats;

		open_case(&b, i);
		stats = vf_sim_chip_stats(b.chip);
		vf_sim_chip_protect(b.chip, true);
		assert_int_equal(nor_bench_erase(&b, 0, b.nor.memory.erase[0].size), VF_E_LOCKED);
		assert_int_equal(nor_bench_program(&b, 0, data, b.nor.memory.page), VF_E_LOCKED);
		assert_int_equal(nor_bench_erase(&b, 0, b.nor.memory.erase[0].size), VF_E_LOCKED);
		assert_int_equal(nor_bench_read(&b, 0, data, 100), VF_OK);
		assert_true(stats->erases == 0 && stats->programs == 0);
		/* A probe does not clear it either. */
		assert_int_equal(nor_bench_probe(&b), VF_OK);
		assert_int_equal(nor_bench_erase(&b, 0, b.nor.memory.erase[0].size), VF_E_LOCKED);
		vf_sim_chip_protect(b.chip, false);
		still_works(&b);
		nor_bench_close(&b);
	}
}

/* The chip answers as if it never got ready. */
static void tap_busy(nor_bench *b, const vf_bus_op *op)
{
	bool flags = b->nor.chip.poll == VF_NOR_POLL_FLAGS;

	if (op->opcode != (flags ? 0x70 : 0x05) || vf_sim_chip_stats(b->chip)->erases == 0)
		return;
	for (uint32_t i = 0; i < op->len; i++)
		op->rx[i] = flags ? 0x00 : 0x03;
}

static void a_timeout_is_the_chips_own(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		nor_bench b;
		uint64_t began;
		uint64_t max;

		open_case(&b, i);
		max = b.nor.memory.erase[0].max_us;
		b.tap = tap_busy;
		began = b.now_us;
		assert_int_equal(nor_bench_erase(&b, 0, b.nor.memory.erase[0].size), VF_E_TIMEOUT);
		assert_in_range(b.now_us - began, 2 * max, 2 * max + 2 * max / 50);
		/* Still busy: the next one waits in vain, and ends too. */
		assert_int_equal(nor_bench_erase(&b, 0, b.nor.memory.erase[0].size), VF_E_TIMEOUT);
		b.tap = NULL;
		still_works(&b);
		nor_bench_close(&b);
	}
}

static void the_slowest_chip_is_in_time(void **state)
{
	uint64_t seed = nor_bench_seed();

	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		nor_bench b;
		uint8_t data[1024] = {0};

		nor_bench_open(&b, cases[i].part, cases[i].dies, seed + i);
		b.chip_config.time_percent = VF_SIM_TIME_RANDOM;
		nor_bench_place(&b);
		b.config.margin = 1;
		assert_int_equal(vf_nor_init(&b.nor, &b.config), VF_OK);
		assert_int_equal(nor_bench_probe(&b), VF_OK);
		for (unsigned k = 0; k < 100; k++) {
			const vf_erase_type *e = &b.nor.memory.erase[k % b.nor.memory.erase_types];

			if (e->size <= 1 << 20)
				assert_int_equal(nor_bench_erase(&b, 0, e->size), VF_OK);
			nor_bench_blank(&b, 0, 1024);
			assert_int_equal(nor_bench_program(&b, 0, data, b.nor.memory.page), VF_OK);
		}
		nor_bench_close(&b);
	}
}

/* The controller fails at one transaction of a probe, at each in turn. */
static void probe_survives_bus_errors(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		for (uint32_t k = 1;; k++) {
			nor_bench b;
			int status;

			nor_bench_open(&b, cases[i].part, cases[i].dies, k);
			b.fail_at = k;
			status = nor_bench_probe(&b);
			if (status == VF_OK && b.transactions < k) {
				nor_bench_close(&b);
				break;
			}
			assert_int_equal(status, VF_E_BUS);
			assert_int_equal(nor_bench_erase(&b, 0, 65536), VF_E_USAGE);
			assert_int_equal(nor_bench_probe(&b), VF_OK);
			nor_bench_close(&b);
		}
	}
}

static int some_operation(nor_bench *b, unsigned kind)
{
	static uint8_t data[1024];

	if (kind == 0)
		return nor_bench_erase(b, 0, b->nor.memory.erase[0].size);
	if (kind == 1)
		return nor_bench_program(b, 0, data, b->nor.memory.page);
	return nor_bench_read(b, 1, data, 999);
}

static void operations_survive_bus_errors(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3 * CASES; i++) {
		for (uint32_t k = 1;; k++) {
			nor_bench b;
			int status;

			open_case(&b, i / 3);
			b.fail_at = b.transactions + k;
			status = some_operation(&b, i % 3);
			if (status == VF_OK)
				assert_true(b.transactions < b.fail_at);
			else
				assert_int_equal(status, VF_E_BUS);
			b.fail_at = 0;
			still_works(&b);
			nor_bench_close(&b);
			if (status == VF_OK)
				break;
		}
	}
}

/* The board restarts in the middle of an erase: the chip goes on, and the new
 * probe waits for it rather than cutting it. */
static void an_erase_left_running_is_waited_for(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		nor_bench b;
		uint32_t size;

		open_case(&b, i);
		size = b.nor.memory.erase[0].size;
		memset(b.chip_config.array, 0x5A, size);
		b.give_up = b.now_us + b.nor.memory.erase[0].typ_us / 2;
		assert_int_equal(nor_bench_erase(&b, 0, size), VF_E_INTERRUPTED);
		b.give_up = 0;
		if (strncmp(cases[i].part, "mt25", 4) == 0 ||
		    strncmp(cases[i].part, "mx25", 4) == 0)
			vf_sim_chip_leave_in(b.chip, VF_SIM_MODE_QPI);
		b.misuse_expected = true; /* the ones that end continuous read come while busy */
		assert_int_equal(vf_nor_init(&b.nor, &b.config), VF_OK);
		assert_int_equal(nor_bench_probe(&b), VF_OK);
		b.misuse_expected = false;
		assert_true(b.chip_config.array[0] == 0xFF);
		assert_memory_equal(b.chip_config.array, b.chip_config.array + 1, size - 1);
		still_works(&b);
		nor_bench_close(&b);
	}
}

/* The same in the middle of a probe: a chip that was just reset or woken hears nothing yet. */
static void a_restart_while_probing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		nor_bench b;

		nor_bench_open(&b, cases[i].part, cases[i].dies, i);
		nor_bench_blank(&b, 0, 1 << 20);
		for (uint64_t after = 1;; after += 3) {
			vf_sim_chip_leave_in(b.chip, VF_SIM_MODE_POWER_DOWN);
			b.give_up = b.now_us + after;
			if (nor_bench_probe(&b) == VF_OK)
				break;
			b.give_up = 0;
			assert_int_equal(vf_nor_init(&b.nor, &b.config), VF_OK);
			assert_int_equal(nor_bench_probe(&b), VF_OK);
		}
		b.give_up = 0;
		still_works(&b);
		nor_bench_close(&b);
	}
}

/* A Spansion part whose erase failed stays busy for whoever comes next. */
static void an_error_left_behind_is_cleared(void **state)
{
	nor_bench b;

	(void)state;
	for (uint8_t dies = 1; dies <= 2; dies++) {
		nor_bench_open(&b, "s25fl512s", dies, 1);
		assert_int_equal(nor_bench_probe(&b), VF_OK);
		vf_sim_chip_fail_next(b.chip, 1);
		b.give_up = b.now_us + 100000;
		assert_int_equal(nor_bench_erase(&b, 0, b.nor.memory.erase[0].size),
				 VF_E_INTERRUPTED);
		b.give_up = 0;
		b.now_us += 10000000;
		b.misuse_expected = true;
		assert_int_equal(nor_bench_probe(&b), VF_OK);
		b.misuse_expected = false;
		still_works(&b);
		nor_bench_close(&b);
	}
}

static void tap_second_id(nor_bench *b, const vf_bus_op *op)
{
	uint32_t *at = b->tap_ctx;

	if (op->opcode == 0x9F && op->opcode_lanes == 1)
		op->rx[*at] ^= 0x01;
}

static void tap_one_id_in_two(nor_bench *b, const vf_bus_op *op)
{
	if (op->opcode == 0x9F && op->opcode_lanes == 1 && (*(uint32_t *)b->tap_ctx)++ % 2 == 1)
		op->rx[1] ^= 0x10;
}

static void doubtful_ids(void **state)
{
	nor_bench b;

	(void)state;
	for (uint32_t at = 0; at < 6; at++) {
		nor_bench_open(&b, "w25q128jv", 2, 1);
		b.tap = tap_second_id;
		b.tap_ctx = &at;
		assert_int_equal(nor_bench_probe(&b), VF_E_DIES_DIFFER);
		assert_int_equal(nor_bench_read(&b, 0, NULL, 1), VF_E_USAGE);
		nor_bench_close(&b);
	}
	nor_bench_open(&b, "w25q128jv", 1, 1);
	b.tap = tap_one_id_in_two;
	b.tap_ctx = &(uint32_t){0};
	assert_int_equal(nor_bench_probe(&b), VF_E_BUS);
	nor_bench_close(&b);
}

/* Write-enable never takes: chip-select too short between two transactions. */
static void tap_no_wel(nor_bench *b, const vf_bus_op *op)
{
	(void)b;
	if (op->opcode == 0x05 && op->opcode_lanes == 1)
		op->rx[op->len - 1] &= 0xFD;
}

static void write_enable_that_never_takes(void **state)
{
	uint8_t data[512] = {0};
	nor_bench b;

	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		open_case(&b, i);
		b.tap = tap_no_wel;
		assert_int_equal(nor_bench_program(&b, 0, data, 256), VF_E_BUS);
		assert_int_equal(vf_sim_chip_stats(b.chip)->programs, 0);
		b.tap = NULL;
		still_works(&b);
		nor_bench_close(&b);
	}
}

/* The command is ignored: ready at once, the latch still set. */
static void tap_ignored(nor_bench *b, const vf_bus_op *op)
{
	(void)b;
	if (op->opcode == 0x05 && op->opcode_lanes == 1)
		op->rx[0] = 0x02;
}

static void a_command_that_is_ignored(void **state)
{
	uint8_t data[256] = {0};
	nor_bench b;

	(void)state;
	nor_bench_open(&b, "w25q128jv", 1, 1);
	nor_bench_blank(&b, 0, 256);
	assert_int_equal(nor_bench_probe(&b), VF_OK);
	b.tap = tap_ignored;
	b.misuse_expected = true; /* the model is not really ready so soon */
	assert_int_equal(nor_bench_program(&b, 0, data, 256), VF_E_LOCKED);
	nor_bench_close(&b);
}

static void chips_nobody_knows(void **state)
{
	nor_bench b;

	(void)state;
	nor_bench_open(&b, "generic-none", 1, 1);
	assert_int_equal(nor_bench_probe(&b), VF_E_UNKNOWN_CHIP);
	assert_true(b.nor.chip.id[0] == 0x6E && b.nor.chip.id[1] == 0x52);
	nor_bench_close(&b);
	nor_bench_open(&b, "generic-sfdp", 1, 1);
	b.chip_config.no_sfdp = true;
	nor_bench_place(&b);
	assert_int_equal(nor_bench_probe(&b), VF_E_UNKNOWN_CHIP);
	nor_bench_close(&b);
	nor_bench_open(&b, "mt25ql512ab", 2, 1); /* known, and without SFDP */
	b.chip_config.no_sfdp = true;
	nor_bench_place(&b);
	assert_int_equal(nor_bench_probe(&b), VF_OK);
	assert_true(b.nor.chip.from_table && !b.nor.chip.from_sfdp);
	still_works(&b);
	nor_bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_are_reported),
		cmocka_unit_test(protection_is_respected),
		cmocka_unit_test(a_timeout_is_the_chips_own),
		cmocka_unit_test(the_slowest_chip_is_in_time),
		cmocka_unit_test(probe_survives_bus_errors),
		cmocka_unit_test(operations_survive_bus_errors),
		cmocka_unit_test(an_erase_left_running_is_waited_for),
		cmocka_unit_test(a_restart_while_probing),
		cmocka_unit_test(an_error_left_behind_is_cleared),
		cmocka_unit_test(doubtful_ids),
		cmocka_unit_test(write_enable_that_never_takes),
		cmocka_unit_test(a_command_that_is_ignored),
		cmocka_unit_test(chips_nobody_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
