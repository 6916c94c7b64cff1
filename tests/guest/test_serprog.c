/* test_serprog.c - the serial programmer protocol against simulated chips: what each command
 * answers, what each SPI operation does to the chip, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "serprog_rig.h"

#define SMALL "w25q128jv"
#define LARGE "w25q256jv"

static void expect_answer(serprog_rig *r, const char *bytes, size_t len)
{
	assert_int_equal(r->answered, len);
	assert_memory_equal(r->answer, bytes, len);
}

/* --- the conversation ------------------------------------------------------------------------ */

static void answers_queries(void **state)
{
	static serprog_rig r;
	(void)state;
	rig_open(&r, SMALL);
	rig_say(&r, "\x00", 1);
	expect_answer(&r, "\x06", 1);
	rig_say(&r, "\x10", 1);
	expect_answer(&r, "\x15\x06", 2);
	rig_say(&r, "\x01", 1);
	expect_answer(&r, "\x06\x01\x00", 3);
	rig_say(&r, "\x02", 1);
	assert_int_equal(r.answered, 33);
	assert_memory_equal(r.answer, "\x06\x3F\x01\x7F\x00", 5);
	rig_say(&r, "\x03", 1);
	expect_answer(&r,
		      "\x06"
		      "a board with a l",
		      17);
	rig_say(&r, "\x04", 1);
	expect_answer(&r, "\x06\x2C\x01", 3);
	rig_say(&r, "\x05", 1);
	expect_answer(&r, "\x06\x08", 2);
	rig_say(&r, "\x08", 1);
	expect_answer(&r, "\x06\x05\x01\x00", 4);
	rig_say(&r, "\x11", 1);
	expect_answer(&r, "\x06\x00\x00\x00", 4);
	rig_close(&r);
}

static void sets_what_there_is(void **state)
{
	static serprog_rig r;
	(void)state;
	rig_open(&r, SMALL);
	rig_say(&r, "\x14\x40\x42\x0F\x00", 5);
	expect_answer(&r, "\x06\x00\xE1\xF5\x05", 5); /* 100 MHz, the bus's only clock */
	rig_say(&r, "\x14\0\0\0\0", 5);
	expect_answer(&r, "\x15", 1);
	rig_say(&r, "\x16\x00", 2);
	expect_answer(&r, "\x06", 1);
	rig_say(&r, "\x16\x01", 2);
	expect_answer(&r, "\x15", 1);
	rig_say(&r, "\x15\x01", 2);
	expect_answer(&r, "\x06", 1);
	assert_true(vf_serprog_active(&r.s));
	rig_say(&r, "\x15\x00", 2);
	expect_answer(&r, "\x06", 1);
	assert_false(vf_serprog_active(&r.s));
	rig_close(&r);
}

/* Parameters of what is not carried out are consumed: the NOP behind them is one. */
static void refuses_and_consumes(void **state)
{
	static const struct {
		uint8_t command, parameters;
	} none[] = {{0x06, 0}, {0x07, 0}, {0x09, 3}, {0x0A, 6}, {0x0B, 0},
		    {0x0C, 4}, {0x0E, 4}, {0x0F, 0}, {0x17, 1}, {0x18, 1}};
	static serprog_rig r;
	uint8_t bytes[16];
	(void)state;
	rig_open(&r, SMALL);
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		memset(bytes, 0x13, sizeof bytes);
		bytes[0] = none[i].command;
		bytes[1 + none[i].parameters] = 0;
		rig_say(&r, bytes, 2u + none[i].parameters);
		expect_answer(&r, "\x15\x06", 2);
	}
	rig_say(&r, "\x0D\x03\x00\x00\x00\x00\x00\x13\x13\x13\x00", 11);
	expect_answer(&r, "\x15\x06", 2);
	rig_say(&r, "\x0D\x00\x00\x00\x00\x00\x00\x00", 8);
	expect_answer(&r, "\x15\x06", 2);
	rig_say(&r, "\x13\x00\x00\x00\x00\x00\x00\x00", 8); /* an operation of nothing */
	expect_answer(&r, "\x15\x06", 2);
	assert_true(vf_serprog_active(&r.s));
	rig_say(&r, "\x0D\x00\x10\x00\x00\x00\x00", 7); /* longer than any could be */
	expect_answer(&r, "\x15", 1);
	assert_false(vf_serprog_active(&r.s));
	rig_say(&r, "\x12\x08\x13\x00\x10\x00\x00\x00\x00", 9);
	expect_answer(&r, "\x06\x15", 2);
	assert_false(vf_serprog_active(&r.s));
	rig_close(&r);
}

