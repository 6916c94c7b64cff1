/* usb_port.h - the USB socket: what a host at the other end of the cable can do to
 * a device, and what it hears. Private to the room. The device side is an OTG core
 * (stm32h7_otg.h), the host side usb_host.h; tests put others in either place.
 *
 * Conventions: one call is one packet or one state of the lines, made when its last
 * bit has passed. Addresses and endpoint numbers are those of the token. Data PIDs: 0
 * is DATA0, 1 is DATA1. Lengths in bytes. Nothing is allocated and nothing blocks.
 */
#ifndef VCPFLASH_EMU_USB_PORT_H
#define VCPFLASH_EMU_USB_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VF_USB_PACKET = 1024 }; /* the longest data packet there is */

enum vf_usb_reply {
	VF_USB_NONE, /* nothing is heard: a time-out */
	VF_USB_ACK,  /* for an IN token: a data packet came */
	VF_USB_NAK,
	VF_USB_NYET, /* taken, and no room for another (high speed) */
	VF_USB_STALL,
};

typedef struct vf_usb_port {
	void *device;

	/* VBUS, from the cable. */
	void (*power)(void *device, bool on);
	/* The device pulls its line up: it is there. */
	bool (*attached)(void *device);
	/* The host drives a reset; then lets go. true: the device agreed on high speed,
	 * which it does only where `high` says that the host can. */
	void (*reset)(void *device);
	bool (*reset_end)(void *device, bool high);
	/* A start of (micro)frame; `frame` counts microframes at high speed. */
	void (*sof)(void *device, uint32_t frame);
	/* 3 ms without any; then the host drives resume. */
	void (*suspend)(void *device, bool on);

	enum vf_usb_reply (*setup)(void *device, unsigned address, unsigned endpoint,
				   const uint8_t packet[8]);
	enum vf_usb_reply (*out)(void *device, unsigned address, unsigned endpoint, unsigned pid,
				 const uint8_t *data, size_t len);
	enum vf_usb_reply (*ping)(void *device, unsigned address, unsigned endpoint);
	/* `data` has room for VF_USB_PACKET. After ACK the host tells whether it took the
	 * packet: without a handshake the device sends it again. */
	enum vf_usb_reply (*in)(void *device, unsigned address, unsigned endpoint, uint8_t *data,
				size_t *len, unsigned *pid);
	void (*in_done)(void *device, unsigned address, unsigned endpoint, bool taken);
} vf_usb_port;

#endif
