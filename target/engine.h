/* engine.h - what the files of the board's engine tell each other.
 *
 * The way of a byte: ring.c (from the interrupt) -> link.c (frames, session,
 * control) -> stream.c (reassembly in the window) -> queue.c (messages) ->
 * exec.c (flash operations) -> send.c and state.c (what the host hears). Of
 * compressed data also: queue.c -> unpack.c, inflate.c -> exec.c.
 */
#ifndef VCPFLASH_TARGET_ENGINE_H
#define VCPFLASH_TARGET_ENGINE_H

#include <vcpflash/target.h>

enum {
	VF_T_HEARTBEAT_US = 200000, /* the protocol allows 250 ms: leave the loop some */
	VF_T_LINE_US = 20000,       /* a line that nothing follows for so long is a person's */
	VF_T_NOISE_US = 500000,     /* and none is, so soon after what is no text */
	VF_T_DEAF_US = 100000,      /* a blocking operation that may last longer is announced */
	VF_T_TRIAL_US = 1000000,    /* a new baud rate must prove good within this */
	VF_T_ALONE_US = 3000000,    /* no host at that rate any more */
	VF_T_MARGIN = 2,            /* drivers wait this many times the chip's maximum */
	VF_T_RUN_REPORTS = 3,       /* STATEs that count RUN as done, before it goes */
	VF_T_MATCH_MOST = 257,      /* bytes unpacked beyond those that were wanted */
	VF_T_GUARD_WINDOW = 1024,   /* with a key: holds the longest SET */
};

enum { /* vf_target_operation.status */
       VF_T_QUEUED,
       VF_T_RUNNING,
       VF_T_FINISHED,
};

enum { /* vf_target_unit.stage */
       VF_T_NONE,
       VF_T_READY,
       VF_T_BUSY,
       VF_T_ENDED,
};

enum { /* vf_target.deaf and .run: how far a report has come */
       VF_T_QUIET,
       VF_T_WANTED,
       VF_T_SENDING,
       VF_T_TOLD,
};

enum { /* vf_target_out.pending */
       VF_T_GREETING = 1u << 0,
       VF_T_REFUSE = 1u << 1,
       VF_T_ENDING = 1u << 2,
       VF_T_WELCOME = 1u << 3,
       VF_T_STATE = 1u << 4,
       VF_T_RATED = 1u << 5,
       VF_T_PROVED = 1u << 6,
};

enum { /* vf_target_out.reports */
       VF_T_REPORTS_DEAF = 1u << 0,
       VF_T_REPORTS_RUN = 1u << 1,
       VF_T_REPORTS_RATE = 1u << 2,
};

static inline uint32_t vf_t_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t vf_t_tag(const vf_target *t)
{
	return t->session.open ? (uint32_t)t->session.number : 0;
}

static inline const vf_memory *vf_t_info(const vf_target *t, unsigned memory)
{
	return t->config.memory[memory].info;
}

/* Half of a memory's work buffer, a multiple of 32 so that both halves are
 * aligned for DMA and the data cache: pages and reads in the first, read-backs
 * and collected answers in the second. */
static inline uint32_t vf_t_half(const vf_target *t, unsigned memory)
{
	return (t->config.memory[memory].work_len / 2) & ~(uint32_t)31;
}

static inline vf_target_operation *vf_t_slot(vf_target *t, uint32_t number)
{
	return &t->slot[number % VF_TARGET_QUEUE];
}

/* Does what comes in go to guests too? */
static inline bool vf_t_hears_guests(const vf_target *t)
{
	return t->config.guest != NULL && !t->session.open && t->config.guard == NULL;
}

/* ring.c: the consumer's side */
uint32_t vf_t_ring_used(const vf_target *t);
uint32_t vf_t_ring_peek(const vf_target *t, const uint8_t **bytes); /* contiguous ones */
void vf_t_ring_take(vf_target *t, uint32_t n);
uint32_t vf_t_ring_lost(const vf_target *t);

