/* stm32h747.h - the registers that the firmware of these boards uses, and no others. The
 * STM32H745 is the same part without DSI.
 *
 * Names, addresses and bit positions are those of ST's CMSIS device header
 * (cmsis_device_h7, Include/stm32h747xx.h), of the reference manual RM0399, and for the
 * core of the ARMv7-M architecture manual.
 */
#ifndef STM32H747_H
#define STM32H747_H

#include <stdint.h>

#include "board.h"

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define BIT(n)       ((uint32_t)1 << (n))

/* --- the core --------------------------------------------------------------- */

#define SCB_CPUID   REG(0xE000ED00)
#define SCB_ICSR    REG(0xE000ED04)
#define SCB_VTOR    REG(0xE000ED08)
#define SCB_AIRCR   REG(0xE000ED0C)
#define SCB_SCR     REG(0xE000ED10)
#define SCB_CCR     REG(0xE000ED14)
#define SCB_CCSIDR  REG(0xE000ED80)
#define SCB_CSSELR  REG(0xE000ED84)
#define SCB_ICIALLU REG(0xE000EF50)
#define SCB_DCIMVAC REG(0xE000EF5C)
#define SCB_DCISW   REG(0xE000EF60)
#define SCB_DCCISW  REG(0xE000EF74)
#define MPU_CTRL    REG(0xE000ED94)
#define MPU_RBAR    REG(0xE000ED9C)
#define MPU_RASR    REG(0xE000EDA0)

enum { SCB_CCR_BFHFNMIGN = 1 << 8, SCB_CCR_DC = 1 << 16, SCB_CCR_IC = 1 << 17 };
enum { SCB_SCR_SEVONPEND = 1 << 4 };
enum { MPU_CTRL_ENABLE = 1 << 0, MPU_CTRL_PRIVDEFENA = 1 << 2, MPU_RBAR_VALID = 1 << 4 };

/* Interrupt numbers (IRQn_Type). */
enum { IRQ_DMA1_STREAM0 = 11, IRQ_DMA1_STREAM1, IRQ_HSEM2 = 126, IRQ_COUNT = 150 };

/* --- power, clocks, pins ------------------------------------------------------- */

#define PWR_CSR1 REG(0x58024804)
#define PWR_CR3  REG(0x5802480C)
#define PWR_D3CR REG(0x58024818)

enum {
	PWR_CSR1_ACTVOSRDY = 1 << 13,
	PWR_CR3_BYPASS = 1 << 0,
	PWR_CR3_LDOEN = 1 << 1,
	PWR_CR3_SMPSEN = 1 << 2,
	PWR_CR3_USB33DEN = 1 << 24,
	PWR_D3CR_VOSRDY = 1 << 13,
	PWR_D3CR_VOS1 = 3 << 14,
};

#define RCC_CR        REG(0x58024400)
#define RCC_CFGR      REG(0x58024410)
#define RCC_D1CFGR    REG(0x58024418)
#define RCC_D2CFGR    REG(0x5802441C)
#define RCC_D3CFGR    REG(0x58024420)
#define RCC_PLLCKSELR REG(0x58024428)
#define RCC_PLLCFGR   REG(0x5802442C)
#define RCC_PLL1DIVR  REG(0x58024430)
#define RCC_PLL2DIVR  REG(0x58024438)
#define RCC_D1CCIPR   REG(0x5802444C)
#define RCC_D2CCIP2R  REG(0x58024454)
#define RCC_AHB1RSTR  REG(0x58024480)
#define RCC_AHB3RSTR  REG(0x5802447C)
#define RCC_APB1LRSTR REG(0x58024490)
#define RCC_APB2RSTR  REG(0x58024498)
#define RCC_GCR       REG(0x580244A0)
#define RCC_AHB3ENR   REG(0x580244D4)
#define RCC_AHB1ENR   REG(0x580244D8)
#define RCC_AHB2ENR   REG(0x580244DC)
#define RCC_AHB4ENR   REG(0x580244E0)
#define RCC_APB1LENR  REG(0x580244E8)
#define RCC_APB1HENR  REG(0x580244EC)
#define RCC_APB2ENR   REG(0x580244F0)
#define RCC_APB4ENR   REG(0x580244F4)
#define RCC_AHB1LPENR REG(0x58024500) /* what runs while the processor sleeps */

