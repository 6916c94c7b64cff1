/* What unpacking takes and refuses: every prefix, every single contradiction,
 * random bytes; and that names come out clean.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/wire.h>

#include "random.h"

/* --- one way to unpack any of them ------------------------------------------- */

union body {
	vf_hello hello;
	vf_welcome welcome;
	struct {
		uint8_t index;
		vf_memory memory;
		vf_torn torn;
	} memory;
	vf_state state;
	vf_refuse refuse;
};

static const uint8_t kinds[] = {VF_KIND_HELLO, VF_KIND_WELCOME, VF_KIND_MEMORY, VF_KIND_STATE,
				VF_KIND_REFUSE};

static int unpack(uint8_t kind, union body *b, const uint8_t *body, size_t len)
{
	memset(b, 0, sizeof *b);
	switch (kind) {
	case VF_KIND_HELLO:
		return vf_unpack_hello(&b->hello, body, len);
	case VF_KIND_WELCOME:
		return vf_unpack_welcome(&b->welcome, body, len);
	case VF_KIND_MEMORY:
		return vf_unpack_memory(&b->memory.index, &b->memory.memory, &b->memory.torn, body,
					len);
	case VF_KIND_STATE:
		return vf_unpack_state(&b->state, body, len);
	default:
		return vf_unpack_refuse(&b->refuse, body, len);
	}
}

/* From a block of exactly this size, so that a sanitizer sees one byte too many. */
static int unpack_tight(uint8_t kind, union body *b, const uint8_t *body, size_t len)
{
	uint8_t *tight = malloc(len ? len : 1);
	int result;

	assert_non_null(tight);
	memcpy(tight, body, len);
	result = unpack(kind, b, len ? tight : tight + 1, len);
	free(tight);
	return result;
}

/* --- bodies that are right -------------------------------------------------------- */

static const vf_hello good_hello = {1, 3, 1024, 0x1122334455667788, 0};

static const vf_welcome good_welcome = {
	.version = 1,
	.version_max = 2,
	.memories = 3,
	.session = 0x1122334455667788,
	.capabilities = VF_CAP_RUN | VF_CAP_JOURNAL,
	.ring = 8192,
	.credit = 6000,
	.window = 4096,
	.payload = 2048,
	.answer = 512,
	.queue = 16,
	.id_len = 12,
	.id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
	.name = "some board",
	.set = VF_SET_COMPLETE,
	.entries = 8,
	.changed = 0x8877665544332211,
};

static const vf_memory good_memory = {
	.name = "MT25QL512AB",
	.kind = VF_MEMORY_NOR,
	.flags = VF_MEMORY_READ | VF_MEMORY_WRITE,
	.dies = 1,
	.id_len = 3,
	.id = {0x20, 0xBA, 0x20},
	.base = 0x90000000,
	.size = 64u << 20,
	.page = 256,
	.unit = 4,
	.page_typ_us = 120,
	.page_max_us = 1800,
	.read_rate = 40000000,
	.erase_types = 4,
	.protects = 2,
	.erase = {{4096, 48000, 400000},
		  {32768, 112000, 1000000},
		  {65536, 160000, 1000000},
		  {64u << 20, 128000000, 460000000}},
	.protect = {{0, 4096}, {(64u << 20) - 1, 1}},
};

static const vf_torn good_torn = {.count = 3,
				  .range = {{4096, 4096}, {65536, 1}, {(64u << 20) - 4096, 4096}}};

static const vf_state good_state = {
	.flags = VF_STATE_STOPPED | VF_STATE_BUSY,
	.islands = 3,
	.seen = 7,
	.received = 0xFFFFFF00,
	.limit = 0x1000,
	.done = 5,
	.damaged = 1,
	.lost = 2,
	.message = VF_MESSAGE_PROGRAM,
	.memory = 1,
	.mended = 0x102,
	.typical_ms = 3,
	.maximum_ms = 4,
	.island = {{0xFFFFFF10, 0xFFFFFF20}, {0xFFFFFFF0, 0x10}, {0x20, 0x1000}},
	.failure = {5, VF_FAIL_MISMATCH, 1, 0xFF, 0xFE, 0x90000000, 1},
};

