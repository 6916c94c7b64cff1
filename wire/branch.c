/* Branches in Thumb code, made easier to compress (PROTOCOL.md §5.4). BL holds how
 * far away the function is, so every call of it reads differently; where it holds
 * the function's place instead, they all read alike. The same walk serves both
 * directions, for the two halves of a BL are told by bits that do not change.
 */
#include <string.h>

#include <vcpflash/wire.h>

enum { DISTANCE = 0x3fffff }; /* 22 bits, counted in halfwords */

static uint32_t halfword(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static void put_halfword(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
}

static bool is_branch(const uint8_t *p)
{
	return (p[1] & 0xf8) == 0xf0 && (p[3] & 0xf8) == 0xf8;
}

/* The BL at `p`, whose first byte is at `at`, in its other form. */
static void convert(const uint8_t *p, uint32_t at, bool places, uint8_t out[4])
{
	uint32_t value = (halfword(p) & 0x7ff) << 11 | (halfword(p + 2) & 0x7ff);
	value = (places ? value + at / 2 : value - at / 2) & DISTANCE;
	put_halfword(out, 0xf000 | value >> 11);
	put_halfword(out + 2, 0xf800 | (value & 0x7ff));
}

void vf_branch_walk(vf_branch *b, const uint8_t *in, uint32_t len, uint32_t ahead, uint8_t *out)
{
	uint32_t i = 0;
	if (b->open) {
		memcpy(out, b->rest, 2);
		b->open = false;
		i = 2;
	}
	while (i < len) {
		const uint32_t n = len - i;
		uint8_t other[4];
		if (n + ahead < 4 || !is_branch(in + i)) {
			memmove(out + i, in + i, n < 2 ? n : 2);
			i += 2;
			continue;
		}
		convert(in + i, b->at + i, b->places, other);
		memcpy(out + i, other, n < 4 ? 2 : 4);
		if (n < 4) {
			memcpy(b->rest, other + 2, 2);
			b->open = true;
		}
		i += 4;
	}
	b->at += len;
}
