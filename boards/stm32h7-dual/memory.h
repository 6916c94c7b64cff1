/* memory.h - the memory protection unit and the caches of the Cortex-M7. */
#ifndef H747_MEMORY_H
#define H747_MEMORY_H

#include <stdint.h>

/* Protection on, external flash out of reach, caches on. */
void memory_init(void);

/* External flash becomes readable, exactly its `size` (a power of two), with nothing
 * stale in the data cache; or out of reach again. */
void memory_show_flash(uint32_t size);
void memory_hide_flash(void);

/* Forgets what the data cache holds of a range that somebody else writes; both ends are
 * multiples of 32. */
void memory_forget(const void *from, uint32_t len);

/* As an application should find it: caches off and empty; `size` bytes of external flash
 * may be executed (0: there is none), the rest of external memory is out of reach as
 * before; everything else as after a reset. */
void memory_leave(uint32_t size);

#endif
