/* usb_toy.c - the device of usb_toy.h. */
#include "usb_toy.h"

#include <stdlib.h>
#include <string.h>

enum { GINTSTS = 0x14, GRXSTSP = 0x20, GRXFSIZ = 0x24, GRSTCTL = 0x10, DCFG = 0x800, DCTL = 0x804 };
enum { STEP_NS = 4000, SLOW_STEP_NS = 16000, PACKETS = 16, BULK = 1, NOTIFY = 2, RX_WORDS = 512 };

#define IN(n)  (t->base + 0x900u + 0x20u * (n))
#define OUT(n) (t->base + 0xB00u + 0x20u * (n))

static const uint8_t device[18] = {18,   1,    0,    2, 0xEF, 2, 1, 64, 0x34,
				   0x12, 0x78, 0x56, 0, 1,    1, 2, 3,  1};
static const uint8_t qualifier[10] = {10, 6, 0, 2, 0xEF, 2, 1, 64, 1, 0};
static const uint8_t languages[4] = {4, 3, 9, 4};
static const uint8_t text[8] = {8, 3, 't', 0, 'o', 0, 'y', 0};
static const uint8_t configuration[75] = {
	9,           2,    75,
	0,           2,    1,
	0,           0x80, 50, /* configuration */
	8,           11,   0,
	2,           2,    2,
	0,           0, /* association */
	9,           4,    0,
	0,           1,    2,
	2,           0,    0, /* communication */
	5,           0x24, 0,
	0x20,        1, /* header 1.20 */
	5,           0x24, 1,
	0,           1, /* call management */
	4,           0x24, 2,
	2, /* ACM */
	5,           0x24, 6,
	0,           1, /* union */
	7,           5,    0x80 | NOTIFY,
	3,           8,    0,
	16, /* notifications */
	9,           4,    1,
	0,           2,    10,
	0,           0,    0, /* data */
	7,           5,    BULK,
	2,           64,   0,
	0,           7,    5,
	0x80 | BULK, 2,    64,
	0,           0,
};

static void pins(rig *r, const uint8_t (*pin)[2], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		rig_pin(r, pin[i][0], pin[i][1], 10);
}

void toy_wire(rig *r, enum vf_h7_board board)
{
	static const uint8_t full[][2] = {{0, 11}, {0, 12}};
	static const uint8_t ulpi[][2] = {{0, 3},  {1, 0}, {1, 1}, {1, 10}, {1, 11}, {1, 12},
					  {1, 13}, {1, 5}, {0, 5}, {2, 0},  {7, 4},  {8, 11}};

	rig_clocks(r);
	set(r, RCC, 1u << 12);
	rig_run(r, 10000);
	set(r, RCC + 0x54, 3u << 20);
	set(r, PWR + 0x0C, 1u << 24);
	if (board == VF_H7_H745I_DISCO)
		pins(r, full, 2);
	else
		pins(r, ulpi, 12);
	set(r, RCC + 0xD8, board == VF_H7_H745I_DISCO ? 1u << 27 : 3u << 25);
}

void toy_core(rig *r, uint32_t base, bool full)
{
	if (full)
		set(r, base + 0x0C, 1u << 6);
	wr(r, base + GRSTCTL, 1);
	rig_run(r, 5000);
	assert_int_equal(rd(r, base + GRSTCTL), 1u << 31);
	wr(r, base + 0x0C, (full ? 1u << 6 : 0) | 1u << 30 | (full ? 6u : 9u) << 10);
	set(r, base + 0x38, full ? 1u << 16 : 0);
	set(r, base, 3u << 6);
	set(r, base + DCFG, full ? 3 : 0);
	clear(r, base + DCTL, 2);
}

/* --- endpoints ------------------------------------------------------------------------ */

static void flush(toy *t, uint32_t what)
{
	wr(t->r, t->base + GRSTCTL, what);
	rig_run(t->r, 1000);
	assert_int_equal(rd(t->r, t->base + GRSTCTL) & 0x30, 0);
}

static void send(toy *t, unsigned n, const uint8_t *data, uint32_t len, uint32_t packets)
{
	wr(t->r, IN(n) + 0x10, packets << 19 | len);
	set(t->r, IN(n), 1u << 31 | 1u << 26);
	for (uint32_t i = 0; i < len; i += 4) {
		uint32_t word = 0;

		memcpy(&word, data + i, len - i < 4 ? len - i : 4);
		wr(t->r, t->base + 0x1000 * (n + 1), word);
	}
}

static void arm(toy *t, unsigned n, uint32_t packets, uint32_t packet)
{
	wr(t->r, OUT(n) + 0x10, packets << 19 | packets * packet | (n == 0 ? 3u << 29 : 0));
	set(t->r, OUT(n), 1u << 31 | 1u << 26);
}

