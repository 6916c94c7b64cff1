/* test_client.c - the blocking calls against the real engine of a board in a
 * process of its own, behind a pseudo-terminal or a TCP port, in real time.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <vcpflash/client.h>
#include <vcpflash/target.h>
#include <vcpflash/vcpflash.h>

enum { SIZE = 256 * 1024, RING = 16384, WINDOW = 65536, FRAME = 2064, WORK = 8192 };
#define ADDRESS 0x90000000u

/* Shared with the board's process. */
typedef struct shared {
	uint8_t cells[SIZE];
	char name[256];
	volatile int ready;
	volatile unsigned programs;
	unsigned vanish_after; /* programs; 0 never */
	unsigned page_us;      /* real time that a page takes */
	bool mute;
} shared;

typedef struct board {
	vf_target t;
	vf_memory info;
	uint8_t ring[RING], window[WINDOW], frame[FRAME], tx[FRAME + 32];
	_Alignas(32) uint8_t work[WORK];
} board;

/* --- the board's process ------------------------------------------------------------- */

static board *make_board(void)
{
	board *b = aligned_alloc(_Alignof(board), sizeof *b);
	if (b == NULL)
		_exit(3);
	memset(b, 0, sizeof *b);
	b->info = (vf_memory){.name = "array",
			      .kind = VF_MEMORY_NOR,
			      .flags = VF_MEMORY_READ | VF_MEMORY_WRITE | VF_MEMORY_RUN,
			      .dies = 1,
			      .base = ADDRESS,
			      .size = SIZE,
			      .page = 256,
			      .unit = 1,
			      .page_typ_us = 100,
			      .page_max_us = 1000000,
			      .erase_types = 1,
			      .erase = {{4096, 1000, 1000000}}};
	const vf_target_config config = {.name = "PROCESS",
					 .memories = 1,
					 .memory = {{&b->info, b->work, WORK, NULL}},
					 .ring = b->ring,
					 .ring_len = RING,
					 .window = b->window,
					 .window_len = WINDOW,
					 .frame = b->frame,
					 .frame_len = FRAME,
					 .tx = b->tx,
					 .tx_len = sizeof b->tx,
					 .can_run = true};
	if (vf_target_init(&b->t, &config) != VF_OK)
		_exit(4);
	return b;
}

static void carry_out(shared *s, const vf_flash_op *op)
{
	if (op->kind == VF_FLASH_ERASE)
		memset(s->cells + op->offset, 0xFF, op->len);
	else if (op->kind != VF_FLASH_PROGRAM)
		memcpy(op->buf, s->cells + op->offset, op->len);
	if (op->kind != VF_FLASH_PROGRAM)
		return;
	for (uint32_t i = 0; i < op->len; i++)
		s->cells[op->offset + i] &= op->data[i];
	if (++s->programs == s->vanish_after)
		_exit(0);
	if (s->page_us != 0)
		(void)usleep(s->page_us);
}

static void serve(shared *s, board *b, vf_pipe *pipe)
{
	uint8_t buf[4096];
	const vf_flash_op *op;
	size_t len = vf_target_rx_space(&b->t);
	long n = vf_pipe_read(pipe, buf, len < sizeof buf ? len : sizeof buf);
	bool moved = n > 0;
	if (n > 0 && !s->mute)
		(void)vf_target_rx(&b->t, buf, (size_t)n);
	vf_target_tick(&b->t, (uint32_t)vf_io_now_us());
	while ((op = vf_target_flash_next(&b->t, 0)) != NULL) {
		carry_out(s, op);
		vf_target_flash_done(&b->t, 0, VF_OK);
		vf_target_tick(&b->t, (uint32_t)vf_io_now_us());
		moved = true;
	}
	const uint8_t *out = vf_target_tx(&b->t, &len);
	if (out != NULL && (n = vf_pipe_write(pipe, out, len)) > 0) {
		vf_target_tx_done(&b->t, (size_t)n);
		moved = true;
	}
	if (!moved)
		vf_pipe_wait(pipe, out != NULL, vf_io_now_us() + 2000);
}

