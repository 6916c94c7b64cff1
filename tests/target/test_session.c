/* test_session.c - control beside the stream: hello, describe, query, abort,
 * echo, refusals, sessions that end, the line for a person at a terminal, and
 * what the board says while it works.
 */
#include "rig.h"

static int setup(void **state)
{
	*state = rig_new(&rig_usual);
	return 0;
}

static int setup_started(void **state)
{
	rig *r = rig_new(&rig_usual);
	rig_start(r);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

/* --- hello and describe -------------------------------------------------------- */

static void hello_is_welcomed(void **state)
{
	rig *r = *state;
	vf_welcome w;
	rig_hello(r, r->session);
	rig_run(r, 1000);
	assert_int_equal(r->count, 1);
	assert_int_equal(vf_unpack_welcome(&w, r->inbox[0].bytes, r->inbox[0].len), 0);
	assert_int_equal(vf_body_tag(r->inbox[0].bytes), (uint32_t)r->session);
	assert_int_equal(w.version, 1);
	assert_int_equal(w.memories, 2);
	assert_true(w.session == r->session);
	assert_int_equal(w.capabilities, VF_CAP_RUN | VF_CAP_FRESH);
	assert_int_equal(w.ring, 4096);
	assert_int_equal(w.credit, 4096 - 512);
	assert_int_equal(w.window, 8192);
	assert_int_equal(w.payload, 1024);
	assert_int_equal(w.answer, 1060 - 3 - 4 - 4 - 16);
	assert_int_equal(w.queue, VF_TARGET_QUEUE);
	assert_int_equal(w.id_len, 4);
	assert_memory_equal(w.id, "\1\2\3\4", 4);
	assert_string_equal(w.name, "TESTBOARD");
}

static void payloads_follow_the_buffers(void **state)
{
	(void)state;
	static const struct {
		uint32_t ring, frame, tx, in;
	} cases[] = {
		{1024, 4116, 4135, 256}, {4096, 4116, 4134, 1024}, {65536, 4116, 4134, 4096},
		{4096, 244, 247, 228},   {4096, 1000, 509, 984},   {4096, 1000, 510, 984},
		{4096, 1000, 511, 984},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const rig_sizes sizes = {cases[i].ring, 8192, cases[i].frame, cases[i].tx, 1024};
		vf_welcome w;
		rig *r = rig_new(&sizes);
		rig_hello(r, r->session);
		rig_run(r, 1000);
		assert_int_equal(vf_unpack_welcome(&w, r->inbox[0].bytes, r->inbox[0].len), 0);
		assert_int_equal(w.payload, cases[i].in);
		assert_true(VF_WIRE_FRAME_SIZE(w.answer + 16u) <= cases[i].tx);
		assert_true(w.answer == 4096 || VF_WIRE_FRAME_SIZE(w.answer + 17u) > cases[i].tx);
		assert_true(w.credit < w.ring && w.credit >= w.payload + 64u);
		rig_message(r, VF_MESSAGE_READ, 0, RIG_NOR_BASE, 5000);
		rig_run(r, 20000);
		const rig_body *b = rig_last(r, VF_KIND_ANSWER);
		assert_non_null(b);
		assert_int_equal(rig_count(r, VF_KIND_ANSWER),
				 (1024 + w.answer - 1) / w.answer * 4 +
					 (904 + w.answer - 1) / w.answer);
		rig_free(r);
	}
}

static void the_hosts_payload_bounds_answers(void **state)
{
	rig *r = *state;
	uint8_t body[VF_WIRE_CONTROL_MAX], got[300];
	vf_hello h = {.version_min = 1, .version_max = 9, .payload = 64, .session = r->session};
	size_t n = vf_pack_hello(body, 0, &h);
	rig_frame(r, VF_KIND_HELLO, body + VF_WIRE_HEADER, n - VF_WIRE_HEADER);
	rig_message(r, VF_MESSAGE_READ, 0, RIG_NOR_BASE, 300);
	rig_run(r, 10000);
	assert_int_equal(rig_count(r, VF_KIND_ANSWER), 5);
	assert_int_equal(rig_answer(r, 0, got, sizeof got), 300);
	assert_int_equal(rig_last(r, VF_KIND_ANSWER)->len, VF_WIRE_ANSWER_HEADER + 300 - 4 * 64);
}

static void hello_again_changes_nothing(void **state)
{
	rig *r = *state;
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_run(r, 2000);
	rig_hello(r, r->session);
	rig_run(r, 1000);
	assert_non_null(rig_last(r, VF_KIND_WELCOME));
	vf_state s = rig_state(r);
	assert_int_equal(s.done, 1);
	assert_int_equal(s.received, 12);
}

static void versions_that_do_not_meet_are_refused(void **state)
{
	rig *r = *state;
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_refuse refuse;
	vf_hello h = {.version_min = 2, .version_max = 3, .payload = 64, .session = 0xABCDEF01};
	size_t n = vf_pack_hello(body, 5, &h);
	rig_frame_tagged(r, VF_KIND_HELLO, 0xABCDEF01, body + VF_WIRE_HEADER, n - VF_WIRE_HEADER);
	rig_run(r, 1000);
	assert_int_equal(r->count, 1);
	assert_int_equal(vf_unpack_refuse(&refuse, r->inbox[0].bytes, r->inbox[0].len), 0);
	assert_int_equal(vf_body_tag(r->inbox[0].bytes), 0xABCDEF01);
	assert_int_equal(refuse.code, VF_REFUSE_VERSION);
	assert_int_equal(refuse.kind, VF_KIND_HELLO);
	assert_int_equal(refuse.version_min, 1);
	assert_int_equal(refuse.version_max, 1);
	rig_state(r); /* the session that was open still is */
}

static void a_hello_whose_tag_is_not_its_sessions_is_damaged(void **state)
{
	rig *r = *state;
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_hello h = {.version_min = 1, .version_max = 1, .payload = 64, .session = 77};
	size_t n = vf_pack_hello(body, 0, &h);
	rig_frame_tagged(r, VF_KIND_HELLO, 78, body + VF_WIRE_HEADER, n - VF_WIRE_HEADER);
	rig_run(r, 1000);
	assert_null(rig_last(r, VF_KIND_WELCOME));
	assert_int_equal(rig_state(r).damaged, 1);
}

static void memories_are_described(void **state)
{
	rig *r = *state;
	for (uint8_t i = 0; i < 2; i++)
		rig_frame(r, VF_KIND_DESCRIBE, &i, 1);
	rig_run(r, 1000);
	assert_int_equal(rig_count(r, VF_KIND_MEMORY), 2);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t index;
		vf_memory m;
		assert_int_equal(vf_unpack_memory(&index, &m, &(vf_torn){0}, r->inbox[i].bytes,
						  r->inbox[i].len),
				 0);
		assert_int_equal(index, i);
		assert_int_equal(m.base, r->info[i].base);
		assert_int_equal(m.size, r->info[i].size);
		assert_int_equal(m.erase_types, r->info[i].erase_types);
		assert_string_equal(m.name, r->info[i].name);
	}
}

