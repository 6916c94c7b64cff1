/* test_random.c - the board against chance: frames of random content, random
 * operations against an oracle of bytes, and a pipe that loses, repeats and
 * changes bytes between the board and a host that only resends. Each test
 * prints its last seed, which is the one that failed; a seed as the first argument is run again
 * alone.
 */
#include "pack.h"
#include "rig.h"

static uint64_t only_seed;
static uint64_t last_seed;
static uint64_t first_seed; /* VF_SEED of the environment: other runs */

static uint64_t seed_of(unsigned run)
{
	last_seed = only_seed != 0 ? only_seed : first_seed + 0x9E3779B97F4A7C15u * (run + 1);
	return last_seed;
}

/* After a failure this is the seed that failed. */
static int print_seed(void **state)
{
	(void)state;
	print_message("last seed 0x%016llx\n", (unsigned long long)last_seed);
	return 0;
}

static unsigned runs(unsigned usual)
{
	return only_seed != 0 ? 1 : usual;
}

static uint32_t pick(uint64_t *seed, uint32_t below)
{
	return rig_random(seed) % below;
}

/* --- frames of random content ---------------------------------------------------- */

static uint32_t odd_number(uint64_t *seed)
{
	static const uint32_t odd[] = {0,          1,          12,           256,
				       4096,       32768,      RIG_NOR_SIZE, 0x7FFFFFFF,
				       0x80000000, 0xFFFFFFF0, 0xFFFFFFFF};
	uint32_t base = pick(seed, 2) != 0 ? RIG_NOR_BASE : RIG_INNER_BASE;
	switch (pick(seed, 4)) {
	case 0:
		return odd[pick(seed, sizeof odd / sizeof odd[0])];
	case 1:
		return rig_random(seed);
	case 2:
		return base + pick(seed, RIG_NOR_SIZE + 4096);
	default:
		return base + 4096 * pick(seed, 17);
	}
}

static void random_messages(uint64_t *seed, uint8_t *out, size_t len)
{
	rig_random_fill(seed, out, len);
	for (size_t at = 0; at + 16 <= len; at += 12 + 4 * pick(seed, 3)) {
		out[at] = (uint8_t)pick(seed, 9);
		out[at + 1] = pick(seed, 30) == 0;
		out[at + 2] = (uint8_t)(pick(seed, 20) == 0 ? 2 : pick(seed, 2));
		out[at + 3] = 0;
		vf_put32(out + at + 4, odd_number(seed));
		vf_put32(out + at + 8, odd_number(seed));
		vf_put32(out + at + 12, odd_number(seed) & 0xFF);
		if (out[at] == VF_MESSAGE_DEFLATED && at + 40 < len) { /* what may be a stream */
			vf_put32(out + at + 8, 1 + pick(seed, 3000));
			out[at + 16] = (uint8_t)((out[at + 16] & 0xF8u) | pick(seed, 6));
		}
	}
}

static void random_frame(rig *r, uint64_t *seed)
{
	uint8_t rest[1100];
	size_t len = pick(seed, pick(seed, 3) == 0 ? 1100 : 60);
	uint8_t kind = (uint8_t)(pick(seed, 20) == 0 ? pick(seed, 256) : 2 + pick(seed, 5));
	rig_random_fill(seed, rest, sizeof rest);
	if (kind == VF_KIND_DATA || pick(seed, 2) != 0) {
		kind = VF_KIND_DATA;
		vf_put32(rest, pick(seed, 9) == 0
				       ? odd_number(seed)
				       : r->t.stream.received + pick(seed, 3) * pick(seed, 500));
		random_messages(seed, rest + 4, sizeof rest - 4);
	}
	if (kind == VF_KIND_ABORT && pick(seed, 10) != 0)
		kind = VF_KIND_QUERY;
	if (pick(seed, 40) == 0)
		rig_frame_tagged(r, kind, rig_random(seed), rest, len);
	else
		rig_frame(r, kind, rest, len);
}

static void random_status(rig *r, uint64_t *seed)
{
	rig_flash *f = &r->flash[pick(seed, 2)];
	f->freeze = pick(seed, 4) == 0;
	f->hold = pick(seed, 8) == 0;
	f->status_kind = (uint8_t)(pick(seed, 20) == 0 ? 1 + pick(seed, 4) : 0);
	f->status = -20 - (int)pick(seed, 10);
	r->tx_closed = pick(seed, 6) == 0;
}

