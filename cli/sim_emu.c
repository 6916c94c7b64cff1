/* sim_emu.c - vcpflash-sim --board: a board that executes its firmware, behind the
 * pseudo-terminal or TCP port. At the board's own USB socket the pseudo-terminal is there
 * while the host has the board enumerated, as a ttyACM is: it goes with the cable, and
 * with every reset of the board.
 *
 * Emulated time follows the clock on the wall as far as this machine keeps up;
 * where it does not, the board is simply slower than a real one.
 */

#include "sim.h"

#include <vcpflash/emu.h>
#include <vcpflash/image.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	BUFFER = 16 * 1024,
	STEP_NS = 2000000,     /* emulated between two looks at the pipe */
	BEHIND_NS = 20000000,  /* further behind the wall's clock is given up */
	LEAST_SLEEP_US = 500,  /* the board's own times are finer than the host's */
	MOST_SLEEP_US = 20000, /* … and a core that polls does so every now and then */
	SECTOR = 128 << 10,    /* of internal flash: erased as a whole */
	NAME_MAX_LEN = 4096,
	NS_PER_US = 1000,
};

typedef struct emulation {
	const sim_options *opt;
	sim_store flash, internal;
	vf_emu_board *board;
	vf_pipe *pipe;
	sim_uart uart;
	bool *stopped;
	bool plugged, announced;
	uint64_t started_us; /* the wall's clock at emulated time 0 */
	uint64_t random;
	size_t in_len, out_len;
	uint8_t in[BUFFER], out[BUFFER];
} emulation;

static void on_log(void *ctx, const char *line)
{
	(void)ctx;
	(void)fprintf(stderr, "vcpflash-sim: %s\n", line);
}

/* --- firmware ------------------------------------------------------------------- */

static int load(vf_image *img, const char *name, vf_error *err)
{
	const vf_image_add_options opt = {0};
	uint8_t *bytes = NULL;
	size_t len = 0;
	int status = vf_file_read(name, (uint64_t)VF_EMU_INTERNAL_SIZE * 16, &bytes, &len, err);
	if (status == VF_OK)
		status = vf_image_add(img, name, bytes, len, &opt, err);
	if (status == VF_E_USAGE) /* what a raw binary lacks cannot be said here */
		status = vf_fail(
			err, VF_E_FILE,
			"%s: a raw binary does not say where it belongs: name the HEX, ELF, "
			"SREC or UF2 file, or make one: vcpflash merge %s@ADDR -o OUT.hex",
			name, name);
	vf_free(&vf_io_alloc, bytes);
	return status;
}

/* Where firmware lies: beside a build's programs, or where it was installed. */
static int load_default(vf_image *img, const char *file, vf_error *err)
{
	static const char *const folder[] = {"../firmware", "../share/vcpflash/firmware"};
	char self[NAME_MAX_LEN], name[NAME_MAX_LEN + 128];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	for (size_t i = 0; i < sizeof folder / sizeof *folder; i++) {
		(void)snprintf(name, sizeof name, "%s/%s/%s", self, folder[i], file);
		if (access(name, R_OK) == 0)
			return load(img, name, err);
	}
	return vf_fail(err, VF_E_FILE,
		       "the board's firmware, %s, is neither in %s/../firmware nor in "
		       "%s/../share/vcpflash/firmware: build it (it needs arm-none-eabi-gcc), or "
		       "name one with --firmware and --firmware-m4",
		       file, self, self);
}

/* Puts a segment where it belongs, as a programmer does: a sector that differs is
 * erased first, and what else it held is gone. */
static int put(emulation *e, const vf_image *img, const vf_segment *s, vf_error *err)
{
	if (s->addr < VF_EMU_INTERNAL_BASE ||
	    s->addr - VF_EMU_INTERNAL_BASE > VF_EMU_INTERNAL_SIZE - s->len)
		return vf_fail(err, VF_E_FILE,
			       "%s: it goes to 0x%08x, but firmware has to lie in the internal "
			       "flash, 0x08000000 to 0x081fffff",
			       img->sources[s->source].name, s->addr);
	uint8_t *at = e->internal.bytes + (s->addr - VF_EMU_INTERNAL_BASE);
	if (s->data != NULL)
		memcpy(at, s->data, s->len);
	else
		memset(at, 0xFF, s->len);
	return VF_OK;
}

