/* stm32h7_usart.c - USART1 and USART3, a virtual COM port each: bytes that take their time on
 * the line, a FIFO or a single byte each way, overrun, idle line, DMA requests.
 *
 * Offsets, fields: stm32h747xx.h (USART_TypeDef, USART_CR1_* to USART_PRESC_*).
 * Baud rate and prescaler: stm32h7xx_hal_uart.c (UART_SetConfig), FIFO depth 16
 * and threshold codes: stm32h7xx_hal_uart_ex.c. Which bits keep still while UE is
 * set is unsourced (the manual has it), as is the reset value of ISR.
 *
 * Both ends keep their own baud rate: a byte is sampled at the middle of each bit
 * of the receiver's, so that a wrong rate gives the wrong bytes and framing
 * errors that it would give. Asynchronous 8-bit frames only; anything else stops
 * the run when UE is set.
 */
#include "stm32h7.h"

#include <string.h>

enum {
	CR1 = 0x00,
	CR2 = 0x04,
	CR3 = 0x08,
	BRR = 0x0C,
	RTOR = 0x14,
	RQR = 0x18,
	ISR = 0x1C,
	ICR = 0x20,
	RDR = 0x24,
	TDR = 0x28,
	PRESC = 0x2C,
};

#define UE      (1u << 0)
#define RE      (1u << 2)
#define TE      (1u << 3)
#define OVER8   (1u << 15)
#define RTOIE   (1u << 26)
#define FIFOEN  (1u << 29)
#define OVRDIS  (1u << 12)
#define DMAR    (1u << 6)
#define DMAT    (1u << 7)
#define RTOEN   (1u << 23)
#define NE      (1u << 2)
#define FE      (1u << 1)
#define ORE     (1u << 3)
#define IDLE    (1u << 4)
#define RXNE    (1u << 5)
#define TC      (1u << 6)
#define TXE     (1u << 7)
#define RTOF    (1u << 11)
#define BUSY    (1u << 16)
#define TEACK   (1u << 21)
#define REACK   (1u << 22)
#define TXFE    (1u << 23)
#define RXFF    (1u << 24)
#define RXFT    (1u << 26)
#define TXFT    (1u << 27)
#define FRAME   10u         /* start, eight data bits, stop */
#define OTHERS1 0x10001E00u /* parity, nine or seven bits, mute, … in CR1 */
#define OTHERS2 0x0067B87Eu
#define OTHERS3 0x0001E73Eu /* infrared, smartcard, half duplex, hardware flow control */

/* Where the two are that boards have their virtual COM port at. */
typedef struct vf_h7_uart_place {
	const char *name;
	uint32_t base;
	uint8_t irq, gate, bit;
	uint8_t port, tx, rx; /* pins, both in alternate function 7 */
	uint32_t (*hz)(const vf_stm32h7 *soc);
} vf_h7_uart_place;

static const vf_h7_uart_place places[2] = {
	{"USART1", 0x40011000, 37, VF_H7_APB2, 4, 0, 9, 10, vf_h7_usart16_hz},
	{"USART3", 0x40004800, 39, VF_H7_APB1L, 18, 1, 10, 11, vf_h7_usart28_hz},
};

static const vf_h7_register map[] = {
	{CR1, "CR1", 0, UINT32_MAX}, {CR2, "CR2", 0, 0xFFFFFF79}, {CR3, "CR3", 0, 0xFFFEFFFF},
	{BRR, "BRR", 0, 0xFFFF},     {0x10, "GTPR", 0, 0xFFFF},   {RTOR, "RTOR", 0, UINT32_MAX},
	{RQR, "RQR", 0, 0},          {ISR, "ISR", 0, 0},          {ICR, "ICR", 0, 0},
	{RDR, "RDR", 0, 0},          {TDR, "TDR", 0, 0x1FF},      {PRESC, "PRESC", 0, 15},
};

static uint32_t reg(const vf_h7_uart *uart, unsigned offset)
{
	return uart->value[offset / 4];
}

