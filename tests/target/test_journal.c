/* The journal across power cuts: at every flash operation of a small job, before it,
 * in its middle and after it; and at random in a life of sessions. The flash knows which
 * of its bits are not to be trusted, and all of them must lie in what the board calls
 * torn; the set is the old one or the new one.
 */
#include "frail.h"

static const rig_sizes roomy = {
	.ring = 32768, .window = 32768, .frame = 1040, .tx = 1060, .work = 1024};

/* What the board says of itself after a start. */
struct view {
	vf_welcome welcome;
	vf_torn torn[2];
};

/* Where the journal is, in the tests that are run for each. */
static const struct place {
	uint8_t memory;
	uint32_t offset, unit;
} places[] = {{0, 0xE000, 4096}, {1, 0x2000, 4096}, {0, 0, 8192}};

enum { PLACES = 3 };

static rig *begin(const struct place *p, uint64_t seed)
{
	rig *r = rig_new(&roomy);
	r->info[0].erase[1].size = 8192; /* 4096, 8192, all */
	r->info[1].erase[0].size = 4096;
	r->info[0].protects = 0;
	r->info[0].flags |= VF_MEMORY_REPROGRAM;
	(void)frail_new(r, p->memory, p->offset, p->unit, seed);
	return r;
}

static void end(rig *r)
{
	frail_free(r);
	rig_free(r);
}

static void run_until(rig *r, uint32_t done)
{
	for (unsigned patience = 60000; patience > 0 && !r->dead; patience--) {
		vf_target_queue *q = &r->t.queue;
		if (q->stopped || q->done >= done)
			break;
		rig_turn(r);
	}
	rig_run(r, 400);
}

/* A new session, and what the board says in it; false if the power fails meanwhile. */
static bool look(rig *r, struct view *v)
{
	uint8_t index = 0;
	rig_clear(r);
	rig_hello(r, r->session + 0x100000001u);
	for (unsigned patience = 10000; patience > 0 && !r->dead; patience--) {
		if (rig_last(r, VF_KIND_WELCOME) != NULL)
			break;
		rig_turn(r);
	}
	if (r->dead)
		return false;
	const rig_body *b = rig_last(r, VF_KIND_WELCOME);
	assert_non_null(b);
	assert_int_equal(vf_unpack_welcome(&v->welcome, b->bytes, b->len), 0);
	assert_true((v->welcome.capabilities & VF_CAP_JOURNAL) != 0);
	for (uint8_t m = 0; m < 2; m++) {
		vf_memory info;
		rig_frame(r, VF_KIND_DESCRIBE, &m, 1);
		rig_run(r, 500);
		b = rig_last(r, VF_KIND_MEMORY);
		assert_non_null(b);
		assert_int_equal(vf_unpack_memory(&index, &info, &v->torn[m], b->bytes, b->len), 0);
		assert_int_equal(index, m);
	}
	return true;
}

/* Power comes back and fails no more. */
static void restart(rig *r, struct view *v)
{
	frail_cut_at(r, 0, FRAIL_BEFORE);
	rig_restart(r);
	assert_int_equal(vf_target_startable(&r->t), VF_STARTABLE_LATER);
	assert_true(look(r, v));
	for (unsigned m = 0; m < 2; m++)
		frail_check_torn(r, m, &v->torn[m]);
}

/* --- what a host sends ----------------------------------------------------------------- */

static void send_set(rig *r, uint8_t state, const vf_set_entry *entries, unsigned count)
{
	rig_message(r, VF_MESSAGE_SET, 0, state, count * VF_WIRE_SET_ENTRY);
	for (unsigned i = 0; i < count; i++) {
		uint8_t bytes[VF_WIRE_SET_ENTRY];
		vf_pack_set_entry(bytes, &entries[i]);
		rig_stream(r, bytes, sizeof bytes);
	}
}

static vf_set recall(rig *r, uint32_t operation)
{
	uint8_t answer[VF_JOURNAL_SET_SIZE + 1];
	vf_set set;
	rig_message(r, VF_MESSAGE_RECALL, 0, 0, 0);
	run_until(r, operation + 1);
	rig_run(r, 2000);
	assert_int_equal(rig_answer(r, operation, answer, sizeof answer), VF_JOURNAL_SET_SIZE);
	assert_int_equal(vf_unpack_set(&set, answer, VF_JOURNAL_SET_SIZE), 0);
	return set;
}

/* The whole of a small job, in the parts of both memories that no journal is in. */
enum { JOB_OPERATIONS = 9, JOB_CHANGES = 3 + 3 + 1 + 32 + 4 };

