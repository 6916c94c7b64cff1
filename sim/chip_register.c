/* chip_register.c - status, configuration and protection: what the registers
 * read as, what writing them does, and where a part says that it failed.
 */
#include "chip.h"

#include <string.h>

enum { FLAG_ADDR4 = 0x01, FLAG_PROTECTION = 0x02, FLAG_PROGRAM = 0x10, FLAG_ERASE = 0x20 };
enum { FLAG_READY = 0x80, SECURITY_PROGRAM = 0x20, SECURITY_ERASE = 0x40 };
enum { SR1_WIP = 0x01, SR1_WEL = 0x02, SR1_E_ERR = 0x20, SR1_P_ERR = 0x40 };

static bool busy(const vf_sim_die *die)
{
	return die->work != VF_SIM_IDLE || die->stuck;
}

/* Stacked dies answer a flag status read in turn, a byte each. */
static uint8_t flag_status(const vf_sim_chip *chip, vf_sim_die *die)
{
	const uint8_t value = (uint8_t)(die->reg[VF_SIM_FLAGS] | (die->addr4 ? FLAG_ADDR4 : 0));
	const uint8_t which = die->flag_next;
	bool ready = !busy(die);

	if (chip->part->stacked != 0) {
		if (die->work == VF_SIM_PROGRAMMING || die->work == VF_SIM_ERASING)
			ready = die->at / chip->part->stacked != which;
		if (ready)
			die->flags_due &= (uint8_t) ~(1u << which);
		die->flag_next ^= 1;
	}
	return (uint8_t)(value | (ready ? FLAG_READY : 0));
}

static uint8_t status(const vf_sim_chip *chip, const vf_sim_die *die)
{
	uint8_t value = die->reg[VF_SIM_SR1];

	if (chip->part->errors == VF_SIM_ERRORS_STATUS)
		value = (uint8_t)((value & 0x9C) | (die->reg[VF_SIM_FLAGS] & 0x60));
	else
		value &= 0xFC;
	return (uint8_t)(value | (busy(die) ? SR1_WIP : 0) | (die->wel ? SR1_WEL : 0));
}

uint8_t vf_sim_register(const vf_sim_chip *chip, vf_sim_die *die, uint8_t reg)
{
	const vf_sim_part *part = chip->part;
	const uint8_t value = die->reg[reg];

	switch (reg) {
	case VF_SIM_SR1:
		return status(chip, die);
	case VF_SIM_FLAGS:
		return flag_status(chip, die);
	case VF_SIM_SR2: /* Macronix shows the address mode in bit 5 */
		return (uint8_t)(value | (part->xip == VF_SIM_XIP_TOGGLE && die->addr4 ? 0x20 : 0));
	case VF_SIM_SR3: /* Winbond shows it in bit 0 */
		return (uint8_t)(value | (part->xip == VF_SIM_XIP_20 && die->addr4 ? 1 : 0));
	case VF_SIM_BANK: /* bit 7 is the address mode where there is a bank register */
		return (uint8_t)(value | (part->xip == VF_SIM_XIP_A0 && die->addr4 ? 0x80 : 0));
	default:
		return value;
	}
}

void vf_sim_register_write(vf_sim_chip *chip, vf_sim_die *die, uint8_t reg, uint8_t value)
{
	if (reg == VF_SIM_SR1 && chip->part->errors == VF_SIM_ERRORS_STATUS)
		value &= 0x9C;
	else if (reg == VF_SIM_SR1)
		value &= 0xFC;
	die->reg[reg] = value;
	if (reg != VF_SIM_BANK && reg != VF_SIM_VCR && reg != VF_SIM_VECR && !die->wel_volatile)
		die->nv[reg] = value;
	if (reg == VF_SIM_VECR)
		die->qpi = (value & 0x80) == 0;
	if (reg == VF_SIM_BANK && chip->part->xip == VF_SIM_XIP_A0) {
		die->addr4 = (value & 0x80) != 0;
		die->reg[reg] = value & 0x7F;
	}
}

bool vf_sim_quad_enabled(const vf_sim_chip *chip, const vf_sim_die *die)
{
	const vf_sim_part *part = chip->part;

	return part->quad_bit == 0 || (die->reg[part->quad_reg] & part->quad_bit) != 0;
}

