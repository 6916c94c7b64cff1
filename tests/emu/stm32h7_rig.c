/* stm32h7_rig.c - the bench behind stm32h7_rig.h. */
#include "stm32h7_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t now_ns(void *context)
{
	return ((rig *)context)->now;
}

static unsigned core(void *context)
{
	return ((rig *)context)->core;
}

static void stall(void *context, uint64_t until_ns)
{
	rig *r = context;

	assert_true(until_ns >= r->now);
	r->now = until_ns;
}

static void irq(void *context, unsigned which, unsigned number, bool level)
{
	((rig *)context)->irq[which][number] = level;
}

static void event(void *context, unsigned which)
{
	(void)context;
	(void)which;
}

static void stop(void *context, const char *format, ...)
{
	rig *r = context;
	char text[sizeof r->stop];
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, a line above */
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	memcpy(r->stop, text, sizeof text);
	r->stops++;
}

static const vf_emu_device *device_at(rig *r, uint32_t address)
{
	for (unsigned i = 0; i < r->devices->count; i++) {
		const vf_emu_device *d = &r->devices->device[i];

		if (address >= d->base && address - d->base < d->size)
			return d;
	}
	return NULL;
}

static uint8_t *memory_at(rig *r, enum vf_emu_master by, uint32_t address, uint32_t len)
{
	if (r->mapped && address >= VF_H7_MAPPED_BASE &&
	    address + len <= VF_H7_MAPPED_BASE + r->mapped_size)
		return r->array + (address - VF_H7_MAPPED_BASE);
	if (address >= RIG_SRAM && address + len <= RIG_SRAM + RIG_MEMORY)
		return r->sram + (address - RIG_SRAM);
	if (by == VF_EMU_BY_MDMA && address >= RIG_DTCM && address + len <= RIG_DTCM + RIG_MEMORY)
		return r->dtcm + (address - RIG_DTCM);
	return NULL;
}

static int bus_read(void *context, enum vf_emu_master by, uint32_t address, void *data,
		    uint32_t len)
{
	rig *r = context;
	const vf_emu_device *d = device_at(r, address);
	const uint8_t *at = memory_at(r, by, address, len);

	if (at != NULL) {
		memcpy(data, at, len);
	} else if (d != NULL && len <= 4) {
		const uint32_t value = d->read(d->state, address - d->base, len);

		memcpy(data, &value, len);
	} else {
		return -1;
	}
	return 0;
}

static int bus_write(void *context, enum vf_emu_master by, uint32_t address, const void *data,
		     uint32_t len)
{
	rig *r = context;
	const vf_emu_device *d = device_at(r, address);
	uint8_t *at = memory_at(r, by, address, len);
	uint32_t value = 0;

	if (at != NULL) {
		memcpy(at, data, len);
	} else if (d != NULL && len <= 4) {
		memcpy(&value, data, len);
		d->write(d->state, address - d->base, len, value);
	} else {
		return -1;
	}
	return 0;
}

static void open_window(void *context, uint32_t base, uint32_t size, unsigned access,
			const char *reason)
{
	rig *r = context;

	assert_true(access != VF_EMU_NONE || reason != NULL);
	if (base == VF_H7_MAPPED_BASE) {
		r->mapped = access != VF_EMU_NONE;
		r->mapped_size = size;
	} else {
		r->flash_open[(base - VF_H7_FLASH_BASE) / VF_H7_FLASH_BANK] = access != VF_EMU_NONE;
	}
}

static void changed(void *context, uint32_t base, uint32_t size)
{
	(void)context;
	(void)base;
	(void)size;
}

static void bus_reset(void *context, enum vf_emu_reset cause)
{
	(void)cause;
	((rig *)context)->resets++;
}

static void boot(void *context, unsigned which, uint32_t address)
{
	((rig *)context)->booted[which] = address;
}

static void clock_changed(void *context, unsigned which, uint32_t hz)
{
	((rig *)context)->hz[which] = hz;
}

static void sent(void *context, uint8_t byte, uint32_t baud)
{
	rig *r = context;

	assert_true(r->sent_len < RIG_SENT);
	r->sent[r->sent_len++] = byte;
	r->sent_baud = baud;
}

static void misuse(void *context, const char *what)
{
	rig *r = context;

	(void)snprintf(r->stop, sizeof r->stop, "%s", what);
	r->stops++;
}

