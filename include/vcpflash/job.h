/* job.h - what a person asks of a board, as an engine over a session.
 *
 * A job opens the session, looks at what the flash holds, plans, executes,
 * checks, and closes. It does no I/O and reads no clock: bytes and time are
 * handed in as in session.h, with the same conventions. Everything it is given
 * (image, callbacks) stays valid and unchanged until it is freed. Callbacks must
 * not call back into the job.
 *
 * Everything is checked against the board before anything is changed
 * (VF_E_REFUSED: no such memory, too large, no right, protected). What fails on
 * the board is planned anew once for every erase unit (then VF_E_FLASH); a board
 * that restarts is taken up again three times (then VF_E_LINK). Bytes that have
 * to be preserved are kept here meanwhile: memory is proportional to the sectors
 * that the image covers in part, and about 32 bytes for every sector it touches.
 */
#ifndef VCPFLASH_JOB_H
#define VCPFLASH_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/image.h>
#include <vcpflash/plan.h>
#include <vcpflash/session.h>

enum vf_job_kind {
	VF_JOB_INFO,       /* open, describe, measure the link, close */
	VF_JOB_PROGRAM,    /* make the flash hold `image` */
	VF_JOB_VERIFY,     /* compare only */
	VF_JOB_READ,       /* [address, +length) to `sink`, in order, then checked */
	VF_JOB_ERASE,      /* [address, +length) becomes 0xFF, its neighbours survive */
	VF_JOB_ERASE_CHIP, /* all of one memory (that of `address`; 0 without has_address: the
			    * first external one) but what the board protects */
	VF_JOB_DIGEST,     /* SHA-256 of [address, +length) into result.sha256 */
	VF_JOB_RUN,        /* start the application at `address`; the board is left alone then */
	VF_JOB_LINK,       /* echoes of every size: what the link does, without the flash */
};

enum vf_job_phase {
	VF_PHASE_OPEN,
	VF_PHASE_COMPARE,
	VF_PHASE_KEEP,
	VF_PHASE_ERASE,
	VF_PHASE_PROGRAM,
	VF_PHASE_READ,
	VF_PHASE_VERIFY,
	VF_PHASE_RUN,
	VF_PHASE_CLOSE,
};

const char *vf_phase_name(uint8_t phase); /* one word */

typedef struct vf_progress {
	uint8_t phase;    /* enum vf_job_phase */
	uint64_t done;    /* bytes of this phase */
	uint64_t total;   /* 0: unknown */
	uint32_t busy_ms; /* the chip is busy for about so long, 0 if not */
} vf_progress;

/* The plan of one memory, before it is executed; valid during the call. Told
 * once a job, not when something is planned anew after a failure. */
typedef struct vf_job_plan {
	uint8_t memory;
	const vf_plan *plan;
	uint32_t sectors_same, sectors_blank, sectors_dirty;
	uint64_t keep_bytes;  /* outside the image, preserved */
	uint64_t link_bytes;  /* to be sent */
	uint64_t estimate_us; /* typical time, with the link as measured */
} vf_job_plan;

typedef struct vf_job_callbacks {
	void *ctx;
	void (*progress)(void *ctx, const vf_progress *p); /* NULL allowed */
	void (*note)(void *ctx, const char *line);         /* a line for the person; NULL allowed */
	void (*plan)(void *ctx, const vf_job_plan *plan, const vf_board *board); /* NULL allowed */
	int (*sink)(void *ctx, const uint8_t *data, size_t len); /* READ: required; nonzero stops
								  * with that status */
} vf_job_callbacks;

/* Where bytes that no file names are kept while they are not in the flash
 * (docs/RELIABILITY.md): one lot a board, told apart by its unique id. */
typedef struct vf_job_keeper {
	void *ctx;
	/* What was saved for this board; *len 0: nothing. The bytes are the keeper's,
	 * valid until the next call. VF_OK, or VF_E_FILE with a line: the job ends. */
	int (*load)(void *ctx, const vf_board *board, const uint8_t **bytes, size_t *len,
		    vf_error *err);
	/* In place of what was saved before; when it returns VF_OK they outlive a power
	 * cut of the host. VF_E_FILE with a line: the job ends, nothing was erased. */
	int (*save)(void *ctx, const vf_board *board, const uint8_t *bytes, size_t len,
		    vf_error *err);
	/* They are safe; or of no use any more (`stale`), and put aside for a person. */
	void (*drop)(void *ctx, const vf_board *board, bool stale);
	/* Where the last `stale` lot was put; valid until the next call, NULL: it could not be
	 * put aside. May be NULL. */
	const char *(*where)(void *ctx);
} vf_job_keeper;

