/* sim.h - whole simulated boards and paced links, an engine too.
 *
 * A simulated board is the real target engine and chip driver over a simulated
 * chip (sim_chip.h). It reads no clock and does no I/O: whoever owns it hands
 * in bytes and time, so the same board runs under virtual time in a test and
 * in real time behind a pseudo-terminal. What happens does not depend on how
 * often it is asked: everything is worked off in order, each at its own time.
 *
 * Conventions: times are uint64_t microseconds that never go back. Sizes in
 * bytes. Memory comes from vf_alloc. No globals; randomness only from `seed`.
 */
#ifndef VCPFLASH_SIM_H
#define VCPFLASH_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/alloc.h>
#include <vcpflash/error.h>
#include <vcpflash/sim_chip.h>
#include <vcpflash/target.h>

/* --- faults (commands.md: --fault) ---------------------------------------- */

enum vf_sim_cut {                    /* where in its transaction the power dies */
		  VF_SIM_CUT_TORN,   /* half-way through */
		  VF_SIM_CUT_BEFORE, /* it never reached the chip */
		  VF_SIM_CUT_AFTER,  /* it did, and what it began is torn at once */
};

typedef struct vf_sim_fault {
	double corrupt, drop, dup; /* probability a byte, each direction */
	double stall;
	uint32_t stall_ms;   /* probability a byte that the line pauses */
	uint32_t bad_rate;   /* baud; above it one byte in twenty is another; 0 never */
	double reset;        /* probability a received byte that the board restarts */
	uint64_t cut;        /* bus transaction (from 1, those of the first probe
			      * included) in which power dies for a second; 0 never */
	uint8_t cut_how;     /* enum vf_sim_cut */
	uint64_t unplug;     /* emulated boards: bulk packet (from 1) after which the USB
			      * cable is pulled for a second; 0 never */
	uint32_t bad_bits;   /* entries in bad_bit */
	uint32_t bad_bit[8]; /* addresses of cells that will not program */
	bool overrun;        /* the board's port takes what its ring has no room for */
	uint8_t silent;      /* no chip answers: 1, every bit reads 1; 2, every bit reads 0 */
	bool protect;        /* all block-protect bits of the chip are set */
	uint8_t left_in;     /* how the chip is met at first: enum vf_sim_mode */
} vf_sim_fault;

/* Reads a --fault SPEC. VF_OK or VF_E_USAGE with a line saying what is wrong. */
int vf_sim_fault_parse(vf_sim_fault *fault, const char *spec, vf_error *err);

/* --- one direction of a link ------------------------------------------------ */

typedef struct vf_sim_link_model {
	uint64_t out_rate, in_rate; /* bytes a second host->board, board->host; 0 = infinite */
	uint32_t latency_us;        /* each way */
	bool loses;                 /* what the board has no room for is lost (a UART);
				     * otherwise it waits in the link (USB) */
	uint32_t baud;              /* of a UART, else 0 */
} vf_sim_link_model;

/* usb-fs | usb-hs | uart:BAUD | ideal, as measure.md has them. */
int vf_sim_link_parse(vf_sim_link_model *model, const char *spec, vf_error *err);

/* --- boards ------------------------------------------------------------------ */

enum vf_sim_journal { /* where the board keeps its journal (JOURNAL.md) */
		      VF_SIM_JOURNAL_NONE,
		      VF_SIM_JOURNAL_EXTERNAL, /* the chip's last two erase units */
		      VF_SIM_JOURNAL_INTERNAL, /* the internal flash's last two sectors */
};

enum vf_sim_guests { /* other protocols on its line (GUESTS.md); none with a key */
		     VF_SIM_GUEST_CONSOLE = 1u << 0,
		     VF_SIM_GUEST_YMODEM = 1u << 1,
		     VF_SIM_GUEST_SERPROG = 1u << 2,
};

