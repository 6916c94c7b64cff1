/* board.c - the board of the figures: an external NOR chip on a bare controller,
 * a port that takes and gives bytes. It uses every door of the three rooms that
 * run on a board and does nothing else, so that what the linker keeps is what a
 * port pays. Which features it names is said on the compiler's command line
 * (figures.py); its registers are made up.
 */
#include <vcpflash/nor.h>
#include <vcpflash/serprog.h>
#include <vcpflash/target.h>
#include <vcpflash/ymodem.h>

int main(void);

struct registers {
	volatile uint32_t micros, rx, rx_count, tx, baud, go, bus;
};
#define REGISTERS ((struct registers *)0x40000000u)

static vf_target target;
static vf_nor nor;
static uint8_t ring[VF_TARGET_RING_MIN], window[VF_TARGET_WINDOW_MIN];
static uint8_t frame[VF_WIRE_CONTROL_MAX + 4], transmit[VF_TARGET_TX_MIN];
static uint8_t work[512] __attribute__((aligned(32)));
#ifdef BOARD_UNPACK
static uint8_t block[4096] __attribute__((aligned(32)));
static vf_inflate inflate;
#endif
#ifdef BOARD_KEY
static vf_target_guard guard;
static const uint8_t key[VF_KEY_SIZE] = {1, 2, 3};
#endif
#ifdef BOARD_JOURNAL
static vf_target_journal journal;
#endif

#if defined BOARD_CONSOLE || defined BOARD_YMODEM || defined BOARD_SERPROG
#define BOARD_GUESTS
static vf_guest guest;
#endif
#ifdef BOARD_CONSOLE
static vf_console console;
#endif
#ifdef BOARD_YMODEM
static vf_ymodem ymodem;
static uint8_t sector[4096] __attribute__((aligned(32)));
#endif
#ifdef BOARD_SERPROG
static vf_serprog_guest serprog;
static uint8_t spi[256 + 64] __attribute__((aligned(32)));
#endif

static int controller(const vf_bus_op *op)
{
	const uint8_t *from = (const uint8_t *)op;
	for (unsigned i = 0; i < sizeof *op; i++)
		REGISTERS->bus = from[i];
	return REGISTERS->bus != 0 ? VF_OK : VF_E_BUS;
}

/* One step of the chip's driver; true when it has ended what it was doing. */
static bool serve(void)
{
	const vf_bus_op *bus;
	uint32_t wait;
	enum vf_nor_step step = vf_nor_step(&nor, REGISTERS->micros, &bus, &wait);
	if (step == VF_NOR_BUS)
		vf_nor_bus_done(&nor, controller(bus), REGISTERS->micros);
	return step == VF_NOR_DONE;
}

#ifdef BOARD_CONDITION
static vf_condition condition;
#endif

static bool find_chip(void)
{
	static const vf_nor_config chip = {.base = 0x90000000,
					   .dies = 1,
					   .lanes = 4,
					   .addr_bytes = 4,
					   .max_transfer = 4096,
					   .bus_hz = 50000000};
	static const vf_nor_sources sources = {
#ifdef BOARD_SFDP
		.sfdp = &vf_nor_sfdp_source,
#endif
#ifdef BOARD_PARTS
		.parts = &vf_nor_parts_source,
#endif
#ifdef BOARD_CONDITION
		.look = &vf_nor_look_source,
#endif
	};
	if (vf_nor_init_with(&nor, &chip, &sources) != VF_OK)
		return false;
	vf_nor_probe(&nor);
	while (!serve())
		continue;
	if (vf_nor_status(&nor) != VF_OK)
		return false;
#ifdef BOARD_CONDITION
	vf_nor_condition(&nor, &condition);
#endif
	return true;
}

#ifdef BOARD_GUESTS
static void invite(void)
{
	vf_guest_init(&guest, &target);
#ifdef BOARD_CONSOLE
	vf_console_init(&console, &guest);
#endif
#ifdef BOARD_YMODEM
	vf_ymodem_init(&ymodem, &guest, sector, sizeof sector);
#endif
#ifdef BOARD_SERPROG
	const vf_serprog_config config = {.name = "board",
					  .nor = &nor,
					  .memory = &nor.memory,
					  .buf = spi,
					  .buf_len = sizeof spi,
					  .serial_len = sizeof ring};
	(void)vf_serprog_invite(&serprog, &guest, 0, &config);
#endif
}
#endif

