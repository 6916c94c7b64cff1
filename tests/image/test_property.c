/* test_property.c - what must hold for any image: random sparse ones go through
 * every writer and reader unchanged, merging agrees with a byte map, and no
 * damaged file does more than being refused. VF_SEED replays a run. */
#include "support.h"

enum { ROUNDS = 60 };

typedef struct world {
	test_heap heap;
	vf_image img;
	vf_error err;
	oracle map;
} world;

static world *new_world(void)
{
	world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	vf_alloc door = heap_door(&w->heap);
	vf_image_init(&w->img, &door);
	return w;
}

static void free_world(world *w)
{
	vf_image_free(&w->img);
	assert_int_equal(w->heap.blocks, 0);
	free(w);
}

/* A stretch somewhere in the windows, often at their edges. */
typedef struct stretch {
	size_t window;
	uint32_t at;
	uint32_t len;
} stretch;

static stretch random_stretch(chance *c, uint32_t longest)
{
	stretch s = {.window = chance_below(c, WINDOWS), .len = 1 + chance_below(c, longest)};
	uint32_t room = WINDOW_SIZE - s.len;
	uint32_t where = chance_below(c, 8);
	s.at = where == 0 ? 0 : where == 1 ? room : chance_below(c, room + 1);
	return s;
}

static uint32_t address(stretch s)
{
	return window_base[s.window] + s.at;
}

static void map_set(oracle *map, stretch s, const uint8_t *bytes)
{
	memcpy(map->byte[s.window] + s.at, bytes, s.len);
	memset(map->have[s.window] + s.at, true, s.len);
}

/* The bytes for a stretch, equal to the map's where that has some. */
static void agreeing_bytes(chance *c, const oracle *map, stretch s, uint8_t *bytes)
{
	chance_fill(c, bytes, s.len);
	for (uint32_t i = 0; i < s.len; i++) {
		if (map->have[s.window][s.at + i])
			bytes[i] = map->byte[s.window][s.at + i];
	}
}

/* The address-space order is the windows' order, so the first is the lowest. */
static bool first_conflict(const oracle *map, stretch s, const uint8_t *bytes, uint32_t *addr)
{
	for (uint32_t i = 0; i < s.len; i++) {
		if (map->have[s.window][s.at + i] && map->byte[s.window][s.at + i] != bytes[i]) {
			*addr = address(s) + i;
			return true;
		}
	}
	return false;
}

static void random_image(chance *c, world *w)
{
	uint8_t bytes[2000];
	for (uint32_t n = 1 + chance_below(c, 40); n > 0; n--) {
		stretch s = random_stretch(c, chance_below(c, 2) ? 40 : sizeof bytes);
		agreeing_bytes(c, &w->map, s, bytes);
		if (add_raw(&w->img, "random", address(s), bytes, s.len, &w->err) != VF_OK)
			fail_msg("%s", w->err.text);
		map_set(&w->map, s, bytes);
	}
	expect_oracle(&w->img, &w->map);
}

static void expect_round_trip(world *w, const vf_image_write_options *opt)
{
	world *back = new_world();
	buffer file = {0};
	write_image(&w->img, opt, &file);
	if (add_file(&back->img, "back", &file, NULL, &back->err) != VF_OK)
		fail_msg("%s", back->err.text);
	expect_oracle(&back->img, &w->map);
	assert_int_equal(back->img.sources[0].format, opt->format);
	assert_int_equal(back->img.sources[0].has_entry, opt->has_entry);
	if (opt->has_entry)
		assert_int_equal(back->img.sources[0].entry, opt->entry);
	buffer_free(&file);
	free_world(back);
}

