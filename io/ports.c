/* ports.c - the serial ports of the system, and remembering the good ones. */

#include "internal.h"

#include <errno.h>
#include <libserialport.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { STATE_FILE_MAX = 64 * 1024 };

/* The state file's text, "" if there is none. */
static char *load_known(void)
{
	char *path = vf_known_path();
	uint8_t *bytes = NULL;
	size_t len = 0;
	if (path == NULL || vf_file_read(path, STATE_FILE_MAX, &bytes, &len, NULL) != VF_OK)
		len = 0;
	free(path);
	char *text = malloc(len + 1);
	if (text != NULL) {
		if (len > 0)
			memcpy(text, bytes, len);
		text[len] = '\0';
	}
	free(bytes);
	return text;
}

/* The number of the USB interface that a port belongs to: it stands in the
 * directory of the interface, which is the port's own device (CDC ACM) or the one
 * above it (converters). -1: unknown. */
static int interface_of(const char *name)
{
	static const char *const at[] = {"", "../"};
	const char *base = strrchr(name, '/');
	int number = -1;
	for (size_t i = 0; base != NULL && i < sizeof at / sizeof at[0] && number < 0; i++) {
		char text[16] = "";
		char *path =
			vf_io_print("/sys/class/tty/%s/device/%sbInterfaceNumber", base + 1, at[i]);
		FILE *f = path != NULL ? fopen(path, "re") : NULL;
		if (f != NULL && fgets(text, sizeof text, f) != NULL)
			number = (int)strtol(text, NULL, 16);
		if (f != NULL)
			(void)fclose(f);
		free(path);
	}
	return number;
}

static bool known_usb(const struct sp_port *port, const vf_port_info *info)
{
	const bool usb = sp_get_port_transport(port) == SP_TRANSPORT_USB;
	return vf_known_usb(info->vid, info->pid, usb ? sp_get_port_usb_manufacturer(port) : NULL);
}

static void describe(const struct sp_port *port, const char *known, vf_port_info *info)
{
	*info = (vf_port_info){.name = sp_get_port_name(port),
			       .description = sp_get_port_description(port),
			       .vid = -1,
			       .pid = -1,
			       .interface = -1};
	if (sp_get_port_transport(port) == SP_TRANSPORT_USB) {
		info->serial = sp_get_port_usb_serial(port);
		if (sp_get_port_usb_vid_pid(port, &info->vid, &info->pid) != SP_OK)
			info->vid = info->pid = -1;
		info->interface = interface_of(info->name);
	}
	info->known = known_usb(port, info) ||
		      vf_known_has(known, info->name, info->vid, info->pid, info->serial);
}

/* Numbers in names count as numbers: ttyACM2 comes before ttyACM10. */
static int by_name(const void *a, const void *b)
{
	const char *x = sp_get_port_name(*(struct sp_port *const *)a);
	const char *y = sp_get_port_name(*(struct sp_port *const *)b);
	size_t x_len = strlen(x), y_len = strlen(y), i = 0;
	while (x[i] != '\0' && x[i] == y[i])
		i++;
	bool digits = x[i] >= '0' && x[i] <= '9' && y[i] >= '0' && y[i] <= '9';
	if (digits && x_len != y_len)
		return x_len < y_len ? -1 : 1;
	return strcmp(x, y);
}

static size_t sort(struct sp_port **list)
{
	size_t n = 0;
	while (list[n] != NULL)
		n++;
	qsort(list, n, sizeof(struct sp_port *), by_name);
	return n;
}

int vf_ports_list(int (*each)(void *ctx, const vf_port_info *port), void *ctx, vf_error *err)
{
	struct sp_port **list = NULL;
	enum sp_return rc = sp_list_ports(&list);
	if (rc == SP_ERR_SUPP)
		return 0;
	if (rc != SP_OK)
		return vf_fail(err, VF_E_LINK, "cannot list the serial ports: %s",
			       rc == SP_ERR_MEM ? "out of memory" : strerror(errno));
	char *known = load_known();
	size_t n = sort(list);
	int result = 0;
	for (size_t i = 0; i < n && result == 0; i++) {
		vf_port_info info;
		describe(list[i], known != NULL ? known : "", &info);
		result = each(ctx, &info);
	}
	free(known);
	sp_free_port_list(list);
	return result;
}

/* Makes the directories that a path leads through. */
static void make_directories(char *path)
{
	for (char *at = path + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		(void)mkdir(path, 0700);
		*at = '/';
	}
}

static void store_known(const char *text)
{
	char *path = vf_known_path();
	if (path != NULL) {
		make_directories(path);
		vf_file_out *f = vf_file_create(path, NULL);
		if (f != NULL) {
			(void)vf_file_put(f, (const uint8_t *)text, strlen(text));
			(void)vf_file_commit(f, NULL);
		}
	}
	free(path);
}

void vf_port_identify(const char *name, vf_port_id *id)
{
	char path[PATH_MAX];
	struct sp_port *port = NULL;
	vf_port_info info;
	*id = (vf_port_id){
		.vid = -1, .pid = -1, .interface = -1, .pseudo = vf_tty_pseudo_link(name)};
	if (sp_get_port_by_name(name, &port) != SP_OK && /* a link to one, then */
	    (realpath(name, path) == NULL || sp_get_port_by_name(path, &port) != SP_OK))
		return;
	describe(port, "", &info);
	id->vid = info.vid;
	id->pid = info.pid;
	id->interface = info.interface;
	if (info.serial != NULL && strlen(info.serial) < sizeof id->serial)
		memcpy(id->serial, info.serial, strlen(info.serial) + 1);
	sp_free_port(port);
}

bool vf_port_is(const vf_port_info *port, const vf_port_id *id)
{
	return id->vid >= 0 && id->serial[0] != '\0' && port->serial != NULL &&
	       port->vid == id->vid && port->pid == id->pid && port->interface == id->interface &&
	       strcmp(port->serial, id->serial) == 0;
}

/* Only ports that the system lists: a pseudo-terminal's name means another
 * person's window tomorrow. */
void vf_ports_remember(const char *name)
{
	char path[PATH_MAX];
	struct sp_port *port = NULL;
	if (realpath(name, path) == NULL || sp_get_port_by_name(path, &port) != SP_OK)
		return;
	char *text = load_known();
	vf_port_info info;
	describe(port, "", &info);
	if (text != NULL && !known_usb(port, &info) &&
	    !vf_known_has(text, info.name, info.vid, info.pid, info.serial)) {
		char *more = vf_known_add(text, info.name, info.vid, info.pid, info.serial);
		if (more != NULL)
			store_known(more);
		free(more);
	}
	free(text);
	sp_free_port(port);
}
