/* The table of chapter 9: each request in each state, with what it may and may not say;
 * then what valid requests do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transfer.h"

/* Where a request is answered: a set of states. */
enum { D = 1 << VF_USB_DEFAULT, A = 1 << VF_USB_ADDRESSED, C = 1 << VF_USB_CONFIGURED };

typedef struct row {
	const char *name;
	uint8_t type, code;
	uint16_t value, index, length;
	unsigned states; /* in all others STALL */
	size_t answer;   /* bytes */
} row;

static const row rows[] = {
	{"status of the device", 0x80, 0, 0, 0, 2, A | C, 2},
	{"with a value", 0x80, 0, 1, 0, 2, 0, 0},
	{"with an index", 0x80, 0, 0, 1, 2, 0, 0},
	{"with a length", 0x80, 0, 0, 0, 3, 0, 0},
	{"from the host", 0x00, 0, 0, 0, 0, 0, 0},
	{"status of interface 0", 0x81, 0, 0, 0, 2, C, 2},
	{"of interface 1", 0x81, 0, 0, 1, 2, C, 2},
	{"of interface 2", 0x81, 0, 0, 2, 2, 0, 0},
	{"of interface 256", 0x81, 0, 0, 256, 2, 0, 0},
	{"of an interface, long", 0x81, 0, 0, 0, 64, 0, 0},
	{"status of endpoint 0", 0x82, 0, 0, 0, 2, A | C, 2},
	{"of endpoint 0 in", 0x82, 0, 0, 0x80, 2, A | C, 2},
	{"of endpoint 1 out", 0x82, 0, 0, 0x01, 2, C, 2},
	{"of endpoint 1 in", 0x82, 0, 0, 0x81, 2, C, 2},
	{"of endpoint 2 in", 0x82, 0, 0, 0x82, 2, C, 2},
	{"of endpoint 2 out", 0x82, 0, 0, 0x02, 2, 0, 0},
	{"of endpoint 3", 0x82, 0, 0, 0x83, 2, 0, 0},
	{"of endpoint 257", 0x82, 0, 0, 0x101, 2, 0, 0},
	{"of an endpoint, with a value", 0x82, 0, 1, 0x81, 2, 0, 0},
	{"of an endpoint, long", 0x82, 0, 0, 0x81, 3, 0, 0},
	{"status of another recipient", 0x83, 0, 0, 0, 2, 0, 0},
	{"clear remote wake-up", 0x00, 1, 1, 0, 0, 0, 0},
	{"set remote wake-up", 0x00, 3, 1, 0, 0, 0, 0},
	{"test mode", 0x00, 3, 2, 0x0400, 0, D | A | C, 0},
	{"test mode 0", 0x00, 3, 2, 0x0000, 0, 0, 0},
	{"test mode 5", 0x00, 3, 2, 0x0500, 0, 0, 0},
	{"test mode of an interface", 0x00, 3, 2, 0x0401, 0, 0, 0},
	{"clear test mode", 0x00, 1, 2, 0, 0, 0, 0},
	{"clear a feature of an interface", 0x01, 1, 0, 0, 0, 0, 0},
	{"set a feature of an interface", 0x01, 3, 0, 0, 0, 0, 0},
	{"halt endpoint 1 out", 0x02, 3, 0, 0x01, 0, C, 0},
	{"halt endpoint 1 in", 0x02, 3, 0, 0x81, 0, C, 0},
	{"halt endpoint 2 in", 0x02, 3, 0, 0x82, 0, C, 0},
	{"halt endpoint 0", 0x02, 3, 0, 0x00, 0, 0, 0},
	{"halt endpoint 4", 0x02, 3, 0, 0x04, 0, 0, 0},
	{"halt with data", 0x02, 3, 0, 0x01, 1, 0, 0},
	{"another feature of an endpoint", 0x02, 3, 1, 0x01, 0, 0, 0},
	{"resume endpoint 1 out", 0x02, 1, 0, 0x01, 0, C, 0},
	{"resume endpoint 1 in", 0x02, 1, 0, 0x81, 0, C, 0},
	{"resume endpoint 0", 0x02, 1, 0, 0x00, 0, A | C, 0},
	{"resume endpoint 5", 0x02, 1, 0, 0x85, 0, 0, 0},
	{"address", 0x00, 5, 17, 0, 0, D | A, 0},
	{"address 127", 0x00, 5, 127, 0, 0, D | A, 0},
	{"address 0", 0x00, 5, 0, 0, 0, D | A, 0},
	{"address 128", 0x00, 5, 128, 0, 0, 0, 0},
	{"address with an index", 0x00, 5, 17, 1, 0, 0, 0},
	{"address with data", 0x00, 5, 17, 0, 1, 0, 0},
	{"address of an interface", 0x01, 5, 17, 0, 0, 0, 0},
	{"address, to the host", 0x80, 5, 17, 0, 0, 0, 0},
	{"device descriptor", 0x80, 6, 0x0100, 0, 18, D | A | C, 18},
	{"eight bytes of it", 0x80, 6, 0x0100, 0, 8, D | A | C, 8},
	{"64 bytes of it", 0x80, 6, 0x0100, 0, 64, D | A | C, 18},
	{"none of it", 0x80, 6, 0x0100, 0, 0, D | A | C, 0},
	{"65535 bytes of it", 0x80, 6, 0x0100, 0, 65535, D | A | C, 18},
	{"device descriptor 1", 0x80, 6, 0x0101, 0, 18, 0, 0},
	{"device descriptor in a language", 0x80, 6, 0x0100, 0x0409, 18, 0, 0},
	{"configuration", 0x80, 6, 0x0200, 0, 255, D | A | C, 75},
	{"nine bytes of it", 0x80, 6, 0x0200, 0, 9, D | A | C, 9},
	{"configuration 1", 0x80, 6, 0x0201, 0, 255, 0, 0},
	{"languages", 0x80, 6, 0x0300, 0, 255, D | A | C, 4},
	{"languages in a language", 0x80, 6, 0x0300, 0x0409, 255, D | A | C, 4},
	{"maker", 0x80, 6, 0x0301, 0x0409, 255, D | A | C, 18},
	{"name", 0x80, 6, 0x0302, 0x0409, 255, D | A | C, 16},
	{"serial number", 0x80, 6, 0x0303, 0x0409, 255, D | A | C, 18},
	{"name in no language", 0x80, 6, 0x0302, 0, 255, D | A | C, 16},
	{"name in another language", 0x80, 6, 0x0302, 0x0407, 255, 0, 0},
	{"string 4", 0x80, 6, 0x0304, 0x0409, 255, 0, 0},
	{"what Windows asks for first", 0x80, 6, 0x03EE, 0, 18, 0, 0},
	{"an interface descriptor", 0x80, 6, 0x0400, 0, 9, 0, 0},
	{"an endpoint descriptor", 0x80, 6, 0x0500, 0, 7, 0, 0},
	{"device qualifier", 0x80, 6, 0x0600, 0, 10, D | A | C, 10},
	{"other speed", 0x80, 6, 0x0700, 0, 255, D | A | C, 75},
	{"binary object store", 0x80, 6, 0x0F00, 0, 5, 0, 0},
	{"descriptor of an interface", 0x81, 6, 0x2200, 0, 64, 0, 0},
	{"set a descriptor", 0x00, 7, 0x0301, 0x0409, 18, 0, 0},
	{"which configuration", 0x80, 8, 0, 0, 1, A | C, 1},
	{"which configuration, with a value", 0x80, 8, 1, 0, 1, 0, 0},
	{"which configuration, long", 0x80, 8, 0, 0, 2, 0, 0},
	{"configure", 0x00, 9, 1, 0, 0, A | C, 0},
	{"unconfigure", 0x00, 9, 0, 0, 0, A | C, 0},
	{"configure 2", 0x00, 9, 2, 0, 0, 0, 0},
	{"configure 257", 0x00, 9, 257, 0, 0, 0, 0},
	{"configure with an index", 0x00, 9, 1, 1, 0, 0, 0},
	{"configure with data", 0x00, 9, 1, 0, 4, 0, 0},
	{"which setting of interface 1", 0x81, 10, 0, 1, 1, C, 1},
	{"which setting of interface 2", 0x81, 10, 0, 2, 1, 0, 0},
	{"set interface 0", 0x01, 11, 0, 0, 0, C, 0},
	{"set interface 1", 0x01, 11, 0, 1, 0, C, 0},
	{"set interface 1 to 1", 0x01, 11, 1, 1, 0, 0, 0},
	{"set interface 2", 0x01, 11, 0, 2, 0, 0, 0},
	{"set an interface, the device", 0x00, 11, 0, 0, 0, 0, 0},
	{"frame number of an endpoint", 0x82, 12, 0, 0x81, 2, 0, 0},
	{"request 2", 0x00, 2, 0, 0, 0, 0, 0},
	{"request 255", 0x80, 255, 0, 0, 1, 0, 0},
	{"set line coding", 0x21, 0x20, 0, 0, 7, C, 0},
	{"set line coding, short", 0x21, 0x20, 0, 0, 6, 0, 0},
	{"set line coding, long", 0x21, 0x20, 0, 0, 8, 0, 0},
	{"set line coding, none", 0x21, 0x20, 0, 0, 0, 0, 0},
	{"set line coding, very long", 0x21, 0x20, 0, 0, 65535, 0, 0},
	{"set line coding of the data interface", 0x21, 0x20, 0, 1, 7, 0, 0},
	{"set line coding with a value", 0x21, 0x20, 1, 0, 7, 0, 0},
	{"get line coding", 0xA1, 0x21, 0, 0, 7, C, 7},
	{"get line coding, long", 0xA1, 0x21, 0, 0, 64, C, 7},
	{"get line coding, short", 0xA1, 0x21, 0, 0, 3, C, 3},
	{"get line coding, from the host", 0x21, 0x21, 0, 0, 7, 0, 0},
	{"set lines", 0x21, 0x22, 3, 0, 0, C, 0},
	{"set lines with data", 0x21, 0x22, 3, 0, 1, 0, 0},
	{"set lines, to the host", 0xA1, 0x22, 3, 0, 1, 0, 0},
	{"break", 0x21, 0x23, 0xFFFF, 0, 0, C, 0},
	{"encapsulated command", 0x21, 0x00, 0, 0, 4, 0, 0},
	{"a class request to the device", 0x20, 0x22, 0, 0, 0, 0, 0},
	{"a request of a vendor", 0xC0, 1, 0, 4, 16, 0, 0},
	{"a request of no type", 0xE0, 0, 0, 0, 2, 0, 0},
};

