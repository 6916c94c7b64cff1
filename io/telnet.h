/* telnet.h - the RFC 2217 end of a telnet connection, without the connection: bytes of
 * the network go in and come out, data and the port's settings between them.
 *
 * Conventions as in io.h. Figures are RFC 2217's and RFC 855's. No socket, no clock.
 */
#ifndef VF_IO_TELNET_H
#define VF_IO_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct vf_telnet vf_telnet;

enum vf_telnet_answer { VF_TELNET_UNKNOWN, VF_TELNET_AGREED, VF_TELNET_REFUSED };

/* What the server has said so far. */
typedef struct vf_telnet_server {
	bool speaks;                                 /* telnet at all */
	uint8_t binary_here, binary_there, com_port; /* enum vf_telnet_answer */
	bool answered_baud;                          /* since it was asked last, */
	uint32_t baud;                               /* what the port has */
	/* What the port was set to as it answered, 0: not answered. */
	uint8_t data_bits, parity, stop_bits;
	bool suspended;    /* we are to send nothing */
	const char *fault; /* it misbehaves, and was given up; NULL: no */
} vf_telnet_server;

vf_telnet *vf_telnet_new(void); /* NULL: no memory */
void vf_telnet_free(vf_telnet *t);
const vf_telnet_server *vf_telnet_said(const vf_telnet *t);

/* Asks for what is needed: eight bits both ways, and the serial port. */
void vf_telnet_negotiate(vf_telnet *t);
/* 8N1, no flow control, no notifications, DTR and RTS on as an opened port has them,
 * what came before is dropped; and the rate, last: its answer answers all. */
void vf_telnet_set_up(vf_telnet *t, uint32_t baud);
void vf_telnet_set_baud(vf_telnet *t, uint32_t baud);

/* Bytes from the network. */
void vf_telnet_feed(vf_telnet *t, const uint8_t *bytes, size_t len);
/* Data among them; returns how much. */
size_t vf_telnet_take(vf_telnet *t, uint8_t *out, size_t room);
size_t vf_telnet_waiting(const vf_telnet *t); /* so much there is */
/* Data to be sent; returns how much was taken. */
size_t vf_telnet_put(vf_telnet *t, const uint8_t *data, size_t len);
/* Bytes for the network, and so many have gone. */
const uint8_t *vf_telnet_out(const vf_telnet *t, size_t *len);
void vf_telnet_sent(vf_telnet *t, size_t len);

#endif
