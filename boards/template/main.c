/* The template's vector table and main loop. */
#include "cortexm.h"
#include "hardware.h"
#include "port.h"

#include <vcpflash/status.h>

/* What the part has more of may stay 0: only what is enabled is ever taken. */
__attribute__((section(".vectors"), used)) static const vf_vector vectors[16 + 32] = {
	VF_VECTORS_CORE, [16 + HARDWARE_UART_IRQ] = port_interrupt};

static uint32_t micros(void *self)
{
	(void)self;
	return vf_clock_us();
}

void board_main(void)
{
	vf_clock_init(HARDWARE_HZ);
	hardware_init();
	int status = port_init(micros);

	if (status == VF_OK) {
		vf_irq_enable(HARDWARE_UART_IRQ);
		for (;;)
			port_poll();
	}
	for (;;)
		port_complain(status);
}
