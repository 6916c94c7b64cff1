/* stm32h7_register.h - what every register block of the STM32H747's model is
 * made of: a table of its registers, their values, and the clock that lets it
 * answer. Private to the room.
 *
 * An access that the manual does not allow stops the run with a sentence that
 * begins with the block's name: a block whose clock is off, an offset without a
 * register, a width that the register has not.
 */
#ifndef VCPFLASH_EMU_STM32H7_REGISTER_H
#define VCPFLASH_EMU_STM32H7_REGISTER_H

#include "device.h"

struct vf_stm32h7;

typedef struct vf_h7_register {
	uint16_t offset;
	const char *name;  /* as in stm32h747xx.h */
	uint32_t reset;    /* its value after reset */
	uint32_t writable; /* bits that keep what is written */
} vf_h7_register;

/* Enable bits by the offset of their register in RCC's block of a core. */
enum vf_h7_gate_register {
	VF_H7_ALWAYS = 0,
	VF_H7_AHB3 = 0x04,
	VF_H7_AHB1 = 0x08,
	VF_H7_AHB2 = 0x0C,
	VF_H7_AHB4 = 0x10,
	VF_H7_APB3 = 0x14,
	VF_H7_APB1L = 0x18,
	VF_H7_APB1H = 0x1C,
	VF_H7_APB2 = 0x20,
	VF_H7_APB4 = 0x24,
};

typedef struct vf_h7_unit {
	struct vf_stm32h7 *soc;
	const char *name;
	const vf_h7_register *map;
	unsigned registers;
	uint32_t *value;        /* by offset / 4 */
	uint8_t gate, gate_bit; /* enum vf_h7_gate_register, and the bit of it */
} vf_h7_unit;

/* Stops the run: "NAME: …". */
void vf_h7_stop(const vf_h7_unit *unit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The register at `offset`, or NULL after the run was stopped. Widths other than
 * a word are the caller's to allow. */
const vf_h7_register *vf_h7_find(const vf_h7_unit *unit, uint32_t offset, bool write);

/* True if the unit's clock is on; stops the run otherwise. */
bool vf_h7_clocked(const vf_h7_unit *unit, bool write);

/* A word as it stands, and one stored under the register's mask; false after the
 * run was stopped. */
uint32_t vf_h7_load(const vf_h7_unit *unit, uint32_t offset, unsigned size);
bool vf_h7_store(vf_h7_unit *unit, uint32_t offset, unsigned size, uint32_t value);

void vf_h7_defaults(vf_h7_unit *unit);

/* Bits of a field: `width` from `shift`. */
static inline uint32_t vf_h7_field(uint32_t value, unsigned shift, unsigned width)
{
	return value >> shift & ((1u << width) - 1);
}

#endif
