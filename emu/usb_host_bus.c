/* usb_host_bus.c - frames and the packets in them: whose turn it is, what fits, what
 * happens to a packet that was refused, lost or sent twice.
 *
 * Sizes of packets with all that surrounds them: Universal Serial Bus Specification 2.0,
 * tables 5-9 and 5-10 (13 bytes around a full-speed bulk packet, 55 at high speed: 19
 * packets of 64 bytes in a frame of 1500, 13 of 512 in a microframe of 7500). Stuffed bits
 * are not counted. How often a refused IN is asked again is the host controller's own
 * affair; here it is so seldom while data goes out that the 19 and the 13 still fit.
 */
#include "usb_host.h"

#include <string.h>

enum { CONTROL, NOTIFY, BULK_OUT, BULK_IN, PIPES };
/* What is on the wire. */
enum { NOTHING, FLY_CONTROL, FLY_NOTIFY, FLY_OUT, FLY_IN, FLY_PING };

enum {
	FULL_FRAME_NS = 1000000,
	HIGH_FRAME_NS = 125000,
	FULL_BYTE_PS = 666667,
	HIGH_BYTE_PS = 16667,
	PS_PER_NS = 1000,
	MOST_ERRORS = 3, /* time-outs after which a transfer has failed */
	READ_PACKETS = 2,
};

/* Bytes on the wire, by speed. */
static uint32_t around(const vf_usb_host *h)
{
	return h->high ? 55 : 13;
}

static uint32_t refused(const vf_usb_host *h)
{
	return h->high ? 24 : 7; /* a token and a handshake */
}

uint64_t vf_usb_ns(const vf_usb_host *h, uint32_t bytes)
{
	return (uint64_t)bytes * (h->high ? HIGH_BYTE_PS : FULL_BYTE_PS) / PS_PER_NS;
}

static uint64_t frame_length(const vf_usb_host *h)
{
	return h->high ? HIGH_FRAME_NS : FULL_FRAME_NS;
}

/* The device first hears a whole frame go by. */
void vf_usb_bus_restart(vf_usb_host *h)
{
	h->flying = NOTHING;
	h->frame_ns = h->now_ns;
	h->free_ns = h->now_ns + frame_length(h);
	h->frame = 0;
	h->bulk_now = 0;
}

uint64_t vf_usb_bus_next(const vf_usb_host *h)
{
	return h->flying != NOTHING ? h->lands_ns : h->free_ns;
}

/* --- what is wanted ------------------------------------------------------------------- */

static bool attacking(const vf_usb_host *h)
{
	return h->state == VF_USB_ATTACKING;
}

static uint32_t waiting(const vf_usb_host *h)
{
	const uint64_t n = h->tx_head - h->tx_tail;

	return n < h->bulk_out.packet ? (uint32_t)n : h->bulk_out.packet;
}

static bool usable(const vf_usb_host *h, const vf_usb_pipe *pipe)
{
	return h->state == VF_USB_READY && h->opened && pipe->endpoint != 0 && !pipe->halted &&
	       pipe->errors < MOST_ERRORS;
}

static bool wants(const vf_usb_host *h, unsigned which)
{
	switch (which) {
	case CONTROL:
		return h->control.active;
	case NOTIFY:
		return usable(h, &h->notify);
	case BULK_OUT:
		return usable(h, &h->bulk_out) && waiting(h) != 0;
	default: /* a read is asked for only where all of it has room */
		return usable(h, &h->bulk_in) && h->reading &&
		       VF_USB_LINE - (h->rx_head - h->rx_tail) >=
			       (uint64_t)READ_PACKETS * h->bulk_in.packet;
	}
}

static uint64_t when(const vf_usb_host *h, unsigned which)
{
	const uint64_t at[PIPES] = {h->control.retry_ns, h->notify.retry_ns, h->bulk_out.retry_ns,
				    h->bulk_in.retry_ns};

	return at[which];
}

static uint32_t size(const vf_usb_host *h, unsigned which)
{
	switch (which) {
	case CONTROL:
		return around(h) + vf_usb_control_size(h);
	case NOTIFY:
		return around(h) + h->notify.packet;
	case BULK_OUT:
		return h->bulk_out.ping ? refused(h) : around(h) + waiting(h);
	default: /* most answers are a refusal; a packet that does not fit waits a frame */
		return around(h) + h->bulk_in.packet;
	}
}

/* --- outcomes --------------------------------------------------------------------------- */

