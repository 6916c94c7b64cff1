/* test_ymodem.c - files by YMODEM as every sender sends them, and as lines spoil them: block
 * sizes, checksums, batches, what is lost or comes twice, who gives up first, and what a
 * person is told. The board is a simulated one, the time virtual.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "talk.h"

enum { LEN = 5000, AT = 0x1234 };

typedef struct expected {
	uint8_t cells[TALK_SIZE];
	uint8_t data[LEN];
} expected;

static expected *prepare(const talk *t)
{
	uint64_t seed = 5;
	expected *e = malloc(sizeof *e);
	assert_non_null(e);
	talk_fill(&seed, e->data, LEN);
	memcpy(e->cells, t->array, TALK_SIZE);
	memcpy(e->cells + AT, e->data, LEN);
	return e;
}

static talk_file app(const expected *e)
{
	return (talk_file){"app@0x90001234.bin", e->data, LEN};
}

static void assert_text(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in \"%s\"", part, text);
}

/* A transfer that must come to its end however it goes. */
static void sent(void (*how)(talk *t))
{
	talk *t = talk_new();
	expected *e = prepare(t);
	talk_file f = app(e);
	talk_start(t);
	how(t);
	assert_text(talk_load(t, "load", &f, 1), "verified, 5000 bytes at 0x90001234");
	assert_true(t->ended);
	assert_memory_equal(t->array, e->cells, TALK_SIZE);
	free(e);
	talk_free(t);
}

static void plainly(talk *t)
{
	(void)t;
}

static void in_small_blocks(talk *t)
{
	t->small = true;
}

static void with_sums(talk *t)
{
	t->sums = true;
}

static void with_small_sums(talk *t)
{
	t->sums = t->small = true;
}

static void hastily(talk *t)
{
	t->hasty = true;
}

/* Who takes his time to choose a file: block 0 is sent for each invitation that waits. */
static void late(talk *t)
{
	t->late_us = 10 * TALK_SECOND;
}

static void test_block_sizes_and_checks(void **state)
{
	(void)state;
	sent(plainly);
	sent(in_small_blocks);
	sent(with_sums);
	sent(with_small_sums);
	sent(hastily);
	sent(late);
}

/* --- how the line splits it ------------------------------------------------------------------ */

static void test_any_split_gives_the_same(void **state)
{
	static const uint32_t chunks[] = {0, 1, 2, 3, 5, 64, 131, 132, 133, 1023, 1029, 1030};
	char first[256] = "";
	(void)state;
	for (unsigned i = 0; i < 2 * sizeof chunks / sizeof chunks[0]; i++) {
		talk *t = talk_new();
		expected *e = prepare(t);
		talk_file f = app(e);
		t->chunk = chunks[i / 2];
		t->pause_us = i % 2 * 300;
		talk_start(t);
		const char *said = talk_load(t, "load", &f, 1);
		assert_text(said, "verified, 5000 bytes");
		if (i == 0)
			strcpy(first, said);
		assert_string_equal(said, first);
		assert_memory_equal(t->array, e->cells, TALK_SIZE);
		free(e);
		talk_free(t);
	}
}

/* --- what is lost or comes twice ------------------------------------------------------------- */

/* The third block in all is lost, or comes twice, or is damaged. */
static size_t lost(talk *t, uint8_t *wire, size_t len)
{
	(void)wire;
	return t->blocks == 3 ? 0 : len;
}

static size_t cut_short(talk *t, uint8_t *wire, size_t len)
{
	(void)wire;
	return t->blocks == 3 ? len / 2 : len;
}

static size_t damaged(talk *t, uint8_t *wire, size_t len)
{
	if (t->blocks <= 3) /* block 0 as well */
		wire[3 + t->blocks] ^= 0x40;
	return len;
}

static size_t garbled_number(talk *t, uint8_t *wire, size_t len)
{
	if (t->blocks == 3)
		wire[1] ^= 8;
	return len;
}

static size_t with_a_byte_more(talk *t, uint8_t *wire, size_t len)
{
	if (t->blocks != 3)
		return len;
	memmove(wire + 41, wire + 40, len - 40);
	return len + 1;
}

static size_t after_noise(talk *t, uint8_t *wire, size_t len)
{
	if (t->blocks % 2 == 0)
		return len;
	memmove(wire + 3, wire, len);
	wire[0] = 0xFF;
	wire[1] = 0x55;
	wire[2] = 0x1B;
	return len + 3;
}

static void losing(talk *t)
{
	t->mangle = lost;
}

static void shortening(talk *t)
{
	t->mangle = cut_short;
}

