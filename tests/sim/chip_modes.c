/* chip_modes.c - the states a chip can be in, and the ways out of them: QPI,
 * four address bytes, deep power-down, continuous read, reset, quad enable,
 * bank registers, and the stacked dies of the N25Q512A.
 */
#include "bench.h"

#include <string.h>

static void soft_reset(bench *b)
{
	bench_cmd(b, 0x66);
	bench_cmd(b, 0x99);
	b->now += 100000;
}

static bool id_answers(bench *b, uint8_t opcode)
{
	uint8_t id[3];

	bench_read_reg(b, opcode, id, 3);
	return memcmp(id, b->id, 3) == 0;
}

typedef struct qpi_case {
	const char *part;
	uint8_t enter, leave;
	uint8_t id; /* how the id is read in QPI */
	bool needs_quad;
} qpi_case;

static const qpi_case qpis[] = {
	{"mt25ql512ab", 0x35, 0xF5, 0xAF, false}, {"mx25l51245g", 0x35, 0xF5, 0xAF, false},
	{"is25lp128", 0x35, 0xF5, 0xAF, false},   {"is25lp256", 0x35, 0xF5, 0xAF, false},
	{"gd25q128", 0x38, 0xFF, 0x9F, true},     {"at25ql128a", 0x38, 0xFF, 0x9F, true},
};

static void write_sr2(bench *b, uint8_t value)
{
	bench_cmd(b, 0x06);
	bench_write_reg(b, 0x31, &value, 1);
	bench_wait(b);
}

static void test_qpi(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof qpis / sizeof qpis[0]; i++) {
		const qpi_case *q = &qpis[i];
		bench *b = bench_new(q->part, 1);

		if (q->needs_quad) {
			bench_cmd(b, q->enter); /* ignored without quad enable */
			assert_true(id_answers(b, 0x9F));
			write_sr2(b, 0x02);
		}
		bench_cmd(b, q->enter);
		assert_false(id_answers(b, 0x9F)); /* one line: noise */
		b->lanes = 4;
		assert_true(id_answers(b, q->id));
		bench_program(b, 0x1234, "qpi", 3);
		bench_wait(b);
		assert_memory_equal(b->config.array + 0x1234, "qpi", 3);
		bench_cmd(b, q->leave);
		assert_false(id_answers(b, q->id));
		b->lanes = 1;
		assert_true(id_answers(b, 0x9F));
		assert_no_misuse(b);
		bench_free(b);
	}
}

/* The micron way through the enhanced volatile configuration, as on N25Q. */
static void test_qpi_by_register(void **state)
{
	const uint8_t quad = 0x5F;
	bench *b = bench_new("n25q128a", 1);

	(void)state;
	assert_int_equal(bench_reg(b, 0x65), 0xDF);
	bench_cmd(b, 0x06);
	bench_write_reg(b, 0x61, &quad, 1);
	b->lanes = 4;
	assert_true(id_answers(b, 0xAF));
	soft_reset(b);
	b->lanes = 1;
	assert_true(id_answers(b, 0x9F));
	assert_no_misuse(b);
	bench_free(b);
}

/* From every mode, the sequence that drivers begin with brings plain SPI. */
static void recover(bench *b)
{
	uint8_t ones[4] = {0xFF, 0xFF, 0xFF, 0xFF};

	bench_write_reg(b, 0xFF, ones, b->dies == 2 ? 4 : 2); /* out of continuous read */
	bench_cmd(b, 0xAB);
	b->now += 100;
	b->lanes = 4;
	soft_reset(b);
	b->lanes = 1;
	soft_reset(b);
	bench_cmd(b, 0xF0);
	b->now += 100000;
}

