/* cortexm.h - what every Cortex-M has and no vendor header is needed for: the
 * interrupt controller, SysTick, start-up, and the way into an application.
 * Register addresses are those of the ARMv6-M and ARMv7-M architecture manuals.
 */
#ifndef CORTEXM_H
#define CORTEXM_H

#include <stdbool.h>
#include <stdint.h>

static inline volatile uint32_t *vf_reg(uint32_t address)
{
	return (volatile uint32_t *)(uintptr_t)address;
}

static inline void vf_irq_off(void)
{
	__asm__ volatile("cpsid i" ::: "memory");
}

static inline void vf_irq_on(void)
{
	__asm__ volatile("cpsie i" ::: "memory");
}

/* Everything written before has reached its device, and what follows is fetched anew. */
static inline void vf_barrier(void)
{
	__asm__ volatile("dsb\n\tisb" ::: "memory");
}

/* Lets interrupt `irq` (0 is the first after the 16 of the core) through. */
static inline void vf_irq_enable(unsigned irq)
{
	*vf_reg(0xE000E100u + 4u * (irq / 32)) = (uint32_t)1 << irq % 32;
}

typedef void (*vf_vector)(void);

extern uint32_t vf_stack_top[]; /* by the linker script */

/* Sets up .data and .bss, then calls board_main. The reset vector. */
void vf_reset(void);
/* Stays where it is: for exceptions that mean a fault. A debugger finds it here. */
void vf_fault(void);
/* By the board. Does not return. */
void board_main(void);

/* The first 16 entries of a vector table; the board's interrupts go behind:
 *
 *     __attribute__((section(".vectors"), used))
 *     static const vf_vector vectors[16 + 32] = {VF_VECTORS_CORE, [16 + 8] = uart_irq};
 *
 * The stack pointer is an entry like the others here: only its bits count. */
#define VF_VECTORS_CORE                                                                            \
	(vf_vector)(uintptr_t) vf_stack_top, vf_reset, vf_fault, vf_fault, vf_fault, vf_fault,     \
		vf_fault, 0, 0, 0, 0, vf_fault, vf_fault, 0, vf_fault, vf_systick_irq

/* A clock of microseconds out of SysTick, which interrupts each millisecond.
 * `cpu_hz` is the processor's clock, a multiple of 1 MHz and at most 16 GHz/1000. */
void vf_clock_init(uint32_t cpu_hz);
uint32_t vf_clock_us(void); /* wraps; not from interrupts above SysTick's priority */
void vf_systick_irq(void);

/* A vector table that can be started: a stack in RAM, a reset vector within `len`
 * bytes from `address` on, with the Thumb bit. `address` must be readable. */
bool vf_image_startable(uint32_t address, uint32_t len);

/* Leaves for the application whose vector table is at `address`: interrupts off and
 * forgotten, SysTick off, VTOR, stack, jump. Caches are the caller's business. */
_Noreturn void vf_image_start(uint32_t address);

#endif
