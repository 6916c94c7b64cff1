/* test_pipe.c - pseudo-terminals, TCP and the errors of opening, for real. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "internal.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { PATIENCE_US = 2000000 };

typedef struct scratch {
	char dir[64];
	char path[128];
} scratch;

static int set_up(void **state)
{
	scratch *s = calloc(1, sizeof *s);
	strcpy(s->dir, "/tmp/vf-io-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->path, sizeof s->path, "%s/port", s->dir);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	scratch *s = *state;
	(void)unlink(s->path);
	int rc = rmdir(s->dir); /* fails if something was left behind */
	free(s);
	return rc;
}

/* Reads until `want` bytes came or patience ends. */
static size_t take(vf_pipe *p, uint8_t *buf, size_t want)
{
	uint64_t until = vf_io_now_us() + PATIENCE_US;
	size_t have = 0;
	while (have < want && vf_io_now_us() < until) {
		long n = vf_pipe_read(p, buf + have, want - have);
		assert_true(n >= 0);
		have += (size_t)n;
		if (n == 0)
			vf_pipe_wait(p, false, vf_io_now_us() + 50000);
	}
	return have;
}

/* Every byte value both ways: nothing is interpreted, echoed or translated. */
static void check_transparent(vf_pipe *a, vf_pipe *b)
{
	uint8_t out[512], in[512];
	for (size_t i = 0; i < sizeof out; i++)
		out[i] = (uint8_t)(i * 7 + 1);
	assert_int_equal(vf_pipe_write(a, out, sizeof out), sizeof out);
	assert_int_equal(take(b, in, sizeof in), sizeof in);
	assert_memory_equal(in, out, sizeof out);
	assert_int_equal(vf_pipe_read(a, in, sizeof in), 0);
}

/* Until the pipe says that it is gone. */
static bool is_gone(vf_pipe *p)
{
	uint8_t byte;
	uint64_t until = vf_io_now_us() + PATIENCE_US;
	while (vf_io_now_us() < until) {
		if (vf_pipe_read(p, &byte, 1) < 0)
			return true;
		vf_pipe_wait(p, false, vf_io_now_us() + 10000);
	}
	return false;
}

static void pty_carries_bytes(void **state)
{
	scratch *s = *state;
	vf_error err;
	vf_pipe *board = vf_pipe_pty(s->path, &err);
	assert_non_null(board);
	assert_string_equal(vf_pipe_name(board), s->path);
	vf_pipe *host = vf_pipe_open(s->path, 921600, &err);
	assert_non_null(host);
	assert_string_equal(vf_pipe_name(host), s->path);
	check_transparent(host, board);
	check_transparent(board, host);
	vf_pipe_close(board);
	assert_true(is_gone(host));
	assert_true(vf_pipe_write(host, (const uint8_t *)"x", 1) < 0);
	vf_pipe_close(host);
	assert_int_not_equal(access(s->path, F_OK), 0); /* the link went too */
}

/* What was written before leaves first, whole. */
static void the_rate_changes_later(void **state)
{
	scratch *s = *state;
	uint8_t out[512] = {1, 2, 3}, in[512];
	vf_error err;
	vf_pipe *board = vf_pipe_pty(s->path, &err);
	assert_non_null(board);
	vf_pipe *host = vf_pipe_open(s->path, 115200, &err);
	assert_non_null(host);
	assert_int_equal(vf_pipe_baud(host), 115200);
	assert_int_equal(vf_pipe_baud(board), 115200);
	assert_int_equal(vf_pipe_max_baud(host), 12000000);
	assert_int_equal(vf_pipe_write(host, out, sizeof out), sizeof out);
	assert_int_equal(vf_pipe_set_baud(host, 1234567), VF_OK);
	assert_int_equal(vf_pipe_baud(host), 1234567);
	assert_int_equal(vf_pipe_baud(board), 1234567);
	assert_int_equal(take(board, in, sizeof in), sizeof in);
	assert_memory_equal(in, out, sizeof in);
	check_transparent(host, board);
	check_transparent(board, host);
	assert_int_equal(vf_pipe_set_baud(host, 0), VF_E_USAGE);
	assert_int_equal(vf_pipe_set_baud(board, 115200), VF_E_USAGE);
	assert_int_equal(vf_pipe_max_baud(board), 0);
	assert_int_equal(vf_pipe_baud(host), 1234567);
	vf_pipe_close(host);
	vf_pipe_close(board);
}

