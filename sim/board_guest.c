/* board_guest.c - the other protocols that a simulated board has on its line (GUESTS.md).
 */
#include "board.h"

/* Afresh with each start. */
void vf_sim_board_invite(vf_sim_board *b)
{
	vf_guest_init(&b->guest, &b->target);
	if ((b->config.guests & VF_SIM_GUEST_CONSOLE) != 0)
		vf_console_init(&b->console, &b->guest);
	b->target_config.guest = vf_guest_hook(&b->guest);
}