static const vf_refuse good_refuse = {VF_REFUSE_VERSION, VF_KIND_HELLO, 1, 1};

static size_t pack_good(uint8_t kind, uint8_t *out)
{
	switch (kind) {
	case VF_KIND_HELLO:
		return vf_pack_hello(out, 1, &good_hello);
	case VF_KIND_WELCOME:
		return vf_pack_welcome(out, 1, &good_welcome);
	case VF_KIND_MEMORY:
		return vf_pack_memory(out, 1, 0x55667788, 2, &good_memory, &good_torn);
	case VF_KIND_STATE:
		return vf_pack_state(out, 1, 0x55667788, &good_state);
	default:
		return vf_pack_refuse(out, 1, 0x55667788, &good_refuse);
	}
}

/* --- tests --------------------------------------------------------------------------- */

/* Where the names end; MEMORY may end there too. */
enum { WELCOME_NAMED = 78, MEMORY_NAMED = 127 };

/* Shorter is refused; longer, as a later version may send it, is the same. */
static void prefixes(void **state)
{
	struct random *r = *state;
	uint8_t out[VF_WIRE_CONTROL_MAX + 16];
	union body whole, part;

	for (size_t k = 0; k < sizeof kinds; k++) {
		size_t len = pack_good(kinds[k], out);

		assert_true(len < VF_WIRE_CONTROL_MAX);
		random_bytes(r, out + len, 16);
		assert_int_equal(unpack_tight(kinds[k], &whole, out, len), 0);
		for (size_t n = VF_WIRE_HEADER; n < len; n++)
			if (kinds[k] != VF_KIND_MEMORY || n != MEMORY_NAMED)
				assert_int_equal(unpack_tight(kinds[k], &part, out, n), -1);
		for (size_t n = len; n < len + 16; n++) {
			assert_int_equal(unpack_tight(kinds[k], &part, out, n), 0);
			assert_memory_equal(&part, &whole, sizeof whole);
		}
	}
}

static void message_prefixes(void **unused)
{
	vf_message m = {VF_MESSAGE_READ, 0, 1, 2, 3, 4, 5}, got;
	uint8_t out[VF_WIRE_MESSAGE_LONG] = {0};

	(void)unused;
	for (uint8_t type = 0; type < 12; type++) {
		bool is_long = type == VF_MESSAGE_DIGEST || type == VF_MESSAGE_DEFLATED;
		size_t size = is_long ? 16 : 12;

		m.type = type;
		assert_int_equal(vf_pack_message(out, &m), size);
		for (size_t n = 0; n <= 16; n++) {
			uint8_t *tight = malloc(n ? n : 1);

			assert_non_null(tight);
			memcpy(tight, out, n);
			assert_int_equal(vf_unpack_message(&got, n ? tight : tight + 1, n),
					 n < size ? 0 : size);
			free(tight);
		}
		assert_int_equal(got.type, type);
		assert_int_equal(got.length, 3);
		assert_int_equal(got.group, type == VF_MESSAGE_DIGEST ? 4 : 0);
		assert_int_equal(got.packed, type == VF_MESSAGE_DEFLATED ? 5 : 0);
	}
}

/* A change of one number at `at` in a good body, and whether it is still good. */
struct change {
	uint8_t kind;
	uint8_t at, width;
	bool good;
	uint32_t value;
};

enum {
	H = VF_KIND_HELLO,
	W = VF_KIND_WELCOME,
	M = VF_KIND_MEMORY,
	S = VF_KIND_STATE,
	R = VF_KIND_REFUSE
};

