/* test_job_other.c - VERIFY, READ, ERASE, ERASE_CHIP, DIGEST, RUN and INFO: what
 * they report and what they change.
 */
#include "job_bench.h"

static int setup(void **state)
{
	bench *b = bench_new();
	bench_random_fill(b, b->flash[0].cells, b->info[0].size);
	bench_random_fill(b, b->flash[1].cells, b->info[1].size);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bench_free(*state);
	return 0;
}

/* --- VERIFY ---------------------------------------------------------------------- */

/* The chip's own bytes as an image: three ranges of odd lengths in both memories. */
static void image_of_chip(bench *b, vf_image *image)
{
	bench_image(b, image);
	bench_add(b, image, "a.bin", BENCH_NOR_BASE + 0x1234, b->flash[0].cells + 0x1234, 0x8003);
	bench_add(b, image, "b.bin", BENCH_NOR_BASE + 0x20000, b->flash[0].cells + 0x20000,
		  0x10000);
	bench_add(b, image, "c.bin", BENCH_INNER_BASE + 7, b->flash[1].cells + 7, 0x5000);
}

static void test_verify_same(void **state)
{
	bench *b = *state;
	vf_image image;
	image_of_chip(b, &image);
	b->job.verify_full = true;
	assert_int_equal(bench_do(b, VF_JOB_VERIFY, &image), VF_OK);
	assert_int_equal(b->result.verified_bytes, 0x8003 + 0x10000 + 0x5000);
	assert_int_equal(bench_changes(b), 0);
	assert_int_equal(b->result.mismatch.count, 0);
	vf_image_free(&image);
}

/* Changed bytes inside and outside the image; the report must be exact. */
static void test_verify_report(void **state)
{
	static const uint32_t at[] = {0x1233, 0x1234, 0x3000, 0x3001, 0x9236, 0x9237, 0x2ffff};
	bench *b = *state;
	vf_image image;
	image_of_chip(b, &image);
	for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
		b->flash[0].cells[at[i]] ^= 0x5A;
	b->flash[1].cells[6] ^= 1;      /* not of the image */
	b->flash[1].cells[0x5006] ^= 1; /* its last byte */
	assert_int_equal(bench_do(b, VF_JOB_VERIFY, &image), VF_E_DIFFERS);
	const vf_mismatch *m = &b->result.mismatch;
	assert_int_equal(m->count, 6);
	assert_int_equal(m->sectors, 5);
	assert_int_equal(m->address, BENCH_NOR_BASE + 0x1234);
	assert_int_equal(m->found, b->flash[0].cells[0x1234]);
	assert_int_equal(m->expected, b->flash[0].cells[0x1234] ^ 0x5A);
	assert_int_equal(m->cause, VF_CAUSE_OTHER_IMAGE);
	assert_non_null(strstr(b->result.error.text, "0x90001234"));
	assert_int_equal(bench_changes(b), 0);
	vf_image_free(&image);
}

static void cause_is(bench *b, const vf_image *image, uint8_t cause)
{
	assert_int_equal(bench_do(b, VF_JOB_VERIFY, image), VF_E_DIFFERS);
	assert_int_equal(b->result.mismatch.cause, cause);
}

static void test_verify_cause(void **state)
{
	bench *b = *state;
	uint8_t bytes[9000];
	uint8_t *cells = b->flash[0].cells + 0x800;
	vf_image image;
	bench_random_fill(b, bytes, sizeof bytes);
	bench_image(b, &image);
	bench_add(b, &image, "a.bin", BENCH_NOR_BASE + 0x800, bytes, sizeof bytes);
	memset(cells, 0xFF, sizeof bytes);
	cause_is(b, &image, VF_CAUSE_BLANK);
	memset(cells, 0, sizeof bytes);
	cause_is(b, &image, VF_CAUSE_CONSTANT);
	memcpy(cells, bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i += 7)
		cells[i] &= 0x3C;
	cause_is(b, &image, VF_CAUSE_NOT_ERASED);
	memcpy(cells, bytes, sizeof bytes);
	memset(cells + 4000, 0xFF, 1000);
	cause_is(b, &image, VF_CAUSE_NOT_PROGRAMMED);
	cells[0] ^= 0xFF;
	cause_is(b, &image, VF_CAUSE_OTHER_IMAGE);
	vf_image_free(&image);
}

