/* The example port for a bare QUADSPI controller, driven by a real job: its bus
 * leads to two simulated chips in parallel, which object to whatever a data sheet
 * forbids.
 */
#include <stdlib.h>
#include <string.h>

#include "project.h"

#include <vcpflash/sim_chip.h>

#include "../../examples/port/port.h"

/* The port calls it by name; declared here as it declares it. */
int my_bus(const vf_bus_op *op);

#define BASE 0x90000000u

static struct {
	uint8_t *flash;
	uint32_t size;
	void *memory;
	vf_sim_chip *chip;
	bool broken; /* the controller reports an error */
} world;

int my_bus(const vf_bus_op *op)
{
	if (world.broken)
		return -1;
	project_pass(vf_sim_chip_bus(world.chip, op, project_now()));
	return 0;
}

static void misuse(void *ctx, const char *what)
{
	(void)ctx;
	fail_msg("the chip objects: %s", what);
}

static int set_up(void **state)
{
	vf_sim_chip_config c = {.part = vf_sim_part_find("mt25ql512ab"),
				.dies = 2,
				.bus_bytes_per_s = 30000000,
				.time_percent = 100,
				.misuse = misuse};
	(void)state;
	memset(&world, 0, sizeof world);
	project_reset();
	assert_non_null(c.part);
	world.size = 2 * vf_sim_part_size(c.part);
	world.flash = malloc(world.size);
	assert_non_null(world.flash);
	memset(world.flash, 0xFF, world.size);
	memset(world.flash, 0x5A, 1 << 20);
	c.array = world.flash;
	world.memory = malloc(vf_sim_chip_size(&c));
	assert_non_null(world.memory);
	world.chip = vf_sim_chip_init(world.memory, &c);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(world.memory);
	free(world.flash);
	return 0;
}

static const uint8_t id[12] = "a unique id";

static void programs_a_chip_it_has_found(void **state)
{
	(void)state;
	static uint8_t bytes[50001];
	vf_alloc alloc = {project_resize, NULL};
	vf_image image;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	vf_image_init(&image, &alloc);
	project_add(&image, bytes, sizeof bytes, BASE + 4099);
	assert_true(port_init(id));
	vf_job_result result = project_program(&image);
	assert_int_equal(result.error.code, VF_OK);
	assert_memory_equal(world.flash + 4099, bytes, sizeof bytes);
	assert_int_equal(world.flash[4098], 0x5A);
	assert_int_equal(world.flash[4099 + sizeof bytes], 0x5A);
	uint64_t erases = vf_sim_chip_stats(world.chip)->erases;
	assert_true(erases > 0);
	result = project_program(&image);
	assert_int_equal(result.error.code, VF_OK);
	assert_true(result.nothing_to_do);
	assert_int_equal(vf_sim_chip_stats(world.chip)->erases, erases);
	vf_image_free(&image);
}

static void a_chip_that_reports_a_failure_is_tried_again(void **state)
{
	(void)state;
	uint8_t bytes[3000];
	vf_alloc alloc = {project_resize, NULL};
	vf_image image;
	memset(bytes, 0x21, sizeof bytes);
	vf_image_init(&image, &alloc);
	project_add(&image, bytes, sizeof bytes, BASE);
	assert_true(port_init(id));
	vf_sim_chip_fail_next(world.chip, 1);
	vf_job_result result = project_program(&image);
	assert_int_equal(result.error.code, VF_OK);
	assert_true(result.attempts > 1);
	assert_memory_equal(world.flash, bytes, sizeof bytes);
	vf_image_free(&image);
}

static void finds_a_chip_in_any_mode(void **state)
{
	(void)state;
	vf_sim_chip_leave_in(world.chip, VF_SIM_MODE_QPI);
	assert_true(port_init(id));
	vf_job_result result = project_carry_out((vf_job_config){.kind = VF_JOB_INFO});
	assert_int_equal(result.error.code, VF_OK);
}

static void a_controller_that_fails_is_told(void **state)
{
	(void)state;
	world.broken = true;
	assert_true(port_init(id));
	assert_int_equal(project_carry_out((vf_job_config){.kind = VF_JOB_LINK}).error.code, VF_OK);
	vf_job_result result = project_carry_out((vf_job_config){
		.kind = VF_JOB_ERASE, .has_address = true, .address = BASE, .length = 4096});
	assert_int_equal(result.error.code, VF_E_FLASH);
	assert_non_null(strstr(result.error.text, "does not answer twice the same"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(programs_a_chip_it_has_found),
		T(a_chip_that_reports_a_failure_is_tried_again),
		T(finds_a_chip_in_any_mode),
		T(a_controller_that_fails_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
