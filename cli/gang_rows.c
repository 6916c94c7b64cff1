/* What became of each board: a row in the log as soon as it is known, a row in the table
 * at the end, and what the whole has come to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "gang.h"

enum { LAST_PATIENCE_MS = 10000, CAUSE_SHORT = 80, CAUSE_LEAST = 20 };

/* The worst first: what to look after first. An interruption says that nothing else was
 * found out; a flash that fails is a board for the workshop; one that holds something
 * else, or does not answer, may be right at the next try; what is refused or a file's
 * fault has left the board as it was. */
static const int worst_first[] = {130, 4, 1, 3, 6, 5, 2};

static unsigned badness(int code)
{
	enum { KINDS = sizeof worst_first / sizeof worst_first[0] };
	unsigned at = 0;
	while (at < KINDS && worst_first[at] != code)
		at++;
	return KINDS - at;
}

gang_row *gang_add_row(gang_post *p, const vf_error *error)
{
	gang *g = p->g;
	const int code = cli_exit_code(error->code);
	gang_row *row = calloc(1, sizeof *row);
	if (error->code == VF_OK)
		g->right++;
	else
		g->wrong++;
	if (badness(code) > badness(g->worst) && code != 0) {
		g->worst = code;
		memcpy(g->worst_port, p->port, sizeof g->worst_port);
		g->worst_error = *error;
	}
	if (row == NULL)
		return NULL;
	memcpy(row->time, p->time, sizeof row->time);
	memcpy(row->port, p->port, sizeof row->port);
	memcpy(row->board, p->board, sizeof row->board);
	memcpy(row->name, p->name, sizeof row->name);
	row->error = *error;
	*g->last_row = row;
	g->last_row = &row->next;
	return row;
}

/* --- the log ------------------------------------------------------------------- */

static int write_row(gang *g, const gang_row *row)
{
	const vf_log_unit unit = {.time = row->time,
				  .port = row->port,
				  .board = row->board,
				  .name = row->name,
				  .exit = cli_exit_code(row->error.code),
				  .elapsed_us = row->elapsed_us,
				  .bytes = row->bytes,
				  .cause = row->error.code == VF_OK ? "" : row->error.text};
	return vf_log_add(g->log, &unit, &g->log_error);
}

/* A production line runs for days: what is right and written need not be remembered. */
static void forget(gang *g)
{
	for (gang_row **at = &g->rows; g->run.o->loop && *at != NULL;) {
		gang_row *row = *at;
		if (!row->logged || row->error.code != VF_OK) {
			at = &row->next;
			continue;
		}
		*at = row->next;
		free(row);
	}
	g->last_row = &g->rows;
	while (*g->last_row != NULL)
		g->last_row = &(*g->last_row)->next;
}

void gang_sync_log(gang *g)
{
	if (g->log_error.code == VF_OK)
		(void)vf_log_sync(g->log, &g->log_error);
	g->unsynced = false;
}

void gang_write_log(gang *g, bool last)
{
	if (g->log != NULL && last)
		vf_log_patience(g->log, LAST_PATIENCE_MS);
	for (gang_row *row = g->rows; row != NULL && g->log_error.code == VF_OK; row = row->next) {
		if (row->logged)
			continue;
		const int status = g->log != NULL ? write_row(g, row) : VF_OK;
		if (status == VF_LOG_BUSY && last)
			(void)vf_fail(&g->log_error, VF_E_FILE,
				      "another program holds the log and does not let go of it");
		if (status != VF_OK)
			break;
		row->logged = true;
		g->unsynced = g->log != NULL;
	}
	if (last && g->unsynced)
		gang_sync_log(g);
	if (!last)
		forget(g);
}

/* --- the table -------------------------------------------------------------------- */

static const char *verdict(const gang_row *row, char out[24])
{
	if (row->error.code == VF_OK)
		return row->nothing_to_do ? "right already" : "right";
	(void)snprintf(out, 24, "FAILED (%d)", cli_exit_code(row->error.code));
	return out;
}

