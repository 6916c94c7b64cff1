/* job_internal.h - what the files of the job engine share.
 *
 * A job is a chain of states, one function each; all but the last keep a few
 * operations in flight over the session and take their answers in order. The
 * map of what the job touches (areas and their sectors) outlives a session, so
 * that a job can begin again after a failure or a restart of the board and
 * still knows the bytes that it has to preserve.
 */
#ifndef VF_JOB_INTERNAL_H
#define VF_JOB_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <vcpflash/job.h>

#include "compare.h"
#include "keep.h"
#include "spans.h"

enum {
	VF_JOB_DIGESTS_MAX = 512,       /* sectors of one DIGEST operation: 4 KB of answer */
	VF_JOB_PIECE = 4 * 1024,        /* longest READ and PROGRAM operation: progress counts
					 * operations, and shall move on a slow line too */
	VF_JOB_HASH_PIECE = 4 << 20,    /* longest SHA256 operation of --verify full */
	VF_JOB_LOOKING = 8,             /* operations with answers in flight */
	VF_JOB_PROBES = 4,              /* SHA256 operations that a sector is worth */
	VF_JOB_WRITING = 512,           /* erase and program operations in flight */
	VF_JOB_BACKLOG_MORE = 64 << 10, /* beyond two windows of the board */
	VF_JOB_PACK_MOST = 64 << 10,    /* compressed in one turn: nothing is sent meanwhile */
	VF_JOB_SET_TEXT = 140,          /* of ranges in a sentence */
	VF_JOB_RESTARTS = 3,            /* of the board, in one job */
	VF_JOB_TWIN = 16,               /* bytes that are looked at for an address bit */
	VF_JOB_TWINS_MAX = 40,
	VF_JOB_OWN_MAX = 16,  /* sectors that a board has for its journal */
	VF_JOB_ATTEMPTS = 16, /* plans made anew after failures, in one job */
};

/* Flags of a sector. */
enum {
	VF_JOB_PARTIAL = 1u << 0, /* the image covers only part of it */
	VF_JOB_KEPT = 1u << 1,    /* what is not covered is known: `keep`, or 0xFF if NULL */
	VF_JOB_WRITTEN = 1u << 2, /* an erase or program of this job was submitted */
	VF_JOB_SUSPECT = 1u << 3, /* an erase was not seen to finish: blank means nothing */
	VF_JOB_FAILED = 1u << 4,  /* something failed here: erase it anew */
	VF_JOB_BLANK = 1u << 5,   /* as looked at: all 0xFF */
	VF_JOB_SCARRED = 1u << 6, /* something failed here once in this job */
	VF_JOB_WANTED = 1u << 7,  /* the plan erases it, and has to know more of it before */
};

/* In place of a vf_sector_state: a neighbour of the image that was not looked at. */
#define VF_JOB_UNSEEN 0xFFu

typedef struct vf_job_sector {
	uint32_t index;   /* within the memory */
	uint32_t covered; /* bytes of it that the image has; 0: a neighbour, which an erase
			   * larger than a sector may hit, and which has to survive */
	uint8_t *keep;    /* what the chip held, a whole sector; NULL: not needed or not yet */
	uint8_t digest[VF_DIGEST_SIZE];
	uint8_t state; /* enum vf_sector_state; VERIFY: SAME, or DIRTY for what must be read */
	uint8_t flags;
	bool begun;      /* an erase or program was submitted, and it was not seen right since */
	bool check;      /* to be digested when all is written */
	uint32_t record; /* in job.keep, counted from 1; 0: none */
} vf_job_sector;

