/* test_job_property.c - random images over random chips, with random trouble:
 * whatever happens, a job that says it is done has made the flash hold exactly
 * the image over what was there, byte by byte, and touched no sector but those
 * of the image and what larger erases hit beside them. The oracle knows nothing of sectors states,
 * plans or digests. Arguments: number of rounds, first seed.
 */
#include "job_bench.h"

typedef struct arguments {
	uint64_t rounds, seed;
} arguments;

typedef struct round_state {
	bench *b;
	vf_image image;
	uint8_t *want[2];
	uint8_t *of_image[2]; /* by byte: 1 where the image has one */
	bool discard;
} round_state;

static uint32_t below(bench *b, uint32_t n)
{
	return bench_random(b) % n;
}

/* Blank, dirty, or a mixture by sectors and within them. */
static void random_chip(bench *b, unsigned m)
{
	const uint32_t sector = b->info[m].erase[0].size;
	const uint32_t style = below(b, 4);
	for (uint32_t at = 0; at < b->info[m].size; at += sector) {
		uint8_t *p = b->flash[m].cells + at;
		const uint32_t how = style < 3 ? style : below(b, 3);
		memset(p, 0xFF, sector);
		if (how == 1)
			bench_random_fill(b, p, sector);
		if (how == 2)
			bench_random_fill(b, p + below(b, sector), 1);
	}
}

static void random_bytes(bench *b, uint8_t *p, uint32_t len, const uint8_t *there)
{
	switch (below(b, 4)) {
	case 0:
		memset(p, 0xFF, len);
		break;
	case 1:
		memcpy(p, there, len);
		p[below(b, len)] ^= (uint8_t)below(b, 4);
		break;
	case 2:
		memset(p, 0xFF, len);
		bench_random_fill(b, p + below(b, len), 1);
		break;
	default:
		bench_random_fill(b, p, len);
	}
}

static void random_image(round_state *r)
{
	bench *b = r->b;
	uint8_t bytes[40000];
	const uint32_t pieces = 1 + below(b, 6);
	bench_image(b, &r->image);
	for (uint32_t i = 0; i < pieces; i++) {
		const unsigned m = below(b, 3) == 0;
		const uint32_t start = m == 1 ? BENCH_INNER_SECTOR : 0;
		const uint32_t offset = start + below(b, b->info[m].size - start);
		const uint32_t room = b->info[m].size - offset;
		uint32_t len = 1 + below(b, below(b, 2) == 0 ? 300 : sizeof bytes);
		len = len < room ? len : room;
		bool taken = false;
		for (uint32_t k = 0; k < len; k++)
			taken |= r->of_image[m][offset + k] != 0;
		if (taken)
			continue;
		random_bytes(b, bytes, len, b->flash[m].cells + offset);
		bench_add(b, &r->image, "piece", b->info[m].base + offset, bytes, len);
		memcpy(r->want[m] + offset, bytes, len);
		memset(r->of_image[m] + offset, 1, len);
	}
}

static void random_trouble(bench *b)
{
	for (unsigned i = 0; i < 4; i++) {
		static const uint8_t kind[] = {0, VF_FLASH_ERASE, VF_FLASH_PROGRAM, VF_FLASH_READ,
					       VF_FLASH_READ_MAPPED};
		static const int status[] = {VF_OK, VF_E_ERASE, VF_E_TIMEOUT, VF_E_BUS};
		b->fault[i] = (bench_fault){.memory = (uint8_t)(below(b, 4) == 0),
					    .kind = kind[below(b, 5)],
					    .skip = below(b, 60),
					    .times = 1,
					    .status = status[below(b, 4)]};
		if (b->fault[i].kind == VF_FLASH_ERASE && b->fault[i].status == VF_OK)
			b->fault[i].status = VF_E_ERASE; /* a lie that nobody could notice */
	}
	b->reset_after = below(b, 3) == 0 ? 1 + below(b, 100) : 0;
	b->resets_left = below(b, 3);
	b->reset_spoils = below(b, 2) == 0;
	b->rate = below(b, 4) == 0 ? 100000 : 1000000;
}

/* Does the image have bytes in the sector, or in a larger unit around it? The
 * largest that is not the whole memory. */
static bool near_image(const round_state *r, unsigned m, uint32_t offset)
{
	const vf_memory *info = &r->b->info[m];
	uint32_t unit = info->erase[0].size;
	for (unsigned i = 0; i < info->erase_types; i++)
		if (info->erase[i].size < info->size)
			unit = info->erase[i].size;
	return memchr(r->of_image[m] + offset / unit * unit, 1, unit) != NULL;
}

/* Sometimes larger erases pay with few sectors, and sometimes bits may be cleared
 * without one. */