static uint32_t bulk(const toy *t)
{
	return t->high ? 512 : 64;
}

/* What it sends back in one piece has to fit into its FIFO of 400 words. */
static uint32_t packets(const toy *t)
{
	return t->mode == TOY_SINK ? 64 : t->high ? 3 : PACKETS;
}

static void send_control(toy *t)
{
	const uint32_t n = t->left < 64 ? t->left : 64;

	send(t, 0, t->answer, n, 1);
	t->answer += n;
	t->left -= n;
	t->status_out = n < 64;
}

static void stall(toy *t)
{
	set(t->r, IN(0), 1u << 21);
	set(t->r, OUT(0), 1u << 21);
}

/* --- requests --------------------------------------------------------------------------- */

static void configure(toy *t)
{
	const uint32_t common = bulk(t) | 1u << 15 | 2u << 18 | 1u << 28;

	t->configured = true;
	wr(t->r, OUT(BULK), common);
	wr(t->r, IN(BULK), common | BULK << 22);
	wr(t->r, IN(NOTIFY), 8 | 1u << 15 | 3u << 18 | 1u << 28 | NOTIFY << 22);
	t->held = 0;
	t->sending = false;
	arm(t, BULK, packets(t), bulk(t));
}

static const uint8_t *describe(toy *t, uint32_t *len)
{
	switch (t->setup[3]) {
	case 1:
		*len = sizeof device;
		return device;
	case 2:
	case 7:
		memcpy(t->configuration, configuration, sizeof configuration);
		t->configuration[1] = t->setup[3];
		t->configuration[65] = t->configuration[72] =
			(uint8_t)(t->fault == TOY_BIG_PACKET ? 65 : bulk(t));
		t->configuration[66] = t->configuration[73] = t->high ? 2 : 0;
		*len = sizeof configuration - (t->fault == TOY_SHORT_CONFIGURATION ? 7 : 0);
		return t->configuration;
	case 3:
		*len = t->setup[2] == 0 ? sizeof languages : sizeof text;
		return t->setup[2] == 0 ? languages : text;
	case 6:
		*len = sizeof qualifier;
		return t->r->soc.config.board == VF_H7_H747I_DISCO ? qualifier : NULL;
	default:
		return NULL;
	}
}

static void request(toy *t)
{
	const uint32_t wanted = t->setup[6] | (uint32_t)t->setup[7] << 8;
	uint32_t len = 0;

	t->answer = NULL;
	if (t->fault == TOY_DEAF)
		return;
	if ((t->setup[0] & 0x80) != 0) {
		t->answer = t->setup[1] == 6 ? describe(t, &len) : NULL;
		t->left = len < wanted ? len : wanted;
		if (t->answer == NULL) {
			stall(t);
			return;
		}
		arm(t, 0, 1, 64); /* the status, whenever the host has had enough */
		send_control(t);
		return;
	}
	if (wanted != 0) {
		if (t->setup[1] == 0x20 && wanted == 7)
			arm(t, 0, 1, 64);
		else
			stall(t);
		return;
	}
	if (t->setup[1] == 5 && t->fault != TOY_NO_ADDRESS)
		wr(t->r, t->base + DCFG, (t->high ? 0 : 3) | (t->setup[2] & 127u) << 4);
	else if (t->setup[1] == 9)
		configure(t);
	else if (t->setup[1] == 0x22)
		t->state = t->setup[2];
	else {
		stall(t);
		return;
	}
	send(t, 0, NULL, 0, 1);
}

static void on_setup(toy *t)
{
	if ((rd(t->r, IN(0)) >> 31) != 0) { /* the last one was given up */
		set(t->r, IN(0), 1u << 27);
		set(t->r, IN(0), 1u << 30);
		rig_run(t->r, 1000);
		assert_int_equal(rd(t->r, IN(0) + 8) & 2, 2);
		wr(t->r, IN(0) + 8, 2);
	}
	flush(t, 0x20);
	wr(t->r, IN(0) + 8, 1); /* the end of the last one counts no more */
	wr(t->r, OUT(0) + 0x10, 3u << 29);
	request(t);
}

/* --- what comes out of the receive FIFO -------------------------------------------------- */

static void receive(toy *t, unsigned n, uint32_t len)
{
	for (uint32_t i = 0; i < len; i += 4) {
		const uint32_t word = rd(t->r, t->base + 0x1000);
		const uint32_t part = len - i < 4 ? len - i : 4;

		if (n == 0) {
			memcpy(t->line + (i < 4 ? i : 3), &word, i < 4 ? part : 0);
			continue;
		}
		for (uint32_t b = 0; b < part; b++, t->received++)
			t->order += (uint8_t)(word >> 8 * b) != (uint8_t)(t->received * 7);
		if (t->mode == TOY_SINK)
			continue;
		memcpy(t->hold + t->held, &word, part);
		t->held += part;
	}
}

