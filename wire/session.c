/* Bodies that open a session, or refuse to: HELLO, WELCOME, REFUSE (§3). */
#include <string.h>

#include <vcpflash/wire.h>

#include "layout.h"

enum {
	HELLO_SIZE = 24,
	WELCOME_SIZE = 68, /* and the name */
	JOURNAL_SIZE = 12, /* after the name, with VF_CAP_JOURNAL */
	REFUSE_SIZE = 12,
};

static const vf_wire_field hello[] = {
	VF_FIELD(vf_hello, version_min), VF_FIELD(vf_hello, version_max),
	VF_FIELD(vf_hello, payload),     VF_FIELD(vf_hello, session),
	VF_FIELD(vf_hello, flags),       VF_FIELD_END};

static const vf_wire_field welcome[] = {
	VF_FIELD(vf_welcome, version),  VF_FIELD(vf_welcome, version_max),
	VF_FIELD(vf_welcome, memories), VF_FIELD(vf_welcome, trailer),
	VF_FIELD(vf_welcome, session),  VF_FIELD(vf_welcome, capabilities),
	VF_FIELD(vf_welcome, ring),     VF_FIELD(vf_welcome, credit),
	VF_FIELD(vf_welcome, window),   VF_FIELD(vf_welcome, payload),
	VF_FIELD(vf_welcome, answer),   VF_FIELD(vf_welcome, queue),
	VF_FIELD(vf_welcome, id_len),   VF_FIELD_END};

/* Two reserved bytes stand between. */
static const vf_wire_field journal[] = {VF_FIELD(vf_welcome, set), VF_FIELD(vf_welcome, entries),
					VF_FIELD_END};

static const vf_wire_field changed[] = {VF_FIELD(vf_welcome, changed), VF_FIELD_END};

static const vf_wire_field refuse[] = {VF_FIELD(vf_refuse, code), VF_FIELD(vf_refuse, kind),
				       VF_FIELD(vf_refuse, version_min),
				       VF_FIELD(vf_refuse, version_max), VF_FIELD_END};

/* The tag is the low half of the session, and never 0. */
static bool session_ok(uint64_t session, const uint8_t *body)
{
	return (uint32_t)session != 0 && (uint32_t)session == vf_body_tag(body);
}

static bool payload_ok(uint16_t payload)
{
	return payload >= VF_WIRE_PAYLOAD_MIN && payload <= VF_WIRE_PAYLOAD_MAX;
}

size_t vf_pack_hello(uint8_t *out, uint16_t number, const vf_hello *h)
{
	vf_put_header(out, VF_KIND_HELLO, number, (uint32_t)h->session);
	vf_wire_put(out + VF_WIRE_HEADER, h, hello);
	return HELLO_SIZE;
}

int vf_unpack_hello(vf_hello *h, const uint8_t *body, size_t len)
{
	if (len < HELLO_SIZE)
		return -1;
	vf_wire_get(h, body + VF_WIRE_HEADER, hello);
	return session_ok(h->session, body) && h->version_min <= h->version_max &&
			       payload_ok(h->payload)
		       ? 0
		       : -1;
}

size_t vf_pack_welcome(uint8_t *out, uint16_t number, const vf_welcome *w)
{
	size_t name_len = vf_wire_name_len(w->name, VF_WIRE_BOARD_NAME_MAX);
	uint8_t *p;

	vf_put_header(out, VF_KIND_WELCOME, number, (uint32_t)w->session);
	p = vf_wire_put(out + VF_WIRE_HEADER, w, welcome);
	*p++ = (uint8_t)name_len;
	p = vf_wire_put_id(p, w->id, w->id_len, VF_WIRE_ID_MAX);
	vf_put32(p, w->block);
	vf_put32(p + 4, w->rate);
	p += 8;
	p = vf_wire_put_id(p, (const uint8_t *)w->name, name_len, name_len);
	if (w->capabilities & VF_CAP_JOURNAL) {
		p = vf_wire_put(p, w, journal);
		vf_put16(p, 0);
		p = vf_wire_put(p + 2, w, changed);
	}
	if (w->capabilities & VF_CAP_KEY) {
		memcpy(p, w->nonce, sizeof w->nonce);
		p += sizeof w->nonce;
	}
	return (size_t)(p - out);
}

