/* m4.h - by which way does the Cortex-M4 come to its application? Pure decision.
 *
 * That core begins where its option bytes say, below 0x40000000, never in external
 * flash. Option bit BCM4 says whether it begins by itself at reset. If not, the M7 puts a
 * few instructions into D2 SRAM and lets it go there. If so, the stub of this project
 * must stand where it begins, and waits.
 */
#ifndef H747_M4_H
#define H747_M4_H

#include <stdbool.h>
#include <stdint.h>

#include "vectors.h"

typedef enum m4_way {
	M4_STAYS,   /* no image for it, or none that can be started */
	M4_RUNS,    /* BCM4 = 1, and its image is where it begins */
	M4_RELEASE, /* BCM4 = 0 */
	M4_STUB,    /* BCM4 = 1, and the stub is there */
} m4_way;

typedef struct m4_facts {
	vectors image;         /* the best of the places where images are looked for */
	uint32_t image_at;     /* which, if it is good */
	bool begins_by_itself; /* BCM4 */
	uint32_t begins_at;    /* BCM4_ADD0 */
	bool stub;             /* that is the address of our stub, and it is there */
} m4_facts;

typedef struct m4_plan {
	m4_way way;
	const char *line; /* why it stays, "\r\n" at both ends; NULL: nothing to say */
} m4_plan;

m4_plan m4_plan_of(const m4_facts *f);

/* For an M4_STUB that did not answer. */
const char *m4_silent_line(void);

#endif
