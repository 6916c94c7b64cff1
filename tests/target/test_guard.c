/* test_guard.c - a board with a key (PROTOCOL 3.8, 5.6): who does not hold it gets
 * nothing but descriptions, whatever they send or repeat, and nothing that was changed,
 * left out, put elsewhere or cut short on the way reaches a chip.
 */
#include "pack.h"
#include "rig.h"

enum { RECORDED = 32 * 1024, MESSAGE = 4096 };

static const uint8_t right_key[VF_KEY_SIZE] = {0xA1, 2, 3, 4, 5};
static const uint8_t wrong_key[VF_KEY_SIZE] = {0xA1, 2, 3, 4, 4};

/* A board, and what a host knows of its session with it. */
typedef struct bench {
	rig *r;
	vf_target_guard guard;
	vf_guard_terms terms;
	uint8_t key[VF_KEY_SIZE]; /* of the session */
	uint64_t number;          /* of the next message */
} bench;

typedef struct message {
	uint8_t bytes[MESSAGE];
	uint32_t len;
} message;

static bench *begin(void)
{
	bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	b->r = rig_new(&rig_usual);
	b->r->config.guard = &b->guard;
	b->r->config.key = right_key;
	b->r->config.seed[3] = 7;
	assert_int_equal(rig_init(b->r), VF_OK);
	return b;
}

static void end(bench *b)
{
	rig_free(b->r);
	free(b);
}

/* A board that has nothing to do, and a port that sleeps. */
static void pass(bench *b, uint32_t us)
{
	b->r->now += us;
	rig_run(b->r, 1000);
}

static vf_welcome hello(bench *b, uint64_t session)
{
	vf_welcome w;
	rig_clear(b->r);
	rig_hello(b->r, session);
	rig_run(b->r, 1000);
	const rig_body *body = rig_last(b->r, VF_KIND_WELCOME);
	assert_non_null(body);
	assert_int_equal(vf_unpack_welcome(&w, body->bytes, body->len), 0);
	assert_int_equal(w.trailer, VF_TRAILER_SIZE);
	assert_true((w.capabilities & VF_CAP_KEY) != 0);
	b->terms.session = session;
	memcpy(b->terms.board, w.nonce, sizeof w.nonce);
	memset(b->terms.host, 0x5A, sizeof b->terms.host);
	b->number = 0;
	return w;
}

static void send_proof(bench *b, const vf_prove *p)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	size_t n = vf_pack_prove(body, 0, 0, p);
	rig_clear(b->r);
	rig_frame(b->r, VF_KIND_PROVE, body + VF_WIRE_HEADER, n - VF_WIRE_HEADER);
	rig_run(b->r, 1000);
}

/* What the board answers to a proof made with `key`. */
static vf_proved prove(bench *b, const uint8_t key[VF_KEY_SIZE])
{
	vf_prove p;
	vf_proved answer;
	memcpy(p.nonce, b->terms.host, sizeof p.nonce);
	vf_guard_derive(p.proof, key, VF_GUARD_HOST_PROOF, &b->terms);
	send_proof(b, &p);
	assert_int_equal(rig_count(b->r, VF_KIND_PROVED), 1);
	const rig_body *body = rig_last(b->r, VF_KIND_PROVED);
	assert_int_equal(vf_unpack_proved(&answer, body->bytes, body->len), 0);
	vf_guard_derive(b->key, key, VF_GUARD_SESSION_KEY, &b->terms);
	return answer;
}

static void open(bench *b, uint64_t session)
{
	(void)hello(b, session);
	assert_int_equal(prove(b, right_key).result, VF_PROVED_YES);
	rig_clear(b->r);
}

/* A message as a host makes it that holds the session's key. */
static message seal(bench *b, const vf_message *m, const uint8_t *data)
{
	message out;
	vf_message flagged = *m;
	vf_hmac h;
	flagged.flags |= VF_MESSAGE_TRAILER;
	out.len = (uint32_t)vf_pack_message(out.bytes, &flagged);
	assert_true(vf_message_data(m) <= MESSAGE - 64);
	if (vf_message_data(m) != 0)
		memcpy(out.bytes + out.len, data, vf_message_data(m));
	out.len += vf_message_data(m);
	vf_trailer_begin(&h, b->key, b->number++);
	vf_hmac_update(&h, out.bytes, out.len);
	vf_trailer_end(&h, out.bytes + out.len);
	out.len += VF_TRAILER_SIZE;
	return out;
}

