/* target.h - the board's end: receive ring, operation queue, engine.
 *
 * What a port does (examples/port has two whole ones):
 *
 *   interrupt:  n = vf_target_rx(&t, bytes, len);  // copies, nothing else
 *   main loop:  vf_target_tick(&t, now_us());
 *               p = vf_target_tx(&t, &n);          // not NULL: send it, and say
 *               vf_target_tx_done(&t, sent);       // how much the port took
 *               op = vf_target_flash_next(&t, m);  // not NULL: begin it; at its end
 *               vf_target_flash_done(&t, m, status);
 *               vf_target_rate(&t, &baud)          // true: let the transmitter run
 *                                                  // empty, then set the UART
 *               vf_target_run(&t, &address)        // true: let it run empty, then
 *                                                  // start the application
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
#define VF_TARGET_QUEUE 16 /* operations looked ahead, a power of two; 24 bytes each */
#endif

#ifndef VF_TARGET_MEMORIES
#define VF_TARGET_MEMORIES 2 /* most memories of one board, at most 8 */
#endif

#ifndef VF_TARGET_SET
#define VF_TARGET_SET 32 /* ranges of the set that a journal keeps, 1 to 32; 32 bytes each */
#endif

/* Smallest sizes that work. */
#define VF_TARGET_RING_MIN   1024u
#define VF_TARGET_WINDOW_MIN 512u
#define VF_TARGET_TX_MIN     (VF_WIRE_FRAME_SIZE(VF_WIRE_CONTROL_MAX))

typedef struct vf_target_memory {
	const vf_memory *info; /* what is there; stays valid and unchanged */
	uint8_t *work;         /* 32-byte aligned, work_len bytes: program data, read-back */
	uint32_t work_len;     /* >= 2 pages and >= 64; more makes reads and digests
				* longer-winded */
	const vf_condition *condition; /* for the diagnosis, with its feature; stays valid.
					* NULL: nothing is known */
} vf_target_memory;

typedef struct vf_inflate vf_inflate; /* complete below: place it where you like */

typedef struct vf_target_journal vf_target_journal; /* and so this */

typedef struct vf_target_guard vf_target_guard; /* and this */

/* Other protocols on the same line (docs/GUESTS.md): what the engine asks of them. While
 * no session is open, and only on a board without a key, it shows them what comes in, and
 * sends what they have to say. All are called from the main loop. */
typedef struct vf_target_guest {
	void *self;
	const struct vf_target_visit_feature *engine; /* &vf_target_visit_feature: what of
						       * the engine only boards with guests need */
	/* Bytes that are theirs whatever stands in them, such as the middle of a block: how
	 * many of these are; 0 where they expect none. No frame is looked for in what they
	 * take. */
	size_t (*take)(void *self, const uint8_t *bytes, size_t len);
	/* While they take none: the next ones are theirs, but later. Nobody looks at them, and
	 * they stay in the ring until this is over. */
	bool (*holds)(const void *self);
	/* Any other byte. It may be part of a frame, which only its end tells: one that
	 * nothing else explains is noise. */
	void (*see)(void *self, uint8_t byte);
	/* Each tick. True if another step at once would find something to do. */
	bool (*step)(void *self, uint32_t now_us);
	/* When the next step is due at the latest if nothing happens; false: never. */
	bool (*deadline)(const void *self, uint32_t *at_us);
	/* As vf_target_tx and vf_target_tx_done. What `tx` returned stays valid until all of
	 * it was reported, also after `end`. */
	const uint8_t *(*tx)(void *self, size_t *len);
	void (*tx_done)(void *self, size_t sent);
	/* A host has opened a session: forget everything. What was asked of a chip it
	 * finishes, and nobody learns the outcome. */
	void (*end)(void *self);
} vf_target_guest;

