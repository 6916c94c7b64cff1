/* stm32h7_quadspi.h - register offsets and bits of QUADSPI that its source files
 * share, and what they ask of each other. Values: stm32h747xx.h.
 */
#ifndef VCPFLASH_EMU_STM32H7_QUADSPI_H
#define VCPFLASH_EMU_STM32H7_QUADSPI_H

#include "stm32h7.h"

enum vf_h7_quadspi_offset {
	CR = 0x00,
	DCR = 0x04,
	SR = 0x08,
	FCR = 0x0C,
	DLR = 0x10,
	CCR = 0x14,
	AR = 0x18,
	ABR = 0x1C,
	DR = 0x20,
	PSMKR = 0x24,
	PSMAR = 0x28,
	PIR = 0x2C,
	LPTR = 0x30,
};

#define CR_EN    (1u << 0)
#define CR_ABORT (1u << 1)
#define CR_TCEN  (1u << 3)
#define CR_DFM   (1u << 6)
#define CR_APMS  (1u << 22)
#define CR_PMM   (1u << 23)
#define SR_TEF   (1u << 0)
#define SR_TCF   (1u << 1)
#define SR_FTF   (1u << 2)
#define SR_SMF   (1u << 3)
#define SR_TOF   (1u << 4)
#define SR_BUSY  (1u << 5)
#define CCR_SIOO (1u << 28)
#define CCR_DDRM (1u << 31)

enum vf_h7_quadspi_mode { FMODE_WRITE, FMODE_READ, FMODE_POLL, FMODE_MAPPED };

enum vf_h7_quadspi_state {
	QUADSPI_IDLE,
	QUADSPI_SENDING, /* a command without data */
	QUADSPI_WRITING,
	QUADSPI_READING,
	QUADSPI_POLLING,
	QUADSPI_MAPPED,
};

static inline uint32_t vf_h7_quadspi_reg(const vf_h7_quadspi *q, unsigned offset)
{
	return q->value[offset / 4];
}

static inline unsigned vf_h7_quadspi_fmode(const vf_h7_quadspi *q)
{
	return vf_h7_field(vf_h7_quadspi_reg(q, CCR), 26, 2);
}

static inline bool vf_h7_quadspi_has(const vf_h7_quadspi *q, unsigned phase)
{
	return vf_h7_field(vf_h7_quadspi_reg(q, CCR), phase, 2) != 0;
}

enum { PHASE_INSTRUCTION = 8, PHASE_ADDRESS = 10, PHASE_ALTERNATE = 14, PHASE_DATA = 24 };

/* stm32h7_quadspi.c: flags and FIFO. */
uint32_t vf_h7_quadspi_status(const vf_h7_quadspi *q);
void vf_h7_quadspi_raise(vf_h7_quadspi *q, uint32_t flag);
unsigned vf_h7_quadspi_threshold(const vf_h7_quadspi *q);

/* stm32h7_quadspi_command.c: a command as CCR describes it. */
void vf_h7_quadspi_start(vf_h7_quadspi *q);
void vf_h7_quadspi_abort(vf_h7_quadspi *q);
/* All bytes that may go between FIFO and chip by then. */
void vf_h7_quadspi_progress(vf_h7_quadspi *q, uint64_t now_ns);
uint64_t vf_h7_quadspi_next(const vf_h7_quadspi *q);
void vf_h7_quadspi_unmap(vf_h7_quadspi *q);
/* When `bytes` more will have passed between chip and FIFO, in nanoseconds. */
uint64_t vf_h7_quadspi_when(const vf_h7_quadspi *q, uint32_t bytes);

#endif