static unsigned depth(const vf_h7_uart *uart)
{
	return (reg(uart, CR1) & FIFOEN) != 0 ? VF_H7_UART_FIFO : 1;
}

static uint32_t baud_of(const vf_h7_uart *uart)
{
	static const uint16_t divide[16] = {1,  2,  4,   6,   8,   10,  12,  16,
					    32, 64, 128, 256, 256, 256, 256, 256};
	const uint32_t hz = uart->place->hz(uart->unit.soc) / divide[reg(uart, PRESC) & 15];
	uint32_t brr = reg(uart, BRR);

	if ((reg(uart, CR1) & OVER8) != 0) {
		brr = (brr & 0xFFF0) | (brr & 7) << 1;
		return brr == 0 ? 0 : (uint32_t)(((uint64_t)hz * 2 + brr / 2) / brr);
	}
	return brr == 0 ? 0 : (hz + brr / 2) / brr;
}

static uint64_t frame_ns(uint32_t baud)
{
	return baud == 0 ? 0 : FRAME * UINT64_C(1000000000) / baud;
}

/* A threshold code of CR3: an eighth, a quarter, a half, three quarters, seven
 * eighths, all. */
static unsigned threshold(uint32_t code)
{
	static const uint8_t bytes[8] = {2, 4, 8, 12, 14, 16, 16, 16};

	return bytes[code & 7];
}

static uint32_t status(const vf_h7_uart *uart)
{
	const uint32_t cr1 = reg(uart, CR1), cr3 = reg(uart, CR3);
	const unsigned room = depth(uart) - uart->tx_count;
	uint32_t value = uart->flags;

	value |= uart->rx_count != 0 ? RXNE : 0;
	value |= room != 0 ? TXE : 0;
	value |= (cr1 & (UE | TE)) == (UE | TE) ? TEACK : 0;
	value |= (cr1 & (UE | RE)) == (UE | RE) ? REACK : 0;
	if (uart->line_count != 0 && (cr1 & (UE | RE)) == (UE | RE))
		value |= BUSY;
	if ((cr1 & FIFOEN) == 0)
		return value;
	value |= uart->tx_count == 0 ? TXFE : 0;
	value |= uart->rx_count == VF_H7_UART_FIFO ? RXFF : 0;
	value |= uart->rx_count >= threshold(cr3 >> 25) ? RXFT : 0;
	value |= room >= threshold(cr3 >> 29) ? TXFT : 0;
	return value;
}

static void interrupt(vf_h7_uart *uart)
{
	const uint32_t cr1 = reg(uart, CR1), cr3 = reg(uart, CR3), now = status(uart);
	bool level = (now & cr1 & (IDLE | RXNE | TC | TXE)) != 0; /* the same positions */

	level = level || ((now & ORE) != 0 && ((cr1 & RXNE) != 0 || (cr3 & 1) != 0));
	level = level || ((now & (FE | NE)) != 0 && (cr3 & 1) != 0);
	level = level || ((now & RTOF) != 0 && (cr1 & RTOIE) != 0);
	level = level || ((now & TXFE) != 0 && (cr1 >> 30 & 1) != 0);
	level = level || ((now & RXFF) != 0 && (cr1 >> 31) != 0);
	level = level || ((now & TXFT) != 0 && (cr3 >> 23 & 1) != 0);
	level = level || ((now & RXFT) != 0 && (cr3 >> 28 & 1) != 0);
	if (level != uart->level)
		vf_h7_irq(uart->unit.soc, uart->place->irq, level);
	uart->level = level;
}

bool vf_h7_uart_requests(const vf_h7_uart *uart, bool receive)
{
	const uint32_t cr3 = reg(uart, CR3);

	if ((reg(uart, CR1) & UE) == 0)
		return false;
	return receive ? (cr3 & DMAR) != 0 && uart->rx_count != 0
		       : (cr3 & DMAT) != 0 && (status(uart) & TXE) != 0;
}

static bool pin_is(const vf_h7_uart *uart, unsigned pin)
{
	return vf_h7_pin_is(uart->unit.soc, uart->place->port, pin, 7);
}

