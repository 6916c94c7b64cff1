/* test_job_keep.c - the host is killed, the link is pulled, the power of the board
 * dies, at any time; then the same again. When it ends well, what no file names is
 * as it was before, and what others wrote meanwhile is still there. The oracle is
 * what the chip held, and who wrote what. Arguments: number of rounds, first seed.
 */
#include "job_bench.h"

typedef struct arguments {
	uint64_t rounds, seed;
} arguments;

/* What the file of kept bytes is outside of tests. */
typedef struct store {
	uint8_t *bytes;
	size_t len;
	unsigned saves, asides;
	int status; /* of saving */
} store;

typedef struct tally {
	unsigned killed, again, asides, beyond;
} tally;

typedef struct round_state {
	bench *b;
	vf_image image;
	uint8_t *want[2];
	uint8_t *named[2]; /* by byte: 1 where the image has one */
	uint64_t seed;
	bool journal;
	unsigned cuts; /* of power */
} round_state;

static int load(void *ctx, const vf_board *board, const uint8_t **bytes, size_t *len, vf_error *err)
{
	const store *s = ctx;
	(void)board;
	(void)err;
	*bytes = s->bytes;
	*len = s->len;
	return VF_OK;
}

static int save(void *ctx, const vf_board *board, const uint8_t *bytes, size_t len, vf_error *err)
{
	store *s = ctx;
	assert_int_equal(board->welcome.id_len, 4);
	if (s->status != VF_OK)
		return vf_fail(err, s->status, "the disk is full");
	s->bytes = realloc(s->bytes, len);
	assert_non_null(s->bytes);
	memcpy(s->bytes, bytes, len);
	s->len = len;
	s->saves++;
	return VF_OK;
}

static void drop(void *ctx, const vf_board *board, bool stale)
{
	store *s = ctx;
	(void)board;
	s->len = 0;
	s->asides += stale;
}

static void keep_in(bench *b, store *s)
{
	b->job.keeper = (vf_job_keeper){.ctx = s, .load = load, .save = save, .drop = drop};
}

static int program(bench *b, const vf_image *image)
{
	bench_clear(b);
	return bench_do(b, VF_JOB_PROGRAM, image);
}

static uint32_t below(bench *b, uint32_t n)
{
	return bench_random(b) % n;
}

/* Bytes of a memory that are anybody's. */
static uint32_t room_in(const round_state *r, unsigned m)
{
	return r->b->info[m].size - (m == 0 && r->journal ? (uint32_t)BENCH_JOURNAL : 0);
}

static void random_chip(round_state *r, unsigned m)
{
	bench *b = r->b;
	const uint32_t sector = b->info[m].erase[0].size;
	const uint32_t blanks = below(b, 3);
	r->want[m] = malloc(b->info[m].size);
	r->named[m] = calloc(1, b->info[m].size);
	assert_non_null(r->want[m]);
	assert_non_null(r->named[m]);
	for (uint32_t at = 0; at < room_in(r, m); at += sector) {
		uint8_t *p = b->flash[m].cells + at;
		memset(p, 0xFF, sector);
		if (below(b, 4) >= blanks)
			bench_random_fill(b, p, below(b, 2) == 0 ? sector : sector / 3);
	}
	memcpy(r->want[m], b->flash[m].cells, b->info[m].size);
}

static void random_image(round_state *r, vf_image *image, bool claim)
{
	bench *b = r->b;
	uint8_t bytes[9000];
	const uint32_t pieces = 1 + below(b, 20);
	bench_image(b, image);
	for (uint32_t i = 0; i < pieces; i++) {
		const unsigned m = below(b, 8) == 0;
		const uint32_t start = m == 1 ? BENCH_INNER_SECTOR : 0;
		const uint32_t offset = start + below(b, room_in(r, m) - start);
		const uint32_t room = room_in(r, m) - offset;
		uint32_t len = 1 + below(b, below(b, 3) == 0 ? sizeof bytes : 600);
		len = len < room ? len : room;
		if (memchr(r->named[m] + offset, 1, len) != NULL)
			continue;
		bench_random_fill(b, bytes, len);
		bench_add(b, image, "piece", b->info[m].base + offset, bytes, len);
		memset(r->named[m] + offset, claim, len);
		memcpy(r->want[m] + offset, bytes, len);
	}
}

