/* test_uf2.c - reading UF2: blocks in any order, and which set is complete. */
#include "support.h"

typedef struct fixture {
	test_heap heap;
	vf_image img;
	vf_error err;
	buffer file;
	uint8_t page[3][256];
} fixture;

static int set_up(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	vf_alloc door = heap_door(&f->heap);
	vf_image_init(&f->img, &door);
	for (unsigned p = 0; p < 3; p++)
		memset(f->page[p], (int)('a' + p), 256);
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

static void page(fixture *f, uint32_t number, uint32_t count)
{
	uf2_block(&f->file, 0, 0x90000000 + 256 * number, f->page[number], 256, number, count, 0);
}

static int add(fixture *f)
{
	return add_file(&f->img, "x.uf2", &f->file, NULL, &f->err);
}

static void blocks_in_any_order(void **state)
{
	fixture *f = *state;
	page(f, 2, 3);
	page(f, 0, 3);
	page(f, 1, 3);
	page(f, 0, 3); /* the same again is harmless */
	assert_int_equal(add(f), VF_OK);
	assert_int_equal(f->img.segment_count, 1);
	expect_segment(&f->img, 0, 0x90000000, f->page, 768);
	assert_int_equal(f->img.sources[0].format, VF_FORMAT_UF2);
}

static void addresses_in_any_order(void **state)
{
	fixture *f = *state;
	uf2_block(&f->file, 0x2000, 0x2000, f->page[0], 256, 0, 2, 0xADA52840);
	uf2_block(&f->file, 0x2000, 0x1FFE, f->page[1], 2, 1, 2, 0xADA52840);
	assert_int_equal(add(f), VF_OK);
	assert_int_equal(f->img.segment_count, 1);
	assert_int_equal(f->img.segments[0].addr, 0x1FFE);
	assert_int_equal(f->img.segments[0].len, 258);
}

static void not_main_flash_is_left_out(void **state)
{
	fixture *f = *state;
	page(f, 0, 2);
	uf2_block(&f->file, 1, 0x1000, f->page[1], 256, 1, 2, 0);
	assert_int_equal(add(f), VF_OK);
	assert_int_equal(f->img.segment_count, 1);
	expect_segment(&f->img, 0, 0x90000000, f->page[0], 256);
}

static void only_not_main_flash_is_nothing(void **state)
{
	fixture *f = *state;
	uf2_block(&f->file, 1, 0x1000, f->page[1], 256, 0, 1, 0);
	expect_error(add(f), VF_E_FILE, &f->err, "x.uf2", "no data", NULL);
}

static void missing_blocks(void **state)
{
	fixture *f = *state;
	page(f, 0, 3);
	page(f, 2, 3);
	expect_error(add(f), VF_E_FILE, &f->err, "x.uf2", "block 1 of 3 is missing", NULL);
}

static void missing_blocks_at_the_end(void **state)
{
	fixture *f = *state;
	uf2_block(&f->file, 0, 0, f->page[0], 256, 0, 4000000000u, 0);
	uf2_block(&f->file, 0, 256, f->page[0], 256, 1, 4000000000u, 0);
	expect_error(add(f), VF_E_FILE, &f->err, "block 2 of 4000000000 is missing", NULL);
	assert_true(f->heap.peak < 4096);
}

static void repeated_block_that_differs(void **state)
{
	fixture *f = *state;
	page(f, 0, 2);
	page(f, 1, 2);
	page(f, 1, 2);
	f->file.bytes[2 * 512 + 40] ^= 1;
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0x400: block 1 differs", "at 0x200", NULL);
}

static void one_address_two_values(void **state)
{
	fixture *f = *state;
	uf2_block(&f->file, 0, 0x1000, f->page[0], 256, 0, 2, 0);
	uf2_block(&f->file, 0, 0x10F0, f->page[1], 256, 1, 2, 0);
	expect_error(add(f), VF_E_FILE, &f->err,
		     "address 0x000010f0 is 0x61 at offset 0x20 and 0x62 at "
		     "offset 0x220",
		     NULL);
}

static void bad_magic(void **state)
{
	fixture *f = *state;
	page(f, 0, 2);
	page(f, 1, 2);
	f->file.bytes[512 + 508] ^= 1;
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0x3fc", "magic", NULL);
	f->file.bytes[512 + 508] ^= 1;
	f->file.bytes[512] ^= 1;
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0x200", "magic", NULL);
	f->file.bytes[512] ^= 1;
	f->file.bytes[512 + 4] ^= 1;
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0x204", "magic", NULL);
}

static void cut_off(void **state)
{
	fixture *f = *state;
	page(f, 0, 1);
	f->file.len = 500;
	expect_error(add(f), VF_E_FILE, &f->err, "500 bytes", "512", NULL);
}

static void impossible_blocks(void **state)
{
	fixture *f = *state;
	uf2_block(&f->file, 0, 0x1000, f->page[0], 477, 0, 1, 0);
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0x10", "477 bytes", NULL);
	f->file.len = 0;
	uf2_block(&f->file, 0, 0xFFFFFFFF, f->page[0], 2, 0, 1, 0);
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0xc", "4 GB", NULL);
	f->file.len = 0;
	uf2_block(&f->file, 0, 0, f->page[0], 256, 1, 1, 0);
	expect_error(add(f), VF_E_FILE, &f->err, "block 1 of 1", NULL);
	f->file.len = 0;
	uf2_block(&f->file, 0x1000, 0, f->page[0], 256, 0, 1, 0);
	expect_error(add(f), VF_E_FILE, &f->err, "holds files", NULL);
}

static void files_joined(void **state)
{
	fixture *f = *state;
	page(f, 0, 1);
	page(f, 1, 2);
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0x214", "joined", NULL);
	f->file.len = 0;
	uf2_block(&f->file, 0x2000, 0, f->page[0], 256, 0, 2, 0x1234);
	uf2_block(&f->file, 0x2000, 256, f->page[0], 256, 1, 2, 0x5678);
	expect_error(add(f), VF_E_FILE, &f->err, "offset 0x21c", "0x00005678", "several chips",
		     NULL);
}

int main(void)
{
#define WITH(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(blocks_in_any_order),
		WITH(addresses_in_any_order),
		WITH(not_main_flash_is_left_out),
		WITH(only_not_main_flash_is_nothing),
		WITH(missing_blocks),
		WITH(missing_blocks_at_the_end),
		WITH(repeated_block_that_differs),
		WITH(one_address_two_values),
		WITH(bad_magic),
		WITH(cut_off),
		WITH(impossible_blocks),
		WITH(files_joined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
