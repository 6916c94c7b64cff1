/* test_conversation.c - the golden conversations of tests/wire/golden, the host's
 * side: a real session with the numbers and operations of the script hears what
 * the board says there, byte for byte, and has to say what the host says there, as
 * far as the protocol determines it (conversations.py has the words for that), and
 * to come to the same results.
 *
 * Frames may be cut, and so numbered, otherwise than in the script: then `seen` of
 * a STATE is put right before the session hears it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/session.h>

#include "golden_file.h"

enum {
	TURN_US = 1000,        /* from one side to the other */
	PATIENCE_US = 1000000, /* how long a session may take to say what it has to */
	STREAM_MAX = 8192,
	OPERATIONS_MAX = 32,
	FRAMES_MAX = 64,
	LINES_MAX = 16,
	SEEN_AT = 10, /* of a STATE, section 4.2 */
};

typedef struct submitted {
	vf_operation op;
	const struct golden_record *golden;
	uint8_t *data;
	size_t answer_len;
} submitted;

typedef struct frame {
	const struct golden_record *golden;
	uint8_t *body, *raw;
	size_t len, raw_len;
} frame;

typedef struct talk {
	vf_session *s;
	uint64_t now, session;
	submitted operation[OPERATIONS_MAX];
	size_t operations;
	const struct golden_record *line[LINES_MAX]; /* golden ones */
	size_t lines, shown;

	frame expected[FRAMES_MAX]; /* of the step, the host's */
	size_t expects, met;        /* without DATA */
	uint8_t stream[STREAM_MAX]; /* all golden bytes so far */
	uint8_t wanted[STREAM_MAX]; /* of the step: how often they have yet to come */
	size_t wants;
	uint16_t payload; /* most in a DATA frame */

	uint16_t number; /* of the host's next frame */
	bool numbered;
	uint16_t golden_last, last;     /* of the last step that the host spoke in … */
	uint16_t golden_before, before; /* … and of the one before */
	const char *step;
} talk;

static uint64_t the_number(void *ctx)
{
	const talk *k = ctx;
	return k->session;
}

static void shown(void *ctx, const char *line, size_t len)
{
	talk *k = ctx;
	if (k->shown == k->lines)
		fail_msg("a line that nobody said: %.*s", (int)len, line);
	const char *golden = k->line[k->shown++]->value[0];
	assert_int_equal(len, strlen(golden));
	assert_memory_equal(line, golden, len);
}

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size > 0)
		return realloc(p, size);
	free(p);
	return NULL;
}

/* --- what the script has the host do ----------------------------------------------- */

static void submit(talk *k, const struct golden_record *g)
{
	assert_true(k->operations < OPERATIONS_MAX);
	submitted *o = &k->operation[k->operations];
	size_t len;
	assert_int_equal(golden_number(g, "operation"), k->operations++);
	o->golden = g;
	o->data = golden_bytes(g, "data", &len);
	free(golden_bytes(g, "answer", &o->answer_len));
	o->op = (vf_operation){.message = {.type = (uint8_t)golden_number(g, "type"),
					   .flags = (uint8_t)golden_number(g, "flags"),
					   .memory = (uint8_t)golden_number(g, "memory"),
					   .address = (uint32_t)golden_number(g, "address"),
					   .length = (uint32_t)golden_number(g, "length")},
			       .data = o->data};
	if (golden_has(g, "group"))
		o->op.message.group = (uint32_t)golden_number(g, "group");
	/* An operation that comes to nothing has no golden answer, but needs room for one. */
	o->op.answer = calloc(1, o->answer_len > 0 ? o->answer_len : o->op.message.length);
	assert_non_null(o->op.answer);
	assert_int_equal(vf_session_submit(k->s, &o->op), VF_OK);
}

static void expect(talk *k, const struct golden_record *g)
{
	size_t len;
	assert_true(k->expects < FRAMES_MAX);
	frame *f = &k->expected[k->expects++];
	f->golden = g;
	f->body = golden_bytes(g, "body", &f->len);
	f->raw = golden_bytes(g, "raw", &f->raw_len);
	if (!golden_says(g, "compare", "stream"))
		return;
	uint8_t *payload = golden_bytes(g, "payload", &len);
	size_t at = golden_number(g, "offset");
	assert_true(at + len <= STREAM_MAX);
	for (size_t i = 0; i < len; i++) {
		k->stream[at + i] = payload[i];
		k->wanted[at + i]++;
		k->wants++;
	}
	free(payload);
}

