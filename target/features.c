/* features.c - all of them, for ports that have room. In a file of its own: what is
 * not called the linker leaves out, and with it what it names.
 */
#include "engine.h"

int vf_target_init(vf_target *t, const vf_target_config *config)
{
	static const vf_target_features all = {
		.check = vf_target_check,
		.mend = vf_target_mend,
		.unpack = &vf_target_unpack_feature,
		.rate = &vf_target_rate_feature,
		.text = &vf_target_text_feature,
		.journal = &vf_target_journal_feature,
		.guard = &vf_target_guard_feature,
		.condition = &vf_target_condition_feature,
	};
	return vf_target_init_with(t, config, &all);
}