static message erase(bench *b, uint32_t offset)
{
	const vf_message m = {
		.type = VF_MESSAGE_ERASE, .address = RIG_NOR_BASE + offset, .length = 4096};
	return seal(b, &m, NULL);
}

static message program(bench *b, uint32_t offset, uint32_t len)
{
	uint8_t data[MESSAGE];
	uint64_t seed = offset + 1;
	const vf_message m = {
		.type = VF_MESSAGE_PROGRAM, .address = RIG_NOR_BASE + offset, .length = len};
	rig_random_fill(&seed, data, len);
	return seal(b, &m, data);
}

static void send(bench *b, const message *m)
{
	rig_stream(b->r, m->bytes, m->len);
	rig_run(b->r, 20000);
}

static unsigned operations(const bench *b)
{
	return b->r->flash[0].begun + b->r->flash[1].begun;
}

static void assert_stopped(bench *b, uint32_t operation, uint8_t code)
{
	vf_state s = rig_state(b->r);
	assert_int_equal(s.flags & VF_STATE_STOPPED, VF_STATE_STOPPED);
	assert_int_equal(s.failure.code, code);
	assert_int_equal(s.failure.operation, operation);
}

/* --- before the proof ------------------------------------------------------------- */

static void nothing_but_info_is_answered(void **state)
{
	static const uint8_t first = 0, beyond = 9;
	bench *b = begin();
	uint8_t rest[4 + VF_WIRE_MESSAGE_LONG] = {0};
	(void)state;
	(void)hello(b, 77);
	rig_frame(b->r, VF_KIND_DESCRIBE, &first, 1);
	rig_frame(b->r, VF_KIND_ECHO, rest, 16);
	rig_run(b->r, 1000);
	assert_int_equal(rig_count(b->r, VF_KIND_MEMORY), 1);
	rig_frame(b->r, VF_KIND_DESCRIBE, &beyond, 1);
	rig_run(b->r, 1000);
	for (unsigned type = 0; type < 256; type++) {
		const vf_message m = {
			.type = (uint8_t)type, .address = RIG_NOR_BASE, .length = 4096, .group = 1};
		size_t n = vf_pack_message(rest + 4, &m);
		rig_clear(b->r);
		rig_frame(b->r, VF_KIND_DATA, rest, 4 + n);
		rig_run(b->r, 1000);
		const rig_body *refused = rig_last(b->r, VF_KIND_REFUSE);
		assert_non_null(refused);
		assert_int_equal(refused->bytes[VF_WIRE_HEADER], VF_REFUSE_UNPROVEN);
		assert_int_equal(rig_count(b->r, VF_KIND_ANSWER), 0);
	}
	vf_state s = rig_state(b->r);
	assert_int_equal(s.received, 0);
	assert_int_equal(s.flags, 0);
	assert_int_equal(operations(b), 0);
	end(b);
}

/* What came before the proof does not begin to count with it. */
static void what_came_early_is_gone(void **state)
{
	bench *b = begin();
	(void)state;
	(void)hello(b, 77);
	vf_guard_derive(b->key, right_key, VF_GUARD_SESSION_KEY, &b->terms);
	message m = erase(b, 0);
	rig_data(b->r, 0, m.bytes, m.len);
	rig_run(b->r, 1000);
	assert_int_equal(prove(b, right_key).result, VF_PROVED_YES);
	rig_run(b->r, 100000);
	assert_int_equal(rig_state(b->r).received, 0);
	assert_int_equal(operations(b), 0);
	send(b, &m);
	assert_int_equal(rig_state(b->r).done, 1);
	assert_int_equal(b->r->flash[0].erased, 1);
	end(b);
}

