/* test_nor_bus.c - exact transactions: what goes over the bus for an operation,
 * byte for byte, against a scripted chip. A small fake answers register reads by
 * opcode and writes down everything it was asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/nor.h>

enum { LOG_MAX = 400 };

typedef struct fake {
	vf_nor nor;
	vf_nor_config config;
	uint8_t id[2][6]; /* by die */
	uint8_t sr1[2], sr2[2], fsr[2];
	uint8_t stuck_sr2; /* bits of SR2 that do not take */
	bool silent;       /* nothing answers: lines high */
	bool stays_in_3;   /* B7h is ignored */
	unsigned busy;     /* polls of the flag status that find it busy */
	uint32_t now_us;
	uint32_t waited_us;
	vf_bus_op log[LOG_MAX];
	uint8_t tx[LOG_MAX][8]; /* the first bytes written */
	uint32_t at_us[LOG_MAX];
	unsigned count;
} fake;

static void fake_open(fake *f, const uint8_t id[6], uint8_t dies)
{
	memset(f, 0, sizeof *f);
	memcpy(f->id[0], id, 6);
	memcpy(f->id[1], id, 6);
	f->fsr[0] = f->fsr[1] = 0x80;
	f->config.base = 0x90000000u;
	f->config.dies = dies;
	f->config.lanes = 4;
	f->config.addr_bytes = 4;
	f->config.max_transfer = 1024;
	assert_int_equal(vf_nor_init(&f->nor, &f->config), VF_OK);
}

static uint8_t answer(fake *f, const vf_bus_op *op, uint32_t die, uint32_t i)
{
	if (f->silent || op->opcode_lanes != 1)
		return 0xFF;
	switch (op->opcode) {
	case 0x9F:
		return i < 6 ? f->id[die][i] : 0;
	case 0x05:
		return f->sr1[die];
	case 0x35:
		return f->sr2[die];
	case 0x70:
		if (f->busy != 0) {
			f->busy--;
			return 0;
		}
		return f->fsr[die];
	case 0x5A:
		return 0xFF;
	default: /* the array: its address, so that reads can be told apart */
		return (uint8_t)((op->addr / f->config.dies + i) * 3 + die);
	}
}

static void written(fake *f, const vf_bus_op *op)
{
	uint8_t dies = f->config.dies;

	for (uint8_t d = 0; d < dies; d++) {
		if (op->opcode == 0x06)
			f->sr1[d] |= 2;
		else if (op->opcode == 0x04 || (f->sr1[d] & 2) == 0)
			f->sr1[d] &= 0xFD;
		else if (op->opcode == 0x01)
			f->sr1[d] = op->tx[d] & 0xFC;
		if (op->opcode == 0x01 && op->len == 2u * dies)
			f->sr2[d] = op->tx[dies + d] & (uint8_t)~f->stuck_sr2;
		if (op->opcode == 0x31)
			f->sr2[d] = op->tx[d] & (uint8_t)~f->stuck_sr2;
		if (op->opcode == 0x31 || (op->dir != VF_BUS_READ && op->addr_bytes != 0) ||
		    op->opcode == 0xC7)
			f->sr1[d] &= 0xFD;
		if (op->opcode == 0xB7 && !f->stays_in_3)
			f->fsr[d] |= 1;
	}
}

static void carry_out(fake *f, const vf_bus_op *op)
{
	assert_true(f->count < LOG_MAX);
	f->log[f->count] = *op;
	f->at_us[f->count] = f->now_us;
	if (op->dir == VF_BUS_WRITE)
		memcpy(f->tx[f->count], op->tx, op->len < 8 ? op->len : 8);
	f->count++;
	for (uint32_t i = 0; op->dir == VF_BUS_READ && i < op->len; i++)
		op->rx[i] = answer(f, op, i % f->config.dies, i / f->config.dies);
	if (op->dir != VF_BUS_READ && op->opcode_lanes == 1)
		written(f, op);
}

static int finish(fake *f)
{
	const vf_bus_op *op = NULL;
	uint32_t wait_us = 0;
	enum vf_nor_step step;

	while ((step = vf_nor_step(&f->nor, f->now_us, &op, &wait_us)) != VF_NOR_DONE) {
		if (step == VF_NOR_WAIT) {
			f->now_us += wait_us;
			f->waited_us += wait_us;
			continue;
		}
		carry_out(f, op);
		vf_nor_bus_done(&f->nor, VF_OK, f->now_us);
	}
	return vf_nor_status(&f->nor);
}

