/* known.c - which serial ports may be spoken to without being asked.
 *
 * Two kinds: USB ids of debug probes and boards, or the string of their maker
 * (known_usb.h), and ports where a board answered before.
 *
 * The state file has one port a line, newest last: VID:PID:SERIAL in
 * hexadecimal (or - where there are none), a tab, the path.
 */

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REMEMBERED_AT_MOST = 32 };

static const struct {
	uint16_t vid, pid;
	uint32_t max_baud;
} known_usb[] = {
#define VF_KNOWN_USB(vid, pid, most, what) {vid, pid, most},
#include "known_usb.h"
#undef VF_KNOWN_USB
};

/* Its index in the table; that of none: the number of entries. */
static size_t find_usb(int vid, int pid)
{
	size_t i = 0;
	while (i < sizeof known_usb / sizeof known_usb[0] &&
	       (known_usb[i].vid != vid || known_usb[i].pid != pid))
		i++;
	return i;
}

static bool known_maker(const char *maker)
{
	static const char *const known[] = {
#define VF_KNOWN_MAKER(text, what) text,
#include "known_usb.h"
#undef VF_KNOWN_MAKER
	};
	size_t i = 0;
	while (i < sizeof known / sizeof known[0] && strcmp(known[i], maker) != 0)
		i++;
	return i < sizeof known / sizeof known[0];
}

bool vf_known_usb(int vid, int pid, const char *maker)
{
	return find_usb(vid, pid) < sizeof known_usb / sizeof known_usb[0] ||
	       (maker != NULL && known_maker(maker));
}

uint32_t vf_known_max_baud(int vid, int pid)
{
	const size_t i = find_usb(vid, pid);
	return i < sizeof known_usb / sizeof known_usb[0] ? known_usb[i].max_baud : 0;
}

char *vf_state_path(const char *name)
{
	const char *state = getenv("XDG_STATE_HOME");
	if (state != NULL && state[0] == '/') /* relative ones are to be ignored */
		return vf_io_print("%s/vcpflash/%s", state, name);
	const char *home = getenv("HOME");
	if (home == NULL || home[0] == '\0')
		return NULL;
	return vf_io_print("%s/.local/state/vcpflash/%s", home, name);
}

char *vf_known_path(void)
{
	return vf_state_path("ports");
}

/* A port's line without its end. NULL: no memory, or a name that would break
 * the file's form. */
static char *port_line(const char *name, int vid, int pid, const char *serial)
{
	if (strpbrk(name, "\r\n") != NULL)
		return NULL;
	if (vid < 0 || pid < 0)
		return vf_io_print("-\t%s", name);
	if (serial == NULL || strpbrk(serial, "\t\r\n") != NULL)
		serial = "";
	return vf_io_print("%04x:%04x:%s\t%s", (unsigned)vid, (unsigned)pid, serial, name);
}

/* Do two lines mean one port? With USB ids what stands before the tab tells. */
static bool same_port(const char *a, size_t a_len, const char *b, size_t b_len)
{
	if (a_len > 0 && a[0] != '-') {
		const char *tab = memchr(a, '\t', a_len);
		if (tab != NULL) {
			size_t id = (size_t)(tab - a) + 1;
			return b_len >= id && memcmp(a, b, id) == 0;
		}
	}
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static size_t line_len(const char *at)
{
	return strcspn(at, "\n");
}

static const char *next_line(const char *at)
{
	at += line_len(at);
	return *at == '\n' ? at + 1 : at;
}

bool vf_known_has(const char *text, const char *name, int vid, int pid, const char *serial)
{
	char *line = port_line(name, vid, pid, serial);
	bool found = false;
	if (line == NULL)
		return false;
	for (const char *at = text; *at != '\0' && !found; at = next_line(at))
		found = same_port(line, strlen(line), at, line_len(at));
	free(line);
	return found;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;
	for (const char *at = text; *at != '\0'; at = next_line(at))
		n++;
	return n;
}

char *vf_known_add(const char *text, const char *name, int vid, int pid, const char *serial)
{
	char *line = port_line(name, vid, pid, serial);
	if (line == NULL)
		return NULL;
	char *out = malloc(strlen(text) + strlen(line) + 3);
	size_t len = 0, left = count_lines(text);
	for (const char *at = text; out != NULL && *at != '\0'; at = next_line(at), left--) {
		size_t n = line_len(at);
		if (n == 0 || left >= REMEMBERED_AT_MOST || same_port(line, strlen(line), at, n))
			continue;
		memcpy(out + len, at, n);
		len += n;
		out[len++] = '\n';
	}
	if (out != NULL) {
		memcpy(out + len, line, strlen(line));
		len += strlen(line);
		out[len++] = '\n';
		out[len] = '\0';
	}
	free(line);
	return out;
}
