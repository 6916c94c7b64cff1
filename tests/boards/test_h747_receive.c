/* What a received byte costs the STM32H747I-DISCO's loader: its machine code is executed
 * while the chip erases and the host sends what is to be programmed, so nothing but the
 * receive path is at work: interrupts, ring, frames, CRC, window, and a STATE for what
 * came. The count is exact and the same on every machine. Firmware comes from the folder
 * that is the first argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/emu.h>
#include <vcpflash/wire.h>

enum { MS = 1000000, RATE = 12000000, TAG = 0x747, PAYLOAD = 4000, DATA = 100000 };

typedef struct bench {
	uint8_t *internal, *external;
	vf_emu_board *board;
	uint32_t baud;
	uint16_t number;
	uint32_t offset; /* in the stream */
} bench;

static const char *folder;

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size != 0)
		return realloc(p, size);
	free(p);
	return NULL;
}

static void run(bench *b, uint64_t ns)
{
	if (vf_emu_board_run(b->board, vf_emu_board_now(b->board) + ns) != VF_OK)
		fail_msg("%s", vf_emu_board_stopped(b->board));
}

/* Sends a whole frame, as fast as the line goes. */
static void put(bench *b, const uint8_t *body, size_t head, const uint8_t *payload, size_t len)
{
	uint8_t frame[VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)];
	vf_encoder e;

	vf_encode_begin(&e, frame, sizeof frame);
	vf_encode_put(&e, body, head);
	vf_encode_put(&e, payload, len);
	size_t n = vf_encode_end(&e);
	for (size_t at = 0; at < n; run(b, MS / 20))
		at += vf_emu_board_write(b->board, frame + at, n - at, b->baud);
}

static void say(bench *b, uint8_t kind, const uint8_t *fields, size_t len)
{
	uint8_t header[VF_WIRE_HEADER];

	vf_put_header(header, kind, b->number++, TAG);
	put(b, header, sizeof header, fields, len);
}

static void stream(bench *b, const uint8_t *bytes, size_t len)
{
	uint8_t header[VF_WIRE_DATA_HEADER];

	vf_put_header(header, VF_KIND_DATA, b->number++, TAG);
	vf_put32(header + VF_WIRE_HEADER, b->offset);
	put(b, header, sizeof header, bytes, len);
	b->offset += (uint32_t)len;
}

static void open_session(bench *b)
{
	uint8_t body[64], rate[4];
	vf_hello hello = {.version_min = 1, .version_max = 1, .payload = 4096, .session = TAG};
	size_t len = vf_pack_hello(body, b->number++, &hello);

	b->baud = 115200;
	run(b, 50 * MS);
	put(b, body, len, NULL, 0);
	run(b, 100 * MS);
	vf_put32(rate, RATE);
	say(b, VF_KIND_RATE, rate, sizeof rate);
	run(b, 20 * MS);
	b->baud = RATE;
}

static void message(bench *b, uint8_t type, uint32_t address, uint32_t length, const uint8_t *more,
		    size_t len)
{
	uint8_t bytes[64];
	vf_message m = {.type = type, .address = address, .length = length};
	size_t n = vf_pack_message(bytes, &m);

	memcpy(bytes + n, more, len);
	stream(b, bytes, n + len);
}

/* The set is incomplete from now on, 128 KB are erased, and what follows is their data. */
static void begin(bench *b)
{
	uint8_t range[16] = {0};

	vf_put32(range, 0x90000000);
	vf_put32(range + 4, 0x20000);
	message(b, VF_MESSAGE_SET, 1, sizeof range, range, sizeof range);
	run(b, 1500 * (uint64_t)MS); /* the journal's first unit is erased */
	message(b, VF_MESSAGE_ERASE, 0x90000000, 0x20000, NULL, 0);
	message(b, VF_MESSAGE_PROGRAM, 0x90000000, 0x20000, NULL, 0);
	run(b, 20 * MS);
}

/* In what firmware is about every fifth byte is 0; packed data has one in 256. */
static uint8_t content(uint32_t *x, bool packed)
{
	*x = *x * 1664525 + 1013904223;
	if (packed)
		return (uint8_t)(*x >> 24);
	return *x >> 29 < 2 ? 0 : (uint8_t)(*x >> 16);
}

static double measured(const bench *home, bool packed)
{
	static uint8_t bytes[PAYLOAD];
	bench b = *home;
	vf_emu_counts before, after;
	uint32_t x = 747;

	open_session(&b);
	begin(&b);
	vf_emu_board_counts(b.board, &before);
	for (size_t sent = 0; sent < DATA; sent += PAYLOAD) {
		for (size_t i = 0; i < PAYLOAD; i++)
			bytes[i] = content(&x, packed);
		stream(&b, bytes, PAYLOAD);
	}
	run(&b, 20 * MS); /* what is still on the line */
	vf_emu_board_counts(b.board, &after);
	/* It was received, and the chip is still at it. */
	assert_true(after.received - before.received > DATA);
	assert_int_equal(after.pages, before.pages);
	return (double)(after.instructions[0] - before.instructions[0]) /
	       (double)(after.received - before.received);
}

static void test_received_byte(void **state)
{
	static const char *const kind[] = {"firmware", "packed data"};
	/* What a host sends over a line this slow is packed; the rest is an upper bound, since
	 * short runs between zeros are what frames are slowest at. */
	static const double most[] = {25, 20};

	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		bench b = {.internal = malloc(VF_EMU_INTERNAL_SIZE),
			   .external = malloc(VF_EMU_EXTERNAL_SIZE)};
		char path[1024];
		memset(b.internal, 0xFF, VF_EMU_INTERNAL_SIZE);
		memset(b.external, 0xFF, VF_EMU_EXTERNAL_SIZE);
		(void)snprintf(path, sizeof path, "%s/h747-loader.bin", folder);
		FILE *f = fopen(path, "rb");
		assert_non_null(f);
		assert_true(fread(b.internal, 1, 1 << 17, f) > 1024);
		assert_int_equal(fclose(f), 0);
		vf_emu_board_config c = {.alloc = {.resize = resize},
					 .internal = b.internal,
					 .external = b.external,
					 .time_percent = 100,
					 .m4_held = true,
					 .seed = 747};
		b.board = vf_emu_board_new(&c, NULL);
		assert_non_null(b.board);
		double n = measured(&b, packed != 0);
		printf("%s: %.1f instructions a received byte\n", kind[packed], n);
		assert_true(n > 1 && n < most[packed]);
		vf_emu_board_free(b.board);
		free(b.internal);
		free(b.external);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_received_byte)};

	if (argc < 2)
		return 2;
	folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
