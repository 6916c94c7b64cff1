/* parts.c - the parts we know by their id, because their SFDP is missing, poor or
 * loose about times. Figures are the manufacturers'. A new part is a new row;
 * of several rows that fit the first counts.
 */
#include <string.h>

#include "nor_internal.h"

enum {
	E4K = 1 << 0,      /* 20h, 21h */
	E32K = 1 << 1,     /* 52h, 5Ch */
	E64K = 1 << 2,     /* D8h, DCh */
	E256K = 1 << 3,    /* D8h, DCh too: the only size of its part */
	CHIP = 1 << 4,     /* C7h */
	NO_5C = 1 << 5,    /* 32 KB have no form with a 4-byte address */
	REWRITE = 1 << 6,  /* a page may be programmed again without an erase */
	P512 = 1 << 7,     /* page of 512 bytes, not 256 */
	MT25 = 1 << 8,     /* extended id byte, bit 6: Micron's second generation */
	FL_S = 1 << 10,    /* family byte: not FS-S, which shares the id */
	PP32 = 1 << 11,    /* quad page program 32h/34h, address on one lane */
	PP38 = 1 << 12,    /* quad page program 38h/3Eh, address on four */
	DIES2 = 1 << 13,   /* two dies behind one another */
	BY_MODE = 1 << 14, /* 4-byte addresses by B7h: not all of these parts have
			    * the opcodes for program and erase */
};

struct nor_part {
	char name[13];
	uint8_t id[3];
	uint8_t id1_also; /* the second byte has two values */
	uint8_t size_log2;
	uint8_t quad;
	uint8_t poll;
	uint8_t protect_mask; /* BP bits of SR1 */
	uint16_t traits;
	uint16_t page_us[2];     /* typical, maximum */
	uint16_t erase_ms[3][2]; /* 4 KB, 32 KB, 64 or 256 KB */
	uint16_t chip_s[2];
};

#define MICRON  VF_NOR_QUAD_NONE, VF_NOR_POLL_FLAGS, 0x5C
#define BIT6    VF_NOR_QUAD_SR1_BIT6, VF_NOR_POLL_WIP, 0x3C
#define WINBOND VF_NOR_QUAD_SR2_31H, VF_NOR_POLL_WIP
#define ERASES  (E4K | E32K | E64K | CHIP)

/* clang-format off */
static const struct nor_part parts[] = {
	/* name, id, other second byte, size, quad, poll, BP bits, traits;
	 * page us, 4 KB ms, 32 KB ms, 64 or 256 KB ms, chip s */
	{"MT25QL128AB", {0x20, 0xBA, 0x18}, 0, 24, MICRON, ERASES | REWRITE | MT25 | PP32,
	 {120, 1800}, {{50, 400}, {100, 1000}, {150, 1000}}, {38, 114}},
	{"MT25QL256AB", {0x20, 0xBA, 0x19}, 0, 25, MICRON, ERASES | REWRITE | MT25 | PP32,
	 {120, 1800}, {{50, 400}, {100, 1000}, {150, 1000}}, {77, 240}},
	{"MT25QL512AB", {0x20, 0xBA, 0x20}, 0, 26, MICRON, ERASES | REWRITE | MT25 | PP32,
	 {120, 1800}, {{48, 400}, {112, 1000}, {160, 1000}}, {128, 460}},
	{"N25Q128A", {0x20, 0xBA, 0x18}, 0, 24, MICRON, E4K | E64K | CHIP | REWRITE | PP32,
	 {500, 5000}, {{250, 800}, {0, 0}, {700, 3000}}, {170, 250}},
	{"N25Q256A", {0x20, 0xBA, 0x19}, 0, 25, MICRON,
	 E4K | E64K | CHIP | REWRITE | PP32 | BY_MODE,
	 {500, 5000}, {{250, 800}, {0, 0}, {700, 3000}}, {240, 480}},
	{"N25Q512A", {0x20, 0xBA, 0x20}, 0, 26, MICRON,
	 E4K | E64K | REWRITE | PP32 | DIES2 | BY_MODE,
	 {500, 5000}, {{250, 800}, {0, 0}, {700, 3000}}, {0, 0}},
	{"MX25L51245G", {0xC2, 0x20, 0x1A}, 0, 26, BIT6, ERASES | PP38,
	 {256, 3000}, {{30, 400}, {160, 1000}, {288, 2000}}, {256, 600}},
	{"MX66L1G45G", {0xC2, 0x20, 0x1B}, 0, 27, BIT6, ERASES | PP38,
	 {256, 3100}, {{30, 420}, {160, 2200}, {288, 4000}}, {256, 2147}},
	{"W25Q128JV", {0xEF, 0x40, 0x18}, 0x70, 24, WINBOND, 0x1C, ERASES | REWRITE | PP32,
	 {704, 3000}, {{64, 400}, {128, 1600}, {160, 2000}}, {40, 200}},
	{"W25Q256JV", {0xEF, 0x40, 0x19}, 0x70, 25, WINBOND, 0x3C, ERASES | NO_5C | REWRITE | PP32,
	 {700, 3000}, {{50, 400}, {120, 1600}, {150, 2000}}, {80, 400}},
	{"W25Q512JV", {0xEF, 0x40, 0x20}, 0x70, 26, WINBOND, 0x3C, ERASES | NO_5C | REWRITE | PP32,
	 {704, 4200}, {{64, 896}, {120, 1600}, {160, 2200}}, {192, 1152}},
	{"IS25LP128", {0x9D, 0x60, 0x18}, 0, 24, BIT6, ERASES | PP32,
	 {200, 1000}, {{100, 300}, {140, 500}, {170, 1000}}, {45, 180}},
	{"IS25LP256", {0x9D, 0x60, 0x19}, 0, 25, BIT6, ERASES | PP32,
	 {200, 1000}, {{100, 300}, {140, 500}, {170, 1000}}, {90, 360}},
	{"S25FL512S", {0x01, 0x02, 0x20}, 0, 26, VF_NOR_QUAD_SR2_BIT1, VF_NOR_POLL_SPANSION, 0x1C,
	 E256K | CHIP | P512 | FL_S | PP32,
	 {340, 1300}, {{0, 0}, {0, 0}, {520, 2600}}, {134, 460}},
	{"GD25Q128", {0xC8, 0x40, 0x18}, 0, 24, WINBOND, 0x1C, ERASES | PP32,
	 {600, 2400}, {{50, 400}, {180, 1600}, {250, 2000}}, {60, 200}},
	{"AT25QL128A", {0x1F, 0x42, 0x18}, 0, 24, VF_NOR_QUAD_SR2_BIT1, VF_NOR_POLL_WIP, 0x1C, ERASES,
	 {640, 3000}, {{64, 400}, {208, 1600}, {352, 2000}}, {60, 200}},
};
/* clang-format on */