enum {
	RCC_CR_CSION = 1 << 7,
	RCC_CR_CSIRDY = 1 << 8,
	RCC_CR_HSI48ON = 1 << 12,
	RCC_CR_HSI48RDY = 1 << 13,
	RCC_CR_HSEON = 1 << 16,
	RCC_CR_HSERDY = 1 << 17,
	RCC_CR_PLL1ON = 1 << 24,
	RCC_CR_PLL1RDY = 1 << 25,
	RCC_CR_PLL2ON = 1 << 26,
	RCC_CR_PLL2RDY = 1 << 27,
	RCC_CFGR_SW = 7,
	RCC_CFGR_SW_PLL1 = 3,
	RCC_CFGR_SWS = 7 << 3,
	RCC_CFGR_SWS_PLL1 = 3 << 3,
	RCC_D1CCIPR_QSPISEL = 3 << 4,
	RCC_D2CCIP2R_USART16SEL = 7 << 3,
	RCC_D2CCIP2R_USART16_PLL2Q = 1 << 3,
	RCC_D2CCIP2R_USART16SEL_HSI = 3 << 3,
	RCC_D2CCIP2R_USART28SEL = 7,
	RCC_D2CCIP2R_USART28_PLL2Q = 1,
	RCC_D2CCIP2R_USART28SEL_HSI = 3,
	RCC_D2CCIP2R_USBSEL = 3 << 20,
	RCC_D2CCIP2R_USB_HSI48 = 3 << 20,
	RCC_GCR_BOOT_C2 = 1 << 3,
	RCC_AHB1_DMA1 = 1 << 0,
	RCC_AHB1_USB1 = 1 << 25,
	RCC_AHB1_USB1_ULPI = 1 << 26,
	RCC_AHB1_USB2 = 1 << 27,
	RCC_AHB1_USB2_ULPI = 1 << 28,
	RCC_APB1L_USART3 = 1 << 18,
	RCC_APB1H_CRS = 1 << 1,
	RCC_AHB2_RNG = 1 << 6,
	RCC_AHB3_MDMA = 1 << 0,
	RCC_AHB3_QSPI = 1 << 14,
	RCC_AHB4_HSEM = 1 << 25,
	RCC_APB2_USART1 = 1 << 4,
	RCC_APB4_SYSCFG = 1 << 1,
};
#define RCC_AHB2_D2SRAM ((uint32_t)7 << 29)

#define CRS_CR   REG(0x40008400)
#define CRS_CFGR REG(0x40008404)

enum { CRS_CR_CEN = 1 << 5, CRS_CR_AUTOTRIMEN = 1 << 6 };
#define CRS_CFGR_SYNCSRC      ((uint32_t)3 << 28)
#define CRS_CFGR_SYNCSRC_USB2 ((uint32_t)3 << 28)

#define SYSCFG_CCCSR REG(0x58000420)
#define SYSCFG_UR3   REG(0x5800070C)

enum { GPIO_A, GPIO_B, GPIO_C, GPIO_D, GPIO_F = 5, GPIO_G, GPIO_H, GPIO_I };
#define GPIO_MODER(port)   REG(0x58020000 + 0x400 * (uint32_t)(port))
#define GPIO_OSPEEDR(port) REG(0x58020008 + 0x400 * (uint32_t)(port))
#define GPIO_PUPDR(port)   REG(0x5802000C + 0x400 * (uint32_t)(port))
#define GPIO_IDR(port)     REG(0x58020010 + 0x400 * (uint32_t)(port))
#define GPIO_AFR(port, n)  REG(0x58020020 + 0x400 * (uint32_t)(port) + 4 * (uint32_t)(n))

/* --- internal flash -------------------------------------------------------------- */

#define FLASH_ACR        REG(0x52002000)
#define FLASH_KEYR(bank) REG(0x52002004 + 0x100 * (bank))
#define FLASH_CR(bank)   REG(0x5200200C + 0x100 * (bank))
#define FLASH_SR(bank)   REG(0x52002010 + 0x100 * (bank))
#define FLASH_CCR(bank)  REG(0x52002014 + 0x100 * (bank))
#define FLASH_OPTSR_CUR  REG(0x5200201C)
#define FLASH_BOOT4_CUR  REG(0x52002048)