/* Bytes were lost somewhere: nothing is carried out until the client begins anew. */
static void stops_at_what_is_no_command(void **state)
{
	static serprog_rig r;
	(void)state;
	rig_open(&r, SMALL);
	rig_say(&r, "\x7F", 1);
	expect_answer(&r, "\x15", 1);
	assert_false(vf_serprog_active(&r.s));
	rig_spi(&r, "\x9F", 1, 3, SP_NAK);
	assert_int_equal(r.buses, 0);
	rig_say(&r, "\x12\x08", 2);
	rig_spi(&r, "\x9F", 1, 3, SP_ACK);
	rig_say(&r, "\x12\x01", 2); /* parallel */
	expect_answer(&r, "\x15", 1);
	rig_spi(&r, "\x9F", 1, 3, SP_NAK);
	rig_close(&r);
}

static void gives_up_on_silence(void **state)
{
	static serprog_rig r;
	uint32_t at;
	(void)state;
	rig_open(&r, SMALL);
	assert_true(vf_serprog_deadline(&r.s, &at));
	assert_int_equal(at, (uint32_t)r.bench.now_us + VF_SERPROG_IDLE_US);
	rig_say(&r, "\x13\x04\x00\x00\x00\x00\x00\x02\x00", 9);
	assert_int_equal(r.answered, 0);
	assert_true(vf_serprog_deadline(&r.s, &at));
	assert_int_equal(at, (uint32_t)r.bench.now_us + VF_SERPROG_COMMAND_US);
	r.bench.now_us += VF_SERPROG_COMMAND_US - 1;
	rig_pump(&r);
	assert_int_equal(r.answered, 0);
	r.bench.now_us += 1;
	rig_pump(&r);
	expect_answer(&r, "\x15", 1);
	assert_false(vf_serprog_active(&r.s));
	assert_false(vf_serprog_deadline(&r.s, &at));
	rig_say(&r, "\x12\x08", 2);
	r.bench.now_us += VF_SERPROG_IDLE_US;
	rig_pump(&r);
	assert_false(vf_serprog_active(&r.s));
	expect_answer(&r, "\x06", 1);
	rig_close(&r);
}

/* --- reading --------------------------------------------------------------------------------- */

static void fill(serprog_rig *r, uint32_t offset, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		r->bench.chip_config.array[offset + i] = (uint8_t)(i * 7 + i / 251);
	nor_bench_place(&r->bench);
	assert_int_equal(nor_bench_probe(&r->bench), VF_OK);
}

