/* vectors.h - is this a vector table of an image for that core? Pure check. */
#ifndef H747_VECTORS_H
#define H747_VECTORS_H

#include <stdint.h>

typedef enum vectors {
	VECTORS_GOOD,
	VECTORS_BLANK, /* erased: there is no image */
	VECTORS_STACK, /* the stack pointer is in no RAM of this core */
	VECTORS_RESET, /* the reset vector is in no flash, or lacks the Thumb bit */
} vectors;

/* `table`: the first eight bytes; `nor_size`: of the external flash, 0 for none. */
vectors vectors_cm7(const uint8_t table[8], uint32_t nor_size);
vectors vectors_cm4(const uint8_t table[8], uint32_t nor_size);

#endif
