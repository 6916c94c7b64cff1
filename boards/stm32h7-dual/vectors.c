/* Vector tables of both cores. They have different RAM (RM0399, "Memory organization"):
 * only the Cortex-M7 has the tightly coupled ones, so an image that was linked for the
 * other core, or put at the other's address, shows by its stack pointer.
 */
#include "vectors.h"

#include <stdbool.h>
#include <stddef.h>

#include "layout.h"

typedef struct span {
	uint32_t start, len;
} span;

static const span cm7_ram[] = {
	{0x20000000, 0x20000}, /* DTCM */
	{0x24000000, 0x80000}, /* AXI SRAM */
	{0x30000000, 0x48000}, /* SRAM1 to 3 */
	{0x38000000, 0x10000}, /* SRAM4 */
	{0x00000000, 0x10000}, /* ITCM */
	{0x10000000, 0x48000}, /* SRAM1 to 3 once more */
};

static const span cm4_ram[] = {
	{0x10000000, 0x48000},
	{0x24000000, 0x80000},
	{0x30000000, 0x48000},
	{0x38000000, 0x10000},
};

static uint32_t word(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A stack grows down from its end, so the byte before it counts. */
static bool stack_good(uint32_t sp, const span *ram, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sp % 4 == 0 && sp > ram[i].start && sp - ram[i].start <= ram[i].len)
			return true;
	}
	return false;
}

static bool reset_good(uint32_t reset, uint32_t nor_size)
{
	uint32_t at = reset & ~1u;

	return (reset & 1) != 0 &&
	       (at - H747_FLASH_ADDRESS < H747_FLASH_SIZE || at - H747_NOR_ADDRESS < nor_size);
}

static vectors look(const uint8_t table[8], uint32_t nor_size, const span *ram, size_t count)
{
	uint32_t sp = word(table), reset = word(table + 4);

	if (sp == 0xFFFFFFFF && reset == 0xFFFFFFFF)
		return VECTORS_BLANK;
	if (!stack_good(sp, ram, count))
		return VECTORS_STACK;
	return reset_good(reset, nor_size) ? VECTORS_GOOD : VECTORS_RESET;
}

vectors vectors_cm7(const uint8_t table[8], uint32_t nor_size)
{
	return look(table, nor_size, cm7_ram, sizeof cm7_ram / sizeof *cm7_ram);
}

vectors vectors_cm4(const uint8_t table[8], uint32_t nor_size)
{
	return look(table, nor_size, cm4_ram, sizeof cm4_ram / sizeof *cm4_ram);
}
