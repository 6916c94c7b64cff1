/* test_elf.c - reading ELF, checked against libelf, and what is no firmware. */
#include "support.h"

#include <libelf.h>

typedef struct fixture {
	test_heap heap;
	vf_image img;
	vf_error err;
	buffer file;
} fixture;

enum { LOAD = 1, NOTE = 4, REL = 1, EXEC = 2, DYN = 3, CORE = 4 };

static int set_up(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	vf_alloc door = heap_door(&f->heap);
	vf_image_init(&f->img, &door);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	fixture *f = *state;
	vf_image_free(&f->img);
	buffer_free(&f->file);
	size_t blocks = f->heap.blocks;
	free(f);
	return blocks == 0 ? 0 : -1;
}

static int add(fixture *f)
{
	return add_file(&f->img, "x.elf", &f->file, NULL, &f->err);
}

static void physical_addresses_count(void **state)
{
	fixture *f = *state;
	const elf_part parts[] = {
		{LOAD, 0x94, 0x90000000, 0x90000000, 4, 4},
		{NOTE, 0x94, 0, 0, 8, 8},
		{LOAD, 0x98, 0x20000000, 0x90000004, 4, 0x100}, /* .data: AT> flash */
	};
	elf_head(&f->file, EXEC, 0x90000101, parts, 3);
	assert_int_equal(f->file.len, 0x94);
	buffer_add(&f->file, "codedata", 8);
	assert_int_equal(add(f), VF_OK);
	assert_int_equal(f->img.segment_count, 1);
	expect_segment(&f->img, 0, 0x90000000, "codedata", 8);
	assert_int_equal(f->img.sources[0].format, VF_FORMAT_ELF);
	assert_true(f->img.sources[0].has_entry);
	assert_int_equal(f->img.sources[0].entry, 0x90000101);
}

static void all_zero_physical_addresses_mean_virtual(void **state)
{
	fixture *f = *state;
	const elf_part parts[] = {
		{LOAD, 0x74, 0x8000, 0, 4, 4},
		{LOAD, 0x78, 0x9000, 0, 4, 4},
	};
	elf_head(&f->file, EXEC, 0, parts, 2);
	buffer_add(&f->file, "codedata", 8);
	assert_int_equal(add(f), VF_OK);
	expect_segment(&f->img, 0, 0x8000, "code", 4);
	expect_segment(&f->img, 1, 0x9000, "data", 4);
	assert_false(f->img.sources[0].has_entry);
}

static void one_segment_at_zero_is_at_zero(void **state)
{
	fixture *f = *state;
	const elf_part part = {LOAD, 0x54, 0x8000, 0, 4, 4};
	elf_head(&f->file, DYN, 0, &part, 1); /* a static PIE, as U-Boot is one */
	buffer_add(&f->file, "code", 4);
	assert_int_equal(add(f), VF_OK);
	expect_segment(&f->img, 0, 0, "code", 4);
}

static void segments_that_disagree(void **state)
{
	fixture *f = *state;
	const elf_part parts[] = {
		{LOAD, 0x74, 0x8000, 0x8000, 4, 4},
		{LOAD, 0x78, 0x9000, 0x8002, 4, 4},
	};
	elf_head(&f->file, EXEC, 0, parts, 2);
	buffer_add(&f->file, "codedata", 8);
	expect_error(add(f), VF_E_FILE, &f->err,
		     "address 0x00008003 is 0x65 at offset 0x74 and 0x61 at offset 0x78", NULL);
}

static void no_executables(void **state)
{
	fixture *f = *state;
	const elf_part part = {LOAD, 0x54, 0x8000, 0x8000, 4, 4};
	elf_head(&f->file, REL, 0, NULL, 0);
	expect_error(add(f), VF_E_FILE, &f->err, "x.elf: offset 0x10", "not linked", NULL);
	f->file.len = 0;
	elf_head(&f->file, CORE, 0, &part, 1);
	buffer_add(&f->file, "code", 4);
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0x10", "no executable (ELF type 4)", NULL);
	f->file.len = 0;
	elf_head(&f->file, DYN, 0, NULL, 0);
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0x10", "no executable", NULL);
}