/* --- what the session says ---------------------------------------------------------- */

static bool same_but_number(const frame *f, const uint8_t *body, size_t len)
{
	return f->len == len && memcmp(f->body, body, 2) == 0 &&
	       memcmp(f->body + 4, body + 4, len - 4) == 0;
}

static void check_data(talk *k, const uint8_t *body, size_t len)
{
	assert_true(len > VF_WIRE_DATA_HEADER && len <= VF_WIRE_DATA_HEADER + (size_t)k->payload);
	assert_int_equal(vf_body_tag(body), (uint32_t)k->session);
	size_t at = vf_get32(body + VF_WIRE_HEADER);
	for (size_t i = VF_WIRE_DATA_HEADER; i < len; i++, at++) {
		if (at >= STREAM_MAX || k->wanted[at] == 0)
			fail_msg("step \"%s\": stream byte %zu is not wanted", k->step, at);
		if (body[i] != k->stream[at])
			fail_msg("step \"%s\": stream byte %zu is another", k->step, at);
		k->wanted[at]--;
		k->wants--;
	}
}

/* The next expected frame that is no DATA; `met` counts how far we are. */
static void check_control(talk *k, const uint8_t *body, size_t len)
{
	while (k->met < k->expects && golden_says(k->expected[k->met].golden, "compare", "stream"))
		k->met++;
	if (k->met == k->expects)
		fail_msg("step \"%s\": nobody asked for a frame of kind %02X", k->step,
			 vf_body_kind(body));
	if (!same_but_number(&k->expected[k->met], body, len))
		fail_msg("step \"%s\": not as expected: %s, but kind %02X", k->step,
			 golden_text(k->expected[k->met].golden, "means"), vf_body_kind(body));
	k->met++;
}

static void check_frame(talk *k, const uint8_t *body, size_t len, const uint8_t *raw,
			size_t raw_len)
{
	uint16_t number = vf_body_number(body);
	if (k->numbered)
		assert_int_equal(number, k->number);
	k->numbered = true;
	k->number = (uint16_t)(number + 1);
	if (vf_body_kind(body) == VF_KIND_DATA)
		check_data(k, body, len);
	else
		check_control(k, body, len);
	for (size_t i = 0; i < k->expects; i++) { /* the same frame has the same raw bytes */
		const frame *f = &k->expected[i];
		if (!same_but_number(f, body, len) || vf_body_number(f->body) != number)
			continue;
		assert_int_equal(raw_len, f->raw_len);
		assert_memory_equal(raw, f->raw, raw_len);
	}
}

/* Both delimiters are sent for every frame, and nothing between frames. */
static void check_raw(talk *k, const uint8_t *raw, size_t len)
{
	static const size_t room = VF_WIRE_BODY_MAX + 4;
	uint8_t *body = malloc(room);
	vf_decoder d;
	assert_non_null(body);
	vf_decoder_init(&d, body, room);
	for (size_t at = 0, start = 0; at < len;) {
		enum vf_decoder_event event;
		at += vf_decode(&d, raw + at, len - at, &event);
		if (event != VF_DECODE_FRAME) {
			assert_int_equal(event, VF_DECODE_MORE);
			assert_true(at < len);
			continue;
		}
		assert_int_equal(raw[start], 0);
		assert_int_equal(raw[at - 1], 0);
		check_frame(k, body, d.len, raw + start, at - start);
		start = at;
	}
	free(body);
}

static bool satisfied(const talk *k)
{
	size_t met = k->met;
	while (met < k->expects && golden_says(k->expected[met].golden, "compare", "stream"))
		met++;
	return met == k->expects && k->wants == 0;
}

static void listen(talk *k)
{
	size_t len;
	const uint8_t *raw;
	while ((raw = vf_session_tx(k->s, &len, k->now)) != NULL) {
		check_raw(k, raw, len);
		vf_session_tx_done(k->s, len, k->now);
	}
}

/* A session says some things at once and others after a silence. */
static void listen_until_satisfied(talk *k)
{
	uint64_t until = k->now + PATIENCE_US;
	vf_session_tick(k->s, k->now);
	for (listen(k); !satisfied(k); listen(k)) {
		uint64_t next = vf_session_deadline(k->s);
		if (next > until)
			fail_msg("step \"%s\": the host did not say all: %zu bytes of the stream "
				 "are missing, %zu of %zu frames",
				 k->step, k->wants, k->expects - k->met, k->expects);
		k->now = next > k->now ? next : k->now + 1;
		vf_session_tick(k->s, k->now);
	}
}

