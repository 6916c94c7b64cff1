/* policy.h - does the board start its application now? Pure decision. */
#ifndef H747_POLICY_H
#define H747_POLICY_H

#include <stdbool.h>
#include <stdint.h>

typedef enum policy {
	POLICY_WAIT,       /* not decided: serve the link, ask again */
	POLICY_START,      /* the application */
	POLICY_HOST,       /* stay: a host speaks */
	POLICY_REQUESTED,  /* stay: the application asked for the loader */
	POLICY_BUTTON,     /* stay: the button was held through reset */
	POLICY_INCOMPLETE, /* stay: what is programmed is part of a set */
	POLICY_NONE,       /* stay: no application */
} policy;

typedef struct policy_facts {
	bool host; /* an intact frame has come */
	bool requested;
	bool button;
	bool known;       /* the journal has been read */
	bool complete;    /* it knows of nothing unfinished */
	bool application; /* there are plausible vectors */
	uint32_t waited_us;
	uint32_t wait_us; /* how long a host may take */
} policy_facts;

policy policy_of(const policy_facts *f);

/* What a person at a terminal should know of a board that stays; "\r\n" at both ends.
 * NULL where there is nothing to say. */
const char *policy_line(policy p);

#endif
