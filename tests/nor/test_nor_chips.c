/* test_nor_chips.c - the driver against every simulated part, misuse being a
 * failure: out of every mode, single and dual, reads, programs and erases at
 * random against an oracle of bytes, and how well the waiting fits the chip.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nor_bench.h"

static const enum vf_sim_mode modes[] = {VF_SIM_MODE_SPI, VF_SIM_MODE_QPI, VF_SIM_MODE_ADDR4,
					 VF_SIM_MODE_POWER_DOWN, VF_SIM_MODE_CONTINUOUS};

static bool usable(const vf_sim_part *part)
{
	return strcmp(vf_sim_part_name(part), "generic-none") != 0;
}

/* Parts whose order codes that the model follows have no QPI to be left in. */
static bool has_qpi(const vf_sim_part *part)
{
	const char *name = vf_sim_part_name(part);

	return strncmp(name, "w25q", 4) != 0 && strncmp(name, "s25fl", 5) != 0 &&
	       strncmp(name, "generic", 7) != 0 && strcmp(name, "tiny64k") != 0;
}

/* Something is erased, programmed and read back at the far end. */
static void work_once(nor_bench *b)
{
	const vf_memory *m = &b->nor.memory;
	uint32_t sector = m->erase[0].size;
	uint32_t at = m->size - sector;
	uint8_t *array = b->chip_config.array;
	uint8_t data[1024];
	uint8_t back[1024];

	memset(array + at, 0x55, sector);
	for (uint32_t i = 0; i < m->page; i++)
		data[i] = (uint8_t)nor_bench_random(b);
	assert_int_equal(nor_bench_erase(b, at, sector), VF_OK);
	assert_true(array[at] == 0xFF && memcmp(array + at, array + at + 1, sector - 1) == 0);
	assert_int_equal(nor_bench_program(b, at + sector - m->page, data, m->page), VF_OK);
	assert_memory_equal(array + at + sector - m->page, data, m->page);
	assert_int_equal(nor_bench_read(b, at + sector - m->page, back, m->page), VF_OK);
	assert_memory_equal(back, data, m->page);
}

static void every_part_from_every_mode(void **state)
{
	uint64_t seed = nor_bench_seed();
	const vf_sim_part *part;

	(void)state;
	for (size_t p = 0; (part = vf_sim_part_at(p)) != NULL; p++) {
		for (unsigned k = 0; usable(part) && k < 2 * sizeof modes / sizeof modes[0]; k++) {
			nor_bench b;

			if (modes[k / 2] == VF_SIM_MODE_QPI && !has_qpi(part))
				continue;
			nor_bench_open(&b, vf_sim_part_name(part), (uint8_t)(1 + k % 2), seed + k);
			vf_sim_chip_leave_in(b.chip, modes[k / 2]);
			if (nor_bench_probe(&b) != VF_OK)
				fail_msg("%s, %u dies, mode %u: status %d", vf_sim_part_name(part),
					 b.config.dies, modes[k / 2], vf_nor_status(&b.nor));
			nor_bench_check_memory(&b.nor.memory);
			assert_int_equal(b.nor.memory.size, vf_sim_part_size(part) * b.config.dies);
			assert_int_equal(b.nor.chip.read_lanes, 4);
			work_once(&b);
			nor_bench_close(&b);
		}
	}
}

/* A controller with fewer lanes cannot leave QPI, but everything else. */
static void fewer_lanes(void **state)
{
	const vf_sim_part *part;

	(void)state;
	for (size_t p = 0; (part = vf_sim_part_at(p)) != NULL; p++) {
		for (unsigned k = 0; usable(part) && k < 10; k++) {
			nor_bench b;

			if (modes[k / 2] == VF_SIM_MODE_QPI)
				continue;
			nor_bench_open(&b, vf_sim_part_name(part), 1, k);
			b.config.lanes = (uint8_t)(1 + k % 2);
			assert_int_equal(vf_nor_init(&b.nor, &b.config), VF_OK);
			vf_sim_chip_leave_in(b.chip, modes[k / 2]);
			assert_int_equal(nor_bench_probe(&b), VF_OK);
			assert_int_equal(b.nor.chip.read_lanes, b.config.lanes);
			assert_int_equal(b.nor.chip.program_lanes, 1);
			work_once(&b);
			nor_bench_close(&b);
		}
	}
}