/* Random differences against a count made by hand. */
static void test_verify_random(void **state)
{
	bench *b = *state;
	uint8_t *original = malloc(BENCH_NOR_SIZE);
	assert_non_null(original);
	for (unsigned round = 0; round < 30; round++) {
		vf_image image;
		uint64_t differ = 0, sectors = 0;
		uint32_t first = UINT32_MAX;
		const uint32_t start = bench_random(b) % 20000;
		const uint32_t len = 1 + bench_random(b) % 60000;
		memcpy(original, b->flash[0].cells, BENCH_NOR_SIZE);
		bench_image(b, &image);
		bench_add(b, &image, "a", BENCH_NOR_BASE + start, original + start, len / 2 + 1);
		bench_add(b, &image, "b", BENCH_NOR_BASE + start + len, original + start + len,
			  len);
		for (unsigned i = bench_random(b) % 9; i > 0; i--)
			b->flash[0].cells[start + bench_random(b) % (2 * len)] ^=
				(uint8_t)bench_random(b);
		for (uint32_t i = 0, last = UINT32_MAX; i < BENCH_NOR_SIZE; i++) {
			const bool covered = (i >= start && i < start + len / 2 + 1) ||
					     (i >= start + len && i < start + 2 * len);
			if (!covered || original[i] == b->flash[0].cells[i])
				continue;
			differ++;
			sectors += i / BENCH_SECTOR != last;
			last = i / BENCH_SECTOR;
			first = first == UINT32_MAX ? i : first;
		}
		assert_int_equal(bench_do(b, VF_JOB_VERIFY, &image),
				 differ == 0 ? VF_OK : VF_E_DIFFERS);
		assert_int_equal(b->result.mismatch.count, differ);
		assert_int_equal(b->result.mismatch.sectors, sectors);
		if (differ > 0)
			assert_int_equal(b->result.mismatch.address, BENCH_NOR_BASE + first);
		vf_image_free(&image);
	}
	free(original);
}

/* --- READ, DIGEST ------------------------------------------------------------------- */

static void test_read(void **state)
{
	static const uint32_t range[][2] = {
		{0, BENCH_NOR_SIZE}, {0x1234, 1}, {0x3FFF, 40001}, {BENCH_NOR_SIZE - 5, 5}};
	bench *b = *state;
	for (size_t i = 0; i < sizeof range / sizeof range[0]; i++) {
		uint8_t hash[VF_SHA256_SIZE];
		vf_sha256 h;
		bench_clear(b);
		assert_int_equal(
			bench_range(b, VF_JOB_READ, BENCH_NOR_BASE + range[i][0], range[i][1]),
			VF_OK);
		assert_int_equal(b->sunk_len, range[i][1]);
		assert_memory_equal(b->sunk, b->flash[0].cells + range[i][0], range[i][1]);
		vf_sha256_init(&h);
		vf_sha256_update(&h, b->sunk, b->sunk_len);
		vf_sha256_final(&h, hash);
		assert_memory_equal(hash, b->result.sha256, sizeof hash);
		bench_clear(b);
		assert_int_equal(
			bench_range(b, VF_JOB_DIGEST, BENCH_NOR_BASE + range[i][0], range[i][1]),
			VF_OK);
		assert_memory_equal(hash, b->result.sha256, sizeof hash);
		assert_int_equal(bench_changes(b), 0);
	}
}

static void test_read_is_pipelined(void **state)
{
	bench *b = *state;
	assert_int_equal(bench_range(b, VF_JOB_READ, BENCH_NOR_BASE, BENCH_NOR_SIZE), VF_OK);
	/* 256 KB at 1 MB/s; frames cost 2 %. */
	assert_in_range(b->result.elapsed_us, 262144, 262144 * 11 / 10);
}

static void test_read_unstable(void **state)
{
	bench *b = *state;
	b->fault[0] = (bench_fault){.kind = VF_FLASH_READ_MAPPED, .skip = 3, .times = 1};
	assert_int_equal(bench_range(b, VF_JOB_READ, BENCH_NOR_BASE, 100000), VF_E_FLASH);
	assert_non_null(strstr(b->result.error.text, "SHA-256"));
}

