/* probe.c - the first half of a probe: out of whatever mode the chip was left
 * in, past an erase that still runs, to an id that was read twice.
 */
#include <string.h>

#include "nor_internal.h"

enum {
	HOW_WAIT = 0x0F, /* pause afterwards, in steps of 32 us */
	HOW_10 = 0x10,   /* data of all ones behind the opcode: 10 clocks in all */
	HOW_16 = 0x20,   /* the same, 16 clocks */
	HOW_LAST = 0x40,
	HOW_QUAD = 0x80, /* on four lanes; left out where there are not four */
	DEAF_US = 128,   /* longer than a chip that is idle hears nothing: see `commands` */
};

struct command {
	uint8_t opcode;
	uint8_t how;
};

/* Four-lane forms are at most seven clocks, or all ones, so that a chip that
 * listens on one lane hears half a command or an undefined one. The order: out of
 * continuous read, where no opcode is expected (as JESD216 says: ten clocks of
 * ones end it on four lanes, sixteen on two; the second goes out on all lanes
 * there are). Then, when nothing runs any more, out of deep power-down (tRES at
 * most 30 us), and the reset (tRST at most 100 us when idle). F5h and FFh last:
 * QPI that a reset does not end, or begins. */
static const struct command commands[] = {
	/* NOR_SCRIPT_WAKE */
	{0xFF, HOW_QUAD | HOW_10},
	{0xFF, HOW_16 | HOW_LAST},
	/* NOR_SCRIPT_RESET */
	{0xAB, HOW_QUAD},
	{0xAB, 2},
	{0x66, HOW_QUAD},
	{0x99, HOW_QUAD | 4},
	{0x66, 0},
	{0x99, 4},
	{0xF5, HOW_QUAD},
	{0xFF, HOW_QUAD | HOW_LAST},
	/* NOR_SCRIPT_EXIT4 */
	{OP_WREN, 0},
	{0xE9, 0},
	{OP_WRDI, HOW_LAST},
	/* NOR_SCRIPT_ENTER4 */
	{OP_WREN, 0},
	{0xB7, 0},
	{OP_WRDI, HOW_LAST},
	/* NOR_SCRIPT_F0 */
	{0xF0, 4 | HOW_LAST},
	/* NOR_SCRIPT_CLEAR_FLAGS */
	{OP_CLFSR, 0},
	{OP_WRDI, HOW_LAST},
	/* NOR_SCRIPT_CLEAR_SPANSION, and NOR_SCRIPT_WRDI within it */
	{OP_CLSR, 0},
	{OP_WRDI, HOW_LAST},
	/* NOR_SCRIPT_EXIT4_ISSI */
	{0x29, HOW_LAST},
};

static const uint8_t ones[14] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
				 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

static void script_ask(vf_nor *n, const struct command *c)
{
	uint8_t how = c->how;
	uint8_t bytes = (how & HOW_10) != 0 ? 4 : 1;

	vf_n_bus(n, c->opcode);
	if ((how & HOW_16) != 0 && n->config.lanes == 4) {
		how |= HOW_QUAD;
		bytes = 7;
	}
	n->bus.opcode_lanes = (how & HOW_QUAD) != 0 ? 4 : 1;
	if ((how & (HOW_10 | HOW_16)) != 0) {
		n->bus.dir = VF_BUS_WRITE;
		n->bus.data_lanes = n->bus.opcode_lanes;
		n->bus.len = (uint32_t)bytes * n->config.dies;
		n->bus.tx = ones;
	}
}

static void state_script(vf_nor *n, bool answered, uint32_t now_us)
{
	const struct command *c = &commands[n->script];
	bool skipped = (c->how & HOW_QUAD) != 0 && n->config.lanes < 4;

	if (!answered && !skipped) {
		script_ask(n, c);
		return;
	}
	if (!skipped && (c->how & HOW_WAIT) != 0)
		vf_n_pause(n, now_us, (uint32_t)(c->how & HOW_WAIT) * 32u);
	n->script++;
	if ((c->how & HOW_LAST) != 0) {
		n->began_us = now_us;
		vf_n_go(n, (enum nor_state)n->then);
	}
}

/* A board that restarted in the middle of a probe has just woken or reset the chip. */
static void begin(vf_nor *n, uint32_t now_us)
{
	vf_n_pause(n, now_us, DEAF_US);
	if (n->sources.look != NULL)
		vf_n_go(n, NOR_LOOK_FIRST);
	else
		vf_n_run(n, NOR_SCRIPT_WAKE, NOR_BUSY);
}

