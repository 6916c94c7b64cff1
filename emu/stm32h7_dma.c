/* stm32h7_dma.c - DMA1, DMA2 and the multiplexer in front of them: streams between
 * a peripheral and memory, normal and circular, half and full transfer.
 *
 * Offsets, fields: stm32h747xx.h (DMA_TypeDef, DMA_Stream_TypeDef, DMA_SxCR_*,
 * DMAMUX_CxCR_*). Use and flag order: stm32h7xx_hal_dma.c. Request numbers:
 * DMA_REQUEST_USART1_RX and _TX of stm32h7xx_hal_dma.h; other peripherals of the
 * model have none. A stream does not share the bus: a request is served at once.
 * Memory and peripheral width must agree, bursts are single transfers, mode
 * synchronised by the multiplexer is not modelled.
 */
#include "stm32h7.h"

enum { LISR = 0x00, LIFCR = 0x08, STREAM = 0x10, STEP = 0x18 };
enum { SCR = 0, SNDTR = 4, SPAR = 8, SM0AR = 12, SM1AR = 16, SFCR = 20 };
enum { REQUEST_UART_RX = 41, REQUEST_UART_TX = 42, REQUEST_UART3_RX = 45, REQUEST_UART3_TX = 46 };

#define EN   (1u << 0)
#define CIRC (1u << 8)
#define PINC (1u << 9)
#define MINC (1u << 10)
#define DBM  (1u << 18)
#define CT   (1u << 19)
#define TEIF (1u << 3)
#define HTIF (1u << 4)
#define TCIF (1u << 5)

#define STREAM_MAP(n)                                                                              \
	{STREAM + (n)*STEP, "SxCR", 0, 0x01FFFFFF}, {STREAM + (n)*STEP + 4, "SxNDTR", 0, 0xFFFF},  \
		{STREAM + (n)*STEP + 8, "SxPAR", 0, UINT32_MAX},                                   \
		{STREAM + (n)*STEP + 12, "SxM0AR", 0, UINT32_MAX},                                 \
		{STREAM + (n)*STEP + 16, "SxM1AR", 0, UINT32_MAX},                                 \
	{                                                                                          \
		STREAM + (n)*STEP + 20, "SxFCR", 0x21, 0xBF                                        \
	}

static const vf_h7_register map[] = {
	{LISR, "LISR", 0, 0}, {0x04, "HISR", 0, 0}, {LIFCR, "LIFCR", 0, 0}, {0x0C, "HIFCR", 0, 0},
	STREAM_MAP(0),        STREAM_MAP(1),        STREAM_MAP(2),          STREAM_MAP(3),
	STREAM_MAP(4),        STREAM_MAP(5),        STREAM_MAP(6),          STREAM_MAP(7),
};

static uint32_t *reg(vf_h7_dma *dma, unsigned n, unsigned what)
{
	return &dma->value[(STREAM + n * STEP + what) / 4];
}

/* Where a stream's six flags lie in LISR or HISR. */
static unsigned flag_shift(unsigned n)
{
	static const uint8_t shift[4] = {0, 6, 16, 22};

	return shift[n & 3];
}

static uint32_t flags(const vf_h7_dma *dma, unsigned n)
{
	return dma->value[LISR / 4 + n / 4] >> flag_shift(n) & 0x3D;
}

static void interrupt(vf_h7_dma *dma, unsigned n)
{
	static const uint8_t number[2][VF_H7_STREAMS] = {{11, 12, 13, 14, 15, 16, 17, 47},
							 {56, 57, 58, 59, 60, 68, 69, 70}};
	const uint32_t raised = flags(dma, n), control = *reg(dma, n, SCR);
	/* TCIE 4, HTIE 3, TEIE 2 against TCIF 5, HTIF 4, TEIF 3 */
	const bool level = (raised >> 1 & control & 0x1C) != 0;

	if (level != dma->stream[n].level)
		vf_h7_irq(dma->unit.soc, number[dma->number - 1][n], level);
	dma->stream[n].level = level;
}

static void raise(vf_h7_dma *dma, unsigned n, uint32_t flag)
{
	dma->value[LISR / 4 + n / 4] |= flag << flag_shift(n);
	interrupt(dma, n);
}

static bool requested(const vf_h7_dma *dma, unsigned n)
{
	const vf_stm32h7 *soc = dma->unit.soc;
	const unsigned channel = n + (dma->number == 2 ? VF_H7_STREAMS : 0);

	switch (soc->dmamux1.value[channel] & 0xFF) {
	case REQUEST_UART_RX:
		return vf_h7_uart_requests(&soc->usart1, true);
	case REQUEST_UART3_RX:
		return vf_h7_uart_requests(&soc->usart3, true);
	case REQUEST_UART_TX:
		return vf_h7_uart_requests(&soc->usart1, false);
	case REQUEST_UART3_TX:
		return vf_h7_uart_requests(&soc->usart3, false);
	default:
		return false;
	}
}

