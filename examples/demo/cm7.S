/* A Cortex-M7 image for the demonstration: vectors with the stack in DTCM, a
 * little code, and a table that stands for what fills real firmware. It is
 * data to be programmed; the simulated board does not execute it. */
	.syntax unified
	.cpu cortex-m7
	.thumb
	.section .vectors, "a"
	.word 0x20020000
	.word reset + 1
	.rept 164
	.word idle + 1
	.endr
	.section .text
	.global reset
	.thumb_func
reset:
	ldr r0, =0x20000000
	ldr r2, =0x20020000
	movs r1, #0
1:	str r1, [r0], #4
	cmp r0, r2
	bne 1b
	.thumb_func
idle:
	wfi
	b idle
	.ltorg
	/* 192 KB from a linear congruential generator: incompressible, like code. */
	.balign 4
	.set x, 0x747
	.rept 49152
	.set x, (x * 1664525 + 1013904223) & 0xFFFFFFFF
	.word x
	.endr
	.section .assets, "a"
	.rept 4096
	.ascii "assets of the CM7\n"
	.endr
