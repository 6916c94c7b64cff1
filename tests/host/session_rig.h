/* session_rig.h - a session and a whole board (the real `target` engine over flash made of an
 * array), joined by two pipes that can be slow, late and bad, under virtual time.
 */
#ifndef SESSION_RIG_H
#define SESSION_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vcpflash/session.h>
#include <vcpflash/target.h>

enum {
	RIG_PACKET = 64,
	RIG_FLASH = 512 * 1024,
	RIG_SECTOR = 4096,
	RIG_PAGE = 256,
};
#define RIG_BASE(m) ((m) == 0 ? 0x90000000u : 0x08000000u)

typedef struct rig_random {
	uint64_t state;
} rig_random;
uint64_t rig_next(rig_random *r);
uint32_t rig_below(rig_random *r, uint32_t n);
bool rig_chance(rig_random *r, double p);

/* One direction. */
typedef struct rig_line {
	uint64_t rate; /* bytes a second, 0 infinite */
	uint32_t latency_us;
	uint32_t capacity; /* bytes that wait for the line; then the sender waits */
	double change, drop, repeat, insert; /* chance for each byte */
	double again;                        /* chance for each write that all of it comes twice */
	double burst;                        /* chance for each byte that up to 400 vanish */
	double stall; /* chance for each byte that the line pauses up to 1.5 s */
} rig_line;

typedef struct rig_packet {
	uint64_t at_us;
	uint32_t len;
	uint8_t bytes[2 * RIG_PACKET + 2];
} rig_packet;

typedef struct rig_pipe {
	rig_line line;
	rig_packet *packet;
	uint32_t room, head, count;
	uint64_t free_us; /* when the line is idle again */
	uint64_t bytes;   /* that went in */
	uint32_t vanish;  /* of the burst that is being lost */
	bool cut;         /* nothing gets through any more */
} rig_pipe;

typedef struct rig_sizes {
	uint32_t ring, window, frame, tx, work;
	unsigned memories;
	bool blocking;   /* the driver blocks: the board is deaf while it works */
	bool holds_back; /* the port holds the sender back instead of losing bytes */
	uint32_t page_us, erase_us, read_us; /* read: for a KB */
	uint16_t payload_max;
} rig_sizes;

typedef struct rig_flash {
	uint8_t *bytes, *expect;
	vf_memory info;
	const vf_flash_op *op; /* under way */
	uint64_t done_us;
	uint32_t bad_offset; /* programming this one fails; UINT32_MAX none */
	uint8_t *work;
} rig_flash;

typedef struct rig {
	uint64_t now;
	rig_random random;
	rig_sizes sizes;
	rig_pipe out, in; /* host -> board, board -> host */
	vf_target target;
	vf_target_config config;
	rig_flash flash[2];
	vf_session *session;
	vf_session_config session_config;
	uint64_t blocked_us; /* the board's loop stands still until then */
	bool off;            /* the board has no power */
	char text[512];
	uint32_t frames_traced;
	bool verbose;
	long allocations_left; /* fails when it reaches 0; -1 never */
	size_t allocated, allocated_most;
} rig;

rig *rig_new(uint64_t seed, const rig_sizes *sizes, const rig_line *out, const rig_line *in);
void rig_free(rig *r);
/* One event; returns false if nothing will ever happen again. */
bool rig_step(rig *r);
/* Until the session's status is not `while_status`, or `for_us` have passed. */
void rig_while(rig *r, enum vf_session_status while_status, uint64_t for_us);
void rig_run(rig *r, uint64_t for_us);
void rig_open(rig *r);
/* Until the operation is not waiting; fails the test after `for_us`. */
void rig_wait(rig *r, const vf_operation *op, uint64_t for_us);
void rig_restart_board(rig *r);

extern const rig_sizes rig_usual;
extern const rig_line rig_uart, rig_usb, rig_perfect;

#endif
