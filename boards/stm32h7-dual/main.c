/* The loader of a board with a dual-core STM32H7, on its Cortex-M7: joins the parts, decides at
 * start-up, and leaves for an application.
 */
#include <string.h>

#include <vcpflash/ymodem.h>

#include "boot.h"
#include "clocks.h"
#include "copier.h"
#include "cortexm.h"
#include "internal.h"
#include "key.h"
#include "layout.h"
#include "lines.h"
#include "loader.h"
#include "memory.h"
#include "otg.h"
#include "policy.h"
#include "qspi.h"
#include "stm32h747.h"
#include "uart.h"
#include "usb.h"

#ifndef H747_WAIT_MS
#define H747_WAIT_MS 300 /* a host repeats its HELLO each 250 ms: it is heard */
#endif
#ifndef H747_USB_WAIT_MS
#define H747_USB_WAIT_MS 2000 /* a host on USB has to find the board first, and open it */
#endif

enum { KB = 1024 };

#define AXI __attribute__((section(".axi"), aligned(32)))
#define DMA __attribute__((section(".dma"), aligned(32)))

AXI static uint8_t ring[64 * KB], window[256 * KB];
AXI static uint8_t nor_work[16 * KB]; /* where the MDMA reaches with long bursts */
DMA static uint8_t transmit[VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)];
static uint8_t frame[VF_WIRE_BODY_MAX + 4];
static uint8_t internal_work[8 * KB] __attribute__((aligned(32)));
static uint8_t block[16 * KB] __attribute__((aligned(32)));
static vf_inflate inflate;
static vf_target_journal journal;
static vf_nor_door nor;
static internal own;
static vf_loader loader;
static vf_lines lines;
/* Other protocols (docs/GUESTS.md). What they say is sent from where it stands, so the DMA must
 * reach it. The sector is one of the internal flash, the larger of the two. */
DMA static vf_guest guest;
DMA static vf_ymodem ymodem;
AXI static uint8_t sector[H747_SECTOR_SIZE];
static vf_console console;
static uint8_t held_uart[512], held_usb[OTG_AHEAD + 512];
static bool nor_good, seeded;

static const char no_seed[] =
	"\r\nvcpflash: no session: this board has a key, and its random number generator gives "
	"nothing\r\n";

static uint32_t micros(void *self)
{
	(void)self;
	return vf_clock_us();
}

static void start(void *self, uint32_t address)
{
	(void)self;
	boot_start(nor_good ? &nor : NULL, address);
}

static const vf_nor_config controller = {
	.base = H747_NOR_ADDRESS,
	.dies = 2,
	.lanes = 4,
	.addr_bytes = 4,
	.max_transfer = 4 * KB,
	.bus_hz = CLOCKS_QUADSPI_HZ / QSPI_PRESCALER,
};

static const vf_nor_hooks hooks = {.micros = micros,
				   .bus = qspi_bus,
				   .map = qspi_map,
				   .unmap = qspi_unmap,
				   .copy = copier_copy,
				   .copied = copier_copied};

static const vf_loader_config config = {
	.target =
		{
			.name = BOARD_NAME,
			.id_len = 12,
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
			.journal = &journal,
			.journal_unit = H747_SECTOR_SIZE,
			.can_run = true,
			.home_rate = UART_HOME_RATE,
			.rate_max = UART_RATE_MAX,
		},
};

static bool visited(void *self)
{
	(void)self;
	return vf_guest_busy(&guest);
}

static void exclude(void *self, bool out)
{
	(void)self;
	if (out)
		vf_irq_off();
	else
		vf_irq_on();
}

static void join_lines(void)
{
	const vf_lines_config c = {
		.line =
			{
				[LINE_UART] = {{.send = uart_send,
						.sending = uart_sending,
						.drained = uart_drained,
						.set_rate = uart_set_rate},
					       held_uart,
					       sizeof held_uart},
				[LINE_USB] = {usb_port(), held_usb, sizeof held_usb},
			},
		.micros = micros,
		.start = start,
		.visited = visited,
		.exclude = exclude,
	};

	vf_lines_init(&lines, &c, &loader.target);
}

static void probe(void)
{
	int status = vf_nor_door_init(&nor, &controller, &hooks);

	while (status == VF_OK && !vf_nor_door_probe(&nor, &status))
		;
	nor_good = status == VF_OK;
	if (!nor_good)
		uart_print(vf_loader_complaint(status));
	(void)vf_nor_door_stand_in(&nor, status);
}

static void add(vf_loader_config *c, const vf_memory *info, uint8_t *work, uint32_t len,
		const vf_condition *condition, vf_door door)
{
	uint8_t i = c->target.memories++;

	c->target.memory[i] = (vf_target_memory){info, work, len, condition};
	c->door[i] = door;
}

/* A board whose external chips do not answer still serves its internal flash, and says of
 * them what it read. */
