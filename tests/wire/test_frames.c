/* The encoder and the decoder against each other, and against everything that
 * can happen to bytes on a line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/wire.h>

#include "random.h"

enum { STREAM_MAX = 8192, FRAMES_MAX = 16 };

/* --- helpers --------------------------------------------------------------- */

static size_t encode(uint8_t *out, size_t room, const uint8_t *body, size_t len)
{
	vf_encoder e;

	vf_encode_begin(&e, out, room);
	vf_encode_put(&e, body, len);
	return vf_encode_end(&e);
}

/* A body of `len` bytes: with no zero, few, many or nothing else. */
static void random_body(struct random *r, uint8_t *body, size_t len)
{
	uint32_t zeros = random_below(r, 4);

	random_bytes(r, body, len);
	for (size_t i = 0; i < len; i++) {
		if (zeros == 0 && body[i] == 0)
			body[i] = 1;
		if (zeros == 3 || (zeros == 2 && random_below(r, 2)))
			body[i] = 0;
	}
	vf_put_header(body, (uint8_t)random_word(r), (uint16_t)random_word(r), random_word(r));
}

static size_t random_len(struct random *r)
{
	uint32_t limit = random_below(r, 4) ? 600 : VF_WIRE_BODY_MAX;

	return VF_WIRE_HEADER + random_below(r, limit - VF_WIRE_HEADER + 1);
}

/* All that a decoder said about a stream. */
struct heard {
	size_t frames, damaged, text_len;
	size_t len[FRAMES_MAX];
	uint8_t body[FRAMES_MAX][600];
	uint8_t text[STREAM_MAX];
};

static struct heard *new_heard(void)
{
	struct heard *h = calloc(1, sizeof *h);

	if (!h)
		abort();
	return h;
}

static void hear(struct heard *h, const vf_decoder *d, enum vf_decoder_event event)
{
	switch (event) {
	case VF_DECODE_FRAME:
		assert_true(h->frames < FRAMES_MAX);
		h->len[h->frames] = d->len;
		memcpy(h->body[h->frames++], d->buf, d->len);
		break;
	case VF_DECODE_DAMAGED:
		h->damaged++;
		break;
	case VF_DECODE_TEXT:
		assert_true(d->len > 0 && h->text_len + d->len <= sizeof h->text);
		memcpy(h->text + h->text_len, d->buf, d->len);
		h->text_len += d->len;
		break;
	default:
		break;
	}
}

/* Feeds bytes; every call must take some, or say something. */
static void feed(struct heard *h, vf_decoder *d, const uint8_t *in, size_t len)
{
	enum vf_decoder_event event;

	for (size_t at = 0; at < len;) {
		size_t n = vf_decode(d, in + at, len - at, &event);

		assert_true(n <= len - at);
		assert_true(n > 0 || event == VF_DECODE_TEXT);
		assert_true(n == len - at || event != VF_DECODE_MORE);
		hear(h, d, event);
		at += n;
	}
}

static void feed_in_pieces(struct random *r, struct heard *h, vf_decoder *d, const uint8_t *in,
			   size_t len)
{
	uint32_t most = random_below(r, 3) ? 1 + random_below(r, 70) : 1;

	for (size_t at = 0; at < len;) {
		size_t n = 1 + random_below(r, most);

		if (n > len - at)
			n = len - at;
		feed(h, d, in + at, n);
		at += n;
	}
}

/* --- there and back -------------------------------------------------------------- */

