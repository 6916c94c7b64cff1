/* Random numbers for property tests (xorshift64*). */
#include <stdio.h>
#include <stdlib.h>

#include "random.h"

uint32_t random_word(struct random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (uint32_t)(r->state * 0x2545F4914F6CDD1Du >> 32);
}

uint32_t random_below(struct random *r, uint32_t limit)
{
	return random_word(r) % limit;
}

void random_bytes(struct random *r, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)random_word(r);
}

int random_setup(void **state)
{
	const char *text = getenv("VF_SEED");
	unsigned long long seed = text ? strtoull(text, NULL, 0) : 20190517;
	struct random *r = malloc(sizeof *r);

	if (!r)
		return -1;
	printf("VF_SEED=%llu\n", seed);
	r->state = seed * 2 + 1; /* never 0 */
	*state = r;
	return 0;
}

int random_teardown(void **state)
{
	free(*state);
	return 0;
}
