/* sfdp.c - lays a part's SFDP tables out as bytes: the header of JESD216, a
 * parameter header a table, and the tables at their offsets.
 */
#include "part.h"

static uint8_t byte_of(uint32_t word, uint32_t index)
{
	return (uint8_t)(word >> (8 * (index & 3)));
}

static uint8_t header_byte(const vf_sim_sfdp *sfdp, uint32_t addr)
{
	static const uint8_t signature[4] = {'S', 'F', 'D', 'P'};

	switch (addr) {
	case 4:
		return sfdp->minor;
	case 5:
		return 1;
	case 6:
		return (uint8_t)(sfdp->tables - 1);
	case 7:
		return 0xFF;
	default:
		return signature[addr];
	}
}

static uint8_t table_header_byte(const vf_sim_table *table, uint32_t addr)
{
	const uint32_t first = (table->id & 0xFFu) | (uint32_t)table->minor << 8 | 1u << 16 |
			       (uint32_t)table->words << 24;
	const uint32_t second = table->offset | (uint32_t)(table->id >> 8) << 24;

	return byte_of(addr < 4 ? first : second, addr);
}

uint8_t vf_sim_sfdp_byte(const vf_sim_sfdp *sfdp, uint32_t addr)
{
	if (addr < 8)
		return header_byte(sfdp, addr);
	if (addr < 8 + 8u * sfdp->tables)
		return table_header_byte(&sfdp->table[addr / 8 - 1], addr & 7);
	for (unsigned i = 0; i < sfdp->tables; i++) {
		const vf_sim_table *table = &sfdp->table[i];

		if (addr >= table->offset && addr < table->offset + 4u * table->words)
			return byte_of(table->word[(addr - table->offset) / 4], addr);
	}
	return 0xFF;
}
