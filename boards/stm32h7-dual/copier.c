/* Mapped flash is read by MDMA while the processor hashes what came before: a digest then
 * takes the longer of the two and not their sum. Bursts of 128 bytes keep both chips
 * streaming; they go past the data cache, so it is told to forget the destination, before
 * (a dirty line must not be written over it) and after (it may have read ahead).
 *
 * Fields as in stm32h7xx_hal_mdma.c, for a request by software that moves one block.
 */
#include "copier.h"

#include <vcpflash/status.h>

#include "memory.h"
#include "stm32h747.h"

enum { GRAIN = 32, LEAST = 256, MOST = 65536, BURST = 128 };

static uint8_t *target;
static uint32_t target_len;

bool copier_copy(void *self, uint8_t *to, const uint8_t *from, uint32_t len)
{
	(void)self;
	if (len < LEAST || len > MOST || len % GRAIN != 0 || (uintptr_t)from % GRAIN != 0)
		return false;
	target = to;
	target_len = len;
	memory_forget(to, len);
	MDMA_CCR = 0;
	MDMA_CIFCR = MDMA_ALL;
	MDMA_CTCR = MDMA_CTCR_INCREMENT | MDMA_CTCR_8_BYTES | MDMA_CTCR_16_BEATS |
		    (BURST - 1) << MDMA_CTCR_TLEN_POS | MDMA_CTCR_BY_BLOCK | MDMA_CTCR_SWRM;
	MDMA_CBNDTR = len;
	MDMA_CBRUR = 0;
	MDMA_CLAR = 0;
	MDMA_CTBR = 0;
	MDMA_CMAR = 0;
	MDMA_CSAR = (uint32_t)(uintptr_t)from;
	MDMA_CDAR = (uint32_t)(uintptr_t)to;
	MDMA_CCR = MDMA_CCR_EN;
	MDMA_CCR |= MDMA_CCR_SWRQ;
	return true;
}

bool copier_copied(void *self, int *status)
{
	uint32_t flags = MDMA_CISR;

	(void)self;
	if ((flags & (MDMA_TEIF | MDMA_CTCIF)) == 0)
		return false;
	MDMA_CCR = 0;
	memory_forget(target, target_len);
	*status = (flags & MDMA_TEIF) != 0 ? VF_E_BUS : VF_OK;
	return true;
}
