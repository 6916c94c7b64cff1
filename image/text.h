/* text.h - what the two text formats share: lines, hex digits, and saying what
 * is wrong with a record.
 *
 * Records are decoded by table without looking for their end first. Only when
 * something does not fit is the line looked at again, slowly, for the reason.
 */
#ifndef VF_IMAGE_TEXT_H
#define VF_IMAGE_TEXT_H

#include "internal.h"

extern const int8_t vf_hex_value[256]; /* -1: no hex digit */

typedef struct vf_text {
	const uint8_t *at;
	const uint8_t *end;
	size_t line; /* from 1 */
} vf_text;

/* How the bytes of a record are laid out, for the message about a bad one. */
typedef struct vf_record_shape {
	unsigned prefix;  /* characters before the first hex digit */
	unsigned beside;  /* bytes of the record that its count byte leaves out */
	unsigned minimum; /* bytes in the shortest record */
	uint8_t total;    /* what all bytes add up to, modulo 256 */
} vf_record_shape;

void vf_text_start(vf_text *t, const vf_load *ld);
/* Skips blank lines; false at the end of the file. */
bool vf_text_next(vf_text *t);
/* Whether nothing but blanks follows in this line; steps over them. */
bool vf_text_line_done(vf_text *t);
/* Fails with the reason why the record that starts at t->at cannot be read. */
int vf_text_bad_record(const vf_load *ld, const vf_text *t, const vf_record_shape *shape);
/* Fails because the line does not begin as a record of that format does. */
int vf_text_bad_start(const vf_load *ld, const vf_text *t, const char *format, const char *start);
/* 'x' where it can be shown, otherwise its number. */
const char *vf_show_char(uint8_t c, char text[8]);
int vf_text_after_end(const vf_load *ld, const vf_text *t);

/* Decodes `n` bytes from 2n digits and adds them to *sum. Negative if one was
 * no digit. */
static inline int vf_hex_decode(const uint8_t *digits, uint8_t *out, size_t n, unsigned *sum)
{
	int bad = 0;
	unsigned total = 0;
	for (size_t i = 0; i < n; i++) {
		int v = vf_hex_value[digits[2 * i]] * 16 | vf_hex_value[digits[2 * i + 1]];
		bad |= v;
		total += (unsigned)v;
		out[i] = (uint8_t)v;
	}
	*sum += total;
	return bad;
}

#endif
