/* scb.c - the private peripheral bus of a core: system control block, debug and
 * cycle counter. NVIC, SysTick and MPU have files of their own.
 *
 * Caches are not modelled: their maintenance is accepted, and makes the core
 * forget the code it has translated where it would make the real one fetch anew.
 */

#include "core.h"

enum {
	DWT_CTRL = 0x1000,
	DWT_CYCCNT = 0x1004,
	SYSTICK = 0xE010,
	SYSTICK_END = 0xE020,
	NVIC = 0xE100,
	NVIC_END = 0xE4F0,
	SCB = 0xED00, /* what follows is from there */
	CPUID = 0x00,
	ICSR = 0x04,
	VTOR = 0x08,
	AIRCR = 0x0C,
	SCR = 0x10,
	CCR = 0x14,
	SHPR1 = 0x18,
	SHPR3 = 0x20,
	SHCSR = 0x24,
	CFSR = 0x28,
	HFSR = 0x2C,
	DFSR = 0x30,
	CLIDR = 0x78,
	CTR = 0x7C,
	CCSIDR = 0x80,
	CSSELR = 0x84,
	CPACR = 0x88,
	MPU = 0x90,
	MPU_END = 0xBC,
	DHCSR = 0xF0,
	DEMCR = 0xFC,
	STIR = 0x200,
	FPCCR = 0x234,
	FPDSCR = 0x23C,
	MVFR0 = 0x240,
	MVFR2 = 0x248,
	ICIALLU = 0x250,
	ICIMVAU = 0x258,
	BPIALL = 0x278,
	ITCMCR = 0x290,
	ABFSR = 0x2A8,
	SCB_END = 0x300,
	KEY = 0x05FA,
	SYSRESETREQ = 1 << 2,
	CCR_KEPT = 0x0007031B,
	CCR_STKALIGN = 1 << 9,
	TRCENA = 1 << 24,
};

static bool is_m7(const vf_emu_core *c)
{
	return c->index == VF_EMU_M7;
}

void vf_emu_scb_reset(vf_emu_core *c)
{
	/* The MPU is off, floating point is off, lazy stacking is on. */
	c->scb = (vf_emu_scb){.ccr = CCR_STKALIGN, .dwt_control = 0x40000000};
	c->scb.value[FPCCR / 4] = 0xC0000000;
	c->scb.cycle_base = vf_emu_core_cycles(c);
	c->machine->remap = true;
}

/* From the technical reference manuals of Cortex-M7 r1p1 and Cortex-M4 r0p1. */
static uint32_t identity(const vf_emu_core *c, uint32_t offset)
{
	static const uint32_t mvfr[2][3] = {{0x10110221, 0x12000011, 0x00000040},
					    {0x10110021, 0x11000011, 0x00000000}};
	switch (offset) {
	case CPUID:
		return is_m7(c) ? 0x411FC271 : 0x410FC241;
	case CLIDR:
		return is_m7(c) ? 0x09000003 : 0;
	case CTR:
		return is_m7(c) ? 0x8303C003 : 0;
	case CCSIDR: /* 16 KB each: two ways for instructions, four for data */
		return !is_m7(c) ? 0 : (c->scb.csselr & 1) != 0 ? 0xF01FE009 : 0xF00FE019;
	default:
		return mvfr[c->index][(offset - MVFR0) / 4];
	}
}

static uint32_t icsr(const vf_emu_core *c)
{
	unsigned number;
	enum vf_emu_ready ready = vf_emu_nvic_ready(c, &number);
	uint32_t value = c->exception | (uint32_t)number << 12;
	value |= (ready != VF_EMU_NOTHING && number >= VF_EMU_IRQ0 ? 1u : 0) << 22;
	value |= (vf_emu_bit(c->nvic.pending, VF_EMU_SYSTICK) ? 1u : 0) << 26;
	value |= (vf_emu_bit(c->nvic.pending, VF_EMU_PENDSV) ? 1u : 0) << 28;
	value |= (vf_emu_bit(c->nvic.pending, VF_EMU_NMI) ? 1u : 0) << 31;
	return value;
}

