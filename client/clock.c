/* clock.c - the clock that is handed to jobs. */
#include "client_internal.h"

enum { ABSENT_US = 500000 /* a turn takes no such time: the process did not run */ };

uint64_t vf_clock_now(vf_clock *c)
{
	const uint64_t us = vf_io_now_us();
	if (us > c->seen_us + ABSENT_US)
		c->absent_us += us - c->seen_us;
	c->seen_us = us;
	return us - c->absent_us;
}

uint64_t vf_clock_real(const vf_clock *c, uint64_t job_us)
{
	return job_us < UINT64_MAX - c->absent_us ? job_us + c->absent_us : UINT64_MAX;
}

void vf_clock_waited(vf_clock *c, uint64_t until_us)
{
	const uint64_t us = vf_io_now_us();
	if (until_us > c->seen_us)
		c->seen_us = us < until_us ? us : until_us;
}
