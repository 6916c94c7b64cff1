/* run.c - runs a firmware image that is not ours on the emulated board, prints what
 * it says on the virtual COM port, and counts what it does that the manual or the
 * chips' data sheet forbids instead of stopping there: what follows is as on the
 * chip, as far as the model knows.
 *
 *   st_bsp_run image.bin [low]
 *
 * `low`: lines that nobody drives read as 0. On the board nothing pulls them, so
 * what a read on the wrong number of lines gives is anybody's guess.
 */
#include "machine.h"
#include "stm32h7.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTENCES = 24, LIMIT_S = 60, EXTERNAL = 128 << 20, CYCLES = 2 };

typedef struct sentence {
	char text[160];
	unsigned times;
} sentence;

typedef struct run {
	vf_emu_machine *machine;
	vf_stm32h7 soc;
	vf_emu_bus bus;
	vf_h7_options options;
	sentence said[SENTENCES];
	char line[200];
	size_t len;
	bool done;
} run;

/* A bus door has the machine for its context, and the door for sentences is ours. */
static run *the_run;

/* Addresses and data differ from time to time: "65h over 0Dh" is "..h over ..h". */
static void blur(char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *at = strstr(text, "h: "); /* behind the command's opcode */

	for (at = at != NULL ? at + 2 : text; *at != '\0'; at++) {
		const size_t n = strspn(at, hex);

		if (n >= 2 && at[n] == 'h' && at[-1] == ' ')
			memset(at, '.', n);
		at += n > 1 ? n - 1 : 0;
	}
}

static void note(const char *said)
{
	char text[160];

	(void)snprintf(text, sizeof text, "%s", said);
	blur(text);
	for (unsigned i = 0; i < SENTENCES; i++) {
		sentence *s = &the_run->said[i];

		if (s->times == 0)
			(void)snprintf(s->text, sizeof s->text, "%s", text);
		if (strcmp(s->text, text) == 0) {
			s->times++;
			return;
		}
	}
}

static void on_stop(void *context, const char *format, ...)
{
	char text[160];
	va_list args;

	(void)context;
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	note(text);
}

static void on_misuse(void *context, const char *what)
{
	(void)context;
	note(what);
}

static void tell(run *r)
{
	for (unsigned i = 0; i < SENTENCES && r->said[i].times != 0; i++)
		printf("    ! %s (%u times)\n", r->said[i].text, r->said[i].times);
	memset(r->said, 0, sizeof r->said);
}

static void on_sent(void *context, uint8_t byte, uint32_t baud)
{
	run *r = context;

	(void)baud;
	if (byte != '\n' && r->len < sizeof r->line - 1) {
		r->line[r->len] = (char)byte;
		r->len += byte != '\r';
		return;
	}
	r->line[r->len] = '\0';
	printf("  %8.3f s  %s\n", (double)vf_emu_machine_now(r->machine) / 1e9, r->line);
	tell(r);
	r->done = strncmp(r->line, "done", 4) == 0;
	r->len = 0;
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

static vf_sim_chip *new_chip(uint8_t *array, bool low)
{
	const vf_sim_chip_config config = {
		.part = vf_sim_part_find("mt25ql512ab"),
		.dies = 2,
		.array = array,
		.time_percent = 100,
		.lines_low = low,
		.misuse = on_misuse,
	};

	return vf_sim_chip_init(calloc(1, vf_sim_chip_size(&config)), &config);
}

static int start(run *r, uint8_t *flash, uint8_t *array, bool low)
{
	const vf_emu_machine_config config = {.alloc = {resize, NULL},
					      .memory = memory,
					      .memories = sizeof memory / sizeof *memory,
					      .cycles = {CYCLES, CYCLES}};
	vf_stm32h7_config soc = {.flash = flash,
				 .nor_array = array,
				 .nor_size = EXTERNAL,
				 .uid = {1, 2, 3},
				 .options = &r->options,
				 .sent = on_sent,
				 .context = r};
	vf_error err = {0};

	r->machine = vf_emu_machine_new(&config, &err);
	if (r->machine == NULL) {
		fprintf(stderr, "st_bsp_run: %s\n", err.text);
		return -1;
	}
	r->bus = *vf_emu_machine_bus(r->machine);
	r->bus.stop = on_stop;
	vf_h7_options_default(&r->options);
	r->options.status &= ~(1u << 22); /* the Cortex-M4 stays in reset */
	soc.bus = &r->bus;
	soc.nor = new_chip(array, low);
	if (vf_emu_machine_attach(r->machine, vf_stm32h7_init(&r->soc, &soc), &err) != VF_OK) {
		fprintf(stderr, "st_bsp_run: %s\n", err.text);
		return -1;
	}
	vf_emu_machine_power_on(r->machine, 0);
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
		fprintf(stderr, "st_bsp_run: %s: cannot be read\n", path);
	return n != 0;
}

static int boot(run *r)
{
	uint64_t until = 0;

	while (!r->done && vf_emu_machine_stopped(r->machine) == NULL &&
	       until < LIMIT_S * UINT64_C(1000000000)) {
		until += 1000000;
		(void)vf_emu_machine_run(r->machine, until);
	}
	tell(r);
	if (vf_emu_machine_stopped(r->machine) != NULL)
		printf("  stopped: %s\n", vf_emu_machine_stopped(r->machine));
	else if (!r->done)
		printf("  not done after %u emulated seconds\n", (unsigned)LIMIT_S);
	return r->done ? 0 : 1;
}

int main(int argc, char **argv)
{
	const size_t internal = 2 * (size_t)VF_H7_FLASH_BANK;
	uint8_t *flash = malloc(internal), *array = malloc(EXTERNAL);
	int status = 2;

	the_run = calloc(1, sizeof *the_run);
	if (argc < 2 || argc > 3 || flash == NULL || array == NULL || the_run == NULL) {
		fprintf(stderr, "usage: st_bsp_run image.bin [low]\n");
	} else {
		memset(flash, 0xFF, internal);
		memset(array, 0xFF, EXTERNAL);
		setvbuf(stdout, NULL, _IOLBF, 0);
		status = 1;
		if (load(argv[1], flash) && start(the_run, flash, array, argc == 3) == 0)
			status = boot(the_run);
	}
	if (the_run != NULL) {
		vf_emu_machine_free(the_run->machine);
		free(the_run->soc.config.nor);
	}
	free(the_run);
	free(array);
	free(flash);
	return status;
}
