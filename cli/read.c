/* read: bytes of the flash into a file. They go straight to a raw file; an
 * Intel HEX, S-record or UF2 file is written when they are all there. */
#include <stddef.h>
#include <string.h>

#include "run.h"

typedef struct reading {
	cli_run r;
	vf_file_out *file;
	enum vf_image_format format;
	bool file_failed;
	bool raw;
	uint8_t *bytes; /* if not: all that was read */
	size_t have;
} reading;

static int put(void *ctx, const uint8_t *data, size_t len)
{
	reading *g = ctx;
	int status = vf_file_put(g->file, data, len);
	g->file_failed = g->file_failed || status != VF_OK;
	return status;
}

/* The job hands its own context to every callback; the reading lies around it. */
static int on_bytes(void *ctx, const uint8_t *data, size_t len)
{
	reading *g = (reading *)(void *)((char *)ctx - offsetof(reading, r));
	if (g->raw)
		return put(g, data, len);
	if (g->bytes == NULL) /* not before the board has agreed to the length */
		g->bytes = vf_resize(&vf_io_alloc, NULL, (size_t)g->r.job.length);
	if (g->bytes == NULL)
		return VF_E_NOMEM;
	memcpy(g->bytes + g->have, data, len);
	g->have += len;
	return VF_OK;
}

/* The first byte's address: what was asked for may have been an offset into the
 * external flash, but a file names addresses. */
static uint32_t first_address(const cli_run *r)
{
	uint32_t asked = r->job.address, base = 0;
	for (unsigned i = r->board.welcome.memories; i-- > 0;) {
		const vf_memory *m = &r->board.memory[i];
		if (asked - m->base < m->size)
			return asked;
		if (m->kind == VF_MEMORY_NOR)
			base = m->base;
	}
	return base + asked;
}

static int write_image(reading *g)
{
	vf_image_write_options w = {.format = (uint8_t)g->format};
	vf_image img;
	vf_image_init(&img, &vf_io_alloc);
	int status = vf_image_add_under(&img, "flash", first_address(&g->r), g->bytes, g->have,
					&g->r.error);
	if (status == VF_OK)
		status = vf_image_write(&img, &w, put, g, &g->r.error);
	vf_image_free(&img);
	return status;
}

/* a.out may be anything; .elf is a promise that cannot be kept. */
static bool asks_for_elf(const reading *g, const char *name)
{
	size_t len = strlen(name);
	return g->format == VF_FORMAT_ELF && strcmp(name + len - 4, ".out") != 0;
}

static int open_output(reading *g, const char *name)
{
	g->format = vf_image_format_by_name(name);
	if (asks_for_elf(g, name))
		return vf_fail(&g->r.error, VF_E_USAGE,
			       "%s: cannot write ELF: name it .hex .srec .uf2 or .bin", name);
	g->raw = g->format != VF_FORMAT_HEX && g->format != VF_FORMAT_SREC &&
		 g->format != VF_FORMAT_UF2;
	g->file = vf_file_create(name, &g->r.error);
	return g->file != NULL ? VF_OK : g->r.error.code;
}

/* Keeps the file only if all went well; a commit says why a file failed. */
static int close_output(reading *g, int status)
{
	if (g->file != NULL && (status == VF_OK || g->file_failed))
		return vf_file_commit(g->file, &g->r.error);
	vf_file_discard(g->file);
	return status;
}

int cli_read(const cli_options *o)
{
	reading g = {.have = 0};
	int status = cli_run_begin(&g.r, o, VF_JOB_READ);
	g.r.job.call.sink = on_bytes;
	if (status == VF_OK)
		status = cli_run_range(&g.r, o->args[0], o->args[1]);
	if (status == VF_OK)
		status = open_output(&g, o->args[2]);
	if (status == VF_OK)
		status = cli_run_do(&g.r);
	if (status == VF_OK && !g.raw)
		status = write_image(&g);
	if (close_output(&g, status) == VF_OK) {
		char size[16], time[24];
		cli_say(o, "read %s in %s", cli_size(size, g.r.job.length),
			cli_time(time, g.r.result.elapsed_us));
	}
	vf_free(&vf_io_alloc, g.bytes);
	return cli_run_end(&g.r);
}
