/* stm32h7_otg.c - OTG1_HS and OTG2_FS: global and device registers, core reset and
 * flushes that take their time, interrupt flags and line.
 *
 * Offsets, fields, interrupt numbers: stm32h747xx.h (USB_OTG_GlobalTypeDef,
 * USB_OTG_DeviceTypeDef, USB_OTG_*_Pos). Order of accesses, what is waited for, which
 * flags are cleared by a 1: stm32h7xx_ll_usb.c and HAL_PCD_IRQHandler. Identity words:
 * TinyUSB's dwc2_info.md, column "ST H743/H750". What a core reset leaves alone, most
 * reset values and the times are unsourced. Device mode only, no DMA, no isochronous
 * endpoints, no link power management: what needs one of them stops the run.
 */
#include "stm32h7.h"

#include <string.h>

enum {
	GLPMCFG = 0x054,
	DEACHMSK = 0x83C,
	HOST_FIRST = 0x400,
	HOST_END = 0x800,
	FIFO_END = 0x11000,
	RESET_NS = 1000, /* a few clocks of PHY and AHB */
	FLUSH_NS = 300,
};

#define GINT     (1u << 0)
#define DMAEN    (1u << 5)
#define PHYSEL   (1u << 6)
#define FHMOD    (1u << 29)
#define CSRST    (1u << 0)
#define RXFFLSH  (1u << 4)
#define TXFFLSH  (1u << 5)
#define AHBIDL   (1u << 31)
#define CIDSTS   (1u << 16)
#define BSESVLD  (1u << 19)
#define OTGINT   (1u << 2)
#define CLEARED  0xF0F0FC0Au /* of GINTSTS, by writing 1 */
#define DSPD     3u
#define GINSTS   (1u << 2)
#define GONSTS   (1u << 3)
#define SGINAK   (1u << 7)
#define CGINAK   (1u << 8)
#define SGONAK   (1u << 9)
#define CGONAK   (1u << 10)
#define RWUSIG   (1u << 0)
#define FULL     3u /* ENUMSPD with the transceiver inside, and with ULPI */
#define FULL_PHY 1u

