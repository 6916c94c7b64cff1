/* The body of MEMORY (§3.3): a memory's geometry, times and rights, and the
 * checks that a host owes it before it plans anything by it.
 */
#include <string.h>

#include <vcpflash/wire.h>

#include "text.h"

enum {
	MEMORY_SIZE = 52, /* and erase types, protected ranges, name */
	ERASE_SIZE = 12,
	PROTECT_SIZE = 8,
};

size_t vf_pack_memory(uint8_t *out, uint16_t number, uint32_t tag, uint8_t index,
		      const vf_memory *m)
{
	size_t name_len = vf_wire_name_len(m->name, VF_MEMORY_NAME_MAX - 1);
	uint8_t *p = out + MEMORY_SIZE;

	vf_put_header(out, VF_KIND_MEMORY, number, tag);
	out[8] = index;
	out[9] = m->kind;
	out[10] = m->flags;
	out[11] = m->dies;
	out[12] = m->id_len;
	out[13] = m->erase_types;
	out[14] = m->protects;
	out[15] = (uint8_t)name_len;
	vf_put32(out + 16, m->base);
	vf_put32(out + 20, m->size);
	vf_put32(out + 24, m->page);
	vf_put32(out + 28, m->unit);
	vf_put32(out + 32, m->page_typ_us);
	vf_put32(out + 36, m->page_max_us);
	vf_put32(out + 40, m->read_rate);
	memset(out + 44, 0, VF_MEMORY_ID_MAX);
	memcpy(out + 44, m->id, m->id_len);
	for (unsigned i = 0; i < m->erase_types; i++, p += ERASE_SIZE) {
		vf_put32(p, m->erase[i].size);
		vf_put32(p + 4, m->erase[i].typ_us);
		vf_put32(p + 8, m->erase[i].max_us);
	}
	for (unsigned i = 0; i < m->protects; i++, p += PROTECT_SIZE) {
		vf_put32(p, m->protect[i].offset);
		vf_put32(p + 4, m->protect[i].len);
	}
	memcpy(p, m->name, name_len);
	return (size_t)(p - out) + name_len;
}

static bool power_of_two(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static bool erase_ok(const vf_memory *m)
{
	uint32_t sector = m->erase[0].size;
	uint32_t before = 0;

	for (unsigned i = 0; i < m->erase_types; i++) {
		const vf_erase_type *e = &m->erase[i];

		if (e->size <= before || e->size > m->size ||
		    (e->size != m->size && !power_of_two(e->size)) || e->max_us == 0 ||
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
	       m->dies <= 2 && m->size != 0 && m->base <= 0u - m->size && power_of_two(m->page) &&
	       power_of_two(m->unit) && m->unit <= m->page && m->page_typ_us <= m->page_max_us &&
	       erase_ok(m) && protects_ok(m);
}

static void get_fields(vf_memory *m, const uint8_t *body)
{
	m->kind = body[9];
	m->flags = body[10];
	m->dies = body[11];
	m->base = vf_get32(body + 16);
	m->size = vf_get32(body + 20);
	m->page = vf_get32(body + 24);
	m->unit = vf_get32(body + 28);
	m->page_typ_us = vf_get32(body + 32);
	m->page_max_us = vf_get32(body + 36);
	m->read_rate = vf_get32(body + 40);
	memcpy(m->id, body + 44, m->id_len);
}

static const uint8_t *get_lists(vf_memory *m, const uint8_t *p)
{
	for (unsigned i = 0; i < m->erase_types; i++, p += ERASE_SIZE) {
		m->erase[i].size = vf_get32(p);
		m->erase[i].typ_us = vf_get32(p + 4);
		m->erase[i].max_us = vf_get32(p + 8);
	}
	for (unsigned i = 0; i < m->protects; i++, p += PROTECT_SIZE) {
		m->protect[i].offset = vf_get32(p);
		m->protect[i].len = vf_get32(p + 4);
	}
	return p;
}

int vf_unpack_memory(uint8_t *index, vf_memory *m, const uint8_t *body, size_t len)
{
	size_t name_len;

	if (len < MEMORY_SIZE)
		return -1;
	memset(m, 0, sizeof *m);
	*index = body[8];
	m->id_len = body[12];
	m->erase_types = body[13];
	m->protects = body[14];
	name_len = body[15];
	if (*index >= VF_WIRE_MEMORIES_MAX || m->id_len > VF_MEMORY_ID_MAX || m->erase_types < 1 ||
	    m->erase_types > VF_ERASE_TYPES_MAX || m->protects > VF_PROTECT_MAX || name_len < 1 ||
	    name_len > VF_MEMORY_NAME_MAX - 1)
		return -1;
	if (len < MEMORY_SIZE + (size_t)ERASE_SIZE * m->erase_types +
			  (size_t)PROTECT_SIZE * m->protects + name_len)
		return -1;
	get_fields(m, body);
	vf_wire_name_get(m->name, get_lists(m, body + MEMORY_SIZE), name_len);
	return memory_ok(m) ? 0 : -1;
}
