/* board_loop.c - what the board does: its receive interrupt, its main loop, its
 * controllers, each at its own time.
 */
#include "board.h"

#include <string.h>

enum { DIGEST_NS = 20, SHA_NS = 50, UNPACK_NS = 83 }; /* a byte, assumed for a 480 MHz Cortex-M7 */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* --- the chip's controller --------------------------------------------------------- */

/* The time that chip and driver live in. Where the chip needs no time neither
 * does the driver's waiting for it. */
uint64_t vf_sim_board_chip_time(const vf_sim_board *b)
{
	return b->clock + b->skipped;
}

/* Power dies in this transaction. */
static void cut(vf_sim_board *b, const vf_bus_op *op, uint64_t now)
{
	if (b->config.fault.cut_how == VF_SIM_CUT_AFTER)
		now = vf_sim_chip_bus(b->chip, op, now);
	if (b->config.fault.cut_how == VF_SIM_CUT_TORN)
		vf_sim_chip_bus_torn(b->chip, op, now);
	else
		vf_sim_chip_power_cut(b->chip, now);
	vf_sim_board_die(b, 1000000);
}

/* What the pins read where no chip drives them. */
static uint64_t nobody(const vf_sim_board *b, const vf_bus_op *op, uint64_t now)
{
	if (op->dir == VF_BUS_READ)
		memset(op->rx, b->config.fault.silent == 1 ? 0xFF : 0, op->len);
	return now + 1;
}

/* One transaction; false if power died in it. */
static bool transact(vf_sim_board *b, const vf_bus_op *op)
{
	uint64_t now = vf_sim_board_chip_time(b);
	b->transactions++;
	if (b->transactions == b->config.fault.cut) {
		cut(b, op, now);
		return false;
	}
	b->nor_due = (b->config.fault.silent != 0 ? nobody(b, op, now)
						  : vf_sim_chip_bus(b->chip, op, now)) -
		     b->skipped;
	b->nor_on_bus = true;
	return true;
}

/* Lets the driver go on as far as it can at this moment. VF_NOR_DONE when it
 * ended; otherwise nor_due tells when it goes on, unless power died. */
enum vf_nor_step vf_sim_board_nor(vf_sim_board *b)
{
	for (;;) {
		const vf_bus_op *op = NULL;
		uint32_t wait_us = 0, now = (uint32_t)vf_sim_board_chip_time(b);
		if (b->nor_on_bus) {
			if (b->nor_due > b->clock)
				return VF_NOR_BUS;
			b->nor_on_bus = false;
			vf_nor_bus_done(&b->nor, 0, now);
		}
		enum vf_nor_step step = vf_nor_step(&b->nor, now, &op, &wait_us);
		b->nor_due = VF_SIM_NEVER;
		if (step == VF_NOR_DONE)
			return step;
		if (step == VF_NOR_BUS) {
			if (!transact(b, op))
				return step;
		} else if (b->config.chip.time_percent == 0) {
			b->skipped += wait_us;
		} else {
			b->nor_due = b->clock + wait_us;
			return step;
		}
	}
}

static void begin(vf_sim_board *b, unsigned memory, const vf_flash_op *op);

static void operation_ended(vf_sim_board *b, unsigned memory, int status)
{
	vf_target_flash_done(&b->target, memory, status);
	b->stalled = false;
	b->loop_wanted = true;
}

/* Once the driver has looked what a guest left: what it was asked for. */
static void renew(vf_sim_board *b)
{
	const vf_flash_op *op = b->renewing;
	if (vf_sim_board_nor(b) != VF_NOR_DONE || b->state != VF_SIM_SERVING)
		return;
	int status = vf_nor_status(&b->nor);
	b->renewing = NULL;
	b->nor_due = VF_SIM_NEVER;
	b->touched = status != VF_OK;
	if (status == VF_OK)
		begin(b, VF_SIM_EXTERNAL, op);
	else
		operation_ended(b, VF_SIM_EXTERNAL, status);
}

static void guest_transaction_ended(vf_sim_board *b)
{
	b->guest_bus = false;
	b->nor_due = VF_SIM_NEVER;
	b->loop_wanted = true;
	vf_serprog_guest_bus_done(&b->serprog, VF_OK);
}

static void serve_chip(vf_sim_board *b)
{
	if (b->nor_due > b->clock)
		return;
	if (b->guest_bus)
		guest_transaction_ended(b);
	else if (b->state == VF_SIM_PROBING)
		vf_sim_board_probe_step(b);
	else if (b->renewing != NULL)
		renew(b);
	else if (vf_sim_board_nor(b) == VF_NOR_DONE && b->state == VF_SIM_SERVING)
		operation_ended(b, VF_SIM_EXTERNAL, vf_nor_status(&b->nor));
}

