/* stm32h7_clock.c - the clock tree, computed from RCC's registers whenever
 * somebody asks, and its limits.
 *
 * Field meanings: stm32h7xx_hal_rcc.c (HAL_RCC_GetSysClockFreq, GetHCLKFreq) and
 * stm32h7xx_hal_rcc_ex.c (HAL_RCCEx_GetPLL1ClockFreq, GetPeriphCLKFreq). Limits:
 * stm32h7xx_ll_utils.c (UTILS_MAX_FREQUENCY_SCALEx, UTILS_SCALEx_LATENCYx_FREQ),
 * but 400 MHz at scale 1 and the buses' limits are unsourced.
 * The board's HSE is 25 MHz: stm32h7xx_hal_conf_template.h.
 */
#include "stm32h7.h"

enum { HSI_HZ = 64000000, CSI_HZ = 4000000, HSE_HZ = 25000000, HSI48_HZ = 48000000 };
enum { PLL_P, PLL_Q, PLL_R };

static uint32_t reg(const vf_stm32h7 *soc, uint32_t offset)
{
	return soc->rcc.value[offset / 4];
}

static uint32_t source_hz(const vf_stm32h7 *soc, enum vf_h7_oscillator which)
{
	if (!vf_h7_rcc_ready(soc, which))
		return 0;
	switch (which) {
	case VF_H7_HSI:
		return HSI_HZ >> vf_h7_field(reg(soc, 0x00), 3, 2);
	case VF_H7_CSI:
		return CSI_HZ;
	case VF_H7_HSI48:
		return HSI48_HZ;
	default:
		return HSE_HZ;
	}
}

static uint32_t pll_hz(const vf_stm32h7 *soc, unsigned n, unsigned output)
{
	static const uint8_t shift[3] = {9, 16, 24};
	static const enum vf_h7_oscillator from[3] = {VF_H7_HSI, VF_H7_CSI, VF_H7_HSE};
	const uint32_t select = reg(soc, 0x28), config = reg(soc, 0x2C);
	const uint32_t divide = reg(soc, 0x30 + 8 * n);
	const uint32_t m = vf_h7_field(select, 4 + 8 * n, 6);
	const uint32_t fraction = vf_h7_field(reg(soc, 0x34 + 8 * n), 3, 13);
	uint64_t times = ((uint64_t)(divide & 511) + 1) << 13;

	if (!vf_h7_rcc_ready(soc, (enum vf_h7_oscillator)(VF_H7_PLL1 + n)) || m == 0 ||
	    (select & 3) == 3 || (config >> (16 + 3 * n + output) & 1) == 0)
		return 0;
	if ((config >> (4 * n) & 1) != 0)
		times += fraction;
	times = times * source_hz(soc, from[select & 3]) / m;
	return (uint32_t)((times >> 13) / (vf_h7_field(divide, shift[output], 7) + 1));
}

uint32_t vf_h7_sysclk(const vf_stm32h7 *soc)
{
	static const enum vf_h7_oscillator from[3] = {VF_H7_HSI, VF_H7_CSI, VF_H7_HSE};
	const uint32_t sw = reg(soc, 0x10) & 7;
	uint32_t hz = 0;

	if (sw == 3)
		hz = pll_hz(soc, 0, PLL_P);
	else if (sw < 3)
		hz = source_hz(soc, from[sw]);
	/* Until the new source runs the old one goes on; HSI stands for it. */
	return hz != 0 ? hz : source_hz(soc, VF_H7_HSI);
}

/* The nine dividers of CPU and bus: 1, 2, 4, 8, 16, 64, 128, 256, 512. */
static uint32_t divided(uint32_t hz, uint32_t code)
{
	static const uint8_t shift[8] = {1, 2, 3, 4, 6, 7, 8, 9};

	return code < 8 ? hz : hz >> shift[code & 7];
}

static uint32_t halved(uint32_t hz, uint32_t code)
{
	return code < 4 ? hz : hz >> ((code & 3) + 1);
}

uint32_t vf_h7_hclk(const vf_stm32h7 *soc)
{
	return divided(vf_h7_core_hz(soc, VF_EMU_M7), reg(soc, 0x18) & 15);
}

