/* What a board does not name it does not do, and it says so as the protocol says. */
#include "rig.h"

static const vf_target_features nothing = {.check = vf_target_check};

static int begin(rig *r, const vf_target_features *features)
{
	return vf_target_init_with(&r->t, &r->config, features);
}

static void what_is_configured_must_be_named(void **state)
{
	vf_target_features f = nothing;
	rig *r = rig_new(&rig_usual);
	(void)state;
	assert_int_equal(begin(r, &nothing), VF_OK);
	r->config.home_rate = 115200;
	r->config.rate_max = 921600;
	assert_int_equal(begin(r, &nothing), VF_E_USAGE);
	f.rate = &vf_target_rate_feature;
	assert_int_equal(begin(r, &f), VF_OK);
	rig_offer_block(r, 4096);
	assert_int_equal(begin(r, &f), VF_E_USAGE);
	f.unpack = &vf_target_unpack_feature;
	assert_int_equal(begin(r, &f), VF_OK);
	static vf_target_guard guard;
	static const uint8_t key[VF_KEY_SIZE] = {1, 2, 3};
	r->config.key = key;
	f.guard = &vf_target_guard_feature;
	assert_int_equal(begin(r, &f), VF_E_USAGE); /* a key and nothing that looks at it */
	r->config.guard = &guard;
	assert_int_equal(begin(r, &f), VF_OK);
	f.guard = NULL;
	assert_int_equal(begin(r, &f), VF_E_USAGE);
	r->config.key = NULL;
	f.guard = &vf_target_guard_feature;
	assert_int_equal(begin(r, &f), VF_E_USAGE);
	rig_free(r);
}

static void without_text_nobody_is_greeted(void **state)
{
	rig *r = rig_new(&rig_usual);
	uint32_t at;
	(void)state;
	assert_int_equal(begin(r, &nothing), VF_OK);
	rig_put(r, (const uint8_t *)"hello?\r\r", 8);
	rig_run(r, 1000000);
	assert_int_equal(r->text_len, 0);
	assert_false(vf_target_deadline(&r->t, &at));
	rig_start(r);
	assert_false(rig_state(r).flags & VF_STATE_STOPPED);
	rig_free(r);
}

static void without_unpacking_deflated_is_unknown(void **state)
{
	static const uint8_t stored[] = {1, 4, 0, 0xFB, 0xFF, 'a', 'b', 'c', 'd'};
	rig *r = rig_new(&rig_usual);
	(void)state;
	assert_int_equal(begin(r, &nothing), VF_OK);
	rig_start(r);
	rig_deflated(r, 0, RIG_NOR_BASE, 4, stored, sizeof stored);
	rig_run(r, 100000);
	vf_state s = rig_state(r);
	assert_true(s.flags & VF_STATE_STOPPED);
	assert_int_equal(s.failure.code, VF_FAIL_UNKNOWN);
	rig_free(r);
}

static void without_a_rate_it_is_refused(void **state)
{
	static const uint8_t wanted[] = {0, 0x10, 0x0E, 0};
	rig *r = rig_new(&rig_usual);
	uint32_t baud;
	(void)state;
	assert_int_equal(begin(r, &nothing), VF_OK);
	rig_start(r);
	rig_frame(r, VF_KIND_RATE, wanted, sizeof wanted);
	rig_run(r, 10000);
	assert_int_equal(rig_count(r, VF_KIND_REFUSE), 1);
	assert_false(vf_target_rate(&r->t, &baud));
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_configured_must_be_named),
		cmocka_unit_test(without_text_nobody_is_greeted),
		cmocka_unit_test(without_unpacking_deflated_is_unknown),
		cmocka_unit_test(without_a_rate_it_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
