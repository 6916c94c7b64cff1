/* support.c - see support.h. */
#include "support.h"

#include <time.h>

/* Before each block: its size. Keeps what follows aligned for any type. */
typedef union heap_head {
	size_t size;
	max_align_t align;
} heap_head;

static void *heap_resize(void *ctx, void *p, size_t size)
{
	test_heap *heap = ctx;
	heap_head *old = p == NULL ? NULL : (heap_head *)p - 1;
	size_t old_size = old == NULL ? 0 : old->size;
	if (size == 0) {
		heap->blocks -= old != NULL;
		heap->bytes -= old_size;
		free(old);
		return NULL;
	}
	heap->calls++;
	if (heap->calls == heap->fail_at) {
		heap->failed = true;
		return NULL;
	}
	/* Always moves, so that a pointer kept from before is noticed. */
	heap_head *fresh = malloc(sizeof *fresh + size);
	if (fresh == NULL)
		return NULL;
	fresh->size = size;
	if (old != NULL)
		memcpy(fresh + 1, p, old_size < size ? old_size : size);
	free(old);
	heap->blocks += old == NULL;
	heap->bytes += size - old_size;
	if (heap->bytes > heap->peak)
		heap->peak = heap->bytes;
	return fresh + 1;
}

vf_alloc heap_door(test_heap *heap)
{
	return (vf_alloc){.resize = heap_resize, .ctx = heap};
}

void buffer_add(buffer *b, const void *bytes, size_t len)
{
	if (b->len + len > b->room) {
		b->room = 2 * (b->len + len) + 64;
		b->bytes = realloc(b->bytes, b->room);
		assert_non_null(b->bytes);
	}
	if (len > 0)
		memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

void buffer_text(buffer *b, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof text);
	buffer_add(b, text, (size_t)n);
}

void buffer_le32(buffer *b, uint32_t v)
{
	uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
	buffer_add(b, bytes, 4);
}

void buffer_free(buffer *b)
{
	free(b->bytes);
	*b = (buffer){0};
}

int buffer_put(void *ctx, const uint8_t *bytes, size_t len)
{
	buffer_add(ctx, bytes, len);
	return VF_OK;
}

int add_file(vf_image *img, const char *name, const buffer *b, const vf_image_add_options *opt,
	     vf_error *err)
{
	uint8_t *exact = malloc(b->len > 0 ? b->len : 1);
	assert_non_null(exact);
	if (b->len > 0)
		memcpy(exact, b->bytes, b->len);
	int status = vf_image_add(img, name, exact, b->len, opt, err);
	free(exact);
	return status;
}

int add_text(vf_image *img, const char *name, const char *text, vf_error *err)
{
	buffer b = {0};
	buffer_add(&b, text, strlen(text));
	int status = add_file(img, name, &b, NULL, err);
	buffer_free(&b);
	return status;
}

int add_raw(vf_image *img, const char *name, uint32_t addr, const void *bytes, size_t len,
	    vf_error *err)
{
	vf_image_add_options opt = {.format = VF_FORMAT_BIN, .has_address = true, .address = addr};
	buffer b = {0};
	buffer_add(&b, bytes, len);
	int status = add_file(img, name, &b, &opt, err);
	buffer_free(&b);
	return status;
}

void write_image(const vf_image *img, const vf_image_write_options *opt, buffer *out)
{
	vf_error err = {0};
	assert_int_equal(vf_image_write(img, opt, buffer_put, out, &err), VF_OK);
}

void hex_line(buffer *b, unsigned type, unsigned offset, const uint8_t *data, unsigned n,
	      const char *eol)
{
	unsigned sum = n + (offset >> 8) + (offset & 0xFF) + type;
	buffer_text(b, ":%02X%04X%02X", n, offset, type);
	for (unsigned i = 0; i < n; i++) {
		buffer_text(b, "%02X", data[i]);
		sum += data[i];
	}
	buffer_text(b, "%02X%s", (0x100 - (sum & 0xFF)) & 0xFF, eol);
}

void srec_line(buffer *b, unsigned type, unsigned wide, uint32_t addr, const uint8_t *data,
	       unsigned n)
{
	unsigned sum = wide + n + 1;
	buffer_text(b, "S%u%02X", type, wide + n + 1);
	for (unsigned i = wide; i-- > 0;) {
		buffer_text(b, "%02X", addr >> 8 * i & 0xFF);
		sum += addr >> 8 * i & 0xFF;
	}
	for (unsigned i = 0; i < n; i++) {
		buffer_text(b, "%02X", data[i]);
		sum += data[i];
	}
	buffer_text(b, "%02X\n", ~sum & 0xFF);
}

