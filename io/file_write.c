/* file_write.c - files that are whole or not there: written beside, renamed. */

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 64 * 1024, TRIES = 16 };

struct vf_file_out {
	int fd;
	int error;    /* errno of the first failure, 0 so far */
	char *name;   /* as the person typed it */
	char *target; /* what the name leads to; NULL: written to directly */
	char *beside; /* where it is written until the commit */
	size_t len;   /* bytes in buffer */
	uint8_t buffer[BUFFER];
};

static void free_out(vf_file_out *f)
{
	if (f->fd > STDERR_FILENO)
		(void)close(f->fd);
	free(f->name);
	free(f->target);
	free(f->beside);
	free(f);
}

static int explain(const vf_file_out *f, int error, vf_error *err)
{
	const char *what = strerror(error);
	if (error == ENOENT)
		what = "the directory is not there";
	else if (error == EISDIR)
		what = "is a directory; name a file";
	return vf_fail(err, VF_E_FILE, "%s: cannot write it: %s", f->name, what);
}

/* A name of this run's own in the directory of the target; created here, so
 * that the person's umask counts. */
static int open_beside(vf_file_out *f)
{
	for (int i = 0; i < TRIES; i++) {
		free(f->beside);
		f->beside = vf_io_print("%s.%08x.tmp", f->target, (unsigned)vf_io_random(NULL));
		if (f->beside == NULL) {
			errno = ENOMEM;
			return -1;
		}
		f->fd = open(f->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (f->fd >= 0 || errno != EEXIST)
			break;
	}
	if (f->fd < 0) {
		int error = errno;
		free(f->beside);
		f->beside = NULL;
		errno = error;
		return -1;
	}
	return 0;
}

/* What stands there is replaced only if the person could have written to it,
 * and keeps its mode. */
static int open_over(vf_file_out *f, const struct stat *old)
{
	if (access(f->target, W_OK) != 0 || open_beside(f) != 0)
		return -1;
	(void)fchmod(f->fd, old->st_mode & 07777);
	return 0;
}

static int open_out(vf_file_out *f)
{
	struct stat st;
	if (strcmp(f->name, "-") == 0) {
		f->fd = STDOUT_FILENO;
		return 0;
	}
	if (stat(f->name, &st) != 0) {
		if (errno != ENOENT)
			return -1;
		f->target = vf_io_strdup(f->name);
		return f->target != NULL ? open_beside(f) : -1;
	}
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return -1;
	}
	if (!S_ISREG(st.st_mode)) { /* a device or a pipe cannot be replaced */
		f->fd = open(f->name, O_WRONLY | O_CLOEXEC);
		return f->fd >= 0 ? 0 : -1;
	}
	f->target = realpath(f->name, NULL); /* a link stays a link */
	return f->target != NULL ? open_over(f, &st) : -1;
}

vf_file_out *vf_file_create(const char *name, vf_error *err)
{
	vf_file_out *f = calloc(1, sizeof *f);
	if (f == NULL || (f->name = vf_io_strdup(name)) == NULL) {
		free(f);
		(void)vf_fail(err, VF_E_NOMEM, "out of memory");
		return NULL;
	}
	f->fd = -1;
	if (open_out(f) != 0) {
		(void)explain(f, errno, err);
		free_out(f);
		return NULL;
	}
	return f;
}

static void write_all(vf_file_out *f, const uint8_t *bytes, size_t len)
{
	while (len > 0 && f->error == 0) {
		ssize_t n = write(f->fd, bytes, len);
		if (n < 0) {
			if (errno != EINTR)
				f->error = errno;
			continue;
		}
		bytes += n;
		len -= (size_t)n;
	}
}

static void flush(vf_file_out *f)
{
	write_all(f, f->buffer, f->len);
	f->len = 0;
}

int vf_file_put(void *file_out, const uint8_t *bytes, size_t len)
{
	vf_file_out *f = file_out;
	if (len > BUFFER - f->len)
		flush(f);
	if (len >= BUFFER) {
		write_all(f, bytes, len);
	} else if (len > 0) {
		memcpy(f->buffer + f->len, bytes, len);
		f->len += len;
	}
	return f->error == 0 ? VF_OK : VF_E_FILE;
}

/* The rename itself must outlive a power cut too. */
static void sync_directory(const char *path)
{
	char *copy = vf_io_strdup(path);
	if (copy == NULL)
		return;
	char *slash = strrchr(copy, '/');
	if (slash != NULL)
		slash[slash == copy ? 1 : 0] = '\0';
	int fd = open(slash != NULL ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
	free(copy);
}

int vf_file_commit(vf_file_out *f, vf_error *err)
{
	flush(f);
	if (f->error == 0 && f->target != NULL && fsync(f->fd) != 0)
		f->error = errno;
	if (f->error == 0 && f->target != NULL && rename(f->beside, f->target) != 0)
		f->error = errno;
	if (f->error != 0) {
		int status =
			f->name[0] == '-' && f->name[1] == '\0'
				? vf_fail(err, VF_E_FILE, "cannot write to standard output: %s",
					  strerror(f->error))
				: explain(f, f->error, err);
		vf_file_discard(f);
		return status;
	}
	if (f->target != NULL)
		sync_directory(f->target);
	free_out(f);
	return VF_OK;
}

void vf_file_discard(vf_file_out *f)
{
	if (f == NULL)
		return;
	if (f->beside != NULL)
		(void)unlink(f->beside);
	free_out(f);
}
