/* vcpflash: gets images into a board's flash through a virtual COM port. This
 * file only picks the command; each has its own place (see cli.h). */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct {
	const char *name;
	int (*run)(const cli_options *o);
} commands[] = {
	{ "info", cli_info },     { "program", cli_program }, { "verify", cli_verify },
	{ "read", cli_read },     { "erase", cli_erase },     { "digest", cli_digest },
	{ "merge", cli_merge },   { "inspect", cli_inspect }, { "run", cli_run },
	{ "ports", cli_ports },
};

int main(int argc, char **argv)
{
	cli_options o;
	int code = cli_parse(&o, argc, argv);
	if (code >= 0)
		return code;
	/* A closed pipe behind standard output is an error to report, not a
	 * reason to die with the board in the middle of something. */
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(o.command, commands[i].name) == 0)
			return commands[i].run(&o);
	(void)fprintf(stderr, "vcpflash: there is no command '%s'; see vcpflash --help\n", o.command);
	return cli_exit_code(VF_E_USAGE);
}