enum {
	FLASH_ACR_2WS_HIGHFREQ2 = 2 | 2 << 4,
	FLASH_CR_LOCK = 1 << 0,
	FLASH_CR_PG = 1 << 1,
	FLASH_CR_SER = 1 << 2,
	FLASH_CR_PSIZE64 = 3 << 4,
	FLASH_CR_START = 1 << 7,
	FLASH_CR_SNB_POS = 8,
	FLASH_SR_BSY = 1 << 0,
	FLASH_SR_WBNE = 1 << 1,
	FLASH_SR_QW = 1 << 2,
	FLASH_SR_EOP = 1 << 16,
	FLASH_SR_WRPERR = 1 << 17,
	FLASH_SR_PGSERR = 1 << 18,
	FLASH_SR_STRBERR = 1 << 19,
	FLASH_SR_INCERR = 1 << 21,
	FLASH_SR_OPERR = 1 << 22,
	FLASH_SR_RDPERR = 1 << 23,
	FLASH_SR_RDSERR = 1 << 24,
	FLASH_SR_SNECCERR = 1 << 25,
	FLASH_SR_DBECCERR = 1 << 26,
	FLASH_OPTSR_BCM4 = 1 << 22,
};
#define FLASH_KEY1 0x45670123u
#define FLASH_KEY2 0xCDEF89ABu

/* --- USART, DMA1 ----------------------------------------------------------------- */

#define USART_CR1 REG(BOARD_USART + 0x00)
#define USART_CR2 REG(BOARD_USART + 0x04)
#define USART_CR3 REG(BOARD_USART + 0x08)
#define USART_BRR REG(BOARD_USART + 0x0C)
#define USART_ISR REG(BOARD_USART + 0x1C)
#define USART_ICR REG(BOARD_USART + 0x20)
#define USART_RDR REG(BOARD_USART + 0x24)
#define USART_TDR REG(BOARD_USART + 0x28)

enum {
	USART_CR1_UE = 1 << 0,
	USART_CR1_RE = 1 << 2,
	USART_CR1_TE = 1 << 3,
	USART_CR1_IDLEIE = 1 << 4,
	USART_CR1_OVER8 = 1 << 15,
	USART_CR1_FIFOEN = 1 << 29,
	USART_CR3_DMAR = 1 << 6,
	USART_CR3_DMAT = 1 << 7,
	USART_ISR_RXFNE = 1 << 5,
	USART_ISR_TC = 1 << 6,
	USART_ISR_TXFNF = 1 << 7,
	USART_ICR_ERRORS = 0xF, /* parity, framing, noise, overrun */
	USART_ICR_IDLE = 1 << 4,
	USART_ICR_TC = 1 << 6,
};

#define DMA1_LISR      REG(0x40020000)
#define DMA1_LIFCR     REG(0x40020008)
#define DMA1_CR(s)     REG(0x40020010 + 0x18 * (s))
#define DMA1_NDTR(s)   REG(0x40020014 + 0x18 * (s))
#define DMA1_PAR(s)    REG(0x40020018 + 0x18 * (s))
#define DMA1_M0AR(s)   REG(0x4002001C + 0x18 * (s))
#define DMA1_FCR(s)    REG(0x40020024 + 0x18 * (s))
#define DMAMUX1_CCR(c) REG(0x40020800 + 4 * (c))

enum {
	DMA_CR_EN = 1 << 0,
	DMA_CR_HTIE = 1 << 3,
	DMA_CR_TCIE = 1 << 4,
	DMA_CR_FROM_MEMORY = 1 << 6,
	DMA_CR_CIRC = 1 << 8,
	DMA_CR_MINC = 1 << 10,
	DMA_CR_HIGH = 2 << 16,
	DMA_CR_TRBUFF = 1 << 20,
	DMA_FLAGS_0 = 0x3D, /* of stream 0 in LISR and LIFCR */
	DMA_FLAGS_1 = 0x3D << 6,
	DMA_TC_1 = 1 << 11,
};

/* --- MDMA, channel 0 ------------------------------------------------------------- */

