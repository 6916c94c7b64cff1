/* 128 KB from a linear congruential generator, for what fills real firmware: incompressible,
 * and easy to check. vcp_table_good makes the same numbers.
 */
	.section .rodata.table, "a"
	.balign 4
	.global table, table_end
table:
	.set x, 0x747
	.rept 32768
	.set x, (x * 1664525 + 1013904223) & 0xFFFFFFFF
	.word x
	.endr
table_end:
