#include "h7_bench.h"

#include "../emu/world.h"

const char *h7_folder, *h7_loader = "loader";

void h7_new(h7_bench *b, enum vf_emu_model model, const vf_emu_board_config *more)
{
	vf_emu_board_config c = *more;
	char path[1024];

	(void)snprintf(path, sizeof path, "%s/%s-%s.bin", h7_folder,
		       model == VF_EMU_H745I_DISCO ? "h745" : "h747", h7_loader);
	c.model = model;
	c.time_percent = 100;
	c.m4_held = true;
	c.seed = 747;
	const emu_world w = emu_world_new(&c, path, NULL);
	*b = (h7_bench){.internal = w.internal,
			.external = w.external,
			.board = w.board,
			.baud = 115200,
			.tag = H7_TAG};
}

void h7_free(h7_bench *b)
{
	emu_world_free(&(emu_world){b->internal, b->external, b->board});
}

void h7_run(h7_bench *b, uint64_t ns)
{
	if (vf_emu_board_run(b->board, vf_emu_board_now(b->board) + ns) != VF_OK)
		fail_msg("%s", vf_emu_board_stopped(b->board));
	if (vf_emu_usb_trouble(b->board)[0] != '\0')
		fail_msg("%s", vf_emu_usb_trouble(b->board));
}

void h7_plug(h7_bench *b)
{
	vf_emu_usb_plug(b->board, true);
	for (unsigned i = 0; i < 2000 && !vf_emu_usb_ready(b->board); i++)
		h7_run(b, H7_MS);
	assert_true(vf_emu_usb_ready(b->board));
	b->usb = true;
}

static size_t give(h7_bench *b, const uint8_t *bytes, size_t len)
{
	return b->usb ? vf_emu_usb_write(b->board, bytes, len, 0)
		      : vf_emu_board_write(b->board, bytes, len, b->baud);
}

void h7_put(h7_bench *b, const uint8_t *body, size_t head, const uint8_t *payload, size_t len)
{
	uint8_t frame[VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)];
	vf_encoder e;

	vf_encode_begin(&e, frame, sizeof frame);
	vf_encode_put(&e, body, head);
	vf_encode_put(&e, payload, len);
	size_t n = vf_encode_end(&e);
	for (size_t at = 0, tries = 0; at < n; h7_run(b, H7_MS / 20)) {
		at += give(b, frame + at, n - at);
		assert_true(++tries < 100000);
	}
}

void h7_say(h7_bench *b, uint8_t kind, const uint8_t *fields, size_t len)
{
	uint8_t header[VF_WIRE_HEADER];

	vf_put_header(header, kind, b->number++, b->tag);
	h7_put(b, header, sizeof header, fields, len);
}

void h7_stream(h7_bench *b, const uint8_t *bytes, size_t len)
{
	uint8_t header[VF_WIRE_DATA_HEADER];

	vf_put_header(header, VF_KIND_DATA, b->number++, b->tag);
	vf_put32(header + VF_WIRE_HEADER, b->offset);
	h7_put(b, header, sizeof header, bytes, len);
	b->offset += (uint32_t)len;
}

void h7_message(h7_bench *b, uint8_t type, uint32_t address, uint32_t length, const uint8_t *more,
		size_t len)
{
	uint8_t bytes[64];
	vf_message m = {.type = type, .address = address, .length = length};
	size_t n = vf_pack_message(bytes, &m);

	if (len != 0)
		memcpy(bytes + n, more, len);
	h7_stream(b, bytes, n + len);
}

void h7_hello(h7_bench *b, uint32_t tag)
{
	uint8_t body[64];
	vf_hello hello = {.version_min = 1, .version_max = 1, .payload = 4096, .session = tag};

	b->tag = tag;
	b->number = 0;
	b->offset = 0;
	h7_put(b, body, vf_pack_hello(body, b->number++, &hello), NULL, 0);
}

void h7_begin(h7_bench *b)
{
	uint8_t range[16] = {0};

	vf_put32(range, 0x90000000);
	vf_put32(range + 4, 0x20000);
	h7_message(b, VF_MESSAGE_SET, 1, sizeof range, range, sizeof range);
	h7_run(b, 1500 * (uint64_t)H7_MS); /* the journal's first unit is erased */
	h7_message(b, VF_MESSAGE_ERASE, 0x90000000, 0x20000, NULL, 0);
	h7_message(b, VF_MESSAGE_PROGRAM, 0x90000000, 0x20000, NULL, 0);
	h7_run(b, 20 * H7_MS);
}

static size_t get(h7_bench *b, uint8_t *bytes, size_t room)
{
	return b->usb ? vf_emu_usb_read(b->board, bytes, room)
		      : vf_emu_board_read(b->board, bytes, room, b->baud);
}

size_t h7_await(h7_bench *b, uint8_t kind, uint8_t *body, size_t room, uint64_t ns)
{
	uint8_t buf[VF_WIRE_BODY_MAX + 4], byte;
	uint64_t end = vf_emu_board_now(b->board) + ns;
	vf_decoder d;

	vf_decoder_init(&d, buf, sizeof buf);
	while (vf_emu_board_now(b->board) < end) {
		enum vf_decoder_event event;

		if (get(b, &byte, 1) == 0) {
			h7_run(b, H7_MS / 10);
			continue;
		}
		while (vf_decode(&d, &byte, 1, &event) == 0)
			;
		if (event != VF_DECODE_FRAME || vf_body_kind(buf) != kind)
			continue;
		assert_true(d.len <= room);
		memcpy(body, buf, d.len);
		return d.len;
	}
	return 0;
}

vf_state h7_state(h7_bench *b)
{
	uint8_t body[VF_WIRE_BODY_MAX];
	vf_state s;
	uint8_t old;

	while (get(b, &old, 1) != 0)
		;
	h7_say(b, VF_KIND_QUERY, NULL, 0);
	size_t len = h7_await(b, VF_KIND_STATE, body, sizeof body, 1000 * (uint64_t)H7_MS);
	assert_true(len != 0);
	assert_int_equal(vf_unpack_state(&s, body, len), 0);
	return s;
}
