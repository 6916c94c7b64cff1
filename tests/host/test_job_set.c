/* test_job_set.c - what may start, over runs of several images: what one left open no other
 * closes, what was complete stays so while others come, and whoever cannot know all of it
 * says less, not more. Over the real engine of a board with its journal.
 */
#include "job_bench.h"

#include <vcpflash/wire.h>

typedef struct scene {
	bench *b;
	vf_image a, other;
} scene;

enum { A = 0x2000, A_LEN = 0x3000, OTHER = 0x8000, OTHER_LEN = 0x1000 };

/* It begins with a vector table, so that it could start. */
static void one_piece(bench *b, vf_image *image, uint32_t offset, uint32_t len)
{
	uint8_t *bytes = malloc(len);
	assert_non_null(bytes);
	bench_random_fill(b, bytes, len);
	vf_put32(bytes, 0x20020000);
	for (uint32_t i = 1; i < 16; i++)
		vf_put32(bytes + 4 * (size_t)i, BENCH_NOR_BASE + offset + 0x101);
	bench_image(b, image);
	bench_add(b, image, "piece", BENCH_NOR_BASE + offset, bytes, len);
	free(bytes);
}

static int setup(void **state)
{
	scene *s = calloc(1, sizeof *s);
	assert_non_null(s);
	s->b = bench_new();
	bench_random_fill(s->b, s->b->flash[0].cells, BENCH_NOR_SIZE - BENCH_JOURNAL);
	bench_journal(s->b);
	one_piece(s->b, &s->a, A, A_LEN);
	one_piece(s->b, &s->other, OTHER, OTHER_LEN);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	scene *s = *state;
	vf_image_free(&s->a);
	vf_image_free(&s->other);
	bench_free(s->b);
	free(s);
	return 0;
}

static int program(scene *s, const vf_image *image)
{
	bench_clear(s->b);
	return bench_do(s->b, VF_JOB_PROGRAM, image);
}

static int erase(scene *s, uint32_t offset, uint32_t len)
{
	bench_clear(s->b);
	s->b->job.has_address = true;
	return bench_range(s->b, VF_JOB_ERASE, BENCH_NOR_BASE + offset, len);
}

/* A run that the cable's end ends, some pages after its first erase. */
static void cut_short(scene *s, const vf_image *image)
{
	s->b->deaf_after = 5;
	assert_int_equal(program(s, image), VF_E_LINK);
	s->b->deaf_after = 0;
	s->b->deaf = false;
}

static const vf_set *set(scene *s)
{
	static const vf_set none = {.state = VF_SET_NONE};
	bench_clear(s->b);
	assert_int_equal(bench_do(s->b, VF_JOB_INFO, NULL), VF_OK);
	return s->b->result.has_set ? &s->b->result.set : &none;
}

static void is_set(scene *s, uint8_t state, unsigned count)
{
	const vf_set *is = set(s);
	assert_int_equal(is->state, state);
	assert_int_equal(is->count, count);
}

static void has(scene *s, uint32_t offset, uint32_t len)
{
	const vf_set *is = set(s);
	for (unsigned i = 0; i < is->count; i++)
		if (is->entry[i].address == BENCH_NOR_BASE + offset && is->entry[i].length == len)
			return;
	fail_msg("0x%x-0x%x is not in it", offset, offset + len - 1);
}

static void test_another_file_does_not_close_it(void **state)
{
	scene *s = *state;
	cut_short(s, &s->a);
	is_set(s, VF_SET_INCOMPLETE, 1);
	has(s, A, A_LEN);
	assert_int_equal(program(s, &s->other), VF_OK);
	assert_true(s->b->notes > 0); /* the person is told */
	assert_int_equal(set(s)->state, VF_SET_INCOMPLETE);
	has(s, A, A_LEN);
	/* Nor does anything start, by any way. */
	bench_clear(s->b);
	s->b->job.run_after = true;
	assert_int_equal(bench_do(s->b, VF_JOB_PROGRAM, &s->other), VF_E_REFUSED);
	assert_non_null(strstr(s->b->result.error.text, "0x90002000-0x90004fff"));
	assert_int_equal(bench_changes(s->b), 0);
	s->b->job.run_after = false;
	s->b->job.has_address = true;
	assert_int_equal(bench_range(s->b, VF_JOB_RUN, BENCH_NOR_BASE, 0), VF_E_REFUSED);
	assert_false(s->b->running);
	/* The same run again does close it, and the other's range is part of it then. */
	assert_int_equal(program(s, &s->a), VF_OK);
	assert_int_equal(set(s)->state, VF_SET_COMPLETE);
	has(s, A, A_LEN);
	has(s, OTHER, OTHER_LEN);
}

static void test_nothing_to_do_closes_it(void **state)
{
	scene *s = *state;
	cut_short(s, &s->a);
	memcpy(s->b->flash[0].cells + A, s->a.segments[0].data, A_LEN);
	assert_int_equal(program(s, &s->a), VF_OK);
	is_set(s, VF_SET_COMPLETE, 1);
	has(s, A, A_LEN);
	/* And then not even the journal is written to. */
	assert_int_equal(program(s, &s->a), VF_OK);
	assert_int_equal(bench_changes(s->b), 0);
}

