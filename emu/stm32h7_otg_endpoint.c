/* stm32h7_otg_endpoint.c - the endpoint registers of an OTG core, its receive FIFO as
 * the firmware empties it and its transmit FIFOs as the firmware fills them.
 *
 * Fields: stm32h747xx.h (USB_OTG_DIEPCTL_*, USB_OTG_DOEPCTL_*, …). Sequences:
 * stm32h7xx_ll_usb.c (USB_EPStartXfer, USB_WritePacket, USB_ReadPacket, USB_EPStopXfer),
 * TinyUSB's dcd_dwc2.c. That XFRSIZ of an IN endpoint counts what is written and PKTCNT
 * what is sent: epin_write_tx_fifo there. When NAKSTS and EPENA change by themselves,
 * what has to be true before EPDIS, and the least sizes of FIFOs are unsourced (the
 * reference manual's programming model, from memory).
 */
#include "stm32h7.h"

#include <string.h>

enum {
	CTL = 0x00,
	INT = 0x08,
	TSIZ = 0x10,
	DMA = 0x14,
	TXFSTS = 0x18,
	DISABLE_NS = 500,
	LEAST_DEPTH = 16, /* words of any FIFO */
	SETUP_WORDS = 10, /* three SETUP packets and the end of their stage */
};

#define TYPE     (3u << 18)
#define TXFNUM   (15u << 22)
#define SNPM     (1u << 20)
#define TXFELVL  (1u << 7)
#define GONSTS   (1u << 3)
#define SHAPE    (VF_OTG_MPSIZ | VF_OTG_USBAEP | TYPE)
#define SETUP_OF (3u << 29) /* STUPCNT */

unsigned vf_h7_otg_packet(const vf_h7_otg *otg, bool in, unsigned n)
{
	static const uint8_t control[4] = {64, 32, 16, 8};

	if (n == 0) /* both directions have what the IN side says */
		return control[otg->in[0].ctl & 3];
	return (in ? otg->in[n].ctl : otg->out[n].ctl) & VF_OTG_MPSIZ;
}

static uint32_t shape(const vf_h7_otg *otg, unsigned n)
{
	return vf_otg_reg(otg, n == 0 ? VF_OTG_DIEPTXF0 : VF_OTG_DIEPTXF1 + 4 * (n - 1));
}

uint32_t vf_h7_otg_depth(const vf_h7_otg *otg, unsigned n)
{
	const uint32_t depth = shape(otg, n) >> 16;

	return depth < VF_H7_OTG_WORDS ? depth : VF_H7_OTG_WORDS;
}

static bool active(const vf_h7_otg *otg, bool in, unsigned n)
{
	return n == 0 || ((in ? otg->in[n].ctl : otg->out[n].ctl) & VF_OTG_USBAEP) != 0;
}

/* --- what has to be true before an endpoint is enabled --------------------------------- */

/* Areas of the FIFO memory must not meet. */
static bool overlaps(const vf_h7_otg *otg, unsigned n)
{
	const uint32_t start = shape(otg, n) & 0xFFFF, end = start + vf_h7_otg_depth(otg, n);

	if (end > VF_H7_OTG_WORDS || start < (vf_otg_reg(otg, VF_OTG_GRXFSIZ) & 0xFFFF))
		return true;
	for (unsigned i = 0; i < VF_H7_OTG_ENDPOINTS; i++) {
		const uint32_t other = shape(otg, i) & 0xFFFF;

		if (i != n && active(otg, true, i) && start < other + vf_h7_otg_depth(otg, i) &&
		    other < end)
			return true;
	}
	return false;
}

