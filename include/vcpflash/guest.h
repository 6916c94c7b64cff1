/* guest.h - other protocols on the board's line, beside its own (docs/GUESTS.md): told
 * apart by their first bytes, while no host of vcpflash has a session.
 *
 * A port names the guests it wants by initialising them; the linker leaves the others out:
 *
 *     vf_guest_init(&guest, &target);
 *     vf_console_init(&console, &guest);             // a person who types
 *     vf_ymodem_init(&ymodem, &guest, sector, len);  // ymodem.h: a terminal's "send file"
 *     config.guest = vf_guest_hook(&guest);          // before vf_target_init
 *
 * With each start of the target all of them are initialised again.
 *
 * Conventions: engines. They do no I/O, allocate nothing, read no clock, never block. The
 * structs are the caller's and stay where they are. Times in microseconds (uint32_t,
 * wraps), sizes in bytes. Everything is called from the main loop.
 */
#ifndef VCPFLASH_GUEST_H
#define VCPFLASH_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/target.h>

enum {
	VF_GUESTS_MAX = 4,
	VF_GUEST_TEXT = 1024, /* what waits to be sent; a power of two */
	VF_GUEST_LINE = 160,  /* typed ahead, line ends included */
};

/* One protocol. Functions that are NULL are not called. */
typedef struct vf_guest_protocol {
	const char *name;
	/* Each byte while no protocol is active, in order; true where it ends what this
	 * protocol begins with, which makes it the active one. It must be certain by then:
	 * line noise and a host at a wrong rate come here too. */
	bool (*opens)(void *self, uint8_t byte);
	/* A byte that opened nothing. */
	void (*idle)(void *self, uint8_t byte);
	/* While it is active: as in vf_target_guest. */
	size_t (*take)(void *self, const uint8_t *bytes, size_t len);
	bool (*holds)(const void *self);
	void (*see)(void *self, uint8_t byte);
	/* Each tick, active or not, as in vf_target_guest. */
	bool (*step)(void *self, uint32_t now_us);
	bool (*deadline)(const void *self, uint32_t *at_us);
	/* What it sends itself, beside vf_guest_say; as in vf_target_guest. */
	const uint8_t *(*tx)(void *self, size_t *len);
	void (*tx_done)(void *self, size_t sent);
	/* A host has opened a session: forget everything. */
	void (*end)(void *self);
} vf_guest_protocol;

/* Where a request to the engine has come to. */
enum vf_guest_outcome {
	VF_GUEST_NOTHING, /* asked for nothing */
	VF_GUEST_WAITING,
	VF_GUEST_DONE,
	VF_GUEST_FAILED, /* vf_guest_failure says how */
};

/* One message to the engine at a time, and its answer. */
typedef struct vf_guest_request {
	uint8_t outcome; /* enum vf_guest_outcome */
	bool placed;     /* the engine has all of it */
	uint8_t header[VF_WIRE_MESSAGE_LONG];
	uint32_t header_len, header_put;
	const uint8_t *data;
	uint32_t data_len, data_put;
	uint8_t *answer;
	uint32_t answer_room, answer_len;
	uint32_t number; /* of messages in this visit, it included */
	vf_failure failure;
} vf_guest_request;

typedef struct vf_guest vf_guest;

/* What `load` of the console starts; ymodem.h serves it. */
typedef struct vf_guest_loading {
	void *self;
	/* `at` NULL: where the file's name or contents say. */
	void (*load)(void *self, const uint32_t *at);
	/* A transfer broke off since the start, and none has completed it. */
	bool (*broken)(const void *self);
} vf_guest_loading;

struct vf_guest {
	vf_target *target;
	vf_target_guest hook;
	uint32_t now;
	uint8_t count;
	uint8_t active; /* member, or `count`: none */
	uint8_t sender; /* member whose bytes are under way, or `count`: those of `text` */
	bool moved;     /* something happened that others wait for */
	bool held;      /* text waits until a transfer is over */
	bool met;       /* somebody was spoken to since the start */
	struct {
		const vf_guest_protocol *is;
		void *self;
	} member[VF_GUESTS_MAX];
	vf_guest_request request;
	vf_guest_loading loading;                /* load NULL: nobody can */
	uint32_t text_head, text_tail, text_out; /* text_out: handed to the port */
	uint8_t text[VF_GUEST_TEXT];
};

