/* operate.c - reading, programming and erasing, and finding out how it went.
 *
 * Waiting is where the time goes. The first look comes just before the time
 * which the last such operation really took (the typical time to begin with);
 * from there on a look follows each 64th part of the time gone by, so that little
 * is lost past the real end and a slow operation costs few transactions more.
 */
#include <string.h>

#include "nor_internal.h"

enum { STATUS_WRITE_MAX_US = 1000000, WREN_TRIES = 3, POLL_MIN_US = 2 };

enum verdict { BUSY, GOOD, IGNORED, BAD_ERASE, BAD_PROGRAM, BAD_LOCKED };

/* Clears the error bits of the last operation and the write-enable latch. */
void vf_n_clear_then(vf_nor *n, enum nor_state then)
{
	enum nor_script script = NOR_SCRIPT_WRDI;

	if (n->chip.poll == VF_NOR_POLL_FLAGS)
		script = NOR_SCRIPT_CLEAR_FLAGS;
	else if (n->chip.poll == VF_NOR_POLL_SPANSION)
		script = NOR_SCRIPT_CLEAR_SPANSION;
	vf_n_run(n, script, then);
}

/* Ends a write with an error that leaves the bus in order. While probing that is
 * the quad enable bit's, and the verification says the rest. */
static void fail(vf_nor *n, int status)
{
	n->status = (int16_t)status;
	vf_n_clear_then(n, n->ready ? NOR_FAILED : NOR_QUAD_SR1);
}

static bool is_erase(const vf_nor *n)
{
	return n->ready && n->u.run.op.kind == VF_FLASH_ERASE;
}

static void poll_ask(vf_nor *n)
{
	vf_n_bus_read(n, n->chip.poll == VF_NOR_POLL_FLAGS ? OP_RDFSR : OP_RDSR, 1);
}

/* One die's status byte. A Spansion part that failed stays busy, so its error
 * bits go first, and it does not say whether protection was the reason. */
static enum verdict judge(const vf_nor *n, uint8_t status)
{
	if (n->chip.poll == VF_NOR_POLL_FLAGS) {
		if ((status & FSR_READY) == 0)
			return BUSY;
		if ((status & 0x02) != 0)
			return BAD_LOCKED;
		return (status & 0x20) != 0 ? BAD_ERASE : (status & 0x18) != 0 ? BAD_PROGRAM : GOOD;
	}
	if (n->chip.poll == VF_NOR_POLL_SPANSION && (status & 0x60) != 0) {
		if ((status & n->protect_mask) != 0)
			return BAD_LOCKED;
		return (status & 0x20) != 0 ? BAD_ERASE : BAD_PROGRAM;
	}
	if ((status & SR_WIP) != 0)
		return BUSY;
	return n->chip.poll == VF_NOR_POLL_WIP && (status & SR_WEL) != 0 ? IGNORED : GOOD;
}

/* All dies: busy as long as one is, otherwise the worst. */
static enum verdict judge_all(const vf_nor *n)
{
	enum verdict worst = GOOD;

	for (uint8_t i = 0; i < n->config.dies; i++) {
		enum verdict v = judge(n, n->buf[i]);

		if (v == BUSY)
			return BUSY;
		worst = v > worst ? v : worst;
	}
	return worst;
}

/* After an error: whatever it left running is over before anything begins. */
static void state_settle(vf_nor *n, bool answered, uint32_t now_us)
{
	if (!answered) {
		poll_ask(n);
		return;
	}
	if (n->pass == 0) {
		n->pass = 1;
		n->began_us = now_us;
	}
	if (judge_all(n) == BUSY) {
		n->pass = 1;
		if (now_us - n->began_us > n->limit_us + STATUS_WRITE_MAX_US)
			vf_n_finish(n, VF_E_TIMEOUT);
		else
			vf_n_pause(n, now_us, 100);
	} else if (++n->pass > n->chip.stacked) {
		n->unsettled = false;
		if (n->renewing && n->ready) {
			n->ready = false; /* what is written from here on are status bits */
			vf_n_clear_then(n, NOR_QUAD_SR1);
			return;
		}
		vf_n_clear_then(n, n->ready ? NOR_OPERATE : NOR_WREN);
	}
}

static void state_operate(vf_nor *n)
{
	uint8_t kind = n->u.run.op.kind;

	vf_n_go(n, kind == VF_FLASH_READ || kind == VF_FLASH_READ_MAPPED ? NOR_READ : NOR_WREN);
}