static void identifies(void **state)
{
	static serprog_rig r;
	(void)state;
	rig_open(&r, SMALL);
	rig_spi(&r, "\x9F", 1, 3, SP_ACK);
	assert_memory_equal(r.answer + 1, r.bench.nor.chip.id, 3);
	rig_spi(&r, "\x5A\x00\x00\x00\x00", 5, 8, SP_ACK);
	assert_memory_equal(r.answer + 1, "SFDP", 4);
	rig_spi(&r, "\x5A\x00\x00\x00", 4, 9, SP_ACK); /* the dummy byte read, not sent */
	assert_memory_equal(r.answer + 2, "SFDP", 4);
	rig_spi(&r, "\x5A\x00\x00\x00", 4, 1, SP_NAK);
	rig_spi(&r, "\xAB\x00\x00\x00", 4, 1, SP_ACK);
	rig_spi(&r, "\xAB", 1, 0, SP_ACK);
	rig_spi(&r, "\x05", 1, 2, SP_ACK);
	/* What this chip has not: its line stays high, and nothing is sent to it. */
	unsigned before = r.buses;
	rig_spi(&r, "\x83\x00\x00\x00", 4, 3, SP_ACK);
	assert_memory_equal(r.answer + 1, "\xFF\xFF\xFF", 3);
	rig_spi(&r, "\x83\x00\x00\x00", 4, 33, SP_NAK);
	assert_int_equal(r.buses, before);
	rig_spi(&r, "\x9F", 1, 257, SP_NAK); /* more than one transaction brings */
	rig_close(&r);
}

/* One operation, many transactions; the answer in pieces of any size. */
static void streams_a_long_read(void **state)
{
	static serprog_rig r;
	static const size_t pieces[] = {0, 1, 3, 255, 256, 257};
	(void)state;
	rig_open(&r, SMALL);
	fill(&r, 0x1234, 5000);
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		r.piece = pieces[i];
		rig_spi(&r, "\x03\x00\x12\x34", 4, 5000, SP_ACK);
		assert_memory_equal(r.answer + 1, r.bench.chip_config.array + 0x1234, 5000);
		rig_spi(&r, "\x0B\x00\x12\x34\x00", 5, 300, SP_ACK);
		assert_memory_equal(r.answer + 1, r.bench.chip_config.array + 0x1234, 300);
	}
	rig_spi(&r, "\x03\xFF\xFF\xFF", 4, 1, SP_ACK);
	rig_spi(&r, "\x03\xFF\xFF\xFF", 4, 2, SP_NAK); /* past the end */
	rig_close(&r);
}

static void reads_all_forms_of_address(void **state)
{
	static serprog_rig r;
	const uint8_t *there;
	(void)state;
	rig_open(&r, LARGE);
	fill(&r, 0x01ABCD00, 512);
	there = r.bench.chip_config.array + 0x01ABCD00;
	rig_spi(&r, "\x13\x01\xAB\xCD\x00", 5, 64, SP_ACK);
	assert_memory_equal(r.answer + 1, there, 64);
	rig_spi(&r, "\x0C\x01\xAB\xCD\x00\x00", 6, 64, SP_ACK);
	assert_memory_equal(r.answer + 1, there, 64);
	rig_spi(&r, "\x03\x01\xAB\xCD\x00", 5, 64, SP_NAK); /* three bytes are due */
	rig_spi(&r, "\xB7", 1, 0, SP_ACK);
	rig_spi(&r, "\x03\x01\xAB\xCD\x00", 5, 64, SP_ACK);
	assert_memory_equal(r.answer + 1, there, 64);
	rig_spi(&r, "\x03\xAB\xCD\x00", 4, 64, SP_NAK);
	rig_spi(&r, "\xE9", 1, 0, SP_ACK);
	rig_spi(&r, "\xC5\x01", 2, 0, SP_ACK);
	rig_spi(&r, "\xC8", 1, 1, SP_ACK);
	assert_int_equal(r.answer[1], 1);
	rig_spi(&r, "\x03\xAB\xCD\x00", 4, 64, SP_ACK);
	assert_memory_equal(r.answer + 1, there, 64);
	rig_spi(&r, "\xC5\x02", 2, 0, SP_ACK);
	rig_spi(&r, "\x03\xAB\xCD\x00", 4, 64, SP_NAK); /* there is no third bank */
	rig_close(&r);
	rig_open(&r, SMALL);
	rig_spi(&r, "\xB7", 1, 0, SP_NAK);
	rig_spi(&r, "\xC5\x01", 2, 0, SP_NAK);
	rig_spi(&r, "\x13\x00\x00\x00\x00", 5, 1, SP_NAK);
	rig_close(&r);
}