static void a_memory_that_is_not_there_is_refused(void **state)
{
	rig *r = *state;
	vf_refuse refuse;
	uint8_t index = 2;
	rig_frame(r, VF_KIND_DESCRIBE, &index, 1);
	rig_run(r, 1000);
	const rig_body *b = rig_last(r, VF_KIND_REFUSE);
	assert_non_null(b);
	assert_int_equal(vf_unpack_refuse(&refuse, b->bytes, b->len), 0);
	assert_int_equal(refuse.code, VF_REFUSE_MEMORY);
	assert_int_equal(refuse.kind, VF_KIND_DESCRIBE);
}

/* --- frames -------------------------------------------------------------------- */

static void unknown_kinds_are_refused_and_echoes_of_the_board_ignored(void **state)
{
	rig *r = *state;
	vf_refuse refuse;
	rig_frame(r, 0x42, (const uint8_t *)"abc", 3);
	rig_run(r, 1000);
	const rig_body *b = rig_last(r, VF_KIND_REFUSE);
	assert_non_null(b);
	assert_int_equal(vf_unpack_refuse(&refuse, b->bytes, b->len), 0);
	assert_int_equal(refuse.code, VF_REFUSE_KIND);
	assert_int_equal(refuse.kind, 0x42);
	rig_clear(r);
	rig_frame(r, 0x80, NULL, 0);
	rig_frame(r, VF_KIND_WELCOME, NULL, 0);
	rig_frame_tagged(r, VF_KIND_STATE, 99, NULL, 0);
	rig_run(r, 1000);
	assert_int_equal(r->count, 0);
}

