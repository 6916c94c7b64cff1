/* mailbox.h - what the loader on the Cortex-M7 and the stub of the Cortex-M4 tell each
 * other, at H747_MAILBOX_ADDRESS. Also read by the assembler.
 */
#ifndef H747_MAILBOX_H
#define H747_MAILBOX_H

#define MAILBOX_SIGN      0x344D4656 /* "VFM4": there is an application to go to */
#define MAILBOX_TAKEN     0x214D4656 /* "VFM!": the stub is on its way */
#define MAILBOX_SEMAPHORE 0          /* its release wakes the stub */

/* In the stub's vector table, where the architecture reserves four words. */
#define STUB_SIGN        0x42555453 /* "STUB" */
#define STUB_SIGN_OFFSET 0x1C

#ifndef __ASSEMBLER__
#include <stdint.h>

typedef volatile struct mailbox {
	uint32_t sign;
	uint32_t application; /* address of its vector table */
	uint32_t check;       /* ~application */
	uint32_t taken;
} mailbox;
#endif

#endif
