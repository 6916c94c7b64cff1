/* bench.c - the workbench of bench.h. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void note(void *ctx, const char *what)
{
	bench *b = ctx;

	b->misuses++;
	(void)snprintf(b->misuse, sizeof b->misuse, "%s", what);
}

static void bench_read_id(bench *b)
{
	uint8_t id[6];

	bench_read_reg(b, 0x9F, id, 3 * b->dies);
	for (unsigned i = 0; i < 3; i++)
		b->id[i] = id[i * b->dies];
	b->now = 0;
}

bench *bench_new_with(const char *part, unsigned dies, uint32_t time_percent, uint64_t seed)
{
	bench *b = calloc(1, sizeof *b);
	size_t size;

	assert_non_null(b);
	b->config.part = vf_sim_part_find(part);
	assert_non_null(b->config.part);
	size = (size_t)vf_sim_part_size(b->config.part) * dies;
	b->config.array = malloc(size);
	assert_non_null(b->config.array);
	memset(b->config.array, 0xFF, size);
	b->config.dies = (uint8_t)dies;
	b->config.time_percent = time_percent;
	b->config.seed = seed;
	b->config.misuse = note;
	b->config.ctx = b;
	b->dies = dies;
	b->lanes = 1;
	b->addr_bytes = 3;
	bench_restart(b);
	bench_read_id(b);
	bench_restart(b);
	return b;
}

bench *bench_new(const char *part, unsigned dies)
{
	return bench_new_with(part, dies, 100, 1);
}

void bench_restart(bench *b)
{
	free(b->chip);
	b->chip = vf_sim_chip_init(malloc(vf_sim_chip_size(&b->config)), &b->config);
	assert_non_null(b->chip);
}

void bench_free(bench *b)
{
	free(b->chip);
	free(b->config.array);
	free(b);
}

void bench_bus(bench *b, const vf_bus_op *op)
{
	b->now = vf_sim_chip_bus(b->chip, op, b->now);
}

void bench_cmd(bench *b, uint8_t opcode)
{
	const vf_bus_op op = {.opcode = opcode, .opcode_lanes = (uint8_t)b->lanes};

	bench_bus(b, &op);
}

void bench_read_reg(bench *b, uint8_t opcode, uint8_t *out, uint32_t len)
{
	const vf_bus_op op = {.opcode = opcode,
			      .opcode_lanes = (uint8_t)b->lanes,
			      .data_lanes = (uint8_t)b->lanes,
			      .dir = VF_BUS_READ,
			      .len = len,
			      .rx = out};

	bench_bus(b, &op);
}

uint8_t bench_reg(bench *b, uint8_t opcode)
{
	uint8_t value[2];

	bench_read_reg(b, opcode, value, b->dies);
	return value[0];
}

void bench_write_reg(bench *b, uint8_t opcode, const uint8_t *data, uint32_t len)
{
	const vf_bus_op op = {.opcode = opcode,
			      .opcode_lanes = (uint8_t)b->lanes,
			      .data_lanes = (uint8_t)b->lanes,
			      .dir = VF_BUS_WRITE,
			      .len = len,
			      .tx = data};

	bench_bus(b, &op);
}

void bench_read(bench *b, uint8_t opcode, unsigned addr_lanes, unsigned data_lanes, unsigned dummy,
		uint32_t addr, uint8_t *out, uint32_t len)
{
	const vf_bus_op op = {.opcode = opcode,
			      .opcode_lanes = (uint8_t)b->lanes,
			      .addr_bytes = (uint8_t)b->addr_bytes,
			      .addr_lanes = (uint8_t)addr_lanes,
			      .addr = addr,
			      .dummy = (uint8_t)dummy,
			      .data_lanes = (uint8_t)data_lanes,
			      .dir = VF_BUS_READ,
			      .len = len,
			      .rx = out};

	bench_bus(b, &op);
}

void bench_get(bench *b, uint32_t addr, uint8_t *out, uint32_t len)
{
	bench_read(b, 0x03, 1, 1, 0, addr, out, len);
}

void bench_program(bench *b, uint32_t addr, const void *data, uint32_t len)
{
	const vf_bus_op op = {.opcode = 0x02,
			      .opcode_lanes = (uint8_t)b->lanes,
			      .addr_bytes = (uint8_t)b->addr_bytes,
			      .addr_lanes = (uint8_t)b->lanes,
			      .addr = addr,
			      .data_lanes = (uint8_t)b->lanes,
			      .dir = VF_BUS_WRITE,
			      .len = len,
			      .tx = data};

	bench_cmd(b, 0x06);
	bench_bus(b, &op);
}

void bench_erase(bench *b, uint8_t opcode, uint32_t addr)
{
	const bool whole = opcode == 0xC7 || opcode == 0x60;
	const vf_bus_op op = {.opcode = opcode,
			      .opcode_lanes = (uint8_t)b->lanes,
			      .addr_bytes = (uint8_t)(whole ? 0 : b->addr_bytes),
			      .addr_lanes = (uint8_t)(whole ? 0 : b->lanes),
			      .addr = addr};

	bench_cmd(b, 0x06);
	bench_bus(b, &op);
}

void bench_wait(bench *b)
{
	const uint64_t until = vf_sim_chip_busy_until(b->chip);

	if (until > b->now)
		b->now = until;
	(void)bench_reg(b, 0x05);
}

void bench_assert_misuse(bench *b, const char *text, const char *file, int line)
{
	if (b->misuses != 1 || strstr(b->misuse, text) == NULL) {
		print_error("%u misuses, last \"%s\", expected \"%s\"\n", b->misuses, b->misuse,
			    text);
		_fail(file, line);
	}
	b->misuses = 0;
	b->misuse[0] = '\0';
}

void bench_assert_no_misuse(bench *b, const char *file, int line)
{
	if (b->misuses != 0) {
		print_error("misuse: %s\n", b->misuse);
		_fail(file, line);
	}
}

uint64_t bench_seed(void)
{
	const char *text = getenv("VF_SEED");
	const uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 20240607;

	print_message("seed %llu (VF_SEED)\n", (unsigned long long)seed);
	return seed;
}
