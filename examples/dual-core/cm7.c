/* The Cortex-M7's application: it sets the port up, prints a line, and goes back to the
 * loader when a host calls for it, so that `vcpflash program` works on a running board.
 */
#include "cortexm.h"
#include "enter_loader.h"
#include "stm32h747.h"
#include "vcp.h"

#define SELF HSEM_COREID_CM7

static void never(void)
{
}

#define vf_systick_irq never
__attribute__((section(".vectors"), used)) static const vf_vector vectors[16] = {VF_VECTORS_CORE};
#undef vf_systick_irq

void board_main(void)
{
	uint8_t byte, seen = 0;

	SCB_CCR |= SCB_CCR_IC; /* the loader left it off and empty */
	vf_barrier();
	vcp_init(SELF);
	vcp_print(SELF, vcp_table_good() ? "Cortex-M7: running from external flash\r\n"
					 : "Cortex-M7: the external flash reads wrongly\r\n");
	for (;;) {
		if (vcp_take(&byte) && h747_hello(&seen, byte))
			h747_enter_loader();
	}
}
