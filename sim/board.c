/* board.c - whole simulated boards: building one, and its doors. */

#include "board.h"

#include <string.h>

enum {
	RING = 64 * 1024,
	WINDOW = 256 * 1024,
	WORK = 32 * 1024,
	BLOCK = 16 * 1024,       /* unpacked in one piece */
	HOST_BUFFER = 16 * 1024, /* what an operating system takes ahead of the line */
	HOST_UNREAD = 64 * 1024, /* and keeps for a program that does not read */
};

/* What the board's end takes ahead of the line: a millisecond's worth. Little,
 * so that what is sent is new. */
uint32_t vf_sim_board_buffer(uint64_t rate)
{
	uint64_t n = rate / 1000;
	if (rate == 0 || n > 4096)
		return 4096;
	return n < 64 ? 64 : (uint32_t)n;
}

static int make_links(vf_sim_board *b)
{
	const vf_sim_board_config *c = &b->config;
	vf_sim_link_config out = {.rate = c->link.out_rate,
				  .latency_us = c->link.latency_us,
				  .buffer = HOST_BUFFER,
				  .seed = vf_sim_rng_next(&b->rng),
				  .fault = &c->fault};
	vf_sim_link_config in = {.rate = c->link.in_rate,
				 .latency_us = c->link.latency_us,
				 .buffer = vf_sim_board_buffer(c->link.in_rate),
				 .unread = HOST_UNREAD,
				 .seed = vf_sim_rng_next(&b->rng),
				 .fault = &c->fault};
	if (vf_sim_link_init(&b->out, &c->alloc, &out) != VF_OK)
		return VF_E_NOMEM;
	return vf_sim_link_init(&b->in, &c->alloc, &in);
}

/* What the driver must not do is told. A guest's client may try what it likes: which chip
 * this is it finds out by asking for what others have. */
static void on_misuse(void *ctx, const char *what)
{
	const vf_sim_board *b = ctx;
	if (!b->guest_bus && b->config.chip.misuse != NULL)
		b->config.chip.misuse(b->config.chip.ctx, what);
}

static int make_chip(vf_sim_board *b, vf_error *err)
{
	vf_sim_chip_config *c = &b->config.chip;
	if (c->part == NULL || c->array == NULL || c->dies < 1 || c->dies > 2)
		return vf_fail(err, VF_E_USAGE,
			       "a board has a chip of one die or two in parallel, and its array");
	uint64_t size = (uint64_t)vf_sim_part_size(c->part) * c->dies;
	if (b->config.journal == VF_SIM_JOURNAL_INTERNAL && b->config.internal == NULL)
		return vf_fail(err, VF_E_USAGE,
			       "a journal in internal flash needs a board that has some");
	if (b->config.base + size > UINT64_C(1) << 32)
		return vf_fail(err, VF_E_USAGE, "a chip of %llu bytes at 0x%08lx ends beyond 4 GB",
			       (unsigned long long)size, (unsigned long)b->config.base);
	if (b->config.internal != NULL && b->config.base + size > VF_SIM_INTERNAL_BASE &&
	    b->config.base < VF_SIM_INTERNAL_BASE + VF_SIM_INTERNAL_SIZE)
		return vf_fail(err, VF_E_USAGE,
			       "the chip at 0x%08lx overlaps the internal flash at 0x%08x",
			       (unsigned long)b->config.base, VF_SIM_INTERNAL_BASE);
	void *memory = vf_resize(&b->config.alloc, NULL, vf_sim_chip_size(c));
	if (memory == NULL)
		return vf_fail(err, VF_E_NOMEM, "out of memory");
	vf_sim_chip_config of_board = *c;
	of_board.misuse = on_misuse;
	of_board.ctx = b;
	b->chip = vf_sim_chip_init(memory, &of_board);
	if (b->config.fault.protect)
		vf_sim_chip_protect(b->chip, true);
	if (b->config.fault.left_in != VF_SIM_MODE_SPI)
		vf_sim_chip_leave_in(b->chip, (enum vf_sim_mode)b->config.fault.left_in);
	return VF_OK;
}

/* An address in the chip; or an offset, where it can be nothing else. */
static int break_cells(vf_sim_board *b, vf_error *err)
{
	const vf_sim_chip_config *c = &b->config.chip;
	uint32_t size = vf_sim_part_size(c->part) * c->dies;
	for (uint32_t i = 0; i < b->config.fault.bad_bits; i++) {
		uint32_t address = b->config.fault.bad_bit[i];
		uint32_t offset = address - b->config.base;
		if (offset >= size)
			offset = address;
		if (offset >= size ||
		    vf_sim_chip_bad_bit(b->chip, offset, vf_sim_rng_next(&b->rng) % 8) != VF_OK)
			return vf_fail(err, VF_E_USAGE, "badbit=0x%lx lies outside the chip",
				       (unsigned long)address);
	}
	return VF_OK;
}