static void fail(vf_h7_dma *dma, unsigned n, uint32_t address)
{
	*reg(dma, n, SCR) &= ~EN;
	raise(dma, n, TEIF);
	vf_h7_stop(&dma->unit, "stream %u cannot reach %08Xh", n, (unsigned)address);
}

static bool copy(vf_h7_dma *dma, unsigned n, uint32_t from, uint32_t to, uint32_t size)
{
	const vf_emu_bus *bus = dma->unit.soc->config.bus;
	uint8_t data[4];

	if (bus->read(bus->context, VF_EMU_BY_DMA, from, data, size) != 0)
		fail(dma, n, from);
	else if (bus->write(bus->context, VF_EMU_BY_DMA, to, data, size) != 0)
		fail(dma, n, to);
	else
		return true;
	return false;
}

static void start_over(vf_h7_dma *dma, unsigned n)
{
	vf_h7_stream *stream = &dma->stream[n];
	uint32_t *control = reg(dma, n, SCR);

	*reg(dma, n, SNDTR) = stream->whole;
	stream->par = *reg(dma, n, SPAR);
	if ((*control & DBM) != 0)
		*control ^= CT;
	stream->mar = *reg(dma, n, (*control & CT) != 0 ? SM1AR : SM0AR);
	if ((*control & (CIRC | DBM)) == 0)
		*control &= ~EN;
}

/* One item. Memory to memory reads the "peripheral" address. */
static void transfer(vf_h7_dma *dma, unsigned n)
{
	vf_h7_stream *stream = &dma->stream[n];
	const uint32_t control = *reg(dma, n, SCR);
	const uint32_t size = 1u << vf_h7_field(control, 11, 2);
	const bool to_peripheral = vf_h7_field(control, 6, 2) == 1;
	uint32_t *left = reg(dma, n, SNDTR);

	if (!copy(dma, n, to_peripheral ? stream->mar : stream->par,
		  to_peripheral ? stream->par : stream->mar, size))
		return;
	stream->par += (control & PINC) != 0 ? size : 0;
	stream->mar += (control & MINC) != 0 ? size : 0;
	(*left)--;
	if (*left == 0) {
		start_over(dma, n);
		raise(dma, n, TCIF);
		if ((*reg(dma, n, SCR) & EN) == 0)
			*left = 0;
	} else if (*left == stream->whole - stream->whole / 2) {
		raise(dma, n, HTIF);
	}
}

void vf_h7_dma_pump(vf_stm32h7 *soc)
{
	for (unsigned d = 0; d < 2; d++)
		for (unsigned n = 0; n < VF_H7_STREAMS; n++) {
			vf_h7_dma *dma = &soc->dma[d];

			while ((*reg(dma, n, SCR) & EN) != 0 && requested(dma, n))
				transfer(dma, n);
		}
}

static void enable(vf_h7_dma *dma, unsigned n)
{
	vf_h7_stream *stream = &dma->stream[n];
	const uint32_t control = *reg(dma, n, SCR), direction = vf_h7_field(control, 6, 2);

	if (flags(dma, n) != 0)
		vf_h7_stop(&dma->unit, "stream %u enabled with event flags still set", n);
	if (vf_h7_field(control, 11, 2) != vf_h7_field(control, 13, 2) && direction != 2 &&
	    (*reg(dma, n, SFCR) & 4) != 0)
		vf_h7_stop(&dma->unit, "stream %u packs words, which the model does not", n);
	stream->whole = *reg(dma, n, SNDTR);
	stream->par = *reg(dma, n, SPAR);
	stream->mar = *reg(dma, n, (control & CT) != 0 ? SM1AR : SM0AR);
	if (stream->whole == 0)
		*reg(dma, n, SCR) &= ~EN;
	while (direction == 2 && (*reg(dma, n, SCR) & EN) != 0)
		transfer(dma, n);
	vf_h7_dma_pump(dma->unit.soc);
}

static bool may_change(const vf_h7_dma *dma, unsigned n, unsigned what, uint32_t control)
{
	const bool other_buffer =
		(control & DBM) != 0 && what == ((control & CT) != 0 ? SM0AR : SM1AR);

	if ((control & EN) == 0 || what == SCR || other_buffer)
		return true;
	vf_h7_stop(&dma->unit, "stream %u configured while it is enabled", n);
	return false;
}

static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_dma *dma = state;

	return vf_h7_load(&dma->unit, offset, size);
}