/* Compressed blocks that several jobs share, so that each is computed once. A block is
 * the same where its bytes are and it stands at the same offset of its memory. */
typedef struct vf_job_packs {
	void *ctx;
	/* False: there is none. `*bytes` stays valid as long as the job. */
	bool (*find)(void *ctx, uint32_t offset, const uint8_t *plain, size_t len,
		     const uint8_t **bytes, size_t *size, uint8_t *flags);
	/* One was made; `size` = `len`: compression does not gain. */
	void (*keep)(void *ctx, uint32_t offset, const uint8_t *plain, size_t len,
		     const uint8_t *bytes, size_t size, uint8_t flags);
} vf_job_packs;

/* A sector that is only borrowed for a test: the image is one whole sector. */
enum vf_job_scratch {
	VF_SCRATCH_NONE,
	VF_SCRATCH_WRITE,   /* test data; what it held goes to the keeper and stays there */
	VF_SCRATCH_RESTORE, /* what it held: then the keeper drops it, and the set is as before */
};

enum vf_job_compress {
	VF_COMPRESS_AUTO, /* where the link is slower than the chip, and the board unpacks */
	VF_COMPRESS_ON,   /* whatever gains bytes; VF_E_REFUSED where the board cannot unpack */
	VF_COMPRESS_OFF,
};

typedef struct vf_job_config {
	uint8_t kind;              /* enum vf_job_kind */
	vf_session_config session; /* alloc, random, text, trace */
	vf_job_callbacks call;
	const vf_image *image;       /* PROGRAM, VERIFY */
	uint32_t address;            /* READ, ERASE, DIGEST, RUN; see offset_ok */
	uint64_t length;             /* READ, ERASE, DIGEST */
	bool has_address;            /* RUN without one: the lowest vector table of the first
				      * runnable external memory, i.e. its base */
	bool offset_ok;              /* an address in no memory but below the first external
				      * memory's size is an offset into it */
	bool full;                   /* PROGRAM, ERASE: do not compare first */
	bool dry_run;                /* PROGRAM: look and plan, change nothing */
	bool discard;                /* PROGRAM, ERASE: do not preserve what no file names */
	uint8_t scratch;             /* PROGRAM: enum vf_job_scratch */
	const uint8_t *scratch_old;  /* with it: what the one sector of the image held before */
	const uint8_t *scratch_data; /* and the test data */
	bool verify_full;            /* PROGRAM, VERIFY: SHA-256 of every segment besides digests */
	bool run_after;              /* PROGRAM: then RUN at the image's first vector table */
	uint8_t compress;            /* PROGRAM: enum vf_job_compress */
	/* Raw deflate of `in` into `out`; returns its size, 0 where that is more than
	 * `room`. NULL: nothing is compressed. */
	size_t (*deflate)(void *ctx, const uint8_t *in, size_t in_len, uint8_t *out, size_t room);
	void *deflate_ctx;
	vf_job_packs packs;   /* PROGRAM; `find` NULL: nothing is shared */
	vf_job_keeper keeper; /* PROGRAM, ERASE, ERASE_CHIP. `save` NULL: what has to be
			       * preserved is kept in memory only */
} vf_job_config;

enum vf_mismatch_cause { /* §: what the direction of the difference suggests */
			 VF_CAUSE_NONE,
			 VF_CAUSE_BLANK,          /* all of it reads 0xFF: never programmed */
			 VF_CAUSE_NOT_ERASED,     /* only zeros where ones should be: not erased, or
						     protected */
			 VF_CAUSE_NOT_PROGRAMMED, /* only ones where zeros should be */
			 VF_CAUSE_CONSTANT, /* one value everywhere: not mapped, or lines float */
			 VF_CAUSE_OTHER_IMAGE, /* both directions */
			 VF_CAUSE_SHIFTED, /* by `distance` bytes: dummy cycles, address bytes */
			 VF_CAUSE_PAGE,    /* pages wrap at `distance` bytes */
			 VF_CAUSE_ALIAS,   /* it belongs where address bit `distance` is another */
};

typedef struct vf_mismatch {
	uint8_t cause;    /* enum vf_mismatch_cause */
	uint32_t address; /* first differing byte */
	uint8_t expected, found;
	bool written;     /* just before, by this job */
	int32_t distance; /* by cause */
	uint64_t count;   /* differing bytes */
	uint64_t sectors; /* in so many sectors */
} vf_mismatch;

/* LINK: echoes with so many bytes of payload. */
typedef struct vf_echo_figures {
	uint16_t len;
	uint16_t sent, lost; /* lost: not back in time, repeats included: a second and
			      * twice what the line takes for it */
	uint32_t best_us, worst_us;
} vf_echo_figures;

