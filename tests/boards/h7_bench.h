/* h7_bench.h - firmware of the H7 boards on the emulator, and a host that is played by hand
 * over either of its virtual COM ports.
 */
#ifndef H7_BENCH_H
#define H7_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/emu.h>
#include <vcpflash/wire.h>

enum { H7_MS = 1000000, H7_TAG = 0x747 };

typedef struct h7_bench {
	uint8_t *internal, *external;
	vf_emu_board *board;
	bool usb; /* which port the host speaks at; else `baud` */
	uint32_t baud;
	uint32_t tag;
	uint16_t number;
	uint32_t offset; /* in the stream */
} h7_bench;

extern const char *h7_folder; /* where the firmware is */
extern const char *h7_loader; /* which of it: "loader" */

/* A new board with its loader in place. `more` may set all but what is made here. */
void h7_new(h7_bench *b, enum vf_emu_model model, const vf_emu_board_config *more);
void h7_free(h7_bench *b);
void h7_run(h7_bench *b, uint64_t ns);
/* Waits until the host at the USB socket has the port open. */
void h7_plug(h7_bench *b);

/* A whole frame, as fast as the port takes it. */
void h7_put(h7_bench *b, const uint8_t *body, size_t head, const uint8_t *payload, size_t len);
void h7_say(h7_bench *b, uint8_t kind, const uint8_t *fields, size_t len);
void h7_stream(h7_bench *b, const uint8_t *bytes, size_t len);
void h7_message(h7_bench *b, uint8_t type, uint32_t address, uint32_t length, const uint8_t *more,
		size_t len);
void h7_hello(h7_bench *b, uint32_t tag);
/* A set of one range of 128 KB at the external flash's begin; it is erased, which takes some
 * time, and what is streamed next is its data. */
void h7_begin(h7_bench *b);

/* Reads what the board sent until a frame of that kind comes, `ns` at most; its length, 0
 * if none came. */
size_t h7_await(h7_bench *b, uint8_t kind, uint8_t *body, size_t room, uint64_t ns);
vf_state h7_state(h7_bench *b);

#endif
