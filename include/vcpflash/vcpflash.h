/* vcpflash.h - libvcpflash: images into a board's flash by one call.
 *
 * The only header that is installed, and all that the library exports; the engines
 * behind it are free to change. For C and C++.
 *
 * Conventions: a call blocks until it is done and returns 0 or one of the negative
 * codes below; what it did and what went wrong is in the report. Addresses are the
 * processor's; an `address` that lies in no memory and below the first external memory's
 * size is an offset into that (those in files are not). Lengths in bytes, times in
 * microseconds. No pointer may be NULL unless said so; what is handed in stays the
 * caller's and is not kept.
 *
 * There are no globals: calls may run at the same time in several threads, one a port.
 * Signals are left alone. Memory is proportional to the files. Bytes that no file names
 * and that have to survive an erase are meanwhile in a file of the user's state
 * directory (XDG_STATE_HOME), as with the command.
 *
 * Until version 1.0 the library's number may change with any version. A program that
 * was built with an older header of the same number goes on working: `size` tells the
 * library which members it knows.
 */
#ifndef VCPFLASH_VCPFLASH_H
#define VCPFLASH_VCPFLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VCPFLASH_API __attribute__((visibility("default")))
#else
#define VCPFLASH_API
#endif

enum vcpflash_code {
	VCPFLASH_OK = 0,             /* done, and seen to be so */
	VCPFLASH_E_DIFFERS = -1,     /* the chip holds something else (verify) */
	VCPFLASH_E_USAGE = -2,       /* the call makes no sense */
	VCPFLASH_E_LINK = -3,        /* no port, no board, no answer, line lost */
	VCPFLASH_E_BOARD = -4,       /* the board or its flash reported a failure */
	VCPFLASH_E_FILE = -5,        /* a file: which, where in it, what is wrong */
	VCPFLASH_E_REFUSED = -6,     /* outside the memories, protected, not allowed */
	VCPFLASH_E_INTERRUPTED = -7, /* `stop` said so; the board is ready for the next call */
	VCPFLASH_E_NOMEM = -8,       /* this computer has no memory left */
};

/* --- what a call may be told -------------------------------------------------- */

enum vcpflash_level {
	VCPFLASH_NOTE,    /* something happened on the way */
	VCPFLASH_WARNING, /* something looks wrong with the files or the key */
	VCPFLASH_BOARD,   /* a line of the board's own console */
};

enum vcpflash_compress {
	VCPFLASH_COMPRESS_AUTO, /* where the line is slower than the chip */
	VCPFLASH_COMPRESS_ON,
	VCPFLASH_COMPRESS_OFF,
};

enum { VCPFLASH_KEY_SIZE = 32 };

#define VCPFLASH_FOREVER UINT32_MAX
#define VCPFLASH_NEVER   (UINT32_MAX - 1)

/* Begin with vcpflash_defaults(), which is also what NULL means. Callbacks come from
 * the thread that made the call, with `ctx`, and must not make a call for the same
 * port. A NULL callback is not called. */
typedef struct vcpflash_options {
	size_t size; /* vcpflash_defaults() sets it */
	void *ctx;
	/* When a phase begins and when its last byte is done, and between at most twenty times
	 * a second. `phase` is one word: connect, compare, keep, erase (where nothing is
	 * programmed), program, read, verify, run, close; one that is over at once may not be told.
	 * `total` 0: not known. `busy_ms`: the chip is busy for so long, about. */
	void (*progress)(void *ctx, const char *phase, uint64_t done, uint64_t total,
			 uint32_t busy_ms);
	/* A line for a person; enum vcpflash_level. */
	void (*log)(void *ctx, int level, const char *line);
	/* Asked about twenty times a second. 0: go on. 1: stop in good order; sectors that
	 * were begun and hold bytes no file names are finished first. 2: at once. */
	int (*stop)(void *ctx);
	/* How long a port is waited for where no board is; VCPFLASH_FOREVER: until `stop`. */
	uint32_t wait_ms;
	/* How long one is waited for that goes away in the middle (reset, cable pulled); the
	 * call then goes on. 0: 10 s; VCPFLASH_NEVER: not at all. */
	uint32_t return_ms;
	uint32_t baud;        /* at which talk begins; 0: 115200 */
	uint32_t max_baud;    /* to which it may go up; 0: as far as port and board can; not
			       * above `baud`: it stays */
	const uint8_t *key;   /* VCPFLASH_KEY_SIZE bytes, for boards that have one; NULL: none */
	const char *key_file; /* a file that holds it; NULL: none */
	bool full;            /* program, erase: do not compare with what is there first */
	bool dry_run;         /* program: plan, change nothing */
	bool discard;         /* program, erase: do not preserve what no file names */
	bool verify_full;     /* program, verify: SHA-256 of everything besides digests */
	bool run_after;       /* program: start the application afterwards */
	bool strict;          /* program: files that look wrong are refused */
	uint8_t compress;     /* program: enum vcpflash_compress */
} vcpflash_options;

static inline vcpflash_options vcpflash_defaults(void)
{
	vcpflash_options o;
	memset(&o, 0, sizeof o);
	o.size = sizeof o;
	return o;
}

