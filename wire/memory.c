/* The body of MEMORY (§3.3): a memory's geometry, times and rights, and the
 * checks that a host owes it before it plans anything by it.
 */
#include <string.h>

#include <vcpflash/wire.h>

#include "layout.h"

enum {
	MEMORY_SIZE = 52, /* and erase types, protected ranges, name */
	ERASE_SIZE = 12,
	PROTECT_SIZE = 8,
	TORN_SIZE = 8, /* and a byte before that counts them, from boards with a journal */
};

static const vf_wire_field rights[] = {VF_FIELD(vf_memory, kind),
				       VF_FIELD(vf_memory, flags),
				       VF_FIELD(vf_memory, dies),
				       VF_FIELD(vf_memory, id_len),
				       VF_FIELD(vf_memory, erase_types),
				       VF_FIELD(vf_memory, protects),
				       VF_FIELD_END};

static const vf_wire_field geometry[] = {
	VF_FIELD(vf_memory, base),        VF_FIELD(vf_memory, size),
	VF_FIELD(vf_memory, page),        VF_FIELD(vf_memory, unit),
	VF_FIELD(vf_memory, page_typ_us), VF_FIELD(vf_memory, page_max_us),
	VF_FIELD(vf_memory, read_rate),   VF_FIELD_END};

static const vf_wire_field erase[] = {VF_FIELD(vf_erase_type, size),
				      VF_FIELD(vf_erase_type, typ_us),
				      VF_FIELD(vf_erase_type, max_us), VF_FIELD_END};

static const vf_wire_field protect[] = {VF_FIELD(vf_range, offset), VF_FIELD(vf_range, len),
					VF_FIELD_END};

size_t vf_pack_memory(uint8_t *out, uint16_t number, uint32_t tag, uint8_t index,
		      const vf_memory *m, const vf_torn *torn)
{
	size_t name_len = vf_wire_name_len(m->name, VF_MEMORY_NAME_MAX - 1);
	uint8_t *p = out + VF_WIRE_HEADER;

	vf_put_header(out, VF_KIND_MEMORY, number, tag);
	*p++ = index;
	p = vf_wire_put(p, m, rights);
	*p++ = (uint8_t)name_len;
	p = vf_wire_put(p, m, geometry);
	p = vf_wire_put_id(p, m->id, m->id_len, VF_MEMORY_ID_MAX);
	for (unsigned i = 0; i < m->erase_types; i++)
		p = vf_wire_put(p, &m->erase[i], erase);
	for (unsigned i = 0; i < m->protects; i++)
		p = vf_wire_put(p, &m->protect[i], protect);
	p = vf_wire_put_id(p, (const uint8_t *)m->name, name_len, name_len);
	if (torn != NULL) {
		*p++ = torn->count;
		for (unsigned i = 0; i < torn->count; i++)
			p = vf_wire_put(p, &torn->range[i], protect);
	}
	return (size_t)(p - out);
}

static bool erase_ok(const vf_memory *m)
{
	uint32_t sector = m->erase[0].size;
	uint32_t before = 0;

	for (unsigned i = 0; i < m->erase_types; i++) {
		const vf_erase_type *e = &m->erase[i];

		if (e->size <= before || e->size > m->size ||
		    (e->size != m->size && !vf_wire_power_of_two(e->size)) || e->max_us == 0 ||
		    e->typ_us > e->max_us)
			return false;
		before = e->size;
	}
	return (sector & (m->unit - 1)) == 0 &&
	       (sector == m->size || (m->size & (sector - 1)) == 0);
}

static bool protects_ok(const vf_memory *m)
{
	for (unsigned i = 0; i < m->protects; i++) {
		const vf_range *r = &m->protect[i];

		if (r->offset > m->size || r->len > m->size - r->offset)
			return false;
	}
	return true;
}

static bool memory_ok(const vf_memory *m)
{
	return (m->kind == VF_MEMORY_NOR || m->kind == VF_MEMORY_INTERNAL) && m->dies >= 1 &&
	       m->dies <= 2 && m->size != 0 && m->base <= 0u - m->size &&
	       vf_wire_power_of_two(m->page) && vf_wire_power_of_two(m->unit) &&
	       m->unit <= m->page && m->page_typ_us <= m->page_max_us && erase_ok(m) &&
	       protects_ok(m);
}

/* What the counts say, for a body of `len` bytes. */
static bool counts_ok(const vf_memory *m, size_t name_len, size_t len)
{
	return m->id_len <= VF_MEMORY_ID_MAX && m->erase_types >= 1 &&
	       m->erase_types <= VF_ERASE_TYPES_MAX && m->protects <= VF_PROTECT_MAX &&
	       name_len >= 1 && name_len <= VF_MEMORY_NAME_MAX - 1 &&
	       len >= MEMORY_SIZE + (size_t)ERASE_SIZE * m->erase_types +
			       (size_t)PROTECT_SIZE * m->protects + name_len;
}

/* What follows the name, `len` bytes of it: nothing, or the torn ranges. */
static bool take_torn(vf_torn *torn, const vf_memory *m, const uint8_t *p, size_t len)
{
	uint32_t before = 0;

	memset(torn, 0, sizeof *torn);
	if (len == 0)
		return true;
	torn->count = *p++;
	if (torn->count > VF_WIRE_TORN_MAX || len < 1 + (size_t)TORN_SIZE * torn->count)
		return false;
	for (unsigned i = 0; i < torn->count; i++) {
		vf_range *r = &torn->range[i];

		p = vf_wire_get(r, p, protect);
		if (r->offset > m->size || r->len > m->size - r->offset || r->len == 0 ||
		    (i != 0 && r->offset <= before))
			return false;
		before = r->offset + r->len;
	}
	return true;
}

int vf_unpack_memory(uint8_t *index, vf_memory *m, vf_torn *torn, const uint8_t *body, size_t len)
{
	const uint8_t *p = body + VF_WIRE_HEADER;
	size_t name_len;

	if (len < MEMORY_SIZE)
		return -1;
	memset(m, 0, sizeof *m);
	*index = *p++;
	p = vf_wire_get(m, p, rights);
	name_len = *p++;
	if (*index >= VF_WIRE_MEMORIES_MAX || !counts_ok(m, name_len, len))
		return -1;
	p = vf_wire_get(m, p, geometry);
	p = vf_wire_get_id(m->id, p, m->id_len, VF_MEMORY_ID_MAX);
	for (unsigned i = 0; i < m->erase_types; i++)
		p = vf_wire_get(&m->erase[i], p, erase);
	for (unsigned i = 0; i < m->protects; i++)
		p = vf_wire_get(&m->protect[i], p, protect);
	vf_wire_name_get(m->name, p, name_len);
	p += name_len;
	return memory_ok(m) && take_torn(torn, m, p, len - (size_t)(p - body)) ? 0 : -1;
}
