/* test_keep_file.c - the file of kept bytes: what was packed comes back, nothing else is
 * taken for one, whatever was cut off, changed or made up, and running out of memory at
 * any place loses nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keep.h"

enum { SIZE = 64, RECORDS = 20, COUNT_AT = 48, FIRST = 56, RECORD = 12 };

typedef struct heap {
	vf_alloc alloc;
	long living;
	long fail_in; /* the allocation that fails; 0 none */
} heap;

static void *resize(void *ctx, void *p, size_t size)
{
	heap *h = ctx;
	if (size == 0) {
		h->living--;
		free(p);
		return NULL;
	}
	if (h->fail_in > 0 && --h->fail_in == 0)
		return NULL;
	h->living += p == NULL;
	return realloc(p, size);
}

static void start(heap *h)
{
	*h = (heap){.living = 0};
	h->alloc = (vf_alloc){resize, h};
}

/* Records of every kind; the one before the last is moot. */
static void fill(vf_keep *k, const vf_alloc *alloc)
{
	*k = (vf_keep){.id_len = 3, .id = {1, 2, 3}, .session = 0x1122334455667788u, .before = 7};
	for (uint32_t i = 0; i < RECORDS; i++) {
		uint8_t bytes[SIZE];
		vf_keep_record *r = vf_keep_add(k, alloc);
		assert_non_null(r);
		r->memory = (uint8_t)(i & 1);
		r->address = 0x90000000u + i * SIZE;
		r->size = SIZE;
		r->seen_known = i % 5 != 0;
		r->moot = i == RECORDS - 2;
		memset(bytes, (int)i, sizeof bytes);
		assert_int_equal(vf_keep_set(&r->wanted, i % 3 == 0 ? NULL : bytes, SIZE, alloc),
				 VF_OK);
		bytes[0] = 0x55;
		if (r->seen_known && i % 2 == 0)
			assert_int_equal(vf_keep_set(&r->seen, bytes, SIZE, alloc), VF_OK);
	}
}

static uint8_t *packed(heap *h, size_t *len)
{
	vf_keep k;
	fill(&k, &h->alloc);
	uint8_t *bytes = vf_keep_pack(&k, &h->alloc, len);
	vf_keep_free(&k, &h->alloc);
	assert_non_null(bytes);
	return bytes;
}

/* As if somebody had written it so on purpose. */
static void sign(uint8_t *bytes, size_t len)
{
	vf_sha256 s;
	vf_sha256_init(&s);
	vf_sha256_update(&s, bytes, len - VF_SHA256_SIZE);
	vf_sha256_final(&s, bytes + len - VF_SHA256_SIZE);
}

static int unpacked(heap *h, const uint8_t *bytes, size_t len)
{
	vf_keep k;
	const long before = h->living;
	const int status = vf_keep_unpack(&k, &h->alloc, bytes, len);
	if (status == VF_OK)
		vf_keep_free(&k, &h->alloc);
	assert_int_equal(h->living, before);
	return status;
}

static void same_field(const uint8_t *a, const uint8_t *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a != NULL)
		assert_memory_equal(a, b, SIZE);
}

static void test_comes_back(void **state)
{
	heap h;
	vf_keep k, back;
	size_t len, live = 0;
	(void)state;
	start(&h);
	fill(&k, &h.alloc);
	uint8_t *bytes = vf_keep_pack(&k, &h.alloc, &len);
	assert_non_null(bytes);
	assert_int_equal(vf_keep_unpack(&back, &h.alloc, bytes, len), VF_OK);
	assert_int_equal(back.count, RECORDS - 1);
	assert_int_equal(back.id_len, 3);
	assert_memory_equal(back.id, k.id, sizeof k.id);
	assert_true(back.session == k.session && back.before == k.before);
	for (size_t i = 0; i < k.count; i++) {
		const vf_keep_record *a = &k.records[i];
		if (a->moot)
			continue;
		const vf_keep_record *b = &back.records[live++];
		assert_int_equal(a->memory, b->memory);
		assert_int_equal(a->address, b->address);
		assert_int_equal(a->size, b->size);
		assert_int_equal(a->seen_known, b->seen_known);
		same_field(a->wanted, b->wanted);
		same_field(a->seen, b->seen);
	}
	vf_free(&h.alloc, bytes);
	vf_keep_free(&k, &h.alloc);
	vf_keep_free(&back, &h.alloc);
	assert_int_equal(h.living, 0);
}

