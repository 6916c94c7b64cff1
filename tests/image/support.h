/* support.h - what the image tests share: an allocator that counts and fails on
 * demand, a byte-map oracle, a seeded generator, and shorthands for adding text
 * and bytes to an image. */
#ifndef TESTS_IMAGE_SUPPORT_H
#define TESTS_IMAGE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/image.h>

/* --- memory --- */

typedef struct test_heap {
	size_t calls;   /* that asked for memory */
	size_t fail_at; /* this one fails, counted from 1; 0 = none */
	bool failed;
	size_t blocks; /* not freed yet */
	size_t bytes;
	size_t peak;
} test_heap;

vf_alloc heap_door(test_heap *heap);

/* --- files in memory --- */

typedef struct buffer {
	uint8_t *bytes;
	size_t len;
	size_t room;
} buffer;

void buffer_add(buffer *b, const void *bytes, size_t len);
void buffer_text(buffer *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buffer_le32(buffer *b, uint32_t v);
void buffer_free(buffer *b);
int buffer_put(void *ctx, const uint8_t *bytes, size_t len); /* vf_image_put */

/* Adds the buffer as a file. The reader sees a copy of exactly its size, so that
 * a sanitizer notices one byte too far. */
int add_file(vf_image *img, const char *name, const buffer *b, const vf_image_add_options *opt,
	     vf_error *err);
int add_text(vf_image *img, const char *name, const char *text, vf_error *err);
int add_raw(vf_image *img, const char *name, uint32_t addr, const void *bytes, size_t len,
	    vf_error *err);
void write_image(const vf_image *img, const vf_image_write_options *opt, buffer *out);

/* A record with its checksum; `eol` ends the line. */
void hex_line(buffer *b, unsigned type, unsigned offset, const uint8_t *data, unsigned n,
	      const char *eol);
void srec_line(buffer *b, unsigned type, unsigned wide, uint32_t addr, const uint8_t *data,
	       unsigned n);
void uf2_block(buffer *b, uint32_t flags, uint32_t addr, const uint8_t *data, uint32_t n,
	       uint32_t number, uint32_t count, uint32_t family);

typedef struct elf_part {
	uint32_t type; /* 1 is PT_LOAD */
	uint32_t offset;
	uint32_t vaddr;
	uint32_t paddr;
	uint32_t filesz;
	uint32_t memsz;
} elf_part;

/* File header and program headers; the caller appends the contents. */
void elf_head(buffer *b, unsigned type, uint32_t entry, const elf_part *parts, unsigned count);

/* --- expectations --- */

/* The call failed with `code`, and its one line contains all the words given,
 * a NULL-terminated list. */
void expect_error(int status, int code, const vf_error *err, ...) __attribute__((sentinel));
/* Sorted, disjoint, inside the address space; every byte readable. */
void expect_sound(const vf_image *img);
void expect_segment(const vf_image *img, size_t i, uint32_t addr, const void *bytes, uint32_t len);

/* --- oracle: a few windows of the address space, byte by byte --- */

enum { WINDOWS = 4, WINDOW_SIZE = 0x8000 };

typedef struct oracle {
	bool have[WINDOWS][WINDOW_SIZE];
	uint8_t byte[WINDOWS][WINDOW_SIZE];
} oracle;

extern const uint32_t window_base[WINDOWS];

size_t oracle_bytes(const oracle *o);
void expect_oracle(const vf_image *img, const oracle *o);

/* --- chance --- */

typedef struct chance {
	uint64_t state;
} chance;

/* From VF_SEED, or the clock; prints it so that a failure can be replayed. */
chance chance_start(const char *test);
uint32_t chance_below(chance *c, uint32_t limit);
void chance_fill(chance *c, uint8_t *bytes, size_t len);

#endif
