/* stm32h7_quadspi.c - QUADSPI with two dies behind it: every mode, the FIFO, what
 * the manual forbids.
 */
#include "stm32h7_rig.h"

#include <string.h>

enum { CR = 0, DCR = 4, SR = 8, FCR = 0xC, DLR = 0x10, CCR = 0x14, AR = 0x18, ABR = 0x1C };
enum { DR = 0x20, PSMKR = 0x24, PSMAR = 0x28, PIR = 0x2C };
enum { TEF = 1, TCF = 2, FTF = 4, SMF = 8, TOF = 16, BUSY = 32 };
enum { WRITE = 0, READ = 1 << 26, POLL = 2 << 26, MAPPED = 3 << 26 };
enum { I1 = 1 << 8, A1 = 1 << 10, A3 = 2 << 12, A4 = 3 << 12, D1 = 1 << 24, D4 = 3 << 24 };
enum { A4L = 3 << 10, DUMMY = 1 << 18 };

static uint32_t q(rig *r, uint32_t offset)
{
	return rd(r, QUADSPI + offset);
}

static void w(rig *r, uint32_t offset, uint32_t value)
{
	wr(r, QUADSPI + offset, value);
}

static void until_done(rig *r)
{
	for (unsigned i = 0; (q(r, SR) & TCF) == 0; i++) {
		assert_true(i < 1000);
		rig_run(r, 100);
	}
	w(r, FCR, 0x1B);
	assert_int_equal(q(r, SR) & TCF, 0);
}

static void command(rig *r, uint8_t opcode)
{
	w(r, CCR, I1 | opcode);
	until_done(r);
}

static void read_bytes(rig *r, uint32_t ccr, uint32_t at, uint8_t *out, uint32_t len)
{
	w(r, DLR, len - 1);
	w(r, CCR, READ | ccr);
	if ((ccr & (3 << 10)) != 0)
		w(r, AR, at);
	for (uint32_t i = 0; i < len; i += 4) {
		const uint32_t word = q(r, DR);

		memcpy(out + i, &word, len - i < 4 ? len - i : 4);
	}
	until_done(r);
	assert_int_equal(q(r, SR) & BUSY, 0);
}

static void program(rig *r, uint32_t at, const uint8_t *data, uint32_t len)
{
	command(r, 0x06);
	w(r, DLR, len - 1);
	w(r, CCR, WRITE | I1 | A1 | A4 | D1 | 0x12);
	w(r, AR, at);
	assert_int_equal(q(r, SR) & (BUSY | FTF), FTF);
	for (uint32_t i = 0; i < len; i += 4) {
		uint32_t word;

		memcpy(&word, data + i, 4);
		while ((q(r, SR) & FTF) == 0)
			rig_run(r, 50);
		w(r, DR, word);
	}
	until_done(r);
}

/* Until both dies are ready: the flag status, bit 7 of both bytes. */
static void poll_ready(rig *r)
{
	w(r, PSMKR, 0x8080);
	w(r, PSMAR, 0x8080);
	w(r, PIR, 16);
	set(r, QUADSPI + CR, 1u << 22);
	w(r, DLR, 1);
	w(r, CCR, POLL | I1 | D1 | 0x70);
	for (unsigned i = 0; (q(r, SR) & SMF) == 0; i++) {
		assert_true(i < 10000);
		assert_int_equal(q(r, SR) & BUSY, BUSY);
		rig_run(r, 100000);
	}
	w(r, FCR, 0x1B);
	assert_int_equal(q(r, SR) & BUSY, 0);
}

static void test_id(void **state)
{
	rig *r = rig_new();
	uint8_t id[6];

	(void)state;
	rig_quadspi(r);
	read_bytes(r, I1 | D1 | 0x9F, 0, id, 6);
	assert_memory_equal(id, "\x20\x20\xBA\xBA\x20\x20", 6);
	rig_free(r);
}

static void test_program_and_read(void **state)
{
	rig *r = rig_new();
	uint8_t data[512], back[512];

	(void)state;
	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7);
	rig_quadspi(r);
	program(r, 0x2345600, data, sizeof data);
	poll_ready(r);
	assert_memory_equal(r->array + 0x2345600, data, sizeof data);
	read_bytes(r, I1 | A4L | A4 | D4 | 10 * DUMMY | 0xEC, 0x2345600, back, sizeof back);
	assert_memory_equal(back, data, sizeof data);
	assert_runs(r);
	rig_free(r);
}

