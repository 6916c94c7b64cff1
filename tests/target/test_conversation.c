/* test_conversation.c - the golden conversations of tests/wire/golden, the board's
 * side: a real engine is given all that goes to the board there, byte for byte,
 * and has to say what the board says there, as far as the protocol determines it
 * (conversations.py has the words for that). Its memories are arrays.
 */
#include "golden_file.h"
#include "rig.h"

enum {
	STEP_US = 300000, /* long enough for a heartbeat, and for a lone CR to be a line */
	HEARD_MAX = 64,
	EXPECTED_MAX = 64,
	ANSWER_MAX = 4096,
};

typedef struct heard {
	uint8_t raw[VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)];
	size_t raw_len;
	uint8_t body[VF_WIRE_BODY_MAX + 4];
	size_t len; /* 0: text */
	bool expected;
} heard;

typedef struct talk {
	rig *r;
	const struct golden_record *expected[EXPECTED_MAX]; /* of the step */
	size_t expects;
	heard heard[HEARD_MAX];
	size_t hears;
	bool deaf;       /* so says the newest STATE */
	bool numbered;   /* `number` is known */
	uint16_t number; /* of the board's next frame */
	size_t answer;   /* most bytes of an ANSWER */
	char *name;      /* of the board; its end has to outlive the engine */
	uint8_t *key;    /* and so this */
	vf_target_guard guard;
	const char *step;
} talk;

/* --- the board ------------------------------------------------------------------ */

static void describe(vf_memory *m, const struct golden_record *g)
{
	char field[24];
	size_t len;
	uint8_t *id = golden_bytes(g, "id", &len);
	*m = (vf_memory){.kind = (uint8_t)golden_number(g, "memory_kind"),
			 .flags = (uint8_t)golden_number(g, "flags"),
			 .dies = (uint8_t)golden_number(g, "dies"),
			 .id_len = (uint8_t)len,
			 .base = (uint32_t)golden_number(g, "base"),
			 .size = (uint32_t)golden_number(g, "size"),
			 .page = (uint32_t)golden_number(g, "page"),
			 .unit = (uint32_t)golden_number(g, "unit"),
			 .page_typ_us = (uint32_t)golden_number(g, "page_typ"),
			 .page_max_us = (uint32_t)golden_number(g, "page_max"),
			 .read_rate = (uint32_t)golden_number(g, "read_rate"),
			 .erase_types = (uint8_t)golden_number(g, "erase_types"),
			 .protects = (uint8_t)golden_number(g, "protects")};
	(void)snprintf(m->name, sizeof m->name, "%s", golden_text(g, "part"));
	memcpy(m->id, id, len);
	free(id);
	for (unsigned i = 0; i < m->erase_types; i++) {
		(void)snprintf(field, sizeof field, "erase%u_size", i);
		m->erase[i].size = (uint32_t)golden_number(g, field);
		(void)snprintf(field, sizeof field, "erase%u_typ", i);
		m->erase[i].typ_us = (uint32_t)golden_number(g, field);
		(void)snprintf(field, sizeof field, "erase%u_max", i);
		m->erase[i].max_us = (uint32_t)golden_number(g, field);
	}
	for (unsigned i = 0; i < m->protects; i++) {
		(void)snprintf(field, sizeof field, "protect%u_offset", i);
		m->protect[i].offset = (uint32_t)golden_number(g, field);
		(void)snprintf(field, sizeof field, "protect%u_len", i);
		m->protect[i].len = (uint32_t)golden_number(g, field);
	}
}

static void give_key(talk *k, const struct golden_record *script)
{
	vf_target_config *c = &k->r->config;
	size_t len;
	if (!golden_has(script, "key"))
		return;
	c->guard = &k->guard;
	c->key = k->key = golden_bytes(script, "key", &len);
	assert_int_equal(len, VF_KEY_SIZE);
	uint8_t *seed = golden_bytes(script, "seed", &len);
	assert_int_equal(len, sizeof c->seed);
	memcpy(c->seed, seed, len);
	free(seed);
}

