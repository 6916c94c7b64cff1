/* machine.h - two emulated cores, what they share, and time. Private to the room.
 *
 * A machine executes Thumb code of a Cortex-M7 and a Cortex-M4 over memories that
 * both see, calls devices (device.h) for everything else, and keeps one emulated
 * time: every instruction takes the same number of clock cycles. The cores run in
 * turns of at most VF_EMU_TURN_PS and never past the next thing that a device
 * does, so a run repeats exactly, whatever the PC does meanwhile.
 *
 * Unicorn executes instructions. What makes a microcontroller of them is here:
 * exceptions, NVIC, SysTick, MPU, sleeping, clocks, the memory map.
 *
 * What no program may do ends the run: vf_emu_machine_run returns VF_E_FLASH
 * and vf_emu_machine_stopped says what, where, with the core's registers.
 *
 * Conventions: internal times are picoseconds (a slow clock's cycle is no whole
 * number of nanoseconds). Memory comes from vf_alloc. No globals.
 */
#ifndef VCPFLASH_EMU_MACHINE_H
#define VCPFLASH_EMU_MACHINE_H

#include <vcpflash/alloc.h>
#include <vcpflash/error.h>

#include "device.h"

enum {
	VF_EMU_EXCEPTIONS = 256, /* exception numbers: 16 + NVIC input */
	VF_EMU_MPU_REGIONS = 16,
	VF_EMU_WINDOWS = 4,
	VF_EMU_SPANS = 32,         /* ranges of one window with the same rights */
	VF_EMU_CUTS = 192,         /* … once the MPU's regions cut them */
	VF_EMU_PAGE = 4096,        /* granularity of rights and of translated code */
	VF_EMU_ACCESS_CYCLES = 16, /* a device's register, over bridges and slower buses */
	VF_EMU_RANGES = 16,        /* address ranges whose instructions are counted */
};

#define VF_EMU_TURN_PS   UINT64_C(10000000) /* 10 us */
#define VF_EMU_PS_PER_NS 1000u

typedef struct vf_emu_machine vf_emu_machine;

/* Plain memory. Two entries may name the same bytes (an alias). */
typedef struct vf_emu_memory {
	const char *name;
	uint32_t base, size; /* multiples of 4 KB */
	unsigned by;         /* enum vf_emu_master */
	int alias_of;        /* index of the entry whose bytes these are; -1: its own */
} vf_emu_memory;

typedef struct vf_emu_machine_config {
	vf_alloc alloc;
	const vf_emu_memory *memory; /* copied */
	unsigned memories;
	unsigned cycles[VF_EMU_CORES]; /* clock cycles an instruction; 0 = 2 */
	uint64_t seed;                 /* what memories hold at power-on */
} vf_emu_machine_config;

/* NULL: `err` says why. */
vf_emu_machine *vf_emu_machine_new(const vf_emu_machine_config *config, vf_error *err);
void vf_emu_machine_free(vf_emu_machine *m);

/* The doors for devices; valid until the machine is freed. */
const vf_emu_bus *vf_emu_machine_bus(vf_emu_machine *m);
/* Once, before power-on; the devices stay the caller's. */
int vf_emu_machine_attach(vf_emu_machine *m, const vf_emu_devices *devices, vf_error *err);

/* Power-on at that time: memories are filled with noise, everything is reset. */
void vf_emu_machine_power_on(vf_emu_machine *m, uint64_t at_ns);
void vf_emu_machine_reset(vf_emu_machine *m, enum vf_emu_reset cause);

/* Lets everything happen that is due by `until_ns`. VF_OK, or VF_E_FLASH
 * once the run was stopped (nothing happens any more until power-on). */
int vf_emu_machine_run(vf_emu_machine *m, uint64_t until_ns);
const char *vf_emu_machine_stopped(const vf_emu_machine *m); /* NULL if not */
uint64_t vf_emu_machine_now(const vf_emu_machine *m);        /* ns */
/* When something happens next by itself; now if a core is awake. */
uint64_t vf_emu_machine_next(const vf_emu_machine *m);
/* Something outside the devices' own doing changed when they are due. */
void vf_emu_machine_touch(vf_emu_machine *m);

/* Bytes of memory or windows; NULL where [address, address + len) is neither. */
uint8_t *vf_emu_machine_bytes(vf_emu_machine *m, unsigned by, uint32_t address, uint32_t len);

/* Instructions a core executed since power-on: all, and those within an
 * exception (16 + NVIC input; 0 = thread mode), without what interrupted it. */
uint64_t vf_emu_machine_executed(const vf_emu_machine *m, unsigned core);
uint64_t vf_emu_machine_executed_in(const vf_emu_machine *m, unsigned core, unsigned exception);
uint64_t vf_emu_machine_taken(const vf_emu_machine *m, unsigned core, unsigned exception);
/* Counts instructions of a core at [from, to) from now on. Slower while any is
 * set. Returns its index, or VF_E_NOMEM. */
int vf_emu_machine_watch(vf_emu_machine *m, unsigned core, uint32_t from, uint32_t to);
uint64_t vf_emu_machine_watched(const vf_emu_machine *m, int index);

#endif