static void a_wrong_key_does_not_open(void **state)
{
	bench *b = begin();
	(void)state;
	(void)hello(b, 77);
	vf_proved p = prove(b, wrong_key);
	static const uint8_t nothing[VF_SHA256_SIZE];
	assert_int_equal(p.result, VF_PROVED_NO);
	assert_memory_equal(p.proof, nothing, sizeof nothing);
	message m = erase(b, 0);
	send(b, &m);
	assert_int_equal(rig_state(b->r).received, 0);
	assert_int_equal(operations(b), 0);
	end(b);
}

/* Every bit of nonce and proof counts. */
static void a_proof_is_right_or_wrong(void **state)
{
	bench *b = begin();
	(void)state;
	for (unsigned bit = 0; bit < 8 * (VF_NONCE_SIZE + VF_SHA256_SIZE); bit += 5) {
		vf_prove p;
		(void)hello(b, 1000 + bit);
		memcpy(p.nonce, b->terms.host, sizeof p.nonce);
		vf_guard_derive(p.proof, right_key, VF_GUARD_HOST_PROOF, &b->terms);
		uint8_t *byte = bit / 8 < VF_NONCE_SIZE ? &p.nonce[bit / 8]
							: &p.proof[bit / 8 - VF_NONCE_SIZE];
		*byte ^= (uint8_t)(1u << bit % 8);
		send_proof(b, &p);
		assert_int_equal(rig_last(b->r, VF_KIND_PROVED)->bytes[VF_WIRE_HEADER],
				 VF_PROVED_NO);
		pass(b, 65000000);
	}
	end(b);
}

static void the_board_proves_itself_too(void **state)
{
	uint8_t expected[VF_SHA256_SIZE];
	bench *b = begin();
	(void)state;
	(void)hello(b, 77);
	vf_proved p = prove(b, right_key);
	vf_guard_derive(expected, right_key, VF_GUARD_BOARD_PROOF, &b->terms);
	assert_int_equal(p.result, VF_PROVED_YES);
	assert_memory_equal(p.proof, expected, sizeof expected);
	p = prove(b, right_key); /* the answer was lost */
	assert_int_equal(p.result, VF_PROVED_YES);
	assert_memory_equal(p.proof, expected, sizeof expected);
	end(b);
}

/* --- the wait ---------------------------------------------------------------------- */

static void the_wait_grows_and_ends(void **state)
{
	static const uint32_t waits[] = {1, 2, 4, 8, 16, 32, 64, 64, 64};
	bench *b = begin();
	(void)state;
	b->r->now = 0xFFFF0000u - 20000000u; /* the clock wraps on the way */
	for (unsigned i = 0; i < sizeof waits / sizeof waits[0]; i++) {
		const uint32_t seconds = waits[i];
		(void)hello(b, 100 + i); /* another session does not help */
		vf_proved p = prove(b, wrong_key);
		assert_int_equal(p.result, VF_PROVED_NO);
		assert_in_range(p.wait_ms, seconds * 1000 - 2, seconds * 1000);
		rig_run(b->r, seconds * 1000000 / 2);
		p = prove(b, right_key); /* too soon, and no wait is longer for it */
		assert_int_equal(p.result, VF_PROVED_LATER);
		assert_in_range(p.wait_ms, seconds * 500 - 10, seconds * 500);
		rig_run(b->r, seconds * 1000000 / 2);
	}
	assert_int_equal(operations(b), 0);
	assert_int_equal(prove(b, right_key).result, VF_PROVED_YES);
	message m = erase(b, 0);
	send(b, &m);
	assert_int_equal(rig_state(b->r).done, 1);
	(void)hello(b, 500); /* success ends it: it begins with a second again */
	assert_in_range(prove(b, wrong_key).wait_ms, 990, 1000);
	end(b);
}

/* A board that nobody speaks to for an hour has forgotten it, however its clock wraps. */
static void the_wait_is_no_longer_than_it_is(void **state)
{
	uint32_t at;
	bench *b = begin();
	(void)state;
	(void)hello(b, 1);
	assert_int_equal(prove(b, wrong_key).result, VF_PROVED_NO);
	assert_true(vf_target_deadline(&b->r->t, &at));
	assert_in_range(at - b->r->now, 1, 1000000);
	b->r->now = at;
	vf_target_tick(&b->r->t, at);
	assert_false(vf_target_deadline(&b->r->t, &at));
	b->r->now += 0xFFFFFFFFu - 500000u;
	assert_int_equal(prove(b, right_key).result, VF_PROVED_YES);
	end(b);
}