static void longer_bodies_are_understood_and_shorter_ones_damaged(void **state)
{
	rig *r = *state;
	rig_frame(r, VF_KIND_QUERY, (const uint8_t *)"later", 5);
	rig_frame(r, VF_KIND_DESCRIBE, (const uint8_t *)"\1more", 5);
	rig_run(r, 1000);
	assert_int_equal(rig_count(r, VF_KIND_STATE), 1);
	assert_int_equal(rig_count(r, VF_KIND_MEMORY), 1);
	uint16_t seen = rig_state(r).seen;
	rig_clear(r);
	rig_frame(r, VF_KIND_DATA, (const uint8_t *)"\0\0\0\0", 4);
	rig_frame(r, VF_KIND_DESCRIBE, NULL, 0);
	rig_run(r, 1000);
	assert_int_equal(rig_last_state(r).damaged, 2);
	assert_int_equal(rig_last_state(r).seen, seen);
}

static void a_damaged_chunk_is_told_at_once(void **state)
{
	rig *r = *state;
	uint8_t raw[64];
	size_t n = rig_encode(r, raw, VF_KIND_QUERY, NULL, 0);
	raw[6] ^= 0x10;
	rig_put(r, raw, n);
	rig_run(r, 200);
	vf_state s = rig_last_state(r);
	assert_int_equal(s.damaged, 1);
	assert_int_equal(s.seen, 0);
	assert_int_equal(vf_target_stats_get(&r->t)->damaged, 1);
}

static void seen_is_the_number_of_the_last_intact_frame(void **state)
{
	rig *r = *state;
	r->number = 0xFFFE;
	assert_int_equal(rig_state(r).seen, 0xFFFE);
	assert_int_equal(rig_state(r).seen, 0xFFFF);
	assert_int_equal(rig_state(r).seen, 0);
}

static void numbers_of_the_board_count_up(void **state)
{
	rig *r = *state;
	uint16_t before = 0;
	for (unsigned i = 0; i < 5; i++) {
		rig_frame(r, VF_KIND_QUERY, NULL, 0);
		rig_run(r, 500);
	}
	assert_int_equal(r->count, 5);
	for (unsigned i = 0; i < r->count; i++, before++)
		assert_int_equal(vf_body_number(r->inbox[i].bytes), before + 1); /* 0: WELCOME */
}

static void echo_comes_back_cut_to_what_fits(void **state)
{
	rig *r = *state;
	uint8_t payload[1024];
	uint64_t seed = 3;
	rig_random_fill(&seed, payload, sizeof payload);
	rig_frame(r, VF_KIND_ECHO, payload, 600);
	rig_run(r, 1000);
	const rig_body *b = rig_last(r, VF_KIND_ECHOED);
	assert_non_null(b);
	assert_int_equal(b->len, VF_WIRE_HEADER + 600);
	assert_memory_equal(b->bytes + VF_WIRE_HEADER, payload, 600);
	rig_clear(r);
	rig_frame(r, VF_KIND_ECHO, payload, 1024);
	rig_frame(r, VF_KIND_ECHO, NULL, 0);
	rig_run(r, 1000);
	assert_non_null(rig_last(r, VF_KIND_ECHOED));
}

static void lost_bytes_are_counted(void **state)
{
	rig *r = *state;
	static uint8_t noise[5000];
	rig_put(r, noise, sizeof noise);
	assert_int_equal(vf_target_rx_space(&r->t), 0);
	rig_run(r, 1000);
	assert_int_equal(vf_target_stats_get(&r->t)->lost_bytes, 5000 - 4096);
	assert_int_equal(rig_state(r).lost, 5000 - 4096);
	for (unsigned i = 0; i < 80; i++)
		rig_put(r, noise, sizeof noise);
	rig_run(r, 1000);
	assert_int_equal(rig_state(r).lost, 0xFFFF);
	rig_hello(r, 4711);
	rig_run(r, 1000);
	assert_int_equal(rig_state(r).lost, 0);
}

/* --- sessions end ---------------------------------------------------------------- */

static void check_ended(const rig *r, uint32_t tag, uint32_t open)
{
	const rig_body *b = rig_last(r, VF_KIND_ENDED);
	assert_non_null(b);
	assert_int_equal(b->len, 12);
	assert_int_equal(vf_body_tag(b->bytes), tag);
	assert_int_equal(vf_get32(b->bytes + 8), open);
}

static void foreign_tags_are_told(void **state)
{
	rig *r = *state;
	rig_frame_tagged(r, VF_KIND_QUERY, 0x1234, NULL, 0);
	rig_run(r, 1000);
	check_ended(r, 0x1234, (uint32_t)r->session);
	assert_int_equal(r->count, 1);
}