static void into_state(vf_usb *u, enum vf_usb_state state)
{
	transfer_device(u, true);
	if (state != VF_USB_DEFAULT)
		transfer_address(u, 5);
	if (state == VF_USB_CONFIGURED)
		transfer_configure(u);
	assert_int_equal(u->state, state);
}

/* A request that is refused changes nothing. */
static void check_row(const row *r, enum vf_usb_state state)
{
	static const uint8_t data[65536];
	vf_usb u;
	transfer t;

	into_state(&u, state);
	transfer_run(&t, &u, r->type, r->code, r->value, r->index, r->length, data);
	bool good = (r->states & 1u << state) != 0;
	if (t.stalled == good || t.len != (good ? r->answer : 0))
		fail_msg("%s, in state %d: %s, %zu bytes", r->name, (int)state,
			 t.stalled ? "refused" : "answered", t.len);
	if (good)
		return;
	assert_int_equal(u.state, state);
	assert_int_equal(t.orders | u.halted | u.lines, 0);
	transfer_run(&t, &u, 0x80, 6, 0x0100, 0, 18, NULL);
	assert_false(t.stalled);
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		check_row(&rows[i], VF_USB_DEFAULT);
		check_row(&rows[i], VF_USB_ADDRESSED);
		check_row(&rows[i], VF_USB_CONFIGURED);
	}
}

