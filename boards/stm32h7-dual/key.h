/* key.h - what makes the loader ask for a key: key.c in one that was built with a key,
 * no_key.c in all others.
 */
#ifndef H7_KEY_H
#define H7_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include <vcpflash/target.h>

/* The bytes of the key file that the loader was built with; made by key.cmake. */
extern const uint8_t key_bytes[VF_KEY_SIZE];

/* So many bytes at the start of internal flash are not offered to hosts, not even to be read:
 * the key lies there. */
extern const uint32_t key_hidden;

/* Fills in guard, key and seed. False: the seed would be none, so no host may be served. */
bool key_join(vf_target_config *target);

#endif