/* The flash behind the door asserts what no frame may bring about: writes to
 * protected ranges, operations outside the memory or across pages. */
static void no_frame_does_harm(void **state)
{
	(void)state;
	for (unsigned run = 0; run < runs(60); run++) {
		uint64_t seed = seed_of(run);
		const rig_sizes sizes = {2048u << pick(&seed, 3), 512u << pick(&seed, 5),
					 244 + pick(&seed, 3000), 247 + pick(&seed, 3000),
					 512 + pick(&seed, 2000)};
		rig *r = rig_new(&sizes);
		r->info[0].flags |= (uint8_t)(pick(&seed, 2) != 0 ? VF_MEMORY_BLOCKING : 0);
		if (pick(&seed, 4) != 0)
			rig_offer_block(r, 256u + pick(&seed, 5000));
		memset(r->flash[0].cells + 0xC000, 0x77, 0x1000);
		for (unsigned i = 0; i < 400; i++) {
			uint32_t at;
			if (!r->t.session.open || r->t.queue.stopped || pick(&seed, 60) == 0)
				rig_hello(r, 1 + rig_random(&seed) % 0xFFFFFFFE);
			random_status(r, &seed);
			random_frame(r, &seed);
			rig_run(r, 100 * pick(&seed, 20));
			(void)vf_target_deadline(&r->t, &at);
			(void)vf_target_run(&r->t, &at);
		}
		for (uint32_t i = 0; i < 0x1000; i++)
			assert_int_equal(r->flash[0].cells[0xC000 + i], 0x77);
		rig_free(r);
	}
}

static void no_bytes_do_harm(void **state)
{
	(void)state;
	for (unsigned run = 0; run < runs(40); run++) {
		uint64_t seed = seed_of(run);
		rig *r = rig_new(&rig_usual);
		rig_start(r);
		for (unsigned i = 0; i < 300; i++) {
			uint8_t raw[200];
			rig_random_fill(&seed, raw, sizeof raw);
			for (unsigned k = 0; k < 8; k++)
				raw[pick(&seed, sizeof raw)] = pick(&seed, 2) != 0 ? 0xF8 : 0;
			rig_put(r, raw, pick(&seed, sizeof raw));
			rig_run(r, 100 * pick(&seed, 300));
			rig_clear(r);
		}
		rig_free(r);
	}
}

/* --- a host that only resends ------------------------------------------------------ */

typedef struct lossy {
	uint32_t lose, repeat, change; /* one byte in so many; 0 never */
	uint32_t most_taken;           /* bytes the port takes from the board at once */
} lossy;

typedef struct host {
	rig *r;
	uint64_t seed;
	lossy pipe;
	uint8_t *stream;
	uint32_t start; /* offset of stream[0] */
	uint32_t len;
	uint32_t operations;
	uint32_t received, limit, done;
	bool stopped;
	bool greeted; /* a WELCOME came */
	vf_failure failure;
	uint8_t raw[VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)];
	vf_decoder decoder;
	uint8_t decoder_buf[VF_WIRE_BODY_MAX + 4];
} host;

/* One byte on the pipe becomes none, two, or another one. */
static size_t spoil(host *h, uint8_t byte, uint8_t out[2])
{
	if (h->pipe.lose != 0 && pick(&h->seed, h->pipe.lose) == 0)
		return 0;
	if (h->pipe.change != 0 && pick(&h->seed, h->pipe.change) == 0)
		byte ^= (uint8_t)(1u << pick(&h->seed, 8));
	out[0] = byte;
	out[1] = byte;
	return h->pipe.repeat != 0 && pick(&h->seed, h->pipe.repeat) == 0 ? 2 : 1;
}

static void host_hears(host *h)
{
	const uint8_t *body = h->decoder.buf;
	vf_state s;
	if (vf_body_tag(body) != (uint32_t)h->r->session)
		return;
	if (vf_body_kind(body) == VF_KIND_WELCOME)
		h->greeted = true;
	if (vf_body_kind(body) != VF_KIND_STATE || vf_unpack_state(&s, body, h->decoder.len) != 0)
		return;
	assert_true(vf_offset_diff(s.done, h->done) >= 0);
	assert_true(vf_offset_diff(s.received, h->received) >= 0);
	assert_true(vf_offset_diff(s.limit, h->limit) >= 0);
	h->done = s.done;
	h->received = s.received;
	h->limit = s.limit;
	h->stopped = (s.flags & VF_STATE_STOPPED) != 0;
	h->failure = s.failure;
}

