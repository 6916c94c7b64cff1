/* sim_args.c - the command line of vcpflash-sim. */

#include "sim.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_code {
	OPT_CHIP = 1000,
	OPT_DUAL,
	OPT_BASE,
	OPT_FLASH,
	OPT_INTERNAL,
	OPT_PTY,
	OPT_TCP,
	OPT_LINK,
	OPT_MAX_BAUD,
	OPT_TIME,
	OPT_FAULT,
	OPT_SEED,
	OPT_NAME,
	OPT_RING,
	OPT_WINDOW,
	OPT_PAYLOAD,
	OPT_BLOCKING,
	OPT_NO_SFDP,
	OPT_JOURNAL,
	OPT_GUESTS,
	OPT_BOARD,
	OPT_PORT,
	OPT_FIRMWARE,
	OPT_FIRMWARE_M4,
	OPT_KEY_FILE,
	OPT_LIST,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"chip", required_argument, NULL, OPT_CHIP},
	{"dual", no_argument, NULL, OPT_DUAL},
	{"base", required_argument, NULL, OPT_BASE},
	{"flash", required_argument, NULL, OPT_FLASH},
	{"internal", required_argument, NULL, OPT_INTERNAL},
	{"pty", required_argument, NULL, OPT_PTY},
	{"tcp", required_argument, NULL, OPT_TCP},
	{"link", required_argument, NULL, OPT_LINK},
	{"max-baud", required_argument, NULL, OPT_MAX_BAUD},
	{"time", required_argument, NULL, OPT_TIME},
	{"fault", required_argument, NULL, OPT_FAULT},
	{"seed", required_argument, NULL, OPT_SEED},
	{"name", required_argument, NULL, OPT_NAME},
	{"ring", required_argument, NULL, OPT_RING},
	{"window", required_argument, NULL, OPT_WINDOW},
	{"payload", required_argument, NULL, OPT_PAYLOAD},
	{"blocking", no_argument, NULL, OPT_BLOCKING},
	{"no-sfdp", no_argument, NULL, OPT_NO_SFDP},
	{"journal", no_argument, NULL, OPT_JOURNAL},
	{"guests", required_argument, NULL, OPT_GUESTS},
	{"board", required_argument, NULL, OPT_BOARD},
	{"port", required_argument, NULL, OPT_PORT},
	{"firmware", required_argument, NULL, OPT_FIRMWARE},
	{"firmware-m4", required_argument, NULL, OPT_FIRMWARE_M4},
	{"key-file", required_argument, NULL, OPT_KEY_FILE},
	{"list-chips", no_argument, NULL, OPT_LIST},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"usage: vcpflash-sim [OPTION]...\n"
	"A board that is not there: the loader and chip driver that run on real boards,\n"
	"over a simulated NOR chip, behind a pseudo-terminal or a TCP port. It prints\n"
	"\"ready PATH\" once it can be talked to.\n"
	"\n"
	"  --chip NAME        the chip (mt25ql512ab); --list-chips lists them\n"
	"  --dual             two of them in parallel\n"
	"  --base ADDR        where the chip is mapped (0x90000000)\n"
	"  --flash FILE       its contents; made if missing, saved at the end\n"
	"  --internal FILE    a second memory: an STM32H7's internal flash (2 MB at\n"
	"                     0x08000000, the first 128 KB protected)\n"
	"  --pty PATH         link the pseudo-terminal there\n"
	"  --tcp HOST:PORT    listen there instead (port 0: any)\n"
	"  --link KIND        usb-fs (default), usb-hs, uart:BAUD or ideal\n"
	"  --max-baud N       with uart:BAUD: up to N baud if the host asks; then the rate\n"
	"                     of the pseudo-terminal counts, as on a real line\n"
	"  --time real|none   none: chip and link take no time\n"
	"  --fault SPEC       corrupt=P,drop=P,dup=P,stall=P:MS,reset=P,badbit=ADDR,\n"
	"                     badrate=BAUD,cut=N[:before|:torn|:after],link=overrun,\n"
	"                     chip=protected|qpi|addr4|asleep|continuous|absent|shorted\n"
	"  --seed N           for faults, and the board's id (else --flash's); printed if drawn\n"
	"  --ring N, --window N, --payload N    the loader's buffers, in bytes\n"
	"  --blocking         the board cannot receive while its chip works\n"
	"  --no-sfdp          the chip has no parameter table\n"
	"  --journal          the board keeps a journal in the chip's last two erase units:\n"
	"                     after a cut it knows what is torn, and what may start\n"
	"  --guests LIST      protocols that the board speaks beside its own: off, or some of\n"
	"                     console,ymodem,serprog (all); off with --key-file\n"
	"  --key-file FILE    the board listens only to hosts that hold this key: 32 bytes,\n"
	"                     raw or as 64 hexadecimal digits\n"
	"  --name NAME        what the board calls itself\n"
	"  --board stm32h745i-disco|stm32h747i-disco    a board whose firmware is executed:\n"
	"                     two emulated cores, its peripherals by their registers, 128 MB\n"
	"                     of flash; with --flash, --internal, --pty, --tcp, --time,\n"
	"                     --seed, --port and --fault cut=N,reset=P,unplug=N only\n"
	"  --port usb|uart    its virtual COM port: at its own USB socket (of the\n"
	"                     stm32h745i-disco, unless told otherwise) or at its ST-LINK\n"
	"  --firmware FILE, --firmware-m4 FILE    for its internal flash (HEX, ELF, SREC\n"
	"                     or UF2) instead of the firmware that came with this program\n"
	"  --help, --version\n"
	"\n"
	"SIGUSR1 is the reset button; SIGUSR2 pulls the cable out of an emulated board's\n"
	"USB socket, and plugs it in again. SIGTERM and SIGINT save and end it.\n"
	"Exit status: 0 ended by a signal, 2 wrong usage, 3 no pseudo-terminal or port,\n"
	"4 the board does not start, 5 a file, 70 the chip was misused, or an emulated board\n"
	"did what the manual forbids (a fault of ours).\n";

