/* Two lines and one target: who speaks first has the session, and nothing that a held-back
 * line was allowed to send is lost, whatever the other one does. A fake USB endpoint keeps
 * the promise of rx_space exactly, and hosts are played by hand, frame by frame.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lines.h"

enum { UART, USB, RING = 16384, PACKET = 512, HELD = 4096, ROOM = 65536, SECOND = 1000000 };

typedef struct endpoint {
	size_t armed; /* bytes that may come */
	uint8_t sent[ROOM];
	size_t sent_len;
	bool stuck, busy;
	unsigned rates;
} endpoint;

typedef struct bench {
	vf_loader loader;
	vf_lines lines;
	vf_memory info;
	endpoint at[LINES];
	uint32_t now;
	unsigned excluded;
	bool visited;
	size_t armed; /* comes by USB in the moment in which it gets the session */
	uint8_t ring[RING], window[4096], frame[1024], tx[1200], held[LINES][HELD];
	_Alignas(32) uint8_t work[2048];
} bench;

static uint32_t micros(void *self)
{
	return ((bench *)self)->now;
}

static void begin_sending(void *self, const uint8_t *data, size_t len)
{
	endpoint *e = self;

	assert_true(e->sent_len + len <= ROOM);
	memcpy(e->sent + e->sent_len, data, len);
	e->sent_len += len;
	e->busy = e->stuck;
}

static bool is_sending(void *self)
{
	return ((endpoint *)self)->busy;
}

static void set_rate(void *self, uint32_t baud)
{
	(void)baud;
	((endpoint *)self)->rates++;
}

static void start(void *self, uint32_t address)
{
	(void)self;
	(void)address;
}

static bool visited(void *self)
{
	return ((bench *)self)->visited;
}

static uint8_t flood[HELD]; /* no delimiter: a long chunk of garbage */

static void exclude(void *self, bool out)
{
	bench *b = self;

	assert_int_equal(b->excluded, out ? 0 : 1);
	b->excluded = out;
	if (out || b->armed == 0 || b->lines.holder != USB)
		return;
	const size_t len = b->armed;
	b->armed = 0;
	vf_lines_rx(&b->lines, USB, flood, len);
}

static int no_begin(void *self, const vf_flash_op *op)
{
	(void)self;
	(void)op;
	return VF_OK;
}

static bool no_poll(void *self, int *status)
{
	(void)self;
	*status = VF_OK;
	return true;
}

static int setup(void **state)
{
	static bench b;

	memset(&b, 0, sizeof b);
	b.info = (vf_memory){.name = "array",
			     .base = 0x90000000,
			     .size = 65536,
			     .page = 256,
			     .unit = 1,
			     .flags = VF_MEMORY_READ | VF_MEMORY_WRITE,
			     .kind = VF_MEMORY_NOR,
			     .dies = 1,
			     .page_max_us = 1000,
			     .erase_types = 1,
			     .erase = {{.size = 4096, .max_us = 1000}}};
	const vf_lines_config lines = {
		.line = {{{.self = &b.at[UART],
			   .send = begin_sending,
			   .sending = is_sending,
			   .set_rate = set_rate},
			  b.held[UART],
			  HELD},
			 {{.self = &b.at[USB], .send = begin_sending, .sending = is_sending},
			  b.held[USB],
			  HELD}},
		.self = &b,
		.micros = micros,
		.start = start,
		.visited = visited,
		.exclude = exclude,
	};
	vf_loader_config c = {
		.target = {.name = "bench",
			   .memories = 1,
			   .memory = {{&b.info, b.work, sizeof b.work, NULL}},
			   .ring = b.ring,
			   .ring_len = RING,
			   .window = b.window,
			   .window_len = sizeof b.window,
			   .frame = b.frame,
			   .frame_len = sizeof b.frame,
			   .tx = b.tx,
			   .tx_len = sizeof b.tx,
			   .home_rate = 115200,
			   .rate_max = 921600},
		.door = {{NULL, no_begin, no_poll}},
	};
	vf_lines_init(&b.lines, &lines, &b.loader.target);
	c.port = vf_lines_port(&b.lines);
	assert_int_equal(vf_loader_init(&b.loader, &c), VF_OK);
	*state = &b;
	return 0;
}

static void turn(bench *b, uint32_t us)
{
	b->now += us;
	vf_loader_poll(&b->loader);
}

static void turns(bench *b, unsigned n)
{
	while (n-- != 0)
		turn(b, 1000);
}

/* As an interrupt would bring it. For USB only what was armed for. */
static void bring(bench *b, unsigned line, const void *data, size_t len)
{
	vf_lines_rx(&b->lines, line, data, len);
}