/* visit.c: what of guests comes by when bytes do. Never called where there are none. */
struct vf_target_visit_feature {
	uint32_t (*share)(vf_target *t, const uint8_t *in, uint32_t len); /* bytes taken */
	const uint8_t *(*tx)(vf_target *t, size_t *len);
	void (*tx_done)(vf_target *t, size_t sent);
	bool (*due)(const vf_target *t, uint32_t *left); /* lowers what is left of the wait */
};

/* link.c */
uint32_t vf_t_link_decode(vf_target *t, const uint8_t *in, uint32_t len); /* up to an event */
void vf_t_link_drain(vf_target *t);
void vf_t_link_noise(vf_target *t);
uint32_t vf_t_payload_in(const vf_target *t);
uint32_t vf_t_payload_out(const vf_target *t);
void vf_t_session_clear(vf_target *t);

/* stream.c */
uint32_t vf_t_stream_limit(const vf_target *t);
bool vf_t_stream_put(vf_target *t, uint32_t offset, const uint8_t *data, uint32_t len);
void vf_t_stream_copy(const vf_target *t, uint32_t offset, uint8_t *out, uint32_t len);

/* queue.c */
void vf_t_queue_parse(vf_target *t);
bool vf_t_queue_retire(vf_target *t); /* true if a slot became free */
void vf_t_queue_consume(vf_target *t);
void vf_t_queue_fail(vf_target *t, const vf_failure *failure);
void vf_t_queue_settle(vf_target *t);

/* check.c: what is wrong with a message, enum vf_wire_failure_code */
bool vf_t_known(const vf_target_config *c, uint8_t type);
uint8_t vf_t_check(const vf_target *t, const vf_message *m, uint8_t reserved);

/* exec.c */
void vf_t_exec_step(vf_target *t, unsigned memory);
void vf_t_exec_announce(vf_target *t); /* after all memories' steps */
void vf_t_exec_drop(vf_target *t);     /* forgets all that was not handed out */
bool vf_t_exec_handed_out(const vf_target *t);
void vf_t_exec_fail(vf_target *t, unsigned memory, uint8_t code, uint32_t offset);
/* May the next `len` bytes of an operation be changed? False: not, or not yet. */
bool vf_t_exec_permitted(vf_target *t, unsigned memory, const vf_target_operation *o, uint32_t len);

/* unpack.c: DEFLATED. Never called where block_len is 0. */
struct vf_target_unpack_feature {
	bool (*step)(vf_target *t); /* a page at the most; true if it did something */
	bool (*waits)(const vf_target *t);
	/* A page's bytes; NULL until they are unpacked. */
	const uint8_t *(*page)(vf_target *t, unsigned memory, const vf_target_operation *o,
			       uint32_t need);
};

static inline bool vf_t_unpacks(const vf_target *t)
{
	return t->config.block_len != 0;
}

enum { VF_T_WAIT = 0xFF }; /* no failure code: ask again later */

/* journal.c. Never called where there is no journal. Those that return a code: the
 * failure, VF_FAIL_NONE or VF_T_WAIT. */
struct vf_target_journal_feature {
	bool (*good)(const vf_target_config *c);
	bool (*step)(vf_target *t); /* its memory may be free; true if something moved */
	void (*ended)(vf_target *t);
	void (*drop)(vf_target *t); /* nobody waits for a record any more */
	uint8_t (*permit)(vf_target *t, unsigned memory, const vf_target_operation *o,
			  uint32_t len);
	void (*failed)(vf_target *t, unsigned memory); /* its flash operation */
	uint8_t (*replace)(vf_target *t, vf_target_operation *o);
	void (*recall)(vf_target *t);
	void (*welcome)(const vf_target *t, vf_welcome *w);
	vf_torn (*torn)(const vf_target *t, unsigned memory);
};

static inline bool vf_t_keeps_journal(const vf_target *t)
{
	return t->config.journal != NULL;
}

static inline bool vf_t_of_journal(uint8_t type)
{
	return type == VF_MESSAGE_SET || type == VF_MESSAGE_RECALL;
}

/* Is it yet to be read? */
static inline bool vf_t_journal_unread(const vf_target *t)
{
	return vf_t_keeps_journal(t) && !t->config.journal->loaded;
}

