/* pty.c - a pseudo-terminal as the board's end of a port, with a link to it. */

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_pair(vf_pipe *p, vf_error *err)
{
	p->fd = posix_openpt(O_RDWR | O_NOCTTY);
	if (p->fd < 0 || grantpt(p->fd) != 0 || unlockpt(p->fd) != 0)
		return vf_fail(err, VF_E_LINK, "cannot make a pseudo-terminal: %s",
			       strerror(errno));
	const char *slave = ptsname(p->fd);
	if (slave == NULL || (p->slave = vf_io_strdup(slave)) == NULL)
		return vf_fail(err, VF_E_LINK, "cannot name the pseudo-terminal");
	p->slave_fd = open(p->slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->slave_fd < 0 || vf_tty_raw(p->slave_fd, 115200) != 0)
		return vf_fail(err, VF_E_LINK, "%s: %s", p->slave, strerror(errno));
	if (fcntl(p->fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(p->fd, F_SETFD, FD_CLOEXEC) != 0)
		return vf_fail(err, VF_E_LINK, "%s: %s", p->slave, strerror(errno));
	return VF_OK;
}

/* Puts the link there in one step. A link that stands there is an earlier
 * run's; anything else is somebody's file and stays. */
static int place_link(vf_pipe *p, const char *path, vf_error *err)
{
	struct stat st;
	if (lstat(path, &st) == 0 && !S_ISLNK(st.st_mode))
		return vf_fail(err, VF_E_LINK, "%s: something else is there; name another path",
			       path);
	char *beside = vf_io_print("%s.%08x.tmp", path, (unsigned)vf_io_random(NULL));
	p->link = vf_io_strdup(path);
	int status = VF_OK;
	if (beside == NULL || p->link == NULL) {
		status = vf_fail(err, VF_E_NOMEM, "out of memory");
	} else if (symlink(p->slave, beside) != 0) {
		status = vf_fail(err, VF_E_LINK, "%s: cannot make the link: %s", path,
				 strerror(errno));
	} else if (rename(beside, path) != 0) {
		status = vf_fail(err, VF_E_LINK, "%s: cannot make the link: %s", path,
				 strerror(errno));
		(void)unlink(beside);
	}
	free(beside);
	return status;
}

static int take_name(vf_pipe *p, vf_error *err)
{
	char *name = vf_io_strdup(p->link != NULL ? p->link : p->slave);
	if (name == NULL)
		return vf_fail(err, VF_E_NOMEM, "out of memory");
	free(p->name);
	p->name = name;
	return VF_OK;
}

vf_pipe *vf_pipe_pty(const char *path, vf_error *err)
{
	vf_pipe *p = vf_pipe_make(VF_PIPE_PTY, "", err);
	if (p == NULL)
		return NULL;
	if (open_pair(p, err) != VF_OK || (path != NULL && place_link(p, path, err) != VF_OK) ||
	    take_name(p, err) != VF_OK) {
		vf_pipe_close(p);
		return NULL;
	}
	return p;
}
