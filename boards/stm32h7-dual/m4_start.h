/* m4_start.h - lets the Cortex-M4 go (m4.h says which way). */
#ifndef H747_M4_START_H
#define H747_M4_START_H

#include <stdbool.h>
#include <stdint.h>

#include "m4.h"

bool m4_begins_by_itself(void);
uint32_t m4_begins_at(void);
bool m4_stub_present(void);

/* False: the stub does not answer. External flash must be mapped. */
bool m4_start(m4_way way, uint32_t application);

#endif
