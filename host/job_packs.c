/* job_packs.c - how much smaller what travels gets by compression, before any of it
 * is sent: some blocks from all over the plan are compressed to see. Only asked
 * where the link is what the job waits for. */
#include "job_internal.h"

enum {
	SAMPLES_MIN = 4,
	SAMPLES_MAX = 64,
	SAMPLE_US = 400000, /* of the link's time, that one sample is worth */
	WHOLE = 1024,
};

/* Compresses [offset, +len); bytes that are left, at most len. */
static uint32_t sample(vf_job *j, const vf_job_area *a, uint32_t offset, uint32_t len)
{
	vf_packed packed;
	if (!vf_job_deflate(j, a, offset, len, &packed))
		return len; /* whoever needs it next says so */
	return (uint32_t)packed.size;
}

/* Where the blocks around evenly spaced places of what is programmed begin. */
static uint32_t sample_all(vf_job *j, const vf_job_area *a, uint64_t samples)
{
	const uint64_t apart = a->plan.program_bytes / samples + 1;
	const uint32_t block = j->board.welcome.block;
	uint64_t before = 0, after = 0, passed = 0, next = apart / 2;
	for (size_t i = 0; i < a->plan.count; i++) {
		const vf_plan_step *step = &a->plan.steps[i];
		if (step->kind != VF_PLAN_PROGRAM)
			continue;
		for (; next < passed + step->len; next += apart) {
			const uint32_t into = (uint32_t)(next - passed) / block * block;
			const uint32_t left = step->len - into;
			const uint32_t len = left < block ? left : block;
			after += sample(j, a, step->offset + into, len);
			before += len;
		}
		passed += step->len;
	}
	return before != 0 ? (uint32_t)(after * WHOLE / before) : WHOLE;
}

uint32_t vf_job_packs_to(vf_job *j, vf_job_area *a)
{
	uint64_t samples = a->plan.link_us / SAMPLE_US;
	if (a->packs_to != 0)
		return a->packs_to;
	if (j->config.compress == VF_COMPRESS_OFF || !vf_job_can_pack(j))
		return WHOLE;
	if (samples < SAMPLES_MIN)
		samples = SAMPLES_MIN;
	if (samples > SAMPLES_MAX)
		samples = SAMPLES_MAX;
	a->packs_to = sample_all(j, a, samples);
	if (a->packs_to == 0)
		a->packs_to = 1;
	return a->packs_to;
}
