/* stm32h7_quadspi_command.c - QUADSPI towards the chips: a command as CCR, AR, ABR
 * and DLR describe it becomes one transaction of the bus door, in the time that
 * its clock cycles take.
 *
 * A read asks the chips when its data phase begins, and hands bytes to the FIFO in
 * their time. A write collects what passes through the FIFO and tells the chips
 * when chip-select rises. Automatic polling leaves out polls whose outcome is
 * known: while the chips are busy nothing changes.
 */
#include "stm32h7_quadspi.h"

#include <string.h>

enum { PS = 1000, PART_MHZ = 133, MAPPED_SEARCH = 8u << 20 };

static const uint8_t lanes_of[4] = {0, 1, 2, 4};

static uint32_t reg(const vf_h7_quadspi *q, unsigned offset)
{
	return vf_h7_quadspi_reg(q, offset);
}

static unsigned lanes(const vf_h7_quadspi *q, unsigned phase)
{
	return lanes_of[vf_h7_field(reg(q, CCR), phase, 2)];
}

static bool dual(const vf_h7_quadspi *q)
{
	return (reg(q, CR) & CR_DFM) != 0;
}

static uint32_t length(const vf_h7_quadspi *q)
{
	return vf_h7_quadspi_has(q, PHASE_DATA) ? (reg(q, DLR) | dual(q)) + 1 : 0;
}

static vf_bus_op operation(const vf_h7_quadspi *q)
{
	const uint32_t ccr = reg(q, CCR);
	const bool alternate = vf_h7_quadspi_has(q, PHASE_ALTERNATE);
	const bool addressed = vf_h7_quadspi_has(q, PHASE_ADDRESS);

	return (vf_bus_op){
		.opcode = (uint8_t)ccr,
		.opcode_lanes = (uint8_t)lanes(q, PHASE_INSTRUCTION),
		.addr_bytes = (uint8_t)(addressed ? vf_h7_field(ccr, 12, 2) + 1 : 0),
		.addr_lanes = (uint8_t)lanes(q, PHASE_ADDRESS),
		.mode_bits = alternate ? 8 : 0,
		.mode = (uint8_t)(alternate ? reg(q, ABR) : 0),
		.dummy = (uint8_t)vf_h7_field(ccr, 18, 5),
		.data_lanes = (uint8_t)lanes(q, PHASE_DATA),
		.ddr = (ccr & CCR_DDRM) != 0,
	};
}

/* A register answers at once and again and again: dummy clocks before the data
 * miss its first answers. False where they end in the middle of a byte. */
static bool register_read(vf_h7_quadspi *q, vf_bus_op *op, unsigned *missed)
{
	const unsigned bits = (unsigned)op->dummy * op->data_lanes;

	*missed = 0;
	if (op->addr_bytes != 0 || op->dummy == 0)
		return true;
	*missed = bits / 8 * (dual(q) ? 2 : 1);
	op->dummy = 0;
	return bits % 8 == 0;
}

static uint64_t chip_do(vf_h7_quadspi *q, const vf_bus_op *op, uint64_t at_ps)
{
	q->commands++;
	q->bytes += op->len;
	return vf_sim_chip_bus(q->unit.soc->config.nor, op, at_ps / PS / 1000);
}

/* Pins as on the boards: chip-select, four lines a die, and the clock, where the two differ. */
static bool wired(const vf_stm32h7 *soc)
{
	static const struct {
		uint8_t port, pin, af;
	} pin[] = {
		{6, 6, 10},                                    /* PG6 NCS */
		{3, 11, 9}, {5, 9, 10}, {5, 7, 9}, {5, 6, 9},  /* bank 1 */
		{7, 2, 9},  {7, 3, 9},  {6, 9, 9}, {6, 14, 9}, /* bank 2 */
	};

	for (unsigned i = 0; i < sizeof pin / sizeof *pin; i++)
		if (!vf_h7_pin_is(soc, pin[i].port, pin[i].pin, pin[i].af))
			return false;
	return soc->config.board == VF_H7_H745I_DISCO ? vf_h7_pin_is(soc, 5, 10, 9)
						      : vf_h7_pin_is(soc, 1, 2, 9);
}