static void tcp_has_no_rate(void **state)
{
	(void)state;
	vf_error err;
	vf_pipe *board = vf_pipe_listen("127.0.0.1:0", &err);
	assert_non_null(board);
	vf_pipe *host = vf_pipe_open(vf_pipe_name(board), 115200, &err);
	assert_non_null(host);
	assert_int_equal(vf_pipe_baud(host), 0);
	assert_int_equal(vf_pipe_max_baud(host), 0);
	assert_int_equal(vf_pipe_set_baud(host, 921600), VF_E_USAGE);
	assert_int_equal(vf_pipe_baud(board), 0);
	vf_pipe_close(host);
	vf_pipe_close(board);
}

static void pty_outlives_its_peers(void **state)
{
	scratch *s = *state;
	vf_error err;
	vf_pipe *board = vf_pipe_pty(s->path, &err);
	for (int i = 0; i < 3; i++) {
		vf_pipe *host = vf_pipe_open(s->path, 0, &err);
		assert_non_null(host);
		check_transparent(host, board);
		check_transparent(board, host);
		vf_pipe_close(host);
	}
	vf_pipe_close(board);
}

static void pty_without_link(void **state)
{
	(void)state;
	vf_error err;
	vf_pipe *board = vf_pipe_pty(NULL, &err);
	assert_non_null(board);
	vf_pipe *host = vf_pipe_open(vf_pipe_name(board), 115200, &err);
	assert_non_null(host);
	check_transparent(host, board);
	vf_pipe_close(host);
	vf_pipe_close(board);
}

static void stale_input_is_dropped(void **state)
{
	scratch *s = *state;
	vf_error err;
	uint8_t buf[16];
	vf_pipe *board = vf_pipe_pty(s->path, &err);
	assert_int_equal(vf_pipe_write(board, (const uint8_t *)"old", 3), 3);
	vf_pipe *host = vf_pipe_open(s->path, 115200, &err);
	assert_int_equal(vf_pipe_write(board, (const uint8_t *)"new", 3), 3);
	assert_int_equal(take(host, buf, 3), 3);
	assert_memory_equal(buf, "new", 3);
	vf_pipe_close(host);
	vf_pipe_close(board);
}

static void settings_are_raw(void **state)
{
	scratch *s = *state;
	vf_error err;
	vf_pipe *board = vf_pipe_pty(s->path, &err);
	struct termios t;
	int fd = open(s->path, O_RDWR | O_NOCTTY); /* what another program left */
	assert_int_equal(tcgetattr(fd, &t), 0);
	t.c_iflag |= ICRNL | IXON | ISTRIP;
	t.c_oflag |= OPOST | ONLCR;
	t.c_lflag |= ICANON | ECHO | ISIG;
	t.c_cflag |= HUPCL;
	assert_int_equal(tcsetattr(fd, TCSANOW, &t), 0);
	vf_pipe *host = vf_pipe_open(s->path, 1234567, &err); /* in no list of speeds */
	assert_non_null(host);
	assert_int_equal(tcgetattr(fd, &t), 0);
	assert_int_equal(t.c_iflag & (tcflag_t)(ICRNL | IXON | IXOFF | ISTRIP | INLCR | PARMRK), 0);
	assert_int_equal(t.c_oflag & (tcflag_t)OPOST, 0);
	assert_int_equal(t.c_lflag & (tcflag_t)(ICANON | ECHO | ISIG | IEXTEN), 0);
	assert_int_equal(t.c_cflag & (tcflag_t)(HUPCL | PARENB | CSTOPB | CRTSCTS), 0);
	assert_int_equal(t.c_cflag & (tcflag_t)CSIZE, CS8);
	assert_int_equal(vf_tty_baud(fd), 1234567);
	(void)close(fd);
	vf_pipe_close(host);
	vf_pipe_close(board);
}

static void second_host_hears_busy(void **state)
{
	scratch *s = *state;
	vf_error err;
	vf_pipe *board = vf_pipe_pty(s->path, &err);
	vf_pipe *host = vf_pipe_open(s->path, 115200, &err);
	assert_non_null(host);
	assert_null(vf_pipe_open(s->path, 115200, &err));
	assert_int_equal(err.code, VF_E_LINK);
	assert_non_null(strstr(err.text, "busy"));
	assert_non_null(strstr(err.text, "in use here already"));
	vf_pipe_close(host);
	host = vf_pipe_open(s->path, 115200, &err); /* and is free again */
	assert_non_null(host);
	vf_pipe_close(host);
	vf_pipe_close(board);
}