/* The memories' arrays are the rig's, and stay. */
static void begin_board(talk *k, const struct golden_record *script)
{
	struct golden_script s;
	golden_script_open(&s, GOLDEN_DIR "/conversation_board.txt");
	assert_int_equal(s.count, 4);
	const struct golden_record *w = &s.record[1];
	rig_sizes sizes = {.ring = (uint32_t)golden_number(w, "ring"),
			   .window = (uint32_t)golden_number(w, "window"),
			   .frame = (uint32_t)golden_number(w, "payload") + 16,
			   .tx = (uint32_t)VF_WIRE_FRAME_SIZE(golden_number(w, "answer") + 16),
			   .work = 1024};
	size_t len;
	uint8_t *id = golden_bytes(w, "id", &len);
	rig *r = rig_new(&sizes);
	k->r = r;
	k->name = strdup(golden_text(w, "board"));
	r->config.name = k->name;
	memcpy(r->config.id, id, len);
	r->config.id_len = (uint8_t)len;
	free(id);
	for (unsigned m = 0; m < 2; m++) {
		uint32_t size = r->info[m].size;
		describe(&r->info[m], &s.record[2 + m]);
		assert_int_equal(r->info[m].size, size);
		r->flash[m].takes_us = 500;
	}
	give_key(k, script);
	r->tx_closed = true; /* what it sends is taken here, raw */
	assert_int_equal(rig_init(r), VF_OK);
	golden_script_close(&s);
}

/* --- what it says --------------------------------------------------------------- */

static void decode(heard *h)
{
	vf_decoder d;
	size_t at = 0;
	if (h->raw[0] != 0) /* the board's text begins with CR */
		return;
	vf_decoder_init(&d, h->body, sizeof h->body);
	while (at < h->raw_len) {
		enum vf_decoder_event event;
		at += vf_decode(&d, h->raw + at, h->raw_len - at, &event);
		assert_true(event == VF_DECODE_MORE || event == VF_DECODE_FRAME);
		if (event == VF_DECODE_FRAME) {
			assert_int_equal(at, h->raw_len);
			h->len = d.len;
		}
	}
	assert_true(h->len >= VF_WIRE_HEADER);
	assert_true(vf_body_kind(h->body) >= 0x80);
}

static bool is_kind(const heard *h, uint8_t kind)
{
	return h->len != 0 && vf_body_kind(h->body) == kind;
}

static void check_number(talk *k, const heard *h)
{
	uint16_t number = vf_body_number(h->body);
	if (k->numbered && vf_body_kind(h->body) != VF_KIND_WELCOME)
		assert_int_equal(number, k->number);
	k->numbered = k->numbered || vf_body_kind(h->body) == VF_KIND_WELCOME;
	k->number = (uint16_t)(number + 1);
}

static void listen(talk *k)
{
	size_t len;
	const uint8_t *p = vf_target_tx(&k->r->t, &len);
	if (p == NULL)
		return;
	if (k->hears == HEARD_MAX)
		fail_msg("more than %u frames", HEARD_MAX);
	heard *h = &k->heard[k->hears++];
	assert_true(len <= sizeof h->raw);
	*h = (heard){.raw_len = len};
	memcpy(h->raw, p, len);
	vf_target_tx_done(&k->r->t, len);
	decode(h);
	if (h->len == 0)
		return;
	check_number(k, h);
	if (is_kind(h, VF_KIND_STATE))
		k->deaf = (h->body[8] & VF_STATE_DEAF) != 0;
}

/* Of a long silence the host knows before it begins. */
static void check_announced(const talk *k)
{
	for (unsigned m = 0; m < 2; m++) {
		const vf_flash_op *op = k->r->flash[m].op;
		if (op != NULL && op->kind == VF_FLASH_ERASE &&
		    (k->r->info[m].flags & VF_MEMORY_BLOCKING) != 0)
			assert_true(k->deaf);
	}
}

static void settle(talk *k)
{
	for (uint32_t us = 0; us < STEP_US; us += 100) {
		listen(k);
		rig_turn(k->r);
		check_announced(k);
	}
	listen(k);
}

/* --- is it what it should say? -------------------------------------------------- */