/* A turn of the board in which the port takes some of what there is to send. */
static void turn(host *h)
{
	rig *r = h->r;
	size_t len;
	const uint8_t *p = vf_target_tx(&r->t, &len);
	if (p != NULL) {
		size_t n = pick(&h->seed, h->pipe.most_taken + 1);
		if (n > len)
			n = len;
		for (size_t i = 0; i < n; i++) {
			uint8_t two[2];
			size_t count = spoil(h, p[i], two);
			for (size_t k = 0; k < count;) {
				enum vf_decoder_event event;
				k += vf_decode(&h->decoder, two + k, count - k, &event);
				if (event == VF_DECODE_FRAME)
					host_hears(h);
			}
		}
		vf_target_tx_done(&r->t, n);
	}
	r->tx_closed = true; /* rig_turn leaves what goes out to us */
	rig_turn(r);
}

static void host_sends(host *h, uint8_t kind, const uint8_t *rest, size_t len)
{
	size_t n = rig_encode(h->r, h->raw, kind, rest, len);
	for (size_t i = 0; i < n;) {
		uint8_t two[2];
		size_t burst = 1 + pick(&h->seed, 64);
		for (; burst > 0 && i < n; burst--, i++) {
			size_t count = spoil(h, h->raw[i], two);
			while (vf_target_rx_space(&h->r->t) < count)
				turn(h);
			(void)vf_target_rx(&h->r->t, two, count);
		}
		if (pick(&h->seed, 4) == 0)
			turn(h);
	}
}

/* A piece of the stream from somewhere between `received` and the limit. */
static void host_sends_piece(host *h)
{
	uint8_t rest[4 + 300];
	uint32_t from = h->received - h->start;
	uint32_t end = h->limit - h->start < h->len ? h->limit - h->start : h->len;
	if (pick(&h->seed, 3) == 0 && end > from)
		from += pick(&h->seed, end - from);
	if (pick(&h->seed, 20) == 0)
		from = pick(&h->seed, from + 1);
	uint32_t n = 1 + pick(&h->seed, 200);
	if (n > end - from)
		n = end - from;
	if (n == 0)
		return;
	vf_put32(rest, h->start + from);
	memcpy(rest + 4, h->stream + from, n);
	host_sends(h, VF_KIND_DATA, rest, 4 + n);
}

static void host_opens(host *h)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_hello hello = {
		.version_min = 1, .version_max = 1, .payload = 256, .session = h->r->session};
	size_t n = vf_pack_hello(body, 0, &hello);
	for (unsigned i = 0; i < 1000 && !h->greeted; i++) {
		host_sends(h, VF_KIND_HELLO, body + VF_WIRE_HEADER, n - VF_WIRE_HEADER);
		for (unsigned k = 0; k < 40; k++)
			turn(h);
	}
	assert_true(h->greeted);
}

/* To the end, or until the board stops; never for ever. */
static void host_runs(host *h)
{
	unsigned patience = 60000;
	while (h->done != h->operations && !h->stopped) {
		assert_true(patience-- > 0);
		host_sends_piece(h);
		if (pick(&h->seed, 4) == 0)
			host_sends(h, VF_KIND_QUERY, NULL, 0);
		for (unsigned k = pick(&h->seed, 6); k > 0; k--)
			turn(h);
	}
}

/* --- random operations, and what they must come to ---------------------------------- */

enum { STREAM_ROOM = 60000 };

static uint8_t *append(host *h, const vf_message *m)
{
	h->len += (uint32_t)vf_pack_message(h->stream + h->len, m);
	h->operations++;
	return h->stream + h->len;
}

static void add_erase(host *h, uint8_t memory, uint8_t *oracle)
{
	const vf_memory *info = &h->r->info[memory];
	uint32_t size = info->erase[pick(&h->seed, memory == 0 ? 2 : 1)].size;
	uint32_t offset;
	do
		offset = size * pick(&h->seed, info->size / size);
	while (memory == 0 && offset < 0xD000 && 0xC000 < offset + size);
	append(h, &(vf_message){.type = VF_MESSAGE_ERASE,
				.memory = memory,
				.address = info->base + offset,
				.length = size});
	memset(oracle + offset, 0xFF, size);
}

