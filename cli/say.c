/* How the command speaks: lines for people on standard error, results on
 * standard output, one JSON object a line for scripts, and exit codes. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "cli.h"

int cli_exit_code(int status)
{
	switch (status) {
	case VF_OK: return 0;
	case VF_E_DIFFERS: return 1;
	case VF_E_USAGE: return 2;
	case VF_E_LINK: return 3;
	case VF_E_FILE: return 5;
	case VF_E_REFUSED: return 6;
	case VF_E_INTERRUPTED: return CLI_EXIT_INTERRUPTED;
	default: return 4;
	}
}

const char *cli_size(char out[16], uint64_t bytes)
{
	if (bytes < 1024)
		(void)snprintf(out, 16, "%u B", (unsigned)bytes);
	else if (bytes < 1024 * 1024)
		(void)snprintf(out, 16, bytes % 1024 ? "%.1f KB" : "%.0f KB", (double)bytes / 1024);
	else
		(void)snprintf(out, 16, bytes % (1024 * 1024) ? "%.1f MB" : "%.0f MB",
		               (double)bytes / (1024 * 1024));
	return out;
}

const char *cli_time(char out[24], uint64_t us)
{
	if (us < 1000)
		(void)snprintf(out, 24, "%u us", (unsigned)us);
	else if (us < 1000000)
		(void)snprintf(out, 24, us < 10000 ? "%.1f ms" : "%.0f ms", (double)us / 1e3);
	else if (us < 120000000)
		(void)snprintf(out, 24, us < 10000000 ? "%.1f s" : "%.0f s", (double)us / 1e6);
	else
		(void)snprintf(out, 24, "%u min %u s", (unsigned)(us / 60000000),
		               (unsigned)(us / 1000000 % 60));
	return out;
}

void cli_say(const cli_options *o, const char *fmt, ...)
{
	if (o->quiet)
		return;
	va_list ap;
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

void cli_print(const cli_options *o, const char *fmt, ...)
{
	if (o->json)
		return;
	va_list ap;
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
}

static void print_json(cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);
	if (text != NULL)
		(void)puts(text);
	cJSON_free(text);
	(void)fflush(stdout);
}

/* The result object begins with event and ok, whatever else it has. */
static void print_result(const cli_options *o, const vf_error *err, cJSON *rest)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "event", "result");
	cJSON_AddBoolToObject(json, "ok", err->code == VF_OK);
	cJSON_AddStringToObject(json, "command", o->command);
	cJSON_AddNumberToObject(json, "exit", cli_exit_code(err->code));
	if (err->code != VF_OK)
		cJSON_AddStringToObject(json, "error", err->text);
	while (rest != NULL && rest->child != NULL) {
		cJSON *item = cJSON_DetachItemViaPointer(rest, rest->child);
		cJSON_AddItemToObject(json, item->string, item);
	}
	print_json(json);
	cJSON_Delete(json);
}

int cli_finish(const cli_options *o, const vf_error *err, cJSON *json)
{
	if (err->code != VF_OK)
		(void)fprintf(stderr, "vcpflash: %s\n", err->text);
	if (o->json)
		print_result(o, err, json);
	cJSON_Delete(json);
	if (fflush(stdout) != 0 && err->code == VF_OK) {
		(void)fprintf(stderr, "vcpflash: standard output cannot be written\n");
		return cli_exit_code(VF_E_FILE);
	}
	return cli_exit_code(err->code);
}

bool cli_confirm(const cli_options *o, const char *question)
{
	if (o->yes || o->json || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return true;
	(void)fprintf(stderr, "%s [y/N] ", question);
	(void)fflush(stderr);
	char answer[8] = "";
	return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}
