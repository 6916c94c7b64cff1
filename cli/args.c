/* The command line: options anywhere, numbers with suffixes, help. Which
 * command takes which option stands in one table, so that an option that would
 * be ignored is refused instead. */
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#ifndef VCPFLASH_VERSION
#error "the build defines VCPFLASH_VERSION"
#endif

enum { WAIT_MOST = 1000000 /* s: eleven days */ };

static const char usage[] =
	"usage: vcpflash [-p PORT] [-b BAUD] [--json] [-q | -v] [--trace FILE]\n"
	"                [--wait [SECONDS]] [--key-file FILE] COMMAND ...\n"
	"\n"
	"  info                       the board, its memories, the link\n"
	"  program FILE[@ADDR]...     make the flash hold these images\n"
	"          --full             do not compare with what is there first\n"
	"          --dry-run          print the plan and its time, change nothing\n"
	"          --discard          do not preserve what no file names in erased sectors\n"
	"          --verify digest|full   digests of what was written, or SHA-256 of everything\n"
	"          --compress auto|on|off where the line is slower than the chip (auto)\n"
	"          --run              start the application afterwards\n"
	"          --yes              do not ask\n"
	"  verify  FILE[@ADDR]...     compare only; change nothing\n"
	"  read    ADDR LEN OUT       read to a file (- is standard output; .hex .srec .uf2\n"
	"                             by its ending, raw otherwise)\n"
	"  erase   ADDR LEN | --chip  what lies beside the range survives\n"
	"  digest  ADDR LEN           SHA-256, computed on the board\n"
	"  merge   FILE[@ADDR]... -o OUT   one file out of several (.hex .srec .bin .uf2 by its\n"
	"                             ending or --format; --fill BYTE for gaps in .bin;\n"
	"                             --family ID for .uf2)\n"
	"  inspect FILE[@ADDR]...     segments, entry points, vector tables, gaps\n"
	"  run     [ADDR]             leave the loader and start the application\n"
	"  doctor                     tests the link alone, then the chip, and says which is at\n"
	"                             fault (--whole-chip: all of it, destroys what it holds)\n"
	"  gang    FILE[@ADDR]...     the same image into many boards at once, as 'program' does\n"
	"          --ports LIST       at these ports, separated by commas; or more than once\n"
	"          --all              at every serial port that is known to be a board\n"
	"          --loop             the production line: one board after the other, until "
	"Ctrl-C\n"
	"          --log FILE         where a row is kept of each board; --no-log: nowhere\n"
	"  log                        what gangs did; --csv, --since TIME, --board ID, --failed,\n"
	"                             --log FILE\n"
	"  ports                      serial ports; the ones where a board answers are marked\n"
	"\n"
	"PORT is a device, tcp://HOST:PORT, rfc2217://HOST:PORT (a port of another machine, with\n"
	"its baud rate) or auto (the default: the one port where a board answers). --wait waits\n"
	"until a board appears, SECONDS at most. A port that goes away in the middle is waited\n"
	"for anyhow: so long, or 10 s; then the command goes on (--wait 0: it ends at once).\n"
	"Numbers: 4096, 0x1000, 4K, 1M. FILE@ADDR places a raw binary; FILE may be -.\n"
	"Talk with a serial port begins at BAUD (115200) and goes up as far as board and port\n"
	"can; --max-baud BAUD caps that, 0: it stays. A board with a key wants the FILE that\n"
	"holds it: 32 bytes, raw or as 64 hexadecimal digits. VCPFLASH_PORT, VCPFLASH_BAUD and\n"
	"VCPFLASH_KEY_FILE set defaults.\n"
	"Exit: 0 done and seen, 1 differs, 2 usage, 3 link, 4 board or flash, 5 a file,\n"
	"6 refused, 130 interrupted.\n";

