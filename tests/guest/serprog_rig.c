/* serprog_rig.c - see serprog_rig.h. */
#include "serprog_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void rig_open(serprog_rig *r, const char *part)
{
	static const uint8_t choose[] = {0x10, 0x12, 8};
	memset(r, 0, sizeof *r);
	nor_bench_open(&r->bench, part, 1, nor_bench_seed());
	nor_bench_blank(&r->bench, 0, vf_sim_part_size(r->bench.chip_config.part));
	assert_int_equal(nor_bench_probe(&r->bench), VF_OK);
	r->memory = r->bench.nor.memory;
	vf_serprog_config c = {.name = "a board with a long name",
			       .nor = &r->bench.nor,
			       .memory = &r->memory,
			       .buf = r->buf,
			       .buf_len = sizeof r->buf,
			       .serial_len = 300};
	assert_int_equal(vf_serprog_init(&r->s, &c), VF_OK);
	rig_say(r, choose, sizeof choose);
	assert_int_equal(r->answered, 3);
	assert_int_equal(r->answer[2], SP_ACK);
	assert_true(vf_serprog_active(&r->s));
}

void rig_close(serprog_rig *r)
{
	nor_bench_close(&r->bench);
}

static bool allow(serprog_rig *r)
{
	vf_range range;
	if (!vf_serprog_change_next(&r->s, &range))
		return false;
	assert_true(r->changes < RIG_LOG);
	r->change[r->changes++] = range;
	if (r->driver_between) {
		assert_int_equal(nor_bench_probe(&r->bench), VF_OK);
		vf_serprog_disturbed(&r->s);
	}
	vf_serprog_change_done(&r->s, r->allow);
	return true;
}

static bool carry_out(serprog_rig *r)
{
	const vf_bus_op *op = vf_serprog_bus_next(&r->s);
	if (op == NULL)
		return false;
	r->bus[r->buses++ % RIG_LOG] = *op;
	assert_null(vf_serprog_bus_next(&r->s));
	if (r->fail != 0) {
		r->fail--;
		vf_serprog_bus_done(&r->s, VF_E_BUS);
		return true;
	}
	r->bench.now_us = vf_sim_chip_bus(r->bench.chip, op, r->bench.now_us);
	vf_serprog_bus_done(&r->s, VF_OK);
	return true;
}

const uint8_t *rig_take(serprog_rig *r, size_t *len)
{
	const uint8_t *bytes;
	while ((bytes = vf_serprog_tx(&r->s, len)) == NULL && carry_out(r))
		;
	return bytes;
}

static bool collect(serprog_rig *r)
{
	size_t len;
	const uint8_t *bytes = vf_serprog_tx(&r->s, &len);
	if (bytes == NULL)
		return false;
	if (r->piece != 0 && len > r->piece)
		len = r->piece;
	assert_true(r->answered + len <= RIG_ANSWER);
	memcpy(r->answer + r->answered, bytes, len);
	r->answered += len;
	vf_serprog_tx_done(&r->s, len);
	return true;
}

void rig_pump(serprog_rig *r)
{
	vf_serprog_tick(&r->s, (uint32_t)r->bench.now_us);
	while (allow(r) || carry_out(r) || collect(r))
		;
}

void rig_say(serprog_rig *r, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	r->answered = 0;
	rig_pump(r);
	while (len > 0) {
		size_t n = r->piece != 0 && r->piece < len ? r->piece : len;
		size_t taken = vf_serprog_rx(&r->s, p, n);
		assert_true(taken > 0);
		p += taken;
		len -= taken;
		rig_pump(r);
	}
}

void rig_spi(serprog_rig *r, const void *send, size_t len, uint32_t read, uint8_t expected)
{
	uint8_t bytes[7 + 1024] = {0x13,          (uint8_t)len,         (uint8_t)(len >> 8),  0,
				   (uint8_t)read, (uint8_t)(read >> 8), (uint8_t)(read >> 16)};
	assert_true(len <= 1024);
	memcpy(bytes + 7, send, len);
	rig_say(r, bytes, 7 + len);
	assert_true(r->answered >= 1);
	assert_int_equal(r->answer[0], expected);
	assert_int_equal(r->answered, expected == SP_ACK ? 1 + read : 1);
}

void rig_enable(serprog_rig *r)
{
	rig_spi(r, "\x06", 1, 0, SP_ACK);
}

/* Asks once a second, as flashrom does. */
void rig_ready(serprog_rig *r)
{
	uint64_t until = vf_sim_chip_busy_until(r->bench.chip);
	do {
		if (until > r->bench.now_us)
			r->bench.now_us += until - r->bench.now_us < 1000000
						   ? until - r->bench.now_us
						   : 1000000;
		rig_spi(r, "\x05", 1, 1, SP_ACK);
	} while (r->bench.now_us < until);
	assert_int_equal(r->answer[1] & 1, 0);
}
