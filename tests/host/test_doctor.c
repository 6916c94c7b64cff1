/* test_doctor.c - each fault of link, board or chip gets the right culprit, and what
 * the chip held is as before. Over the real engine of a board.
 */
#include "job_bench.h"

#include <vcpflash/doctor.h>

typedef struct patient {
	bench *b;
	uint8_t *before;
	uint8_t *kept; /* what the keeper has */
	size_t kept_len;
	bool saved;
	unsigned jobs;
	void (*upset)(bench *b, unsigned job); /* before each job; NULL: nothing happens */
	char said[4096];                       /* line by line */
	vf_doctor_report report;
} patient;

static int load(void *ctx, const vf_board *board, const uint8_t **bytes, size_t *len, vf_error *err)
{
	const patient *p = ctx;
	(void)board;
	(void)err;
	*bytes = p->kept;
	*len = p->kept_len;
	return VF_OK;
}

static int save(void *ctx, const vf_board *board, const uint8_t *bytes, size_t len, vf_error *err)
{
	patient *p = ctx;
	(void)board;
	(void)err;
	p->kept = realloc(p->kept, len);
	assert_non_null(p->kept);
	memcpy(p->kept, bytes, len);
	p->kept_len = len;
	p->saved = true;
	return VF_OK;
}

static void drop(void *ctx, const vf_board *board, bool stale)
{
	patient *p = ctx;
	(void)board;
	assert_false(stale);
	p->kept_len = 0;
}

static int run(void *ctx, const vf_job_config *job, vf_job_result *result, vf_board *board,
	       vf_session_stats *link)
{
	patient *p = ctx;
	bench *b = p->b;
	bench_clear(b);
	b->job = *job;
	if (p->upset != NULL)
		p->upset(b, p->jobs);
	p->jobs++;
	const int status = bench_do(b, job->kind, job->image);
	*result = b->result;
	*link = b->link;
	*board = b->board;
	return status;
}

static void say(void *ctx, const char *line)
{
	patient *p = ctx;
	const size_t at = strlen(p->said);
	assert_true(at + strlen(line) + 2 < sizeof p->said);
	(void)snprintf(p->said + at, sizeof p->said - at, "%s\n", line);
}

static void begin(patient *p)
{
	*p = (patient){.b = bench_new()};
	bench_random_fill(p->b, p->b->flash[0].cells, BENCH_NOR_SIZE);
}

static int doctor(patient *p, bool whole)
{
	bench *b = p->b;
	p->before = malloc(BENCH_NOR_SIZE);
	assert_non_null(p->before);
	memcpy(p->before, b->flash[0].cells, BENCH_NOR_SIZE);
	b->job.keeper = (vf_job_keeper){.ctx = p, .load = load, .save = save, .drop = drop};
	const vf_doctor_config config = {
		.job = b->job, .run = run, .say = say, .ctx = p, .whole_chip = whole};
	const int status = vf_doctor(&config, &p->report);
	assert_int_equal(status, p->report.error.code);
	assert_true(strlen(p->report.error.text) > 20);
	return status;
}

static void end(patient *p)
{
	free(p->before);
	free(p->kept);
	bench_free(p->b);
}

static void as_before(const patient *p)
{
	const uint32_t len =
		BENCH_NOR_SIZE - (p->b->target.journal != NULL ? (uint32_t)BENCH_JOURNAL : 0);
	assert_memory_equal(p->b->flash[0].cells, p->before, len);
	assert_int_equal(p->kept_len, 0);
}

static void blames(const patient *p, uint8_t culprit, const char *word)
{
	if (p->report.culprit != culprit || strstr(p->report.error.text, word) == NULL)
		fail_msg("%s: %s", vf_culprit_name(p->report.culprit), p->report.error.text);
}

static void test_healthy(void **state)
{
	patient p;
	(void)state;
	for (int journal = 0; journal < 2; journal++) {
		begin(&p);
		if (journal)
			bench_journal(p.b);
		assert_int_equal(doctor(&p, false), VF_OK);
		blames(&p, VF_CULPRIT_NONE, "fine");
		as_before(&p);
		assert_true(p.saved);
		assert_true(p.report.link.echoes > 2);
		assert_int_equal(p.report.tested_bytes, BENCH_SECTOR);
		assert_int_equal(bench_do(p.b, VF_JOB_INFO, NULL), VF_OK);
		assert_false(p.b->result.has_set); /* there was none before */
		end(&p);
	}
}

