/* Start-up policy. A person's wish comes first (button, request), then what is true of
 * the flash, and only then time: a board that has nothing to start waits for ever, so
 * there is no window to hit.
 */
#include "policy.h"

#include <stddef.h>

policy policy_of(const policy_facts *f)
{
	if (f->requested)
		return POLICY_REQUESTED;
	if (f->button)
		return POLICY_BUTTON;
	if (!f->known)
		return f->host ? POLICY_HOST : POLICY_WAIT;
	if (!f->complete)
		return POLICY_INCOMPLETE;
	if (!f->application)
		return POLICY_NONE;
	if (f->host)
		return POLICY_HOST;
	return f->waited_us < f->wait_us ? POLICY_WAIT : POLICY_START;
}

const char *policy_line(policy p)
{
	switch (p) {
	case POLICY_BUTTON:
		return "\r\nvcpflash: the button is held, so the application is not started\r\n";
	case POLICY_INCOMPLETE:
		return "\r\nvcpflash: programming was not completed, so nothing is started: run "
		       "'vcpflash program' with the same files again\r\n";
	case POLICY_NONE:
		return "\r\nvcpflash: there is no application: program one with 'vcpflash "
		       "program'\r\n";
	default:
		return NULL;
	}
}