static int usage(const char *text)
{
	(void)fprintf(stderr, "vcpflash-sim: %s (--help says more)\n", text);
	return SIM_EXIT_USAGE;
}

static int bad_value(const char *option, const char *value, const char *expected)
{
	(void)fprintf(stderr, "vcpflash-sim: %s \"%.60s\": expected %s\n", option, value, expected);
	return SIM_EXIT_USAGE;
}

/* Decimal or 0x…, K and M suffixes. */
static bool number(uint64_t *out, uint64_t max, const char *text)
{
	char *end;
	if (*text < '0' || *text > '9')
		return false;
	uint64_t unit = 1, n = strtoull(text, &end, 0);
	if (*end == 'K' || *end == 'k')
		unit = 1 << 10;
	else if (*end == 'M' || *end == 'm')
		unit = 1 << 20;
	if (unit != 1)
		end++;
	if (*end != '\0' || n > max / unit)
		return false;
	*out = n * unit;
	return true;
}

static int list_chips(void)
{
	for (size_t i = 0; vf_sim_part_at(i) != NULL; i++)
		(void)printf("%-16s %s\n", vf_sim_part_name(vf_sim_part_at(i)),
			     vf_sim_part_text(vf_sim_part_at(i)));
	return SIM_EXIT_OK;
}

static int parse_chip(sim_options *o, const char *name)
{
	o->part = vf_sim_part_find(name);
	if (o->part != NULL)
		return -1;
	return bad_value("--chip", name, "one of those that --list-chips lists");
}

static int parse_time(sim_options *o, const char *value)
{
	if (strcmp(value, "real") != 0 && strcmp(value, "none") != 0)
		return bad_value("--time", value, "real or none");
	o->no_time = strcmp(value, "none") == 0;
	return -1;
}

static int said(int status, const vf_error *err)
{
	if (status == VF_OK)
		return -1;
	(void)fprintf(stderr, "vcpflash-sim: %s\n", err->text);
	return SIM_EXIT_USAGE;
}

static int parse_size(uint64_t *out, uint64_t min, uint64_t max, bool power, const char *option,
		      const char *value)
{
	char expected[80];
	if (number(out, max, value) && *out >= min && (!power || (*out & (*out - 1)) == 0))
		return -1;
	(void)snprintf(expected, sizeof expected, "%s from %lu to %lu",
		       power ? "a power of two" : "a number", (unsigned long)min,
		       (unsigned long)max);
	return bad_value(option, value, expected);
}

