/* net.c - TCP as a pipe: to a board behind a terminal server, or to a peer of
 * a simulated board. */

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_TIMEOUT_MS = 5000 };

typedef struct host_port {
	char host[256];
	char port[6];
} host_port;

static bool port_valid(const char *text)
{
	size_t len = strlen(text);
	return len >= 1 && len <= 5 && strspn(text, "0123456789") == len &&
	       strtoul(text, NULL, 10) <= 65535;
}

/* HOST:PORT, where an IPv6 HOST stands in brackets. */
static int split(host_port *out, const char *text, vf_error *err)
{
	const char *host = text, *colon = strrchr(text, ':');
	size_t len = colon != NULL ? (size_t)(colon - text) : 0;
	bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	if (bracketed) {
		host++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof out->host || !port_valid(colon + 1) ||
	    (!bracketed && memchr(host, ':', len) != NULL))
		return vf_fail(err, VF_E_USAGE,
			       "\"%.200s\" is not HOST:PORT (an IPv6 address stands in brackets: "
			       "[::1]:4444)",
			       text);
	memcpy(out->host, host, len);
	out->host[len] = '\0';
	memcpy(out->port, colon + 1, strlen(colon + 1) + 1);
	return VF_OK;
}

static struct addrinfo *look_up(const host_port *hp, int flags, vf_error *err)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	hints.ai_flags = flags | AI_NUMERICSERV;
	int rc = getaddrinfo(hp->host, hp->port, &hints, &list);
	if (rc == 0)
		return list;
	(void)vf_fail(err, VF_E_LINK, "%s: unknown host: %s", hp->host,
		      rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
	return NULL;
}

/* Small frames travel both ways: waiting for more to send would cost a round
 * trip each. A peer that lost power must be noticed some day. */
static void tune(int fd)
{
	int on = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/* A connection on its way: the addresses of the host, tried one after the other. */
struct vf_connecting {
	struct addrinfo *list;
	const struct addrinfo *next; /* to be tried when this one fails */
	uint64_t until_us;
	int error; /* of the last that failed */
};

static int explain_connect(const char *name, int error, vf_error *err)
{
	if (error == ECONNREFUSED)
		return vf_fail(
			err, VF_E_LINK,
			"%.300s: connection refused: nobody listens there; is its server running, "
			"and the port's number right?",
			name);
	if (error == ETIMEDOUT)
		return vf_fail(err, VF_E_LINK,
			       "%.300s: no answer within %d s: is that machine on, and no "
			       "firewall in between?",
			       name, CONNECT_TIMEOUT_MS / 1000);
	return vf_fail(err, VF_E_LINK, "%.300s: %s", name, strerror(error));
}

/* Begins with the next address that can be begun with; false: there is none. */
static bool try_next(vf_pipe *p)
{
	struct vf_connecting *c = p->connecting;
	vf_fd_close(&p->fd);
	for (; p->fd < 0 && c->next != NULL; c->next = c->next->ai_next) {
		const struct addrinfo *a = c->next;
		p->fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
			       a->ai_protocol);
		c->error = p->fd < 0 ? errno : 0;
		if (p->fd >= 0 && connect(p->fd, a->ai_addr, a->ai_addrlen) != 0 &&
		    errno != EINPROGRESS) {
			c->error = errno;
			vf_fd_close(&p->fd);
		}
	}
	c->until_us = vf_io_now_us() + CONNECT_TIMEOUT_MS * UINT64_C(1000);
	return p->fd >= 0;
}