static void damaging(talk *t)
{
	t->mangle = damaged;
}

static void garbling(talk *t)
{
	t->mangle = garbled_number;
}

static void lengthening(talk *t)
{
	t->mangle = with_a_byte_more;
}

static void crackling(talk *t)
{
	t->mangle = after_noise;
}

static void damaging_sums(talk *t)
{
	t->sums = true;
	t->mangle = damaged;
}

static void test_blocks_that_do_not_arrive_whole(void **state)
{
	(void)state;
	sent(losing);
	sent(shortening);
	sent(damaging);
	sent(garbling);
	sent(lengthening);
	sent(crackling);
	sent(damaging_sums);
}

/* Each acknowledgement is lost once, that of EOT and of the last block included: the sender
 * says all again. */
static bool lose_first(talk *t, uint8_t byte)
{
	static const uint8_t ack = 6;
	if (byte != ack)
		return false;
	t->seed++;
	return t->seed % 2 == 0;
}

static void deaf(talk *t)
{
	t->lose = lose_first;
	t->patience_us = 4 * TALK_SECOND;
}

static void test_answers_that_are_lost(void **state)
{
	(void)state;
	sent(deaf);
}

/* Who loses count sends on from elsewhere: that must not be written. */
static size_t skips(talk *t, uint8_t *wire, size_t len)
{
	if (t->blocks < 4)
		return len;
	return talk_block(wire, (uint8_t)(wire[1] + 1), (const uint8_t *)"x", 1, 128, false);
}

static void test_a_block_is_left_out(void **state)
{
	talk *t = talk_new();
	expected *e = prepare(t);
	talk_file f = app(e);
	(void)state;
	t->mangle = skips;
	talk_start(t);
	const char *said = talk_load(t, "load", &f, 1);
	assert_text(said, "the transfer broke off");
	assert_text(said, "incomplete");
	assert_text(talk_ask(t, "info"), "image: incomplete");
	t->mangle = NULL;
	assert_text(talk_load(t, "load", &f, 1), "verified, 5000 bytes");
	assert_memory_equal(t->array, e->cells, TALK_SIZE);
	assert_null(strstr(talk_ask(t, "info"), "image: incomplete"));
	free(e);
	talk_free(t);
}

/* --- who gives up ---------------------------------------------------------------------------- */

static void test_the_sender_gives_up(void **state)
{
	static const char *const ways[] = {"\x18\x18\x18", "\x03", ""};
	(void)state;
	for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		talk *t = talk_new();
		expected *e = prepare(t);
		talk_file f = app(e);
		uint8_t cells[TALK_SIZE];
		talk_start(t);
		t->stop_after = 2;
		talk_put(t, "load\r", 5);
		assert_true(talk_until(t, "control-c ends that\r\n"));
		assert_false(talk_send(t, &f, 1, false));
		talk_put(t, ways[i], strlen(ways[i]));
		assert_true(talk_until(t, "> "));
		assert_text(t->text, "the transfer broke off");
		memcpy(cells, t->array, TALK_SIZE);
		t->stop_after = 0;
		assert_text(talk_load(t, "load", &f, 1), "verified, 5000 bytes");
		for (unsigned k = 0; k < TALK_SIZE; k++) {
			bool mine = k >= AT / TALK_SECTOR * TALK_SECTOR && k < AT + LEN;
			if (!mine)
				assert_int_equal(cells[k], e->cells[k]);
		}
		assert_memory_equal(t->array, e->cells, TALK_SIZE);
		free(e);
		talk_free(t);
	}
}

static unsigned cans(talk *t)
{
	unsigned n = 0;
	uint8_t byte;
	while (talk_byte(t, &byte, TALK_SECOND / 10))
		n += byte == 0x18;
	return n;
}

/* What was not verified is never acknowledged, and the sender hears so each time he says that it
 * is over: lrzsz looks for nothing else then. */
static void test_an_end_before_the_end(void **state)
{
	talk *t = talk_new();
	expected *e = prepare(t);
	talk_file f = app(e);
	(void)state;
	talk_start(t);
	t->stop_after = 2;
	talk_put(t, "load\r", 5);
	assert_true(talk_until(t, "control-c ends that\r\n"));
	assert_false(talk_send(t, &f, 1, false));
	talk_put(t, "\x04", 1);
	assert_int_equal(cans(t), 0);
	talk_put(t, "\x04", 1);
	assert_true(cans(t) >= 2);
	for (unsigned i = 0; i < 8; i++) {
		talk_put(t, "\x04", 1);
		assert_int_equal(cans(t), 1);
	}
	assert_true(talk_until(t, "> "));
	assert_text(t->text, "the transfer broke off");
	free(e);
	talk_free(t);
}

