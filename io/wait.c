/* wait.c - waiting for one pipe, or for many. */

#include "internal.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

static struct timespec time_left(uint64_t until_us)
{
	uint64_t now = vf_io_now_us();
	uint64_t left = until_us > now ? until_us - now : 0;
	if (left > 3600u * UINT64_C(1000000))
		left = 3600u * UINT64_C(1000000);
	return (struct timespec){.tv_sec = (time_t)(left / 1000000u),
				 .tv_nsec = (long)(left % 1000000u) * 1000};
}

/* An interruption ends one wait at once, of each pipe that had none since. */
static bool interrupted_anew(vf_pipe_watch *watch, size_t count)
{
	const unsigned interruptions = vf_interruptions();
	bool anew = false;
	for (size_t i = 0; i < count; i++) {
		anew = anew || watch[i].pipe->interruptions != interruptions;
		watch[i].pipe->interruptions = interruptions;
	}
	return anew;
}

/* `ready`: there is something to read before any wait. */
static bool fill(struct pollfd fds[2], vf_pipe_watch *watch)
{
	const vf_pipe *p = watch->pipe;
	fds[0] = (struct pollfd){.fd = p->fd, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = p->listen_fd, .events = POLLIN};
	bool want_write = watch->want_write;
	watch->ready = false;
	if (p->remote != NULL)
		vf_rfc2217_poll(p, &want_write, &watch->ready);
	if (want_write || p->connecting != NULL)
		fds[0].events |= POLLOUT;
	return watch->ready;
}

/* Signals are held back between the look at the flag and the wait, so that
 * none slips through between the two. */
void vf_pipes_wait(vf_pipe_watch *watch, size_t count, uint64_t until_us)
{
	struct pollfd fds[2 * VF_PIPES_MAX];
	sigset_t hold, before;
	if (count > VF_PIPES_MAX)
		count = VF_PIPES_MAX;
	bool ready = false;
	for (size_t i = 0; i < count; i++)
		ready = fill(fds + 2 * i, watch + i) || ready;
	vf_interrupt_set(&hold);
	(void)pthread_sigmask(SIG_BLOCK, &hold, &before);
	struct timespec left = time_left(interrupted_anew(watch, count) || ready ? 0 : until_us);
	const int n = ppoll(fds, 2 * count, &left, &before);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	for (size_t i = 0; i < count; i++)
		watch[i].ready =
			watch[i].ready ||
			(n > 0 && (fds[2 * i].revents != 0 || fds[2 * i + 1].revents != 0));
}

void vf_pipe_wait(vf_pipe *p, bool want_write, uint64_t until_us)
{
	vf_pipe_watch watch = {.pipe = p, .want_write = want_write};
	vf_pipes_wait(&watch, 1, until_us);
}