static void round_trip(void **state)
{
	struct random *r = *state;

	for (int round = 0; round < 1500; round++) {
		size_t len = random_len(r), raw_len, at = 0;
		uint8_t *body = malloc(len), *buf = malloc(len + 4);
		uint8_t *raw = malloc(VF_WIRE_FRAME_SIZE(len));
		uint32_t most = 1 + random_below(r, (uint32_t)len);
		enum vf_decoder_event event = VF_DECODE_MORE;
		vf_encoder e;
		vf_decoder d;

		random_body(r, body, len);
		vf_encode_begin(&e, raw, VF_WIRE_FRAME_SIZE(len));
		while (at < len) {
			size_t n = random_below(r, most + 1);

			n = n > len - at ? len - at : n;
			vf_encode_put(&e, body + at, n);
			at += n;
		}
		raw_len = vf_encode_end(&e);
		assert_true(raw_len > len + 6);
		assert_int_equal(raw[0], 0);
		assert_null(memchr(raw + 1, 0, raw_len - 2));
		assert_int_equal(raw[raw_len - 1], 0);
		assert_int_equal(raw[2], VF_WIRE_MARKER);
		vf_decoder_init(&d, buf, len + 4);
		for (at = 0; at < raw_len;) {
			size_t n = 1 + random_below(r, most);

			n = n > raw_len - at ? raw_len - at : n;
			assert_int_equal(event, VF_DECODE_MORE);
			assert_int_equal(vf_decode(&d, raw + at, n, &event), n);
			at += n;
		}
		assert_int_equal(event, VF_DECODE_FRAME);
		assert_int_equal(d.len, len);
		assert_memory_equal(buf, body, len);
		free(body);
		free(buf);
		free(raw);
	}
}

/* Worst cases for the size of a frame: nothing but bytes that are not zero. */
static void frame_size_is_a_bound(void **unused)
{
	uint8_t *body = malloc(VF_WIRE_BODY_MAX);
	uint8_t *raw = malloc(VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX));

	(void)unused;
	memset(body, 0xF8, VF_WIRE_BODY_MAX);
	for (size_t len = VF_WIRE_HEADER; len <= VF_WIRE_BODY_MAX; len++) {
		size_t size = encode(raw, VF_WIRE_FRAME_SIZE(len), body, len);

		assert_true(size > 0 && size <= VF_WIRE_FRAME_SIZE(len));
	}
	assert_int_equal(VF_WIRE_CREDIT_MIN,
			 VF_WIRE_FRAME_SIZE(VF_WIRE_DATA_HEADER + VF_WIRE_PAYLOAD_MIN));
	free(body);
	free(raw);
}

static void encoder_has_too_little_room(void **state)
{
	struct random *r = *state;
	uint8_t body[600], raw[VF_WIRE_FRAME_SIZE(600)];

	for (int round = 0; round < 40; round++) {
		size_t len = VF_WIRE_HEADER + random_below(r, round < 20 ? 40 : 592);
		size_t size;

		random_body(r, body, len);
		size = encode(raw, sizeof raw, body, len);
		for (size_t room = 0; room <= size; room++) {
			uint8_t *tight = malloc(room ? room : 1);

			assert_int_equal(encode(tight, room, body, len), room < size ? 0 : size);
			if (room == size)
				assert_memory_equal(tight, raw, size);
			free(tight);
		}
	}
}

/* --- faults --------------------------------------------------------------------------- */

struct stream {
	size_t frames, len;
	size_t body_len[FRAMES_MAX];
	uint8_t body[FRAMES_MAX][600];
	uint8_t raw[STREAM_MAX];
};

static void add_frame(struct stream *s, const uint8_t *body, size_t len)
{
	memcpy(s->body[s->frames], body, len);
	s->body_len[s->frames++] = len;
	s->len += encode(s->raw + s->len, sizeof s->raw - s->len, body, len);
}

static void random_stream(struct random *r, struct stream *s)
{
	static const size_t sizes[] = {8, 24, 9, 270, 40, 12, 30};
	uint8_t body[600];

	s->frames = 0;
	s->len = 0;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		random_body(r, body, sizes[i]);
		add_frame(s, body, sizes[i]);
	}
}

