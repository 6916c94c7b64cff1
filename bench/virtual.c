/* virtual.c - one programming job on a simulated board under virtual time.
 *
 *   bench-virtual --chip PART [--dual] --link LINK --image FILE [--flash FILE] ...
 *
 * The job is the product's own (vf_job) over a whole simulated board: what is
 * measured is what people run, only time is counted instead of spent. Prints
 * one JSON object. Afterwards the whole chip is compared with what it should
 * hold; a wrong byte, a misuse of the chip or a job that fails end with 1.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vcpflash/client.h>
#include <vcpflash/io.h>
#include <vcpflash/job.h>
#include <vcpflash/sim.h>

#include "virtual_account.h"

#define BASE 0x90000000u

enum {
	BUS_RATE = 50000000, /* bytes a second and die: four lines at 100 MHz */
	FILE_MAX = 256 << 20,
	SECOND = 1000000,
	PATIENCE_S = 24 * 3600, /* virtual */
};

typedef struct options {
	const char *chip, *link, *image, *flash;
	uint32_t dies, offset, ring, window, percent;
	uint64_t seed;
	bool full, journal;
	uint8_t compress; /* enum vf_job_compress */
} options;

typedef struct bench {
	options opt;
	uint8_t *image, *flash, *array;
	size_t image_len, flash_len, array_len;
	vf_sim_board_config config;
	vf_sim_board *board;
	vf_image segments;
	vf_job_config job_config;
	vf_packer *packer;
	vf_job *job;
	uint64_t now, random, misuses;
	account account;
	/* The plan as the job announced it. */
	unsigned plans;
	vf_job_plan plan;
	uint64_t plan_steps, plan_erase_us, plan_program_us;
} bench;

/* --- what the engines ask for --------------------------------------------------- */

static uint64_t number(void *ctx)
{
	bench *b = ctx;
	b->random = b->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (b->random ^ b->random >> 29) | 1;
}

static void on_misuse(void *ctx, const char *what)
{
	bench *b = ctx;
	b->misuses++;
	(void)fprintf(stderr, "bench-virtual: misuse of the chip: %s\n", what);
}

static void on_plan(void *ctx, const vf_job_plan *plan, const vf_board *board)
{
	bench *b = ctx;
	(void)board;
	b->plans++;
	b->plan = *plan;
	b->plan_steps = plan->plan->count;
	b->plan_erase_us = plan->plan->erase_us;
	b->plan_program_us = plan->plan->program_us;
	b->plan.plan = NULL;
}

/* --- making and freeing ---------------------------------------------------------- */

static int make_array(bench *b, vf_error *err)
{
	const vf_sim_part *part = vf_sim_part_find(b->opt.chip);
	if (part == NULL)
		return vf_fail(err, VF_E_USAGE, "no chip \"%s\"", b->opt.chip);
	b->config.chip.part = part;
	b->array_len = (size_t)vf_sim_part_size(part) * b->opt.dies;
	if (b->flash_len > b->array_len || b->opt.offset > b->array_len ||
	    b->image_len > b->array_len - b->opt.offset)
		return vf_fail(err, VF_E_USAGE, "%s holds %zu bytes; the files are larger",
			       b->opt.chip, b->array_len);
	b->array = malloc(b->array_len);
	if (b->array == NULL)
		return vf_fail(err, VF_E_NOMEM, "out of memory");
	memset(b->array, 0xFF, b->array_len);
	if (b->flash_len > 0)
		memcpy(b->array, b->flash, b->flash_len);
	return VF_OK;
}

static int make_board(bench *b, vf_error *err)
{
	const options *o = &b->opt;
	vf_sim_board_config *c = &b->config;
	c->alloc = vf_io_alloc;
	c->base = BASE;
	c->seed = o->seed;
	c->ring = o->ring;
	c->window = o->window;
	c->chip.dies = (uint8_t)o->dies;
	c->chip.array = b->array;
	c->chip.bus_bytes_per_s = BUS_RATE;
	c->chip.time_percent = o->percent;
	c->chip.seed = o->seed;
	c->chip.misuse = on_misuse;
	c->chip.ctx = b;
	c->journal = o->journal ? VF_SIM_JOURNAL_EXTERNAL : VF_SIM_JOURNAL_NONE;
	int status = vf_sim_link_parse(&c->link, o->link, err);
	if (status != VF_OK)
		return status;
	b->board = vf_sim_board_new(c, err);
	return b->board != NULL ? VF_OK : err->code;
}