void uf2_block(buffer *b, uint32_t flags, uint32_t addr, const uint8_t *data, uint32_t n,
	       uint32_t number, uint32_t count, uint32_t family)
{
	uint8_t room[476] = {0};
	memcpy(room, data, n < sizeof room ? n : sizeof room);
	buffer_le32(b, 0x0A324655);
	buffer_le32(b, 0x9E5D5157);
	buffer_le32(b, flags);
	buffer_le32(b, addr);
	buffer_le32(b, n);
	buffer_le32(b, number);
	buffer_le32(b, count);
	buffer_le32(b, family);
	buffer_add(b, room, sizeof room);
	buffer_le32(b, 0x0AB16F30);
}

static void le16(buffer *b, unsigned v)
{
	uint8_t bytes[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
	buffer_add(b, bytes, 2);
}

void elf_head(buffer *b, unsigned type, uint32_t entry, const elf_part *parts, unsigned count)
{
	static const uint8_t ident[16] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
	buffer_add(b, ident, sizeof ident);
	le16(b, type);
	le16(b, 40); /* EM_ARM */
	buffer_le32(b, 1);
	buffer_le32(b, entry);
	buffer_le32(b, count > 0 ? 52 : 0);
	buffer_le32(b, 0);
	buffer_le32(b, 0x05000400);
	le16(b, 52);
	le16(b, 32);
	le16(b, count);
	le16(b, 40);
	le16(b, 0);
	le16(b, 0);
	for (unsigned i = 0; i < count; i++) {
		buffer_le32(b, parts[i].type);
		buffer_le32(b, parts[i].offset);
		buffer_le32(b, parts[i].vaddr);
		buffer_le32(b, parts[i].paddr);
		buffer_le32(b, parts[i].filesz);
		buffer_le32(b, parts[i].memsz);
		buffer_le32(b, 5);
		buffer_le32(b, 4);
	}
}

void expect_error(int status, int code, const vf_error *err, ...)
{
	va_list ap;
	const char *word;
	if (status != code)
		fail_msg("status %d instead of %d: %s", status, code, err->text);
	assert_int_equal(err->code, code);
	if (strchr(err->text, '\n') != NULL || err->text[0] == '\0')
		fail_msg("not one line: %s", err->text);
	va_start(ap, err);
	while ((word = va_arg(ap, const char *)) != NULL) {
		if (strstr(err->text, word) == NULL)
			fail_msg("\"%s\" is not in: %s", word, err->text);
	}
	va_end(ap);
}

void expect_sound(const vf_image *img)
{
	uint64_t end = 0;
	volatile uint8_t sink = 0;
	for (size_t i = 0; i < img->segment_count; i++) {
		const vf_segment *s = &img->segments[i];
		assert_true(s->len > 0);
		assert_true(s->addr >= end);
		assert_true(s->source < img->source_count);
		end = (uint64_t)s->addr + s->len;
		assert_true(end <= 0x100000000u);
		for (uint32_t k = 0; s->data != NULL && k < s->len; k++)
			sink = (uint8_t)(sink ^ s->data[k]);
	}
}

void expect_segment(const vf_image *img, size_t i, uint32_t addr, const void *bytes, uint32_t len)
{
	assert_true(i < img->segment_count);
	assert_int_equal(img->segments[i].addr, addr);
	assert_int_equal(img->segments[i].len, len);
	assert_non_null(img->segments[i].data);
	assert_memory_equal(img->segments[i].data, bytes, len);
}

/* The first and the last byte there are, and two usual places. */
const uint32_t window_base[WINDOWS] = {0, 0x08000000 - WINDOW_SIZE / 2, 0x90000000,
				       0xFFFFFFFFu - WINDOW_SIZE + 1};

size_t oracle_bytes(const oracle *o)
{
	size_t n = 0;
	for (size_t w = 0; w < WINDOWS; w++) {
		for (size_t i = 0; i < WINDOW_SIZE; i++)
			n += o->have[w][i];
	}
	return n;
}

void expect_oracle(const vf_image *img, const oracle *o)
{
	expect_sound(img);
	assert_int_equal(vf_image_bytes(img), oracle_bytes(o));
	for (size_t i = 0; i < img->segment_count; i++) {
		const vf_segment *s = &img->segments[i];
		size_t w = 0;
		while (w < WINDOWS && s->addr - window_base[w] >= WINDOW_SIZE)
			w++;
		assert_true(w < WINDOWS);
		uint32_t at = s->addr - window_base[w];
		assert_true(s->len <= WINDOW_SIZE - at);
		for (uint32_t k = 0; k < s->len; k++) {
			assert_true(o->have[w][at + k]);
			assert_int_equal(o->byte[w][at + k], s->data != NULL ? s->data[k] : 0xFF);
		}
	}
}

chance chance_start(const char *test)
{
	const char *given = getenv("VF_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	print_message("%s: VF_SEED=%llu\n", test, (unsigned long long)seed);
	return (chance){.state = seed};
}

/* SplitMix64. */
static uint64_t chance_next(chance *c)
{
	uint64_t z = c->state += 0x9E3779B97F4A7C15u;
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

uint32_t chance_below(chance *c, uint32_t limit)
{
	return (uint32_t)(chance_next(c) % limit);
}

void chance_fill(chance *c, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)chance_next(c);
}
