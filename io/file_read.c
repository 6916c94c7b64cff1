/* file_read.c - a whole file into memory. */

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_ROOM = 64 * 1024 };

typedef struct growing {
	uint8_t *bytes;
	size_t len, room;
} growing;

static int explain(const char *name, int error, vf_error *err)
{
	const char *what = strerror(error);
	if (error == ENOENT)
		what = "no such file";
	else if (error == EISDIR)
		what = "is a directory; name a file";
	return vf_fail(err, VF_E_FILE, "%s: %s", name, what);
}

static int too_large(const char *name, uint64_t max, vf_error *err)
{
	return vf_fail(err, VF_E_FILE, "%s: larger than %llu bytes, the most that is of use here",
		       name, (unsigned long long)max);
}

static bool grow(growing *g)
{
	size_t room = g->room < FIRST_ROOM ? FIRST_ROOM : g->room * 2;
	uint8_t *p = room > g->room ? realloc(g->bytes, room) : NULL;
	if (p == NULL)
		return false;
	g->bytes = p;
	g->room = room;
	return true;
}

/* Reads to the end whatever the size said: it may be a pipe, or growing. */
static int read_all(int fd, const char *name, uint64_t max, growing *g, vf_error *err)
{
	for (;;) {
		if (g->len == g->room && !grow(g))
			return vf_fail(err, VF_E_NOMEM, "%s: out of memory", name);
		ssize_t n = read(fd, g->bytes + g->len, g->room - g->len);
		if (n == 0)
			return VF_OK;
		if (n < 0) {
			if (errno == EINTR && vf_interrupted())
				return vf_fail(err, VF_E_INTERRUPTED, "interrupted");
			if (errno == EINTR)
				continue;
			return explain(name, errno, err);
		}
		g->len += (size_t)n;
		if (g->len > max)
			return too_large(name, max, err);
	}
}

static int read_fd(int fd, const char *name, uint64_t max, growing *g, vf_error *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return explain(name, errno, err);
	if (S_ISDIR(st.st_mode))
		return explain(name, EISDIR, err);
	if (S_ISREG(st.st_mode)) {
		if ((uint64_t)st.st_size > max)
			return too_large(name, max, err);
		g->room = (size_t)st.st_size + 1; /* one more, to meet the end at once */
		g->bytes = malloc(g->room);
		if (g->bytes == NULL)
			return vf_fail(err, VF_E_NOMEM, "%s: out of memory", name);
	}
	return read_all(fd, name, max, g, err);
}

int vf_file_read(const char *name, uint64_t max, uint8_t **bytes, size_t *len, vf_error *err)
{
	bool standard = strcmp(name, "-") == 0;
	*bytes = NULL;
	*len = 0;
	int fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return explain(name, errno, err);
	growing g = {.bytes = NULL};
	int status = read_fd(fd, standard ? "standard input" : name, max, &g, err);
	if (!standard)
		(void)close(fd);
	if (status != VF_OK) {
		free(g.bytes);
		return status;
	}
	*bytes = g.bytes;
	*len = g.len;
	return VF_OK;
}
