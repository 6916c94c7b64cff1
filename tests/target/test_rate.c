/* test_rate.c - the baud rate: what is granted, when the port has to change, and
 * all the ways home.
 */
#include "rig.h"

enum { HOME = 115200, MOST = 3000000, SECOND = 1000000 };

/* What the port was set to, as far as it was asked. */
typedef struct bench {
	rig *r;
	uint32_t baud;
	unsigned changes;
	uint32_t changed_at;
} bench;

static void pass(bench *b, uint32_t us)
{
	for (uint32_t end = b->r->now + us; (int32_t)(end - b->r->now) > 0;) {
		rig_turn(b->r);
		if (vf_target_rate(&b->r->t, &b->baud)) {
			b->changes++;
			b->changed_at = b->r->now;
		}
	}
}

static int setup(void **state)
{
	bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	b->r = rig_new(&rig_usual);
	b->r->config.home_rate = HOME;
	b->r->config.rate_max = MOST;
	b->baud = HOME;
	assert_int_equal(rig_init(b->r), VF_OK);
	*state = b;
	return 0;
}

static int setup_started(void **state)
{
	(void)setup(state);
	rig_start(((bench *)*state)->r);
	return 0;
}

static int teardown(void **state)
{
	bench *b = *state;
	rig_free(b->r);
	free(b);
	return 0;
}

static void ask(bench *b, uint32_t baud)
{
	uint8_t rest[4];
	vf_put32(rest, baud);
	rig_frame(b->r, VF_KIND_RATE, rest, sizeof rest);
}

static uint32_t granted(const bench *b)
{
	const rig_body *rated = rig_last(b->r, VF_KIND_RATED);
	assert_non_null(rated);
	assert_int_equal(rated->len, VF_WIRE_RATE_SIZE);
	assert_int_equal(vf_body_tag(rated->bytes), (uint32_t)b->r->session);
	return vf_get32(rated->bytes + VF_WIRE_HEADER);
}

static void echo(bench *b)
{
	rig_frame(b->r, VF_KIND_ECHO, (const uint8_t *)"is it you?", 10);
}

/* Up, and the host said that it stays. */
static void raise(bench *b, uint32_t baud)
{
	ask(b, baud);
	pass(b, 1000);
	assert_int_equal(granted(b), baud);
	assert_int_equal(b->baud, baud);
	rig_frame(b->r, VF_KIND_QUERY, NULL, 0);
	pass(b, 1000);
	assert_non_null(rig_last(b->r, VF_KIND_STATE));
	rig_clear(b->r);
	b->changes = 0;
}

static void expect_home(bench *b, uint32_t after_us)
{
	uint32_t from = b->r->now;
	pass(b, after_us - 2000);
	assert_int_equal(b->changes, 0);
	pass(b, 4000);
	assert_int_equal(b->changes, 1);
	assert_int_equal(b->baud, HOME);
	assert_in_range(b->changed_at - from, after_us - 2000, after_us + 4000);
	pass(b, 10 * SECOND);
	assert_int_equal(b->changes, 1);
}

/* --- what is granted ---------------------------------------------------------- */

static void welcome_says_how_far(void **state)
{
	bench *b = *state;
	vf_welcome w;
	rig_hello(b->r, b->r->session);
	pass(b, 1000);
	assert_int_equal(vf_unpack_welcome(&w, b->r->inbox[0].bytes, b->r->inbox[0].len), 0);
	assert_int_equal(w.rate, MOST);
}

static void any_rate_in_between_is_granted(void **state)
{
	static const struct {
		uint32_t wanted, granted;
	} cases[] = {{0, HOME},
		     {1, HOME},
		     {HOME - 1, HOME},
		     {HOME, HOME},
		     {HOME + 1, HOME + 1},
		     {MOST - 1, MOST - 1},
		     {MOST, MOST},
		     {UINT32_MAX, MOST}};
	bench *b = *state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint32_t before = b->baud;
		ask(b, cases[i].wanted);
		pass(b, 1000);
		/* Below home there is nothing: it stays where it is. */
		assert_int_equal(granted(b), cases[i].wanted < HOME ? before : cases[i].granted);
		assert_int_equal(b->baud, granted(b));
		rig_clear(b->r);
	}
	ask(b, 1);
	pass(b, 1000);
	assert_int_equal(granted(b), MOST);
	ask(b, HOME);
	pass(b, 1000);
	assert_int_equal(granted(b), HOME);
	assert_int_equal(b->baud, HOME);
}

