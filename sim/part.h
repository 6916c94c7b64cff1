/* part.h - what a data sheet says about one part, as the chip model wants it:
 * size, times, registers, and every command with the shape it has on the bus.
 * Private to the room.
 */
#ifndef VCPFLASH_SIM_PART_H
#define VCPFLASH_SIM_PART_H

#include <vcpflash/sim_chip.h>

enum {
	VF_SIM_ERASES = 5,    /* erase sizes or spellings of one part */
	VF_SIM_CMD_LISTS = 3, /* command lists of one part */
	VF_SIM_TABLES = 3,    /* SFDP parameter tables of one part */
	VF_SIM_PAGE_MAX = 512,
};

/* Registers, in an order that lets one write fill neighbours. */
enum vf_sim_reg {
	VF_SIM_SR1,
	VF_SIM_SR2, /* also Macronix' and Spansion's configuration register */
	VF_SIM_SR3,
	VF_SIM_FLAGS,    /* Micron flag status */
	VF_SIM_SECURITY, /* Macronix security register: what failed */
	VF_SIM_BANK,     /* extended address or bank register */
	VF_SIM_VCR,      /* Micron volatile configuration */
	VF_SIM_VECR,     /* Micron enhanced volatile configuration */
	VF_SIM_NVCR,     /* Micron non-volatile configuration, low byte … */
	VF_SIM_NVCR_HI,  /* … and high byte */
	VF_SIM_REGS,
};

enum vf_sim_kind {
	VF_SIM_END, /* ends a list */
	VF_SIM_READ,
	VF_SIM_PROGRAM,
	VF_SIM_ERASE,
	VF_SIM_CHIP_ERASE,
	VF_SIM_DIE_ERASE,
	VF_SIM_RDID,
	VF_SIM_RDSFDP,
	VF_SIM_RDREG,
	VF_SIM_WRREG,
	VF_SIM_WREN,
	VF_SIM_WRDI,
	VF_SIM_WREN_VOLATILE,
	VF_SIM_CLEAR_ERRORS,
	VF_SIM_RESET_ENABLE,
	VF_SIM_RESET,
	VF_SIM_RESET_AT_ONCE,
	VF_SIM_POWER_DOWN,
	VF_SIM_WAKE,
	VF_SIM_ADDR4_ON,
	VF_SIM_ADDR4_OFF,
	VF_SIM_QPI_ON,
	VF_SIM_QPI_OFF,
	VF_SIM_NOTHING, /* known, and without effect here */
};

enum {
	VF_SIM_QE = 1 << 0, /* wants quad enabled */
	VF_SIM_WHILE_BUSY = 1 << 1,
	VF_SIM_IN_QPI = 1 << 2,   /* also in QPI */
	VF_SIM_QPI_ONLY = 1 << 3, /* not in SPI */
	VF_SIM_WEL = 1 << 4,      /* wants write enable */
	VF_SIM_HAS_MODE = 1 << 5, /* a mode byte may follow the address */
	VF_SIM_FAST = 1 << 6,     /* its dummy clocks are configurable (Micron) */
	VF_SIM_VOLATILE = 1 << 7, /* a register write that takes effect at once */
	VF_SIM_BIG = 1 << 8,      /* only parts beyond 16 MB have it */
	VF_SIM_DDR = 1 << 9,      /* address and data on both clock edges */
};

#define VF_SIM_ADDR_CURRENT 1 /* as many address bytes as the mode says */

typedef struct vf_sim_cmd {
	uint8_t opcode;
	uint8_t kind; /* enum vf_sim_kind */
	uint8_t addr; /* 0, 3, 4 or VF_SIM_ADDR_CURRENT */
	uint8_t addr_lanes;
	uint8_t data_lanes;
	uint8_t clocks;     /* mode and dummy clocks together */
	uint8_t qpi_clocks; /* the same in QPI */
	uint8_t arg;        /* register, or index into erase[] */
	uint8_t most;       /* most data bytes of a register write */
	uint16_t flags;
} vf_sim_cmd;

typedef struct vf_sim_erase {
	uint32_t size;
	uint8_t opcode;   /* address as the mode says */
	uint8_t opcode_4; /* always four address bytes; 0 = the part has none */
	uint32_t typ_us;
	uint32_t max_us;
} vf_sim_erase;