static int make_job(bench *b, vf_error *err)
{
	const vf_image_add_options add = {
		.format = VF_FORMAT_BIN, .has_address = true, .address = BASE + b->opt.offset};
	b->packer = vf_packer_new();
	if (b->packer == NULL)
		return vf_fail(err, VF_E_NOMEM, "out of memory");
	int status = vf_image_add(&b->segments, b->opt.image, b->image, b->image_len, &add, err);
	if (status != VF_OK)
		return status;
	b->job_config = (vf_job_config){
		.kind = VF_JOB_PROGRAM,
		.session = {.alloc = vf_io_alloc,
			    .random = number,
			    .ctx = b,
			    .rate = b->config.link.baud},
		.call = {.ctx = b, .plan = on_plan},
		.image = &b->segments,
		.full = b->opt.full,
		.compress = b->opt.compress,
		.deflate = vf_packer_deflate,
		.deflate_ctx = b->packer,
	};
	b->job = vf_job_new(&b->job_config, err);
	return b->job != NULL ? VF_OK : err->code;
}

static int make(bench *b, vf_error *err)
{
	vf_image_init(&b->segments, &vf_io_alloc);
	int status = vf_file_read(b->opt.image, FILE_MAX, &b->image, &b->image_len, err);
	if (status == VF_OK && b->opt.flash != NULL)
		status = vf_file_read(b->opt.flash, FILE_MAX, &b->flash, &b->flash_len, err);
	if (status == VF_OK)
		status = make_array(b, err);
	if (status == VF_OK)
		status = make_board(b, err);
	return status == VF_OK ? make_job(b, err) : status;
}

static void clean(bench *b)
{
	vf_job_free(b->job);
	vf_packer_free(b->packer);
	vf_image_free(&b->segments);
	vf_sim_board_free(b->board);
	vf_free(&vf_io_alloc, b->image);
	vf_free(&vf_io_alloc, b->flash);
	free(b->array);
}

/* --- virtual time ----------------------------------------------------------------- */

static bool move(bench *b)
{
	uint8_t in[4096];
	const uint8_t *out;
	size_t n;
	bool moved = false;
	while ((out = vf_job_tx(b->job, &n, b->now)) != NULL) {
		const size_t sent = vf_sim_board_write(b->board, out, n, b->now);
		vf_job_tx_done(b->job, sent, b->now);
		account_sent(&b->account, sent, b->now);
		moved = moved || sent > 0;
		if (sent < n)
			break;
	}
	while ((n = vf_sim_board_read(b->board, in, sizeof in, b->now)) > 0) {
		vf_job_rx(b->job, in, n, b->now);
		moved = true;
	}
	return moved;
}

/* Runs the job to its end; false if it never comes. */
static bool run(bench *b)
{
	b->now = SECOND; /* the board has long been powered */
	vf_sim_board_run(b->board, b->now);
	account_start(&b->account, b->board, b->config.link.out_rate);
	vf_job_tick(b->job, b->now);
	while (!vf_job_finished(b->job)) {
		if (vf_job_deadline(b->job) <= b->now)
			vf_job_tick(b->job, b->now);
		if (move(b))
			continue;
		const uint64_t due = vf_job_deadline(b->job);
		const uint64_t next = vf_sim_board_next(b->board);
		const uint64_t to = due < next ? due : next;
		const uint64_t then = to > b->now ? to : b->now + 1;
		if (then / SECOND > PATIENCE_S)
			return false;
		account_pass(&b->account, b->now, then);
		b->now = then;
	}
	account_end(&b->account);
	return true;
}

/* --- the oracle -------------------------------------------------------------------- */

/* How many bytes of the chip are not what they should be: the image where it
 * is, and everything else as it was, the board's journal excepted. */
static uint64_t wrong_bytes(const bench *b)
{
	uint64_t wrong = 0;
	const vf_target_config *c = &vf_sim_board_target(b->board)->config;
	const size_t end = c->journal != NULL ? c->journal_offset : b->array_len;
	for (size_t i = 0; i < end; i++) {
		uint8_t want = i < b->flash_len ? b->flash[i] : 0xFF;
		if (i >= b->opt.offset && i - b->opt.offset < b->image_len)
			want = b->image[i - b->opt.offset];
		wrong += b->array[i] != want;
	}
	return wrong;
}

/* --- the answer --------------------------------------------------------------------- */

static void print_number(const char *name, uint64_t value)
{
	(void)printf("\"%s\":%llu,", name, (unsigned long long)value);
}

static void print_link(const vf_session_stats *s)
{
	print_number("raw_sent", s->raw_sent);
	print_number("raw_received", s->raw_received);
	print_number("stream_sent", s->stream_sent);
	print_number("stream_repeated", s->stream_repeated);
	print_number("frames_sent", s->frames_sent);
	print_number("frames_received", s->frames_received);
}

static void print_chip(const vf_sim_stats *s)
{
	print_number("chip_busy_us", s->busy_us);
	print_number("transactions", s->transactions);
	print_number("erases", s->erases);
	print_number("erased_bytes", s->erased_bytes);
	print_number("programs", s->programs);
	print_number("programmed_bytes", s->programmed_bytes);
	print_number("read_bytes", s->read_bytes);
}