static void check_in(const vf_h7_otg *otg, unsigned n)
{
	const vf_h7_otg_in *in = &otg->in[n];
	const unsigned packet = vf_h7_otg_packet(otg, true, n);
	const uint32_t depth = vf_h7_otg_depth(otg, n);

	if (!active(otg, true, n) || packet == 0)
		vf_h7_stop(&otg->unit, "IN endpoint %u enabled before it was configured", n);
	else if ((in->ctl & TXFNUM) >> 22 != n)
		vf_h7_stop(&otg->unit, "IN endpoint %u uses FIFO %u; the model has FIFO n for n", n,
			   (unsigned)((in->ctl & TXFNUM) >> 22));
	else if (n != 0 && (in->ctl & TYPE) >> 18 < 2)
		vf_h7_stop(&otg->unit, "IN endpoint %u is neither bulk nor interrupt", n);
	else if (in->packets == 0 || in->packets * packet < in->unwritten)
		vf_h7_stop(&otg->unit, "IN endpoint %u enabled for %u bytes in %u packets", n,
			   (unsigned)in->unwritten, (unsigned)in->packets);
	else if (in->used != 0)
		vf_h7_stop(&otg->unit,
			   "IN endpoint %u enabled with %u words of an earlier transfer in its "
			   "FIFO (flush it)",
			   n, (unsigned)in->used);
	else if (depth < LEAST_DEPTH || depth * 4 < packet)
		vf_h7_stop(&otg->unit, "transmit FIFO %u has %u words for packets of %u bytes", n,
			   (unsigned)depth, packet);
	else if (overlaps(otg, n))
		vf_h7_stop(&otg->unit,
			   "transmit FIFO %u (%u words from %u) meets another or the end", n,
			   (unsigned)depth, (unsigned)(shape(otg, n) & 0xFFFF));
}

/* What the manual asks of the receive FIFO: SETUP packets of one control endpoint and
 * eight words more, the largest packet and its status, two words for each OUT endpoint,
 * one for the global NAK. */
static uint32_t least_receive(const vf_h7_otg *otg)
{
	uint32_t largest = 0, ends = 0;

	for (unsigned n = 0; n < VF_H7_OTG_ENDPOINTS; n++) {
		const uint32_t packet = vf_h7_otg_packet(otg, false, n);

		if (!active(otg, false, n))
			continue;
		ends++;
		largest = packet > largest ? packet : largest;
	}
	return 5 + 8 + (largest + 3) / 4 + 1 + 2 * ends + 1;
}

static void check_out(const vf_h7_otg *otg, unsigned n)
{
	const vf_h7_otg_out *out = &otg->out[n];
	const unsigned packet = vf_h7_otg_packet(otg, false, n);
	const uint32_t depth = vf_otg_reg(otg, VF_OTG_GRXFSIZ) & 0xFFFF;

	if (!active(otg, false, n) || packet == 0)
		vf_h7_stop(&otg->unit, "OUT endpoint %u enabled before it was configured", n);
	else if (n != 0 && (out->ctl & TYPE) >> 18 < 2)
		vf_h7_stop(&otg->unit, "OUT endpoint %u is neither bulk nor interrupt", n);
	else if (out->packets == 0 || out->size > out->packets * packet)
		vf_h7_stop(&otg->unit, "OUT endpoint %u enabled for %u bytes in %u packets", n,
			   (unsigned)out->size, (unsigned)out->packets);
	else if (depth < least_receive(otg) || depth > VF_H7_OTG_WORDS)
		vf_h7_stop(&otg->unit, "receive FIFO of %u words; these endpoints need %u to %u",
			   (unsigned)depth, (unsigned)least_receive(otg), VF_H7_OTG_WORDS);
}

/* --- control registers ---------------------------------------------------------------------- */

/* Bits that act at once: NAK and toggle. */
static uint32_t acted(uint32_t ctl, uint32_t value)
{
	if ((value & VF_OTG_CNAK) != 0)
		ctl &= ~VF_OTG_NAKSTS;
	if ((value & VF_OTG_SNAK) != 0)
		ctl |= VF_OTG_NAKSTS;
	if ((value & VF_OTG_SD0PID) != 0)
		ctl &= ~VF_OTG_DPID;
	if ((value & VF_OTG_SD1PID) != 0)
		ctl |= VF_OTG_DPID;
	return ctl;
}

