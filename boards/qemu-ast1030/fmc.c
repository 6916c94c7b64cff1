/* The Aspeed firmware memory controller. In user mode whatever is written to the
 * window goes out to the chip and whatever is read comes from it, while chip-select
 * is held: that serves the bus door. In read mode the window is the chip's contents.
 * Register fields are those of the public Linux driver (spi-aspeed-smc.c) and of QEMU's
 * model (hw/ssi/aspeed_smc.c).
 */
#include "fmc.h"

#include <string.h>

#include "cortexm.h"

#define FMC_CONF  (*vf_reg(0x7E620000))
#define FMC_CE    (*vf_reg(0x7E620004))
#define FMC_CTRL0 (*vf_reg(0x7E620010))

#define WINDOW8  (*(volatile uint8_t *)(uintptr_t)FMC_WINDOW)
#define WINDOW32 (*(volatile uint32_t *)(uintptr_t)FMC_WINDOW)

enum { CONF_WRITABLE0 = 1 << 16 };
enum { CE_ADDRESS4 = 1 << 0 };
enum { CTRL_FAST_READ = 1, CTRL_USER = 3, CTRL_DESELECT = 1 << 2 };
enum { CTRL_DUMMY_BYTES_AT = 6, CTRL_OPCODE_AT = 16 };

void fmc_init(void)
{
	FMC_CONF |= CONF_WRITABLE0;
	FMC_CTRL0 = CTRL_USER | CTRL_DESELECT;
}

/* Bits 31 to 28 say how many lines carry what is moved. They are left alone here: the
 * lines of this machine are not modelled, and QEMU 7.2 takes every write of the
 * register for the beginning of a command, then waits for dummy clocks after what it
 * takes for the address of a read. Silicon needs them set before each phase. */
static void put(uint8_t byte)
{
	WINDOW8 = byte;
}

static void put_address(const vf_bus_op *op)
{
	for (unsigned i = op->addr_bytes; i-- > 0;)
		put((uint8_t)(op->addr >> 8 * i));
	if (op->mode_bits != 0)
		put(op->mode);
}

/* The controller makes dummy clocks by sending bytes. */
static bool dummy_fits(const vf_bus_op *op, unsigned *bytes)
{
	unsigned lanes = op->addr_lanes != 0 ? op->addr_lanes : op->opcode_lanes;

	*bytes = op->dummy * lanes / 8;
	return op->dummy * lanes % 8 == 0;
}

static void data_in(uint8_t *to, uint32_t len)
{
	for (; len >= 4; len -= 4, to += 4) {
		uint32_t word = WINDOW32;

		memcpy(to, &word, sizeof word);
	}
	while (len-- > 0)
		*to++ = WINDOW8;
}

static void data_out(const uint8_t *from, uint32_t len)
{
	for (; len >= 4; len -= 4, from += 4) {
		uint32_t word;

		memcpy(&word, from, sizeof word);
		WINDOW32 = word;
	}
	while (len-- > 0)
		WINDOW8 = *from++;
}

static void address_bytes(unsigned bytes)
{
	if (bytes == 4)
		FMC_CE |= CE_ADDRESS4;
	else
		FMC_CE &= ~(uint32_t)CE_ADDRESS4;
}

/* Writing the control register while deselected keeps chip-select high for longer than
 * any chip's tSHSL: two accesses over the peripheral bus. */
static void transfer(const vf_bus_op *op, unsigned dummies)
{
	FMC_CTRL0 = CTRL_USER;
	put(op->opcode);
	put_address(op);
	for (unsigned i = 0; i < dummies; i++)
		put(0);
	if (op->dir == VF_BUS_READ)
		data_in(op->rx, op->len);
	else if (op->dir == VF_BUS_WRITE)
		data_out(op->tx, op->len);
	FMC_CTRL0 = CTRL_USER | CTRL_DESELECT;
}

/* A chip clears its write-enable latch when it has erased or programmed; those of QEMU
 * 7.2 leave it set, and the driver rightly takes that for a command that was ignored.
 * So the latch is cleared here, behind each command that does so. Not for silicon. */
static bool clears_latch(uint8_t opcode)
{
	static const uint8_t those[] = {0x02, 0x12, 0x32, 0x34, 0x38, 0x3E, 0xA2, 0x20,
					0x21, 0x52, 0x5C, 0xD8, 0xDC, 0xC4, 0x60, 0xC7};

	return memchr(those, opcode, sizeof those) != NULL;
}

int fmc_bus(void *self, const vf_bus_op *op)
{
	static const vf_bus_op write_disable = {.opcode = 0x04, .opcode_lanes = 1};
	unsigned dummies;

	(void)self;
	if (!dummy_fits(op, &dummies))
		return VF_E_BUS;
	if (op->addr_bytes != 0)
		address_bytes(op->addr_bytes);
	transfer(op, dummies);
	if (clears_latch(op->opcode))
		transfer(&write_disable, 0);
	return VF_OK;
}

const uint8_t *fmc_map(void *self, const vf_nor *nor)
{
	const vf_nor_chip *c = &nor->chip;
	uint32_t lines = c->read_lanes == 4 ? 1u << 30 : c->read_lanes == 2 ? 1u << 29 : 0;
	uint32_t dummy_bytes = c->read_dummy / 8u;

	(void)self;
	/* The mapping knows no mode byte, and here no address on more than one line. */
	if (c->read_addr_lanes != 1 || c->read_mode_bits != 0 || c->read_dummy % 8 != 0 ||
	    dummy_bytes > 3)
		return NULL;
	address_bytes(c->addr_bytes);
	FMC_CTRL0 = lines | (uint32_t)c->read_opcode << CTRL_OPCODE_AT |
		    dummy_bytes << CTRL_DUMMY_BYTES_AT | CTRL_FAST_READ;
	return (const uint8_t *)(uintptr_t)FMC_WINDOW;
}

void fmc_unmap(void *self)
{
	(void)self;
	FMC_CTRL0 = CTRL_USER | CTRL_DESELECT;
}
