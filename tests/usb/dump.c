/* Prints what a host reads of the device at both speeds, for descriptors.py to take apart:
 * a line each, "SPEED TYPE INDEX" and the bytes in hexadecimal.
 */
#include <stdio.h>
#include <string.h>

#include "transfer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void dump(bool high, uint8_t type, uint8_t index, uint16_t language)
{
	vf_usb u;
	transfer t;

	transfer_device(&u, high);
	transfer_run(&t, &u, 0x80, 6, (uint16_t)(type << 8 | index), language, 255, NULL);
	if (t.stalled)
		return;
	printf("%s %u %u ", high ? "high" : "full", type, index);
	for (size_t i = 0; i < t.len; i++)
		printf("%02x", t.data[i]);
	printf("\n");
}

int main(void)
{
	uint8_t notice[VF_USB_NOTICE];

	for (int high = 0; high < 2; high++) {
		for (uint8_t type = 1; type < 16; type++) {
			for (uint8_t index = 0; index < 8; index++)
				dump(high, type, index, type == 3 && index != 0 ? 0x0409 : 0);
		}
	}
	vf_usb_notice(notice);
	printf("notice 0 0 ");
	for (size_t i = 0; i < sizeof notice; i++)
		printf("%02x", notice[i]);
	printf("\n");
	return 0;
}
