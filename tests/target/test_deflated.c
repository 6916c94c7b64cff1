/* test_deflated.c - DEFLATED as the host sees it: what ends up in the flash, what
 * is refused, where a bad stream stops, and that whatever happens in between a
 * chip gets the bytes that it was promised.
 */
#include "pack.h"
#include "rig.h"

enum { SIZE = 6000 };

typedef struct packed {
	uint8_t data[SIZE]; /* what is packed */
	uint8_t bytes[PACK_ROOM(SIZE)];
	uint32_t len;
} packed;

/* Some bytes like firmware: a few values often, others at times. */
static void fill(packed *p, uint32_t len, uint64_t seed)
{
	for (uint32_t i = 0; i < len; i++)
		p->data[i] = (uint8_t)(rig_random(&seed) % 4 != 0 ? rig_random(&seed) & 3
								  : rig_random(&seed));
	p->len = pack(p->data, len, p->bytes, 9, 0);
}

static rig *start(uint32_t block)
{
	rig *r = rig_new(&rig_usual);
	rig_offer_block(r, block);
	rig_start(r);
	return r;
}

static void assert_stopped(rig *r, uint32_t operation, uint8_t code, uint32_t address)
{
	vf_state s = rig_state(r);
	assert_int_equal(s.flags & VF_STATE_STOPPED, VF_STATE_STOPPED);
	assert_int_equal(s.failure.code, code);
	assert_int_equal(s.failure.operation, operation);
	assert_int_equal(s.failure.address, address);
}

static void assert_done(rig *r, uint32_t operations)
{
	vf_state s = rig_state(r);
	assert_int_equal(s.flags, 0);
	assert_int_equal(s.done, operations);
	assert_int_equal(s.limit, s.received + r->config.window_len);
}

/* --- what is told and refused ----------------------------------------------------- */

static void the_block_is_told(void **state)
{
	(void)state;
	for (uint32_t block = 0; block <= 4096; block += 4096) {
		rig *r = rig_new(&rig_usual);
		vf_welcome w;
		if (block != 0)
			rig_offer_block(r, block);
		rig_hello(r, 77);
		rig_run(r, 1000);
		const rig_body *b = rig_last(r, VF_KIND_WELCOME);
		assert_non_null(b);
		assert_int_equal(vf_unpack_welcome(&w, b->bytes, b->len), 0);
		assert_int_equal(w.block, block);
		rig_free(r);
	}
}

static void without_a_block_it_is_unknown(void **state)
{
	(void)state;
	packed p;
	rig *r = rig_new(&rig_usual);
	rig_start(r);
	fill(&p, 256, 1);
	rig_deflated(r, 0, RIG_NOR_BASE, 256, p.bytes, p.len);
	assert_stopped(r, 0, VF_FAIL_UNKNOWN, RIG_NOR_BASE);
	rig_free(r);
}

static void messages_out_of_range_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint8_t memory;
		uint32_t address, len, packed;
		uint8_t code, flags;
	} bad[] = {
		{0, RIG_NOR_BASE, 2049, 10, VF_FAIL_RANGE, 0},
		{0, RIG_NOR_BASE, 0, 10, VF_FAIL_RANGE, 0},
		{0, RIG_NOR_BASE, UINT32_MAX, 10, VF_FAIL_RANGE, 0},
		{0, RIG_NOR_BASE + RIG_NOR_SIZE - 8, 9, 10, VF_FAIL_RANGE, 0},
		{0, RIG_NOR_BASE, 256, 0, VF_FAIL_MALFORMED, 0},
		{0, RIG_NOR_BASE + 0xBF00, 257, 10, VF_FAIL_PROTECTED, 0},
		{1, RIG_INNER_BASE, 33, 10, VF_FAIL_RANGE, 0},
		{1, RIG_INNER_BASE + 16, 32, 10, VF_FAIL_RANGE, 0},
		{2, RIG_INNER_BASE, 32, 10, VF_FAIL_RANGE, 0},
		{0, RIG_NOR_BASE + 1, 256, 10, VF_FAIL_RANGE, VF_MESSAGE_BRANCHES},
		{0, RIG_NOR_BASE, 256, 10, VF_FAIL_MALFORMED, 2},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t bytes[10] = {0};
		rig *r = start(2048);
		rig_deflated_as(r, bad[i].flags, bad[i].memory, bad[i].address, bad[i].len, bytes,
				bad[i].packed);
		assert_stopped(r, 0, bad[i].code, bad[i].address);
		assert_int_equal(r->flash[0].begun + r->flash[1].begun, 0);
		rig_free(r);
	}
}