static const vf_set_entry job_set[] = {
	{RIG_NOR_BASE + 0x4000, 0x2000, {1, 2, 3, 4, 5, 6, 7, 8}},
	{RIG_INNER_BASE, 0x1000, {8, 7, 6, 5, 4, 3, 2, 1}},
};

static void send_job(rig *r)
{
	uint8_t data[1024];
	uint64_t seed = 7;
	rig_random_fill(&seed, data, sizeof data);
	send_set(r, VF_SET_INCOMPLETE, job_set, 2);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE + 0x4000, 4096);
	rig_message(r, VF_MESSAGE_ERASE, 1, RIG_INNER_BASE, 4096);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE + 0x5000, 4096);
	rig_program(r, 0, RIG_NOR_BASE + 0x4000, data, 600);
	rig_program(r, 1, RIG_INNER_BASE, data, 1024);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE + 0x4000, 4096);
	rig_program(r, 0, RIG_NOR_BASE + 0x4000, data, 1024);
	send_set(r, VF_SET_COMPLETE, job_set, 2);
}

static void check_job_done(rig *r)
{
	struct view v;
	uint8_t data[1024];
	uint64_t seed = 7;
	run_until(r, JOB_OPERATIONS);
	assert_false(r->t.queue.stopped);
	assert_int_equal(r->t.queue.done, JOB_OPERATIONS);
	vf_set set = recall(r, JOB_OPERATIONS);
	assert_int_equal(set.state, VF_SET_COMPLETE);
	assert_int_equal(set.count, 2);
	assert_true(set.session == r->session);
	assert_memory_equal(set.entry, job_set, sizeof job_set);
	assert_int_equal(vf_target_startable(&r->t), VF_STARTABLE_YES);
	uint64_t session = r->session;
	restart(r, &v);
	assert_int_equal(v.welcome.set, VF_SET_COMPLETE);
	assert_true(v.welcome.changed == session);
	assert_int_equal(v.torn[0].count + v.torn[1].count, 0);
	rig_random_fill(&seed, data, sizeof data);
	assert_memory_equal(r->flash[0].cells + 0x4000, data, 1024);
	assert_memory_equal(r->flash[1].cells, data, 1024);
	assert_false(frail_is_weak(r, 0, 0x4000, 0x2000) || frail_is_weak(r, 1, 0, 0x1000));
}

/* --- tests ------------------------------------------------------------------------------- */

static void a_job_from_new(void **state)
{
	(void)state;
	for (unsigned p = 0; p < PLACES; p++) {
		rig *r = begin(&places[p], 1);
		struct view v;
		restart(r, &v);
		assert_int_equal(v.welcome.set, VF_SET_NONE);
		assert_int_equal(v.welcome.entries, VF_TARGET_SET);
		assert_true(v.welcome.changed == 0);
		assert_int_equal(v.torn[0].count + v.torn[1].count, 0);
		assert_int_equal(vf_target_startable(&r->t), VF_STARTABLE_UNKNOWN);
		send_job(r);
		check_job_done(r);
		end(r);
	}
}

/* Runs the job with a cut in flash operation `cut`; false if it was over before. */
static bool job_with_cut(const struct place *p, uint32_t cut, enum frail_cut how)
{
	struct view v;
	rig *r = begin(p, cut * 3 + (uint32_t)how);
	frail *f = r->serve_ctx;
	frail_cut_at(r, cut, how);
	rig_restart(r);
	if (look(r, &v)) {
		send_job(r);
		run_until(r, JOB_OPERATIONS);
	}
	bool died = r->dead;
	uint32_t done = r->t.queue.done, changed = f->changed;
	uint64_t session = r->session;
	restart(r, &v);
	if (changed != 0) {
		assert_true(v.welcome.changed == session);
		assert_true(v.welcome.set == VF_SET_INCOMPLETE ||
			    (v.welcome.set == VF_SET_COMPLETE && done >= JOB_OPERATIONS - 1));
	}
	if (done >= 1)
		assert_int_not_equal(v.welcome.set, VF_SET_NONE);
	if (done == JOB_OPERATIONS)
		assert_int_equal(v.welcome.set, VF_SET_COMPLETE);
	if (v.welcome.set == VF_SET_COMPLETE)
		assert_int_equal(v.torn[0].count + v.torn[1].count, 0);
	send_job(r);
	check_job_done(r);
	end(r);
	return died;
}