/* What the job touches of one memory. */
typedef struct vf_job_area {
	const vf_memory *memory;
	uint8_t index; /* of the memory */
	vf_job_sector *sectors;
	size_t count, room;
	uint8_t blank[VF_DIGEST_SIZE]; /* of an erased sector, in this session */
	vf_plan plan;
	size_t step;         /* next to submit */
	uint32_t step_done;  /* bytes of it submitted */
	size_t check;        /* first sector whose check was not asked for */
	uint64_t plain_end;  /* up to this offset compression does not gain */
	uint32_t packs_to;   /* so many 1024ths of what travels are left, where it is compressed;
			      * 0: not tried yet */
	uint64_t pending_us; /* typical chip time of what was submitted and is not finished */
} vf_job_area;

/* An operation in flight. */
typedef struct vf_slot {
	vf_operation op; /* first: the session's pointer is the slot's */
	struct vf_slot *next;
	vf_job *job;
	vf_job_area *area;
	size_t first, count; /* sectors of the area, or what the state makes of it */
	uint32_t us;         /* typical chip time */
	uint8_t *buf;
	size_t room;
} vf_slot;

/* Two places of a memory whose addresses differ in one bit (job_twins.c). */
typedef struct vf_job_twin {
	const vf_job_area *area;
	uint32_t bit;
	uint32_t written, twin; /* offsets */
	size_t step;            /* of the plan: the first that touches what is written */
	bool known;             /* is `before` */
	bool asked;
	uint8_t before[VF_JOB_TWIN], behind[VF_JOB_TWIN];
} vf_job_twin;

/* A place in the sectors of all areas, or in the segments of the image. */
typedef struct vf_job_cursor {
	size_t area, at;
	uint64_t byte;
} vf_job_cursor;

/* What of the board's memories must not start yet, and what may (job_set.c). */
typedef struct vf_job_set {
	bool known;                 /* what the journal said was taken in */
	bool warned;                /* of bytes that may be lost, or there was no need */
	bool asked;                 /* to say incomplete, because of this job: it may have heard */
	uint8_t state;              /* enum vf_wire_set_state, as it was */
	vf_spans open, lent, whole; /* as they were */
	vf_spans mine;              /* what this job makes whole, or erases */
	vf_spans full;              /* what it covers wholly */
	vf_spans torn;              /* and not erased since */
	vf_spans borrowed;          /* of what was whole: the host holds bytes of it */
	vf_spans next_open, next_lent, next_whole;
	uint8_t *digests; /* of next_whole */
} vf_job_set;

typedef bool (*vf_job_state)(vf_job *j); /* true: moved on, call the next one */

struct vf_job {
	vf_job_config config;
	vf_alloc alloc;
	vf_session *session;
	vf_job_result result;
	vf_board board;
	bool board_known;
	bool started, finished, closing;
	uint32_t held_ms;                /* as the person was told: the board makes us wait */
	uint64_t now, began, wait_until; /* wait_until: UINT64_MAX if nothing is waited for */
	vf_job_state state;

	vf_image blank;        /* ERASE: the image of nothing */
	const vf_image *image; /* what is to be there: the caller's, or &blank */
	uint32_t address;      /* resolved */

	vf_job_area area[VF_WIRE_MEMORIES_MAX];
	size_t areas;
	uint8_t *scratch; /* one piece of expected content */
	size_t scratch_room;

	vf_slot *head, *tail, *spare;
	unsigned in_flight;

	vf_job_cursor cursor;
	bool planned;        /* PLAN was reached once */
	bool full_pending;   /* `full`, and nothing was planned yet: no comparison */
	bool scarred;        /* something failed once where the map has no sector */
	bool pack;           /* what is sent is compressed where that gains */
	bool never_pack;     /* the board could not unpack */
	uint32_t packed_now; /* bytes that were compressed in this turn */
	unsigned changing;   /* erase and program operations in flight */
	uint64_t check_bytes, checked_bytes; /* of this plan: to check, and checked */
	bool check_failed;                   /* sectors were found that differ, */
	bool check_hopeless;                 /* one of them for the second time: */
	vf_job_cursor wrong;                 /* this one, */
	uint32_t wrong_from, wrong_to;       /* and of it these bytes */
	vf_job_twin twin[VF_JOB_TWINS_MAX];
	unsigned twins;
	bool twins_again;     /* were asked for behind the last change */
	bool diagnosing;      /* the error is known, and is read up on */
	unsigned restarts;    /* since the job got further */
	uint64_t left_least;  /* bytes to program and to erase: the least of all plans */
	uint64_t read_before; /* read_at at the last restart */
	bool restarted;       /* ever: an erase may have been cut short */
	bool touched;         /* something was submitted that changes flash or journal */
	bool rescuing;        /* interrupted: only what no file names is put back */
	unsigned keep_again;  /* sectors that had to be read again to be sure of them */

