/* fuzz.h - what the fuzzers share: the input as a source of decisions, and a small
 * board whose flash checks everything that it is asked for.
 */
#ifndef VCPFLASH_TESTS_FUZZ_H
#define VCPFLASH_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vcpflash/target.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What must never happen ends the run, and the fuzzer keeps the input. */
#define FUZZ_CHECK(condition)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);      \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

typedef struct fuzz_input {
	const uint8_t *at, *end;
} fuzz_input;

static inline bool fuzz_more(const fuzz_input *in)
{
	return in->at < in->end;
}

static inline uint8_t fuzz_byte(fuzz_input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

/* Up to `most` bytes, as many as a byte of the input says. */
static inline size_t fuzz_bytes(fuzz_input *in, const uint8_t **bytes, size_t most)
{
	size_t n = fuzz_byte(in);
	const size_t left = (size_t)(in->end - in->at);
	n = n < left ? n : left;
	n = n < most ? n : most;
	*bytes = in->at;
	in->at += n;
	return n;
}

enum { FUZZ_NOR_SIZE = 64 * 1024, FUZZ_INNER_SIZE = 16 * 1024 };
#define FUZZ_NOR_BASE   0x90000000u
#define FUZZ_INNER_BASE 0x08000000u

typedef struct fuzz_board {
	vf_target t;
	vf_target_config config;
	vf_target_guard guard; /* used where it has a key */
	unsigned begun;        /* flash operations */
	vf_memory info[2];
	uint8_t cells[2][FUZZ_NOR_SIZE];
	const vf_flash_op *op[2]; /* under way */
	bool hold;                /* the chips do not end what they are at */
	uint32_t now;
	vf_inflate inflate;
	uint8_t ring[1024], window[4096], frame[512], tx[600];
	_Alignas(32) uint8_t block[4096];
	_Alignas(32) uint8_t work[2][2048];
} fuzz_board;

void fuzz_board_start(fuzz_board *b);
void fuzz_board_key(fuzz_board *b, const uint8_t key[VF_KEY_SIZE]); /* begun anew with it */
/* One turn of the main loop, `us` later. */
void fuzz_board_turn(fuzz_board *b, uint32_t us);

#endif
