/* interrupt.c - Ctrl-C, SIGTERM and SIGHUP as a count that loops look at.
 *
 * A signal handler gets no context, so this word is the only mutable static
 * data of the product; nothing else may be added to it.
 */

#include "internal.h"

#include <signal.h>

enum { PATIENCE = 2 /* Ctrl-C; the next one ends the process as if never caught */ };

static volatile sig_atomic_t caught;

/* Only Ctrl-C is impatience when it comes again: others are sent by programs,
 * which may send them to a whole group, and twice. */
static void on_signal(int number)
{
	if (caught == 0) {
		caught = 1;
	} else if (number == SIGINT && caught < PATIENCE) {
		caught++;
	} else if (number == SIGINT) {
		(void)signal(SIGINT, SIG_DFL);
		(void)raise(SIGINT); /* delivered when this handler returns */
	}
}

/* What was ignored when the process began (nohup, a job in the background of a
 * script) stays so. */
static void catch_one(int number, bool even_ignored, const struct sigaction *action)
{
	struct sigaction before;
	if (!even_ignored && sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
		return;
	(void)sigaction(number, action, NULL); /* no SA_RESTART: waits are to end */
}

void vf_interrupt_set(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGHUP);
}

void vf_interrupt_catch(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	vf_interrupt_set(&action.sa_mask);
	catch_one(SIGINT, false, &action);
	catch_one(SIGHUP, false, &action);
	catch_one(SIGTERM, true, &action);
}

bool vf_interrupted(void)
{
	return caught != 0;
}

unsigned vf_interruptions(void)
{
	return (unsigned)caught;
}
