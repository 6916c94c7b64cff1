/* fmc.h - the flash controller, chip-select 0. */
#ifndef FMC_H
#define FMC_H

#include <stdbool.h>
#include <stdint.h>

#include <vcpflash/nor.h>

#define FMC_WINDOW 0x80000000u /* where chip-select 0 is mapped, 128 MB of it */

void fmc_init(void);
int fmc_bus(void *self, const vf_bus_op *op);
const uint8_t *fmc_map(void *self, const vf_nor *nor);
void fmc_unmap(void *self);

#endif
