/* serial.c - serial devices: opening them, and saying why that failed. */

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libserialport.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct port_names {
	char text[240];
	size_t len;
	unsigned count;
} port_names;

enum { NAMED_AT_MOST = 6 };

static int add_name(void *ctx, const vf_port_info *port)
{
	port_names *names = ctx;
	size_t len = strlen(port->name);
	if (names->count < NAMED_AT_MOST && names->len + len + 3 < sizeof names->text) {
		if (names->len > 0) {
			memcpy(names->text + names->len, ", ", 2);
			names->len += 2;
		}
		memcpy(names->text + names->len, port->name, len + 1);
		names->len += len;
	}
	names->count++;
	return 0;
}

static int explain_absent(const char *name, vf_error *err)
{
	port_names names = {.len = 0};
	(void)vf_ports_list(add_name, &names, NULL);
	if (names.count == 0)
		return vf_fail(err, VF_E_LINK,
			       "%s: there is no such port, and this system has no serial port at "
			       "all; is the board plugged in?",
			       name);
	if (names.count > NAMED_AT_MOST)
		return vf_fail(err, VF_E_LINK,
			       "%s: there is no such port; `vcpflash ports` lists those there are",
			       name);
	return vf_fail(err, VF_E_LINK, "%s: there is no such port; there are: %s", name,
		       names.text);
}

static int explain_rights(const char *name, vf_error *err)
{
	struct stat st;
	struct group *group = NULL;
	if (stat(name, &st) == 0 && st.st_gid != 0 && (st.st_mode & S_IRGRP) != 0)
		group = getgrgid(st.st_gid);
	const char *which = group != NULL ? group->gr_name : "dialout";
	return vf_fail(
		err, VF_E_LINK,
		"%.200s: you have no right to open it; join the group %s (sudo usermod -aG %s "
		"$USER) and log in again, or install vcpflash's udev rule and plug it in again",
		name, which, which);
}

/* The system's list of locks is no picture of one moment: a lock may be missing from it for once.
 * Who merely has a pseudo-terminal open holds nobody off, but may be its other end. */
static bool find_holder(const char *name, bool pseudo, vf_holder *holder)
{
	enum { LOOKS = 3 };
	for (unsigned i = 0; i < LOOKS; i++)
		if (vf_port_holder(name, true, holder))
			return true;
	return !pseudo && vf_port_holder(name, false, holder);
}

static int explain_busy(const char *name, vf_error *err)
{
	vf_holder holder;
	const bool pseudo = vf_tty_pseudo_link(name) != 0;
	const bool found = find_holder(name, pseudo, &holder);
	if (!found && pseudo)
		return vf_fail(err, VF_E_LINK,
			       "%.250s: busy; another program has it, or had it just now: close "
			       "that, or run this again",
			       name);
	if (!found)
		return vf_fail(err, VF_E_LINK,
			       "%.250s: busy; a program of another user has it open: close that "
			       "first (sudo fuser -v names it)",
			       name);
	if (holder.pid == (long)getpid())
		return vf_fail(err, VF_E_LINK, "%.250s: busy; it is in use here already", name);
	return vf_fail(err, VF_E_LINK,
		       "%.250s: busy; %s (process %ld) has it open: close that first", name,
		       holder.name, holder.pid);
}

static int explain(const char *name, int error, vf_error *err)
{
	switch (error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return explain_absent(name, err);
	case EACCES:
	case EPERM:
		return explain_rights(name, err);
	case EBUSY:
	case EWOULDBLOCK:
		return explain_busy(name, err);
	case ENOTTY:
	case EINVAL:
	case EISDIR:
		return vf_fail(err, VF_E_LINK, "%s: not a serial port or terminal", name);
	default:
		return vf_fail(err, VF_E_LINK, "%s: cannot open it: %s", name, strerror(error));
	}
}

/* libserialport knows the ports that sysfs lists, and how their drivers like to
 * be opened. It refuses all others, pseudo-terminals among them. Returns a
 * descriptor, -1 with errno, or -2 where it does not know the port. */
static int open_listed(const char *path, uint32_t *max_baud)
{
	struct sp_port *port = NULL;
	if (sp_get_port_by_name(path, &port) != SP_OK)
		return -2;
	int fd = -1, own = -1;
	errno = 0;
	enum sp_return rc = sp_open(port, SP_MODE_READ_WRITE);
	int error = rc == SP_ERR_ARG ? ENOTTY : errno;
	int vid, pid;
	if (sp_get_port_usb_vid_pid(port, &vid, &pid) == SP_OK)
		*max_baud = vf_known_max_baud(vid, pid);
	if (rc == SP_OK && sp_get_port_handle(port, &fd) == SP_OK) {
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		error = errno;
		(void)sp_close(port);
	}
	sp_free_port(port);
	errno = error != 0 ? error : EIO;
	return own;
}

static int open_tty(const char *path, uint32_t *max_baud)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return -1;
	if (!S_ISCHR(st.st_mode)) {
		errno = ENOTTY;
		return -1;
	}
	int fd = open_listed(path, max_baud);
	if (fd == -2)
		fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return fd;
}

/* Takes the port for this process alone. TIOCEXCL keeps every other program
 * out, but sticks to a pseudo-terminal until its other end closes, even after
 * we were killed: there the lock alone, which other vcpflashs heed, must do. */
