/* exception.c - exception entry and return, by hand: the frame on the stack, the
 * link register's magic, and which stack is used.
 *
 * Where floating point was used the extended frame is stored at once. A real core
 * does that lazily (FPCCR.LSPEN); programs see the same frame.
 */

#include "core.h"

#include <unicorn/unicorn.h>

enum {
	FRAME = 32,
	FRAME_FLOAT = 104,
	SPSEL = 2,
	FPCA = 4,
	THUMB = 1 << 24,
	ALIGNED = 1 << 9, /* in the stacked xPSR: the stack was moved by 4 */
	NUMBER = 0x1FF,
};

#define MAGIC        0xFFFFFFE1u
#define MAGIC_PLAIN  0x10u /* no floating point in the frame */
#define MAGIC_THREAD 0x08u
#define MAGIC_PSP    0x04u

/* Instructions count for the exception that was active. */
void vf_emu_exception_count(vf_emu_core *c, unsigned now)
{
	c->in[c->exception] += c->executed - c->entered;
	c->entered = c->executed;
	c->exception = (uint8_t)now;
}

static const int basic[7] = {UC_ARM_REG_R0,  UC_ARM_REG_R1,  UC_ARM_REG_R2, UC_ARM_REG_R3,
			     UC_ARM_REG_R12, UC_ARM_REG_R14, UC_ARM_REG_PC};

static bool push(vf_emu_core *c, uint32_t frame, uint32_t status, bool floats)
{
	bool good = true;
	for (unsigned i = 0; i < 6; i++)
		good = good && vf_emu_bus_put(c, frame + 4 * i, vf_emu_core_get(c, basic[i]));
	good = good && vf_emu_bus_put(c, frame + 24, c->pc);
	good = good && vf_emu_bus_put(c, frame + 28, status);
	for (unsigned i = 0; floats && i < 16; i++)
		good = good && vf_emu_bus_put(c, frame + FRAME + 4 * i,
					      vf_emu_core_get(c, UC_ARM_REG_S0 + (int)i));
	if (floats)
		good = good &&
		       vf_emu_bus_put(c, frame + FRAME + 64, vf_emu_core_get(c, UC_ARM_REG_FPSCR));
	return good;
}

static bool pop(vf_emu_core *c, uint32_t frame, uint32_t *pc, uint32_t *status, bool floats)
{
	uint32_t v = 0;
	bool good = true;
	for (unsigned i = 0; i < 6 && good; i++) {
		good = vf_emu_bus_word(c, frame + 4 * i, &v);
		vf_emu_core_set(c, basic[i], v);
	}
	good = good && vf_emu_bus_word(c, frame + 24, pc) && vf_emu_bus_word(c, frame + 28, status);
	for (unsigned i = 0; floats && i < 16 && good; i++) {
		good = vf_emu_bus_word(c, frame + FRAME + 4 * i, &v);
		vf_emu_core_set(c, UC_ARM_REG_S0 + (int)i, v);
	}
	if (floats && good && vf_emu_bus_word(c, frame + FRAME + 64, &v))
		vf_emu_core_set(c, UC_ARM_REG_FPSCR, v);
	return good;
}

/* Handler mode, or thread mode with the stack that `control` says. */
static void to_handler(vf_emu_core *c, uint32_t status, uint32_t control, unsigned number)
{
	if (c->exception == 0 && (control & 1) == 0) /* privileged: SPSEL can be cleared */
		vf_emu_core_set(c, UC_ARM_REG_CONTROL, control & ~(uint32_t)(SPSEL | FPCA));
	vf_emu_core_set(c, UC_ARM_REG_XPSR_NZCVQG, (status & 0xF80F0000u) | THUMB | number);
	vf_emu_core_set(c, UC_ARM_REG_CONTROL,
			vf_emu_core_get(c, UC_ARM_REG_CONTROL) & ~(uint32_t)FPCA);
}

