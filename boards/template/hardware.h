/* hardware.h - what the rest of the template wants of a microcontroller. To port it,
 * write these functions anew (hardware.c) and set the figures; port.c and main.c stay.
 */
#ifndef HARDWARE_H
#define HARDWARE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	HARDWARE_HZ = 16000000, /* clock of the processor (SysTick), a multiple of 1 MHz */
	HARDWARE_SPI_HZ = 8000000,
	HARDWARE_UART_IRQ = 28, /* the UART's number, without the 16 of the core */
	HARDWARE_ID = 12,       /* bytes of the unique id */
};

/* Clocks, pins, the UART at 115200 baud, 8N1, with its receive interrupt, SPI in
 * mode 0, chip-select high. The interrupt controller is the caller's. */
void hardware_init(void);

void hardware_id(uint8_t id[HARDWARE_ID]);

/* In the UART's interrupt: up to `most` bytes that have arrived, clears what made the
 * interrupt (overruns too), returns how many. */
unsigned hardware_receive(uint8_t *to, unsigned most);

bool hardware_can_send(void); /* room for one more byte */
void hardware_send(uint8_t byte);
bool hardware_sent(void); /* the last bit of all has left */
void hardware_baud(uint32_t baud);

/* Chip-select, low where `on`. It stays high for 100 ns at least. */
void hardware_select(bool on);
/* Sends a byte and returns the one that came in meanwhile. */
uint8_t hardware_exchange(uint8_t out);

#endif
