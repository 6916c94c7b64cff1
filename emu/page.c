/* page.c - which pages a core has fetched instructions from, and forgetting what
 * Unicorn translated from there when their bytes or rights change behind its back:
 * by DMA, by a device that owns them, or by another mapping. (Stores of the same
 * core Unicorn sees itself.)
 */

#include "core.h"

#include <string.h>

#include <unicorn/unicorn.h>

enum { FETCHED = 1, STALE = 4 }; /* for core 0; one bit further for core 1 */

uint8_t *vf_emu_page_make(vf_emu_machine *m, uint32_t size)
{
	uint8_t *flags = vf_resize(&m->config.alloc, NULL, size / VF_EMU_PAGE);
	if (flags != NULL)
		memset(flags, 0, size / VF_EMU_PAGE);
	return flags;
}

void vf_emu_page_fetched(const vf_emu_core *c, uint8_t *flags, uint32_t offset)
{
	flags[offset / VF_EMU_PAGE] |= (uint8_t)(FETCHED << c->index);
}

void vf_emu_page_stale(vf_emu_machine *m, uint8_t *flags, uint32_t offset, uint32_t len)
{
	uint32_t last = (offset + len - 1) / VF_EMU_PAGE;
	for (uint32_t page = offset / VF_EMU_PAGE; page <= last; page++) {
		unsigned fetched = flags[page] & (FETCHED | FETCHED << 1);
		if (fetched == 0)
			continue;
		flags[page] |= (uint8_t)(fetched * STALE);
		m->forget = true;
		for (unsigned i = 0; i < VF_EMU_CORES; i++)
			vf_emu_core_attend(&m->core[i]);
	}
}

/* Everything that a core fetched: its instruction cache was invalidated. */
static void all_of(vf_emu_core *c, uint8_t *flags, uint32_t size)
{
	for (uint32_t page = 0; page < size / VF_EMU_PAGE; page++) {
		if ((flags[page] & FETCHED << c->index) == 0)
			continue;
		flags[page] |= (uint8_t)(STALE << c->index);
		c->machine->forget = true;
	}
}

void vf_emu_page_stale_all(vf_emu_core *c)
{
	vf_emu_machine *m = c->machine;
	for (unsigned i = 0; i < m->rams; i++)
		all_of(c, m->ram[i].pages, m->ram[i].info.size);
	for (unsigned i = 0; i < m->views; i++)
		all_of(c, m->view[i].pages, m->view[i].window->size);
	vf_emu_core_attend(c);
}

/* Pages with these flags, while they are still mapped. */
static void drop(vf_emu_core *c, uint8_t *flags, uint32_t base, uint32_t size, unsigned which)
{
	for (uint32_t page = 0; page < size / VF_EMU_PAGE; page++) {
		if ((flags[page] & which << c->index) == 0)
			continue;
		uint64_t at = base + (uint64_t)page * VF_EMU_PAGE;
		(void)uc_ctl_remove_cache(c->uc, at, at + VF_EMU_PAGE);
		flags[page] &= (uint8_t) ~((FETCHED | STALE) << c->index);
	}
	c->page = VF_EMU_NO_PAGE;
}

void vf_emu_page_unmap(vf_emu_core *c, vf_emu_view *v)
{
	drop(c, v->pages, v->window->base, v->window->size, FETCHED);
}

void vf_emu_page_forget(vf_emu_machine *m)
{
	if (!m->forget)
		return;
	m->forget = false;
	for (unsigned core = 0; core < VF_EMU_CORES; core++) {
		vf_emu_core *c = &m->core[core];
		for (unsigned i = 0; i < m->rams; i++)
			drop(c, m->ram[i].pages, m->ram[i].info.base, m->ram[i].info.size, STALE);
		for (unsigned i = 0; i < m->views; i++)
			drop(c, m->view[i].pages, m->view[i].window->base, m->view[i].window->size,
			     STALE);
	}
}