static void test_erase_takes_its_time(void **state)
{
	rig *r = rig_new();
	const uint8_t data[4] = {0};

	(void)state;
	rig_quadspi(r);
	program(r, 0, data, 4);
	poll_ready(r);
	command(r, 0x06);
	w(r, CCR, I1 | A1 | A4 | 0x21);
	w(r, AR, 0);
	until_done(r);
	w(r, DLR, 1);
	w(r, CCR, READ | I1 | D1 | 0x05);
	assert_int_equal(q(r, DR) & 0x0101, 0x0101); /* both dies are busy */
	until_done(r);
	rig_run(r, 40000000);
	assert_int_equal(r->array[0], 0);
	poll_ready(r);
	assert_in_range(r->now, 48000000, 80000000);
	assert_int_equal(r->array[0], 0xFF);
	rig_free(r);
}

/* Commands without data have an address too. */
static void test_erase_where_it_is_told(void **state)
{
	rig *r = rig_new();
	const uint8_t data[4] = {0};

	(void)state;
	rig_quadspi(r);
	program(r, 0, data, 4);
	poll_ready(r);
	program(r, 0x100000, data, 4);
	poll_ready(r);
	command(r, 0x06);
	w(r, CCR, I1 | A1 | A4 | 0x21);
	w(r, AR, 0x100000);
	until_done(r);
	rig_run(r, 80000000);
	poll_ready(r);
	assert_int_equal(r->array[0x100000], 0xFF);
	assert_int_equal(r->array[0], 0);
	rig_free(r);
}

/* 100 MHz on one line: a byte of two dies takes 40 ns, 16 bytes 640 ns. */
static void test_fifo_paces(void **state)
{
	rig *r = rig_new();

	(void)state;
	rig_quadspi(r);
	w(r, CR, (q(r, CR) & ~0x1F00u) | 15u << 8);
	w(r, DLR, 63);
	w(r, CCR, READ | I1 | A1 | A4 | D1 | 0x13);
	w(r, AR, 0);
	assert_int_equal(q(r, SR) >> 8, 0);
	assert_int_equal(q(r, SR) & (BUSY | FTF), BUSY);
	rig_run(r, 400 + 640);
	assert_int_equal(q(r, SR) >> 8, 16);
	assert_int_equal(q(r, SR) & FTF, FTF);
	rig_run(r, 10000);
	assert_int_equal(q(r, SR) >> 8, 32); /* full: the clock stands */
	assert_int_equal(q(r, SR) & TCF, 0);
	for (unsigned i = 0; i < 16; i++)
		(void)q(r, DR);
	until_done(r);
	(void)q(r, DR);
	assert_stop(r, "QUADSPI: DR read with an empty FIFO and nothing to come");
	rig_free(r);
}

static void test_bus_waits(void **state)
{
	rig *r = rig_new();
	uint64_t before;

	(void)state;
	rig_quadspi(r);
	w(r, DLR, 3);
	w(r, CCR, READ | I1 | A1 | A4 | D1 | 0x13);
	w(r, AR, 0);
	before = r->now;
	(void)q(r, DR); /* no look at FLEVEL: the read itself takes as long */
	assert_in_range(r->now - before, 500, 600);
	until_done(r);
	rig_free(r);
}

static void test_busy_rules(void **state)
{
	static const struct {
		uint32_t offset;
		const char *text;
	} forbidden[] = {{CCR, "CCR written while BUSY"}, {AR, "AR written while BUSY"},
			 {DLR, "DLR written while BUSY"}, {DCR, "DCR written while BUSY"},
			 {ABR, "ABR written while BUSY"}, {PIR, "PIR written while BUSY"}};
	rig *r = rig_new();

	(void)state;
	rig_quadspi(r);
	w(r, DLR, 99);
	w(r, CCR, READ | I1 | A1 | A4 | D1 | 0x13);
	w(r, AR, 0);
	for (unsigned i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
		w(r, forbidden[i].offset, 0);
		assert_stop(r, forbidden[i].text);
	}
	clear(r, QUADSPI + CR, 1);
	assert_stop(r, "QUADSPI: CR written while BUSY");
	set(r, QUADSPI + CR, 2);
	assert_int_equal(q(r, SR) & (BUSY | TCF), TCF);
	assert_int_equal(q(r, CR) & 2, 0);
	assert_int_equal(q(r, SR) >> 8, 0);
	rig_free(r);
}