static int probe(fake *f)
{
	int status;

	vf_nor_probe(&f->nor);
	status = finish(f);
	f->count = 0;
	f->waited_us = 0;
	return status;
}

static int operate(fake *f, uint8_t kind, uint32_t offset, uint8_t *buf, uint32_t len)
{
	vf_flash_op op = {.kind = kind, .offset = offset, .len = len, .data = buf, .buf = buf};
	int status = vf_nor_begin(&f->nor, &op);

	return status == VF_OK ? finish(f) : status;
}

/* The transaction at `i`: opcode, address bytes and lanes, data. */
static void expect_bus(const fake *f, unsigned i, uint8_t opcode, uint8_t addr_bytes,
		       uint8_t addr_lanes, uint32_t addr, uint8_t dir, uint8_t lanes, uint32_t len)
{
	const vf_bus_op *op = &f->log[i];

	assert_true(i < f->count);
	assert_int_equal(op->opcode, opcode);
	assert_int_equal(op->opcode_lanes, 1);
	assert_int_equal(op->addr_bytes, addr_bytes);
	assert_int_equal(op->addr_lanes, addr_lanes);
	assert_int_equal(op->addr, addr);
	assert_int_equal(op->dir, dir);
	assert_int_equal(op->data_lanes, lanes);
	assert_int_equal(op->len, len);
	assert_int_equal(op->mode_bits, 0);
}

static void expect_plain(const fake *f, unsigned i, uint8_t opcode)
{
	expect_bus(f, i, opcode, 0, 0, 0, VF_BUS_NONE, 0, 0);
	assert_int_equal(f->log[i].dummy, 0);
}

static const uint8_t mt25ql512[6] = {0x20, 0xBA, 0x20, 0x10, 0x44, 0x00};
static const uint8_t n25q512[6] = {0x20, 0xBA, 0x20, 0x10, 0x00, 0x00};
static const uint8_t w25q128[6] = {0xEF, 0x70, 0x18, 0xEF, 0x70, 0x18};
static const uint8_t at25ql128[6] = {0x1F, 0x42, 0x18, 0x1F, 0x42, 0x18};
static const uint8_t mx25l512[6] = {0xC2, 0x20, 0x1A, 0xC2, 0x20, 0x1A};
static const uint8_t gd25q128[6] = {0xC8, 0x40, 0x18, 0xC8, 0x40, 0x18};

static void program_of_a_dual_page(void **state)
{
	uint8_t data[512] = {1, 2, 3};
	fake f;

	(void)state;
	fake_open(&f, mt25ql512, 2);
	assert_int_equal(probe(&f), VF_OK);
	assert_int_equal(operate(&f, VF_FLASH_PROGRAM, 0x7FFFE00, data, 512), VF_OK);
	assert_int_equal(f.count, 4);
	expect_plain(&f, 0, 0x06);
	expect_bus(&f, 1, 0x05, 0, 0, 0, VF_BUS_READ, 1, 2);
	expect_bus(&f, 2, 0x34, 4, 1, 0x7FFFE00, VF_BUS_WRITE, 4, 512);
	assert_ptr_equal(f.log[2].tx, data);
	expect_bus(&f, 3, 0x70, 0, 0, 0, VF_BUS_READ, 1, 2);
	assert_in_range(f.waited_us, 110, 120);
}

/* One slow operation does not make the next one wait beyond the typical time. */
static void a_slow_page_is_not_the_rule(void **state)
{
	uint8_t data[256] = {0};
	fake f;

	(void)state;
	fake_open(&f, mt25ql512, 1);
	assert_int_equal(probe(&f), VF_OK);
	f.busy = 100;
	assert_int_equal(operate(&f, VF_FLASH_PROGRAM, 0, data, 256), VF_OK);
	assert_true(f.waited_us > 240);
	f.waited_us = 0;
	assert_int_equal(operate(&f, VF_FLASH_PROGRAM, 256, data, 256), VF_OK);
	assert_in_range(f.waited_us, 100, 120);
}