static const vf_h7_register map[] = {
	{VF_OTG_GOTGCTL, "GOTGCTL", 0, 0x00101EFE},
	{VF_OTG_GOTGINT, "GOTGINT", 0, 0},
	{VF_OTG_GAHBCFG, "GAHBCFG", 0, 0x000001BF},
	{VF_OTG_GUSBCFG, "GUSBCFG", 0x00001400, 0x63FEBF47},
	{VF_OTG_GRSTCTL, "GRSTCTL", 0, 0x000007C0},
	{VF_OTG_GINTSTS, "GINTSTS", 0, 0},
	{VF_OTG_GINTMSK, "GINTMSK", 0, 0xFEFEFCFE},
	{VF_OTG_GRXSTSR, "GRXSTSR", 0, 0},
	{VF_OTG_GRXSTSP, "GRXSTSP", 0, 0},
	{VF_OTG_GRXFSIZ, "GRXFSIZ", 0x400, 0xFFFF},
	{VF_OTG_DIEPTXF0, "DIEPTXF0", 0x02000200, UINT32_MAX},
	{0x02C, "HNPTXSTS", 0x00080200, 0},
	{VF_OTG_GCCFG, "GCCFG", 0, 0x003F0000},
	{0x03C, "CID", 0x00002300, UINT32_MAX},
	{0x040, "GSNPSID", 0x4F54330A, 0},
	{0x044, "GHWCFG1", 0, 0},
	{0x048, "GHWCFG2", 0x229FE190, 0},
	{0x04C, "GHWCFG3", 0x03B8D2E8, 0},
	{0x050, "GHWCFG4", 0xE3F00030, 0},
	{GLPMCFG, "GLPMCFG", 0, 0x1FE1FFFF},
	{0x058, "GPWRDN", 0, 1},
	{0x05C, "GDFIFOCFG", 0, UINT32_MAX},
	{0x060, "GADPCTL", 0, 0},
	{0x100, "HPTXFSIZ", 0, UINT32_MAX},
	{VF_OTG_DIEPTXF1 + 0x00, "DIEPTXF1", 0x02000400, UINT32_MAX},
	{VF_OTG_DIEPTXF1 + 0x04, "DIEPTXF2", 0x02000600, UINT32_MAX},
	{VF_OTG_DIEPTXF1 + 0x08, "DIEPTXF3", 0x02000800, UINT32_MAX},
	{VF_OTG_DIEPTXF1 + 0x0C, "DIEPTXF4", 0x02000A00, UINT32_MAX},
	{VF_OTG_DIEPTXF1 + 0x10, "DIEPTXF5", 0x02000C00, UINT32_MAX},
	{VF_OTG_DIEPTXF1 + 0x14, "DIEPTXF6", 0x02000E00, UINT32_MAX},
	{VF_OTG_DIEPTXF1 + 0x18, "DIEPTXF7", 0x02001000, UINT32_MAX},
	{VF_OTG_DIEPTXF1 + 0x1C, "DIEPTXF8", 0x02001200, UINT32_MAX},
	/* ST's driver clears fifteen of them whatever the core has. */
	{0x124, "DIEPTXF9", 0, 0},
	{0x128, "DIEPTXF10", 0, 0},
	{0x12C, "DIEPTXF11", 0, 0},
	{0x130, "DIEPTXF12", 0, 0},
	{0x134, "DIEPTXF13", 0, 0},
	{0x138, "DIEPTXF14", 0, 0},
	{0x13C, "DIEPTXF15", 0, 0},
	{VF_OTG_DCFG, "DCFG", 0x02200000, 0x0300DFF7},
	{VF_OTG_DCTL, "DCTL", VF_OTG_SDIS, 0x00060873},
	{VF_OTG_DSTS, "DSTS", 0x00000010, 0},
	{VF_OTG_DIEPMSK, "DIEPMSK", 0, 0x0000237B},
	{VF_OTG_DOEPMSK, "DOEPMSK", 0, 0x0000737F},
	{VF_OTG_DAINT, "DAINT", 0, 0},
	{VF_OTG_DAINTMSK, "DAINTMSK", 0, UINT32_MAX},
	{0x828, "DVBUSDIS", 0x17D7, 0xFFFF},
	{0x82C, "DVBUSPULSE", 0x5B8, 0xFFF},
	{0x830, "DTHRCTL", 0, 0x0BFF1FFF},
	{VF_OTG_DIEPEMPMSK, "DIEPEMPMSK", 0, 0xFFFF},
	{0x838, "DEACHINT", 0, 0},
	{DEACHMSK, "DEACHMSK", 0, 0x00020002},
	{0x844, "DINEP1MSK", 0, 0x237B},
	{0x884, "DOUTEP1MSK", 0, 0x737F},
	{VF_OTG_PCGCCTL, "PCGCCTL", 0, 3},
	{0xE04, "PCGCCTL1", 0, UINT32_MAX},
};

static uint32_t reg(const vf_h7_otg *otg, unsigned offset)
{
	return vf_otg_reg(otg, offset);
}

/* --- interrupts ------------------------------------------------------------------- */

uint32_t vf_h7_otg_daint(const vf_h7_otg *otg)
{
	const uint32_t in_mask = reg(otg, VF_OTG_DIEPMSK), out_mask = reg(otg, VF_OTG_DOEPMSK);
	const uint32_t empty = reg(otg, VF_OTG_DIEPEMPMSK);
	uint32_t value = 0;

	for (unsigned n = 0; n < VF_H7_OTG_ENDPOINTS; n++) {
		const uint32_t mask = in_mask | (empty >> n & 1) << 7;

		if ((vf_h7_otg_in_flags(otg, n) & mask) != 0)
			value |= 1u << n;
		if ((otg->out[n].flags & out_mask) != 0)
			value |= 1u << (16 + n);
	}
	return value;
}

static uint32_t flags(const vf_h7_otg *otg)
{
	const uint32_t ends = vf_h7_otg_daint(otg) & reg(otg, VF_OTG_DAINTMSK);
	const uint32_t control = reg(otg, VF_OTG_DCTL);
	uint32_t value = reg(otg, VF_OTG_GINTSTS) | 0x04000020; /* PTXFE, NPTXFE: a host's */

	value |= reg(otg, VF_OTG_GOTGINT) != 0 ? OTGINT : 0;
	value |= otg->rx_used > otg->rx_rest ? VF_OTG_RXFLVL : 0;
	value |= (control & GINSTS) != 0 ? VF_OTG_GINAKEFF : 0;
	value |= (control & GONSTS) != 0 ? VF_OTG_GONAKEFF : 0;
	value |= (ends & 0xFFFF) != 0 ? VF_OTG_IEPINT : 0;
	value |= ends >> 16 != 0 ? VF_OTG_OEPINT : 0;
	return value;
}

