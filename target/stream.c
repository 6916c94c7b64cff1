/* stream.c - the reliable stream: DATA payload in any order -> bytes in order.
 *
 * The window holds stream bytes at their offset modulo its size, from
 * `consumed` up to `limit`. What has arrived is `received` and up to four
 * islands beyond it. Offsets wrap: all comparisons are of distances from
 * `received`, which stay within the window.
 */
#include <string.h>

#include "engine.h"

uint32_t vf_t_stream_limit(const vf_target *t)
{
	return t->stream.consumed + t->config.window_len;
}

void vf_t_stream_copy(const vf_target *t, uint32_t offset, uint8_t *out, uint32_t len)
{
	uint32_t at = offset & (t->config.window_len - 1);
	uint32_t first = vf_t_min(len, t->config.window_len - at);
	memcpy(out, t->config.window + at, first);
	memcpy(out + first, t->config.window, len - first);
}

static void store(vf_target *t, uint32_t offset, const uint8_t *data, uint32_t len)
{
	uint32_t at = offset & (t->config.window_len - 1);
	uint32_t first = vf_t_min(len, t->config.window_len - at);
	memcpy(t->config.window + at, data, first);
	memcpy(t->config.window, data + first, len - first);
}

static void remove_islands(vf_target_stream *s, unsigned first, unsigned count)
{
	s->islands = (uint8_t)(s->islands - count);
	for (; first < s->islands; first++)
		s->island[first] = s->island[first + count];
}

/* Moves `received` to `end` and over the islands that are reached. */
static void extend(vf_target_stream *s, uint32_t end)
{
	unsigned reached = 0;
	while (reached < s->islands && vf_offset_diff(s->island[reached].start, end) <= 0) {
		if (vf_offset_diff(s->island[reached].end, end) > 0)
			end = s->island[reached].end;
		reached++;
	}
	s->received = end;
	remove_islands(s, 0, reached);
}

/* Joins start … end with the islands that it overlaps or touches; false if it
 * would be one too many. */
static bool add_island(vf_target_stream *s, uint32_t start, uint32_t end)
{
	unsigned first = 0;
	while (first < s->islands && vf_offset_diff(s->island[first].end, start) < 0)
		first++;
	unsigned last = first;
	while (last < s->islands && vf_offset_diff(s->island[last].start, end) <= 0)
		last++;
	if (last == first) {
		if (s->islands == VF_WIRE_ISLANDS_MAX)
			return false;
		for (unsigned i = s->islands++; i > first; i--)
			s->island[i] = s->island[i - 1];
		s->island[first] = (vf_island){start, end};
		return true;
	}
	if (vf_offset_diff(s->island[first].start, start) < 0)
		start = s->island[first].start;
	if (vf_offset_diff(s->island[last - 1].end, end) > 0)
		end = s->island[last - 1].end;
	s->island[first] = (vf_island){start, end};
	remove_islands(s, first + 1, last - first - 1);
	return true;
}

/* True if the bytes are in the window now (or were already). */
bool vf_t_stream_put(vf_target *t, uint32_t offset, const uint8_t *data, uint32_t len)
{
	vf_target_stream *s = &t->stream;
	int32_t had = vf_offset_diff(s->received, offset);
	if (had > 0) {
		if ((uint32_t)had >= len)
			return true;
		offset += (uint32_t)had;
		data += had;
		len -= (uint32_t)had;
	}
	uint32_t ahead = offset - s->received;
	uint32_t room = vf_t_stream_limit(t) - s->received;
	if (ahead > room || len > room - ahead)
		return false;
	if (ahead == 0)
		extend(s, offset + len);
	else if (!add_island(s, offset, offset + len))
		return false;
	store(t, offset, data, len);
	return true;
}