static void array_op(vf_nor *n, uint8_t opcode, uint8_t lanes, uint32_t offset)
{
	vf_n_bus(n, opcode);
	n->bus.addr_bytes = n->chip.addr_bytes;
	n->bus.addr_lanes = lanes;
	n->bus.addr = offset;
}

/* The next piece of a read, into the operation's own buffer. With two dies all
 * is even on the bus: an odd byte at either end comes by way of buf. */
static void read_ask(vf_nor *n)
{
	const vf_nor_chip *c = &n->chip;
	const vf_flash_op *op = &n->u.run.op;
	uint32_t offset = op->offset + n->u.run.done;
	uint32_t len = op->len - n->u.run.done;
	uint8_t *to = op->buf + n->u.run.done;

	if (len > n->config.max_transfer)
		len = n->config.max_transfer;
	n->pass = 0;
	if (n->config.dies == 2 && ((offset & 1) != 0 || len == 1)) {
		n->pass = 1;
		to = n->buf;
		len = 2;
	} else if (n->config.dies == 2) {
		len &= ~1u;
	}
	array_op(n, c->read_opcode, c->read_addr_lanes, offset - (n->pass & offset));
	n->bus.mode_bits = c->read_mode_bits;
	n->bus.mode = c->read_mode_bits != 0 ? 0xFF : 0;
	n->bus.dummy = c->read_dummy;
	n->bus.data_lanes = c->read_lanes;
	n->bus.dir = VF_BUS_READ;
	n->bus.len = len;
	n->bus.rx = to;
}

static void state_read(vf_nor *n, bool answered)
{
	const vf_flash_op *op = &n->u.run.op;

	if (!answered) {
		read_ask(n);
		return;
	}
	if (n->pass == 1) {
		op->buf[n->u.run.done] = n->buf[(op->offset + n->u.run.done) & 1];
		n->u.run.done++;
	} else {
		n->u.run.done += n->bus.len;
	}
	if (n->u.run.done == op->len)
		vf_n_finish(n, VF_OK);
}

static void state_wren(vf_nor *n, bool answered)
{
	if (!answered)
		vf_n_bus(n, OP_WREN);
	else
		vf_n_go(n, NOR_WEL);
}

/* Did write-enable take, on every die? The same look tells whether anything is
 * protected (see vf_nor_status). Where the chip is busy an earlier operation was
 * not over after all. */
static void state_wel(vf_nor *n, bool answered)
{
	uint8_t all = 0xFF;
	uint8_t any = 0;

	if (!answered) {
		vf_n_bus_read(n, OP_RDSR, 1);
		return;
	}
	for (uint8_t i = 0; i < n->config.dies; i++) {
		all &= n->buf[i];
		any |= n->buf[i];
	}
	if ((any & SR_WIP) != 0 || (all & SR_WEL) == 0) {
		if (++n->tries == WREN_TRIES)
			fail(n, VF_E_BUS);
		else
			vf_n_go(n, (any & SR_WIP) != 0 ? NOR_SETTLE : NOR_WREN);
	} else if (n->ready && n->chip.poll == VF_NOR_POLL_WIP &&
		   ((any & n->protect_mask) != 0 || n->complemented)) {
		fail(n, VF_E_LOCKED);
	} else {
		vf_n_go(n, NOR_SEND);
	}
}

static void send_status(vf_nor *n)
{
	uint8_t dies = n->config.dies;
	bool alone = n->chip.quad == VF_NOR_QUAD_SR2_31H;

	vf_n_bus(n, alone ? OP_WRSR2 : OP_WRSR);
	n->bus.dir = VF_BUS_WRITE;
	n->bus.data_lanes = 1;
	n->bus.tx = alone ? n->keep + dies : n->keep;
	n->bus.len = n->chip.quad == VF_NOR_QUAD_SR2_BIT1 ? 2u * dies : dies;
}

static void send_ask(vf_nor *n)
{
	const vf_flash_op *op = &n->u.run.op;

	if (!n->ready) {
		send_status(n);
	} else if (is_erase(n) && op->len == n->memory.size) {
		vf_n_bus(n, n->chip.erase_opcode[n->u.run.type]);
	} else if (is_erase(n)) {
		array_op(n, n->chip.erase_opcode[n->u.run.type], 1, op->offset);
	} else {
		array_op(n, n->chip.program_opcode, n->chip.program_addr_lanes, op->offset);
		n->bus.data_lanes = n->chip.program_lanes;
		n->bus.dir = VF_BUS_WRITE;
		n->bus.len = op->len;
		n->bus.tx = op->data;
	}
}

