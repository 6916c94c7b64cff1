/* Bodies of HELLO, WELCOME, STATE and REFUSE (§3, §4.2). Those of DESCRIBE,
 * QUERY, ABORT, ECHO, DATA, ANSWER and ENDED are a header and at most two
 * numbers: their senders write them directly.
 */
#include <string.h>

#include <vcpflash/wire.h>

#include "text.h"

enum {
	HELLO_SIZE = 24,
	WELCOME_SIZE = 60, /* and the name */
	STATE_SIZE = 40,   /* and islands, and a failure */
	FAILURE_SIZE = 16,
	REFUSE_SIZE = 12,
};

size_t vf_wire_name_len(const char *name, size_t max)
{
	size_t n = 0;

	while (n < max && name[n])
		n++;
	return n;
}

void vf_wire_name_get(char *name, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		name[i] = bytes[i] >= 0x20 && bytes[i] <= 0x7E ? (char)bytes[i] : '?';
	name[len] = 0;
}

static void put_session(uint8_t *p, uint64_t session)
{
	vf_put32(p, (uint32_t)session);
	vf_put32(p + 4, (uint32_t)(session >> 32));
}

/* The session at byte 12, whose low half has to be the header's tag. */
static int get_session(uint64_t *session, const uint8_t *body)
{
	uint32_t low = vf_get32(body + 12);

	*session = (uint64_t)vf_get32(body + 16) << 32 | low;
	return low != 0 && low == vf_body_tag(body) ? 0 : -1;
}

static bool payload_ok(uint16_t payload)
{
	return payload >= VF_WIRE_PAYLOAD_MIN && payload <= VF_WIRE_PAYLOAD_MAX;
}

