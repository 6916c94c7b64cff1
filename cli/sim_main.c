/* sim_main.c - vcpflash-sim: a simulated board behind a pseudo-terminal or a
 * TCP port, in real time.
 */

#include "sim.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	BUS_RATE = 50000000, /* bytes a second and die: four lines at 100 MHz */
	BUFFER = 16 * 1024,
	LINK_FULL_SLEEP_NS = 500000,
	LEAST_SLEEP_US = 200, /* the board catches up with its own times */
	MOST_SLEEP_US = 100000,
};

typedef struct simulation {
	sim_options opt;
	sim_store flash, internal;
	vf_sim_board *board;
	vf_pipe *pipe;
	bool misused;
	uint64_t started;
	size_t in_len, out_len;
	uint8_t in[BUFFER], out[BUFFER];
} simulation;

/* Set by SIGUSR1, the reset button, and SIGUSR2, the USB cable. A handler gets no context. */
static volatile sig_atomic_t button, cable;

static void on_button(int number)
{
	if (number == SIGUSR2)
		cable = 1;
	else
		button = 1;
}

bool sim_button(void)
{
	bool pressed = button != 0;
	button = 0;
	return pressed;
}

bool sim_cable(void)
{
	bool touched = cable != 0;
	cable = 0;
	return touched;
}

static void say(const char *line)
{
	(void)fprintf(stderr, "vcpflash-sim: %s\n", line);
}

static void on_log(void *ctx, const char *line)
{
	(void)ctx;
	say(line);
}

static void on_misuse(void *ctx, const char *what)
{
	simulation *s = ctx;
	s->misused = true;
	say(what);
}

static int exit_code(int status)
{
	switch (status) {
	case VF_OK:
		return SIM_EXIT_OK;
	case VF_E_USAGE:
		return SIM_EXIT_USAGE;
	case VF_E_LINK:
		return SIM_EXIT_LINK;
	case VF_E_FILE:
		return SIM_EXIT_FILE;
	default:
		return SIM_EXIT_BOARD;
	}
}

static int load(simulation *s, vf_error *err)
{
	size_t size = (size_t)vf_sim_part_size(s->opt.part) * (s->opt.dual ? 2 : 1);
	int status =
		sim_store_load(&s->flash, s->opt.flash, size, vf_sim_part_name(s->opt.part), err);
	if (status != VF_OK || s->opt.internal == NULL)
		return status;
	return sim_store_load(&s->internal, s->opt.internal, 2 << 20, "the internal flash", err);
}

static int make_board(simulation *s, vf_error *err)
{
	const sim_options *o = &s->opt;
	vf_sim_board_config c = {
		.alloc = vf_io_alloc,
		.name = o->name,
		.chip = {.part = o->part,
			 .dies = o->dual ? 2 : 1,
			 .array = s->flash.bytes,
			 .bus_bytes_per_s = o->no_time ? 0 : BUS_RATE,
			 .time_percent = o->no_time ? 0 : 100,
			 .seed = o->seed,
			 .no_sfdp = o->no_sfdp,
			 .misuse = on_misuse,
			 .ctx = s},
		.base = o->base,
		.internal = s->internal.bytes,
		.journal = o->journal ? VF_SIM_JOURNAL_EXTERNAL : VF_SIM_JOURNAL_NONE,
		.key = o->has_key ? o->key : NULL,
		.guests = o->guests,
		.free_cpu = o->no_time,
		.blocking = o->blocking,
		.ring = o->ring,
		.window = o->window,
		.payload = o->payload,
		.link = o->link,
		.max_baud = o->max_baud,
		.fault = o->fault,
		.seed = o->seed,
		.identity = sim_identity(o),
		.log = on_log,
	};
	if (o->no_time)
		c.link = (vf_sim_link_model){.baud = o->link.baud};
	s->board = vf_sim_board_new(&c, err);
	return s->board != NULL ? VF_OK : err->code;
}

static int make_pipe(simulation *s, vf_error *err)
{
	if (s->opt.tcp != NULL)
		s->pipe = vf_pipe_listen(s->opt.tcp, err);
	else
		s->pipe = vf_pipe_pty(s->opt.pty, err);
	return s->pipe != NULL ? VF_OK : err->code;
}

static uint64_t now_us(const simulation *s)
{
	return vf_io_now_us() - s->started;
}