void vf_h7_otg_settle(vf_h7_otg *otg)
{
	const bool level = (reg(otg, VF_OTG_GAHBCFG) & GINT) != 0 &&
			   (flags(otg) & reg(otg, VF_OTG_GINTMSK)) != 0;

	if (level != otg->level)
		vf_h7_irq(otg->unit.soc, otg->irq, level);
	otg->level = level;
}

/* --- core reset and flushes ---------------------------------------------------------- */

/* What is asked of the core's own clock domain lasts until that clock runs. */
static bool busy(const vf_h7_otg *otg, uint64_t until_ns)
{
	return until_ns != 0 && (vf_h7_now(otg->unit.soc) < until_ns || !vf_h7_otg_phy_clock(otg));
}

static void observe(vf_h7_otg *otg)
{
	if (!busy(otg, otg->reset_ns))
		otg->reset_ns = 0;
	if (!busy(otg, otg->flush_ns))
		otg->flush_ns = 0;
}

static void clear(vf_h7_otg *otg)
{
	vf_h7_defaults(&otg->unit);
	vf_h7_otg_endpoint_reset(otg);
	otg->address = 0;
	otg->transfer = otg->setup_open = otg->high = otg->suspended = otg->wakes = false;
	otg->flush_ns = 0;
}

static void core_reset(vf_h7_otg *otg)
{
	const uint32_t phy = reg(otg, VF_OTG_GUSBCFG) & PHYSEL;
	const uint32_t transceiver = reg(otg, VF_OTG_GCCFG), speed = reg(otg, VF_OTG_DCFG) & DSPD;

	clear(otg);
	otg->value[VF_OTG_GUSBCFG / 4] |= phy;
	otg->value[VF_OTG_GCCFG / 4] = transceiver;
	otg->value[VF_OTG_DCFG / 4] |= speed;
	otg->unreset = false;
	otg->reset_ns = vf_h7_now(otg->unit.soc) + RESET_NS;
}

static void write_reset(vf_h7_otg *otg, uint32_t value)
{
	const uint64_t now = vf_h7_now(otg->unit.soc);

	if (otg->flush_ns != 0 && (value & (CSRST | RXFFLSH | TXFFLSH)) != 0)
		vf_h7_stop(&otg->unit, "GRSTCTL written while a FIFO is being flushed");
	otg->value[VF_OTG_GRSTCTL / 4] = value & (RXFFLSH | TXFFLSH | 0x7C0);
	if ((value & CSRST) != 0) {
		core_reset(otg);
		return;
	}
	if ((value & RXFFLSH) != 0)
		vf_h7_otg_flush_rx(otg);
	if ((value & TXFFLSH) != 0)
		vf_h7_otg_flush_tx(otg, value >> 6 & 31);
	if ((value & (RXFFLSH | TXFFLSH)) != 0)
		otg->flush_ns = now + FLUSH_NS;
}

/* --- reading ------------------------------------------------------------------------------ */

static uint32_t status(const vf_h7_otg *otg)
{
	const uint32_t full = (reg(otg, VF_OTG_GUSBCFG) & PHYSEL) != 0 ? FULL : FULL_PHY;

	return reg(otg, VF_OTG_DSTS) | (otg->suspended ? 1u : 0) | (otg->high ? 0 : full << 1);
}

static uint32_t read_reset(vf_h7_otg *otg)
{
	uint32_t value = reg(otg, VF_OTG_GRSTCTL) & 0x7C0;

	value |= otg->reset_ns != 0 ? CSRST : AHBIDL;
	if (otg->flush_ns != 0)
		value |= reg(otg, VF_OTG_GRSTCTL) & (RXFFLSH | TXFFLSH);
	return value;
}

static uint32_t read_status_word(vf_h7_otg *otg, bool pop)
{
	uint32_t value;

	if (otg->rx_used == otg->rx_rest) {
		vf_h7_stop(&otg->unit, "%s read while no status word waits (RXFLVL is 0)",
			   pop ? "GRXSTSP" : "GRXSTSR");
		return 0;
	}
	if (!pop)
		return otg->rx[(otg->rx_head + otg->rx_rest) % VF_H7_OTG_WORDS];
	value = vf_h7_otg_pop(otg);
	vf_h7_otg_settle(otg);
	return value;
}

