/* emu.h - an STM32H747I-DISCO or STM32H745I-DISCO that executes its firmware, an
 * engine too.
 *
 * Where sim.h runs the board library compiled for the PC, this runs the machine
 * code that a real board runs: a Cortex-M7 and a Cortex-M4 (libunicorn), the
 * peripherals by their registers, two MT25QL512AB on QUADSPI by the chip model of
 * sim_chip.h, and a USB host at the end of a cable. docs/EMULATOR.md says what is modelled, from
 * which source, and what is simplified.
 *
 * It reads no clock and does no I/O: bytes and time are handed in, and a run
 * repeats exactly. What the manual forbids stops it: run() then fails, and
 * vf_emu_board_stopped says what happened, on which core, at which instruction.
 *
 * Conventions: times are uint64_t nanoseconds of emulated time since power-on of
 * the first run; they never go back. Sizes in bytes. Memory comes from vf_alloc.
 * No globals; randomness only from `seed`.
 */
#ifndef VCPFLASH_EMU_H
#define VCPFLASH_EMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/alloc.h>
#include <vcpflash/error.h>
#include <vcpflash/sim_chip.h>

enum {
	VF_EMU_INTERNAL_BASE = 0x08000000,
	VF_EMU_INTERNAL_SIZE = 2 << 20,
	VF_EMU_EXTERNAL_SIZE = 128 << 20, /* two dies of 64 MB, at 0x90000000 */
	VF_EMU_BOARD_CORES = 2,           /* 0 = Cortex-M7, 1 = Cortex-M4 */
};

/* The boards differ in a few pins, and in where their two virtual COM ports are. */
enum vf_emu_model {
	VF_EMU_H747I_DISCO, /* ST-LINK: USART1; USB socket: OTG1_HS, high speed */
	VF_EMU_H745I_DISCO, /* ST-LINK: USART3; USB socket: OTG2_FS, full speed */
};

typedef struct vf_emu_board_config {
	vf_alloc alloc;
	enum vf_emu_model model;
	uint8_t *internal;     /* internal flash, firmware in it; VF_EMU_INTERNAL_SIZE */
	uint8_t *external;     /* VF_EMU_EXTERNAL_SIZE, in memory-mapped order */
	uint32_t time_percent; /* the chip's program and erase times; 100 = typical */
	unsigned cycles;       /* clock cycles an instruction; 0 = 2 */
	bool m4_held;          /* option bit BCM4 = 0: the Cortex-M4 waits for the M7 */
	uint64_t cut;          /* bus transaction (from 1) after which power dies for a
				* second; 0 never */
	uint64_t seed;
	uint64_t identity;   /* of the part's unique id; 0: the seed's */
	uint64_t unplug;     /* bulk packet (from 1) after which the USB cable is pulled for
			      * a second; 0 never */
	bool usb_full_speed; /* the host's port knows no high speed */
	uint32_t usb_noise;  /* of so many USB packets one handshake is lost; 0 none */
	bool usb_wake_lost;  /* the core raises no interrupt when its bus wakes */
	bool usb_keeps;      /* a reset of the bus leaves its endpoints enabled */
	bool rng_broken;     /* the random number generator has a seed error for good */
	bool crystal_broken; /* HSE never gets ready, */
	bool pll_broken;     /* no PLL does */
	/* A line for the person: resets, power cuts, the USB host. NULL allowed. */
	void (*log)(void *ctx, const char *line);
	void *ctx;
} vf_emu_board_config;

typedef struct vf_emu_board vf_emu_board;

/* VF_OK, or VF_E_USAGE and why: this program was built without the emulator. */
int vf_emu_available(vf_error *err);

/* Makes the board and turns it on. NULL: `err` says why; VF_E_USAGE where this
 * program was built without the emulator. */
vf_emu_board *vf_emu_board_new(const vf_emu_board_config *config, vf_error *err);
void vf_emu_board_free(vf_emu_board *b);

