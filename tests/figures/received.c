/* received.c - the board of the instruction counts: the engine over a memory
 * that is plain RAM. What calls it is no main loop but emulate.py, which counts
 * the instructions of each call. Sizes of buffers come from the command line.
 */
#include <string.h>

#include <vcpflash/target.h>

bool setup(void);
bool serve(void);
size_t receive(const uint8_t *bytes, size_t len);
void tick(uint32_t now_us);
size_t send(uint8_t *to);

vf_target target;
uint8_t packet[512], sent[2 * BOARD_TX], chip[1 << 16];
static uint8_t ring[BOARD_RING], window[BOARD_WINDOW], frame[BOARD_FRAME], transmit[BOARD_TX];
static uint8_t work[512] __attribute__((aligned(32)));

static const vf_memory memory = {
	.name = "RAM",
	.kind = VF_MEMORY_NOR,
	.flags = VF_MEMORY_READ | VF_MEMORY_WRITE,
	.dies = 1,
	.base = 0x90000000,
	.size = sizeof chip,
	.page = 256,
	.unit = 1,
	.page_max_us = 1000,
	.erase_types = 1,
	.erase = {{4096, 0, 1000}},
};

bool setup(void)
{
	static const vf_target_config port = {
		.name = "board",
		.memories = 1,
		.memory = {{.info = &memory, .work = work, .work_len = sizeof work}},
		.ring = ring,
		.ring_len = sizeof ring,
		.window = window,
		.window_len = sizeof window,
		.frame = frame,
		.frame_len = sizeof frame,
		.tx = transmit,
		.tx_len = sizeof transmit,
	};
	memset(chip, 0xFF, sizeof chip);
	static const vf_target_features features = {.text = &vf_target_text_feature};
	return vf_target_init_with(&target, &port, &features) == VF_OK;
}

size_t receive(const uint8_t *bytes, size_t len)
{
	return vf_target_rx(&target, bytes, len);
}

void tick(uint32_t now_us)
{
	vf_target_tick(&target, now_us);
}

/* Everything that waits to be sent, one frame. */
size_t send(uint8_t *to)
{
	size_t len;
	const uint8_t *bytes = vf_target_tx(&target, &len);
	if (bytes == NULL)
		return 0;
	memcpy(to, bytes, len);
	vf_target_tx_done(&target, len);
	return len;
}

/* The memory does one operation, at once. False if there is none. */
bool serve(void)
{
	const vf_flash_op *op = vf_target_flash_next(&target, 0);
	if (op == NULL)
		return false;
	if (op->kind == VF_FLASH_ERASE)
		memset(chip + op->offset, 0xFF, op->len);
	else if (op->kind == VF_FLASH_PROGRAM)
		memcpy(chip + op->offset, op->data, op->len);
	else
		memcpy(op->buf, chip + op->offset, op->len);
	vf_target_flash_done(&target, 0, VF_OK);
	return true;
}
