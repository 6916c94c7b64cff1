/* vcpflash_cube.c in a faked CubeMX project: whole jobs over ST's prototypes, with a
 * driver that blocks, fails and lies, and a CDC that is busy. Built once for each
 * driver that the glue knows.
 */
#include <stdlib.h>
#include <string.h>

#include "fake.h"

#include "../../boards/stm32cube/vcpflash_cube.h"

#include VF_CUBE_BSP_HEADER

enum { SIZE = 100003, AT = 4099 }; /* neither whole pages nor whole sectors, both odd */
enum { WHOLE = 98304 };            /* whole sectors */

#define JOURNAL (VF_CUBE_JOURNAL * 2 * 4096 * fake.dies) /* at the end, nobody else's */

static uint8_t bytes[SIZE];

static void fill(unsigned seed)
{
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251 + seed);
}

static void begin(void)
{
	assert_int_equal(fake_begin(), VF_OK);
	assert_null(vf_cube_problem());
	assert_true(fake.mapped);
}

static void check_flash(void)
{
	assert_memory_equal(fake.array + AT, bytes, SIZE);
	assert_int_equal(fake.array[AT - 1], 0x5A);
	assert_int_equal(fake.array[AT + SIZE], 0x5A);
}

static void program_well(unsigned seed)
{
	fill(seed);
	assert_int_equal(fake_program(FAKE_BASE + AT, bytes, SIZE), VF_OK);
	check_flash();
}

static void programs_and_gives_the_flash_back(void **state)
{
	(void)state;
	begin();
	assert_int_equal(fake.quiesces, 1);
	assert_int_equal(fake.resumes, 1);
	assert_int_equal(fake.resumes_changed, 0);
	program_well(0);
	assert_string_equal(fake.log, "");
	assert_true(fake.masters_stopped);
	fake_idle(VF_CUBE_IDLE_MS + 500);
	assert_true(fake.mapped);
	assert_int_equal(fake.quiesces, 2);
	assert_int_equal(fake.resumes, 2);
	assert_int_equal(fake.resumes_changed, 1);
#ifndef FAKE_CORTEX_M4
	assert_false(fake.icache_stale);
#endif
	/* what the application reads now is new, although the cache held the old */
	uint8_t seen[SIZE];
	fake.masters_stopped = true;
	fake_copy_mapped(seen, FAKE_BASE + AT, SIZE);
	assert_memory_equal(seen, bytes, SIZE);
}

static void programs_again_what_differs(void **state)
{
	(void)state;
	uint8_t seen[64];
	begin();
	fake_copy_mapped(seen, FAKE_BASE + AT, sizeof seen); /* in the cache */
	program_well(0);
	program_well(1);
	vf_sim_stats before = *vf_sim_chip_stats(fake.chip);
	program_well(1);
	assert_int_equal(vf_sim_chip_stats(fake.chip)->erases, before.erases);
	assert_int_equal(vf_sim_chip_stats(fake.chip)->programs, before.programs);
}

static void packets_of_every_size_and_pace(void **state)
{
	(void)state;
	static const uint32_t paces[] = {1, 54, 700};
	begin();
	for (unsigned i = 0; i < 6; i++) {
		fake.any_size = i % 2 == 1;
		fake.pace = paces[i / 2];
		fake.busy = i * 150;
		fake.packet = 64;
		fake.random = i;
		program_well(i + 1);
	}
	assert_true(fake.refused > 0);
	assert_string_equal(fake.log, "");
}

/* Whatever arrives, and however fast: none is taken that does not fit. */
static void a_sender_without_mercy(void **state)
{
	(void)state;
	uint8_t junk[64];
	unsigned taken = 0;
	begin();
	memset(junk, 0x11, sizeof junk);
	for (; fake.armed; taken++) {
		assert_true(taken * sizeof junk < VF_CUBE_RING);
		fake.armed = false;
		vf_cube_received(junk, sizeof junk);
	}
	assert_true(taken * sizeof junk > VF_CUBE_RING - 2 * sizeof junk);
	fake_idle(1000);
	assert_true(fake.armed);
	program_well(2);
}