/* Moves what can be moved now. 1 if anything moved, 0, or VF_E_LINK. */
static int move(simulation *s)
{
	uint64_t now = now_us(s);
	long n = 0;
	bool moved = false;
	if (s->in_len < sizeof s->in) {
		n = vf_pipe_read(s->pipe, s->in + s->in_len, sizeof s->in - s->in_len);
		if (n < 0)
			return VF_E_LINK;
		s->in_len += (size_t)n;
	}
	vf_sim_board_host_rate(s->board, vf_pipe_baud(s->pipe));
	size_t taken = vf_sim_board_write(s->board, s->in, s->in_len, now);
	s->in_len -= taken;
	memmove(s->in, s->in + taken, s->in_len);
	moved = taken > 0 && s->in_len == 0;
	if (s->out_len < sizeof s->out)
		s->out_len += vf_sim_board_read(s->board, s->out + s->out_len,
						sizeof s->out - s->out_len, now);
	if (s->out_len > 0) {
		n = vf_pipe_write(s->pipe, s->out, s->out_len);
		if (n < 0)
			return VF_E_LINK;
		s->out_len -= (size_t)n;
		memmove(s->out, s->out + n, s->out_len);
		moved = moved || n > 0;
	}
	return moved;
}

/* Until something is due, or comes in. While the link has no room for what came
 * in already the pipe is not looked at: that is how its writer is held back. The
 * link is milliseconds behind then, so there is no hurry. */
static void rest(simulation *s)
{
	uint64_t now = now_us(s), next = vf_sim_board_next(s->board);
	uint64_t us = next > now ? next - now : 0;
	if (s->in_len > 0) {
		struct timespec t = {.tv_nsec = LINK_FULL_SLEEP_NS};
		(void)nanosleep(&t, NULL);
		return;
	}
	us = us < LEAST_SLEEP_US ? LEAST_SLEEP_US : us;
	us = us > MOST_SLEEP_US ? MOST_SLEEP_US : us;
	vf_pipe_wait(s->pipe, s->out_len > 0, vf_io_now_us() + us);
}

static int serve(simulation *s, vf_error *err)
{
	while (!vf_interrupted() && !s->misused) {
		if (sim_button())
			vf_sim_board_reset(s->board, now_us(s));
		int moved = move(s);
		if (moved < 0)
			return vf_fail(err, VF_E_LINK, "%s: the other end is broken",
				       vf_pipe_name(s->pipe));
		if (moved == 0)
			rest(s);
	}
	return VF_OK;
}

static int save(const simulation *s, vf_error *err)
{
	int status = sim_store_save(&s->flash, err);
	int other = sim_store_save(&s->internal, status == VF_OK ? err : NULL);
	return status != VF_OK ? status : other;
}

static void choose_seed(sim_options *o)
{
	if (!o->has_seed) {
		o->seed = vf_io_random(NULL) >> 32;
		(void)fprintf(stderr, "vcpflash-sim: seed %llu\n", (unsigned long long)o->seed);
	}
}

static int simulate(simulation *s, vf_error *err)
{
	struct sigaction reset = {.sa_handler = on_button};
	(void)sigemptyset(&reset.sa_mask);
	(void)sigaction(SIGUSR1, &reset, NULL);
	(void)sigaction(SIGUSR2, &reset, NULL);
	vf_interrupt_catch();
	if (s->opt.emulated)
		return sim_emulate(&s->opt, &s->misused, err);
	int status = load(s, err);
	if (status == VF_OK)
		status = make_board(s, err);
	if (status == VF_OK)
		status = make_pipe(s, err);
	if (status != VF_OK)
		return status;
	s->started = vf_io_now_us();
	(void)printf("ready %s\n", vf_pipe_name(s->pipe));
	(void)fflush(stdout);
	status = serve(s, err);
	/* The end of the program is the end of the power. */
	vf_sim_board_power_cut(s->board, now_us(s), 1);
	int saved = save(s, status == VF_OK ? err : NULL);
	return status != VF_OK ? status : saved;
}

static void tidy(simulation *s)
{
	vf_pipe_close(s->pipe);
	vf_sim_board_free(s->board);
	sim_store_free(&s->flash);
	sim_store_free(&s->internal);
	vf_free(&vf_io_alloc, s);
}

int main(int argc, char **argv)
{
	vf_error err = {.code = VF_OK};
	simulation *s = vf_resize(&vf_io_alloc, NULL, sizeof *s);
	if (s == NULL)
		return SIM_EXIT_BOARD;
	memset(s, 0, sizeof *s);
	int code = sim_parse(&s->opt, argc, argv);
	if (code < 0) {
		choose_seed(&s->opt);
		int status = simulate(s, &err);
		if (status != VF_OK)
			say(err.text);
		code = s->misused ? SIM_EXIT_INTERNAL : exit_code(status);
	}
	tidy(s);
	return code;
}