/* Where fields are that a board is free in, by section 3.1 and 4.2. */
static const struct {
	uint8_t kind;
	const char *name;
	uint8_t at, size; /* failure_: from the failure's beginning */
} places[] = {
	{VF_KIND_WELCOME, "credit", 28, 4},     {VF_KIND_WELCOME, "queue", 40, 2},
	{VF_KIND_STATE, "limit", 16, 4},        {VF_KIND_STATE, "memory", 29, 1},
	{VF_KIND_STATE, "typical", 32, 4},      {VF_KIND_STATE, "maximum", 36, 4},
	{VF_KIND_PROVED, "wait", 12, 4},        {VF_KIND_STATE, "failure_expected", 6, 1},
	{VF_KIND_STATE, "failure_found", 7, 1},
};

static bool is_free(const struct golden_record *g, const uint8_t *body, size_t at)
{
	if (at == 2 || at == 3) /* the number */
		return true;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		size_t start = places[i].at;
		if (places[i].kind != vf_body_kind(body) ||
		    !golden_lists(g, "free", places[i].name))
			continue;
		if (strncmp(places[i].name, "failure_", 8) == 0)
			start += 40 + (size_t)body[9] * 8;
		if (at >= start && at < start + places[i].size)
			return true;
	}
	return false;
}

static void complain(const talk *k, const struct golden_record *g, const char *what, size_t at)
{
	fail_msg("step \"%s\", %s: %s %zu", k->step, golden_text(g, "means"), what, at);
}

static bool matches(const struct golden_record *g, const heard *h)
{
	size_t len;
	uint8_t *body = golden_bytes(g, "body", &len);
	bool same = h->len == len && vf_body_kind(h->body) == vf_body_kind(body);
	for (size_t i = 0; same && i < len; i++)
		same = h->body[i] == body[i] || is_free(g, body, i);
	free(body);
	return same;
}

static void check_body(const talk *k, const struct golden_record *g, const heard *h)
{
	size_t len, raw_len;
	uint8_t *body = golden_bytes(g, "body", &len);
	uint8_t *raw = golden_bytes(g, "raw", &raw_len);
	if (vf_body_kind(h->body) != vf_body_kind(body))
		complain(k, g, "the board sent another kind,", vf_body_kind(h->body));
	if (h->len != len)
		complain(k, g, "another length,", h->len);
	for (size_t i = 0; i < len; i++) {
		if (h->body[i] != body[i] && !is_free(g, body, i))
			complain(k, g, "another byte at", i);
	}
	if (memcmp(h->body, body, len) == 0) { /* then it has to look the same on the pipe */
		assert_int_equal(h->raw_len, raw_len);
		assert_memory_equal(h->raw, raw, raw_len);
	}
	free(body);
	free(raw);
}

static void check_line(const talk *k, const struct golden_record *g, heard *h)
{
	char line[sizeof h->raw + 1] = {0};
	size_t n = h->raw_len;
	if (h->len != 0)
		complain(k, g, "a frame instead, of kind", vf_body_kind(h->body));
	memcpy(line, h->raw, n);
	assert_true(n > 4);
	assert_memory_equal(line, "\r\n", 2);
	assert_memory_equal(line + n - 2, "\r\n", 2);
	for (size_t i = 2; i < n - 2; i++)
		assert_in_range(line[i], 0x20, 0x7E);
	assert_non_null(strstr(line, "vcpflash"));
	h->expected = true;
}

/* The next that is no STATE and no ANSWER: those come when they like. */
static heard *next_reply(talk *k, const struct golden_record *g)
{
	for (size_t i = 0; i < k->hears; i++) {
		heard *h = &k->heard[i];
		if (!h->expected && !is_kind(h, VF_KIND_STATE) && !is_kind(h, VF_KIND_ANSWER))
			return h;
	}
	complain(k, g, "the board did not say it; it sent frames:", k->hears);
	return NULL;
}

