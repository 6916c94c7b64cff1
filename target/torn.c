/* torn.c - short lists of torn ranges: ascending, apart from each other, and never
 * saying less than they were told. What there is no room for is joined with what is
 * nearest.
 */
#include <string.h>

#include "journal.h"

typedef struct list {
	unsigned count;
	vf_range range[VF_WIRE_TORN_MAX + 1]; /* one too many, for a moment */
} list;

static uint32_t end_of(const vf_range *r)
{
	return r->offset + r->len;
}

static bool meets(const vf_range *a, const vf_range *b)
{
	return a->offset < end_of(b) && b->offset < end_of(a);
}

/* Joins ranges i and i + 1. */
static void join(list *l, unsigned i)
{
	l->range[i].len = end_of(&l->range[i + 1]) - l->range[i].offset;
	l->count--;
	for (unsigned k = i + 1; k < l->count; k++)
		l->range[k] = l->range[k + 1];
}

static void join_nearest(list *l)
{
	unsigned best = 0;
	uint32_t least = UINT32_MAX;
	for (unsigned i = 0; i + 1 < l->count; i++) {
		uint32_t gap = l->range[i + 1].offset - end_of(&l->range[i]);
		if (gap < least) {
			least = gap;
			best = i;
		}
	}
	join(l, best);
}

static void keep(vf_torn *torn, list *l)
{
	if (l->count > VF_WIRE_TORN_MAX)
		join_nearest(l);
	torn->count = (uint8_t)l->count;
	memcpy(torn->range, l->range, l->count * sizeof l->range[0]);
}

/* Appends what begins no earlier than all before it, and swallows what it touches. */
static void append(list *l, const vf_range *r)
{
	vf_range *last = l->count != 0 ? &l->range[l->count - 1] : NULL;
	if (last == NULL || r->offset > end_of(last))
		l->range[l->count++] = *r;
	else if (end_of(r) > end_of(last))
		last->len = end_of(r) - last->offset;
}

void vf_j_torn_add(vf_torn *torn, const vf_range *range)
{
	list l = {0};
	unsigned i = 0;
	if (range->len == 0)
		return;
	while (i < torn->count && torn->range[i].offset < range->offset)
		append(&l, &torn->range[i++]);
	append(&l, range);
	while (i < torn->count)
		append(&l, &torn->range[i++]);
	keep(torn, &l);
}

void vf_j_torn_cut(vf_torn *torn, const vf_range *range)
{
	list l = {0};
	if (range->len == 0)
		return;
	for (unsigned i = 0; i < torn->count; i++) {
		const vf_range *r = &torn->range[i];
		if (!meets(r, range)) {
			l.range[l.count++] = *r;
			continue;
		}
		if (r->offset < range->offset)
			l.range[l.count++] = (vf_range){r->offset, range->offset - r->offset};
		if (end_of(r) > end_of(range))
			l.range[l.count++] = (vf_range){end_of(range), end_of(r) - end_of(range)};
	}
	keep(torn, &l);
}

bool vf_j_torn_meets(const vf_torn *torn, const vf_range *range)
{
	for (unsigned i = 0; i < torn->count; i++) {
		if (meets(&torn->range[i], range))
			return true;
	}
	return false;
}
