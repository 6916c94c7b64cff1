/* board_process.c - vcpflash-sim as people start it: its options, its ready
 * line, its files, its signals. The program's path is the first argument. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vcpflash/io.h>
#include <vcpflash/wire.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_US = 20000000, MOST_ARGS = 16, SMALL = 16 << 20 };

typedef struct scratch {
	const char *program;
	char dir[64];
	char flash[96], port[96], text[96];
	pid_t pid;
	int out; /* its standard output and error */
	char said[8192];
	size_t said_len;
} scratch;

static int set_up(void **state)
{
	scratch *s = *state;
	strcpy(s->dir, "/tmp/vf-sim-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->flash, sizeof s->flash, "%s/flash", s->dir);
	(void)snprintf(s->port, sizeof s->port, "%s/port", s->dir);
	(void)snprintf(s->text, sizeof s->text, "%s/text", s->dir);
	return 0;
}

static int tear_down(void **state)
{
	scratch *s = *state;
	if (s->pid > 0) {
		(void)kill(s->pid, SIGKILL);
		(void)waitpid(s->pid, NULL, 0);
		(void)close(s->out);
		s->pid = 0;
		(void)unlink(s->port);
	}
	(void)unlink(s->flash);
	(void)unlink(s->text);
	return rmdir(s->dir); /* fails if something was left behind */
}

static void start(scratch *s, const char *const *args)
{
	static char words[MOST_ARGS + 1][128]; /* execv wants them writable */
	char *argv[MOST_ARGS + 2] = {words[0]};
	(void)snprintf(words[0], sizeof words[0], "%s", s->program);
	int ends[2];
	for (int i = 0; i < MOST_ARGS && args[i] != NULL; i++) {
		argv[i + 1] = words[i + 1];
		(void)snprintf(words[i + 1], sizeof words[i + 1], "%s", args[i]);
	}
	assert_int_equal(pipe(ends), 0);
	s->said_len = 0;
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)dup2(ends[1], STDERR_FILENO);
		(void)close(ends[0]);
		(void)close(ends[1]);
		(void)execv(argv[0], argv);
		_exit(127);
	}
	(void)close(ends[1]);
	s->out = ends[0];
	assert_int_equal(fcntl(s->out, F_SETFL, O_NONBLOCK), 0);
}

/* Reads what it says; false at its end. */
static bool listen_to(scratch *s)
{
	ssize_t n = read(s->out, s->said + s->said_len, sizeof s->said - 1 - s->said_len);
	if (n > 0)
		s->said_len += (size_t)n;
	s->said[s->said_len] = '\0';
	if (n < 0)
		(void)usleep(2000);
	return n != 0;
}

static void wait_for(scratch *s, const char *words)
{
	uint64_t until = vf_io_now_us() + PATIENCE_US;
	s->said[s->said_len] = '\0';
	while (strstr(s->said, words) == NULL)
		if (!listen_to(s) || vf_io_now_us() > until)
			fail_msg("never said \"%s\", but: %s", words, s->said);
}

/* The status it ends with. */
static int finish(scratch *s)
{
	int status = 0;
	while (listen_to(s))
		;
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	(void)close(s->out);
	s->pid = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define START(s, ...) start(s, (const char *const[]){__VA_ARGS__, NULL})

static int run(scratch *s, const char *const *args)
{
	start(s, args);
	return finish(s);
}

#define RUN(s, ...) run(s, (const char *const[]){__VA_ARGS__, NULL})

static void expect_bad(scratch *s, int code, const char *says, const char *const *args)
{
	int status = run(s, args);
	if (status != code || strstr(s->said, says) == NULL)
		fail_msg("%s …: exit %d: %s", args[0], status, s->said);
}

#define EXPECT_BAD(s, code, says, ...)                                                             \
	expect_bad(s, code, says, (const char *const[]){__VA_ARGS__, NULL})

static void lists_and_helps(void **state)
{
	scratch *s = *state;
	static const char *const chips[] = {"mt25ql512ab", "n25q128a",  "n25q512a",    "n25q256a",
					    "mx66l1g45g",  "w25q512jv", "mx25l51245g", "w25q128jv",
					    "w25q256jv",   "is25lp256", "s25fl512s",   "gd25q128"};
	assert_int_equal(RUN(s, "--list-chips"), 0);
	for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++)
		assert_non_null(strstr(s->said, chips[i]));
	assert_int_equal(RUN(s, "--help"), 0);
	assert_non_null(strstr(s->said, "--fault SPEC"));
	assert_int_equal(RUN(s, "--version"), 0);
	assert_int_equal(strncmp(s->said, "vcpflash-sim ", 13), 0);
}

