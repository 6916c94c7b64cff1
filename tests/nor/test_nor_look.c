/* The diagnosis: in which mode was the chip found, where do the facts come from, what
 * do its registers say? For every part, one die and two, in every mode it can be left
 * in; and a port that does not name the look pays no transaction for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "nor_bench.h"

static vf_condition look(nor_bench *b)
{
	vf_condition c;
	assert_int_equal(nor_bench_probe(b), VF_OK);
	vf_nor_condition(&b->nor, &c);
	assert_true(c.known);
	return c;
}

static void check_mode(const char *part, uint8_t dies, enum vf_sim_mode mode, uint8_t flag)
{
	nor_bench b;
	nor_bench_open(&b, part, dies, 1);
	vf_sim_chip_leave_in(b.chip, mode);
	const vf_condition c = look(&b);
	const uint8_t modes = VF_FOUND_QPI | VF_FOUND_ADDR4 | VF_FOUND_ASLEEP | VF_FOUND_CONTINUOUS;
	if (!(c.found & VF_FOUND_KNOWN) || (c.found & modes) != flag)
		print_error("%s, %u dies, mode %d: found %02x\n", part, dies, (int)mode, c.found);
	assert_int_equal(c.found & modes, flag);
	assert_true(c.found & VF_FOUND_KNOWN);
	nor_bench_close(&b);
}

static void test_modes(void **state)
{
	(void)state;
	for (uint8_t dies = 1; dies <= 2; dies++) {
		check_mode("w25q128jv", dies, VF_SIM_MODE_SPI, 0);
		check_mode("w25q128jv", dies, VF_SIM_MODE_POWER_DOWN, VF_FOUND_ASLEEP);
		check_mode("w25q128jv", dies, VF_SIM_MODE_CONTINUOUS, VF_FOUND_CONTINUOUS);
		check_mode("mt25ql512ab", dies, VF_SIM_MODE_SPI, 0);
		check_mode("mt25ql512ab", dies, VF_SIM_MODE_QPI, VF_FOUND_QPI);
		check_mode("mt25ql512ab", dies, VF_SIM_MODE_ADDR4, VF_FOUND_ADDR4);
		check_mode("mt25ql512ab", dies, VF_SIM_MODE_POWER_DOWN, VF_FOUND_ASLEEP);
		check_mode("mt25ql512ab", dies, VF_SIM_MODE_CONTINUOUS, VF_FOUND_CONTINUOUS);
	}
}

/* All parts as they come out of the box: nothing is found that is not there. And all
 * that have it in QPI. */
static void test_plain(void **state)
{
	const vf_sim_part *part;
	unsigned in_qpi = 0;
	(void)state;
	for (size_t i = 0; (part = vf_sim_part_at(i)) != NULL; i++)
		if (strcmp(vf_sim_part_name(part), "generic-none") != 0)
			check_mode(vf_sim_part_name(part), 1, VF_SIM_MODE_SPI, 0);
	for (size_t i = 0; (part = vf_sim_part_at(i)) != NULL; i++) {
		const char *name = vf_sim_part_name(part);
		if (strncmp(name, "mt25q", 5) != 0 && strncmp(name, "mx25", 4) != 0 &&
		    strncmp(name, "gd25", 4) != 0 && strncmp(name, "is25", 4) != 0)
			continue;
		check_mode(name, 2, VF_SIM_MODE_QPI, VF_FOUND_QPI);
		in_qpi++;
	}
	assert_true(in_qpi >= 4);
}

static void test_protection(void **state)
{
	nor_bench b;
	(void)state;
	nor_bench_open(&b, "w25q128jv", 2, 1);
	vf_condition c = look(&b);
	assert_int_equal(c.registers, 2);
	assert_int_equal((c.status[0][0] | c.status[1][0]) & c.protect_mask, 0);
	assert_int_equal(c.quad, VF_CONDITION_QUAD_ON);
	assert_int_equal(c.lanes, 0x44);
	assert_int_equal(c.source, VF_CONDITION_SFDP | VF_CONDITION_TABLE);
	vf_sim_chip_protect(b.chip, true);
	c = look(&b);
	assert_int_equal(c.protect_mask, 0x1C);
	assert_int_equal(c.status[0][0] & c.protect_mask, 0x1C);
	assert_int_equal(c.status[1][0] & c.protect_mask, 0x1C);
	nor_bench_close(&b);
}

static void test_sources(void **state)
{
	nor_bench b;
	(void)state;
	nor_bench_open(&b, "w25q128jv", 1, 1);
	b.chip_config.no_sfdp = true;
	nor_bench_place(&b);
	assert_int_equal(look(&b).source, VF_CONDITION_TABLE);
	nor_bench_close(&b);
	nor_bench_open(&b, "w25q128jv", 1, 1);
	vf_nor_sources only = {.sfdp = &vf_nor_sfdp_source, .look = &vf_nor_look_source};
	assert_int_equal(vf_nor_init_with(&b.nor, &b.config, &only), VF_OK);
	assert_int_equal(look(&b).source, VF_CONDITION_SFDP);
	const uint32_t with = b.transactions;
	vf_condition c;
	only.look = NULL;
	assert_int_equal(vf_nor_init_with(&b.nor, &b.config, &only), VF_OK);
	assert_int_equal(nor_bench_probe(&b), VF_OK);
	vf_nor_condition(&b.nor, &c);
	assert_false(c.known);
	assert_true(b.transactions - with < with); /* nobody looked */
	nor_bench_close(&b);
}

/* An erase that a restarted board did not wait for. */
static void test_busy(void **state)
{
	nor_bench b;
	(void)state;
	nor_bench_open(&b, "w25q128jv", 1, 1);
	(void)look(&b);
	b.give_up = b.now_us + 5000;
	(void)nor_bench_erase(&b, 0, 4096);
	b.give_up = 0;
	assert_true(look(&b).found & VF_FOUND_BUSY);
	assert_false(look(&b).found & VF_FOUND_BUSY);
	nor_bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),      cmocka_unit_test(test_plain),
		cmocka_unit_test(test_protection), cmocka_unit_test(test_sources),
		cmocka_unit_test(test_busy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
