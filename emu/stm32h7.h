/* stm32h7.h - the peripherals of an STM32H747 as the Discovery board has them
 * wired, for the machine of device.h. Private to the room; docs/EMULATOR.md lists
 * every register with its source and what is simplified.
 *
 * Conventions: the caller owns all memory and serves the doors. Times are the
 * bus's nanoseconds. Nothing is allocated, no globals.
 */
#ifndef VCPFLASH_EMU_STM32H7_H
#define VCPFLASH_EMU_STM32H7_H

#include "stm32h7_otg.h"
#include "stm32h7_register.h"

#include <vcpflash/sim_chip.h>

enum {
	VF_H7_FLASH_BASE = 0x08000000,
	VF_H7_FLASH_BANK = 1u << 20, /* bytes of a bank; two of them */
	VF_H7_FLASH_SECTOR = 128u << 10,
	VF_H7_FLASH_WORD = 32, /* programmed at once, under one ECC */
	VF_H7_FLASH_WORDS = 2 * VF_H7_FLASH_BANK / VF_H7_FLASH_WORD,
	VF_H7_PORTS = 11, /* GPIOA to GPIOK */
	VF_H7_STREAMS = 8,
	VF_H7_MDMA_CHANNELS = 16,
	VF_H7_QSPI_FIFO = 32,
	VF_H7_QSPI_BUFFER = 4096, /* of the model: what one chip transaction may carry */
	VF_H7_UART_FIFO = 16,
	VF_H7_UART_LINE = 8192, /* of the model: bytes that wait on the line */
	VF_H7_DEVICES = 48,
};

#define VF_H7_MAPPED_BASE 0x90000000u

/* Which board it sits on: what its pins are wired to. */
enum vf_h7_board {
	VF_H7_H747I_DISCO, /* UART: USART1; USB: OTG1_HS behind a ULPI PHY */
	VF_H7_H745I_DISCO, /* UART: USART3; USB: OTG2_FS */
};

/* The last option bytes that were programmed; they outlive a power cut. */
typedef struct vf_h7_options {
	uint32_t status; /* OPTSR: BCM4, BCM7, RDP, … */
	uint32_t boot7, boot4;
	uint32_t protect[2]; /* WPSN of each bank: a 0 protects */
} vf_h7_options;

typedef struct vf_stm32h7_config {
	const vf_emu_bus *bus;
	enum vf_h7_board board;
	uint8_t *flash;         /* internal flash, 2 MB, bank 1 first */
	uint8_t *nor_array;     /* the array of `nor`, in memory-mapped order */
	uint32_t nor_size;      /* both dies */
	vf_sim_chip *nor;       /* two dies in parallel on QUADSPI */
	uint32_t uid[3];        /* unique device id */
	uint64_t seed;          /* of the random number generator */
	bool usb_wake_lost;     /* its OTG cores raise no WKUINT */
	bool usb_keeps;         /* … and keep EPENA over a reset of the bus */
	bool rng_broken;        /* which has a seed error and gives nothing */
	bool crystal_broken;    /* HSE never gets ready, */
	bool pll_broken;        /* no PLL does */
	vf_h7_options *options; /* NULL: as delivered, and lost with the model */

	/* The other end of the virtual COM port takes a byte that the USART sent at
	 * `baud`, when its stop bit has passed. */
	void (*sent)(void *context, uint8_t byte, uint32_t baud);
	void *context;
} vf_stm32h7_config;

/* As option bytes leave the factory, except for what the fields say. */
void vf_h7_options_default(vf_h7_options *options);

typedef struct vf_h7_rcc {
	vf_h7_unit unit;
	uint32_t value[0x200 / 4];
	uint64_t ready_ns[8]; /* enum in stm32h7_rcc.c: when an oscillator is stable */
	uint32_t hz[VF_EMU_CORES];
	uint32_t cause; /* RSR flags of both cores */
	bool held[VF_EMU_CORES];
} vf_h7_rcc;

