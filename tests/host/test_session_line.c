/* test_session_line.c - a session with a real board over lines of every kind: whatever mix of
 * operations, sizes and faults, the flash ends up right and so do the answers, within bounded
 * time and memory; or the session ends and says why. VF_SEED=n runs one case.
 */
#include "session_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROUNDS = 3,
	OPS = 24,
	ANSWER_MAX = 16384,
};

typedef struct batch {
	unsigned count;
	vf_operation op[OPS];
	uint8_t *data[OPS];
	uint8_t *expect[OPS]; /* of the answer */
	uint32_t answer_len[OPS];
	bool blank[2][RIG_FLASH / RIG_SECTOR]; /* erased in this batch or before, nothing in it */
} batch;

/* --- a world --------------------------------------------------------------------- */

static uint32_t power(rig_random *r, unsigned from, unsigned to)
{
	return 1u << (from + rig_below(r, to - from + 1));
}

static void random_line(rig_random *r, rig_line *l, bool rough)
{
	static const uint64_t rates[] = {11520, 92160, 1000000, 0};
	static const uint32_t latencies[] = {0, 100, 1000, 16000};
	static const double errors[] = {0, 0, 1e-5, 1e-4, 1e-3, 1.0 / 300};

	memset(l, 0, sizeof *l);
	l->rate = rates[rig_below(r, 4)];
	l->latency_us = latencies[rig_below(r, 4)];
	l->capacity = power(r, 6, 16);
	double e = errors[rig_below(r, 6)];
	switch (rig_below(r, 5)) {
	case 0:
		l->change = e;
		break;
	case 1:
		l->drop = e;
		break;
	case 2:
		l->repeat = e;
		break;
	case 3:
		l->insert = e;
		break;
	default:
		l->change = l->drop = l->repeat = l->insert = e / 4;
		break;
	}
	if (rig_below(r, 3) == 0)
		l->again = 0.1;
	if (!rough)
		return;
	l->burst = rig_below(r, 2) == 0 ? 1e-4 : 0;
	l->stall = rig_below(r, 2) == 0 ? 3e-6 : 0;
}

static void random_sizes(rig_random *r, rig_sizes *s)
{
	*s = rig_usual;
	s->ring = power(r, 10, 18);
	s->window = power(r, 9, 18);
	s->frame =
		VF_WIRE_CONTROL_MAX + 4 + rig_below(r, VF_WIRE_BODY_MAX - VF_WIRE_CONTROL_MAX + 1);
	s->tx = VF_TARGET_TX_MIN +
		rig_below(r, VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX) - VF_TARGET_TX_MIN + 1);
	s->work = power(r, 9, 12);
	s->memories = 1 + rig_below(r, 2);
	s->blocking = rig_below(r, 3) == 0;
	s->holds_back = rig_below(r, 2) == 0;
	s->page_us = rig_below(r, 1000);
	s->erase_us = rig_below(r, 200000);
	s->read_us = rig_below(r, 200);
	if (rig_below(r, 2) == 0)
		s->payload_max = (uint16_t)(VF_WIRE_PAYLOAD_MIN + rig_below(r, 1000));
}

/* --- operations -------------------------------------------------------------------- */

static void from_expect(void *ctx, uint32_t at, uint8_t *out, uint32_t len)
{
	memcpy(out, (const uint8_t *)ctx + at, len);
}

static vf_operation *add(batch *b, uint8_t type, uint8_t memory, uint32_t offset, uint32_t len)
{
	vf_operation *op = &b->op[b->count];

	*op = (vf_operation){.message = {.type = type,
					 .memory = memory,
					 .address = RIG_BASE(memory) + offset,
					 .length = len}};
	b->data[b->count] = b->expect[b->count] = NULL;
	b->answer_len[b->count] = 0;
	b->count++;
	return op;
}

