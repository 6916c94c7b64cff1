/* The golden frames and messages both ways: what the generator wrote must decode
 * and unpack to the fields beside it, and packing and encoding these fields must
 * give the same bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/wire.h>

#include "golden_file.h"

/* A field of a record and the member that it is in the structure. */
struct member {
	const char *field;
	size_t at;
	size_t width;
};

#define MEMBER(type, field, member)                                                                \
	{                                                                                          \
		field, offsetof(type, member), sizeof(((type *)0)->member)                         \
	}
#define SAME(type, member) MEMBER(type, #member, member)
#define MEMBERS_END                                                                                \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

static const struct member hello_members[] = {
	SAME(vf_hello, version_min), SAME(vf_hello, version_max), SAME(vf_hello, payload),
	SAME(vf_hello, session),     SAME(vf_hello, flags),       MEMBERS_END};

static const struct member welcome_members[] = {SAME(vf_welcome, version),
						SAME(vf_welcome, version_max),
						SAME(vf_welcome, memories),
						SAME(vf_welcome, trailer),
						SAME(vf_welcome, session),
						SAME(vf_welcome, capabilities),
						SAME(vf_welcome, ring),
						SAME(vf_welcome, credit),
						SAME(vf_welcome, window),
						SAME(vf_welcome, payload),
						SAME(vf_welcome, answer),
						SAME(vf_welcome, queue),
						SAME(vf_welcome, id_len),
						SAME(vf_welcome, block),
						SAME(vf_welcome, rate),
						SAME(vf_welcome, set),
						SAME(vf_welcome, entries),
						SAME(vf_welcome, changed),
						MEMBERS_END};

