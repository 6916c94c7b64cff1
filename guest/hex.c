/* hex.c - is a record of Intel HEX sound? */
#include "hex.h"

int vf_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool vf_hex_sound(const uint8_t *record)
{
	uint8_t sum = 0;
	for (unsigned i = 0; i < 5u + record[0]; i++)
		sum = (uint8_t)(sum + record[i]);
	if (sum != 0)
		return false;
	switch (record[3]) {
	case VF_HEX_DATA:
		return true;
	case VF_HEX_END:
		return record[0] == 0;
	case VF_HEX_SEGMENT:
	case VF_HEX_LINEAR:
		return record[0] == 2;
	case VF_HEX_SEGMENT_START:
	case VF_HEX_LINEAR_START:
		return record[0] == 4;
	default:
		return false;
	}
}
