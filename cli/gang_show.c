/* What a gang looks like: on a terminal a block of lines that is redrawn at most ten
 * times a second, one for each board at work, and above it what has happened; without
 * one only the latter; for a script, events that name the port. */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "gang.h"

enum {
	REDRAW_US = 100000,
	LABEL_MAX = 28, /* columns for the port's name */
	LINE = 400,
};

static const char green[] = "\033[32m", red[] = "\033[31m", plain[] = "\033[0m";

void gang_show_begin(gang *g)
{
	const cli_options *o = g->run.o;
	g->terminal = !o->quiet && !o->json && cli_can_redraw();
	for (gang_post *p = g->posts; p != NULL; p = p->next)
		cli_progress_begin(&p->progress, o);
}

static bool colours(const gang *g)
{
	const char *no = getenv("NO_COLOR");
	return g->terminal && (no == NULL || no[0] == '\0');
}

/* What is only for looking at must not hold up the boards where nobody reads. */
static bool takes(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

/* --- lines and events ----------------------------------------------------------- */

void gang_wipe(gang *g)
{
	if (g->drawn > 0)
		(void)fprintf(stderr, "\033[%uA\r\033[J", g->drawn);
	g->drawn = 0;
	g->dirty = true;
}

static void emit(const char *event, const char *port, const char *text)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "event", event);
	if (port != NULL)
		cJSON_AddStringToObject(json, "port", port);
	cJSON_AddStringToObject(json, "text", text);
	cli_emit(json);
}

void gang_say(gang *g, const char *port, const char *event, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (g->terminal)
		gang_wipe(g);
	if (port != NULL)
		cli_say(g->run.o, "%s: %s", port, text);
	else
		cli_say(g->run.o, "%s", text);
	if (g->run.o->json)
		emit(event, port, text);
}

static void emit_row(const gang_row *row, const vf_job_result *r, const vf_session_stats *link)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "event", "unit");
	cJSON_AddStringToObject(json, "port", row->port);
	cJSON_AddBoolToObject(json, "ok", row->error.code == VF_OK);
	cJSON_AddNumberToObject(json, "exit", cli_exit_code(row->error.code));
	if (row->error.code != VF_OK)
		cJSON_AddStringToObject(json, "error", row->error.text);
	if (row->board[0] != '\0')
		cJSON_AddStringToObject(json, "board", row->board);
	if (row->name[0] != '\0')
		cJSON_AddStringToObject(json, "name", row->name);
	cJSON_AddStringToObject(json, "time", row->time);
	cJSON_AddNumberToObject(json, "seconds", (double)row->elapsed_us / 1e6);
	if (r != NULL && link != NULL)
		cli_figures(json, r, link);
	cli_emit(json);
}

/* "done: BOARD 0123: 2 MB in 3.1 s", or "FAILED (exit 4): why". Its colour says it from
 * two metres away. */
void gang_show_row(gang *g, const gang_row *row, const vf_job_result *r,
		   const vf_session_stats *link)
{
	const bool right = row->error.code == VF_OK;
	char size[16], time[24];
	if (g->run.o->json)
		emit_row(row, r, link);
	if (g->run.o->quiet)
		return;
	gang_wipe(g);
	if (colours(g))
		(void)fputs(right ? green : red, stderr);
	if (right)
		cli_say(g->run.o, "%s: done: %s%s%s: %s%s in %s", row->port, row->name,
			row->board[0] != '\0' ? " " : "", row->board, cli_size(size, row->bytes),
			row->nothing_to_do ? ", held already," : "",
			cli_time(time, row->elapsed_us));
	else
		cli_say(g->run.o, "%s: FAILED (exit %d): %s", row->port,
			cli_exit_code(row->error.code), row->error.text);
	if (colours(g))
		(void)fputs(plain, stderr);
}

void gang_show_progress(gang_post *p)
{
	p->g->dirty = true;
	if (!cli_progress_due(&p->progress, &p->now) || !p->g->run.o->json || !takes(STDOUT_FILENO))
		return;
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "event", "progress");
	cJSON_AddStringToObject(json, "port", p->port);
	cJSON_AddStringToObject(json, "phase", vf_phase_name(p->now.phase));
	cJSON_AddNumberToObject(json, "done", (double)p->now.done);
	cJSON_AddNumberToObject(json, "total", (double)p->now.total);
	cJSON_AddNumberToObject(json, "busy_ms", p->now.busy_ms);
	cli_emit(json);
}