static void without_a_session_all_is_ended(void **state)
{
	rig *r = *state;
	rig_frame(r, VF_KIND_DATA, (const uint8_t *)"\0\0\0\0abcd", 8);
	rig_run(r, 1000);
	check_ended(r, (uint32_t)r->session, 0);
	rig_clear(r);
	rig_frame_tagged(r, VF_KIND_QUERY, 0, NULL, 0);
	rig_run(r, 1000);
	check_ended(r, 0, 0);
	assert_int_equal(r->count, 1);
}

static void abort_discards_what_has_not_begun(void **state)
{
	rig *r = *state;
	r->flash[0].freeze = true;
	for (unsigned i = 0; i < 3; i++)
		rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE + i * 4096, 4096);
	rig_run(r, 1000);
	rig_clear(r);
	rig_frame(r, VF_KIND_ABORT, NULL, 0);
	rig_run(r, 1000);
	check_ended(r, (uint32_t)r->session, 0);
	rig_clear(r);
	r->flash[0].freeze = false;
	rig_run(r, 300000);
	assert_int_equal(r->flash[0].begun, 1);
	assert_int_equal(r->count, 0);
}

static void a_new_session_waits_for_the_chip_and_not_for_the_outcome(void **state)
{
	rig *r = *state;
	r->flash[0].freeze = true;
	r->flash[0].status_kind = VF_FLASH_ERASE;
	r->flash[0].status = VF_E_ERASE;
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE + 4096, 4096);
	rig_run(r, 1000);
	rig_hello(r, 99);
	rig_run(r, 1000);
	vf_state s = rig_state(r);
	assert_int_equal(s.received, 0);
	assert_int_equal(s.done, 0);
	assert_int_equal(s.message, VF_MESSAGE_ERASE); /* what the chip is still at */
	rig_program(r, 0, RIG_NOR_BASE, (const uint8_t *)"new", 3);
	rig_run(r, 1000);
	assert_int_equal(r->flash[0].begun, 1);
	r->flash[0].freeze = false;
	rig_run(r, 2000);
	s = rig_state(r);
	assert_int_equal(s.done, 1);
	assert_int_equal(s.flags & VF_STATE_STOPPED, 0);
	assert_memory_equal(r->flash[0].cells, "new", 3);
	assert_int_equal(r->flash[0].erased, 0);
}

static void a_new_session_withdraws_what_was_not_fetched(void **state)
{
	rig *r = *state;
	r->flash[0].hold = true;
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_run(r, 1000);
	rig_hello(r, 99);
	rig_run(r, 1000);
	r->flash[0].hold = false;
	rig_run(r, 1000);
	assert_int_equal(r->flash[0].begun, 0);
}

static void a_run_is_off_when_a_new_host_comes(void **state)
{
	rig *r = *state;
	uint32_t address;
	vf_put32(r->flash[0].cells, 0x24080000);
	vf_put32(r->flash[0].cells + 4, RIG_NOR_BASE + 0x101);
	rig_message(r, VF_MESSAGE_RUN, 0, RIG_NOR_BASE, 0);
	rig_run(r, 100);
	r->tx_closed = true;
	rig_run(r, 1000);
	rig_hello(r, 99);
	rig_run(r, 1000);
	r->tx_closed = false;
	rig_run(r, 1000);
	assert_false(vf_target_run(&r->t, &address));
}

static void hello_and_abort_together_leave_no_welcome(void **state)
{
	rig *r = *state;
	rig_hello(r, 99);
	rig_frame(r, VF_KIND_ABORT, NULL, 0);
	rig_run(r, 1000);
	check_ended(r, 99, 0);
	assert_null(rig_last(r, VF_KIND_WELCOME));
}

/* --- while it works ------------------------------------------------------------- */

static void a_busy_board_says_so_every_250_ms(void **state)
{
	rig *r = *state;
	r->flash[0].takes_us = 2000000;
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 32768);
	rig_run(r, 1000);
	rig_clear(r);
	rig_run(r, 1000000);
	assert_in_range(rig_count(r, VF_KIND_STATE), 4, 6);
	vf_state s = rig_last_state(r);
	assert_int_equal(s.flags, VF_STATE_BUSY);
	assert_int_equal(s.message, VF_MESSAGE_ERASE);
	assert_int_equal(s.memory, 0);
	assert_int_equal(s.typical_ms, 0); /* it should have been done by now */
	assert_in_range(s.maximum_ms, 1000, 1300);
	rig_run(r, 1500000);
	rig_clear(r);
	rig_run(r, 1000000);
	assert_int_equal(r->count, 0); /* idle boards are silent */
}

