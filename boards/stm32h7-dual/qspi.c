/* The QUADSPI controller in dual-flash mode.
 *
 * Data goes through the FIFO a word at a time, as many words as its level allows, which
 * keeps up with both chips at 100 MHz; a page of 512 bytes is over in some 6 microseconds
 * and a DMA channel would take about as long to set up. Register use and the order of
 * things follow RM0399, "QUADSPI indirect mode" and "memory-mapped mode", and ST's HAL
 * (stm32h7xx_hal_qspi.c: QSPI_Config, HAL_QSPI_Receive, HAL_QSPI_Abort).
 *
 * Of the errata (ES0445) these matter here: bytes may be left in the FIFO after an
 * indirect read, so they are flushed by an abort; a cleared CCR can hang the controller,
 * so it never is; the first mapped read is wrong if AR ends in binary 11 before, which
 * no address of two chips does; reads of the last bytes of the mapped range can hang, so
 * FSIZE says twice the size.
 */
#include "qspi.h"

#include <string.h>

#include "cortexm.h"
#include "layout.h"
#include "memory.h"
#include "stm32h747.h"

/* Any transaction of at most 4 KB takes less, at one lane and 100 MHz. */
enum { LIMIT_US = 10000, FIFO = 32 };
/* Chip-select stays high for 8 clocks, 80 ns, and what is done between two transactions. */
enum { HIGH_8_CLOCKS = 7, LARGEST = 31 };

static bool mapped; /* is in memory-mapped mode */

static uint32_t lines(uint8_t lanes)
{
	return lanes == 4 ? 3 : lanes;
}

static uint32_t level(uint32_t sr)
{
	return sr >> QUADSPI_SR_FLEVEL_POS & QUADSPI_SR_FLEVEL_MASK;
}

static bool await(volatile uint32_t *reg, uint32_t bits, uint32_t value)
{
	for (uint32_t since = vf_clock_us(); (*reg & bits) != value;) {
		if (vf_clock_us() - since > LIMIT_US)
			return false;
	}
	return true;
}

/* Ends whatever is going on and empties the FIFO. */
static bool abort_all(void)
{
	QUADSPI_CR |= QUADSPI_CR_ABORT;
	bool good =
		await(&QUADSPI_CR, QUADSPI_CR_ABORT, 0) && await(&QUADSPI_SR, QUADSPI_SR_BUSY, 0);
	QUADSPI_FCR = QUADSPI_FCR_ALL;
	return good;
}

static void size_is(uint32_t log2)
{
	QUADSPI_DCR = log2 << QUADSPI_DCR_FSIZE_POS | HIGH_8_CLOCKS << QUADSPI_DCR_CSHT_POS;
}

/* Data is sampled half a clock later than sent, which the way there and back needs. */
void qspi_init(void)
{
	RCC_AHB3RSTR |= RCC_AHB3_QSPI;
	RCC_AHB3RSTR &= ~(uint32_t)RCC_AHB3_QSPI;
	size_is(LARGEST);
	QUADSPI_CR = (QSPI_PRESCALER - 1) << QUADSPI_CR_PRESCALER_POS | QUADSPI_CR_DFM |
		     QUADSPI_CR_SSHIFT | QUADSPI_CR_EN;
	mapped = false;
}

static uint32_t command(const vf_bus_op *op, uint32_t mode)
{
	uint32_t ccr = op->opcode | lines(op->opcode_lanes) << QUADSPI_CCR_IMODE_POS |
		       lines(op->data_lanes) << QUADSPI_CCR_DMODE_POS |
		       (uint32_t)op->dummy << QUADSPI_CCR_DCYC_POS | mode << QUADSPI_CCR_FMODE_POS;
	if (op->addr_bytes != 0)
		ccr |= lines(op->addr_lanes) << QUADSPI_CCR_ADMODE_POS |
		       (op->addr_bytes - 1u) << QUADSPI_CCR_ADSIZE_POS;
	if (op->mode_bits != 0)
		ccr |= lines(op->addr_lanes) << QUADSPI_CCR_ABMODE_POS;
	return ccr;
}

