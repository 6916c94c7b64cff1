/* chip_execute.c - what the commands do, one function a kind. The transaction
 * has been found well-formed and timely.
 */
#include "chip.h"

#include <string.h>

static bool write_enabled(vf_sim_chip *chip, const vf_sim_die *die, const vf_sim_op *op)
{
	if (!die->wel)
		vf_sim_misuse(chip, op->bus, "without write enable (06h)");
	return die->wel;
}

static void read_id(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	const vf_sim_part *part = chip->part;
	const uint8_t *other = chip->config.override_id;
	const bool overridden = (other[0] | other[1] | other[2]) != 0;

	for (uint32_t i = 0; i < op->len; i++) {
		uint8_t byte = 0;

		if (i < part->id_len || part->id_len == 3)
			byte = part->id[i % part->id_len];
		if (overridden && (i < 3 || part->id_len == 3))
			byte = other[i % 3];
		vf_sim_put(chip, die, op->bus, i, byte);
	}
}

static void read_sfdp(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	const vf_sim_sfdp *sfdp = chip->config.no_sfdp ? NULL : chip->part->sfdp;
	const uint32_t at = op->bus->addr / chip->config.dies;

	for (uint32_t i = 0; sfdp != NULL && i < op->len; i++)
		vf_sim_put(chip, die, op->bus, i, vf_sim_sfdp_byte(sfdp, at + i));
}

static void read_register(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	const uint8_t reg = op->cmd->arg;
	const bool pair = reg == VF_SIM_NVCR;

	for (uint32_t i = 0; i < op->len; i++)
		vf_sim_put(chip, die, op->bus, i,
			   vf_sim_register(chip, die, (uint8_t)(reg + (pair ? i & 1 : 0))));
}

static void write_register(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	const bool at_once = (op->cmd->flags & VF_SIM_VOLATILE) != 0 || die->wel_volatile;
	const bool wants_wel = (op->cmd->flags & VF_SIM_WEL) != 0 && !die->wel_volatile;

	if (op->len > op->cmd->most) {
		vf_sim_misuse(chip, op->bus, "%u bytes where the part expects at most %u",
			      (unsigned)op->len, op->cmd->most);
		return;
	}
	if (wants_wel && !write_enabled(chip, die, op))
		return;
	die->at = op->cmd->arg;
	die->size = op->len;
	for (uint32_t i = 0; i < op->len; i++)
		die->data[i] = vf_sim_get(chip, die, op->bus, i);
	if (chip->part->short_write_clears && op->cmd->arg == VF_SIM_SR1 && op->len == 1)
		die->data[die->size++] = 0;
	if (!at_once) {
		vf_sim_begin(chip, die, VF_SIM_WRITING_REG, chip->part->reg_us,
			     2 * chip->part->reg_us);
		return;
	}
	for (uint32_t i = 0; i < die->size; i++)
		vf_sim_register_write(chip, die, (uint8_t)(die->at + i), die->data[i]);
	die->wel_volatile = false;
	if (wants_wel)
		die->wel = false;
}

/* With too many dummy clocks the controller misses the first bits, with too few
 * it takes what nobody drives for the first. */
static void read_shifted(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	for (uint32_t i = 0; i < op->len; i++) {
		unsigned byte = 0;

		for (unsigned bit = 0; bit < 8; bit++) {
			const int64_t at = (int64_t)i * 8 + bit + op->late;
			const uint32_t cell = (uint32_t)(op->addr + at / 8) % chip->part->size;
			unsigned value = !chip->config.lines_low;

			if (at >= 0)
				value = (unsigned)vf_sim_array_get(chip, die, cell) >>
						(7 - at % 8) &
					1u;
			byte = byte << 1 | value;
		}
		vf_sim_put(chip, die, op->bus, i, (uint8_t)byte);
	}
}

