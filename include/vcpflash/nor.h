/* nor.h - driver for serial NOR chips: flash operations -> bus transactions.
 *
 * An engine: it touches no hardware, reads no clock, never blocks, allocates
 * nothing. The board's loop is
 *
 *     vf_nor_init(&nor, &config);
 *     vf_nor_probe(&nor);                      // or vf_nor_begin(&nor, op)
 *     while ((r = vf_nor_step(&nor, now_us(), &bus, &wait_us)) != VF_NOR_DONE)
 *         if (r == VF_NOR_BUS)
 *             vf_nor_bus_done(&nor, my_controller_does(bus), now_us());
 *         // VF_NOR_WAIT: nothing to do for wait_us; serve the link meanwhile
 *     status = vf_nor_status(&nor);
 *
 * Conventions: sizes in bytes, times in microseconds (uint32_t that wraps;
 * differences stay below 2^31). Structs are the caller's, complete here so that
 * they can be placed statically; fields are read-only to callers unless said
 * otherwise. No pointer may be NULL unless said so. Functions are not
 * reentrant on one vf_nor.
 */
#ifndef VCPFLASH_NOR_H
#define VCPFLASH_NOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/bus.h>
#include <vcpflash/flash.h>
#include <vcpflash/status.h>

typedef struct vf_nor_config {
	uint32_t base;        /* address at which the chip is (or will be) mapped */
	uint8_t index;        /* index of this memory on the board */
	uint8_t dies;         /* 1, or 2 in parallel (see bus.h) */
	uint8_t lanes;        /* most data lanes the controller has: 1, 2 or 4 */
	uint8_t addr_bytes;   /* most address bytes it can send: 3 or 4 */
	uint32_t max_transfer;/* most data bytes a transaction (combined), >= 512 */
	uint32_t bus_hz;      /* clock of the bus, for read_rate; 0 = not known */
	uint8_t margin;       /* timeouts are the chip's maxima times this; 0 = 2 */
	bool trust_table;     /* where SFDP and table disagree about a size or an
	                       * opcode: true = table, false = VF_E_CONFLICT */
} vf_nor_config;

enum vf_nor_step {
	VF_NOR_BUS,  /* carry out *bus, then call vf_nor_bus_done */
	VF_NOR_WAIT, /* call again after wait_us (or sooner: harmless) */
	VF_NOR_DONE, /* the probe or the operation ended: vf_nor_status */
};

/* How the chip says that it is ready and how the last operation went. */
enum vf_nor_poll {
	VF_NOR_POLL_WIP,      /* SR1 bit 0, no error bits */
	VF_NOR_POLL_FLAGS,    /* Micron: 70h bit 7, error bits, cleared by 50h */
	VF_NOR_POLL_SPANSION, /* SR1 bit 0; P_ERR bit 6, E_ERR bit 5, cleared by 30h */
};

enum vf_nor_quad {
	VF_NOR_QUAD_NONE,     /* nothing to enable */
	VF_NOR_QUAD_SR1_BIT6, /* Macronix, ISSI */
	VF_NOR_QUAD_SR2_BIT1, /* Winbond, GigaDevice, Spansion: written with SR1 or 31h */
};

enum vf_nor_addr4 {
	VF_NOR_ADDR4_NONE,    /* 16 MB or less: three address bytes */
	VF_NOR_ADDR4_OPCODES, /* opcodes of their own (12h 21h 5Ch DCh 13h 0Ch 6Ch) */
	VF_NOR_ADDR4_ENTER,   /* B7h, after write-enable where the chip wants it */
};

/* What was found out about the chip; complete after a successful probe. */
typedef struct vf_nor_chip {
	uint8_t id[6];          /* 9Fh: manufacturer, device, extended bytes */
	uint8_t erase_opcode[VF_ERASE_TYPES_MAX]; /* beside memory.erase[] */
	uint8_t program_opcode;
	uint8_t program_lanes;  /* data lanes of it */
	uint8_t program_addr_lanes;
	uint8_t read_opcode;
	uint8_t read_addr_lanes;
	uint8_t read_lanes;
	uint8_t read_dummy;
	uint8_t read_mode_bits;
	uint8_t addr_bytes;     /* 3 or 4, for array commands */
	uint8_t poll;           /* enum vf_nor_poll */
	uint8_t quad;           /* enum vf_nor_quad */
	uint8_t addr4;          /* enum vf_nor_addr4 */
	uint8_t stacked;        /* dies behind one another in one package (N25Q512A):
	                         * every one must report ready; chip erase is theirs */
	bool from_sfdp;         /* geometry came from SFDP */
	bool from_table;        /* the id is in our table */
	const char *conflict;   /* first disagreement of the two, or NULL */
} vf_nor_chip;

typedef struct vf_nor {
	vf_nor_config config;
	vf_memory memory;   /* valid after a successful probe */
	vf_nor_chip chip;   /* valid after a successful probe; id[] also after a failed one */
	/* private from here on: the driver's room fills this in */
} vf_nor;

/* Copies `config`. Returns VF_OK or VF_E_USAGE. */
int vf_nor_init(vf_nor *nor, const vf_nor_config *config);

/* Begins the probe: brings the chip from whatever mode it was left in (QPI,
 * 4-byte, deep power-down, continuous read, an erase still running) to plain SPI, reads the id twice,
 * SFDP, looks up the table, cross-checks, enables quad and 4-byte addressing. */
void vf_nor_probe(vf_nor *nor);

/* Begins one operation. Returns VF_OK, or VF_E_RANGE (not within the memory,
 * not aligned, no such erase size) or VF_E_USAGE (no chip, or still busy) and
 * then nothing was begun. `op` is copied; its buffers must stay valid. */
int vf_nor_begin(vf_nor *nor, const vf_flash_op *op);

/* What to do next. `*bus` is set for VF_NOR_BUS, `*wait_us` for VF_NOR_WAIT. */
enum vf_nor_step vf_nor_step(vf_nor *nor, uint32_t now_us, const vf_bus_op **bus,
                             uint32_t *wait_us);

/* Reports the transaction of the last VF_NOR_BUS: 0, or negative if the
 * controller failed (VF_E_BUS). */
void vf_nor_bus_done(vf_nor *nor, int status, uint32_t now_us);

/* Outcome of what ended last: VF_OK, VF_E_ERASE, VF_E_PROGRAM, VF_E_LOCKED,
 * VF_E_TIMEOUT, VF_E_BUS, VF_E_NO_CHIP, VF_E_UNKNOWN_CHIP, VF_E_CONFLICT,
 * VF_E_DIES_DIFFER. */
int vf_nor_status(const vf_nor *nor);

#endif
