/* Progress: one line, redrawn at most ten times a second, where a person looks
 * at a terminal; JSON events at the same rate for a script; nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

enum {
	REDRAW_US = 100000,
	BAR = 24,
	BAR_LEAST = 8,
	FIGURES = sizeof "program [] 100 %  1023.9 KB of 1023.9 KB  1023.9 KB/s  119 s left",
};

/* A dumb terminal shows the codes that redraw instead of obeying them. */
bool cli_can_redraw(void)
{
	const char *term = getenv("TERM");
	return isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

void cli_progress_begin(cli_progress *p, const cli_options *o)
{
	memset(p, 0, sizeof *p);
	p->options = o;
	p->terminal = !o->quiet && !o->json && cli_can_redraw();
	p->phase = UINT8_MAX;
}

void cli_progress_clear(cli_progress *p)
{
	if (p->drawn)
		(void)fputs("\r\033[K", stderr);
	p->drawn = false;
}

/* Bytes a second of this phase; 0 before there is anything to tell. */
static double rate(const cli_progress *p, const vf_progress *now, uint64_t now_us)
{
	uint64_t us = now_us - p->phase_start_us;
	return us < 200000 ? 0 : (double)now->done * 1e6 / (double)us;
}

/* Whole seconds, rounded up: more digits would only flicker. */
static const char *left_time(char out[24], double seconds)
{
	uint64_t whole = seconds < 1e6 ? (uint64_t)seconds + 1 : 1000000;
	if (whole < 120)
		(void)snprintf(out, 24, "%u s", (unsigned)whole);
	else
		(void)cli_time(out, whole * 1000000);
	return out;
}

static void draw_bar(char out[BAR + 3], unsigned width, unsigned percent)
{
	unsigned filled = percent * width / 100;
	(void)snprintf(out, BAR + 3, "[%-*.*s]", (int)width, (int)filled,
		       "########################");
}

/* "31.8 KB of 200 KB  59.8 KB/s  3 s left  (chip busy for 2 s)" */
static void describe(const cli_progress *p, const vf_progress *now, uint64_t now_us, char *out,
		     size_t room)
{
	char done[16], total[16], speed[16], left[24];
	double r = rate(p, now, now_us);
	int at = 0;
	if (now->total != 0)
		at = snprintf(out, room, "%s of %s", cli_size(done, now->done),
			      cli_size(total, now->total));
	if (now->total != 0 && r > 0)
		at += snprintf(out + at, room - (size_t)at, "  %s/s  %s left",
			       cli_size(speed, (uint64_t)r),
			       left_time(left, (double)(now->total - now->done) / r));
	if (now->busy_ms >= 1000)
		(void)snprintf(out + at, room - (size_t)at, "  (chip busy for %s)",
			       left_time(left, now->busy_ms / 1e3));
}

void cli_terminal_size(unsigned *columns, unsigned *rows)
{
	struct winsize size = {0};
	(void)ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
	*columns = size.ws_col > 0 ? size.ws_col : 80;
	*rows = size.ws_row > 0 ? size.ws_row : 24;
}

/* Never wider than the terminal: a line that wraps cannot be drawn over. The
 * bar takes what the figures leave, and goes where that is too little. */
void cli_progress_text(const cli_progress *p, const vf_progress *now, unsigned wide, char *out,
		       size_t room)
{
	char figures[120] = "", bar[BAR + 3] = "";
	describe(p, now, vf_io_now_us(), figures, sizeof figures);
	unsigned percent = now->total ? (unsigned)(now->done * 100 / now->total) : 0;
	if (wide >= FIGURES + BAR_LEAST)
		draw_bar(bar, wide < FIGURES + BAR ? wide - FIGURES : BAR, percent);
	if (now->total != 0)
		(void)snprintf(out, room, "%-8s%s %3u %%  %s", vf_phase_name(now->phase), bar,
			       percent, figures);
	else
		(void)snprintf(out, room, "%-8s...%s", vf_phase_name(now->phase), figures);
}

static void draw_line(const cli_progress *p, const vf_progress *now)
{
	char line[200];
	unsigned columns, rows;
	cli_terminal_size(&columns, &rows);
	cli_progress_text(p, now, columns - 1, line, sizeof line);
	(void)fprintf(stderr, "\r%.*s\033[K", (int)(columns - 1), line);
	(void)fflush(stderr);
}

static void print_event(const vf_progress *now)
{
	(void)printf("{\"event\":\"progress\",\"phase\":\"%s\",\"done\":%llu,\"total\":%llu,"
		     "\"busy_ms\":%u}\n",
		     vf_phase_name(now->phase), (unsigned long long)now->done,
		     (unsigned long long)now->total, now->busy_ms);
	(void)fflush(stdout);
}

bool cli_progress_due(cli_progress *p, const vf_progress *now)
{
	uint64_t now_us = vf_io_now_us();
	bool new_phase = now->phase != p->phase;
	if (new_phase) {
		p->phase = now->phase;
		p->phase_start_us = now_us;
		p->complete = false;
	}
	bool complete = now->total != 0 && now->done >= now->total;
	bool last = complete && !p->complete;
	if (!new_phase && !last && now_us - p->drawn_us < REDRAW_US)
		return false;
	p->complete = complete;
	p->drawn_us = now_us;
	return true;
}

void cli_progress_show(cli_progress *p, const vf_progress *now)
{
	if ((!p->terminal && !p->options->json) || !cli_progress_due(p, now))
		return;
	if (p->options->json) {
		print_event(now);
	} else {
		draw_line(p, now);
		p->drawn = true;
	}
}