/* A port that names one source of facts knows what that source knows. */
static void one_source_suffices(void **state)
{
	static const vf_nor_sources table = {.parts = &vf_nor_parts_source};
	static const vf_nor_sources sfdp = {.sfdp = &vf_nor_sfdp_source};
	static const vf_nor_sources none = {.look = &vf_nor_look_source};
	const vf_sim_part *part;
	unsigned by_table = 0, by_sfdp = 0;

	(void)state;
	for (size_t p = 0; (part = vf_sim_part_at(p)) != NULL; p++) {
		for (unsigned k = 0; usable(part) && k < 2; k++) {
			nor_bench b;

			nor_bench_open(&b, vf_sim_part_name(part), 1, k);
			assert_int_equal(nor_bench_probe(&b), VF_OK);
			const bool listed = b.nor.chip.from_table;

			assert_int_equal(vf_nor_init_with(&b.nor, &b.config, &none), VF_E_USAGE);
			assert_int_equal(
				vf_nor_init_with(&b.nor, &b.config, k == 0 ? &table : &sfdp),
				VF_OK);
			int status = nor_bench_probe(&b);
			if (k == 0)
				assert_int_equal(status, listed ? VF_OK : VF_E_UNKNOWN_CHIP);
			else
				assert_true(status == VF_OK || status == VF_E_UNKNOWN_CHIP);
			if (status == VF_OK) {
				assert_true(k == 0 ? !b.nor.chip.from_sfdp
						   : !b.nor.chip.from_table);
				by_table += k == 0;
				by_sfdp += k == 1;
				nor_bench_check_memory(&b.nor.memory);
				work_once(&b);
			}
			nor_bench_close(&b);
		}
	}
	assert_true(by_table >= 5 && by_sfdp >= 5);
}

static void probing_twice_is_harmless(void **state)
{
	nor_bench b;

	(void)state;
	nor_bench_open(&b, "w25q256jv", 2, 1);
	assert_int_equal(nor_bench_probe(&b), VF_OK);
	assert_int_equal(nor_bench_probe(&b), VF_OK);
	work_once(&b);
	nor_bench_close(&b);
}

struct figures {
	const char *part;
	const char *name;
	uint8_t erase[VF_ERASE_TYPES_MAX]; /* log2 of a die's sizes, 0 = no more */
	uint8_t opcode[VF_ERASE_TYPES_MAX];
	uint16_t page;
	uint8_t read, program, poll;
	bool reprogram;
};

