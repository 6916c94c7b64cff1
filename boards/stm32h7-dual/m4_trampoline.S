/* What the Cortex-M4 runs first when the M7 releases it: a vector table and the way from
 * there into the application, whose address is the last word. It is data to the M7, which
 * copies it to SRAM3 (m4_start.c); the M4 sees it at AT.
 */
#include "layout.h"

	.set AT, H747_TRAMPOLINE_ADDRESS - H747_M4_ALIAS_OFFSET
	.syntax unified
	.cpu cortex-m4
	.thumb
	.section .rodata.m4_trampoline, "a"
	.balign 4
	.global m4_trampoline, m4_trampoline_end
m4_trampoline:
	.word AT + 0x8000
	.word AT + (entry - m4_trampoline) + 1
entry:
	ldr r0, application
	ldr r1, vtor
	str r0, [r1]
	ldr r2, [r0]
	msr msp, r2
	dsb
	isb
	ldr r3, [r0, #4]
	bx r3
	.balign 4
vtor:
	.word 0xE000ED08
application:
	.word 0
m4_trampoline_end:
