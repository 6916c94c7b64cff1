/* text.c - lines, hex digits, and the reasons why a text record is refused. */
#include "text.h"

#include <stdio.h>

#define NONE8   -1, -1, -1, -1, -1, -1, -1, -1
#define NONE16  NONE8, NONE8
#define LETTERS -1, 10, 11, 12, 13, 14, 15, -1, NONE8

const int8_t vf_hex_value[256] = {
	NONE16,  NONE16, NONE16,                                          /* 00 */
	0,       1,      2,       3,      4,      5,      6,      7,      /* 30 */
	8,       9,      -1,      -1,     -1,     -1,     -1,     -1,     /* 38 */
	LETTERS, NONE16, LETTERS, NONE16,                                 /* 40 */
	NONE16,  NONE16, NONE16,  NONE16, NONE16, NONE16, NONE16, NONE16, /* 80 */
};

enum { DOS_END = 0x1A }; /* the end-of-file mark of DOS editors */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_line_end(uint8_t c)
{
	return c == '\n' || c == '\r';
}

void vf_text_start(vf_text *t, const vf_load *ld)
{
	static const uint8_t utf8_mark[3] = {0xEF, 0xBB, 0xBF};
	t->at = ld->bytes;
	t->end = ld->bytes + ld->len;
	t->line = 1;
	if (ld->len >= sizeof utf8_mark && memcmp(t->at, utf8_mark, sizeof utf8_mark) == 0)
		t->at += sizeof utf8_mark;
}

bool vf_text_next(vf_text *t)
{
	while (t->at < t->end) {
		uint8_t c = *t->at;
		if (is_line_end(c)) {
			bool pair = c == '\r' && t->at + 1 < t->end && t->at[1] == '\n';
			t->at += pair ? 2 : 1;
			t->line++;
		} else if (is_blank(c) || (c == DOS_END && t->at + 1 == t->end)) {
			t->at++;
		} else {
			return true;
		}
	}
	return false;
}

bool vf_text_line_done(vf_text *t)
{
	while (t->at < t->end && is_blank(*t->at))
		t->at++;
	return t->at == t->end || is_line_end(*t->at) || *t->at == DOS_END;
}

const char *vf_show_char(uint8_t c, char text[8])
{
	if (c > ' ' && c < 0x7F)
		(void)snprintf(text, 8, "'%c'", c);
	else
		(void)snprintf(text, 8, "0x%02x", c);
	return text;
}

int vf_text_bad_start(const vf_load *ld, const vf_text *t, const char *format, const char *start)
{
	char shown[8];
	return vf_fail(ld->err, VF_E_FILE,
		       "%s: line %zu starts with %s, not with %s as every %s record does: this is "
		       "another kind of file, or a damaged one",
		       vf_short_name(ld->name), t->line, vf_show_char(*t->at, shown), start,
		       format);
}

int vf_text_after_end(const vf_load *ld, const vf_text *t)
{
	return vf_fail(ld->err, VF_E_FILE,
		       "%s: line %zu comes after the end record: two files joined into one? give "
		       "them one by one",
		       vf_short_name(ld->name), t->line);
}

/* Length of the rest of the line, trailing blanks left out. */
static size_t line_length(const vf_text *t)
{
	const uint8_t *p = t->at;
	while (p < t->end && !is_line_end(*p))
		p++;
	while (p > t->at && is_blank(p[-1]))
		p--;
	return (size_t)(p - t->at);
}

/* The digits are all right and their number is even: length, then checksum. */
static int bad_bytes(const vf_load *ld, const vf_text *t, const vf_record_shape *shape,
		     size_t bytes)
{
	const char *name = vf_short_name(ld->name);
	const uint8_t *digits = t->at + shape->prefix;
	uint8_t byte = 0;
	unsigned sum = 0;
	(void)vf_hex_decode(digits, &byte, 1, &sum);
	size_t expected = (size_t)byte + shape->beside;
	if (bytes != expected || bytes < shape->minimum)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: line %zu: the record has %zu bytes instead of %zu: damaged, "
			       "get the file again",
			       name, t->line, bytes,
			       expected < shape->minimum ? shape->minimum : expected);
	sum = 0;
	for (size_t i = 0; i < bytes; i++)
		(void)vf_hex_decode(digits + 2 * i, &byte, 1, &sum);
	return vf_fail(ld->err, VF_E_FILE,
		       "%s: line %zu: wrong checksum 0x%02x, its bytes make 0x%02x: damaged or "
		       "edited by hand, get the file again",
		       name, t->line, byte, (shape->total - (sum - byte)) & 0xFF);
}

int vf_text_bad_record(const vf_load *ld, const vf_text *t, const vf_record_shape *shape)
{
	const char *name = vf_short_name(ld->name);
	size_t length = line_length(t);
	char shown[8];
	for (size_t i = shape->prefix; i < length; i++) {
		if (vf_hex_value[t->at[i]] < 0)
			return vf_fail(ld->err, VF_E_FILE,
				       "%s: line %zu: character %zu of the record is %s, no hex "
				       "digit: damaged, get the file again",
				       name, t->line, i + 1, vf_show_char(t->at[i], shown));
	}
	size_t digits = length > shape->prefix ? length - shape->prefix : 0;
	if (digits % 2 != 0)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: line %zu: odd number of hex digits (%zu): cut off or damaged, "
			       "get the file again",
			       name, t->line, digits);
	if (digits < 2)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: line %zu: the record ends before its length: cut off, get the "
			       "file again",
			       name, t->line);
	return bad_bytes(ld, t, shape, digits / 2);
}
