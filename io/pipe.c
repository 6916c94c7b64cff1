/* pipe.c - what all pipes have in common: reading, writing, waiting, closing. */

#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

vf_pipe *vf_pipe_make(enum vf_pipe_kind kind, const char *name, vf_error *err)
{
	vf_pipe *p = calloc(1, sizeof *p);
	char *copy = vf_io_strdup(name);
	if (p == NULL || copy == NULL) {
		free(p);
		free(copy);
		(void)vf_fail(err, VF_E_NOMEM, "out of memory");
		return NULL;
	}
	p->kind = kind;
	p->fd = p->listen_fd = p->slave_fd = -1;
	p->name = copy;
	return p;
}

vf_pipe *vf_pipe_open(const char *name, uint32_t baud, vf_error *err)
{
	const char *scheme_end = strstr(name, "://");
	if (name[0] == '\0') {
		(void)vf_fail(err, VF_E_USAGE, "the name of the port is empty");
		return NULL;
	}
	if (strncmp(name, "tcp://", 6) == 0)
		return vf_pipe_open_tcp(name + 6, err);
	if (strncmp(name, "rfc2217://", 10) == 0) {
		(void)vf_fail(
			err, VF_E_USAGE,
			"%s: rfc2217:// is not supported by this version; use tcp://HOST:PORT",
			name);
		return NULL;
	}
	if (scheme_end != NULL && memchr(name, '/', (size_t)(scheme_end - name)) == NULL) {
		(void)vf_fail(err, VF_E_USAGE,
			      "%s: unknown kind of port; use a device path or tcp://HOST:PORT",
			      name);
		return NULL;
	}
	return vf_pipe_open_serial(name, baud, err);
}

/* Removes the link unless somebody else has put another one in its place. */
static void remove_link(const vf_pipe *p)
{
	char target[256];
	ssize_t n = readlink(p->link, target, sizeof target - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	if (strcmp(target, p->slave) == 0)
		(void)unlink(p->link);
}

void vf_pipe_close(vf_pipe *p)
{
	if (p == NULL)
		return;
	if (p->link != NULL)
		remove_link(p);
	vf_fd_close(&p->fd);
	vf_fd_close(&p->slave_fd);
	vf_fd_close(&p->listen_fd);
	free(p->slave);
	free(p->link);
	free(p->name);
	free(p);
}

const char *vf_pipe_name(const vf_pipe *p)
{
	return p->name;
}

static bool is_socket(const vf_pipe *p)
{
	return p->kind == VF_PIPE_SOCKET || p->kind == VF_PIPE_LISTEN;
}

/* The other end is gone: the pipe with it, unless it serves one peer after the
 * other. */
static long peer_gone(vf_pipe *p)
{
	if (p->kind != VF_PIPE_LISTEN)
		return VF_E_LINK;
	vf_net_drop(p);
	return 0;
}

static bool is_nothing_now(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

long vf_pipe_read(vf_pipe *p, uint8_t *buf, size_t len)
{
	if (p->kind == VF_PIPE_LISTEN)
		vf_net_accept(p);
	if (p->fd < 0 || len == 0)
		return 0;
	ssize_t n = read(p->fd, buf, len);
	if (n > 0)
		return (long)n;
	if (n < 0 && is_nothing_now(errno))
		return 0;
	return peer_gone(p);
}

long vf_pipe_write(vf_pipe *p, const uint8_t *buf, size_t len)
{
	if (p->kind == VF_PIPE_LISTEN)
		vf_net_accept(p);
	if (p->fd < 0)
		return (long)len; /* a line that ends in nobody's hands */
	if (len == 0)
		return 0;
	ssize_t n = is_socket(p) ? send(p->fd, buf, len, MSG_NOSIGNAL) : write(p->fd, buf, len);
	if (n >= 0)
		return (long)n;
	if (is_nothing_now(errno))
		return 0;
	return peer_gone(p);
}

static struct timespec time_left(uint64_t until_us)
{
	uint64_t now = vf_io_now_us();
	uint64_t left = until_us > now ? until_us - now : 0;
	if (left > 3600u * UINT64_C(1000000))
		left = 3600u * UINT64_C(1000000);
	return (struct timespec){.tv_sec = (time_t)(left / 1000000u),
				 .tv_nsec = (long)(left % 1000000u) * 1000};
}

/* Signals are held back between the look at the flag and the wait, so that
 * none slips through between the two. */
void vf_pipe_wait(vf_pipe *p, bool want_write, uint64_t until_us)
{
	sigset_t hold, before;
	vf_interrupt_set(&hold);
	(void)sigprocmask(SIG_BLOCK, &hold, &before);
	const unsigned interruptions = vf_interruptions();
	if (p->interruptions != interruptions) {
		p->interruptions = interruptions;
	} else {
		struct pollfd fds[2] = {{.fd = p->fd, .events = POLLIN},
					{.fd = p->listen_fd, .events = POLLIN}};
		if (want_write)
			fds[0].events |= POLLOUT;
		struct timespec left = time_left(until_us);
		(void)ppoll(fds, 2, &left, &before);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}
