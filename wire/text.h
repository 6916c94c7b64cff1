/* Names within bodies: bounded, printable, NUL-terminated on our side only. */
#ifndef VCPFLASH_WIRE_TEXT_H
#define VCPFLASH_WIRE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Length of a name, at most `max`. */
size_t vf_wire_name_len(const char *name, size_t max);

/* Takes `len` bytes of a name; what is unprintable becomes '?'. */
void vf_wire_name_get(char *name, const uint8_t *bytes, size_t len);

#endif
