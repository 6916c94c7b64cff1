/* serprog.h - flashrom's serial programmer protocol on the board's line
 * (docs/GUESTS.md): its commands in, bus transactions with one NOR chip out.
 *
 *     vf_serprog_init(&s, &config);
 *     taken = vf_serprog_rx(&s, bytes, len);       // the rest is offered again later
 *     p = vf_serprog_tx(&s, &n);                   // not NULL: send it, and say
 *     vf_serprog_tx_done(&s, sent);                // how much the port took
 *     op = vf_serprog_bus_next(&s);                // not NULL: carry it out; then
 *     vf_serprog_bus_done(&s, status);
 *     vf_serprog_change_next(&s, &range)           // true: is this to be allowed? then
 *     vf_serprog_change_done(&s, status);
 *     vf_serprog_tick(&s, now_us);
 *
 * A controller of a quad chip cannot send arbitrary bytes, so each SPI operation is looked up
 * in a table of known opcodes and becomes a transaction with address, dummy clocks and data;
 * what is not in the table is answered with NAK. The chip's address mode is never touched:
 * the client's "enter 4-byte mode" and bank register are kept here, and array commands go out
 * in the form in which the driver uses the chip. So what was checked against protected ranges
 * is what is carried out, whatever the client believes.
 *
 * Conventions: an engine. It does no I/O, allocates nothing, reads no clock, never blocks.
 * All from one context. Times in microseconds (uint32_t, wraps), sizes in bytes. The struct
 * and the buffer are the caller's. No pointer may be NULL unless said so.
 */
#ifndef VCPFLASH_SERPROG_H
#define VCPFLASH_SERPROG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/bus.h>
#include <vcpflash/flash.h>
#include <vcpflash/guest.h>
#include <vcpflash/nor.h>
#include <vcpflash/status.h>

enum {
	VF_SERPROG_NAME = 16,            /* bytes of a programmer's name, padded with zeros */
	VF_SERPROG_HEAD = 6,             /* most bytes of an operation before its data */
	VF_SERPROG_COMMAND_US = 2000000, /* one whose last byte comes later is broken off */
	VF_SERPROG_IDLE_US = 30000000,   /* a client that is silent for so long has left */
};

typedef struct vf_serprog_config {
	const char *name;        /* of the board; its first 16 characters are the programmer's */
	const vf_nor *nor;       /* a probe succeeded. Read only */
	const vf_memory *memory; /* what the board says of that chip, with what it protects */
	uint8_t *buf;            /* 32-byte aligned, nobody else's while a visit lasts */
	uint32_t buf_len;        /* at least a page of the chip and 64. More: longer reads */
	uint32_t serial_len;     /* bytes that may be sent ahead of an answer: the board's ring */
} vf_serprog_config;

typedef struct vf_serprog_known vf_serprog_known; /* a line of the table of opcodes */

typedef struct vf_serprog_piece { /* of what is being read, in half of the buffer */
	uint32_t len;             /* 0: free */
	uint32_t sent;
} vf_serprog_piece;

/* Private, complete so that it can be placed anywhere. */
typedef struct vf_serprog {
	vf_serprog_config config;
	uint8_t state;
	uint8_t command;
	uint8_t params;   /* bytes of `param` that are there, and */
	uint8_t wanted;   /* that there will be */
	uint8_t head_len; /* of `head` there, */
	uint8_t head_max; /* and before data comes */
	uint8_t sfdp_pad; /* bytes that are read in place of dummy bytes that were not sent */
	bool selected;    /* the client chose SPI: operations are carried out */
	bool four;        /* it entered the 4-byte mode */
	uint8_t bank;     /* and wrote this to the bank register */
	uint8_t enable;   /* its last write-enable, 0 none since the last change */
	bool again;       /* others used the chip since */
	bool refused;     /* the operation that is being received */
	bool asked;       /* vf_serprog_change_next gave the range away */
	bool lost;        /* a byte was no command */
	bool on_bus;
	bool abandoned;  /* what is on the bus is nobody's any more */
	bool reenabling; /* what is on the bus is `enable`, not the operation */
	bool told;       /* ACK of what is being read */
	bool stale;      /* what the port is sending was for a client that is gone */
	uint32_t handed; /* bytes that the port is sending; 0 none */
	uint8_t tries;
	uint8_t nops;        /* in a row, while it should be listening */
	uint8_t fill, drain; /* pieces: which is read into next, which is sent */
	uint8_t out_len, out_sent;
	uint32_t now, heard, began;  /* command */
	uint32_t send_len, read_len; /* of the operation */
	uint32_t taken;              /* of send_len */
	uint32_t data_len;           /* in the buffer */
	uint32_t at, left;           /* yet to be read */
	const vf_serprog_known *known;
	vf_range range; /* that the operation changes */
	vf_bus_op op, extra;
	vf_serprog_piece piece[2];
	uint8_t param[6];
	uint8_t head[VF_SERPROG_HEAD];
	uint8_t out[33];
} vf_serprog;