/* Nobody knows that the board still waits: who types a line is answered at once, and not after
 * the minute in which a sender may come back. */
static void test_somebody_types_instead(void **state)
{
	(void)state;
	for (unsigned blocks = 0; blocks < 4; blocks++) {
		talk *t = talk_new();
		expected *e = prepare(t);
		talk_file f = app(e);
		talk_start(t);
		t->stop_after = blocks;
		talk_put(t, "load\r", 5);
		assert_true(talk_until(t, "control-c ends that\r\n"));
		talk_pass(t, TALK_SECOND);
		if (blocks != 0)
			assert_false(talk_send(t, &f, 1, false));
		talk_pass(t, TALK_SECOND);
		for (const char *c = "infx\bo\r\n"; *c != '\0'; c++) {
			talk_put(t, c, 1);
			talk_pass(t, TALK_SECOND / 10);
		}
		talk_pass(t, TALK_SECOND);
		assert_text(t->text, blocks == 0 ? "no file came" : "the transfer broke off");
		assert_text(t->text, "sectors of 4 KB");
		assert_text(talk_ask(t, "help"), "digest [ADDR LEN]");
		free(e);
		talk_free(t);
	}
}

/* Text in a block that came without its beginning is nothing that somebody types. */
static void test_text_that_nobody_types(void **state)
{
	static const char *const noise[] = {"\r", "ab\r", "\xFEinfo\r", "info\r\xFE", "info"};
	talk *t = talk_new();
	(void)state;
	talk_start(t);
	talk_put(t, "load\r", 5);
	assert_true(talk_until(t, "control-c ends that\r\n"));
	for (unsigned i = 0; i < sizeof noise / sizeof noise[0]; i++) {
		talk_put(t, noise[i], strlen(noise[i]));
		talk_pass(t, 2 * TALK_SECOND);
		talk_put(t, "\x80", 1);
		talk_pass(t, TALK_SECOND);
	}
	assert_null(strstr(t->text, "> "));
	talk_free(t);
}

static void test_nobody_sends(void **state)
{
	talk *t = talk_new();
	(void)state;
	talk_start(t);
	talk_put(t, "load\r", 5);
	assert_true(talk_until(t, "> "));
	assert_text(t->text, "no file came");
	talk_put(t, "load\r", 5);
	talk_pass(t, TALK_SECOND);
	talk_put(t, "\x03", 1);
	assert_true(talk_until(t, "> "));
	assert_text(talk_ask(t, "info"), "sectors of 4 KB");
	talk_free(t);
}

/* --- batches --------------------------------------------------------------------------------- */

static void test_a_batch(void **state)
{
	talk *t = talk_new();
	expected *e = prepare(t);
	talk_file files[] = {{"a@0x90000000.bin", e->data, 300},
			     {"b@0x90003000.bin", e->data + 300, 1500},
			     {"c@0x90008fff.bin", e->data + 1800, 2}};
	(void)state;
	memcpy(e->cells, t->array, TALK_SIZE);
	memcpy(e->cells, e->data, 300);
	memcpy(e->cells + 0x3000, e->data + 300, 1500);
	memcpy(e->cells + 0x8FFF, e->data + 1800, 2);
	talk_start(t);
	const char *said = talk_load(t, "load", files, 3);
	assert_text(said, "a@0x90000000.bin: verified, 300 bytes");
	assert_text(said, "b@0x90003000.bin: verified, 1500 bytes");
	assert_text(said, "c@0x90008fff.bin: verified, 2 bytes");
	assert_memory_equal(t->array, e->cells, TALK_SIZE);
	free(e);
	talk_free(t);
}

/* A line each has no room for all of them, the prompt and what went wrong always have. */
static void test_a_long_batch(void **state)
{
	talk *t = talk_new();
	talk_file files[20];
	char names[20][40];
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		(void)sprintf(names[i], "some-part-of-it-%02u@0x9000%04x.bin", i, i * 256);
		files[i] = (talk_file){names[i], names[i], 30};
	}
	talk_start(t);
	const char *said = talk_load(t, "load", files, 20);
	assert_text(said, "some-part-of-it-00@0x90000000.bin: verified, 30 bytes");
	assert_text(said, "and 17 files more, each verified\r\n");
	for (unsigned i = 0; i < 20; i++)
		assert_memory_equal(t->array + 256 * (size_t)i, names[i], 30);
	files[19].name = "last@0xA0000000.bin";
	said = talk_load(t, "load", files, 20);
	assert_text(said, "last@0xA0000000.bin: does not fit into a memory at 0xa0000000");
	assert_text(said, "each verified");
	talk_free(t);
}

