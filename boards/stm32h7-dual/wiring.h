/* wiring.h - in what the boards of this family differ: pins, and the clocks of their ports.
 * Each has a wiring.c, and a board.h with the addresses and numbers.
 */
#ifndef H7_WIRING_H
#define H7_WIRING_H

#include <stdbool.h>
#include <stdint.h>

/* What pulls a pin while nothing drives it. */
enum { WIRING_FREE = 0, WIRING_UP = 1 };

typedef struct wiring_pin {
	uint8_t port, pin, function, pull;
} wiring_pin;

/* All pins that serve a peripheral. The serial lines are pulled up, so that an open receiver
 * hears silence; so is chip-select. The button is PC13 on all of these boards. */
extern const wiring_pin wiring_pins[];
extern const uint8_t wiring_pin_count;

/* Kernel clocks and bus clocks of the USART and the USB core; the PLLs run. */
void wiring_clocks(void);

/* Both as after a reset, their clocks on. */
void wiring_usart_reset(void);
void wiring_usb_reset(void);

#endif
