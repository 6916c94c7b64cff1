/* desk.c - the wire in the hands of the test: see the header. */
#include "desk.h"

#include <stdlib.h>
#include <string.h>

static void *resize(void *ctx, void *p, size_t size)
{
	desk *d = ctx;

	if (size == 0) {
		free(p);
		return NULL;
	}
	if (d->allocations_left == 0)
		return NULL;
	if (d->allocations_left > 0)
		d->allocations_left--;
	return realloc(p, size);
}

static uint64_t random_number(void *ctx)
{
	return ((desk *)ctx)->random++;
}

static void take_text(void *ctx, const char *line, size_t len)
{
	desk *d = ctx;

	assert_true(len < sizeof d->text);
	memcpy(d->text, line, len);
	d->text[len] = 0;
	d->lines++;
}

vf_session_config desk_configuration(desk *d)
{
	return (vf_session_config){
		.alloc = {resize, d}, .random = random_number, .text = take_text, .ctx = d};
}

int desk_setup(void **state)
{
	desk *d = calloc(1, sizeof *d);

	assert_non_null(d);
	d->now = 5000000;
	d->random = UINT64_C(0x1122334455667788);
	d->allocations_left = -1;
	vf_session_config c = desk_configuration(d);
	d->s = vf_session_new(&c);
	assert_non_null(d->s);
	d->welcome = (vf_welcome){.version = 1,
				  .version_max = 1,
				  .memories = 1,
				  .ring = 4096,
				  .credit = 3584,
				  .window = 8192,
				  .payload = 256,
				  .answer = 256,
				  .queue = 16};
	strcpy(d->welcome.name, "DESK");
	d->memory = (vf_memory){.name = "paper",
				.kind = VF_MEMORY_NOR,
				.flags = VF_MEMORY_READ | VF_MEMORY_WRITE,
				.dies = 1,
				.base = 0x90000000,
				.size = 1 << 20,
				.page = 256,
				.unit = 1,
				.page_max_us = 1000,
				.read_rate = 4000000,
				.erase_types = 1,
				.erase = {{4096, 1000, 9000}}};
	*state = d;
	return 0;
}

int desk_teardown(void **state)
{
	desk *d = *state;

	vf_session_free(d->s);
	free(d);
	return 0;
}

/* --- hands ------------------------------------------------------------------------- */

void desk_raw(desk *d, const void *bytes, size_t len)
{
	vf_session_rx(d->s, bytes, len, d->now);
}

void desk_say(desk *d, const uint8_t *body, size_t len)
{
	uint8_t out[VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)];
	vf_encoder e;

	vf_encode_begin(&e, out, sizeof out);
	vf_encode_put(&e, body, len);
	size_t n = vf_encode_end(&e);
	assert_true(n > 0);
	desk_raw(d, out, n);
}

uint32_t desk_tag(const desk *d)
{
	return (uint32_t)vf_session_number(d->s);
}

void desk_say_welcome(desk *d)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];

	d->welcome.session = vf_session_number(d->s);
	desk_say(d, body, vf_pack_welcome(body, d->number++, &d->welcome));
}

void desk_say_memory(desk *d, uint8_t index)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];

	desk_say(d, body, vf_pack_memory(body, d->number++, desk_tag(d), index, &d->memory, NULL));
}

void desk_say_state(desk *d, const vf_state *st)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];

	desk_say(d, body, vf_pack_state(body, d->number++, desk_tag(d), st));
}

void desk_say_plain(desk *d, uint8_t kind, uint32_t tag_, const void *rest, size_t len)
{
	uint8_t body[VF_WIRE_BODY_MAX];

	vf_put_header(body, kind, d->number++, tag_);
	memcpy(body + VF_WIRE_HEADER, rest, len);
	desk_say(d, body, VF_WIRE_HEADER + len);
}

void desk_say_ended(desk *d, uint32_t of, uint32_t open_tag)
{
	uint8_t rest[4];

	vf_put32(rest, open_tag);
	desk_say_plain(d, VF_KIND_ENDED, of, rest, sizeof rest);
}

void desk_say_answer(desk *d, uint32_t operation, uint32_t at, const uint8_t *bytes, size_t len)
{
	uint8_t rest[VF_WIRE_BODY_MAX];

	vf_put32(rest, operation);
	vf_put32(rest + 4, at);
	memcpy(rest + 8, bytes, len);
	desk_say_plain(d, VF_KIND_ANSWER, desk_tag(d), rest, 8 + len);
}

void desk_take(desk *d)
{
	vf_decoder decoder;
	uint8_t buf[VF_WIRE_BODY_MAX + 4];
	const uint8_t *p;
	size_t len;

	d->count = 0;
	vf_decoder_init(&decoder, buf, sizeof buf);
	while ((p = vf_session_tx(d->s, &len, d->now)) != NULL) {
		for (size_t at = 0; at < len;) {
			enum vf_decoder_event event;
			at += vf_decode(&decoder, p + at, len - at, &event);
			if (event != VF_DECODE_FRAME)
				continue;
			assert_true(d->count < INBOX);
			frame *f = &d->inbox[d->count++];
			memcpy(f->body, buf, decoder.len);
			f->len = decoder.len;
		}
		vf_session_tx_done(d->s, len, d->now);
	}
}

unsigned desk_count(const desk *d, uint8_t kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->count; i++)
		n += vf_body_kind(d->inbox[i].body) == kind;
	return n;
}

unsigned desk_pass(desk *d, uint64_t us, uint8_t kind)
{
	uint64_t until = d->now + us;
	unsigned n = 0;

	while (d->now < until) {
		uint64_t at = vf_session_deadline(d->s);
		if (at > d->now)
			d->now = at < until ? at : until;
		if (at > until)
			break;
		vf_session_tick(d->s, d->now);
		assert_true(vf_session_deadline(d->s) > d->now);
		desk_take(d);
		n += desk_count(d, kind);
	}
	return n;
}

void desk_open(desk *d)
{
	vf_session_open(d->s, d->now);
	desk_take(d);
	d->now += 1 * MS;
	desk_say_welcome(d);
	for (uint8_t i = 0; i < d->welcome.memories; i++) {
		desk_take(d);
		d->now += 1 * MS;
		desk_say_memory(d, i);
	}
	assert_int_equal(vf_session_status(d->s), VF_SESSION_OPEN);
}

vf_operation desk_message(uint8_t type, uint32_t at, uint32_t len)
{
	return (vf_operation){.message = {.type = type, .address = 0x90000000 + at, .length = len}};
}

uint16_t desk_last_number(const desk *d)
{
	return vf_body_number(d->inbox[d->count - 1].body);
}

void desk_assert_lost(const desk *d, const char *words)
{
	assert_int_equal(vf_session_status(d->s), VF_SESSION_LOST);
	assert_int_equal(vf_session_error(d->s)->code, VF_E_LINK);
	if (strstr(vf_session_error(d->s)->text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, vf_session_error(d->s)->text);
}