static void put_icsr(vf_emu_core *c, uint32_t value)
{
	if ((value & 1u << 31) != 0)
		vf_emu_nvic_pend(c, VF_EMU_NMI);
	if ((value & 1u << 28) != 0)
		vf_emu_nvic_pend(c, VF_EMU_PENDSV);
	if ((value & 1u << 27) != 0)
		vf_emu_bit_put(c->nvic.pending, VF_EMU_PENDSV, false);
	if ((value & 1u << 26) != 0)
		vf_emu_nvic_pend(c, VF_EMU_SYSTICK);
	if ((value & 1u << 25) != 0)
		vf_emu_bit_put(c->nvic.pending, VF_EMU_SYSTICK, false);
}

static void put_aircr(vf_emu_core *c, uint32_t value)
{
	if (value >> 16 != KEY)
		return;
	c->scb.group = value >> 8 & 7;
	if ((value & SYSRESETREQ) != 0) {
		c->machine->reset_wanted = true;
		c->machine->reset_cause = is_m7(c) ? VF_EMU_RESET_M7 : VF_EMU_RESET_M4;
	}
}

static uint32_t shpr(const vf_emu_core *c, uint32_t offset)
{
	const uint8_t *p = &c->nvic.priority[4 + offset - SHPR1];
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_shpr(vf_emu_core *c, uint32_t offset, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		c->nvic.priority[4 + offset - SHPR1 + i] = (uint8_t)(value >> 8 * i & 0xF0);
}

static bool is_identity(uint32_t offset)
{
	return offset == CPUID || offset == CLIDR || offset == CTR || offset == CCSIDR ||
	       (offset >= MVFR0 && offset <= MVFR2);
}

static bool is_kept(uint32_t offset)
{
	return (offset >= SHCSR && offset < CLIDR) || offset == DHCSR ||
	       (offset >= FPCCR && offset <= FPDSCR) || (offset >= ITCMCR && offset <= ABFSR);
}

static uint32_t scb_get(vf_emu_core *c, uint32_t offset)
{
	uint32_t value = 0;
	if (is_identity(offset))
		return identity(c, offset);
	if (offset >= SHPR1 && offset <= SHPR3)
		return shpr(c, offset);
	if (offset >= MPU && offset < MPU_END) {
		vf_emu_mpu_access(c, offset, false, &value);
		return value;
	}
	switch (offset) {
	case ICSR:
		return icsr(c);
	case VTOR:
		return c->scb.vtor;
	case AIRCR:
		return 0xFA050000u | c->scb.group << 8;
	case SCR:
		return c->scb.scr;
	case CCR:
		return c->scb.ccr;
	case CSSELR:
		return c->scb.csselr;
	case CPACR:
		return c->scb.cpacr;
	case DEMCR:
		return c->scb.demcr;
	default:
		if (!is_kept(offset) && (offset < ICIALLU || offset > BPIALL))
			vf_emu_report(c,
				      "reads 0x%08x, a register of the core that is not modelled",
				      0xE0000000u + SCB + offset);
		return c->scb.value[offset / 4];
	}
}

static void scb_keep(vf_emu_core *c, uint32_t offset, uint32_t value)
{
	if (offset == CFSR || offset == HFSR || offset == DFSR)
		c->scb.value[offset / 4] &= ~value;
	else if (is_kept(offset))
		c->scb.value[offset / 4] = value;
	else if (offset == ICIALLU || offset == ICIMVAU)
		vf_emu_page_stale_all(c);
	else if (offset > ICIALLU && offset <= BPIALL)
		return; /* there is no data cache */
	else if (!is_identity(offset))
		vf_emu_report(c, "writes 0x%08x, a register of the core that is not modelled",
			      0xE0000000u + SCB + offset);
}

static void scb_put(vf_emu_core *c, uint32_t offset, uint32_t value)
{
	if (offset >= SHPR1 && offset <= SHPR3) {
		put_shpr(c, offset, value);
	} else if (offset >= MPU && offset < MPU_END) {
		vf_emu_mpu_access(c, offset, true, &value);
	} else if (offset == ICSR) {
		put_icsr(c, value);
	} else if (offset == VTOR) {
		c->scb.vtor = value & ~0x7Fu;
	} else if (offset == AIRCR) {
		put_aircr(c, value);
	} else if (offset == SCR) {
		c->scb.scr = value & 0x16;
	} else if (offset == CCR) {
		c->scb.ccr = (value & CCR_KEPT) | CCR_STKALIGN;
	} else if (offset == CSSELR) {
		c->scb.csselr = value & 0xF;
	} else if (offset == CPACR) {
		c->scb.cpacr = value & 0x00F00000;
	} else if (offset == DEMCR) {
		c->scb.demcr = value;
	} else if (offset == STIR) {
		vf_emu_nvic_pend(c, VF_EMU_IRQ0 + (value & 0xFF));
	} else {
		scb_keep(c, offset, value);
	}
	vf_emu_core_attend(c);
}

/* --- DWT, ITM --------------------------------------------------------------------- */

static bool counts_cycles(const vf_emu_core *c)
{
	return (c->scb.demcr & TRCENA) != 0 && (c->scb.dwt_control & 1) != 0;
}

/* What is written while it stands is lost; nobody sets it but to 0. */
static uint32_t cycles(const vf_emu_core *c)
{
	return counts_cycles(c) ? (uint32_t)(vf_emu_core_cycles(c) - c->scb.cycle_base) : 0;
}

static uint32_t debug_get(const vf_emu_core *c, uint32_t offset)
{
	if (offset == DWT_CTRL)
		return c->scb.dwt_control;
	return offset == DWT_CYCCNT ? cycles(c) : 0;
}

static void debug_put(vf_emu_core *c, uint32_t offset, uint32_t value)
{
	if (offset == DWT_CTRL) {
		bool was = counts_cycles(c);
		c->scb.dwt_control = (c->scb.dwt_control & ~1u) | (value & 1);
		if (!was && counts_cycles(c))
			c->scb.cycle_base = vf_emu_core_cycles(c);
	} else if (offset == DWT_CYCCNT) {
		c->scb.cycle_base = vf_emu_core_cycles(c) - value;
	}
}

/* --- all of it ---------------------------------------------------------------------- */

static void word(vf_emu_core *c, uint32_t offset, bool write, uint32_t *value)
{
	if (offset >= SYSTICK && offset < SYSTICK_END) {
		vf_emu_systick_access(c, offset & 0x1F, write, value);
	} else if (offset >= NVIC && offset < NVIC_END) {
		if (!vf_emu_nvic_access(c, offset - 0xE000, write, value) && !write)
			*value = 0;
	} else if (offset >= SCB && offset < SCB + SCB_END) {
		if (write)
			scb_put(c, offset - SCB, *value);
		else
			*value = scb_get(c, offset - SCB);
	} else if (offset == 0xE004 || offset == 0xE008) {
		*value = offset == 0xE004 ? 4 : 0; /* ICTR, ACTLR */
	} else if (write) {
		debug_put(c, offset, *value);
	} else {
		*value = debug_get(c, offset);
	}
}

uint32_t vf_emu_private_read(vf_emu_core *c, uint32_t offset, unsigned size)
{
	uint32_t value = 0;
	word(c, offset & ~3u, false, &value);
	value >>= 8 * (offset & 3);
	return size == 4 ? value : value & ((1u << 8 * size) - 1);
}

/* Only priorities can be written in parts. */
void vf_emu_private_write(vf_emu_core *c, uint32_t offset, unsigned size, uint32_t value)
{
	uint32_t old = 0, shift = 8 * (offset & 3);
	bool parts = (offset >= 0xE400 && offset < 0xE4F0) ||
		     (offset >= SCB + SHPR1 && offset < SCB + SHCSR);
	if (size < 4) {
		uint32_t mask = ((1u << 8 * size) - 1) << shift;
		if (parts)
			word(c, offset & ~3u, false, &old);
		value = (old & ~mask) | (value << shift & mask);
	}
	word(c, offset & ~3u, true, &value);
}
