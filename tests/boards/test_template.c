/* The template's loader, driven by a real job: its UART and its SPI are faked a byte at
 * a time, and behind the SPI is a simulated chip that objects to whatever a data sheet
 * forbids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/job.h>
#include <vcpflash/sim_chip.h>

#include "../../boards/template/hardware.h"
#include "../../boards/template/port.h"

#define BASE 0x90000000u

/* What follows an opcode on the wire. */
typedef struct shape {
	uint8_t opcode, address, dummies, dir;
	uint16_t most; /* bytes the chip is asked for at once */
} shape;

static const shape shapes[] = {
	{0x9F, 0, 0, VF_BUS_READ, 6},    {0x5A, 3, 1, VF_BUS_READ, 256},
	{0x05, 0, 0, VF_BUS_READ, 1},    {0x35, 0, 0, VF_BUS_READ, 1},
	{0x15, 0, 0, VF_BUS_READ, 1},    {0x70, 0, 0, VF_BUS_READ, 1},
	{0x03, 3, 0, VF_BUS_READ, 256},  {0x13, 4, 0, VF_BUS_READ, 256},
	{0x0B, 3, 1, VF_BUS_READ, 256},  {0x0C, 4, 1, VF_BUS_READ, 256},
	{0xFF, 0, 0, VF_BUS_WRITE, 8},   {0x01, 0, 0, VF_BUS_WRITE, 2},
	{0x31, 0, 0, VF_BUS_WRITE, 1},   {0x02, 3, 0, VF_BUS_WRITE, 256},
	{0x12, 4, 0, VF_BUS_WRITE, 256}, {0x20, 3, 0, VF_BUS_NONE, 0},
	{0x21, 4, 0, VF_BUS_NONE, 0},    {0x52, 3, 0, VF_BUS_NONE, 0},
	{0x5C, 4, 0, VF_BUS_NONE, 0},    {0xD8, 3, 0, VF_BUS_NONE, 0},
	{0xDC, 4, 0, VF_BUS_NONE, 0},
};

enum { QUEUE = 4096, TO_HOST = 8192 };

static struct {
	uint64_t now;
	uint8_t arrived[QUEUE], to_host[TO_HOST];
	size_t arrived_len, to_host_len;
	uint64_t sent_until; /* the transmitter is busy */
	uint32_t baud, host_baud, highest;
	uint8_t *flash;
	void *memory;
	vf_sim_chip *chip; /* NULL: nothing is connected */
	/* one chip-select assertion */
	vf_bus_op op;
	shape as;
	uint8_t data[256];
	uint32_t taken; /* bytes since chip-select went low */
	uint32_t at;    /* of data */
	bool asked;
} world;

static uint32_t micros(void *self)
{
	(void)self;
	return (uint32_t)++world.now;
}

/* --- UART ------------------------------------------------------------------------ */

void hardware_id(uint8_t id[HARDWARE_ID])
{
	memcpy(id, "a unique id", HARDWARE_ID);
}

unsigned hardware_receive(uint8_t *to, unsigned most)
{
	unsigned n = world.arrived_len < most ? (unsigned)world.arrived_len : most;

	memcpy(to, world.arrived, n);
	world.arrived_len -= n;
	memmove(world.arrived, world.arrived + n, world.arrived_len);
	return n;
}

bool hardware_can_send(void)
{
	return world.to_host_len < TO_HOST;
}

/* At another rate than the host's it arrives as something else. */
void hardware_send(uint8_t byte)
{
	world.to_host[world.to_host_len++] = world.baud == world.host_baud ? byte : 0xE5;
	world.sent_until = world.now + 200;
}

bool hardware_sent(void)
{
	return world.now >= world.sent_until;
}

void hardware_baud(uint32_t baud)
{
	assert_true(hardware_sent());
	world.baud = baud;
	if (baud > world.highest)
		world.highest = baud;
}

/* --- SPI --------------------------------------------------------------------------- */

static shape shape_of(uint8_t opcode)
{
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		if (shapes[i].opcode == opcode)
			return shapes[i];
	}
	return (shape){.opcode = opcode};
}

