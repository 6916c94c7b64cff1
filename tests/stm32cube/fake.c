/* fake.c - see fake.h: the chip below the drivers, the processor, the CDC, the host. */
#include "fake.h"

#include <stdlib.h>
#include <string.h>

#include "../../boards/stm32cube/vcpflash_cube.h"

enum {
	STEP_US = 50, /* interrupts come no closer */
	LINE_BYTES = 32,
	USED = 4 * 1024 * 1024, /* what tests touch, and as much at the end */
	REGION = 0x12345600,    /* what the project has in its last MPU region */
};

fake_project fake;
SCB_Type fake_scb;
MPU_Type fake_mpu;
SysTick_Type fake_systick;
NVIC_Type fake_nvic;

static struct {
	uint8_t *array, *cached, *valid;
	void *memory;
} room; /* kept from test to test */

/* --- time and interrupts -------------------------------------------------------- */

static uint32_t draw(uint32_t below)
{
	fake.random = fake.random * 1664525u + 1013904223u;
	return (fake.random >> 8) % below;
}

/* A packet arrives when the endpoint is armed, the host has one, and the line is free. */
static void interrupt(void)
{
	size_t len;
	if (fake.masked || !fake.armed || fake.job == NULL || fake.now < fake.next_packet)
		return;
	const uint8_t *data = vf_job_tx(fake.job, &len, fake.now);
	if (data == NULL)
		return;
	size_t n = len < fake.packet ? len : fake.packet;
	if (fake.any_size)
		n = 1 + draw((uint32_t)n);
	memcpy(fake.packet_bytes, data, n);
	vf_job_tx_done(fake.job, n, fake.now);
	fake.armed = false;
	fake.packets++;
	fake.next_packet = fake.now + (fake.any_size ? draw(2 * fake.pace) : fake.pace);
	vf_cube_received(fake.packet_bytes, (uint32_t)n);
}

void fake_pass(uint64_t until)
{
	while (fake.now < until) {
		uint64_t next = fake.now + STEP_US;
		fake.now = next < until ? next : until;
		interrupt();
	}
}

uint32_t HAL_GetTick(void)
{
	fake.now++;            /* a loop that waits gets there, */
	if (fake.in_interrupt) /* if SysTick may interrupt it */
		return (uint32_t)(fake.in_interrupt / 1000);
	return (uint32_t)(fake.now / 1000);
}

uint32_t HAL_GetUIDw0(void)
{
	return 0x11223344;
}

uint32_t HAL_GetUIDw1(void)
{
	return 0x55667788;
}

uint32_t HAL_GetUIDw2(void)
{
	return 0x99AABBCC;
}

/* --- the processor ---------------------------------------------------------------- */

uint32_t __get_PRIMASK(void)
{
	return fake.masked;
}

void __set_PRIMASK(uint32_t masked)
{
	fake.masked = masked != 0;
}

void __disable_irq(void)
{
	fake.masked = true;
}

uintptr_t fake_code_at(uintptr_t function)
{
	return fake.code_at != 0 ? fake.code_at : function;
}

#ifndef FAKE_CORTEX_M4
void SCB_InvalidateDCache_by_Addr(void *address, int32_t len)
{
	uintptr_t at = (uintptr_t)address;
	assert_true(at % LINE_BYTES == 0 && len > 0 && at >= FAKE_BASE);
	assert_true(at - FAKE_BASE + (uint32_t)len <= fake.size);
	memset(fake.valid + (at - FAKE_BASE) / LINE_BYTES, 0, (uint32_t)len / LINE_BYTES);
}

void SCB_InvalidateICache(void)
{
	fake.icache_stale = false;
}
#endif

static void check_window(bool closed)
{
#ifndef FAKE_CORTEX_M4
	if (closed) {
		assert_int_equal(fake_mpu.RBAR, FAKE_BASE);
		assert_int_equal(fake_mpu.RASR & 1, 1);
		assert_int_equal(fake_mpu.RASR >> 24 & 7, 0); /* no access */
		assert_true(2u << (fake_mpu.RASR >> 1 & 31) >= fake.size);
		assert_int_equal(fake_mpu.CTRL & 1, 1);
	} else {
		assert_int_equal(fake_mpu.RBAR, REGION);
		assert_int_equal(fake_mpu.RASR, 0x01000001);
	}
#else
	(void)closed;
#endif
}

static void cache_line(uint32_t line)
{
#ifdef FAKE_CORTEX_M4
	fake.valid[line] = 0;
#endif
	if (fake.valid[line] != 0)
		return;
	/* a controller that was told the very size hangs at the last byte */
	assert_true((line + 1) * LINE_BYTES < fake.size);
	vf_sim_chip_mapped(fake.chip, line * LINE_BYTES, fake.cached + line * LINE_BYTES,
			   LINE_BYTES, fake.now);
	fake.valid[line] = 1;
}

