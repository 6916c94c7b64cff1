/* virtual_account.h - where the time of a job goes: what the chip, the link
 * and the board's processor do in each stretch between two events, seen from
 * outside the board. Times are virtual microseconds.
 */
#ifndef VCPFLASH_BENCH_VIRTUAL_ACCOUNT_H
#define VCPFLASH_BENCH_VIRTUAL_ACCOUNT_H

#include <stdint.h>
#include <stdio.h>

#include <vcpflash/sim.h>

/* The stretches of a job: before the chip is changed first, from then to the
 * end of its last change, after that. */
enum account_part { ACCOUNT_BEFORE, ACCOUNT_WRITING, ACCOUNT_AFTER, ACCOUNT_PARTS };

typedef struct account_sum {
	uint64_t total;
	uint64_t chip_and_link; /* the chip erases or programs, bytes are on the way to it */
	uint64_t chip_only;
	uint64_t link_only;
	uint64_t neither;
	uint64_t digest; /* of the processor, whatever else goes on */
} account_sum;

typedef struct account {
	vf_sim_board *board;
	uint64_t rate;    /* host -> board, 0 infinite */
	uint64_t line_ns; /* the line has sent all it was given */
	uint64_t begun;   /* erases and programs seen */
	uint32_t digested, hashed;
	account_sum since; /* the last change of the chip ended */
	account_sum part[ACCOUNT_PARTS];
} account;

void account_start(account *a, vf_sim_board *board, uint64_t rate);
/* The link took `len` bytes. */
void account_sent(account *a, size_t len, uint64_t now_us);
/* Nothing happens between these times; call before time moves. */
void account_pass(account *a, uint64_t from_us, uint64_t to_us);
void account_end(account *a);
void account_print(const account *a, FILE *to);

#endif
