/* fuzz_serprog.c - a serial programmer's client that says anything: the first byte tells
 * which chip and what is not allowed, then come pieces, each behind its length. Whatever is
 * said, what reaches the bus is a command that the chip has, at a place that it has, and
 * changes nothing that is protected, or that nobody allowed.
 */
#include <vcpflash/serprog.h>

#include "fuzz.h"

enum { PAGE = 256, BUF = 512, UNTIL_TICK = 50000 };

typedef struct bench {
	vf_serprog s;
	vf_nor nor;
	vf_memory memory;
	_Alignas(32) uint8_t buf[BUF];
	bool large, enabled, allowed;
	vf_range change;
	uint8_t decisions;
	unsigned answers;
} bench;

static void make_chip(bench *b, uint8_t how)
{
	static const uint8_t three[] = {0x20, 0x52, 0xD8, 0xC7}, four[] = {0x21, 0x5C, 0xDC, 0xC7};
	static const uint32_t sizes[] = {4096, 32768, 65536};
	vf_nor_chip *c = &b->nor.chip;
	b->large = (how & 1) != 0;
	b->memory = (vf_memory){.flags = VF_MEMORY_READ | VF_MEMORY_WRITE,
				.dies = 1,
				.page = PAGE,
				.size = b->large ? 64u << 20 : 1u << 20,
				.erase_types = 4};
	for (unsigned i = 0; i < 4; i++) {
		b->memory.erase[i].size = i < 3 ? sizes[i] : b->memory.size;
		c->erase_opcode[i] = b->large && (how & 2) != 0 ? four[i] : three[i];
	}
	b->memory.protects = (how & 4) != 0;
	b->memory.protect[0] = (vf_range){b->memory.size - 8192, 8192};
	b->nor.ready = true;
	b->nor.config = (vf_nor_config){.dies = 1, .max_transfer = 512, .bus_hz = 1000000};
	c->addr_bytes = b->large ? 4 : 3;
	c->addr4 = !b->large        ? VF_NOR_ADDR4_NONE
		   : (how & 2) != 0 ? VF_NOR_ADDR4_OPCODES
				    : VF_NOR_ADDR4_ENTER;
	c->read_opcode = c->addr4 == VF_NOR_ADDR4_OPCODES ? 0x0C : 0x0B;
	c->read_addr_lanes = c->read_lanes = 1;
	c->read_dummy = 8;
}

static void check_change(bench *b, const vf_bus_op *op)
{
	const vf_range *p = &b->memory.protect[0];
	FUZZ_CHECK(b->enabled && b->allowed);
	FUZZ_CHECK(b->memory.protects == 0 || b->change.offset + b->change.len <= p->offset);
	if (op->addr_bytes != 0)
		FUZZ_CHECK(op->addr >= b->change.offset &&
			   op->addr < b->change.offset + b->change.len);
	else
		FUZZ_CHECK(b->memory.protects == 0);
	b->enabled = b->allowed = false;
}

static void check_op(bench *b, const vf_bus_op *op)
{
	FUZZ_CHECK((op->dir != VF_BUS_NONE) == (op->len != 0));
	FUZZ_CHECK(op->len <= BUF);
	if (op->dir == VF_BUS_READ) {
		FUZZ_CHECK(op->rx >= b->buf && op->rx + op->len <= b->buf + BUF);
		FUZZ_CHECK(op->opcode != b->nor.chip.read_opcode ||
			   op->len <= b->memory.size - op->addr);
		memset(op->rx, op->opcode, op->len);
		return;
	}
	switch (op->opcode) {
	case 0x06:
	case 0x50:
		b->enabled = true;
		break;
	case 0x04:
		b->enabled = false;
		break;
	case 0x30:
	case 0xAB:
		break;
	case 0x01:
	case 0x31:
	case 0x11:
		FUZZ_CHECK(b->enabled);
		FUZZ_CHECK(b->memory.protects == 0 || (op->len == 1 && (op->tx[0] & 0xFC) == 0));
		b->enabled = false;
		break;
	default:
		check_change(b, op);
		break;
	}
}

static void turn(bench *b)
{
	const vf_bus_op *op;
	size_t len;
	if (vf_serprog_change_next(&b->s, &b->change)) {
		b->allowed = b->decisions++ % 7 != 3;
		if (b->decisions % 5 == 4) {
			b->enabled = false; /* the driver did something of its own */
			vf_serprog_disturbed(&b->s);
		}
		vf_serprog_change_done(&b->s, b->allowed ? VF_OK : VF_E_REFUSED);
	}
	if ((op = vf_serprog_bus_next(&b->s)) != NULL) {
		bool fails = b->decisions++ % 11 == 7;
		if (!fails)
			check_op(b, op);
		vf_serprog_bus_done(&b->s, fails ? VF_E_BUS : VF_OK);
	}
	if (vf_serprog_tx(&b->s, &len) != NULL) {
		FUZZ_CHECK(len > 0 && len <= BUF);
		vf_serprog_tx_done(&b->s, b->decisions % 3 == 0 ? len : (len + 1) / 2);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bench b;
	fuzz_input in = {data, data + len};
	uint32_t now = 0;
	memset(&b, 0, sizeof b);
	b.decisions = 8;
	make_chip(&b, fuzz_byte(&in));
	vf_serprog_config c = {"fuzz", &b.nor, &b.memory, b.buf, BUF, 512};
	FUZZ_CHECK(vf_serprog_init(&b.s, &c) == VF_OK);
	while (fuzz_more(&in)) {
		const uint8_t *bytes;
		size_t n = fuzz_bytes(&in, &bytes, 255);
		for (unsigned idle = 0; idle < 4000 && n > 0; idle++) {
			size_t taken = vf_serprog_rx(&b.s, bytes, n);
			bytes += taken;
			n -= taken;
			turn(&b);
		}
		for (unsigned i = 0; i < 40; i++)
			turn(&b);
		now += UNTIL_TICK;
		vf_serprog_tick(&b.s, now);
	}
	return 0;
}
