/* systick.c - the timer that every Cortex-M has. It counts the core's clock, or an
 * eighth of it, whether the core sleeps or not; its value is computed when it is
 * looked at.
 */

#include "core.h"

enum {
	CSR = 0x10,
	RVR = 0x14,
	CVR = 0x18,
	CALIB = 0x1C,
	ENABLE = 1,
	TICKINT = 2,
	CLKSOURCE = 4,
	COUNTFLAG = 1 << 16,
	MOST = 0xFFFFFF,
};

static uint64_t tick_ps(const vf_emu_core *c)
{
	return (c->systick.control & CLKSOURCE) != 0 ? c->cycle_ps : c->cycle_ps * 8;
}

static uint64_t period_ps(const vf_emu_core *c)
{
	return tick_ps(c) * ((uint64_t)c->systick.load + 1);
}

static bool counts(const vf_emu_core *c)
{
	return (c->systick.control & ENABLE) != 0 && c->systick.load != 0 && c->running;
}

uint64_t vf_emu_systick_next(const vf_emu_core *c)
{
	return counts(c) ? c->systick.start_ps + period_ps(c) : VF_EMU_NEVER;
}

/* It reached zero, perhaps several times since somebody looked. */
void vf_emu_systick_due(vf_emu_core *c, uint64_t now_ps)
{
	vf_emu_systick *t = &c->systick;
	if (!counts(c) || now_ps < t->start_ps + period_ps(c))
		return;
	t->start_ps += (now_ps - t->start_ps) / period_ps(c) * period_ps(c);
	t->counted = true;
	if ((t->control & TICKINT) != 0)
		vf_emu_nvic_pend(c, VF_EMU_SYSTICK);
}

static uint32_t value_now(const vf_emu_core *c, uint64_t now_ps)
{
	const vf_emu_systick *t = &c->systick;
	if (!counts(c))
		return t->held;
	uint64_t ticks = now_ps > t->start_ps ? (now_ps - t->start_ps) / tick_ps(c) : 0;
	return ticks == 0 ? 0 : t->load + 1 - (uint32_t)(ticks % (t->load + 1));
}

static uint32_t get(vf_emu_core *c, uint32_t offset, uint64_t now_ps)
{
	vf_emu_systick *t = &c->systick;
	uint32_t flags;
	switch (offset) {
	case CSR:
		flags = t->control | (t->counted ? COUNTFLAG : 0);
		t->counted = false;
		return flags;
	case RVR:
		return t->load;
	case CVR:
		return value_now(c, now_ps);
	default:
		return 0; /* CALIB: no reference that is known */
	}
}

void vf_emu_systick_access(vf_emu_core *c, uint32_t offset, bool write, uint32_t *value)
{
	vf_emu_systick *t = &c->systick;
	uint64_t now_ps = vf_emu_core_time(c);
	vf_emu_systick_due(c, now_ps);
	if (!write) {
		*value = get(c, offset, now_ps);
		return;
	}
	switch (offset) {
	case CSR:
		t->held = value_now(c, now_ps);
		t->control = *value & (ENABLE | TICKINT | CLKSOURCE);
		t->start_ps = now_ps;
		break;
	case RVR:
		t->load = *value & MOST;
		break;
	case CVR: /* any write clears it; it is loaded with the next tick */
		t->held = 0;
		t->counted = false;
		t->start_ps = now_ps;
		break;
	default:
		break;
	}
	vf_emu_core_attend(c);
}
