/* boot.h - which application there is, and the way into it. */
#ifndef H747_BOOT_H
#define H747_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "loader.h"

/* An application asked for the loader before the reset (enter_loader.h). Asked once: the
 * request is gone afterwards. */
bool boot_requested(void);

/* The stub of the Cortex-M4 must not be programmed over: that core begins there. */
bool boot_stub_guards(void);

/* The vector table of the Cortex-M7 application to start, 0 if there is none. `nor` is
 * NULL where the external flash does not answer. */
uint32_t boot_application(vf_nor_door *nor);

/* Starts the Cortex-M4's application, if there is one, and leaves for the Cortex-M7's at
 * `address`. Comes back only if there is no such vector table. */
void boot_start(vf_nor_door *nor, uint32_t address);

#endif
