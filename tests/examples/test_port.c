/* The example port, driven by a real job: what README tells the reader to copy
 * works. The project around it is faked: a flash driver that blocks (virtual
 * time passes) and, as the controller under it with two dies, knows neither odd
 * offsets nor odd lengths; a CDC that is busy for a while after each transfer,
 * packets of 64 bytes that are offered only when the port has room.
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

/* Bit 0 of an address does not reach the dies, that of the last byte's number is
 * always 1: the transfer begins and ends with a pair, whatever was asked for. */
static void pairs(uint32_t *offset, uint32_t *len)
{
	*offset &= ~1u;
	*len = (*len + 1) & ~1u;
}

int my_flash_read(uint32_t offset, uint8_t *to, uint32_t len)
{
	pairs(&offset, &len);
	memcpy(to, world.flash + offset, len);
	return 0;
}

int my_flash_program(uint32_t offset, const uint8_t *from, uint32_t len)
{
	pairs(&offset, &len);
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

static vf_job_result carry_out(vf_job_config c)
{
	uint64_t seed = world.now + 1;
	vf_error err = { 0 };
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

static vf_job_result program(const vf_image *image)
{
	return carry_out((vf_job_config){ .kind = VF_JOB_PROGRAM, .image = image });
}

static int set_up(void **state)
{
	static const uint8_t id[12] = "a unique id";
	(void)state;
	memset(&world, 0, sizeof world);
	world.flash = malloc(CHIP);
	assert_non_null(world.flash);
	memset(world.flash, 0x5A, CHIP);
	assert_true(port_init(id));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(world.flash);
	return 0;
}

static void add(vf_image *image, const uint8_t *bytes, size_t len, uint32_t address)
{
	vf_error err = { 0 };
	assert_int_equal(vf_image_add(image, "a.bin", bytes, len,
	                              &(vf_image_add_options){ .has_address = true, .address = address },
	                              &err),
	                 VF_OK);
}

static void programs_over_a_driver_that_blocks(void **state)
{
	(void)state;
	uint8_t bytes[30001];
	vf_alloc alloc = { resize, NULL };
	vf_image image;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	vf_image_init(&image, &alloc);
	add(&image, bytes, sizeof bytes, BASE + 101);
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
}

/* Where an image begins and ends on half a pair its neighbours stay. */
static void odd_images_leave_their_neighbours(void **state)
{
	(void)state;
	vf_alloc alloc = { resize, NULL };
	for (uint32_t i = 0; i < 8; i++) {
		static const uint32_t lengths[] = { 1, 2, 3, 513 };
		uint8_t bytes[513];
		vf_image image;
		uint32_t at = i * 65536 + 8192 - i % 2, len = lengths[i / 2];
		memset(bytes, (int)(0x11 * (i + 1)), sizeof bytes);
		vf_image_init(&image, &alloc);
		add(&image, bytes, len, BASE + at);
		assert_int_equal(program(&image).error.code, VF_OK);
		assert_memory_equal(world.flash + at, bytes, len);
		assert_int_equal(world.flash[at - 1], 0x5A);
		assert_int_equal(world.flash[at + len], 0x5A);
		vf_image_free(&image);
	}
}

typedef struct collected {
	uint8_t bytes[4096];
	size_t len;
} collected;

static int collect(void *ctx, const uint8_t *bytes, size_t len)
{
	collected *c = ctx;
	assert_true(len <= sizeof c->bytes - c->len);
	memcpy(c->bytes + c->len, bytes, len);
	c->len += len;
	return VF_OK;
}

static void odd_reads_are_what_was_asked_for(void **state)
{
	(void)state;
	static const uint32_t lengths[] = { 1, 2, 3, 511, 1024, 1025, 4001 };
	for (uint32_t i = 0; i < 8192; i++)
		world.flash[i] = (uint8_t)(i * 13 + i / 256);
	for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		for (uint32_t at = 0; at < 3; at++) {
			collected got = { .len = 0 };
			vf_job_config c = { .kind = VF_JOB_READ, .has_address = true,
				            .address = BASE + at, .length = lengths[i] };
			c.call.sink = collect;
			c.call.ctx = &got;
			assert_int_equal(carry_out(c).error.code, VF_OK);
			assert_int_equal(got.len, lengths[i]);
			assert_memory_equal(got.bytes, world.flash + at, got.len);
		}
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(programs_over_a_driver_that_blocks),
		T(odd_images_leave_their_neighbours),
		T(odd_reads_are_what_was_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
