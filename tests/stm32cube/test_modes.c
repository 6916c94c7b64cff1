/* Line modes and dummy cycles that a project may set: those that this driver is known
 * not to work in are refused before the chip is touched, with the setting to change
 * (EXPECT is part of that line); the others work.
 */
#include <string.h>

#include "fake.h"
#include "fake_v2.h"

#include "../../boards/stm32cube/vcpflash_cube.h"

static void the_mode_is_refused_or_works(void **state)
{
	(void)state;
#ifdef EXPECT
	assert_int_equal(fake_begin(), VF_E_USAGE);
	assert_non_null(vf_cube_problem());
	assert_non_null(strstr(vf_cube_problem(), EXPECT));
	assert_int_equal(fake.inits, 0);
	assert_int_equal(vf_sim_chip_stats(fake.chip)->transactions, 0);
#else
	uint8_t bytes[3000];
	memset(bytes, 0x21, sizeof bytes);
	assert_int_equal(fake_begin(), VF_OK);
	assert_int_equal(fake_program(FAKE_BASE, bytes, sizeof bytes), VF_OK);
	assert_memory_equal(fake.array, bytes, sizeof bytes);
	assert_string_equal(fake.log, "");
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_mode_is_refused_or_works, fake_set_up,
						fake_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