static void check(const round_state *r, const char *who)
{
	const bench *b = r->b;
	for (unsigned m = 0; m < 2; m++)
		for (uint32_t at = 0; at < room_in(r, m); at++)
			if (b->flash[m].cells[at] != r->want[m][at])
				fail_msg("seed %llu, %s: byte 0x%x of memory %u is 0x%02x, not "
					 "0x%02x",
					 (unsigned long long)r->seed, who, at, m,
					 b->flash[m].cells[at], r->want[m][at]);
}

/* Once something was begun, nothing starts before it is ended. */
static void nothing_starts(round_state *r)
{
	bench *b = r->b;
	assert_int_equal(bench_do(b, VF_JOB_INFO, NULL), VF_OK);
	if (b->result.has_set && b->result.set.state == VF_SET_COMPLETE) {
		check(r, "killed at the very end");
		return;
	}
	b->job.has_address = true;
	b->job.address = BENCH_NOR_BASE;
	const int status = bench_do(b, VF_JOB_RUN, NULL);
	b->job.has_address = false;
	if (status != VF_E_REFUSED)
		fail_msg("seed %llu: %d %s", (unsigned long long)r->seed, status,
			 b->result.error.text);
	assert_non_null(strstr(b->result.error.text, "not complete"));
}

static void power_cut(round_state *r)
{
	bench_power_cut(r->b);
	r->cuts++;
}

/* Something ends the job at a random time. */
static void cut(round_state *r, tally *t)
{
	bench *b = r->b;
	uint8_t before[(BENCH_NOR_SIZE - BENCH_JOURNAL) / BENCH_SECTOR] = {0};
	b->kill_at = b->now + 1 + below(b, 20000u << below(b, 5));
	(void)program(b, &r->image);
	b->kill_at = 0;
	t->killed += b->killed;
	if (b->killed && below(b, 3) == 0)
		power_cut(r);
	const bool changed = memcmp(b->flash[0].touched, before, sizeof before) != 0;
	if (b->killed && r->journal && changed)
		nothing_starts(r);
}

static void end(round_state *r)
{
	vf_image_free(&r->image);
	for (unsigned m = 0; m < 2; m++) {
		free(r->want[m]);
		free(r->named[m]);
	}
	bench_free(r->b);
}

static void begin(round_state *r, uint64_t seed, store *s)
{
	*r = (round_state){.b = bench_new(), .seed = seed};
	bench *b = r->b;
	b->random = seed * 0x9E3779B97F4A7C15u;
	(void)bench_random(b);
	if (below(b, 2) == 0)
		b->info[0].flags &= (uint8_t)~VF_MEMORY_REPROGRAM;
	if (below(b, 2) == 0) {
		b->info[0].erase[1].typ_us = 5000 + below(b, 10000);
		b->info[0].erase[2].typ_us = 10000 + below(b, 10000);
	}
	r->journal = below(b, 2) == 0;
	if (r->journal)
		bench_journal(b);
	else
		bench_board(b);
	keep_in(b, s);
	random_chip(r, 0);
	random_chip(r, 1);
	random_image(r, &r->image, true);
}

/* The digest of a range as one group, made from the cells. */
static void digest(const round_state *r, const vf_set *set, const vf_set_entry *e,
		   uint8_t out[VF_DIGEST_SIZE])
{
	bench *b = r->b;
	const unsigned m = e->address < BENCH_NOR_BASE;
	const uint32_t size = b->info[m].erase[0].size;
	vf_digest group;
	vf_digest_init(&group, set->session);
	for (uint32_t at = 0; at < e->length; at += size) {
		vf_digest one;
		vf_digest_init(&one, set->session);
		vf_digest_update(&one, bench_cells(b, e->address + at), size);
		vf_digest_final(&one, out);
		vf_digest_update(&group, out, VF_DIGEST_SIZE);
	}
	if (e->length > size)
		vf_digest_final(&group, out);
}

/* The journal says that all of the image is complete, and what it consists of. */
static void check_set(round_state *r)
{
	uint8_t want[VF_DIGEST_SIZE];
	assert_int_equal(bench_do(r->b, VF_JOB_INFO, NULL), VF_OK);
	const vf_set set = r->b->result.set;
	assert_true(r->b->result.has_set);
	if (set.state != VF_SET_COMPLETE)
		fail_msg("seed %llu: the set is in state %u", (unsigned long long)r->seed,
			 set.state);
	for (unsigned i = 0; i < set.count; i++) {
		digest(r, &set, &set.entry[i], want);
		if (memcmp(want, set.entry[i].digest, sizeof want) != 0)
			fail_msg("seed %llu: digest %u of %u", (unsigned long long)r->seed, i,
				 set.count);
	}
	for (size_t i = 0; i < r->image.segment_count; i++) {
		const vf_segment *s = &r->image.segments[i];
		bool in = false;
		for (unsigned k = 0; k < set.count; k++)
			in = in || (s->addr >= set.entry[k].address &&
				    s->addr + s->len <= set.entry[k].address + set.entry[k].length);
		if (!in)
			fail_msg("seed %llu: 0x%08x is not in the set", (unsigned long long)r->seed,
				 s->addr);
	}
}

