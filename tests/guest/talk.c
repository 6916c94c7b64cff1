/* talk.c - a terminal and a sender of YMODEM, written from the protocol's description and
 * not from the receiver, against a simulated board under virtual time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "talk.h"

enum { SOH = 1, STX = 2, EOT = 4, ACK = 6, NAK = 0x15, CAN = 0x18, RETRIES = 10 };

/* --- board and time -------------------------------------------------------------------------- */

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size == 0) {
		free(p);
		return NULL;
	}
	return realloc(p, size);
}

static void on_misuse(void *ctx, const char *what)
{
	(void)ctx;
	(void)fprintf(stderr, "misuse: %s\n", what);
	abort();
}

uint32_t talk_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

void talk_fill(uint64_t *seed, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(talk_random(seed) >> 5);
}

talk *talk_new(void)
{
	uint64_t old = 77;
	talk *t = calloc(1, sizeof *t);
	assert_non_null(t);
	talk_fill(&old, t->array, sizeof t->array);
	t->seed = 1;
	t->patience_us = 20 * TALK_SECOND;
	t->config = (vf_sim_board_config){
		.alloc = {.resize = resize},
		.base = TALK_BASE,
		.seed = 42,
		.guests = VF_SIM_GUEST_CONSOLE | VF_SIM_GUEST_YMODEM,
		.chip = {.part = vf_sim_part_find("tiny64k"),
			 .dies = 1,
			 .time_percent = 100,
			 .bus_bytes_per_s = 50000000,
			 .seed = 7,
			 .misuse = on_misuse,
			 .array = t->array},
	};
	assert_int_equal(vf_sim_link_parse(&t->config.link, "usb-fs", &(vf_error){0}), VF_OK);
	return t;
}

void talk_start(talk *t)
{
	vf_error err = {.code = VF_OK};
	t->board = vf_sim_board_new(&t->config, &err);
	if (t->board == NULL)
		fail_msg("%s", err.text);
	talk_pass(t, TALK_SECOND);
	t->text_len = 0;
}

void talk_free(talk *t)
{
	vf_sim_board_free(t->board);
	free(t);
}

static void remember(talk *t, uint8_t byte)
{
	if (t->text_len == sizeof t->text - 1)
		t->text_len = 0;
	t->text[t->text_len++] = (char)byte;
	t->text[t->text_len] = '\0';
}

/* To the next moment at which anything happens. */
static void advance(talk *t, uint64_t until)
{
	uint64_t next = vf_sim_board_next(t->board);
	next = next < until ? next : until;
	if (next > t->now)
		t->now = next;
	vf_sim_board_run(t->board, t->now);
}

bool talk_byte(talk *t, uint8_t *byte, uint64_t us)
{
	uint64_t until = t->now + us;
	for (;;) {
		if (t->in_at == t->in_len) {
			t->in_at = 0;
			t->in_len = vf_sim_board_read(t->board, t->in, sizeof t->in, t->now);
		}
		if (t->in_at != t->in_len) {
			*byte = t->in[t->in_at++];
			return true;
		}
		if (t->now >= until)
			return false;
		advance(t, until);
	}
}

void talk_pass(talk *t, uint64_t us)
{
	uint64_t until = t->now + us;
	uint8_t byte;
	while (talk_byte(t, &byte, until - t->now))
		remember(t, byte);
}

static void put_piece(talk *t, const uint8_t *bytes, size_t len)
{
	while (len != 0) {
		size_t n = vf_sim_board_write(t->board, bytes, len, t->now);
		bytes += n;
		len -= n;
		if (len != 0)
			advance(t, t->now + TALK_SECOND);
	}
}

void talk_put(talk *t, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	while (len != 0) {
		size_t n = t->chunk != 0 && t->chunk < len ? t->chunk : len;
		put_piece(t, p, n);
		p += n;
		len -= n;
		if (t->pause_us != 0) { /* what comes meanwhile is read later */
			uint64_t until = t->now + t->pause_us;
			while (t->now < until)
				advance(t, until);
		}
	}
}

/* --- a person -------------------------------------------------------------------------------- */

bool talk_until(talk *t, const char *ending)
{
	uint64_t until = t->now + UINT64_C(120) * TALK_SECOND;
	uint8_t byte;
	size_t n = strlen(ending);
	while (t->text_len < n || memcmp(t->text + t->text_len - n, ending, n) != 0) {
		if (!talk_byte(t, &byte, until - t->now))
			return false;
		remember(t, byte);
	}
	return true;
}

static void type(talk *t, const char *line)
{
	t->text_len = 0;
	talk_put(t, line, strlen(line));
	talk_put(t, "\r", 1);
}

const char *talk_ask(talk *t, const char *line)
{
	talk_pass(t, TALK_SECOND);
	type(t, line);
	if (!talk_until(t, "\n> "))
		fail_msg("no answer to \"%s\" in \"%.*s\"", line, (int)t->text_len, t->text);
	return t->text;
}

/* --- a sender -------------------------------------------------------------------------------- */

