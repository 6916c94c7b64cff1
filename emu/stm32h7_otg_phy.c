/* stm32h7_otg_phy.c - what has to be true before an OTG core is a device on a cable:
 * its 48 MHz or the PHY's clock, the supply of the transceiver, pins, pull-up.
 *
 * Clock source: stm32h7xx_hal_rcc_ex.c (RCC_PERIPHCLK_USB). Transceiver, VBUS override:
 * stm32h7xx_ll_usb.c (USB_CoreInit, USB_DevInit). Supply: stm32h7xx_hal_pwr_ex.c
 * (HAL_PWREx_EnableUSBVoltageDetector). Turnaround: USB_SetTurnaroundTime. Pins: the
 * MspInit of ST's USB examples for both boards. That the transceiver inside stands still
 * while a core sleeps whose sleep-mode enable of the ULPI clock is on, as it is after a
 * reset: those examples and TinyUSB's dwc2_stm32.h, which take it away. That the core's resets and
 * flushes wait for the PHY's clock is unsourced, as is the tolerance of 0.25 %, which is the bus's.
 */
#include "stm32h7.h"

#define PHYSEL   (1u << 6)
#define PWRDWN   (1u << 16) /* of GCCFG: 1 switches the transceiver on */
#define VBDEN    (1u << 21)
#define BVALOEN  (1u << 6)
#define BVALOVAL (1u << 7)
#define USB33DEN (1u << 24)

enum { ULPI_GATE = 26, USB_AF = 10, USB_HZ = 48000000, TOLERANCE_HZ = 120000 };

typedef struct pad {
	uint8_t port, pin;
} pad;

/* PA3, PB0, PB1, PB10 to PB13, PB5: D0 to D7; PA5: clock, PC0: STP, PH4: NXT, PI11: DIR. */
static const pad ulpi[] = {{0, 3},  {1, 0}, {1, 1}, {1, 10}, {1, 11}, {1, 12},
			   {1, 13}, {1, 5}, {0, 5}, {2, 0},  {7, 4},  {8, 11}};
static const pad full_speed[] = {{0, 11}, {0, 12}}; /* PA11, PA12: DM, DP */

static bool all_pads(const vf_stm32h7 *soc, const pad *pads, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!vf_h7_pin_is(soc, pads[i].port, pads[i].pin, USB_AF))
			return false;
	return true;
}

static bool inside(const vf_h7_otg *otg)
{
	return (vf_otg_reg(otg, VF_OTG_GUSBCFG) & PHYSEL) != 0;
}

static bool runs_at_48mhz(const vf_stm32h7 *soc)
{
	const uint32_t hz = vf_h7_usb_hz(soc);

	return hz >= USB_HZ - TOLERANCE_HZ && hz <= USB_HZ + TOLERANCE_HZ;
}

bool vf_h7_otg_phy_clock(const vf_h7_otg *otg)
{
	const vf_stm32h7 *soc = otg->unit.soc;

	if (inside(otg))
		return runs_at_48mhz(soc) && !vf_h7_rcc_dozes(soc, VF_H7_AHB1, otg->unit.gate_bit,
							      otg->unit.gate_bit + 1u);
	return otg->number == 1 && otg->wired && vf_h7_rcc_enabled(soc, VF_H7_AHB1, ULPI_GATE) &&
	       all_pads(soc, ulpi, sizeof ulpi / sizeof *ulpi);
}

bool vf_h7_otg_session(const vf_h7_otg *otg)
{
	const uint32_t control = vf_otg_reg(otg, VF_OTG_GOTGCTL);

	if ((control & BVALOEN) != 0)
		return (control & BVALOVAL) != 0;
	return (vf_otg_reg(otg, VF_OTG_GCCFG) & VBDEN) != 0 && otg->vbus;
}

bool vf_h7_otg_visible(vf_h7_otg *otg)
{
	const vf_stm32h7 *soc = otg->unit.soc;

	if (!otg->wired || !vf_h7_rcc_enabled(soc, VF_H7_AHB1, otg->unit.gate_bit) ||
	    (vf_otg_reg(otg, VF_OTG_DCTL) & VF_OTG_SDIS) != 0 || !vf_h7_otg_session(otg) ||
	    !vf_h7_otg_phy_clock(otg))
		return false;
	if (inside(otg) &&
	    (otg->number == 1 || (vf_otg_reg(otg, VF_OTG_GCCFG) & PWRDWN) == 0 ||
	     (soc->pwr.value[0x0C / 4] & USB33DEN) == 0 || !all_pads(soc, full_speed, 2)))
		return false;
	if (otg->unreset)
		vf_h7_stop(&otg->unit, "soft connect without a core reset since PHYSEL changed");
	if (inside(otg) && (vf_otg_reg(otg, VF_OTG_DCFG) & 3) != 3)
		vf_h7_stop(&otg->unit, "speed %u in DCFG with the full-speed transceiver",
			   (unsigned)(vf_otg_reg(otg, VF_OTG_DCFG) & 3));
	otg->unreset = false;
	return true;
}

/* The least TRDT that an AHB clock allows. */
static unsigned turnaround(const vf_h7_otg *otg, uint32_t hclk)
{
	static const uint32_t from_khz[] = {32000, 27700, 24000, 21800, 20000,
					    18500, 17200, 16000, 15000, 14200};

	if (otg->high)
		return hclk >= 30000000 ? 9 : 0;
	for (unsigned i = 0; i < sizeof from_khz / sizeof *from_khz; i++)
		if (hclk >= from_khz[i] * 1000)
			return 6 + i;
	return 0;
}

void vf_h7_otg_timing_check(vf_h7_otg *otg)
{
	const uint32_t hclk = vf_h7_hclk(otg->unit.soc);
	const unsigned least = turnaround(otg, hclk);
	const unsigned set = vf_otg_reg(otg, VF_OTG_GUSBCFG) >> 10 & 15;

	if (least == 0)
		vf_h7_stop(&otg->unit, "an AHB clock of %u kHz is too slow for this bus",
			   (unsigned)(hclk / 1000));
	else if (set < least)
		vf_h7_stop(&otg->unit, "turnaround time %u (TRDT), but %u MHz AHB needs %u", set,
			   (unsigned)(hclk / 1000000), least);
}