static bool welcome_ok(const vf_welcome *w)
{
	return w->version >= 1 && w->version <= w->version_max && w->memories >= 1 &&
	       w->memories <= VF_WIRE_MEMORIES_MAX &&
	       w->trailer == (w->capabilities & VF_CAP_KEY ? VF_TRAILER_SIZE : 0) &&
	       vf_wire_power_of_two(w->ring) && w->ring >= VF_WIRE_RING_MIN &&
	       vf_wire_power_of_two(w->window) && w->window >= VF_WIRE_WINDOW_MIN &&
	       w->credit >= VF_WIRE_CREDIT_MIN && payload_ok(w->payload) &&
	       w->payload <= w->ring / 4 && payload_ok(w->answer);
}

/* What follows the name up to `end`, in the order of the capabilities; NULL where it is
 * too short or contradicts itself. */
static const uint8_t *take_journal(vf_welcome *w, const uint8_t *p, const uint8_t *end)
{
	w->set = w->entries = 0;
	w->changed = 0;
	if ((w->capabilities & VF_CAP_JOURNAL) == 0)
		return p;
	if (end - p < JOURNAL_SIZE)
		return NULL;
	p = vf_wire_get(w, p, journal);
	p = vf_wire_get(w, p + 2, changed);
	return w->set <= VF_SET_UNREADABLE && w->entries >= 1 && w->entries <= VF_WIRE_SET_MAX
		       ? p
		       : NULL;
}

static const uint8_t *take_nonce(vf_welcome *w, const uint8_t *p, const uint8_t *end)
{
	memset(w->nonce, 0, sizeof w->nonce);
	if ((w->capabilities & VF_CAP_KEY) == 0)
		return p;
	if (end - p < VF_NONCE_SIZE)
		return NULL;
	memcpy(w->nonce, p, sizeof w->nonce);
	return p + sizeof w->nonce;
}

int vf_unpack_welcome(vf_welcome *w, const uint8_t *body, size_t len)
{
	const uint8_t *p;
	size_t name_len;

	if (len < WELCOME_SIZE)
		return -1;
	p = vf_wire_get(w, body + VF_WIRE_HEADER, welcome);
	name_len = *p++;
	if (w->id_len > VF_WIRE_ID_MAX || name_len < 1 || name_len > VF_WIRE_BOARD_NAME_MAX ||
	    len < WELCOME_SIZE + name_len)
		return -1;
	p = vf_wire_get_id(w->id, p, w->id_len, VF_WIRE_ID_MAX);
	w->block = vf_get32(p);
	w->rate = vf_get32(p + 4);
	p += 8;
	vf_wire_name_get(w->name, p, name_len);
	p = take_journal(w, p + name_len, body + len);
	if (p == NULL || take_nonce(w, p, body + len) == NULL)
		return -1;
	return session_ok(w->session, body) && welcome_ok(w) ? 0 : -1;
}

size_t vf_pack_refuse(uint8_t *out, uint16_t number, uint32_t tag, const vf_refuse *r)
{
	vf_put_header(out, VF_KIND_REFUSE, number, tag);
	vf_wire_put(out + VF_WIRE_HEADER, r, refuse);
	return REFUSE_SIZE;
}

int vf_unpack_refuse(vf_refuse *r, const uint8_t *body, size_t len)
{
	if (len < REFUSE_SIZE)
		return -1;
	vf_wire_get(r, body + VF_WIRE_HEADER, refuse);
	return r->code != 0 && r->version_min <= r->version_max ? 0 : -1;
}