static const struct figures figures[] = {
	{"mt25ql512ab",
	 "MT25QL512AB",
	 {12, 15, 16, 26},
	 {0x21, 0x5C, 0xDC, 0xC7},
	 256,
	 0x6C,
	 0x34,
	 VF_NOR_POLL_FLAGS,
	 true},
	{"n25q128a",
	 "N25Q128A",
	 {12, 16, 24},
	 {0x20, 0xD8, 0xC7},
	 256,
	 0x6B,
	 0x32,
	 VF_NOR_POLL_FLAGS,
	 true},
	{"n25q256a",
	 "N25Q256A",
	 {12, 16, 25},
	 {0x20, 0xD8, 0xC7},
	 256,
	 0x6B,
	 0x32,
	 VF_NOR_POLL_FLAGS,
	 true},
	{"n25q512a", "N25Q512A", {12, 16}, {0x20, 0xD8}, 256, 0x6B, 0x32, VF_NOR_POLL_FLAGS, true},
	{"mx25l51245g",
	 "MX25L51245G",
	 {12, 15, 16, 26},
	 {0x21, 0x5C, 0xDC, 0xC7},
	 256,
	 0x6C,
	 0x3E,
	 VF_NOR_POLL_WIP,
	 false},
	{"mx66l1g45g",
	 "MX66L1G45G",
	 {12, 15, 16, 27},
	 {0x21, 0x5C, 0xDC, 0xC7},
	 256,
	 0x6C,
	 0x3E,
	 VF_NOR_POLL_WIP,
	 false},
	{"w25q128jv",
	 "W25Q128JV",
	 {12, 15, 16, 24},
	 {0x20, 0x52, 0xD8, 0xC7},
	 256,
	 0x6B,
	 0x32,
	 VF_NOR_POLL_WIP,
	 true},
	{"w25q256jv",
	 "W25Q256JV",
	 {12, 16, 25},
	 {0x21, 0xDC, 0xC7},
	 256,
	 0x6C,
	 0x34,
	 VF_NOR_POLL_WIP,
	 true},
	{"w25q512jv",
	 "W25Q512JV",
	 {12, 16, 26},
	 {0x21, 0xDC, 0xC7},
	 256,
	 0x6C,
	 0x34,
	 VF_NOR_POLL_WIP,
	 true},
	{"is25lp128",
	 "IS25LP128",
	 {12, 15, 16, 24},
	 {0x20, 0x52, 0xD8, 0xC7},
	 256,
	 0x6B,
	 0x32,
	 VF_NOR_POLL_WIP,
	 false},
	{"is25lp256",
	 "IS25LP256",
	 {12, 15, 16, 25},
	 {0x21, 0x5C, 0xDC, 0xC7},
	 256,
	 0x6C,
	 0x34,
	 VF_NOR_POLL_WIP,
	 false},
	{"s25fl512s",
	 "S25FL512S",
	 {18, 26},
	 {0xDC, 0xC7},
	 512,
	 0x6C,
	 0x34,
	 VF_NOR_POLL_SPANSION,
	 false},
	{"gd25q128",
	 "GD25Q128",
	 {12, 15, 16, 24},
	 {0x20, 0x52, 0xD8, 0xC7},
	 256,
	 0x6B,
	 0x32,
	 VF_NOR_POLL_WIP,
	 false},
	{"at25ql128a",
	 "AT25QL128A",
	 {12, 15, 16, 24},
	 {0x20, 0x52, 0xD8, 0xC7},
	 256,
	 0x6B,
	 0x02,
	 VF_NOR_POLL_WIP,
	 false},
	{"generic-sfdp",
	 "JEDEC 6E5117",
	 {12, 15, 16, 23},
	 {0x20, 0x52, 0xD8, 0xC7},
	 256,
	 0x6B,
	 0x02,
	 VF_NOR_POLL_WIP,
	 false},
};

static void check_figures(const struct figures *e, uint8_t dies)
{
	nor_bench b;
	const vf_memory *m = &b.nor.memory;
	unsigned types = 0;

	nor_bench_open(&b, e->part, dies, 3);
	assert_int_equal(nor_bench_probe(&b), VF_OK);
	assert_string_equal(m->name, e->name);
	while (types < VF_ERASE_TYPES_MAX && e->erase[types] != 0)
		types++;
	assert_int_equal(m->erase_types, types);
	for (unsigned i = 0; i < types; i++) {
		assert_int_equal(m->erase[i].size, (uint32_t)dies << e->erase[i]);
		assert_int_equal(b.nor.chip.erase_opcode[i], e->opcode[i]);
	}
	assert_int_equal(m->page, e->page * dies);
	assert_int_equal(m->unit, dies);
	assert_int_equal(m->read_rate, 50000000u * dies);
	assert_int_equal(b.nor.chip.read_opcode, e->read);
	assert_int_equal(b.nor.chip.program_opcode, e->program);
	assert_int_equal(b.nor.chip.poll, e->poll);
	assert_int_equal((m->flags & VF_MEMORY_REPROGRAM) != 0, e->reprogram);
	assert_null(b.nor.chip.conflict);
	nor_bench_close(&b);
}