static const struct change changes[] = {
	{H, 8, 1, true, 3}, /* versions */
	{H, 8, 1, false, 4},
	{H, 9, 1, true, 255},
	{H, 10, 2, true, 64}, /* payload */
	{H, 10, 2, false, 63},
	{H, 10, 2, true, 4096},
	{H, 10, 2, false, 4097},
	{H, 12, 4, false, 0}, /* session and tag */
	{H, 12, 4, false, 0x55667789},
	{H, 16, 4, true, 0},
	{H, 4, 4, false, 0x55667789},
	{H, 20, 4, true, 0xFFFFFFFF}, /* flags, of a later version */

	{W, 8, 1, false, 0}, /* version */
	{W, 8, 1, true, 2},
	{W, 8, 1, false, 3},
	{W, 10, 1, false, 0}, /* memories */
	{W, 10, 1, true, 8},
	{W, 10, 1, false, 9},
	{W, 11, 1, false, 16}, /* trailer */
	{W, 12, 4, false, 0},
	{W, 12, 4, false, 1},
	{W, 4, 4, false, 0},
	{W, 20, 4, true, 0xFFFFFFFB},  /* capabilities, of a later version */
	{W, 20, 4, false, 0xFFFFFFFF}, /* a key, and no trailer */
	{W, 24, 4, false, 0},          /* ring */
	{W, 24, 4, false, 8191},
	{W, 24, 4, false, 4096}, /* payload is more than a quarter */
	{W, 24, 4, true, 0x80000000},
	{W, 28, 4, false, 82}, /* credit */
	{W, 28, 4, true, 83},
	{W, 28, 4, true, 0xFFFFFFFF},
	{W, 32, 4, false, 256}, /* window */
	{W, 32, 4, true, 512},
	{W, 32, 4, false, 513},
	{W, 36, 2, false, 63}, /* payload */
	{W, 36, 2, false, 2049},
	{W, 38, 2, false, 63}, /* answer */
	{W, 38, 2, true, 4096},
	{W, 38, 2, false, 4097},
	{W, 40, 2, true, 0},  /* queue */
	{W, 42, 1, true, 16}, /* id */
	{W, 42, 1, false, 17},
	{W, 64, 4, true, 0xFFFFFFFF}, /* rate */
	{W, 43, 1, false, 0},         /* name */
	{W, 43, 1, false, 1},         /* what follows is then no journal's */
	{W, 43, 1, false, 11},
	{W, 78, 1, true, VF_SET_UNREADABLE}, /* set */
	{W, 78, 1, false, 4},
	{W, 79, 1, false, 0}, /* entries */
	{W, 79, 1, true, 32},
	{W, 79, 1, false, 33},
	{W, 80, 2, true, 0xFFFF}, /* reserved */
	{W, 20, 4, true, 0},      /* no journal: ignored */
	{W, 43, 1, false, 33},
	{W, 43, 1, false, 255},

	{M, 8, 1, true, 7}, /* index */
	{M, 8, 1, false, 8},
	{M, 9, 1, false, 0}, /* kind */
	{M, 9, 1, true, 2},
	{M, 9, 1, false, 3},
	{M, 10, 1, true, 255}, /* flags */
	{M, 11, 1, false, 0},  /* dies */
	{M, 11, 1, true, 2},
	{M, 11, 1, false, 3},
	{M, 12, 1, true, 8}, /* id */
	{M, 12, 1, false, 9},
	{M, 13, 1, false, 0}, /* erase types */
	{M, 13, 1, false, 6},
	{M, 13, 1, false, 255},
	{M, 14, 1, false, 5}, /* protects */
	{M, 14, 1, false, 255},
	{M, 15, 1, false, 0}, /* name */
	{M, 15, 1, false, 1}, /* what follows counts no torn ranges */
	{M, 15, 1, true, 12}, /* a zero follows */
	{M, 15, 1, false, 13},
	{M, 15, 1, false, 24},
	{M, 16, 4, true, 0}, /* base */
	{M, 16, 4, true, 0xFC000000},
	{M, 16, 4, false, 0xFC000001},
	{M, 16, 4, false, 0xFFFFFFFF},
	{M, 20, 4, false, 0},                  /* size */
	{M, 20, 4, false, (64u << 20) - 4096}, /* the last erase type is larger */
	{M, 20, 4, true, (64u << 20) + 4096},
	{M, 20, 4, false, (64u << 20) + 1},
	{M, 20, 4, false, 0xFFFFFFFF},
	{M, 24, 4, false, 0}, /* page */
	{M, 24, 4, true, 4},
	{M, 24, 4, false, 2},
	{M, 24, 4, false, 255},
	{M, 24, 4, true, 1u << 31},
	{M, 28, 4, false, 0}, /* unit */
	{M, 28, 4, false, 3},
	{M, 28, 4, true, 256},
	{M, 28, 4, false, 512},
	{M, 32, 4, true, 1800}, /* times of a page */
	{M, 32, 4, false, 1801},
	{M, 36, 4, false, 119},
	{M, 40, 4, true, 0},  /* read rate */
	{M, 52, 4, false, 0}, /* first erase type */
	{M, 52, 4, false, 1000},
	{M, 52, 4, false, 2}, /* less than the unit */
	{M, 52, 4, true, 4},
	{M, 52, 4, false, 32768},
	{M, 52, 4, false, 65536},
	{M, 56, 4, true, 0},
	{M, 56, 4, true, 400000},
	{M, 56, 4, false, 400001},
	{M, 60, 4, false, 0},
	{M, 76, 4, false, 32768}, /* third: as the second */
	{M, 76, 4, false, 64u << 20},
	{M, 76, 4, false, 65537},
	{M, 88, 4, true, 32u << 20}, /* fourth: the whole */
	{M, 88, 4, false, (64u << 20) - 1},
	{M, 88, 4, false, 128u << 20},
	{M, 100, 4, true, (64u << 20) - 4096}, /* protects */
	{M, 100, 4, false, (64u << 20) - 4095},
	{M, 100, 4, false, 0xFFFFFFFF},
	{M, 104, 4, true, 64u << 20},
	{M, 104, 4, false, (64u << 20) + 1},
	{M, 104, 4, true, 0},
	{M, 112, 4, false, 2},
	{M, 112, 4, false, 0xFFFFFFFF},
	{M, 127, 1, true, 0}, /* torn ranges: how many */
	{M, 127, 1, false, 4},
	{M, 127, 1, false, 5},
	{M, 127, 1, false, 255},
	{M, 128, 4, true, 0}, /* the first */
	{M, 128, 4, true, 61439},
	{M, 128, 4, false, 61440}, /* touches the second */
	{M, 132, 4, false, 0},
	{M, 132, 4, true, 61439},
	{M, 132, 4, false, 61440},
	{M, 132, 4, false, 0xFFFFFFFF},
	{M, 136, 4, false, 8191},
	{M, 148, 4, true, 4095}, /* the last */
	{M, 148, 4, false, 4097},

	{S, 8, 1, true, 0}, /* flags: no failure, then; later ones */
	{S, 8, 1, true, 0xFF},
	{S, 9, 1, true, 0}, /* fewer islands: then the rest is read as the failure */
	{S, 9, 1, false, 4},
	{S, 9, 1, false, 5},
	{S, 9, 1, false, 255},
	{S, 12, 4, true, 0xFFFFFF10}, /* received */
	{S, 12, 4, false, 0xFFFFFF11},
	{S, 16, 4, false, 0xFFF}, /* limit */
	{S, 29, 1, true, 7},      /* memory */
	{S, 29, 1, false, 8},
	{S, 30, 2, true, 0xFFFF},      /* reserved */
	{S, 40, 4, false, 0xFFFFFF20}, /* empty island */
	{S, 44, 4, false, 0xFFFFFFF1}, /* overlaps the next */
	{S, 48, 4, false, 0xFFFFFF1F},
	{S, 60, 4, false, 0x1001}, /* beyond limit */
	{S, 68, 1, false, 0},      /* stopped without a failure */
	{S, 68, 1, true, 255},

	{R, 8, 1, false, 0},
	{R, 8, 1, true, 255},
	{R, 10, 1, false, 2},
	{R, 11, 1, true, 255},
};

