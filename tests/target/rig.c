/* rig.c - the bench for the board's engine, see rig.h. Buffers are allocated at
 * exactly the size the engine is told, so that a sanitizer sees it stray.
 */
#include "rig.h"

const rig_sizes rig_usual = {.ring = 4096, .window = 8192, .frame = 1040, .tx = 1060, .work = 1024};

static const vf_memory nor_info = {
	.name = "fakenor",
	.kind = VF_MEMORY_NOR,
	.flags = VF_MEMORY_READ | VF_MEMORY_WRITE | VF_MEMORY_RUN | VF_MEMORY_REPROGRAM,
	.dies = 1,
	.id_len = 3,
	.id = {0x20, 0xBA, 0x18},
	.base = RIG_NOR_BASE,
	.size = RIG_NOR_SIZE,
	.page = 256,
	.unit = 1,
	.page_typ_us = 200,
	.page_max_us = 5000,
	.read_rate = 1000000,
	.erase_types = 3,
	.protects = 1,
	.erase = {{4096, 50000, 400000}, {32768, 200000, 1000000}, {RIG_NOR_SIZE, 900000, 3000000}},
	.protect = {{0xC000, 0x1000}},
};

static const vf_memory inner_info = {
	.name = "inner",
	.kind = VF_MEMORY_INTERNAL,
	.flags = VF_MEMORY_READ | VF_MEMORY_WRITE,
	.dies = 1,
	.base = RIG_INNER_BASE,
	.size = RIG_INNER_SIZE,
	.page = 32,
	.unit = 32,
	.page_typ_us = 100,
	.page_max_us = 2000,
	.erase_types = 1,
	.erase = {{2048, 20000, 40000}},
};

static uint8_t *buffer(size_t len)
{
	void *p = aligned_alloc(32, (len + 31) / 32 * 32);
	assert_non_null(p);
	memset(p, 0xA5, len);
	return p;
}

rig *rig_new(const rig_sizes *sizes)
{
	rig *r = calloc(1, sizeof *r);
	assert_non_null(r);
	r->info[0] = nor_info;
	r->info[1] = inner_info;
	vf_target_config *c = &r->config;
	*c = (vf_target_config){.name = "TESTBOARD",
				.id = {1, 2, 3, 4},
				.id_len = 4,
				.memories = 2,
				.ring = malloc(sizes->ring),
				.ring_len = sizes->ring,
				.window = malloc(sizes->window),
				.window_len = sizes->window,
				.frame = malloc(sizes->frame),
				.frame_len = sizes->frame,
				.tx = malloc(sizes->tx),
				.tx_len = sizes->tx,
				.can_run = true};
	for (unsigned m = 0; m < 2; m++) {
		r->flash[m].cells = malloc(r->info[m].size);
		memset(r->flash[m].cells, 0xFF, r->info[m].size);
		r->flash[m].bad_offset = UINT32_MAX;
		c->memory[m] =
			(vf_target_memory){&r->info[m], buffer(sizes->work), sizes->work, NULL};
	}
	vf_decoder_init(&r->decoder, r->decoder_buf, sizeof r->decoder_buf);
	r->session = 0x1122334455667788u;
	assert_int_equal(rig_init(r), VF_OK);
	return r;
}

int rig_init(rig *r)
{
	return vf_target_init(&r->t, &r->config);
}

void rig_restart(rig *r)
{
	r->dead = false;
	for (unsigned m = 0; m < r->config.memories; m++)
		r->flash[m].op = NULL;
	vf_decoder_init(&r->decoder, r->decoder_buf, sizeof r->decoder_buf);
	rig_clear(r);
	assert_int_equal(rig_init(r), VF_OK);
}

void rig_offer_block(rig *r, uint32_t len)
{
	r->config.block = buffer(len);
	r->config.block_len = len;
	r->config.inflate = malloc(sizeof *r->config.inflate);
	assert_int_equal(rig_init(r), VF_OK);
}

void rig_free(rig *r)
{
	free(r->config.block);
	free(r->config.inflate);
	for (unsigned m = 0; m < 2; m++) {
		free(r->flash[m].cells);
		free(r->config.memory[m].work);
	}
	free(r->config.ring);
	free(r->config.window);
	free(r->config.frame);
	free(r->config.tx);
	free(r);
}

