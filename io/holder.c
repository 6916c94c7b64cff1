/* holder.c - which program has a port open, as far as this user may know. Linux tells of
 * every process which files it has open, but of other users' only to root; of locks it
 * tells everybody whose they are. */

#include "internal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A process' name, cleaned of what is not for a terminal. */
static void name_of(long pid, char out[VF_HOLDER_NAME])
{
	char path[64];
	(void)snprintf(path, sizeof path, "/proc/%ld/comm", pid);
	FILE *f = fopen(path, "re");
	if (f == NULL || fgets(out, VF_HOLDER_NAME, f) == NULL)
		(void)snprintf(out, VF_HOLDER_NAME, "a program");
	if (f != NULL)
		(void)fclose(f);
	out[strcspn(out, "\n")] = '\0';
	for (char *c = out; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7F)
			*c = '?';
}

static bool has_open(long pid, const struct stat *port)
{
	char path[64];
	(void)snprintf(path, sizeof path, "/proc/%ld/fd", pid);
	DIR *d = opendir(path);
	bool found = false;
	const struct dirent *e;
	while (d != NULL && !found && (e = readdir(d)) != NULL) {
		struct stat st;
		found = e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
			S_ISCHR(st.st_mode) && st.st_rdev == port->st_rdev;
	}
	if (d != NULL)
		(void)closedir(d);
	return found;
}

/* Whoever else has it open; 0: nobody that can be seen. */
static long find_open(const struct stat *port)
{
	DIR *d = opendir("/proc");
	long found = 0;
	const struct dirent *e;
	while (d != NULL && found == 0 && (e = readdir(d)) != NULL) {
		const long pid = strtol(e->d_name, NULL, 10);
		if (pid > 0 && pid != (long)getpid() && has_open(pid, port))
			found = pid;
	}
	if (d != NULL)
		(void)closedir(d);
	return found;
}

/* A line of /proc/locks, "1: FLOCK  ADVISORY  WRITE 4711 00:18:42 0 EOF": whose lock on
 * that file it is; 0: of none, or another one's. A line that waits for a lock has "->"
 * behind its number, and so no kind there. */
static long lock_of(char *line, const struct stat *port)
{
	enum { NUMBER, KIND, MANNER, ACCESS, PID, PLACE, FIELDS };
	char *field[FIELDS], *rest = line;
	for (unsigned i = 0; i < FIELDS; i++)
		if ((field[i] = strtok_r(rest, " \n", &rest)) == NULL)
			return 0;
	char *end = field[PLACE];
	const unsigned long dev_major = strtoul(end, &end, 16);
	const unsigned long dev_minor = *end == ':' ? strtoul(end + 1, &end, 16) : 0;
	const unsigned long inode = *end == ':' ? strtoul(end + 1, NULL, 10) : 0;
	const bool same = strcmp(field[KIND], "FLOCK") == 0 && inode == port->st_ino &&
			  dev_major == major(port->st_dev) && dev_minor == minor(port->st_dev);
	return same ? strtol(field[PID], NULL, 10) : 0;
}

/* Whoever holds the lock of vcpflash on it; 0: nobody that can be seen. */
static long find_lock(const struct stat *port)
{
	char line[256];
	FILE *f = fopen("/proc/locks", "re");
	long found = 0;
	while (f != NULL && found == 0 && fgets(line, sizeof line, f) != NULL)
		found = lock_of(line, port);
	if (f != NULL)
		(void)fclose(f);
	return found;
}

bool vf_port_holder(const char *path, bool locked, vf_holder *out)
{
	struct stat port;
	if (stat(path, &port) != 0 || !S_ISCHR(port.st_mode))
		return false;
	out->pid = locked ? find_lock(&port) : find_open(&port);
	if (out->pid <= 0)
		return false;
	name_of(out->pid, out->name);
	return true;
}
