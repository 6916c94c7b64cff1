/* entropy.h - a seed for the nonces of a board with a key. */
#ifndef H7_ENTROPY_H
#define H7_ENTROPY_H

#include <stdbool.h>
#include <stdint.h>

#include <vcpflash/wire.h>

/* From the random number generator, which is left off, as after a reset. False after a tenth of
 * a second in which it gave no four words that its own checks and ours let pass. */
bool entropy_draw(uint8_t seed[VF_NONCE_SIZE]);

#endif
