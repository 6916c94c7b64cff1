/* What follows a memory's description (§3.3) for people who look for a fault: the
 * chip's condition. In a file of its own, because a board need not tell it.
 */
#include <string.h>

#include <vcpflash/wire.h>

#include "layout.h"

enum {
	MEMORY_SIZE = 52, /* and erase types, protected ranges, name, as memory.c has them */
	ERASE_SIZE = 12,
	RANGE_SIZE = 8,
	CONDITION_SIZE = 13, /* and what SFDP and table disagree about */
	REGISTERS_MAX = 2,
};

static const vf_wire_field fields[] = {VF_FIELD(vf_condition, source),
				       VF_FIELD(vf_condition, found),
				       VF_FIELD(vf_condition, quad),
				       VF_FIELD(vf_condition, lanes),
				       VF_FIELD(vf_condition, protect_mask),
				       VF_FIELD(vf_condition, complemented),
				       VF_FIELD(vf_condition, registers),
				       VF_FIELD(vf_condition, status[0][0]),
				       VF_FIELD(vf_condition, status[0][1]),
				       VF_FIELD(vf_condition, status[1][0]),
				       VF_FIELD(vf_condition, status[1][1]),
				       VF_FIELD(vf_condition, probe),
				       VF_FIELD_END};

size_t vf_pack_condition(uint8_t *out, const vf_condition *c)
{
	size_t len = vf_wire_name_len(c->conflict, VF_CONDITION_CONFLICT_MAX);
	uint8_t *p = out;

	if (c->known == 0) {
		*p = 0;
		return 1;
	}
	*p++ = (uint8_t)(CONDITION_SIZE + len);
	p = vf_wire_put(p, c, fields);
	*p++ = (uint8_t)len;
	p = vf_wire_put_id(p, (const uint8_t *)c->conflict, len, len);
	return (size_t)(p - out);
}

/* Where the condition begins in a body that vf_unpack_memory has accepted. */
static size_t place(const uint8_t *body, size_t len)
{
	size_t at = MEMORY_SIZE + (size_t)ERASE_SIZE * body[VF_WIRE_HEADER + 5] +
		    (size_t)RANGE_SIZE * body[VF_WIRE_HEADER + 6] + body[VF_WIRE_HEADER + 7];

	return at < len ? at + 1 + (size_t)RANGE_SIZE * body[at] : len;
}

static bool good(const vf_condition *c)
{
	return c->source < 4 && (c->found & 0x60) == 0 && c->quad <= VF_CONDITION_QUAD_UNKNOWN &&
	       c->complemented <= 1 && c->registers <= REGISTERS_MAX && c->probe <= VF_PROBE_BUSY;
}

void vf_unpack_condition(vf_condition *c, const uint8_t *body, size_t len)
{
	size_t at = place(body, len);
	const uint8_t *p = body + at + 1;

	memset(c, 0, sizeof *c);
	if (at >= len || body[at] < CONDITION_SIZE || len - at - 1 < body[at])
		return;
	p = vf_wire_get(c, p, fields);
	c->known = *p <= VF_CONDITION_CONFLICT_MAX && CONDITION_SIZE + *p <= body[at] && good(c);
	if (c->known != 0)
		vf_wire_name_get(c->conflict, p + 1, *p);
	else
		memset(c, 0, sizeof *c);
}
