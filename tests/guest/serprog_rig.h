/* serprog_rig.h - the serial programmer engine over the chip driver's bench (nor_bench.h):
 * a client's bytes in, its answers out, every transaction carried out on a simulated chip.
 */
#ifndef SERPROG_RIG_H
#define SERPROG_RIG_H

#include <vcpflash/serprog.h>

#include "nor_bench.h"

enum { SP_ACK = 0x06, SP_NAK = 0x15, RIG_ANSWER = 1 << 16, RIG_BUF = 512, RIG_LOG = 64 };

typedef struct serprog_rig {
	nor_bench bench;
	vf_serprog s;
	vf_memory memory;
	uint8_t buf[RIG_BUF];
	size_t piece;        /* most bytes handed in at once; 0 all */
	int allow;           /* answer to each change */
	bool driver_between; /* the driver uses the chip before a change is allowed */
	unsigned fail;       /* transactions from the next on that the controller fails */
	vf_range change[RIG_LOG];
	unsigned changes;
	vf_bus_op bus[RIG_LOG]; /* the last ones; `buses` counts all */
	unsigned buses;
	uint8_t answer[RIG_ANSWER]; /* since the last `say` */
	size_t answered;
} serprog_rig;

/* A blank chip, probed, and a client that chose SPI. */
void rig_open(serprog_rig *r, const char *part);
void rig_close(serprog_rig *r);

/* Sends; everything that follows from it happens. */
void rig_say(serprog_rig *r, const void *bytes, size_t len);
void rig_pump(serprog_rig *r);

/* What it has to send, once the bus has brought it; not reported as sent. */
const uint8_t *rig_take(serprog_rig *r, size_t *len);

/* Sends an SPI operation, and expects ACK or NAK. What was read is behind answer[0]. */
void rig_spi(serprog_rig *r, const void *send, size_t len, uint32_t read, uint8_t expected);
void rig_enable(serprog_rig *r);
void rig_ready(serprog_rig *r); /* lets time pass until the chip is */

#endif
