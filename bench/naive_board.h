/* naive_board.h - a simulated chip with the little driver that people start
 * with, on a clock of its own, and a line that brings bytes at its rate.
 *
 * Two boards are made of it, and neither is the product's: one that writes what
 * it receives straight to the chip, and a model of a loader that acknowledges
 * blocks. Times are microseconds of the board's own clock, which the wall clock
 * follows.
 */
#ifndef VCPFLASH_BENCH_NAIVE_BOARD_H
#define VCPFLASH_BENCH_NAIVE_BOARD_H

#include <vcpflash/io.h>
#include <vcpflash/sim.h>

enum {
	NAIVE_PACKET = 64, /* what one call of the USB receive callback brings */
	NAIVE_BLOCK = 16384,
};

typedef struct naive_board {
	const vf_sim_part *part;
	uint32_t dies, page, erase_size, erase_opcode;
	uint8_t *array;
	size_t size;
	vf_sim_chip *chip;
	uint64_t clock; /* the chip's driver has come so far */
	uint64_t misuses;
	/* The line. */
	vf_sim_link_model link;
	vf_pipe *pipe;
	uint64_t started, line_free, line_rest;
	uint8_t ahead[4096]; /* what the operating system took ahead of the line */
	size_t ahead_at, ahead_len;
	uint64_t ahead_since;
} naive_board;

/* The chip, on the board's clock. A driver that blocks: each returns when the
 * chip is ready again. */
void naive_program(naive_board *b, uint32_t offset, const uint8_t *data, uint32_t len);
void naive_erase(naive_board *b, uint32_t offset);

/* Waits for bytes, at most `room`; 0 after `patience_us` without any, VF_E_LINK
 * if the port is gone. *arrived is when the last of them has come over the line. */
long naive_receive(naive_board *b, uint8_t *bytes, size_t room, uint64_t patience_us,
		   uint64_t *arrived);
/* Until the wall clock shows what the board's clock does. */
void naive_wait(const naive_board *b, uint64_t until_us);

int naive_serve_raw(naive_board *b);    /* naive_raw.c */
int naive_serve_blocks(naive_board *b); /* naive_blocks.c */

#endif
