/* HalfSipHash-2-4 with 64 bits of output, the digest of sectors (§5.2).
 *
 * Words are absorbed straight from the caller's bytes with the state in
 * registers: a board digests its whole flash with this.
 */
#include <string.h>

#include <vcpflash/wire.h>

#define ROTL(x, n) ((x) << (n) | (x) >> (32 - (n)))

/* A macro and not a function: the four words must stay in registers even where
 * the compiler optimises for size. */
#define ROUND(a, b, c, d)                                                                          \
	do {                                                                                       \
		(a) += (b);                                                                        \
		(c) += (d);                                                                        \
		(b) = ROTL(b, 5) ^ (a);                                                            \
		(d) = ROTL(d, 8) ^ (c);                                                            \
		(a) = ROTL(a, 16) + (d);                                                           \
		(c) += (b);                                                                        \
		(d) = ROTL(d, 7) ^ (a);                                                            \
		(b) = ROTL(b, 13) ^ (c);                                                           \
		(c) = ROTL(c, 16);                                                                 \
	} while (0)

void vf_digest_init(vf_digest *d, uint64_t session)
{
	uint32_t key0 = (uint32_t)session;
	uint32_t key1 = (uint32_t)(session >> 32);

	d->v[0] = key0;
	d->v[1] = key1 ^ 0xEEu; /* tells 64 bits of output from 32 */
	d->v[2] = key0 ^ 0x6C796765u;
	d->v[3] = key1 ^ 0x74656462u;
	d->total = 0;
}

static void absorb(vf_digest *d, const uint8_t *data, size_t words)
{
	uint32_t a = d->v[0], b = d->v[1], c = d->v[2], e = d->v[3];

	for (; words > 0; words--, data += 4) {
		uint32_t word = vf_get32(data);

		e ^= word;
		ROUND(a, b, c, e);
		ROUND(a, b, c, e);
		a ^= word;
	}
	d->v[0] = a;
	d->v[1] = b;
	d->v[2] = c;
	d->v[3] = e;
}

void vf_digest_update(vf_digest *d, const uint8_t *data, size_t len)
{
	size_t open = d->total % 4;

	d->total += (uint32_t)len;
	while (open > 0 && len > 0) {
		d->tail[open++] = *data++;
		len--;
		if (open == 4) {
			absorb(d, d->tail, 1);
			open = 0;
		}
	}
	if (open > 0)
		return;
	absorb(d, data, len / 4);
	memcpy(d->tail, data + len / 4 * 4, len % 4);
}

/* Four rounds: what two words of zeros come to. */
static uint32_t finish(vf_digest *d)
{
	static const uint8_t zeros[8];

	absorb(d, zeros, 2);
	return d->v[1] ^ d->v[3];
}

void vf_digest_final(vf_digest *d, uint8_t out[VF_DIGEST_SIZE])
{
	size_t open = d->total % 4;

	memset(d->tail + open, 0, 4 - open);
	d->tail[3] = (uint8_t)d->total;
	absorb(d, d->tail, 1);
	d->v[2] ^= 0xEEu;
	vf_put32(out, finish(d));
	d->v[1] ^= 0xDDu;
	vf_put32(out + 4, finish(d));
}
