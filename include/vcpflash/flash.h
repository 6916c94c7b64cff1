/* flash.h - the flash door: what a memory is, and the operations on it.
 *
 * Types only, no code; shared by `target` (which asks), `nor` (which serves a
 * QSPI NOR chip) and boards (which may serve a vendor driver instead).
 *
 * Conventions: sizes in bytes, times in microseconds, little surprises: an
 * offset counts from the first byte of the memory (0), an address is what the
 * processor uses (memory base + offset). The caller owns every buffer; it is
 * contiguous, 32-byte aligned and valid until the operation was reported done.
 * Where two dies work in parallel every offset and every length is even, of reads
 * too: a controller cannot address half of a pair (`unit` is even there).
 */
#ifndef VCPFLASH_FLASH_H
#define VCPFLASH_FLASH_H

#include <stddef.h>
#include <stdint.h>

enum {
	VF_ERASE_TYPES_MAX = 5, /* four SFDP erase types and the whole chip */
	VF_PROTECT_MAX = 4,
	VF_MEMORY_NAME_MAX = 24,
	VF_MEMORY_ID_MAX = 8,
};

enum vf_memory_kind {
	VF_MEMORY_NOR = 1,      /* external serial NOR */
	VF_MEMORY_INTERNAL = 2, /* the microcontroller's own flash */
};

/* Rights and properties of a memory. */
enum vf_memory_flags {
	VF_MEMORY_READ = 1u << 0,
	VF_MEMORY_WRITE = 1u << 1,     /* may be erased and programmed */
	VF_MEMORY_RUN = 1u << 2,       /* code can be started from it */
	VF_MEMORY_REPROGRAM = 1u << 3, /* a unit may be programmed twice without an
					* erase, clearing further bits (off where
					* the part has on-die ECC or is unknown) */
	VF_MEMORY_BLOCKING = 1u << 4,  /* its driver blocks: while it works the
					* board is deaf, and must say so before */
};

typedef struct vf_erase_type {
	uint32_t size;   /* a power of two dividing the memory, or the memory's
			  * whole size (chip erase) */
	uint32_t typ_us; /* typical time of one such erase; 0 = not known */
	uint32_t max_us; /* the maker's maximum; never 0 */
} vf_erase_type;

typedef struct vf_range {
	uint32_t offset;
	uint32_t len;
} vf_range;

/* All a planner needs to know. Filled by `nor` or by the board. */
typedef struct vf_memory {
	char name[VF_MEMORY_NAME_MAX]; /* NUL-terminated ASCII, e.g. the part */
	uint8_t kind;                  /* enum vf_memory_kind */
	uint8_t flags;                 /* enum vf_memory_flags */
	uint8_t dies;                  /* 1, or 2 in parallel */
	uint8_t id_len;
	uint8_t id[VF_MEMORY_ID_MAX]; /* as read from the chip (first die) */
	uint32_t base;                /* address of offset 0 */
	uint32_t size;
	uint32_t page;        /* most bytes one program operation takes; a power of
			       * two; operations do not cross a multiple of it */
	uint32_t unit;        /* programming unit: operations start and end at
			       * multiples of it; a power of two <= page */
	uint32_t page_typ_us; /* time to program one page */
	uint32_t page_max_us;
	uint32_t read_rate;  /* bytes a second of a long read; 0 = not known */
	uint8_t erase_types; /* entries used in erase[]; ascending size; the
			      * first is the smallest erase unit ("sector") */
	uint8_t protects;    /* entries used in protect[] */
	vf_erase_type erase[VF_ERASE_TYPES_MAX];
	vf_range protect[VF_PROTECT_MAX]; /* refused by the board, always */
} vf_memory;

/* In which mode the loader found the chip when it started. */
enum vf_condition_found {
	VF_FOUND_QPI = 1u << 0,        /* opcodes on four lanes */
	VF_FOUND_ADDR4 = 1u << 1,      /* 4-byte addresses */
	VF_FOUND_ASLEEP = 1u << 2,     /* it did not answer until it was woken or reset */
	VF_FOUND_CONTINUOUS = 1u << 3, /* in a continuous read */
	VF_FOUND_BUSY = 1u << 4,       /* erasing or programming */
	VF_FOUND_KNOWN = 1u << 7,      /* somebody looked */
};

enum vf_condition_source { VF_CONDITION_SFDP = 1u << 0, VF_CONDITION_TABLE = 1u << 1 };

enum vf_condition_quad {
	VF_CONDITION_QUAD_NONE, /* nothing to enable, or no use for it */
	VF_CONDITION_QUAD_ON,
	VF_CONDITION_QUAD_REFUSED, /* the bit does not take: one lane */
	VF_CONDITION_QUAD_UNKNOWN, /* SFDP does not say how: two lanes at the most */
};

/* How the look for the chip ended. Where it is not VF_PROBE_GOOD the memory's id is what was
 * read, it has no rights, and its geometry means nothing. */
enum vf_condition_probe {
	VF_PROBE_GOOD,
	VF_PROBE_ABSENT,   /* the id reads all 0 or all 1 */
	VF_PROBE_UNKNOWN,  /* no usable SFDP, and in no table */
	VF_PROBE_CONFLICT, /* SFDP, table or controller do not go together: `conflict` */
	VF_PROBE_DIFFER,   /* the two dies answer differently */
	VF_PROBE_UNSTEADY, /* it does not answer twice the same, or the controller fails */
	VF_PROBE_BUSY,     /* it never becomes ready */
};

enum { VF_CONDITION_CONFLICT_MAX = 20 };

/* For the diagnosis of a serial NOR, nothing else goes by it. */
typedef struct vf_condition {
	uint8_t known;        /* 0: nothing is, and the rest is 0 */
	uint8_t source;       /* usable: enum vf_condition_source */
	uint8_t found;        /* enum vf_condition_found */
	uint8_t quad;         /* enum vf_condition_quad */
	uint8_t lanes;        /* data lanes: of reads, and of programs times 16 */
	uint8_t protect_mask; /* bits of SR1 that protect blocks; 0 not known */
	uint8_t complemented; /* protection is inverted (CMP): clear bits protect all */
	uint8_t registers;    /* known of status[]: 0, 1 or 2 a die */
	uint8_t status[2][2]; /* of each die: SR1, SR2 */
	uint8_t probe;        /* enum vf_condition_probe */
	/* In what SFDP and table disagree (and the table is gone by); "" in nothing. */
	char conflict[VF_CONDITION_CONFLICT_MAX + 1];
} vf_condition;

enum vf_flash_kind {
	VF_FLASH_READ = 1,    /* len bytes into buf, by any means; offset and len are
			       * multiples of the memory's `dies` */
	VF_FLASH_READ_MAPPED, /* the same through the path an application uses
			       * (memory-mapped), where there is one */
	VF_FLASH_PROGRAM,     /* data: whole units, within one page */
	VF_FLASH_ERASE,       /* len is one of the erase sizes, offset a multiple */
};

typedef struct vf_flash_op {
	uint8_t kind;   /* enum vf_flash_kind */
	uint8_t memory; /* index of the memory */
	uint32_t offset;
	uint32_t len;
	const uint8_t *data; /* VF_FLASH_PROGRAM: len bytes to program */
	uint8_t *buf;        /* VF_FLASH_READ*: room for len bytes */
} vf_flash_op;

#endif