/* What came in must be what was sent, in order, but for at most one. */
static void check_survivors(const struct stream *s, const struct heard *h)
{
	size_t sent = 0;

	assert_true(h->frames + 1 >= s->frames);
	for (size_t i = 0; i < h->frames; i++, sent++) {
		while (sent < s->frames && (s->body_len[sent] != h->len[i] ||
					    memcmp(s->body[sent], h->body[i], h->len[i]) != 0))
			sent++;
		if (sent == s->frames)
			fail_msg("a frame came in that was not sent, or twice");
	}
}

static void listen(const struct stream *s, const uint8_t *raw, size_t len)
{
	static const uint8_t delimiter[1] = {0};
	uint8_t buf[300];
	struct heard *h = new_heard();
	vf_decoder d;

	vf_decoder_init(&d, buf, sizeof buf);
	feed(h, &d, raw, len);
	feed(h, &d, delimiter, sizeof delimiter);
	check_survivors(s, h);
	free(h);
}

static void single_faults(void **state)
{
	struct random *r = *state;
	struct stream s;
	uint8_t raw[STREAM_MAX];

	random_stream(r, &s);
	listen(&s, s.raw, s.len);
	for (size_t at = 0; at < s.len; at++) {
		memcpy(raw, s.raw, s.len);
		for (unsigned i = 0; i < 24; i++) { /* each bit, all zero, and at random */
			raw[at] = (uint8_t)random_word(r);
			if (i < 8)
				raw[at] = (uint8_t)(s.raw[at] ^ 1u << i);
			if (i == 8)
				raw[at] = 0;
			listen(&s, raw, s.len);
		}
		memcpy(raw + at, s.raw + at + 1, s.len - at - 1); /* lost */
		listen(&s, raw, s.len - 1);
		memcpy(raw, s.raw, s.len); /* repeated */
		memcpy(raw + at + 1, s.raw + at, s.len - at);
		listen(&s, raw, s.len + 1);
		for (unsigned i = 0; i < 8; i++) { /* inserted */
			raw[at] = i ? (uint8_t)random_word(r) : 0;
			listen(&s, raw, s.len + 1);
		}
	}
}

/* Two intact frames with anything before each: the second always comes in. */
static void recovers_after_noise(void **state)
{
	struct random *r = *state;

	for (int round = 0; round < 2000; round++) {
		size_t len = 8 + random_below(r, 100), noise_len = random_below(r, 400), raw_len;
		uint8_t body[108], buf[200], noise[400], raw[VF_WIRE_FRAME_SIZE(108)];
		struct heard *h = new_heard();
		vf_decoder d;

		random_bytes(r, noise, noise_len);
		random_body(r, body, len);
		raw_len = encode(raw, sizeof raw, body, len);
		vf_decoder_init(&d, buf, sizeof buf);
		feed_in_pieces(r, h, &d, noise, noise_len);
		feed_in_pieces(r, h, &d, raw, raw_len);
		assert_int_equal(h->frames, 1);
		assert_int_equal(h->len[0], len);
		assert_memory_equal(h->body[0], body, len);
		free(h);
	}
}

static void checks_what_a_frame_needs(void **unused)
{
	uint8_t body[300] = {VF_WIRE_MARKER}, raw[VF_WIRE_FRAME_SIZE(300)], buf[304];
	enum vf_decoder_event event;
	size_t len;
	vf_decoder d;

	(void)unused;
	vf_decoder_init(&d, buf, sizeof buf);
	for (size_t n = 1; n < 12; n++) { /* too short, with a right CRC */
		len = encode(raw, sizeof raw, body, n);
		assert_int_equal(vf_decode(&d, raw, len, &event), len);
		assert_int_equal(event, n < 8 ? VF_DECODE_DAMAGED : VF_DECODE_FRAME);
	}
	/* F8 second on the pipe, as a code byte, but not first in the body */
	memset(body, 0x55, sizeof body);
	body[0] = 0;
	body[VF_WIRE_MARKER] = 0;
	len = encode(raw, sizeof raw, body, sizeof body);
	assert_int_equal(raw[1], 1);
	assert_int_equal(raw[2], VF_WIRE_MARKER);
	assert_int_equal(vf_decode(&d, raw, len, &event), len);
	assert_int_equal(event, VF_DECODE_DAMAGED);
}