#define MDMA_CISR   REG(0x52000040)
#define MDMA_CIFCR  REG(0x52000044)
#define MDMA_CCR    REG(0x5200004C)
#define MDMA_CTCR   REG(0x52000050)
#define MDMA_CBNDTR REG(0x52000054)
#define MDMA_CSAR   REG(0x52000058)
#define MDMA_CDAR   REG(0x5200005C)
#define MDMA_CBRUR  REG(0x52000060)
#define MDMA_CLAR   REG(0x52000064)
#define MDMA_CTBR   REG(0x52000068)
#define MDMA_CMAR   REG(0x52000070)

enum {
	MDMA_ALL = 0x1F, /* flags, in CISR and CIFCR */
	MDMA_TEIF = 1 << 0,
	MDMA_CTCIF = 1 << 1,
	MDMA_CCR_EN = 1 << 0,
	MDMA_CCR_SWRQ = 1 << 16,
	MDMA_CTCR_INCREMENT = 2 | 2 << 2,
	MDMA_CTCR_8_BYTES = 3 << 4 | 3 << 6 | 3 << 8 | 3 << 10,
	MDMA_CTCR_16_BEATS = 4 << 12 | 4 << 15,
	MDMA_CTCR_TLEN_POS = 18,
	MDMA_CTCR_BY_BLOCK = 1 << 28,
	MDMA_CTCR_SWRM = 1 << 30,
};

/* --- QUADSPI -------------------------------------------------------------------------- */

#define QUADSPI_CR    REG(0x52005000)
#define QUADSPI_DCR   REG(0x52005004)
#define QUADSPI_SR    REG(0x52005008)
#define QUADSPI_FCR   REG(0x5200500C)
#define QUADSPI_DLR   REG(0x52005010)
#define QUADSPI_CCR   REG(0x52005014)
#define QUADSPI_AR    REG(0x52005018)
#define QUADSPI_ABR   REG(0x5200501C)
#define QUADSPI_DR    REG(0x52005020)
#define QUADSPI_DR_16 (*(volatile uint16_t *)(uintptr_t)0x52005020)

enum {
	QUADSPI_CR_EN = 1 << 0,
	QUADSPI_CR_ABORT = 1 << 1,
	QUADSPI_CR_SSHIFT = 1 << 4,
	QUADSPI_CR_DFM = 1 << 6,
	QUADSPI_CR_PRESCALER_POS = 24,
	QUADSPI_DCR_CSHT_POS = 8,
	QUADSPI_DCR_FSIZE_POS = 16,
	QUADSPI_SR_TEF = 1 << 0,
	QUADSPI_SR_TCF = 1 << 1,
	QUADSPI_SR_BUSY = 1 << 5,
	QUADSPI_SR_FLEVEL_POS = 8,
	QUADSPI_SR_FLEVEL_MASK = 63,
	QUADSPI_FCR_ALL = 0x1B,
	QUADSPI_CCR_IMODE_POS = 8,
	QUADSPI_CCR_ADMODE_POS = 10,
	QUADSPI_CCR_ADSIZE_POS = 12,
	QUADSPI_CCR_ABMODE_POS = 14,
	QUADSPI_CCR_DCYC_POS = 18,
	QUADSPI_CCR_DMODE_POS = 24,
	QUADSPI_CCR_FMODE_POS = 26,
	QUADSPI_FMODE_WRITE = 0,
	QUADSPI_FMODE_READ = 1,
	QUADSPI_FMODE_MAPPED = 3,
};

/* --- random numbers ---------------------------------------------------------------------- */

#define RNG_CR REG(0x48021800)
#define RNG_SR REG(0x48021804)
#define RNG_DR REG(0x48021808)

enum {
	RNG_CR_RNGEN = 1 << 2,
	RNG_SR_DRDY = 1 << 0,
	RNG_SR_ERRORS = 1 << 1 | 1 << 2 | 1 << 5 | 1 << 6, /* of clock and seed, now or since */
};

/* --- semaphores, identity --------------------------------------------------------------- */

#define HSEM_R(n)   REG(0x58026400 + 4 * (n))
#define HSEM_RLR(n) REG(0x58026480 + 4 * (n))

enum { HSEM_COREID_CM7 = 3 << 8, HSEM_COREID_CM4 = 1 << 8 };
#define HSEM_LOCK ((uint32_t)1 << 31)

#define UID_ADDRESS   0x1FF1E800u
#define DBGMCU_IDCODE REG(0x5C001000)
#define AXI_TARG7_MOD REG(0x51008108) /* read issuing of the AXI SRAM port */

#endif