enum {
	OPT_JSON = 256,
	OPT_TRACE,
	OPT_MAX_BAUD,
	OPT_KEY_FILE,
	OPT_WAIT,
	OPT_VERSION,
	OPT_FULL,
	OPT_DRY_RUN,
	OPT_DISCARD,
	OPT_COMPRESS,
	OPT_VERIFY,
	OPT_RUN,
	OPT_YES,
	OPT_CHIP,
	OPT_WHOLE_CHIP,
	OPT_FORMAT,
	OPT_FILL,
	OPT_FAMILY,
	OPT_PORTS,
	OPT_ALL,
	OPT_LOOP,
	OPT_LOG,
	OPT_NO_LOG,
	OPT_CSV,
	OPT_SINCE,
	OPT_BOARD,
	OPT_FAILED,
	OPT_END,
};

static const struct option options[] = {
	{"port", required_argument, NULL, 'p'},
	{"baud", required_argument, NULL, 'b'},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, 'q'},
	{"verbose", no_argument, NULL, 'v'},
	{"trace", required_argument, NULL, OPT_TRACE},
	{"max-baud", required_argument, NULL, OPT_MAX_BAUD},
	{"key-file", required_argument, NULL, OPT_KEY_FILE},
	{"wait", optional_argument, NULL, OPT_WAIT},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION},
	{"full", no_argument, NULL, OPT_FULL},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN},
	{"discard", no_argument, NULL, OPT_DISCARD},
	{"compress", required_argument, NULL, OPT_COMPRESS},
	{"verify", required_argument, NULL, OPT_VERIFY},
	{"run", no_argument, NULL, OPT_RUN},
	{"yes", no_argument, NULL, OPT_YES},
	{"chip", no_argument, NULL, OPT_CHIP},
	{"whole-chip", no_argument, NULL, OPT_WHOLE_CHIP},
	{"output", required_argument, NULL, 'o'},
	{"format", required_argument, NULL, OPT_FORMAT},
	{"fill", required_argument, NULL, OPT_FILL},
	{"family", required_argument, NULL, OPT_FAMILY},
	{"ports", required_argument, NULL, OPT_PORTS},
	{"all", no_argument, NULL, OPT_ALL},
	{"loop", no_argument, NULL, OPT_LOOP},
	{"log", required_argument, NULL, OPT_LOG},
	{"no-log", no_argument, NULL, OPT_NO_LOG},
	{"csv", no_argument, NULL, OPT_CSV},
	{"since", required_argument, NULL, OPT_SINCE},
	{"board", required_argument, NULL, OPT_BOARD},
	{"failed", no_argument, NULL, OPT_FAILED},
	{NULL, 0, NULL, 0},
};

/* Options that only some commands take, and which. */
static const struct {
	int option;
	const char *commands;
} only[] = {
	{OPT_WAIT, " info program verify read erase digest run doctor gang "},
	{OPT_FULL, " program gang "},
	{OPT_DRY_RUN, " program "},
	{OPT_DISCARD, " program erase gang "},
	{OPT_COMPRESS, " program gang "},
	{OPT_VERIFY, " program verify gang "},
	{OPT_RUN, " program gang "},
	{OPT_YES, " program erase doctor gang "},
	{OPT_CHIP, " erase "},
	{OPT_WHOLE_CHIP, " doctor "},
	{'o', " merge "},
	{OPT_FORMAT, " merge "},
	{OPT_FILL, " merge "},
	{OPT_FAMILY, " merge "},
	{OPT_PORTS, " gang "},
	{OPT_ALL, " gang "},
	{OPT_LOOP, " gang "},
	{OPT_LOG, " gang log "},
	{OPT_NO_LOG, " gang "},
	{OPT_CSV, " log "},
	{OPT_SINCE, " log "},
	{OPT_BOARD, " log "},
	{OPT_FAILED, " log "},
};