static int parse_number(sim_options *o, int code, const char *value)
{
	uint64_t n = 0;
	int status = -1;
	switch (code) {
	case OPT_BASE:
		if (!number(&n, UINT32_MAX, value))
			return bad_value("--base", value, "an address");
		o->base = (uint32_t)n;
		break;
	case OPT_SEED:
		if (!number(&o->seed, UINT64_MAX, value))
			return bad_value("--seed", value, "a number");
		o->has_seed = true;
		break;
	case OPT_MAX_BAUD:
		status = parse_size(&n, 50, 100000000, false, "--max-baud", value);
		o->max_baud = (uint32_t)n;
		break;
	case OPT_RING:
		status = parse_size(&n, VF_TARGET_RING_MIN, 1 << 20, true, "--ring", value);
		o->ring = (uint32_t)n;
		break;
	case OPT_WINDOW:
		status = parse_size(&n, VF_TARGET_WINDOW_MIN, 1 << 20, true, "--window", value);
		o->window = (uint32_t)n;
		break;
	default:
		status = parse_size(&n, VF_WIRE_PAYLOAD_MIN, VF_WIRE_PAYLOAD_MAX, false,
				    "--payload", value);
		o->payload = (uint16_t)n;
		break;
	}
	return status;
}

static int parse_name(sim_options *o, const char *name)
{
	size_t len = strlen(name);
	bool good = len >= 1 && len <= VF_WIRE_BOARD_NAME_MAX;
	for (size_t i = 0; i < len; i++)
		good = good && name[i] >= 0x20 && name[i] <= 0x7E;
	o->name = name;
	return good ? -1 : bad_value("--name", name, "1 to 32 printable ASCII characters");
}

/* off, or names with commas between them. */
static int parse_guests(sim_options *o, const char *value)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} known[] = {{"console", VF_SIM_GUEST_CONSOLE},
		     {"ymodem", VF_SIM_GUEST_YMODEM},
		     {"serprog", VF_SIM_GUEST_SERPROG}};
	const char *at = value;
	o->guests = 0;
	if (strcmp(value, "off") == 0)
		return -1;
	for (;;) {
		size_t len = strcspn(at, ","), i = 0;
		while (i < sizeof known / sizeof known[0] &&
		       (strlen(known[i].name) != len || strncmp(known[i].name, at, len) != 0))
			i++;
		if (i == sizeof known / sizeof known[0])
			return bad_value("--guests", value,
					 "off, or some of console,ymodem,serprog");
		o->guests |= known[i].bit;
		if (at[len] == '\0')
			return -1;
		at += len + 1;
	}
}

static int parse_key(sim_options *o, const char *name)
{
	vf_error err;
	bool exposed;
	if (vf_key_read(name, o->key, &exposed, &err) != VF_OK) {
		(void)fprintf(stderr, "vcpflash-sim: %s\n", err.text);
		return SIM_EXIT_FILE;
	}
	o->has_key = true;
	return -1;
}

static int parse_board(sim_options *o, const char *name)
{
	o->emulated = true;
	o->model = strcmp(name, "stm32h745i-disco") == 0 ? VF_EMU_H745I_DISCO : VF_EMU_H747I_DISCO;
	if (o->model == VF_EMU_H747I_DISCO && strcmp(name, "stm32h747i-disco") != 0)
		return bad_value("--board", name, "stm32h745i-disco or stm32h747i-disco");
	return -1;
}

static int parse_port(sim_options *o, const char *value)
{
	o->has_socket = true;
	o->usb = strcmp(value, "usb") == 0;
	return o->usb || strcmp(value, "uart") == 0 ? -1
						    : bad_value("--port", value, "usb or uart");
}

