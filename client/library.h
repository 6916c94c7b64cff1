/* library.h - what the files of libvcpflash share: one call, from begin to end. */
#ifndef VF_LIBRARY_H
#define VF_LIBRARY_H

#include <vcpflash/client.h>
#include <vcpflash/vcpflash.h>

#include "client_internal.h"

typedef struct vf_library_call {
	vcpflash_options options;
	vf_client_options client;
	char found[VF_CLIENT_NAME_MAX];
	vf_job_config job;
	vf_job_result result;
	vf_board board;
	vf_session_stats link;
	vf_image image;
	bool has_image;
	bool has_verdict; /* of the doctor */
	uint8_t key[VF_IO_KEY_SIZE];
	uint8_t *out; /* READ: where the next bytes go */
	uint64_t estimate_us;
	vf_error error;
	/* What was told, and asked, last. */
	bool told, ended, asked;
	uint8_t phase;
	uint64_t told_us, asked_us;
	unsigned stops;
} vf_library_call;

/* The job with all that the options say; on an error only vf_library_end may follow. */
int vf_library_begin(vf_library_call *c, enum vf_job_kind kind, const char *port,
		     const vcpflash_options *options);
/* Fails for an argument that is NULL. */
int vf_library_missing(vf_library_call *c, const char *argument);
/* Gives `auto` the name of a port; vf_library_do does it by itself. */
int vf_library_find(vf_library_call *c);
int vf_library_do(vf_library_call *c);
/* Frees, and fills `report` (NULL: nobody wants it); the code that the call returns. */
int vf_library_end(vf_library_call *c, vcpflash_report *report);

/* A structure that begins with its size goes to the caller as far as the caller knows it.
 * `theirs` may be NULL. */
void vf_library_give(void *theirs, const void *ours, size_t known);

/* A note to the caller; `ctx` is the call. */
void vf_library_note(void *ctx, const char *line);

/* What was written for a person at a command line, in the words of the library. `room` at least 1.
 */
void vf_library_say(char *out, size_t room, const char *text);

/* 2 * len + 1 characters into `out`. */
void vf_library_hex(char *out, const uint8_t *bytes, size_t len);

#endif