static uint32_t read_plain(vf_h7_otg *otg, uint32_t offset)
{
	const uint32_t value = vf_h7_load(&otg->unit, offset, 4);

	switch (offset) {
	case VF_OTG_GOTGCTL: /* the plug says that this is the B side */
		return value | CIDSTS | (vf_h7_otg_session(otg) ? BSESVLD : 0);
	case VF_OTG_GRSTCTL:
		return read_reset(otg);
	case VF_OTG_GINTSTS:
		return flags(otg);
	case VF_OTG_GRXSTSR:
	case VF_OTG_GRXSTSP:
		return read_status_word(otg, offset == VF_OTG_GRXSTSP);
	case VF_OTG_DSTS:
		return status(otg);
	case VF_OTG_DAINT:
		return vf_h7_otg_daint(otg);
	default:
		return value;
	}
}

static bool is_endpoint(uint32_t offset)
{
	return offset >= VF_OTG_IN && offset < VF_OTG_OUT + 0x200;
}

static bool allowed(vf_h7_otg *otg, uint32_t offset, unsigned size, bool write)
{
	if (!vf_h7_clocked(&otg->unit, write))
		return false;
	observe(otg);
	if (size != 4 || (offset & 3) != 0)
		vf_h7_stop(&otg->unit, "%u bytes accessed at %05Xh, which takes words only", size,
			   (unsigned)offset);
	else if (offset >= HOST_FIRST && offset < HOST_END)
		vf_h7_stop(&otg->unit, "register of a host at %03Xh in device mode",
			   (unsigned)offset);
	else if (offset >= FIFO_END)
		vf_h7_stop(&otg->unit, "FIFO memory accessed at %05Xh, which is for debugging only",
			   (unsigned)offset);
	else if (write && otg->reset_ns != 0 && offset != VF_OTG_GRSTCTL)
		vf_h7_stop(&otg->unit, "%03Xh written during the core reset (CSRST%s)",
			   (unsigned)offset,
			   vf_h7_otg_phy_clock(otg) ? "" : ": the PHY gives no clock");
	else
		return true;
	return false;
}

static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_otg *otg = state;
	uint32_t value;

	if (!allowed(otg, offset, size, false))
		return 0;
	if (is_endpoint(offset))
		return vf_h7_otg_endpoint_read(otg, offset);
	if (offset < VF_OTG_FIFO)
		return read_plain(otg, offset);
	value = vf_h7_otg_fifo_read(otg);
	vf_h7_otg_settle(otg);
	return value;
}

/* --- writing ------------------------------------------------------------------------------- */

static void write_control(vf_h7_otg *otg, uint32_t value)
{
	uint32_t *control = &otg->value[VF_OTG_DCTL / 4];
	const uint32_t kept = *control & (GINSTS | GONSTS);

	*control = (value & 0x00060873) | kept;
	if ((value & SGINAK) != 0)
		*control |= GINSTS;
	if ((value & CGINAK) != 0)
		*control &= ~GINSTS;
	/* It takes effect when the firmware reads it out of the receive FIFO. */
	if ((value & SGONAK) != 0 && (*control & GONSTS) == 0 &&
	    !vf_h7_otg_push(otg, VF_OTG_GLOBAL_NAK, 0, 0, NULL, 0))
		vf_h7_stop(&otg->unit, "no word left in the receive FIFO for the global OUT NAK");
	if ((value & CGONAK) != 0)
		*control &= ~GONSTS;
	otg->wakes = (value & RWUSIG) != 0 && otg->suspended;
}

static void write_usb(vf_h7_otg *otg, uint32_t value)
{
	const uint32_t old = reg(otg, VF_OTG_GUSBCFG);

	if ((value & FHMOD) != 0)
		vf_h7_stop(&otg->unit, "host mode forced (FHMOD), which the model has not");
	(void)vf_h7_store(&otg->unit, VF_OTG_GUSBCFG, 4, value);
	otg->unreset = otg->unreset || ((old ^ value) & PHYSEL) != 0;
}

/* Drivers write the address before the status stage of SET_ADDRESS, which still goes
 * to the old one. */
static void write_configuration(vf_h7_otg *otg, uint32_t value)
{
	(void)vf_h7_store(&otg->unit, VF_OTG_DCFG, 4, value);
	if (!otg->transfer)
		otg->address = value >> 4 & 127;
}

