/* test_tx.c - what guests have given to the port stays where it is until the port says that it
 * was sent, whatever happens meanwhile: the port may send it by DMA.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/ymodem.h>

#include "talk.h"

typedef struct bench {
	vf_target target; /* nothing is asked of it */
	vf_guest guest;
	vf_console console;
	vf_ymodem ymodem;
	const vf_target_guest *hook;
	uint8_t sector[32];
} bench;

static void prepare(bench *b)
{
	memset(b, 0, sizeof *b);
	vf_guest_init(&b->guest, &b->target);
	vf_console_init(&b->console, &b->guest);
	vf_ymodem_init(&b->ymodem, &b->guest, b->sector, sizeof b->sector);
	b->hook = vf_guest_hook(&b->guest);
}

/* As the engine does it. */
static void hear(bench *b, const uint8_t *bytes, size_t len)
{
	while (len != 0) {
		size_t n = b->hook->take(b->hook->self, bytes, len);
		if (n == 0) {
			b->hook->see(b->hook->self, *bytes);
			n = 1;
		}
		bytes += n;
		len -= n;
	}
}

static void send_header(bench *b)
{
	static const char header[] = "a.bin\0"
				     "100";
	uint8_t wire[1029];
	size_t n = talk_block(wire, 0, (const uint8_t *)header, sizeof header, 128, false);
	hear(b, wire, n);
}

static void send_all(bench *b)
{
	size_t n;
	while (b->hook->tx(b->hook->self, &n) != NULL)
		b->hook->tx_done(b->hook->self, n);
}

/* A host opens a session, leaves, and somebody types `load`, all while two bytes are sent; at
 * each place of the buffer. */
static void test_bytes_under_way_stay(void **state)
{
	bench b;
	(void)state;
	prepare(&b);
	for (unsigned round = 0; round < 40; round++) {
		size_t n, more;
		send_header(&b);
		const uint8_t *p = b.hook->tx(b.hook->self, &n);
		assert_non_null(p);
		uint8_t first = p[0];
		assert_int_equal(first, 6);
		b.hook->end(b.hook->self);
		b.guest.loading.load(b.guest.loading.self, NULL);
		(void)b.hook->step(b.hook->self, 1000);
		assert_int_equal(p[0], first);
		if (n == 2)
			assert_int_equal(p[1], 'C');
		b.hook->tx_done(b.hook->self, 1);
		if (n == 2) {
			p = b.hook->tx(b.hook->self, &more);
			assert_non_null(p);
		}
		send_all(&b);
		b.hook->end(b.hook->self);
		send_all(&b);
	}
}

/* The same of text. */
static void test_text_under_way_stays(void **state)
{
	bench b;
	char was[16];
	size_t n;
	(void)state;
	prepare(&b);
	for (unsigned round = 0; round < 300; round++) {
		vf_guest_say(&b.guest, "what is said");
		const uint8_t *p = b.hook->tx(b.hook->self, &n);
		assert_non_null(p);
		assert_in_range(n, 1, 12);
		memcpy(was, p, n);
		b.hook->end(b.hook->self);
		vf_guest_say(&b.guest, "SOMETHING ELSE");
		assert_memory_equal(p, was, n);
		b.hook->tx_done(b.hook->self, n);
		send_all(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_under_way_stay),
		cmocka_unit_test(test_text_under_way_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
