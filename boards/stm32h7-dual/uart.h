/* uart.h - the USART behind the ST-LINK's virtual COM port. */
#ifndef H747_UART_H
#define H747_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lines.h"

enum { LINE_UART, LINE_USB };

enum { UART_HOME_RATE = 115200, UART_RATE_MAX = 12000000 };

/* All rates that the clock divides into well, ascending. */
extern const uint32_t uart_rates[];
extern const uint8_t uart_rate_count;

void uart_init(void);
/* From now on what arrives goes to line LINE_UART. */
void uart_listen(vf_lines *lines);

/* Interrupt: hands on what the DMA brought since the last time. */
void uart_take(void);

/* Interrupt: what was sent has gone into the USART's FIFO. Its only use is to end a sleep. */
void uart_sent(void);

/* For vf_port; `self` is not used. */
void uart_send(void *self, const uint8_t *data, size_t len);
bool uart_sending(void *self);
bool uart_drained(void *self);
void uart_set_rate(void *self, uint32_t baud);

/* A line of text, waiting until it has left. */
void uart_print(const char *line);

/* A line of text at the clock that there is after a reset, and a second later a restart. */
_Noreturn void uart_despair(const char *line);

/* Waits for the last bit, then leaves USART and DMA as after a reset. */
void uart_stop(void);

#endif