static void write_stream(vf_h7_dma *dma, uint32_t offset, uint32_t value)
{
	const unsigned n = (offset - STREAM) / STEP, what = (offset - STREAM) % STEP;
	const uint32_t old = *reg(dma, n, SCR);

	if (!may_change(dma, n, what, old))
		return;
	if (what == SCR && (old & value & EN) != 0 && ((old ^ value) & ~0x1Eu) != 0) {
		vf_h7_stop(&dma->unit, "stream %u configured while it is enabled", n);
		return;
	}
	if (!vf_h7_store(&dma->unit, offset, 4, value) || what != SCR)
		return;
	if ((old & EN) == 0 && (value & EN) != 0)
		enable(dma, n);
	else if ((old & EN) != 0 && (value & EN) == 0)
		raise(dma, n, TCIF); /* what was under way is complete */
	interrupt(dma, n);
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_dma *dma = state;

	if (offset >= STREAM && offset < STREAM + VF_H7_STREAMS * STEP && size == 4 &&
	    vf_h7_clocked(&dma->unit, true)) {
		write_stream(dma, offset, value);
		return;
	}
	if (!vf_h7_store(&dma->unit, offset, size, value) || offset < LIFCR)
		return;
	dma->value[LISR / 4 + (offset - LIFCR) / 4] &= ~value;
	for (unsigned n = 0; n < VF_H7_STREAMS; n++)
		interrupt(dma, n);
}

static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_dma *dma = state;

	(void)cause;
	vf_h7_defaults(&dma->unit);
	for (unsigned n = 0; n < VF_H7_STREAMS; n++)
		interrupt(dma, n);
}

/* ---- DMAMUX1 ---- */

static const vf_h7_register mux_map[] = {
	{0x00, "C0CR", 0, 0x1FFF03FF},
	{0x04, "C1CR", 0, 0x1FFF03FF},
	{0x08, "C2CR", 0, 0x1FFF03FF},
	{0x0C, "C3CR", 0, 0x1FFF03FF},
	{0x10, "C4CR", 0, 0x1FFF03FF},
	{0x14, "C5CR", 0, 0x1FFF03FF},
	{0x18, "C6CR", 0, 0x1FFF03FF},
	{0x1C, "C7CR", 0, 0x1FFF03FF},
	{0x20, "C8CR", 0, 0x1FFF03FF},
	{0x24, "C9CR", 0, 0x1FFF03FF},
	{0x28, "C10CR", 0, 0x1FFF03FF},
	{0x2C, "C11CR", 0, 0x1FFF03FF},
	{0x30, "C12CR", 0, 0x1FFF03FF},
	{0x34, "C13CR", 0, 0x1FFF03FF},
	{0x38, "C14CR", 0, 0x1FFF03FF},
	{0x3C, "C15CR", 0, 0x1FFF03FF},
	{0x80, "CSR", 0, 0},
	{0x84, "CFR", 0, 0},
};

static uint32_t mux_read(void *state, uint32_t offset, unsigned size)
{
	vf_h7_dmamux *mux = state;

	return vf_h7_load(&mux->unit, offset, size);
}

static void mux_write(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_dmamux *mux = state;

	if (!vf_h7_store(&mux->unit, offset, size, value))
		return;
	if (offset < 0x40 && (value & 1u << 16) != 0)
		vf_h7_stop(&mux->unit, "channel %u synchronised, which is not modelled",
			   (unsigned)(offset / 4));
	vf_h7_dma_pump(mux->unit.soc);
}

static void mux_reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_dmamux *mux = state;

	(void)cause;
	vf_h7_defaults(&mux->unit);
}

static void init_controller(vf_stm32h7 *soc, vf_emu_device *device, unsigned d)
{
	vf_h7_dma *dma = &soc->dma[d];

	dma->number = (uint8_t)(d + 1);
	dma->unit = (vf_h7_unit){.soc = soc,
				 .name = d == 0 ? "DMA1" : "DMA2",
				 .map = map,
				 .registers = sizeof map / sizeof *map,
				 .value = dma->value,
				 .gate = VF_H7_AHB1,
				 .gate_bit = (uint8_t)d};
	*device = (vf_emu_device){.name = dma->unit.name,
				  .base = 0x40020000 + 0x400 * d,
				  .size = 0x400,
				  .state = dma,
				  .read = read_register,
				  .write = write_register,
				  .reset = reset};
}

/* The multiplexer has no clock of its own: it runs with either controller. */
unsigned vf_h7_dma_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	vf_h7_dmamux *mux = &soc->dmamux1;

	init_controller(soc, device, 0);
	init_controller(soc, device + 1, 1);
	mux->unit = (vf_h7_unit){.soc = soc,
				 .name = "DMAMUX1",
				 .map = mux_map,
				 .registers = sizeof mux_map / sizeof *mux_map,
				 .value = mux->value,
				 .gate = VF_H7_ALWAYS};
	device[2] = (vf_emu_device){.name = "DMAMUX1",
				    .base = 0x40020800,
				    .size = 0x400,
				    .state = mux,
				    .read = mux_read,
				    .write = mux_write,
				    .reset = mux_reset};
	return 3;
}
