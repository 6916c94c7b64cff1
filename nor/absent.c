/* absent.c - what stands for a chip that the probe could not make out: a memory that nobody may
 * touch, so that the board can serve its link and say what it read.
 */
#include <string.h>

#include "nor_internal.h"

enum { SIZE = 4096, PAGE = 256 };

static uint8_t outcome(int status)
{
	switch (status) {
	case VF_E_NO_CHIP:
		return VF_PROBE_ABSENT;
	case VF_E_UNKNOWN_CHIP:
		return VF_PROBE_UNKNOWN;
	case VF_E_CONFLICT:
		return VF_PROBE_CONFLICT;
	case VF_E_DIES_DIFFER:
		return VF_PROBE_DIFFER;
	case VF_E_TIMEOUT:
		return VF_PROBE_BUSY;
	default:
		return VF_PROBE_UNSTEADY;
	}
}

void vf_nor_stand_in(vf_nor *n, vf_condition *c)
{
	static const char name[][VF_MEMORY_NAME_MAX] = {
		"flash chip",          "no flash chip answers", "unknown flash chip",
		"contradictory chip",  "two chips that differ", "unsteady flash chip",
		"chip that stays busy"};
	const vf_nor_chip *chip = &n->chip;
	vf_memory *m = &n->memory;

	memset(c, 0, sizeof *c);
	c->known = 1;
	c->source = (uint8_t)((chip->sfdp ? VF_CONDITION_SFDP : 0) |
			      (chip->from_table ? VF_CONDITION_TABLE : 0));
	c->probe = outcome(n->status);
	for (size_t i = 0;
	     chip->conflict != NULL && chip->conflict[i] != '\0' && i + 1 < sizeof c->conflict; i++)
		c->conflict[i] = chip->conflict[i];
	n->ready = false;
	*m = (vf_memory){.kind = VF_MEMORY_NOR,
			 .dies = n->config.dies,
			 .id_len = sizeof chip->id,
			 .base = n->config.base,
			 .size = SIZE,
			 .page = PAGE,
			 .unit = 1,
			 .erase_types = 1,
			 .erase = {{.size = SIZE, .max_us = 1}}};
	memcpy(m->id, chip->id, sizeof chip->id);
	memcpy(m->name, name[c->probe], sizeof m->name);
}
