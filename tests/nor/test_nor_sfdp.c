/* test_nor_sfdp.c - what the chip says of itself: tables made up by the test and
 * put in the place of the model's, good ones, poor ones, ones that contradict the
 * table by id, and ones that are noise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nor_bench.h"

enum { SFDP_MAX = 512, BASIC_AT = 0x80, FOUR_AT = 0x100 };

typedef struct sfdp {
	uint8_t bytes[SFDP_MAX];
	uint8_t headers;
} sfdp;

static void put_word(uint8_t *at, uint32_t word)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(word >> 8 * i);
}

static void put_header(sfdp *s, uint16_t id, uint8_t minor, uint8_t words, uint32_t at)
{
	uint8_t *h = s->bytes + 8 + (size_t)s->headers++ * 8;

	h[0] = (uint8_t)id;
	h[1] = minor;
	h[2] = 1;
	h[3] = words;
	put_word(h + 4, at);
	h[7] = (uint8_t)(id >> 8);
	s->bytes[6] = (uint8_t)(s->headers - 1);
}

static void put_basic(sfdp *s, unsigned n, uint32_t word) /* n counts as JESD216 does */
{
	put_word(s->bytes + BASIC_AT + (size_t)(n - 1) * 4, word);
}

/* A part of 64 MB by the standard's latest tables: 4, 32 and 64 KB, pages of 256,
 * quad enable by 31h, opcodes for 4-byte addresses. */
static void good(sfdp *s)
{
	memset(s, 0, sizeof *s);
	memset(s->bytes, 0xFF, sizeof s->bytes);
	memcpy(s->bytes, "SFDP\x06\x01\x00\xFF", 8);
	put_header(s, 0xFF00, 6, 16, BASIC_AT);
	put_header(s, 0xFF84, 0, 2, FOUR_AT);
	put_basic(s, 1, 0xFFFB20E5);
	put_basic(s, 2, 0x1FFFFFFF);
	put_basic(s, 3, 0x6B08EB44);
	put_basic(s, 4, 0xBB803B08);
	put_basic(s, 8, 0x520F200C);
	put_basic(s, 9, 0x0000D810);
	/* times: count - 1 and unit; 48, 112 and 160 ms, maximum 8 times typical */
	put_basic(s, 10, 3u | (2u | 1u << 5) << 4 | (6u | 1u << 5) << 11 | (9u | 1u << 5) << 18);
	/* page 256, 15 * 8 us, chip 32 * 4 s, maximum 4 times typical */
	put_basic(s, 11, 1u | 8u << 4 | 14u << 8 | (31u | 2u << 5) << 24);
	put_basic(s, 15, 6u << 20);
	put_basic(s, 16, 0);
	put_word(s->bytes + FOUR_AT, 0x00000EF6);
	put_word(s->bytes + FOUR_AT + 4, 0x00DC5C21);
}

static void tap_sfdp(nor_bench *b, const vf_bus_op *op)
{
	const sfdp *s = b->tap_ctx;
	uint32_t dies = b->config.dies;

	if (op->opcode != 0x5A)
		return;
	for (uint32_t i = 0; i < op->len; i++) {
		uint32_t at = (op->addr + i) / dies;

		op->rx[i] = at < SFDP_MAX ? s->bytes[at] : 0xFF;
	}
}

/* Probes a chip that has this SFDP and this id. The model beneath is 64 MB and
 * takes nearly any command; what it makes of them is not looked at. */
static int probe_with(nor_bench *b, sfdp *s, uint32_t id, uint8_t dies)
{
	nor_bench_open(b, "mt25ql512ab", dies, 1);
	for (unsigned i = 0; i < 3; i++)
		b->chip_config.override_id[i] = (uint8_t)(id >> (16 - 8 * i));
	nor_bench_place(b);
	b->misuse_expected = true;
	b->tap = tap_sfdp;
	b->tap_ctx = s;
	return nor_bench_probe(b);
}

enum { NOBODY = 0x6E6E6E, MX25L51245G = 0xC2201A };

