/* A loader that was built with a key (docs/SECURITY.md): only who holds it too is served. */
#include "key.h"

#include "entropy.h"
#include "layout.h"

const uint32_t key_hidden = H747_SECTOR_SIZE;

bool key_join(vf_target_config *target)
{
	static vf_target_guard guard;

	target->guard = &guard;
	target->key = key_bytes;
	return entropy_draw(target->seed);
}
