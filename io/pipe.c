/* pipe.c - what all pipes have in common: reading, writing, waiting, closing. */

#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

vf_pipe *vf_pipe_begin(const char *name, uint32_t baud, vf_error *err)
{
	const char *scheme_end = strstr(name, "://");
	if (name[0] == '\0') {
		(void)vf_fail(err, VF_E_USAGE, "the name of the port is empty");
		return NULL;
	}
	if (strncmp(name, "tcp://", 6) == 0)
		return vf_pipe_begin_net("tcp", name + 6, err);
	if (strncmp(name, "rfc2217://", 10) == 0)
		return vf_pipe_begin_rfc2217(name + 10, baud, err);
	if (scheme_end != NULL && memchr(name, '/', (size_t)(scheme_end - name)) == NULL) {
		(void)vf_fail(err, VF_E_USAGE,
			      "%s: unknown kind of port; use a device path, tcp://HOST:PORT or "
			      "rfc2217://HOST:PORT",
			      name);
		return NULL;
	}
	return vf_pipe_open_serial(name, baud, err);
}

int vf_pipe_opened(vf_pipe *p, uint64_t *again_us, vf_error *err)
{
	if (p->kind == VF_PIPE_RFC2217)
		return vf_rfc2217_opened(p, again_us, err);
	return p->connecting != NULL ? vf_net_connected(p, again_us, err) : VF_OK;
}

vf_pipe *vf_pipe_open(const char *name, uint32_t baud, vf_error *err)
{
	vf_pipe *p = vf_pipe_begin(name, baud, err);
	const unsigned interruptions = vf_interruptions();
	uint64_t again_us;
	int status = VF_OK;
	while (p != NULL && (status = vf_pipe_opened(p, &again_us, err)) == VF_IO_LATER &&
	       vf_interruptions() == interruptions)
		vf_pipe_wait(p, false, again_us);
	if (p == NULL || status == VF_OK)
		return p;
	if (status == VF_IO_LATER)
		(void)vf_fail(err, VF_E_INTERRUPTED, "interrupted");
	vf_pipe_close(p);
	return NULL;
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
	vf_net_forget(p);
	vf_rfc2217_free(p);
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
	if (p->kind == VF_PIPE_RFC2217)
		return vf_rfc2217_read(p, buf, len);
	ssize_t n = read(p->fd, buf, len);
	if (n > 0)
		return vf_net_is_telnet(p, buf, (size_t)n) ? VF_E_LINK : (long)n;
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
	if (p->kind == VF_PIPE_RFC2217)
		return vf_rfc2217_write(p, buf, len);
	ssize_t n = is_socket(p) ? send(p->fd, buf, len, MSG_NOSIGNAL) : write(p->fd, buf, len);
	if (n >= 0)
		return (long)n;
	if (is_nothing_now(errno))
		return 0;
	return peer_gone(p);
}

const char *vf_pipe_fault(const vf_pipe *p)
{
	return p->kind == VF_PIPE_RFC2217 ? vf_rfc2217_fault(p) : p->fault;
}
