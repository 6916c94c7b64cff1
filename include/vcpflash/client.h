/* client.h - the blocking calls: an engine (job.h) moved over a pipe (io.h).
 *
 * Conventions as in job.h. A call returns when the job has ended. Below, the same for
 * many boards at once: a gang.
 */
#ifndef VCPFLASH_CLIENT_H
#define VCPFLASH_CLIENT_H

#include <vcpflash/io.h>
#include <vcpflash/job.h>

typedef struct vf_client_options {
	const char *port;  /* a path, tcp://HOST:PORT, or "auto"; NULL = "auto" */
	uint32_t baud;     /* at which talk begins; 0 = 115200 */
	uint32_t max_baud; /* to which it may go up; 0: as far as port and board can; not
			    * above `baud`: it stays */
	/* How often the person has asked to stop, as vf_interruptions; asked at least ten
	 * times a second. NULL: vf_interruptions itself. */
	unsigned (*interruptions)(void *ctx);
	/* How long a port is waited for that is not there, held by another program, or
	 * where no board answers; VF_CLIENT_FOREVER: until asked to stop. 0: not at all. */
	uint32_t wait_ms;
	/* How long a port is waited for that goes away once a board has answered (it was
	 * reset, or its cable was pulled), under its own name or another; the job then goes
	 * on where it was. 0: VF_CLIENT_RETURN_MS; VF_CLIENT_NEVER: not at all. */
	uint32_t return_ms;
	/* What is being waited for, a line at a time. NULL: it is not said. */
	void (*note)(void *ctx, const char *line);
	void *ctx;
} vf_client_options;

#define VF_CLIENT_FOREVER UINT32_MAX
#define VF_CLIENT_NEVER   (UINT32_MAX - 1)
enum { VF_CLIENT_RETURN_MS = 10000 }; /* a board's restart, and its USB device anew */

/* Fills the parts of a job's configuration that the operating system serves:
 * memory and randomness. */
void vf_client_defaults(vf_job_config *config);

/* Decimal or 0x…, with K or M behind it; false if it is no such number or more
 * than `max`. */
bool vf_client_number(const char *text, uint64_t max, uint64_t *value);

/* Merges one file into `img`: FILE, or FILE@ADDR for a raw binary; "-" is standard
 * input. With `bytes` that is what the file holds, and nothing is read. */
int vf_client_load(vf_image *img, const char *arg, const uint8_t *bytes, size_t len, vf_error *err);

/* Puts the port in front of a line about the link that does not name it: the engine
 * knows none. */
void vf_client_name_port(vf_error *err, const char *port);

/* Makes raw deflate for vf_job_config.deflate (deflate_ctx: the packer). vf_client_do
 * brings its own where a job has none. One packer serves one job at a time. */
typedef struct vf_packer vf_packer;
vf_packer *vf_packer_new(void);    /* NULL: no memory */
void vf_packer_free(vf_packer *p); /* NULL is harmless */
size_t vf_packer_deflate(void *packer, const uint8_t *in, size_t in_len, uint8_t *out, size_t room);

/* Finds the one port where a board answers; its name into `name` (`room`
 * bytes). VF_E_LINK lists what was tried, or the several that answered (at once,
 * however long may be waited for the first). */
int vf_client_find(const vf_client_options *opt, char *name, size_t room, vf_error *err);

/* Does a board answer at that port within a second? `board` may be NULL; `why` is filled
 * if not. */
bool vf_client_answers(const vf_client_options *opt, const char *port, vf_board *board,
		       vf_error *why);

/* Opens the port, carries out the job, closes. Returns result.error.code.
 * `board` and `link` may be NULL; otherwise filled as far as known. Stops in
 * good order when the options' `interruptions` are more than 0. */
int vf_client_do(const vf_client_options *opt, const vf_job_config *config, vf_job_result *result,
		 vf_board *board, vf_session_stats *link);

/* --- many boards at once ------------------------------------------------------------
 *
 * A gang moves any number of units, each a port with one job after the other, from one
 * thread. Nothing in it waits for one board while others could go on; vf_client_do is a
 * gang of one. What jobs compress is computed once where their boards are alike.
 * Everything that a job is given stays valid until it was told to have ended. */

typedef struct vf_gang vf_gang;
typedef struct vf_unit vf_unit;

/* Called from vf_gang_turn, with the `user` of the unit. All may be NULL; all may open,
 * start and close units, but not free the gang. */
typedef struct vf_gang_calls {
	void *ctx;
	/* The port is open, and there is no job yet. */
	void (*opened)(void *ctx, void *user);
	/* It is known which board answers, and nothing of it was changed: anything but VF_OK
	 * ends the job with `err`. Once a job. */
	int (*board)(void *ctx, void *user, const vf_board *board, vf_error *err);
	/* The job has ended; what it points to is valid during the call. `board` NULL: it
	 * was never known; `link` NULL: the port never opened. */
	void (*ended)(void *ctx, void *user, const vf_job_result *result, const vf_board *board,
		      const vf_session_stats *link);
	/* A port without a job cannot be opened, or is gone. The unit closes by itself. */
	void (*gone)(void *ctx, void *user, const vf_error *why);
} vf_gang_calls;

vf_gang *vf_gang_new(const vf_gang_calls *calls, vf_error *err); /* NULL: no memory */
void vf_gang_free(vf_gang *g); /* drops what is under way; NULL is harmless */

/* Begins to open a port that is named (no "auto"). NULL: see err, without any call. At
 * most VF_PIPES_MAX units; VF_E_USAGE. */
vf_unit *vf_gang_open(vf_gang *g, const vf_client_options *opt, void *user, vf_error *err);
/* The next job of a unit that has none; begins when the port is open. VF_OK, or see err. */
int vf_gang_start(vf_unit *u, const vf_job_config *config, vf_error *err);
/* The unit is of no use any more. Not while it has a job. */
void vf_gang_close(vf_unit *u);
size_t vf_gang_units(const vf_gang *g); /* that are not closed yet */

/* Moves whoever can be moved; waits, until `until_us` of the monotonic clock at most,
 * if nobody can. */
void vf_gang_turn(vf_gang *g, uint64_t until_us);

#endif