static void erases(void **state)
{
	fake f;

	(void)state;
	fake_open(&f, mt25ql512, 2);
	assert_int_equal(probe(&f), VF_OK);
	assert_int_equal(operate(&f, VF_FLASH_ERASE, 0x20000, NULL, 0x20000), VF_OK);
	assert_int_equal(f.count, 4);
	expect_bus(&f, 2, 0xDC, 4, 1, 0x20000, VF_BUS_NONE, 0, 0);
	assert_in_range(f.waited_us, 150000, 160000);
	f.count = 0;
	assert_int_equal(operate(&f, VF_FLASH_ERASE, 0, NULL, 128u << 20), VF_OK);
	assert_int_equal(f.count, 4);
	expect_plain(&f, 2, 0xC7);
	fake_open(&f, w25q128, 1);
	assert_int_equal(probe(&f), VF_OK);
	assert_int_equal(operate(&f, VF_FLASH_ERASE, 0x8000, NULL, 0x8000), VF_OK);
	assert_int_equal(f.count, 4);
	expect_bus(&f, 2, 0x52, 3, 1, 0x8000, VF_BUS_NONE, 0, 0);
	expect_bus(&f, 3, 0x05, 0, 0, 0, VF_BUS_READ, 1, 1);
}

/* Bytes as the fake makes them up, two dies in parallel. */
static void check_dual(const uint8_t *buf, uint32_t offset, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(buf[i], (uint8_t)((offset + i) / 2 * 3 + ((offset + i) & 1)));
}

static void reads(void **state)
{
	uint8_t buf[2600];
	fake f;

	(void)state;
	fake_open(&f, mt25ql512, 2);
	assert_int_equal(probe(&f), VF_OK);
	assert_int_equal(operate(&f, VF_FLASH_READ, 0x100, buf, 2600), VF_OK);
	assert_int_equal(f.count, 3);
	expect_bus(&f, 0, 0x6C, 4, 1, 0x100, VF_BUS_READ, 4, 1024);
	assert_int_equal(f.log[0].dummy, 8);
	assert_ptr_equal(f.log[0].rx, buf);
	expect_bus(&f, 1, 0x6C, 4, 1, 0x500, VF_BUS_READ, 4, 1024);
	expect_bus(&f, 2, 0x6C, 4, 1, 0x900, VF_BUS_READ, 4, 552);
	check_dual(buf, 0x100, 2600);

	f.count = 0;
	assert_int_equal(operate(&f, VF_FLASH_READ_MAPPED, 0x101, buf, 1026), VF_OK);
	assert_int_equal(f.count, 3);
	expect_bus(&f, 0, 0x6C, 4, 1, 0x100, VF_BUS_READ, 4, 2);
	expect_bus(&f, 1, 0x6C, 4, 1, 0x102, VF_BUS_READ, 4, 1024);
	expect_bus(&f, 2, 0x6C, 4, 1, 0x502, VF_BUS_READ, 4, 2);
	check_dual(buf, 0x101, 1026);

	f.count = 0;
	assert_int_equal(operate(&f, VF_FLASH_READ, 0x7FFFFFF, buf, 1), VF_OK);
	assert_int_equal(f.count, 1);
	expect_bus(&f, 0, 0x6C, 4, 1, 0x7FFFFFE, VF_BUS_READ, 4, 2);
	check_dual(buf, 0x7FFFFFF, 1);
}

/* With two dies the odd ends of any read come out right, and nothing is written
 * past the buffer. */
static void odd_reads(void **state)
{
	uint8_t buf[16];
	fake f;

	(void)state;
	fake_open(&f, mt25ql512, 2);
	assert_int_equal(probe(&f), VF_OK);
	for (uint32_t offset = 0; offset < 4; offset++) {
		for (uint32_t len = 1; len < 12; len++) {
			memset(buf, 0xEE, sizeof buf);
			f.count = 0;
			assert_int_equal(operate(&f, VF_FLASH_READ, offset, buf, len), VF_OK);
			check_dual(buf, offset, len);
			assert_int_equal(buf[len], 0xEE);
			assert_true(f.count <= 3);
		}
	}
}

static const vf_bus_op *last(const fake *f, uint8_t opcode, unsigned *at)
{
	for (unsigned i = f->count; i-- > 0;) {
		if (f->log[i].opcode == opcode && f->log[i].opcode_lanes == 1) {
			*at = i;
			return &f->log[i];
		}
	}
	return NULL;
}

static int probe_keeping_log(fake *f)
{
	vf_nor_probe(&f->nor);
	return finish(f);
}