static void read_array(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	const vf_bus_op *bus = op->bus;
	const uint8_t mode = bus->mode;
	bool stay = false;

	if (op->late != 0)
		read_shifted(chip, die, op);
	else
		vf_sim_array_read(chip, die, op);
	chip->stats.read_bytes += op->len;
	if (bus->mode_bits == 0)
		return;
	switch (chip->part->xip) {
	case VF_SIM_XIP_20:
		stay = (mode & 0x30) == 0x20;
		break;
	case VF_SIM_XIP_A0:
		stay = (mode & 0xF0) == 0xA0;
		break;
	case VF_SIM_XIP_TOGGLE:
		stay = (mode >> 4 ^ (mode & 15)) == 15;
		break;
	default:
		stay = (die->reg[VF_SIM_VCR] & 8) == 0 && (mode & 0x10) == 0;
		break;
	}
	die->xip = stay;
	die->xip_clocks = (uint8_t)(bus->addr_bytes * 2 + 2);
}

/* What protection does to a program or erase differs by vendor. */
static bool refused(vf_sim_chip *chip, vf_sim_die *die, uint32_t at, uint32_t size, bool erase)
{
	if (!vf_sim_protected(chip, die, at, size))
		return false;
	vf_sim_error(chip, die, erase, true);
	if (chip->part->stacked != 0)
		die->flags_due = 3;
	return true;
}

/* True if the ECC unit around `at` holds anything. */
static bool unit_is_used(const vf_sim_chip *chip, const vf_sim_die *die, uint32_t at)
{
	const uint32_t ecc = chip->part->ecc;
	const uint32_t first = at - at % ecc;

	for (uint32_t u = first; u < first + ecc; u++)
		if (vf_sim_array_get(chip, die, u) != 0xFF)
			return true;
	return false;
}

/* Setting a bit takes an erase, and a unit under ECC is programmed once. The
 * part does what it can of such a command, but nobody should have sent it. */
static void check_cells(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	const uint32_t ecc = chip->part->ecc, size = die->size;

	for (uint32_t i = 0; i < size; i++) {
		const uint8_t data = die->data[i];
		const uint8_t old = vf_sim_array_get(chip, die, die->at + i);

		if (data == 0xFF)
			continue;
		if ((data & ~old) != 0) {
			vf_sim_misuse(chip, op->bus,
				      "%02Xh over %02Xh at %08Xh, which is not erased", data, old,
				      (unsigned)(die->at + i));
			return;
		}
		if (ecc != 0 && unit_is_used(chip, die, die->at + i)) {
			vf_sim_misuse(chip, op->bus,
				      "a second program of the %u-byte ECC unit at %08Xh",
				      (unsigned)ecc, (unsigned)((die->at + i) / ecc * ecc));
			return;
		}
	}
}

/* Data beyond the page's end wraps to its start; of more than a page's worth
 * the last page's worth counts. */
static void load_page(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	const uint32_t page = chip->part->page;
	const uint32_t column = op->addr % page;

	if (op->len <= page - column) {
		die->at = op->addr;
		die->size = op->len;
		for (uint32_t i = 0; i < op->len; i++)
			die->data[i] = vf_sim_get(chip, die, op->bus, i);
		return;
	}
	vf_sim_misuse(chip, op->bus, "%u bytes at %08Xh run past the page of %u and wrap",
		      (unsigned)op->len, (unsigned)op->addr, (unsigned)page);
	die->at = op->addr - column;
	die->size = page;
	memset(die->data, 0xFF, page);
	for (uint32_t i = 0; i < op->len; i++)
		die->data[(column + i) % page] = vf_sim_get(chip, die, op->bus, i);
}

static void program(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	const vf_sim_part *part = chip->part;

	if (!write_enabled(chip, die, op) ||
	    refused(chip, die, op->addr - op->addr % part->page, part->page, false))
		return;
	load_page(chip, die, op);
	check_cells(chip, die, op);
	vf_sim_begin(chip, die, VF_SIM_PROGRAMMING, part->page_typ_us, part->page_max_us);
}

static void erase(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op, uint32_t at,
		  uint32_t size, uint32_t typ_us, uint32_t max_us)
{
	if (!write_enabled(chip, die, op) || refused(chip, die, at, size, true))
		return;
	die->at = at;
	die->size = size;
	vf_sim_begin(chip, die, VF_SIM_ERASING, typ_us, max_us);
}