static void the_deadline_is_the_next_heartbeat(void **state)
{
	rig *r = *state;
	uint32_t at;
	assert_false(vf_target_deadline(&r->t, &at));
	r->flash[0].freeze = true;
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_run(r, 1000);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(vf_target_deadline(&r->t, &at));
		assert_in_range(at - r->now, 1, 250000);
		rig_clear(r);
		r->now = at;
		rig_turn(r);
		assert_int_equal(rig_count(r, VF_KIND_STATE), 1);
	}
	rig_frame(r, VF_KIND_QUERY, NULL, 0);
	assert_true(vf_target_deadline(&r->t, &at));
	assert_true((int32_t)(at - r->now) <= 0); /* bytes wait: at once */
}

static void deaf_is_announced_before_and_taken_back_after(void **state)
{
	rig *r = *state;
	r->info[0].flags |= VF_MEMORY_BLOCKING;
	r->tx_closed = true;
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_run(r, 10000);
	assert_int_equal(r->flash[0].begun, 0);
	r->tx_closed = false;
	r->flash[0].freeze = true;
	rig_run(r, 1000);
	assert_int_equal(r->flash[0].begun, 1);
	vf_state s = rig_last_state(r);
	assert_int_equal(s.flags, VF_STATE_BUSY | VF_STATE_DEAF);
	assert_int_equal(s.maximum_ms, 800); /* drivers wait twice the maximum */
	rig_clear(r);
	r->flash[0].freeze = false;
	rig_run(r, 1000);
	s = rig_last_state(r);
	assert_int_equal(s.flags, 0);
	assert_int_equal(s.done, 1);
}

static void short_operations_are_not_announced(void **state)
{
	rig *r = *state;
	r->info[0].flags |= VF_MEMORY_BLOCKING;
	r->info[1].flags |= VF_MEMORY_BLOCKING;
	rig_message(r, VF_MESSAGE_ERASE, 1, RIG_INNER_BASE, 2048);
	rig_program(r, 0, RIG_NOR_BASE, (const uint8_t *)"abcd", 4);
	rig_run(r, 2000);
	for (unsigned i = 0; i < r->count; i++) {
		vf_state s;
		if (vf_unpack_state(&s, r->inbox[i].bytes, r->inbox[i].len) == 0)
			assert_int_equal(s.flags & VF_STATE_DEAF, 0);
	}
	assert_int_equal(rig_state(r).done, 2);
}

static void two_deaf_memories_take_turns(void **state)
{
	rig *r = *state;
	for (unsigned m = 0; m < 2; m++) {
		r->info[m].flags |= VF_MEMORY_BLOCKING;
		r->info[m].erase[0].max_us = 300000;
	}
	for (unsigned i = 0; i < 4; i++) {
		rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
		rig_message(r, VF_MESSAGE_ERASE, 1, RIG_INNER_BASE, 2048);
	}
	rig_run(r, 20000);
	assert_int_equal(rig_state(r).done, 8);
}

/* What the first memory waits with is announced in the tick in which the second
 * one's silence ends, not in one that nobody may be waiting for. */
static void the_next_silence_is_announced_at_once(void **state)
{
	rig *r = *state;
	for (unsigned m = 0; m < 2; m++) {
		r->info[m].flags |= VF_MEMORY_BLOCKING;
		r->info[m].erase[0].max_us = 300000;
		r->info[m].page_max_us = 300000;
	}
	r->flash[1].freeze = true;
	rig_program(r, 1, RIG_INNER_BASE, r->flash[0].cells, 64);
	rig_run(r, 5000);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_run(r, 5000);
	assert_int_equal(r->flash[0].begun, 0);
	rig_clear(r);
	r->flash[1].op = NULL;
	vf_target_flash_done(&r->t, 1, VF_OK);
	rig_turn(r);
	vf_state s = rig_last_state(r);
	assert_int_equal(s.flags, VF_STATE_DEAF | VF_STATE_BUSY);
	assert_int_equal(s.memory, 0);
	assert_int_equal(r->flash[0].begun, 1);
}

