/* clocks.h - supply, clocks and pins of the board. */
#ifndef H747_CLOCKS_H
#define H747_CLOCKS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CLOCKS_CPU_HZ = 400000000,
	CLOCKS_QUADSPI_HZ = 200000000, /* before the controller's own prescaler */
	CLOCKS_USART_HZ = 96000000,
	CLOCKS_RESET_HZ = 64000000, /* HSI: what everything runs at after a reset */
};

enum clocks_state {
	CLOCKS_GOOD,
	CLOCKS_INTERNAL, /* the same frequencies, but from HSI: the crystal does not start */
	/* The rest: everything runs at the clock that it has after a reset. */
	CLOCKS_NO_SUPPLY,
	CLOCKS_NO_PLL,
};

enum clocks_state clocks_init(void);
const char *clocks_line(enum clocks_state state); /* for a person; NULL: all is well */
/* Waits for bits of a register, a tenth of a second about; false: in vain. */
bool clocks_await(volatile uint32_t *reg, uint32_t bits, uint32_t value);
void pins_init(void);
bool button_held(void);

#endif