/* Part of a page takes a part of the time on many chips: look early, and learn
 * nothing from it. */
static bool part_of_page(const vf_nor *n)
{
	return n->ready && !is_erase(n) && n->u.run.op.len < n->memory.page;
}

static uint32_t *seen(vf_nor *n)
{
	return &n->u.run.seen_us[n->u.run.type]; /* a program's type is the last entry */
}

/* The chip's own maximum times the margin, from the end of the command on. */
static void state_send(vf_nor *n, bool answered, uint32_t now_us)
{
	uint32_t first = 0;
	uint32_t max = STATUS_WRITE_MAX_US;

	if (!answered) {
		send_ask(n);
		return;
	}
	if (n->ready) {
		max = is_erase(n) ? n->memory.erase[n->u.run.type].max_us : n->memory.page_max_us;
		first = *seen(n) - *seen(n) / 64;
		if (part_of_page(n))
			first /= 4;
	}
	n->began_us = now_us;
	n->limit_us = vf_n_times(max, n->config.margin);
	n->tries = 0;
	vf_n_go(n, NOR_POLL);
	vf_n_pause(n, now_us, first > POLL_MIN_US ? first : POLL_MIN_US);
}

/* Ready at the first look means that it may have been ready for long: look
 * earlier next time. Otherwise the time is known; it is approached by a quarter
 * and never beyond the typical time, because one slow operation says little. */
static void learn(vf_nor *n, uint32_t took_us)
{
	uint32_t *us = seen(n);
	uint32_t typ = is_erase(n) ? n->memory.erase[n->u.run.type].typ_us : n->memory.page_typ_us;

	if (part_of_page(n))
		return;
	if (n->pass == 0)
		*us -= *us / 8;
	else if (took_us < *us)
		*us = took_us;
	else
		*us += (took_us - *us) / 4;
	if (typ != 0 && *us > typ)
		*us = typ;
}

static void over(vf_nor *n, enum verdict v, uint32_t took_us)
{
	if (v == BAD_LOCKED || v == IGNORED) {
		fail(n, VF_E_LOCKED);
	} else if (v != GOOD) {
		fail(n, is_erase(n) ? VF_E_ERASE : VF_E_PROGRAM);
	} else if (!n->ready) {
		vf_n_go(n, NOR_QUAD_SR1);
	} else {
		learn(n, took_us);
		vf_n_finish(n, VF_OK);
	}
}

/* `pass` tells whether the chip was ever seen busy, `tries` counts looks in a row
 * that found it ready: dies behind one another answer in turn, and a latch that
 * is still set may only be late. */
static void state_poll(vf_nor *n, bool answered, uint32_t now_us)
{
	uint32_t took_us = now_us - n->began_us;
	uint32_t pause = took_us >> (is_erase(n) ? 8 : part_of_page(n) ? 5 : 7);
	enum verdict v;

	if (!answered) {
		poll_ask(n);
		return;
	}
	v = judge_all(n);
	if (v == BUSY && took_us >= n->limit_us) {
		vf_n_finish(n, VF_E_TIMEOUT);
	} else if (v == BUSY) {
		n->pass = 1;
		n->tries = 0;
		vf_n_pause(n, now_us, pause > POLL_MIN_US ? pause : POLL_MIN_US);
	} else if (++n->tries >= (v == IGNORED ? 2 : n->chip.stacked)) {
		over(n, v, took_us);
	}
}

void vf_n_operate_state(vf_nor *n, bool answered, uint32_t now_us)
{
	switch (n->state) {
	case NOR_SETTLE:
		state_settle(n, answered, now_us);
		break;
	case NOR_OPERATE:
		state_operate(n);
		break;
	case NOR_READ:
		state_read(n, answered);
		break;
	case NOR_WREN:
		state_wren(n, answered);
		break;
	case NOR_WEL:
		state_wel(n, answered);
		break;
	case NOR_SEND:
		state_send(n, answered, now_us);
		break;
	case NOR_POLL:
		state_poll(n, answered, now_us);
		break;
	default:
		vf_n_finish(n, n->status);
		break;
	}
}