/* What is kept of a written value; the stall of endpoint 0 only a SETUP takes back. */
static uint32_t kept(uint32_t ctl, uint32_t value, unsigned n, bool in)
{
	uint32_t mask = n == 0 ? 3u : SHAPE | VF_OTG_STALL;

	if (n == 0 && !in)
		mask = 0;
	mask |= in ? TXFNUM : SNPM;
	ctl = (ctl & ~mask) | (value & mask);
	if (n == 0)
		ctl |= VF_OTG_USBAEP | (value & VF_OTG_STALL);
	return acted(ctl, value);
}

static void check_shape(const vf_h7_otg *otg, uint32_t ctl, uint32_t value, const char *which,
			unsigned n)
{
	if (n != 0 && (ctl & VF_OTG_EPENA) != 0 && ((ctl ^ value) & SHAPE) != 0)
		vf_h7_stop(&otg->unit, "%s endpoint %u configured while it is enabled", which, n);
}

static void write_in(vf_h7_otg *otg, unsigned n, uint32_t value)
{
	vf_h7_otg_in *in = &otg->in[n];
	const bool was = (in->ctl & VF_OTG_EPENA) != 0;

	check_shape(otg, in->ctl, value, "IN", n);
	in->ctl = kept(in->ctl, value, n, true);
	if ((value & VF_OTG_SNAK) != 0)
		in->flags |= VF_OTG_INEPNE;
	else if ((value & VF_OTG_CNAK) != 0)
		in->flags &= ~VF_OTG_INEPNE;
	if ((value & VF_OTG_EPDIS) != 0 && was && in->off_ns == 0)
		in->off_ns = vf_h7_now(otg->unit.soc) + DISABLE_NS;
	if ((value & VF_OTG_EPENA) == 0 || was || (value & VF_OTG_EPDIS) != 0)
		return;
	check_in(otg, n);
	in->ctl |= VF_OTG_EPENA;
}

static void write_out(vf_h7_otg *otg, unsigned n, uint32_t value)
{
	vf_h7_otg_out *out = &otg->out[n];
	const bool was = (out->ctl & VF_OTG_EPENA) != 0;

	check_shape(otg, out->ctl, value, "OUT", n);
	out->ctl = kept(out->ctl, value, n, false);
	if ((value & VF_OTG_EPDIS) != 0 && was && out->off_ns == 0) {
		if (n == 0)
			vf_h7_stop(&otg->unit, "OUT endpoint 0 disabled, which the core does not "
					       "let be done (EPDIS)");
		else if ((vf_otg_reg(otg, VF_OTG_DCTL) & GONSTS) == 0)
			vf_h7_stop(&otg->unit,
				   "OUT endpoint %u disabled without the global OUT NAK in effect",
				   n);
		out->off_ns = vf_h7_now(otg->unit.soc) + DISABLE_NS;
	}
	if ((value & VF_OTG_EPENA) == 0 || was || (value & VF_OTG_EPDIS) != 0)
		return;
	check_out(otg, n);
	out->ctl |= VF_OTG_EPENA;
}

uint64_t vf_h7_otg_disabling(const vf_h7_otg *otg)
{
	uint64_t first = VF_EMU_NEVER;

	for (unsigned n = 0; n < VF_H7_OTG_ENDPOINTS; n++) {
		if (otg->in[n].off_ns != 0 && otg->in[n].off_ns < first)
			first = otg->in[n].off_ns;
		if (otg->out[n].off_ns != 0 && otg->out[n].off_ns < first)
			first = otg->out[n].off_ns;
	}
	return first;
}

