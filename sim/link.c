/* link.c - one direction of a link: bytes in order, at a rate, some time later,
 * and on purpose not always all of them or the same.
 */
#include "board.h"

#include <stdlib.h>
#include <string.h>

/* --- what links there are ------------------------------------------------------ */

static int parse_uart(vf_sim_link_model *m, const char *baud, vf_error *err)
{
	char *end;
	unsigned long long b = *baud >= '0' && *baud <= '9' ? strtoull(baud, &end, 10) : 0;
	if (b < 50 || b > 100000000 || *end != '\0')
		return vf_fail(err, VF_E_USAGE,
			       "link \"uart:%.40s\": expected uart:BAUD, from 50 to 100000000",
			       baud);
	/* A start bit, eight of data, a stop bit. */
	*m = (vf_sim_link_model){
		.out_rate = b / 10, .in_rate = b / 10, .loses = true, .baud = (uint32_t)b};
	return VF_OK;
}

int vf_sim_link_parse(vf_sim_link_model *m, const char *spec, vf_error *err)
{
	if (strcmp(spec, "usb-fs") == 0)
		*m = (vf_sim_link_model){
			.out_rate = 1000000, .in_rate = 1000000, .latency_us = 1000};
	else if (strcmp(spec, "usb-hs") == 0)
		*m = (vf_sim_link_model){
			.out_rate = 4500000, .in_rate = 15000000, .latency_us = 125};
	else if (strcmp(spec, "ideal") == 0)
		*m = (vf_sim_link_model){.out_rate = 0};
	else if (strncmp(spec, "uart:", 5) == 0)
		return parse_uart(m, spec + 5, err);
	else
		return vf_fail(err, VF_E_USAGE,
			       "link \"%.60s\": expected usb-fs, usb-hs, uart:BAUD or ideal", spec);
	return VF_OK;
}

/* --- one direction -------------------------------------------------------------- */

int vf_sim_link_init(vf_sim_link *l, const vf_alloc *alloc, const vf_sim_link_config *config)
{
	uint64_t in_flight = config->rate * config->latency_us / 1000000;
	*l = (vf_sim_link){.rate = config->rate,
			   .latency_us = config->latency_us,
			   .fault = *config->fault,
			   .rng = {.state = config->seed}};
	l->under_way_max = config->buffer + (uint32_t)in_flight;
	l->room = 1024;
	while (l->room < l->under_way_max + config->unread)
		l->room *= 2;
	l->bytes = vf_resize(alloc, NULL, l->room);
	l->at = vf_resize(alloc, NULL, l->room * sizeof *l->at);
	return l->bytes != NULL && l->at != NULL ? VF_OK : VF_E_NOMEM;
}

void vf_sim_link_free(vf_sim_link *l, const vf_alloc *alloc)
{
	vf_free(alloc, l->bytes);
	vf_free(alloc, l->at);
}

void vf_sim_link_tune(vf_sim_link *l, uint64_t rate, uint32_t buffer, double noise)
{
	if (l->rate != rate)
		l->free_rest = 0;
	l->rate = rate;
	l->under_way_max = buffer;
	l->noise = noise;
}

static uint64_t arrival(const vf_sim_link *l, uint32_t i)
{
	return l->at[(l->head + i) & (l->room - 1)];
}

/* The line's own time. */
static uint64_t line_time(const vf_sim_link *l, uint64_t now)
{
	uint64_t t = now > l->lag_us ? now - l->lag_us : 0;
	return l->held && arrival(l, 0) < t ? arrival(l, 0) : t;
}