/* What was complete stays so, also where the tested sector is part of it. */
static void test_set_stays(void **state)
{
	patient p;
	vf_image image;
	static uint8_t bytes[BENCH_NOR_SIZE - BENCH_JOURNAL];
	(void)state;
	begin(&p);
	bench_journal(p.b);
	bench_random_fill(p.b, bytes, sizeof bytes);
	bench_image(p.b, &image);
	bench_add(p.b, &image, "all", BENCH_NOR_BASE, bytes, sizeof bytes);
	assert_int_equal(bench_do(p.b, VF_JOB_PROGRAM, &image), VF_OK);
	vf_image_free(&image);
	assert_int_equal(doctor(&p, false), VF_OK);
	as_before(&p);
	p.b->job.kind = VF_JOB_INFO;
	assert_int_equal(bench_do(p.b, VF_JOB_INFO, NULL), VF_OK);
	assert_true(p.b->result.has_set);
	assert_int_equal(p.b->result.set.state, VF_SET_COMPLETE);
	assert_int_equal(p.b->result.set.count, 1);
	assert_int_equal(p.b->result.set.entry[0].length, sizeof bytes);
	end(&p);
}

static void test_whole_chip(void **state)
{
	patient p;
	(void)state;
	begin(&p);
	assert_int_equal(doctor(&p, true), VF_OK);
	assert_int_equal(p.report.tested_bytes, BENCH_NOR_SIZE);
	for (uint32_t i = 0; i < BENCH_NOR_SIZE; i++)
		assert_int_equal(p.b->flash[0].cells[i], 0xFF);
	end(&p);
}

/* What somebody protects stays; the rest is tested on either side of it. */
static void test_whole_chip_around_what_is_protected(void **state)
{
	patient p;
	(void)state;
	begin(&p);
	p.b->info[0].protects = 2;
	p.b->info[0].protect[0] = (vf_range){0, 2 * BENCH_SECTOR};
	p.b->info[0].protect[1] = (vf_range){BENCH_NOR_SIZE / 2 + 100, BENCH_SECTOR};
	bench_board(p.b);
	assert_int_equal(doctor(&p, true), VF_OK);
	blames(&p, VF_CULPRIT_NONE, "and left erased");
	assert_int_equal(p.report.tested_bytes, BENCH_NOR_SIZE - 4 * BENCH_SECTOR);
	for (uint32_t i = 0; i < BENCH_NOR_SIZE; i++) {
		const bool kept =
			i / BENCH_SECTOR < 2 || (i - BENCH_NOR_SIZE / 2) / BENCH_SECTOR < 2;
		assert_int_equal(p.b->flash[0].cells[i], kept ? p.before[i] : 0xFF);
	}
	end(&p);
}

/* What it holds is given up anyway, so nobody has to be able to keep it. */
static void test_whole_chip_without_an_id(void **state)
{
	patient p;
	(void)state;
	begin(&p);
	p.b->target.id_len = 0;
	bench_board(p.b);
	assert_int_equal(doctor(&p, true), VF_OK);
	assert_int_equal(p.report.tested_bytes, BENCH_NOR_SIZE);
	for (uint32_t i = 0; i < BENCH_NOR_SIZE; i++)
		assert_int_equal(p.b->flash[0].cells[i], 0xFF);
	end(&p);
}

/* The sentence claims no more than was done. */
static void test_all_is_protected(void **state)
{
	patient p;
	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		begin(&p);
		p.b->info[0].protects = 1;
		p.b->info[0].protect[0] = (vf_range){0, BENCH_NOR_SIZE};
		bench_board(p.b);
		assert_int_equal(doctor(&p, whole), VF_OK);
		blames(&p, VF_CULPRIT_NONE, "was read, and not written to");
		assert_null(strstr(p.report.error.text, "erased"));
		assert_non_null(strstr(p.said, "all of it is protected"));
		assert_int_equal(p.report.tested_bytes, 0);
		as_before(&p);
		end(&p);
	}
}

