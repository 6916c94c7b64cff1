/* The STM32H747I-DISCO's pins: those of stm32h747i_discovery_qspi.c, stm32h747i_discovery.h
 * and, for the USB3320 PHY, of the USB examples in STM32CubeH7 (usbd_conf.c).
 */
#include "wiring.h"

#include "stm32h747.h"

const wiring_pin wiring_pins[] = {
	{GPIO_A, 9, 7, WIRING_UP},                                   /* USART1 */
	{GPIO_A, 10, 7, WIRING_UP},    {GPIO_B, 2, 9, WIRING_FREE},  /* QUADSPI: clock, chip-select
								      */
	{GPIO_G, 6, 10, WIRING_UP},    {GPIO_D, 11, 9, WIRING_FREE}, /* die 1, IO0 to 3 */
	{GPIO_F, 9, 10, WIRING_FREE},  {GPIO_F, 7, 9, WIRING_FREE},   {GPIO_F, 6, 9, WIRING_FREE},
	{GPIO_H, 2, 9, WIRING_FREE}, /* die 2 */
	{GPIO_H, 3, 9, WIRING_FREE},   {GPIO_G, 9, 9, WIRING_FREE},   {GPIO_G, 14, 9, WIRING_FREE},
	{GPIO_A, 5, 10, WIRING_FREE}, /* ULPI: clock, stop, direction, next */
	{GPIO_C, 0, 10, WIRING_FREE},  {GPIO_I, 11, 10, WIRING_FREE}, {GPIO_H, 4, 10, WIRING_FREE},
	{GPIO_A, 3, 10, WIRING_FREE}, /* D0 to D7 */
	{GPIO_B, 0, 10, WIRING_FREE},  {GPIO_B, 1, 10, WIRING_FREE},  {GPIO_B, 10, 10, WIRING_FREE},
	{GPIO_B, 11, 10, WIRING_FREE}, {GPIO_B, 12, 10, WIRING_FREE}, {GPIO_B, 13, 10, WIRING_FREE},
	{GPIO_B, 5, 10, WIRING_FREE},
};
const uint8_t wiring_pin_count = sizeof wiring_pins / sizeof *wiring_pins;

/* The USB core's clock of 60 MHz comes from the PHY, which has a crystal of its own. */
void wiring_clocks(void)
{
	RCC_D2CCIP2R =
		(RCC_D2CCIP2R & ~(uint32_t)RCC_D2CCIP2R_USART16SEL) | RCC_D2CCIP2R_USART16_PLL2Q;
	BOARD_USART_ENABLE();
	PWR_CR3 |= PWR_CR3_USB33DEN;
	RCC_AHB1ENR |= RCC_AHB1_USB1 | RCC_AHB1_USB1_ULPI;
}

void wiring_usart_reset(void)
{
	RCC_APB2RSTR |= RCC_APB2_USART1;
	RCC_APB2RSTR &= ~(uint32_t)RCC_APB2_USART1;
}

void wiring_usb_reset(void)
{
	RCC_AHB1RSTR |= RCC_AHB1_USB1;
	RCC_AHB1RSTR &= ~(uint32_t)RCC_AHB1_USB1;
}
