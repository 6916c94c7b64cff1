/* tty_linux.c - terminal settings through Linux' own interface.
 *
 * Its termios2 takes any speed as a number, where POSIX has a list of names
 * that ends long before what a debug probe can do. The kernel's header cannot
 * live beside <termios.h>, hence a file of its own.
 */

#include "internal.h"

#include <asm/termbits.h>
#include <errno.h>
#include <linux/major.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { PSEUDO_FIRST = UNIX98_PTY_SLAVE_MAJOR, PSEUDO_COUNT = UNIX98_PTY_MAJOR_COUNT };

static void make_raw(struct termios2 *t)
{
	t->c_iflag = IGNBRK;
	t->c_oflag = 0;
	t->c_lflag = 0;
	t->c_cflag &= ~(tcflag_t)(CSIZE | PARENB | CSTOPB | CRTSCTS | HUPCL | CMSPAR);
	t->c_cflag |= CS8 | CREAD | CLOCAL;
	/* One byte at least: so "nothing now" (EAGAIN) and "hung up" (0) differ. */
	t->c_cc[VMIN] = 1;
	t->c_cc[VTIME] = 0;
}

int vf_tty_raw(int fd, uint32_t baud)
{
	struct termios2 t;
	if (ioctl(fd, TCGETS2, &t) != 0)
		return -1;
	make_raw(&t);
	if (baud != 0) {
		t.c_cflag &= ~(tcflag_t)(CBAUD | CBAUD << IBSHIFT);
		t.c_cflag |= BOTHER | BOTHER << IBSHIFT;
		t.c_ispeed = baud;
		t.c_ospeed = baud;
	}
	return ioctl(fd, TCSETS2, &t);
}

uint32_t vf_tty_baud(int fd)
{
	struct termios2 t;
	return ioctl(fd, TCGETS2, &t) == 0 ? t.c_ospeed : 0;
}

uint32_t vf_tty_unsent(int fd)
{
	int n;
	return ioctl(fd, TIOCOUTQ, &n) == 0 && n > 0 ? (uint32_t)n : 0;
}

void vf_tty_flush_input(int fd)
{
	(void)ioctl(fd, TCFLSH, TCIFLUSH);
}

void vf_tty_flush_output(int fd)
{
	(void)ioctl(fd, TCFLSH, TCOFLUSH);
}

int vf_tty_exclusive(int fd)
{
	return ioctl(fd, TIOCEXCL);
}

static bool is_pseudo(const struct stat *st)
{
	unsigned n = major(st->st_rdev);
	return n >= PSEUDO_FIRST && n < PSEUDO_FIRST + PSEUDO_COUNT;
}

bool vf_tty_is_pseudo(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && is_pseudo(&st);
}

uint64_t vf_tty_pseudo_link(const char *name)
{
	struct stat st;
	if (stat(name, &st) != 0 || !is_pseudo(&st))
		return 0;
	if (lstat(name, &st) != 0 || !S_ISLNK(st.st_mode))
		return UINT64_MAX;
	const uint64_t time =
		(uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec;
	return (time ^ (uint64_t)st.st_ino << 40) | 1;
}
