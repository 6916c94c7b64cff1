/* nor_bench.c - see nor_bench.h. */
#include "nor_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ARRAY_MAX = 256 << 20 };

static uint8_t *shared_array(void)
{
	static uint8_t *array;

	if (array == NULL) {
		array = malloc(ARRAY_MAX);
		assert_non_null(array);
	}
	return array;
}

static void on_misuse(void *ctx, const char *what)
{
	nor_bench *b = ctx;

	/* Ones past the opcode end a continuous read (JESD216). Parts that know FFh
	 * as a command without data do not mind. */
	if (strstr(what, "command FFh: must have no data") != NULL)
		return;
	if (!b->misuse_expected)
		fail_msg("seed %llu: %s", (unsigned long long)b->seed, what);
}

void nor_bench_place(nor_bench *b)
{
	free(b->chip);
	b->chip = malloc(vf_sim_chip_size(&b->chip_config));
	assert_non_null(b->chip);
	b->chip = vf_sim_chip_init(b->chip, &b->chip_config);
}

void nor_bench_open(nor_bench *b, const char *part, uint8_t dies, uint64_t seed)
{
	memset(b, 0, sizeof *b);
	b->seed = seed;
	b->now_us = 0xFFFFFF00u; /* the driver's 32-bit clock wraps at once */
	b->chip_config.part = vf_sim_part_find(part);
	assert_non_null(b->chip_config.part);
	b->chip_config.dies = dies;
	b->chip_config.array = shared_array();
	b->chip_config.bus_bytes_per_s = 50000000;
	b->chip_config.time_percent = 100;
	b->chip_config.seed = seed;
	b->chip_config.misuse = on_misuse;
	b->chip_config.ctx = b;
	b->config.base = 0x90000000u;
	b->config.dies = dies;
	b->config.lanes = 4;
	b->config.addr_bytes = 4;
	b->config.max_transfer = 4096;
	b->config.bus_hz = 100000000;
	nor_bench_place(b);
	assert_int_equal(vf_nor_init(&b->nor, &b->config), VF_OK);
}

void nor_bench_close(nor_bench *b)
{
	free(b->chip);
	b->chip = NULL;
}

void nor_bench_blank(nor_bench *b, uint32_t offset, uint32_t len)
{
	memset(b->chip_config.array + offset, 0xFF, len);
}

int nor_bench_finish(nor_bench *b)
{
	const vf_bus_op *op = NULL;
	enum vf_nor_step step;
	uint32_t wait_us = 0;
	uint32_t steps = 0;

	while ((step = vf_nor_step(&b->nor, (uint32_t)b->now_us, &op, &wait_us)) != VF_NOR_DONE) {
		int status = VF_OK;

		assert_true(++steps < 2000000);
		if (b->give_up != 0 && b->now_us >= b->give_up)
			return VF_E_INTERRUPTED;
		if (step == VF_NOR_WAIT) {
			assert_in_range(wait_us, 1, 0x7FFFFFFF);
			b->now_us += wait_us;
			if (b->give_up != 0 && b->now_us > b->give_up)
				b->now_us = b->give_up;
			continue;
		}
		if (++b->transactions == b->fail_at) {
			status = VF_E_BUS;
		} else {
			b->now_us = vf_sim_chip_bus(b->chip, op, b->now_us);
			if (b->tap != NULL)
				b->tap(b, op);
		}
		vf_nor_bus_done(&b->nor, status, (uint32_t)b->now_us);
	}
	return vf_nor_status(&b->nor);
}

int nor_bench_probe(nor_bench *b)
{
	vf_nor_probe(&b->nor);
	return nor_bench_finish(b);
}

static int run(nor_bench *b, const vf_flash_op *op)
{
	int status = vf_nor_begin(&b->nor, op);

	return status == VF_OK ? nor_bench_finish(b) : status;
}

int nor_bench_read(nor_bench *b, uint32_t offset, uint8_t *buf, uint32_t len)
{
	vf_flash_op op = {.kind = VF_FLASH_READ, .offset = offset, .len = len, .buf = buf};

	return run(b, &op);
}

int nor_bench_program(nor_bench *b, uint32_t offset, const uint8_t *data, uint32_t len)
{
	vf_flash_op op = {.kind = VF_FLASH_PROGRAM, .offset = offset, .len = len, .data = data};

	return run(b, &op);
}

int nor_bench_erase(nor_bench *b, uint32_t offset, uint32_t len)
{
	vf_flash_op op = {.kind = VF_FLASH_ERASE, .offset = offset, .len = len};

	return run(b, &op);
}

uint64_t nor_bench_random(nor_bench *b)
{
	uint64_t z = b->seed += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

uint64_t nor_bench_seed(void)
{
	const char *given = getenv("VF_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 20240229;

	print_message("seed %llu (VF_SEED sets another)\n", (unsigned long long)seed);
	return seed;
}

static bool power_of_two(uint32_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

void nor_bench_check_memory(const vf_memory *m)
{
	assert_int_equal(m->kind, VF_MEMORY_NOR);
	assert_true(m->name[0] != '\0' && memchr(m->name, '\0', sizeof m->name) != NULL);
	assert_true(power_of_two(m->size) && power_of_two(m->page) && power_of_two(m->unit));
	assert_true(m->unit == m->dies && m->unit <= m->page && m->page <= 4096);
	assert_true((uint64_t)m->base + m->size <= UINT64_C(0x100000000));
	assert_in_range(m->erase_types, 1, VF_ERASE_TYPES_MAX);
	assert_true(m->erase[0].size < m->size);
	for (unsigned i = 0; i < m->erase_types; i++) {
		const vf_erase_type *e = &m->erase[i];

		assert_true(power_of_two(e->size) && e->size >= m->page && e->size <= m->size);
		assert_true(i == 0 || e->size > m->erase[i - 1].size);
		assert_true(e->max_us != 0 && e->max_us <= 0x7FFFFFFF && e->typ_us <= e->max_us);
	}
	assert_true(m->page_max_us != 0 && m->page_typ_us <= m->page_max_us);
	assert_int_equal(m->protects, 0);
}
