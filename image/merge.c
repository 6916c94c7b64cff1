/* merge.c - bringing new segments into an image that may already have some.
 *
 * Both lists are sorted. Only the stretch of the image's list that the new
 * segments span is walked and rebuilt, so that adding many small pieces one by
 * one stays cheap; the rest of the list is moved as a block.
 */
#include "internal.h"

/* One merge under way. */
typedef struct splice {
	const vf_image *img;
	const char *name;
	enum vf_overlap overlap;
	vf_error *err;
	vf_segment *out;
	size_t count;
	uint64_t added; /* bytes the image did not have */
} splice;

static uint8_t byte_of(const vf_segment *s, uint64_t addr)
{
	return s->data != NULL ? s->data[addr - s->addr] : 0xFF;
}

static int disagree(const splice *sp, const vf_segment *old, const vf_segment *fresh, uint64_t addr)
{
	return vf_fail(sp->err, VF_E_FILE,
		       "address 0x%08x: %s says 0x%02x and %s says 0x%02x: both cannot be in the "
		       "flash, leave one out or link it for another address",
		       (unsigned)addr, vf_short_name(sp->img->sources[old->source].name),
		       byte_of(old, addr), vf_short_name(sp->name), byte_of(fresh, addr));
}

/* Bytes [from, to) are in both. */
static int compare(const splice *sp, const vf_segment *old, const vf_segment *fresh, uint64_t from,
		   uint64_t to)
{
	if (sp->overlap == VF_OVERLAP_SKIP || (old->data == NULL && fresh->data == NULL))
		return VF_OK;
	if (old->data != NULL && fresh->data != NULL &&
	    memcmp(old->data + (from - old->addr), fresh->data + (from - fresh->addr),
		   (size_t)(to - from)) == 0)
		return VF_OK;
	for (uint64_t a = from; a < to; a++) {
		if (byte_of(old, a) != byte_of(fresh, a))
			return disagree(sp, old, fresh, a);
	}
	return VF_OK;
}

/* Adds the part [from, to) of a new segment, which the image does not have. */
static void keep(splice *sp, const vf_segment *fresh, uint64_t from, uint64_t to)
{
	if (from >= to)
		return;
	sp->added += to - from;
	sp->out[sp->count++] = (vf_segment){
		.addr = (uint32_t)from,
		.len = (uint32_t)(to - from),
		.data = fresh->data != NULL ? fresh->data + (from - fresh->addr) : NULL,
		.source = fresh->source,
	};
}

/* Merges the image's segments [first, last) with the new ones into sp->out.
 * `old` and `fresh` step on together; `from` is how far the new one is done. */
static int weave(splice *sp, size_t first, size_t last, const vf_segment *fresh, size_t count)
{
	size_t i = first;
	for (size_t k = 0; k < count; k++) {
		uint64_t from = fresh[k].addr;
		uint64_t end = vf_segment_end(&fresh[k]);
		while (from < end) {
			while (i < last && vf_segment_end(&sp->img->segments[i]) <= from)
				sp->out[sp->count++] = sp->img->segments[i++];
			if (i == last || sp->img->segments[i].addr >= end) {
				keep(sp, &fresh[k], from, end);
				break;
			}
			const vf_segment *old = &sp->img->segments[i];
			keep(sp, &fresh[k], from, old->addr);
			if (from < old->addr)
				from = old->addr;
			uint64_t both = vf_segment_end(old) < end ? vf_segment_end(old) : end;
			int status = compare(sp, old, &fresh[k], from, both);
			if (status != VF_OK)
				return status;
			from = both;
		}
	}
	while (i < last)
		sp->out[sp->count++] = sp->img->segments[i++];
	return VF_OK;
}

/* Puts the woven list in place of [first, last), for which there is room. */
static void replace(vf_image *img, size_t first, size_t last, const vf_segment *woven, size_t count)
{
	memmove(img->segments + first + count, img->segments + last,
		(img->segment_count - last) * sizeof *woven);
	memcpy(img->segments + first, woven, count * sizeof *woven);
	img->segment_count += count - (last - first);
}

