/* stm32h7_plain.c - blocks whose registers start-up code touches and on which
 * nothing here depends: they keep what is written, no more. And the words that
 * tell one chip from another. ST's SystemInit writes FMC before its clock is on, so
 * FMC asks for none.
 *
 * Offsets: stm32h747xx.h (EXTI_TypeDef, ART_TypeDef, CRS_TypeDef, DBGMCU_TypeDef,
 * FMC_Bank1_TypeDef, UID_BASE, FLASHSIZE_BASE). DBGMCU_IDCODE says device 450h of
 * revision V (REV_ID_V of stm32h7xx_hal.h). EXTI raises no interrupt. HSI48
 * is exact, so that CRS has nothing to do.
 */
#include "stm32h7.h"

#define KEEPS(offset, name)                                                                        \
	{                                                                                          \
		offset, name, 0, UINT32_MAX                                                        \
	}

static const vf_h7_register exti[] = {
	KEEPS(0x00, "RTSR1"),  KEEPS(0x04, "FTSR1"),   KEEPS(0x08, "SWIER1"),
	KEEPS(0x0C, "D3PMR1"), KEEPS(0x10, "D3PCR1L"), KEEPS(0x14, "D3PCR1H"),
	KEEPS(0x20, "RTSR2"),  KEEPS(0x24, "FTSR2"),   KEEPS(0x28, "SWIER2"),
	KEEPS(0x2C, "D3PMR2"), KEEPS(0x30, "D3PCR2L"), KEEPS(0x34, "D3PCR2H"),
	KEEPS(0x40, "RTSR3"),  KEEPS(0x44, "FTSR3"),   KEEPS(0x48, "SWIER3"),
	KEEPS(0x4C, "D3PMR3"), KEEPS(0x50, "D3PCR3L"), KEEPS(0x54, "D3PCR3H"),
	KEEPS(0x80, "IMR1"),   KEEPS(0x84, "EMR1"),    {0x88, "PR1", 0, 0},
	KEEPS(0x90, "IMR2"),   KEEPS(0x94, "EMR2"),    {0x98, "PR2", 0, 0},
	KEEPS(0xA0, "IMR3"),   KEEPS(0xA4, "EMR3"),    {0xA8, "PR3", 0, 0},
	KEEPS(0xC0, "C2IMR1"), KEEPS(0xC4, "C2EMR1"),  {0xC8, "C2PR1", 0, 0},
	KEEPS(0xD0, "C2IMR2"), KEEPS(0xD4, "C2EMR2"),  {0xD8, "C2PR2", 0, 0},
	KEEPS(0xE0, "C2IMR3"), KEEPS(0xE4, "C2EMR3"),  {0xE8, "C2PR3", 0, 0},
};
static const vf_h7_register art[] = {KEEPS(0x00, "CTR")};
static const vf_h7_register dbgmcu[] = {
	{0x00, "IDCODE", 0x20036450, 0}, KEEPS(0x04, "CR"),       KEEPS(0x34, "APB3FZ1"),
	KEEPS(0x38, "APB3FZ2"),          KEEPS(0x3C, "APB1LFZ1"), KEEPS(0x40, "APB1LFZ2"),
	KEEPS(0x4C, "APB2FZ1"),          KEEPS(0x50, "APB2FZ2"),  KEEPS(0x54, "APB4FZ1"),
	KEEPS(0x58, "APB4FZ2"),
};
static const vf_h7_register fmc[] = {
	{0x00, "BCR1", 0x000030DB, UINT32_MAX},
	KEEPS(0x04, "BTR1"),
	KEEPS(0x08, "BCR2"),
	KEEPS(0x0C, "BTR2"),
	KEEPS(0x10, "BCR3"),
	KEEPS(0x14, "BTR3"),
	KEEPS(0x18, "BCR4"),
	KEEPS(0x1C, "BTR4"),
};
static const vf_h7_register crs[] = {
	{0x00, "CR", 0x00002000, 0x00003FEF},
	{0x04, "CFGR", 0x2022BB7F, UINT32_MAX},
	{0x08, "ISR", 0, 0},
	{0x0C, "ICR", 0, 0},
};
static const vf_h7_register uid[] = {
	{0x00, "UID", 0, 0},
	{0x04, "UID", 0, 0},
	{0x08, "UID", 0, 0},
	{0x80, "FLASHSIZE", 2048, 0},
};

static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_plain *plain = state;
	const uint32_t at = offset & ~3u;

	if (plain->unit.map != uid) /* identity words are memory: any width */
		return vf_h7_load(&plain->unit, offset, size);
	return vf_h7_load(&plain->unit, at, 4) >> 8 * (offset & 3) &
	       (size == 4 ? UINT32_MAX : (1u << 8 * size) - 1);
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_plain *plain = state;

	(void)vf_h7_store(&plain->unit, offset, size, value);
}

static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_plain *plain = state;

	(void)cause;
	vf_h7_defaults(&plain->unit);
	if (plain->unit.map == uid)
		for (unsigned i = 0; i < 3; i++)
			plain->value[i] = plain->unit.soc->config.uid[i];
}

#define BLOCK(name, base, map, gate, bit)                                                          \
	{                                                                                          \
		(name), (base), (map), sizeof(map) / sizeof *(map), (gate), (bit)                  \
	}

unsigned vf_h7_plain_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	static const struct {
		const char *name;
		uint32_t base;
		const vf_h7_register *map;
		unsigned registers;
		uint8_t gate, bit;
	} block[VF_H7_PLAINS] = {
		[VF_H7_EXTI] = BLOCK("EXTI", 0x58000000, exti, VF_H7_ALWAYS, 0),
		[VF_H7_ART] = BLOCK("ART", 0x40024400, art, VF_H7_AHB1, 14),
		[VF_H7_DBGMCU] = BLOCK("DBGMCU", 0x5C001000, dbgmcu, VF_H7_ALWAYS, 0),
		[VF_H7_FMC] = BLOCK("FMC", 0x52004000, fmc, VF_H7_ALWAYS, 0),
		[VF_H7_CRS] = BLOCK("CRS", 0x40008400, crs, VF_H7_APB1H, 1),
		[VF_H7_UID] = BLOCK("UID", 0x1FF1E800, uid, VF_H7_ALWAYS, 0),
	};

	for (unsigned i = 0; i < VF_H7_PLAINS; i++) {
		vf_h7_plain *plain = &soc->plain[i];

		plain->unit = (vf_h7_unit){.soc = soc,
					   .name = block[i].name,
					   .map = block[i].map,
					   .registers = block[i].registers,
					   .value = plain->value,
					   .gate = block[i].gate,
					   .gate_bit = block[i].bit};
		device[i] = (vf_emu_device){.name = block[i].name,
					    .base = block[i].base,
					    .size = 0x400,
					    .state = plain,
					    .read = read_register,
					    .write = write_register,
					    .reset = reset};
	}
	return VF_H7_PLAINS;
}
