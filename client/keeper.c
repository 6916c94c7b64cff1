/* keeper.c - where a job's kept bytes go: a file a board, named by its unique id,
 * in the user's state directory. */
#include <stdlib.h>
#include <string.h>

#include <vcpflash/client.h>

#include "client_internal.h"

static void name_of(const vf_board *board, char name[2 * VF_WIRE_ID_MAX + 1])
{
	name[0] = '\0';
	for (unsigned i = 0; i < board->welcome.id_len; i++)
		(void)snprintf(name + 2 * (size_t)i, 3, "%02x", board->welcome.id[i]);
}

static int load(void *ctx, const vf_board *board, const uint8_t **bytes, size_t *len, vf_error *err)
{
	vf_keeper *k = ctx;
	char name[2 * VF_WIRE_ID_MAX + 1];
	name_of(board, name);
	vf_free(&vf_io_alloc, k->bytes);
	k->bytes = NULL;
	const int status = vf_kept_load(name, &k->bytes, len, err);
	*bytes = k->bytes;
	return status;
}

static int save(void *ctx, const vf_board *board, const uint8_t *bytes, size_t len, vf_error *err)
{
	char name[2 * VF_WIRE_ID_MAX + 1];
	(void)ctx;
	name_of(board, name);
	return vf_kept_save(name, bytes, len, err);
}

static void drop(void *ctx, const vf_board *board, bool stale)
{
	vf_keeper *k = ctx;
	char name[2 * VF_WIRE_ID_MAX + 1];
	name_of(board, name);
	if (!stale) {
		vf_kept_drop(name);
		return;
	}
	free(k->aside);
	k->aside = vf_kept_aside(name);
}

static const char *where(void *ctx)
{
	const vf_keeper *k = ctx;
	return k->aside;
}

vf_job_keeper vf_keeper_door(vf_keeper *k)
{
	return (vf_job_keeper){.ctx = k, .load = load, .save = save, .drop = drop, .where = where};
}

void vf_keeper_free(vf_keeper *k)
{
	vf_free(&vf_io_alloc, k->bytes);
	k->bytes = NULL;
	free(k->aside);
	k->aside = NULL;
}
