/* bus.c - who answers an address: plain memory, a window, a device's register; and
 * the doors that devices call.
 */

#include "core.h"

#include <string.h>

/* --- lookup ----------------------------------------------------------------------- */

/* Peripherals lie on boundaries of 1 KB: the last one found in each slot comes first. */
static const vf_emu_device *device_at(vf_emu_machine *m, uint32_t address)
{
	const vf_emu_device **slot = &m->found[(address >> 10) % VF_EMU_FOUND];
	if (*slot != NULL && address >= (*slot)->base && address - (*slot)->base < (*slot)->size)
		return *slot;
	for (unsigned i = 0; i < m->devices.count; i++) {
		const vf_emu_device *d = &m->devices.device[i];
		if (address < d->base || address - d->base >= d->size)
			continue;
		*slot = d;
		return d;
	}
	return NULL;
}

static vf_emu_ram *ram_at(vf_emu_machine *m, unsigned by, uint32_t address, uint32_t len)
{
	for (unsigned i = 0; i < m->rams; i++) {
		vf_emu_ram *r = &m->ram[i];
		if ((r->info.by & by) != 0 && address >= r->info.base &&
		    address - r->info.base < r->info.size &&
		    len <= r->info.size - (address - r->info.base))
			return r;
	}
	return NULL;
}

uint8_t *vf_emu_machine_bytes(vf_emu_machine *m, unsigned by, uint32_t address, uint32_t len)
{
	const vf_emu_ram *r = ram_at(m, by, address, len);
	if (r != NULL)
		return r->bytes + (address - r->info.base);
	const vf_emu_view *v = vf_emu_window_at(m, address);
	if (v == NULL || (v->window->by & by) == 0 ||
	    len > v->window->size - (address - v->window->base))
		return NULL;
	return v->window->bytes + (address - v->window->base);
}

/* --- time --------------------------------------------------------------------------- */

void vf_emu_bus_refresh(vf_emu_machine *m)
{
	uint64_t next = VF_EMU_NEVER;
	for (unsigned i = 0; i < m->devices.count; i++) {
		const vf_emu_device *d = &m->devices.device[i];
		uint64_t at = d->next_ns != NULL ? d->next_ns(d->state) : VF_EMU_NEVER;
		next = at < next ? at : next;
	}
	m->next_ps =
		next > VF_EMU_NEVER / VF_EMU_PS_PER_NS ? VF_EMU_NEVER : next * VF_EMU_PS_PER_NS;
	if (m->running != NULL && m->next_ps < m->running->until_ps)
		vf_emu_core_attend(m->running);
}

/* Devices do what is due. */
void vf_emu_bus_due(vf_emu_machine *m, uint64_t now_ps)
{
	m->now_ps = now_ps > m->now_ps ? now_ps : m->now_ps;
	while (m->next_ps <= m->now_ps && !m->stopped) {
		for (unsigned i = 0; i < m->devices.count; i++) {
			const vf_emu_device *d = &m->devices.device[i];
			if (d->advance != NULL)
				d->advance(d->state, m->now_ps / VF_EMU_PS_PER_NS);
		}
		uint64_t before = m->next_ps;
		vf_emu_bus_refresh(m);
		if (m->next_ps <=
		    before) /* it waits for something else: not before the next turn */
			m->next_ps = m->now_ps + VF_EMU_PS_PER_NS;
	}
}

/* A device that a core is about to look at does what it did not say it would: what
 * changes with time and raises no flag. (Not for DMA: its transfers come out of a
 * device's own advance, which is not to be entered twice.) */
static void catch_up(vf_emu_machine *m, const vf_emu_device *d)
{
	if (d->advance != NULL)
		d->advance(d->state, m->now_ps / VF_EMU_PS_PER_NS);
}

/* --- accesses of a core ---------------------------------------------------------------- */

static const vf_emu_device *reach(vf_emu_core *c, uint32_t address, unsigned size, bool write)
{
	vf_emu_machine *m = c->machine;
	const vf_emu_device *d = device_at(m, address);
	vf_emu_window_undo(m);
	if (m->stopped)
		return NULL;
	if (d == NULL || size > 4) {
		vf_emu_report(c, "%s 0x%08x (%u bytes): no device that is modelled is there",
			      write ? "writes" : "reads", address, size);
		return NULL;
	}
	if ((address & (size - 1)) != 0) {
		vf_emu_report(c, "accesses %s at 0x%08x, which is not aligned to %u bytes", d->name,
			      address, size);
		return NULL;
	}
	vf_emu_bus_due(m, vf_emu_core_time(c));
	catch_up(m, d);
	m->access_ps = 0;
	return d;
}