/* How many arguments each command takes. */
static const struct {
	const char *name;
	int min, max;
	const char *what;
} arity[] = {
	{"info", 0, 0, "no argument"},
	{"program", 1, 1000, "the files to program"},
	{"verify", 1, 1000, "the files to compare with"},
	{"read", 3, 3, "ADDR LEN OUT"},
	{"erase", 0, 2, "ADDR LEN, or --chip"},
	{"digest", 2, 2, "ADDR LEN"},
	{"merge", 1, 1000, "the files to merge, and -o OUT"},
	{"inspect", 1, 1000, "the files to look at"},
	{"run", 0, 1, "at most an address"},
	{"doctor", 0, 0, "no argument"},
	{"ports", 0, 0, "no argument"},
	{"gang", 1, 1000, "the files to program"},
	{"log", 0, 0, "no argument"},
};

/* Says what is wrong with the command line, as a person or a script wants it. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static int
wrong(const cli_options *o, const char *fmt, ...)
{
	vf_error err = {.code = VF_E_USAGE};
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(err.text, sizeof err.text, fmt, ap);
	va_end(ap);
	size_t at = strlen(err.text);
	(void)snprintf(err.text + at, sizeof err.text - at, "; see vcpflash --help");
	return cli_finish(o, &err, NULL);
}

static const char *option_name(int option)
{
	for (const struct option *p = options; p->name != NULL; p++)
		if (p->val == option)
			return p->name;
	return "?";
}

static int set_baud(cli_options *o, const char *text, const char *where)
{
	uint64_t v;
	if (!vf_client_number(text, 100000000, &v) || v == 0)
		return wrong(o, "%s wants a rate such as 115200, not '%s'", where, text);
	o->client.baud = (uint32_t)v;
	return -1;
}

static int set_max_baud(cli_options *o, const char *text)
{
	uint64_t v;
	if (!vf_client_number(text, 100000000, &v))
		return wrong(o, "--max-baud wants a rate such as 921600, or 0, not '%s'", text);
	o->client.max_baud = v != 0 ? (uint32_t)v : 1; /* 0 is there the highest possible */
	return -1;
}

/* --wait and --wait=SECONDS are getopt's; a number in the next word is taken too, as
 * everybody types it. */
static int set_wait(cli_options *o, int argc, char **argv)
{
	const char *text = optarg;
	uint64_t v;
	if (text == NULL && optind < argc && argv[optind][0] != '\0' &&
	    strspn(argv[optind], "0123456789") == strlen(argv[optind]))
		text = argv[optind++];
	o->client.wait_ms = o->client.return_ms = VF_CLIENT_FOREVER;
	if (text == NULL)
		return -1;
	if (!vf_client_number(text, WAIT_MOST, &v))
		return wrong(o, "--wait wants seconds, %d at most, not '%s'", WAIT_MOST, text);
	o->client.wait_ms = (uint32_t)v * 1000;
	o->client.return_ms = v != 0 ? (uint32_t)v * 1000 : VF_CLIENT_NEVER;
	return -1;
}

static int set_choice(cli_options *o, int option, const char *text)
{
	if (option == OPT_VERIFY) {
		if (strcmp(text, "digest") != 0 && strcmp(text, "full") != 0)
			return wrong(o, "--verify wants digest or full, not '%s'", text);
		o->verify_full = text[0] == 'f';
		return -1;
	}
	if (strcmp(text, "auto") == 0)
		o->compress = VF_COMPRESS_AUTO;
	else if (strcmp(text, "on") == 0)
		o->compress = VF_COMPRESS_ON;
	else if (strcmp(text, "off") == 0)
		o->compress = VF_COMPRESS_OFF;
	else
		return wrong(o, "--compress wants auto, on or off, not '%s'", text);
	return -1;
}

static int set_number(cli_options *o, int option, const char *text)
{
	uint64_t v;
	uint32_t max = option == OPT_FILL ? UINT8_MAX : UINT32_MAX;
	if (!vf_client_number(text, max, &v))
		return wrong(o, "--%s wants a number from 0 to 0x%" PRIx32 ", not '%s'",
			     option_name(option), max, text);
	if (option == OPT_FILL) {
		o->fill_given = true;
		o->fill = (uint8_t)v;
	} else {
		o->family = (uint32_t)v;
	}
	return -1;
}

