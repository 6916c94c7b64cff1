/* The command line: options anywhere, numbers with suffixes, help. Which
 * command takes which option stands in one table, so that an option that would
 * be ignored is refused instead. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#ifndef VCPFLASH_VERSION
#error "the build defines VCPFLASH_VERSION"
#endif

static const char usage[] =
        "usage: vcpflash [-p PORT] [-b BAUD] [--json] [-q | -v] [--trace FILE] COMMAND ...\n"
        "\n"
        "  info                       the board, its memories, the link\n"
        "  program FILE[@ADDR]...     make the flash hold these images\n"
        "          --full             do not compare with what is there first\n"
        "          --dry-run          print the plan and its time, change nothing\n"
        "          --discard          do not preserve what no file names in erased sectors\n"
        "          --verify digest|full   digests of what was written, or SHA-256 of everything\n"
        "          --compress auto|off    (no board takes compressed data yet)\n"
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
        "  ports                      serial ports; the ones where a board answers are marked\n"
        "\n"
        "PORT is a device, tcp://HOST:PORT or auto (the default: the one port where a board\n"
        "answers). Numbers: 4096, 0x1000, 4K, 1M. FILE@ADDR places a raw binary.\n"
        "VCPFLASH_PORT and VCPFLASH_BAUD set defaults.\n"
        "Exit: 0 done and seen, 1 differs, 2 usage, 3 link, 4 board or flash, 5 a file,\n"
        "6 refused, 130 interrupted.\n";

enum {
	OPT_JSON = 256, OPT_TRACE, OPT_VERSION, OPT_FULL, OPT_DRY_RUN, OPT_DISCARD, OPT_COMPRESS,
	OPT_VERIFY, OPT_RUN, OPT_YES, OPT_CHIP, OPT_FORMAT, OPT_FILL, OPT_FAMILY,
};

static const struct option options[] = {
	{ "port", required_argument, NULL, 'p' },
	{ "baud", required_argument, NULL, 'b' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "trace", required_argument, NULL, OPT_TRACE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "full", no_argument, NULL, OPT_FULL },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "discard", no_argument, NULL, OPT_DISCARD },
	{ "compress", required_argument, NULL, OPT_COMPRESS },
	{ "verify", required_argument, NULL, OPT_VERIFY },
	{ "run", no_argument, NULL, OPT_RUN },
	{ "yes", no_argument, NULL, OPT_YES },
	{ "chip", no_argument, NULL, OPT_CHIP },
	{ "output", required_argument, NULL, 'o' },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "fill", required_argument, NULL, OPT_FILL },
	{ "family", required_argument, NULL, OPT_FAMILY },
	{ NULL, 0, NULL, 0 },
};

/* Options that only some commands take, and which. */
static const struct {
	int option;
	const char *commands;
} only[] = {
	{ OPT_FULL, " program " },        { OPT_DRY_RUN, " program " },
	{ OPT_DISCARD, " program erase " }, { OPT_COMPRESS, " program " },
	{ OPT_VERIFY, " program verify " }, { OPT_RUN, " program " },
	{ OPT_YES, " program erase " },   { OPT_CHIP, " erase " },
	{ 'o', " merge " },               { OPT_FORMAT, " merge " },
	{ OPT_FILL, " merge " },          { OPT_FAMILY, " merge " },
};

/* How many arguments each command takes. */
static const struct {
	const char *name;
	int min, max;
	const char *what;
} arity[] = {
	{ "info", 0, 0, "no argument" },
	{ "program", 1, 1000, "the files to program" },
	{ "verify", 1, 1000, "the files to compare with" },
	{ "read", 3, 3, "ADDR LEN OUT" },
	{ "erase", 0, 2, "ADDR LEN, or --chip" },
	{ "digest", 2, 2, "ADDR LEN" },
	{ "merge", 1, 1000, "the files to merge, and -o OUT" },
	{ "inspect", 1, 1000, "the files to look at" },
	{ "run", 0, 1, "at most an address" },
	{ "ports", 0, 0, "no argument" },
};

bool cli_number(const char *text, uint64_t max, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	if (!(hex ? strspn(digits, "0123456789abcdefABCDEF") : strspn(digits, "0123456789")))
		return false;
	char *end;
	errno = 0;
	unsigned long long v = strtoull(digits, &end, hex ? 16 : 10);
	if (errno != 0)
		return false;
	unsigned shift = *end == 'K' || *end == 'k' ? 10 : *end == 'M' || *end == 'm' ? 20 : 0;
	if (end[shift ? 1 : 0] != '\0' || v > (max >> shift))
		return false;
	*value = (uint64_t)v << shift;
	return true;
}

