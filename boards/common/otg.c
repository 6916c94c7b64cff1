/* The DesignWare USB core in device mode, moved by its receive FIFO.
 *
 * Everything that came is an entry in one FIFO, in the order of the bus: set-up packets,
 * data of endpoints 0 and 1, the ends of transfers. Entries are dealt with in that order
 * where they are popped, so neither a late interrupt nor a set-up packet in the middle of
 * a transfer can confuse what belongs to what, and the OUT endpoints need no interrupt of
 * their own. The order of register accesses is that of RM0399, "OTG_HS device programming
 * model"; where it leaves a choice, of what ST's driver (stm32h7xx_ll_usb.c) and TinyUSB
 * (dcd_dwc2.c) agree in.
 *
 * Every wait for the core has an end: without the PHY's clock, which stops when the bus is
 * suspended, it answers some requests never.
 */
#include "otg.h"

#include <string.h>

#include "cortexm.h"
#include "otg_registers.h"

/* The FIFO's RAM in words of four bytes: received data (four packets of 512 and what goes
 * with them; set-up packets 13, RM0399 "Data FIFO"), then what is to be sent. */
enum { RX_WORDS = 544, TX0_WORDS = 16, TX1_WORDS = 448, TX2_WORDS = 16 };

enum { IN_1 = 1, OUT_1 = 1, IN_2 = 2, ALL_OUT = 0x10000, STALE_US = 1000000, PATIENCE = 20000 };

static volatile uint32_t *reg(const otg *o, uint32_t offset)
{
	return vf_reg(o->config.base + offset);
}

static volatile uint32_t *of(const otg *o, uint32_t offset, unsigned endpoint)
{
	return reg(o, offset + ENDPOINT * endpoint);
}

static void change(volatile uint32_t *r, uint32_t clear, uint32_t set)
{
	*r = (*r & ~clear) | set;
}

/* Changes an endpoint's control register, of whose acting bits only those in `set` act. */
static void control(volatile uint32_t *r, uint32_t clear, uint32_t set)
{
	change(r, clear | EPCTL_ACTS, set);
}

static bool await(volatile uint32_t *r, uint32_t bits, uint32_t value)
{
	for (unsigned i = 0; i < PATIENCE; i++) {
		if ((*r & bits) == value)
			return true;
	}
	return false;
}

/* --- FIFOs ---------------------------------------------------------------------- */

static void flush_sent(otg *o, uint32_t fifo)
{
	*reg(o, GRSTCTL) = GRSTCTL_TXFFLSH | fifo << GRSTCTL_TXFNUM_POS;
	(void)await(reg(o, GRSTCTL), GRSTCTL_TXFFLSH, 0);
}

static void flush_received(otg *o)
{
	*reg(o, GRSTCTL) = GRSTCTL_RXFFLSH;
	(void)await(reg(o, GRSTCTL), GRSTCTL_RXFFLSH, 0);
}

static void divide_ram(otg *o)
{
	*reg(o, GRXFSIZ) = RX_WORDS;
	*reg(o, DIEPTXF0) = (uint32_t)TX0_WORDS << 16 | RX_WORDS;
	*reg(o, DIEPTXF1) = (uint32_t)TX1_WORDS << 16 | (RX_WORDS + TX0_WORDS);
	*reg(o, DIEPTXF2) = (uint32_t)TX2_WORDS << 16 | (RX_WORDS + TX0_WORDS + TX1_WORDS);
}

static void push(otg *o, unsigned endpoint, const uint8_t *data, size_t len)
{
	volatile uint32_t *fifo = reg(o, FIFO + FIFO_STEP * endpoint);
	uint32_t word = 0;

	for (; len >= sizeof word; len -= sizeof word, data += sizeof word) {
		memcpy(&word, data, sizeof word);
		*fifo = word;
	}
	if (len != 0) {
		word = 0;
		memcpy(&word, data, len);
		*fifo = word;
	}
}

/* Reads `len` bytes, in whole words; what does not fit into `room` words is read and lost. */
static void pull(otg *o, uint32_t *to, size_t room, size_t len)
{
	volatile uint32_t *fifo = reg(o, FIFO);
	size_t words = (len + 3) / 4, kept = words < room ? words : room;

	for (size_t i = 0; i < kept; i++)
		to[i] = *fifo;
	for (size_t i = kept; i < words; i++)
		(void)*fifo;
}

