/* copier.h - copies from mapped flash by MDMA, for vf_nor_hooks; `self` is not used. */
#ifndef H747_COPIER_H
#define H747_COPIER_H

#include <stdbool.h>
#include <stdint.h>

bool copier_copy(void *self, uint8_t *to, const uint8_t *from, uint32_t len);
bool copier_copied(void *self, int *status);

#endif
