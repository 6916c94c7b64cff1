/* plan_choose.c - which erases.
 *
 * Erase sizes are nested, so units form a tree, and what is right for one unit
 * depends on others only through the sum: the link's time and the chip's are
 * summed apart, and the larger one counts. For any weights of the two, the least
 * weighted sum is found in one pass over the tree, and is a bound for every plan.
 * Weights are turned until the bound is highest; mostly a plan found on the way
 * meets it. Where none does, plan_front.c searches what lies between. */
#include "plan_internal.h"

enum {
	WEIGHT_MAX = 1 << 20, /* weighted sums of hours stay below 2^64 */
	TURNS_MAX = 64,
	SLACK_FIRST = 64, /* the first search covers this part of what is open */
	SLACK_STEP = 8,
};

/* --- the tree ------------------------------------------------------------------ */

/* Erasing less costs neither link nor chip more where single sectors together take
 * no longer: then the whole unit need not be weighed. */
static bool worth_weighing(const vf_planner *p, unsigned type, size_t from, size_t to)
{
	const vf_erase_type *e = &p->memory->erase[type];
	uint64_t dirty = 0;
	if (to - from != vf_plan_sectors_per(p, type))
		return false;
	/* An erase of the whole memory takes minutes: never on a guess. */
	if (e->typ_us == 0 && e->size == p->memory->size && type > 0)
		return false;
	for (size_t i = from; i < to; i++)
		dirty += p->sectors[i].state == VF_SECTOR_DIRTY;
	return dirty * vf_plan_erase_us(p->memory, 0) > vf_plan_erase_us(p->memory, type);
}

static uint32_t new_node(vf_planner *p, unsigned type, size_t from, size_t to)
{
	void *nodes = p->nodes;
	if (!vf_plan_room(p, &nodes, &p->node_room, p->node_count + 1, sizeof *p->nodes))
		return VF_PLAN_NONE;
	p->nodes = nodes;
	p->nodes[p->node_count] = (vf_plan_node){.first = (uint32_t)from,
						 .end = (uint32_t)to,
						 .parent = VF_PLAN_NONE,
						 .child = VF_PLAN_NONE,
						 .sibling = VF_PLAN_NONE,
						 .type = (uint8_t)type};
	return (uint32_t)p->node_count++;
}

static uint32_t leaf_node(vf_planner *p, size_t at, bool inside)
{
	const bool dirty = p->sectors[at].state == VF_SECTOR_DIRTY;
	vf_plan_leaf *leaf = &p->leaves[at];
	vf_plan_leaf_cost(p, at, inside);
	if (!dirty && !inside) {
		p->fixed = vf_plan_add(p->fixed, leaf->leave);
		return VF_PLAN_NONE;
	}
	const uint32_t n = new_node(p, 0, at, at + 1);
	if (n == VF_PLAN_NONE)
		return n;
	vf_plan_node *node = &p->nodes[n];
	node->may_erase = dirty;
	node->may_split = leaf->may_leave;
	node->split = leaf->leave;
	node->whole = leaf->erased;
	return n;
}

static uint32_t build(vf_planner *p, unsigned type, size_t from, size_t to, bool inside);

/* Builds the units of `type` in [from, to); gives the last of their list. */
static uint32_t build_units(vf_planner *p, unsigned type, size_t from, size_t to, bool inside)
{
	const uint32_t per = vf_plan_sectors_per(p, type);
	uint32_t last = VF_PLAN_NONE;
	for (size_t i = from, end; i < to; i = end) {
		const uint32_t unit = p->sectors[i].index / per;
		for (end = i + 1; end < to && p->sectors[end].index / per == unit; end++) {
		}
		const uint32_t n = build(p, type, i, end, inside);
		if (n == VF_PLAN_NONE)
			continue;
		p->nodes[n].sibling = last;
		last = n;
	}
	return last;
}

