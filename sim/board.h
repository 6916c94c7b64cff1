/* board.h - what the files of the simulated board share: one direction of a
 * link, the microcontroller's internal flash, and the board's own state.
 *
 * Private to the room. Times are uint64_t microseconds that never go back.
 */
#ifndef VCPFLASH_SIM_BOARD_INTERNAL_H
#define VCPFLASH_SIM_BOARD_INTERNAL_H

#include <vcpflash/guest.h>
#include <vcpflash/nor.h>
#include <vcpflash/serprog.h>
#include <vcpflash/sim.h>
#include <vcpflash/ymodem.h>

/* Whoever receives is interrupted at most this often: what arrives within is
 * handed over together, as DMA or a USB packet does. */
#define VF_SIM_BATCH_US 50u

#define VF_SIM_NEVER UINT64_MAX

/* --- randomness (fault.c) --------------------------------------------------- */

typedef struct vf_sim_rng {
	uint64_t state;
} vf_sim_rng;

uint64_t vf_sim_rng_next(vf_sim_rng *rng);
bool vf_sim_rng_hit(vf_sim_rng *rng, double probability);

/* --- one direction of a link (link.c) ---------------------------------------- */

/* Every byte gets its time of arrival when it is put in. Times inside are the
 * line's own: they stand still while the receiver holds the line back. */
typedef struct vf_sim_link {
	uint8_t *bytes;
	uint64_t *at;
	uint32_t room, head, count; /* room is a power of two */
	uint32_t under_way_max;     /* most bytes put in and not arrived */
	uint64_t rate;
	uint32_t latency_us;
	uint64_t free_us, free_rest; /* when the line has sent all: us and us / rate */
	uint64_t lag_us;             /* caller's time less the line's own */
	bool held;
	double noise; /* probability a byte that it becomes any other */
	vf_sim_fault fault;
	vf_sim_rng rng;
} vf_sim_link;

typedef struct vf_sim_link_config {
	uint64_t rate;
	uint32_t latency_us;
	uint32_t buffer; /* what a sender may be ahead of the line */
	uint32_t unread; /* what the receiver may leave there */
	uint64_t seed;
	const vf_sim_fault *fault;
} vf_sim_link_config;

/* From the next byte on. `buffer` as in the configuration, and not larger. */
void vf_sim_link_tune(vf_sim_link *l, uint64_t rate, uint32_t buffer, double noise);
int vf_sim_link_init(vf_sim_link *l, const vf_alloc *alloc, const vf_sim_link_config *config);
void vf_sim_link_free(vf_sim_link *l, const vf_alloc *alloc);
size_t vf_sim_link_put(vf_sim_link *l, const uint8_t *data, size_t len, uint64_t now);
/* Bytes that have arrived by now and can be had in one piece. */
const uint8_t *vf_sim_link_peek(const vf_sim_link *l, size_t *len, uint64_t now);
void vf_sim_link_take(vf_sim_link *l, size_t len);
/* The receiver has no room for the next byte; it has again. */
void vf_sim_link_hold(vf_sim_link *l);
void vf_sim_link_release(vf_sim_link *l, uint64_t now);
/* When the receiver will be interrupted next; VF_SIM_NEVER if not by itself. */
uint64_t vf_sim_link_next(const vf_sim_link *l, uint64_t now);
/* When a sender that found no room should look again. */
uint64_t vf_sim_link_room_at(const vf_sim_link *l, uint64_t now);
/* The sender dies: what it had not sent never leaves. */
void vf_sim_link_cut(vf_sim_link *l, uint64_t now);

/* --- internal flash (internal.c) ---------------------------------------------- */

enum {
	VF_SIM_INTERNAL_BASE = 0x08000000,
	VF_SIM_INTERNAL_SIZE = 2 << 20,
	VF_SIM_INTERNAL_SECTOR = 128 << 10,
	VF_SIM_INTERNAL_WORD = 32,
	VF_SIM_INTERNAL_WORDS = VF_SIM_INTERNAL_SIZE / VF_SIM_INTERNAL_WORD,
};

typedef struct vf_sim_internal {
	uint8_t *array;
	uint32_t time_percent;
	vf_sim_rng rng;
	vf_memory info;
	bool busy;
	int status;
	vf_flash_op op;
	uint64_t began, ends;
	uint8_t written[VF_SIM_INTERNAL_WORDS / 8]; /* a bit a word */
} vf_sim_internal;