/* --- bulk, to the board ------------------------------------------------------------ */

/* Accepts as many packets as there is room for. Not while it does so already: it is only
 * the end of a transfer that tells how much has come. */
static void arm(otg *o)
{
	uint32_t size = vf_usb_bulk_size(&o->usb);
	size_t space = o->config.space(o->config.self);
	uint32_t packets = (uint32_t)(space < OTG_AHEAD ? space : OTG_AHEAD) / size;

	if (!o->open || o->armed || packets == 0)
		return;
	o->armed = true;
	*of(o, DOEPTSIZ, OUT_1) = packets << EPTSIZ_PKTCNT_POS | packets * size;
	control(of(o, DOEPCTL, OUT_1), 0, EPCTL_CNAK | EPCTL_EPENA);
}

static void take_bulk(otg *o, size_t len)
{
	uint32_t packet[VF_USB_BULK_HIGH / 4];

	pull(o, packet, sizeof packet / sizeof *packet, len);
	if (len != 0 && len <= sizeof packet)
		o->config.take(o->config.self, (const uint8_t *)packet, len);
}

/* --- bulk, to the host --------------------------------------------------------------- */

/* As many whole packets as the FIFO has room for. */
static void fill(otg *o)
{
	otg_sender *s = &o->in;
	uint32_t size = vf_usb_bulk_size(&o->usb);

	while (s->left != 0) {
		size_t n = s->left < size ? s->left : size;

		if ((*of(o, DTXFSTS, IN_1) & 0xFFFF) * 4 < n)
			return;
		push(o, IN_1, s->data, n);
		s->data += n;
		s->left -= n;
		s->moves++;
	}
	change(reg(o, DIEPEMPMSK), OTG_BIT(IN_1), 0);
}

static void begin(otg *o, size_t len)
{
	uint32_t size = vf_usb_bulk_size(&o->usb);
	uint32_t packets = len == 0 ? 1 : (uint32_t)((len + size - 1) / size);

	*of(o, DIEPTSIZ, IN_1) = packets << EPTSIZ_PKTCNT_POS | (uint32_t)len;
	control(of(o, DIEPCTL, IN_1), 0, EPCTL_CNAK | EPCTL_EPENA);
	if (len != 0)
		change(reg(o, DIEPEMPMSK), 0, OTG_BIT(IN_1));
}

/* A transfer ends for the host with a packet that is not full [USB 2.0, 5.8.3]. */
static void bulk_sent(otg *o)
{
	otg_sender *s = &o->in;

	s->moves++;
	if (!s->pad) {
		s->busy = false;
		return;
	}
	s->pad = false;
	begin(o, 0);
}

/* Takes an IN endpoint out of what it was sending. */
static void cancel(otg *o, unsigned endpoint)
{
	volatile uint32_t *ctl = of(o, DIEPCTL, endpoint);

	if ((*ctl & EPCTL_EPENA) != 0) {
		control(ctl, 0, EPCTL_SNAK);
		(void)await(of(o, DIEPINT, endpoint), EPINT_INEPNE, EPINT_INEPNE);
		control(ctl, 0, EPCTL_SNAK | EPCTL_EPDIS);
		(void)await(of(o, DIEPINT, endpoint), EPINT_EPDISD, EPINT_EPDISD);
	}
	*of(o, DIEPINT, endpoint) = EPINT_ALL;
	flush_sent(o, endpoint);
}

static void give_up(otg *o)
{
	otg_sender *s = &o->in;

	change(reg(o, DIEPEMPMSK), OTG_BIT(IN_1), 0);
	s->left = 0;
	s->pad = false;
	s->flush = o->suspended; /* without a clock it cannot be done now */
	if (!s->flush)
		cancel(o, IN_1);
	s->busy = false;
}

void otg_send(otg *o, const uint8_t *data, size_t len)
{
	otg_sender *s = &o->in;

	vf_irq_off();
	if (o->open && !o->suspended && len != 0) {
		if (s->flush)
			give_up(o);
		s->data = data;
		s->left = len;
		s->pad = len % vf_usb_bulk_size(&o->usb) == 0;
		s->busy = true;
		s->since_us = vf_clock_us();
		s->seen_moves = s->moves;
		begin(o, len);
	}
	vf_irq_on();
}

bool otg_sending(const otg *o)
{
	return o->in.busy;
}