static void random_memory(bench *b)
{
	vf_memory *nor = &b->info[0];
	if (below(b, 2) == 0)
		nor->flags &= (uint8_t)~VF_MEMORY_REPROGRAM;
	if (below(b, 2) == 0) {
		nor->erase[1].typ_us = 5000 + below(b, 10000);
		nor->erase[2].typ_us = 10000 + below(b, 10000);
	}
	bench_board(b);
}

/* Whole erase units of what `discard` gives up become 0xFF where they were
 * written; they are what they were where nothing had to be. */
static void check(round_state *r, uint64_t seed)
{
	bench *b = r->b;
	for (unsigned m = 0; m < 2; m++) {
		const uint32_t sector = b->info[m].erase[0].size;
		for (uint32_t at = 0; at < b->info[m].size; at++) {
			const uint8_t is = b->flash[m].cells[at];
			const bool touched = b->flash[m].touched[at / sector] != 0;
			const bool lost = r->discard && r->of_image[m][at] == 0 && touched;
			if (is != (lost ? 0xFF : r->want[m][at]))
				fail_msg("seed %llu: byte %u of memory %u is 0x%02x, not 0x%02x",
					 (unsigned long long)seed, at, m, is,
					 lost ? 0xFFu : r->want[m][at]);
		}
		for (uint32_t k = 0; k < b->info[m].size / sector; k++)
			if (b->flash[m].touched[k] != 0 && !near_image(r, m, k * sector))
				fail_msg("seed %llu: sector %u of memory %u was none of its "
					 "business",
					 (unsigned long long)seed, k, m);
	}
}

static void one_round(uint64_t seed, unsigned *done, unsigned *troubled)
{
	round_state r = {.b = bench_new()};
	bench *b = r.b;
	b->random = seed * 0x9E3779B97F4A7C15u;
	(void)bench_random(b);
	random_memory(b);
	for (unsigned m = 0; m < 2; m++) {
		random_chip(b, m);
		r.want[m] = malloc(b->info[m].size);
		r.of_image[m] = calloc(1, b->info[m].size);
		assert_non_null(r.want[m]);
		assert_non_null(r.of_image[m]);
		memcpy(r.want[m], b->flash[m].cells, b->info[m].size);
	}
	random_image(&r);
	const bool trouble = below(b, 2) == 0;
	if (trouble)
		random_trouble(b);
	b->job.discard = r.discard = below(b, 6) == 0;
	b->job.full = below(b, 6) == 0;
	b->job.verify_full = below(b, 6) == 0;
	const int status = bench_do(b, VF_JOB_PROGRAM, &r.image);
	if (status == VF_OK) {
		check(&r, seed);
		*done += 1;
		*troubled += trouble && b->result.attempts > 1;
	} else if (!trouble || (status != VF_E_FLASH && status != VF_E_LINK)) {
		fail_msg("seed %llu: %s", (unsigned long long)seed, b->result.error.text);
	}
	if (!trouble && (b->info[0].flags & VF_MEMORY_REPROGRAM) == 0)
		assert_int_equal(b->flash[0].dirty_programs, 0);
	if (!trouble)
		assert_int_equal(b->flash[1].dirty_programs, 0);
	if (!trouble && !b->job.full)
		assert_int_equal(b->flash[0].blank_erases + b->flash[1].blank_erases, 0);
	/* Once more: nothing is left to do, whoever was in the way before. */
	memset(b->fault, 0, sizeof b->fault);
	b->reset_after = 0;
	b->job.full = false;
	if (status == VF_OK && !r.discard) {
		bench_clear(b);
		assert_int_equal(bench_do(b, VF_JOB_PROGRAM, &r.image), VF_OK);
		assert_int_equal(bench_changes(b), 0);
		assert_int_equal(bench_do(b, VF_JOB_VERIFY, &r.image), VF_OK);
	}
	vf_image_free(&r.image);
	for (unsigned m = 0; m < 2; m++) {
		free(r.want[m]);
		free(r.of_image[m]);
	}
	bench_free(b);
}

static void test_random(void **state)
{
	const arguments *a = *state;
	unsigned done = 0;
	unsigned troubled = 0;
	for (uint64_t i = 0; i < a->rounds; i++)
		one_round(a->seed + i, &done, &troubled);
	print_message("seeds %llu to %llu: %u of %llu done, %u of them after trouble\n",
		      (unsigned long long)a->seed, (unsigned long long)(a->seed + a->rounds - 1),
		      done, (unsigned long long)a->rounds, troubled);
	if (a->rounds >= 100) {
		assert_true(done > a->rounds / 2);
		assert_true(troubled > 5);
	}
}

int main(int argc, char **argv)
{
	arguments a = {.rounds = 200, .seed = 1};
	if (argc > 1)
		a.rounds = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		a.seed = strtoull(argv[2], NULL, 0);
	const struct CMUnitTest tests[] = {
		{"test_random", test_random, NULL, NULL, &a},
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