static void wrong_usage_is_told(void **state)
{
	scratch *s = *state;
	EXPECT_BAD(s, 2, "--list-chips", "--chip", "abc");
	EXPECT_BAD(s, 2, "option", "--explode");
	EXPECT_BAD(s, 2, "requires an argument", "--chip");
	EXPECT_BAD(s, 2, "meant to be", "file.bin");
	EXPECT_BAD(s, 5, "no such file", "--key-file", "/nowhere/at/all");
	EXPECT_BAD(s, 5, "a key is 32 bytes", "--key-file", "/dev/null");
	EXPECT_BAD(s, 2, "an address", "--base", "somewhere");
	EXPECT_BAD(s, 2, "an address", "--base", "0x100000000");
	EXPECT_BAD(s, 2, "beyond 4 GB", "--base", "0xffff0000");
	EXPECT_BAD(s, 2, "real or none", "--time", "fast");
	EXPECT_BAD(s, 2, "usb-fs", "--link", "usb");
	EXPECT_BAD(s, 2, "corrupt=P", "--fault", "corrupt=2");
	EXPECT_BAD(s, 2, "outside the chip", "--fault", "badbit=0x80000000");
	EXPECT_BAD(s, 2, "a number", "--seed", "-1");
	EXPECT_BAD(s, 2, "a power of two", "--ring", "1000");
	EXPECT_BAD(s, 2, "a power of two", "--window", "3K");
	EXPECT_BAD(s, 2, "a number", "--payload", "63");
	EXPECT_BAD(s, 2, "1 to 32", "--name", "");
	EXPECT_BAD(s, 2, "exclude", "--pty", "a", "--tcp", "127.0.0.1:0");
	EXPECT_BAD(s, 2, "HOST:PORT", "--tcp", "4444");
	EXPECT_BAD(s, 2, "window", "--chip", "s25fl512s", "--dual", "--window", "512");
	EXPECT_BAD(s, 3, "cannot make the link", "--chip", "w25q128jv", "--pty", "/nowhere/at/all");
	EXPECT_BAD(s, 4, "6e 52 17", "--chip", "generic-none");
}

static void put_file(const char *name, size_t len)
{
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	assert_int_equal(fseek(f, (long)len - 1, SEEK_SET), 0);
	assert_int_equal(fputc(0, f), 0);
	(void)fclose(f);
}

static void wrong_files_are_told(void **state)
{
	scratch *s = *state;
	put_file(s->text, 100);
	EXPECT_BAD(s, 5, "it has 100 bytes", "--chip", "w25q128jv", "--flash", s->text);
	EXPECT_BAD(s, 5, "it has 100 bytes", "--chip", "w25q128jv", "--internal", s->text);
	EXPECT_BAD(s, 5, "is a directory", "--flash", s->dir);
	EXPECT_BAD(s, 5, "directory is not there", "--flash", "/nowhere/at/all");
}

static vf_pipe *open_port(const char *name)
{
	vf_error err;
	vf_pipe *p = vf_pipe_open(name, 115200, &err);
	if (p == NULL)
		fail_msg("%s", err.text);
	return p;
}

static void send_frame(vf_pipe *p, const uint8_t *body, size_t len)
{
	uint8_t frame[VF_WIRE_FRAME_SIZE(1024)];
	vf_encoder e;
	vf_encode_begin(&e, frame, sizeof frame);
	vf_encode_put(&e, body, len);
	size_t n = vf_encode_end(&e);
	assert_true(n > 0);
	assert_int_equal(vf_pipe_write(p, frame, n), n);
}

