/* log.h - a record of units: one row for each board that a gang was at, in a SQLite
 * file that other programs may read meanwhile, and other gangs write to.
 *
 * Conventions: VF_OK or a negative vf_status with one line in `err`; text is UTF-8 and
 * never NULL. Times are UTC, "2026-03-01T14:05:09Z". docs/GANG.md has the schema.
 */
#ifndef VCPFLASH_LOG_H
#define VCPFLASH_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/error.h>

enum {
	VF_LOG_SCHEMA = 1,               /* PRAGMA user_version */
	VF_LOG_APPLICATION = 0x7663706C, /* PRAGMA application_id: "vcpl" */
	VF_LOG_BUSY = 1,                 /* another program writes; try again */
};

typedef struct vf_log vf_log;

/* What all units of one gang have in common. */
typedef struct vf_log_run {
	const char *time, *version;
	const char *digest; /* of the image, as hexadecimal digits */
	const char *files;
} vf_log_run;

typedef struct vf_log_unit {
	int64_t number;   /* of the row; ignored when one is added */
	const char *time; /* when work on it began */
	const char *port;
	const char *board; /* its unique id as hexadecimal digits, empty where it is not known */
	const char *name;  /* of the board */
	int exit;          /* the code that `program` would have ended with; 0: right */
	uint64_t elapsed_us;
	uint64_t bytes;    /* of the image */
	const char *cause; /* empty if it is right */
	vf_log_run run;    /* when read; its time is that of the gang */
} vf_log_unit;

/* Opens for writing; makes it if there is none, and writes the run's row, so a file that
 * is foreign, damaged, of a newer version or on a full disk shows before anything was
 * done. May wait for other writers, some seconds. NULL: see err (VF_E_FILE). */
vf_log *vf_log_begin(const char *path, const vf_log_run *run, vf_error *err);

/* Adds a row. Waits for nobody: VF_LOG_BUSY. Survives the death of this program at
 * once, and a power cut when vf_log_sync has returned. */
int vf_log_add(vf_log *log, const vf_log_unit *unit, vf_error *err);
/* From now on vf_log_add waits for others, `ms` at most. */
void vf_log_patience(vf_log *log, int ms);
int vf_log_sync(vf_log *log, vf_error *err);

/* Opens one that exists, for reading. */
vf_log *vf_log_open(const char *path, vf_error *err);

typedef struct vf_log_filter {
	const char *since; /* a time or the beginning of one; NULL: from the first on */
	const char *board; /* its id, or the beginning of it; NULL: any */
	bool failed;       /* only what did not end right */
} vf_log_filter;

/* Calls `each` for the rows in their order until it returns nonzero; returns that, VF_OK
 * or VF_E_FILE. The texts are valid during the call. */
int vf_log_each(vf_log *log, const vf_log_filter *filter,
		int (*each)(void *ctx, const vf_log_unit *unit), void *ctx, vf_error *err);

void vf_log_close(vf_log *log); /* NULL is harmless */

#endif
