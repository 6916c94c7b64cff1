/* stm32h7_syscfg.c - SYSCFG: boot addresses of both cores as running copies of
 * the option bytes, the overdrive switch, the compensation cell.
 *
 * Offsets, fields: stm32h747xx.h (SYSCFG_TypeDef, SYSCFG_UR1 to UR4). Use:
 * stm32h7xx_hal.c (HAL_SYSCFG_CM7BootAddConfig, HAL_SYSCFG_CM4BootAddConfig). The
 * other user registers are unsourced in what they hold and read as 0.
 */
#include "stm32h7.h"

enum { CCCSR = 0x20, PWRCR = 0x2C, UR = 0x300 };

static const vf_h7_register map[] = {
	{0x04, "PMCR", 0, 0x0FE003FF},
	{0x08, "EXTICR1", 0, 0xFFFF},
	{0x0C, "EXTICR2", 0, 0xFFFF},
	{0x10, "EXTICR3", 0, 0xFFFF},
	{0x14, "EXTICR4", 0, 0xFFFF},
	{0x18, "CFGR", 0, 0x0000FECF},
	{CCCSR, "CCCSR", 0, 0x00010003},
	{0x24, "CCVR", 0x88, 0},
	{0x28, "CCCR", 0, 0xFF},
	{PWRCR, "PWRCR", 0, 1},
	{0x124, "PKGR", 8, 0},
	{UR + 0x00, "UR0", 0, 0},
	{UR + 0x04, "UR1", 0, 0x00010001},
	{UR + 0x08, "UR2", 0, 0xFFFF0003},
	{UR + 0x0C, "UR3", 0, UINT32_MAX},
	{UR + 0x10, "UR4", 0, 0x0001FFFF},
	{UR + 0x14, "UR5", 0, 0},
	{UR + 0x18, "UR6", 0, 0},
	{UR + 0x1C, "UR7", 0, 0},
	{UR + 0x20, "UR8", 0, 0},
	{UR + 0x24, "UR9", 0, 0},
	{UR + 0x28, "UR10", 0, 0},
	{UR + 0x2C, "UR11", 0, 0},
	{UR + 0x30, "UR12", 0, 0},
	{UR + 0x34, "UR13", 0, 0},
	{UR + 0x38, "UR14", 0, 0},
	{UR + 0x3C, "UR15", 0, 0},
	{UR + 0x40, "UR16", 0, 0},
	{UR + 0x44, "UR17", 0, 0},
};

static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_syscfg *syscfg = state;
	const uint32_t value = vf_h7_load(&syscfg->unit, offset, size);

	if (offset == CCCSR) /* ready when enabled, which takes CSI on the real chip */
		return value | (value & 1) << 8;
	return value;
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_syscfg *syscfg = state;
	vf_stm32h7 *soc = syscfg->unit.soc;
	const uint32_t old = syscfg->value[PWRCR / 4];

	if (!vf_h7_store(&syscfg->unit, offset, size, value) || offset != PWRCR)
		return;
	if (syscfg->value[PWRCR / 4] != old) {
		soc->pwr.ready_ns = vf_h7_now(soc) + 50000; /* unsourced */
		vf_h7_clock_check(soc);
	}
}

static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_syscfg *syscfg = state;
	const vf_h7_options *options = vf_h7_flash_options(syscfg->unit.soc);
	uint32_t *ur = &syscfg->value[UR / 4];

	(void)cause;
	vf_h7_defaults(&syscfg->unit);
	ur[1] = (options->status >> 22 & 1) | (options->status >> 23 & 1) << 16;
	ur[2] = options->boot7 << 16;
	ur[3] = options->boot7 >> 16 | options->boot4 << 16;
	ur[4] = options->boot4 >> 16;
}

unsigned vf_h7_syscfg_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	vf_h7_syscfg *syscfg = &soc->syscfg;

	syscfg->unit = (vf_h7_unit){.soc = soc,
				    .name = "SYSCFG",
				    .map = map,
				    .registers = sizeof map / sizeof *map,
				    .value = syscfg->value,
				    .gate = VF_H7_APB4,
				    .gate_bit = 1};
	*device = (vf_emu_device){.name = "SYSCFG",
				  .base = 0x58000400,
				  .size = 0x400,
				  .state = syscfg,
				  .read = read_register,
				  .write = write_register,
				  .reset = reset};
	return 1;
}
