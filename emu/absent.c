/* absent.c - emu.h where this program was built without libunicorn: no board can
 * be made, and the error says what is missing.
 */

#include <vcpflash/emu.h>

int vf_emu_available(vf_error *err)
{
	return vf_fail(err, VF_E_USAGE,
		       "this program was built without libunicorn and cannot emulate a board; "
		       "install it (Debian: libunicorn-dev) and build again");
}

vf_emu_board *vf_emu_board_new(const vf_emu_board_config *config, vf_error *err)
{
	(void)config;
	(void)vf_emu_available(err);
	return NULL;
}

/* There is no board that any of these could be called with. */

void vf_emu_board_free(vf_emu_board *b)
{
	(void)b;
}

size_t vf_emu_board_write(vf_emu_board *b, const uint8_t *data, size_t len, uint32_t baud)
{
	(void)b, (void)data, (void)len, (void)baud;
	return 0;
}

size_t vf_emu_board_read(vf_emu_board *b, uint8_t *buf, size_t room, uint32_t baud)
{
	(void)b, (void)buf, (void)room, (void)baud;
	return 0;
}

int vf_emu_board_run(vf_emu_board *b, uint64_t until_ns)
{
	(void)b, (void)until_ns;
	return VF_E_USAGE;
}

const char *vf_emu_board_stopped(const vf_emu_board *b)
{
	(void)b;
	return NULL;
}

uint64_t vf_emu_board_now(const vf_emu_board *b)
{
	(void)b;
	return 0;
}

uint64_t vf_emu_board_next(const vf_emu_board *b)
{
	(void)b;
	return 0;
}

void vf_emu_board_reset(vf_emu_board *b)
{
	(void)b;
}

void vf_emu_board_button(vf_emu_board *b, bool pressed)
{
	(void)b, (void)pressed;
}

void vf_emu_board_power_cut(vf_emu_board *b, uint64_t off_ns)
{
	(void)b, (void)off_ns;
}

void vf_emu_board_counts(const vf_emu_board *b, vf_emu_counts *counts)
{
	(void)b;
	*counts = (vf_emu_counts){0};
}

int vf_emu_board_watch(vf_emu_board *b, unsigned core, uint32_t from, uint32_t to)
{
	(void)b, (void)core, (void)from, (void)to;
	return VF_E_USAGE;
}

uint64_t vf_emu_board_watched(const vf_emu_board *b, int index)
{
	(void)b, (void)index;
	return 0;
}

void vf_emu_usb_plug(vf_emu_board *b, bool in)
{
	(void)b, (void)in;
}

bool vf_emu_usb_ready(const vf_emu_board *b)
{
	(void)b;
	return false;
}

size_t vf_emu_usb_write(vf_emu_board *b, const uint8_t *data, size_t len, uint32_t baud)
{
	(void)b, (void)data, (void)len, (void)baud;
	return 0;
}

size_t vf_emu_usb_read(vf_emu_board *b, uint8_t *buf, size_t room)
{
	(void)b, (void)buf, (void)room;
	return 0;
}

void vf_emu_usb_open(vf_emu_board *b, bool open, bool reads)
{
	(void)b, (void)open, (void)reads;
}

void vf_emu_usb_suspend(vf_emu_board *b, bool on)
{
	(void)b, (void)on;
}

void vf_emu_usb_reset(vf_emu_board *b)
{
	(void)b;
}

void vf_emu_usb_attack(vf_emu_board *b, uint32_t transfers)
{
	(void)b, (void)transfers;
}

const char *vf_emu_usb_trouble(const vf_emu_board *b)
{
	(void)b;
	return "";
}

void vf_emu_usb_count(const vf_emu_board *b, vf_emu_usb_counts *counts)
{
	(void)b;
	*counts = (vf_emu_usb_counts){0};
}
