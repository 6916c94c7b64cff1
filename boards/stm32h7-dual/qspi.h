/* qspi.h - the QUADSPI with two chips in parallel: the bus door, and the mapped path. */
#ifndef H747_QSPI_H
#define H747_QSPI_H

#include <vcpflash/nor.h>

enum { QSPI_PRESCALER = 2 }; /* kernel clock to bus clock */

void qspi_init(void);

/* For vf_nor_hooks; `self` is not used. */
int qspi_bus(void *self, const vf_bus_op *op);
const uint8_t *qspi_map(void *self, const vf_nor *nor);
void qspi_unmap(void *self);

#endif
