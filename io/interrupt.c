/* interrupt.c - Ctrl-C and SIGTERM as a flag that loops look at.
 *
 * A signal handler gets no context, so these few words are the only mutable
 * static data of the product; nothing else may be added to them.
 */

#include "internal.h"

#include <signal.h>
#include <time.h>

static volatile sig_atomic_t caught;
static volatile time_t last_s;
static volatile long last_ns;

/* Two within a second: the person means it, the process dies as if we had
 * never caught the signal. */
static void on_signal(int number)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	time_t s = now.tv_sec - last_s;
	if (number == SIGINT && caught && (s < 1 || (s == 1 && now.tv_nsec < last_ns))) {
		(void)signal(SIGINT, SIG_DFL);
		(void)raise(SIGINT); /* delivered when this handler returns */
		return;
	}
	last_s = now.tv_sec;
	last_ns = now.tv_nsec;
	caught = 1;
}

void vf_interrupt_catch(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	(void)sigemptyset(&action.sa_mask);
	(void)sigaddset(&action.sa_mask, SIGINT);
	(void)sigaddset(&action.sa_mask, SIGTERM);
	(void)sigaction(SIGINT, &action, NULL); /* no SA_RESTART: waits are to end */
	(void)sigaction(SIGTERM, &action, NULL);
}

bool vf_interrupted(void)
{
	return caught != 0;
}