static int wrong(const char *fmt, const char *a, const char *b)
{
	(void)fputs("vcpflash: ", stderr);
	(void)fprintf(stderr, fmt, a, b);
	(void)fputs("; see vcpflash --help\n", stderr);
	return cli_exit_code(VF_E_USAGE);
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
	if (!cli_number(text, 100000000, &v) || v == 0)
		return wrong("%s wants a rate such as 115200, not '%s'", where, text);
	o->client.baud = (uint32_t)v;
	return -1;
}

static int set_choice(cli_options *o, int option, const char *text)
{
	if (option == OPT_VERIFY) {
		if (strcmp(text, "digest") != 0 && strcmp(text, "full") != 0)
			return wrong("--verify wants digest or full, not '%s'%s", text, "");
		o->verify_full = text[0] == 'f';
		return -1;
	}
	if (strcmp(text, "on") == 0)
		return wrong("no board takes compressed data yet: leave --compress at '%s'%s", "auto", "");
	if (strcmp(text, "auto") != 0 && strcmp(text, "off") != 0)
		return wrong("--compress wants auto or off, not '%s'%s", text, "");
	return -1;
}

static int set_number(cli_options *o, int option, const char *text)
{
	uint64_t v;
	if (!cli_number(text, option == OPT_FILL ? 0xFF : UINT32_MAX, &v))
		return wrong("--%s wants a number, not '%s'", option_name(option), text);
	if (option == OPT_FILL) {
		o->fill_given = true;
		o->fill = (uint8_t)v;
	} else {
		o->family = (uint32_t)v;
	}
	return -1;
}

static int set_option(cli_options *o, int option)
{
	switch (option) {
	case 'p': o->client.port = optarg; return -1;
	case 'b': return set_baud(o, optarg, "--baud");
	case 'q': o->quiet = true; return -1;
	case 'v': o->verbose = true; return -1;
	case 'o': o->out = optarg; return -1;
	case OPT_JSON: o->json = true; return -1;
	case OPT_TRACE: o->trace = optarg; return -1;
	case OPT_FULL: o->full = true; return -1;
	case OPT_DRY_RUN: o->dry_run = true; return -1;
	case OPT_DISCARD: o->discard = true; return -1;
	case OPT_RUN: o->run = true; return -1;
	case OPT_YES: o->yes = true; return -1;
	case OPT_CHIP: o->chip = true; return -1;
	case OPT_FORMAT: o->format = optarg; return -1;
	case OPT_VERIFY:
	case OPT_COMPRESS: return set_choice(o, option, optarg);
	case OPT_FILL:
	case OPT_FAMILY: return set_number(o, option, optarg);
	case 'h': (void)fputs(usage, stdout); return 0;
	case OPT_VERSION: (void)puts("vcpflash " VCPFLASH_VERSION); return 0;
	default: return cli_exit_code(VF_E_USAGE); /* getopt has said why */
	}
}

/* An option that this command would ignore is a misunderstanding: say so. */
static int check_only(const cli_options *o, const bool *given)
{
	char padded[40];
	(void)snprintf(padded, sizeof padded, " %s ", o->command);
	for (size_t i = 0; i < sizeof only / sizeof only[0]; i++)
		if (given[only[i].option] && strstr(only[i].commands, padded) == NULL)
			return wrong("--%s means nothing to '%s'", option_name(only[i].option), o->command);
	return -1;
}

static int check_arity(const cli_options *o)
{
	for (size_t i = 0; i < sizeof arity / sizeof arity[0]; i++) {
		if (strcmp(arity[i].name, o->command) != 0)
			continue;
		bool erase_odd = arity[i].max == 2 && arity[i].min == 0 && o->arg_count != (o->chip ? 0 : 2);
		if (o->arg_count < arity[i].min || o->arg_count > arity[i].max || erase_odd)
			return wrong("'%s' takes %s", o->command, arity[i].what);
	}
	return -1;
}

static int from_environment(cli_options *o)
{
	o->client.port = getenv("VCPFLASH_PORT");
	const char *baud = getenv("VCPFLASH_BAUD");
	return baud != NULL && baud[0] != '\0' ? set_baud(o, baud, "VCPFLASH_BAUD") : -1;
}

int cli_parse(cli_options *o, int argc, char **argv)
{
	bool given[OPT_FAMILY + 1] = { false };
	memset(o, 0, sizeof *o);
	int code = from_environment(o);
	int option;
	while (code < 0 && (option = getopt_long(argc, argv, "p:b:qvo:h", options, NULL)) != -1) {
		if (option > 0 && option <= OPT_FAMILY)
			given[option] = true;
		code = set_option(o, option);
	}
	if (code >= 0)
		return code;
	if (optind >= argc) {
		(void)fputs(usage, stderr);
		return cli_exit_code(VF_E_USAGE);
	}
	o->command = argv[optind];
	o->args = argv + optind + 1;
	o->arg_count = argc - optind - 1;
	if (o->quiet && o->verbose)
		return wrong("-q and -v contradict each other%s%s", "", "");
	code = check_only(o, given);
	return code >= 0 ? code : check_arity(o);
}
