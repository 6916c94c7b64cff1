/* part_issi.c - ISSI IS25LP128 and IS25LP256.
 *
 * Sources: the vendor's data sheets (times, rounded); SFDP words of an
 * IS25WP256 dump on the linux-mtd list. That table calls the 32 MB part one of
 * three address bytes only, as the real chip does, though it has the four-byte
 * opcodes. The IS25LP128 carries a first-revision table.
 */
#include "part.h"

#define CUR VF_SIM_ADDR_CURRENT
#define Q   VF_SIM_IN_QPI

static const vf_sim_cmd cmds[] = {
	{0x9F, VF_SIM_RDID, 0, 0, 1, 0, 0, 0, 0, 0},
	{0xAF, VF_SIM_RDID, 0, 0, 4, 0, 0, 0, 0, VF_SIM_QPI_ONLY},
	{0x5A, VF_SIM_RDSFDP, 3, 1, 1, 8, 8, 0, 0, Q},
	{0xEB, VF_SIM_READ, CUR, 4, 4, 6, 6, 0, 0, VF_SIM_QE | VF_SIM_HAS_MODE | Q},
	{0x32, VF_SIM_PROGRAM, CUR, 1, 4, 0, 0, 0, 0, VF_SIM_QE},
	{0x38, VF_SIM_PROGRAM, CUR, 1, 4, 0, 0, 0, 0, VF_SIM_QE},
	{0x34, VF_SIM_PROGRAM, 4, 1, 4, 0, 0, 0, 0, VF_SIM_QE | VF_SIM_BIG},
	{0x3E, VF_SIM_PROGRAM, 4, 1, 4, 0, 0, 0, 0, VF_SIM_QE | VF_SIM_BIG},
	{0xC7, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, Q},
	{0x60, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, Q},
	{0x01, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR1, 1, VF_SIM_WEL | Q},
	{0x16, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_BANK, 0, VF_SIM_BIG | Q},
	{0xC8, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_BANK, 0, VF_SIM_BIG | Q},
	{0x17, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_BANK, 1, VF_SIM_VOLATILE | VF_SIM_BIG | Q},
	{0xC5, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_BANK, 1, VF_SIM_VOLATILE | VF_SIM_BIG | Q},
	{0xB7, VF_SIM_ADDR4_ON, 0, 0, 0, 0, 0, 0, 0, VF_SIM_BIG | Q},
	{0x29, VF_SIM_ADDR4_OFF, 0, 0, 0, 0, 0, 0, 0, VF_SIM_BIG | Q},
	{0x35, VF_SIM_QPI_ON, 0, 0, 0, 0, 0, 0, 0, 0},
	{0xF5, VF_SIM_QPI_OFF, 0, 0, 0, 0, 0, 0, 0, Q},
	{0xB9, VF_SIM_POWER_DOWN, 0, 0, 0, 0, 0, 0, 0, Q},
	{0xAB, VF_SIM_WAKE, 0, 0, 0, 0, 0, 0, 0, Q},
	{0x66, VF_SIM_RESET_ENABLE, 0, 0, 0, 0, 0, 0, 0, Q | VF_SIM_WHILE_BUSY},
	{0x99, VF_SIM_RESET, 0, 0, 0, 0, 0, 0, 0, Q | VF_SIM_WHILE_BUSY},
	{0},
};

static const uint32_t bfpt128[9] = {
	0xFFF120E5, 0x07FFFFFF, 0x6B08EB44, 0xBB803B08, 0xFFFFFFFE,
	0xFF00FFFF, 0xEB44FFFF, 0x520F200C, 0xFF00D810,
};
static const vf_sim_sfdp sfdp128 = {0, 1, {{0xFF00, 0, 9, 0x30, bfpt128}}};

static const uint32_t bfpt256[16] = {
	0xFFF920E5, 0x0FFFFFFF, 0x6B08EB44, 0xBB803B08, 0xFFFFFFFE, 0xFF00FFFF,
	0xEB44FFFF, 0x520F200C, 0xFF00D810, 0x00C94A23, 0xCE11D882, 0x4668CDCC,
	0x757A757A, 0x5CD5AEF7, 0xFF2C424A, 0xA9FA30F0,
};
static const uint32_t vendor256[3] = {0x16501950, 0x64C0F99F, 0xFFFFEF8F};
static const vf_sim_sfdp sfdp256 = {
	6, 2, {{0xFF00, 6, 16, 0x30, bfpt256}, {0x029D, 5, 3, 0x80, vendor256}}};

const vf_sim_part vf_sim_is25lp128 = {
	.name = "is25lp128",
	.text = "ISSI IS25LP128, 16 MB, erase 4K 32K 64K, first-revision SFDP",
	.id = {0x9D, 0x60, 0x18},
	.id_len = 3,
	.xip = VF_SIM_XIP_A0,
	.bp = VF_SIM_BP_2_5,
	.quad_reg = VF_SIM_SR1,
	.quad_bit = 0x40,
	.size = 16u << 20,
	.page = 256,
	.page_typ_us = 200,
	.page_max_us = 800,
	.chip_typ_us = 45000000,
	.chip_max_us = 90000000,
	.reg_us = 2000,
	.reset_us = 100,
	.reset_busy_us = 100,
	.wake_us = 5,
	.erase = {{4u << 10, 0x20, 0, 100000, 300000},
		  {32u << 10, 0x52, 0, 140000, 500000},
		  {64u << 10, 0xD8, 0, 170000, 1000000},
		  {4u << 10, 0xD7, 0, 100000, 300000}},
	.cmds = {vf_sim_cmds_common, cmds},
	.sfdp = &sfdp128,
};

const vf_sim_part vf_sim_is25lp256 = {
	.name = "is25lp256",
	.text = "ISSI IS25LP256, 32 MB, erase 4K 32K 64K, SFDP silent about four-byte opcodes",
	.id = {0x9D, 0x60, 0x19},
	.id_len = 3,
	.xip = VF_SIM_XIP_A0,
	.bp = VF_SIM_BP_2_5,
	.quad_reg = VF_SIM_SR1,
	.quad_bit = 0x40,
	.size = 32u << 20,
	.page = 256,
	.page_typ_us = 200,
	.page_max_us = 800,
	.chip_typ_us = 90000000,
	.chip_max_us = 180000000,
	.reg_us = 2000,
	.reset_us = 100,
	.reset_busy_us = 100,
	.wake_us = 5,
	.erase = {{4u << 10, 0x20, 0x21, 100000, 300000},
		  {32u << 10, 0x52, 0x5C, 140000, 500000},
		  {64u << 10, 0xD8, 0xDC, 170000, 1000000},
		  {4u << 10, 0xD7, 0, 100000, 300000}},
	.cmds = {vf_sim_cmds_common, vf_sim_cmds_4byte, cmds},
	.sfdp = &sfdp256,
};
