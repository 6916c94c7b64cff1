/* frail.h - flash that the power can fail on: every flash operation can be cut, before
 * it, after it or in its middle, and what was cut reads as it likes from then on.
 */
#ifndef VCPFLASH_TESTS_TARGET_FRAIL_H
#define VCPFLASH_TESTS_TARGET_FRAIL_H

#include "rig.h"

enum frail_cut { FRAIL_BEFORE, FRAIL_TORN, FRAIL_AFTER, FRAIL_CUTS };

typedef struct frail {
	uint8_t *weak[2]; /* a bit for each bit that reads as it likes */
	uint64_t seed;
	uint32_t count;  /* flash operations since frail_cut_at */
	uint32_t cut_at; /* the one that the power fails in, from 1; 0 none */
	enum frail_cut how;
	vf_flash_op hit;  /* the operation in which it did */
	uint32_t erases;  /* of the journal's units */
	uint32_t changed; /* operations that changed something outside the journal */
	uint32_t stuck;   /* offset in the journal's memory that does not program; 0 none */
	bool worn;        /* nothing of the journal programs any more */
} frail;

/* Gives the rig a journal in two units of `unit` bytes at `offset`, and frail flash. */
frail *frail_new(rig *r, uint8_t memory, uint32_t offset, uint32_t unit, uint64_t seed);
void frail_free(rig *r);
void frail_cut_at(rig *r, uint32_t count, enum frail_cut how);
/* Everything weak outside the journal must lie in what the board calls torn. */
void frail_check_torn(rig *r, unsigned memory, const vf_torn *torn);
bool frail_is_weak(const rig *r, unsigned memory, uint32_t offset, uint32_t len);

#endif
