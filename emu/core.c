/* core.c - a core executes: Unicorn, one instruction at a time under a hook that
 * counts and that may stop before any of them; sleeping and waking; and what
 * Unicorn hands back because it is not an instruction's business.
 *
 * The hook costs some 5 ns an instruction and is worth it: interrupts are taken
 * between exactly those two instructions where they become possible, counts are
 * exact, and what stops a run is named with its address.
 */

#include "core.h"

#include <string.h>

#include <unicorn/unicorn.h>

enum {
	HINT_YIELD = 0xBF10,
	HINT_WFE = 0xBF20,
	HINT_WFI = 0xBF30,
	HINT_SEV = 0xBF40,
	BREAKPOINT = 0xBE00,
	HSI_HZ = 64000000,
	/* Unicorn's (QEMU's) exception numbers. */
	RAISED_SVC = 2,
	RAISED_BREAKPOINT = 7,
	RAISED_RETURN = 8,
};

#define NOWHERE        UINT64_C(0xFFFFFFFE) /* no instruction is there */
#define RETURN_MAGIC   0xFFFFFFE0u
#define PICO           UINT64_C(1000000000000)
#define PERIPHERALS    0x40000000u
#define PERIPHERALS_SZ 0x20000000u
#define PRIVATE        0xE0000000u
#define PRIVATE_SIZE   0x00100000u

uint32_t vf_emu_core_get(const vf_emu_core *c, int reg)
{
	uint32_t value = 0;
	(void)uc_reg_read(c->uc, reg, &value);
	return value;
}

void vf_emu_core_set(vf_emu_core *c, int reg, uint32_t value)
{
	(void)uc_reg_write(c->uc, reg, &value);
}

uint64_t vf_emu_core_time(const vf_emu_core *c)
{
	uint64_t now = c->time_ps + (c->executed - c->mark) * c->step_ps;
	return now > c->machine->now_ps ? now : c->machine->now_ps;
}

/* Turns instructions into time. */
void vf_emu_core_settle(vf_emu_core *c)
{
	c->time_ps += (c->executed - c->mark) * c->step_ps;
	c->mark = c->executed;
}

uint64_t vf_emu_core_cycles(const vf_emu_core *c)
{
	return c->slept_cycles + c->executed * c->machine->config.cycles[c->index];
}

void vf_emu_core_clock(vf_emu_core *c, uint32_t hz)
{
	if (hz == 0 || hz == c->hz)
		return;
	vf_emu_core_settle(c);
	c->hz = hz;
	c->cycle_ps = (PICO + hz / 2) / hz;
	c->step_ps = c->cycle_ps * c->machine->config.cycles[c->index];
	vf_emu_core_attend(c);
}

void vf_emu_core_attend(vf_emu_core *c)
{
	c->limit = 0;
}

/* --- between two instructions ------------------------------------------------- */

/* How many instructions fit into what is left of the turn; false: none. */
static bool budget(vf_emu_core *c)
{
	const vf_emu_machine *m = c->machine;
	uint64_t now = c->time_ps + (c->executed - c->mark) * c->step_ps;
	uint64_t until = m->next_ps < c->until_ps ? m->next_ps : c->until_ps;
	bool first = c->executed == c->mark;
	if (until <= now)
		c->budget = c->executed + first;
	else
		c->budget = c->executed + (until - now + c->step_ps - 1) / c->step_ps;
	return c->budget > c->executed;
}

/* True: the core stops before the instruction at hand. */
static bool look_up(vf_emu_core *c)
{
	vf_emu_machine *m = c->machine;
	unsigned number;
	vf_emu_window_undo(m);
	if (m->stopped || m->remap || m->forget || m->reset_wanted || c->wrong != VF_EMU_FINE ||
	    !budget(c))
		return true;
	switch (vf_emu_nvic_ready(c, &number)) {
	case VF_EMU_TAKE:
		return true;
	case VF_EMU_MASKED: /* the next instruction may unmask it */
		c->limit = 0;
		return false;
	default:
		c->limit = c->budget;
		return false;
	}
}

static void watch(vf_emu_core *c, uint32_t address)
{
	vf_emu_machine *m = c->machine;
	for (unsigned i = 0; i < m->ranges; i++) {
		vf_emu_range *r = &m->range[i];
		r->count += r->core == c->index && address >= r->from && address < r->to;
	}
}

static void send_event(vf_emu_machine *m)
{
	for (unsigned i = 0; i < VF_EMU_CORES; i++)
		m->core[i].event = true;
}

static uint16_t halfword(const vf_emu_core *c, uint32_t address)
{
	uint16_t value;
	memcpy(&value, c->code + (address & (VF_EMU_PAGE - 1)), sizeof value);
	return value;
}