/* A memory with much to do does not keep the other from its turn. */
static void silences_alternate(void **state)
{
	rig *r = *state;
	for (unsigned m = 0; m < 2; m++) {
		r->info[m].flags |= VF_MEMORY_BLOCKING;
		r->info[m].erase[0].max_us = 300000;
	}
	for (unsigned i = 0; i < 8; i++)
		rig_message(r, VF_MESSAGE_ERASE, (uint8_t)(i / 4),
			    i < 4 ? RIG_NOR_BASE : RIG_INNER_BASE, i < 4 ? 4096 : 2048);
	for (unsigned i = 0; i < 1000 && r->flash[0].erased < 4; i++) {
		rig_turn(r);
		assert_true(r->flash[0].erased <= r->flash[1].erased + 2);
	}
	assert_int_equal(r->flash[0].erased, 4);
}

static void one_deaf_memory_does_not_speak_for_the_other(void **state)
{
	rig *r = *state;
	for (unsigned m = 0; m < 2; m++) {
		r->info[m].flags |= VF_MEMORY_BLOCKING;
		r->info[m].erase[0].max_us = 300000;
	}
	r->flash[0].freeze = true;
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_message(r, VF_MESSAGE_ERASE, 1, RIG_INNER_BASE, 2048);
	rig_run(r, 5000);
	assert_int_equal(r->flash[0].begun, 1);
	assert_int_equal(r->flash[1].begun, 0);
	vf_state s = rig_state(r);
	assert_int_equal(s.memory, 0);
	assert_int_equal(s.flags, VF_STATE_DEAF | VF_STATE_BUSY);
	r->flash[0].freeze = false;
	rig_run(r, 5000);
	assert_int_equal(rig_state(r).done, 2);
	assert_int_equal(rig_state(r).flags, 0);
}

static void a_new_session_takes_an_announcement_back(void **state)
{
	rig *r = *state;
	r->info[0].flags |= VF_MEMORY_BLOCKING;
	r->flash[0].hold = true;
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_run(r, 1000);
	assert_int_equal(rig_last_state(r).flags & VF_STATE_DEAF, VF_STATE_DEAF);
	rig_hello(r, 99);
	rig_run(r, 1000);
	assert_int_equal(rig_state(r).flags, 0);
	r->flash[0].hold = false;
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_run(r, 1000);
	assert_int_equal(rig_state(r).done, 1);
}

static void states_and_answers_take_turns(void **state)
{
	rig *r = *state;
	rig_message(r, VF_MESSAGE_READ, 0, RIG_NOR_BASE, 20000);
	unsigned states = 0;
	for (unsigned i = 0; i < 12; i++) {
		rig_frame(r, VF_KIND_QUERY, NULL, 0);
		rig_turn(r);
	}
	states = rig_count(r, VF_KIND_STATE);
	assert_in_range(states, 4, 8);
	assert_in_range(rig_count(r, VF_KIND_ANSWER), 4, 8);
}

/* --- a person at a terminal ------------------------------------------------------- */

static void type(rig *r, const char *text)
{
	rig_clear(r);
	rig_put(r, (const uint8_t *)text, strlen(text));
	rig_run(r, 25000);
}

static void return_gets_a_readable_line(void **state)
{
	rig *r = *state;
	type(r, "hello?\r");
	assert_int_equal(r->count, 0);
	assert_int_equal(strncmp(r->text, "\r\n", 2), 0);
	assert_string_equal(r->text + strlen(r->text) - 2, "\r\n");
	assert_non_null(strstr(r->text, "TESTBOARD"));
	assert_non_null(strstr(r->text, "fakenor, 64 KB at 0x90000000"));
	assert_non_null(strstr(r->text, "vcpflash program FILE"));
	assert_null(strchr(r->text + 2, '\r') + 2 < r->text + strlen(r->text) ? "more" : NULL);
}

static unsigned lines(const rig *r)
{
	unsigned n = 0;
	for (const char *p = r->text; (p = strstr(p, "vcpflash program")) != NULL; p++)
		n++;
	return n;
}

static void every_line_end_asks_once(void **state)
{
	rig *r = *state;
	type(r, "a\r\n");
	assert_int_equal(lines(r), 1);
	type(r, "b\n");
	assert_int_equal(lines(r), 1);
	type(r, "c\b\x1B[A\td\r");
	assert_int_equal(lines(r), 1);
	type(r, "no end");
	assert_int_equal(lines(r), 0);
	type(r, "\r");
	assert_int_equal(lines(r), 1);
	type(r, "\n"); /* of a CR LF that came in two pieces */
	assert_int_equal(lines(r), 0);
	type(r, "\x80\x81\r");
	assert_int_equal(lines(r), 0);
}

