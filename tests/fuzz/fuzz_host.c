/* fuzz_host.c - a hostile board: a real board answers a real job, and the input
 * decides what becomes of each frame on its way to the host: passed on, lost,
 * doubled, changed with its sum made right again, replaced, or surrounded by bytes
 * of the input. A stubborn one says ever after that nothing more gets done, whatever it
 * hears. The job ends, in bounded memory and time.
 */
#include <vcpflash/doctor.h>

#include "fuzz.h"

enum { IMAGE = 9000, TURNS = 6000, MEMORY_MOST = 8 << 20 };

typedef struct bench {
	fuzz_board b;
	fuzz_input in;
	vf_job *job;
	uint64_t now;
	uint64_t random;
	size_t used;
	vf_decoder decoder;
	uint8_t heard[VF_WIRE_BODY_MAX + 4];
	bool stubborn;
	uint8_t said[VF_WIRE_BODY_MAX + 4]; /* its STATE after the input, */
	size_t said_len;                    /* 0: none yet */
} bench;

static void *resize(void *ctx, void *p, size_t size)
{
	bench *t = ctx;
	size_t *block = p != NULL ? (size_t *)p - 2 : NULL;
	t->used -= block != NULL ? block[0] : 0;
	if (size == 0) {
		free(block);
		return NULL;
	}
	block = realloc(block, size + 2 * sizeof *block);
	FUZZ_CHECK(block != NULL);
	block[0] = size;
	t->used += size;
	FUZZ_CHECK(t->used <= MEMORY_MOST);
	return block + 2;
}

static uint64_t random_number(void *ctx)
{
	bench *t = ctx;
	return t->random += 0x9E3779B97F4A7C15u;
}

static int sink(void *ctx, const uint8_t *data, size_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	return VF_OK;
}

/* --- the way to the host ------------------------------------------------------------ */

static void to_host(bench *t, const uint8_t *bytes, size_t len)
{
	vf_job_rx(t->job, bytes, len, t->now);
}

static void frame_to_host(bench *t, const uint8_t *body, size_t len)
{
	uint8_t out[VF_WIRE_FRAME_SIZE(VF_WIRE_BODY_MAX)];
	vf_encoder e;
	vf_encode_begin(&e, out, sizeof out);
	vf_encode_put(&e, body, len);
	to_host(t, out, vf_encode_end(&e));
}

/* Some bytes of the body become others; never the tag, or nobody would look at it. */
static void change(bench *t, uint8_t *body, size_t len)
{
	for (unsigned n = 1 + fuzz_byte(&t->in) % 4; n > 0; n--) {
		size_t at = fuzz_byte(&t->in);
		at = at < 4 ? at : at + 4;
		if (at != 0 && at < len)
			body[at] = fuzz_byte(&t->in);
	}
}

static void meddle(bench *t, size_t len)
{
	const uint8_t *bytes;
	const uint8_t what = fuzz_byte(&t->in);
	size_t n;
	switch (what % 8) {
	case 1:
		return; /* lost */
	case 2:
		frame_to_host(t, t->heard, len);
		break;
	case 3:
		change(t, t->heard, len);
		break;
	case 4:
		change(t, t->heard, len);
		len = len > 9 ? 8 + (len - 8) * (what / 8u) / 32 : len;
		break;
	case 5: /* another body altogether */
		n = fuzz_bytes(&t->in, &bytes, 240);
		t->heard[1] = (uint8_t)(0x80 | what / 8);
		memcpy(t->heard + VF_WIRE_HEADER, bytes, n);
		len = VF_WIRE_HEADER + n;
		break;
	case 6:
		n = fuzz_bytes(&t->in, &bytes, 255);
		to_host(t, bytes, n);
		break;
	default:
		break;
	}
	frame_to_host(t, t->heard, len);
}

/* The same STATE as ever, but that it heard the newest frame. */
static void insist(bench *t, size_t len)
{
	enum { SEEN = 10 };
	if (t->said_len == 0 || vf_body_tag(t->said) != vf_body_tag(t->heard)) {
		memcpy(t->said, t->heard, len);
		t->said_len = len;
	}
	memcpy(t->said, t->heard, VF_WIRE_HEADER);
	memcpy(t->said + SEEN, t->heard + SEEN, 2);
	frame_to_host(t, t->said, t->said_len);
}

static void from_board(bench *t)
{
	size_t len;
	const uint8_t *p = vf_target_tx(&t->b.t, &len);
	if (p == NULL)
		return;
	for (size_t at = 0; at < len;) {
		enum vf_decoder_event event;
		at += vf_decode(&t->decoder, p + at, len - at, &event);
		if (event != VF_DECODE_FRAME)
			continue;
		if (fuzz_more(&t->in))
			meddle(t, t->decoder.len);
		else if (t->stubborn && vf_body_kind(t->heard) == VF_KIND_STATE)
			insist(t, t->decoder.len);
		else
			frame_to_host(t, t->heard, t->decoder.len);
	}
	vf_target_tx_done(&t->b.t, len);
}