/* Raw binaries: only a part of the address space, and its gaps filled. */
static void expect_bin_round_trip(world *w, uint8_t fill)
{
	world *part = new_world();
	buffer file = {0};
	const vf_image_write_options opt = {
		.format = VF_FORMAT_BIN, .fill_given = true, .fill = fill};
	for (size_t i = 0; i < w->img.segment_count; i++) {
		const vf_segment *s = &w->img.segments[i];
		if (s->addr >= window_base[1] && s->addr < window_base[2])
			assert_int_equal(
				add_raw(&part->img, "part", s->addr, s->data, s->len, &part->err),
				VF_OK);
	}
	if (part->img.segment_count > 0) {
		uint32_t start = part->img.segments[0].addr;
		const vf_segment *last = &part->img.segments[part->img.segment_count - 1];
		write_image(&part->img, &opt, &file);
		assert_int_equal(file.len, last->addr + last->len - start);
		for (size_t i = 0; i < file.len; i++) {
			uint32_t at = start - window_base[1] + (uint32_t)i;
			assert_int_equal(file.bytes[i],
					 w->map.have[1][at] ? w->map.byte[1][at] : fill);
		}
	}
	buffer_free(&file);
	free_world(part);
}

static void images_survive_every_writer_and_reader(void **state)
{
	chance c = chance_start("images_survive_every_writer_and_reader");
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		world *w = new_world();
		bool entry = chance_below(&c, 2) == 0;
		uint32_t start = 1 + chance_below(&c, 0xFFFFFFFF);
		random_image(&c, w);
		expect_round_trip(w, &(vf_image_write_options){.format = VF_FORMAT_HEX,
							       .has_entry = entry,
							       .entry = start});
		expect_round_trip(w, &(vf_image_write_options){.format = VF_FORMAT_SREC,
							       .has_entry = entry,
							       .entry = start});
		expect_round_trip(w, &(vf_image_write_options){.format = VF_FORMAT_UF2,
							       .uf2_family = chance_below(&c, 9)});
		expect_bin_round_trip(w, (uint8_t)chance_below(&c, 256));
		free_world(w);
	}
}

/* Whole UF2 pages hold the image, and fill around it. */
static void whole_uf2_pages_hold_the_image(void **state)
{
	chance c = chance_start("whole_uf2_pages_hold_the_image");
	(void)state;
	for (int round = 0; round < ROUNDS / 4; round++) {
		world *w = new_world();
		world *back = new_world();
		buffer file = {0};
		uint8_t page[256];
		uint8_t expected[256];
		random_image(&c, w);
		write_image(&w->img,
			    &(vf_image_write_options){
				    .format = VF_FORMAT_UF2, .fill_given = true, .fill = 0xEE},
			    &file);
		assert_int_equal(add_file(&back->img, "back", &file, NULL, &back->err), VF_OK);
		expect_sound(&back->img);
		uint64_t bytes = 0;
		for (uint32_t k = 0; k < WINDOWS * WINDOW_SIZE / 256; k++) {
			uint32_t addr = window_base[k / (WINDOW_SIZE / 256)] +
					256 * (k % (WINDOW_SIZE / 256));
			uint32_t have = vf_image_read(&w->img, addr, expected, 256, 0xEE);
			assert_int_equal(vf_image_read(&back->img, addr, page, 256, 0xEE),
					 have > 0 ? 256 : 0);
			assert_memory_equal(page, expected, 256);
			bytes += have > 0 ? 256 : 0;
		}
		assert_int_equal(vf_image_bytes(&back->img), bytes);
		buffer_free(&file);
		free_world(back);
		free_world(w);
	}
}

static void random_case(chance *c, buffer *b, size_t from)
{
	for (size_t i = from; i < b->len; i++) {
		if (b->bytes[i] >= 'A' && b->bytes[i] <= 'F' && chance_below(c, 2))
			b->bytes[i] = (uint8_t)(b->bytes[i] + 'a' - 'A');
	}
}

/* One record, with the record for its upper half before it: linear always, or
 * segment below 1 MB. */