/* The program that holds a port is named, whether or not it asked to be alone. */
static void a_holder_is_named(void **state)
{
	scratch *s = *state;
	vf_error err;
	vf_holder holder;
	char says[64];
	int ready[2], end[2];
	vf_pipe *board = vf_pipe_pty(s->path, &err);
	assert_non_null(board);
	assert_false(vf_port_holder(s->path, true, &holder));
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(end), 0);
	const pid_t child = fork();
	if (child == 0) {
		(void)close(end[1]);
		vf_pipe *port = vf_pipe_open(s->path, 115200, &err);
		(void)!write(ready[1], "x", 1);
		(void)!read(end[0], says, 1);
		_exit(port == NULL);
	}
	assert_int_equal(read(ready[0], says, 1), 1);
	assert_null(vf_pipe_open(s->path, 115200, &err));
	assert_true(vf_port_holder(s->path, true, &holder));
	assert_int_equal(holder.pid, child);
	(void)snprintf(says, sizeof says, "busy; %s (process %ld)", holder.name, (long)child);
	assert_non_null(strstr(err.text, says));
	assert_true(vf_port_holder(s->path, false, &holder));
	assert_int_equal(holder.pid, child);
	(void)close(end[1]);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_false(vf_port_holder(s->path, true, &holder));
	assert_false(vf_port_holder("/dev/null/nothing", false, &holder));
	for (int i = 0; i < 2; i++) {
		(void)close(ready[i]);
		(void)close(end[0]);
	}
	vf_pipe_close(board);
}

static void link_replaces_links_only(void **state)
{
	scratch *s = *state;
	vf_error err;
	assert_int_equal(symlink("/dev/pts/nowhere", s->path), 0);
	vf_pipe *board = vf_pipe_pty(s->path, &err);
	assert_non_null(board);
	/* Another board took the place: the first must not remove its link. */
	vf_pipe *other = vf_pipe_pty(s->path, &err);
	assert_non_null(other);
	vf_pipe_close(board);
	vf_pipe *host = vf_pipe_open(s->path, 0, &err);
	assert_non_null(host);
	check_transparent(host, other);
	vf_pipe_close(host);
	vf_pipe_close(other);

	FILE *f = fopen(s->path, "w");
	assert_non_null(f);
	(void)fclose(f);
	assert_null(vf_pipe_pty(s->path, &err));
	assert_int_equal(err.code, VF_E_LINK);
	assert_int_equal(access(s->path, F_OK), 0);
}

/* What is written goes on by itself for a while (the system moves it from one
 * buffer to the next): full is what takes nothing and has not become writable
 * for some time. Returns what it took. */
static size_t fill_up(vf_pipe *p, uint8_t *block, size_t len)
{
	uint64_t until = vf_io_now_us() + PATIENCE_US;
	size_t sent = 0;
	while (vf_io_now_us() < until) {
		long n = vf_pipe_write(p, block, len);
		assert_true(n >= 0); /* full, not broken */
		sent += (size_t)n;
		uint64_t before = vf_io_now_us();
		vf_pipe_wait(p, true, before + 30000);
		if (n == 0 && vf_io_now_us() - before >= 29000)
			return sent;
	}
	fail_msg("never full after %zu bytes", sent);
	return 0;
}

static void write_reports_what_fitted(void **state)
{
	scratch *s = *state;
	vf_error err;
	static uint8_t block[65536];
	vf_pipe *board = vf_pipe_pty(s->path, &err);
	vf_pipe *host = vf_pipe_open(s->path, 0, &err);
	size_t sent = fill_up(host, block, sizeof block);
	assert_true(sent > 0 && sent < 16 * sizeof block);
	assert_int_equal(take(board, block, 4096), 4096);
	uint64_t until = vf_io_now_us() + PATIENCE_US;
	long n;
	while ((n = vf_pipe_write(host, block, 1)) == 0 && vf_io_now_us() < until) {
		assert_true(vf_pipe_read(board, block, sizeof block) >= 0);
		vf_pipe_wait(host, true, until);
	}
	assert_int_equal(n, 1);
	assert_true(vf_io_now_us() < until); /* woken, not waited out */
	vf_pipe_close(host);
	vf_pipe_close(board);
}