static void board_process(shared *s, bool tcp)
{
	vf_error err;
	vf_pipe *pipe = tcp ? vf_pipe_listen("127.0.0.1:0", &err) : vf_pipe_pty(NULL, &err);
	if (pipe == NULL)
		_exit(2);
	board *b = make_board();
	(void)snprintf(s->name, sizeof s->name, "%s", vf_pipe_name(pipe));
	s->ready = 1;
	for (;;)
		serve(s, b, pipe);
}

/* --- this process ---------------------------------------------------------------------- */

typedef struct scene {
	shared *s;
	pid_t pid;
	vf_image image;
	uint8_t bytes[60000];
	vf_client_options opt;
	vf_job_config job;
	vf_job_result result;
	uint8_t *sunk;
	size_t sunk_len;
} scene;

static void start(scene *c, bool tcp)
{
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0)
		board_process(c->s, tcp);
	for (unsigned i = 0; i < 5000 && c->s->ready == 0; i++)
		(void)usleep(1000);
	assert_int_equal(c->s->ready, 1);
	c->opt.port = c->s->name;
}

static void stop(scene *c)
{
	if (c->pid > 0) {
		(void)kill(c->pid, SIGKILL);
		(void)waitpid(c->pid, NULL, 0);
	}
	c->pid = 0;
}

