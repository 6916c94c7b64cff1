/* alloc.h - how the host-side engines get memory: from their caller.
 *
 * One function serves all: `size` 0 frees `p` and returns NULL; `p` NULL
 * allocates; otherwise it resizes, and on failure returns NULL and leaves `p`
 * valid. Memory is aligned for any type. `ctx` is handed back unchanged.
 */
#ifndef VCPFLASH_ALLOC_H
#define VCPFLASH_ALLOC_H

#include <stddef.h>

typedef struct vf_alloc {
	void *(*resize)(void *ctx, void *p, size_t size);
	void *ctx;
} vf_alloc;

static inline void *vf_resize(const vf_alloc *a, void *p, size_t size)
{
	return a->resize(a->ctx, p, size);
}

static inline void vf_free(const vf_alloc *a, void *p)
{
	if (p != NULL)
		(void)a->resize(a->ctx, p, 0);
}

#endif
