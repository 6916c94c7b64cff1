/* part_spansion.c - Spansion (Infineon) S25FL512S with uniform 256 KB sectors.
 *
 * Source: the vendor's data sheet. Parts made before the SFDP revision answer
 * 5Ah with nothing, and so does this one. There is no deep power-down: B9h and
 * ABh mean other things here. On-die ECC guards units of 16 bytes, each to be
 * programmed once between erases.
 */
#include "part.h"

#define CUR  VF_SIM_ADDR_CURRENT
#define BUSY VF_SIM_WHILE_BUSY

static const vf_sim_cmd cmds[] = {
	{0x9F, VF_SIM_RDID, 0, 0, 1, 0, 0, 0, 0, 0},
	{0xEB, VF_SIM_READ, CUR, 4, 4, 6, 0, 0, 0, VF_SIM_QE | VF_SIM_HAS_MODE},
	{0x32, VF_SIM_PROGRAM, CUR, 1, 4, 0, 0, 0, 0, VF_SIM_QE},
	{0x38, VF_SIM_PROGRAM, CUR, 1, 4, 0, 0, 0, 0, VF_SIM_QE},
	{0x34, VF_SIM_PROGRAM, 4, 1, 4, 0, 0, 0, 0, VF_SIM_QE},
	{0xC7, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, 0},
	{0x60, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, 0},
	{0x01, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR1, 2, VF_SIM_WEL},
	{0x35, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_SR2, 0, BUSY},
	{0x07, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_SR3, 0, BUSY},
	{0x30, VF_SIM_CLEAR_ERRORS, 0, 0, 0, 0, 0, 0, 0, BUSY},
	{0x16, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_BANK, 0, 0},
	{0x17, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_BANK, 1, VF_SIM_VOLATILE},
	{0xAB, VF_SIM_WAKE, 0, 0, 0, 0, 0, 0, 0, 0},
	{0xF0, VF_SIM_RESET_AT_ONCE, 0, 0, 0, 0, 0, 0, 0, BUSY},
	{0xFF, VF_SIM_NOTHING, 0, 0, 0, 0, 0, 0, 0, 0},
	{0},
};

const vf_sim_part vf_sim_s25fl512s = {
	.name = "s25fl512s",
	.text = "Spansion S25FL512S, 64 MB, erase 256K, pages of 512, on-die ECC, no SFDP",
	.id = {0x01, 0x02, 0x20, 0x4D, 0x00, 0x80},
	.id_len = 6,
	.errors = VF_SIM_ERRORS_STATUS,
	.xip = VF_SIM_XIP_A0,
	.bp = VF_SIM_BP_SPANSION,
	.quad_reg = VF_SIM_SR2,
	.quad_bit = 0x02,
	.size = 64u << 20,
	.page = 512,
	.ecc = 16,
	.page_typ_us = 340,
	.page_max_us = 1300,
	.chip_typ_us = 134000000,
	.chip_max_us = 460000000,
	.reg_us = 140000,
	.reset_us = 35,
	.reset_busy_us = 35,
	.erase = {{256u << 10, 0xD8, 0xDC, 520000, 2600000}},
	.cmds = {vf_sim_cmds_common, vf_sim_cmds_4byte, cmds},
};
