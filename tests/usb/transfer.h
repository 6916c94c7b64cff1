/* transfer.h - a control transfer against the engine, stage by stage as the bus has it. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include <vcpflash/usb.h>

enum { TRANSFER_ROOM = 512 };

typedef struct transfer {
	bool stalled;
	size_t len;       /* bytes that came in the data stage */
	unsigned packets; /* in which these came */
	unsigned orders;  /* of all steps */
	uint8_t halt, resume, test;
	uint8_t data[TRANSFER_ROOM];
} transfer;

/* A whole transfer; `out` has `length` bytes where the request is from the host. Fails on
 * steps that no bus allows. */
void transfer_run(transfer *t, vf_usb *u, uint8_t type, uint8_t code, uint16_t value,
		  uint16_t index, uint16_t length, const uint8_t *out);

vf_usb_step transfer_setup(vf_usb *u, uint8_t type, uint8_t code, uint16_t value, uint16_t index,
			   uint16_t length);

/* A device with strings, high speed and an id, as it is after power-on. */
void transfer_device(vf_usb *u, bool high);
void transfer_address(vf_usb *u, uint16_t address);
void transfer_configure(vf_usb *u); /* after an address */

#endif