static void good_tables_are_enough(void **state)
{
	const vf_memory *m;
	nor_bench b;
	sfdp s;

	(void)state;
	good(&s);
	for (uint8_t dies = 1; dies <= 2; dies++) {
		assert_int_equal(probe_with(&b, &s, NOBODY, dies), VF_OK);
		m = &b.nor.memory;
		nor_bench_check_memory(m);
		assert_true(b.nor.chip.from_sfdp && !b.nor.chip.from_table);
		assert_string_equal(m->name, "JEDEC 6E6E6E");
		assert_int_equal(m->size, (64u << 20) * dies);
		assert_int_equal(m->page, 256u * dies);
		assert_int_equal(m->flags & VF_MEMORY_REPROGRAM, 0);
		assert_int_equal(m->erase_types, 4);
		assert_int_equal(m->erase[0].size, 4096u * dies);
		assert_int_equal(m->erase[0].typ_us, 48000);
		assert_int_equal(m->erase[0].max_us, 384000);
		assert_int_equal(m->erase[1].typ_us, 112000);
		assert_int_equal(m->erase[2].typ_us, 160000);
		assert_int_equal(m->erase[3].size, m->size);
		assert_int_equal(m->erase[3].typ_us, 128000000);
		assert_int_equal(m->erase[3].max_us, 512000000);
		assert_int_equal(m->page_typ_us, 120);
		assert_int_equal(m->page_max_us, 480);
		assert_int_equal(b.nor.chip.addr4, VF_NOR_ADDR4_OPCODES);
		assert_int_equal(b.nor.chip.erase_opcode[1], 0x5C);
		assert_int_equal(b.nor.chip.program_opcode, 0x34);
		assert_int_equal(b.nor.chip.quad, VF_NOR_QUAD_SR2_31H);
		nor_bench_close(&b);
	}
}

/* Several Micron dies in one package: each is asked, and none can erase them all. */
static void stacked_dies(void **state)
{
	nor_bench b;
	sfdp s;

	(void)state;
	good(&s);
	put_basic(&s, 2, 0x80000000 + 31); /* 256 MB */
	put_basic(&s, 14, 1u << 3);        /* flag status */
	assert_int_equal(probe_with(&b, &s, 0x20BA22, 1), VF_OK);
	assert_int_equal(b.nor.chip.poll, VF_NOR_POLL_FLAGS);
	assert_int_equal(b.nor.chip.stacked, 4);
	assert_int_equal(b.nor.memory.erase_types, 3);
	assert_int_equal(b.nor.memory.size, 256u << 20);
	nor_bench_close(&b);
}

static void first_revision(void **state)
{
	nor_bench b;
	sfdp s;

	(void)state;
	good(&s);
	s.bytes[8 + 3] = 9;           /* words */
	put_basic(&s, 2, 0x07FFFFFF); /* 16 MB */
	assert_int_equal(probe_with(&b, &s, NOBODY, 1), VF_OK);
	nor_bench_check_memory(&b.nor.memory);
	assert_int_equal(b.nor.memory.page, 256);
	assert_int_equal(b.nor.memory.erase_types, 3); /* whether C7h exists is not known */
	assert_int_equal(b.nor.memory.erase[0].typ_us, 0);
	assert_true(b.nor.memory.erase[0].max_us >= 1000000);
	assert_int_equal(b.nor.chip.addr_bytes, 3);
	assert_int_equal(b.nor.chip.read_lanes, 2); /* how to enable four is not known */
	nor_bench_close(&b);
	put_basic(&s, 1, 0xFFFB20E1); /* programs bytes, not pages */
	assert_int_equal(probe_with(&b, &s, NOBODY, 1), VF_E_UNKNOWN_CHIP);
	nor_bench_close(&b);
}

