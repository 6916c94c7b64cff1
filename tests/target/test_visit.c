/* test_visit.c - what the engine does for guests: which bytes it shows them, what it sends for
 * them, that their messages meet the same checks as a host's, and what it writes into
 * the journal for one that changes a chip by itself. The guest here only takes notes.
 */
#include "frail.h"

enum { SECTOR = 4096 };

typedef struct guest {
	vf_target_guest hook;
	uint8_t seen[8192], taken[256];
	size_t seen_len, taken_len;
	size_t wants;  /* so many of the next bytes are its own */
	bool holding;  /* the next ones are, but later */
	bool restless; /* another step would find something to do */
	bool due;
	uint32_t due_at;
	const char *say;
	unsigned ends, steps;
} guest;

typedef struct bench {
	rig *r;
	guest g;
	bool journal;
} bench;

/* --- the guest ---------------------------------------------------------------------- */

static size_t take(void *self, const uint8_t *bytes, size_t len)
{
	guest *g = self;
	size_t n = len < g->wants ? len : g->wants;
	memcpy(g->taken + g->taken_len, bytes, n);
	g->taken_len += n;
	g->wants -= n;
	return n;
}

static bool holds(const void *self)
{
	return ((const guest *)self)->holding;
}

static void see(void *self, uint8_t byte)
{
	guest *g = self;
	assert_true(g->seen_len < sizeof g->seen);
	g->seen[g->seen_len++] = byte;
}

static bool step(void *self, uint32_t now_us)
{
	guest *g = self;
	(void)now_us;
	g->steps++;
	return g->restless;
}

static bool deadline(const void *self, uint32_t *at_us)
{
	const guest *g = self;
	*at_us = g->due_at;
	return g->due;
}

static const uint8_t *speak(void *self, size_t *len)
{
	const guest *g = self;
	*len = g->say != NULL ? strlen(g->say) : 0;
	return *len != 0 ? (const uint8_t *)g->say : NULL;
}

static void spoken(void *self, size_t sent)
{
	guest *g = self;
	g->say += sent;
}

static void ended(void *self)
{
	((guest *)self)->ends++;
}

/* --- the bench ---------------------------------------------------------------------- */

static bench *make(bool journal)
{
	bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	b->r = rig_new(&rig_usual);
	b->journal = journal;
	b->g.hook = (vf_target_guest){.self = &b->g,
				      .engine = &vf_target_visit_feature,
				      .take = take,
				      .holds = holds,
				      .see = see,
				      .step = step,
				      .deadline = deadline,
				      .tx = speak,
				      .tx_done = spoken,
				      .end = ended};
	b->r->config.guest = &b->g.hook;
	if (journal) {
		b->r->info[0].protects = 0;
		(void)frail_new(b->r, 0, 0xE000, SECTOR, 1);
	} else {
		assert_int_equal(rig_init(b->r), VF_OK);
	}
	return b;
}

static int setup(void **state)
{
	*state = make(false);
	return 0;
}

static int setup_journal(void **state)
{
	bench *b = make(true);
	*state = b;
	for (unsigned i = 0; i < 1000 && !vf_target_guest_open(&b->r->t); i++)
		rig_turn(b->r);
	assert_true(vf_target_guest_visit(&b->r->t).open);
	return 0;
}

static int teardown(void **state)
{
	bench *b = *state;
	if (b->journal)
		frail_free(b->r);
	rig_free(b->r);
	free(b);
	return 0;
}

/* All of it, however often there is no room. */
static void put(bench *b, const uint8_t *bytes, size_t len)
{
	for (unsigned i = 0; i < 10000 && len > 0; i++) {
		const size_t n = vf_target_guest_put(&b->r->t, bytes, len);
		bytes += n;
		len -= n;
		rig_turn(b->r);
	}
	assert_int_equal(len, 0);
}

static void message(bench *b, uint8_t type, uint32_t address, uint32_t length)
{
	uint8_t out[VF_WIRE_MESSAGE_LONG];
	const vf_message m = {.type = type, .address = address, .length = length};
	put(b, out, vf_pack_message(out, &m));
}

/* Until all messages are done, or one failed. */
static vf_target_visit finish(bench *b)
{
	for (unsigned i = 0; i < 20000; i++) {
		const vf_target_visit v = vf_target_guest_visit(&b->r->t);
		if (v.stopped || (v.put != 0 && v.done == v.put))
			return v;
		rig_turn(b->r);
	}
	fail_msg("it does not end");
	return (vf_target_visit){0};
}

