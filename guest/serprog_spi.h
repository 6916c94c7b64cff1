/* serprog_spi.h - what the two files of the serial programmer tell each other:
 * serprog.c the conversation, serprog_spi.c what an SPI operation comes to.
 */
#ifndef VCPFLASH_GUEST_SERPROG_SPI_H
#define VCPFLASH_GUEST_SERPROG_SPI_H

#include <vcpflash/serprog.h>

enum vf_sp_kind {
	VF_SP_REGISTER,  /* opcode -> bytes */
	VF_SP_IDENTIFY,  /* opcode, three bytes that say nothing -> bytes */
	VF_SP_SFDP,      /* opcode, address, dummy -> bytes, any number of them */
	VF_SP_READ,      /* the same of the array */
	VF_SP_COMMAND,   /* opcode alone, changes nothing that lasts */
	VF_SP_ENABLE,    /* the same, and what comes next may change something */
	VF_SP_STATUS,    /* opcode, bytes: status registers */
	VF_SP_PROGRAM,   /* opcode, address, bytes */
	VF_SP_ERASE,     /* opcode, address */
	VF_SP_ERASE_ALL, /* opcode alone */
	VF_SP_ADDRESS4,  /* 4-byte mode: kept here */
	VF_SP_ADDRESS3,  /* and left */
	VF_SP_BANK,      /* opcode, byte: bits 31 to 24 of 3-byte addresses, kept here */
	VF_SP_BANK_READ,
	VF_SP_ABSENT, /* what no chip here has, with an answer: asked to find out which it is */
};

enum { VF_SP_ABSENT_MAX = 32 }; /* bytes of that answer, which are all ones */
enum { VF_SP_BY_MODE = 5 };     /* address bytes: 3 or 4, as the client's mode is */

struct vf_serprog_known {
	uint8_t opcode;
	uint8_t kind;  /* enum vf_sp_kind */
	uint8_t bytes; /* of the address: 0, 3, 4 or VF_SP_BY_MODE */
	uint8_t dummy; /* bytes */
};

/* Half of the buffer: the most that one transaction reads. */
uint32_t vf_sp_half(const vf_serprog *s);

/* The operation of `send_len` bytes that begins with this one, or NULL. Sets `known` and
 * head_max. */
bool vf_sp_recognise(vf_serprog *s, uint8_t opcode);

/* All of it is there: fills in `op`, `range`, `at` and `left`. False: it cannot be carried
 * out, or may not. */
bool vf_sp_prepare(vf_serprog *s);

bool vf_sp_reads(const vf_serprog *s);   /* answers with what was read from the chip */
bool vf_sp_changes(const vf_serprog *s); /* erases or programs */
bool vf_sp_enabled(const vf_serprog *s); /* acts only behind a write-enable */

#endif
