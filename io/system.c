/* system.c - clock, randomness and memory of the operating system. */

#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size == 0) {
		free(p);
		return NULL;
	}
	return realloc(p, size);
}

const vf_alloc vf_io_alloc = {.resize = resize, .ctx = NULL};

uint64_t vf_io_now_us(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

void vf_io_sleep(uint64_t until_us)
{
	const uint64_t now = vf_io_now_us();
	if (until_us <= now)
		return;
	const uint64_t left = until_us - now;
	const struct timespec t = {.tv_sec = (time_t)(left / 1000000u),
				   .tv_nsec = (long)(left % 1000000u) * 1000};
	(void)nanosleep(&t, NULL);
}

uint64_t vf_io_random(void *unused)
{
	(void)unused;
	uint64_t value = 0;
	uint8_t *at = (uint8_t *)&value;
	size_t have = 0;
	while (have < sizeof value) {
		ssize_t n = getrandom(at + have, sizeof value - have, 0);
		if (n > 0) {
			have += (size_t)n;
		} else if (errno != EINTR) {
			/* A kernel without the call: no two calls must agree, and no
			 * more than that is asked of a session number. */
			struct timespec t;
			(void)clock_gettime(CLOCK_REALTIME, &t);
			return ((uint64_t)t.tv_sec << 30 ^ (uint64_t)t.tv_nsec) *
				       0x9E3779B97F4A7C15u +
			       (uint64_t)getpid();
		}
	}
	return value;
}

char *vf_io_strdup(const char *s)
{
	size_t len = strlen(s) + 1;
	char *copy = malloc(len);
	if (copy != NULL)
		memcpy(copy, s, len);
	return copy;
}

char *vf_io_print(const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, above */
	int len = vsnprintf(NULL, 0, fmt, args);
	char *out = len >= 0 ? malloc((size_t)len + 1) : NULL;
	if (out != NULL)
		(void)vsnprintf(out, (size_t)len + 1, fmt, again);
	va_end(again);
	va_end(args);
	return out;
}

void vf_fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}
