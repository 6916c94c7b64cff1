/* job_bench.c - see job_bench.h. Time moves in small quanta while anything is
 * under way, and jumps to the next thing that is due when nothing is. */
#include "job_bench.h"

enum { QUANTUM_US = 20, PATIENCE_US = 600 * 1000000 };

static const vf_memory nor_info = {
	.name = "fakenor",
	.kind = VF_MEMORY_NOR,
	.flags = VF_MEMORY_READ | VF_MEMORY_WRITE | VF_MEMORY_RUN | VF_MEMORY_REPROGRAM,
	.dies = 1,
	.id_len = 3,
	.id = {0x20, 0xBA, 0x18},
	.base = BENCH_NOR_BASE,
	.size = BENCH_NOR_SIZE,
	.page = 256,
	.unit = 1,
	.page_typ_us = 120,
	.page_max_us = 5000,
	.read_rate = 50000000,
	.erase_types = 4,
	.protects = 0,
	.erase = {{4096, 4800, 40000},
		  {32768, 35000, 100000},
		  {65536, 45000, 200000},
		  {BENCH_NOR_SIZE, 190000, 800000}},
};

static const vf_memory inner_info = {
	.name = "inner",
	.kind = VF_MEMORY_INTERNAL,
	.flags = VF_MEMORY_READ | VF_MEMORY_WRITE | VF_MEMORY_RUN,
	.dies = 1,
	.base = BENCH_INNER_BASE,
	.size = BENCH_INNER_SIZE,
	.page = 32,
	.unit = 32,
	.page_typ_us = 20,
	.page_max_us = 2000,
	.erase_types = 1,
	.protects = 1,
	.erase = {{BENCH_INNER_SECTOR, 30000, 200000}},
	.protect = {{0, BENCH_INNER_SECTOR}},
};

/* --- memory, randomness ------------------------------------------------------- */

static void *resize(void *ctx, void *p, size_t size)
{
	bench *b = ctx;
	if (size == 0) {
		b->allocations -= p != NULL;
		free(p);
		return NULL;
	}
	if (b->fail_in > 0 && --b->fail_in == 0)
		return NULL;
	void *q = realloc(p, size);
	b->allocations += p == NULL && q != NULL;
	return q;
}

uint32_t bench_random(bench *b)
{
	b->random = b->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(b->random >> 32);
}

void bench_random_fill(bench *b, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(bench_random(b) >> 11);
}

static uint64_t session_number(void *ctx)
{
	bench *b = ctx;
	const uint64_t high = bench_random(b);
	return high << 32 | bench_random(b);
}

/* --- the flash ------------------------------------------------------------------ */

uint8_t *bench_cells(bench *b, uint32_t address)
{
	for (unsigned m = 0; m < 2; m++)
		if (address - b->info[m].base < b->info[m].size)
			return b->flash[m].cells + (address - b->info[m].base);
	fail_msg("no memory at 0x%08x", address);
	return NULL;
}

static bool all_blank(const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (p[i] != 0xFF)
			return false;
	return true;
}

/* The board's own business. */
static bool of_journal(const bench *b, unsigned m, const vf_flash_op *op)
{
	return m == 0 && b->target.journal != NULL && op->offset >= b->target.journal_offset;
}

static void touch(bench *b, unsigned m, const vf_flash_op *op, uint8_t how)
{
	const uint32_t sector = b->info[m].erase[0].size;
	for (uint32_t i = op->offset / sector; i <= (op->offset + op->len - 1) / sector; i++)
		b->flash[m].touched[i] |= how;
	for (unsigned i = 0; i < b->info[m].protects; i++) {
		const vf_range *p = &b->info[m].protect[i];
		assert_true(op->offset >= p->offset + p->len || op->offset + op->len <= p->offset);
	}
}

static void count(bench *b, unsigned m, const vf_flash_op *op)
{
	bench_flash *f = &b->flash[m];
	const uint32_t unit = b->info[m].unit;
	if (of_journal(b, m, op))
		return;
	switch (op->kind) {
	case VF_FLASH_ERASE:
		f->erases++;
		f->blank_erases += all_blank(f->cells + op->offset, op->len);
		touch(b, m, op, 1);
		break;
	case VF_FLASH_PROGRAM:
		f->programs++;
		assert_int_equal(op->offset / b->info[m].page,
				 (op->offset + op->len - 1) / b->info[m].page);
		for (uint32_t i = 0; i < op->len; i += unit)
			f->dirty_programs += !all_blank(f->cells + op->offset + i, unit);
		touch(b, m, op, 2);
		break;
	case VF_FLASH_READ:
		f->reads++;
		break;
	default:
		f->mapped++;
	}
}