/* Each of these alone makes the tables unusable. */
static void nonsense(void **state)
{
	static const struct {
		uint16_t at;
		uint32_t word;
	} bad[] = {
		{0, 0x50444600},            /* signature */
		{4, 0xFF000206},            /* major revision 2 */
		{8, 0x10000600},            /* basic table of revision 0 */
		{8, 0x08010600},            /* eight words */
		{12, 0xFFFFFF00},           /* beyond everything */
		{BASIC_AT, 0xFFFF20E5},     /* address bytes: reserved */
		{BASIC_AT + 4, 0x1FFFFFFE}, /* no power of two */
		{BASIC_AT + 4, 0x00000000},
		{BASIC_AT + 4, 0x0000FFFF}, /* 8 KB */
		{BASIC_AT + 4, 0x80000060}, /* 2^96 bits */
		{BASIC_AT + 4, 0xFFFFFFFF},
		{BASIC_AT + 0x28, 0x0000FE01}, /* pages of one byte */
		{BASIC_AT + 0x28, 0x000000F1}, /* of 32 KB */
	};
	nor_bench b;
	sfdp s;

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		good(&s);
		put_word(s.bytes + bad[i].at, bad[i].word);
		assert_int_equal(probe_with(&b, &s, NOBODY, 1), VF_E_UNKNOWN_CHIP);
		nor_bench_close(&b);
		/* A part of the table does without. */
		assert_int_equal(probe_with(&b, &s, MX25L51245G, 1), VF_OK);
		assert_null(b.nor.chip.conflict);
		nor_bench_close(&b);
	}
	good(&s); /* no erase that we would send */
	put_basic(&s, 8, 0x060F010C);
	put_basic(&s, 9, 0xB9100099);
	assert_int_equal(probe_with(&b, &s, NOBODY, 1), VF_E_UNKNOWN_CHIP);
	nor_bench_close(&b);
	good(&s); /* sectors of several sizes */
	put_header(&s, 0xFF81, 0, 8, 0x140);
	assert_int_equal(probe_with(&b, &s, NOBODY, 1), VF_E_UNKNOWN_CHIP);
	nor_bench_close(&b);
	good(&s); /* 64 MB and no way to address it */
	s.bytes[6] = 0;
	assert_int_equal(probe_with(&b, &s, NOBODY, 1), VF_E_UNKNOWN_CHIP);
	nor_bench_close(&b);
}

static void erases_in_any_order(void **state)
{
	nor_bench b;
	sfdp s;

	(void)state;
	good(&s);
	put_basic(&s, 2, 0x07FFFFFF);
	put_basic(&s, 8, 0xD8102000 | 0x0C); /* 4 KB, 64 KB */
	put_basic(&s, 9, 0x200C520F);        /* 32 KB, and 4 KB again */
	assert_int_equal(probe_with(&b, &s, NOBODY, 1), VF_OK);
	nor_bench_check_memory(&b.nor.memory);
	assert_int_equal(b.nor.memory.erase_types, 4);
	assert_int_equal(b.nor.chip.erase_opcode[1], 0x52);
	assert_int_equal(b.nor.chip.erase_opcode[2], 0xD8);
	nor_bench_close(&b);
}

/* An erase without a form with a 4-byte address is left out, unless the mode is
 * entered. */
static void four_byte_addresses(void **state)
{
	nor_bench b;
	sfdp s;

	(void)state;
	good(&s);
	put_word(s.bytes + FOUR_AT, 0x00000AF6);
	put_word(s.bytes + FOUR_AT + 4, 0x00DCFF21);
	assert_int_equal(probe_with(&b, &s, NOBODY, 1), VF_OK);
	assert_int_equal(b.nor.memory.erase_types, 3);
	assert_int_equal(b.nor.memory.erase[1].size, 65536);
	nor_bench_close(&b);
	put_word(s.bytes + FOUR_AT, 0x00000B76); /* programs 1-4-4, not 1-1-4 */
	assert_int_equal(probe_with(&b, &s, NOBODY, 1), VF_OK);
	assert_int_equal(b.nor.chip.program_opcode, 0x3E);
	assert_int_equal(b.nor.chip.program_addr_lanes, 4);
	nor_bench_close(&b);
	s.bytes[6] = 0;
	put_basic(&s, 16, 1u << 25);
	assert_int_equal(probe_with(&b, &s, NOBODY, 1), VF_OK);
	assert_int_equal(b.nor.chip.addr4, VF_NOR_ADDR4_ENTER);
	assert_int_equal(b.nor.chip.addr_bytes, 4);
	assert_int_equal(b.nor.memory.erase_types, 4);
	assert_int_equal(b.nor.chip.erase_opcode[1], 0x52);
	assert_int_equal(b.nor.chip.read_opcode, 0x6B);
	nor_bench_close(&b);
}

