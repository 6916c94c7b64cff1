/* wire.h - what both ends share: frames, field layouts, checks, digests.
 *
 * docs/PROTOCOL.md is the law; section numbers here refer to it. Freestanding:
 * no heap, no globals, no clock. Sizes in bytes; numbers on the wire are
 * little-endian. No pointer may be NULL. Functions returning int give 0 or a
 * positive count, and a negative value for bytes that are no such thing.
 */
#ifndef VCPFLASH_WIRE_H
#define VCPFLASH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/flash.h>

enum {
	VF_WIRE_VERSION = 1,
	VF_WIRE_MARKER = 0xF8,
	VF_WIRE_HEADER = 8,         /* marker, kind, number, tag */
	VF_WIRE_CRC = 4,            /* behind the body */
	VF_WIRE_DATA_HEADER = 12,   /* header and offset */
	VF_WIRE_ANSWER_HEADER = 16, /* header, operation and offset */
	VF_WIRE_RATE_SIZE = 12,     /* of RATE and RATED: header and a rate */
	VF_WIRE_PAYLOAD_MIN = 64,
	VF_WIRE_PAYLOAD_MAX = 4096,
	VF_WIRE_CONTROL_MAX = 240, /* longest body of a frame without payload */
	VF_WIRE_BODY_MAX = VF_WIRE_ANSWER_HEADER + VF_WIRE_PAYLOAD_MAX,
	VF_WIRE_ISLANDS_MAX = 4,
	VF_WIRE_MEMORIES_MAX = 8,
	VF_WIRE_RING_MIN = 1024,
	VF_WIRE_WINDOW_MIN = 512,
	VF_WIRE_CREDIT_MIN = 83, /* a DATA frame with the least payload, raw */
	VF_WIRE_ID_MAX = 16,
	VF_WIRE_TORN_MAX = 4,
	VF_WIRE_SET_MAX = 32,   /* ranges of a set (§5.5) */
	VF_WIRE_SET_ENTRY = 16, /* bytes of one, in SET and in RECALL's answer */
	VF_WIRE_SET_HEADER = 16,
	VF_WIRE_BOARD_NAME_MAX = 32,
	VF_WIRE_MESSAGE_HEADER = 12,
	VF_WIRE_MESSAGE_LONG = 16,
	VF_DIGEST_SIZE = 8,
	VF_SHA256_SIZE = 32,
	VF_KEY_SIZE = 32,     /* of a board's key, and of a session's (§3.8) */
	VF_NONCE_SIZE = 16,   /* what each end adds that was never there before */
	VF_TRAILER_SIZE = 16, /* behind each message to a board with a key (§5.6) */
};

/* Bytes on the pipe of a frame with a body of `n` bytes: two delimiters, CRC,
 * and COBS' code bytes. */
#define VF_WIRE_FRAME_SIZE(n) ((n) + 4u + ((n) + 4u) / 254u + 1u + 2u)

/* §3, §4 */
enum vf_wire_kind {
	VF_KIND_HELLO = 0x01,
	VF_KIND_DESCRIBE = 0x02,
	VF_KIND_QUERY = 0x03,
	VF_KIND_ABORT = 0x04,
	VF_KIND_ECHO = 0x05,
	VF_KIND_DATA = 0x06,
	VF_KIND_RATE = 0x07,
	VF_KIND_PROVE = 0x08,
	VF_KIND_WELCOME = 0x81,
	VF_KIND_MEMORY = 0x82,
	VF_KIND_STATE = 0x83,
	VF_KIND_ECHOED = 0x85,
	VF_KIND_ANSWER = 0x86,
	VF_KIND_REFUSE = 0x87,
	VF_KIND_ENDED = 0x88,
	VF_KIND_RATED = 0x89,
	VF_KIND_PROVED = 0x8A,
};

/* §5 */
enum vf_wire_message {
	VF_MESSAGE_ERASE = 0x01,
	VF_MESSAGE_PROGRAM = 0x02,
	VF_MESSAGE_READ = 0x03,
	VF_MESSAGE_DIGEST = 0x04,
	VF_MESSAGE_SHA256 = 0x05,
	VF_MESSAGE_RUN = 0x06,
	VF_MESSAGE_DEFLATED = 0x08,
	VF_MESSAGE_SET = 0x09,
	VF_MESSAGE_RECALL = 0x0A,
};