/* The host's side of the ST-LINK's virtual COM port. write: bytes that the line takes now
 * (a sender that is ahead of it is held back), sent at `baud`; 0: whatever the
 * board has. read: bytes that the board sent; those sent at another rate than
 * `baud` arrive as others. */
size_t vf_emu_board_write(vf_emu_board *b, const uint8_t *data, size_t len, uint32_t baud);
size_t vf_emu_board_read(vf_emu_board *b, uint8_t *buf, size_t room, uint32_t baud);

/* The host at the board's own USB socket. It enumerates what it finds there and opens
 * the port of a CDC-ACM function, as Linux does. The cable is not plugged in until
 * plug(…, true). A port that is not ready takes no bytes, and what was under way when
 * the cable was pulled is lost. A rate other than 0 that differs from the last is told to
 * the board (SET_LINE_CODING). */
void vf_emu_usb_plug(vf_emu_board *b, bool in);
bool vf_emu_usb_ready(const vf_emu_board *b);
size_t vf_emu_usb_write(vf_emu_board *b, const uint8_t *data, size_t len, uint32_t baud);
size_t vf_emu_usb_read(vf_emu_board *b, uint8_t *buf, size_t room);
/* Somebody has the port open (to begin with: yes), and takes what comes. */
void vf_emu_usb_open(vf_emu_board *b, bool open, bool reads);
/* The computer falls asleep, or wakes. */
void vf_emu_usb_suspend(vf_emu_board *b, bool on);
/* A reset of the bus; so many hostile transfers drawn from the seed, and then an
 * ordinary enumeration. */
void vf_emu_usb_reset(vf_emu_board *b);
void vf_emu_usb_attack(vf_emu_board *b, uint32_t transfers);
/* The last rule of USB that the board broke, one line; empty: none. */
const char *vf_emu_usb_trouble(const vf_emu_board *b);

typedef struct vf_emu_usb_counts {
	uint64_t out_bytes, in_bytes;     /* of the port: towards the board, from it */
	uint64_t out_packets, in_packets; /* bulk packets that were taken */
	uint64_t naks, stalls, timeouts, repeats;
	uint64_t resets, enumerations, frames, attacks;
	uint32_t most; /* bulk packets in a frame or microframe */
} vf_emu_usb_counts;
void vf_emu_usb_count(const vf_emu_board *b, vf_emu_usb_counts *counts);

/* Lets everything happen that is due by `until_ns`. VF_OK, or VF_E_FLASH once the
 * run was stopped. */
int vf_emu_board_run(vf_emu_board *b, uint64_t until_ns);
const char *vf_emu_board_stopped(const vf_emu_board *b); /* NULL: it was not */
uint64_t vf_emu_board_now(const vf_emu_board *b);
/* When something happens by itself; now while a core is awake. */
uint64_t vf_emu_board_next(const vf_emu_board *b);

/* The reset button; the user button; power off for `off_ns` from now on (what runs
 * in the chip or in the internal flash is left torn). */
void vf_emu_board_reset(vf_emu_board *b);
void vf_emu_board_button(vf_emu_board *b, bool pressed);
void vf_emu_board_power_cut(vf_emu_board *b, uint64_t off_ns);

/* What was executed since the board was made. */
typedef struct vf_emu_counts {
	uint64_t instructions[VF_EMU_BOARD_CORES];
	uint64_t handlers[VF_EMU_BOARD_CORES]; /* of those, in exceptions */
	uint64_t received, sent;               /* bytes on the ST-LINK's port */
	uint64_t transactions;                 /* on the external flash's bus … */
	uint64_t pages, erases;                /* … page programs and erases among them */
} vf_emu_counts;
void vf_emu_board_counts(const vf_emu_board *b, vf_emu_counts *counts);
/* Instructions of a core at [from, to) from now on; the index for `watched`, or
 * VF_E_NOMEM. It slows the board down. */
int vf_emu_board_watch(vf_emu_board *b, unsigned core, uint32_t from, uint32_t to);
uint64_t vf_emu_board_watched(const vf_emu_board *b, int index);

#endif