static void add_program(rig *r, batch *b, uint8_t memory, uint32_t sector)
{
	uint32_t at = sector * RIG_SECTOR + rig_below(&r->random, RIG_SECTOR);
	uint32_t len = 1 + rig_below(&r->random, RIG_SECTOR * (sector + 1) - at);
	uint8_t *data = malloc(len);
	vf_operation *op = add(b, VF_MESSAGE_PROGRAM, memory, at, len);

	assert_non_null(data);
	for (uint32_t i = 0; i < len; i++)
		data[i] = (uint8_t)rig_next(&r->random);
	memcpy(r->flash[memory].expect + at, data, len);
	b->data[b->count - 1] = data;
	if (rig_below(&r->random, 2) == 0) {
		op->data = data;
	} else {
		op->data_fn = from_expect;
		op->data_ctx = data;
	}
}

static void digest_groups(const rig *r, const vf_message *m, uint8_t *out)
{
	const uint8_t *bytes = r->flash[m->memory].expect + (m->address - RIG_BASE(m->memory));
	uint64_t key = vf_session_number(r->session);

	for (uint32_t at = 0; at < m->length; out += VF_DIGEST_SIZE) {
		vf_digest group, sector;
		uint8_t one[VF_DIGEST_SIZE];
		uint32_t i;
		vf_digest_init(&group, key);
		for (i = 0; i < m->group && at < m->length; i++, at += RIG_SECTOR) {
			vf_digest_init(&sector, key);
			vf_digest_update(&sector, bytes + at, RIG_SECTOR);
			vf_digest_final(&sector, one);
			vf_digest_update(&group, one, sizeof one);
		}
		if (i == 1)
			memcpy(out, one, sizeof one);
		else
			vf_digest_final(&group, out);
	}
}

/* An operation with an answer, about what the flash is to hold at this point. */
static void add_question(rig *r, batch *b, uint8_t memory)
{
	uint32_t at = rig_below(&r->random, RIG_FLASH);
	uint32_t len = 1 + rig_below(&r->random, ANSWER_MAX);
	uint8_t type = (uint8_t)(VF_MESSAGE_READ + rig_below(&r->random, 3));
	uint32_t group = 1 + rig_below(&r->random, 5);

	if (len > RIG_FLASH - at)
		len = RIG_FLASH - at;
	if (type == VF_MESSAGE_DIGEST) {
		at &= ~(RIG_SECTOR - 1u);
		len = RIG_SECTOR * (1 + rig_below(&r->random, (RIG_FLASH - at) / RIG_SECTOR));
	}
	vf_operation *op = add(b, type, memory, at, len);
	uint32_t answer = len;
	if (type == VF_MESSAGE_SHA256)
		answer = VF_SHA256_SIZE;
	if (type == VF_MESSAGE_DIGEST) {
		op->message.group = group;
		answer = (len / RIG_SECTOR + group - 1) / group * VF_DIGEST_SIZE;
	}
	unsigned i = b->count - 1;
	op->answer = calloc(1, answer);
	b->expect[i] = calloc(1, answer);
	assert_true(op->answer != NULL && b->expect[i] != NULL);
	b->answer_len[i] = answer;
	if (type == VF_MESSAGE_READ) {
		memcpy(b->expect[i], r->flash[memory].expect + at, len);
	} else if (type == VF_MESSAGE_DIGEST) {
		digest_groups(r, &op->message, b->expect[i]);
	} else {
		vf_sha256 sha;
		vf_sha256_init(&sha);
		vf_sha256_update(&sha, r->flash[memory].expect + at, len);
		vf_sha256_final(&sha, b->expect[i]);
	}
}

static void fill_batch(rig *r, batch *b)
{
	unsigned changes = rig_below(&r->random, OPS - 6);

	b->count = 0;
	while (b->count < changes) {
		uint8_t m = (uint8_t)rig_below(&r->random, r->sizes.memories);
		uint32_t sector = rig_below(&r->random, RIG_FLASH / RIG_SECTOR);
		(void)add(b, VF_MESSAGE_ERASE, m, sector * RIG_SECTOR, RIG_SECTOR);
		memset(r->flash[m].expect + sector * RIG_SECTOR, 0xFF, RIG_SECTOR);
		if (rig_below(&r->random, 4) != 0)
			add_program(r, b, m, sector);
	}
	for (unsigned n = rig_below(&r->random, 5); n > 0; n--)
		add_question(r, b, (uint8_t)rig_below(&r->random, r->sizes.memories));
}