void fake_copy_mapped(uint8_t *to, uint32_t address, uint32_t len)
{
	uint32_t offset = address - FAKE_BASE;
	assert_true(fake.mapped);
	assert_true(offset < fake.size && len <= fake.size - offset);
	check_window(false);
	for (uint32_t line = offset / LINE_BYTES; line * LINE_BYTES < offset + len; line++)
		cache_line(line);
	memcpy(to, fake.cached + offset, len);
	if (fake.faults.constant >= 0)
		memset(to, fake.faults.constant, len);
	fake_pass(fake.now + len / 50);
}

/* --- the chip, under the driver ------------------------------------------------------ */

static void misuse(void *ctx, const char *what)
{
	(void)ctx;
	fake.objections++;
	if (!fake.reckless)
		fail_msg("the chip objects: %s", what);
}

static void bus(vf_bus_op op)
{
	op.opcode_lanes = 1;
	op.addr_lanes = op.addr_bytes != 0;
	op.data_lanes = op.len != 0;
	fake_pass(vf_sim_chip_bus(fake.chip, &op, fake.now));
	fake.now++;
}

static uint8_t address_bytes(void)
{
	return fake.size / fake.dies > 16 * 1024 * 1024 ? 4 : 3;
}

static void array_command(uint8_t three, uint8_t four, uint32_t offset, vf_bus_op op)
{
	op.addr_bytes = address_bytes();
	op.opcode = op.addr_bytes == 4 ? four : three;
	op.addr = offset;
	bus(op);
}

void fake_command(void)
{
	assert_false(fake.mapped);
	if (fake.maps > 0)
		check_window(true);
	assert_true(fake.masters_stopped);
}

void fake_status(uint8_t *each)
{
	bus((vf_bus_op){.opcode = 0x05, .dir = VF_BUS_READ, .len = fake.dies, .rx = each});
}

/* Whoever has waited for a minute waits for ever. */
static bool dead(void)
{
	if (fake.in_interrupt && fake.now - fake.in_interrupt > 60000000)
		fake.dead = true;
	return fake.dead;
}

/* As long as any die is at work, or in vain. */
int fake_wait(uint32_t limit_ms)
{
	uint32_t began = HAL_GetTick();
	uint8_t status[2] = {0};
	do {
		fake_status(status);
		if (!fake.faults.blind && ((status[0] | status[1]) & 1) == 0)
			return 0;
		fake_pass(fake.now + 20);
	} while (HAL_GetTick() - began < limit_ms && !dead());
	return -1;
}

int fake_read(uint32_t offset, uint8_t *to, uint32_t len)
{
	fake_command();
	if (fake.faults.fail_read)
		return -1;
	array_command(0x03, 0x13, offset, (vf_bus_op){.dir = VF_BUS_READ, .len = len, .rx = to});
	if (fake.faults.constant >= 0)
		memset(to, fake.faults.constant, len);
	if (fake.faults.shift != 0 && fake.faults.shift < len) {
		memmove(to + fake.faults.shift, to, len - fake.faults.shift);
		memset(to, 0x5A, fake.faults.shift);
	}
	return 0;
}

static bool fails(void)
{
	if (fake.faults.fail == 0)
		return false;
	fake.faults.fail--;
	return true;
}

int fake_write(uint32_t offset, const uint8_t *from, uint32_t len)
{
	uint8_t half[512];
	fake_command();
	assert_true(offset % fake.dies == 0 && len % fake.dies == 0 && len <= sizeof half);
	if (fake.faults.hang != 0) {
		fake.faults.hang--;
		fake_pass(fake.now + 5000000);
		return -1;
	}
	if (fails())
		return -1;
	if (fake.faults.no_write)
		return 0;
	memcpy(half, from, len);
	for (uint32_t i = 1; fake.faults.one_die && i < len; i += 2)
		half[i] = 0xFF;
	bus((vf_bus_op){.opcode = 0x06});
	array_command(0x02, 0x12, offset, (vf_bus_op){.dir = VF_BUS_WRITE, .len = len, .tx = half});
	return 0;
}

static void erase_one_die(uint32_t offset, uint32_t len)
{
	for (uint32_t i = 0; i < len; i += 2)
		fake.array[offset + i] = 0xFF;
}