typedef struct vf_target_config {
	const char *name; /* the kind of board, printable ASCII, 1 to 32 characters */
	uint8_t id[VF_WIRE_ID_MAX];
	uint8_t id_len;   /* 0 to 16 */
	uint8_t memories; /* 1 to VF_TARGET_MEMORIES */
	vf_target_memory memory[VF_TARGET_MEMORIES];
	uint8_t *ring;       /* raw receive ring */
	uint32_t ring_len;   /* a power of two, VF_TARGET_RING_MIN to 1 MB */
	uint8_t *window;     /* stream bytes, reassembled */
	uint32_t window_len; /* a power of two, VF_TARGET_WINDOW_MIN to 1 MB, and no
			      * less than any memory's page */
	uint8_t *frame;      /* a received frame. The host is told to put no more payload
			      * into one than the least of frame_len - 16, ring_len / 4
			      * and VF_WIRE_PAYLOAD_MAX */
	uint32_t frame_len;  /* VF_WIRE_CONTROL_MAX + 4 to VF_WIRE_BODY_MAX + 4 */
	uint8_t *tx;         /* one frame to send, encoded */
	uint32_t tx_len;     /* VF_TARGET_TX_MIN to VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX) */
	/* To unpack compressed data: for programming it the link has to carry less.
	 * Without (block_len 0) the host is told so. Longer blocks compress better;
	 * 16 KB are nearly as good as any. */
	uint8_t *block;      /* 32-byte aligned; what a message unpacks to */
	uint32_t block_len;  /* from the largest page of any memory to 1 MB, or 0 */
	vf_inflate *inflate; /* what the unpacker knows, some 2.5 KB */
	bool can_run;        /* the port serves vf_target_run */
	/* A UART whose baud rate can go up (the port serves vf_target_rate). All 0
	 * where it cannot, or where there is no such thing. */
	uint32_t home_rate;    /* at which the port begins, and which hosts know */
	uint32_t rate_max;     /* the highest, not below home_rate */
	const uint32_t *rates; /* those it can do, ascending, none below home_rate; */
	uint8_t rate_count;    /* how many; 0: every one from home_rate to rate_max */
	/* What must outlive a power cut (docs/JOURNAL.md says where that may be): in two
	 * units of journal_unit bytes, one after the other from journal_offset on in
	 * the memory of that index, among the ranges that it protects. NULL: none. */
	vf_target_journal *journal; /* some 1.5 KB where VF_TARGET_SET is 32 */
	uint8_t journal_memory;
	uint32_t journal_offset;
	uint32_t journal_unit;
	/* A key: only a host that holds it too may do more than ask who is there, and
	 * nobody can change, leave out or repeat what it says (docs/SECURITY.md). The
	 * window has at least 1 KB and two pages of any memory then. NULL: whoever
	 * reaches the port may do everything. */
	vf_target_guard *guard;       /* some 450 bytes */
	const uint8_t *key;           /* VF_KEY_SIZE bytes, which stay; from the port's own
				       * flash, where no host can read them */
	uint8_t seed[VF_NONCE_SIZE];  /* that no start of this board had before: random, or
				       * a count of starts that survives a power cut */
	const vf_target_guest *guest; /* stays valid. NULL: none; nor are there any with a key */
} vf_target_config;

typedef struct vf_target vf_target; /* complete below: place it where you like */

/* What a port can do without. The linker keeps the code of what is named here, and
 * docs/FIGURES.md says how much that is; NULL: the board does not do it, and tells
 * the host so. */
typedef struct vf_target_features {
	/* &vf_target_check: vf_target_init_with refuses what breaks the rules above. A port
	 * whose configuration it has accepted once, and never changes, can do without;
	 * what breaks them then has no defined outcome. */
	bool (*check)(const vf_target_config *config, const struct vf_target_features *features);
	bool (*mend)(vf_target *t);                      /* vf_target_mend: one flipped bit of a
							  * frame is put right; for UARTs */
	const struct vf_target_unpack_feature *unpack;   /* &vf_target_unpack_feature: block,
							  * block_len and inflate are used */
	const struct vf_target_rate_feature *rate;       /* &vf_target_rate_feature: home_rate,
							  * rate_max and rates are used */
	const struct vf_target_text_feature *text;       /* &vf_target_text_feature: a person who
							  * presses Return is answered */
	const struct vf_target_journal_feature *journal; /* &vf_target_journal_feature: journal
							  * and what goes with it is used */
	const struct vf_target_guard_feature *guard;     /* &vf_target_guard_feature: guard, key
							  * and seed are used */
	const struct vf_target_condition_feature *condition; /* &vf_target_condition_feature:
							      * the host is told */
} vf_target_features;

bool vf_target_check(const vf_target_config *config, const struct vf_target_features *features);
bool vf_target_mend(vf_target *t);
extern const struct vf_target_unpack_feature vf_target_unpack_feature;
extern const struct vf_target_rate_feature vf_target_rate_feature;
extern const struct vf_target_text_feature vf_target_text_feature;
extern const struct vf_target_journal_feature vf_target_journal_feature;
extern const struct vf_target_guard_feature vf_target_guard_feature;
extern const struct vf_target_condition_feature vf_target_condition_feature;
extern const struct vf_target_visit_feature vf_target_visit_feature;

