/* usb.h - the board's own USB socket, as the second line. */
#ifndef H7_USB_H
#define H7_USB_H

#include "lines.h"

/* Leaves the host a board to see; without a PHY that answers there is no USB, and nothing
 * else is the worse for it. */
void usb_init(vf_lines *lines);
void usb_irq(void);
/* A host has been there since usb_init. */
bool usb_met(void);
void usb_stop(void);

/* `poll`, `send`, `sending` of the line; `self` is not used. */
vf_port usb_port(void);

#endif
