/* test_compare.c - each way in which a flash can be wrong, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compare.h"

#define BASE 0x90000000u

enum { SIZE = 8192, PAGE = 512 };

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size > 0)
		return realloc(p, size);
	free(p);
	return NULL;
}

static const vf_alloc alloc = {resize, NULL};

static void fill(uint8_t *out, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		out[i] = (uint8_t)(seed >> 24);
	}
}

/* `want` at 0 of an image that goes on behind it, and `found` there. */
static vf_mismatch compare(const uint8_t *image_bytes, const uint8_t *found, uint32_t len)
{
	vf_compare c;
	vf_image image;
	vf_error err;
	const vf_image_add_options opt = {
		.format = VF_FORMAT_BIN, .has_address = true, .address = BASE};
	vf_image_init(&image, &alloc);
	assert_int_equal(vf_image_add(&image, "x", image_bytes, SIZE, &opt, &err), VF_OK);
	vf_compare_begin(&c, PAGE);
	for (uint32_t at = 0; at < len; at += 1024)
		(void)vf_compare_bytes(&c, BASE + at, image_bytes + at, found + at, 1024);
	vf_compare_end(&c, &image);
	vf_image_free(&image);
	return c.m;
}

static void test_causes(void **state)
{
	uint8_t want[SIZE], found[SIZE];
	vf_mismatch m;
	(void)state;
	fill(want, SIZE, 1);
	m = compare(want, want, SIZE);
	assert_int_equal(m.cause, VF_CAUSE_NONE);
	assert_int_equal(m.count, 0);

	memset(found, 0xFF, SIZE);
	assert_int_equal(compare(want, found, SIZE).cause, VF_CAUSE_BLANK);
	memset(found, 0, SIZE);
	assert_int_equal(compare(want, found, SIZE).cause, VF_CAUSE_CONSTANT);
	memcpy(found, want, SIZE);
	for (int i = 100; i < 200; i++)
		found[i] &= 0x55;
	m = compare(want, found, SIZE);
	assert_int_equal(m.cause, VF_CAUSE_NOT_ERASED);
	assert_true(m.address >= BASE + 100 && m.address < BASE + 104);
	assert_int_equal(m.found, m.expected & 0x55);
	memcpy(found, want, SIZE);
	memset(found + 3000, 0xFF, 5000);
	m = compare(want, found, SIZE);
	assert_int_equal(m.cause, VF_CAUSE_NOT_PROGRAMMED);
	fill(found, SIZE, 2);
	m = compare(want, found, SIZE);
	assert_int_equal(m.cause, VF_CAUSE_OTHER_IMAGE);
	assert_true(m.count > SIZE * 9 / 10);
}

static void test_shifted(void **state)
{
	uint8_t want[SIZE], found[SIZE];
	(void)state;
	fill(want, SIZE, 1);
	for (int by = 1; by <= 4; by++) {
		memcpy(found, want + by, SIZE - 8);
		vf_mismatch m = compare(want, found, 4096);
		assert_int_equal(m.cause, VF_CAUSE_SHIFTED);
		assert_int_equal(m.distance, by);
		fill(found, SIZE, 3);
		memcpy(found + by, want, 4096);
		m = compare(want, found, 4096);
		assert_int_equal(m.cause, VF_CAUSE_SHIFTED);
		assert_int_equal(m.distance, -by);
	}
}

/* The chip wraps at 256 or 128 bytes, the board believes in 512. */
static void test_page(void **state)
{
	uint8_t want[SIZE], found[SIZE];
	(void)state;
	fill(want, SIZE, 1);
	for (uint32_t part = 128; part < PAGE; part *= 2) {
		memset(found, 0xFF, SIZE);
		for (uint32_t i = 0; i < SIZE; i++)
			found[i / PAGE * PAGE + i % PAGE % part] &= want[i];
		const vf_mismatch m = compare(want, found, SIZE);
		assert_int_equal(m.cause, VF_CAUSE_PAGE);
		assert_int_equal(m.distance, part);
		assert_int_equal(m.address, BASE);
	}
}

static void test_alias(void **state)
{
	uint8_t want[SIZE], found[SIZE];
	(void)state;
	fill(want, SIZE, 1);
	for (uint32_t i = 0; i < SIZE; i++)
		found[i] = want[i & ~4096u];
	const vf_mismatch m = compare(want, found, SIZE);
	assert_int_equal(m.cause, VF_CAUSE_ALIAS);
	assert_int_equal(m.distance, 12);
	assert_int_equal(m.address, BASE + 4096);
}

/* Every kind has its own word, a cause and a next step, also after writing. */
static void test_words(void **state)
{
	(void)state;
	for (uint8_t one = VF_CAUSE_BLANK; one <= VF_CAUSE_ALIAS; one++) {
		for (int written = 0; written < 2; written++) {
			const vf_mismatch m = {.cause = one, .written = written != 0};
			assert_true(strlen(vf_mismatch_cause(&m)) > 10);
			assert_true(strlen(vf_mismatch_next(&m)) > 5);
		}
		for (uint8_t other = 0; other < one; other++) {
			const vf_mismatch a = {.cause = one}, b = {.cause = other};
			assert_string_not_equal(vf_mismatch_name(&a), vf_mismatch_name(&b));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_causes), cmocka_unit_test(test_shifted),
		cmocka_unit_test(test_page),   cmocka_unit_test(test_alias),
		cmocka_unit_test(test_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