static void high_speed(void **state)
{
	(void)state;
	fake.packet = 512;
	fake.pace = 20;
	begin();
	program_well(3);
}

/* What came before the loader was up is not lost for good, nor is the endpoint. */
static void packets_before_the_loader_is_up(void **state)
{
	(void)state;
	static const uint8_t early[3] = {0, 1, 2};
	fake.armed = false;
	vf_cube_received(early, sizeof early);
	begin();
	program_well(4);
}

static void the_cable_is_pulled_and_plugged(void **state)
{
	(void)state;
	begin();
	fake.busy = 3000;
	fake.armed = false; /* the device was configured anew */
	fake.sending_len = 0;
	fake.sending_until = 0;
	vf_cube_connected();
	fake.armed = true;
	program_well(5);
}

/* In the middle of a job, whatever the endpoint and the transmitter are doing then. */
static void the_cable_is_pulled_from_a_job(void **state)
{
	(void)state;
	begin();
	fill(6);
	for (unsigned packets = 3; packets < 600; packets += 149) {
		fake_program_cut(FAKE_BASE, bytes, SIZE, packets);
		vf_cube_disconnected();
		fake.unplugged = true;
		fake.armed = false;
		fake.sending_len = 0;
		fake.sending_until = 0;
		fake_idle(VF_CUBE_IDLE_MS + 2000);
		assert_false(vf_cube_poll()); /* a task may sleep */
		assert_true(fake.mapped);
		assert_false(fake.masters_stopped);
		fake.unplugged = false;
		fake.armed = true;
		vf_cube_connected();
	}
	assert_int_equal(fake_program(FAKE_BASE, bytes, SIZE), VF_OK);
	assert_memory_equal(fake.array, bytes, SIZE);
}

/* Brought up again while the flash is not mapped: the project's MPU region comes back. */
static void begins_again(void **state)
{
	(void)state;
	begin();
	fake_program_cut(FAKE_BASE, bytes, SIZE, 900);
	assert_false(fake.mapped);
	fake.masters_stopped = false;
	begin();
	assert_int_equal(fake_program(FAKE_BASE, bytes, WHOLE), VF_OK);
	fake_idle(VF_CUBE_IDLE_MS + 500);
	assert_false(vf_cube_startable(FAKE_BASE)); /* looks through the window */
}

/* Nothing has been enumerated when the loader already has something to say. */
static void a_line_before_usb_is_up(void **state)
{
	(void)state;
	fake.faults.fail_map = true;
	fake.unplugged = true;
	vf_cube_disconnected();
	(void)fake_begin();
	fake_idle(1000);
}

static void the_whole_chip(void **state)
{
	(void)state;
	vf_job_result result;

	begin();
	memset(fake.array, 0xA5, 65536);
	vf_job_config c = {.kind = VF_JOB_ERASE,
			   .has_address = true,
			   .address = FAKE_BASE,
			   .length = fake.size,
			   .discard = true,
			   .full = true};
#if VF_CUBE_JOURNAL
	assert_int_equal(fake_job(c, &result), VF_E_REFUSED); /* its end is the journal's */
	assert_int_equal(fake.array[0], 0xA5);
	return;
#endif
	assert_int_equal(fake_job(c, &result), VF_OK);
	assert_int_equal(fake.array[0], 0xFF);
	assert_int_equal(fake.array[fake.size - 1], 0xFF);
}

typedef struct collected {
	uint8_t bytes[70000];
	size_t len;
} collected;

static int collect(void *ctx, const uint8_t *data, size_t len)
{
	collected *c = ctx;
	assert_true(len <= sizeof c->bytes - c->len);
	memcpy(c->bytes + c->len, data, len);
	c->len += len;
	return VF_OK;
}

