/* image.h - firmware images: files -> segments, merging, writing, inspecting.
 *
 * Conventions: addresses are 32-bit byte addresses as the processor sees them;
 * an end address may be 0x100000000, so ends are uint64_t. Lengths in bytes.
 * Memory comes from the vf_alloc given at vf_image_init and is proportional to
 * the bytes in the files, never to the span of addresses. No operating system
 * is used: callers bring the files' bytes and take the written bytes.
 * Errors: VF_E_FILE for anything wrong with a file (text names the file, the
 * line or offset, what is wrong, and what to do), VF_E_USAGE for a wrong
 * request (an address given for a file that has its own), VF_E_NOMEM.
 * After an error the image is as it was before the call.
 */
#ifndef VCPFLASH_IMAGE_H
#define VCPFLASH_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/alloc.h>
#include <vcpflash/error.h>

enum vf_image_format {
	VF_FORMAT_AUTO = 0, /* by content, then by the name's ending */
	VF_FORMAT_HEX,      /* Intel HEX, records 00-05 */
	VF_FORMAT_SREC,     /* Motorola S-records, S0-S9 */
	VF_FORMAT_ELF,      /* 32-bit little-endian, loadable segments by p_paddr */
	VF_FORMAT_UF2,
	VF_FORMAT_BIN, /* raw; needs an address */
};

/* A run of bytes. In an image segments are sorted by address and do not overlap.
 * They may touch only where they were added by different calls. */
typedef struct vf_segment {
	uint32_t addr;
	uint32_t len;        /* never 0 */
	const uint8_t *data; /* len bytes, owned by the image; NULL = all 0xFF */
	uint16_t source;     /* index of the file it came from */
} vf_segment;

typedef struct vf_image_source {
	char *name;     /* as given to vf_image_add; owned by the image */
	uint8_t format; /* enum vf_image_format, never AUTO */
	bool has_entry; /* the file names an entry point */
	uint32_t entry;
	uint64_t bytes; /* data bytes in it */
} vf_image_source;

typedef struct vf_image {
	vf_alloc alloc;
	vf_segment *segments;
	size_t segment_count;
	vf_image_source *sources;
	size_t source_count;
	/* private */
	size_t segment_room;
	size_t source_room;
	void **blocks;
	size_t block_count;
	size_t block_room;
} vf_image;

void vf_image_init(vf_image *img, const vf_alloc *alloc);
void vf_image_free(vf_image *img);

typedef struct vf_image_add_options {
	uint8_t format;   /* enum vf_image_format */
	bool has_address; /* FILE@ADDR: only a raw binary may have one, and must */
	uint32_t address;
} vf_image_add_options;

/* Reads one file's bytes and merges them into `img`. `bytes` is not kept.
 * Bytes that are given twice must be equal. `opt` NULL means all defaults.
 * A file that nothing is known of is a raw binary if it has an address. */
int vf_image_add(vf_image *img, const char *name, const uint8_t *bytes, size_t len,
		 const vf_image_add_options *opt, vf_error *err);

/* What vf_image_add would take the file for; VF_FORMAT_AUTO if nothing fits. */
enum vf_image_format vf_image_detect(const char *name, const uint8_t *bytes, size_t len);

/* Adds `len` bytes of 0xFF at `addr` that cost no memory (erase, fill). Where the
 * image already has bytes these must be 0xFF. For this and the next: a call with
 * the same name as the one before adds to the same source. */
int vf_image_add_blank(vf_image *img, const char *name, uint32_t addr, uint32_t len, vf_error *err);

/* Adds a copy of `len` bytes at `addr` (bytes that must be kept, say). Where
 * the image already has bytes the image's own win and those are skipped. */
int vf_image_add_under(vf_image *img, const char *name, uint32_t addr, const uint8_t *bytes,
		       size_t len, vf_error *err);

/* Sum of segment lengths. */
uint64_t vf_image_bytes(const vf_image *img);

/* Copies [addr, addr+len) into `out`, `fill` where the image has no byte;
 * returns how many bytes came from the image. */
uint32_t vf_image_read(const vf_image *img, uint32_t addr, uint8_t *out, uint32_t len,
		       uint8_t fill);

/* Index of the first segment that ends after `addr`; segment_count if none. */
size_t vf_image_find(const vf_image *img, uint32_t addr);

/* Writing. `put` takes bytes in order, and returns 0 or a vf_status that stops
 * the writing and is returned. */
typedef int (*vf_image_put)(void *ctx, const uint8_t *bytes, size_t len);

typedef struct vf_image_write_options {
	uint8_t format;      /* HEX, SREC, UF2 or BIN */
	uint8_t fill;        /* BIN: gap bytes; UF2: what completes pages */
	bool fill_given;     /* BIN refuses an image with gaps unless the caller
			      * named the fill byte; UF2 then writes whole pages of
			      * 256 bytes, which many bootloaders insist on,
			      * otherwise only bytes that the image has */
	uint64_t max_bin;    /* BIN: refuse to write more bytes; 0 = 1 GiB */
	uint32_t uf2_family; /* UF2: family id; 0 = none given */
	bool has_entry;      /* start address to record (HEX type 05, S7) */
	uint32_t entry;
} vf_image_write_options;

/* VF_E_USAGE if the image is empty, or cannot be written so. When `put` stops the
 * writing, `err` is left to it. */
int vf_image_write(const vf_image *img, const vf_image_write_options *opt, vf_image_put put,
		   void *ctx, vf_error *err);

/* By a file name's ending (.hex .ihx .ihex .srec .s19 .s28 .s37 .mot .elf .axf
 * .out .uf2 .bin); AUTO if it says nothing. */
enum vf_image_format vf_image_format_by_name(const char *name);
const char *vf_image_format_name(enum vf_image_format format);

/* Cortex-M vector tables: where a segment starts (or an STM32H7 keeps a table:
 * 0x08000000, 0x08100000, 0x90000000, 0x90100000) with a stack pointer in RAM
 * and a reset vector with the Thumb bit. */
enum vf_vector_verdict {
	VF_VECTOR_GOOD,      /* reset vector points into this image */
	VF_VECTOR_ELSEWHERE, /* reset vector points outside every segment: the
			      * image was linked for another address */
};

typedef struct vf_vector_table {
	uint32_t addr;
	uint32_t sp;    /* word 0 */
	uint32_t reset; /* word 1, Thumb bit included */
	uint16_t source;
	uint8_t verdict; /* enum vf_vector_verdict */
	char ram[16];    /* where sp lies, in STM32H7 terms where it is one: "DTCM",
			  * "AXI SRAM", "D2 SRAM", "SRAM4", otherwise "RAM" */
} vf_vector_table;

/* Finds up to `max` tables, in address order; returns how many there are. */
size_t vf_image_vectors(const vf_image *img, vf_vector_table *tables, size_t max);

/* One finding a line, for a person: CM7 and CM4 images that look swapped (the
 * one that has its stack in DTCM belongs to the Cortex-M7, which no Cortex-M4
 * can reach), a table that points elsewhere, an image at an odd place. Calls
 * `say` once for each; returns how many. */
size_t vf_image_warnings(const vf_image *img, void (*say)(void *ctx, const char *line), void *ctx);

#endif
