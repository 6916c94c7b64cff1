/* part_macronix.c - Macronix MX25L51245G and MX66L1G45G.
 *
 * Sources: the vendor's data sheet (maxima, reset times); SFDP words of the
 * MX66L1G45G, of which it is half, with its density. Default dummy clocks
 * (configuration register bits 7:6 = 00), which the model does not change.
 */
#include "part.h"

#define CUR VF_SIM_ADDR_CURRENT

static const vf_sim_cmd cmds[] = {
	{0x9F, VF_SIM_RDID, 0, 0, 1, 0, 0, 0, 0, 0},
	{0xAF, VF_SIM_RDID, 0, 0, 4, 0, 0, 0, 0, VF_SIM_QPI_ONLY},
	{0x5A, VF_SIM_RDSFDP, 3, 1, 1, 8, 8, 0, 0, VF_SIM_IN_QPI},
	{0xEB, VF_SIM_READ, CUR, 4, 4, 6, 6, 0, 0, VF_SIM_QE | VF_SIM_HAS_MODE | VF_SIM_IN_QPI},
	{0x38, VF_SIM_PROGRAM, CUR, 4, 4, 0, 0, 0, 0, VF_SIM_QE},
	{0x3E, VF_SIM_PROGRAM, 4, 4, 4, 0, 0, 0, 0, VF_SIM_QE},
	{0xC7, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x60, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x01, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR1, 2, VF_SIM_WEL | VF_SIM_IN_QPI},
	{0x15, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_SR2, 0, VF_SIM_IN_QPI | VF_SIM_WHILE_BUSY},
	{0x2B, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_SECURITY, 0, VF_SIM_IN_QPI | VF_SIM_WHILE_BUSY},
	{0xC8, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_BANK, 0, VF_SIM_IN_QPI},
	{0xC5, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_BANK, 1,
	 VF_SIM_WEL | VF_SIM_VOLATILE | VF_SIM_IN_QPI},
	{0xB7, VF_SIM_ADDR4_ON, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0xE9, VF_SIM_ADDR4_OFF, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x35, VF_SIM_QPI_ON, 0, 0, 0, 0, 0, 0, 0, 0},
	{0xF5, VF_SIM_QPI_OFF, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0xFF, VF_SIM_NOTHING, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x00, VF_SIM_NOTHING, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0xB9, VF_SIM_POWER_DOWN, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0xAB, VF_SIM_WAKE, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x66, VF_SIM_RESET_ENABLE, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI | VF_SIM_WHILE_BUSY},
	{0x99, VF_SIM_RESET, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI | VF_SIM_WHILE_BUSY},
	{0},
};

static const uint32_t bfpt[16] = {
	0xFFFB20E5, 0x1FFFFFFF, 0x6B08EB44, 0xBB043B08, 0xFFFFFFFE, 0xFF00FFFF,
	0xEB44FFFF, 0x520F200C, 0xFF00D810, 0x00C549D6, 0xE304DF85, 0x38670344,
	0xB030B030, 0x5CD5BDF7, 0xFF299E4A, 0x85F950F0,
};
static const uint32_t bfpt_1g[16] = {
	0xFFFB20E5, 0x3FFFFFFF, 0x6B08EB44, 0xBB043B08, 0xFFFFFFFE, 0xFF00FFFF,
	0xEB44FFFF, 0x520F200C, 0xFF00D810, 0x00C549D6, 0xE304DF85, 0x38670344,
	0xB030B030, 0x5CD5BDF7, 0xFF299E4A, 0x85F950F0,
};
static const uint32_t vendor[4] = {0x27003600, 0x64C0F99D, 0xFFFFCB85, 0xFFFFFFFF};
static const uint32_t bait[2] = {0xFFFFEF7F, 0xFFDC5C21};
static const vf_sim_sfdp sfdp = {
	6,
	3,
	{{0xFF00, 6, 16, 0x30, bfpt}, {0xFFC2, 0, 4, 0x110, vendor}, {0xFF84, 0, 2, 0xC0, bait}}};
static const vf_sim_sfdp sfdp_1g = {6,
				    3,
				    {{0xFF00, 6, 16, 0x30, bfpt_1g},
				     {0xFFC2, 0, 4, 0x110, vendor},
				     {0xFF84, 0, 2, 0xC0, bait}}};

const vf_sim_part vf_sim_mx25l51245g = {
	.name = "mx25l51245g",
	.text = "Macronix MX25L51245G, 64 MB, erase 4K 32K 64K",
	.id = {0xC2, 0x20, 0x1A},
	.id_len = 3,
	.errors = VF_SIM_ERRORS_SECURITY,
	.xip = VF_SIM_XIP_TOGGLE,
	.bp = VF_SIM_BP_2_5,
	.quad_reg = VF_SIM_SR1,
	.quad_bit = 0x40,
	.size = 64u << 20,
	.page = 256,
	.page_typ_us = 256,
	.page_max_us = 1500,
	.chip_typ_us = 256000000,
	.chip_max_us = 600000000,
	.reg_us = 20000, /* tW: at most 40 ms */
	.reset_us = 40,
	.reset_busy_us = 25000,
	.wake_us = 30,
	.erase = {{4u << 10, 0x20, 0x21, 30000, 400000},
		  {32u << 10, 0x52, 0x5C, 160000, 1000000},
		  {64u << 10, 0xD8, 0xDC, 288000, 2000000}},
	.cmds = {vf_sim_cmds_common, vf_sim_cmds_4byte, cmds},
	.sfdp = &sfdp,
};

const vf_sim_part vf_sim_mx66l1g45g = {
	.name = "mx66l1g45g",
	.text = "Macronix MX66L1G45G, 128 MB, erase 4K 32K 64K",
	.id = {0xC2, 0x20, 0x1B},
	.id_len = 3,
	.errors = VF_SIM_ERRORS_SECURITY,
	.xip = VF_SIM_XIP_TOGGLE,
	.bp = VF_SIM_BP_2_5,
	.quad_reg = VF_SIM_SR1,
	.quad_bit = 0x40,
	.size = 128u << 20,
	.page = 256,
	.page_typ_us = 256,
	.page_max_us = 3000,
	.chip_typ_us = 256000000,
	.chip_max_us = 1200000000,
	.reg_us = 20000, /* tW: at most 40 ms */
	.reset_us = 40,
	.reset_busy_us = 25000,
	.wake_us = 30,
	.erase = {{4u << 10, 0x20, 0x21, 30000, 400000},
		  {32u << 10, 0x52, 0x5C, 160000, 1000000},
		  {64u << 10, 0xD8, 0xDC, 288000, 2000000}},
	.cmds = {vf_sim_cmds_common, vf_sim_cmds_4byte, cmds},
	.sfdp = &sfdp_1g,
};