static int join(void)
{
	vf_loader_config c = config;

	join_lines();
	c.port = vf_lines_port(&lines);
	c.target.rates = uart_rates;
	c.target.rate_count = uart_rate_count;
	for (uint8_t i = 0; i < c.target.id_len; i++)
		c.target.id[i] = ((const volatile uint8_t *)UID_ADDRESS)[i];
	add(&c, &nor.nor.memory, nor_work, sizeof nor_work, &nor.condition, vf_nor_door_of(&nor));
	internal_init(&own, boot_stub_guards(), key_hidden);
	c.target.journal_memory = c.target.memories;
	c.target.journal_offset = H747_JOURNAL_ADDRESS - own.memory.base;
	add(&c, &own.memory, internal_work, sizeof internal_work, NULL, internal_door(&own));
	seeded = key_join(&c.target);
	vf_guest_init(&guest, &loader.target);
	vf_console_init(&console, &guest);
	vf_ymodem_init(&ymodem, &guest, sector, sizeof sector);
	c.target.guest = vf_guest_hook(&guest); /* with a key nobody hears them */
	return vf_loader_init(&loader, &c);
}

/* Is there work that cannot wait for SysTick, a millisecond at the most? */
static bool pressed(void)
{
	enum { TICK_US = 1000 };
	enum { EXTERNAL, INTERNAL };

	if (vf_target_rx_space(&loader.target) != sizeof ring || vf_lines_busy(&lines))
		return true;
	if (loader.busy[EXTERNAL] && vf_nor_door_rest_us(&nor) < TICK_US)
		return true;
	return loader.busy[INTERNAL] && !internal_erasing(&own);
}

/* Between two rounds. What one round finished the next one may take further, so it is
 * only after a few without work that the processor sleeps; SysTick or a byte wakes it.
 * Interrupts are off between the last look and the sleep, which they end all the same. */
static void rest(void)
{
	enum { ROUNDS = 4 };
	static unsigned quiet;

	vf_irq_off();
	quiet = pressed() ? 0 : quiet + 1;
	if (quiet >= ROUNDS)
		__asm__ volatile("dsb\n\twfi" ::: "memory");
	vf_irq_on();
}

/* Asked once: from then on the link is served until a host says RUN. */
static void decide(bool requested)
{
	uint32_t address = boot_application(nor_good ? &nor : NULL);
	policy_facts f = {
		.requested = requested,
		.button = button_held(),
		.application = address != 0,
		.wait_us = H747_WAIT_MS * 1000u,
	};
	policy p;

	for (uint32_t since = vf_clock_us(); (p = policy_of(&f)) == POLICY_WAIT;) {
		vf_loader_poll(&loader);
		rest();
		enum vf_startable s = vf_target_startable(&loader.target);
		f.known = s != VF_STARTABLE_LATER;
		f.complete = s == VF_STARTABLE_YES || s == VF_STARTABLE_UNKNOWN;
		f.host = vf_target_stats_get(&loader.target)->frames != 0 || vf_guest_met(&guest);
		f.waited_us = vf_clock_us() - since;
		if (usb_met())
			f.wait_us = H747_USB_WAIT_MS * 1000u;
	}
	if (p == POLICY_START)
		boot_start(nor_good ? &nor : NULL, address);
	else if (policy_line(p) != NULL)
		uart_print(policy_line(p));
}

/* A board with a key that found no randomness: a session would begin with a nonce that a recorded
 * one may have had, so no port is opened. A complete application was started nevertheless; without
 * one, this goes on until the generator works. */
static void wait_for_seed(void)
{
	enum { AGAIN_US = 2000000 };

	for (uint32_t since = vf_clock_us(); !seeded;) {
		rest();
		if (vf_clock_us() - since < AGAIN_US)
			continue;
		since = vf_clock_us();
		uart_print(no_seed);
		seeded = join() == VF_OK && seeded;
	}
}

static void listen(void)
{
	uart_listen(&lines);
	usb_init(&lines);
}

void board_main(void)
{
	const enum clocks_state clocks = clocks_init();
	bool requested;

	pins_init();
	if (clocks >= CLOCKS_NO_SUPPLY)
		uart_despair(clocks_line(clocks));
	memory_init();
	vf_clock_init(CLOCKS_CPU_HZ);
	vf_irq_on();
	requested = boot_requested();
	uart_init();
	if (clocks_line(clocks) != NULL)
		uart_print(clocks_line(clocks));
	qspi_init();
	probe();
	if (join() != VF_OK) {
		uart_print(vf_loader_complaint(VF_E_USAGE));
		vf_fault();
	}
	if (seeded)
		listen();
	else
		uart_print(no_seed);
	decide(requested);
	if (!seeded) {
		wait_for_seed();
		listen();
	}
	for (;;) {
		vf_loader_poll(&loader);
		rest();
	}
}