static int parse_option(sim_options *o, int code, const char *value)
{
	vf_error err;
	switch (code) {
	case OPT_CHIP:
		return parse_chip(o, value);
	case OPT_DUAL:
		o->dual = true;
		return -1;
	case OPT_FLASH:
		o->flash = value;
		return -1;
	case OPT_INTERNAL:
		o->internal = value;
		return -1;
	case OPT_PTY:
		o->pty = value;
		return -1;
	case OPT_TCP:
		o->tcp = value;
		return -1;
	case OPT_LINK:
		return said(vf_sim_link_parse(&o->link, value, &err), &err);
	case OPT_TIME:
		return parse_time(o, value);
	case OPT_FAULT:
		return said(vf_sim_fault_parse(&o->fault, value, &err), &err);
	case OPT_NAME:
		return parse_name(o, value);
	case OPT_BLOCKING:
		o->blocking = true;
		return -1;
	case OPT_NO_SFDP:
		o->no_sfdp = true;
		return -1;
	case OPT_JOURNAL:
		o->journal = true;
		return -1;
	case OPT_GUESTS:
		return parse_guests(o, value);
	case OPT_KEY_FILE:
		return parse_key(o, value);
	case OPT_LIST:
		return list_chips();
	case OPT_BOARD:
		return parse_board(o, value);
	case OPT_PORT:
		return parse_port(o, value);
	case OPT_FIRMWARE:
		o->firmware = value;
		return -1;
	case OPT_FIRMWARE_M4:
		o->firmware_m4 = value;
		return -1;
	case OPT_VERSION:
		(void)puts("vcpflash-sim " VCPFLASH_VERSION);
		return SIM_EXIT_OK;
	case 'h':
		(void)fputs(help, stdout);
		return SIM_EXIT_OK;
	case '?':
		(void)fputs("vcpflash-sim: --help lists the options\n", stderr);
		return SIM_EXIT_USAGE;
	default:
		return parse_number(o, code, value);
	}
}

/* What an emulated board brings along and cannot be told. */
static bool is_plain(int code)
{
	switch (code) {
	case OPT_CHIP:
	case OPT_DUAL:
	case OPT_BASE:
	case OPT_LINK:
	case OPT_MAX_BAUD:
	case OPT_NAME:
	case OPT_RING:
	case OPT_WINDOW:
	case OPT_PAYLOAD:
	case OPT_BLOCKING:
	case OPT_NO_SFDP:
	case OPT_JOURNAL:
	case OPT_GUESTS:
	case OPT_KEY_FILE:
		return true;
	default:
		return false;
	}
}

static int check_emulated(const sim_options *o)
{
	const vf_sim_fault *f = &o->fault;
	if (!o->emulated && (o->firmware != NULL || o->firmware_m4 != NULL))
		return usage("--firmware and --firmware-m4 need --board");
	if (!o->emulated && (o->has_socket || f->unplug != 0))
		return usage("--port and --fault unplug=N need --board");
	if (o->emulated && f->unplug != 0 && !o->usb)
		return usage("--fault unplug=N needs --port usb");
	if (o->emulated && o->plain != NULL) {
		(void)fprintf(stderr,
			      "vcpflash-sim: --%s is for the simulated board, --board has its own "
			      "(--help says more)\n",
			      o->plain);
		return SIM_EXIT_USAGE;
	}
	if (o->emulated && (f->corrupt > 0 || f->drop > 0 || f->dup > 0 || f->stall > 0 ||
			    f->bad_rate != 0 || f->bad_bits != 0 || f->cut_how != 0))
		return usage("with --board, --fault knows cut=N, reset=P and unplug=N only");
	return -1;
}

int sim_parse(sim_options *o, int argc, char **argv)
{
	int code, index = 0;
	*o = (sim_options){.part = vf_sim_part_find("mt25ql512ab"),
			   .base = 0x90000000,
			   .guests = VF_SIM_GUEST_CONSOLE | VF_SIM_GUEST_YMODEM |
				     VF_SIM_GUEST_SERPROG};
	(void)vf_sim_link_parse(&o->link, "usb-fs", NULL);
	while ((code = getopt_long(argc, argv, "h", long_options, &index)) != -1) {
		o->plain = is_plain(code) ? long_options[index].name : o->plain;
		int status = parse_option(o, code, optarg);
		if (status >= 0)
			return status;
	}
	if (optind < argc) {
		(void)fprintf(stderr,
			      "vcpflash-sim: what is \"%.60s\" meant to be? (--help lists the "
			      "options)\n",
			      argv[optind]);
		return SIM_EXIT_USAGE;
	}
	if (o->max_baud != 0 && o->max_baud <= o->link.baud)
		return usage("--max-baud is not above the rate of --link uart:BAUD");
	if (o->max_baud != 0 && o->link.baud == 0)
		return usage("--max-baud needs --link uart:BAUD");
	if (o->has_key && o->window != 0 && o->window < 1024)
		return usage("--key-file needs a --window of 1024 bytes at the least");
	if (o->pty != NULL && o->tcp != NULL)
		return usage("--pty and --tcp exclude each other");
	if (!o->has_socket)
		o->usb = o->emulated && o->model == VF_EMU_H745I_DISCO;
	return check_emulated(o);
}
