/* packs.c - compressed blocks that jobs of one gang share. Boards that are programmed
 * alike ask for the same blocks one after the other; a block whose bytes differ (what a
 * board kept from before is in it) is another block. */
#include <stdlib.h>
#include <string.h>

#include "client_internal.h"

enum { BUCKETS = 4096 };
#define BUDGET ((size_t)256 << 20) /* bytes; beyond it blocks are made by each for itself */

typedef struct pack {
	struct pack *next;
	uint32_t offset;
	uint8_t flags;
	size_t len, size;
	uint8_t bytes[]; /* `len` plain ones, then `size` packed ones where that is less */
} pack;

struct vf_packs {
	size_t used;
	pack *bucket[BUCKETS];
};

vf_packs *vf_packs_new(void)
{
	vf_packs *p = vf_resize(&vf_io_alloc, NULL, sizeof *p);
	if (p != NULL)
		memset(p, 0, sizeof *p);
	return p;
}

void vf_packs_free(vf_packs *p)
{
	for (size_t i = 0; p != NULL && i < BUCKETS; i++) {
		for (pack *k = p->bucket[i], *next; k != NULL; k = next) {
			next = k->next;
			vf_free(&vf_io_alloc, k);
		}
	}
	vf_free(&vf_io_alloc, p);
}

/* Blocks stand at multiples of some power of two: the low bits tell nothing. */
static size_t place(uint32_t offset)
{
	return (size_t)(offset * UINT32_C(2654435761) >> 20) % BUCKETS;
}

static bool find(void *ctx, uint32_t offset, const uint8_t *plain, size_t len,
		 const uint8_t **bytes, size_t *size, uint8_t *flags)
{
	const vf_packs *p = ctx;
	const pack *k = p->bucket[place(offset)];
	while (k != NULL &&
	       (k->offset != offset || k->len != len || memcmp(k->bytes, plain, len) != 0))
		k = k->next;
	if (k == NULL)
		return false;
	*bytes = k->bytes + (k->size < len ? len : 0);
	*size = k->size;
	*flags = k->flags;
	return true;
}

/* Where there is no memory for it, it is made again. */
static void keep(void *ctx, uint32_t offset, const uint8_t *plain, size_t len, const uint8_t *bytes,
		 size_t size, uint8_t flags)
{
	vf_packs *p = ctx;
	const size_t stored = size < len ? size : 0;
	const size_t whole = sizeof(pack) + len + stored;
	pack *k = p->used + whole <= BUDGET ? vf_resize(&vf_io_alloc, NULL, whole) : NULL;
	if (k == NULL)
		return;
	p->used += whole;
	*k = (pack){.next = p->bucket[place(offset)],
		    .offset = offset,
		    .flags = flags,
		    .len = len,
		    .size = size};
	memcpy(k->bytes, plain, len);
	memcpy(k->bytes + len, bytes, stored);
	p->bucket[place(offset)] = k;
}

vf_job_packs vf_packs_door(vf_packs *p)
{
	return (vf_job_packs){.ctx = p, .find = find, .keep = keep};
}