/* Up to the last byte, at which a mapped read would hang the bus. */
static void reads_the_end(void **state)
{
	(void)state;
	collected got = {.len = 0};
	uint32_t end = fake.size - JOURNAL;
	begin();
	fake.array[fake.size - 1] = 0x77;
	vf_job_config c = {.kind = VF_JOB_READ,
			   .has_address = true,
			   .address = FAKE_BASE + (fake.size - 66001),
			   .length = 66001};
	c.call.sink = collect;
	c.call.ctx = &got;
	assert_int_equal(fake_job(c, NULL), VF_OK);
	assert_int_equal(got.len, 66001);
	assert_memory_equal(got.bytes, fake.array + fake.size - 66001, got.len);
	fill(9);
	assert_int_equal(fake_program(FAKE_BASE + end - 5000, bytes, 5000), VF_OK);
	assert_memory_equal(fake.array + end - 5000, bytes, 5000);
}

static void starts_an_application(void **state)
{
	(void)state;
	vf_job_config c = {.kind = VF_JOB_RUN, .has_address = true, .address = FAKE_BASE + AT - 3};
	begin();
	program_well(0);
	assert_int_not_equal(fake_job(c, NULL), VF_OK);
	assert_int_equal(fake.started, 0);
	static const uint8_t vectors[8] = {0, 0, 2, 0x20, 0x41, 0x10, 0, 0x90};
	assert_int_equal(fake_program(FAKE_BASE + AT - 3, vectors, sizeof vectors), VF_OK);
	fake.busy = 5000;
	assert_int_equal(fake_job(c, NULL), VF_OK);
	fake_idle(20);
	assert_int_equal(fake.started, FAKE_BASE + AT - 3);
}

/* What a project asks that starts its application without a host. */
static void a_start_of_its_own(void **state)
{
	(void)state;
	static const uint8_t vectors[8] = {0, 0, 2, 0x20, 0x41, 0x10, 0, 0x90};
	begin();
	assert_false(vf_cube_startable(FAKE_BASE)); /* no vectors */
	assert_int_equal(fake_program(FAKE_BASE, vectors, sizeof vectors), VF_OK);
	fake_idle(VF_CUBE_IDLE_MS + 500);
	assert_true(vf_cube_startable(FAKE_BASE));
	assert_false(vf_cube_startable(FAKE_BASE - 0x100));
	assert_false(vf_cube_startable(FAKE_BASE + fake.size));
	assert_false(vf_cube_startable(FAKE_BASE + fake.size - 8));
	fake_program_cut(FAKE_BASE + AT, bytes, SIZE, 900);
	assert_false(fake.mapped);
	assert_false(vf_cube_startable(FAKE_BASE)); /* not now */
}

#if VF_CUBE_JOURNAL
/* What is cut off by a power cut is not startable until it is complete. */
static void a_journal_remembers(void **state)
{
	(void)state;
	static const uint8_t vectors[8] = {0, 0, 2, 0x20, 0x41, 0x10, 0, 0x90};
	vf_job_config run = {.kind = VF_JOB_RUN, .has_address = true, .address = FAKE_BASE};
	begin();
	fill(1);
	memcpy(bytes, vectors, sizeof vectors);
	assert_int_equal(fake_program(FAKE_BASE, bytes, WHOLE), VF_OK);
	begin();
	assert_true(vf_cube_startable(FAKE_BASE));
	fill(2);
	memcpy(bytes, vectors, sizeof vectors);
	fake_program_cut(FAKE_BASE, bytes, WHOLE, 900);
	vf_sim_chip_power_cut(fake.chip, fake.now);
	begin();
	assert_false(vf_cube_startable(FAKE_BASE));
	assert_int_equal(fake_job(run, NULL), VF_E_REFUSED);
	assert_int_equal(fake_program(FAKE_BASE, bytes, WHOLE), VF_OK);
	begin();
	assert_true(vf_cube_startable(FAKE_BASE));
	/* its sectors are nobody else's */
	fill(2);
	assert_int_equal(fake_program(FAKE_BASE + fake.size - 5000, bytes, 5000), VF_E_REFUSED);
}

