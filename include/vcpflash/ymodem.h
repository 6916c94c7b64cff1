/* ymodem.h - files by YMODEM, as a terminal's "send file" has it, into the board's memories
 * (docs/GUESTS.md): .bin at an address, or .hex at its own.
 *
 *     vf_ymodem_init(&ymodem, &guest, sector, sizeof sector);
 *
 * `sector` is 32-byte aligned and holds the smallest erase unit of each memory that files
 * may go to; memories whose unit is larger are refused. It keeps what the file does not name
 * of a unit that is erased for it. Conventions as in guest.h.
 */
#ifndef VCPFLASH_YMODEM_H
#define VCPFLASH_YMODEM_H

#include <vcpflash/guest.h>

enum {
	VF_YMODEM_BLOCK = 1024,
	VF_YMODEM_NAME = 48,
	VF_YMODEM_STRETCHES = 8, /* of a .hex, that are digested in the end */
};

/* Sectors: what is to be written, gathered, and given to the engine. */
typedef struct vf_writer {
	vf_guest *guest;
	uint8_t *sector;
	uint32_t sector_len;
	/* private */
	uint8_t phase;
	bool trusts; /* what reads as it should need not be written */
	bool marked; /* the set is incomplete, for this file */
	bool loaded;
	bool differs;
	uint8_t memory;
	uint8_t entry; /* of the set, to be digested */
	uint32_t base; /* address of the sector that is loaded */
	uint32_t size;
	uint32_t written; /* bytes programmed */
	vf_range mine;    /* addresses: what the file covers, as far as is known */
	vf_set set;
	uint8_t bytes[VF_WIRE_SET_HEADER + VF_WIRE_SET_ENTRY * VF_WIRE_SET_MAX];
	uint8_t digest[VF_DIGEST_SIZE];
} vf_writer;

typedef struct vf_stretch {
	uint32_t address, len;
	uint8_t sha[VF_SHA256_SIZE];
} vf_stretch;

/* A file on its way into memory, and what became of it. */
typedef struct vf_load {
	vf_writer writer;
	/* private */
	char name[VF_YMODEM_NAME];
	uint8_t kind; /* not known yet, bin, hex */
	uint8_t verdict;
	bool typed;      /* `address` is what the person typed, or */
	bool named;      /* what the file's name says */
	bool placed;     /* a file of this batch went where only one can */
	uint32_t untold; /* files that were verified, for which there was no room */
	uint32_t address;
	uint32_t length;   /* of the file, as the sender says */
	uint32_t received; /* of these */
	uint32_t where;    /* address that the verdict is about */
	uint32_t meant;    /* by the name, which says another one; 0: nothing else */
	vf_failure failure;
	/* hex */
	uint32_t upper; /* added to a record's address */
	uint32_t line;
	uint16_t digits; /* of the record, so far */
	bool in_record, over;
	uint8_t record[5 + 255];
	uint32_t pending; /* data of the record that is yet to be written */
	/* what was written, stretch by stretch */
	uint8_t stretches;
	uint8_t checked;
	bool uncounted; /* there were more of them */
	vf_stretch stretch[VF_YMODEM_STRETCHES];
	vf_sha256 sha;
	uint8_t answer[VF_SHA256_SIZE];
} vf_load;

typedef struct vf_ymodem {
	vf_guest *guest;
	vf_load load;
	/* private */
	uint8_t state;
	uint8_t next; /* number of the block that is to come */
	uint8_t tries;
	uint8_t cans;
	bool sums;       /* checksums instead of CRC-16 */
	bool blind;      /* nobody asked for it */
	bool file;       /* one is being received */
	bool eot;        /* and said once that it is over */
	bool impatient;  /* the sender said something while the board was at work */
	bool cancelled;  /* the board has told the sender to stop */
	bool spoilt;     /* at seen_at there was what nobody types */
	bool several;    /* files broke off: */
	vf_range broken; /* the last one's addresses, length 0 none */
	uint8_t files;
	uint8_t out_head, out_tail; /* free-running */
	uint8_t out_lent;           /* of these, which the port has been given */
	uint8_t out[16];
	uint32_t at;        /* when it is time for something */
	uint32_t header_at; /* when block 0 came last */
	uint32_t seen_at;   /* when any byte did between blocks */
	uint32_t typed;     /* what somebody types there, in `block` */
	uint32_t got, want, used;
	uint8_t block[3 + VF_YMODEM_BLOCK + 2];
} vf_ymodem;

void vf_ymodem_init(vf_ymodem *y, vf_guest *g, uint8_t *sector, uint32_t sector_len);

/* --- for ymodem.c: files, and sectors -------------------------------------------------- */

enum vf_load_progress { VF_LOAD_WAIT, VF_LOAD_READY, VF_LOAD_OVER };

void vf_load_forget(vf_load *l); /* what was typed, and all of the last file */
/* A new file; false: refused, the verdict says why. */
bool vf_load_begin(vf_load *l, const char *name, uint32_t length, bool has_length);
/* How many of these bytes were taken; fewer while the chip is at work. */
uint32_t vf_load_put(vf_load *l, const uint8_t *bytes, uint32_t len);
/* True when nothing of the file waits any more. */
enum vf_load_progress vf_load_finish(vf_load *l);
bool vf_load_failed(const vf_load *l);
void vf_load_break(vf_load *l); /* the transfer ended before the file did */
void vf_load_verdict(vf_load *l);
void vf_load_untold(vf_load *l); /* what there was no room for, in short */

void vf_writer_begin(vf_writer *w, unsigned memory, uint32_t address, uint32_t len);
/* VF_GUEST_WAITING, VF_GUEST_DONE (all that was asked for is done), VF_GUEST_FAILED. */
enum vf_guest_outcome vf_writer_step(vf_writer *w);
/* Puts bytes of one memory into its sectors; how many were taken. */
uint32_t vf_writer_put(vf_writer *w, unsigned memory, uint32_t address, const uint8_t *bytes,
		       uint32_t len);
void vf_writer_flush(vf_writer *w);
void vf_writer_seal(vf_writer *w, const vf_stretch *stretch, unsigned count, bool whole);

#endif
