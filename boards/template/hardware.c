/* The template's hardware, to be replaced: an STM32G071 (Cortex-M0+) at the 16 MHz it
 * has after reset, its USART2 on PA2 and PA3, the flash chip on SPI1: clock PA5, out of
 * the chip PA6, into it PA7, chip-select PB0. Registers by the reference manual RM0444;
 * built by every test run, not tried on a board.
 */
#include "hardware.h"

#include "cortexm.h"

#define RCC_IOPENR  (*vf_reg(0x40021034))
#define RCC_APBENR1 (*vf_reg(0x4002103C))
#define RCC_APBENR2 (*vf_reg(0x40021040))

#define GPIOA_MODER   (*vf_reg(0x50000000))
#define GPIOA_OSPEEDR (*vf_reg(0x50000008))
#define GPIOA_AFRL    (*vf_reg(0x50000020))
#define GPIOB_MODER   (*vf_reg(0x50000400))
#define GPIOB_BSRR    (*vf_reg(0x50000418))

#define USART_CR1 (*vf_reg(0x40004400))
#define USART_BRR (*vf_reg(0x4000440C))
#define USART_ISR (*vf_reg(0x4000441C))
#define USART_ICR (*vf_reg(0x40004420))
#define USART_RDR (*vf_reg(0x40004424))
#define USART_TDR (*vf_reg(0x40004428))

#define SPI_CR1 (*vf_reg(0x40013000))
#define SPI_CR2 (*vf_reg(0x40013004))
#define SPI_SR  (*vf_reg(0x40013008))
/* Eight bits wide: a wider access would move two frames. */
#define SPI_DR8 (*(volatile uint8_t *)(uintptr_t)0x4001300C)

#define UID ((const volatile uint8_t *)(uintptr_t)0x1FFF7590)

enum { USART2_CLOCK = 1 << 17, SPI1_CLOCK = 1 << 12, PORTS_A_B = 3 };
enum { CR1_ON = 1 << 0, CR1_RECEIVE = 1 << 2, CR1_SEND = 1 << 3, CR1_RECEIVED_IRQ = 1 << 5 };
enum { ISR_ERRORS = 0xF, ISR_RECEIVED = 1 << 5, ISR_ALL_SENT = 1 << 6, ISR_ROOM = 1 << 7 };
enum { SPI_MASTER = 1 << 2, SPI_ON = 1 << 6, SPI_NO_NSS = 3 << 8 };
enum { SPI_8_BITS = 7 << 8, SPI_EACH_BYTE = 1 << 12 };
enum { SPI_RECEIVED = 1 << 0, SPI_ROOM = 1 << 1 };

/* Two bits a pin, so a field of `value` at pin `pin`. */
static void set_pin(volatile uint32_t *reg, unsigned pin, unsigned bits, uint32_t value)
{
	uint32_t mask = (((uint32_t)1 << bits) - 1) << pin * bits;

	*reg = (*reg & ~mask) | value << pin * bits;
}

static void pins(void)
{
	static const struct {
		uint8_t pin, function;
	} used[] = {{2, 1}, {3, 1}, {5, 0}, {6, 0}, {7, 0}};

	RCC_IOPENR |= PORTS_A_B;
	GPIOB_BSRR = 1;
	set_pin(&GPIOB_MODER, 0, 2, 1);
	for (unsigned i = 0; i < sizeof used / sizeof used[0]; i++) {
		set_pin(&GPIOA_AFRL, used[i].pin, 4, used[i].function);
		set_pin(&GPIOA_OSPEEDR, used[i].pin, 2, 2);
		set_pin(&GPIOA_MODER, used[i].pin, 2, 2);
	}
}

void hardware_init(void)
{
	pins();
	RCC_APBENR1 |= USART2_CLOCK;
	RCC_APBENR2 |= SPI1_CLOCK;
	hardware_baud(115200);
	SPI_CR2 = SPI_8_BITS | SPI_EACH_BYTE;
	SPI_CR1 = SPI_MASTER | SPI_NO_NSS | SPI_ON; /* half the processor's clock */
}

void hardware_id(uint8_t id[HARDWARE_ID])
{
	for (unsigned i = 0; i < HARDWARE_ID; i++)
		id[i] = UID[i];
}

unsigned hardware_receive(uint8_t *to, unsigned most)
{
	unsigned n = 0;

	while (n < most && (USART_ISR & ISR_RECEIVED) != 0)
		to[n++] = (uint8_t)USART_RDR;
	USART_ICR = ISR_ERRORS;
	return n;
}

bool hardware_can_send(void)
{
	return (USART_ISR & ISR_ROOM) != 0;
}

void hardware_send(uint8_t byte)
{
	USART_TDR = byte;
}

bool hardware_sent(void)
{
	return (USART_ISR & ISR_ALL_SENT) != 0;
}

void hardware_baud(uint32_t baud)
{
	USART_CR1 = 0;
	USART_BRR = (HARDWARE_HZ + baud / 2) / baud;
	USART_CR1 = CR1_ON | CR1_RECEIVE | CR1_SEND | CR1_RECEIVED_IRQ;
}

void hardware_select(bool on)
{
	GPIOB_BSRR = on ? 1u << 16 : 1u;
}

uint8_t hardware_exchange(uint8_t out)
{
	while ((SPI_SR & SPI_ROOM) == 0)
		;
	SPI_DR8 = out;
	while ((SPI_SR & SPI_RECEIVED) == 0)
		;
	return SPI_DR8;
}
