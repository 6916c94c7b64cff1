/* One flipped bit of a chunk is found again by its CRC (§4.4).
 *
 * CRCs of the right chunk and of one in which a bit was flipped differ by what a lone 1 at
 * that place comes to, and up to 91,607 bits that is something else for each place. So a
 * lone 1 is moved on from the end of the chunk towards its beginning, a step of the CRC
 * for each bit, until it is the difference that was found. No table, and the work is
 * bounded by the length. Two flipped bits never look like one: that would be three wrong
 * bits that the CRC does not see, and up to that length it sees any three.
 */
#include <vcpflash/wire.h>

size_t vf_mend(uint8_t *buf, size_t len)
{
	uint32_t found, lone = 1;

	if (len < VF_WIRE_HEADER + VF_WIRE_CRC || len > VF_WIRE_BODY_MAX + VF_WIRE_CRC)
		return 0;
	found = vf_crc32_update(VF_CRC32_INIT, buf, len) ^ VF_CRC32_RESIDUE;
	for (size_t bit = 8 * len; bit-- > 0;) {
		lone = lone >> 1 ^ (0xEDB88320u & -(lone & 1));
		if (lone == found) {
			buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
			return len - VF_WIRE_CRC;
		}
	}
	return 0;
}
