/* kept.c - what has to outlive this process, a power cut of this computer included:
 * files in the user's state directory, written beside, synced, renamed, and the
 * directory synced. Nobody else may read them: they hold what a flash held. */

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_MAX ((uint64_t)1 << 30) /* two copies of every sector of a large chip, and more */

/* The path of a kept file; the caller frees. NULL: there is no place. */
static char *path_of(const char *name, const char *ending)
{
	char *directory = vf_state_path("kept");
	char *path = directory != NULL ? vf_io_print("%s/%s%s", directory, name, ending) : NULL;
	free(directory);
	return path;
}

static int sync_directory(const char *path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int status = fsync(fd);
	if (status != 0 && errno == EINVAL) /* a file system that has no such thing */
		status = 0;
	(void)close(fd);
	return status;
}

static int sync_above(const char *path)
{
	char *copy = vf_io_strdup(path);
	char *slash = copy != NULL ? strrchr(copy, '/') : NULL;
	int status = -1;
	if (slash != NULL) {
		slash[slash == copy ? 1 : 0] = '\0';
		status = sync_directory(copy);
	}
	free(copy);
	return status;
}

static int make_one(const char *path)
{
	struct stat st;
	if (stat(path, &st) == 0)
		return 0;
	return mkdir(path, 0700) == 0 ? sync_above(path) : -1;
}

/* The directory of `path`, and where they are missing, those above it. */
static int make_directory(const char *path)
{
	char *copy = vf_io_strdup(path);
	int status = copy == NULL ? -1 : 0;
	for (char *at = copy; status == 0 && (at = strchr(at + 1, '/')) != NULL; *at = '/') {
		*at = '\0';
		status = make_one(copy);
	}
	free(copy);
	return status;
}

static int write_synced(const char *path, const uint8_t *bytes, size_t len)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int status = fd < 0 ? -1 : 0;
	while (status == 0 && len > 0) {
		const ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno != EINTR)
			status = -1;
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	if (status == 0)
		status = fsync(fd);
	const int error = errno;
	if (fd >= 0)
		(void)close(fd);
	errno = error;
	return status;
}

static int explain(const char *path, vf_error *err)
{
	if (path == NULL)
		return vf_fail(err, VF_E_FILE,
			       "there is no place for the bytes that have to survive: set HOME or "
			       "XDG_STATE_HOME, or give them up with --discard; the flash is left "
			       "as it is");
	return vf_fail(err, VF_E_FILE,
		       "%.150s: the bytes that have to survive cannot be kept there: %s; make "
		       "room, name another place with XDG_STATE_HOME, or give them up with "
		       "--discard; the flash is left as it is",
		       path, strerror(errno));
}

int vf_kept_save(const char *name, const uint8_t *bytes, size_t len, vf_error *err)
{
	char *path = path_of(name, "");
	char *beside = path_of(name, ".tmp");
	int status = VF_OK;
	if (path == NULL || beside == NULL || make_directory(path) != 0 ||
	    write_synced(beside, bytes, len) != 0 || rename(beside, path) != 0 ||
	    sync_above(path) != 0) {
		status = explain(path, err);
		if (beside != NULL)
			(void)unlink(beside);
	}
	free(beside);
	free(path);
	return status;
}

int vf_kept_load(const char *name, uint8_t **bytes, size_t *len, vf_error *err)
{
	char *path = path_of(name, "");
	struct stat st;
	int status = VF_OK;
	*bytes = NULL;
	*len = 0;
	if (path != NULL && (stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR)))
		status = vf_file_read(path, KEPT_MAX, bytes, len, err);
	free(path);
	return status;
}

void vf_kept_drop(const char *name)
{
	char *path = path_of(name, "");
	if (path != NULL) {
		(void)unlink(path);
		(void)sync_above(path);
	}
	free(path);
}

int vf_state_file(const char *name, bool make, char *path, size_t room, vf_error *err)
{
	char *found = vf_state_path(name);
	if (found == NULL)
		return vf_fail(err, VF_E_FILE,
			       "there is no directory for %s: set HOME or XDG_STATE_HOME", name);
	const int length = snprintf(path, room, "%s", found);
	const int status =
		length < 0 || (size_t)length >= room
			? vf_fail(err, VF_E_FILE, "%.200s: that path is too long", found)
		: make && make_directory(found) != 0
			? vf_fail(err, VF_E_FILE, "%.200s: its directory cannot be made: %s", found,
				  strerror(errno))
			: VF_OK;
	free(found);
	return status;
}

/* 0; -1 with EEXIST where `to` is there already: it is never replaced. */
static int move_to_new(const char *from, const char *to)
{
	struct stat st;
	if (link(from, to) == 0)
		return unlink(from);
	if (errno == EEXIST || errno == ENOENT)
		return -1;
	/* A file system that knows no second name. */
	if (lstat(to, &st) == 0) {
		errno = EEXIST;
		return -1;
	}
	return rename(from, to);
}

char *vf_kept_aside(const char *name)
{
	enum { MOST = 10000 };
	char *path = path_of(name, "");
	char *old = path_of(name, ".old");
	int status = -1;
	for (unsigned n = 2; path != NULL && old != NULL && n < MOST; n++) {
		char ending[24];
		status = move_to_new(path, old);
		if (status == 0 || errno != EEXIST)
			break;
		free(old);
		(void)snprintf(ending, sizeof ending, ".%u.old", n);
		old = path_of(name, ending);
	}
	if (status == 0)
		(void)sync_above(path);
	free(path);
	if (status == 0)
		return old;
	free(old);
	return NULL;
}
