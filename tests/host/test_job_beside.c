/* test_job_beside.c - what lies beside the image, on a board with a journal and with nobody
 * who keeps bytes: blank sectors that a larger erase takes along and a power cut tears,
 * sectors that read differently each time, and sectors that the board writes over with
 * its journal, because a bit of the address has no effect.
 */
#include "job_bench.h"

enum {
	UNIT = 0x18000,     /* of 32 KB: its first sector and its last two are not the image's */
	RESTLESS = 0x1E000, /* of these: where the journal is, but for one bit */
	DEAD = 0x20000,     /* that one */
	SMALL = 8,          /* bytes: too few to be watched by themselves */
	READS = 6,          /* at which of its reads a sector shows something else */
	ALWAYS = 1000,      /* times */
};

typedef struct scene {
	bench *b;
	vf_image image;
	uint8_t bytes[5 * BENCH_SECTOR];
	uint8_t want[BENCH_NOR_SIZE - BENCH_JOURNAL];
} scene;

/* The image's place is dirty, what is beside it blank: to erase the unit is by far the
 * quickest. */
static void begin(scene *s)
{
	bench *b = s->b = bench_new();
	uint8_t *cells = b->flash[0].cells;
	b->info[0].erase[1].typ_us = 5000;
	bench_journal(b);
	bench_random_fill(b, cells + UNIT + BENCH_SECTOR, sizeof s->bytes);
	bench_random_fill(b, s->bytes, sizeof s->bytes);
	memcpy(s->want, cells, sizeof s->want);
	memcpy(s->want + UNIT + BENCH_SECTOR, s->bytes, sizeof s->bytes);
	bench_image(b, &s->image);
	bench_add(b, &s->image, "app.bin", BENCH_NOR_BASE + UNIT + BENCH_SECTOR, s->bytes,
		  sizeof s->bytes);
}

static void end(scene *s)
{
	vf_image_free(&s->image);
	bench_free(s->b);
}

static int program(scene *s)
{
	bench_clear(s->b);
	return bench_do(s->b, VF_JOB_PROGRAM, &s->image);
}

static void assert_programmed(scene *s)
{
	const uint32_t at = UNIT + BENCH_SECTOR;
	if (program(s) != VF_OK)
		fail_msg("%s", s->b->result.error.text);
	assert_memory_equal(s->b->flash[0].cells + at, s->want + at, sizeof s->bytes);
}

static void assert_flash_error(scene *s, const char *text)
{
	assert_int_equal(program(s), VF_E_FLASH);
	if (strstr(s->b->result.error.text, text) == NULL)
		fail_msg("%s", s->b->result.error.text);
}

/* One of its reads, and the `times` - 1 behind, show another bit than is there. */
static void make_restless(bench *b, unsigned skip, unsigned times)
{
	b->fault[0] = (bench_fault){.kind = VF_FLASH_READ_MAPPED,
				    .status = VF_OK,
				    .offset = RESTLESS + BENCH_SECTOR / 2, /* no twin is there */
				    .len = 1,
				    .skip = skip,
				    .times = times};
}

/* What this job knows to have been blank is blank again in the end. */
static void test_torn_in_this_job(void **state)
{
	(void)state;
	for (unsigned after = 1; after < 8; after++) {
		scene s;
		begin(&s);
		s.b->reset_after = after;
		s.b->resets_left = 1;
		s.b->reset_spoils = true;
		assert_programmed(&s);
		assert_int_equal(s.b->resets_left, 0);
		assert_memory_equal(s.b->flash[0].cells, s.want, sizeof s.want);
		end(&s);
	}
}

/* The host is killed, and the power with it, in the erase of the unit. */
static void begin_torn(scene *s)
{
	for (uint64_t after = 500;; after += 500) {
		begin(s);
		bench *b = s->b;
		b->kill_at = b->now + after;
		assert_int_equal(program(s), VF_E_LINK);
		const bool erasing = b->flash[0].erases == 1 && b->flash[0].op != NULL &&
				     b->flash[0].op->len == 0x8000;
		b->kill_at = 0;
		bench_power_cut(b);
		if (erasing)
			return;
		end(s);
	}
}

/* The next job knows no more what was there. It leaves it as it is, whatever it reads as. */
static void test_torn_before(void **state)
{
	(void)state;
	for (unsigned skip = 0; skip < READS; skip++) {
		scene s;
		begin_torn(&s);
		make_restless(s.b, skip, skip < READS - 1 ? 1 : ALWAYS);
		const uint8_t was = s.b->flash[0].cells[RESTLESS];
		assert_programmed(&s);
		assert_int_equal(s.b->flash[0].cells[RESTLESS], was);
		assert_int_equal(s.b->flash[0].touched[RESTLESS / BENCH_SECTOR], 0);
		end(&s);
	}
}

/* That reads so by chance only: it is not taken for blank. */
static void test_torn_looks_blank(void **state)
{
	scene s;
	(void)state;
	begin_torn(&s);
	memset(s.b->flash[0].cells + RESTLESS, 0xFF, UNIT + 0x8000 - RESTLESS);
	memset(s.b->flash[0].cells + UNIT, 0xFF, BENCH_SECTOR);
	assert_programmed(&s);
	assert_int_equal(s.b->flash[0].touched[RESTLESS / BENCH_SECTOR], 0);
	end(&s);
}

