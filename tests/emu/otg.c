/* otg.c - an OTG core by its registers: what has to be true before it is on the bus, FIFOs
 * and their order, self-clearing bits, handshakes; and that misuse stops the run.
 */
#include "usb_toy.h"

#include <string.h>

enum { GAHBCFG = 8, GUSBCFG = 12, GRSTCTL = 16, GINTSTS = 20, GINTMSK = 24, GRXSTSR = 28 };
enum { GRXSTSP = 0x20, GRXFSIZ = 0x24, DIEPTXF0 = 0x28, GCCFG = 0x38, DIEPTXF1 = 0x104 };
enum { DCFG = 0x800, DCTL = 0x804, DSTS = 0x808, FIFO = 0x1000 };

#define IN(n)  (OTG2 + 0x900u + 0x20u * (n))
#define OUT(n) (OTG2 + 0xB00u + 0x20u * (n))
#define ENABLE (1u << 31 | 1u << 26)

typedef struct bench {
	rig *r;
	vf_usb_port port;
} bench;

static void shape(rig *r)
{
	wr(r, OTG2 + GRXFSIZ, 64);
	wr(r, OTG2 + DIEPTXF0, 16u << 16 | 64);
	wr(r, OTG2 + DIEPTXF1, 32u << 16 | 80);
	wr(r, IN(1), 64 | 1u << 15 | 2u << 18 | 1u << 22 | 1u << 28);
	wr(r, OUT(1), 64 | 1u << 15 | 2u << 18 | 1u << 28);
	assert_runs(r);
}

/* On the bus, after a reset, its endpoints 1 set up. */
static bench start(void)
{
	bench b = {.r = rig_new_board(VF_H7_H745I_DISCO)};

	toy_wire(b.r, VF_H7_H745I_DISCO);
	toy_core(b.r, OTG2, true);
	b.port = vf_h7_otg_port(vf_stm32h7_usb(&b.r->soc));
	b.port.power(b.port.device, true);
	assert_true(b.port.attached(b.port.device));
	b.port.reset(b.port.device);
	assert_false(b.port.reset_end(b.port.device, true)); /* it has no high speed */
	wr(b.r, OTG2 + GINTSTS, 1u << 12);                   /* the reset is served */
	shape(b.r);
	return b;
}

static enum vf_usb_reply out(const bench *b, unsigned n, unsigned pid, size_t len)
{
	static const uint8_t data[1024] = {1, 2, 3, 4, 5, 6, 7, 8};

	return b->port.out(b->port.device, 0, n, pid, data, len);
}

static enum vf_usb_reply in(const bench *b, unsigned n, uint8_t *data, size_t *len, unsigned *pid)
{
	const enum vf_usb_reply reply = b->port.in(b->port.device, 0, n, data, len, pid);

	if (reply == VF_USB_ACK)
		b->port.in_done(b->port.device, 0, n, true);
	return reply;
}

static void test_visible(void **state)
{
	/* Each of them alone keeps the device off the bus. */
	static const struct {
		uint32_t at, bits;
		bool set;
	} need[] = {
		{RCC + 0x54, 3u << 20, false},   /* 48 MHz */
		{PWR + 0x0C, 1u << 24, false},   /* supply of the transceiver */
		{GPIO(0), 1u << 25, false},      /* PA12 an alternate function */
		{RCC + 0xD8, 1u << 27, false},   /* clock of the core */
		{OTG2 + GCCFG, 1u << 16, false}, /* transceiver */
		{OTG2, 1u << 7, false},          /* session */
		{OTG2 + DCTL, 2, true},          /* soft disconnect */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof need / sizeof *need; i++) {
		bench b = start();

		if (need[i].set)
			set(b.r, need[i].at, need[i].bits);
		else
			clear(b.r, need[i].at, need[i].bits);
		assert_false(b.port.attached(b.port.device));
		if (need[i].set)
			clear(b.r, need[i].at, need[i].bits);
		else
			set(b.r, need[i].at, need[i].bits);
		assert_true(b.port.attached(b.port.device));
		rig_free(b.r);
	}
}