static int make_driver(vf_sim_board *b, vf_error *err)
{
	uint64_t hz = (uint64_t)b->config.chip.bus_bytes_per_s * 2; /* four lines */
	vf_nor_config c = {.base = b->config.base,
			   .index = VF_SIM_EXTERNAL,
			   .dies = b->config.chip.dies,
			   .lanes = 4,
			   .addr_bytes = 4,
			   .max_transfer = 64 * 1024,
			   .bus_hz = hz > UINT32_MAX ? UINT32_MAX : (uint32_t)hz};
	if (vf_nor_init(&b->nor, &c) != VF_OK)
		return vf_fail(err, VF_E_USAGE, "the driver refuses its configuration");
	return VF_OK;
}

static int make_internal(vf_sim_board *b)
{
	if (b->config.internal == NULL)
		return VF_OK;
	b->internal = vf_resize(&b->config.alloc, NULL, sizeof *b->internal);
	if (b->internal == NULL)
		return VF_E_NOMEM;
	vf_sim_internal_init(b->internal, b->config.internal, b->config.chip.time_percent,
			     vf_sim_rng_next(&b->rng));
	return VF_OK;
}

/* What DMA needs: `*raw` is to be freed. */
static uint8_t *make_aligned(vf_sim_board *b, uint32_t len, uint8_t **raw)
{
	uint8_t *p = vf_resize(&b->config.alloc, NULL, len + 31);
	*raw = p;
	return p != NULL ? p + (32 - (uintptr_t)p % 32) % 32 : NULL;
}

static int make_work(vf_sim_board *b, unsigned memory, const vf_memory *info)
{
	uint8_t *p = make_aligned(b, WORK, &b->work[memory]);
	if (p == NULL)
		return VF_E_NOMEM;
	b->target_config.memory[memory] =
		(vf_target_memory){.info = info, .work = p, .work_len = WORK};
	b->target_config.memories++;
	return VF_OK;
}

static int make_block(vf_sim_board *b)
{
	vf_target_config *t = &b->target_config;
	if (b->config.no_deflate)
		return VF_OK;
	t->block = make_aligned(b, BLOCK, &b->block);
	t->block_len = BLOCK;
	t->inflate = &b->inflate;
	return t->block != NULL ? VF_OK : VF_E_NOMEM;
}

/* The sizes that the caller chose, made whole by the rules of PROTOCOL §2.2. */
static void choose_sizes(vf_sim_board *b)
{
	vf_target_config *t = &b->target_config;
	uint32_t payload = b->config.payload != 0 ? b->config.payload : VF_WIRE_PAYLOAD_MAX;
	t->ring_len = b->config.ring != 0 ? b->config.ring : RING;
	t->window_len = b->config.window != 0 ? b->config.window : WINDOW;
	if (payload > t->ring_len / 4)
		payload = t->ring_len / 4;
	t->frame_len = payload + 16;
	if (t->frame_len < VF_WIRE_CONTROL_MAX + 4)
		t->frame_len = VF_WIRE_CONTROL_MAX + 4;
	t->tx_len = VF_WIRE_FRAME_SIZE(payload + VF_WIRE_ANSWER_HEADER);
	if (t->tx_len < VF_TARGET_TX_MIN)
		t->tx_len = VF_TARGET_TX_MIN;
}

static int make_target(vf_sim_board *b)
{
	const vf_alloc *a = &b->config.alloc;
	vf_target_config *t = &b->target_config;
	*t = (vf_target_config){.name = b->config.name != NULL ? b->config.name : "vcpflash-sim",
				.id_len = 12,
				.can_run = true};
	vf_sim_rng own = {.state = b->config.identity};
	for (unsigned i = 0; i < t->id_len; i++) {
		const uint8_t drawn = (uint8_t)vf_sim_rng_next(&b->rng);
		t->id[i] = b->config.identity != 0 ? (uint8_t)vf_sim_rng_next(&own) : drawn;
	}
	if (vf_sim_board_can_raise(b)) {
		t->home_rate = b->config.link.baud;
		t->rate_max = b->config.max_baud;
	}
	choose_sizes(b);
	t->ring = vf_resize(a, NULL, t->ring_len);
	t->window = vf_resize(a, NULL, t->window_len);
	t->frame = vf_resize(a, NULL, t->frame_len);
	t->tx = vf_resize(a, NULL, t->tx_len);
	if (t->ring == NULL || t->window == NULL || t->frame == NULL || t->tx == NULL)
		return VF_E_NOMEM;
	if (make_block(b) != VF_OK || make_work(b, VF_SIM_EXTERNAL, &b->memory) != VF_OK)
		return VF_E_NOMEM;
	return b->internal != NULL ? make_work(b, VF_SIM_INTERNAL, &b->internal->info) : VF_OK;
}

