/* condition.c - the chip's condition behind a memory's description, for boards that
 * tell it (PROTOCOL 3.3).
 */
#include "engine.h"

const struct vf_target_condition_feature vf_target_condition_feature = {vf_pack_condition};