static size_t hello(uint8_t *out, size_t room, uint64_t session)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	const vf_hello h = {.version_min = VF_WIRE_VERSION,
			    .version_max = VF_WIRE_VERSION,
			    .payload = 512,
			    .session = session};
	size_t len = vf_pack_hello(body, 1, &h);
	vf_encoder e;

	vf_encode_begin(&e, out, room);
	vf_encode_put(&e, body, len);
	return vf_encode_end(&e);
}

static void say_hello(bench *b, unsigned line, uint64_t session)
{
	uint8_t frame[128];

	bring(b, line, frame, hello(frame, sizeof frame, session));
}

/* The rate of the last WELCOME that was sent there; -1: none was. */
static long welcome(bench *b, unsigned line)
{
	uint8_t buf[1200];
	vf_decoder d;
	long rate = -1;

	vf_decoder_init(&d, buf, sizeof buf);
	for (size_t at = 0; at < b->at[line].sent_len;) {
		enum vf_decoder_event event;

		at += vf_decode(&d, b->at[line].sent + at, b->at[line].sent_len - at, &event);
		if (event == VF_DECODE_FRAME && vf_body_kind(d.buf) == VF_KIND_WELCOME)
			rate = (long)vf_get32(d.buf + 64);
	}
	b->at[line].sent_len = 0;
	return rate;
}

static void test_whoever_is_first(void **state)
{
	for (unsigned first = 0; first < LINES; first++) {
		setup(state);
		bench *b = *state;
		unsigned other = LINES - 1 - first;

		say_hello(b, first, 0x1111);
		turns(b, 5);
		assert_int_equal(welcome(b, first), first == UART ? 921600 : 0);
		assert_int_equal(welcome(b, other), -1);
		say_hello(b, other, 0x2222);
		turns(b, 100);
		assert_int_equal(welcome(b, other), -1);
		assert_int_equal(welcome(b, first), -1);
		say_hello(b, first, 0x1111); /* still its */
		turns(b, 5);
		assert_true(welcome(b, first) >= 0);
	}
}

/* A file that comes by YMODEM holds no frame of ours for minutes. */
static void test_a_guest_keeps_its_line(void **state)
{
	bench *b = *state;

	b->visited = true;
	for (unsigned i = 0; i < 3; i++) {
		turn(b, LINES_ALIVE_US);
		say_hello(b, USB, 0x2222);
		turns(b, 5);
	}
	assert_int_equal(welcome(b, USB), -1);
	b->visited = false;
	turn(b, LINES_ALIVE_US);
	say_hello(b, USB, 0x2222);
	turns(b, 5);
	assert_int_equal(welcome(b, USB), 0);
}

static void test_the_other_after_silence(void **state)
{
	bench *b = *state;

	say_hello(b, UART, 0x1111);
	turns(b, 5);
	for (unsigned i = 0; i < 3; i++) {
		turn(b, LINES_ALIVE_US / 2);
		say_hello(b, UART, 0x1111);
		say_hello(b, USB, 0x2222);
		turns(b, 5);
	}
	assert_int_equal(welcome(b, USB), -1);
	turn(b, LINES_ALIVE_US);
	say_hello(b, USB, 0x2222);
	turns(b, 5);
	assert_int_equal(welcome(b, USB), 0);
	turn(b, LINES_ALIVE_US);
	say_hello(b, UART, 0x3333);
	turns(b, 5);
	assert_int_equal(welcome(b, UART), 921600);
}

static void test_the_other_at_once_when_gone(void **state)
{
	bench *b = *state;

	say_hello(b, USB, 0x1111);
	turns(b, 5);
	assert_int_equal(welcome(b, USB), 0);
	vf_lines_gone(&b->lines, UART); /* not who has it */
	say_hello(b, UART, 0x2222);
	turns(b, 5);
	assert_int_equal(welcome(b, UART), -1);
	vf_lines_gone(&b->lines, USB);
	say_hello(b, UART, 0x2222);
	turns(b, 5);
	assert_int_equal(welcome(b, UART), 921600);
}

/* Neither noise, nor a frame of a session, nor a damaged HELLO. */
static void test_what_does_not_count(void **state)
{
	bench *b = *state;
	uint8_t bytes[128], noise[3000];
	size_t len = hello(bytes, sizeof bytes, 0x1111);

	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)(0x80 | i * 7);
	bring(b, USB, noise, sizeof noise);
	turns(b, 3);
	assert_true(vf_lines_rx_space(&b->lines, USB) >= HELD - 2 * LINES_HELLO);
	bytes[10] ^= 1;
	bring(b, USB, bytes, len);
	turns(b, 3);
	assert_int_equal(b->lines.holder, UART);
	bytes[10] ^= 1;
	for (size_t i = 0; i < len; i++) { /* a byte at a time */
		bring(b, USB, bytes + i, 1);
		turns(b, 1);
	}
	turns(b, 3);
	assert_int_equal(welcome(b, USB), 0);
}

