/* What the project calls of port.c. */
#ifndef PORT_H
#define PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool port_init(const uint8_t id[12]);
void port_received(const uint8_t *data, size_t len); /* in the receive interrupt */
bool port_can_receive(void);
void port_poll(void);

#endif
