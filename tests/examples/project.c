/* project.c - see project.h. */
#include "project.h"

#include <stdlib.h>
#include <string.h>

#include "../../examples/port/port.h"

enum { TO_HOST = 8192 };

static struct {
	uint64_t now;
	uint64_t sending_until;
	uint8_t to_host[TO_HOST];
	size_t to_host_len;
} world;

void project_reset(void)
{
	memset(&world, 0, sizeof world);
}

uint64_t project_now(void)
{
	return world.now;
}

void project_pass(uint64_t until)
{
	if (until > world.now)
		world.now = until;
}

uint32_t my_micros(void)
{
	world.now++; /* a loop that waits for time to pass gets there */
	return (uint32_t)world.now;
}

bool my_sending(void)
{
	return world.now < world.sending_until;
}

bool my_send(const uint8_t *data, uint16_t len)
{
	if (my_sending() || world.to_host_len + len > TO_HOST)
		return false;
	memcpy(world.to_host + world.to_host_len, data, len);
	world.to_host_len += len;
	world.sending_until = world.now + len;
	return true;
}

static uint64_t number(void *ctx)
{
	uint64_t *n = ctx;
	return *n += 0x9E3779B97F4A7C15u;
}

void *project_resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size != 0)
		return realloc(p, size);
	free(p);
	return NULL;
}

/* Moves packets both ways until the job has ended. */
static void pump(vf_job *job)
{
	for (unsigned idle = 0; !vf_job_finished(job) && idle < 100000000; idle++) {
		size_t len;
		const uint8_t *data = vf_job_tx(job, &len, world.now);
		if (data != NULL && port_can_receive()) {
			size_t n = len < 64 ? len : 64;
			port_received(data, n);
			vf_job_tx_done(job, n, world.now);
		}
		port_poll();
		vf_job_rx(job, world.to_host, world.to_host_len, world.now);
		world.to_host_len = 0;
		vf_job_tick(job, world.now);
		world.now += 50;
	}
	assert_true(vf_job_finished(job));
}

vf_job_result project_carry_out(vf_job_config c)
{
	uint64_t seed = world.now + 1;
	vf_error err = {0};
	c.session.alloc = (vf_alloc){project_resize, NULL};
	c.session.random = number;
	c.session.ctx = &seed;
	vf_job *job = vf_job_new(&c, &err);
	assert_non_null(job);
	pump(job);
	vf_job_result result = *vf_job_result_get(job);
	vf_job_free(job);
	return result;
}

vf_job_result project_program(const vf_image *image)
{
	return project_carry_out((vf_job_config){.kind = VF_JOB_PROGRAM, .image = image});
}

void project_add(vf_image *image, const uint8_t *bytes, size_t len, uint32_t address)
{
	vf_error err = {0};
	assert_int_equal(
		vf_image_add(image, "a.bin", bytes, len,
			     &(vf_image_add_options){.has_address = true, .address = address},
			     &err),
		VF_OK);
}
