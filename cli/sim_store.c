/* sim_store.c - a simulated memory's contents: a file between runs. */

#include "sim.h"

#include <vcpflash/wire.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int load_file(sim_store *s, const char *what, vf_error *err)
{
	uint8_t *bytes;
	size_t len;
	int status = vf_file_read(s->name, (uint64_t)1 << 31, &bytes, &len, err);
	if (status != VF_OK)
		return status;
	if (len != s->len) {
		vf_free(&vf_io_alloc, bytes);
		return vf_fail(err, VF_E_FILE,
			       "%s: it has %zu bytes, but %s has %zu; name another file, or remove "
			       "it for an erased one",
			       s->name, len, what, s->len);
	}
	s->bytes = bytes;
	return VF_OK;
}

uint64_t sim_identity(const sim_options *o)
{
	const char *name = o->flash != NULL ? o->flash : o->internal;
	uint8_t sum[VF_SHA256_SIZE];
	vf_sha256 h;
	if (o->has_seed || name == NULL)
		return 0;
	char *path = realpath(name, NULL);
	const char *place = path != NULL ? path : name;
	vf_sha256_init(&h);
	vf_sha256_update(&h, (const uint8_t *)place, strlen(place));
	vf_sha256_final(&h, sum);
	free(path);
	return vf_get32(sum) | (uint64_t)vf_get32(sum + 4) << 32;
}

int sim_store_load(sim_store *s, const char *name, size_t len, const char *what, vf_error *err)
{
	struct stat st;
	*s = (sim_store){.name = name, .len = len};
	if (name != NULL && (stat(name, &st) == 0 || errno != ENOENT))
		return load_file(s, what, err);
	s->bytes = vf_resize(&vf_io_alloc, NULL, len);
	if (s->bytes == NULL)
		return vf_fail(err, VF_E_NOMEM, "no memory for the %zu bytes of %s", len, what);
	memset(s->bytes, 0xFF, len);
	/* Made at once: a file that cannot be written is said now, not at the end. */
	return sim_store_save(s, err);
}

int sim_store_save(const sim_store *s, vf_error *err)
{
	if (s->name == NULL)
		return VF_OK;
	vf_file_out *f = vf_file_create(s->name, err);
	if (f == NULL)
		return VF_E_FILE;
	(void)vf_file_put(f, s->bytes, s->len);
	return vf_file_commit(f, err);
}

void sim_store_free(sim_store *s)
{
	vf_free(&vf_io_alloc, s->bytes);
	s->bytes = NULL;
}
