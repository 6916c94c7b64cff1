/* nor.c - the doors of the chip driver: configuration, beginning something,
 * the step loop, and the few helpers with which states talk to the bus.
 */
#include <string.h>

#include "nor_internal.h"

int vf_nor_init_with(vf_nor *n, const vf_nor_config *config, const vf_nor_sources *sources)
{
	bool lanes_ok = config->lanes == 1 || config->lanes == 2 || config->lanes == 4;

	if (!lanes_ok || config->dies < 1 || config->dies > 2 || config->addr_bytes < 3 ||
	    config->addr_bytes > 4 || config->max_transfer < 512 ||
	    (sources->sfdp == NULL && sources->parts == NULL))
		return VF_E_USAGE;
	memset(n, 0, sizeof *n);
	n->config = *config;
	n->sources = *sources;
	if (n->config.margin == 0)
		n->config.margin = 2;
	n->config.max_transfer &= ~1u;
	n->status = VF_E_USAGE;
	return VF_OK;
}

void vf_nor_probe(vf_nor *n)
{
	memset(&n->memory, 0, sizeof n->memory);
	memset(&n->chip, 0, sizeof n->chip);
	memset(&n->u, 0, sizeof n->u);
	memset(&n->look, 0, sizeof n->look);
	n->status = VF_E_USAGE;
	n->ready = n->unsettled = n->complemented = n->status_written = n->renewing = false;
	n->on_bus = n->paused = false;
	n->limit_us = 0;
	n->tries = 0;
	vf_n_go(n, NOR_BEGIN);
}

void vf_nor_renew(vf_nor *n)
{
	uint32_t longest = 0;

	if (!n->ready)
		return;
	for (uint8_t i = 0; i < n->memory.erase_types; i++)
		if (n->memory.erase[i].max_us > longest)
			longest = n->memory.erase[i].max_us;
	n->limit_us = vf_n_times(longest, n->config.margin);
	n->renewing = true;
	n->complemented = n->status_written = n->paused = false;
	n->tries = 0;
	vf_n_go(n, NOR_SETTLE);
}

/* Which erase an operation asks for; VF_ERASE_TYPES_MAX if there is none such. */
static uint8_t find_erase(const vf_memory *m, uint32_t len)
{
	for (uint8_t i = 0; i < m->erase_types; i++)
		if (m->erase[i].size == len)
			return i;
	return VF_ERASE_TYPES_MAX;
}

static bool program_fits(const vf_memory *m, const vf_flash_op *op)
{
	uint32_t in_page = op->offset & (m->page - 1);

	return ((op->offset | op->len) & (m->unit - 1)) == 0 && op->len <= m->page - in_page;
}

int vf_nor_begin(vf_nor *n, const vf_flash_op *op)
{
	const vf_memory *m = &n->memory;
	uint8_t type = VF_ERASE_TYPES_MAX;

	if (!n->ready || n->state != NOR_IDLE)
		return VF_E_USAGE;
	if (op->len == 0 || op->len > m->size || op->offset > m->size - op->len)
		return VF_E_RANGE;
	switch (op->kind) {
	case VF_FLASH_READ:
	case VF_FLASH_READ_MAPPED:
		break;
	case VF_FLASH_PROGRAM:
		if (!program_fits(m, op))
			return VF_E_RANGE;
		break;
	case VF_FLASH_ERASE:
		type = find_erase(m, op->len);
		if (type == VF_ERASE_TYPES_MAX || (op->offset & (op->len - 1)) != 0)
			return VF_E_RANGE;
		break;
	default:
		return VF_E_USAGE;
	}
	n->u.run.op = *op;
	n->u.run.type = type;
	n->u.run.done = 0;
	n->tries = 0;
	vf_n_go(n, n->unsettled ? NOR_SETTLE : NOR_OPERATE);
	return VF_OK;
}

static void sfdp_state(vf_nor *n, bool answered, uint32_t now_us)
{
	if (n->sources.sfdp != NULL)
		n->sources.sfdp->state(n, answered, now_us);
	else
		vf_n_go(n, NOR_IDENTIFY);
}