/* Programs only clear bits here, so that every one of them can succeed. */
static void add_program(host *h, uint8_t memory, uint8_t *oracle)
{
	const vf_memory *info = &h->r->info[memory];
	uint32_t len = info->unit * (1 + pick(&h->seed, 3000 / info->unit));
	uint32_t offset = info->unit *
			  pick(&h->seed, ((memory == 0 ? 0xC000 : info->size) - len) / info->unit);
	uint8_t *data = append(h, &(vf_message){.type = VF_MESSAGE_PROGRAM,
						.memory = memory,
						.address = info->base + offset,
						.length = len});
	for (uint32_t i = 0; i < len; i++)
		data[i] = oracle[offset + i] &= (uint8_t)rig_random(&h->seed);
	h->len += len;
}

/* The same, compressed. */
static void add_deflated(host *h, uint8_t memory, uint8_t *oracle)
{
	const vf_memory *info = &h->r->info[memory];
	uint32_t most = h->r->config.block_len < 6000 ? h->r->config.block_len : 6000;
	uint32_t len = info->unit * (1 + pick(&h->seed, most / info->unit));
	uint32_t room = memory == 0 ? 0xC000 : info->size;
	uint32_t offset = info->unit * pick(&h->seed, (room - len) / info->unit);
	if (pick(&h->seed, 2) != 0)
		offset &= ~(info->page - 1);
	if (len > most)
		return;
	uint8_t few = (uint8_t)rig_random(&h->seed), *packed = malloc(PACK_ROOM(len));
	uint8_t *sent = malloc(len), branches = offset % 2 == 0 && pick(&h->seed, 2) != 0;
	if (branches != 0 && pick(&h->seed, 2) != 0)
		few |= 0xF8; /* then most of it looks like them */
	for (uint32_t i = 0; i < len; i++)
		oracle[offset + i] &=
			(uint8_t)(pick(&h->seed, 4) == 0 ? rig_random(&h->seed) : few);
	memcpy(sent, oracle + offset, len);
	vf_branch walk = {.at = offset, .places = true};
	if (branches != 0)
		vf_branch_walk(&walk, sent, len, 0, sent);
	uint32_t n = pack(sent, len, packed, (int)pick(&h->seed, 10), (int)pick(&h->seed, 5));
	uint8_t *data = append(h, &(vf_message){.type = VF_MESSAGE_DEFLATED,
						.flags = branches,
						.memory = memory,
						.address = info->base + offset,
						.length = len,
						.packed = n});
	memcpy(data, packed, n);
	h->len += n;
	free(packed);
	free(sent);
}

static void add_reading(host *h, uint8_t memory)
{
	const vf_memory *info = &h->r->info[memory];
	uint32_t sector = info->erase[0].size;
	vf_message m = {
		.memory = memory, .address = info->base, .length = 1 + pick(&h->seed, 2000)};
	m.type = (uint8_t)(VF_MESSAGE_READ + pick(&h->seed, 3));
	if (m.type == VF_MESSAGE_DIGEST) {
		m.length = sector * (1 + pick(&h->seed, 3));
		m.group = 1 + pick(&h->seed, 3);
	}
	append(h, &m);
}

static host *host_new(uint64_t seed, uint8_t *oracle[2])
{
	host *h = calloc(1, sizeof *h);
	assert_non_null(h);
	h->seed = seed;
	const rig_sizes sizes = {1024u << pick(&h->seed, 4), 512u << pick(&h->seed, 5),
				 316 + pick(&h->seed, 500), 247 + pick(&h->seed, 800),
				 512 + 32 * pick(&h->seed, 40)};
	h->r = rig_new(&sizes);
	if (pick(&h->seed, 4) != 0)
		rig_offer_block(h->r, pick(&h->seed, 2) != 0 ? 4096u << pick(&h->seed, 3)
							     : 256 + pick(&h->seed, 6000));
	h->stream = malloc(STREAM_ROOM);
	h->limit = sizes.window;
	h->pipe.most_taken = 1 + pick(&h->seed, 200);
	vf_decoder_init(&h->decoder, h->decoder_buf, sizeof h->decoder_buf);
	for (unsigned m = 0; m < 2; m++) {
		rig_flash *f = &h->r->flash[m];
		f->takes_us = 100 * pick(&h->seed, 4);
		rig_random_fill(&h->seed, f->cells, h->r->info[m].size);
		oracle[m] = malloc(h->r->info[m].size);
		memcpy(oracle[m], f->cells, h->r->info[m].size);
	}
	for (unsigned i = 3 + pick(&h->seed, 30); i > 0 && h->len < STREAM_ROOM - 8000; i--) {
		uint8_t memory = (uint8_t)pick(&h->seed, 2);
		if (pick(&h->seed, 4) == 0)
			add_erase(h, memory, oracle[memory]);
		else if (h->r->config.block_len != 0 && pick(&h->seed, 2) != 0)
			add_deflated(h, memory, oracle[memory]);
		else if (pick(&h->seed, 4) != 0)
			add_program(h, memory, oracle[memory]);
		else
			add_reading(h, memory);
	}
	return h;
}

