/* test_memory.c - every allocation fails once: the answer is VF_E_NOMEM, the
 * image is as before, and nothing leaks. And memory stays in proportion. */
#include "support.h"

typedef struct trial {
	vf_image *img;
	vf_error *err;
} trial;

typedef int (*action)(trial *t);

static int add_base(vf_image *img)
{
	vf_error err = {0};
	int status = VF_OK;
	for (uint32_t i = 0; i < 20 && status == VF_OK; i++)
		status = add_raw(img, i < 10 ? "base.bin" : "more.bin", 0x1000 + 64 * i, "base", 4,
				 &err);
	return status;
}

static int hex_in_order(trial *t)
{
	buffer b = {0};
	for (unsigned i = 0; i < 40; i++)
		hex_line(&b, 0, 0x1008 + 32 * i, (const uint8_t *)"order", 5, "\n");
	hex_line(&b, 1, 0, NULL, 0, "\n");
	int status = add_file(t->img, "order.hex", &b, NULL, t->err);
	buffer_free(&b);
	return status;
}

static int hex_shuffled(trial *t)
{
	buffer b = {0};
	for (unsigned i = 40; i-- > 0;)
		hex_line(&b, 0, 0x2000 + 5 * i, (const uint8_t *)"order", 5, "\n");
	hex_line(&b, 1, 0, NULL, 0, "\n");
	int status = add_file(t->img, "shuffled.hex", &b, NULL, t->err);
	buffer_free(&b);
	return status;
}

static int srec(trial *t)
{
	buffer b = {0};
	srec_line(&b, 1, 2, 0x3000, (const uint8_t *)"srec", 4);
	srec_line(&b, 9, 2, 0, NULL, 0);
	int status = add_file(t->img, "a.srec", &b, NULL, t->err);
	buffer_free(&b);
	return status;
}

static int elf(trial *t)
{
	const elf_part part = {1, 0x54, 0x8000, 0x8000, 4, 4};
	buffer b = {0};
	elf_head(&b, 2, 0, &part, 1);
	buffer_add(&b, "code", 4);
	int status = add_file(t->img, "a.elf", &b, NULL, t->err);
	buffer_free(&b);
	return status;
}

static int uf2(trial *t)
{
	buffer b = {0};
	uf2_block(&b, 0, 0x9000, (const uint8_t *)"uf2", 3, 0, 1, 0);
	int status = add_file(t->img, "a.uf2", &b, NULL, t->err);
	buffer_free(&b);
	return status;
}

static int bin(trial *t)
{
	return add_raw(t->img, "a.bin", 0xFFE, "..base", 2, t->err);
}

static int blank(trial *t)
{
	return vf_image_add_blank(t->img, "blank", 0x5000, 0x1000, t->err);
}

static int under(trial *t)
{
	uint8_t bytes[0x800] = {0};
	return vf_image_add_under(t->img, "under", 0x1000, bytes, sizeof bytes, t->err);
}

static void expect_unchanged(const vf_image *img, const vf_image *before)
{
	assert_int_equal(img->segment_count, before->segment_count);
	assert_int_equal(img->source_count, before->source_count);
	for (size_t i = 0; i < img->segment_count; i++) {
		const vf_segment *s = &before->segments[i];
		expect_segment(img, i, s->addr, s->data, s->len);
		assert_int_equal(img->segments[i].source, s->source);
	}
	for (size_t i = 0; i < img->source_count; i++)
		assert_string_equal(img->sources[i].name, before->sources[i].name);
}

/* Fails the nth allocation of the action. True if there was an nth. */
static bool one_trial(action act, size_t n, const vf_image *before)
{
	test_heap heap = {0};
	vf_alloc door = heap_door(&heap);
	vf_image img;
	vf_error err = {0};
	vf_image_init(&img, &door);
	assert_int_equal(add_base(&img), VF_OK);
	heap.fail_at = heap.calls + n;
	int status = act(&(trial){.img = &img, .err = &err});
	bool failed = heap.failed;
	if (status != VF_OK) {
		expect_error(status, VF_E_NOMEM, &err, "out of memory", NULL);
		assert_true(failed);
		expect_unchanged(&img, before);
		heap.fail_at = 0; /* and with memory it works after all */
		assert_int_equal(act(&(trial){.img = &img, .err = &err}), VF_OK);
	}
	expect_sound(&img);
	vf_image_free(&img);
	assert_int_equal(heap.blocks, 0);
	assert_int_equal(heap.bytes, 0);
	return failed;
}

static void every_allocation_may_fail(void **state)
{
	static const struct {
		action act;
		size_t least; /* allocations that it surely makes */
	} actions[] = {{hex_in_order, 6}, {hex_shuffled, 7}, {srec, 5},  {elf, 5},
		       {uf2, 6},          {bin, 5},          {blank, 2}, {under, 3}};
	test_heap heap = {0};
	vf_alloc door = heap_door(&heap);
	vf_image before;
	(void)state;
	vf_image_init(&before, &door);
	assert_int_equal(add_base(&before), VF_OK);
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		size_t n = 1;
		while (one_trial(actions[i].act, n, &before))
			n++;
		assert_true(n > actions[i].least);
	}
	vf_image_free(&before);
}

/* A refused file leaves nothing behind either. */
static void refused_files_leak_nothing(void **state)
{
	(void)state;
	test_heap heap = {0};
	vf_alloc door = heap_door(&heap);
	vf_image img;
	vf_error err = {0};
	vf_image_init(&img, &door);
	assert_int_equal(add_base(&img), VF_OK);
	size_t blocks = heap.blocks;
	expect_error(add_text(&img, "bad.hex", ":0210000058583E\n:00000001FF\n", &err), VF_E_FILE,
		     &err, "0x00001000: base.bin says 0x62 and bad.hex says 0x58", NULL);
	expect_error(add_text(&img, "bad.hex", ":0200000058583E\n", &err), VF_E_FILE, &err, NULL);
	assert_int_equal(heap.blocks, blocks);
	vf_image_free(&img);
	assert_int_equal(heap.blocks, 0);
}

/* What reading a file takes at most, measured against its size: many scattered
 * one-byte records in reverse order are the worst a HEX file can do. */
static void memory_follows_the_file_not_the_addresses(void **state)
{
	(void)state;
	test_heap heap = {0};
	vf_alloc door = heap_door(&heap);
	vf_image img;
	vf_error err = {0};
	buffer b = {0};
	for (unsigned upper = 4; upper-- > 0;) {
		uint8_t base[2] = {(uint8_t)(upper * 64), 0};
		hex_line(&b, 4, 0, base, 2, "\n");
		for (unsigned i = 0x10000; i > 0; i -= 2)
			hex_line(&b, 0, i - 2, (const uint8_t *)"x", 1, "\n");
	}
	hex_line(&b, 1, 0, NULL, 0, "\n");
	vf_image_init(&img, &door);
	assert_int_equal(add_file(&img, "dust.hex", &b, NULL, &err), VF_OK);
	assert_int_equal(img.segment_count, 4 * 0x8000);
	assert_int_equal(vf_image_bytes(&img), 4 * 0x8000);
	assert_true(heap.peak < 10 * b.len);
	vf_image_free(&img);
	buffer_free(&b);
	assert_int_equal(heap.blocks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(refused_files_leak_nothing),
		cmocka_unit_test(memory_follows_the_file_not_the_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