static void contradictions(void **unused)
{
	uint8_t out[VF_WIRE_CONTROL_MAX];
	union body b;

	(void)unused;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		const struct change *c = &changes[i];
		size_t len = pack_good(c->kind, out);

		assert_true(c->at + c->width <= len);
		for (unsigned n = 0; n < c->width; n++)
			out[c->at + n] = (uint8_t)(c->value >> 8 * n);
		if (unpack_tight(c->kind, &b, out, len) != (c->good ? 0 : -1))
			fail_msg("kind %02X, byte %u = %lX: should be %s", c->kind, c->at,
				 (unsigned long)c->value, c->good ? "taken" : "refused");
	}
}

/* Counts above the limits, in bodies long enough for all that they announce. */
static void counts(void **unused)
{
	static const struct change over[] = {
		{W, 42, 1, false, 17}, {W, 43, 1, false, 33}, {W, 43, 1, false, 100},
		{W, 43, 1, false, 0},  {M, 12, 1, false, 9},  {M, 13, 1, false, 0},
		{M, 13, 1, false, 6},  {M, 14, 1, false, 5},  {M, 15, 1, false, 24},
		{M, 15, 1, false, 0},  {S, 9, 1, false, 5},
	};
	uint8_t out[VF_WIRE_CONTROL_MAX];
	union body b;

	(void)unused;
	for (size_t i = 0; i < sizeof over / sizeof over[0]; i++) {
		memset(out, 0x40, sizeof out);
		pack_good(over[i].kind, out);
		assert_int_equal(unpack_tight(over[i].kind, &b, out, sizeof out), 0);
		out[over[i].at] = (uint8_t)over[i].value;
		assert_int_equal(unpack_tight(over[i].kind, &b, out, sizeof out), -1);
	}
}