static bool stuck(otg *o)
{
	otg_sender *s = &o->in;
	uint32_t now = vf_clock_us();

	if (s->moves != s->seen_moves) {
		s->seen_moves = s->moves;
		s->since_us = now;
	}
	return s->busy && now - s->since_us >= STALE_US;
}

void otg_poll(otg *o)
{
	bool late = stuck(o);

	if (!late && (!o->open || o->armed))
		return;
	vf_irq_off();
	if (late && o->in.busy)
		give_up(o);
	arm(o);
	vf_irq_on();
}

/* --- opening and closing ----------------------------------------------------------------- */

static void pop(otg *o);

/* An OUT endpoint stops only while all of them do; and that they do is an entry in the FIFO,
 * behind the packets that came before. */
static void stop_out(otg *o)
{
	volatile uint32_t *ctl = of(o, DOEPCTL, OUT_1);

	o->armed = false;
	if ((*ctl & EPCTL_EPENA) == 0)
		return;
	change(reg(o, DCTL), 0, DCTL_SGONAK);
	for (unsigned i = 0; i < PATIENCE && (*reg(o, GINTSTS) & GINT_GONAKEFF) == 0; i++) {
		if ((*reg(o, GINTSTS) & GINT_RXFLVL) != 0)
			pop(o);
	}
	control(ctl, 0, EPCTL_SNAK | EPCTL_EPDIS);
	(void)await(of(o, DOEPINT, OUT_1), EPINT_EPDISD, EPINT_EPDISD);
	*of(o, DOEPINT, OUT_1) = EPINT_ALL;
	change(reg(o, DCTL), 0, DCTL_CGONAK);
	o->armed = false;
}

static void close_port(otg *o)
{
	bool was = o->open;

	o->open = false;
	stop_out(o);
	give_up(o);
	cancel(o, IN_2);
	control(of(o, DOEPCTL, OUT_1), EPCTL_USBAEP | EPCTL_STALL, 0);
	control(of(o, DIEPCTL, IN_1), EPCTL_USBAEP | EPCTL_STALL, 0);
	control(of(o, DIEPCTL, IN_2), EPCTL_USBAEP | EPCTL_STALL, 0);
	*reg(o, DAINTMSK) = ALL_OUT | 1;
	if (was)
		o->config.gone(o->config.self);
}

static uint32_t shape(uint32_t size, uint32_t type, uint32_t fifo)
{
	return size | EPCTL_USBAEP | type << EPCTL_TYPE_POS | fifo << EPCTL_TXFNUM_POS |
	       EPCTL_SD0PID;
}

static void open_port(otg *o)
{
	uint32_t size = vf_usb_bulk_size(&o->usb);
	uint8_t notice[VF_USB_NOTICE];

	*of(o, DOEPCTL, OUT_1) = shape(size, EPCTL_BULK, 0);
	*of(o, DIEPCTL, IN_1) = shape(size, EPCTL_BULK, IN_1);
	*of(o, DIEPCTL, IN_2) = shape(VF_USB_NOTICE_PACKET, EPCTL_INTERRUPT, IN_2);
	*reg(o, DAINTMSK) = ALL_OUT | 1 | OTG_BIT(IN_1) | OTG_BIT(IN_2);
	o->open = true;
	arm(o);
	vf_usb_notice(notice);
	*of(o, DIEPTSIZ, IN_2) = (uint32_t)1 << EPTSIZ_PKTCNT_POS | sizeof notice;
	control(of(o, DIEPCTL, IN_2), 0, EPCTL_CNAK | EPCTL_EPENA);
	push(o, IN_2, notice, sizeof notice);
}

/* --- endpoint 0 ---------------------------------------------------------------------- */

static void halt(otg *o, uint8_t set)
{
	if ((set & VF_USB_SET_OUT) != 0)
		control(of(o, DOEPCTL, OUT_1), 0, EPCTL_STALL);
	if ((set & VF_USB_SET_IN) != 0)
		control(of(o, DIEPCTL, IN_1), 0, EPCTL_STALL);
	if ((set & VF_USB_SET_NOTIFY) != 0)
		control(of(o, DIEPCTL, IN_2), 0, EPCTL_STALL);
}

