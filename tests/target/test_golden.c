/* test_golden.c - the golden frames, digests and messages of tests/wire/golden,
 * made from the protocol's text by another program: the board understands what a
 * host sends there, and its digests are those.
 */
#include "golden_file.h"
#include "rig.h"

static const rig_sizes large = {16384, 8192, 4116, 4135, 1024};

static void open_session(rig *r, uint64_t session)
{
	rig_hello(r, session);
	rig_run(r, 1000);
	assert_non_null(rig_last(r, VF_KIND_WELCOME));
	rig_clear(r);
}

static void put_record(rig *r, const struct golden_record *g)
{
	size_t len;
	uint8_t *raw = golden_bytes(g, "raw", &len);
	rig_put(r, raw, len);
	free(raw);
	rig_run(r, 1000);
	assert_int_equal(vf_target_stats_get(&r->t)->damaged, 0);
}

static void check_hello(rig *r, const struct golden_record *g)
{
	bool meets = golden_number(g, "version_min") <= 1 && golden_number(g, "version_max") >= 1;
	const rig_body *b = rig_last(r, meets ? VF_KIND_WELCOME : VF_KIND_REFUSE);
	assert_non_null(b);
	assert_int_equal(vf_body_tag(b->bytes), golden_number(g, "tag"));
	if (meets) {
		vf_welcome w;
		assert_int_equal(vf_unpack_welcome(&w, b->bytes, b->len), 0);
		assert_true(w.session == golden_number(g, "session"));
	}
}

static void check_echo(const rig *r, const struct golden_record *g)
{
	size_t len;
	uint8_t *body = golden_bytes(g, "body", &len);
	const rig_body *b = rig_last(r, VF_KIND_ECHOED);
	assert_non_null(b);
	assert_int_equal(b->len, len);
	assert_memory_equal(b->bytes + VF_WIRE_HEADER, body + VF_WIRE_HEADER, len - VF_WIRE_HEADER);
	free(body);
}

/* Each goes to a fresh board, in the session that it says. */
static void check_record(const struct golden_record *g)
{
	static const uint8_t replies[] = {
		[VF_KIND_QUERY] = VF_KIND_STATE,
		[VF_KIND_ABORT] = VF_KIND_ENDED,
		[VF_KIND_DATA] = VF_KIND_STATE,
		[VF_KIND_RATE] = VF_KIND_REFUSE,  /* its port has none */
		[VF_KIND_PROVE] = VF_KIND_REFUSE, /* nor it a key */
	};
	uint64_t kind = golden_number(g, "kind");
	rig *r = rig_new(&large);
	if (kind != VF_KIND_HELLO)
		open_session(r, golden_number(g, "tag"));
	put_record(r, g);
	if (kind == VF_KIND_HELLO) {
		check_hello(r, g);
	} else if (kind == VF_KIND_ECHO) {
		check_echo(r, g);
	} else if (kind == VF_KIND_DESCRIBE) {
		assert_true(rig_count(r, VF_KIND_MEMORY) + rig_count(r, VF_KIND_REFUSE) == 1);
	} else {
		assert_true(kind < sizeof replies);
		assert_non_null(rig_last(r, replies[kind]));
	}
	if (kind == VF_KIND_QUERY)
		assert_int_equal(rig_last_state(r).seen, golden_number(g, "number"));
	rig_free(r);
}

static unsigned check_file(const char *path)
{
	struct golden_file f;
	struct golden_record g;
	unsigned count = 0;
	golden_open(&f, path);
	while (golden_next(&f, &g)) {
		if (golden_number(&g, "kind") >= 0x80 || golden_number(&g, "tag") == 0)
			continue;
		check_record(&g);
		count++;
	}
	golden_close(&f);
	return count;
}

static void frames_of_a_host_are_understood(void **state)
{
	(void)state;
	assert_true(check_file(GOLDEN_DIR "/control.txt") >= 8);
	assert_true(check_file(GOLDEN_DIR "/payload.txt") >= 20);
}

static void check_digest(const struct golden_record *g, uint32_t sector)
{
	static uint8_t got[4096];
	size_t len, answer_len;
	uint8_t *data = golden_pattern(g, &len);
	uint8_t *answer = golden_bytes(g, "answer", &answer_len);
	rig *r = rig_new(&large);
	r->info[0].erase[0].size = sector;
	assert_int_equal(rig_init(r), VF_OK);
	memcpy(r->flash[0].cells, data, len);
	open_session(r, golden_number(g, "session"));
	rig_digest(r, 0, RIG_NOR_BASE, (uint32_t)len, (uint32_t)golden_number(g, "group"));
	rig_run(r, 20000);
	assert_int_equal(rig_last_state(r).done, 1);
	assert_int_equal(rig_answer(r, 0, got, sizeof got), answer_len);
	assert_memory_equal(got, answer, answer_len);
	rig_free(r);
	free(data);
	free(answer);
}

static void digests_are_the_golden_ones(void **state)
{
	(void)state;
	struct golden_file f;
	struct golden_record g;
	unsigned count = 0;
	golden_open(&f, GOLDEN_DIR "/digests.txt");
	while (golden_next(&f, &g)) {
		uint32_t sector = (uint32_t)golden_number(&g, "sector");
		uint64_t len = golden_number(&g, "length");
		bool possible = len != 0 && (sector & (sector - 1)) == 0 && len % sector == 0;
		if (!possible || len > RIG_NOR_SIZE)
			continue;
		check_digest(&g, sector);
		count++;
	}
	golden_close(&f);
	assert_true(count >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_a_host_are_understood),
		cmocka_unit_test(digests_are_the_golden_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
