/* campaign.h - what the files of the campaign share.
 *
 * A *scenario* is drawn from a seed: a board, what its flash holds, a command, and a
 * few *runs* of it, each with its troubles. After them the same command is run
 * without new trouble until it completes. A *world* is a scenario being played,
 * under virtual time. Whatever goes wrong is told by world_fail: once a world.
 *
 * Times are microseconds, sizes bytes.
 */
#ifndef VCPFLASH_CAMPAIGN_H
#define VCPFLASH_CAMPAIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/client.h>
#include <vcpflash/job.h>
#include <vcpflash/sim.h>

enum {
	PLACES = 2,
	SEGMENTS = 6,
	RUNS = 3,
	TROUBLES = 2,
	KB = 1024,
	MS = 1000,
	SECOND = 1000000,
	CLEAN_RUNS = 6, /* within so many the command has to complete */
};

/* --- randomness, and the memory of boards (pool.c) ------------------------------ */

typedef struct rng {
	uint64_t state;
} rng;

uint64_t rng_next(rng *r);
uint32_t rng_below(rng *r, uint32_t below);
bool rng_one_in(rng *r, uint32_t n);
/* Every order of magnitude as likely as every other. */
uint32_t rng_log(rng *r, uint32_t least, uint32_t most);
void rng_fill(rng *r, uint8_t *out, size_t len);

/* Flash arrays are large and mostly blank: they are used again, and only what a
 * scenario may have touched is blanked behind it. */
typedef struct pool {
	uint8_t *array[PLACES];
	size_t len[PLACES], blank[PLACES]; /* of it, so many are known to be 0xFF */
	vf_packer *packer;
} pool;

bool pool_open(pool *p);
void pool_close(pool *p);
uint8_t *pool_array(pool *p, unsigned index, size_t len); /* all 0xFF; NULL: no memory */

/* --- what may happen --------------------------------------------------------------- */

enum trouble_kind {
	TROUBLE_NONE,
	TROUBLE_CORRUPT, /* bits flipped on the line, all through the run */
	TROUBLE_LOSE,    /* bytes lost and doubled */
	TROUBLE_STALL,
	TROUBLE_BAD_RATE,
	TROUBLE_RESETS, /* the board restarts now and then */
	TROUBLE_RESET,  /* … once */
	TROUBLE_CUT,    /* power dies in a transaction */
	TROUBLE_POWER,  /* … at a time, and for any time */
	TROUBLE_KILL,   /* the host is no more */
	TROUBLE_CTRL_C,
	TROUBLE_CTRL_C_TWICE,
	TROUBLE_UNPLUG,
	TROUBLE_NO_DISK,   /* kept bytes cannot be saved */
	TROUBLE_CHIP_FAIL, /* the chip reports a failure of one operation or a few */
	TROUBLE_BAD_BIT,   /* for good: a cell that will not program */
	TROUBLE_LINE,      /* for good: an address line is stuck */
	TROUBLE_LOCKED,    /* until it is unlocked at the end */
	TROUBLE_KINDS,
};

enum trigger { ON_TIME, ON_ERASE, ON_PROGRAM, ON_TRANSACTION, TRIGGERS };

typedef struct trouble {
	uint8_t kind;    /* enum trouble_kind */
	uint8_t on;      /* enum trigger: what is counted from the run's beginning */
	uint32_t count;  /* at the so-many-th, or us */
	uint32_t behind; /* and then so many transactions (CUT) or us later */
	uint8_t how;     /* CUT: enum vf_sim_cut */
	uint32_t off_us; /* POWER, CTRL_C_TWICE: between the two */
	double rate;     /* link faults: probability a byte */
	bool armed, fired, twice;
	uint64_t due; /* us, or the board's transactions */
} trouble;

typedef struct run_plan {
	trouble trouble[TROUBLES];
	uint32_t pause_us; /* after it */
	bool cycle;        /* then the board's power is switched off and on */
	bool try_run;      /* then somebody tries to start the application */
	bool stranger;     /* then somebody without the key tries the same command */
} run_plan;

enum chip_state { STATE_BLANK, STATE_DIRTY, STATE_PARTLY, STATE_OLDER, STATE_SET, STATE_SAME };

typedef struct segment {
	uint8_t place;
	uint32_t at, len; /* offset in the place's window */
} segment;

