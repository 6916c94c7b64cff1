/* A name for what an image holds, whatever files it came in: SHA-256 over its runs of
 * bytes. */
#include <stdio.h>
#include <string.h>

#include <vcpflash/wire.h>

#include "cli.h"

static void number(vf_sha256 *hash, uint64_t value)
{
	uint8_t bytes[8];
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	vf_sha256_update(hash, bytes, sizeof bytes);
}

static void content(vf_sha256 *hash, const vf_segment *s)
{
	uint8_t blank[256];
	if (s->data != NULL) {
		vf_sha256_update(hash, s->data, s->len);
		return;
	}
	memset(blank, 0xFF, sizeof blank);
	for (uint32_t left = s->len; left > 0;) {
		const uint32_t n = left < sizeof blank ? left : (uint32_t)sizeof blank;
		vf_sha256_update(hash, blank, n);
		left -= n;
	}
}

/* Segments that touch are one run: how bytes came in files makes no difference. */
static size_t run_end(const vf_image *img, size_t at, uint64_t *len)
{
	const vf_segment *first = &img->segments[at];
	*len = first->len;
	while (++at < img->segment_count && img->segments[at].addr == first->addr + *len)
		*len += img->segments[at].len;
	return at;
}

void cli_image_digest(const vf_image *img, char out[2 * VF_SHA256_SIZE + 1])
{
	uint8_t sum[VF_SHA256_SIZE];
	vf_sha256 hash;
	vf_sha256_init(&hash);
	for (size_t at = 0; at < img->segment_count;) {
		uint64_t len;
		const size_t end = run_end(img, at, &len);
		number(&hash, img->segments[at].addr);
		number(&hash, len);
		for (; at < end; at++)
			content(&hash, &img->segments[at]);
	}
	vf_sha256_final(&hash, sum);
	for (unsigned i = 0; i < VF_SHA256_SIZE; i++)
		(void)snprintf(out + 2 * (size_t)i, 3, "%02x", sum[i]);
}