static void *allocate(size_t size)
{
	void *p = malloc(size);

	assert_non_null(p);
	return p;
}

static void new_chip(rig *r)
{
	const vf_sim_part *part = vf_sim_part_find("mt25ql512ab");
	const size_t size = 2 * (size_t)vf_sim_part_size(part);
	const vf_sim_chip_config config = {
		.part = part,
		.dies = 2,
		.array = r->array = allocate(size),
		.time_percent = 100,
		.misuse = misuse,
		.ctx = r,
	};

	memset(r->array, 0xFF, size);
	r->chip = allocate(vf_sim_chip_size(&config));
	(void)vf_sim_chip_init(r->chip, &config);
}

rig *rig_new(void)
{
	return rig_new_board(VF_H7_H747I_DISCO);
}

rig *rig_new_board(enum vf_h7_board board)
{
	rig *r = calloc(1, sizeof *r);
	vf_stm32h7_config config = {.uid = {1, 2, 3}, .seed = 7, .sent = sent};

	assert_non_null(r);
	r->bus = (vf_emu_bus){.context = r,
			      .now_ns = now_ns,
			      .core = core,
			      .stall = stall,
			      .irq = irq,
			      .event = event,
			      .read = bus_read,
			      .write = bus_write,
			      .stop = stop,
			      .open = open_window,
			      .changed = changed,
			      .reset = bus_reset,
			      .boot = boot,
			      .clock = clock_changed};
	r->flash = allocate(2 * (size_t)VF_H7_FLASH_BANK);
	memset(r->flash, 0xFF, 2 * (size_t)VF_H7_FLASH_BANK);
	new_chip(r);
	vf_h7_options_default(&r->options);
	config.bus = &r->bus;
	config.board = board;
	config.flash = r->flash;
	config.nor = r->chip;
	config.nor_array = r->array;
	config.nor_size = 128u << 20;
	config.options = &r->options;
	config.context = r;
	r->devices = vf_stm32h7_init(&r->soc, &config);
	rig_reset(r, VF_EMU_RESET_POWER);
	assert_runs(r);
	return r;
}

void rig_free(rig *r)
{
	assert_runs(r);
	free(r->chip);
	free(r->array);
	free(r->flash);
	free(r);
}

void rig_reset(rig *r, enum vf_emu_reset cause)
{
	for (unsigned i = 0; i < r->devices->count; i++)
		r->devices->device[i].reset(r->devices->device[i].state, cause);
}

void rig_run(rig *r, uint64_t ns)
{
	const uint64_t end = r->now + ns;

	for (;;) {
		const vf_emu_device *due = NULL;
		uint64_t first = end;

		for (unsigned i = 0; i < r->devices->count; i++) {
			const vf_emu_device *d = &r->devices->device[i];

			if (d->next_ns != NULL && d->next_ns(d->state) <= first) {
				due = d;
				first = d->next_ns(d->state);
			}
		}
		if (first > r->now)
			r->now = first;
		if (due == NULL)
			return;
		due->advance(due->state, r->now);
	}
}

uint32_t rd_size(rig *r, uint32_t address, unsigned size)
{
	const vf_emu_device *d = device_at(r, address);

	assert_non_null(d);
	rig_run(r, 10);
	if (d->advance != NULL)
		d->advance(d->state, r->now);
	return d->read(d->state, address - d->base, size);
}

void wr_size(rig *r, uint32_t address, unsigned size, uint32_t value)
{
	const vf_emu_device *d = device_at(r, address);

	assert_non_null(d);
	rig_run(r, 10);
	if (d->advance != NULL)
		d->advance(d->state, r->now);
	d->write(d->state, address - d->base, size, value);
}

uint32_t rd(rig *r, uint32_t address)
{
	return rd_size(r, address, 4);
}

void wr(rig *r, uint32_t address, uint32_t value)
{
	wr_size(r, address, 4, value);
}

void set(rig *r, uint32_t address, uint32_t bits)
{
	wr(r, address, rd(r, address) | bits);
}

void clear(rig *r, uint32_t address, uint32_t bits)
{
	wr(r, address, rd(r, address) & ~bits);
}

bool rig_store(rig *r, uint32_t address, unsigned size, uint32_t value)
{
	rig_run(r, 10);
	return r->soc.flash_window.store(&r->soc.flash, address, size, value);
}