static void set(bench *b, uint8_t state, const uint8_t *ranges, uint32_t len)
{
	message(b, VF_MESSAGE_SET, state, len);
	put(b, ranges, len);
	assert_false(finish(b).stopped);
}

/* --- what they see ------------------------------------------------------------------- */

static void test_bytes_are_shown(void **state)
{
	bench *b = *state;
	static const char typed[] = "help\r";
	uint8_t frame[VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)];
	rig_put(b->r, (const uint8_t *)typed, strlen(typed));
	rig_run(b->r, 1000);
	assert_int_equal(b->g.seen_len, strlen(typed));
	assert_memory_equal(b->g.seen, typed, strlen(typed));
	/* Noise that only its end tells from a frame is shown, too. */
	const size_t n = rig_encode(b->r, frame, VF_KIND_QUERY, NULL, 0);
	b->g.seen_len = 0;
	rig_put(b->r, frame, n);
	rig_run(b->r, 1000);
	assert_int_equal(b->g.seen_len, n);
	assert_memory_equal(b->g.seen, frame, n);
}

static void test_a_session_ends_them(void **state)
{
	bench *b = *state;
	assert_true(vf_target_guest_open(&b->r->t));
	rig_hello(b->r, b->r->session);
	rig_run(b->r, 20000);
	assert_non_null(rig_last(b->r, VF_KIND_WELCOME));
	assert_int_equal(b->g.ends, 1);
	assert_false(vf_target_guest_visit(&b->r->t).open);
	assert_false(vf_target_guest_open(&b->r->t)); /* a host is there */
	b->g.seen_len = 0;
	b->g.steps = 0;
	b->g.say = "not now\r\n";
	rig_put(b->r, (const uint8_t *)"x", 1);
	rig_run(b->r, 20000);
	assert_int_equal(b->g.seen_len + b->g.steps, 0);
	assert_string_equal(b->g.say, "not now\r\n");
	/* And it is over when the host says so. */
	rig_frame(b->r, VF_KIND_ABORT, NULL, 0);
	rig_run(b->r, 20000);
	rig_put(b->r, (const uint8_t *)"y", 1);
	rig_run(b->r, 20000);
	assert_int_equal(b->g.seen[b->g.seen_len - 1], 'y');
	assert_string_equal(b->g.say, "");
	assert_non_null(strstr(b->r->text, "not now"));
	assert_true(vf_target_guest_open(&b->r->t));
}

/* What a guest takes as its own is no frame, whatever stands in it. */
static void test_its_own_bytes(void **state)
{
	bench *b = *state;
	uint8_t frame[VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)], body[VF_WIRE_CONTROL_MAX];
	const vf_hello h = {
		.session = b->r->session, .payload = 4096, .version_min = 1, .version_max = 1};
	const size_t len = vf_pack_hello(body, 0, &h);
	vf_encoder e;
	vf_encode_begin(&e, frame, sizeof frame);
	vf_encode_put(&e, body, len);
	const size_t n = vf_encode_end(&e);
	b->g.wants = n;
	rig_put(b->r, frame, n);
	rig_run(b->r, 20000);
	assert_int_equal(b->g.taken_len, n);
	assert_memory_equal(b->g.taken, frame, n);
	assert_int_equal(b->g.seen_len, 0);
	assert_int_equal(b->g.ends, 0);
	/* While it holds them nobody looks, and nothing is lost. */
	b->g.holding = true;
	rig_put(b->r, frame, n);
	rig_run(b->r, 20000);
	assert_int_equal(b->g.ends + b->g.seen_len, 0);
	assert_int_equal(b->g.taken_len, n);
	b->g.holding = false;
	rig_run(b->r, 20000);
	assert_int_equal(b->g.ends, 1);
}

static void test_deadlines(void **state)
{
	bench *b = *state;
	uint32_t at;
	rig_run(b->r, 1000);
	assert_false(vf_target_deadline(&b->r->t, &at));
	b->g.due = true;
	b->g.due_at = vf_target_now(&b->r->t) + 700;
	assert_true(vf_target_deadline(&b->r->t, &at));
	assert_int_equal(at, b->g.due_at);
	b->g.due_at = vf_target_now(&b->r->t) - 5; /* late: at once */
	assert_true(vf_target_deadline(&b->r->t, &at));
	assert_int_equal(at, vf_target_now(&b->r->t));
	b->g.due = false;
	b->g.restless = true;
	rig_turn(b->r);
	assert_true(vf_target_deadline(&b->r->t, &at));
	assert_int_equal(at, vf_target_now(&b->r->t));
}

