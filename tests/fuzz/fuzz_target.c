/* fuzz_target.c - a hostile host: the input is what comes to the board, as raw bytes,
 * and as frames and messages of which the fuzzer need not guess the sums. The
 * board stays within its flash, and answers QUERY at the end whatever came before. One
 * with a key does not touch it at all: not for a stranger, nor for somebody on the line
 * of a host that holds the key.
 */
#include "fuzz.h"

enum variant { OPEN, KEYED, PROVEN, VARIANTS };

static const uint8_t secret[VF_KEY_SIZE] = "what the attacker does not know";

typedef struct attacker {
	enum variant variant;
	fuzz_board b;
	vf_decoder decoder; /* what the board sends */
	uint8_t heard[VF_WIRE_BODY_MAX + 4];
	unsigned states;
	uint32_t tag, stream;
	uint16_t number;
} attacker;

static void hear(attacker *a)
{
	size_t len;
	const uint8_t *p = vf_target_tx(&a->b.t, &len);
	if (p == NULL)
		return;
	for (size_t at = 0; at < len;) {
		enum vf_decoder_event event;
		at += vf_decode(&a->decoder, p + at, len - at, &event);
		if (event == VF_DECODE_FRAME)
			a->states += vf_body_kind(a->heard) == VF_KIND_STATE;
	}
	vf_target_tx_done(&a->b.t, len);
}

static void turn(attacker *a, uint32_t us)
{
	fuzz_board_turn(&a->b, us);
	hear(a);
}

static void put(attacker *a, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		const size_t n = len < 200 ? len : 200;
		(void)vf_target_rx(&a->b.t, bytes, n);
		turn(a, 20);
		bytes += n;
		len -= n;
	}
}

static void frame(attacker *a, uint8_t kind, const uint8_t *rest, size_t len)
{
	uint8_t body[VF_WIRE_HEADER + 300], out[VF_WIRE_FRAME_SIZE(sizeof body)];
	vf_encoder e;
	vf_put_header(body, kind, a->number++, a->tag);
	if (len != 0)
		memcpy(body + VF_WIRE_HEADER, rest, len);
	vf_encode_begin(&e, out, sizeof out);
	vf_encode_put(&e, body, VF_WIRE_HEADER + len);
	put(a, out, vf_encode_end(&e));
}

/* The host that holds the key, and is overheard. */
static void prove(attacker *a)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_prove p = {.nonce = {1}};
	vf_guard_terms terms = a->b.guard.terms;
	memcpy(terms.host, p.nonce, sizeof p.nonce);
	vf_guard_derive(p.proof, secret, VF_GUARD_HOST_PROOF, &terms);
	const size_t len = vf_pack_prove(body, a->number, a->tag, &p);
	frame(a, VF_KIND_PROVE, body + VF_WIRE_HEADER, len - VF_WIRE_HEADER);
}

static void hello(attacker *a, uint8_t session)
{
	uint8_t body[VF_WIRE_CONTROL_MAX];
	vf_hello h = {.version_min = 1,
		      .version_max = 1,
		      .payload = 512,
		      .session = session + 1u,
		      .flags = VF_HELLO_DESCRIBE};
	a->tag = session + 1u;
	a->stream = 0;
	const size_t len = vf_pack_hello(body, a->number, &h);
	frame(a, VF_KIND_HELLO, body + VF_WIRE_HEADER, len - VF_WIRE_HEADER);
	if (a->variant == PROVEN)
		prove(a);
}

/* The next stream bytes. */
static void stream(attacker *a, const uint8_t *bytes, size_t len)
{
	uint8_t rest[4 + 256];
	vf_put32(rest, a->stream);
	memcpy(rest + 4, bytes, len);
	a->stream += (uint32_t)len;
	frame(a, VF_KIND_DATA, rest, 4 + len);
}

/* A message whose fields are near what is allowed. */
static void message(attacker *a, fuzz_input *in)
{
	static const uint32_t bases[] = {FUZZ_NOR_BASE, FUZZ_INNER_BASE, 0, 0xFFFFF000u};
	uint8_t out[VF_WIRE_MESSAGE_LONG];
	const uint8_t pick = fuzz_byte(in);
	vf_message m = {.type = fuzz_byte(in), .flags = pick >> 7, .memory = pick >> 6 & 1};
	m.address = bases[pick & 3] + ((uint32_t)fuzz_byte(in) << 8) + (pick >> 2 & 3u) * 32u;
	m.length = (uint32_t)fuzz_byte(in) << (pick >> 4 & 3u) * 4u;
	m.group = m.packed = fuzz_byte(in);
	if (a->variant != OPEN)
		m.flags |= VF_MESSAGE_TRAILER; /* what follows in the stream is tried as one */
	stream(a, out, vf_pack_message(out, &m));
}

static void step(attacker *a, fuzz_input *in)
{
	const uint8_t what = fuzz_byte(in), *bytes;
	size_t n;
	switch (what % 8) {
	case 0:
		n = fuzz_bytes(in, &bytes, 255);
		put(a, bytes, n);
		break;
	case 1:
		hello(a, fuzz_byte(in) % 4);
		break;
	case 2:
		message(a, in);
		break;
	case 3:
		n = fuzz_bytes(in, &bytes, 255);
		stream(a, bytes, n);
		break;
	case 4:
		n = fuzz_bytes(in, &bytes, 255);
		frame(a, what / 8 % 16, bytes, n);
		break;
	case 5:
		turn(a, 1000u << what / 8 % 12);
		break;
	case 6:
		a->b.hold = !a->b.hold;
		break;
	default:
		a->stream += fuzz_byte(in); /* a hole; or, wrapping, a repeat */
		a->stream -= fuzz_byte(in);
		break;
	}
}

static void attack(enum variant variant, const uint8_t *data, size_t len)
{
	static attacker a; /* large; begun anew each time */
	fuzz_input in = {data, data + len};
	memset(&a, 0, sizeof a);
	a.variant = variant;
	fuzz_board_start(&a.b);
	if (variant != OPEN)
		fuzz_board_key(&a.b, secret);
	vf_decoder_init(&a.decoder, a.heard, sizeof a.heard);
	while (fuzz_more(&in))
		step(&a, &in);
	a.b.hold = false;
	for (unsigned i = 0; i < 400; i++)
		turn(&a, 1000);
	put(&a, (const uint8_t[1]){0}, 1);
	hello(&a, 200);
	a.states = 0;
	frame(&a, VF_KIND_QUERY, NULL, 0);
	for (unsigned i = 0; i < 400 && a.states == 0; i++)
		turn(&a, 1000);
	FUZZ_CHECK(a.states != 0);
	FUZZ_CHECK(variant == OPEN || a.b.begun == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	for (enum variant v = OPEN; v < VARIANTS; v++)
		attack(v, data, len);
	return 0;
}