static int claim(int fd, const char *name)
{
	vf_holder holder;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return -1;
	if (vf_tty_is_pseudo(fd))
		return 0;
	if (vf_tty_exclusive(fd) != 0)
		return -1;
	/* Who came before and did not ask to be alone would get half of what arrives. */
	if (vf_port_holder(name, false, &holder)) {
		errno = EBUSY;
		return -1;
	}
	return 0;
}

/* Drivers round to what their divider can do, or quietly keep the old speed. A
 * receiver stands about three per cent. */
static bool set_baud(int fd, uint32_t baud)
{
	if (vf_tty_raw(fd, baud) != 0)
		return false;
	uint64_t have = vf_tty_baud(fd);
	uint64_t off = have > baud ? have - baud : baud - have;
	return have == 0 || off * 100 <= (uint64_t)baud * 3;
}

static int prepare(int fd, const char *name, uint32_t baud, vf_error *err)
{
	if (claim(fd, name) != 0)
		return explain(name, errno, err);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || vf_tty_raw(fd, 0) != 0)
		return explain(name, errno, err);
	if (baud != 0 && !set_baud(fd, baud))
		return vf_fail(err, VF_E_LINK, "%s: it cannot do %lu baud; try 115200", name,
			       (unsigned long)baud);
	vf_tty_flush_input(fd);
	return VF_OK;
}

vf_pipe *vf_pipe_open_serial(const char *name, uint32_t baud, vf_error *err)
{
	char path[PATH_MAX]; /* libserialport knows devices, not links to them */
	if (realpath(name, path) == NULL) {
		(void)explain(name, errno, err);
		return NULL;
	}
	uint32_t max_baud = 0;
	int fd = open_tty(path, &max_baud);
	if (fd < 0) {
		(void)explain(name, errno, err);
		return NULL;
	}
	vf_pipe *p = NULL;
	if (prepare(fd, name, baud, err) == VF_OK)
		p = vf_pipe_make(VF_PIPE_TTY, name, err);
	if (p == NULL) {
		(void)close(fd);
		return NULL;
	}
	p->fd = fd;
	p->max_baud = max_baud;
	return p;
}

bool vf_pipe_may_open_soon(const char *name)
{
	const int fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == EBUSY || errno == EACCES;
	const bool terminal = isatty(fd) == 1;
	(void)close(fd);
	return terminal;
}

/* --- the rate, later ------------------------------------------------------------ */

enum {
	BAUD_MOST = 12000000, /* no bridge does more */
	FIFO_BITS = 640,      /* bytes in a UART's own memory, which the system cannot see */
	DRAIN_US = 1000000,
};

uint32_t vf_pipe_baud(const vf_pipe *p)
{
	if (p->kind == VF_PIPE_RFC2217)
		return vf_rfc2217_baud(p);
	if (p->kind == VF_PIPE_PTY)
		return vf_tty_baud(p->slave_fd);
	return p->kind == VF_PIPE_TTY ? vf_tty_baud(p->fd) : 0;
}

uint32_t vf_pipe_max_baud(const vf_pipe *p)
{
	if (p->kind != VF_PIPE_TTY && p->kind != VF_PIPE_RFC2217)
		return 0;
	return p->max_baud != 0 ? p->max_baud : BAUD_MOST;
}

static int change_baud(vf_pipe *p, uint32_t baud, uint32_t before)
{
	p->leave_us = p->quiet_us = 0;
	if (set_baud(p->fd, baud))
		return VF_OK;
	if (before != 0)
		(void)vf_tty_raw(p->fd, before);
	return VF_E_LINK;
}

int vf_pipe_set_baud_soon(vf_pipe *p, uint32_t baud, uint64_t *again_us)
{
	if (p->kind == VF_PIPE_RFC2217 && baud != 0)
		return vf_rfc2217_set_baud_soon(p, baud, again_us);
	if (p->kind != VF_PIPE_TTY || baud == 0)
		return VF_E_USAGE;
	const uint64_t now = vf_io_now_us();
	const uint32_t before = vf_tty_baud(p->fd);
	if (p->leave_us == 0)
		p->leave_us = now + DRAIN_US;
	if (p->quiet_us == 0 && (vf_tty_unsent(p->fd) == 0 || now >= p->leave_us))
		p->quiet_us =
			now + (before > 0 ? FIFO_BITS * UINT64_C(1000000) / before : 0) + 1000;
	if (p->quiet_us != 0 && now >= p->quiet_us)
		return change_baud(p, baud, before);
	*again_us = p->quiet_us != 0 ? p->quiet_us : now + 1000;
	return VF_IO_LATER;
}

int vf_pipe_set_baud(vf_pipe *p, uint32_t baud)
{
	uint64_t again_us;
	int status;
	while ((status = vf_pipe_set_baud_soon(p, baud, &again_us)) == VF_IO_LATER) {
		const uint64_t now = vf_io_now_us();
		const uint64_t us = again_us > now ? again_us - now : 0;
		struct timespec t = {.tv_sec = (time_t)(us / 1000000),
				     .tv_nsec = (long)(us % 1000000) * 1000};
		(void)nanosleep(&t, NULL);
	}
	return status;
}

bool vf_pipe_drained(vf_pipe *p, bool discard)
{
	if (p->kind == VF_PIPE_RFC2217)
		return discard || vf_rfc2217_drained(p);
	if (p->kind != VF_PIPE_TTY)
		return true;
	if (discard)
		vf_tty_flush_output(p->fd);
	return vf_tty_unsent(p->fd) == 0;
}
