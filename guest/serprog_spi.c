/* serprog_spi.c - an SPI operation as the client words it -> a bus transaction, or a refusal.
 *
 * Array commands are put into the form in which the driver uses the chip (opcode and address
 * bytes), so neither the client's 4-byte mode nor its bank register exists in the chip, and
 * the address that is compared with protected ranges is the one that goes out.
 */
#include <string.h>

#include "serprog_spi.h"

enum { MB16 = 1 << 24, SR_BIT6 = 0x40, SR_LASTING = 0xFC };

/* AbH twice: alone it wakes, with three dummy bytes it asks for the old one-byte id. */
static const vf_serprog_known table[] = {
	{0x9F, VF_SP_REGISTER, 0, 0},
	{0x9E, VF_SP_REGISTER, 0, 0},
	{0x05, VF_SP_REGISTER, 0, 0},
	{0x35, VF_SP_REGISTER, 0, 0},
	{0x15, VF_SP_REGISTER, 0, 0},
	{0x70, VF_SP_REGISTER, 0, 0},
	{0x2B, VF_SP_REGISTER, 0, 0},
	{0x90, VF_SP_IDENTIFY, 3, 0},
	{0xAB, VF_SP_COMMAND, 0, 0},
	{0xAB, VF_SP_IDENTIFY, 3, 0},
	{0x5A, VF_SP_SFDP, 3, 1},
	{0x03, VF_SP_READ, VF_SP_BY_MODE, 0},
	{0x0B, VF_SP_READ, VF_SP_BY_MODE, 1},
	{0x13, VF_SP_READ, 4, 0},
	{0x0C, VF_SP_READ, 4, 1},
	{0x06, VF_SP_ENABLE, 0, 0},
	{0x50, VF_SP_ENABLE, 0, 0},
	{0x04, VF_SP_COMMAND, 0, 0},
	{0x30, VF_SP_COMMAND, 0, 0},
	{0x01, VF_SP_STATUS, 0, 0},
	{0x31, VF_SP_STATUS, 0, 0},
	{0x11, VF_SP_STATUS, 0, 0},
	{0x02, VF_SP_PROGRAM, VF_SP_BY_MODE, 0},
	{0x12, VF_SP_PROGRAM, 4, 0},
	{0x20, VF_SP_ERASE, VF_SP_BY_MODE, 0},
	{0x52, VF_SP_ERASE, VF_SP_BY_MODE, 0},
	{0xD8, VF_SP_ERASE, VF_SP_BY_MODE, 0},
	{0x21, VF_SP_ERASE, 4, 0},
	{0x5C, VF_SP_ERASE, 4, 0},
	{0xDC, VF_SP_ERASE, 4, 0},
	{0x60, VF_SP_ERASE_ALL, 0, 0},
	{0xC7, VF_SP_ERASE_ALL, 0, 0},
	{0xB7, VF_SP_ADDRESS4, 0, 0},
	{0xE9, VF_SP_ADDRESS3, 0, 0},
	{0xC5, VF_SP_BANK, 0, 0},
	{0x17, VF_SP_BANK, 0, 0},
	{0xC8, VF_SP_BANK_READ, 0, 0},
	{0x16, VF_SP_BANK_READ, 0, 0},
};

uint32_t vf_sp_half(const vf_serprog *s)
{
	uint32_t half = (s->config.buf_len / 2) & ~(uint32_t)31;
	uint32_t most = s->config.nor->config.max_transfer & ~(uint32_t)31;
	return half < most ? half : most;
}

static uint8_t address_bytes(const vf_serprog *s)
{
	if (s->known->bytes == VF_SP_BY_MODE)
		return s->four ? 4 : 3;
	return s->known->bytes;
}

static bool takes_data(const vf_serprog_known *k)
{
	return k->kind == VF_SP_STATUS || k->kind == VF_SP_PROGRAM || k->kind == VF_SP_BANK;
}

/* The chip would leave its line alone. flashrom 1.3 takes an EEPROM for found where such a
 * question is refused. */
static bool absent(vf_serprog *s)
{
	static const vf_serprog_known unknown = {0, VF_SP_ABSENT, 0, 0};
	s->known = &unknown;
	s->head_max = VF_SERPROG_HEAD;
	return s->send_len <= VF_SERPROG_HEAD && s->read_len != 0 &&
	       s->read_len <= VF_SP_ABSENT_MAX;
}