/* §5.5, of WELCOME and RECALL; the first three of SET too */
enum vf_wire_set_state {
	VF_SET_NONE = 0,
	VF_SET_INCOMPLETE = 1,
	VF_SET_COMPLETE = 2,
	VF_SET_UNREADABLE = 3,
};

/* §3.6 */
enum vf_wire_refusal {
	VF_REFUSE_VERSION = 1,
	VF_REFUSE_KIND = 2,
	VF_REFUSE_MEMORY = 3,
	VF_REFUSE_UNPROVEN = 4,
};

/* §5.3 */
enum vf_wire_failure_code {
	VF_FAIL_NONE = 0,
	VF_FAIL_UNKNOWN = 1,
	VF_FAIL_MALFORMED = 2,
	VF_FAIL_RANGE = 3,
	VF_FAIL_PROTECTED = 4,
	VF_FAIL_ERASE = 5,
	VF_FAIL_PROGRAM = 6,
	VF_FAIL_MISMATCH = 7,
	VF_FAIL_LOCKED = 8,
	VF_FAIL_TIMEOUT = 9,
	VF_FAIL_BUS = 10,
	VF_FAIL_ABSENT = 11,
	VF_FAIL_NO_APPLICATION = 12,
	VF_FAIL_RIGHTS = 13,
	VF_FAIL_OTHER = 14,
	VF_FAIL_PACKING = 15,
	VF_FAIL_UNMARKED = 16,
	VF_FAIL_INCOMPLETE = 17,
	VF_FAIL_JOURNAL = 18,
	VF_FAIL_UNPROVEN = 19,
};

/* STATE flags */
enum {
	VF_STATE_STOPPED = 1u << 0,
	VF_STATE_DEAF = 1u << 1,
	VF_STATE_BUSY = 1u << 2,
};

enum {
	VF_CAP_RUN = 1u << 0,
	VF_CAP_JOURNAL = 1u << 1,
	VF_CAP_KEY = 1u << 2,
	VF_CAP_FRESH = 1u << 3, /* the board's first session since it started */
};

/* HELLO flags */
enum { VF_HELLO_DESCRIBE = 1u << 0 };

/* Message flags */
enum {
	VF_MESSAGE_BRANCHES = 1u << 0, /* DEFLATED, §5.4 */
	VF_MESSAGE_TRAILER = 1u << 7,  /* §5.6 */
};

/* PROVED, §3.8 */
enum vf_wire_proved {
	VF_PROVED_YES = 0,
	VF_PROVED_NO = 1,    /* that was another key */
	VF_PROVED_LATER = 2, /* not looked at: too soon after one that was wrong */
};

/* --- numbers ------------------------------------------------------------- */

static inline uint16_t vf_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | (uint32_t)p[1] << 8);
}

static inline uint32_t vf_get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void vf_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void vf_put32(uint8_t *p, uint32_t v);

/* a - b in modular arithmetic: negative when `a` is before `b`. */
static inline int32_t vf_offset_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static inline int16_t vf_number_diff(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(a - b);
}

/* --- checks and digests ---------------------------------------------------- */

/* CRC-32 of IEEE 802.3, incremental: begin with VF_CRC32_INIT, feed, finish. */
#define VF_CRC32_INIT 0xFFFFFFFFu
uint32_t vf_crc32_update(uint32_t crc, const uint8_t *data, size_t len);
static inline uint32_t vf_crc32_final(uint32_t crc)
{
	return ~crc;
}

/* What a CRC run over data and its own CRC comes to, before `final`. */
#define VF_CRC32_RESIDUE 0xDEBB20E3u

/* HalfSipHash-2-4, 64 bits out (§5.2). */
typedef struct vf_digest {
	uint32_t v[4];
	uint32_t total;  /* bytes so far */
	uint8_t tail[4]; /* bytes of an unfinished word: total % 4 of them */
} vf_digest;

void vf_digest_init(vf_digest *d, uint64_t session);
void vf_digest_update(vf_digest *d, const uint8_t *data, size_t len);
void vf_digest_final(vf_digest *d, uint8_t out[VF_DIGEST_SIZE]);

typedef struct vf_sha256 {
	uint32_t h[8];
	uint32_t total; /* bytes so far; a range on the wire has less than 2^32 */
	uint8_t block[64];
} vf_sha256;

void vf_sha256_init(vf_sha256 *s);
void vf_sha256_update(vf_sha256 *s, const uint8_t *data, size_t len);
void vf_sha256_final(vf_sha256 *s, uint8_t out[VF_SHA256_SIZE]);

