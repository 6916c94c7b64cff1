/* inflate.c - the decoder of raw deflate streams, a state machine that stops
 * wherever its input ends and goes on there.
 *
 * Codes are canonical: those of one length are consecutive numbers. So a code
 * is described by the end of its numbers for each length, and the symbols in
 * the order of their codes. A table of the next few bits tells symbol and
 * length at once; codes longer than that go on bit by bit from there. What is
 * no complete code is refused as zlib refuses it: a single symbol of one bit
 * may stand alone, and distances may be missing altogether.
 */
#include <string.h>

#include "inflate.h"

enum {
	ORDER_CODES = 19,
	END_OF_BLOCK = 256,
	LENGTH_CODES = 29,
	DISTANCE_CODES = 30,
	LONGEST = 15, /* bits of a code */
	LONGEST_MATCH = 258,
	NO_SYMBOL = 511, /* what bits that are no code stand for */
};

enum { /* vf_inflate.state */
       BLOCK,
       STORED,
       STORED_CHECK,
       STORED_BYTES,
       SIZES,
       ORDER,
       LENGTHS,
       SYMBOLS,
       DONE,
       BAD,
};

enum { GO_ON = VF_INFLATE_BAD + 1 }; /* the next state's turn; else enum vf_inflate_result */

/* --- bits ---------------------------------------------------------------------- */

/* At least 24 bits, if there is input for them. By value, so that the inner
 * loop's may stay in registers. */
static vf_inflate_bits filled(vf_inflate_bits b)
{
	for (; b.count < 24 && b.in != b.end; b.count += 8)
		b.bits |= (uint32_t)*b.in++ << b.count;
	return b;
}

/* The same, four bytes at once where there are so many. The bits above `count`
 * are those of bytes not taken yet then: loading them again does not change them. */
__attribute__((always_inline)) static inline void refill(vf_inflate_bits *b)
{
	if (b->end - b->in < 4) {
		*b = filled(*b);
		return;
	}
	b->bits |= vf_get32(b->in) << b->count;
	b->in += (31 - b->count) >> 3;
	b->count |= 24;
}

static inline void drop(vf_inflate_bits *b, uint32_t n)
{
	b->bits >>= n;
	b->count -= n;
}

static bool need(vf_inflate *z, uint32_t n)
{
	if (z->input.count < n)
		z->input = filled(z->input);
	return z->input.count >= n;
}

static uint32_t take(vf_inflate *z, uint32_t n)
{
	uint32_t v = z->input.bits & ((1u << n) - 1);
	drop(&z->input, n);
	return v;
}

/* --- codes --------------------------------------------------------------------- */

typedef struct code {
	vf_inflate_code *lengths;
	uint16_t *symbol; /* in the order of the codes */
	uint16_t *table;
	uint32_t bits; /* of the table's index */
} code;

static code literals(vf_inflate *z)
{
	return (code){&z->literal, z->literal_symbol, z->literal_table, VF_INFLATE_LITERAL_BITS};
}

static code distances(vf_inflate *z)
{
	return (code){&z->distance, z->distance_symbol, z->distance_table,
		      VF_INFLATE_DISTANCE_BITS};
}

/* The table is filled in the order of the codes, which are read from their high
 * bit down: so its index counts with its bits reversed. An entry is symbol * 16
 * + length; for the beginning of longer codes that beginning * 16. */