/* Who is broken off in a long read begins anew before it is over. */
static void lets_a_new_client_in(void **state)
{
	static serprog_rig r;
	size_t len;
	(void)state;
	rig_open(&r, SMALL);
	assert_int_equal(vf_serprog_rx(&r.s, (const uint8_t *)"\x13\4\0\0\0\0\x10\3\0\0\0", 11),
			 11);
	const vf_bus_op *op = vf_serprog_bus_next(&r.s);
	vf_sim_chip_bus(r.bench.chip, op, r.bench.now_us);
	vf_serprog_bus_done(&r.s, VF_OK);
	assert_non_null(vf_serprog_tx(&r.s, &len)); /* the port sends */
	assert_non_null(vf_serprog_bus_next(&r.s)); /* and the chip is being read */
	assert_int_equal(vf_serprog_rx(&r.s, (const uint8_t *)"\0\0\xFF\0\0\0\0\x10", 8), 7);
	assert_false(vf_serprog_active(&r.s));
	assert_null(vf_serprog_tx(&r.s, &len));
	vf_serprog_bus_done(&r.s, VF_OK);
	vf_serprog_tx_done(&r.s, 1);
	assert_null(vf_serprog_tx(&r.s, &len));
	rig_say(&r, "\x10", 1);
	expect_answer(&r, "\x15\x06", 2);
	rig_close(&r);
}

/* A client is answered, and says the next thing, before the board's port reports that the
 * last bytes have left. */
static void keeps_the_next_command(void **state)
{
	static const uint16_t lengths[] = {1, 256, 257, 600, 5000};
	static serprog_rig r;
	size_t len;
	(void)state;
	rig_open(&r, SMALL);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		const uint8_t read[] = {
			0x13, 4, 0, 0, (uint8_t)lengths[i], (uint8_t)(lengths[i] >> 8), 0,
			3,    0, 0, 0};
		size_t got = 0;
		assert_int_equal(vf_serprog_rx(&r.s, read, sizeof read), sizeof read);
		while (got <= lengths[i]) {
			assert_non_null(rig_take(&r, &len));
			got += len;
			if (got <= lengths[i])
				vf_serprog_tx_done(&r.s, len);
		}
		assert_true(vf_serprog_holds(&r.s));
		assert_int_equal(vf_serprog_rx(&r.s, read, sizeof read), 0);
		vf_serprog_tx_done(&r.s, len);
		assert_false(vf_serprog_holds(&r.s));
		rig_say(&r, "\x01", 1);
		expect_answer(&r, "\x06\x01\x00", 3);
	}
	rig_close(&r);
}

/* A port that stands still keeps nobody out. */
static void holds_nothing_for_ever(void **state)
{
	static serprog_rig r;
	uint32_t at;
	size_t len;
	(void)state;
	rig_open(&r, SMALL);
	assert_int_equal(vf_serprog_rx(&r.s, (const uint8_t *)"\0", 1), 1);
	assert_non_null(vf_serprog_tx(&r.s, &len));
	assert_true(vf_serprog_holds(&r.s));
	assert_true(vf_serprog_deadline(&r.s, &at));
	assert_int_equal(at, (uint32_t)r.bench.now_us + VF_SERPROG_COMMAND_US);
	vf_serprog_tick(&r.s, at);
	assert_false(vf_serprog_holds(&r.s));
	assert_int_equal(vf_serprog_rx(&r.s, (const uint8_t *)"\x13\0\0\0", 4), 4);
	assert_true(vf_serprog_active(&r.s));
	assert_int_equal(vf_serprog_rx(&r.s, (const uint8_t *)"\0\0", 2), 1);
	assert_false(vf_serprog_active(&r.s));
	vf_serprog_tx_done(&r.s, len);
	rig_say(&r, "\x10", 1);
	expect_answer(&r, "\x15\x06", 2);
	rig_close(&r);
}