/* HMAC-SHA-256 (RFC 2104), incremental. Holds a secret: wipe it when it is over. */
enum { VF_HMAC_BLOCK = 64 };

typedef struct vf_hmac {
	vf_sha256 inner;
	uint8_t pad[VF_HMAC_BLOCK];
} vf_hmac;

void vf_hmac_init(vf_hmac *h, const uint8_t *key, size_t len);
void vf_hmac_update(vf_hmac *h, const uint8_t *data, size_t len);
void vf_hmac_final(vf_hmac *h, uint8_t out[VF_SHA256_SIZE]);

/* Comparison in a time that does not depend on the bytes. */
bool vf_same_secret(const uint8_t *a, const uint8_t *b, size_t len);

/* What both ends of a session with a key know of it, and what they make of it and
 * the key (§3.8). */
typedef struct vf_guard_terms {
	uint64_t session;
	uint8_t board[VF_NONCE_SIZE], host[VF_NONCE_SIZE];
} vf_guard_terms;

enum vf_guard_use { VF_GUARD_HOST_PROOF, VF_GUARD_BOARD_PROOF, VF_GUARD_SESSION_KEY };
enum { VF_GUARD_LABEL = 16 };

void vf_guard_derive(uint8_t out[VF_SHA256_SIZE], const uint8_t key[VF_KEY_SIZE],
		     enum vf_guard_use use, const vf_guard_terms *terms);

/* A board's nonce for its `count`th session since it started, out of bytes that no
 * other start had: never the same twice, and nobody without the key can tell it. */
void vf_guard_nonce(uint8_t nonce[VF_NONCE_SIZE], const uint8_t key[VF_KEY_SIZE],
		    const uint8_t seed[VF_NONCE_SIZE], uint64_t count);

/* The trailer of the session's message `number` (§5.6): begin, vf_hmac_update with
 * header and data, end. */
void vf_trailer_begin(vf_hmac *h, const uint8_t session_key[VF_KEY_SIZE], uint64_t number);
void vf_trailer_end(vf_hmac *h, uint8_t trailer[VF_TRAILER_SIZE]);

/* --- frames ---------------------------------------------------------------- */

/* Encodes one frame out of pieces, so that payload need not be copied first:
 * begin, put any number of times, end. `out` has room for VF_WIRE_FRAME_SIZE
 * of the body; what does not fit is not written and end returns 0. */
typedef struct vf_encoder {
	uint8_t *out;
	size_t room;
	size_t at;   /* next byte to write */
	size_t code; /* where the code byte of the open COBS block stands */
	uint32_t crc;
	bool full; /* did not fit */
} vf_encoder;

void vf_encode_begin(vf_encoder *e, uint8_t *out, size_t room);
void vf_encode_put(vf_encoder *e, const uint8_t *data, size_t len);
size_t vf_encode_end(vf_encoder *e); /* bytes of the frame, 0 if it did not fit */

/* Fills the eight bytes that every body begins with. */
void vf_put_header(uint8_t p[VF_WIRE_HEADER], uint8_t kind, uint16_t number, uint32_t tag);

/* Takes raw bytes in any pieces and finds frames and text among them. One
 * decoder serves both ends. `buf` is the caller's, with room for the longest
 * body that it wants to receive and 4 bytes of CRC (so 12 at the least); longer
 * chunks count as damaged. */
typedef struct vf_decoder {
	uint8_t *buf;
	size_t room;
	size_t len;    /* bytes in buf; after FRAME the body's, without CRC */
	uint8_t state; /* private from here */
	uint8_t first; /* first byte of a chunk, until the second one tells what it is */
	uint8_t code;  /* COBS: code byte of the open block, 255 means no zero after it */
	uint8_t left;  /* COBS: bytes to come of the open block */
} vf_decoder;

enum vf_decoder_event {
	VF_DECODE_MORE = 0, /* all input was taken, nothing to say */
	VF_DECODE_FRAME,    /* buf[0..len) is an intact body, header checked */
	VF_DECODE_DAMAGED,  /* a chunk that began as a frame was not intact: buf[0..len)
			     * is what it holds, CRC included; len 0: its coding is broken */
	VF_DECODE_TEXT,     /* buf[0..len) is text: a line with its end (CR or LF),
			     * or what there was before a delimiter or a full buf */
};

void vf_decoder_init(vf_decoder *d, uint8_t *buf, size_t room);

/* Takes bytes up to the one that makes an event; returns how many. Call again
 * with the rest. It can be 0 of them, with TEXT: only the byte after a lone CR
 * or LF shows that this was a line, and is left for the next call. buf is valid
 * until then. */
