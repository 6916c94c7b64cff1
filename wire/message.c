/* Headers of the messages in the stream (§5), and sets (§5.5). What they say is checked by the
 * board when it begins the operation, not here.
 */
#include <string.h>

#include <vcpflash/wire.h>

static size_t header_size(uint8_t type)
{
	return type == VF_MESSAGE_DIGEST || type == VF_MESSAGE_DEFLATED ? VF_WIRE_MESSAGE_LONG
									: VF_WIRE_MESSAGE_HEADER;
}

uint32_t vf_message_data(const vf_message *m)
{
	if (m->type == VF_MESSAGE_PROGRAM || m->type == VF_MESSAGE_SET)
		return m->length;
	return m->type == VF_MESSAGE_DEFLATED ? m->packed : 0;
}

size_t vf_pack_message(uint8_t out[VF_WIRE_MESSAGE_LONG], const vf_message *m)
{
	out[0] = m->type;
	out[1] = m->flags;
	out[2] = m->memory;
	out[3] = 0;
	vf_put32(out + 4, m->address);
	vf_put32(out + 8, m->length);
	if (m->type == VF_MESSAGE_DIGEST)
		vf_put32(out + 12, m->group);
	else if (m->type == VF_MESSAGE_DEFLATED)
		vf_put32(out + 12, m->packed);
	return header_size(m->type);
}

size_t vf_unpack_message(vf_message *m, const uint8_t *bytes, size_t len)
{
	size_t size = len > 0 ? header_size(bytes[0]) : VF_WIRE_MESSAGE_HEADER;

	if (len < size)
		return 0;
	m->type = bytes[0];
	m->flags = bytes[1];
	m->memory = bytes[2];
	m->address = vf_get32(bytes + 4);
	m->length = vf_get32(bytes + 8);
	m->group = m->type == VF_MESSAGE_DIGEST ? vf_get32(bytes + 12) : 0;
	m->packed = m->type == VF_MESSAGE_DEFLATED ? vf_get32(bytes + 12) : 0;
	return size;
}

void vf_pack_set_entry(uint8_t out[VF_WIRE_SET_ENTRY], const vf_set_entry *e)
{
	vf_put32(out, e->address);
	vf_put32(out + 4, e->length);
	memcpy(out + 8, e->digest, VF_DIGEST_SIZE);
}

void vf_unpack_set_entry(vf_set_entry *e, const uint8_t bytes[VF_WIRE_SET_ENTRY])
{
	e->address = vf_get32(bytes);
	e->length = vf_get32(bytes + 4);
	memcpy(e->digest, bytes + 8, VF_DIGEST_SIZE);
}

int vf_unpack_set(vf_set *s, const uint8_t *answer, size_t len)
{
	memset(s, 0, sizeof *s);
	if (len < VF_WIRE_SET_HEADER || (len - VF_WIRE_SET_HEADER) % VF_WIRE_SET_ENTRY != 0)
		return -1;
	s->state = answer[0];
	s->count = answer[1];
	s->session = vf_get32(answer + 8) | (uint64_t)vf_get32(answer + 12) << 32;
	if (s->state > VF_SET_UNREADABLE || s->count > VF_WIRE_SET_MAX ||
	    s->count > (len - VF_WIRE_SET_HEADER) / VF_WIRE_SET_ENTRY)
		return -1;
	for (unsigned i = 0; i < s->count; i++)
		vf_unpack_set_entry(&s->entry[i],
				    answer + VF_WIRE_SET_HEADER + VF_WIRE_SET_ENTRY * (size_t)i);
	return 0;
}