static void check_last_state(talk *k, const struct golden_record *g)
{
	const heard *last = NULL;
	for (size_t i = 0; i < k->hears; i++) {
		if (!is_kind(&k->heard[i], VF_KIND_STATE))
			continue;
		last = &k->heard[i];
		k->heard[i].expected = true;
	}
	if (last == NULL)
		complain(k, g, "no STATE among frames:", k->hears);
	else
		check_body(k, g, last);
}

static void check_some_state(talk *k, const struct golden_record *g)
{
	bool any = false;
	for (size_t i = 0; i < k->hears; i++) {
		heard *h = &k->heard[i];
		if (!is_kind(h, VF_KIND_STATE))
			continue;
		h->expected = true;
		any |= matches(g, h) && vf_get32(h->body + 36) >= golden_number(g, "least");
	}
	if (!any)
		complain(k, g, "no such STATE among frames:", k->hears);
}

static void check_one(talk *k, const struct golden_record *g)
{
	if (golden_says(g, "compare", "exact") || golden_says(g, "compare", "fields")) {
		heard *h = next_reply(k, g);
		if (h->len == 0)
			complain(k, g, "text instead, bytes:", h->raw_len);
		check_body(k, g, h);
		h->expected = true;
		if (is_kind(h, VF_KIND_WELCOME))
			k->answer = golden_number(g, "answer");
	} else if (golden_says(g, "compare", "line")) {
		check_line(k, g, next_reply(k, g));
	} else if (golden_says(g, "compare", "last state")) {
		check_last_state(k, g);
	} else if (golden_says(g, "compare", "some state")) {
		check_some_state(k, g);
	} else if (!golden_says(g, "compare", "pieces") && !golden_says(g, "compare", "sample")) {
		complain(k, g, "no such comparison, field", 0);
	}
}

/* --- answers: the bytes count, not the pieces ------------------------------------- */

static size_t golden_answer(const talk *k, uint32_t operation, uint8_t *out)
{
	size_t len, end = 0;
	for (size_t i = 0; i < k->expects; i++) {
		const struct golden_record *g = k->expected[i];
		if (!golden_says(g, "compare", "pieces") ||
		    golden_number(g, "operation") != operation)
			continue;
		uint8_t *bytes = golden_bytes(g, "payload", &len);
		assert_int_equal(golden_number(g, "offset"), end);
		assert_true(end + len <= ANSWER_MAX);
		memcpy(out + end, bytes, len);
		end += len;
		free(bytes);
	}
	return end;
}

static void check_answer(talk *k, uint32_t operation)
{
	uint8_t golden[ANSWER_MAX];
	size_t at = 0, len = golden_answer(k, operation, golden);
	assert_true(len > 0);
	for (size_t i = 0; i < k->hears; i++) {
		heard *h = &k->heard[i];
		if (!is_kind(h, VF_KIND_ANSWER) || vf_get32(h->body + 8) != operation)
			continue;
		size_t n = h->len - VF_WIRE_ANSWER_HEADER;
		assert_int_equal(vf_get32(h->body + 12), at);
		assert_true(n > 0 && n <= k->answer && n <= len - at);
		assert_memory_equal(h->body + VF_WIRE_ANSWER_HEADER, golden + at, n);
		at += n;
		h->expected = true;
	}
	assert_int_equal(at, len);
}

/* All of an answer is sent before a STATE that counts the operation as done. */
static void check_answers_first(const talk *k)
{
	uint32_t done = 0;
	for (size_t i = 0; i < k->hears; i++) {
		const heard *h = &k->heard[i];
		if (is_kind(h, VF_KIND_STATE))
			done = vf_get32(h->body + 20);
		else if (is_kind(h, VF_KIND_ANSWER))
			assert_true(vf_get32(h->body + 8) >= done);
	}
}

static void check_step(talk *k)
{
	for (size_t i = 0; i < k->expects; i++)
		check_one(k, k->expected[i]);
	for (size_t i = 0; i < k->expects; i++) {
		const struct golden_record *g = k->expected[i];
		if (golden_says(g, "compare", "pieces") && golden_number(g, "offset") == 0)
			check_answer(k, (uint32_t)golden_number(g, "operation"));
	}
	check_answers_first(k);
	for (size_t i = 0; i < k->hears; i++) {
		if (!k->heard[i].expected)
			fail_msg("step \"%s\": the board said more: frame %zu of %zu, kind %02X",
				 k->step, i + 1, k->hears, k->heard[i].body[1]);
	}
}

