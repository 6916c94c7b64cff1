/* device.h - the seam between the machine (two cores, their memories, time) and
 * the devices of a microcontroller. Private to the room.
 *
 * A device is plain C: registers at an address range, and a time at which it
 * wants to do something by itself. It knows nothing of the cores; whatever it
 * needs from outside it asks for at the doors of vf_emu_bus, which the machine
 * serves. The machine calls one device at a time and never from within a door,
 * so a device may call any door from any of its functions, with one exception:
 * bus.read and bus.write of a DMA master may reach another device's registers.
 *
 * Conventions: times are emulated nanoseconds since power-on and never go back.
 * Addresses are the bus's. Cores: 0 = Cortex-M7, 1 = Cortex-M4. Doors may be
 * called until the machine is freed. Nothing allocates at the doors.
 */
#ifndef VCPFLASH_EMU_DEVICE_H
#define VCPFLASH_EMU_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VF_EMU_M7 = 0, VF_EMU_M4 = 1, VF_EMU_CORES = 2 };

#define VF_EMU_NEVER UINT64_MAX

/* Who asks for a memory: what it can reach differs (DMA1 and DMA2 see no
 * tightly coupled memory, MDMA does). */
enum vf_emu_master {
	VF_EMU_BY_M7 = 1,
	VF_EMU_BY_M4 = 2,
	VF_EMU_BY_DMA = 4, /* DMA1, DMA2: the D2 bus matrix */
	VF_EMU_BY_MDMA = 8,
	VF_EMU_BY_BDMA = 16, /* D3 only */
	VF_EMU_BY_ALL = 31,
};

/* What a core may do with an address range. */
enum vf_emu_access { VF_EMU_NONE = 0, VF_EMU_READ = 1, VF_EMU_FETCH = 2 };

enum vf_emu_reset {
	VF_EMU_RESET_POWER, /* power-on: nothing survives but flash */
	VF_EMU_RESET_PIN,   /* the reset button */
	VF_EMU_RESET_M7,    /* SYSRESETREQ of a core */
	VF_EMU_RESET_M4,
	VF_EMU_RESET_DEVICE, /* asked for by a device: a watchdog */
};

/* Doors that a device calls; served by the machine. */
typedef struct vf_emu_bus {
	void *context;

	/* Emulated time. Within a device's read or write: that of the access. */
	uint64_t (*now_ns)(void *context);
	/* The core whose access a device's read or write serves; the Cortex-M7 outside
	 * of one. Registers that each core has of its own are told apart by it (RCC,
	 * HSEM). */
	unsigned (*core)(void *context);
	/* The access under way takes until then: the bus waits (a FIFO that is full). */
	void (*stall)(void *context, uint64_t until_ns);

	/* The level of an NVIC input of a core; a rise makes it pending, and while it
	 * is high it becomes pending again on return. `number` is the position in
	 * the vector table of the reference manual (0 = WWDG). */
	void (*irq)(void *context, unsigned core, unsigned number, bool level);
	/* A core waits in WFI or WFE: its sleep-mode clock enables (RCC) count. */
	bool (*asleep)(void *context, unsigned core);
	/* A wake-up event (RXEV) for a core that waits in WFE. */
	void (*event)(void *context, unsigned core);

	/* What a DMA master does. 0, or -1 where that master can reach nothing: a
	 * transfer error (memory and window contents are read and written by any
	 * length; a device's register by 1, 2 or 4 bytes at once). */
	int (*read)(void *context, enum vf_emu_master by, uint32_t address, void *data,
		    uint32_t len);
	int (*write)(void *context, enum vf_emu_master by, uint32_t address, const void *data,
		     uint32_t len);

	/* What the manual forbids: the run stops here and says so, with the core, its
	 * address and registers added by the machine. One line without an end mark. */
	void (*stop)(void *context, const char *format, ...) __attribute__((format(printf, 2, 3)));

	/* A window: an address range whose contents a device owns (see vf_emu_window).
	 * `access` is what cores and masters may do from now on; anything else stops
	 * the run with `reason` (static or of the device's lifetime), e.g.
	 * "QUADSPI is not memory-mapped". Reads and fetches cost the device no call.
	 * Takes effect at once for data, at the end of the running straight line of
	 * instructions for fetches. */
	void (*open)(void *context, uint32_t base, uint32_t size, unsigned access,
		     const char *reason);
	/* Bytes of a window changed behind the cores' backs: what was translated from
	 * there is forgotten. */
	void (*changed)(void *context, uint32_t base, uint32_t size);

	/* Resets the microcontroller at the end of the running instruction: every
	 * device's reset is called, then the cores start as `boot` says. */
	void (*reset)(void *context, enum vf_emu_reset cause);
	/* Starts a core that stands in reset: initial stack pointer and program counter
	 * are fetched from the vector table at `address`. Called from within reset by
	 * the device that knows the option bytes, or later (RCC GCR BOOT_C2). A core
	 * for which it is not called stands still. Ignored for a core that runs. */
	void (*boot)(void *context, unsigned core, uint32_t address);
	/* A core's clock from now on, in hertz (RCC). */
	void (*clock)(void *context, unsigned core, uint32_t hz);
} vf_emu_bus;

/* An address range whose bytes a device owns: internal flash, the mapped
 * external flash. Closed until the device opens it (bus.open; parts of it may
 * differ, in multiples of 4 KB). A core's store to it becomes a call of `store`. */
typedef struct vf_emu_window {
	uint32_t base, size; /* multiples of 4 KB */
	uint8_t *bytes;
	unsigned by; /* enum vf_emu_master: who reaches it */
	/* NULL: a store stops the run. Returns false where it must not be: then the
	 * run stops too, naming address and core. */
	bool (*store)(void *state, uint32_t address, unsigned size, uint32_t value);
} vf_emu_window;

typedef struct vf_emu_device {
	const char *name; /* as the manual spells it: "USART1" */
	uint32_t base, size;
	void *state;
	const vf_emu_window *window; /* NULL, or `windows` of them */
	unsigned windows;

	/* Registers: `size` is 1, 2 or 4; offset below `size` of the device. The
	 * machine lets `advance` catch up before each. */
	uint32_t (*read)(void *state, uint32_t offset, unsigned size);
	void (*write)(void *state, uint32_t offset, unsigned size, uint32_t value);
	/* When it has something to do by itself; VF_EMU_NEVER if not. Looked at again
	 * after every write to any device and after every read of this one. NULL: never. */
	uint64_t (*next_ns)(const void *state);
	/* Everything that is due by `now_ns`, in order. NULL where next_ns is. */
	void (*advance)(void *state, uint64_t now_ns);
	void (*reset)(void *state, enum vf_emu_reset cause);
} vf_emu_device;

/* What the peripherals of a microcontroller are to the machine. The order is
 * that of resets and of lookup. */
typedef struct vf_emu_devices {
	const vf_emu_device *device;
	unsigned count;
} vf_emu_devices;

#endif