static void test_recovery(void **state)
{
	static const enum vf_sim_mode modes[] = {VF_SIM_MODE_SPI, VF_SIM_MODE_QPI,
						 VF_SIM_MODE_ADDR4, VF_SIM_MODE_POWER_DOWN,
						 VF_SIM_MODE_CONTINUOUS};
	const vf_sim_part *part;

	(void)state;
	for (size_t i = 0; (part = vf_sim_part_at(i)) != NULL; i++)
		for (unsigned m = 0; m < 5; m++) {
			bench *b = bench_new(vf_sim_part_name(part), 1);
			uint8_t byte;

			b->config.array[0x1000] = 0x42;
			vf_sim_chip_leave_in(b->chip, modes[m]);
			recover(b);
			assert_no_misuse(b);
			assert_true(id_answers(b, 0x9F));
			bench_get(b, 0x1000, &byte, 1); /* three address bytes again */
			assert_int_equal(byte, 0x42);
			assert_no_misuse(b);
			bench_free(b);
		}
}

/* Each mode does what it is for: without recovery the id cannot be read, or
 * three address bytes are wrong. */
static void test_modes_matter(void **state)
{
	bench *b = bench_new("mx25l51245g", 1);
	uint8_t byte;

	(void)state;
	vf_sim_chip_leave_in(b->chip, VF_SIM_MODE_QPI);
	assert_false(id_answers(b, 0x9F));
	vf_sim_chip_leave_in(b->chip, VF_SIM_MODE_SPI);
	vf_sim_chip_leave_in(b->chip, VF_SIM_MODE_POWER_DOWN);
	assert_false(id_answers(b, 0x9F));
	vf_sim_chip_leave_in(b->chip, VF_SIM_MODE_SPI);
	vf_sim_chip_leave_in(b->chip, VF_SIM_MODE_CONTINUOUS);
	assert_false(id_answers(b, 0x9F));
	vf_sim_chip_leave_in(b->chip, VF_SIM_MODE_SPI);
	vf_sim_chip_leave_in(b->chip, VF_SIM_MODE_ADDR4);
	assert_true(id_answers(b, 0x9F));
	assert_no_misuse(b);
	bench_get(b, 0, &byte, 1);
	assert_misuse(b, "3 address bytes where the part expects 4");
	bench_free(b);
}

static void test_reset_takes_two_commands(void **state)
{
	bench *b = bench_new("w25q256jv", 1);

	(void)state;
	bench_cmd(b, 0xB7);
	bench_cmd(b, 0x99); /* alone: ignored */
	b->now += 100;
	assert_int_equal(bench_reg(b, 0x15) & 1, 1);
	bench_cmd(b, 0x66);
	(void)bench_reg(b, 0x05); /* in between: disarms */
	bench_cmd(b, 0x99);
	b->now += 100;
	assert_int_equal(bench_reg(b, 0x15) & 1, 1);
	soft_reset(b);
	assert_int_equal(bench_reg(b, 0x15) & 1, 0);
	assert_no_misuse(b);
	bench_free(b);
}

static void test_reset_takes_time(void **state)
{
	bench *b = bench_new("w25q128jv", 1);
	uint8_t id[3];

	(void)state;
	bench_cmd(b, 0x66);
	bench_cmd(b, 0x99);
	bench_cmd(b, 0x66); /* recovery opcodes may be tried at any time */
	bench_cmd(b, 0xFF);
	assert_no_misuse(b);
	b->now += 10;
	bench_read_reg(b, 0x9F, id, 3);
	assert_misuse(b, "20 us too early after a reset or wake-up");
	assert_int_equal(id[0], 0xFF);
	b->now += 20;
	bench_read_reg(b, 0x9F, id, 3);
	assert_int_equal(id[0], 0xEF);
	assert_no_misuse(b);
	bench_free(b);
}

static void test_reset_aborts(void **state)
{
	bench *b = bench_new("mt25ql512ab", 1);

	(void)state;
	bench_erase(b, 0xD8, 0);
	b->now += 1000;
	soft_reset(b);
	assert_int_equal(bench_reg(b, 0x05), 0);
	assert_true(vf_sim_chip_weak(b->chip, 0, 65536));
	assert_false(vf_sim_chip_weak(b->chip, 65536, 65536));
	assert_int_equal(vf_sim_chip_stats(b->chip)->busy_us, 1000);
	assert_no_misuse(b);
	bench_free(b);
}