static void read_only_memories_are_not_programmed(void **state)
{
	(void)state;
	uint8_t bytes[10] = {0};
	rig *r = start(2048);
	r->info[0].flags = VF_MEMORY_READ;
	rig_deflated(r, 0, RIG_NOR_BASE, 256, bytes, sizeof bytes);
	assert_stopped(r, 0, VF_FAIL_RIGHTS, RIG_NOR_BASE);
	rig_free(r);
}

static void bad_configurations_are_refused(void **state)
{
	(void)state;
	rig *r = start(2048);
	const vf_target_config good = r->config;
	r->config.block_len = 255; /* less than a page */
	assert_int_equal(rig_init(r), VF_E_USAGE);
	r->config = good;
	r->config.block += 16;
	assert_int_equal(rig_init(r), VF_E_USAGE);
	r->config = good;
	r->config.block = NULL;
	assert_int_equal(rig_init(r), VF_E_USAGE);
	r->config = good;
	r->config.inflate = NULL;
	assert_int_equal(rig_init(r), VF_E_USAGE);
	r->config.block_len = 0;
	assert_int_equal(rig_init(r), VF_OK);
	r->config = good;
	rig_free(r);
}

/* --- what arrives in the flash ------------------------------------------------------ */

static void pages_come_from_the_block_itself(void **state)
{
	(void)state;
	packed p;
	rig *r = start(4096);
	fill(&p, 1000, 2);
	r->flash[0].freeze = true;
	rig_deflated(r, 0, RIG_NOR_BASE + 0x1040, 1000, p.bytes, p.len);
	rig_run(r, 1000);
	assert_non_null(r->flash[0].op);
	assert_ptr_equal(r->flash[0].op->data, r->config.block + 0x40);
	assert_int_equal(r->flash[0].op->len, 256 - 0x40);
	r->flash[0].freeze = false;
	rig_run(r, 10000);
	assert_done(r, 1);
	assert_memory_equal(r->flash[0].cells + 0x1040, p.data, 1000);
	assert_int_equal(r->flash[0].programmed, 5);
	assert_int_equal(r->flash[0].read, 5);
	assert_int_equal(vf_target_stats_get(&r->t)->unpacked, 1000);
	assert_int_equal(vf_target_stats_get(&r->t)->programmed, 1000);
	rig_free(r);
}

/* Every start within a page, also where the block cannot lie as the pages do. */
static void any_place_will_do(void **state)
{
	(void)state;
	packed p;
	fill(&p, 1024, 3);
	for (uint32_t at = 0; at < 257; at += at % 3 == 0 ? 5 : 8) {
		rig *r = start(1024);
		rig_deflated(r, 0, RIG_NOR_BASE + at, 1024, p.bytes, p.len);
		rig_run(r, 20000);
		assert_done(r, 1);
		assert_memory_equal(r->flash[0].cells + at, p.data, 1024);
		assert_int_equal(r->flash[0].cells[at + 1024], 0xFF);
		assert_true(at == 0 || r->flash[0].cells[at - 1] == 0xFF);
		rig_free(r);
	}
}

/* Calls everywhere, also over the ends of pages, at every even start and length. */
static void branches_are_restored(void **state)
{
	(void)state;
	packed p;
	uint64_t seed = 7;
	for (uint32_t at = 0; at < 258; at += 2) {
		const uint32_t len = 1024 - at / 2;
		uint8_t places[1024];
		rig *r = start(1024);
		rig_random_fill(&seed, p.data, len);
		for (uint32_t i = 1; i < len; i += 2)
			p.data[i] |= rig_random(&seed) % 2 != 0 ? 0xF0 : 0xF8;
		vf_branch walk = {.at = at, .places = true};
		vf_branch_walk(&walk, p.data, len, 0, places);
		p.len = pack(places, len, p.bytes, 6, 0);
		rig_deflated_as(r, VF_MESSAGE_BRANCHES, 0, RIG_NOR_BASE + at, len, p.bytes, p.len);
		rig_run(r, 20000);
		assert_done(r, 1);
		assert_memory_equal(r->flash[0].cells + at, p.data, len);
		rig_free(r);
	}
}