int vf_image_splice(vf_image *img, const vf_segment *fresh, size_t count, const char *name,
		    enum vf_overlap overlap, uint64_t *added, vf_error *err)
{
	uint64_t end = vf_segment_end(&fresh[count - 1]);
	size_t first = vf_image_find(img, fresh[0].addr);
	size_t last = end > UINT32_MAX ? img->segment_count : vf_image_find(img, (uint32_t)end);
	if (last < img->segment_count && img->segments[last].addr < end)
		last++;
	/* Each old segment cuts at most one new one in two. */
	size_t most = 2 * (last - first) + count;
	vf_segment *woven = vf_resize(&img->alloc, NULL, most * sizeof *woven);
	if (woven == NULL)
		return vf_no_memory(err, name, most * sizeof *woven);
	splice sp = {.img = img, .name = name, .overlap = overlap, .err = err, .out = woven};
	int status = weave(&sp, first, last, fresh, count);
	if (status == VF_OK) {
		void *segments = img->segments;
		size_t want = img->segment_count + sp.count - (last - first);
		if (vf_grow(&img->alloc, &segments, &img->segment_room, want, sizeof *woven)) {
			img->segments = segments;
			replace(img, first, last, woven, sp.count);
		} else {
			status = vf_no_memory(err, name, want * sizeof *woven);
		}
	}
	vf_free(&img->alloc, woven);
	*added = sp.added;
	return status;
}

static int check_range(const char *name, uint32_t addr, uint64_t len, vf_error *err)
{
	if (addr + len > VF_ADDRESS_SPACE || len > UINT32_MAX)
		return vf_fail(err, VF_E_USAGE,
			       "%s: %llu bytes at 0x%08x pass the end of the 4 GB address space",
			       vf_short_name(name), (unsigned long long)len, (unsigned)addr);
	return VF_OK;
}

/* Merges one stretch under `name`, which is the last source again if it has
 * that name: many small pieces are one source. */
static int add_stretch(vf_image *img, const char *name, vf_segment s, enum vf_overlap overlap,
		       uint64_t *added, vf_error *err)
{
	char *copy = NULL;
	vf_image_source *last = img->source_count > 0 ? &img->sources[img->source_count - 1] : NULL;
	bool again = last != NULL && last->format == VF_FORMAT_BIN && strcmp(last->name, name) == 0;
	if (!again) {
		int status = vf_image_reserve_source(img, name, &copy, err);
		if (status != VF_OK)
			return status;
	}
	s.source = (uint16_t)(again ? img->source_count - 1 : img->source_count);
	int status = vf_image_splice(img, &s, 1, name, overlap, added, err);
	if (status != VF_OK) {
		vf_free(&img->alloc, copy);
		return status;
	}
	if (!again)
		vf_image_add_source(img, copy, VF_FORMAT_BIN, 0);
	img->sources[img->source_count - 1].bytes += *added;
	return VF_OK;
}

int vf_image_add_blank(vf_image *img, const char *name, uint32_t addr, uint32_t len, vf_error *err)
{
	uint64_t added = 0;
	int status = check_range(name, addr, len, err);
	if (status != VF_OK || len == 0)
		return status;
	return add_stretch(img, name, (vf_segment){.addr = addr, .len = len}, VF_OVERLAP_COMPARE,
			   &added, err);
}

int vf_image_add_under(vf_image *img, const char *name, uint32_t addr, const uint8_t *bytes,
		       size_t len, vf_error *err)
{
	int status = check_range(name, addr, len, err);
	if (status != VF_OK || len == 0)
		return status;
	void *blocks = img->blocks;
	uint8_t *copy = NULL;
	if (vf_grow(&img->alloc, &blocks, &img->block_room, img->block_count + 1,
		    sizeof *img->blocks)) {
		img->blocks = blocks;
		copy = vf_resize(&img->alloc, NULL, len);
	}
	if (copy == NULL)
		return vf_no_memory(err, name, len);
	memcpy(copy, bytes, len);
	uint64_t added = 0;
	vf_segment s = {.addr = addr, .len = (uint32_t)len, .data = copy};
	status = add_stretch(img, name, s, VF_OVERLAP_SKIP, &added, err);
	if (status == VF_OK && added > 0)
		img->blocks[img->block_count++] = copy;
	else
		vf_free(&img->alloc, copy);
	return status;
}