static void test_power_down(void **state)
{
	bench *b = bench_new("w25q128jv", 1);

	(void)state;
	bench_cmd(b, 0xB9);
	assert_int_equal(bench_reg(b, 0x05), 0xFF);
	soft_reset(b); /* not heard */
	assert_int_equal(bench_reg(b, 0x05), 0xFF);
	bench_cmd(b, 0xAB);
	b->now += 3;
	assert_int_equal(bench_reg(b, 0x05), 0x00);
	assert_no_misuse(b);
	bench_free(b);
}

static void quad_read(bench *b, uint8_t mode, uint8_t *out)
{
	const vf_bus_op op = {.opcode = 0xEB,
			      .opcode_lanes = 1,
			      .addr_bytes = 3,
			      .addr_lanes = 4,
			      .addr = 0x100,
			      .mode_bits = 8,
			      .mode = mode,
			      .dummy = 4,
			      .data_lanes = 4,
			      .dir = VF_BUS_READ,
			      .len = 4,
			      .rx = out};

	bench_bus(b, &op);
}

/* Which mode byte keeps a part in continuous read is the vendor's. */
static void test_continuous(void **state)
{
	static const struct {
		const char *part;
		uint8_t stay, leave;
		uint8_t opcode, value; /* how quad is enabled */
	} cases[] = {
		{"w25q128jv", 0x20, 0x00, 0x31, 0x02},
		{"mx25l51245g", 0xA5, 0xAA, 0x01, 0x40},
		{"is25lp128", 0xA0, 0x20, 0x01, 0x40},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		bench *b = bench_new(cases[i].part, 1);
		uint8_t got[4], ones = 0xFF;

		memcpy(b->config.array + 0x100, "quad", 4);
		bench_cmd(b, 0x06);
		bench_write_reg(b, cases[i].opcode, &cases[i].value, 1);
		bench_wait(b);
		quad_read(b, cases[i].leave, got);
		assert_memory_equal(got, "quad", 4);
		assert_true(id_answers(b, 0x9F));
		quad_read(b, cases[i].stay, got);
		assert_memory_equal(got, "quad", 4);
		assert_false(id_answers(b, 0x9F));
		bench_cmd(b, 0x66); /* not even reset gets through */
		bench_cmd(b, 0x99);
		assert_false(id_answers(b, 0x9F));
		bench_write_reg(b, 0xFF, &ones, 1); /* ones for an address and a mode byte */
		assert_true(id_answers(b, 0x9F));
		assert_no_misuse(b);
		bench_free(b);
	}
}

typedef struct quad_case {
	const char *part;
	uint8_t opcode; /* writes the register with the quad bit … */
	uint8_t data[2];
	uint32_t len;
} quad_case;

static const quad_case quads[] = {
	{"w25q128jv", 0x31, {0x02}, 1},        {"w25q128jv", 0x01, {0x00, 0x02}, 2},
	{"w25q256jv", 0x01, {0x00, 0x02}, 2},  {"mx25l51245g", 0x01, {0x40}, 1},
	{"is25lp128", 0x01, {0x40}, 1},        {"is25lp256", 0x01, {0x40}, 1},
	{"s25fl512s", 0x01, {0x00, 0x02}, 2},  {"gd25q128", 0x31, {0x02}, 1},
	{"at25ql128a", 0x01, {0x00, 0x02}, 2}, {"generic-sfdp", 0x01, {0x00, 0x02}, 2},
};

static void test_quad_enable(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof quads / sizeof quads[0]; i++) {
		const quad_case *q = &quads[i];
		bench *b = bench_new(q->part, 1);
		uint8_t got[4];

		memcpy(b->config.array + 0x100, "quad", 4);
		quad_read(b, 0xFF, got);
		assert_misuse(b, "on four lines without quad enable");
		assert_memory_equal(got, "\xFF\xFF\xFF\xFF", 4);
		bench_cmd(b, 0x06);
		bench_write_reg(b, q->opcode, q->data, q->len);
		bench_wait(b);
		quad_read(b, 0xFF, got);
		assert_memory_equal(got, "quad", 4);
		vf_sim_chip_power_cut(b->chip, b->now); /* it is kept */
		quad_read(b, 0xFF, got);
		assert_memory_equal(got, "quad", 4);
		bench_read(b, 0x6B, 1, 4, 8, 0x100, got, 4);
		assert_memory_equal(got, "quad", 4);
		assert_no_misuse(b);
		bench_free(b);
	}
}

