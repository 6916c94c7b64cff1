/* rig.h - a board's engine on the bench: a host that builds frames, a link that
 * holds or passes bytes, and flash memories as arrays behind the flash door
 * that check every operation they are asked for.
 */
#ifndef VCPFLASH_TESTS_TARGET_RIG_H
#define VCPFLASH_TESTS_TARGET_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/target.h>

enum {
	RIG_INBOX = 256,
	RIG_NOR_SIZE = 64 * 1024,
	RIG_INNER_SIZE = 16 * 1024,
};

#define RIG_NOR_BASE   0x90000000u
#define RIG_INNER_BASE 0x08000000u

typedef struct rig_sizes {
	uint32_t ring, window, frame, tx, work;
} rig_sizes;

typedef struct rig_flash {
	uint8_t *cells;
	const vf_flash_op *op; /* under way */
	bool hold;             /* do not begin what is asked for */
	bool freeze;           /* begin, but do not end */
	uint32_t takes_us;     /* how long every operation takes */
	uint32_t ends_at;
	int status;          /* what the next operation of `status_kind` reports */
	uint8_t status_kind; /* 0 none */
	uint32_t bad_offset; /* cell that does not program, UINT32_MAX none */
	uint32_t begun;      /* operations */
	uint32_t erased, programmed, read, mapped;
} rig_flash;

typedef struct rig_body {
	size_t len;
	uint8_t bytes[VF_WIRE_BODY_MAX];
} rig_body;

typedef struct rig rig;

struct rig {
	vf_target t;
	vf_target_config config;
	vf_memory info[2];
	rig_flash flash[2];
	uint32_t now;
	bool tx_closed; /* the port takes nothing */
	bool loop_rx;   /* rig_put keeps bytes back until there is room */
	uint64_t session;
	uint16_t number; /* of the next frame from the host */
	uint32_t offset; /* of the next stream byte */
	vf_decoder decoder;
	uint8_t decoder_buf[VF_WIRE_BODY_MAX + 4];
	rig_body inbox[RIG_INBOX];
	unsigned count;  /* bodies in the inbox */
	char text[4096]; /* what a person would have seen */
	size_t text_len;
	/* Serves the flash in place of the plain arrays, where it is set. */
	int (*serve)(rig *r, unsigned memory, const vf_flash_op *op);
	void *serve_ctx;
	bool dead; /* no power: nothing moves, until rig_restart */
};

extern const rig_sizes rig_usual;

rig *rig_new(const rig_sizes *sizes);
void rig_free(rig *r);
int rig_init(rig *r);                       /* again, with r->config as it is now */
void rig_restart(rig *r);                   /* power, and nothing in RAM */
void rig_offer_block(rig *r, uint32_t len); /* DEFLATED is understood from now on */

/* Raw bytes and frames to the board; nothing else moves. */
void rig_put(rig *r, const uint8_t *bytes, size_t len);
size_t rig_encode(rig *r, uint8_t *out, uint8_t kind, const uint8_t *rest, size_t len);
void rig_frame(rig *r, uint8_t kind, const uint8_t *rest, size_t len);
void rig_frame_tagged(rig *r, uint8_t kind, uint32_t tag, const uint8_t *rest, size_t len);
void rig_hello(rig *r, uint64_t session);
void rig_data(rig *r, uint32_t offset, const uint8_t *bytes, uint32_t len);

/* Appends to the stream, in frames as large as the board takes, moving the
 * board on while there is no room. */
void rig_stream(rig *r, const uint8_t *bytes, uint32_t len);
void rig_message(rig *r, uint8_t type, uint8_t memory, uint32_t address, uint32_t length);
void rig_digest(rig *r, uint8_t memory, uint32_t address, uint32_t length, uint32_t group);
void rig_program(rig *r, uint8_t memory, uint32_t address, const uint8_t *data, uint32_t len);
/* `data` is a raw deflate stream of `packed` bytes; `len` is what it is said to unpack to. */
void rig_deflated_as(rig *r, uint8_t flags, uint8_t memory, uint32_t address, uint32_t len,
		     const uint8_t *data, uint32_t packed);
void rig_deflated(rig *r, uint8_t memory, uint32_t address, uint32_t len, const uint8_t *data,
		  uint32_t packed);

/* Moves the board on: one turn of a port's main loop; turns for a while. */
void rig_turn(rig *r);
void rig_run(rig *r, uint32_t us);
void rig_start(rig *r); /* hello, and the inbox empty again */

/* What came back. */
const rig_body *rig_last(const rig *r, uint8_t kind); /* NULL if there is none */
unsigned rig_count(const rig *r, uint8_t kind);
void rig_clear(rig *r);
vf_state rig_last_state(const rig *r);
vf_state rig_state(rig *r); /* asks for it */
uint32_t rig_answer(const rig *r, uint32_t operation, uint8_t *out, uint32_t room);

/* A small generator that is the same everywhere. */
uint32_t rig_random(uint64_t *seed);
void rig_random_fill(uint64_t *seed, uint8_t *out, size_t len);

#endif