static void a_port_with_few_rates_takes_the_next_lower(void **state)
{
	static const uint32_t rates[] = {230400, 921600, 2000000};
	static const struct {
		uint32_t wanted, granted;
	} cases[] = {{0, HOME},        {HOME, HOME},     {230399, HOME},       {230400, 230400},
		     {921599, 230400}, {921600, 921600}, {UINT32_MAX, 2000000}};
	bench *b = *state;
	b->r->config.rates = rates;
	b->r->config.rate_count = 3;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(rig_init(b->r), VF_OK);
		rig_start(b->r);
		b->baud = HOME;
		ask(b, cases[i].wanted);
		pass(b, 1000);
		assert_int_equal(granted(b), cases[i].granted);
		assert_int_equal(b->baud, cases[i].granted);
		rig_clear(b->r);
	}
}

static void expect_refusal(bench *b)
{
	vf_refuse refuse;
	ask(b, 921600);
	pass(b, 5 * SECOND);
	const rig_body *body = rig_last(b->r, VF_KIND_REFUSE);
	assert_non_null(body);
	assert_int_equal(vf_unpack_refuse(&refuse, body->bytes, body->len), 0);
	assert_int_equal(refuse.code, VF_REFUSE_KIND);
	assert_int_equal(refuse.kind, VF_KIND_RATE);
	assert_null(rig_last(b->r, VF_KIND_RATED));
	assert_int_equal(b->changes, 0);
}

static void a_port_without_rates_refuses(void **state)
{
	bench *b = *state;
	b->r->config.home_rate = b->r->config.rate_max = 0;
	assert_int_equal(rig_init(b->r), VF_OK);
	rig_start(b->r);
	expect_refusal(b);
}

static void rates_are_withheld_on_a_line_without(void **state)
{
	bench *b = *state;
	vf_welcome w;
	assert_int_equal(rig_init(b->r), VF_OK);
	vf_target_offer_rates(&b->r->t, false);
	rig_hello(b->r, b->r->session);
	pass(b, 1000);
	assert_int_equal(vf_unpack_welcome(&w, b->r->inbox[0].bytes, b->r->inbox[0].len), 0);
	assert_int_equal(w.rate, 0);
	expect_refusal(b);
	vf_target_offer_rates(&b->r->t, true);
	raise(b, 921600);
}

static void a_short_rate_is_damaged(void **state)
{
	bench *b = *state;
	rig_frame(b->r, VF_KIND_RATE, (const uint8_t *)"\0\x10\x0e", 3);
	pass(b, 1000);
	assert_null(rig_last(b->r, VF_KIND_RATED));
	assert_int_equal(vf_target_stats_get(&b->r->t)->damaged, 1);
}

static void configurations_that_contradict_themselves(void **state)
{
	static const uint32_t rates[] = {115199, 115200, 230400, 230400, 3000001};
	static const struct {
		uint32_t home, most;
		unsigned first, count;
		int status;
	} cases[] = {
		{0, 0, 0, 0, VF_OK},
		{0, MOST, 0, 0, VF_E_USAGE},
		{HOME, 0, 0, 0, VF_E_USAGE},
		{MOST, HOME, 0, 0, VF_E_USAGE},
		{HOME, HOME, 0, 0, VF_OK},
		{HOME, MOST, 0, 1, VF_E_USAGE},
		{HOME, MOST, 1, 2, VF_OK},
		{HOME, MOST, 2, 2, VF_E_USAGE},
		{HOME, MOST, 4, 1, VF_E_USAGE},
		{0, 0, 1, 1, VF_E_USAGE},
	};
	bench *b = *state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		b->r->config.home_rate = cases[i].home;
		b->r->config.rate_max = cases[i].most;
		b->r->config.rates = rates + cases[i].first;
		b->r->config.rate_count = (uint8_t)cases[i].count;
		assert_int_equal(rig_init(b->r), cases[i].status);
	}
}

