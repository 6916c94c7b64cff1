/* client_internal.h - what the files of the client room share. */
#ifndef VF_CLIENT_INTERNAL_H
#define VF_CLIENT_INTERNAL_H

#include <vcpflash/client.h>

enum { VF_CLIENT_NAME_MAX = 1024 };

/* vf_client_do on a port that is named. */
int vf_client_on(const vf_client_options *opt, const vf_job_config *config, vf_job_result *result,
		 vf_board *board, vf_session_stats *link);

/* keeper.c: the file of kept bytes. All zero at the beginning. */
typedef struct vf_keeper {
	uint8_t *bytes; /* what was loaded last */
} vf_keeper;

vf_job_keeper vf_keeper_door(vf_keeper *k);
void vf_keeper_free(vf_keeper *k);

#endif
