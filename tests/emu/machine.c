/* machine.c - the emulated cores by small programs (programs.S) over devices of
 * this file: interrupts, sleep, two cores, DMA, windows, and what stops a run.
 */

#include "machine.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PROGRAM = 0x20000000, CONSOLE = 0x40000000, WINDOW = 0x60000000, LOG = 64, SIZE = 0x1000 };

static const char *image_name;

/* The console logs and drives inputs; the timer raises input 5; COPY is a DMA
 * master; the window's owner keeps what it is given, turned over. */
typedef struct rig {
	vf_emu_machine *machine;
	const vf_emu_bus *bus;
	int boot[VF_EMU_CORES]; /* number of the program; -1: held in reset */
	uint32_t log[LOG], copy[2];
	uint64_t log_ns[LOG];
	unsigned logged;
	bool ended;
	uint64_t timer_ns;
	uint8_t *window_bytes;
	vf_emu_window window;
	vf_emu_device device;
	vf_emu_devices devices;
} rig;

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size != 0)
		return realloc(p, size);
	free(p);
	return NULL;
}

static uint32_t dev_read(void *state, uint32_t offset, unsigned size)
{
	(void)state, (void)size;
	return offset;
}

static void note(rig *r, uint32_t value)
{
	assert_true(r->logged < LOG);
	r->log_ns[r->logged] = r->bus->now_ns(r->bus->context);
	r->log[r->logged++] = value;
}

static void copy(rig *r, uint32_t len)
{
	uint8_t bytes[64];
	assert_true(len <= sizeof bytes);
	assert_int_equal(r->bus->read(r->bus->context, VF_EMU_BY_DMA, r->copy[0], bytes, len), 0);
	assert_int_equal(r->bus->write(r->bus->context, VF_EMU_BY_DMA, r->copy[1], bytes, len), 0);
	assert_int_equal(r->bus->read(r->bus->context, VF_EMU_BY_DMA, 0x70000000, bytes, 4), -1);
}

static void lower(rig *r, uint32_t value)
{
	const vf_emu_bus *b = r->bus;
	if (value == 100)
		b->open(b->context, WINDOW, SIZE, VF_EMU_NONE, "which the test closed");
	else if (value == 101)
		b->stop(b->context, "the test refuses %u", value);
	else
		b->irq(b->context, VF_EMU_M7, value, false);
}

static void dev_write(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	rig *r = state;
	(void)size;
	if (offset == 0)
		note(r, value);
	else if (offset == 4)
		r->bus->irq(r->bus->context, VF_EMU_M7, value, true);
	else if (offset == 8)
		lower(r, value);
	else if (offset == 0xC)
		r->timer_ns = r->bus->now_ns(r->bus->context) + value;
	else if (offset == 0x10 || offset == 0x14)
		r->copy[offset / 4 - 4] = value;
	else if (offset == 0x18)
		copy(r, value);
	else if (offset == 0x20)
		r->ended = true;
}

static uint64_t dev_next(const void *state)
{
	const rig *r = state;
	return r->timer_ns;
}

static void dev_advance(void *state, uint64_t now_ns)
{
	rig *r = state;
	if (now_ns < r->timer_ns)
		return;
	r->timer_ns = VF_EMU_NEVER;
	r->bus->irq(r->bus->context, VF_EMU_M7, 5, true);
}

static void dev_reset(void *state, enum vf_emu_reset cause)
{
	rig *r = state;
	const vf_emu_bus *b = r->bus;
	assert_int_equal(cause, r->logged == 0 ? VF_EMU_RESET_POWER : VF_EMU_RESET_M7);
	r->timer_ns = VF_EMU_NEVER;
	b->open(b->context, WINDOW, SIZE, VF_EMU_READ | VF_EMU_FETCH, NULL);
	for (unsigned i = 0; i < VF_EMU_CORES; i++)
		if (r->boot[i] >= 0)
			b->boot(b->context, i, PROGRAM + (uint32_t)r->boot[i] * 0x400);
}

