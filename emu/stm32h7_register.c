/* stm32h7_register.c - register tables: looking up, masking, and saying what is
 * wrong with an access.
 */
#include "stm32h7.h"

#include <stdarg.h>
#include <stdio.h>

void vf_h7_stop(const vf_h7_unit *unit, const char *format, ...)
{
	const vf_emu_bus *bus = unit->soc->config.bus;
	char what[200];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof what, format, args);
	va_end(args);
	bus->stop(bus->context, "%s: %s", unit->name, what);
}

const vf_h7_register *vf_h7_find(const vf_h7_unit *unit, uint32_t offset, bool write)
{
	for (unsigned i = 0; i < unit->registers; i++)
		if (unit->map[i].offset == (offset & ~3u))
			return &unit->map[i];
	vf_h7_stop(unit, "%s of offset %03Xh, where the model has no register",
		   write ? "write" : "read", (unsigned)offset);
	return NULL;
}

bool vf_h7_clocked(const vf_h7_unit *unit, bool write)
{
	if (unit->gate == VF_H7_ALWAYS || vf_h7_rcc_enabled(unit->soc, unit->gate, unit->gate_bit))
		return true;
	vf_h7_stop(unit, "%s while its clock is off (RCC)", write ? "written" : "read");
	return false;
}

static const vf_h7_register *word(const vf_h7_unit *unit, uint32_t offset, unsigned size,
				  bool write)
{
	const vf_h7_register *found;

	if (!vf_h7_clocked(unit, write))
		return NULL;
	found = vf_h7_find(unit, offset, write);
	if (found != NULL && (size != 4 || (offset & 3) != 0)) {
		vf_h7_stop(unit, "%s of %u bytes at %s + %u, which takes words only",
			   write ? "write" : "read", size, found->name, (unsigned)(offset & 3));
		return NULL;
	}
	return found;
}

uint32_t vf_h7_load(const vf_h7_unit *unit, uint32_t offset, unsigned size)
{
	return word(unit, offset, size, false) != NULL ? unit->value[offset / 4] : 0;
}

bool vf_h7_store(vf_h7_unit *unit, uint32_t offset, unsigned size, uint32_t value)
{
	const vf_h7_register *found = word(unit, offset, size, true);
	uint32_t *kept = &unit->value[offset / 4];

	if (found == NULL)
		return false;
	*kept = (*kept & ~found->writable) | (value & found->writable);
	return true;
}

void vf_h7_defaults(vf_h7_unit *unit)
{
	for (unsigned i = 0; i < unit->registers; i++)
		unit->value[unit->map[i].offset / 4] = unit->map[i].reset;
}