/* Of SFDP flashrom does not send the dummy byte, but reads one more. */
bool vf_sp_recognise(vf_serprog *s, uint8_t opcode)
{
	bool known = false;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (table[i].opcode != opcode)
			continue;
		known = true;
		s->known = &table[i];
		s->head_max = (uint8_t)(1 + address_bytes(s) + table[i].dummy);
		s->sfdp_pad = s->known->kind == VF_SP_SFDP && s->send_len + 1 == s->head_max;
		s->head_max = (uint8_t)(s->head_max - s->sfdp_pad);
		if (takes_data(s->known) ? s->send_len > s->head_max : s->send_len == s->head_max)
			return true;
	}
	return !known && absent(s);
}

bool vf_sp_reads(const vf_serprog *s)
{
	return s->known->kind <= VF_SP_READ;
}

bool vf_sp_changes(const vf_serprog *s)
{
	return s->known->kind >= VF_SP_PROGRAM && s->known->kind <= VF_SP_ERASE_ALL;
}

bool vf_sp_enabled(const vf_serprog *s)
{
	return s->known->kind == VF_SP_STATUS || vf_sp_changes(s);
}

/* --- where ------------------------------------------------------------------------------- */

static uint32_t raw_address(const vf_serprog *s)
{
	uint32_t address = 0;
	for (unsigned i = 0; i < address_bytes(s); i++)
		address = address << 8 | s->head[1 + i];
	return address;
}

/* The offset that the client means; false where the chip has none such. */
static bool locate(const vf_serprog *s, uint32_t *offset)
{
	uint32_t size = s->config.memory->size;
	*offset = raw_address(s);
	if (address_bytes(s) == 4 ? size <= MB16 : false)
		return false;
	if (address_bytes(s) == 3)
		*offset |= (uint32_t)s->bank << 24;
	return *offset < size;
}

/* May all of it be changed? */
static bool unprotected(const vf_serprog *s)
{
	const vf_memory *m = s->config.memory;
	for (unsigned i = 0; i < m->protects; i++) {
		const vf_range *p = &m->protect[i];
		if (s->range.offset < p->offset + p->len &&
		    p->offset < s->range.offset + s->range.len)
			return false;
	}
	return (m->flags & VF_MEMORY_WRITE) != 0;
}

/* --- the transaction --------------------------------------------------------------------- */

static void address(vf_serprog *s, uint8_t bytes, uint8_t lanes, uint32_t at)
{
	s->op.addr_bytes = bytes;
	s->op.addr_lanes = lanes;
	s->op.addr = at;
}

static void reading(vf_serprog *s, uint8_t lanes)
{
	s->op.dir = VF_BUS_READ;
	s->op.data_lanes = lanes;
	s->left = s->read_len;
}

static void writing(vf_serprog *s)
{
	s->op.dir = VF_BUS_WRITE;
	s->op.data_lanes = 1;
	s->op.tx = s->config.buf;
	s->op.len = s->data_len;
}

static bool prepare_read(vf_serprog *s)
{
	const vf_nor_chip *c = &s->config.nor->chip;
	if (!locate(s, &s->at) || s->read_len > s->config.memory->size - s->at)
		return false;
	s->op.opcode = c->read_opcode;
	s->op.mode_bits = c->read_mode_bits;
	s->op.mode = c->read_mode_bits != 0 ? 0xFF : 0;
	s->op.dummy = c->read_dummy;
	address(s, c->addr_bytes, c->read_addr_lanes, s->at);
	reading(s, c->read_lanes);
	return true;
}

/* A page program that runs past the end of its page goes on at its begin. */
static bool prepare_program(vf_serprog *s)
{
	const vf_nor_chip *c = &s->config.nor->chip;
	uint32_t page = s->config.memory->page, offset;
	if (!locate(s, &offset) || s->data_len > page)
		return false;
	s->range = (vf_range){offset, s->data_len};
	if ((offset & (page - 1)) + s->data_len > page)
		s->range = (vf_range){offset & ~(page - 1), page};
	s->op.opcode = c->addr4 == VF_NOR_ADDR4_OPCODES ? 0x12 : 0x02;
	address(s, c->addr_bytes, 1, offset);
	writing(s);
	return unprotected(s);
}

