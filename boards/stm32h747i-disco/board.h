/* board.h - the STM32H747I-DISCO: which USART and which USB core its sockets lead to. Figures
 * of ST's CMSIS device header and stm32h747i_discovery.h.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>

#define BOARD_NAME  "STM32H747I-DISCO"
#define BOARD_USART 0x40011000 /* USART1, to the ST-LINK */
#define BOARD_USART_ENABLE()                                                                       \
	(RCC_APB2ENR |= RCC_APB2_USART1, (void)RCC_APB2ENR) /* its clock, for this core */
#define BOARD_USB 0x40040000 /* OTG_HS, by a ULPI PHY to the socket "USB OTG HS" */

enum {
	BOARD_USART_IRQ = 37,
	BOARD_USART_RX_REQUEST = 41, /* of DMAMUX1 */
	BOARD_USART_TX_REQUEST = 42,
	BOARD_USB_IRQ = 77,
	BOARD_USB_ULPI = true,
};

#endif