typedef struct vf_h7_pwr {
	vf_h7_unit unit;
	uint32_t value[0x2C / 4];
	uint64_t ready_ns; /* when the voltage is what D3CR asks for */
	bool supplied;     /* the supply was configured, which works once */
} vf_h7_pwr;

/* One bank of the internal flash. */
typedef struct vf_h7_bank {
	uint8_t key;  /* of the unlock sequence: keys seen */
	bool refused; /* a wrong key: locked until reset */
	bool erasing;
	uint8_t have;  /* bytes in the write buffer */
	uint32_t word; /* … and where it goes (offset in the flash) */
	uint8_t buffer[VF_H7_FLASH_WORD];
	uint32_t at, size; /* what runs: its range */
	uint64_t ends;     /* 0: nothing */
} vf_h7_bank;

typedef struct vf_h7_flash {
	vf_h7_unit unit;
	uint32_t value[0x164 / 4];
	vf_h7_bank bank[2];
	uint8_t option_key;
	bool option_refused;
	uint64_t option_ends;
	vf_h7_options own;
	uint64_t erases, programs;
	uint8_t used[VF_H7_FLASH_WORDS / 8]; /* a bit each word: programmed since erased */
} vf_h7_flash;

typedef struct vf_h7_syscfg {
	vf_h7_unit unit;
	uint32_t value[0x348 / 4];
} vf_h7_syscfg;

typedef struct vf_h7_hsem {
	vf_h7_unit unit;
	uint32_t lock[32];
	uint32_t enable[VF_EMU_CORES], status[VF_EMU_CORES];
	uint32_t key;
} vf_h7_hsem;

typedef struct vf_h7_gpio {
	vf_h7_unit unit;
	uint32_t value[0x28 / 4];
	uint16_t driven, level; /* what the board drives onto pins, and how */
} vf_h7_gpio;

typedef struct vf_h7_uart {
	vf_h7_unit unit;
	const struct vf_h7_uart_place *place;
	uint32_t value[0x30 / 4];
	uint32_t flags; /* of ISR: those that are kept, not computed */
	uint16_t rx[VF_H7_UART_FIFO];
	uint8_t rx_count, tx_count;
	uint8_t tx[VF_H7_UART_FIFO];
	uint8_t shift;
	bool preamble;        /* what is shifted out is the idle frame that TE begins with */
	bool shifting, heard; /* a byte arrived since the line was last called idle */
	uint64_t shift_ends;
	uint64_t quiet_ns; /* when the last byte from the line ended */
	uint16_t line[VF_H7_UART_LINE];
	uint32_t line_at, line_count, line_baud;
	uint64_t line_ns; /* when the first byte on the line will have ended */
	uint64_t overruns, lost, received, transmitted;
	bool level;
} vf_h7_uart;

typedef struct vf_h7_stream {
	uint32_t whole; /* NDTR as it was when enabled */
	uint32_t par, mar;
	bool level;
} vf_h7_stream;

typedef struct vf_h7_dma {
	vf_h7_unit unit;
	uint32_t value[0xD0 / 4];
	vf_h7_stream stream[VF_H7_STREAMS];
	uint8_t number; /* 1 or 2 */
} vf_h7_dma;

typedef struct vf_h7_dmamux {
	vf_h7_unit unit;
	uint32_t value[0x148 / 4];
} vf_h7_dmamux;

typedef struct vf_h7_channel {
	uint32_t source, target; /* running addresses */
	uint32_t left;           /* of the block */
	uint32_t bndt, repeat;   /* whole block, blocks still to come */
	bool requested;          /* by software, or the rest of a block */
	uint64_t ends;           /* when software's block will have moved */
} vf_h7_channel;

typedef struct vf_h7_mdma {
	vf_h7_unit unit;
	uint32_t value[0x440 / 4];
	vf_h7_channel channel[VF_H7_MDMA_CHANNELS];
	bool level;
} vf_h7_mdma;

