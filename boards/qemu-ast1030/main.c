/* The loader for QEMU's ast1030-evb: a Cortex-M4, a 16550 and an Aspeed flash
 * controller. It is an example of a small port, and what the tests run to see the
 * firmware's machine code work against a chip model that others wrote.
 */
#include "cortexm.h"
#include "fmc.h"
#include "loader.h"
#include "uart.h"

#include <vcpflash/serprog.h>
#include <vcpflash/ymodem.h>

enum { KB = 1024, UART_IRQ = 8 };
enum { TIMER_ON = 1 << 0, TIMER_1_MHZ = 1 << 1 };

#define TIMER1_COUNT  (*vf_reg(0x7E782000))
#define TIMER1_RELOAD (*vf_reg(0x7E782004))
#define TIMER_CONTROL (*vf_reg(0x7E782030))

static uint8_t ring[32 * KB], window[64 * KB], frame[4 * KB], transmit[4 * KB];
static uint8_t work[8 * KB] __attribute__((aligned(32)));
static uint8_t block[16 * KB] __attribute__((aligned(32)));
static vf_inflate inflate;
static vf_target_journal journal;
static vf_nor_door door;
static vf_loader loader;
static vf_guest guest;
static vf_console console;
static vf_serprog_guest programmer;
static uint8_t programmed[KB] __attribute__((aligned(32)));
static uart port;
/* Other protocols on its line (docs/GUESTS.md). */
static uint8_t sector[4 * KB] __attribute__((aligned(32)));
static vf_ymodem ymodem;

static void uart_irq(void)
{
	uart_receive(&port);
}

__attribute__((section(".vectors"), used)) static const vf_vector vectors[16 + 32] = {
	VF_VECTORS_CORE, [16 + UART_IRQ] = uart_irq};

/* A timer that counts down a million times a second. SysTick (vf_clock_us) would do on
 * silicon; an emulator that stands still for some milliseconds loses its interrupts. */
static uint32_t micros(void *self)
{
	(void)self;
	return UINT32_MAX - TIMER1_COUNT;
}

static void clock_init(void)
{
	TIMER1_RELOAD = UINT32_MAX;
	TIMER1_COUNT = UINT32_MAX;
	TIMER_CONTROL |= TIMER_ON | TIMER_1_MHZ;
}

static void send(void *self, const uint8_t *data, size_t len)
{
	uart_send(self, data, len);
}

static bool sending(void *self)
{
	return uart_sending(self);
}

static bool drained(void *self)
{
	return uart_drained(self);
}

static void start(void *self, uint32_t address)
{
	(void)self;
	if (vf_nor_door_map(&door) &&
	    vf_image_startable(address, door.nor.memory.size - (address - FMC_WINDOW)))
		vf_image_start(address);
}

static const vf_nor_config controller = {
	.base = FMC_WINDOW,
	.dies = 1,
	.lanes = 4,
	.addr_bytes = 4,
	.max_transfer = 4 * KB,
	.bus_hz = 50000000,
};

static const vf_loader_config config = {
	.target =
		{
			.name = "QEMU ast1030-evb",
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
			.block = block,
			.block_len = sizeof block,
			.inflate = &inflate,
			.can_run = true,
		},
	.port = {&port, micros, send, sending, drained, NULL, NULL, start},
};

static const vf_nor_hooks hooks = {
	.micros = micros, .bus = fmc_bus, .map = fmc_map, .unmap = fmc_unmap};

#ifndef WITH_JOURNAL
#define WITH_JOURNAL 0 /* 1: in the chip's last two sectors, which then are the board's own */
#endif

/* Whoever listens learns what is wrong with the chip; so does a host that asks. */
static void complain(int status)
{
	char line[VF_COMPLAINT_MAX];
	size_t len = vf_nor_door_complaint(&door, status, line, sizeof line);

	uart_send(&port, (const uint8_t *)line, len);
	while (uart_sending(&port))
		;
}

/* A person with a terminal, and flashrom. */
static void invite(vf_loader_config *c)
{
	const vf_serprog_config of = {.name = c->target.name,
				      .nor = &door.nor,
				      .memory = &door.nor.memory,
				      .buf = programmed,
				      .buf_len = sizeof programmed,
				      .serial_len = sizeof ring};

	vf_guest_init(&guest, &loader.target);
	vf_console_init(&console, &guest);
	vf_ymodem_init(&ymodem, &guest, sector, sizeof sector);
	if (vf_serprog_invite(&programmer, &guest, 0, &of) == VF_OK)
		c->programmer = (vf_programmer){
			&programmer, vf_serprog_guest_bus, vf_serprog_guest_bus_done,
			&door,       vf_nor_door_bus,      0};
	c->target.guest = vf_guest_hook(&guest);
}

void board_main(void)
{
	vf_loader_config c = config;
	int status;

	clock_init();
	fmc_init();
	uart_init(&port, &loader.target);
	status = vf_nor_door_init(&door, &controller, &hooks);
	while (status == VF_OK && !vf_nor_door_probe(&door, &status))
		;
	c.door[0] = vf_nor_door_of(&door);
	if (WITH_JOURNAL && status == VF_OK)
		vf_nor_door_keep(&door, &c.target, 0, &journal);
	if (status != VF_OK)
		complain(status);
	if (vf_nor_door_stand_in(&door, status))
		status = VF_OK;
	invite(&c);
	if (status == VF_OK && vf_loader_init(&loader, &c) != VF_OK) {
		status = VF_E_USAGE;
		complain(status);
	}
	if (status != VF_OK)
		vf_fault();
	vf_irq_enable(UART_IRQ);
	for (;;)
		vf_loader_poll(&loader);
}