int fake_erase(uint32_t offset, uint32_t len)
{
	fake_command();
	if (fails())
		return -1;
	if (fake.faults.no_erase)
		return 0;
	if (len == 4096 * fake.dies && fake.faults.erases != 0)
		len = fake.faults.erases;
	offset &= ~(len - 1);
	if (fake.faults.one_die) {
		erase_one_die(offset, len);
		return 0;
	}
	bus((vf_bus_op){.opcode = 0x06});
	uint32_t die = len / fake.dies;
	if (len == fake.size)
		bus((vf_bus_op){.opcode = 0xC7});
	else
		array_command(die == 4096    ? 0x20
			      : die == 32768 ? 0x52
					     : 0xD8,
			      die == 4096    ? 0x21
			      : die == 32768 ? 0x5C
					     : 0xDC,
			      offset, (vf_bus_op){0});
	return fake.faults.erase_waits ? fake_wait(600000) : 0;
}

/* Of two dies each byte comes twice. */
void fake_id(uint8_t *id, unsigned len)
{
	uint8_t raw[6];
	fake_command();
	bus((vf_bus_op){.opcode = 0x9F, .dir = VF_BUS_READ, .len = 3 * fake.dies, .rx = raw});
	memcpy(id, raw, len < sizeof raw ? len : sizeof raw);
	for (unsigned i = 1; fake.faults.one_bank && i < len; i += 2)
		id[i] = 0xFF;
	if (fake.faults.constant >= 0)
		memset(id, fake.faults.constant, len);
}

void fake_map(bool mapped)
{
	fake.mapped = mapped;
	fake.maps += mapped;
}

/* --- the project ------------------------------------------------------------------------ */

static void arrive(void)
{
	if (fake.sending_len == 0 || fake.now < fake.sending_until)
		return;
	/* what is being sent stays as it is */
	assert_memory_equal(fake.sending, fake.sending_copy, fake.sending_len);
	assert_true(fake.to_host_len + fake.sending_len <= sizeof fake.to_host);
	memcpy(fake.to_host + fake.to_host_len, fake.sending_copy, fake.sending_len);
	fake.to_host_len += fake.sending_len;
	fake.sending_len = 0;
}

/* CDC_Transmit_FS. A transfer that ends on a full packet would wait for ever. */
static uint8_t cdc_transmit(uint8_t *data, uint16_t len)
{
	assert_true(fake.masked);
	assert_false(fake.unplugged);
	if (fake.now < fake.sending_until) {
		fake.refused++;
		return 1;
	}
	arrive();
	assert_true(len == 0 || len % fake.packet != 0);
	assert_true(len <= sizeof fake.sending_copy);
	memcpy(fake.sending_copy, data, len);
	fake.sending = data;
	fake.sending_len = len;
	fake.sending_until = fake.now + 10 + len / 2 + fake.busy + draw(fake.busy + 1);
	return 0;
}

static void cdc_rearm(void)
{
	assert_false(fake.armed);
	assert_false(fake.unplugged);
	fake.armed = true;
}

static int quiesce(void)
{
	fake.quiesces++;
	if (fake.quiesce_fails != 0)
		return fake.quiesce_fails;
	fake.masters_stopped = true;
	return 0;
}

static void resume(bool changed)
{
	fake.resumes++;
	fake.resumes_changed += changed;
	assert_true(fake.mapped && fake.masters_stopped);
	fake.masters_stopped = false;
}

static void note(const char *line)
{
	assert_true(strlen(fake.log) + strlen(line) + 2 < sizeof fake.log);
	strcat(strcat(fake.log, line), "\n");
}

static void start(uint32_t address)
{
	assert_true(fake.mapped && fake.masters_stopped);
	arrive();
	assert_int_equal(fake.sending_len, 0); /* the last word has left */
	fake.started = address;
}

int fake_begin(void)
{
	static const vf_cube_config c = {.name = "a board",
					 .packet = 64,
					 .transmit = cdc_transmit,
					 .rearm = cdc_rearm,
					 .quiesce = quiesce,
					 .resume = resume,
					 .log = note,
					 .start = start};
	vf_cube_config own = c;
	own.packet = fake.packet;
	if (fake.name != NULL)
		own.name = fake.name;
	if (!fake.unplugged) {
		fake.armed = true; /* the class does that when it is configured */
		vf_cube_connected();
	}
	return vf_cube_init(&own);
}

static void make_rooms(uint32_t size)
{
	if (room.array != NULL)
		return;
	room.array = malloc(size);
	room.cached = malloc(size);
	room.valid = malloc(size / LINE_BYTES);
	assert_true(room.array != NULL && room.cached != NULL && room.valid != NULL);
	memset(room.array, 0xFF, size);
}

