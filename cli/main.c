/* vcpflash: gets images into a board's flash through a virtual COM port. This
 * file only picks the command; each has its own place (see cli.h). */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct {
	const char *name;
	int (*run)(const cli_options *o);
} commands[] = {
	{"info", cli_info},     {"program", cli_program}, {"verify", cli_verify},
	{"read", cli_read},     {"erase", cli_erase},     {"digest", cli_digest},
	{"merge", cli_merge},   {"inspect", cli_inspect}, {"run", cli_start},
	{"doctor", cli_doctor}, {"ports", cli_ports},     {"gang", cli_gang},
	{"log", cli_log},
};

/* A standard stream that was closed would be the number of the next file or
 * port that is opened, and messages would end up there. Opened the wrong way
 * round, it fails as a closed one should. */
static bool hold_streams(void)
{
	static const int way[] = {O_WRONLY, O_RDONLY, O_RDWR};
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", way[fd]) != fd)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	cli_options o;
	/* A closed pipe behind standard output is an error to report, not a
	 * reason to die with the board in the middle of something. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (!hold_streams())
		return cli_exit_code(VF_E_FILE);
	int code = cli_parse(&o, argc, argv);
	for (size_t i = 0; code < 0 && i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(o.command, commands[i].name) == 0)
			code = commands[i].run(&o);
	return code;
}