void vf_h7_otg_disabled(vf_h7_otg *otg, uint64_t now_ns)
{
	for (unsigned n = 0; n < VF_H7_OTG_ENDPOINTS; n++) {
		vf_h7_otg_in *in = &otg->in[n];
		vf_h7_otg_out *out = &otg->out[n];

		if (in->off_ns != 0 && in->off_ns <= now_ns) {
			in->off_ns = 0;
			in->ctl &= ~VF_OTG_EPENA;
			in->flags |= VF_OTG_EPDISD;
		}
		if (out->off_ns != 0 && out->off_ns <= now_ns) {
			out->off_ns = 0;
			out->ctl = (out->ctl & ~VF_OTG_EPENA) | VF_OTG_NAKSTS;
			out->flags |= VF_OTG_EPDISD;
		}
	}
}

/* --- sizes ---------------------------------------------------------------------------------- */

static void size_in(vf_h7_otg *otg, unsigned n, uint32_t value)
{
	vf_h7_otg_in *in = &otg->in[n];

	if ((in->ctl & VF_OTG_EPENA) != 0) {
		vf_h7_stop(&otg->unit, "DIEPTSIZ%u written while the endpoint is enabled", n);
		return;
	}
	in->unwritten = in->unsent = value & (n == 0 ? 0x7F : VF_OTG_XFRSIZ);
	in->packets = value >> 19 & (n == 0 ? 3 : VF_OTG_PKTCNT);
	in->rest = 0;
}

static void size_out(vf_h7_otg *otg, unsigned n, uint32_t value)
{
	vf_h7_otg_out *out = &otg->out[n];
	const uint32_t size = value & (n == 0 ? 0x7F : VF_OTG_XFRSIZ);
	const uint32_t packets = value >> 19 & (n == 0 ? 1 : VF_OTG_PKTCNT);

	out->setups = n == 0 ? value >> 29 & 3 : 0;
	if ((out->ctl & VF_OTG_EPENA) != 0 && (size != out->size || packets != out->packets)) {
		vf_h7_stop(&otg->unit, "DOEPTSIZ%u written while the endpoint is enabled%s", n,
			   out->ended ? " (the end of its transfer waits in the receive FIFO)"
				      : "");
		return;
	}
	out->size = size;
	out->packets = packets;
}

uint32_t vf_h7_otg_in_flags(const vf_h7_otg *otg, unsigned n)
{
	const vf_h7_otg_in *in = &otg->in[n];
	const bool whole = (vf_otg_reg(otg, VF_OTG_GAHBCFG) & TXFELVL) != 0;
	const bool empty = in->used <= (whole ? 0 : vf_h7_otg_depth(otg, n) / 2);

	return in->flags | (empty ? VF_OTG_TXFE : 0);
}

/* --- accesses ------------------------------------------------------------------------------ */

static uint32_t read_in(const vf_h7_otg *otg, unsigned n, uint32_t which)
{
	const vf_h7_otg_in *in = &otg->in[n];

	switch (which) {
	case CTL:
		return in->ctl;
	case INT:
		return vf_h7_otg_in_flags(otg, n);
	case TSIZ:
		return in->unwritten | in->packets << 19;
	case TXFSTS:
		return vf_h7_otg_depth(otg, n) - in->used;
	default:
		return 0;
	}
}

static uint32_t read_out(const vf_h7_otg *otg, unsigned n, uint32_t which)
{
	const vf_h7_otg_out *out = &otg->out[n];

	switch (which) {
	case CTL:
		return n == 0 ? out->ctl | (otg->in[0].ctl & 3) : out->ctl;
	case INT:
		return out->flags;
	case TSIZ:
		return out->size | out->packets << 19 | out->setups << 29;
	default:
		return 0;
	}
}

uint32_t vf_h7_otg_endpoint_read(vf_h7_otg *otg, uint32_t offset)
{
	const bool in = offset < VF_OTG_OUT;
	const unsigned n = (offset - (in ? VF_OTG_IN : VF_OTG_OUT)) / 0x20;

	if (n >= VF_H7_OTG_ENDPOINTS)
		return 0;
	return in ? read_in(otg, n, offset & 0x1F) : read_out(otg, n, offset & 0x1F);
}

