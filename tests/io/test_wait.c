/* test_wait.c - one wait for many pipes, opening without waiting, and two names of one
 * port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <vcpflash/io.h>

enum { PAIRS = 100, LONG_US = 60000000 };

static uint64_t later(void)
{
	return vf_io_now_us() + LONG_US;
}

/* Only those that have something are ready; whoever may write is, if it was asked. */
static void test_many(void **state)
{
	vf_pipe *master[PAIRS], *slave[PAIRS];
	vf_pipe_watch watch[PAIRS];
	vf_error err = {0};
	(void)state;
	for (int i = 0; i < PAIRS; i++) {
		master[i] = vf_pipe_pty(NULL, &err);
		assert_non_null(master[i]);
		slave[i] = vf_pipe_open(vf_pipe_name(master[i]), 0, &err);
		assert_non_null(slave[i]);
		watch[i] = (vf_pipe_watch){.pipe = slave[i], .ready = true};
	}
	vf_pipes_wait(watch, PAIRS, 0);
	for (int i = 0; i < PAIRS; i++)
		assert_false(watch[i].ready);
	assert_int_equal(vf_pipe_write(master[7], (const uint8_t *)"a", 1), 1);
	assert_int_equal(vf_pipe_write(master[PAIRS - 1], (const uint8_t *)"b", 1), 1);
	watch[50].want_write = true;
	vf_pipes_wait(watch, PAIRS, later());
	for (int i = 0; i < PAIRS; i++)
		if (i == 50)
			assert_true(watch[i].ready);
		else if (i != 7 && i != PAIRS - 1) /* those may be a moment later */
			assert_false(watch[i].ready);
	watch[50].want_write = false;
	while (!watch[7].ready || !watch[PAIRS - 1].ready)
		vf_pipes_wait(watch, PAIRS, later());
	for (int i = 0; i < PAIRS; i++) {
		vf_pipe_close(slave[i]);
		vf_pipe_close(master[i]);
	}
}

/* A host that accepts, and one that does not, without a call that waits. */
static void test_opening(void **state)
{
	char name[64];
	vf_error err = {0};
	uint64_t again_us = 0;
	int status;
	(void)state;
	vf_pipe *host = vf_pipe_listen("127.0.0.1:0", &err);
	assert_non_null(host);
	(void)snprintf(name, sizeof name, "%s", vf_pipe_name(host));
	vf_pipe *p = vf_pipe_begin(name, 0, &err);
	assert_non_null(p);
	while ((status = vf_pipe_opened(p, &again_us, &err)) == VF_IO_LATER)
		vf_pipe_wait(p, false, again_us);
	assert_int_equal(status, VF_OK);
	assert_int_equal(vf_pipe_opened(p, &again_us, &err), VF_OK);
	vf_pipe_close(p);
	vf_pipe_close(host);
	p = vf_pipe_begin(name, 0, &err);
	assert_non_null(p);
	while ((status = vf_pipe_opened(p, &again_us, &err)) == VF_IO_LATER)
		vf_pipe_wait(p, false, again_us);
	assert_int_equal(status, VF_E_LINK);
	assert_non_null(strstr(err.text, "refused"));
	vf_pipe_close(p);
	p = vf_pipe_begin(name, 0, &err); /* given up while it is on its way */
	assert_non_null(p);
	vf_pipe_close(p);
}

static void test_names(void **state)
{
	vf_port_place a, b, c;
	vf_error err = {0};
	char link[] = "/tmp/vcpflash-name-XXXXXX", path[64];
	(void)state;
	vf_pipe *pty = vf_pipe_pty(NULL, &err);
	assert_non_null(pty);
	assert_non_null(mkdtemp(link));
	(void)snprintf(path, sizeof path, "%s/port", link);
	assert_int_equal(symlink(vf_pipe_name(pty), path), 0);
	assert_int_equal(vf_port_locate(vf_pipe_name(pty), &a, &err), VF_OK);
	assert_int_equal(vf_port_locate(path, &b, &err), VF_OK);
	assert_true(a.exists && b.exists && vf_port_same(&a, &b));
	(void)unlink(path);
	assert_int_equal(vf_port_locate(path, &c, &err), VF_OK);
	assert_false(c.exists || vf_port_same(&a, &c));
	(void)rmdir(link);
	vf_pipe_close(pty);
	assert_int_equal(vf_port_locate("tcp://127.0.0.1:4444", &a, &err), VF_OK);
	assert_int_equal(vf_port_locate("rfc2217://127.0.0.1:4444", &b, &err), VF_OK);
	assert_int_equal(vf_port_locate("tcp://127.0.0.1:4445", &c, &err), VF_OK);
	assert_true(a.network && vf_port_same(&a, &b));
	assert_false(vf_port_same(&a, &c));
	assert_int_equal(vf_port_locate("tcp://127.0.0.1", &c, &err), VF_E_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_opening),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