static uint64_t duration(const bench *b, unsigned m, const vf_flash_op *op)
{
	const vf_memory *info = &b->info[m];
	if (op->kind == VF_FLASH_PROGRAM)
		return info->page_typ_us;
	if (op->kind != VF_FLASH_ERASE)
		return op->len / 50;
	for (unsigned i = 0; i < info->erase_types; i++)
		if (info->erase[i].size == op->len)
			return info->erase[i].typ_us;
	fail_msg("erase of %u bytes", op->len);
	return 0;
}

/* The fault that this operation meets; NULL: none. */
static bench_fault *met(bench *b, unsigned m, const vf_flash_op *op)
{
	for (unsigned i = 0; i < 4; i++) {
		bench_fault *f = &b->fault[i];
		if (f->kind != op->kind || f->memory != m || f->times == 0)
			continue;
		if (f->len != 0 &&
		    (op->offset >= f->offset + f->len || op->offset + op->len <= f->offset))
			continue;
		if (f->skip > 0) {
			f->skip--;
			continue;
		}
		f->times--;
		return f;
	}
	return NULL;
}

static int carry_out(bench *b, unsigned m, const vf_flash_op *op)
{
	bench_flash *f = &b->flash[m];
	const bench_fault *fault = met(b, m, op);
	uint8_t *cells = f->cells + (m == 0 ? op->offset & ~b->stuck : op->offset);
	if (fault != NULL && (op->kind == VF_FLASH_ERASE || op->kind == VF_FLASH_PROGRAM))
		return fault->status;
	switch (op->kind) {
	case VF_FLASH_ERASE:
		memset(cells, 0xFF, op->len);
		break;
	case VF_FLASH_PROGRAM:
		for (uint32_t i = 0; i < op->len; i++)
			cells[i] &= op->data[i];
		break;
	default:
		memcpy(op->buf, cells, op->len);
		if (fault != NULL && fault->status == VF_OK)
			op->buf[op->len / 2] ^= 0x10;
		else if (fault != NULL)
			return fault->status;
	}
	return VF_OK;
}

/* Bits are on their way to where they shall be. */
static void tear(bench *b, bench_flash *f)
{
	uint8_t *cells = f->cells + f->op->offset;
	bool down = false;
	for (uint32_t i = 0; i < f->op->len; i++) {
		const uint8_t some = (uint8_t)bench_random(b);
		const uint8_t *page = cells + i / 256 * 256;
		down = i % 256 == 0 ? (some & 1) != 0 && page[0] != 0xFF && page[255] != 0xFF
				    : down;
		if (f->op->kind == VF_FLASH_ERASE && down) /* to zero first, as some chips do */
			cells[i] &= some;
		else if (f->op->kind == VF_FLASH_ERASE)
			cells[i] |= some;
		else if (f->op->kind == VF_FLASH_PROGRAM)
			cells[i] &= f->op->data[i] | some;
	}
}

static void reset(bench *b)
{
	for (unsigned m = 0; m < 2; m++) {
		bench_flash *f = &b->flash[m];
		if (f->op != NULL && b->reset_spoils && f->op->kind == VF_FLASH_ERASE)
			bench_random_fill(b, f->cells + f->op->offset, f->op->len / 2);
		if (f->op != NULL && b->reset_blanks && f->op->kind == VF_FLASH_ERASE)
			memset(f->cells + f->op->offset, 0xFF, f->op->len);
		if (f->op != NULL && b->reset_tears)
			tear(b, f);
		f->op = NULL;
	}
	b->target.id[0] ^= b->reset_swaps;
	assert_int_equal(vf_target_init(&b->t, &b->target), VF_OK);
}

static unsigned begun(const bench *b)
{
	return b->flash[0].erases + b->flash[0].programs + b->flash[1].erases +
	       b->flash[1].programs;
}

/* True if something ended or began. */
static bool serve_flash(bench *b, unsigned m)
{
	bench_flash *f = &b->flash[m];
	bool moved = false;
	if (f->op != NULL && b->now >= f->ends_at) {
		const vf_flash_op *op = f->op;
		const int status = carry_out(b, m, op);
		f->op = NULL;
		vf_target_flash_done(&b->t, m, status);
		moved = true;
	}
	if (f->op == NULL && (f->op = vf_target_flash_next(&b->t, m)) != NULL) {
		count(b, m, f->op);
		f->ends_at = b->now + duration(b, m, f->op);
		moved = true;
	}
	return moved;
}

