/* session_internal.h - what the files of the session share: its state, and who does what.
 *
 *   session.c        life: new, open, close, accessors
 *   session_rx.c     what the board says, all but STATE
 *   session_state.c  STATE: checked, then acted upon
 *   session_tx.c     composes frames, only when the pipe asks for bytes
 *   session_time.c   tick and deadline
 *   session_stall.c     how long a board is believed that gets nothing done
 *   session_text.c   other people's console output
 *   session_rate.c   the baud rate
 *   session_prove.c  a board with a key
 *   session_burst.c  more at once than the board has room for
 *   stream.c         operations as one sequence of bytes, made anew whenever needed
 *   stream_answer.c  answers, and asking again for what is missing of them
 *   link.c           what is under way, and what was lost
 *   link_pace.c      credit, length of frames, how much, how long
 */
#ifndef VCPFLASH_SESSION_INTERNAL_H
#define VCPFLASH_SESSION_INTERNAL_H

#include <vcpflash/session.h>

enum {
	SENT_MAX = 2048,    /* frames under way that we remember */
	SENT_RESERVE = 128, /* of these, kept free of DATA so that QUERY always fits */
	LOST_MAX = 128,     /* lost ranges; more are merged, which only repeats bytes */
	CONTROL_MAX = 2,    /* control frames unanswered, PROTOCOL §4.1 */
	TX_ROOM = 64 * 1024,
	GAPS_MAX = 16,  /* missing pieces of one answer */
	AGAIN_MAX = 16, /* times that one is asked for again before only its bytes count */
};

#define MS                 UINT64_C(1000)
#define REPEAT_US          (250u * MS) /* §6 */
#define ECHO_BYTE_US       200u        /* there and back at 115200 baud: 174; the least */
#define OVERDUE_US         (10000u * MS)
#define GRACE_US           (60000u * MS) /* for what goes on beside the work announced */
#define CLOSE_US           (1000u * MS)
#define DEAF_MAX_MS        3600000u /* no board is deaf for longer, whatever it says */
#define TEXT_FLUSH_US      (300u * MS)
#define QUERY_MIN_US       (20u * MS)
#define BACKLOG_MAX        (1u << 30)
#define DATA_FRAME_SIZE(n) VF_WIRE_FRAME_SIZE(VF_WIRE_DATA_HEADER + (uint32_t)(n))

typedef struct span { /* [start, end) in the stream */
	uint32_t start, end;
} span;

typedef struct sent_frame {
	uint64_t at_us;
	uint32_t offset;
	uint16_t len; /* stream bytes; 0 for ECHO and QUERY */
	uint16_t raw; /* bytes that count against the credit; 0 for QUERY */
	uint16_t number;
	uint8_t kind;
} sent_frame;

/* What the error rate of one direction is estimated from; all is halved now and then, so that
 * old times are forgotten. */
typedef struct link_trial {
	uint64_t bytes;
	uint32_t frames, losses, mended; /* mended: arrived, but with a flipped bit */
} link_trial;

enum rate_stage { RATE_NONE, RATE_ASK, RATE_PROVE, RATE_CONFIRM, RATE_RETURN };

/* Everything that is known of the line, and what is on it. */
typedef struct link_state {
	sent_frame sent[SENT_MAX]; /* ring of what `seen` has not passed */
	uint32_t sent_head, sent_count;
	uint32_t controls; /* QUERY frames among them */
	uint64_t flight;   /* raw bytes among them */

	span lost[LOST_MAX]; /* to be sent again: ascending, apart */
	uint32_t lost_count;

	link_trial out, in;

	uint64_t rate;                        /* bytes a second that the pipe delivers, 0 unknown */
	uint64_t greeting_bytes, greeting_us; /* the fastest question and answer, both ways */
	uint64_t echo_bytes, echo_us;         /* the same of longer echoes, 0 none */
	uint64_t delivered, delivered_us;
	struct {
		bool active, idle;
		uint16_t number;
		uint64_t from_us, from_bytes;
	} sample;
} link_state;

/* The answer of one operation, and the operations that ask for pieces of it. */
typedef struct stream_answer {
	vf_operation *op;
	uint32_t uncounted; /* bytes that were no step forward yet: none twice, §6 */
	uint32_t again;     /* times that pieces were asked for again, up to AGAIN_MAX */
	uint32_t gaps;      /* entries used: what is missing, ascending, apart */
	span gap[GAPS_MAX];
	uint32_t asked; /* bit i: piece[i] is in the queue */
	vf_operation piece[GAPS_MAX];
} stream_answer;

struct vf_session {
	vf_session_config config;
	enum vf_session_status status;
	vf_error error;
	vf_board board;
	vf_state state;
	vf_failure failure;
	vf_session_stats stats;
	uint64_t number;
	uint32_t tag;
	uint16_t next_number; /* of the next frame */
	uint64_t now;