static bool power_of_two(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

size_t vf_pack_hello(uint8_t *out, uint16_t number, const vf_hello *h)
{
	vf_put_header(out, VF_KIND_HELLO, number, (uint32_t)h->session);
	out[8] = h->version_min;
	out[9] = h->version_max;
	vf_put16(out + 10, h->payload);
	put_session(out + 12, h->session);
	vf_put32(out + 20, h->flags);
	return HELLO_SIZE;
}

int vf_unpack_hello(vf_hello *h, const uint8_t *body, size_t len)
{
	if (len < HELLO_SIZE || get_session(&h->session, body) < 0)
		return -1;
	h->version_min = body[8];
	h->version_max = body[9];
	h->payload = vf_get16(body + 10);
	h->flags = vf_get32(body + 20);
	return h->version_min <= h->version_max && payload_ok(h->payload) ? 0 : -1;
}

size_t vf_pack_welcome(uint8_t *out, uint16_t number, const vf_welcome *w)
{
	size_t name_len = vf_wire_name_len(w->name, VF_WIRE_BOARD_NAME_MAX);

	vf_put_header(out, VF_KIND_WELCOME, number, (uint32_t)w->session);
	out[8] = w->version;
	out[9] = w->version_max;
	out[10] = w->memories;
	out[11] = w->trailer;
	put_session(out + 12, w->session);
	vf_put32(out + 20, w->capabilities);
	vf_put32(out + 24, w->ring);
	vf_put32(out + 28, w->credit);
	vf_put32(out + 32, w->window);
	vf_put16(out + 36, w->payload);
	vf_put16(out + 38, w->answer);
	vf_put16(out + 40, w->queue);
	out[42] = w->id_len;
	out[43] = (uint8_t)name_len;
	memset(out + 44, 0, VF_WIRE_ID_MAX);
	memcpy(out + 44, w->id, w->id_len);
	memcpy(out + WELCOME_SIZE, w->name, name_len);
	return WELCOME_SIZE + name_len;
}

static bool welcome_ok(const vf_welcome *w)
{
	return w->version >= 1 && w->version <= w->version_max && w->memories >= 1 &&
	       w->memories <= VF_WIRE_MEMORIES_MAX && (w->trailer == 0 || w->version > 1) &&
	       power_of_two(w->ring) && w->ring >= VF_WIRE_RING_MIN && power_of_two(w->window) &&
	       w->window >= VF_WIRE_WINDOW_MIN && w->credit >= VF_WIRE_CREDIT_MIN &&
	       payload_ok(w->payload) && w->payload <= w->ring / 4 && payload_ok(w->answer);
}

int vf_unpack_welcome(vf_welcome *w, const uint8_t *body, size_t len)
{
	size_t name_len;

	if (len < WELCOME_SIZE || get_session(&w->session, body) < 0)
		return -1;
	w->id_len = body[42];
	name_len = body[43];
	if (w->id_len > VF_WIRE_ID_MAX || name_len < 1 || name_len > VF_WIRE_BOARD_NAME_MAX ||
	    len < WELCOME_SIZE + name_len)
		return -1;
	w->version = body[8];
	w->version_max = body[9];
	w->memories = body[10];
	w->trailer = body[11];
	w->capabilities = vf_get32(body + 20);
	w->ring = vf_get32(body + 24);
	w->credit = vf_get32(body + 28);
	w->window = vf_get32(body + 32);
	w->payload = vf_get16(body + 36);
	w->answer = vf_get16(body + 38);
	w->queue = vf_get16(body + 40);
	memset(w->id, 0, sizeof w->id);
	memcpy(w->id, body + 44, w->id_len);
	vf_wire_name_get(w->name, body + WELCOME_SIZE, name_len);
	return welcome_ok(w) ? 0 : -1;
}

static void put_failure(uint8_t *p, const vf_failure *f)
{
	vf_put32(p, f->operation);
	p[4] = f->code;
	p[5] = f->memory;
	p[6] = f->expected;
	p[7] = f->found;
	vf_put32(p + 8, f->address);
	vf_put32(p + 12, f->count);
}

static void get_failure(vf_failure *f, const uint8_t *p)
{
	f->operation = vf_get32(p);
	f->code = p[4];
	f->memory = p[5];
	f->expected = p[6];
	f->found = p[7];
	f->address = vf_get32(p + 8);
	f->count = vf_get32(p + 12);
}

size_t vf_pack_state(uint8_t *out, uint16_t number, uint32_t tag, const vf_state *s)
{
	size_t at = STATE_SIZE;

	vf_put_header(out, VF_KIND_STATE, number, tag);
	out[8] = s->flags;
	out[9] = s->islands;
	vf_put16(out + 10, s->seen);
	vf_put32(out + 12, s->received);
	vf_put32(out + 16, s->limit);
	vf_put32(out + 20, s->done);
	vf_put16(out + 24, s->damaged);
	vf_put16(out + 26, s->lost);
	out[28] = s->message;
	out[29] = s->memory;
	vf_put16(out + 30, 0);
	vf_put32(out + 32, s->typical_ms);
	vf_put32(out + 36, s->maximum_ms);
	for (unsigned i = 0; i < s->islands; i++, at += 8) {
		vf_put32(out + at, s->island[i].start);
		vf_put32(out + at + 4, s->island[i].end);
	}
	if (s->flags & VF_STATE_STOPPED) {
		put_failure(out + at, &s->failure);
		at += FAILURE_SIZE;
	}
	return at;
}

/* Islands lie beyond `received`, ascend without overlap, and end by `limit`. */
static int get_islands(vf_state *s, const uint8_t *p)
{
	uint32_t before = s->received;

	for (unsigned i = 0; i < s->islands; i++, p += 8) {
		uint32_t start = vf_get32(p), end = vf_get32(p + 4);

		if (vf_offset_diff(start, before) < 0 || vf_offset_diff(end, start) <= 0)
			return -1;
		s->island[i].start = start;
		s->island[i].end = end;
		before = end;
	}
	return vf_offset_diff(s->limit, before) < 0 ? -1 : 0;
}

int vf_unpack_state(vf_state *s, const uint8_t *body, size_t len)
{
	size_t size;

	if (len < STATE_SIZE || body[9] > VF_WIRE_ISLANDS_MAX)
		return -1;
	memset(s, 0, sizeof *s);
	s->flags = body[8];
	s->islands = body[9];
	size = STATE_SIZE + 8u * s->islands;
	if (len < size + (s->flags & VF_STATE_STOPPED ? FAILURE_SIZE : 0))
		return -1;
	s->seen = vf_get16(body + 10);
	s->received = vf_get32(body + 12);
	s->limit = vf_get32(body + 16);
	s->done = vf_get32(body + 20);
	s->damaged = vf_get16(body + 24);
	s->lost = vf_get16(body + 26);
	s->message = body[28];
	s->memory = body[29];
	s->typical_ms = vf_get32(body + 32);
	s->maximum_ms = vf_get32(body + 36);
	if (get_islands(s, body + STATE_SIZE) < 0 ||
	    (s->message != 0 && s->memory >= VF_WIRE_MEMORIES_MAX))
		return -1;
	if (s->flags & VF_STATE_STOPPED) {
		get_failure(&s->failure, body + size);
		if (s->failure.code == VF_FAIL_NONE)
			return -1;
	}
	return 0;
}

size_t vf_pack_refuse(uint8_t *out, uint16_t number, uint32_t tag, const vf_refuse *r)
{
	vf_put_header(out, VF_KIND_REFUSE, number, tag);
	out[8] = r->code;
	out[9] = r->kind;
	out[10] = r->version_min;
	out[11] = r->version_max;
	return REFUSE_SIZE;
}

int vf_unpack_refuse(vf_refuse *r, const uint8_t *body, size_t len)
{
	if (len < REFUSE_SIZE)
		return -1;
	r->code = body[8];
	r->kind = body[9];
	r->version_min = body[10];
	r->version_max = body[11];
	return r->code != 0 && r->version_min <= r->version_max ? 0 : -1;
}
