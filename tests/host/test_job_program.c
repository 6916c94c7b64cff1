/* test_job_program.c - PROGRAM: what is there afterwards, what was touched, and
 * what was refused before anything was.
 */
#include "job_bench.h"

static int setup(void **state)
{
	*state = bench_new();
	return 0;
}

static int teardown(void **state)
{
	bench_free(*state);
	return 0;
}

/* An image of random bytes at each of up to three places. */
typedef struct filled {
	vf_image image;
	uint8_t bytes[3][64 * 1024];
} filled;

static filled *fill(bench *b, unsigned count, const uint32_t *address, const uint32_t *len)
{
	filled *f = malloc(sizeof *f);
	static const char *const name[3] = {"a.bin", "b.bin", "c.bin"};
	assert_non_null(f);
	bench_image(b, &f->image);
	for (unsigned i = 0; i < count; i++) {
		assert_true(len[i] <= sizeof f->bytes[i]);
		bench_random_fill(b, f->bytes[i], len[i]);
		bench_add(b, &f->image, name[i], address[i], f->bytes[i], len[i]);
	}
	return f;
}

static void drop(filled *f)
{
	vf_image_free(&f->image);
	free(f);
}

/* Both memories hold the image over `before`. */
static void assert_holds(bench *b, const vf_image *image, const uint8_t *before)
{
	for (unsigned m = 0, at = 0; m < 2; at += b->info[m].size, m++) {
		uint8_t *want = malloc(b->info[m].size);
		assert_non_null(want);
		memcpy(want, before + at, b->info[m].size);
		for (size_t i = 0; i < image->segment_count; i++) {
			const vf_segment *s = &image->segments[i];
			if (s->addr - b->info[m].base < b->info[m].size) {
				uint8_t *to = want + (s->addr - b->info[m].base);
				(void)vf_image_read(image, s->addr, to, s->len, 0xFF);
			}
		}
		assert_memory_equal(b->flash[m].cells, want, b->info[m].size);
		free(want);
	}
}

static uint8_t *snapshot(bench *b)
{
	uint8_t *p = malloc(b->info[0].size + b->info[1].size);
	assert_non_null(p);
	memcpy(p, b->flash[0].cells, b->info[0].size);
	memcpy(p + b->info[0].size, b->flash[1].cells, b->info[1].size);
	return p;
}

static void make_dirty(bench *b)
{
	bench_random_fill(b, b->flash[0].cells, b->info[0].size);
	bench_random_fill(b, b->flash[1].cells, b->info[1].size);
}

static void test_blank(void **state)
{
	bench *b = *state;
	uint8_t *before = snapshot(b);
	filled *f = fill(b, 1, (uint32_t[]){BENCH_NOR_BASE + 0x1000}, (uint32_t[]){20000});
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	assert_holds(b, &f->image, before);
	assert_int_equal(b->flash[0].erases, 0);
	assert_int_equal(b->flash[0].programs, (20000 + 255) / 256);
	assert_int_equal(b->result.programmed_bytes, 20000);
	assert_int_equal(b->result.verified_bytes, 20000);
	assert_int_equal(b->result.image_bytes, 20000);
	assert_int_equal(b->result.kept_bytes, 0);
	assert_int_equal(b->result.attempts, 1);
	assert_false(b->result.nothing_to_do);
	assert_true(b->result.elapsed_us > 20000);
	assert_true(b->progresses > 3);
	assert_false(b->progress_wrong);
	assert_int_equal(b->plans, 1);
	assert_int_equal(b->plan[0].sectors_blank, 5);
	assert_int_equal(b->plan[0].link_bytes, 20000 + 5 * 12);
	drop(f);
	free(before);
}

static void test_dirty_keeps_neighbours(void **state)
{
	bench *b = *state;
	make_dirty(b);
	uint8_t *before = snapshot(b);
	filled *f = fill(b, 2, (uint32_t[]){BENCH_NOR_BASE + 0x1234, BENCH_NOR_BASE + 0x9000},
			 (uint32_t[]){10000, 1});
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	assert_holds(b, &f->image, before);
	assert_int_equal(b->flash[0].erases, 4);
	assert_int_equal(b->flash[0].blank_erases, 0);
	assert_int_equal(b->flash[0].dirty_programs, 0);
	assert_int_equal(b->result.kept_bytes, 4 * 4096 - 10001);
	drop(f);
	free(before);
}

/* Seven dirty sectors, 33.6 ms one by one; all eight of their unit take 13. The
 * larger erase is only for an eighth that holds nothing: what no file names is not
 * put at risk for speed. */