/* --- host --------------------------------------------------------------------- */

void rig_put(rig *r, const uint8_t *bytes, size_t len)
{
	while (r->loop_rx && vf_target_rx_space(&r->t) < len)
		rig_turn(r);
	(void)vf_target_rx(&r->t, bytes, len);
}

static size_t encode(uint8_t *out, uint8_t kind, uint16_t number, uint32_t tag, const uint8_t *rest,
		     size_t len)
{
	uint8_t header[VF_WIRE_HEADER];
	vf_encoder e;
	vf_put_header(header, kind, number, tag);
	vf_encode_begin(&e, out, VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX));
	vf_encode_put(&e, header, sizeof header);
	if (len != 0)
		vf_encode_put(&e, rest, len);
	return vf_encode_end(&e);
}

size_t rig_encode(rig *r, uint8_t *out, uint8_t kind, const uint8_t *rest, size_t len)
{
	return encode(out, kind, r->number++, (uint32_t)r->session, rest, len);
}

void rig_frame_tagged(rig *r, uint8_t kind, uint32_t tag, const uint8_t *rest, size_t len)
{
	uint8_t out[VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)];
	size_t n = encode(out, kind, r->number++, tag, rest, len);
	assert_true(n > 0);
	rig_put(r, out, n);
}

void rig_frame(rig *r, uint8_t kind, const uint8_t *rest, size_t len)
{
	rig_frame_tagged(r, kind, (uint32_t)r->session, rest, len);
}

void rig_hello(rig *r, uint64_t session)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_hello h = {.version_min = 1, .version_max = 1, .payload = 4096, .session = session};
	size_t n = vf_pack_hello(body, 0, &h);
	if (session != r->session || !r->t.session.open) {
		r->number = 0;
		r->offset = 0;
	}
	r->session = session;
	rig_frame(r, VF_KIND_HELLO, body + VF_WIRE_HEADER, n - VF_WIRE_HEADER);
}

void rig_data(rig *r, uint32_t offset, const uint8_t *bytes, uint32_t len)
{
	uint8_t rest[4 + VF_WIRE_PAYLOAD_MAX];
	assert_true(len <= VF_WIRE_PAYLOAD_MAX);
	vf_put32(rest, offset);
	memcpy(rest + 4, bytes, len);
	rig_frame(r, VF_KIND_DATA, rest, 4 + len);
}

static uint32_t room(const rig *r)
{
	return r->t.stream.consumed + r->config.window_len - r->offset;
}

void rig_stream(rig *r, const uint8_t *bytes, uint32_t len)
{
	uint32_t most = r->config.frame_len - 16;
	if (most > r->config.ring_len / 4)
		most = r->config.ring_len / 4;
	for (unsigned patience = 100000; len > 0 && patience > 0; patience--) {
		uint32_t n = len < most ? len : most;
		if (n > room(r))
			n = room(r);
		if (n == 0 || vf_target_rx_space(&r->t) < VF_WIRE_FRAME_SIZE(n + 12)) {
			rig_turn(r);
			continue;
		}
		rig_data(r, r->offset, bytes, n);
		r->offset += n;
		bytes += n;
		len -= n;
	}
	assert_int_equal(len, 0);
}

void rig_message(rig *r, uint8_t type, uint8_t memory, uint32_t address, uint32_t length)
{
	uint8_t out[VF_WIRE_MESSAGE_LONG];
	vf_message m = {.type = type, .memory = memory, .address = address, .length = length};
	rig_stream(r, out, (uint32_t)vf_pack_message(out, &m));
}

void rig_digest(rig *r, uint8_t memory, uint32_t address, uint32_t length, uint32_t group)
{
	uint8_t out[VF_WIRE_MESSAGE_LONG];
	vf_message m = {.type = VF_MESSAGE_DIGEST,
			.memory = memory,
			.address = address,
			.length = length,
			.group = group};
	rig_stream(r, out, (uint32_t)vf_pack_message(out, &m));
}

