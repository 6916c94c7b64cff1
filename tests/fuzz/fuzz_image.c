/* fuzz_image.c - files that are no files. The first byte picks the format, the second
 * whether an address is given. What is read comes back the same when it is written
 * in any format that keeps gaps and read again; memory stays near the file's size.
 */
#include <vcpflash/image.h>

#include "fuzz.h"

typedef struct heap {
	size_t used, most;
} heap;

static void *resize(void *ctx, void *p, size_t size)
{
	heap *h = ctx;
	size_t *block = p != NULL ? (size_t *)p - 2 : NULL;
	const size_t before = block != NULL ? block[0] : 0;
	if (size == 0) {
		h->used -= before;
		free(block);
		return NULL;
	}
	block = realloc(block, size + 2 * sizeof *block);
	FUZZ_CHECK(block != NULL);
	block[0] = size;
	h->used += size - before;
	h->most = h->used > h->most ? h->used : h->most;
	return block + 2;
}

typedef struct sink {
	uint8_t *bytes;
	size_t len, room;
} sink;

static int put(void *ctx, const uint8_t *bytes, size_t len)
{
	sink *s = ctx;
	if (len > s->room - s->len)
		return VF_E_NOMEM;
	memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
	return VF_OK;
}

static void check_segments(const vf_image *img)
{
	uint64_t end = 0;
	for (size_t i = 0; i < img->segment_count; i++) {
		const vf_segment *s = &img->segments[i];
		FUZZ_CHECK(s->len != 0 && s->addr >= end);
		end = (uint64_t)s->addr + s->len;
		FUZZ_CHECK(end <= UINT64_C(1) << 32);
	}
}

/* Is every byte of `a` in `b`? */
static void check_within(const vf_image *a, const vf_image *b)
{
	for (size_t i = 0; i < a->segment_count; i++) {
		const vf_segment *s = &a->segments[i];
		uint8_t bytes[512];
		for (uint32_t at = 0; at < s->len; at += sizeof bytes) {
			const uint32_t left = s->len - at;
			const uint32_t n = left < sizeof bytes ? left : (uint32_t)sizeof bytes;
			FUZZ_CHECK(vf_image_read(b, s->addr + at, bytes, n, 0) == n);
			FUZZ_CHECK(memcmp(bytes, s->data + at, n) == 0);
		}
	}
}

static void round_trip(const vf_image *img, const vf_alloc *alloc, uint8_t format)
{
	const vf_image_write_options opt = {.format = format};
	sink s = {.room = 4 * (size_t)vf_image_bytes(img) + 1024 * img->segment_count + 4096};
	vf_image again;
	vf_error err;
	s.bytes = malloc(s.room);
	FUZZ_CHECK(s.bytes != NULL);
	vf_image_init(&again, alloc);
	if (vf_image_write(img, &opt, put, &s, &err) == VF_OK) {
		FUZZ_CHECK(vf_image_add(&again, "again", s.bytes, s.len, NULL, &err) == VF_OK);
		check_within(img, &again);
		FUZZ_CHECK(vf_image_bytes(img) == vf_image_bytes(&again));
	}
	vf_image_free(&again);
	free(s.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 2)
		return 0;
	heap h = {0, 0};
	const vf_alloc alloc = {resize, &h};
	const vf_image_add_options opt = {.format = data[0] % (VF_FORMAT_BIN + 1),
					  .has_address = (data[1] & 1) != 0,
					  .address = (uint32_t)(data[1] >> 1) << 24};
	vf_image img;
	vf_error err = {0};
	vf_image_init(&img, &alloc);
	if (vf_image_add(&img, "file", data + 2, len - 2, &opt, &err) == VF_OK) {
		vf_vector_table tables[4];
		check_segments(&img);
		FUZZ_CHECK(h.most <= 64 * len + 65536);
		(void)vf_image_vectors(&img, tables, 4);
		round_trip(&img, &alloc, VF_FORMAT_HEX);
		round_trip(&img, &alloc, VF_FORMAT_SREC);
		round_trip(&img, &alloc, VF_FORMAT_UF2);
	} else {
		FUZZ_CHECK(err.code != VF_OK && err.text[0] != '\0');
		FUZZ_CHECK(img.segment_count == 0);
	}
	vf_image_free(&img);
	FUZZ_CHECK(h.used == 0);
	return 0;
}