typedef struct vf_sim_table {
	uint16_t id; /* FF00h basic, FF84h four-byte instructions, others vendors' */
	uint8_t minor;
	uint8_t words;
	uint16_t offset;
	const uint32_t *word;
} vf_sim_table;

typedef struct vf_sim_sfdp {
	uint8_t minor;
	uint8_t tables;
	vf_sim_table table[VF_SIM_TABLES];
} vf_sim_sfdp;

enum vf_sim_errors { /* where the part reports a failed program or erase */
		     VF_SIM_ERRORS_NONE,
		     VF_SIM_ERRORS_FLAGS,    /* Micron: flag status register */
		     VF_SIM_ERRORS_SECURITY, /* Macronix: security register */
		     VF_SIM_ERRORS_STATUS,   /* Spansion: SR1 bits 5 and 6, busy until cleared */
};

enum vf_sim_xip {                    /* which mode byte starts continuous read */
		  VF_SIM_XIP_20,     /* bits 5:4 = 10 (Winbond, GigaDevice) */
		  VF_SIM_XIP_A0,     /* Ah in the upper half (Spansion, ISSI) */
		  VF_SIM_XIP_TOGGLE, /* halves are complements (Macronix) */
		  VF_SIM_XIP_MICRON, /* first clock low, once the VCR allows it */
};

enum vf_sim_bp {                     /* how the block protection bits of SR1 count */
		 VF_SIM_BP_2_5,      /* four bits 5:2, 64 KB << (n - 1) from the top */
		 VF_SIM_BP_2_5_TB6,  /* the same; bit 6 = from the bottom */
		 VF_SIM_BP_2_4_6,    /* Micron: bits 6,4:2; bit 5 = from the bottom */
		 VF_SIM_BP_FRACTION, /* three bits 4:2, size >> (7 - n); bit 5 bottom, 6 sectors */
		 VF_SIM_BP_SPANSION, /* three bits 4:2, size >> (7 - n); CR bit 5 bottom */
};

struct vf_sim_part {
	const char *name;
	const char *text;
	uint8_t id[6];
	uint8_t id_len; /* bytes of id; then they repeat, or (more than 3) zeros follow */
	uint8_t errors; /* enum vf_sim_errors */
	uint8_t xip;    /* enum vf_sim_xip */
	uint8_t bp;     /* enum vf_sim_bp */
	uint8_t quad_reg;
	uint8_t quad_bit;        /* mask; 0 = quad needs no enabling */
	bool short_write_clears; /* a one-byte status write zeroes SR2 */
	uint32_t size;
	uint32_t stacked; /* size of each die behind one another; 0 = one die */
	uint16_t page;
	uint16_t ecc; /* bytes that may be programmed once an erase; 0 = no such rule */
	uint32_t page_typ_us, page_max_us;
	uint32_t chip_typ_us, chip_max_us;
	uint32_t reg_us;        /* a non-volatile register write, typical */
	uint32_t reset_us;      /* deaf after a reset when idle … */
	uint32_t reset_busy_us; /* … and when a program or erase was aborted */
	uint32_t wake_us;       /* deaf after leaving deep power-down */
	vf_sim_erase erase[VF_SIM_ERASES];
	const vf_sim_cmd *cmds[VF_SIM_CMD_LISTS];
	const vf_sim_sfdp *sfdp; /* NULL = answers 5Ah with nothing */
};

/* The parts, a file a family. */
extern const vf_sim_part vf_sim_mt25ql512ab, vf_sim_n25q128a, vf_sim_n25q256a;
extern const vf_sim_part vf_sim_n25q512a;
extern const vf_sim_part vf_sim_mx25l51245g, vf_sim_mx66l1g45g;
extern const vf_sim_part vf_sim_w25q128jv, vf_sim_w25q256jv, vf_sim_w25q512jv;
extern const vf_sim_part vf_sim_gd25q128, vf_sim_at25ql128a;
extern const vf_sim_part vf_sim_is25lp128, vf_sim_is25lp256;
extern const vf_sim_part vf_sim_s25fl512s;
extern const vf_sim_part vf_sim_generic_sfdp, vf_sim_generic_none, vf_sim_tiny64k;

/* Reads and programs that several vendors share. */
extern const vf_sim_cmd vf_sim_cmds_common[];
extern const vf_sim_cmd vf_sim_cmds_4byte[];

/* The byte at an SFDP address; 0xFF where nothing is. */
uint8_t vf_sim_sfdp_byte(const vf_sim_sfdp *sfdp, uint32_t addr);

#endif