static void finish(round_state *r, store *s, const vf_image *image, const char *who)
{
	bench *b = r->b;
	if (program(b, image) != VF_OK)
		fail_msg("seed %llu, %s: %s", (unsigned long long)r->seed, who,
			 b->result.error.text);
	assert_int_equal(s->len, 0);
	if (r->journal && image == &r->image)
		check_set(r);
	if (bench_do(b, VF_JOB_VERIFY, image) != VF_OK)
		fail_msg("seed %llu, %s: %s", (unsigned long long)r->seed, who,
			 b->result.error.text);
}

/* Ctrl-C at a random time, soon: what an earlier run left with the keeper may be known
 * in part by then. */
static void interrupted(round_state *r)
{
	bench *b = r->b;
	bench_clear(b);
	b->interrupt_at = b->now + 1 + below(b, 2000u << below(b, 6));
	const int status = bench_do(b, VF_JOB_PROGRAM, &r->image);
	b->interrupt_at = 0;
	if (status != VF_OK && status != VF_E_INTERRUPTED)
		fail_msg("seed %llu: %d %s", (unsigned long long)r->seed, status,
			 b->result.error.text);
}

/* Cut short any number of times, then to its end. */
static void one_round(uint64_t seed, tally *t)
{
	round_state r;
	store s = {.len = 0};
	begin(&r, seed, &s);
	for (unsigned i = below(r.b, 4); i > 0; i--)
		cut(&r, t);
	const unsigned before = t->killed;
	cut(&r, t);
	t->again += t->killed > before && s.len > 0;
	if (below(r.b, 2) == 0)
		interrupted(&r);
	finish(&r, &s, &r.image, "the same again");
	/* After several cuts in the erases of one sector, without a journal, so little may be left
	 * of what was there that it could be anybody's: it is set aside, and was said. */
	if (s.asides != 0 && !r.journal && r.cuts > 1) {
		t->beyond++;
	} else {
		check(&r, "the same again");
		assert_int_equal(s.asides, 0);
	}
	end(&r);
	free(s.bytes);
}

static void test_at_any_time(void **state)
{
	const arguments *a = *state;
	tally t = {0};
	for (uint64_t i = 0; i < a->rounds; i++)
		one_round(a->seed + i, &t);
	print_message("%u killed, %u of %llu with bytes kept in the end, %u beyond recall\n",
		      t.killed, t.again, (unsigned long long)a->rounds, t.beyond);
	if (a->rounds >= 100)
		assert_true(t.again > a->rounds / 10);
	assert_true(t.beyond <= 1 + a->rounds / 500);
}

/* Another image elsewhere comes in between: it puts back what the first one had to
 * preserve, and takes away nothing that the first one wrote. */
static void other_round(uint64_t seed, tally *t)
{
	round_state r;
	store s = {.len = 0};
	vf_image other;
	begin(&r, seed, &s);
	cut(&r, t);
	random_image(&r, &other, true);
	if (other.segment_count > 0 && program(r.b, &other) != VF_OK)
		fail_msg("seed %llu: %s", (unsigned long long)seed, r.b->result.error.text);
	assert_true(s.len == 0 || other.segment_count == 0);
	finish(&r, &s, &r.image, "after another");
	check(&r, "after another");
	vf_image_free(&other);
	end(&r);
	free(s.bytes);
}

static void test_another_in_between(void **state)
{
	const arguments *a = *state;
	tally t = {0};
	for (uint64_t i = 0; i < a->rounds; i++)
		other_round(a->seed + i, &t);
	if (a->rounds >= 100)
		assert_true(t.killed > a->rounds / 10);
}

/* With a journal nothing is put back any more once somebody else was there: where he
 * did not write, and we had begun, it is anybody's guess. */