/* Twice is forgiven; after an ACK the client hears nothing rather than wrong bytes. */
static void survives_a_bad_controller(void **state)
{
	static serprog_rig r;
	(void)state;
	rig_open(&r, SMALL);
	r.fail = 2;
	rig_spi(&r, "\x9F", 1, 3, SP_ACK);
	assert_memory_equal(r.answer + 1, r.bench.nor.chip.id, 3);
	r.fail = 3;
	rig_spi(&r, "\x9F", 1, 3, SP_NAK);
	assert_false(vf_serprog_active(&r.s));
	rig_say(&r, "\x12\x08", 2);
	r.fail = 1;
	rig_spi(&r, "\x06", 1, 0, SP_NAK);
	rig_spi(&r, "\x20\0\0\0", 4, 0, SP_NAK); /* it is not enabled */
	rig_close(&r);
}

/* --- changing -------------------------------------------------------------------------------- */

static void programs_and_erases(void **state)
{
	static serprog_rig r;
	uint8_t page[4 + 256] = {0x02, 0x01, 0x20, 0x00};
	const uint8_t *array;
	(void)state;
	rig_open(&r, SMALL);
	array = r.bench.chip_config.array;
	for (unsigned i = 0; i < 256; i++)
		page[4 + i] = (uint8_t)(255 - i);
	rig_enable(&r);
	rig_spi(&r, page, sizeof page, 0, SP_ACK);
	rig_ready(&r);
	assert_memory_equal(array + 0x12000, page + 4, 256);
	rig_enable(&r);
	rig_spi(&r, "\x20\x01\x20\x07", 4, 0, SP_ACK);
	rig_ready(&r);
	assert_int_equal(array[0x12000], 0xFF);
	assert_int_equal(r.changes, 2);
	assert_int_equal(r.change[0].offset, 0x12000);
	assert_int_equal(r.change[0].len, 256);
	assert_int_equal(r.change[1].offset, 0x12000);
	assert_int_equal(r.change[1].len, 4096);
	rig_close(&r);
}

static void erases_by_every_size(void **state)
{
	static const struct {
		const char *part;
		uint8_t len;
		const char *bytes;
		uint32_t size;
	} kinds[] = {
		{SMALL, 4, "\x20\x01\x00\x00", 4096},
		{SMALL, 4, "\x52\x01\x00\x00", 32768},
		{SMALL, 4, "\xD8\x01\x00\x00", 65536},
		{SMALL, 1, "\xC7", 16 << 20},
		{SMALL, 1, "\x60", 16 << 20},
		{LARGE, 5, "\x21\0\x01\0\0", 4096},
		{LARGE, 5, "\xDC\0\x01\0\0", 65536},
		{LARGE, 4, "\x20\x01\0\0", 4096},
		{"mx25l51245g", 5, "\x5C\0\x01\0\0", 32768},
	};
	static serprog_rig r;
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		rig_open(&r, kinds[i].part);
		fill(&r, 0x10000, 0x10000);
		rig_enable(&r);
		rig_spi(&r, kinds[i].bytes, kinds[i].len, 0, SP_ACK);
		assert_int_equal(r.change[0].len, kinds[i].size);
		rig_ready(&r);
		const uint8_t *there = r.bench.chip_config.array + 0x10000;
		uint32_t cleared = 0;
		while (cleared < 0x10000 && there[cleared] == 0xFF)
			cleared++;
		assert_int_equal(cleared, kinds[i].size < 0x10000 ? kinds[i].size : 0x10000);
		rig_close(&r);
	}
}

/* However a write arrives, in two pieces at every place or in many, and all that is sent
 * ahead at once: the same is on the chip. */
