/* image.c - an image as a whole: its life, its files, and looking bytes up. */
#include "internal.h"

void vf_image_init(vf_image *img, const vf_alloc *alloc)
{
	*img = (vf_image){.alloc = *alloc};
}

void vf_image_free(vf_image *img)
{
	for (size_t i = 0; i < img->block_count; i++)
		vf_free(&img->alloc, img->blocks[i]);
	for (size_t i = 0; i < img->source_count; i++)
		vf_free(&img->alloc, img->sources[i].name);
	vf_free(&img->alloc, img->blocks);
	vf_free(&img->alloc, img->sources);
	vf_free(&img->alloc, img->segments);
	*img = (vf_image){.alloc = img->alloc};
}

int vf_image_reserve_source(vf_image *img, const char *name, char **copy, vf_error *err)
{
	size_t size = strlen(name) + 1;
	void *sources = img->sources;
	void *blocks = img->blocks;
	if (img->source_count > UINT16_MAX)
		return vf_fail(err, VF_E_USAGE, "%s: more than 65536 files in one image",
			       vf_short_name(name));
	bool room = vf_grow(&img->alloc, &sources, &img->source_room, img->source_count + 1,
			    sizeof *img->sources);
	img->sources = sources;
	room = room && vf_grow(&img->alloc, &blocks, &img->block_room, img->block_count + 1,
			       sizeof *img->blocks);
	img->blocks = blocks;
	*copy = room ? vf_resize(&img->alloc, NULL, size) : NULL;
	if (*copy == NULL)
		return vf_no_memory(err, name, size);
	memcpy(*copy, name, size);
	return VF_OK;
}

void vf_image_add_source(vf_image *img, char *copy, enum vf_image_format format, uint64_t bytes)
{
	img->sources[img->source_count++] =
		(vf_image_source){.name = copy, .format = (uint8_t)format, .bytes = bytes};
}

uint64_t vf_image_bytes(const vf_image *img)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < img->segment_count; i++)
		sum += img->segments[i].len;
	return sum;
}

size_t vf_image_find(const vf_image *img, uint32_t addr)
{
	size_t low = 0;
	size_t high = img->segment_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (vf_segment_end(&img->segments[middle]) > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

uint32_t vf_image_read(const vf_image *img, uint32_t addr, uint8_t *out, uint32_t len, uint8_t fill)
{
	uint64_t end = (uint64_t)addr + len;
	uint32_t found = 0;
	if (len == 0)
		return 0;
	memset(out, fill, len);
	for (size_t i = vf_image_find(img, addr); i < img->segment_count; i++) {
		const vf_segment *s = &img->segments[i];
		if (s->addr >= end)
			break;
		uint32_t from = s->addr > addr ? s->addr : addr;
		uint64_t to = vf_segment_end(s) < end ? vf_segment_end(s) : end;
		uint32_t n = (uint32_t)(to - from);
		if (s->data != NULL)
			memcpy(out + (from - addr), s->data + (from - s->addr), n);
		else
			memset(out + (from - addr), 0xFF, n);
		found += n;
	}
	return found;
}

uint32_t vf_walk_next(vf_walk *w, uint32_t align, uint32_t *addr, uint8_t *out)
{
	uint32_t done = 0;
	uint32_t limit = align;
	while (w->segment < w->img->segment_count && done < limit) {
		const vf_segment *s = &w->img->segments[w->segment];
		uint32_t at = s->addr + w->offset;
		if (done == 0) {
			*addr = at;
			limit = align - (at & (align - 1));
		} else if (at != *addr + done) {
			break;
		}
		uint32_t n = s->len - w->offset;
		if (n > limit - done)
			n = limit - done;
		if (s->data != NULL)
			memcpy(out + done, s->data + w->offset, n);
		else
			memset(out + done, 0xFF, n);
		done += n;
		w->offset += n;
		if (w->offset == s->len) {
			w->offset = 0;
			w->segment++;
		}
	}
	return done;
}
