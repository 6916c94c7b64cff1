/* client_internal.h - what the files of the client room share. */
#ifndef VF_CLIENT_INTERNAL_H
#define VF_CLIENT_INTERNAL_H

#include <vcpflash/client.h>

enum { VF_CLIENT_NAME_MAX = 1024 };

/* vf_client_do on a port that is named. */
int vf_client_on(const vf_client_options *opt, const vf_job_config *config, vf_job_result *result,
		 vf_board *board, vf_session_stats *link);

/* keeper.c: the file of kept bytes. All zero at the beginning. */
typedef struct vf_keeper {
	uint8_t *bytes; /* what was loaded last */
} vf_keeper;

vf_job_keeper vf_keeper_door(vf_keeper *k);
void vf_keeper_free(vf_keeper *k);

/* clock.c: time as jobs see it. It stands still while the process does: nothing that
 * arrives then is anybody's silence. All zero but `seen_us`, the time at the start. */
typedef struct vf_clock {
	uint64_t seen_us, absent_us;
} vf_clock;

uint64_t vf_clock_now(vf_clock *c);
/* When a deadline of a job is due on the monotonic clock. */
uint64_t vf_clock_real(const vf_clock *c, uint64_t job_us);
/* The process is back from a wait that was to end at `until_us`. */
void vf_clock_waited(vf_clock *c, uint64_t until_us);

/* unit.c: a port with one job after the other. */
enum vf_unit_state {
	VF_UNIT_OPENING,
	VF_UNIT_IDLE,    /* open; no job */
	VF_UNIT_WORKING, /* a job is being moved */
	VF_UNIT_HOMING,  /* it has ended; the port goes back to its first rate */
	VF_UNIT_CLOSING, /* what was written has still to leave */
	VF_UNIT_CLOSED,  /* to be freed */
};

struct vf_unit {
	struct vf_unit *next;
	vf_gang *gang;
	void *user;
	uint8_t state;         /* enum vf_unit_state */
	vf_client_options opt; /* its port is `name` */
	char *name;
	uint32_t baud; /* at which talk begins */
	vf_pipe *pipe;
	vf_job *job; /* also while OPENING: it begins then */
	vf_keeper keeper;
	uint32_t rate;          /* to be set; 0: none */
	unsigned interruptions; /* that the job was told of */
	bool announced;         /* the board is known, and the caller was told */
	bool closing;           /* no further job */
	uint64_t give_up_us;    /* CLOSING: what was written is discarded then; 0: new */
	bool want_write;
	bool due;          /* worth a step now */
	uint64_t until_us; /* otherwise then, on the monotonic clock */
};

/* One step, as much as can be done without waiting. Fills due, until_us, want_write. */
void vf_unit_step(vf_unit *u);
/* The person has asked to stop, and it was not told so yet. */
bool vf_unit_to_be_told(const vf_unit *u);
void vf_unit_free(vf_unit *u);

/* packs.c: compressed blocks that several jobs share (job.h, vf_job_packs). */
typedef struct vf_packs vf_packs;
vf_packs *vf_packs_new(void); /* NULL: no memory */
void vf_packs_free(vf_packs *p);
vf_job_packs vf_packs_door(vf_packs *p);

struct vf_gang {
	vf_gang_calls call;
	vf_clock clock;
	vf_unit *first;
	vf_packer *packer;
	vf_packs *packs;
};

#endif