	/* receiving */
	vf_decoder decoder;
	uint64_t heard_us; /* last intact frame of ours */
	uint64_t open_bytes;
	uint32_t open_frames, open_lines;
	uint64_t text_us; /* when unfinished text was first noticed, 0 none */
	bool has_state;

	/* opening */
	bool welcomed;
	bool coming_home; /* noise was given the time in which a board comes home */
	uint64_t hello_us;
	uint32_t hellos;
	uint64_t give_up_us;
	uint64_t foreign_us;  /* since when it is known to be deaf for another host; 0 it is not */
	uint64_t foreign_for; /* the longest silence that it announced there, µs */
	uint64_t repeat_us;
	bool want_hello, want_abort;
	bool described[VF_WIRE_MEMORIES_MAX];
	uint64_t asked_us[VF_WIRE_MEMORIES_MAX]; /* when, or when another came */

	/* the stream */
	vf_operation *first, *last; /* not finished on the board, in order */
	vf_operation *cursor;       /* the one that holds `next` */
	uint32_t next;              /* first stream byte never sent */
	uint32_t end;               /* past the last submitted */
	uint32_t operations;        /* submitted in this session */
	uint32_t answering;         /* operations of the caller whose answer is incomplete */

	/* waiting */
	bool waiting;
	uint64_t wait_us;  /* since when */
	uint64_t drain_us; /* the pipe last took bytes */
	uint64_t query_us; /* last asked, for any reason of time */
	uint32_t backoff;
	bool want_query;
	uint64_t deaf_us;    /* silence is announced until then; 0 none */
	uint64_t overdue_us; /* since when the board shows no time left; 0 it does */
	uint64_t moved_us;   /* since when nothing changed though something should */

	/* what may still pass without a step forward */
	struct {
		bool fresh;            /* all of it, from the next look at the clock */
		uint64_t charged_us;   /* up to then time is accounted for */
		uint64_t idle_us;      /* while the board says that it does nothing, */
		uint64_t work_us;      /* and while it says that it is busy or deaf */
		uint64_t announced_us; /* the longest silence announced since the last step, if
					* longer than any operation */
		uint64_t stream, room; /* bytes of the caller that were not counted yet when
					* they arrived, when there was room for them */
	} stall;

	/* echo */
	struct {
		uint32_t *result; /* NULL: none asked for */
		uint16_t len, id;
		bool want;
		uint64_t at_us;
	} echo;

	/* burst */
	struct {
		vf_burst *result;       /* NULL: none under way */
		uint32_t left;          /* raw bytes yet to be sent */
		uint16_t last;          /* number of its last frame, */
		uint16_t damaged, lost; /* the board's counts before it */
	} burst;

	/* the baud rate */
	struct {
		uint32_t home, now; /* now: the pipe's, as the session wants it, */
		uint32_t pipe;      /* and as it was told */
		uint32_t limit;     /* highest worth trying */
		uint32_t ask;
		enum rate_stage stage;
		unsigned tries, good, bad;
		bool send, proving;
		uint16_t first; /* number of the stage's first frame */
		uint16_t echo_len, echo_id;
		uint64_t at_us, due_us, end_us; /* sent, to be answered, to be over */
		uint64_t sent_us, nudged_us;    /* any frame was sent; was wanted */
		uint64_t fell_us;               /* went home for silence; 0 not */
	} rate;

	/* a board with a key */
	struct {
		vf_guard_terms terms;
		uint8_t key[VF_KEY_SIZE]; /* of the session */
		bool proving, want, sealing;
		bool doubted; /* it said no: is it still the board that welcomed us? */
		unsigned rounds;
		uint32_t held_ms; /* the board made us wait */
	} guard;

	/* sending */
	size_t tx_len, tx_at;
	link_state link;
	uint8_t tx[TX_ROOM];
	uint8_t body[VF_WIRE_BODY_MAX + 4];
	uint8_t rx[VF_WIRE_BODY_MAX + 4];
};

/* session.c */
void vf_session_set_lost(vf_session *s, int code, const char *fmt, ...)
#if defined(__GNUC__)
	__attribute__((format(printf, 3, 4)))
#endif
	;
void vf_session_drop_all(vf_session *s);
void vf_session_opened(vf_session *s);

/* session_state.c */
void vf_session_on_state(vf_session *s, const uint8_t *body, size_t len);

/* session_stall.c */
uint64_t vf_stall_silence(const vf_state *n); /* how long it may be deaf, µs */
void vf_stall_begin(vf_session *s); /* the caller waits, and nothing else was waited for */
void vf_stall_submitted(vf_session *s, uint32_t bytes); /* stream bytes of the caller */
/* Before the state changes, and whenever time is looked at: up to now. */
void vf_stall_charge(vf_session *s);
void vf_stall_on_state(vf_session *s, const vf_state *before);
void vf_stall_bytes(vf_session *s, uint32_t bytes); /* that were missing came */
void vf_stall_step(vf_session *s);                  /* something of the caller's is done */
uint64_t vf_stall_end(const vf_session *s);
void vf_stall_give_up(vf_session *s);

