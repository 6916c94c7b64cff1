/* board_rate.c - a UART whose baud rate goes up: the board's port, the host's, and
 * what the line makes of it when the two differ or the cable does not hold it.
 */
#include "board.h"

enum { TOLERANCE = 3 /* per cent, between two ends */ };

static const double bad_cable = 0.05;

bool vf_sim_board_can_raise(const vf_sim_board *b)
{
	return b->config.link.baud != 0 && b->config.max_baud > b->config.link.baud;
}

static bool differ(uint32_t a, uint32_t b)
{
	uint64_t off = a > b ? a - b : b - a;
	return off * 100 > (uint64_t)b * TOLERANCE;
}

static void tune(vf_sim_board *b)
{
	const vf_sim_link_model *m = &b->config.link;
	uint32_t host = b->host_baud != 0 ? b->host_baud : b->baud;
	uint32_t bad = b->config.fault.bad_rate;
	double noise = 0;
	if (differ(host, b->baud))
		noise = 1;
	else if (bad != 0 && b->baud > bad)
		noise = bad_cable;
	/* A line without pace stays so. */
	uint64_t out = m->out_rate != 0 ? host / 10 : 0, in = m->in_rate != 0 ? b->baud / 10 : 0;
	vf_sim_link_tune(&b->out, out, b->out.under_way_max, noise);
	vf_sim_link_tune(&b->in, in, vf_sim_board_buffer(in), noise);
}

void vf_sim_board_rate_home(vf_sim_board *b)
{
	if (!vf_sim_board_can_raise(b))
		return;
	b->baud = b->config.link.baud;
	tune(b);
}

/* What the link took already keeps the pace that it had: the transmitter runs
 * empty first. */
bool vf_sim_board_rate_serve(vf_sim_board *b)
{
	if (!vf_target_rate(&b->target, &b->baud))
		return false;
	tune(b);
	return true;
}

void vf_sim_board_host_rate(vf_sim_board *b, uint32_t baud)
{
	if (!vf_sim_board_can_raise(b) || b->host_baud == baud)
		return;
	b->host_baud = baud;
	tune(b);
}

uint32_t vf_sim_board_rate(const vf_sim_board *b)
{
	return vf_sim_board_can_raise(b) ? b->baud : b->config.link.baud;
}
