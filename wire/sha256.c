/* SHA-256 (FIPS 180-4), for SHA256 operations (§5): written to be small. The
 * message schedule is kept in sixteen words that roll along with the rounds.
 */
#include <string.h>

#include <vcpflash/wire.h>

/* Fractions of the cube roots of the first 64 primes. */
static const uint32_t k[64] = {
	0x428A2F98u, 0x71374491u, 0xB5C0FBCFu, 0xE9B5DBA5u, 0x3956C25Bu, 0x59F111F1u, 0x923F82A4u,
	0xAB1C5ED5u, 0xD807AA98u, 0x12835B01u, 0x243185BEu, 0x550C7DC3u, 0x72BE5D74u, 0x80DEB1FEu,
	0x9BDC06A7u, 0xC19BF174u, 0xE49B69C1u, 0xEFBE4786u, 0x0FC19DC6u, 0x240CA1CCu, 0x2DE92C6Fu,
	0x4A7484AAu, 0x5CB0A9DCu, 0x76F988DAu, 0x983E5152u, 0xA831C66Du, 0xB00327C8u, 0xBF597FC7u,
	0xC6E00BF3u, 0xD5A79147u, 0x06CA6351u, 0x14292967u, 0x27B70A85u, 0x2E1B2138u, 0x4D2C6DFCu,
	0x53380D13u, 0x650A7354u, 0x766A0ABBu, 0x81C2C92Eu, 0x92722C85u, 0xA2BFE8A1u, 0xA81A664Bu,
	0xC24B8B70u, 0xC76C51A3u, 0xD192E819u, 0xD6990624u, 0xF40E3585u, 0x106AA070u, 0x19A4C116u,
	0x1E376C08u, 0x2748774Cu, 0x34B0BCB5u, 0x391C0CB3u, 0x4ED8AA4Au, 0x5B9CCA4Fu, 0x682E6FF3u,
	0x748F82EEu, 0x78A5636Fu, 0x84C87814u, 0x8CC70208u, 0x90BEFFFAu, 0xA4506CEBu, 0xBEF9A3F7u,
	0xC67178F2u};

static inline uint32_t ror(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* Word `i` of the message schedule, from the sixteen before it. */
static uint32_t schedule(const uint32_t w[16], size_t i)
{
	/* The rounds before the first schedule fill w, which cppcheck does not follow. */
	/* cppcheck-suppress uninitvar */
	uint32_t x = w[(i + 1) % 16];
	uint32_t y = w[(i + 14) % 16];

	return w[i % 16] + (ror(x, 7) ^ ror(x, 18) ^ x >> 3) + w[(i + 9) % 16] +
	       (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
}

static void compress(vf_sha256 *s)
{
	uint32_t *v = s->h;
	uint32_t a = v[0], b = v[1], c = v[2], d = v[3], e = v[4], f = v[5], g = v[6], h = v[7];
	uint32_t w[16];

	for (size_t i = 0; i < 64; i++) {
		uint32_t t;

		w[i % 16] = i < 16 ? get_be32(s->block + 4 * i) : schedule(w, i);
		t = h + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + (g ^ (e & (f ^ g))) + k[i] +
		    w[i % 16];
		h = g;
		g = f;
		f = e;
		e = d + t;
		d = c;
		c = b;
		b = a;
		a = t + (ror(b, 2) ^ ror(b, 13) ^ ror(b, 22)) + ((b & c) ^ (b & d) ^ (c & d));
	}
	v[0] += a;
	v[1] += b;
	v[2] += c;
	v[3] += d;
	v[4] += e;
	v[5] += f;
	v[6] += g;
	v[7] += h;
}

void vf_sha256_init(vf_sha256 *s)
{
	/* Fractions of the square roots of the first eight primes. */
	static const uint32_t start[8] = {0x6A09E667u, 0xBB67AE85u, 0x3C6EF372u, 0xA54FF53Au,
					  0x510E527Fu, 0x9B05688Cu, 0x1F83D9ABu, 0x5BE0CD19u};

	memcpy(s->h, start, sizeof s->h);
	s->total = 0;
}

void vf_sha256_update(vf_sha256 *s, const uint8_t *data, size_t len)
{
	while (len > 0) {
		size_t open = s->total % 64;
		size_t n = len < 64 - open ? len : 64 - open;

		memcpy(s->block + open, data, n);
		if (open + n == 64)
			compress(s);
		s->total += (uint32_t)n;
		data += n;
		len -= n;
	}
}

/* A one bit, zeros up to the last eight bytes of a block, the length in bits. */
void vf_sha256_final(vf_sha256 *s, uint8_t out[VF_SHA256_SIZE])
{
	uint32_t total = s->total;
	uint8_t bits[8], fill = 0x80;

	put_be32(bits, total >> 29);
	put_be32(bits + 4, total << 3);
	do {
		vf_sha256_update(s, &fill, 1);
		fill = 0;
	} while (s->total % 64 != 56);
	vf_sha256_update(s, bits, sizeof bits);
	for (size_t i = 0; i < 8; i++)
		put_be32(out + 4 * i, s->h[i]);
}
