/* error.h - a host-side error: what kind, and one line for the person.
 *
 * The line says what, where and what to do; it has no trailing newline and no
 * "error:" in front. Host side only (the board has codes, not sentences).
 */
#ifndef VCPFLASH_ERROR_H
#define VCPFLASH_ERROR_H

#include <stdarg.h>
#include <stdio.h>

#include <vcpflash/status.h>

typedef struct vf_error {
	int code;       /* enum vf_status; VF_OK when there is none */
	char text[400]; /* NUL-terminated UTF-8 */
} vf_error;

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
/* Fills `e` (which may be NULL) and returns `code`, so that callers can write
 * `return vf_fail(e, VF_E_FILE, "…")`. */
static inline int
vf_fail(vf_error *e, int code, const char *fmt, ...)
{
	if (e != NULL) {
		va_list ap;
		va_start(ap, fmt);
		e->code = code;
		(void)vsnprintf(e->text, sizeof e->text, fmt, ap);
		va_end(ap);
	}
	return code;
}

#endif