static bool one_bit(uint32_t n)
{
	unsigned bits = 0;

	for (; n; n >>= 1)
		bits += n & 1;
	return bits == 1;
}

/* §3.3 once more, in other words and wider numbers. */
static void check_memory(uint8_t index, const vf_memory *m)
{
	uint64_t size = m->size, end = size + m->base;

	assert_in_range(index, 0, 7);
	assert_in_range(m->kind, 1, 2);
	assert_in_range(m->dies, 1, 2);
	assert_in_range(m->id_len, 0, 8);
	assert_in_range(m->erase_types, 1, 5);
	assert_in_range(m->protects, 0, 4);
	assert_in_range(strlen(m->name), 1, 23);
	assert_in_range(end, (uint64_t)m->base + 1, (uint64_t)1 << 32);
	assert_true(one_bit(m->page) && one_bit(m->unit));
	assert_int_equal(m->page % m->unit, 0);
	assert_int_equal(m->erase[0].size % m->unit, 0);
	assert_int_equal(size % m->erase[0].size, 0);
	assert_true(m->page_typ_us <= m->page_max_us);
	for (unsigned i = 0; i < m->erase_types; i++) {
		const vf_erase_type *e = &m->erase[i];

		assert_true(i == 0 || e->size > m->erase[i - 1].size);
		assert_true(one_bit(e->size) || (e->size == size && i + 1u == m->erase_types));
		assert_true(e->size <= size);
		assert_true(e->max_us > 0 && e->typ_us <= e->max_us);
	}
	for (unsigned i = 0; i < m->protects; i++)
		assert_true((uint64_t)m->protect[i].offset + m->protect[i].len <= size);
	for (const char *p = m->name; *p; p++)
		assert_in_range(*p, 0x20, 0x7E);
}

