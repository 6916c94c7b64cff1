/* pack.c - raw deflate streams for tests, see pack.h. */
#include "pack.h"

#include <zlib.h>

#include "rig.h"

uint32_t pack(const uint8_t *in, uint32_t len, uint8_t *out, int level, int strategy)
{
	z_stream z = {.next_in = (uint8_t *)(uintptr_t)in,
		      .avail_in = len,
		      .next_out = out,
		      .avail_out = PACK_ROOM(len)};
	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, -15, 8, strategy), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	uint32_t packed = (uint32_t)z.total_out;
	deflateEnd(&z);
	return packed;
}