typedef struct vf_h7_quadspi {
	vf_h7_unit unit;
	uint32_t value[0x34 / 4];
	vf_emu_window window;
	uint8_t fifo[VF_H7_QSPI_FIFO];
	uint8_t in_fifo, state; /* enum in stm32h7_quadspi.c */
	bool level, level_seen;
	uint8_t buffer[VF_H7_QSPI_BUFFER];
	uint32_t filled, taken; /* bytes of the buffer read from the chip, handed on */
	uint32_t left;          /* data bytes of the command not yet through the FIFO */
	uint32_t on_bus;        /* … and not yet over the bus */
	uint32_t address;
	uint64_t clock_ps;         /* a cycle, in picoseconds */
	uint64_t byte_ps, free_ps; /* a byte, and when the bus is free for the next */
	uint64_t poll_ns, wait_ns;
	uint64_t commands, bytes;
} vf_h7_quadspi;

typedef struct vf_h7_rtc {
	vf_h7_unit unit;
	uint32_t value[0xD0 / 4];
	uint8_t key;
} vf_h7_rtc;

typedef struct vf_h7_rng {
	vf_h7_unit unit;
	uint32_t value[3];
	uint64_t state;
} vf_h7_rng;

/* Registers that only keep what is written. */
typedef struct vf_h7_plain {
	vf_h7_unit unit;
	uint32_t value[0xF0 / 4];
} vf_h7_plain;

enum vf_h7_plain_block {
	VF_H7_EXTI,
	VF_H7_ART,
	VF_H7_DBGMCU,
	VF_H7_FMC,
	VF_H7_UID,
	VF_H7_CRS,
	VF_H7_PLAINS
};

typedef struct vf_stm32h7 {
	vf_stm32h7_config config;
	vf_h7_rcc rcc;
	vf_h7_pwr pwr;
	vf_h7_flash flash;
	vf_h7_syscfg syscfg;
	vf_h7_hsem hsem;
	vf_h7_gpio gpio[VF_H7_PORTS];
	vf_h7_uart usart1, usart3;
	vf_h7_otg otg[2];
	vf_h7_dma dma[2];
	vf_h7_dmamux dmamux1;
	vf_h7_mdma mdma;
	vf_h7_quadspi quadspi;
	vf_h7_rtc rtc;
	vf_h7_rng rng;
	vf_h7_plain plain[VF_H7_PLAINS];
	vf_emu_window flash_window;
	vf_emu_device device[VF_H7_DEVICES];
	vf_emu_devices devices;
} vf_stm32h7;

/* Places the peripherals, as at power-on but not yet reset: the machine resets
 * them when it starts. `soc` must stay where it is. */
const vf_emu_devices *vf_stm32h7_init(vf_stm32h7 *soc, const vf_stm32h7_config *config);

/* The line towards the board's USART: bytes that the other end sends one after the other at
 * `baud`. Returns how many were taken; the line holds VF_H7_UART_LINE. */
size_t vf_stm32h7_feed(vf_stm32h7 *soc, const uint8_t *data, size_t len, uint32_t baud);
size_t vf_stm32h7_feed_space(const vf_stm32h7 *soc);
uint32_t vf_stm32h7_baud(const vf_stm32h7 *soc); /* of that USART now; 0 if it has none */
/* The USART that the board's virtual COM port is at. */
vf_h7_uart *vf_stm32h7_uart(vf_stm32h7 *soc);
/* The OTG core behind the board's USB socket, 1 or 2. */
unsigned vf_h7_usb_number(enum vf_h7_board board);
vf_h7_otg *vf_stm32h7_usb(vf_stm32h7 *soc);

/* The user button (PC13), pressed or not. */
void vf_stm32h7_button(vf_stm32h7 *soc, bool pressed);

/* Power died in the middle of whatever runs: flash words and sectors are torn.
 * The board's chips are the caller's to cut. */
void vf_stm32h7_power_cut(vf_stm32h7 *soc);

/* ---- between the peripherals ---- */

