/* job_link.c - what does the link carry? An echo, larger than the greeting was,
 * goes out together with the first question; the difference in bytes and time
 * between the two is the rate. Costs no turnaround. An echo that took hardly longer than
 * the greeting says that turnarounds are long, or that the greeting was held up (by a busy
 * computer, by other boards): a short echo tells.
 */
#include "job_internal.h"

enum {
	ASSUMED_RATE = 500000, /* bytes a second, where nothing is known */
	ECHO_LEAST = 64,
	ECHO_CHECK = 16, /* shorter than a greeting */
	ECHO_MOST = 512,
	ECHO_PATIENCE = 1000000, /* µs */
	SLOWEST = 100,           /* of a second: the longest that the echo should take */
	FASTER = 4,              /* than thought: worth a longer echo */
	DOUBTFUL = 4,            /* times as fast as the echo alone shows */
};

static void send(vf_job *j, uint16_t len)
{
	j->echo_len = len;
	vf_session_echo(j->session, len, &j->echo_us);
	j->link_measuring = true;
}

void vf_job_link_begin(vf_job *j)
{
	if (j->link_rate != 0)
		return;
	j->link_first = vf_session_stats_get(j->session)->rate;
	const uint64_t len = j->link_first / SLOWEST;
	send(j, (uint16_t)(len < ECHO_LEAST ? ECHO_LEAST : len > ECHO_MOST ? ECHO_MOST : len));
	j->link_until = j->now + ECHO_PATIENCE;
}

static bool doubtful(const vf_job *j)
{
	const uint64_t alone = UINT64_C(2000000) * j->echo_len / j->echo_us;
	return j->link_rate / DOUBTFUL > alone && j->echo_len != ECHO_CHECK;
}

bool vf_job_link_measuring(vf_job *j)
{
	const uint64_t rate = vf_session_stats_get(j->session)->rate;
	const uint64_t before = j->link_rate != 0 ? j->link_rate : j->link_first;
	if (!j->link_measuring)
		return false;
	if (j->echo_us == 0)
		return (j->link_rate == 0 || j->echo_len == ECHO_CHECK) && j->now < j->link_until;
	j->link_measuring = false;
	j->link_rate = rate;
	/* A short echo over a fast link with long turnarounds says little. */
	if (j->echo_len != ECHO_CHECK && j->echo_len < ECHO_MOST && rate / FASTER > before)
		send(j, ECHO_MOST);
	else if (doubtful(j))
		send(j, ECHO_CHECK);
	return j->link_measuring && j->echo_len == ECHO_CHECK;
}

uint64_t vf_job_link_rate(const vf_job *j)
{
	return j->link_rate != 0 ? j->link_rate : ASSUMED_RATE;
}
