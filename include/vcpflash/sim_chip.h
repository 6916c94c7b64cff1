/* sim_chip.h - serial NOR chips at command level, for tests and the simulator.
 *
 * The model answers bus transactions (bus.h) as a chip's data sheet describes:
 * programming only clears bits and wraps within the page, an erase takes its
 * time, nothing but status reads is answered meanwhile. Whatever a data sheet
 * calls undefined or forbidden is *misuse*: the model calls `misuse` with a
 * sentence and ignores the transaction. Tests make that abort. Where the outcome
 * is known although nobody can want it (a program that wraps in its page, sets
 * bits, or programs an ECC unit again, a read with other dummy clocks) the part
 * does it after the call.
 *
 * A driver may have to find out blindly which mode a chip was left in. So an
 * opcode on one line while the chip expects four (or the reverse), anything
 * during deep power-down or continuous read, and recovery opcodes that the part
 * has not (66h 99h ABh FFh F5h F0h E9h …) are ignored without being misuse.
 *
 * Not modelled: the double transfer rate protocol (its read commands are there,
 * for MT25Q), program and erase suspend, one-time
 * areas, locks of single sectors, WP# and HOLD# pins, burst and wrapped reads.
 *
 * Conventions: times are uint64_t microseconds of whatever clock the caller
 * keeps (virtual or real), never going back. The array is the caller's memory,
 * in memory-mapped order (two dies in parallel: even bytes first die). No
 * global state; randomness only from the seed.
 */
#ifndef VCPFLASH_SIM_CHIP_H
#define VCPFLASH_SIM_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/bus.h>

typedef struct vf_sim_part vf_sim_part; /* a part's data sheet, constant */

/* The parts this model knows; NULL past the last. Names are lower case. */
const vf_sim_part *vf_sim_part_at(size_t index);
const vf_sim_part *vf_sim_part_find(const char *name);
const char *vf_sim_part_name(const vf_sim_part *part);
const char *vf_sim_part_text(const vf_sim_part *part); /* a line for --list-chips */
uint32_t vf_sim_part_size(const vf_sim_part *part);    /* bytes of one die/package */

enum vf_sim_mode { /* how the last program left the chip, for vf_sim_chip_leave_in */
		   VF_SIM_MODE_SPI,
		   VF_SIM_MODE_QPI,        /* expects opcodes on four lines */
		   VF_SIM_MODE_ADDR4,      /* 4-byte addresses */
		   VF_SIM_MODE_POWER_DOWN, /* deep power-down */
		   VF_SIM_MODE_CONTINUOUS, /* continuous read (XIP), no opcode expected */
};

typedef struct vf_sim_chip_config {
	const vf_sim_part *part;
	uint8_t dies;             /* 1, or 2 in parallel */
	uint8_t *array;           /* dies * part size bytes */
	uint32_t bus_bytes_per_s; /* a die's data rate on the bus; 0 = instantaneous */
	uint32_t time_percent;    /* program/erase times: 100 = typical, 0 = instantaneous;
				   * VF_SIM_TIME_RANDOM = each drawn between 60 % of
				   * typical and the maximum */
	uint64_t seed;
	bool no_sfdp;           /* the part answers 5Ah with nothing (0xFF) */
	bool lines_low;         /* lines that nobody drives read as 0, not 1 */
	uint8_t override_id[3]; /* not all zero: answers with another JEDEC id */
	void (*misuse)(void *ctx, const char *what); /* NULL = counted only */
	void *ctx;
} vf_sim_chip_config;

#define VF_SIM_TIME_RANDOM UINT32_MAX

typedef struct vf_sim_stats {
	uint64_t transactions;
	uint64_t erases; /* erase commands begun */
	uint64_t erased_bytes;
	uint64_t programs; /* page program commands begun */
	uint64_t programmed_bytes;
	uint64_t read_bytes; /* array bytes read */
	uint64_t misuses;
	uint64_t busy_us; /* time spent programming and erasing */
} vf_sim_stats;

typedef struct vf_sim_chip vf_sim_chip;

/* Bytes a vf_sim_chip takes; the caller allocates it (and the wear map the
 * model keeps within: a bit for each page). */
size_t vf_sim_chip_size(const vf_sim_chip_config *config);

/* Places a chip in `memory` (vf_sim_chip_size bytes, aligned as malloc does).
 * Pages that are not all 0xFF in the array count as programmed. */
vf_sim_chip *vf_sim_chip_init(void *memory, const vf_sim_chip_config *config);

/* One transaction that starts at `now_us`. Returns when it ends (start plus
 * bus time). Read data is in op->rx at once. */
uint64_t vf_sim_chip_bus(vf_sim_chip *chip, const vf_bus_op *op, uint64_t now_us);

/* When the running program or erase will be over; 0 if none is running. One
 * takes effect in the array at the first call after that moment: a driver that
 * polls until ready has made it. */
uint64_t vf_sim_chip_busy_until(const vf_sim_chip *chip);

/* Power dies now: an operation that runs is left torn (each bit of the unit
 * may have got its new value or not; an erase may look complete and yet be
 * weak), volatile state is lost, and the chip is as after power-on. */
void vf_sim_chip_power_cut(vf_sim_chip *chip, uint64_t now_us);

/* A transaction that the power cut falls into: half of it happened. */
void vf_sim_chip_bus_torn(vf_sim_chip *chip, const vf_bus_op *op, uint64_t now_us);

/* True if any of these bytes (combined offset) lies in a page whose erase was
 * cut and has not been erased properly since. Such a page reads as a wrong bit
 * now and then, whatever is programmed onto it. */
bool vf_sim_chip_weak(const vf_sim_chip *chip, uint32_t offset, uint32_t len);

/* Faults a test or --fault injects. Modes that the part has not change nothing;
 * VF_SIM_MODE_SPI undoes all of them. Protecting `all` sets every block
 * protection bit, otherwise all are cleared. A bad bit is given by its combined
 * offset; up to 64 are kept (VF_E_NOMEM beyond). Of two dies in parallel one
 * fails the operation, drawn by the seed. */
void vf_sim_chip_leave_in(vf_sim_chip *chip, enum vf_sim_mode mode);
int vf_sim_chip_bad_bit(vf_sim_chip *chip, uint32_t offset, unsigned bit); /* will not program */
void vf_sim_chip_protect(vf_sim_chip *chip, bool all); /* block protection bits */
/* In every address that a die is given this bit is 0, or 1 (`high`): as if the driver
 * sent too few address bytes, or a wire to the cells were broken. */
void vf_sim_chip_stuck_line(vf_sim_chip *chip, unsigned bit, bool high);
void vf_sim_chip_fail_next(vf_sim_chip *chip,
			   unsigned count); /* next program/erase fails with error bits */

const vf_sim_stats *vf_sim_chip_stats(const vf_sim_chip *chip);

/* A memory-mapped read as an application or a digest makes it: `len` combined
 * bytes at any offset, weak pages and all. Misuse while the part is busy, asleep
 * or past its end (0xFF then). Bus time is the caller's: len / dies at the rate. */
void vf_sim_chip_mapped(vf_sim_chip *chip, uint32_t offset, uint8_t *out, uint32_t len,
			uint64_t now_us);

/* The cells as they stand: the array, as memory-mapped reads would find it if
 * no cell were weak. */
const uint8_t *vf_sim_chip_array(const vf_sim_chip *chip);

#endif
