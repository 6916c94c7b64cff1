/* log: what gangs did, as a table, as CSV or as JSON lines. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cjson/cJSON.h>

#include <vcpflash/log.h>

#include "cli.h"

enum { PATH_ROOM = 4096, TIME_MAX = 24 };

int cli_log_path(const cli_options *o, char *path, size_t room, vf_error *err)
{
	struct stat st;
	const bool writes = strcmp(o->command, "gang") == 0; /* who only reads leaves nothing */
	if (o->log == NULL)
		return vf_state_file("log.sqlite", writes, path, room, err);
	const int n = snprintf(path, room, "%s", o->log);
	if (n <= 0 || (size_t)n >= room)
		return vf_fail(err, VF_E_USAGE, "--log wants the name of a file");
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return vf_fail(err, VF_E_FILE,
			       "%.200s: that is a device or the like, which keeps no log: name a "
			       "file with --log%s",
			       path, writes ? ", or say --no-log" : "");
	return VF_OK;
}

/* --- --since ------------------------------------------------------------------------ */

/* "2026-03-01", "2026-03-01T14:05", with a blank for the T, and a Z at the end: what is
 * there compares as text with the times of the rows. */
static bool is_time(const char *text, char out[TIME_MAX])
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	size_t i = 0;
	for (; i < sizeof form - 1 && text[i] != '\0'; i++) {
		const bool fits = form[i] == 'd'   ? isdigit((unsigned char)text[i]) != 0
				  : form[i] == 'T' ? text[i] == 'T' || text[i] == ' '
						   : text[i] == form[i];
		if (!fits)
			return false;
		out[i] = form[i] == 'T' ? 'T' : text[i];
	}
	out[i] = '\0';
	return text[i] == '\0' && (i == 4 || i == 7 || i == 10 || i == 13 || i == 16 || i >= 19);
}

/* "90m", "12h", "7d", "2w" before now. */
static bool is_age(const char *text, char out[TIME_MAX])
{
	static const struct {
		char unit;
		long seconds;
	} units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	const unsigned long count = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || end[0] == '\0' || end[1] != '\0' || count > 100000)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		struct tm utc;
		const time_t then = time(NULL) - (time_t)count * units[i].seconds;
		if (end[0] == units[i].unit && gmtime_r(&then, &utc) != NULL)
			return strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &utc) != 0;
	}
	return false;
}

/* --- output --------------------------------------------------------------------------- */

typedef struct listing {
	const cli_options *o;
	uint64_t rows, failed;
} listing;

static const char *result_of(const vf_log_unit *u)
{
	return u->exit == 0 ? "ok" : u->exit == CLI_EXIT_INTERRUPTED ? "interrupted" : "failed";
}

/* RFC 4180: quotes where they are needed, doubled inside. */
static void csv_field(const char *text, char end)
{
	const size_t len = strlen(text);
	if (strpbrk(text, ",\"\r\n") == NULL &&
	    (len == 0 || (text[0] != ' ' && text[len - 1] != ' '))) {
		(void)printf("%s", text);
	} else {
		(void)putchar('"');
		for (; *text != '\0'; text++)
			(void)printf(*text == '"' ? "\"\"" : "%c", *text);
		(void)putchar('"');
	}
	if (end == '\n')
		(void)putchar('\r');
	(void)putchar(end);
}

static void print_csv(const vf_log_unit *u)
{
	char number[4][32];
	(void)snprintf(number[0], sizeof number[0], "%lld", (long long)u->number);
	(void)snprintf(number[1], sizeof number[1], "%d", u->exit);
	(void)snprintf(number[2], sizeof number[2], "%.3f", (double)u->elapsed_us / 1e6);
	(void)snprintf(number[3], sizeof number[3], "%llu", (unsigned long long)u->bytes);
	const char *const field[] = {number[0],      u->time,       u->port,      u->board,
				     u->name,        u->run.digest, u->run.files, result_of(u),
				     number[1],      number[2],     number[3],    u->cause,
				     u->run.version, u->run.time};
	const size_t fields = sizeof field / sizeof field[0];
	for (size_t i = 0; i < fields; i++)
		csv_field(field[i], i + 1 < fields ? ',' : '\n');
}

static void print_object(const vf_log_unit *u)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "event", "unit");
	cJSON_AddNumberToObject(json, "id", (double)u->number);
	cJSON_AddStringToObject(json, "time", u->time);
	cJSON_AddStringToObject(json, "port", u->port);
	cJSON_AddStringToObject(json, "board", u->board);
	cJSON_AddStringToObject(json, "name", u->name);
	cJSON_AddStringToObject(json, "digest", u->run.digest);
	cJSON_AddStringToObject(json, "files", u->run.files);
	cJSON_AddStringToObject(json, "result", result_of(u));
	cJSON_AddNumberToObject(json, "exit", u->exit);
	cJSON_AddNumberToObject(json, "seconds", (double)u->elapsed_us / 1e6);
	cJSON_AddNumberToObject(json, "bytes", (double)u->bytes);
	cJSON_AddStringToObject(json, "cause", u->cause);
	cJSON_AddStringToObject(json, "version", u->run.version);
	cJSON_AddStringToObject(json, "run_time", u->run.time);
	cli_emit(json);
}

static int show(void *ctx, const vf_log_unit *u)
{
	listing *l = ctx;
	l->rows++;
	l->failed += u->exit != 0;
	if (l->o->csv)
		print_csv(u);
	else if (l->o->json)
		print_object(u);
	else
		cli_print(l->o, "%s  %-16s  %-24s  %-11s  %7.1f s  %.8s  %s%s%s", u->time, u->port,
			  u->board[0] != '\0' ? u->board : "-", result_of(u),
			  (double)u->elapsed_us / 1e6, u->run.digest, u->run.files,
			  u->cause[0] != '\0' ? "; " : "", u->cause);
	return ferror(stdout) ? VF_E_FILE : 0;
}

static int list(const cli_options *o, listing *l, vf_error *err)
{
	char path[PATH_ROOM], since[TIME_MAX] = "";
	vf_log_filter filter = {.since = since, .board = o->board, .failed = o->failed};
	if (o->since != NULL && !is_time(o->since, since) && !is_age(o->since, since))
		return vf_fail(
			err, VF_E_USAGE,
			"'%.100s' is no time: write 2026-03-01, 2026-03-01T14:05 (UTC), or 90m, "
			"12h, 7d, 2w for how long ago",
			o->since);
	if (cli_log_path(o, path, sizeof path, err) != VF_OK)
		return err->code;
	vf_log *log = vf_log_open(path, err);
	if (log == NULL)
		return err->code;
	if (o->csv)
		(void)fputs("id,time,port,board,name,digest,files,result,exit,seconds,bytes,cause,"
			    "version,run_time\r\n",
			    stdout);
	const int status = vf_log_each(log, &filter, show, l, err);
	vf_log_close(log);
	return status;
}

int cli_log(const cli_options *o)
{
	vf_error err = {0};
	listing l = {.o = o};
	cJSON *json = cJSON_CreateObject();
	if (list(o, &l, &err) == VF_OK && !o->csv)
		cli_say(o, "%llu rows, %llu of them not right", (unsigned long long)l.rows,
			(unsigned long long)l.failed);
	cJSON_AddNumberToObject(json, "rows", (double)l.rows);
	cJSON_AddNumberToObject(json, "failed", (double)l.failed);
	return cli_finish(o, &err, json);
}