static unsigned crc(const uint8_t *bytes, size_t len)
{
	unsigned c = 0;
	for (size_t i = 0; i < len; i++) {
		for (unsigned bit = 0x80; bit != 0; bit >>= 1) {
			bool one = ((bytes[i] & bit) != 0) != ((c & 0x8000) != 0);
			c = (c << 1 & 0xFFFF) ^ (one ? 0x1021 : 0);
		}
	}
	return c;
}

size_t talk_block(uint8_t *wire, uint8_t number, const uint8_t *data, size_t len, size_t size,
		  bool sums)
{
	unsigned c;
	wire[0] = size == 1024 ? STX : SOH;
	wire[1] = number;
	wire[2] = (uint8_t)~number;
	memset(wire + 3, number == 0 ? 0 : 0x1A, size);
	memcpy(wire + 3, data, len);
	c = crc(wire + 3, size);
	if (sums) {
		c = 0;
		for (size_t i = 0; i < size; i++)
			c += wire[3 + i];
		wire[3 + size] = (uint8_t)c;
		return 4 + size;
	}
	wire[3 + size] = (uint8_t)(c >> 8);
	wire[4 + size] = (uint8_t)c;
	return 5 + size;
}

/* The next answer of those in `wanted`, or two CAN; 0 where none comes. */
static uint8_t answer(talk *t, const char *wanted, uint64_t us)
{
	uint64_t until = t->now + us;
	uint8_t byte, last = 0;
	while (talk_byte(t, &byte, until - t->now)) {
		t->answers++;
		if (t->lose != NULL && t->lose(t, byte))
			continue;
		if (byte == CAN && last == CAN)
			return CAN;
		last = byte;
		if (byte != 0 && strchr(wanted, byte) != NULL)
			return byte;
		if (byte != CAN)
			remember(t, byte);
	}
	return 0;
}

static bool send_block(talk *t, uint8_t number, const uint8_t *data, size_t len, size_t size)
{
	for (unsigned tries = 0; tries < RETRIES; tries++) {
		uint8_t wire[1029 + 16], a;
		size_t n = talk_block(wire, number, data, len, size, t->sums);
		t->blocks++;
		if (t->mangle != NULL)
			n = t->mangle(t, wire, n);
		talk_put(t, wire, n);
		a = answer(t,
			   t->begun ? "\x06\x15"
				    : "\x06\x15"
				      "C",
			   t->patience_us);
		if (a == ACK)
			return true;
		if (a == CAN)
			return false;
	}
	return false;
}

static bool send_end(talk *t)
{
	for (unsigned tries = 0; tries < RETRIES; tries++) {
		talk_put(t, "\x04", 1);
		uint8_t a = answer(t, t->hasty ? "\x06" : "\x06\x15",
				   t->hasty ? TALK_SECOND : t->patience_us);
		if (a == ACK)
			return true;
		if (a == CAN)
			return false;
	}
	return false;
}

static bool invited(talk *t)
{
	return answer(t, t->sums ? "\x15" : "C", 60 * TALK_SECOND) != CAN;
}

static bool send_file(talk *t, const talk_file *f)
{
	uint8_t header[128] = {0};
	size_t name = strlen(f->name);
	const uint8_t *data = f->data;
	memcpy(header, f->name, name);
	if (!t->no_length)
		(void)snprintf((char *)header + name + 1, sizeof header - name - 1, "%u 0 0 0",
			       (unsigned)f->len);
	t->begun = false;
	if (!send_block(t, 0, header, sizeof header, 128) || !invited(t))
		return false;
	t->begun = true;
	uint32_t at = 0, count = 0;
	while (at < f->len) {
		uint32_t left = f->len - at;
		uint32_t size = t->small || left <= 128 ? 128 : 1024;
		uint32_t n = left < size ? left : size;
		if (t->stop_after != 0 && count == t->stop_after)
			return false;
		count++;
		if (!send_block(t, (uint8_t)count, data + at, n, size))
			return false;
		at += n;
	}
	return send_end(t);
}

bool talk_send(talk *t, const talk_file *files, unsigned count, bool blind)
{
	static const uint8_t none[128];
	for (unsigned i = 0; i < count; i++) {
		if ((i != 0 || !blind) && !invited(t))
			return false;
		if (!send_file(t, &files[i]))
			return false;
	}
	return invited(t) && send_block(t, 0, none, sizeof none, 128);
}

const char *talk_load(talk *t, const char *line, const talk_file *files, unsigned count)
{
	talk_pass(t, TALK_SECOND);
	type(t, line);
	if (!talk_until(t, "control-c ends that\r\n"))
		fail_msg("%s: %s", line, t->text);
	t->text_len = 0;
	for (uint32_t late = 0; late < t->late_us; late += 1000) {
		t->now += 1000;
		vf_sim_board_run(t->board, t->now);
	}
	t->ended = talk_send(t, files, count, false);
	if (!talk_until(t, "> "))
		fail_msg("%s: no verdict in \"%s\"", line, t->text);
	return t->text;
}
