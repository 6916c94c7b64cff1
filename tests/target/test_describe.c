/* test_describe.c - what a board may say of a memory: it begins with exactly the
 * descriptions that a host takes, so that a mistake shows on the bench and not
 * when somebody first connects.
 */
#include "rig.h"

static uint32_t pick(uint64_t *seed, const uint32_t *from, size_t count)
{
	return from[rig_random(seed) % count];
}

#define PICK(seed, ...)                                                                            \
	pick(seed, (const uint32_t[]){__VA_ARGS__},                                                \
	     sizeof(uint32_t[]){__VA_ARGS__} / sizeof(uint32_t))

static void change_erase(uint64_t *seed, vf_memory *m)
{
	vf_erase_type *e = &m->erase[rig_random(seed) % VF_ERASE_TYPES_MAX];
	switch (rig_random(seed) % 4) {
	case 0:
		e->size = PICK(seed, 0, 1, 2, 1000, 4096, 8192, 32768, 65536, 131072, m->size);
		break;
	case 1:
		e->typ_us = PICK(seed, 0, 1000, 400000, 400001, 5000000);
		break;
	case 2:
		e->max_us = PICK(seed, 0, 1, 400000, 1000000, UINT32_MAX);
		break;
	default:
		m->erase_types = (uint8_t)PICK(seed, 0, 1, 2, 3, 4, 5, 6, 255);
		break;
	}
}

static void change_range(uint64_t *seed, vf_memory *m)
{
	vf_range *r = &m->protect[rig_random(seed) % VF_PROTECT_MAX];
	switch (rig_random(seed) % 3) {
	case 0:
		r->offset = PICK(seed, 0, 1, 0xC000, 65536, 65537, UINT32_MAX);
		break;
	case 1:
		r->len = PICK(seed, 0, 1, 0x4000, 0x4001, 65536, UINT32_MAX);
		break;
	default:
		m->protects = (uint8_t)PICK(seed, 0, 1, 2, 4, 5, 255);
		break;
	}
}

static void change(uint64_t *seed, vf_memory *m)
{
	switch (rig_random(seed) % 12) {
	case 0:
		m->kind = (uint8_t)PICK(seed, 0, 1, 2, 3, 255);
		break;
	case 1:
		m->dies = (uint8_t)PICK(seed, 0, 1, 2, 3, 4, 255);
		break;
	case 2:
		m->base = PICK(seed, 0, RIG_NOR_BASE, 0xFFFF0000, 0xFFFF0001, UINT32_MAX);
		break;
	case 3:
		m->size = PICK(seed, 0, 1, 4096, 65536, 65537, 3 * 32768, 1000, UINT32_MAX);
		break;
	case 4:
		m->page = PICK(seed, 0, 1, 2, 3, 32, 256, 300, 512);
		break;
	case 5:
		m->unit = PICK(seed, 0, 1, 2, 3, 32, 256, 512, 4096, 8192);
		break;
	case 6:
		m->page_typ_us = PICK(seed, 0, 5000, 5001, UINT32_MAX);
		break;
	case 7:
		m->page_max_us = PICK(seed, 0, 199, 200, UINT32_MAX);
		break;
	case 8:
		m->id_len = (uint8_t)PICK(seed, 0, 8, 9, 255);
		break;
	case 9:
		strcpy(m->name, rig_random(seed) % 2 != 0 ? "" : "a name of 23 characters");
		break;
	case 10:
		change_range(seed, m);
		break;
	default:
		change_erase(seed, m);
		break;
	}
}

/* The body of MEMORY with counts that say what the description says, although no
 * more than there can be is behind them. */
static bool host_takes(const vf_memory *m)
{
	uint8_t body[VF_WIRE_CONTROL_MAX] = {0}, index;
	vf_memory fits = *m, back;
	fits.id_len = m->id_len > VF_MEMORY_ID_MAX ? VF_MEMORY_ID_MAX : m->id_len;
	fits.erase_types =
		m->erase_types > VF_ERASE_TYPES_MAX ? VF_ERASE_TYPES_MAX : m->erase_types;
	fits.protects = m->protects > VF_PROTECT_MAX ? VF_PROTECT_MAX : m->protects;
	assert_true(vf_pack_memory(body, 0, 1, 0, &fits, NULL) <= sizeof body);
	body[12] = m->id_len;
	body[13] = m->erase_types;
	body[14] = m->protects;
	return vf_unpack_memory(&index, &back, &(vf_torn){0}, body, sizeof body) == 0;
}

static void board_and_host_judge_alike(void **state)
{
	(void)state;
	uint64_t seed = 11;
	unsigned taken = 0, refused = 0;
	rig *r = rig_new(&rig_usual);
	const vf_memory good = r->info[0];
	for (unsigned i = 0; i < 20000; i++) {
		r->info[0] = good;
		for (unsigned n = rig_random(&seed) % 4; n > 0; n--)
			change(&seed, &r->info[0]);
		bool host = host_takes(&r->info[0]);
		bool board = rig_init(r) == VF_OK;
		if (host != board)
			print_message("round %u: host %d, board %d\n", i, host, board);
		assert_int_equal(host, board);
		*(host ? &taken : &refused) += 1;
	}
	assert_true(taken > 2000 && refused > 2000);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(board_and_host_judge_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