/* --- the line -------------------------------------------------------------------- */

static size_t put(bench_line *l, const uint8_t *bytes, size_t len)
{
	size_t n = 0;
	for (; n < len && l->count < BENCH_QUEUE; n++)
		l->bytes[(l->head + l->count++) % BENCH_QUEUE] = bytes[n];
	return n;
}

/* The bytes that arrive in this quantum, at most `room`. */
static size_t get(bench_line *l, uint8_t *out, size_t room)
{
	size_t n = 0;
	for (; n < room && l->count > 0; n++, l->count--) {
		out[n] = l->bytes[l->head];
		l->head = (l->head + 1) % BENCH_QUEUE;
	}
	return n;
}

static size_t allowance(bench *b, bench_line *l)
{
	if (l->count == 0) {
		l->credit = 0;
		return 0;
	}
	l->credit += b->rate * QUANTUM_US;
	const size_t n = (size_t)(l->credit / 1000000);
	l->credit %= 1000000;
	return n;
}

static bool move_line(bench *b, vf_job *job)
{
	uint8_t buf[1024];
	size_t len;
	const uint8_t *p;
	while ((p = vf_job_tx(job, &len, b->now)) != NULL) {
		const size_t n = put(&b->out, p, len);
		if (n == 0)
			break;
		vf_job_tx_done(job, n, b->now);
	}
	len = allowance(b, &b->out);
	if (len > sizeof buf)
		len = sizeof buf;
	if (len > vf_target_rx_space(&b->t) && !b->overrun)
		len = vf_target_rx_space(&b->t);
	len = get(&b->out, buf, len);
	if (len > 0 && !b->deaf) {
		const size_t taken = vf_target_rx(&b->t, buf, len);
		assert_true(taken == len || b->overrun);
	}
	while ((p = vf_target_tx(&b->t, &len)) != NULL) {
		const size_t n = put(&b->in, p, len);
		if (n == 0)
			break;
		vf_target_tx_done(&b->t, n);
	}
	len = allowance(b, &b->in);
	len = get(&b->in, buf, len < sizeof buf ? len : sizeof buf);
	if (len > 0 && !b->deaf && !(b->mute_after_run && b->running))
		vf_job_rx(job, buf, len, b->now);
	return b->out.count > 0 || b->in.count > 0;
}

/* --- everything together ------------------------------------------------------------ */

static void restart(bench *b, vf_job *job)
{
	b->resets_left--;
	if (!b->reset_spares)
		reset(b);
	if (!b->reset_unplugs)
		return;
	b->in.count = b->out.count = 0;
	if (vf_job_worth_return(job))
		vf_job_pipe_again(job, b->now);
	else
		vf_job_pipe_lost(job, "unplugged", b->now);
}

static void disturb(bench *b, vf_job *job)
{
	const unsigned programs = b->flash[0].programs + b->flash[1].programs;
	if (b->reset_after > 0 && begun(b) >= b->reset_after && b->resets_left > 0) {
		b->reset_after += b->reset_after;
		restart(b, job);
	}
	if (b->reset_every > 0 && begun(b) >= b->reset_begun + b->reset_every &&
	    b->resets_left > 0) {
		b->reset_begun = begun(b);
		restart(b, job);
	}
	if (b->reset_reads > 0 && b->flash[0].mapped >= b->reset_reads && b->resets_left > 0)
		restart(b, job);
	if (b->deaf_after > 0 && programs >= b->deaf_after)
		b->deaf = true;
	if (b->interrupted_at == 0 && ((b->interrupt_after > 0 && programs >= b->interrupt_after) ||
				       (b->interrupt_at > 0 && b->now >= b->interrupt_at))) {
		b->interrupted_at = b->now;
		b->again_at = b->again_in > 0 ? b->now + b->again_in : 0;
		vf_job_interrupt(job, b->now);
	}
	if (b->again_at > 0 && b->now >= b->again_at) {
		b->again_at = 0;
		vf_job_interrupt(job, b->now);
	}
}

