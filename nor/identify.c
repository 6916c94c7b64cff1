/* identify.c - the second half of a probe: SFDP and table are compared, the
 * memory is described, quad and 4-byte addressing are switched on.
 */
#include <string.h>

#include "nor_internal.h"

/* Where SFDP is silent about times. */
enum { PAGE_MAX_US = 10000, BLOCK_MAX_MS = 8000, LONGEST_MS = 2147483 };

static bool same_type(const vf_memory *m, uint32_t size)
{
	for (uint8_t i = 0; i < m->erase_types; i++)
		if (m->erase[i].size == size)
			return true;
	return false;
}

static uint32_t in_us(uint32_t ms)
{
	return ms < LONGEST_MS ? ms * 1000 : LONGEST_MS * 1000u;
}

/* Keeps the list ascending; of two of one size the first stays. */
static void add_erase(vf_nor *n, uint32_t size, uint8_t opcode, uint32_t typ_ms, uint32_t max_ms)
{
	vf_erase_type *e = n->memory.erase + n->memory.erase_types;
	uint8_t *to = n->chip.erase_opcode + n->memory.erase_types;

	if (same_type(&n->memory, size))
		return;
	for (; e > n->memory.erase && e[-1].size > size; e--, to--) {
		e[0] = e[-1];
		to[0] = to[-1];
	}
	e->size = size;
	e->typ_us = in_us(typ_ms);
	e->max_us = in_us(max_ms != 0 ? max_ms : BLOCK_MAX_MS);
	*to = opcode;
	n->memory.erase_types++;
}

/* Erases smaller than a page, and those whose opcode has no form with a 4-byte
 * address where that is needed, are left out. */
static void describe_erases(vf_nor *n, const struct nor_facts *f)
{
	uint8_t shift = n->config.dies == 2 ? 1 : 0;

	for (uint8_t i = 0; i < f->erases; i++) {
		const struct nor_erase_fact *e = &f->erase[i];
		uint8_t opcode = n->chip.addr4 == VF_NOR_ADDR4_OPCODES ? e->opcode4 : e->opcode;

		if (opcode != 0 && 1u << (e->size_log2 + shift) >= n->memory.page)
			add_erase(n, 1u << (e->size_log2 + shift), opcode, e->typ_ms, e->max_ms);
	}
	if (f->chip_max_ms != 0)
		add_erase(n, n->memory.size, OP_CHIP_ERASE, f->chip_typ_ms, f->chip_max_ms);
}

static void describe_name(vf_nor *n, const char *name)
{
	static const char digits[] = "0123456789ABCDEF";
	vf_memory *m = &n->memory;

	if (name != NULL) {
		for (size_t i = 0; name[i] != '\0' && i + 1 < sizeof m->name; i++)
			m->name[i] = name[i];
		return;
	}
	memcpy(m->name, "JEDEC ", 6);
	for (uint8_t i = 0; i < 3; i++) {
		m->name[6 + 2 * i] = digits[n->chip.id[i] >> 4];
		m->name[7 + 2 * i] = digits[n->chip.id[i] & 15];
	}
}

static void describe_memory(vf_nor *n, const struct nor_facts *f, const char *name)
{
	vf_memory *m = &n->memory;
	uint8_t shift = n->config.dies == 2 ? 1 : 0;

	describe_name(n, name);
	m->kind = VF_MEMORY_NOR;
	m->flags = VF_MEMORY_READ | VF_MEMORY_WRITE | (f->reprogram ? VF_MEMORY_REPROGRAM : 0);
	m->dies = n->config.dies;
	m->id_len = n->chip.id[0] == 0x20 || n->chip.id[0] == 0x01 ? 6 : 3;
	memcpy(m->id, n->chip.id, m->id_len);
	m->base = n->config.base;
	m->size = 1u << (f->size_log2 + shift);
	m->page = 1u << ((f->page_log2 != 0 ? f->page_log2 : 8) + shift);
	while (m->page > n->config.max_transfer)
		m->page >>= 1;
	m->unit = n->config.dies;
	m->page_typ_us = f->page_typ_us;
	m->page_max_us = f->page_max_us != 0 ? f->page_max_us : PAGE_MAX_US;
	describe_erases(n, f);
}

/* Reads and programs on one lane: what every chip can. */
void vf_n_one_lane(vf_nor *n)
{
	bool four = n->chip.addr4 == VF_NOR_ADDR4_OPCODES;

	n->chip.read_opcode = four ? OP_FAST_READ4 : OP_FAST_READ;
	n->chip.read_addr_lanes = n->chip.read_lanes = 1;
	n->chip.read_dummy = 8;
	n->chip.read_mode_bits = 0;
	n->chip.program_opcode = four ? OP_PROGRAM4 : OP_PROGRAM;
	n->chip.program_lanes = n->chip.program_addr_lanes = 1;
	n->memory.read_rate = n->config.bus_hz / 8 * n->config.dies;
}

