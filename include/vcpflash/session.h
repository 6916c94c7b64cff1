/* session.h - the host's end of the wire: one session with one board.
 *
 * An engine: no I/O, no clock, memory through vf_alloc only. Bytes and time are
 * handed in. It knows frames, the stream, credit and loss (PROTOCOL §2-§4); it
 * does not know images or plans (job.h does).
 *
 * Conventions: times are uint64_t microseconds of a clock that never goes back.
 * Sizes in bytes. One context calls it; it keeps no globals, so many sessions
 * may run at once. No pointer may be NULL unless said so. Callbacks must not call
 * back into the session. Memory: about 150 KB a session, taken by vf_session_new,
 * and 2 KB for every READ, DIGEST or SHA256 that waits; whatever the board does.
 */
#ifndef VCPFLASH_SESSION_H
#define VCPFLASH_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/alloc.h>
#include <vcpflash/error.h>
#include <vcpflash/wire.h>

typedef struct vf_session vf_session;

typedef struct vf_session_config {
	vf_alloc alloc;
	/* Where session numbers come from; every call another value. Required. */
	uint64_t (*random)(void *ctx);
	/* A line of somebody's console output (§2.1), cleaned of control bytes,
	 * without its line end. NULL: dropped. */
	void (*text)(void *ctx, const char *line, size_t len);
	/* One line a frame, for --trace. NULL: none. `sent` tells the direction. */
	void (*trace)(void *ctx, uint64_t now_us, bool sent, const uint8_t *body, size_t len);
	void *ctx;
	uint32_t open_timeout_us; /* give up opening after this; 0 = 3 s, and 4.5 s where there
				   * is a rate: a board that another host left at a higher one
				   * comes home within 3 s. Twice that where there is a
				   * rate and only noise arrived */
	uint32_t lost_timeout_us; /* silence beyond what was announced; 0 = 3 s */
	uint16_t payload_max;     /* most payload to use; 0 = what the board takes */
	uint32_t rate;            /* baud rate at which the pipe begins; 0: it has none */
	uint32_t rate_max;        /* to which it may be raised, where the caller serves
				   * vf_session_rate; 0, or not above `rate`: it stays */
	const uint8_t
		*key; /* VF_KEY_SIZE bytes, for boards that have it; stays valid. NULL: none */
} vf_session_config;

/* What the board said of itself. Valid once the session is open. */
typedef struct vf_board {
	vf_welcome welcome;
	vf_memory memory[VF_WIRE_MEMORIES_MAX]; /* welcome.memories of them */
	vf_torn torn[VF_WIRE_MEMORIES_MAX];     /* what is torn in them (§5.5) */
	bool proven; /* it listens to us: it has no key, or knows that we hold it. If not,
		      * nothing can be submitted */
	vf_condition condition[VF_WIRE_MEMORIES_MAX]; /* as far as the board tells (§3.3) */
} vf_board;

enum vf_session_status {
	VF_SESSION_CLOSED,  /* new, or closed in good order */
	VF_SESSION_OPENING, /* hello and descriptions under way */
	VF_SESSION_OPEN,
	VF_SESSION_STOPPED, /* an operation failed: vf_session_failure; open again to go on */
	VF_SESSION_ENDED,   /* the board restarted; open again to go on */
	VF_SESSION_LOST,    /* no answer in time, what answers is no board we can speak
			     * with, or another host took it over: vf_session_error */
	VF_SESSION_CLOSING, /* abort sent, waiting for the answer */
};

enum vf_operation_status {
	VF_OPERATION_WAITING, /* not finished on the board */
	VF_OPERATION_DONE,    /* finished, and its answer is complete */
	VF_OPERATION_DROPPED, /* its session ended first, or it is the one that failed */
};

/* One operation of the queue. The caller owns it and what it points to, and
 * keeps both until it is DONE or DROPPED. */
typedef struct vf_operation {
	vf_message message;
	const uint8_t *data; /* PROGRAM: message.length bytes; NULL means `data_fn`.
			      * DEFLATED: message.packed bytes, SET: message.length bytes,
			      * required */
	/* PROGRAM without `data`: copies bytes [at, at+len) of the operation's data.
	 * It must give the same bytes whenever asked (they may be sent again). */
	void (*data_fn)(void *ctx, uint32_t at, uint8_t *out, uint32_t len);
	void *data_ctx;
	uint8_t *answer; /* READ: message.length; DIGEST: 8 a group; SHA256: 32;
			  * RECALL: 16 + 16 * welcome.entries */
	uint8_t status;  /* enum vf_operation_status; set by the session */
	/* private */
	uint32_t number; /* operation number in the session */
	uint32_t start;  /* stream offset of its header */
	uint32_t part;   /* where its answer begins in that of the operation asked for */
	void *extra;     /* what of the answer is missing */
	bool sealed;     /* its trailer is made */
	uint8_t trailer[VF_TRAILER_SIZE];
	struct vf_operation *next;
} vf_operation;