/* Of the connection under way: EINPROGRESS, 0 or the errno of its failure. */
static int outcome(const vf_pipe *p)
{
	struct pollfd wait = {.fd = p->fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof error;
	const int n = poll(&wait, 1, 0);
	if (n <= 0)
		return vf_io_now_us() < p->connecting->until_us ? EINPROGRESS : ETIMEDOUT;
	return getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

void vf_net_forget(vf_pipe *p)
{
	if (p->connecting != NULL) {
		freeaddrinfo(p->connecting->list);
		free(p->connecting);
	}
	p->connecting = NULL;
}

int vf_net_connected(vf_pipe *p, uint64_t *again_us, vf_error *err)
{
	struct vf_connecting *c = p->connecting;
	while (p->fd >= 0) {
		const int error = outcome(p);
		*again_us = c->until_us;
		if (error == EINPROGRESS)
			return VF_IO_LATER;
		if (error == 0) {
			tune(p->fd);
			vf_net_forget(p);
			return VF_OK;
		}
		c->error = error;
		(void)try_next(p);
	}
	return explain_connect(p->name, c->error, err);
}

vf_pipe *vf_pipe_begin_net(const char *scheme, const char *text, vf_error *err)
{
	struct vf_connecting *c = calloc(1, sizeof *c);
	char *name = vf_io_print("%s://%s", scheme, text);
	host_port hp;
	vf_pipe *p = NULL;
	if (c == NULL || name == NULL)
		(void)vf_fail(err, VF_E_NOMEM, "out of memory");
	else if (split(&hp, text, err) == VF_OK && (c->list = look_up(&hp, 0, err)) != NULL &&
		 (p = vf_pipe_make(VF_PIPE_SOCKET, name, err)) == NULL)
		freeaddrinfo(c->list);
	free(name);
	if (p == NULL) {
		free(c);
		return NULL;
	}
	c->next = c->list;
	p->connecting = c;
	(void)try_next(p); /* that there is none shows in vf_net_connected */
	return p;
}

/* IAC and WILL, WONT, DO or DONT: how every telnet server begins, and no board. */
bool vf_net_is_telnet(vf_pipe *p, const uint8_t *bytes, size_t len)
{
	if (p->kind != VF_PIPE_SOCKET || p->heard)
		return false;
	p->heard = true;
	if (len < 3 || bytes[0] != 0xFF || bytes[1] < 0xFB || bytes[1] == 0xFF)
		return false;
	p->fault = "a telnet server answers there, which changes bytes: if it speaks RFC 2217, "
		   "name the port rfc2217://HOST:PORT";
	return true;
}

/* --- two names of one place -------------------------------------------------- */

static void add_address(vf_port_place *id, const struct addrinfo *a)
{
	char host[64], port[8];
	if (id->addresses == VF_PORT_ADDRESSES ||
	    getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	(void)snprintf(id->address[id->addresses++], VF_PORT_ADDRESS_MAX,
		       strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}

int vf_net_identify(const char *text, vf_port_place *id, vf_error *err)
{
	host_port hp;
	if (split(&hp, text, err) != VF_OK)
		return VF_E_USAGE;
	struct addrinfo *list = look_up(&hp, 0, err);
	if (list == NULL)
		return VF_E_LINK;
	id->network = true;
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
		add_address(id, a);
	freeaddrinfo(list);
	return VF_OK;
}

/* --- the listening end ------------------------------------------------------ */

static int listen_one(const struct addrinfo *a)
{
	int on = 1;
	int fd =
		socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 4) == 0)
		return fd;
	int error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

/* tcp://HOST:PORT with the port that it really is. */
static char *bound_name(int fd, const char *text)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof addr;
	char port[NI_MAXSERV];
	if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0 ||
	    getnameinfo((struct sockaddr *)&addr, len, NULL, 0, port, sizeof port,
			NI_NUMERICSERV) != 0)
		return NULL;
	return vf_io_print("tcp://%.*s:%s", (int)(strrchr(text, ':') - text), text, port);
}

vf_pipe *vf_pipe_listen(const char *text, vf_error *err)
{
	host_port hp;
	if (split(&hp, text, err) != VF_OK)
		return NULL;
	struct addrinfo *list = look_up(&hp, AI_PASSIVE, err);
	if (list == NULL)
		return NULL;
	int fd = listen_one(list);
	int error = errno;
	freeaddrinfo(list);
	if (fd < 0) {
		(void)vf_fail(err, VF_E_LINK, "%s: cannot listen there: %s", text, strerror(error));
		return NULL;
	}
	char *name = bound_name(fd, text);
	vf_pipe *p = vf_pipe_make(VF_PIPE_LISTEN, name != NULL ? name : text, err);
	free(name);
	if (p == NULL)
		(void)close(fd);
	else
		p->listen_fd = fd;
	return p;
}

/* The peer has closed, whether or not we have read all that it sent. */
static bool hung_up(int fd)
{
	struct pollfd state = {.fd = fd, .events = POLLRDHUP};
	return poll(&state, 1, 0) > 0 && state.revents != 0;
}

void vf_net_accept(vf_pipe *p)
{
	int fd = accept(p->listen_fd, NULL, NULL);
	if (fd < 0)
		return;
	if (p->fd >= 0 && hung_up(p->fd))
		vf_net_drop(p);
	if (p->fd >= 0) { /* one at a time: a second one is told so at once */
		(void)close(fd);
		return;
	}
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	tune(fd);
	p->fd = fd;
}

void vf_net_drop(vf_pipe *p)
{
	vf_fd_close(&p->fd);
}