static void test_the_greeting(void **state)
{
	bench *b = *state;
	uint8_t line[VF_TARGET_TX_MIN];
	const size_t len = vf_target_greeting(&b->r->t, line);
	assert_true(len > 4 && len <= sizeof line);
	assert_memory_equal(line, "\r\n", 2);
	assert_memory_equal(line + len - 2, "\r\n", 2);
	line[len - 1] = '\0';
	assert_non_null(strstr((char *)line, "TESTBOARD"));
	assert_ptr_equal(vf_target_config_get(&b->r->t)->guest, &b->g.hook);
}

/* --- what they may do ----------------------------------------------------------------- */

/* More than the window holds; it is erased, written, and read back in pieces. */
static void test_writing_and_reading(void **state)
{
	enum { LEN = 20000 };
	bench *b = *state;
	uint8_t *data = malloc(LEN);
	uint64_t seed = 5;
	size_t at = 0;
	assert_non_null(data);
	rig_random_fill(&seed, data, LEN);
	memset(b->r->flash[0].cells, 0x55, 0x6000);
	assert_true(vf_target_guest_open(&b->r->t));
	for (uint32_t s = 0; s < 5; s++)
		message(b, VF_MESSAGE_ERASE, RIG_NOR_BASE + s * SECTOR, SECTOR);
	message(b, VF_MESSAGE_PROGRAM, RIG_NOR_BASE, LEN);
	put(b, data, LEN);
	assert_false(finish(b).stopped);
	assert_memory_equal(b->r->flash[0].cells, data, LEN);
	assert_int_equal(b->r->flash[0].cells[LEN], 0xFF);
	assert_int_equal(b->r->flash[0].cells[(size_t)5 * SECTOR], 0x55);
	message(b, VF_MESSAGE_READ, RIG_NOR_BASE + 100, 5000);
	for (unsigned i = 0; i < 10000 && at < 5000; i++) {
		size_t len;
		const uint8_t *piece = vf_target_guest_answer(&b->r->t, &len);
		if (piece != NULL) {
			assert_true(at + len <= 5000);
			assert_memory_equal(piece, data + 100 + at, len);
			at += len;
			vf_target_guest_answer_taken(&b->r->t);
		}
		vf_target_guest_answer_taken(&b->r->t); /* none is there: no harm */
		rig_turn(b->r);
	}
	assert_int_equal(at, 5000);
	assert_int_equal(finish(b).done, 7);
	free(data);
}

/* The port's buffers: no more is taken than there is room for. */
static void test_no_more_than_there_is_room_for(void **state)
{
	bench *b = *state;
	uint8_t byte = 0;
	uint32_t taken = 0;
	assert_int_equal(vf_target_guest_put(&b->r->t, &byte, 1), 0); /* not open */
	assert_true(vf_target_guest_open(&b->r->t));
	b->r->flash[0].hold = true;
	message(b, VF_MESSAGE_PROGRAM, RIG_NOR_BASE, 0xC000);
	for (unsigned i = 0; i < 0xC000; i++)
		taken += (uint32_t)vf_target_guest_put(&b->r->t, &byte, 1);
	assert_in_range(taken, 1, b->r->config.window_len);
	assert_int_equal(vf_target_guest_put(&b->r->t, &byte, 1), 0);
	/* An operation of the visit is under way: a new one has to wait for it. */
	b->r->flash[0].hold = false;
	b->r->flash[0].freeze = true;
	rig_run(b->r, 2000);
	assert_false(vf_target_guest_open(&b->r->t));
	assert_false(vf_target_guest_visit(&b->r->t).open);
	b->r->flash[0].freeze = false;
	rig_run(b->r, 20000);
	assert_true(vf_target_guest_open(&b->r->t));
	assert_int_equal(vf_target_guest_visit(&b->r->t).put, 0);
}

