/* The story that this product begins with, over the fakes of ST's driver: the receive
 * callback writes each packet to the flash, arms the endpoint again, and nothing is
 * ever erased. What comes out depends on the driver's line mode and on what the chip
 * held; then the same board and the same faults with the glue.
 */
#include <string.h>

#include "fake.h"
#include "fake_v2.h"

#include "../../boards/stm32cube/vcpflash_cube.h"

enum { SIZE = 65536, PACKET = 64, OLD = 0x5A };

static uint8_t image[SIZE];
static uint32_t offset;

static void initialise(BSP_QSPI_Interface_t mode)
{
	BSP_QSPI_Init_t init = {.InterfaceMode = mode};
	fake.masters_stopped = true; /* there are none */
	assert_int_equal(BSP_QSPI_Init(0, &init), BSP_ERROR_NONE);
	for (size_t i = 0; i < SIZE; i++)
		image[i] = (uint8_t)(i * 7 + i / 251);
	offset = 0;
	fake.reckless = true;
}

/* CDC_Receive_FS as in the story. */
static void receive(uint8_t *packet, uint32_t len)
{
	fake.in_interrupt = fake.now;
	(void)BSP_QSPI_Write(0, packet, offset, len);
	offset += len;
	if (!fake.dead)
		fake.in_interrupt = 0;
}

/* The script: packets as fast as full speed brings them. */
static void send_all(void)
{
	uint64_t next = fake.now;
	for (uint32_t at = 0; at < SIZE && !fake.dead; at += PACKET) {
		fake_pass(next);
		next = fake.now + 54;
		receive(image + at, PACKET);
	}
	fake_pass(fake.now + 10000);
	uint8_t ready[2];
	fake_status(ready); /* what ran has taken effect */
}

static uint32_t right(uint32_t *first_wrong)
{
	uint32_t n = 0;
	*first_wrong = SIZE;
	for (uint32_t i = SIZE; i-- > 0;) {
		n += fake.array[i] == image[i];
		if (fake.array[i] != image[i])
			*first_wrong = i;
	}
	return n;
}

static void blank(void)
{
	memset(fake.array, 0xFF, SIZE);
}

static void the_right_mode_on_a_blank_chip(void **state)
{
	(void)state;
	uint32_t first;
	blank();
	initialise(BSP_QSPI_QPI_MODE);
	send_all();
	assert_int_equal(right(&first), SIZE);
}

/* Every byte is old AND new, and nothing says so. */
static void the_right_mode_on_a_dirty_chip(void **state)
{
	(void)state;
	uint32_t first, n;
	initialise(BSP_QSPI_QPI_MODE);
	send_all();
	for (uint32_t i = 0; i < SIZE; i++)
		assert_int_equal(fake.array[i], image[i] & OLD);
	n = right(&first);
	print_message("dirty chip: %u %% right\n", n * 100 / SIZE);
	assert_true(n < SIZE / 5);
	assert_false(fake.dead);
}

/* A busy chip is taken for a ready one: what follows is lost. */
static void the_wrong_mode_on_a_blank_chip(void **state)
{
	(void)state;
	uint32_t first, n;
	blank();
	initialise(BSP_QSPI_SPI_MODE);
	send_all();
	n = right(&first);
	print_message("wrong mode: %u %% right, first wrong byte %u\n", n * 100 / SIZE, first);
	assert_int_equal(first, PACKET);
	assert_true(n < SIZE / 2 && n > SIZE / 5);
	assert_true(fake.objections > 0);
}

/* The wait counts ticks that cannot come, for SysTick has the lower priority. */
static void the_wrong_mode_with_lines_that_float_high(void **state)
{
	(void)state;
	uint32_t first;
	blank();
	initialise(BSP_QSPI_SPI_MODE);
	fake.faults.lines_high = true;
	send_all();
	assert_true(fake.dead);
	assert_true(right(&first) < SIZE / 100);
}

/* The same project, the same driver, the same wrong mode set by main.c. */
static void the_same_with_the_glue(void **state)
{
	(void)state;
	initialise(BSP_QSPI_SPI_MODE);
	fake.faults.lines_high = true;
	fake.reckless = false;
	assert_int_equal(fake_begin(), VF_OK);
	assert_int_equal(fake_program(FAKE_BASE, image, SIZE), VF_OK);
	assert_memory_equal(fake.array, image, SIZE);
	assert_int_equal(fake.array[SIZE], OLD);
	assert_int_equal(fake.objections, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fake_set_up, fake_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_right_mode_on_a_blank_chip), T(the_right_mode_on_a_dirty_chip),
		T(the_wrong_mode_on_a_blank_chip), T(the_wrong_mode_with_lines_that_float_high),
		T(the_same_with_the_glue),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
