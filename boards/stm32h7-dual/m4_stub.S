/* The resident stub of the Cortex-M4, for boards whose option bytes let that core begin
 * by itself, as they are delivered. It copies its waiting loop to SRAM3, so that bank 2 of
 * the flash can be erased meanwhile, and sleeps there until the loader on the other core
 * posts an application and releases a semaphore. The semaphore's interrupt is only left
 * pending, which is what wakes the core out of WFE (SEVONPEND); no handler is needed.
 *
 * Registers are those of stm32h747.h; C2IER and C2ICR of HSEM_TypeDef.
 */
#include "layout.h"
#include "mailbox.h"

	.set AT, H747_TRAMPOLINE_ADDRESS - H747_M4_ALIAS_OFFSET
	.set HSEM_C2IER, 0x58026510
	.set HSEM_C2ICR, 0x58026514
	.set RCC_AHB2ENR, 0x580244DC
	.set RCC_AHB4ENR, 0x580244E0
	.set NVIC_ICPR3, 0xE000E28C
	.set SCB_VTOR, 0xE000ED08
	.set SCB_SCR, 0xE000ED10

	.syntax unified
	.cpu cortex-m4
	.thumb
	.section .vectors, "a"
	.word AT + 0x8000
	.word reset + 1
	.word stay + 1
	.word stay + 1
	.word stay + 1
	.word stay + 1
	.word stay + 1
	.word STUB_SIGN
	.word 0, 0, 0
	.word stay + 1
	.word stay + 1
	.word 0
	.word stay + 1
	.word stay + 1

	.section .text
	.global reset
	.thumb_func
reset:
	ldr r0, =RCC_AHB2ENR
	ldr r1, [r0]
	orr r1, r1, #0xE0000000 /* SRAM1 to 3 */
	str r1, [r0]
	ldr r0, =RCC_AHB4ENR
	ldr r1, [r0]
	orr r1, r1, #0x02000000 /* HSEM */
	str r1, [r0]
	ldr r1, [r0]
	ldr r0, =H747_MAILBOX_ADDRESS
	movs r1, #0
	str r1, [r0] /* what was posted before the reset counts no more */
	str r1, [r0, #12]
	ldr r0, =AT
	ldr r1, =resident
	ldr r2, =resident_end
1:	ldr r3, [r1], #4
	str r3, [r0], #4
	cmp r1, r2
	blo 1b
	dsb
	isb
	ldr r0, =AT + 1
	bx r0
	.thumb_func
stay:
	b stay
	.ltorg

	.balign 4
resident:
	ldr r4, scr
	movs r1, #0x10 /* SEVONPEND */
	str r1, [r4]
	ldr r5, c2ier
	movs r6, #1 << MAILBOX_SEMAPHORE
	str r6, [r5]
	ldr r7, mail
2:	ldr r0, [r7]
	ldr r1, sign
	cmp r0, r1
	bne 3f
	ldr r0, [r7, #4]
	ldr r1, [r7, #8]
	mvns r1, r1
	cmp r0, r1
	beq 4f
3:	wfe
	str r6, [r5, #4] /* C2ICR */
	ldr r1, pending
	mov r2, #0x40000000 /* HSEM2, 126 */
	str r2, [r1]
	b 2b
4:	movs r1, #0
	str r1, [r5]
	str r6, [r5, #4]
	str r1, [r4]
	ldr r2, pending
	mov r3, #0x40000000
	str r3, [r2]
	ldr r2, taken
	str r1, [r7]
	str r2, [r7, #12]
	ldr r1, vtor
	str r0, [r1]
	ldr r2, [r0]
	msr msp, r2
	dsb
	isb
	ldr r3, [r0, #4]
	bx r3
	.balign 4
scr:
	.word SCB_SCR
c2ier:
	.word HSEM_C2IER
mail:
	.word H747_MAILBOX_ADDRESS
sign:
	.word MAILBOX_SIGN
taken:
	.word MAILBOX_TAKEN
pending:
	.word NVIC_ICPR3
vtor:
	.word SCB_VTOR
resident_end:
