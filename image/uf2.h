/* uf2.h - the layout of a UF2 block, for its reader and its writer. */
#ifndef VF_IMAGE_UF2_H
#define VF_IMAGE_UF2_H

enum {
	UF2_BLOCK = 512,
	UF2_ROOM = 476, /* data bytes a block has room for */

	/* offsets in a block */
	UF2_START0 = 0,
	UF2_START1 = 4,
	UF2_FLAGS = 8,
	UF2_ADDR = 12,
	UF2_SIZE = 16,
	UF2_NUMBER = 20,
	UF2_COUNT = 24,
	UF2_FAMILY = 28,
	UF2_DATA = 32,
	UF2_END = 508,

	UF2_NOT_MAIN_FLASH = 0x1,
	UF2_FILE_CONTAINER = 0x1000,
	UF2_HAS_FAMILY = 0x2000,
};

#define UF2_START0_MAGIC 0x0A324655u /* "UF2\n" */
#define UF2_START1_MAGIC 0x9E5D5157u
#define UF2_END_MAGIC    0x0AB16F30u

#endif
