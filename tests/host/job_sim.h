/* job_sim.h - a job and a simulated board, moved under virtual time. */
#ifndef VCPFLASH_TESTS_HOST_JOB_SIM_H
#define VCPFLASH_TESTS_HOST_JOB_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include <vcpflash/job.h>
#include <vcpflash/sim.h>

/* Bytes both ways that may move at `now`, and the board's work; true if any moved. */
bool job_sim_move(vf_job *job, vf_sim_board *board, uint64_t now);

/* From `now` until the job has finished, or `most` microseconds have passed; returns
 * when that was. */
uint64_t job_sim_run(vf_job *job, vf_sim_board *board, uint64_t now, uint64_t most);

/* The same with a wire of its own to the board: what it does with bytes, and how many it
 * took. */
typedef size_t job_sim_wire(void *ctx, vf_sim_board *board, const uint8_t *out, size_t len,
			    uint64_t now);

uint64_t job_sim_run_over(vf_job *job, vf_sim_board *board, uint64_t now, uint64_t most,
			  job_sim_wire *wire, void *ctx);

#endif