/* --- repeats ----------------------------------------------------------------------- */

/* All that a host sent in a session, byte for byte. */
typedef struct recording {
	uint8_t bytes[RECORDED];
	size_t len;
} recording;

static void note(recording *k, bench *b, uint8_t kind, const uint8_t *rest, size_t len)
{
	k->len += rig_encode(b->r, k->bytes + k->len, kind, rest, len);
	b->r->number++;
}

static recording *record(bench *b, uint64_t session)
{
	recording *k = calloc(1, sizeof *k);
	uint8_t body[VF_WIRE_CONTROL_MAX], rest[4 + MESSAGE];
	vf_hello h = {.version_min = 1, .version_max = 1, .payload = 4096, .session = session};
	vf_prove p;
	assert_non_null(k);
	open(b, session);
	b->r->number = 0;
	size_t n = vf_pack_hello(body, 0, &h);
	note(k, b, VF_KIND_HELLO, body + VF_WIRE_HEADER, n - VF_WIRE_HEADER);
	memcpy(p.nonce, b->terms.host, sizeof p.nonce);
	vf_guard_derive(p.proof, right_key, VF_GUARD_HOST_PROOF, &b->terms);
	n = vf_pack_prove(body, 0, 0, &p);
	note(k, b, VF_KIND_PROVE, body + VF_WIRE_HEADER, n - VF_WIRE_HEADER);
	for (unsigned i = 0; i < 2; i++) {
		message m = i == 0 ? erase(b, 0) : program(b, 0, 300);
		vf_put32(rest, b->r->offset);
		memcpy(rest + 4, m.bytes, m.len);
		note(k, b, VF_KIND_DATA, rest, 4 + m.len);
		send(b, &m);
	}
	assert_int_equal(rig_state(b->r).done, 2);
	return k;
}

static void replay(bench *b, const recording *k)
{
	const unsigned before = operations(b);
	rig_clear(b->r);
	rig_put(b->r, k->bytes, k->len);
	rig_run(b->r, 200000);
	assert_int_equal(rig_count(b->r, VF_KIND_WELCOME), 1);
	assert_int_equal(operations(b), before);
}

static void a_recorded_session_opens_nothing(void **state)
{
	bench *b = begin();
	(void)state;
	recording *k = record(b, 4711);
	rig_frame(b->r, VF_KIND_ABORT, b->key, 0);
	rig_run(b->r, 1000);
	replay(b, k);
	assert_int_equal(rig_last(b->r, VF_KIND_PROVED)->bytes[VF_WIRE_HEADER], VF_PROVED_NO);
	assert_int_equal(rig_count(b->r, VF_KIND_REFUSE), 1);
	pass(b, 70000000);
	b->r->config.seed[0]++; /* another start, another seed */
	rig_restart(b->r);
	replay(b, k);
	pass(b, 70000000);
	(void)hello(b, 4712); /* in place of another session */
	replay(b, k);
	free(k);
	end(b);
}

/* In the very session that is open its frames again are repeats, and no more. */
static void frames_again_in_their_session_do_nothing(void **state)
{
	bench *b = begin();
	(void)state;
	recording *k = record(b, 4711);
	replay(b, k);
	assert_int_equal(rig_count(b->r, VF_KIND_REFUSE), 0);
	vf_state s = rig_state(b->r);
	assert_int_equal(s.done, 2);
	assert_int_equal(s.flags, 0);
	message m = erase(b, 4096); /* the session goes on */
	send(b, &m);
	assert_int_equal(rig_state(b->r).done, 3);
	free(k);
	end(b);
}

static void no_nonce_comes_twice(void **state)
{
	enum { STARTS = 4, SESSIONS = 16 };
	uint8_t seen[STARTS * SESSIONS][VF_NONCE_SIZE];
	unsigned count = 0;
	bench *b = begin();
	(void)state;
	for (unsigned start = 0; start < STARTS; start++) {
		b->r->config.seed[15] = (uint8_t)start; /* a count of starts will do */
		rig_restart(b->r);
		for (unsigned i = 0; i < SESSIONS; i++, count++) {
			vf_welcome w = hello(b, 5 + i % 2);
			memcpy(seen[count], w.nonce, sizeof w.nonce);
			vf_welcome again = hello(b, 5 + i % 2); /* the same session: the same */
			assert_memory_equal(w.nonce, again.nonce, sizeof w.nonce);
			for (unsigned k = 0; k < count; k++)
				assert_memory_not_equal(seen[k], w.nonce, sizeof w.nonce);
		}
	}
	end(b);
}