uint8_t vf_sim_protect_mask(const vf_sim_part *part)
{
	switch (part->bp) {
	case VF_SIM_BP_2_5:
	case VF_SIM_BP_2_5_TB6:
		return 0x3C;
	case VF_SIM_BP_2_4_6:
		return 0x5C;
	default:
		return 0x1C;
	}
}

static uint32_t protected_size(const vf_sim_part *part, uint8_t sr)
{
	unsigned n = sr >> 2 & 7;
	uint64_t size;

	if (part->bp == VF_SIM_BP_2_4_6)
		n |= (unsigned)(sr >> 3 & 8);
	else if (part->bp == VF_SIM_BP_2_5 || part->bp == VF_SIM_BP_2_5_TB6)
		n |= (unsigned)(sr >> 2 & 8);
	if (n == 0)
		return 0;
	if (part->bp == VF_SIM_BP_FRACTION && (sr & 0x40) != 0)
		size = n == 7 ? part->size : 4096ull << (n > 4 ? 3 : n - 1);
	else if (part->bp == VF_SIM_BP_FRACTION || part->bp == VF_SIM_BP_SPANSION)
		size = part->size >> (7 - n);
	else
		size = 65536ull << (n - 1);
	return size < part->size ? (uint32_t)size : part->size;
}

static bool protected_from_bottom(const vf_sim_part *part, const vf_sim_die *die)
{
	switch (part->bp) {
	case VF_SIM_BP_2_5_TB6:
		return (die->reg[VF_SIM_SR1] & 0x40) != 0;
	case VF_SIM_BP_2_4_6:
	case VF_SIM_BP_FRACTION:
		return (die->reg[VF_SIM_SR1] & 0x20) != 0;
	case VF_SIM_BP_SPANSION:
		return (die->reg[VF_SIM_SR2] & 0x20) != 0;
	default:
		return (die->reg[VF_SIM_SR2] & 0x08) != 0;
	}
}

bool vf_sim_protected(const vf_sim_chip *chip, const vf_sim_die *die, uint32_t at, uint32_t size)
{
	const vf_sim_part *part = chip->part;
	const uint32_t n = protected_size(part, die->reg[VF_SIM_SR1]);

	if (n == 0)
		return false;
	return protected_from_bottom(part, die) ? at < n : at + size > part->size - n;
}

/* A protection error leaves write enable set on Micron parts; a Spansion part
 * stays busy until the error is cleared. */
void vf_sim_error(vf_sim_chip *chip, vf_sim_die *die, bool erase, bool protection)
{
	uint8_t *flags = &die->reg[VF_SIM_FLAGS];

	switch (chip->part->errors) {
	case VF_SIM_ERRORS_FLAGS:
		*flags |= erase ? FLAG_ERASE : FLAG_PROGRAM;
		*flags |= protection ? FLAG_PROTECTION : 0;
		break;
	case VF_SIM_ERRORS_SECURITY:
		if (!protection)
			die->reg[VF_SIM_SECURITY] |= erase ? SECURITY_ERASE : SECURITY_PROGRAM;
		break;
	case VF_SIM_ERRORS_STATUS:
		*flags |= erase ? SR1_E_ERR : SR1_P_ERR;
		die->stuck = true;
		die->wel = true;
		break;
	default:
		break;
	}
	if (protection && chip->part->errors != VF_SIM_ERRORS_FLAGS && !die->stuck)
		die->wel = false;
}

void vf_sim_errors_clear(vf_sim_die *die)
{
	die->reg[VF_SIM_FLAGS] = 0;
	die->stuck = false;
}

/* As after power-on or a reset: volatile state is gone. */
void vf_sim_reset_state(vf_sim_chip *chip, vf_sim_die *die)
{
	const bool micron = chip->part->errors == VF_SIM_ERRORS_FLAGS;

	memcpy(die->reg, die->nv, sizeof die->reg);
	die->wel = die->wel_volatile = die->qpi = die->addr4 = false;
	die->xip = die->down = die->reset_armed = die->stuck = false;
	die->flags_due = die->flag_next = 0;
	if (micron) { /* the non-volatile configuration says how to wake */
		die->reg[VF_SIM_VCR] = (uint8_t)((die->nv[VF_SIM_NVCR_HI] & 0xF0) | 0x0B);
		die->addr4 = (die->nv[VF_SIM_NVCR] & 0x01) == 0;
		die->qpi = (die->nv[VF_SIM_NVCR] & 0x08) == 0;
	}
}
