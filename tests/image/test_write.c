/* test_write.c - the writers, to the letter. */
#include "support.h"

typedef struct fixture {
	test_heap heap;
	vf_image img;
	vf_error err;
	buffer out;
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
	buffer_free(&f->out);
	free(f);
	return 0;
}

static void add(fixture *f, uint32_t addr, const char *text)
{
	assert_int_equal(add_raw(&f->img, "x", addr, text, strlen(text), &f->err), VF_OK);
}

static void expect_text(fixture *f, const char *text)
{
	buffer_add(&f->out, "", 1);
	assert_string_equal((char *)f->out.bytes, text);
}

static void hex_to_the_letter(void **state)
{
	fixture *f = *state;
	vf_image_write_options opt = {
		.format = VF_FORMAT_HEX, .has_entry = true, .entry = 0x90000201};
	add(f, 0x0E, "abc"); /* two files that touch are one stretch */
	add(f, 0x11, "d");
	add(f, 0x9000FFFF, "ef");
	write_image(&f->img, &opt, &f->out);
	expect_text(f, ":02000E0061622D\n"
		       ":020010006364"
		       "27\n"
		       ":0200000490006A\n"
		       ":01FFFF00659C\n"
		       ":02000004900169\n"
		       ":010000006699\n"
		       ":040000059000020164\n"
		       ":00000001FF\n");
}

static void srec_to_the_letter(void **state)
{
	fixture *f = *state;
	vf_image_write_options opt = {.format = VF_FORMAT_SREC};
	add(f, 0x90000000, "ab");
	write_image(&f->img, &opt, &f->out);
	expect_text(f, "S00B0000766370666C6173689D\n"
		       "S307900000006162A5\n"
		       "S5030001FB\n"
		       "S70500000000FA\n");
}

static void bin_refuses_gaps_unless_filled(void **state)
{
	fixture *f = *state;
	vf_image_write_options opt = {.format = VF_FORMAT_BIN};
	add(f, 0x10, "ab");
	add(f, 0x12, "cd");
	write_image(&f->img, &opt, &f->out);
	assert_int_equal(f->out.len, 4);
	assert_memory_equal(f->out.bytes, "abcd", 4);
	f->out.len = 0;
	assert_int_equal(vf_image_add_blank(&f->img, "blank", 0x17, 2, &f->err), VF_OK);
	expect_error(vf_image_write(&f->img, &opt, buffer_put, &f->out, &f->err), VF_E_USAGE,
		     &f->err, "from 0x00000014 to 0x00000016 (3 bytes)", "0xFF", NULL);
	assert_int_equal(f->out.len, 0);
	opt.fill_given = true;
	opt.fill = '.';
	write_image(&f->img, &opt, &f->out);
	assert_int_equal(f->out.len, 9);
	assert_memory_equal(f->out.bytes, "abcd...\xFF\xFF", 9);
}

static void bin_has_a_limit(void **state)
{
	fixture *f = *state;
	vf_image_write_options opt = {.format = VF_FORMAT_BIN, .fill_given = true, .fill = 0xFF};
	add(f, 0x08000000, "a");
	add(f, 0x90000000, "b");
	expect_error(vf_image_write(&f->img, &opt, buffer_put, &f->out, &f->err), VF_E_USAGE,
		     &f->err, "2281701377 bytes", "1073741824", NULL);
	vf_image_free(&f->img);
	add(f, 0, "a");
	add(f, 9, "b");
	opt.max_bin = 9;
	expect_error(vf_image_write(&f->img, &opt, buffer_put, &f->out, &f->err), VF_E_USAGE,
		     &f->err, "10 bytes", "limit of 9", NULL);
	opt.max_bin = 10;
	write_image(&f->img, &opt, &f->out);
	assert_int_equal(f->out.len, 10);
}

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void expect_block(const fixture *f, size_t i, uint32_t flags, uint32_t addr, uint32_t size,
			 uint32_t count, uint32_t family)
{
	const uint8_t *b = f->out.bytes + 512 * i;
	assert_true(512 * (i + 1) <= f->out.len);
	assert_memory_equal(b, "UF2\nWQ]\x9E", 8);
	assert_int_equal(le32(b + 8), flags);
	assert_int_equal(le32(b + 12), addr);
	assert_int_equal(le32(b + 16), size);
	assert_int_equal(le32(b + 20), i);
	assert_int_equal(le32(b + 24), count);
	assert_int_equal(le32(b + 28), family);
	assert_memory_equal(b + 508, "\x30\x6F\xB1\x0A", 4);
}