static inline uint64_t vf_h7_now(const vf_stm32h7 *soc)
{
	return soc->config.bus->now_ns(soc->config.bus->context);
}

static inline unsigned vf_h7_core(const vf_stm32h7 *soc)
{
	const vf_emu_bus *bus = soc->config.bus;

	return bus->core != NULL ? bus->core(bus->context) : VF_EMU_M7;
}

static inline bool vf_h7_asleep(const vf_stm32h7 *soc, unsigned core)
{
	const vf_emu_bus *bus = soc->config.bus;

	return bus->asleep != NULL && bus->asleep(bus->context, core);
}

/* The same level on both cores' input: either may have it enabled. */
void vf_h7_irq(const vf_stm32h7 *soc, unsigned number, bool level);

/* stm32h7_clock.c: frequencies in hertz, 0 where the source does not run. */
uint32_t vf_h7_sysclk(const vf_stm32h7 *soc);
uint32_t vf_h7_core_hz(const vf_stm32h7 *soc, unsigned core);
uint32_t vf_h7_hclk(const vf_stm32h7 *soc);
uint32_t vf_h7_pclk2(const vf_stm32h7 *soc);
uint32_t vf_h7_usart16_hz(const vf_stm32h7 *soc);
uint32_t vf_h7_usart28_hz(const vf_stm32h7 *soc);
uint32_t vf_h7_usb_hz(const vf_stm32h7 *soc);
uint32_t vf_h7_quadspi_hz(const vf_stm32h7 *soc);
/* Stops the run where a clock is faster than supply, flash wait states or a
 * domain allow. Called after whatever may change one. */
void vf_h7_clock_check(vf_stm32h7 *soc);

/* stm32h7_rcc.c */
enum vf_h7_oscillator {
	VF_H7_HSI,
	VF_H7_CSI,
	VF_H7_HSI48,
	VF_H7_HSE,
	VF_H7_PLL1,
	VF_H7_PLL2,
	VF_H7_PLL3,
	VF_H7_OSCILLATORS,
};
bool vf_h7_rcc_enabled(const vf_stm32h7 *soc, unsigned gate, unsigned bit);
/* A core that has gate `bit` enabled sleeps, and has gate `with` enabled for that. */
bool vf_h7_rcc_dozes(const vf_stm32h7 *soc, unsigned gate, unsigned bit, unsigned with);
bool vf_h7_rcc_ready(const vf_stm32h7 *soc, enum vf_h7_oscillator which);

/* stm32h7_pwr.c */
unsigned vf_h7_voltage_scale(const vf_stm32h7 *soc); /* 0 to 3 */
bool vf_h7_backup_writable(const vf_stm32h7 *soc);

/* stm32h7_flash.c */
bool vf_h7_flash_busy(const vf_stm32h7 *soc, unsigned bank);
const vf_h7_options *vf_h7_flash_options(const vf_stm32h7 *soc);

/* stm32h7_gpio.c: is the pin ("PA9": port 0, pin 9) in alternate function `af`? */
bool vf_h7_pin_is(const vf_stm32h7 *soc, unsigned port, unsigned pin, unsigned af);

/* stm32h7_dma.c, stm32h7_mdma.c: something may have a request. */
void vf_h7_dma_pump(vf_stm32h7 *soc);
void vf_h7_mdma_pump(vf_stm32h7 *soc);
bool vf_h7_uart_requests(const vf_h7_uart *uart, bool receive);
bool vf_h7_quadspi_requests(const vf_h7_quadspi *quadspi, bool complete);

/* Each sets up its devices from `device` on and returns how many. */
unsigned vf_h7_rcc_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_pwr_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_flash_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_syscfg_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_hsem_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_gpio_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_uart_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_otg_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_dma_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_mdma_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_quadspi_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_rtc_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_rng_init(vf_stm32h7 *soc, vf_emu_device *device);
unsigned vf_h7_plain_init(vf_stm32h7 *soc, vf_emu_device *device);

#endif