static void free_batch(batch *b)
{
	for (unsigned i = 0; i < b->count; i++) {
		free(b->data[i]);
		free(b->expect[i]);
		free(b->op[i].answer);
	}
}

/* --- one case -------------------------------------------------------------------------- */

static bool over(const rig *r)
{
	return vf_session_status(r->session) != VF_SESSION_OPEN;
}

/* True if all went well; false if the session ended, with everything dropped. */
static bool run_batch(rig *r, batch *b, uint64_t for_us)
{
	uint64_t until = r->now + for_us;

	for (unsigned i = 0; i < b->count && !over(r); i++) {
		assert_int_equal(vf_session_submit(r->session, &b->op[i]), VF_OK);
		if (rig_below(&r->random, 3) == 0)
			(void)rig_step(r);
	}
	for (unsigned i = 0; i < b->count && !over(r); i++)
		while (b->op[i].status == VF_OPERATION_WAITING && !over(r)) {
			assert_true(r->now < until);
			(void)rig_step(r);
		}
	if (over(r)) {
		assert_true(vf_session_error(r->session)->text[0] != 0);
		for (unsigned i = 0; i < b->count; i++)
			assert_true(b->op[i].number == 0 ||
				    b->op[i].status != VF_OPERATION_WAITING);
		return false;
	}
	for (unsigned i = 0; i < b->count; i++) {
		assert_int_equal(b->op[i].status, VF_OPERATION_DONE);
		if (b->answer_len[i] > 0)
			assert_memory_equal(b->op[i].answer, b->expect[i], b->answer_len[i]);
	}
	return true;
}

static bool run_case(uint64_t seed, bool rough)
{
	rig_random random = {seed};
	rig_sizes sizes;
	rig_line out, in;
	bool good = true;

	random_sizes(&random, &sizes);
	random_line(&random, &out, rough);
	random_line(&random, &in, rough);
	rig *r = rig_new(seed, &sizes, &out, &in);
	vf_session_open(r->session, r->now);
	rig_while(r, VF_SESSION_OPENING, UINT64_C(60) * 1000000);
	assert_int_not_equal(vf_session_status(r->session), VF_SESSION_OPENING);
	for (unsigned round = 0; round < ROUNDS && good; round++) {
		batch b = {0};
		good = !over(r);
		if (good) {
			fill_batch(r, &b);
			good = run_batch(r, &b, UINT64_C(1200) * 1000000);
		}
		free_batch(&b);
	}
	if (good)
		for (unsigned m = 0; m < sizes.memories; m++)
			assert_memory_equal(r->flash[m].bytes, r->flash[m].expect, RIG_FLASH);
	else
		printf("  seed %llu: %s\n", (unsigned long long)seed,
		       vf_session_error(r->session)->text);
	assert_true(r->allocated_most < 400000);
	rig_free(r);
	return good;
}

static void run_cases(uint64_t first, unsigned count, bool rough, unsigned may_end)
{
	const char *one = getenv("VF_SEED");
	unsigned ended = 0;

	if (one != NULL) {
		first = strtoull(one, NULL, 0);
		count = 1;
	}
	printf("seeds %llu to %llu\n", (unsigned long long)first,
	       (unsigned long long)(first + count - 1));
	for (unsigned i = 0; i < count; i++) {
		if (getenv("VF_VERBOSE") != NULL) {
			printf("  seed %llu\n", (unsigned long long)(first + i));
			(void)fflush(stdout);
		}
		ended += !run_case(first + i, rough);
	}
	printf("%u of %u sessions ended early\n", ended, count);
	assert_true(ended <= may_end);
}

static void faults_change_nothing(void **state)
{
	(void)state;
	run_cases(1000, 120, false, 0);
}

static void rough_lines_end_well_or_say_so(void **state)
{
	(void)state;
	run_cases(5000, 60, true, 20);
}

/* --- what ends a session ------------------------------------------------------------------- */