static void serve_mapped(vf_sim_board *b)
{
	if (b->mapped_due > b->clock)
		return;
	b->mapped_due = VF_SIM_NEVER;
	operation_ended(b, VF_SIM_EXTERNAL, VF_OK);
}

static void serve_internal(vf_sim_board *b)
{
	vf_sim_internal *m = b->internal;
	if (m != NULL && m->busy && m->ends <= b->clock)
		operation_ended(b, VF_SIM_INTERNAL, vf_sim_internal_end(m));
}

/* --- the receive interrupt ------------------------------------------------------------ */

/* How many of these bytes the board lives to see; `count` if all. */
static size_t until_reset(vf_sim_board *b, size_t count)
{
	if (b->config.fault.reset <= 0)
		return count;
	for (size_t i = 0; i < count; i++)
		if (vf_sim_rng_hit(&b->rng, b->config.fault.reset))
			return i;
	return count;
}

/* Hands over what arrived; what does not fit waits in the link, or is lost. */
static void receive_some(vf_sim_board *b, const uint8_t *bytes, size_t len)
{
	if (!b->config.link.loses && !b->config.fault.overrun) {
		size_t space = vf_target_rx_space(&b->target);
		len = len < space ? len : space;
		if (len == 0) {
			vf_sim_link_hold(&b->out);
			return;
		}
	}
	size_t lives = until_reset(b, len);
	(void)vf_target_rx(&b->target, bytes, lives);
	vf_sim_link_take(&b->out, len);
	b->loop_wanted = true;
	if (lives < len)
		vf_sim_board_reset(b, b->clock);
}

static void receive(vf_sim_board *b)
{
	const uint8_t *bytes;
	size_t len;
	if (b->out.held && (b->state != VF_SIM_SERVING || vf_target_rx_space(&b->target) > 0))
		vf_sim_link_release(&b->out, b->clock);
	while (!b->out.held) {
		bytes = vf_sim_link_peek(&b->out, &len, b->clock);
		if (len == 0)
			break;
		if (b->state == VF_SIM_SERVING)
			receive_some(b, bytes, len);
		else
			vf_sim_link_take(&b->out, len); /* nobody listens */
	}
}

/* --- the main loop ------------------------------------------------------------------------ */

/* The time that the processor spent on bytes since it was last asked. */
static uint64_t processor_time(vf_sim_board *b)
{
	const vf_target_stats *s = vf_target_stats_get(&b->target);
	uint32_t digested = s->digested - b->digested, hashed = s->hashed - b->hashed;
	uint32_t unpacked = s->unpacked - b->unpacked;
	b->digested = s->digested;
	b->hashed = s->hashed;
	b->unpacked = s->unpacked;
	if (b->config.free_cpu)
		return 0;
	b->cpu_rest_ns += (uint64_t)digested * DIGEST_NS + (uint64_t)hashed * SHA_NS +
			  (uint64_t)unpacked * UNPACK_NS;
	uint64_t us = b->cpu_rest_ns / 1000;
	b->cpu_rest_ns %= 1000;
	return us;
}

/* False if the link took less than there was. */
static bool transmit(vf_sim_board *b)
{
	const uint8_t *bytes;
	size_t len;
	while ((bytes = vf_target_tx(&b->target, &len)) != NULL) {
		size_t sent = vf_sim_link_put(&b->in, bytes, len, b->clock);
		vf_target_tx_done(&b->target, sent);
		if (sent < len)
			return false;
	}
	return true;
}

/* Through the window of the controller, as an application reads. Only while the
 * chip is known to be in order: after an error the driver has to look first. */
static bool begin_mapped(vf_sim_board *b, const vf_flash_op *op)
{
	const vf_sim_chip_config *c = &b->config.chip;
	if (op->kind != VF_FLASH_READ_MAPPED || vf_nor_status(&b->nor) != VF_OK)
		return false;
	b->transactions++;
	if (b->transactions == b->config.fault.cut) {
		vf_sim_chip_power_cut(b->chip, vf_sim_board_chip_time(b));
		vf_sim_board_die(b, 1000000);
		return true;
	}
	vf_sim_chip_mapped(b->chip, op->offset, op->buf, op->len, vf_sim_board_chip_time(b));
	if (c->bus_bytes_per_s != 0)
		b->mapped_rest_ns += op->len * UINT64_C(1000000000) / c->dies / c->bus_bytes_per_s;
	b->stalled = b->config.blocking;
	b->mapped_due = b->clock + b->mapped_rest_ns / 1000;
	b->mapped_rest_ns %= 1000;
	serve_mapped(b);
	return true;
}

