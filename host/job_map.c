/* job_map.c - the map of a job: which sectors of which memories it touches, and
 * what should be in them (the image over the kept bytes over 0xFF). Building it
 * walks segments and sectors once, whatever their number. */
#include "job_internal.h"

uint32_t vf_job_sector_size(const vf_job_area *a)
{
	return a->memory->erase[0].size;
}

uint64_t vf_job_sector_address(const vf_job_area *a, const vf_job_sector *s)
{
	return a->memory->base + (uint64_t)s->index * vf_job_sector_size(a);
}

/* --- building -------------------------------------------------------------- */

static bool add_sector(vf_job *j, vf_job_area *a, uint32_t index)
{
	if (a->count == a->room) {
		const size_t room = a->room == 0 ? 64 : a->room * 2;
		void *sectors = vf_resize(&j->alloc, a->sectors, room * sizeof *a->sectors);
		if (sectors == NULL)
			return false;
		a->sectors = sectors;
		a->room = room;
	}
	a->sectors[a->count++] = (vf_job_sector){.index = index, .state = VF_SECTOR_DIRTY};
	return true;
}

/* Adds what [from, to), offsets in the memory, covers; ascending calls. */
static bool cover(vf_job *j, vf_job_area *a, uint64_t from, uint64_t to)
{
	const uint64_t size = vf_job_sector_size(a);
	for (uint64_t at = from; at < to;) {
		const uint32_t index = (uint32_t)(at / size);
		const uint64_t stop = (index + 1) * size < to ? (index + 1) * size : to;
		if (a->count == 0 || a->sectors[a->count - 1].index != index)
			if (!add_sector(j, a, index))
				return false;
		a->sectors[a->count - 1].covered += (uint32_t)(stop - at);
		at = stop;
	}
	return true;
}

static bool map_memory(vf_job *j, vf_job_area *a)
{
	const uint64_t base = a->memory->base;
	const uint64_t end = base + a->memory->size;
	const vf_image *image = j->image;
	for (size_t i = vf_image_find(image, a->memory->base); i < image->segment_count; i++) {
		const vf_segment *s = &image->segments[i];
		const uint64_t s_end = (uint64_t)s->addr + s->len;
		if (s->addr >= end)
			break;
		if (!cover(j, a, (s->addr > base ? s->addr : base) - base,
			   (s_end < end ? s_end : end) - base))
			return false;
	}
	for (size_t i = 0; i < a->count; i++)
		if (a->sectors[i].covered < vf_job_sector_size(a))
			a->sectors[i].flags |=
				j->config.discard ? VF_JOB_PARTIAL | VF_JOB_KEPT : VF_JOB_PARTIAL;
	return true;
}

int vf_job_map_add(vf_job *j, vf_job_area *a, uint32_t index, uint32_t count)
{
	const size_t first = vf_job_sector_find(a, index);
	const size_t last = vf_job_sector_find(a, (uint64_t)index + count);
	const size_t missing = count - (last - first);
	if (a->count + missing > a->room) {
		const size_t room = a->count + missing + 64;
		void *sectors = vf_resize(&j->alloc, a->sectors, room * sizeof *a->sectors);
		if (sectors == NULL)
			return VF_E_NOMEM;
		a->sectors = sectors;
		a->room = room;
	}
	memmove(a->sectors + last + missing, a->sectors + last,
		(a->count - last) * sizeof *a->sectors);
	a->count += missing;
	/* From behind, so that what is there moves up before its place is taken. */
	for (size_t at = last, i = count; i > 0; i--) {
		vf_job_sector *s = &a->sectors[first + i - 1];
		if (at > first && a->sectors[at - 1].index == index + (uint32_t)i - 1)
			*s = a->sectors[--at];
		else
			*s = (vf_job_sector){.index = index + (uint32_t)i - 1,
					     .state = VF_JOB_UNSEEN,
					     .flags = VF_JOB_PARTIAL};
	}
	return VF_OK;
}

int vf_job_map(vf_job *j)
{
	if (j->image == NULL)
		return VF_OK;
	for (uint8_t i = 0; i < j->board.welcome.memories; i++) {
		vf_job_area *a = &j->area[j->areas];
		*a = (vf_job_area){.memory = &j->board.memory[i], .index = i};
		const bool mapped = map_memory(j, a);
		if (a->count > 0)
			j->areas++;
		if (!mapped)
			return VF_E_NOMEM;
	}
	return VF_OK;
}

void vf_job_map_free(vf_job *j)
{
	for (size_t i = 0; i < j->areas; i++) {
		vf_job_area *a = &j->area[i];
		for (size_t k = 0; k < a->count; k++)
			vf_free(&j->alloc, a->sectors[k].keep);
		vf_free(&j->alloc, a->sectors);
		vf_plan_free(&a->plan, &j->alloc);
	}
	j->areas = 0;
}

/* --- asking ---------------------------------------------------------------- */