/* Bytes are exchanged with the world by the one that the board is wired to. */
static bool wired(vf_h7_uart *uart)
{
	return uart == vf_stm32h7_uart(uart->unit.soc);
}

/* What changed here may be a request there, and serving it changes this. */
static void settle(vf_h7_uart *uart)
{
	vf_h7_dma_pump(uart->unit.soc);
	interrupt(uart);
}

static void load_shift(vf_h7_uart *uart, uint64_t now)
{
	if (uart->shifting || uart->tx_count == 0 || (reg(uart, CR1) & (UE | TE)) != (UE | TE))
		return;
	uart->shift = uart->tx[0];
	uart->tx_count--;
	memmove(uart->tx, uart->tx + 1, uart->tx_count);
	uart->shifting = true;
	uart->shift_ends = now + frame_ns(baud_of(uart));
	uart->flags &= ~TC;
}

static void shifted(vf_h7_uart *uart)
{
	const vf_stm32h7_config *config = &uart->unit.soc->config;
	const uint64_t now = uart->shift_ends;

	uart->shifting = false;
	uart->transmitted += !uart->preamble;
	if (!uart->preamble && pin_is(uart, uart->place->tx) && wired(uart) && config->sent != NULL)
		config->sent(config->context, uart->shift, baud_of(uart));
	uart->preamble = false;
	load_shift(uart, now);
	vf_h7_dma_pump(uart->unit.soc);
	if (!uart->shifting && uart->tx_count == 0)
		uart->flags |= TC;
}

/* Bit `i` of the frame at the receiver's rate, of a byte sent at the sender's;
 * after its stop bit the line is high. */
static bool sample(uint8_t byte, unsigned i, uint32_t sender, uint32_t receiver)
{
	const uint64_t bit = (2 * (uint64_t)i + 1) * sender / (2 * (uint64_t)receiver);

	if (bit == 0)
		return false;
	return bit >= FRAME - 1 || (byte >> (bit - 1) & 1) != 0;
}

static void receive(vf_h7_uart *uart, uint8_t byte)
{
	const uint32_t own = baud_of(uart);
	uint16_t seen = 0;

	if ((reg(uart, CR1) & (UE | RE)) != (UE | RE) || own == 0 ||
	    !pin_is(uart, uart->place->rx)) {
		uart->lost++;
		return;
	}
	for (unsigned i = 1; i <= 8; i++)
		seen |= (uint16_t)(sample(byte, i, uart->line_baud, own) << (i - 1));
	uart->heard = true;
	uart->received++;
	if (uart->rx_count == depth(uart) && (reg(uart, CR3) & OVRDIS) == 0) {
		uart->flags |= ORE; /* the byte is lost, those in the FIFO are not */
		uart->overruns++;
		return;
	}
	if (uart->rx_count == depth(uart))
		uart->rx_count--;
	if (!sample(byte, 9, uart->line_baud, own))
		uart->flags |= FE;
	uart->rx[uart->rx_count++] = seen;
}

static void arrived(vf_h7_uart *uart)
{
	const uint8_t byte = (uint8_t)uart->line[uart->line_at];

	uart->line_at = (uart->line_at + 1) % VF_H7_UART_LINE;
	uart->line_count--;
	uart->quiet_ns = uart->line_ns;
	receive(uart, byte);
	uart->line_ns += frame_ns(uart->line_baud);
	vf_h7_dma_pump(uart->unit.soc);
}

/* The line has been high for a frame, or for the receiver's time-out. */
static uint64_t silence(const vf_h7_uart *uart, bool timeout)
{
	const uint32_t baud = baud_of(uart);

	if (!uart->heard || baud == 0)
		return VF_EMU_NEVER;
	if (uart->line_count != 0 && /* the next byte has begun by then */
	    uart->line_ns - frame_ns(uart->line_baud) < uart->quiet_ns + frame_ns(baud))
		return VF_EMU_NEVER;
	if (!timeout)
		return uart->quiet_ns + frame_ns(baud);
	if ((reg(uart, CR2) & RTOEN) == 0 || (uart->flags & RTOF) != 0)
		return VF_EMU_NEVER;
	return uart->quiet_ns + (reg(uart, RTOR) & 0xFFFFFF) * UINT64_C(1000000000) / baud;
}

