/* Frames out: COBS between two zero bytes with a CRC-32 at the end (§2), built
 * from pieces straight into the caller's buffer.
 *
 * A full block (254 bytes) stays open until another byte comes: at the end of
 * the data it must not be followed by a further code byte.
 */
#include <vcpflash/wire.h>

enum { BLOCK = 255 }; /* code byte and 254 bytes */

static void append(vf_encoder *e, uint8_t byte)
{
	if (e->at < e->room)
		e->out[e->at++] = byte;
	else
		e->full = true;
}

/* Ends the open block. The 0 is the place of the next one's code byte, or the
 * delimiter after the last one. */
static void end_block(vf_encoder *e)
{
	if (!e->full)
		e->out[e->code] = (uint8_t)(e->at - e->code);
	e->code = e->at;
	append(e, 0);
}

static void stuff(vf_encoder *e, const uint8_t *data, size_t len)
{
	for (; len > 0; len--) {
		uint8_t byte = *data++;

		if (e->at - e->code == BLOCK)
			end_block(e);
		if (byte == 0)
			end_block(e);
		else
			append(e, byte);
	}
}

void vf_encode_begin(vf_encoder *e, uint8_t *out, size_t room)
{
	*e = (vf_encoder){.out = out, .room = room, .code = 1, .crc = VF_CRC32_INIT};
	append(e, 0);
	append(e, 0);
}

void vf_encode_put(vf_encoder *e, const uint8_t *data, size_t len)
{
	e->crc = vf_crc32_update(e->crc, data, len);
	stuff(e, data, len);
}

size_t vf_encode_end(vf_encoder *e)
{
	uint8_t crc[4];

	vf_put32(crc, vf_crc32_final(e->crc));
	stuff(e, crc, sizeof crc);
	end_block(e);
	return e->full ? 0 : e->at;
}
