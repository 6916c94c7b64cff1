/* plan.h - from what should be there and what is, to the operations.
 *
 * Pure: no I/O, no clock; memory through vf_alloc. One memory at a time. The
 * caller lists every sector (the memory's smallest erase unit) that may be
 * changed, with what is known of it. The planner chooses among all erase sizes,
 * the whole memory's included, and which pages to program with and without an
 * erase, so that
 *
 *     max(time of the link, time of the chip) + time of keeping
 *
 * is least. Link: the bytes programmed. Chip: typical times of erases and pages,
 * each page's read-back included. Keeping: reading what has to survive. While the
 * whole memory is erased the link is of use only as far as the board can hold what
 * arrives; smaller erases are spread so that it never has to wait. The
 * choice is exact: `total_us` equals `bound_us`, below which nothing is possible;
 * where proving that takes too long (no such case is known from practice) the
 * best plan found is given and the bound stands below it.
 *
 * What the planner relies on without knowing it (VF_PLAN_UNREAD, VF_PLAN_UNSEEN)
 * must be learned before a plan is carried out: look at those sectors inside
 * erases of the plan, and plan again.
 */
#ifndef VCPFLASH_PLAN_H
#define VCPFLASH_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include <vcpflash/alloc.h>
#include <vcpflash/flash.h>

enum vf_sector_state {
	VF_SECTOR_SAME,  /* holds what it should: needs nothing by itself */
	VF_SECTOR_BLANK, /* is erased, and should hold something */
	VF_SECTOR_DIRTY, /* holds something else */
};

enum vf_plan_known {
	VF_PLAN_KNOWN,  /* what it should hold can be asked of `content` */
	VF_PLAN_UNREAD, /* SAME, but its bytes would have to be read (learn_us) before an
			 * erase; taken as a sector without a page of 0xFF */
	VF_PLAN_UNSEEN, /* nobody looked; nothing is wanted of it but that it stays. Hoped
			 * to be blank; finding out takes learn_us */
};

typedef struct vf_plan_sector {
	uint32_t index;         /* sector number within the memory; ascending in a list */
	uint8_t state;          /* enum vf_sector_state */
	uint8_t known;          /* enum vf_plan_known; not KNOWN: state is SAME */
	uint32_t learn_us;      /* with UNREAD and UNSEEN */
	const uint8_t *present; /* DIRTY: what it holds now, all of it; NULL: not known, so
				 * that it can only be erased */
} vf_plan_sector;

enum vf_plan_kind { VF_PLAN_ERASE = 1, VF_PLAN_PROGRAM = 2 };

typedef struct vf_plan_step {
	uint8_t kind;    /* enum vf_plan_kind */
	uint32_t offset; /* within the memory */
	uint32_t len;
} vf_plan_step;

/* Where the planner asks. Both are called with whole pages within one sector. */
typedef struct vf_plan_source {
	void *ctx;
	/* Bytes that should be in [offset, offset+len) of the memory after the run:
	 * the image, the bytes that must be kept, 0xFF elsewhere. */
	void (*content)(void *ctx, uint32_t offset, uint8_t *out, uint32_t len);
	/* Bytes that they take on the link; NULL: len. */
	uint32_t (*packed)(void *ctx, uint32_t offset, uint32_t len);
	uint64_t link_rate; /* bytes a second; 0: so many that it does not matter */
	uint32_t ahead;     /* bytes that the board holds while the chip is busy */
} vf_plan_source;

typedef struct vf_plan {
	/* In execution order: every erase before what is programmed in it. Erases that
	 * nothing waits for are spread among the programs, so that data for these
	 * stream while the chip erases. */
	vf_plan_step *steps;
	size_t count;
	uint64_t erase_bytes;
	uint64_t program_bytes;
	uint64_t changed_bytes; /* of the sectors that a step touches */
	uint64_t erase_us;      /* typical times, summed */
	uint64_t program_us;
	uint64_t link_us;
	uint64_t learn_us; /* for what the plan relies on */
	uint64_t stall_us; /* the link has to wait for an erase of the whole memory */
	uint64_t total_us; /* max(erase + program, link + stall) + learn */
	uint64_t bound_us; /* no plan takes less */
} vf_plan;

/* VF_OK, VF_E_NOMEM. `sectors` lists every sector that may be changed; a larger
 * unit is erased only where all of its sectors are listed. */
int vf_plan_make(vf_plan *plan, const vf_alloc *alloc, const vf_memory *memory,
		 const vf_plan_sector *sectors, size_t count, const vf_plan_source *source);
void vf_plan_free(vf_plan *plan, const vf_alloc *alloc);

/* Typical time of one page with its read-back, and of one erase; a time that is
 * not known is taken as a quarter of the maximum. */
uint32_t vf_plan_page_us(const vf_memory *memory);
uint32_t vf_plan_erase_us(const vf_memory *memory, unsigned type);

#endif
