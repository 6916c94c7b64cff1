/* test_mend.c - DATA frames with flipped bits (PROTOCOL 4.4): one is mended to exactly what was
 * sent or the frame is lost, two are never taken for one, and nothing is mended but what
 * follows in a message that is under way.
 */
#include "rig.h"

enum {
	MOST = 1024,
	RAW = VF_WIRE_FRAME_SIZE(VF_WIRE_DATA_HEADER + MOST),
	FIRST = 12,
	LEN = 0xC000
};

static const uint32_t sizes[] = {1, 30, 48};

typedef struct bench {
	rig *r;
	uint8_t raw[RAW];
	size_t len;
	uint64_t seed;
} bench;

static bench begin(uint64_t seed)
{
	bench b = {.r = rig_new(&rig_usual), .seed = seed};
	rig_start(b.r);
	return b;
}

static void make(bench *b, uint32_t offset, const uint8_t *bytes, uint32_t len)
{
	uint8_t rest[4 + MOST];
	vf_put32(rest, offset);
	memcpy(rest + 4, bytes, len);
	b->len = rig_encode(b->r, b->raw, VF_KIND_DATA, rest, 4 + (size_t)len);
	assert_true(b->len > 0);
}

static void flip(bench *b, size_t bit)
{
	b->raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* True if the board has taken what is in b->raw. */
static bool pass(bench *b)
{
	const uint32_t before = b->r->t.stream.received;
	rig_put(b->r, b->raw, b->len);
	rig_turn(b->r);
	return b->r->t.stream.received != before || b->r->t.stream.islands != 0;
}

/* A bit of the payload whose flip makes no zero and unmakes none. */
static void flip_payload(bench *b)
{
	size_t at = b->len / 2;
	while (b->raw[at] < 2 || b->raw[at] == 0x80)
		at++;
	b->raw[at] ^= 0x80;
}

/* All of what was sent is in the chip in the end, so what was mended was mended rightly. */
static void every_single_bit(void **state)
{
	static uint8_t image[LEN];
	bench b = begin(1);
	uint32_t at = 0, mended = 0;
	(void)state;
	rig_random_fill(&b.seed, image, sizeof image);
	memset(b.r->flash[0].cells, 0xFF, LEN);
	rig_message(b.r, VF_MESSAGE_PROGRAM, 0, RIG_NOR_BASE, LEN);
	rig_run(b.r, 10000);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		make(&b, FIRST + at, image + at, sizes[i]);
		const uint32_t before = mended;
		for (size_t bit = 0, bits = 8 * b.len; bit < bits; bit++) {
			make(&b, FIRST + at, image + at, sizes[i]);
			flip(&b, bit);
			const bool taken = pass(&b);
			mended += taken;
			assert_int_equal(b.r->t.session.mended, mended);
			if (!taken) {
				make(&b, FIRST + at, image + at, sizes[i]);
				assert_true(pass(&b));
			}
			at += sizes[i];
			rig_run(b.r, 2000);
		}
		print_message("%u bytes: %u of %zu flipped bits were mended\n", sizes[i],
			      mended - before, 8 * b.len);
		assert_true(mended - before > 4 * b.len); /* not in what tells bytes from zeros */
	}
	b.r->offset = FIRST + at;
	rig_stream(b.r, image + at, LEN - at);
	rig_run(b.r, 1000000);
	assert_int_equal(rig_state(b.r).done, 1);
	assert_int_equal(rig_state(b.r).mended, mended);
	assert_memory_equal(b.r->flash[0].cells, image, LEN);
	rig_free(b.r);
}

static void two_bits_are_lost(void **state)
{
	bench b = begin(2);
	uint8_t bytes[MOST];
	(void)state;
	rig_message(b.r, VF_MESSAGE_PROGRAM, 0, RIG_NOR_BASE, LEN);
	rig_run(b.r, 10000);
	for (unsigned i = 0; i < 6000; i++) {
		const uint64_t seed = b.seed;
		const uint32_t len = i % 8 != 0 ? 1 + rig_random(&b.seed) % 100 : MOST;
		rig_random_fill(&b.seed, bytes, len);
		b.r->number = (uint16_t)(b.r->t.session.seen + 1);
		make(&b, FIRST, bytes, len);
		const size_t one = rig_random(&b.seed) % (8 * b.len);
		const size_t other = rig_random(&b.seed) % (8 * b.len);
		if (one == other)
			continue;
		flip(&b, one);
		flip(&b, other);
		if (pass(&b))
			fail_msg("seed %llu: bits %zu and %zu", (unsigned long long)seed, one,
				 other);
		rig_clear(b.r);
	}
	assert_int_equal(b.r->t.session.mended, 0);
	rig_free(b.r);
}

/* A PROGRAM of `len` bytes is under way: its header has come. */
static bench under_way(uint32_t len)
{
	bench b = begin(3);
	rig_message(b.r, VF_MESSAGE_PROGRAM, 0, RIG_NOR_BASE, len);
	rig_run(b.r, 10000);
	return b;
}

static bool mends(bench *b, uint32_t offset, const uint8_t *bytes, uint32_t len)
{
	make(b, offset, bytes, len);
	flip_payload(b);
	return pass(b);
}

