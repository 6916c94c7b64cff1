/* One command's run against a board: what every such command begins, carries
 * out and ends with. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdio.h>

#include "cli.h"

typedef struct cli_run {
	const cli_options *o;
	vf_client_options client;
	const char *port; /* as named, or `found` */
	char found[1024];
	vf_job_config job;
	vf_job_result result;
	vf_board board;
	uint8_t memory; /* the last that was planned for */
	vf_session_stats link;
	vf_image image;
	bool has_image;
	cli_progress progress;
	FILE *trace;
	uint8_t key[VF_IO_KEY_SIZE]; /* of boards that have one, if a file was named */
	struct cJSON *json;          /* the rest of the result object */
	vf_error error;
} cli_run;

int cli_run_begin(cli_run *r, const cli_options *o, enum vf_job_kind kind);

/* Ctrl-C only sets a flag from here on. Before, while files are read or a
 * question is open, it ends the command as it does any other. */
void cli_run_catch(void);

/* Looks for the port and carries the job out. */
int cli_run_do(cli_run *r);

/* Only looks for the port, into r->port and r->client. */
int cli_run_find(cli_run *r);

/* Says how it ended, frees, and returns the exit code. */
int cli_run_end(cli_run *r);

/* Reads ADDR and LEN where a command takes them. */
int cli_run_range(cli_run *r, const char *addr, const char *len);

/* One line a frame into the trace, if there is one: port (where it is not empty), time,
 * direction, length, and the body in hex. */
void cli_run_trace(cli_run *r, const char *port, uint64_t now_us, bool sent, const uint8_t *body,
		   size_t len);

/* Mismatches and failures alone. */
void cli_trouble(struct cJSON *json, const vf_job_result *s);
void cli_run_trouble(cli_run *r);

/* Bytes, times, mismatches and failures for the result object. */
void cli_figures(struct cJSON *json, const vf_job_result *s, const vf_session_stats *link);
void cli_run_figures(cli_run *r);

#endif
