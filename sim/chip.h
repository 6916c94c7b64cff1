/* chip.h - the state of a simulated chip, and what its source files ask of each
 * other. Private to the room.
 *
 * A vf_sim_chip is what sits behind one chip-select line pair: one die, or two
 * in parallel that hear the same commands and hold alternate bytes. A die's
 * addresses are its own; only `chip_array.c` and `chip_bus.c` know about the
 * interleaving.
 */
#ifndef VCPFLASH_SIM_CHIP_INTERNAL_H
#define VCPFLASH_SIM_CHIP_INTERNAL_H

#include "part.h"

#define VF_SIM_BAD_BITS 64

enum vf_sim_work { VF_SIM_IDLE, VF_SIM_PROGRAMMING, VF_SIM_ERASING, VF_SIM_WRITING_REG };

typedef struct vf_sim_die {
	uint8_t index;
	uint8_t reg[VF_SIM_REGS];
	uint8_t nv[VF_SIM_REGS]; /* what power-on and reset restore */
	bool wel;
	bool wel_volatile; /* 50h was sent: the next status write is volatile */
	bool qpi, addr4, xip, down;
	bool reset_armed;   /* 66h was the last command */
	bool stuck;         /* Spansion: an error holds it busy until cleared */
	uint8_t xip_clocks; /* clocks of ones that end continuous read */
	uint8_t flag_next;  /* stacked dies: whose flag status comes next … */
	uint8_t flags_due;  /* … and whose must still be seen ready (a bit each) */
	uint64_t deaf_until;

	/* What runs. It takes effect when it ends: until then the array is old. */
	uint8_t work; /* enum vf_sim_work */
	bool fails;
	uint64_t ends;
	uint32_t at, size;
	uint8_t data[VF_SIM_PAGE_MAX];
} vf_sim_die;

typedef struct vf_sim_bad_bit {
	uint32_t offset;
	uint8_t mask;
} vf_sim_bad_bit;

struct vf_sim_chip {
	vf_sim_chip_config config;
	const vf_sim_part *part;
	vf_sim_stats stats;
	vf_sim_die die[2];
	const vf_sim_cmd *spi[256];
	const vf_sim_cmd *qpi[256];
	vf_sim_cmd erase_cmd[2 * VF_SIM_ERASES];
	uint64_t rng;
	uint64_t bus_rest_ns; /* bus time not yet handed out, below a microsecond */
	uint64_t ends_now;    /* when the transaction under way ends */
	bool misused;         /* the transaction under way was reported already */
	uint64_t begun_us;    /* longest operation it began … */
	uint8_t begun;        /* … and of which enum vf_sim_work */
	uint32_t begun_bytes;
	unsigned fail_next;
	uint8_t failing; /* dies on which the operation under way shall fail */
	unsigned bad_bits;
	vf_sim_bad_bit bad_bit[VF_SIM_BAD_BITS];
	uint32_t stuck_low, stuck_high; /* address bits of a die */
	uint32_t weak_pages;
	uint8_t weak[]; /* a bit a page and die */
};

/* One die's share of a transaction. */
typedef struct vf_sim_op {
	const vf_bus_op *bus;
	const vf_sim_cmd *cmd;
	uint32_t addr; /* the die's, with the bank register applied */
	uint32_t len;  /* the die's */
	int late;      /* bits by which the controller begins to read too late */
} vf_sim_op;

/* chip_bus.c */
void vf_sim_misuse(vf_sim_chip *chip, const vf_bus_op *op, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
uint64_t vf_sim_random(vf_sim_chip *chip);
void vf_sim_put(const vf_sim_chip *chip, const vf_sim_die *die, const vf_bus_op *op, uint32_t i,
		uint8_t byte);
uint8_t vf_sim_get(const vf_sim_chip *chip, const vf_sim_die *die, const vf_bus_op *op, uint32_t i);

/* As the cells see it. */
static inline uint32_t vf_sim_line(const vf_sim_chip *chip, uint32_t addr)
{
	return (addr & ~chip->stuck_low) | chip->stuck_high;
}

/* chip_decode.c: one transaction as one die hears it. */
void vf_sim_decode(vf_sim_chip *chip, vf_sim_die *die, const vf_bus_op *op, uint64_t now);

/* chip_execute.c: a command that was understood. */
void vf_sim_execute(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op);

/* chip_work.c: programs, erases and register writes take their time. */
void vf_sim_begin(vf_sim_chip *chip, vf_sim_die *die, enum vf_sim_work work, uint32_t typ_us,
		  uint32_t max_us);
void vf_sim_settle(vf_sim_chip *chip, vf_sim_die *die, uint64_t now);
void vf_sim_abort(vf_sim_chip *chip, vf_sim_die *die, uint64_t now);

/* chip_register.c */
uint8_t vf_sim_register(const vf_sim_chip *chip, vf_sim_die *die, uint8_t reg);
void vf_sim_register_write(vf_sim_chip *chip, vf_sim_die *die, uint8_t reg, uint8_t value);
bool vf_sim_quad_enabled(const vf_sim_chip *chip, const vf_sim_die *die);
bool vf_sim_protected(const vf_sim_chip *chip, const vf_sim_die *die, uint32_t at, uint32_t size);
void vf_sim_error(vf_sim_chip *chip, vf_sim_die *die, bool erase, bool protection);
void vf_sim_errors_clear(vf_sim_die *die);
uint8_t vf_sim_protect_mask(const vf_sim_part *part);
void vf_sim_reset_state(vf_sim_chip *chip, vf_sim_die *die);

/* chip_array.c */
void vf_sim_array_read(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op);
void vf_sim_array_mapped(vf_sim_chip *chip, uint32_t offset, uint8_t *out, uint32_t len);
uint8_t vf_sim_array_get(const vf_sim_chip *chip, const vf_sim_die *die, uint32_t at);
void vf_sim_array_program(vf_sim_chip *chip, vf_sim_die *die);
void vf_sim_array_erase(vf_sim_chip *chip, vf_sim_die *die);
void vf_sim_array_tear_program(vf_sim_chip *chip, vf_sim_die *die);
void vf_sim_array_tear_erase(vf_sim_chip *chip, vf_sim_die *die);
uint32_t vf_sim_array_pages(const vf_sim_part *part);

#endif
