/* chip_decode.c - one transaction as one die hears it: is it listening, does it
 * know the opcode in this mode, and has the transaction the shape that the data
 * sheet gives the command? What passes is executed.
 */
#include "chip.h"

#include <string.h>

/* Opcodes that recover a chip left in an unknown mode, or ask who it is. Those
 * a part has not it ignores, and no driver can know before it has asked. */
static bool harmless(uint8_t opcode)
{
	static const uint8_t list[] = {0x66, 0x99, 0xAB, 0xFF, 0xF5, 0xF0, 0xE9, 0x04, 0x5A, 0xAF};

	return memchr(list, opcode, sizeof list) != NULL;
}

static unsigned address_clocks(const vf_bus_op *op)
{
	return op->addr_lanes == 0 ? 0 : op->addr_bytes * 8u / op->addr_lanes;
}

static unsigned mode_clocks(const vf_bus_op *op)
{
	return op->addr_lanes == 0 ? 0 : (unsigned)op->mode_bits / op->addr_lanes;
}

static uint64_t all_clocks(const vf_bus_op *op)
{
	const uint64_t data = op->data_lanes == 0 ? 0 : op->len * UINT64_C(8) / op->data_lanes;

	return 8u / op->opcode_lanes + address_clocks(op) + mode_clocks(op) + op->dummy + data;
}

/* Lines nobody drives float high, so dummy clocks and reads count as ones. */
static bool sends_only_ones(const vf_bus_op *op)
{
	if (op->opcode != 0xFF || (op->mode_bits != 0 && op->mode != 0xFF))
		return false;
	if (op->addr_bytes == 3 && (op->addr & 0xFFFFFF) != 0xFFFFFF)
		return false;
	if (op->addr_bytes == 4 && op->addr != UINT32_MAX)
		return false;
	for (uint32_t i = 0; op->dir == VF_BUS_WRITE && i < op->len; i++)
		if (op->tx[i] != 0xFF)
			return false;
	return true;
}

/* In continuous read everything is taken for an address; what comes back is
 * array data from wherever that points. */
static void continuous(vf_sim_chip *chip, vf_sim_die *die, const vf_bus_op *op)
{
	if (sends_only_ones(op) && all_clocks(op) >= die->xip_clocks) {
		die->xip = false;
		return;
	}
	for (uint32_t i = 0; op->dir == VF_BUS_READ && i < op->len / chip->config.dies; i++)
		vf_sim_put(chip, die, op, i, (uint8_t)vf_sim_random(chip));
}

static unsigned wanted_clocks(const vf_sim_die *die, const vf_sim_cmd *cmd)
{
	const unsigned set = die->reg[VF_SIM_VCR] >> 4;

	if ((cmd->flags & VF_SIM_FAST) != 0 && set != 0 && set != 15)
		return set;
	return die->qpi ? cmd->qpi_clocks : cmd->clocks;
}

static unsigned wanted_address(const vf_sim_die *die, const vf_sim_cmd *cmd)
{
	if (cmd->addr == VF_SIM_ADDR_CURRENT)
		return die->addr4 ? 4 : 3;
	return cmd->addr;
}

static enum vf_bus_dir wanted_direction(const vf_sim_cmd *cmd)
{
	switch (cmd->kind) {
	case VF_SIM_READ:
	case VF_SIM_RDID:
	case VF_SIM_RDSFDP:
	case VF_SIM_RDREG:
		return VF_BUS_READ;
	case VF_SIM_PROGRAM:
	case VF_SIM_WRREG:
		return VF_BUS_WRITE;
	default:
		return VF_BUS_NONE;
	}
}

/* Release from power-down may be followed by dummy bytes and a signature, and
 * FFh by as many ones as it takes to end a continuous read. */
static bool shape_is_free(const vf_sim_cmd *cmd)
{
	return cmd->kind == VF_SIM_WAKE || cmd->opcode == 0xFF;
}

static bool address_fits(vf_sim_chip *chip, const vf_sim_die *die, const vf_sim_cmd *cmd,
			 const vf_bus_op *op)
{
	const unsigned bytes = wanted_address(die, cmd);
	const unsigned lanes = die->qpi ? 4 : cmd->addr_lanes;

	if (op->addr_bytes != bytes) {
		vf_sim_misuse(chip, op, "%u address bytes where the part expects %u",
			      op->addr_bytes, bytes);
		return false;
	}
	if (bytes != 0 && op->addr_lanes != lanes) {
		vf_sim_misuse(chip, op, "address on %u lanes where the part expects %u",
			      op->addr_lanes, lanes);
		return false;
	}
	return true;
}

static bool clocks_fit(vf_sim_chip *chip, const vf_sim_die *die, const vf_sim_cmd *cmd,
		       const vf_bus_op *op)
{
	const unsigned wanted = wanted_clocks(die, cmd);
	const unsigned got = mode_clocks(op) + op->dummy;

	if (op->mode_bits != 0 && (cmd->flags & VF_SIM_HAS_MODE) == 0) {
		vf_sim_misuse(chip, op, "a mode byte, which the command has not");
		return false;
	}
	if (got != wanted) {
		vf_sim_misuse(chip, op, "%u mode and dummy clocks where the part expects %u", got,
			      wanted);
		return cmd->kind == VF_SIM_READ; /* of shifted data */
	}
	return true;
}

static int bits_late(const vf_sim_die *die, const vf_sim_cmd *cmd, const vf_bus_op *op)
{
	const int clocks = (int)(mode_clocks(op) + op->dummy) - (int)wanted_clocks(die, cmd);

	return clocks * op->data_lanes * (op->ddr ? 2 : 1);
}