static void wait_wakes_on_input(void **state)
{
	scratch *s = *state;
	vf_error err;
	vf_pipe *board = vf_pipe_pty(s->path, &err);
	uint64_t before = vf_io_now_us();
	vf_pipe_wait(board, false, before + 20000);
	assert_true(vf_io_now_us() - before >= 19000);
	vf_pipe *host = vf_pipe_open(s->path, 0, &err);
	assert_int_equal(vf_pipe_write(host, (const uint8_t *)"x", 1), 1);
	before = vf_io_now_us();
	vf_pipe_wait(board, false, before + PATIENCE_US);
	assert_true(vf_io_now_us() - before < PATIENCE_US / 2);
	vf_pipe_close(host);
	vf_pipe_close(board);
}

static void tcp_loopback(void **state)
{
	(void)state;
	vf_error err;
	vf_pipe *board = vf_pipe_listen("127.0.0.1:0", &err);
	assert_non_null(board);
	assert_int_equal(strncmp(vf_pipe_name(board), "tcp://127.0.0.1:", 16), 0);
	assert_int_not_equal(strtol(vf_pipe_name(board) + 16, NULL, 10), 0);
	/* Nobody there: what is sent is lost, and that is no error. */
	assert_int_equal(vf_pipe_write(board, (const uint8_t *)"lost", 4), 4);
	for (int i = 0; i < 3; i++) {
		vf_pipe *host = vf_pipe_open(vf_pipe_name(board), 115200, &err);
		assert_non_null(host);
		check_transparent(host, board);
		check_transparent(board, host);
		vf_pipe *second = vf_pipe_open(vf_pipe_name(board), 115200, &err);
		assert_non_null(second); /* the system takes the call, we hang up */
		(void)vf_pipe_read(board, (uint8_t[1]){0}, 1);
		assert_true(is_gone(second));
		vf_pipe_close(second);
		check_transparent(host, board);
		vf_pipe_close(host);
		vf_pipe_wait(board, false, vf_io_now_us() + PATIENCE_US);
		assert_int_equal(vf_pipe_read(board, (uint8_t[1]){0}, 1), 0);
	}
	vf_pipe_close(board);
}

/* Commands that follow one another at once: the next one calls before the board
 * has read that the last one hung up. */
static void tcp_peer_takes_the_place_of_one_that_left(void **state)
{
	(void)state;
	vf_error err;
	vf_pipe *board = vf_pipe_listen("127.0.0.1:0", &err);
	vf_pipe *first = vf_pipe_open(vf_pipe_name(board), 0, &err);
	check_transparent(first, board);
	vf_pipe_close(first);
	vf_pipe *second = vf_pipe_open(vf_pipe_name(board), 0, &err);
	assert_non_null(second);
	check_transparent(second, board);
	check_transparent(board, second);
	vf_pipe_close(second);
	vf_pipe_close(board);
}

static void tcp_peer_sees_the_end(void **state)
{
	(void)state;
	vf_error err;
	vf_pipe *board = vf_pipe_listen("127.0.0.1:0", &err);
	vf_pipe *host = vf_pipe_open(vf_pipe_name(board), 0, &err);
	check_transparent(host, board);
	vf_pipe_close(board);
	assert_true(is_gone(host));
	for (int i = 0; i < 3; i++) /* no SIGPIPE */
		(void)vf_pipe_write(host, (const uint8_t *)"x", 1);
	vf_pipe_close(host);
}

/* Only the address that was asked for is bound. */
static void tcp_binds_what_was_asked(void **state)
{
	(void)state;
	vf_error err;
	char other[64];
	vf_pipe *board = vf_pipe_listen("127.0.0.1:0", &err);
	(void)snprintf(other, sizeof other, "tcp://127.0.0.2:%s", vf_pipe_name(board) + 16);
	assert_null(vf_pipe_open(other, 0, &err));
	assert_int_equal(err.code, VF_E_LINK);
	assert_null(vf_pipe_listen(vf_pipe_name(board) + 6, &err)); /* taken */
	assert_int_equal(err.code, VF_E_LINK);
	assert_non_null(strstr(err.text, "cannot listen"));
	vf_pipe_close(board);
}