static bool dev_store(void *state, uint32_t address, unsigned size, uint32_t value)
{
	rig *r = state;
	value = ~value;
	memcpy(r->window_bytes + (address - WINDOW), &value, size);
	return true;
}

static void load(rig *r)
{
	FILE *f = fopen(image_name, "rb");
	uint8_t *to = vf_emu_machine_bytes(r->machine, VF_EMU_BY_M7, PROGRAM, 0x8000);
	assert_non_null(f);
	assert_true(fread(to, 1, 0x8000, f) > 0x3C00);
	(void)fclose(f);
}

/* Power-on fills memory with noise, so the program is loaded in it and started by
 * a reset of the rig's own. */
static rig *rig_new(int m7, int m4)
{
	static const vf_emu_memory memory = {"RAM", PROGRAM, 128 << 10, VF_EMU_BY_ALL, -1};
	vf_emu_machine_config config = {
		.alloc = {.resize = resize}, .memory = &memory, .memories = 1};
	rig *r = calloc(1, sizeof *r);
	assert_non_null(r);
	r->machine = vf_emu_machine_new(&config, NULL);
	assert_non_null(r->machine);
	r->bus = vf_emu_machine_bus(r->machine);
	r->window_bytes = aligned_alloc(4096, SIZE);
	memset(r->window_bytes, 0xFF, SIZE);
	r->window = (vf_emu_window){WINDOW, SIZE, r->window_bytes, VF_EMU_BY_ALL, dev_store};
	r->device = (vf_emu_device){"TEST",   CONSOLE,   0x400,    r,           &r->window, 1,
				    dev_read, dev_write, dev_next, dev_advance, dev_reset};
	r->devices = (vf_emu_devices){&r->device, 1};
	r->boot[0] = r->boot[1] = -1;
	assert_int_equal(vf_emu_machine_attach(r->machine, &r->devices, NULL), VF_OK);
	vf_emu_machine_power_on(r->machine, 0);
	load(r);
	r->boot[0] = m7;
	r->boot[1] = m4;
	vf_emu_machine_reset(r->machine, VF_EMU_RESET_POWER);
	return r;
}

static void rig_free(rig *r)
{
	vf_emu_machine_free(r->machine);
	free(r->window_bytes);
	free(r);
}

static rig *run(int m7, int m4)
{
	rig *r = rig_new(m7, m4);
	for (uint64_t t = 100000; !r->ended && t <= 10000000; t += 100000)
		if (vf_emu_machine_run(r->machine, t) != VF_OK)
			break;
	if (vf_emu_machine_stopped(r->machine) != NULL)
		print_message("%s\n", vf_emu_machine_stopped(r->machine));
	return r;
}

static void expect(rig *r, unsigned n, const uint32_t *log)
{
	assert_null(vf_emu_machine_stopped(r->machine));
	assert_true(r->ended);
	for (unsigned i = 0; i < n && i < r->logged; i++)
		assert_int_equal(r->log[i], log[i]);
	assert_int_equal(r->logged, n);
	rig_free(r);
}

#define EXPECT(rig, ...)                                                                           \
	expect(rig, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (const uint32_t[]){__VA_ARGS__})