/* --- when ------------------------------------------------------------------------ */

static void the_port_changes_after_the_last_byte(void **state)
{
	bench *b = *state;
	size_t len;
	b->r->tx_closed = true;
	ask(b, 921600);
	pass(b, SECOND);
	assert_int_equal(b->changes, 0);
	assert_non_null(vf_target_tx(&b->r->t, &len));
	vf_target_tx_done(&b->r->t, len - 1);
	rig_frame(b->r, VF_KIND_QUERY, NULL, 0);
	pass(b, SECOND);
	assert_int_equal(b->changes, 0);
	vf_target_tx_done(&b->r->t, 1);
	/* Nothing more at the old rate, although there is something to say. */
	vf_target_tick(&b->r->t, b->r->now);
	assert_null(vf_target_tx(&b->r->t, &len));
	assert_int_equal(len, 0);
	assert_true(vf_target_rate(&b->r->t, &b->baud));
	assert_int_equal(b->baud, 921600);
	assert_false(vf_target_rate(&b->r->t, &b->baud));
	assert_non_null(vf_target_tx(&b->r->t, &len));
}

static void the_last_of_several_counts(void **state)
{
	bench *b = *state;
	ask(b, 460800);
	ask(b, 921600);
	pass(b, 1000);
	assert_int_equal(rig_count(b->r, VF_KIND_RATED), 1);
	assert_int_equal(granted(b), 921600);
	assert_int_equal(b->baud, 921600);
}

/* The second comes when the first is announced and the port has not looked yet. */
static void each_announcement_is_kept(void **state)
{
	bench *b = *state;
	ask(b, 460800);
	rig_turn(b->r);
	assert_int_equal(granted(b), 460800);
	ask(b, 921600);
	rig_turn(b->r);
	assert_true(vf_target_rate(&b->r->t, &b->baud));
	assert_int_equal(b->baud, 460800);
	pass(b, 1000);
	assert_int_equal(granted(b), 921600);
	assert_int_equal(b->baud, 921600);
}

static void a_new_session_forgets_the_question(void **state)
{
	bench *b = *state;
	b->r->tx_closed = true;
	ask(b, 921600);
	pass(b, 1000);
	rig_hello(b->r, b->r->session + 1);
	pass(b, 1000);
	b->r->tx_closed = false;
	pass(b, 10 * SECOND);
	assert_int_equal(b->changes, 0);
}

/* --- the ways home ----------------------------------------------------------------- */

static void nobody_there(void **state)
{
	bench *b = *state;
	ask(b, 921600);
	pass(b, 200);
	assert_int_equal(b->baud, 921600);
	b->changes = 0;
	expect_home(b, SECOND);
}

static void echoes_do_not_mean_to_stay(void **state)
{
	bench *b = *state;
	ask(b, 921600);
	pass(b, 200);
	b->changes = 0;
	for (unsigned i = 0; i < 9; i++) {
		pass(b, SECOND / 10);
		echo(b);
	}
	assert_int_equal(b->changes, 0);
	pass(b, SECOND / 10 + 1000);
	assert_int_equal(rig_count(b->r, VF_KIND_ECHOED), 9);
	assert_int_equal(b->changes, 1);
	assert_int_equal(b->baud, HOME);
}

static void silence(void **state)
{
	bench *b = *state;
	raise(b, 921600);
	for (unsigned i = 0; i < 5; i++) {
		pass(b, 2900000);
		echo(b); /* once it is settled every frame counts */
		pass(b, 1000);
	}
	expect_home(b, 3 * SECOND);
	vf_state s = rig_state(b->r); /* the session went on */
	assert_int_equal(s.done, 0);
}

static void other_peoples_frames_are_silence(void **state)
{
	bench *b = *state;
	raise(b, 921600);
	for (unsigned i = 0; i < 29; i++) {
		pass(b, SECOND / 10);
		rig_frame_tagged(b->r, VF_KIND_QUERY, 0x12345678, NULL, 0);
	}
	expect_home(b, SECOND / 10);
}

