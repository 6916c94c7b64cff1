/* compare.h - what should be there beside what is: the first byte that differs, how
 * many do, which way, and what that suggests. */
#ifndef VF_COMPARE_H
#define VF_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/job.h>

enum { VF_COMPARE_SAMPLE = 16 };

typedef struct vf_compare {
	vf_mismatch m;  /* its `sectors` is the caller's */
	uint32_t page;  /* that the board programs; 0: not known */
	uint64_t bytes; /* compared */
	uint8_t value;  /* all of them, */
	bool constant;  /* if this is true */
	bool ones_missing, zeros_missing;
	bool sampled; /* these bytes, from a place that is wrong, tell where they belong: */
	uint8_t sample[VF_COMPARE_SAMPLE];
	uint32_t sample_at;
} vf_compare;

void vf_compare_begin(vf_compare *c, uint32_t page);
/* `expected` NULL: 0xFF. True if anything differs. */
bool vf_compare_bytes(vf_compare *c, uint64_t address, const uint8_t *expected,
		      const uint8_t *found, uint32_t len);
/* Decides on a cause; `image` is what should be there, also elsewhere. NULL allowed. */
void vf_compare_end(vf_compare *c, const vf_image *image);

#endif