static int set_up(uint32_t time_percent)
{
	vf_sim_chip_config c = {.part = vf_sim_part_find(fake_part()),
				.dies = (uint8_t)fake_part_dies(),
				.bus_bytes_per_s = 30000000,
				.time_percent = time_percent,
				.seed = 7,
				.misuse = misuse};
	assert_non_null(c.part);
	memset(&fake, 0, sizeof fake);
	fake.dies = fake_part_dies();
	fake.size = fake.dies * vf_sim_part_size(c.part);
	fake.faults.constant = -1;
	fake.packet = 64;
	fake.pace = 54;
	make_rooms(fake.size);
	fake.array = c.array = room.array;
	fake.cached = room.cached;
	fake.valid = room.valid;
	memset(fake.array, 0x5A, USED);
	memset(fake.array + USED, 0xFF, 65536);
	memset(fake.array + fake.size - USED, 0x5A, USED);
	memset(fake.valid, 0, fake.size / LINE_BYTES);
	room.memory = malloc(vf_sim_chip_size(&c));
	assert_non_null(room.memory);
	fake.chip = vf_sim_chip_init(room.memory, &c);
	fake_scb = (SCB_Type){.VTOR = 0x08000000};
	fake_mpu = (MPU_Type){.TYPE = 16 << 8, .RBAR = REGION, .RASR = 0x01000001};
	fake.icache_stale = true;
	return 0;
}

int fake_set_up(void **state)
{
	(void)state;
	return set_up(100);
}

int fake_set_up_uneven(void **state)
{
	(void)state;
	return set_up(VF_SIM_TIME_RANDOM);
}

int fake_tear_down(void **state)
{
	(void)state;
	free(room.memory);
	return 0;
}

/* --- the host -------------------------------------------------------------------------- */

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

static void on_text(void *ctx, const char *line, size_t len)
{
	(void)ctx;
	size_t have = strlen(fake.text);
	assert_true(have + len + 2 < sizeof fake.text);
	memcpy(fake.text + have, line, len);
	memcpy(fake.text + have + len, "\n", 2);
}

static void pump(unsigned packets)
{
	unsigned last = packets != 0 ? fake.packets + packets : UINT32_MAX;
	for (unsigned turn = 0; !vf_job_finished(fake.job) && turn < 30000000; turn++) {
		if (fake.packets >= last)
			return;
		(void)vf_cube_poll();
		arrive();
		vf_job_rx(fake.job, fake.to_host, fake.to_host_len, fake.now);
		fake.to_host_len = 0;
		vf_job_tick(fake.job, fake.now);
		fake_pass(fake.now + STEP_US);
	}
	assert_true(vf_job_finished(fake.job));
}

/* The main loop turns on while nobody speaks. */
void fake_idle(uint32_t ms)
{
	for (uint64_t until = fake.now + ms * UINT64_C(1000); fake.now < until; fake.now += 200) {
		(void)vf_cube_poll();
		arrive();
		fake.to_host_len = 0;
	}
}

static vf_job_result run_job(vf_job_config c, unsigned packets)
{
	uint64_t seed = fake.now + 1;
	vf_error err = {0};
	c.session.alloc = (vf_alloc){resize, NULL};
	c.session.random = number;
	c.session.ctx = &seed;
	c.session.text = on_text;
	fake.job = vf_job_new(&c, &err);
	assert_non_null(fake.job);
	pump(packets);
	vf_job_result r = *vf_job_result_get(fake.job);
	vf_job *done = fake.job;
	fake.job = NULL;
	vf_job_free(done);
	return r;
}

int fake_job(vf_job_config c, vf_job_result *result)
{
	vf_job_result r = run_job(c, 0);
	if (result != NULL)
		*result = r;
	return r.error.code;
}

static int program(uint32_t address, const uint8_t *bytes, size_t len, unsigned packets)
{
	vf_image image;
	vf_error err = {0};
	vf_alloc alloc = {resize, NULL};
	vf_image_init(&image, &alloc);
	assert_int_equal(
		vf_image_add(&image, "a.bin", bytes, len,
			     &(vf_image_add_options){.has_address = true, .address = address},
			     &err),
		VF_OK);
	vf_job_config c = {.kind = VF_JOB_PROGRAM, .image = &image};
	int status = run_job(c, packets).error.code;
	vf_image_free(&image);
	return status;
}

int fake_program(uint32_t address, const uint8_t *bytes, size_t len)
{
	return program(address, bytes, len, 0);
}

void fake_program_cut(uint32_t address, const uint8_t *bytes, size_t len, unsigned packets)
{
	(void)program(address, bytes, len, packets);
}
