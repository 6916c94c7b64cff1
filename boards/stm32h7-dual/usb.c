/* The board's own USB socket: the driver and the descriptors, tied to the lines.
 */
#include "usb.h"

#include "clocks.h"
#include "cortexm.h"
#include "otg.h"
#include "stm32h747.h"
#include "uart.h"
#include "wiring.h"

/* pid.codes' id for tests: not for a product (docs/USB.md). */
#ifndef VF_USB_VENDOR
#define VF_USB_VENDOR 0x1209
#endif
#ifndef VF_USB_PRODUCT
#define VF_USB_PRODUCT 0x0001
#endif

static otg port;
static vf_lines *listener;
static bool there;

static size_t space(void *self)
{
	(void)self;
	return vf_lines_rx_space(listener, LINE_USB);
}

static void take(void *self, const uint8_t *data, size_t len)
{
	(void)self;
	vf_lines_rx(listener, LINE_USB, data, len);
}

static void gone(void *self)
{
	(void)self;
	vf_lines_gone(listener, LINE_USB);
}

static const otg_config config = {
	.base = BOARD_USB,
	.ulpi = BOARD_USB_ULPI,
	.usb =
		{
			.vendor = VF_USB_VENDOR,
			.product = VF_USB_PRODUCT,
			.release = 0x0100,
			.maker = "vcpflash",
			.name = BOARD_NAME,
			.id_len = 12,
			.high = BOARD_USB_ULPI,
			.power = 50,
		},
	.space = space,
	.take = take,
	.gone = gone,
};

void usb_init(vf_lines *lines)
{
	otg_config c = config;

	listener = lines;
	for (uint8_t i = 0; i < c.usb.id_len; i++)
		c.usb.id[i] = ((const volatile uint8_t *)UID_ADDRESS)[i];
	there = otg_init(&port, &c);
	if (there)
		vf_irq_enable(BOARD_USB_IRQ);
}

void usb_irq(void)
{
	otg_irq(&port);
}

bool usb_met(void)
{
	return port.met;
}

static void poll(void *self)
{
	(void)self;
	if (there)
		otg_poll(&port);
}

static void send(void *self, const uint8_t *data, size_t len)
{
	(void)self;
	if (there)
		otg_send(&port, data, len);
}

static bool sending(void *self)
{
	(void)self;
	return otg_sending(&port);
}

vf_port usb_port(void)
{
	return (vf_port){.poll = poll, .send = send, .sending = sending};
}

void usb_stop(void)
{
	if (there)
		otg_stop(&port);
	there = false;
	wiring_usb_reset();
}
