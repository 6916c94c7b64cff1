/* part_winbond.c - Winbond W25Q128JV, W25Q256JV and W25Q512JV.
 *
 * Sources: the vendor's data sheets (times of the 256, maxima); SFDP words of
 * W25Q-JV dumps on the linux-mtd list, with each part's density and chip erase
 * time. The order codes modelled (…IQ) have no QPI.
 */
#include "part.h"

#define CUR VF_SIM_ADDR_CURRENT

static const vf_sim_cmd cmds[] = {
	{0x9F, VF_SIM_RDID, 0, 0, 1, 0, 0, 0, 0, 0},
	{0x5A, VF_SIM_RDSFDP, 3, 1, 1, 8, 8, 0, 0, 0},
	{0xEB, VF_SIM_READ, CUR, 4, 4, 6, 0, 0, 0, VF_SIM_QE | VF_SIM_HAS_MODE},
	{0x32, VF_SIM_PROGRAM, CUR, 1, 4, 0, 0, 0, 0, VF_SIM_QE},
	{0x34, VF_SIM_PROGRAM, 4, 1, 4, 0, 0, 0, 0, VF_SIM_QE | VF_SIM_BIG},
	{0xC7, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, 0},
	{0x60, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, 0},
	{0x50, VF_SIM_WREN_VOLATILE, 0, 0, 0, 0, 0, 0, 0, 0},
	{0x01, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR1, 2, VF_SIM_WEL},
	{0x31, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR2, 1, VF_SIM_WEL},
	{0x11, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR3, 1, VF_SIM_WEL},
	{0x35, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_SR2, 0, VF_SIM_WHILE_BUSY},
	{0x15, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_SR3, 0, VF_SIM_WHILE_BUSY},
	{0xC8, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_BANK, 0, VF_SIM_BIG},
	{0xC5, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_BANK, 1,
	 VF_SIM_WEL | VF_SIM_VOLATILE | VF_SIM_BIG},
	{0xB7, VF_SIM_ADDR4_ON, 0, 0, 0, 0, 0, 0, 0, VF_SIM_BIG},
	{0xE9, VF_SIM_ADDR4_OFF, 0, 0, 0, 0, 0, 0, 0, VF_SIM_BIG},
	{0xFF, VF_SIM_NOTHING, 0, 0, 0, 0, 0, 0, 0, 0},
	{0xB9, VF_SIM_POWER_DOWN, 0, 0, 0, 0, 0, 0, 0, 0},
	{0xAB, VF_SIM_WAKE, 0, 0, 0, 0, 0, 0, 0, 0},
	{0x66, VF_SIM_RESET_ENABLE, 0, 0, 0, 0, 0, 0, 0, VF_SIM_WHILE_BUSY},
	{0x99, VF_SIM_RESET, 0, 0, 0, 0, 0, 0, 0, VF_SIM_WHILE_BUSY},
	{0},
};

static const uint32_t bfpt128[16] = {
	0xFFF920E5, 0x07FFFFFF, 0x6B08EB44, 0xBB423B08, 0xFFFFFFFE, 0x0000FFFF,
	0xEB40FFFF, 0x520F200C, 0x0000D810, 0x00A60236, 0xC914EA82, 0x337663E9,
	0x757A757A, 0x5CD5A2F7, 0xFF4DF719, 0x80F830E9,
};
static const vf_sim_sfdp sfdp128 = {5, 1, {{0xFF00, 5, 16, 0x80, bfpt128}}};

static const uint32_t bfpt256[16] = {
	0xFFFB20E5, 0x0FFFFFFF, 0x6B08EB44, 0xBB423B08, 0xFFFFFFFE, 0x0000FFFF,
	0xEB40FFFF, 0x520F200C, 0x0000D810, 0x00A60236, 0xD314EA82, 0x337663E9,
	0x757A757A, 0x5CD5A2F7, 0xFF4DF719, 0xA5F970E9,
};
static const uint32_t bait256[2] = {0xFFF00AFF, 0xFFDCFF21};
static const vf_sim_sfdp sfdp256 = {
	6, 2, {{0xFF00, 6, 16, 0x80, bfpt256}, {0xFF84, 0, 2, 0xD0, bait256}}};

