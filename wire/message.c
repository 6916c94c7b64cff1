/* Headers of the messages in the stream (§5). What they say is checked by the
 * board when it begins the operation, not here.
 */
#include <vcpflash/wire.h>

size_t vf_pack_message(uint8_t out[VF_WIRE_DIGEST_MESSAGE], const vf_message *m)
{
	out[0] = m->type;
	out[1] = m->flags;
	out[2] = m->memory;
	out[3] = 0;
	vf_put32(out + 4, m->address);
	vf_put32(out + 8, m->length);
	if (m->type != VF_MESSAGE_DIGEST)
		return VF_WIRE_MESSAGE_HEADER;
	vf_put32(out + 12, m->group);
	return VF_WIRE_DIGEST_MESSAGE;
}

size_t vf_unpack_message(vf_message *m, const uint8_t *bytes, size_t len)
{
	size_t size = VF_WIRE_MESSAGE_HEADER;

	if (len > 0 && bytes[0] == VF_MESSAGE_DIGEST)
		size = VF_WIRE_DIGEST_MESSAGE;
	if (len < size)
		return 0;
	m->type = bytes[0];
	m->flags = bytes[1];
	m->memory = bytes[2];
	m->address = vf_get32(bytes + 4);
	m->length = vf_get32(bytes + 8);
	m->group = size == VF_WIRE_DIGEST_MESSAGE ? vf_get32(bytes + 12) : 0;
	return size;
}