static vf_operation long_program(const uint8_t *data)
{
	return (vf_operation){.message = {.type = VF_MESSAGE_PROGRAM,
					  .address = RIG_BASE(0),
					  .length = RIG_FLASH},
			      .data = data};
}

static const uint8_t zeros[RIG_FLASH];

static void a_restart_is_noticed(void **state)
{
	(void)state;
	rig *r = rig_new(1, &rig_usual, &rig_usb, &rig_usb);
	vf_operation op = long_program(zeros);

	rig_open(r);
	assert_int_equal(vf_session_submit(r->session, &op), VF_OK);
	rig_run(r, 100000);
	r->off = true;
	rig_run(r, 500000);
	r->off = false;
	rig_restart_board(r);
	rig_while(r, VF_SESSION_OPEN, 3000000);
	assert_int_equal(vf_session_status(r->session), VF_SESSION_ENDED);
	assert_int_equal(op.status, VF_OPERATION_DROPPED);
	assert_non_null(strstr(vf_session_error(r->session)->text, "the board restarted"));
	rig_open(r);
	rig_free(r);
}

static void a_takeover_is_noticed(void **state)
{
	(void)state;
	rig *r = rig_new(2, &rig_usual, &rig_usb, &rig_usb);
	vf_operation op = long_program(zeros);
	vf_hello h = {.version_min = 1, .version_max = 1, .payload = 64, .session = 4711};
	uint8_t body[VF_WIRE_CONTROL_MAX], raw[VF_WIRE_FRAME_SIZE(VF_WIRE_CONTROL_MAX)];
	vf_encoder e;

	rig_open(r);
	assert_int_equal(vf_session_submit(r->session, &op), VF_OK);
	rig_run(r, 100000);
	vf_encode_begin(&e, raw, sizeof raw);
	vf_encode_put(&e, body, vf_pack_hello(body, 1, &h));
	(void)vf_target_rx(&r->target, (const uint8_t *)"", 1); /* ends what is half there */
	(void)vf_target_rx(&r->target, raw, vf_encode_end(&e));
	rig_while(r, VF_SESSION_OPEN, 3000000);
	assert_int_equal(vf_session_status(r->session), VF_SESSION_LOST);
	assert_non_null(strstr(vf_session_error(r->session)->text, "another program"));
	rig_free(r);
}

static void a_dead_line_is_noticed(void **state)
{
	(void)state;
	rig *r = rig_new(3, &rig_usual, &rig_usb, &rig_usb);
	vf_operation op = long_program(zeros);

	rig_open(r);
	assert_int_equal(vf_session_submit(r->session, &op), VF_OK);
	rig_run(r, 100000);
	r->in.cut = true;
	uint64_t cut_us = r->now;
	rig_while(r, VF_SESSION_OPEN, 60000000);
	assert_int_equal(vf_session_status(r->session), VF_SESSION_LOST);
	assert_true(r->now - cut_us < 3100000);
	rig_free(r);
}

static void a_failure_stops_and_the_next_session_goes_on(void **state)
{
	(void)state;
	rig *r = rig_new(4, &rig_usual, &rig_usb, &rig_usb);
	vf_operation op = long_program(zeros);

	rig_open(r);
	r->flash[0].bad_offset = 70000;
	assert_int_equal(vf_session_submit(r->session, &op), VF_OK);
	rig_while(r, VF_SESSION_OPEN, 60000000);
	assert_int_equal(vf_session_status(r->session), VF_SESSION_STOPPED);
	const vf_failure *f = vf_session_failure(r->session);
	assert_int_equal(f->code, VF_FAIL_PROGRAM);
	assert_int_equal(f->operation, 0);
	assert_int_equal(f->address / RIG_PAGE, (RIG_BASE(0) + 70000) / RIG_PAGE);
	assert_int_equal(op.status, VF_OPERATION_DROPPED);
	assert_int_equal(vf_session_submit(r->session, &op), VF_E_USAGE);
	r->flash[0].bad_offset = UINT32_MAX;
	rig_open(r);
	assert_int_equal(vf_session_submit(r->session, &op), VF_OK);
	rig_wait(r, &op, 60000000);
	assert_int_equal(op.status, VF_OPERATION_DONE);
	rig_free(r);
}

