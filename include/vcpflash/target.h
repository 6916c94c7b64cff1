/* target.h - the board's end: receive ring, operation queue, engine.
 *
 * What a port does (docs/PORTING.md will lead through it):
 *
 *   interrupt:  n = vf_target_rx(&t, bytes, len);  // copies, nothing else
 *   main loop:  vf_target_tick(&t, now_us());
 *               if ((p = vf_target_tx(&t, &n))) { sent = port_send(p, n); vf_target_tx_done(&t, sent); }
 *               if ((op = vf_target_flash_next(&t, m))) begin it;
 *               when it ended: vf_target_flash_done(&t, m, status);
 *               if (vf_target_run(&t, &address)) start the application;
 *
 * Conventions: an engine. It does no I/O, allocates nothing, reads no clock,
 * never blocks. The struct and all buffers are the caller's and stay valid as
 * long as the engine is used. Times in microseconds (uint32_t, wraps;
 * differences below 2^31), sizes in bytes. vf_target_rx and vf_target_rx_space
 * may be called from an interrupt (one producer); everything else from one
 * context, the main loop. No pointer may be NULL unless said so.
 */
#ifndef VCPFLASH_TARGET_H
#define VCPFLASH_TARGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/flash.h>
#include <vcpflash/status.h>
#include <vcpflash/wire.h>

#ifndef VF_TARGET_QUEUE
#define VF_TARGET_QUEUE 16 /* operations looked ahead; 32 bytes each */
#endif

#ifndef VF_TARGET_MEMORIES
#define VF_TARGET_MEMORIES 2 /* most memories of one board, at most 8 */
#endif

/* Smallest sizes that work. */
#define VF_TARGET_RING_MIN   1024u
#define VF_TARGET_WINDOW_MIN 512u
#define VF_TARGET_TX_MIN     (VF_WIRE_FRAME_SIZE(VF_WIRE_CONTROL_MAX))

typedef struct vf_target_memory {
	const vf_memory *info; /* what is there; stays valid and unchanged */
	uint8_t *work;         /* 32-byte aligned, work_len bytes: program data, read-back */
	uint32_t work_len;     /* >= 2 pages; more makes reads and digests longer-winded */
} vf_target_memory;

typedef struct vf_target_config {
	const char *name;      /* the kind of board, printable ASCII, 1 to 32 characters */
	uint8_t id[VF_WIRE_ID_MAX];
	uint8_t id_len;        /* 0 to 16 */
	uint8_t memories;      /* 1 to VF_TARGET_MEMORIES */
	vf_target_memory memory[VF_TARGET_MEMORIES];
	uint8_t *ring;         /* raw receive ring */
	uint32_t ring_len;     /* a power of two, VF_TARGET_RING_MIN to 1 MB */
	uint8_t *window;       /* stream bytes, reassembled */
	uint32_t window_len;   /* a power of two, VF_TARGET_WINDOW_MIN to 1 MB */
	uint8_t *frame;        /* a received frame; frame_len - 16 bounds the payload */
	uint32_t frame_len;    /* VF_WIRE_CONTROL_MAX + 4 to VF_WIRE_BODY_MAX + 4 */
	uint8_t *tx;           /* one frame to send, encoded */
	uint32_t tx_len;       /* VF_TARGET_TX_MIN to VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX) */
	bool can_run;          /* the port serves vf_target_run */
} vf_target_config;

typedef struct vf_target_stats {
	uint32_t frames;       /* intact */
	uint32_t damaged;
	uint32_t lost_bytes;   /* the ring was full: the host broke its credit, or the port
	                        * took bytes it had no room for */
	uint32_t programmed;   /* bytes */
	uint32_t erases;
	uint32_t digested;     /* bytes, DIGEST */
	uint32_t hashed;       /* bytes, SHA256 */
} vf_target_stats;

typedef struct vf_target vf_target; /* complete below: place it where you like */

/* Copies `config` (not what it points to). VF_OK, or VF_E_USAGE where a size or
 * description breaks the rules above. */
int vf_target_init(vf_target *t, const vf_target_config *config);

/* Interrupt-safe. Takes bytes into the ring; returns how many fitted. */
size_t vf_target_rx(vf_target *t, const uint8_t *data, size_t len);

/* Room in the ring: re-arm a USB OUT endpoint only when a packet fits. */
size_t vf_target_rx_space(const vf_target *t);

/* Bytes to send, or NULL when there are none; valid until vf_target_tx_done,
 * which may report a part. */
const uint8_t *vf_target_tx(vf_target *t, size_t *len);
void vf_target_tx_done(vf_target *t, size_t sent);

/* The next flash operation of one memory, once; NULL when there is none or the
 * last one is not done yet. Its offset counts from the memory's base. */
const vf_flash_op *vf_target_flash_next(vf_target *t, unsigned memory);

/* The operation ended. status: VF_OK or a negative vf_status. */
void vf_target_flash_done(vf_target *t, unsigned memory, int status);

/* Decodes what came in, moves everything on. Call often; nothing happens
 * without it. Work done in one call is bounded by the ring's size. */
void vf_target_tick(vf_target *t, uint32_t now_us);

/* When vf_target_tick must be called at the latest even if nothing happens;
 * false if nothing is due. */
bool vf_target_deadline(const vf_target *t, uint32_t *at_us);

/* True once after a RUN operation was reported to the host and that report was
 * sent: start what stands at `*address`. */
bool vf_target_run(vf_target *t, uint32_t *address);

/* A plausible Cortex-M vector table? Eight bytes from the memory; `base` and
 * `size` are the range the reset vector must lie in. */
bool vf_target_vectors_plausible(const uint8_t table[8], uint32_t base, uint32_t size);

const vf_target_stats *vf_target_stats_get(const vf_target *t);

/* --- the engine's state, private ------------------------------------------ */
/* (completed by the target room) */

#endif