static void only_what_is_expected(void **state)
{
	uint8_t bytes[MOST];
	(void)state;
	memset(bytes, 0x5A, sizeof bytes);
	bench b = under_way(4096);
	b.r->session++; /* another tag */
	assert_false(mends(&b, FIRST, bytes, 64));
	b.r->session--;
	b.r->number = b.r->t.session.seen; /* has been */
	assert_false(mends(&b, FIRST, bytes, 64));
	b.r->number = (uint16_t)(b.r->t.session.seen + 17); /* too far ahead */
	assert_false(mends(&b, FIRST, bytes, 64));
	b.r->number = (uint16_t)(b.r->t.session.seen + 1);
	assert_false(mends(&b, FIRST + 4096, bytes, 64)); /* no data of this message */
	assert_false(mends(&b, FIRST + 8192, bytes, 64)); /* beyond the window */
	vf_state s = rig_state(b.r);
	assert_int_equal(s.mended, 0);
	assert_int_equal(s.damaged, 5);
	b.r->number = (uint16_t)(b.r->t.session.seen + 16);
	assert_true(mends(&b, FIRST, bytes, 64));
	assert_int_equal(rig_state(b.r).mended, 1);
	assert_int_equal(rig_state(b.r).received, FIRST + 64);
	assert_int_equal(rig_state(b.r).damaged, 5);
	rig_free(b.r);
}

static void no_header_of_a_message(void **state)
{
	uint8_t bytes[MOST];
	vf_message m = {.type = VF_MESSAGE_PROGRAM, .address = RIG_NOR_BASE, .length = 512};
	(void)state;
	memset(bytes, 0x5A, sizeof bytes);
	bench b = begin(4);
	(void)vf_pack_message(bytes, &m);
	assert_false(mends(&b, 0, bytes, 512)); /* none is under way */
	make(&b, 0, bytes, 512);
	assert_true(pass(&b));
	/* Behind its last 12 bytes another message begins: they are taken, it is not. */
	m.type = VF_MESSAGE_ERASE;
	(void)vf_pack_message(bytes + 12, &m);
	assert_true(mends(&b, 512, bytes, 400));
	assert_int_equal(rig_state(b.r).received, FIRST + 512);
	assert_int_equal(b.r->t.session.mended, 1);
	rig_free(b.r);
}

/* The same length again, directly behind: nothing of that header is news. */
static void but_one_that_was_to_come(void **state)
{
	for (unsigned wrong = 0; wrong <= VF_WIRE_MESSAGE_HEADER; wrong++) {
		uint8_t bytes[MOST];
		vf_message m = {
			.type = VF_MESSAGE_PROGRAM, .address = RIG_NOR_BASE + 512, .length = 512};
		bench b = under_way(512);
		memset(bytes, 0x5A, sizeof bytes);
		(void)vf_pack_message(bytes + 512, &m);
		if (wrong < VF_WIRE_MESSAGE_HEADER)
			bytes[512 + wrong] ^= 0x10;
		make(&b, FIRST, bytes, 700);
		b.raw[100] ^= 0x80;
		assert_true(pass(&b));
		assert_int_equal(b.r->t.stream.received,
				 FIRST + (wrong < VF_WIRE_MESSAGE_HEADER ? 512 : 700));
		rig_free(b.r);
	}
	(void)state;
}

static void nothing_of_a_set(void **state)
{
	uint8_t bytes[64];
	(void)state;
	memset(bytes, 0x5A, sizeof bytes);
	bench b = under_way(4096);
	make(&b, FIRST, bytes, sizeof bytes);
	flip_payload(&b);
	enum vf_decoder_event event;
	assert_int_equal(vf_decode(&b.r->t.decoder, b.raw, b.len, &event), b.len);
	assert_int_equal(event, VF_DECODE_DAMAGED);
	b.r->t.slot[0].type = VF_MESSAGE_SET;
	assert_false(vf_target_mend(&b.r->t));
	rig_free(b.r);
}

static void nothing_with_a_key(void **state)
{
	static vf_target_guard guard;
	uint8_t bytes[64];
	(void)state;
	memset(bytes, 0x5A, sizeof bytes);
	bench b = under_way(4096);
	b.r->t.config.guard = &guard;
	b.r->t.with.guard = &vf_target_guard_feature;
	guard.proven = true;
	assert_false(mends(&b, FIRST, bytes, sizeof bytes));
	b.r->t.config.guard = NULL;
	assert_true(mends(&b, FIRST, bytes, sizeof bytes));
	rig_free(b.r);
}

static void nothing_where_it_is_not_named(void **state)
{
	uint8_t bytes[64];
	(void)state;
	memset(bytes, 0x5A, sizeof bytes);
	bench b = under_way(4096);
	b.r->t.with.mend = NULL;
	assert_false(mends(&b, FIRST, bytes, sizeof bytes));
	rig_free(b.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_single_bit),
		cmocka_unit_test(two_bits_are_lost),
		cmocka_unit_test(only_what_is_expected),
		cmocka_unit_test(no_header_of_a_message),
		cmocka_unit_test(but_one_that_was_to_come),
		cmocka_unit_test(nothing_of_a_set),
		cmocka_unit_test(nothing_with_a_key),
		cmocka_unit_test(nothing_where_it_is_not_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