static void larger_unit(bench *b, uint32_t first, uint32_t typ_us, bool blank, bool pays)
{
	const bool larger = blank && pays;
	const uint32_t other = first == 0 ? 7 : 0;
	make_dirty(b);
	b->info[0].erase[1].typ_us = typ_us;
	bench_board(b);
	if (blank)
		memset(b->flash[0].cells + 0x10000 + other * 4096, 0xFF, 4096);
	uint8_t *before = snapshot(b);
	bench_clear(b);
	filled *f = fill(b, 1, (uint32_t[]){BENCH_NOR_BASE + 0x10000 + first * 4096},
			 (uint32_t[]){7 * 4096});
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	assert_holds(b, &f->image, before);
	assert_int_equal(b->flash[0].erases, larger ? 1 : 7);
	assert_int_equal(b->plan[0].sectors_dirty, 7);
	assert_int_equal(b->plan[0].sectors_same, 0);
	assert_true(b->link.raw_received < 4096); /* it was not read either */
	assert_int_equal(b->result.kept_bytes, 0);
	drop(f);
	free(before);
}

static void test_larger_unit_keeps_neighbours(void **state)
{
	bench *b = *state;
	for (uint32_t first = 0; first < 2; first++) {
		larger_unit(b, first, 13000, false, true);
		larger_unit(b, first, 13000, true, true);
		larger_unit(b, first, 35000, false, false);
		larger_unit(b, first, 33000, true, true);
		larger_unit(b, first, 33000, false, false);
	}
	b->job.discard = true; /* gives up nothing in sectors beside the image */
	larger_unit(b, 0, 13000, false, true);
	b->job.full = true;
	larger_unit(b, 1, 13000, false, true);
}

static void test_twice_writes_nothing(void **state)
{
	bench *b = *state;
	make_dirty(b);
	filled *f = fill(b, 2, (uint32_t[]){BENCH_NOR_BASE + 0x1234, BENCH_INNER_BASE + 0x8010},
			 (uint32_t[]){30000, 5000});
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	assert_true(bench_changes(b) > 0);
	bench_clear(b);
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	assert_int_equal(bench_changes(b), 0);
	assert_true(b->result.nothing_to_do);
	assert_int_equal(b->result.same_bytes, 35000);
	assert_in_range(b->link.raw_received, 1, 2048); /* nor was anything read over the line */
	assert_int_equal(b->result.verified_bytes, 35000);
	drop(f);
}

static void test_two_memories_at_once(void **state)
{
	bench *b = *state;
	make_dirty(b);
	uint8_t *before = snapshot(b);
	filled *f = fill(
		b, 3,
		(uint32_t[]){BENCH_NOR_BASE, BENCH_INNER_BASE + 0x4000, BENCH_NOR_BASE + 0x20000},
		(uint32_t[]){65536, 65536, 65536});
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	assert_holds(b, &f->image, before);
	assert_int_equal(b->flash[0].dirty_programs + b->flash[1].dirty_programs, 0);
	assert_int_equal(b->flash[0].erases, 2); /* 64 KB each */
	assert_int_equal(b->flash[1].erases, 4);
	assert_int_equal(b->plans, 2);
	/* Together they take little more than the slower of them. */
	const uint64_t one = b->plan_chip_us[0];
	const uint64_t other = b->plan_chip_us[1];
	assert_in_range(b->result.elapsed_us, one > other ? one : other, one + other);
	drop(f);
	free(before);
}

static void test_refused(void **state)
{
	static const struct {
		uint32_t address, len;
		const char *says;
	} row[] = {
		{0x20000000, 16, "0x20000000-0x2000000f is in no memory"},
		{BENCH_NOR_BASE + BENCH_NOR_SIZE - 8, 16, "goes past the end of fakenor"},
		{BENCH_INNER_BASE + BENCH_INNER_SECTOR - 1, 1, "protects"},
		{BENCH_INNER_BASE + 16, 100, "0x08000000-0x08003fff of inner"},
		{0x00000000, 64, "fakenor 0x90000000-0x9003ffff, inner 0x08000000-0x0801ffff"},
	};
	bench *b = *state;
	make_dirty(b);
	uint8_t *before = snapshot(b);
	b->job.offset_ok = true; /* is for typed addresses, never for those of files */
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		filled *f = fill(b, 2, (uint32_t[]){BENCH_NOR_BASE, row[i].address},
				 (uint32_t[]){100, row[i].len});
		assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_E_REFUSED);
		assert_non_null(strstr(b->result.error.text, row[i].says));
		assert_non_null(strstr(b->result.error.text, "b.bin"));
		assert_int_equal(bench_changes(b), 0);
		drop(f);
	}
	filled *f = fill(b, 1, (uint32_t[]){BENCH_NOR_BASE}, (uint32_t[]){100});
	b->info[0].flags &= (uint8_t)~VF_MEMORY_WRITE;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_E_REFUSED);
	assert_non_null(strstr(b->result.error.text, "fakenor"));
	drop(f);
	assert_int_equal(memcmp(before, b->flash[0].cells, BENCH_NOR_SIZE), 0);
	free(before);
}

