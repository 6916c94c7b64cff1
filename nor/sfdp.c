/* sfdp.c - what the chip says of itself (JESD216): reading the tables in pieces
 * of eight bytes, and turning them into facts. Nothing in them is believed
 * before it was bounded; a table that makes no sense is no table.
 */
#include <string.h>

#include "nor_internal.h"

enum { PIECE = 8, HEADERS_MAX = 8, BASIC_MIN = 9 };

static void sfdp_ask(vf_nor *n, uint32_t at)
{
	vf_n_bus_read(n, OP_SFDP, PIECE);
	n->bus.addr_bytes = 3;
	n->bus.addr_lanes = 1;
	n->bus.addr = at * n->config.dies;
	n->bus.dummy = 8;
}

static bool sfdp_answer(vf_nor *n)
{
	return vf_n_gather(n, PIECE, PIECE);
}

static uint32_t word(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void state_head(vf_nor *n, bool answered)
{
	if (!answered) {
		sfdp_ask(n, 0);
		return;
	}
	if (!sfdp_answer(n))
		return;
	/* "SFDP", a minor and a major revision, the count of headers less one. */
	if (word(n->buf) != 0x50444653u || n->buf[5] != 1) {
		vf_n_go(n, NOR_IDENTIFY);
		return;
	}
	n->u.sfdp.headers = n->buf[6] < HEADERS_MAX ? (uint8_t)(n->buf[6] + 1) : HEADERS_MAX;
	vf_n_go(n, NOR_SFDP_HEADER);
}

/* Remembers where a table is that we know what to do with. Of several basic
 * tables the newest counts. */
static void take_header(vf_nor *n, const uint8_t *header)
{
	uint8_t words = header[3];
	uint32_t at = word(header + 4) & 0xFFFFFFu;
	uint32_t id = (uint32_t)header[7] << 8 | header[0];

	if (header[2] != 1 || at > 0x700000u)
		return;
	if (id == 0xFF00u && words >= BASIC_MIN &&
	    (n->u.sfdp.words == 0 || header[1] >= n->u.sfdp.minor)) {
		n->u.sfdp.basic_at = at;
		n->u.sfdp.words = words < 16 ? words : 16;
		n->u.sfdp.minor = header[1];
	} else if (id == 0xFF84u && words >= 2) {
		n->u.sfdp.four_at = at;
	} else if (id == 0xFF81u) {
		n->u.sfdp.sector_map = true;
	}
}

static void state_header(vf_nor *n, bool answered)
{
	if (!answered) {
		sfdp_ask(n, PIECE + (uint32_t)n->pass * PIECE);
		return;
	}
	if (!sfdp_answer(n))
		return;
	take_header(n, n->buf);
	if (++n->pass == n->u.sfdp.headers)
		vf_n_go(n, n->u.sfdp.words != 0 ? NOR_SFDP_BASIC : NOR_IDENTIFY);
}

/* Two words at a time; a ninth word's neighbour is read and dropped. */
static void state_basic(vf_nor *n, bool answered)
{
	uint8_t at = (uint8_t)(n->pass * 2);

	if (!answered) {
		sfdp_ask(n, n->u.sfdp.basic_at + (uint32_t)at * 4);
		return;
	}
	if (!sfdp_answer(n))
		return;
	n->u.sfdp.basic[at] = word(n->buf);
	if (at + 1 < n->u.sfdp.words)
		n->u.sfdp.basic[at + 1] = word(n->buf + 4);
	n->pass++;
	if (at + 2 >= n->u.sfdp.words)
		vf_n_go(n, n->u.sfdp.four_at != 0 ? NOR_SFDP_FOUR : NOR_IDENTIFY);
}

static void state_four(vf_nor *n, bool answered)
{
	if (!answered) {
		sfdp_ask(n, n->u.sfdp.four_at);
		return;
	}
	if (!sfdp_answer(n))
		return;
	n->u.sfdp.four[0] = word(n->buf);
	n->u.sfdp.four[1] = word(n->buf + 4);
	vf_n_go(n, NOR_IDENTIFY);
}

static void sfdp_state(vf_nor *n, bool answered, uint32_t now_us)
{
	(void)now_us;
	if (n->state == NOR_SFDP_HEAD)
		state_head(n, answered);
	else if (n->state == NOR_SFDP_HEADER)
		state_header(n, answered);
	else if (n->state == NOR_SFDP_BASIC)
		state_basic(n, answered);
	else
		state_four(n, answered);
}

/* From here on: words into facts. `d` counts from 0 where JESD216 counts from 1. */

/* Bytes of a die as a power of two; 0 = nonsense. */
static uint8_t density(uint32_t d)
{
	uint8_t bits = 0;

	if ((d & 0x80000000u) != 0) {
		d &= 0x7FFFFFFFu;
		return d >= 19 && d <= 34 ? (uint8_t)(d - 3) : 0;
	}
	d++;
	if ((d & (d - 1)) != 0)
		return 0;
	while (bits < 31 && 1u << bits < d)
		bits++;
	return bits >= 19 ? (uint8_t)(bits - 3) : 0;
}

/* An opcode from SFDP goes to the chip as it is, so only those that are known to
 * erase a block are taken. */
static bool erases3(uint8_t opcode)
{
	return opcode == 0x20 || opcode == 0xD7 || opcode == 0x52 || opcode == 0xD8 ||
	       opcode == 0x40;
}

static bool erases4(uint8_t opcode)
{
	return opcode == 0x21 || opcode == 0x5C || opcode == 0xDC;
}

static void erase_time(struct nor_erase_fact *e, uint32_t d, uint8_t type)
{
	static const uint16_t unit_ms[4] = {1, 16, 128, 1000};
	uint32_t field = d >> (4 + 7 * type);

	e->typ_ms = ((field & 31) + 1) * unit_ms[field >> 5 & 3];
	e->max_ms = e->typ_ms * 2 * ((d & 15) + 1);
}

static void erase_facts(const vf_nor *n, struct nor_facts *f)
{
	const uint32_t *d = n->u.sfdp.basic;

	for (uint8_t type = 0; type < 4; type++) {
		uint32_t half = d[7 + type / 2] >> (type % 2 * 16);
		struct nor_erase_fact *e = &f->erase[f->erases];

		e->size_log2 = (uint8_t)half;
		e->opcode = (uint8_t)(half >> 8);
		if (e->size_log2 < 12 || e->size_log2 >= f->size_log2 || !erases3(e->opcode))
			continue;
		e->opcode4 = (uint8_t)(n->u.sfdp.four[1] >> (8 * type));
		if ((n->u.sfdp.four[0] >> (9 + type) & 1) == 0 || !erases4(e->opcode4))
			e->opcode4 = 0;
		if (n->u.sfdp.words >= 10)
			erase_time(e, d[9], type);
		f->erases++;
	}
}

/* Programming and whole-chip times, from the word that came with JESD216A. */
static void page_facts(const vf_nor *n, struct nor_facts *f)
{
	static const uint16_t unit_ms[4] = {16, 256, 4000, 64000};
	uint32_t d = n->u.sfdp.basic[10];
	uint32_t factor = 2 * ((d & 15) + 1);
	uint32_t typ = ((d >> 24 & 31) + 1) * unit_ms[d >> 29 & 3];

	f->page_log2 = (uint8_t)(d >> 4 & 15);
	f->page_typ_us = ((d >> 8 & 31) + 1) * ((d >> 13 & 1) != 0 ? 64u : 8u);
	f->page_max_us = f->page_typ_us * factor;
	/* The table cannot say that there is no erase of the whole chip. A time
	 * shorter than a block's says it. */
	for (uint8_t i = 0; i < f->erases; i++)
		if (typ < f->erase[i].typ_ms)
			return;
	/* A Micron package of more than 64 MB is up to four dies behind one another:
	 * it has no such erase, and its dies report ready in turn. */
	if (f->poll == VF_NOR_POLL_FLAGS && f->size_log2 > 26) {
		f->stacked = 4;
		return;
	}
	f->chip_typ_ms = typ;
	f->chip_max_ms = typ * factor;
}

struct read_word {
	uint8_t opcode;  /* the only one this read is known by */
	uint8_t support; /* bit of word 1 */
	uint8_t at;      /* half-word from word 3 on */
	uint8_t four;    /* bit of the 4-byte-address table */
};

static void read_facts(const vf_nor *n, struct nor_facts *f)
{
	static const struct read_word reads[NOR_READS] = {
		[NOR_READ_114] = {0x6B, 22, 1, 4},
		[NOR_READ_144] = {0xEB, 21, 0, 5},
		[NOR_READ_112] = {0x3B, 16, 2, 2},
		[NOR_READ_122] = {0xBB, 20, 3, 3},
	};
	const uint32_t *d = n->u.sfdp.basic;

	for (unsigned i = 0; i < NOR_READS; i++) {
		const struct read_word *r = &reads[i];
		uint32_t half = d[2 + r->at / 2] >> (r->at % 2 * 16);
		bool missing =
			f->addr4 == VF_NOR_ADDR4_OPCODES && (n->u.sfdp.four[0] >> r->four & 1) == 0;

		if ((d[0] >> r->support & 1) == 0 || (half >> 8 & 0xFF) != r->opcode || missing)
			continue;
		f->read[i] = (uint16_t)half;
	}
}

static uint8_t quad_fact(const vf_nor *n)
{
	static const uint8_t by_code[8] = {
		VF_NOR_QUAD_NONE,    VF_NOR_QUAD_SR2_BIT1, VF_NOR_QUAD_SR1_BIT6,
		VF_NOR_QUAD_UNKNOWN, VF_NOR_QUAD_SR2_BIT1, VF_NOR_QUAD_SR2_BIT1,
		VF_NOR_QUAD_SR2_31H, VF_NOR_QUAD_UNKNOWN,
	};

	if (n->u.sfdp.words < 15)
		return n->chip.id[0] == 0x20 ? VF_NOR_QUAD_NONE : VF_NOR_QUAD_UNKNOWN;
	return by_code[n->u.sfdp.basic[14] >> 20 & 7];
}

/* Dedicated opcodes count when fast read, page program and some erase have them. */
static void addr4_facts(const vf_nor *n, struct nor_facts *f)
{
	const uint32_t *d = n->u.sfdp.basic;
	uint32_t four = n->u.sfdp.four[0];
	bool enters = n->u.sfdp.words >= 16 && (d[15] >> 24 & 0x43) != 0;
	bool opcodes = false;

	for (uint8_t i = 0; i < f->erases; i++)
		opcodes = opcodes || f->erase[i].opcode4 != 0;
	if (opcodes && (four & 0x42) == 0x42) {
		f->addr4 = VF_NOR_ADDR4_OPCODES;
		f->program4 = (four >> 7 & 1) != 0 ? 0x34 : (four >> 8 & 1) != 0 ? 0x3E : 0;
	} else if (enters || (d[0] >> 17 & 3) == 2) {
		f->addr4 = VF_NOR_ADDR4_ENTER;
	}
}

/* Fills `f` from the tables that were read. False if they are missing, or not
 * enough to work with. A part that programs single bytes only, one with sectors
 * of several sizes, and one whose upper half has no address are such. */
static bool sfdp_facts(const vf_nor *n, struct nor_facts *f)
{
	const uint32_t *d = n->u.sfdp.basic;

	memset(f, 0, sizeof *f);
	if (n->u.sfdp.words < BASIC_MIN)
		return false;
	f->size_log2 = density(d[1]);
	if (f->size_log2 == 0 || (d[0] >> 17 & 3) == 3)
		return false;
	f->stacked = 1;
	f->protect_mask = 0x3C;
	f->poll = n->chip.id[0] == 0x20 && n->u.sfdp.words >= 14 && (d[13] >> 3 & 1) != 0
			  ? VF_NOR_POLL_FLAGS
			  : VF_NOR_POLL_WIP;
	f->quad = quad_fact(n);
	erase_facts(n, f);
	if (n->u.sfdp.words >= 11)
		page_facts(n, f);
	else if ((d[0] >> 2 & 1) == 0)
		return false;
	if (n->u.sfdp.words >= 11 && (f->page_log2 < 5 || f->page_log2 > 12))
		return false;
	addr4_facts(n, f);
	read_facts(n, f);
	return true;
}

const struct vf_nor_sfdp_source vf_nor_sfdp_source = {sfdp_state, sfdp_facts, vf_n_disagreement};