static void resume(otg *o, uint8_t set)
{
	if ((set & VF_USB_SET_OUT) != 0)
		control(of(o, DOEPCTL, OUT_1), EPCTL_STALL, EPCTL_SD0PID);
	if ((set & VF_USB_SET_IN) != 0)
		control(of(o, DIEPCTL, IN_1), EPCTL_STALL, EPCTL_SD0PID);
	if ((set & VF_USB_SET_NOTIFY) != 0)
		control(of(o, DIEPCTL, IN_2), EPCTL_STALL, EPCTL_SD0PID);
}

/* A program that closed the port reads no more: what waits for it is void. */
static void lines_changed(otg *o)
{
	if ((o->usb.lines & 1) != 0)
		return;
	if (o->in.busy)
		give_up(o);
	o->config.gone(o->config.self);
}

static void obey(otg *o, const vf_usb_step *s)
{
	if ((s->orders & VF_USB_ORDER_ADDRESS) != 0)
		change(reg(o, DCFG), DCFG_DAD, (uint32_t)o->usb.address << DCFG_DAD_POS);
	if ((s->orders & VF_USB_ORDER_CLOSE) != 0)
		close_port(o);
	if ((s->orders & VF_USB_ORDER_OPEN) != 0)
		open_port(o);
	if ((s->orders & VF_USB_ORDER_HALT) != 0)
		halt(o, s->halt);
	if ((s->orders & VF_USB_ORDER_RESUME) != 0)
		resume(o, s->resume);
	if ((s->orders & VF_USB_ORDER_LINES) != 0)
		lines_changed(o);
	if ((s->orders & VF_USB_ORDER_TEST) != 0)
		change(reg(o, DCTL), DCTL_TCTL, (uint32_t)s->test << DCTL_TCTL_POS);
}

static void act(otg *o, vf_usb_step s)
{
	obey(o, &s);
	switch (s.what) {
	case VF_USB_STALL:
		control(of(o, DIEPCTL, 0), 0, EPCTL_STALL);
		control(of(o, DOEPCTL, 0), 0, EPCTL_STALL);
		break;
	case VF_USB_SEND:
		*of(o, DIEPTSIZ, 0) = (uint32_t)1 << EPTSIZ_PKTCNT_POS | s.len;
		control(of(o, DIEPCTL, 0), 0, EPCTL_CNAK | EPCTL_EPENA);
		push(o, 0, s.data, s.len);
		break;
	case VF_USB_RECEIVE:
		*of(o, DOEPTSIZ, 0) =
			EPTSIZ_STUPCNT | (uint32_t)1 << EPTSIZ_PKTCNT_POS | VF_USB_PACKET_0;
		control(of(o, DOEPCTL, 0), 0, EPCTL_CNAK | EPCTL_EPENA);
		break;
	default:
		break;
	}
}

static void in_endpoint(otg *o, unsigned endpoint)
{
	uint32_t said = *of(o, DIEPINT, endpoint);

	*of(o, DIEPINT, endpoint) = said & EPINT_XFRC;
	if ((said & EPINT_XFRC) != 0) {
		if (endpoint == 0)
			act(o, vf_usb_sent(&o->usb));
		else if (endpoint == IN_1)
			bulk_sent(o);
	}
	if (endpoint == IN_1 && (said & EPINT_TXFE) != 0 &&
	    (*reg(o, DIEPEMPMSK) & OTG_BIT(IN_1)) != 0)
		fill(o);
}

/* What endpoint 0 sent last may have been taken without an interrupt yet: it came first. */
static void take_setup(otg *o)
{
	o->setup_came = false;
	o->control_came = false;
	in_endpoint(o, 0);
	if ((*of(o, DIEPCTL, 0) & EPCTL_EPENA) != 0)
		cancel(o, 0);
	act(o, vf_usb_setup(&o->usb, o->setup));
}

/* --- the receive FIFO -------------------------------------------------------------------- */

static void take_control(otg *o, size_t len)
{
	uint32_t packet[VF_USB_PACKET_0 / 4];

	pull(o, packet, sizeof packet / sizeof *packet, len);
	o->control_came = true;
	o->control_len = (uint8_t)(len < sizeof packet ? len : sizeof packet);
	memcpy(o->control, packet, o->control_len);
}

/* The end of a transfer on endpoint 0 counts only after a packet: this core reports some
 * that are the ends of stages. */