static void test_nothing_to_write_to(void **state)
{
	patient p;
	(void)state;
	begin(&p);
	p.b->info[0].flags = VF_MEMORY_READ;
	bench_board(p.b);
	assert_int_equal(doctor(&p, false), VF_E_REFUSED);
	blames(&p, VF_CULPRIT_BOARD, "no external flash that can be read and written");
	as_before(&p);
	end(&p);
}

/* A locked chip whose registers say by what, in either die. */
static void test_protection_is_named(void **state)
{
	static const struct {
		vf_condition c;
		const char *word;
	} of[] = {
		{{.known = 1, .registers = 1, .status = {{0x1C}, {0x00}}, .protect_mask = 0x3C},
		 "block-protect bits 1c of status register 1 (which is 1c)"},
		{{.known = 1, .registers = 1, .status = {{0x02}, {0x08}}, .protect_mask = 0x3C},
		 "block-protect bits 08"},
		{{.known = 1, .registers = 2, .protect_mask = 0x1C, .complemented = 1}, "CMP"},
	};
	(void)state;
	for (unsigned i = 0; i < sizeof of / sizeof of[0]; i++) {
		vf_condition c = of[i].c;
		patient p;
		begin(&p);
		p.b->info[0].dies = i == 1 ? 2 : 1;
		p.b->target.memory[0].condition = &c;
		p.b->fault[0] =
			(bench_fault){.kind = VF_FLASH_ERASE, .times = 1000, .status = VF_E_LOCKED};
		bench_board(p.b);
		assert_int_equal(doctor(&p, false), VF_E_FLASH);
		blames(&p, VF_CULPRIT_CHIP, "the chip is write-protected");
		blames(&p, VF_CULPRIT_CHIP, of[i].word);
		assert_string_equal(p.report.stage, "scratch");
		end(&p);
	}
}

static void test_condition_is_told(void **state)
{
	vf_condition c = {.known = 1,
			  .source = VF_CONDITION_SFDP | VF_CONDITION_TABLE,
			  .found = VF_FOUND_KNOWN | 1u << 1 | 1u << 3,
			  .quad = 1,
			  .lanes = 4 | 1 << 4,
			  .registers = 2,
			  .status = {{0x04, 0x02}},
			  .protect_mask = 0x1C};
	patient p;
	(void)state;
	begin(&p);
	p.b->target.memory[0].condition = &c;
	bench_board(p.b);
	assert_int_equal(doctor(&p, false), VF_OK);
	assert_non_null(strstr(p.said, "SFDP and the loader's table agree"));
	assert_non_null(strstr(p.said, "with 4-byte addresses, in a continuous read"));
	assert_non_null(strstr(p.said, "reads on 4 lanes, programs on 1; quad enable enabled"));
	assert_non_null(strstr(p.said, "status register 1: 04, 2: 02; block-protect bits 04"));
	end(&p);
}

/* One bit turns between two readings. */
static void unsteady(bench *b, unsigned job)
{
	if (job == 2)
		b->flash[0].cells[1000] ^= 0x10;
}

static void test_reading_differs(void **state)
{
	patient p;
	(void)state;
	begin(&p);
	p.upset = unsteady;
	assert_int_equal(doctor(&p, false), VF_E_FLASH);
	blames(&p, VF_CULPRIT_CHIP, "it reads differently each time");
	assert_int_equal(p.jobs, 3); /* nothing was written */
	end(&p);
}

static void impatient(bench *b, unsigned job)
{
	b->interrupt_after = job == 4 ? 3 : 0;
}

/* Who is interrupted blames nobody, and what the sector held is on its way back. */
static void test_interrupted(void **state)
{
	patient p;
	(void)state;
	begin(&p);
	p.upset = impatient;
	assert_int_equal(doctor(&p, false), VF_E_INTERRUPTED);
	blames(&p, VF_CULPRIT_NONE, "interrupted");
	assert_true(p.kept_len > 0);
	p.b->interrupt_after = 0;
	const vf_job_config job = p.b->job;
	p.b->job = (vf_job_config){.session = job.session, .call = job.call, .keeper = job.keeper};
	assert_int_equal(bench_range(p.b, VF_JOB_ERASE, BENCH_NOR_BASE, BENCH_SECTOR), VF_OK);
	memset(p.before, 0xFF, BENCH_SECTOR);
	as_before(&p);
	end(&p);
}

