/* Microseconds out of SysTick: it counts down through a millisecond, the interrupt
 * counts the milliseconds.
 */
#include "cortexm.h"

#define SYST_CSR (*vf_reg(0xE000E010))
#define SYST_RVR (*vf_reg(0xE000E014))
#define SYST_CVR (*vf_reg(0xE000E018))
#define ICSR     (*vf_reg(0xE000ED04))

enum { CSR_ENABLE = 1 << 0, CSR_INTERRUPT = 1 << 1, CSR_CPU_CLOCK = 1 << 2 };
enum { ICSR_SYSTICK_PENDING = 1 << 26 };

static volatile uint32_t passed_us; /* whole milliseconds */
static uint32_t cycles_a_us;

void vf_clock_init(uint32_t cpu_hz)
{
	cycles_a_us = cpu_hz / 1000000;
	SYST_RVR = cycles_a_us * 1000 - 1;
	SYST_CVR = 0;
	SYST_CSR = CSR_CPU_CLOCK | CSR_INTERRUPT | CSR_ENABLE;
}

void vf_systick_irq(void)
{
	passed_us += 1000;
}

/* Read with interrupts off, so the counter may have wrapped without its interrupt;
 * then the counter is read again, for it is not known on which side the first was.
 * The interrupt becomes pending with 0, one cycle before the counter is loaded anew:
 * 0 is the beginning of a millisecond. */
uint32_t vf_clock_us(void)
{
	uint32_t mask;
	__asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(mask)::"memory");
	uint32_t left = SYST_CVR, us = passed_us;
	if ((ICSR & ICSR_SYSTICK_PENDING) != 0) {
		left = SYST_CVR;
		us += 1000;
	}
	__asm__ volatile("msr primask, %0" ::"r"(mask) : "memory");
	return left == 0 ? us : us + (cycles_a_us * 1000 - left) / cycles_a_us;
}