static void random_record(chance *c, buffer *b, stretch s, const uint8_t *bytes)
{
	static const char *const ends[] = {"\n", "\r\n", "\r", " \n", "\n\n"};
	const char *eol = ends[chance_below(c, 5)];
	uint32_t addr = address(s);
	size_t from = b->len;
	if (addr < 0x10000 && chance_below(c, 2)) {
		uint32_t paragraph = chance_below(c, addr / 16 + 1);
		hex_line(b, 2, 0, (const uint8_t[]){(uint8_t)(paragraph >> 8), (uint8_t)paragraph},
			 2, eol);
		addr -= 16 * paragraph;
	} else {
		hex_line(b, 4, 0, (const uint8_t[]){(uint8_t)(addr >> 24), (uint8_t)(addr >> 16)},
			 2, eol);
	}
	hex_line(b, 0, addr & 0xFFFF, bytes, s.len, eol);
	random_case(c, b, from);
}

static void records_may_come_in_any_order(void **state)
{
	chance c = chance_start("records_may_come_in_any_order");
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		world *w = new_world();
		buffer b = {0};
		uint8_t bytes[255];
		for (uint32_t n = 1 + chance_below(&c, 400); n > 0; n--) {
			stretch s = random_stretch(&c, sizeof bytes);
			agreeing_bytes(&c, &w->map, s, bytes);
			map_set(&w->map, s, bytes);
			random_record(&c, &b, s, bytes);
		}
		hex_line(&b, 1, 0, NULL, 0, "");
		if (add_file(&w->img, "shuffled.hex", &b, NULL, &w->err) != VF_OK)
			fail_msg("%s", w->err.text);
		expect_oracle(&w->img, &w->map);
		for (size_t i = 1; i < w->img.segment_count; i++) /* one file: all joined */
			assert_true((uint64_t)w->img.segments[i - 1].addr +
					    w->img.segments[i - 1].len <
				    w->img.segments[i].addr);
		buffer_free(&b);
		free_world(w);
	}
}

/* Any bytes go underneath: only the holes take them. */
static void merge_under(chance *c, world *w, stretch s, uint8_t *bytes)
{
	chance_fill(c, bytes, s.len);
	assert_int_equal(vf_image_add_under(&w->img, "under", address(s), bytes, s.len, &w->err),
			 VF_OK);
	for (uint32_t i = 0; i < s.len; i++) {
		if (!w->map.have[s.window][s.at + i])
			map_set(&w->map, (stretch){s.window, s.at + i, 1}, bytes + i);
	}
}

/* One random change: a file, blanks, or something underneath. */
static void random_merge(chance *c, world *w)
{
	uint8_t bytes[3000];
	char where[32];
	uint32_t addr = 0;
	stretch s = random_stretch(c, chance_below(c, 2) ? 30 : sizeof bytes);
	uint32_t kind = chance_below(c, 4);
	agreeing_bytes(c, &w->map, s, bytes);
	if (chance_below(c, 4) == 0)
		bytes[chance_below(c, s.len)] ^= 0x55;
	if (kind == 0) {
		merge_under(c, w, s, bytes);
		return;
	}
	if (kind == 1)
		memset(bytes, 0xFF, s.len);
	bool conflict = first_conflict(&w->map, s, bytes, &addr);
	int status = kind == 1 ? vf_image_add_blank(&w->img, "blank", address(s), s.len, &w->err)
			       : add_raw(&w->img, "file", address(s), bytes, s.len, &w->err);
	if (conflict) {
		(void)snprintf(where, sizeof where, "address 0x%08x: ", (unsigned)addr);
		expect_error(status, VF_E_FILE, &w->err, where, kind == 1 ? "blank" : "file", NULL);
	} else {
		assert_int_equal(status, VF_OK);
		map_set(&w->map, s, bytes);
	}
}

static void merging_agrees_with_a_byte_map(void **state)
{
	chance c = chance_start("merging_agrees_with_a_byte_map");
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		world *w = new_world();
		for (uint32_t n = 1 + chance_below(&c, 60); n > 0; n--)
			random_merge(&c, w);
		expect_oracle(&w->img, &w->map);
		free_world(w);
	}
}

static void random_elf(chance *c, buffer *b)
{
	elf_part parts[4];
	uint8_t bytes[4 * 100];
	for (uint32_t i = 0; i < 4; i++)
		parts[i] = (elf_part){1, 52 + 4 * 32 + 100 * i, 0, 0x8000 + 0x90 * i, 100, 120};
	elf_head(b, 2, 0x8001, parts, 4);
	chance_fill(c, bytes, sizeof bytes);
	buffer_add(b, bytes, sizeof bytes);
}