static void nothing_to_load(void **state)
{
	fixture *f = *state;
	const elf_part parts[] = {
		{LOAD, 0x74, 0x20000000, 0x20000000, 0, 0x1000}, /* .bss */
		{NOTE, 0x74, 0, 0, 4, 4},
	};
	elf_head(&f->file, EXEC, 0, parts, 2);
	buffer_add(&f->file, "note", 4);
	expect_error(add(f), VF_E_FILE, &f->err, "no loadable segment", NULL);
	f->file.len = 0;
	elf_head(&f->file, EXEC, 0, NULL, 0);
	expect_error(add(f), VF_E_FILE, &f->err, "no loadable segment", NULL);
}

static void wrong_class_or_order(void **state)
{
	fixture *f = *state;
	elf_head(&f->file, EXEC, 0, NULL, 0);
	f->file.bytes[4] = 2;
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0x4", "64-bit", NULL);
	f->file.bytes[4] = 1;
	f->file.bytes[5] = 2;
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0x5", "big-endian", NULL);
}

/* Whatever byte it is cut at, it is refused and says where. */
static void truncated_anywhere(void **state)
{
	fixture *f = *state;
	const elf_part part = {LOAD, 0x54, 0x8000, 0x8000, 8, 8};
	elf_head(&f->file, EXEC, 0, &part, 1);
	buffer_add(&f->file, "codedata", 8);
	size_t whole = f->file.len;
	for (size_t len = 4; len < whole; len++) {
		char where[32];
		f->file.len = len;
		(void)snprintf(where, sizeof where, "cut off at 0x%zx", len);
		expect_error(add(f), VF_E_FILE, &f->err, "x.elf: ", where, NULL);
	}
	f->file.len = whole;
	assert_int_equal(add(f), VF_OK);
}

static void impossible_program_headers(void **state)
{
	static const struct {
		elf_part part;
		const char *says;
	} bad[] = {
		{{LOAD, 0x54, 0, 0xFFFFFFFE, 4, 4}, "0x4 bytes at 0xfffffffe pass the end"},
		{{LOAD, 0x54, 0, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF}, "pass the end"},
		{{LOAD, 0xFFFFFFFC, 0, 0x8000, 8, 8}, "needs bytes up to 0x100000004"},
		{{LOAD, 0x54, 0, 0x8000, 4, 3}, "more bytes in the file than in memory"},
	};
	fixture *f = *state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		f->file.len = 0;
		elf_head(&f->file, EXEC, 0, &bad[i].part, 1);
		buffer_add(&f->file, "code", 4);
		expect_error(add(f), VF_E_FILE, &f->err, "program header 0", bad[i].says, NULL);
	}
	f->file.bytes[28] = 0xF0; /* e_phoff near the end of the address space */
	f->file.bytes[29] = f->file.bytes[30] = f->file.bytes[31] = 0xFF;
	expect_error(add(f), VF_E_FILE, &f->err, "program headers (0x100000010)", NULL);
	f->file.bytes[42] = 31; /* e_phentsize */
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0x2a", "31 bytes instead of 32", NULL);
}

/* Thousands of headers that all claim the same bytes cost no memory. */
static void shared_bytes_are_refused(void **state)
{
	fixture *f = *state;
	enum { COUNT = 1000 };
	elf_part *parts = calloc(COUNT, sizeof *parts);
	uint8_t content[0x10000] = {0};
	assert_non_null(parts);
	for (uint32_t i = 0; i < COUNT; i++)
		parts[i] = (elf_part){LOAD, 0, 0, i << 16, 0x10000, 0x10000};
	elf_head(&f->file, EXEC, 0, parts, COUNT);
	buffer_add(&f->file, content, sizeof content);
	free(parts);
	expect_error(add(f), VF_E_FILE, &f->err, "share bytes", NULL);
	assert_int_equal(f->heap.peak, 0);
}