void vf_emu_exception_enter(vf_emu_core *c, unsigned number)
{
	uint32_t status = vf_emu_core_get(c, UC_ARM_REG_XPSR);
	uint32_t control = vf_emu_core_get(c, UC_ARM_REG_CONTROL);
	bool thread = c->exception == 0, psp = thread && (control & SPSEL) != 0;
	bool floats = (control & FPCA) != 0;
	uint32_t sp = vf_emu_core_get(c, UC_ARM_REG_R13), vector;
	uint32_t frame = (sp - (floats ? FRAME_FLOAT : FRAME)) & ~7u;
	status = (status & ~(uint32_t)ALIGNED) | ((sp & 4) != 0 ? ALIGNED : 0) | THUMB;
	if (!push(c, frame, status, floats)) {
		vf_emu_report(c, "has no memory under its stack pointer 0x%08x for exception %u",
			      sp, number);
		return;
	}
	if (!vf_emu_bus_word(c, c->scb.vtor + 4 * number, &vector) || (vector & 1) == 0) {
		vf_emu_report(c, "has no vector for exception %u at 0x%08x", number,
			      c->scb.vtor + 4 * number);
		return;
	}
	vf_emu_core_set(c, UC_ARM_REG_R13, frame);
	to_handler(c, status, control, number);
	vf_emu_core_set(c, UC_ARM_REG_R14,
			MAGIC | (floats ? 0 : MAGIC_PLAIN) | (thread ? MAGIC_THREAD : 0) |
				(psp ? MAGIC_PSP : 0));
	c->pc = vector & ~1u;
	vf_emu_bit_put(c->nvic.pending, number, false);
	vf_emu_bit_put(c->nvic.active, number, true);
	vf_emu_exception_count(c, number);
	c->taken[number]++;
	c->event = true;
}

static bool good_magic(const vf_emu_core *c, uint32_t magic)
{
	unsigned kind = magic & 0xF;
	bool others = false;
	for (unsigned w = 0; w < VF_EMU_EXCEPTIONS / 32; w++) {
		uint32_t own = c->exception / 32 == w ? 1u << c->exception % 32 : 0;
		others = others || (c->nvic.active[w] & ~own) != 0;
	}
	return (magic | MAGIC_PLAIN) >= 0xFFFFFFF1u && (kind == 1 || kind == 9 || kind == 13) &&
	       (kind == 1) == others;
}

static void leave(vf_emu_core *c)
{
	unsigned number = c->exception;
	vf_emu_bit_put(c->nvic.active, number, false);
	if (number != VF_EMU_NMI)
		vf_emu_core_set(c, UC_ARM_REG_FAULTMASK, 0);
	if (vf_emu_bit(c->nvic.level, number))
		vf_emu_nvic_pend(c, number);
	c->event = true;
}

void vf_emu_exception_return(vf_emu_core *c, uint32_t magic)
{
	bool floats = (magic & MAGIC_PLAIN) == 0, psp = (magic & MAGIC_PSP) != 0;
	uint32_t control = vf_emu_core_get(c, UC_ARM_REG_CONTROL), pc = 0, status = 0;
	if (c->exception == 0 || !good_magic(c, magic)) {
		vf_emu_report(c, "returns from exception %u to 0x%08x, which is no return here",
			      c->exception, magic);
		return;
	}
	uint32_t frame = vf_emu_core_get(c, psp ? UC_ARM_REG_PSP : UC_ARM_REG_MSP);
	if (!pop(c, frame, &pc, &status, floats) || (status & THUMB) == 0 ||
	    ((status & NUMBER) == 0) != ((magic & MAGIC_THREAD) != 0)) {
		vf_emu_report(c,
			      "returns from exception %u, and no frame is on the stack at 0x%08x",
			      c->exception, frame);
		return;
	}
	leave(c);
	vf_emu_core_set(c, psp ? UC_ARM_REG_PSP : UC_ARM_REG_MSP,
			(frame + (floats ? FRAME_FLOAT : FRAME)) |
				((status & ALIGNED) != 0 ? 4 : 0));
	vf_emu_core_set(c, UC_ARM_REG_CONTROL, control & ~1u); /* or SPSEL stays as it is */
	vf_emu_core_set(c, UC_ARM_REG_XPSR_NZCVQG, status & ~(uint32_t)ALIGNED);
	control = (control & 1) | (floats ? FPCA : 0);
	if ((status & NUMBER) == 0)
		control |= psp ? SPSEL : 0;
	vf_emu_core_set(c, UC_ARM_REG_CONTROL, control);
	vf_emu_exception_count(c, status & NUMBER);
	c->pc = pc & ~1u;
}
