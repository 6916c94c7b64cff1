/* write_uf2.c - writing UF2: one block for each 256-byte page that the image
 * touches. Most bootloaders want whole pages; a block carries one when a fill
 * byte was given, otherwise just the bytes that the image has. */
#include "internal.h"
#include "uf2.h"

enum { UF2_PAGE = 256 };

typedef struct uf2_pages {
	vf_walk walk;
	bool whole;
	uint8_t fill;
	uint64_t at; /* whole pages: what was written so far */
} uf2_pages;

static uint32_t next_whole_page(uf2_pages *p, uint32_t *addr, uint8_t *data)
{
	const vf_image *img = p->walk.img;
	if (p->at >= VF_ADDRESS_SPACE)
		return 0;
	size_t i = vf_image_find(img, (uint32_t)p->at);
	if (i == img->segment_count)
		return 0;
	uint32_t from = img->segments[i].addr > p->at ? img->segments[i].addr : (uint32_t)p->at;
	*addr = from & ~(uint32_t)(UF2_PAGE - 1);
	(void)vf_image_read(img, *addr, data, UF2_PAGE, p->fill);
	p->at = (uint64_t)*addr + UF2_PAGE;
	return UF2_PAGE;
}

static uint32_t next_page(uf2_pages *p, uint32_t *addr, uint8_t *data)
{
	return p->whole ? next_whole_page(p, addr, data)
			: vf_walk_next(&p->walk, UF2_PAGE, addr, data);
}

void vf_write_uf2(const vf_image *img, const vf_image_write_options *opt, vf_out *out)
{
	const uf2_pages start = {
		.walk = {.img = img}, .whole = opt->fill_given, .fill = opt->fill, .at = 0};
	uint8_t data[UF2_PAGE];
	uint32_t addr;
	uint32_t n;
	uint32_t count = 0;
	uf2_pages pages = start;
	while (next_page(&pages, &addr, data) > 0)
		count++;
	pages = start;
	for (uint32_t number = 0; out->status == VF_OK && (n = next_page(&pages, &addr, data)) > 0;
	     number++) {
		uint8_t b[UF2_BLOCK] = {0};
		vf_put_le32(b + UF2_START0, UF2_START0_MAGIC);
		vf_put_le32(b + UF2_START1, UF2_START1_MAGIC);
		vf_put_le32(b + UF2_FLAGS, opt->uf2_family != 0 ? UF2_HAS_FAMILY : 0);
		vf_put_le32(b + UF2_ADDR, addr);
		vf_put_le32(b + UF2_SIZE, n);
		vf_put_le32(b + UF2_NUMBER, number);
		vf_put_le32(b + UF2_COUNT, count);
		vf_put_le32(b + UF2_FAMILY, opt->uf2_family);
		memcpy(b + UF2_DATA, data, n);
		vf_put_le32(b + UF2_END, UF2_END_MAGIC);
		vf_out_bytes(out, b, sizeof b);
	}
}