/* A refused packet is tried again: soon where nothing else is wanted, else after so
 * long that those of a frame cost less than a packet. */
static void later(vf_usb_host *h, vf_usb_pipe *pipe)
{
	const bool busy = wants(h, BULK_OUT) && pipe == &h->bulk_in;
	const uint64_t step = frame_length(h) / (!busy ? 20 : h->high ? 2 : 4);

	h->counts.naks++;
	pipe->retry_ns = h->now_ns + step;
}

static void lost(vf_usb_host *h, vf_usb_pipe *pipe)
{
	h->counts.timeouts++;
	if (++pipe->errors == MOST_ERRORS)
		vf_usb_say(h, "USB: endpoint %u no longer answers", pipe->endpoint);
}

static void halt(vf_usb_host *h, vf_usb_pipe *pipe)
{
	h->counts.stalls++;
	pipe->halted = true;
}

static void out_landed(vf_usb_host *h)
{
	vf_usb_pipe *pipe = &h->bulk_out;
	const vf_usb_port *port = &h->config.port;
	enum vf_usb_reply reply = port->out(port->device, h->address, pipe->endpoint, pipe->toggle,
					    h->packet, h->fly_len);

	if (reply != VF_USB_NONE && vf_usb_noise(h)) {
		h->counts.timeouts++; /* its handshake was lost: the same again */
		return;
	}
	switch (reply) {
	case VF_USB_ACK:
	case VF_USB_NYET:
		pipe->toggle ^= 1;
		pipe->errors = 0;
		pipe->ping = reply == VF_USB_NYET;
		h->tx_tail += h->fly_len;
		h->counts.out_bytes += h->fly_len;
		h->counts.out_packets++;
		h->bulk_now++;
		break;
	case VF_USB_NAK: /* at full speed the next try is another whole packet */
		h->counts.naks++;
		pipe->ping = h->high;
		break;
	case VF_USB_STALL:
		halt(h, pipe);
		break;
	default:
		lost(h, pipe);
		break;
	}
}

static void ping_landed(vf_usb_host *h)
{
	vf_usb_pipe *pipe = &h->bulk_out;
	const vf_usb_port *port = &h->config.port;

	switch (port->ping(port->device, h->address, pipe->endpoint)) {
	case VF_USB_ACK:
		pipe->ping = false;
		break;
	case VF_USB_NAK:
		h->counts.naks++;
		pipe->retry_ns = h->now_ns + frame_length(h) / 13;
		break;
	case VF_USB_STALL:
		halt(h, pipe);
		break;
	default:
		lost(h, pipe);
		break;
	}
}

/* What was read is the reader's when a packet is short, or all of it is full. */
static void deliver(vf_usb_host *h)
{
	if (h->fly_len == h->bulk_in.packet && h->urb < READ_PACKETS * h->bulk_in.packet)
		return;
	for (uint16_t i = 0; i < h->urb; i++)
		h->rx[h->rx_head++ % VF_USB_LINE] = h->read[i];
	h->counts.in_bytes += h->urb;
	h->urb = 0;
}

static void in_landed(vf_usb_host *h, vf_usb_pipe *pipe)
{
	const vf_usb_port *port = &h->config.port;
	const bool noise = vf_usb_noise(h);

	port->in_done(port->device, h->address, pipe->endpoint, !noise);
	pipe->errors = 0;
	if (h->fly_pid != pipe->toggle) {
		h->counts.repeats++;
		return;
	}
	pipe->toggle ^= 1; /* the host has it; only its handshake may be lost */
	if (pipe != &h->bulk_in)
		return;
	memcpy(h->read + h->urb, h->packet, h->fly_len);
	h->urb = (uint16_t)(h->urb + h->fly_len);
	h->counts.in_packets++;
	h->bulk_now++;
	deliver(h);
}

static void landed(vf_usb_host *h)
{
	const uint8_t what = h->flying;

	h->flying = NOTHING;
	h->free_ns = h->now_ns;
	switch (what) {
	case FLY_CONTROL:
		vf_usb_control_land(h);
		break;
	case FLY_NOTIFY:
		in_landed(h, &h->notify);
		break;
	case FLY_OUT:
		out_landed(h);
		break;
	case FLY_PING:
		ping_landed(h);
		break;
	default:
		in_landed(h, &h->bulk_in);
		break;
	}
	if (h->config.pull_after == 0 ||
	    h->counts.out_packets + h->counts.in_packets < h->config.pull_after)
		return;
	h->config.pull_after = 0;
	vf_usb_host_plug(h, false, h->now_ns);
	h->wait_ns = h->now_ns + h->config.pulled_ns;
}

