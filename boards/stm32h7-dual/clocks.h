/* clocks.h - supply, clocks and pins of the board. */
#ifndef H747_CLOCKS_H
#define H747_CLOCKS_H

#include <stdbool.h>

enum {
	CLOCKS_CPU_HZ = 400000000,
	CLOCKS_QUADSPI_HZ = 200000000, /* before the controller's own prescaler */
	CLOCKS_USART_HZ = 96000000,
};

void clocks_init(void);
void pins_init(void);
bool button_held(void);

#endif
