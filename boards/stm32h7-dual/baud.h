/* baud.h - the divisor of an STM32 USART. Pure arithmetic. */
#ifndef H747_BAUD_H
#define H747_BAUD_H

#include <stdbool.h>
#include <stdint.h>

typedef struct baud_divisor {
	uint16_t brr; /* for USART_BRR; 0: the rate is out of reach */
	bool by_8;    /* OVER8: eight samples a bit instead of 16 */
} baud_divisor;

/* For `baud` out of a kernel clock of `clock_hz`: the nearest there is. */
baud_divisor baud_of(uint32_t clock_hz, uint32_t baud);

/* The rate that a divisor really makes. */
uint32_t baud_made(uint32_t clock_hz, baud_divisor d);

#endif
