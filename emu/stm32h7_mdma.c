/* stm32h7_mdma.c - MDMA: channels that move blocks between memories and QUADSPI's
 * FIFO, on request of QUADSPI or of software, and follow linked lists.
 *
 * Offsets, fields: stm32h747xx.h (MDMA_Channel_TypeDef, MDMA_CTCR_* and so on).
 * Use: stm32h7xx_hal_mdma.c; request numbers: MDMA_REQUEST_QUADSPI_FIFO_TH and
 * MDMA_REQUEST_QUADSPI_TC of stm32h7xx_hal_mdma.h; other requests never come. A
 * buffer moves at once when QUADSPI asks for it; what software asks for moves as
 * one when its time is over, at the pace of the mapped flash or the AXI bus
 * (unsourced: eight bytes in two cycles). Widths of both sides must agree with
 * PAM's default (no packing beyond whole buffers), byte exchange is not modelled.
 */
#include "stm32h7.h"

enum { GISR = 0x00, CHANNEL = 0x40, STEP = 0x40, CHUNK = 128 };
enum {
	CISR = 0x00,
	CIFCR = 0x04,
	CESR = 0x08,
	CCR = 0x0C,
	CTCR = 0x10,
	CBNDTR = 0x14,
	CSAR = 0x18,
	CDAR = 0x1C,
	CBRUR = 0x20,
	CLAR = 0x24,
	CTBR = 0x28,
	CMAR = 0x30,
	CMDR = 0x34,
};
enum { REQUEST_FIFO = 22, REQUEST_TC = 23 };
enum { BY_BUFFER, BY_BLOCK, BY_REPEAT, BY_LIST };

#define EN    (1u << 0)
#define SWRQ  (1u << 16)
#define SWRM  (1u << 30)
#define TEIF  (1u << 0)
#define CTCIF (1u << 1)
#define BRTIF (1u << 2)
#define BTIF  (1u << 3)
#define TCIF  (1u << 4)

static const vf_h7_register channel_map[] = {
	{CISR, "CxISR", 0, 0},
	{CIFCR, "CxIFCR", 0, 0},
	{CESR, "CxESR", 0, 0},
	{CCR, "CxCR", 0, 0x000070FF},
	{CTCR, "CxTCR", 0, UINT32_MAX},
	{CBNDTR, "CxBNDTR", 0, 0xFFFDFFFF},
	{CSAR, "CxSAR", 0, UINT32_MAX},
	{CDAR, "CxDAR", 0, UINT32_MAX},
	{CBRUR, "CxBRUR", 0, UINT32_MAX},
	{CLAR, "CxLAR", 0, UINT32_MAX},
	{CTBR, "CxTBR", 0, 0x000300FF},
	{CMAR, "CxMAR", 0, UINT32_MAX},
	{CMDR, "CxMDR", 0, UINT32_MAX},
};

static uint32_t *reg(vf_h7_mdma *mdma, unsigned n, unsigned what)
{
	return &mdma->value[(CHANNEL + n * STEP + what) / 4];
}

/* Enables lie one bit up from their flags. */
static bool raised(vf_h7_mdma *mdma, unsigned n)
{
	return (*reg(mdma, n, CISR) << 1 & *reg(mdma, n, CCR) & 0x3E) != 0;
}

static void interrupt(vf_h7_mdma *mdma)
{
	bool level = false;

	for (unsigned n = 0; n < VF_H7_MDMA_CHANNELS; n++)
		level = level || raised(mdma, n);
	if (level != mdma->level)
		vf_h7_irq(mdma->unit.soc, 122, level);
	mdma->level = level;
}

static void raise(vf_h7_mdma *mdma, unsigned n, uint32_t flag)
{
	*reg(mdma, n, CISR) |= flag;
	interrupt(mdma);
}

/* Tightly coupled memories are reached over the AHB only, all else over AXI. */
static bool right_bus(uint32_t address, bool ahb)
{
	const bool coupled = address < 0x00010000 || address >> 17 == 0x20000000 >> 17;

	return coupled == ahb;
}

static void fail(vf_h7_mdma *mdma, unsigned n, uint32_t address)
{
	*reg(mdma, n, CCR) &= ~EN;
	*reg(mdma, n, CESR) = 0x80;
	mdma->channel[n].requested = false;
	raise(mdma, n, TEIF);
	vf_h7_stop(&mdma->unit, "channel %u cannot reach %08Xh as CxTBR says", n,
		   (unsigned)address);
}