static const char *not_modelled(const vf_h7_quadspi *q)
{
	const uint32_t ccr = reg(q, CCR);

	if (!vf_h7_quadspi_has(q, PHASE_INSTRUCTION))
		return "a command without instruction, which the model has not";
	if (!dual(q))
		return "single-flash mode, but the model's two dies share every command (DFM)";
	if ((ccr & CCR_SIOO) != 0)
		return "instruction sent only once (SIOO), which the model has not";
	if (vf_h7_quadspi_has(q, PHASE_ALTERNATE) &&
	    (vf_h7_field(ccr, 16, 2) != 0 || lanes(q, PHASE_ALTERNATE) != lanes(q, PHASE_ADDRESS)))
		return "alternate bytes other than one on the lines of the address";
	if (!wired(q->unit.soc))
		return "a command while its pins are not all in the board's alternate function";
	return NULL;
}

/* What the manual asks of address and length. False: TEF, and nothing is sent. */
static bool in_range(vf_h7_quadspi *q)
{
	const uint64_t size = UINT64_C(2) << vf_h7_field(reg(q, DCR), 16, 5);
	const uint32_t len = length(q);

	if (dual(q) && len != 0 && (reg(q, DLR) & 1) == 0)
		vf_h7_stop(&q->unit, "an odd length of %u, and two dies: %u bytes will move",
			   (unsigned)reg(q, DLR) + 1, (unsigned)len);
	if (!vf_h7_quadspi_has(q, PHASE_ADDRESS))
		return true;
	if (dual(q) && (q->address & 1) != 0)
		vf_h7_stop(&q->unit, "the odd address %08Xh, and two dies", (unsigned)q->address);
	if (q->address < size && len <= size - q->address)
		return true;
	vf_h7_quadspi_raise(q, SR_TEF);
	vf_h7_stop(&q->unit, "%u bytes at %08Xh, beyond the %u KB that FSIZE says (TEF)",
		   (unsigned)len, (unsigned)q->address, (unsigned)(size >> 10));
	return false;
}

static bool clocked(vf_h7_quadspi *q)
{
	const uint32_t hz = vf_h7_quadspi_hz(q->unit.soc);
	const uint32_t divide = vf_h7_field(reg(q, CR), 24, 8) + 1;

	if (hz == 0) {
		vf_h7_stop(&q->unit, "a command, but its kernel clock does not run (QSPISEL)");
		return false;
	}
	if (hz / divide > PART_MHZ * 1000000u)
		vf_h7_stop(&q->unit, "a clock of %u MHz, above the part's %u",
			   (unsigned)(hz / divide / 1000000), (unsigned)PART_MHZ);
	q->clock_ps = divide * UINT64_C(1000000000000) / hz;
	return true;
}

/* Clock cycles before the data phase. */
static uint64_t lead_cycles(const vf_bus_op *op)
{
	uint64_t cycles = 8u / op->opcode_lanes + op->dummy;

	if (op->addr_lanes != 0)
		cycles +=
			(op->addr_bytes * 8u + op->mode_bits) / op->addr_lanes / (op->ddr ? 2 : 1);
	return cycles;
}

/* A byte of two dies takes half the cycles of a byte of one. */
static void set_pace(vf_h7_quadspi *q, const vf_bus_op *op)
{
	q->byte_ps = 0;
	if (op->data_lanes != 0)
		q->byte_ps =
			q->clock_ps * 8 / op->data_lanes / (dual(q) ? 2 : 1) / (op->ddr ? 2 : 1);
}

static void begin_sending(vf_h7_quadspi *q, vf_bus_op *op)
{
	op->addr = q->address;
	(void)chip_do(q, op, q->free_ps);
	q->wait_ns = q->free_ps / PS;
	q->state = QUADSPI_SENDING;
}

/* Reads `len` bytes into the buffer, at its start those that dummy clocks miss. */
static uint32_t ask(vf_h7_quadspi *q, uint32_t len, uint64_t at_ps)
{
	vf_bus_op op = operation(q);
	unsigned missed;

	if (!register_read(q, &op, &missed))
		vf_h7_stop(&q->unit, "dummy cycles that end in the middle of a register's byte");
	op.dir = VF_BUS_READ;
	op.addr = q->address;
	op.len = len + missed;
	op.rx = q->buffer;
	(void)chip_do(q, &op, at_ps);
	return missed;
}