/* A field that becomes blank gives its memory back. */
static void test_becomes_blank(void **state)
{
	heap h;
	uint8_t bytes[SIZE] = {1}, *field = NULL;
	(void)state;
	start(&h);
	assert_int_equal(vf_keep_set(&field, bytes, SIZE, &h.alloc), VF_OK);
	assert_non_null(field);
	memset(bytes, 0xFF, sizeof bytes);
	assert_int_equal(vf_keep_set(&field, bytes, SIZE, &h.alloc), VF_OK);
	assert_null(field);
	assert_int_equal(h.living, 0);
}

static void test_damaged(void **state)
{
	heap h;
	size_t len;
	(void)state;
	start(&h);
	uint8_t *bytes = packed(&h, &len);
	assert_int_equal(unpacked(&h, bytes, len), VF_OK);
	for (size_t n = 0; n < len; n++) {
		assert_int_equal(unpacked(&h, bytes, n), VF_E_FILE);
		bytes[n] ^= (uint8_t)(1u << n % 8);
		assert_int_equal(unpacked(&h, bytes, len), VF_E_FILE);
		bytes[n] ^= (uint8_t)(1u << n % 8);
	}
	vf_free(&h.alloc, bytes);
}

/* The digest is right, what it covers is nonsense. */
static void test_made_up(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} lie[] = {
		{8, VF_WIRE_ID_MAX + 1}, /* a longer id than there are */
		{COUNT_AT, RECORDS},     /* one record more than there are: its head is missing */
		{COUNT_AT + 3, 0xFF},    /* four thousand million */
		{COUNT_AT, RECORDS - 2}, /* one less: bytes are left over */
		{FIRST + RECORD + 8 + 3, 0x80}, /* the second's sector is larger than the file */
		{FIRST + 1, 0},                 /* bytes of the first, which has none */
	};
	heap h;
	size_t len;
	(void)state;
	start(&h);
	uint8_t *bytes = packed(&h, &len);
	for (size_t i = 0; i < sizeof lie / sizeof lie[0]; i++) {
		const uint8_t was = bytes[lie[i].at];
		assert_int_not_equal(was, lie[i].value);
		bytes[lie[i].at] = lie[i].value;
		sign(bytes, len);
		assert_int_equal(unpacked(&h, bytes, len), VF_E_FILE);
		bytes[lie[i].at] = was;
	}
	sign(bytes, len);
	assert_int_equal(unpacked(&h, bytes, len), VF_OK);
	/* Shorter than its last record. */
	memmove(bytes + len - VF_SHA256_SIZE - 1, bytes + len - VF_SHA256_SIZE, VF_SHA256_SIZE);
	sign(bytes, len - 1);
	assert_int_equal(unpacked(&h, bytes, len - 1), VF_E_FILE);
	vf_free(&h.alloc, bytes);
}

static void test_no_memory(void **state)
{
	heap h;
	size_t len;
	vf_keep k;
	long n = 0;
	int status = VF_E_NOMEM;
	(void)state;
	start(&h);
	uint8_t *bytes = packed(&h, &len);
	while (status == VF_E_NOMEM) {
		h.fail_in = ++n;
		status = unpacked(&h, bytes, len);
	}
	assert_int_equal(status, VF_OK);
	assert_true(n > RECORDS);
	vf_free(&h.alloc, bytes);
	h.fail_in = 0;
	fill(&k, &h.alloc);
	h.fail_in = 1;
	assert_null(vf_keep_pack(&k, &h.alloc, &len));
	vf_keep_free(&k, &h.alloc);
	assert_int_equal(h.living, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back), cmocka_unit_test(test_becomes_blank),
		cmocka_unit_test(test_damaged),    cmocka_unit_test(test_made_up),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