/* An access takes its time on the bus, and more where the device makes it wait. */
static void waited(vf_emu_core *c)
{
	vf_emu_machine *m = c->machine;
	unsigned steps = VF_EMU_ACCESS_CYCLES / m->config.cycles[c->index];
	c->time_ps += VF_EMU_ACCESS_CYCLES * c->cycle_ps;
	c->slept_cycles += VF_EMU_ACCESS_CYCLES;
	c->budget = c->budget > steps ? c->budget - steps : 0;
	c->limit = c->limit < c->budget ? c->limit : c->budget;
	if (m->access_ps != 0) {
		vf_emu_core_settle(c);
		if (m->access_ps > c->time_ps) {
			c->slept_cycles += (m->access_ps - c->time_ps) / c->cycle_ps;
			c->time_ps = m->access_ps;
		}
		m->access_ps = 0;
		vf_emu_core_attend(c);
	}
}

/* A device that was read may be due earlier than it was. */
static void hasten(vf_emu_core *c, const vf_emu_device *d)
{
	vf_emu_machine *m = c->machine;
	uint64_t next = d->next_ns != NULL ? d->next_ns(d->state) : VF_EMU_NEVER;
	if (next >= m->next_ps / VF_EMU_PS_PER_NS)
		return;
	m->next_ps = next * VF_EMU_PS_PER_NS;
	vf_emu_core_attend(c);
}

uint32_t vf_emu_bus_read(vf_emu_core *c, uint32_t address, unsigned size)
{
	const vf_emu_device *d = reach(c, address, size, false);
	if (d == NULL)
		return 0;
	uint32_t value = d->read(d->state, address - d->base, size);
	waited(c);
	hasten(c, d);
	return value;
}

void vf_emu_bus_write(vf_emu_core *c, uint32_t address, unsigned size, uint32_t value)
{
	const vf_emu_device *d = reach(c, address, size, true);
	if (d == NULL)
		return;
	d->write(d->state, address - d->base, size, value);
	waited(c);
	vf_emu_bus_refresh(c->machine);
}

/* --- instructions, vectors, stack frames -------------------------------------------------- */

const uint8_t *vf_emu_bus_code(vf_emu_core *c, uint32_t address)
{
	static const uint8_t nothing[VF_EMU_PAGE];
	vf_emu_machine *m = c->machine;
	uint32_t page = address & ~(uint32_t)(VF_EMU_PAGE - 1);
	vf_emu_ram *r = ram_at(m, 1u << c->index, page, VF_EMU_PAGE);
	if (r != NULL) {
		vf_emu_page_fetched(c, r->pages, page - r->info.base);
		return r->bytes + (page - r->info.base);
	}
	vf_emu_view *v = vf_emu_window_at(m, page);
	if (v == NULL)
		return nothing;
	vf_emu_page_fetched(c, v->pages, page - v->window->base);
	return v->window->bytes + (page - v->window->base);
}

static bool readable(vf_emu_core *c, uint32_t address)
{
	vf_emu_view *v = vf_emu_window_at(c->machine, address);
	const vf_emu_span *span = v != NULL ? vf_emu_window_span(v, address) : NULL;
	return v == NULL || (span != NULL && (span->access & VF_EMU_READ) != 0 &&
			     (vf_emu_mpu_allows(c, address) & VF_EMU_READ) != 0);
}

bool vf_emu_bus_word(vf_emu_core *c, uint32_t address, uint32_t *value)
{
	const uint8_t *p = vf_emu_machine_bytes(c->machine, 1u << c->index, address, 4);
	if (p == NULL || (address & 3) != 0 || !readable(c, address))
		return false;
	memcpy(value, p, 4);
	return true;
}

bool vf_emu_bus_put(vf_emu_core *c, uint32_t address, uint32_t value)
{
	vf_emu_ram *r = ram_at(c->machine, 1u << c->index, address, 4);
	if (r == NULL || (address & 3) != 0)
		return false;
	memcpy(r->bytes + (address - r->info.base), &value, 4);
	return true;
}

/* --- doors ---------------------------------------------------------------------------------- */

static uint64_t door_now(void *context)
{
	const vf_emu_machine *m = context;
	return m->now_ps / VF_EMU_PS_PER_NS;
}

static unsigned door_core(void *context)
{
	const vf_emu_machine *m = context;
	return m->running != NULL ? m->running->index : VF_EMU_M7;
}

static void door_stall(void *context, uint64_t until_ns)
{
	vf_emu_machine *m = context;
	uint64_t until_ps = until_ns * VF_EMU_PS_PER_NS;
	m->access_ps = until_ps > m->access_ps ? until_ps : m->access_ps;
}