static void out_done(otg *o, unsigned endpoint)
{
	*of(o, DOEPINT, endpoint) = EPINT_ALL;
	if (endpoint == OUT_1) {
		o->armed = false;
		arm(o);
	} else if (o->control_came) {
		o->control_came = false;
		act(o, vf_usb_received(&o->usb, o->control, o->control_len));
	}
}

static void pop(otg *o)
{
	uint32_t status = *reg(o, GRXSTSP), packet[2];
	unsigned endpoint = RX_ENDPOINT(status);

	switch (RX_KIND(status)) {
	case RX_SETUP:
		pull(o, packet, 2, RX_BYTES(status));
		memcpy(o->setup, packet, sizeof o->setup);
		break;
	case RX_SETUP_DONE:
		*of(o, DOEPINT, 0) = EPINT_ALL;
		*of(o, DOEPTSIZ, 0) = EPTSIZ_STUPCNT;
		o->setup_came = true;
		break;
	case RX_DATA:
		if (endpoint == OUT_1)
			take_bulk(o, RX_BYTES(status));
		else
			take_control(o, RX_BYTES(status));
		break;
	case RX_DONE:
		out_done(o, endpoint);
		break;
	default:
		break;
	}
}

/* The interrupt for it may not have come: without it nothing would be answered until the
 * next reset. What lies in the FIFO may have come before the bus fell asleep. */
static void awake(otg *o)
{
	if (o->suspended && (*reg(o, DSTS) & DSTS_SUSPSTS) == 0)
		o->suspended = false;
}

static void receive(otg *o)
{
	awake(o);
	while ((*reg(o, GINTSTS) & GINT_RXFLVL) != 0) {
		pop(o);
		while (o->setup_came)
			take_setup(o);
	}
}

/* --- the bus ---------------------------------------------------------------------------- */

/* A reset begins: as RM0399 has it under "Initialization on USB reset". */
static void bus_reset(otg *o)
{
	o->suspended = false;
	o->met = true;
	for (unsigned i = 0; i <= 1; i++)
		control(of(o, DOEPCTL, i), EPCTL_STALL, EPCTL_SNAK);
	close_port(o);
	cancel(o, 0);
	flush_sent(o, GRSTCTL_ALL_TX);
	flush_received(o);
	o->setup_came = false;
	o->control_came = false;
	divide_ram(o);
	change(reg(o, DCFG), DCFG_DAD, 0);
	*reg(o, DIEPMSK) = EPINT_XFRC;
	*of(o, DOEPTSIZ, 0) = EPTSIZ_STUPCNT;
}

/* It has ended, at a speed that is known. How long the core takes to turn the bus around is
 * in RM0399, "TRDT values": 6 of the PHY's clocks at full speed and more than 32 MHz of
 * bus clock; 9 with a PHY of eight bits, at high speed, and (as TinyUSB has it) at full
 * speed too, where ST's driver has 6. Packets on endpoint 0 have 64 bytes: 0 in its
 * register. */
static void bus_ready(otg *o)
{
	bool high = (*reg(o, DSTS) & DSTS_ENUMSPD) == 0;
	uint32_t turn = o->config.ulpi ? 9 : 6;

	change(reg(o, GUSBCFG), GUSBCFG_TRDT, turn << GUSBCFG_TRDT_POS);
	control(of(o, DIEPCTL, 0), 3, 0);
	vf_usb_reset(&o->usb, high);
}

static void leave(otg *o)
{
	o->suspended = true;
	o->config.gone(o->config.self);
}

static void bus_event(otg *o, uint32_t said)
{
	*reg(o, GINTSTS) = said & (GINT_USBRST | GINT_ENUMDNE | GINT_USBSUSP | GINT_WKUINT);
	if ((said & GINT_OTGINT) != 0) {
		uint32_t why = *reg(o, GOTGINT);

		*reg(o, GOTGINT) = why;
		if ((why & GOTGINT_SEDET) != 0)
			leave(o);
	}
	if ((said & GINT_USBSUSP) != 0)
		leave(o);
	if ((said & GINT_WKUINT) != 0)
		o->suspended = false;
	if ((said & GINT_USBRST) != 0)
		bus_reset(o);
	if ((said & GINT_ENUMDNE) != 0)
		bus_ready(o);
}

