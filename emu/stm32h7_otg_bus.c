/* stm32h7_otg_bus.c - what an OTG core does with the packets of the host: tokens,
 * toggles, handshakes, resets, suspend.
 *
 * Behaviour: the Universal Serial Bus Specification 2.0, chapters 8 (handshakes, data
 * toggle, PING) and 7 (reset, suspend), and the flags that HAL_PCD_IRQHandler and
 * TinyUSB's dcd_dwc2.c wait for. That a reset of the bus takes EPENA away from all
 * endpoints is unsourced: ST's driver relies on it, TinyUSB's takes it away itself, so it
 * can be had either way (`usb_keeps`).
 */
#include "stm32h7.h"

#include <string.h>

#define GINSTS (1u << 2)
#define GONSTS (1u << 3)
#define SEDET  (1u << 2)
#define VBDEN  (1u << 21)
#define FNSOF  0x003FFF00u
#define ACTIVE 0x00008000u

/* --- the lines -------------------------------------------------------------------------- */

static void power(void *device, bool on)
{
	vf_h7_otg *otg = device;

	if (otg->vbus != on && (vf_otg_reg(otg, VF_OTG_GCCFG) & VBDEN) != 0) {
		if (on)
			otg->value[VF_OTG_GINTSTS / 4] |= VF_OTG_SRQINT;
		else
			otg->value[VF_OTG_GOTGINT / 4] |= SEDET;
	}
	otg->vbus = on;
	vf_h7_otg_settle(otg);
}

static bool attached(void *device)
{
	return vf_h7_otg_visible(device);
}

static void bus_reset(void *device)
{
	vf_h7_otg *otg = device;

	for (unsigned n = 0; n < VF_H7_OTG_ENDPOINTS; n++) {
		otg->in[n].off_ns = otg->out[n].off_ns = 0;
		if (otg->unit.soc->config.usb_keeps)
			continue;
		otg->in[n].ctl &= ~(VF_OTG_EPENA | (n != 0 ? ACTIVE : 0));
		otg->out[n].ctl &= ~(VF_OTG_EPENA | (n != 0 ? ACTIVE : 0));
		otg->out[n].ended = false;
	}
	if (otg->suspended)
		otg->value[VF_OTG_GINTSTS / 4] |= VF_OTG_RSTDET;
	otg->suspended = otg->setup_open = otg->transfer = false;
	otg->resets++;
	otg->value[VF_OTG_GINTSTS / 4] |= VF_OTG_USBRST;
	vf_h7_otg_settle(otg);
}

static bool reset_end(void *device, bool high)
{
	vf_h7_otg *otg = device;

	/* High speed: an external PHY, and DSPD does not say otherwise. */
	otg->high = high && otg->number == 1 && (vf_otg_reg(otg, VF_OTG_GUSBCFG) >> 6 & 1) == 0 &&
		    (vf_otg_reg(otg, VF_OTG_DCFG) & 3) == 0;
	otg->value[VF_OTG_GINTSTS / 4] |= VF_OTG_ENUMDNE;
	vf_h7_otg_settle(otg);
	return otg->high;
}

static void sof(void *device, uint32_t frame)
{
	vf_h7_otg *otg = device;
	uint32_t *status = &otg->value[VF_OTG_DSTS / 4];

	*status = (*status & ~FNSOF) | (frame << 8 & FNSOF);
	otg->value[VF_OTG_GINTSTS / 4] |= VF_OTG_SOF;
	vf_h7_otg_settle(otg);
}

static void suspend(void *device, bool on)
{
	vf_h7_otg *otg = device;

	if (on && !otg->suspended)
		otg->value[VF_OTG_GINTSTS / 4] |= VF_OTG_ESUSP | VF_OTG_USBSUSP;
	else if (!on && otg->suspended && !otg->unit.soc->config.usb_wake_lost)
		otg->value[VF_OTG_GINTSTS / 4] |= VF_OTG_WKUINT;
	otg->suspended = on;
	otg->wakes = otg->wakes && on;
	vf_h7_otg_settle(otg);
}

/* --- tokens --------------------------------------------------------------------------------- */

/* The core hears the token: its clock runs, it is not in a reset nobody has served. */
static bool hears(const vf_h7_otg *otg, unsigned address, unsigned endpoint)
{
	return endpoint < VF_H7_OTG_ENDPOINTS && otg->reset_ns == 0 && address == otg->address &&
	       (vf_otg_reg(otg, VF_OTG_PCGCCTL) & VF_OTG_STOPCLK) == 0 && vf_h7_otg_phy_clock(otg);
}