	vf_keep keep;         /* what the keeper has, or is to have */
	uint32_t keep_loaded; /* so many records are of an earlier run */
	bool keep_stored;     /* he has something of this board, */
	bool keep_saved;      /* and it is of this job: */
	uint8_t keep_hash[VF_SHA256_SIZE];
	bool keep_unkept; /* it was said that he cannot have them */
	bool keep_waits;  /* some of what he has was not looked at when the job was interrupted */
	bool keep_stale;  /* some of what he had before must not be put back */

	vf_job_set set;

	uint64_t read_at; /* READ: bytes given to the sink */
	vf_sha256 read_hash;
	uint32_t echo_us; /* where the session puts a round trip */
	unsigned echo_round;
	bool burst_sent;                          /* LINK: in this session */
	uint64_t link_rate;                       /* bytes a second, 0 unknown */
	uint64_t look_began, look_us, look_bytes; /* how fast the board digests */
	uint64_t link_first;                      /* what the greeting showed: at least so many */
	uint64_t link_until;                      /* so long its measurement is waited for */
	uint16_t echo_len;
	bool link_measuring;
	bool run_sent;
	vf_compare compare; /* of what differs */

	vf_progress progress;
};

/* job.c: moving between states */
bool vf_job_go(vf_job *j, vf_job_state next, uint8_t phase, uint64_t total); /* true */
/* Result.error was filled: leave the board in good order. Returns true. */
bool vf_job_leave(vf_job *j);
bool vf_job_no_memory(vf_job *j);
void vf_job_note(vf_job *j, const char *fmt, ...)
#if defined(__GNUC__)
	__attribute__((format(printf, 2, 3)))
#endif
	;
void vf_job_wait(vf_job *j, uint64_t us);
void vf_job_open_again(vf_job *j);

/* job_slot.c: operations in flight */
/* Does it program? */
static inline bool vf_job_programs(uint8_t type)
{
	return type == VF_MESSAGE_PROGRAM || type == VF_MESSAGE_DEFLATED;
}

/* An operation on [address, +length) of a memory, with room for `answer` bytes
 * of answer (0: none, or the caller points op.answer elsewhere). NULL: no
 * memory, and the job is leaving. */
vf_slot *vf_slot_new(vf_job *j, uint8_t type, uint8_t memory, uint64_t address, uint64_t length,
		     size_t answer);
bool vf_slot_submit(vf_job *j, vf_slot *s); /* false: the job is leaving */
/* The oldest operation, once it is done; the caller gives it back. */
vf_slot *vf_slot_take(vf_job *j);
void vf_slot_give(vf_job *j, vf_slot *s);
/* All that were in flight were dropped with their session. */
void vf_slots_drop(vf_job *j);
void vf_slots_free(vf_job *j);

/* job_fit.c: the image and addresses against the board's memories */
int vf_job_fit(vf_job *j); /* VF_OK, or result.error is filled */
const vf_memory *vf_job_memory_at(const vf_job *j, uint64_t address, uint8_t *index);

