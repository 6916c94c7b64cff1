/* plan_cost.c - what a sector costs if it is left and if it is erased: which of
 * its pages would have to be programmed then, and how long that takes link and
 * chip. Which pages those are is remembered as bitmaps, so that content is
 * asked for once. */
#include "plan_internal.h"

enum {
	BUS_US = 10,      /* sending a page to the chip, and polling it */
	UNKNOWN_PART = 4, /* an unknown typical time is taken as a quarter of the maximum */
};

uint32_t vf_plan_page_us(const vf_memory *m)
{
	const uint32_t typ = m->page_typ_us != 0 ? m->page_typ_us : m->page_max_us / UNKNOWN_PART;
	const uint64_t back = m->read_rate != 0 ? (uint64_t)m->page * 1000000 / m->read_rate : 0;
	return typ + BUS_US + (uint32_t)back;
}

uint32_t vf_plan_erase_us(const vf_memory *m, unsigned type)
{
	const vf_erase_type *e = &m->erase[type];
	return e->typ_us != 0 ? e->typ_us : e->max_us / UNKNOWN_PART;
}

bool vf_plan_room(vf_planner *p, void **array, size_t *room, size_t count, size_t size)
{
	if (count <= *room)
		return true;
	size_t more = *room == 0 ? 64 : *room * 2;
	if (more < count)
		more = count;
	void *q = vf_resize(p->alloc, *array, more * size);
	if (q == NULL) {
		p->no_memory = true;
		return false;
	}
	*array = q;
	*room = more;
	return true;
}

uint32_t vf_plan_sectors_per(const vf_planner *p, unsigned type)
{
	return p->memory->erase[type].size / p->sector;
}

/* --- pages ------------------------------------------------------------------- */

static uint32_t new_map(vf_planner *p)
{
	const size_t bytes = (p->pages + 7) / 8;
	void *maps = p->maps;
	const size_t at = p->maps_len;
	if (!vf_plan_room(p, &maps, &p->maps_room, at + bytes, 1))
		return VF_PLAN_NONE;
	p->maps = maps;
	memset(p->maps + at, 0, bytes);
	p->maps_len = at + bytes;
	return (uint32_t)at;
}

static void set_bit(vf_planner *p, uint32_t map, uint32_t page)
{
	if (map != VF_PLAN_NONE)
		p->maps[map + page / 8] |= (uint8_t)(1u << page % 8);
}

static bool blank(const uint8_t *bytes, uint32_t len)
{
	return bytes[0] == 0xFF && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* May a page be programmed over what it holds? A blank one once; any, where bits
 * may be cleared further. */
static bool clears_only(const vf_planner *p, const uint8_t *want, const uint8_t *is)
{
	if (blank(is, p->page))
		return true;
	if ((p->memory->flags & VF_MEMORY_REPROGRAM) == 0)
		return false;
	for (uint32_t i = 0; i < p->page; i++)
		if ((want[i] & ~is[i]) != 0)
			return false;
	return true;
}

static void look_at_page(vf_planner *p, vf_plan_leaf *leaf, const uint8_t *present, uint32_t page,
			 const uint8_t *want)
{
	if (!blank(want, p->page))
		set_bit(p, leaf->erased_map, page);
	if (present == NULL || !leaf->may_leave)
		return;
	const uint8_t *is = present + (size_t)page * p->page;
	if (memcmp(is, want, p->page) == 0)
		return;
	set_bit(p, leaf->leave_map, page);
	leaf->may_leave = clears_only(p, want, is);
}

static void look_at_pages(vf_planner *p, size_t at, const uint8_t *present)
{
	const uint32_t start = p->sectors[at].index * p->sector;
	for (uint32_t done = 0; done < p->sector; done += p->chunk_len) {
		p->source->content(p->source->ctx, start + done, p->chunk, p->chunk_len);
		for (uint32_t i = 0; i < p->chunk_len; i += p->page)
			look_at_page(p, &p->leaves[at], present, (done + i) / p->page,
				     p->chunk + i);
	}
}

/* --- time -------------------------------------------------------------------- */

static uint64_t packed(const vf_planner *p, uint32_t offset, uint32_t len)
{
	if (p->source->packed == NULL)
		return len;
	return p->source->packed(p->source->ctx, offset, len);
}

static vf_plan_cost program_cost(const vf_planner *p, uint64_t bytes, uint64_t pages)
{
	vf_plan_cost c = {.link = 0, .chip = pages * p->page_us};
	const uint64_t rate = p->source->link_rate;
	if (rate != 0)
		c.link = (bytes * 1000000 + rate - 1) / rate;
	return c;
}

uint64_t vf_plan_stall_us(const vf_planner *p, unsigned type)
{
	const uint64_t erase = vf_plan_erase_us(p->memory, type);
	const uint64_t rate = p->source->link_rate;
	const uint64_t held = rate != 0 ? (uint64_t)p->source->ahead * 1000000 / rate : 0;
	if (rate == 0 || p->memory->erase[type].size != p->memory->size)
		return 0;
	return erase > held ? erase - held : 0;
}

static vf_plan_cost map_cost(const vf_planner *p, uint32_t start, uint32_t map)
{
	uint64_t bytes = 0;
	uint64_t pages = 0;
	for (uint32_t i = 0, end; i < p->pages; i = end) {
		const bool set = vf_plan_bit(p, map, i);
		for (end = i + 1; end < p->pages && vf_plan_bit(p, map, end) == set; end++) {
		}
		if (!set)
			continue;
		bytes += packed(p, start + i * p->page, (end - i) * p->page);
		pages += end - i;
	}
	return program_cost(p, bytes, pages);
}

/* What is not known delays both, link and chip, once it has to be. */
static void unknown_cost(vf_planner *p, size_t at)
{
	const vf_plan_sector *s = &p->sectors[at];
	vf_plan_leaf *leaf = &p->leaves[at];
	leaf->may_leave = true;
	if (s->known == VF_PLAN_UNREAD)
		leaf->erased = program_cost(p, p->sector, p->pages);
	leaf->erased = vf_plan_add(leaf->erased, (vf_plan_cost){s->learn_us, s->learn_us});
}

void vf_plan_leaf_cost(vf_planner *p, size_t at, bool erased)
{
	const vf_plan_sector *s = &p->sectors[at];
	vf_plan_leaf *leaf = &p->leaves[at];
	const uint32_t start = s->index * p->sector;
	if (s->known != VF_PLAN_KNOWN) {
		unknown_cost(p, at);
		return;
	}
	leaf->may_leave = s->state != VF_SECTOR_DIRTY || s->present != NULL;
	if (s->state == VF_SECTOR_SAME && !erased)
		return;
	leaf->erased_map = new_map(p);
	if (s->state == VF_SECTOR_DIRTY && s->present != NULL)
		leaf->leave_map = new_map(p);
	if (p->no_memory)
		return;
	look_at_pages(p, at, s->state == VF_SECTOR_DIRTY ? s->present : NULL);
	leaf->erased = map_cost(p, start, leaf->erased_map);
	if (s->state == VF_SECTOR_BLANK) {
		leaf->leave_map = leaf->erased_map;
		leaf->leave = leaf->erased;
	} else if (leaf->may_leave && leaf->leave_map != VF_PLAN_NONE) {
		leaf->leave = map_cost(p, start, leaf->leave_map);
	}
}
