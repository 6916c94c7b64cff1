/* plan_internal.h - what the files of the planner share.
 *
 * plan_cost.c finds out what leaving and erasing each sector would take,
 * plan_choose.c chooses the erases by bounds, plan_front.c proves the choice or
 * finds a better one, plan.c makes steps of it. Costs are pairs, time of the
 * link and of the chip; learning what is not known delays both. */
#ifndef VF_PLAN_INTERNAL_H
#define VF_PLAN_INTERNAL_H

#include <stdbool.h>
#include <string.h>

#include <vcpflash/plan.h>
#include <vcpflash/status.h>

#define VF_PLAN_LEAVE 0xFFu      /* in place of an erase type */
#define VF_PLAN_NONE  UINT32_MAX /* no node, no bitmap */

typedef struct vf_plan_cost {
	uint64_t link, chip;
} vf_plan_cost;

typedef struct vf_plan_leaf {
	vf_plan_cost leave, erased;     /* `erased` without the erase itself */
	uint32_t leave_map, erased_map; /* bitmaps of pages to program, offsets in `maps` */
	bool may_leave;
	uint8_t type; /* chosen: the erase that clears it, or VF_PLAN_LEAVE */
} vf_plan_leaf;

/* A unit of some erase type where there is something to choose. Children stand
 * before their parents, the root last. */
typedef struct vf_plan_node {
	uint32_t first, end;             /* leaves */
	uint32_t parent, child, sibling; /* first child, next one of the parent's */
	uint8_t type;
	bool may_erase, may_split; /* as a whole; leave it to the children (leaf: as it is) */
	bool erase;                /* the better choice at the weights of the last pass */
	vf_plan_cost whole;        /* erase it and program all of it */
	vf_plan_cost split;        /* children summed (leaf: left) */
	vf_plan_cost best;         /* at the weights of the last pass */
} vf_plan_node;

typedef struct vf_plan_weights {
	uint64_t link, chip; /* at most 2^20 */
} vf_plan_weights;

typedef struct vf_planner {
	vf_plan *plan;
	const vf_alloc *alloc;
	const vf_memory *memory;
	const vf_plan_source *source;
	const vf_plan_sector *sectors;
	size_t count;
	uint32_t sector, page, pages; /* sizes; pages a sector */
	uint32_t page_us;
	vf_plan_leaf *leaves;
	uint8_t *maps;
	size_t maps_len, maps_room;
	uint8_t *chunk;
	uint32_t chunk_len;
	vf_plan_node *nodes;
	size_t node_count, node_room;
	vf_plan_cost fixed; /* of leaves in no node: they have no choice */
	bool no_memory;
} vf_planner;

static inline uint64_t vf_plan_max(vf_plan_cost c)
{
	return c.link > c.chip ? c.link : c.chip;
}

static inline vf_plan_cost vf_plan_add(vf_plan_cost a, vf_plan_cost b)
{
	return (vf_plan_cost){a.link + b.link, a.chip + b.chip};
}

static inline uint64_t vf_plan_weigh(vf_plan_weights w, vf_plan_cost c)
{
	return w.link * c.link + w.chip * c.chip;
}

static inline bool vf_plan_bit(const vf_planner *p, uint32_t map, uint32_t page)
{
	return map != VF_PLAN_NONE && (p->maps[map + page / 8] >> page % 8 & 1) != 0;
}

/* plan_cost.c */
bool vf_plan_room(vf_planner *p, void **array, size_t *room, size_t count, size_t size);
uint32_t vf_plan_sectors_per(const vf_planner *p, unsigned type);
/* How long the link has to wait for an erase. */
uint64_t vf_plan_stall_us(const vf_planner *p, unsigned type);
/* Fills in `leaves[at]`; `erased`: the cost after an erase is wanted too. */
void vf_plan_leaf_cost(vf_planner *p, size_t at, bool erased);

/* plan_choose.c: sets the type of every leaf, and the plan's bound */
void vf_plan_choose(vf_planner *p);
void vf_plan_pick(vf_planner *p, uint32_t node, uint8_t type);

/* plan_front.c: searches the choices whose weighted cost is at most `slack` above
 * the least, for one of a maximum below *least; puts it into the leaves. False:
 * gave up. The nodes are as the pass at these weights left them. */
bool vf_plan_front(vf_planner *p, vf_plan_weights w, uint64_t slack, uint64_t *least);

#endif
