/* chip_bus.c - a whole chip: setting it up, sharing a transaction among its
 * dies, bus time, misuse, power cuts and injected faults.
 */
#include "chip.h"

#include <vcpflash/status.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const uint32_t OVERHEAD_NS = 300; /* opcode, address and chip-select */

void vf_sim_misuse(vf_sim_chip *chip, const vf_bus_op *op, const char *format, ...)
{
	char what[160];
	va_list args;
	int used;

	if (chip->misused)
		return;
	chip->misused = true;
	chip->stats.misuses++;
	if (chip->config.misuse == NULL)
		return;
	used = snprintf(what, sizeof what, "%s: command %02Xh: ", chip->part->name, op->opcode);
	va_start(args, format);
	(void)vsnprintf(what + used, sizeof what - (size_t)used, format, args);
	va_end(args);
	chip->config.misuse(chip->config.ctx, what);
}

uint64_t vf_sim_random(vf_sim_chip *chip)
{
	uint64_t z = chip->rng += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

void vf_sim_put(const vf_sim_chip *chip, const vf_sim_die *die, const vf_bus_op *op, uint32_t i,
		uint8_t byte)
{
	op->rx[(size_t)i * chip->config.dies + die->index] = byte;
}

uint8_t vf_sim_get(const vf_sim_chip *chip, const vf_sim_die *die, const vf_bus_op *op, uint32_t i)
{
	return op->tx[(size_t)i * chip->config.dies + die->index];
}

static uint32_t weak_bytes(const vf_sim_chip_config *config)
{
	return (vf_sim_array_pages(config->part) * config->dies + 7) / 8;
}

size_t vf_sim_chip_size(const vf_sim_chip_config *config)
{
	return sizeof(vf_sim_chip) + weak_bytes(config);
}

static void learn(vf_sim_chip *chip, const vf_sim_cmd *cmd)
{
	if ((cmd->flags & VF_SIM_BIG) != 0 && chip->part->size <= 1u << 24)
		return;
	if ((cmd->flags & VF_SIM_QPI_ONLY) == 0)
		chip->spi[cmd->opcode] = cmd;
	if ((cmd->flags & (VF_SIM_IN_QPI | VF_SIM_QPI_ONLY)) != 0)
		chip->qpi[cmd->opcode] = cmd;
}

static void learn_erase(vf_sim_chip *chip, unsigned i, uint8_t opcode, uint8_t addr)
{
	vf_sim_cmd *cmd = &chip->erase_cmd[2 * i + (addr == 4)];

	if (opcode == 0)
		return;
	cmd->opcode = opcode;
	cmd->kind = VF_SIM_ERASE;
	cmd->addr = addr;
	cmd->addr_lanes = 1;
	cmd->arg = (uint8_t)i;
	cmd->flags = VF_SIM_IN_QPI;
	learn(chip, cmd);
}

static void learn_commands(vf_sim_chip *chip)
{
	const vf_sim_part *part = chip->part;

	for (unsigned i = 0; i < VF_SIM_CMD_LISTS && part->cmds[i] != NULL; i++)
		for (const vf_sim_cmd *cmd = part->cmds[i]; cmd->kind != VF_SIM_END; cmd++)
			learn(chip, cmd);
	for (unsigned i = 0; i < VF_SIM_ERASES; i++) {
		learn_erase(chip, i, part->erase[i].opcode, VF_SIM_ADDR_CURRENT);
		learn_erase(chip, i, part->erase[i].opcode_4, 4);
	}
}

vf_sim_chip *vf_sim_chip_init(void *memory, const vf_sim_chip_config *config)
{
	vf_sim_chip *chip = memory;

	memset(chip, 0, vf_sim_chip_size(config));
	chip->config = *config;
	chip->part = config->part;
	chip->rng = config->seed;
	learn_commands(chip);
	for (uint8_t d = 0; d < config->dies; d++) {
		vf_sim_die *die = &chip->die[d];

		die->index = d;
		if (chip->part->errors == VF_SIM_ERRORS_FLAGS) { /* as delivered */
			die->nv[VF_SIM_NVCR] = die->nv[VF_SIM_NVCR_HI] = 0xFF;
			die->nv[VF_SIM_VECR] = 0xDF;
		}
		vf_sim_reset_state(chip, die);
	}
	return chip;
}

/* A transaction that no controller of the bus's description would make. */
static bool well_formed(vf_sim_chip *chip, const vf_bus_op *op)
{
	const uint32_t dies = chip->config.dies;

	if (op->opcode_lanes != 1 && op->opcode_lanes != 4)
		vf_sim_misuse(chip, op, "opcode on %u lanes", op->opcode_lanes);
	else if ((op->addr_bytes != 0) != (op->addr_lanes != 0) ||
		 (op->mode_bits != 0 && op->mode_bits != 8) ||
		 (op->mode_bits != 0 && op->addr_bytes == 0))
		vf_sim_misuse(chip, op, "address and mode do not fit together");
	else if ((op->len != 0) != (op->dir != VF_BUS_NONE) ||
		 (op->len != 0) != (op->data_lanes != 0))
		vf_sim_misuse(chip, op, "length, direction and data lanes do not fit together");
	else if (op->len % dies != 0 || (op->addr_bytes != 0 && op->addr % dies != 0))
		vf_sim_misuse(chip, op, "odd address or length, and two dies in parallel");
	else
		return true;
	return false;
}

static uint64_t bus_time(vf_sim_chip *chip, const vf_bus_op *op)
{
	const uint64_t rate = chip->config.bus_bytes_per_s;
	uint64_t ns;

	if (rate == 0)
		return 0;
	ns = chip->bus_rest_ns + OVERHEAD_NS +
	     op->len / chip->config.dies * UINT64_C(1000000000) / rate;
	chip->bus_rest_ns = ns % 1000;
	return ns / 1000;
}

static void account(vf_sim_chip *chip)
{
	chip->stats.busy_us += chip->begun_us;
	if (chip->begun == VF_SIM_PROGRAMMING) {
		chip->stats.programs++;
		chip->stats.programmed_bytes += chip->begun_bytes;
	} else if (chip->begun == VF_SIM_ERASING) {
		chip->stats.erases++;
		chip->stats.erased_bytes += chip->begun_bytes;
	}
	if (chip->begun != VF_SIM_IDLE && chip->failing != 0)
		chip->fail_next--;
}

uint64_t vf_sim_chip_bus(vf_sim_chip *chip, const vf_bus_op *op, uint64_t now_us)
{
	const uint64_t until = vf_sim_chip_busy_until(chip);

	chip->stats.transactions++;
	chip->misused = false;
	chip->begun = VF_SIM_IDLE;
	chip->begun_us = chip->begun_bytes = 0;
	chip->ends_now = now_us + bus_time(chip, op);
	chip->failing = 0;
	if (chip->fail_next != 0)
		chip->failing = (uint8_t)(1u << vf_sim_random(chip) % chip->config.dies);
	if (op->dir == VF_BUS_READ) /* nobody may answer */
		memset(op->rx, chip->config.lines_low ? 0 : 0xFF, op->len);
	if (!well_formed(chip, op))
		return chip->ends_now;
	for (unsigned d = 0; d < chip->config.dies; d++)
		vf_sim_decode(chip, &chip->die[d], op, now_us);
	account(chip);
	if (until > chip->ends_now && vf_sim_chip_busy_until(chip) == 0)
		chip->stats.busy_us -= until - chip->ends_now; /* aborted by a reset */
	return chip->ends_now;
}

void vf_sim_chip_mapped(vf_sim_chip *chip, uint32_t offset, uint8_t *out, uint32_t len,
			uint64_t now_us)
{
	static const vf_bus_op any = {.opcode = 0xEB};
	const uint32_t dies = chip->config.dies;
	const uint64_t size = (uint64_t)chip->part->size * dies;
	bool ready = true;

	chip->misused = false;
	for (unsigned d = 0; d < dies; d++) {
		const vf_sim_die *die = &chip->die[d];

		vf_sim_settle(chip, &chip->die[d], now_us);
		ready = ready && die->work == VF_SIM_IDLE && !die->stuck && !die->down;
	}
	memset(out, 0xFF, len);
	assert(dies != 0);
	offset = vf_sim_line(chip, offset / dies) * dies + offset % dies;
	if (!ready) {
		vf_sim_misuse(chip, &any, "memory-mapped while the part cannot be read");
	} else if (len > size || offset > size - len) {
		vf_sim_misuse(chip, &any, "memory-mapped, %u bytes at %08Xh, beyond the memory",
			      (unsigned)len, (unsigned)offset);
	} else {
		vf_sim_array_mapped(chip, offset, out, len);
		chip->stats.read_bytes += len;
	}
}

uint64_t vf_sim_chip_busy_until(const vf_sim_chip *chip)
{
	uint64_t until = 0;

	for (unsigned d = 0; d < chip->config.dies; d++)
		if (chip->die[d].work != VF_SIM_IDLE && chip->die[d].ends > until)
			until = chip->die[d].ends;
	return until;
}

void vf_sim_chip_power_cut(vf_sim_chip *chip, uint64_t now_us)
{
	const uint64_t until = vf_sim_chip_busy_until(chip);

	if (until > now_us)
		chip->stats.busy_us -= until - now_us;
	for (unsigned d = 0; d < chip->config.dies; d++) {
		vf_sim_die *die = &chip->die[d];

		vf_sim_abort(chip, die, now_us);
		vf_sim_reset_state(chip, die);
		vf_sim_errors_clear(die);
		die->deaf_until = 0;
	}
}

/* A command without data either got through or not; of one with data half the
 * bytes did. What it began is torn at once. */
void vf_sim_chip_bus_torn(vf_sim_chip *chip, const vf_bus_op *op, uint64_t now_us)
{
	const uint32_t dies = chip->config.dies;
	vf_bus_op half = *op;
	uint64_t ends = now_us;

	half.len = op->len / 2 / dies * dies;
	if (op->dir == VF_BUS_READ)
		memset(op->rx, 0xFF, op->len);
	if ((vf_sim_random(chip) & 1) != 0 && (op->len == 0 || half.len != 0))
		ends = vf_sim_chip_bus(chip, &half, now_us);
	vf_sim_chip_power_cut(chip, ends);
}

/* By its own command, or by a register (Micron). */
static bool has_qpi(const vf_sim_chip *chip)
{
	for (unsigned i = 0; i < 256; i++) {
		const vf_sim_cmd *cmd = chip->spi[i];

		if (cmd != NULL && (cmd->kind == VF_SIM_QPI_ON ||
				    (cmd->kind == VF_SIM_WRREG && cmd->arg == VF_SIM_VECR)))
			return true;
	}
	return false;
}

static void leave_in(vf_sim_chip *chip, vf_sim_die *die, enum vf_sim_mode mode)
{
	switch (mode) {
	case VF_SIM_MODE_QPI:
		die->qpi = has_qpi(chip);
		break;
	case VF_SIM_MODE_ADDR4:
		die->addr4 = chip->part->size > 1u << 24;
		break;
	case VF_SIM_MODE_POWER_DOWN:
		die->down = chip->spi[0xB9] != NULL;
		break;
	case VF_SIM_MODE_CONTINUOUS:
		die->xip = true;
		die->xip_clocks = die->addr4 ? 10 : 8;
		break;
	default:
		die->qpi = die->addr4 = die->down = die->xip = false;
		break;
	}
}

void vf_sim_chip_leave_in(vf_sim_chip *chip, enum vf_sim_mode mode)
{
	for (unsigned d = 0; d < chip->config.dies; d++)
		leave_in(chip, &chip->die[d], mode);
}

int vf_sim_chip_bad_bit(vf_sim_chip *chip, uint32_t offset, unsigned bit)
{
	if (bit > 7 || offset / chip->config.dies >= chip->part->size)
		return VF_E_RANGE;
	if (chip->bad_bits == VF_SIM_BAD_BITS)
		return VF_E_NOMEM;
	chip->bad_bit[chip->bad_bits].offset = offset;
	chip->bad_bit[chip->bad_bits].mask = (uint8_t)(1u << bit);
	chip->bad_bits++;
	return VF_OK;
}

void vf_sim_chip_protect(vf_sim_chip *chip, bool all)
{
	const uint8_t mask = vf_sim_protect_mask(chip->part);

	for (unsigned d = 0; d < chip->config.dies; d++) {
		vf_sim_die *die = &chip->die[d];

		die->nv[VF_SIM_SR1] = (uint8_t)((die->nv[VF_SIM_SR1] & ~mask) | (all ? mask : 0));
		die->reg[VF_SIM_SR1] = die->nv[VF_SIM_SR1];
	}
}

void vf_sim_chip_stuck_line(vf_sim_chip *chip, unsigned bit, bool high)
{
	const uint32_t line = UINT32_C(1) << bit;

	if (line < chip->part->size)
		*(high ? &chip->stuck_high : &chip->stuck_low) |= line;
}

void vf_sim_chip_fail_next(vf_sim_chip *chip, unsigned count)
{
	chip->fail_next = count;
}

const vf_sim_stats *vf_sim_chip_stats(const vf_sim_chip *chip)
{
	return &chip->stats;
}

const uint8_t *vf_sim_chip_array(const vf_sim_chip *chip)
{
	return chip->config.array;
}
