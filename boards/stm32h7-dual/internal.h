/* internal.h - the part's own flash as a second memory: the flash door. */
#ifndef H747_INTERNAL_H
#define H747_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <vcpflash/flash.h>

#include "loader.h"

typedef struct internal {
	vf_memory memory;
	vf_flash_op op;
	uint32_t bank;   /* of the operation under way */
	uint32_t done;   /* bytes of it */
	bool began;      /* the controller is at it */
	uint32_t hidden; /* at the start: offset 0 of the memory lies behind it */
} internal;

/* `stub`: the Cortex-M4 begins at H747_STUB_ADDRESS, so its sector is protected too. `hidden`
 * bytes at the start, whole sectors, do not belong to the memory: no host can read them. */
void internal_init(internal *n, bool stub, uint32_t hidden);
vf_door internal_door(internal *n);

/* A sector is being erased: that takes a second, and nothing needs to be done for it. */
bool internal_erasing(const internal *n);

/* Copies from internal flash, words with more errors than their ECC can mend included:
 * those come out as something that nobody wrote. */
void internal_read(uint32_t offset, uint8_t *to, uint32_t len);

#endif