static void print_plan(const bench *b)
{
	print_number("plans", b->plans);
	print_number("plan_steps", b->plan_steps);
	print_number("plan_erase_us", b->plan_erase_us);
	print_number("plan_program_us", b->plan_program_us);
	print_number("plan_link_bytes", b->plan.link_bytes);
	print_number("plan_keep_bytes", b->plan.keep_bytes);
	print_number("estimate_us", b->plan.estimate_us);
}

static void print_result(const bench *b, uint64_t wrong)
{
	const vf_job_result *r = vf_job_result_get(b->job);
	const vf_target_stats *t = vf_sim_board_target_stats(b->board);
	(void)printf("{\"status\":%d,", r->error.code);
	print_number("elapsed_us", b->now - SECOND);
	print_number("wrong_bytes", wrong);
	print_number("misuses", b->misuses);
	print_number("image_bytes", r->image_bytes);
	print_number("attempts", r->attempts);
	print_number("kept_bytes", r->kept_bytes);
	print_number("packed_bytes", r->packed_bytes);
	print_number("saved_bytes", r->saved_bytes);
	print_number("digested_bytes", t->digested);
	print_number("hashed_bytes", t->hashed);
	print_number("journal_records", t->records);
	print_number("journal_units", t->units);
	print_link(vf_job_link(b->job));
	print_chip(vf_sim_chip_stats(vf_sim_board_chip(b->board)));
	print_plan(b);
	account_print(&b->account, stdout);
	(void)printf("\"link\":\"%s\"}\n", b->opt.link);
}

static int measure(bench *b)
{
	if (!run(b)) {
		(void)fprintf(stderr, "bench-virtual: the job does not end\n");
		return 1;
	}
	const uint64_t wrong = wrong_bytes(b);
	const vf_error *e = &vf_job_result_get(b->job)->error;
	print_result(b, wrong);
	if (e->code != VF_OK)
		(void)fprintf(stderr, "bench-virtual: %s\n", e->text);
	if (wrong > 0)
		(void)fprintf(stderr, "bench-virtual: %llu bytes of the chip are wrong\n",
			      (unsigned long long)wrong);
	return e->code == VF_OK && wrong == 0 && b->misuses == 0 ? 0 : 1;
}

/* --- the command line ----------------------------------------------------------------- */

static int usage(void)
{
	(void)fprintf(
		stderr,
		"usage: bench-virtual --chip PART [--dual] --link LINK --image FILE\n"
		"       [--flash FILE] [--offset N] [--ring N] [--window N] [--percent N|random]\n"
		"       [--seed N] [--full] [--plain] [--journal]\n");
	return 2;
}

static bool take(options *o, int option, const char *arg)
{
	switch (option) {
	case 'c':
		o->chip = arg;
		return true;
	case 'd':
		o->dies = 2;
		return true;
	case 'l':
		o->link = arg;
		return true;
	case 'i':
		o->image = arg;
		return true;
	case 'f':
		o->flash = arg;
		return true;
	case 'o':
		o->offset = (uint32_t)strtoul(arg, NULL, 0);
		return true;
	case 'r':
		o->ring = (uint32_t)strtoul(arg, NULL, 0);
		return true;
	case 'w':
		o->window = (uint32_t)strtoul(arg, NULL, 0);
		return true;
	case 'p':
		o->percent = strcmp(arg, "random") == 0 ? VF_SIM_TIME_RANDOM
							: (uint32_t)strtoul(arg, NULL, 0);
		return true;
	case 's':
		o->seed = strtoull(arg, NULL, 0);
		return true;
	case 'F':
		o->full = true;
		return true;
	case 'j':
		o->journal = true;
		return true;
	case 'P':
		o->compress = VF_COMPRESS_OFF;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{"chip", required_argument, NULL, 'c'},    {"dual", no_argument, NULL, 'd'},
		{"link", required_argument, NULL, 'l'},    {"image", required_argument, NULL, 'i'},
		{"flash", required_argument, NULL, 'f'},   {"offset", required_argument, NULL, 'o'},
		{"ring", required_argument, NULL, 'r'},    {"window", required_argument, NULL, 'w'},
		{"percent", required_argument, NULL, 'p'}, {"seed", required_argument, NULL, 's'},
		{"full", no_argument, NULL, 'F'},          {"journal", no_argument, NULL, 'j'},
		{"plain", no_argument, NULL, 'P'},         {0},
	};
	bench b = {.opt = {.dies = 1, .percent = 100, .seed = 1, .ring = 65536, .window = 262144},
		   .random = 1};
	vf_error err = {0};
	int option;
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (!take(&b.opt, option, optarg))
			return usage();
	if (b.opt.chip == NULL || b.opt.link == NULL || b.opt.image == NULL || optind != argc)
		return usage();
	b.random += b.opt.seed;
	int status = make(&b, &err);
	if (status != VF_OK)
		(void)fprintf(stderr, "bench-virtual: %s\n", err.text);
	int code = status == VF_OK ? measure(&b) : 1;
	clean(&b);
	return code;
}
