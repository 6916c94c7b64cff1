/* nor.h - driver for serial NOR chips: flash operations -> bus transactions.
 *
 * An engine: it touches no hardware, reads no clock, never blocks, allocates
 * nothing. The board's loop is
 *
 *     vf_nor_init(&nor, &config);
 *     vf_nor_probe(&nor);                      // or vf_nor_begin(&nor, op)
 *     while ((r = vf_nor_step(&nor, now_us(), &bus, &wait_us)) != VF_NOR_DONE)
 *         if (r == VF_NOR_BUS)
 *             vf_nor_bus_done(&nor, my_controller_does(bus), now_us());
 *         // VF_NOR_WAIT: nothing to do for wait_us; serve the link meanwhile
 *     status = vf_nor_status(&nor);
 *
 * What the board's controller owes the chip: chip-select stays high between two
 * transactions for the chip's tSHSL (bus.h). A write-enable and the command
 * after it that come too close are the known cause of "writes never work"; the
 * driver looks whether each write-enable took, and ends with VF_E_BUS if it
 * never does.
 *
 * Conventions: sizes in bytes, times in microseconds (uint32_t that wraps;
 * differences stay below 2^31). Structs are the caller's, complete here so that
 * they can be placed statically; fields are read-only to callers unless said
 * otherwise. No pointer may be NULL unless said so. Functions are not
 * reentrant on one vf_nor.
 */
#ifndef VCPFLASH_NOR_H
#define VCPFLASH_NOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/bus.h>
#include <vcpflash/flash.h>
#include <vcpflash/status.h>

typedef struct vf_nor_config {
	uint32_t base;         /* address at which the chip is (or will be) mapped */
	uint8_t index;         /* index of this memory on the board */
	uint8_t dies;          /* 1, or 2 in parallel (see bus.h) */
	uint8_t lanes;         /* most data lanes the controller has: 1, 2 or 4 */
	uint8_t addr_bytes;    /* most address bytes it can send: 3 or 4 */
	uint32_t max_transfer; /* most data bytes a transaction (combined), >= 512 */
	uint32_t bus_hz;       /* clock of the bus, for read_rate; 0 = not known */
	uint8_t margin;        /* timeouts are the chip's maxima times this; 0 = 2 */
	bool trust_table;      /* where SFDP and table disagree about a size or an
				* opcode: true = table, false = VF_E_CONFLICT */
} vf_nor_config;

/* Where facts about a chip come from; SFDP or the table is named. The linker keeps the
 * code of what is named here only, and docs/FIGURES.md says how much that is. With
 * both they are compared, which is the safest. */
typedef struct vf_nor_sources {
	const struct vf_nor_sfdp_source *sfdp;   /* &vf_nor_sfdp_source: what the chip says of
						  * itself; NULL: only parts of the table */
	const struct vf_nor_parts_source *parts; /* &vf_nor_parts_source: the table of parts;
						  * NULL: only parts with good SFDP */
	const struct vf_nor_look_source *look;   /* &vf_nor_look_source: notes for
						  * vf_nor_condition how the chip was found
						  * and what its registers say; NULL: not */
} vf_nor_sources;

extern const struct vf_nor_sfdp_source vf_nor_sfdp_source;
extern const struct vf_nor_parts_source vf_nor_parts_source;
extern const struct vf_nor_look_source vf_nor_look_source;

/* Longest time that the probe waits for an erase somebody else began. */
#define VF_NOR_BUSY_MAX_US 512000000u

enum vf_nor_step {
	VF_NOR_BUS,  /* carry out *bus, then call vf_nor_bus_done */
	VF_NOR_WAIT, /* call again after wait_us (or sooner: harmless) */
	VF_NOR_DONE, /* the probe or the operation ended: vf_nor_status */
};

/* How the chip says that it is ready and how the last operation went. */
enum vf_nor_poll {
	VF_NOR_POLL_WIP,      /* SR1 bit 0, no error bits */
	VF_NOR_POLL_FLAGS,    /* Micron: 70h bit 7, error bits, cleared by 50h */
	VF_NOR_POLL_SPANSION, /* SR1 bit 0; P_ERR bit 6, E_ERR bit 5, cleared by 30h */
};