/* Two files without addresses would go to the same place, one over the other. */
static void test_two_files_for_one_place(void **state)
{
	talk *t = talk_new();
	expected *e = prepare(t);
	talk_file files[] = {{"a.bin", e->data, 300}, {"b.bin", e->data + 300, 300}};
	(void)state;
	talk_start(t);
	for (unsigned i = 0; i < 2; i++) {
		const char *said = talk_load(t, i == 0 ? "load" : "load 0x90000000", files, 2);
		assert_text(said, "a.bin: verified, 300 bytes at 0x90000000");
		assert_text(said, "b.bin: ");
		assert_text(said, "needs its address in its name");
		assert_memory_equal(t->array, e->data, 300);
	}
	files[1].name = "b@0x90000400.bin";
	assert_text(talk_load(t, "load 0x90000200", files, 2), "300 bytes at 0x90000400");
	assert_memory_equal(t->array + 0x200, e->data, 300);
	free(e);
	talk_free(t);
}

/* --- names ----------------------------------------------------------------------------------- */

static void test_names(void **state)
{
	static const struct {
		const char *name, *said;
	} cases[] = {
		{"/home/me/build/fw@0x90004000.bin",
		 "fw@0x90004000.bin: verified, 40 bytes at 0x90004000"},
		{"C:\\build\\fw@36864K.bin", "does not fit into a memory at 0x02400000; the memory "
					     "is 0x90000000 to 0x9000ffff"},
		{"fw@90004000.bin",
		 "does not fit into a memory at 0x055d5a20: was 0x90004000 meant?"},
		{"fw@2359296K.bin", "40 bytes at 0x90000000"},
		{"gr\xC3\xB6\xC3\x9F"
		 "e@0x90004000.bin",
		 "verified, 40 bytes at 0x90004000"},
		{"a-name-that-is-longer-than-what-the-board-keeps-of-it@0x90005000.bin",
		 "40 bytes at 0x90005000"},
		{"noending@0x90006000", "40 bytes at 0x90006000"},
		{"me@home.bin", "is no address"},
		{"fw@.bin", "is no address"},
	};
	static const char data[40] = "forty bytes, some of them zero";
	(void)state;
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		talk *t = talk_new();
		talk_file f = {cases[i].name, data, sizeof data};
		talk_start(t);
		assert_text(talk_load(t, "load", &f, 1), cases[i].said);
		talk_free(t);
	}
}

/* All that is refused before anything is changed. */
static void test_what_is_refused(void **state)
{
	static const char good[] = ":0100000041BE\r\n:00000001FF\r\n";
	static uint8_t large[TALK_SIZE + 1], old[TALK_SIZE];
	const struct {
		talk_file file;
		const char *line, *said;
	} cases[] = {
		{{"a.elf", "\177ELF and more", 13}, "load", "this is an ELF file"},
		{{"large.bin", large, sizeof large}, "load", "does not fit into a memory"},
		{{"large.bin", large, TALK_SIZE}, "load", "would erase what the board protects"},
		{{"app@12x.bin", "12", 2}, "load", "is no address"},
		{{"a.hex", "hello", 5}, "load", "its contents do not"},
		{{"b.hex", good, sizeof good - 1}, "load 0x90000000", "brings its own addresses"},
		{{"c.hex", good, sizeof good - 1},
		 "load",
		 "does not fit into a memory at 0x00000000"},
		{{"d.ihx", ":0100000041BF\r\n", 15}, "load", "damaged record in line 1"},
		{{"me@home.hex", ":00000001FF", 11}, "load", "it holds no data"},
		{{"e.bin", "1234", 4}, "load 0x9000ffff", "does not fit"},
		{{"f@0x9000dfff.bin", "12", 2}, "load", "what the board protects at 0x9000e000"},
	};
	talk *t = talk_new();
	(void)state;
	t->config.journal = VF_SIM_JOURNAL_EXTERNAL;
	talk_start(t);
	memcpy(old, t->array, sizeof old);
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_text(talk_load(t, cases[i].line, &cases[i].file, 1), cases[i].said);
		assert_memory_equal(t->array, old, sizeof old);
	}
	assert_text(talk_ask(t, "info"), "image: not known");
	talk_free(t);
}

