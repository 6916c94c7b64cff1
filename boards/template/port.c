/* The template's loader: one flash chip on plain SPI, one UART, 8 KB of RAM in all. It
 * knows no register. Where the board has more, give it more: the comments say what each
 * size buys (docs/PORTING.md has the arithmetic).
 */
#include "port.h"

#include "hardware.h"
#include "loader.h"

/* Ring: what may arrive while the main loop is busy elsewhere. Window: program data
 * that waits for the chip, so that the link does not. Work: two pages at least; more
 * makes reading back quicker. */
static uint8_t ring[2048], window[1024], frame[512 + 16], transmit[288];
static uint8_t work[512] __attribute__((aligned(32)));
/* 1: the chip's last two sectors become a journal (docs/JOURNAL.md), for 5 KB of code and
 * 1.4 KB of RAM: what was cut off by a power failure is known and never started. */
#ifndef PORT_JOURNAL
#define PORT_JOURNAL 0
#endif
#if PORT_JOURNAL
static vf_target_journal journal;
#endif
static vf_nor_door door;
static vf_loader loader;
static const uint8_t *sending;
static size_t left;
static bool complained;
static uint32_t complained_at;

/* --- the bus door: bytes, chip-select around them ------------------------------ */

static void put_head(const vf_bus_op *op)
{
	(void)hardware_exchange(op->opcode);
	for (unsigned i = op->addr_bytes; i-- > 0;)
		(void)hardware_exchange((uint8_t)(op->addr >> 8 * i));
	if (op->mode_bits != 0)
		(void)hardware_exchange(op->mode);
	for (unsigned clocks = op->dummy; clocks >= 8; clocks -= 8)
		(void)hardware_exchange(0);
}

static bool one_line(const vf_bus_op *op)
{
	return op->opcode_lanes == 1 && op->addr_lanes <= 1 && op->data_lanes <= 1 &&
	       op->dummy % 8 == 0;
}

static int bus(void *self, const vf_bus_op *op)
{
	(void)self;
	if (!one_line(op))
		return VF_E_BUS;
	hardware_select(true);
	put_head(op);
	for (uint32_t i = 0; op->dir == VF_BUS_READ && i < op->len; i++)
		op->rx[i] = hardware_exchange(0);
	for (uint32_t i = 0; op->dir == VF_BUS_WRITE && i < op->len; i++)
		(void)hardware_exchange(op->tx[i]);
	hardware_select(false);
	return VF_OK;
}

/* --- the port: bytes to and from the UART --------------------------------------- */

void port_interrupt(void)
{
	uint8_t bytes[16];
	unsigned n = hardware_receive(bytes, sizeof bytes);

	(void)vf_target_rx(&loader.target, bytes, n);
}

static void send(void *self, const uint8_t *data, size_t len)
{
	(void)self;
	sending = data;
	left = len;
}

static bool still_sending(void *self)
{
	(void)self;
	while (left != 0 && hardware_can_send()) {
		hardware_send(*sending++);
		left--;
	}
	return left != 0;
}

static bool drained(void *self)
{
	(void)self;
	return left == 0 && hardware_sent();
}

static void set_rate(void *self, uint32_t baud)
{
	(void)self;
	hardware_baud(baud);
}

/* --- what the board is ------------------------------------------------------------ */

/* Plain SPI does not map the chip anywhere; the address is the one that images for it
 * are linked or placed at. */
static const vf_nor_config controller = {
	.base = 0x90000000,
	.dies = 1,
	.lanes = 1,
	.addr_bytes = 4,
	.max_transfer = 4096,
	.bus_hz = HARDWARE_SPI_HZ,
};

/* As high as the interrupt keeps up: about 50 instructions a byte, and the divider must
 * come within 2 % of the rate. */
static const uint32_t rates[] = {115200, 230400, 460800};

int port_init(uint32_t (*micros)(void *))
{
	const vf_nor_hooks hooks = {.micros = micros, .bus = bus};
	vf_target_features features = {.mend = vf_target_mend,
				       .rate = &vf_target_rate_feature,
				       .text = &vf_target_text_feature,
				       .condition = &vf_target_condition_feature};
	vf_loader_config c = {
		.target = {.name = "template",
			   .id_len = HARDWARE_ID,
			   .memories = 1,
			   .memory = {{&door.nor.memory, work, sizeof work, &door.condition}},
			   .ring = ring,
			   .ring_len = sizeof ring,
			   .window = window,
			   .window_len = sizeof window,
			   .frame = frame,
			   .frame_len = sizeof frame,
			   .tx = transmit,
			   .tx_len = sizeof transmit,
			   .home_rate = 115200,
			   .rate_max = 460800,
			   .rates = rates,
			   .rate_count = sizeof rates / sizeof rates[0]},
		.port = {.micros = micros,
			 .send = send,
			 .sending = still_sending,
			 .drained = drained,
			 .set_rate = set_rate},
	};
	int status = vf_nor_door_init(&door, &controller, &hooks);

	while (status == VF_OK && !vf_nor_door_probe(&door, &status))
		;
	hardware_id(c.target.id);
#if PORT_JOURNAL
	if (status == VF_OK)
		vf_nor_door_keep(&door, &c.target, 0, &journal);
	features.journal = &vf_target_journal_feature;
#endif
	c.door[0] = vf_nor_door_of(&door);
	if (vf_nor_door_stand_in(&door, status)) {
		port_complain(status);
		while (still_sending(NULL))
			;
		status = VF_OK;
	}
	return status == VF_OK ? vf_loader_init_with(&loader, &c, &features) : status;
}

void port_poll(void)
{
	vf_loader_poll(&loader);
}

void port_complain(int status)
{
	uint32_t now = door.hooks.micros(NULL);

	if (still_sending(NULL) || (complained && now - complained_at < 1000000))
		return;
	complained = true;
	complained_at = now;
	/* The transmit buffer is free: the engine never began. */
	send(NULL, transmit,
	     vf_nor_door_complaint(&door, status, (char *)transmit, sizeof transmit));
}