/* How many have arrived: times never go back along the queue. */
static uint32_t arrived(const vf_sim_link *l, uint64_t now)
{
	uint64_t t = line_time(l, now);
	uint32_t low = 0, high = l->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (arrival(l, middle) <= t)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Time on the line for one byte. Fractions of a microsecond are kept, so that
 * a long transfer takes exactly as long as its rate says. */
static void pass_byte(vf_sim_link *l)
{
	if (l->rate == 0)
		return;
	l->free_rest += 1000000;
	l->free_us += l->free_rest / l->rate;
	l->free_rest %= l->rate;
}

static void append(vf_sim_link *l, uint8_t byte)
{
	uint32_t i = (l->head + l->count) & (l->room - 1);
	pass_byte(l);
	l->bytes[i] = byte;
	l->at[i] = l->free_us + (l->free_rest != 0) + l->latency_us;
	l->count++;
}

static void send_byte(vf_sim_link *l, uint8_t byte)
{
	if (vf_sim_rng_hit(&l->rng, l->fault.stall))
		l->free_us += (uint64_t)l->fault.stall_ms * 1000;
	if (vf_sim_rng_hit(&l->rng, l->fault.drop)) {
		pass_byte(l);
		return;
	}
	if (vf_sim_rng_hit(&l->rng, l->noise))
		byte = (uint8_t)vf_sim_rng_next(&l->rng);
	if (vf_sim_rng_hit(&l->rng, l->fault.corrupt))
		byte ^= (uint8_t)(1u << vf_sim_rng_next(&l->rng) % 8);
	append(l, byte);
	if (vf_sim_rng_hit(&l->rng, l->fault.dup))
		append(l, byte);
}

size_t vf_sim_link_put(vf_sim_link *l, const uint8_t *data, size_t len, uint64_t now)
{
	uint64_t t = line_time(l, now);
	uint32_t under_way = l->count - arrived(l, now);
	uint32_t room = under_way < l->under_way_max ? l->under_way_max - under_way : 0;
	size_t n = 0;
	if (l->free_us < t) {
		l->free_us = t;
		l->free_rest = 0;
	}
	/* A byte may become two: one place is kept back. */
	for (; n < len && n < room && l->count + 2 <= l->room; n++)
		send_byte(l, data[n]);
	return n;
}

const uint8_t *vf_sim_link_peek(const vf_sim_link *l, size_t *len, uint64_t now)
{
	uint32_t n = arrived(l, now), whole = l->room - l->head;
	*len = n < whole ? n : whole;
	return l->bytes + l->head;
}

void vf_sim_link_take(vf_sim_link *l, size_t len)
{
	l->head = (l->head + (uint32_t)len) & (l->room - 1);
	l->count -= (uint32_t)len;
}

void vf_sim_link_hold(vf_sim_link *l)
{
	l->held = l->count != 0;
}

/* The first byte passes now; those behind it follow at the line's rate. */
void vf_sim_link_release(vf_sim_link *l, uint64_t now)
{
	if (l->held && now - l->lag_us > arrival(l, 0))
		l->lag_us = now - arrival(l, 0);
	l->held = false;
}

uint64_t vf_sim_link_next(const vf_sim_link *l, uint64_t now)
{
	uint32_t here = l->held ? l->count : arrived(l, now);
	if (here == l->count)
		return VF_SIM_NEVER;
	uint64_t first = arrival(l, here), last = arrival(l, l->count - 1);
	return (last - first < VF_SIM_BATCH_US ? last : first + VF_SIM_BATCH_US) + l->lag_us;
}

uint64_t vf_sim_link_room_at(const vf_sim_link *l, uint64_t now)
{
	uint32_t here = arrived(l, now), under_way = l->count - here;
	if (l->held || l->count + 2 > l->room)
		return VF_SIM_NEVER; /* the receiver has to move first */
	if (under_way < l->under_way_max)
		return now;
	return arrival(l, here + (under_way - 1) / 2) + l->lag_us;
}

void vf_sim_link_cut(vf_sim_link *l, uint64_t now)
{
	uint64_t t = line_time(l, now);
	while (l->count > 0 && arrival(l, l->count - 1) > t + l->latency_us)
		l->count--;
	l->held = l->held && l->count != 0;
	l->free_us = t;
	l->free_rest = 0;
}
