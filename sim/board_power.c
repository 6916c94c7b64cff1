/* board_power.c - power, reset, boot, and leaving the loader. */

#include "board.h"

#include <stdio.h>
#include <string.h>

/* Whatever was in RAM is gone, and what had not left the board never will. */
static void forget(vf_sim_board *b)
{
	vf_sim_link_cut(&b->in, b->clock);
	vf_sim_link_release(&b->out, b->clock);
	b->nor_due = b->mapped_due = VF_SIM_NEVER;
	b->nor_on_bus = b->guest_bus = b->touched = false;
	b->renewing = NULL;
	b->loop_wanted = false;
	b->loop_at = VF_SIM_NEVER;
	b->cpu_free = b->clock;
	b->stalled = false;
	b->tx_waits = false;
}

void vf_sim_board_boot(vf_sim_board *b)
{
	forget(b);
	vf_sim_board_rate_home(b);
	b->state = VF_SIM_PROBING;
	vf_nor_probe(&b->nor);
	b->nor_due = b->clock;
}

/* What a board's generator of random numbers gives it at every start. */
static void seed_guard(vf_sim_board *b)
{
	vf_target_config *t = &b->target_config;
	t->guard = b->config.key != NULL ? &b->guard : NULL;
	t->key = b->config.key;
	for (unsigned i = 0; t->guard != NULL && i < sizeof t->seed; i++)
		t->seed[i] = (uint8_t)vf_sim_rng_next(&b->rng);
}

static void describe(vf_sim_board *b)
{
	vf_nor_condition(&b->nor, &b->condition);
	b->memory = b->nor.memory;
	b->memory.flags |= VF_MEMORY_RUN; /* this board maps its chip: the driver cannot know */
	if (b->config.blocking)
		b->memory.flags |= VF_MEMORY_BLOCKING;
	vf_sim_board_place_journal(b);
}

/* The loader starts to serve: the chip, or what stands for it. */
static void serve(vf_sim_board *b)
{
	b->target_config.memory[VF_SIM_EXTERNAL].condition = &b->condition;
	if (vf_nor_status(&b->nor) == VF_OK) {
		describe(b);
	} else {
		vf_nor_stand_in(&b->nor, &b->condition);
		b->memory = b->nor.memory;
	}
	seed_guard(b);
	b->digested = b->hashed = b->unpacked = 0;
	if (b->config.guests != 0)
		vf_sim_board_invite(b);
	if (vf_target_init(&b->target, &b->target_config) != VF_OK) {
		b->state = VF_SIM_DEAD;
		return;
	}
	b->state = VF_SIM_SERVING;
	b->loop_wanted = true;
}

void vf_sim_board_probe_step(vf_sim_board *b)
{
	if (vf_sim_board_nor(b) != VF_NOR_DONE || b->state != VF_SIM_PROBING)
		return;
	b->nor_due = VF_SIM_NEVER;
	if (vf_nor_status(&b->nor) == VF_OK || b->config.fault.silent != 0)
		serve(b);
	else
		b->state = VF_SIM_DEAD;
}

/* Why it is dead. */
int vf_sim_board_explain(const vf_sim_board *b, vf_error *err)
{
	const uint8_t *id = b->nor.chip.id;
	const char *part = vf_sim_part_name(b->config.chip.part);
	switch (vf_nor_status(&b->nor)) {
	case VF_OK:
		return vf_fail(err, VF_E_USAGE,
			       "%s: ring, window, payload or name do not suit this board "
			       "(powers of two; window at least a page of %u bytes)",
			       part, (unsigned)b->memory.page);
	case VF_E_NO_CHIP:
		return vf_fail(err, VF_E_FLASH, "%s: no chip answers", part);
	case VF_E_UNKNOWN_CHIP:
		return vf_fail(err, VF_E_FLASH,
			       "%s: unknown chip with JEDEC id %02x %02x %02x and no usable SFDP",
			       part, id[0], id[1], id[2]);
	case VF_E_CONFLICT:
		return vf_fail(err, VF_E_FLASH,
			       "%s: JEDEC id %02x %02x %02x: its SFDP and the driver's table "
			       "disagree: %s",
			       part, id[0], id[1], id[2],
			       b->nor.chip.conflict != NULL ? b->nor.chip.conflict : "size");
	default:
		return vf_fail(err, VF_E_FLASH,
			       "%s: JEDEC id %02x %02x %02x: the probe failed (%d)", part, id[0],
			       id[1], id[2], vf_nor_status(&b->nor));
	}
}

/* Power dies at this moment; whoever knows what was on the bus has told the chip. */
void vf_sim_board_die(vf_sim_board *b, uint64_t off_us)
{
	if (b->internal != NULL)
		vf_sim_internal_tear(b->internal, b->clock);
	forget(b);
	b->state = VF_SIM_OFF;
	b->on_at = b->clock + off_us;
}

void vf_sim_board_power_cut(vf_sim_board *b, uint64_t now_us, uint64_t off_us)
{
	vf_sim_board_run(b, now_us);
	if (now_us > b->clock)
		b->clock = now_us;
	vf_sim_chip_power_cut(b->chip, vf_sim_board_chip_time(b));
	vf_sim_board_die(b, off_us);
}

void vf_sim_board_reset(vf_sim_board *b, uint64_t now_us)
{
	if (now_us > b->clock) {
		vf_sim_board_run(b, now_us);
		b->clock = now_us;
	}
	if (b->state == VF_SIM_OFF)
		return; /* it restarts when power returns */
	/* Whatever the internal flash does ends with the reset. */
	if (b->internal != NULL)
		vf_sim_internal_tear(b->internal, b->clock);
	vf_sim_board_boot(b);
}

/* --- the application ------------------------------------------------------------ */

static uint32_t word_at(const vf_sim_board *b, uint32_t address)
{
	uint32_t offset = address - b->config.base;
	if (offset < b->memory.size)
		return vf_get32(vf_sim_chip_array(b->chip) + offset);
	return vf_get32(b->internal->array + (address - VF_SIM_INTERNAL_BASE));
}

void vf_sim_board_start(vf_sim_board *b, uint32_t address)
{
	char line[128];
	int len;
	b->application = address;
	b->state = VF_SIM_APPLICATION;
	b->loop_at = VF_SIM_NEVER;
	(void)snprintf(line, sizeof line,
		       "application at 0x%08lx started (stack 0x%08lx, entry 0x%08lx)",
		       (unsigned long)address, (unsigned long)word_at(b, address),
		       (unsigned long)(word_at(b, address + 4) & ~1u));
	if (b->config.log != NULL)
		b->config.log(b->config.ctx, line);
	len = snprintf(line, sizeof line, "application at 0x%08lx runs\r\n",
		       (unsigned long)address);
	(void)vf_sim_link_put(&b->in, (const uint8_t *)line, (size_t)len, b->clock);
}

bool vf_sim_board_running(const vf_sim_board *b, uint32_t *address)
{
	if (b->state != VF_SIM_APPLICATION)
		return false;
	*address = b->application;
	return true;
}
