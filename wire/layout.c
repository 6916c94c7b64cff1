/* Moves numbers, identifiers and names between structures and bodies. */
#include <string.h>

#include <vcpflash/wire.h>

#include "layout.h"

void vf_put32(uint8_t *p, uint32_t v)
{
	vf_put16(p, (uint16_t)v);
	vf_put16(p + 2, (uint16_t)(v >> 16));
}

void vf_put_header(uint8_t p[VF_WIRE_HEADER], uint8_t kind, uint16_t number, uint32_t tag)
{
	p[0] = VF_WIRE_MARKER;
	p[1] = kind;
	vf_put16(p + 2, number);
	vf_put32(p + 4, tag);
}

uint8_t *vf_wire_put(uint8_t *p, const void *from, const vf_wire_field *layout)
{
	for (; layout->width; p += layout->width, layout++) {
		const void *member = (const uint8_t *)from + layout->at;

		if (layout->width == 1) {
			*p = *(const uint8_t *)member;
		} else if (layout->width == 2) {
			vf_put16(p, *(const uint16_t *)member);
		} else if (layout->width == 4) {
			vf_put32(p, *(const uint32_t *)member);
		} else {
			uint64_t n = *(const uint64_t *)member;

			vf_put32(p, (uint32_t)n);
			vf_put32(p + 4, (uint32_t)(n >> 32));
		}
	}
	return p;
}

const uint8_t *vf_wire_get(void *to, const uint8_t *p, const vf_wire_field *layout)
{
	for (; layout->width; p += layout->width, layout++) {
		void *member = (uint8_t *)to + layout->at;

		if (layout->width == 1)
			*(uint8_t *)member = *p;
		else if (layout->width == 2)
			*(uint16_t *)member = vf_get16(p);
		else if (layout->width == 4)
			*(uint32_t *)member = vf_get32(p);
		else
			*(uint64_t *)member = (uint64_t)vf_get32(p + 4) << 32 | vf_get32(p);
	}
	return p;
}

uint8_t *vf_wire_put_id(uint8_t *p, const uint8_t *id, size_t used, size_t max)
{
	memset(p, 0, max);
	memcpy(p, id, used);
	return p + max;
}

const uint8_t *vf_wire_get_id(uint8_t *id, const uint8_t *p, size_t used, size_t max)
{
	memset(id, 0, max);
	memcpy(id, p, used);
	return p + max;
}

size_t vf_wire_name_len(const char *name, size_t max)
{
	size_t n = 0;

	while (n < max && name[n])
		n++;
	return n;
}

void vf_wire_name_get(char *name, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		name[i] = bytes[i] >= 0x20 && bytes[i] <= 0x7E ? (char)bytes[i] : '?';
	name[len] = 0;
}
