/* board_serve.c - simulated boards in good order: every chip, both memories,
 * honest times, blocking drivers, starting an application. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "board_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE 0x90000000u

static const uint64_t MS = 1000, SECOND = 1000000;

enum { INTERNAL = 0x08000000 };

static const vf_memory *memory(const rig *r, unsigned i)
{
	return &vf_session_board(r->session)->memory[i];
}

/* Erases a sector, programs across pages from an odd place, reads it back. */
static void exercise(rig *r)
{
	uint8_t data[3001], back[3001];
	uint64_t seed = 5;
	rig_random_bytes(&seed, data, sizeof data);
	uint32_t sector = memory(r, 0)->erase[0].size, unit = memory(r, 0)->unit;
	uint32_t at = BASE + sector * 3, from = at + 100 / unit * unit;
	uint32_t len = sizeof data / unit * unit;
	memset(r->array + (size_t)sector * 2, 0x55, (size_t)sector * 3);
	assert_true(rig_erase(r, 0, at, sector));
	for (uint32_t i = 0; i < sector; i++)
		assert_int_equal(r->array[at - BASE + i], 0xFF);
	assert_int_equal(r->array[at - BASE - 1], 0x55);
	assert_int_equal(r->array[at - BASE + sector], 0x55);
	assert_true(rig_program(r, 0, from, data, len));
	assert_memory_equal(r->array + (from - BASE), data, len);
	assert_int_equal(r->array[from - BASE - 1], 0xFF);
	assert_int_equal(r->array[from - BASE + len], 0xFF);
	assert_true(rig_read(r, 0, from + 1, back, len - 1));
	assert_memory_equal(back, data + 1, len - 1);
}

static void every_chip_serves(void **state)
{
	(void)state;
	for (size_t i = 0; vf_sim_part_at(i) != NULL; i++) {
		const char *name = vf_sim_part_name(vf_sim_part_at(i));
		if (strcmp(name, "generic-none") == 0)
			continue;
		for (uint8_t dies = 1; dies <= 2; dies++) {
			rig r;
			rig_prepare(&r, name, dies);
			rig_start(&r);
			rig_open(&r);
			assert_int_equal(memory(&r, 0)->size, r.array_len);
			assert_int_equal(memory(&r, 0)->base, BASE);
			exercise(&r);
			rig_stop(&r);
		}
	}
}

static vf_sim_board *try_board(rig *r, vf_error *err)
{
	err->code = VF_OK;
	vf_sim_board *b = vf_sim_board_new(&r->config, err);
	free(r->internal);
	return b;
}

static void unknown_chips_are_named(void **state)
{
	(void)state;
	rig r;
	vf_error err;
	rig_prepare(&r, "generic-none", 1);
	assert_null(try_board(&r, &err));
	assert_int_equal(err.code, VF_E_FLASH);
	assert_non_null(strstr(err.text, "6e 52 17"));
	rig_prepare(&r, "w25q128jv", 1);
	r.config.chip.no_sfdp = true;
	r.config.chip.override_id[0] = 0xA5;
	r.config.chip.override_id[1] = 0x12;
	r.config.chip.override_id[2] = 0x34;
	assert_null(try_board(&r, &err));
	assert_non_null(strstr(err.text, "a5 12 34"));
}

static void impossible_boards_are_refused(void **state)
{
	(void)state;
	rig r;
	vf_error err;
	rig_prepare(&r, "mt25ql512ab", 2);
	r.config.base = 0xFFFF0000;
	assert_null(try_board(&r, &err));
	assert_int_equal(err.code, VF_E_USAGE);
	rig_prepare(&r, "w25q128jv", 1);
	r.internal = malloc(2 << 20);
	memset(r.internal, 0xFF, 2 << 20);
	r.config.internal = r.internal;
	r.config.base = 0x07FF0000;
	assert_null(try_board(&r, &err));
	assert_non_null(strstr(err.text, "overlaps"));
	rig_prepare(&r, "w25q128jv", 1);
	r.config.ring = 3000;
	assert_null(try_board(&r, &err));
	assert_int_equal(err.code, VF_E_USAGE);
	rig_prepare(&r, "w25q128jv", 1);
	r.config.chip.dies = 3;
	assert_null(try_board(&r, &err));
	rig_prepare(&r, "w25q128jv", 1);
	r.config.fault.bad_bits = 1;
	r.config.fault.bad_bit[0] = 0x08000000;
	assert_null(try_board(&r, &err));
	assert_non_null(strstr(err.text, "badbit"));
}