static bool move(vf_h7_mdma *mdma, unsigned n, uint32_t size)
{
	const vf_emu_bus *bus = mdma->unit.soc->config.bus;
	const vf_h7_channel *channel = &mdma->channel[n];
	const uint32_t route = *reg(mdma, n, CTBR);
	uint8_t data[CHUNK];

	if (!right_bus(channel->source, (route >> 16 & 1) != 0) ||
	    bus->read(bus->context, VF_EMU_BY_MDMA, channel->source, data, size) != 0)
		fail(mdma, n, channel->source);
	else if (!right_bus(channel->target, (route >> 17 & 1) != 0) ||
		 bus->write(bus->context, VF_EMU_BY_MDMA, channel->target, data, size) != 0)
		fail(mdma, n, channel->target);
	else
		return true;
	return false;
}

static uint32_t stepped(uint32_t address, uint32_t how, uint32_t by)
{
	switch (how) {
	case 2:
		return address + by;
	case 3:
		return address - by;
	default:
		return address;
	}
}

/* Bytes that may go at once: a buffer's worth where both sides are memory that
 * is walked upwards without holes, else an item. */
static uint32_t item(uint32_t config)
{
	const uint32_t steps = vf_h7_field(config, 8, 2) | vf_h7_field(config, 10, 2) << 2;
	const uint32_t sizes = vf_h7_field(config, 4, 4);

	return (config & 15) == 10 && steps == sizes ? CHUNK : 1u << (sizes & 3);
}

/* Up to `bytes` of the block; false where the channel failed. */
static bool move_some(vf_h7_mdma *mdma, unsigned n, uint32_t bytes)
{
	vf_h7_channel *channel = &mdma->channel[n];
	const uint32_t config = *reg(mdma, n, CTCR), most = item(config);

	while (bytes != 0 && channel->left != 0) {
		uint32_t size = most;

		if (size > channel->left)
			size = channel->left;
		if (size > bytes)
			size = bytes;
		if (!move(mdma, n, size))
			return false;
		channel->source = stepped(channel->source, config & 3,
					  most == CHUNK ? size : 1u << vf_h7_field(config, 8, 2));
		channel->target = stepped(channel->target, config >> 2 & 3,
					  most == CHUNK ? size : 1u << vf_h7_field(config, 10, 2));
		channel->left -= size;
		bytes -= size;
	}
	return true;
}

static void load_block(vf_h7_mdma *mdma, unsigned n)
{
	vf_h7_channel *channel = &mdma->channel[n];
	const uint32_t count = *reg(mdma, n, CBNDTR);

	channel->source = *reg(mdma, n, CSAR);
	channel->target = *reg(mdma, n, CDAR);
	channel->bndt = channel->left = count & 0x1FFFF;
	channel->repeat = count >> 20;
}

/* The next node of a list: eight registers in memory, in CxTCR's order. */
static bool next_node(vf_h7_mdma *mdma, unsigned n)
{
	static const uint8_t order[10] = {CTCR, CBNDTR, CSAR, CDAR, CBRUR,
					  CLAR, CTBR,   0,    CMAR, CMDR};
	const vf_emu_bus *bus = mdma->unit.soc->config.bus;
	const uint32_t at = *reg(mdma, n, CLAR);

	if (at == 0)
		return false;
	for (unsigned i = 0; i < 10; i++) {
		uint8_t word[4];

		if (order[i] == 0)
			continue;
		if (bus->read(bus->context, VF_EMU_BY_MDMA, at + 4 * i, word, 4) != 0) {
			fail(mdma, n, at);
			return false;
		}
		*reg(mdma, n, order[i]) = word[0] | (uint32_t)word[1] << 8 |
					  (uint32_t)word[2] << 16 | (uint32_t)word[3] << 24;
	}
	load_block(mdma, n);
	return true;
}

static void repeat_block(vf_h7_mdma *mdma, unsigned n)
{
	vf_h7_channel *channel = &mdma->channel[n];
	const uint32_t update = *reg(mdma, n, CBRUR), how = *reg(mdma, n, CBNDTR);

	channel->repeat--;
	channel->left = channel->bndt;
	channel->source += (how >> 18 & 1) != 0 ? 0u - (update & 0xFFFF) : update & 0xFFFF;
	channel->target += (how >> 19 & 1) != 0 ? 0u - (update >> 16) : update >> 16;
}

