/* identity.c - when two names mean one port. */

#include "internal.h"

#include <string.h>
#include <sys/stat.h>

int vf_port_locate(const char *name, vf_port_place *id, vf_error *err)
{
	struct stat st;
	memset(id, 0, sizeof *id);
	const char *scheme_end = strstr(name, "://");
	if (scheme_end != NULL && memchr(name, '/', (size_t)(scheme_end - name)) == NULL)
		return vf_net_identify(scheme_end + 3, id, err);
	id->exists = stat(name, &st) == 0;
	id->device = id->exists && S_ISCHR(st.st_mode) ? (uint64_t)st.st_rdev : 0;
	return VF_OK;
}

bool vf_port_same(const vf_port_place *a, const vf_port_place *b)
{
	if (a->network != b->network)
		return false;
	if (!a->network)
		return a->device != 0 && a->device == b->device;
	for (unsigned i = 0; i < a->addresses; i++)
		for (unsigned k = 0; k < b->addresses; k++)
			if (strcmp(a->address[i], b->address[k]) == 0)
				return true;
	return false;
}
