/* board_rig.c - moves bytes and virtual time between a session and a board. */

#include "board_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size == 0) {
		free(p);
		return NULL;
	}
	return realloc(p, size);
}

const vf_alloc rig_alloc = {.resize = resize, .ctx = NULL};

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return *seed ^ *seed >> 29;
}

void rig_random_bytes(uint64_t *seed, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(next_random(seed) >> 40);
}

static uint64_t session_random(void *ctx)
{
	rig *r = ctx;
	return next_random(&r->seed) | 1; /* the tag is never 0 */
}

static void on_text(void *ctx, const char *line, size_t len)
{
	rig *r = ctx;
	(void)snprintf(r->text, sizeof r->text, "%.*s", (int)len, line);
}

static void on_trace(void *ctx, uint64_t now_us, bool sent, const uint8_t *body, size_t len)
{
	rig *r = ctx;
	(void)now_us;
	if (!sent && len > 8 && body[1] == VF_KIND_STATE && (body[8] & VF_STATE_DEAF) != 0)
		r->deaf++;
	if (sent && body[1] == VF_KIND_RATE && r->asks < 8)
		r->asked[r->asks++] = vf_get32(body + VF_WIRE_HEADER);
}

static void on_log(void *ctx, const char *line)
{
	rig *r = ctx;
	(void)snprintf(r->log, sizeof r->log, "%s", line);
}

static void on_misuse(void *ctx, const char *what)
{
	(void)ctx;
	(void)fprintf(stderr, "misuse: %s\n", what);
	abort();
}

/* One array for all: mapping fresh pages for every board would take most of the
 * tests' time. */
static uint8_t *erased_array(size_t len)
{
	static uint8_t *array;
	static size_t room;
	if (room < len) {
		free(array);
		array = malloc(len);
		room = len;
	}
	if (array == NULL)
		abort();
	memset(array, 0xFF, len);
	return array;
}

void rig_prepare(rig *r, const char *part, uint8_t dies)
{
	memset(r, 0, sizeof *r);
	r->seed = 1;
	r->config.alloc = rig_alloc;
	r->config.base = 0x90000000;
	r->config.seed = 42;
	r->config.log = on_log;
	r->config.ctx = r;
	r->config.chip.part = vf_sim_part_find(part);
	assert_non_null(r->config.chip.part);
	r->config.chip.dies = dies;
	r->config.chip.time_percent = 100;
	r->config.chip.bus_bytes_per_s = 50000000;
	r->config.chip.seed = 7;
	r->config.chip.misuse = on_misuse;
	r->array_len = (size_t)vf_sim_part_size(r->config.chip.part) * dies;
	r->array = erased_array(r->array_len);
	r->config.chip.array = r->array;
}

static void make_session(rig *r)
{
	vf_session_config c = {.alloc = rig_alloc,
			       .random = session_random,
			       .text = on_text,
			       .trace = on_trace,
			       .ctx = r,
			       .rate = r->rate,
			       .rate_max = r->rate_max};
	r->session = vf_session_new(&c);
	assert_non_null(r->session);
}

void rig_start(rig *r)
{
	vf_error err = {.code = VF_OK};
	if (r->internal != NULL)
		r->config.internal = r->internal;
	r->board = vf_sim_board_new(&r->config, &err);
	if (r->board == NULL)
		fail_msg("%s", err.text);
	make_session(r);
	vf_sim_board_host_rate(r->board, r->rate);
}

void rig_leave(rig *r)
{
	vf_session_free(r->session);
	make_session(r);
	vf_sim_board_host_rate(r->board, r->rate);
}

void rig_stop(rig *r)
{
	vf_session_free(r->session);
	vf_sim_board_free(r->board);
	free(r->internal);
	memset(r, 0, sizeof *r);
}

static bool send(rig *r)
{
	const uint8_t *bytes;
	size_t n, all = 0;
	while ((bytes = vf_session_tx(r->session, &n, r->now)) != NULL) {
		bool lost = r->now < r->mute;
		size_t sent = lost ? n : vf_sim_board_write(r->board, bytes, n, r->now);
		vf_session_tx_done(r->session, sent, r->now);
		all += sent;
		if (sent < n)
			break;
	}
	return all > 0;
}

static bool receive(rig *r)
{
	uint8_t in[512];
	size_t n, all = 0;
	while ((n = vf_sim_board_read(r->board, in, sizeof in, r->now)) > 0) {
		bool high = vf_sim_board_rate(r->board) != r->rate;
		bool lost = r->now < r->mute || (r->lose_high && high);
		if (r->lose_high && !high && r->asks > 0)
			r->lose_high = false;
		if (!lost)
			vf_session_rx(r->session, in, n, r->now);
		all += n;
	}
	return all > 0;
}

/* The host's port follows. */
static void set_rate(rig *r)
{
	uint32_t baud;
	if (!r->stuck && vf_session_rate(r->session, &baud))
		vf_sim_board_host_rate(r->board, baud);
}

/* Moves all that can be moved at this moment. */
static void settle(rig *r)
{
	bool moved = true;
	while (moved) {
		vf_session_tick(r->session, r->now);
		set_rate(r);
		moved = send(r);
		vf_sim_board_run(r->board, r->now);
		moved = receive(r) || moved;
	}
}

/* To the next moment at which anything happens. */
static void advance(rig *r, uint64_t until)
{
	uint64_t next = vf_sim_board_next(r->board), due = vf_session_deadline(r->session);
	next = due < next ? due : next;
	next = until < next ? until : next;
	if (next > r->now)
		r->now = next;
	settle(r);
}

void rig_pass_while(rig *r, enum vf_session_status status, uint64_t until)
{
	settle(r);
	while (r->now < until && vf_session_status(r->session) == status)
		advance(r, until);
}

void rig_pass(rig *r, uint64_t until)
{
	while (r->now < until)
		rig_pass_while(r, vf_session_status(r->session), until);
}

void rig_open(rig *r)
{
	vf_session_open(r->session, r->now);
	rig_pass_while(r, VF_SESSION_OPENING, r->now + 10000000);
	if (vf_session_status(r->session) != VF_SESSION_OPEN)
		fail_msg("session: %s", vf_session_error(r->session)->text);
}

bool rig_do(rig *r, vf_operation *op)
{
	if (vf_session_submit(r->session, op) != VF_OK)
		return false;
	settle(r);
	while (op->status == VF_OPERATION_WAITING &&
	       vf_session_status(r->session) == VF_SESSION_OPEN)
		advance(r, r->now + 10000000);
	return op->status == VF_OPERATION_DONE;
}

bool rig_erase(rig *r, uint8_t memory, uint32_t address, uint32_t len)
{
	vf_operation op = {.message = {.type = VF_MESSAGE_ERASE,
				       .memory = memory,
				       .address = address,
				       .length = len}};
	return rig_do(r, &op);
}

bool rig_program(rig *r, uint8_t memory, uint32_t address, const uint8_t *data, uint32_t len)
{
	vf_operation op = {.message = {.type = VF_MESSAGE_PROGRAM,
				       .memory = memory,
				       .address = address,
				       .length = len},
			   .data = data};
	return rig_do(r, &op);
}

bool rig_read(rig *r, uint8_t memory, uint32_t address, uint8_t *out, uint32_t len)
{
	vf_operation op = {.message = {.type = VF_MESSAGE_READ,
				       .memory = memory,
				       .address = address,
				       .length = len},
			   .answer = out};
	return rig_do(r, &op);
}