static const uint32_t bfpt512[16] = {
	0xFFFB20E5, 0x1FFFFFFF, 0x6B08EB44, 0xBB423B08, 0xFFFFFFFE, 0x0000FFFF,
	0xEB40FFFF, 0x520F200C, 0x0000D810, 0x00A60236, 0xE214EA82, 0x337663E9,
	0x757A757A, 0x5CD5A2F7, 0xFF4DF719, 0xA5F970E9,
};
static const vf_sim_sfdp sfdp512 = {
	6, 2, {{0xFF00, 6, 16, 0x80, bfpt512}, {0xFF84, 0, 2, 0xD0, bait256}}};

const vf_sim_part vf_sim_w25q128jv = {
	.name = "w25q128jv",
	.text = "Winbond W25Q128JV, 16 MB, erase 4K 32K 64K",
	.id = {0xEF, 0x40, 0x18},
	.id_len = 3,
	.xip = VF_SIM_XIP_20,
	.bp = VF_SIM_BP_FRACTION,
	.quad_reg = VF_SIM_SR2,
	.quad_bit = 0x02,
	.size = 16u << 20,
	.page = 256,
	.page_typ_us = 704,
	.page_max_us = 3000,
	.chip_typ_us = 40000000,
	.chip_max_us = 200000000,
	.reg_us = 10000,
	.reset_us = 30,
	.reset_busy_us = 30,
	.wake_us = 3,
	.erase = {{4u << 10, 0x20, 0, 64000, 400000},
		  {32u << 10, 0x52, 0, 128000, 1600000},
		  {64u << 10, 0xD8, 0, 160000, 2000000}},
	.cmds = {vf_sim_cmds_common, cmds},
	.sfdp = &sfdp128,
};

const vf_sim_part vf_sim_w25q256jv = {
	.name = "w25q256jv",
	.text = "Winbond W25Q256JV, 32 MB, erase 4K 32K 64K, no four-byte 32K erase",
	.id = {0xEF, 0x40, 0x19},
	.id_len = 3,
	.xip = VF_SIM_XIP_20,
	.bp = VF_SIM_BP_2_5_TB6,
	.quad_reg = VF_SIM_SR2,
	.quad_bit = 0x02,
	.size = 32u << 20,
	.page = 256,
	.page_typ_us = 700,
	.page_max_us = 3000,
	.chip_typ_us = 80000000,
	.chip_max_us = 400000000,
	.reg_us = 10000,
	.reset_us = 30,
	.reset_busy_us = 30,
	.wake_us = 3,
	.erase = {{4u << 10, 0x20, 0x21, 50000, 400000},
		  {32u << 10, 0x52, 0, 120000, 1600000},
		  {64u << 10, 0xD8, 0xDC, 150000, 2000000}},
	.cmds = {vf_sim_cmds_common, vf_sim_cmds_4byte, cmds},
	.sfdp = &sfdp256,
};

const vf_sim_part vf_sim_w25q512jv = {
	.name = "w25q512jv",
	.text = "Winbond W25Q512JV, 64 MB, erase 4K 32K 64K, no four-byte 32K erase",
	.id = {0xEF, 0x40, 0x20},
	.id_len = 3,
	.xip = VF_SIM_XIP_20,
	.bp = VF_SIM_BP_2_5_TB6,
	.quad_reg = VF_SIM_SR2,
	.quad_bit = 0x02,
	.size = 64u << 20,
	.page = 256,
	.page_typ_us = 700,
	.page_max_us = 3000,
	.chip_typ_us = 192000000,
	.chip_max_us = 1000000000,
	.reg_us = 10000,
	.reset_us = 30,
	.reset_busy_us = 30,
	.wake_us = 3,
	.erase = {{4u << 10, 0x20, 0x21, 50000, 400000},
		  {32u << 10, 0x52, 0, 120000, 1600000},
		  {64u << 10, 0xD8, 0xDC, 150000, 2000000}},
	.cmds = {vf_sim_cmds_common, vf_sim_cmds_4byte, cmds},
	.sfdp = &sfdp512,
};