/* A one-byte status write takes quad enable away from the AT25QL, not from the
 * W25Q; a volatile one lasts until power goes. */
static void test_status_writes(void **state)
{
	static const uint8_t zero[2] = {0, 0}, quad[2] = {0, 2};
	bench *at = bench_new("at25ql128a", 1), *w = bench_new("w25q128jv", 1);

	(void)state;
	bench_cmd(at, 0x06);
	bench_write_reg(at, 0x01, quad, 2);
	bench_wait(at);
	assert_int_equal(bench_reg(at, 0x35), 2);
	bench_cmd(at, 0x06);
	bench_write_reg(at, 0x01, zero, 1);
	bench_wait(at);
	assert_int_equal(bench_reg(at, 0x35), 0);
	bench_cmd(w, 0x50);
	bench_write_reg(w, 0x01, quad, 2);
	assert_int_equal(vf_sim_chip_busy_until(w->chip), 0);
	assert_int_equal(bench_reg(w, 0x35), 2);
	vf_sim_chip_power_cut(w->chip, w->now);
	assert_int_equal(bench_reg(w, 0x35), 0);
	write_sr2(w, 2);
	bench_cmd(w, 0x06);
	bench_write_reg(w, 0x01, zero, 1);
	bench_wait(w);
	assert_int_equal(bench_reg(w, 0x35), 2);
	assert_no_misuse(at);
	assert_no_misuse(w);
	bench_free(at);
	bench_free(w);
}

static void test_four_byte_mode(void **state)
{
	static const struct {
		const char *part;
		bool wel;
		uint8_t leave;
	} cases[] = {{"mt25ql512ab", true, 0xE9},
		     {"n25q512a", true, 0xE9},
		     {"mx25l51245g", false, 0xE9},
		     {"w25q256jv", false, 0xE9},
		     {"is25lp256", false, 0x29}};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		bench *b = bench_new(cases[i].part, 1);
		uint8_t byte;

		b->config.array[0x1000010] = 0x24;
		if (cases[i].wel) {
			bench_cmd(b, 0xB7);
			assert_misuse(b, "command B7h: without write enable");
			bench_cmd(b, 0x06);
		}
		bench_cmd(b, 0xB7);
		b->addr_bytes = 4;
		bench_get(b, 0x1000010, &byte, 1);
		assert_int_equal(byte, 0x24);
		if (cases[i].wel)
			assert_int_equal(bench_reg(b, 0x70) & 1, 1);
		bench_cmd(b, cases[i].leave);
		b->addr_bytes = 3;
		bench_get(b, 0x10, &byte, 1);
		assert_int_equal(byte, 0xFF);
		assert_no_misuse(b);
		bench_free(b);
	}
}

/* A Micron part leaves four-byte mode only when write-enabled; a blind attempt
 * without is no misuse, and has no effect. */
static void test_blind_address_exit(void **state)
{
	bench *b = bench_new("mt25ql512ab", 1);

	(void)state;
	vf_sim_chip_leave_in(b->chip, VF_SIM_MODE_ADDR4);
	bench_cmd(b, 0xE9);
	assert_int_equal(bench_reg(b, 0x70) & 1, 1);
	bench_cmd(b, 0x06);
	bench_cmd(b, 0xE9);
	assert_int_equal(bench_reg(b, 0x70) & 1, 0);
	assert_no_misuse(b);
	bench_free(b);
}

/* In QPI all four lines are in use anyway: quad enable does not matter. */
static void test_quad_read_in_qpi(void **state)
{
	bench *b = bench_new("mx25l51245g", 1);
	uint8_t got[4];

	(void)state;
	memcpy(b->config.array + 0x40, "qpi!", 4);
	bench_cmd(b, 0x35);
	b->lanes = 4;
	bench_read(b, 0xEB, 4, 4, 6, 0x40, got, 4);
	assert_memory_equal(got, "qpi!", 4);
	assert_no_misuse(b);
	bench_read(b, 0x6B, 4, 4, 8, 0x40, got, 4);
	assert_misuse(b, "command 6Bh: no such command in QPI");
	bench_free(b);
}