static void check_any(uint8_t kind, const union body *b)
{
	if (kind == VF_KIND_MEMORY)
		check_memory(b->memory.index, &b->memory.memory);
	if (kind == VF_KIND_WELCOME)
		assert_in_range(strlen(b->welcome.name), 1, 32);
	if (kind == VF_KIND_STATE)
		assert_in_range(b->state.islands, 0, 4);
}

/* Numbers on which something hangs are likelier than others. */
static uint32_t likely(struct random *r)
{
	switch (random_below(r, 5)) {
	case 0:
		return random_below(r, 6);
	case 1:
		return 1u << random_below(r, 32);
	case 2:
		return (1u << random_below(r, 32)) - 1;
	case 3:
		return 0u - random_below(r, 3);
	default:
		return random_word(r);
	}
}

static void disturbed_bodies(void **state)
{
	struct random *r = *state;
	uint8_t out[VF_WIRE_CONTROL_MAX];
	union body b;
	unsigned taken[2] = {0};

	for (unsigned round = 0; round < 60000; round++) {
		uint8_t kind = round % 2 ? VF_KIND_MEMORY : kinds[random_below(r, sizeof kinds)];
		size_t len = pack_good(kind, out);
		bool ok;

		for (uint32_t n = 1 + random_below(r, 3); n > 0; n--) {
			size_t at = 8 + random_below(r, (uint32_t)len - 11);

			if (random_below(r, 2))
				out[at] = (uint8_t)likely(r);
			else
				vf_put32(out + (at & ~(size_t)3), likely(r));
		}
		if (random_below(r, 8) == 0)
			len = random_below(r, (uint32_t)len + 1);
		ok = unpack_tight(kind, &b, out, len) == 0;
		if (ok)
			check_any(kind, &b);
		taken[ok]++;
	}
	assert_true(taken[0] > 5000 && taken[1] > 5000);
}

static void random_bodies(void **state)
{
	struct random *r = *state;
	uint8_t out[VF_WIRE_CONTROL_MAX];
	union body b;

	for (unsigned round = 0; round < 60000; round++) {
		uint8_t kind = kinds[round % sizeof kinds];
		size_t len = random_below(r, sizeof out + 1);

		random_bytes(r, out, len);
		for (size_t i = 8; i < 16 && i < len; i++) /* counts that may be right */
			if (random_below(r, 4))
				out[i] = (uint8_t)random_below(r, 6);
		if (unpack_tight(kind, &b, out, len) == 0)
			check_any(kind, &b);
	}
}

static void names_are_clean(void **unused)
{
	uint8_t out[VF_WIRE_CONTROL_MAX];
	union body b;
	size_t len;

	(void)unused;
	for (unsigned c = 0; c < 256; c++) {
		char expected = c >= 0x20 && c < 0x7F ? (char)c : '?';

		len = pack_good(VF_KIND_WELCOME, out);
		out[WELCOME_NAMED - 1] = (uint8_t)c;
		assert_int_equal(unpack(VF_KIND_WELCOME, &b, out, len), 0);
		assert_int_equal(strlen(b.welcome.name), strlen(good_welcome.name));
		assert_int_equal(b.welcome.name[strlen(good_welcome.name) - 1], expected);
		len = pack_good(VF_KIND_MEMORY, out);
		out[MEMORY_NAMED - 1] = (uint8_t)c;
		assert_int_equal(unpack(VF_KIND_MEMORY, &b, out, len), 0);
		assert_int_equal(strlen(b.memory.memory.name), strlen(good_memory.name));
		assert_int_equal(b.memory.memory.name[strlen(good_memory.name) - 1], expected);
	}
}

