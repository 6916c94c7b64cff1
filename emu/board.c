/* board.c - an STM32H747I-DISCO or STM32H745I-DISCO: the machine with the memories of an
 * STM32H747, its peripherals, two MT25QL512AB, and the far ends of the virtual COM
 * ports.
 */

#include <vcpflash/emu.h>

#include "machine.h"
#include "stm32h7.h"
#include "usb_host.h"

#include <string.h>

enum {
	SENT = 64 * 1024, /* bytes that nobody fetched; a power of two */
	CUT_OFF_NS = 1000000000,
	PULLED_NS = 1000000000,
	CUT_LOOK_NS = 10000, /* how often the chip's transactions are looked at */
	BUS_RATE = 50000000, /* bytes a second and die: four lines at 100 MHz */
	NS_PER_US = 1000,
	OPTION_BCM4 = 1 << 22, /* OPTSR: the Cortex-M4 starts by itself */
	TOLERANCE = 25,        /* a UART reads rates that differ by a 25th */
};

typedef struct sent_byte {
	uint8_t byte;
	uint32_t baud;
} sent_byte;

struct vf_emu_board {
	vf_emu_board_config config;
	vf_emu_machine *machine;
	vf_sim_chip *chip;
	vf_h7_options options;
	uint64_t sent_head, sent_tail;
	uint64_t sent_all;
	uint32_t baud; /* of the last byte sent */
	vf_stm32h7 soc;
	vf_usb_host host;
	vf_emu_device device[VF_H7_DEVICES + 1]; /* the host, then those of soc */
	sent_byte sent[SENT];
};

/* RM0399, memory map: who reaches what. */
static const vf_emu_memory memory[] = {
	{"ITCM", 0x00000000, 64 << 10, VF_EMU_BY_M7 | VF_EMU_BY_MDMA, -1},
	{"DTCM", 0x20000000, 128 << 10, VF_EMU_BY_M7 | VF_EMU_BY_MDMA, -1},
	{"AXI SRAM", 0x24000000, 512 << 10, VF_EMU_BY_ALL & ~VF_EMU_BY_BDMA, -1},
	{"SRAM1", 0x30000000, 128 << 10, VF_EMU_BY_ALL & ~VF_EMU_BY_BDMA, -1},
	{"SRAM2", 0x30020000, 128 << 10, VF_EMU_BY_ALL & ~VF_EMU_BY_BDMA, -1},
	{"SRAM3", 0x30040000, 32 << 10, VF_EMU_BY_ALL & ~VF_EMU_BY_BDMA, -1},
	{"SRAM4", 0x38000000, 64 << 10, VF_EMU_BY_ALL, -1},
	{"backup SRAM", 0x38800000, 4 << 10, VF_EMU_BY_ALL, -1},
	{"SRAM1", 0x10000000, 128 << 10, VF_EMU_BY_M7 | VF_EMU_BY_M4, 3},
	{"SRAM2", 0x10020000, 128 << 10, VF_EMU_BY_M7 | VF_EMU_BY_M4, 4},
	{"SRAM3", 0x10040000, 32 << 10, VF_EMU_BY_M7 | VF_EMU_BY_M4, 5},
};

/* --- the virtual COM port ------------------------------------------------------- */

static void on_sent(void *context, uint8_t byte, uint32_t baud)
{
	vf_emu_board *b = context;
	b->baud = baud;
	b->sent_all++;
	if (b->sent_head - b->sent_tail < SENT) /* else nobody listens */
		b->sent[b->sent_head++ % SENT] = (sent_byte){byte, baud};
}

size_t vf_emu_board_write(vf_emu_board *b, const uint8_t *data, size_t len, uint32_t baud)
{
	uint32_t own = vf_stm32h7_baud(&b->soc);
	if (baud == 0)
		baud = own != 0 ? own : 115200;
	size_t n = vf_stm32h7_feed(&b->soc, data, len, baud);
	vf_emu_machine_touch(b->machine);
	return n;
}

static bool differs(uint32_t a, uint32_t b)
{
	uint32_t by = a > b ? a - b : b - a;
	return a != 0 && b != 0 && by > a / TOLERANCE;
}

size_t vf_emu_board_read(vf_emu_board *b, uint8_t *buf, size_t room, uint32_t baud)
{
	size_t n = 0;
	while (n < room && b->sent_tail != b->sent_head) {
		const sent_byte *s = &b->sent[b->sent_tail++ % SENT];
		buf[n++] =
			differs(baud, s->baud) ? (uint8_t)(s->byte * 29 + s->baud / 100) : s->byte;
	}
	return n;
}

/* --- the USB cable -------------------------------------------------------------------- */

static uint64_t host_next(const void *state)
{
	return vf_usb_host_next(state);
}

static void host_advance(void *state, uint64_t now_ns)
{
	vf_usb_host_advance(state, now_ns);
}

static void on_usb(void *context, const char *line)
{
	const vf_emu_board *b = context;
	if (b->config.log != NULL)
		b->config.log(b->config.ctx, line);
}

/* The host is no device of the microcontroller: it has no registers, and resets are
 * none of its concern. But it lives in the same time. */
