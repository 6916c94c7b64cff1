/* nvic.c - the nested vectored interrupt controller: which exception is pending
 * with the highest priority, whether it may interrupt now, and its registers.
 *
 * Priorities have four bits, as on STM32. Numbers are exception numbers.
 */

#include "core.h"

#include <unicorn/unicorn.h>

enum {
	PRIORITY_BITS = 0xF0,
	LOWEST = 256, /* of thread mode: anything interrupts it */
	INPUTS = 150, /* of an STM32H747's cores */
	ISER = 0x100,
	ICER = 0x180,
	ISPR = 0x200,
	ICPR = 0x280,
	IABR = 0x300,
	IPR = 0x400,
	IPR_END = 0x4F0,
	BANK = 0x20,
};

void vf_emu_nvic_reset(vf_emu_core *c)
{
	c->nvic = (vf_emu_nvic){.enabled[0] = 1u << VF_EMU_NMI | 1u << VF_EMU_HARD_FAULT |
					      1u << VF_EMU_SVC | 1u << VF_EMU_PENDSV |
					      1u << VF_EMU_SYSTICK};
}

static int priority_of(const vf_emu_core *c, unsigned number)
{
	if (number == VF_EMU_NMI)
		return -2;
	if (number == VF_EMU_HARD_FAULT)
		return -1;
	return c->nvic.priority[number];
}

/* What of a priority decides over interrupting. */
static int group_of(const vf_emu_core *c, int priority)
{
	return priority < 0 ? priority : priority & ~((2 << c->scb.group) - 1);
}

/* The most urgent pending exception; 0 if there is none. */
static unsigned most_urgent(const vf_emu_core *c)
{
	unsigned best = 0;
	for (unsigned w = 0; w < VF_EMU_EXCEPTIONS / 32; w++) {
		uint32_t bits = c->nvic.pending[w] & c->nvic.enabled[w];
		for (; bits != 0; bits &= bits - 1) {
			unsigned n = w * 32 + (unsigned)__builtin_ctz(bits);
			if (best == 0 || priority_of(c, n) < priority_of(c, best))
				best = n;
		}
	}
	return best;
}

/* The priority of what is running, masks apart. */
static int running_priority(const vf_emu_core *c)
{
	int lowest = LOWEST;
	for (unsigned w = 0; w < VF_EMU_EXCEPTIONS / 32; w++) {
		for (uint32_t bits = c->nvic.active[w]; bits != 0; bits &= bits - 1) {
			unsigned n = w * 32 + (unsigned)__builtin_ctz(bits);
			int priority = group_of(c, priority_of(c, n));
			lowest = priority < lowest ? priority : lowest;
		}
	}
	return lowest;
}

static int with_basepri(const vf_emu_core *c, int running)
{
	int base = (int)(vf_emu_core_get(c, UC_ARM_REG_BASEPRI) & PRIORITY_BITS);
	if (base != 0 && group_of(c, base) < running)
		return group_of(c, base);
	return running;
}

static int with_masks(const vf_emu_core *c, int running)
{
	running = with_basepri(c, running);
	if ((vf_emu_core_get(c, UC_ARM_REG_PRIMASK) & 1) != 0 && running > 0)
		running = 0;
	if ((vf_emu_core_get(c, UC_ARM_REG_FAULTMASK) & 1) != 0 && running > -1)
		running = -1;
	return running;
}

enum vf_emu_ready vf_emu_nvic_ready(const vf_emu_core *c, unsigned *number)
{
	unsigned n = most_urgent(c);
	*number = n;
	if (n == 0)
		return VF_EMU_NOTHING;
	int priority = group_of(c, priority_of(c, n)), running = running_priority(c);
	if (priority >= running)
		return VF_EMU_NOTHING; /* its turn comes with a return, not with a mask */
	return priority < with_masks(c, running) ? VF_EMU_TAKE : VF_EMU_MASKED;
}

/* PRIMASK does not keep a core asleep in WFI. */
bool vf_emu_nvic_wakes(const vf_emu_core *c)
{
	unsigned n = most_urgent(c);
	return n != 0 && group_of(c, priority_of(c, n)) < with_basepri(c, running_priority(c));
}

void vf_emu_nvic_pend(vf_emu_core *c, unsigned number)
{
	if (vf_emu_bit(c->nvic.pending, number))
		return;
	vf_emu_bit_put(c->nvic.pending, number, true);
	if ((c->scb.scr & 1u << 4) != 0) /* SEVONPEND */
		c->event = true;
	vf_emu_core_attend(c);
}

void vf_emu_nvic_level(vf_emu_core *c, unsigned number, bool high)
{
	bool was = vf_emu_bit(c->nvic.level, number);
	vf_emu_bit_put(c->nvic.level, number, high);
	if (high && !was)
		vf_emu_nvic_pend(c, number);
}

static bool in_bank(uint32_t offset, uint32_t base)
{
	return offset >= base && offset < base + BANK;
}

/* Thirty-two inputs' bits, shifted by the sixteen system exceptions. */
static uint32_t inputs(const uint32_t *bits, unsigned bank)
{
	uint32_t high = bank + 1 < VF_EMU_EXCEPTIONS / 32 ? bits[bank + 1] : 0;
	return bits[bank] >> 16 | high << 16;
}

static void put_inputs(vf_emu_core *c, uint32_t *bits, unsigned bank, uint32_t mask, bool value)
{
	for (; mask != 0; mask &= mask - 1) {
		unsigned n = bank * 32 + (unsigned)__builtin_ctz(mask);
		if (n >= INPUTS)
			continue;
		n += VF_EMU_IRQ0;
		if (bits == c->nvic.pending && value)
			vf_emu_nvic_pend(c, n);
		else if (bits != c->nvic.pending || !vf_emu_bit(c->nvic.level, n))
			vf_emu_bit_put(bits, n, value);
	}
	vf_emu_core_attend(c);
}

static void priorities(vf_emu_core *c, uint32_t offset, bool write, uint32_t *value)
{
	unsigned n = VF_EMU_IRQ0 + (offset - IPR);
	uint8_t *p = &c->nvic.priority[n];
	if (!write) {
		*value = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
			 (uint32_t)p[3] << 24;
		return;
	}
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(*value >> 8 * i & PRIORITY_BITS);
	vf_emu_core_attend(c);
}

/* Registers from 0xE000E100 on. False: there is none. */
bool vf_emu_nvic_access(vf_emu_core *c, uint32_t offset, bool write, uint32_t *value)
{
	unsigned bank = (offset % BANK) / 4;
	vf_emu_nvic *nvic = &c->nvic;
	if (offset >= IPR && offset < IPR_END) {
		priorities(c, offset, write, value);
		return true;
	}
	bool enable = in_bank(offset, ISER) || in_bank(offset, ICER);
	bool pend = in_bank(offset, ISPR) || in_bank(offset, ICPR);
	if (!enable && !pend && !in_bank(offset, IABR))
		return false;
	uint32_t *bits = enable ? nvic->enabled : pend ? nvic->pending : nvic->active;
	if (!write)
		*value = inputs(bits, bank);
	else if (bits != nvic->active)
		put_inputs(c, bits, bank, *value, in_bank(offset, ISER) || in_bank(offset, ISPR));
	return true;
}