size_t vf_job_sector_find(const vf_job_area *a, uint64_t index)
{
	size_t low = 0;
	size_t high = a->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (a->sectors[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void kept(const vf_job_area *a, uint32_t offset, uint8_t *out, uint32_t len)
{
	const uint32_t size = vf_job_sector_size(a);
	memset(out, 0xFF, len);
	for (size_t i = vf_job_sector_find(a, offset / size); i < a->count; i++) {
		const vf_job_sector *s = &a->sectors[i];
		const uint64_t start = (uint64_t)s->index * size;
		const uint64_t end = start + size;
		const uint64_t from = start > offset ? start : offset;
		const uint64_t to = end < (uint64_t)offset + len ? end : (uint64_t)offset + len;
		if (from >= to)
			break;
		if (s->keep != NULL && (s->flags & VF_JOB_KEPT) != 0)
			memcpy(out + (from - offset), s->keep + (from - start),
			       (size_t)(to - from));
	}
}

void vf_job_content(const vf_job_area *a, const vf_image *image, uint32_t offset, uint8_t *out,
		    uint32_t len)
{
	const uint64_t start = (uint64_t)a->memory->base + offset;
	const uint64_t end = start + len;
	kept(a, offset, out, len);
	for (size_t i = vf_image_find(image, (uint32_t)start); i < image->segment_count; i++) {
		const vf_segment *s = &image->segments[i];
		const uint64_t s_end = (uint64_t)s->addr + s->len;
		const uint64_t from = s->addr > start ? s->addr : start;
		const uint64_t to = s_end < end ? s_end : end;
		if (from >= to)
			break;
		if (s->data != NULL)
			memcpy(out + (from - start), s->data + (from - s->addr),
			       (size_t)(to - from));
		else
			memset(out + (from - start), 0xFF, (size_t)(to - from));
	}
}

bool vf_job_scratch(vf_job *j, size_t room)
{
	if (room <= j->scratch_room)
		return true;
	void *p = vf_resize(&j->alloc, j->scratch, room);
	if (p == NULL)
		return false;
	j->scratch = p;
	j->scratch_room = room;
	return true;
}

int vf_job_expect(vf_job *j, const vf_job_area *a, const vf_job_sector *s,
		  uint8_t digest[VF_DIGEST_SIZE])
{
	const uint32_t size = vf_job_sector_size(a);
	const uint32_t piece = size < VF_JOB_PIECE ? size : VF_JOB_PIECE;
	vf_digest d;
	if (!vf_job_scratch(j, piece))
		return VF_E_NOMEM;
	memset(j->scratch, 0xFF, piece);
	vf_digest_init(&d, vf_session_number(j->session));
	for (uint32_t at = 0; at < size; at += piece) {
		if (s != NULL)
			vf_job_content(a, j->image, s->index * size + at, j->scratch, piece);
		vf_digest_update(&d, j->scratch, piece);
	}
	vf_digest_final(&d, digest);
	return VF_OK;
}

/* --- noting ---------------------------------------------------------------- */

void vf_job_forget_session(vf_job *j)
{
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count; k++)
			j->area[i].sectors[k].flags &= (uint8_t) ~(VF_JOB_BLANK | VF_JOB_WANTED);
}

void vf_job_flag(vf_job *j, uint8_t memory, uint64_t start, uint64_t end, uint8_t flag)
{
	for (size_t i = 0; i < j->areas; i++) {
		vf_job_area *a = &j->area[i];
		if (a->index != memory || end <= a->memory->base)
			continue;
		const uint64_t size = vf_job_sector_size(a);
		const uint64_t from = start > a->memory->base ? start - a->memory->base : 0;
		const uint64_t to = end - a->memory->base;
		for (size_t k = vf_job_sector_find(a, from / size); k < a->count; k++) {
			if (a->sectors[k].index * size >= to)
				break;
			a->sectors[k].flags |= flag;
			if ((flag & VF_JOB_WRITTEN) != 0)
				a->sectors[k].begun = true;
		}
	}
}

bool vf_job_next_run(const vf_job *j, vf_job_cursor *c, uint32_t max, uint8_t *memory,
		     uint64_t *start, uint64_t *end)
{
	const vf_image *image = j->image;
	const vf_memory *m = NULL;
	if (c->at >= image->segment_count)
		return false;
	*start = *end = image->segments[c->at].addr + c->byte;
	for (uint8_t i = 0; i < j->board.welcome.memories; i++)
		if (*start >= j->board.memory[i].base &&
		    *start - j->board.memory[i].base < j->board.memory[i].size) {
			m = &j->board.memory[i];
			*memory = i;
		}
	if (m == NULL)
		return false; /* vf_job_fit leaves no such image */
	uint64_t stop = *start + max;
	if (stop > (uint64_t)m->base + m->size)
		stop = (uint64_t)m->base + m->size;
	while (c->at < image->segment_count && *end < stop) {
		const vf_segment *s = &image->segments[c->at];
		const uint64_t s_end = (uint64_t)s->addr + s->len;
		if (s->addr + c->byte != *end)
			break;
		*end = s_end < stop ? s_end : stop;
		c->byte = *end - s->addr;
		if (*end == s_end)
			*c = (vf_job_cursor){.area = c->area, .at = c->at + 1};
	}
	return true;
}
