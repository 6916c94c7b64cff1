/* board_rig.h - a simulated board and the host's session, under virtual time. */
#ifndef VF_BOARD_RIG_H
#define VF_BOARD_RIG_H

#include <vcpflash/session.h>
#include <vcpflash/sim.h>

extern const vf_alloc rig_alloc;

typedef struct rig {
	vf_sim_board_config config;
	vf_sim_board *board;
	vf_session *session;
	uint8_t *array; /* the chip's, memory-mapped order */
	size_t array_len;
	uint8_t *internal; /* NULL without */
	uint64_t now;
	uint64_t seed;
	char log[160];  /* last line of the board */
	char text[160]; /* last line of console text */
	unsigned deaf;  /* times that a STATE said so */
	/* A port whose rate goes up: what the session is told, whether the port
	 * follows, what was asked for. */
	uint32_t rate, rate_max;
	bool stuck;
	uint32_t asked[8];
	unsigned asks;
	bool lose_high; /* what the board sends at a higher rate is lost, once */
	uint64_t mute;  /* until then nothing passes */
} rig;

/* What most tests want; change `config` before rig_start. Misuse of the chip
 * ends the test. */
void rig_prepare(rig *r, const char *part, uint8_t dies);
void rig_start(rig *r); /* the board must come up, without a session */
void rig_leave(rig *r); /* the host dies, and another comes */
void rig_stop(rig *r);

/* Lets time pass until `until`, or until the session's status is not `status`. */
void rig_pass(rig *r, uint64_t until);
void rig_pass_while(rig *r, enum vf_session_status status, uint64_t until);

void rig_open(rig *r); /* must succeed */

/* One operation to its end; true if it was done. */
bool rig_do(rig *r, vf_operation *op);
bool rig_erase(rig *r, uint8_t memory, uint32_t address, uint32_t len);
bool rig_program(rig *r, uint8_t memory, uint32_t address, const uint8_t *data, uint32_t len);
bool rig_read(rig *r, uint8_t memory, uint32_t address, uint8_t *out, uint32_t len);

/* The same bytes for the same seed. */
void rig_random_bytes(uint64_t *seed, uint8_t *out, size_t len);

#endif
