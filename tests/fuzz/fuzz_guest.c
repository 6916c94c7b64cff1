/* fuzz_guest.c - a line with anybody at its other end, at a board with console and YMODEM: raw
 * bytes, typed lines, blocks of which the fuzzer need not guess the sums, pauses, hosts that
 * open sessions in between. Whatever comes, the board stays within its flash and out of what it
 * protects (fuzz_board.c), and nothing is changed before a sound block of a file has come.
 * In the end a host is heard, and a person.
 */
#include <vcpflash/ymodem.h>

#include "fuzz.h"

enum { SOH = 1, STX = 2, SECTOR = 4096 };

typedef struct bench {
	fuzz_board b;
	vf_guest guest;
	vf_console console;
	vf_ymodem ymodem;
	vf_target_journal journal;
	_Alignas(32) uint8_t sector[SECTOR];
	char text[256]; /* the last of what a person would have seen */
	size_t text_len;
	unsigned sound;    /* blocks with the right sum */
	unsigned welcomes; /* frames that the board sent */
	vf_decoder decoder;
	uint8_t heard[VF_WIRE_BODY_MAX + 4];
	const uint8_t *lent; /* what the port sends, and what it was when it began */
	size_t lent_len;
	uint8_t was[1200];
	bool slow; /* the port takes a piece each second turn */
	unsigned turns;
} bench;

static void start(bench *b, bool journal)
{
	fuzz_board_start(&b->b);
	for (unsigned i = 0; i < FUZZ_NOR_SIZE; i++)
		b->b.cells[0][i] = (uint8_t)(i * 7 + (i >> 8));
	if (journal) {
		memset(b->b.cells[0] + 0xC000, 0xFF, 2 * SECTOR);
		b->b.info[0].protect[0] = (vf_range){0xC000, 2 * SECTOR};
		b->b.config.journal = &b->journal;
		b->b.config.journal_offset = 0xC000;
		b->b.config.journal_unit = SECTOR;
	}
	vf_guest_init(&b->guest, &b->b.t);
	vf_console_init(&b->console, &b->guest);
	vf_ymodem_init(&b->ymodem, &b->guest, b->sector, sizeof b->sector);
	b->b.config.guest = vf_guest_hook(&b->guest);
	vf_decoder_init(&b->decoder, b->heard, sizeof b->heard);
	FUZZ_CHECK(vf_target_init(&b->b.t, &b->b.config) == VF_OK);
}

static void hear(bench *b, const uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		enum vf_decoder_event event;
		at += vf_decode(&b->decoder, bytes + at, len - at, &event);
		if (event == VF_DECODE_FRAME)
			b->welcomes++;
	}
	for (size_t i = 0; i < len; i++) {
		if (b->text_len == sizeof b->text)
			memmove(b->text, b->text + 1, --b->text_len);
		b->text[b->text_len++] = (char)bytes[i];
	}
}

/* The port sends by DMA: it may read each byte up to the end. */
static void send(bench *b)
{
	size_t len;
	if (b->slow && b->turns++ % 2 == 0)
		return;
	if (b->lent != NULL) {
		FUZZ_CHECK(memcmp(b->lent, b->was, b->lent_len) == 0);
		hear(b, b->was, b->lent_len);
		vf_target_tx_done(&b->b.t, b->lent_len);
	}
	b->lent = vf_target_tx(&b->b.t, &len);
	b->lent_len = b->lent != NULL ? len : 0;
	FUZZ_CHECK(b->lent_len <= sizeof b->was);
	if (b->lent != NULL)
		memcpy(b->was, b->lent, b->lent_len);
}

static void turn(bench *b, uint32_t us)
{
	fuzz_board_turn(&b->b, us);
	send(b);
}

static void put(bench *b, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		const size_t n = len < 200 ? len : 200;
		(void)vf_target_rx(&b->b.t, bytes, n);
		turn(b, 20);
		bytes += n;
		len -= n;
	}
}

static uint16_t crc(const uint8_t *bytes, size_t len)
{
	uint16_t c = 0;
	for (size_t i = 0; i < 8 * len; i++) {
		unsigned bit = (unsigned)bytes[i / 8] >> (7 - i % 8) & 1u;
		c = (uint16_t)(c << 1 ^ ((c >> 15 ^ bit) != 0 ? 0x1021 : 0));
	}
	return c;
}

/* A whole block; its contents are what the input has, again and again. */
static void block(bench *b, uint8_t number, const uint8_t *bytes, size_t len, bool large, bool sum)
{
	uint8_t wire[1029] = {large ? STX : SOH, number, (uint8_t)~number};
	size_t size = large ? 1024 : 128;
	uint8_t all = 0;
	for (size_t i = 0; i < size; i++) {
		bool header = number == 0 && i >= len;
		wire[3 + i] = header || len == 0 ? 0 : bytes[i % len];
		all = (uint8_t)(all + wire[3 + i]);
	}
	uint16_t c = crc(wire + 3, size);
	wire[3 + size] = sum ? all : (uint8_t)(c >> 8);
	wire[4 + size] = (uint8_t)c;
	b->sound++;
	put(b, wire, size + (sum ? 4 : 5));
}