/* Waits for a frame of that kind; its body is left in `d`. */
static void await(vf_pipe *p, vf_decoder *d, uint8_t kind)
{
	uint64_t until = vf_io_now_us() + PATIENCE_US;
	uint8_t byte;
	for (;;) {
		enum vf_decoder_event event = VF_DECODE_MORE;
		if (vf_io_now_us() > until)
			fail_msg("no frame of kind %02x", kind);
		if (vf_pipe_read(p, &byte, 1) == 1)
			(void)vf_decode(d, &byte, 1, &event);
		else
			vf_pipe_wait(p, false, vf_io_now_us() + 100000);
		if (event == VF_DECODE_FRAME && vf_body_kind(d->buf) == kind)
			return;
	}
}

static void hello(vf_pipe *p, vf_decoder *d, uint64_t session, vf_welcome *w)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_hello h = {.version_min = 1, .version_max = 1, .payload = 256, .session = session};
	send_frame(p, body, vf_pack_hello(body, 0, &h));
	await(p, d, VF_KIND_WELCOME);
	assert_int_equal(vf_unpack_welcome(w, d->buf, d->len), 0);
	assert_true(w->session == session);
}

/* PROGRAM of 256 bytes at `address`, waited for. */
static void program_page(vf_pipe *p, vf_decoder *d, uint32_t tag, uint32_t address, uint8_t fill)
{
	uint8_t body[VF_WIRE_DATA_HEADER + VF_WIRE_MESSAGE_HEADER + 256];
	vf_message m = {.type = VF_MESSAGE_PROGRAM, .address = address, .length = 256};
	vf_state state = {.done = 0};
	vf_put_header(body, VF_KIND_DATA, 1, tag);
	vf_put32(body + VF_WIRE_HEADER, 0);
	uint8_t header[VF_WIRE_MESSAGE_LONG];
	size_t n = vf_pack_message(header, &m);
	assert_int_equal(n, VF_WIRE_MESSAGE_HEADER);
	memcpy(body + VF_WIRE_DATA_HEADER, header, n);
	memset(body + VF_WIRE_DATA_HEADER + n, fill, 256);
	send_frame(p, body, sizeof body);
	while (state.done < 1) {
		await(p, d, VF_KIND_STATE);
		assert_int_equal(vf_unpack_state(&state, d->buf, d->len), 0);
		assert_int_equal(state.flags & VF_STATE_STOPPED, 0);
	}
}

static void expect_byte(const char *file, long at, int byte)
{
	FILE *f = fopen(file, "r");
	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	assert_int_equal(fgetc(f), byte);
	(void)fclose(f);
}

static void keeps_its_flash(void **state)
{
	scratch *s = *state;
	uint8_t buf[5000];
	vf_welcome w;
	for (int round = 0; round < 2; round++) {
		vf_decoder d;
		vf_decoder_init(&d, buf, sizeof buf);
		START(s, "--chip", "w25q128jv", "--flash", s->flash, "--pty", s->port, "--seed",
		      "1", "--name", "bench 7");
		wait_for(s, "ready ");
		assert_non_null(strstr(s->said, s->port));
		vf_pipe *p = open_port(s->port);
		hello(p, &d, 0x1122334455667788u + (unsigned)round, &w);
		assert_string_equal(w.name, "bench 7");
		program_page(p, &d, 0x55667788u + (unsigned)round,
			     0x90000000u + (unsigned)round * 256, (uint8_t)(0x11 + round));
		vf_pipe_close(p);
		(void)kill(s->pid, round == 0 ? SIGTERM : SIGINT);
		assert_int_equal(finish(s), 0);
		assert_int_not_equal(access(s->port, F_OK), 0);
	}
	expect_byte(s->flash, 0, 0x11); /* of the first run, loaded and saved again */
	expect_byte(s->flash, 255, 0x11);
	expect_byte(s->flash, 256, 0x12);
	expect_byte(s->flash, 512, 0xFF);
	expect_byte(s->flash, SMALL - 1, 0xFF);
	expect_byte(s->flash, SMALL, EOF);
}