static void cut_anywhere(void **state)
{
	(void)state;
	for (unsigned p = 0; p < PLACES; p++) {
		for (unsigned how = 0; how < FRAIL_CUTS; how++) {
			uint32_t cut = 1;
			while (job_with_cut(&places[p], cut, (enum frail_cut)how))
				cut++;
			assert_true(cut > 80);
		}
	}
}

/* --- a random life ------------------------------------------------------------------------- */

struct life {
	rig *r;
	uint64_t seed;
	/* What the set may be: first what it was when it was looked at last. Until then
	 * something else is written a record that was cut may come and go. */
	vf_set sets[16];
	unsigned may_be;
	uint64_t changed[64]; /* and which session changed it, likewise */
	unsigned may_have_changed;
	uint32_t operations; /* of this session */
};

static uint32_t roll(struct life *l, uint32_t n)
{
	return rig_random(&l->seed) % n;
}

static bool same_set(const vf_set *a, const vf_set *b)
{
	return a->state == b->state && a->count == b->count &&
	       (a->state == VF_SET_NONE || a->session == b->session) &&
	       memcmp(a->entry, b->entry, a->count * sizeof a->entry[0]) == 0;
}

/* The set as the board has it must be one of those that it may be. */
static void check_set(struct life *l, const struct view *v)
{
	vf_set set;
	unsigned i = 0;
	vf_target_recall(&l->r->t, &set);
	while (i < l->may_be && !same_set(&set, &l->sets[i]))
		i++;
	if (i == l->may_be)
		fail_msg("the set is neither the old one nor the new one: state %u, %u ranges",
			 set.state, set.count);
	l->sets[i] = l->sets[0];
	l->sets[0] = set;
	assert_int_equal(v->welcome.set, set.state);
	i = 0;
	while (i < l->may_have_changed && v->welcome.changed != l->changed[i])
		i++;
	assert_true(i < l->may_have_changed);
	l->changed[i] = l->changed[0];
	l->changed[0] = v->welcome.changed;
}

static void random_set(struct life *l, vf_set *set)
{
	*set = (vf_set){.state = (uint8_t)roll(l, 3), .session = l->r->session};
	set->count = (uint8_t)(roll(l, 4) == 0 ? roll(l, VF_TARGET_SET + 1) : roll(l, 3));
	for (unsigned i = 0; i < set->count; i++) {
		set->entry[i] = (vf_set_entry){.address = RIG_NOR_BASE + 0x1000 * (8 + roll(l, 4)),
					       .length = 0x1000};
		rig_random_fill(&l->seed, set->entry[i].digest, VF_DIGEST_SIZE);
	}
}

/* Sends a set and waits for it; one that is refused changes nothing. */
static void try_set(struct life *l, const vf_set *set)
{
	rig *r = l->r;
	assert_true(l->may_be < 16);
	l->sets[l->may_be++] = *set;
	send_set(r, set->state, set->entry, set->count);
	run_until(r, ++l->operations);
	if (r->dead)
		return;
	if (!r->t.queue.stopped)
		l->sets[0] = *set;
	else
		assert_int_equal(r->t.queue.failure.code, VF_FAIL_INCOMPLETE);
	l->may_be = 1;
}

static void try_change(struct life *l)
{
	static const uint32_t sizes[] = {256, 64, 1000, 3000};
	rig *r = l->r;
	uint8_t m = (uint8_t)roll(l, 2), data[3008];
	uint32_t base = m == 0 ? RIG_NOR_BASE + 0x8000 : RIG_INNER_BASE;
	uint32_t unit = 0x1000 * roll(l, m == 0 ? 4 : 2);
	uint32_t before = ((frail *)r->serve_ctx)->changed;
	assert_true(l->may_have_changed < 64);
	l->changed[l->may_have_changed++] = r->session;
	rig_random_fill(&l->seed, data, sizeof data);
	if (roll(l, 2) == 0) {
		rig_message(r, VF_MESSAGE_ERASE, m, base + unit, 0x1000);
	} else {
		uint32_t at = 32 * roll(l, 16), len = sizes[roll(l, 4)] & ~31u;
		rig_program(r, m, base + unit + at, data, len);
	}
	l->operations++;
	if (roll(l, 3) == 0) /* others behind it, at the same time */
		return;
	run_until(r, l->operations);
	if (r->dead || ((frail *)r->serve_ctx)->changed == before)
		return;
	l->changed[0] = r->session;
	l->may_have_changed = 1;
}