/* ST's driver clears flags of endpoints that the core has not. */
static void write_beyond(vf_h7_otg *otg, unsigned n, uint32_t which, uint32_t value)
{
	if (which != INT && value != 0)
		vf_h7_stop(&otg->unit, "endpoint %u used, where the core has 0 to %d", n,
			   VF_H7_OTG_ENDPOINTS - 1);
}

void vf_h7_otg_endpoint_write(vf_h7_otg *otg, uint32_t offset, uint32_t value)
{
	const bool in = offset < VF_OTG_OUT;
	const unsigned n = (offset - (in ? VF_OTG_IN : VF_OTG_OUT)) / 0x20;
	const uint32_t which = offset & 0x1F;

	if (n >= VF_H7_OTG_ENDPOINTS)
		write_beyond(otg, n, which, value);
	else if (which == CTL && in)
		write_in(otg, n, value);
	else if (which == CTL)
		write_out(otg, n, value);
	else if (which == INT && in)
		otg->in[n].flags &= ~value;
	else if (which == INT)
		otg->out[n].flags &= ~value;
	else if (which == TSIZ && in)
		size_in(otg, n, value);
	else if (which == TSIZ)
		size_out(otg, n, value);
	else if (which != DMA)
		vf_h7_stop(&otg->unit, "write of offset %03Xh, where the model has no register",
			   (unsigned)offset);
}

void vf_h7_otg_endpoint_reset(vf_h7_otg *otg)
{
	memset(otg->in, 0, sizeof otg->in);
	memset(otg->out, 0, sizeof otg->out);
	otg->in[0].ctl = otg->out[0].ctl = VF_OTG_USBAEP;
	vf_h7_otg_flush_rx(otg);
}

/* --- the receive FIFO ------------------------------------------------------------------------- */

static uint32_t take(vf_h7_otg *otg)
{
	const uint32_t word = otg->rx[otg->rx_head];

	otg->rx_head = (otg->rx_head + 1) % VF_H7_OTG_WORDS;
	otg->rx_used--;
	return word;
}

/* Reading a status word is what raises the flags that belong to it. */
uint32_t vf_h7_otg_pop(vf_h7_otg *otg)
{
	uint32_t word;
	vf_h7_otg_out *out;

	if (otg->rx_rest != 0)
		vf_h7_stop(&otg->unit, "GRXSTSP read with %u words of the last packet unread",
			   (unsigned)otg->rx_rest);
	for (; otg->rx_rest != 0; otg->rx_rest--)
		(void)take(otg);
	word = take(otg);
	out = &otg->out[word & 15];
	switch (word >> 17 & 15) {
	case VF_OTG_GLOBAL_NAK:
		otg->value[VF_OTG_DCTL / 4] |= GONSTS;
		break;
	case VF_OTG_OUT_COMPLETE:
		out->ended = false;
		out->ctl &= ~VF_OTG_EPENA;
		out->flags |= VF_OTG_XFRC;
		break;
	case VF_OTG_SETUP_COMPLETE:
		out->ctl &= ~VF_OTG_EPENA;
		out->flags |= VF_OTG_STUP;
		otg->rx_setup -= otg->rx_setup != 0 ? 1 : 0;
		break;
	case VF_OTG_SETUP_DATA:
		out->flags |= VF_OTG_STPKTRX;
		otg->rx_setup -= otg->rx_setup >= 3 ? 3 : otg->rx_setup;
		otg->rx_rest = 2;
		break;
	default:
		otg->rx_rest = ((word >> 4 & 0x7FF) + 3) / 4;
		break;
	}
	return word;
}

uint32_t vf_h7_otg_fifo_read(vf_h7_otg *otg)
{
	if (otg->rx_rest == 0) {
		vf_h7_stop(&otg->unit, "receive FIFO read past the packet that GRXSTSP announced");
		return 0;
	}
	otg->rx_rest--;
	return take(otg);
}

