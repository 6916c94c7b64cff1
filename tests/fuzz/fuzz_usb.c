/* fuzz_usb.c - a host that says anything on endpoint 0, in any order: set-up packets, data
 * of any length, transfers given up, resets. Each step is one that a bus allows, and the
 * device is always in a state that a host can see.
 */
#include <vcpflash/usb.h>

#include "fuzz.h"

static void check_step(const vf_usb *u, const vf_usb_step *s)
{
	FUZZ_CHECK(s->what <= VF_USB_RECEIVE);
	FUZZ_CHECK(s->len <= VF_USB_PACKET_0 && (s->len == 0 || s->what == VF_USB_SEND));
	if (s->what == VF_USB_SEND && s->len != 0)
		FUZZ_CHECK(s->data >= u->reply && s->data + s->len <= u->reply + sizeof u->reply);
	if (s->what == VF_USB_STALL)
		FUZZ_CHECK(s->orders == 0);
	FUZZ_CHECK((s->halt != 0) == ((s->orders & VF_USB_ORDER_HALT) != 0));
	FUZZ_CHECK((s->resume != 0) == ((s->orders & VF_USB_ORDER_RESUME) != 0));
	FUZZ_CHECK((s->test != 0) == ((s->orders & VF_USB_ORDER_TEST) != 0));
	FUZZ_CHECK(s->test <= 4 && (s->halt & s->resume) == 0);
}

static void check_device(const vf_usb *u)
{
	FUZZ_CHECK(u->state <= VF_USB_CONFIGURED && u->address <= 127 && u->lines <= 3);
	FUZZ_CHECK((u->state == VF_USB_DEFAULT) == (u->address == 0));
	FUZZ_CHECK(u->state == VF_USB_CONFIGURED || (u->halted | u->lines) == 0);
}

/* What a driver keeps of the orders is what the host reads of the device. */
typedef struct driver {
	bool open;
	uint8_t halted;
} driver;

static void obey(driver *d, const vf_usb_step *s)
{
	if ((s->orders & VF_USB_ORDER_CLOSE) != 0)
		*d = (driver){0};
	if ((s->orders & VF_USB_ORDER_OPEN) != 0)
		*d = (driver){.open = true};
	if ((s->orders & (VF_USB_ORDER_HALT | VF_USB_ORDER_RESUME)) != 0)
		FUZZ_CHECK(d->open);
	d->halted = (uint8_t)((d->halted | s->halt) & ~s->resume);
}

static size_t play(vf_usb *u, driver *d, const uint8_t *data, size_t len)
{
	enum { SETUP, RECEIVED, SENT, RESET };
	uint8_t op = data[0] & 3, n = data[0] >> 2;
	size_t used = 1;
	vf_usb_step s = {0};

	if (op == SETUP) {
		uint8_t packet[8] = {0};
		used += len - 1 < 8 ? len - 1 : 8;
		memcpy(packet, data + 1, used - 1);
		s = vf_usb_setup(u, packet);
		FUZZ_CHECK(s.what != VF_USB_WAIT);
	} else if (op == RECEIVED) {
		uint8_t bytes[64] = {0};
		used += len - 1 < n ? len - 1 : n;
		memcpy(bytes, data + 1, used - 1);
		s = vf_usb_received(u, bytes, n);
	} else if (op == SENT) {
		s = vf_usb_sent(u);
	} else {
		vf_usb_reset(u, (n & 1) != 0);
		*d = (driver){0};
	}
	check_step(u, &s);
	obey(d, &s);
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const vf_usb_config config = {
		.vendor = 0x1209,
		.product = 1,
		.maker = "maker",
		.name = "a name of sixty-two characters, the longest that a reply holds",
		.id_len = len != 0 ? data[0] % (VF_USB_ID_MAX + 1) : 0,
		.high = len % 2 != 0,
	};
	vf_usb u;
	driver d = {0};

	vf_usb_init(&u, &config);
	vf_usb_reset(&u, config.high);
	for (size_t at = 0; at < len;) {
		at += play(&u, &d, data + at, len - at);
		check_device(&u);
		FUZZ_CHECK(d.open == (u.state == VF_USB_CONFIGURED) && d.halted == u.halted);
	}
	return 0;
}
