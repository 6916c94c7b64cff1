/* test_serprog_board.c - a client of the serial programmer protocol at a whole simulated board,
 * in virtual time: whose its bytes are, where frames of ours are among them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/sim.h>
#include <vcpflash/wire.h>

enum { ACK = 0x06, SIZE = 16 << 20, PAGE = 256, SECOND_US = 1000000 };

typedef struct bench {
	vf_sim_board *board;
	uint8_t *array;
	uint64_t now_us;
	uint8_t answer[16384];
	size_t answered;
} bench;

static void *grow(void *ctx, void *old, size_t size)
{
	(void)ctx;
	return realloc(old, size);
}

static void collect(bench *b)
{
	b->answered += vf_sim_board_read(b->board, b->answer + b->answered,
					 sizeof b->answer - b->answered, b->now_us);
}

/* Lets things happen until there are so many bytes of answer, or for a second. */
static void wait(bench *b, size_t wanted)
{
	uint64_t end = b->now_us + SECOND_US;
	collect(b);
	while (b->answered < wanted && b->now_us < end) {
		uint64_t next = vf_sim_board_next(b->board);
		b->now_us = next < end ? next : end;
		collect(b);
	}
}

static void say(bench *b, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	b->answered = 0;
	while (len > 0) {
		size_t n = vf_sim_board_write(b->board, p, len, b->now_us);
		p += n;
		len -= n;
		if (len > 0)
			b->now_us += 100;
		vf_sim_board_run(b->board, b->now_us);
	}
}

static void expect(bench *b, const void *bytes, size_t len, const char *answer, size_t wanted)
{
	say(b, bytes, len);
	wait(b, wanted);
	assert_int_equal(b->answered, wanted);
	assert_memory_equal(b->answer, answer, wanted);
}

/* Blank, and a client that chose SPI. */
static void open_bench(bench *b, const char *link, uint32_t time_percent)
{
	memset(b, 0, sizeof *b);
	vf_sim_board_config c = {.alloc = {grow, NULL},
				 .base = 0x90000000,
				 .guests = VF_SIM_GUEST_SERPROG,
				 .seed = 1};
	b->array = malloc(SIZE);
	assert_non_null(b->array);
	memset(b->array, 0xFF, SIZE);
	c.chip.part = vf_sim_part_find("w25q128jv");
	c.chip.dies = 1;
	c.chip.array = b->array;
	c.chip.time_percent = time_percent;
	assert_int_equal(vf_sim_link_parse(&c.link, link, NULL), VF_OK);
	b->board = vf_sim_board_new(&c, NULL);
	assert_non_null(b->board);
	wait(b, 1); /* for the probe */
	expect(b, "\0\0\0\0\0\0\0\0\x10", 9, "\x15\x06", 2);
	expect(b, "\x12\x08", 2, "\x06", 1);
}

static void close_bench(bench *b)
{
	vf_sim_board_free(b->board);
	free(b->array);
}

/* A whole HELLO, as a host sends it. */
static size_t hello(uint8_t *out, uint64_t session)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	const vf_hello h = {.version_min = VF_WIRE_VERSION,
			    .version_max = VF_WIRE_VERSION,
			    .session = session,
			    .payload = 1024};
	vf_encoder e;
	vf_encode_begin(&e, out, PAGE);
	vf_encode_put(&e, body, vf_pack_hello(body, 1, &h));
	return vf_encode_end(&e);
}

static bool host_was_heard(bench *b)
{
	return b->answered > 6 && memchr(b->answer, 0, b->answered) != NULL;
}

/* Write-enable and a page; its bytes are HELLO after HELLO. */
static size_t page_of_hellos(uint8_t *out, uint32_t at)
{
	uint8_t frame[PAGE];
	size_t len = hello(frame, 0x1122334455667788 + at), put = 0;
	memcpy(out, "\x13\x01\0\0\0\0\0\x06\x13\x04\x01\0\0\0\0\x02", 16);
	out[16] = (uint8_t)(at >> 16);
	out[17] = (uint8_t)(at >> 8);
	out[18] = (uint8_t)at;
	for (uint8_t *page = out + 19; put < PAGE; put++)
		page[put] = frame[put % len];
	return 19 + PAGE;
}

static bool chip_works(bench *b)
{
	b->now_us += 100;
	say(b, "\x13\x01\0\0\x01\0\0\x05", 8);
	wait(b, 2);
	assert_int_equal(b->answered, 2);
	return (b->answer[1] & 1) != 0;
}

/* With and without waiting for the answer to the write-enable before. */
static void writes_frames_of_ours(void **state)
{
	static const char *links[] = {"uart:115200", "usb-fs", "ideal"};
	static bench b;
	uint8_t bytes[19 + PAGE];
	(void)state;
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		open_bench(&b, links[i], 100);
		for (uint32_t at = 0; at < 16 * PAGE; at += PAGE) {
			size_t len = page_of_hellos(bytes, at);
			say(&b, bytes, 8);
			if (at % (2 * PAGE) == 0)
				wait(&b, 1);
			size_t before = b.answered;
			say(&b, bytes + 8, len - 8);
			wait(&b, 2 - before);
			assert_int_equal(b.answered, 2 - before);
			assert_int_equal(b.answer[0], ACK);
			while (chip_works(&b))
				;
			assert_memory_equal(b.array + at, bytes + 19, PAGE);
		}
		close_bench(&b);
	}
}

/* Reads and pages of a chip that is never busy, as many as the ring has room for: nobody waits
 * for an answer. */
static void sends_ahead(void **state)
{
	static bench b;
	uint8_t all[8 * (11 + 19 + PAGE)];
	size_t len = 0;
	(void)state;
	open_bench(&b, "ideal", 0);
	for (uint32_t i = 0; i < 8; i++) {
		memcpy(all + len, "\x13\x04\0\0\x20\0\0\x03\0\0\0", 11);
		len += 11 + page_of_hellos(all + len + 11, 8 * PAGE);
	}
	say(&b, all, len);
	wait(&b, 8 * (33 + 2));
	assert_int_equal(b.answered, 8 * (33 + 2));
	assert_int_equal(b.answer[0], ACK);
	while (chip_works(&b))
		;
	assert_memory_equal(b.array + 8 * PAGE, all + 11 + 19, PAGE);
	close_bench(&b);
}

/* Between commands, and at once in a read that nobody waits for any more. */
static void hears_a_host(void **state)
{
	static bench b;
	uint8_t frame[PAGE];
	size_t len = hello(frame, 1);
	(void)state;
	open_bench(&b, "uart:115200", 100);
	say(&b, frame, len);
	wait(&b, 40);
	assert_true(host_was_heard(&b));
	close_bench(&b);
	open_bench(&b, "uart:115200", 100);
	say(&b, "\x13\x04\0\0\0\0\x10\x03\0\0\0", 11); /* a megabyte: a minute and a half */
	wait(&b, 1000);
	assert_int_equal(b.answered, 1000);
	say(&b, frame, len);
	wait(&b, sizeof b.answer);
	assert_true(b.answered < sizeof b.answer);
	assert_true(host_was_heard(&b));
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_frames_of_ours),
		cmocka_unit_test(sends_ahead),
		cmocka_unit_test(hears_a_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
