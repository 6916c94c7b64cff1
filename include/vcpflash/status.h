/* status.h - the one list of outcomes that every room shares.
 *
 * Conventions: functions that can fail return an int. Negative values are the
 * errors below, 0 is VF_OK, positive values are counts where a function says
 * so. The values never cross the wire (wire.h has the codes that do).
 */
#ifndef VCPFLASH_STATUS_H
#define VCPFLASH_STATUS_H

enum vf_status {
	VF_OK = 0,

	/* Each of these has its exit code in the command line (docs: README). */
	VF_E_DIFFERS = -1,     /* 1: the chip holds something else */
	VF_E_USAGE = -2,       /* 2: wrong usage of the command or of an API */
	VF_E_LINK = -3,        /* 3: no port, no board, no answer, line lost */
	VF_E_FLASH = -4,       /* 4: the board or its flash reported a failure */
	VF_E_FILE = -5,        /* 5: an input file, or a file we had to write */
	VF_E_REFUSED = -6,     /* 6: outside the memories, protected, not allowed */
	VF_E_INTERRUPTED = -7, /* 130: the person asked to stop */
	VF_E_NOMEM = -8,       /* 4: the host ran out of memory */

	/* What a flash door reports of one operation (flash.h). */
	VF_E_ERASE = -20,        /* the chip says the erase failed */
	VF_E_PROGRAM = -21,      /* the chip says the program operation failed */
	VF_E_LOCKED = -22,       /* the chip says the range is write-protected */
	VF_E_TIMEOUT = -23,      /* longer than the chip's own maximum, with margin */
	VF_E_BUS = -24,          /* the controller could not carry out a transaction */
	VF_E_NO_CHIP = -25,      /* id reads all zero or all one */
	VF_E_UNKNOWN_CHIP = -26, /* id in no table and no usable SFDP */
	VF_E_DIES_DIFFER = -27,  /* two dies in parallel answer differently */
	VF_E_RANGE = -28,        /* outside the memory, or not aligned as required */
	VF_E_CONFLICT = -29,     /* SFDP and table disagree about a size that matters */
};

#endif
