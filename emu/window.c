/* window.c - address ranges whose contents a device owns, and who may do what in
 * them: the device's rights cut with the MPU's, put into Unicorn's memory maps.
 *
 * Unicorn maps a window read-only straight onto the device's bytes. A store is
 * handed to the device; Unicorn then writes into the bytes all the same, so what
 * the device left there is put back before the next instruction.
 */

#include "core.h"

#include <string.h>

#include <unicorn/unicorn.h>

int vf_emu_window_add(vf_emu_machine *m, const vf_emu_device *device, vf_error *err)
{
	for (unsigned i = 0; i < device->windows; i++) {
		if (m->views == VF_EMU_WINDOWS)
			return vf_fail(err, VF_E_NOMEM, "%s has too many windows", device->name);
		const vf_emu_window *w = &device->window[i];
		vf_emu_view *view = &m->view[m->views];
		view->pages = vf_emu_page_make(m, w->size);
		if (view->pages == NULL)
			return vf_fail(err, VF_E_NOMEM, "no memory for %s", device->name);
		view->window = w;
		view->device = device;
		m->views++;
	}
	return VF_OK;
}

vf_emu_view *vf_emu_window_at(vf_emu_machine *m, uint32_t address)
{
	for (unsigned i = 0; i < m->views; i++) {
		vf_emu_view *v = &m->view[i];
		if (address >= v->window->base && address - v->window->base < v->window->size)
			return v;
	}
	return NULL;
}

const vf_emu_span *vf_emu_window_span(const vf_emu_view *view, uint32_t address)
{
	for (unsigned i = 0; i < view->spans; i++)
		if (address >= view->span[i].base &&
		    address - view->span[i].base < view->span[i].size)
			return &view->span[i];
	return NULL;
}

void vf_emu_window_close_all(vf_emu_machine *m)
{
	for (unsigned i = 0; i < m->views; i++) {
		vf_emu_view *v = &m->view[i];
		v->spans = 1;
		v->span[0] = (vf_emu_span){.base = v->window->base, .size = v->window->size};
	}
	m->remap = true;
}

static void keep(vf_emu_view *v, unsigned *n, uint32_t base, uint64_t end, const vf_emu_span *as)
{
	vf_emu_span *before = *n > 0 ? &v->span[*n - 1] : NULL;
	if (base >= end || *n == VF_EMU_SPANS)
		return;
	if (before != NULL && before->access == as->access && before->reason == as->reason) {
		before->size += (uint32_t)(end - base);
		return;
	}
	v->span[(*n)++] = (vf_emu_span){base, (uint32_t)(end - base), as->access, as->reason};
}

void vf_emu_window_open(vf_emu_machine *m, uint32_t base, uint32_t size, unsigned access,
			const char *reason)
{
	vf_emu_view *v = vf_emu_window_at(m, base);
	vf_emu_span old[VF_EMU_SPANS], now = {base, size, access, reason};
	uint64_t end = (uint64_t)base + size;
	unsigned count = 0;
	bool done = false;
	if (v == NULL)
		return;
	unsigned olds = v->spans;
	memcpy(old, v->span, sizeof old);
	for (unsigned i = 0; i < olds; i++) {
		uint64_t stop = (uint64_t)old[i].base + old[i].size;
		keep(v, &count, old[i].base, stop < base ? stop : base, &old[i]);
		if (!done && stop > base) {
			keep(v, &count, base, end, &now);
			done = true;
		}
		keep(v, &count, old[i].base > end ? old[i].base : (uint32_t)end, stop, &old[i]);
	}
	v->spans = count;
	m->remap = true;
	for (unsigned i = 0; i < VF_EMU_CORES; i++)
		vf_emu_core_attend(&m->core[i]);
}

/* --- Unicorn's maps ------------------------------------------------------------- */