static void erase_sector(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	const vf_sim_erase *e = &chip->part->erase[op->cmd->arg];

	erase(chip, die, op, op->addr - op->addr % e->size, e->size, e->typ_us, e->max_us);
}

static void erase_all(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	const vf_sim_part *part = chip->part;
	const uint32_t size = op->cmd->kind == VF_SIM_DIE_ERASE ? part->stacked : part->size;
	const uint32_t at = op->cmd->kind == VF_SIM_DIE_ERASE ? op->addr - op->addr % size : 0;

	erase(chip, die, op, at, size, part->chip_typ_us, part->chip_max_us);
}

static void reset(vf_sim_chip *chip, vf_sim_die *die)
{
	const vf_sim_part *part = chip->part;
	const bool working = die->work != VF_SIM_IDLE;
	const uint32_t us = working ? part->reset_busy_us : part->reset_us;

	vf_sim_abort(chip, die, chip->ends_now);
	vf_sim_reset_state(chip, die);
	vf_sim_errors_clear(die);
	die->deaf_until = chip->config.time_percent == 0 ? 0 : chip->ends_now + us;
}

/* Micron parts change the address mode only when write-enabled; a blind exit
 * that does nothing is how drivers recover. */
static void address_mode(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op, bool on)
{
	const bool wants_wel = (op->cmd->flags & VF_SIM_WEL) != 0;

	if (wants_wel && on && !write_enabled(chip, die, op))
		return;
	if (!wants_wel || die->wel)
		die->addr4 = on;
}

static void wake(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	for (uint32_t i = 0; op->bus->dir == VF_BUS_READ && i < op->len; i++)
		vf_sim_put(chip, die, op->bus, i, (uint8_t)(chip->part->id[2] - 1));
	if (die->down && chip->config.time_percent != 0)
		die->deaf_until = chip->ends_now + chip->part->wake_us;
	die->down = false;
}

static void change_mode(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	switch (op->cmd->kind) {
	case VF_SIM_ADDR4_ON:
	case VF_SIM_ADDR4_OFF:
		address_mode(chip, die, op, op->cmd->kind == VF_SIM_ADDR4_ON);
		break;
	case VF_SIM_QPI_ON: /* only with quad enable where that is in SR2 */
		die->qpi = chip->part->quad_reg != VF_SIM_SR2 || vf_sim_quad_enabled(chip, die);
		break;
	case VF_SIM_QPI_OFF:
		die->qpi = false;
		break;
	case VF_SIM_POWER_DOWN:
		die->down = true;
		break;
	case VF_SIM_WAKE:
		wake(chip, die, op);
		break;
	case VF_SIM_RESET_ENABLE:
		die->reset_armed = true;
		break;
	case VF_SIM_RESET:
		if (die->reset_armed)
			reset(chip, die);
		break;
	case VF_SIM_RESET_AT_ONCE:
		reset(chip, die);
		break;
	default:
		break;
	}
}

void vf_sim_execute(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	switch (op->cmd->kind) {
	case VF_SIM_READ:
		read_array(chip, die, op);
		break;
	case VF_SIM_PROGRAM:
		program(chip, die, op);
		break;
	case VF_SIM_ERASE:
		erase_sector(chip, die, op);
		break;
	case VF_SIM_CHIP_ERASE:
	case VF_SIM_DIE_ERASE:
		erase_all(chip, die, op);
		break;
	case VF_SIM_RDID:
		read_id(chip, die, op);
		break;
	case VF_SIM_RDSFDP:
		read_sfdp(chip, die, op);
		break;
	case VF_SIM_RDREG:
		read_register(chip, die, op);
		break;
	case VF_SIM_WRREG:
		write_register(chip, die, op);
		break;
	case VF_SIM_WREN:
		die->wel = true;
		break;
	case VF_SIM_WRDI:
		die->wel = false;
		break;
	case VF_SIM_WREN_VOLATILE:
		die->wel_volatile = true;
		break;
	case VF_SIM_CLEAR_ERRORS:
		vf_sim_errors_clear(die);
		break;
	default:
		change_mode(chip, die, op);
		break;
	}
}
