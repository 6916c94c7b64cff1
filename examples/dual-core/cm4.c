/* The Cortex-M4's application: it prints a line, on the port that the other core set up. */
#include "cortexm.h"
#include "stm32h747.h"
#include "vcp.h"

#define SELF HSEM_COREID_CM4

static void never(void)
{
}

#define vf_systick_irq never
__attribute__((section(".vectors"), used)) static const vf_vector vectors[16] = {VF_VECTORS_CORE};
#undef vf_systick_irq

void board_main(void)
{
	vcp_print(SELF, vcp_table_good() ? "Cortex-M4: running from external flash\r\n"
					 : "Cortex-M4: the external flash reads wrongly\r\n");
	for (;;)
		__asm__ volatile("wfi");
}