static void test_discard(void **state)
{
	bench *b = *state;
	make_dirty(b);
	uint8_t *before = snapshot(b);
	filled *f = fill(b, 1, (uint32_t[]){BENCH_NOR_BASE + 0x1100}, (uint32_t[]){0x200});
	b->job.discard = true;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	memset(before + 0x1000, 0xFF, 0x1000);
	assert_holds(b, &f->image, before);
	assert_int_equal(b->result.kept_bytes, 0);
	drop(f);
	free(before);
}

static void test_full(void **state)
{
	bench *b = *state;
	make_dirty(b);
	filled *f = fill(b, 1, (uint32_t[]){BENCH_NOR_BASE + 0x1100}, (uint32_t[]){0x3000});
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	uint8_t *before = snapshot(b);
	bench_clear(b);
	b->job.full = true;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	assert_holds(b, &f->image, before);
	assert_int_equal(b->flash[0].erases, 4);
	assert_false(b->result.nothing_to_do);
	drop(f);
	free(before);
}

static void test_dry_run(void **state)
{
	bench *b = *state;
	make_dirty(b);
	filled *f = fill(b, 2, (uint32_t[]){BENCH_NOR_BASE + 0x1100, BENCH_INNER_BASE + 0x4000},
			 (uint32_t[]){0x3000, 32});
	uint8_t *before = snapshot(b);
	b->job.dry_run = true;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	assert_int_equal(bench_changes(b), 0);
	assert_memory_equal(before, b->flash[0].cells, BENCH_NOR_SIZE);
	assert_int_equal(b->plans, 2);
	assert_int_equal(b->plan[0].memory, 0);
	assert_int_equal(b->plan[0].sectors_dirty, 4);
	assert_int_equal(b->plan[0].keep_bytes, 0x1000);
	assert_int_equal(b->plan[1].sectors_dirty, 1);
	assert_int_equal(b->plan[1].keep_bytes, BENCH_INNER_SECTOR - 32);
	/* 16 KB at 1 MB/s, four erases, 64 pages: the chip takes longer. And what it
	 * took to find that out. */
	assert_in_range(b->plan[0].estimate_us - b->result.elapsed_us, 4 * 4800 + 64 * 120, 40000);
	assert_false(b->result.nothing_to_do);
	drop(f);
	free(before);
}

static void test_all_ones(void **state)
{
	bench *b = *state;
	uint8_t ones[8192];
	vf_image image;
	memset(ones, 0xFF, sizeof ones);
	bench_image(b, &image);
	bench_add(b, &image, "ones.bin", BENCH_NOR_BASE + 0x800, ones, sizeof ones);
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &image), VF_OK);
	assert_int_equal(bench_changes(b), 0);
	assert_true(b->result.nothing_to_do);
	b->flash[0].cells[0x1003] = 0;
	b->flash[0].cells[0x2900] = 7; /* not of the image */
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &image), VF_OK);
	assert_int_equal(b->flash[0].erases, 1);
	assert_int_equal(b->flash[0].programs, 0);
	assert_int_equal(b->flash[0].cells[0x2900], 7);
	vf_image_free(&image);
}

static void test_verify_full_and_run(void **state)
{
	bench *b = *state;
	uint8_t app[2048];
	vf_image image;
	bench_random_fill(b, app, sizeof app);
	vf_put32(app, 0x20020000);
	vf_put32(app + 4, BENCH_NOR_BASE + 0x1000 + 0x201);
	memset(app + 8, 0, 8); /* no other handlers */
	bench_image(b, &image);
	bench_add(b, &image, "app.bin", BENCH_NOR_BASE + 0x1000, app, sizeof app);
	b->job.verify_full = b->job.run_after = true;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &image), VF_OK);
	assert_true(b->running);
	assert_int_equal(b->run_address, BENCH_NOR_BASE + 0x1000);
	assert_true(b->t.stats.hashed >= sizeof app);
	vf_image_free(&image);
	bench_clear(b);
	bench_board(b);
	/* No vector table: refused before anything is written. */
	bench_image(b, &image);
	bench_add(b, &image, "data.bin", BENCH_NOR_BASE, app + 16, 1024);
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &image), VF_E_REFUSED);
	assert_int_equal(bench_changes(b), 0);
	vf_image_free(&image);
}

