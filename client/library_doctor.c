/* library_doctor.c - libvcpflash: which part is at fault, as the command `doctor` finds it. */
#include <string.h>

#include <vcpflash/doctor.h>

#include "library.h"

_Static_assert((int)VCPFLASH_FAULT_NONE == (int)VF_CULPRIT_NONE &&
		       (int)VCPFLASH_FAULT_LINK == (int)VF_CULPRIT_LINK &&
		       (int)VCPFLASH_FAULT_BOARD == (int)VF_CULPRIT_BOARD &&
		       (int)VCPFLASH_FAULT_CHIP == (int)VF_CULPRIT_CHIP &&
		       (int)VCPFLASH_FAULT_HOST == (int)VF_CULPRIT_HOST,
	       "doctor.h and vcpflash.h");

static int on_run(void *ctx, const vf_job_config *job, vf_job_result *result, vf_board *board,
		  vf_session_stats *link)
{
	const vf_library_call *c = ctx;
	return vf_client_do(&c->client, job, result, board, link);
}

static void fill(vcpflash_findings *f, const vf_doctor_report *d)
{
	f->culprit = d->culprit;
	f->stage = d->stage;
	vf_library_say(f->verdict, sizeof f->verdict, d->error.text);
	f->rate = d->rate;
	f->frames = d->frames;
	f->damaged_there = d->damaged_there;
	f->damaged_here = d->damaged_here;
	f->lost_there = d->lost_there;
	if (d->has_scratch) {
		f->scratch = d->scratch;
		f->scratch_bytes = d->scratch_len;
	}
	f->tested_bytes = d->tested_bytes;
}

static void examine(vf_library_call *c, bool whole_chip, vcpflash_findings *findings)
{
	vf_doctor_report d;
	c->job.call.plan = NULL;
	c->client.return_ms = VF_CLIENT_NEVER; /* a port that goes away is a finding */
	const vf_doctor_config config = {.job = c->job,
					 .run = on_run,
					 .say = vf_library_note,
					 .ctx = c,
					 .whole_chip = whole_chip};
	(void)vf_doctor(&config, &d);
	c->error = d.error;
	c->result = d.chip;
	c->board = d.board;
	c->has_verdict = true;
	fill(findings, &d);
}

int vcpflash_doctor(const char *port, bool whole_chip, const vcpflash_options *options,
		    vcpflash_findings *findings, vcpflash_report *report)
{
	vf_library_call c;
	vcpflash_findings own = vcpflash_no_findings();
	own.stage = "";
	if (vf_library_begin(&c, VF_JOB_INFO, port, options) == VF_OK &&
	    vf_library_find(&c) == VF_OK)
		examine(&c, whole_chip, &own);
	vf_library_give(findings, &own, sizeof own);
	return vf_library_end(&c, report);
}