static uint64_t next(const void *state)
{
	const vf_h7_uart *uart = state;
	uint64_t first = uart->shifting ? uart->shift_ends : VF_EMU_NEVER;

	if (uart->line_count != 0 && uart->line_ns < first)
		first = uart->line_ns;
	if (silence(uart, false) < first)
		first = silence(uart, false);
	if (silence(uart, true) < first)
		first = silence(uart, true);
	return first;
}

static void advance(void *state, uint64_t now_ns)
{
	vf_h7_uart *uart = state;
	uint64_t at;

	while ((at = next(uart)) <= now_ns) {
		if (uart->line_count != 0 && uart->line_ns == at) {
			arrived(uart);
		} else if (uart->shifting && uart->shift_ends == at) {
			shifted(uart);
		} else if (silence(uart, true) == at) {
			uart->flags |= RTOF;
		} else {
			uart->flags |= IDLE;
			uart->heard = false;
		}
		settle(uart);
	}
}

static uint32_t read_data(vf_h7_uart *uart)
{
	const uint32_t value = uart->rx_count != 0 ? uart->rx[0] : reg(uart, RDR);

	uart->value[RDR / 4] = value;
	if (uart->rx_count != 0) {
		uart->rx_count--;
		memmove(uart->rx, uart->rx + 1, uart->rx_count * sizeof *uart->rx);
	}
	interrupt(uart);
	return value;
}

/* Data registers are read and written by bytes too, as DMA does. */
static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_uart *uart = state;

	if (offset == RDR && vf_h7_clocked(&uart->unit, false))
		return read_data(uart);
	if (offset == ISR && size == 4 && vf_h7_clocked(&uart->unit, false))
		return status(uart);
	return vf_h7_load(&uart->unit, offset, size);
}

static void write_data(vf_h7_uart *uart, uint32_t value)
{
	if (uart->tx_count == depth(uart)) {
		vf_h7_stop(&uart->unit, "TDR written while full: a byte is lost");
		return;
	}
	uart->tx[uart->tx_count++] = (uint8_t)value;
	uart->flags &= ~TC;
	load_shift(uart, vf_h7_now(uart->unit.soc));
}

/* Baud rate, frame and FIFO keep still while the USART is on. */
static bool configurable(const vf_h7_uart *uart, uint32_t offset, uint32_t value)
{
	uint32_t fixed = 0;

	if ((reg(uart, CR1) & UE) == 0)
		return true;
	if (offset == CR1)
		fixed = (value & UE) != 0 ? FIFOEN | OVER8 | 0x10001600 : 0;
	else if (offset == CR2)
		fixed = 0x003FBF70;
	else if (offset == CR3)
		fixed = OVRDIS | 0x0001E83Au;
	else if (offset == BRR || offset == PRESC)
		fixed = UINT32_MAX;
	if (((reg(uart, offset) ^ value) & fixed) == 0)
		return true;
	vf_h7_stop(&uart->unit, "register at %02Xh reconfigured while UE is set", (unsigned)offset);
	return false;
}

static void switched(vf_h7_uart *uart, uint32_t old)
{
	const uint32_t cr1 = reg(uart, CR1);

	if ((old & UE) == 0 && (cr1 & UE) != 0) {
		if ((cr1 & OTHERS1) != 0 || (reg(uart, CR2) & OTHERS2) != 0 ||
		    (reg(uart, CR3) & OTHERS3) != 0)
			vf_h7_stop(&uart->unit,
				   "a mode or frame that the model has not "
				   "(CR1 %08Xh, CR2 %08Xh, CR3 %08Xh)",
				   (unsigned)cr1, (unsigned)reg(uart, CR2),
				   (unsigned)reg(uart, CR3));
		if (reg(uart, BRR) < 16)
			vf_h7_stop(&uart->unit, "UE set with BRR %u, below 16",
				   (unsigned)reg(uart, BRR));
	}
	if ((cr1 & UE) == 0) { /* what was under way is gone */
		uart->rx_count = uart->tx_count = 0;
		uart->shifting = uart->heard = uart->preamble = false;
		uart->flags = TC;
	} else if ((cr1 & TE) != 0 && (old & (UE | TE)) != (UE | TE) && !uart->shifting) {
		uart->shifting = uart->preamble = true; /* TC comes with its end */
		uart->shift_ends = vf_h7_now(uart->unit.soc) + frame_ns(baud_of(uart));
	}
	load_shift(uart, vf_h7_now(uart->unit.soc));
}