static void run_state(vf_nor *n, bool answered, uint32_t now_us)
{
	if (n->state >= NOR_LOOK_FIRST)
		n->sources.look->state(n, answered);
	else if (n->state >= NOR_SETTLE)
		vf_n_operate_state(n, answered, now_us);
	else if (n->state >= NOR_IDENTIFY)
		vf_n_identify_state(n, answered, now_us);
	else if (n->state >= NOR_SFDP_HEAD)
		sfdp_state(n, answered, now_us);
	else
		vf_n_probe_state(n, answered, now_us);
}

enum vf_nor_step vf_nor_step(vf_nor *n, uint32_t now_us, const vf_bus_op **bus, uint32_t *wait_us)
{
	for (;;) {
		if (n->state == NOR_IDLE)
			return VF_NOR_DONE;
		if (n->on_bus) {
			*bus = &n->bus;
			return VF_NOR_BUS;
		}
		if (n->paused) {
			uint32_t left = n->wake_us - now_us;

			if (left - 1 < 0x7FFFFFFFu) {
				*wait_us = left;
				return VF_NOR_WAIT;
			}
			n->paused = false;
		}
		run_state(n, false, now_us);
	}
}

void vf_nor_bus_done(vf_nor *n, int status, uint32_t now_us)
{
	if (!n->on_bus)
		return;
	n->on_bus = false;
	if (status < 0)
		vf_n_finish(n, VF_E_BUS);
	else
		run_state(n, true, now_us);
}

int vf_nor_status(const vf_nor *n)
{
	return n->status;
}

void vf_nor_condition(const vf_nor *n, vf_condition *out)
{
	memset(out, 0, sizeof *out);
	if (n->sources.look != NULL && n->ready)
		n->sources.look->condition(n, out);
}

/* A command on one lane without address or data; callers add to it. */
void vf_n_bus(vf_nor *n, uint8_t opcode)
{
	memset(&n->bus, 0, sizeof n->bus);
	n->bus.opcode = opcode;
	n->bus.opcode_lanes = 1;
	n->on_bus = true;
}

/* Reads `count` bytes of a register from every die into buf. */
void vf_n_bus_read(vf_nor *n, uint8_t opcode, uint8_t count)
{
	vf_n_bus(n, opcode);
	n->bus.data_lanes = 1;
	n->bus.dir = VF_BUS_READ;
	n->bus.len = (uint32_t)count * n->config.dies;
	n->bus.rx = n->buf;
}

/* Brings the first die's bytes of an answer together; false, and the end, if the
 * second die differs in one of those that matter. */
bool vf_n_gather(vf_nor *n, size_t count, size_t matter)
{
	const uint8_t *from = n->buf;

	for (size_t i = 0; i < count; i++) {
		if (i < matter && from[0] != from[n->config.dies - 1]) {
			vf_n_finish(n, VF_E_DIES_DIFFER);
			return false;
		}
		n->buf[i] = from[0];
		from += n->config.dies;
	}
	return true;
}

void vf_n_pause(vf_nor *n, uint32_t now_us, uint32_t us)
{
	n->paused = true;
	n->wake_us = now_us + us;
}

void vf_n_go(vf_nor *n, enum nor_state state)
{
	n->state = (uint8_t)state;
	n->pass = 0;
}

void vf_n_run(vf_nor *n, enum nor_script script, enum nor_state then)
{
	vf_n_go(n, NOR_SCRIPT);
	n->script = (uint8_t)script;
	n->then = (uint8_t)then;
}

/* Ends the probe or the operation. An error leaves the chip in a state that the
 * next operation looks at first. */
void vf_n_finish(vf_nor *n, int status)
{
	n->status = (int16_t)status;
	n->unsettled = status != VF_OK;
	if (n->renewing) {
		n->renewing = false;
		n->ready = true;
	}
	vf_n_go(n, NOR_IDLE);
}

/* us * factor, at most 2^31 - 1, without a 64-bit product. */
uint32_t vf_n_times(uint32_t us, uint8_t factor)
{
	uint32_t high = (us >> 16) * factor;
	uint32_t low = (us & 0xFFFFu) * factor;

	high += low >> 16;
	return high > 0x7FFFu ? 0x7FFFFFFFu : high << 16 | (low & 0xFFFFu);
}
