/* Supply, clocks and pins.
 *
 * 400 MHz need no more than voltage scale 1, so any revision of the part does it. The
 * QUADSPI gets half of AHB's 200 MHz, as ST's board support package has it. The USART gets
 * a PLL of its own: 96 MHz divide into all rates that a virtual COM port is asked for
 * with an error below 0.4 %, where the bus clock of 100 MHz would be off by 1 % at
 * 3 Mbaud. Dividers and order follow ST's examples for this board (SystemClock_Config
 * in STM32CubeH7, Projects/STM32H747I-DISCO and STM32H745I-DISCO, which have the same) and
 * its HAL (stm32h7xx_hal_pwr_ex.c, stm32h7xx_hal_rcc.c); each board's wiring.c has its pins
 * and what belongs to its ports.
 *
 * A board whose crystal does not start gets the same frequencies from the oscillator inside
 * (HSI, 64 MHz, within 1 % where it is neither hot nor cold): a UART works with that, and
 * neither of the USB ports depends on it.
 */
#include "clocks.h"

#include <stddef.h>

#include "stm32h747.h"
#include "wiring.h"

/* Each round takes ten cycles or more: at 64 MHz these are at least 160 ms, at 400 MHz 26 ms. The
 * slowest of all, the crystal, needs 2 ms, and ST's HAL gives it 100. */
bool clocks_await(volatile uint32_t *reg, uint32_t bits, uint32_t value)
{
	enum { ROUNDS = 1 << 20 };

	for (uint32_t i = 0; i < ROUNDS; i++)
		if ((*reg & bits) == value)
			return true;
	return false;
}

static void change(volatile uint32_t *reg, uint32_t clear, uint32_t set)
{
	*reg = (*reg & ~clear) | set;
}

/* The board feeds the core by the step-down converter alone. Another choice than what
 * is soldered stops the part for good until power goes, so it is the first thing done;
 * the register takes one write after power-on and ignores the rest. */
static bool supply(void)
{
	change(&PWR_CR3, PWR_CR3_SMPSEN | PWR_CR3_LDOEN | PWR_CR3_BYPASS, PWR_CR3_SMPSEN);
	if (!clocks_await(&PWR_CSR1, PWR_CSR1_ACTVOSRDY, PWR_CSR1_ACTVOSRDY))
		return false;
	PWR_D3CR |= PWR_D3CR_VOS1;
	return clocks_await(&PWR_D3CR, PWR_D3CR_VOSRDY, PWR_D3CR_VOSRDY);
}

static uint32_t dividers(uint32_t n, uint32_t p, uint32_t q, uint32_t r)
{
	return (n - 1) | (p - 1) << 9 | (q - 1) << 16 | (r - 1) << 24;
}

/* PLL1: 400 MHz, PLL2: 96 MHz, both from 800 and 480 MHz; `m` divides the source. */
static bool plls(uint32_t source, uint32_t m, uint32_t n1, uint32_t n2)
{
	enum { RANGE_4_TO_8_MHZ = 2 };

	change(&RCC_PLLCKSELR, 3 | 63 << 4 | 63 << 12, source | m << 4 | m << 12);
	RCC_PLLCFGR = RANGE_4_TO_8_MHZ << 2 | RANGE_4_TO_8_MHZ << 6 | 7 << 16 | 1 << 20;
	RCC_PLL1DIVR = dividers(n1, 2, 4, 2);
	RCC_PLL2DIVR = dividers(n2, 2, 5, 2);
	RCC_CR |= RCC_CR_PLL1ON | RCC_CR_PLL2ON;
	return clocks_await(&RCC_CR, RCC_CR_PLL1RDY | RCC_CR_PLL2RDY,
			    RCC_CR_PLL1RDY | RCC_CR_PLL2RDY);
}

/* 25 MHz / 5 = 5 MHz into both PLLs, or 64 MHz / 10 = 6.4 MHz. */
static enum clocks_state sources(void)
{
	enum { FROM_HSI = 0, FROM_HSE = 2 };

	RCC_CR |= RCC_CR_HSEON | RCC_CR_CSION;
	if (clocks_await(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY))
		return plls(FROM_HSE, 5, 160, 96) ? CLOCKS_GOOD : CLOCKS_NO_PLL;
	RCC_CR &= ~(uint32_t)RCC_CR_HSEON;
	return plls(FROM_HSI, 10, 125, 75) ? CLOCKS_INTERNAL : CLOCKS_NO_PLL;
}