static void door_irq(void *context, unsigned core, unsigned number, bool level)
{
	vf_emu_machine *m = context;
	if (core < VF_EMU_CORES && number < VF_EMU_EXCEPTIONS - VF_EMU_IRQ0)
		vf_emu_nvic_level(&m->core[core], VF_EMU_IRQ0 + number, level);
}

static bool door_asleep(void *context, unsigned core)
{
	vf_emu_machine *m = context;
	return core < VF_EMU_CORES && m->core[core].sleep != VF_EMU_AWAKE;
}

static void door_event(void *context, unsigned core)
{
	vf_emu_machine *m = context;
	if (core < VF_EMU_CORES)
		m->core[core].event = true;
}

static bool register_size(uint32_t address, uint32_t len)
{
	return (len == 1 || len == 2 || len == 4) && (address & (len - 1)) == 0;
}

static int door_read(void *context, enum vf_emu_master by, uint32_t address, void *data,
		     uint32_t len)
{
	vf_emu_machine *m = context;
	const uint8_t *p = vf_emu_machine_bytes(m, by, address, len);
	if (p != NULL) {
		const vf_emu_view *v = vf_emu_window_at(m, address);
		const vf_emu_span *span = v != NULL ? vf_emu_window_span(v, address) : NULL;
		if (v != NULL && (span == NULL || (span->access & VF_EMU_READ) == 0))
			return -1;
		memcpy(data, p, len);
		return 0;
	}
	const vf_emu_device *d = device_at(m, address);
	if (d == NULL || !register_size(address, len))
		return -1;
	uint32_t value = d->read(d->state, address - d->base, len);
	memcpy(data, &value, len);
	return 0;
}

static int door_write(void *context, enum vf_emu_master by, uint32_t address, const void *data,
		      uint32_t len)
{
	vf_emu_machine *m = context;
	vf_emu_ram *r = ram_at(m, by, address, len);
	uint32_t value = 0;
	if (r != NULL) {
		memcpy(r->bytes + (address - r->info.base), data, len);
		if (len > 0)
			vf_emu_page_stale(m, r->pages, address - r->info.base, len);
		return 0;
	}
	if (!register_size(address, len))
		return -1;
	memcpy(&value, data, len);
	const vf_emu_view *v = vf_emu_window_at(m, address);
	if (v != NULL)
		return v->window->store != NULL && (v->window->by & by) != 0 &&
				       v->window->store(v->device->state, address, len, value)
			       ? 0
			       : -1;
	const vf_emu_device *d = device_at(m, address);
	if (d == NULL)
		return -1;
	d->write(d->state, address - d->base, len, value);
	return 0;
}

static void door_stop(void *context, const char *format, ...)
{
	vf_emu_machine *m = context;
	va_list list;
	va_start(list, format);
	vf_emu_report_list(m, m->running, format, list);
	va_end(list);
}

static void door_open(void *context, uint32_t base, uint32_t size, unsigned access,
		      const char *reason)
{
	vf_emu_window_open(context, base, size, access, reason);
}

static void door_changed(void *context, uint32_t base, uint32_t size)
{
	vf_emu_machine *m = context;
	vf_emu_view *v = vf_emu_window_at(m, base);
	if (v != NULL && size > 0)
		vf_emu_page_stale(m, v->pages, base - v->window->base, size);
}

static void door_reset(void *context, enum vf_emu_reset cause)
{
	vf_emu_machine *m = context;
	m->reset_wanted = true;
	m->reset_cause = (uint8_t)cause;
	for (unsigned i = 0; i < VF_EMU_CORES; i++)
		vf_emu_core_attend(&m->core[i]);
}

static void door_boot(void *context, unsigned core, uint32_t address)
{
	vf_emu_machine *m = context;
	if (core < VF_EMU_CORES)
		vf_emu_core_boot(&m->core[core], address);
}

static void door_clock(void *context, unsigned core, uint32_t hz)
{
	vf_emu_machine *m = context;
	if (core < VF_EMU_CORES)
		vf_emu_core_clock(&m->core[core], hz);
}

void vf_emu_bus_init(vf_emu_machine *m)
{
	m->bus = (vf_emu_bus){
		.context = m,
		.now_ns = door_now,
		.core = door_core,
		.stall = door_stall,
		.irq = door_irq,
		.asleep = door_asleep,
		.event = door_event,
		.read = door_read,
		.write = door_write,
		.stop = door_stop,
		.open = door_open,
		.changed = door_changed,
		.reset = door_reset,
		.boot = door_boot,
		.clock = door_clock,
	};
}