static vf_emu_devices with_host(vf_emu_board *b, const vf_emu_devices *soc)
{
	const vf_usb_host_config c = {
		.port = vf_h7_otg_port(vf_stm32h7_usb(&b->soc)),
		.full_speed = b->config.usb_full_speed,
		.seed = b->config.seed,
		.pull_after = b->config.unplug,
		.pulled_ns = PULLED_NS,
		.noise = b->config.usb_noise,
		.log = on_usb,
		.context = b,
	};
	vf_usb_host_init(&b->host, &c);
	b->device[0] = (vf_emu_device){.name = "USB host",
				       .state = &b->host,
				       .next_ns = host_next,
				       .advance = host_advance};
	memcpy(b->device + 1, soc->device, soc->count * sizeof *soc->device);
	return (vf_emu_devices){b->device, soc->count + 1};
}

void vf_emu_usb_plug(vf_emu_board *b, bool in)
{
	vf_usb_host_plug(&b->host, in, vf_emu_board_now(b));
	vf_emu_machine_touch(b->machine);
}

bool vf_emu_usb_ready(const vf_emu_board *b)
{
	return vf_usb_host_ready(&b->host);
}

size_t vf_emu_usb_write(vf_emu_board *b, const uint8_t *data, size_t len, uint32_t baud)
{
	return vf_usb_host_write(&b->host, data, len, baud);
}

size_t vf_emu_usb_read(vf_emu_board *b, uint8_t *buf, size_t room)
{
	return vf_usb_host_read(&b->host, buf, room);
}

void vf_emu_usb_open(vf_emu_board *b, bool open, bool reads)
{
	vf_usb_host_open(&b->host, open, reads);
}

void vf_emu_usb_suspend(vf_emu_board *b, bool on)
{
	vf_usb_host_suspend(&b->host, on, vf_emu_board_now(b));
	vf_emu_machine_touch(b->machine);
}

void vf_emu_usb_reset(vf_emu_board *b)
{
	vf_usb_host_reset(&b->host, vf_emu_board_now(b));
	vf_emu_machine_touch(b->machine);
}

void vf_emu_usb_attack(vf_emu_board *b, uint32_t transfers)
{
	vf_usb_host_attack(&b->host, transfers, vf_emu_board_now(b));
	vf_emu_machine_touch(b->machine);
}

const char *vf_emu_usb_trouble(const vf_emu_board *b)
{
	return b->host.trouble;
}

void vf_emu_usb_count(const vf_emu_board *b, vf_emu_usb_counts *counts)
{
	const vf_usb_counts *c = &b->host.counts;
	*counts = (vf_emu_usb_counts){
		.out_bytes = c->out_bytes,
		.in_bytes = c->in_bytes,
		.out_packets = c->out_packets,
		.in_packets = c->in_packets,
		.naks = c->naks,
		.stalls = c->stalls,
		.timeouts = c->timeouts,
		.repeats = c->repeats,
		.resets = c->resets,
		.enumerations = c->enumerations,
		.frames = c->frames,
		.attacks = c->attacks,
		.most = c->most,
	};
}

/* --- building it -------------------------------------------------------------------- */

/* A chip that is misused is a firmware that would not work: the run stops. */
static void on_misuse(void *ctx, const char *what)
{
	vf_emu_board *b = ctx;
	const vf_emu_bus *bus = vf_emu_machine_bus(b->machine);
	bus->stop(bus->context, "%s", what);
}

static int make_chip(vf_emu_board *b, vf_error *err)
{
	vf_sim_chip_config c = {
		.part = vf_sim_part_find("mt25ql512ab"),
		.dies = 2,
		.array = b->config.external,
		.bus_bytes_per_s = BUS_RATE,
		.time_percent = b->config.time_percent,
		.seed = b->config.seed,
		.misuse = on_misuse,
		.ctx = b,
	};
	void *memory_of_it = vf_resize(&b->config.alloc, NULL, vf_sim_chip_size(&c));
	if (memory_of_it == NULL)
		return vf_fail(err, VF_E_NOMEM, "no memory for the emulated chips");
	b->chip = vf_sim_chip_init(memory_of_it, &c);
	return VF_OK;
}

static int make_machine(vf_emu_board *b, vf_error *err)
{
	vf_emu_machine_config c = {
		.alloc = b->config.alloc,
		.memory = memory,
		.memories = sizeof memory / sizeof *memory,
		.cycles = {b->config.cycles, b->config.cycles},
		.seed = b->config.seed,
	};
	b->machine = vf_emu_machine_new(&c, err);
	if (b->machine == NULL)
		return VF_E_NOMEM;
	vf_h7_options_default(&b->options);
	if (b->config.m4_held)
		b->options.status &= ~(uint32_t)OPTION_BCM4;
	vf_stm32h7_config soc = {
		.bus = vf_emu_machine_bus(b->machine),
		.board = b->config.model == VF_EMU_H745I_DISCO ? VF_H7_H745I_DISCO
							       : VF_H7_H747I_DISCO,
		.flash = b->config.internal,
		.nor_array = b->config.external,
		.nor_size = VF_EMU_EXTERNAL_SIZE,
		.nor = b->chip,
		.uid = {0x00470029, 0x31395106,
			(uint32_t)(b->config.identity != 0 ? b->config.identity : b->config.seed)},
		.seed = b->config.seed,
		.usb_wake_lost = b->config.usb_wake_lost,
		.usb_keeps = b->config.usb_keeps,
		.rng_broken = b->config.rng_broken,
		.crystal_broken = b->config.crystal_broken,
		.pll_broken = b->config.pll_broken,
		.options = &b->options,
		.sent = on_sent,
		.context = b,
	};
	const vf_emu_devices *own = vf_stm32h7_init(&b->soc, &soc);
	vf_emu_devices all = with_host(b, own);
	return vf_emu_machine_attach(b->machine, &all, err);
}

