/* test_vectors.c - Cortex-M vector tables and the warnings about them. */
#include "support.h"

enum { M7_FLASH = 0x08000000, M4_FLASH = 0x08100000 };
#define M7_QSPI 0x90000000u
#define M4_QSPI 0x90100000u
#define DTCM    0x20020000u
#define AXI     0x24080000u
#define D2      0x10048000u

typedef struct fixture {
	test_heap heap;
	vf_image img;
	vf_error err;
	buffer said; /* all lines */
	size_t lines;
} fixture;

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
	buffer_free(&f->said);
	free(f);
	return 0;
}

/* An image that starts with a table, linked for `linked`, placed at `addr`. */
static void add_core(fixture *f, const char *name, uint32_t addr, uint32_t linked, uint32_t sp)
{
	buffer b = {0};
	buffer_le32(&b, sp);
	for (uint32_t i = 1; i < 16; i++)
		buffer_le32(&b, (linked + 0x40 + 4 * i) | 1);
	while (b.len < 0x100)
		buffer_le32(&b, 0xE7FEE7FE);
	assert_int_equal(add_raw(&f->img, name, addr, b.bytes, b.len, &f->err), VF_OK);
	buffer_free(&b);
}

static void say(void *ctx, const char *line)
{
	fixture *f = ctx;
	assert_null(strchr(line, '\n'));
	buffer_text(&f->said, "%s\n", line);
	f->lines++;
}

/* Runs the warnings; all of `count` lines, and the words given in them. */
static void expect_said(fixture *f, size_t count, ...)
{
	va_list ap;
	const char *word;
	f->said.len = 0;
	f->lines = 0;
	size_t told = vf_image_warnings(&f->img, say, f);
	assert_int_equal(told, f->lines);
	buffer_add(&f->said, "", 1);
	if (f->lines != count)
		fail_msg("%zu lines instead of %zu: %s", f->lines, count, (char *)f->said.bytes);
	va_start(ap, count);
	while ((word = va_arg(ap, const char *)) != NULL) {
		if (strstr((char *)f->said.bytes, word) == NULL)
			fail_msg("\"%s\" is not in: %s", word, (char *)f->said.bytes);
	}
	va_end(ap);
}

static void a_good_pair(void **state)
{
	fixture *f = *state;
	vf_vector_table t[4];
	add_core(f, "cm7.bin", M7_QSPI, M7_QSPI, DTCM);
	add_core(f, "cm4.bin", M4_FLASH, M4_FLASH, D2);
	assert_int_equal(vf_image_vectors(&f->img, t, 4), 2);
	assert_int_equal(t[0].addr, M4_FLASH);
	assert_int_equal(t[0].sp, D2);
	assert_int_equal(t[0].reset, M4_FLASH + 0x45);
	assert_int_equal(t[0].source, 1);
	assert_int_equal(t[0].verdict, VF_VECTOR_GOOD);
	assert_string_equal(t[0].ram, "D2 SRAM");
	assert_int_equal(t[1].addr, M7_QSPI);
	assert_string_equal(t[1].ram, "DTCM");
	expect_said(f, 0, NULL);
	assert_int_equal(vf_image_vectors(&f->img, t, 1), 2); /* one fits, two there are */
	assert_int_equal(vf_image_vectors(&f->img, NULL, 0), 2);
}

static void names_of_ram(void **state)
{
	fixture *f = *state;
	static const struct {
		uint32_t sp;
		const char *name;
	} stacks[] = {
		{0x20020000, "DTCM"},     {0x20000400, "DTCM"},    {0x20020004, "RAM"},
		{0x24080000, "AXI SRAM"}, {0x30048000, "D2 SRAM"}, {0x10048000, "D2 SRAM"},
		{0x38010000, "SRAM4"},    {0x3FFFFFFC, "RAM"},     {0x000C0000, "RAM at 0"},
		{0x00400000, "RAM at 0"},
	};
	for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++) {
		vf_vector_table t;
		add_core(f, "x", M7_FLASH, M7_FLASH, stacks[i].sp);
		assert_int_equal(vf_image_vectors(&f->img, &t, 1), 1);
		assert_string_equal(t.ram, stacks[i].name);
		vf_image_free(&f->img);
	}
}

static void what_is_no_table(void **state)
{
	fixture *f = *state;
	static const struct {
		uint32_t sp;
		uint32_t reset;
		uint32_t nmi;
	} words[] = {
		{0x20000000, 0x08000101, 0}, /* a stack without room */
		{0x000003FC, 0x08000041, 0}, /* the same, of RAM at 0 */
		{0x000C0000, 0x0A000101, 0}, /* RAM at 0, and code that is not in the image */
		{0x08000000, 0x08000101, 0}, /* a stack in flash */
		{0x20020002, 0x08000101, 0}, /* not aligned */
		{0x20020000, 0x08000100, 0}, /* no Thumb bit */
		{0x20020000, 0x40000101, 0}, /* code among the peripherals */
		{0x20020000, 0xE0000101, 0}, /* code among the core's own registers */
		{0x20020000, 0x08000101, 0x12345678}, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF},
	};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		buffer b = {0};
		buffer_le32(&b, words[i].sp);
		buffer_le32(&b, words[i].reset);
		buffer_le32(&b, words[i].nmi);
		buffer_le32(&b, 0);
		assert_int_equal(add_raw(&f->img, "x", M7_FLASH, b.bytes, b.len, &f->err), VF_OK);
		assert_int_equal(vf_image_vectors(&f->img, NULL, 0), 0);
		vf_image_free(&f->img);
		buffer_free(&b);
	}
	assert_int_equal(add_raw(&f->img, "short", M7_FLASH, "\0\0\2\x20\1\0\0", 7, &f->err),
			 VF_OK);
	assert_int_equal(vf_image_vectors(&f->img, NULL, 0), 0);
}

