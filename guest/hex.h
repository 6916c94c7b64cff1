/* hex.h - records of Intel HEX, as load.c takes them apart. */
#ifndef VCPFLASH_GUEST_HEX_H
#define VCPFLASH_GUEST_HEX_H

#include <stdbool.h>
#include <stdint.h>

enum {
	VF_HEX_DATA = 0,
	VF_HEX_END = 1,
	VF_HEX_SEGMENT = 2,
	VF_HEX_SEGMENT_START = 3,
	VF_HEX_LINEAR = 4,
	VF_HEX_LINEAR_START = 5,
};

/* 0 to 15, or -1. */
int vf_hex_digit(char c);

/* Is a record (count, address, type, data, sum) what it should be: sum, type, and a length
 * that the type allows? */
bool vf_hex_sound(const uint8_t *record);

#endif