static void test_verify_full_reaches_all(void **state)
{
	bench *b = *state;
	filled *f = fill(b, 3,
			 (uint32_t[]){BENCH_NOR_BASE + 0x1000, BENCH_NOR_BASE + 0x3000,
				      BENCH_INNER_BASE + 0x8000},
			 (uint32_t[]){0x1000, 0x5000, 0x4000});
	b->job.verify_full = true;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	assert_int_equal(b->t.stats.hashed, 0xA000);
	b->fault[0] = (bench_fault){.kind = VF_FLASH_READ_MAPPED,
				    .offset = 0x7000,
				    .len = 0x1000,
				    .skip = 1,
				    .times = 1};
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_E_FLASH);
	assert_non_null(strstr(b->result.error.text, "0x90003000-0x90007fff"));
	drop(f);
}

/* The last address there is. */
static void test_end_of_address_space(void **state)
{
	bench *b = *state;
	b->info[0].base = UINT32_MAX - BENCH_NOR_SIZE + 1;
	make_dirty(b);
	uint8_t *before = snapshot(b);
	filled *f = fill(b, 2, (uint32_t[]){b->info[0].base + 5, UINT32_MAX - 5000},
			 (uint32_t[]){5000, 5001});
	b->job.verify_full = true;
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	assert_holds(b, &f->image, before);
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &f->image), VF_OK);
	assert_true(b->result.nothing_to_do);
	b->flash[0].cells[BENCH_NOR_SIZE - 1] ^= 1;
	assert_int_equal(bench_do(b, VF_JOB_VERIFY, &f->image), VF_E_DIFFERS);
	assert_int_equal(b->result.mismatch.address, UINT32_MAX);
	assert_int_equal(bench_range(b, VF_JOB_READ, UINT32_MAX - 99, 100), VF_OK);
	assert_memory_equal(b->sunk, b->flash[0].cells + BENCH_NOR_SIZE - 100, 100);
	assert_int_equal(bench_range(b, VF_JOB_READ, UINT32_MAX - 99, 101), VF_E_REFUSED);
	assert_int_equal(bench_range(b, VF_JOB_ERASE, UINT32_MAX - 99, 100), VF_OK);
	assert_int_equal(bench_range(b, VF_JOB_ERASE_CHIP, UINT32_MAX, 0), VF_OK);
	assert_int_equal(b->flash[0].cells[0], 0xFF);
	drop(f);
	free(before);
}

/* Many tiny segments: neither time nor memory goes wild. */
static void test_many_segments(void **state)
{
	bench *b = *state;
	uint8_t *uf = malloc(BENCH_NOR_SIZE * 6);
	size_t len = 0;
	vf_image image;
	vf_error err;
	assert_non_null(uf);
	make_dirty(b);
	uint8_t *before = snapshot(b);
	for (uint32_t a = 0; a < BENCH_NOR_SIZE; a += 8) /* S3: one byte every eight */
		len += (size_t)sprintf((char *)uf + len, "S306%08X%02X%02X\n", BENCH_NOR_BASE + a,
				       a >> 3 & 0xFF,
				       0xFF & ~(6 + 0x90 + (a >> 16) + (a >> 8 & 0xFF) +
						(a & 0xFF) + (a >> 3 & 0xFF)));
	len += (size_t)sprintf((char *)uf + len, "S70500000000FA\n");
	assert_true(len < BENCH_NOR_SIZE * 6);
	bench_image(b, &image);
	if (vf_image_add(&image, "many.srec", uf, len, NULL, &err) != VF_OK)
		fail_msg("%s", err.text);
	assert_int_equal(image.segment_count, BENCH_NOR_SIZE / 8);
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &image), VF_OK);
	assert_holds(b, &image, before);
	vf_image_free(&image);
	free(before);
	free(uf);
}

static void test_wrong_requests(void **state)
{
	bench *b = *state;
	vf_image image;
	bench_image(b, &image);
	assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &image), VF_E_USAGE);
	assert_int_equal(bench_do(b, VF_JOB_VERIFY, NULL), VF_E_USAGE);
	assert_int_equal(bench_range(b, VF_JOB_READ, BENCH_NOR_BASE, 0), VF_E_USAGE);
	assert_int_equal(bench_range(b, VF_JOB_ERASE, BENCH_NOR_BASE, (uint64_t)1 << 32),
			 VF_E_USAGE);
	assert_int_equal(bench_do(b, 99, &image), VF_E_USAGE);
	vf_image_free(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_blank, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dirty_keeps_neighbours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_larger_unit_keeps_neighbours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_twice_writes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_memories_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_discard, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dry_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verify_full_and_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verify_full_reaches_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_of_address_space, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_requests, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