/* A token after SETUP closes that stage: its end goes into the receive FIFO. */
static void close_setup(vf_h7_otg *otg, unsigned endpoint)
{
	if (endpoint == 0 && otg->setup_open)
		otg->setup_open = !vf_h7_otg_push(otg, VF_OTG_SETUP_COMPLETE, 0, 0, NULL, 0);
}

/* SETUP cannot be refused, only missed: no room in the receive FIFO. */
static enum vf_usb_reply setup(void *device, unsigned address, unsigned endpoint,
			       const uint8_t packet[8])
{
	vf_h7_otg *otg = device;

	if (!hears(otg, address, endpoint) || endpoint != 0 ||
	    !vf_h7_otg_push(otg, VF_OTG_SETUP_DATA, 0, 0, packet, 8))
		return VF_USB_NONE;
	vf_h7_otg_timing_check(otg);
	otg->in[0].ctl = (otg->in[0].ctl & ~VF_OTG_STALL) | VF_OTG_NAKSTS | VF_OTG_DPID;
	otg->out[0].ctl = (otg->out[0].ctl & ~VF_OTG_STALL) | VF_OTG_NAKSTS | VF_OTG_DPID;
	if (otg->out[0].setups == 0)
		otg->out[0].flags |= VF_OTG_B2BSTUP;
	else
		otg->out[0].setups--;
	otg->setup_open = otg->transfer = true;
	otg->packets++;
	vf_h7_otg_settle(otg);
	return VF_USB_ACK;
}

static bool takes(const vf_h7_otg *otg, unsigned n)
{
	const vf_h7_otg_out *out = &otg->out[n];
	const uint32_t need = 2 + (vf_h7_otg_packet(otg, false, n) + 3) / 4;
	const uint32_t all = vf_otg_reg(otg, VF_OTG_GRXFSIZ) & 0xFFFF;

	return (out->ctl & (VF_OTG_EPENA | VF_OTG_NAKSTS)) == VF_OTG_EPENA && !out->ended &&
	       out->off_ns == 0 && (vf_otg_reg(otg, VF_OTG_DCTL) & GONSTS) == 0 &&
	       otg->rx_used + need + 10 - (otg->rx_setup < 10 ? otg->rx_setup : 10) <= all;
}

static enum vf_usb_reply refuse(vf_h7_otg *otg, unsigned n)
{
	otg->out[n].flags |= VF_OTG_NAK;
	vf_h7_otg_settle(otg);
	return VF_USB_NAK;
}

/* Table 8-6: halted comes first, then data that came before, then room for it. Data
 * before the endpoint was enabled: OTEPDIS, and a NAK. */
static enum vf_usb_reply guard_out(vf_h7_otg *otg, unsigned address, unsigned n, bool again)
{
	if (!hears(otg, address, n))
		return VF_USB_NONE;
	close_setup(otg, n);
	vf_h7_otg_settle(otg);
	if (n != 0 && (otg->out[n].ctl & VF_OTG_USBAEP) == 0)
		return VF_USB_NONE;
	if ((otg->out[n].ctl & VF_OTG_STALL) != 0)
		return VF_USB_STALL;
	if (again || takes(otg, n))
		return VF_USB_ACK;
	if ((otg->out[n].ctl & VF_OTG_EPENA) == 0)
		otg->out[n].flags |= VF_OTG_OTEPDIS;
	return refuse(otg, n);
}

static void taken(vf_h7_otg *otg, unsigned n, unsigned pid, const uint8_t *data, size_t len)
{
	vf_h7_otg_out *out = &otg->out[n];

	if (len > out->size)
		vf_h7_stop(&otg->unit,
			   "OUT endpoint %u gets a packet of %u bytes with %u left of its transfer "
			   "(XFRSIZ has to be a multiple of the packet)",
			   n, (unsigned)len, (unsigned)out->size);
	(void)vf_h7_otg_push(otg, VF_OTG_OUT_DATA, n, pid, data, len);
	out->ctl ^= VF_OTG_DPID;
	out->size -= len < out->size ? (uint32_t)len : out->size;
	out->packets--;
	otg->packets++;
	if (out->packets != 0 && len == vf_h7_otg_packet(otg, false, n))
		return;
	(void)vf_h7_otg_push(otg, VF_OTG_OUT_COMPLETE, n, pid, NULL, 0);
	out->ctl |= VF_OTG_NAKSTS;
	out->ended = true;
}

