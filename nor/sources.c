/* sources.c - all of them, for ports that have room. In a file of its own: what is
 * not called the linker leaves out, and with it what it names.
 */
#include "nor_internal.h"

int vf_nor_init(vf_nor *n, const vf_nor_config *config)
{
	static const vf_nor_sources all = {&vf_nor_sfdp_source, &vf_nor_parts_source,
					   &vf_nor_look_source};

	return vf_nor_init_with(n, config, &all);
}