void rig_program(rig *r, uint8_t memory, uint32_t address, const uint8_t *data, uint32_t len)
{
	rig_message(r, VF_MESSAGE_PROGRAM, memory, address, len);
	rig_stream(r, data, len);
}

void rig_deflated(rig *r, uint8_t memory, uint32_t address, uint32_t len, const uint8_t *data,
		  uint32_t packed)
{
	rig_deflated_as(r, 0, memory, address, len, data, packed);
}

void rig_deflated_as(rig *r, uint8_t flags, uint8_t memory, uint32_t address, uint32_t len,
		     const uint8_t *data, uint32_t packed)
{
	uint8_t out[VF_WIRE_MESSAGE_LONG];
	vf_message m = {.type = VF_MESSAGE_DEFLATED,
			.flags = flags,
			.memory = memory,
			.address = address,
			.length = len,
			.packed = packed};
	rig_stream(r, out, (uint32_t)vf_pack_message(out, &m));
	rig_stream(r, data, packed);
}

/* --- flash memories -------------------------------------------------------------- */

static bool touches(const vf_range *p, uint32_t offset, uint32_t len)
{
	return offset < p->offset + p->len && p->offset < offset + len;
}

static void check_write(const vf_memory *info, const vf_flash_op *op)
{
	for (unsigned i = 0; i < info->protects; i++)
		assert_false(touches(&info->protect[i], op->offset, op->len));
}

static void check_buffer(const uint8_t *p)
{
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 32, 0);
}

static void erase(rig_flash *f, const vf_memory *info, const vf_flash_op *op)
{
	bool known = false;
	for (unsigned i = 0; i < info->erase_types; i++)
		known |= info->erase[i].size == op->len;
	assert_true(known);
	assert_int_equal(op->offset & (op->len - 1), 0); /* all sizes here are powers of two */
	check_write(info, op);
	memset(f->cells + op->offset, 0xFF, op->len);
	f->erased++;
}

static void program(rig_flash *f, const vf_memory *info, const vf_flash_op *op)
{
	check_buffer(op->data);
	assert_true(op->len > 0);
	assert_int_equal(op->offset % info->unit, 0);
	assert_int_equal(op->len % info->unit, 0);
	assert_int_equal(op->offset / info->page, (op->offset + op->len - 1) / info->page);
	check_write(info, op);
	for (uint32_t i = 0; i < op->len; i++) {
		if (op->offset + i != f->bad_offset)
			f->cells[op->offset + i] &= op->data[i];
	}
	f->programmed++;
}

static int carry_out(rig_flash *f, const vf_memory *info, const vf_flash_op *op)
{
	assert_true(op->offset <= info->size && op->len <= info->size - op->offset);
	assert_true(op->len > 0);
	assert_int_equal(op->offset % info->dies, 0);
	assert_int_equal(op->len % info->dies, 0);
	if (f->status_kind == op->kind) {
		f->status_kind = 0;
		return f->status;
	}
	switch (op->kind) {
	case VF_FLASH_ERASE:
		erase(f, info, op);
		break;
	case VF_FLASH_PROGRAM:
		program(f, info, op);
		break;
	case VF_FLASH_READ:
	case VF_FLASH_READ_MAPPED:
		check_buffer(op->buf);
		memcpy(op->buf, f->cells + op->offset, op->len);
		if (op->kind == VF_FLASH_READ)
			f->read++;
		else
			f->mapped++;
		break;
	default:
		fail_msg("flash operation of kind %u", op->kind);
	}
	return VF_OK;
}

static void serve_flash(rig *r, unsigned m)
{
	rig_flash *f = &r->flash[m];
	if (f->op == NULL && !f->hold) {
		f->op = vf_target_flash_next(&r->t, m);
		if (f->op == NULL)
			return;
		assert_int_equal(f->op->memory, m);
		assert_null(vf_target_flash_next(&r->t, m));
		f->begun++;
		f->ends_at = r->now + f->takes_us;
	}
	if (f->op != NULL && !f->freeze && (int32_t)(r->now - f->ends_at) >= 0) {
		const vf_flash_op *op = f->op;
		f->op = NULL;
		int status = r->serve != NULL ? r->serve(r, m, op) : carry_out(f, &r->info[m], op);
		if (!r->dead)
			vf_target_flash_done(&r->t, m, status);
	}
}

