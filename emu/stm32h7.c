/* stm32h7.c - the peripherals put together, in the order in which a reset reaches
 * them: option bytes before what is copied from them, RCC last, since it starts
 * the cores.
 */
#include "stm32h7.h"

#include <string.h>

void vf_h7_irq(const vf_stm32h7 *soc, unsigned number, bool level)
{
	const vf_emu_bus *bus = soc->config.bus;

	for (unsigned core = 0; core < VF_EMU_CORES; core++)
		bus->irq(bus->context, core, number, level);
}

unsigned vf_h7_usb_number(enum vf_h7_board board)
{
	return board == VF_H7_H745I_DISCO ? 2 : 1;
}

vf_h7_otg *vf_stm32h7_usb(vf_stm32h7 *soc)
{
	return &soc->otg[vf_h7_usb_number(soc->config.board) - 1];
}

const vf_emu_devices *vf_stm32h7_init(vf_stm32h7 *soc, const vf_stm32h7_config *config)
{
	static unsigned (*const init[])(vf_stm32h7 *, vf_emu_device *) = {
		vf_h7_flash_init, vf_h7_pwr_init, vf_h7_syscfg_init, vf_h7_hsem_init,
		vf_h7_gpio_init,  vf_h7_rtc_init, vf_h7_rng_init,    vf_h7_plain_init,
		vf_h7_uart_init,  vf_h7_otg_init, vf_h7_dma_init,    vf_h7_quadspi_init,
		vf_h7_mdma_init,  vf_h7_rcc_init};
	unsigned count = 0;

	memset(soc, 0, sizeof *soc);
	soc->config = *config;
	for (unsigned i = 0; i < sizeof init / sizeof *init; i++)
		count += init[i](soc, soc->device + count);
	soc->devices = (vf_emu_devices){soc->device, count};
	return &soc->devices;
}
