/* range.c - the digest of a range that the processor can read directly: for a start-up
 * policy that compares what is there with what its journal says (JOURNAL, The start).
 */
#include <string.h>

#include <vcpflash/target.h>

void vf_target_range_digest(const uint8_t *bytes, uint32_t len, uint32_t sector, uint64_t session,
			    uint8_t out[VF_DIGEST_SIZE])
{
	vf_digest group, one;
	vf_digest_init(&group, session);
	for (uint32_t at = 0; at < len; at += sector) {
		vf_digest_init(&one, session);
		vf_digest_update(&one, bytes + at, sector);
		vf_digest_final(&one, out);
		vf_digest_update(&group, out, VF_DIGEST_SIZE);
	}
	if (len > sector) /* the digest of a group of one is its sector's own */
		vf_digest_final(&group, out);
}
