/* naive_raw.c - the board of the story: its USB receive callback writes each
 * packet straight to the flash, blocks meanwhile, and re-arms the endpoint after
 * that. USB holds the sender back, so nothing is lost. Nothing is erased, and
 * nobody is told anything.
 */
#include "naive_board.h"

enum { AHEAD_US = 500, PATIENCE_US = 100000 };

int naive_serve_raw(naive_board *b)
{
	uint8_t packet[NAIVE_PACKET];
	uint32_t offset = 0;
	size_t have = 0;
	while (!vf_interrupted()) {
		uint64_t arrived = 0;
		const long n = naive_receive(b, packet + have, sizeof packet - have, PATIENCE_US,
					     &arrived);
		if (n < 0)
			return VF_E_LINK;
		if (n == 0 && have == 0)
			continue;
		have += (size_t)n;
		/* A die takes pairs of bytes with its neighbour: an odd one waits. */
		const size_t now = n == 0 ? have : have / b->dies * b->dies;
		if (b->clock < arrived)
			b->clock = arrived;
		if (now % b->dies != 0)
			return VF_OK; /* half a pair at the end of all: it stays unwritten */
		naive_program(b, offset, packet, (uint32_t)now);
		offset += (uint32_t)now;
		packet[0] = packet[now < sizeof packet ? now : 0];
		have -= now;
		const uint64_t sent = b->clock - b->link.latency_us;
		if (b->line_free < sent)
			b->line_free = sent; /* it was held back */
		if (sent > AHEAD_US)
			naive_wait(b, sent - AHEAD_US);
	}
	return VF_OK;
}