/* Wherever the flipped bit is, also in the CRC; never more than the longest chunk. */
static void one_flipped_bit_is_found(void **state)
{
	static uint8_t chunk[VF_WIRE_BODY_MAX + 5];
	struct random *r = *state;
	const size_t lens[] = {12, 13, 40, 500, VF_WIRE_BODY_MAX + 4, VF_WIRE_BODY_MAX + 5};

	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		const size_t len = lens[i];
		random_bytes(r, chunk, len - 4);
		vf_put32(chunk + len - 4,
			 vf_crc32_final(vf_crc32_update(VF_CRC32_INIT, chunk, len - 4)));
		const uint32_t sum = vf_crc32_update(VF_CRC32_INIT, chunk, len);
		for (size_t bit = 0; bit < 8 * len;
		     bit += len < 100 ? 1 : 1 + random_below(r, 300)) {
			chunk[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (len > VF_WIRE_BODY_MAX + 4) {
				assert_int_equal(vf_mend(chunk, len), 0);
				chunk[bit / 8] ^= (uint8_t)(1u << bit % 8);
			} else {
				assert_int_equal(vf_mend(chunk, len), len - 4);
			}
			assert_int_equal(vf_crc32_update(VF_CRC32_INIT, chunk, len), sum);
		}
	}
	assert_int_equal(vf_mend(chunk, 11), 0);
	assert_int_equal(vf_mend(chunk, 0), 0);
}

/* A chunk longer than buf is damaged, once, and the next frame comes in. */
static void overlong(void **state)
{
	struct random *r = *state;
	uint8_t body[600], raw[VF_WIRE_FRAME_SIZE(600)];

	for (size_t room = 12; room < 604; room++) {
		uint8_t *buf = malloc(room);
		struct heard *h = new_heard();
		vf_decoder d;
		size_t len;

		vf_decoder_init(&d, buf, room);
		random_body(r, body, sizeof body);
		for (size_t n = room - 3 > 600 ? 600 : room - 3; n <= 600; n += 97) {
			size_t before = h->damaged;

			len = encode(raw, sizeof raw, body, n);
			feed_in_pieces(r, h, &d, raw, len);
			assert_int_equal(h->damaged, before + 1);
		}
		assert_int_equal(h->frames, 0);
		len = encode(raw, sizeof raw, body, room - 4);
		feed(h, &d, raw, len);
		assert_int_equal(h->frames, 1);
		assert_int_equal(h->text_len, 0);
		free(h);
		free(buf);
	}
}

/* --- text -------------------------------------------------------------------------------- */

static void add_text(struct random *r, struct stream *s, struct heard *expected)
{
	static const char *const ends[] = {"\r", "\n", "\r\n", "\n\r", ""};
	uint8_t *from = s->raw + s->len, *p = from;

	for (uint32_t lines = random_below(r, 4); lines > 0; lines--) {
		for (uint32_t n = random_below(r, 50); n > 0; n--)
			*p++ = (uint8_t)(random_below(r, 30) ? 0x20 + random_below(r, 95)
							     : 0xC0 + random_below(r, 0x38));
		for (const char *end = ends[random_below(r, 5)]; *end; end++)
			*p++ = (uint8_t)*end;
	}
	memcpy(expected->text + expected->text_len, from, (size_t)(p - from));
	expected->text_len += (size_t)(p - from);
	s->len += (size_t)(p - from);
}