typedef struct vf_session_stats {
	uint64_t raw_sent, raw_received; /* bytes on the pipe */
	uint64_t stream_sent;            /* stream bytes, repeats included */
	uint64_t stream_repeated;        /* of these, repeats */
	uint32_t frames_sent, frames_received;
	uint32_t damaged_here;  /* chunks from the board that were not intact */
	uint32_t damaged_there; /* chunks the board reported, this session */
	uint32_t mended_there;  /* frames in which it put a flipped bit right, likewise */
	uint32_t lost_there;    /* raw bytes the board had no room for */
	uint32_t round_trip_us; /* smallest seen, 0 none yet */
	uint64_t rate;          /* bytes a second: at least so many at first, then
				 * what the last echo longer than a greeting showed */
	uint16_t payload;       /* size in use now */
	uint32_t baud;          /* baud rate of the session; 0 there is none */
} vf_session_stats;

vf_session *vf_session_new(const vf_session_config *config); /* NULL: no memory */
void vf_session_free(vf_session *s);                         /* NULL is harmless */

/* Opens, or opens anew, with a fresh session number. All operations that are
 * still waiting become DROPPED. */
void vf_session_open(vf_session *s, uint64_t now_us);

/* As vf_session_open, over another pipe than before: one that stands at the rate at
 * which it began, and holds nothing of what was sent. */
void vf_session_open_anew(vf_session *s, uint64_t now_us);

/* Asks the board to stop (ABORT) and waits a short while for its answer, then
 * is CLOSED. The board finishes what its chip is executing. */
void vf_session_close(vf_session *s, uint64_t now_us);

enum vf_session_status vf_session_status(const vf_session *s);
const vf_board *vf_session_board(const vf_session *s);
uint64_t vf_session_number(const vf_session *s);
/* The failure that stopped the session, with STOPPED; else code 0. */
const vf_failure *vf_session_failure(const vf_session *s);
/* One line for the person with ENDED and LOST. */
const vf_error *vf_session_error(const vf_session *s);
/* The newest state the board sent (all zero before the first). */
const vf_state *vf_session_state(const vf_session *s);
/* While it opens: the board looks at no key for so many ms, counted from when it said
 * so, because it was shown a wrong one before. 0: it did not say so. */
uint32_t vf_session_held_ms(const vf_session *s);
const vf_session_stats *vf_session_stats_get(const vf_session *s);

/* Appends an operation to the board's queue. VF_OK; VF_E_USAGE if not open, if
 * the board listens to no operation (vf_board.proven), or to none so long (with a key:
 * header, data and trailer fit into its window), if something it needs (data, room for the answer)
 * is missing, if it erases or programs what an operation still WAITING reads or digests (an answer
 * that got lost has to be asked for again, and must come out the same), or if more than 1 GB waits;
 * VF_E_NOMEM. */
int vf_session_submit(vf_session *s, vf_operation *op);

/* Stream bytes submitted and not yet acknowledged: keep it fed, not flooded. */
uint32_t vf_session_backlog(const vf_session *s);

/* Measures the link: one ECHO with `len` bytes of payload (cut to the board's
 * limit). The answer's time appears in *round_trip_us, 0 until then; best
 * effort: repeats itself when lost. */
void vf_session_echo(vf_session *s, uint16_t len, uint32_t *round_trip_us);

/* Bytes a second that the line carries each way: what echoes or the greeting showed, which may be
 * too low, but not less than the baud rate has it. */
uint64_t vf_session_line_rate(const vf_session *s);

/* What became of a burst. */
typedef struct vf_burst {
	bool done;
	uint32_t frames, bytes; /* raw, sent without regard to credit; */
	uint32_t damaged;       /* chunks of it that were not intact at the board, */
	uint32_t lost;          /* and bytes for which its ring had no room */
} vf_burst;

/* Sends at least `bytes` raw bytes of short ECHO frames without regard to credit, for a board whose
 * port holds back what it has no room for (PROTOCOL §3.6), and asks what arrived: *result is the
 * caller's, and done once the board has told. Nothing else may wait. */
void vf_session_burst(vf_session *s, uint32_t bytes, vf_burst *result);

/* Bytes from the pipe. */
void vf_session_rx(vf_session *s, const uint8_t *data, size_t len, uint64_t now_us);

/* Bytes for the pipe, NULL if there are none; valid until vf_session_tx_done. */
const uint8_t *vf_session_tx(vf_session *s, size_t *len, uint64_t now_us);
void vf_session_tx_done(vf_session *s, size_t sent, uint64_t now_us);

/* True once when the pipe must be set to another baud rate, when all that was
 * taken has left it; nothing is to be sent until then. With it the rate goes up
 * while the session opens, and home again at its end or when it does not hold.
 * Ask after each call of rx, tick, close. */
bool vf_session_rate(vf_session *s, uint32_t *baud);

/* Hand in what has arrived before: tick may find that nothing did. */
void vf_session_tick(vf_session *s, uint64_t now_us);
/* When tick must be called at the latest; UINT64_MAX: nothing is due. */
uint64_t vf_session_deadline(const vf_session *s);

/* One word for a failure code (§5.3), for people and JSON. */
const char *vf_failure_name(uint8_t code);

#endif