static void test_what_has_no_length_or_no_bytes(void **state)
{
	talk *t = talk_new();
	uint8_t old[TALK_SIZE];
	talk_file f = {"app.bin", "12345", 5};
	(void)state;
	memcpy(old, t->array, sizeof old);
	talk_start(t);
	t->no_length = true;
	assert_text(talk_load(t, "load", &f, 1), "the sender gives no length");
	t->no_length = false;
	f.len = 0;
	assert_text(talk_load(t, "load", &f, 1), "the file is empty");
	assert_memory_equal(t->array, old, sizeof old);
	talk_free(t);
}

/* --- without being asked for ----------------------------------------------------------------- */

static void test_a_blind_sender(void **state)
{
	talk *t = talk_new();
	expected *e = prepare(t);
	talk_file f = app(e);
	(void)state;
	talk_start(t);
	assert_true(talk_send(t, &f, 1, true));
	assert_true(talk_until(t, "> "));
	assert_text(t->text, "verified, 5000 bytes");
	assert_memory_equal(t->array, e->cells, TALK_SIZE);
	free(e);
	talk_free(t);
}

/* While the console is at work the engine is not free. */
static void test_a_blind_sender_while_the_console_works(void **state)
{
	talk *t = talk_new();
	expected *e = prepare(t);
	talk_file f = app(e);
	(void)state;
	t->config.journal = VF_SIM_JOURNAL_EXTERNAL;
	t->config.chip.bus_bytes_per_s = 2000; /* half a minute for a digest */
	talk_start(t);
	talk_put(t, "digest\r", 7);
	talk_pass(t, TALK_SECOND);
	t->patience_us = 5 * TALK_SECOND;
	(void)talk_send(t, &f, 1, true);
	talk_pass(t, UINT64_C(120) * TALK_SECOND);
	t->config.chip.bus_bytes_per_s = 0;
	assert_text(talk_ask(t, "info"), "sectors of 4 KB");
	talk_free(t);
	free(e);
}

/* --- what is typed --------------------------------------------------------------------------- */

/* A host's first HELLO is heard though the board waits for a file, and block 0's first byte is
 * in it. */
static void test_a_host_while_a_file_is_waited_for(void **state)
{
	uint8_t body[VF_WIRE_CONTROL_MAX], out[1 + VF_WIRE_FRAME_SIZE(sizeof body)] = {0};
	vf_hello h = {.version_min = 1, .version_max = 1, .payload = 512, .session = 0x10101};
	vf_encoder e;
	talk *t = talk_new();
	(void)state;
	talk_start(t);
	talk_put(t, "load\r", 5);
	talk_pass(t, 4 * TALK_SECOND);
	vf_encode_begin(&e, out + 1, sizeof out - 1);
	vf_encode_put(&e, body, vf_pack_hello(body, 1, &h));
	talk_put(t, out, 1 + vf_encode_end(&e));
	talk_pass(t, TALK_SECOND);
	assert_true(vf_sim_board_target(t->board)->session.open);
	talk_free(t);
}

/* Lines typed ahead on a slow line: all of each answer arrives. */
static void test_typed_ahead(void **state)
{
	talk *t = talk_new();
	(void)state;
	assert_int_equal(vf_sim_link_parse(&t->config.link, "uart:9600", &(vf_error){0}), VF_OK);
	talk_start(t);
	talk_put(t, "help\rhelp\rhelp\rhelp\r", 20);
	unsigned ends = 0;
	talk_pass(t, 20 * TALK_SECOND);
	for (const char *s = t->text; (s = strstr(s, "or 0x1000.\r\n> ")) != NULL; s++)
		ends++;
	assert_int_equal(ends, 4);
	talk_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block_sizes_and_checks),
		cmocka_unit_test(test_any_split_gives_the_same),
		cmocka_unit_test(test_blocks_that_do_not_arrive_whole),
		cmocka_unit_test(test_answers_that_are_lost),
		cmocka_unit_test(test_a_block_is_left_out),
		cmocka_unit_test(test_the_sender_gives_up),
		cmocka_unit_test(test_an_end_before_the_end),
		cmocka_unit_test(test_somebody_types_instead),
		cmocka_unit_test(test_text_that_nobody_types),
		cmocka_unit_test(test_nobody_sends),
		cmocka_unit_test(test_a_batch),
		cmocka_unit_test(test_a_long_batch),
		cmocka_unit_test(test_two_files_for_one_place),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_what_has_no_length_or_no_bytes),
		cmocka_unit_test(test_a_blind_sender),
		cmocka_unit_test(test_a_blind_sender_while_the_console_works),
		cmocka_unit_test(test_a_host_while_a_file_is_waited_for),
		cmocka_unit_test(test_typed_ahead),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
