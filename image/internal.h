/* internal.h - what the files of the image room share.
 *
 * A reader turns one file's bytes into a vf_load: an arena that holds the data
 * bytes in file order, and runs that say which address each stretch of the
 * arena belongs to. vf_load_settle sorts that and finds what the file says
 * twice; vf_image_splice merges it into the image. Nothing is allocated a
 * record, and no step looks at the distance between addresses.
 */
#ifndef VF_IMAGE_INTERNAL_H
#define VF_IMAGE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <vcpflash/image.h>

#define VF_ADDRESS_SPACE 0x100000000u /* bytes: one past the last address */

typedef struct vf_run {
	uint32_t addr;
	uint32_t len; /* never 0 */
	size_t at;    /* where in the arena */
} vf_run;

/* How a format names a place in its file. */
enum vf_place { VF_PLACE_LINE, VF_PLACE_OFFSET };

/* One file while it is being read. */
typedef struct vf_load {
	const vf_alloc *alloc;
	const char *name;
	const uint8_t *bytes;
	size_t len;
	vf_error *err;

	uint8_t *arena;
	size_t arena_size;
	size_t used;
	vf_run *runs;
	size_t run_count;
	size_t run_room;
	bool has_entry;
	uint32_t entry;
	uint8_t place; /* enum vf_place: what `where` below counts */

	/* The second pass over a file that contradicts itself: which places
	 * give the address `probe`, and which bytes? */
	bool probing;
	uint32_t probe;
	size_t probe_hits;
	size_t probe_where[2];
	uint8_t probe_byte[2];
} vf_load;

typedef int (*vf_reader)(vf_load *ld);

int vf_read_hex(vf_load *ld);
int vf_read_srec(vf_load *ld);
int vf_read_elf(vf_load *ld);
int vf_read_uf2(vf_load *ld);

/* Makes room for `size` data bytes (all that this file can hold). */
int vf_load_reserve(vf_load *ld, size_t size);
/* The rare half of vf_load_run. */
int vf_load_new_run(vf_load *ld, uint32_t addr, uint32_t len, size_t where);
/* Sorts the runs, joins those that touch, and refuses a file that gives one
 * address two values; `again` reads the file once more to say where. */
int vf_load_settle(vf_load *ld, vf_reader again);
void vf_load_free(vf_load *ld);

/* Says that the next `len` bytes of the arena, already written there, belong at
 * `addr`. `where` is the line or the offset for messages. */
static inline int vf_load_run(vf_load *ld, uint32_t addr, uint32_t len, size_t where)
{
	if (ld->run_count > 0 && !ld->probing) {
		vf_run *last = &ld->runs[ld->run_count - 1];
		if ((uint64_t)last->addr + last->len == addr && len <= UINT32_MAX - last->len) {
			last->len += len;
			ld->used += len;
			return VF_OK;
		}
	}
	return len == 0 ? VF_OK : vf_load_new_run(ld, addr, len, where);
}

int vf_no_memory(vf_error *err, const char *name, size_t size);
/* The end of a long name is what tells files apart, and messages have a limit. */
const char *vf_short_name(const char *name);
/* Grows an array to hold at least `want` elements; false if it cannot. */
bool vf_grow(const vf_alloc *alloc, void **array, size_t *room, size_t want, size_t element);

/* What a file is when it is certainly no firmware (a web page, an archive):
 * a sentence for the person, or NULL. A raw binary may well be an archive. */
const char *vf_not_firmware(const uint8_t *bytes, size_t len, bool raw);
/* By content alone; VF_FORMAT_AUTO if nothing fits. */
enum vf_image_format vf_format_by_content(const uint8_t *bytes, size_t len);
bool vf_name_ends(const char *name, const char *ending);

/* Reserves what vf_image_add_source will use, so that it cannot fail. */
int vf_image_reserve_source(vf_image *img, const char *name, char **copy, vf_error *err);
void vf_image_add_source(vf_image *img, char *copy, enum vf_image_format format, uint64_t bytes);

enum vf_overlap {
	VF_OVERLAP_COMPARE, /* bytes given twice must be equal */
	VF_OVERLAP_SKIP,    /* the image's own win */
};

/* Merges sorted, disjoint segments into the image; `name` is theirs. Those of
 * the image stay as they are; of the new ones only what fills holes is added,
 * *added bytes in all. */
int vf_image_splice(vf_image *img, const vf_segment *fresh, size_t count, const char *name,
		    enum vf_overlap overlap, uint64_t *added, vf_error *err);

/* Walking over an image's bytes in address order, touching segments as one. */
typedef struct vf_walk {
	const vf_image *img;
	size_t segment;
	uint32_t offset;
} vf_walk;

/* Copies the next bytes, at most up to the next multiple of `align` (a power of
 * two, and the size of `out`); returns how many, 0 at the end. */
uint32_t vf_walk_next(vf_walk *w, uint32_t align, uint32_t *addr, uint8_t *out);

/* Output collected into pieces worth a call. The first error sticks. */
typedef struct vf_out {
	vf_image_put put;
	void *ctx;
	int status;
	size_t used;
	uint8_t buffer[4096];
} vf_out;

void vf_out_bytes(vf_out *out, const uint8_t *bytes, size_t len);
void vf_out_fill(vf_out *out, uint8_t byte, uint64_t len);
int vf_out_finish(vf_out *out);

void vf_write_hex(const vf_image *img, const vf_image_write_options *opt, vf_out *out);
void vf_write_srec(const vf_image *img, const vf_image_write_options *opt, vf_out *out);
void vf_write_uf2(const vf_image *img, const vf_image_write_options *opt, vf_out *out);

static inline uint64_t vf_segment_end(const vf_segment *s)
{
	return (uint64_t)s->addr + s->len;
}

static inline uint16_t vf_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t vf_le32(const uint8_t *p)
{
	return vf_le16(p) | (uint32_t)vf_le16(p + 2) << 16;
}

static inline void vf_put_le32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

#endif