static void text_between_frames(void **state)
{
	struct random *r = *state;

	for (int round = 0; round < 500; round++) {
		struct heard *h = new_heard(), *expected = new_heard();
		struct stream s = {0};
		uint8_t body[600], buf[604];
		vf_decoder d;

		for (uint32_t frames = random_below(r, 8); frames > 0; frames--) {
			size_t len = 8 + random_below(r, 300);

			add_text(r, &s, expected);
			random_body(r, body, len);
			add_frame(&s, body, len);
		}
		add_text(r, &s, expected);
		s.raw[s.len++] = 0;
		/* sometimes with little room for text */
		vf_decoder_init(&d, buf, random_below(r, 2) ? sizeof buf : 312);
		feed_in_pieces(r, h, &d, s.raw, s.len);
		assert_int_equal(h->frames, s.frames);
		check_survivors(&s, h);
		assert_int_equal(h->damaged, 0);
		assert_int_equal(h->text_len, expected->text_len);
		assert_memory_equal(h->text, expected->text, h->text_len);
		free(h);
		free(expected);
	}
}

static void say(vf_decoder *d, const char *in, const char *const *lines)
{
	size_t len = strlen(in);
	enum vf_decoder_event event;

	for (size_t at = 0;;) {
		at += vf_decode(d, (const uint8_t *)in + at, len - at, &event);
		if (event == VF_DECODE_MORE)
			break;
		assert_int_equal(event, VF_DECODE_TEXT);
		if (!*lines) {
			fail_msg("a line too many of \"%s\"", in);
			return;
		}
		assert_int_equal(d->len, strlen(*lines));
		assert_memory_equal(d->buf, *lines, d->len);
		lines++;
	}
	assert_null(*lines);
}

static void lines(void **unused)
{
	static const char *const two[] = {"help\r", "\n", "x\n", NULL};
	static const char *const ends[] = {"\r", "\r", "\n", "\n", NULL};
	static const char *const long_line[] = {"0123456789abcdef", "0123\n", NULL};
	static const char *const marker[] = {"a\n",
					     "b\xF8"
					     "c\n",
					     NULL};
	static const char *const none[] = {NULL};
	uint8_t buf[16];
	vf_decoder d;

	(void)unused;
	vf_decoder_init(&d, buf, sizeof buf);
	say(&d, "help\r\nx\n", two);
	assert_false(vf_decoder_has_text(&d));
	say(&d, "", none);
	assert_false(vf_decoder_has_text(&d));
	assert_int_equal(vf_decoder_flush_text(&d), 0);
	say(&d, "0123456789abcdef0123\n", long_line);
	say(&d, "abc", none);
	assert_true(vf_decoder_has_text(&d));
	assert_int_equal(vf_decoder_flush_text(&d), 3);
	assert_memory_equal(buf, "abc", 3);
	assert_false(vf_decoder_has_text(&d));
	assert_int_equal(vf_decoder_flush_text(&d), 0);
	say(&d,
	    "b\xF8"
	    "c\n",
	    marker + 1);
	vf_decoder_init(&d, buf, sizeof buf);
	say(&d, "\r\r\n\n", ends);
	/* the second byte of a chunk decides, not that of a line */
	vf_decoder_init(&d, buf, sizeof buf);
	say(&d,
	    "a\nb\xF8"
	    "c\n",
	    marker);
}

/* Return pressed once, after a delimiter: nothing tells it from a frame's first
 * byte but that nothing follows. */
static void lone_first_byte(void **unused)
{
	static const uint8_t delimiter[1] = {0};
	static const char *const more[] = {"ok\n", NULL};
	static const char *const cr[] = {"\r", NULL};
	static const char *const none[] = {NULL};
	uint8_t buf[64];
	enum vf_decoder_event event;
	vf_decoder d;

	(void)unused;
	vf_decoder_init(&d, buf, sizeof buf);
	for (int again = 0; again < 3; again++) {
		assert_int_equal(vf_decode(&d, delimiter, 1, &event), 1);
		assert_int_equal(event, VF_DECODE_MORE);
		say(&d, "\r", none);
		assert_true(vf_decoder_has_text(&d));
		assert_int_equal(vf_decoder_flush_text(&d), 1);
		assert_int_equal(buf[0], '\r');
		assert_false(vf_decoder_has_text(&d));
		assert_int_equal(vf_decoder_flush_text(&d), 0);
		if (again == 1)
			say(&d, "ok\n", more);
		if (again == 2)
			say(&d, "\r", cr);
	}
	/* not flushed, then a delimiter: the same byte, at once; a line's end is
	 * told of before the delimiter is taken */
	for (int line = 0; line < 2; line++) {
		vf_decoder_init(&d, buf, sizeof buf);
		say(&d, line ? "\r" : "x", none);
		assert_int_equal(vf_decode(&d, delimiter, 1, &event), line ? 0 : 1);
		assert_int_equal(event, VF_DECODE_TEXT);
		assert_int_equal(d.len, 1);
		assert_int_equal(buf[0], line ? '\r' : 'x');
		assert_false(vf_decoder_has_text(&d));
	}
	assert_int_equal(vf_decode(&d, delimiter, 1, &event), 1);
	assert_int_equal(event, VF_DECODE_MORE);
}

