/* job_link.c - what does the link carry? An echo, larger than the greeting was,
 * goes out together with the first question; the difference in bytes and time
 * between the two is the rate. Costs no turnaround. */
#include "job_internal.h"

enum {
	ASSUMED_RATE = 500000, /* bytes a second, where nothing is known */
	ECHO_LEAST = 64,
	ECHO_MOST = 512,
	ECHO_PATIENCE = 1000000, /* µs */
	SLOWEST = 100,           /* of a second: the longest that the echo should take */
	FASTER = 4,              /* than thought: worth a longer echo */
};

static void send(vf_job *j, uint64_t len)
{
	if (len > ECHO_MOST)
		len = ECHO_MOST;
	if (len < ECHO_LEAST)
		len = ECHO_LEAST;
	j->echo_len = (uint16_t)len;
	vf_session_echo(j->session, j->echo_len, &j->echo_us);
	j->link_measuring = true;
}

void vf_job_link_begin(vf_job *j)
{
	if (j->link_rate != 0)
		return;
	j->link_first = vf_session_stats_get(j->session)->rate;
	send(j, j->link_first / SLOWEST);
	j->link_until = j->now + ECHO_PATIENCE;
}

bool vf_job_link_measuring(vf_job *j)
{
	const uint64_t rate = vf_session_stats_get(j->session)->rate;
	const uint64_t before = j->link_rate != 0 ? j->link_rate : j->link_first;
	if (!j->link_measuring || (j->echo_us == 0 && j->link_rate != 0))
		return false;
	if (j->echo_us == 0)
		return j->now < j->link_until;
	j->link_measuring = false;
	j->link_rate = rate;
	/* A short echo over a fast link with long turnarounds says little. */
	if (j->echo_len < ECHO_MOST && rate / FASTER > before)
		send(j, ECHO_MOST);
	return false;
}

uint64_t vf_job_link_rate(const vf_job *j)
{
	return j->link_rate != 0 ? j->link_rate : ASSUMED_RATE;
}