static enum vf_usb_reply out(void *device, unsigned address, unsigned n, unsigned pid,
			     const uint8_t *data, size_t len)
{
	vf_h7_otg *otg = device;
	const bool again =
		n < VF_H7_OTG_ENDPOINTS && pid != ((otg->out[n].ctl & VF_OTG_DPID) != 0 ? 1u : 0u);
	const enum vf_usb_reply first = guard_out(otg, address, n, again);

	if (first != VF_USB_ACK)
		return first;
	if (len > vf_h7_otg_packet(otg, false, n)) { /* babble: no handshake */
		otg->out[n].flags |= VF_OTG_BERR;
		vf_h7_otg_settle(otg);
		return VF_USB_NONE;
	}
	if (again) /* its handshake was lost */
		return VF_USB_ACK;
	taken(otg, n, pid, data, len);
	vf_h7_otg_settle(otg);
	return otg->high && !takes(otg, n) ? VF_USB_NYET : VF_USB_ACK;
}

static enum vf_usb_reply ping(void *device, unsigned address, unsigned n)
{
	return guard_out(device, address, n, false);
}

/* The packet at the head of the FIFO; false: it is not there as a whole. */
static bool ready(const vf_h7_otg *otg, unsigned n, size_t *len)
{
	const vf_h7_otg_in *in = &otg->in[n];
	const unsigned packet = vf_h7_otg_packet(otg, true, n);

	*len = in->unsent < packet ? in->unsent : packet;
	return in->packets != 0 && in->unsent - in->unwritten >= *len;
}

static enum vf_usb_reply in(void *device, unsigned address, unsigned n, uint8_t *data, size_t *len,
			    unsigned *pid)
{
	vf_h7_otg *otg = device;
	vf_h7_otg_in *in;

	if (!hears(otg, address, n))
		return VF_USB_NONE;
	close_setup(otg, n);
	vf_h7_otg_settle(otg);
	in = &otg->in[n];
	if (n != 0 && (in->ctl & VF_OTG_USBAEP) == 0)
		return VF_USB_NONE;
	if ((in->ctl & VF_OTG_STALL) != 0)
		return VF_USB_STALL;
	if ((in->ctl & (VF_OTG_EPENA | VF_OTG_NAKSTS)) != VF_OTG_EPENA || in->off_ns != 0 ||
	    (vf_otg_reg(otg, VF_OTG_DCTL) & GINSTS) != 0 || !ready(otg, n, len)) {
		in->flags |= VF_OTG_NAK | (in->used == 0 ? VF_OTG_ITTXFE : 0);
		vf_h7_otg_settle(otg);
		return VF_USB_NAK;
	}
	for (size_t i = 0; i < *len; i += 4)
		memcpy(data + i, &in->fifo[(in->head + i / 4) % VF_H7_OTG_WORDS],
		       *len - i < 4 ? *len - i : 4);
	*pid = (in->ctl & VF_OTG_DPID) != 0 ? 1 : 0;
	return VF_USB_ACK;
}

static void in_done(void *device, unsigned address, unsigned n, bool took)
{
	vf_h7_otg *otg = device;
	vf_h7_otg_in *in = &otg->in[n];
	size_t len;

	(void)address;
	(void)ready(otg, n, &len);
	if (!took) { /* it stays where it is */
		in->flags |= n == 0 ? VF_OTG_TOC : 0;
		vf_h7_otg_settle(otg);
		return;
	}
	in->head = (in->head + ((uint32_t)len + 3) / 4) % VF_H7_OTG_WORDS;
	in->used -= ((uint32_t)len + 3) / 4;
	in->unsent -= (uint32_t)len;
	in->ctl ^= VF_OTG_DPID;
	otg->packets++;
	if (n == 0) { /* a new address counts from the end of the status stage on */
		otg->transfer = false;
		otg->address = vf_otg_reg(otg, VF_OTG_DCFG) >> 4 & 127;
	}
	if (--in->packets == 0) {
		in->ctl &= ~VF_OTG_EPENA;
		in->flags |= VF_OTG_XFRC;
	}
	vf_h7_otg_settle(otg);
}

vf_usb_port vf_h7_otg_port(vf_h7_otg *otg)
{
	return (vf_usb_port){.device = otg,
			     .power = power,
			     .attached = attached,
			     .reset = bus_reset,
			     .reset_end = reset_end,
			     .sof = sof,
			     .suspend = suspend,
			     .setup = setup,
			     .out = out,
			     .ping = ping,
			     .in = in,
			     .in_done = in_done};
}