static void give_up_others(round_state *r, const bool *written)
{
	const bench *b = r->b;
	for (unsigned m = 0; m < 2; m++)
		for (uint32_t at = 0; at < room_in(r, m); at++)
			if (r->named[m][at] == 0 && (m == 1 || !written[at / BENCH_SECTOR]))
				r->want[m][at] = b->flash[m].cells[at];
}

/* Another host writes whole sectors in between. What it wrote stays. */
static void newer_round(uint64_t seed, tally *t)
{
	round_state r;
	store s = {.len = 0}, elsewhere = {.len = 0};
	vf_image newer;
	uint8_t bytes[BENCH_SECTOR];
	begin(&r, seed, &s);
	bench *b = r.b;
	cut(&r, t);
	keep_in(b, &elsewhere);
	bench_image(b, &newer);
	bool written[BENCH_NOR_SIZE / BENCH_SECTOR] = {false};
	for (uint32_t at = 0; at < room_in(&r, 0); at += BENCH_SECTOR) {
		written[at / BENCH_SECTOR] = below(b, 2) == 0;
		if (!written[at / BENCH_SECTOR])
			continue;
		bench_random_fill(b, bytes, sizeof bytes);
		bench_add(b, &newer, "newer", BENCH_NOR_BASE + at, bytes, sizeof bytes);
		for (uint32_t i = 0; i < BENCH_SECTOR; i++)
			if (r.named[0][at + i] == 0)
				r.want[0][at + i] = bytes[i];
	}
	b->job.full = false;
	if (newer.segment_count > 0)
		assert_int_equal(program(b, &newer), VF_OK);
	keep_in(b, &s);
	finish(&r, &s, &r.image, "after newer");
	if (r.journal && s.asides > 0)
		give_up_others(&r, written);
	check(&r, "after newer");
	t->asides += s.asides;
	vf_image_free(&newer);
	end(&r);
	free(s.bytes);
	free(elsewhere.bytes);
}

static void test_newer(void **state)
{
	const arguments *a = *state;
	tally t = {0};
	for (uint64_t i = 0; i < a->rounds; i++)
		newer_round(a->seed + i, &t);
	print_message("%u put aside\n", t.asides);
	if (a->rounds >= 100)
		assert_true(t.asides > a->rounds / 10);
}

/* --- the keeper's troubles ------------------------------------------------------------ */

/* 100 bytes in the middle of a sector that is full of others. */
static void middle(bench *b, vf_image *image)
{
	uint8_t bytes[100];
	bench_random_fill(b, b->flash[0].cells, BENCH_NOR_SIZE);
	bench_random_fill(b, bytes, sizeof bytes);
	bench_image(b, image);
	bench_add(b, image, "middle", BENCH_NOR_BASE + 0x1234, bytes, sizeof bytes);
}

static void test_full_disk(void **state)
{
	bench *b = bench_new();
	store s = {.status = VF_E_FILE};
	vf_image image;
	(void)state;
	middle(b, &image);
	keep_in(b, &s);
	assert_int_equal(program(b, &image), VF_E_FILE);
	assert_string_equal(b->result.error.text, "the disk is full");
	assert_int_equal(bench_changes(b), 0);
	b->job.discard = true;
	assert_int_equal(program(b, &image), VF_OK);
	assert_int_equal(s.saves, 0);
	vf_image_free(&image);
	bench_free(b);
}

/* The link is lost with a sector erased and its neighbours' bytes in the file. */
static void lose_host(bench *b, const vf_image *image, const store *s)
{
	b->deaf_after = 1;
	assert_int_equal(program(b, image), VF_E_LINK);
	assert_true(s->len > 0);
	b->deaf = false;
	b->deaf_after = 0;
}

/* What was changed or cut short is no such file: it is put aside, not believed. */
static void test_damaged(void **state)
{
	bench *b = bench_new();
	store s = {.len = 0};
	vf_image image;
	(void)state;
	middle(b, &image);
	keep_in(b, &s);
	lose_host(b, &image, &s);
	const size_t whole = s.len;
	for (size_t i = 0; i < 3; i++) {
		s.len = i == 0 ? 10 : i == 1 ? whole - 1 : whole;
		s.bytes[whole / 2] ^= i == 2;
		s.asides = 0;
		bench_clear(b);
		assert_int_equal(program(b, &image), VF_OK);
		assert_int_equal(s.asides, 1);
		assert_int_equal(s.len, 0);
		assert_true(b->notes > 0);
	}
	vf_image_free(&image);
	bench_free(b);
	free(s.bytes);
}

