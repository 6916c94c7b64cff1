/* vectors.c - finding Cortex-M vector tables: two words and what can follow them.
 *
 * A table is looked for where segments start, and where STM32H7 boards keep one
 * (a file may hold both cores' images in one stretch). Word 0 has to be a stack
 * pointer in RAM, word 1 a code address with the Thumb bit; NMI and HardFault,
 * where there are that many bytes, have to look the same or be zero.
 */
#include "internal.h"

static const uint32_t usual_places[] = {0x08000000, 0x08100000, 0x90000000, 0x90100000};

typedef struct ram_area {
	uint32_t start;
	uint32_t size;
	const char *name;
} ram_area;

/* Some microcontrollers have RAM at 0, but small numbers are common in data too: such a
 * table has to lead into the image besides. */
enum { RAM_AT_0 = 0x3FC };

/* A stack begins at the end of its area, so the end belongs to it. */
static const char *ram_at(uint32_t sp)
{
	static const ram_area areas[] = {
		{0x20000000, 128 * 1024, "DTCM"},
		{0x24000000, 512 * 1024, "AXI SRAM"},
		{0x30000000, 288 * 1024, "D2 SRAM"},
		{0x10000000, 288 * 1024, "D2 SRAM"},
		{0x38000000, 64 * 1024, "SRAM4"},
		{0x20000000, 0x20000000, "RAM"},
		{RAM_AT_0, 0x00400000 - RAM_AT_0, "RAM at 0"},
	};
	for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++) {
		if (sp > areas[i].start && sp - areas[i].start <= areas[i].size)
			return areas[i].name;
	}
	return NULL;
}

static bool is_code(uint32_t vector)
{
	/* Code runs below the peripherals, or in external memory. */
	return (vector & 1) != 0 &&
	       (vector < 0x40000000 || (vector >= 0x60000000 && vector < 0xA0000000));
}

static bool holds(const vf_image *img, uint32_t addr)
{
	size_t i = vf_image_find(img, addr);
	return i < img->segment_count && img->segments[i].addr <= addr;
}

static bool table_at(const vf_image *img, size_t segment, uint32_t addr, vf_vector_table *table)
{
	uint8_t words[16];
	uint32_t have = vf_image_read(img, addr, words, sizeof words, 0);
	uint32_t sp = vf_le32(words);
	uint32_t reset = vf_le32(words + 4);
	const char *ram = ram_at(sp);
	if (have < 8 || (addr & 3) != 0 || (sp & 3) != 0 || ram == NULL || !is_code(reset))
		return false;
	if (sp < 0x10000000 && !holds(img, reset & ~1u))
		return false;
	for (size_t at = 8; at < sizeof words; at += 4) {
		uint32_t vector = vf_le32(words + at);
		if (vector != 0 && !is_code(vector))
			return false;
	}
	*table = (vf_vector_table){
		.addr = addr,
		.sp = sp,
		.reset = reset,
		.source = img->segments[segment].source,
		.verdict = holds(img, reset & ~1u) ? VF_VECTOR_GOOD : VF_VECTOR_ELSEWHERE,
	};
	memcpy(table->ram, ram, strlen(ram) + 1);
	return true;
}

size_t vf_image_vectors(const vf_image *img, vf_vector_table *tables, size_t max)
{
	size_t found = 0;
	for (size_t i = 0; i < img->segment_count; i++) {
		const vf_segment *s = &img->segments[i];
		vf_vector_table table;
		if (table_at(img, i, s->addr, &table)) {
			if (found < max)
				tables[found] = table;
			found++;
		}
		for (size_t k = 0; k < sizeof usual_places / sizeof usual_places[0]; k++) {
			uint32_t place = usual_places[k];
			if (place <= s->addr || place >= vf_segment_end(s) ||
			    !table_at(img, i, place, &table))
				continue;
			if (found < max)
				tables[found] = table;
			found++;
		}
	}
	return found;
}