/* --- a conversation ----------------------------------------------------------------- */

static void end_step(talk *k)
{
	settle(k);
	check_step(k);
	k->expects = k->hears = 0;
}

static void happen(talk *k, const char *event)
{
	if (strcmp(event, "hold") == 0 || strcmp(event, "release") == 0) {
		for (unsigned m = 0; m < 2; m++)
			k->r->flash[m].freeze = strcmp(event, "hold") == 0;
	} else if (strcmp(event, "restart") == 0) {
		assert_int_equal(rig_init(k->r), VF_OK);
		k->numbered = false;
	}
}

static void hear_or_expect(talk *k, const struct golden_record *g)
{
	size_t len;
	if (golden_says(g, "from", "board")) {
		assert_true(k->expects < EXPECTED_MAX);
		k->expected[k->expects++] = g;
		return;
	}
	uint8_t *raw = golden_bytes(g, golden_has(g, "arrives") ? "arrives" : "raw", &len);
	rig_put(k->r, raw, len);
	free(raw);
}

static void check_memories(const rig *r, const struct golden_script *s)
{
	for (unsigned m = 0; m < 2; m++) {
		uint32_t size = r->info[m].size;
		uint8_t *cells = malloc(size);
		assert_non_null(cells);
		memset(cells, 0xFF, size);
		for (size_t i = 0; i < s->count; i++) {
			const struct golden_record *g = &s->record[i];
			size_t len;
			if (!golden_is(g, "holds") || golden_number(g, "holds") != m)
				continue;
			uint8_t *bytes = golden_bytes(g, "bytes", &len);
			assert_true(golden_number(g, "offset") + len <= size);
			memcpy(cells + golden_number(g, "offset"), bytes, len);
			free(bytes);
		}
		assert_memory_equal(r->flash[m].cells, cells, size);
		free(cells);
	}
}

static void play(talk *k, const struct golden_script *s)
{
	for (size_t i = 1; i < s->count; i++) {
		const struct golden_record *g = &s->record[i];
		if (golden_is(g, "step") || golden_is(g, "end")) {
			end_step(k);
			k->step = g->value[0];
		} else if (golden_is(g, "event")) {
			happen(k, g->value[0]);
		} else if (golden_is(g, "from")) {
			hear_or_expect(k, g);
		}
	}
	check_memories(k->r, s);
	assert_int_equal(vf_target_stats_get(&k->r->t)->lost_bytes, 0);
}

static void converse(void **state)
{
	char path[512];
	struct golden_script s;
	talk *k = calloc(1, sizeof *k);
	assert_non_null(k);
	(void)snprintf(path, sizeof path, GOLDEN_DIR "/conversation_%s.txt", (char *)*state);
	golden_script_open(&s, path);
	assert_false(golden_says(&s.record[0], "ends", "host"));
	k->step = "-";
	begin_board(k, &s.record[0]);
	play(k, &s);
	rig_free(k->r);
	free(k->name);
	free(k->key);
	free(k);
	golden_script_close(&s);
}

#define CONVERSATION(name)                                                                         \
	{                                                                                          \
		name, converse, NULL, NULL, name                                                   \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONVERSATION("deaf"),      CONVERSATION("wrap"),     CONVERSATION("open"),
		CONVERSATION("query"),     CONVERSATION("stream"),   CONVERSATION("gap"),
		CONVERSATION("damage"),    CONVERSATION("mismatch"), CONVERSATION("unknown"),
		CONVERSATION("protected"), CONVERSATION("abort"),    CONVERSATION("taken_over"),
		CONVERSATION("restarted"), CONVERSATION("text"),     CONVERSATION("newer_host"),
		CONVERSATION("control"),   CONVERSATION("echoes"),   CONVERSATION("islands"),
		CONVERSATION("refusals"),  CONVERSATION("keyed"),    CONVERSATION("stranger"),
		CONVERSATION("forged"),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