/* It comes up all the same, but nothing is started; a host's session reads it again. */
static void a_journal_that_cannot_be_read(void **state)
{
	(void)state;
	static const uint8_t vectors[8] = {0, 0, 2, 0x20, 0x41, 0x10, 0, 0x90};
	begin();
	fill(1);
	assert_int_equal(fake_program(FAKE_BASE, vectors, sizeof vectors), VF_OK);
	fake.faults.fail_read = true;
	begin();
	fake.faults.fail_read = false;
	assert_non_null(strstr(fake.log, "cannot read the chip"));
	assert_false(vf_cube_startable(FAKE_BASE));
	assert_int_equal(fake_program(FAKE_BASE + AT, bytes, SIZE), VF_OK);
	begin();
	assert_true(vf_cube_startable(FAKE_BASE));
	program_well(1);
}
#endif

/* --- a driver that fails ------------------------------------------------------------ */

static void a_driver_that_fails_once(void **state)
{
	(void)state;
	begin();
	fake.faults.fail = 1;
	program_well(6);
	assert_non_null(strstr(fake.log, "the driver did not reach the chip"));
	assert_non_null(strstr(fake.text, "vcpflash: BSP_")); /* the host saw it too */
}

static void a_driver_that_hangs_once(void **state)
{
	(void)state;
	begin();
	fake.faults.hang = 1;
	program_well(7);
	assert_non_null(strstr(fake.log, "waited for the chip in vain"));
}

/* The job fails, and the reason is told, to the host as well. */
static void fails_with(const char *reason)
{
	fill(8);
	begin();
	assert_int_equal(fake_program(FAKE_BASE + AT, bytes, SIZE), VF_E_FLASH);
	if (strstr(fake.log, reason) == NULL)
		fail_msg("the log says: %s", fake.log);
	fake_idle(100);
	if (strstr(fake.text, reason) == NULL)
		fail_msg("the host heard: %s", fake.text);
}

static void a_driver_that_does_not_write(void **state)
{
	(void)state;
	fake.faults.no_write = true;
	fails_with("said that it wrote, but the chip is blank");
}

static void a_driver_that_does_not_erase(void **state)
{
	(void)state;
	fake.faults.no_erase = true;
	fails_with("said that it erased, but it was not");
}

static void a_driver_that_reads_late(void **state)
{
	(void)state;
	memset(fake.array, 0xFF, 4 * 1024 * 1024);
	fake.faults.shift = 2;
	/* the first that is read back is an erased unit of the journal */
	fails_with(VF_CUBE_JOURNAL ? "said that it erased" : "shifted");
}

static void a_driver_that_always_fails(void **state)
{
	(void)state;
	fake.faults.fail = 1000000;
	fails_with("the driver did not reach the chip");
}

static void a_flash_that_cannot_be_mapped(void **state)
{
	(void)state;
	fake.faults.fail_map = true;
	(void)fake_begin();
	assert_int_equal(fake_program(FAKE_BASE + AT, bytes, SIZE), VF_E_FLASH);
	assert_non_null(strstr(fake.log, "cannot be mapped"));
}

static void masters_that_do_not_stop(void **state)
{
	(void)state;
	begin();
	fake.quiesce_fails = 1;
	fill(8);
	assert_int_equal(fake_program(FAKE_BASE + AT, bytes, SIZE), VF_E_FLASH);
	assert_non_null(strstr(fake.log, "quiesce hook"));
	assert_int_equal(vf_sim_chip_stats(fake.chip)->erases, 0);
}

/* --- it refuses to begin ---------------------------------------------------------------- */

/* Nothing is done to the chip; whoever speaks to the port is told why. */
static void refuses(int status, const char *reason)
{
	assert_int_equal(fake_begin(), status);
	assert_non_null(vf_cube_problem());
	if (strstr(vf_cube_problem(), reason) == NULL)
		fail_msg("it says: %s", vf_cube_problem());
	fill(1);
	fake_idle(2000);
	assert_int_equal(fake_program(FAKE_BASE + AT, bytes, SIZE), VF_E_LINK);
	if (strstr(fake.text, reason) == NULL)
		fail_msg("the host heard: %s", fake.text);
	assert_int_equal(vf_sim_chip_stats(fake.chip)->erases, 0);
	assert_int_equal(vf_sim_chip_stats(fake.chip)->programs, 0);
}