static void what_the_parts_are(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof figures / sizeof figures[0]; i++) {
		check_figures(&figures[i], 1);
		check_figures(&figures[i], 2);
	}
}

/* Random operations within a window, each checked against the oracle. */
typedef struct oracle {
	uint8_t *bytes;
	uint32_t at, len;
} oracle;

static void random_erase(nor_bench *b, oracle *o)
{
	const vf_memory *m = &b->nor.memory;
	uint32_t size = m->erase[nor_bench_random(b) % m->erase_types].size;
	uint32_t offset;

	if (size > o->len)
		return;
	offset = (uint32_t)(nor_bench_random(b) % (o->len / size)) * size;
	assert_int_equal(nor_bench_erase(b, o->at + offset, size), VF_OK);
	memset(o->bytes + offset, 0xFF, size);
}

static void random_program(nor_bench *b, oracle *o)
{
	const vf_memory *m = &b->nor.memory;
	uint32_t page = (uint32_t)(nor_bench_random(b) % (o->len / m->page)) * m->page;
	uint32_t from = (uint32_t)(nor_bench_random(b) % m->page) & ~(m->unit - 1);
	uint32_t len =
		(uint32_t)(nor_bench_random(b) % (m->page - from) + m->unit) & ~(m->unit - 1);
	uint8_t data[1024];

	for (uint32_t i = 0; i < m->page; i++)
		if (o->bytes[page + i] != 0xFF)
			return;
	if ((nor_bench_random(b) & 1) != 0) {
		from = 0;
		len = m->page;
	}
	for (uint32_t i = 0; i < len; i++)
		data[i] = (uint8_t)nor_bench_random(b);
	assert_int_equal(nor_bench_program(b, o->at + page + from, data, len), VF_OK);
	memcpy(o->bytes + page + from, data, len);
}

static void random_read(nor_bench *b, oracle *o)
{
	uint32_t from = (uint32_t)(nor_bench_random(b) % o->len);
	uint32_t len = (uint32_t)(nor_bench_random(b) % 10000 + 1);
	uint8_t *back = malloc(len);

	assert_non_null(back);
	len = len < o->len - from ? len : o->len - from;
	assert_int_equal(nor_bench_read(b, o->at + from, back, len), VF_OK);
	assert_memory_equal(back, o->bytes + from, len);
	free(back);
}

static void random_operations(const char *part, uint8_t dies, uint64_t seed)
{
	nor_bench b;
	oracle o;

	nor_bench_open(&b, part, dies, seed);
	b.chip_config.time_percent = VF_SIM_TIME_RANDOM;
	nor_bench_place(&b);
	assert_int_equal(nor_bench_probe(&b), VF_OK);
	o.len = b.nor.memory.size < 1 << 20 ? b.nor.memory.size : 1 << 20;
	o.at = (uint32_t)(nor_bench_random(&b) % (b.nor.memory.size / o.len)) * o.len;
	o.bytes = malloc(o.len);
	assert_non_null(o.bytes);
	for (uint32_t i = 0; i < o.len; i++)
		o.bytes[i] = (uint8_t)nor_bench_random(&b);
	memcpy(b.chip_config.array + o.at, o.bytes, o.len);
	for (unsigned i = 0; i < 300; i++) {
		uint64_t dice = nor_bench_random(&b) % 10;

		if (dice < 3)
			random_erase(&b, &o);
		else if (dice < 8)
			random_program(&b, &o);
		else
			random_read(&b, &o);
	}
	assert_memory_equal(b.chip_config.array + o.at, o.bytes, o.len);
	free(o.bytes);
	nor_bench_close(&b);
}