static void fetch_chunk(vf_h7_quadspi *q)
{
	const uint32_t most = VF_H7_QSPI_BUFFER - 32;
	const uint32_t len = q->on_bus < most ? q->on_bus : most;

	q->taken = ask(q, len, q->free_ps);
	q->filled = q->taken + len;
	q->address += len;
}

static void begin_reading(vf_h7_quadspi *q)
{
	q->on_bus = length(q);
	q->in_fifo = 0;
	q->state = QUADSPI_READING;
	fetch_chunk(q);
}

static void begin_writing(vf_h7_quadspi *q)
{
	q->left = q->on_bus = length(q);
	q->in_fifo = 0;
	q->filled = 0;
	q->state = QUADSPI_WRITING;
	if (q->on_bus > VF_H7_QSPI_BUFFER) {
		vf_h7_stop(&q->unit, "a write of %u bytes in one command", (unsigned)q->on_bus);
		q->state = QUADSPI_IDLE;
	}
}

static void probe_mapped(vf_h7_quadspi *q, uint32_t at)
{
	const uint8_t *array = q->unit.soc->config.nor_array;
	uint8_t seen[16];
	vf_bus_op op = operation(q);

	op.dir = VF_BUS_READ;
	op.addr = at;
	op.len = sizeof seen;
	op.rx = seen;
	(void)chip_do(q, &op, q->free_ps);
	if (memcmp(seen, array + at, sizeof seen) != 0)
		vf_h7_stop(&q->unit,
			   "memory-mapped reads would not give what the chips hold: "
			   "command %02Xh, its lines or dummy cycles are not theirs",
			   op.opcode);
}

/* Reads at the window cost no call, so the read command is tried once, where the
 * chips hold something. */
static void begin_mapped(vf_h7_quadspi *q)
{
	const vf_stm32h7_config *config = &q->unit.soc->config;
	const uint64_t size = UINT64_C(2) << vf_h7_field(reg(q, DCR), 16, 5);
	const uint32_t reach = size < config->nor_size ? (uint32_t)size : config->nor_size;
	const uint32_t most = reach < MAPPED_SEARCH ? reach : MAPPED_SEARCH;
	uint32_t at = 0;

	while (at < most - 16 && config->nor_array[at] == 0xFF)
		at += 2;
	probe_mapped(q, at < most - 16 ? at & ~15u : 0);
	q->state = QUADSPI_MAPPED;
	q->wait_ns = VF_EMU_NEVER;
	if ((reg(q, CR) & CR_TCEN) != 0)
		q->wait_ns = (q->free_ps + reg(q, LPTR) * q->clock_ps) / PS;
	config->bus->changed(config->bus->context, q->window.base, reach);
	config->bus->open(config->bus->context, q->window.base, reach, VF_EMU_READ | VF_EMU_FETCH,
			  NULL);
}

void vf_h7_quadspi_unmap(vf_h7_quadspi *q)
{
	const vf_emu_bus *bus = q->unit.soc->config.bus;

	if (q->state == QUADSPI_MAPPED)
		q->state = QUADSPI_IDLE;
	bus->open(bus->context, q->window.base, q->window.size, VF_EMU_NONE,
		  "QUADSPI is not in memory-mapped mode");
}

static void poll(vf_h7_quadspi *q, uint64_t now_ns);

