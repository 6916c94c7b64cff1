/* CRC-32 of IEEE 802.3, the check at the end of every frame (§2).
 *
 * A table of 256 words: 1 KiB of flash buys about four instructions a byte on
 * a Cortex-M4, where a table of 16 nibbles would need more than twice that, on
 * the path of every received byte.
 */
#include <vcpflash/wire.h>

/* The CRC is linear, so the entry of a byte is the XOR of those of its bits. */
#define BIT(i, n, entry) ((i) >> (n)&1u ? (entry) : 0u)
#define ENTRY(i)                                                                                   \
	BIT(i, 0, 0x77073096u) ^ BIT(i, 1, 0xEE0E612Cu) ^ BIT(i, 2, 0x076DC419u) ^                 \
		BIT(i, 3, 0x0EDB8832u) ^ BIT(i, 4, 0x1DB71064u) ^ BIT(i, 5, 0x3B6E20C8u) ^         \
		BIT(i, 6, 0x76DC4190u) ^ BIT(i, 7, 0xEDB88320u)
#define ENTRIES4(i)  ENTRY(i), ENTRY((i) + 1u), ENTRY((i) + 2u), ENTRY((i) + 3u)
#define ENTRIES16(i) ENTRIES4(i), ENTRIES4((i) + 4u), ENTRIES4((i) + 8u), ENTRIES4((i) + 12u)
#define ENTRIES64(i) ENTRIES16(i), ENTRIES16((i) + 16u), ENTRIES16((i) + 32u), ENTRIES16((i) + 48u)

static const uint32_t table[256] = {ENTRIES64(0u), ENTRIES64(64u), ENTRIES64(128u),
				    ENTRIES64(192u)};

/* A macro, so that it is no call even where the compiler optimises for size. */
#define STEP(crc) (table[(crc)&0xFFu] ^ (crc) >> 8)

uint32_t vf_crc32_update(uint32_t crc, const uint8_t *data, size_t len)
{
	for (; len >= 4; len -= 4, data += 4) {
		crc ^= vf_get32(data);
		crc = STEP(crc);
		crc = STEP(crc);
		crc = STEP(crc);
		crc = STEP(crc);
	}
	for (; len > 0; len--) {
		crc ^= *data++;
		crc = STEP(crc);
	}
	return crc;
}