static void test_without_high_speed(void **state)
{
	(void)state;
	vf_usb u;
	transfer t;
	const vf_usb_config config = {.maker = "m", .name = "n"};

	vf_usb_init(&u, &config);
	vf_usb_reset(&u, false);
	transfer_run(&t, &u, 0x80, 6, 0x0600, 0, 10, NULL);
	assert_true(t.stalled);
	transfer_run(&t, &u, 0x80, 6, 0x0700, 0, 75, NULL);
	assert_true(t.stalled);
	transfer_run(&t, &u, 0x00, 3, 2, 0x0100, 0, NULL);
	assert_true(t.stalled);
	transfer_run(&t, &u, 0x80, 6, 0x0303, 0x0409, 255, NULL); /* there is no id */
	assert_true(t.stalled);
	transfer_run(&t, &u, 0x80, 6, 0x0100, 0, 18, NULL);
	assert_int_equal(t.data[16], 0);
}

static void test_addresses_and_configurations(void **state)
{
	(void)state;
	vf_usb u;
	transfer t;

	transfer_device(&u, false);
	transfer_run(&t, &u, 0x00, 5, 99, 0, 0, NULL);
	assert_int_equal(t.orders, VF_USB_ORDER_ADDRESS);
	assert_int_equal(u.address, 99);
	transfer_run(&t, &u, 0x00, 9, 1, 0, 0, NULL);
	assert_int_equal(t.orders, VF_USB_ORDER_OPEN);
	transfer_run(&t, &u, 0x80, 8, 0, 0, 1, NULL);
	assert_int_equal(t.data[0], 1);
	transfer_run(&t, &u, 0x00, 9, 1, 0, 0, NULL);
	assert_int_equal(t.orders, VF_USB_ORDER_CLOSE | VF_USB_ORDER_OPEN);
	transfer_run(&t, &u, 0x00, 9, 0, 0, 0, NULL);
	assert_int_equal(t.orders, VF_USB_ORDER_CLOSE);
	transfer_run(&t, &u, 0x80, 8, 0, 0, 1, NULL);
	assert_int_equal(t.data[0], 0);
	transfer_run(&t, &u, 0x00, 5, 0, 0, 0, NULL);
	assert_int_equal(u.state, VF_USB_DEFAULT);
}