typedef struct vf_sim_board_config {
	vf_alloc alloc;
	const char *name;        /* what the board calls itself; NULL = "vcpflash-sim" */
	vf_sim_chip_config chip; /* part, dies, array, time_percent, bus rate, seed … */
	uint32_t base;           /* address of the chip */
	uint8_t *internal;       /* NULL, or 2 MB: an STM32H7's internal flash at 0x08000000,
				  * 128 KB sectors, 32-byte unit written once, first sector
				  * protected */
	uint8_t journal;         /* enum vf_sim_journal; its range is protected */
	const uint8_t *key;      /* VF_KEY_SIZE bytes: it listens only to hosts that hold it;
				  * NULL: to all */
	uint8_t guests;          /* enum vf_sim_guests, any of them */
	bool free_cpu;           /* digests and unpacking take no time of the board's processor */
	bool no_deflate;         /* compressed data is not understood */
	bool blocking;           /* serve the chip as a vendor driver does: the main loop
				  * stands still during an operation (deaf) */
	uint32_t ring, window;   /* 0 = 64 KB, 256 KB */
	uint16_t payload;        /* most payload; 0 = as the ring allows */
	vf_sim_link_model link;
	uint32_t max_baud; /* of a UART: to which the host may raise it; 0: it stays */
	vf_sim_fault fault;
	uint64_t seed;
	uint64_t identity; /* of its unique id; 0: the seed's */
	/* The application was started (RUN): a line for the person. NULL allowed. */
	void (*log)(void *ctx, const char *line);
	void *ctx;
} vf_sim_board_config;

typedef struct vf_sim_board vf_sim_board;

/* Builds and probes; it is ready some milliseconds after time 0. `config` is
 * copied, not what it points to. NULL: `err` says why (an unknown chip with its
 * id, say): VF_E_USAGE, VF_E_FLASH or VF_E_NOMEM. */
vf_sim_board *vf_sim_board_new(const vf_sim_board_config *config, vf_error *err);
void vf_sim_board_free(vf_sim_board *b);

/* The host's side of the link. write: bytes the link takes now (a sender that
 * is ahead of the line is held back). read: bytes that have arrived by now.
 * Both let everything happen first that is due by then. */
size_t vf_sim_board_write(vf_sim_board *b, const uint8_t *data, size_t len, uint64_t now_us);
size_t vf_sim_board_read(vf_sim_board *b, uint8_t *buf, size_t room, uint64_t now_us);

/* Lets everything happen that is due by `now_us`. */
void vf_sim_board_run(vf_sim_board *b, uint64_t now_us);
/* When something is due next, bytes that arrive at the host included;
 * UINT64_MAX if nothing ever happens by itself. */
uint64_t vf_sim_board_next(const vf_sim_board *b);

/* The reset button (the chip goes on with what it does); power off for
 * `off_us` (an operation that runs is left torn). What the board had not yet
 * sent is gone, and so is what arrives until it is up again. */
void vf_sim_board_reset(vf_sim_board *b, uint64_t now_us);
void vf_sim_board_power_cut(vf_sim_board *b, uint64_t now_us, uint64_t off_us);

/* The baud rate that the host's port has now, where the board's can be raised:
 * what passes while the two differ is garbled, either way. 0, and before the
 * first call: whatever the board has. */
void vf_sim_board_host_rate(vf_sim_board *b, uint32_t baud);
uint32_t vf_sim_board_rate(const vf_sim_board *b); /* the board's; 0 it has none */

/* Other faults from now on; `cut` counts the transactions from here, and cells that
 * will not program stay as they are. */
void vf_sim_board_faults(vf_sim_board *b, const vf_sim_fault *fault);
uint64_t vf_sim_board_transactions(const vf_sim_board *b); /* so far */

vf_sim_chip *vf_sim_board_chip(vf_sim_board *b);
const vf_target_stats *vf_sim_board_target_stats(const vf_sim_board *b);
const vf_target *vf_sim_board_target(const vf_sim_board *b); /* for what it knows by itself */
bool vf_sim_board_running(const vf_sim_board *b, uint32_t *address); /* an application */

#endif
