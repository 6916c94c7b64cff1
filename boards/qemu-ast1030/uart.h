/* uart.h - UART5, a 16550: received bytes go to the engine in the interrupt, sent
 * ones into the FIFO from the main loop.
 */
#ifndef UART_H
#define UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/target.h>

typedef struct uart {
	vf_target *target;
	const uint8_t *data; /* to be sent */
	size_t left;
} uart;

void uart_init(uart *u, vf_target *target);
/* In the interrupt: everything the FIFO holds. */
void uart_receive(uart *u);
void uart_send(uart *u, const uint8_t *data, size_t len);
bool uart_sending(uart *u);
bool uart_drained(const uart *u);

#endif