static int setup(void **state)
{
	scene *c = calloc(1, sizeof *c);
	vf_error err;
	const vf_image_add_options opt = {
		.format = VF_FORMAT_BIN, .has_address = true, .address = ADDRESS + 0x1234};
	assert_non_null(c);
	c->s = mmap(NULL, sizeof *c->s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(c->s != MAP_FAILED);
	for (size_t i = 0; i < SIZE; i++)
		c->s->cells[i] = (uint8_t)(i * 7 + i / 251);
	for (size_t i = 0; i < sizeof c->bytes; i++)
		c->bytes[i] = (uint8_t)(i * 13 + i / 241);
	vf_client_defaults(&c->job);
	vf_image_init(&c->image, &c->job.session.alloc);
	assert_int_equal(vf_image_add(&c->image, "app.bin", c->bytes, sizeof c->bytes, &opt, &err),
			 VF_OK);
	c->job.image = &c->image;
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	scene *c = *state;
	stop(c);
	vf_image_free(&c->image);
	(void)munmap(c->s, sizeof *c->s);
	free(c->sunk);
	free(c);
	return 0;
}

/* A listener serves one peer at a time, and has to see first that the last left. */
static int run(scene *c, uint8_t kind)
{
	(void)usleep(20000);
	c->job.kind = kind;
	return vf_client_do(&c->opt, &c->job, &c->result, NULL, NULL);
}

static int sink(void *ctx, const uint8_t *data, size_t len)
{
	scene *c = ctx;
	c->sunk = realloc(c->sunk, c->sunk_len + len);
	assert_non_null(c->sunk);
	memcpy(c->sunk + c->sunk_len, data, len);
	c->sunk_len += len;
	return VF_OK;
}

static void whole_way(scene *c)
{
	static uint8_t want[SIZE];
	vf_board known;
	vf_session_stats link;
	memcpy(want, c->s->cells, SIZE);
	memcpy(want + 0x1234, c->bytes, sizeof c->bytes);
	c->job.kind = VF_JOB_INFO;
	assert_int_equal(vf_client_do(&c->opt, &c->job, &c->result, &known, &link), VF_OK);
	assert_string_equal(known.welcome.name, "PROCESS");
	assert_int_equal(known.memory[0].size, SIZE);
	assert_true(link.raw_received > 0);
	assert_true(c->result.echo_us > 0);
	if (run(c, VF_JOB_VERIFY) != VF_E_DIFFERS)
		fail_msg("%s", c->result.error.text);
	assert_int_equal(run(c, VF_JOB_PROGRAM), VF_OK);
	assert_memory_equal(c->s->cells, want, SIZE);
	assert_int_equal(run(c, VF_JOB_VERIFY), VF_OK);
	assert_int_equal(run(c, VF_JOB_PROGRAM), VF_OK);
	assert_true(c->result.nothing_to_do);
	c->job.address = ADDRESS + 1;
	c->job.length = SIZE - 1;
	c->job.call.ctx = c;
	c->job.call.sink = sink;
	if (run(c, VF_JOB_READ) != VF_OK)
		fail_msg("%s", c->result.error.text);
	assert_int_equal(c->sunk_len, SIZE - 1);
	assert_memory_equal(c->sunk, want + 1, SIZE - 1);
}

static void test_pseudo_terminal(void **state)
{
	start(*state, false);
	whole_way(*state);
}

static void test_tcp(void **state)
{
	scene *c = *state;
	char port[300];
	start(c, true);
	(void)snprintf(port, sizeof port, "%s%s", strstr(c->s->name, "://") != NULL ? "" : "tcp://",
		       c->s->name);
	c->opt.port = port;
	whole_way(c);
}

static void test_no_port(void **state)
{
	scene *c = *state;
	c->opt.port = "/dev/there-is-no-such-port";
	assert_int_equal(run(c, VF_JOB_INFO), VF_E_LINK);
	assert_non_null(strstr(c->result.error.text, "there-is-no-such-port"));
	c->opt.port = "tcp://127.0.0.1:1";
	assert_int_equal(run(c, VF_JOB_INFO), VF_E_LINK);
}

/* Whoever has the port lets go of it while we look: the command goes on. */
static unsigned let_go(void *ctx)
{
	int *fd = ctx;
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	return 0;
}

static void test_port_is_being_closed(void **state)
{
	scene *c = *state;
	start(c, false);
	int fd = open(c->s->name, O_RDWR | O_NOCTTY);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(run(c, VF_JOB_INFO), VF_E_LINK);
	assert_non_null(strstr(c->result.error.text, "busy"));
	c->opt.interruptions = let_go;
	c->opt.ctx = &fd;
	assert_int_equal(run(c, VF_JOB_INFO), VF_OK);
	assert_int_equal(fd, -1);
}

static void test_wrong_request(void **state)
{
	scene *c = *state;
	start(c, false);
	c->job.length = 0;
	assert_int_equal(run(c, VF_JOB_DIGEST), VF_E_USAGE);
}

static void test_mute_board(void **state)
{
	scene *c = *state;
	c->s->mute = true;
	start(c, false);
	c->job.session.open_timeout_us = 400000;
	const uint64_t before = vf_io_now_us();
	assert_int_equal(run(c, VF_JOB_PROGRAM), VF_E_LINK);
	assert_true(vf_io_now_us() - before >=
		    350000); /* and not for ever, which the test would be */
}

static void test_board_vanishes(void **state)
{
	scene *c = *state;
	c->s->vanish_after = 50;
	c->opt.return_ms = 500;
	start(c, true); /* anybody's next pseudo-terminal would have the name of this one */
	assert_int_equal(run(c, VF_JOB_PROGRAM), VF_E_LINK);
	assert_non_null(
		strstr(c->result.error.text, "is gone and did not come back within 0.5 s: run"));
	stop(c);
	/* A new one with the same flash: the rest is programmed. */
	c->s->vanish_after = 0;
	c->s->ready = 0;
	start(c, false);
	assert_int_equal(run(c, VF_JOB_PROGRAM), VF_OK);
	assert_memory_equal(c->s->cells + 0x1234, c->bytes, sizeof c->bytes);
}

/* SIGINT while it programs: exit in good order, and the next command is served. */
static void test_interrupt(void **state)
{
	scene *c = *state;
	c->s->page_us = 5000;
	start(c, false);
	const pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)signal(SIGINT, SIG_DFL);
		vf_interrupt_catch();
		_exit(run(c, VF_JOB_PROGRAM) == VF_E_INTERRUPTED ? 0 : 1);
	}
	for (unsigned i = 0; i < 3000 && c->s->programs < 5; i++)
		(void)usleep(1000);
	assert_int_equal(kill(child, SIGINT), 0);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(c->s->programs < 200);
	c->s->page_us = 0;
	assert_int_equal(run(c, VF_JOB_PROGRAM), VF_OK);
	assert_memory_equal(c->s->cells + 0x1234, c->bytes, sizeof c->bytes);
}

