/* part_micron.c - Micron (Numonyx) MT25Q and N25Q.
 *
 * Sources: the vendor's data sheets; SFDP words of an MT25QU256ABA dump on the
 * linux-mtd list with the density and chip erase time of the 512 Mb part, and
 * of an N25Q256A. Times of the N25Q512A are those of the N25Q128A, its die
 * erase that of the N25Q256A die it stacks two of.
 *
 * The N25Q256A and N25Q512A have no four-byte program opcodes: their data sheets
 * give 12h and 34h to a few order codes only, so a driver cannot count on them.
 */
#include "part.h"

#define CUR VF_SIM_ADDR_CURRENT
#define IO  (VF_SIM_HAS_MODE | VF_SIM_FAST)
#define DDR (VF_SIM_DDR | VF_SIM_FAST | VF_SIM_IN_QPI)

/* Quad needs no enabling, four-line reads take ten clocks, others eight. */
static const vf_sim_cmd cmds[] = {
	{0x9F, VF_SIM_RDID, 0, 0, 1, 0, 0, 0, 0, 0},
	{0x9E, VF_SIM_RDID, 0, 0, 1, 0, 0, 0, 0, 0},
	{0xAF, VF_SIM_RDID, 0, 0, 4, 0, 0, 0, 0, VF_SIM_QPI_ONLY},
	{0x5A, VF_SIM_RDSFDP, 3, 1, 1, 8, 8, 0, 0, VF_SIM_IN_QPI},
	{0x03, VF_SIM_READ, CUR, 1, 1, 0, 0, 0, 0, 0},
	{0x0B, VF_SIM_READ, CUR, 1, 1, 8, 10, 0, 0, VF_SIM_FAST | VF_SIM_IN_QPI},
	{0x3B, VF_SIM_READ, CUR, 1, 2, 8, 0, 0, 0, IO},
	{0xBB, VF_SIM_READ, CUR, 2, 2, 8, 0, 0, 0, IO},
	{0x6B, VF_SIM_READ, CUR, 1, 4, 8, 10, 0, 0, IO | VF_SIM_IN_QPI},
	{0xEB, VF_SIM_READ, CUR, 4, 4, 10, 10, 0, 0, IO | VF_SIM_IN_QPI},
	{0x13, VF_SIM_READ, 4, 1, 1, 0, 0, 0, 0, VF_SIM_BIG},
	{0x0C, VF_SIM_READ, 4, 1, 1, 8, 10, 0, 0, VF_SIM_FAST | VF_SIM_BIG | VF_SIM_IN_QPI},
	{0x3C, VF_SIM_READ, 4, 1, 2, 8, 0, 0, 0, IO | VF_SIM_BIG},
	{0xBC, VF_SIM_READ, 4, 2, 2, 8, 0, 0, 0, IO | VF_SIM_BIG},
	{0x6C, VF_SIM_READ, 4, 1, 4, 8, 10, 0, 0, IO | VF_SIM_BIG | VF_SIM_IN_QPI},
	{0xEC, VF_SIM_READ, 4, 4, 4, 10, 10, 0, 0, IO | VF_SIM_BIG | VF_SIM_IN_QPI},
	{0x02, VF_SIM_PROGRAM, CUR, 1, 1, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0xA2, VF_SIM_PROGRAM, CUR, 1, 2, 0, 0, 0, 0, 0},
	{0xD2, VF_SIM_PROGRAM, CUR, 2, 2, 0, 0, 0, 0, 0},
	{0x32, VF_SIM_PROGRAM, CUR, 1, 4, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x06, VF_SIM_WREN, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x04, VF_SIM_WRDI, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x05, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_SR1, 0, VF_SIM_IN_QPI | VF_SIM_WHILE_BUSY},
	{0x70, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_FLAGS, 0, VF_SIM_IN_QPI | VF_SIM_WHILE_BUSY},
	{0x50, VF_SIM_CLEAR_ERRORS, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x01, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR1, 1, VF_SIM_WEL | VF_SIM_IN_QPI},
	{0xB5, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_NVCR, 0, VF_SIM_IN_QPI},
	{0xB1, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_NVCR, 2, VF_SIM_WEL | VF_SIM_IN_QPI},
	{0x85, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_VCR, 0, VF_SIM_IN_QPI},
	{0x81, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_VCR, 1,
	 VF_SIM_WEL | VF_SIM_VOLATILE | VF_SIM_IN_QPI},
	{0x65, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_VECR, 0, VF_SIM_IN_QPI},
	{0x61, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_VECR, 1,
	 VF_SIM_WEL | VF_SIM_VOLATILE | VF_SIM_IN_QPI},
	{0xC8, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_BANK, 0, VF_SIM_BIG | VF_SIM_IN_QPI},
	{0xC5, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_BANK, 1,
	 VF_SIM_WEL | VF_SIM_VOLATILE | VF_SIM_BIG | VF_SIM_IN_QPI},
	{0xB7, VF_SIM_ADDR4_ON, 0, 0, 0, 0, 0, 0, 0, VF_SIM_WEL | VF_SIM_BIG | VF_SIM_IN_QPI},
	{0xE9, VF_SIM_ADDR4_OFF, 0, 0, 0, 0, 0, 0, 0, VF_SIM_WEL | VF_SIM_BIG | VF_SIM_IN_QPI},
	{0x66, VF_SIM_RESET_ENABLE, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI | VF_SIM_WHILE_BUSY},
	{0x99, VF_SIM_RESET, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI | VF_SIM_WHILE_BUSY},
	{0},
};

