/* How the command speaks: lines for people on standard error, results on
 * standard output, one JSON object a line for scripts, and exit codes. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "cli.h"

enum { LINE = 5000 }; /* more than the longest path */

int cli_exit_code(int status)
{
	switch (status) {
	case VF_OK:
		return 0;
	case VF_E_DIFFERS:
		return 1;
	case VF_E_USAGE:
		return 2;
	case VF_E_LINK:
		return 3;
	case VF_E_FILE:
		return 5;
	case VF_E_REFUSED:
		return 6;
	case VF_E_INTERRUPTED:
		return CLI_EXIT_INTERRUPTED;
	default:
		return 4;
	}
}

const char *cli_size(char out[16], uint64_t bytes)
{
	static const char *const name[] = {"B", "KB", "MB", "GB"};
	unsigned step = 0;
	while (step < 3 && bytes >> (10 * (step + 1)) != 0)
		step++;
	const uint64_t one = (uint64_t)1 << (10 * step);
	(void)snprintf(out, 16, bytes % one != 0 ? "%.1f %s" : "%.0f %s",
		       (double)bytes / (double)one, name[step]);
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

/* One line, whatever is in it: names of files and boards are other people's,
 * and must neither break the line nor speak to the terminal. */
static void put_line(FILE *f, const char *fmt, va_list ap)
{
	char line[LINE];
	(void)vsnprintf(line, sizeof line, fmt, ap);
	for (char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7F)
			*c = '?';
	(void)fprintf(f, "%s\n", line);
}

void cli_say(const cli_options *o, const char *fmt, ...)
{
	if (o->quiet)
		return;
	va_list ap;
	va_start(ap, fmt);
	put_line(stderr, fmt, ap);
	va_end(ap);
}

void cli_print(const cli_options *o, const char *fmt, ...)
{
	if (o->json)
		return;
	va_list ap;
	va_start(ap, fmt);
	put_line(stdout, fmt, ap);
	va_end(ap);
}

#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
static void
say_error(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	put_line(stderr, fmt, ap);
	va_end(ap);
}

/* --- JSON -------------------------------------------------------------------- */

/* Bytes of the UTF-8 character at `p`; 0 if there is none. */
static size_t utf8_length(const unsigned char *p)
{
	size_t len = p[0] < 0x80       ? 1
		     : p[0] >> 5 == 6  ? 2
		     : p[0] >> 4 == 14 ? 3
		     : p[0] >> 3 == 30 ? 4
				       : 0;
	for (size_t i = 1; i < len; i++)
		if (p[i] >> 6 != 2)
			return 0;
	static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned c = len > 1 ? p[0] & (0x7Fu >> len) : p[0];
	for (size_t i = 1; i < len; i++)
		c = c << 6 | (p[i] & 0x3Fu);
	return c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? 0 : len;
}

/* A file's name may be any bytes; JSON has to be UTF-8. */
static void put_utf8(FILE *f, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	while (*p != '\0') {
		size_t len = utf8_length(p);
		if (len == 0)
			(void)fputs("\xEF\xBF\xBD", f);
		else
			(void)fwrite(p, 1, len, f);
		p += len == 0 ? 1 : len;
	}
	(void)putc('\n', f);
}

static void print_json(cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);
	if (text != NULL)
		put_utf8(stdout, text);
	cJSON_free(text);
	(void)fflush(stdout);
}

void cli_emit(cJSON *json)
{
	print_json(json);
	cJSON_Delete(json);
}

void cli_event(const cli_options *o, const char *event, const char *text)
{
	if (!o->json)
		return;
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "event", event);
	cJSON_AddStringToObject(json, "text", text);
	cli_emit(json);
}

/* The result object begins with event and ok, whatever else it has. */
static void print_result(const cli_options *o, const vf_error *err, cJSON *rest)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "event", "result");
	cJSON_AddBoolToObject(json, "ok", err->code == VF_OK);
	if (o->command != NULL)
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
		say_error("vcpflash: %s", err->text);
	if (o->json)
		print_result(o, err, json);
	cJSON_Delete(json);
	int flushed = fflush(stdout);
	if ((flushed != 0 || ferror(stdout)) && err->code == VF_OK) {
		say_error("vcpflash: standard output cannot be written");
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
	if (fgets(answer, sizeof answer, stdin) == NULL)
		(void)fputc('\n', stderr);
	return answer[0] == 'y' || answer[0] == 'Y';
}