static void quad_enable_keeps_other_bits(void **state)
{
	unsigned at = 0;
	fake f;

	(void)state;
	fake_open(&f, w25q128, 2); /* 31h, each die its own register */
	f.sr1[0] = 0x80;
	f.sr2[0] = 0x08;
	f.sr2[1] = 0x30;
	assert_int_equal(probe_keeping_log(&f), VF_OK);
	assert_non_null(last(&f, 0x31, &at));
	assert_int_equal(f.log[at].len, 2);
	assert_true(f.tx[at][0] == 0x0A && f.tx[at][1] == 0x32);
	assert_null(last(&f, 0x01, &at));
	assert_int_equal(f.nor.chip.read_lanes, 4);

	fake_open(&f, at25ql128, 1); /* 01h, both registers */
	f.sr1[0] = 0x80;
	f.sr2[0] = 0x08;
	assert_int_equal(probe_keeping_log(&f), VF_OK);
	assert_non_null(last(&f, 0x01, &at));
	assert_int_equal(f.log[at].len, 2);
	assert_true(f.tx[at][0] == 0x80 && f.tx[at][1] == 0x0A);

	fake_open(&f, mx25l512, 2); /* bit 6 of SR1 */
	f.sr1[1] = 0x80;
	assert_int_equal(probe_keeping_log(&f), VF_OK);
	assert_non_null(last(&f, 0x01, &at));
	assert_int_equal(f.log[at].len, 2);
	assert_true(f.tx[at][0] == 0x40 && f.tx[at][1] == 0xC0);

	fake_open(&f, w25q128, 1); /* set already: nothing is written */
	f.sr2[0] = 0x02;
	assert_int_equal(probe_keeping_log(&f), VF_OK);
	assert_null(last(&f, 0x31, &at));
	assert_null(last(&f, 0x01, &at));
}

static void quad_refused_means_one_lane(void **state)
{
	unsigned at = 0;
	uint8_t data[256] = {0};
	fake f;

	(void)state;
	fake_open(&f, w25q128, 1);
	f.stuck_sr2 = 0x02;
	assert_int_equal(probe_keeping_log(&f), VF_OK);
	assert_int_equal(f.nor.chip.read_lanes, 1);
	f.count = 0;
	assert_int_equal(operate(&f, VF_FLASH_READ, 0, data, 256), VF_OK);
	expect_bus(&f, 0, 0x0B, 3, 1, 0, VF_BUS_READ, 1, 256);
	assert_int_equal(f.log[0].dummy, 8);
	f.count = 0;
	assert_int_equal(operate(&f, VF_FLASH_PROGRAM, 256, data, 256), VF_OK);
	expect_bus(&f, 2, 0x02, 3, 1, 256, VF_BUS_WRITE, 1, 256);

	fake_open(&f, gd25q128, 1); /* GigaDevice: the older way is tried too */
	f.stuck_sr2 = 0x02;
	assert_int_equal(probe_keeping_log(&f), VF_OK);
	assert_non_null(last(&f, 0x31, &at));
	assert_non_null(last(&f, 0x01, &at));
	assert_int_equal(f.nor.chip.read_lanes, 1);
}

static void complement_protects_all(void **state)
{
	uint8_t data[4] = {0};
	fake f;

	(void)state;
	fake_open(&f, w25q128, 1);
	f.sr2[0] = 0x42;
	assert_int_equal(probe(&f), VF_OK);
	assert_int_equal(operate(&f, VF_FLASH_PROGRAM, 0, data, 4), VF_E_LOCKED);
	assert_int_equal(operate(&f, VF_FLASH_READ, 0, data, 4), VF_OK);
}

static void four_byte_mode_is_entered_and_checked(void **state)
{
	unsigned wren = 0;
	unsigned enter = 0;
	uint8_t data[2] = {0};
	fake f;

	(void)state;
	fake_open(&f, n25q512, 1);
	assert_int_equal(probe_keeping_log(&f), VF_OK);
	assert_non_null(last(&f, 0xB7, &enter));
	expect_plain(&f, enter - 1, 0x06);
	expect_plain(&f, enter + 1, 0x04);
	assert_non_null(last(&f, 0x06, &wren));
	f.count = 0;
	f.fsr[0] = 0x81;
	assert_int_equal(operate(&f, VF_FLASH_PROGRAM, 0x3FFFFFE, data, 2), VF_OK);
	expect_bus(&f, 2, 0x32, 4, 1, 0x3FFFFFE, VF_BUS_WRITE, 4, 2);
	assert_int_equal(f.count, 5); /* both stacked dies were asked */
	fake_open(&f, n25q512, 1);
	f.stays_in_3 = true;
	assert_int_equal(probe(&f), VF_E_CONFLICT);
	assert_string_equal(f.nor.chip.conflict, "4-byte mode");
}