/* Rings and payloads from the smallest up; every link; a chip whose times vary. */
static void every_size_and_link_serves(void **state)
{
	(void)state;
	static const struct {
		uint32_t ring, window, payload, percent;
		const char *link;
	} kind[] = {
		{1024, 512, 0, 100, "usb-fs"},
		{1024, 512, 64, 100, "uart:115200"},
		{4096, 4096, 0, VF_SIM_TIME_RANDOM, "uart:921600"},
		{4096, 65536, 1000, 100, "usb-hs"},
		{262144, 1 << 20, 4096, 0, "ideal"},
		{65536, 4096, 4096, VF_SIM_TIME_RANDOM, "usb-hs"},
	};
	for (size_t i = 0; i < sizeof kind / sizeof kind[0]; i++) {
		rig r;
		vf_error err;
		rig_prepare(&r, "mt25ql512ab", 2);
		r.config.ring = kind[i].ring;
		r.config.window = kind[i].window;
		r.config.payload = (uint16_t)kind[i].payload;
		r.config.chip.time_percent = kind[i].percent;
		assert_int_equal(vf_sim_link_parse(&r.config.link, kind[i].link, &err), VF_OK);
		rig_start(&r);
		rig_open(&r);
		const vf_welcome *w = &vf_session_board(r.session)->welcome;
		assert_int_equal(w->ring, kind[i].ring);
		assert_int_equal(w->window, kind[i].window);
		assert_true(w->payload >= 64 && w->payload <= kind[i].ring / 4);
		exercise(&r);
		assert_int_equal(vf_session_stats_get(r.session)->lost_there, 0);
		rig_stop(&r);
	}
}

/* --- times ------------------------------------------------------------------------ */

static uint64_t time_of(rig *r, vf_operation *op)
{
	uint64_t before = r->now;
	assert_true(rig_do(r, op));
	return r->now - before;
}

static void within(const char *what, uint64_t us, uint64_t least, uint64_t most)
{
	print_message("%s: %llu us\n", what, (unsigned long long)us);
	if (us < least || us > most)
		fail_msg("%s took %llu us, not %llu to %llu", what, (unsigned long long)us,
			 (unsigned long long)least, (unsigned long long)most);
}

/* Erase, program and link as the data sheet and the cable have them. */
static void chips_and_links_take_their_time(void **state)
{
	(void)state;
	static uint8_t data[512 * 1024];
	rig r;
	rig_prepare(&r, "mt25ql512ab", 1);
	rig_start(&r);
	rig_open(&r);
	vf_operation erase = {
		.message = {.type = VF_MESSAGE_ERASE, .address = BASE, .length = 65536}};
	within("erase 64 KB", time_of(&r, &erase), 160 * MS, 165 * MS);
	vf_operation program = {
		.message = {.type = VF_MESSAGE_PROGRAM, .address = BASE, .length = 65536},
		.data = data};
	within("program 64 KB", time_of(&r, &program), 31 * MS, 38 * MS);
	rig_stop(&r);

	rig_prepare(&r, "mt25ql512ab", 1);
	(void)vf_sim_link_parse(&r.config.link, "usb-fs", NULL);
	rig_start(&r);
	rig_open(&r);
	vf_operation read = {
		.message = {.type = VF_MESSAGE_READ, .address = BASE, .length = sizeof data},
		.answer = data};
	within("read 512 KB, usb-fs", time_of(&r, &read), sizeof data, sizeof data * 11 / 10);
	rig_stop(&r);
}

/* The flash is read ahead while the processor works, so the slower of the two counts. */
static void digests_take_the_processors_time(void **state)
{
	(void)state;
	enum { LEN = 1 << 20 };
	uint8_t sha[32];
	static uint8_t digests[LEN / 4096 * 8];
	rig r;
	rig_prepare(&r, "mt25ql512ab", 1);
	rig_start(&r);
	rig_open(&r);
	vf_operation s = {.message = {.type = VF_MESSAGE_SHA256, .address = BASE, .length = LEN},
			  .answer = sha};
	within("SHA-256 of 1 MB", time_of(&r, &s), LEN / 20, LEN / 20 * 11 / 10);
	vf_operation d = {
		.message = {.type = VF_MESSAGE_DIGEST, .address = BASE, .length = LEN, .group = 1},
		.answer = digests};
	within("digests of 1 MB", time_of(&r, &d), LEN / 50, LEN / 50 * 13 / 10);
	rig_stop(&r);
	rig_prepare(&r, "mt25ql512ab", 1);
	r.config.free_cpu = true;
	rig_start(&r);
	rig_open(&r);
	s.status = d.status = 0;
	within("SHA-256 of 1 MB, free", time_of(&r, &s), LEN / 50, LEN / 50 * 11 / 10);
	rig_stop(&r);
}

