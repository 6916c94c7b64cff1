/* run.c - runs a firmware image with somebody else's USB stack on the emulated board: the
 * host enumerates it, sends bytes, and wants the same bytes back. What the firmware does
 * that the manual forbids is counted, instead of stopping there.
 *
 *   usb_stack_run image.bin 745|747
 */
#include "machine.h"
#include "stm32h7.h"
#include "usb_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTENCES = 16, EXTERNAL = 128 << 20, CYCLES = 2, BYTES = 200000, LIMIT_MS = 5000 };

typedef struct run {
	vf_emu_machine *machine;
	vf_stm32h7 soc;
	vf_emu_bus bus;
	vf_h7_options options;
	vf_usb_host host;
	vf_emu_device device[VF_H7_DEVICES + 1];
	char said[SENTENCES][200];
	unsigned times[SENTENCES];
} run;

/* A bus door has the machine for its context, and the door for sentences is ours. */
static run *the_run;

static void on_stop(void *context, const char *format, ...)
{
	char text[200];
	va_list args;

	(void)context;
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	for (unsigned i = 0; i < SENTENCES; i++) {
		if (the_run->times[i] == 0)
			memcpy(the_run->said[i], text, sizeof text);
		if (strcmp(the_run->said[i], text) != 0)
			continue;
		the_run->times[i]++;
		return;
	}
}

static void on_log(void *context, const char *line)
{
	(void)context;
	printf("  %8.3f s  %s\n", (double)vf_emu_machine_now(the_run->machine) / 1e9, line);
}

static void *resize(void *context, void *p, size_t size)
{
	(void)context;
	if (size != 0)
		return realloc(p, size);
	free(p);
	return NULL;
}

static const vf_emu_memory memory[] = {
	{"ITCM", 0x00000000, 64 << 10, VF_EMU_BY_M7 | VF_EMU_BY_MDMA, -1},
	{"DTCM", 0x20000000, 128 << 10, VF_EMU_BY_M7 | VF_EMU_BY_MDMA, -1},
	{"AXI SRAM", 0x24000000, 512 << 10, VF_EMU_BY_ALL, -1},
	{"SRAM1", 0x30000000, 288 << 10, VF_EMU_BY_ALL, -1},
};

static uint64_t host_next(const void *state)
{
	return vf_usb_host_next(state);
}

static void host_advance(void *state, uint64_t now_ns)
{
	vf_usb_host_advance(state, now_ns);
}

static int start(run *r, uint8_t *flash, uint8_t *array, bool full)
{
	const vf_emu_machine_config config = {.alloc = {resize, NULL},
					      .memory = memory,
					      .memories = sizeof memory / sizeof *memory,
					      .cycles = {CYCLES, CYCLES}};
	const vf_sim_chip_config chip = {
		.part = vf_sim_part_find("mt25ql512ab"), .dies = 2, .array = array};
	vf_stm32h7_config soc = {.board = full ? VF_H7_H745I_DISCO : VF_H7_H747I_DISCO,
				 .flash = flash,
				 .nor_array = array,
				 .nor_size = EXTERNAL,
				 .uid = {1, 2, 3},
				 .options = &r->options};
	const vf_emu_devices *own;
	vf_error err = {0};

	r->machine = vf_emu_machine_new(&config, &err);
	if (r->machine == NULL)
		return -1;
	r->bus = *vf_emu_machine_bus(r->machine);
	r->bus.stop = on_stop;
	vf_h7_options_default(&r->options);
	r->options.status &= ~(1u << 22); /* the Cortex-M4 stays in reset */
	soc.bus = &r->bus;
	soc.nor = vf_sim_chip_init(calloc(1, vf_sim_chip_size(&chip)), &chip);
	own = vf_stm32h7_init(&r->soc, &soc);
	vf_usb_host_init(&r->host,
			 &(vf_usb_host_config){.port = vf_h7_otg_port(vf_stm32h7_usb(&r->soc)),
					       .log = on_log});
	r->device[0] = (vf_emu_device){.name = "USB host",
				       .state = &r->host,
				       .next_ns = host_next,
				       .advance = host_advance};
	memcpy(r->device + 1, own->device, own->count * sizeof *own->device);
	if (vf_emu_machine_attach(r->machine, &(vf_emu_devices){r->device, own->count + 1}, &err) !=
	    VF_OK)
		return -1;
	vf_emu_machine_power_on(r->machine, 0);
	vf_usb_host_plug(&r->host, true, 0);
	return 0;
}

static bool load(const char *path, uint8_t *flash)
{
	FILE *file = fopen(path, "rb");
	size_t n = 0;

	if (file != NULL) {
		n = fread(flash, 1, VF_H7_FLASH_BANK, file);
		(void)fclose(file);
	}
	if (n == 0)
		fprintf(stderr, "usb_stack_run: %s: cannot be read\n", path);
	return n != 0;
}

static bool lives(run *r, uint64_t *until)
{
	*until += 1000000;
	if (vf_emu_machine_run(r->machine, *until) == VF_OK)
		return true;
	printf("%s\n", vf_emu_machine_stopped(r->machine));
	return false;
}

static int echo(run *r)
{
	static uint8_t sent[BYTES], got[BYTES];
	uint64_t until = 0, began = 0;
	size_t out = 0, in = 0;

	for (unsigned i = 0; i < BYTES; i++)
		sent[i] = (uint8_t)(i * 2654435761u >> 13);
	while (in < BYTES && until < LIMIT_MS * UINT64_C(1000000)) {
		if (!lives(r, &until))
			return 1;
		if (!vf_usb_host_ready(&r->host))
			continue;
		began = began != 0 ? began : until;
		out += vf_usb_host_write(&r->host, sent + out, BYTES - out, 0);
		in += vf_usb_host_read(&r->host, got + in, BYTES - in);
	}
	printf("  %zu of %u bytes came back %s, %.0f bytes a second, at most %u packets a frame\n",
	       in, BYTES, memcmp(sent, got, in) == 0 ? "right" : "WRONG",
	       (double)in * 1e9 / (double)(until - began + 1), (unsigned)r->host.counts.most);
	return in == BYTES && memcmp(sent, got, in) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	uint8_t *flash = malloc(2 * VF_H7_FLASH_BANK), *array = malloc(EXTERNAL);
	run *r = calloc(1, sizeof *r);
	int status;

	if (argc != 3 || flash == NULL || array == NULL || r == NULL)
		return 2;
	the_run = r;
	memset(flash, 0xFF, 2 * VF_H7_FLASH_BANK);
	memset(array, 0xFF, EXTERNAL);
	if (!load(argv[1], flash) || start(r, flash, array, strcmp(argv[2], "745") == 0) != 0)
		return 2;
	status = echo(r);
	for (unsigned i = 0; i < SENTENCES && r->times[i] != 0; i++)
		printf("    ! %s (%u times)\n", r->said[i], r->times[i]);
	vf_emu_machine_free(r->machine);
	free(r);
	free(flash);
	free(array);
	return status;
}