/* The same erase with the address bytes that the mode says. */
static uint8_t short_form(uint8_t opcode)
{
	switch (opcode) {
	case 0x21:
		return 0x20;
	case 0x5C:
		return 0x52;
	case 0xDC:
		return 0xD8;
	default:
		return opcode;
	}
}

/* What the driver does not know the size of is not sent. */
static bool prepare_erase(vf_serprog *s)
{
	const vf_nor_chip *c = &s->config.nor->chip;
	const vf_memory *m = s->config.memory;
	uint32_t offset;
	if (!locate(s, &offset))
		return false;
	for (unsigned i = 0; i < m->erase_types; i++) {
		uint32_t size = m->erase[i].size;
		if (size == m->size || short_form(c->erase_opcode[i]) != short_form(s->head[0]))
			continue;
		s->range = (vf_range){offset & ~(size - 1), size};
		s->op.opcode = c->erase_opcode[i];
		address(s, c->addr_bytes, 1, s->range.offset);
		return unprotected(s);
	}
	return false;
}

static bool prepare_erase_all(vf_serprog *s)
{
	const vf_memory *m = s->config.memory;
	s->range = (vf_range){0, m->size};
	for (unsigned i = 0; i < m->erase_types; i++) {
		if (m->erase[i].size != m->size)
			continue;
		s->op.opcode = s->config.nor->chip.erase_opcode[i];
		return unprotected(s);
	}
	return false;
}

/* Where something is protected (the board's own journal) nobody may lock the chip: block
 * protection, its complement and one-time bits stay as they are, or are cleared. */
static bool prepare_status(vf_serprog *s)
{
	uint8_t lasting = SR_LASTING;
	if (s->config.nor->chip.quad == VF_NOR_QUAD_SR1_BIT6)
		lasting &= (uint8_t)~SR_BIT6;
	if ((s->config.memory->flags & VF_MEMORY_WRITE) == 0 || s->data_len > 2)
		return false;
	if (s->config.memory->protects != 0 &&
	    (s->head[0] != 0x01 || s->data_len != 1 || (s->config.buf[0] & lasting) != 0))
		return false;
	writing(s);
	return true;
}

static bool prepare_look(vf_serprog *s)
{
	if (s->known->kind != VF_SP_REGISTER)
		address(s, 3, 1, raw_address(s));
	s->at = s->op.addr;
	s->op.dummy = (uint8_t)(8 * s->known->dummy);
	reading(s, 1);
	if (s->sfdp_pad >= s->left)
		return false;
	s->left -= s->sfdp_pad;
	return s->known->kind == VF_SP_SFDP || s->read_len <= vf_sp_half(s);
}

/* What the chip is not told: only chips that need it have a fourth address byte. */
static bool prepare_address(vf_serprog *s)
{
	uint8_t kind = s->known->kind;
	if (s->config.memory->size <= MB16)
		return false;
	if (kind == VF_SP_BANK) {
		s->bank = s->config.buf[0];
		return s->data_len == 1;
	}
	if (kind == VF_SP_BANK_READ)
		return s->read_len == 1;
	s->four = kind == VF_SP_ADDRESS4;
	return true;
}

bool vf_sp_prepare(vf_serprog *s)
{
	bool answers = vf_sp_reads(s) || s->known->kind >= VF_SP_BANK_READ;
	memset(&s->op, 0, sizeof s->op);
	s->op.opcode = s->head[0];
	s->op.opcode_lanes = 1;
	s->left = 0;
	if (answers != (s->read_len != 0) || (vf_sp_enabled(s) && s->enable == 0))
		return false;
	switch (s->known->kind) {
	case VF_SP_REGISTER:
	case VF_SP_IDENTIFY:
	case VF_SP_SFDP:
		return prepare_look(s);
	case VF_SP_READ:
		return prepare_read(s);
	case VF_SP_STATUS:
		return prepare_status(s);
	case VF_SP_PROGRAM:
		return prepare_program(s);
	case VF_SP_ERASE:
		return prepare_erase(s);
	case VF_SP_ERASE_ALL:
		return prepare_erase_all(s);
	case VF_SP_COMMAND:
	case VF_SP_ENABLE:
	case VF_SP_ABSENT:
		return true;
	default:
		return prepare_address(s);
	}
}