static void random_operations_on_every_part(void **state)
{
	uint64_t seed = nor_bench_seed();
	const vf_sim_part *part;

	(void)state;
	for (size_t p = 0; (part = vf_sim_part_at(p)) != NULL; p++) {
		if (!usable(part))
			continue;
		random_operations(vf_sim_part_name(part), 1, seed + p);
		random_operations(vf_sim_part_name(part), 2, seed + 1000 + p);
	}
}

static void whole_chip_erase(void **state)
{
	static const char *const parts[] = {"tiny64k", "w25q128jv", "n25q128a"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		nor_bench b;
		uint32_t size;

		nor_bench_open(&b, parts[i], 1, i);
		assert_int_equal(nor_bench_probe(&b), VF_OK);
		size = b.nor.memory.size;
		memset(b.chip_config.array, 0, size);
		assert_int_equal(nor_bench_erase(&b, 0, size), VF_OK);
		assert_true(b.chip_config.array[0] == 0xFF);
		assert_memory_equal(b.chip_config.array, b.chip_config.array + 1, size - 1);
		nor_bench_close(&b);
	}
}

/* Time beyond what the chip itself needed, in percent of that, and transactions
 * an operation, at typical times or at some other share of them. */
static void measure(const char *part, uint8_t dies, uint32_t percent, bool erase, double *waste,
		    double *transactions)
{
	enum { LEARNING = 20, COUNT = 200 };
	nor_bench b;
	const vf_sim_stats *stats;
	uint64_t busy = 0;
	uint64_t began = 0;
	uint32_t before = 0;
	uint8_t data[1024];

	nor_bench_open(&b, part, dies, 5);
	b.chip_config.time_percent = percent;
	b.chip_config.bus_bytes_per_s = 0; /* only waiting is looked at */
	nor_bench_place(&b);
	nor_bench_blank(&b, 0, 1 << 20);
	memset(data, 0, sizeof data);
	assert_int_equal(nor_bench_probe(&b), VF_OK);
	stats = vf_sim_chip_stats(b.chip);
	for (uint32_t i = 0; i < LEARNING + COUNT; i++) {
		uint32_t sector = b.nor.memory.erase[0].size;
		uint32_t page = b.nor.memory.page;

		if (i == LEARNING) {
			busy = stats->busy_us;
			began = b.now_us;
			before = b.transactions;
		}
		if (erase)
			assert_int_equal(nor_bench_erase(&b, i % 4 * sector, sector), VF_OK);
		else
			assert_int_equal(nor_bench_program(&b, i * page, data, page), VF_OK);
	}
	busy = stats->busy_us - busy;
	*waste = 100.0 * (double)(b.now_us - began - busy) / (double)busy;
	*transactions = (double)(b.transactions - before) / COUNT;
	nor_bench_close(&b);
}

static void little_time_is_lost_waiting(void **state)
{
	static const uint32_t percents[] = {100, 70, 40, 150};
	const vf_sim_part *part;

	(void)state;
	for (size_t p = 0; (part = vf_sim_part_at(p)) != NULL; p++) {
		for (unsigned k = 0; usable(part) && k < 8; k++) {
			double waste;
			double transactions;

			measure(vf_sim_part_name(part), 1, percents[k / 2], k % 2 == 0, &waste,
				&transactions);
			if (percents[k / 2] == 100)
				print_message("%-13s %-7s %5.2f %% lost, %4.1f transactions\n",
					      vf_sim_part_name(part),
					      k % 2 == 0 ? "erase" : "program", waste,
					      transactions);
			assert_true(waste < 2.5);
			assert_true(transactions < (percents[k / 2] > 100 ? 400 : 40));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_from_every_mode),
		cmocka_unit_test(fewer_lanes),
		cmocka_unit_test(one_source_suffices),
		cmocka_unit_test(probing_twice_is_harmless),
		cmocka_unit_test(what_the_parts_are),
		cmocka_unit_test(random_operations_on_every_part),
		cmocka_unit_test(whole_chip_erase),
		cmocka_unit_test(little_time_is_lost_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
