/* The way from the loader into an application. */
#include <vcpflash/target.h>

#include "cortexm.h"

enum {
#ifdef __ARM_ARCH_6M__
	IRQ_WORDS = 1,
#else
	IRQ_WORDS = 8,
#endif
};

bool vf_image_startable(uint32_t address, uint32_t len)
{
	const volatile uint8_t *at = (const volatile uint8_t *)(uintptr_t)address;
	uint8_t table[8];

	for (unsigned i = 0; i < sizeof table; i++)
		table[i] = at[i];
	return vf_target_vectors_plausible(table, address, len);
}

/* The stack changes under our feet, hence in one piece of assembly. */
static _Noreturn void jump(uint32_t stack, uint32_t entry)
{
	__asm__ volatile("msr msp, %0\n\t"
			 "dsb\n\t"
			 "isb\n\t"
			 "cpsie i\n\t"
			 "bx %1" ::"r"(stack),
			 "r"(entry)
			 : "memory");
	__builtin_unreachable();
}

/* Interrupts are enabled again at the end, as after a reset: all of them are off and
 * none is pending. */
_Noreturn void vf_image_start(uint32_t address)
{
	const volatile uint32_t *table = vf_reg(address);

	vf_irq_off();
	*vf_reg(0xE000E010) = 0;        /* SysTick */
	*vf_reg(0xE000ED04) = 1u << 25; /* and what is pending of it, */
	for (uint32_t i = 0; i < IRQ_WORDS; i++) {
		*vf_reg(0xE000E180 + 4 * i) = 0xFFFFFFFF; /* enabled */
		*vf_reg(0xE000E280 + 4 * i) = 0xFFFFFFFF; /* and pending interrupts */
	}
	*vf_reg(0xE000ED08) = address; /* VTOR */
	vf_barrier();
	jump(table[0], table[1]);
}