static void block_done(vf_h7_mdma *mdma, unsigned n)
{
	vf_h7_channel *channel = &mdma->channel[n];
	const unsigned trigger = vf_h7_field(*reg(mdma, n, CTCR), 28, 2);

	raise(mdma, n, BTIF);
	channel->requested = channel->requested && trigger >= BY_REPEAT;
	if (channel->repeat != 0) {
		repeat_block(mdma, n);
		return;
	}
	raise(mdma, n, BRTIF);
	channel->requested = channel->requested && trigger == BY_LIST;
	if (next_node(mdma, n))
		return;
	channel->requested = false;
	*reg(mdma, n, CCR) &= ~EN;
	raise(mdma, n, CTCIF);
}

/* One buffer, and the mask write that acknowledges a request where asked for. */
static void buffer(vf_h7_mdma *mdma, unsigned n)
{
	vf_h7_channel *channel = &mdma->channel[n];
	const vf_emu_bus *bus = mdma->unit.soc->config.bus;
	const uint32_t config = *reg(mdma, n, CTCR), mask_at = *reg(mdma, n, CMAR);
	const uint32_t mask = *reg(mdma, n, CMDR);

	if (!move_some(mdma, n, vf_h7_field(config, 18, 7) + 1))
		return;
	if (mask_at != 0 && (config & SWRM) == 0)
		(void)bus->write(bus->context, VF_EMU_BY_MDMA, mask_at, &mask, 4);
	channel->requested = channel->requested && vf_h7_field(config, 28, 2) != BY_BUFFER;
	raise(mdma, n, TCIF);
	if (channel->left == 0)
		block_done(mdma, n);
}

static bool asked(vf_h7_mdma *mdma, unsigned n)
{
	const vf_h7_quadspi *quadspi = &mdma->unit.soc->quadspi;
	vf_h7_channel *channel = &mdma->channel[n];

	if (channel->requested)
		return channel->ends <= vf_h7_now(mdma->unit.soc);
	if ((*reg(mdma, n, CTCR) & SWRM) != 0)
		return false;
	switch (*reg(mdma, n, CTBR) & 0xFF) {
	case REQUEST_FIFO:
		channel->requested = vf_h7_quadspi_requests(quadspi, false);
		break;
	case REQUEST_TC:
		channel->requested = vf_h7_quadspi_requests(quadspi, true);
		break;
	default:
		break;
	}
	return channel->requested;
}

void vf_h7_mdma_pump(vf_stm32h7 *soc)
{
	vf_h7_mdma *mdma = &soc->mdma;

	for (unsigned n = 0; n < VF_H7_MDMA_CHANNELS; n++)
		while ((*reg(mdma, n, CCR) & EN) != 0 && asked(mdma, n))
			buffer(mdma, n);
}

static const vf_h7_register *find(const vf_h7_mdma *mdma, uint32_t offset, unsigned size,
				  bool write)
{
	vf_h7_unit channel = mdma->unit;

	if (!vf_h7_clocked(&mdma->unit, write))
		return NULL;
	channel.map = channel_map;
	channel.registers = sizeof channel_map / sizeof *channel_map;
	if (size != 4) {
		vf_h7_stop(&mdma->unit, "an access of %u bytes", size);
		return NULL;
	}
	return vf_h7_find(&channel, offset % STEP, write);
}

static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_mdma *mdma = state;
	uint32_t pending = 0;

	if (offset != GISR && offset < CHANNEL + VF_H7_MDMA_CHANNELS * STEP && offset >= CHANNEL) {
		const unsigned n = (offset - CHANNEL) / STEP;
		const uint32_t left = mdma->channel[n].left;

		if (find(mdma, offset, size, false) == NULL)
			return 0;
		if (offset % STEP == CBNDTR && (*reg(mdma, n, CCR) & EN) != 0)
			return (mdma->value[offset / 4] & 0xC0000) | left |
			       mdma->channel[n].repeat << 20;
		return mdma->value[offset / 4];
	}
	for (unsigned n = 0; n < VF_H7_MDMA_CHANNELS; n++)
		pending |= (uint32_t)raised(mdma, n) << n;
	return vf_h7_clocked(&mdma->unit, false) ? pending : 0;
}