/* May an application be started, as far as the set is concerned? */
static inline bool vf_t_set_forbids(const vf_target *t)
{
	const vf_target_journal *j = t->config.journal;
	return j != NULL && (j->broken || j->set[j->which][0] == VF_SET_INCOMPLETE);
}

/* guard.c. Never called where there is no key. */
struct vf_target_guard_feature {
	bool (*good)(const vf_target_config *c);
	void (*forget)(vf_target *t); /* the session is gone */
	void (*open)(vf_target *t);   /* there is a new one */
	void (*prove)(vf_target *t, const vf_prove *p);
	size_t (*pack)(const vf_target *t, uint8_t *body); /* PROVED */
	void (*watch)(vf_target *t);                       /* the clock */
	void (*welcome)(const vf_target *t, vf_welcome *w);
	/* May the message whose header stands at the queue's cursor be taken? A failure
	 * code, VF_FAIL_NONE (its trailer flag is gone then) or VF_T_WAIT. */
	uint8_t (*judge)(vf_target *t, vf_message *m, uint32_t header);
};

static inline bool vf_t_has_key(const vf_target *t)
{
	return t->config.guard != NULL;
}

/* Has the session's host still to prove that it may speak? */
static inline bool vf_t_unproven(const vf_target *t)
{
	return vf_t_has_key(t) && !t->config.guard->proven;
}

/* answer.c: READ, DIGEST, SHA256 */
static inline bool vf_t_answers(uint8_t type)
{
	return (type >= VF_MESSAGE_READ && type <= VF_MESSAGE_SHA256) || type == VF_MESSAGE_RECALL;
}

void vf_t_answer_begin(vf_target *t, unsigned memory, const vf_target_operation *o);
bool vf_t_answer_next(vf_target *t, unsigned memory, vf_target_operation *o); /* a read to do */
bool vf_t_answer_over(const vf_target_unit *u, const vf_target_operation *o);
bool vf_t_answer_hash(vf_target *t, unsigned memory); /* false: what was read has to wait */
void vf_t_answer_take(vf_target *t, unsigned memory, vf_target_operation *o);

/* state.c */
uint32_t vf_t_longest_us(const vf_target *t, unsigned memory); /* the flash operation of a unit */
void vf_t_state_fill(const vf_target *t, vf_state *s);
bool vf_t_working(const vf_target *t, unsigned memory);
bool vf_t_busy(const vf_target *t);
bool vf_t_state_due(const vf_target *t);

/* text.c: a person at the other end */
struct vf_target_text_feature {
	void (*line)(vf_target *t, const uint8_t *line, size_t len); /* has come */
	bool (*waits)(const vf_target *t);                           /* one, for its 20 ms */
	void (*answer)(vf_target *t);                                /* if its time has come */
	uint32_t (*greeting)(const vf_target *t, uint8_t *out);
};

/* condition.c */
struct vf_target_condition_feature {
	size_t (*put)(uint8_t *out, const vf_condition *c);
};

/* greet.c */
uint32_t vf_t_greeting(const vf_target *t, uint8_t *out);

/* rate.c. The feature's functions are never called where rate_max is 0. */
struct vf_target_rate_feature {
	bool (*good)(const vf_target_config *c);
	void (*ask)(vf_target *t, uint32_t wanted);
	void (*watch)(vf_target *t);
};
void vf_t_rate_clear(vf_target *t);               /* the session is gone, and what it asked for */
void vf_t_rate_heard(vf_target *t, uint8_t kind); /* an intact frame of the session */
void vf_t_rate_sent(vf_target *t);                /* what announced the change has left */
void vf_t_rate_home(vf_target *t);
/* True if it must be watched again, `span` after `since`. */
bool vf_t_rate_limit(const vf_target *t, uint32_t *span);
static inline bool vf_t_rate_raised(const vf_target *t)
{
	return t->speed.now != t->config.home_rate;
}

/* send.c */
void vf_t_send_echo(vf_target *t, const uint8_t *payload, size_t len);

#endif
