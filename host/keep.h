/* keep.h - bytes that no file names, on their way through an erase: what is written
 * down of them before, so that a later run can put them back.
 *
 * A record is one sector: what it shall hold in the end (the image over what is
 * kept), and what it was seen to hold when it was written down. From the second
 * follows, where the board keeps no journal, whether anybody else has written
 * there since (job_keep.c).
 */
#ifndef VF_KEEP_H
#define VF_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <vcpflash/alloc.h>
#include <vcpflash/status.h>
#include <vcpflash/wire.h>

typedef struct vf_keep_record {
	uint8_t memory;
	uint32_t address; /* of the sector */
	uint32_t size;
	uint8_t *wanted; /* NULL: all of it 0xFF */
	uint8_t *seen;   /* NULL: all of it 0xFF, */
	bool seen_known; /* if this is true */
	bool moot;       /* nobody needs it any more: left out when packed */
} vf_keep_record;

typedef struct vf_keep {
	uint8_t id_len;
	uint8_t id[VF_WIRE_ID_MAX];
	uint64_t session; /* that was about to change the flash; 0: the board has no journal */
	uint64_t before;  /* the last that had changed it then */
	vf_keep_record *records;
	size_t count, room;
} vf_keep;

void vf_keep_free(vf_keep *k, const vf_alloc *alloc);
vf_keep_record *vf_keep_add(vf_keep *k, const vf_alloc *alloc); /* NULL: no memory */
/* Copies `size` bytes (NULL: 0xFF) into a record's field. VF_OK, VF_E_NOMEM. */
int vf_keep_set(uint8_t **field, const uint8_t *bytes, uint32_t size, const vf_alloc *alloc);

/* keep_file.c: its form outside. NULL: no memory; freed by the caller. */
uint8_t *vf_keep_pack(const vf_keep *k, const vf_alloc *alloc, size_t *len);
/* VF_OK, VF_E_NOMEM, VF_E_FILE: it is not whole, or no such thing. */
int vf_keep_unpack(vf_keep *k, const vf_alloc *alloc, const uint8_t *bytes, size_t len);

#endif