/* Every PT_LOAD that libelf sees, byte for byte, and nothing else. */
static void compare_with_libelf(fixture *f)
{
	size_t count = 0;
	uint64_t bytes = 0;
	uint8_t *copy = malloc(f->file.len);
	assert_non_null(copy);
	memcpy(copy, f->file.bytes, f->file.len);
	Elf *elf = elf_memory((char *)copy, f->file.len);
	assert_non_null(elf);
	assert_int_equal(elf_getphdrnum(elf, &count), 0);
	const Elf32_Phdr *ph = elf32_getphdr(elf);
	for (size_t i = 0; i < count; i++) {
		if (ph[i].p_type != PT_LOAD || ph[i].p_filesz == 0)
			continue;
		uint8_t *got = malloc(ph[i].p_filesz);
		assert_non_null(got);
		assert_int_equal(vf_image_read(&f->img, ph[i].p_paddr, got, ph[i].p_filesz, 0),
				 ph[i].p_filesz);
		assert_memory_equal(got, f->file.bytes + ph[i].p_offset, ph[i].p_filesz);
		bytes += ph[i].p_filesz;
		free(got);
	}
	assert_int_equal(vf_image_bytes(&f->img), bytes);
	assert_int_equal(f->img.sources[0].entry, elf32_getehdr(elf)->e_entry);
	(void)elf_end(elf);
	free(copy);
}

/* Segments of random size at random, disjoint places, in random order, with
 * segments of other kinds and empty ones among them. */
static void random_file(fixture *f, chance *c)
{
	elf_part parts[12];
	unsigned count = 1 + chance_below(c, 12);
	uint32_t offset = 52 + 32 * count;
	uint32_t start = offset;
	for (unsigned i = 0; i < count; i++) {
		uint32_t size = chance_below(c, 4) == 0 ? 0 : chance_below(c, 500);
		uint32_t addr = (i + 1) * 0x01000000 + chance_below(c, 0x10000);
		offset += chance_below(c, 9);
		parts[i] = (elf_part){chance_below(c, 4) == 0 ? NOTE : LOAD,
				      offset,
				      chance_below(c, 0x10000000),
				      addr,
				      size,
				      size + chance_below(c, 99)};
		offset += size;
	}
	parts[0].type = LOAD;
	parts[0].filesz = parts[0].memsz = 1;
	for (unsigned i = count; i-- > 1;) {
		unsigned k = chance_below(c, i + 1);
		elf_part swap = parts[i];
		parts[i] = parts[k];
		parts[k] = swap;
	}
	elf_head(&f->file, chance_below(c, 2) ? EXEC : DYN, chance_below(c, 0xFFFFFFFF), parts,
		 count);
	uint8_t content[12 * 520 + 1];
	chance_fill(c, content, sizeof content);
	buffer_add(&f->file, content, offset - start + 1);
}

static void agrees_with_libelf(void **state)
{
	chance c = chance_start("agrees_with_libelf");
	(void)state;
	assert_int_not_equal(elf_version(EV_CURRENT), EV_NONE);
	for (int round = 0; round < 300; round++) {
		void *inner;
		set_up(&inner);
		fixture *f = inner;
		random_file(f, &c);
		if (add(f) != VF_OK)
			fail_msg("%s", f->err.text);
		compare_with_libelf(f);
		assert_int_equal(tear_down(&inner), 0);
	}
}

int main(void)
{
#define WITH(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(physical_addresses_count),
		WITH(all_zero_physical_addresses_mean_virtual),
		WITH(one_segment_at_zero_is_at_zero),
		WITH(segments_that_disagree),
		WITH(no_executables),
		WITH(nothing_to_load),
		WITH(wrong_class_or_order),
		WITH(truncated_anywhere),
		WITH(impossible_program_headers),
		WITH(shared_bytes_are_refused),
		cmocka_unit_test(agrees_with_libelf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