/* A session as hosts have them, or not: it ends by ABORT, by silence, by a cut. */
static void live(struct life *l)
{
	rig *r = l->r;
	struct view v;
	vf_set set;
	if (roll(l, 3) != 0)
		frail_cut_at(r, 1 + roll(l, roll(l, 3) == 0 ? 300 : 40),
			     (enum frail_cut)roll(l, FRAIL_CUTS));
	if (!look(r, &v))
		return;
	check_set(l, &v);
	l->operations = 0;
	for (unsigned n = roll(l, 12); n > 0 && !r->dead && !r->t.queue.stopped; n--) {
		if (roll(l, 3) == 0 || (n > 2 && l->sets[0].state != VF_SET_INCOMPLETE)) {
			random_set(l, &set);
			if (roll(l, 2) == 0)
				set.state = VF_SET_INCOMPLETE;
			run_until(r, l->operations);
			if (r->dead || r->t.queue.stopped)
				break;
			try_set(l, &set);
		} else if (l->sets[0].state == VF_SET_INCOMPLETE) {
			try_change(l);
		}
	}
	run_until(r, l->operations);
	if (!r->dead && roll(l, 2) == 0) {
		rig_frame(r, VF_KIND_ABORT, NULL, 0);
		rig_run(r, 3000);
	}
}

static void any_life(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 60; n++) {
		struct life l = {.seed = n + 1, .may_be = 1, .may_have_changed = 1};
		struct view v;
		l.r = begin(&places[n % 2],
			    n + 1000); /* the parts that it changes hold no journal */
		for (unsigned i = 0; i < 40; i++) {
			if (roll(&l, 4) == 0 || l.r->dead) {
				restart(l.r, &v);
				check_set(&l, &v);
			}
			live(&l);
		}
		end(l.r);
	}
}

/* A set whose host was replaced after some of its ranges were written: nothing of it goes
 * into the next one, neither now nor after a restart. Turn by turn, so that the other
 * host comes in the middle of every record. */
static void a_set_left_half_said(void **state)
{
	(void)state;
	const vf_set_entry first[] = {{0x90001000, 4096, {0x11}}, {0x90002000, 4096, {0x22}}};
	const vf_set_entry second[] = {{0x90003000, 4096, {0x33}}, {0x90004000, 4096, {0x44}}};
	for (unsigned turns = 0; turns < 60; turns++) {
		rig *r = begin(&places[0], turns);
		struct view v;
		assert_true(look(r, &v));
		send_set(r, VF_SET_NONE, NULL, 0);
		run_until(r, 1);
		send_set(r, VF_SET_INCOMPLETE, first, 2);
		rig_run(r, turns);
		assert_true(look(r, &v));
		send_set(r, VF_SET_INCOMPLETE, second, 1 + turns % 2);
		run_until(r, 1);
		const vf_set now = recall(r, 1);
		assert_int_equal(now.count, 1 + turns % 2);
		assert_int_equal(now.entry[0].address, second[0].address);
		restart(r, &v);
		const vf_set later = recall(r, 0);
		assert_true(same_set(&now, &later));
		end(r);
	}
}

/* Units change, and the power fails as the copy is being made valid. What is written after
 * that must never be taken back by a copy that comes to read as valid later. */
static void a_copy_cut_off_does_not_come_back(void **state)
{
	static const vf_set_entry many[VF_TARGET_SET] = {{RIG_NOR_BASE + 0x8000, 0x1000, {0}}};
	vf_set_entry entries[VF_TARGET_SET];
	(void)state;
	for (unsigned i = 0; i < VF_TARGET_SET; i++)
		entries[i] = many[0];
	for (uint32_t n = 0; n < 150; n++) {
		rig *r = begin(&places[0], n);
		struct view v;
		restart(r, &v);
		send_set(r, VF_SET_INCOMPLETE, NULL, 0);
		for (uint32_t i = 0; i < 105; i++)
			rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE + 0x1000 * (i % 8), 4096);
		run_until(r, 106);
		frail_cut_at(r, 5 + n % 3, FRAIL_TORN);
		send_set(r, VF_SET_INCOMPLETE, entries, VF_TARGET_SET);
		run_until(r, 107);
		assert_true(r->dead);
		restart(r, &v);
		rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE + 0x8000, 4096);
		run_until(r, 1);
		assert_false(r->t.queue.stopped);
		uint64_t session = r->session;
		for (unsigned i = 0; i < 6; i++) {
			restart(r, &v);
			assert_true(v.welcome.changed == session);
		}
		end(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_from_new),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(a_set_left_half_said),
		cmocka_unit_test(a_copy_cut_off_does_not_come_back),
		cmocka_unit_test(any_life),
	};
	return cmocka_run_group_tests_name("target: journal", tests, NULL, NULL);
}