/* Nobody's cells, of which nobody knows why they are so, are no reason to fail. */
static void test_restless_beside(void **state)
{
	(void)state;
	for (unsigned skip = 1; skip < READS; skip++) { /* 0: so it was before anybody looked */
		scene s;
		begin(&s);
		bench_random_fill(s.b, s.b->flash[0].cells + RESTLESS, BENCH_SECTOR);
		make_restless(s.b, skip, 1);
		assert_programmed(&s);
		end(&s);
	}
}

/* It was one thing, and is another thing from now on. */
static void test_changed_beside(void **state)
{
	scene s;
	(void)state;
	begin(&s);
	bench_random_fill(s.b, s.b->flash[0].cells + RESTLESS, BENCH_SECTOR);
	make_restless(s.b, 1, ALWAYS);
	assert_flash_error(&s, "0x9001e000 was right");
	assert_null(strstr(s.b->result.error.text, "address"));
	end(&s);
}

/* Of the image a sector is right when the job comes, and restless when it goes. */
static void test_restless_image(void **state)
{
	scene s;
	uint8_t more[BENCH_SECTOR];
	(void)state;
	begin(&s);
	bench_random_fill(s.b, more, sizeof more);
	memcpy(s.b->flash[0].cells, s.want, RESTLESS);
	memset(s.b->flash[0].cells + UNIT + BENCH_SECTOR, 0, 1);
	memcpy(s.b->flash[0].cells + RESTLESS, more, sizeof more);
	bench_add(s.b, &s.image, "more.bin", BENCH_NOR_BASE + RESTLESS, more, sizeof more);
	make_restless(s.b, 1, 1);
	assert_flash_error(&s, "reads differently each time at 0x9001e000");
	end(&s);
}

/* Two small pieces, of which the first is there already. Only the journal, which goes where
 * it is, tells that a bit of the address is dead. */
static void see_dead_bit(uint32_t base)
{
	scene s;
	const uint8_t bytes[SMALL] = "12345678", first[SMALL] = {0};
	s.b = bench_new();
	s.b->info[0].base = base;
	bench_journal(s.b);
	s.b->stuck = DEAD;
	bench_image(s.b, &s.image);
	bench_add(s.b, &s.image, "a.bin", base + UNIT, first, SMALL);
	assert_int_equal(program(&s), VF_OK); /* the journal has its place now */
	memcpy(s.b->flash[0].cells + RESTLESS + 0xF00, bytes, SMALL);
	bench_add(s.b, &s.image, "b.bin", base + RESTLESS + 0xF00, bytes, SMALL);
	bench_add(s.b, &s.image, "c.bin", base + UNIT + 0x100, bytes, SMALL);
	assert_flash_error(&s, "address bit 17");
	char place[16];
	(void)snprintf(place, sizeof place, "0x%08x", (unsigned)(base + RESTLESS));
	assert_non_null(strstr(s.b->result.error.text, place));
	assert_non_null(strstr(s.b->result.error.text, "journal"));
	end(&s);
}

static void test_dead_bit(void **state)
{
	(void)state;
	see_dead_bit(BENCH_NOR_BASE);
}

/* Where the memory begins is not where the chip does: its bit is the offset's. */
static void test_dead_bit_of_an_odd_base(void **state)
{
	(void)state;
	see_dead_bit(BENCH_NOR_BASE + 0x10000);
}

/* The same where a job finds all of it there, and has nothing written but that. */
static void test_dead_bit_and_nothing_to_do(void **state)
{
	const uint8_t bytes[SMALL] = "12345678", first[SMALL] = {0};
	(void)state;
	for (uint64_t after = 500;; after += 100) {
		scene s;
		bench *b = s.b = bench_new();
		bench_journal(b);
		b->stuck = DEAD;
		bench_image(b, &s.image);
		bench_add(b, &s.image, "a.bin", BENCH_NOR_BASE + UNIT, first, SMALL);
		b->kill_at = b->now + after;
		assert_int_equal(program(&s), VF_E_LINK);
		b->kill_at = 0;
		const bool there = memcmp(b->flash[0].cells + UNIT, first, SMALL) == 0;
		if (there) {
			memcpy(b->flash[0].cells + RESTLESS + 0xF00, bytes, SMALL);
			bench_add(b, &s.image, "b.bin", BENCH_NOR_BASE + RESTLESS + 0xF00, bytes,
				  SMALL);
			assert_flash_error(&s, "address bit 17");
			assert_int_equal(bench_changes(b), 0);
		}
		end(&s);
		if (there)
			return;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_torn_in_this_job),
		cmocka_unit_test(test_torn_before),
		cmocka_unit_test(test_torn_looks_blank),
		cmocka_unit_test(test_restless_beside),
		cmocka_unit_test(test_changed_beside),
		cmocka_unit_test(test_restless_image),
		cmocka_unit_test(test_dead_bit),
		cmocka_unit_test(test_dead_bit_of_an_odd_base),
		cmocka_unit_test(test_dead_bit_and_nothing_to_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
