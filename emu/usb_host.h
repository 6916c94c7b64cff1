/* usb_host.h - a USB host at the other end of the cable: one root port, one device,
 * and what Linux does with a CDC-ACM function on it. Private to the room.
 *
 * It notices the device's pull-up, resets it, enumerates it, sets the configuration,
 * opens the port as cdc_acm does and carries bytes through the bulk endpoints. Every
 * packet takes its time on the bus; a frame holds no more packets than fit into it.
 * What a device does wrong ends its enumeration with a sentence (`trouble`).
 *
 * usb_host.c has the port and its states, usb_host_bus.c frames and packets,
 * usb_host_control.c control transfers, usb_host_enumerate.c what is asked, and
 * usb_host_hostile.c the host that one does not want.
 *
 * Conventions: the caller owns the struct, which is complete for that; its fields
 * are the room's and the tests' to read. Times in emulated nanoseconds, never going
 * back. Nothing is allocated, no globals; randomness only from `seed`.
 */
#ifndef VCPFLASH_EMU_USB_HOST_H
#define VCPFLASH_EMU_USB_HOST_H

#include "usb_port.h"

enum {
	VF_USB_LINE = 64 * 1024, /* bytes that wait either way; a power of two */
	VF_USB_CONTROL = 1024,   /* data stage of a control transfer */
	VF_USB_ACTIONS = 24,     /* packets of one hostile transfer */
};

typedef struct vf_usb_host_config {
	vf_usb_port port;
	bool full_speed; /* a port or hub that has no high speed */
	uint64_t seed;
	/* After so many packets of the bulk endpoints the cable is pulled for `pulled_ns`. */
	uint64_t pull_after; /* 0: it is not */
	uint64_t pulled_ns;
	uint32_t noise; /* of so many packets one handshake is lost; 0: none */
	/* A line for the person: plugged, enumerated, trouble. NULL allowed. */
	void (*log)(void *context, const char *line);
	void *context;
} vf_usb_host_config;

enum vf_usb_state {
	VF_USB_PULLED,     /* the cable is not in the socket */
	VF_USB_ALONE,      /* it is, and nothing pulls the line up */
	VF_USB_DEBOUNCE,   /* something does */
	VF_USB_RESETTING,  /* the host drives a reset */
	VF_USB_RECOVERING, /* … and waits until the device has got over it */
	VF_USB_PAUSING,    /* the first answer came; a second reset follows */
	VF_USB_ASKING,     /* enumeration */
	VF_USB_ATTACKING,  /* hostile packets, then enumeration */
	VF_USB_READY,      /* configured */
	VF_USB_SUSPENDED,
	VF_USB_RESUMING,
	VF_USB_GIVEN_UP, /* until the cable is pulled */
};

typedef struct vf_usb_pipe {
	uint8_t endpoint;
	uint8_t toggle;
	uint8_t errors;    /* time-outs one after another */
	bool ping;         /* high speed: ask for room before the next packet */
	bool halted;       /* stalled; CLEAR_FEATURE is on its way */
	uint16_t packet;   /* its maximum */
	uint32_t interval; /* of an interrupt endpoint, in (micro)frames */
	uint64_t retry_ns; /* not before */
} vf_usb_pipe;

enum vf_usb_end { VF_USB_STALLED = -1, VF_USB_BROKEN = -2, VF_USB_LATE = -3 };

typedef struct vf_usb_control {
	bool active;
	uint8_t stage; /* enum in usb_host_control.c */
	uint8_t toggle, errors;
	bool ping;
	uint8_t setup[8];
	uint8_t data[VF_USB_CONTROL];
	uint16_t len, done; /* of the data stage: wanted, moved */
	uint16_t packet;    /* of endpoint 0 */
	uint64_t retry_ns, deadline_ns;
	int result; /* bytes moved, or enum vf_usb_end */
} vf_usb_control;

/* A packet of a hostile transfer. */
typedef struct vf_usb_action {
	uint8_t kind; /* enum in usb_host_hostile.c */
	uint8_t address, endpoint, pid;
	uint16_t len;
} vf_usb_action;

typedef struct vf_usb_counts {
	uint64_t out_bytes, in_bytes;     /* of the port, taken by the other end */
	uint64_t out_packets, in_packets; /* of the bulk endpoints, the same */
	uint64_t naks, stalls, timeouts;
	uint64_t repeats; /* IN packets that came again and were dropped */
	uint64_t resets, enumerations, frames;
	uint64_t attacks; /* hostile transfers */
	uint32_t most;    /* bulk packets in one (micro)frame */
} vf_usb_counts;

