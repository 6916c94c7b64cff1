/* UART5 of the AST1030 as a 16550 with both FIFOs of 16 bytes. Registers are those of
 * the National Semiconductor PC16550D, four bytes apart.
 */
#include "uart.h"

#include "cortexm.h"

#define RBR (*vf_reg(0x7E784000)) /* read: received, write: to be sent */
#define IER (*vf_reg(0x7E784004))
#define FCR (*vf_reg(0x7E784008))
#define LCR (*vf_reg(0x7E78400C))
#define LSR (*vf_reg(0x7E784014))

enum { IER_RECEIVED = 1 << 0 };
enum { FCR_ENABLE = 1 << 0, FCR_CLEAR = 3 << 1, FCR_AT_8 = 2 << 6 };
enum { LCR_8N1 = 3, LCR_DIVISOR = 1 << 7 };
enum { LSR_READY = 1 << 0, LSR_THR_EMPTY = 1 << 5, LSR_EMPTY = 1 << 6 };
enum { FIFO = 16 };

/* 24 MHz / 13 / 16 is 115385 baud with a divisor of 1. The interrupt comes at 8 bytes,
 * or when fewer have waited for four characters' time. */
void uart_init(uart *u, vf_target *target)
{
	*u = (uart){.target = target};
	LCR = LCR_DIVISOR | LCR_8N1;
	RBR = 1;
	IER = 0;
	LCR = LCR_8N1;
	FCR = FCR_ENABLE | FCR_CLEAR | FCR_AT_8;
	IER = IER_RECEIVED;
}

void uart_receive(uart *u)
{
	uint8_t bytes[FIFO];
	size_t n;

	do {
		for (n = 0; n < sizeof bytes && (LSR & LSR_READY) != 0; n++)
			bytes[n] = (uint8_t)RBR;
		(void)vf_target_rx(u->target, bytes, n);
	} while (n == sizeof bytes);
}

void uart_send(uart *u, const uint8_t *data, size_t len)
{
	u->data = data;
	u->left = len;
	(void)uart_sending(u);
}

/* An empty holding register means that the whole FIFO is free. */
bool uart_sending(uart *u)
{
	if (u->left != 0 && (LSR & LSR_THR_EMPTY) != 0) {
		for (unsigned i = 0; i < FIFO && u->left != 0; i++, u->left--)
			RBR = *u->data++;
	}
	return u->left != 0;
}

bool uart_drained(const uart *u)
{
	return u->left == 0 && (LSR & LSR_EMPTY) != 0;
}
