/* test_srec.c - reading Motorola S-records. */
#include "support.h"

static void all_widths_and_the_entry(void **state)
{
	(void)state;
	test_heap heap = {0};
	vf_alloc door = heap_door(&heap);
	vf_image img;
	vf_error err = {0};
	buffer b = {0};
	srec_line(&b, 0, 2, 0, (const uint8_t *)"title", 5);
	srec_line(&b, 1, 2, 0x1234, (const uint8_t *)"one", 3);
	srec_line(&b, 2, 3, 0x123456, (const uint8_t *)"two", 3);
	srec_line(&b, 3, 4, 0x90000000, (const uint8_t *)"three", 5);
	srec_line(&b, 5, 2, 3, NULL, 0);
	srec_line(&b, 7, 4, 0x90000001, NULL, 0);
	vf_image_init(&img, &door);
	assert_int_equal(add_file(&img, "a.s37", &b, NULL, &err), VF_OK);
	assert_int_equal(img.segment_count, 3);
	expect_segment(&img, 0, 0x1234, "one", 3);
	expect_segment(&img, 1, 0x123456, "two", 3);
	expect_segment(&img, 2, 0x90000000, "three", 5);
	assert_int_equal(img.sources[0].format, VF_FORMAT_SREC);
	assert_true(img.sources[0].has_entry);
	assert_int_equal(img.sources[0].entry, 0x90000001);
	vf_image_free(&img);
	buffer_free(&b);
	assert_int_equal(heap.blocks, 0);
}

static void shorter_ends_and_long_counts(void **state)
{
	(void)state;
	for (unsigned type = 7; type <= 9; type++) {
		test_heap heap = {0};
		vf_alloc door = heap_door(&heap);
		vf_image img;
		vf_error err = {0};
		buffer b = {0};
		srec_line(&b, 1, 2, 0, (const uint8_t *)"x", 1);
		srec_line(&b, 6, 3, 1, NULL, 0);
		srec_line(&b, type, 11 - type, type == 9 ? 0 : 0x8000, NULL, 0);
		vf_image_init(&img, &door);
		assert_int_equal(add_file(&img, "a.srec", &b, NULL, &err), VF_OK);
		assert_int_equal(img.sources[0].has_entry, type != 9); /* 0 means none */
		vf_image_free(&img);
		buffer_free(&b);
	}
}

static void longest_record_and_lower_case(void **state)
{
	(void)state;
	uint8_t data[250];
	test_heap heap = {0};
	vf_alloc door = heap_door(&heap);
	vf_image img;
	vf_error err = {0};
	buffer b = {0};
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7);
	srec_line(&b, 3, 4, 0xFFFFFF06u, data, 250); /* the very last byte there is */
	srec_line(&b, 7, 4, 0, NULL, 0);
	for (size_t i = 0; i < b.len; i++) {
		if (b.bytes[i] >= 'A' && b.bytes[i] <= 'Z')
			b.bytes[i] = (uint8_t)(b.bytes[i] + 32);
	}
	vf_image_init(&img, &door);
	assert_int_equal(add_file(&img, "a.mot", &b, NULL, &err), VF_OK);
	expect_segment(&img, 0, 0xFFFFFF06u, data, 250);
	vf_image_free(&img);
	buffer_free(&b);
}

typedef struct bad_file {
	const char *text;
	const char *says[3];
} bad_file;

#define DATA "S1051000AABB85\n"
#define END  "S9030000FC\n"

static void bad_files_are_refused_with_line_and_reason(void **state)
{
	(void)state;
	static const bad_file files[] = {
		{DATA "S1051000AABB84\n" END,
		 {"line 2", "wrong checksum 0x84, its bytes make 0x85"}},
		{"S1051000AABB8\n" END, {"line 1", "odd number of hex digits"}},
		{"S1051000AAB.85\n" END, {"line 1", "character 12", "'.'"}},
		{"S1051000AA85\n" END, {"line 1", "5 bytes instead of 6"}},
		{"S30310008C\n" END, {"line 1", "4 bytes instead of 6"}},
		{DATA, {"no end record", "S7, S8 or S9"}},
		{DATA END DATA, {"line 3", "after the end record"}},
		{DATA "S5030002FA\n" END, {"line 2", "counts 2 data records, but there are 1"}},
		{DATA "S604000002F9\n" END, {"line 2", "counts 2"}},
		{"S307FFFFFFFF0102F9\n" END, {"line 1", "0xffffffff", "4 GB"}},
		{END, {"no data"}},
		{"S4051000AABB85\n" END, {"line 1", "type '4'"}},
		{"SX051000AABB85\n" END, {"line 1", "type 'X'"}},
		{DATA "S\n" END, {"line 2", "type 0x0a"}},
		{DATA "S1", {"line 2", "cut off"}},
		{DATA ":00000001FF\n", {"line 2", "':'", "'S'"}},
		{DATA "S1041001AC3E\n" END,
		 {"address 0x00001001 is 0xbb in line 1 and 0xac in line 2", "contradicts"}},
	};
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		test_heap heap = {0};
		vf_alloc door = heap_door(&heap);
		vf_image img;
		vf_error err = {0};
		vf_image_init(&img, &door);
		int status = add_text(&img, "bad.s19", files[i].text, &err);
		expect_error(status, VF_E_FILE, &err, "bad.s19: ", files[i].says[0],
			     files[i].says[1], files[i].says[2], NULL);
		assert_int_equal(img.segment_count + img.source_count, 0);
		vf_image_free(&img);
		assert_int_equal(heap.blocks, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_widths_and_the_entry),
		cmocka_unit_test(shorter_ends_and_long_counts),
		cmocka_unit_test(longest_record_and_lower_case),
		cmocka_unit_test(bad_files_are_refused_with_line_and_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