static void a_message_counts_once(void **state)
{
	bench *b = begin();
	(void)state;
	open(b, 77);
	message m = erase(b, 0);
	send(b, &m);
	send(b, &m);
	assert_stopped(b, 1, VF_FAIL_UNPROVEN);
	assert_int_equal(operations(b), 1);
	end(b);
}

static void a_message_counts_in_its_place(void **state)
{
	bench *b = begin();
	(void)state;
	open(b, 77);
	message first = erase(b, 0), second = program(b, 0, 100);
	send(b, &second);
	send(b, &first);
	assert_stopped(b, 0, VF_FAIL_UNPROVEN);
	assert_int_equal(operations(b), 0);
	end(b);
}

static void a_message_that_is_left_out_is_missed(void **state)
{
	bench *b = begin();
	(void)state;
	open(b, 77);
	(void)erase(b, 0);
	message second = program(b, 0, 100);
	send(b, &second);
	assert_stopped(b, 0, VF_FAIL_UNPROVEN);
	assert_int_equal(operations(b), 0);
	end(b);
}

/* --- changes ------------------------------------------------------------------------- */

/* Any bit of a message: it stops the session, or the board waits for the bytes that a
 * changed length promises. */
static void no_changed_byte_reaches_the_flash(void **state)
{
	bench *b = begin();
	(void)state;
	for (unsigned bit = 0;; bit++) {
		open(b, 100 + bit);
		message m = program(b, 0x1000, 40);
		if (bit == 8 * m.len)
			break;
		m.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		send(b, &m);
		vf_state s = rig_state(b->r);
		assert_int_equal(operations(b), 0);
		assert_int_equal(s.done, 0);
		if ((s.flags & VF_STATE_STOPPED) == 0)
			assert_in_range(bit / 8, 8, 11);
	}
	message m = program(b, 0x1000, 40);
	b->number = 0;
	m = program(b, 0x1000, 40);
	send(b, &m);
	assert_int_equal(rig_state(b->r).done, 1);
	end(b);
}

static void a_part_of_a_trailer_is_none(void **state)
{
	bench *b = begin();
	(void)state;
	for (uint32_t less = 1; less <= VF_TRAILER_SIZE; less++) {
		open(b, 100 + less);
		message m = program(b, 0, 100), next = program(b, 0x100, 50);
		m.len -= less;
		send(b, &m);
		assert_int_equal(rig_state(b->r).flags, 0); /* the rest may yet come */
		assert_int_equal(operations(b), 0);
		send(b, &next);
		assert_stopped(b, 0, VF_FAIL_UNPROVEN);
		assert_int_equal(operations(b), 0);
	}
	end(b);
}