/* What failed, without what to do: that was said in full when it failed, and the log has it.
 * A cause's first part ends at a semicolon; if that is long, at a colon, but not the one
 * behind a file's name. */
static int short_cause(const char *text)
{
	size_t len = strcspn(text, ";");
	if (len <= CAUSE_SHORT)
		return (int)len;
	for (size_t i = CAUSE_LEAST; i + 1 < len; i++)
		if (text[i] == ':' && text[i + 1] == ' ')
			len = i;
	if (len <= CAUSE_SHORT)
		return (int)len;
	len = CAUSE_SHORT;
	while (len > CAUSE_LEAST && text[len] != ' ')
		len--;
	return (int)len;
}

static size_t widest(const gang *g, bool board)
{
	size_t most = board ? sizeof "board" - 1 : sizeof "port" - 1;
	for (const gang_row *row = g->rows; row != NULL; row = row->next) {
		const size_t len = strlen(board ? row->board : row->port);
		most = len > most ? len : most;
	}
	return most;
}

static void print_row(const gang *g, const gang_row *row, int port, int board)
{
	char word[24];
	const bool right = row->error.code == VF_OK;
	cli_print(g->run.o, "%-*s  %-*s  %-13s  %7.1f%s%.*s", port, row->port, board,
		  row->board[0] != '\0' ? row->board : "-", verdict(row, word),
		  (double)row->elapsed_us / 1e6, right ? "" : "  ",
		  right ? 0 : short_cause(row->error.text), row->error.text);
}

/* In the order of the ports, whoever was first. */
static void print_table(const gang *g)
{
	const int port = (int)widest(g, false), board = (int)widest(g, true);
	if (g->rows != NULL)
		cli_print(g->run.o, "%-*s  %-*s  %-13s  %7s  %s", port, "port", board, "board",
			  "result", "seconds", "cause");
	for (const gang_post *p = g->posts; p != NULL; p = p->next)
		for (const gang_row *row = g->rows; row != NULL; row = row->next)
			if (strcmp(row->port, p->port) == 0)
				print_row(g, row, port, board);
}

/* The one line of the error, and with it the exit code. The cause in full where nobody was
 * told yet, and for scripts. */
static void conclude(gang *g)
{
	vf_error *e = &g->run.error;
	const vf_error *worst = &g->worst_error;
	const size_t all = g->right + g->wrong;
	const bool told = !g->run.o->quiet && !g->run.o->json;
	const int len = told ? short_cause(worst->text) : 300;
	if (g->wrong == 1 && all == 1)
		(void)vf_fail(e, worst->code, "%.100s: %.*s", g->worst_port, len, worst->text);
	else if (g->wrong > 0)
		(void)vf_fail(e, worst->code, "%zu of %zu boards failed; the worst: %.100s: %.*s",
			      g->wrong, all, g->worst_port, len, worst->text);
	else if (g->log_error.code != VF_OK)
		(void)vf_fail(e, g->log_error.code,
			      "all boards are right, but not all of it is in the log: %.300s",
			      g->log_error.text);
}

void gang_summary(gang *g)
{
	char time[24];
	const size_t all = g->right + g->wrong;
	const uint64_t us = vf_io_now_us() - g->began_us;
	print_table(g);
	if (all > 0 || g->run.o->loop)
		cli_print(g->run.o, "%zu of %zu boards right, in %s", g->right, all,
			  cli_time(time, us));
	if (g->log_error.code != VF_OK && g->wrong > 0)
		cli_say(g->run.o, "not all of it is in the log: %s", g->log_error.text);
	cJSON_AddNumberToObject(g->run.json, "boards", (double)all);
	cJSON_AddNumberToObject(g->run.json, "right", (double)g->right);
	cJSON_AddNumberToObject(g->run.json, "failed", (double)g->wrong);
	cJSON_AddNumberToObject(g->run.json, "elapsed_us", (double)us);
	cJSON_AddStringToObject(g->run.json, "digest", g->digest);
	if (g->log_error.code != VF_OK)
		cJSON_AddStringToObject(g->run.json, "log_error", g->log_error.text);
	conclude(g);
}
