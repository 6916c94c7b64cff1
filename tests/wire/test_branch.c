/* Thumb branches: the golden stretches both ways, and every way to cut a stretch
 * into pieces gives what the whole gives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vcpflash/wire.h>

#include "golden_file.h"
#include "random.h"

enum { ROOM = 700 };

static void walk(const uint8_t *in, uint32_t len, uint32_t at, bool places, uint8_t *out)
{
	vf_branch b = {.at = at, .places = places};
	vf_branch_walk(&b, in, len, 0, out);
	assert_false(b.open);
	assert_int_equal(b.at, at + len);
}

static void golden_branches(void **unused)
{
	struct golden_file f;
	struct golden_record r;
	size_t count = 0, len, same;
	(void)unused;
	golden_open(&f, GOLDEN_DIR "/branches.txt");
	for (; golden_next(&f, &r); count++) {
		uint8_t *distances = golden_bytes(&r, "distances", &len), out[4 * ROOM];
		uint8_t *places = golden_bytes(&r, "places", &same);
		const uint32_t at = (uint32_t)golden_number(&r, "offset");
		assert_int_equal(len, same);
		assert_in_range(len, 0, sizeof out);
		walk(distances, (uint32_t)len, at, true, out);
		assert_memory_equal(out, places, len);
		walk(places, (uint32_t)len, at, false, out);
		assert_memory_equal(out, distances, len);
		free(distances);
		free(places);
	}
	golden_close(&f);
	assert_true(count >= 8);
}

/* Bytes in which every other halfword or so belongs to what looks like a branch. */
static void fill(struct random *r, uint8_t *data, size_t len)
{
	random_bytes(r, data, len);
	for (size_t i = 1; i < len; i += 2)
		if (random_below(r, 4) != 0)
			data[i] |= random_below(r, 2) != 0 ? 0xf0 : 0xf8;
}

static void undo_in_pieces(struct random *r, uint32_t at, const uint8_t *in, uint32_t len,
			   uint8_t *out)
{
	vf_branch b = {.at = at};
	for (uint32_t i = 0; i < len;) {
		uint32_t n = 2 + 2 * random_below(r, 9);
		n = n < len - i ? n : len - i;
		const uint32_t ahead = len - i - n < 2 ? len - i - n : 2;
		vf_branch_walk(&b, in + i, n, ahead, out + i);
		i += n;
	}
}

static void pieces_come_to_the_whole(void **state)
{
	struct random *r = *state;
	for (unsigned turn = 0; turn < 20000; turn++) {
		uint8_t data[ROOM], places[ROOM], back[ROOM];
		const uint32_t len = random_below(r, turn % 2 != 0 ? 20 : ROOM);
		const uint32_t at = random_word(r) & ~1u;
		fill(r, data, len);
		memcpy(places, data, len);
		walk(places, len, at, true, places);
		undo_in_pieces(r, at, places, len, back);
		assert_memory_equal(back, data, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_branches),
		cmocka_unit_test(pieces_come_to_the_whole),
	};
	return cmocka_run_group_tests(tests, random_setup, random_teardown);
}