static void uf2_without_fill_has_only_the_bytes(void **state)
{
	fixture *f = *state;
	vf_image_write_options opt = {.format = VF_FORMAT_UF2};
	add(f, 0x900000FE, "abcd");
	add(f, 0x900001F0, "e");
	write_image(&f->img, &opt, &f->out);
	assert_int_equal(f->out.len, 3 * 512);
	expect_block(f, 0, 0, 0x900000FE, 2, 3, 0);
	expect_block(f, 1, 0, 0x90000100, 2, 3, 0);
	expect_block(f, 2, 0, 0x900001F0, 1, 3, 0);
	assert_memory_equal(f->out.bytes + 512 + 32, "cd\0", 3);
}

static void uf2_with_fill_has_whole_pages(void **state)
{
	fixture *f = *state;
	vf_image_write_options opt = {.format = VF_FORMAT_UF2,
				      .fill_given = true,
				      .fill = 0xFF,
				      .uf2_family = 0x6DB66082};
	add(f, 0x900000FE, "abcd");
	add(f, 0x900001F0, "e");
	add(f, 0xFFFFFFFF, "z");
	write_image(&f->img, &opt, &f->out);
	assert_int_equal(f->out.len, 3 * 512);
	expect_block(f, 0, 0x2000, 0x90000000, 256, 3, 0x6DB66082);
	expect_block(f, 1, 0x2000, 0x90000100, 256, 3, 0x6DB66082);
	expect_block(f, 2, 0x2000, 0xFFFFFF00, 256, 3, 0x6DB66082);
	assert_memory_equal(f->out.bytes + 32 + 252,
			    "\xFF\xFF"
			    "ab",
			    4);
	assert_memory_equal(f->out.bytes + 512 + 32, "cd\xFF", 3);
	assert_int_equal(f->out.bytes[512 + 32 + 0xF0], 'e');
}

static int stop_later(void *ctx, const uint8_t *bytes, size_t len)
{
	size_t *calls = ctx;
	(void)bytes;
	(void)len;
	return ++*calls == 2 ? VF_E_INTERRUPTED : VF_OK;
}

static void the_sink_can_stop_it(void **state)
{
	fixture *f = *state;
	static const uint8_t formats[] = {VF_FORMAT_HEX, VF_FORMAT_SREC, VF_FORMAT_UF2,
					  VF_FORMAT_BIN};
	uint8_t *bytes = calloc(1, 1 << 20);
	assert_non_null(bytes);
	assert_int_equal(add_raw(&f->img, "x", 0, bytes, 1 << 20, &f->err), VF_OK);
	free(bytes);
	for (size_t i = 0; i < sizeof formats; i++) {
		vf_image_write_options opt = {.format = formats[i]};
		size_t calls = 0;
		assert_int_equal(vf_image_write(&f->img, &opt, stop_later, &calls, &f->err),
				 VF_E_INTERRUPTED);
		assert_int_equal(calls, 2);
	}
}

static void what_cannot_be_written(void **state)
{
	fixture *f = *state;
	vf_image_write_options opt = {.format = VF_FORMAT_HEX};
	expect_error(vf_image_write(&f->img, &opt, buffer_put, &f->out, &f->err), VF_E_USAGE,
		     &f->err, "empty", NULL);
	add(f, 0, "a");
	opt.format = VF_FORMAT_ELF;
	expect_error(vf_image_write(&f->img, &opt, buffer_put, &f->out, &f->err), VF_E_USAGE,
		     &f->err, "ELF", ".hex", NULL);
	opt.format = VF_FORMAT_AUTO;
	expect_error(vf_image_write(&f->img, &opt, buffer_put, &f->out, &f->err), VF_E_USAGE,
		     &f->err, ".hex", NULL);
}

int main(void)
{
#define WITH(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(hex_to_the_letter),
		WITH(srec_to_the_letter),
		WITH(bin_refuses_gaps_unless_filled),
		WITH(bin_has_a_limit),
		WITH(uf2_without_fill_has_only_the_bytes),
		WITH(uf2_with_fill_has_whole_pages),
		WITH(the_sink_can_stop_it),
		WITH(what_cannot_be_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