static void expect_stop(rig *r, const char *start)
{
	const char *text = vf_emu_machine_stopped(r->machine);
	assert_non_null(text);
	if (strncmp(text, start, strlen(start)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", text, start);
	assert_non_null(strstr(text, "r0 "));
	assert_false(r->ended);
	assert_int_equal(vf_emu_machine_run(r->machine, 1000000000), VF_E_FLASH);
	rig_free(r);
}

static void test_nested(void **state)
{
	(void)state;
	rig *r = run(0, -1);
	assert_int_equal(vf_emu_machine_taken(r->machine, VF_EMU_M7, 16), 1);
	assert_int_equal(vf_emu_machine_taken(r->machine, VF_EMU_M7, 17), 1);
	assert_int_equal(vf_emu_machine_executed_in(r->machine, VF_EMU_M7, 17), 4);
	EXPECT(r, 1, 10, 20, 11, 30, 2);
}

static void test_masks(void **state)
{
	(void)state;
	EXPECT(run(1, -1), 1, 10, 2, 3, 10, 4);
}

/* The cores sleep between the ticks: what counts is a few dozen instructions, and
 * the time is the third tick's. */
static void test_systick(void **state)
{
	(void)state;
	rig *r = rig_new(2, -1);
	assert_int_equal(vf_emu_machine_run(r->machine, 2999000), VF_OK);
	assert_false(r->ended);
	uint64_t asleep = vf_emu_machine_executed(r->machine, VF_EMU_M7);
	assert_true(asleep < 60);
	assert_int_equal(vf_emu_machine_taken(r->machine, VF_EMU_M7, 15), 2);
	assert_int_equal(vf_emu_machine_run(r->machine, 3001500), VF_OK);
	assert_true(r->ended);
	assert_int_equal(vf_emu_machine_taken(r->machine, VF_EMU_M7, 15), 3);
	rig_free(r);
}

static void test_thread_and_float(void **state)
{
	(void)state;
	EXPECT(run(3, -1), 0xFFFFFFED, 11, 0xFFFFFFFD - 0x10, 14, 5, 5, 6, PROGRAM + 0x11004);
}

static void test_two_cores(void **state)
{
	(void)state;
	rig *r = run(4, 5);
	rig *again = run(4, 5);
	for (unsigned i = 0; i < VF_EMU_CORES; i++) /* the same run, to the instruction */
		assert_int_equal(vf_emu_machine_executed(r->machine, i),
				 vf_emu_machine_executed(again->machine, i));
	assert_memory_equal(r->log_ns, again->log_ns, sizeof r->log_ns);
	rig_free(again);
	EXPECT(r, 1, 2, 3, 4, 5, 99);
}

static void test_level_and_timer(void **state)
{
	(void)state;
	rig *r = run(6, -1);
	assert_true(r->log_ns[4] - r->log_ns[3] >= 50000 && r->log_ns[4] - r->log_ns[3] < 52000);
	EXPECT(r, 10, 10, 10, 2, 50, 3);
}

static void test_dma_over_code(void **state)
{
	(void)state;
	EXPECT(run(7, -1), 1, 2);
}

static void test_window(void **state)
{
	(void)state;
	rig *r = run(8, -1);
	uint32_t word;
	memcpy(&word, r->window_bytes + 8, 4);
	assert_int_equal(word, 0xEEEEEEEE);
	EXPECT(r, 0xEEEEEEEE, 0xEEEEEEEE);
}

static void test_stops(void **state)
{
	(void)state;
	expect_stop(run(9, -1), "Cortex-M7 at 0x20002466: reads 0x60000000: which the test closed");
	expect_stop(run(10, -1), "Cortex-M7 at 0x2000285c: reads 0x70000004: where nothing is");
	expect_stop(run(11, -1),
		    "Cortex-M7 at 0x20002c58: executes an undefined instruction (0xde01)");
	expect_stop(run(12, -1),
		    "Cortex-M7 at 0x2000305a: uses floating point that CPACR does not enable");
	expect_stop(run(13, -1),
		    "Cortex-M7 at 0x2000347e: reads 0x60000000: which the MPU forbids");
	expect_stop(run(14, -1), "Cortex-M7 at 0x2000385e: the test refuses 101");
	expect_stop(run(-1, 10), "Cortex-M4 at 0x2000285c: reads 0x70000004: where nothing is");
}

static void test_reset(void **state)
{
	(void)state;
	EXPECT(run(15, -1), 1, 2);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested),        cmocka_unit_test(test_masks),
		cmocka_unit_test(test_systick),       cmocka_unit_test(test_thread_and_float),
		cmocka_unit_test(test_two_cores),     cmocka_unit_test(test_level_and_timer),
		cmocka_unit_test(test_dma_over_code), cmocka_unit_test(test_window),
		cmocka_unit_test(test_stops),         cmocka_unit_test(test_reset),
	};
	if (argc != 2)
		return 2;
	image_name = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
