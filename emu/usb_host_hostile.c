/* usb_host_hostile.c - a host that keeps no rule: random SETUP packets, stages that are
 * left out, cut short or too long, wrong toggles, packets longer than an endpoint's, tokens to
 * endpoints and addresses that are not there, resets in between. All of it from the
 * host's seed. When it has had enough, an ordinary host takes over.
 *
 * Two things it leaves out: TEST_MODE, which ends only with the power (Universal Serial Bus
 * Specification 2.0, 9.4.9), and packets with errors in their bits, which no device sees.
 */
#include "usb_host.h"

#include <string.h>

enum { SETUP, OUT, IN };
enum { MOST_RETRIES = 10, RETRY_NS = 50000, ADDRESSES = 128 };

static unsigned one_of(vf_usb_host *h, unsigned n)
{
	return vf_usb_random(h) % n;
}

/* Requests that a device knows, more often than not, with values that it does not. */
static void make_setup(vf_usb_host *h, uint8_t setup[8])
{
	static const uint8_t type[] = {0x80, 0x00, 0x21, 0xA1, 0x02, 0x82, 0x81, 0x01};
	static const uint8_t request[] = {0, 1,  3,  5,  6,    6,    6,    7,   8,
					  9, 10, 11, 12, 0x20, 0x21, 0x22, 0x23};

	for (unsigned i = 0; i < 8; i++)
		setup[i] = (uint8_t)vf_usb_random(h);
	if (one_of(h, 4) != 0) {
		setup[0] = type[one_of(h, sizeof type)];
		setup[1] = request[one_of(h, sizeof request)];
	}
	if (one_of(h, 3) != 0) {
		setup[2] = (uint8_t)one_of(h, 6);
		setup[3] = (uint8_t)one_of(h, 16);
		setup[4] = (uint8_t)(one_of(h, 4) | (one_of(h, 2) << 7));
		setup[5] = 0;
	}
	if (one_of(h, 4) != 0) {
		setup[6] = (uint8_t)one_of(h, 80);
		setup[7] = 0;
	}
	if ((setup[0] & 0x7F) == 0 && setup[1] == 3 && setup[2] == 2)
		setup[2] = 1; /* SET_FEATURE(TEST_MODE) */
}

static uint16_t length(vf_usb_host *h)
{
	static const uint16_t some[] = {0, 1, 7, 8, 63, 64, 64, 65, 512, 513, 1023};

	return some[one_of(h, sizeof some / sizeof *some)];
}

static void make_list(vf_usb_host *h)
{
	const bool reads = one_of(h, 2) != 0;
	const unsigned n = 1 + one_of(h, VF_USB_ACTIONS - 1);

	h->counts.attacks++;
	h->action = h->retries = 0;
	h->actions = (uint8_t)n;
	for (unsigned i = 0; i < n; i++) {
		vf_usb_action *a = &h->list[i];

		*a = (vf_usb_action){.kind = i == 0  ? SETUP
					     : reads ? IN
						     : OUT,
				     .address = (uint8_t)h->address,
				     .pid = (uint8_t)(i & 1),
				     .len = 64};
		if (one_of(h, 4) == 0)
			a->kind = (uint8_t)one_of(h, 3);
		if (one_of(h, 3) == 0)
			a->len = length(h);
		if (one_of(h, 8) == 0)
			a->pid ^= 1;
		if (one_of(h, 16) == 0)
			a->endpoint = (uint8_t)one_of(h, 16);
		if (one_of(h, 32) == 0)
			a->address = (uint8_t)one_of(h, ADDRESSES);
	}
}

/* An address that the device was told it has from the status stage on; the host may
 * lose it as well, and then talks into the void until its next reset. */
static void follow(vf_usb_host *h, const uint8_t setup[8])
{
	if (setup[0] == 0 && setup[1] == 5 && one_of(h, 2) != 0)
		h->address = setup[2] & 127;
}

static enum vf_usb_reply send(vf_usb_host *h, const vf_usb_action *a)
{
	const vf_usb_port *port = &h->config.port;
	uint8_t setup[8];
	size_t len = 0;
	unsigned pid = 0;
	enum vf_usb_reply reply;

	switch (a->kind) {
	case SETUP:
		make_setup(h, setup);
		reply = port->setup(port->device, a->address, a->endpoint, setup);
		if (reply == VF_USB_ACK)
			follow(h, setup);
		return reply;
	case OUT:
		for (unsigned i = 0; i < a->len; i++)
			h->packet[i] = (uint8_t)vf_usb_random(h);
		return port->out(port->device, a->address, a->endpoint, a->pid, h->packet, a->len);
	default:
		reply = port->in(port->device, a->address, a->endpoint, h->packet, &len, &pid);
		if (reply == VF_USB_ACK)
			port->in_done(port->device, a->address, a->endpoint, one_of(h, 8) != 0);
		return reply;
	}
}

void vf_usb_hostile(vf_usb_host *h)
{
	const vf_usb_action *a;

	if (h->action == h->actions) {
		if (h->attacks == 0 || one_of(h, 64) == 0) {
			vf_usb_host_reset(h, h->now_ns);
			return;
		}
		h->attacks--;
		make_list(h);
	}
	a = &h->list[h->action];
	h->free_ns = h->now_ns + vf_usb_ns(h, 13u + a->len);
	if (send(h, a) == VF_USB_NAK && h->retries++ < MOST_RETRIES && one_of(h, 16) != 0) {
		h->counts.naks++;
		h->free_ns = h->now_ns + RETRY_NS;
		return;
	}
	h->retries = 0;
	h->action++;
}
