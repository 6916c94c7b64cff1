/* check.c - what the board refuses: messages, and descriptions of itself that
 * contradict themselves. All range arithmetic is arranged so that it cannot
 * overflow, whatever the host sends.
 */
#include "engine.h"

static bool power_of_two(uint32_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

/* A multiple of `size`, which is a power of two or all of the memory. */
static bool multiple(uint32_t v, uint32_t size)
{
	return power_of_two(size) ? (v & (size - 1)) == 0 : v == 0 || v == size;
}

static bool within(uint32_t offset, uint32_t len, uint32_t size)
{
	return offset <= size && len <= size - offset;
}

static bool overlap(const vf_range *r, uint32_t offset, uint32_t len)
{
	return offset < r->offset ? r->offset - offset < len : offset - r->offset < r->len;
}

static bool erasable(const vf_memory *info, uint32_t offset, uint32_t len)
{
	for (unsigned i = 0; i < info->erase_types; i++) {
		if (info->erase[i].size == len)
			return multiple(offset, len);
	}
	return false;
}

static bool fits(const vf_target *t, const vf_message *m, uint32_t offset)
{
	const vf_memory *info = vf_t_info(t, m->memory);
	uint32_t len = m->length;
	switch (m->type) {
	case VF_MESSAGE_ERASE:
		return erasable(info, offset, len);
	case VF_MESSAGE_DEFLATED:
		if (len > t->config.block_len || (m->flags != 0 && offset % 2 != 0))
			return false;
		/* fall through */
	case VF_MESSAGE_PROGRAM:
		return len != 0 && multiple(offset, info->unit) && multiple(len, info->unit);
	case VF_MESSAGE_READ:
		return len != 0;
	case VF_MESSAGE_DIGEST:
		return len != 0 && multiple(offset, info->erase[0].size) &&
		       multiple(len, info->erase[0].size);
	case VF_MESSAGE_RUN:
		return offset % 4 == 0 && within(offset, 8, info->size);
	default:
		return true;
	}
}

static bool protects(const vf_memory *info, uint32_t offset, uint32_t len)
{
	for (unsigned i = 0; i < info->protects; i++) {
		if (overlap(&info->protect[i], offset, len))
			return true;
	}
	return false;
}

static uint8_t right_for(uint8_t type)
{
	switch (type) {
	case VF_MESSAGE_ERASE:
	case VF_MESSAGE_PROGRAM:
	case VF_MESSAGE_DEFLATED:
		return VF_MEMORY_WRITE;
	case VF_MESSAGE_RUN:
		return VF_MEMORY_RUN;
	default:
		return VF_MEMORY_READ;
	}
}

/* Flags, and fields that have nothing to do with the memory. */
static bool well_formed(const vf_message *m, uint8_t reserved)
{
	const uint8_t flags = m->type == VF_MESSAGE_DEFLATED ? VF_MESSAGE_BRANCHES : 0;
	if ((m->flags & ~flags) != 0 || reserved != 0)
		return false;
	if (m->type == VF_MESSAGE_RUN)
		return m->length == 0;
	if (m->type == VF_MESSAGE_DEFLATED)
		return m->packed != 0;
	if (m->type == VF_MESSAGE_SET)
		return m->memory == 0 && m->address <= VF_SET_COMPLETE;
	if (m->type == VF_MESSAGE_RECALL)
		return m->memory == 0 && m->address == 0;
	return m->type != VF_MESSAGE_DIGEST || m->group != 0;
}

bool vf_t_known(const vf_target_config *c, uint8_t type)
{
	if (type == VF_MESSAGE_RUN)
		return c->can_run;
	if (type == VF_MESSAGE_DEFLATED)
		return c->block_len != 0;
	if (vf_t_of_journal(type))
		return c->journal != NULL;
	return type >= VF_MESSAGE_ERASE && type <= VF_MESSAGE_SHA256;
}

static bool set_fits(const vf_message *m)
{
	return m->type == VF_MESSAGE_RECALL
		       ? m->length == 0
		       : m->length % VF_WIRE_SET_ENTRY == 0 &&
				 m->length / VF_WIRE_SET_ENTRY <= VF_TARGET_SET;
}

uint8_t vf_t_check(const vf_target *t, const vf_message *m, uint8_t reserved)
{
	if (!vf_t_known(&t->config, m->type))
		return VF_FAIL_UNKNOWN;
	if (!well_formed(m, reserved))
		return VF_FAIL_MALFORMED;
	if (m->memory >= t->config.memories)
		return VF_FAIL_RANGE;
	if (vf_t_of_journal(m->type))
		return set_fits(m) ? VF_FAIL_NONE : VF_FAIL_RANGE;
	const vf_memory *info = vf_t_info(t, m->memory);
	uint8_t right = right_for(m->type);
	uint32_t offset = m->address - info->base;
	if (m->address < info->base || !within(offset, m->length, info->size) ||
	    !fits(t, m, offset))
		return VF_FAIL_RANGE;
	if ((info->flags & right) == 0)
		return VF_FAIL_RIGHTS;
	if (right == VF_MEMORY_WRITE && protects(info, offset, m->length))
		return VF_FAIL_PROTECTED;
	return VF_FAIL_NONE;
}

static bool text_good(const char *s, size_t max)
{
	size_t n = 0;
	for (; n <= max && s[n] != '\0'; n++) {
		if (s[n] < 0x20 || s[n] > 0x7E)
			return false;
	}
	return n >= 1 && n <= max;
}

/* Erase sizes ascend; each but that of the whole memory is a power of two. */
static bool erases_good(const vf_memory *info)
{
	uint32_t before = 0;
	if (info->erase_types < 1 || info->erase_types > VF_ERASE_TYPES_MAX)
		return false;
	for (unsigned i = 0; i < info->erase_types; i++) {
		const vf_erase_type *e = &info->erase[i];
		if (e->size <= before || e->size > info->size || e->max_us == 0 ||
		    e->typ_us > e->max_us)
			return false;
		if (!power_of_two(e->size) && e->size != info->size)
			return false;
		before = e->size;
	}
	return multiple(info->size, info->erase[0].size);
}

static bool protects_good(const vf_memory *info)
{
	if (info->protects > VF_PROTECT_MAX)
		return false;
	for (unsigned i = 0; i < info->protects; i++) {
		if (!within(info->protect[i].offset, info->protect[i].len, info->size))
			return false;
	}
	return true;
}

/* What a host would refuse to plan by (PROTOCOL 3.3) a board does not begin with. */
static bool info_good(const vf_memory *info)
{
	if (!text_good(info->name, VF_MEMORY_NAME_MAX - 1) || info->id_len > VF_MEMORY_ID_MAX)
		return false;
	if ((info->kind != VF_MEMORY_NOR && info->kind != VF_MEMORY_INTERNAL) || info->dies < 1 ||
	    info->dies > 2)
		return false;
	if (info->size == 0 || info->base > 0u - info->size)
		return false;
	if (!power_of_two(info->page) || !power_of_two(info->unit) || info->unit > info->page ||
	    info->page_typ_us > info->page_max_us)
		return false;
	return erases_good(info) && (info->erase[0].size & (info->unit - 1)) == 0 &&
	       protects_good(info);
}

static bool memory_good(const vf_target_memory *m, uint32_t window_len)
{
	if (m->info == NULL || m->work == NULL || !info_good(m->info))
		return false;
	return m->info->page <= window_len && m->work_len >= 64 &&
	       m->work_len / 2 >= m->info->page && (uintptr_t)m->work % 32 == 0;
}

static bool size_good(uint32_t len, uint32_t min, uint32_t max)
{
	return len >= min && len <= max;
}

static bool unpacking_good(const vf_target_config *c, const vf_target_features *f)
{
	if (c->block_len == 0)
		return true;
	if (f->unpack == NULL)
		return false;
	for (unsigned i = 0; i < c->memories; i++) {
		if (c->block_len < c->memory[i].info->page)
			return false;
	}
	return c->block != NULL && (uintptr_t)c->block % 32 == 0 && c->inflate != NULL &&
	       c->block_len <= 1u << 20;
}

static bool rates_good(const vf_target_config *c, const vf_target_features *f)
{
	if (c->rate_max == 0)
		return c->home_rate == 0 && c->rate_count == 0;
	return f->rate != NULL && f->rate->good(c);
}

static bool journal_good(const vf_target_config *c, const vf_target_features *f)
{
	return c->journal == NULL || (f->journal != NULL && f->journal->good(c));
}

bool vf_target_check(const vf_target_config *c, const vf_target_features *f)
{
	const uint32_t mega = 1u << 20;
	if (c->ring == NULL || c->window == NULL || c->frame == NULL || c->tx == NULL)
		return false;
	if (c->name == NULL || !text_good(c->name, VF_WIRE_BOARD_NAME_MAX) ||
	    c->id_len > VF_WIRE_ID_MAX)
		return false;
	if (!power_of_two(c->ring_len) || !size_good(c->ring_len, VF_TARGET_RING_MIN, mega) ||
	    !power_of_two(c->window_len) || !size_good(c->window_len, VF_TARGET_WINDOW_MIN, mega))
		return false;
	if (!size_good(c->frame_len, VF_WIRE_CONTROL_MAX + 4, VF_WIRE_BODY_MAX + 4) ||
	    !size_good(c->tx_len, VF_TARGET_TX_MIN, VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)))
		return false;
	if (c->memories < 1 || c->memories > VF_TARGET_MEMORIES)
		return false;
	for (unsigned i = 0; i < c->memories; i++) {
		if (!memory_good(&c->memory[i], c->window_len))
			return false;
	}
	return unpacking_good(c, f) && rates_good(c, f) && journal_good(c, f);
}