size_t vf_decode(vf_decoder *d, const uint8_t *in, size_t len, enum vf_decoder_event *event);

/* Finds the one flipped bit of a damaged chunk of `len` bytes, body and CRC, and puts it right
 * (§4.4): the body's length, or 0 where no single bit explains it. Chunks with two flipped
 * bits are never taken for one; of those with more, about one in 2^32 for each bit that the
 * chunk has. Takes time in proportion to the length: some 60 instructions a byte on a Cortex-M4. */
size_t vf_mend(uint8_t *buf, size_t len);

/* Text that has no line end yet, for a caller that waited long enough (§2.1):
 * returns its length and forgets it; buf holds it. 0 if there is none. A lone
 * first byte of a chunk counts, and if F8 follows late it is a frame even so. */
size_t vf_decoder_flush_text(vf_decoder *d);

/* True when a lone first byte or unfinished line is pending. */
bool vf_decoder_has_text(const vf_decoder *d);

static inline uint8_t vf_body_kind(const uint8_t *body)
{
	return body[1];
}

static inline uint16_t vf_body_number(const uint8_t *body)
{
	return vf_get16(body + 2);
}

static inline uint32_t vf_body_tag(const uint8_t *body)
{
	return vf_get32(body + 4);
}

/* --- bodies ---------------------------------------------------------------
 * pack: writes a whole body, header included, into `out`
 * (VF_WIRE_CONTROL_MAX bytes) and returns its length.
 * unpack: 0, or -1 where the body is too short or contradicts §3; strings come
 * out NUL-terminated with anything unprintable replaced by '?'. */

typedef struct vf_hello {
	uint8_t version_min, version_max;
	uint16_t payload;
	uint64_t session;
	uint32_t flags;
} vf_hello;

typedef struct vf_welcome {
	uint8_t version, version_max, memories, trailer;
	uint64_t session;
	uint32_t capabilities, ring, credit, window;
	uint16_t payload, answer, queue;
	uint8_t id_len;
	uint8_t id[VF_WIRE_ID_MAX];
	uint32_t block; /* most bytes a DEFLATED message unpacks to; 0: not understood */
	uint32_t rate;  /* highest baud rate of its port; 0: it does not change */
	char name[VF_WIRE_BOARD_NAME_MAX + 1];
	/* With VF_CAP_JOURNAL, else 0: */
	uint8_t set;      /* enum vf_wire_set_state */
	uint8_t entries;  /* most ranges of a set, 1 to VF_WIRE_SET_MAX */
	uint64_t changed; /* the last session that changed the flash; 0 none known */
	/* With VF_CAP_KEY, else 0: */
	uint8_t nonce[VF_NONCE_SIZE]; /* the board's, of this session */
} vf_welcome;

/* What of a memory is torn: offsets in it, ascending, apart from each other (§5.5). */
typedef struct vf_torn {
	uint8_t count;
	vf_range range[VF_WIRE_TORN_MAX];
} vf_torn;

/* One range of a set, and all of it as RECALL answers. */
typedef struct vf_set_entry {
	uint32_t address, length;
	uint8_t digest[VF_DIGEST_SIZE];
} vf_set_entry;

typedef struct vf_set {
	uint8_t state; /* enum vf_wire_set_state */
	uint8_t count;
	uint64_t session; /* the key of its digests */
	vf_set_entry entry[VF_WIRE_SET_MAX];
} vf_set;

typedef struct vf_failure {
	uint32_t operation;
	uint8_t code; /* enum vf_wire_failure_code; VF_FAIL_NONE when there is none */
	uint8_t memory, expected, found;
	uint32_t address, count;
} vf_failure;

typedef struct vf_island {
	uint32_t start, end;
} vf_island;

typedef struct vf_state {
	uint8_t flags, islands;
	uint16_t seen;
	uint32_t received, limit, done;
	uint16_t damaged, lost;
	uint8_t message, memory;
	uint16_t mended;
	uint32_t typical_ms, maximum_ms;
	vf_island island[VF_WIRE_ISLANDS_MAX];
	vf_failure failure; /* meaningful with VF_STATE_STOPPED */
} vf_state;

typedef struct vf_refuse {
	uint8_t code, kind, version_min, version_max;
} vf_refuse;

typedef struct vf_prove {
	uint8_t nonce[VF_NONCE_SIZE]; /* the host's */
	uint8_t proof[VF_SHA256_SIZE];
} vf_prove;