/* What the MT25Q added to the N25Q. */
static const vf_sim_cmd cmds_mt25q[] = {
	{0x0D, VF_SIM_READ, CUR, 1, 1, 6, 8, 0, 0, DDR},
	{0x0E, VF_SIM_READ, 4, 1, 1, 6, 8, 0, 0, DDR | VF_SIM_BIG},
	{0x6D, VF_SIM_READ, CUR, 1, 4, 6, 8, 0, 0, DDR},
	{0xED, VF_SIM_READ, CUR, 4, 4, 8, 8, 0, 0, DDR},
	{0xEE, VF_SIM_READ, 4, 4, 4, 8, 8, 0, 0, DDR | VF_SIM_BIG},
	{0x38, VF_SIM_PROGRAM, CUR, 4, 4, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x12, VF_SIM_PROGRAM, 4, 1, 1, 0, 0, 0, 0, VF_SIM_BIG | VF_SIM_IN_QPI},
	{0x34, VF_SIM_PROGRAM, 4, 1, 4, 0, 0, 0, 0, VF_SIM_BIG | VF_SIM_IN_QPI},
	{0x3E, VF_SIM_PROGRAM, 4, 4, 4, 0, 0, 0, 0, VF_SIM_BIG | VF_SIM_IN_QPI},
	{0xC7, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x60, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0x35, VF_SIM_QPI_ON, 0, 0, 0, 0, 0, 0, 0, 0},
	{0xF5, VF_SIM_QPI_OFF, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0xB9, VF_SIM_POWER_DOWN, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0xAB, VF_SIM_WAKE, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0},
};

/* The N25Q programs 1-4-4 by 12h, which the MT25Q uses for something else. */
static const vf_sim_cmd cmds_n25q128[] = {
	{0x12, VF_SIM_PROGRAM, CUR, 4, 4, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0xC7, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0},
};

static const vf_sim_cmd cmds_n25q256[] = {
	{0x38, VF_SIM_PROGRAM, CUR, 4, 4, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0xC7, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0},
};

static const vf_sim_cmd cmds_n25q512[] = {
	{0x38, VF_SIM_PROGRAM, CUR, 4, 4, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0xC4, VF_SIM_DIE_ERASE, CUR, 1, 0, 0, 0, 0, 0, VF_SIM_IN_QPI},
	{0},
};

static const uint32_t bfpt_mt25q[16] = {
	0xFFFB20E5, 0x1FFFFFFF, 0x6B27EB29, 0xBB273B27, 0xFFFFFFFF, 0xBB27FFFF,
	0xEB29FFFF, 0xD810200C, 0x0000520F, 0x00994A24, 0xE1038E8B, 0x382701AC,
	0x757A757A, 0x5CD5BDFB, 0xFF820F4A, 0x363DBD81,
};
static const uint32_t bait_mt25q[2] = {0xFFFFEFFF, 0xFF5CDC21};
static const vf_sim_sfdp sfdp_mt25q = {
	6, 2, {{0xFF00, 6, 16, 0x30, bfpt_mt25q}, {0xFF84, 0, 2, 0x80, bait_mt25q}}};

static const uint32_t bfpt_n25q128[9] = {
	0xFFF120E5, 0x07FFFFFF, 0x6B27EB29, 0xBB273B08, 0xFFFFFFFF,
	0xBB27FFFF, 0xEB29FFFF, 0xD810200C, 0x00000000,
};
static const vf_sim_sfdp sfdp_n25q128 = {0, 1, {{0xFF00, 0, 9, 0x30, bfpt_n25q128}}};

static const uint32_t bfpt_n25q256[9] = {
	0xFFFB20E5, 0x0FFFFFFF, 0x6B27EB29, 0xBB273B08, 0xFFFFFFFF,
	0xBB27FFFF, 0xEB29FFFF, 0xD810200C, 0x00000000,
};
static const vf_sim_sfdp sfdp_n25q256 = {0, 1, {{0xFF00, 0, 9, 0x30, bfpt_n25q256}}};

