/* vcp.h - what both cores' applications do alike: print on the one virtual COM port. */
#ifndef VCP_H
#define VCP_H

#include <stdbool.h>
#include <stdint.h>

/* Sets the USART up. By one core only; the other one's lines wait until it is done. `self`
 * is the core's HSEM_COREID_…, here and below. */
void vcp_init(uint32_t self);

/* Prints `line` as a whole: a hardware semaphore keeps the other core's apart. */
void vcp_print(uint32_t self, const char *line);

/* True when a byte has come. */
bool vcp_take(uint8_t *byte);

/* The table in this image reads as it was made. */
bool vcp_table_good(void);

#endif
