/* plan_front.c - the choices between the bound and the best plan so far.
 *
 * For every node of the tree the costs that no other choice there beats in both,
 * link and chip, as long as their weighted cost is not further above the node's
 * least than a plan may be that is still of interest. Few are: so lists stay
 * short, and most nodes have one entry, which is only added up. */
#include "plan_internal.h"

enum {
	POINTS_MAX = 1 << 19, /* remembered */
	WORK_MAX = 1 << 22,   /* compared */
};

/* What a point's `left` says in place of a point. */
#define ERASED UINT32_MAX       /* as a whole */
#define LEFT   (UINT32_MAX - 1) /* a leaf, as it is */
#define BASE   (UINT32_MAX - 2) /* all children with one point, and no other yet */

/* One choice below a node: that of `left`, and point `right` of a further child. */
typedef struct point {
	vf_plan_cost cost;
	uint32_t left, right, child;
} point;

typedef struct list {
	uint32_t at, count; /* of the points: ascending by link, descending by chip */
} list;

typedef struct buffer {
	point *points;
	size_t room;
} buffer;

typedef struct front {
	vf_planner *p;
	vf_plan_weights w;
	buffer points, mix, spare;
	size_t count;
	list *lists; /* of the nodes */
	size_t work;
	bool failed;
} front;

static bool reserve(front *f, buffer *b, size_t count)
{
	void *points = b->points;
	if (!vf_plan_room(f->p, &points, &b->room, count, sizeof *b->points)) {
		f->failed = true;
		return false;
	}
	b->points = points;
	return true;
}

static void remember(front *f, list *l, point what)
{
	if (f->count >= POINTS_MAX || !reserve(f, &f->points, f->count + 1)) {
		f->failed = true;
		return;
	}
	f->points.points[f->count++] = what;
	l->count++;
}

/* --- joining lists ---------------------------------------------------------------- */

/* Appends to a list ascending by link unless something there is as good. */
static size_t append(point *out, size_t count, const point *what)
{
	if (count > 0 && out[count - 1].cost.chip <= what->cost.chip)
		return count;
	out[count] = *what;
	return count + 1;
}

static bool before(const point *a, const point *b)
{
	if (a->cost.link != b->cost.link)
		return a->cost.link < b->cost.link;
	return a->cost.chip <= b->cost.chip;
}

/* Adds to `mix` all of `a`, each with one point of a child. */
static size_t mix_in(front *f, size_t count, list a, uint32_t right, uint32_t child, uint64_t most)
{
	if (!reserve(f, &f->spare, count + a.count))
		return 0;
	const vf_plan_cost more = f->points.points[right].cost;
	point *out = f->spare.points;
	size_t i = 0, k = 0, n = 0;
	point next = {.right = right, .child = child};
	f->work += count + a.count;
	while (i < count || k < a.count) {
		if (k < a.count) {
			next.left = a.at + (uint32_t)k;
			next.cost = vf_plan_add(f->points.points[next.left].cost, more);
		}
		if (k == a.count || (i < count && before(&f->mix.points[i], &next))) {
			n = append(out, n, &f->mix.points[i++]);
			continue;
		}
		if (vf_plan_weigh(f->w, next.cost) <= most)
			n = append(out, n, &next);
		k++;
	}
	const buffer swap = f->mix;
	f->mix = f->spare;
	f->spare = swap;
	return n;
}

/* All sums of both, the beaten ones and those above `most` left out. */
static list join(front *f, list a, uint32_t child, uint64_t most)
{
	const list b = f->lists[child];
	size_t count = 0;
	for (uint32_t i = 0; i < b.count && !f->failed; i++) {
		count = mix_in(f, count, a, b.at + i, child, most);
		f->failed = f->failed || f->work > WORK_MAX;
	}
	list out = {.at = (uint32_t)f->count};
	for (size_t i = 0; i < count && !f->failed; i++)
		remember(f, &out, f->mix.points[i]);
	return out;
}

/* --- nodes ------------------------------------------------------------------------- */

static void find(front *f, uint32_t n, uint64_t slack);