/* session_text.c */
void vf_session_on_text(vf_session *s, size_t len);
bool vf_session_text_due(const vf_session *s, uint64_t *at_us);

/* session_burst.c */
bool vf_burst_frame(vf_session *s); /* composes the next; false: there is none */
void vf_burst_on_state(vf_session *s);

/* session_tx.c */
size_t vf_session_put_echo(vf_session *s, uint16_t len); /* the echo's raw bytes */

/* session_time.c */
uint64_t vf_session_query_time(const vf_session *s);

/* session_rate.c */
bool vf_rate_begin(vf_session *s); /* all is known: true if there is a higher rate to try */
void vf_rate_on_rated(vf_session *s, const uint8_t *body, size_t len);
void vf_rate_refused(vf_session *s);
void vf_rate_on_echoed(vf_session *s, const uint8_t *body, size_t len);
void vf_rate_on_state(vf_session *s, const uint8_t *body, size_t len);
void vf_rate_tick_opening(vf_session *s);
size_t vf_rate_body(vf_session *s, uint8_t *body);
void vf_rate_reset(vf_session *s);
void vf_rate_go_home(vf_session *s);
void vf_rate_watch(vf_session *s);
uint64_t vf_rate_deadline(const vf_session *s);
uint64_t vf_rate_excuse(const vf_session *s);
void vf_rate_alive(vf_session *s);
bool vf_rate_unsure(const vf_session *s); /* what arrives may be of another rate */

/* session_prove.c */
bool vf_prove_begin(vf_session *s); /* all is described: true if there is a key to show */
size_t vf_prove_body(vf_session *s, uint8_t *body); /* 0: nothing to send now */
void vf_prove_on_proved(vf_session *s, const uint8_t *body, size_t len);
size_t vf_seal_header(const vf_session *s, const vf_operation *op,
		      uint8_t header[VF_WIRE_MESSAGE_LONG]);
const uint8_t *vf_seal(vf_session *s, vf_operation *op); /* its trailer */

/* stream.c */
void vf_stream_reset(vf_session *s);
void vf_stream_append(vf_session *s, vf_operation *op);
/* Puts stream bytes [at, at+len) into the encoder. */
void vf_stream_encode(vf_session *s, vf_encoder *e, uint32_t at, uint32_t len);
/* Finishes every operation before `done`; false where `done` counts one that has not
 * arrived as a whole. */
bool vf_stream_finish(vf_session *s, uint32_t done);
vf_operation *vf_stream_find(vf_session *s, uint32_t number);

/* stream_answer.c */
uint32_t vf_answer_size(const vf_session *s, const vf_message *m); /* 0: has none */
/* Puts `op` into the stream, or what asks for its answer in pieces. */
int vf_answer_submit(vf_session *s, vf_operation *op);
void vf_answer_drop(vf_session *s, vf_operation *op);
void vf_answer_piece(vf_session *s, vf_operation *op, uint32_t at, const uint8_t *data,
		     uint32_t len);
/* The board finished `op`: completes it, or asks again. */
void vf_answer_finish(vf_session *s, vf_operation *op);

/* link.c */
void vf_link_reset(vf_session *s); /* what is known of the line's errors stays */
void vf_link_sent(vf_session *s, uint8_t kind, uint16_t number, uint32_t offset, uint32_t len,
		  size_t raw);
/* The newest STATE stands in s->state, `before` is the one before it. */
void vf_link_settle(vf_session *s, const vf_state *before);
bool vf_link_next_lost(vf_session *s, uint32_t max, span *out);
void vf_link_resent(vf_session *s, uint32_t end);

/* link_pace.c */
void vf_link_handshake(vf_session *s, uint32_t raw_bytes, uint64_t took_us);
void vf_link_echoed(vf_session *s, uint32_t raw_bytes, uint64_t took_us);
void vf_link_trial(link_trial *t, uint64_t bytes, uint32_t frames, uint32_t losses);
uint32_t vf_link_payload(vf_session *s);
/* How much of an answer to ask for at once; UINT32_MAX: as much as you like. */
uint32_t vf_link_answer_piece(const vf_session *s);
/* Payload that may be sent now in a frame of at most `want`; 0: wait. */
uint32_t vf_link_room(vf_session *s, uint32_t want);
bool vf_link_control_ok(const vf_session *s);
size_t vf_link_batch(const vf_session *s); /* bytes to compose at once */
uint64_t vf_link_query_interval(const vf_session *s);
uint64_t vf_link_repeat_interval(const vf_session *s); /* between questions, at the longest */

#endif
