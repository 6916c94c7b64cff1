/* stm32h7_flash.c - the internal flash: unlocking, words, sectors, the time they
 * take, option bytes, and what is forbidden.
 */
#include "stm32h7_rig.h"

#include <string.h>

#define BANK2 0x08100000u
enum { KEYR = 0x104, CR = 0x10C, SR = 0x110, CCR = 0x114 }; /* bank 2 */

static void unlock(rig *r)
{
	wr(r, FLASHR + KEYR, 0x45670123);
	wr(r, FLASHR + KEYR, 0xCDEF89AB);
}

static void program(rig *r, uint32_t at, uint32_t value)
{
	set(r, FLASHR + CR, 0x32);
	for (uint32_t i = 0; i < 8; i++)
		assert_true(rig_store(r, at + 4 * i, 4, value + i));
}

static void test_program(void **state)
{
	rig *r = rig_new();

	(void)state;
	unlock(r);
	program(r, BANK2 + 64, 0x01020304);
	assert_int_equal(rd(r, FLASHR + SR), 5); /* BSY, QW */
	assert_false(r->flash_open[1]);
	assert_true(r->flash_open[0]);
	assert_int_equal(r->flash[(1 << 20) + 64], 0xFF);
	rig_run(r, 200000);
	assert_int_equal(rd(r, FLASHR + SR), 1u << 16); /* EOP */
	assert_true(r->flash_open[1]);
	assert_int_equal(r->flash[(1 << 20) + 64], 0x04);
	wr(r, FLASHR + CCR, 1u << 16);
	assert_int_equal(rd(r, FLASHR + SR), 0);
	assert_runs(r);
	rig_free(r);
}

static void test_erase(void **state)
{
	rig *r = rig_new();

	(void)state;
	memset(r->flash, 0, 2 << 20);
	unlock(r);
	wr(r, FLASHR + CR, 0x34 | 2 << 8 | 0x80);
	rig_run(r, 500000000);
	assert_int_equal(rd(r, FLASHR + SR), 5);
	assert_int_equal(r->flash[(1 << 20) + (2 << 17)], 0);
	rig_run(r, 1000000000);
	assert_int_equal(rd(r, FLASHR + SR), 1u << 16);
	assert_int_equal(r->flash[(1 << 20) + (2 << 17)], 0xFF);
	assert_int_equal(r->flash[(1 << 20) + (3 << 17) - 1], 0xFF);
	assert_int_equal(r->flash[(1 << 20) + (3 << 17)], 0);
	assert_int_equal(r->flash[(1 << 20) + (2 << 17) - 1], 0);
	wr(r, FLASHR + CR, 1);
	assert_false(rig_store(r, BANK2 + (2 << 17), 4, 5));
	wr(r, FLASHR + CR, 0x32);
	assert_stop(r, "CR2 written while locked");
	rig_free(r);
}

static void test_second_program(void **state)
{
	rig *r = rig_new();

	(void)state;
	unlock(r);
	program(r, BANK2, 1);
	rig_run(r, 200000);
	assert_runs(r);
	program(r, BANK2, 1);
	assert_stop(r, "a second program of a 256-bit word, which spoils its ECC, at 08100000h");
	assert_int_not_equal(rd(r, FLASHR + SR) & 1u << 18, 0);
	rig_free(r);
}