static void forget_expected(talk *k)
{
	if (k->expects > 0) {
		k->golden_before = k->golden_last;
		k->before = k->last;
		k->golden_last = vf_body_number(k->expected[k->expects - 1].body);
		k->last = (uint16_t)(k->number - 1);
	}
	for (size_t i = 0; i < k->expects; i++) {
		free(k->expected[i].body);
		free(k->expected[i].raw);
	}
	k->expects = k->met = 0;
}

/* --- what the session hears ------------------------------------------------------------ */

static void hear_state(talk *k, uint8_t *body, size_t len)
{
	uint8_t raw[VF_WIRE_FRAME_SIZE(VF_WIRE_CONTROL_MAX)];
	vf_encoder e;
	uint16_t seen = vf_get16(body + SEEN_AT);
	assert_true(seen == k->golden_last || seen == k->golden_before);
	vf_put16(body + SEEN_AT, seen == k->golden_last ? k->last : k->before);
	vf_encode_begin(&e, raw, sizeof raw);
	vf_encode_put(&e, body, len);
	len = vf_encode_end(&e);
	assert_true(len > 0);
	vf_session_rx(k->s, raw, len, k->now);
}

static void hear(talk *k, const struct golden_record *g)
{
	size_t len, body_len = 0;
	uint8_t *raw = golden_bytes(g, golden_has(g, "arrives") ? "arrives" : "raw", &len);
	uint8_t *body = golden_has(g, "body") ? golden_bytes(g, "body", &body_len) : NULL;
	bool renumbered = k->golden_last != k->last || k->golden_before != k->before;
	k->now += TURN_US;
	if (len > 0 && body != NULL && vf_body_kind(body) == VF_KIND_STATE && renumbered)
		hear_state(k, body, body_len);
	else
		vf_session_rx(k->s, raw, len, k->now);
	free(raw);
	free(body);
	vf_session_tick(k->s, k->now);
}

/* --- a conversation ----------------------------------------------------------------------- */

static bool comes_from(const struct golden_record *g, const char *who)
{
	return golden_is(g, "from") && golden_says(g, "from", who);
}

/* The board says nothing; the session must not lose patience if that was announced. */
static void keep_silent(talk *k, const struct golden_record *g)
{
	uint64_t until = k->now + golden_number(g, "silence") * 1000;
	while (k->now < until) {
		uint64_t next = vf_session_deadline(k->s);
		k->now = next > k->now && next < until ? next : until;
		vf_session_tick(k->s, k->now);
	}
	listen(k);
	assert_int_equal(vf_session_status(k->s), VF_SESSION_OPEN);
}

/* The step that begins at record `i`; returns where the next one does. */
static size_t play_step(talk *k, const struct golden_script *s, size_t i)
{
	size_t end = i + 1;
	k->step = s->record[i].value[0];
	while (!golden_is(&s->record[end], "step") && !golden_is(&s->record[end], "end"))
		end++;
	for (size_t at = i + 1; at < end; at++) {
		const struct golden_record *g = &s->record[at];
		if (golden_says(g, "event", "open"))
			vf_session_open(k->s, k->now);
		else if (golden_says(g, "event", "close"))
			vf_session_close(k->s, k->now);
		else if (golden_is(g, "operation"))
			submit(k, g);
		else if (comes_from(g, "host"))
			expect(k, g);
	}
	listen_until_satisfied(k);
	forget_expected(k);
	for (size_t at = i + 1; at < end; at++) {
		const struct golden_record *g = &s->record[at];
		if (golden_is(g, "silence"))
			keep_silent(k, g);
		else if (comes_from(g, "board"))
			hear(k, g);
	}
	return end;
}

static void check_failure(const talk *k, const struct golden_record *g)
{
	const vf_failure *f = vf_session_failure(k->s);
	assert_int_equal(f->operation, golden_number(g, "failure_operation"));
	assert_int_equal(f->code, golden_number(g, "failure_code"));
	assert_int_equal(f->memory, golden_number(g, "failure_memory"));
	assert_int_equal(f->expected, golden_number(g, "failure_expected"));
	assert_int_equal(f->found, golden_number(g, "failure_found"));
	assert_int_equal(f->address, golden_number(g, "failure_address"));
	assert_int_equal(f->count, golden_number(g, "failure_count"));
}