static void test_what_a_host_may_not(void **state)
{
	bench *b = *state;
	assert_true(vf_target_guest_open(&b->r->t));
	message(b, VF_MESSAGE_ERASE, RIG_NOR_BASE + 0xC000, SECTOR); /* protected */
	vf_target_visit v = finish(b);
	assert_true(v.stopped);
	assert_int_equal(v.failure.code, VF_FAIL_PROTECTED);
	assert_int_equal(b->r->flash[0].erased, 0);
	/* Nothing is done any more, until it is opened again. */
	(void)vf_target_guest_put(&b->r->t, (const uint8_t[8]){0}, 8);
	rig_run(b->r, 2000);
	assert_int_equal(b->r->flash[0].begun, 0);
	vf_target_guest_close(&b->r->t);
	assert_false(vf_target_guest_visit(&b->r->t).open);
	assert_true(vf_target_guest_open(&b->r->t));
	assert_false(vf_target_guest_visit(&b->r->t).stopped);
	assert_int_equal(vf_target_guest_change(&b->r->t, 0, &(vf_range){0, SECTOR}), VF_OK);
	vf_target_guest_close(&b->r->t);
	assert_int_equal(vf_target_guest_change(&b->r->t, 0, &(vf_range){0, SECTOR}), VF_E_REFUSED);
}

/* The board leaves when the guest has said all that it has to say. */
static void test_leaving(void **state)
{
	static const uint8_t vectors[8] = {0, 0, 2, 0x20, 9, 0, 0, 0x90};
	bench *b = *state;
	uint32_t address = 0;
	memcpy(b->r->flash[0].cells, vectors, sizeof vectors);
	assert_true(vf_target_guest_open(&b->r->t));
	message(b, VF_MESSAGE_RUN, RIG_NOR_BASE, 0);
	for (unsigned i = 0; i < 1000 && !vf_target_guest_visit(&b->r->t).leaving; i++)
		rig_turn(b->r);
	assert_true(vf_target_guest_visit(&b->r->t).leaving);
	rig_run(b->r, 20000);
	assert_false(vf_target_run(&b->r->t, &address)); /* it was not told that it may */
	b->g.say = "goodbye\r\n";
	vf_target_guest_leave(&b->r->t);
	b->r->tx_closed = true;
	rig_run(b->r, 2000);
	assert_false(vf_target_run(&b->r->t, &address)); /* not all is said */
	b->r->tx_closed = false;
	rig_run(b->r, 20000);
	assert_non_null(strstr(b->r->text, "goodbye"));
	assert_true(vf_target_run(&b->r->t, &address));
	assert_int_equal(address, RIG_NOR_BASE);
	assert_false(vf_target_run(&b->r->t, &address));
	assert_false(vf_target_guest_visit(&b->r->t).open);
}

/* --- the journal ------------------------------------------------------------------------ */

static void test_no_journal(void **state)
{
	bench *b = *state;
	uint8_t ranges[VF_TARGET_RANGES_SIZE];
	uint32_t len = 1;
	assert_int_equal(vf_target_set(&b->r->t), VF_SET_NONE);
	assert_false(vf_target_guest_unmarked(&b->r->t, ranges, &len));
	assert_int_equal(len, 0);
}

/* What is whole is not, once somebody changes the chip by himself; what was lent stays so. */
static void test_the_set_is_unmarked(void **state)
{
	static const uint8_t lent[8] = {1, 1, 1, 1, 1, 1, 1, 1};
	bench *b = *state;
	uint8_t ranges[VF_TARGET_RANGES_SIZE], in[2 * VF_WIRE_SET_ENTRY];
	vf_set_entry e = {RIG_NOR_BASE, SECTOR, {7, 7, 7}};
	uint32_t len;
	assert_int_equal(vf_target_set(&b->r->t), VF_SET_NONE);
	/* Nothing is said of the flash at all: it has to be. */
	assert_true(vf_target_guest_unmarked(&b->r->t, ranges, &len));
	assert_int_equal(len, 0);
	set(b, VF_SET_INCOMPLETE, NULL, 0);
	assert_false(vf_target_guest_unmarked(&b->r->t, ranges, &len));
	assert_int_equal(vf_target_set(&b->r->t), VF_SET_INCOMPLETE);
	vf_pack_set_entry(in, &e);
	e.address += SECTOR;
	memset(e.digest, 0xFF, sizeof e.digest); /* whole, of an incomplete set */
	vf_pack_set_entry(in + VF_WIRE_SET_ENTRY, &e);
	memcpy(in + 8, lent, sizeof lent);
	set(b, VF_SET_INCOMPLETE, in, sizeof in);
	assert_true(vf_target_guest_unmarked(&b->r->t, ranges, &len));
	assert_int_equal(len, sizeof in);
	assert_memory_equal(ranges, in, VF_WIRE_SET_ENTRY);
	assert_memory_equal(ranges + VF_WIRE_SET_ENTRY, in + VF_WIRE_SET_ENTRY, 8);
	assert_memory_equal(ranges + VF_WIRE_SET_ENTRY + 8, (const uint8_t[8]){0}, 8);
	/* All of a complete one is, and a digest that looks like a mark is none. */
	set(b, VF_SET_COMPLETE, in, sizeof in);
	assert_int_equal(vf_target_set(&b->r->t), VF_SET_COMPLETE);
	assert_true(vf_target_guest_unmarked(&b->r->t, ranges, &len));
	assert_int_equal(len, sizeof in);
	assert_memory_equal(ranges + 8, (const uint8_t[8]){0}, 8);
}

