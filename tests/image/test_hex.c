/* test_hex.c - reading Intel HEX: what it means, and what is wrong with it. */
#include "support.h"

static void data_records_make_segments(void **state)
{
	(void)state;
	test_heap heap = {0};
	vf_alloc door = heap_door(&heap);
	vf_image img;
	vf_error err = {0};
	vf_image_init(&img, &door);
	assert_int_equal(add_text(&img, "a.hex",
				  ":0400000001020304F2\n:020004000506EF\n:01001000AA45\n"
				  ":00000001FF\n",
				  &err),
			 VF_OK);
	assert_int_equal(img.segment_count, 2);
	expect_segment(&img, 0, 0, "\1\2\3\4\5\6", 6);
	expect_segment(&img, 1, 0x10, "\xAA", 1);
	assert_int_equal(img.source_count, 1);
	assert_string_equal(img.sources[0].name, "a.hex");
	assert_int_equal(img.sources[0].format, VF_FORMAT_HEX);
	assert_int_equal(img.sources[0].bytes, 7);
	assert_false(img.sources[0].has_entry);
	assert_int_equal(vf_image_bytes(&img), 7);
	vf_image_free(&img);
	assert_int_equal(heap.blocks, 0);
}

static void expect_one(const buffer *b, uint32_t addr, const void *bytes, uint32_t len)
{
	test_heap heap = {0};
	vf_alloc door = heap_door(&heap);
	vf_image img;
	vf_error err = {0};
	vf_image_init(&img, &door);
	if (add_file(&img, "one.hex", b, NULL, &err) != VF_OK)
		fail_msg("%s", err.text);
	assert_int_equal(img.segment_count, 1);
	expect_segment(&img, 0, addr, bytes, len);
	vf_image_free(&img);
}

static void any_case_and_line_end(void **state)
{
	(void)state;
	static const char *const texts[] = {
		":0200000490006A\n:03000100aBcDeF95\n:00000001FF\n",
		":0200000490006A\r\n:03000100ABCDEF95\r\n:00000001ff",
		":0200000490006A\r:03000100abcdef95\r:00000001FF\r",
		"\xEF\xBB\xBF\n :0200000490006A \n\t:03000100abcdef95\t\r\n\r\n:00000001FF\n\x1A",
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		buffer b = {0};
		buffer_text(&b, "%s", texts[i]);
		expect_one(&b, 0x90000001, "\xAB\xCD\xEF", 3);
		buffer_free(&b);
	}
}

static void linear_and_segment_addresses(void **state)
{
	(void)state;
	static const uint8_t data[4] = {1, 2, 3, 4};
	buffer b = {0};
	hex_line(&b, 4, 0, (const uint8_t[]){0x90, 0x10}, 2, "\n");
	hex_line(&b, 0, 0xFFFE, data, 4, "\n"); /* linear: runs on past 64 KB */
	hex_line(&b, 1, 0, NULL, 0, "\n");
	expect_one(&b, 0x9010FFFE, data, 4);
	buffer_free(&b);

	hex_line(&b, 2, 0, (const uint8_t[]){0x12, 0x34}, 2, "\n");
	hex_line(&b, 0, 0x10, data, 4, "\n");
	hex_line(&b, 1, 0, NULL, 0, "\n");
	expect_one(&b, 0x12350, data, 4);
	buffer_free(&b);

	/* A later linear record ends segment mode. */
	hex_line(&b, 2, 0, (const uint8_t[]){0x10, 0}, 2, "\n");
	hex_line(&b, 4, 0, (const uint8_t[]){0, 1}, 2, "\n");
	hex_line(&b, 0, 0xFFFE, data, 4, "\n");
	hex_line(&b, 1, 0, NULL, 0, "\n");
	expect_one(&b, 0x1FFFE, data, 4);
	buffer_free(&b);
}