/* VBUS as the core senses it. */
static void test_session(void **state)
{
	bench b = start();

	(void)state;
	clear(b.r, OTG2, 3u << 6);
	set(b.r, OTG2 + GCCFG, 1u << 21);
	assert_int_equal(rd(b.r, OTG2) >> 19 & 1, 1);
	assert_true(b.port.attached(b.port.device));
	b.port.power(b.port.device, false);
	assert_int_equal(rd(b.r, OTG2) >> 19 & 1, 0);
	assert_int_equal(rd(b.r, OTG2 + GINTSTS) >> 2 & 1, 1);
	assert_int_equal(rd(b.r, OTG2 + 4), 4); /* SEDET */
	wr(b.r, OTG2 + 4, 4);
	assert_int_equal(rd(b.r, OTG2 + GINTSTS) >> 2 & 1, 0);
	assert_false(b.port.attached(b.port.device));
	b.port.power(b.port.device, true);
	assert_int_equal(rd(b.r, OTG2 + GINTSTS) >> 30 & 1, 1);
	rig_free(b.r);
}

static void test_identity(void **state)
{
	bench b = start();

	(void)state;
	assert_int_equal(rd(b.r, OTG2 + 0x3C), 0x2300);
	assert_int_equal(rd(b.r, OTG2 + 0x40), 0x4F54330A);
	assert_int_equal(rd(b.r, OTG2 + 0x48), 0x229FE190);
	assert_int_equal(rd(b.r, OTG2 + DSTS) >> 1 & 3, 3);
	rig_free(b.r);
}

/* A core whose PHY gives no clock never comes out of its reset. */
static void test_core_reset(void **state)
{
	rig *r = rig_new_board(VF_H7_H747I_DISCO);

	(void)state;
	toy_wire(r, VF_H7_H747I_DISCO);
	clear(r, RCC + 0xD8, 1u << 26); /* ULPI's clock */
	wr(r, OTG1 + GRSTCTL, 1);
	rig_run(r, 10000000);
	assert_int_equal(rd(r, OTG1 + GRSTCTL) & 1, 1);
	wr(r, OTG1 + GAHBCFG, 1);
	assert_stop(r,
		    "OTG1_HS: 008h written during the core reset (CSRST: the PHY gives no clock)");
	set(r, RCC + 0xD8, 1u << 26);
	assert_int_equal(rd(r, OTG1 + GRSTCTL) & 1, 0);
	wr(r, OTG1 + GAHBCFG, 1);
	set(r, OTG1 + GUSBCFG, 1u << 30);
	wr(r, OTG1 + GRSTCTL, 1);
	assert_int_equal(rd(r, OTG1 + GRSTCTL) & 1, 1);
	rig_run(r, 2000);
	assert_int_equal(rd(r, OTG1 + GRSTCTL), 1u << 31);
	assert_int_equal(rd(r, OTG1 + GUSBCFG), 0x1400);
	assert_int_equal(rd(r, OTG1 + GAHBCFG), 0);
	assert_int_equal(rd(r, OTG1 + DCTL) & 2, 2);
	rig_free(r);
}

static void test_setup(void **state)
{
	static const uint8_t packet[8] = {0x80, 6, 0, 1, 0, 0, 18, 0};
	bench b = start();
	uint8_t data[64];
	size_t len;
	unsigned pid;

	(void)state;
	wr(b.r, OUT(0) + 0x10, 3u << 29);
	wr(b.r, OTG2 + GAHBCFG, 1);
	wr(b.r, OTG2 + GINTSTS, UINT32_MAX);
	wr(b.r, OTG2 + GINTMSK, 1u << 4);
	assert_int_equal(b.port.setup(b.port.device, 1, 0, packet), VF_USB_NONE);
	assert_int_equal(b.port.setup(b.port.device, 0, 0, packet), VF_USB_ACK);
	assert_true(b.r->irq[0][101]);
	assert_int_equal(rd(b.r, OTG2 + GRXSTSR) & 0x1FFFFF, 6 << 17 | 8 << 4);
	assert_int_equal(rd(b.r, OTG2 + GRXSTSP) & 0x1FFFFF, 6 << 17 | 8 << 4);
	assert_int_equal(rd(b.r, OTG2 + FIFO), 0x01000680);
	assert_int_equal(rd(b.r, OTG2 + FIFO), 0x00120000);
	assert_false(b.r->irq[0][101]);
	assert_int_equal(rd(b.r, OUT(0) + 8) & 8, 0);
	/* The next token ends the stage; it is refused itself. */
	assert_int_equal(in(&b, 0, data, &len, &pid), VF_USB_NAK);
	assert_true(b.r->irq[0][101]);
	assert_int_equal(rd(b.r, OTG2 + GRXSTSP) >> 17 & 15, 4);
	assert_int_equal(rd(b.r, OUT(0) + 8) & 8, 8);
	wr(b.r, IN(0) + 0x10, 1u << 19 | 18);
	set(b.r, IN(0), ENABLE);
	for (unsigned i = 0; i < 5; i++)
		wr(b.r, OTG2 + FIFO, i);
	assert_int_equal(rd(b.r, IN(0) + 0x10), 1u << 19); /* all written, none sent */
	assert_int_equal(rd(b.r, IN(0) + 0x18), 11);
	assert_int_equal(in(&b, 0, data, &len, &pid), VF_USB_ACK);
	assert_int_equal(len, 18);
	assert_int_equal(pid, 1);
	assert_int_equal(rd(b.r, IN(0) + 8) & 1, 1);
	assert_int_equal(rd(b.r, IN(0)) >> 31, 0);
	assert_int_equal(rd(b.r, OUT(0) + 0x10) >> 29, 2);
	rig_free(b.r);
}