static uint8_t endpoint_status(vf_usb *u, uint16_t endpoint)
{
	transfer t;

	transfer_run(&t, u, 0x82, 0, 0, endpoint, 2, NULL);
	assert_false(t.stalled);
	assert_int_equal(t.data[1], 0);
	return t.data[0];
}

static void test_halts(void **state)
{
	(void)state;
	static const struct {
		uint16_t address;
		uint8_t set, interface;
	} endpoint[] = {{VF_USB_OUT, VF_USB_SET_OUT, 1},
			{VF_USB_IN, VF_USB_SET_IN, 1},
			{VF_USB_NOTIFY, VF_USB_SET_NOTIFY, 0}};
	vf_usb u;
	transfer t;

	into_state(&u, VF_USB_CONFIGURED);
	for (unsigned i = 0; i < 3; i++) {
		transfer_run(&t, &u, 0x02, 3, 0, endpoint[i].address, 0, NULL);
		assert_int_equal(t.orders, VF_USB_ORDER_HALT);
		assert_int_equal(t.halt, endpoint[i].set);
		for (unsigned other = 0; other < 3; other++)
			assert_int_equal(endpoint_status(&u, endpoint[other].address), other == i);
		/* twice: the second time it only restarts the toggle */
		for (unsigned twice = 0; twice < 2; twice++) {
			transfer_run(&t, &u, 0x02, 1, 0, endpoint[i].address, 0, NULL);
			assert_int_equal(t.orders, VF_USB_ORDER_RESUME);
			assert_int_equal(t.resume, endpoint[i].set);
			assert_int_equal(endpoint_status(&u, endpoint[i].address), 0);
		}
		transfer_run(&t, &u, 0x02, 3, 0, endpoint[i].address, 0, NULL);
		transfer_run(&t, &u, 0x01, 11, 0, endpoint[i].interface, 0, NULL);
		assert_true((t.resume & endpoint[i].set) != 0);
		assert_int_equal(endpoint_status(&u, endpoint[i].address), 0);
		transfer_run(&t, &u, 0x02, 3, 0, endpoint[i].address, 0, NULL);
		transfer_configure(&u);
		assert_int_equal(endpoint_status(&u, endpoint[i].address), 0);
	}
}