static void check_end(const talk *k, const struct golden_record *g)
{
	static const struct {
		const char *end;
		enum vf_session_status status;
	} ends[] = {
		{"open", VF_SESSION_OPEN},       {"closed", VF_SESSION_CLOSED},
		{"stopped", VF_SESSION_STOPPED}, {"restarted", VF_SESSION_ENDED},
		{"taken over", VF_SESSION_LOST}, {"refused", VF_SESSION_LOST},
	};
	enum vf_session_status status = vf_session_status(k->s);
	bool known = false;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		if (!golden_says(g, "end", ends[i].end))
			continue;
		known = true;
		assert_int_equal(status, ends[i].status);
	}
	assert_true(known);
	if (status == VF_SESSION_ENDED || status == VF_SESSION_LOST)
		assert_int_equal(vf_session_error(k->s)->code, VF_E_LINK);
	if (status == VF_SESSION_STOPPED)
		check_failure(k, g);
	else
		assert_int_equal(vf_session_failure(k->s)->code, VF_FAIL_NONE);
	assert_int_equal(k->shown, k->lines);
	assert_int_equal(vf_session_stats_get(k->s)->damaged_here, 0);
}

static void check_operations(talk *k)
{
	for (size_t i = 0; i < k->operations; i++) {
		submitted *o = &k->operation[i];
		bool done = golden_says(o->golden, "result", "done");
		size_t len;
		uint8_t *answer = golden_bytes(o->golden, "answer", &len);
		assert_int_equal(o->op.status, done ? VF_OPERATION_DONE : VF_OPERATION_DROPPED);
		assert_memory_equal(o->op.answer, answer, len);
		free(answer);
	}
}

static void play(talk *k, const struct golden_script *s)
{
	size_t i = 1;
	for (size_t at = i; at < s->count; at++) {
		if (!golden_is(&s->record[at], "line"))
			continue;
		assert_true(k->lines < LINES_MAX);
		k->line[k->lines++] = &s->record[at];
	}
	while (!golden_is(&s->record[i], "end"))
		i = play_step(k, s, i);
	k->step = "the end";
	listen(k); /* nothing more to say */
	check_end(k, &s->record[i]);
	vf_session_free(k->s); /* what nothing became of is dropped now */
	check_operations(k);
}

/* `state` is the conversation's name, and behind a slash the payload to use where frames shall
 * be cut otherwise than in the script. */
static void converse(void **state)
{
	const char *name = *state;
	int len = (int)strcspn(name, "/");
	char path[512];
	struct golden_script s;
	talk *k = calloc(1, sizeof *k);
	assert_non_null(k);
	(void)snprintf(path, sizeof path, GOLDEN_DIR "/conversation_%.*s.txt", len, name);
	golden_script_open(&s, path);
	assert_false(golden_says(&s.record[0], "ends", "board"));
	k->now = 1000000;
	k->session = golden_number(&s.record[0], "session");
	k->payload = (uint16_t)golden_number(&s.record[0], "payload");
	if (name[len] == '/')
		k->payload = (uint16_t)strtoul(name + len + 1, NULL, 10);
	vf_session_config config = {.alloc = {resize, NULL},
				    .random = the_number,
				    .text = shown,
				    .ctx = k,
				    .payload_max = k->payload};
	uint8_t *key = NULL;
	size_t key_len;
	if (golden_has(&s.record[0], "key"))
		config.key = key = golden_bytes(&s.record[0], "key", &key_len);
	if (k->payload == 0)
		k->payload = 256;
	k->s = vf_session_new(&config);
	assert_non_null(k->s);
	play(k, &s);
	for (size_t i = 0; i < k->operations; i++) {
		free(k->operation[i].data);
		free(k->operation[i].op.answer);
	}
	free(k);
	free(key);
	golden_script_close(&s);
}

#define CONVERSATION(name)                                                                         \
	{                                                                                          \
		name, converse, NULL, NULL, name                                                   \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONVERSATION("open"),         CONVERSATION("query"),
		CONVERSATION("stream"),       CONVERSATION("stream/64"),
		CONVERSATION("stream/199"),   CONVERSATION("gap"),
		CONVERSATION("damage"),       CONVERSATION("mismatch"),
		CONVERSATION("mismatch/100"), CONVERSATION("unknown"),
		CONVERSATION("protected"),    CONVERSATION("protected/255"),
		CONVERSATION("abort"),        CONVERSATION("deaf"),
		CONVERSATION("taken_over"),   CONVERSATION("restarted"),
		CONVERSATION("text"),         CONVERSATION("newer_board"),
		CONVERSATION("keyed"),        CONVERSATION("keyed/64"),
		CONVERSATION("keyed/77"),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
