/* machine.c - building a machine, its time, resets and turns. */

#include "core.h"

#include <string.h>

/* --- memories ---------------------------------------------------------------------- */

static int make_ram(vf_emu_machine *m, const vf_emu_memory *info, vf_error *err)
{
	vf_emu_ram *r = &m->ram[m->rams];
	r->info = *info;
	r->pages = vf_emu_page_make(m, info->size);
	if (r->pages == NULL)
		return vf_fail(err, VF_E_NOMEM, "no memory for %s", info->name);
	m->rams++;
	if (info->alias_of >= 0) {
		r->bytes = m->ram[info->alias_of].bytes;
		return VF_OK;
	}
	r->allocated = vf_resize(&m->config.alloc, NULL, (size_t)info->size + VF_EMU_PAGE);
	if (r->allocated == NULL)
		return vf_fail(err, VF_E_NOMEM, "no memory for %s", info->name);
	r->bytes = r->allocated;
	r->bytes += (0 - (uintptr_t)r->allocated) & (VF_EMU_PAGE - 1);
	return VF_OK;
}

/* What memories hold at power-on is nothing to rely on. */
static void noise(vf_emu_machine *m)
{
	uint64_t x = m->config.seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	for (unsigned i = 0; i < m->rams; i++) {
		for (uint32_t at = 0; m->ram[i].allocated != NULL && at < m->ram[i].info.size;
		     at += 8) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			memcpy(m->ram[i].bytes + at, &x, 8);
		}
	}
}

vf_emu_machine *vf_emu_machine_new(const vf_emu_machine_config *config, vf_error *err)
{
	int status = VF_OK;
	vf_emu_machine *m = vf_resize(&config->alloc, NULL, sizeof *m);
	if (m == NULL) {
		(void)vf_fail(err, VF_E_NOMEM, "no memory for the emulated board");
		return NULL;
	}
	memset(m, 0, sizeof *m);
	m->config = *config;
	m->next_ps = VF_EMU_NEVER;
	for (unsigned i = 0; i < VF_EMU_CORES; i++)
		m->config.cycles[i] = config->cycles[i] != 0 ? config->cycles[i] : 2;
	vf_emu_bus_init(m);
	for (unsigned i = 0; i < config->memories && i < VF_EMU_RAMS && status == VF_OK; i++)
		status = make_ram(m, &config->memory[i], err);
	for (unsigned i = 0; i < VF_EMU_CORES && status == VF_OK; i++)
		status = vf_emu_core_init(m, i, err);
	if (status == VF_OK)
		return m;
	vf_emu_machine_free(m);
	return NULL;
}

void vf_emu_machine_free(vf_emu_machine *m)
{
	if (m == NULL)
		return;
	for (unsigned i = 0; i < VF_EMU_CORES; i++)
		vf_emu_core_free(&m->core[i]);
	for (unsigned i = 0; i < m->rams; i++) {
		vf_free(&m->config.alloc, m->ram[i].allocated);
		vf_free(&m->config.alloc, m->ram[i].pages);
	}
	for (unsigned i = 0; i < m->views; i++)
		vf_free(&m->config.alloc, m->view[i].pages);
	vf_alloc alloc = m->config.alloc;
	vf_free(&alloc, m);
}

const vf_emu_bus *vf_emu_machine_bus(vf_emu_machine *m)
{
	return &m->bus;
}

int vf_emu_machine_attach(vf_emu_machine *m, const vf_emu_devices *devices, vf_error *err)
{
	int status = VF_OK;
	m->devices = *devices;
	for (unsigned i = 0; i < devices->count && status == VF_OK; i++)
		status = vf_emu_window_add(m, &devices->device[i], err);
	return status;
}

/* --- resets -------------------------------------------------------------------------- */

static void reset(vf_emu_machine *m, enum vf_emu_reset cause)
{
	m->reset_wanted = false;
	vf_emu_window_undo(m);
	vf_emu_window_close_all(m);
	for (unsigned i = 0; i < VF_EMU_CORES; i++)
		vf_emu_core_reset(&m->core[i]);
	for (unsigned i = 0; i < m->devices.count; i++)
		if (m->devices.device[i].reset != NULL)
			m->devices.device[i].reset(m->devices.device[i].state, cause);
	vf_emu_bus_refresh(m);
}

void vf_emu_machine_reset(vf_emu_machine *m, enum vf_emu_reset cause)
{
	if (!m->stopped)
		reset(m, cause);
}

void vf_emu_machine_power_on(vf_emu_machine *m, uint64_t at_ns)
{
	uint64_t at_ps = at_ns * VF_EMU_PS_PER_NS;
	m->stopped = false;
	m->now_ps = at_ps > m->now_ps ? at_ps : m->now_ps;
	noise(m);
	for (unsigned i = 0; i < VF_EMU_CORES; i++)
		vf_emu_page_stale_all(&m->core[i]);
	reset(m, VF_EMU_RESET_POWER);
}

