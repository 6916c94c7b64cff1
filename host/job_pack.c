/* job_pack.c - fewer bytes on the link: what is programmed is sent as DEFLATED
 * messages, blocks of at most what the board unpacks, where a block gains by it
 * and the link is what the job waits for. A block stays compressed in its slot
 * until the board is done with it, so that what is sent again is the same. */
#include "job_internal.h"

static size_t deflate(const vf_job *j, const uint8_t *in, size_t n, uint8_t *out)
{
	const size_t size = j->config.deflate(j->config.deflate_ctx, in, n, out, n);
	return size == 0 || size > n ? n : size;
}

/* The smaller of the two; `room` is for both. */
static vf_packed squeeze(const vf_job *j, const uint8_t *content, uint32_t offset, uint32_t n,
			 uint8_t *room)
{
	vf_packed p = {.bytes = room, .size = deflate(j, content, n, room)};
	uint8_t *branches = room + n;
	if (offset % 2 != 0)
		return p;
	vf_branch walk = {.at = offset, .places = true};
	memcpy(branches + n, content, n);
	vf_branch_walk(&walk, branches + n, n, 0, branches + n);
	const size_t size = deflate(j, branches + n, n, branches);
	if (size < p.size)
		p = (vf_packed){.bytes = branches, .size = size, .flags = VF_MESSAGE_BRANCHES};
	return p;
}

bool vf_job_deflate(vf_job *j, const vf_job_area *a, uint32_t offset, uint32_t n, vf_packed *p)
{
	const vf_job_packs *packs = &j->config.packs;
	if (!vf_job_scratch(j, (size_t)n * 4))
		return false;
	vf_job_content(a, j->image, offset, j->scratch, n);
	if (packs->find != NULL &&
	    packs->find(packs->ctx, offset, j->scratch, n, &p->bytes, &p->size, &p->flags))
		return true;
	*p = squeeze(j, j->scratch, offset, n, j->scratch + n);
	if (packs->find != NULL)
		packs->keep(packs->ctx, offset, j->scratch, n, p->bytes, p->size, p->flags);
	return true;
}

/* Where the blocks of [offset, +len) end: at multiples of the block. */
static uint32_t block_len(const vf_job *j, const vf_job_area *a, uint32_t offset, uint32_t len)
{
	const uint32_t page = a->memory->page;
	const uint32_t block = j->board.welcome.block / page * page;
	const uint32_t to_multiple = block - offset % block;
	return len < to_multiple ? len : to_multiple;
}

/* A block holds a page of every memory. */
bool vf_job_can_pack(const vf_job *j)
{
	if (j->config.deflate == NULL || j->never_pack || j->board.welcome.block == 0)
		return false;
	for (unsigned i = 0; i < j->board.welcome.memories; i++)
		if (j->board.memory[i].page > j->board.welcome.block)
			return false;
	return true;
}

bool vf_job_pack_wanted(const vf_job *j)
{
	uint64_t bytes = 0, longest = 0;
	if (j->config.compress == VF_COMPRESS_OFF || !vf_job_can_pack(j))
		return false;
	if (j->config.compress == VF_COMPRESS_ON)
		return true;
	for (size_t i = 0; i < j->areas; i++) {
		const vf_plan *plan = &j->area[i].plan;
		const uint64_t chip = plan->erase_us + plan->program_us;
		bytes += plan->program_bytes;
		longest = chip > longest ? chip : longest;
	}
	return bytes * 1000000 / vf_job_link_rate(j) > longest;
}

vf_slot *vf_job_pack_slot(vf_job *j, vf_job_area *a, uint32_t offset, uint32_t len)
{
	const uint32_t n = block_len(j, a, offset, len);
	if (n <= VF_WIRE_MESSAGE_LONG + 1)
		return NULL;
	vf_packed packed;
	if (!vf_job_deflate(j, a, offset, n, &packed)) {
		(void)vf_job_no_memory(j);
		return NULL;
	}
	j->packed_now += n;
	if (packed.size >= n - VF_WIRE_MESSAGE_LONG) {
		a->plain_end = (uint64_t)offset + n;
		return NULL;
	}
	vf_slot *s = vf_slot_new(j, VF_MESSAGE_DEFLATED, a->index,
				 (uint64_t)a->memory->base + offset, n, packed.size);
	if (s == NULL)
		return NULL;
	memcpy(s->buf, packed.bytes, packed.size);
	s->op.answer = NULL;
	s->op.data = s->buf;
	s->op.message.flags = packed.flags;
	s->op.message.packed = (uint32_t)packed.size;
	return s;
}
