/* usb_host.c - the host's port: cable, debouncing, reset, recovery, suspend, and the
 * bytes of the function behind it.
 *
 * Times: Linux's drivers/usb/core/hub.c (100 ms without a change before a device counts
 * as attached, a reset of 50 ms, 10 ms of recovery after it, at most four attempts)
 * and the Universal Serial Bus Specification 2.0, 7.1.7 (3 ms of silence are a suspend,
 * 20 ms of resume).
 */
#include "usb_host.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MS    UINT64_C(1000000)
#define NEVER UINT64_MAX

enum { LOOK_MS = 10, DEBOUNCE_MS = 100, RESET_MS = 50, RECOVER_MS = 10, RESUME_MS = 20, TRIES = 4 };
enum { SUSPEND_MS = 3, PAUSE_MS = 2 };

uint32_t vf_usb_random(vf_usb_host *h)
{
	h->random = h->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(h->random >> 33);
}

bool vf_usb_noise(vf_usb_host *h)
{
	return h->config.noise != 0 && vf_usb_random(h) % h->config.noise == 0;
}

static void say(vf_usb_host *h, const char *line)
{
	if (h->config.log != NULL)
		h->config.log(h->config.context, line);
}

void vf_usb_say(vf_usb_host *h, const char *format, ...)
{
	char line[200];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args);
	va_end(args);
	say(h, line);
}

/* --- states ------------------------------------------------------------------------- */

static void enter(vf_usb_host *h, enum vf_usb_state state, uint64_t ms)
{
	h->state = state;
	h->wait_ns = ms == 0 ? NEVER : h->now_ns + ms * MS;
}

/* Whatever was under way is gone, and so is the port. */
static void forget(vf_usb_host *h)
{
	h->flying = 0;
	h->control.active = false;
	h->opened = false;
	h->urb = 0;
	h->tx_tail = h->tx_head;
	h->baud_told = 0;
	h->address = 0;
}

static void alone(vf_usb_host *h)
{
	forget(h);
	h->step = 0;
	h->idle_ns = 0;
	enter(h, VF_USB_ALONE, LOOK_MS);
}

static void start_reset(vf_usb_host *h)
{
	forget(h);
	h->idle_ns = 0;
	h->counts.resets++;
	h->config.port.reset(h->config.port.device);
	enter(h, VF_USB_RESETTING, RESET_MS);
}

void vf_usb_trouble(vf_usb_host *h, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(h->trouble, sizeof h->trouble, format, args);
	va_end(args);
	vf_usb_say(h, "USB: %s", h->trouble);
	h->step = 0;
	if (++h->tries < TRIES) {
		start_reset(h);
		return;
	}
	forget(h);
	h->idle_ns = h->now_ns + SUSPEND_MS * MS;
	enter(h, VF_USB_GIVEN_UP, 0);
}

static bool attached(const vf_usb_host *h)
{
	return h->config.port.attached(h->config.port.device);
}

static void reset_ended(vf_usb_host *h)
{
	h->high = h->config.port.reset_end(h->config.port.device, !h->config.full_speed);
	vf_usb_bus_restart(h);
	enter(h, VF_USB_RECOVERING, RECOVER_MS);
}

static void recovered(vf_usb_host *h)
{
	if (h->attacks != 0) {
		enter(h, VF_USB_ATTACKING, 0);
		h->actions = h->action = 0;
		return;
	}
	enter(h, VF_USB_ASKING, 0);
	vf_usb_enumerate(h);
}

static void resumed(vf_usb_host *h)
{
	h->config.port.suspend(h->config.port.device, false);
	vf_usb_bus_restart(h);
	enter(h, VF_USB_READY, 0);
}

/* The state has lasted as long as it should. */
static void elapsed(vf_usb_host *h)
{
	switch (h->state) {
	case VF_USB_PULLED:
		vf_usb_host_plug(h, true, h->now_ns);
		break;
	case VF_USB_ALONE:
		if (attached(h))
			enter(h, VF_USB_DEBOUNCE, DEBOUNCE_MS);
		else
			enter(h, VF_USB_ALONE, LOOK_MS);
		break;
	case VF_USB_DEBOUNCE:
		h->tries = 0;
		if (attached(h))
			start_reset(h);
		else
			alone(h);
		break;
	case VF_USB_PAUSING:
		start_reset(h);
		break;
	case VF_USB_RESETTING:
		reset_ended(h);
		break;
	case VF_USB_RECOVERING:
		recovered(h);
		break;
	case VF_USB_RESUMING:
		resumed(h);
		break;
	default:
		h->wait_ns = NEVER;
		break;
	}
}

static bool talks(const vf_usb_host *h)
{
	return h->state == VF_USB_RECOVERING || h->state == VF_USB_PAUSING ||
	       h->state == VF_USB_ASKING || h->state == VF_USB_ATTACKING ||
	       h->state == VF_USB_READY;
}

