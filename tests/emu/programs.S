/* programs.S - small programs for the emulated cores, one each KB: a vector table,
 * then the code. They say what they do by storing words to the console, and end by
 * storing to END. Linked for 0x20000000.
 */
	.syntax unified
	.cpu cortex-m7
	.fpu fpv5-d16
	.thumb

	.equ CONSOLE, 0x40000000	/* +0: log, +4: raise input, +8: lower it */
	.equ TIMER, 0x4000000C		/* input 5 rises that many ns later */
	.equ COPY, 0x40000010		/* +0: source, +4: target, +8: length, goes */
	.equ END, 0x40000020
	.equ WINDOW, 0x60000000
	.equ SHARED, 0x20010000
	.equ STACK, 0x20018000

	/* A table of sixteen system exceptions and six inputs. */
	.macro table number, reset, svc=0, pendsv=0, systick=0, i0=0, i1=0, i2=0, i5=0
	.org \number * 0x400
	.word STACK - \number * 0x100, \reset + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
	.word \svc + 1, 0, 0, \pendsv + 1, \systick + 1
	.word \i0 + 1, \i1 + 1, \i2 + 1, 0, 0, \i5 + 1
	.endm

	.macro log value
	ldr	r0, =CONSOLE
	ldr	r1, =\value
	str	r1, [r0]
	.endm

	.macro store address, value
	ldr	r0, =\address
	ldr	r1, =\value
	str	r1, [r0]
	.endm

	.macro end
	store	END, 1
	b	.
	.ltorg
	.endm

	/* 0: inputs 0, 1 and 2 of medium, high and low priority, nested. */
	table	0, nest, i0=nest_medium, i1=nest_high, i2=nest_low
nest:	store	0xE000E400, 0x00C04080
	store	0xE000E100, 7
	log	1
	store	0xE000E200, 1
	log	2
	end
nest_medium:
	log	10
	store	0xE000E200, 4
	store	0xE000E200, 2
	log	11
	bx	lr
nest_high:
	log	20
	bx	lr
nest_low:
	log	30
	bx	lr
	.ltorg

	/* 1: what PRIMASK and BASEPRI hold back comes the moment they let it. */
	table	1, mask, i0=mask_handler
mask:	store	0xE000E400, 0x80
	store	0xE000E100, 1
	cpsid	i
	store	0xE000E200, 1
	log	1
	cpsie	i
	log	2
	movs	r2, #0x80
	msr	basepri, r2
	store	0xE000E200, 1
	log	3
	movs	r2, #0
	msr	basepri, r2
	log	4
	end
mask_handler:
	log	10
	bx	lr
	.ltorg

	/* 2: three ticks of a millisecond at 64 MHz, asleep between them. */
	table	2, tick, systick=tick_handler
tick:	store	0xE000E014, 63999
	store	0xE000E018, 0
	movs	r4, #0
	store	0xE000E010, 7
2:	wfi
	cmp	r4, #3
	bne	2b
	end
tick_handler:
	adds	r4, #1
	bx	lr
	.ltorg

	/* 3: a thread on its own stack that uses floating point; SVC and PendSV. */
	table	3, thread, svc=thread_svc, pendsv=thread_pendsv
thread:	store	0xE000ED88, 0x00F00000
	ldr	r0, =SHARED + 0x1004
	msr	psp, r0
	movs	r0, #2
	msr	control, r0
	isb
	vmov.f32 s0, #2.0
	vmov.f32 s15, #3.0
	movs	r5, #5
	svc	#1
	vadd.f32 s0, s0, s15
	vcvt.u32.f32 s0, s0
	vmov	r2, s0
	ldr	r0, =CONSOLE
	str	r2, [r0]
	str	r5, [r0]
	mrs	r2, control
	and	r2, r2, #7	/* Unicorn sets a bit that the architecture reserves */
	str	r2, [r0]
	mov	r2, sp
	str	r2, [r0]
	end
thread_svc:
	ldr	r0, =CONSOLE
	str	lr, [r0]
	vmov.f32 s0, #4.0
	vmov.f32 s15, #5.0
	push	{r4, lr}
	store	0xE000ED04, 0x10000000
	log	11
	pop	{r4, pc}
