/* Bytes in: tells frames from text (§2, §2.1) and undoes COBS as they come.
 *
 *         zero                        zero: TEXT
 *        +----+     +---------------------------------------+
 *        v    |     v                                       |
 *       START ----> FIRST ---- not F8 ----> TEXT --- line: TEXT ---> TOLD
 *        ^   byte   |   ^ flush ^            ^                        |
 *        |          F8  v       |            +------ next call -------+
 *        |          |  FLUSHED -+ (as FIRST, but its byte is told already)
 *        |          v
 *        +------- FRAME --- longer than buf ---> BAD
 *        |  zero: FRAME or DAMAGED                |
 *        +----------------------------------------+ zero: DAMAGED
 */
#include <string.h>

#include <vcpflash/wire.h>

enum state {
	START,   /* after a delimiter */
	FIRST,   /* one byte of a chunk: could be either */
	FLUSHED, /* the same, and the byte was handed out as text meanwhile */
	TEXT,
	TOLD, /* text, and buf is the caller's until the next call */
	FRAME,
	BAD, /* a chunk too long to be a frame for us */
};

/* What a CRC run over data and its own CRC comes to, before the final XOR. */
static const uint32_t residue = 0xDEBB20E3u;

static bool ends_line(uint8_t byte)
{
	return byte == '\r' || byte == '\n';
}

/* The second byte of a chunk says what it is. It is not used up here. */
static enum vf_decoder_event decide(vf_decoder *d, uint8_t second)
{
	bool told = d->state == FLUSHED;

	d->len = 0;
	if (second == VF_WIRE_MARKER) {
		d->state = FRAME;
		d->code = d->first;
		d->left = (uint8_t)(d->first - 1);
		return VF_DECODE_MORE;
	}
	d->state = TEXT;
	if (told)
		return VF_DECODE_MORE;
	d->buf[d->len++] = d->first;
	if (!ends_line(d->first))
		return VF_DECODE_MORE;
	d->state = TOLD;
	return VF_DECODE_TEXT;
}

static size_t take_text(vf_decoder *d, const uint8_t *in, size_t len, enum vf_decoder_event *event)
{
	for (size_t i = 0; i < len;) {
		uint8_t byte = in[i++];

		if (byte == 0) {
			d->state = START;
			if (d->len > 0)
				*event = VF_DECODE_TEXT;
			return i;
		}
		d->buf[d->len++] = byte;
		if (ends_line(byte) || d->len == d->room) {
			d->state = TOLD;
			*event = VF_DECODE_TEXT;
			return i;
		}
	}
	return len;
}

/* The chunk is complete and every block of it was. */
static enum vf_decoder_event judge(vf_decoder *d)
{
	if (d->len < VF_WIRE_HEADER + 4 || d->buf[0] != VF_WIRE_MARKER ||
	    vf_crc32_update(VF_CRC32_INIT, d->buf, d->len) != residue)
		return VF_DECODE_DAMAGED;
	d->len -= 4;
	return VF_DECODE_FRAME;
}

/* A code byte, or the delimiter at the end of a block. */
static enum vf_decoder_event take_code(vf_decoder *d, uint8_t byte)
{
	if (byte == 0) {
		d->state = START;
		return judge(d);
	}
	if (d->code != 255) {
		if (d->len == d->room) {
			d->state = BAD;
			return VF_DECODE_MORE;
		}
		d->buf[d->len++] = 0;
	}
	d->code = byte;
	d->left = (uint8_t)(byte - 1);
	return VF_DECODE_MORE;
}

/* As much of the open block as there is. */
static size_t take_block(vf_decoder *d, const uint8_t *in, size_t len, enum vf_decoder_event *event)
{
	size_t run = d->left < len ? d->left : len;
	const uint8_t *zero = memchr(in, 0, run);

	if (zero) {
		d->state = START;
		*event = VF_DECODE_DAMAGED;
		return (size_t)(zero - in) + 1;
	}
	if (run > d->room - d->len) {
		d->state = BAD;
		return run;
	}
	memcpy(d->buf + d->len, in, run);
	d->len += run;
	d->left = (uint8_t)(d->left - run);
	return run;
}

static size_t take_bad(vf_decoder *d, const uint8_t *in, size_t len, enum vf_decoder_event *event)
{
	const uint8_t *zero = memchr(in, 0, len);

	if (!zero)
		return len;
	d->state = START;
	*event = VF_DECODE_DAMAGED;
	return (size_t)(zero - in) + 1;
}

void vf_decoder_init(vf_decoder *d, uint8_t *buf, size_t room)
{
	d->buf = buf;
	d->room = room;
	d->len = 0;
	d->state = START;
	d->first = 0;
	d->code = 0;
	d->left = 0;
}

size_t vf_decode(vf_decoder *d, const uint8_t *in, size_t len, enum vf_decoder_event *event)
{
	size_t at = 0;

	*event = VF_DECODE_MORE;
	if (d->state == TOLD) {
		d->state = TEXT;
		d->len = 0;
	}
	while (at < len && *event == VF_DECODE_MORE) {
		switch (d->state) {
		case START:
			d->first = in[at++];
			d->state = d->first ? FIRST : START;
			break;
		case FIRST:
		case FLUSHED:
			*event = decide(d, in[at]);
			break;
		case TEXT:
			at += take_text(d, in + at, len - at, event);
			break;
		case FRAME:
			if (d->left == 0)
				*event = take_code(d, in[at++]);
			else
				at += take_block(d, in + at, len - at, event);
			break;
		default:
			at += take_bad(d, in + at, len - at, event);
			break;
		}
	}
	return at;
}

size_t vf_decoder_flush_text(vf_decoder *d)
{
	if (!vf_decoder_has_text(d))
		return 0;
	if (d->state == FIRST) {
		d->buf[0] = d->first;
		d->len = 1;
		d->state = FLUSHED;
	} else {
		d->state = TOLD;
	}
	return d->len;
}

bool vf_decoder_has_text(const vf_decoder *d)
{
	return d->state == FIRST || (d->state == TEXT && d->len > 0);
}
