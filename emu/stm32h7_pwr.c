/* stm32h7_pwr.c - PWR: which regulator feeds the core, at which voltage, and the
 * lock on the backup domain.
 *
 * Offsets, fields: stm32h747xx.h (PWR_TypeDef, PWR_*_Pos). That the supply is
 * chosen once and waits for ACTVOSRDY: stm32h7xx_hal_pwr_ex.c
 * (HAL_PWREx_ConfigSupply), the voltage scales: HAL_PWREx_ControlVoltageScaling.
 * Reset values and times are unsourced. The Discovery board feeds the core from
 * the step-down converter alone; with another setting the real chip locks up
 * until power is taken away, so the run stops.
 */
#include "stm32h7.h"

#include <string.h>

enum { CR1 = 0x00, CSR1 = 0x04, CR2 = 0x08, CR3 = 0x0C, D3CR = 0x18, SETTLE_NS = 50000 };
enum { CR1_DBP = 1 << 8, CR3_LDOEN = 2, CR3_SMPSEN = 4, CR3_SUPPLY = 0x3F, VOSRDY = 1 << 13 };

static const vf_h7_register map[] = {
	{CR1, "CR1", 0xF000C000, 0x0007C3F1},
	{CSR1, "CSR1", 0x00004000, 0},
	{CR2, "CR2", 0, 0x00000011},
	{CR3, "CR3", CR3_LDOEN | CR3_SMPSEN, 0x0300033F},
	{0x10, "CPUCR", 0, 0x00000E07},
	{0x14, "CPU2CR", 0, 0x00000E07},
	{D3CR, "D3CR", 0x00004000, 0x0000C000},
	{0x20, "WKUPCR", 0, 0},
	{0x24, "WKUPFR", 0, 0},
	{0x28, "WKUPEPR", 0, 0x0FFF3F3F},
};

static bool overdrive(const vf_stm32h7 *soc)
{
	return (soc->syscfg.value[0x2C / 4] & 1) != 0;
}

unsigned vf_h7_voltage_scale(const vf_stm32h7 *soc)
{
	const unsigned vos = soc->pwr.value[D3CR / 4] >> 14 & 3; /* 3 is scale 1 */

	if (vos == 3 && overdrive(soc))
		return 0;
	return vos == 0 ? 3 : 4 - vos;
}

bool vf_h7_backup_writable(const vf_stm32h7 *soc)
{
	return (soc->pwr.value[CR1 / 4] & CR1_DBP) != 0;
}

static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_pwr *pwr = state;
	const uint32_t value = vf_h7_load(&pwr->unit, offset, size);
	const bool settled = pwr->supplied && vf_h7_now(pwr->unit.soc) >= pwr->ready_ns;

	switch (offset) {
	case CSR1:
		return (settled ? VOSRDY : 0) | (pwr->value[D3CR / 4] & 0xC000);
	case D3CR:
		return value | (settled ? VOSRDY : 0);
	case CR2: /* the backup regulator is ready at once */
		return value | (value & 1) << 16;
	case CR3: /* so is USB's */
		return value | (value >> 24 & 1) << 26;
	default:
		return value;
	}
}

static void write_supply(vf_h7_pwr *pwr, uint32_t value)
{
	const uint32_t kept = pwr->value[CR3 / 4];

	if (pwr->supplied) /* the supply bits are locked until power goes */
		value = (value & ~(uint32_t)CR3_SUPPLY) | (kept & CR3_SUPPLY);
	else if ((value & (1 | CR3_LDOEN | CR3_SMPSEN)) != CR3_SMPSEN)
		vf_h7_stop(&pwr->unit,
			   "supply %02Xh in CR3, but the board is wired for the "
			   "step-down converter alone",
			   (unsigned)(value & CR3_SUPPLY));
	(void)vf_h7_store(&pwr->unit, CR3, 4, value);
	if (!pwr->supplied)
		pwr->ready_ns = vf_h7_now(pwr->unit.soc) + SETTLE_NS;
	pwr->supplied = true;
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_pwr *pwr = state;
	const uint32_t old = pwr->value[D3CR / 4];

	if (offset == CR3 && size == 4) {
		write_supply(pwr, value);
		return;
	}
	if (offset == D3CR && !pwr->supplied) {
		vf_h7_stop(&pwr->unit, "voltage scale written before the supply (CR3)");
		return;
	}
	if (!vf_h7_store(&pwr->unit, offset, size, value) || offset != D3CR)
		return;
	if (pwr->value[D3CR / 4] != old)
		pwr->ready_ns = vf_h7_now(pwr->unit.soc) + SETTLE_NS;
	vf_h7_clock_check(pwr->unit.soc);
}

static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_pwr *pwr = state;
	const uint32_t supply = pwr->value[CR3 / 4];

	vf_h7_defaults(&pwr->unit);
	pwr->ready_ns = 0;
	if (cause == VF_EMU_RESET_POWER)
		pwr->supplied = false;
	else
		pwr->value[CR3 / 4] = supply;
}

unsigned vf_h7_pwr_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	vf_h7_pwr *pwr = &soc->pwr;

	pwr->unit = (vf_h7_unit){.soc = soc,
				 .name = "PWR",
				 .map = map,
				 .registers = sizeof map / sizeof *map,
				 .value = pwr->value};
	*device = (vf_emu_device){.name = "PWR",
				  .base = 0x58024800,
				  .size = 0x400,
				  .state = pwr,
				  .read = read_register,
				  .write = write_register,
				  .reset = reset};
	return 1;
}