static bool data_fits(vf_sim_chip *chip, const vf_sim_die *die, const vf_sim_cmd *cmd,
		      const vf_bus_op *op)
{
	const enum vf_bus_dir dir = wanted_direction(cmd);
	const unsigned lanes = die->qpi ? 4 : cmd->data_lanes;

	if ((op->ddr != 0) != ((cmd->flags & VF_SIM_DDR) != 0)) {
		vf_sim_misuse(chip, op, "on %s where the part expects the other",
			      op->ddr ? "both clock edges" : "one clock edge");
		return false;
	}
	if (op->dir != dir || (dir == VF_BUS_NONE) != (op->len == 0)) {
		static const char *const what[] = {"no data", "data to read", "data to write"};

		vf_sim_misuse(chip, op, "must have %s", what[dir]);
		return false;
	}
	if (dir != VF_BUS_NONE && op->data_lanes != lanes) {
		vf_sim_misuse(chip, op, "data on %u lanes where the part expects %u",
			      op->data_lanes, lanes);
		return false;
	}
	return true;
}

/* Beyond 16 MB, three address bytes are completed by the bank register. */
static uint32_t full_address(const vf_sim_chip *chip, const vf_sim_die *die, const vf_bus_op *op)
{
	const uint32_t addr = op->addr / chip->config.dies;

	if (op->addr_bytes != 3 || chip->part->size <= 1u << 24)
		return addr;
	return (addr & 0xFFFFFF) | (uint32_t)die->reg[VF_SIM_BANK] << 24;
}

static bool is_array(const vf_sim_cmd *cmd)
{
	return cmd->kind == VF_SIM_READ || cmd->kind == VF_SIM_PROGRAM ||
	       cmd->kind == VF_SIM_ERASE || cmd->kind == VF_SIM_DIE_ERASE;
}

static bool range_fits(vf_sim_chip *chip, const vf_sim_op *op)
{
	const uint32_t size = chip->part->size;
	const uint32_t len = op->cmd->kind == VF_SIM_READ ? op->len : 1;

	if (!is_array(op->cmd))
		return true;
	if (op->addr >= size || len > size - op->addr) {
		vf_sim_misuse(chip, op->bus, "%u bytes at %08Xh, beyond the part's %08Xh", len,
			      (unsigned)op->addr, (unsigned)size);
		return false;
	}
	if (op->bus->addr_bytes == 3 && (op->addr & 0xFFFFFF) + len > 1u << 24) {
		vf_sim_misuse(chip, op->bus,
			      "%u bytes at %08Xh run past what three address bytes reach", len,
			      (unsigned)op->addr);
		return false;
	}
	return true;
}

/* May the command come now? */
static bool timely(vf_sim_chip *chip, const vf_sim_die *die, const vf_sim_cmd *cmd,
		   const vf_bus_op *op)
{
	const bool any_time = (cmd->flags & VF_SIM_WHILE_BUSY) != 0;

	if (die->stuck && !any_time) {
		vf_sim_misuse(chip, op, "while a program or erase error is not cleared (30h)");
		return false;
	}
	if (die->work != VF_SIM_IDLE && !any_time) {
		vf_sim_misuse(chip, op, "while the part is busy");
		return false;
	}
	/* The id is no die's: who probes without knowing the part may ask for it (assumed: the
	 * data sheet speaks of program and erase cycles that are to be looked to their end). */
	if (die->flags_due != 0 && !any_time && cmd->kind != VF_SIM_RDID) {
		vf_sim_misuse(chip, op, "before the flag status of both stacked dies was read");
		return false;
	}
	if ((cmd->flags & VF_SIM_QE) != 0 && !die->qpi && !vf_sim_quad_enabled(chip, die)) {
		vf_sim_misuse(chip, op, "on four lines without quad enable");
		return false;
	}
	return true;
}

static void understood(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_cmd *cmd,
		       const vf_bus_op *bus)
{
	const uint32_t addr = full_address(chip, die, bus);
	const vf_sim_op op = {bus, cmd, is_array(cmd) ? vf_sim_line(chip, addr) : addr,
			      bus->len / chip->config.dies, bits_late(die, cmd, bus)};

	if (!timely(chip, die, cmd, bus))
		return;
	if (!shape_is_free(cmd) &&
	    !(address_fits(chip, die, cmd, bus) && clocks_fit(chip, die, cmd, bus) &&
	      data_fits(chip, die, cmd, bus) && range_fits(chip, &op)))
		return;
	vf_sim_execute(chip, die, &op);
}

/* Recovering from a reset or waking up, a part hears nothing. */
static bool deaf(vf_sim_chip *chip, const vf_sim_die *die, const vf_bus_op *op, uint64_t now)
{
	if (now >= die->deaf_until)
		return false;
	if (!harmless(op->opcode))
		vf_sim_misuse(chip, op, "%u us too early after a reset or wake-up",
			      (unsigned)(die->deaf_until - now));
	return true;
}

void vf_sim_decode(vf_sim_chip *chip, vf_sim_die *die, const vf_bus_op *op, uint64_t now)
{
	const vf_sim_cmd *cmd = (die->qpi ? chip->qpi : chip->spi)[op->opcode];

	vf_sim_settle(chip, die, now);
	if (deaf(chip, die, op, now))
		return;
	if (die->xip) {
		continuous(chip, die, op);
		return;
	}
	/* An opcode on the wrong number of lines is noise to the part, and the
	 * only way for a driver that does not know the mode. */
	if ((op->opcode_lanes == 4) != die->qpi)
		return;
	if (die->down && op->opcode != 0xAB)
		return;
	if (op->opcode != 0x99)
		die->reset_armed = false;
	if (cmd != NULL)
		understood(chip, die, cmd, op);
	else if (!harmless(op->opcode))
		vf_sim_misuse(chip, op, "no such command%s", die->qpi ? " in QPI" : "");
}