static void test_silence(void **state)
{
	patient p;
	(void)state;
	begin(&p);
	p.b->deaf = true;
	assert_int_equal(doctor(&p, false), VF_E_LINK);
	blames(&p, VF_CULPRIT_LINK, "the link is at fault, or nobody is there");
	assert_int_equal(p.jobs, 1);
	end(&p);
}

/* The chip reports, or silently does, what it should not. */
static void faulty(uint8_t kind, int status, uint32_t len, const char *word)
{
	patient p;
	begin(&p);
	p.b->fault[0] = (bench_fault){.kind = kind,
				      .offset = BENCH_NOR_SIZE - BENCH_SECTOR,
				      .len = len,
				      .times = 1000,
				      .status = status};
	assert_int_equal(doctor(&p, false), VF_E_FLASH);
	blames(&p, VF_CULPRIT_CHIP, word);
	end(&p);
}

static void test_chip_faults(void **state)
{
	(void)state;
	faulty(VF_FLASH_ERASE, VF_E_LOCKED, 0, "write-protected");
	faulty(VF_FLASH_PROGRAM, VF_E_LOCKED, 0, "write-protected");
	faulty(VF_FLASH_ERASE, VF_E_ERASE, BENCH_SECTOR, "erase failed");
	faulty(VF_FLASH_PROGRAM, VF_E_PROGRAM, BENCH_SECTOR, "programming failed");
	faulty(VF_FLASH_PROGRAM, VF_OK, BENCH_SECTOR, "programming has no effect");
	faulty(VF_FLASH_ERASE, VF_OK, BENCH_SECTOR, "zeros where ones should be");
	faulty(VF_FLASH_ERASE, VF_E_TIMEOUT, BENCH_SECTOR, "took longer");
	faulty(VF_FLASH_READ_MAPPED, VF_E_BUS, 0, "controller");
	faulty(VF_FLASH_READ_MAPPED, VF_E_NO_CHIP, 0, "does not answer");
}

/* An address line that is always 0, or a chip smaller than the board believes. */
static void test_address_lines(void **state)
{
	patient p;
	(void)state;
	for (uint32_t bit = BENCH_SECTOR; bit < BENCH_NOR_SIZE; bit <<= 1) {
		begin(&p);
		p.b->stuck = bit;
		assert_int_equal(doctor(&p, false), VF_E_FLASH);
		blames(&p, VF_CULPRIT_CHIP, "address bit has no effect");
		as_before(&p);
		end(&p);
	}
}

static void restarts(bench *b, unsigned job)
{
	b->reset_every = job >= 4 ? 5 : 0;
	b->resets_left = 100;
}

static void test_supply(void **state)
{
	patient p;
	(void)state;
	begin(&p);
	p.upset = restarts;
	assert_int_equal(doctor(&p, false), VF_E_LINK);
	blames(&p, VF_CULPRIT_BOARD, "supply");
	end(&p);
}

/* Nothing that could not be kept safe is written to. */
static void test_no_id(void **state)
{
	patient p;
	(void)state;
	begin(&p);
	p.b->target.id_len = 0;
	bench_board(p.b);
	assert_int_equal(doctor(&p, false), VF_OK);
	assert_false(p.report.has_scratch);
	as_before(&p);
	end(&p);
}

/* The board serves its link, but could not make its chip out. */
static void test_no_chip(void **state)
{
	static const struct {
		uint8_t probe;
		const char *word;
	} of[] = {{VF_PROBE_ABSENT, "no chip answers"},     {VF_PROBE_UNKNOWN, "nor/parts.c"},
		  {VF_PROBE_CONFLICT, "in conflict: page"}, {VF_PROBE_DIFFER, "the two dies"},
		  {VF_PROBE_UNSTEADY, "twice the same"},    {VF_PROBE_BUSY, "stays busy"}};
	(void)state;
	for (unsigned i = 0; i < sizeof of / sizeof of[0]; i++) {
		vf_condition c = {.known = 1, .probe = of[i].probe};
		patient p;
		begin(&p);
		if (of[i].probe == VF_PROBE_CONFLICT)
			memcpy(c.conflict, "page", 5);
		p.b->info[0].flags = 0;
		p.b->info[0].id_len = 6;
		memset(p.b->info[0].id, 0xA5, 6);
		p.b->target.memory[0].condition = &c;
		bench_board(p.b);
		assert_int_equal(doctor(&p, false), VF_E_FLASH);
		blames(&p, VF_CULPRIT_CHIP, of[i].word);
		blames(&p, VF_CULPRIT_CHIP, "a5 a5 a5 a5 a5 a5");
		assert_string_equal(p.report.stage, "probe");
		assert_true(p.report.link.echoes > 2);
		assert_int_equal(p.jobs, 1);
		assert_int_equal(bench_changes(p.b), 0);
		assert_int_equal(bench_range(p.b, VF_JOB_READ, BENCH_NOR_BASE, 16), VF_E_FLASH);
		assert_non_null(strstr(p.b->result.error.text, "a5 a5 a5"));
		end(&p);
	}
}

