/* report.c - the end of a run: what happened, on which core, at which instruction,
 * with which registers.
 */

#include "core.h"

#include <stdio.h>
#include <string.h>

#include <unicorn/unicorn.h>

const char *vf_emu_core_name(unsigned index)
{
	return index == VF_EMU_M7 ? "Cortex-M7" : "Cortex-M4";
}

static size_t add(vf_emu_machine *m, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static size_t add(vf_emu_machine *m, size_t at, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int n = vsnprintf(m->text + at, sizeof m->text - at, format, list);
	va_end(list);
	size_t end = at + (n > 0 ? (size_t)n : 0);
	return end < sizeof m->text ? end : sizeof m->text - 1;
}

static size_t registers(vf_emu_machine *m, vf_emu_core *c, size_t at)
{
	for (int i = 0; i <= 12; i++)
		at = add(m, at, "%sr%d %08x", i % 7 == 0 ? "\n  " : ", ", i,
			 vf_emu_core_get(c, UC_ARM_REG_R0 + i));
	at = add(m, at, ", sp %08x, lr %08x", vf_emu_core_get(c, UC_ARM_REG_R13),
		 vf_emu_core_get(c, UC_ARM_REG_R14));
	return add(m, at, "\n  xpsr %08x, %s %u, %llu instructions executed",
		   vf_emu_core_get(c, UC_ARM_REG_XPSR),
		   c->exception != 0 ? "exception" : "thread mode, exception", c->exception,
		   (unsigned long long)c->executed);
}

/* The first report counts: what follows is its consequence. */
void vf_emu_report_list(vf_emu_machine *m, vf_emu_core *c, const char *format, va_list list)
{
	size_t at = 0;
	if (m->stopped)
		return;
	m->stopped = true;
	if (c != NULL)
		at = add(m, at, "%s at 0x%08x: ", vf_emu_core_name(c->index), c->last);
	int n = vsnprintf(m->text + at, sizeof m->text - at, format, list);
	at += n > 0 ? (size_t)n : 0;
	at = at < sizeof m->text ? at : sizeof m->text - 1;
	if (c != NULL && c->uc != NULL)
		(void)registers(m, c, at);
	for (unsigned i = 0; i < VF_EMU_CORES; i++)
		vf_emu_core_attend(&m->core[i]);
}

void vf_emu_report(vf_emu_core *c, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vf_emu_report_list(c->machine, c, format, list);
	va_end(list);
}

/* Why an address cannot be reached. */
static const char *why(const vf_emu_core *c, uint32_t address, bool fetch)
{
	vf_emu_view *view = vf_emu_window_at(c->machine, address);
	unsigned wanted = fetch ? VF_EMU_FETCH : VF_EMU_READ;
	if (view == NULL)
		return "where nothing is";
	const vf_emu_span *span = vf_emu_window_span(view, address);
	if (span == NULL || (span->access & wanted) != wanted)
		return span != NULL && span->reason != NULL ? span->reason : "which is closed";
	if ((vf_emu_mpu_allows(c, address) & wanted) != wanted)
		return "which the MPU forbids";
	return "which is not to be written";
}

void vf_emu_report_wrong(vf_emu_core *c)
{
	static const char *const verb[] = {"", "reads", "writes", "fetches from", ""};
	if (c->wrong == VF_EMU_WRONG_FPU) {
		c->last = c->wrong_at;
		vf_emu_report(c, "uses floating point that CPACR does not enable");
		return;
	}
	vf_emu_report(c, "%s 0x%08x: %s", verb[c->wrong], c->wrong_at,
		      why(c, c->wrong_at, c->wrong == VF_EMU_WRONG_FETCH));
}