static bool differs(const emulation *e, const vf_segment *s)
{
	uint32_t at = s->addr - VF_EMU_INTERNAL_BASE;
	return s->data != NULL && at < VF_EMU_INTERNAL_SIZE &&
	       s->len <= VF_EMU_INTERNAL_SIZE - at &&
	       memcmp(e->internal.bytes + at, s->data, s->len) != 0;
}

static int put_all(emulation *e, const vf_image *img, vf_error *err)
{
	int status = VF_OK;
	for (size_t i = 0; i < img->segment_count; i++) {
		const vf_segment *s = &img->segments[i];
		uint32_t at = s->addr - VF_EMU_INTERNAL_BASE;
		if (!differs(e, s))
			continue;
		uint32_t first = at / SECTOR, last = (at + s->len - 1) / SECTOR;
		memset(e->internal.bytes + (size_t)first * SECTOR, 0xFF,
		       (size_t)(last - first + 1) * SECTOR);
	}
	for (size_t i = 0; i < img->segment_count && status == VF_OK; i++)
		status = put(e, img, &img->segments[i], err);
	return status;
}

static int load_firmware(emulation *e, vf_error *err)
{
	const sim_options *o = e->opt;
	vf_image img;
	vf_image_init(&img, &vf_io_alloc);
	const bool is_745 = o->model == VF_EMU_H745I_DISCO;
	int status =
		o->firmware != NULL
			? load(&img, o->firmware, err)
			: load_default(&img, is_745 ? "h745-loader.hex" : "h747-loader.hex", err);
	if (status == VF_OK && o->firmware_m4 != NULL)
		status = load(&img, o->firmware_m4, err);
	else if (status == VF_OK && o->firmware == NULL)
		status = load_default(&img, is_745 ? "h745-m4-stub.hex" : "h747-m4-stub.hex", err);
	if (status == VF_OK)
		status = put_all(e, &img, err);
	vf_image_free(&img);
	return status;
}

/* --- bytes and time ---------------------------------------------------------------- */

/* Draws whether one of `n` received bytes makes the board restart. */
static bool restarts(emulation *e, size_t n)
{
	for (size_t i = 0; i < n && e->opt->fault.reset > 0; i++) {
		e->random = e->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		if ((double)(e->random >> 11) < e->opt->fault.reset * 9007199254740992.0)
			return true;
	}
	return false;
}

static int feed(emulation *e)
{
	if (e->in_len < sizeof e->in) {
		long n = vf_pipe_read(e->pipe, e->in + e->in_len, sizeof e->in - e->in_len);
		if (n < 0)
			return VF_E_LINK;
		e->in_len += (size_t)n;
	}
	uint32_t baud = vf_pipe_baud(e->pipe);
	if (e->in_len == 0 && !e->opt->usb)
		return VF_OK;
	size_t n = e->opt->usb ? vf_emu_usb_write(e->board, e->in, e->in_len, baud)
			       : vf_emu_board_write(e->board, e->in, e->in_len, baud);
	e->in_len -= n;
	memmove(e->in, e->in + n, e->in_len);
	if (restarts(e, n))
		vf_emu_board_reset(e->board);
	return VF_OK;
}

static int drain(emulation *e)
{
	uint8_t *to = e->out + e->out_len;
	size_t room = sizeof e->out - e->out_len;
	e->out_len += e->opt->usb ? vf_emu_usb_read(e->board, to, room)
				  : vf_emu_board_read(e->board, to, room, vf_pipe_baud(e->pipe));
	if (e->out_len == 0)
		return VF_OK;
	long n = vf_pipe_write(e->pipe, e->out, e->out_len);
	if (n < 0)
		return VF_E_LINK;
	e->out_len -= (size_t)n;
	memmove(e->out, e->out + n, e->out_len);
	return VF_OK;
}

/* Somebody with a terminal at the ST-LINK, while the port is the USB socket. */
static void on_uart_line(const char *line)
{
	on_log(NULL, line);
}