/* Three address bytes reach beyond 16 MB through the bank register. */
static void test_bank(void **state)
{
	static const struct {
		const char *part;
		uint8_t write, read;
		bool wel;
	} cases[] = {{"mt25ql512ab", 0xC5, 0xC8, true},
		     {"w25q256jv", 0xC5, 0xC8, true},
		     {"mx25l51245g", 0xC5, 0xC8, true},
		     {"is25lp256", 0x17, 0x16, false},
		     {"s25fl512s", 0x17, 0x16, false}};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		bench *b = bench_new(cases[i].part, 1);
		const uint8_t one = 1;
		uint8_t byte;

		b->config.array[0x1234567] = 0x77;
		if (cases[i].wel)
			bench_cmd(b, 0x06);
		bench_write_reg(b, cases[i].write, &one, 1);
		assert_int_equal(bench_reg(b, cases[i].read), 1);
		bench_get(b, 0x234567, &byte, 1);
		assert_int_equal(byte, 0x77);
		assert_no_misuse(b);
		bench_free(b);
	}
}

/* Spansion's bank register also has the switch for four address bytes. */
static void test_bank_extadd(void **state)
{
	const uint8_t on = 0x80;
	bench *b = bench_new("s25fl512s", 1);
	uint8_t byte;

	(void)state;
	bench_write_reg(b, 0x17, &on, 1);
	assert_int_equal(bench_reg(b, 0x16), 0x80);
	b->addr_bytes = 4;
	b->config.array[0x3000000] = 0x19;
	bench_get(b, 0x3000000, &byte, 1);
	assert_int_equal(byte, 0x19);
	bench_erase(b, 0xD8, 0x3000000);
	bench_wait(b);
	assert_int_equal(b->config.array[0x3000000], 0xFF);
	bench_cmd(b, 0xF0);
	b->now += 100;
	assert_int_equal(bench_reg(b, 0x16), 0x00);
	assert_no_misuse(b);
	bench_free(b);
}

/* Micron's configuration says how many dummy clocks reads take. */
static void test_dummy_configuration(void **state)
{
	const uint8_t six = 0x6B;
	bench *b = bench_new("mt25ql512ab", 1);
	uint8_t got[4];

	(void)state;
	assert_int_equal(bench_reg(b, 0x85), 0xFB);
	memcpy(b->config.array, "fast", 4);
	bench_cmd(b, 0x06);
	bench_write_reg(b, 0x81, &six, 1);
	bench_read(b, 0x0B, 1, 1, 6, 0, got, 4);
	assert_memory_equal(got, "fast", 4);
	assert_no_misuse(b);
	bench_read(b, 0x0B, 1, 1, 8, 0, got, 4);
	assert_misuse(b, "8 mode and dummy clocks where the part expects 6");
	soft_reset(b);
	bench_read(b, 0x0B, 1, 1, 8, 0, got, 4);
	assert_memory_equal(got, "fast", 4);
	bench_free(b);
}

/* Its non-volatile configuration outlives power, and a reset brings it back. */
static void test_nonvolatile_configuration(void **state)
{
	static const uint8_t four[2] = {0xFE, 0xFF};
	bench *b = bench_new("mt25ql512ab", 1);
	uint8_t got[2];

	(void)state;
	bench_cmd(b, 0x06);
	bench_write_reg(b, 0xB1, four, 2);
	bench_wait(b);
	bench_read_reg(b, 0xB5, got, 2);
	assert_memory_equal(got, four, 2);
	assert_int_equal(bench_reg(b, 0x70) & 1, 0);
	soft_reset(b);
	assert_int_equal(bench_reg(b, 0x70) & 1, 1);
	vf_sim_chip_power_cut(b->chip, b->now);
	assert_int_equal(bench_reg(b, 0x70) & 1, 1);
	assert_no_misuse(b);
	bench_free(b);
}