static void a_table_inside_a_stretch(void **state)
{
	fixture *f = *state;
	vf_vector_table t[4];
	static const uint8_t m7[8] = {0, 0, 0x02, 0x20, 0x01, 0x01, 0x00, 0x08};
	static const uint8_t m4[8] = {0, 0x80, 0x04, 0x10, 0x01, 0x00, 0x10, 0x08};
	uint8_t *both = calloc(1, 0x100100);
	assert_non_null(both);
	memcpy(both, m7, sizeof m7);
	memcpy(both + 0x100000, m4, sizeof m4);
	assert_int_equal(add_raw(&f->img, "both.bin", M7_FLASH, both, 0x100100, &f->err), VF_OK);
	free(both);
	assert_int_equal(vf_image_vectors(&f->img, t, 4), 2);
	assert_int_equal(t[0].addr, M7_FLASH);
	assert_int_equal(t[1].addr, M4_FLASH);
	expect_said(f, 0, NULL);
}

static void swapped_images(void **state)
{
	fixture *f = *state;
	add_core(f, "cm7.bin", M4_FLASH, M4_FLASH, DTCM);
	add_core(f, "cm4.bin", M7_FLASH, M7_FLASH, D2);
	expect_said(f, 1, "cm7.bin at 0x08100000 and cm4.bin at 0x08000000 look swapped", NULL);
}

static void swapped_addresses(void **state)
{
	fixture *f = *state;
	add_core(f, "cm7.bin", M4_QSPI, M7_QSPI, DTCM);
	add_core(f, "cm4.bin", M7_QSPI, M4_QSPI, D2);
	expect_said(
		f, 3, "look swapped",
		"cm7.bin: the vector table at 0x90100000 starts code at 0x90000044, which is in "
		"cm4.bin",
		"cm4.bin: the vector table at 0x90000000 starts code at 0x90100044, which is in "
		"cm7.bin",
		NULL);
}

static void one_at_the_others_place(void **state)
{
	fixture *f = *state;
	add_core(f, "cm7.bin", M4_QSPI, M4_QSPI, DTCM);
	expect_said(f, 1, "cm7.bin: 0x90100000", "only the Cortex-M7 reaches", "0x90000000", NULL);
	vf_image_free(&f->img);
	add_core(f, "cm4.bin", M7_FLASH, M7_FLASH, 0x30048000);
	expect_said(f, 1, "cm4.bin: 0x08000000", "D2 SRAM", "0x08100000", NULL);
}

static void linked_for_elsewhere(void **state)
{
	fixture *f = *state;
	vf_vector_table t;
	add_core(f, "app.bin", M7_QSPI, M7_FLASH, AXI);
	assert_int_equal(vf_image_vectors(&f->img, &t, 1), 1);
	assert_int_equal(t.verdict, VF_VECTOR_ELSEWHERE);
	expect_said(f, 1, "app.bin: the vector table at 0x90000000 starts code at 0x08000044",
		    "linked for another address", NULL);
}

static void odd_places(void **state)
{
	fixture *f = *state;
	add_core(f, "app.bin", 0x08000040, 0x08000040, AXI);
	expect_said(f, 1, "0x08000040 is no multiple of 128", NULL);
	vf_image_free(&f->img);
	add_core(f, "cm7.bin", M7_FLASH, M7_FLASH, DTCM);
	add_core(f, "cm4.bin", 0x08040000, 0x08040000, D2);
	expect_said(f, 1, "cm4.bin: a Cortex-M4 image at 0x08040000", "0x08100000", NULL);
}

static void other_chips_are_left_alone(void **state)
{
	fixture *f = *state;
	add_core(f, "app.bin", 0x08010000, 0x08010000, 0x20005000);
	expect_said(f, 0, NULL);
}

static void bytes_for_ram(void **state)
{
	fixture *f = *state;
	assert_int_equal(add_raw(&f->img, "x.bin", 0x20000000, "data", 4, &f->err), VF_OK);
	assert_int_equal(add_raw(&f->img, "y.bin", 0x24000000, "data", 4, &f->err), VF_OK);
	expect_said(f, 1, "x.bin: 0x20000000 is RAM (8 bytes", "AT>", NULL);
}

static void the_elf_header_in_the_flash(void **state)
{
	fixture *f = *state;
	const elf_part part = {1, 0, 0x08000000, 0x08000000, 0x60, 0x60};
	buffer b = {0};
	elf_head(&b, 2, 0x08000055, &part, 1);
	buffer_add(&b, "code and data", 12);
	assert_int_equal(add_file(&f->img, "x.elf", &b, NULL, &f->err), VF_OK);
	buffer_free(&b);
	expect_said(f, 1, "x.elf: the segment at 0x08000000 begins with the ELF header", "-n",
		    NULL);
}

int main(void)
{
#define WITH(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(a_good_pair),
		WITH(names_of_ram),
		WITH(what_is_no_table),
		WITH(a_table_inside_a_stretch),
		WITH(swapped_images),
		WITH(swapped_addresses),
		WITH(one_at_the_others_place),
		WITH(linked_for_elsewhere),
		WITH(odd_places),
		WITH(other_chips_are_left_alone),
		WITH(bytes_for_ram),
		WITH(the_elf_header_in_the_flash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
