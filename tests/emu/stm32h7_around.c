/* stm32h7_around.c - semaphores, pins and button, backup registers, identity,
 * random words.
 */
#include "stm32h7_rig.h"

static void test_semaphore(void **state)
{
	rig *r = rig_new();

	(void)state;
	set(r, RCC + 0xE0, 1u << 25);
	assert_int_equal(rd(r, HSEM + 0x80), 0x80000300); /* taken by reading */
	r->core = 1;
	assert_int_equal(rd(r, HSEM + 0x80), 0x80000300);
	wr(r, HSEM + 0x110, 1); /* C2IER */
	wr(r, HSEM, 0x100);     /* not ours to release */
	assert_int_equal(rd(r, HSEM), 0x80000300);
	wr(r, HSEM, 0x300);
	assert_stop(r, "HSEM: semaphore 0 written with another core's id 3");
	r->core = 0;
	wr(r, HSEM, 0x300);
	assert_int_equal(rd(r, HSEM), 0);
	assert_true(r->irq[1][126]);
	assert_false(r->irq[0][125]);
	wr(r, HSEM + 0x114, 1);
	assert_false(r->irq[1][126]);
	wr(r, HSEM + 4, 0x80000305); /* two steps, with a process */
	assert_int_equal(rd(r, HSEM + 4), 0x80000305);
	rig_free(r);
}

static void test_pins(void **state)
{
	rig *r = rig_new();

	(void)state;
	(void)rd(r, GPIO(2) + 0x10);
	assert_stop(r, "GPIOC: read while its clock is off (RCC)");
	set(r, RCC + 0xE0, 1u << 2 | 1u << 8);
	clear(r, GPIO(2), 3u << 26);
	assert_int_equal(rd(r, GPIO(2) + 0x10), 0);
	vf_stm32h7_button(&r->soc, true);
	assert_int_equal(rd(r, GPIO(2) + 0x10), 1u << 13);
	wr(r, GPIO(8), 0x55555555);
	wr(r, GPIO(8) + 0x18, 0x00020001);
	wr_size(r, GPIO(8) + 0x18, 2, 0x8000);
	assert_int_equal(rd(r, GPIO(8) + 0x10), 0x8001);
	wr_size(r, GPIO(8) + 0x1A, 2, 0x0001);
	assert_int_equal(rd_size(r, GPIO(8) + 0x14, 2), 0x8000);
	rig_free(r);
}

static void test_backup(void **state)
{
	rig *r = rig_new();
	const uint32_t at = 0x58004050;

	(void)state;
	set(r, RCC + 0xF4, 1u << 16);
	wr(r, at, 5);
	assert_stop(r, "RTC: written with the backup domain protected (PWR DBP)");
	set(r, PWR, 1u << 8);
	wr(r, at, 5);
	rig_reset(r, VF_EMU_RESET_M7);
	set(r, RCC + 0xF4, 1u << 16);
	assert_int_equal(rd(r, at), 5);
	rig_reset(r, VF_EMU_RESET_POWER);
	set(r, RCC + 0xF4, 1u << 16);
	assert_int_equal(rd(r, at), 0);
	rig_free(r);
}

static void test_identity(void **state)
{
	rig *r = rig_new();

	(void)state;
	assert_int_equal(rd(r, 0x1FF1E804), 2);
	assert_int_equal(rd_size(r, 0x1FF1E880, 2), 2048);
	assert_int_equal(rd(r, 0x5C001000), 0x20036450);
	rig_free(r);
}

static void test_random(void **state)
{
	const uint32_t at = 0x48021800;
	rig *r = rig_new();
	uint32_t first;

	(void)state;
	set(r, RCC + 0xDC, 1u << 6);
	wr(r, at, 4);
	assert_int_equal(rd(r, at + 4), 2); /* no clock */
	set(r, RCC, 1u << 12);
	rig_run(r, 10000);
	assert_int_equal(rd(r, at + 4), 1);
	first = rd(r, at + 8);
	assert_int_not_equal(rd(r, at + 8), first);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_semaphore), cmocka_unit_test(test_pins),
		cmocka_unit_test(test_backup),    cmocka_unit_test(test_identity),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