static void ended(toy *t, unsigned n)
{
	if (n == 0) {
		if ((t->setup[0] & 0x80) == 0) {
			t->lines++;
			send(t, 0, NULL, 0, 1);
		}
		return;
	}
	if (t->mode != TOY_ECHO)
		t->held = 0;
	if (t->mode == TOY_SINK)
		arm(t, BULK, packets(t), bulk(t));
	if (t->mode == TOY_ECHO) {
		t->sending = true;
		send(t, BULK, t->hold, t->held, t->held / bulk(t) + 1);
	}
}

static void pop(toy *t)
{
	const uint32_t word = rd(t->r, t->base + GRXSTSP);

	switch (word >> 17 & 15) {
	case 6:
		for (unsigned i = 0; i < 2; i++) {
			const uint32_t half = rd(t->r, t->base + 0x1000);

			memcpy(t->setup + 4 * i, &half, 4);
		}
		break;
	case 4:
		wr(t->r, OUT(0) + 8, 0x8048);
		on_setup(t);
		break;
	case 2:
		receive(t, word & 15, word >> 4 & 0x7FF);
		break;
	default:
		wr(t->r, OUT(word & 15) + 8, 1);
		ended(t, word & 15);
		break;
	}
}

static void on_reset(toy *t)
{
	t->resets++;
	t->configured = t->sending = false;
	t->held = 0;
	wr(t->r, t->base + DCFG, rd(t->r, t->base + DCFG) & ~(127u << 4));
	flush(t, 0x20 | 16u << 6);
	flush(t, 0x10);
	wr(t->r, t->base + GRXFSIZ, RX_WORDS);
	wr(t->r, t->base + 0x28, 64u << 16 | RX_WORDS);
	wr(t->r, t->base + 0x104, 400u << 16 | (RX_WORDS + 64));
	wr(t->r, t->base + 0x108, 16u << 16 | (RX_WORDS + 464));
	wr(t->r, OUT(0) + 0x10, 3u << 29);
}

static void poll_in(toy *t)
{
	if ((rd(t->r, IN(0) + 8) & 1) != 0) {
		wr(t->r, IN(0) + 8, 1);
		if (t->answer != NULL && !t->status_out)
			send_control(t);
	}
	if ((rd(t->r, IN(BULK) + 8) & 1) == 0)
		return;
	wr(t->r, IN(BULK) + 8, 1);
	t->sending = false;
	t->held = 0;
	arm(t, BULK, packets(t), bulk(t));
}

static void poll(toy *t)
{
	const uint32_t flags = rd(t->r, t->base + GINTSTS);

	wr(t->r, t->base + GINTSTS, flags & (7u << 11 | 1u << 31 | 1u << 10));
	t->suspends += flags >> 11 & 1;
	t->wakes += flags >> 31;
	if ((flags & 1u << 12) != 0) {
		on_reset(t);
		return;
	}
	if ((flags & 1u << 13) != 0)
		t->high = (rd(t->r, t->base + 0x808) >> 1 & 3) == 0;
	while ((rd(t->r, t->base + GINTSTS) & 1u << 4) != 0)
		pop(t);
	poll_in(t);
}

/* --- the bench -------------------------------------------------------------------------------- */

toy *toy_new(enum vf_h7_board board, const vf_usb_host_config *config)
{
	toy *t = calloc(1, sizeof *t);
	vf_usb_host_config c = *config;

	assert_non_null(t);
	t->r = rig_new_board(board);
	t->base = board == VF_H7_H745I_DISCO ? OTG2 : OTG1;
	toy_wire(t->r, board);
	toy_core(t->r, t->base, board == VF_H7_H745I_DISCO);
	assert_runs(t->r);
	c.port = vf_h7_otg_port(vf_stm32h7_usb(&t->r->soc));
	vf_usb_host_init(&t->host, &c);
	vf_usb_host_plug(&t->host, true, t->r->now);
	return t;
}

void toy_free(toy *t)
{
	rig_free(t->r);
	free(t);
}

void toy_run(toy *t, uint64_t ms)
{
	const uint64_t end = t->r->now + ms * 1000000;

	while (t->r->now < end) {
		rig_run(t->r, t->high ? STEP_NS : SLOW_STEP_NS);
		vf_usb_host_advance(&t->host, t->r->now);
		poll(t);
	}
}

void toy_enumerate(toy *t)
{
	for (unsigned i = 0; i < 1000 && !(vf_usb_host_ready(&t->host) && t->host.opened); i++)
		toy_run(t, 1);
	assert_string_equal(t->host.trouble, "");
	assert_true(vf_usb_host_ready(&t->host) && t->host.opened);
}