static void test_sink_says_no(void **state)
{
	bench *b = *state;
	b->sink_status = VF_E_FILE;
	assert_int_equal(bench_range(b, VF_JOB_READ, BENCH_NOR_BASE, 100000), VF_E_FILE);
	b->sink_status = 0;
}

static void test_addresses(void **state)
{
	bench *b = *state;
	assert_int_equal(bench_range(b, VF_JOB_READ, 0x100, 16), VF_E_REFUSED);
	assert_non_null(strstr(b->result.error.text, "fakenor 0x90000000-0x9003ffff"));
	b->job.offset_ok = true;
	assert_int_equal(bench_range(b, VF_JOB_READ, 0x100, 16), VF_OK);
	assert_memory_equal(b->sunk, b->flash[0].cells + 0x100, 16);
	bench_clear(b);
	assert_int_equal(bench_range(b, VF_JOB_READ, BENCH_INNER_BASE + 5, 16), VF_OK);
	assert_memory_equal(b->sunk, b->flash[1].cells + 5, 16);
	assert_int_equal(bench_range(b, VF_JOB_READ, BENCH_NOR_SIZE - 8, 9), VF_E_REFUSED);
	assert_non_null(strstr(b->result.error.text, "1 bytes"));
	assert_int_equal(bench_range(b, VF_JOB_READ, BENCH_NOR_SIZE, 1), VF_E_REFUSED);
	assert_int_equal(bench_range(b, VF_JOB_DIGEST, 0xFFFFFFF0u, 0xFFFFFFFFu), VF_E_REFUSED);
}

/* --- ERASE ------------------------------------------------------------------------- */

static void test_erase_keeps_neighbours(void **state)
{
	bench *b = *state;
	uint8_t *want = malloc(BENCH_NOR_SIZE);
	assert_non_null(want);
	memcpy(want, b->flash[0].cells, BENCH_NOR_SIZE);
	memset(want + 0x1800, 0xFF, 0x5001);
	assert_int_equal(bench_range(b, VF_JOB_ERASE, BENCH_NOR_BASE + 0x1800, 0x5001), VF_OK);
	assert_memory_equal(b->flash[0].cells, want, BENCH_NOR_SIZE);
	assert_int_equal(b->flash[0].erases, 6);
	assert_int_equal(b->flash[0].dirty_programs, 0);
	assert_int_equal(b->result.kept_bytes, 6 * 4096 - 0x5001);
	bench_clear(b);
	assert_int_equal(bench_range(b, VF_JOB_ERASE, BENCH_NOR_BASE + 0x1800, 0x5001), VF_OK);
	assert_true(b->result.nothing_to_do);
	assert_int_equal(bench_changes(b), 0);
	b->job.discard = true;
	assert_int_equal(bench_range(b, VF_JOB_ERASE, BENCH_NOR_BASE + 0x1800, 0x5001), VF_OK);
	memset(want + 0x1000, 0xFF, 0x6000);
	assert_memory_equal(b->flash[0].cells, want, BENCH_NOR_SIZE);
	assert_int_equal(bench_range(b, VF_JOB_ERASE, BENCH_INNER_BASE + 0x3FFF, 2), VF_E_REFUSED);
	free(want);
}

static void test_erase_chip(void **state)
{
	bench *b = *state;
	assert_int_equal(bench_range(b, VF_JOB_ERASE_CHIP, BENCH_NOR_BASE, 0), VF_OK);
	for (uint32_t i = 0; i < BENCH_NOR_SIZE; i++)
		assert_int_equal(b->flash[0].cells[i], 0xFF);
	assert_int_equal(b->flash[0].erases, 4); /* 4 x 16 ms: the chip erase takes 70 */
	bench_clear(b);
	b->flash[0].cells[BENCH_NOR_SIZE - 1] = 0;
	b->info[0].erase[3].typ_us = 1000;
	bench_random_fill(b, b->flash[0].cells, BENCH_NOR_SIZE);
	assert_int_equal(bench_range(b, VF_JOB_ERASE_CHIP, 0, 0), VF_OK); /* the external one */
	assert_int_equal(b->flash[0].erases, 1);
	assert_int_equal(b->result.erased_bytes, BENCH_NOR_SIZE);
}

