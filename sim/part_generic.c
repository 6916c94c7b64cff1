/* part_generic.c - parts that are nobody's: ids in no table, for what a driver
 * does with a chip it has never heard of. One describes itself well (JESD216B),
 * one not at all, and one is small enough for exhaustive tests.
 *
 * Their tables say: 4 KB in 48 ms, 32 KB in 112 ms, 64 KB in 160 ms, a page of
 * 256 bytes in 256 µs, maxima eight and four times that.
 */
#include "part.h"

#define CUR VF_SIM_ADDR_CURRENT

static const vf_sim_cmd cmds[] = {
	{0x9F, VF_SIM_RDID, 0, 0, 1, 0, 0, 0, 0, 0},
	{0xEB, VF_SIM_READ, CUR, 4, 4, 6, 0, 0, 0, VF_SIM_QE | VF_SIM_HAS_MODE},
	{0x32, VF_SIM_PROGRAM, CUR, 1, 4, 0, 0, 0, 0, VF_SIM_QE},
	{0xC7, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, 0},
	{0x60, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, 0},
	{0x01, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR1, 2, VF_SIM_WEL},
	{0x31, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR2, 1, VF_SIM_WEL},
	{0x35, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_SR2, 0, VF_SIM_WHILE_BUSY},
	{0xFF, VF_SIM_NOTHING, 0, 0, 0, 0, 0, 0, 0, 0},
	{0xB9, VF_SIM_POWER_DOWN, 0, 0, 0, 0, 0, 0, 0, 0},
	{0xAB, VF_SIM_WAKE, 0, 0, 0, 0, 0, 0, 0, 0},
	{0x66, VF_SIM_RESET_ENABLE, 0, 0, 0, 0, 0, 0, 0, VF_SIM_WHILE_BUSY},
	{0x99, VF_SIM_RESET, 0, 0, 0, 0, 0, 0, 0, VF_SIM_WHILE_BUSY},
	{0},
};

static const vf_sim_cmd cmds_sfdp[] = {
	{0x5A, VF_SIM_RDSFDP, 3, 1, 1, 8, 8, 0, 0, 0},
	{0},
};

static const uint32_t bfpt8m[16] = {
	0xFFF120E5, 0x03FFFFFF, 0x6B08EB44, 0xBB803B08, 0xFFFFFFEE, 0xFF00FFFF,
	0xFF00FFFF, 0x520F200C, 0xFF00D810, 0x00A53223, 0xC4009F81, 0xFFFFFFFF,
	0x757A757A, 0x5CD5A2F7, 0xFF4DF600, 0x000010E8,
};
static const vf_sim_sfdp sfdp8m = {6, 1, {{0xFF00, 6, 16, 0x30, bfpt8m}}};

static const uint32_t bfpt64k[16] = {
	0xFFF120E5, 0x0007FFFF, 0x6B08EB44, 0xBB803B08, 0xFFFFFFEE, 0xFF00FFFF,
	0xFF00FFFF, 0x520F200C, 0xFF00D810, 0x00A53223, 0x8A009F81, 0xFFFFFFFF,
	0x757A757A, 0x5CD5A2F7, 0xFF4DF600, 0x000010E8,
};
static const vf_sim_sfdp sfdp64k = {6, 1, {{0xFF00, 6, 16, 0x30, bfpt64k}}};

#define PLAIN                                                                                      \
	.id_len = 3, .xip = VF_SIM_XIP_20, .bp = VF_SIM_BP_FRACTION, .quad_reg = VF_SIM_SR2,       \
	.quad_bit = 0x02, .page = 256, .page_typ_us = 256, .page_max_us = 1024, .reg_us = 10000,   \
	.reset_us = 30, .reset_busy_us = 30, .wake_us = 5,                                         \
	.erase = {{4u << 10, 0x20, 0, 48000, 384000},                                              \
		  {32u << 10, 0x52, 0, 112000, 896000},                                            \
		  {64u << 10, 0xD8, 0, 160000, 1280000}}

const vf_sim_part vf_sim_generic_sfdp = {
	.name = "generic-sfdp",
	.text = "a chip in nobody's table with good SFDP, 8 MB, erase 4K 32K 64K",
	.id = {0x6E, 0x51, 0x17},
	PLAIN,
	.size = 8u << 20,
	.chip_typ_us = 20000000,
	.chip_max_us = 80000000,
	.cmds = {vf_sim_cmds_common, cmds, cmds_sfdp},
	.sfdp = &sfdp8m,
};

const vf_sim_part vf_sim_generic_none = {
	.name = "generic-none",
	.text = "a chip in nobody's table without SFDP, 8 MB",
	.id = {0x6E, 0x52, 0x17},
	PLAIN,
	.size = 8u << 20,
	.chip_typ_us = 20000000,
	.chip_max_us = 80000000,
	.cmds = {vf_sim_cmds_common, cmds},
};

const vf_sim_part vf_sim_tiny64k = {
	.name = "tiny64k",
	.text = "a very small chip in nobody's table with good SFDP, 64 KB, erase 4K 32K 64K",
	.id = {0x6E, 0x51, 0x10},
	PLAIN,
	.size = 64u << 10,
	.chip_typ_us = 176000,
	.chip_max_us = 704000,
	.cmds = {vf_sim_cmds_common, cmds, cmds_sfdp},
	.sfdp = &sfdp64k,
};