static void vectors_in_the_flash(void **state)
{
	(void)state;
	fake_scb.VTOR = FAKE_BASE + 0x1000;
	refuses(VF_E_REFUSED, "vector table");
	assert_int_equal(fake.inits, 0);
	assert_int_equal(fake.quiesces, 0);
}

static void code_in_the_flash(void **state)
{
	(void)state;
	fake.code_at = FAKE_BASE + 0x20000;
	refuses(VF_E_REFUSED, "linker script");
	assert_int_equal(fake.inits, 0);
}

static void a_driver_that_does_not_come_up(void **state)
{
	(void)state;
	fake.faults.fail_init = true;
	refuses(VF_E_FLASH, "Init returned");
}

static void a_driver_that_does_not_know_its_size(void **state)
{
	(void)state;
	fake.faults.fail_info = true;
	refuses(VF_E_FLASH, "GetInfo failed");
}

static void a_driver_of_another_board(void **state)
{
	(void)state;
	fake.faults.size = 3 * 1024 * 1024;
	refuses(VF_E_CONFLICT, "0x00300000 bytes");
}

static void a_name_that_breaks_the_rules(void **state)
{
	(void)state;
	fake.name = "a name of more than thirty-two bytes";
	refuses(VF_E_USAGE, "breaks the rules");
}

static void masters_that_never_stop(void **state)
{
	(void)state;
	fake.quiesce_fails = 1;
	refuses(VF_E_REFUSED, "quiesce hook");
	assert_int_equal(fake.inits, 0);
}

#if VF_CUBE_BSP != VF_CUBE_QSPI_V1
static void a_chip_that_answers_nothing(void **state)
{
	(void)state;
	fake.faults.constant = 0xFF;
	refuses(VF_E_NO_CHIP, "read ff ff ff");
	(void)memset(fake.text, 0, sizeof fake.text);
	fake.faults.constant = 0;
	refuses(VF_E_NO_CHIP, "read 00 00 00");
}

static void a_size_that_the_chip_has_not(void **state)
{
	(void)state;
	fake.faults.size = fake.size / 2;
	refuses(VF_E_CONFLICT, "by its id the chip has");
}

static void a_status_that_cannot_be_read(void **state)
{
	(void)state;
	fake.faults.fail_status = true;
	fails_with("GetStatus");
}

static void a_driver_that_reads_a_constant(void **state)
{
	(void)state;
	fill(8);
	begin();
	memset(fake.array, 0xFF, 4 * 1024 * 1024);
	fake.faults.constant = 0xFF;
	assert_int_equal(fake_program(FAKE_BASE + AT, bytes, SIZE), VF_E_FLASH);
	assert_non_null(strstr(fake.log, "the chip is blank"));
	if (VF_CUBE_JOURNAL)
		return; /* it could not be written, so nothing more is tried */
	memset(fake.log, 0, sizeof fake.log);
	fake.faults.constant = 0x3C;
	assert_int_equal(fake_program(FAKE_BASE + AT, bytes, SIZE), VF_E_FLASH);
	assert_true(fake.log[0] != '\0');
}
#endif

#if VF_CUBE_BSP == VF_CUBE_QSPI_V2
static void one_bank_without_a_chip(void **state)
{
	(void)state;
	fake.faults.one_bank = true;
	refuses(VF_E_NO_CHIP, "read 20 ff ba ff");
}

static void one_die_that_is_left_out(void **state)
{
	(void)state;
	fake.faults.one_die = true;
	fails_with("one of the two dies was not erased");
}

static void one_die_that_is_not_written(void **state)
{
	(void)state;
	memset(fake.array, 0xFF, 4 * 1024 * 1024);
	fake.faults.one_die = true;
	/* the journal erases its unit first, blank or not */
	fails_with(VF_CUBE_JOURNAL ? "one of the two dies was not erased"
				   : "one of the two dies did not take it");
}

