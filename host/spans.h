/* spans.h - lists of ranges of a board's memories: what a set consists of, what is
 * torn. Ascending, apart from each other, each in one memory; in bytes from the
 * memory's base. Freed with vf_spans_free; all zero is an empty list. */
#ifndef VF_SPANS_H
#define VF_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/alloc.h>
#include <vcpflash/status.h>

typedef struct vf_span {
	uint8_t memory;
	uint32_t from, to; /* to: past the last byte */
} vf_span;

typedef struct vf_spans {
	vf_span *at;
	size_t count, room;
} vf_spans;

void vf_spans_free(vf_spans *l, const vf_alloc *alloc);
/* Unites with, and takes away, a range or a list. VF_OK or VF_E_NOMEM. */
int vf_spans_add(vf_spans *l, const vf_alloc *alloc, vf_span s);
/* As it is, at place `i`: for a list that is not to be united. */
int vf_spans_insert(vf_spans *l, const vf_alloc *alloc, size_t i, vf_span s);
int vf_spans_cut(vf_spans *l, const vf_alloc *alloc, vf_span s);
int vf_spans_add_all(vf_spans *l, const vf_alloc *alloc, const vf_spans *other);
int vf_spans_cut_all(vf_spans *l, const vf_alloc *alloc, const vf_spans *other);
/* Adds to `l` what two lists have in common. */
int vf_spans_add_common(vf_spans *l, const vf_alloc *alloc, const vf_spans *a, const vf_spans *b);
/* Joins those that are nearest to each other until there are at most `most`; those
 * in different memories are never joined. */
void vf_spans_join(vf_spans *l, size_t most);
bool vf_spans_equal(const vf_spans *a, const vf_spans *b);
bool vf_spans_touch(const vf_spans *l, vf_span s); /* have they a byte in common? */

#endif