static void check_return(bench *b, const char *text)
{
	bring(b, USB, text, strlen(text));
	turns(b, 100);
	assert_true(b->at[USB].sent_len > 20);
	assert_int_equal(b->at[USB].sent[0], '\r');
	assert_int_equal(b->at[UART].sent_len, 0);
}

static void test_a_person_is_answered(void **state)
{
	static const char *const texts[] = {"\r", "\n", "hello?\r\n", "AT\r"};

	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
		setup(state);
		check_return(*state, texts[i]);
	}
}

/* A frame under way stays where it began; the line's own stuck host stops nobody else. */
static void test_a_frame_under_way(void **state)
{
	bench *b = *state;

	b->at[UART].stuck = true;
	say_hello(b, UART, 0x1111);
	turns(b, 5);
	assert_true(b->at[UART].busy);
	turn(b, LINES_ALIVE_US);
	say_hello(b, USB, 0x2222);
	turns(b, 5);
	assert_int_equal(b->lines.holder, USB);
	assert_int_equal(welcome(b, USB), -1);
	b->at[UART].busy = false;
	turns(b, 5);
	assert_int_equal(welcome(b, USB), 0);
}

/* An endpoint that is armed for all that rx_space says, and sends it at the worst time: in
 * the middle of the other line taking over. The ring holds every byte that was let in. */
static void test_no_armed_packet_is_lost(void **state)
{
	bench *b = *state;

	memset(flood, 0xAA, sizeof flood);
	say_hello(b, USB, 0x1111);
	turns(b, 5);
	size_t armed = vf_lines_rx_space(&b->lines, USB);
	assert_int_equal(armed, HELD);
	vf_lines_gone(&b->lines, USB);
	say_hello(b, UART, 0x2222);
	turns(b, 5);
	assert_int_equal(b->lines.holder, UART);
	bring(b, USB, flood, armed); /* what it was armed for comes now */
	assert_int_equal(b->lines.line[USB].fill, HELD);
	assert_int_equal(vf_lines_rx_space(&b->lines, USB), 0);
	turns(b, 3);
	assert_int_equal(vf_lines_rx_space(&b->lines, USB), HELD);

	/* and the other way: armed without the session, sent with it */
	armed = vf_lines_rx_space(&b->lines, USB);
	uint8_t bytes[128];
	size_t len = hello(bytes, sizeof bytes, 0x3333);
	turn(b, LINES_ALIVE_US);
	bring(b, USB, bytes, len);
	vf_lines_rx(&b->lines, UART, flood, HELD); /* the holder fills the ring */
	turn(b, 0);
	bring(b, USB, flood, armed - len);
	assert_int_equal(vf_target_stats_get(&b->loader.target)->lost_bytes, 0);
	turns(b, 10);
	assert_int_equal(b->lines.holder, USB);
	assert_int_equal(vf_target_stats_get(&b->loader.target)->lost_bytes, 0);
}

/* The ring is nearly full of what the holder sent when the other line asks, and all that this
 * one was armed for comes before anything is taken out: it gets the session when there is room. */
static void test_room_before_the_session(void **state)
{
	bench *b = *state;
	uint8_t bytes[128];
	const size_t len = hello(bytes, sizeof bytes, 0x1111);

	memset(flood, 0xAA, sizeof flood);
	turn(b, LINES_ALIVE_US);
	b->armed = vf_lines_rx_space(&b->lines, USB) - len;
	bring(b, USB, bytes, len);
	for (unsigned i = 0; i < RING / HELD - 1; i++)
		vf_lines_rx(&b->lines, UART, flood, HELD);
	turns(b, 10);
	assert_int_equal(b->lines.holder, USB);
	assert_int_equal(b->armed, 0);
	assert_int_equal(vf_target_stats_get(&b->loader.target)->lost_bytes, 0);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_whoever_is_first),        T(test_a_guest_keeps_its_line),
		T(test_the_other_after_silence), T(test_the_other_at_once_when_gone),
		T(test_what_does_not_count),     T(test_a_person_is_answered),
		T(test_a_frame_under_way),       T(test_no_armed_packet_is_lost),
		T(test_room_before_the_session),
	};
	return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
