/* Layouts of bodies as data: each names the members of its structure in the
 * order in which they stand on the wire, once for packing and unpacking, so that
 * the two cannot disagree and the board has less code to hold.
 */
#ifndef VCPFLASH_WIRE_LAYOUT_H
#define VCPFLASH_WIRE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct vf_wire_field {
	uint8_t at;    /* where in the structure */
	uint8_t width; /* 1, 2, 4 or 8 bytes; ends a layout with 0 */
} vf_wire_field;

#define VF_FIELD(type, member)                                                                     \
	{                                                                                          \
		offsetof(type, member), sizeof(((type *)0)->member)                                \
	}
#define VF_FIELD_END                                                                               \
	{                                                                                          \
		0, 0                                                                               \
	}

/* Both return the byte after the last field. */
uint8_t *vf_wire_put(uint8_t *p, const void *from, const vf_wire_field *layout);
const uint8_t *vf_wire_get(void *to, const uint8_t *p, const vf_wire_field *layout);

/* An identifier: `used` bytes of `max`, the rest 0. Return the byte after it. */
uint8_t *vf_wire_put_id(uint8_t *p, const uint8_t *id, size_t used, size_t max);
const uint8_t *vf_wire_get_id(uint8_t *id, const uint8_t *p, size_t used, size_t max);

/* Length of a name, at most `max`. */
size_t vf_wire_name_len(const char *name, size_t max);

/* Takes `len` bytes of a name; what is unprintable becomes '?'. */
void vf_wire_name_get(char *name, const uint8_t *bytes, size_t len);

static inline bool vf_wire_power_of_two(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

#endif
