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
	if (d->len < VF_WIRE_HEADER + VF_WIRE_CRC || d->buf[0] != VF_WIRE_MARKER ||
	    vf_crc32_update(VF_CRC32_INIT, d->buf, d->len) != VF_CRC32_RESIDUE)
		return VF_DECODE_DAMAGED;
	d->len -= VF_WIRE_CRC;
	return VF_DECODE_FRAME;
}

/* Four bytes wherever they stand: one access where the processor can, else four. */
typedef uint32_t four_bytes __attribute__((aligned(1), may_alias));

/* Copies up to `stop`, or to a zero. Four bytes at once while none of them is one:
 * taking 1 from each borrows from bit 7 of a zero, and of what had that bit set. */
static const uint8_t *copy_run(uint8_t *to, const uint8_t *at, const uint8_t *stop)
{
	while (stop - at >= 4) {
		const uint32_t word = *(const four_bytes *)at;

		if (((word - 0x01010101u) & ~word & 0x80808080u) != 0)
			break;
		*(four_bytes *)to = word;
		to += 4;
		at += 4;
	}
	while (at != stop && *at != 0)
		*to++ = *at++;
	return at;
}

/* Blocks and the code bytes before them, up to the delimiter: all that a board
 * receives comes along here. */
static size_t take_frame(vf_decoder *d, const uint8_t *in, size_t len, enum vf_decoder_event *event)
{
	const uint8_t *at = in, *const end = in + len;
	uint8_t *to = d->buf + d->len, *const full = d->buf + d->room;
	size_t left = d->left, code = d->code;

	for (;;) {
		const uint8_t *const from = at;
		const uint8_t *const stop = left < (size_t)(end - at) ? at + left : end;

		if (stop - at > full - to)
			break;
		at = copy_run(to, at, stop);
		to += at - from;
		left -= (size_t)(at - from);
		if (left != 0 || at == end || *at == 0)
			break;
		if (code != 255) {
			if (to == full)
				break;
			*to++ = 0;
		}
		code = *at++;
		left = code - 1;
	}
	d->len = (size_t)(to - d->buf);
	d->left = (uint8_t)left;
	d->code = (uint8_t)code;
	if (at == end)
		return len;
	if (*at != 0) {
		d->state = BAD;
		return (size_t)(at - in);
	}
	d->state = START;
	if (left != 0)
		d->len = 0;
	*event = judge(d);
	return (size_t)(at - in) + 1;
}

void vf_decoder_init(vf_decoder *d, uint8_t *buf, size_t room)
{
	*d = (vf_decoder){.buf = buf, .room = room, .state = START};
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
			at += take_frame(d, in + at, len - at, event);
			break;
		default:
			if (in[at++] == 0) {
				d->state = START;
				d->len = 0;
				*event = VF_DECODE_DAMAGED;
			}
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
