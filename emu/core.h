/* core.h - what the files of the machine share: a core's state and the machine's.
 * Private to them; devices see device.h only.
 */
#ifndef VCPFLASH_EMU_CORE_H
#define VCPFLASH_EMU_CORE_H

#include "machine.h"

struct uc_struct;

enum vf_emu_exception {
	VF_EMU_NMI = 2,
	VF_EMU_HARD_FAULT = 3,
	VF_EMU_SVC = 11,
	VF_EMU_PENDSV = 14,
	VF_EMU_SYSTICK = 15,
	VF_EMU_IRQ0 = 16,
};

enum { VF_EMU_NO_PAGE = 1, VF_EMU_FOUND = 64 };

enum vf_emu_sleep { VF_EMU_AWAKE, VF_EMU_WFI, VF_EMU_WFE };

/* The nested vectored interrupt controller; bits are exception numbers. */
typedef struct vf_emu_nvic {
	uint32_t enabled[VF_EMU_EXCEPTIONS / 32];
	uint32_t pending[VF_EMU_EXCEPTIONS / 32];
	uint32_t level[VF_EMU_EXCEPTIONS / 32];
	uint32_t active[VF_EMU_EXCEPTIONS / 32];
	uint8_t priority[VF_EMU_EXCEPTIONS];
} vf_emu_nvic;

typedef struct vf_emu_systick {
	uint32_t control, load;
	bool counted;      /* COUNTFLAG */
	uint64_t start_ps; /* when it held `load` */
	uint32_t held;     /* its value while it stands */
} vf_emu_systick;

typedef struct vf_emu_mpu_region {
	uint32_t base, attributes; /* RBAR, RASR */
} vf_emu_mpu_region;

/* System control block, MPU, debug unit: registers that only keep a value are
 * kept in `value` by offset from 0xE000ED00. */
typedef struct vf_emu_scb {
	uint32_t value[0x300 / 4];
	uint32_t vtor, group, scr, ccr, cpacr, csselr;
	uint32_t mpu_control, mpu_number;
	vf_emu_mpu_region mpu[VF_EMU_MPU_REGIONS];
	uint32_t demcr, dwt_control;
	uint64_t cycle_base; /* cycles when CYCCNT was 0 */
	uint32_t debug[8];   /* ITM and TPIU registers that are only kept */
} vf_emu_scb;

/* What went wrong within an instruction. */
enum vf_emu_wrong {
	VF_EMU_FINE,
	VF_EMU_WRONG_READ,
	VF_EMU_WRONG_WRITE,
	VF_EMU_WRONG_FETCH,
	VF_EMU_WRONG_FPU,
};

typedef struct vf_emu_core {
	vf_emu_machine *machine;
	struct uc_struct *uc;
	uint8_t index;
	uint8_t sleep; /* enum vf_emu_sleep */
	bool running;  /* not held in reset */
	bool event;    /* the event register that WFE looks at */
	uint32_t pc;   /* next instruction, while none is under way */

	uint32_t hz;
	uint64_t cycle_ps; /* a clock cycle */
	uint64_t step_ps;  /* an instruction */
	uint64_t time_ps;  /* at instruction `mark` */
	uint64_t until_ps; /* end of its turn */
	uint64_t mark, executed, budget, limit;
	uint64_t slept_cycles; /* cycles that no instruction took */

	uint32_t last; /* instruction under way, or the last one */
	bool stopping; /* it has been asked to stop before the instruction under way */
	int raised;    /* Unicorn's exception number, -1 none */
	uint8_t wrong; /* enum vf_emu_wrong, of … */
	uint32_t wrong_at;
	const uint8_t *code; /* the page that instructions are fetched from … */
	uint32_t page;       /* … and its address */

	vf_emu_nvic nvic;
	vf_emu_systick systick;
	vf_emu_scb scb;
	uint8_t exception; /* the active one, 0 thread mode */
	uint64_t entered;  /* `executed` when it became that */
	uint64_t in[VF_EMU_EXCEPTIONS], taken[VF_EMU_EXCEPTIONS];
} vf_emu_core;

