/* stm32h7_quadspi.c - QUADSPI as programs see it: registers, flags, the FIFO, what
 * starts a command and what may not be touched while one runs.
 *
 * Offsets, fields: stm32h747xx.h (QUADSPI_TypeDef, QUADSPI_CR_* to QUADSPI_PIR_*).
 * What starts a command, which flag is waited for and that an abort raises TCF:
 * stm32h7xx_hal_qspi.c (HAL_QSPI_Command, Transmit, Receive, AutoPolling,
 * MemoryMapped, Abort). FIFO of 32 bytes: HAL_QSPI_SetFifoThreshold. What must not
 * be written while BUSY, TEF's rule and that bit 0 of DLR reads 1 for two dies are
 * the reference manual's, and unsourced here.
 */
#include "stm32h7_quadspi.h"

#include <string.h>

static const vf_h7_register map[] = {
	{CR, "CR", 0, 0xFFDF1FDD},
	{DCR, "DCR", 0, 0x001F0701},
	{SR, "SR", 0, 0},
	{FCR, "FCR", 0, 0},
	{DLR, "DLR", 0, UINT32_MAX},
	{CCR, "CCR", 0, 0xDF7FFFFF},
	{AR, "AR", 0, UINT32_MAX},
	{ABR, "ABR", 0, UINT32_MAX},
	{DR, "DR", 0, 0},
	{PSMKR, "PSMKR", 0, UINT32_MAX},
	{PSMAR, "PSMAR", 0, UINT32_MAX},
	{PIR, "PIR", 0, 0xFFFF},
	{LPTR, "LPTR", 0, 0xFFFF},
};

unsigned vf_h7_quadspi_threshold(const vf_h7_quadspi *q)
{
	return vf_h7_field(vf_h7_quadspi_reg(q, CR), 8, 5) + 1;
}

static bool threshold_reached(const vf_h7_quadspi *q)
{
	const unsigned most = vf_h7_quadspi_threshold(q);

	if ((vf_h7_quadspi_reg(q, CR) & CR_EN) == 0)
		return false;
	switch (vf_h7_quadspi_fmode(q)) {
	case FMODE_WRITE:
		return vf_h7_quadspi_has(q, PHASE_DATA) &&
		       (q->state == QUADSPI_IDLE || q->left != 0) &&
		       q->in_fifo + most <= VF_H7_QSPI_FIFO;
	case FMODE_READ: /* the rest too, once the chip has given all */
		return q->in_fifo >= most || (q->on_bus == 0 && q->in_fifo != 0);
	default:
		return q->state == QUADSPI_POLLING && q->in_fifo != 0;
	}
}

uint32_t vf_h7_quadspi_status(const vf_h7_quadspi *q)
{
	const bool kept = q->state == QUADSPI_READING && q->on_bus == 0 && q->in_fifo == 0;

	return vf_h7_quadspi_reg(q, SR) | (threshold_reached(q) ? SR_FTF : 0) |
	       (q->state != QUADSPI_IDLE && !kept ? SR_BUSY : 0) | q->in_fifo * 256u;
}

bool vf_h7_quadspi_requests(const vf_h7_quadspi *q, bool complete)
{
	return (vf_h7_quadspi_status(q) & (complete ? SR_TCF : SR_FTF)) != 0;
}

static void interrupt(vf_h7_quadspi *q)
{
	/* TEF TCF FTF SMF TOF and their enables 16 bits up */
	const bool level = (vf_h7_quadspi_status(q) & vf_h7_quadspi_reg(q, CR) >> 16 & 0x1F) != 0;

	if (level != q->level)
		vf_h7_irq(q->unit.soc, 92, level);
	q->level = level;
}

void vf_h7_quadspi_raise(vf_h7_quadspi *q, uint32_t flag)
{
	q->value[SR / 4] |= flag;
}

static void settle(vf_h7_quadspi *q)
{
	vf_h7_mdma_pump(q->unit.soc);
	interrupt(q);
}

/* Lets the bus wait until `bytes` more have gone between chip and FIFO. */
static void wait_for(vf_h7_quadspi *q, uint32_t bytes)
{
	const vf_emu_bus *bus = q->unit.soc->config.bus;
	const uint64_t until = vf_h7_quadspi_when(q, bytes);

	if (until == VF_EMU_NEVER)
		return;
	if (bus->stall != NULL)
		bus->stall(bus->context, until);
	vf_h7_quadspi_progress(q, until);
}

static uint32_t read_data(vf_h7_quadspi *q, unsigned size)
{
	uint32_t value = 0;
	unsigned got;

	if (q->state == QUADSPI_READING && q->in_fifo < size)
		wait_for(q, size - q->in_fifo < q->on_bus ? size - q->in_fifo : q->on_bus);
	if (q->in_fifo == 0) {
		vf_h7_stop(&q->unit, "DR read with an empty FIFO and nothing to come");
		return 0;
	}
	got = q->in_fifo < size ? q->in_fifo : size;
	for (unsigned i = 0; i < got; i++)
		value |= (uint32_t)q->fifo[i] << 8 * i;
	q->in_fifo = (uint8_t)(q->in_fifo - got);
	memmove(q->fifo, q->fifo + got, q->in_fifo);
	vf_h7_quadspi_progress(q, vf_h7_now(q->unit.soc));
	interrupt(q);
	return value;
}