static int build(vf_sim_board *b, vf_error *err)
{
	int status = make_chip(b, err);
	if (status != VF_OK)
		return status;
	if (make_links(b) != VF_OK || make_internal(b) != VF_OK || make_target(b) != VF_OK)
		return vf_fail(err, VF_E_NOMEM, "out of memory");
	status = make_driver(b, err);
	return status != VF_OK ? status : break_cells(b, err);
}

/* Up to where it serves, or knows that it cannot, or lost power on the way. */
static int first_boot(vf_sim_board *b, vf_error *err)
{
	vf_sim_board_boot(b);
	while (b->state == VF_SIM_PROBING) {
		b->clock = vf_sim_board_event(b);
		vf_sim_board_step(b);
	}
	return b->state == VF_SIM_DEAD ? vf_sim_board_explain(b, err) : VF_OK;
}

vf_sim_board *vf_sim_board_new(const vf_sim_board_config *config, vf_error *err)
{
	vf_sim_board *b = vf_resize(&config->alloc, NULL, sizeof *b);
	if (b == NULL) {
		(void)vf_fail(err, VF_E_NOMEM, "out of memory");
		return NULL;
	}
	memset(b, 0, sizeof *b);
	b->config = *config;
	b->rng.state = config->seed;
	b->nor_due = b->mapped_due = b->loop_at = VF_SIM_NEVER;
	if (build(b, err) != VF_OK || first_boot(b, err) != VF_OK) {
		vf_sim_board_free(b);
		return NULL;
	}
	return b;
}

void vf_sim_board_free(vf_sim_board *b)
{
	if (b == NULL)
		return;
	vf_alloc a = b->config.alloc;
	vf_sim_link_free(&b->out, &a);
	vf_sim_link_free(&b->in, &a);
	vf_free(&a, b->chip);
	vf_free(&a, b->internal);
	vf_free(&a, b->target_config.ring);
	vf_free(&a, b->target_config.window);
	vf_free(&a, b->target_config.frame);
	vf_free(&a, b->target_config.tx);
	vf_free(&a, b->block);
	vf_free(&a, b->work[0]);
	vf_free(&a, b->work[1]);
	vf_free(&a, b);
}

/* --- the doors ------------------------------------------------------------------- */

void vf_sim_board_run(vf_sim_board *b, uint64_t now_us)
{
	for (;;) {
		uint64_t at = vf_sim_board_event(b);
		if (at > now_us)
			return;
		b->clock = at;
		vf_sim_board_step(b);
	}
}

size_t vf_sim_board_write(vf_sim_board *b, const uint8_t *data, size_t len, uint64_t now_us)
{
	vf_sim_board_run(b, now_us);
	return vf_sim_link_put(&b->out, data, len, now_us);
}

size_t vf_sim_board_read(vf_sim_board *b, uint8_t *buf, size_t room, uint64_t now_us)
{
	size_t have = 0;
	vf_sim_board_run(b, now_us);
	bool full = b->tx_waits && vf_sim_link_room_at(&b->in, b->clock) == VF_SIM_NEVER;
	while (have < room) {
		size_t n;
		const uint8_t *bytes = vf_sim_link_peek(&b->in, &n, now_us);
		if (n == 0)
			break;
		n = n < room - have ? n : room - have;
		memcpy(buf + have, bytes, n);
		vf_sim_link_take(&b->in, n);
		have += n;
	}
	if (have > 0 && full) { /* there is room again */
		if (now_us > b->clock)
			b->clock = now_us;
		b->loop_wanted = true;
	}
	return have;
}

uint64_t vf_sim_board_next(const vf_sim_board *b)
{
	uint64_t board = vf_sim_board_event(b);
	uint64_t host = vf_sim_link_next(&b->in, b->clock);
	return board < host ? board : host;
}

void vf_sim_board_faults(vf_sim_board *b, const vf_sim_fault *fault)
{
	b->config.fault = *fault;
	if (fault->cut != 0)
		b->config.fault.cut += b->transactions;
	b->out.fault = b->in.fault = b->config.fault;
}

uint64_t vf_sim_board_transactions(const vf_sim_board *b)
{
	return b->transactions;
}

vf_sim_chip *vf_sim_board_chip(vf_sim_board *b)
{
	return b->chip;
}

const vf_target *vf_sim_board_target(const vf_sim_board *b)
{
	return &b->target;
}

const vf_target_stats *vf_sim_board_target_stats(const vf_sim_board *b)
{
	return vf_target_stats_get(&b->target);
}