/* Each stacked die answers in turn; one byte alone proves nothing. */
static void test_stacked_flag_status(void **state)
{
	bench *b = bench_new("n25q512a", 1);
	uint8_t flags[2], byte;

	(void)state;
	bench_cmd(b, 0x06);
	bench_cmd(b, 0xB7);
	b->addr_bytes = 4;
	bench_cmd(b, 0x04);
	bench_erase(b, 0xD8, 40u << 20); /* in the second die */
	bench_read_reg(b, 0x70, flags, 2);
	assert_int_equal(flags[0], 0x81); /* the first is idle, in four-byte mode */
	assert_int_equal(flags[1], 0x01);
	bench_wait(b);
	bench_get(b, 0, &byte, 1);
	assert_misuse(b, "before the flag status of both stacked dies was read");
	bench_read_reg(b, 0x70, flags, 2);
	assert_int_equal(flags[0] & flags[1], 0x81);
	bench_get(b, 0, &byte, 1);
	assert_no_misuse(b);
	bench_program(b, 5, "x", 1);
	bench_wait(b);
	assert_int_equal(bench_reg(b, 0x70), 0x81); /* a byte at a time does as well */
	bench_cmd(b, 0x06);
	assert_misuse(b, "before the flag status of both stacked dies was read");
	assert_int_equal(bench_reg(b, 0x70), 0x81);
	bench_cmd(b, 0x06);
	assert_no_misuse(b);
	bench_program(b, 6, "y", 1);
	soft_reset(b); /* a reset asks for nothing */
	b->addr_bytes = 3;
	bench_get(b, 0, &byte, 1);
	assert_no_misuse(b);
	bench_free(b);
}

static void test_die_erase(void **state)
{
	bench *b = bench_new("n25q512a", 1);
	uint8_t flags[2];

	(void)state;
	b->config.array[0] = b->config.array[32u << 20] = 0;
	bench_erase(b, 0xC4, 0x123);
	assert_int_equal(vf_sim_chip_busy_until(b->chip) - b->now, 240000000);
	bench_wait(b);
	bench_read_reg(b, 0x70, flags, 2);
	assert_int_equal(b->config.array[0], 0xFF);
	assert_int_equal(b->config.array[32u << 20], 0);
	assert_no_misuse(b);
	bench_free(b);
}

/* A second program starts from nothing: write enable is spent. */
static void test_write_enable(void **state)
{
	const vf_sim_part *part;

	(void)state;
	for (size_t i = 0; (part = vf_sim_part_at(i)) != NULL; i++) {
		bench *b = bench_new(vf_sim_part_name(part), 1);

		assert_int_equal(bench_reg(b, 0x05), 0);
		bench_cmd(b, 0x06);
		assert_int_equal(bench_reg(b, 0x05), 2);
		bench_cmd(b, 0x04);
		assert_int_equal(bench_reg(b, 0x05), 0);
		bench_program(b, 0, "w", 1);
		assert_int_equal(bench_reg(b, 0x05), 3);
		bench_wait(b);
		assert_int_equal(bench_reg(b, 0x05), 0);
		assert_no_misuse(b);
		bench_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qpi),
		cmocka_unit_test(test_qpi_by_register),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_modes_matter),
		cmocka_unit_test(test_reset_takes_two_commands),
		cmocka_unit_test(test_reset_takes_time),
		cmocka_unit_test(test_reset_aborts),
		cmocka_unit_test(test_power_down),
		cmocka_unit_test(test_continuous),
		cmocka_unit_test(test_quad_enable),
		cmocka_unit_test(test_status_writes),
		cmocka_unit_test(test_four_byte_mode),
		cmocka_unit_test(test_blind_address_exit),
		cmocka_unit_test(test_quad_read_in_qpi),
		cmocka_unit_test(test_bank),
		cmocka_unit_test(test_bank_extadd),
		cmocka_unit_test(test_dummy_configuration),
		cmocka_unit_test(test_nonvolatile_configuration),
		cmocka_unit_test(test_stacked_flag_status),
		cmocka_unit_test(test_die_erase),
		cmocka_unit_test(test_write_enable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