static uint64_t next_due(const bench *b, const vf_job *job, bool moving)
{
	uint64_t due = vf_job_deadline(job);
	uint32_t at;
	for (unsigned m = 0; m < 2; m++)
		if (b->flash[m].op != NULL && b->flash[m].ends_at < due)
			due = b->flash[m].ends_at;
	if (vf_target_deadline(&b->t, &at)) {
		const int32_t in = (int32_t)(at - (uint32_t)b->now);
		if (in <= 0 || b->now + (uint64_t)in < due)
			due = in <= 0 ? b->now : b->now + (uint64_t)in;
	}
	if (b->interrupt_at > b->now && b->interrupt_at < due)
		due = b->interrupt_at;
	if (b->kill_at > b->now && b->kill_at < due)
		due = b->kill_at;
	if (b->again_at > b->now && b->again_at < due)
		due = b->again_at;
	if (moving || due <= b->now)
		due = due < b->now + QUANTUM_US && due > b->now ? due : b->now + QUANTUM_US;
	return due;
}

/* The board's main loop, which may have other things to do. */
static void go_round(bench *b)
{
	if (b->now < b->loop_at)
		return;
	b->loop_at = b->now + b->loop_us;
	vf_target_tick(&b->t, (uint32_t)b->now);
}

static void drive(bench *b, vf_job *job)
{
	const uint64_t until = b->now + PATIENCE_US;
	vf_job_tick(job, b->now);
	while (!vf_job_finished(job) && !(b->kill_at > 0 && b->now >= b->kill_at)) {
		const bool moving = move_line(b, job);
		do {
			go_round(b);
		} while ((int)serve_flash(b, 0) | (int)serve_flash(b, 1));
		if (vf_target_run(&b->t, &b->run_address))
			b->running = true;
		disturb(b, job);
		if (vf_job_finished(job))
			break;
		size_t len;
		const bool more =
			vf_target_tx(&b->t, &len) != NULL || vf_job_tx(job, &len, b->now) != NULL;
		const uint64_t due = next_due(b, job, moving || more);
		assert_true(due != UINT64_MAX);
		b->now = due;
		if (vf_job_deadline(job) <= b->now)
			vf_job_tick(job, b->now);
		assert_true(b->now < until);
	}
}

/* --- callbacks --------------------------------------------------------------------- */

static void on_progress(void *ctx, const vf_progress *p)
{
	bench *b = ctx;
	b->progresses++;
	b->progress_wrong = b->progress_wrong ||
			    ((p->total != 0 && p->done > p->total) || p->phase > VF_PHASE_CLOSE);
}

static void on_note(void *ctx, const char *line)
{
	bench *b = ctx;
	assert_true(strlen(line) > 0);
	b->notes++;
}

static void on_plan(void *ctx, const vf_job_plan *plan, const vf_board *board)
{
	bench *b = ctx;
	assert_int_equal(board->welcome.memories, 2);
	assert_true(b->plans < 4);
	b->plan_steps += plan->plan->count;
	b->plan_chip_us[b->plans] = plan->plan->erase_us + plan->plan->program_us;
	b->plan[b->plans] = *plan;
	b->plan[b->plans++].plan = NULL;
}

static int on_sink(void *ctx, const uint8_t *data, size_t len)
{
	bench *b = ctx;
	b->sunk = realloc(b->sunk, b->sunk_len + len);
	assert_non_null(b->sunk);
	memcpy(b->sunk + b->sunk_len, data, len);
	b->sunk_len += len;
	return b->sink_status;
}

/* --- life --------------------------------------------------------------------------- */

static uint8_t *aligned(size_t len)
{
	void *p = aligned_alloc(32, (len + 31) / 32 * 32);
	assert_non_null(p);
	memset(p, 0xA5, len);
	return p;
}

void bench_board(bench *b)
{
	assert_int_equal(vf_target_init(&b->t, &b->target), VF_OK);
}

void bench_journal(bench *b)
{
	vf_memory *nor = &b->info[0];
	b->target.journal = &b->journal;
	b->target.journal_unit = BENCH_SECTOR;
	b->target.journal_offset = BENCH_NOR_SIZE - BENCH_JOURNAL;
	nor->protects = 1;
	nor->protect[0] = (vf_range){BENCH_NOR_SIZE - BENCH_JOURNAL, BENCH_JOURNAL};
	memset(b->flash[0].cells + BENCH_NOR_SIZE - BENCH_JOURNAL, 0xFF, BENCH_JOURNAL);
	bench_board(b);
}