static void test_forbidden(void **state)
{
	rig *r = rig_new();

	(void)state;
	assert_false(rig_store(r, BANK2, 4, 0)); /* PG is not set */
	assert_int_equal(rd(r, FLASHR + SR) & 1u << 18, 1u << 18);
	unlock(r);
	set(r, FLASHR + CR, 0x32);
	assert_true(rig_store(r, BANK2, 4, 0));
	assert_int_equal(rd(r, FLASHR + SR) & 2, 2); /* WBNE */
	(void)rig_store(r, BANK2 + 32, 4, 0);
	assert_stop(r, "FLASH: a store outside the 256-bit word begun at 08100020h in bank 2");
	set(r, FLASHR + CR, 0x40); /* FW: the rest of the word stays blank */
	rig_run(r, 200000);
	assert_int_equal(r->flash[1 << 20], 0);
	assert_int_equal(r->flash[(1 << 20) + 4], 0xFF);
	wr(r, FLASHR + CR, 0x30);
	wr(r, FLASHR + CR, 0xB0);
	assert_stop(r, "START without SER or BER in bank 2");
	wr(r, FLASHR + CR, 0xB4);
	set(r, FLASHR + CR, 0x700);
	assert_stop(r, "CR2 changed while the bank is busy");
	wr(r, FLASHR + 4, 0x12345678);
	assert_stop(r, "12345678h in KEYR1, which locks the bank until a reset");
	wr(r, FLASHR + 4, 0x45670123);
	assert_stop(r, "45670123h in KEYR1");
	rig_free(r);
}

static void test_torn(void **state)
{
	rig *r = rig_new();
	unsigned blank = 0;

	(void)state;
	memset(r->flash, 0, 2 << 20);
	unlock(r);
	wr(r, FLASHR + CR, 0xB4);
	rig_run(r, 1000000);
	vf_stm32h7_power_cut(&r->soc);
	for (unsigned i = 0; i < 1u << 17; i++)
		blank += r->flash[(1 << 20) + i] == 0xFF;
	assert_in_range(blank, 1, (1u << 17) - 1);
	rig_reset(r, VF_EMU_RESET_POWER);
	assert_true(r->flash_open[1]);
	assert_int_equal(rd(r, FLASHR + SR), 0);
	rig_free(r);
}

static void unlock_options(rig *r)
{
	wr(r, FLASHR + 8, 0x08192A3B);
	wr(r, FLASHR + 8, 0x4C5D6E7F);
}

static void test_options(void **state)
{
	rig *r = rig_new();

	(void)state;
	wr(r, FLASHR + 0x4C, 0x10000812);
	assert_stop(r, "option register at 04Ch written while locked");
	unlock_options(r);
	wr(r, FLASHR + 0x4C, 0x10000812);
	clear(r, FLASHR + 0x20, 1u << 22); /* BCM4 */
	set(r, FLASHR + 0x18, 2);
	assert_int_equal(rd(r, FLASHR + 0x1C) & 1, 1);
	rig_run(r, 100000000);
	assert_int_equal(rd(r, FLASHR + 0x1C) & (1 | 1u << 22), 0);
	assert_int_equal(rd(r, FLASHR + 0x48), 0x10000812);
	r->booted[1] = 0;
	rig_reset(r, VF_EMU_RESET_PIN);
	assert_int_equal(r->booted[1], 0); /* held, until BOOT_C2 */
	set(r, RCC + 0xF4, 2);
	wr(r, SYSCFG + 0x30C, (rd(r, SYSCFG + 0x30C) & 0xFFFF) | 0x1000u << 16);
	set(r, RCC + 0xA0, 1u << 3);
	assert_int_equal(r->booted[1], 0x10000000);
	rig_free(r);
}

static void test_protected(void **state)
{
	rig *r = rig_new();

	(void)state;
	r->options.protect[1] = 0xFE;
	rig_reset(r, VF_EMU_RESET_PIN);
	unlock(r);
	wr(r, FLASHR + CR, 0xB4);
	assert_stop(r, "erase of a protected sector at 08100000h in bank 2");
	assert_int_equal(rd(r, FLASHR + SR), 1u << 17);
	wr(r, FLASHR + CR, 0xB4 | 1 << 8);
	rig_run(r, 1500000000);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program),        cmocka_unit_test(test_erase),
		cmocka_unit_test(test_second_program), cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_torn),           cmocka_unit_test(test_options),
		cmocka_unit_test(test_protected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