typedef struct vf_target_stats {
	uint32_t frames; /* intact */
	uint32_t damaged;
	uint32_t lost_bytes; /* the ring was full: the host broke its credit, or the port
			      * took bytes it had no room for */
	uint32_t programmed; /* bytes */
	uint32_t erases;
	uint32_t digested; /* bytes, DIGEST */
	uint32_t hashed;   /* bytes, SHA256 */
	uint32_t unpacked; /* bytes that DEFLATED messages came to */
	uint32_t records;  /* of the journal, written */
	uint32_t units;    /* of the journal, erased */
} vf_target_stats;

/* Copies `config` (not what it points to). VF_OK, or VF_E_USAGE where a size or
 * description breaks the rules above. With all features. */
int vf_target_init(vf_target *t, const vf_target_config *config);

/* The same with the features that are named, which are copied; VF_E_USAGE too where
 * `config` is about one that is not (if vf_target_check is). A port that calls this one instead is
 * smaller. */
int vf_target_init_with(vf_target *t, const vf_target_config *config,
			const vf_target_features *features);

/* May the application be started, as far as the journal knows? Needs no host: call
 * tick and serve the flash door until the journal has been read. */
enum vf_startable {
	VF_STARTABLE_LATER,   /* the journal has not been read yet */
	VF_STARTABLE_NO,      /* the set is incomplete, or the journal unreadable */
	VF_STARTABLE_UNKNOWN, /* there is no journal, or it knows of no set */
	VF_STARTABLE_YES,     /* the set was completed */
};

enum vf_startable vf_target_startable(const vf_target *t);

/* The set as the journal has it, for who compares its digests before the start. */
void vf_target_recall(const vf_target *t, vf_set *set);

/* The digest of one range of a set, mapped at `bytes`: whole sectors of its memory
 * (erase[0].size), at least one. `session` is the set's. Takes what hashing takes, some
 * 10 ms a megabyte at 480 MHz. */
void vf_target_range_digest(const uint8_t *bytes, uint32_t len, uint32_t sector, uint64_t session,
			    uint8_t out[VF_DIGEST_SIZE]);

/* Interrupt-safe. Takes bytes into the ring; returns how many fitted. The rest
 * is counted as lost: who can hold bytes back asks vf_target_rx_space first. */
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

/* True once after a RUN operation was reported to the host, three times, and the
 * port took the last report: let it leave the port, then start what stands at
 * `*address`. */
bool vf_target_run(vf_target *t, uint32_t *address);

/* True once when the port must be set to another baud rate, both directions: all
 * that was given to the transmitter leaves it at the old rate first, and nothing
 * more is given to it until then. */
bool vf_target_rate(vf_target *t, uint32_t *baud);

/* May a host ask for another baud rate? At first it may, where config.rate_max is not 0; a
 * port with a second line that has no such thing, USB, says no while the talk is there. */
void vf_target_offer_rates(vf_target *t, bool offer);

/* A plausible Cortex-M vector table? Eight bytes from the memory: a stack in
 * RAM (0x10000000 to 0x3FFFFFFF, or 1 KB to 4 MB where it is at 0; a multiple of
 * 4) and a reset vector with the Thumb bit; `base` and `size` are the range the
 * reset vector must lie in. */
bool vf_target_vectors_plausible(const uint8_t table[8], uint32_t base, uint32_t size);

const vf_target_stats *vf_target_stats_get(const vf_target *t);

/* --- what guests may ask ----------------------------------------------------- */

/* Of the tick that is being done, or was last. */
uint32_t vf_target_now(const vf_target *t);

/* The description of the board, as it was handed in. */
const vf_target_config *vf_target_config_get(const vf_target *t);

/* A guest works by messages (PROTOCOL 5), as a host does: so rights, protected ranges,
 * the set and the journal hold for it without a line of its own. `open` forgets what an
 * earlier visit left; false while a flash operation of it is still under way, or the
 * journal has not been read: ask again in a later step. A host that opens a session ends
 * the visit. */
bool vf_target_guest_open(vf_target *t);
void vf_target_guest_close(vf_target *t);

/* Bytes of messages, as many as there is room for; how many were taken. */
size_t vf_target_guest_put(vf_target *t, const uint8_t *bytes, size_t len);

