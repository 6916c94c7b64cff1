/* job_sim.c - see job_sim.h. Time goes on only when nothing can move at the present
 * one, and then to the next moment at which either side has something to do.
 */
#include "job_sim.h"

static size_t plain(void *ctx, vf_sim_board *board, const uint8_t *out, size_t len, uint64_t now)
{
	(void)ctx;
	return vf_sim_board_write(board, out, len, now);
}

static bool move(vf_job *job, vf_sim_board *board, uint64_t now, job_sim_wire *wire, void *ctx)
{
	uint8_t in[512];
	const uint8_t *out;
	size_t n;
	bool moved = false;
	while ((out = vf_job_tx(job, &n, now)) != NULL) {
		const size_t sent = wire(ctx, board, out, n, now);
		vf_job_tx_done(job, sent, now);
		moved = moved || sent > 0;
		if (sent < n)
			break;
	}
	vf_sim_board_run(board, now);
	while ((n = vf_sim_board_read(board, in, sizeof in, now)) > 0) {
		vf_job_rx(job, in, n, now);
		moved = true;
	}
	return moved;
}

bool job_sim_move(vf_job *job, vf_sim_board *board, uint64_t now)
{
	return move(job, board, now, plain, NULL);
}

uint64_t job_sim_run_over(vf_job *job, vf_sim_board *board, uint64_t now, uint64_t most,
			  job_sim_wire *wire, void *ctx)
{
	const uint64_t give_up = now + most;
	vf_job_tick(job, now);
	while (!vf_job_finished(job) && now < give_up) {
		if (vf_job_deadline(job) <= now)
			vf_job_tick(job, now);
		if (move(job, board, now, wire, ctx))
			continue;
		const uint64_t due = vf_job_deadline(job), next = vf_sim_board_next(board);
		const uint64_t to = due < next ? due : next;
		now = to > now ? to : now + 1;
	}
	return now;
}

uint64_t job_sim_run(vf_job *job, vf_sim_board *board, uint64_t now, uint64_t most)
{
	return job_sim_run_over(job, board, now, most, plain, NULL);
}
