/* The USART behind the ST-LINK, shared by two cores. Clocks and pins are as the loader left them:
 * it runs from 96 MHz (docs/H747.md). Each core has clock enables of its own, though.
 */
#include "vcp.h"

#include "baud.h"
#include "stm32h747.h"

enum { KERNEL_HZ = 96000000, BAUD = 115200, SEMAPHORE = 1 };

extern const uint32_t table[], table_end[];

/* Reading RLR takes the semaphore if it is free, and shows who has it. */
static void lock(uint32_t self)
{
	RCC_AHB4ENR |= RCC_AHB4_HSEM;
	(void)RCC_AHB4ENR;
	while (HSEM_RLR(SEMAPHORE) != (HSEM_LOCK | self))
		;
}

static void unlock(uint32_t self)
{
	HSEM_R(SEMAPHORE) = self;
}

static void power(void)
{
	BOARD_USART_ENABLE();
}

void vcp_init(uint32_t self)
{
	lock(self);
	power();
	USART_CR1 = 0;
	USART_BRR = baud_of(KERNEL_HZ, BAUD).brr;
	USART_CR1 = USART_CR1_FIFOEN;
	USART_CR1 |= USART_CR1_UE;
	USART_CR1 |= USART_CR1_TE | USART_CR1_RE;
	unlock(self);
}

/* The semaphore, and a transmitter that runs. It is waited for without the semaphore:
 * the other core needs that to set it up. */
static void own(uint32_t self)
{
	power();
	for (;;) {
		while ((USART_CR1 & USART_CR1_TE) == 0)
			;
		lock(self);
		if ((USART_CR1 & USART_CR1_TE) != 0)
			return;
		unlock(self);
	}
}

void vcp_print(uint32_t self, const char *line)
{
	own(self);
	for (; *line != '\0'; line++) {
		while ((USART_ISR & USART_ISR_TXFNF) == 0)
			;
		USART_TDR = (uint8_t)*line;
	}
	while ((USART_ISR & USART_ISR_TC) == 0)
		;
	unlock(self);
}

bool vcp_take(uint8_t *byte)
{
	if ((USART_ISR & USART_ISR_RXFNE) == 0)
		return false;
	*byte = (uint8_t)USART_RDR;
	return true;
}

bool vcp_table_good(void)
{
	uint32_t x = 0x747;

	for (const uint32_t *at = table; at != table_end; at++) {
		x = x * 1664525 + 1013904223;
		if (*at != x)
			return false;
	}
	return true;
}
