/* chip_misuse.c - everything a data sheet forbids is called by its name, once,
 * and does nothing; what a driver may try blindly is not.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

/* A well-formed read of four bytes to spoil. */
static vf_bus_op reading(uint8_t *out)
{
	const vf_bus_op op = {.opcode = 0x03,
			      .opcode_lanes = 1,
			      .addr_bytes = 3,
			      .addr_lanes = 1,
			      .data_lanes = 1,
			      .dir = VF_BUS_READ,
			      .len = 4,
			      .rx = out};

	return op;
}

static void expect(bench *b, const vf_bus_op *op, const char *sentence)
{
	bench_bus(b, op);
	assert_misuse(b, sentence);
	assert_int_equal(bench_reg(b, 0x05) & 1, 0);
}

static void test_shapes(void **state)
{
	bench *b = bench_new("mt25ql512ab", 1);
	uint8_t out[4] = {0};
	vf_bus_op op;

	(void)state;
	op = reading(out);
	op.opcode = 0x33;
	expect(b, &op, "mt25ql512ab: command 33h: no such command");
	op = reading(out);
	op.addr_bytes = 4;
	expect(b, &op, "command 03h: 4 address bytes where the part expects 3");
	op = reading(out);
	op.addr_lanes = 4;
	expect(b, &op, "address on 4 lanes where the part expects 1");
	op = reading(out);
	op.data_lanes = 4;
	expect(b, &op, "data on 4 lanes where the part expects 1");
	op = reading(out);
	op.dummy = 8;
	expect(b, &op, "8 mode and dummy clocks where the part expects 0");
	op = reading(out);
	op.mode_bits = 8;
	expect(b, &op, "a mode byte, which the command has not");
	op = reading(out);
	op.dir = VF_BUS_NONE;
	op.len = op.data_lanes = 0;
	expect(b, &op, "must have data to read");
	op = reading(out);
	op.opcode = 0x06;
	op.addr_bytes = op.addr_lanes = 0;
	expect(b, &op, "must have no data");
	op = reading(out);
	op.opcode = 0x02;
	expect(b, &op, "must have data to write");
	assert_memory_equal(out, "\xFF\xFF\xFF\xFF", 4);
	bench_free(b);
}

/* What no controller would send by the bus's own description. */
static void test_malformed(void **state)
{
	bench *b = bench_new("mt25ql512ab", 1);
	uint8_t out[4];
	vf_bus_op op;

	(void)state;
	op = reading(out);
	op.opcode_lanes = 2;
	expect(b, &op, "opcode on 2 lanes");
	op = reading(out);
	op.addr_lanes = 0;
	expect(b, &op, "address and mode do not fit together");
	op = reading(out);
	op.mode_bits = 4;
	expect(b, &op, "address and mode do not fit together");
	op = reading(out);
	op.data_lanes = 0;
	expect(b, &op, "length, direction and data lanes do not fit together");
	bench_free(b);
}

static void test_ranges(void **state)
{
	bench *b = bench_new("mt25ql512ab", 1);
	uint8_t out[4];
	vf_bus_op op;

	(void)state;
	op = reading(out);
	op.addr = 0xFFFFFE;
	expect(b, &op, "4 bytes at 00FFFFFEh run past what three address bytes reach");
	op = reading(out);
	op.opcode = 0x13;
	op.addr_bytes = 4;
	op.addr = (64u << 20) - 3;
	expect(b, &op, "4 bytes at 03FFFFFDh, beyond the part's 04000000h");
	op.addr--;
	bench_bus(b, &op);
	assert_no_misuse(b);
	b->addr_bytes = 4;
	bench_erase(b, 0xDC, 64u << 20);
	assert_misuse(b, "command DCh: 1 bytes at 04000000h, beyond the part's 04000000h");
	bench_free(b);
}