static void test_erasing_takes_out(void **state)
{
	scene *s = *state;
	assert_int_equal(program(s, &s->a), VF_OK);
	assert_int_equal(program(s, &s->other), VF_OK);
	is_set(s, VF_SET_COMPLETE, 2);
	assert_int_equal(erase(s, A + 0x1000, 0x1000), VF_OK); /* its middle */
	is_set(s, VF_SET_COMPLETE, 3);
	has(s, A, 0x1000);
	has(s, A + 0x2000, 0x1000);
	assert_int_equal(erase(s, 0, 0x10000), VF_OK);
	is_set(s, VF_SET_NONE, 0);
}

static void test_an_erase_closes_what_was_open(void **state)
{
	scene *s = *state;
	cut_short(s, &s->a);
	assert_int_equal(erase(s, A, A_LEN), VF_OK);
	is_set(s, VF_SET_NONE, 0);
	cut_short(s, &s->a);
	assert_int_equal(erase(s, A, 0x1000), VF_OK); /* a part of it is not all */
	is_set(s, VF_SET_INCOMPLETE, 1);
	has(s, A + 0x1000, A_LEN - 0x1000);
}

/* Bytes of what was complete were in the host's hands as it went away, and with nobody who
 * keeps them they are gone: neither another image nor this one makes it complete. */
static void test_what_was_lent_is_missed(void **state)
{
	scene *s = *state;
	vf_image inside;
	assert_int_equal(program(s, &s->a), VF_OK);
	one_piece(s->b, &inside, A + 0x100, 0x600);
	cut_short(s, &inside);
	assert_int_equal(program(s, &inside), VF_OK);
	assert_int_equal(set(s)->state, VF_SET_INCOMPLETE);
	bench_clear(s->b);
	s->b->job.run_after = true;
	assert_int_equal(bench_do(s->b, VF_JOB_PROGRAM, &inside), VF_E_REFUSED);
	assert_non_null(strstr(s->b->result.error.text, "--discard"));
	s->b->job.run_after = false;
	assert_int_equal(program(s, &s->other), VF_OK);
	assert_int_equal(set(s)->state, VF_SET_INCOMPLETE);
	/* The file that names them, or giving them up. */
	assert_int_equal(program(s, &s->a), VF_OK);
	assert_int_equal(set(s)->state, VF_SET_COMPLETE);
	cut_short(s, &inside);
	s->b->job.discard = true;
	assert_int_equal(program(s, &inside), VF_OK);
	assert_int_equal(set(s)->state, VF_SET_COMPLETE);
	vf_image_free(&inside);
}

/* More ranges than the board has entries for: they are joined over what is between them. */
static void test_more_ranges_than_entries(void **state)
{
	scene *s = *state;
	vf_image many;
	uint8_t bytes[64];
	bench_image(s->b, &many);
	for (uint32_t i = 0; i < 31; i++) {
		bench_random_fill(s->b, bytes, sizeof bytes);
		bench_add(s->b, &many, "piece", BENCH_NOR_BASE + 2 * i * BENCH_SECTOR, bytes,
			  sizeof bytes);
	}
	for (uint32_t i = 0; i < 7; i++) {
		bench_random_fill(s->b, bytes, sizeof bytes);
		bench_add(s->b, &many, "inner", BENCH_INNER_BASE + (i + 1) * BENCH_INNER_SECTOR,
			  bytes, sizeof bytes);
	}
	assert_int_equal(program(s, &many), VF_OK);
	const vf_set *is = set(s);
	assert_int_equal(is->state, VF_SET_COMPLETE);
	assert_in_range(is->count, 2, VF_TARGET_SET);
	for (size_t i = 0; i < many.segment_count; i++) {
		const vf_segment *seg = &many.segments[i];
		bool found = false;
		for (unsigned k = 0; k < is->count; k++)
			found = found || (seg->addr >= is->entry[k].address &&
					  seg->addr + seg->len <=
						  is->entry[k].address + is->entry[k].length);
		assert_true(found);
	}
	vf_image_free(&many);
}

/* A journal that says what it cannot mean. */
static void test_a_set_of_nowhere(void **state)
{
	scene *s = *state;
	assert_int_equal(program(s, &s->a), VF_OK);
	s->b->journal.set[s->b->journal.which][1] = 200; /* entries */
	assert_int_equal(program(s, &s->other), VF_E_LINK);
	assert_non_null(strstr(s->b->result.error.text, "journal contradicts itself"));
	assert_int_equal(bench_changes(s->b), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_another_file_does_not_close_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_nothing_to_do_closes_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_erasing_takes_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_erase_closes_what_was_open, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_was_lent_is_missed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_ranges_than_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_set_of_nowhere, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
