/* client_internal.h - what the files of the client room share. */
#ifndef VF_CLIENT_INTERNAL_H
#define VF_CLIENT_INTERNAL_H

#include <vcpflash/client.h>

enum { VF_CLIENT_NAME_MAX = 1024 };

/* vf_client_do on a port that is named. `held_ms`: how long it is tried to open one that
 * another program may just be closing. */
enum { VF_CLIENT_HELD_MS = 500 };
int vf_client_on(const vf_client_options *opt, uint32_t held_ms, const vf_job_config *config,
		 vf_job_result *result, vf_board *board, vf_session_stats *link);

/* How often the person has asked to stop. */
unsigned vf_client_asked(const vf_client_options *opt);

/* keeper.c: the file of kept bytes. All zero at the beginning. */
typedef struct vf_keeper {
	uint8_t *bytes; /* what was loaded last */
	char *aside;    /* the file that was put aside last; NULL none */
} vf_keeper;

vf_job_keeper vf_keeper_door(vf_keeper *k);
void vf_keeper_free(vf_keeper *k);

/* wait.c: for something to be there at all. */
typedef struct vf_patience {
	const vf_client_options *opt;
	uint64_t until_us;
	char said[400]; /* to the person, last */
} vf_patience;

bool vf_client_remote(const char *port); /* on another machine */
void vf_patience_begin(vf_patience *p, const vf_client_options *opt, uint32_t ms);
/* After a failure: pauses, and says whether to try again. Not for other failures than
 * VF_E_LINK. When the person interrupts that becomes the failure. */
bool vf_patience_more(vf_patience *p, bool remote, vf_error *why);
/* The same, silently, where the port could not be opened and may be in a moment: for `ms` after
 * the first failure. *until_us is 0 at first. */
bool vf_client_held(const vf_client_options *opt, uint32_t ms, uint64_t *until_us);

/* wait.c: for a port that was there to come back. */
enum { VF_RETURN_PORTS = 64 };

typedef struct vf_return {
	const vf_client_options *opt;
	uint32_t baud;
	char port[VF_CLIENT_NAME_MAX]; /* as it is called now */
	vf_port_id id;
	const vf_board *board; /* that was there; NULL: unknown */
	uint64_t gone_us, until_us;
	vf_error why;                   /* it cannot be had yet */
	char seen[VF_RETURN_PORTS][64]; /* ports that it cannot be, */
	size_t seen_count;              /* and last the one that is being asked */
	unsigned turn, skip;
} vf_return;

/* While it is there. */
void vf_return_begin(vf_return *r, const vf_client_options *opt, uint32_t baud);
/* It is gone, and closed. `board` stays valid. */
void vf_return_gone(vf_return *r, const vf_board *board);
/* A pipe that is being opened (io.h, vf_pipe_begin), or NULL: not yet. Where `ask` is
 * set then, only the board that answers can tell whether it is the one. */
vf_pipe *vf_return_look(vf_return *r, bool *ask, vf_error *err);
/* What was asked: is it the one? `board` NULL: nobody answered, ask again some time. */
bool vf_return_asked(vf_return *r, const vf_board *board);
/* It is: from now on it has that name. */
void vf_return_found(vf_return *r, const char *name);
uint64_t vf_return_next(const vf_return *r); /* the next look is worth while then */
/* How long; 0: not at all. */
uint32_t vf_return_ms(const vf_client_options *opt);

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
	VF_UNIT_AWAY,    /* its port is gone, and awaited (unit_away.c) */
	VF_UNIT_ASKING,  /* the same; a board is asked whether it is the one */
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
	vf_job *job;    /* also while OPENING: it begins then. ASKING: the question */
	vf_job *away;   /* ASKING: the job that waits */
	vf_return back; /* of the port, in the middle of a job */
	bool ask;       /* AWAY: who is behind that pipe */
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

/* Its pipe is gone: false where that is not worth waiting for. */
bool vf_unit_leave(vf_unit *u);
void vf_unit_step_away(vf_unit *u);
void vf_unit_step_asking(vf_unit *u);
/* Moves bytes between pipe and job; false once the pipe is gone. */
bool vf_unit_move(vf_unit *u);
void vf_unit_finish(vf_unit *u); /* the job has */
/* In a sentence: the port is gone; `waited_ms` it was waited for, and `why` it cannot be
 * had. */
void vf_unit_explain(const char *name, uint32_t waited_ms, const char *why, char *out, size_t room);

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