static void takes_a_write_in_any_pieces(void **state)
{
	static serprog_rig r;
	uint8_t all[8 + 7 + 4 + 256] = "\x13\x01\0\0\0\0\0\x06\x13\x04\x01\0\0\0\0\x02";
	uint8_t *page = all + sizeof all - 256;
	(void)state;
	rig_open(&r, SMALL);
	const uint8_t *array = r.bench.chip_config.array;
	for (uint32_t split = 0; split < sizeof all + 40; split++) {
		uint32_t at = split * 256;
		bool two = split < sizeof all;
		all[16] = (uint8_t)(at >> 16);
		all[17] = (uint8_t)(at >> 8);
		for (unsigned i = 0; i < 256; i++)
			page[i] = (uint8_t)nor_bench_random(&r.bench);
		r.piece = two ? 0 : 1 + split - sizeof all;
		r.changes = 0;
		if (two)
			rig_say(&r, all, split);
		rig_say(&r, all + (two ? split : 0), sizeof all - (two ? split : 0));
		assert_int_equal(r.answer[r.answered - 1], SP_ACK);
		rig_ready(&r);
		assert_memory_equal(array + at, page, 256);
	}
	rig_close(&r);
}

/* Nothing changes without a write-enable, and one serves one change. */
static void wants_a_write_enable(void **state)
{
	static serprog_rig r;
	(void)state;
	rig_open(&r, SMALL);
	rig_spi(&r, "\x20\0\0\0", 4, 0, SP_NAK);
	rig_spi(&r, "\x02\0\0\0\x55", 5, 0, SP_NAK);
	rig_spi(&r, "\x01\x04", 2, 0, SP_NAK);
	rig_spi(&r, "\xC7", 1, 0, SP_NAK);
	assert_int_equal(r.buses + r.changes, 0);
	rig_enable(&r);
	rig_spi(&r, "\x04", 1, 0, SP_ACK);
	rig_spi(&r, "\x20\0\0\0", 4, 0, SP_NAK);
	rig_enable(&r);
	rig_spi(&r, "\x20\0\0\0", 4, 0, SP_ACK);
	rig_ready(&r);
	rig_spi(&r, "\x20\0\0\0", 4, 0, SP_NAK);
	rig_close(&r);
}

static void asks_before_it_changes(void **state)
{
	static serprog_rig r;
	(void)state;
	rig_open(&r, SMALL);
	fill(&r, 0, 4096);
	r.allow = VF_E_REFUSED;
	rig_enable(&r);
	rig_spi(&r, "\x20\0\0\0", 4, 0, SP_NAK);
	assert_int_equal(r.bench.chip_config.array[1], 7);
	/* The driver writes its journal to the same chip first: the enable is made good. */
	r.allow = VF_OK;
	r.driver_between = true;
	rig_enable(&r);
	rig_spi(&r, "\x20\0\0\0", 4, 0, SP_ACK);
	rig_ready(&r);
	assert_int_equal(r.bench.chip_config.array[1], 0xFF);
	rig_close(&r);
}