/* A run is cut in the middle of a sector that holds `old`; then somebody else gives it all of its
 * bytes but `len` others at `at`. They stay. */
static void newer_than(const uint8_t *old, uint32_t at, uint32_t len)
{
	bench *b = bench_new();
	store s = {.len = 0}, elsewhere = {.len = 0};
	uint8_t wanted[BENCH_SECTOR], now[BENCH_SECTOR];
	vf_image image, newer;
	memcpy(bench_cells(b, BENCH_NOR_BASE), old, BENCH_SECTOR);
	memcpy(wanted, old, sizeof wanted);
	bench_random_fill(b, wanted + 3000, 100);
	bench_image(b, &image);
	bench_add(b, &image, "middle", BENCH_NOR_BASE + 3000, wanted + 3000, 100);
	keep_in(b, &s);
	lose_host(b, &image, &s);
	memcpy(now, wanted, sizeof now);
	bench_random_fill(b, now + at, len);
	bench_image(b, &newer);
	bench_add(b, &newer, "newer", BENCH_NOR_BASE, now, sizeof now);
	keep_in(b, &elsewhere);
	assert_int_equal(program(b, &newer), VF_OK);
	keep_in(b, &s);
	assert_int_equal(program(b, &image), VF_OK);
	assert_memory_equal(bench_cells(b, BENCH_NOR_BASE), now, sizeof now);
	assert_int_equal(s.asides, 1);
	vf_image_free(&image);
	vf_image_free(&newer);
	bench_free(b);
	free(s.bytes);
	free(elsewhere.bytes);
}

/* What was all zeros, or nearly, tells nothing of what came after it. */
static void test_newer_than_zeros(void **state)
{
	uint8_t old[BENCH_SECTOR];
	(void)state;
	for (uint32_t i = 0; i < sizeof old; i++)
		old[i] = (uint8_t)(i * 7 + i / 251);
	memset(old, 0, 512);
	newer_than(old, 0, 256); /* a page of zeros */
	newer_than(old, 40, 60); /* part of one */
	memset(old + 300, 0xFF, 212);
	newer_than(old, 256, 44); /* the page's other part tells enough, this does not */
	old[17] = old[200] = 0x10;
	newer_than(old, 0, 256);
}

/* Its id says that it is another one. That its sector is blank is not our doing. */
static void test_another_board(void **state)
{
	bench *b = bench_new();
	store s = {.len = 0};
	vf_image image;
	(void)state;
	middle(b, &image);
	keep_in(b, &s);
	lose_host(b, &image, &s);
	b->target.id[3] ^= 1;
	bench_board(b);
	memset(b->flash[0].cells + BENCH_SECTOR, 0xFF, BENCH_SECTOR);
	assert_int_equal(program(b, &image), VF_OK);
	assert_int_equal(s.asides, 1);
	assert_int_equal(s.len, 0);
	assert_true(b->notes > 0);
	for (uint32_t at = BENCH_SECTOR; at < 2 * BENCH_SECTOR; at++)
		if (at < 0x1234 || at >= 0x1234 + 100)
			assert_int_equal(b->flash[0].cells[at], 0xFF);
	vf_image_free(&image);
	bench_free(b);
	free(s.bytes);
}

/* Without an id a board cannot be told from the next one. */
static void test_no_id(void **state)
{
	bench *b = bench_new();
	store s = {.len = 0};
	vf_image image;
	(void)state;
	b->target.id_len = 0;
	bench_board(b);
	middle(b, &image);
	keep_in(b, &s);
	assert_int_equal(program(b, &image), VF_OK);
	assert_int_equal(s.saves, 0);
	assert_int_equal(b->notes, 1);
	assert_int_equal(program(b, &image), VF_OK); /* nothing is erased */
	assert_int_equal(b->notes, 0);
	vf_image_free(&image);
	bench_free(b);
	free(s.bytes);
}

int main(int argc, char **argv)
{
	arguments a = {.rounds = 150, .seed = 1};
	if (argc > 1)
		a.rounds = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		a.seed = strtoull(argv[2], NULL, 0);
	const struct CMUnitTest tests[] = {
		{"test_at_any_time", test_at_any_time, NULL, NULL, &a},
		{"test_another_in_between", test_another_in_between, NULL, NULL, &a},
		{"test_newer", test_newer, NULL, NULL, &a},
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_newer_than_zeros),
		cmocka_unit_test(test_another_board),
		cmocka_unit_test(test_no_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
