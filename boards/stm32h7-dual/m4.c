/* Which way the Cortex-M4 goes, and one line where it goes none. */
#include "m4.h"

#include <stddef.h>

#include "layout.h"

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
#define NOT      "\r\nvcpflash: the Cortex-M4 is not started: "

m4_plan m4_plan_of(const m4_facts *f)
{
	static const char stack[] = NOT "the image at " TEXT(
		H747_CM4_ADDRESS) " has its stack in no RAM of that core (is it a "
				  "Cortex-M7 image?)\r\n";
	static const char reset[] = NOT "the reset vector of the image at " TEXT(
		H747_CM4_ADDRESS) " points into no flash (was "
				  "it linked for another address?)\r\n";
	static const char elsewhere[] =
		NOT "it begins by itself (BCM4 = 1), but not at the loader's stub: set option byte "
		    "BCM4 to "
		    "0, or CM4_BOOT_ADD0 to " TEXT(H747_STUB_ADDRESS) "\r\n";
	static const char missing[] =
		NOT "it begins by itself (BCM4 = 1) and the loader's stub is not at " TEXT(
			H747_STUB_ADDRESS) ": set option byte BCM4 to 0, or put h747-disco.hex on "
					   "the board "
					   "again\r\n";

	if (f->image == VECTORS_BLANK)
		return (m4_plan){M4_STAYS, NULL};
	if (f->image != VECTORS_GOOD)
		return (m4_plan){M4_STAYS, f->image == VECTORS_STACK ? stack : reset};
	if (!f->begins_by_itself)
		return (m4_plan){M4_RELEASE, NULL};
	if (f->begins_at == f->image_at)
		return (m4_plan){M4_RUNS, NULL};
	if (f->begins_at != H747_STUB_ADDRESS)
		return (m4_plan){M4_STAYS, elsewhere};
	if (!f->stub)
		return (m4_plan){M4_STAYS, missing};
	return (m4_plan){M4_STUB, NULL};
}

const char *m4_silent_line(void)
{
	return NOT
		"the stub at " TEXT(H747_STUB_ADDRESS) " does not answer: power the board off and "
						       "on, or set option byte BCM4 to 0\r\n";
}
