/* text.c - the text among the frames: a person who opened the port in a terminal
 * and pressed Return is told what this is (PROTOCOL 2.1). The line end may be the
 * first byte of a frame, so the answer waits until nothing follows.
 */
#include "engine.h"

static bool printable(uint8_t c)
{
	return (c >= 0x20 && c <= 0x7E) || c == '\b' || c == '\t' || c == 0x1B;
}

/* A finished line of text asks who is there. */
static void take_line(vf_target *t, const uint8_t *line, size_t len)
{
	uint8_t end = line[len - 1];
	bool ended = end == '\r' || end == '\n';
	for (size_t i = 0; i < len - ended; i++) {
		if (!printable(line[i])) {
			vf_t_link_noise(t);
			return;
		}
	}
	if (ended && (end != '\n' || len != 1 || t->last[1] != '\r'))
		t->asked = true;
}

/* A CR or LF directly after a delimiter: a line, or the code byte of a frame. */
static bool lone(const vf_target *t)
{
	return t->last[1] == 0 && (t->last[0] == '\r' || t->last[0] == '\n') &&
	       vf_decoder_has_text(&t->decoder);
}

static bool waits(const vf_target *t)
{
	return t->asked || lone(t);
}

static void answer(vf_target *t)
{
	if (t->noisy && t->now - t->noise_at >= VF_T_NOISE_US)
		t->noisy = false;
	if (!waits(t) || t->now - t->last_at < VF_T_LINE_US)
		return;
	size_t rest = vf_decoder_flush_text(&t->decoder);
	if (rest != 0)
		take_line(t, t->decoder.buf, rest);
	if (t->asked && !t->noisy)
		t->out.pending |= VF_T_GREETING;
	t->asked = false;
}

const struct vf_target_text_feature vf_target_text_feature = {take_line, waits, answer,
							      vf_t_greeting};
