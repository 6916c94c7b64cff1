/* The H7 boards' loaders as they are when built with a key, executed: what somebody gets who does
 * not prove that he holds it, that no nonce comes twice, and that there is no session at all
 * where the random number generator gives nothing. Firmware comes from the folder that is
 * the first argument.
 */
#include "h7_bench.h"

enum { UP = 60 * H7_MS };

static const enum vf_emu_model models[] = {VF_EMU_H747I_DISCO, VF_EMU_H745I_DISCO};

static void keyed(h7_bench *b, enum vf_emu_model model, const vf_emu_board_config *more)
{
	h7_loader = "tried-key-loader";
	h7_new(b, model, more);
	h7_run(b, UP);
}

static vf_welcome welcome(h7_bench *b, uint32_t tag)
{
	uint8_t body[VF_WIRE_BODY_MAX];
	vf_welcome w;

	h7_hello(b, tag);
	size_t len = h7_await(b, VF_KIND_WELCOME, body, sizeof body, 1000 * (uint64_t)H7_MS);
	assert_int_not_equal(len, 0);
	assert_int_equal(vf_unpack_welcome(&w, body, len), 0);
	return w;
}

/* Across sessions, resets and seeds of the generator; and it is no constant's nonce. */
static void test_no_nonce_comes_twice(void **state)
{
	uint8_t seen[12][VF_NONCE_SIZE];
	unsigned n = 0;

	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		h7_bench b;

		keyed(&b, models[m], &(vf_emu_board_config){0});
		for (unsigned restart = 0; restart < 3; restart++) {
			for (unsigned i = 0; i < 2; i++, n++) {
				vf_welcome w = welcome(&b, H7_TAG + n);

				assert_true((w.capabilities & VF_CAP_KEY) != 0);
				memcpy(seen[n], w.nonce, VF_NONCE_SIZE);
			}
			vf_emu_board_reset(b.board);
			h7_run(&b, UP);
		}
		h7_free(&b);
	}
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < i && i / 6 == j / 6; j++)
			assert_memory_not_equal(seen[i], seen[j], VF_NONCE_SIZE);
	}
}

/* Neither does it write nor does it tell what is there. */
static void test_without_a_proof(void **state)
{
	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		uint8_t body[VF_WIRE_BODY_MAX], *before = malloc(VF_EMU_INTERNAL_SIZE);
		h7_bench b;

		keyed(&b, models[m], &(vf_emu_board_config){0});
		assert_non_null(before);
		memcpy(before, b.internal, VF_EMU_INTERNAL_SIZE);
		(void)welcome(&b, H7_TAG);
		h7_message(&b, VF_MESSAGE_ERASE, 0x08020000, 0x20000, NULL, 0);
		h7_message(&b, VF_MESSAGE_READ, 0x08020000, 64, NULL, 0);
		assert_int_equal(h7_await(&b, VF_KIND_ANSWER, body, sizeof body, UP), 0);
		h7_run(&b, 1500 * (uint64_t)H7_MS);
		assert_memory_equal(before, b.internal, VF_EMU_INTERNAL_SIZE);
		free(before);
		h7_free(&b);
	}
}

/* The line is printed again and again, and nobody is answered. */
static void test_without_randomness(void **state)
{
	static const char line[] = "random number generator gives nothing";

	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		char text[2048] = {0};
		h7_bench b;

		keyed(&b, models[m], &(vf_emu_board_config){.rng_broken = true});
		h7_run(&b, 2500 * (uint64_t)H7_MS);
		for (unsigned i = 0; i < 4; i++) {
			h7_hello(&b, H7_TAG + i);
			h7_run(&b, 100 * H7_MS);
		}
		size_t len = vf_emu_board_read(b.board, (uint8_t *)text, sizeof text - 1, b.baud);
		const char *first = strstr(text, line);
		assert_non_null(first);
		assert_non_null(strstr(first + 1, line));
		/* A frame begins and ends with a zero: there is none. */
		assert_null(memchr(text, 0, len));
		h7_free(&b);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_nonce_comes_twice),
					   cmocka_unit_test(test_without_a_proof),
					   cmocka_unit_test(test_without_randomness)};

	if (argc < 2)
		return 2;
	h7_folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
