/* test_inflate.c - the unpacker against zlib: what zlib packs, at every level and
 * strategy, comes out the same however it is cut into pieces; and what is no
 * stream is refused exactly where zlib refuses it. Buffers are allocated at the
 * very size that is told, so that a sanitizer sees the unpacker stray. Each test
 * prints its last seed, which is the one that failed; a seed as the first
 * argument is run again alone. VF_COUNT in the environment sets how many.
 */
#include <zlib.h>

#include "inflate.h"
#include "rig.h"

enum { MOST = 20000, PACKED_MOST = 2 * MOST + 1000 };

static uint64_t only_seed;
static uint64_t last_seed;
static uint64_t first_seed; /* VF_SEED of the environment: other runs */
static uint32_t count_wanted;

static uint64_t seed_of(uint32_t run)
{
	last_seed = only_seed != 0 ? only_seed : first_seed + 0x9E3779B97F4A7C15u * (run + 1);
	return last_seed;
}

static int print_seed(void **state)
{
	(void)state;
	print_message("last seed 0x%016llx\n", (unsigned long long)last_seed);
	return 0;
}

static uint32_t runs(uint32_t usual)
{
	if (only_seed != 0)
		return 1;
	return count_wanted != 0 ? count_wanted : usual;
}

static uint32_t pick(uint64_t *seed, uint32_t below)
{
	return rig_random(seed) % below;
}

/* --- what is packed -------------------------------------------------------------- */

/* Contents from all alike to random, with repeats from near and far. */
static uint32_t make_content(uint64_t *seed, uint8_t *out)
{
	uint32_t most = 1u << (1 + pick(seed, 14));
	uint32_t len = pick(seed, 200) == 0 ? 0 : 1 + pick(seed, most);
	uint32_t alphabet = 1u << pick(seed, 9), repeats = pick(seed, 100);
	for (uint32_t at = 0; at < len;) {
		uint32_t n = 1 + pick(seed, pick(seed, 8) == 0 ? 600 : 12);
		n = n < len - at ? n : len - at;
		bool copies = at != 0 && pick(seed, 100) < repeats;
		uint32_t back = 1 + (at != 0 ? pick(seed, at) : 0);
		if (pick(seed, 4) == 0)
			back = 1 + back % 8;
		for (uint32_t i = 0; i < n; i++, at++)
			out[at] = copies && back <= at ? out[at - back]
						       : (uint8_t)pick(seed, alphabet);
	}
	return len;
}

/* One raw stream, of one or several blocks, flushed in the middle at times. */
static uint32_t pack(uint64_t *seed, const uint8_t *in, uint32_t len, uint8_t *out)
{
	z_stream z = {0};
	int level = (int)pick(seed, 11) - 1, strategy = (int)pick(seed, 5);
	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, -9 - (int)pick(seed, 7),
				      1 + (int)pick(seed, 9), strategy),
			 Z_OK);
	z.next_out = out;
	z.avail_out = PACKED_MOST;
	while (len != 0 && pick(seed, 4) == 0) {
		static const int flushes[] = {Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_BLOCK};
		uint32_t n = pick(seed, len + 1);
		z.next_in = (uint8_t *)(uintptr_t)in;
		z.avail_in = n;
		(void)deflate(&z, flushes[pick(seed, 4)]);
		(void)deflateParams(&z, (int)pick(seed, 10), (int)pick(seed, 5));
		in += n - z.avail_in;
		len -= n - z.avail_in;
	}
	z.next_in = (uint8_t *)(uintptr_t)in;
	z.avail_in = len;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	uint32_t made = (uint32_t)z.total_out;
	deflateEnd(&z);
	return made;
}

/* --- unpacking it ------------------------------------------------------------------ */

typedef struct unpacked {
	enum vf_inflate_result result;
	uint32_t len; /* bytes of `out` that were made */
	uint8_t *out;
} unpacked;

/* In pieces and with stops that the seed chooses; each piece is a buffer of its
 * own. Bytes already made do not change, and `want` is kept. */
static unpacked unpack(uint64_t *seed, const uint8_t *packed, uint32_t packed_len, uint32_t len)
{
	vf_inflate *z = malloc(sizeof *z);
	unpacked u = {VF_INFLATE_PAUSE, 0, malloc(len != 0 ? len : 1)};
	uint32_t piece_most = 1u << pick(seed, 16), step = 1u << pick(seed, 15), at = 0, want = 0;
	bool whole = pick(seed, 4) == 0;
	memset(z, 0xA5, sizeof *z);
	vf_t_inflate_init(z, u.out, len, packed_len);
	for (uint32_t rounds = 0; u.result <= VF_INFLATE_PAUSE; rounds++) {
		uint32_t n = whole ? packed_len : pick(seed, piece_most) + 1, taken;
		n = n < packed_len - at ? n : packed_len - at;
		uint8_t *piece = malloc(n != 0 ? n : 1);
		memcpy(piece, packed + at, n);
		if (whole)
			want = len;
		else if (z->made >= want)
			want = z->made + pick(seed, step) + 1;
		u.result = vf_t_inflate(z, piece, n, want, &taken);
		free(piece);
		assert_true(taken <= n && z->made <= len && z->made >= u.len);
		assert_true(u.result != VF_INFLATE_MORE || taken == n);
		assert_true(want >= len || z->made <= want + 257);
		assert_true(rounds < 2 * packed_len + len + 100);
		at += taken;
		u.len = z->made;
	}
	assert_true(u.result != VF_INFLATE_DONE || (at == packed_len && u.len == len));
	free(z);
	return u;
}