/* What getopt could not make sense of; `word` is where it stopped. */
static int no_option(const cli_options *o, int found, const char *word)
{
	const char *name = option_name(optopt);
	if (found == ':')
		return wrong(o, "--%s wants a value", name);
	if (optopt > 0 && name[0] != '?')
		return wrong(o, "--%s takes no value", name);
	if (optopt > 0)
		return wrong(o, "there is no option '-%c'", optopt);
	return wrong(o, "there is no option '%s', or it is short for several", word);
}

static int set_gang_option(cli_options *o, int option)
{
	switch (option) {
	case OPT_PORTS:
		if (o->port_lists == CLI_PORTS_MAX)
			return wrong(o, "--ports may be given %d times", CLI_PORTS_MAX);
		o->ports[o->port_lists++] = optarg;
		break;
	case OPT_ALL:
		o->all = true;
		break;
	case OPT_LOOP:
		o->loop = true;
		break;
	case OPT_LOG:
		o->log = optarg;
		break;
	case OPT_NO_LOG:
		o->no_log = true;
		break;
	case OPT_CSV:
		o->csv = true;
		break;
	case OPT_SINCE:
		o->since = optarg;
		break;
	case OPT_BOARD:
		o->board = optarg;
		break;
	default:
		o->failed = true;
	}
	return -1;
}

static int set_option(cli_options *o, int option)
{
	switch (option) {
	case 'p':
		o->client.port = optarg;
		return -1;
	case 'b':
		return set_baud(o, optarg, "--baud");
	case 'q':
		o->quiet = true;
		return -1;
	case 'v':
		o->verbose = true;
		return -1;
	case 'o':
		o->out = optarg;
		return -1;
	case OPT_JSON:
		o->json = true;
		return -1;
	case OPT_TRACE:
		o->trace = optarg;
		return -1;
	case OPT_KEY_FILE:
		o->key_file = optarg;
		return -1;
	case OPT_MAX_BAUD:
		return set_max_baud(o, optarg);
	case OPT_FULL:
		o->full = true;
		return -1;
	case OPT_DRY_RUN:
		o->dry_run = true;
		return -1;
	case OPT_DISCARD:
		o->discard = true;
		return -1;
	case OPT_RUN:
		o->run = true;
		return -1;
	case OPT_YES:
		o->yes = true;
		return -1;
	case OPT_CHIP:
		o->chip = true;
		return -1;
	case OPT_WHOLE_CHIP:
		o->whole_chip = true;
		return -1;
	case OPT_FORMAT:
		o->format = optarg;
		return -1;
	case OPT_VERIFY:
	case OPT_COMPRESS:
		return set_choice(o, option, optarg);
	case OPT_FILL:
	case OPT_FAMILY:
		return set_number(o, option, optarg);
	default:
		return set_gang_option(o, option);
	}
}

static int help(const cli_options *o, int option)
{
	vf_error none = {.code = VF_OK};
	cli_options plain = *o;
	plain.json = false;
	(void)fputs(option == 'h' ? usage : "vcpflash " VCPFLASH_VERSION "\n", stdout);
	return cli_finish(&plain, &none, NULL);
}

/* An option that this command would ignore is a misunderstanding: say so. */
static int check_only(const cli_options *o, const bool *given)
{
	char padded[40];
	(void)snprintf(padded, sizeof padded, " %s ", o->command);
	for (size_t i = 0; i < sizeof only / sizeof only[0]; i++)
		if (given[only[i].option] && strstr(only[i].commands, padded) == NULL)
			return wrong(o, "--%s means nothing to '%s'", option_name(only[i].option),
				     o->command);
	return -1;
}

