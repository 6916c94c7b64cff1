/* naive_board.c - see naive_board.h.
 *
 *   bench-naive-board --flash FILE --pty PATH [--link LINK] [--dual] [--blocks]
 *
 * Prints "ready PATH". SIGTERM ends it; the chip's contents go back to FILE.
 */
#include "naive_board.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUS_RATE = 50000000 };

/* --- the chip ------------------------------------------------------------------- */

/* Programming what was never erased is what one of these boards is about. */
static void on_misuse(void *ctx, const char *what)
{
	naive_board *b = ctx;
	(void)what;
	b->misuses++;
}

static void bus(naive_board *b, const vf_bus_op *op)
{
	b->clock = vf_sim_chip_bus(b->chip, op, b->clock);
}

static void write_enable(naive_board *b)
{
	bus(b, &(vf_bus_op){.opcode = 0x06, .opcode_lanes = 1});
}

static void until_ready(naive_board *b)
{
	uint8_t status[2];
	const vf_bus_op op = {.opcode = 0x70,
			      .opcode_lanes = 1,
			      .data_lanes = 1,
			      .dir = VF_BUS_READ,
			      .len = b->dies,
			      .rx = status};
	const uint64_t end = vf_sim_chip_busy_until(b->chip);
	if (end > b->clock)
		b->clock = end;
	bus(b, &op);
}

static void program_page(naive_board *b, uint32_t offset, const uint8_t *data, uint32_t len)
{
	write_enable(b);
	bus(b, &(vf_bus_op){.opcode = 0x12,
			    .opcode_lanes = 1,
			    .addr_bytes = 4,
			    .addr_lanes = 1,
			    .data_lanes = 1,
			    .dir = VF_BUS_WRITE,
			    .addr = offset,
			    .len = len,
			    .tx = data});
	until_ready(b);
}

void naive_program(naive_board *b, uint32_t offset, const uint8_t *data, uint32_t len)
{
	while (len > 0 && offset < b->size) {
		uint32_t n = b->page - offset % b->page;
		n = n < len ? n : len;
		program_page(b, offset, data, n);
		offset += n;
		data += n;
		len -= n;
	}
}

void naive_erase(naive_board *b, uint32_t offset)
{
	write_enable(b);
	bus(b, &(vf_bus_op){.opcode = 0xDC,
			    .opcode_lanes = 1,
			    .addr_bytes = 4,
			    .addr_lanes = 1,
			    .addr = offset});
	until_ready(b);
}

/* --- the line -------------------------------------------------------------------- */

static uint64_t now_us(const naive_board *b)
{
	return vf_io_now_us() - b->started;
}

void naive_wait(const naive_board *b, uint64_t until_us)
{
	const uint64_t now = now_us(b);
	if (until_us <= now)
		return;
	const uint64_t us = until_us - now;
	const struct timespec t = {.tv_sec = (time_t)(us / 1000000),
				   .tv_nsec = (long)(us % 1000000) * 1000};
	(void)nanosleep(&t, NULL);
}

/* The line has sent `len` more bytes, the first not before `from`. */
static uint64_t pass(naive_board *b, size_t len, uint64_t from)
{
	if (b->line_free < from) {
		b->line_free = from;
		b->line_rest = 0;
	}
	if (b->link.out_rate != 0) {
		b->line_rest += len * UINT64_C(1000000);
		b->line_free += b->line_rest / b->link.out_rate;
		b->line_rest %= b->link.out_rate;
	}
	return b->line_free + b->link.latency_us;
}

/* Up to `room` of what was taken ahead. */
static long hand_out(naive_board *b, uint8_t *bytes, size_t room, uint64_t *arrived)
{
	size_t n = b->ahead_len - b->ahead_at;
	n = n < room ? n : room;
	memcpy(bytes, b->ahead + b->ahead_at, n);
	b->ahead_at += n;
	*arrived = pass(b, n, b->ahead_since);
	return (long)n;
}