static void more_than_the_window_holds(void **state)
{
	(void)state;
	packed p;
	rig_sizes sizes = rig_usual;
	uint64_t seed = 4;
	sizes.window = 512;
	rig *r = rig_new(&sizes);
	rig_offer_block(r, SIZE);
	rig_start(r);
	rig_random_fill(&seed, p.data, SIZE);
	for (int level = 0; level < 10; level += 9) { /* both longer than the data */
		p.len = pack(p.data, SIZE, p.bytes, level, 0);
		assert_true(p.len > SIZE);
		rig_deflated(r, 0, RIG_NOR_BASE, SIZE, p.bytes, p.len);
	}
	rig_run(r, 20000);
	assert_done(r, 2);
	assert_memory_equal(r->flash[0].cells, p.data, SIZE);
	rig_free(r);
}

/* While the memory is erased everything is unpacked and the window free again;
 * nothing is programmed before its turn. */
static void erasing_time_is_used(void **state)
{
	(void)state;
	packed p;
	rig *r = start(SIZE);
	memset(r->flash[0].cells, 0, 8192);
	r->flash[0].freeze = true;
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE + 4096, 4096);
	fill(&p, SIZE, 5);
	rig_deflated(r, 0, RIG_NOR_BASE + 100, SIZE, p.bytes, p.len);
	rig_run(r, 20000);
	assert_int_equal(r->flash[0].begun, 1);
	assert_int_equal(vf_target_stats_get(&r->t)->unpacked, SIZE);
	assert_int_equal(r->t.stream.consumed, r->offset);
	r->flash[0].freeze = false;
	rig_run(r, 20000);
	assert_done(r, 3);
	assert_memory_equal(r->flash[0].cells + 100, p.data, SIZE);
	rig_free(r);
}

/* The page after the one that is being programmed is ready, no more: the rest of
 * the processor's time belongs to others. */
static void the_next_page_is_ready(void **state)
{
	(void)state;
	packed p;
	uint32_t at;
	rig *r = start(SIZE);
	fill(&p, SIZE, 6);
	r->flash[0].freeze = true;
	rig_deflated(r, 0, RIG_NOR_BASE, SIZE, p.bytes, p.len);
	rig_run(r, 20000);
	assert_int_equal(r->flash[0].begun, 1);
	uint32_t unpacked = vf_target_stats_get(&r->t)->unpacked;
	assert_true(unpacked >= 512 && unpacked < 512 + 258);
	assert_true(vf_target_deadline(&r->t, &at) && at != r->now); /* it waits for the chip */
	r->flash[0].freeze = false;
	rig_run(r, 20000);
	assert_done(r, 1);
	assert_memory_equal(r->flash[0].cells, p.data, SIZE);
	rig_free(r);
}

/* The buffer goes from one to the next in the order of the queue, behind the
 * pages that are still needed. */
static void one_block_serves_two_memories(void **state)
{
	(void)state;
	packed p[6];
	rig *r = start(4096);
	r->flash[0].takes_us = 300;
	r->flash[1].takes_us = 700;
	for (unsigned i = 0; i < 6; i++) {
		fill(&p[i], 2048, 10 + i);
		rig_deflated(r, i % 2, (i % 2 != 0 ? RIG_INNER_BASE : RIG_NOR_BASE) + i * 2048,
			     2048, p[i].bytes, p[i].len);
	}
	rig_run(r, 400000);
	assert_done(r, 6);
	for (unsigned i = 0; i < 6; i++)
		assert_memory_equal(r->flash[i % 2].cells + i * 2048, p[i].data, 2048);
	rig_free(r);
}

/* The first in the queue holds the buffer though its memory is busy: the other
 * waits, and nothing hangs in a window too small for both. */
static void nobody_overtakes(void **state)
{
	(void)state;
	packed a, b;
	rig_sizes sizes = rig_usual;
	sizes.window = 2048;
	rig *r = rig_new(&sizes);
	rig_offer_block(r, 4096);
	rig_start(r);
	fill(&a, 4096, 20);
	fill(&b, 4096, 21);
	r->flash[0].takes_us = 30000;
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	r->loop_rx = true;
	rig_deflated(r, 0, RIG_NOR_BASE, 4096, a.bytes, a.len);
	rig_deflated(r, 1, RIG_INNER_BASE, 4096, b.bytes, b.len);
	rig_run(r, 2000000);
	assert_done(r, 3);
	assert_memory_equal(r->flash[0].cells, a.data, 4096);
	assert_memory_equal(r->flash[1].cells, b.data, 4096);
	rig_free(r);
}