/* Without its NUL a name is as long as there is room, and no longer. */
static void longest_names(void **unused)
{
	uint8_t out[VF_WIRE_CONTROL_MAX];
	vf_welcome w = good_welcome;
	vf_memory m = good_memory;
	vf_torn torn = good_torn;
	size_t len;

	(void)unused;
	memset(w.name, 'w', sizeof w.name);
	assert_int_equal(vf_pack_welcome(out, 1, &w), 80 + VF_WIRE_BOARD_NAME_MAX);
	assert_int_equal(vf_unpack_welcome(&w, out, 80 + VF_WIRE_BOARD_NAME_MAX), 0);
	assert_int_equal(strlen(w.name), VF_WIRE_BOARD_NAME_MAX);
	m.erase_types = 5;
	m.erase[3].size = 1u << 20;
	m.erase[4] = (vf_erase_type){m.size, 1, 2};
	m.protects = 4;
	memset(m.name, 'm', sizeof m.name);
	torn.count = 4;
	torn.range[3] = (vf_range){m.size - 1, 1};
	torn.range[2] = (vf_range){m.size - 3, 1};
	len = vf_pack_memory(out, 1, 1, 0, &m, &torn);
	assert_int_equal(len, 52 + 5 * 12 + 4 * 8 + 23 + 1 + 4 * 8);
	assert_true(len <= sizeof out);
	assert_int_equal(vf_unpack_memory(&(uint8_t){0}, &m, &torn, out, len), 0);
	assert_int_equal(strlen(m.name), 23);
}

/* A board without a journal says nothing of torn ranges: there are none. */
static void without_journal(void **unused)
{
	uint8_t out[VF_WIRE_CONTROL_MAX], index;
	vf_welcome w = good_welcome, back;
	vf_torn torn = good_torn;
	vf_memory m;
	size_t len = vf_pack_memory(out, 1, 1, 0, &good_memory, NULL);

	(void)unused;
	assert_int_equal(vf_unpack_memory(&index, &m, &torn, out, len), 0);
	assert_int_equal(torn.count, 0);
	w.capabilities = VF_CAP_RUN;
	len = vf_pack_welcome(out, 1, &w);
	assert_int_equal(len, 68 + strlen(w.name));
	assert_int_equal(vf_unpack_welcome(&back, out, len), 0);
	assert_true(back.set == 0 && back.entries == 0 && back.changed == 0);
}

/* RECALL's answer: every length, and counts that it has no room for. */
static void sets(void **unused)
{
	uint8_t answer[16 + 16 * 33] = {2, 2, 9, 9, 9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8};
	vf_set_entry e = {0x90000000, 0x10000, {1, 2, 3, 4, 5, 6, 7, 8}};
	vf_set s;

	(void)unused;
	vf_pack_set_entry(answer + 16, &e);
	e.address = 0x90020000;
	vf_pack_set_entry(answer + 32, &e);
	for (size_t len = 0; len <= sizeof answer; len++) {
		bool good = len >= 48 && len % 16 == 0;

		assert_int_equal(vf_unpack_set(&s, answer, len), good ? 0 : -1);
		if (!good)
			continue;
		assert_true(s.state == VF_SET_COMPLETE && s.count == 2);
		assert_true(s.session == 0x0807060504030201);
		assert_int_equal(s.entry[0].address, 0x90000000);
		assert_int_equal(s.entry[1].address, 0x90020000);
		assert_memory_equal(&s.entry[1].length, &e.length, 12);
	}
	answer[1] = 33;
	assert_int_equal(vf_unpack_set(&s, answer, sizeof answer), -1);
	answer[1] = 32;
	assert_int_equal(vf_unpack_set(&s, answer, sizeof answer), 0);
	answer[0] = 4;
	assert_int_equal(vf_unpack_set(&s, answer, sizeof answer), -1);
}

