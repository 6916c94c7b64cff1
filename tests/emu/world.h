/* world.h - a board of the emulator's for tests: its two memories, and firmware in them.
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdint.h>

#include <vcpflash/emu.h>

typedef struct emu_world {
	uint8_t *internal, *external;
	vf_emu_board *board;
} emu_world;

/* For vf_alloc: what malloc gives. */
void *emu_resize(void *ctx, void *p, size_t size);

/* A new board whose memories are erased but for the files `m7` and `m4`, one a bank of the
 * internal flash; `m4` may be NULL. Of `config` everything counts but the memories and the
 * allocator. The test fails where that cannot be. */
emu_world emu_world_new(const vf_emu_board_config *config, const char *m7, const char *m4);
void emu_world_free(emu_world *w);

#endif
