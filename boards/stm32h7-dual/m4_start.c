/* The Cortex-M4 is let go, by the reset that holds it or by its stub.
 *
 * Option bits, boot address and release are those of HAL_SYSCFG_CM4BootAddConfig
 * (stm32h7xx_hal.c) and HAL_RCCEx_EnableBootCore (stm32h7xx_hal_rcc_ex.c).
 */
#include "m4_start.h"

#include "cortexm.h"
#include "internal.h"
#include "layout.h"
#include "mailbox.h"
#include "stm32h747.h"

/* m4_trampoline.S; the last word is the application's address. */
extern const uint32_t m4_trampoline[], m4_trampoline_end[];

enum { ANSWER_US = 20000 };

bool m4_begins_by_itself(void)
{
	return (FLASH_OPTSR_CUR & FLASH_OPTSR_BCM4) != 0;
}

uint32_t m4_begins_at(void)
{
	return FLASH_BOOT4_CUR << 16;
}

bool m4_stub_present(void)
{
	uint32_t sign;

	internal_read(H747_STUB_ADDRESS - H747_FLASH_ADDRESS + STUB_SIGN_OFFSET, (uint8_t *)&sign,
		      sizeof sign);
	return sign == STUB_SIGN;
}

/* The address the core begins at has a granularity of 64 KB, and SRAM3 begins at one. */
static void release(uint32_t application)
{
	volatile uint32_t *to = vf_reg(H747_TRAMPOLINE_ADDRESS);
	const uint32_t *from = m4_trampoline;

	while (from != m4_trampoline_end)
		*to++ = *from++;
	to[-1] = application;
	vf_barrier();
	SYSCFG_UR3 = (SYSCFG_UR3 & 0xFFFF) |
		     ((H747_TRAMPOLINE_ADDRESS - H747_M4_ALIAS_OFFSET) & 0xFFFF0000);
	vf_barrier();
	RCC_GCR |= RCC_GCR_BOOT_C2;
}

/* Taking a semaphore and giving it back is what wakes the stub; more than once, since it
 * may have been on its way to sleep. */
static bool post(uint32_t application)
{
	mailbox *m = (mailbox *)H747_MAILBOX_ADDRESS;

	m->taken = 0;
	m->application = application;
	m->check = ~application;
	m->sign = MAILBOX_SIGN;
	vf_barrier();
	for (uint32_t since = vf_clock_us(); vf_clock_us() - since < ANSWER_US;) {
		(void)HSEM_RLR(MAILBOX_SEMAPHORE);
		HSEM_R(MAILBOX_SEMAPHORE) = HSEM_COREID_CM7;
		for (uint32_t rung = vf_clock_us(); vf_clock_us() - rung < 1000;) {
			if (m->taken == MAILBOX_TAKEN)
				return true;
		}
	}
	m->sign = 0;
	return false;
}

bool m4_start(m4_way way, uint32_t application)
{
	if (way == M4_STUB)
		return post(application);
	if (way == M4_RELEASE)
		release(application);
	return true;
}