bool vf_h7_otg_push(vf_h7_otg *otg, unsigned kind, unsigned endpoint, unsigned pid,
		    const uint8_t *data, size_t len)
{
	const bool setup = kind == VF_OTG_SETUP_DATA || kind == VF_OTG_SETUP_COMPLETE;
	const uint32_t all = vf_otg_reg(otg, VF_OTG_GRXFSIZ) & 0xFFFF;
	const uint32_t words = 1 + (uint32_t)(len + 3) / 4;
	uint32_t room = all < VF_H7_OTG_WORDS ? all : VF_H7_OTG_WORDS, need = words;
	uint32_t at = otg->rx_head + otg->rx_used;

	/* Other packets leave what SETUP needs, and data leaves a word for its end. */
	if (kind == VF_OTG_OUT_DATA) {
		const uint32_t spare =
			otg->rx_setup < SETUP_WORDS ? SETUP_WORDS - otg->rx_setup : 0;

		room = room > spare ? room - spare : 0;
		need++;
	}
	if (otg->rx_used + need > room)
		return false;
	otg->rx[at++ % VF_H7_OTG_WORDS] = endpoint | (uint32_t)len << 4 |
					  (uint32_t)(pid != 0 ? 2 : 0) << 15 | kind << 17 |
					  (vf_otg_reg(otg, VF_OTG_DSTS) >> 8 & 15) << 21;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t word = 0;

		memcpy(&word, data + i, len - i < 4 ? len - i : 4);
		otg->rx[at++ % VF_H7_OTG_WORDS] = word;
	}
	otg->rx_used += words;
	otg->rx_setup += setup ? words : 0;
	return true;
}

/* What an OUT endpoint received and the firmware had not read is lost, its end too. */
void vf_h7_otg_flush_rx(vf_h7_otg *otg)
{
	otg->rx_head = otg->rx_used = otg->rx_rest = otg->rx_setup = 0;
}

/* --- the transmit FIFOs ----------------------------------------------------------------------- */

void vf_h7_otg_fifo_write(vf_h7_otg *otg, unsigned n, uint32_t value)
{
	vf_h7_otg_in *in = n < VF_H7_OTG_ENDPOINTS ? &otg->in[n] : NULL;
	uint32_t len;

	/* The bus was reset meanwhile, which nobody has served yet: it is for nobody. */
	if (in != NULL && (in->ctl & VF_OTG_EPENA) == 0 &&
	    (otg->value[VF_OTG_GINTSTS / 4] & VF_OTG_USBRST) != 0)
		return;
	if (in == NULL || (in->ctl & VF_OTG_EPENA) == 0) {
		vf_h7_stop(&otg->unit, "transmit FIFO %u written while its endpoint is not enabled",
			   n);
		return;
	}
	len = vf_h7_otg_packet(otg, true, n);
	len = len < in->unwritten ? len : in->unwritten;
	if (len == 0) {
		vf_h7_stop(&otg->unit, "transmit FIFO %u written past the transfer's length", n);
		return;
	}
	if (in->used >= vf_h7_otg_depth(otg, n)) {
		vf_h7_stop(&otg->unit, "transmit FIFO %u overflows (look at DTXFSTS)", n);
		return;
	}
	if (in->rest == 0)
		in->rest = (len + 3) / 4;
	in->fifo[(in->head + in->used++) % VF_H7_OTG_WORDS] = value;
	if (--in->rest == 0)
		in->unwritten -= len;
}

void vf_h7_otg_flush_tx(vf_h7_otg *otg, unsigned number)
{
	for (unsigned n = 0; n < VF_H7_OTG_ENDPOINTS; n++) {
		vf_h7_otg_in *in = &otg->in[n];

		if (number != n && number != 16)
			continue;
		if (in->used != 0 && (in->ctl & (VF_OTG_EPENA | VF_OTG_NAKSTS)) == VF_OTG_EPENA)
			vf_h7_stop(&otg->unit,
				   "transmit FIFO %u flushed while the core may be sending from it",
				   n);
		in->head = in->used = in->rest = 0;
		in->unsent = in->unwritten;
	}
}