/* Is an erase or program still running that somebody began before us? A reset
 * would cut it. A chip at work shows WIP and WEL; a floating line shows neither
 * or all ones. Looked at on one lane, then on four (QPI; a chip in SPI mode sees
 * four clocks, half a command). */
static void state_busy(vf_nor *n, bool answered, uint32_t now_us)
{
	uint8_t status = 0;

	if (!answered) {
		vf_n_bus_read(n, OP_RDSR, 1);
		if (n->pass != 0)
			n->bus.opcode_lanes = n->bus.data_lanes = 4;
		return;
	}
	for (uint8_t i = 0; i < n->config.dies; i++)
		if (n->buf[i] != 0xFF && (~n->buf[i] & (SR_WIP | SR_WEL)) == 0)
			status = n->buf[i];
	if (status == 0 && n->pass == 0 && n->config.lanes == 4) {
		n->pass = 1;
	} else if (status == 0 && n->sources.look != NULL) {
		vf_n_go(n, NOR_LOOK_ID);
	} else if (status == 0) {
		vf_n_run(n, NOR_SCRIPT_RESET, NOR_ID);
	} else if (n->pass == 0 && n->tries == 0 && (status & 0x60) != 0 &&
		   now_us - n->began_us > 4000000) {
		/* A Spansion part that failed stays busy until its error is cleared. By
		 * now none of its erases but the chip's could still run, and a busy
		 * chip of another make ignores this. */
		n->tries = 1;
		vf_n_run(n, NOR_SCRIPT_CLEAR_SPANSION, NOR_BUSY);
	} else if (now_us - n->began_us >= VF_NOR_BUSY_MAX_US) {
		vf_n_finish(n, VF_E_TIMEOUT);
	} else {
		vf_n_pause(n, now_us, 1000);
	}
}

static bool blank_id(const uint8_t *id)
{
	return (id[0] | id[1] | id[2]) == 0x00 || (id[0] & id[1] & id[2]) == 0xFF;
}

/* Where the 3-byte mode is to be restored by hand. 66h 99h has done it on most
 * parts; Spansion's own reset is F0h (and its E9h is a password command), ISSI
 * has 29h, the rest with more than 16 MB take E9h, Micron after a write-enable. */
static void leave_addr4(vf_nor *n)
{
	const uint8_t *id = n->chip.id;

	if (id[0] == 0x01)
		vf_n_run(n, NOR_SCRIPT_F0, NOR_SFDP_HEAD);
	else if (id[2] < 0x19)
		vf_n_go(n, NOR_SFDP_HEAD);
	else if (id[0] == 0x9D)
		vf_n_run(n, NOR_SCRIPT_EXIT4_ISSI, NOR_SFDP_HEAD);
	else
		vf_n_run(n, NOR_SCRIPT_EXIT4, NOR_SFDP_HEAD);
}

/* The id, twice. Three bytes count; Micron's extended ones too, because they
 * tell two generations apart. */
static void state_id(vf_nor *n, bool answered, uint32_t now_us)
{
	size_t matter = n->buf[0] == 0x20 ? 5 : 3;

	(void)now_us;
	if (!answered) {
		vf_n_bus_read(n, OP_RDID, sizeof n->chip.id);
		return;
	}
	if (!vf_n_gather(n, sizeof n->chip.id, matter))
		return;
	for (size_t i = 0; n->pass == 1 && i < matter; i++) {
		if (n->buf[i] != n->chip.id[i]) {
			vf_n_finish(n, VF_E_BUS);
			return;
		}
	}
	memcpy(n->chip.id, n->buf, sizeof n->chip.id);
	if (blank_id(n->chip.id))
		vf_n_finish(n, VF_E_NO_CHIP);
	else if (n->pass == 0)
		n->pass = 1;
	else
		leave_addr4(n);
}

void vf_n_probe_state(vf_nor *n, bool answered, uint32_t now_us)
{
	if (n->state == NOR_BEGIN)
		begin(n, now_us);
	else if (n->state == NOR_SCRIPT)
		state_script(n, answered, now_us);
	else if (n->state == NOR_BUSY)
		state_busy(n, answered, now_us);
	else
		state_id(n, answered, now_us);
}