static void test_dual_rules(void **state)
{
	rig *r = rig_new();
	uint8_t one[2];

	(void)state;
	rig_quadspi(r);
	w(r, DLR, 0);
	assert_int_equal(q(r, DLR), 1);
	w(r, CCR, READ | I1 | D1 | 0x05);
	assert_stop(r, "an odd length of 1, and two dies: 2 bytes will move");
	assert_int_equal(q(r, DR) & 0xFFFF, 0);
	until_done(r);
	w(r, DLR, 1);
	w(r, CCR, READ | I1 | A1 | A4 | D1 | 0x13);
	w(r, AR, 1);
	r->stop[0] = 0;
	assert_stop(r, "");
	set(r, QUADSPI + CR, 2);
	w(r, FCR, 0x1B);
	w(r, AR, (128u << 20) - 2);
	assert_runs(r);
	(void)q(r, DR);
	until_done(r);
	w(r, DLR, 3);
	w(r, AR, (128u << 20) - 2);
	assert_stop(r, "4 bytes at 07FFFFFEh, beyond");
	assert_int_equal(q(r, SR) & (TEF | BUSY), TEF);
	w(r, FCR, 0x1B);
	read_bytes(r, I1 | D1 | 0x05, 0, one, 2);
	rig_free(r);
}

static void test_misuse_of_the_chip(void **state)
{
	rig *r = rig_new();
	const uint8_t data[4] = {0};

	(void)state;
	rig_quadspi(r);
	program(r, 0, data, 4);
	w(r, DLR, 3);
	w(r, CCR, READ | I1 | A1 | A4 | D1 | 0x13);
	w(r, AR, 0);
	assert_stop(r, "command 13h: while the part is busy");
	rig_free(r);
}

static void test_mapped(void **state)
{
	rig *r = rig_new();

	(void)state;
	r->array[0x100] = 0x12;
	rig_quadspi(r);
	assert_false(r->mapped);
	w(r, CCR, MAPPED | I1 | A4L | A4 | D4 | 10 * DUMMY | 0xEC);
	assert_true(r->mapped);
	assert_int_equal(r->mapped_size, 128u << 20);
	w(r, CCR, I1 | 0x06);
	assert_stop(r, "CCR written while BUSY");
	set(r, QUADSPI + CR, 2);
	assert_false(r->mapped);
	assert_int_equal(q(r, SR) & BUSY, 0);
	w(r, FCR, 0x1B);
	command(r, 0x04);
	w(r, DCR, 19u << 16); /* 1 MB only */
	w(r, CCR, MAPPED | I1 | A4L | A4 | D4 | 10 * DUMMY | 0xEC);
	assert_int_equal(r->mapped_size, 1u << 20);
	set(r, QUADSPI + CR, 2);
	assert_runs(r);
	w(r, CCR, MAPPED | I1 | A4L | A4 | D4 | 8 * DUMMY | 0xEC);
	assert_stop(r, "memory-mapped reads would not give what the chips hold: command ECh");
	rig_reset(r, VF_EMU_RESET_PIN);
	assert_false(r->mapped);
	rig_free(r);
}

static void test_unwired(void **state)
{
	rig *r = rig_new();

	(void)state;
	rig_quadspi(r);
	rig_pin(r, 6, 6, 9);
	w(r, CCR, I1 | 0x06);
	assert_stop(r, "a command while its pins are not all in the board's alternate function");
	rig_pin(r, 6, 6, 10);
	w(r, CR, q(r, CR) & 0xFFFFFF);
	w(r, CCR, I1 | 0x06);
	assert_stop(r, "a clock of 200 MHz, above the part's 133");
	until_done(r);
	rig_free(r);
}