/* job_map.c: areas, sectors and what should be in them */
int vf_job_map(vf_job *j); /* VF_OK or VF_E_NOMEM */
void vf_job_map_free(vf_job *j);
uint32_t vf_job_sector_size(const vf_job_area *a);
uint64_t vf_job_sector_address(const vf_job_area *a, const vf_job_sector *s);
/* First sector of the area at or after `index`. */
size_t vf_job_sector_find(const vf_job_area *a, uint64_t index);
/* What should be in [offset, +len) of the area's memory, within its sectors. */
void vf_job_content(const vf_job_area *a, const vf_image *image, uint32_t offset, uint8_t *out,
		    uint32_t len);
bool vf_job_scratch(vf_job *j, size_t room); /* false: no memory */
/* The digest that a sector has when it holds what it should; `s` NULL: when it
 * is erased. VF_OK or VF_E_NOMEM. */
int vf_job_expect(vf_job *j, const vf_job_area *a, const vf_job_sector *s,
		  uint8_t digest[VF_DIGEST_SIZE]);
void vf_job_forget_session(vf_job *j);
/* Adds what is missing of [index, +count) as neighbours that nobody looked at. */
int vf_job_map_add(vf_job *j, vf_job_area *a, uint32_t index, uint32_t count);
/* Sets a flag on every sector of a memory that [start, end) touches. */
void vf_job_flag(vf_job *j, uint8_t memory, uint64_t start, uint64_t end, uint8_t flag);
/* Next bytes of the image in address order that lie in one memory and touch,
 * at most `max`; false at the end. */
bool vf_job_next_run(const vf_job *j, vf_job_cursor *c, uint32_t max, uint8_t *memory,
		     uint64_t *start, uint64_t *end);

/* job_estimate.c: what is expected to take how long; us */
uint64_t vf_job_digest_us(const vf_job *j, const vf_job_area *a, uint64_t bytes);
uint64_t vf_job_read_us(const vf_job *j, uint64_t bytes);
vf_job_plan vf_job_describe(const vf_job *j, const vf_job_area *a);

/* job_sweep.c: digests of sectors */
/* One step of a walk over all sectors that `wanted` picks, in DIGEST operations
 * of neighbours; `take` gets each with what the board says. True when all were
 * taken (or the job is leaving). */
bool vf_job_sweep(vf_job *j, bool (*wanted)(const vf_job *, const vf_job_sector *),
		  bool (*take)(vf_job *, vf_job_area *, vf_job_sector *, const uint8_t *));
/* A question for the digests of neighbours, each of `group` sectors, not submitted
 * yet; NULL: leaving. */
vf_slot *vf_job_digest_slot(vf_job *j, vf_job_area *a, size_t first, size_t count, uint32_t group);
uint64_t vf_job_count_bytes(const vf_job *j, bool (*wanted)(const vf_job *, const vf_job_sector *));
bool vf_job_equal(const uint8_t *a, const uint8_t *b);

/* job_link.c: what the link carries */
/* Begins to measure it, beside whatever else goes on. */
void vf_job_link_begin(vf_job *j);
/* Takes note; true while it is worth waiting for. */
bool vf_job_link_measuring(vf_job *j);
uint64_t vf_job_link_rate(const vf_job *j); /* bytes a second, guessed if need be */

/* job_pack.c: fewer bytes on the link */
bool vf_job_can_pack(const vf_job *j);
typedef struct vf_packed {
	const uint8_t *bytes; /* in the scratch, until it is used again */
	size_t size;          /* that of the content where nothing is gained */
	uint8_t flags;        /* of the message */
} vf_packed;
/* `n` bytes of what is to be programmed, with or without places for the distances in
 * their branches, whichever is less. False: no memory. */
bool vf_job_deflate(vf_job *j, const vf_job_area *a, uint32_t offset, uint32_t n, vf_packed *p);
bool vf_job_pack_wanted(const vf_job *j); /* for the plans as they are now */
/* An operation that programs [offset, +len) from compressed data, or less of it
 * (its message says how much); NULL: it does not gain, or the job is leaving. */
vf_slot *vf_job_pack_slot(vf_job *j, vf_job_area *a, uint32_t offset, uint32_t len);