/* The recovery: what goes out before anybody knows the chip. */
static void wake_up_order(void **state)
{
	static const struct {
		uint8_t opcode, lanes;
		uint32_t len;
	} wanted[] = {{0xFF, 4, 8}, {0xFF, 4, 14}, {0x05, 1, 2},  {0x05, 4, 2}, {0xAB, 4, 0},
		      {0xAB, 1, 0}, {0x66, 4, 0},  {0x99, 4, 0},  {0x66, 1, 0}, {0x99, 1, 0},
		      {0xF5, 4, 0}, {0xFF, 4, 0},  {0x9F, 1, 12}, {0x9F, 1, 12}};
	static const vf_nor_sources both = {.sfdp = &vf_nor_sfdp_source,
					    .parts = &vf_nor_parts_source};
	fake f;

	(void)state;
	fake_open(&f, mt25ql512, 2);
	assert_int_equal(vf_nor_init_with(&f.nor, &f.config, &both), VF_OK);
	assert_int_equal(probe_keeping_log(&f), VF_OK);
	for (unsigned i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		assert_int_equal(f.log[i].opcode, wanted[i].opcode);
		assert_int_equal(f.log[i].opcode_lanes, wanted[i].lanes);
		assert_int_equal(f.log[i].len, wanted[i].len);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_true(f.tx[0][i] == 0xFF && f.tx[1][i] == 0xFF);
	assert_true(f.at_us[6] - f.at_us[5] >= 30);  /* out of power-down */
	assert_true(f.at_us[8] - f.at_us[7] >= 100); /* resets */
	assert_true(f.at_us[12] - f.at_us[9] >= 100);
	expect_plain(&f, 14, 0x06); /* 4-byte mode, should it have survived */
	expect_plain(&f, 15, 0xE9);
	expect_plain(&f, 16, 0x04);
}

static void ids(void **state)
{
	static const uint8_t nobody[6] = {0x77, 0x01, 0x02, 0, 0, 0};
	static const uint8_t zero[6] = {0};
	fake f;

	(void)state;
	fake_open(&f, nobody, 1);
	assert_int_equal(probe(&f), VF_E_UNKNOWN_CHIP);
	assert_memory_equal(f.nor.chip.id, nobody, 3);
	fake_open(&f, zero, 2);
	assert_int_equal(probe(&f), VF_E_NO_CHIP);
	fake_open(&f, nobody, 1);
	f.silent = true;
	assert_int_equal(probe(&f), VF_E_NO_CHIP);
	fake_open(&f, mt25ql512, 2);
	f.id[1][2] = 0x19;
	assert_int_equal(probe(&f), VF_E_DIES_DIFFER);
	fake_open(&f, mt25ql512, 2); /* one of each generation */
	f.id[1][4] = 0x00;
	assert_int_equal(probe(&f), VF_E_DIES_DIFFER);
	fake_open(&f, mt25ql512, 2); /* the second die is not there */
	memset(f.id[1], 0xFF, 6);
	assert_int_equal(probe(&f), VF_E_DIES_DIFFER);
}

static void refusals(void **state)
{
	static const vf_nor_config bad[] = {
		{.dies = 0, .lanes = 4, .addr_bytes = 4, .max_transfer = 512},
		{.dies = 3, .lanes = 4, .addr_bytes = 4, .max_transfer = 512},
		{.dies = 1, .lanes = 3, .addr_bytes = 4, .max_transfer = 512},
		{.dies = 1, .lanes = 4, .addr_bytes = 2, .max_transfer = 512},
		{.dies = 1, .lanes = 4, .addr_bytes = 4, .max_transfer = 511},
	};
	uint8_t data[512] = {0};
	vf_flash_op op = {.kind = VF_FLASH_READ, .len = 1, .buf = data};
	const vf_bus_op *bus = NULL;
	uint32_t wait_us = 0;
	fake f;

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(vf_nor_init(&f.nor, &bad[i]), VF_E_USAGE);
	fake_open(&f, mt25ql512, 2);
	assert_int_equal(vf_nor_status(&f.nor), VF_E_USAGE);
	assert_int_equal(vf_nor_begin(&f.nor, &op), VF_E_USAGE);
	assert_int_equal(vf_nor_step(&f.nor, 0, &bus, &wait_us), VF_NOR_DONE);
	assert_int_equal(probe(&f), VF_OK);
	assert_int_equal(operate(&f, VF_FLASH_READ, 0, data, 0), VF_E_RANGE);
	assert_int_equal(operate(&f, VF_FLASH_READ, 128u << 20, data, 1), VF_E_RANGE);
	assert_int_equal(operate(&f, VF_FLASH_READ, 0xFFFFFFFFu, data, 2), VF_E_RANGE);
	assert_int_equal(operate(&f, VF_FLASH_PROGRAM, 1, data, 2), VF_E_RANGE);
	assert_int_equal(operate(&f, VF_FLASH_PROGRAM, 0, data, 3), VF_E_RANGE);
	assert_int_equal(operate(&f, VF_FLASH_PROGRAM, 2, data, 512), VF_E_RANGE);
	assert_int_equal(operate(&f, VF_FLASH_PROGRAM, 510, data, 4), VF_E_RANGE);
	assert_int_equal(operate(&f, VF_FLASH_ERASE, 0, data, 4096), VF_E_RANGE);
	assert_int_equal(operate(&f, VF_FLASH_ERASE, 4096, data, 8192), VF_E_RANGE);
	assert_int_equal(operate(&f, 77, 0, data, 8192), VF_E_USAGE);
	assert_int_equal(f.count, 0);
	assert_int_equal(vf_nor_begin(&f.nor, &op), VF_OK);
	assert_int_equal(vf_nor_begin(&f.nor, &op), VF_E_USAGE);
	assert_int_equal(vf_nor_step(&f.nor, 0, &bus, &wait_us), VF_NOR_BUS);
	assert_int_equal(vf_nor_step(&f.nor, 0, &bus, &wait_us), VF_NOR_BUS);
	carry_out(&f, bus);
	vf_nor_bus_done(&f.nor, VF_OK, 0);
	vf_nor_bus_done(&f.nor, VF_E_BUS, 0); /* of nothing: ignored */
	assert_int_equal(finish(&f), VF_OK);
}

static void out_of_reach(void **state)
{
	fake f;

	(void)state;
	fake_open(&f, mt25ql512, 1);
	f.config.addr_bytes = 3;
	assert_int_equal(vf_nor_init(&f.nor, &f.config), VF_OK);
	assert_int_equal(probe(&f), VF_E_CONFLICT);
	assert_non_null(strstr(f.nor.chip.conflict, "address bytes"));
	fake_open(&f, mt25ql512, 2);
	f.config.base = 0xF8000001u;
	assert_int_equal(vf_nor_init(&f.nor, &f.config), VF_OK);
	assert_int_equal(probe(&f), VF_E_CONFLICT);
	fake_open(&f, mt25ql512, 2);
	f.config.base = 0xF8000000u; /* ends with the address space */
	assert_int_equal(vf_nor_init(&f.nor, &f.config), VF_OK);
	assert_int_equal(probe(&f), VF_OK);
}

/* A page of two S25FL512S is 1024 bytes; a controller that moves 512 at a time
 * has pages of 512. */
static void page_fits_the_controller(void **state)
{
	static const uint8_t s25fl512[6] = {0x01, 0x02, 0x20, 0x4D, 0x00, 0x80};
	fake f;

	(void)state;
	fake_open(&f, s25fl512, 2);
	f.config.max_transfer = 700;
	assert_int_equal(vf_nor_init(&f.nor, &f.config), VF_OK);
	assert_int_equal(probe(&f), VF_OK);
	assert_int_equal(f.nor.memory.page, 512);
	fake_open(&f, s25fl512, 2);
	assert_int_equal(probe(&f), VF_OK);
	assert_int_equal(f.nor.memory.page, 1024);
	fake_open(&f, s25fl512, 1); /* the FS-S family has other sectors */
	f.id[0][5] = 0x81;
	assert_int_equal(probe(&f), VF_E_UNKNOWN_CHIP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(program_of_a_dual_page),
		cmocka_unit_test(a_slow_page_is_not_the_rule),
		cmocka_unit_test(erases),
		cmocka_unit_test(reads),
		cmocka_unit_test(odd_reads),
		cmocka_unit_test(quad_enable_keeps_other_bits),
		cmocka_unit_test(quad_refused_means_one_lane),
		cmocka_unit_test(complement_protects_all),
		cmocka_unit_test(four_byte_mode_is_entered_and_checked),
		cmocka_unit_test(wake_up_order),
		cmocka_unit_test(ids),
		cmocka_unit_test(refusals),
		cmocka_unit_test(out_of_reach),
		cmocka_unit_test(page_fits_the_controller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