/* 64 bytes by MDMA into tightly coupled memory, a request a threshold. */
static void test_mdma(void **state)
{
	enum { C0 = 0x40, CISR = C0, CCR0 = C0 + 0xC, CTCR = C0 + 0x10, CBNDTR = C0 + 0x14 };
	rig *r = rig_new();

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		r->array[4096 + i] = (uint8_t)(i + 1);
	rig_quadspi(r);
	set(r, RCC + 0xD4, 1);
	w(r, CR, (q(r, CR) & ~0x1F00u) | 15u << 8 | 4);
	wr(r, MDMA + CTCR, 2 << 2 | 15 << 18 | 1u << 31);
	wr(r, MDMA + CBNDTR, 64);
	wr(r, MDMA + C0 + 0x18, QUADSPI + DR);
	wr(r, MDMA + C0 + 0x1C, RIG_DTCM);
	wr(r, MDMA + C0 + 0x28, 22 | 1 << 17);
	wr(r, MDMA + CCR0, 3 << 1 | 1);
	w(r, DLR, 63);
	w(r, CCR, READ | I1 | A1 | A4 | D1 | 0x13);
	w(r, AR, 4096);
	rig_run(r, 1680); /* 32 bytes */
	assert_int_equal(rd(r, MDMA + CBNDTR) & 0x1FFFF, 32);
	assert_false(r->irq[0][122]);
	rig_run(r, 1280);
	assert_true(r->irq[0][122]);
	assert_int_equal(rd(r, MDMA + CISR), 0x1E);
	assert_memory_equal(r->dtcm, r->array + 4096, 64);
	assert_int_equal(q(r, SR) & (BUSY | TCF), TCF);
	wr(r, MDMA + C0 + 4, 0x1F);
	assert_false(r->irq[0][122]);
	wr(r, MDMA + C0 + 0x28, 22);
	wr(r, MDMA + CTCR, 2 << 2 | 15 << 18 | 1u << 30);
	wr(r, MDMA + CCR0, 1 | 1 << 16);
	rig_run(r, 100);
	assert_stop(r, "MDMA: channel 0 cannot reach 20000000h as CxTBR says");
	rig_free(r);
}

/* Software's block out of memory-mapped flash takes as long as QUADSPI does: at
 * 100 MHz, four lines and two dies, 10 ns a byte. */
static void test_mdma_block(void **state)
{
	enum { C0 = 0x40, CISR = C0, CCR0 = C0 + 0xC };
	rig *r = rig_new();

	(void)state;
	memset(r->array, 0x5A, 4096);
	rig_quadspi(r);
	set(r, RCC + 0xD4, 1);
	w(r, CCR, MAPPED | I1 | A4L | A4 | D4 | 10 * DUMMY | 0xEC);
	wr(r, MDMA + C0 + 0x10, 10 | 0xF << 4 | 0xF << 8 | 127u << 18 | 1u << 28 | 1u << 30);
	wr(r, MDMA + C0 + 0x14, 4096);
	wr(r, MDMA + C0 + 0x18, VF_H7_MAPPED_BASE);
	wr(r, MDMA + C0 + 0x1C, RIG_SRAM);
	wr(r, MDMA + CCR0, 1);
	wr(r, MDMA + CCR0, 1 | 1 << 16);
	rig_run(r, 40000);
	assert_int_equal(rd(r, MDMA + CISR), 0);
	rig_run(r, 1000);
	assert_int_equal(rd(r, MDMA + CISR), 0x1E);
	assert_memory_equal(r->sram, r->array, 4096);
	assert_int_equal(rd(r, MDMA + CCR0) & 1, 0);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_program_and_read),
		cmocka_unit_test(test_erase_takes_its_time),
		cmocka_unit_test(test_erase_where_it_is_told),
		cmocka_unit_test(test_fifo_paces),
		cmocka_unit_test(test_bus_waits),
		cmocka_unit_test(test_busy_rules),
		cmocka_unit_test(test_dual_rules),
		cmocka_unit_test(test_misuse_of_the_chip),
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_unwired),
		cmocka_unit_test(test_mdma),
		cmocka_unit_test(test_mdma_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
