/* test_session_speed.c - how much of a line the session makes use of, under virtual time. The
 * figures are printed; what they must not fall below is checked.
 */
#include "session_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct figures {
	double efficiency; /* payload bytes for each byte on the line */
	double rate;       /* payload bytes a second */
	uint16_t payload;
} figures;

static figures program(const char *name, const rig_sizes *sizes, const rig_line *out,
		       const rig_line *in, uint32_t bytes)
{
	rig *r = rig_new(42, sizes, out, in);
	uint8_t *data = malloc(bytes);
	assert_non_null(data);
	for (uint32_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)rig_next(&r->random);
	rig_open(r);
	uint64_t began = r->now;
	uint64_t raw = r->out.bytes;
	vf_operation op = {
		.message = {.type = VF_MESSAGE_PROGRAM, .address = RIG_BASE(0), .length = bytes},
		.data = data};
	assert_int_equal(vf_session_submit(r->session, &op), VF_OK);
	rig_wait(r, &op, UINT64_C(3600) * 1000000);
	if (op.status != VF_OPERATION_DONE)
		fail_msg("%s: %s", name, vf_session_error(r->session)->text);
	assert_memory_equal(r->flash[0].bytes, data, bytes);
	const vf_session_stats *s = vf_session_stats_get(r->session);
	figures f = {(double)bytes / (double)(r->out.bytes - raw),
		     bytes * 1e6 / (double)(r->now - began), s->payload};
	printf("%-34s %.4f of the line's bytes, %9.0f bytes/s (%.3f of the line), payload %u, "
	       "repeated %.3f, damaged there %u here %u\n",
	       name, f.efficiency, f.rate, out->rate ? f.rate / (double)out->rate : 0.0, f.payload,
	       (double)s->stream_repeated / (double)s->stream_sent, s->damaged_there,
	       s->damaged_here);
	rig_free(r);
	free(data);
	return f;
}

/* Reads all of the flash in operations of 64 KB; bytes a second. */
static double read_rate(const char *name, const rig_line *line, uint32_t bytes)
{
	rig *r = rig_new(43, &rig_usual, line, line);
	uint8_t *got = malloc(bytes);
	vf_operation op[8];
	unsigned n = 0;

	assert_non_null(got);
	for (uint32_t i = 0; i < RIG_FLASH; i++)
		r->flash[0].bytes[i] = (uint8_t)rig_next(&r->random);
	rig_open(r);
	uint64_t began = r->now;
	for (uint32_t at = 0; at < bytes; at += 65536, n++) {
		op[n] = (vf_operation){
			.message = {.type = VF_MESSAGE_READ,
				    .address = RIG_BASE(0) + at,
				    .length = bytes - at < 65536 ? bytes - at : 65536},
			.answer = got + at};
		assert_int_equal(vf_session_submit(r->session, &op[n]), VF_OK);
	}
	for (unsigned i = 0; i < n; i++)
		rig_wait(r, &op[i], UINT64_C(3600) * 1000000);
	assert_memory_equal(got, r->flash[0].bytes, bytes);
	double rate = bytes * 1e6 / (double)(r->now - began);
	printf("%-34s read: %9.0f bytes/s (%.3f of the line)\n", name, rate,
	       rate / (double)line->rate);
	rig_free(r);
	free(got);
	return rate;
}

static void reading(void **state)
{
	(void)state;
	rig_line line = rig_usb;
	assert_true(read_rate("usb-fs 1 ms", &line, 524288) > 850000);
	line.latency_us = 16000;
	(void)read_rate("usb-fs 16 ms", &line, 524288);
	line = rig_uart;
	assert_true(read_rate("uart:115200", &line, 131072) > 0.9 * 11520);
	line.change = 1e-4;
	assert_true(read_rate("uart:115200, 1e-4", &line, 131072) > 0.5 * 11520);
	line.change = 1.0 / 300;
	assert_true(read_rate("uart:115200, 1/300", &line, 65536) > 0.1 * 11520);
	line = rig_uart;
	line.rate = 960;
	(void)read_rate("uart:9600", &line, 16384);
}

static void uart(void **state)
{
	(void)state;
	rig_line bad = rig_uart;
	assert_true(program("uart:115200", &rig_usual, &rig_uart, &rig_uart, 262144).efficiency >
		    0.98);
	bad.change = 1e-4;
	assert_true(program("uart:115200, 1e-4", &rig_usual, &bad, &bad, 262144).rate >
		    0.85 * 11520);
	bad.change = 1e-3;
	assert_true(program("uart:115200, 1e-3", &rig_usual, &bad, &bad, 131072).rate >
		    0.55 * 11520);
	bad.change = 1.0 / 300;
	assert_true(program("uart:115200, 1/300", &rig_usual, &bad, &bad, 65536).rate >
		    0.3 * 11520);
}

static void usb(void **state)
{
	(void)state;
	rig_line line = rig_usb;
	rig_sizes sizes = rig_usual;
	sizes.ring = sizes.window = 262144;
	assert_true(program("usb-fs 1 ms, 64 KB", &rig_usual, &line, &line, 524288).rate > 900000);
	line.latency_us = 16000;
	assert_true(program("usb-fs 16 ms, 256 KB", &sizes, &line, &line, 524288).rate > 700000);
	(void)program("usb-fs 16 ms, 64 KB", &rig_usual, &line, &line, 524288);
	line.latency_us = 1000;
	line.change = 1e-4;
	(void)program("usb-fs 1 ms, 1e-4", &rig_usual, &line, &line, 524288);
	line.change = 1.0 / 300;
	(void)program("usb-fs 1 ms, 1/300", &rig_usual, &line, &line, 131072);
	sizes.ring = sizes.window = 4096;
	line.change = 0;
	(void)program("usb-fs 1 ms, 4 KB", &sizes, &line, &line, 524288);
	line = rig_uart;
	(void)program("uart:115200, 4 KB", &sizes, &line, &line, 131072);
	sizes.ring = 1024;
	sizes.window = 512;
	(void)program("uart:115200, 1 KB", &sizes, &line, &line, 131072);
	line.rate = 960;
	(void)program("uart:9600", &rig_usual, &line, &line, 32768);
	line.rate = 120;
	(void)program("uart:1200", &rig_usual, &line, &line, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uart),
		cmocka_unit_test(usb),
		cmocka_unit_test(reading),
	};
	return cmocka_run_group_tests_name("session speed", tests, NULL, NULL);
}