/* --- what goes wrong ------------------------------------------------------------------ */

/* Pages before the fault are programmed, whenever it was found. */
static void a_bad_stream_stops_at_its_page(void **state)
{
	(void)state;
	for (unsigned erasing = 0; erasing < 2; erasing++) {
		packed p;
		rig *r = start(SIZE);
		fill(&p, SIZE, 30);
		p.len = pack(p.data, 1100, p.bytes, 0, 0); /* stored; and then nothing valid */
		p.bytes[0] = 0;
		p.bytes[p.len] = 7;
		if (erasing != 0)
			rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
		rig_deflated(r, 0, RIG_NOR_BASE + 512, SIZE, p.bytes, p.len + 1);
		rig_program(r, 0, RIG_NOR_BASE + 0x4000, p.data, 100);
		rig_run(r, 20000);
		assert_stopped(r, erasing, VF_FAIL_PACKING, RIG_NOR_BASE + 512 + 1024);
		assert_int_equal(r->flash[0].programmed, 4);
		assert_memory_equal(r->flash[0].cells + 512, p.data, 1024);
		assert_int_equal(r->flash[0].cells[512 + 1024], 0xFF);
		assert_int_equal(r->flash[0].cells[0x4000], 0xFF);
		rig_free(r);
	}
}

static void try_length(uint32_t said, uint32_t more, uint32_t less, uint32_t page)
{
	packed p;
	rig *r = start(SIZE);
	fill(&p, 1000, 31);
	p.bytes[p.len] = 0;
	rig_deflated(r, 0, RIG_NOR_BASE, said, p.bytes, p.len + more - less);
	rig_run(r, 20000);
	assert_stopped(r, 0, VF_FAIL_PACKING, RIG_NOR_BASE + page);
	assert_int_equal(r->flash[0].cells[page], 0xFF);
	rig_free(r);
}

/* The last page is programmed only when the stream has turned out whole. */
static void a_wrong_length_stops_at_the_last_page(void **state)
{
	(void)state;
	try_length(1000, 1, 0, 768); /* bytes after the stream */
	try_length(1000, 0, 1, 768); /* its last byte is missing */
	try_length(999, 0, 0, 768);
	try_length(1001, 0, 0, 768);
	try_length(1025, 0, 0, 768); /* the page that was not filled */
	try_length(1024, 0, 0, 768);
	try_length(768, 0, 0, 512);
}

static void a_cell_that_fails_is_named(void **state)
{
	(void)state;
	packed p;
	rig *r = start(SIZE);
	fill(&p, SIZE, 32);
	p.data[700] = 0x12;
	p.len = pack(p.data, SIZE, p.bytes, 6, 0);
	r->flash[0].bad_offset = 700;
	rig_deflated(r, 0, RIG_NOR_BASE, SIZE, p.bytes, p.len);
	rig_run(r, 20000);
	assert_stopped(r, 0, VF_FAIL_MISMATCH, RIG_NOR_BASE + 700);
	assert_int_equal(r->t.queue.failure.expected, 0x12);
	assert_int_equal(r->t.queue.failure.found, 0xFF);
	rig_free(r);
}

/* A chip works on a page of the old session out of the block: it keeps its
 * bytes, whatever the new session unpacks, and the new one waits for it. */
static void a_new_session_leaves_the_chip_its_page(void **state)
{
	(void)state;
	for (unsigned aborts = 0; aborts < 2; aborts++) {
		packed old, new;
		rig *r = start(SIZE);
		fill(&old, SIZE, 40);
		fill(&new, SIZE, 41);
		rig_deflated(r, 0, RIG_NOR_BASE, SIZE, old.bytes, old.len);
		r->flash[0].takes_us = 1000;
		for (unsigned turns = 0; r->flash[0].op == NULL || r->flash[0].op->offset != 512;
		     turns++) {
			assert_true(turns < 1000);
			rig_turn(r);
		}
		assert_int_equal(r->flash[0].op->kind, VF_FLASH_PROGRAM);
		r->flash[0].freeze = true;
		if (aborts != 0)
			rig_frame(r, VF_KIND_ABORT, NULL, 0);
		rig_run(r, 500);
		rig_hello(r, 99 + aborts);
		rig_deflated(r, 1, RIG_INNER_BASE, 5984, new.bytes, 1); /* not the whole */
		rig_run(r, 20000);
		rig_hello(r, 199 + aborts);
		new.len = pack(new.data, 5984, new.bytes, 9, 0);
		rig_deflated(r, 1, RIG_INNER_BASE, 5984, new.bytes, new.len);
		rig_run(r, 20000);
		assert_true(r->flash[1].programmed < 20); /* no further than that page */
		r->flash[0].freeze = false;
		rig_run(r, 100000);
		assert_memory_equal(r->flash[0].cells + 512, old.data + 512, 256);
		assert_int_equal(r->flash[0].cells[768], 0xFF);
		assert_memory_equal(r->flash[1].cells, new.data, 5984);
		assert_done(r, 1);
		rig_free(r);
	}
}

