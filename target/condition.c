/* condition.c - the chip's condition behind a memory's description, for boards that
 * tell it (PROTOCOL 3.3).
 */
#include "engine.h"

static size_t put(uint8_t *out, const vf_condition *c)
{
	return vf_pack_condition(out, c);
}

const struct vf_target_condition_feature vf_target_condition_feature = {put};