typedef struct vf_target_visit {
	bool open;    /* false also once a host has ended it */
	bool stopped; /* `failure` ended it: nothing more is done until the next `open` */
	bool leaving; /* a RUN was carried out: say goodbye, and `leave` */
	uint32_t put; /* messages that were seen, `done` of them finished */
	uint32_t done;
	uint32_t at; /* of the message under way: bytes that are dealt with */
	vf_failure failure;
} vf_target_visit;

vf_target_visit vf_target_guest_visit(const vf_target *t);

/* What READ, DIGEST, SHA256 or RECALL answers, in pieces: the next one, or NULL, and
 * that it was taken. Nothing that follows is done before. */
const uint8_t *vf_target_guest_answer(vf_target *t, size_t *len);
void vf_target_guest_answer_taken(vf_target *t);

/* After a RUN: the board goes once all that the guest has said is sent. */
void vf_target_guest_leave(vf_target *t);

/* The line of PROTOCOL 2.1, "\r\n" at both ends, into `out` of VF_TARGET_TX_MIN bytes;
 * its length. */
size_t vf_target_greeting(const vf_target *t, uint8_t *out);

/* For a guest that changes a chip below the flash door (serprog), where nobody else would
 * keep the journal. What it says is whole or complete is not, once such a guest is at work:
 * true while it says so of anything, or says nothing. Then `out` are the ranges to be put
 * behind a SET that says it is incomplete; `len` their length. */
enum { VF_TARGET_RANGES_SIZE = VF_WIRE_SET_ENTRY * VF_TARGET_SET };
bool vf_target_guest_unmarked(const vf_target *t, uint8_t out[VF_TARGET_RANGES_SIZE],
			      uint32_t *len);
/* May this range be changed now? The journal tells after a cut that it is torn. VF_OK;
 * VF_E_REFUSED; or 1: not yet, ask again. */
int vf_target_guest_change(vf_target *t, unsigned memory, const vf_range *range);

/* What the journal says: enum vf_wire_set. VF_SET_NONE where there is none, or none yet. */
uint8_t vf_target_set(const vf_target *t);

/* --- the engine's state, private ------------------------------------------ */

/* Free-running indices; each is written from one side only. */
typedef struct vf_target_ring {
	_Atomic uint32_t head; /* producer */
	_Atomic uint32_t lost; /* producer: bytes there was no room for */
	_Atomic uint32_t tail; /* consumer */
} vf_target_ring;

/* Reassembly: all before `received` has arrived, all before `consumed` is used
 * up and its room free. */
typedef struct vf_target_stream {
	uint32_t received;
	uint32_t consumed;
	uint8_t islands;
	vf_island island[VF_WIRE_ISLANDS_MAX]; /* ascending, apart from each other */
} vf_target_stream;

typedef struct vf_target_operation {
	uint8_t type; /* enum vf_wire_message */
	uint8_t memory;
	uint8_t status : 7;   /* queued, running, finished */
	uint8_t branches : 1; /* DEFLATED: VF_MESSAGE_BRANCHES */
	uint8_t refusal;      /* found when it was parsed: enum vf_wire_failure_code */
	uint32_t offset;      /* in the memory; of a refused one the address */
	uint32_t length;
	union {
		uint32_t group; /* DIGEST */
		uint32_t rest;  /* PROGRAM, DEFLATED, SET: stream bytes not taken yet */
	};
	uint32_t cursor; /* and the stream offset of the first of them */
	uint32_t at;     /* bytes of the range that are dealt with */
} vf_target_operation;

/* Operations `done` up to `parsed` are in vf_target.slot, modulo its length. */
typedef struct vf_target_queue {
	bool halted;   /* nothing more is parsed: after a refused one, and RUN */
	bool stopping; /* something failed, flash operations are still under way */
	bool stopped;
	uint32_t done;
	uint32_t parsed;
	uint32_t cursor; /* stream offset up to which messages are parsed */
	uint32_t skip;   /* a message's data yet to come before the next message */
	vf_failure failure;
} vf_target_queue;

enum {
	VF_INFLATE_LITERAL_BITS = 9,  /* looked up at once */
	VF_INFLATE_DISTANCE_BITS = 7, /* not below 7 */
};

typedef struct vf_inflate_bits {
	const uint8_t *in, *end;
	uint32_t bits; /* the next one is the lowest */
	uint32_t count;
} vf_inflate_bits;

/* A canonical code: for each length the end of its codes' numbers, and what to
 * add to a number for the place of its symbol (modulo 2^16). */