static void segment_records_wrap(void **state)
{
	(void)state;
	static const uint8_t data[4] = {1, 2, 3, 4};
	test_heap heap = {0};
	vf_alloc door = heap_door(&heap);
	vf_image img;
	vf_error err = {0};
	buffer b = {0};
	hex_line(&b, 2, 0, (const uint8_t[]){0x20, 0}, 2, "\n");
	hex_line(&b, 0, 0xFFFD, data, 4, "\n");
	hex_line(&b, 1, 0, NULL, 0, "\n");
	vf_image_init(&img, &door);
	assert_int_equal(add_file(&img, "wrap.hex", &b, NULL, &err), VF_OK);
	assert_int_equal(img.segment_count, 2);
	expect_segment(&img, 0, 0x20000, data + 3, 1);
	expect_segment(&img, 1, 0x2FFFD, data, 3);
	vf_image_free(&img);
	buffer_free(&b);
}

static void entry_points(void **state)
{
	(void)state;
	test_heap heap = {0};
	vf_alloc door = heap_door(&heap);
	vf_image img;
	vf_error err = {0};
	vf_image_init(&img, &door);
	assert_int_equal(add_text(&img, "linear.hex",
				  ":0100000000FF\n:0400000590000201" /* 0x90000201 */
				  "64\n:00000001FF\n",
				  &err),
			 VF_OK);
	assert_true(img.sources[0].has_entry);
	assert_int_equal(img.sources[0].entry, 0x90000201);
	assert_int_equal(add_text(&img, "segment.hex",
				  ":0100000000FF\n:0400000312340056" /* 1234:0056 */
				  "5D\n:00000001FF\n",
				  &err),
			 VF_OK);
	assert_true(img.sources[1].has_entry);
	assert_int_equal(img.sources[1].entry, 0x12396);
	vf_image_free(&img);
}