/* --- turns ---------------------------------------------------------------------------- */

static bool awake(vf_emu_core *c)
{
	unsigned number;
	if (!c->running)
		return false;
	return c->sleep == VF_EMU_AWAKE || c->event || vf_emu_nvic_wakes(c) ||
	       vf_emu_nvic_ready(c, &number) == VF_EMU_TAKE;
}

static bool any_awake(vf_emu_machine *m)
{
	bool any = false;
	for (unsigned i = 0; i < VF_EMU_CORES; i++)
		any = awake(&m->core[i]) || any;
	return any;
}

static uint64_t due_ps(const vf_emu_machine *m)
{
	uint64_t next = m->next_ps;
	for (unsigned i = 0; i < VF_EMU_CORES; i++) {
		uint64_t tick = vf_emu_systick_next(&m->core[i]);
		next = tick < next ? tick : next;
	}
	return next;
}

/* Both cores up to the same time, then what is due by then. */
static void turn(vf_emu_machine *m, uint64_t until_ps)
{
	uint64_t horizon = due_ps(m);
	if (any_awake(m) && horizon > m->now_ps + VF_EMU_TURN_PS)
		horizon = m->now_ps + VF_EMU_TURN_PS;
	horizon = horizon > until_ps ? until_ps : horizon;
	horizon = horizon < m->now_ps ? m->now_ps : horizon;
	uint64_t start = m->now_ps;
	for (unsigned i = 0; i < VF_EMU_CORES; i++) {
		m->core[i].time_ps = m->core[i].time_ps > start ? m->core[i].time_ps : start;
		vf_emu_core_run(&m->core[i], horizon);
		horizon = m->next_ps < horizon ? m->next_ps : horizon;
		horizon = horizon < m->now_ps ? m->now_ps : horizon;
	}
	vf_emu_bus_due(m, horizon);
	for (unsigned i = 0; i < VF_EMU_CORES; i++)
		vf_emu_systick_due(&m->core[i], m->now_ps);
}

int vf_emu_machine_run(vf_emu_machine *m, uint64_t until_ns)
{
	uint64_t until_ps = until_ns * VF_EMU_PS_PER_NS;
	while (!m->stopped && m->now_ps < until_ps) {
		turn(m, until_ps);
		if (m->reset_wanted && !m->stopped)
			reset(m, (enum vf_emu_reset)m->reset_cause);
	}
	return m->stopped ? VF_E_FLASH : VF_OK;
}

void vf_emu_machine_touch(vf_emu_machine *m)
{
	vf_emu_bus_refresh(m);
}

uint64_t vf_emu_machine_next(const vf_emu_machine *m)
{
	uint64_t next = due_ps(m);
	for (unsigned i = 0; i < VF_EMU_CORES; i++)
		if (m->core[i].running && m->core[i].sleep == VF_EMU_AWAKE)
			next = m->now_ps;
	return next == VF_EMU_NEVER ? next : next / VF_EMU_PS_PER_NS;
}

uint64_t vf_emu_machine_now(const vf_emu_machine *m)
{
	return m->now_ps / VF_EMU_PS_PER_NS;
}

const char *vf_emu_machine_stopped(const vf_emu_machine *m)
{
	return m->stopped ? m->text : NULL;
}

/* --- counts ------------------------------------------------------------------------------ */

uint64_t vf_emu_machine_executed(const vf_emu_machine *m, unsigned core)
{
	return m->core[core].executed;
}

uint64_t vf_emu_machine_executed_in(const vf_emu_machine *m, unsigned core, unsigned exception)
{
	const vf_emu_core *c = &m->core[core];
	uint64_t running = c->exception == exception ? c->executed - c->entered : 0;
	return exception < VF_EMU_EXCEPTIONS ? c->in[exception] + running : 0;
}

uint64_t vf_emu_machine_taken(const vf_emu_machine *m, unsigned core, unsigned exception)
{
	return exception < VF_EMU_EXCEPTIONS ? m->core[core].taken[exception] : 0;
}

int vf_emu_machine_watch(vf_emu_machine *m, unsigned core, uint32_t from, uint32_t to)
{
	if (m->ranges == VF_EMU_RANGES)
		return VF_E_NOMEM;
	m->range[m->ranges] = (vf_emu_range){.core = core, .from = from, .to = to};
	return (int)m->ranges++;
}

uint64_t vf_emu_machine_watched(const vf_emu_machine *m, int index)
{
	return index >= 0 && (unsigned)index < m->ranges ? m->range[index].count : 0;
}