static void join_children(vf_planner *p, uint32_t n, uint32_t child)
{
	vf_plan_node *node = &p->nodes[n];
	node->child = child;
	node->may_split = true;
	for (; child != VF_PLAN_NONE; child = p->nodes[child].sibling) {
		p->nodes[child].parent = n;
		node->whole = vf_plan_add(node->whole, p->nodes[child].whole);
	}
}

/* `inside`: a larger unit is weighed, so that what is right already counts too.
 * `whole` is without the time of the erase until all is built. */
static uint32_t build(vf_planner *p, unsigned type, size_t from, size_t to, bool inside)
{
	if (p->no_memory)
		return VF_PLAN_NONE;
	if (type == 0)
		return leaf_node(p, from, inside);
	const bool weigh = worth_weighing(p, type, from, to);
	const uint32_t child = build_units(p, type - 1, from, to, inside || weigh);
	if (child == VF_PLAN_NONE)
		return child;
	const uint32_t n = new_node(p, type, from, to);
	if (n == VF_PLAN_NONE)
		return n;
	join_children(p, n, child);
	p->nodes[n].may_erase = weigh;
	return n;
}

static bool build_all(vf_planner *p)
{
	const unsigned top = p->memory->erase_types - 1u;
	const uint32_t last = build_units(p, top, 0, p->count, false);
	const uint32_t root = p->no_memory ? VF_PLAN_NONE : new_node(p, top, 0, p->count);
	if (root == VF_PLAN_NONE)
		return false;
	join_children(p, root, last);
	for (uint32_t n = 0; n < root; n++)
		p->nodes[n].whole.chip += vf_plan_erase_us(p->memory, p->nodes[n].type);
	return true;
}

/* --- one pass --------------------------------------------------------------------- */

static bool better(vf_plan_weights w, vf_plan_cost a, vf_plan_cost b)
{
	const uint64_t x = vf_plan_weigh(w, a);
	const uint64_t y = vf_plan_weigh(w, b);
	return x != y ? x < y : a.link + a.chip < b.link + b.chip;
}

/* The least weighted sum; of equal ones the least plain sum. */
static vf_plan_cost pass(vf_planner *p, vf_plan_weights w)
{
	const size_t root = p->node_count - 1;
	for (size_t n = 0; n <= root; n++)
		if (p->nodes[n].child != VF_PLAN_NONE)
			p->nodes[n].split = n == root ? p->fixed : (vf_plan_cost){0, 0};
	if (p->nodes[root].child == VF_PLAN_NONE)
		p->nodes[root].split = p->fixed;
	for (size_t n = 0; n <= root; n++) {
		vf_plan_node *node = &p->nodes[n];
		node->erase = node->may_erase &&
			      (!node->may_split || better(w, node->whole, node->split));
		node->best = node->erase ? node->whole : node->split;
		if (n == root)
			break;
		vf_plan_node *parent = &p->nodes[node->parent];
		parent->split = vf_plan_add(parent->split, node->best);
	}
	return p->nodes[root].best;
}

void vf_plan_pick(vf_planner *p, uint32_t n, uint8_t type)
{
	for (uint32_t i = p->nodes[n].first; i < p->nodes[n].end; i++)
		p->leaves[i].type = type;
}

/* The choice of the last pass, from the root down: parents overrule. */
static void pick_all(vf_planner *p)
{
	for (size_t n = 0; n < p->node_count; n++)
		if (p->nodes[n].erase)
			vf_plan_pick(p, (uint32_t)n, p->nodes[n].type);
		else if (p->nodes[n].child == VF_PLAN_NONE)
			vf_plan_pick(p, (uint32_t)n, VF_PLAN_LEAVE);
}

/* --- turning the weights ------------------------------------------------------------ */

typedef struct search {
	uint64_t least; /* maximum of the best plan so far, which stands in the leaves */
	uint64_t bound;
	vf_plan_weights weights; /* that gave the bound */
} search;

