/* fuzz_board.c - the board that the fuzzers talk to: two memories in arrays behind
 * the flash door. Whatever the link brings, no operation may leave its memory,
 * touch what is protected, or be one that the memory does not have.
 */
#include "fuzz.h"

static const vf_memory memories[2] = {
	{.name = "array",
	 .kind = VF_MEMORY_NOR,
	 .flags = VF_MEMORY_READ | VF_MEMORY_WRITE | VF_MEMORY_RUN | VF_MEMORY_REPROGRAM,
	 .dies = 1,
	 .base = FUZZ_NOR_BASE,
	 .size = FUZZ_NOR_SIZE,
	 .page = 256,
	 .unit = 1,
	 .page_typ_us = 100,
	 .page_max_us = 1000,
	 .read_rate = 50000000,
	 .erase_types = 3,
	 .protects = 1,
	 .erase = {{4096, 1000, 9000}, {16384, 2000, 20000}, {FUZZ_NOR_SIZE, 5000, 60000}},
	 .protect = {{0xC000, 0x1000}}},
	{.name = "inner",
	 .kind = VF_MEMORY_INTERNAL,
	 .flags = VF_MEMORY_READ | VF_MEMORY_WRITE,
	 .dies = 1,
	 .base = FUZZ_INNER_BASE,
	 .size = FUZZ_INNER_SIZE,
	 .page = 64,
	 .unit = 32,
	 .page_max_us = 1000,
	 .erase_types = 1,
	 .erase = {{2048, 0, 9000}}},
};

static const vf_condition condition = {.known = 1,
				       .source = VF_CONDITION_SFDP | VF_CONDITION_TABLE,
				       .found = VF_FOUND_KNOWN | VF_FOUND_QPI,
				       .quad = VF_CONDITION_QUAD_ON,
				       .lanes = 0x44,
				       .protect_mask = 0x3C,
				       .registers = 2,
				       .status = {{0, 2}},
				       .conflict = "page size"};

void fuzz_board_start(fuzz_board *b)
{
	memset(b, 0, sizeof *b);
	memset(b->cells, 0xFF, sizeof b->cells);
	memcpy(b->info, memories, sizeof memories);
	b->config = (vf_target_config){
		.name = "fuzz",
		.memories = 2,
		.ring = b->ring,
		.ring_len = sizeof b->ring,
		.window = b->window,
		.window_len = sizeof b->window,
		.frame = b->frame,
		.frame_len = sizeof b->frame,
		.tx = b->tx,
		.tx_len = sizeof b->tx,
		.block = b->block,
		.block_len = sizeof b->block,
		.inflate = &b->inflate,
		.can_run = true,
	};
	for (unsigned m = 0; m < 2; m++)
		b->config.memory[m] =
			(vf_target_memory){&b->info[m], b->work[m], sizeof b->work[m], NULL};
	b->config.memory[0].condition = &condition;
	FUZZ_CHECK(vf_target_init(&b->t, &b->config) == VF_OK);
}

void fuzz_board_key(fuzz_board *b, const uint8_t key[VF_KEY_SIZE])
{
	b->config.guard = &b->guard;
	b->config.key = key;
	FUZZ_CHECK(vf_target_init(&b->t, &b->config) == VF_OK);
}

/* Only the board's journal is where nobody else may be. */
static void check_write(const fuzz_board *b, const vf_memory *m, const vf_flash_op *op)
{
	if (b->t.unit[op->memory].journal)
		return;
	for (unsigned i = 0; i < m->protects; i++)
		FUZZ_CHECK(op->offset + op->len <= m->protect[i].offset ||
			   op->offset >= m->protect[i].offset + m->protect[i].len);
}

static void erase(const fuzz_board *b, const vf_memory *m, const vf_flash_op *op, uint8_t *cells)
{
	bool known = false;
	for (unsigned i = 0; i < m->erase_types; i++)
		known = known || m->erase[i].size == op->len;
	FUZZ_CHECK(known && op->offset % op->len == 0);
	check_write(b, m, op);
	memset(cells, 0xFF, op->len);
}

static void program(const fuzz_board *b, const vf_memory *m, const vf_flash_op *op, uint8_t *cells)
{
	FUZZ_CHECK(op->offset % m->unit == 0 && op->len % m->unit == 0);
	FUZZ_CHECK(op->offset / m->page == (op->offset + op->len - 1) / m->page);
	FUZZ_CHECK((uintptr_t)op->data % 32 == 0);
	check_write(b, m, op);
	for (uint32_t i = 0; i < op->len; i++)
		cells[i] &= op->data[i];
}

static void carry_out(fuzz_board *b, const vf_flash_op *op)
{
	const vf_memory *m = &b->info[op->memory];
	FUZZ_CHECK(op->len != 0 && op->offset < m->size && op->len <= m->size - op->offset);
	uint8_t *cells = b->cells[op->memory] + op->offset;
	if (op->kind == VF_FLASH_ERASE)
		erase(b, m, op, cells);
	else if (op->kind == VF_FLASH_PROGRAM)
		program(b, m, op, cells);
	else
		memcpy(op->buf, cells, op->len);
}

void fuzz_board_turn(fuzz_board *b, uint32_t us)
{
	uint32_t address;
	b->now += us;
	vf_target_tick(&b->t, b->now);
	for (unsigned m = 0; m < 2; m++) {
		if (b->op[m] == NULL)
			b->op[m] = vf_target_flash_next(&b->t, m);
		if (b->op[m] == NULL || b->hold)
			continue;
		FUZZ_CHECK(b->op[m]->memory == m);
		b->begun++;
		carry_out(b, b->op[m]);
		b->op[m] = NULL;
		vf_target_flash_done(&b->t, m, VF_OK);
	}
	if (vf_target_run(&b->t, &address)) {
		FUZZ_CHECK(address - FUZZ_NOR_BASE < FUZZ_NOR_SIZE);
		b->op[0] = b->op[1] = NULL; /* and it comes back at once */
		FUZZ_CHECK(vf_target_init(&b->t, &b->config) == VF_OK);
	}
}