enum vf_nor_quad {
	VF_NOR_QUAD_NONE,     /* nothing to enable */
	VF_NOR_QUAD_SR1_BIT6, /* Macronix, ISSI */
	VF_NOR_QUAD_SR2_BIT1, /* Spansion, older Winbond: 01h writes SR1 and SR2 together */
	VF_NOR_QUAD_SR2_31H,  /* newer Winbond, GigaDevice: 31h writes SR2 alone */
	VF_NOR_QUAD_UNKNOWN,  /* SFDP does not say, or in a way not served: one or two lanes */
};

enum vf_nor_addr4 {
	VF_NOR_ADDR4_NONE,    /* 16 MB or less: three address bytes */
	VF_NOR_ADDR4_OPCODES, /* opcodes of their own (12h 21h 5Ch DCh 13h 0Ch 6Ch) */
	VF_NOR_ADDR4_ENTER,   /* B7h, after write-enable where the chip wants it */
};

/* What was found out about the chip; complete after a successful probe. */
typedef struct vf_nor_chip {
	uint8_t id[6];                            /* 9Fh: manufacturer, device, extended bytes */
	uint8_t erase_opcode[VF_ERASE_TYPES_MAX]; /* beside memory.erase[] */
	uint8_t program_opcode;
	uint8_t program_lanes; /* data lanes of it */
	uint8_t program_addr_lanes;
	uint8_t read_opcode;
	uint8_t read_addr_lanes;
	uint8_t read_lanes;
	uint8_t read_dummy;
	uint8_t read_mode_bits;
	uint8_t addr_bytes;   /* 3 or 4, for array commands */
	uint8_t poll;         /* enum vf_nor_poll */
	uint8_t quad;         /* enum vf_nor_quad */
	uint8_t addr4;        /* enum vf_nor_addr4 */
	uint8_t stacked;      /* dies behind one another in one package (N25Q512A):
			       * every one must report ready; chip erase is theirs */
	bool sfdp;            /* what the chip says of itself is usable */
	bool from_sfdp;       /* geometry came from SFDP */
	bool from_table;      /* the id is in our table */
	const char *conflict; /* first disagreement of the two, or what the
			       * controller lacks for this chip; NULL if none */
} vf_nor_chip;

typedef struct vf_nor {
	/* private; first because short instructions reach no further */
	uint8_t state;        /* nor_internal.h */
	uint8_t then;         /* state after the script */
	uint8_t script;       /* next command of the script */
	uint8_t pass;         /* counts within a state */
	uint8_t tries;        /* write-enables that did not take; looks that found it ready */
	uint8_t protect_mask; /* status bits that protect blocks */
	bool on_bus;          /* between VF_NOR_BUS and vf_nor_bus_done */
	bool paused;          /* until wake_us */
	bool ready;           /* a probe succeeded */
	bool unsettled;       /* the last operation ended badly: look before the next */
	bool status_written;  /* while probing: quad enable was written, now verify */
	bool renewing;        /* others used the chip: looking how they left it */
	bool complemented;    /* block protection is inverted (CMP): all is protected */
	int16_t status;
	vf_nor_config config;
	vf_nor_sources sources;
	uint32_t began_us; /* when the chip began what is being waited for */
	uint32_t wake_us;  /* when the pause is over */
	uint32_t limit_us; /* longest that may take */
	vf_bus_op bus;     /* the transaction under way */
	uint8_t keep[4];   /* status registers as they are to be written */
	uint8_t buf[16];   /* what registers and SFDP answered */

	vf_nor_chip chip; /* valid after a successful probe; id[] also after a failed one */
	vf_memory memory; /* valid after a successful probe */

	/* private */
	union {
		struct { /* while probing */
			uint32_t basic_at;
			uint32_t four_at; /* 0 = there is none */
			uint8_t words;    /* 0 = no usable SFDP */
			uint8_t headers;
			uint8_t minor;
			bool sector_map;    /* sectors of several sizes */
			uint32_t basic[16]; /* basic table, as many words as `words` */
			uint32_t four[2];   /* 4-byte-address instruction table */
		} sfdp;
		struct { /* afterwards */
			vf_flash_op op;
			uint32_t done; /* bytes read so far */
			uint8_t type;  /* index into memory.erase */
			/* The time the chip really takes: erase types, then the page. */
			uint32_t seen_us[VF_ERASE_TYPES_MAX + 1];
		} run;
	} u;
	struct {                      /* with the source `look` */
		uint8_t first[2];     /* SR1 before anything was sent, on one lane and four; */
		bool unsteady;        /* the former was another byte each time */
		uint8_t id[3];        /* on one lane, before the reset */
		bool addr4;           /* and whether it expected 4-byte addresses then */
		uint8_t status_known; /* how many of each die: */
		uint8_t status[2][2]; /* SR1 and SR2, at the end */
	} look;
} vf_nor;