long naive_receive(naive_board *b, uint8_t *bytes, size_t room, uint64_t patience_us,
		   uint64_t *arrived)
{
	const uint64_t until = vf_io_now_us() + patience_us;
	while (!vf_interrupted()) {
		if (b->ahead_at < b->ahead_len)
			return hand_out(b, bytes, room, arrived);
		const long n = vf_pipe_read(b->pipe, b->ahead, sizeof b->ahead);
		if (n < 0)
			return n;
		b->ahead_at = 0;
		b->ahead_len = (size_t)n;
		b->ahead_since = now_us(b);
		if (n == 0 && vf_io_now_us() >= until)
			return 0;
		if (n == 0)
			vf_pipe_wait(b->pipe, false, until);
	}
	return 0;
}

/* --- the program ------------------------------------------------------------------ */

typedef struct options {
	const char *flash, *pty, *link;
	bool blocks;
} options;

static int make_chip(naive_board *b, const char *flash, vf_error *err)
{
	size_t len;
	b->part = vf_sim_part_find("mt25ql512ab");
	b->size = (size_t)vf_sim_part_size(b->part) * b->dies;
	b->page = 256 * b->dies;
	b->erase_size = 65536 * b->dies;
	int status = vf_file_read(flash, b->size, &b->array, &len, err);
	if (status != VF_OK)
		return status;
	if (len != b->size)
		return vf_fail(err, VF_E_FILE, "%s: %zu bytes, not %zu", flash, len, b->size);
	const vf_sim_chip_config c = {.part = b->part,
				      .dies = (uint8_t)b->dies,
				      .array = b->array,
				      .bus_bytes_per_s = BUS_RATE,
				      .time_percent = 100,
				      .seed = 1,
				      .misuse = on_misuse,
				      .ctx = b};
	void *memory = malloc(vf_sim_chip_size(&c));
	if (memory == NULL)
		return vf_fail(err, VF_E_NOMEM, "out of memory");
	b->chip = vf_sim_chip_init(memory, &c);
	return VF_OK;
}

static int save(const naive_board *b, const char *name, vf_error *err)
{
	vf_file_out *f = vf_file_create(name, err);
	if (f == NULL)
		return VF_E_FILE;
	(void)vf_file_put(f, b->array, b->size);
	return vf_file_commit(f, err);
}

static int serve(naive_board *b, const options *o, vf_error *err)
{
	int status = vf_sim_link_parse(&b->link, o->link, err);
	if (status == VF_OK)
		status = make_chip(b, o->flash, err);
	if (status != VF_OK)
		return status;
	b->pipe = vf_pipe_pty(o->pty, err);
	if (b->pipe == NULL)
		return VF_E_LINK;
	vf_interrupt_catch();
	b->started = vf_io_now_us();
	(void)printf("ready %s\n", o->pty);
	(void)fflush(stdout);
	status = o->blocks ? naive_serve_blocks(b) : naive_serve_raw(b);
	if (status != VF_OK)
		return vf_fail(err, status, "%s: the other end is broken", o->pty);
	return save(b, o->flash, err);
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{"flash", required_argument, NULL, 'f'}, {"pty", required_argument, NULL, 'p'},
		{"link", required_argument, NULL, 'l'},  {"dual", no_argument, NULL, 'd'},
		{"blocks", no_argument, NULL, 'b'},      {0},
	};
	options o = {.link = "usb-fs"};
	naive_board b = {.dies = 1};
	vf_error err = {.text = "usage: bench-naive-board --flash FILE --pty PATH [--link LINK] "
				"[--dual] [--blocks]"};
	int option, status = VF_E_USAGE;
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		o.flash = option == 'f' ? optarg : o.flash;
		o.pty = option == 'p' ? optarg : o.pty;
		o.link = option == 'l' ? optarg : o.link;
		o.blocks = o.blocks || option == 'b';
		b.dies = option == 'd' ? 2 : b.dies;
	}
	if (o.flash != NULL && o.pty != NULL)
		status = serve(&b, &o, &err);
	if (status != VF_OK)
		(void)fprintf(stderr, "bench-naive-board: %s\n", err.text);
	vf_pipe_close(b.pipe);
	free(b.chip);
	vf_free(&vf_io_alloc, b.array);
	return status == VF_OK ? 0 : 1;
}
