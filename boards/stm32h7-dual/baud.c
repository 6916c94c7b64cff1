/* The divisor of an STM32 USART (RM0399, "USART baud rate generation"): the clock is
 * divided by BRR, at least 16. With OVER8 it is divided by half of USARTDIV, whose lowest
 * four bits BRR holds shifted right by one; that reaches down to 8.
 */
#include "baud.h"

enum { LEAST_BY_16 = 16, LEAST_BY_8 = 8, MOST = 0xFFFF };

baud_divisor baud_of(uint32_t clock_hz, uint32_t baud)
{
	if (baud == 0)
		return (baud_divisor){0};
	uint32_t n = clock_hz / baud + (clock_hz % baud >= (baud + 1) / 2);
	if (n < LEAST_BY_8 || n > MOST)
		return (baud_divisor){0};
	if (n >= LEAST_BY_16)
		return (baud_divisor){.brr = (uint16_t)n};
	uint32_t twice = 2 * n;
	return (baud_divisor){.brr = (uint16_t)((twice & ~15u) | (twice & 15) >> 1), .by_8 = true};
}

uint32_t baud_made(uint32_t clock_hz, baud_divisor d)
{
	if (d.brr == 0)
		return 0;
	if (!d.by_8)
		return clock_hz / d.brr;
	return clock_hz / (((d.brr & ~15u) | (d.brr & 7u) << 1) / 2);
}
