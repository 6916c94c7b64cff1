/* session_text.c - console output of whoever shares the port (PROTOCOL §2.1): handed to the
 * person line by line, never taken for protocol, nothing that could upset a terminal.
 */
#include <string.h>

#include "session_internal.h"

/* Length of the UTF-8 character at `p`, 0 if there is none. */
static size_t character(const uint8_t *p, size_t len)
{
	size_t n = p[0] < 0x80   ? 1
		   : p[0] < 0xC2 ? 0
		   : p[0] < 0xE0 ? 2
		   : p[0] < 0xF0 ? 3
		   : p[0] < 0xF5 ? 4
				 : 0;

	if (n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if (p[0] == 0xE0 && p[1] < 0xA0)
		return 0; /* longer than it need be */
	if ((p[0] == 0xED && p[1] >= 0xA0) || (p[0] == 0xF4 && p[1] >= 0x90))
		return 0; /* surrogates, and past the end of Unicode */
	if (p[0] == 0xF0 && p[1] < 0x90)
		return 0;
	return n;
}

static bool is_text(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = character(p + i, len - i);
		if (n == 0)
			return false;
		if (p[i] == 0x7F || (p[i] < 0x20 && strchr("\a\b\t\n\v\f\r\033", p[i]) == NULL) ||
		    p[i] == 0)
			return false;
		i += n;
	}
	return true;
}

/* Bytes of a terminal's control sequence that begins with ESC at p[0]. */
static size_t escape_length(const uint8_t *p, size_t len)
{
	if (len < 2 || p[1] != '[')
		return len < 2 ? len : 2;
	size_t n = 2;
	while (n < len && (p[n] < 0x40 || p[n] > 0x7E))
		n++;
	return n < len ? n + 1 : n;
}

/* Cleans in place; returns the new length. */
static size_t clean(uint8_t *p, size_t len)
{
	size_t out = 0;

	for (size_t i = 0; i < len;) {
		if (p[i] == 0x1B) {
			i += escape_length(p + i, len - i);
		} else if (p[i] == '\t') {
			p[out++] = ' ';
			i++;
		} else if (p[i] == 0xC2 && i + 1 < len && p[i + 1] < 0xA0) {
			i += 2; /* a control character above ASCII */
		} else if (p[i] < 0x20) {
			i++;
		} else {
			p[out++] = p[i++];
		}
	}
	return out;
}

void vf_session_on_text(vf_session *s, size_t len)
{
	if (!is_text(s->rx, len))
		return;
	len = clean(s->rx, len);
	if (len == 0)
		return;
	s->open_lines++;
	if (s->config.text != NULL)
		s->config.text(s->config.ctx, (const char *)s->rx, len);
}

/* A line without an end waits in the decoder, but not for ever. */
bool vf_session_text_due(const vf_session *s, uint64_t *at_us)
{
	if (!vf_decoder_has_text(&s->decoder))
		return false;
	*at_us = s->text_us + TEXT_FLUSH_US;
	return true;
}