static void without_trailer_nothing_counts(void **state)
{
	bench *b = begin();
	(void)state;
	open(b, 77);
	rig_message(b->r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_run(b->r, 20000);
	assert_stopped(b, 0, VF_FAIL_UNPROVEN);
	open(b, 78);
	rig_message(b->r, VF_MESSAGE_READ, 0, RIG_NOR_BASE, 100);
	rig_run(b->r, 20000);
	assert_stopped(b, 0, VF_FAIL_UNPROVEN);
	assert_int_equal(rig_count(b->r, VF_KIND_ANSWER), 0);
	assert_int_equal(operations(b), 0);
	end(b);
}

/* Not even its first page is begun before the last byte has come. */
static void a_message_begins_when_it_is_whole(void **state)
{
	bench *b = begin();
	(void)state;
	open(b, 77);
	message m = program(b, 0, 3000);
	for (uint32_t at = 0; at < m.len; at += 100) {
		assert_int_equal(operations(b), 0);
		rig_stream(b->r, m.bytes + at, m.len - at < 100 ? m.len - at : 100);
		rig_run(b->r, 3000);
	}
	rig_run(b->r, 100000);
	assert_int_equal(rig_state(b->r).done, 1);
	assert_memory_equal(b->r->flash[0].cells, m.bytes + VF_WIRE_MESSAGE_HEADER, 3000);
	end(b);
}

/* The window wraps, and messages straddle its end. */
static void many_messages_pass(void **state)
{
	bench *b = begin();
	(void)state;
	open(b, 77);
	for (uint32_t at = 0; at < 0xC000; at += 1500) {
		message m = program(b, at, at + 1500 > 0xC000 ? 0xC000 - at : 1500);
		send(b, &m);
		assert_memory_equal(b->r->flash[0].cells + at, m.bytes + VF_WIRE_MESSAGE_HEADER,
				    m.len - VF_WIRE_MESSAGE_HEADER - VF_TRAILER_SIZE);
	}
	assert_int_equal(rig_state(b->r).done, 33);
	assert_int_equal(rig_state(b->r).flags, 0);
	end(b);
}

static void what_the_window_cannot_hold_is_refused(void **state)
{
	static const uint32_t most = 8192 - 32; /* of data, in a window of 8 KB */
	bench *b = begin();
	(void)state;
	for (uint32_t more = 0; more < 2; more++) {
		open(b, 77 + more);
		const vf_message m = {.type = VF_MESSAGE_PROGRAM,
				      .flags = VF_MESSAGE_TRAILER,
				      .address = RIG_NOR_BASE,
				      .length = most + more};
		uint8_t header[VF_WIRE_MESSAGE_LONG];
		rig_stream(b->r, header, (uint32_t)vf_pack_message(header, &m));
		rig_run(b->r, 1000);
		if (more == 0)
			assert_int_equal(rig_state(b->r).flags, 0);
		else
			assert_stopped(b, 0, VF_FAIL_RANGE);
	}
	end(b);
}

static void packed_data_is_vouched_for_before_it_is_unpacked(void **state)
{
	uint8_t data[2000], packed[PACK_ROOM(2000)];
	bench *b = begin();
	(void)state;
	rig_offer_block(b->r, 8192);
	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i / 7);
	const uint32_t n = pack(data, sizeof data, packed, 9, 0);
	const vf_message m = {.type = VF_MESSAGE_DEFLATED,
			      .address = RIG_NOR_BASE + 0x100,
			      .length = sizeof data,
			      .packed = n};
	assert_int_equal(hello(b, 70).block, 4096); /* half of the window */
	for (unsigned good = 0; good < 2; good++) {
		open(b, 77 + good);
		message sealed = seal(b, &m, packed);
		sealed.bytes[sealed.len - 1] ^= !good;
		send(b, &sealed);
		if (good) {
			assert_int_equal(rig_state(b->r).done, 1);
			continue;
		}
		assert_stopped(b, 0, VF_FAIL_UNPROVEN);
		assert_int_equal(vf_target_stats_get(&b->r->t)->unpacked, 0);
		assert_int_equal(operations(b), 0);
	}
	assert_memory_equal(b->r->flash[0].cells + 0x100, data, sizeof data);
	end(b);
}

/* --- others, and the end -------------------------------------------------------------- */

static void who_takes_over_has_to_prove_it(void **state)
{
	bench *b = begin();
	(void)state;
	open(b, 77);
	message done = erase(b, 0), next = program(b, 0, 100);
	send(b, &done);
	(void)hello(b, 666);
	rig_data(b->r, 0, next.bytes, next.len); /* the old session's, in the new one */
	rig_run(b->r, 20000);
	assert_int_equal(rig_last(b->r, VF_KIND_REFUSE)->bytes[VF_WIRE_HEADER], VF_REFUSE_UNPROVEN);
	rig_clear(b->r);
	b->r->session = 77; /* and from the host that held it */
	rig_data(b->r, done.len, next.bytes, next.len);
	rig_run(b->r, 20000);
	assert_int_equal(rig_count(b->r, VF_KIND_ENDED), 1);
	assert_int_equal(operations(b), 1);
	open(b, 78); /* which opens anew */
	next = program(b, 0, 100);
	send(b, &next);
	assert_int_equal(rig_state(b->r).done, 1);
	end(b);
}