/* The ranges that a core may reach, as the device and the MPU have it now. */
static unsigned cut(const vf_emu_core *c, const vf_emu_view *v, vf_emu_span *out)
{
	uint64_t end = (uint64_t)v->window->base + v->window->size;
	unsigned n = 0;
	for (uint64_t at = v->window->base; at < end && n < VF_EMU_CUTS;) {
		const vf_emu_span *span = vf_emu_window_span(v, (uint32_t)at);
		if (span == NULL)
			break; /* spans cover a window; one that they do not reach stays closed */
		uint64_t stop = (uint64_t)span->base + span->size;
		uint64_t edge = vf_emu_mpu_edge(c, (uint32_t)at) & ~(uint64_t)(VF_EMU_PAGE - 1);
		unsigned access = span->access & vf_emu_mpu_allows(c, (uint32_t)at);
		stop = edge > at && edge < stop ? edge : stop;
		if (n > 0 && out[n - 1].access == access && out[n - 1].base + out[n - 1].size == at)
			out[n - 1].size += (uint32_t)(stop - at);
		else if ((access & VF_EMU_READ) != 0)
			out[n++] = (vf_emu_span){(uint32_t)at, (uint32_t)(stop - at), access, NULL};
		at = stop;
	}
	return n;
}

static bool same(const vf_emu_span *a, const vf_emu_span *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (a[i].base != b[i].base || a[i].size != b[i].size || a[i].access != b[i].access)
			return false;
	return true;
}

static void map(vf_emu_core *c, vf_emu_view *v)
{
	vf_emu_span want[VF_EMU_CUTS], *have = v->map[c->index];
	unsigned n = (v->window->by & 1u << c->index) != 0 ? cut(c, v, want) : 0;
	if (n == v->mapped[c->index] && same(want, have, n))
		return;
	vf_emu_page_unmap(c, v);
	for (unsigned i = 0; i < v->mapped[c->index]; i++)
		(void)uc_mem_unmap(c->uc, have[i].base, have[i].size);
	for (unsigned i = 0; i < n; i++) {
		uint32_t rights = UC_PROT_READ;
		if ((want[i].access & VF_EMU_FETCH) != 0)
			rights |= UC_PROT_EXEC;
		(void)uc_mem_map_ptr(c->uc, want[i].base, want[i].size, rights,
				     v->window->bytes + (want[i].base - v->window->base));
	}
	memcpy(have, want, n * sizeof *want);
	v->mapped[c->index] = n;
}

void vf_emu_window_apply(vf_emu_machine *m)
{
	if (!m->remap)
		return;
	m->remap = false;
	for (unsigned i = 0; i < m->views; i++)
		for (unsigned core = 0; core < VF_EMU_CORES; core++)
			map(&m->core[core], &m->view[i]);
}

/* --- stores ------------------------------------------------------------------------ */

void vf_emu_window_undo(vf_emu_machine *m)
{
	if (m->undo_at != NULL)
		memcpy(m->undo_at, m->undo, m->undo_size);
	m->undo_at = NULL;
}

/* A pair of words is two stores. */
static bool offer(const vf_emu_view *v, uint32_t address, unsigned size, uint64_t value)
{
	const vf_emu_window *w = v->window;
	void *state = v->device->state;
	if (size < 8)
		return w->store(state, address, size, (uint32_t)value);
	return w->store(state, address, 4, (uint32_t)value) &&
	       w->store(state, address + 4, 4, (uint32_t)(value >> 32));
}

bool vf_emu_window_store(vf_emu_core *c, uint32_t address, unsigned size, uint64_t value)
{
	vf_emu_machine *m = c->machine;
	vf_emu_view *v = vf_emu_window_at(m, address);
	vf_emu_window_undo(m);
	if (v == NULL || v->window->store == NULL)
		return false;
	vf_emu_bus_due(m, vf_emu_core_time(c));
	if (v->device->advance != NULL)
		v->device->advance(v->device->state, m->now_ps / VF_EMU_PS_PER_NS);
	if (!offer(v, address, size, value))
		return false;
	m->undo_at = v->window->bytes + (address - v->window->base);
	m->undo_size = (uint8_t)size;
	memcpy(m->undo, m->undo_at, size);
	vf_emu_bus_refresh(m);
	vf_emu_core_attend(c);
	return true;
}