static void test_line_coding_is_kept(void **state)
{
	(void)state;
	static const uint8_t home[7] = {0x00, 0xC2, 0x01, 0x00, 0, 0, 8};
	static const uint8_t odd[7] = {0xFF, 0xFF, 0xFF, 0xFF, 9, 200, 77};
	vf_usb u;
	transfer t;

	into_state(&u, VF_USB_CONFIGURED);
	transfer_run(&t, &u, 0xA1, 0x21, 0, 0, 7, NULL);
	assert_memory_equal(t.data, home, 7);
	transfer_run(&t, &u, 0x21, 0x20, 0, 0, 7, odd);
	assert_int_equal(t.orders, 0);
	transfer_run(&t, &u, 0xA1, 0x21, 0, 0, 7, NULL);
	assert_memory_equal(t.data, odd, 7);
	vf_usb_reset(&u, false);
	assert_memory_equal(u.coding, odd, 7);
}

static void test_lines(void **state)
{
	(void)state;
	vf_usb u;
	transfer t;

	into_state(&u, VF_USB_CONFIGURED);
	transfer_run(&t, &u, 0x21, 0x22, 3, 0, 0, NULL);
	assert_int_equal(t.orders, VF_USB_ORDER_LINES);
	assert_int_equal(u.lines, 3);
	transfer_run(&t, &u, 0x21, 0x22, 0xFF03, 0, 0, NULL); /* nothing new */
	assert_int_equal(t.orders, 0);
	transfer_run(&t, &u, 0x21, 0x22, 2, 0, 0, NULL);
	assert_int_equal(u.lines, 2);
	transfer_run(&t, &u, 0x00, 9, 0, 0, 0, NULL);
	assert_int_equal(t.orders, VF_USB_ORDER_CLOSE | VF_USB_ORDER_LINES);
	assert_int_equal(u.lines, 0);
}

/* The order comes when the status stage is over, and a setup packet before that voids it. */
static void test_test_modes(void **state)
{
	(void)state;
	vf_usb u;
	transfer t;

	for (uint16_t test = 1; test <= 4; test++) {
		into_state(&u, VF_USB_ADDRESSED);
		vf_usb_step s = transfer_setup(&u, 0x00, 3, 2, (uint16_t)(test << 8), 0);
		assert_int_equal(s.orders, 0);
		s = vf_usb_sent(&u);
		assert_int_equal(s.orders, VF_USB_ORDER_TEST);
		assert_int_equal(s.test, test);
	}
	(void)transfer_setup(&u, 0x00, 3, 2, 0x0100, 0);
	transfer_run(&t, &u, 0x80, 0, 0, 0, 2, NULL);
	assert_int_equal(t.orders, 0);
	transfer_device(&u, false);
	transfer_run(&t, &u, 0x00, 3, 2, 0x0100, 0, NULL);
	assert_true(t.stalled);
}

