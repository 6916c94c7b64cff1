/* otg.h - the USB device of an STM32 whose core is Synopsys' DesignWare one ("OTG_FS",
 * "OTG_HS"): the virtual COM port of usb.h, by FIFO, without DMA.
 *
 *     otg_init(&usb, &config)         once; the board has seen to clocks and pins
 *     otg_irq(&usb)                   its interrupt: copies, and answers endpoint 0
 *     otg_poll(&usb)                  main loop, each round
 *     otg_send, otg_sending           main loop: as vf_port has them
 *
 * No packet from the host is lost or taken twice, whatever the pace: its endpoint accepts
 * as many as config.space has room for, at most OTG_AHEAD bytes, and NAKs the rest.
 * A host that does not read holds up nothing: what waits for it is dropped after a second.
 *
 * otg_irq has the priority of all interrupts that call config.take's target.
 */
#ifndef OTG_H
#define OTG_H

#include <vcpflash/usb.h>

enum { OTG_AHEAD = 4096 };

typedef struct otg_config {
	uint32_t base; /* of its registers */
	bool ulpi;     /* a high-speed PHY outside the chip, instead of the full-speed one inside */
	vf_usb_config usb;
	void *self;
	/* How many bytes can be taken. What it says must stay true until they came. */
	size_t (*space)(void *self);
	/* In the interrupt: bytes from the host, in whole packets of up to 512 bytes. */
	void (*take)(void *self, const uint8_t *data, size_t len);
	/* In the interrupt: nobody listens any more. The program closed the port, or the
	 * host reset, suspended or unplugged the device. */
	void (*gone)(void *self);
} otg_config;

/* A transfer to the host. */
typedef struct otg_sender {
	volatile bool busy;
	bool pad;   /* an empty packet follows: the last one was full */
	bool flush; /* what was given up is still in the FIFO */
	const uint8_t *data;
	size_t left; /* bytes that are not in the FIFO yet */
	volatile uint32_t moves;
	uint32_t seen_moves, since_us; /* by the main loop: when did it last move */
} otg_sender;

typedef struct otg {
	otg_config config;
	vf_usb usb;
	volatile bool open;  /* configured */
	volatile bool armed; /* the OUT endpoint accepts packets */
	volatile bool suspended;
	volatile bool met; /* there has been a bus reset: a host is there */
	otg_sender in;
	uint8_t setup[8];
	bool setup_came;
	bool control_came; /* a packet on OUT 0 */
	uint8_t control_len;
	uint8_t control[VF_USB_PACKET_0];
} otg;

/* False: the core or its PHY does not answer, and there will be no USB. */
bool otg_init(otg *o, const otg_config *config);
void otg_irq(otg *o);
void otg_poll(otg *o);

/* Begins to send; `data` stays valid until otg_sending is false. Without a host to send to,
 * it is as good as sent. */
void otg_send(otg *o, const uint8_t *data, size_t len);
bool otg_sending(const otg *o);

/* Leaves the bus, as if unplugged. */
void otg_stop(otg *o);

#endif