void vf_sim_internal_init(vf_sim_internal *m, uint8_t *array, uint32_t time_percent, uint64_t seed);
void vf_sim_internal_begin(vf_sim_internal *m, const vf_flash_op *op, uint64_t now);
int vf_sim_internal_end(vf_sim_internal *m);
void vf_sim_internal_tear(vf_sim_internal *m, uint64_t now);

/* --- the board ------------------------------------------------------------------ */

enum vf_sim_board_state {
	VF_SIM_OFF,         /* no power until on_at */
	VF_SIM_PROBING,     /* restarted: looks for its chip */
	VF_SIM_DEAD,        /* found none that it can work with */
	VF_SIM_SERVING,     /* the loader's main loop */
	VF_SIM_APPLICATION, /* left the loader */
};

enum { VF_SIM_EXTERNAL = 0, VF_SIM_INTERNAL = 1 };

struct vf_sim_board {
	vf_sim_board_config config;
	uint8_t state;  /* enum vf_sim_board_state */
	uint64_t clock; /* time of what happened last */
	uint64_t on_at;
	vf_sim_link out, in;      /* host -> board, board -> host */
	uint32_t baud, host_baud; /* where the rate can be raised; host 0: the same */
	vf_sim_rng rng;

	vf_sim_chip *chip;
	vf_nor nor;
	uint64_t nor_due; /* end of its transaction or pause, VF_SIM_NEVER if idle */
	bool nor_on_bus;
	uint64_t mapped_due; /* end of a memory-mapped read */
	uint64_t mapped_rest_ns;
	uint64_t skipped; /* pauses that an instantaneous chip spared the driver */
	uint64_t transactions;
	vf_sim_internal *internal;
	vf_memory memory; /* the chip as the board describes it */
	vf_condition condition;

	vf_target target;
	vf_target_config target_config;
	uint8_t *work[2]; /* as allocated; the target's are aligned */
	uint8_t *block;   /* and so this */
	vf_inflate inflate;
	vf_target_journal journal;
	vf_guest guest;
	vf_console console;
	vf_ymodem ymodem;
	uint8_t sector[64 * 1024 + 31]; /* somewhere in it an aligned one */
	vf_serprog_guest serprog;
	uint8_t programmer[4096]; /* its buffer */
	bool guest_bus;           /* what is on the chip's bus is its transaction */
	bool touched;             /* and one of those left the chip as the driver does not know */
	const vf_flash_op *renewing; /* what waits until the driver has looked */
	vf_target_guard guard;
	bool loop_wanted;  /* the main loop has something new to look at */
	uint64_t loop_at;  /* or must look at this time */
	uint64_t cpu_free; /* its processor digests or unpacks until then */
	uint64_t cpu_rest_ns;
	uint32_t digested, hashed, unpacked; /* already charged */
	bool tx_waits;                       /* the link took less than there was to send */
	bool stalled;                        /* the main loop stands in a driver that blocks */
	uint32_t application;
};

/* board.c */
uint32_t vf_sim_board_buffer(uint64_t rate);

/* board_journal.c */
void vf_sim_board_place_journal(vf_sim_board *b);
void vf_sim_board_invite(vf_sim_board *b);

/* board_rate.c */
bool vf_sim_board_can_raise(const vf_sim_board *b);
void vf_sim_board_rate_home(vf_sim_board *b);
bool vf_sim_board_rate_serve(vf_sim_board *b); /* true if it changed */

/* board_power.c */
void vf_sim_board_boot(vf_sim_board *b);
void vf_sim_board_probe_step(vf_sim_board *b);
void vf_sim_board_die(vf_sim_board *b, uint64_t off_us);
int vf_sim_board_explain(const vf_sim_board *b, vf_error *err);
void vf_sim_board_start(vf_sim_board *b, uint32_t address);

/* board_loop.c */
uint64_t vf_sim_board_chip_time(const vf_sim_board *b);
enum vf_nor_step vf_sim_board_nor(vf_sim_board *b);
uint64_t vf_sim_board_event(const vf_sim_board *b);
void vf_sim_board_step(vf_sim_board *b);

#endif