/* Words while there are some, a half word at the end: lengths are even. */
static bool take(uint8_t *to, uint32_t len)
{
	for (uint32_t since = vf_clock_us(); len != 0;) {
		uint32_t sr = QUADSPI_SR, have = level(sr);
		if (have < 4 && have < len) {
			if ((sr & QUADSPI_SR_TEF) != 0 || vf_clock_us() - since > LIMIT_US)
				return false;
			continue;
		}
		for (; have >= 4 && len >= 4; have -= 4, len -= 4, to += 4) {
			uint32_t word = QUADSPI_DR;
			memcpy(to, &word, 4);
		}
		if (len == 2 && have >= 2) {
			uint16_t half = QUADSPI_DR_16;
			memcpy(to, &half, 2);
			len = 0;
		}
	}
	return true;
}

static bool give(const uint8_t *from, uint32_t len)
{
	for (uint32_t since = vf_clock_us(); len != 0;) {
		uint32_t sr = QUADSPI_SR, room = FIFO - level(sr);
		if (room < 4) {
			if ((sr & QUADSPI_SR_TEF) != 0 || vf_clock_us() - since > LIMIT_US)
				return false;
			continue;
		}
		for (; room >= 4 && len >= 4; room -= 4, len -= 4, from += 4) {
			uint32_t word;
			memcpy(&word, from, 4);
			QUADSPI_DR = word;
		}
		if (len == 2 && room >= 2) {
			uint16_t half;
			memcpy(&half, from, 2);
			QUADSPI_DR_16 = half;
			len = 0;
		}
	}
	return true;
}

/* The write of CCR begins a transaction without an address, that of AR one with; where
 * data are sent the first write of DR does. */
static bool transfer(const vf_bus_op *op)
{
	bool reads = op->dir == VF_BUS_READ;

	QUADSPI_FCR = QUADSPI_FCR_ALL;
	if (op->dir != VF_BUS_NONE)
		QUADSPI_DLR = op->len - 1;
	if (op->mode_bits != 0)
		QUADSPI_ABR = op->mode;
	QUADSPI_CCR = command(op, reads ? QUADSPI_FMODE_READ : QUADSPI_FMODE_WRITE);
	if (op->addr_bytes != 0)
		QUADSPI_AR = op->addr;
	if (reads && !take(op->rx, op->len))
		return false;
	if (op->dir == VF_BUS_WRITE && !give(op->tx, op->len))
		return false;
	if (!await(&QUADSPI_SR, QUADSPI_SR_TCF, QUADSPI_SR_TCF) ||
	    (QUADSPI_SR & QUADSPI_SR_TEF) != 0)
		return false;
	if (reads && level(QUADSPI_SR) != 0 && !abort_all())
		return false;
	return await(&QUADSPI_SR, QUADSPI_SR_BUSY, 0);
}

int qspi_bus(void *self, const vf_bus_op *op)
{
	(void)self;
	if (transfer(op))
		return VF_OK;
	(void)abort_all();
	return VF_E_BUS;
}

/* Reads as the driver found out, without end. FSIZE: see above; the memory protection
 * sees to it that nothing past the end is asked for. */
const uint8_t *qspi_map(void *self, const vf_nor *nor)
{
	const vf_nor_chip *c = &nor->chip;
	vf_bus_op op = {
		.opcode = c->read_opcode,
		.opcode_lanes = 1,
		.addr_bytes = c->addr_bytes,
		.addr_lanes = c->read_addr_lanes,
		.mode_bits = c->read_mode_bits,
		.dummy = c->read_dummy,
		.data_lanes = c->read_lanes,
	};

	(void)self;
	if (!mapped) {
		size_is((uint32_t)(31 - __builtin_clz(nor->memory.size)));
		if (op.mode_bits != 0)
			QUADSPI_ABR = 0xFF;
		QUADSPI_CCR = command(&op, QUADSPI_FMODE_MAPPED);
		memory_show_flash(nor->memory.size);
		mapped = true;
	}
	return (const uint8_t *)H747_NOR_ADDRESS;
}

/* Out of the processor's reach first: nothing may be read while the mode changes. The
 * controller is busy only if something was. */
void qspi_unmap(void *self)
{
	(void)self;
	if (!mapped)
		return;
	memory_hide_flash();
	if ((QUADSPI_SR & QUADSPI_SR_BUSY) != 0)
		(void)abort_all();
	size_is(LARGEST);
	mapped = false;
}
