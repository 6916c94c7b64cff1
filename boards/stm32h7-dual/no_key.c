/* A loader that was built without a key: whoever reaches a port may use it. */
#include "key.h"

const uint32_t key_hidden = 0;

bool key_join(vf_target_config *target)
{
	(void)target;
	return true;
}
