/* bench.h - a workbench for one simulated chip: its memory, a clock, what it
 * complained about, and the commands a driver would send, spelled shortly.
 */
#ifndef VCPFLASH_TESTS_SIM_BENCH_H
#define VCPFLASH_TESTS_SIM_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vcpflash/sim_chip.h>

typedef struct bench {
	vf_sim_chip_config config;
	vf_sim_chip *chip;
	uint64_t now;
	unsigned dies;
	unsigned lanes;      /* of opcodes: 4 after the chip went to QPI */
	unsigned addr_bytes; /* what the commands below send */
	uint8_t id[3];       /* as the fresh chip gave it */
	unsigned misuses;
	char misuse[200]; /* the last sentence */
} bench;

/* A blank chip with typical times and an instantaneous bus. */
bench *bench_new(const char *part, unsigned dies);
bench *bench_new_with(const char *part, unsigned dies, uint32_t time_percent, uint64_t seed);
void bench_free(bench *b);

/* The same array and part, as new: what another program finds. */
void bench_restart(bench *b);

void bench_bus(bench *b, const vf_bus_op *op);
void bench_cmd(bench *b, uint8_t opcode);
void bench_read_reg(bench *b, uint8_t opcode, uint8_t *out, uint32_t len);
uint8_t bench_reg(bench *b, uint8_t opcode); /* first die */
void bench_write_reg(bench *b, uint8_t opcode, const uint8_t *data, uint32_t len);
void bench_read(bench *b, uint8_t opcode, unsigned addr_lanes, unsigned data_lanes, unsigned dummy,
		uint32_t addr, uint8_t *out, uint32_t len);
void bench_program(bench *b, uint32_t addr, const void *data, uint32_t len); /* 06, 02 */
void bench_erase(bench *b, uint8_t opcode, uint32_t addr);                   /* 06, opcode */
void bench_wait(bench *b); /* until the operation ended */

/* Plain read into a buffer the bench keeps nothing of. */
void bench_get(bench *b, uint32_t addr, uint8_t *out, uint32_t len);

/* The last sentence contains `text`, and one more was said since the last call
 * (or since the start). */
#define assert_misuse(b, text) bench_assert_misuse(b, text, __FILE__, __LINE__)
void bench_assert_misuse(bench *b, const char *text, const char *file, int line);
#define assert_no_misuse(b) bench_assert_no_misuse(b, __FILE__, __LINE__)
void bench_assert_no_misuse(bench *b, const char *file, int line);

/* The seed of this run: VF_SEED of the environment, or a fixed one; printed. */
uint64_t bench_seed(void);

#endif
