/* stm32h7_rig.h - the STM32H747's peripherals on a bench: a clock that the test
 * moves, some memory, the doors, and what the run would have stopped for.
 */
#ifndef VCPFLASH_TESTS_EMU_STM32H7_RIG_H
#define VCPFLASH_TESTS_EMU_STM32H7_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stm32h7.h"

#define RIG_SRAM 0x24000000u /* AXI SRAM */
#define RIG_DTCM 0x20000000u
enum { RIG_MEMORY = 64 << 10, RIG_SENT = 4096, RIG_IRQS = 150 };

#define RCC     0x58024400u
#define PWR     0x58024800u
#define FLASHR  0x52002000u
#define SYSCFG  0x58000400u
#define HSEM    0x58026400u
#define USART1  0x40011000u
#define DMA1    0x40020000u
#define DMAMUX1 0x40020800u
#define MDMA    0x52000000u
#define QUADSPI 0x52005000u
#define OTG1    0x40040000u
#define OTG2    0x40080000u
#define GPIO(n) (0x58020000u + 0x400u * (n))

typedef struct rig {
	vf_stm32h7 soc;
	vf_emu_bus bus;
	const vf_emu_devices *devices;
	vf_h7_options options;
	uint64_t now;
	unsigned core;
	uint8_t *flash, *array;
	void *chip;
	uint8_t sram[RIG_MEMORY], dtcm[RIG_MEMORY];
	bool irq[VF_EMU_CORES][RIG_IRQS];
	bool flash_open[2], mapped;
	uint32_t mapped_size;
	uint32_t booted[VF_EMU_CORES], hz[VF_EMU_CORES];
	unsigned stops, resets;
	char stop[300];
	uint8_t sent[RIG_SENT];
	size_t sent_len;
	uint32_t sent_baud;
} rig;

/* After a power-on reset; nothing is configured. */
rig *rig_new(void);
rig *rig_new_board(enum vf_h7_board board);
void rig_free(rig *r);

uint32_t rd(rig *r, uint32_t address);
void wr(rig *r, uint32_t address, uint32_t value);
uint32_t rd_size(rig *r, uint32_t address, unsigned size);
void wr_size(rig *r, uint32_t address, unsigned size, uint32_t value);
void set(rig *r, uint32_t address, uint32_t bits);
void clear(rig *r, uint32_t address, uint32_t bits);
/* A store into a window, as a core makes it. */
bool rig_store(rig *r, uint32_t address, unsigned size, uint32_t value);

/* Emulated time goes on, and devices do what is due. */
void rig_run(rig *r, uint64_t ns);
void rig_reset(rig *r, enum vf_emu_reset cause);

/* The run was to stop since the last question, with a sentence that contains
 * `text`; or it was not. */
#define assert_stop(r, text) rig_assert_stop(r, text, __FILE__, __LINE__)
void rig_assert_stop(rig *r, const char *text, const char *file, int line);
#define assert_runs(r) rig_assert_runs(r, __FILE__, __LINE__)
void rig_assert_runs(rig *r, const char *file, int line);

/* What a board's start-up does: supply, voltage scale 1, PLLs as at 400 MHz. */
void rig_clocks(rig *r);
void rig_pin(rig *r, unsigned port, unsigned pin, unsigned af);
/* Clocks, pins and USART1 at `baud` with FIFO; other bits of CR1 and CR3. */
void rig_usart(rig *r, uint32_t baud, uint32_t cr1, uint32_t cr3);
/* Clocks, pins and QUADSPI with two dies of 64 MB at 100 MHz. */
void rig_quadspi(rig *r);

#endif
