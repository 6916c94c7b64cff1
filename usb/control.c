/* control.c - the stages of a control transfer [8.5.3]: setup, data, status.
 *
 *     setup ── no data ──────────────────────────> status IN ── sent ─> idle
 *       ├───── host wants data ─> data IN ─ all ─> status OUT ─ came ─> idle
 *       └───── host has data ───> data OUT ─ all ─> status IN
 *
 * A setup packet restarts it from anywhere. What does not fit is answered with STALL,
 * after which only a setup packet counts.
 */
#include "engine.h"

enum { IDLE, DATA_IN, DATA_OUT, STATUS_IN, STATUS_OUT };

void vf_usb_init(vf_usb *u, const vf_usb_config *config)
{
	static const uint8_t coding[VF_USB_CODING] = {0x00, 0xC2, 0x01, 0x00, 0, 0, 8};

	memset(u, 0, sizeof *u);
	u->config = *config;
	memcpy(u->coding, coding, sizeof coding);
}

void vf_usb_reset(vf_usb *u, bool high)
{
	u->state = VF_USB_DEFAULT;
	u->high = high;
	u->address = 0;
	u->halted = 0;
	u->lines = 0;
	u->stage = IDLE;
	u->test = 0;
}

uint16_t vf_usb_bulk_size(const vf_usb *u)
{
	return u->high ? VF_USB_BULK_HIGH : VF_USB_BULK_FULL;
}

/* Orders are given out once. That for a test waits until the status stage is over. */
static vf_usb_step step(vf_usb *u, enum vf_usb_what what)
{
	vf_usb_step s = {.what = what, .orders = u->orders, .halt = u->halt, .resume = u->resume};

	u->orders = 0;
	u->halt = 0;
	u->resume = 0;
	return s;
}

static vf_usb_step refuse(vf_usb *u)
{
	u->stage = IDLE;
	u->orders = 0;
	return step(u, VF_USB_STALL);
}

static vf_usb_step send_status(vf_usb *u)
{
	u->stage = STATUS_IN;
	vf_usb_step s = step(u, VF_USB_SEND);
	s.data = u->reply;
	return s;
}

static vf_usb_step send_packet(vf_usb *u)
{
	uint16_t left = (uint16_t)(u->len - u->at);

	u->stage = DATA_IN;
	u->in_flight = left < VF_USB_PACKET_0 ? left : VF_USB_PACKET_0;
	vf_usb_step s = step(u, VF_USB_SEND);
	s.data = u->reply + u->at;
	s.len = (uint8_t)u->in_flight;
	return s;
}

/* A reply that is shorter than what was asked for must end with a packet that is not
 * full, be it one of no bytes [5.5.3]. */
static vf_usb_step begin_reply(vf_usb *u, uint16_t wanted)
{
	u->at = 0;
	u->padded = u->len < wanted && u->len % VF_USB_PACKET_0 == 0;
	if (u->len > wanted)
		u->len = wanted;
	return send_packet(u);
}

static enum vf_u_outcome outcome(vf_usb *u, const vf_u_request *r)
{
	enum { TYPE = 0x60, STANDARD = 0x00, CLASS = 0x20 };

	if ((r->type & TYPE) == STANDARD)
		return vf_u_standard(u, r);
	return (r->type & TYPE) == CLASS ? vf_u_class(u, r) : VF_U_REFUSED;
}

vf_usb_step vf_usb_setup(vf_usb *u, const uint8_t packet[8])
{
	const vf_u_request r = {
		.type = packet[0],
		.code = packet[1],
		.value = (uint16_t)(packet[2] | packet[3] << 8),
		.index = (uint16_t)(packet[4] | packet[5] << 8),
		.length = (uint16_t)(packet[6] | packet[7] << 8),
	};

	u->stage = IDLE;
	u->len = 0;
	u->at = 0;
	u->test = 0;
	switch (outcome(u, &r)) {
	case VF_U_DONE:
		/* Without a data stage the status goes IN, whatever the request says [9.3.1]. */
		return r.length != 0 ? begin_reply(u, r.length) : send_status(u);
	case VF_U_EXPECTS:
		u->request = r.code;
		u->stage = DATA_OUT;
		return step(u, VF_USB_RECEIVE);
	default:
		return refuse(u);
	}
}

/* The driver's packets are at most VF_USB_PACKET_0 long, and a short one ends the stage. */
static vf_usb_step take_data(vf_usb *u, const uint8_t *data, size_t len)
{
	if (len > (size_t)(u->len - u->at))
		return refuse(u);
	if (len != 0)
		memcpy(u->reply + u->at, data, len);
	u->at = (uint16_t)(u->at + len);
	if (u->at < u->len)
		return len < VF_USB_PACKET_0 ? refuse(u) : step(u, VF_USB_RECEIVE);
	vf_u_class_data(u);
	return send_status(u);
}

/* A host may go on to the status stage before it took all data [8.5.3.1]. */
vf_usb_step vf_usb_received(vf_usb *u, const uint8_t *data, size_t len)
{
	if (u->stage == DATA_OUT)
		return take_data(u, data, len);
	if (u->stage != STATUS_OUT && u->stage != DATA_IN)
		return step(u, VF_USB_WAIT);
	if (len != 0)
		return refuse(u);
	u->stage = IDLE;
	return step(u, VF_USB_WAIT);
}

vf_usb_step vf_usb_sent(vf_usb *u)
{
	if (u->stage == STATUS_IN) {
		u->stage = IDLE;
		vf_usb_step s = step(u, VF_USB_WAIT);
		s.test = u->test;
		s.orders = u->test != 0 ? VF_USB_ORDER_TEST : 0;
		u->test = 0;
		return s;
	}
	if (u->stage != DATA_IN)
		return step(u, VF_USB_WAIT);
	u->at = (uint16_t)(u->at + u->in_flight);
	if (u->at < u->len)
		return send_packet(u);
	if (u->padded) {
		u->padded = false;
		return send_packet(u);
	}
	u->stage = STATUS_OUT;
	return step(u, VF_USB_RECEIVE);
}