/* SETUP is heard whatever else is in the FIFO: ten words are kept for it. */
static void test_room(void **state)
{
	static const uint8_t packet[8] = {0};
	bench b = start();

	(void)state;
	wr(b.r, OUT(1) + 0x10, 10u << 19 | 640);
	set(b.r, OUT(1), ENABLE);
	assert_int_equal(out(&b, 1, 0, 64), VF_USB_ACK);
	assert_int_equal(out(&b, 1, 1, 64), VF_USB_ACK);
	assert_int_equal(out(&b, 1, 0, 64), VF_USB_ACK);
	assert_int_equal(out(&b, 1, 1, 64), VF_USB_NAK); /* 51 of 64 words used */
	assert_int_equal(rd(b.r, OUT(1) + 8) >> 13 & 1, 1);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(b.port.setup(b.port.device, 0, 0, packet), VF_USB_ACK);
	assert_int_equal(b.port.setup(b.port.device, 0, 0, packet), VF_USB_NONE);
	assert_int_equal(rd(b.r, OUT(1) + 0x10), 7u << 19 | 448);
	rig_free(b.r);
}

static void test_out(void **state)
{
	bench b = start();

	(void)state;
	assert_int_equal(out(&b, 2, 0, 8), VF_USB_NONE); /* not set up */
	assert_int_equal(out(&b, 1, 0, 8), VF_USB_NAK);  /* not enabled */
	wr(b.r, OUT(1) + 0x10, 2u << 19 | 128);
	set(b.r, OUT(1), ENABLE);
	assert_int_equal(out(&b, 1, 0, 65), VF_USB_NONE); /* babble */
	assert_int_equal(out(&b, 1, 0, 64), VF_USB_ACK);
	assert_int_equal(out(&b, 1, 0, 64), VF_USB_ACK); /* the same once more: dropped */
	assert_int_equal(out(&b, 1, 1, 5), VF_USB_ACK);  /* short: the end */
	assert_int_equal(out(&b, 1, 0, 64), VF_USB_NAK);
	assert_int_equal(rd(b.r, OTG2 + GRXSTSP) & 0x1FFFFF, 2 << 17 | 64 << 4 | 1);
	for (unsigned i = 0; i < 16; i++)
		(void)rd(b.r, OTG2 + FIFO);
	assert_int_equal(rd(b.r, OTG2 + GRXSTSP) & 0x1FFFFF, 2 << 17 | 2 << 15 | 5 << 4 | 1);
	assert_int_equal(rd(b.r, OTG2 + FIFO), 0x04030201);
	assert_int_equal(rd(b.r, OTG2 + FIFO), 5);
	assert_int_equal(rd(b.r, OUT(1)) >> 31, 1);
	assert_int_equal(rd(b.r, OUT(1) + 8) & 1, 0);
	assert_int_equal(rd(b.r, OTG2 + GRXSTSP) >> 17 & 15, 3);
	assert_int_equal(rd(b.r, OUT(1)) >> 31, 0);
	assert_int_equal(rd(b.r, OUT(1) + 8) & 1, 1);
	assert_int_equal(rd(b.r, OTG2 + GINTSTS) & 1u << 4, 0);
	set(b.r, OUT(1), 1u << 21);
	assert_int_equal(out(&b, 1, 0, 8), VF_USB_STALL);
	rig_free(b.r);
}