static void put_text(rig *r, const char *text)
{
	rig_clear(r);
	rig_put(r, (const uint8_t *)text, strlen(text));
}

static void a_return_is_answered_after_20_ms(void **state)
{
	static const char *const texts[] = {"\r", "hello\r", "\r\n"};
	rig *r = *state;
	for (unsigned i = 0; i < 3; i++) {
		uint32_t at;
		put_text(r, texts[i]);
		rig_run(r, 1000);
		assert_int_equal(lines(r), 0);
		assert_true(vf_target_deadline(&r->t, &at));
		assert_in_range(at - r->now, 15000, 20000);
		r->now = at;
		rig_turn(r);
		assert_int_equal(lines(r), 1);
		assert_false(vf_target_deadline(&r->t, &at));
	}
}

static void garbage_is_no_person_until_it_is_quiet(void **state)
{
	static const char *const garbage[] = {"\x80\x81\r", "\x80\x81", "a\r\x90\r\r", "\r\x01"};
	rig *r = *state;
	for (unsigned i = 0; i < 4; i++) {
		type(r, garbage[i]);
		assert_int_equal(lines(r), 0);
		rig_run(r, 300000);
		type(r, "\r");
		assert_int_equal(lines(r), 0);
		rig_run(r, 600000);
		type(r, "\r");
		assert_int_equal(lines(r), 1);
	}
}

/* A board that restarts while a host sends hears the rest of a frame, and frames
 * of a session that it does not know. Whatever stands in them: no greeting. */
static void the_rest_of_a_frame_is_no_person(void **state)
{
	rig *r = *state;
	uint64_t seed = 3;
	for (unsigned i = 0; i < 300; i++) {
		uint8_t payload[300], raw[VF_WIRE_FRAME_SIZE(400)];
		for (unsigned k = 0; k < sizeof payload; k++)
			payload[k] = rig_random(&seed) % 4 != 0 ? (uint8_t)rig_random(&seed)
								: (uint8_t) "\r\nA"[k % 3];
		size_t n = rig_encode(r, raw, VF_KIND_DATA, payload, sizeof payload);
		size_t from = n - 1 - rig_random(&seed) % (n - 2);
		assert_int_equal(rig_init(r), VF_OK);
		rig_clear(r);
		for (unsigned frames = 0; frames < 3; frames++, from = 0) {
			for (size_t at = from; at < n; at += 12) { /* 1 ms at 115200 baud */
				rig_put(r, raw + at, n - at < 12 ? n - at : 12);
				rig_run(r, 1000);
			}
		}
		rig_run(r, 100000);
		assert_int_equal(lines(r), 0);
	}
}

static void a_return_loses_no_frame(void **state)
{
	rig *r = *state;
	uint8_t raw[64];
	/* A frame whose code byte happens to be a CR, and comes in two pieces. */
	rig_put(r, (const uint8_t *)"", 1);
	rig_start(r);
	size_t n;
	do
		n = rig_encode(r, raw, VF_KIND_QUERY, NULL, 0);
	while (raw[1] != 13 && raw[1] != 10 && r->number < 2000);
	if (raw[1] == 13 || raw[1] == 10) {
		rig_put(r, raw, 2);
		rig_run(r, 10000);
		rig_put(r, raw + 2, n - 2);
		rig_run(r, 1000);
		assert_int_equal(lines(r), 0);
		assert_non_null(rig_last(r, VF_KIND_STATE));
	}
}

/* --- configuration ---------------------------------------------------------------- */

typedef struct good_board {
	vf_target_config config;
	vf_memory info;
} good_board;

/* Refused as it is, and taken again when what was changed is as it was. */
static void refused(rig *r, const good_board *good)
{
	assert_int_equal(rig_init(r), VF_E_USAGE);
	r->config = good->config;
	r->info[0] = good->info;
	assert_int_equal(rig_init(r), VF_OK);
}