static bool start(void)
{
	static const vf_target_config port = {
		.name = "board",
		.memories = 1,
#ifdef BOARD_CONDITION
		.memory = {{.info = &nor.memory,
			    .work = work,
			    .work_len = sizeof work,
			    .condition = &condition}},
#else
		.memory = {{.info = &nor.memory, .work = work, .work_len = sizeof work}},
#endif
		.ring = ring,
		.ring_len = sizeof ring,
		.window = window,
		.window_len = sizeof window,
		.frame = frame,
		.frame_len = sizeof frame,
		.tx = transmit,
		.tx_len = sizeof transmit,
#ifdef BOARD_UNPACK
		.block = block,
		.block_len = sizeof block,
		.inflate = &inflate,
#endif
#ifdef BOARD_JOURNAL
		.journal = &journal,
		.journal_unit = 4096,
#endif
#ifdef BOARD_KEY
		.guard = &guard,
		.key = key,
#endif
#ifdef BOARD_RUN
		.can_run = true,
#endif
#ifdef BOARD_RATE
		.home_rate = 115200,
		.rate_max = 921600,
#endif
#ifdef BOARD_GUESTS
		.guest = &guest.hook,
#endif
	};
	static const vf_target_features features = {
#ifdef BOARD_CONDITION
		.condition = &vf_target_condition_feature,
#endif
#ifdef BOARD_CHECK
		.check = vf_target_check,
#endif
#ifdef BOARD_JOURNAL
		.journal = &vf_target_journal_feature,
#endif
#ifdef BOARD_KEY
		.guard = &vf_target_guard_feature,
#endif
#ifdef BOARD_UNPACK
		.unpack = &vf_target_unpack_feature,
#endif
#ifdef BOARD_RATE
		.rate = &vf_target_rate_feature,
#endif
#ifdef BOARD_MEND
		.mend = vf_target_mend,
#endif
#ifdef BOARD_TEXT
		.text = &vf_target_text_feature,
#endif
	};
#ifdef BOARD_GUESTS
	invite();
#endif
	return vf_target_init_with(&target, &port, &features) == VF_OK;
}

/* The interrupt: takes what has come, if it fits. */
void received(void);
void received(void)
{
	uint8_t packet[16];
	size_t n = REGISTERS->rx_count;
	if (n > sizeof packet || vf_target_rx_space(&target) < n)
		return;
	for (size_t i = 0; i < n; i++)
		packet[i] = (uint8_t)REGISTERS->rx;
	(void)vf_target_rx(&target, packet, n);
}

static void send(void)
{
	size_t n;
	const uint8_t *bytes = vf_target_tx(&target, &n);
	if (bytes == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		REGISTERS->tx = bytes[i];
	vf_target_tx_done(&target, n);
}

#ifdef BOARD_SERPROG
/* What a client of serprog has for the chip, between two operations of the engine. */
static void flash_for_client(void)
{
	const vf_bus_op *op = vf_serprog_guest_bus(&serprog);
	if (op == NULL)
		return;
	if (vf_serprog_touches(op))
		vf_nor_renew(&nor);
	vf_serprog_guest_bus_done(&serprog, controller(op));
}
#endif

static void flash(bool *busy)
{
	const vf_flash_op *op = *busy ? NULL : vf_target_flash_next(&target, 0);
	if (op != NULL) {
		int status = vf_nor_begin(&nor, op);
		*busy = status == VF_OK;
		if (!*busy)
			vf_target_flash_done(&target, 0, status);
	} else if (*busy && serve()) {
		*busy = false;
		vf_target_flash_done(&target, 0, vf_nor_status(&nor));
	}
}

int main(void)
{
	bool busy = false;
	if (!find_chip() || !start())
		return 1;
	for (;;) {
		vf_target_tick(&target, REGISTERS->micros);
		send();
		flash(&busy);
#ifdef BOARD_SERPROG
		if (!busy)
			flash_for_client();
#endif
		uint32_t value;
		(void)value;
#ifdef BOARD_RATE
		if (vf_target_rate(&target, &value))
			REGISTERS->baud = value;
#endif
#ifdef BOARD_RUN
		if (vf_target_run(&target, &value))
			REGISTERS->go = value;
#endif
		if (!vf_target_deadline(&target, &value))
			REGISTERS->go = vf_target_stats_get(&target)->frames;
	}
	return 1;
}