static int check_arity(const cli_options *o)
{
	bool erase = strcmp(o->command, "erase") == 0;
	for (size_t i = 0; i < sizeof arity / sizeof arity[0]; i++) {
		if (strcmp(arity[i].name, o->command) != 0)
			continue;
		if (o->arg_count < arity[i].min || o->arg_count > arity[i].max ||
		    (erase && o->arg_count != (o->chip ? 0 : 2)))
			return wrong(o, "'%s' takes %s", o->command, arity[i].what);
		return -1;
	}
	return wrong(o, "there is no command '%s'", o->command);
}

/* What contradicts itself, or would be lost. */
static int check_sense(const cli_options *o)
{
	bool merge = strcmp(o->command, "merge") == 0, read = strcmp(o->command, "read") == 0;
	const char *out = merge ? o->out : read ? o->args[2] : NULL;
	if (o->quiet && o->verbose)
		return wrong(o, "-q and -v contradict each other");
	if (merge && out == NULL)
		return wrong(o, "'merge' needs -o OUT");
	if (o->json && out != NULL && strcmp(out, "-") == 0)
		return wrong(o, "--json and the data cannot both go to standard output");
	return -1;
}

static int check_gang(const cli_options *o, const bool *given)
{
	if (strcmp(o->command, "log") == 0 && o->csv && o->json)
		return wrong(o, "--csv and --json contradict each other");
	if (strcmp(o->command, "gang") != 0)
		return -1;
	if (given['p'])
		return wrong(o, "'gang' takes its ports from --ports or --all, not from -p");
	if (o->all && o->port_lists > 0)
		return wrong(o, "--ports and --all contradict each other");
	if (!o->all && o->port_lists == 0)
		return wrong(o, "'gang' needs --ports LIST, or --all");
	if (o->no_log && o->log != NULL)
		return wrong(o, "--log and --no-log contradict each other");
	return -1;
}

static int from_environment(cli_options *o)
{
	o->client.port = getenv("VCPFLASH_PORT");
	o->key_file = getenv("VCPFLASH_KEY_FILE");
	const char *baud = getenv("VCPFLASH_BAUD");
	return baud != NULL && baud[0] != '\0' ? set_baud(o, baud, "VCPFLASH_BAUD") : -1;
}

/* So that a mistake before --json is reported to a script all the same. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

/* Takes the options out of argv; what is left are `count` words at argv[0]. */
static int take_options(cli_options *o, int argc, char **argv, bool *given, int *count)
{
	int option, code = -1;
	opterr = 0;
	*count = 0;
	/* '-': words come as option 1, in their order; '@': standard input's address */
	while (code < 0 &&
	       (option = getopt_long(argc, argv, "-:p:b:qvo:h@:", options, NULL)) != -1) {
		if (option == 1 || option == '@') {
			argv[(*count)++] = argv[optind - 1];
			continue;
		}
		if (option == '?' || option == ':')
			return no_option(o, option, argv[optind - 1]);
		if (option == 'h' || option == OPT_VERSION)
			return help(o, option);
		given[option] = true;
		code = option == OPT_WAIT ? set_wait(o, argc, argv) : set_option(o, option);
	}
	while (code < 0 && optind < argc)
		argv[(*count)++] = argv[optind++];
	return code;
}

int cli_parse(cli_options *o, int argc, char **argv)
{
	bool given[OPT_END] = {false};
	int count = 0;
	memset(o, 0, sizeof *o);
	o->json = wants_json(argc, argv);
	int code = from_environment(o);
	if (code < 0)
		code = take_options(o, argc, argv, given, &count);
	if (code >= 0)
		return code;
	if (count == 0 && !o->json)
		(void)fputs(usage, stderr);
	if (count == 0)
		return o->json ? wrong(o, "no command") : cli_exit_code(VF_E_USAGE);
	o->command = argv[0];
	o->args = argv + 1;
	o->arg_count = count - 1;
	code = check_arity(o);
	if (code < 0)
		code = check_only(o, given);
	if (code < 0)
		code = check_gang(o, given);
	return code < 0 ? check_sense(o) : code;
}