/* The power fails while it changes the chip: the journal says what is torn. */
static void test_what_it_changes_is_torn(void **state)
{
	const vf_range range = {2 * SECTOR, SECTOR};
	bench *b = *state;
	rig *r = b->r;
	unsigned waits = 0;
	int status;
	assert_int_equal(vf_target_guest_change(&r->t, 0, &range), VF_E_REFUSED); /* unmarked */
	set(b, VF_SET_INCOMPLETE, NULL, 0);
	while ((status = vf_target_guest_change(&r->t, 0, &range)) == 1) {
		assert_true(++waits < 10000);
		rig_turn(r);
	}
	assert_int_equal(status, VF_OK);
	assert_true(waits > 0); /* it was written before */
	assert_int_equal(vf_target_guest_change(&r->t, 0, &range), VF_OK);
	rig_restart(r);
	for (unsigned i = 0; i < 1000 && !vf_target_guest_open(&r->t); i++)
		rig_turn(r);
	vf_target_guest_close(&r->t);
	rig_hello(r, r->session + 1);
	rig_run(r, 20000);
	rig_frame(r, VF_KIND_DESCRIBE, (const uint8_t[1]){0}, 1);
	rig_run(r, 20000);
	const rig_body *body = rig_last(r, VF_KIND_MEMORY);
	vf_memory info;
	vf_torn torn;
	uint8_t index;
	assert_non_null(body);
	assert_int_equal(vf_unpack_memory(&index, &info, &torn, body->bytes, body->len), 0);
	assert_int_equal(torn.count, 1);
	assert_int_equal(torn.range[0].offset, range.offset);
	assert_int_equal(torn.range[0].len, range.len);
}

/* The journal itself is gone: neither does it say anything, nor is anything allowed. */
static void test_a_journal_that_is_worn_out(void **state)
{
	bench *b = *state;
	uint8_t ranges[VF_TARGET_RANGES_SIZE];
	uint32_t len;
	((frail *)b->r->serve_ctx)->worn = true;
	message(b, VF_MESSAGE_SET, VF_SET_INCOMPLETE, 0);
	const vf_target_visit v = finish(b);
	assert_true(v.stopped);
	assert_int_equal(v.failure.code, VF_FAIL_JOURNAL);
	assert_int_equal(vf_target_guest_change(&b->r->t, 0, &(vf_range){0, SECTOR}), VF_E_REFUSED);
	/* What cannot be written cannot be marked either; nor is there another mark yet. */
	assert_true(vf_target_guest_unmarked(&b->r->t, ranges, &len));
	assert_int_equal(vf_target_set(&b->r->t), VF_SET_NONE);
}

/* Nor can it be read. */
static void test_a_journal_that_cannot_be_read(void **state)
{
	bench *b = *state;
	uint8_t ranges[VF_TARGET_RANGES_SIZE];
	uint32_t len;
	b->r->serve = NULL; /* the plain flash, which fails on demand */
	rig_restart(b->r);
	for (unsigned i = 0; i < 200; i++) {
		b->r->flash[0].status = VF_E_BUS;
		b->r->flash[0].status_kind = VF_FLASH_READ;
		rig_run(b->r, 100);
	}
	b->r->flash[0].status_kind = 0;
	assert_int_equal(vf_target_set(&b->r->t), VF_SET_UNREADABLE);
	assert_true(vf_target_guest_open(&b->r->t));
	assert_false(vf_target_guest_unmarked(&b->r->t, ranges, &len));
	assert_int_equal(vf_target_guest_change(&b->r->t, 0, &(vf_range){0, SECTOR}), VF_E_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes_are_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_session_ends_them, setup, teardown),
		cmocka_unit_test_setup_teardown(test_its_own_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadlines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_greeting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writing_and_reading, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_more_than_there_is_room_for, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_a_host_may_not, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leaving, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_journal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_set_is_unmarked, setup_journal, teardown),
		cmocka_unit_test_setup_teardown(test_what_it_changes_is_torn, setup_journal,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_journal_that_is_worn_out, setup_journal,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_journal_that_cannot_be_read, setup_journal,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
