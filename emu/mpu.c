/* mpu.c - the memory protection unit: its registers, and what it allows where.
 *
 * It is enforced for windows (internal flash, mapped external flash), reads and
 * fetches: there a mistake shows nowhere else. Plain memory and peripherals are
 * not guarded, and attributes other than access are only kept. Handlers that run
 * above the MPU (HFNMIENA) are not told apart.
 */

#include "core.h"

enum {
	TYPE = 0x90,
	CTRL = 0x94,
	RNR = 0x98,
	RBAR = 0x9C,
	ALIAS_END = 0xBC, /* RBAR and RASR, four times */
	ENABLE = 1,
	PRIVDEFENA = 4,
	VALID = 1 << 4,
	REGION_ENABLE = 1,
	XN = 1 << 28,
};

static vf_emu_mpu_region *selected(vf_emu_core *c)
{
	return &c->scb.mpu[c->scb.mpu_number % VF_EMU_MPU_REGIONS];
}

static unsigned regions(const vf_emu_core *c)
{
	return c->index == VF_EMU_M7 ? 16 : 8;
}

static void put(vf_emu_core *c, uint32_t offset, uint32_t value)
{
	if (offset == CTRL) {
		c->scb.mpu_control = value & 7;
	} else if (offset == RNR) {
		c->scb.mpu_number = value & 0xFF;
	} else if ((offset & 7) == (RBAR & 7)) {
		if ((value & VALID) != 0)
			c->scb.mpu_number = value & 0xF;
		selected(c)->base = value & ~0x1Fu;
	} else if (offset != TYPE) {
		selected(c)->attributes = value;
	}
	c->machine->remap = true;
	vf_emu_core_attend(c);
}

void vf_emu_mpu_access(vf_emu_core *c, uint32_t offset, bool write, uint32_t *value)
{
	if (write)
		put(c, offset, *value);
	else if (offset == TYPE)
		*value = regions(c) << 8;
	else if (offset == CTRL)
		*value = c->scb.mpu_control;
	else if (offset == RNR)
		*value = c->scb.mpu_number;
	else if ((offset & 7) == (RBAR & 7))
		*value = selected(c)->base | (c->scb.mpu_number & 0xF);
	else
		*value = selected(c)->attributes;
}

static uint64_t size_of(const vf_emu_mpu_region *r)
{
	return UINT64_C(2) << (r->attributes >> 1 & 0x1F);
}

/* The region's eighth that holds `address`, if that one is on. */
static bool holds(const vf_emu_mpu_region *r, uint32_t address)
{
	uint64_t size = size_of(r);
	uint32_t base = r->base & (uint32_t) ~(size - 1);
	if ((r->attributes & REGION_ENABLE) == 0 || address < base || address - base >= size)
		return false;
	if (size < 256)
		return true;
	unsigned part = (unsigned)((address - base) / (size / 8));
	return (r->attributes >> (8 + part) & 1) == 0;
}

unsigned vf_emu_mpu_allows(const vf_emu_core *c, uint32_t address)
{
	if ((c->scb.mpu_control & ENABLE) == 0)
		return VF_EMU_READ | VF_EMU_FETCH;
	for (unsigned i = regions(c); i-- > 0;) {
		const vf_emu_mpu_region *r = &c->scb.mpu[i];
		unsigned permission = r->attributes >> 24 & 7;
		if (!holds(r, address))
			continue;
		if (permission == 0 || permission == 4)
			return VF_EMU_NONE;
		return VF_EMU_READ | ((r->attributes & XN) == 0 ? VF_EMU_FETCH : 0);
	}
	return (c->scb.mpu_control & PRIVDEFENA) != 0 ? VF_EMU_READ | VF_EMU_FETCH : VF_EMU_NONE;
}

static uint32_t nearer(uint32_t edge, uint64_t candidate, uint32_t address)
{
	return candidate > address && candidate < edge ? (uint32_t)candidate : edge;
}

uint32_t vf_emu_mpu_edge(const vf_emu_core *c, uint32_t address)
{
	uint32_t edge = UINT32_MAX;
	for (unsigned i = 0; (c->scb.mpu_control & ENABLE) != 0 && i < regions(c); i++) {
		const vf_emu_mpu_region *r = &c->scb.mpu[i];
		uint64_t size = size_of(r), base = r->base & (uint32_t) ~(size - 1);
		if ((r->attributes & REGION_ENABLE) == 0)
			continue;
		edge = nearer(edge, base, address);
		for (unsigned part = 1; part <= 8; part++)
			edge = nearer(edge, base + size / 8 * part, address);
	}
	return edge;
}