/* Ctrl-Z for longer than a board may be silent, then `fg`. */
static void test_stopped_and_continued(void **state)
{
	scene *c = *state;
	c->s->page_us = 5000;
	c->job.session.lost_timeout_us = 600000;
	start(c, false);
	const pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(run(c, VF_JOB_PROGRAM) == VF_OK ? 0 : 1);
	for (unsigned i = 0; i < 3000 && c->s->programs < 5; i++)
		(void)usleep(1000);
	assert_int_equal(kill(child, SIGSTOP), 0);
	(void)usleep(1500000);
	c->s->page_us = 0;
	assert_int_equal(kill(child, SIGCONT), 0);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_memory_equal(c->s->cells + 0x1234, c->bytes, sizeof c->bytes);
}

/* --- auto -------------------------------------------------------------------------------- */

/* The system's list of ports is made up here: names, and whether they are known. */
enum { PORTS = 3 };
static struct port_list {
	const char *name[PORTS];
	bool known[PORTS];
} ports;

int __wrap_vf_ports_list(int (*each)(void *ctx, const vf_port_info *port), void *ctx,
			 vf_error *err);
int __wrap_vf_ports_list(int (*each)(void *ctx, const vf_port_info *port), void *ctx, vf_error *err)
{
	(void)err;
	for (unsigned i = 0; i < PORTS; i++) {
		const vf_port_info info = {.name = ports.name[i], .known = ports.known[i]};
		const int status = info.name != NULL ? each(ctx, &info) : 0;
		if (status != 0)
			return status;
	}
	return 0;
}

static void assert_not_found(scene *c, const char *says, const char *says_too)
{
	vf_error err = {0};
	char name[64];
	assert_int_equal(vf_client_find(&c->opt, name, sizeof name, &err), VF_E_LINK);
	assert_non_null(strstr(err.text, says));
	assert_non_null(strstr(err.text, says_too));
}

static void test_find(void **state)
{
	scene *c = *state;
	scene *other;
	vf_error err;
	char name[64];
	start(c, false);
	assert_int_equal(setup((void **)&other), 0);
	start(other, false);
	other->s->mute = true;
	ports = (struct port_list){{0}, {0}};
	assert_not_found(c, "there is no serial port", "-p");
	ports.name[0] = c->s->name; /* nobody's known port is not spoken to */
	assert_not_found(c, "the one serial port", "-p");
	ports.name[1] = other->s->name;
	ports.known[1] = true;
	assert_not_found(c, other->s->name, "nothing answered");
	ports.name[2] = "/dev/there-is-no-such-port";
	ports.known[2] = true;
	assert_not_found(c, other->s->name, "there-is-no-such-port");
	ports.known[0] = true;
	assert_int_equal(vf_client_find(&c->opt, name, sizeof name, &err), VF_OK);
	assert_string_equal(name, c->s->name);
	other->s->mute = false;
	assert_not_found(c, c->s->name, "several boards");
	assert_not_found(c, other->s->name, "-p");
	ports.known[1] = false;
	c->opt.port = NULL;
	assert_int_equal(run(c, VF_JOB_INFO), VF_OK);
	c->opt.port = "auto";
	assert_int_equal(run(c, VF_JOB_INFO), VF_OK);
	(void)teardown((void **)&other);
	ports = (struct port_list){{0}, {0}};
}

/* --- the library ------------------------------------------------------------------------ */

/* What a call of the library has no port for: in its own words, not the command's. */
static void test_library_words(void **state)
{
	scene *c = *state;
	vcpflash_report report = vcpflash_no_report();
	vcpflash_board *b;
	ports = (struct port_list){{0}, {0}};
	assert_int_equal(vcpflash_info(NULL, &b, NULL, &report), VCPFLASH_E_LINK);
	assert_null(b);
	assert_non_null(strstr(report.text, "name its port with the argument port"));
	assert_string_equal(report.port, "");
	ports.name[0] = c->s->name;
	report = vcpflash_no_report();
	assert_int_equal(vcpflash_info("auto", &b, NULL, &report), VCPFLASH_E_LINK);
	assert_non_null(strstr(report.text, "name it with the argument port once"));
	assert_null(strstr(report.text, "-p"));
	assert_string_equal(report.port, "");
	ports = (struct port_list){{0}, {0}};
}