/* Floating point before CPACR allows it. Unicorn would execute it. */
static bool is_float(uint16_t op)
{
	return (op & 0xEF00) == 0xEE00 || (op & 0xEE00) == 0xEC00 || (op & 0xFE00) == 0xFE00;
}

static void look_at(vf_emu_core *c, uint32_t address, uint32_t size)
{
	uint16_t op = halfword(c, address);
	if (op == HINT_SEV) {
		send_event(c->machine);
	} else if (size == 4 && is_float(op) && (c->scb.cpacr >> 20 & 0xF) != 0xF &&
		   (address & (VF_EMU_PAGE - 1)) <= VF_EMU_PAGE - 4 &&
		   (halfword(c, address + 2) & 0x0E00) == 0x0A00) {
		c->wrong = VF_EMU_WRONG_FPU;
		c->wrong_at = address;
	}
}

static void on_instruction(uc_engine *uc, uint64_t address, uint32_t size, void *user)
{
	vf_emu_core *c = user;
	if (c->stopping) { /* an IT block is not left half-way: it did execute */
		c->executed++;
		return;
	}
	if (c->executed >= c->limit && look_up(c)) {
		c->stopping = true;
		(void)uc_emu_stop(uc);
		return;
	}
	if (((uint32_t)address ^ c->page) >= VF_EMU_PAGE) {
		c->code = vf_emu_bus_code(c, (uint32_t)address);
		c->page = (uint32_t)address & ~(uint32_t)(VF_EMU_PAGE - 1);
	}
	look_at(c, (uint32_t)address, size);
	if (c->wrong == VF_EMU_WRONG_FPU) {
		c->stopping = true;
		(void)uc_emu_stop(uc);
		return;
	}
	c->executed++;
	c->last = (uint32_t)address;
	if (c->machine->ranges != 0)
		watch(c, (uint32_t)address);
}

/* --- what an instruction does outside of the core -------------------------------- */

static uint64_t on_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
	(void)uc;
	return vf_emu_bus_read(user, PERIPHERALS + (uint32_t)offset, size);
}

static void on_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
	(void)uc;
	vf_emu_bus_write(user, PERIPHERALS + (uint32_t)offset, size, (uint32_t)value);
}

static uint64_t on_low_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
	(void)uc;
	return vf_emu_bus_read(user, 0x1FF00000u + (uint32_t)offset, size);
}

static void on_low_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
	(void)uc;
	vf_emu_bus_write(user, 0x1FF00000u + (uint32_t)offset, size, (uint32_t)value);
}

static uint64_t on_private_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
	(void)uc;
	return vf_emu_private_read(user, (uint32_t)offset, size);
}

static void on_private_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value,
			     void *user)
{
	(void)uc;
	vf_emu_private_write(user, (uint32_t)offset, size, (uint32_t)value);
}

static void on_raised(uc_engine *uc, uint32_t number, void *user)
{
	vf_emu_core *c = user;
	c->raised = (int)number;
	(void)uc_emu_stop(uc);
}

/* Memory that is not there or forbids it. True: it was a store that a window's
 * owner took; Unicorn then writes too, which vf_emu_window_undo undoes. */
static bool on_forbidden(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
			 void *user)
{
	vf_emu_core *c = user;
	bool fetch = type == UC_MEM_FETCH_UNMAPPED || type == UC_MEM_FETCH_PROT;
	bool write = type == UC_MEM_WRITE_UNMAPPED || type == UC_MEM_WRITE_PROT;
	(void)uc;
	if (type == UC_MEM_WRITE_PROT &&
	    vf_emu_window_store(c, (uint32_t)address, (unsigned)size, (uint64_t)value))
		return true;
	c->wrong = fetch ? VF_EMU_WRONG_FETCH : write ? VF_EMU_WRONG_WRITE : VF_EMU_WRONG_READ;
	c->wrong_at = (uint32_t)address;
	return false;
}

/* --- a turn --------------------------------------------------------------------- */

static void begin(vf_emu_core *c, uint64_t horizon_ps)
{
	c->until_ps = horizon_ps;
	c->limit = 0;
	c->stopping = false;
	c->raised = -1;
	c->wrong = VF_EMU_FINE;
}

static void go_to_sleep(vf_emu_core *c, enum vf_emu_sleep how)
{
	if (how == VF_EMU_WFE && c->event)
		c->event = false;
	else
		c->sleep = (uint8_t)how;
}