/* The widest read the controller can do. Mode clocks that make up a byte are
 * driven (with ones, which begins no continuous read anywhere); others count as
 * dummy clocks. Each form with a 4-byte address is the next opcode. */
static void choose_read(vf_nor *n, const struct nor_facts *f, uint8_t most)
{
	vf_nor_chip *c = &n->chip;

	for (unsigned i = 0; i < NOR_READS; i++) {
		uint8_t lanes = i <= NOR_READ_144 ? 4 : 2;
		uint8_t addr_lanes = (i & 1) != 0 ? lanes : 1;
		uint8_t mode = f->read[i] >> 5 & 7;

		if (f->read[i] == 0 || lanes > most)
			continue;
		c->read_opcode = (uint8_t)((f->read[i] >> 8) + (c->addr4 == VF_NOR_ADDR4_OPCODES));
		c->read_lanes = lanes;
		c->read_addr_lanes = addr_lanes;
		c->read_dummy = f->read[i] & 31;
		if (mode * addr_lanes == 8)
			c->read_mode_bits = 8;
		else
			c->read_dummy = (uint8_t)(c->read_dummy + mode);
		n->memory.read_rate *= lanes;
		return;
	}
}

static void choose_lanes(vf_nor *n, const struct nor_facts *f)
{
	uint8_t most = n->config.lanes;

	vf_n_one_lane(n);
	if (most == 4 && f->quad == VF_NOR_QUAD_UNKNOWN)
		most = 2;
	choose_read(n, f, most);
	if (f->program4 == 0 || most != 4)
		return;
	n->chip.program_opcode = f->program4;
	if (n->chip.addr4 != VF_NOR_ADDR4_OPCODES)
		n->chip.program_opcode = f->program4 == 0x34 ? 0x32 : 0x38;
	n->chip.program_lanes = 4;
	n->chip.program_addr_lanes = f->program4 == 0x34 ? 1 : 4;
}

/* What the controller cannot do for this chip; NULL if it can. */
static const char *out_of_reach(const vf_nor *n, const struct nor_facts *f)
{
	uint8_t size_log2 = (uint8_t)(f->size_log2 + (n->config.dies == 2));

	if (size_log2 > 31 || (n->config.base != 0 && (1u << size_log2) - 1 > ~n->config.base))
		return "end of address space";
	if (f->size_log2 > 24 && n->config.addr_bytes < 4)
		return "address bytes of the controller";
	return NULL;
}

/* Only a memory with a whole description is taken: it has an erase that leaves
 * nothing out, and a way to address all of it. */
static int apply(vf_nor *n, const struct nor_facts *f, const char *name)
{
	vf_nor_chip *c = &n->chip;
	const char *lack = out_of_reach(n, f);

	if (lack != NULL) {
		c->conflict = lack;
		return VF_E_CONFLICT;
	}
	c->addr4 = f->size_log2 > 24 ? f->addr4 : VF_NOR_ADDR4_NONE;
	if (f->size_log2 > 24 && f->addr4 == VF_NOR_ADDR4_NONE)
		return VF_E_UNKNOWN_CHIP;
	c->addr_bytes = f->size_log2 > 24 ? 4 : 3;
	c->poll = f->poll;
	c->quad = f->quad;
	c->stacked = f->stacked;
	n->protect_mask = f->protect_mask;
	describe_memory(n, f, name);
	if (n->memory.erase_types == 0 || n->memory.erase[0].size == n->memory.size)
		return VF_E_UNKNOWN_CHIP;
	choose_lanes(n, f);
	return VF_OK;
}

static int by_table(vf_nor *n, const struct nor_facts *table, const char *name)
{
	struct nor_facts sfdp;

	n->chip.from_table = true;
	if (n->sources.sfdp != NULL && n->sources.sfdp->facts(n, &sfdp)) {
		n->chip.sfdp = true;
		n->chip.conflict = n->sources.sfdp->disagreement(&sfdp, table);
		if (n->chip.conflict != NULL && !n->config.trust_table)
			return VF_E_CONFLICT;
	}
	return apply(n, table, name);
}

int vf_n_identify(vf_nor *n)
{
	struct nor_facts facts;
	const char *name = NULL;

	if (n->sources.parts != NULL)
		name = n->sources.parts->facts(n->chip.id, &facts);
	if (name != NULL)
		return by_table(n, &facts, name);
	if (n->sources.sfdp == NULL || !n->sources.sfdp->facts(n, &facts) || n->u.sfdp.sector_map)
		return VF_E_UNKNOWN_CHIP;
	n->chip.sfdp = n->chip.from_sfdp = true;
	return apply(n, &facts, NULL);
}

static void state_identify(vf_nor *n)
{
	int status = vf_n_identify(n);

	if (status == VF_OK)
		vf_n_go(n, NOR_QUAD_SR1);
	else
		vf_n_finish(n, status);
}

static bool wants_quad(const vf_nor *n)
{
	return n->chip.read_lanes == 4 || n->chip.program_lanes == 4;
}