typedef struct vf_inflate_code {
	uint16_t end[16];
	uint16_t base[16];
} vf_inflate_code;

/* A deflate stream being unpacked. */
struct vf_inflate {
	uint8_t *out;
	uint32_t len;    /* what it must unpack to */
	uint32_t made;   /* of these */
	uint32_t packed; /* input not taken yet */
	vf_inflate_bits input;
	uint32_t match; /* length of the match or stored block that is open, 0 none */
	uint32_t far;   /* the match's distance symbol + 1, 0 not known yet */
	uint8_t state;
	bool last;         /* block */
	uint8_t orders;    /* lengths of the code for the lengths */
	uint16_t literals; /* lengths: of literals and matches, */
	uint16_t all;      /* and of distances too */
	uint16_t have;     /* read of these */
	uint16_t literal_table[1 << VF_INFLATE_LITERAL_BITS];
	uint16_t distance_table[1 << VF_INFLATE_DISTANCE_BITS];
	uint16_t literal_symbol[288];
	uint16_t distance_symbol[32];
	vf_inflate_code literal;
	vf_inflate_code distance;
	uint8_t lengths[320];
};

/* Which operation the unpacker is at. */
typedef struct vf_target_unpack {
	uint32_t number; /* operation; when idle, the first that may be next */
	bool active;
	bool bad;     /* nothing more can be had from it */
	bool starved; /* took all there was */
} vf_target_unpack;

/* What the journal knows of a memory. */
typedef struct vf_target_work {
	vf_range range; /* under way; length 0: nothing is */
	uint8_t how;    /* it is erased first, or not */
	bool failed;    /* it was cut or failed, and must become torn */
	vf_torn torn;
} vf_target_work;

enum {
	VF_JOURNAL_RECORD = 32,
	VF_JOURNAL_UNIT_MIN = 4096,
	VF_JOURNAL_SET_SIZE = VF_WIRE_SET_HEADER + VF_WIRE_SET_ENTRY * VF_TARGET_SET,
};

struct vf_target_journal {
	/* what the records say */
	vf_target_work work[VF_TARGET_MEMORIES];
	uint64_t changed;
	uint8_t set[2][VF_JOURNAL_SET_SIZE]; /* the valid one and the next, as RECALL answers */
	uint8_t which;                       /* is valid */
	uint8_t staged;                      /* ranges of the next */
	/* the log */
	uint32_t generation; /* of the live unit; 0 none */
	uint32_t newest;     /* of any record met */
	uint32_t sequence;   /* of the last record carried out */
	uint32_t slot;       /* to be written next */
	bool opened;
	bool gap;
	bool holds;                      /* held: a record that the next may supersede */
	uint8_t held[VF_JOURNAL_RECORD]; /* the last valid one, of a unit just read */
	/* what it is doing */
	uint8_t phase;
	uint8_t live;   /* unit, 0 or 1 */
	uint8_t pass;   /* over a unit, while it is read */
	uint8_t bad;    /* slots in a row that did not take their record */
	uint32_t best;  /* generation of the other unit, while they are read */
	uint32_t at;    /* of the unit, while it is read */
	uint32_t index; /* record of the state, while it is copied */
	bool loaded;    /* the units were read, or cannot be */
	bool broken;    /* it cannot be read or written */
	bool firm;      /* the record at which the last cut fell is settled */
	bool moving;    /* to the other unit */
	bool wiped;     /* which is erased */
	bool wanted;    /* a record is to be written: */
	bool begun;     /* and being written */
	bool ours;      /* `staged` are of the SET under way, not of one that was dropped */
	bool cancelled; /* it was of a set that has to be written from its begin again */
	bool moved;     /* something has changed that operations wait for */
	uint32_t need;  /* slots, with what belongs to it */
	uint8_t want[VF_JOURNAL_RECORD];
	uint8_t room[2 * VF_JOURNAL_RECORD + 31]; /* record and read-back, somewhere aligned */
};

/* Who may speak, where the board has a key. */
struct vf_target_guard {
	vf_guard_terms terms;     /* of the session */
	uint8_t key[VF_KEY_SIZE]; /* of the session, once it is proven */
	uint64_t sessions;        /* since the start */
	vf_proved answer;         /* to the last PROVE */
	vf_hmac mac;              /* of the message that is next, as far as it has arrived: */
	uint32_t covered;         /* up to this stream offset */
	uint32_t wait_us;         /* after `since` a PROVE is looked at again; 0 it is now */
	uint32_t since;
	uint8_t failures; /* in a row */
	bool proven;
	bool begun;    /* `mac` is in use */
	bool stranger; /* the last PROVE was not the one that proved the session */
};

