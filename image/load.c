/* load.c - one file's bytes on their way into an image: the arena, the runs, and
 * putting runs into order. */
#include "internal.h"

int vf_no_memory(vf_error *err, const char *name, size_t size)
{
	return vf_fail(err, VF_E_NOMEM, "%s: out of memory: %zu bytes were needed",
		       vf_short_name(name), size);
}

const char *vf_short_name(const char *name)
{
	const size_t limit = 120;
	size_t len = strlen(name);
	return len > limit ? name + (len - limit) : name;
}

bool vf_grow(const vf_alloc *alloc, void **array, size_t *room, size_t want, size_t element)
{
	if (want <= *room)
		return true;
	size_t more = *room < 8 ? 8 : *room + *room / 2;
	if (more < want)
		more = want;
	if (more > SIZE_MAX / element)
		return false;
	void *p = vf_resize(alloc, *array, more * element);
	if (p == NULL)
		return false;
	*array = p;
	*room = more;
	return true;
}

int vf_load_reserve(vf_load *ld, size_t size)
{
	if (ld->probing)
		return VF_OK; /* the first pass made it */
	if (size == 0)
		size = 1;
	ld->arena = vf_resize(ld->alloc, NULL, size);
	if (ld->arena == NULL)
		return vf_no_memory(ld->err, ld->name, size);
	ld->arena_size = size;
	return VF_OK;
}

/* Notes the first place that gives the probed address and the first later one
 * that contradicts it. */
static void note_probe(vf_load *ld, uint32_t addr, uint32_t len, size_t where)
{
	if (ld->probe < addr || ld->probe - addr >= len || ld->probe_hits == 2)
		return;
	uint8_t byte = ld->arena[ld->used + (ld->probe - addr)];
	if (ld->probe_hits == 1 && byte == ld->probe_byte[0])
		return;
	ld->probe_where[ld->probe_hits] = where;
	ld->probe_byte[ld->probe_hits] = byte;
	ld->probe_hits++;
}

int vf_load_new_run(vf_load *ld, uint32_t addr, uint32_t len, size_t where)
{
	if (ld->probing) {
		note_probe(ld, addr, len, where);
	} else {
		void *runs = ld->runs;
		size_t want = ld->run_count + 1;
		if (!vf_grow(ld->alloc, &runs, &ld->run_room, want, sizeof(vf_run)))
			return vf_no_memory(ld->err, ld->name, want * sizeof(vf_run));
		ld->runs = runs;
		ld->runs[ld->run_count++] = (vf_run){.addr = addr, .len = len, .at = ld->used};
	}
	ld->used += len;
	return VF_OK;
}

void vf_load_free(vf_load *ld)
{
	vf_free(ld->alloc, ld->arena);
	vf_free(ld->alloc, ld->runs);
	ld->arena = NULL;
	ld->runs = NULL;
}

static bool in_order(const vf_load *ld)
{
	for (size_t i = 1; i < ld->run_count; i++) {
		const vf_run *before = &ld->runs[i - 1];
		if ((uint64_t)before->addr + before->len > ld->runs[i].addr)
			return false;
	}
	return true;
}

/* Stable radix sort by address, a byte at a time: linear however the records
 * are shuffled. Leaves the result in `runs`. */
static void sort_runs(vf_run *runs, vf_run *spare, size_t count)
{
	vf_run *from = runs;
	vf_run *to = spare;
	for (unsigned shift = 0; shift < 32; shift += 8) {
		size_t start[256] = {0};
		for (size_t i = 0; i < count; i++)
			start[from[i].addr >> shift & 0xFF]++;
		size_t sum = 0;
		for (size_t b = 0; b < 256; b++) {
			size_t n = start[b];
			start[b] = sum;
			sum += n;
		}
		for (size_t i = 0; i < count; i++)
			to[start[from[i].addr >> shift & 0xFF]++] = from[i];
		vf_run *swap = from;
		from = to;
		to = swap;
	}
}