static bool is_part(const struct nor_part *p, const uint8_t id[6])
{
	if (id[0] != p->id[0] || id[2] != p->id[2])
		return false;
	if (id[1] != p->id[1] && (p->id1_also == 0 || id[1] != p->id1_also))
		return false;
	if ((p->traits & MT25) != 0)
		return (id[4] & 0x40) != 0;
	return (p->traits & FL_S) == 0 || id[5] != 0x81;
}

/* The erases that the first traits name, in their order. */
static void fill_erases(const struct nor_part *p, struct nor_facts *f)
{
	static const struct nor_erase {
		uint8_t size_log2, opcode, opcode4, times;
	} kinds[4] = {
		{12, 0x20, 0x21, 0}, {15, 0x52, 0x5C, 1}, {16, 0xD8, 0xDC, 2}, {18, 0xD8, 0xDC, 2}};

	for (uint8_t i = 0; i < 4; i++) {
		struct nor_erase_fact *e = &f->erase[f->erases];

		if ((p->traits >> i & 1) == 0)
			continue;
		e->size_log2 = kinds[i].size_log2;
		e->opcode = kinds[i].opcode;
		e->opcode4 = kinds[i].opcode4;
		e->typ_ms = p->erase_ms[kinds[i].times][0];
		e->max_ms = p->erase_ms[kinds[i].times][1];
		if (e->opcode4 == 0x5C && (p->traits & NO_5C) != 0)
			e->opcode4 = 0;
		f->erases++;
	}
}

/* Every part here reads 1-1-4 and 1-1-2 with eight dummy clocks at full speed. */
static void fill(const struct nor_part *p, struct nor_facts *f)
{
	uint16_t traits = p->traits;

	f->size_log2 = p->size_log2;
	f->page_log2 = (traits & P512) != 0 ? 9 : 8;
	f->quad = p->quad;
	f->poll = p->poll;
	f->protect_mask = p->protect_mask;
	f->addr4 = (traits & BY_MODE) != 0 ? VF_NOR_ADDR4_ENTER : VF_NOR_ADDR4_OPCODES;
	f->stacked = (traits & DIES2) != 0 ? 2 : 1;
	f->reprogram = (traits & REWRITE) != 0;
	f->program4 = (traits & PP38) != 0 ? 0x3E : (traits & PP32) != 0 ? 0x34 : 0;
	f->read[NOR_READ_114] = 0x6B08;
	f->read[NOR_READ_112] = 0x3B08;
	f->page_typ_us = p->page_us[0];
	f->page_max_us = p->page_us[1];
	if ((traits & CHIP) != 0) {
		f->chip_typ_ms = p->chip_s[0] * 1000u;
		f->chip_max_ms = p->chip_s[1] * 1000u;
	}
	fill_erases(p, f);
}

/* The name of the part with this id, its facts in `f`; NULL if it is unknown. */
static const char *part_facts(const uint8_t id[6], struct nor_facts *f)
{
	memset(f, 0, sizeof *f);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (is_part(&parts[i], id)) {
			fill(&parts[i], f);
			return parts[i].name;
		}
	}
	return NULL;
}

const struct vf_nor_parts_source vf_nor_parts_source = {part_facts};
