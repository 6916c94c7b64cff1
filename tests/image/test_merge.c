/* test_merge.c - adding files to an image: detection, raw binaries, overlap,
 * what is added underneath, and looking bytes up. */
#include "support.h"

typedef struct fixture {
	test_heap heap;
	vf_image img;
	vf_error err;
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
	expect_sound(&f->img);
	vf_image_free(&f->img);
	size_t blocks = f->heap.blocks;
	free(f);
	return blocks == 0 ? 0 : -1;
}

static int add(fixture *f, const char *name, const char *text, const vf_image_add_options *opt)
{
	buffer b = {0};
	buffer_add(&b, text, strlen(text));
	int status = add_file(&f->img, name, &b, opt, &f->err);
	buffer_free(&b);
	return status;
}

#define HEX_FILE  ":0100000000FF\n:00000001FF\n"
#define SREC_FILE "S1051000AABB85\nS9030000FC\n"
#define WEB_PAGE  "\n<!DOCTYPE html>\n<html><head><title>404</title>\n"

static const vf_image_add_options at_9000 = {.has_address = true, .address = 0x90000000};

static void content_tells_the_format(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *bytes;
		size_t len;
		enum vf_image_format format;
	} files[] = {
		{"a.bin", HEX_FILE, sizeof HEX_FILE, VF_FORMAT_HEX},
		{"a", "\r\n " HEX_FILE, sizeof HEX_FILE, VF_FORMAT_HEX},
		{"a.hex", SREC_FILE, sizeof SREC_FILE, VF_FORMAT_SREC},
		{"a.bin", "\177ELF....", 8, VF_FORMAT_ELF},
		{"a.bin", "UF2\nWQ]\x9E", 8, VF_FORMAT_UF2},
		{"a.bin", "S1 is a sector", 14, VF_FORMAT_BIN},
		{"a.BIN", ":-) smile", 9, VF_FORMAT_BIN},
		{"a.bin", "SABCDEF12", 9, VF_FORMAT_BIN},
		{"a.HEX", "rubbish", 7, VF_FORMAT_HEX},
		{"a.txt", "rubbish", 7, VF_FORMAT_AUTO},
		{"a.txt", "", 0, VF_FORMAT_AUTO},
	};
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		assert_int_equal(vf_image_detect(files[i].name, (const uint8_t *)files[i].bytes,
						 files[i].len),
				 files[i].format);
}

static void endings_tell_the_format(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum vf_image_format format;
	} names[] = {
		{"a.hex", VF_FORMAT_HEX},    {"a.ihx", VF_FORMAT_HEX},  {"a.ihex", VF_FORMAT_HEX},
		{"a.srec", VF_FORMAT_SREC},  {"a.s19", VF_FORMAT_SREC}, {"a.s28", VF_FORMAT_SREC},
		{"a.s37", VF_FORMAT_SREC},   {"a.MOT", VF_FORMAT_SREC}, {"a.elf", VF_FORMAT_ELF},
		{"a.axf", VF_FORMAT_ELF},    {"a.out", VF_FORMAT_ELF},  {"a.Uf2", VF_FORMAT_UF2},
		{"a.bin", VF_FORMAT_BIN},    {"hex", VF_FORMAT_AUTO},   {".hex", VF_FORMAT_AUTO},
		{"a.hex/b", VF_FORMAT_AUTO},
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_int_equal(vf_image_format_by_name(names[i].name), names[i].format);
	assert_string_equal(vf_image_format_name(VF_FORMAT_HEX), "Intel HEX");
}

static void raw_binaries_need_an_address(void **state)
{
	fixture *f = *state;
	expect_error(add(f, "a.bin", "raw", NULL), VF_E_USAGE, &f->err, "a.bin@0x90000000", NULL);
	assert_int_equal(add(f, "a.bin", "raw", &at_9000), VF_OK);
	expect_segment(&f->img, 0, 0x90000000, "raw", 3);
	assert_int_equal(f->img.sources[0].format, VF_FORMAT_BIN);
}

static void unknown_files_need_an_address_too(void **state)
{
	fixture *f = *state;
	expect_error(add(f, "logo", "raw", NULL), VF_E_FILE, &f->err, "logo: neither",
		     "logo@ADDRESS", NULL);
	assert_int_equal(add(f, "logo", "raw", &at_9000), VF_OK);
	expect_segment(&f->img, 0, 0x90000000, "raw", 3);
}