static void a_restart_ends_the_session(void **state)
{
	bench *b = begin();
	(void)state;
	open(b, 77);
	message m = erase(b, 0);
	b->r->config.seed[0]++;
	rig_restart(b->r);
	send(b, &m);
	assert_int_equal(rig_count(b->r, VF_KIND_ENDED), 1);
	assert_int_equal(operations(b), 0);
	b->r->offset = 0;
	(void)hello(b, 77); /* the same number is another session */
	send(b, &m);
	assert_int_equal(rig_count(b->r, VF_KIND_REFUSE), 1);
	assert_int_equal(prove(b, right_key).result, VF_PROVED_YES);
	b->r->offset = 0;
	send(b, &m); /* with the key of the session before */
	assert_stopped(b, 0, VF_FAIL_UNPROVEN);
	assert_int_equal(operations(b), 0);
	end(b);
}

/* After ABORT nothing of the session's key is left in memory. */
static void the_session_key_is_wiped(void **state)
{
	static const uint8_t nothing[VF_KEY_SIZE];
	bench *b = begin();
	(void)state;
	open(b, 77);
	message m = erase(b, 0);
	send(b, &m);
	assert_memory_equal(b->guard.key, b->key, VF_KEY_SIZE);
	rig_frame(b->r, VF_KIND_ABORT, b->key, 0);
	rig_run(b->r, 1000);
	assert_memory_equal(b->guard.key, nothing, sizeof nothing);
	end(b);
}

static void protected_ranges_stay_so(void **state)
{
	bench *b = begin();
	(void)state;
	open(b, 77);
	message m = erase(b, 0xC000);
	send(b, &m);
	assert_stopped(b, 0, VF_FAIL_PROTECTED);
	assert_int_equal(operations(b), 0);
	end(b);
}

static void a_small_window_is_refused(void **state)
{
	static const rig_sizes small = {4096, 512, 1040, 1060, 1024};
	rig *r = rig_new(&small);
	vf_target_guard guard;
	(void)state;
	r->config.key = right_key;
	assert_int_equal(rig_init(r), VF_E_USAGE); /* a key that nobody looks at */
	r->config.guard = &guard;
	assert_int_equal(rig_init(r), VF_E_USAGE);
	r->config.window_len = 1024;
	r->config.window = realloc(r->config.window, 1024);
	assert_int_equal(rig_init(r), VF_OK);
	r->config.key = NULL;
	assert_int_equal(rig_init(r), VF_E_USAGE);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_but_info_is_answered),
		cmocka_unit_test(what_came_early_is_gone),
		cmocka_unit_test(a_wrong_key_does_not_open),
		cmocka_unit_test(a_proof_is_right_or_wrong),
		cmocka_unit_test(the_board_proves_itself_too),
		cmocka_unit_test(the_wait_grows_and_ends),
		cmocka_unit_test(the_wait_is_no_longer_than_it_is),
		cmocka_unit_test(a_recorded_session_opens_nothing),
		cmocka_unit_test(frames_again_in_their_session_do_nothing),
		cmocka_unit_test(no_nonce_comes_twice),
		cmocka_unit_test(a_message_counts_once),
		cmocka_unit_test(a_message_counts_in_its_place),
		cmocka_unit_test(a_message_that_is_left_out_is_missed),
		cmocka_unit_test(no_changed_byte_reaches_the_flash),
		cmocka_unit_test(a_part_of_a_trailer_is_none),
		cmocka_unit_test(without_trailer_nothing_counts),
		cmocka_unit_test(a_message_begins_when_it_is_whole),
		cmocka_unit_test(many_messages_pass),
		cmocka_unit_test(what_the_window_cannot_hold_is_refused),
		cmocka_unit_test(packed_data_is_vouched_for_before_it_is_unpacked),
		cmocka_unit_test(who_takes_over_has_to_prove_it),
		cmocka_unit_test(a_restart_ends_the_session),
		cmocka_unit_test(the_session_key_is_wiped),
		cmocka_unit_test(protected_ranges_stay_so),
		cmocka_unit_test(a_small_window_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
