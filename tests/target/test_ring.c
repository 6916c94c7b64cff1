/* test_ring.c - the raw ring: sizes, wrapping indices, and a second thread in
 * the place of the interrupt. Under a thread sanitizer the same program shows
 * that the two sides need no lock.
 */
#include <pthread.h>
#include <sched.h>

#include "engine.h"
#include "rig.h"

static void bytes_come_out_as_they_went_in(void **state)
{
	(void)state;
	uint64_t seed = 17;
	print_message("seed %llu\n", (unsigned long long)seed);
	const rig_sizes sizes = {1024, 512, 244, 247, 512};
	rig *r = rig_new(&sizes);
	atomic_store(&r->t.ring.head, 0xFFFFF000u); /* indices wrap on the way */
	atomic_store(&r->t.ring.tail, 0xFFFFF000u);
	uint32_t in = 0, out = 0;
	for (unsigned i = 0; i < 2000; i++) {
		uint8_t bytes[1500];
		uint32_t n = rig_random(&seed) % sizeof bytes;
		for (uint32_t k = 0; k < n; k++)
			bytes[k] = (uint8_t)((in + k) * 31 >> 3);
		size_t space = vf_target_rx_space(&r->t);
		size_t took = vf_target_rx(&r->t, bytes, n);
		assert_int_equal(took, n < space ? n : space);
		in += (uint32_t)took;
		for (uint32_t want = rig_random(&seed) % 1100; want > 0;) {
			const uint8_t *p;
			uint32_t have = vf_t_min(vf_t_ring_peek(&r->t, &p), want);
			if (have == 0)
				break;
			for (uint32_t k = 0; k < have; k++)
				assert_int_equal(p[k], (uint8_t)((out + k) * 31 >> 3));
			vf_t_ring_take(&r->t, have);
			out += have;
			want -= have;
		}
		assert_int_equal(vf_t_ring_used(&r->t), in - out);
	}
	assert_true(in > 100000);
	rig_free(r);
}

typedef struct interrupt {
	vf_target *t;
	uint32_t frames;
	bool holds_back; /* asks for room first, as a USB endpoint does */
	atomic_bool over;
} interrupt;

static size_t make_echo(uint8_t *out, uint32_t i, uint32_t tag)
{
	uint8_t body[VF_WIRE_HEADER + 40];
	vf_encoder e;
	vf_put_header(body, VF_KIND_ECHO, (uint16_t)i, tag);
	memset(body + VF_WIRE_HEADER, (int)(i & 0xFF), 40);
	vf_encode_begin(&e, out, 128);
	vf_encode_put(&e, body, VF_WIRE_HEADER + i % 41);
	return vf_encode_end(&e);
}

static void *interrupts(void *arg)
{
	interrupt *it = arg;
	for (uint32_t i = 0; i < it->frames; i++) {
		uint8_t raw[128];
		size_t n = make_echo(raw, i, 1);
		for (size_t at = 0; at < n;) {
			size_t piece = n - at < 1 + i % 64 ? n - at : 1 + i % 64;
			while (it->holds_back && vf_target_rx_space(it->t) < piece)
				sched_yield();
			(void)vf_target_rx(it->t, raw + at, piece);
			at += piece;
		}
	}
	atomic_store(&it->over, true);
	return NULL;
}

static void run_interrupts(interrupt *it)
{
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, interrupts, it), 0);
	for (uint32_t now = 0; !atomic_load(&it->over); now += 10) {
		size_t len;
		vf_target_tick(it->t, now);
		if (vf_target_tx(it->t, &len) != NULL)
			vf_target_tx_done(it->t, len);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	vf_target_tick(it->t, 0);
}

static void an_interrupt_that_holds_back_loses_nothing(void **state)
{
	(void)state;
	const rig_sizes sizes = {1024, 512, 244, 247, 512};
	rig *r = rig_new(&sizes);
	interrupt it = {.t = &r->t, .frames = 20000, .holds_back = true};
	run_interrupts(&it);
	assert_int_equal(vf_target_stats_get(&r->t)->frames, it.frames);
	assert_int_equal(vf_target_stats_get(&r->t)->damaged, 0);
	assert_int_equal(vf_target_stats_get(&r->t)->lost_bytes, 0);
	rig_free(r);
}

static void an_interrupt_that_overruns_loses_only_what_it_counts(void **state)
{
	(void)state;
	const rig_sizes sizes = {1024, 512, 244, 247, 512};
	rig *r = rig_new(&sizes);
	interrupt it = {.t = &r->t, .frames = 20000, .holds_back = false};
	run_interrupts(&it);
	const vf_target_stats *s = vf_target_stats_get(&r->t);
	assert_true(s->frames <= it.frames);
	if (s->lost_bytes == 0)
		assert_int_equal(s->frames, it.frames);
	else
		assert_true(s->frames < it.frames);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_as_they_went_in),
		cmocka_unit_test(an_interrupt_that_holds_back_loses_nothing),
		cmocka_unit_test(an_interrupt_that_overruns_loses_only_what_it_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