/* What one memory is doing. */
typedef struct vf_target_unit {
	uint8_t stage; /* of `op`: none, ready, handed out, ended */
	uint8_t type;  /* message it belongs to, 0 none */
	bool orphan;   /* its session is gone: the outcome does not count */
	bool journal;  /* `op` is the journal's */
	bool finished; /* SHA256: the answer was made */
	vf_flash_op op;
	int status;
	uint32_t number;       /* operation */
	uint32_t since;        /* when `op` was handed out */
	vf_branch branch;      /* DEFLATED with branches */
	uint32_t wanted;       /* READ, DIGEST, SHA256: of `op.len` without padding */
	const uint8_t *fresh;  /* DIGEST, SHA256: read and not hashed yet */
	uint32_t fresh_len;    /* how many; 0 none */
	uint32_t hashed;       /* DIGEST, SHA256: bytes of the range so far */
	uint32_t grouped;      /* DIGEST: sectors in the open group */
	const uint8_t *answer; /* bytes to be sent */
	uint32_t answer_len;   /* how many; 0 none */
	uint32_t answer_sent;  /* of these */
	uint32_t answer_at;    /* offset of answer[0] in the whole answer */
	uint32_t filled;       /* DIGEST: answer bytes collected */
	union {
		struct {
			vf_digest sector, group;
		} digest;
		vf_sha256 sha;
	} hash;
} vf_target_unit;

typedef struct vf_target_session {
	uint64_t number;
	bool open;
	bool guest;       /* not open, and a guest's messages are carried out */
	bool fresh;       /* the first one since the start */
	uint16_t payload; /* most the host takes */
	uint16_t seen;
	uint16_t damaged;
	uint16_t mended;
	uint32_t lost; /* bytes lost before this session */
} vf_target_session;

/* One frame on its way out, and what waits to be one. */
typedef struct vf_target_out {
	uint8_t pending;   /* greeting, refuse, ended, welcome, state, rated, proved */
	uint8_t describe;  /* memories asked for, a bit each */
	uint8_t reports;   /* what the frame on its way announces: deaf, run, rate */
	uint8_t turn;      /* memory whose answer goes next */
	bool answered;     /* an ANSWER went last: a STATE goes first */
	bool guest;        /* what is on its way is a guest's */
	bool told_stopped; /* as in the last STATE, and so below */
	uint16_t number;   /* of the next frame */
	uint32_t len;
	uint32_t sent;
	uint32_t told_done;
	uint32_t told_limit;
	uint32_t told_at; /* when it was built */
	uint32_t ended_tag;
	uint32_t refuse_tag;
	vf_refuse refuse;
} vf_target_out;

/* The port's baud rate; nothing of it is used where it cannot change. */
typedef struct vf_target_speed {
	uint32_t now;
	uint32_t asked; /* to be granted by the next RATED */
	uint32_t next;  /* after what is announced has left */
	uint32_t since; /* now: heard of the host last, or was set */
	bool due;       /* the port has to be set to `next` */
	bool trusted;   /* the host said that it can use the present rate */
	bool deaf;      /* was told to be */
	bool withheld;  /* the line that is used now has no rates */
} vf_target_speed;

struct vf_target {
	/* What is used most comes first: short instructions reach no further. */
	uint8_t deaf;        /* none, wanted, being sent, announced */
	uint8_t deaf_memory; /* which, or which was last */
	uint8_t run;         /* none, wanted, being reported, due */
	uint8_t run_reports; /* that have left */
	bool noisy;          /* at noise_at there was what is neither text nor a frame */
	bool asked;          /* a line of text waits to be answered */
	bool restless;       /* a guest has something to do at once */
	uint8_t last[2];     /* last raw bytes, newest first */
	vf_target_out out;
	uint32_t now;
	vf_target_session session;
	vf_target_queue queue;
	vf_target_stream stream;
	vf_target_ring ring;
	vf_decoder decoder;
	vf_target_unpack unpack;
	vf_target_speed speed;
	uint32_t last_at; /* when the last raw bytes were taken */
	uint32_t noise_at;
	uint32_t run_address;
	vf_target_config config;
	vf_target_features with;
	vf_target_stats stats;
	vf_target_unit unit[VF_TARGET_MEMORIES];
	vf_target_operation slot[VF_TARGET_QUEUE];
};

#endif
