/* Random numbers for property tests: the same ones each time, or those of the
 * seed in the environment variable VF_SEED. Each test prints the one it used.
 */
#ifndef VCPFLASH_TESTS_RANDOM_H
#define VCPFLASH_TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

uint32_t random_word(struct random *r);
uint32_t random_below(struct random *r, uint32_t limit); /* 0 … limit - 1; limit > 0 */
void random_bytes(struct random *r, uint8_t *out, size_t len);

/* cmocka fixtures: *state is a struct random. */
int random_setup(void **state);
int random_teardown(void **state);

#endif