/* What a request of software moves: a buffer, a block, or all of them. */
static uint64_t takes_ns(vf_h7_mdma *mdma, unsigned n)
{
	const vf_stm32h7 *soc = mdma->unit.soc;
	const vf_h7_channel *channel = &mdma->channel[n];
	const uint32_t config = *reg(mdma, n, CTCR), trigger = vf_h7_field(config, 28, 2);
	const uint32_t hclk = vf_h7_hclk(soc);
	uint64_t bytes = channel->left;
	uint64_t byte_ps = UINT64_C(250000000000) / hclk;

	if (trigger == BY_BUFFER && bytes > vf_h7_field(config, 18, 7) + 1)
		bytes = vf_h7_field(config, 18, 7) + 1;
	else if (trigger >= BY_REPEAT)
		bytes += (uint64_t)channel->bndt * channel->repeat;
	if (channel->source >= VF_H7_MAPPED_BASE && soc->quadspi.byte_ps > byte_ps)
		byte_ps = soc->quadspi.byte_ps;
	return bytes * byte_ps / 1000;
}

static void write_channel(vf_h7_mdma *mdma, unsigned n, unsigned what, uint32_t old, uint32_t value)
{
	if (what == CIFCR) {
		*reg(mdma, n, CISR) &= ~(value & 0x1F);
		interrupt(mdma);
	}
	if (what != CCR)
		return;
	if ((value & EN) == 0)
		mdma->channel[n].requested = false;
	if ((old & EN) == 0 && (value & EN) != 0) {
		load_block(mdma, n);
		mdma->channel[n].requested = false;
		mdma->channel[n].ends = 0;
		if (mdma->channel[n].left == 0)
			vf_h7_stop(&mdma->unit, "channel %u enabled with nothing to move", n);
	}
	if ((value & SWRQ) != 0 && (value & EN) != 0 && (*reg(mdma, n, CTCR) & SWRM) != 0) {
		mdma->channel[n].requested = true;
		mdma->channel[n].ends = vf_h7_now(mdma->unit.soc) + takes_ns(mdma, n);
	}
	vf_h7_mdma_pump(mdma->unit.soc);
	interrupt(mdma);
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_mdma *mdma = state;
	const unsigned n = (offset - CHANNEL) / STEP;
	const vf_h7_register *found = find(mdma, offset, size, true);
	uint32_t old;

	if (found == NULL || offset < CHANNEL || n >= VF_H7_MDMA_CHANNELS)
		return;
	old = *reg(mdma, n, CCR);
	if ((old & EN) != 0 && found->offset != CCR && found->offset != CIFCR) {
		vf_h7_stop(&mdma->unit, "channel %u configured while it is enabled", n);
		return;
	}
	mdma->value[offset / 4] =
		(mdma->value[offset / 4] & ~found->writable) | (value & found->writable);
	write_channel(mdma, n, found->offset, old, value);
}

static uint64_t next(const void *state)
{
	const vf_h7_mdma *mdma = state;
	uint64_t first = VF_EMU_NEVER;

	for (unsigned n = 0; n < VF_H7_MDMA_CHANNELS; n++) {
		const vf_h7_channel *channel = &mdma->channel[n];

		if (channel->requested && channel->ends != 0 && channel->ends < first)
			first = channel->ends;
	}
	return first;
}

static void advance(void *state, uint64_t now_ns)
{
	vf_h7_mdma *mdma = state;

	(void)now_ns;
	vf_h7_mdma_pump(mdma->unit.soc);
	interrupt(mdma);
}

static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_mdma *mdma = state;

	(void)cause;
	for (unsigned i = 0; i < sizeof mdma->value / sizeof *mdma->value; i++)
		mdma->value[i] = 0;
	for (unsigned n = 0; n < VF_H7_MDMA_CHANNELS; n++)
		mdma->channel[n] = (vf_h7_channel){0};
	interrupt(mdma);
}

unsigned vf_h7_mdma_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	vf_h7_mdma *mdma = &soc->mdma;

	mdma->unit = (vf_h7_unit){.soc = soc,
				  .name = "MDMA",
				  .value = mdma->value,
				  .gate = VF_H7_AHB3,
				  .gate_bit = 0};
	*device = (vf_emu_device){.name = "MDMA",
				  .base = 0x52000000,
				  .size = 0x1000,
				  .state = mdma,
				  .read = read_register,
				  .write = write_register,
				  .next_ns = next,
				  .advance = advance,
				  .reset = reset};
	return 1;
}