/* A reply of whole packets, asked for with room to spare, ends with an empty one. */
static void test_ends_of_replies(void **state)
{
	(void)state;
	char name[80];
	vf_usb_config config = {.maker = "m", .name = name};
	vf_usb u;
	transfer t;

	for (size_t chars = 0; chars < sizeof name; chars++) {
		size_t len = 2 + 2 * (chars < VF_USB_TEXT_MAX ? chars : VF_USB_TEXT_MAX);

		memset(name, 'x', chars);
		name[chars] = '\0';
		vf_usb_init(&u, &config);
		vf_usb_reset(&u, false);
		transfer_run(&t, &u, 0x80, 6, 0x0302, 0x0409, 255, NULL);
		assert_int_equal(t.len, len);
		assert_int_equal(t.data[0], len);
		assert_int_equal(t.packets, len / 64 + 1);
		transfer_run(&t, &u, 0x80, 6, 0x0302, 0x0409, (uint16_t)len, NULL);
		assert_int_equal(t.len, len);
		assert_int_equal(t.packets, (len + 63) / 64);
	}
}

/* A transfer that is given up at any stage leaves nothing behind for the next one. */
static void test_given_up(void **state)
{
	(void)state;
	static const uint8_t coding[7] = {1, 2, 3, 4, 5, 6, 7};
	vf_usb u;
	transfer t;

	into_state(&u, VF_USB_CONFIGURED);
	(void)transfer_setup(&u, 0x80, 6, 0x0200, 0, 255);
	assert_int_equal(vf_usb_sent(&u).what, VF_USB_SEND);
	transfer_run(&t, &u, 0x80, 6, 0x0100, 0, 64, NULL);
	assert_int_equal(t.len, 18);
	assert_int_equal(t.data[1], 1);

	assert_int_equal(transfer_setup(&u, 0x21, 0x20, 0, 0, 7).what, VF_USB_RECEIVE);
	transfer_run(&t, &u, 0x80, 0, 0, 0, 2, NULL);
	assert_false(t.stalled);
	assert_int_equal(u.coding[0], 0); /* it never came */

	(void)transfer_setup(&u, 0x21, 0x20, 0, 0, 7);
	assert_int_equal(vf_usb_received(&u, coding, 3).what, VF_USB_STALL); /* short */
	(void)transfer_setup(&u, 0x21, 0x20, 0, 0, 7);
	uint8_t more[64] = {0};
	assert_int_equal(vf_usb_received(&u, more, 64).what, VF_USB_STALL); /* too much */
	assert_int_equal(vf_usb_received(&u, coding, 7).what, VF_USB_WAIT); /* too late */
	assert_int_equal(u.coding[0], 0);

	/* on to the status stage before all data was taken; or with data in it */
	(void)transfer_setup(&u, 0x80, 6, 0x0200, 0, 255);
	assert_int_equal(vf_usb_received(&u, NULL, 0).what, VF_USB_WAIT);
	assert_int_equal(vf_usb_sent(&u).what, VF_USB_WAIT);
	(void)transfer_setup(&u, 0x80, 6, 0x0100, 0, 18);
	(void)vf_usb_sent(&u);
	assert_int_equal(vf_usb_received(&u, coding, 1).what, VF_USB_STALL);

	(void)transfer_setup(&u, 0x80, 6, 0x0200, 0, 255);
	vf_usb_reset(&u, true);
	assert_int_equal(vf_usb_sent(&u).what, VF_USB_WAIT);
	assert_int_equal(u.state, VF_USB_DEFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_without_high_speed),
		cmocka_unit_test(test_addresses_and_configurations),
		cmocka_unit_test(test_halts),
		cmocka_unit_test(test_line_coding_is_kept),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_test_modes),
		cmocka_unit_test(test_ends_of_replies),
		cmocka_unit_test(test_given_up),
	};
	return cmocka_run_group_tests_name("usb requests", tests, NULL, NULL);
}
