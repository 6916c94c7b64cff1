/* The body of STATE (§4.2): all that a board has to say about the stream. */
#include <string.h>

#include <vcpflash/wire.h>

#include "layout.h"

enum {
	STATE_SIZE = 40, /* and islands, and a failure */
	ISLAND_SIZE = 8,
	FAILURE_SIZE = 16,
};

static const vf_wire_field state[] = {
	VF_FIELD(vf_state, flags),      VF_FIELD(vf_state, islands),
	VF_FIELD(vf_state, seen),       VF_FIELD(vf_state, received),
	VF_FIELD(vf_state, limit),      VF_FIELD(vf_state, done),
	VF_FIELD(vf_state, damaged),    VF_FIELD(vf_state, lost),
	VF_FIELD(vf_state, message),    VF_FIELD(vf_state, memory),
	VF_FIELD(vf_state, mended),     VF_FIELD(vf_state, typical_ms),
	VF_FIELD(vf_state, maximum_ms), VF_FIELD_END};

static const vf_wire_field island[] = {VF_FIELD(vf_island, start), VF_FIELD(vf_island, end),
				       VF_FIELD_END};

static const vf_wire_field failure[] = {
	VF_FIELD(vf_failure, operation), VF_FIELD(vf_failure, code),
	VF_FIELD(vf_failure, memory),    VF_FIELD(vf_failure, expected),
	VF_FIELD(vf_failure, found),     VF_FIELD(vf_failure, address),
	VF_FIELD(vf_failure, count),     VF_FIELD_END};

size_t vf_pack_state(uint8_t *out, uint16_t number, uint32_t tag, const vf_state *s)
{
	uint8_t *p;

	vf_put_header(out, VF_KIND_STATE, number, tag);
	p = vf_wire_put(out + VF_WIRE_HEADER, s, state);
	for (unsigned i = 0; i < s->islands; i++)
		p = vf_wire_put(p, &s->island[i], island);
	if (s->flags & VF_STATE_STOPPED)
		p = vf_wire_put(p, &s->failure, failure);
	return (size_t)(p - out);
}

/* Islands lie beyond `received`, ascend without overlap, and end by `limit`. */
static bool islands_ok(const vf_state *s)
{
	uint32_t before = s->received;

	for (unsigned i = 0; i < s->islands; i++) {
		const vf_island *here = &s->island[i];

		if (vf_offset_diff(here->start, before) < 0 ||
		    vf_offset_diff(here->end, here->start) <= 0)
			return false;
		before = here->end;
	}
	return vf_offset_diff(s->limit, before) >= 0;
}

int vf_unpack_state(vf_state *s, const uint8_t *body, size_t len)
{
	const uint8_t *p;
	size_t more;

	if (len < STATE_SIZE)
		return -1;
	memset(s, 0, sizeof *s);
	p = vf_wire_get(s, body + VF_WIRE_HEADER, state);
	if (s->islands > VF_WIRE_ISLANDS_MAX)
		return -1;
	more = (size_t)ISLAND_SIZE * s->islands;
	if (s->flags & VF_STATE_STOPPED)
		more += FAILURE_SIZE;
	if (len < STATE_SIZE + more)
		return -1;
	for (unsigned i = 0; i < s->islands; i++)
		p = vf_wire_get(&s->island[i], p, island);
	if (s->flags & VF_STATE_STOPPED) {
		vf_wire_get(&s->failure, p, failure);
		if (s->failure.code == VF_FAIL_NONE)
			return -1;
	}
	if (s->message != 0 && s->memory >= VF_WIRE_MEMORIES_MAX)
		return -1;
	return islands_ok(s) ? 0 : -1;
}
