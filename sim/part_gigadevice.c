/* part_gigadevice.c - GigaDevice GD25Q128C and Renesas (Adesto) AT25QL128A,
 * which share QPI by 38h and FFh and quad enable in the second status register.
 *
 * Sources: the vendors' data sheets (times of the GD25Q128C, maxima, reset
 * times, rounded); SFDP words of an AT25QL128A dump on the linux-mtd list, and
 * the first-revision table that GD25Q128 parts of that generation carry.
 */
#include "part.h"

#define CUR VF_SIM_ADDR_CURRENT
#define Q   VF_SIM_IN_QPI

#define SHARED                                                                                     \
	{0x9F, VF_SIM_RDID, 0, 0, 1, 0, 0, 0, 0, Q},                                               \
		{0x5A, VF_SIM_RDSFDP, 3, 1, 1, 8, 8, 0, 0, 0},                                     \
		{0x32, VF_SIM_PROGRAM, CUR, 1, 4, 0, 0, 0, 0, VF_SIM_QE},                          \
		{0xC7, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, Q},                                 \
		{0x60, VF_SIM_CHIP_ERASE, 0, 0, 0, 0, 0, 0, 0, Q},                                 \
		{0x50, VF_SIM_WREN_VOLATILE, 0, 0, 0, 0, 0, 0, 0, Q},                              \
		{0x31, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR2, 1, VF_SIM_WEL | Q},                \
		{0x11, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR3, 1, VF_SIM_WEL | Q},                \
		{0x35, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_SR2, 0, VF_SIM_WHILE_BUSY | Q},         \
		{0x15, VF_SIM_RDREG, 0, 0, 1, 0, 0, VF_SIM_SR3, 0, VF_SIM_WHILE_BUSY | Q},         \
		{0x38, VF_SIM_QPI_ON, 0, 0, 0, 0, 0, 0, 0, 0},                                     \
		{0xFF, VF_SIM_QPI_OFF, 0, 0, 0, 0, 0, 0, 0, Q},                                    \
		{0xB9, VF_SIM_POWER_DOWN, 0, 0, 0, 0, 0, 0, 0, Q},                                 \
		{0xAB, VF_SIM_WAKE, 0, 0, 0, 0, 0, 0, 0, Q},                                       \
		{0x66, VF_SIM_RESET_ENABLE, 0, 0, 0, 0, 0, 0, 0, Q | VF_SIM_WHILE_BUSY},           \
	{                                                                                          \
		0x99, VF_SIM_RESET, 0, 0, 0, 0, 0, 0, 0, Q | VF_SIM_WHILE_BUSY                     \
	}

/* 01h writes the first status register alone; the others have their own. */
static const vf_sim_cmd cmds_gd[] = {
	SHARED,
	{0xEB, VF_SIM_READ, CUR, 4, 4, 6, 4, 0, 0, VF_SIM_QE | VF_SIM_HAS_MODE | Q},
	{0x01, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR1, 1, VF_SIM_WEL | Q},
	{0},
};

static const vf_sim_cmd cmds_at[] = {
	SHARED,
	{0xEB, VF_SIM_READ, CUR, 4, 4, 6, 4, 0, 0, VF_SIM_QE | VF_SIM_HAS_MODE | Q},
	{0x01, VF_SIM_WRREG, 0, 0, 1, 0, 0, VF_SIM_SR1, 2, VF_SIM_WEL | Q},
	{0},
};

static const uint32_t bfpt_gd[9] = {
	0xFFF120E5, 0x07FFFFFF, 0x6B08EB44, 0xBB423B08, 0xFFFFFFEE,
	0xFF00FFFF, 0xFF00FFFF, 0x520F200C, 0xFF00D810,
};
static const uint32_t vendor_gd[3] = {0x27003600, 0x6477F99E, 0xFFFFEBFC};
static const vf_sim_sfdp sfdp_gd = {
	0, 2, {{0xFF00, 0, 9, 0x30, bfpt_gd}, {0xFFC8, 0, 3, 0x60, vendor_gd}}};

static const uint32_t bfpt_at[16] = {
	0xFFF120E5, 0x07FFFFFF, 0x6B08EB44, 0xBB803B08, 0xFFFFFFFE, 0xFF00FFFF,
	0xEB42FFFF, 0x520F200C, 0xFF00D810, 0x00D56233, 0xCE012984, 0x3D07A1EC,
	0x757A757A, 0x5CD5A2F7, 0xFF1CF619, 0x80C010E8,
};
static const uint32_t vendor_at[2] = {0x19501650, 0xFFFF0000};
static const vf_sim_sfdp sfdp_at = {
	6, 2, {{0xFF00, 6, 16, 0x30, bfpt_at}, {0x011F, 0, 2, 0x80, vendor_at}}};

const vf_sim_part vf_sim_gd25q128 = {
	.name = "gd25q128",
	.text = "GigaDevice GD25Q128C, 16 MB, erase 4K 32K 64K, first-revision SFDP",
	.id = {0xC8, 0x40, 0x18},
	.id_len = 3,
	.xip = VF_SIM_XIP_20,
	.bp = VF_SIM_BP_FRACTION,
	.quad_reg = VF_SIM_SR2,
	.quad_bit = 0x02,
	.size = 16u << 20,
	.page = 256,
	.page_typ_us = 600,
	.page_max_us = 2400,
	.chip_typ_us = 60000000,
	.chip_max_us = 140000000,
	.reg_us = 5000,
	.reset_us = 20,
	.reset_busy_us = 12000,
	.wake_us = 20,
	.erase = {{4u << 10, 0x20, 0, 50000, 400000},
		  {32u << 10, 0x52, 0, 180000, 800000},
		  {64u << 10, 0xD8, 0, 250000, 1200000}},
	.cmds = {vf_sim_cmds_common, cmds_gd},
	.sfdp = &sfdp_gd,
};

const vf_sim_part vf_sim_at25ql128a = {
	.name = "at25ql128a",
	.text = "Renesas AT25QL128A, 16 MB, erase 4K 32K 64K, short status writes clear quad "
		"enable",
	.id = {0x1F, 0x42, 0x18},
	.id_len = 3,
	.xip = VF_SIM_XIP_20,
	.bp = VF_SIM_BP_FRACTION,
	.quad_reg = VF_SIM_SR2,
	.quad_bit = 0x02,
	.short_write_clears = true,
	.size = 16u << 20,
	.page = 256,
	.page_typ_us = 640,
	.page_max_us = 3000,
	.chip_typ_us = 60000000,
	.chip_max_us = 120000000,
	.reg_us = 5000,
	.reset_us = 30,
	.reset_busy_us = 12000,
	.wake_us = 5,
	.erase = {{4u << 10, 0x20, 0, 64000, 400000},
		  {32u << 10, 0x52, 0, 208000, 1000000},
		  {64u << 10, 0xD8, 0, 352000, 2000000}},
	.cmds = {vf_sim_cmds_common, cmds_at},
	.sfdp = &sfdp_at,
};