/* What proves a key: whole or not at all, and no result that there is none of. */
static void proofs(void **state)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	const vf_prove ask = {.nonce = {1, 2}, .proof = {3, 4}};
	const vf_proved answer = {VF_PROVED_LATER, 1500, {5, 6}};
	vf_prove asked;
	vf_proved answered;
	(void)state;

	for (size_t n = vf_pack_prove(body, 1, 2, &ask), len = n; len + 1 > VF_WIRE_HEADER; len--) {
		uint8_t *tight = malloc(len);
		assert_non_null(tight);
		memcpy(tight, body, len);
		assert_int_equal(vf_unpack_prove(&asked, tight, len), len == n ? 0 : -1);
		free(tight);
	}
	assert_memory_equal(&asked, &ask, sizeof ask);
	const size_t n = vf_pack_proved(body, 1, 2, &answer);
	for (size_t len = n; len + 1 > VF_WIRE_HEADER; len--) {
		uint8_t *tight = malloc(len);
		assert_non_null(tight);
		memcpy(tight, body, len);
		assert_int_equal(vf_unpack_proved(&answered, tight, len), len == n ? 0 : -1);
		free(tight);
	}
	assert_int_equal(answered.result, answer.result);
	assert_int_equal(answered.wait_ms, answer.wait_ms);
	assert_memory_equal(answered.proof, answer.proof, sizeof answer.proof);
	body[VF_WIRE_HEADER] = VF_PROVED_LATER + 1;
	assert_int_equal(vf_unpack_proved(&answered, body, n), -1);
}

/* The condition goes and comes back; an older board's body has none, and one that
 * contradicts itself or ends early is as good as none. */
static void conditions(void **state)
{
	const vf_condition told = {.known = 1,
				   .source = 3,
				   .found = VF_FOUND_KNOWN | VF_FOUND_QPI,
				   .quad = VF_CONDITION_QUAD_REFUSED,
				   .lanes = 0x41,
				   .protect_mask = 0x1C,
				   .complemented = 1,
				   .registers = 2,
				   .status = {{0x1C, 0x42}, {0x18, 2}},
				   .probe = VF_PROBE_CONFLICT,
				   .conflict = "4-byte erase opcode"};
	uint8_t out[VF_WIRE_CONTROL_MAX];
	vf_condition back;
	vf_memory m;
	vf_torn torn;

	(void)state;
	const size_t bare = vf_pack_memory(out, 1, 1, 0, &good_memory, &good_torn);
	vf_unpack_condition(&back, out, bare);
	assert_int_equal(back.known, 0);
	const size_t len = bare + vf_pack_condition(out + bare, &told);
	assert_int_equal(vf_unpack_memory(&(uint8_t){0}, &m, &torn, out, len), 0);
	vf_unpack_condition(&back, out, len);
	assert_memory_equal(&back, &told, sizeof back);
	for (size_t n = bare; n < len; n++) {
		vf_unpack_condition(&back, out, n);
		assert_int_equal(back.known, 0);
	}
	for (size_t i = 0; i < 8; i++) {
		static const uint8_t at[] = {1, 2, 3, 6, 7, 12, 13, 0},
				     bad[] = {4, 0x20, 4, 2, 3, 7, 21, 12};
		const uint8_t was = out[bare + at[i]];
		out[bare + at[i]] = bad[i];
		vf_unpack_condition(&back, out, len);
		assert_int_equal(back.known, 0);
		out[bare + at[i]] = was;
	}
	const size_t none = vf_pack_memory(out, 1, 1, 0, &good_memory, NULL);
	vf_unpack_condition(&back, out, none);
	assert_int_equal(back.known, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes),         cmocka_unit_test(message_prefixes),
		cmocka_unit_test(contradictions),   cmocka_unit_test(counts),
		cmocka_unit_test(disturbed_bodies), cmocka_unit_test(random_bodies),
		cmocka_unit_test(names_are_clean),  cmocka_unit_test(longest_names),
		cmocka_unit_test(without_journal),  cmocka_unit_test(sets),
		cmocka_unit_test(proofs),           cmocka_unit_test(conditions),
	};

	return cmocka_run_group_tests_name("wire: bodies", tests, random_setup, random_teardown);
}