static void overhear(emulation *e)
{
	enum { TERMINAL_BAUD = 115200 };
	uint8_t bytes[256];
	size_t n = 0;

	while ((n = vf_emu_board_read(e->board, bytes, sizeof bytes, TERMINAL_BAUD)) != 0)
		sim_uart_said(&e->uart, bytes, n, on_uart_line);
}

/* --- the USB cable ------------------------------------------------------------------- */

static void plug(emulation *e, bool in)
{
	e->plugged = in;
	vf_emu_usb_plug(e->board, in);
	on_log(NULL, in ? "the USB cable is plugged in" : "the USB cable is pulled");
}

static int open_port(emulation *e, vf_error *err)
{
	const sim_options *o = e->opt;
	e->pipe = o->tcp != NULL ? vf_pipe_listen(o->tcp, err) : vf_pipe_pty(o->pty, err);
	return e->pipe != NULL ? VF_OK : err->code;
}

static void announce(emulation *e)
{
	if (!e->announced) {
		(void)printf("ready %s\n", vf_pipe_name(e->pipe));
		(void)fflush(stdout);
	}
	e->announced = true;
}

/* The port comes and goes with the device; a TCP port stays, and only falls silent. */
static int follow_device(emulation *e, vf_error *err)
{
	bool there = vf_emu_usb_ready(e->board);
	if (!e->opt->usb || (there && e->pipe != NULL && e->announced))
		return VF_OK;
	if (!there) {
		e->in_len = e->out_len = 0;
		if (e->opt->tcp == NULL) {
			vf_pipe_close(e->pipe);
			e->pipe = NULL;
		}
		return VF_OK;
	}
	int status = e->pipe == NULL ? open_port(e, err) : VF_OK;
	if (status == VF_OK)
		announce(e);
	return status;
}

/* How far the board may go now. */
static uint64_t horizon(emulation *e)
{
	uint64_t now = vf_emu_board_now(e->board);
	uint64_t wall = (vf_io_now_us() - e->started_us) * NS_PER_US;
	if (e->opt->no_time)
		return now + STEP_NS;
	if (wall > now + BEHIND_NS) { /* it is not made up for */
		e->started_us += (wall - now - BEHIND_NS) / NS_PER_US;
		wall = now + BEHIND_NS;
	}
	return wall > now + STEP_NS ? now + STEP_NS : wall;
}

/* Until something is due, or comes in. */
static void rest(emulation *e)
{
	uint64_t now = vf_emu_board_now(e->board), next = vf_emu_board_next(e->board);
	uint64_t us = next > now ? (next - now) / NS_PER_US : 0;
	if (e->opt->no_time)
		return;
	us = us < LEAST_SLEEP_US ? LEAST_SLEEP_US : us;
	us = us > MOST_SLEEP_US ? MOST_SLEEP_US : us;
	if (e->pipe != NULL)
		vf_pipe_wait(e->pipe, e->out_len > 0, vf_io_now_us() + us);
	else
		(void)nanosleep(&(struct timespec){.tv_nsec = (long)us * NS_PER_US}, NULL);
}

static int serve(emulation *e, vf_error *err)
{
	while (!vf_interrupted()) {
		if (sim_button())
			vf_emu_board_reset(e->board);
		if (sim_cable() && e->opt->usb)
			plug(e, !e->plugged);
		int status = follow_device(e, err);
		if (status != VF_OK)
			return status;
		if (e->pipe != NULL)
			status = feed(e);
		uint64_t until = horizon(e);
		bool due = until > vf_emu_board_now(e->board);
		if (status == VF_OK && vf_emu_board_run(e->board, until) != VF_OK) {
			*e->stopped = true;
			on_log(NULL, vf_emu_board_stopped(e->board));
			return vf_fail(err, VF_E_FLASH,
				       "the run ends here: no real board would go on");
		}
		if (e->opt->usb)
			overhear(e);
		if (status == VF_OK && e->pipe != NULL)
			status = drain(e);
		if (status != VF_OK)
			return vf_fail(err, VF_E_LINK, "%s: the other end is broken",
				       vf_pipe_name(e->pipe));
		if (!due)
			rest(e);
	}
	return VF_OK;
}