#define ERASE(n)                                                                                   \
	MEMBER(vf_memory, "erase" #n "_size", erase[n].size),                                      \
		MEMBER(vf_memory, "erase" #n "_typ", erase[n].typ_us),                             \
		MEMBER(vf_memory, "erase" #n "_max", erase[n].max_us)
#define PROTECT(n)                                                                                 \
	MEMBER(vf_memory, "protect" #n "_offset", protect[n].offset),                              \
		MEMBER(vf_memory, "protect" #n "_len", protect[n].len)

static const struct member memory_members[] = {MEMBER(vf_memory, "memory_kind", kind),
					       SAME(vf_memory, flags),
					       SAME(vf_memory, dies),
					       SAME(vf_memory, id_len),
					       SAME(vf_memory, erase_types),
					       SAME(vf_memory, protects),
					       SAME(vf_memory, base),
					       SAME(vf_memory, size),
					       SAME(vf_memory, page),
					       SAME(vf_memory, unit),
					       MEMBER(vf_memory, "page_typ", page_typ_us),
					       MEMBER(vf_memory, "page_max", page_max_us),
					       SAME(vf_memory, read_rate),
					       ERASE(0),
					       ERASE(1),
					       ERASE(2),
					       ERASE(3),
					       ERASE(4),
					       PROTECT(0),
					       PROTECT(1),
					       PROTECT(2),
					       PROTECT(3),
					       MEMBERS_END};

#define TORN(n)                                                                                    \
	MEMBER(vf_torn, "torn" #n "_offset", range[n].offset),                                     \
		MEMBER(vf_torn, "torn" #n "_len", range[n].len)

static const struct member torn_members[] = {
	MEMBER(vf_torn, "torns", count), TORN(0), TORN(1), TORN(2), TORN(3), MEMBERS_END};

static const struct member condition_members[] = {
	MEMBER(vf_condition, "condition_source", source),
	MEMBER(vf_condition, "condition_found", found),
	MEMBER(vf_condition, "condition_quad", quad),
	MEMBER(vf_condition, "condition_lanes", lanes),
	MEMBER(vf_condition, "condition_protect", protect_mask),
	MEMBER(vf_condition, "condition_inverted", complemented),
	MEMBER(vf_condition, "condition_registers", registers),
	MEMBER(vf_condition, "condition_status00", status[0][0]),
	MEMBER(vf_condition, "condition_status01", status[0][1]),
	MEMBER(vf_condition, "condition_status10", status[1][0]),
	MEMBER(vf_condition, "condition_status11", status[1][1]),
	MEMBER(vf_condition, "condition_probe", probe),
	MEMBERS_END};

#define ISLAND(n)                                                                                  \
	MEMBER(vf_state, "island" #n "_start", island[n].start),                                   \
		MEMBER(vf_state, "island" #n "_end", island[n].end)
#define FAILURE(member) MEMBER(vf_state, "failure_" #member, failure.member)

static const struct member state_members[] = {SAME(vf_state, flags),
					      SAME(vf_state, islands),
					      SAME(vf_state, seen),
					      SAME(vf_state, received),
					      SAME(vf_state, limit),
					      SAME(vf_state, done),
					      SAME(vf_state, damaged),
					      SAME(vf_state, lost),
					      SAME(vf_state, message),
					      SAME(vf_state, memory),
					      SAME(vf_state, mended),
					      MEMBER(vf_state, "typical", typical_ms),
					      MEMBER(vf_state, "maximum", maximum_ms),
					      ISLAND(0),
					      ISLAND(1),
					      ISLAND(2),
					      ISLAND(3),
					      FAILURE(operation),
					      FAILURE(code),
					      FAILURE(memory),
					      FAILURE(expected),
					      FAILURE(found),
					      FAILURE(address),
					      FAILURE(count),
					      MEMBERS_END};

static const struct member refuse_members[] = {
	SAME(vf_refuse, code), MEMBER(vf_refuse, "refused", kind), SAME(vf_refuse, version_min),
	SAME(vf_refuse, version_max), MEMBERS_END};

static const struct member proved_members[] = {SAME(vf_proved, result),
					       MEMBER(vf_proved, "wait", wait_ms), MEMBERS_END};

static const struct member message_members[] = {SAME(vf_message, type),   SAME(vf_message, flags),
						SAME(vf_message, memory), SAME(vf_message, address),
						SAME(vf_message, length), SAME(vf_message, group),
						SAME(vf_message, packed), MEMBERS_END};

/* What is not in the record is 0. */
static uint64_t wanted(const struct golden_record *r, const struct member *m)
{
	return golden_has(r, m->field) ? golden_number(r, m->field) : 0;
}

static void fill(void *to, const struct golden_record *r, const struct member *m)
{
	for (; m->field; m++) {
		uint64_t n = wanted(r, m);
		uint8_t n8 = (uint8_t)n;
		uint16_t n16 = (uint16_t)n;
		uint32_t n32 = (uint32_t)n;
		const void *from = m->width == 1   ? (const void *)&n8
				   : m->width == 2 ? (const void *)&n16
				   : m->width == 4 ? (const void *)&n32
						   : (const void *)&n;

		memcpy((uint8_t *)to + m->at, from, m->width);
	}
}

static void compare(const void *with, const struct golden_record *r, const struct member *m)
{
	for (; m->field; m++) {
		const struct member alone[] = {{m->field, 0, m->width}, MEMBERS_END};
		uint8_t expected[8];

		fill(expected, r, alone);
		if (memcmp((const uint8_t *)with + m->at, expected, m->width) != 0)
			fail_msg("%s: field %s is not as it should be", r->value[0], m->field);
	}
}

static void fill_id(uint8_t *id, const struct golden_record *r)
{
	size_t len;
	uint8_t *bytes = golden_bytes(r, "id", &len);

	memcpy(id, bytes, len);
	free(bytes);
}

static void fill_name(char *to, size_t room, const char *name)
{
	assert_true(strlen(name) < room);
	memcpy(to, name, strlen(name) + 1);
}

static void compare_id(const uint8_t *id, size_t max, const struct golden_record *r)
{
	uint8_t expected[VF_WIRE_ID_MAX] = {0};

	fill_id(expected, r);
	assert_memory_equal(id, expected, max);
}

/* Bytes of a fixed number, 0 where there are none. */
static void fill_bytes(uint8_t *to, size_t room, const struct golden_record *r, const char *field)
{
	size_t len;
	uint8_t *bytes;

	memset(to, 0, room);
	if (!golden_has(r, field))
		return;
	bytes = golden_bytes(r, field, &len);
	assert_int_equal(len, room);
	memcpy(to, bytes, len);
	free(bytes);
}

static void compare_bytes(const uint8_t *with, size_t len, const struct golden_record *r,
			  const char *field)
{
	uint8_t expected[VF_SHA256_SIZE];

	fill_bytes(expected, len, r, field);
	assert_memory_equal(with, expected, len);
}

/* Bodies that consist of a header, numbers and payload: their names here. */
static size_t pack_plain(uint8_t *out, const struct golden_record *r, uint8_t kind)
{
	size_t at = VF_WIRE_HEADER, len;
	uint8_t *payload;

	vf_put_header(out, kind, (uint16_t)golden_number(r, "number"),
		      (uint32_t)golden_number(r, "tag"));
	if (kind == VF_KIND_DESCRIBE)
		out[at++] = (uint8_t)golden_number(r, "index");
	for (size_t i = 0; i < 4; i++) {
		static const char *const words[] = {"open", "baud", "operation", "offset"};

		if (!golden_has(r, words[i]))
			continue;
		vf_put32(out + at, (uint32_t)golden_number(r, words[i]));
		at += 4;
	}
	if (!golden_has(r, "payload"))
		return at;
	payload = golden_bytes(r, "payload", &len);
	memcpy(out + at, payload, len);
	free(payload);
	return at + len;
}

static const char *conflict_of(const struct golden_record *r)
{
	const char *text = golden_text(r, "conflict");

	return strcmp(text, "-") == 0 ? "" : text;
}

/* A memory's description, and the chip's condition behind it. */
static size_t pack_memory(uint8_t *out, const struct golden_record *r, uint16_t number,
			  uint32_t tag)
{
	vf_memory memory;
	vf_torn torn;
	vf_condition condition = {.known = 1};

	fill(&memory, r, memory_members);
	fill_id(memory.id, r);
	fill_name(memory.name, sizeof memory.name, golden_text(r, "part"));
	fill(&torn, r, torn_members);
	size_t len = vf_pack_memory(out, number, tag, (uint8_t)golden_number(r, "index"), &memory,
				    golden_has(r, "torns") ? &torn : NULL);
	if (!golden_has(r, "conflict"))
		return len;
	fill(&condition, r, condition_members);
	fill_name(condition.conflict, sizeof condition.conflict, conflict_of(r));
	return len + vf_pack_condition(out + len, &condition);
}

static size_t pack(uint8_t *out, const struct golden_record *r)
{
	uint16_t number = (uint16_t)golden_number(r, "number");
	uint32_t tag = (uint32_t)golden_number(r, "tag");
	uint8_t kind = (uint8_t)golden_number(r, "kind");
	vf_hello hello;
	vf_welcome welcome;
	vf_state state;
	vf_refuse refuse;
	vf_prove prove;
	vf_proved proved;

	switch (kind) {
	case VF_KIND_HELLO:
		fill(&hello, r, hello_members);
		return vf_pack_hello(out, number, &hello);
	case VF_KIND_WELCOME:
		fill(&welcome, r, welcome_members);
		fill_id(welcome.id, r);
		fill_bytes(welcome.nonce, sizeof welcome.nonce, r, "nonce");
		fill_name(welcome.name, sizeof welcome.name, golden_text(r, "board"));
		return vf_pack_welcome(out, number, &welcome);
	case VF_KIND_MEMORY:
		return pack_memory(out, r, number, tag);
	case VF_KIND_STATE:
		fill(&state, r, state_members);
		return vf_pack_state(out, number, tag, &state);
	case VF_KIND_REFUSE:
		fill(&refuse, r, refuse_members);
		return vf_pack_refuse(out, number, tag, &refuse);
	case VF_KIND_PROVE:
		fill_bytes(prove.nonce, sizeof prove.nonce, r, "nonce");
		fill_bytes(prove.proof, sizeof prove.proof, r, "proof");
		return vf_pack_prove(out, number, tag, &prove);
	case VF_KIND_PROVED:
		fill(&proved, r, proved_members);
		fill_bytes(proved.proof, sizeof proved.proof, r, "proof");
		return vf_pack_proved(out, number, tag, &proved);
	default:
		return pack_plain(out, r, kind);
	}
}

static void check_memory(const uint8_t *body, size_t len, const struct golden_record *r)
{
	uint8_t index;
	vf_memory memory;
	vf_torn torn;
	vf_condition condition;

	assert_int_equal(vf_unpack_memory(&index, &memory, &torn, body, len), 0);
	assert_int_equal(index, golden_number(r, "index"));
	compare(&memory, r, memory_members);
	compare(&torn, r, torn_members);
	compare_id(memory.id, VF_MEMORY_ID_MAX, r);
	assert_string_equal(memory.name, golden_text(r, "part"));
	vf_unpack_condition(&condition, body, len);
	assert_int_equal(condition.known, golden_has(r, "conflict"));
	compare(&condition, r, condition_members);
	assert_string_equal(condition.conflict, condition.known ? conflict_of(r) : "");
}

static void check_unpacked(const uint8_t *body, size_t len, const struct golden_record *r)
{
	vf_hello hello;
	vf_welcome welcome;
	vf_state state;
	vf_refuse refuse;
	vf_prove prove;
	vf_proved proved;

	switch (vf_body_kind(body)) {
	case VF_KIND_HELLO:
		assert_int_equal(vf_unpack_hello(&hello, body, len), 0);
		compare(&hello, r, hello_members);
		break;
	case VF_KIND_WELCOME:
		assert_int_equal(vf_unpack_welcome(&welcome, body, len), 0);
		compare(&welcome, r, welcome_members);
		compare_id(welcome.id, VF_WIRE_ID_MAX, r);
		compare_bytes(welcome.nonce, sizeof welcome.nonce, r, "nonce");
		assert_string_equal(welcome.name, golden_text(r, "board"));
		break;
	case VF_KIND_MEMORY:
		check_memory(body, len, r);
		break;
	case VF_KIND_STATE:
		assert_int_equal(vf_unpack_state(&state, body, len), 0);
		compare(&state, r, state_members);
		break;
	case VF_KIND_REFUSE:
		assert_int_equal(vf_unpack_refuse(&refuse, body, len), 0);
		compare(&refuse, r, refuse_members);
		break;
	case VF_KIND_PROVE:
		assert_int_equal(vf_unpack_prove(&prove, body, len), 0);
		compare_bytes(prove.nonce, sizeof prove.nonce, r, "nonce");
		compare_bytes(prove.proof, sizeof prove.proof, r, "proof");
		break;
	case VF_KIND_PROVED:
		assert_int_equal(vf_unpack_proved(&proved, body, len), 0);
		compare(&proved, r, proved_members);
		compare_bytes(proved.proof, sizeof proved.proof, r, "proof");
		break;
	default:
		break;
	}
}

static void check_decode(const struct golden_record *r, const uint8_t *raw, size_t raw_len,
			 const uint8_t *body, size_t len)
{
	enum vf_decoder_event event;
	uint8_t *buf = malloc(len + 4);
	vf_decoder d;

	vf_decoder_init(&d, buf, len + 4);
	assert_int_equal(vf_decode(&d, raw, raw_len, &event), raw_len);
	assert_int_equal(event, VF_DECODE_FRAME);
	assert_int_equal(d.len, len);
	assert_memory_equal(buf, body, len);
	assert_int_equal(vf_body_kind(buf), golden_number(r, "kind"));
	assert_int_equal(vf_body_number(buf), golden_number(r, "number"));
	assert_int_equal(vf_body_tag(buf), golden_number(r, "tag"));
	check_unpacked(buf, len, r);
	free(buf);
}

static void check_encode(const struct golden_record *r, const uint8_t *raw, size_t raw_len,
			 const uint8_t *body, size_t len)
{
	size_t room = len > VF_WIRE_CONTROL_MAX ? len : VF_WIRE_CONTROL_MAX;
	uint8_t *packed = malloc(room);
	uint8_t *out = malloc(raw_len);
	vf_encoder e;

	assert_int_equal(pack(packed, r), len);
	assert_memory_equal(packed, body, len);
	vf_encode_begin(&e, out, raw_len);
	vf_encode_put(&e, packed, VF_WIRE_HEADER);
	vf_encode_put(&e, packed + VF_WIRE_HEADER, len - VF_WIRE_HEADER);
	assert_int_equal(vf_encode_end(&e), raw_len);
	assert_memory_equal(out, raw, raw_len);
	assert_true(raw_len <= VF_WIRE_FRAME_SIZE(len));
	free(packed);
	free(out);
}

static void check_frames(const char *path, const uint8_t *kinds, size_t kinds_len)
{
	struct golden_file f;
	struct golden_record r;
	uint8_t met[256] = {0};

	golden_open(&f, path);
	while (golden_next(&f, &r)) {
		size_t raw_len, len;
		uint8_t *raw = golden_bytes(&r, "raw", &raw_len);
		uint8_t *body = golden_bytes(&r, "body", &len);

		met[golden_number(&r, "kind") & 0xFF] = 1;
		check_decode(&r, raw, raw_len, body, len);
		check_encode(&r, raw, raw_len, body, len);
		free(raw);
		free(body);
	}
	golden_close(&f);
	for (size_t i = 0; i < kinds_len; i++)
		if (!met[kinds[i]])
			fail_msg("%s: no frame of kind %02X", path, kinds[i]);
}

static void control_frames(void **unused)
{
	static const uint8_t kinds[] = {VF_KIND_HELLO, VF_KIND_DESCRIBE, VF_KIND_QUERY,
					VF_KIND_ABORT, VF_KIND_WELCOME,  VF_KIND_MEMORY,
					VF_KIND_STATE, VF_KIND_REFUSE,   VF_KIND_ENDED,
					VF_KIND_PROVE, VF_KIND_PROVED};

	(void)unused;
	check_frames(GOLDEN_DIR "/control.txt", kinds, sizeof kinds);
}

static void payload_frames(void **unused)
{
	static const uint8_t kinds[] = {VF_KIND_ECHO, VF_KIND_ECHOED, VF_KIND_DATA, VF_KIND_ANSWER};

	(void)unused;
	check_frames(GOLDEN_DIR "/payload.txt", kinds, sizeof kinds);
}

/* The ranges behind SET's header. */
static void check_ranges(const struct golden_record *r, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len / VF_WIRE_SET_ENTRY; i++) {
		uint8_t out[VF_WIRE_SET_ENTRY], *digest;
		char field[40];
		vf_set_entry e;
		size_t n;

		vf_unpack_set_entry(&e, bytes + i * VF_WIRE_SET_ENTRY);
		(void)snprintf(field, sizeof field, "range%zu_address", i);
		assert_int_equal(e.address, golden_number(r, field));
		(void)snprintf(field, sizeof field, "range%zu_length", i);
		assert_int_equal(e.length, golden_number(r, field));
		(void)snprintf(field, sizeof field, "range%zu_digest", i);
		digest = golden_bytes(r, field, &n);
		assert_int_equal(n, VF_DIGEST_SIZE);
		assert_memory_equal(e.digest, digest, n);
		free(digest);
		vf_pack_set_entry(out, &e);
		assert_memory_equal(out, bytes + i * VF_WIRE_SET_ENTRY, sizeof out);
	}
}

static void messages(void **unused)
{
	struct golden_file f;
	struct golden_record r;
	unsigned count = 0;

	(void)unused;
	golden_open(&f, GOLDEN_DIR "/messages.txt");
	for (; golden_next(&f, &r); count++) {
		uint8_t out[VF_WIRE_MESSAGE_LONG];
		vf_message m;
		size_t len;
		uint8_t *bytes = golden_bytes(&r, "bytes", &len);

		size_t header = vf_unpack_message(&m, bytes, len);

		if (m.type == VF_MESSAGE_SET) {
			assert_int_equal(len - header, m.length);
			check_ranges(&r, bytes + header, len - header);
			len = header;
		}
		assert_int_equal(header, len);
		compare(&m, &r, message_members);
		fill(&m, &r, message_members);
		assert_int_equal(vf_pack_message(out, &m), len);
		assert_memory_equal(out, bytes, len);
		free(bytes);
	}
	golden_close(&f);
	assert_true(count >= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_frames),
		cmocka_unit_test(payload_frames),
		cmocka_unit_test(messages),
	};

	return cmocka_run_group_tests_name("wire: golden frames", tests, NULL, NULL);
}