void vf_h7_quadspi_start(vf_h7_quadspi *q)
{
	const char *what = not_modelled(q);
	const uint64_t now_ps = vf_h7_now(q->unit.soc) * PS;
	vf_bus_op op = operation(q);

	q->address = reg(q, AR);
	if (what != NULL) {
		vf_h7_stop(&q->unit, "%s", what);
		return;
	}
	if (!clocked(q) || (vf_h7_quadspi_fmode(q) != FMODE_MAPPED && !in_range(q)))
		return;
	set_pace(q, &op);
	q->free_ps = now_ps + lead_cycles(&op) * q->clock_ps;
	if (vf_h7_quadspi_fmode(q) == FMODE_MAPPED)
		begin_mapped(q);
	else if (!vf_h7_quadspi_has(q, PHASE_DATA))
		begin_sending(q, &op);
	else if (vf_h7_quadspi_fmode(q) == FMODE_READ)
		begin_reading(q);
	else if (vf_h7_quadspi_fmode(q) == FMODE_WRITE)
		begin_writing(q);
	else if (length(q) <= 4) {
		q->state = QUADSPI_POLLING;
		q->poll_ns = q->free_ps / PS;
		q->wait_ns = 0;
		poll(q, q->poll_ns);
	} else {
		vf_h7_stop(&q->unit, "automatic polling of %u bytes, where 4 are the most",
			   (unsigned)length(q));
	}
}

static void finish_write(vf_h7_quadspi *q)
{
	vf_bus_op op = operation(q);

	op.dir = VF_BUS_WRITE;
	op.addr = q->address;
	op.len = q->filled;
	op.tx = q->buffer;
	q->state = QUADSPI_IDLE;
	if (op.len != 0)
		(void)chip_do(q, &op, q->free_ps);
}

/* Chip-select rises at once; the chips have what had passed by then. */
void vf_h7_quadspi_abort(vf_h7_quadspi *q)
{
	const bool busy = (vf_h7_quadspi_status(q) & SR_BUSY) != 0;

	vf_h7_quadspi_progress(q, vf_h7_now(q->unit.soc));
	if (q->state == QUADSPI_WRITING) {
		q->filled &= ~1u;
		finish_write(q);
	}
	if (q->state == QUADSPI_MAPPED)
		vf_h7_quadspi_unmap(q);
	q->state = QUADSPI_IDLE;
	q->in_fifo = 0;
	q->left = q->on_bus = 0;
	if (busy)
		vf_h7_quadspi_raise(q, SR_TCF);
}

/* The FIFO is a clock's gate: while it is full (or empty, writing) the clock
 * stands, and goes on when the other side has moved. */
static void progress_read(vf_h7_quadspi *q, uint64_t now_ps)
{
	while (q->on_bus != 0 && q->in_fifo < VF_H7_QSPI_FIFO &&
	       q->free_ps + q->byte_ps <= now_ps) {
		if (q->taken == q->filled)
			fetch_chunk(q);
		q->fifo[q->in_fifo++] = q->buffer[q->taken++];
		q->free_ps += q->byte_ps;
		if (--q->on_bus == 0)
			vf_h7_quadspi_raise(q, SR_TCF);
	}
	if (q->in_fifo == VF_H7_QSPI_FIFO && q->free_ps < now_ps)
		q->free_ps = now_ps;
	if (q->on_bus == 0 && q->in_fifo == 0)
		q->state = QUADSPI_IDLE;
}

static void progress_write(vf_h7_quadspi *q, uint64_t now_ps)
{
	unsigned moved = 0;

	while (moved < q->in_fifo && q->on_bus != 0 && q->free_ps + q->byte_ps <= now_ps) {
		q->buffer[q->filled++] = q->fifo[moved++];
		q->free_ps += q->byte_ps;
		q->on_bus--;
	}
	q->in_fifo = (uint8_t)(q->in_fifo - moved);
	memmove(q->fifo, q->fifo + moved, q->in_fifo);
	if (q->on_bus == 0) {
		finish_write(q);
		vf_h7_quadspi_raise(q, SR_TCF);
	} else if (q->in_fifo == 0 && q->free_ps < now_ps) {
		q->free_ps = now_ps;
	}
}

static bool matches(const vf_h7_quadspi *q, uint32_t status)
{
	const uint32_t mask = reg(q, PSMKR);
	const uint32_t differs = (status ^ reg(q, PSMAR)) & mask;

	return (reg(q, CR) & CR_PMM) != 0 ? differs != mask : differs == 0;
}

/* When to look again: after the interval, or when the chips will be ready; with
 * nothing running nothing can change but by the chips waking up, so ever later. */