static void test_write_enable(void **state)
{
	static const uint8_t zero[1] = {0};
	const vf_bus_op program = {.opcode = 0x02,
				   .opcode_lanes = 1,
				   .addr_bytes = 3,
				   .addr_lanes = 1,
				   .data_lanes = 1,
				   .dir = VF_BUS_WRITE,
				   .len = 1,
				   .tx = zero};
	const vf_bus_op erase = {
		.opcode = 0xD8, .opcode_lanes = 1, .addr_bytes = 3, .addr_lanes = 1};
	const vf_bus_op whole = {.opcode = 0xC7, .opcode_lanes = 1};
	const vf_sim_part *part;

	(void)state;
	for (size_t i = 0; (part = vf_sim_part_at(i)) != NULL; i++) {
		bench *b = bench_new(vf_sim_part_name(part), 1);

		b->config.array[1] = 0x11;
		expect(b, &program, "command 02h: without write enable (06h)");
		expect(b, &erase, "command D8h: without write enable (06h)");
		expect(b, &whole,
		       strcmp(vf_sim_part_name(part), "n25q512a") == 0
			       ? "no such command"
			       : "command C7h: without write enable (06h)");
		bench_write_reg(b, 0x01, zero, 1);
		assert_misuse(b, "command 01h: without write enable (06h)");
		assert_int_equal(b->config.array[0], 0xFF);
		assert_int_equal(b->config.array[1], 0x11);
		assert_int_equal(vf_sim_chip_stats(b->chip)->erases, 0);
		assert_int_equal(vf_sim_chip_stats(b->chip)->misuses, 4);
		bench_free(b);
	}
}

static void test_busy(void **state)
{
	const vf_sim_part *part;

	(void)state;
	for (size_t i = 0; (part = vf_sim_part_at(i)) != NULL; i++) {
		bench *b = bench_new(vf_sim_part_name(part), 1);
		uint8_t out[4];

		bench_erase(b, 0xD8, 0);
		(void)bench_reg(b, 0x05);
		assert_no_misuse(b);
		bench_get(b, 0, out, 4);
		assert_misuse(b, "command 03h: while the part is busy");
		assert_int_equal(out[0], 0xFF);
		bench_read_reg(b, 0x9F, out, 3);
		assert_misuse(b, "command 9Fh: while the part is busy");
		bench_cmd(b, 0x06);
		assert_misuse(b, "command 06h: while the part is busy");
		assert_int_equal(vf_sim_chip_stats(b->chip)->erases, 1);
		bench_free(b);
	}
}

static void test_register_writes(void **state)
{
	static const uint8_t two[2] = {0, 2};
	bench *b = bench_new("gd25q128", 1);

	(void)state;
	bench_cmd(b, 0x06);
	bench_write_reg(b, 0x01, two, 2);
	assert_misuse(b, "command 01h: 2 bytes where the part expects at most 1");
	assert_int_equal(bench_reg(b, 0x05), 2);
	bench_free(b);
}

/* Each part has its own commands: what it lacks is no command. */
static void test_missing_commands(void **state)
{
	static const struct {
		const char *part;
		uint8_t opcode;
	} cases[] = {{"n25q128a", 0x52},    {"n25q512a", 0xC7},     {"n25q512a", 0x52},
		     {"w25q128jv", 0x13},   {"w25q256jv", 0x5C},    {"w25q128jv", 0x70},
		     {"s25fl512s", 0x20},   {"s25fl512s", 0xB9},    {"gd25q128", 0xB7},
		     {"mx25l51245g", 0x32}, {"generic-none", 0x38}, {"n25q128a", 0xB9},
		     {"is25lp128", 0x5C}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bench *b = bench_new(cases[i].part, 1);
		char want[64];

		(void)snprintf(want, sizeof want, "%s: command %02Xh: no such command",
			       cases[i].part, cases[i].opcode);
		bench_cmd(b, cases[i].opcode);
		assert_misuse(b, want);
		bench_free(b);
	}
}

static void test_blind_recovery_is_none(void **state)
{
	static const uint8_t tries[] = {0x66, 0x99, 0xAB, 0xFF, 0xF5, 0xF0, 0xE9, 0x04};
	const vf_sim_part *part;

	(void)state;
	for (size_t i = 0; (part = vf_sim_part_at(i)) != NULL; i++) {
		bench *b = bench_new(vf_sim_part_name(part), 1);
		uint8_t out[4];

		for (unsigned k = 0; k < sizeof tries; k++) {
			b->lanes = 4;
			bench_cmd(b, tries[k]);
			b->lanes = 1;
			bench_cmd(b, tries[k]);
			b->now += 100000;
		}
		bench_read(b, 0x5A, 1, 1, 8, 0, out, 4);
		assert_no_misuse(b);
		bench_free(b);
	}
}