static void test_in(void **state)
{
	bench b = start();
	uint8_t data[1024];
	size_t len = 9;
	unsigned pid;

	(void)state;
	wr(b.r, IN(1) + 0x10, 2u << 19 | 64); /* and an empty packet behind it */
	set(b.r, IN(1), ENABLE);
	for (unsigned i = 0; i < 15; i++)
		wr(b.r, OTG2 + 2 * FIFO, i);
	assert_int_equal(in(&b, 1, data, &len, &pid), VF_USB_NAK); /* not all of it */
	wr(b.r, OTG2 + 2 * FIFO, 15);
	assert_int_equal(b.port.in(b.port.device, 0, 1, data, &len, &pid), VF_USB_ACK);
	b.port.in_done(b.port.device, 0, 1, false); /* its handshake is lost */
	assert_int_equal(in(&b, 1, data, &len, &pid), VF_USB_ACK);
	assert_int_equal(len, 64);
	assert_int_equal(pid, 0);
	assert_int_equal(data[60], 15);
	assert_int_equal(rd(b.r, IN(1) + 8) & 1, 0);
	assert_int_equal(in(&b, 1, data, &len, &pid), VF_USB_ACK);
	assert_int_equal(len, 0);
	assert_int_equal(pid, 1);
	assert_int_equal(rd(b.r, IN(1) + 8) & 1, 1);
	assert_int_equal(in(&b, 1, data, &len, &pid), VF_USB_NAK);
	rig_free(b.r);
}

static void test_disable(void **state)
{
	bench b = start();

	(void)state;
	wr(b.r, IN(1) + 0x10, 1u << 19 | 64);
	set(b.r, IN(1), ENABLE);
	wr(b.r, OTG2 + 2 * FIFO, 0);
	set(b.r, IN(1), 1u << 27);
	assert_int_equal(rd(b.r, IN(1) + 8) >> 6 & 1, 1);
	set(b.r, IN(1), 1u << 30);
	assert_int_equal(rd(b.r, IN(1)) >> 31, 1);
	rig_run(b.r, 1000);
	assert_int_equal(rd(b.r, IN(1)) >> 31, 0);
	assert_int_equal(rd(b.r, IN(1) + 8) & 2, 2);
	wr(b.r, IN(1) + 0x10, 1u << 19 | 64);
	set(b.r, IN(1), ENABLE);
	assert_stop(b.r, "OTG2_FS: IN endpoint 1 enabled with 1 words of an earlier transfer");
	/* OUT: global NAK first, which is in effect when it was read out of the FIFO. */
	wr(b.r, OUT(1) + 0x10, 1u << 19 | 64);
	set(b.r, OUT(1), ENABLE);
	set(b.r, OTG2 + DCTL, 1u << 9);
	assert_int_equal(rd(b.r, OTG2 + GINTSTS) >> 7 & 1, 0);
	assert_int_equal(rd(b.r, OTG2 + GRXSTSP) >> 17 & 15, 1);
	assert_int_equal(rd(b.r, OTG2 + GINTSTS) >> 7 & 1, 1);
	assert_int_equal(out(&b, 1, 0, 8), VF_USB_NAK);
	set(b.r, OUT(1), 1u << 30 | 1u << 27);
	rig_run(b.r, 1000);
	assert_int_equal(rd(b.r, OUT(1)) >> 31, 0);
	set(b.r, OTG2 + DCTL, 1u << 10);
	assert_int_equal(rd(b.r, OTG2 + GINTSTS) >> 7 & 1, 0);
	rig_free(b.r);
}

/* A driver is writing a packet when the bus is reset: it cannot know yet. Once it has
 * served the reset, it does. */
static void test_reset_in_a_packet(void **state)
{
	bench b = start();
	uint8_t data[1024];
	size_t len;
	unsigned pid;

	(void)state;
	wr(b.r, IN(1) + 0x10, 1u << 19 | 64);
	set(b.r, IN(1), ENABLE);
	wr(b.r, OTG2 + 2 * FIFO, 1);
	b.port.reset(b.port.device);
	wr(b.r, OTG2 + 2 * FIFO, 2);
	assert_runs(b.r);
	assert_int_equal(in(&b, 1, data, &len, &pid), VF_USB_NONE);
	wr(b.r, OTG2 + GINTSTS, 1u << 12);
	wr(b.r, OTG2 + 2 * FIFO, 3);
	assert_stop(b.r, "transmit FIFO 1 written while its endpoint is not enabled");
	rig_free(b.r);
}

