/* spans.c - lists of ranges: united, cut, joined. They are short, so that every
 * operation simply walks them. */
#include "spans.h"

#include <string.h>

void vf_spans_free(vf_spans *l, const vf_alloc *alloc)
{
	vf_free(alloc, l->at);
	*l = (vf_spans){0};
}

static void drop(vf_spans *l, size_t i)
{
	memmove(l->at + i, l->at + i + 1, (l->count - i - 1) * sizeof *l->at);
	l->count--;
}

int vf_spans_insert(vf_spans *l, const vf_alloc *alloc, size_t i, vf_span s)
{
	if (l->count == l->room) {
		const size_t room = l->room == 0 ? 16 : l->room * 2;
		void *at = vf_resize(alloc, l->at, room * sizeof *l->at);
		if (at == NULL)
			return VF_E_NOMEM;
		l->at = at;
		l->room = room;
	}
	memmove(l->at + i + 1, l->at + i, (l->count - i) * sizeof *l->at);
	l->at[i] = s;
	l->count++;
	return VF_OK;
}

/* The first that does not end before `s` begins. */
static size_t first_at(const vf_spans *l, vf_span s)
{
	size_t i = 0;
	while (i < l->count && (l->at[i].memory < s.memory ||
				(l->at[i].memory == s.memory && l->at[i].to < s.from)))
		i++;
	return i;
}

int vf_spans_add(vf_spans *l, const vf_alloc *alloc, vf_span s)
{
	const size_t i = first_at(l, s);
	if (s.from >= s.to)
		return VF_OK;
	while (i < l->count && l->at[i].memory == s.memory && l->at[i].from <= s.to) {
		s.from = l->at[i].from < s.from ? l->at[i].from : s.from;
		s.to = l->at[i].to > s.to ? l->at[i].to : s.to;
		drop(l, i);
	}
	return vf_spans_insert(l, alloc, i, s);
}

int vf_spans_cut(vf_spans *l, const vf_alloc *alloc, vf_span s)
{
	for (size_t i = first_at(l, s); i < l->count && l->at[i].memory == s.memory;) {
		vf_span *is = &l->at[i];
		const vf_span rest = {s.memory, s.to, is->to};
		if (is->from >= s.to)
			break;
		if (is->to <= s.from) {
			i++;
			continue;
		}
		is->to = is->from < s.from ? s.from : is->from;
		if (is->from == is->to)
			drop(l, i);
		else
			i++;
		if (rest.from < rest.to)
			return vf_spans_insert(l, alloc, i, rest);
	}
	return VF_OK;
}

int vf_spans_add_all(vf_spans *l, const vf_alloc *alloc, const vf_spans *other)
{
	int status = VF_OK;
	for (size_t i = 0; i < other->count && status == VF_OK; i++)
		status = vf_spans_add(l, alloc, other->at[i]);
	return status;
}

int vf_spans_cut_all(vf_spans *l, const vf_alloc *alloc, const vf_spans *other)
{
	int status = VF_OK;
	for (size_t i = 0; i < other->count && status == VF_OK; i++)
		status = vf_spans_cut(l, alloc, other->at[i]);
	return status;
}

static vf_span common(vf_span a, vf_span b)
{
	const vf_span s = {a.memory, a.from > b.from ? a.from : b.from, a.to < b.to ? a.to : b.to};
	return a.memory == b.memory ? s : (vf_span){0};
}

int vf_spans_add_common(vf_spans *l, const vf_alloc *alloc, const vf_spans *a, const vf_spans *b)
{
	int status = VF_OK;
	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count && status == VF_OK; k++)
			status = vf_spans_add(l, alloc, common(a->at[i], b->at[k]));
	return status;
}

void vf_spans_join(vf_spans *l, size_t most)
{
	while (l->count > most) {
		size_t best = 0;
		uint64_t least = UINT64_MAX;
		for (size_t i = 1; i < l->count; i++) {
			const uint64_t gap = l->at[i].from - l->at[i - 1].to;
			if (l->at[i].memory != l->at[i - 1].memory || gap >= least)
				continue;
			least = gap;
			best = i;
		}
		if (best == 0)
			return;
		l->at[best - 1].to = l->at[best].to;
		drop(l, best);
	}
}

bool vf_spans_equal(const vf_spans *a, const vf_spans *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->at[i].memory != b->at[i].memory || a->at[i].from != b->at[i].from ||
		    a->at[i].to != b->at[i].to)
			return false;
	return true;
}

bool vf_spans_touch(const vf_spans *l, vf_span s)
{
	for (size_t i = 0; i < l->count; i++) {
		const vf_span c = common(l->at[i], s);
		if (c.from < c.to)
			return true;
	}
	return false;
}