static const uint32_t bfpt_n25q512[9] = {
	0xFFFB20E5, 0x1FFFFFFF, 0x6B27EB29, 0xBB273B08, 0xFFFFFFFF,
	0xBB27FFFF, 0xEB29FFFF, 0xD810200C, 0x00000000,
};
static const vf_sim_sfdp sfdp_n25q512 = {0, 1, {{0xFF00, 0, 9, 0x30, bfpt_n25q512}}};

const vf_sim_part vf_sim_mt25ql512ab = {
	.name = "mt25ql512ab",
	.text = "Micron MT25QL512AB, 64 MB, erase 4K 32K 64K, flag status register",
	.id = {0x20, 0xBA, 0x20, 0x10, 0x44, 0x00},
	.id_len = 6,
	.errors = VF_SIM_ERRORS_FLAGS,
	.xip = VF_SIM_XIP_MICRON,
	.bp = VF_SIM_BP_2_4_6,
	.size = 64u << 20,
	.page = 256,
	.page_typ_us = 120,
	.page_max_us = 1800,
	.chip_typ_us = 128000000,
	.chip_max_us = 460000000,
	.reg_us = 1300,
	.reset_us = 1, /* tSHSL3, 40 ns */
	.reset_busy_us = 30,
	.wake_us = 30,
	.erase = {{4u << 10, 0x20, 0x21, 48000, 400000},
		  {32u << 10, 0x52, 0x5C, 112000, 1000000},
		  {64u << 10, 0xD8, 0xDC, 160000, 1000000}},
	.cmds = {cmds, cmds_mt25q},
	.sfdp = &sfdp_mt25q,
};

const vf_sim_part vf_sim_n25q128a = {
	.name = "n25q128a",
	.text = "Micron N25Q128A, 16 MB, erase 4K 64K, flag status register, first-revision SFDP",
	.id = {0x20, 0xBA, 0x18, 0x10, 0x00, 0x00},
	.id_len = 6,
	.errors = VF_SIM_ERRORS_FLAGS,
	.xip = VF_SIM_XIP_MICRON,
	.bp = VF_SIM_BP_2_4_6,
	.size = 16u << 20,
	.page = 256,
	.page_typ_us = 500,
	.page_max_us = 5000,
	.chip_typ_us = 170000000,
	.chip_max_us = 250000000,
	.reg_us = 1300,
	.reset_us = 1,
	.reset_busy_us = 30,
	.erase = {{4u << 10, 0x20, 0, 250000, 800000}, {64u << 10, 0xD8, 0, 700000, 3000000}},
	.cmds = {cmds, cmds_n25q128},
	.sfdp = &sfdp_n25q128,
};

const vf_sim_part vf_sim_n25q256a = {
	.name = "n25q256a",
	.text = "Micron N25Q256A, 32 MB, erase 4K 64K, "
		"flag status register, first-revision SFDP",
	.id = {0x20, 0xBA, 0x19, 0x10, 0x00, 0x00},
	.id_len = 6,
	.errors = VF_SIM_ERRORS_FLAGS,
	.xip = VF_SIM_XIP_MICRON,
	.bp = VF_SIM_BP_2_4_6,
	.size = 32u << 20,
	.page = 256,
	.page_typ_us = 500,
	.page_max_us = 5000,
	.chip_typ_us = 240000000,
	.chip_max_us = 480000000,
	.reg_us = 1300,
	.reset_us = 1,
	.reset_busy_us = 30,
	.erase = {{4u << 10, 0x20, 0x21, 250000, 800000}, {64u << 10, 0xD8, 0xDC, 700000, 3000000}},
	.cmds = {cmds, cmds_n25q256},
	.sfdp = &sfdp_n25q256,
};

const vf_sim_part vf_sim_n25q512a = {
	.name = "n25q512a",
	.text = "Micron N25Q512A, 64 MB of two stacked dies, erase 4K 64K and die, "
		"flag status register, first-revision SFDP",
	.id = {0x20, 0xBA, 0x20, 0x10, 0x00, 0x00},
	.id_len = 6,
	.errors = VF_SIM_ERRORS_FLAGS,
	.xip = VF_SIM_XIP_MICRON,
	.bp = VF_SIM_BP_2_4_6,
	.size = 64u << 20,
	.stacked = 32u << 20,
	.page = 256,
	.page_typ_us = 500,
	.page_max_us = 5000,
	.chip_typ_us = 240000000, /* of one die */
	.chip_max_us = 480000000,
	.reg_us = 1300,
	.reset_us = 1,
	.reset_busy_us = 30,
	.erase = {{4u << 10, 0x20, 0x21, 250000, 800000}, {64u << 10, 0xD8, 0xDC, 700000, 3000000}},
	.cmds = {cmds, cmds_n25q512},
	.sfdp = &sfdp_n25q512,
};