static void instantaneous_boards_need_no_time(void **state)
{
	(void)state;
	static uint8_t data[65536];
	rig r;
	rig_prepare(&r, "s25fl512s", 2);
	r.config.chip.time_percent = 0;
	r.config.chip.bus_bytes_per_s = 0;
	r.config.free_cpu = true;
	rig_start(&r);
	rig_open(&r);
	uint64_t before = r.now;
	assert_true(rig_erase(&r, 0, BASE, 512 * 1024));
	assert_true(rig_program(&r, 0, BASE, data, sizeof data));
	within("erase 512 KB, program 64 KB", r.now - before, 0, 5);
	rig_stop(&r);
}

/* The same input gives the same output at the same times, however coarse the
 * steps in which the board's owner lets time pass. */
static size_t record(uint64_t step, uint8_t *out, size_t room)
{
	rig r;
	uint8_t body[VF_WIRE_CONTROL_MAX], frame[VF_WIRE_FRAME_SIZE(VF_WIRE_CONTROL_MAX)];
	vf_encoder e;
	size_t len = 0;
	rig_prepare(&r, "w25q128jv", 1);
	(void)vf_sim_link_parse(&r.config.link, "uart:921600", NULL);
	r.config.fault = (vf_sim_fault){.dup = 0.01};
	rig_start(&r);
	vf_hello h = {.version_min = 1, .version_max = 1, .payload = 4096, .session = 77};
	for (uint16_t n = 0; n < 200; n++) {
		h.session = 77 + n / 10;
		vf_encode_begin(&e, frame, sizeof frame);
		vf_encode_put(&e, body, vf_pack_hello(body, n, &h));
		size_t size = vf_encode_end(&e);
		assert_int_equal(vf_sim_board_write(r.board, frame, size, 20 * MS), size);
	}
	for (uint64_t t = 20 * MS; t < SECOND; t += step) {
		vf_sim_board_run(r.board, t);
		len += vf_sim_board_read(r.board, out + len, room - len, t);
	}
	rig_stop(&r);
	return len;
}

static void steps_do_not_matter(void **state)
{
	(void)state;
	static uint8_t a[65536], b[65536];
	size_t a_len = record(7, a, sizeof a), b_len = record(50 * MS, b, sizeof b);
	assert_true(a_len > 1000);
	assert_int_equal(a_len, b_len);
	assert_memory_equal(a, b, a_len);
}

/* --- internal flash ------------------------------------------------------------------ */

static void with_internal(rig *r)
{
	rig_prepare(r, "mt25ql512ab", 2);
	r->internal = malloc(2 << 20);
	assert_non_null(r->internal);
	memset(r->internal, 0xFF, 2 << 20);
	rig_start(r);
	rig_open(r);
}

static uint8_t failure(const rig *r)
{
	return vf_session_failure(r->session)->code;
}

static void internal_flash_serves(void **state)
{
	(void)state;
	uint8_t data[1024], back[1024];
	uint64_t seed = 8;
	rig r;
	with_internal(&r);
	rig_random_bytes(&seed, data, sizeof data);
	assert_int_equal(memory(&r, 1)->kind, VF_MEMORY_INTERNAL);
	assert_int_equal(memory(&r, 1)->base, INTERNAL);
	assert_int_equal(memory(&r, 1)->size, 2 << 20);
	memset(r.internal + 0x40000, 0, 0x20000);
	uint64_t before = r.now;
	assert_true(rig_erase(&r, 1, INTERNAL + 0x40000, 0x20000));
	within("erase an internal sector", r.now - before, SECOND, SECOND + 10 * MS);
	assert_true(rig_program(&r, 1, INTERNAL + 0x40020, data, sizeof data));
	assert_memory_equal(r.internal + 0x40020, data, sizeof data);
	assert_true(rig_read(&r, 1, INTERNAL + 0x40020, back, sizeof back));
	assert_memory_equal(back, data, sizeof data);
	rig_stop(&r);
}

