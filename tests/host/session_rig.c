/* session_rig.c - virtual time, two bad pipes, a board: see the header. */
#include "session_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const rig_sizes rig_usual = {.ring = 65536,
			     .window = 65536,
			     .frame = VF_WIRE_BODY_MAX + 4,
			     .tx = VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX),
			     .work = 2048,
			     .memories = 1,
			     .page_us = 120,
			     .erase_us = 48000,
			     .read_us = 20};
const rig_line rig_uart = {.rate = 11520, .capacity = 4096};
const rig_line rig_usb = {.rate = 1000000, .latency_us = 1000, .capacity = 16384};
const rig_line rig_perfect = {.capacity = 65536};

uint64_t rig_next(rig_random *r)
{
	r->state += UINT64_C(0x9E3779B97F4A7C15);
	uint64_t z = r->state;
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

uint32_t rig_below(rig_random *r, uint32_t n)
{
	return (uint32_t)(rig_next(r) % n);
}

bool rig_chance(rig_random *r, double p)
{
	return p > 0 && (double)(rig_next(r) >> 11) * 0x1p-53 < p;
}

/* --- pipes --------------------------------------------------------------------- */

static rig_packet *pipe_add(rig_pipe *p)
{
	if (p->count == p->room) {
		uint32_t room = p->room ? p->room * 2 : 64;
		rig_packet *n = malloc(room * sizeof *n);
		assert_non_null(n);
		for (uint32_t i = 0; i < p->count; i++)
			n[i] = p->packet[(p->head + i) % p->room];
		free(p->packet);
		p->packet = n;
		p->room = room;
		p->head = 0;
	}
	return &p->packet[(p->head + p->count++) % p->room];
}

static void pipe_byte(rig_pipe *p, rig_random *r, rig_packet *k, uint8_t byte)
{
	if (p->vanish > 0) {
		p->vanish--;
		return;
	}
	if (rig_chance(r, p->line.drop))
		return;
	if (rig_chance(r, p->line.change))
		byte ^= (uint8_t)(1u << rig_below(r, 8));
	k->bytes[k->len++] = byte;
	if (rig_chance(r, p->line.repeat))
		k->bytes[k->len++] = byte;
	else if (rig_chance(r, p->line.insert))
		k->bytes[k->len++] = (uint8_t)rig_next(r);
}

static uint64_t wire_time(const rig_line *l, uint64_t bytes)
{
	return l->rate ? (bytes * 1000000 + l->rate - 1) / l->rate : 0;
}

static void pipe_pieces(rig *r, rig_pipe *p, const uint8_t *data, size_t n)
{
	for (size_t at = 0; at < n;) {
		size_t piece = n - at < RIG_PACKET ? n - at : RIG_PACKET;
		if (p->free_us < r->now)
			p->free_us = r->now;
		p->free_us += wire_time(&p->line, piece);
		if (rig_chance(&r->random, p->line.stall * (double)piece))
			p->free_us += rig_below(&r->random, 1500000);
		if (rig_chance(&r->random, p->line.burst * (double)piece))
			p->vanish = rig_below(&r->random, 400);
		rig_packet *k = pipe_add(p);
		k->at_us = p->free_us + p->line.latency_us;
		k->len = 0;
		for (size_t i = 0; i < piece; i++)
			pipe_byte(p, &r->random, k, data[at + i]);
		at += piece;
	}
}

/* Takes what it has room for. */
static size_t pipe_put(rig *r, rig_pipe *p, const uint8_t *data, size_t len)
{
	uint64_t waits = p->free_us > r->now && p->line.rate
				 ? (p->free_us - r->now) * p->line.rate / 1000000
				 : 0;
	size_t room = waits < p->line.capacity ? p->line.capacity - (size_t)waits : 0;
	size_t n = len < room ? len : room;

	p->bytes += n;
	pipe_pieces(r, p, data, n);
	if (rig_chance(&r->random, p->line.again))
		pipe_pieces(r, p, data, n);
	return n;
}

static bool pipe_due(const rig *r, const rig_pipe *p)
{
	return p->count > 0 && p->packet[p->head].at_us <= r->now;
}

static void pipe_pop(rig_pipe *p)
{
	p->head = (p->head + 1) % p->room;
	p->count--;
}

/* When the pipe has room again for a sender that had to wait. */
static uint64_t pipe_room_us(const rig *r, const rig_pipe *p)
{
	uint64_t full = wire_time(&p->line, p->line.capacity / 2);

	return p->free_us > r->now + full ? p->free_us - full : r->now + 1;
}

/* --- flash --------------------------------------------------------------------- */

static void flash_begin(rig *r, rig_flash *f, const vf_flash_op *op)
{
	uint64_t us = r->sizes.read_us * (uint64_t)op->len / 1024;

	if (op->kind == VF_FLASH_ERASE)
		us = r->sizes.erase_us * (uint64_t)(op->len / RIG_SECTOR);
	else if (op->kind == VF_FLASH_PROGRAM)
		us = r->sizes.page_us;
	f->op = op;
	f->done_us = r->now + us;
	if (r->sizes.blocking && r->blocked_us < f->done_us)
		r->blocked_us = f->done_us;
}

static int flash_carry_out(rig_flash *f)
{
	const vf_flash_op *op = f->op;

	assert_true(op->offset <= RIG_FLASH && op->len <= RIG_FLASH - op->offset);
	if (op->kind == VF_FLASH_ERASE) {
		memset(f->bytes + op->offset, 0xFF, op->len);
	} else if (op->kind == VF_FLASH_PROGRAM) {
		for (uint32_t i = 0; i < op->len; i++)
			f->bytes[op->offset + i] &= op->data[i];
		if (f->bad_offset - op->offset < op->len)
			return VF_E_PROGRAM;
	} else {
		memcpy(op->buf, f->bytes + op->offset, op->len);
	}
	return VF_OK;
}

static bool flash_poll(rig *r, unsigned m)
{
	rig_flash *f = &r->flash[m];

	if (f->op != NULL && r->now >= f->done_us) {
		int status = flash_carry_out(f);
		f->op = NULL;
		vf_target_flash_done(&r->target, m, status);
		return true;
	}
	if (f->op == NULL) {
		const vf_flash_op *op = vf_target_flash_next(&r->target, m);
		if (op != NULL) {
			flash_begin(r, f, op);
			return true;
		}
	}
	return false;
}

/* --- the two ends --------------------------------------------------------------- */

static void board_receive(rig *r)
{
	while (pipe_due(r, &r->out)) {
		rig_packet *k = &r->out.packet[r->out.head];
		if (!r->off && !r->out.cut) {
			if (r->sizes.holds_back && vf_target_rx_space(&r->target) < k->len)
				return;
			(void)vf_target_rx(&r->target, k->bytes, k->len);
		}
		pipe_pop(&r->out);
	}
}

static bool board_send(rig *r)
{
	size_t len;
	const uint8_t *p = vf_target_tx(&r->target, &len);
	size_t n = p != NULL ? pipe_put(r, &r->in, p, len) : 0;

	if (n > 0)
		vf_target_tx_done(&r->target, n);
	return n > 0;
}

static void board_loop(rig *r)
{
	bool more = true;

	while (more && !r->off && r->now >= r->blocked_us) {
		board_receive(r);
		vf_target_tick(&r->target, (uint32_t)r->now);
		more = board_send(r);
		for (unsigned m = 0; m < r->sizes.memories; m++)
			more = flash_poll(r, m) || more;
	}
}

static void host_loop(rig *r)
{
	size_t len;
	const uint8_t *p;

	while (pipe_due(r, &r->in)) {
		rig_packet *k = &r->in.packet[r->in.head];
		if (!r->in.cut)
			vf_session_rx(r->session, k->bytes, k->len, r->now);
		pipe_pop(&r->in);
	}
	if (vf_session_deadline(r->session) <= r->now) {
		vf_session_tick(r->session, r->now);
		assert_true(vf_session_deadline(r->session) > r->now);
	}
	while ((p = vf_session_tx(r->session, &len, r->now)) != NULL) {
		size_t n = pipe_put(r, &r->out, p, len);
		if (n == 0)
			break;
		vf_session_tx_done(r->session, n, r->now);
	}
}

static void sooner(uint64_t *t, uint64_t at)
{
	if (at < *t)
		*t = at;
}

static uint64_t next_event(rig *r)
{
	uint64_t t = vf_session_deadline(r->session);
	uint32_t at;
	size_t len;

	if (r->out.count > 0)
		sooner(&t, r->out.packet[r->out.head].at_us);
	if (r->in.count > 0)
		sooner(&t, r->in.packet[r->in.head].at_us);
	if (vf_session_tx(r->session, &len, r->now) != NULL)
		sooner(&t, pipe_room_us(r, &r->out));
	if (r->off)
		return t;
	uint64_t board = UINT64_MAX;
	if (vf_target_deadline(&r->target, &at))
		sooner(&board, r->now + (at - (uint32_t)r->now));
	if (vf_target_tx(&r->target, &len) != NULL)
		sooner(&board, pipe_room_us(r, &r->in));
	for (unsigned m = 0; m < r->sizes.memories; m++)
		if (r->flash[m].op != NULL)
			sooner(&board, r->flash[m].done_us);
	if (board < r->blocked_us)
		board = r->blocked_us;
	sooner(&t, board);
	return t;
}

bool rig_step(rig *r)
{
	if (r->sizes.holds_back || !r->off)
		board_receive(r); /* the interrupt works even while the loop is blocked */
	board_loop(r);
	host_loop(r);
	board_receive(r);
	board_loop(r);
	uint64_t t = next_event(r);
	if (t == UINT64_MAX)
		return false;
	r->now = t > r->now ? t : r->now + 1;
	return true;
}

void rig_run(rig *r, uint64_t for_us)
{
	uint64_t until = r->now + for_us;

	while (r->now < until)
		if (!rig_step(r))
			r->now = until;
}

void rig_while(rig *r, enum vf_session_status while_status, uint64_t for_us)
{
	uint64_t until = r->now + for_us;

	while (r->now < until && vf_session_status(r->session) == while_status)
		if (!rig_step(r))
			return;
}

void rig_open(rig *r)
{
	vf_session_open(r->session, r->now);
	rig_while(r, VF_SESSION_OPENING, 20000000);
	if (vf_session_status(r->session) != VF_SESSION_OPEN)
		fail_msg("did not open: %s", vf_session_error(r->session)->text);
}

void rig_wait(rig *r, const vf_operation *op, uint64_t for_us)
{
	uint64_t until = r->now + for_us;

	while (r->now < until && op->status == VF_OPERATION_WAITING)
		if (!rig_step(r))
			break;
	if (op->status == VF_OPERATION_WAITING)
		fail_msg("an operation still waits after %llu us", (unsigned long long)for_us);
}

/* --- life ------------------------------------------------------------------------- */

static void *resize(void *ctx, void *p, size_t size)
{
	rig *r = ctx;
	size_t *block = p != NULL ? (size_t *)p - 2 : NULL;

	if (size == 0) {
		r->allocated -= *block;
		free(block);
		return NULL;
	}
	assert_null(p);
	if (r->allocations_left == 0)
		return NULL;
	if (r->allocations_left > 0)
		r->allocations_left--;
	block = malloc(size + 2 * sizeof *block);
	assert_non_null(block);
	*block = size;
	r->allocated += size;
	if (r->allocated > r->allocated_most)
		r->allocated_most = r->allocated;
	return block + 2;
}

static uint64_t random_number(void *ctx)
{
	return rig_next(&((rig *)ctx)->random);
}

static void take_text(void *ctx, const char *line, size_t len)
{
	rig *r = ctx;

	if (len > sizeof r->text - 1)
		len = sizeof r->text - 1;
	memcpy(r->text, line, len);
	r->text[len] = 0;
}

/* What a failing case did, for VF_TRACE=1. */
static void show(uint64_t now_us, bool sent, const uint8_t *body, size_t len)
{
	vf_state s;

	printf("%10llu %s %02x #%u %08x len %zu", (unsigned long long)now_us, sent ? ">" : "<",
	       body[1], vf_body_number(body), vf_body_tag(body), len);
	if (vf_body_kind(body) == VF_KIND_STATE && vf_unpack_state(&s, body, len) == 0) {
		printf(" flags %u seen %u received %u limit %u done %u damaged %u lost %u msg %u "
		       "max %u",
		       s.flags, s.seen, s.received, s.limit, s.done, s.damaged, s.lost, s.message,
		       s.maximum_ms);
		for (unsigned i = 0; i < s.islands; i++)
			printf(" [%u,%u)", s.island[i].start, s.island[i].end);
	} else if (len >= 16) {
		printf(" %u %u", vf_get32(body + 8), vf_get32(body + 12));
	}
	printf("\n");
}

static void take_trace(void *ctx, uint64_t now_us, bool sent, const uint8_t *body, size_t len)
{
	rig *r = ctx;

	assert_true(now_us <= r->now);
	if (r->verbose)
		show(now_us, sent, body, len);
	assert_true(len >= VF_WIRE_HEADER && body[0] == VF_WIRE_MARKER);
	assert_true(sent == (vf_body_kind(body) < 0x80));
	r->frames_traced++;
}

static void init_flash(rig *r, unsigned m)
{
	rig_flash *f = &r->flash[m];

	f->info = (vf_memory){.kind = m == 0 ? VF_MEMORY_NOR : VF_MEMORY_INTERNAL,
			      .flags = VF_MEMORY_READ | VF_MEMORY_WRITE | VF_MEMORY_RUN |
				       (r->sizes.blocking ? VF_MEMORY_BLOCKING : 0),
			      .dies = 1,
			      .base = RIG_BASE(m),
			      .size = RIG_FLASH,
			      .page = RIG_PAGE,
			      .unit = 1,
			      .page_typ_us = r->sizes.page_us,
			      .page_max_us = 8 * r->sizes.page_us + 100,
			      .read_rate = 50000000,
			      .erase_types = 1};
	f->info.erase[0] =
		(vf_erase_type){RIG_SECTOR, r->sizes.erase_us, 8 * r->sizes.erase_us + 1000};
	strcpy(f->info.name, m == 0 ? "array" : "inner");
	f->bytes = malloc(RIG_FLASH);
	f->expect = malloc(RIG_FLASH);
	f->work = aligned_alloc(32, (r->sizes.work + 31) & ~31u);
	assert_true(f->bytes != NULL && f->expect != NULL && f->work != NULL);
	memset(f->bytes, 0xFF, RIG_FLASH);
	memset(f->expect, 0xFF, RIG_FLASH);
	f->bad_offset = UINT32_MAX;
	r->config.memory[m] = (vf_target_memory){&f->info, f->work, r->sizes.work, NULL};
}

void rig_restart_board(rig *r)
{
	for (unsigned m = 0; m < r->sizes.memories; m++)
		r->flash[m].op = NULL;
	r->blocked_us = 0;
	assert_int_equal(vf_target_init(&r->target, &r->config), VF_OK);
}

rig *rig_new(uint64_t seed, const rig_sizes *sizes, const rig_line *out, const rig_line *in)
{
	rig *r = calloc(1, sizeof *r);

	assert_non_null(r);
	r->now = 1000000;
	r->random.state = seed;
	r->sizes = *sizes;
	r->out.line = *out;
	r->in.line = *in;
	r->allocations_left = -1;
	r->verbose = getenv("VF_TRACE") != NULL;
	r->config = (vf_target_config){.name = "ARRAYBOARD",
				       .id = {1, 2, 3},
				       .id_len = 3,
				       .memories = (uint8_t)sizes->memories,
				       .ring = malloc(sizes->ring),
				       .ring_len = sizes->ring,
				       .window = malloc(sizes->window),
				       .window_len = sizes->window,
				       .frame = malloc(sizes->frame),
				       .frame_len = sizes->frame,
				       .tx = malloc(sizes->tx),
				       .tx_len = sizes->tx};
	for (unsigned m = 0; m < sizes->memories; m++)
		init_flash(r, m);
	rig_restart_board(r);
	r->session_config = (vf_session_config){.alloc = {resize, r},
						.random = random_number,
						.text = take_text,
						.trace = take_trace,
						.ctx = r,
						.payload_max = sizes->payload_max};
	r->session = vf_session_new(&r->session_config);
	assert_non_null(r->session);
	return r;
}

void rig_free(rig *r)
{
	vf_session_free(r->session);
	assert_int_equal(r->allocated, 0);
	for (unsigned m = 0; m < r->sizes.memories; m++) {
		free(r->flash[m].bytes);
		free(r->flash[m].expect);
		free(r->flash[m].work);
	}
	free(r->config.ring);
	free(r->config.window);
	free(r->config.frame);
	free(r->config.tx);
	free(r->out.packet);
	free(r->in.packet);
	free(r);
}