static vf_plan_cost try_weights(vf_planner *p, search *s, vf_plan_weights w)
{
	const vf_plan_cost c = pass(p, w);
	const uint64_t sum = w.link + w.chip;
	const uint64_t bound = (vf_plan_weigh(w, c) + sum - 1) / sum;
	if (bound >= s->bound) {
		s->bound = bound;
		s->weights = w;
	}
	if (vf_plan_max(c) < s->least) {
		s->least = vf_plan_max(c);
		pick_all(p);
	}
	return c;
}

/* Weights at which both weigh the same. */
static vf_plan_weights between(vf_plan_cost slow_chip, vf_plan_cost slow_link)
{
	vf_plan_weights w = {.link = slow_chip.chip - slow_link.chip,
			     .chip = slow_link.link - slow_chip.link};
	while (w.link > WEIGHT_MAX || w.chip > WEIGHT_MAX) {
		w.link = (w.link + 1) / 2;
		w.chip = (w.chip + 1) / 2;
	}
	return w;
}

static void turn(vf_planner *p, search *s)
{
	vf_plan_cost slow_link = try_weights(p, s, (vf_plan_weights){.link = 0, .chip = 1});
	if (slow_link.link <= slow_link.chip)
		return;
	vf_plan_cost slow_chip = try_weights(p, s, (vf_plan_weights){.link = 1, .chip = 0});
	if (slow_chip.chip <= slow_chip.link)
		return;
	for (unsigned i = 0; i < TURNS_MAX && s->bound < s->least; i++) {
		const vf_plan_weights w = between(slow_chip, slow_link);
		const vf_plan_cost c = try_weights(p, s, w);
		if (vf_plan_weigh(w, c) >= vf_plan_weigh(w, slow_link) ||
		    vf_plan_weigh(w, c) >= vf_plan_weigh(w, slow_chip))
			return;
		*(c.link > c.chip ? &slow_link : &slow_chip) = c;
	}
}

/* How far above the least weighted sum a plan may be that is better than `least`. */
static bool slack_of(const search *s, uint64_t weighed, uint64_t *slack)
{
	const uint64_t most = (s->weights.link + s->weights.chip) * (s->least - 1);
	*slack = most >= weighed ? most - weighed : 0;
	return most >= weighed;
}

/* First near the bound, where something better mostly is: that narrows the rest. */
static void search_between(vf_planner *p, search *s)
{
	uint64_t open, part = SLACK_FIRST;
	const uint64_t weighed = vf_plan_weigh(s->weights, pass(p, s->weights));
	while (slack_of(s, weighed, &open)) {
		if (!vf_plan_front(p, s->weights, open / part, &s->least))
			return;
		if (part == 1)
			break;
		part = part > SLACK_STEP ? part / SLACK_STEP : 1;
	}
	if (!p->no_memory)
		s->bound = s->least;
}

/* Erasing the whole memory is one plan, all others are the search's: a choice so
 * large within the tree would leave the bound far below both. And the link idles
 * meanwhile, once the board is full. */
static void set_whole_apart(vf_planner *p, search *s)
{
	const uint32_t n = p->nodes[p->node_count - 1].child;
	if (n == VF_PLAN_NONE || p->memory->erase[p->nodes[n].type].size != p->memory->size ||
	    !p->nodes[n].may_erase || !p->nodes[n].may_split)
		return;
	const vf_plan_cost stall = {vf_plan_stall_us(p, p->nodes[n].type), 0};
	s->least = vf_plan_max(vf_plan_add(p->nodes[n].whole, stall));
	vf_plan_pick(p, n, p->nodes[n].type);
	p->nodes[n].may_erase = false;
}

void vf_plan_choose(vf_planner *p)
{
	search s = {.least = UINT64_MAX};
	if (!build_all(p))
		return;
	set_whole_apart(p, &s);
	turn(p, &s);
	if (s.bound < s.least)
		search_between(p, &s);
	p->plan->total_us = s.least;
	p->plan->bound_us = s.bound < s.least ? s.bound : s.least;
}