void rig_assert_stop(rig *r, const char *text, const char *file, int line)
{
	if (r->stops == 0 || strstr(r->stop, text) == NULL) {
		print_error("stopped %u times, last: %s\n   expected: %s\n", r->stops, r->stop,
			    text);
		_fail(file, line);
	}
	r->stops = 0;
}

void rig_assert_runs(rig *r, const char *file, int line)
{
	if (r->stops != 0) {
		print_error("stopped: %s\n", r->stop);
		_fail(file, line);
	}
}

static void wait_bit(rig *r, uint32_t address, uint32_t bit)
{
	for (unsigned i = 0; (rd(r, address) & bit) == 0; i++) {
		assert_true(i < 100000);
		rig_run(r, 1000);
	}
}

void rig_clocks(rig *r)
{
	wr(r, PWR + 0x0C, 0x04);
	wait_bit(r, PWR + 0x04, 1u << 13);
	wr(r, PWR + 0x18, 3u << 14);
	wait_bit(r, PWR + 0x18, 1u << 13);
	wr(r, FLASHR, 0x22);
	set(r, RCC, 1u << 16);
	wait_bit(r, RCC, 1u << 17);
	wr(r, RCC + 0x28, 2 | 5 << 4 | 5 << 12);             /* HSE / 5 = 5 MHz each */
	wr(r, RCC + 0x2C, 0x01FF0000 | 2 << 2 | 2 << 6);     /* RGE: 4 to 8 MHz */
	wr(r, RCC + 0x30, 159 | 1 << 9 | 3 << 16 | 1 << 24); /* 800: P 400, Q 200 */
	wr(r, RCC + 0x38, 95 | 1 << 9 | 4 << 16 | 1 << 24);  /* 480: Q 96 */
	set(r, RCC, 1u << 24 | 1u << 26);
	wait_bit(r, RCC, 1u << 25);
	wait_bit(r, RCC, 1u << 27);
	wr(r, RCC + 0x18, 8 | 4 << 4); /* HCLK 200 */
	wr(r, RCC + 0x1C, 4 << 4 | 4 << 8);
	set(r, RCC + 0x10, 3);
	wait_bit(r, RCC + 0x10, 3u << 3);
	assert_runs(r);
	assert_int_equal(r->hz[0], 400000000);
	assert_int_equal(r->hz[1], 200000000);
}

void rig_pin(rig *r, unsigned port, unsigned pin, unsigned af)
{
	const uint32_t at = GPIO(port), half = at + 0x20 + 4 * (pin / 8);
	const unsigned shift = 4 * (pin & 7);

	set(r, RCC + 0xE0, 1u << port);
	wr(r, at, (rd(r, at) & ~(3u << 2 * pin)) | 2u << 2 * pin);
	wr(r, half, (rd(r, half) & ~(15u << shift)) | af << shift);
}

void rig_usart(rig *r, uint32_t baud, uint32_t cr1, uint32_t cr3)
{
	rig_clocks(r);
	rig_pin(r, 0, 9, 7);
	rig_pin(r, 0, 10, 7);
	set(r, RCC + 0x54, 1 << 3);
	set(r, RCC + 0xF0, 1u << 4);
	wr(r, USART1 + 0x0C, (96000000 + baud / 2) / baud);
	wr(r, USART1 + 0x08, cr3);
	wr(r, USART1, cr1);
	set(r, USART1, 0x0D);
	assert_runs(r);
}

void rig_quadspi(rig *r)
{
	static const uint8_t pins[][3] = {{1, 2, 9}, {6, 6, 10}, {3, 11, 9}, {5, 9, 10},
					  {5, 7, 9}, {5, 6, 9},  {7, 2, 9},  {7, 3, 9},
					  {6, 9, 9}, {6, 14, 9}};

	rig_clocks(r);
	for (unsigned i = 0; i < sizeof pins / sizeof *pins; i++)
		rig_pin(r, pins[i][0], pins[i][1], pins[i][2]);
	set(r, RCC + 0xD4, 1u << 14);
	wr(r, QUADSPI + 0x04, 26u << 16 | 7 << 8);
	wr(r, QUADSPI, 1u << 24 | 3 << 8 | 1 << 6 | 1 << 4 | 1);
	assert_runs(r);
}
