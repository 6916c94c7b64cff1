/* usb_toy.h - a CDC-ACM device in a few dozen register accesses, polled from the test: the
 * firmware of the tests of OTG core and host. It sends back what it receives, or drops
 * it; and it breaks the rule it is told to.
 */
#ifndef VCPFLASH_TESTS_EMU_USB_TOY_H
#define VCPFLASH_TESTS_EMU_USB_TOY_H

#include "stm32h7_rig.h"
#include "usb_host.h"

/* What it does wrong. */
enum toy_fault {
	TOY_GOOD,
	TOY_SHORT_CONFIGURATION, /* a descriptor less than wTotalLength says */
	TOY_BIG_PACKET,          /* a bulk packet size that full speed has not */
	TOY_NO_ADDRESS,          /* SET_ADDRESS refused */
	TOY_DEAF,                /* never answers its control endpoint */
};

enum toy_mode { TOY_ECHO, TOY_SINK, TOY_FULL /* arms its OUT endpoint once, never again */ };

typedef struct toy {
	rig *r;
	vf_usb_host host;
	uint32_t base;
	bool high;
	enum toy_fault fault;
	enum toy_mode mode;
	uint8_t setup[8];
	uint8_t configuration[75];
	const uint8_t *answer;
	uint32_t left;
	bool status_out, configured;
	uint8_t line[7], lines;
	uint16_t state; /* SET_CONTROL_LINE_STATE */
	uint8_t hold[16 * 512];
	uint32_t held, received, order; /* bytes; those that were not in order */
	bool sending;
	unsigned resets, suspends, wakes;
} toy;

/* On a board, with its clocks, pins and transceiver ready, the cable plugged in. */
toy *toy_new(enum vf_h7_board board, const vf_usb_host_config *config);
void toy_free(toy *t);
/* Up to the point where the core may be reset: clocks, supply, pins. */
void toy_wire(rig *r, enum vf_h7_board board);
void toy_core(rig *r, uint32_t base, bool full);

/* Lets time go by, in which host, core and firmware do their work. */
void toy_run(toy *t, uint64_t ms);
/* … until the host has the port ready and told so; fails the test otherwise. */
void toy_enumerate(toy *t);

#endif
