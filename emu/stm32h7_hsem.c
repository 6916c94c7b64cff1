/* stm32h7_hsem.c - HSEM: 32 hardware semaphores between the two cores.
 *
 * Offsets, fields: stm32h747xx.h (HSEM_TypeDef, HSEM_R_*, HSEM_CR_*; CM7 is core
 * id 3, CM4 core id 1: HSEM_CPU1_COREID, HSEM_CPU2_COREID of the same). Two-step
 * and one-step locks, release and fast clear: stm32h7xx_hal_hsem.c. A lock that
 * another holds keeps its holder; only the holder's own core and process release it.
 */
#include "stm32h7.h"

#include <string.h>

enum { RLR = 0x80, C1IER = 0x100, CR = 0x140, KEYR = 0x144, LOCK_BYTES = 0x100 };
enum { IER, ICR, ISR, MISR };
#define LOCKED 0x80000000u

static const uint8_t core_id[VF_EMU_CORES] = {3, 1};

static void interrupts(const vf_h7_hsem *hsem)
{
	const vf_emu_bus *bus = hsem->unit.soc->config.bus;

	for (unsigned core = 0; core < VF_EMU_CORES; core++)
		bus->irq(bus->context, core, 125 + core,
			 (hsem->status[core] & hsem->enable[core]) != 0);
}

static uint32_t holder(const vf_h7_hsem *hsem, uint32_t process)
{
	return LOCKED | (uint32_t)core_id[vf_h7_core(hsem->unit.soc)] << 8 | process;
}

/* A semaphore that becomes free tells whoever asked to hear of it. */
static void release(vf_h7_hsem *hsem, unsigned n)
{
	hsem->lock[n] = 0;
	for (unsigned core = 0; core < VF_EMU_CORES; core++)
		hsem->status[core] |= 1u << n & hsem->enable[core];
	interrupts(hsem);
}

static bool valid(const vf_h7_hsem *hsem, uint32_t offset, unsigned size, bool write)
{
	if (!vf_h7_clocked(&hsem->unit, write))
		return false;
	if (size == 4 && (offset & 3) == 0 &&
	    (offset < C1IER + 0x20 || offset == CR || offset == KEYR))
		return true;
	vf_h7_stop(&hsem->unit, "%s of %u bytes at offset %03Xh", write ? "write" : "read", size,
		   (unsigned)offset);
	return false;
}

static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_hsem *hsem = state;
	const unsigned n = offset / 4 & 31;
	const unsigned core = offset >> 4 & 1;

	if (!valid(hsem, offset, size, false))
		return 0;
	if (offset < RLR)
		return hsem->lock[n];
	if (offset < LOCK_BYTES) { /* reading locks, with process 0 */
		if (hsem->lock[n] == 0)
			hsem->lock[n] = holder(hsem, 0);
		return hsem->lock[n];
	}
	if (offset >= CR)
		return offset == KEYR ? hsem->key : 0;
	switch (offset / 4 & 3) {
	case IER:
		return hsem->enable[core];
	case ISR:
		return hsem->status[core];
	case MISR:
		return hsem->status[core] & hsem->enable[core];
	default:
		return 0;
	}
}

static void write_lock(vf_h7_hsem *hsem, unsigned n, uint32_t value)
{
	const uint32_t mine = holder(hsem, value & 0xFF);

	if ((value & ~LOCKED) != (mine & ~LOCKED))
		vf_h7_stop(&hsem->unit, "semaphore %u written with another core's id %u", n,
			   (unsigned)(value >> 8 & 0xFF));
	else if ((value & LOCKED) != 0 && hsem->lock[n] == 0)
		hsem->lock[n] = mine;
	else if ((value & LOCKED) == 0 && hsem->lock[n] == mine)
		release(hsem, n);
}

static void write_interrupt(vf_h7_hsem *hsem, uint32_t offset, uint32_t value)
{
	const unsigned core = offset >> 4 & 1;

	if ((offset / 4 & 3) == IER)
		hsem->enable[core] = value;
	else if ((offset / 4 & 3) == ICR)
		hsem->status[core] &= ~value;
	interrupts(hsem);
}

/* Frees all that a core holds, if the key is right. */
static void write_clear(vf_h7_hsem *hsem, uint32_t value)
{
	if (value >> 16 != hsem->key >> 16)
		return;
	for (unsigned n = 0; n < 32; n++)
		if (hsem->lock[n] != 0 && (hsem->lock[n] >> 8 & 0xFF) == (value >> 8 & 0xFF))
			release(hsem, n);
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_hsem *hsem = state;

	if (!valid(hsem, offset, size, true))
		return;
	if (offset < RLR)
		write_lock(hsem, offset / 4, value);
	else if (offset < LOCK_BYTES)
		vf_h7_stop(&hsem->unit, "write of a read-lock register");
	else if (offset == CR)
		write_clear(hsem, value);
	else if (offset == KEYR)
		hsem->key = value & 0xFFFF0000;
	else
		write_interrupt(hsem, offset, value);
}

static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_hsem *hsem = state;

	(void)cause;
	memset(hsem->lock, 0, sizeof hsem->lock);
	memset(hsem->enable, 0, sizeof hsem->enable);
	memset(hsem->status, 0, sizeof hsem->status);
	hsem->key = 0;
	interrupts(hsem);
}

unsigned vf_h7_hsem_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	soc->hsem.unit =
		(vf_h7_unit){.soc = soc, .name = "HSEM", .gate = VF_H7_AHB4, .gate_bit = 25};
	*device = (vf_emu_device){.name = "HSEM",
				  .base = 0x58026400,
				  .size = 0x400,
				  .state = &soc->hsem,
				  .read = read_register,
				  .write = write_register,
				  .reset = reset};
	return 1;
}
