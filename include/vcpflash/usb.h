/* usb.h - a USB device with one virtual COM port: chapter 9 of USB 2.0 and the abstract
 * control model of CDC 1.2 (PSTN 1.2), without any register.
 *
 * An engine for endpoint 0: a driver hands in what the bus brought, and does what the
 * returned step says before it hands in more.
 *
 *     bus reset has ended:       vf_usb_reset(&u, high_speed)
 *     a setup packet came:       step = vf_usb_setup(&u, packet)
 *     a packet came (OUT 0):     step = vf_usb_received(&u, bytes, len)
 *     a packet was taken (IN 0): step = vf_usb_sent(&u)
 *
 * First the step's orders are carried out, in the order of their bits, then `what`. The
 * bytes of the port itself never come here: they go between its two bulk endpoints and
 * whoever speaks through them. docs/USB.md has the descriptors and the table of requests.
 *
 * Conventions: allocates nothing, never blocks, reads no clock; all structs are the
 * caller's; no pointer may be NULL unless said so. Sizes in bytes. Not reentrant: one
 * context, as a rule the USB interrupt. Fields of vf_usb above `private` may be read.
 * Names and figures in brackets are those of the USB 2.0 specification.
 */
#ifndef VCPFLASH_USB_H
#define VCPFLASH_USB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	VF_USB_PACKET_0 = 64,      /* endpoint 0, both directions, both speeds */
	VF_USB_BULK_FULL = 64,     /* the bulk endpoints at full speed, */
	VF_USB_BULK_HIGH = 512,    /* and at high speed [5.8.3] */
	VF_USB_NOTICE_PACKET = 16, /* the notification endpoint */
	VF_USB_NOTICE = 10,        /* bytes of the one notification there is, SERIAL_STATE */
	VF_USB_CODING = 7,         /* a line coding [PSTN 6.3.11] */
	VF_USB_ID_MAX = 16,
	VF_USB_TEXT_MAX = 62, /* characters of a string: 2 + 2 * 62 bytes fit `reply` */
	VF_USB_REPLY_MAX = 128,
};

/* Endpoint addresses. */
enum {
	VF_USB_OUT = 0x01,    /* bulk, host -> board */
	VF_USB_IN = 0x81,     /* bulk, board -> host */
	VF_USB_NOTIFY = 0x82, /* interrupt, board -> host */
};

typedef struct vf_usb_config {
	uint16_t vendor, product; /* idVendor, idProduct */
	uint16_t release;         /* bcdDevice, 0x0100 is 1.00 */
	const char *maker, *name; /* printable ASCII, at most VF_USB_TEXT_MAX characters */
	uint8_t id[VF_USB_ID_MAX];
	uint8_t id_len; /* 1 to 16; the serial number is these in hexadecimal. 0: none */
	bool high;      /* the part can do high speed: it has a device qualifier */
	uint8_t power;  /* bMaxPower, in units of 2 mA: what is taken from the bus */
} vf_usb_config;

enum vf_usb_what {
	VF_USB_WAIT = 0, /* nothing to do: for a setup packet */
	VF_USB_STALL,    /* endpoint 0 answers STALL, both directions, until a setup packet */
	VF_USB_SEND,     /* data[0..len), at most a packet; then vf_usb_sent */
	VF_USB_RECEIVE,  /* one packet on OUT 0; then vf_usb_received */
};

/* What the driver has to do beside endpoint 0, before `what`. */
enum vf_usb_order {
	/* u->address is the device's, by the end of the status stage that this step begins
	 * [9.4.6]: this core may be told now, it uses the new one only from there on. */
	VF_USB_ORDER_ADDRESS = 1 << 0,
	/* All endpoints but 0 are off: what was under way in them is forgotten. */
	VF_USB_ORDER_CLOSE = 1 << 1,
	/* They are on, all with DATA0 next and not halted, bulk packets of
	 * vf_usb_bulk_size bytes. */
	VF_USB_ORDER_OPEN = 1 << 2,
	/* The endpoints in `halt` answer STALL. What is under way in them is kept. */
	VF_USB_ORDER_HALT = 1 << 3,
	/* The endpoints in `resume` have DATA0 next, and answer STALL no more. */
	VF_USB_ORDER_RESUME = 1 << 4,
	/* u->lines has changed: bit 0 DTR, a program has the port open; bit 1 RTS. */
	VF_USB_ORDER_LINES = 1 << 5,
	/* Test mode step.test, 1 to 4 (Test_J, Test_K, Test_SE0_NAK, Test_Packet): until
	 * power goes [7.1.20]. The status stage is over. */
	VF_USB_ORDER_TEST = 1 << 6,
};

/* Sets of endpoints, for `halt`, `resume` and u->halted. */
enum { VF_USB_SET_OUT = 1 << 0, VF_USB_SET_IN = 1 << 1, VF_USB_SET_NOTIFY = 1 << 2 };

typedef struct vf_usb_step {
	enum vf_usb_what what;
	const uint8_t *data; /* valid until the engine is called again */
	uint8_t len;
	uint8_t orders; /* of enum vf_usb_order */
	uint8_t halt, resume;
	uint8_t test;
} vf_usb_step;

enum vf_usb_state { VF_USB_DEFAULT, VF_USB_ADDRESSED, VF_USB_CONFIGURED }; /* [9.1.1] */

typedef struct vf_usb {
	vf_usb_config config;
	enum vf_usb_state state;
	bool high; /* the bus runs at high speed */
	uint8_t address;
	uint8_t halted;                /* endpoints, by the host's wish */
	uint8_t coding[VF_USB_CODING]; /* what the host set: kept, and without meaning here */
	uint8_t lines;
	/* private */
	uint8_t stage;
	uint8_t request; /* whose data stage is an OUT one */
	uint8_t orders, halt, resume, test;
	bool padded;        /* the data stage ends with a packet of no bytes */
	uint16_t len, at;   /* of `reply` to be sent or received, and how far that is */
	uint16_t in_flight; /* bytes of the packet that the driver has */
	uint8_t reply[VF_USB_REPLY_MAX];
} vf_usb;

/* Copies `config` (not the strings). The line coding is 115200 8N1. */
void vf_usb_init(vf_usb *u, const vf_usb_config *config);

/* A bus reset has ended: no address, not configured. Endpoint 0 is ready for a setup
 * packet; the driver itself turned all others off. */
void vf_usb_reset(vf_usb *u, bool high);

/* A setup packet ends whatever endpoint 0 was doing [8.5.3]: what the driver still has to
 * send or receive there is void. */
vf_usb_step vf_usb_setup(vf_usb *u, const uint8_t packet[8]);
vf_usb_step vf_usb_received(vf_usb *u, const uint8_t *data, size_t len);
vf_usb_step vf_usb_sent(vf_usb *u);

/* Bytes of a bulk packet at the speed of the bus. */
uint16_t vf_usb_bulk_size(const vf_usb *u);

/* The notification for VF_USB_NOTIFY that says: carrier and data set are there [PSTN
 * 6.5.4]. To be sent once the port is configured. */
void vf_usb_notice(uint8_t out[VF_USB_NOTICE]);

#endif