static void the_deadline_tells_of_it(void **state)
{
	bench *b = *state;
	uint32_t at;
	raise(b, 921600);
	assert_true(vf_target_deadline(&b->r->t, &at));
	assert_in_range(at - b->r->now, 3 * SECOND - 2000, 3 * SECOND);
	b->r->now = at;
	vf_target_tick(&b->r->t, at);
	assert_true(vf_target_rate(&b->r->t, &b->baud));
	assert_int_equal(b->baud, HOME);
	vf_target_tick(&b->r->t, at);
	assert_false(vf_target_deadline(&b->r->t, &at));
}

static void the_end_of_the_session(void **state)
{
	bench *b = *state;
	size_t len;
	raise(b, 921600);
	b->r->tx_closed = true;
	rig_frame(b->r, VF_KIND_ABORT, NULL, 0);
	pass(b, 1000);
	assert_int_equal(b->changes, 0);
	assert_non_null(vf_target_tx(&b->r->t, &len));
	vf_target_tx_done(&b->r->t, len);
	b->r->tx_closed = false;
	pass(b, 200);
	assert_int_equal(b->changes, 1);
	assert_int_equal(b->baud, HOME);
	rig_start(b->r);
}

static void another_host_at_the_same_rate(void **state)
{
	bench *b = *state;
	raise(b, 921600);
	pass(b, 2 * SECOND);
	b->r->session++;
	rig_start(b->r);
	pass(b, 2 * SECOND);
	assert_int_equal(b->changes, 0);
	assert_int_equal(rig_state(b->r).done, 0);
	expect_home(b, 3 * SECOND);
}

static void an_application_finds_the_home_rate(void **state)
{
	bench *b = *state;
	uint32_t address;
	static const uint8_t table[8] = {0x00, 0x00, 0x02, 0x20, 0x09, 0x00, 0x00, 0x90};
	raise(b, 921600);
	memcpy(b->r->flash[0].cells, table, sizeof table);
	rig_message(b->r, VF_MESSAGE_RUN, 0, RIG_NOR_BASE, 0);
	for (unsigned i = 0; i < 1000 && !vf_target_rate(&b->r->t, &b->baud); i++) {
		assert_false(vf_target_run(&b->r->t, &address));
		rig_turn(b->r);
	}
	assert_int_equal(rig_last_state(b->r).done, 1);
	assert_int_equal(b->baud, HOME);
	assert_true(vf_target_run(&b->r->t, &address));
	assert_int_equal(address, RIG_NOR_BASE);
}

static void the_time_of_a_deaf_board_does_not_count(void **state)
{
	bench *b = *state;
	b->r->info[0].flags |= VF_MEMORY_BLOCKING;
	assert_int_equal(rig_init(b->r), VF_OK);
	rig_start(b->r);
	raise(b, 921600);
	b->r->flash[0].freeze = true;
	rig_message(b->r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	for (unsigned i = 0; i < 1000 && b->r->flash[0].op == NULL; i++)
		rig_turn(b->r);
	assert_non_null(b->r->flash[0].op);
	b->r->now += 20 * SECOND; /* the driver blocks: nothing is called */
	b->r->flash[0].freeze = false;
	b->changes = 0;
	pass(b, 2900000);
	assert_int_equal(b->changes, 0);
	assert_int_equal(rig_state(b->r).done, 1);
	expect_home(b, 3 * SECOND);
}

#define T(name)  cmocka_unit_test_setup_teardown(name, setup_started, teardown)
#define T0(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T0(welcome_says_how_far),
		T(any_rate_in_between_is_granted),
		T0(a_port_with_few_rates_takes_the_next_lower),
		T0(a_port_without_rates_refuses),
		T0(rates_are_withheld_on_a_line_without),
		T(a_short_rate_is_damaged),
		T0(configurations_that_contradict_themselves),
		T(the_port_changes_after_the_last_byte),
		T(the_last_of_several_counts),
		T(each_announcement_is_kept),
		T(a_new_session_forgets_the_question),
		T(nobody_there),
		T(echoes_do_not_mean_to_stay),
		T(silence),
		T(other_peoples_frames_are_silence),
		T(the_deadline_tells_of_it),
		T(the_end_of_the_session),
		T(another_host_at_the_same_rate),
		T(an_application_finds_the_home_rate),
		T0(the_time_of_a_deaf_board_does_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
