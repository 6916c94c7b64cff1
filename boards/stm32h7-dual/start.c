/* From reset to the loader in RAM.
 *
 * All of the loader runs from ITCM, interrupts, engine and flash drivers alike, and what has no
 * hurry and no room there, the guests, from AXI SRAM: while a
 * bank of internal flash erases, every fetch from it stalls, for seconds, and the loader
 * erases its own bank. So the only thing that runs in flash is the copying here.
 */
#include "cortexm.h"
#include "stm32h747.h"
#include "uart.h"
#include "usb.h"

void h747_reset(void); /* the entry point, for the linker */

extern uint32_t itcm_load[], itcm_start[], itcm_end[];
extern uint32_t guests_load[], guests_start[], guests_end[];

__attribute__((section(".boot"))) static void stay(void)
{
	for (;;)
		__asm__ volatile("");
}

/* Volatile, lest the compiler make it a call of memcpy: that is not there yet. */
__attribute__((section(".boot"), noinline)) static void
copy(const volatile uint32_t *from, volatile uint32_t *to, const volatile uint32_t *end)
{
	while (to != end)
		*to++ = *from++;
}

__attribute__((section(".boot"), noinline)) void h747_reset(void)
{
	copy(itcm_load, itcm_start, itcm_end);
	copy(guests_load, guests_start, guests_end);
	vf_barrier();
	SCB_VTOR = (uint32_t)(uintptr_t)itcm_start;
	vf_barrier();
	vf_reset();
}

__attribute__((section(".boot_vectors"), used)) static const vf_vector boot_vectors[16] = {
	(vf_vector)(uintptr_t)vf_stack_top, h747_reset, stay, stay, stay, stay, stay};

/* SysTick takes the bytes too: however slow the line, none waits longer than 1 ms. */
static void each_millisecond(void)
{
	vf_systick_irq();
	uart_take();
}

#define vf_systick_irq each_millisecond
__attribute__((section(".vectors"), used)) static const vf_vector vectors[16 + IRQ_COUNT] = {
	VF_VECTORS_CORE,
	[16 + IRQ_DMA1_STREAM0] = uart_take,
	[16 + IRQ_DMA1_STREAM1] = uart_sent,
	[16 + BOARD_USART_IRQ] = uart_take,
	[16 + BOARD_USB_IRQ] = usb_irq,
};
#undef vf_systick_irq