/* A frame whose first byte is CR, arriving in two pieces a long time apart. */
static void slow_frame_is_no_line(void **unused)
{
	uint8_t body[20], raw[64], buf[64];
	enum vf_decoder_event event;
	size_t len;
	vf_decoder d;

	(void)unused;
	memset(body, 0x31, sizeof body);
	body[12] = 0;
	vf_put_header(body, 0x31, 0x3131, 0x31313131);
	len = encode(raw, sizeof raw, body, sizeof body);
	assert_int_equal(raw[1], '\r');
	for (int flush = 0; flush < 2; flush++) {
		vf_decoder_init(&d, buf, sizeof buf);
		assert_int_equal(vf_decode(&d, raw, 2, &event), 2);
		assert_int_equal(event, VF_DECODE_MORE);
		assert_true(vf_decoder_has_text(&d));
		if (flush)
			assert_int_equal(vf_decoder_flush_text(&d), 1);
		assert_int_equal(vf_decode(&d, raw + 2, len - 2, &event), len - 2);
		assert_int_equal(event, VF_DECODE_FRAME);
		assert_int_equal(d.len, sizeof body);
		assert_memory_equal(buf, body, sizeof body);
	}
}

/* Text pending is told of while it waits, and never while a frame comes in. */
static void flush_at_any_time(void **state)
{
	struct random *r = *state;

	for (int round = 0; round < 300; round++) {
		struct heard *h = new_heard(), *expected = new_heard();
		struct stream s = {0};
		uint8_t body[100], buf[128];
		size_t text_end;
		vf_decoder d;

		vf_decoder_init(&d, buf, sizeof buf);
		add_text(r, &s, expected);
		text_end = s.len;
		random_body(r, body, sizeof body);
		add_frame(&s, body, sizeof body);
		for (size_t at = 0; at < s.len; at++) {
			feed(h, &d, s.raw + at, 1);
			if (at > text_end + 1)
				assert_false(vf_decoder_has_text(&d));
			else if (at < text_end && random_below(r, 4) == 0 &&
				 vf_decoder_flush_text(&d) > 0)
				hear(h, &d, VF_DECODE_TEXT);
		}
		assert_int_equal(h->frames, 1);
		assert_int_equal(h->text_len, expected->text_len);
		assert_memory_equal(h->text, expected->text, h->text_len);
		free(h);
		free(expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(frame_size_is_a_bound),
		cmocka_unit_test(encoder_has_too_little_room),
		cmocka_unit_test(single_faults),
		cmocka_unit_test(recovers_after_noise),
		cmocka_unit_test(checks_what_a_frame_needs),
		cmocka_unit_test(overlong),
		cmocka_unit_test(text_between_frames),
		cmocka_unit_test(lines),
		cmocka_unit_test(one_flipped_bit_is_found),
		cmocka_unit_test(lone_first_byte),
		cmocka_unit_test(slow_frame_is_no_line),
		cmocka_unit_test(flush_at_any_time),
	};

	return cmocka_run_group_tests_name("wire: frames and text", tests, random_setup,
					   random_teardown);
}
