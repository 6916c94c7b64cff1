/* project.h - the project around an example port, faked: virtual time, a CDC that
 * is busy for a while after each transfer, packets of 64 bytes that are offered
 * only when the port has room, and a host that carries out jobs.
 */
#ifndef VCPFLASH_TESTS_EXAMPLES_PROJECT_H
#define VCPFLASH_TESTS_EXAMPLES_PROJECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vcpflash/job.h>

/* The ports call these by name; declared here as they declare them. */
uint32_t my_micros(void);
bool my_send(const uint8_t *data, uint16_t len);
bool my_sending(void);

void project_reset(void);
uint64_t project_now(void);
void project_pass(uint64_t until); /* nothing else happens meanwhile */

void *project_resize(void *ctx, void *p, size_t size);
void project_add(vf_image *image, const uint8_t *bytes, size_t len, uint32_t address);
vf_job_result project_program(const vf_image *image);
vf_job_result project_carry_out(vf_job_config c);

#endif