uint64_t vf_usb_host_next(const vf_usb_host *h)
{
	uint64_t next = h->wait_ns;

	if (talks(h) && vf_usb_bus_next(h) < next)
		next = vf_usb_bus_next(h);
	if (h->idle_ns != 0 && h->idle_ns < next)
		next = h->idle_ns;
	return next;
}

/* A device that lets go of the line is gone, whatever the cable does. */
static bool gone(vf_usb_host *h)
{
	if (h->state < VF_USB_RESETTING || h->now_ns - h->looked_ns < MS)
		return false;
	h->looked_ns = h->now_ns;
	if (attached(h))
		return false;
	say(h, "USB: the device has gone");
	alone(h);
	return true;
}

void vf_usb_host_advance(vf_usb_host *h, uint64_t now_ns)
{
	for (uint64_t at = vf_usb_host_next(h); at <= now_ns; at = vf_usb_host_next(h)) {
		h->now_ns = at > h->now_ns ? at : h->now_ns;
		if (gone(h))
			continue;
		if (h->idle_ns != 0 && h->idle_ns <= at) {
			h->idle_ns = 0;
			h->config.port.suspend(h->config.port.device, true);
		} else if (h->wait_ns <= at) {
			elapsed(h);
		} else {
			vf_usb_bus_step(h);
		}
	}
	h->now_ns = now_ns > h->now_ns ? now_ns : h->now_ns;
}

/* --- the person at the cable ------------------------------------------------------------- */

void vf_usb_host_init(vf_usb_host *h, const vf_usb_host_config *config)
{
	memset(h, 0, sizeof *h);
	h->config = *config;
	h->random = config->seed;
	h->wait_ns = NEVER;
	h->baud = 115200;
	h->wanted = h->reading = true;
}

void vf_usb_host_plug(vf_usb_host *h, bool in, uint64_t now_ns)
{
	h->now_ns = now_ns > h->now_ns ? now_ns : h->now_ns;
	if (in == (h->state != VF_USB_PULLED))
		return;
	h->config.port.power(h->config.port.device, in);
	if (in) {
		h->tries = 0;
		alone(h);
		return;
	}
	forget(h);
	h->rx_tail = h->rx_head;
	h->attacks = 0;
	enter(h, VF_USB_PULLED, 0);
	h->idle_ns = h->now_ns + SUSPEND_MS * MS; /* its own pull-up holds the line idle */
}

void vf_usb_host_suspend(vf_usb_host *h, bool on, uint64_t now_ns)
{
	h->now_ns = now_ns > h->now_ns ? now_ns : h->now_ns;
	if (on && h->state == VF_USB_READY) {
		h->flying = 0;
		h->idle_ns = h->now_ns + SUSPEND_MS * MS;
		enter(h, VF_USB_SUSPENDED, 0);
	} else if (!on && h->state == VF_USB_SUSPENDED) {
		h->idle_ns = 0;
		enter(h, VF_USB_RESUMING, RESUME_MS);
	}
}

void vf_usb_host_reset(vf_usb_host *h, uint64_t now_ns)
{
	h->now_ns = now_ns > h->now_ns ? now_ns : h->now_ns;
	if (h->state < VF_USB_RESETTING)
		return;
	h->tries = 0;
	h->step = 0;
	start_reset(h);
}

void vf_usb_again(vf_usb_host *h)
{
	enter(h, VF_USB_PAUSING, PAUSE_MS);
}

void vf_usb_host_attack(vf_usb_host *h, uint32_t transfers, uint64_t now_ns)
{
	h->attacks = transfers;
	vf_usb_host_reset(h, now_ns);
}

/* --- bytes ----------------------------------------------------------------------------------- */

bool vf_usb_host_ready(const vf_usb_host *h)
{
	return h->state == VF_USB_READY || h->state == VF_USB_SUSPENDED ||
	       h->state == VF_USB_RESUMING;
}

void vf_usb_host_open(vf_usb_host *h, bool open, bool reads)
{
	h->wanted = open;
	h->reading = open && reads;
	if (!open) {
		h->tx_tail = h->tx_head;
		h->rx_tail = h->rx_head;
		h->urb = 0;
	}
}

size_t vf_usb_host_write(vf_usb_host *h, const uint8_t *data, size_t len, uint32_t baud)
{
	size_t n = 0;

	if (baud != 0)
		h->baud = baud;
	if (!vf_usb_host_ready(h) || !h->wanted)
		return 0;
	while (n < len && h->tx_head - h->tx_tail < VF_USB_LINE)
		h->tx[h->tx_head++ % VF_USB_LINE] = data[n++];
	return n;
}

size_t vf_usb_host_read(vf_usb_host *h, uint8_t *data, size_t room)
{
	size_t n = 0;

	while (n < room && h->rx_tail != h->rx_head)
		data[n++] = h->rx[h->rx_tail++ % VF_USB_LINE];
	return n;
}