/* Unicorn took an exception of its own. */
static void raised(vf_emu_core *c)
{
	switch (c->raised) {
	case RAISED_SVC:
		vf_emu_nvic_pend(c, VF_EMU_SVC);
		break;
	case RAISED_RETURN:
		vf_emu_exception_return(c, c->pc | 1);
		break;
	case RAISED_BREAKPOINT:
		vf_emu_report(c, "executes a breakpoint (BKPT)");
		break;
	default:
		vf_emu_report(c, "raises exception %d of the emulator", c->raised);
		break;
	}
}

/* It stopped by itself, at an instruction that ends a run. */
static void ended(vf_emu_core *c, uc_err err)
{
	uint16_t op = c->page != VF_EMU_NO_PAGE ? halfword(c, c->last) : 0;
	if (err == UC_ERR_OK && op == HINT_WFI)
		go_to_sleep(c, VF_EMU_WFI);
	else if (err == UC_ERR_INSN_INVALID && op == HINT_WFE && c->pc != c->last)
		go_to_sleep(c, VF_EMU_WFE);
	else if (err == UC_ERR_INSN_INVALID && op == HINT_YIELD && c->pc != c->last)
		return;
	else if (err == UC_ERR_INSN_INVALID)
		vf_emu_report(c, "executes an undefined instruction (0x%04x)", op);
	else
		vf_emu_report(c, "%s", uc_strerror(err));
}

static void execute(vf_emu_core *c, uint64_t horizon_ps)
{
	vf_emu_machine *m = c->machine;
	begin(c, horizon_ps);
	uc_err err = uc_emu_start(c->uc, c->pc | 1, NOWHERE, 0, 0);
	c->pc = vf_emu_core_get(c, UC_ARM_REG_PC) & ~1u;
	vf_emu_core_settle(c);
	vf_emu_window_undo(m);
	if (m->stopped)
		return;
	if (c->wrong == VF_EMU_WRONG_FETCH && c->exception != 0 && c->wrong_at >= RETURN_MAGIC)
		vf_emu_exception_return(c, c->wrong_at | 1);
	else if (c->wrong != VF_EMU_FINE)
		vf_emu_report_wrong(c);
	else if (c->raised >= 0)
		raised(c);
	else if (!c->stopping)
		ended(c, err);
}

static bool wakes(vf_emu_core *c)
{
	unsigned number;
	if (c->sleep == VF_EMU_WFI)
		return vf_emu_nvic_wakes(c);
	if (c->event) {
		c->event = false;
		return true;
	}
	return vf_emu_nvic_ready(c, &number) == VF_EMU_TAKE;
}

static void sleep_until(vf_emu_core *c, uint64_t horizon_ps)
{
	if (c->time_ps < horizon_ps) {
		c->slept_cycles += (horizon_ps - c->time_ps) / c->cycle_ps;
		c->time_ps = horizon_ps;
	}
}

void vf_emu_core_run(vf_emu_core *c, uint64_t horizon_ps)
{
	vf_emu_machine *m = c->machine;
	unsigned number;
	m->running = c;
	while (c->running && c->time_ps < horizon_ps && !m->stopped && !m->reset_wanted) {
		if (c->sleep != VF_EMU_AWAKE && !wakes(c))
			break;
		c->sleep = VF_EMU_AWAKE;
		vf_emu_window_apply(m);
		vf_emu_page_forget(m);
		if (vf_emu_nvic_ready(c, &number) == VF_EMU_TAKE)
			vf_emu_exception_enter(c, number);
		if (m->stopped)
			break;
		execute(c, horizon_ps);
		if (m->next_ps <= c->time_ps)
			break;
	}
	m->running = NULL;
	if (c->sleep != VF_EMU_AWAKE || !c->running)
		sleep_until(c, horizon_ps);
}

/* --- coming and going -------------------------------------------------------------- */

/* Unicorn takes functions of several types as one pointer. */
union callback {
	uc_cb_hookcode_t code;
	uc_cb_hookintr_t raised;
	uc_cb_eventmem_t memory;
	void *any;
};

static uc_err hooks(vf_emu_core *c)
{
	const union callback code = {.code = on_instruction}, exception = {.raised = on_raised};
	const union callback forbidden = {.memory = on_forbidden};
	uc_hook h;
	uc_err err = uc_hook_add(c->uc, &h, UC_HOOK_CODE, code.any, c, 1, 0);
	if (err == UC_ERR_OK)
		err = uc_hook_add(c->uc, &h, UC_HOOK_INTR, exception.any, c, 1, 0);
	if (err == UC_ERR_OK)
		err = uc_hook_add(c->uc, &h, UC_HOOK_MEM_INVALID, forbidden.any, c, 1, 0);
	if (err == UC_ERR_OK)
		err = uc_mmio_map(c->uc, PERIPHERALS, PERIPHERALS_SZ, on_read, c, on_write, c);
	if (err == UC_ERR_OK)
		err = uc_mmio_map(c->uc, 0x1FF00000, 0x100000, on_low_read, c, on_low_write, c);
	if (err == UC_ERR_OK)
		err = uc_mmio_map(c->uc, PRIVATE, PRIVATE_SIZE, on_private_read, c,
				  on_private_write, c);
	return err;
}

