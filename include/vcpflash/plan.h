/* plan.h - from what should be there and what is, to the operations.
 *
 * Pure: no I/O, no clock; memory through vf_alloc. One memory at a time.
 * A unit here is the memory's smallest erase unit, its sector. This is the
 * place of the planner: the caller tells for each sector it cares about what is
 * known, the planner chooses erase sizes and program runs. Today's is simple
 * (sector erases, joined to a larger one where all of it is dirty or blank and
 * that is faster); a better one replaces plan.c without touching its callers.
 */
#ifndef VCPFLASH_PLAN_H
#define VCPFLASH_PLAN_H

#include <stdint.h>
#include <stddef.h>

#include <vcpflash/alloc.h>
#include <vcpflash/flash.h>

enum vf_sector_state {
	VF_SECTOR_SAME,  /* holds what it should: leave it alone */
	VF_SECTOR_BLANK, /* is erased, and should hold something */
	VF_SECTOR_DIRTY, /* holds something else: must be erased first */
};

typedef struct vf_plan_sector {
	uint32_t index; /* sector number within the memory; ascending in a list */
	uint8_t state;  /* enum vf_sector_state */
} vf_plan_sector;

enum vf_plan_kind { VF_PLAN_ERASE = 1, VF_PLAN_PROGRAM = 2 };

typedef struct vf_plan_step {
	uint8_t kind;    /* enum vf_plan_kind */
	uint32_t offset; /* within the memory */
	uint32_t len;
} vf_plan_step;

/* Bytes that should be in [offset, offset+len) of the memory after the run:
 * the image, the bytes that must be kept, 0xFF elsewhere. */
typedef void (*vf_plan_content)(void *ctx, uint32_t offset, uint8_t *out, uint32_t len);

typedef struct vf_plan {
	vf_plan_step *steps; /* in execution order: every erase before what is programmed in it */
	size_t count;
	uint64_t erase_bytes;
	uint64_t program_bytes;
	uint64_t erase_us;   /* typical times, summed */
	uint64_t program_us;
} vf_plan;

/* VF_OK, VF_E_NOMEM. `sectors` lists every sector that may be changed. */
int vf_plan_make(vf_plan *plan, const vf_alloc *alloc, const vf_memory *memory,
                 const vf_plan_sector *sectors, size_t count, vf_plan_content content,
                 void *ctx);
void vf_plan_free(vf_plan *plan, const vf_alloc *alloc);

#endif