/* A valid file of some format. */
static uint8_t random_file(chance *c, buffer *b)
{
	static const uint8_t formats[] = {VF_FORMAT_HEX, VF_FORMAT_SREC, VF_FORMAT_UF2,
					  VF_FORMAT_ELF};
	uint8_t format = formats[chance_below(c, sizeof formats)];
	if (format == VF_FORMAT_ELF) {
		random_elf(c, b);
	} else {
		world *w = new_world();
		uint8_t bytes[600];
		for (uint32_t n = 1 + chance_below(c, 4); n > 0; n--) {
			stretch s = random_stretch(c, sizeof bytes);
			agreeing_bytes(c, &w->map, s, bytes);
			assert_int_equal(add_raw(&w->img, "x", address(s), bytes, s.len, &w->err),
					 VF_OK);
			map_set(&w->map, s, bytes);
		}
		write_image(
			&w->img,
			&(vf_image_write_options){.format = format, .has_entry = true, .entry = 1},
			b);
		free_world(w);
	}
	return format;
}

static void damage(chance *c, buffer *b)
{
	static const uint8_t favourites[] = {0,    0xFF, 0x7F, 0x80, ':', 'S',
					     '\n', '\r', '0',  'F',  0x1A};
	size_t at = chance_below(c, (uint32_t)b->len);
	/* Headers are where it matters; hit them more often. */
	if (chance_below(c, 2) && b->len > 200)
		at = chance_below(c, 200);
	size_t n = 1 + chance_below(c, 8);
	switch (chance_below(c, 5)) {
	case 0:
		b->bytes[at] ^= (uint8_t)(1 << chance_below(c, 8));
		break;
	case 1:
		b->bytes[at] = favourites[chance_below(c, sizeof favourites)];
		break;
	case 2: /* cut off */
		b->len = at + 1;
		break;
	case 3: /* some bytes lost */
		n = n < b->len - at ? n : b->len - at;
		memmove(b->bytes + at, b->bytes + at + n, b->len - at - n);
		b->len -= n < b->len ? n : 0;
		break;
	default: /* some bytes overwritten */
		for (size_t i = at; i < at + n && i < b->len; i++)
			b->bytes[i] = favourites[chance_below(c, sizeof favourites)];
		break;
	}
}

static void damaged_files_are_refused_or_sound(void **state)
{
	chance c = chance_start("damaged_files_are_refused_or_sound");
	size_t refused = 0;
	(void)state;
	for (int round = 0; round < 50 * ROUNDS; round++) {
		world *w = new_world();
		buffer b = {0};
		uint8_t format = random_file(&c, &b);
		vf_image_add_options opt = {.format =
						    chance_below(&c, 2) ? format : VF_FORMAT_AUTO};
		for (uint32_t n = 1 + chance_below(&c, 3); n > 0; n--)
			damage(&c, &b);
		int status = add_file(&w->img, "damaged", &b, &opt, &w->err);
		if (status != VF_OK) {
			expect_error(status, VF_E_FILE, &w->err, "damaged: ", NULL);
			assert_int_equal(w->img.segment_count + w->img.source_count, 0);
			refused++;
		}
		expect_sound(&w->img);
		assert_true(vf_image_bytes(&w->img) <= b.len);
		assert_true(w->heap.peak <= 64 * b.len + 4096);
		(void)vf_image_vectors(&w->img, NULL, 0);
		buffer_free(&b);
		free_world(w);
	}
	print_message("%zu of %d damaged files refused\n", refused, 50 * ROUNDS);
	assert_true(refused > (size_t)25 * ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_survive_every_writer_and_reader),
		cmocka_unit_test(whole_uf2_pages_hold_the_image),
		cmocka_unit_test(records_may_come_in_any_order),
		cmocka_unit_test(merging_agrees_with_a_byte_map),
		cmocka_unit_test(damaged_files_are_refused_or_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
