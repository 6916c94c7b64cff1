/* naive_blocks.c - a model of a loader that acknowledges blocks, no particular
 * one: a block of up to 16 KB comes deflated, is acknowledged once it is there
 * and the one before it is written (two buffers), and is written while the next
 * one is sent. What a block needs is erased first, whatever it holds, in the
 * largest erase but the whole chip, and what else that covers is lost; every
 * byte is programmed. At the end the board answers the CRC-32 of what the flash
 * holds.
 *
 * On the wire, numbers little-endian: 'B' or 'V', u32 offset, u32 length, u32
 * packed length, the packed bytes (raw deflate); answers 'K' and a u32.
 */
#include "naive_board.h"

#include <string.h>
#include <zlib.h>

enum {
	HEAD = 13,
	PATIENCE_US = 100000,
	PACKED_MAX = NAIVE_BLOCK + 1024,
	INFLATE_RATE = 12, /* bytes a microsecond of output */
	DIGEST_RATE = 50,
};

typedef struct loader {
	naive_board *b;
	uint8_t in[HEAD + PACKED_MAX];
	size_t have;
	uint8_t block[NAIVE_BLOCK];
	uint64_t arrived; /* the last byte of the message */
	uint32_t erased;  /* up to here */
} loader;

static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool unpack(loader *l, uint32_t packed, uint32_t length)
{
	z_stream z = {.next_in = l->in + HEAD,
		      .avail_in = packed,
		      .next_out = l->block,
		      .avail_out = length};
	if (inflateInit2(&z, -15) != Z_OK)
		return false;
	const int end = inflate(&z, Z_FINISH);
	(void)inflateEnd(&z);
	return end == Z_STREAM_END && z.avail_out == 0;
}

/* At `at` of the board's clock; it takes the line's latency. */
static void answer(loader *l, uint64_t at, uint32_t value)
{
	const uint8_t bytes[5] = {'K', (uint8_t)value, (uint8_t)(value >> 8),
				  (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
	size_t sent = 0;
	naive_wait(l->b, at + l->b->link.latency_us);
	while (sent < sizeof bytes && !vf_interrupted()) {
		const long n = vf_pipe_write(l->b->pipe, bytes + sent, sizeof bytes - sent);
		if (n < 0)
			return;
		sent += (size_t)n;
		if (n == 0)
			vf_pipe_wait(l->b->pipe, true, vf_io_now_us() + 1000);
	}
}

static void write_block(loader *l, uint32_t offset, uint32_t length)
{
	naive_board *b = l->b;
	b->clock += length / INFLATE_RATE;
	while (l->erased < offset + length) {
		naive_erase(b, l->erased);
		l->erased += b->erase_size;
	}
	naive_program(b, offset, l->block, length);
	b->clock += length / b->dies / DIGEST_RATE; /* read back */
}

static int carry_out(loader *l)
{
	naive_board *b = l->b;
	const uint32_t offset = get_u32(l->in + 1), length = get_u32(l->in + 5);
	const uint32_t packed = get_u32(l->in + 9);
	if (offset > b->size || length > b->size - offset)
		return VF_E_LINK;
	if (b->clock < l->arrived)
		b->clock = l->arrived;
	if (l->in[0] == 'V') {
		b->clock += length / DIGEST_RATE;
		answer(l, b->clock, (uint32_t)crc32(0, b->array + offset, length));
		l->erased = 0;
		return VF_OK;
	}
	if (l->in[0] != 'B' || length > NAIVE_BLOCK || !unpack(l, packed, length))
		return VF_E_LINK;
	answer(l, b->clock, 0);
	write_block(l, offset, length);
	return VF_OK;
}

/* How long the message is, as far as that is known. */
static size_t wanted(const loader *l)
{
	return l->have < HEAD ? HEAD : HEAD + (size_t)get_u32(l->in + 9);
}

int naive_serve_blocks(naive_board *b)
{
	loader l = {.b = b};
	while (!vf_interrupted()) {
		const size_t want = wanted(&l);
		if (want > sizeof l.in)
			return VF_E_LINK;
		if (l.have == want) {
			if (carry_out(&l) != VF_OK)
				return VF_E_LINK;
			l.have = 0;
			continue;
		}
		uint64_t arrived = 0;
		const long n =
			naive_receive(b, l.in + l.have, want - l.have, PATIENCE_US, &arrived);
		if (n < 0)
			return VF_E_LINK;
		if (n > 0)
			l.arrived = arrived;
		l.have += (size_t)n;
	}
	return VF_OK;
}