void vf_guest_init(vf_guest *g, vf_target *t);

/* Has a protocol been opened, or a line obeyed, since the start? And is one at work now? */
bool vf_guest_met(const vf_guest *g);
bool vf_guest_busy(const vf_guest *g);

/* For vf_target_config.guest. */
const vf_target_guest *vf_guest_hook(const vf_guest *g);

/* --- a console ------------------------------------------------------------------- */

typedef struct vf_console {
	vf_guest *guest;
	/* private */
	uint8_t command; /* what is being done */
	uint8_t escape;  /* how far into an escape sequence */
	uint8_t last;    /* byte */
	bool noisy;      /* at noise_at there was what is no text */
	uint32_t noise_at, last_at;
	uint32_t address, length;
	uint32_t told; /* of them, by dots */
	uint32_t len, echoed;
	char line[VF_GUEST_LINE];
	uint8_t answer[VF_SHA256_SIZE];
} vf_console;

void vf_console_init(vf_console *c, vf_guest *g);

/* --- for protocols --------------------------------------------------------------- */

/* Joins; `is` and `self` stay valid. At most VF_GUESTS_MAX do. */
void vf_guest_add(vf_guest *g, const vf_guest_protocol *is, void *self);

/* Makes the protocol of `self` the active one; ends that. */
void vf_guest_activate(vf_guest *g, const void *self);
void vf_guest_deactivate(vf_guest *g);
bool vf_guest_is_active(const vf_guest *g, const void *self);
/* Bytes that opened nothing, for all who listen to such: of one that was active, and heard
 * what was not for it. */
void vf_guest_hear(vf_guest *g, const uint8_t *bytes, size_t len);

/* Bytes for the line; what there is no room for is left out. */
void vf_guest_put(vf_guest *g, const uint8_t *bytes, size_t len);
void vf_guest_say(vf_guest *g, const char *text);
void vf_guest_say_number(vf_guest *g, uint32_t v);
void vf_guest_say_address(vf_guest *g, uint32_t v);                   /* 0x and eight digits */
void vf_guest_say_bytes(vf_guest *g, const uint8_t *bytes, size_t n); /* two digits each */
void vf_guest_say_size(vf_guest *g, uint32_t v);                      /* "64 MB", "300 bytes" */
void vf_guest_say_failure(vf_guest *g, const vf_failure *f);
bool vf_guest_said(const vf_guest *g); /* all of it has left */

/* Asks the engine for one message; what follows it (PROGRAM, SET) stays valid until the
 * end. Answers of at most `room` bytes come to `answer`. Nothing else may be under way. */
void vf_guest_ask(vf_guest *g, const vf_message *m, const uint8_t *data, uint8_t *answer,
		  uint32_t room);
/* How that goes. Moves it on; VF_GUEST_DONE and VF_GUEST_FAILED are told once. */
enum vf_guest_outcome vf_guest_poll(vf_guest *g);
const vf_failure *vf_guest_failure(const vf_guest *g);
/* Nothing is under way, and the engine is given back. */
void vf_guest_release(vf_guest *g);

/* 4096, 4K, 64M, 0x1000: false where it is none of these, or 2^32 and more. */
bool vf_guest_number(const char *text, uint32_t *out);

/* An address in a memory that was written in hexadecimal digits without their 0x; 0: none. */
uint32_t vf_guest_meant(const vf_guest *g, const char *text);
/* What follows an address that is in no memory: the one that was meant, or where there are any. */
void vf_guest_say_memories(vf_guest *g, uint32_t meant);

/* The memory that holds `len` bytes at `address`; `memories` where none does. */
unsigned vf_guest_memory_at(const vf_guest *g, uint32_t address, uint32_t len);
const vf_memory *vf_guest_memory(const vf_guest *g, unsigned memory);

#endif