static void assert_usage(int code, const vcpflash_report *report, const char *names)
{
	assert_int_equal(code, VCPFLASH_E_USAGE);
	assert_int_equal(report->code, VCPFLASH_E_USAGE);
	if (strstr(report->text, names) == NULL)
		fail_msg("no %s in \"%s\"", names, report->text);
}

/* What is missing or no value at all is told before any port is looked for, by its name. */
static void test_library_usage(void **state)
{
	vcpflash_report r = vcpflash_no_report();
	vcpflash_options options = vcpflash_defaults();
	const vcpflash_file file = {"a@0", "a", 1};
	(void)state;
	assert_usage(vcpflash_program(NULL, NULL, 0, NULL, &r), &r, "no file");
	assert_usage(vcpflash_info(NULL, NULL, NULL, &r), &r, "board is NULL");
	assert_usage(vcpflash_read(NULL, 0, NULL, 4, NULL, &r), &r, "out is NULL");
	assert_usage(vcpflash_digest(NULL, 0, 4, NULL, NULL, &r), &r, "sha256 is NULL");
	assert_usage(vcpflash_ports(false, NULL, NULL, NULL, &r), &r, "each is NULL");
	options.compress = 77;
	assert_usage(vcpflash_program(NULL, &file, 1, &options, &r), &r, "options.compress is 77");
}

typedef struct told {
	unsigned ports, known, boards, troubles;
	char board[VCPFLASH_NAME_MAX];
} told;

static void on_port(void *ctx, const vcpflash_port *port)
{
	told *t = ctx;
	t->ports++;
	t->known += port->known;
	t->boards += port->board[0] != '\0';
	t->troubles += port->trouble[0] != '\0';
	if (port->board[0] != '\0')
		(void)snprintf(t->board, sizeof t->board, "%s", port->board);
}

/* Asks those that are known, and only if it is told to. */
static void test_library_ports(void **state)
{
	scene *c = *state;
	told t = {0};
	start(c, false);
	ports = (struct port_list){{"/dev/there-is-no-such-port", c->s->name, c->s->name},
				   {true, true, false}};
	assert_int_equal(vcpflash_ports(false, on_port, &t, NULL, NULL), VCPFLASH_OK);
	assert_int_equal(t.ports, 3);
	assert_int_equal(t.known, 2);
	assert_int_equal(t.boards + t.troubles, 0);
	t = (told){0};
	assert_int_equal(vcpflash_ports(true, on_port, &t, NULL, NULL), VCPFLASH_OK);
	assert_int_equal(t.ports, 3);
	assert_int_equal(t.boards, 1);
	assert_int_equal(t.troubles, 1);
	assert_true(t.board[0] != '\0');
	ports = (struct port_list){{0}, {0}};
}

static int stop_at_once(void *ctx)
{
	(void)ctx;
	return 1;
}

static void test_library_ports_stopped(void **state)
{
	vcpflash_options options = vcpflash_defaults();
	told t = {0};
	(void)state;
	options.stop = stop_at_once;
	ports = (struct port_list){{"/dev/null", "/dev/null"}, {true, true}};
	assert_int_equal(vcpflash_ports(true, on_port, &t, &options, NULL), VCPFLASH_E_INTERRUPTED);
	assert_true(t.ports < 2);
	ports = (struct port_list){{0}, {0}};
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pseudo_terminal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tcp, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_port, setup, teardown),
		cmocka_unit_test_setup_teardown(test_port_is_being_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_request, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mute_board, setup, teardown),
		cmocka_unit_test_setup_teardown(test_board_vanishes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_and_continued, setup, teardown),
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_library_words, setup, teardown),
		cmocka_unit_test(test_library_usage),
		cmocka_unit_test_setup_teardown(test_library_ports, setup, teardown),
		cmocka_unit_test(test_library_ports_stopped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