static void internal_words_are_written_once(void **state)
{
	(void)state;
	uint8_t ones[32], zeros[32] = {0};
	rig r;
	with_internal(&r);
	memset(ones, 0xFF, sizeof ones);
	assert_true(rig_program(&r, 1, INTERNAL + 0x40000, ones, sizeof ones));
	assert_false(rig_program(&r, 1, INTERNAL + 0x40000, zeros, sizeof zeros));
	assert_int_equal(failure(&r), VF_FAIL_PROGRAM);
	assert_int_equal(r.internal[0x40000], 0xFF);
	rig_open(&r);
	assert_true(rig_erase(&r, 1, INTERNAL + 0x40000, 0x20000));
	assert_true(rig_program(&r, 1, INTERNAL + 0x40000, zeros, sizeof zeros));
	rig_stop(&r);
}

static void the_loaders_sector_is_protected(void **state)
{
	(void)state;
	uint8_t zeros[32] = {0};
	rig r;
	with_internal(&r);
	assert_false(rig_program(&r, 1, INTERNAL + 0x1FFE0, zeros, sizeof zeros));
	assert_int_equal(failure(&r), VF_FAIL_PROTECTED);
	rig_open(&r);
	assert_false(rig_erase(&r, 1, INTERNAL, 0x20000));
	assert_int_equal(failure(&r), VF_FAIL_PROTECTED);
	rig_stop(&r);
}

/* Two memories work at the same time. */
static void memories_work_side_by_side(void **state)
{
	(void)state;
	rig r;
	with_internal(&r);
	memset(r.internal + 0x40000, 0, 0x20000);
	vf_operation op[6] = {{.message = {.type = VF_MESSAGE_ERASE,
					   .memory = 1,
					   .address = INTERNAL + 0x40000,
					   .length = 0x20000}}};
	uint64_t before = r.now;
	assert_int_equal(vf_session_submit(r.session, &op[0]), VF_OK);
	for (uint32_t i = 1; i < 6; i++) {
		op[i].message = (vf_message){
			.type = VF_MESSAGE_ERASE, .address = BASE + i * 0x20000, .length = 0x20000};
		assert_int_equal(vf_session_submit(r.session, &op[i]), VF_OK);
	}
	while (op[5].status == VF_OPERATION_WAITING)
		rig_pass(&r, r.now + MS);
	assert_int_equal(op[5].status, VF_OPERATION_DONE);
	within("1 s of internal and 0.8 s of external erase", r.now - before, SECOND,
	       SECOND + 50 * MS);
	rig_stop(&r);
}

/* --- blocking, running ----------------------------------------------------------------- */

static void blocking_boards_are_deaf_and_say_so(void **state)
{
	(void)state;
	for (int blocking = 0; blocking < 2; blocking++) {
		rig r;
		uint32_t echo_us = 0;
		rig_prepare(&r, "mt25ql512ab", 1);
		(void)vf_sim_link_parse(&r.config.link, "usb-fs", NULL);
		r.config.blocking = blocking != 0;
		rig_start(&r);
		rig_open(&r);
		assert_int_equal((memory(&r, 0)->flags & VF_MEMORY_BLOCKING) != 0, blocking);
		vf_operation erase = {
			.message = {.type = VF_MESSAGE_ERASE, .address = BASE, .length = 65536}};
		assert_int_equal(vf_session_submit(r.session, &erase), VF_OK);
		uint64_t before = r.now;
		rig_pass(&r, r.now + 30 * MS); /* the erase is under way */
		assert_int_equal(r.deaf != 0, blocking);
		vf_session_echo(r.session, 100, &echo_us);
		while (echo_us == 0)
			rig_pass(&r, r.now + MS);
		if (blocking)
			assert_true(r.now - before >= 160 * MS);
		else
			assert_true(r.now - before < 60 * MS);
		while (erase.status == VF_OPERATION_WAITING)
			rig_pass(&r, r.now + MS);
		assert_int_equal(erase.status, VF_OPERATION_DONE);
		exercise(&r);
		rig_stop(&r);
	}
}