static void host_free(host *h, uint8_t *oracle[2])
{
	rig_free(h->r);
	free(h->stream);
	free(h);
	free(oracle[0]);
	free(oracle[1]);
}

static void run_and_compare(uint64_t seed, const lossy *pipe, bool wrap)
{
	uint8_t *oracle[2];
	host *h = host_new(seed, oracle);
	if (pipe != NULL) {
		uint32_t most_taken = h->pipe.most_taken;
		h->pipe = *pipe;
		h->pipe.most_taken = most_taken;
	}
	host_opens(h);
	if (wrap) {
		h->start = 0u - pick(&h->seed, h->len);
		h->r->t.stream.received = h->start;
		h->r->t.stream.consumed = h->start;
		h->r->t.queue.cursor = h->start;
		h->received = h->start;
		h->limit += h->start;
	}
	host_runs(h);
	assert_false(h->stopped);
	assert_memory_equal(h->r->flash[0].cells, oracle[0], RIG_NOR_SIZE);
	assert_memory_equal(h->r->flash[1].cells, oracle[1], RIG_INNER_SIZE);
	host_free(h, oracle);
}

static void operations_do_what_they_say(void **state)
{
	(void)state;
	for (unsigned run = 0; run < runs(40); run++)
		run_and_compare(seed_of(run), NULL, run % 2 != 0);
}

static void a_bad_pipe_costs_only_time(void **state)
{
	(void)state;
	static const lossy pipes[] = {
		{.lose = 2000},
		{.change = 2000},
		{.repeat = 1000},
		{400, 3000, 3000, 0},
	};
	for (unsigned run = 0; run < runs(40); run++)
		run_and_compare(seed_of(run), &pipes[run % 4], run % 3 == 0);
}

/* With a cell that does not program the board says so, or the cell did not
 * matter: what it counts as done is what the chip holds. */
static void a_bad_chip_is_never_called_done(void **state)
{
	(void)state;
	unsigned stops = 0;
	for (unsigned run = 0; run < runs(40); run++) {
		uint8_t *oracle[2];
		host *h = host_new(seed_of(run), oracle);
		uint32_t bad = pick(&h->seed, 0xC000);
		h->r->flash[0].bad_offset = bad;
		h->pipe.lose = run % 2 != 0 ? 3000 : 0;
		host_opens(h);
		host_runs(h);
		if (h->stopped) {
			stops++;
			assert_int_equal(h->failure.code, VF_FAIL_MISMATCH);
			assert_int_equal(h->failure.address, RIG_NOR_BASE + bad);
			assert_int_equal(h->failure.count, 1);
		} else {
			assert_memory_equal(h->r->flash[0].cells, oracle[0], RIG_NOR_SIZE);
			assert_memory_equal(h->r->flash[1].cells, oracle[1], RIG_INNER_SIZE);
		}
		host_free(h, oracle);
	}
	assert_true(only_seed != 0 || (stops > 0 && stops < 40));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(no_frame_does_harm, print_seed),
		cmocka_unit_test_teardown(no_bytes_do_harm, print_seed),
		cmocka_unit_test_teardown(operations_do_what_they_say, print_seed),
		cmocka_unit_test_teardown(a_bad_pipe_costs_only_time, print_seed),
		cmocka_unit_test_teardown(a_bad_chip_is_never_called_done, print_seed),
	};
	if (getenv("VF_SEED") != NULL)
		first_seed = strtoull(getenv("VF_SEED"), NULL, 0);
	if (argc > 1)
		only_seed = strtoull(argv[1], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