/* Sizes are for FIFOs that hold nothing. */
static void write_size(vf_h7_otg *otg, uint32_t offset, uint32_t value)
{
	const unsigned n = offset == VF_OTG_DIEPTXF0 ? 0 : (offset - VF_OTG_DIEPTXF1) / 4 + 1;

	if (offset == VF_OTG_GRXFSIZ && otg->rx_used != 0)
		vf_h7_stop(&otg->unit, "GRXFSIZ written while the receive FIFO holds %u words",
			   (unsigned)otg->rx_used);
	else if (offset != VF_OTG_GRXFSIZ && n < VF_H7_OTG_ENDPOINTS && otg->in[n].used != 0)
		vf_h7_stop(&otg->unit, "size of transmit FIFO %u written while it holds %u words",
			   n, (unsigned)otg->in[n].used);
	(void)vf_h7_store(&otg->unit, offset, 4, value);
}

static bool is_size(uint32_t offset)
{
	return offset == VF_OTG_GRXFSIZ || offset == VF_OTG_DIEPTXF0 ||
	       (offset >= VF_OTG_DIEPTXF1 && offset < 0x140);
}

/* What the model has not and would silently do wrong. */
static void check_absent(const vf_h7_otg *otg, uint32_t offset, uint32_t value)
{
	if (offset == VF_OTG_GAHBCFG && (value & DMAEN) != 0)
		vf_h7_stop(&otg->unit, "DMA enabled (DMAEN), which the model has not");
	else if (offset == VF_OTG_DCFG && (value & DSPD) == 2)
		vf_h7_stop(&otg->unit, "reserved speed 2 in DCFG");
	else if (offset == DEACHMSK && value != 0)
		vf_h7_stop(&otg->unit, "interrupts of their own for endpoint 1 (DEACHMSK), which "
				       "the model has not");
}

static void write_plain(vf_h7_otg *otg, uint32_t offset, uint32_t value)
{
	check_absent(otg, offset, value);
	if (is_size(offset))
		write_size(otg, offset, value);
	else if (offset == VF_OTG_GINTSTS)
		otg->value[VF_OTG_GINTSTS / 4] &= ~(value & CLEARED);
	else if (offset == VF_OTG_GOTGINT)
		otg->value[VF_OTG_GOTGINT / 4] &= ~value;
	else if (offset == VF_OTG_GUSBCFG)
		write_usb(otg, value);
	else if (offset == VF_OTG_GRSTCTL)
		write_reset(otg, value);
	else if (offset == VF_OTG_DCFG)
		write_configuration(otg, value);
	else if (offset == VF_OTG_DCTL)
		write_control(otg, value);
	else
		(void)vf_h7_store(&otg->unit, offset, 4, value);
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_otg *otg = state;

	if (!allowed(otg, offset, size, true))
		return;
	if (is_endpoint(offset))
		vf_h7_otg_endpoint_write(otg, offset, value);
	else if (offset < VF_OTG_FIFO)
		write_plain(otg, offset, value);
	else
		vf_h7_otg_fifo_write(otg, (offset - VF_OTG_FIFO) >> 12, value);
	vf_h7_otg_settle(otg);
}

/* --- the device ---------------------------------------------------------------------------------
 */

static uint64_t next(const void *state)
{
	return vf_h7_otg_disabling(state);
}

static void advance(void *state, uint64_t now_ns)
{
	vf_h7_otg *otg = state;

	vf_h7_otg_disabled(otg, now_ns);
	vf_h7_otg_settle(otg);
}

static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_otg *otg = state;

	(void)cause;
	clear(otg);
	otg->reset_ns = 0;
	otg->unreset = false;
	vf_h7_otg_settle(otg);
}

unsigned vf_h7_otg_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	static const struct {
		const char *name;
		uint32_t base;
		uint8_t irq, gate;
	} core[2] = {{"OTG1_HS", 0x40040000, 77, 25}, {"OTG2_FS", 0x40080000, 101, 27}};

	for (unsigned i = 0; i < 2; i++) {
		vf_h7_otg *otg = &soc->otg[i];

		otg->unit = (vf_h7_unit){.soc = soc,
					 .name = core[i].name,
					 .map = map,
					 .registers = sizeof map / sizeof *map,
					 .value = otg->value,
					 .gate = VF_H7_AHB1,
					 .gate_bit = core[i].gate};
		otg->number = (uint8_t)(i + 1);
		otg->irq = core[i].irq;
		otg->wired = vf_h7_usb_number(soc->config.board) == otg->number;
		device[i] = (vf_emu_device){.name = core[i].name,
					    .base = core[i].base,
					    .size = 0x40000,
					    .state = otg,
					    .read = read_register,
					    .write = write_register,
					    .next_ns = next,
					    .advance = advance,
					    .reset = reset};
	}
	return 2;
}