bench *bench_new(void)
{
	enum { RING = 16384, WINDOW = 32768, FRAME = 2064, WORK = 16384 };
	bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	b->info[0] = nor_info;
	b->info[1] = inner_info;
	b->rate = 1000000;
	b->random = 1;
	b->now = 1000;
	b->target = (vf_target_config){.name = "TESTBOARD",
				       .id = {1, 2, 3, 4},
				       .id_len = 4,
				       .memories = 2,
				       .ring = malloc(RING),
				       .ring_len = RING,
				       .window = malloc(WINDOW),
				       .window_len = WINDOW,
				       .frame = malloc(FRAME),
				       .frame_len = FRAME,
				       .tx = malloc(FRAME + 32),
				       .tx_len = FRAME + 32,
				       .can_run = true};
	for (unsigned m = 0; m < 2; m++) {
		b->flash[m].cells = malloc(b->info[m].size);
		memset(b->flash[m].cells, 0xFF, b->info[m].size);
		b->flash[m].touched = calloc(1, b->info[m].size / b->info[m].erase[0].size);
		b->target.memory[m] = (vf_target_memory){&b->info[m], aligned(WORK), WORK, NULL};
	}
	b->job.session.alloc = (vf_alloc){resize, b};
	b->job.session.random = session_number;
	b->job.session.ctx = b;
	b->job.call = (vf_job_callbacks){
		.ctx = b, .progress = on_progress, .note = on_note, .sink = on_sink};
	bench_board(b);
	return b;
}

void bench_free(bench *b)
{
	assert_int_equal(b->allocations, 0);
	for (unsigned m = 0; m < 2; m++) {
		free(b->flash[m].cells);
		free(b->flash[m].touched);
		free(b->target.memory[m].work);
	}
	free(b->target.ring);
	free(b->target.window);
	free(b->target.frame);
	free(b->target.tx);
	free(b->sunk);
	free(b);
}

void bench_clear(bench *b)
{
	for (unsigned m = 0; m < 2; m++) {
		bench_flash *f = &b->flash[m];
		f->erases = f->programs = f->reads = f->mapped = 0;
		f->blank_erases = f->dirty_programs = 0;
		memset(f->touched, 0, b->info[m].size / b->info[m].erase[0].size);
	}
	b->notes = b->plans = b->progresses = 0;
	b->plan_steps = 0;
	b->reset_begun = 0;
	b->sunk_len = 0;
	b->running = false;
}

void bench_image(bench *b, vf_image *image)
{
	vf_image_init(image, &b->job.session.alloc);
}

void bench_add(bench *b, vf_image *image, const char *name, uint32_t address, const uint8_t *bytes,
	       uint32_t len)
{
	const vf_image_add_options opt = {
		.format = VF_FORMAT_BIN, .has_address = true, .address = address};
	vf_error err;
	(void)b;
	if (vf_image_add(image, name, bytes, len, &opt, &err) != VF_OK)
		fail_msg("%s", err.text);
}

int bench_do(bench *b, uint8_t kind, const vf_image *image)
{
	vf_error err = {0};
	b->job.kind = kind;
	b->job.image = image;
	b->job.call.plan = on_plan;
	vf_job *job = vf_job_new(&b->job, &err);
	if (job == NULL) {
		assert_true(err.code < 0);
		b->result = (vf_job_result){.error = err};
		return err.code;
	}
	b->interrupted_at = b->again_at = 0;
	drive(b, job);
	b->killed = !vf_job_finished(job);
	if (b->killed) {
		vf_job_free(job);
		return VF_E_LINK;
	}
	b->result = *vf_job_result_get(job);
	b->link = *vf_job_link(job);
	memset(&b->board, 0, sizeof b->board);
	if (vf_job_board(job) != NULL)
		b->board = *vf_job_board(job);
	assert_true((b->result.error.code == VF_OK) == (b->result.error.text[0] == '\0'));
	vf_job_free(job);
	assert_false(b->progress_wrong);
	return b->result.error.code;
}

int bench_range(bench *b, uint8_t kind, uint32_t address, uint64_t length)
{
	b->job.address = address;
	b->job.length = length;
	return bench_do(b, kind, NULL);
}

void bench_power_cut(bench *b)
{
	b->reset_tears = true;
	reset(b);
	b->reset_tears = false;
	b->out.count = b->in.count = 0;
}

unsigned bench_changes(const bench *b)
{
	return begun(b);
}