int vf_emu_available(vf_error *err)
{
	(void)err;
	return VF_OK;
}

vf_emu_board *vf_emu_board_new(const vf_emu_board_config *config, vf_error *err)
{
	vf_emu_board *b = vf_resize(&config->alloc, NULL, sizeof *b);
	if (b == NULL) {
		(void)vf_fail(err, VF_E_NOMEM, "no memory for the emulated board");
		return NULL;
	}
	memset(b, 0, sizeof *b);
	b->config = *config;
	int status = make_chip(b, err);
	if (status == VF_OK)
		status = make_machine(b, err);
	if (status == VF_OK) {
		vf_emu_machine_power_on(b->machine, 0);
		return b;
	}
	vf_emu_board_free(b);
	return NULL;
}

void vf_emu_board_free(vf_emu_board *b)
{
	if (b == NULL)
		return;
	vf_alloc alloc = b->config.alloc;
	vf_emu_machine_free(b->machine);
	vf_free(&alloc, b->chip);
	vf_free(&alloc, b);
}

/* --- running it ------------------------------------------------------------------------ */

static void say(const vf_emu_board *b, const char *line)
{
	if (b->config.log != NULL)
		b->config.log(b->config.ctx, line);
}

static bool cut_due(const vf_emu_board *b)
{
	return b->config.cut != 0 && vf_sim_chip_stats(b->chip)->transactions >= b->config.cut;
}

int vf_emu_board_run(vf_emu_board *b, uint64_t until_ns)
{
	int status = VF_OK;
	while (status == VF_OK && vf_emu_board_now(b) < until_ns) {
		uint64_t step = until_ns;
		if (b->config.cut != 0 && step > vf_emu_board_now(b) + CUT_LOOK_NS)
			step = vf_emu_board_now(b) + CUT_LOOK_NS;
		status = vf_emu_machine_run(b->machine, step);
		if (status == VF_OK && cut_due(b)) {
			b->config.cut = 0;
			say(b, "power is cut");
			vf_emu_board_power_cut(b, CUT_OFF_NS);
		}
	}
	return status;
}

const char *vf_emu_board_stopped(const vf_emu_board *b)
{
	return vf_emu_machine_stopped(b->machine);
}

uint64_t vf_emu_board_now(const vf_emu_board *b)
{
	return vf_emu_machine_now(b->machine);
}

uint64_t vf_emu_board_next(const vf_emu_board *b)
{
	return vf_emu_machine_next(b->machine);
}

void vf_emu_board_reset(vf_emu_board *b)
{
	vf_emu_machine_reset(b->machine, VF_EMU_RESET_PIN);
}

void vf_emu_board_button(vf_emu_board *b, bool pressed)
{
	vf_stm32h7_button(&b->soc, pressed);
	vf_emu_machine_touch(b->machine);
}

void vf_emu_board_power_cut(vf_emu_board *b, uint64_t off_ns)
{
	uint64_t now = vf_emu_board_now(b);
	vf_stm32h7_power_cut(&b->soc);
	vf_sim_chip_power_cut(b->chip, now / NS_PER_US);
	vf_emu_machine_power_on(b->machine, now + off_ns);
}

void vf_emu_board_counts(const vf_emu_board *b, vf_emu_counts *counts)
{
	const vf_sim_stats *stats = vf_sim_chip_stats(b->chip);
	*counts = (vf_emu_counts){
		.received =
			(b->config.model == VF_EMU_H745I_DISCO ? &b->soc.usart3 : &b->soc.usart1)
				->received,
		.sent = b->sent_all,
		.transactions = stats->transactions,
		.pages = stats->programs,
		.erases = stats->erases,
	};
	for (unsigned i = 0; i < VF_EMU_BOARD_CORES; i++) {
		counts->instructions[i] = vf_emu_machine_executed(b->machine, i);
		counts->handlers[i] =
			counts->instructions[i] - vf_emu_machine_executed_in(b->machine, i, 0);
	}
}

int vf_emu_board_watch(vf_emu_board *b, unsigned core, uint32_t from, uint32_t to)
{
	return vf_emu_machine_watch(b->machine, core, from, to);
}

uint64_t vf_emu_board_watched(const vf_emu_board *b, int index)
{
	return vf_emu_machine_watched(b->machine, index);
}
