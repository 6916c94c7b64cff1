/* inflate.h - raw deflate (RFC 1951) unpacked piece by piece.
 *
 * Input comes in pieces of any size, output goes into one buffer that is as
 * long as the whole of it and so its own history. Nothing is written past that
 * buffer, and nothing before it is referred to: whatever the input is.
 */
#ifndef VCPFLASH_TARGET_INFLATE_H
#define VCPFLASH_TARGET_INFLATE_H

#include <vcpflash/target.h>

enum vf_inflate_result {
	VF_INFLATE_MORE,  /* all input was taken */
	VF_INFLATE_PAUSE, /* `want` is reached, or a block's code was read: call again */
	VF_INFLATE_DONE,  /* the stream is complete, has the right length and nothing after it */
	VF_INFLATE_BAD,   /* it is no such stream; z->made bytes were good */
};

/* A stream of exactly `packed` bytes that unpacks to exactly `len` bytes. */
void vf_t_inflate_init(vf_inflate *z, uint8_t *out, uint32_t len, uint32_t packed);

/* Takes input, `*taken` bytes of `len` (more than `packed` in all are not
 * looked at), until at least `want` bytes are made, by at most 257 more. The
 * work of one call is bounded by its input and `want`. Once DONE or BAD it
 * stays so. */
enum vf_inflate_result vf_t_inflate(vf_inflate *z, const uint8_t *in, uint32_t len, uint32_t want,
				    uint32_t *taken);

#endif
