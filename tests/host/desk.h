/* desk.h - a session whose every byte is written by the test: the wire in its hands, what the
 * session says as frames in an inbox, and time that passes when told.
 */
#ifndef DESK_H
#define DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vcpflash/session.h>

enum {
	INBOX = 64,
	MS = 1000,
};

typedef struct frame {
	uint8_t body[VF_WIRE_BODY_MAX + 4];
	size_t len;
} frame;

/* The wire in the hands of the test. */
typedef struct desk {
	vf_session *s;
	uint64_t now, random;
	uint16_t number; /* of the next frame of the board */
	frame inbox[INBOX];
	unsigned count;
	vf_welcome welcome;
	vf_memory memory;
	char text[200];
	unsigned lines;
	long allocations_left;
} desk;

vf_session_config desk_configuration(desk *d);
int desk_setup(void **state);
int desk_teardown(void **state);
void desk_raw(desk *d, const void *bytes, size_t len);
void desk_say(desk *d, const uint8_t *body, size_t len);
uint32_t desk_tag(const desk *d);
void desk_say_welcome(desk *d);
void desk_say_memory(desk *d, uint8_t index);
void desk_say_state(desk *d, const vf_state *st);
void desk_say_plain(desk *d, uint8_t kind, uint32_t tag_, const void *rest, size_t len);
void desk_say_ended(desk *d, uint32_t of, uint32_t open_tag);
void desk_say_answer(desk *d, uint32_t operation, uint32_t at, const uint8_t *bytes, size_t len);
/* All that the session has to say now, as frames in the inbox. */
void desk_take(desk *d);
unsigned desk_count(const desk *d, uint8_t kind);
/* Time passes; returns how many frames of `kind` were sent meanwhile. */
unsigned desk_pass(desk *d, uint64_t us, uint8_t kind);
void desk_open(desk *d);
vf_operation desk_message(uint8_t type, uint32_t at, uint32_t len);
uint16_t desk_last_number(const desk *d);
void desk_assert_lost(const desk *d, const char *words);

#endif