uint32_t vf_h7_core_hz(const vf_stm32h7 *soc, unsigned core)
{
	return core == VF_EMU_M7 ? divided(vf_h7_sysclk(soc), vf_h7_field(reg(soc, 0x18), 8, 4))
				 : vf_h7_hclk(soc);
}

uint32_t vf_h7_pclk2(const vf_stm32h7 *soc)
{
	return halved(vf_h7_hclk(soc), vf_h7_field(reg(soc, 0x1C), 8, 3));
}

static uint32_t usart_hz(const vf_stm32h7 *soc, unsigned shift, uint32_t bus)
{
	switch (vf_h7_field(reg(soc, 0x54), shift, 3)) {
	case 0:
		return bus;
	case 1:
		return pll_hz(soc, 1, PLL_Q);
	case 2:
		return pll_hz(soc, 2, PLL_Q);
	case 3:
		return source_hz(soc, VF_H7_HSI);
	case 4:
		return source_hz(soc, VF_H7_CSI);
	default:
		return 32768;
	}
}

uint32_t vf_h7_usart16_hz(const vf_stm32h7 *soc)
{
	return usart_hz(soc, 3, vf_h7_pclk2(soc));
}

uint32_t vf_h7_usart28_hz(const vf_stm32h7 *soc)
{
	return usart_hz(soc, 0, halved(vf_h7_hclk(soc), vf_h7_field(reg(soc, 0x1C), 4, 3)));
}

uint32_t vf_h7_usb_hz(const vf_stm32h7 *soc)
{
	switch (vf_h7_field(reg(soc, 0x54), 20, 2)) {
	case 1:
		return pll_hz(soc, 0, PLL_Q);
	case 2:
		return pll_hz(soc, 2, PLL_Q);
	case 3:
		return source_hz(soc, VF_H7_HSI48);
	default:
		return 0;
	}
}

static uint32_t per_ck(const vf_stm32h7 *soc)
{
	static const enum vf_h7_oscillator from[4] = {VF_H7_HSI, VF_H7_CSI, VF_H7_HSE, VF_H7_HSE};

	return source_hz(soc, from[reg(soc, 0x4C) >> 28 & 3]);
}

uint32_t vf_h7_quadspi_hz(const vf_stm32h7 *soc)
{
	switch (vf_h7_field(reg(soc, 0x4C), 4, 2)) {
	case 0:
		return vf_h7_hclk(soc);
	case 1:
		return pll_hz(soc, 0, PLL_Q);
	case 2:
		return pll_hz(soc, 1, PLL_R);
	default:
		return per_ck(soc);
	}
}

/* AXI clock that so many wait states allow. */
static uint32_t flash_limit(unsigned scale, unsigned latency)
{
	static const uint32_t mhz[4][5] = {
		{70, 140, 240, 240, 240},
		{70, 140, 240, 240, 240},
		{55, 110, 165, 220, 220},
		{45, 90, 135, 180, 225},
	};

	return mhz[scale][latency < 5 ? latency : 4] * 1000000u;
}

void vf_h7_clock_check(vf_stm32h7 *soc)
{
	static const uint32_t most_mhz[4] = {480, 400, 300, 200};
	const unsigned scale = vf_h7_voltage_scale(soc);
	const uint32_t latency = soc->flash.value[0] & 15;
	const uint32_t core = vf_h7_core_hz(soc, VF_EMU_M7), bus = vf_h7_hclk(soc);

	if (vf_h7_sysclk(soc) > most_mhz[scale] * 1000000u)
		vf_h7_stop(&soc->rcc.unit, "%u MHz at voltage scale %u, which allows %u",
			   (unsigned)(core / 1000000), scale, (unsigned)most_mhz[scale]);
	else if (bus > most_mhz[scale] * 500000u)
		vf_h7_stop(&soc->rcc.unit, "the AXI bus at %u MHz at voltage scale %u",
			   (unsigned)(bus / 1000000), scale);
	else if (bus > flash_limit(scale, latency))
		vf_h7_stop(&soc->flash.unit, "%u wait states at %u MHz and voltage scale %u",
			   (unsigned)latency, (unsigned)(bus / 1000000), scale);
	else if (vf_h7_pclk2(soc) > 120000000)
		vf_h7_stop(&soc->rcc.unit, "APB2 at %u MHz, above its 120",
			   (unsigned)(vf_h7_pclk2(soc) / 1000000));
}