static uc_err memories(vf_emu_core *c)
{
	uc_err err = UC_ERR_OK;
	for (unsigned i = 0; i < c->machine->rams && err == UC_ERR_OK; i++) {
		const vf_emu_ram *r = &c->machine->ram[i];
		if ((r->info.by & 1u << c->index) != 0)
			err = uc_mem_map_ptr(c->uc, r->info.base, r->info.size, UC_PROT_ALL,
					     r->bytes);
	}
	return err;
}

int vf_emu_core_init(vf_emu_machine *m, unsigned index, vf_error *err)
{
	static const int model[VF_EMU_CORES] = {UC_CPU_ARM_CORTEX_M7, UC_CPU_ARM_CORTEX_M4};
	vf_emu_core *c = &m->core[index];
	c->machine = m;
	c->index = (uint8_t)index;
	uc_err e = uc_open(UC_ARCH_ARM, (uc_mode)(UC_MODE_THUMB | UC_MODE_MCLASS), &c->uc);
	if (e == UC_ERR_OK)
		e = uc_ctl_set_cpu_model(c->uc, model[index]);
	if (e == UC_ERR_OK)
		e = hooks(c);
	if (e == UC_ERR_OK)
		e = memories(c);
	if (e != UC_ERR_OK)
		return vf_fail(err, VF_E_NOMEM, "libunicorn makes no %s: %s",
			       vf_emu_core_name(index), uc_strerror(e));
	vf_emu_core_clock(c, HSI_HZ);
	return VF_OK;
}

void vf_emu_core_free(vf_emu_core *c)
{
	if (c->uc != NULL)
		(void)uc_close(c->uc);
}

static void clear_registers(vf_emu_core *c)
{
	vf_emu_core_set(c, UC_ARM_REG_XPSR_NZCVQG, 1u << 24);
	vf_emu_core_set(c, UC_ARM_REG_CONTROL, 0);
	vf_emu_core_set(c, UC_ARM_REG_PRIMASK, 0);
	vf_emu_core_set(c, UC_ARM_REG_FAULTMASK, 0);
	vf_emu_core_set(c, UC_ARM_REG_BASEPRI, 0);
	for (int r = UC_ARM_REG_R0; r <= UC_ARM_REG_R12; r++)
		vf_emu_core_set(c, r, 0);
	vf_emu_core_set(c, UC_ARM_REG_R14, 0xFFFFFFFFu);
	vf_emu_core_set(c, UC_ARM_REG_PSP, 0);
	vf_emu_core_set(c, UC_ARM_REG_FPSCR, 0);
}

void vf_emu_core_reset(vf_emu_core *c)
{
	vf_emu_core_settle(c);
	vf_emu_exception_count(c, 0);
	c->running = false;
	c->sleep = VF_EMU_AWAKE;
	c->event = false;
	c->page = VF_EMU_NO_PAGE;
	c->systick = (vf_emu_systick){0};
	vf_emu_nvic_reset(c);
	vf_emu_scb_reset(c);
	/* As handler, hence privileged, so that nothing below is ignored. */
	vf_emu_core_set(c, UC_ARM_REG_XPSR_NZCVQG, 1u << 24 | VF_EMU_HARD_FAULT);
	vf_emu_core_set(c, UC_ARM_REG_CONTROL, 0);
	clear_registers(c);
}

void vf_emu_core_boot(vf_emu_core *c, uint32_t address)
{
	uint32_t sp, pc;
	if (c->running || c->machine->stopped)
		return;
	vf_emu_window_apply(c->machine);
	if (!vf_emu_bus_word(c, address, &sp) || !vf_emu_bus_word(c, address + 4, &pc)) {
		vf_emu_report(c, "starts at 0x%08x, where it can read no vectors", address);
		return;
	}
	bool blank = (pc & 1) == 0 || (sp & 3) != 0;
	if (blank && c->index != VF_EMU_M7)
		return; /* locked up, as a new board's second core is: the first one goes on */
	if (blank) {
		vf_emu_report(c,
			      "starts at 0x%08x, where no vectors are (stack 0x%08x, reset 0x%08x)",
			      address, sp, pc);
		return;
	}
	c->scb.vtor = address;
	c->running = true;
	c->pc = pc & ~1u;
	c->time_ps = c->machine->now_ps;
	c->mark = c->executed;
	vf_emu_core_set(c, UC_ARM_REG_R13, sp);
}