static void packed_comes_out_the_same(void **state)
{
	(void)state;
	uint8_t *content = malloc(MOST), *packed = malloc(PACKED_MOST);
	for (uint32_t run = 0; run < runs(10000); run++) {
		uint64_t seed = seed_of(run);
		uint32_t len = make_content(&seed, content);
		uint32_t packed_len = pack(&seed, content, len, packed);
		unpacked u = unpack(&seed, packed, packed_len, len);
		assert_int_equal(u.result, VF_INFLATE_DONE);
		assert_memory_equal(u.out, content, len);
		free(u.out);
	}
	free(content);
	free(packed);
}

/* --- what is no such stream --------------------------------------------------------- */

/* Is it one complete stream of `len` bytes and nothing else? Says zlib. */
static bool zlib_takes(const uint8_t *packed, uint32_t packed_len, uint8_t *out, uint32_t len)
{
	z_stream z = {.next_in = (uint8_t *)(uintptr_t)packed,
		      .avail_in = packed_len,
		      .next_out = out,
		      .avail_out = len + 300};
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	int status = inflate(&z, Z_FINISH);
	bool takes = status == Z_STREAM_END && z.avail_in == 0 && z.total_out == len;
	inflateEnd(&z);
	return takes;
}

/* One verdict, and bytes made before a fault are those that zlib made. */
static bool agree(uint64_t *seed, const uint8_t *packed, uint32_t packed_len, uint32_t len)
{
	uint8_t *out = calloc(1, len + 300);
	bool takes = zlib_takes(packed, packed_len, out, len);
	unpacked u = unpack(seed, packed, packed_len, len);
	assert_int_equal(u.result, takes ? VF_INFLATE_DONE : VF_INFLATE_BAD);
	assert_memory_equal(u.out, out, u.len);
	free(u.out);
	free(out);
	return takes;
}

static uint32_t spoil(uint64_t *seed, uint8_t *packed, uint32_t len)
{
	uint32_t early = len < 80 || pick(seed, 2) != 0 ? len : 80;
	switch (pick(seed, 6)) {
	case 0:
		return pick(seed, len);
	case 1:
		packed[len] = (uint8_t)rig_random(seed);
		return len + 1;
	case 2:
		memmove(packed + pick(seed, len), packed + pick(seed, len), 1);
		return len;
	case 3:
		rig_random_fill(seed, packed + pick(seed, len), 1);
		return len;
	default:
		for (uint32_t n = 1 + pick(seed, 3); n > 0; n--)
			packed[pick(seed, early)] ^= (uint8_t)(1u << pick(seed, 8));
		return len;
	}
}

static void spoilt_streams_are_judged_as_by_zlib(void **state)
{
	(void)state;
	uint8_t *content = malloc(MOST), *packed = malloc(PACKED_MOST);
	uint32_t taken = 0;
	for (uint32_t run = 0; run < runs(10000); run++) {
		uint64_t seed = seed_of(run);
		uint32_t len = make_content(&seed, content);
		uint32_t packed_len = pack(&seed, content, len, packed);
		packed_len = spoil(&seed, packed, packed_len);
		if (pick(&seed, 10) == 0)
			len += pick(&seed, 3) - 1;
		taken += agree(&seed, packed, packed_len, len < MOST ? len : 0);
	}
	print_message("%u spoilt streams were whole even so\n", taken);
	free(content);
	free(packed);
}

/* Bits put together as a stream would be, so that chance comes far: block
 * types, code length counts and short lengths are likelier than others. */
static uint32_t make_noise(uint64_t *seed, uint8_t *out)
{
	uint32_t len = 1 + pick(seed, 200);
	rig_random_fill(seed, out, len);
	out[0] = (uint8_t)((out[0] & 0xF8u) | pick(seed, 3) << 1 | pick(seed, 2));
	if (pick(seed, 2) == 0) {
		for (uint32_t i = 2; i < len; i++)
			out[i] &= (uint8_t)rig_random(seed);
	}
	return len;
}

/* How much it makes, and of how many bytes, is zlib's to say: cut to that some
 * of it is whole. */
static uint32_t length_of(const uint8_t *packed, uint32_t *packed_len)
{
	static const uint32_t room = MOST;
	uint8_t *out = malloc(room);
	z_stream z = {.next_in = (uint8_t *)(uintptr_t)packed,
		      .avail_in = *packed_len,
		      .next_out = out,
		      .avail_out = room};
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	if (inflate(&z, Z_FINISH) == Z_STREAM_END)
		*packed_len = (uint32_t)z.total_in;
	uint32_t len = (uint32_t)z.total_out;
	inflateEnd(&z);
	free(out);
	return len;
}