enum { VF_ECHO_SIZES = 6 };

typedef struct vf_job_result {
	vf_error error;       /* error.code VF_OK: done */
	vf_mismatch mismatch; /* cause not NONE: what was found to differ; VF_E_DIFFERS of
			       * VERIFY, and VF_E_FLASH where it could be read */
	bool has_failure;
	vf_failure failure; /* VF_E_FLASH: what the board reported */
	uint64_t image_bytes;
	uint64_t same_bytes; /* in sectors that were right already */
	uint64_t erased_bytes;
	uint64_t programmed_bytes;
	uint64_t kept_bytes;     /* preserved and written back */
	uint64_t packed_bytes;   /* of programmed_bytes, so many travelled compressed, */
	uint64_t saved_bytes;    /* which kept so many off the link */
	uint64_t verified_bytes; /* digested after writing, or compared */
	uint32_t attempts;       /* 1, more if something was planned anew */
	uint64_t elapsed_us;     /* from the first tick */
	uint8_t sha256[VF_SHA256_SIZE];
	uint32_t echo_us;     /* INFO: round trip of a small frame */
	uint32_t echo_big_us; /* INFO: of a frame of `echo_big` bytes */
	uint16_t echo_big;
	unsigned echoes; /* LINK: entries in echo, by size */
	vf_echo_figures echo[VF_ECHO_SIZES];
	vf_burst burst;            /* LINK: twice the board's ring at once; */
	const char *burst_skipped; /* or why there was none; NULL: there was */
	bool has_set;              /* INFO: of a board with a journal that has a set, */
	vf_set set;                /* what it consists of (PROTOCOL §5.5) */
	bool nothing_to_do;        /* PROGRAM, ERASE: the flash held it already */
} vf_job_result;

/* One word for what differs (zeros and ones: which of them are there in place of the
 * other), and for people what it suggests and what to do. */
const char *vf_mismatch_name(const vf_mismatch *m);
const char *vf_mismatch_cause(const vf_mismatch *m);
const char *vf_mismatch_next(const vf_mismatch *m);

/* Of a range in `result.set`: "whole"; "open", being written; or "lent", whole but
 * for bytes that no file names and that an interrupted run has yet to put back. */
const char *vf_job_set_entry_state(const vf_set *set, const vf_set_entry *entry);

typedef struct vf_job vf_job;

vf_job *vf_job_new(const vf_job_config *config, vf_error *err); /* NULL: see err */
void vf_job_free(vf_job *job);

/* The person wants to stop: ABORT is sent, the job ends with VF_E_INTERRUPTED
 * once the board has answered or a second has passed. Where bytes that no file
 * names were read, erased and not seen back, they are put back first, and nothing
 * else. Called again meanwhile, it ends at once; the line says where such bytes
 * may be lost. */
void vf_job_interrupt(vf_job *job, uint64_t now_us);

/* The caller wants nothing more of it (another board was meant, say): it ends with that
 * error, in good order. Only before anything was changed, as soon as vf_job_board knows. */
void vf_job_refuse(vf_job *job, const vf_error *why, uint64_t now_us);

/* The pipe was gone and is there again, or another one to the same board; it stands
 * at the rate at which it began. The job begins again, what is right already stays;
 * that counts as a restart of the board. Not for a job that has no use for it: see
 * vf_job_worth_return. */
void vf_job_pipe_again(vf_job *job, uint64_t now_us);
/* The pipe is gone: is it worth waiting for it to come back? Only where a board had
 * answered, and neither the farewell nor the start of the application was on its way. */
bool vf_job_worth_return(const vf_job *job);

/* The pipe is gone for good (unplugged, closed): ends with VF_E_LINK and `why`. */
void vf_job_pipe_lost(vf_job *job, const char *why, uint64_t now_us);

bool vf_job_finished(const vf_job *job);
const vf_job_result *vf_job_result_get(const vf_job *job);
const vf_board *vf_job_board(const vf_job *job); /* NULL before it is known */
const vf_session_stats *vf_job_link(const vf_job *job);

void vf_job_rx(vf_job *job, const uint8_t *data, size_t len, uint64_t now_us);
const uint8_t *vf_job_tx(vf_job *job, size_t *len, uint64_t now_us);
void vf_job_tx_done(vf_job *job, size_t sent, uint64_t now_us);
void vf_job_tick(vf_job *job, uint64_t now_us);
uint64_t vf_job_deadline(const vf_job *job);

/* The pipe's baud rate, as vf_session_rate; also once more when the job has finished. */
bool vf_job_rate(vf_job *job, uint32_t *baud);

#endif
