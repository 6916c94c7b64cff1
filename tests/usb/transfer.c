#include "transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

vf_usb_step transfer_setup(vf_usb *u, uint8_t type, uint8_t code, uint16_t value, uint16_t index,
			   uint16_t length)
{
	const uint8_t packet[8] = {type,
				   code,
				   (uint8_t)value,
				   (uint8_t)(value >> 8),
				   (uint8_t)index,
				   (uint8_t)(index >> 8),
				   (uint8_t)length,
				   (uint8_t)(length >> 8)};

	return vf_usb_setup(u, packet);
}

static void note(transfer *t, const vf_usb_step *s)
{
	t->orders |= s->orders;
	t->halt |= s->halt;
	t->resume |= s->resume;
	t->test |= s->test;
	if (s->what == VF_USB_STALL)
		t->stalled = true;
}

static vf_usb_step data_in(transfer *t, vf_usb *u, vf_usb_step s, uint16_t length)
{
	bool more = true;

	while (more && s.what == VF_USB_SEND) {
		assert_true(s.len <= VF_USB_PACKET_0 && t->len + s.len <= TRANSFER_ROOM);
		memcpy(t->data + t->len, s.data, s.len);
		t->len += s.len;
		t->packets++;
		more = s.len == VF_USB_PACKET_0 && t->len < length;
		s = vf_usb_sent(u);
		note(t, &s);
	}
	assert_true(t->len <= length);
	return s;
}

static vf_usb_step data_out(transfer *t, vf_usb *u, vf_usb_step s, uint16_t length,
			    const uint8_t *out)
{
	for (uint16_t at = 0; at < length && s.what == VF_USB_RECEIVE;) {
		uint16_t left = (uint16_t)(length - at);
		uint16_t n = left < VF_USB_PACKET_0 ? left : VF_USB_PACKET_0;

		s = vf_usb_received(u, out + at, n);
		note(t, &s);
		at = (uint16_t)(at + n);
	}
	return s;
}

void transfer_run(transfer *t, vf_usb *u, uint8_t type, uint8_t code, uint16_t value,
		  uint16_t index, uint16_t length, const uint8_t *out)
{
	vf_usb_step s = transfer_setup(u, type, code, value, index, length);
	bool in = (type & 0x80) != 0 && length != 0;

	memset(t, 0, sizeof *t);
	note(t, &s);
	if (in)
		s = data_in(t, u, s, length);
	else if (length != 0)
		s = data_out(t, u, s, length, out);
	if (t->stalled)
		return;
	assert_int_equal(s.what, in ? VF_USB_RECEIVE : VF_USB_SEND);
	assert_int_equal(s.len, 0);
	s = in ? vf_usb_received(u, NULL, 0) : vf_usb_sent(u);
	note(t, &s);
	assert_int_equal(s.what, VF_USB_WAIT);
}

void transfer_device(vf_usb *u, bool high)
{
	const vf_usb_config config = {
		.vendor = 0x1209,
		.product = 0x0001,
		.release = 0x0123,
		.maker = "vcpflash",
		.name = "A board",
		.id = {0x00, 0x1F, 0xA5, 0xFF},
		.id_len = 4,
		.high = true,
		.power = 50,
	};

	vf_usb_init(u, &config);
	vf_usb_reset(u, high);
}

void transfer_address(vf_usb *u, uint16_t address)
{
	transfer t;

	transfer_run(&t, u, 0x00, 5, address, 0, 0, NULL);
	assert_false(t.stalled);
}

void transfer_configure(vf_usb *u)
{
	transfer t;

	transfer_run(&t, u, 0x00, 9, 1, 0, 0, NULL);
	assert_false(t.stalled);
}