static void raw_binaries_end_at_4_gb(void **state)
{
	fixture *f = *state;
	assert_int_equal(add_raw(&f->img, "a.bin", 0xFFFFFFFD, "raw", 3, &f->err), VF_OK);
	expect_error(add_raw(&f->img, "b.bin", 0xFFFFFFFE, "raw", 3, &f->err), VF_E_USAGE, &f->err,
		     "b.bin: 3 bytes at 0xfffffffe", "4 GB", NULL);
	assert_int_equal(f->img.segment_count, 1);
}

static void other_files_have_their_own(void **state)
{
	fixture *f = *state;
	expect_error(add(f, "a.hex", HEX_FILE, &at_9000), VF_E_USAGE, &f->err,
		     "a.hex: its Intel HEX", "leave @0x90000000 out", NULL);
	expect_error(add(f, "a.bin", SREC_FILE, &at_9000), VF_E_USAGE, &f->err, "S-record", NULL);
	/* unless raw bytes are asked for */
	vf_image_add_options raw = at_9000;
	raw.format = VF_FORMAT_BIN;
	assert_int_equal(add(f, "a.hex", HEX_FILE, &raw), VF_OK);
	expect_segment(&f->img, 0, 0x90000000, HEX_FILE, sizeof HEX_FILE - 1);
}

