/* ring.c - the raw receive ring between an interrupt and the main loop.
 *
 * Why it is safe without a lock: there is one producer (the receive interrupt)
 * and one consumer (the main loop), and each index is written from one side
 * only. The producer fills bytes that are free and then moves `head` with a
 * release store; the consumer loads `head` with acquire, so whatever it counts
 * as used has been filled. It moves `tail` with a release store after its last
 * look at the bytes, and the producer loads `tail` with acquire, so it never
 * overwrites a byte that is still being read. A stale index only makes the
 * other side see less: less room, or fewer bytes. Indices run freely modulo
 * 2^32 and the size is a power of two, so head - tail is the fill and full and
 * empty differ. `lost` belongs to the producer too; nobody needs a
 * read-modify-write, which a Cortex-M0 does not have. Should the interrupt be
 * preempted by another one that also receives, there would be two producers:
 * the port must give them one priority.
 */
#include <string.h>

#include "engine.h"

size_t vf_target_rx(vf_target *t, const uint8_t *data, size_t len)
{
	uint32_t head = atomic_load_explicit(&t->ring.head, memory_order_relaxed);
	size_t n = vf_target_rx_space(t);
	if (len <= n) {
		n = len;
	} else {
		uint32_t lost = atomic_load_explicit(&t->ring.lost, memory_order_relaxed);
		atomic_store_explicit(&t->ring.lost, lost + (uint32_t)(len - n),
				      memory_order_relaxed);
	}
	uint32_t at = head & (t->config.ring_len - 1);
	size_t first = t->config.ring_len - at;
	if (first > n)
		first = n;
	memcpy(t->config.ring + at, data, first);
	memcpy(t->config.ring, data + first, n - first);
	atomic_store_explicit(&t->ring.head, head + (uint32_t)n, memory_order_release);
	return n;
}

size_t vf_target_rx_space(const vf_target *t)
{
	uint32_t head = atomic_load_explicit(&t->ring.head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&t->ring.tail, memory_order_acquire);
	return t->config.ring_len - (head - tail);
}

uint32_t vf_t_ring_used(const vf_target *t)
{
	uint32_t tail = atomic_load_explicit(&t->ring.tail, memory_order_relaxed);
	return atomic_load_explicit(&t->ring.head, memory_order_acquire) - tail;
}

uint32_t vf_t_ring_peek(const vf_target *t, const uint8_t **bytes)
{
	uint32_t tail = atomic_load_explicit(&t->ring.tail, memory_order_relaxed);
	uint32_t at = tail & (t->config.ring_len - 1);
	*bytes = t->config.ring + at;
	return vf_t_min(vf_t_ring_used(t), t->config.ring_len - at);
}

void vf_t_ring_take(vf_target *t, uint32_t n)
{
	uint32_t tail = atomic_load_explicit(&t->ring.tail, memory_order_relaxed);
	atomic_store_explicit(&t->ring.tail, tail + n, memory_order_release);
}

uint32_t vf_t_ring_lost(const vf_target *t)
{
	return atomic_load_explicit(&t->ring.lost, memory_order_relaxed);
}
