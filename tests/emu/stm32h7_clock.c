/* stm32h7_clock.c - oscillators take their time, clocks come out as configured,
 * what is off does not answer, and limits are limits.
 */
#include "stm32h7_rig.h"

static void test_start(void **state)
{
	rig *r = rig_new();

	(void)state;
	assert_int_equal(r->booted[0], 0x08000000);
	assert_int_equal(r->booted[1], 0x08100000);
	assert_int_equal(r->hz[0], 64000000);
	assert_int_equal(rd(r, RCC + 0xD0) >> 17 & 0x7F, 0x7F);
	wr(r, RCC + 0xD0, 1u << 16);
	assert_int_equal(rd(r, RCC + 0xD0), 0);
	rig_reset(r, VF_EMU_RESET_M7);
	assert_int_equal(rd(r, RCC + 0xD0), 3u << 17 | 1u << 22 | 1u << 24);
	rig_free(r);
}

static void test_oscillator_takes_its_time(void **state)
{
	rig *r = rig_new();

	(void)state;
	set(r, RCC, 1u << 16);
	assert_int_equal(rd(r, RCC) & 1u << 17, 0);
	rig_run(r, 3000000);
	assert_int_not_equal(rd(r, RCC) & 1u << 17, 0);
	rig_free(r);
}

static void test_tree(void **state)
{
	rig *r = rig_new();

	(void)state;
	rig_clocks(r);
	set(r, RCC + 0x54, 1 << 3);
	assert_int_equal(vf_h7_usart16_hz(&r->soc), 96000000);
	assert_int_equal(vf_h7_quadspi_hz(&r->soc), 200000000);
	wr(r, RCC + 0x4C, 1 << 4); /* PLL1 Q */
	assert_int_equal(vf_h7_quadspi_hz(&r->soc), 200000000);
	wr(r, RCC + 0x4C, 2 << 4); /* PLL2 R */
	assert_int_equal(vf_h7_quadspi_hz(&r->soc), 240000000);
	assert_int_equal(vf_h7_pclk2(&r->soc), 100000000);
	rig_free(r);
}

static void test_pll_rules(void **state)
{
	rig *r = rig_new();

	(void)state;
	rig_clocks(r);
	wr(r, RCC + 0x30, 99 | 1 << 9 | 1 << 16 | 1 << 24);
	assert_stop(r, "RCC: PLL1 configured while it runs");
	clear(r, RCC, 1u << 16);
	assert_stop(r, "the source of the system clock switched off");
	set(r, RCC + 0x28, 10 << 20); /* 25 / 10, but RGE says 4 to 8 MHz */
	set(r, RCC + 0x2C, 2 << 10);
	set(r, RCC, 1u << 28);
	assert_stop(r, "PLL3 gets 2500000 Hz, outside");
	rig_free(r);
}

static void test_limits(void **state)
{
	rig *r = rig_new();

	(void)state;
	rig_clocks(r);
	wr(r, FLASHR, 0x11);
	assert_stop(r, "FLASH: 1 wait states at 200 MHz and voltage scale 1");
	wr(r, FLASHR, 0x22);
	wr(r, PWR + 0x18, 1u << 14);
	assert_stop(r, "RCC: 400 MHz at voltage scale 3, which allows 200");
	rig_free(r);
}

static void test_supply(void **state)
{
	rig *r = rig_new();

	(void)state;
	wr(r, PWR + 0x18, 3u << 14);
	assert_stop(r, "voltage scale written before the supply");
	wr(r, PWR + 0x0C, 0x02);
	assert_stop(r, "PWR: supply 02h in CR3, but the board is wired");
	wr(r, PWR + 0x0C, 0x04); /* too late: written once */
	assert_int_equal(rd(r, PWR + 0x0C) & 7, 2);
	assert_runs(r);
	rig_reset(r, VF_EMU_RESET_M7);
	assert_int_equal(rd(r, PWR + 0x0C) & 7, 2);
	rig_reset(r, VF_EMU_RESET_POWER);
	assert_int_equal(rd(r, PWR + 0x0C) & 7, 6);
	rig_free(r);
}

static void test_gates(void **state)
{
	rig *r = rig_new();

	(void)state;
	(void)rd(r, USART1 + 0x1C);
	assert_stop(r, "USART1: read while its clock is off (RCC)");
	wr(r, QUADSPI, 1);
	assert_stop(r, "QUADSPI: written while its clock is off (RCC)");
	r->core = 1; /* each core has enables of its own; one suffices */
	set(r, RCC + 0xF0, 1u << 4);
	assert_int_equal(rd(r, RCC + 0x190 + 0x20), 1u << 4);
	r->core = 0;
	assert_int_equal(rd(r, RCC + 0xF0), 0);
	(void)rd(r, USART1 + 0x1C);
	assert_runs(r);
	(void)rd(r, USART1 + 0x40);
	assert_stop(r, "USART1: read of offset 040h, where the model has no register");
	(void)rd_size(r, USART1 + 0x0C, 2);
	assert_stop(r, "read of 2 bytes at BRR + 0, which takes words only");
	rig_free(r);
}

static void test_peripheral_reset(void **state)
{
	rig *r = rig_new();

	(void)state;
	set(r, RCC + 0xF0, 1u << 4);
	wr(r, USART1 + 0x0C, 100);
	wr(r, RCC + 0x98, 1u << 4);
	wr(r, RCC + 0x98, 0);
	assert_int_equal(rd(r, USART1 + 0x0C), 0);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),  cmocka_unit_test(test_oscillator_takes_its_time),
		cmocka_unit_test(test_tree),   cmocka_unit_test(test_pll_rules),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_supply),
		cmocka_unit_test(test_gates),  cmocka_unit_test(test_peripheral_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