static void listens_on_tcp(void **state)
{
	scratch *s = *state;
	uint8_t buf[5000];
	char name[64];
	vf_decoder d;
	vf_welcome w;
	vf_decoder_init(&d, buf, sizeof buf);
	START(s, "--chip", "w25q128jv", "--tcp", "127.0.0.1:0", "--time", "none", "--internal",
	      s->flash, "--seed", "1");
	wait_for(s, "ready tcp://127.0.0.1:");
	wait_for(s, "\n");
	assert_int_equal(sscanf(strstr(s->said, "tcp://"), "%63s", name), 1);
	assert_true(strtol(strrchr(name, ':') + 1, NULL, 10) > 0);
	for (int i = 1; i < 3; i++) { /* one host after the other */
		vf_pipe *p = open_port(name);
		hello(p, &d, (uint64_t)i, &w);
		assert_string_equal(w.name, "vcpflash-sim");
		assert_int_equal(w.memories, 2);
		vf_pipe_close(p);
		(void)usleep(20000);
	}
	(void)kill(s->pid, SIGTERM);
	assert_int_equal(finish(s), 0);
	expect_byte(s->flash, (2 << 20) - 1, 0xFF);
	expect_byte(s->flash, 2 << 20, EOF);
}

/* The reset button: the session is gone, and the board says so. */
static void resets(void **state)
{
	scratch *s = *state;
	uint8_t buf[5000], body[VF_WIRE_HEADER];
	vf_decoder d;
	vf_welcome w;
	vf_decoder_init(&d, buf, sizeof buf);
	START(s, "--chip", "w25q128jv", "--pty", s->port, "--seed", "1");
	wait_for(s, "ready ");
	vf_pipe *p = open_port(s->port);
	hello(p, &d, 77, &w);
	(void)kill(s->pid, SIGUSR1);
	(void)usleep(300000);
	vf_put_header(body, VF_KIND_QUERY, 5, 77);
	send_frame(p, body, sizeof body);
	await(p, &d, VF_KIND_ENDED);
	assert_int_equal(vf_get32(d.buf + VF_WIRE_HEADER), 0);
	hello(p, &d, 78, &w);
	vf_pipe_close(p);
	(void)kill(s->pid, SIGTERM);
	assert_int_equal(finish(s), 0);
}

/* A person with a terminal. */
static void greets(void **state)
{
	scratch *s = *state;
	char text[512] = "";
	size_t len = 0;
	START(s, "--chip", "w25q128jv", "--seed", "1", "--link", "uart:115200");
	wait_for(s, "ready /dev/pts/");
	wait_for(s, "\n");
	assert_int_equal(sscanf(strstr(s->said, "/dev/pts/"), "%63s", s->port), 1);
	vf_pipe *p = open_port(s->port);
	assert_int_equal(vf_pipe_write(p, (const uint8_t *)"\r", 1), 1);
	uint64_t until = vf_io_now_us() + PATIENCE_US;
	while (strstr(text, "vcpflash") == NULL && vf_io_now_us() < until) {
		long n = vf_pipe_read(p, (uint8_t *)text + len, sizeof text - 1 - len);
		assert_true(n >= 0);
		len += (size_t)n;
		text[len] = '\0';
		vf_pipe_wait(p, false, vf_io_now_us() + 50000);
	}
	assert_non_null(strstr(text, "vcpflash"));
	vf_pipe_close(p);
	(void)kill(s->pid, SIGTERM);
	assert_int_equal(finish(s), 0);
	(void)snprintf(s->port, sizeof s->port, "%s/port", s->dir);
}

int main(int argc, char **argv)
{
	scratch s = {.program = argc > 1 ? argv[1] : "./vcpflash-sim"};
	struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lists_and_helps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_usage_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_files_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keeps_its_flash, set_up, tear_down),
		cmocka_unit_test_setup_teardown(listens_on_tcp, set_up, tear_down),
		cmocka_unit_test_setup_teardown(resets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(greets, set_up, tear_down),
	};
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
		tests[i].initial_state = &s;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