/* A file to program or to compare with: Intel HEX, S-records, ELF, UF2, raw binary.
 * Content decides which, not the name. */
typedef struct vcpflash_file {
	const char *name;  /* FILE or FILE@ADDR, as the command takes it; raw binaries need
			    * the address */
	const void *bytes; /* what the file holds; then nothing is read and `name` is only
			    * what errors call it, and the address. NULL: it is read */
	size_t len;        /* of `bytes` */
} vcpflash_file;

/* --- what came of it ------------------------------------------------------------ */

enum {
	VCPFLASH_TEXT_MAX = 400,
	VCPFLASH_PORT_MAX = 256,
	VCPFLASH_NAME_MAX = 40,
	VCPFLASH_ID_MAX = 40,
	VCPFLASH_SHA256_SIZE = 32,
};

/* Begin with vcpflash_no_report(). Strings that are pointed to are never freed. */
typedef struct vcpflash_report {
	size_t size;                    /* vcpflash_no_report() sets it */
	int code;                       /* as the call returned */
	char text[VCPFLASH_TEXT_MAX];   /* one line: what, where, what to do; "" if all is well */
	const char *hint;               /* the next step, one line; "" if all is well */
	char port[VCPFLASH_PORT_MAX];   /* that was named or found; "" if none */
	char board[VCPFLASH_NAME_MAX];  /* what it calls itself; "" if none answered */
	char board_id[VCPFLASH_ID_MAX]; /* its unique id in hexadecimal digits; "" if none */
	/* Where bytes were seen to differ: VCPFLASH_E_DIFFERS, and VCPFLASH_E_BOARD when it
	 * could be read. */
	const char *cause; /* what the difference suggests; "" if none was seen */
	uint32_t address;  /* of the first byte */
	uint8_t expected, found;
	uint64_t count; /* of bytes */
	/* VCPFLASH_E_BOARD: what the board reported, one word; "" if nothing. */
	const char *failure;
	uint32_t failure_address;
	/* Figures, as far as it got. */
	uint32_t attempts; /* 1, more if something was planned anew */
	uint64_t image_bytes;
	uint64_t same_bytes; /* in sectors that were right already */
	uint64_t erased_bytes;
	uint64_t programmed_bytes;
	uint64_t kept_bytes;     /* of these, preserved */
	uint64_t saved_bytes;    /* kept off the line by compression */
	uint64_t verified_bytes; /* digested after writing, or compared */
	uint64_t sent_bytes, received_bytes;
	uint64_t elapsed_us;
	uint64_t estimate_us; /* of the plan, all memories (program, erase) */
	uint32_t baud;        /* of the session; 0: there is no such thing */
	bool nothing_to_do;   /* program, erase: the flash held it already */
} vcpflash_report;

static inline vcpflash_report vcpflash_no_report(void)
{
	vcpflash_report r;
	memset(&r, 0, sizeof r);
	r.size = sizeof r;
	return r;
}

/* --- the calls ------------------------------------------------------------------- */

/* `port`: a device, tcp://HOST:PORT, rfc2217://HOST:PORT, or "auto", "" or NULL: the one
 * port where a board answers. `options` and `report` may be NULL. */

/* Makes the flash hold these files. Only what differs is written, what no file names
 * survives, and when it returns 0 all of it was read back. */
VCPFLASH_API int vcpflash_program(const char *port, const vcpflash_file *files, size_t count,
				  const vcpflash_options *options, vcpflash_report *report);

/* Compares only. VCPFLASH_E_DIFFERS. */
VCPFLASH_API int vcpflash_verify(const char *port, const vcpflash_file *files, size_t count,
				 const vcpflash_options *options, vcpflash_report *report);

/* `len` bytes, at least 1, into `out`. After an error `out` holds anything. */
VCPFLASH_API int vcpflash_read(const char *port, uint32_t address, void *out, size_t len,
			       const vcpflash_options *options, vcpflash_report *report);

/* [address, +len) becomes 0xFF; what lies beside it survives. */
VCPFLASH_API int vcpflash_erase(const char *port, uint32_t address, uint64_t len,
				const vcpflash_options *options, vcpflash_report *report);

/* All of the first external memory, but what the board protects. */
VCPFLASH_API int vcpflash_erase_chip(const char *port, const vcpflash_options *options,
				     vcpflash_report *report);

/* SHA-256 of [address, +len), computed on the board. */
VCPFLASH_API int vcpflash_digest(const char *port, uint32_t address, uint64_t len,
				 uint8_t sha256[VCPFLASH_SHA256_SIZE],
				 const vcpflash_options *options, vcpflash_report *report);

#define VCPFLASH_START UINT64_MAX /* as `address`: where the first external memory begins */

/* Leaves the loader and starts the application whose vector table is at `address`. */
VCPFLASH_API int vcpflash_run(const char *port, uint64_t address, const vcpflash_options *options,
			      vcpflash_report *report);

/* --- boards and ports --------------------------------------------------------------- */