static void empty_files(void **state)
{
	fixture *f = *state;
	static const char *const names[] = {"a.hex", "a.srec", "a.elf", "a.uf2", "a"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		expect_error(add(f, names[i], "", NULL), VF_E_FILE, &f->err, "is empty", NULL);
	expect_error(add(f, "a.bin", "", &at_9000), VF_E_FILE, &f->err, "a.bin: the file is empty",
		     NULL);
}

static void what_is_no_firmware(void **state)
{
	fixture *f = *state;
	vf_image_add_options hex = {.format = VF_FORMAT_HEX};
	expect_error(add(f, "a.hex", WEB_PAGE, NULL), VF_E_FILE, &f->err,
		     "a.hex: this is a web page, not firmware: ", "raw", NULL);
	expect_error(add(f, "a.hex", WEB_PAGE, &hex), VF_E_FILE, &f->err, "web page", NULL);
	expect_error(add(f, "a.elf", "<HTML>", NULL), VF_E_FILE, &f->err, "web page", NULL);
	expect_error(add(f, "a.bin", WEB_PAGE, &at_9000), VF_E_FILE, &f->err, "web page", NULL);
	expect_error(add(f, "a.hex", "version https://git-lfs.github.com/spec/v1\n", NULL),
		     VF_E_FILE, &f->err, "git lfs pull", NULL);
	expect_error(add(f, "a.hex", "PK\3\4", NULL), VF_E_FILE, &f->err, "zip archive", NULL);
	expect_error(add(f, "a.hex", "\x1F\x8B\x08", NULL), VF_E_FILE, &f->err, "gzip", NULL);
	expect_error(add(f, "a.hex", "\xFF\xFE:", NULL), VF_E_FILE, &f->err, "UTF-16", NULL);
	expect_error(add(f, "a.hex", "Dear reader,\n", NULL), VF_E_FILE, &f->err, "line 1", "'D'",
		     NULL);
	assert_int_equal(f->img.source_count, 0);
	/* What is placed on purpose is placed. */
	assert_int_equal(add(f, "index.html", WEB_PAGE, &at_9000), VF_OK);
	assert_int_equal(add_raw(&f->img, "assets.bin", 0, "PK\3\4", 4, &f->err), VF_OK);
}

static void unknown_format_number(void **state)
{
	fixture *f = *state;
	vf_image_add_options opt = {.format = 77};
	expect_error(add(f, "a.hex", HEX_FILE, &opt), VF_E_USAGE, &f->err, "77", NULL);
}

static void gaps_stay_gaps(void **state)
{
	fixture *f = *state;
	assert_int_equal(add(f, "far.hex",
			     ":080000000102030405060708D4\n"
			     ":020000040640B4\n"
			     ":080000000102030405060708D4\n:00000001FF\n",
			     NULL),
			 VF_OK);
	assert_int_equal(f->img.segment_count, 2);
	assert_int_equal(f->img.segments[1].addr, 100 * 1024 * 1024);
	assert_int_equal(vf_image_bytes(&f->img), 16);
	assert_true(f->heap.peak < 2048);
}

static void equal_bytes_may_come_twice(void **state)
{
	fixture *f = *state;
	assert_int_equal(add_raw(&f->img, "a", 0x10, "abcdef", 6, &f->err), VF_OK);
	assert_int_equal(add_raw(&f->img, "b", 0x20, "xyz", 3, &f->err), VF_OK);
	assert_int_equal(add_raw(&f->img, "c", 0x0E, "..abcdef..........xyz..", 23, &f->err),
			 VF_OK);
	assert_int_equal(f->img.segment_count, 5);
	expect_segment(&f->img, 0, 0x0E, "..", 2);
	expect_segment(&f->img, 1, 0x10, "abcdef", 6);
	expect_segment(&f->img, 2, 0x16, "..........", 10);
	expect_segment(&f->img, 3, 0x20, "xyz", 3);
	expect_segment(&f->img, 4, 0x23, "..", 2);
	assert_int_equal(f->img.segments[1].source, 0);
	assert_int_equal(f->img.segments[2].source, 2);
	assert_int_equal(f->img.sources[2].bytes, 23);
}

static void two_files_that_disagree(void **state)
{
	fixture *f = *state;
	assert_int_equal(add_raw(&f->img, "a.bin", 0x10, "abcdef", 6, &f->err), VF_OK);
	int status = add_raw(&f->img, "b.bin", 0x0C, "....abXd", 8, &f->err);
	assert_int_equal(status, VF_E_FILE);
	assert_string_equal(
		f->err.text,
		"address 0x00000012: a.bin says 0x63 and b.bin says 0x58: both cannot be "
		"in the flash, leave one out or link it for another address");
	assert_int_equal(f->img.segment_count, 1);
	assert_int_equal(f->img.source_count, 1);
}

static void blanks_cost_nothing(void **state)
{
	fixture *f = *state;
	static const uint8_t erased[4] = {0xFF, 0xFF, 0xFF, 0xFF};
	assert_int_equal(vf_image_add_blank(&f->img, "erase", 0x1000, 0xF0000000, &f->err), VF_OK);
	assert_true(f->heap.peak < 4096);
	assert_null(f->img.segments[0].data);
	assert_int_equal(vf_image_bytes(&f->img), 0xF0000000);
	assert_int_equal(add_raw(&f->img, "same", 0x2000, erased, 4, &f->err), VF_OK);
	assert_int_equal(f->img.segment_count, 1);
	expect_error(add_raw(&f->img, "other", 0x2000, "a", 1, &f->err), VF_E_FILE, &f->err,
		     "0x00002000: erase says 0xff and other says 0x61", NULL);
	assert_int_equal(add_raw(&f->img, "low", 0, "abc", 3, &f->err), VF_OK);
	expect_error(vf_image_add_blank(&f->img, "again", 1, 1, &f->err), VF_E_FILE, &f->err,
		     "0x00000001: low says 0x62 and again says 0xff", NULL);
	expect_error(vf_image_add_blank(&f->img, "long", 0xFFFFFFFF, 2, &f->err), VF_E_USAGE,
		     &f->err, "long: 2 bytes at 0xffffffff", NULL);
	assert_int_equal(vf_image_add_blank(&f->img, "nothing", 0, 0, &f->err), VF_OK);
	uint8_t got[3];
	assert_int_equal(vf_image_read(&f->img, 0xFFF, got, 3, 0), 2);
	assert_memory_equal(got, "\0\xFF\xFF", 3);
}

static void what_goes_underneath_fills_holes(void **state)
{
	fixture *f = *state;
	assert_int_equal(add_raw(&f->img, "a", 0x10, "abcd", 4, &f->err), VF_OK);
	assert_int_equal(add_raw(&f->img, "b", 0x18, "efgh", 4, &f->err), VF_OK);
	assert_int_equal(vf_image_add_under(&f->img, "kept", 0x0E,
					    (const uint8_t *)"0123456789ABCDEF", 16, &f->err),
			 VF_OK);
	assert_int_equal(f->img.segment_count, 5);
	expect_segment(&f->img, 0, 0x0E, "01", 2);
	expect_segment(&f->img, 1, 0x10, "abcd", 4);
	expect_segment(&f->img, 2, 0x14, "6789", 4);
	expect_segment(&f->img, 3, 0x18, "efgh", 4);
	expect_segment(&f->img, 4, 0x1C, "EF", 2);
	assert_int_equal(f->img.sources[2].bytes, 8);
	expect_error(
		vf_image_add_under(&f->img, "kept", 0xFFFFFFFF, (const uint8_t *)"ab", 2, &f->err),
		VF_E_USAGE, &f->err, "4 GB", NULL);
}

static void many_pieces_are_one_source(void **state)
{
	fixture *f = *state;
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(vf_image_add_under(&f->img, "kept", i * 64,
						    (const uint8_t *)"piece", 5, &f->err),
				 VF_OK);
	assert_int_equal(f->img.source_count, 1);
	assert_int_equal(f->img.segment_count, 100000);
	assert_int_equal(f->img.sources[0].bytes, 500000);
	/* What adds nothing keeps nothing. */
	size_t blocks = f->heap.blocks;
	assert_int_equal(
		vf_image_add_under(&f->img, "kept", 64, (const uint8_t *)"xxxx", 4, &f->err),
		VF_OK);
	assert_int_equal(f->heap.blocks, blocks);
}

static void looking_bytes_up(void **state)
{
	fixture *f = *state;
	uint8_t got[16];
	assert_int_equal(vf_image_find(&f->img, 0), 0);
	assert_int_equal(vf_image_read(&f->img, 0, got, 4, 7), 0);
	assert_memory_equal(got, "\7\7\7\7", 4);
	assert_int_equal(add_raw(&f->img, "a", 0x10, "abcd", 4, &f->err), VF_OK);
	assert_int_equal(add_raw(&f->img, "z", 0xFFFFFFFE, "yz", 2, &f->err), VF_OK);
	assert_int_equal(vf_image_find(&f->img, 0), 0);
	assert_int_equal(vf_image_find(&f->img, 0x13), 0);
	assert_int_equal(vf_image_find(&f->img, 0x14), 1);
	assert_int_equal(vf_image_find(&f->img, 0xFFFFFFFF), 1);
	assert_int_equal(vf_image_read(&f->img, 0x0E, got, 8, '.'), 4);
	assert_memory_equal(got, "..abcd..", 8);
	assert_int_equal(vf_image_read(&f->img, 0x12, got, 1, '.'), 1);
	assert_memory_equal(got, "c", 1);
	assert_int_equal(vf_image_read(&f->img, 0xFFFFFFFF, got, 1, '.'), 1);
	assert_memory_equal(got, "z", 1);
	assert_int_equal(vf_image_read(&f->img, 0xFFFFFFFF, got, 0, '.'), 0);
}

static void errors_may_be_unwanted(void **state)
{
	fixture *f = *state;
	assert_int_equal(add_text(&f->img, "a.hex", "rubbish", NULL), VF_E_FILE);
}

static void free_leaves_an_empty_image(void **state)
{
	fixture *f = *state;
	assert_int_equal(add_raw(&f->img, "a", 0x10, "abcd", 4, &f->err), VF_OK);
	vf_image_free(&f->img);
	assert_int_equal(vf_image_bytes(&f->img), 0);
	assert_int_equal(add_raw(&f->img, "a", 0x10, "efgh", 4, &f->err), VF_OK);
	expect_segment(&f->img, 0, 0x10, "efgh", 4);
}

int main(void)
{
#define WITH(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_tells_the_format),
		cmocka_unit_test(endings_tell_the_format),
		WITH(raw_binaries_need_an_address),
		WITH(unknown_files_need_an_address_too),
		WITH(raw_binaries_end_at_4_gb),
		WITH(other_files_have_their_own),
		WITH(empty_files),
		WITH(what_is_no_firmware),
		WITH(unknown_format_number),
		WITH(gaps_stay_gaps),
		WITH(equal_bytes_may_come_twice),
		WITH(two_files_that_disagree),
		WITH(blanks_cost_nothing),
		WITH(what_goes_underneath_fills_holes),
		WITH(many_pieces_are_one_source),
		WITH(looking_bytes_up),
		WITH(errors_may_be_unwanted),
		WITH(free_leaves_an_empty_image),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