static void carry_out(uint32_t len)
{
	world.op.len = len;
	world.op.data_lanes = len != 0;
	world.op.dir = len != 0 ? world.as.dir : VF_BUS_NONE;
	world.asked = true;
	if (world.chip != NULL)
		world.now = vf_sim_chip_bus(world.chip, &world.op, world.now);
}

void hardware_select(bool on)
{
	if (on)
		world.taken = world.at = 0;
	else if (!world.asked)
		carry_out(world.at);
	world.asked = false;
}

static void take_head(uint8_t out)
{
	if (world.taken == 0) {
		world.as = shape_of(out);
		world.op = (vf_bus_op){.opcode = out,
				       .opcode_lanes = 1,
				       .addr_bytes = world.as.address,
				       .addr_lanes = world.as.address != 0,
				       .dummy = (uint8_t)(8 * world.as.dummies),
				       .tx = world.data,
				       .rx = world.data};
	} else if (world.taken <= world.as.address) {
		world.op.addr = world.op.addr << 8 | out;
	}
}

static uint8_t take_data(uint8_t out)
{
	if (world.as.dir == VF_BUS_NONE)
		fail_msg("command %02Xh with more bytes than expected", world.op.opcode);
	if (world.as.dir == VF_BUS_WRITE) {
		assert_true(world.at < world.as.most);
		world.data[world.at++] = out;
		return 0xFF;
	}
	if (world.at % world.as.most == 0) {
		world.op.addr += world.asked ? world.as.most : 0;
		carry_out(world.as.most);
	}
	return world.chip == NULL ? 0xFF : world.data[world.at++ % world.as.most];
}

uint8_t hardware_exchange(uint8_t out)
{
	world.now++;
	if (world.taken > 0 && world.taken > (uint32_t)world.as.address + world.as.dummies)
		return take_data(out);
	take_head(out);
	world.taken++;
	return 0xFF;
}

/* --- a host --------------------------------------------------------------------------- */

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size != 0)
		return realloc(p, size);
	free(p);
	return NULL;
}

static uint64_t number(void *ctx)
{
	uint64_t *n = ctx;

	return *n += 0x9E3779B97F4A7C15u;
}

static void misuse(void *ctx, const char *what)
{
	(void)ctx;
	fail_msg("the chip objects: %s", what);
}

/* Bytes of a host whose rate is not the board's arrive as something else too. */
static void arrive(const uint8_t *data, size_t len)
{
	memcpy(world.arrived, data, len);
	if (world.baud != world.host_baud)
		memset(world.arrived, 0xE5, len);
	world.arrived_len = len;
}

static void pump(vf_job *job)
{
	for (unsigned i = 0; !vf_job_finished(job) && i < 10000000; i++) {
		size_t len;
		(void)vf_job_rate(job, &world.host_baud);
		const uint8_t *data = vf_job_tx(job, &len, world.now);

		if (data != NULL) {
			arrive(data, len < 16 ? len : 16);
			vf_job_tx_done(job, world.arrived_len, world.now);
			while (world.arrived_len != 0)
				port_interrupt();
		}
		port_poll();
		vf_job_rx(job, world.to_host, world.to_host_len, world.now);
		world.to_host_len = 0;
		vf_job_tick(job, world.now);
		world.now += 50;
	}
	assert_true(vf_job_finished(job));
}

static vf_job_result carry_out_job(vf_job_config c)
{
	uint64_t seed = 1;
	vf_error err = {0};

	c.session.alloc = (vf_alloc){resize, NULL};
	c.session.random = number;
	c.session.ctx = &seed;
	c.session.rate = world.host_baud;
	c.session.rate_max = 921600;
	vf_job *job = vf_job_new(&c, &err);
	assert_non_null(job);
	pump(job);
	vf_job_result result = *vf_job_result_get(job);
	vf_job_free(job);
	return result;
}

static void connect_chip(const char *name)
{
	vf_sim_chip_config c = {.part = vf_sim_part_find(name),
				.dies = 1,
				.bus_bytes_per_s = 1000000,
				.time_percent = 100,
				.misuse = misuse};

	memset(&world, 0, sizeof world);
	world.baud = world.host_baud = 115200;
	assert_non_null(c.part);
	world.flash = malloc(vf_sim_part_size(c.part));
	assert_non_null(world.flash);
	memset(world.flash, 0x5A, vf_sim_part_size(c.part));
	c.array = world.flash;
	world.memory = malloc(vf_sim_chip_size(&c));
	assert_non_null(world.memory);
	world.chip = vf_sim_chip_init(world.memory, &c);
}