static void reads_by_lanes(void **state)
{
	nor_bench b;
	sfdp s;

	(void)state;
	good(&s);
	put_basic(&s, 1, 0xFFBB20E5); /* no 1-1-4 */
	assert_int_equal(probe_with(&b, &s, NOBODY, 1), VF_OK);
	assert_int_equal(b.nor.chip.read_opcode, 0xEC);
	assert_int_equal(b.nor.chip.read_addr_lanes, 4);
	assert_int_equal(b.nor.chip.read_mode_bits, 8);
	assert_int_equal(b.nor.chip.read_dummy, 4);
	b.config.lanes = 2;
	assert_int_equal(vf_nor_init(&b.nor, &b.config), VF_OK);
	assert_int_equal(nor_bench_probe(&b), VF_OK);
	assert_int_equal(b.nor.chip.read_opcode, 0x3C);
	b.config.lanes = 1;
	assert_int_equal(vf_nor_init(&b.nor, &b.config), VF_OK);
	assert_int_equal(nor_bench_probe(&b), VF_OK);
	assert_int_equal(b.nor.chip.read_opcode, 0x0C);
	assert_int_equal(b.nor.memory.read_rate, 12500000);
	nor_bench_close(&b);
	good(&s);
	put_basic(&s, 1, 0xFF9A20E5); /* 1-2-2 alone */
	put_word(s.bytes + FOUR_AT, 0x00000EFE);
	assert_int_equal(probe_with(&b, &s, NOBODY, 1), VF_OK);
	assert_int_equal(b.nor.chip.read_opcode, 0xBC);
	assert_int_equal(b.nor.chip.read_addr_lanes, 2);
	assert_int_equal(b.nor.chip.read_mode_bits, 8);
	assert_int_equal(b.nor.chip.read_dummy, 0);
	nor_bench_close(&b);
}

static void contradictions(void **state)
{
	static const struct {
		uint16_t at;
		uint32_t word;
		const char *what;
	} cases[] = {
		{BASIC_AT + 4, 0x0FFFFFFF, "size"},
		{BASIC_AT + 0x28, 0x00000E91, "page size"},
		{BASIC_AT + 0x1C, 0x520FD80C, "erase opcode"},
		{FOUR_AT + 4, 0x00DC2121, "4-byte erase opcode"},
	};
	nor_bench b;
	sfdp s;

	(void)state;
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		good(&s);
		put_word(s.bytes + cases[i].at, cases[i].word);
		assert_int_equal(probe_with(&b, &s, MX25L51245G, 1), VF_E_CONFLICT);
		assert_string_equal(b.nor.chip.conflict, cases[i].what);
		assert_int_equal(b.nor.chip.id[0], 0xC2);
		b.config.trust_table = true;
		assert_int_equal(vf_nor_init(&b.nor, &b.config), VF_OK);
		assert_int_equal(nor_bench_probe(&b), VF_OK);
		assert_string_equal(b.nor.chip.conflict, cases[i].what);
		assert_int_equal(b.nor.memory.size, 64u << 20);
		nor_bench_close(&b);
	}
	good(&s); /* nothing in common */
	put_basic(&s, 8, 0x00000000);
	put_basic(&s, 9, 0x0000D812);
	assert_int_equal(probe_with(&b, &s, MX25L51245G, 1), VF_E_CONFLICT);
	assert_string_equal(b.nor.chip.conflict, "erase sizes");
	nor_bench_close(&b);
	good(&s); /* another name of the 4 KB erase is none */
	put_basic(&s, 8, 0x520FD70C);
	assert_int_equal(probe_with(&b, &s, MX25L51245G, 1), VF_OK);
	assert_int_equal(b.nor.memory.erase[0].typ_us, 30000); /* and the table's times count */
	nor_bench_close(&b);
}