static void write_data(vf_h7_quadspi *q, unsigned size, uint32_t value)
{
	if (q->state == QUADSPI_IDLE && vf_h7_quadspi_fmode(q) == FMODE_WRITE &&
	    vf_h7_quadspi_has(q, PHASE_DATA))
		vf_h7_quadspi_start(q);
	if (q->state != QUADSPI_WRITING) {
		vf_h7_stop(&q->unit, "DR written, but no write is configured (CCR %08Xh)",
			   (unsigned)vf_h7_quadspi_reg(q, CCR));
		return;
	}
	if (q->left < size) {
		vf_h7_stop(&q->unit, "more bytes written to DR than DLR announced");
		return;
	}
	if (q->in_fifo + size > VF_H7_QSPI_FIFO)
		wait_for(q, q->in_fifo + size - VF_H7_QSPI_FIFO);
	vf_h7_quadspi_progress(q, vf_h7_now(q->unit.soc));
	for (unsigned i = 0; i < size && q->in_fifo < VF_H7_QSPI_FIFO; i++)
		q->fifo[q->in_fifo++] = (uint8_t)(value >> 8 * i);
	q->left -= size;
	interrupt(q);
}

static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_quadspi *q = state;
	uint32_t value;

	if (offset == DR && vf_h7_clocked(&q->unit, false))
		return read_data(q, size);
	value = vf_h7_load(&q->unit, offset, size);
	if (offset == SR)
		return vf_h7_quadspi_status(q);
	if (offset == DLR && (vf_h7_quadspi_reg(q, CR) & CR_DFM) != 0)
		return value | 1;
	return value;
}

/* While BUSY only interrupt enables, FTHRES, DMAEN and ABORT may change. */
static bool may_write(vf_h7_quadspi *q, uint32_t offset, uint32_t value)
{
	uint32_t fixed = UINT32_MAX;

	if ((vf_h7_quadspi_status(q) & SR_BUSY) == 0 || offset == FCR)
		return true;
	if (offset == CR)
		fixed = 0xFFC000D9;
	if (offset == CR && ((vf_h7_quadspi_reg(q, CR) ^ value) & fixed) == 0)
		return true;
	vf_h7_stop(&q->unit, "%s written while BUSY", vf_h7_find(&q->unit, offset, true)->name);
	return false;
}

static void write_control(vf_h7_quadspi *q, uint32_t value)
{
	if ((value & CR_ABORT) != 0)
		vf_h7_quadspi_abort(q);
	if ((value & CR_EN) == 0)
		vf_h7_quadspi_unmap(q);
}

/* CCR starts what needs neither address nor data from here, AR what needs an
 * address and no data from here. */
static void maybe_start(vf_h7_quadspi *q, uint32_t offset)
{
	const bool addressed = vf_h7_quadspi_has(q, PHASE_ADDRESS);
	const bool data_first =
		vf_h7_quadspi_fmode(q) == FMODE_WRITE && vf_h7_quadspi_has(q, PHASE_DATA);

	if ((vf_h7_quadspi_reg(q, CR) & CR_EN) == 0)
		return;
	if (vf_h7_quadspi_fmode(q) == FMODE_MAPPED
		    ? offset == CCR
		    : !data_first && offset == (addressed ? AR : CCR))
		vf_h7_quadspi_start(q);
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_quadspi *q = state;

	if (!vf_h7_clocked(&q->unit, true))
		return;
	if (offset == DR) {
		write_data(q, size, value);
		return;
	}
	if (vf_h7_find(&q->unit, offset, true) == NULL || !may_write(q, offset, value) ||
	    !vf_h7_store(&q->unit, offset, size, value))
		return;
	if ((offset == CCR || offset == AR) && (vf_h7_quadspi_reg(q, CR) & CR_EN) == 0)
		vf_h7_stop(&q->unit, "%s written while EN is 0", offset == CCR ? "CCR" : "AR");
	if (offset == CR)
		write_control(q, value);
	else if (offset == FCR)
		q->value[SR / 4] &= ~(value & 0x1B);
	else if (offset == CCR || offset == AR)
		maybe_start(q, offset);
	settle(q);
}

static uint64_t next(const void *state)
{
	return vf_h7_quadspi_next(state);
}

static void advance(void *state, uint64_t now_ns)
{
	vf_h7_quadspi *q = state;

	vf_h7_quadspi_progress(q, now_ns);
	settle(q);
}

static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_quadspi *q = state;

	(void)cause;
	vf_h7_quadspi_unmap(q);
	vf_h7_defaults(&q->unit);
	q->state = QUADSPI_IDLE;
	q->in_fifo = 0;
	q->left = q->on_bus = q->filled = q->taken = 0;
	interrupt(q);
}

unsigned vf_h7_quadspi_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	vf_h7_quadspi *q = &soc->quadspi;

	q->unit = (vf_h7_unit){.soc = soc,
			       .name = "QUADSPI",
			       .map = map,
			       .registers = sizeof map / sizeof *map,
			       .value = q->value,
			       .gate = VF_H7_AHB3,
			       .gate_bit = 14};
	q->window = (vf_emu_window){.base = VF_H7_MAPPED_BASE,
				    .size = soc->config.nor_size,
				    .bytes = soc->config.nor_array,
				    .by = VF_EMU_BY_ALL & ~(unsigned)VF_EMU_BY_BDMA};
	*device = (vf_emu_device){.name = "QUADSPI",
				  .base = 0x52005000,
				  .size = 0x1000,
				  .state = q,
				  .window = &q->window,
				  .windows = 1,
				  .read = read_register,
				  .write = write_register,
				  .next_ns = next,
				  .advance = advance,
				  .reset = reset};
	return 1;
}
