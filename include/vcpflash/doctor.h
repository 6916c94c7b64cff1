/* doctor.h - which part is at fault: the link, the board, the chip? Tests the link
 * alone, then the chip, and ends with one sentence.
 *
 * Made of jobs, one after the other (job.h), which somebody else carries out, so
 * that it runs over a real port as over a simulated board. Conventions as in job.h.
 */
#ifndef VCPFLASH_DOCTOR_H
#define VCPFLASH_DOCTOR_H

#include <vcpflash/job.h>

enum vf_culprit {
	VF_CULPRIT_NONE,
	VF_CULPRIT_LINK,  /* cable, port, baud rate, or nobody there */
	VF_CULPRIT_BOARD, /* its loader, its supply, or what it does not allow */
	VF_CULPRIT_CHIP,  /* the flash, or its connection to the board */
	VF_CULPRIT_HOST,  /* this computer */
};

typedef struct vf_doctor_config {
	vf_job_config job; /* what every job has: session, call.progress and note, keeper */
	/* Carries out one job to its end; returns result->error.code. */
	int (*run)(void *ctx, const vf_job_config *job, vf_job_result *result, vf_board *board,
		   vf_session_stats *link);
	/* A line for the person: what was found. NULL allowed. */
	void (*say)(void *ctx, const char *line);
	void *ctx;
	bool whole_chip; /* writes all of the first external memory, and leaves it erased */
} vf_doctor_config;

typedef struct vf_doctor_report {
	uint8_t culprit;    /* enum vf_culprit */
	const char *stage;  /* where it ended: link, read, scratch, address, restore, whole */
	vf_error error;     /* code: VF_OK, or what the exit code follows; text: the sentence
			     * that says which part is at fault, also if none is */
	vf_job_result link; /* echoes */
	vf_job_result chip; /* of the last job with the chip: what failed, and how */
	vf_board board;
	bool board_known;
	uint64_t rate;          /* of the link, bytes a second */
	uint32_t frames;        /* sent and received in all jobs, */
	uint32_t damaged_there; /* of which so many arrived damaged at the board, */
	uint32_t damaged_here;  /* and here, */
	uint32_t lost_there;    /* and bytes that the board had no room for */
	bool has_scratch;
	uint32_t scratch, scratch_len; /* the sector that was tested */
	uint64_t tested_bytes;         /* erased, written and read back */
} vf_doctor_report;

/* Returns report->error.code. */
int vf_doctor(const vf_doctor_config *config, vf_doctor_report *report);

const char *vf_culprit_name(uint8_t culprit);

/* A chip's condition in words; of one that is `known`. */
const char *vf_condition_facts(const vf_condition *c); /* where its description is from */
void vf_condition_found(const vf_condition *c, char *out, size_t room); /* in which mode */
const char *vf_condition_quad(const vf_condition *c);
/* How the look for the chip ended, and what to do where it is not known. */
const char *vf_condition_probe(const vf_condition *c);
/* Block-protect bits of status register 1 that are set in any of its dies. */
uint8_t vf_condition_protected(const vf_condition *c, unsigned dies);

#endif
