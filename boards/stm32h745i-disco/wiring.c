/* The STM32H745I-DISCO's pins: those of stm32h745i_discovery_qspi.c, stm32h745i_discovery.h
 * and of the USB examples in STM32CubeH7 (usbd_conf.c).
 *
 * The USB core needs 48 MHz within 0.25 % and no PLL has them to spare; the oscillator for
 * it does, trimmed by what the host sends each millisecond (RM0399, "Clock recovery
 * system"), whose target after a reset is already 48 MHz.
 */
#include "wiring.h"

#include "clocks.h"
#include "stm32h747.h"

const wiring_pin wiring_pins[] = {
	{GPIO_B, 10, 7, WIRING_UP},                                  /* USART3 */
	{GPIO_B, 11, 7, WIRING_UP},    {GPIO_F, 10, 9, WIRING_FREE}, /* QUADSPI: clock, chip-select
								      */
	{GPIO_G, 6, 10, WIRING_UP},    {GPIO_D, 11, 9, WIRING_FREE}, /* die 1, IO0 to 3 */
	{GPIO_F, 9, 10, WIRING_FREE},  {GPIO_F, 7, 9, WIRING_FREE},  {GPIO_F, 6, 9, WIRING_FREE},
	{GPIO_H, 2, 9, WIRING_FREE}, /* die 2 */
	{GPIO_H, 3, 9, WIRING_FREE},   {GPIO_G, 9, 9, WIRING_FREE},  {GPIO_G, 14, 9, WIRING_FREE},
	{GPIO_A, 11, 10, WIRING_FREE}, /* USB: DM, DP */
	{GPIO_A, 12, 10, WIRING_FREE},
};
const uint8_t wiring_pin_count = sizeof wiring_pins / sizeof *wiring_pins;

/* The core has a port for a ULPI PHY whose clock must be off in sleep, or none of it runs
 * there (stm32h7xx_hal_pcd.c of the examples does the same). */
static void usb_clock(void)
{
	PWR_CR3 |= PWR_CR3_USB33DEN;
	RCC_CR |= RCC_CR_HSI48ON;
	(void)clocks_await(&RCC_CR, RCC_CR_HSI48RDY, RCC_CR_HSI48RDY); /* or there is no USB */
	RCC_APB1HENR |= RCC_APB1H_CRS;
	(void)RCC_APB1HENR;
	CRS_CFGR = (CRS_CFGR & ~CRS_CFGR_SYNCSRC) | CRS_CFGR_SYNCSRC_USB2;
	CRS_CR |= CRS_CR_AUTOTRIMEN | CRS_CR_CEN;
	RCC_D2CCIP2R |= RCC_D2CCIP2R_USB_HSI48;
	RCC_AHB1ENR |= RCC_AHB1_USB2;
	RCC_AHB1LPENR &= ~(uint32_t)RCC_AHB1_USB2_ULPI;
}

void wiring_clocks(void)
{
	RCC_D2CCIP2R =
		(RCC_D2CCIP2R & ~(uint32_t)RCC_D2CCIP2R_USART28SEL) | RCC_D2CCIP2R_USART28_PLL2Q;
	BOARD_USART_ENABLE();
	usb_clock();
}

void wiring_usart_reset(void)
{
	RCC_APB1LRSTR |= RCC_APB1L_USART3;
	RCC_APB1LRSTR &= ~(uint32_t)RCC_APB1L_USART3;
}

void wiring_usb_reset(void)
{
	RCC_AHB1RSTR |= RCC_AHB1_USB2;
	RCC_AHB1RSTR &= ~(uint32_t)RCC_AHB1_USB2;
}