static void test_erase_chip_spares_protected(void **state)
{
	bench *b = *state;
	uint8_t loader[BENCH_INNER_SECTOR];
	memcpy(loader, b->flash[1].cells, sizeof loader);
	b->info[1].protects = 2;
	b->info[1].protect[1] = (vf_range){0x10000 + 100, 8};
	uint8_t other[BENCH_INNER_SECTOR];
	memcpy(other, b->flash[1].cells + 0x10000, sizeof other);
	assert_int_equal(bench_range(b, VF_JOB_ERASE_CHIP, BENCH_INNER_BASE + 4, 0), VF_OK);
	assert_memory_equal(b->flash[1].cells, loader, sizeof loader);
	assert_memory_equal(b->flash[1].cells + 0x10000, other, sizeof other);
	for (uint32_t i = BENCH_INNER_SECTOR; i < BENCH_INNER_SIZE; i++)
		if (i / BENCH_INNER_SECTOR != 4)
			assert_int_equal(b->flash[1].cells[i], 0xFF);
	assert_int_equal(b->notes, 2);
}

/* --- RUN, INFO ---------------------------------------------------------------------- */

static void vectors(bench *b, uint32_t address)
{
	vf_put32(bench_cells(b, address), 0x20010000);
	vf_put32(bench_cells(b, address) + 4, address + 0x401);
}

static void test_run(void **state)
{
	bench *b = *state;
	vectors(b, BENCH_NOR_BASE);
	assert_int_equal(bench_do(b, VF_JOB_RUN, NULL), VF_OK);
	assert_true(b->running);
	assert_int_equal(b->run_address, BENCH_NOR_BASE);
	assert_true(b->t.session.open); /* no ABORT: an application listens now */
	assert_true(b->result.elapsed_us < 100000);
	bench_clear(b);
	bench_board(b);
	vectors(b, BENCH_NOR_BASE + 0x8000);
	b->job.has_address = b->job.offset_ok = true;
	assert_int_equal(bench_range(b, VF_JOB_RUN, 0x8000, 0), VF_OK);
	assert_int_equal(b->run_address, BENCH_NOR_BASE + 0x8000);
	bench_clear(b);
	bench_board(b);
	memset(b->flash[0].cells + 0x9000, 0xFF, 8);
	assert_int_equal(bench_range(b, VF_JOB_RUN, 0x9000, 0), VF_E_FLASH);
	assert_non_null(strstr(b->result.error.text, "vector table"));
	assert_true(b->result.has_failure);
	assert_int_equal(b->result.failure.code, VF_FAIL_NO_APPLICATION);
	assert_false(b->running);
}

static void test_run_refused(void **state)
{
	bench *b = *state;
	b->info[0].flags &= (uint8_t)~VF_MEMORY_RUN;
	assert_int_equal(bench_do(b, VF_JOB_RUN, NULL), VF_E_REFUSED);
	b->info[0].flags |= VF_MEMORY_RUN;
	b->target.can_run = false;
	bench_board(b);
	assert_int_equal(bench_do(b, VF_JOB_RUN, NULL), VF_E_REFUSED);
	assert_false(b->running);
}

static void test_info(void **state)
{
	bench *b = *state;
	assert_int_equal(bench_do(b, VF_JOB_INFO, NULL), VF_OK);
	assert_true(b->result.echo_us > 0);
	assert_true(b->result.echo_big_us > b->result.echo_us);
	assert_true(b->result.echo_big >= 1024);
	/* Both ways at 1 MB/s, and the quanta of the bench. */
	assert_in_range(b->result.echo_big_us, 2u * b->result.echo_big,
			2u * b->result.echo_big + 500);
	assert_true(b->result.elapsed_us < 100000);
	assert_int_equal(bench_changes(b), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_verify_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verify_report, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verify_cause, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verify_random, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_is_pipelined, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_unstable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sink_says_no, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_erase_keeps_neighbours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_erase_chip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_erase_chip_spares_protected, setup, teardown),
		cmocka_unit_test_setup_teardown(test_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_run_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_info, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
