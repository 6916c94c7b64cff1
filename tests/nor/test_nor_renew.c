/* test_nor_renew.c - the driver after others used its chip: somebody's transactions, then
 * vf_nor_renew, then the driver's own operations as if nothing had been.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nor_bench.h"

static const uint8_t data[4] = {0x12, 0x34, 0x56, 0x78};

static void open_probed(nor_bench *b, const char *part)
{
	nor_bench_open(b, part, 1, nor_bench_seed());
	nor_bench_blank(b, 0, 1 << 20);
	assert_int_equal(nor_bench_probe(b), VF_OK);
}

/* Somebody else's command. */
static void command(nor_bench *b, uint8_t opcode, const uint8_t *bytes, uint32_t len)
{
	vf_bus_op op = {.opcode = opcode, .opcode_lanes = 1, .tx = bytes, .len = len};
	if (len != 0) {
		op.dir = VF_BUS_WRITE;
		op.data_lanes = 1;
	}
	b->now_us = vf_sim_chip_bus(b->chip, &op, b->now_us);
}

static uint8_t status_register(nor_bench *b, uint8_t opcode)
{
	uint8_t value = 0xFF;
	vf_bus_op op = {.opcode = opcode,
			.opcode_lanes = 1,
			.dir = VF_BUS_READ,
			.data_lanes = 1,
			.len = 1,
			.rx = &value};
	b->now_us = vf_sim_chip_bus(b->chip, &op, b->now_us);
	return value;
}

static void write_status(nor_bench *b, uint8_t opcode, uint8_t value)
{
	command(b, 0x06, NULL, 0);
	command(b, opcode, &value, 1);
	b->now_us = vf_sim_chip_busy_until(b->chip) + 1;
}

static int renew(nor_bench *b)
{
	vf_nor_renew(&b->nor);
	return nor_bench_finish(b);
}

static void waits_for_what_runs(void **state)
{
	static nor_bench b;
	(void)state;
	open_probed(&b, "w25q128jv");
	const vf_memory before = b.nor.memory;
	command(&b, 0x06, NULL, 0);
	command(&b, 0xC7, NULL, 0); /* all of it: 40 s */
	uint64_t until = vf_sim_chip_busy_until(b.chip);
	assert_true(until > b.now_us);
	assert_int_equal(renew(&b), VF_OK);
	assert_true(b.now_us >= until);
	assert_memory_equal(&b.nor.memory, &before, sizeof before);
	assert_int_equal(nor_bench_program(&b, 0x300, data, sizeof data), VF_OK);
	assert_memory_equal(b.chip_config.array + 0x300, data, sizeof data);
	nor_bench_close(&b);
}

static void forgets_a_write_enable(void **state)
{
	static const char *const parts[] = {"mt25ql512ab", "n25q512a",  "mx25l51245g", "s25fl512s",
					    "w25q256jv",   "is25lp256", "tiny64k"};
	(void)state;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		static nor_bench b;
		uint8_t back[4];
		open_probed(&b, parts[i]);
		command(&b, 0x06, NULL, 0);
		assert_int_equal(renew(&b), VF_OK);
		assert_int_equal(status_register(&b, 0x05) & 2, 0);
		assert_int_equal(nor_bench_program(&b, 0x300, data, sizeof data), VF_OK);
		assert_int_equal(nor_bench_read(&b, 0x300, back, sizeof back), VF_OK);
		assert_memory_equal(back, data, sizeof data);
		assert_int_equal(nor_bench_erase(&b, 0, b.nor.memory.erase[0].size), VF_OK);
		nor_bench_close(&b);
	}
}

static void enables_quad_again(void **state)
{
	static nor_bench b;
	uint8_t back[4];
	(void)state;
	open_probed(&b, "w25q128jv");
	assert_int_equal(b.nor.chip.read_lanes, 4);
	write_status(&b, 0x31, 0);
	assert_int_equal(status_register(&b, 0x35) & 2, 0);
	assert_int_equal(renew(&b), VF_OK);
	assert_int_equal(status_register(&b, 0x35) & 2, 2);
	assert_int_equal(b.nor.chip.read_lanes, 4);
	assert_int_equal(nor_bench_program(&b, 0x300, data, sizeof data), VF_OK);
	assert_int_equal(nor_bench_read(&b, 0x300, back, sizeof back), VF_OK);
	assert_memory_equal(back, data, sizeof data);
	nor_bench_close(&b);
}

/* Set and cleared again by others: what is complemented is known from SR2 alone. */
static void sees_protection(void **state)
{
	static nor_bench b;
	(void)state;
	open_probed(&b, "w25q128jv");
	write_status(&b, 0x31, 0x42);
	assert_int_equal(renew(&b), VF_OK);
	assert_int_equal(nor_bench_program(&b, 0x300, data, sizeof data), VF_E_LOCKED);
	write_status(&b, 0x31, 0x02);
	assert_int_equal(renew(&b), VF_OK);
	assert_int_equal(nor_bench_program(&b, 0x300, data, sizeof data), VF_OK);
	nor_bench_close(&b);
}

static void fails_and_tries_again(void **state)
{
	static nor_bench b;
	(void)state;
	nor_bench_open(&b, "w25q128jv", 1, 1);
	vf_nor_renew(&b.nor); /* there is nothing to renew */
	assert_int_equal(nor_bench_finish(&b), VF_E_USAGE);
	nor_bench_close(&b);
	for (uint32_t at = 1; at <= 4; at++) {
		open_probed(&b, "w25q128jv");
		command(&b, 0x06, NULL, 0);
		b.fail_at = b.transactions + at;
		assert_int_equal(renew(&b), VF_E_BUS);
		assert_int_equal(renew(&b), VF_OK);
		assert_int_equal(nor_bench_program(&b, 0x300, data, sizeof data), VF_OK);
		nor_bench_close(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_for_what_runs),   cmocka_unit_test(forgets_a_write_enable),
		cmocka_unit_test(enables_quad_again),    cmocka_unit_test(sees_protection),
		cmocka_unit_test(fails_and_tries_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
