/* From reset to board_main: initialised data, zeroed data. Nothing here may be turned
 * into a call of what .data or .bss have to hold first, and there is nothing such.
 */
#include "cortexm.h"

extern uint32_t vf_data_load[], vf_data_start[], vf_data_end[], vf_bss_start[], vf_bss_end[];

void vf_reset(void)
{
	const uint32_t *from = vf_data_load;
	for (uint32_t *to = vf_data_start; to != vf_data_end; to++)
		*to = *from++;
	for (uint32_t *to = vf_bss_start; to != vf_bss_end; to++)
		*to = 0;
	board_main();
	vf_fault();
}

void vf_fault(void)
{
	for (;;)
		__asm__ volatile("");
}