enum vcpflash_memory_kind {
	VCPFLASH_NOR = 1,      /* external serial NOR */
	VCPFLASH_INTERNAL = 2, /* the microcontroller's own flash */
};

enum vcpflash_right {
	VCPFLASH_READ = 1,
	VCPFLASH_WRITE = 2,
	VCPFLASH_RUN = 4, /* code can be started from it */
};

typedef struct vcpflash_memory {
	const char *name; /* the part */
	const char *id;   /* as read from the chip, hexadecimal digits */
	uint32_t base;    /* address of its first byte */
	uint32_t bytes;
	uint32_t sector;    /* smallest erase unit */
	uint32_t page;      /* most bytes one program operation takes */
	uint32_t sector_us; /* typical time to erase a sector; 0: not known */
	uint32_t page_us;   /* typical time to program a page; 0: not known */
	uint8_t kind;       /* enum vcpflash_memory_kind */
	uint8_t rights;     /* enum vcpflash_right, or-ed */
	uint8_t dies;       /* 1, or 2 in parallel */
} vcpflash_memory;

typedef struct vcpflash_board vcpflash_board;

/* Asks the board what it is. *board is to be freed; NULL after an error. */
VCPFLASH_API int vcpflash_info(const char *port, vcpflash_board **board,
			       const vcpflash_options *options, vcpflash_report *report);
VCPFLASH_API void vcpflash_board_free(vcpflash_board *board); /* NULL is harmless */

/* Valid until the board is freed. */
VCPFLASH_API const char *vcpflash_board_name(const vcpflash_board *board);
VCPFLASH_API const char *vcpflash_board_id(const vcpflash_board *board);   /* "" if none */
VCPFLASH_API const char *vcpflash_board_port(const vcpflash_board *board); /* as opened */
VCPFLASH_API size_t vcpflash_board_memories(const vcpflash_board *board);
/* NULL: there is no memory `index`. */
VCPFLASH_API const vcpflash_memory *vcpflash_board_memory(const vcpflash_board *board,
							  size_t index);

typedef struct vcpflash_port {
	const char *name;        /* the device */
	const char *description; /* "" if none */
	const char *serial;      /* USB serial number; "" if none */
	int vid, pid;            /* USB ids; -1 if none */
	int interface;           /* which of the USB device's interfaces; -1 if not known */
	bool known;              /* USB ids of boards and probes that are known, or used before */
	/* If it was asked: */
	const char *board;    /* what the board there calls itself; "" if none answered */
	const char *board_id; /* "" if none */
	const char *trouble;  /* why none answered, one line; "" if one did */
} vcpflash_port;

/* Tells every serial port of the system to `each`; `port` is valid during the call. With
 * `ask` each port that is `known` is opened and asked who is there, a second at most; no
 * other is opened, and without it none is. */
VCPFLASH_API int vcpflash_ports(bool ask, void (*each)(void *ctx, const vcpflash_port *port),
				void *ctx, const vcpflash_options *options,
				vcpflash_report *report);

/* --- which part is at fault? ----------------------------------------------------------- */

enum vcpflash_fault {
	VCPFLASH_FAULT_NONE,
	VCPFLASH_FAULT_LINK,  /* cable, port, baud rate, or nobody there */
	VCPFLASH_FAULT_BOARD, /* its loader, its supply, or what it does not allow */
	VCPFLASH_FAULT_CHIP,  /* the flash, or its connection to the board */
	VCPFLASH_FAULT_HOST,  /* this computer */
};

/* Begin with vcpflash_no_findings(). */
typedef struct vcpflash_findings {
	size_t size;                     /* vcpflash_no_findings() sets it */
	int culprit;                     /* enum vcpflash_fault */
	char verdict[VCPFLASH_TEXT_MAX]; /* one sentence, also if nothing is at fault; "": it did
					  * not come to any test */
	const char *stage;               /* which test ended it: link, read, scratch, address,
					  * restore, whole; "" if none began */
	uint64_t rate;                   /* of the link, bytes a second */
	uint32_t frames;                 /* sent and received, */
	uint32_t damaged_there;          /* of which so many arrived damaged at the board, */
	uint32_t damaged_here;           /* and here, */
	uint32_t lost_there;             /* and bytes that the board had no room for */
	uint32_t scratch, scratch_bytes; /* the sector that was tested; 0 bytes: none was */
	uint64_t tested_bytes;           /* erased, written and read back */
} vcpflash_findings;

static inline vcpflash_findings vcpflash_no_findings(void)
{
	vcpflash_findings f;
	memset(&f, 0, sizeof f);
	f.size = sizeof f;
	return f;
}

/* Tests the link alone, then the chip, in a sector that holds afterwards what it held.
 * `whole_chip`: then all of the first external memory, which is erased afterwards. 0 if
 * nothing is at fault. What is found on the way goes to `log`. `findings` may be NULL. */
VCPFLASH_API int vcpflash_doctor(const char *port, bool whole_chip, const vcpflash_options *options,
				 vcpflash_findings *findings, vcpflash_report *report);

/* "0.1.0" */
VCPFLASH_API const char *vcpflash_version(void);

#ifdef __cplusplus
}
#endif

#endif
