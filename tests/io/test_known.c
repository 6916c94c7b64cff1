/* test_known.c - which ports are known: ids, and the list of those used before. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ids(void **state)
{
	(void)state;
	assert_true(vf_known_usb(0x0483, 0x374e, NULL));
	assert_true(vf_known_usb(0x0483, 0x5740, NULL));
	assert_false(vf_known_usb(0x0403, 0x6001, NULL)); /* a bare bridge: anything */
	assert_false(vf_known_usb(-1, -1, NULL));
	assert_false(vf_known_usb(0x1209, 0x0001, NULL)); /* for tests: many devices have it */
	assert_false(vf_known_usb(0x1209, 0x0001, ""));
	assert_false(vf_known_usb(0x1209, 0x0001, "vcpflash too"));
	assert_true(vf_known_usb(0x1209, 0x0001, "vcpflash"));
	assert_true(vf_known_usb(0x0001, 0x0002, "vcpflash")); /* a build with its own id */
	assert_int_equal(vf_known_max_baud(0x0483, 0x374b), 1200000);
	assert_int_equal(vf_known_max_baud(0x0483, 0x374f), 0); /* STLINK-V3 does all of them */
	assert_int_equal(vf_known_max_baud(0x0403, 0x374b), 0);
	assert_int_equal(vf_known_max_baud(-1, -1), 0);
}

static void usb_ports_are_known_wherever_they_appear(void **state)
{
	(void)state;
	char *text = vf_known_add("", "/dev/ttyUSB0", 0x0403, 0x6001, "A1");
	assert_string_equal(text, "0403:6001:A1\t/dev/ttyUSB0\n");
	assert_true(vf_known_has(text, "/dev/ttyUSB7", 0x0403, 0x6001, "A1"));
	assert_false(vf_known_has(text, "/dev/ttyUSB0", 0x0403, 0x6001, "A10"));
	assert_false(vf_known_has(text, "/dev/ttyUSB0", 0x0403, 0x6001, NULL));
	assert_false(vf_known_has(text, "/dev/ttyUSB0", -1, -1, NULL));
	free(text);
}

static void other_ports_are_known_by_path(void **state)
{
	(void)state;
	char *text = vf_known_add("", "/dev/ttyS1", -1, -1, NULL);
	assert_true(vf_known_has(text, "/dev/ttyS1", -1, -1, NULL));
	assert_false(vf_known_has(text, "/dev/ttyS10", -1, -1, NULL));
	assert_false(vf_known_has(text, "/dev/ttyS", -1, -1, NULL));
	free(text);
	assert_null(vf_known_add("", "/dev/odd\nname", -1, -1, NULL));
}

static void the_list_stays_short_and_keeps_the_newest(void **state)
{
	(void)state;
	char *text = vf_io_strdup("");
	char name[32];
	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof name, "/dev/ttyS%d", i % 50);
		char *more = vf_known_add(text, name, -1, -1, NULL);
		assert_non_null(more);
		free(text);
		text = more;
	}
	size_t lines = 0;
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 32);
	assert_true(vf_known_has(text, "/dev/ttyS49", -1, -1, NULL));
	assert_true(vf_known_has(text, "/dev/ttyS18", -1, -1, NULL));
	assert_false(vf_known_has(text, "/dev/ttyS17", -1, -1, NULL));
	free(text);
}

/* Somebody's editor, or another program's file. */
static void odd_files_do_no_harm(void **state)
{
	(void)state;
	const char *odd = "\n\n-\n\t\nno tab\n-\t/dev/ttyS3";
	assert_true(vf_known_has(odd, "/dev/ttyS3", -1, -1, NULL));
	assert_false(vf_known_has(odd, "", 0, 0, NULL));
	char *text = vf_known_add(odd, "/dev/ttyS4", -1, -1, NULL);
	assert_true(vf_known_has(text, "/dev/ttyS3", -1, -1, NULL));
	assert_true(vf_known_has(text, "/dev/ttyS4", -1, -1, NULL));
	free(text);
}

static void the_file_is_where_it_should_be(void **state)
{
	(void)state;
	assert_int_equal(setenv("HOME", "/home/somebody", 1), 0);
	assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
	char *path = vf_known_path();
	assert_string_equal(path, "/home/somebody/.local/state/vcpflash/ports");
	free(path);
	assert_int_equal(setenv("XDG_STATE_HOME", "/var/state", 1), 0);
	path = vf_known_path();
	assert_string_equal(path, "/var/state/vcpflash/ports");
	free(path);
	assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
	path = vf_known_path();
	assert_string_equal(path, "/home/somebody/.local/state/vcpflash/ports");
	free(path);
	assert_int_equal(unsetenv("HOME"), 0);
	assert_null(vf_known_path());
}

static int check_port(void *ctx, const vf_port_info *port)
{
	unsigned *count = ctx;
	assert_non_null(port->name);
	assert_int_equal(port->vid < 0, port->pid < 0);
	(*count)++;
	return 0;
}

static int stop_at_once(void *ctx, const vf_port_info *port)
{
	(void)port;
	++*(unsigned *)ctx;
	return 7;
}

/* Whatever ports this machine has. */
static void listing_goes_through_all(void **state)
{
	(void)state;
	unsigned all = 0, first = 0;
	vf_error err;
	assert_int_equal(vf_ports_list(check_port, &all, &err), 0);
	int stopped = vf_ports_list(stop_at_once, &first, &err);
	assert_int_equal(stopped, all > 0 ? 7 : 0);
	assert_int_equal(first, all > 0 ? 1 : 0);
	print_message("%u serial ports here\n", all);
}

/* A pseudo-terminal must not become a port that `auto` speaks to. */
static void pseudo_terminals_are_not_remembered(void **state)
{
	(void)state;
	char dir[] = "/tmp/vf-io-XXXXXX";
	vf_error err;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(setenv("XDG_STATE_HOME", dir, 1), 0);
	vf_pipe *p = vf_pipe_pty(NULL, &err);
	vf_ports_remember(vf_pipe_name(p));
	vf_ports_remember("tcp://localhost:1");
	vf_ports_remember("/nowhere");
	vf_pipe_close(p);
	assert_int_equal(remove(dir), 0); /* still empty */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids),
		cmocka_unit_test(usb_ports_are_known_wherever_they_appear),
		cmocka_unit_test(other_ports_are_known_by_path),
		cmocka_unit_test(the_list_stays_short_and_keeps_the_newest),
		cmocka_unit_test(odd_files_do_no_harm),
		cmocka_unit_test(the_file_is_where_it_should_be),
		cmocka_unit_test(listing_goes_through_all),
		cmocka_unit_test(pseudo_terminals_are_not_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
