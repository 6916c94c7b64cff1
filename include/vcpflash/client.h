/* client.h - the blocking calls: an engine (job.h) moved over a pipe (io.h).
 *
 * Conventions as in job.h. A call returns when the job has ended.
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
	void *ctx;
} vf_client_options;

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
 * bytes). VF_E_LINK lists what was tried, or the several that answered. */
int vf_client_find(const vf_client_options *opt, char *name, size_t room, vf_error *err);

/* Opens the port, carries out the job, closes. Returns result.error.code.
 * `board` and `link` may be NULL; otherwise filled as far as known. Stops in
 * good order when the options' `interruptions` are more than 0. */
int vf_client_do(const vf_client_options *opt, const vf_job_config *config, vf_job_result *result,
		 vf_board *board, vf_session_stats *link);

#endif