static void test_two_dies(void **state)
{
	bench *b = bench_new("mt25ql512ab", 2);
	uint8_t out[4];
	vf_bus_op op = reading(out);

	(void)state;
	op.addr = 1;
	expect(b, &op, "odd address or length, and two dies in parallel");
	op.addr = 0;
	op.len = 3;
	expect(b, &op, "odd address or length, and two dies in parallel");
	op.len = 4;
	op.dummy = 1; /* wrong for both, said once */
	expect(b, &op, "1 mode and dummy clocks where the part expects 0");
	assert_int_equal(vf_sim_chip_stats(b->chip)->misuses, 3);
	bench_free(b);
}

static uint32_t draw(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static vf_bus_op any_transaction(uint64_t *r, uint8_t *buffer)
{
	static const uint8_t lanes[] = {0, 1, 1, 2, 4, 4};
	const uint32_t len = draw(r) % 4 == 0 ? draw(r) % 600 : draw(r) % 5;
	vf_bus_op op = {0};

	op.opcode = (uint8_t)draw(r);
	op.opcode_lanes = draw(r) % 8 == 0 ? 4 : 1;
	op.addr_bytes = (uint8_t)(draw(r) % 3 == 0 ? 0 : 3 + draw(r) % 2);
	op.addr_lanes = lanes[draw(r) % 6];
	op.addr = draw(r) % 4 == 0 ? draw(r) : draw(r) % 65536;
	op.mode_bits = draw(r) % 4 == 0 ? 8 : 0;
	op.mode = (uint8_t)draw(r);
	op.dummy = (uint8_t)(draw(r) % 3 == 0 ? draw(r) % 12 : draw(r) % 2 * 8);
	op.data_lanes = lanes[draw(r) % 6];
	op.dir = (uint8_t)(draw(r) % 3);
	op.len = op.dir == VF_BUS_NONE ? 0 : len;
	op.tx = op.rx = buffer;
	return op;
}

/* Whatever is sent, the model stands: no access outside its memory (the
 * sanitizers look), every misuse has its sentence, and time goes forward. */
static void test_anything_goes(void **state)
{
	const uint64_t seed = bench_seed();
	const vf_sim_part *part;

	(void)state;
	for (size_t i = 0; (part = vf_sim_part_at(i)) != NULL; i++) {
		bench *b = bench_new_with(vf_sim_part_name(part), 1 + i % 2, VF_SIM_TIME_RANDOM,
					  seed + i);
		uint64_t r = seed * 31 + i;
		uint8_t buffer[600];

		for (unsigned k = 0; k < 5000; k++) {
			const vf_bus_op op = any_transaction(&r, buffer);
			const uint64_t before = b->now;

			b->misuse[0] = '\0';
			b->misuses = 0;
			if (draw(&r) % 8 == 0)
				bench_cmd(b, 0x06);
			bench_bus(b, &op);
			assert_true(b->now >= before);
			assert_int_equal(b->misuses != 0, strlen(b->misuse) > 20);
			if (draw(&r) % 64 == 0)
				vf_sim_chip_power_cut(b->chip, b->now);
			b->now += draw(&r) % 200000;
		}
		assert_true(vf_sim_chip_stats(b->chip)->misuses > 1000);
		bench_free(b);
	}
}

static void test_counted_without_listener(void **state)
{
	bench *b = bench_new("tiny64k", 1);

	(void)state;
	b->config.misuse = NULL;
	bench_restart(b);
	bench_cmd(b, 0x33);
	assert_int_equal(vf_sim_chip_stats(b->chip)->misuses, 1);
	assert_int_equal(vf_sim_chip_stats(b->chip)->transactions, 1);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_write_enable),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_register_writes),
		cmocka_unit_test(test_missing_commands),
		cmocka_unit_test(test_blind_recovery_is_none),
		cmocka_unit_test(test_two_dies),
		cmocka_unit_test(test_anything_goes),
		cmocka_unit_test(test_counted_without_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