static void spares_what_is_protected(void **state)
{
	static serprog_rig r;
	(void)state;
	rig_open(&r, LARGE);
	r.memory.protect[0] = (vf_range){0x01FFE000, 0x2000};
	r.memory.protects = 1;
	static const struct {
		uint8_t len;
		const char *bytes;
		uint8_t answer;
	} tries[] = {
		{1, "\xC7", SP_NAK},
		{1, "\x60", SP_NAK},
		{5, "\xDC\x01\xFF\x00\x00", SP_NAK},
		{5, "\x21\x01\xFF\xE0\x00", SP_NAK},
		{5, "\x21\x01\xFF\xD0\x00", SP_ACK},
		{6, "\x12\x01\xFF\xFF\xFF\x00", SP_NAK},
		{6, "\x12\x01\xFF\xDF\xFF\x00", SP_ACK},
		{7, "\x12\x01\xFF\xDF\xFF\x00\x00", SP_ACK}, /* wraps: it stays in its page */
		{2, "\x01\x3C", SP_NAK},                     /* block protection */
		{2, "\x01\x80", SP_NAK},                     /* and what locks that */
		{3, "\x01\x00\x40", SP_NAK},
		{2, "\x31\x40", SP_NAK}, /* complement */
		{2, "\x11\x00", SP_NAK},
		{2, "\x01\x00", SP_ACK}, /* unlocks */
	};
	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		r.bench.misuse_expected = true; /* the page that wraps */
		rig_enable(&r);
		unsigned before = r.buses;
		rig_spi(&r, tries[i].bytes, tries[i].len, 0, tries[i].answer);
		assert_int_equal(r.buses, before + (tries[i].answer == SP_ACK));
		rig_ready(&r);
	}
	/* By bank and by mode it is the same place. */
	rig_spi(&r, "\xC5\x01", 2, 0, SP_ACK);
	rig_enable(&r);
	rig_spi(&r, "\x20\xFF\xF0\x00", 4, 0, SP_NAK);
	rig_spi(&r, "\xC5\x00", 2, 0, SP_ACK);
	rig_spi(&r, "\x20\xFF\xF0\x00", 4, 0, SP_ACK);
	rig_ready(&r);
	rig_spi(&r, "\xB7", 1, 0, SP_ACK);
	rig_enable(&r);
	rig_spi(&r, "\x20\x01\xFF\xF0\x00", 5, 0, SP_NAK);
	rig_close(&r);
}

static void obeys_a_memory_that_is_not_to_be_written(void **state)
{
	static serprog_rig r;
	(void)state;
	rig_open(&r, SMALL);
	r.memory.flags &= (uint8_t)~VF_MEMORY_WRITE;
	rig_enable(&r);
	rig_spi(&r, "\x20\0\0\0", 4, 0, SP_NAK);
	rig_spi(&r, "\x02\0\0\0\0", 5, 0, SP_NAK);
	rig_spi(&r, "\x01\0", 2, 0, SP_NAK);
	assert_int_equal(r.buses, 1);
	rig_close(&r);
}

/* What has no place in a transaction, or in the table. */
static void refuses_what_it_cannot_say(void **state)
{
	static const struct {
		uint8_t len;
		const char *bytes;
		uint8_t read;
	} odd[] = {
		{1, "\x66", 0},         {1, "\x99", 0},         {1, "\xB9", 0},
		{5, "\x42\0\0\0\0", 0}, {1, "\x06", 1},         {1, "\x05", 0},
		{2, "\x05\0", 1},       {4, "\x03\0\0\0", 0},   {1, "\x03", 1},
		{3, "\x20\0\0", 0},     {5, "\x20\0\0\0\0", 0}, {4, "\x02\0\0\0", 0},
		{5, "\x02\0\0\0\0", 1}, {1, "\x01", 0},         {4, "\x01\0\0\0", 0},
		{4, "\xC4\0\0\0", 0},   {3, "\x5A\0\0", 4},
	};
	static serprog_rig r;
	uint8_t longer[4 + 512] = {0x02};
	(void)state;
	rig_open(&r, SMALL);
	rig_enable(&r);
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
		rig_spi(&r, odd[i].bytes, odd[i].len, odd[i].read, SP_NAK);
	rig_spi(&r, longer, 4 + 257, 0, SP_NAK); /* more than a page */
	rig_spi(&r, longer, sizeof longer, 0, SP_NAK);
	assert_int_equal(r.buses, 1);
	assert_int_equal(r.changes, 0);
	rig_close(&r);
}