static uint64_t next_poll(vf_h7_quadspi *q, uint64_t now_ns)
{
	const uint64_t ready_ns = vf_sim_chip_busy_until(q->unit.soc->config.nor) * 1000;
	const uint64_t interval_ns = (reg(q, PIR) * q->clock_ps + q->byte_ps * 4) / PS + 1;

	if (ready_ns > now_ns + interval_ns)
		return ready_ns;
	q->wait_ns = q->wait_ns * 2 > interval_ns ? q->wait_ns * 2 : interval_ns;
	if (q->wait_ns > 1000000)
		q->wait_ns = 1000000;
	return now_ns + q->wait_ns;
}

static void poll(vf_h7_quadspi *q, uint64_t now_ns)
{
	const uint32_t len = length(q), missed = ask(q, len, now_ns * PS);
	uint32_t status = 0;

	for (unsigned i = 0; i < len; i++)
		status |= (uint32_t)q->buffer[missed + i] << 8 * i;
	memcpy(q->fifo, q->buffer + missed, len);
	q->in_fifo = (uint8_t)len;
	if (matches(q, status)) {
		vf_h7_quadspi_raise(q, SR_SMF);
		if ((reg(q, CR) & CR_APMS) != 0)
			q->state = QUADSPI_IDLE;
		q->wait_ns = 0;
	}
	q->poll_ns = next_poll(q, now_ns);
}

void vf_h7_quadspi_progress(vf_h7_quadspi *q, uint64_t now_ns)
{
	switch (q->state) {
	case QUADSPI_SENDING:
		if (now_ns < q->wait_ns)
			break;
		q->state = QUADSPI_IDLE;
		vf_h7_quadspi_raise(q, SR_TCF);
		break;
	case QUADSPI_WRITING:
		progress_write(q, now_ns * PS);
		break;
	case QUADSPI_READING:
		progress_read(q, now_ns * PS);
		break;
	case QUADSPI_POLLING:
		while (q->state == QUADSPI_POLLING && q->poll_ns <= now_ns)
			poll(q, q->poll_ns);
		break;
	case QUADSPI_MAPPED:
		if (now_ns >= q->wait_ns) {
			vf_h7_quadspi_raise(q, SR_TOF);
			q->wait_ns = VF_EMU_NEVER;
		}
		break;
	default:
		break;
	}
}

uint64_t vf_h7_quadspi_when(const vf_h7_quadspi *q, uint32_t bytes)
{
	if (q->state != QUADSPI_READING && q->state != QUADSPI_WRITING)
		return VF_EMU_NEVER;
	return (q->free_ps + bytes * q->byte_ps + PS - 1) / PS;
}

/* The next moment at which a flag changes by itself. */
static uint64_t next_flag(const vf_h7_quadspi *q)
{
	const unsigned threshold = vf_h7_quadspi_threshold(q);
	uint32_t bytes;

	if (q->state == QUADSPI_READING) {
		if (q->on_bus == 0)
			return VF_EMU_NEVER;
		bytes = q->in_fifo < threshold ? threshold - q->in_fifo : q->on_bus;
		if (bytes > q->on_bus)
			bytes = q->on_bus;
		return q->in_fifo + bytes > VF_H7_QSPI_FIFO ? VF_EMU_NEVER
							    : vf_h7_quadspi_when(q, bytes);
	}
	if (q->in_fifo == 0)
		return VF_EMU_NEVER;
	if (q->left != 0 && q->in_fifo + threshold > VF_H7_QSPI_FIFO)
		return vf_h7_quadspi_when(q, q->in_fifo + threshold - VF_H7_QSPI_FIFO);
	return q->left == 0 ? vf_h7_quadspi_when(q, q->in_fifo) : VF_EMU_NEVER;
}

uint64_t vf_h7_quadspi_next(const vf_h7_quadspi *q)
{
	switch (q->state) {
	case QUADSPI_SENDING:
	case QUADSPI_MAPPED:
		return q->wait_ns;
	case QUADSPI_WRITING:
	case QUADSPI_READING:
		return next_flag(q);
	case QUADSPI_POLLING:
		return q->poll_ns;
	default:
		return VF_EMU_NEVER;
	}
}