/* --- beginning a packet -------------------------------------------------------------------- */

static void fly(vf_usb_host *h, uint8_t what, uint32_t bytes)
{
	h->flying = what;
	h->lands_ns = h->now_ns + vf_usb_ns(h, bytes);
}

/* An answer comes right after the token: a packet, or a handshake instead of it. */
static void begin_in(vf_usb_host *h, vf_usb_pipe *pipe, uint8_t what)
{
	const vf_usb_port *port = &h->config.port;
	size_t len = 0;
	unsigned pid = 0;
	const enum vf_usb_reply reply =
		port->in(port->device, h->address, pipe->endpoint, h->packet, &len, &pid);

	h->free_ns = h->now_ns + vf_usb_ns(h, refused(h));
	switch (reply) {
	case VF_USB_ACK:
		if (len > pipe->packet) {
			vf_usb_trouble(h, "endpoint %u sent %u bytes in a packet of %u",
				       pipe->endpoint, (unsigned)len, pipe->packet);
			return;
		}
		h->fly_len = (uint16_t)len;
		h->fly_pid = (uint8_t)pid;
		fly(h, what, around(h) + (uint32_t)len);
		break;
	case VF_USB_NAK:
		if (pipe == &h->notify) /* until its interval is over */
			h->counts.naks++;
		else
			later(h, pipe);
		break;
	case VF_USB_STALL:
		halt(h, pipe);
		break;
	default:
		lost(h, pipe);
		break;
	}
}

static void begin_out(vf_usb_host *h)
{
	const uint32_t len = waiting(h);

	for (uint32_t i = 0; i < len; i++)
		h->packet[i] = h->tx[(h->tx_tail + i) % VF_USB_LINE];
	h->fly_len = (uint16_t)len;
	fly(h, FLY_OUT, around(h) + len);
}

static void begin(vf_usb_host *h, unsigned which)
{
	uint32_t bytes;

	switch (which) {
	case CONTROL:
		bytes = vf_usb_control_begin(h);
		h->free_ns = h->now_ns + vf_usb_ns(h, refused(h));
		if (bytes != 0)
			fly(h, FLY_CONTROL, around(h) + bytes - 1);
		break;
	case NOTIFY:
		begin_in(h, &h->notify, FLY_NOTIFY);
		h->notify.retry_ns = h->frame_ns + h->notify.interval * frame_length(h);
		break;
	case BULK_OUT:
		if (h->bulk_out.ping)
			fly(h, FLY_PING, refused(h));
		else
			begin_out(h);
		break;
	default:
		begin_in(h, &h->bulk_in, FLY_IN);
		break;
	}
}

static void new_frame(vf_usb_host *h)
{
	const vf_usb_port *port = &h->config.port;

	h->frame_ns = h->now_ns;
	h->frame++;
	h->counts.frames++;
	h->counts.most = h->bulk_now > h->counts.most ? h->bulk_now : h->counts.most;
	h->bulk_now = 0;
	port->sof(port->device, h->high ? h->frame : h->frame & 0x7FF);
	h->free_ns = h->now_ns + vf_usb_ns(h, h->high ? 8 : 5);
	if (h->state == VF_USB_READY)
		vf_usb_enumerate_idle(h);
}

/* The next packet, in turn; or nothing until something may be tried again. */
static void choose(vf_usb_host *h)
{
	const uint64_t end = h->frame_ns + frame_length(h);
	uint64_t soonest = end;

	for (unsigned i = 0; i < PIPES; i++) {
		const unsigned which = (h->turn + i) % PIPES;
		const uint64_t at = when(h, which);

		if (!wants(h, which))
			continue;
		if (at > h->now_ns) {
			soonest = at < soonest ? at : soonest;
			continue;
		}
		if (h->now_ns + vf_usb_ns(h, size(h, which)) > end)
			continue;
		h->turn = (uint8_t)((which + 1) % PIPES);
		begin(h, which);
		return;
	}
	h->free_ns = soonest > h->now_ns ? soonest : end;
}

void vf_usb_bus_step(vf_usb_host *h)
{
	if (h->flying != NOTHING) {
		landed(h);
		return;
	}
	if (h->now_ns >= h->frame_ns + frame_length(h))
		new_frame(h);
	else if (attacking(h))
		vf_usb_hostile(h);
	else
		choose(h);
}