/* A host that breaks its credit: a USB-like link holds back what the ring has no
 * room for, a UART loses it. */
static void full_rings_hold_or_lose(void **state)
{
	(void)state;
	for (int loses = 0; loses < 2; loses++) {
		uint8_t noise[512];
		rig r;
		rig_prepare(&r, "mt25ql512ab", 1);
		(void)vf_sim_link_parse(&r.config.link, "uart:10000000", NULL);
		r.config.link.loses = loses != 0;
		r.config.ring = 1024;
		r.config.blocking = true;
		rig_start(&r);
		rig_open(&r);
		vf_operation erase = {
			.message = {.type = VF_MESSAGE_ERASE, .address = BASE, .length = 65536}};
		assert_int_equal(vf_session_submit(r.session, &erase), VF_OK);
		rig_pass(&r, r.now + 50 * MS);
		memset(noise, 1, sizeof noise);
		size_t sent = 0;
		for (int i = 0; i < 8; i++)
			sent += vf_sim_board_write(r.board, noise, sizeof noise,
						   r.now + (uint64_t)i * MS);
		assert_int_equal(sent, 8 * sizeof noise);
		rig_pass(&r, r.now + 400 * MS);
		uint32_t lost = vf_sim_board_target_stats(r.board)->lost_bytes;
		if (loses)
			assert_true(lost >= sent - 1024 && lost <= sent);
		else
			assert_int_equal(lost, 0);
		rig_stop(&r);
	}
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void run_leaves_the_loader(void **state)
{
	(void)state;
	uint32_t address = 0;
	rig r;
	rig_prepare(&r, "mt25ql512ab", 2);
	put32(r.array + 0x1000, 0x20020000);
	put32(r.array + 0x1004, BASE + 0x1235);
	rig_start(&r);
	rig_open(&r);
	assert_false(vf_sim_board_running(r.board, &address));
	vf_operation run = {.message = {.type = VF_MESSAGE_RUN, .address = BASE + 0x1000}};
	assert_true(rig_do(&r, &run));
	rig_pass(&r, r.now + 100 * MS);
	assert_true(vf_sim_board_running(r.board, &address));
	assert_int_equal(address, BASE + 0x1000);
	assert_string_equal(r.log, "application at 0x90001000 started (stack 0x20020000, "
				   "entry 0x90001234)");
	assert_string_equal(r.text, "application at 0x90001000 runs");
	/* An application does not speak the protocol. */
	vf_session_open(r.session, r.now);
	rig_pass_while(&r, VF_SESSION_OPENING, r.now + 20 * SECOND);
	assert_int_equal(vf_session_status(r.session), VF_SESSION_LOST);
	vf_sim_board_reset(r.board, r.now);
	rig_pass(&r, r.now + 50 * MS);
	assert_false(vf_sim_board_running(r.board, &address));
	rig_open(&r);
	exercise(&r);
	rig_stop(&r);
}

static void run_needs_an_application(void **state)
{
	(void)state;
	uint32_t address;
	rig r;
	rig_prepare(&r, "mt25ql512ab", 1);
	rig_start(&r);
	rig_open(&r);
	vf_operation run = {.message = {.type = VF_MESSAGE_RUN, .address = BASE}};
	assert_false(rig_do(&r, &run));
	assert_int_equal(failure(&r), VF_FAIL_NO_APPLICATION);
	assert_false(vf_sim_board_running(r.board, &address));
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_chip_serves),
		cmocka_unit_test(unknown_chips_are_named),
		cmocka_unit_test(impossible_boards_are_refused),
		cmocka_unit_test(every_size_and_link_serves),
		cmocka_unit_test(chips_and_links_take_their_time),
		cmocka_unit_test(digests_take_the_processors_time),
		cmocka_unit_test(instantaneous_boards_need_no_time),
		cmocka_unit_test(steps_do_not_matter),
		cmocka_unit_test(internal_flash_serves),
		cmocka_unit_test(internal_words_are_written_once),
		cmocka_unit_test(the_loaders_sector_is_protected),
		cmocka_unit_test(memories_work_side_by_side),
		cmocka_unit_test(blocking_boards_are_deaf_and_say_so),
		cmocka_unit_test(full_rings_hold_or_lose),
		cmocka_unit_test(run_leaves_the_loader),
		cmocka_unit_test(run_needs_an_application),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