/* Block 0 of a file that goes where files may go, or not. */
static void header(bench *b, uint8_t how, uint8_t length)
{
	static const char *const names[] = {
		"a.bin", "a@0x90000f80.bin", "a.hex",       "a@0x08000000.bin", "a@0x9000bf00.bin",
		"a.ihx", "a@0x90010000.bin", "a@0x9000e000"};
	char text[64];
	const char *name = names[how % 8];
	size_t n = strlen(name) + 1;
	memcpy(text, name, n);
	n += (size_t)snprintf(text + n, 12, "%u", length * (how >= 128 ? 16u : 1u));
	block(b, 0, (const uint8_t *)text, n, false, false);
	b->sound--; /* it changes nothing */
}

static void hello(bench *b, uint8_t session)
{
	uint8_t body[VF_WIRE_CONTROL_MAX], out[VF_WIRE_FRAME_SIZE(sizeof body)];
	vf_hello h = {.version_min = 1, .version_max = 1, .payload = 512, .session = session + 1u};
	vf_encoder e;
	const size_t len = vf_pack_hello(body, 1, &h);
	put(b, (const uint8_t[1]){0}, 1);
	vf_encode_begin(&e, out, sizeof out);
	vf_encode_put(&e, body, len);
	put(b, out, vf_encode_end(&e));
}

/* The session's host takes its leave. */
static void bye(bench *b, uint8_t session)
{
	uint8_t body[VF_WIRE_HEADER], out[VF_WIRE_FRAME_SIZE(sizeof body)];
	vf_encoder e;
	vf_put_header(body, VF_KIND_ABORT, 2, session + 1u);
	vf_encode_begin(&e, out, sizeof out);
	vf_encode_put(&e, body, sizeof body);
	put(b, out, vf_encode_end(&e));
}

static void step(bench *b, fuzz_input *in)
{
	const uint8_t what = fuzz_byte(in), *bytes;
	size_t n;
	switch (what % 8) {
	case 0:
		n = fuzz_bytes(in, &bytes, 255);
		put(b, bytes, n);
		break;
	case 1: /* typed, and believed to be */
		n = fuzz_bytes(in, &bytes, 255);
		put(b, bytes, n);
		put(b, (const uint8_t *)"\r", 1);
		turn(b, 30000);
		break;
	case 2:
		header(b, what, fuzz_byte(in));
		break;
	case 3:
	case 4:
		n = fuzz_byte(in);
		{
			const uint8_t number = (uint8_t)n;
			n = fuzz_bytes(in, &bytes, 255);
			block(b, number, bytes, n, what % 8 == 4, what >= 192);
		}
		break;
	case 5:
		turn(b, 1000u << what / 8 % 14);
		break;
	case 6:
		if (what / 8 % 4 == 0)
			b->b.hold = !b->b.hold;
		else if (what / 8 % 4 == 1)
			b->slow = !b->slow;
		else if (what / 8 % 4 == 2)
			hello(b, what >> 6);
		else
			bye(b, what >> 6);
		break;
	default:
		for (unsigned i = 0; i < what / 8u; i++)
			turn(b, 100);
		break;
	}
}

/* Nothing but the journal may have changed if no sound block was sent. */
static void check_cells(const bench *b, bool journal)
{
	for (unsigned i = 0; b->sound == 0 && i < FUZZ_NOR_SIZE; i++) {
		bool own = journal && i - 0xC000u < 2 * SECTOR;
		FUZZ_CHECK(own || b->b.cells[0][i] == (uint8_t)(i * 7 + (i >> 8)));
	}
	for (unsigned i = 0; b->sound == 0 && i < FUZZ_INNER_SIZE; i++)
		FUZZ_CHECK(b->b.cells[1][i] == 0xFF);
}

static bool prompted(const bench *b)
{
	return b->text_len >= 4 && memcmp(b->text + b->text_len - 4, "\r\n> ", 4) == 0;
}

/* Whatever was going on, it ends, and a person and a host are heard. */
static void settle(bench *b)
{
	b->b.hold = b->slow = false;
	hello(b, 100);
	for (unsigned i = 0; i < 3000; i++) /* a block that stopped is given up after a second */
		turn(b, 1000);
	b->welcomes = 0;
	hello(b, 101);
	for (unsigned i = 0; i < 400; i++)
		turn(b, 1000);
	FUZZ_CHECK(b->welcomes != 0);
	bye(b, 101);
	for (unsigned i = 0; i < 1000; i++)
		turn(b, 1000);
	b->text_len = 0;
	put(b, (const uint8_t *)"info\r", 5);
	for (unsigned i = 0; i < 400; i++)
		turn(b, 1000);
	FUZZ_CHECK(prompted(b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bench b;
	fuzz_input in = {data, data + len};
	memset(&b, 0, sizeof b);
	const bool journal = (fuzz_byte(&in) & 1) != 0;
	start(&b, journal);
	for (unsigned i = 0; i < 50; i++)
		turn(&b, 1000);
	while (fuzz_more(&in))
		step(&b, &in);
	check_cells(&b, journal);
	settle(&b);
	return 0;
}