static void noise_is_judged_as_by_zlib(void **state)
{
	(void)state;
	uint8_t noise[256];
	uint32_t taken = 0, all = runs(25000);
	for (uint32_t run = 0; run < all; run++) {
		uint64_t seed = seed_of(run);
		uint32_t packed_len = make_noise(&seed, noise);
		uint32_t len = length_of(noise, &packed_len);
		taken += agree(&seed, noise, packed_len, len);
	}
	print_message("%u of %u were streams\n", taken, all);
	assert_true(only_seed != 0 || taken != 0);
}

/* --- codes at the edge of what is one ------------------------------------------------ */

typedef struct bits {
	uint8_t bytes[300];
	uint32_t n;
} bits;

static void put(bits *b, uint32_t value, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++, b->n++)
		b->bytes[b->n / 8] |= (uint8_t)((value >> i & 1) << (b->n % 8));
}

/* Lengths of a complete code: leaves of a tree that splits at random. Then, at
 * times, one length is changed, which makes too much or too little of it. */
static void make_lengths(uint64_t *seed, uint8_t *lengths, uint32_t n)
{
	uint32_t used = 1 + pick(seed, pick(seed, 3) == 0 ? 3 : n);
	memset(lengths, 0, n);
	if (used == 1)
		lengths[0] = (uint8_t)(pick(seed, 6) == 0 ? 2 : 1);
	for (uint32_t leaves = 1; leaves < used; leaves++) {
		uint32_t split = pick(seed, leaves);
		while (lengths[split] == 15)
			split = (split + 1) % leaves;
		lengths[leaves] = ++lengths[split];
	}
	for (uint32_t i = n - 1; i > 0; i--) { /* anywhere */
		uint32_t k = pick(seed, i + 1);
		uint8_t swap = lengths[i];
		lengths[i] = lengths[k];
		lengths[k] = swap;
	}
	if (pick(seed, 4) == 0)
		lengths[pick(seed, n)] = (uint8_t)pick(seed, 16);
}

/* A dynamic block. Its codes' lengths are written with a flat code of four bits
 * for 0 to 15, so that nothing but they decides. */
static void put_block(bits *b, uint64_t *seed)
{
	uint32_t literals = 257 + pick(seed, 32), distances = 1 + pick(seed, 32);
	uint8_t lengths[288 + 32];
	put(b, 1, 1);
	put(b, 2, 2);
	put(b, literals - 257, 5);
	put(b, distances - 1, 5);
	put(b, 15, 4);
	for (uint32_t i = 0; i < 19; i++)
		put(b, i < 3 ? 0 : 4, 3);
	make_lengths(seed, lengths, literals);
	make_lengths(seed, lengths + literals, distances);
	if (lengths[256] == 0 && pick(seed, 20) != 0) { /* mostly there is an end */
		uint32_t k = 0;
		while (lengths[k] == 0)
			k++;
		lengths[256] = lengths[k];
		lengths[k] = 0;
	}
	for (uint32_t i = 0; i < literals + distances; i++) {
		for (uint32_t bit = 4; bit > 0; bit--) /* codes go high bit first */
			put(b, lengths[i] >> (bit - 1) & 1, 1);
	}
	for (uint32_t i = pick(seed, 300); i > 0; i--)
		put(b, rig_random(seed) & 1, 1);
}

static void odd_codes_are_judged_as_by_zlib(void **state)
{
	(void)state;
	uint32_t taken = 0, far = 0, all = runs(15000);
	for (uint32_t run = 0; run < all; run++) {
		uint64_t seed = seed_of(run);
		bits b = {.n = 0};
		put_block(&b, &seed);
		uint32_t packed_len = (b.n + 7) / 8;
		uint32_t len = length_of(b.bytes, &packed_len);
		far += len != 0;
		taken += agree(&seed, b.bytes, packed_len, len);
	}
	print_message("%u of %u made bytes, %u were streams\n", far, all, taken);
	assert_true(only_seed != 0 || (taken != 0 && far > taken));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(packed_comes_out_the_same, print_seed),
		cmocka_unit_test_teardown(spoilt_streams_are_judged_as_by_zlib, print_seed),
		cmocka_unit_test_teardown(noise_is_judged_as_by_zlib, print_seed),
		cmocka_unit_test_teardown(odd_codes_are_judged_as_by_zlib, print_seed),
	};
	const char *count = getenv("VF_COUNT");
	if (count != NULL)
		count_wanted = (uint32_t)strtoul(count, NULL, 0);
	if (getenv("VF_SEED") != NULL)
		first_seed = strtoull(getenv("VF_SEED"), NULL, 0);
	if (argc > 1)
		only_seed = strtoull(argv[1], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