typedef struct vf_usb_host {
	vf_usb_host_config config;
	enum vf_usb_state state;
	uint64_t random;
	uint64_t now_ns;
	uint64_t wait_ns; /* when the state has lasted long enough */
	unsigned tries;   /* enumerations that failed, one after another */
	bool high;
	unsigned address; /* of the device */
	unsigned step;    /* of the enumeration */
	char trouble[160];

	/* the bus */
	uint64_t frame_ns; /* when the present (micro)frame began */
	uint64_t free_ns;  /* when the bus is free for the next packet */
	uint32_t frame;    /* (micro)frames since the reset */
	uint32_t bulk_now; /* bulk packets in this frame */
	uint8_t turn;      /* whose turn it is: control, interrupt, bulk OUT, bulk IN */
	uint8_t flying;    /* enum in usb_host_bus.c: what is on the wire */
	uint64_t lands_ns;
	uint16_t fly_len;
	uint8_t fly_pid;
	uint8_t packet[VF_USB_PACKET];
	vf_usb_control control;
	vf_usb_pipe bulk_in, bulk_out, notify;
	uint64_t looked_ns; /* when the pull-up was last looked at */
	uint64_t idle_ns;   /* when 3 ms of silence are over; 0: not silent */

	/* the function */
	uint16_t version;      /* bcdUSB */
	uint8_t configuration; /* bConfigurationValue */
	uint8_t interface;     /* of communication */
	uint8_t strings[3];    /* indexes of manufacturer, product, serial number */
	char serial[64], product[64];
	uint32_t baud, baud_told; /* wanted, and told by SET_LINE_CODING */
	bool wanted, opened;      /* somebody has the port open; the device was told */
	bool reading;             /* … and reads */
	uint16_t urb;             /* bytes of the read that is under way */
	uint8_t read[2 * VF_USB_PACKET];
	uint64_t tx_head, tx_tail, rx_head, rx_tail;
	uint8_t tx[VF_USB_LINE], rx[VF_USB_LINE];

	/* hostility */
	uint32_t attacks; /* transfers still to come */
	uint8_t actions, action, retries;
	vf_usb_action list[VF_USB_ACTIONS];

	vf_usb_counts counts;
} vf_usb_host;

/* The cable is not plugged in yet. */
void vf_usb_host_init(vf_usb_host *h, const vf_usb_host_config *config);

uint64_t vf_usb_host_next(const vf_usb_host *h);
void vf_usb_host_advance(vf_usb_host *h, uint64_t now_ns);

/* The cable, at the present time. What was under way is lost. */
void vf_usb_host_plug(vf_usb_host *h, bool in, uint64_t now_ns);
/* The bus falls asleep (3 ms from now), or is woken. In READY only. */
void vf_usb_host_suspend(vf_usb_host *h, bool on, uint64_t now_ns);
/* From now on, and after it a clean enumeration: so many hostile transfers. */
void vf_usb_host_attack(vf_usb_host *h, uint32_t transfers, uint64_t now_ns);
/* Sets the device back as a host does that has lost its patience. */
void vf_usb_host_reset(vf_usb_host *h, uint64_t now_ns);

/* The port is there: enumerated. Then it may be opened. */
bool vf_usb_host_ready(const vf_usb_host *h);
/* Somebody opens or closes it (at once remembered, done when it can be); `reads`:
 * and takes what comes. It is open to begin with. */
void vf_usb_host_open(vf_usb_host *h, bool open, bool reads);
/* Bytes taken; those read. A rate other than the last makes SET_LINE_CODING. */
size_t vf_usb_host_write(vf_usb_host *h, const uint8_t *data, size_t len, uint32_t baud);
size_t vf_usb_host_read(vf_usb_host *h, uint8_t *data, size_t room);

/* ---- between its files ---- */

uint32_t vf_usb_random(vf_usb_host *h);
void vf_usb_say(vf_usb_host *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The device broke a rule: enumeration ends, and is tried again a few times. */
void vf_usb_trouble(vf_usb_host *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A handshake was lost. */
bool vf_usb_noise(vf_usb_host *h);

/* The same reset once more, as part of an enumeration, after a moment. */
void vf_usb_again(vf_usb_host *h);

/* usb_host_bus.c */
void vf_usb_bus_restart(vf_usb_host *h);
uint64_t vf_usb_bus_next(const vf_usb_host *h);
void vf_usb_bus_step(vf_usb_host *h);
uint64_t vf_usb_ns(const vf_usb_host *h, uint32_t bytes); /* bytes on the wire take … */

/* usb_host_control.c: a transfer; `data` has what its OUT stage sends. */
void vf_usb_control_start(vf_usb_host *h, const uint8_t setup[8], const uint8_t *data);
/* Its next packet begins: its data bytes and 1, or 0 where the device refused. */
uint32_t vf_usb_control_begin(vf_usb_host *h);
uint32_t vf_usb_control_size(const vf_usb_host *h); /* data bytes it may have */
void vf_usb_control_land(vf_usb_host *h);           /* it has arrived */

/* usb_host_enumerate.c */
void vf_usb_enumerate(vf_usb_host *h);      /* from the beginning, after a reset */
void vf_usb_enumerate_done(vf_usb_host *h); /* a control transfer has ended */
void vf_usb_enumerate_idle(vf_usb_host *h); /* READY: is there something to be told? */

/* usb_host_hostile.c: the next packet; a reset when nothing is left. */
void vf_usb_hostile(vf_usb_host *h);

#endif