typedef struct vf_proved {
	uint8_t result;                /* enum vf_wire_proved */
	uint32_t wait_ms;              /* until a PROVE is looked at again; 0 with VF_PROVED_YES */
	uint8_t proof[VF_SHA256_SIZE]; /* the board's; 0 without VF_PROVED_YES */
} vf_proved;

typedef struct vf_message {
	uint8_t type, flags, memory;
	uint32_t address, length;
	uint32_t group;  /* DIGEST only */
	uint32_t packed; /* DEFLATED only: compressed bytes that follow */
} vf_message;

size_t vf_pack_hello(uint8_t *out, uint16_t number, const vf_hello *h);
int vf_unpack_hello(vf_hello *h, const uint8_t *body, size_t len);
size_t vf_pack_welcome(uint8_t *out, uint16_t number, const vf_welcome *w);
int vf_unpack_welcome(vf_welcome *w, const uint8_t *body, size_t len);
/* `torn` is NULL where the board keeps no journal. */
size_t vf_pack_memory(uint8_t *out, uint16_t number, uint32_t tag, uint8_t index,
		      const vf_memory *m, const vf_torn *torn);
/* Checks all that §3.3 demands. A board that says nothing of torn ranges has none. */
int vf_unpack_memory(uint8_t *index, vf_memory *m, vf_torn *torn, const uint8_t *body, size_t len);
/* The condition that may stand behind the torn ranges (so there must be some, or their
 * count, 0): packs it into `out`, and returns its length, at most 33. Unpacks it from a body
 * that vf_unpack_memory has accepted; what is missing or contradicts §3.3 is not known. */
size_t vf_pack_condition(uint8_t *out, const vf_condition *c);
void vf_unpack_condition(vf_condition *c, const uint8_t *body, size_t len);
size_t vf_pack_state(uint8_t *out, uint16_t number, uint32_t tag, const vf_state *s);
int vf_unpack_state(vf_state *s, const uint8_t *body, size_t len);
size_t vf_pack_refuse(uint8_t *out, uint16_t number, uint32_t tag, const vf_refuse *r);
int vf_unpack_refuse(vf_refuse *r, const uint8_t *body, size_t len);
size_t vf_pack_prove(uint8_t *out, uint16_t number, uint32_t tag, const vf_prove *p);
int vf_unpack_prove(vf_prove *p, const uint8_t *body, size_t len);
size_t vf_pack_proved(uint8_t *out, uint16_t number, uint32_t tag, const vf_proved *p);
int vf_unpack_proved(vf_proved *p, const uint8_t *body, size_t len);

/* Bytes that follow a message's header, before the trailer if there is one. */
uint32_t vf_message_data(const vf_message *m);

/* Message headers in the stream: pack returns 12, or 16 for DIGEST and DEFLATED. */
size_t vf_pack_message(uint8_t out[VF_WIRE_MESSAGE_LONG], const vf_message *m);
/* Needs 12 bytes, and 16 where the first is DIGEST or DEFLATED: returns the header's
 * length, or 0 if `len` is too short to tell. Checks nothing else. */
size_t vf_unpack_message(vf_message *m, const uint8_t *bytes, size_t len);

/* A range as it follows SET's header; and RECALL's answer: -1 where its length is
 * not that of a set, or it has more ranges than it says it could have. */
void vf_pack_set_entry(uint8_t out[VF_WIRE_SET_ENTRY], const vf_set_entry *e);
void vf_unpack_set_entry(vf_set_entry *e, const uint8_t bytes[VF_WIRE_SET_ENTRY]);
int vf_unpack_set(vf_set *s, const uint8_t *answer, size_t len);

/* --- branches (§5.4) ------------------------------------------------------- */

/* A walk over a stretch of Thumb code that turns the distances in its BL
 * instructions into places, or back. */
typedef struct vf_branch {
	uint32_t at; /* offset in the memory of the next byte; even */
	bool places; /* distances -> places, or the way back */
	bool open;   /* a BL straddled the end of the last piece; false at first */
	uint8_t rest[2];
} vf_branch;

/* The next `len` bytes of the stretch, in -> out, which are the same or apart. A
 * piece that is not the last has an even length, and `ahead` says that two more
 * bytes of the stretch follow at in + len (2); 0 for the last one. */
void vf_branch_walk(vf_branch *b, const uint8_t *in, uint32_t len, uint32_t ahead, uint8_t *out);

#endif
