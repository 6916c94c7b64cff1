/* test_interrupt.c - signals are counted and end a wait; the third Ctrl-C kills. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vcpflash/io.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child found out, as its exit status. */
enum { ALL_WELL = 0, WRONG = 1 };

static int in_child(int (*body)(void))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGINT, SIG_DFL); /* whoever runs the tests may ignore them */
		(void)signal(SIGHUP, SIG_DFL);
		_exit(body());
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int sets_a_flag(void)
{
	vf_interrupt_catch();
	if (vf_interrupted())
		return WRONG;
	(void)raise(SIGTERM);
	(void)raise(SIGTERM); /* patience: only Ctrl-C twice is impatience */
	(void)raise(SIGHUP);
	return vf_interrupted() && vf_interruptions() == 1 ? ALL_WELL : WRONG;
}

static int a_closed_terminal_sets_it(void)
{
	vf_interrupt_catch();
	(void)raise(SIGHUP);
	return vf_interruptions() == 1 ? ALL_WELL : WRONG;
}

static int third_kills(void)
{
	vf_interrupt_catch();
	(void)raise(SIGINT);
	if (vf_interruptions() != 1)
		return WRONG;
	(void)raise(SIGINT);
	(void)raise(SIGTERM);
	if (vf_interruptions() != 2)
		return WRONG;
	(void)raise(SIGINT);
	return WRONG;
}

/* nohup, or a script's background. */
static int ignored_stays_ignored(void)
{
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	vf_interrupt_catch();
	(void)raise(SIGINT);
	(void)raise(SIGHUP);
	if (vf_interrupted())
		return WRONG;
	(void)raise(SIGTERM);
	return vf_interrupted() ? ALL_WELL : WRONG;
}

/* The signal comes before the wait: it must not sleep through it, and the next
 * wait must be a real one again. */
static int wait_sees_an_earlier_signal(void)
{
	vf_interrupt_catch();
	vf_pipe *p = vf_pipe_pty(NULL, NULL);
	if (p == NULL)
		return WRONG;
	(void)raise(SIGINT);
	uint64_t t0 = vf_io_now_us();
	vf_pipe_wait(p, false, t0 + 1000000);
	uint64_t t1 = vf_io_now_us();
	vf_pipe_wait(p, false, t1 + 30000);
	uint64_t t2 = vf_io_now_us();
	vf_pipe_close(p);
	return t1 - t0 < 500000 && t2 - t1 >= 29000 ? ALL_WELL : WRONG;
}

/* The signal comes during the wait. */
static int wait_ends_by_a_signal(void)
{
	vf_interrupt_catch();
	vf_pipe *p = vf_pipe_pty(NULL, NULL);
	if (p == NULL)
		return WRONG;
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		(void)usleep(50000);
		(void)kill(parent, SIGTERM);
		_exit(0);
	}
	uint64_t t0 = vf_io_now_us();
	vf_pipe_wait(p, false, t0 + 5000000);
	uint64_t waited = vf_io_now_us() - t0;
	(void)waitpid(pid, NULL, 0);
	vf_pipe_close(p);
	return vf_interrupted() && waited < 4000000 ? ALL_WELL : WRONG;
}

static void flag(void **state)
{
	(void)state;
	assert_int_equal(in_child(sets_a_flag), 0);
	assert_int_equal(in_child(a_closed_terminal_sets_it), 0);
	assert_int_equal(in_child(ignored_stays_ignored), 0);
}

static void impatience(void **state)
{
	(void)state;
	int status = in_child(third_kills);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
}

static void waiting(void **state)
{
	(void)state;
	assert_int_equal(in_child(wait_sees_an_earlier_signal), 0);
	assert_int_equal(in_child(wait_ends_by_a_signal), 0);
}

static void randomness(void **state)
{
	(void)state;
	uint64_t a = vf_io_random(NULL), b = vf_io_random(NULL), c = vf_io_random(NULL);
	assert_true(a != b && b != c && a != c);
	uint64_t t = vf_io_now_us();
	(void)usleep(2000);
	assert_true(vf_io_now_us() - t >= 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flag),
		cmocka_unit_test(impatience),
		cmocka_unit_test(waiting),
		cmocka_unit_test(randomness),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