/* The person stops in the middle of a long erase: the board is ready for the next one. */
static void closing_leaves_the_board_ready(void **state)
{
	for (unsigned blocking = 0; blocking < 2; blocking++) {
		(void)state;
		rig_sizes sizes = rig_usual;
		sizes.erase_us = 700000;
		sizes.blocking = blocking;
		rig *r = rig_new(5, &sizes, &rig_uart, &rig_uart);
		vf_operation op[20];
		rig_open(r);
		for (unsigned i = 0; i < 20; i++) {
			op[i] = (vf_operation){.message = {.type = VF_MESSAGE_ERASE,
							   .address = RIG_BASE(0) + i * RIG_SECTOR,
							   .length = RIG_SECTOR}};
			assert_int_equal(vf_session_submit(r->session, &op[i]), VF_OK);
		}
		rig_run(r, 2500000);
		assert_int_equal(vf_session_status(r->session), VF_SESSION_OPEN);
		vf_session_close(r->session, r->now);
		rig_while(r, VF_SESSION_CLOSING, 3000000);
		assert_int_equal(vf_session_status(r->session), VF_SESSION_CLOSED);
		assert_int_equal(op[19].status, VF_OPERATION_DROPPED);
		rig_open(r);
		assert_int_equal(vf_session_submit(r->session, &op[0]), VF_OK);
		rig_wait(r, &op[0], 3000000);
		assert_int_equal(op[0].status, VF_OPERATION_DONE);
		rig_free(r);
	}
}

static void deaf_boards_are_waited_for(void **state)
{
	(void)state;
	rig_sizes sizes = rig_usual;
	sizes.erase_us = 8000000;
	sizes.blocking = true;
	sizes.ring = 4096;
	rig *r = rig_new(6, &sizes, &rig_usb, &rig_usb);
	vf_operation op[2] = {{.message = {.type = VF_MESSAGE_ERASE,
					   .address = RIG_BASE(0),
					   .length = RIG_SECTOR}},
			      long_program(zeros)};

	rig_open(r);
	assert_int_equal(vf_session_submit(r->session, &op[0]), VF_OK);
	assert_int_equal(vf_session_submit(r->session, &op[1]), VF_OK);
	rig_wait(r, &op[1], 60000000);
	assert_int_equal(op[1].status, VF_OPERATION_DONE);
	assert_int_equal(vf_session_stats_get(r->session)->lost_there, 0);
	rig_free(r);
}

static void memory_that_runs_out_is_told(void **state)
{
	(void)state;
	uint8_t answer[64];
	vf_operation op = {
		.message = {.type = VF_MESSAGE_READ, .address = RIG_BASE(0), .length = 64},
		.answer = answer};

	for (long n = 0; n < 3; n++) {
		rig *r = rig_new(7, &rig_usual, &rig_perfect, &rig_perfect);
		rig_open(r);
		r->allocations_left = n;
		for (long i = 0; i < n; i++) {
			assert_int_equal(vf_session_submit(r->session, &op), VF_OK);
			rig_wait(r, &op, 1000000);
		}
		assert_int_equal(vf_session_submit(r->session, &op), VF_E_NOMEM);
		assert_int_equal(vf_session_status(r->session), VF_SESSION_OPEN);
		rig_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restart_is_noticed),
		cmocka_unit_test(a_takeover_is_noticed),
		cmocka_unit_test(a_dead_line_is_noticed),
		cmocka_unit_test(a_failure_stops_and_the_next_session_goes_on),
		cmocka_unit_test(closing_leaves_the_board_ready),
		cmocka_unit_test(deaf_boards_are_waited_for),
		cmocka_unit_test(memory_that_runs_out_is_told),
		cmocka_unit_test(faults_change_nothing),
		cmocka_unit_test(rough_lines_end_well_or_say_so),
	};
	return cmocka_run_group_tests_name("session line", tests, NULL, NULL);
}
