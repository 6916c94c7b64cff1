/* Frames out: COBS between two zero bytes with a CRC-32 at the end (§2), built
 * from pieces straight into the caller's buffer.
 *
 * A full block (254 bytes) stays open until another byte comes: at the end of
 * the data it must not be followed by a further code byte.
 */
#include <string.h>

#include <vcpflash/wire.h>

enum { BLOCK = 255 }; /* code byte and 254 bytes */

static void append(vf_encoder *e, uint8_t byte)
{
	if (e->at < e->room)
		e->out[e->at++] = byte;
	else
		e->full = true;
}

static void open_block(vf_encoder *e)
{
	e->code = e->at;
	append(e, 0);
}

static void close_block(vf_encoder *e)
{
	if (!e->full)
		e->out[e->code] = (uint8_t)(e->at - e->code);
}

static void stuff(vf_encoder *e, const uint8_t *data, size_t len)
{
	while (len > 0 && !e->full) {
		size_t run = BLOCK - (e->at - e->code);
		const uint8_t *zero;

		if (run == 0) {
			close_block(e);
			open_block(e);
			continue;
		}
		if (run > len)
			run = len;
		zero = memchr(data, 0, run);
		if (zero)
			run = (size_t)(zero - data);
		if (run > e->room - e->at) {
			e->full = true;
			return;
		}
		memcpy(e->out + e->at, data, run);
		e->at += run;
		data += run;
		len -= run;
		if (zero) {
			close_block(e);
			open_block(e);
			data++;
			len--;
		}
	}
}

void vf_encode_begin(vf_encoder *e, uint8_t *out, size_t room)
{
	e->out = out;
	e->room = room;
	e->at = 0;
	e->crc = VF_CRC32_INIT;
	e->full = false;
	append(e, 0);
	open_block(e);
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
	close_block(e);
	append(e, 0);
	return e->full ? 0 : e->at;
}