/* --- the block ------------------------------------------------------------------- */

/* The end of a name tells ports apart. */
static const char *tail(const char *name, size_t most)
{
	const size_t len = strlen(name);
	return len > most ? name + len - most : name;
}

static unsigned label_width(const gang *g, unsigned columns)
{
	size_t widest = 0;
	for (const gang_post *p = g->posts; p != NULL; p = p->next)
		widest = strlen(p->port) > widest ? strlen(p->port) : widest;
	if (widest > LABEL_MAX)
		widest = LABEL_MAX;
	return widest > columns / 3 ? columns / 3 : (unsigned)widest;
}

static bool shown(const gang *g, const gang_post *p, unsigned rank)
{
	if (rank == 0)
		return p->state == GANG_WORKING;
	return g->run.o->loop && (rank == 1 ? p->state == GANG_DONE
					    : p->state == GANG_EMPTY || p->state == GANG_ASKING);
}

static void describe(const gang_post *p, unsigned wide, char *out, size_t room)
{
	if (p->state == GANG_WORKING)
		cli_progress_text(&p->progress, &p->now, wide, out, room);
	else if (p->state == GANG_DONE)
		(void)snprintf(out, room, "%s: unplug it", p->last == VF_OK ? "done" : "FAILED");
	else
		(void)snprintf(out, room, "waits for a board");
}

static void draw_post(FILE *out, const gang_post *p, unsigned label, unsigned wide)
{
	char text[LINE], line[LINE];
	const char *colour = "";
	if (colours(p->g) && p->state == GANG_DONE)
		colour = p->last == VF_OK ? green : red;
	describe(p, wide > label + 2 ? wide - label - 2 : 1, text, sizeof text);
	const int len =
		snprintf(line, sizeof line, "%-*s  %s", (int)label, tail(p->port, label), text);
	(void)fprintf(out, "%s%.*s%s\033[K\n", colour, (int)wide, len > 0 ? line : "",
		      colour[0] != '\0' ? plain : "");
}

/* As many as there is room for, those at work first; and how many there are besides. */
static void draw_block(gang *g, FILE *out, unsigned columns, unsigned rows)
{
	const unsigned label = label_width(g, columns), wide = columns - 1;
	unsigned all = 0, drawn = 0;
	for (unsigned rank = 0; rank < 3; rank++)
		for (const gang_post *p = g->posts; p != NULL; p = p->next)
			all += shown(g, p, rank);
	unsigned most = rows > 2 ? rows - 2 : 1;
	if (all > most)
		most--;
	for (unsigned rank = 0; rank < 3; rank++)
		for (const gang_post *p = g->posts; p != NULL; p = p->next)
			if (shown(g, p, rank) && drawn < most) {
				draw_post(out, p, label, wide);
				drawn++;
			}
	if (all > drawn) {
		char line[LINE];
		(void)snprintf(line, sizeof line, "and %u more; %zu right, %zu failed so far",
			       all - drawn, g->right, g->wrong);
		(void)fprintf(out, "%.*s\033[K\n", (int)wide, line);
		drawn++;
	}
	g->drawn = drawn;
}

/* In one piece: a block that is drawn bit by bit flickers. */
static void redraw(gang *g)
{
	unsigned columns, rows;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	if (out == NULL)
		return;
	cli_terminal_size(&columns, &rows);
	if (g->drawn > 0)
		(void)fprintf(out, "\033[%uA\r", g->drawn);
	draw_block(g, out, columns, rows);
	(void)fputs("\033[J", out);
	if (fclose(out) == 0)
		(void)fwrite(text, 1, len, stderr);
	free(text);
}

uint64_t gang_draw(gang *g)
{
	const uint64_t us = vf_io_now_us();
	if (!g->terminal || !g->dirty)
		return UINT64_MAX;
	if (us < g->drawn_us + REDRAW_US)
		return g->drawn_us + REDRAW_US;
	g->drawn_us = us;
	if (!takes(STDERR_FILENO))
		return us + REDRAW_US;
	redraw(g);
	g->dirty = false;
	return UINT64_MAX;
}