/* Copies `config`. VF_OK, or VF_E_USAGE: the chip was not probed, is one of two in parallel
 * (one client's id, SFDP and status would be those of two chips), or the buffer is too
 * small. */
int vf_serprog_init(vf_serprog *s, const vf_serprog_config *config);

/* Forgets the client: nothing is selected, nothing received, nothing to be sent. What the
 * port is sending stays valid, and a transaction that is under way has still to be
 * reported. */
void vf_serprog_reset(vf_serprog *s);

/* Call vf_serprog_tick before. How many of these bytes were taken. */
size_t vf_serprog_rx(vf_serprog *s, const uint8_t *data, size_t len);

/* Are the next bytes a command for later? Then vf_serprog_rx takes none: a client may be
 * answered, and send its next command, before the board knows that the answer has left; and
 * it may send ahead. Not while more is yet to be read than fits the buffer, nor when nothing
 * has moved for VF_SERPROG_COMMAND_US: then a client that begins anew is listened for. */
bool vf_serprog_holds(const vf_serprog *s);

/* Bytes to send, or NULL; valid until vf_serprog_tx_done, which may report a part. */
const uint8_t *vf_serprog_tx(vf_serprog *s, size_t *len);
void vf_serprog_tx_done(vf_serprog *s, size_t sent);

/* The next transaction, once; NULL where there is none, or the last one is not done. `status`
 * is VF_OK or a negative vf_status. */
const vf_bus_op *vf_serprog_bus_next(vf_serprog *s);
void vf_serprog_bus_done(vf_serprog *s, int status);

/* True once for each erase or program operation before it goes out: the caller keeps its
 * journal, and answers VF_OK or a negative vf_status (the client gets NAK). The range is
 * what will be changed, and nothing of it is protected. */
bool vf_serprog_change_next(vf_serprog *s, vf_range *range);
void vf_serprog_change_done(vf_serprog *s, int status);

/* The driver has used the chip between two transactions: what the client enabled is enabled
 * again before it is made use of. */
void vf_serprog_disturbed(vf_serprog *s);

void vf_serprog_tick(vf_serprog *s, uint32_t now_us);
bool vf_serprog_deadline(const vf_serprog *s, uint32_t *at_us);

/* Is there a client that chose SPI and has not taken its leave? And: is a command, its answer
 * or a transaction unfinished? */
bool vf_serprog_active(const vf_serprog *s);
bool vf_serprog_busy(const vf_serprog *s);

/* Is it in the middle of a command, whose length it knows? Does it want the chip, now or once
 * a change is allowed? Did it hear what no client says, so that its bytes cannot be trusted? */
bool vf_serprog_expects(const vf_serprog *s);
bool vf_serprog_wants_chip(const vf_serprog *s);
bool vf_serprog_lost(const vf_serprog *s);

/* Does this transaction leave the chip in another state than the driver knows? All do that do
 * not only read. */
static inline bool vf_serprog_touches(const vf_bus_op *op)
{
	return op->dir != VF_BUS_READ;
}

/* --- as a guest of a board ------------------------------------------------------------------
 *
 *     vf_serprog_invite(&serprog, &guest, 0, &config);  // after vf_guest_init
 *     op = vf_serprog_guest_bus(&serprog);  // in the main loop, while no operation of that
 *     vf_serprog_guest_bus_done(&serprog, status);      // memory is under way; one at a time
 *
 * Whoever serves the flash door of that memory calls vf_nor_renew before the driver's next
 * operation once a transaction went out that vf_serprog_touches the chip.
 */

typedef struct vf_serprog_guest {
	vf_serprog engine;
	vf_guest *guest;
	uint8_t memory;
	uint8_t zeros;  /* in a row, while nobody is active */
	uint8_t change; /* how far `range` has come, private */
	bool waits;     /* for the engine of the board */
	vf_range range;
	uint8_t set[VF_TARGET_RANGES_SIZE];
} vf_serprog_guest;

/* `memory` is the chip's index on the board; what vf_serprog_init says of `config`, and if
 * that is no VF_OK the guest has not joined. */
int vf_serprog_invite(vf_serprog_guest *s, vf_guest *g, unsigned memory,
		      const vf_serprog_config *config);

/* `self` is a vf_serprog_guest. */
const vf_bus_op *vf_serprog_guest_bus(void *self);
void vf_serprog_guest_bus_done(void *self, int status);

#endif