static void erases_that_wait_or_do_not(void **state)
{
	(void)state;
	begin();
	program_well(1);
	fake.faults.erase_waits = true;
	program_well(2);
}

/* BSP_QSPI_Init had been called, for a mode that does not work, and mapped. */
static void a_project_that_uses_the_flash(void **state)
{
	(void)state;
	BSP_QSPI_Init_t init = {.InterfaceMode = BSP_QSPI_SPI_MODE,
				.TransferRate = BSP_QSPI_STR_TRANSFER};
	assert_int_equal(BSP_QSPI_Init(0, &init), BSP_ERROR_NONE);
	assert_int_equal(BSP_QSPI_EnableMemoryMappedMode(0), BSP_ERROR_NONE);
	begin();
	assert_int_equal(QSPI_Ctx[0].InterfaceMode, BSP_QSPI_QPI_MODE);
	assert_int_equal(QSPI_Ctx[0].TransferRate, BSP_QSPI_DTR_TRANSFER);
	program_well(2);
}
#endif

#if VF_CUBE_BSP == VF_CUBE_QSPI_V1 && !defined MX25R6435F_BLOCK_SIZE
static void an_erase_of_more_than_it_says(void **state)
{
	(void)state;
	fake.faults.erases = 65536;
	fails_with("erased more than GetInfo says");
}

static void an_erase_of_less_than_it_says(void **state)
{
	(void)state;
	fake.faults.sector = 65536;
	fails_with("erases less than GetInfo says");
}
#endif

static void chips_that_take_their_time(void **state)
{
	(void)state;
	begin();
	program_well(1);
	program_well(2);
	assert_string_equal(fake.log, "");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fake_set_up, fake_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(programs_and_gives_the_flash_back),
		T(programs_again_what_differs),
		cmocka_unit_test_setup_teardown(chips_that_take_their_time, fake_set_up_uneven,
						fake_tear_down),
		T(packets_of_every_size_and_pace),
		T(a_sender_without_mercy),
		T(high_speed),
		T(packets_before_the_loader_is_up),
		T(the_cable_is_pulled_and_plugged),
		T(the_cable_is_pulled_from_a_job),
		T(begins_again),
		T(a_line_before_usb_is_up),
		T(a_start_of_its_own),
		T(the_whole_chip),
#if VF_CUBE_JOURNAL
		T(a_journal_remembers),
		T(a_journal_that_cannot_be_read),
#endif
		T(reads_the_end),
		T(starts_an_application),
		T(a_driver_that_fails_once),
		T(a_driver_that_hangs_once),
		T(a_driver_that_does_not_write),
		T(a_driver_that_does_not_erase),
		T(a_driver_that_reads_late),
		T(a_driver_that_always_fails),
		T(a_flash_that_cannot_be_mapped),
		T(masters_that_do_not_stop),
		T(vectors_in_the_flash),
		T(code_in_the_flash),
		T(a_driver_that_does_not_come_up),
		T(a_driver_that_does_not_know_its_size),
		T(a_driver_of_another_board),
		T(a_name_that_breaks_the_rules),
		T(masters_that_never_stop),
#if VF_CUBE_BSP != VF_CUBE_QSPI_V1
		T(a_chip_that_answers_nothing),
		T(a_size_that_the_chip_has_not),
		T(a_status_that_cannot_be_read),
		T(a_driver_that_reads_a_constant),
#endif
#if VF_CUBE_BSP == VF_CUBE_QSPI_V2
		T(one_bank_without_a_chip),
		T(one_die_that_is_left_out),
		T(one_die_that_is_not_written),
		T(erases_that_wait_or_do_not),
		T(a_project_that_uses_the_flash),
#endif
#if VF_CUBE_BSP == VF_CUBE_QSPI_V1 && !defined MX25R6435F_BLOCK_SIZE
		T(an_erase_of_more_than_it_says),
		T(an_erase_of_less_than_it_says),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
