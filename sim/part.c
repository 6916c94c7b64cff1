/* part.c - the list of parts the chip model knows, and the commands that most
 * vendors share.
 */
#include "part.h"

#include <string.h>

const vf_sim_cmd vf_sim_cmds_common[] = {
	{0x03, VF_SIM_READ, VF_SIM_ADDR_CURRENT, 1, 1, 0, 0, 0, 0, 0},
	{0x0B, VF_SIM_READ, VF_SIM_ADDR_CURRENT, 1, 1, 8, 0, 0, 0, 0},
	{0x3B, VF_SIM_READ, VF_SIM_ADDR_CURRENT, 1, 2, 8, 0, 0, 0, 0},
	{0xBB, VF_SIM_READ, VF_SIM_ADDR_CURRENT, 2, 2, 4, 0, 0, 0, VF_SIM_HAS_MODE},
	{0x6B, VF_SIM_READ, VF_SIM_ADDR_CURRENT, 1, 4, 8, 0, 0, 0, VF_SIM_QE},
	{0x02, VF_SIM_PROGRAM, VF_SIM_ADDR_CURRENT, 1, 1, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x06, VF_SIM_WREN, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x04, VF_SIM_WRDI, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x05, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_SR1, 0, VF_SIM_IN_QPI | VF_SIM_WHILE_BUSY},
	{0},
};

const vf_sim_cmd vf_sim_cmds_4byte[] = {
	{0x13, VF_SIM_READ, 4, 1, 1, 0, 0, 0, 0, 0},
	{0x0C, VF_SIM_READ, 4, 1, 1, 8, 0, 0, 0, 0},
	{0x3C, VF_SIM_READ, 4, 1, 2, 8, 0, 0, 0, 0},
	{0xBC, VF_SIM_READ, 4, 2, 2, 4, 0, 0, 0, VF_SIM_HAS_MODE},
	{0x6C, VF_SIM_READ, 4, 1, 4, 8, 0, 0, 0, VF_SIM_QE},
	{0xEC, VF_SIM_READ, 4, 4, 4, 6, 6, 0, 0, VF_SIM_QE | VF_SIM_HAS_MODE | VF_SIM_IN_QPI},
	{0x12, VF_SIM_PROGRAM, 4, 1, 1, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0},
};

const vf_sim_part *vf_sim_part_at(size_t index)
{
	static const vf_sim_part *const parts[] = {
		&vf_sim_mt25ql512ab, &vf_sim_n25q128a,   &vf_sim_n25q256a,     &vf_sim_n25q512a,
		&vf_sim_mx25l51245g, &vf_sim_mx66l1g45g, &vf_sim_w25q128jv,    &vf_sim_w25q256jv,
		&vf_sim_w25q512jv,   &vf_sim_is25lp128,  &vf_sim_is25lp256,    &vf_sim_s25fl512s,
		&vf_sim_gd25q128,    &vf_sim_at25ql128a, &vf_sim_generic_sfdp, &vf_sim_generic_none,
		&vf_sim_tiny64k,
	};

	return index < sizeof parts / sizeof parts[0] ? parts[index] : NULL;
}

const vf_sim_part *vf_sim_part_find(const char *name)
{
	const vf_sim_part *part;

	for (size_t i = 0; (part = vf_sim_part_at(i)) != NULL; i++)
		if (strcmp(part->name, name) == 0)
			return part;
	return NULL;
}

const char *vf_sim_part_name(const vf_sim_part *part)
{
	return part->name;
}

const char *vf_sim_part_text(const vf_sim_part *part)
{
	return part->text;
}

uint32_t vf_sim_part_size(const vf_sim_part *part)
{
	return part->size;
}
