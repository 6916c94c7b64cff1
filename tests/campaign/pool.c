/* pool.c - randomness from a seed, and flash arrays that are used again. */
#include "campaign.h"

#include <stdlib.h>
#include <string.h>

/* SplitMix64: any seed will do. */
uint64_t rng_next(rng *r)
{
	uint64_t z = r->state += UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

uint32_t rng_below(rng *r, uint32_t below)
{
	return (uint32_t)(((rng_next(r) >> 32) * below) >> 32);
}

bool rng_one_in(rng *r, uint32_t n)
{
	return rng_below(r, n) == 0;
}

uint32_t rng_log(rng *r, uint32_t least, uint32_t most)
{
	uint32_t doublings = 0;
	while ((least << (doublings + 1)) <= most && doublings < 30)
		doublings++;
	const uint32_t low = least << rng_below(r, doublings + 1);
	const uint32_t n = low + rng_below(r, low);
	return n < most ? n : most;
}

void rng_fill(rng *r, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		const uint64_t n = rng_next(r);
		memcpy(out + i, &n, len - i < 8 ? len - i : 8);
	}
}

bool pool_open(pool *p)
{
	*p = (pool){.packer = vf_packer_new()};
	return p->packer != NULL;
}

void pool_close(pool *p)
{
	for (unsigned i = 0; i < PLACES; i++)
		free(p->array[i]);
	vf_packer_free(p->packer);
}

uint8_t *pool_array(pool *p, unsigned index, size_t len)
{
	if (p->len[index] < len) {
		uint8_t *a = realloc(p->array[index], len);
		if (a == NULL)
			return NULL;
		p->array[index] = a;
		p->len[index] = len;
	}
	if (p->blank[index] < len) {
		memset(p->array[index] + p->blank[index], 0xFF, len - p->blank[index]);
		p->blank[index] = len;
	}
	return p->array[index];
}