/* After a failure elsewhere nothing more is unpacked, and the next session
 * begins afresh. */
static void a_stop_ends_unpacking(void **state)
{
	(void)state;
	packed p;
	rig *r = start(SIZE);
	fill(&p, SIZE, 50);
	r->flash[1].status_kind = VF_FLASH_ERASE;
	r->flash[1].status = VF_E_ERASE;
	r->flash[0].freeze = true;
	rig_message(r, VF_MESSAGE_ERASE, 1, RIG_INNER_BASE, 2048);
	rig_deflated(r, 0, RIG_NOR_BASE, SIZE, p.bytes, p.len);
	rig_run(r, 20000);
	uint32_t unpacked = vf_target_stats_get(&r->t)->unpacked;
	r->flash[0].freeze = false;
	rig_run(r, 20000);
	assert_stopped(r, 0, VF_FAIL_ERASE, RIG_INNER_BASE);
	assert_int_equal(vf_target_stats_get(&r->t)->unpacked, unpacked);
	assert_true(r->flash[0].programmed <= 1);
	rig_hello(r, 1234);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE, 4096);
	rig_message(r, VF_MESSAGE_ERASE, 0, RIG_NOR_BASE + 4096, 4096);
	rig_deflated(r, 0, RIG_NOR_BASE, SIZE, p.bytes, p.len);
	rig_run(r, 20000);
	assert_done(r, 3);
	assert_memory_equal(r->flash[0].cells, p.data, SIZE);
	rig_free(r);
}

/* A stream of empty blocks makes nothing and costs a tick for each, not all of
 * them in one. */
static void empty_blocks_do_not_hold_up_a_tick(void **state)
{
	(void)state;
	packed p;
	rig *r = start(SIZE);
	fill(&p, 100, 60);
	uint8_t bytes[3000];
	uint32_t n = 0;
	for (; n < 2000; n += 5)
		memcpy(bytes + n, "\0\0\0\xFF\xFF", 5);
	memcpy(bytes + n, p.bytes, p.len);
	rig_deflated(r, 0, RIG_NOR_BASE, 100, bytes, n + p.len);
	rig_run(r, 20000);
	assert_int_equal(r->flash[0].programmed, 0);
	assert_true(r->t.stream.consumed < 1500);
	rig_run(r, 30000);
	assert_done(r, 1);
	assert_memory_equal(r->flash[0].cells, p.data, 100);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_block_is_told),
		cmocka_unit_test(without_a_block_it_is_unknown),
		cmocka_unit_test(messages_out_of_range_are_refused),
		cmocka_unit_test(read_only_memories_are_not_programmed),
		cmocka_unit_test(bad_configurations_are_refused),
		cmocka_unit_test(pages_come_from_the_block_itself),
		cmocka_unit_test(any_place_will_do),
		cmocka_unit_test(branches_are_restored),
		cmocka_unit_test(more_than_the_window_holds),
		cmocka_unit_test(erasing_time_is_used),
		cmocka_unit_test(the_next_page_is_ready),
		cmocka_unit_test(one_block_serves_two_memories),
		cmocka_unit_test(nobody_overtakes),
		cmocka_unit_test(a_bad_stream_stops_at_its_page),
		cmocka_unit_test(a_wrong_length_stops_at_the_last_page),
		cmocka_unit_test(a_cell_that_fails_is_named),
		cmocka_unit_test(a_new_session_leaves_the_chip_its_page),
		cmocka_unit_test(a_stop_ends_unpacking),
		cmocka_unit_test(empty_blocks_do_not_hold_up_a_tick),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