static void bad_configurations_are_refused(void **state)
{
	rig *r = *state;
	const good_board good = {r->config, r->info[0]};
	r->config.ring_len = 1000;
	refused(r, &good);
	r->config.ring_len = 512;
	refused(r, &good);
	r->config.ring_len = 2u << 20;
	refused(r, &good);
	r->config.window_len = 256;
	refused(r, &good);
	r->config.window_len = 3000;
	refused(r, &good);
	r->config.frame_len = 243;
	refused(r, &good);
	r->config.frame_len = VF_WIRE_BODY_MAX + 5;
	refused(r, &good);
	r->config.tx_len = VF_TARGET_TX_MIN - 1;
	refused(r, &good);
	r->config.memories = 0;
	refused(r, &good);
	r->config.memories = VF_TARGET_MEMORIES + 1;
	refused(r, &good);
	r->config.name = "";
	refused(r, &good);
	r->config.name = "bell\a";
	refused(r, &good);
	r->config.name = "a name that is longer than thirty-two";
	refused(r, &good);
	r->config.name = NULL;
	refused(r, &good);
	r->config.id_len = 17;
	refused(r, &good);
	r->config.ring = NULL;
	refused(r, &good);
	r->config.memory[0].info = NULL;
	refused(r, &good);
	r->config.memory[0].work = NULL;
	refused(r, &good);
	r->config.memory[0].work++;
	refused(r, &good);
	r->config.memory[0].work_len = 511;
	refused(r, &good);
}

static void bad_descriptions_are_refused(void **state)
{
	rig *r = *state;
	const good_board good = {r->config, r->info[0]};
	r->info[0].page = 100;
	refused(r, &good);
	r->info[0].page = 1u << 14;
	refused(r, &good);
	r->info[0].unit = 512;
	refused(r, &good);
	r->info[0].unit = 0;
	refused(r, &good);
	r->info[0].size = 0;
	refused(r, &good);
	r->info[0].base = 0xFFFF0001;
	refused(r, &good);
	r->info[0].erase_types = 0;
	refused(r, &good);
	r->info[0].erase_types = 6;
	refused(r, &good);
	r->info[0].erase[1].size = 4096;
	refused(r, &good);
	r->info[0].erase[0].size = 4095;
	refused(r, &good);
	r->info[0].erase[0].max_us = 0;
	refused(r, &good);
	r->info[0].erase[2].size = 2 * RIG_NOR_SIZE;
	refused(r, &good);
	r->info[0].protects = 5;
	refused(r, &good);
	r->info[0].protect[0].len = RIG_NOR_SIZE;
	refused(r, &good);
	r->info[0].name[0] = '\0';
	refused(r, &good);
	memset(r->info[0].name, 'x', sizeof r->info[0].name);
	refused(r, &good);
}

#define T(name)  cmocka_unit_test_setup_teardown(name, setup_started, teardown)
#define T0(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T0(hello_is_welcomed),
		cmocka_unit_test(payloads_follow_the_buffers),
		T0(the_hosts_payload_bounds_answers),
		T(hello_again_changes_nothing),
		T(versions_that_do_not_meet_are_refused),
		T(a_hello_whose_tag_is_not_its_sessions_is_damaged),
		T(memories_are_described),
		T(a_memory_that_is_not_there_is_refused),
		T(unknown_kinds_are_refused_and_echoes_of_the_board_ignored),
		T(longer_bodies_are_understood_and_shorter_ones_damaged),
		T(a_damaged_chunk_is_told_at_once),
		T(seen_is_the_number_of_the_last_intact_frame),
		T(numbers_of_the_board_count_up),
		T(echo_comes_back_cut_to_what_fits),
		T(lost_bytes_are_counted),
		T(foreign_tags_are_told),
		T0(without_a_session_all_is_ended),
		T(abort_discards_what_has_not_begun),
		T(a_new_session_waits_for_the_chip_and_not_for_the_outcome),
		T(a_new_session_withdraws_what_was_not_fetched),
		T(a_run_is_off_when_a_new_host_comes),
		T(hello_and_abort_together_leave_no_welcome),
		T(a_busy_board_says_so_every_250_ms),
		T(the_deadline_is_the_next_heartbeat),
		T(deaf_is_announced_before_and_taken_back_after),
		T(short_operations_are_not_announced),
		T(two_deaf_memories_take_turns),
		T(the_next_silence_is_announced_at_once),
		T(silences_alternate),
		T(one_deaf_memory_does_not_speak_for_the_other),
		T(a_new_session_takes_an_announcement_back),
		T(states_and_answers_take_turns),
		T0(return_gets_a_readable_line),
		T0(every_line_end_asks_once),
		T0(a_return_is_answered_after_20_ms),
		T0(garbage_is_no_person_until_it_is_quiet),
		T0(the_rest_of_a_frame_is_no_person),
		T0(a_return_loses_no_frame),
		T0(bad_configurations_are_refused),
		T0(bad_descriptions_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
