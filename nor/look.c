/* look.c - for the diagnosis only: in which mode the chip was found, and what its
 * status registers said at the end of the probe. Reads, nothing else; every form is
 * one that the probe itself sends blindly (probe.c says why that does no harm).
 */
#include <string.h>

#include "nor_internal.h"

enum { FIRST = 4 }; /* bytes of the first look: a register says the same each time */

struct addr4_sign {
	uint8_t maker;
	uint8_t opcode;
	uint8_t bit;
};

/* Where a chip of more than 16 MB shows that it expects four address bytes. */
static const struct addr4_sign addr4_signs[] = {
	{0x20, OP_RDFSR, FSR_ADDR4}, /* Micron */
	{0x9D, 0x16, 0x80},          /* ISSI */
	{0xC2, 0x15, 0x20},          /* Macronix */
	{0xEF, 0x15, 0x01},          /* Winbond */
};

static const struct addr4_sign *addr4_sign(const vf_nor *n)
{
	for (size_t i = 0; i < sizeof addr4_signs / sizeof addr4_signs[0]; i++)
		if (addr4_signs[i].maker == n->look.id[0] && n->look.id[2] >= 0x19)
			return &addr4_signs[i];
	return NULL;
}

/* The register before anything was sent that ends a mode: on one lane, and on four,
 * of which a chip in SPI mode sees half a command. */
static void look_first(vf_nor *n, bool answered)
{
	const bool four = n->pass != 0;

	if (!answered) {
		vf_n_bus_read(n, OP_RDSR, four ? 1 : FIRST);
		if (four)
			n->bus.opcode_lanes = n->bus.data_lanes = 4;
		return;
	}
	n->look.first[n->pass] = n->buf[0];
	for (size_t i = 1; i < FIRST && !four; i++)
		n->look.unsteady |= n->buf[i * n->config.dies] != n->buf[0];
	n->pass++;
	if (four || n->config.lanes != 4)
		vf_n_run(n, NOR_SCRIPT_WAKE, NOR_BUSY);
}

/* The id on one lane, before the reset: a chip that gives it expects opcodes there. */
static void look_id(vf_nor *n, bool answered)
{
	if (!answered) {
		vf_n_bus_read(n, OP_RDID, sizeof n->look.id);
		return;
	}
	for (size_t i = 0; i < sizeof n->look.id; i++)
		n->look.id[i] = n->buf[i * n->config.dies];
	if (addr4_sign(n) != NULL)
		vf_n_go(n, NOR_LOOK_ADDR4);
	else
		vf_n_run(n, NOR_SCRIPT_RESET, NOR_ID);
}

static void look_addr4(vf_nor *n, bool answered)
{
	const struct addr4_sign *sign = addr4_sign(n);

	if (sign != NULL && !answered) {
		vf_n_bus_read(n, sign->opcode, 1);
		return;
	}
	n->look.addr4 = sign != NULL && (n->buf[0] & sign->bit) != 0;
	vf_n_run(n, NOR_SCRIPT_RESET, NOR_ID);
}

/* As it is left to the operations. */
static void look_status(vf_nor *n, bool answered)
{
	const bool second =
		n->chip.quad == VF_NOR_QUAD_SR2_BIT1 || n->chip.quad == VF_NOR_QUAD_SR2_31H;

	if (answered) {
		for (unsigned i = 0; i < n->config.dies; i++)
			n->look.status[i][n->pass] = n->buf[i];
		n->pass++;
	}
	if (n->pass == (second ? 2 : 1)) {
		n->look.status_known = n->pass;
		vf_n_go(n, NOR_READY);
	} else if (!answered) {
		vf_n_bus_read(n, n->pass == 0 ? OP_RDSR : OP_RDSR2, 1);
	}
}

static void look_state(vf_nor *n, bool answered)
{
	switch (n->state) {
	case NOR_LOOK_FIRST:
		look_first(n, answered);
		break;
	case NOR_LOOK_ID:
		look_id(n, answered);
		break;
	case NOR_LOOK_ADDR4:
		look_addr4(n, answered);
		break;
	default:
		look_status(n, answered);
		break;
	}
}

/* Only now are id and register known by which the looks are judged. */
static uint8_t judge(const vf_nor *n)
{
	const uint8_t ready = n->look.status[0][0], *first = n->look.first;
	/* The probe itself may have set the quad enable bit. */
	const uint8_t moves = n->chip.quad == VF_NOR_QUAD_SR1_BIT6 ? 0x40 : 0;
	const uint8_t steady = (uint8_t) ~(SR_WIP | SR_WEL | moves);
	const bool one = !n->look.unsteady && ((first[0] ^ ready) & steady) == 0;
	const bool four = n->config.lanes == 4 && ((first[1] ^ ready) & steady) == 0;
	uint8_t found = VF_FOUND_KNOWN;

	if (four && !one)
		return found | VF_FOUND_QPI;
	if (memcmp(n->look.id, n->chip.id, sizeof n->look.id) != 0)
		return found | VF_FOUND_ASLEEP;
	if (n->look.addr4)
		found |= VF_FOUND_ADDR4;
	if (!one)
		found |= VF_FOUND_CONTINUOUS;
	else if ((~first[0] & (SR_WIP | SR_WEL)) == 0)
		found |= VF_FOUND_BUSY;
	return found;
}

static uint8_t quad(const vf_nor *n)
{
	if (n->chip.quad == VF_NOR_QUAD_UNKNOWN)
		return VF_CONDITION_QUAD_UNKNOWN;
	if (n->chip.quad == VF_NOR_QUAD_NONE || n->config.lanes != 4)
		return VF_CONDITION_QUAD_NONE;
	return n->chip.read_lanes == 4 || n->chip.program_lanes == 4 ? VF_CONDITION_QUAD_ON
								     : VF_CONDITION_QUAD_REFUSED;
}

static void condition(const vf_nor *n, vf_condition *c)
{
	const vf_nor_chip *chip = &n->chip;

	c->known = true;
	c->source = (uint8_t)((chip->sfdp ? VF_CONDITION_SFDP : 0) |
			      (chip->from_table ? VF_CONDITION_TABLE : 0));
	c->found = judge(n);
	c->quad = quad(n);
	c->lanes = (uint8_t)(chip->read_lanes | chip->program_lanes << 4);
	c->complemented = n->complemented;
	c->registers = n->look.status_known;
	c->protect_mask = n->protect_mask;
	memcpy(c->status, n->look.status, sizeof c->status);
	for (size_t i = 0;
	     chip->conflict != NULL && chip->conflict[i] != '\0' && i + 1 < sizeof c->conflict; i++)
		c->conflict[i] = chip->conflict[i];
}

const struct vf_nor_look_source vf_nor_look_source = {look_state, condition};
