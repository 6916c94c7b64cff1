/* Progress: one line, redrawn at most ten times a second, where a person looks
 * at a terminal; JSON events at the same rate for a script; nothing else. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { REDRAW_US = 100000, BAR = 24 };

static const char *const phase_name[] = {
	[VF_PHASE_OPEN] = "connect", [VF_PHASE_COMPARE] = "compare", [VF_PHASE_KEEP] = "keep",
	[VF_PHASE_ERASE] = "erase",  [VF_PHASE_PROGRAM] = "program", [VF_PHASE_READ] = "read",
	[VF_PHASE_VERIFY] = "verify", [VF_PHASE_RUN] = "run",        [VF_PHASE_CLOSE] = "close",
};

void cli_progress_begin(cli_progress *p, const cli_options *o)
{
	memset(p, 0, sizeof *p);
	p->options = o;
	p->terminal = !o->quiet && !o->json && isatty(STDERR_FILENO);
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

static void draw_line(const cli_progress *p, const vf_progress *now, uint64_t now_us)
{
	char bar[BAR + 1], done[16], total[16], speed[16], rest[24];
	unsigned percent = now->total ? (unsigned)(now->done * 100 / now->total) : 0;
	unsigned filled = percent * BAR / 100;
	memset(bar, ' ', BAR);
	memset(bar, '#', filled);
	bar[BAR] = '\0';
	(void)fprintf(stderr, "\r\033[K%-8s", phase_name[now->phase]);
	if (now->total == 0) {
		(void)fputs("…", stderr);
	} else {
		double r = rate(p, now, now_us);
		(void)fprintf(stderr, "[%s] %3u %%  %s of %s", bar, percent, cli_size(done, now->done),
		              cli_size(total, now->total));
		if (r > 0)
			(void)fprintf(stderr, "  %s/s  %s left", cli_size(speed, (uint64_t)r),
			              cli_time(rest, (uint64_t)((double)(now->total - now->done) * 1e6 / r)));
	}
	if (now->busy_ms >= 1000)
		(void)fprintf(stderr, "  (chip busy for %s)",
		              cli_time(rest, (uint64_t)now->busy_ms * 1000));
	(void)fflush(stderr);
}

static void print_event(const vf_progress *now)
{
	(void)printf("{\"event\":\"progress\",\"phase\":\"%s\",\"done\":%llu,\"total\":%llu,"
	             "\"busy_ms\":%u}\n",
	             phase_name[now->phase], (unsigned long long)now->done,
	             (unsigned long long)now->total, now->busy_ms);
	(void)fflush(stdout);
}

void cli_progress_show(cli_progress *p, const vf_progress *now)
{
	if (!p->terminal && !p->options->json)
		return;
	uint64_t now_us = vf_io_now_us();
	bool new_phase = now->phase != p->phase;
	if (new_phase) {
		p->phase = now->phase;
		p->phase_start_us = now_us;
	}
	bool last = now->total != 0 && now->done >= now->total;
	if (!new_phase && !last && now_us - p->drawn_us < REDRAW_US)
		return;
	p->drawn_us = now_us;
	if (p->options->json) {
		print_event(now);
	} else {
		draw_line(p, now, now_us);
		p->drawn = true;
	}
}