/* --- the board's loop ---------------------------------------------------------- */

static void keep(rig *r, enum vf_decoder_event event)
{
	if (event == VF_DECODE_FRAME) {
		if (r->count == RIG_INBOX) { /* a long run: forget the older half */
			r->count /= 2;
			memmove(r->inbox, r->inbox + r->count, r->count * sizeof r->inbox[0]);
		}
		rig_body *b = &r->inbox[r->count++];
		b->len = r->decoder.len;
		memcpy(b->bytes, r->decoder.buf, b->len);
	} else if (event == VF_DECODE_TEXT) {
		assert_true(r->text_len + r->decoder.len < sizeof r->text);
		memcpy(r->text + r->text_len, r->decoder.buf, r->decoder.len);
		r->text_len += r->decoder.len;
	} else {
		assert_int_equal(event, VF_DECODE_MORE);
	}
}

static void serve_tx(rig *r)
{
	size_t len;
	const uint8_t *p = vf_target_tx(&r->t, &len);
	if (p == NULL || r->tx_closed)
		return;
	for (size_t at = 0; at < len;) {
		enum vf_decoder_event event;
		at += vf_decode(&r->decoder, p + at, len - at, &event);
		keep(r, event);
	}
	vf_target_tx_done(&r->t, len);
}

void rig_turn(rig *r)
{
	if (r->dead) {
		r->now += 100;
		return;
	}
	vf_target_tick(&r->t, r->now);
	serve_tx(r);
	for (unsigned m = 0; m < r->config.memories && !r->dead; m++)
		serve_flash(r, m);
	r->now += 100;
}

void rig_run(rig *r, uint32_t us)
{
	for (uint32_t end = r->now + us; (int32_t)(end - r->now) > 0;)
		rig_turn(r);
}

void rig_start(rig *r)
{
	rig_hello(r, r->session);
	rig_run(r, 1000);
	assert_non_null(rig_last(r, VF_KIND_WELCOME));
	rig_clear(r);
}

/* --- what came back ------------------------------------------------------------- */

const rig_body *rig_last(const rig *r, uint8_t kind)
{
	for (unsigned i = r->count; i > 0; i--) {
		if (vf_body_kind(r->inbox[i - 1].bytes) == kind)
			return &r->inbox[i - 1];
	}
	return NULL;
}

unsigned rig_count(const rig *r, uint8_t kind)
{
	unsigned n = 0;
	for (unsigned i = 0; i < r->count; i++)
		n += vf_body_kind(r->inbox[i].bytes) == kind;
	return n;
}

void rig_clear(rig *r)
{
	r->count = 0;
	r->text_len = 0;
	memset(r->text, 0, sizeof r->text);
}

vf_state rig_last_state(const rig *r)
{
	vf_state s;
	const rig_body *b = rig_last(r, VF_KIND_STATE);
	assert_non_null(b);
	assert_int_equal(vf_unpack_state(&s, b->bytes, b->len), 0);
	return s;
}

vf_state rig_state(rig *r)
{
	rig_clear(r);
	rig_frame(r, VF_KIND_QUERY, NULL, 0);
	rig_run(r, 1000);
	return rig_last_state(r);
}

/* Puts together the answer of one operation; its pieces must be in order. */
uint32_t rig_answer(const rig *r, uint32_t operation, uint8_t *out, uint32_t space)
{
	uint32_t at = 0;
	for (unsigned i = 0; i < r->count; i++) {
		const rig_body *b = &r->inbox[i];
		if (vf_body_kind(b->bytes) != VF_KIND_ANSWER || vf_get32(b->bytes + 8) != operation)
			continue;
		uint32_t n = (uint32_t)b->len - VF_WIRE_ANSWER_HEADER;
		assert_int_equal(vf_get32(b->bytes + 12), at);
		assert_true(n > 0 && n <= space - at);
		memcpy(out + at, b->bytes + VF_WIRE_ANSWER_HEADER, n);
		at += n;
	}
	return at;
}

uint32_t rig_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) ^ (uint32_t)(*seed >> 24);
}

void rig_random_fill(uint64_t *seed, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)rig_random(seed);
}
