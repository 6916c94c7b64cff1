/* A board of the emulator's for tests. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *emu_resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size != 0)
		return realloc(p, size);
	free(p);
	return NULL;
}

static uint8_t *erased(size_t size)
{
	uint8_t *bytes = malloc(size);
	assert_non_null(bytes);
	return memset(bytes, 0xFF, size);
}

static void load(const char *name, uint8_t *to)
{
	FILE *f = fopen(name, "rb");
	assert_non_null(f);
	assert_true(fread(to, 1, VF_EMU_INTERNAL_SIZE / 2, f) > 100);
	(void)fclose(f);
}

emu_world emu_world_new(const vf_emu_board_config *config, const char *m7, const char *m4)
{
	emu_world w = {erased(VF_EMU_INTERNAL_SIZE), erased(VF_EMU_EXTERNAL_SIZE), NULL};
	vf_emu_board_config c = *config;
	vf_error err;
	c.alloc = (vf_alloc){emu_resize, NULL};
	c.internal = w.internal;
	c.external = w.external;
	load(m7, w.internal);
	if (m4 != NULL)
		load(m4, w.internal + VF_EMU_INTERNAL_SIZE / 2);
	w.board = vf_emu_board_new(&c, &err);
	assert_non_null(w.board);
	return w;
}

void emu_world_free(emu_world *w)
{
	vf_emu_board_free(w->board);
	free(w->internal);
	free(w->external);
}
