/* pack.h - raw deflate streams for tests, made by zlib. */
#ifndef VCPFLASH_TESTS_TARGET_PACK_H
#define VCPFLASH_TESTS_TARGET_PACK_H

#include <stdint.h>

/* Room that any stream of `n` bytes needs at most, whatever the level. */
#define PACK_ROOM(n) ((n) + (n) / 8 + 64)

/* One stream; level 0 to 9, strategy Z_DEFAULT_STRATEGY to Z_FIXED (0 to 4).
 * Returns its length. */
uint32_t pack(const uint8_t *in, uint32_t len, uint8_t *out, int level, int strategy);

#endif
