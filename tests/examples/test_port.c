/* The example port, driven by a real job: what README tells the reader to copy
 * works. Faked here is the flash driver: it blocks (virtual time passes) and, as
 * the controller under it with two dies, knows neither odd offsets nor odd lengths.
 */
#include <stdlib.h>
#include <string.h>

#include "project.h"

#include "../../examples/port/port.h"

/* The port calls these by name; declared here as it declares them. */
int my_flash_read(uint32_t offset, uint8_t *to, uint32_t len);
int my_flash_program(uint32_t offset, const uint8_t *from, uint32_t len);
int my_flash_erase(uint32_t offset, uint32_t len);

#define BASE 0x90000000u
enum { CHIP = 128 * 1024 * 1024 };

static struct {
	uint8_t *flash;
	unsigned erases;
	unsigned fail_programs;
} world;

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
	project_pass(project_now() + 120);
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
	project_pass(project_now() + 150000);
	world.erases++;
	memset(world.flash + offset, 0xFF, len);
	return 0;
}

static int set_up(void **state)
{
	static const uint8_t id[12] = "a unique id";
	(void)state;
	memset(&world, 0, sizeof world);
	project_reset();
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

static void programs_over_a_driver_that_blocks(void **state)
{
	(void)state;
	uint8_t bytes[30001];
	vf_alloc alloc = {project_resize, NULL};
	vf_image image;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	vf_image_init(&image, &alloc);
	project_add(&image, bytes, sizeof bytes, BASE + 101);
	world.fail_programs = 1; /* planned anew once, then right */
	vf_job_result result = project_program(&image);
	assert_int_equal(result.error.code, VF_OK);
	assert_true(result.attempts > 1);
	assert_memory_equal(world.flash + 101, bytes, sizeof bytes);
	assert_int_equal(world.flash[100], 0x5A);
	assert_int_equal(world.flash[101 + sizeof bytes], 0x5A);
	unsigned erases = world.erases;
	result = project_program(&image);
	assert_int_equal(result.error.code, VF_OK);
	assert_true(result.nothing_to_do);
	assert_int_equal(world.erases, erases);
	vf_image_free(&image);
}

/* Where an image begins and ends on half a pair its neighbours stay. */
static void odd_images_leave_their_neighbours(void **state)
{
	(void)state;
	vf_alloc alloc = {project_resize, NULL};
	for (uint32_t i = 0; i < 8; i++) {
		static const uint32_t lengths[] = {1, 2, 3, 513};
		uint8_t bytes[513];
		vf_image image;
		uint32_t at = i * 65536 + 8192 - i % 2, len = lengths[i / 2];
		memset(bytes, (int)(0x11 * (i + 1)), sizeof bytes);
		vf_image_init(&image, &alloc);
		project_add(&image, bytes, len, BASE + at);
		assert_int_equal(project_program(&image).error.code, VF_OK);
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
	static const uint32_t lengths[] = {1, 2, 3, 511, 1024, 1025, 4001};
	for (uint32_t i = 0; i < 8192; i++)
		world.flash[i] = (uint8_t)(i * 13 + i / 256);
	for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		for (uint32_t at = 0; at < 3; at++) {
			collected got = {.len = 0};
			vf_job_config c = {.kind = VF_JOB_READ,
					   .has_address = true,
					   .address = BASE + at,
					   .length = lengths[i]};
			c.call.sink = collect;
			c.call.ctx = &got;
			assert_int_equal(project_carry_out(c).error.code, VF_OK);
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