/* Begins an operation; one that needs no time has ended when this returns. */
static void begin(vf_sim_board *b, unsigned memory, const vf_flash_op *op)
{
	if (memory == VF_SIM_INTERNAL) {
		vf_sim_internal_begin(b->internal, op, b->clock);
		serve_internal(b);
		return;
	}
	if (b->touched) {
		b->renewing = op;
		b->stalled = b->config.blocking;
		b->nor_due = b->clock;
		vf_nor_renew(&b->nor);
		serve_chip(b);
		return;
	}
	if (begin_mapped(b, op))
		return;
	int status = vf_nor_begin(&b->nor, op);
	if (status != VF_OK) {
		operation_ended(b, memory, status);
		return;
	}
	b->stalled = b->config.blocking;
	b->nor_due = b->clock;
	serve_chip(b);
}

static void begin_operations(vf_sim_board *b)
{
	for (unsigned m = 0; m < b->target_config.memories; m++) {
		const vf_flash_op *op;
		if (b->stalled || b->state != VF_SIM_SERVING)
			return;
		if (b->guest_bus && m == VF_SIM_EXTERNAL)
			continue;
		op = vf_target_flash_next(&b->target, m);
		if (op != NULL)
			begin(b, m, op);
	}
}

/* A transaction of the serial programmer's, while the driver has nothing to do. */
static void begin_transactions(vf_sim_board *b)
{
	const vf_bus_op *op;
	while (b->state == VF_SIM_SERVING && !b->guest_bus && b->renewing == NULL &&
	       b->nor_due == VF_SIM_NEVER && b->mapped_due == VF_SIM_NEVER &&
	       (op = vf_serprog_guest_bus(&b->serprog)) != NULL) {
		b->touched = b->touched || vf_serprog_touches(op);
		b->guest_bus = true;
		if (!transact(b, op))
			return;
		b->nor_on_bus = false;
		serve_chip(b);
	}
}

static bool has_programmer(const vf_sim_board *b)
{
	return b->serprog.guest != NULL;
}

static uint64_t deadline(const vf_sim_board *b)
{
	uint32_t at;
	if (!vf_target_deadline(&b->target, &at))
		return VF_SIM_NEVER;
	int32_t left = (int32_t)(at - (uint32_t)b->clock);
	return b->clock + (left > 1 ? (uint32_t)left : 1); /* the loop has just run */
}

/* Once around the board's main loop. */
static void go_round(vf_sim_board *b)
{
	uint32_t address;
	b->loop_wanted = false;
	vf_target_tick(&b->target, (uint32_t)b->clock);
	uint64_t us = processor_time(b);
	if (us != 0) {
		b->cpu_free = b->clock + us;
		b->loop_wanted = true;
		return;
	}
	b->tx_waits = !transmit(b);
	if (vf_sim_board_rate_serve(b))
		b->loop_wanted = true;
	begin_operations(b);
	if (has_programmer(b))
		begin_transactions(b);
	if (b->state != VF_SIM_SERVING)
		return;
	if (vf_target_run(&b->target, &address)) {
		vf_sim_board_start(b, address);
		return;
	}
	b->loop_at = deadline(b);
	if (b->tx_waits)
		b->loop_at = earlier(b->loop_at,
				     later(vf_sim_link_room_at(&b->in, b->clock), b->clock + 1));
}

static bool loop_can_run(const vf_sim_board *b)
{
	return b->state == VF_SIM_SERVING && !b->stalled && b->cpu_free <= b->clock;
}

/* --- all of it ---------------------------------------------------------------------------- */

/* When the board has something to do next. */
uint64_t vf_sim_board_event(const vf_sim_board *b)
{
	size_t here = 0;
	uint64_t at = vf_sim_link_next(&b->out, b->clock);
	(void)vf_sim_link_peek(&b->out, &here, b->clock);
	if (here > 0 && !b->out.held)
		at = b->clock;
	if (b->state == VF_SIM_OFF)
		return later(earlier(at, b->on_at), b->clock);
	at = earlier(at, earlier(b->nor_due, b->mapped_due));
	if (b->internal != NULL && b->internal->busy)
		at = earlier(at, b->internal->ends);
	if (b->state == VF_SIM_SERVING && !b->stalled)
		at = earlier(at, later(b->loop_wanted ? b->clock : b->loop_at, b->cpu_free));
	return later(at, b->clock);
}

/* Everything that happens at the board's present time. */
void vf_sim_board_step(vf_sim_board *b)
{
	if (b->state == VF_SIM_OFF && b->on_at <= b->clock)
		vf_sim_board_boot(b);
	serve_chip(b);
	serve_mapped(b);
	serve_internal(b);
	receive(b);
	if (b->loop_at <= b->clock)
		b->loop_wanted = true;
	while (b->loop_wanted && loop_can_run(b)) {
		go_round(b);
		receive(b); /* the loop has made room */
	}
}