typedef struct vf_emu_span {
	uint32_t base, size;
	unsigned access;
	const char *reason;
} vf_emu_span;

/* A window as the machine keeps it. */
typedef struct vf_emu_view {
	const vf_emu_window *window;
	const vf_emu_device *device;
	unsigned spans;
	vf_emu_span span[VF_EMU_SPANS];
	unsigned mapped[VF_EMU_CORES]; /* what Unicorn has mapped of it */
	vf_emu_span map[VF_EMU_CORES][VF_EMU_CUTS];
	uint8_t *pages; /* page.c: what was fetched from there */
} vf_emu_view;

typedef struct vf_emu_ram {
	vf_emu_memory info;
	uint8_t *bytes, *pages;
	void *allocated;
} vf_emu_ram;

typedef struct vf_emu_range {
	unsigned core;
	uint32_t from, to;
	uint64_t count;
} vf_emu_range;

enum { VF_EMU_RAMS = 16 };

struct vf_emu_machine {
	vf_emu_machine_config config;
	vf_emu_bus bus;
	vf_emu_core core[VF_EMU_CORES];
	vf_emu_ram ram[VF_EMU_RAMS];
	unsigned rams;
	vf_emu_view view[VF_EMU_WINDOWS];
	unsigned views;
	vf_emu_devices devices;
	const vf_emu_device *found[VF_EMU_FOUND];

	uint64_t now_ps;      /* of the latest access or turn; never goes back */
	uint64_t next_ps;     /* when a device is due */
	vf_emu_core *running; /* the core whose turn it is, NULL between */
	uint64_t access_ps;   /* end of the access under way (stall) */

	bool remap;  /* rights changed: Unicorn's maps are to follow */
	bool forget; /* translated code is stale somewhere */
	bool reset_wanted;
	uint8_t reset_cause; /* enum vf_emu_reset */

	/* A store to a window changed its bytes under Unicorn's hands: what they are
	 * to be, written back before anything looks. */
	uint8_t *undo_at;
	uint8_t undo_size, undo[8];

	unsigned ranges;
	vf_emu_range range[VF_EMU_RANGES];
	bool stopped;
	char text[768];
};

/* core.c: execution */
int vf_emu_core_init(vf_emu_machine *m, unsigned index, vf_error *err);
void vf_emu_core_free(vf_emu_core *c);
void vf_emu_core_reset(vf_emu_core *c);
void vf_emu_core_boot(vf_emu_core *c, uint32_t address);
/* Executes until its time is `horizon_ps` or something has to be looked at. */
void vf_emu_core_run(vf_emu_core *c, uint64_t horizon_ps);
void vf_emu_core_settle(vf_emu_core *c);
uint64_t vf_emu_core_time(const vf_emu_core *c);
/* Looks up at the next instruction instead of at the end of its turn. */
void vf_emu_core_attend(vf_emu_core *c);
void vf_emu_core_clock(vf_emu_core *c, uint32_t hz);
uint64_t vf_emu_core_cycles(const vf_emu_core *c);
uint32_t vf_emu_core_get(const vf_emu_core *c, int reg); /* Unicorn's register numbers */
void vf_emu_core_set(vf_emu_core *c, int reg, uint32_t value);

/* exception.c: entry and return by hand */
void vf_emu_exception_enter(vf_emu_core *c, unsigned number);
void vf_emu_exception_return(vf_emu_core *c, uint32_t magic);
void vf_emu_exception_count(vf_emu_core *c, unsigned now);