/* Copies `config`. Returns VF_OK or VF_E_USAGE. With all sources. */
int vf_nor_init(vf_nor *nor, const vf_nor_config *config);

/* The same with the sources that are named, which are copied. A port that calls
 * this one instead is smaller. */
int vf_nor_init_with(vf_nor *nor, const vf_nor_config *config, const vf_nor_sources *sources);

/* Begins the probe: brings the chip from whatever mode it was left in (QPI,
 * 4-byte, deep power-down, continuous read, an erase still running) to plain
 * SPI, reads the id twice, SFDP, looks up the table, cross-checks, enables quad
 * and 4-byte addressing. An erase that still runs is waited for, up to
 * VF_NOR_BUSY_MAX_US, by VF_NOR_WAIT. Where the quad enable bit has to be set it
 * is set for good (it is non-volatile); all other status bits are preserved. A
 * chip that refuses it is read and programmed on one lane. May be called again
 * at any time no transaction is under way. */
void vf_nor_probe(vf_nor *nor);

/* After others used the chip behind the driver's back, without touching its address and
 * line modes: begins to look how they left it, as vf_nor_probe does. What still runs is
 * waited for, at most as long as the chip's longest erase; error bits and the write-enable
 * latch are cleared, quad enable is set again, protection bits are looked at. `memory`
 * stays as it is, and so does `chip`, but for lanes that are refused now. If it fails the
 * driver is as after any error; call it again before the next operation. Nothing is done
 * where no probe has succeeded. */
void vf_nor_renew(vf_nor *nor);

/* Begins one operation. VF_FLASH_READ_MAPPED is served as VF_FLASH_READ: the
 * mapped path belongs to the board. Returns VF_OK, or VF_E_RANGE (not within the memory,
 * not aligned, no such erase size) or VF_E_USAGE (no chip, or still busy) and
 * then nothing was begun. `op` is copied; its buffers must stay valid. */
int vf_nor_begin(vf_nor *nor, const vf_flash_op *op);

/* What to do next. `*bus` is set for VF_NOR_BUS, `*wait_us` for VF_NOR_WAIT. */
enum vf_nor_step vf_nor_step(vf_nor *nor, uint32_t now_us, const vf_bus_op **bus,
			     uint32_t *wait_us);

/* Reports the transaction of the last VF_NOR_BUS: 0, or negative if the
 * controller failed (VF_E_BUS). */
void vf_nor_bus_done(vf_nor *nor, int status, uint32_t now_us);

/* Outcome of what ended last: VF_OK, VF_E_ERASE, VF_E_PROGRAM, VF_E_LOCKED,
 * VF_E_TIMEOUT, VF_E_BUS, VF_E_NO_CHIP, VF_E_UNKNOWN_CHIP, VF_E_CONFLICT,
 * VF_E_DIES_DIFFER. Until then VF_E_USAGE.
 *
 * VF_E_LOCKED: block protection is never cleared silently. Micron and Spansion
 * parts report a protected block themselves, and only for the blocks that are.
 * The others ignore the command without a word, so while any block-protect bit
 * is set (or CMP inverts them) program and erase are refused, wherever they
 * point, and so is one after which the write-enable latch is still set: that is
 * how a chip looks that ignored a command.
 *
 * VF_E_BUS: the controller failed, the two id reads differ, or write-enable did
 * not take in three attempts. After any error the next operation may begin: the
 * driver first waits until the chip is ready and clears its error bits. */
int vf_nor_status(const vf_nor *nor);

/* For the person: where the facts come from, how the chip was found, what its status
 * registers said when it ended. Nothing is known before a probe succeeded, and without
 * the source `look`. */
void vf_nor_condition(const vf_nor *nor, vf_condition *out);

/* After a probe that failed: nor->memory becomes one that stands for the chip, without rights, and
 * `out` says how the probe ended. A board that serves it can be asked what is wrong (`vcpflash
 * doctor`) over a link that works. */
void vf_nor_stand_in(vf_nor *nor, vf_condition *out);

#endif
