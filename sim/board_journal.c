/* board_journal.c - where a simulated board keeps its journal: at the end of one of its
 * memories, in two of the smallest erase units that are large enough, and protected.
 */
#include "board.h"

static uint32_t unit_of(const vf_memory *info)
{
	for (unsigned i = 0; i < info->erase_types; i++) {
		if (info->erase[i].size >= VF_JOURNAL_UNIT_MIN)
			return info->erase[i].size;
	}
	return 0; /* which vf_target_init refuses */
}

/* Afresh with each start: the memory was described anew. */
void vf_sim_board_place_journal(vf_sim_board *b)
{
	vf_target_config *c = &b->target_config;
	bool inside = b->config.journal == VF_SIM_JOURNAL_INTERNAL;
	vf_memory *info = inside ? &b->internal->info : &b->memory;
	if (b->config.journal == VF_SIM_JOURNAL_NONE)
		return;
	c->journal = &b->journal;
	c->journal_memory = inside ? VF_SIM_INTERNAL : VF_SIM_EXTERNAL;
	c->journal_unit = unit_of(info);
	c->journal_offset = info->size - 2 * c->journal_unit;
	for (unsigned i = 0; i < info->protects; i++) {
		if (info->protect[i].offset == c->journal_offset)
			return; /* the internal flash is described once and for all */
	}
	info->protect[info->protects++] = (vf_range){c->journal_offset, 2 * c->journal_unit};
}
