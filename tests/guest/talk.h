/* talk.h - a person with a terminal and its "send file" at a simulated board, under virtual
 * time: what is typed, what is sent by YMODEM with any fault on its way, and what is
 * answered.
 */
#ifndef VCPFLASH_TESTS_GUEST_TALK_H
#define VCPFLASH_TESTS_GUEST_TALK_H

#include <vcpflash/sim.h>

#define TALK_BASE 0x90000000u
enum { TALK_SIZE = 64 * 1024, TALK_SECTOR = 4096, TALK_SECOND = 1000000 };

typedef struct talk talk;

struct talk {
	vf_sim_board_config config; /* to be changed before talk_start */
	vf_sim_board *board;
	uint8_t array[TALK_SIZE]; /* the chip's cells */
	uint64_t now, seed;
	uint32_t chunk, pause_us; /* the line brings so many bytes at once, 0 all; then a pause */
	bool small;               /* blocks of 128 bytes only */
	bool sums;                /* a sender that knows no CRC */
	bool hasty;               /* says EOT until it is acknowledged, and nothing else */
	bool no_length;           /* in block 0 */
	uint32_t late_us;         /* from `load` on, while invitations pile up unread */
	uint32_t stop_after;      /* blocks of a file, and the sender is gone; 0 never */
	uint32_t patience_us;     /* for an answer, before a block is sent again */
	/* A block on its way: what arrives, in `wire` with room for a few bytes more; its new
	 * length. NULL: what was sent. */
	size_t (*mangle)(talk *t, uint8_t *wire, size_t len);
	/* An answer on its way back: true, and it is lost. NULL: none is. */
	bool (*lose)(talk *t, uint8_t byte);
	bool begun;       /* block 0 has been acknowledged */
	bool ended;       /* talk_load: the sender is content */
	unsigned blocks;  /* sent */
	unsigned answers; /* that came, lost ones included */
	uint8_t in[512];
	size_t in_at, in_len;
	char text[16384]; /* what a person has seen since it was last asked for */
	size_t text_len;
};

/* A chip full of what somebody left there, the same each time. */
talk *talk_new(void);
void talk_start(talk *t);
void talk_free(talk *t);

void talk_put(talk *t, const void *bytes, size_t len);
void talk_pass(talk *t, uint64_t us);                /* all that comes meanwhile is text */
bool talk_byte(talk *t, uint8_t *byte, uint64_t us); /* the next one; false: none in this time */
bool talk_until(talk *t, const char *ending);        /* text; false: not in two minutes */
/* A line and what is answered, up to the prompt. */
const char *talk_ask(talk *t, const char *line);

typedef struct talk_file {
	const char *name;
	const void *data;
	uint32_t len;
} talk_file;

/* Sends files, to a board that invites or not (`blind`). True if the batch came to its end. */
bool talk_send(talk *t, const talk_file *files, unsigned count, bool blind);
/* Types `line`, sends, and returns what the board says in the end. */
const char *talk_load(talk *t, const char *line, const talk_file *files, unsigned count);

/* One block as it goes over the line, in `wire` of 1029 bytes; its length. */
size_t talk_block(uint8_t *wire, uint8_t number, const uint8_t *data, size_t len, size_t size,
		  bool sums);

uint32_t talk_random(uint64_t *seed);
void talk_fill(uint64_t *seed, uint8_t *out, size_t len);

#endif