static list find_children(front *f, const vf_plan_node *node, uint64_t slack)
{
	const vf_plan_node *nodes = f->p->nodes;
	point base = {.left = BASE};
	uint64_t least = 0;
	if (node == &nodes[f->p->node_count - 1]) {
		base.cost = f->p->fixed;
		least = vf_plan_weigh(f->w, base.cost);
	}
	for (uint32_t c = node->child; c != VF_PLAN_NONE && !f->failed; c = nodes[c].sibling) {
		find(f, c, slack);
		if (f->failed || f->lists[c].count != 1)
			continue;
		base.cost = vf_plan_add(base.cost, f->points.points[f->lists[c].at].cost);
		least += vf_plan_weigh(f->w, nodes[c].best);
	}
	list out = {.at = (uint32_t)f->count};
	remember(f, &out, base);
	for (uint32_t c = node->child; c != VF_PLAN_NONE && !f->failed; c = nodes[c].sibling) {
		if (f->lists[c].count == 1)
			continue;
		least += vf_plan_weigh(f->w, nodes[c].best);
		out = join(f, out, c, least + slack);
	}
	return out;
}

/* The list of a node with one more point, in its place. */
static list with(front *f, list a, const point *what)
{
	if (!reserve(f, &f->mix, (size_t)a.count + 1))
		return a;
	size_t n = 0;
	bool put = false;
	for (uint32_t i = 0; i < a.count; i++) {
		const point each = f->points.points[a.at + i];
		if (!put && before(what, &each)) {
			n = append(f->mix.points, n, what);
			put = true;
		}
		n = append(f->mix.points, n, &each);
	}
	if (!put)
		n = append(f->mix.points, n, what);
	list out = {.at = (uint32_t)f->count};
	for (size_t i = 0; i < n; i++)
		remember(f, &out, f->mix.points[i]);
	return out;
}

static void find(front *f, uint32_t n, uint64_t slack)
{
	const vf_plan_node *node = &f->p->nodes[n];
	const uint64_t most = vf_plan_weigh(f->w, node->best) + slack;
	const uint64_t split = vf_plan_weigh(f->w, node->split);
	list out = {.at = (uint32_t)f->count};
	if (node->may_split && split <= most) {
		if (node->child != VF_PLAN_NONE)
			out = find_children(f, node, most - split);
		else
			remember(f, &out, (point){.cost = node->split, .left = LEFT});
	}
	if (node->may_erase && vf_plan_weigh(f->w, node->whole) <= most && !f->failed)
		out = with(f, out, &(point){.cost = node->whole, .left = ERASED});
	f->lists[n] = out;
}

/* --- back to the leaves --------------------------------------------------------------- */

static void pick(front *f, uint32_t n, uint32_t at)
{
	const vf_plan_node *nodes = f->p->nodes;
	const point *what = &f->points.points[at];
	if (what->left == ERASED || what->left == LEFT) {
		vf_plan_pick(f->p, n, what->left == ERASED ? nodes[n].type : VF_PLAN_LEAVE);
		return;
	}
	for (uint32_t c = nodes[n].child; c != VF_PLAN_NONE; c = nodes[c].sibling)
		if (f->lists[c].count == 1)
			pick(f, c, f->lists[c].at);
	for (; what->left != BASE; what = &f->points.points[what->left])
		pick(f, what->child, what->right);
}

static void take_best(front *f, uint32_t root, uint64_t *least)
{
	const list l = f->lists[root];
	uint32_t best = BASE;
	for (uint32_t i = 0; i < l.count; i++) {
		const uint64_t max = vf_plan_max(f->points.points[l.at + i].cost);
		if (max >= *least)
			continue;
		*least = max;
		best = l.at + i;
	}
	if (best != BASE)
		pick(f, root, best);
}

bool vf_plan_front(vf_planner *p, vf_plan_weights w, uint64_t slack, uint64_t *least)
{
	const uint32_t root = (uint32_t)p->node_count - 1;
	front f = {.p = p, .w = w};
	f.lists = vf_resize(p->alloc, NULL, p->node_count * sizeof *f.lists);
	if (f.lists == NULL)
		p->no_memory = true;
	else
		find(&f, root, slack);
	const bool done = f.lists != NULL && !f.failed;
	if (done)
		take_best(&f, root, least);
	vf_free(p->alloc, f.points.points);
	vf_free(p->alloc, f.mix.points);
	vf_free(p->alloc, f.spare.points);
	vf_free(p->alloc, f.lists);
	return done;
}
