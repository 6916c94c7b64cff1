/* job_bench.h - a job, a session, a paced link, the real engine of a board, and
 * flash memories as arrays behind its flash door, all under virtual time. The
 * flash counts what is done to it, and what never should be.
 */
#ifndef VCPFLASH_TESTS_HOST_JOB_BENCH_H
#define VCPFLASH_TESTS_HOST_JOB_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/job.h>
#include <vcpflash/target.h>

#define BENCH_NOR_BASE   0x90000000u
#define BENCH_INNER_BASE 0x08000000u

enum {
	BENCH_NOR_SIZE = 256 * 1024,
	BENCH_SECTOR = 4096,
	BENCH_JOURNAL = 2 * BENCH_SECTOR, /* at the end of the NOR, if the board keeps one */
	BENCH_INNER_SIZE = 128 * 1024,
	BENCH_INNER_SECTOR = 16 * 1024,
	BENCH_QUEUE = 64 * 1024, /* bytes on the line, each way */
};

/* One flash operation of a kind goes wrong: the `skip`-th that touches the
 * range, and `times` in a row from there. */
typedef struct bench_fault {
	uint8_t memory;
	uint8_t kind;         /* enum vf_flash_kind, 0 none */
	uint32_t offset, len; /* len 0: anywhere */
	unsigned skip, times;
	int status; /* what is reported; VF_OK: silently does nothing */
} bench_fault;

typedef struct bench_flash {
	uint8_t *cells;
	uint8_t *touched; /* by sector: 1 erased, 2 programmed */
	const vf_flash_op *op;
	uint64_t ends_at;
	unsigned erases, programs, reads, mapped;
	unsigned blank_erases;   /* sector erases of what was blank */
	unsigned dirty_programs; /* programs over a unit that was not blank */
} bench_flash;

typedef struct bench_line {
	uint8_t bytes[BENCH_QUEUE];
	size_t head, count;
	uint64_t credit; /* bytes that may still move, in ns of line time */
} bench_line;

typedef struct bench {
	vf_memory info[2];
	bench_flash flash[2];
	vf_target t;
	vf_target_config target;
	vf_target_journal journal;
	uint64_t now;
	uint64_t rate; /* bytes a second each way */
	bench_line out, in;
	bench_fault fault[4];
	uint32_t stuck;   /* address bits of the NOR that are always 0 */
	bool overrun;     /* its port takes bytes that its ring has no room for */
	uint64_t loop_us; /* its main loop comes round only so often; 0: always */
	uint64_t loop_at;
	bool deaf;            /* nothing reaches the board, nothing comes from it */
	uint64_t deaf_after;  /* programs begun until it is */
	uint64_t reset_after; /* flash operations begun until the board restarts; 0 never */
	uint64_t reset_every; /* the same since the last restart; 0 never */
	uint64_t reset_begun; /* begun at the last restart */
	bool mute_after_run;  /* nothing comes from the board once it starts the application */
	unsigned resets_left;
	bool reset_unplugs;       /* the pipe goes too, and what was on it, and comes back */
	bool reset_spares;        /* with it: the pipe alone, the board goes on */
	bool reset_swaps;         /* it comes back as another board */
	unsigned reset_reads;     /* reads through the application's path until it does; 0 never */
	bool reset_blanks;        /* the erase under way looks finished */
	bool reset_tears;         /* the operation under way is half done */
	uint64_t kill_at;         /* the time at which the host is no more; 0 never */
	bool killed;              /* it was */
	bool reset_spoils;        /* the operation under way leaves garbage behind */
	uint64_t interrupt_after; /* programs begun until the person interrupts; 0 never */
	uint64_t interrupt_at;    /* the same by time; 0 never */
	uint64_t again_in;        /* µs later once more; 0 never */
	uint64_t interrupted_at, again_at; /* set: when that was and will be; 0 not */
	bool running;
	uint32_t run_address;
	uint64_t random;
	long allocations; /* living */
	long fail_in;     /* the allocation that fails; 0 none */
	/* What the job said. */
	vf_job_config job;
	vf_job_result result;
	vf_session_stats link;
	vf_board board; /* as far as it was known */
	unsigned notes, plans, progresses;
	vf_job_plan plan[4];      /* without the pointer */
	uint64_t plan_chip_us[4]; /* typical times of the chip */
	uint64_t plan_steps;
	bool progress_wrong; /* more done than there is */
	uint8_t *sunk;
	size_t sunk_len;
	int sink_status;
} bench;

bench *bench_new(void);
void bench_free(bench *b);
void bench_board(bench *b); /* the engine again, with b->info as it is now */
/* The board keeps a journal from now on, in what is protected at the end of the NOR. */
void bench_journal(bench *b);
/* Counts and what was said begin anew; the cells stay. */
void bench_clear(bench *b);

uint8_t *bench_cells(bench *b, uint32_t address);
uint32_t bench_random(bench *b);
void bench_random_fill(bench *b, uint8_t *out, size_t len);

/* An image out of ranges of bytes. */
void bench_image(bench *b, vf_image *image);
void bench_add(bench *b, vf_image *image, const char *name, uint32_t address, const uint8_t *bytes,
	       uint32_t len);

/* Runs b->job to its end and returns its status; `kind` and `image` are set. Where
 * the host was killed before: VF_E_LINK. */
int bench_do(bench *b, uint8_t kind, const vf_image *image);
int bench_range(bench *b, uint8_t kind, uint32_t address, uint64_t length);
/* Power dies, and comes back. */
void bench_power_cut(bench *b);
unsigned bench_changes(const bench *b); /* erases and programs of both memories */

#endif
