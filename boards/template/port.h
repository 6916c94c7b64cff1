/* port.h - the loader of the template, for main.c and for whoever replaces that. */
#ifndef PORT_H
#define PORT_H

#include <stdint.h>

/* Finds the chip. VF_OK, or what is wrong (nor.h): then port_complain. The UART's
 * interrupt may come from here on. */
int port_init(uint32_t (*micros)(void *));
void port_interrupt(void); /* the UART's */
void port_poll(void);      /* for ever, in the main loop */
/* For ever, in place of port_poll: says what is wrong, once a second. */
void port_complain(int status);

#endif