static void fill_table(const code *c)
{
	uint32_t at = 0, length = 1, bits = c->bits;
	for (uint32_t v = 0; v < 1u << bits; v++) {
		while (length <= bits && v >> (bits - length) >= c->lengths->end[length])
			length++;
		uint32_t entry = v << 4;
		if (length <= bits) {
			uint32_t number = v >> (bits - length);
			uint32_t index = (c->lengths->base[length] + number) & 0xFFFF;
			entry = (uint32_t)c->symbol[index] << 4 | length;
		}
		c->table[at] = (uint16_t)entry;
		/* No table has 0 bits.
		 * NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
		uint32_t carry = 1u << (bits - 1);
		for (; (at & carry) != 0; carry >>= 1)
			at ^= carry;
		at |= carry;
	}
}

/* From the symbols' code lengths; false if these are no code. */
static bool build(const code *c, const uint8_t *lengths, uint32_t n, bool may_lack)
{
	uint16_t next[LONGEST + 1] = {0}; /* how many codes, then where their symbols go */
	uint32_t index = 0, number = 0, room = 1;
	for (uint32_t i = 0; i < n; i++)
		next[lengths[i]]++;
	bool tiny = n - next[0] == next[1]; /* nothing longer than one bit */
	for (uint32_t l = 1; l <= LONGEST; l++) {
		uint32_t count = next[l];
		room <<= 1;
		number <<= 1;
		if (count > room)
			return false;
		room -= count;
		c->lengths->base[l] = (uint16_t)(index - number);
		next[l] = (uint16_t)index;
		index += count;
		number += count;
		c->lengths->end[l] = (uint16_t)number;
	}
	if (room != 0 && !(may_lack && tiny))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (lengths[i] != 0)
			c->symbol[next[lengths[i]]++] = (uint16_t)i;
	}
	fill_table(c);
	return true;
}

/* The entry for a code that is longer than the table's index. */
static uint32_t look_further(const vf_inflate_code *c, const uint16_t *symbol, uint32_t number,
			     uint32_t bits, uint32_t length)
{
	for (bits >>= length++; length <= LONGEST; length++, bits >>= 1) {
		number = number << 1 | (bits & 1);
		if (number < c->end[length])
			return (uint32_t)symbol[(c->base[length] + number) & 0xFFFF] << 4 | length;
	}
	return NO_SYMBOL << 4 | LONGEST;
}

static inline uint32_t literal_at(const vf_inflate *z, uint32_t bits)
{
	uint32_t entry = z->literal_table[bits & ((1u << VF_INFLATE_LITERAL_BITS) - 1)];
	if ((entry & 15) != 0)
		return entry;
	return look_further(&z->literal, z->literal_symbol, entry >> 4, bits,
			    VF_INFLATE_LITERAL_BITS);
}

static inline uint32_t distance_at(const vf_inflate *z, uint32_t bits)
{
	uint32_t entry = z->distance_table[bits & ((1u << VF_INFLATE_DISTANCE_BITS) - 1)];
	if ((entry & 15) != 0)
		return entry;
	return look_further(&z->distance, z->distance_symbol, entry >> 4, bits,
			    VF_INFLATE_DISTANCE_BITS);
}

/* --- the beginning of a block ---------------------------------------------------- */

static unsigned enter(vf_inflate *z, uint8_t state)
{
	z->state = state;
	return GO_ON;
}

static unsigned bad(vf_inflate *z)
{
	z->state = BAD;
	return VF_INFLATE_BAD;
}

static unsigned finish(vf_inflate *z)
{
	bool right = z->made == z->len && z->packed == 0 && z->input.in == z->input.end &&
		     z->input.count < 8;
	return right ? enter(z, DONE) : bad(z);
}

/* The next block comes with the next call, so that no input makes one call
 * build many tables. */
static unsigned end_block(vf_inflate *z)
{
	if (z->last)
		return finish(z);
	z->state = BLOCK;
	return VF_INFLATE_PAUSE;
}

static void use_fixed_codes(vf_inflate *z)
{
	code literal = literals(z), distance = distances(z);
	memset(z->lengths, 8, 288);
	memset(z->lengths + 144, 9, 112);
	memset(z->lengths + 256, 7, 24);
	(void)build(&literal, z->lengths, 288, false);
	memset(z->lengths, 5, 32);
	(void)build(&distance, z->lengths, 32, false);
}

static unsigned read_block(vf_inflate *z)
{
	if (!need(z, 3))
		return VF_INFLATE_MORE;
	z->last = take(z, 1) != 0;
	switch (take(z, 2)) {
	case 0:
		drop(&z->input, z->input.count & 7);
		return enter(z, STORED);
	case 1:
		use_fixed_codes(z);
		return enter(z, SYMBOLS);
	case 2:
		return enter(z, SIZES);
	default:
		return bad(z);
	}
}

static unsigned read_stored(vf_inflate *z)
{
	if (!need(z, 16))
		return VF_INFLATE_MORE;
	z->match = take(z, 16);
	return enter(z, STORED_CHECK);
}

static unsigned check_stored(vf_inflate *z)
{
	if (!need(z, 16))
		return VF_INFLATE_MORE;
	if (take(z, 16) != (z->match ^ 0xFFFF) || z->match > z->len - z->made)
		return bad(z);
	return enter(z, STORED_BYTES);
}

/* First what is among the bits already, then straight from the input. */
static unsigned copy_stored(vf_inflate *z, uint32_t want)
{
	vf_inflate_bits *b = &z->input;
	for (; z->match != 0 && b->count != 0; z->match--)
		z->out[z->made++] = (uint8_t)take(z, 8);
	if (z->match == 0)
		return end_block(z);
	b->bits = 0;
	uint32_t n = (uint32_t)(b->end - b->in);
	n = n < z->match ? n : z->match;
	if (z->made >= want)
		return VF_INFLATE_PAUSE;
	n = n < want - z->made ? n : want - z->made;
	if (n == 0)
		return VF_INFLATE_MORE;
	memcpy(z->out + z->made, b->in, n);
	b->in += n;
	z->made += n;
	z->match -= n;
	return GO_ON;
}

static unsigned read_sizes(vf_inflate *z)
{
	if (!need(z, 14))
		return VF_INFLATE_MORE;
	z->literals = (uint16_t)(257 + take(z, 5));
	z->all = (uint16_t)(z->literals + 1 + take(z, 5));
	z->orders = (uint8_t)(4 + take(z, 4));
	z->have = 0;
	if (z->literals > 286 || z->all - z->literals > DISTANCE_CODES)
		return bad(z);
	memset(z->lengths, 0, ORDER_CODES);
	return enter(z, ORDER);
}

/* The code in which the lengths of the other two codes are written: it makes do
 * with the tables of the distances, which come later. */
static unsigned read_order(vf_inflate *z)
{
	static const uint8_t order[ORDER_CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
						   11, 4,  12, 3, 13, 2, 14, 1, 15};
	code c = distances(z);
	for (; z->have < z->orders; z->have++) {
		if (!need(z, 3))
			return VF_INFLATE_MORE;
		z->lengths[order[z->have]] = (uint8_t)take(z, 3);
	}
	if (!build(&c, z->lengths, ORDER_CODES, false))
		return bad(z);
	z->have = 0;
	return enter(z, LENGTHS);
}

static unsigned use_codes(vf_inflate *z)
{
	code literal = literals(z), distance = distances(z);
	if (z->lengths[END_OF_BLOCK] == 0 || !build(&literal, z->lengths, z->literals, true) ||
	    !build(&distance, z->lengths + z->literals, (uint32_t)z->all - z->literals, true))
		return bad(z);
	return enter(z, SYMBOLS);
}

static unsigned read_lengths(vf_inflate *z)
{
	while (z->have < z->all) {
		bool enough = need(z, 14); /* a code and its extra bits */
		uint32_t entry = distance_at(z, z->input.bits);
		uint32_t symbol = entry >> 4, used = entry & 15, count = 1;
		uint32_t extra = symbol < 16 ? 0 : symbol == 18 ? 7 : symbol - 14;
		if (!enough && z->input.count < used + extra)
			return VF_INFLATE_MORE;
		drop(&z->input, used);
		uint8_t value = symbol < 16 ? (uint8_t)symbol : 0;
		if (symbol >= 16)
			count = (symbol == 18 ? 11 : 3) + take(z, extra);
		if (symbol == 16) {
			if (z->have == 0)
				return bad(z);
			value = z->lengths[z->have - 1];
		}
		if (count > (uint32_t)z->all - z->have)
			return bad(z);
		memset(z->lengths + z->have, value, count);
		z->have = (uint16_t)(z->have + count);
	}
	return use_codes(z);
}

/* --- its symbols ----------------------------------------------------------------- */

/* What lengths and distances have in common: after the first `2 * step` symbols
 * one of `step` numbers tells the extra bits' count, the rest the high bits. */
static inline uint32_t extra_bits(uint32_t symbol, uint32_t shift)
{
	return symbol >> shift < 2 ? 0 : (symbol >> shift) - 1;
}

static inline uint32_t first_of(uint32_t symbol, uint32_t shift, uint32_t extra)
{
	uint32_t high = 1u << shift;
	return symbol < high ? symbol : (high | (symbol & (high - 1))) << extra;
}

static inline uint32_t low_bits(uint32_t bits, uint32_t n)
{
	return bits & ((1u << n) - 1);
}

/* Bytes may be copied that this copy made. */
static inline void repeat(uint8_t *to, uint32_t distance, uint32_t n)
{
	const uint8_t *from = to - distance;
	do
		*to++ = *from++;
	while (--n != 0);
}

/* Literals, mostly several in a row; returns the entry that is none, has no room,
 * or waits for input. */
static inline uint32_t read_literals(const vf_inflate *z, vf_inflate_bits *b, uint8_t *out,
				     uint32_t *at, uint32_t stop)
{
	for (;;) {
		uint32_t entry = literal_at(z, b->bits);
		if ((entry & 15) > b->count || entry >= END_OF_BLOCK << 4 || *at >= stop)
			return entry;
		out[(*at)++] = (uint8_t)(entry >> 4);
		drop(b, entry & 15);
		if (b->count < LONGEST)
			refill(b);
	}
}

/* The inner loop. What it works with is kept in variables of its own: the
 * compiler cannot know that the output does not lie over `*z`. */
static unsigned read_symbols(vf_inflate *z, uint32_t want)
{
	vf_inflate_bits b = z->input;
	uint8_t *const out = z->out;
	const uint32_t len = z->len;
	uint32_t at = z->made, match = z->match, far = z->far;
	const uint32_t stop = want < len ? want : len;
	unsigned step = VF_INFLATE_PAUSE;
	while (at < want) {
		uint32_t entry, extra;
		if (b.count < LONGEST)
			refill(&b);
		if (match == 0) {
			entry = read_literals(z, &b, out, &at, stop);
			if ((entry & 15) > b.count)
				goto starved;
			if (at >= want)
				break;
			if (entry < END_OF_BLOCK << 4)
				goto wrong; /* one more than there should be */
			uint32_t symbol = entry >> 4;
			if (symbol == END_OF_BLOCK) {
				drop(&b, entry & 15);
				step = GO_ON;
				break;
			}
			symbol -= END_OF_BLOCK + 1;
			extra = symbol == LENGTH_CODES - 1 ? 0 : extra_bits(symbol, 2);
			if (symbol >= LENGTH_CODES)
				goto wrong;
			if ((entry & 15) + extra > b.count)
				b = filled(b);
			if ((entry & 15) + extra > b.count)
				goto starved;
			drop(&b, entry & 15);
			match = symbol == LENGTH_CODES - 1 ? LONGEST_MATCH
							   : 3 + first_of(symbol, 2, extra);
			match += low_bits(b.bits, extra);
			drop(&b, extra);
			if (match > len - at)
				goto wrong;
			if (b.count < LONGEST)
				continue;
		}
		if (far == 0) {
			entry = distance_at(z, b.bits);
			if ((entry & 15) > b.count)
				goto starved;
			drop(&b, entry & 15);
			far = 1 + (entry >> 4);
			if (far > DISTANCE_CODES)
				goto wrong;
		}
		extra = extra_bits(far - 1, 1);
		if (extra > b.count) {
			if (b.in == b.end)
				goto starved;
			continue;
		}
		far = 1 + first_of(far - 1, 1, extra) + low_bits(b.bits, extra);
		drop(&b, extra);
		if (far > at)
			goto wrong;
		repeat(out + at, far, match);
		at += match;
		match = far = 0;
	}
	goto over;
starved:
	step = VF_INFLATE_MORE;
	goto over;
wrong:
	z->state = BAD;
	step = VF_INFLATE_BAD;
over:
	z->input = b;
	z->made = at;
	z->match = match;
	z->far = far;
	return step == GO_ON ? end_block(z) : step;
}

/* --- the machine ------------------------------------------------------------------- */

static unsigned one_step(vf_inflate *z, uint32_t want)
{
	switch (z->state) {
	case BLOCK:
		return read_block(z);
	case STORED:
		return read_stored(z);
	case STORED_CHECK:
		return check_stored(z);
	case STORED_BYTES:
		return copy_stored(z, want);
	case SIZES:
		return read_sizes(z);
	case ORDER:
		return read_order(z);
	case LENGTHS:
		return read_lengths(z);
	case SYMBOLS:
		return read_symbols(z, want);
	case DONE:
		return VF_INFLATE_DONE;
	default:
		return VF_INFLATE_BAD;
	}
}

void vf_t_inflate_init(vf_inflate *z, uint8_t *out, uint32_t len, uint32_t packed)
{
	memset(z, 0, offsetof(vf_inflate, literal_table));
	z->out = out;
	z->len = len;
	z->packed = packed;
}

enum vf_inflate_result vf_t_inflate(vf_inflate *z, const uint8_t *in, uint32_t len, uint32_t want,
				    uint32_t *taken)
{
	unsigned step = GO_ON;
	len = len < z->packed ? len : z->packed;
	z->input.in = in;
	z->input.end = in + len;
	z->packed -= len;
	if (want >= z->len)
		want = UINT32_MAX; /* on to the end of the stream */
	while (step == GO_ON)
		step = one_step(z, want);
	*taken = (uint32_t)(z->input.in - in);
	z->packed += len - *taken;
	if (step == VF_INFLATE_MORE && z->packed == 0)
		step = bad(z);
	return (enum vf_inflate_result)step;
}