/* nvic.c: what is pending, and what may interrupt */
enum vf_emu_ready { VF_EMU_NOTHING, VF_EMU_MASKED, VF_EMU_TAKE };
enum vf_emu_ready vf_emu_nvic_ready(const vf_emu_core *c, unsigned *number);
bool vf_emu_nvic_wakes(const vf_emu_core *c);
void vf_emu_nvic_reset(vf_emu_core *c);
void vf_emu_nvic_level(vf_emu_core *c, unsigned number, bool high);
void vf_emu_nvic_pend(vf_emu_core *c, unsigned number);
bool vf_emu_nvic_access(vf_emu_core *c, uint32_t offset, bool write, uint32_t *value);
static inline bool vf_emu_bit(const uint32_t *bits, unsigned n)
{
	return (bits[n / 32] >> (n % 32) & 1) != 0;
}
static inline void vf_emu_bit_put(uint32_t *bits, unsigned n, bool value)
{
	bits[n / 32] = (bits[n / 32] & ~(1u << (n % 32))) | ((uint32_t)value << (n % 32));
}

/* systick.c */
void vf_emu_systick_access(vf_emu_core *c, uint32_t offset, bool write, uint32_t *value);
uint64_t vf_emu_systick_next(const vf_emu_core *c); /* ps; VF_EMU_NEVER */
void vf_emu_systick_due(vf_emu_core *c, uint64_t now_ps);

/* scb.c: the private peripheral bus, by offset from 0xE0000000 */
void vf_emu_scb_reset(vf_emu_core *c);
uint32_t vf_emu_private_read(vf_emu_core *c, uint32_t offset, unsigned size);
void vf_emu_private_write(vf_emu_core *c, uint32_t offset, unsigned size, uint32_t value);

/* mpu.c */
void vf_emu_mpu_access(vf_emu_core *c, uint32_t offset, bool write, uint32_t *value);
unsigned vf_emu_mpu_allows(const vf_emu_core *c, uint32_t address); /* enum vf_emu_access */
/* The first address above `address` where the answer may differ. */
uint32_t vf_emu_mpu_edge(const vf_emu_core *c, uint32_t address);

/* window.c */
int vf_emu_window_add(vf_emu_machine *m, const vf_emu_device *device, vf_error *err);
void vf_emu_window_open(vf_emu_machine *m, uint32_t base, uint32_t size, unsigned access,
			const char *reason);
void vf_emu_window_close_all(vf_emu_machine *m);
void vf_emu_window_apply(vf_emu_machine *m);
vf_emu_view *vf_emu_window_at(vf_emu_machine *m, uint32_t address);
const vf_emu_span *vf_emu_window_span(const vf_emu_view *view, uint32_t address);
bool vf_emu_window_store(vf_emu_core *c, uint32_t address, unsigned size, uint64_t value);
void vf_emu_window_undo(vf_emu_machine *m);

/* page.c: pages that instructions were fetched from */
uint8_t *vf_emu_page_make(vf_emu_machine *m, uint32_t size);
void vf_emu_page_fetched(const vf_emu_core *c, uint8_t *flags, uint32_t offset);
void vf_emu_page_stale(vf_emu_machine *m, uint8_t *flags, uint32_t offset, uint32_t len);
void vf_emu_page_stale_all(vf_emu_core *c);
void vf_emu_page_unmap(vf_emu_core *c, vf_emu_view *v);
void vf_emu_page_forget(vf_emu_machine *m);

/* bus.c */
void vf_emu_bus_init(vf_emu_machine *m);
uint32_t vf_emu_bus_read(vf_emu_core *c, uint32_t address, unsigned size);
void vf_emu_bus_write(vf_emu_core *c, uint32_t address, unsigned size, uint32_t value);
void vf_emu_bus_due(vf_emu_machine *m, uint64_t now_ps);
void vf_emu_bus_refresh(vf_emu_machine *m);
/* The page that `address` lies in, for instructions; marks it as executed. */
const uint8_t *vf_emu_bus_code(vf_emu_core *c, uint32_t address);
bool vf_emu_bus_word(vf_emu_core *c, uint32_t address, uint32_t *value); /* as the core reads */
bool vf_emu_bus_put(vf_emu_core *c, uint32_t address, uint32_t value);

/* report.c: the end of the run */
void vf_emu_report(vf_emu_core *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void vf_emu_report_list(vf_emu_machine *m, vf_emu_core *c, const char *format, va_list list);
void vf_emu_report_wrong(vf_emu_core *c);
const char *vf_emu_core_name(unsigned index);

#endif