static void to_board(bench *t)
{
	size_t len;
	const uint8_t *p = vf_job_tx(t->job, &len, t->now);
	if (p == NULL)
		return;
	const size_t n = vf_target_rx(&t->b.t, p, len < 200 ? len : 200);
	vf_job_tx_done(t->job, n, t->now);
}

/* --- the job ------------------------------------------------------------------------ */

static vf_job_config configuration(bench *t, const vf_image *image)
{
	static const uint8_t kinds[] = {VF_JOB_PROGRAM, VF_JOB_PROGRAM, VF_JOB_PROGRAM,
					VF_JOB_VERIFY,  VF_JOB_READ,    VF_JOB_ERASE,
					VF_JOB_DIGEST,  VF_JOB_RUN};
	const uint8_t what = fuzz_byte(&t->in);
	t->stubborn = (what & 64) != 0;
	return (vf_job_config){
		.kind = kinds[what % 8],
		.session = {.alloc = {resize, t}, .random = random_number, .ctx = t},
		.call = {.ctx = t, .sink = sink},
		.image = image,
		.address = FUZZ_NOR_BASE + 100,
		.length = 5000,
		.has_address = true,
		.full = (what & 8) != 0,
		.verify_full = (what & 16) != 0,
		.run_after = (what & 32) != 0,
	};
}

/* Longer than that no job of this size takes with any board: so many steps, each as long as
 * the longest work that it announced, an hour of silence, and a minute or two. */
static uint64_t time_most(const bench *t)
{
	enum { STEPS = 40, SECOND = 1000000 };
	const vf_board *b = vf_job_board(t->job);
	uint64_t longest = UINT64_C(3600) * SECOND;
	for (unsigned i = 0; b != NULL && i < b->welcome.memories; i++) {
		const vf_memory *m = &b->memory[i];
		for (unsigned k = 0; k < m->erase_types; k++)
			if (m->erase[k].max_us * UINT64_C(4) > longest)
				longest = m->erase[k].max_us * UINT64_C(4);
	}
	return STEPS * (longest + UINT64_C(120) * SECOND);
}

static void run(bench *t)
{
	for (unsigned turns = 0; !vf_job_finished(t->job); turns++) {
		/* Whatever it was told, it gives up in the end. */
		FUZZ_CHECK(turns < 2000000);
		const uint64_t due = vf_job_deadline(t->job);
		const bool late = turns > TURNS;
		const uint64_t step =
			late && due > t->now && due != UINT64_MAX ? due - t->now : 100;
		t->now += step;
		vf_job_tick(t->job, t->now);
		to_board(t);
		fuzz_board_turn(&t->b, (uint32_t)step);
		from_board(t);
		if (turns == TURNS)
			vf_job_interrupt(t->job, t->now);
	}
}

/* What a person would be told of the chips, whatever the board said of them. */
static void tell_conditions(const vf_job *job)
{
	const vf_board *b = vf_job_board(job);
	char text[160];
	for (unsigned i = 0; b != NULL && i < b->welcome.memories; i++) {
		const vf_condition *c = &b->condition[i];
		vf_condition_found(c, text, sizeof text);
		FUZZ_CHECK(strlen(text) > 0 && strlen(vf_condition_facts(c)) > 0);
		FUZZ_CHECK(strlen(vf_condition_quad(c)) > 0 && strlen(vf_condition_probe(c)) > 0);
		FUZZ_CHECK((vf_condition_protected(c, b->memory[i].dies) & ~c->protect_mask) == 0);
		FUZZ_CHECK(strlen(c->conflict) <= VF_CONDITION_CONFLICT_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bench t; /* large; begun anew each time */
	static uint8_t bytes[IMAGE];
	vf_image image;
	vf_error err;
	memset(&t, 0, sizeof t);
	t.in = (fuzz_input){data, data + len};
	fuzz_board_start(&t.b);
	memset(t.b.cells[0] + 3000, 0x5A, 6000);
	vf_decoder_init(&t.decoder, t.heard, sizeof t.heard);
	for (size_t i = 0; i < IMAGE; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	vf_put32(bytes, 0x20001000); /* a vector table */
	vf_put32(bytes + 4, FUZZ_NOR_BASE + 0x101);
	vf_image_init(&image, &(vf_alloc){resize, &t});
	const vf_image_add_options at = {
		.format = VF_FORMAT_BIN, .has_address = true, .address = FUZZ_NOR_BASE};
	FUZZ_CHECK(vf_image_add(&image, "image", bytes, IMAGE, &at, &err) == VF_OK);
	const vf_job_config config = configuration(&t, &image);
	t.job = vf_job_new(&config, &err);
	FUZZ_CHECK(t.job != NULL);
	run(&t);
	FUZZ_CHECK(t.now <= time_most(&t));
	const vf_job_result *r = vf_job_result_get(t.job);
	FUZZ_CHECK(r->error.code == VF_OK || r->error.text[0] != '\0');
	tell_conditions(t.job);
	vf_job_free(t.job);
	vf_image_free(&image);
	FUZZ_CHECK(t.used == 0);
	return 0;
}