/* job_packs.c: what compression would gain, by samples; 1024ths that are left. */
uint32_t vf_job_packs_to(vf_job *j, vf_job_area *a);

/* job_check.c: are written sectors right? */
void vf_job_check_prepare(vf_job *j);
/* The next neighbours of an area to ask for, once all its steps were submitted;
 * false if there are none now. */
bool vf_job_check_next(vf_job_area *a, size_t *first, size_t *count);
bool vf_job_check_submit(vf_job *j, vf_job_area *a, size_t first, size_t count);
bool vf_job_check_take(vf_job *j, const vf_slot *s); /* false: the job is leaving */
bool vf_job_check_verdict(vf_job *j);

/* job_twins.c: does writing in one place change another? */
void vf_job_twins_choose(vf_job *j); /* the plans are new */
/* Asks for those of the area's next step; for all. False: the job is leaving. */
bool vf_job_twins_before(vf_job *j, const vf_job_area *a);
bool vf_job_twins_behind(vf_job *j);
void vf_job_twins_take(vf_job *j, const vf_slot *s);
bool vf_job_twins_agree(vf_job *j); /* false: result.error is filled */
const char *vf_job_dead_bit_cause(unsigned bit);

/* job_beside.c: the journal was written last; did that change another place? Then the end. */
bool vf_job_look_beside(vf_job *j);

/* job_look.c, job_write.c, job_verify.c, job_read.c: states */
bool vf_job_begin(vf_job *j); /* the session is open and the board known: first state */
bool vf_job_begin_look(vf_job *j);
bool vf_job_look(vf_job *j);
bool vf_job_begin_look_around(vf_job *j); /* at unseen sectors that a plan wants */
bool vf_job_verify_begin(vf_job *j);
bool vf_job_begin_keep(vf_job *j);
bool vf_job_keep(vf_job *j);
bool vf_job_begin_probe(vf_job *j);
bool vf_job_probe(vf_job *j);
bool vf_job_unknown_rest(const vf_job *j, const vf_job_sector *s);
bool vf_job_plan_all(vf_job *j);
bool vf_job_write(vf_job *j);
bool vf_job_after_check(vf_job *j); /* SHA-256, RUN or the end */
bool vf_job_hash(vf_job *j);
/* SHA-256 of a range that the image covers. */
void vf_job_image_hash(const vf_job *j, uint32_t address, uint32_t length,
		       uint8_t hash[VF_SHA256_SIZE]);
bool vf_job_verify(vf_job *j);
/* Fails with that, and leaves: false. */
bool vf_job_restless(vf_job *j, const vf_job_area *a, const vf_job_sector *s);
bool vf_job_read(vf_job *j);
bool vf_job_digest(vf_job *j);
bool vf_job_run(vf_job *j);
bool vf_job_info(vf_job *j);
bool vf_job_link_test(vf_job *j);
/* The session is gone: takes note of what had finished in it. */
void vf_job_unfinished(vf_job *j);

/* Does the board keep a journal, and which session does it name as the last that
 * changed the flash, as this one began? */
static inline bool vf_job_has_journal(const vf_job *j)
{
	return (j->board.welcome.capabilities & VF_CAP_JOURNAL) != 0;
}
static inline uint64_t vf_job_last_session(const vf_job *j)
{
	return vf_session_board(j->session)->welcome.changed;
}

static inline bool vf_job_changes(const vf_job *j)
{
	return j->config.kind == VF_JOB_PROGRAM || j->config.kind == VF_JOB_ERASE ||
	       j->config.kind == VF_JOB_ERASE_CHIP;
}

/* job_set.c: what must not start */
bool vf_job_set_begin(vf_job *j); /* asks the journal, then begins to look */
void vf_job_set_free(vf_job *j);
/* Flags what is torn in the map, as far as the map goes by now. */
void vf_job_set_flag_torn(vf_job *j);
/* Before the first change: says where bytes may be missing of which another computer has the
 * file. VF_OK or VF_E_NOMEM. */