/* More wait states before the clock rises: two at 200 MHz and scale 1 (RM0399, "FLASH
 * recommended number of wait states and programming delay"). */
static bool buses(void)
{
	enum { BY_2 = 4, AHB_BY_2 = 8 };

	FLASH_ACR = FLASH_ACR_2WS_HIGHFREQ2;
	if (!clocks_await(&FLASH_ACR, 0x3F, FLASH_ACR_2WS_HIGHFREQ2))
		return false;
	RCC_D1CFGR = AHB_BY_2 | BY_2 << 4;
	RCC_D2CFGR = BY_2 << 4 | BY_2 << 8;
	RCC_D3CFGR = BY_2 << 4;
	change(&RCC_CFGR, RCC_CFGR_SW, RCC_CFGR_SW_PLL1);
	if (!clocks_await(&RCC_CFGR, RCC_CFGR_SWS, RCC_CFGR_SWS_PLL1))
		return false;
	change(&RCC_D1CCIPR, RCC_D1CCIPR_QSPISEL, 0);
	return true;
}

/* Revision Y reads AXI SRAM wrongly now and then unless its port issues one read at a
 * time (errata sheet ES0445; SystemInit of ST's templates does the same). */
static void revision_y(void)
{
	if (DBGMCU_IDCODE >> 16 < 0x2000)
		AXI_TARG7_MOD = 1;
}

static enum clocks_state tree(void)
{
	enum clocks_state state;

	if (!supply())
		return CLOCKS_NO_SUPPLY;
	revision_y();
	state = sources();
	return state == CLOCKS_NO_PLL || buses() ? state : CLOCKS_NO_PLL;
}

enum clocks_state clocks_init(void)
{
	const enum clocks_state state = tree();

	RCC_AHB1ENR |= RCC_AHB1_DMA1;
	RCC_AHB2ENR |= RCC_AHB2_D2SRAM;
	RCC_AHB3ENR |= RCC_AHB3_QSPI | RCC_AHB3_MDMA;
	RCC_AHB4ENR |= RCC_AHB4_HSEM | 1u << GPIO_A | 1u << GPIO_B | 1u << GPIO_C | 1u << GPIO_D |
		       1u << GPIO_F | 1u << GPIO_G | 1u << GPIO_H | 1u << GPIO_I;
	wiring_clocks();
	RCC_APB4ENR |= RCC_APB4_SYSCFG;
	(void)RCC_APB4ENR; /* clocks run two cycles after the write arrived: read it back */
	SYSCFG_CCCSR |= 1; /* compensate the fast pads; it takes its time by itself */
	return state;
}

const char *clocks_line(enum clocks_state state)
{
	switch (state) {
	case CLOCKS_GOOD:
		return NULL;
	case CLOCKS_INTERNAL:
		return "\r\nvcpflash: the 25 MHz clock (HSE) does not start: going on with the "
		       "oscillator inside, within about 1 %\r\n";
	case CLOCKS_NO_SUPPLY:
		return "\r\nvcpflash: no session: the core's supply (step-down converter) does "
		       "not get ready; trying again\r\n";
	case CLOCKS_NO_PLL:
		break;
	}
	return "\r\nvcpflash: no session: the PLLs do not lock; trying again\r\n";
}

static void set_field(volatile uint32_t *reg, unsigned at, uint32_t bits, uint32_t value)
{
	change(reg, bits << at, value << at);
}

/* The function comes before the mode, so that no pin drives what it should not. */
void pins_init(void)
{
	enum { ALTERNATE = 2, INPUT = 0, VERY_FAST = 3, DOWN = 2 };

	for (unsigned i = 0; i < wiring_pin_count; i++) {
		const wiring_pin *p = &wiring_pins[i];
		set_field(&GPIO_AFR(p->port, p->pin / 8), p->pin % 8 * 4u, 15, p->function);
		set_field(&GPIO_OSPEEDR(p->port), p->pin * 2u, 3, VERY_FAST);
		set_field(&GPIO_PUPDR(p->port), p->pin * 2u, 3, p->pull);
		set_field(&GPIO_MODER(p->port), p->pin * 2u, 3, ALTERNATE);
	}
	set_field(&GPIO_PUPDR(GPIO_C), 13 * 2, 3, DOWN);
	set_field(&GPIO_MODER(GPIO_C), 13 * 2, 3, INPUT);
}

/* The blue button, PC13, pulls up when pressed. */
bool button_held(void)
{
	return (GPIO_IDR(GPIO_C) & BIT(13)) != 0;
}