static void expect_open_error(const char *name, int code, const char *says)
{
	vf_error err = {.code = VF_OK};
	vf_pipe *p = vf_pipe_open(name, 115200, &err);
	if (p != NULL || err.code != code || strstr(err.text, says) == NULL)
		print_message("%s: code %d, \"%s\"\n", name, err.code, err.text);
	assert_null(p);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.text, says));
	assert_null(strchr(err.text, '\n'));
}

static void open_says_what_is_wrong(void **state)
{
	scratch *s = *state;
	expect_open_error("", VF_E_USAGE, "empty");
	expect_open_error("/dev/ttyNOTTHERE9", VF_E_LINK, "no such port");
	expect_open_error(s->dir, VF_E_LINK, "not a serial port");
	expect_open_error("/dev/null", VF_E_LINK, "not a serial port");
	expect_open_error("rfc2217://h", VF_E_USAGE, "HOST:PORT");
	expect_open_error("udp://h:1", VF_E_USAGE, "unknown kind of port");
	expect_open_error("tcp://", VF_E_USAGE, "HOST:PORT");
	expect_open_error("tcp://localhost", VF_E_USAGE, "HOST:PORT");
	expect_open_error("tcp://localhost:", VF_E_USAGE, "HOST:PORT");
	expect_open_error("tcp://:4444", VF_E_USAGE, "HOST:PORT");
	expect_open_error("tcp://localhost:70000", VF_E_USAGE, "HOST:PORT");
	expect_open_error("tcp://localhost:http", VF_E_USAGE, "HOST:PORT");
	expect_open_error("tcp://::1:4444", VF_E_USAGE, "brackets");
	expect_open_error("tcp://no-such-host.invalid:4444", VF_E_LINK, "unknown host");
	FILE *f = fopen(s->path, "w");
	assert_non_null(f);
	(void)fclose(f);
	expect_open_error(s->path, VF_E_LINK, "not a serial port");

	/* Bound, but nobody listens: no other program can come to listen there. */
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t len = sizeof addr;
	char name[64];
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	(void)snprintf(name, sizeof name, "tcp://127.0.0.1:%u", (unsigned)ntohs(addr.sin_port));
	expect_open_error(name, VF_E_LINK, "refused");
	(void)close(fd);
}

/* As root every device can be opened, so this needs somebody who is not. */
static void no_right_names_the_group(void **state)
{
	scratch *s = *state;
	vf_error err;
	vf_pipe *board = vf_pipe_pty(s->path, &err);
	if (geteuid() == 0) {
		assert_int_equal(chmod(s->dir, 0755), 0);
		assert_int_equal(chmod(s->path, 0), 0);
		assert_int_equal(seteuid(65534), 0);
	} else {
		assert_int_equal(chmod(s->path, 0), 0);
	}
	vf_pipe *host = vf_pipe_open(s->path, 115200, &err);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_null(host);
	assert_int_equal(err.code, VF_E_LINK);
	assert_non_null(strstr(err.text, "no right"));
	assert_non_null(strstr(err.text, "usermod -aG"));
	vf_pipe_close(board);
}

static void closing_nothing_is_harmless(void **state)
{
	(void)state;
	vf_pipe_close(NULL);
}

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCRATCH(pty_carries_bytes),
		WITH_SCRATCH(the_rate_changes_later),
		cmocka_unit_test(tcp_has_no_rate),
		WITH_SCRATCH(pty_outlives_its_peers),
		cmocka_unit_test(pty_without_link),
		WITH_SCRATCH(stale_input_is_dropped),
		WITH_SCRATCH(settings_are_raw),
		WITH_SCRATCH(second_host_hears_busy),
		WITH_SCRATCH(a_holder_is_named),
		WITH_SCRATCH(link_replaces_links_only),
		WITH_SCRATCH(write_reports_what_fitted),
		WITH_SCRATCH(wait_wakes_on_input),
		cmocka_unit_test(tcp_loopback),
		cmocka_unit_test(tcp_peer_takes_the_place_of_one_that_left),
		cmocka_unit_test(tcp_peer_sees_the_end),
		cmocka_unit_test(tcp_binds_what_was_asked),
		WITH_SCRATCH(open_says_what_is_wrong),
		WITH_SCRATCH(no_right_names_the_group),
		cmocka_unit_test(closing_nothing_is_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
