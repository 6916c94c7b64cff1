/* What a board says that has nothing to serve: one line a person can act on. */
#include "loader.h"

const char *vf_loader_complaint(int status)
{
	switch (status) {
	case VF_E_NO_CHIP:
		return "\r\nvcpflash: no flash chip answers (its id reads all 0 or all 1): check "
		       "power, "
		       "chip-select, clock and data pins\r\n";
	case VF_E_UNKNOWN_CHIP:
		return "\r\nvcpflash: the flash chip describes itself by no SFDP and is in no "
		       "table: "
		       "add a row to nor/parts.c\r\n";
	case VF_E_CONFLICT:
		return "\r\nvcpflash: what the flash chip says of itself and the table differ: see "
		       "vf_nor_chip.conflict in a debugger, or set trust_table\r\n";
	case VF_E_DIES_DIFFER:
		return "\r\nvcpflash: the two flash chips answer differently: check the second "
		       "one's "
		       "pins, and that both are the same part\r\n";
	case VF_E_BUS:
		return "\r\nvcpflash: the flash chip does not answer twice the same: check the bus "
		       "clock, sampling, and the time chip-select stays high\r\n";
	case VF_E_TIMEOUT:
		return "\r\nvcpflash: the flash chip stays busy: check its data pins, or power it "
		       "off "
		       "and on\r\n";
	default:
		return "\r\nvcpflash: the loader's configuration contradicts itself\r\n";
	}
}
