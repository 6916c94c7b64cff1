/* The board's USART by DMA in both directions.
 *
 * Why circular DMA and not the FIFO with its threshold interrupt: at 12 Mbaud the
 * FIFO's 16 bytes last 13 microseconds, and whatever keeps interrupts out that long
 * loses bytes; the DMA's 4096 last 3.4 ms, and no interrupt is needed for a byte to be
 * safe. The FIFO is on as well, for the times when others hold the bus. The receive path
 * has three doors, all at one priority so that the ring has one producer: the DMA's half
 * and full marks for floods, the line going idle for the end of a burst, and SysTick each
 * millisecond, which bounds the delay of a byte in the middle of a slow one.
 *
 * The buffers are in D2 SRAM, where DMA1 reaches and no cache interferes (memory.c).
 */
#include "uart.h"

#include <string.h>

#include "baud.h"
#include "clocks.h"
#include "cortexm.h"
#include "layout.h"
#include "stm32h747.h"
#include "wiring.h"

enum { IN = 0, OUT = 1, BUFFER = 4096 };

__attribute__((section(".dma"))) static uint8_t buffer[BUFFER];
static uint32_t taken; /* of the buffer, up to here */
static vf_lines *listener;

const uint32_t uart_rates[] = {115200,  230400,  460800,  921600,  1000000, 1500000,
			       2000000, 3000000, 4000000, 6000000, 8000000, UART_RATE_MAX};
const uint8_t uart_rate_count = sizeof uart_rates / sizeof *uart_rates;

static void stop_stream(uint32_t stream)
{
	DMA1_CR(stream) = 0;
	while ((DMA1_CR(stream) & DMA_CR_EN) != 0)
		;
	DMA1_LIFCR = stream == IN ? DMA_FLAGS_0 : DMA_FLAGS_1;
}

/* TRBUFF: without it the stream can lock up with a UART (errata sheet ES0445;
 * stm32h7xx_hal_dma.c sets it for the same requests). */
static void begin_receiving(void)
{
	stop_stream(IN);
	taken = 0;
	DMAMUX1_CCR(IN) = BOARD_USART_RX_REQUEST;
	DMA1_PAR(IN) = (uint32_t)(uintptr_t)&USART_RDR;
	DMA1_M0AR(IN) = (uint32_t)(uintptr_t)buffer;
	DMA1_NDTR(IN) = BUFFER;
	DMA1_FCR(IN) = 0;
	DMA1_CR(IN) =
		DMA_CR_HIGH | DMA_CR_TRBUFF | DMA_CR_MINC | DMA_CR_CIRC | DMA_CR_HTIE | DMA_CR_TCIE;
	DMA1_CR(IN) |= DMA_CR_EN;
}

static void apply(uint32_t baud)
{
	baud_divisor d = baud_of(CLOCKS_USART_HZ, baud);

	USART_CR1 = 0;
	USART_BRR = d.brr;
	USART_CR3 = USART_CR3_DMAR | USART_CR3_DMAT;
	USART_CR1 = (d.by_8 ? USART_CR1_OVER8 : 0) | USART_CR1_FIFOEN;
	USART_CR1 |= USART_CR1_UE;
	USART_ICR = USART_ICR_ERRORS | USART_ICR_IDLE | USART_ICR_TC;
	USART_CR1 |= USART_CR1_RE | USART_CR1_TE | USART_CR1_IDLEIE;
}

void uart_init(void)
{
	USART_CR2 = 0;
	stop_stream(OUT);
	DMAMUX1_CCR(OUT) = BOARD_USART_TX_REQUEST;
	begin_receiving();
	apply(UART_HOME_RATE);
}

void uart_listen(vf_lines *lines)
{
	listener = lines;
	vf_irq_enable(IRQ_DMA1_STREAM0);
	vf_irq_enable(IRQ_DMA1_STREAM1);
	vf_irq_enable(BOARD_USART_IRQ);
}