/* --- all of it ------------------------------------------------------------------------- */

static int make_board(emulation *e, vf_error *err)
{
	const sim_options *o = e->opt;
	vf_emu_board_config c = {
		.alloc = vf_io_alloc,
		.model = o->model,
		.unplug = o->fault.unplug,
		.internal = e->internal.bytes,
		.external = e->flash.bytes,
		.time_percent = o->no_time ? 0 : 100,
		.cut = o->fault.cut,
		.seed = o->seed,
		.identity = sim_identity(o),
		.log = on_log,
	};
	e->board = vf_emu_board_new(&c, err);
	return e->board != NULL ? VF_OK : err->code;
}

static int prepare(emulation *e, vf_error *err)
{
	const sim_options *o = e->opt;
	int status = vf_emu_available(err); /* before a file is made */
	if (status == VF_OK)
		status = sim_store_load(&e->flash, o->flash, VF_EMU_EXTERNAL_SIZE,
					"the board's external flash", err);
	if (status == VF_OK)
		status = sim_store_load(&e->internal, o->internal, VF_EMU_INTERNAL_SIZE,
					"the internal flash", err);
	if (status == VF_OK)
		status = load_firmware(e, err);
	if (status == VF_OK)
		status = make_board(e, err);
	if (status != VF_OK)
		return status;
	return !o->usb || o->tcp != NULL ? open_port(e, err) : VF_OK;
}

static int save(const emulation *e, vf_error *err)
{
	int status = sim_store_save(&e->flash, err);
	int other = sim_store_save(&e->internal, status == VF_OK ? err : NULL);
	return status != VF_OK ? status : other;
}

static void say_counts(const emulation *e)
{
	vf_emu_counts c;
	vf_emu_board_counts(e->board, &c);
	(void)fprintf(
		stderr,
		"vcpflash-sim: executed %llu instructions on the Cortex-M7 (%llu in interrupts) "
		"and "
		"%llu on the Cortex-M4; %llu bytes received, %llu sent, %llu pages programmed\n",
		(unsigned long long)c.instructions[0], (unsigned long long)c.handlers[0],
		(unsigned long long)c.instructions[1], (unsigned long long)c.received,
		(unsigned long long)c.sent, (unsigned long long)c.pages);
	if (!e->opt->usb)
		return;
	vf_emu_usb_counts u;
	vf_emu_usb_count(e->board, &u);
	(void)fprintf(stderr,
		      "vcpflash-sim: USB: %llu bytes in %llu packets received, %llu in %llu sent, "
		      "%llu refused for a while, %u packets a frame at most\n",
		      (unsigned long long)u.out_bytes, (unsigned long long)u.out_packets,
		      (unsigned long long)u.in_bytes, (unsigned long long)u.in_packets,
		      (unsigned long long)u.naks, u.most);
}

static int emulate(emulation *e, vf_error *err)
{
	int status = prepare(e, err);
	if (status != VF_OK)
		return status;
	e->started_us = vf_io_now_us();
	if (e->opt->usb)
		plug(e, true);
	else
		announce(e);
	status = serve(e, err);
	say_counts(e);
	/* The end of the program is the end of the power. */
	vf_emu_board_power_cut(e->board, 1);
	int saved = save(e, status == VF_OK ? err : NULL);
	return status != VF_OK ? status : saved;
}

int sim_emulate(const sim_options *o, bool *stopped, vf_error *err)
{
	emulation *e = vf_resize(&vf_io_alloc, NULL, sizeof *e);
	if (e == NULL)
		return vf_fail(err, VF_E_NOMEM, "no memory for the emulated board");
	memset(e, 0, sizeof *e);
	e->opt = o;
	e->stopped = stopped;
	e->random = o->seed;
	int status = emulate(e, err);
	vf_pipe_close(e->pipe);
	vf_emu_board_free(e->board);
	sim_store_free(&e->flash);
	sim_store_free(&e->internal);
	vf_free(&vf_io_alloc, e);
	return status;
}