static void programs(const char *name, uint32_t at)
{
	static uint8_t bytes[10001];
	vf_alloc alloc = {resize, NULL};
	vf_error err = {0};
	vf_image image;

	connect_chip(name);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	vf_image_init(&image, &alloc);
	assert_int_equal(
		vf_image_add(&image, "a.bin", bytes, sizeof bytes,
			     &(vf_image_add_options){.has_address = true, .address = BASE + at},
			     &err),
		VF_OK);
	assert_int_equal(port_init(micros), VF_OK);
	vf_job_result r = carry_out_job((vf_job_config){.kind = VF_JOB_PROGRAM, .image = &image});
	assert_int_equal(r.error.code, VF_OK);
	assert_int_equal(world.highest, 460800);
	assert_memory_equal(world.flash + at, bytes, sizeof bytes);
	assert_int_equal(world.flash[at - 1], 0x5A);
	assert_int_equal(world.flash[at + sizeof bytes], 0x5A);
	/* the journal's first record is in the last sector but one, or nothing has been there */
	uint32_t unit = vf_sim_part_size(vf_sim_part_find(name)) - 2 * 4096;
	assert_int_equal(world.flash[unit], PORT_JOURNAL ? 0x4A : 0x5A);
	assert_int_equal(port_init(micros), VF_OK); /* after a reset, which reads it */
	world.baud = world.host_baud = 115200;
	r = carry_out_job((vf_job_config){
		.kind = VF_JOB_ERASE, .has_address = true, .address = BASE + unit, .length = 4096});
	assert_int_equal(r.error.code, PORT_JOURNAL ? VF_E_REFUSED : VF_OK);
	vf_image_free(&image);
	free(world.memory);
	free(world.flash);
}

static void programs_chips_of_both_address_sizes(void **state)
{
	(void)state;
	programs("w25q128jv", 4099);
	programs("mt25ql512ab", (48u << 20) + 300);
}

static void says_that_there_is_no_chip(void **state)
{
	(void)state;
	memset(&world, 0, sizeof world);
	world.baud = world.host_baud = 115200;
	assert_int_equal(port_init(micros), VF_OK);
	assert_true(world.to_host_len < TO_HOST);
	world.to_host[world.to_host_len] = '\0';
	assert_non_null(strstr((char *)world.to_host, "no flash chip answers"));
	assert_non_null(strstr((char *)world.to_host, " (its id: FF FF FF FF FF FF)\r\n"));
	/* and its link works, for whoever asks */
	vf_job_result r = carry_out_job((vf_job_config){.kind = VF_JOB_LINK});
	assert_int_equal(r.error.code, VF_OK);
	assert_int_equal(r.echo[0].lost, 0);
	assert_int_equal(port_init(micros), VF_OK);
	world.baud = world.host_baud = 115200;
	r = carry_out_job((vf_job_config){
		.kind = VF_JOB_ERASE, .has_address = true, .address = BASE, .length = 4096});
	if (r.error.code != VF_E_FLASH || strstr(r.error.text, "no chip answers") == NULL)
		fail_msg("%d: %s", r.error.code, r.error.text);
}

static void repeats_what_is_wrong_with_its_description(void **state)
{
	(void)state;
	memset(&world, 0, sizeof world);
	for (unsigned i = 0; i < 1500; i++) {
		port_complain(VF_E_USAGE);
		world.now += 1000;
	}
	assert_true(world.to_host_len < TO_HOST);
	world.to_host[world.to_host_len] = '\0';
	char *first = strstr((char *)world.to_host, "contradicts itself");
	assert_non_null(first);
	char *second = strstr(first + 1, "contradicts itself");
	assert_non_null(second);
	assert_null(strstr(second + 1, "contradicts itself"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_chips_of_both_address_sizes),
		cmocka_unit_test(says_that_there_is_no_chip),
		cmocka_unit_test(repeats_what_is_wrong_with_its_description),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