static void records_in_any_order_join(void **state)
{
	(void)state;
	static const uint8_t data[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	buffer b = {0};
	hex_line(&b, 0, 0x108, data + 8, 4, "\n");
	hex_line(&b, 0, 0x100, data, 4, "\n");
	hex_line(&b, 0, 0x102, data + 2, 8, "\n"); /* says the same again */
	hex_line(&b, 0, 0x10A, data + 10, 1, "\n");
	hex_line(&b, 1, 0, NULL, 0, "\n");
	expect_one(&b, 0x100, data, 12);
	buffer_free(&b);
}

static void symbols_of_altos_are_skipped(void **state)
{
	(void)state;
	buffer b = {0};
	hex_line(&b, 0, 0x100, (const uint8_t *)"ab", 2, "\n");
	hex_line(&b, 0xFE, 0x1234, (const uint8_t *)"ao_start", 8, "\n");
	hex_line(&b, 1, 0, NULL, 0, "\n");
	hex_line(&b, 4, 0, (const uint8_t[]){8, 0}, 2, "\n");
	hex_line(&b, 0xFE, 0x1234, (const uint8_t *)"ao_stop", 7, "\n");
	expect_one(&b, 0x100, "ab", 2);
	buffer_free(&b);
}

typedef struct bad_file {
	const char *text;
	const char *says[3];
} bad_file;

#define END ":00000001FF\n"

static void bad_files_are_refused_with_line_and_reason(void **state)
{
	(void)state;
	static const bad_file files[] = {
		{":0400000001020304F2\n:020004000506EE\n" END,
		 {"line 2", "wrong checksum 0xee, its bytes make 0xef", "get the file again"}},
		{":0400000001020304F\n" END, {"line 1", "odd number of hex digits (17)"}},
		{":04000000010203g4F2\n" END, {"line 1", "character 16", "'g'"}},
		{":0400000001020 04F2\n" END, {"line 1", "character 15", "0x20"}},
		{":04000000010203F5\n" END, {"line 1", "8 bytes instead of 9"}},
		{":040000000102030405ED\n" END, {"line 1", "10 bytes instead of 9"}},
		{":0400\n" END, {"line 1", "2 bytes instead of 9"}},
		{":\n" END, {"line 1", "cut off"}},
		{":0\n" END, {"line 1", "odd number"}},
		{":0400000001020304F2\n", {"no end record", "cut off"}},
		{":0400000001020304F2\n" END "\n" END,
		 {"line 4", "after the end record", "one by one"}},
		{END ":0400000001020304F2\n", {"line 2", "after the end record"}},
		{END ":040000059000020164\n", {"line 2", "after the end record"}},
		{END "rubbish", {"line 2", "after the end record"}},
		{":02000004FFFFFC\n:02FFFF000102FD\n" END, {"line 2", "0xffffffff", "4 GB"}},
		{END, {"no data"}},
		{"; comment\n" END, {"line 1", "';'", "':'"}},
		{":0400000001020304F2\nhello\n" END, {"line 2", "'h'"}},
		{":0100000600F9\n" END, {"line 1", "record type 0x06", "objcopy"}},
		{":0100000A00F5\n" END, {"line 1", "0x0a", "Universal Hex"}},
		{":0100000400FB\n" END, {"line 1", "type 04 cannot hold 1 bytes"}},
		{":0100000200FD\n" END, {"line 1", "type 02"}},
		{":0100000300FC\n" END, {"line 1", "type 03"}},
		{":0100000500FA\n" END, {"line 1", "type 05"}},
		{":0100000100FE\n", {"line 1", "type 01"}},
		{":0400000001020304F2\r\n:0400020009090909D6\r\n" END,
		 {"address 0x00000002 is 0x03 in line 1 and 0x09 in line 2", "contradicts"}},
	};
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		test_heap heap = {0};
		vf_alloc door = heap_door(&heap);
		vf_image img;
		vf_error err = {0};
		vf_image_init(&img, &door);
		int status = add_text(&img, "bad.hex", files[i].text, &err);
		expect_error(status, VF_E_FILE, &err, "bad.hex: ", files[i].says[0],
			     files[i].says[1], files[i].says[2], NULL);
		assert_int_equal(img.segment_count + img.source_count, 0);
		vf_image_free(&img);
		assert_int_equal(heap.blocks, 0);
	}
}

static void the_whole_line_reads_well(void **state)
{
	(void)state;
	test_heap heap = {0};
	vf_alloc door = heap_door(&heap);
	vf_image img;
	vf_error err = {0};
	vf_image_init(&img, &door);
	assert_int_equal(add_text(&img, "app.hex", ":0400000001020304F1\n" END, &err), VF_E_FILE);
	assert_string_equal(err.text, "app.hex: line 1: wrong checksum 0xf1, its bytes make 0xf2: "
				      "damaged or edited by hand, get the file again");
	vf_image_free(&img);
}

static void a_long_name_keeps_the_reason_visible(void **state)
{
	(void)state;
	char name[600];
	test_heap heap = {0};
	vf_alloc door = heap_door(&heap);
	vf_image img;
	vf_error err = {0};
	memset(name, 'x', sizeof name);
	memcpy(name + sizeof name - 9, "/app.hex", 9);
	vf_image_init(&img, &door);
	expect_error(add_text(&img, name, END, &err), VF_E_FILE, &err, "x/app.hex: holds no data",
		     NULL);
	vf_image_free(&img);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_records_make_segments),
		cmocka_unit_test(any_case_and_line_end),
		cmocka_unit_test(linear_and_segment_addresses),
		cmocka_unit_test(segment_records_wrap),
		cmocka_unit_test(entry_points),
		cmocka_unit_test(records_in_any_order_join),
		cmocka_unit_test(symbols_of_altos_are_skipped),
		cmocka_unit_test(bad_files_are_refused_with_line_and_reason),
		cmocka_unit_test(the_whole_line_reads_well),
		cmocka_unit_test(a_long_name_keeps_the_reason_visible),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
