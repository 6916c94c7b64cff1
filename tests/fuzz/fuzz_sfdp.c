/* fuzz_sfdp.c - a chip that says anything of itself: the first three bytes are its id,
 * the fourth its status, the fifth how it is connected, the rest its SFDP. The
 * probe ends, and what it takes for true is a memory that a planner can rely on.
 */
#include <vcpflash/nor.h>
#include <vcpflash/wire.h>

#include "fuzz.h"

typedef struct chip {
	const uint8_t *data;
	size_t len;
	uint8_t status[2];
} chip;

static void answer(const chip *c, const vf_bus_op *op)
{
	for (uint32_t i = 0; i < op->len; i++) {
		const uint32_t at = op->opcode == 0x5A ? 5 + op->addr + i : i;
		op->rx[i] = 0xFF;
		if (op->opcode == 0x9F && i < 6)
			op->rx[i] = i < 3 ? c->data[i] : 0;
		else if (op->opcode == 0x5A && at < c->len)
			op->rx[i] = c->data[at];
		else if (op->opcode == 0x05)
			op->rx[i] = c->status[0];
		else if (op->opcode == 0x35 || op->opcode == 0x3F)
			op->rx[i] = c->status[1];
		else if (op->opcode == 0x70)
			op->rx[i] = 0x80;
	}
}

static void transact(chip *c, const vf_bus_op *op)
{
	FUZZ_CHECK(op->opcode_lanes == 1 || op->opcode_lanes == 4);
	FUZZ_CHECK(op->len == 0 || op->dir != VF_BUS_NONE);
	if (op->dir == VF_BUS_READ)
		answer(c, op);
	else if (op->opcode == 0x01 && op->len >= 1) /* status registers hold what is written */
		memcpy(c->status, op->tx, op->len < 2 ? op->len : 2);
	else if (op->opcode == 0x31 && op->len == 1)
		c->status[1] = op->tx[0];
	else if (op->opcode == 0x06)
		c->status[0] |= 2;
	else if (op->opcode == 0x04)
		c->status[0] &= (uint8_t)~2;
}

/* What goes to the host must be taken by it. */
static void check_memory(const vf_memory *m)
{
	uint8_t body[VF_WIRE_CONTROL_MAX], index;
	vf_memory same;
	vf_torn torn;
	const size_t len = vf_pack_memory(body, 1, 1, 0, m, NULL);
	FUZZ_CHECK(len != 0);
	FUZZ_CHECK(vf_unpack_memory(&index, &same, &torn, body, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 5)
		return 0;
	static const uint8_t lanes[] = {1, 2, 4, 4};
	chip c = {data, len, {data[3] & (uint8_t)~1, 0}};
	const vf_nor_config config = {.base = 0x90000000,
				      .dies = 1,
				      .lanes = lanes[data[4] & 3],
				      .addr_bytes = (data[4] & 4) != 0 ? 4 : 3,
				      .max_transfer = 4096,
				      .trust_table = (data[4] & 8) != 0};
	vf_nor n;
	FUZZ_CHECK(vf_nor_init(&n, &config) == VF_OK);
	vf_nor_probe(&n);
	uint32_t now = 0;
	for (unsigned steps = 0;; steps++) {
		const vf_bus_op *op;
		uint32_t wait_us;
		FUZZ_CHECK(steps < 2000000);
		const enum vf_nor_step step = vf_nor_step(&n, now, &op, &wait_us);
		if (step == VF_NOR_DONE)
			break;
		if (step == VF_NOR_WAIT) {
			now += wait_us;
			continue;
		}
		transact(&c, op);
		vf_nor_bus_done(&n, VF_OK, ++now);
	}
	if (vf_nor_status(&n) == VF_OK)
		check_memory(&n.memory);
	return 0;
}
