/* fuzz_inflate.c - the unpacker beside zlib: the same bytes, and the same verdict. The
 * first two bytes are the length it is told to unpack to, the third how the
 * input is cut into pieces.
 */
#define ZLIB_CONST
#include <zlib.h>

#include "fuzz.h"
#include "inflate.h"

enum { ROOM = 1 << 16 };

/* zlib's word: is it one stream of exactly `want` bytes, with nothing after it? */
static bool by_zlib(const uint8_t *in, size_t len, uint8_t *out, size_t want, size_t *made)
{
	z_stream z = {0};
	FUZZ_CHECK(inflateInit2(&z, -15) == Z_OK);
	z.next_in = in;
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = (uInt)want + 1;
	const int result = inflate(&z, Z_FINISH);
	*made = z.total_out;
	const bool good = result == Z_STREAM_END && z.avail_in == 0 && z.total_out == want;
	(void)inflateEnd(&z);
	return good;
}

static enum vf_inflate_result by_us(vf_inflate *z, const uint8_t *in, uint32_t len, uint32_t want,
				    uint32_t piece)
{
	enum vf_inflate_result result = VF_INFLATE_MORE;
	for (uint32_t at = 0; result == VF_INFLATE_MORE || result == VF_INFLATE_PAUSE;) {
		const uint32_t n = len - at < piece ? len - at : piece;
		uint32_t taken;
		if (result == VF_INFLATE_MORE && n == 0)
			break;
		result = vf_t_inflate(z, in + at, n, want, &taken);
		FUZZ_CHECK(taken <= n);
		at += taken;
	}
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t ours[ROOM], theirs[ROOM + 1];
	static vf_inflate z;
	size_t made;
	if (len < 4 || len > ROOM)
		return 0;
	const uint32_t want = data[0] | (uint32_t)data[1] << 8;
	const uint32_t packed = (uint32_t)len - 3;
	if (want == 0)
		return 0;
	const bool good = by_zlib(data + 3, packed, theirs, want, &made);
	vf_t_inflate_init(&z, ours, want, packed);
	const enum vf_inflate_result result =
		by_us(&z, data + 3, packed, want, 1u + data[2] * data[2]);
	FUZZ_CHECK((result == VF_INFLATE_DONE) == good);
	FUZZ_CHECK(z.made <= want);
	if (good)
		FUZZ_CHECK(memcmp(ours, theirs, want) == 0);
	return 0;
}