/* Each of them is wrong on every chip, and stops the run with its sentence. */
static void test_misuse(void **state)
{
	bench b = start();
	rig *r = b.r;

	(void)state;
	(void)rd(r, OTG2 + GRXSTSP);
	assert_stop(r, "GRXSTSP read while no status word waits");
	(void)rd(r, OTG2 + FIFO);
	assert_stop(r, "receive FIFO read past the packet");
	wr(r, OTG2 + 2 * FIFO, 0);
	assert_stop(r, "transmit FIFO 1 written while its endpoint is not enabled");
	wr(r, IN(1) + 0x10, 4u << 19 | 200);
	set(r, IN(1), ENABLE);
	wr(r, IN(1) + 0x10, 4u << 19 | 128);
	assert_stop(r, "DIEPTSIZ1 written while the endpoint is enabled");
	for (unsigned i = 0; i < 33; i++)
		wr(r, OTG2 + 2 * FIFO, i);
	assert_stop(r, "transmit FIFO 1 overflows");
	wr(r, OTG2 + GRSTCTL, 1 << 6 | 0x20);
	assert_stop(r, "transmit FIFO 1 flushed while the core may be sending from it");
	rig_run(r, 1000);
	wr(r, OUT(1) + 0x10, 2u << 19 | 128);
	set(r, OUT(1), ENABLE);
	(void)out(&b, 1, 0, 64);
	(void)out(&b, 1, 1, 64);
	wr(r, OTG2 + GRXFSIZ, 128);
	assert_stop(r, "GRXFSIZ written while the receive FIFO holds 35 words");
	wr(r, OTG2 + GRXFSIZ, 64);
	assert_stop(r, "GRXFSIZ written");
	wr(r, OUT(1) + 0x10, 3u << 19 | 192);
	assert_stop(r, "DOEPTSIZ1 written while the endpoint is enabled (the end of its transfer");
	(void)rd(r, OTG2 + GRXSTSP);
	(void)rd(r, OTG2 + GRXSTSP);
	assert_stop(r, "GRXSTSP read with 16 words of the last packet unread");
	set(r, OUT(1), 1u << 30);
	assert_stop(r, "OUT endpoint 1 disabled without the global OUT NAK in effect");
	wr(r, OTG2 + GAHBCFG, 1u << 5);
	assert_stop(r, "DMA enabled");
	(void)rd(r, OTG2 + 0x440);
	assert_stop(r, "register of a host at 440h in device mode");
	(void)rd_size(r, OTG2 + FIFO, 1);
	assert_stop(r, "1 bytes accessed at 01000h, which takes words only");
	rig_free(r);
}

static void test_sizes(void **state)
{
	bench b = start();
	rig *r = b.r;

	(void)state;
	wr(r, OTG2 + DIEPTXF1, 32u << 16 | 70); /* over FIFO 0 */
	wr(r, IN(1) + 0x10, 1u << 19 | 64);
	set(r, IN(1), ENABLE);
	assert_stop(r, "transmit FIFO 1 (32 words from 70) meets another or the end");
	rig_free(r);
	b = start();
	r = b.r;
	wr(r, OTG2 + DIEPTXF1, 8u << 16 | 80);
	wr(r, IN(1) + 0x10, 1u << 19 | 64);
	set(r, IN(1), ENABLE);
	assert_stop(r, "transmit FIFO 1 has 8 words for packets of 64 bytes");
	wr(r, OTG2 + GRXFSIZ, 20);
	wr(r, OUT(1) + 0x10, 1u << 19 | 64);
	set(r, OUT(1), ENABLE);
	assert_stop(r, "receive FIFO of 20 words; these endpoints need 35 to 1024");
	rig_free(r);
}

static void test_configuration(void **state)
{
	static const uint8_t packet[8] = {0};
	bench b = start();
	rig *r = b.r;

	(void)state;
	wr(r, OTG2 + GUSBCFG, 1u << 6 | 5u << 10);
	assert_int_equal(b.port.setup(b.port.device, 0, 0, packet), VF_USB_ACK);
	assert_stop(r, "turnaround time 5 (TRDT), but 200 MHz AHB needs 6");
	clear(r, OTG2 + DCFG, 3);
	(void)b.port.attached(b.port.device);
	assert_stop(r, "speed 0 in DCFG with the full-speed transceiver");
	set(r, OTG2 + DCFG, 3);
	clear(r, OTG2 + GUSBCFG, 1u << 6);
	set(r, OTG2 + GUSBCFG, 1u << 6);
	(void)b.port.attached(b.port.device);
	assert_stop(r, "soft connect without a core reset since PHYSEL changed");
	set(r, OTG2 + GUSBCFG, 1u << 29);
	assert_stop(r, "host mode forced (FHMOD), which the model has not");
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_visible),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_reset_in_a_packet),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_core_reset),
		cmocka_unit_test(test_setup),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_in),
		cmocka_unit_test(test_disable),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