thread_pendsv:
	ldr	r0, =CONSOLE
	str	lr, [r0]
	mrs	r1, ipsr
	str	r1, [r0]
	bx	lr
	.ltorg

	/* 4 and 5: two cores and one word; each waits for the other's event. */
	table	4, ping
ping:	movs	r4, #0
	ldr	r5, =SHARED
	str	r4, [r5]
3:	adds	r4, #1
	str	r4, [r5]
	dmb
	sev
4:	wfe
	ldr	r6, [r5]
	cmp	r6, #0
	bne	4b
	cmp	r4, #5
	bne	3b
	log	99
	end
	table	5, pong
pong:	ldr	r5, =SHARED
	ldr	r7, =CONSOLE
5:	wfe
	ldr	r6, [r5]
	cmp	r6, #0
	beq	5b
	cmp	r6, #5
	bhi	5b
	str	r6, [r7]
	movs	r6, #0
	str	r6, [r5]
	dmb
	sev
	b	5b
	.ltorg

	/* 6: an input that stays high comes again; the timer wakes WFI. */
	table	6, level, i0=level_handler, i5=level_timer
level:	movs	r4, #0
	store	0xE000E100, 0x21
	store	CONSOLE + 4, 0
	log	2
	store	TIMER, 50000
	wfi
	log	3
	end
level_handler:
	adds	r4, #1
	log	10
	cmp	r4, #3
	bne	6f
	store	CONSOLE + 8, 0
6:	bx	lr
level_timer:
	log	50
	store	CONSOLE + 8, 5
	bx	lr
	.ltorg

	/* 7: a copy by DMA over code that ran already. */
	table	7, patch
patch:	bl	patched
	store	COPY, patch_new
	store	COPY + 4, patched
	store	COPY + 8, 8
	bl	patched
	end
	.align	2
patched:
	movs	r1, #1
	nop
	nop
	nop
patch_log:
	ldr	r0, =CONSOLE
	str	r1, [r0]
	bx	lr
	.align	2
patch_new:
	movs	r1, #2
	nop
	nop
	nop
	.ltorg

	/* 8: stores to a window are its owner's; 9: so are its rights. */
	table	8, window
window:	ldr	r2, =WINDOW
	ldr	r0, =CONSOLE
	ldr	r1, =0x11111111
	str	r1, [r2, #8]
	ldr	r3, [r2, #8]
	isb
	ldr	r3, [r2, #8]
	str	r3, [r0]
	strd	r1, r1, [r2, #16]
	isb
	ldr	r3, [r2, #20]
	str	r3, [r0]
	end
	table	9, closed
closed:	ldr	r2, =WINDOW
	ldr	r3, [r2]
	store	CONSOLE + 8, 100
	ldr	r3, [r2]
	end

	/* 10: nothing there. 11: undefined. 12: floating point without CPACR. */
	table	10, nothing
nothing:
	ldr	r7, =0x70000000
	ldr	r6, [r7, #4]
	end
	table	11, undefined
undefined:
	udf	#1
	end
	table	12, nofpu
nofpu:	nop
	vmov.f32 s0, #1.0
	end

	/* 13: the MPU forbids the window; 14: a device stops the run. */
	table	13, guarded
guarded:
	store	0xE000ED98, 3
	store	0xE000ED9C, WINDOW
	store	0xE000EDA0, 0x1000001F
	store	0xE000ED94, 5
	dsb
	ldr	r2, =WINDOW
	ldr	r3, [r2]
	end
	table	14, refused
refused:
	store	CONSOLE + 8, 101
	end

	/* 15: reset by software, once. */
	table	15, again
again:	ldr	r5, =SHARED
	ldr	r6, [r5]
	ldr	r7, =0x600DF00D
	cmp	r6, r7
	beq	7f
	str	r7, [r5]
	log	1
	store	0xE000ED0C, 0x05FA0004
	dsb
	b	.
7:	log	2
	end
	.org	16 * 0x400
