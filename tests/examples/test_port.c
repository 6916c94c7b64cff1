/* The example port, driven by a real job: what README tells the reader to copy
 * works. The project around it is faked: a flash driver that blocks (virtual
 * time passes), a CDC that is busy for a while after each transfer, packets of
 * 64 bytes that are offered only when the port has room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/job.h>

#include "../../examples/port/port.h"

/* The port calls these by name; declared here as it declares them. */
uint32_t my_micros(void);
bool my_send(const uint8_t *data, uint16_t len);
bool my_sending(void);
int my_flash_read(uint32_t offset, uint8_t *to, uint32_t len);
int my_flash_program(uint32_t offset, const uint8_t *from, uint32_t len);
int my_flash_erase(uint32_t offset, uint32_t len);

#define BASE 0x90000000u
enum { CHIP = 128 * 1024 * 1024, TO_HOST = 8192 };

static struct {
	uint64_t now;
	uint64_t sending_until;
	uint8_t *flash;
	uint8_t to_host[TO_HOST];
	size_t to_host_len;
	unsigned erases;
	unsigned fail_programs;
} world;

uint32_t my_micros(void)
{
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

int my_flash_read(uint32_t offset, uint8_t *to, uint32_t len)
{
	memcpy(to, world.flash + offset, len);
	return 0;
}

int my_flash_program(uint32_t offset, const uint8_t *from, uint32_t len)
{
	world.now += 120;
	if (world.fail_programs != 0) {
		world.fail_programs--;
		return 1;
	}
	for (uint32_t i = 0; i < len; i++)
		world.flash[offset + i] &= from[i];
	return 0;
}

int my_flash_erase(uint32_t offset, uint32_t len)
{
	world.now += 150000; /* nothing else happens meanwhile */
	world.erases++;
	memset(world.flash + offset, 0xFF, len);
	return 0;
}

static uint64_t number(void *ctx)
{
	uint64_t *n = ctx;
	return *n += 0x9E3779B97F4A7C15u;
}

static void *resize(void *ctx, void *p, size_t size)
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

static vf_job_result program(const vf_image *image)
{
	uint64_t seed = world.now + 1;
	vf_error err = { 0 };
	vf_job_config c = { .kind = VF_JOB_PROGRAM, .image = image };
	c.session.alloc = (vf_alloc){ resize, NULL };
	c.session.random = number;
	c.session.ctx = &seed;
	vf_job *job = vf_job_new(&c, &err);
	assert_non_null(job);
	pump(job);
	vf_job_result result = *vf_job_result_get(job);
	vf_job_free(job);
	return result;
}

static void programs_over_a_driver_that_blocks(void **state)
{
	(void)state;
	static const uint8_t id[12] = "a unique id";
	uint8_t bytes[30001];
	vf_alloc alloc = { resize, NULL };
	vf_image image;
	vf_error err = { 0 };
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	world.flash = malloc(CHIP);
	assert_non_null(world.flash);
	memset(world.flash, 0x5A, CHIP);
	vf_image_init(&image, &alloc);
	assert_int_equal(vf_image_add(&image, "a.bin", bytes, sizeof bytes,
	                              &(vf_image_add_options){ .has_address = true, .address = BASE + 101 },
	                              &err),
	                 VF_OK);
	assert_true(port_init(id));
	world.fail_programs = 1; /* planned anew once, then right */
	vf_job_result result = program(&image);
	assert_int_equal(result.error.code, VF_OK);
	assert_true(result.attempts > 1);
	assert_memory_equal(world.flash + 101, bytes, sizeof bytes);
	assert_int_equal(world.flash[100], 0x5A);
	assert_int_equal(world.flash[101 + sizeof bytes], 0x5A);
	unsigned erases = world.erases;
	result = program(&image);
	assert_int_equal(result.error.code, VF_OK);
	assert_true(result.nothing_to_do);
	assert_int_equal(world.erases, erases);
	vf_image_free(&image);
	free(world.flash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_over_a_driver_that_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