void uart_take(void)
{
	DMA1_LIFCR = DMA_FLAGS_0;
	USART_ICR = USART_ICR_ERRORS | USART_ICR_IDLE;
	vf_barrier(); /* or the interrupt comes again at once */
	uint32_t at = (BUFFER - DMA1_NDTR(IN)) % BUFFER, from = taken;

	if (at == from || listener == NULL)
		return;
	if (at < from) {
		vf_lines_rx(listener, LINE_UART, buffer + from, BUFFER - from);
		from = 0;
	}
	if (at != from)
		vf_lines_rx(listener, LINE_UART, buffer + from, at - from);
	taken = at;
}

void uart_send(void *self, const uint8_t *data, size_t len)
{
	(void)self;
	stop_stream(OUT);
	USART_ICR = USART_ICR_TC;
	DMA1_PAR(OUT) = (uint32_t)(uintptr_t)&USART_TDR;
	DMA1_M0AR(OUT) = (uint32_t)(uintptr_t)data;
	DMA1_NDTR(OUT) = (uint32_t)len;
	DMA1_FCR(OUT) = 0;
	vf_barrier();
	DMA1_CR(OUT) = DMA_CR_TRBUFF | DMA_CR_MINC | DMA_CR_FROM_MEMORY | DMA_CR_TCIE;
	DMA1_CR(OUT) |= DMA_CR_EN;
}

void uart_sent(void)
{
	DMA1_LIFCR = DMA_FLAGS_1;
	vf_barrier();
}

bool uart_sending(void *self)
{
	(void)self;
	return (DMA1_CR(OUT) & DMA_CR_EN) != 0;
}

bool uart_drained(void *self)
{
	return !uart_sending(self) && (USART_ISR & USART_ISR_TC) != 0;
}

/* What is on its way in at the old rate is lost, as it is for any UART. */
void uart_set_rate(void *self, uint32_t baud)
{
	(void)self;
	vf_irq_off();
	uart_take();
	apply(baud);
	vf_irq_on();
}

/* By way of the transmit buffer: DMA1 does not reach DTCM, nor the strings in ITCM. */
void uart_print(const char *line)
{
	__attribute__((section(".dma"))) static uint8_t out[256];
	size_t len = strlen(line);

	while (!uart_drained(NULL))
		;
	len = len < sizeof out ? len : sizeof out;
	/* What is sent has no end mark. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
	memcpy(out, line, len);
	uart_send(NULL, out, len);
	while (!uart_drained(NULL))
		;
}

/* No DMA, no memory but the string: as little as can be. Both fields of USART clocks have HSI
 * at 3. */
void uart_despair(const char *line)
{
	RCC_D2CCIP2R |= RCC_D2CCIP2R_USART16SEL_HSI | RCC_D2CCIP2R_USART28SEL_HSI;
	USART_CR1 = 0;
	USART_CR2 = 0;
	USART_CR3 = 0;
	USART_BRR = baud_of(CLOCKS_RESET_HZ, UART_HOME_RATE).brr;
	USART_CR1 = USART_CR1_FIFOEN | USART_CR1_UE;
	USART_CR1 |= USART_CR1_TE;
	for (; *line != '\0'; line++) {
		(void)clocks_await(&USART_ISR, USART_ISR_TXFNF, USART_ISR_TXFNF);
		USART_TDR = (uint8_t)*line;
	}
	for (unsigned tenth = 0; tenth < 10; tenth++)
		(void)clocks_await(&USART_CR2, 1, 1);
	for (;;)
		SCB_AIRCR = 0x05FA0004; /* SYSRESETREQ */
}

void uart_stop(void)
{
	while (!uart_drained(NULL))
		;
	stop_stream(IN);
	stop_stream(OUT);
	DMAMUX1_CCR(IN) = 0;
	DMAMUX1_CCR(OUT) = 0;
	RCC_AHB1RSTR |= RCC_AHB1_DMA1;
	RCC_AHB1RSTR &= ~(uint32_t)RCC_AHB1_DMA1;
	wiring_usart_reset();
}
