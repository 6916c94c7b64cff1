/* CRC-32 of IEEE 802.3, the check at the end of every frame (§2).
 *
 * Four bits at a time: the table is 64 bytes, where a table of bytes would be 1 KB
 * for some three instructions a byte less on a Cortex-M4 (docs/FIGURES.md).
 */
#include <vcpflash/wire.h>

static const uint32_t table[16] = {0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu,
				   0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
				   0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
				   0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};

/* Macros, so that they are no calls even where the compiler optimises for size. */
#define STEP(crc)  (table[(crc)&15u] ^ (crc) >> 4)
#define STEP2(crc) ((crc) = STEP(crc), (crc) = STEP(crc))

uint32_t vf_crc32_update(uint32_t crc, const uint8_t *data, size_t len)
{
	const uint8_t *const end = data + len, *const words = data + (len & ~(size_t)3);

	if (data != words) {
		do {
			crc ^= vf_get32(data);
			data += 4;
			STEP2(crc);
			STEP2(crc);
			STEP2(crc);
			STEP2(crc);
		} while (data != words);
	}
	while (data != end) {
		crc ^= *data++;
		STEP2(crc);
	}
	return crc;
}
