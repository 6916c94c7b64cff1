/* board_guest.c - the other protocols that a simulated board has on its line (GUESTS.md).
 */
#include "board.h"

enum { SECTOR = 64 * 1024 };

/* Two dies in parallel are not for it: then it does not join. Nor is a vendor's driver,
 * behind which nobody reaches the bus. */
static void invite_serprog(vf_sim_board *b)
{
	const vf_serprog_config c = {.name = b->target_config.name,
				     .nor = &b->nor,
				     .memory = &b->memory,
				     .buf = b->programmer,
				     .buf_len = sizeof b->programmer,
				     .serial_len = b->target_config.ring_len};
	(void)vf_serprog_invite(&b->serprog, &b->guest, VF_SIM_EXTERNAL, &c);
}

/* Afresh with each start. */
void vf_sim_board_invite(vf_sim_board *b)
{
	vf_guest_init(&b->guest, &b->target);
	if ((b->config.guests & VF_SIM_GUEST_CONSOLE) != 0)
		vf_console_init(&b->console, &b->guest);
	if ((b->config.guests & VF_SIM_GUEST_YMODEM) != 0)
		vf_ymodem_init(&b->ymodem, &b->guest,
			       b->sector + (32 - (uintptr_t)b->sector % 32) % 32, SECTOR);
	if ((b->config.guests & VF_SIM_GUEST_SERPROG) != 0 && !b->config.blocking)
		invite_serprog(b);
	b->target_config.guest = vf_guest_hook(&b->guest);
}
