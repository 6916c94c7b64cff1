/* board.h - the STM32H745I-DISCO: which USART and which USB core its sockets lead to. Figures
 * of ST's CMSIS device header and stm32h745i_discovery.h.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>

#define BOARD_NAME  "STM32H745I-DISCO"
#define BOARD_USART 0x40004800 /* USART3, to the ST-LINK */
#define BOARD_USART_ENABLE()                                                                       \
	(RCC_APB1LENR |= RCC_APB1L_USART3, (void)RCC_APB1LENR) /* its clock, for this core */
#define BOARD_USB 0x40080000 /* OTG_FS, to the socket "USB OTG FS" */

enum {
	BOARD_USART_IRQ = 39,
	BOARD_USART_RX_REQUEST = 45, /* of DMAMUX1 */
	BOARD_USART_TX_REQUEST = 46,
	BOARD_USB_IRQ = 101,
	BOARD_USB_ULPI = false,
};

#endif
