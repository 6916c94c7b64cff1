/* A Cortex-M4 image for the demonstration: its stack is in D2 SRAM. See cm7.S. */
	.syntax unified
	.cpu cortex-m4
	.thumb
	.section .vectors, "a"
	.word 0x10048000
	.word reset + 1
	.rept 164
	.word idle + 1
	.endr
	.section .text
	.global reset
	.thumb_func
reset:
	movs r0, #0
	.thumb_func
idle:
	wfe
	b idle
	.balign 4
	.set x, 0x474
	.rept 24576
	.set x, (x * 1664525 + 1013904223) & 0xFFFFFFFF
	.word x
	.endr