void otg_irq(otg *o)
{
	uint32_t said = *reg(o, GINTSTS) & *reg(o, GINTMSK);

	if ((said & ~(GINT_RXFLVL | GINT_IEPINT)) != 0)
		bus_event(o, said);
	if ((said & GINT_IEPINT) != 0) {
		uint32_t which = *reg(o, DAINT) & *reg(o, DAINTMSK);

		for (unsigned i = 0; i <= IN_2; i++) {
			if ((which & OTG_BIT(i)) != 0)
				in_endpoint(o, i);
		}
	}
	if ((said & GINT_RXFLVL) != 0)
		receive(o);
	vf_barrier(); /* or the interrupt comes again at once */
}

/* --- the core ----------------------------------------------------------------------------- */

static bool await_long(volatile uint32_t *r, uint32_t bits, uint32_t value)
{
	enum { LIMIT_US = 100000 };
	uint32_t since = vf_clock_us();

	while ((*r & bits) != value) {
		if (vf_clock_us() - since >= LIMIT_US)
			return false;
	}
	return true;
}

/* The core is reset after its PHY is chosen; and it takes up to 25 ms to be a device by
 * force (RM0399, FDMOD). */
static bool begin_core(otg *o)
{
	change(reg(o, GAHBCFG), GAHBCFG_GINTMSK, 0);
	if (o->config.ulpi) {
		change(reg(o, GCCFG), GCCFG_PWRDWN, 0);
		change(reg(o, GUSBCFG), GUSBCFG_PHYSEL | GUSBCFG_ULPI_ODD, 0);
	} else {
		change(reg(o, GUSBCFG), 0, GUSBCFG_PHYSEL);
	}
	if (!await_long(reg(o, GRSTCTL), GRSTCTL_AHBIDL, GRSTCTL_AHBIDL))
		return false;
	change(reg(o, GRSTCTL), 0, GRSTCTL_CSRST);
	if (!await_long(reg(o, GRSTCTL), GRSTCTL_CSRST, 0) ||
	    !await_long(reg(o, GRSTCTL), GRSTCTL_AHBIDL, GRSTCTL_AHBIDL))
		return false;
	if (!o->config.ulpi)
		change(reg(o, GCCFG), 0, GCCFG_PWRDWN);
	change(reg(o, GUSBCFG), GUSBCFG_FHMOD, GUSBCFG_FDMOD);
	return await_long(reg(o, GINTSTS), GINT_CMOD, 0);
}

/* The boards here do not sense the bus's supply; without a cable the bus is silent, which
 * the core takes for a suspension. */
static void begin_device(otg *o)
{
	change(reg(o, DCTL), 0, DCTL_SDIS);
	change(reg(o, GCCFG), GCCFG_VBDEN, 0);
	change(reg(o, GOTGCTL), 0, GOTGCTL_BVALOEN | GOTGCTL_BVALOVAL);
	*reg(o, PCGCCTL) = 0;
	change(reg(o, DCFG), DCFG_DSPD, o->config.ulpi ? 0 : DCFG_FULL);
	flush_sent(o, GRSTCTL_ALL_TX);
	flush_received(o);
	divide_ram(o);
	*reg(o, DIEPMSK) = EPINT_XFRC;
	*reg(o, DOEPMSK) = 0;
	*reg(o, DIEPEMPMSK) = 0;
	*reg(o, DAINTMSK) = ALL_OUT | 1;
	*reg(o, GOTGINT) = 0xFFFFFFFF;
	*reg(o, GINTSTS) = 0xFFFFFFFF;
	*reg(o, GINTMSK) = GINT_USBRST | GINT_ENUMDNE | GINT_USBSUSP | GINT_WKUINT | GINT_OTGINT |
			   GINT_RXFLVL | GINT_IEPINT;
	change(reg(o, GAHBCFG), 0, GAHBCFG_GINTMSK);
	change(reg(o, DCTL), DCTL_SDIS, 0);
}

bool otg_init(otg *o, const otg_config *config)
{
	memset(o, 0, sizeof *o);
	o->config = *config;
	vf_usb_init(&o->usb, &config->usb);
	if (!begin_core(o))
		return false;
	begin_device(o);
	return true;
}

void otg_stop(otg *o)
{
	vf_irq_off();
	change(reg(o, GAHBCFG), GAHBCFG_GINTMSK, 0);
	change(reg(o, DCTL), 0, DCTL_SDIS);
	o->open = false;
	o->in.busy = false;
	vf_irq_on();
}
