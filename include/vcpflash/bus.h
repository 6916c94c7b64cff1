/* bus.h - the bus door: one transaction with a serial NOR chip.
 *
 * Types only, no code; shared by `nor` (which asks), boards (which drive a
 * QUADSPI/OCTOSPI/SPI controller) and `sim` (whose chips answer).
 *
 * A transaction is one chip-select assertion: opcode, then address, then mode
 * byte, then dummy cycles, then data. Chip-select stays high for at least the
 * chip's tSHSL between two transactions; the board sees to that (100 ns
 * suffices for every chip of the table).
 *
 * Two dies in parallel (vf_nor_config.dies == 2) are stated here: the address
 * is the combined one and each die sees half of it; even bytes belong to the
 * first die, odd ones to the second; every length and address is even. Opcode
 * and address go to both dies alike. So a status read has len 2 and yields a
 * byte a die.
 */
#ifndef VCPFLASH_BUS_H
#define VCPFLASH_BUS_H

#include <stdint.h>

enum vf_bus_dir { VF_BUS_NONE = 0, VF_BUS_READ = 1, VF_BUS_WRITE = 2 };

typedef struct vf_bus_op {
	uint8_t opcode;
	uint8_t opcode_lanes; /* 1 or 4 */
	uint8_t addr_bytes;   /* 0, 3 or 4 */
	uint8_t addr_lanes;   /* 1, 2 or 4; 0 without an address */
	uint8_t mode_bits;    /* 0 or 8: a mode byte after the address, on addr_lanes */
	uint8_t mode;         /* its value */
	uint8_t dummy;        /* clock cycles between address/mode and data */
	uint8_t data_lanes;   /* 1, 2 or 4; 0 without data */
	uint8_t dir;          /* enum vf_bus_dir */
	uint8_t ddr;          /* 1: address, mode and data on both clock edges; `nor` never asks */
	uint32_t addr;        /* byte offset in the memory (combined for two dies) */
	uint32_t len;         /* data bytes (combined for two dies) */
	const uint8_t *tx;    /* VF_BUS_WRITE */
	uint8_t *rx;          /* VF_BUS_READ */
} vf_bus_op;

#endif