/* The quad enable bit could not be set. Within one id GigaDevice changed how SR2
 * is written, so there the older way is tried too; otherwise one lane it is. */
static void quad_refused(vf_nor *n)
{
	n->status_written = false;
	if (n->chip.id[0] == 0xC8 && n->chip.quad == VF_NOR_QUAD_SR2_31H) {
		n->chip.quad = VF_NOR_QUAD_SR2_BIT1;
		vf_n_go(n, NOR_QUAD_SR1);
		return;
	}
	vf_n_one_lane(n);
	vf_n_go(n, NOR_ADDR4);
}

/* Looks at one status register of every die for the quad enable bit, and prepares
 * what is to be written where it is missing: all other bits stay as they are. */
static void quad_look(vf_nor *n, uint8_t bit, uint8_t *keep)
{
	bool set = true;

	for (uint8_t i = 0; i < n->config.dies; i++) {
		set = set && (n->buf[i] & bit) != 0;
		keep[i] = n->buf[i] | bit;
	}
	if (set || !wants_quad(n)) {
		vf_n_go(n, NOR_ADDR4);
	} else if (n->status_written) {
		quad_refused(n);
	} else {
		n->tries = 0;
		n->status_written = true;
		vf_n_go(n, NOR_WREN);
	}
}

static void state_quad_sr1(vf_nor *n, bool answered)
{
	if (n->chip.quad == VF_NOR_QUAD_NONE || n->chip.quad == VF_NOR_QUAD_UNKNOWN) {
		vf_n_go(n, NOR_ADDR4);
		return;
	}
	if (!answered) {
		vf_n_bus_read(n, OP_RDSR, 1);
		return;
	}
	for (uint8_t i = 0; i < n->config.dies; i++)
		n->buf[i] &= (uint8_t) ~(SR_WIP | SR_WEL);
	if (n->chip.quad == VF_NOR_QUAD_SR1_BIT6) {
		quad_look(n, 0x40, n->keep);
	} else {
		memcpy(n->keep, n->buf, n->config.dies);
		vf_n_go(n, NOR_QUAD_SR2);
	}
}

/* Bit 6 is CMP here, except on Spansion parts: it turns block protection into
 * its complement, so that "no blocks" becomes "all of them". */
static void state_quad_sr2(vf_nor *n, bool answered)
{
	if (!answered) {
		vf_n_bus_read(n, OP_RDSR2, 1);
		return;
	}
	for (uint8_t i = 0; i < n->config.dies; i++)
		if (n->chip.poll == VF_NOR_POLL_WIP && (n->buf[i] & 0x40) != 0)
			n->complemented = true;
	quad_look(n, 0x02, n->keep + n->config.dies);
}

static void state_addr4(vf_nor *n)
{
	if (n->chip.addr4 == VF_NOR_ADDR4_ENTER)
		vf_n_run(n, NOR_SCRIPT_ENTER4, NOR_ADDR4_CHECK);
	else
		vf_n_clear_then(n, n->sources.look != NULL ? NOR_LOOK_STATUS : NOR_READY);
}

/* A chip that stayed in 3-byte mode would take every command for another place.
 * Micron shows the mode; no other part of the table needs it. */
static void state_addr4_check(vf_nor *n, bool answered)
{
	bool entered = true;

	if (!answered && n->chip.poll == VF_NOR_POLL_FLAGS) {
		vf_n_bus_read(n, OP_RDFSR, 1);
		return;
	}
	for (uint8_t i = 0; answered && i < n->config.dies; i++)
		entered = entered && (n->buf[i] & FSR_ADDR4) != 0;
	if (entered) {
		vf_n_clear_then(n, n->sources.look != NULL ? NOR_LOOK_STATUS : NOR_READY);
	} else {
		n->chip.conflict = "4-byte mode";
		vf_n_finish(n, VF_E_CONFLICT);
	}
}

/* The SFDP words have been used up: their place is now the operations'. */
static void state_ready(vf_nor *n)
{
	memset(&n->u, 0, sizeof n->u);
	for (uint8_t i = 0; i < n->memory.erase_types; i++)
		n->u.run.seen_us[i] = n->memory.erase[i].typ_us;
	n->u.run.seen_us[VF_ERASE_TYPES_MAX] = n->memory.page_typ_us;
	n->limit_us = 0;
	n->ready = true;
	vf_n_finish(n, VF_OK);
}

void vf_n_identify_state(vf_nor *n, bool answered, uint32_t now_us)
{
	(void)now_us;
	switch (n->state) {
	case NOR_IDENTIFY:
		state_identify(n);
		break;
	case NOR_QUAD_SR1:
		state_quad_sr1(n, answered);
		break;
	case NOR_QUAD_SR2:
		state_quad_sr2(n, answered);
		break;
	case NOR_ADDR4:
		state_addr4(n);
		break;
	case NOR_ADDR4_CHECK:
		state_addr4_check(n, answered);
		break;
	default:
		state_ready(n);
		break;
	}
}