static void tap_one_die(nor_bench *b, const vf_bus_op *op)
{
	tap_sfdp(b, op);
	if (op->opcode == 0x5A && op->addr / 2 <= BASIC_AT + 17 &&
	    BASIC_AT + 17 < (op->addr + op->len) / 2)
		op->rx[(BASIC_AT + 17) * 2 + 1 - op->addr] ^= 4;
}

static void dies_that_say_different_things(void **state)
{
	nor_bench b;
	sfdp s;

	(void)state;
	good(&s);
	assert_int_equal(probe_with(&b, &s, NOBODY, 2), VF_OK);
	b.tap = tap_one_die;
	assert_int_equal(nor_bench_probe(&b), VF_E_DIES_DIFFER);
	nor_bench_close(&b);
}

/* Bits flipped, bytes replaced: whatever is made of it can be relied on, and the
 * driver ends. */
static void noise(void **state)
{
	uint64_t seed = nor_bench_seed();
	unsigned ok = 0;
	nor_bench b;
	sfdp s;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		nor_bench dice = {.seed = seed + i};
		unsigned changes = 1 + (unsigned)(nor_bench_random(&dice) % 12);
		int status;

		good(&s);
		for (unsigned k = 0; k < changes; k++) {
			uint64_t r = nor_bench_random(&dice);
			uint32_t dice32 = (uint32_t)(r >> 8) & 0xFFFFFF;
			uint32_t at = 4 + dice32 % 20;

			if ((r & 1) == 0)
				at = BASIC_AT + dice32 % (FOUR_AT + 8 - BASIC_AT);
			if ((r & 2) != 0)
				s.bytes[at] = (uint8_t)(r >> 40);
			else
				s.bytes[at] ^= (uint8_t)(1u << (r >> 40 & 7));
		}
		status = probe_with(&b, &s, (i & 1) != 0 ? NOBODY : MX25L51245G,
				    (uint8_t)(1 + (i >> 1 & 1)));
		if (status == VF_OK) {
			ok++;
			nor_bench_check_memory(&b.nor.memory);
		} else {
			assert_true(status == VF_E_UNKNOWN_CHIP || status == VF_E_CONFLICT);
			assert_true(status != VF_E_CONFLICT || b.nor.chip.conflict != NULL);
		}
		nor_bench_close(&b);
	}
	print_message("%u of 4000 usable\n", ok);
	assert_in_range(ok, 400, 3900);
}

static void pure_noise(void **state)
{
	uint64_t seed = nor_bench_seed();
	nor_bench b;
	sfdp s;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		nor_bench dice = {.seed = seed ^ ((uint64_t)i * 77)};
		int status;

		good(&s);
		for (unsigned k = 8; k < SFDP_MAX; k++)
			s.bytes[k] = (uint8_t)nor_bench_random(&dice);
		s.bytes[8] = 0x00; /* or else nothing is looked at */
		s.bytes[10] = 1;
		s.bytes[14] &= 0x0F;
		s.bytes[15] = 0xFF;
		put_basic(&s, 2, 0x80000013 + (uint32_t)nor_bench_random(&dice) % 16);
		status = probe_with(&b, &s, NOBODY, (uint8_t)(1 + (i & 1)));
		if (status == VF_OK)
			nor_bench_check_memory(&b.nor.memory);
		else
			assert_true(status == VF_E_UNKNOWN_CHIP || status == VF_E_CONFLICT);
		nor_bench_close(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_tables_are_enough),
		cmocka_unit_test(stacked_dies),
		cmocka_unit_test(first_revision),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(erases_in_any_order),
		cmocka_unit_test(four_byte_addresses),
		cmocka_unit_test(reads_by_lanes),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(dies_that_say_different_things),
		cmocka_unit_test(noise),
		cmocka_unit_test(pure_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
