/* nor_bench.h - the chip driver and a simulated chip on one bench, under virtual
 * time. What the driver asks for is carried out on the model at once; a tap may
 * change what comes back, or fail the transaction. Misuse of the model ends the
 * test unless the bench says that it is expected.
 */
#ifndef NOR_BENCH_H
#define NOR_BENCH_H

#include <vcpflash/nor.h>
#include <vcpflash/sim_chip.h>

typedef struct nor_bench {
	vf_nor nor;
	vf_nor_config config;
	vf_sim_chip_config chip_config;
	vf_sim_chip *chip;
	uint64_t now_us;
	uint64_t seed;
	uint32_t transactions;
	uint32_t fail_at; /* the transaction (from 1) that the controller fails; 0 = none */
	uint64_t give_up; /* stop at this time as if the board had restarted; 0 = never */
	bool misuse_expected;
	/* After a transaction was carried out; may change op->rx. NULL = none. */
	void (*tap)(struct nor_bench *b, const vf_bus_op *op);
	void *tap_ctx;
} nor_bench;

/* A bench with the named part. The array is shared by all benches and is all
 * 0xFF only after nor_bench_blank. */
void nor_bench_open(nor_bench *b, const char *part, uint8_t dies, uint64_t seed);
void nor_bench_place(nor_bench *b); /* (re)builds the chip after chip_config was changed */
void nor_bench_close(nor_bench *b);
void nor_bench_blank(nor_bench *b, uint32_t offset, uint32_t len);

int nor_bench_finish(nor_bench *b); /* steps until the end; the status */
int nor_bench_probe(nor_bench *b);
int nor_bench_read(nor_bench *b, uint32_t offset, uint8_t *buf, uint32_t len);
int nor_bench_program(nor_bench *b, uint32_t offset, const uint8_t *data, uint32_t len);
int nor_bench_erase(nor_bench *b, uint32_t offset, uint32_t len);

uint64_t nor_bench_random(nor_bench *b);
uint64_t nor_bench_seed(void); /* of VF_SEED, or a fixed one; printed */

/* Is the description of the memory one that a planner can rely on? */
void nor_bench_check_memory(const vf_memory *m);

#endif