static void request(vf_h7_uart *uart, uint32_t value)
{
	if ((value & 8) != 0) /* RXFRQ */
		uart->rx_count = 0;
	if ((value & 16) != 0) /* TXFRQ */
		uart->tx_count = 0;
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_uart *uart = state;
	const uint32_t old = reg(uart, CR1);

	if (offset == TDR && vf_h7_clocked(&uart->unit, true)) {
		write_data(uart, value);
		interrupt(uart); /* by DMA: its pump is running */
		return;
	}
	if (!configurable(uart, offset, value) || !vf_h7_store(&uart->unit, offset, size, value))
		return;
	if (offset == CR1)
		switched(uart, old);
	else if (offset == ICR)
		uart->flags &= ~value;
	else if (offset == RQR)
		request(uart, value);
	settle(uart);
}

vf_h7_uart *vf_stm32h7_uart(vf_stm32h7 *soc)
{
	return soc->config.board == VF_H7_H745I_DISCO ? &soc->usart3 : &soc->usart1;
}

size_t vf_stm32h7_feed_space(const vf_stm32h7 *soc)
{
	const vf_h7_uart *uart =
		soc->config.board == VF_H7_H745I_DISCO ? &soc->usart3 : &soc->usart1;

	return VF_H7_UART_LINE - uart->line_count;
}

size_t vf_stm32h7_feed(vf_stm32h7 *soc, const uint8_t *data, size_t len, uint32_t baud)
{
	vf_h7_uart *uart = vf_stm32h7_uart(soc);
	const uint64_t now = vf_h7_now(soc);
	size_t n;

	if (uart->line_count == 0) {
		uart->line_baud = baud;
		uart->line_ns = (uart->quiet_ns > now ? uart->quiet_ns : now) + frame_ns(baud);
	} else if (baud != uart->line_baud) {
		return 0; /* the other end first sends what it has begun */
	}
	for (n = 0; n < len && uart->line_count < VF_H7_UART_LINE; n++)
		uart->line[(uart->line_at + uart->line_count++) % VF_H7_UART_LINE] = data[n];
	return n;
}

/* The line goes on whatever the controller does. */
static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_uart *uart = state;

	(void)cause;
	vf_h7_defaults(&uart->unit);
	uart->rx_count = uart->tx_count = 0;
	uart->shifting = uart->heard = false;
	uart->flags = TC;
	interrupt(uart);
}

unsigned vf_h7_uart_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	for (unsigned i = 0; i < 2; i++) {
		vf_h7_uart *uart = i == 0 ? &soc->usart1 : &soc->usart3;
		const vf_h7_uart_place *place = &places[i];

		uart->place = place;
		uart->unit = (vf_h7_unit){.soc = soc,
					  .name = place->name,
					  .map = map,
					  .registers = sizeof map / sizeof *map,
					  .value = uart->value,
					  .gate = place->gate,
					  .gate_bit = place->bit};
		device[i] = (vf_emu_device){.name = place->name,
					    .base = place->base,
					    .size = 0x400,
					    .state = uart,
					    .read = read_register,
					    .write = write_register,
					    .next_ns = next,
					    .advance = advance,
					    .reset = reset};
	}
	return 2;
}

uint32_t vf_stm32h7_baud(const vf_stm32h7 *soc)
{
	return baud_of(soc->config.board == VF_H7_H745I_DISCO ? &soc->usart3 : &soc->usart1);
}
