/* sim_store.c - a simulated memory's contents: a file between runs. */

#include "sim.h"

#include <errno.h>
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