int vf_job_set_warn(vf_job *j);
void vf_job_set_erased(vf_job *j, uint8_t memory, uint32_t from, uint32_t to);
/* Queues the mark before the first change; false: the job is leaving. */
bool vf_job_set_mark(vf_job *j);
/* Queues the mark again, behind a rescue: what had been lent is back. As above. */
bool vf_job_set_returned(vf_job *j);
/* What the set will be when this job has ended: next_open, next_lent, next_whole.
 * VF_OK or VF_E_NOMEM. */
int vf_job_set_afterwards(vf_job *j);
/* "0x...-0x..., ...": what stays incomplete then; empty if nothing does. */
void vf_job_set_left(const vf_job *j, char out[VF_JOB_SET_TEXT]);
/* A SET message without ranges, and with those of an incomplete set; NULL: leaving. */
vf_slot *vf_job_set_slot(vf_job *j, uint8_t state);
vf_slot *vf_job_set_incomplete(vf_job *j, vf_spans *open, vf_spans *lent, const vf_spans *whole);
/* Adds ranges with `mark` in every byte of their digests, as far as there is room. */
void vf_job_set_put(vf_job *j, vf_slot *s, const vf_spans *l, uint8_t mark);

/* job_seal.c: what is complete */
bool vf_job_seal(vf_job *j);   /* state: says what is complete, then */
bool vf_job_sealed(vf_job *j); /* the end of the job, or RUN */
size_t vf_job_recall_size(const vf_job *j);

/* job_keep.c: bytes that no file names, beyond the life of this program */
bool vf_job_keeps(const vf_job *j); /* is there somebody to keep them? */
/* What an earlier run left finds its sectors. VF_OK, or result.error is filled. */
int vf_job_keep_load(vf_job *j);
/* Does an earlier run want it to hold something, if nobody wrote there since? */
bool vf_job_keep_pending(const vf_job_sector *s);
/* Its digest is known: what follows for it? VF_OK, VF_E_NOMEM. */
int vf_job_keep_look(vf_job *j, const vf_job_area *a, vf_job_sector *s);
/* Its bytes are in `keep`, or read differently each time. VF_OK, VF_E_NOMEM. */
int vf_job_keep_read(vf_job *j, const vf_job_area *a, vf_job_sector *s, bool stable);
/* The plans are about to be carried out. VF_OK, or result.error is filled. */
int vf_job_keep_secure(vf_job *j);
/* All of it was seen to be in the flash. */
void vf_job_keep_done(vf_job *j);

/* job_diagnose.c: reads what `wrong` names, and says how it differs */
bool vf_job_diagnose_begin(vf_job *j);
bool vf_job_diagnose(vf_job *j);

/* job_rescue.c: interruption */
/* The person wants to stop: leaves, or begins to put back what no file names. */
/* What is not known of a RUN that was sent, to be put behind an error; "": none was. */
const char *vf_job_unconfirmed(const vf_job *j);
void vf_job_stop(vf_job *j);
void vf_job_rescue_opened(vf_job *j); /* the session that it goes on in */
/* Of a sector that is to be rescued, as just looked at: does it hold what it held
 * before the job? Then nothing is missing. */
bool vf_job_untouched(vf_job *j, const vf_job_area *a, vf_job_sector *s);
bool vf_job_rescued(vf_job *j); /* all of it: true */
/* It ends by an error: says what may be missing, too. */
void vf_job_rescue_failed(vf_job *j);

/* job_fail.c: failures */
/* The board stopped: true after arranging another attempt or leaving. */
bool vf_job_stopped(vf_job *j);
/* What a byte that differs suggests, and what to do. */
const char *vf_job_direction(uint8_t expected, uint8_t found);
/* Reads up on a mismatch that the board reported, in a session of its own; false:
 * its place is none of the job's. */
bool vf_job_read_up(vf_job *j, const vf_failure *f);

#endif