typedef struct scenario {
	uint64_t seed;
	vf_sim_board_config board;
	char link[24];
	bool internal, others, keeper, run_after, full, discard, verify_full;
	bool keyed; /* the board listens only to who holds: */
	uint8_t key[32];
	uint8_t kind; /* VF_JOB_PROGRAM or VF_JOB_ERASE */
	uint8_t compress;
	uint8_t state; /* enum chip_state */
	uint32_t window_at[PLACES], window_len[PLACES];
	uint32_t align; /* of a vector table, at the start of the first segment */
	unsigned segments;
	segment segment[SEGMENTS];
	unsigned runs;
	run_plan run[RUNS];
	trouble lasting; /* a fault of the chip */
	uint32_t lasting_at;
} scenario;

const char *trouble_name(uint8_t kind);
void scenario_draw(scenario *s, uint64_t seed);
void scenario_tell(const scenario *s, char *out, size_t room);
void trouble_tell(const trouble *t, char *out, size_t room);

/* --- what must be where (oracle.c) ---------------------------------------------------- */

enum { NAMED = 1, LOOSE = 2, REACH = 4 }; /* named by the image; of no account; may be erased */

typedef struct place {
	uint32_t base, size;
	uint8_t *array;
	uint32_t from, len; /* the window in which anything is */
	uint8_t *before, *want, *mark;
	uint32_t journal_from, journal_end; /* where the board keeps its journal */
} place;

/* --- playing ----------------------------------------------------------------------------- */

typedef struct counters {
	uint64_t scenarios, sessions, failures;
	uint64_t completed, refused_set_aside, clean_runs[CLEAN_RUNS + 2];
	uint64_t ended[16]; /* by -status */
	uint64_t injected[TROUBLE_KINDS];
	uint64_t cuts[3];
	uint64_t starts_tried, starts_made, watched;
	uint64_t keyed, strangers;
	uint64_t transactions, virtual_us, programmed, erased;
} counters;

typedef struct world {
	const scenario *s;
	pool *pool;
	counters *count;
	bool verbose, failed;
	char why[600];
	vf_sim_board_config config;
	vf_sim_board *board;
	vf_image image;
	vf_job_config job;
	vf_job_result result;
	place place[PLACES];
	unsigned places;
	rng rng;
	uint64_t now;
	uint32_t baud; /* of the host's port */
	vf_sim_fault fault;
	uint64_t misuses;
	/* what the keeper has */
	uint8_t *kept, *aside;
	size_t kept_len, aside_len;
	unsigned saves, set_aside;
	bool no_disk;
	/* what happened so far */
	unsigned powers; /* cuts of power, and restarts */
	unsigned failed_runs;
	bool killed, lasting, chip_failed;
	bool was_off;       /* when the last run began */
	uint64_t looked_at; /* changes of the chip when the start-up policy was watched last */
} world;

void world_fail(world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void world_say(world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

bool world_open(world *w, const scenario *s, pool *arrays, counters *count, bool verbose);
void world_close(world *w);
/* One job to its end, with these troubles; its result in w->result. False: it was
 * killed, there is no result. */
bool world_run(world *w, uint8_t kind, trouble *troubles, unsigned n);
void world_pass(world *w, uint64_t us); /* nothing but time passes */
void world_cycle(world *w, uint64_t off_us);
void world_break_chip(world *w, const scenario *s);
uint64_t world_changes(const world *w); /* erases and programs so far */

bool oracle_open(world *w);
void oracle_close(world *w);
void oracle_reach(world *w); /* once the board is known */
/* After a run that says VF_OK; after any other run. */
void oracle_done(world *w);
void oracle_spared(world *w);
void oracle_kept(world *w);            /* what no file names is all there */
void oracle_outside(world *w);         /* at the end: everywhere else, and blanks what was used */
void oracle_watch(world *w);           /* may the application be started, and is it whole? */
bool oracle_whole(const world *w);     /* all of one image */
bool oracle_untouched(const world *w); /* it never began */
uint64_t oracle_cells(const world *w); /* a sum over all but the board's own journal */

/* Plays a scenario; false and `why` if something was wrong. */
bool play(const scenario *s, pool *arrays, counters *count, bool verbose, char *why, size_t room);
/* A small job with the power cut in every transaction; false if something was wrong. */
bool play_every_cut(pool *arrays, counters *count, unsigned step, bool verbose);

#endif