static void wants_one_die(void **state)
{
	static uint8_t buf[512];
	nor_bench b;
	vf_serprog s;
	(void)state;
	nor_bench_open(&b, SMALL, 2, 1);
	vf_serprog_config c = {.name = "x",
			       .nor = &b.nor,
			       .memory = &b.nor.memory,
			       .buf = buf,
			       .buf_len = sizeof buf};
	assert_int_equal(vf_serprog_init(&s, &c), VF_E_USAGE); /* not probed */
	assert_int_equal(nor_bench_probe(&b), VF_OK);
	assert_int_equal(vf_serprog_init(&s, &c), VF_E_USAGE);
	nor_bench_close(&b);
	nor_bench_open(&b, SMALL, 1, 1);
	assert_int_equal(nor_bench_probe(&b), VF_OK);
	assert_int_equal(vf_serprog_init(&s, &c), VF_OK);
	c.buf_len = 255;
	assert_int_equal(vf_serprog_init(&s, &c), VF_E_USAGE);
	nor_bench_close(&b);
}

/* --- noise ----------------------------------------------------------------------------------- */

/* Before SPI is chosen no byte reaches the chip, whatever it is. */
static void noise_changes_nothing(void **state)
{
	static serprog_rig r;
	static uint8_t noise[4096];
	(void)state;
	rig_open(&r, SMALL);
	rig_say(&r, "\x15\x00", 2);
	for (unsigned round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof noise; i++) {
			noise[i] = (uint8_t)nor_bench_random(&r.bench);
			if (noise[i] == 0x12)
				noise[i] = 0x13;
			if (round % 2 != 0) /* commands mostly */
				noise[i] %= 0x17;
			if (noise[i] == 0x12)
				noise[i] = 0;
		}
		rig_say(&r, noise, sizeof noise);
		r.bench.now_us += VF_SERPROG_COMMAND_US;
		rig_pump(&r);
	}
	assert_int_equal(r.buses + r.changes, 0);
	rig_say(&r, "\x10", 1);
	expect_answer(&r, "\x15\x06", 2);
	rig_close(&r);
}

/* Nor does it when it comes in the middle of a visit: it is no command before long. */
static void noise_in_a_visit_changes_nothing(void **state)
{
	static serprog_rig r;
	static uint8_t noise[4096];
	(void)state;
	rig_open(&r, SMALL);
	for (unsigned round = 0; round < 500; round++) {
		rig_say(&r, "\x12\x08", 2);
		rig_enable(&r);
		for (size_t i = 0; i < sizeof noise; i++)
			noise[i] = (uint8_t)nor_bench_random(&r.bench);
		rig_say(&r, noise, sizeof noise);
		r.bench.now_us += VF_SERPROG_COMMAND_US;
		rig_pump(&r);
	}
	assert_int_equal(r.changes, 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_queries),
		cmocka_unit_test(sets_what_there_is),
		cmocka_unit_test(refuses_and_consumes),
		cmocka_unit_test(stops_at_what_is_no_command),
		cmocka_unit_test(gives_up_on_silence),
		cmocka_unit_test(identifies),
		cmocka_unit_test(streams_a_long_read),
		cmocka_unit_test(reads_all_forms_of_address),
		cmocka_unit_test(lets_a_new_client_in),
		cmocka_unit_test(keeps_the_next_command),
		cmocka_unit_test(holds_nothing_for_ever),
		cmocka_unit_test(survives_a_bad_controller),
		cmocka_unit_test(programs_and_erases),
		cmocka_unit_test(erases_by_every_size),
		cmocka_unit_test(takes_a_write_in_any_pieces),
		cmocka_unit_test(wants_a_write_enable),
		cmocka_unit_test(asks_before_it_changes),
		cmocka_unit_test(spares_what_is_protected),
		cmocka_unit_test(obeys_a_memory_that_is_not_to_be_written),
		cmocka_unit_test(refuses_what_it_cannot_say),
		cmocka_unit_test(wants_one_die),
		cmocka_unit_test(noise_changes_nothing),
		cmocka_unit_test(noise_in_a_visit_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