/* The file gives `addr` two values: read it once more to say where. */
static int contradiction(vf_load *ld, uint32_t addr, vf_reader again)
{
	ld->probing = true;
	ld->probe = addr;
	ld->used = 0;
	int status = again(ld);
	if (status != VF_OK)
		return status;
	const char *name = vf_short_name(ld->name);
	if (ld->place == VF_PLACE_LINE)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: address 0x%08x is 0x%02x in line %zu and 0x%02x in line %zu: "
			       "the file contradicts itself, build it anew",
			       name, (unsigned)addr, ld->probe_byte[0], ld->probe_where[0],
			       ld->probe_byte[1], ld->probe_where[1]);
	return vf_fail(ld->err, VF_E_FILE,
		       "%s: address 0x%08x is 0x%02x at offset 0x%zx and 0x%02x at offset 0x%zx: "
		       "the file contradicts itself, build it anew",
		       name, (unsigned)addr, ld->probe_byte[0], ld->probe_where[0],
		       ld->probe_byte[1], ld->probe_where[1]);
}

/* First index where a and b differ, `len` if they do not. */
static uint32_t first_difference(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	if (memcmp(a, b, len) == 0)
		return len;
	uint32_t i = 0;
	while (a[i] == b[i])
		i++;
	return i;
}

/* Copies sorted runs into `packed` in address order, joining those that touch
 * or repeat. Returns the number of joined runs, which are left in ld->runs; on
 * a contradiction sets *clash to its address. */
static size_t pack_runs(vf_load *ld, uint8_t *packed, uint64_t *clash)
{
	size_t joined = 0;
	size_t used = 0;
	*clash = VF_ADDRESS_SPACE;
	for (size_t i = 0; i < ld->run_count; i++) {
		vf_run r = ld->runs[i];
		vf_run *last = joined > 0 ? &ld->runs[joined - 1] : NULL;
		uint64_t end = last != NULL ? (uint64_t)last->addr + last->len : 0;
		uint32_t repeated = 0;
		if (last != NULL && r.addr < end) {
			uint64_t both = end - r.addr;
			repeated = both < r.len ? (uint32_t)both : r.len;
			uint32_t same = first_difference(packed + last->at + (r.addr - last->addr),
							 ld->arena + r.at, repeated);
			if (same < repeated) {
				*clash = (uint64_t)r.addr + same;
				return joined;
			}
		}
		uint32_t rest = r.len - repeated;
		memcpy(packed + used, ld->arena + r.at + repeated, rest);
		if (last != NULL && r.addr <= end && rest <= UINT32_MAX - last->len)
			last->len += rest;
		else
			ld->runs[joined++] =
				(vf_run){.addr = r.addr + repeated, .len = rest, .at = used};
		used += rest;
	}
	ld->used = used;
	return joined;
}

static int settle_disorder(vf_load *ld, vf_reader again)
{
	vf_run *spare = vf_resize(ld->alloc, NULL, ld->run_count * sizeof *spare);
	uint8_t *packed = spare == NULL ? NULL : vf_resize(ld->alloc, NULL, ld->used);
	if (packed == NULL) {
		vf_free(ld->alloc, spare);
		return vf_no_memory(ld->err, ld->name, ld->run_count * sizeof *spare + ld->used);
	}
	sort_runs(ld->runs, spare, ld->run_count);
	vf_free(ld->alloc, spare);
	uint64_t clash;
	ld->run_count = pack_runs(ld, packed, &clash);
	if (clash < VF_ADDRESS_SPACE) {
		vf_free(ld->alloc, packed);
		return contradiction(ld, (uint32_t)clash, again);
	}
	vf_free(ld->alloc, ld->arena);
	ld->arena = packed;
	return VF_OK;
}

int vf_load_settle(vf_load *ld, vf_reader again)
{
	if (ld->run_count == 0)
		return vf_fail(ld->err, VF_E_FILE, "%s: holds no data for any address",
			       vf_short_name(ld->name));
	size_t had = ld->arena_size;
	if (!in_order(ld)) {
		had = ld->used;
		int status = settle_disorder(ld, again);
		if (status != VF_OK)
			return status;
	}
	if (ld->used < had) {
		void *fitting = vf_resize(ld->alloc, ld->arena, ld->used);
		if (fitting != NULL) /* otherwise it stays larger than needed */
			ld->arena = fitting;
	}
	return VF_OK;
}
