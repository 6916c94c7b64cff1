/* usb_host_control.c - a control transfer: SETUP, data, status (Universal Serial Bus
 * Specification 2.0, 8.5.3), with what may happen to each of its packets.
 */
#include "usb_host.h"

#include <string.h>

enum { SETUP, DATA, STATUS };
enum { MOST_ERRORS = 3, PATIENCE_MS = 5000, RETRY_US = 20 };

#define MS UINT64_C(1000000)

void vf_usb_control_start(vf_usb_host *h, const uint8_t setup[8], const uint8_t *data)
{
	vf_usb_control *c = &h->control;

	memcpy(c->setup, setup, 8);
	c->len = (uint16_t)(setup[6] | setup[7] << 8);
	c->len = c->len < VF_USB_CONTROL ? c->len : VF_USB_CONTROL;
	if ((setup[0] & 0x80) == 0 && data != NULL)
		memcpy(c->data, data, c->len);
	c->active = true;
	c->stage = SETUP;
	c->errors = 0;
	c->done = 0;
	c->retry_ns = 0;
	c->deadline_ns = h->now_ns + PATIENCE_MS * MS;
}

static bool reads(const vf_usb_control *c)
{
	return (c->setup[0] & 0x80) != 0 && c->len != 0;
}

/* The status stage goes the other way than the data. */
static bool is_in(const vf_usb_control *c)
{
	return c->stage == DATA ? reads(c) : c->stage == STATUS && !reads(c);
}

static uint16_t rest(const vf_usb_control *c)
{
	const uint16_t n = (uint16_t)(c->len - c->done);

	return c->stage == STATUS ? 0 : n < c->packet ? n : c->packet;
}

uint32_t vf_usb_control_size(const vf_usb_host *h)
{
	return h->control.stage == SETUP ? 8
	       : is_in(&h->control)      ? h->control.packet
					 : rest(&h->control);
}

static void end(vf_usb_host *h, int result)
{
	h->control.active = false;
	h->control.result = result;
	vf_usb_enumerate_done(h);
}

static void later(vf_usb_host *h)
{
	vf_usb_control *c = &h->control;

	h->counts.naks++;
	c->retry_ns = h->now_ns + (uint64_t)RETRY_US * 1000;
	if (h->now_ns > c->deadline_ns)
		end(h, VF_USB_LATE);
}

static void lost(vf_usb_host *h)
{
	h->counts.timeouts++;
	if (++h->control.errors == MOST_ERRORS)
		end(h, VF_USB_BROKEN);
}

static void stalled(vf_usb_host *h)
{
	h->counts.stalls++;
	end(h, VF_USB_STALLED);
}

uint32_t vf_usb_control_begin(vf_usb_host *h)
{
	vf_usb_control *c = &h->control;
	const vf_usb_port *port = &h->config.port;
	size_t len = 0;
	unsigned pid = 0;

	if (!is_in(c)) {
		h->fly_len = c->stage == SETUP ? 8 : rest(c);
		return h->fly_len + 1u;
	}
	switch (port->in(port->device, h->address, 0, h->packet, &len, &pid)) {
	case VF_USB_ACK:
		h->fly_len = (uint16_t)len;
		h->fly_pid = (uint8_t)pid;
		return h->fly_len + 1u;
	case VF_USB_NAK:
		later(h);
		return 0;
	case VF_USB_STALL:
		stalled(h);
		return 0;
	default:
		lost(h);
		return 0;
	}
}

static void next_stage(vf_usb_control *c)
{
	c->errors = 0;
	if (c->stage == SETUP && c->len != 0) {
		c->stage = DATA;
	} else {
		c->stage = STATUS;
	}
	c->toggle = 1;
}

static void in_landed(vf_usb_host *h)
{
	vf_usb_control *c = &h->control;
	const vf_usb_port *port = &h->config.port;
	const uint16_t room = (uint16_t)(c->len - c->done), len = h->fly_len;
	const bool noise = vf_usb_noise(h);

	port->in_done(port->device, h->address, 0, !noise);
	c->errors = 0;
	if (h->fly_pid != c->toggle) {
		h->counts.repeats++;
		return;
	}
	c->toggle ^= 1;
	if (c->stage == STATUS) {
		if (len != 0)
			vf_usb_trouble(h, "a status stage of %u bytes", len);
		else if (!noise)
			end(h, c->done);
		else
			c->toggle ^= 1; /* the device offers it once more */
		return;
	}
	if (len > c->packet || len > room) {
		vf_usb_trouble(h, "%u bytes in answer to a request for %u (%02Xh %02Xh)",
			       c->done + len, c->len, c->setup[0], c->setup[1]);
		return;
	}
	memcpy(c->data + c->done, h->packet, len);
	c->done = (uint16_t)(c->done + len);
	if (len < c->packet || c->done == c->len)
		next_stage(c);
}

static void out_landed(vf_usb_host *h)
{
	vf_usb_control *c = &h->control;
	const vf_usb_port *port = &h->config.port;
	const uint16_t len = h->fly_len;
	enum vf_usb_reply reply =
		port->out(port->device, h->address, 0, c->toggle, c->data + c->done, len);

	if (reply != VF_USB_NONE && vf_usb_noise(h)) {
		h->counts.timeouts++;
		return;
	}
	switch (reply) {
	case VF_USB_ACK:
	case VF_USB_NYET:
		c->toggle ^= 1;
		c->errors = 0;
		c->done = (uint16_t)(c->done + len);
		if (c->stage == STATUS)
			end(h, c->done);
		else if (c->done == c->len)
			next_stage(c);
		break;
	case VF_USB_NAK:
		later(h);
		break;
	case VF_USB_STALL:
		stalled(h);
		break;
	default:
		lost(h);
		break;
	}
}

void vf_usb_control_land(vf_usb_host *h)
{
	const vf_usb_port *port = &h->config.port;

	if (is_in(&h->control))
		in_landed(h);
	else if (h->control.stage != SETUP)
		out_landed(h);
	else if (port->setup(port->device, h->address, 0, h->control.setup) == VF_USB_ACK)
		next_stage(&h->control);
	else
		lost(h);
}