/* The line alone: every echo comes back however slow it is, as long as a session would use. */
static void slow(uint32_t baud, uint16_t longest)
{
	bench *b = bench_new();
	b->rate = baud / 10;
	b->job.session.rate = baud;
	assert_int_equal(bench_do(b, VF_JOB_LINK, NULL), VF_OK);
	assert_true(b->result.echoes >= 3);
	for (unsigned i = 0; i < b->result.echoes; i++) {
		assert_int_equal(b->result.echo[i].sent, 16);
		if (b->result.echo[i].lost > 0)
			fail_msg("%u baud: %u of %u bytes lost", baud, b->result.echo[i].lost,
				 b->result.echo[i].len);
	}
	assert_true(b->result.echo[b->result.echoes - 1].len >= longest);
	assert_int_equal(bench_do(b, VF_JOB_INFO, NULL), VF_OK);
	assert_true(b->result.echo_us > 0 && b->result.echo_big_us > b->result.echo_us);
	assert_true(b->result.echo_big >= longest);
	bench_free(b);
}

static void test_slow_lines(void **state)
{
	(void)state;
	slow(4800, 256);
	slow(9600, 512);
	slow(38400, 2048);
	slow(115200, 2048);
}

/* Twice the ring at once: a port that holds back loses nothing, one that does not is told. */
static void test_back_pressure(void **state)
{
	patient p;
	(void)state;
	for (int overrun = 0; overrun < 2; overrun++) {
		begin(&p);
		p.b->overrun = overrun;
		p.b->loop_us = 25000;
		assert_int_equal(doctor(&p, false), overrun ? VF_E_LINK : VF_OK);
		blames(&p, overrun ? VF_CULPRIT_BOARD : VF_CULPRIT_NONE,
		       overrun ? "no room for" : "fine");
		assert_null(p.report.link.burst_skipped);
		assert_true(p.report.link.burst.bytes >= 2 * p.report.board.welcome.ring);
		assert_int_equal(p.report.link.burst.lost > 0, overrun);
		assert_int_equal(p.report.lost_there, 0);
		as_before(&p);
		end(&p);
	}
}

/* A UART has nothing that could hold back: it is not asked to. */
static void test_no_back_pressure(void **state)
{
	patient p;
	(void)state;
	begin(&p);
	p.b->target.rate_max = 1000000;
	p.b->target.home_rate = 115200;
	bench_board(p.b);
	assert_int_equal(doctor(&p, false), VF_OK);
	assert_non_null(strstr(p.report.link.burst_skipped, "UART"));
	assert_int_equal(p.report.link.burst.frames, 0);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy),
		cmocka_unit_test(test_set_stays),
		cmocka_unit_test(test_whole_chip),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_chip_faults),
		cmocka_unit_test(test_address_lines),
		cmocka_unit_test(test_supply),
		cmocka_unit_test(test_no_id),
		cmocka_unit_test(test_slow_lines),
		cmocka_unit_test(test_back_pressure),
		cmocka_unit_test(test_no_back_pressure),
		cmocka_unit_test(test_no_chip),
		cmocka_unit_test(test_whole_chip_around_what_is_protected),
		cmocka_unit_test(test_whole_chip_without_an_id),
		cmocka_unit_test(test_all_is_protected),
		cmocka_unit_test(test_nothing_to_write_to),
		cmocka_unit_test(test_protection_is_named),
		cmocka_unit_test(test_condition_is_told),
		cmocka_unit_test(test_reading_differs),
		cmocka_unit_test(test_interrupted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
